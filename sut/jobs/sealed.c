/* sealed.c: see sealed.h. Pure functions of their arguments; chance comes from the environment. What is lost with a key is lost. */
#include "sut/jobs/sealed.h"
#include "sut/runtime/heap.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key");
_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "the nonce");

#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BASE64    sodium_base64_VARIANT_ORIGINAL

#define HEAD       "{\"$sealed\":{\"key\":\""
#define NONCE_HEAD "\",\"nonce\":\""
#define DATA_HEAD  "\",\"data\":\""
#define TAIL       "\"}}"

/* ---- keys ---- */

static bool key_name_good(const char *name)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return *name && strlen(name) <= SEAL_NAME_MAX && name[strspn(name, good)] == '\0';
}

static const struct seal_key *key_find(const struct key_ring *ring, const char *name)
{
    for (size_t i = 0; ring && i < ring->count; ++i)
        if (strcmp(ring->keys[i].name, name) == 0)
            return &ring->keys[i];
    return NULL;
}

/* One that is read anew, behind those that are there. */
static const char *key_read(struct key_ring *ring, const char *line, size_t length)
{
    struct seal_key key = {0};
    size_t name = strcspn(line, " \t:"), bytes = 0;
    const char *end = NULL;
    if (name > length || name > SEAL_NAME_MAX)
        return "is not NAME KEY, with a name of at most 63 bytes";
    memcpy(key.name, line, name);
    if (!key_name_good(key.name))
        return "has a name with other characters than A-Z a-z 0-9 . _ -";
    if (key_find(ring, key.name))
        return "has the name of another one";
    if (ring->count == SEAL_KEYS_MAX)
        return "is one key too many: at most 64";
    const char *text = line + name + strspn(line + name, " \t:");
    size_t left = text < line + length ? (size_t)(line + length - text) : 0;
    int bad = sodium_base642bin(key.bytes, SEAL_KEY_BYTES, text, left, NULL, &bytes, &end, BASE64);
    if (!bad && bytes == SEAL_KEY_BYTES && end == text + left)
        ring->keys[ring->count++] = key;
    else
        bad = -1;
    sodium_memzero(&key, sizeof key);
    return bad ? "has a key that is not 32 bytes in base64" : NULL;
}

static size_t trimmed(const char **line, size_t length)
{
    while (length && strchr(" \t\r", **line))
        ++*line, --length;
    while (length && strchr(" \t\r", (*line)[length - 1]))
        --length;
    return length;
}

bool key_ring_read(struct key_ring *ring, const char *text, char *why, size_t why_size)
{
    unsigned number = 0;
    *ring = (struct key_ring){0};
    while (*text) {
        const char *line = text, *wrong = NULL;
        size_t length = strcspn(text, "\n,"), said = strcspn(text, "\n,#");
        ++number;
        text += length + (text[length] != '\0');
        said = trimmed(&line, said);
        if (said)
            wrong = key_read(ring, line, said);
        if (wrong) {
            snprintf(why, why_size, "line %u %s", number, wrong);
            key_ring_forget(ring);
            return false;
        }
    }
    if (!ring->count)
        snprintf(why, why_size,
                 "there is no key in it: a line is NAME KEY (head -c 32 /dev/urandom | base64 "
                 "makes one)");
    return ring->count > 0;
}

void key_ring_forget(struct key_ring *ring)
{
    sodium_memzero(ring, sizeof *ring);
}

/* ---- sealing ---- */

bool args_sealed(const char *args)
{
    return args && strncmp(args, HEAD, sizeof HEAD - 1) == 0;
}

const char *args_shown(const char *args)
{
    return args_sealed(args) ? "\"encrypted\"" : args;
}

static char *add(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length + 1);
    return at + length;
}

static char *add_base64(char *at, const unsigned char *bytes, size_t size)
{
    sodium_bin2base64(at, sodium_base64_encoded_len(size, BASE64), bytes, size, BASE64);
    return at + strlen(at);
}

const char *args_seal(const struct key_ring *ring, const char *args,
                      const unsigned char nonce[static SEAL_NONCE_BYTES], struct heap *heap)
{
    const struct seal_key *key = &ring->keys[0];
    size_t size = strlen(args), room = size + TAG_BYTES;
    unsigned char *data = heap_alloc(heap, room);
    crypto_aead_xchacha20poly1305_ietf_encrypt(data, NULL, (const unsigned char *)args, size,
                                               (const unsigned char *)key->name, strlen(key->name),
                                               NULL, nonce, key->bytes);
    char *sealed =
        heap_alloc(heap, sizeof HEAD + sizeof NONCE_HEAD + sizeof DATA_HEAD + sizeof TAIL +
                             SEAL_NAME_MAX + sodium_base64_ENCODED_LEN(SEAL_NONCE_BYTES, BASE64) +
                             sodium_base64_encoded_len(room, BASE64));
    char *at = add(add(sealed, HEAD), key->name);
    at = add_base64(add(at, NONCE_HEAD), nonce, SEAL_NONCE_BYTES);
    at = add_base64(add(at, DATA_HEAD), data, room);
    add(at, TAIL);
    heap_release(heap, data);
    return sealed;
}

/* ---- opening ---- */

/* The text between the two, which ends at *at + its length. NULL: it is not there. */
static const char *part(const char **at, const char *head, size_t *ret_length)
{
    size_t length = strlen(head);
    if (strncmp(*at, head, length) != 0)
        return NULL;
    const char *text = *at + length;
    *ret_length = strcspn(text, "\"");
    *at = text + *ret_length;
    return text;
}

struct parts {
    char key[SEAL_NAME_MAX + 1];
    unsigned char nonce[SEAL_NONCE_BYTES];
    unsigned char *data; /* in the heap */
    size_t size;
};

static bool parts_read(const char *sealed, struct heap *heap, struct parts *parts)
{
    size_t name, nonce, data, size = 0;
    const char *name_at = part(&sealed, HEAD, &name);
    const char *nonce_at = name_at ? part(&sealed, NONCE_HEAD, &nonce) : NULL;
    const char *data_at = nonce_at ? part(&sealed, DATA_HEAD, &data) : NULL;
    if (!data_at || name > SEAL_NAME_MAX || strcmp(sealed, TAIL) != 0)
        return false;
    *parts = (struct parts){.data = heap_alloc(heap, data + 1)};
    memcpy(parts->key, name_at, name);
    return sodium_base642bin(parts->nonce, SEAL_NONCE_BYTES, nonce_at, nonce, NULL, &size, NULL,
                             BASE64) == 0 &&
           size == SEAL_NONCE_BYTES &&
           sodium_base642bin(parts->data, data, data_at, data, NULL, &parts->size, NULL, BASE64) ==
               0 &&
           parts->size >= TAG_BYTES;
}

const char *args_open(const struct key_ring *ring, const char *sealed, struct heap *heap, char *why,
                      size_t why_size)
{
    struct parts parts = {0};
    const struct seal_key *key = NULL;
    char *args = NULL;
    if (!parts_read(sealed, heap, &parts))
        snprintf(why, why_size, "its encrypted arguments are damaged");
    else if (!(key = key_find(ring, parts.key)))
        snprintf(why, why_size, "its arguments are encrypted, and there is no key '%s' here",
                 parts.key);
    if (key) {
        args = heap_alloc(heap, parts.size - TAG_BYTES + 1);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(
                (unsigned char *)args, NULL, NULL, parts.data, parts.size,
                (const unsigned char *)key->name, strlen(key->name), parts.nonce, key->bytes)) {
            snprintf(why, why_size,
                     "its arguments are not what key '%s' encrypted: they were changed, or the "
                     "key is another one of that name",
                     key->name);
            heap_release(heap, args);
            args = NULL;
        }
    }
    heap_release(heap, parts.data);
    return args;
}

/* ---- for the trace ---- */

uint64_t args_print(const char *args)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *args; ++args)
        hash = (hash ^ (unsigned char)*args) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t args_nonce(const char *sealed)
{
    size_t length;
    char nonce[33] = "";
    if (part(&sealed, HEAD, &length) && part(&sealed, NONCE_HEAD, &length) && length == 32)
        memcpy(nonce, sealed - length, length);
    return args_print(nonce);
}

/* ---- specs ---- */

static void nonce_make(struct env *env, unsigned char nonce[static SEAL_NONCE_BYTES])
{
    for (size_t i = 0; i < SEAL_NONCE_BYTES; i += sizeof(uint64_t)) {
        uint64_t bits = env_entropy(env);
        memcpy(nonce + i, &bits, sizeof bits);
    }
}

static const char *spec_wrong(const struct key_ring *ring, const struct job_spec *spec)
{
    const char *wrong = job_spec_check(spec);
    if (wrong || !spec->encrypted)
        return wrong;
    if (!ring || !ring->count)
        return "its arguments are to be encrypted, and there is no key";
    if (args_sealed(spec->args))
        return "its arguments are to be encrypted, and are already";
    return NULL;
}

struct job_spec *specs_seal(const struct key_ring *ring, struct env *env,
                            const struct job_spec *specs, size_t count, struct heap *heap,
                            char *why, size_t why_size)
{
    struct job_spec *copies = heap_alloc(heap, (count + 1) * sizeof *copies);
    for (size_t i = 0; i < count; ++i) {
        const char *wrong = spec_wrong(ring, &specs[i]);
        copies[i] = specs[i];
        if (!wrong && specs[i].encrypted) {
            unsigned char nonce[SEAL_NONCE_BYTES];
            nonce_make(env, nonce);
            copies[i].args = args_seal(ring, specs[i].args ? specs[i].args : "{}", nonce, heap);
            copies[i].encrypted = false;
            wrong = job_spec_check(&copies[i]);
        }
        if (wrong) {
            snprintf(why, why_size, "job %zu of %zu: %s", i + 1, count, wrong);
            return NULL;
        }
    }
    return copies;
}
