/* words.h: reading what people write: durations, numbers, and words that are almost right. */
#ifndef SUT_CLI_WORDS_H
#define SUT_CLI_WORDS_H

#include "sut/env.h"

#include <stdbool.h>

/* "500ms", "2s", "1.5h"? No: a whole number and one of ns us ms s m h d. False: it is none, or
 * too large. */
bool words_duration(const char *text, int64_t *ret_ns);
/* "2026-01-31T18:30:00Z", UTC: the seconds and the Z may be left out, the T may be a blank. */
bool words_time(const char *text, int64_t *ret_ms);
const char *words_of_duration(int64_t ns,
                              char out[static 32]); /* the largest unit that fits; returns out */
bool words_number(const char *text, int64_t least, int64_t most, int64_t *ret_number);

/* Bytes: a whole number, and perhaps one of K M G T (of 1024). False: it is none, or more than `most`. */
bool words_size(const char *text, int64_t most, int64_t *ret_bytes);

/* The word that was probably meant, or NULL. */
const char *words_nearest(const char *word, const char *const *words, size_t count);

#endif
