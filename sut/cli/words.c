/* words.c: see words.h. Pure functions. */
#define _GNU_SOURCE /* strptime, timegm */
#include "sut/cli/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- numbers and durations ---- */

static const struct {
    const char *word;
    int64_t ns;
} units[] = {
    {"d", 86400 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"s", NS_PER_S},
    {"ms", NS_PER_MS},
    {"us", NS_PER_US},
    {"ns", 1},
};

#define UNITS (sizeof units / sizeof *units)

/* Only digits; the rest of the text to *ret_rest. */
static bool digits(const char *text, int64_t *ret_number, const char **ret_rest)
{
    char *rest;
    errno = 0;
    long long number = strtoll(text, &rest, 10);
    if (*text < '0' || *text > '9' || errno)
        return false;
    *ret_number = number;
    *ret_rest = rest;
    return true;
}

bool words_number(const char *text, int64_t least, int64_t most, int64_t *ret_number)
{
    int64_t number;
    const char *rest;
    if (!digits(text, &number, &rest) || *rest || number < least || number > most)
        return false;
    *ret_number = number;
    return true;
}

static bool multiply(int64_t a, int64_t b, int64_t *ret_product)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *ret_product = product;
    return true;
}

bool words_size(const char *text, int64_t most, int64_t *ret_bytes)
{
    static const char letters[] = "KMGT";
    int64_t number, bytes;
    const char *rest;
    if (!digits(text, &number, &rest))
        return false;
    const char *unit = *rest ? strchr(letters, *rest) : NULL;
    if (*rest && (!unit || rest[1]))
        return false;
    if (!multiply(number, unit ? INT64_C(1) << 10 * (unit - letters + 1) : 1, &bytes) ||
        bytes > most)
        return false;
    *ret_bytes = bytes;
    return true;
}

bool words_duration(const char *text, int64_t *ret_ns)
{
    int64_t number;
    const char *unit;
    if (!digits(text, &number, &unit))
        return false;
    for (size_t i = 0; i < UNITS; ++i)
        if (strcmp(unit, units[i].word) == 0)
            return multiply(number, units[i].ns, ret_ns);
    return false;
}

const char *words_of_duration(int64_t ns, char out[static 32])
{
    size_t i = 0;
    while (i < UNITS - 1 && (ns < units[i].ns || ns % units[i].ns != 0))
        ++i;
    snprintf(out, 32, "%" PRId64 "%s", ns / units[i].ns, ns == 0 ? "s" : units[i].word);
    return out;
}

bool words_time(const char *text, int64_t *ret_ms)
{
    struct tm utc = {0};
    const char *at = strptime(text, "%Y-%m-%d", &utc);
    if (!at || (*at != 'T' && *at != ' '))
        return false;
    at = strptime(at + 1, "%H:%M", &utc);
    if (at && *at == ':')
        at = strptime(at + 1, "%S", &utc);
    if (!at || at[*at == 'Z'])
        return false;
    struct tm same = utc;
    time_t seconds = timegm(&utc);
    if (seconds < 0 || utc.tm_mday != same.tm_mday || utc.tm_sec != same.tm_sec)
        return false; /* 30 February; a leap second */
    *ret_ms = (int64_t)seconds * 1000;
    return true;
}

/* ---- words that are almost right ---- */

#define WORD_MAX 48 /* longer words have no neighbours */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edit distance, with two neighbours swapped as one edit: three rows of the usual table. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    size_t a_length = strlen(a), b_length = strlen(b);
    memset(rows, 0, sizeof rows);
    for (unsigned j = 0; j <= b_length; ++j)
        last[j] = j;
    for (unsigned i = 1; i <= a_length; ++i) {
        row[0] = i;
        for (unsigned j = 1; j <= b_length; ++j) {
            row[j] = least(least(row[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_length];
}

const char *words_nearest(const char *word, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t length = strlen(word);
    unsigned best = length < 3 ? 2 : (unsigned)(length + 2) / 3 + 1; /* a third may be wrong */
    if (length == 0 || length > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; ++i) {
        unsigned apart = strlen(words[i]) <= WORD_MAX ? distance(word, words[i]) : best;
        if (apart < best && apart < strlen(words[i])) {
            best = apart;
            nearest = words[i];
        }
    }
    return nearest;
}
