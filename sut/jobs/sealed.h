/* sealed.h: arguments that only who has the key can read. A job with `encrypted` in its spec is kept with its arguments sealed, by
 * XChaCha20-Poly1305 (libsodium); its worker gets them as they were.
 *
 *     {"$sealed":{"key":"2026-11","nonce":"...","data":"..."}}       base64; what the database, and whoever reads it, sees
 *
 * Keys have names, in a ring: the first one seals, each of them opens what it sealed. So a new key is put in front, on all nodes,
 * and an old one is taken away when no job waits that it sealed. A job whose key is not there, or whose arguments were changed,
 * fails with a sentence, as any other: it is tried again, and can be retried by hand when the key is there.
 *
 * Sealed are the arguments, nothing else: not meta, tags, errors, checkpoints, results. */
#ifndef SUT_SEALED_H
#define SUT_SEALED_H

#include "sut/env.h"
#include "sut/jobs/job.h"

#define SEAL_NAME_MAX    63
#define SEAL_KEY_BYTES   32
#define SEAL_NONCE_BYTES 24
#define SEAL_KEYS_MAX    64

struct seal_key {
    char name[SEAL_NAME_MAX + 1]; /* of [A-Za-z0-9._-] */
    unsigned char bytes[SEAL_KEY_BYTES];
};

struct key_ring {
    struct seal_key keys[SEAL_KEYS_MAX];
    size_t count; /* the first one seals */
};

/* Reads "NAME KEY" lines, the newest first; the key is 32 bytes in base64. Also NAME:KEY, and a comma for the end of a line; '#'
 * begins a comment. False, with a sentence that shows no key. */
bool key_ring_read(struct key_ring *ring, const char *text, char *why, size_t why_size);
void key_ring_forget(struct key_ring *ring); /* leaves none of it in memory */

bool args_sealed(const char *args);
/* As they may be shown: sealed ones as "encrypted", in quotes: a JSON text. */
const char *args_shown(const char *args);

/* Seals with the first key. `nonce` must never be the same for two texts: from the environment's chance. Memory is the heap's. */
const char *args_seal(const struct key_ring *ring, const char *args,
                      const unsigned char nonce[static SEAL_NONCE_BYTES], struct heap *heap);
/* The arguments as they were, in the heap. NULL with a sentence: no such key, or not what was sealed. ring may be NULL: no keys. */
const char *args_open(const struct key_ring *ring, const char *sealed, struct heap *heap, char *why,
                      size_t why_size);

/* For the trace, which shows no arguments: numbers by which two texts, or nonces, can be told apart. */
uint64_t args_print(const char *args);
uint64_t args_nonce(const char *sealed);

/* For inserts that go around jobs_insert(): copies of the specs in which what is to be encrypted is. NULL with a sentence: there is
 * no key, or a spec is wrong. */
struct job_spec *specs_seal(const struct key_ring *ring, struct env *env,
                            const struct job_spec *specs, size_t count, struct heap *heap,
                            char *why, size_t why_size);

#endif
