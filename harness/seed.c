/* seed.c: see seed.h. */
#include "harness/seed.h"

#include "harness/hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HASH_DIGITS = 40, WORD_DIGITS = 16 };

uint64_t seed_of(uint64_t suite_seed, uint64_t index)
{
    return mix64(mix64(suite_seed) + index);
}

static uint64_t hash_fold(const char *digits)
{
    uint64_t seed = 0;
    for (size_t at = 0; at < HASH_DIGITS; at += WORD_DIGITS) {
        char word[WORD_DIGITS + 1] = "";
        strncpy(word, digits + at, WORD_DIGITS);
        seed = mix64(seed ^ strtoull(word, NULL, 16));
    }
    return seed;
}

int seed_parse(const char *text, uint64_t *ret_seed, char *why, size_t why_size)
{
    size_t length = strlen(text);
    if (length == HASH_DIGITS && strspn(text, "0123456789abcdefABCDEF") == length) {
        *ret_seed = hash_fold(text);
        return 0;
    }
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text;
    size_t valid = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (valid == 0 || digits[valid]) {
        snprintf(why, why_size,
                 "'%s' is not a seed: a decimal number, 0x..., or a commit hash of 40 digits",
                 text);
        return -EINVAL;
    }
    errno = 0;
    uint64_t seed = strtoull(digits, NULL, hex ? 16 : 10);
    if (errno) {
        snprintf(why, why_size, "seed '%s' does not fit into 64 bits", text);
        return -EINVAL;
    }
    *ret_seed = seed;
    return 0;
}

uint64_t seed_fresh(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return mix64((uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec);
}
