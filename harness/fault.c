/* fault.c: the words of the fault vocabulary, read and written. Pure functions over text: nothing
 * can be lost.
 *
 * What an action looks like stands in one table, FORMS: an action takes nothing, an errno, or a
 * duration (fixed or a range). Durations are integers of nanoseconds; a text that is no whole
 * number of them is no duration.
 */
#define _GNU_SOURCE /* strerrorname_np */
#include "harness/fault.h"
#include "harness/point.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *const words[] = {
#define X(e, word, can) word,
    FAULT_KINDS(X)
#undef X
};

static const uint32_t cans[] = {
#define X(e, word, can) can,
    FAULT_KINDS(X)
#undef X
};

enum form { FORM_BARE, FORM_ERRNO, FORM_DURATION };

static const enum form forms[FAULT_KIND_COUNT] = {
    [FAULT_DELAY] = FORM_DURATION,
    [FAULT_ERROR] = FORM_ERRNO,
    [FAULT_TIMEOUT] = FORM_DURATION,
    [FAULT_PAUSE] = FORM_DURATION,
};

const char *fault_word(enum fault_kind kind)
{
    assert(kind < FAULT_KIND_COUNT);
    return words[kind];
}

uint32_t fault_can(enum fault_kind kind)
{
    assert(kind < FAULT_KIND_COUNT);
    return cans[kind];
}

/* ---- errno ---- */

#define ERRNO_MAX 4095 /* as in the kernel */

static const struct {
    const char *name;
    int err;
} errno_aliases[] = {
    {"EWOULDBLOCK", EWOULDBLOCK},
    {"EDEADLOCK", EDEADLOCK},
    {"ENOTSUP", ENOTSUP},
    {"EOPNOTSUPP", EOPNOTSUPP},
};

const char *errno_name(int err)
{
    return err > 0 ? strerrorname_np(err) : NULL;
}

static bool is_word(const char *word, const char *text, size_t length)
{
    return word && strlen(word) == length && memcmp(word, text, length) == 0;
}

int errno_by_name(const char *name, size_t length)
{
    for (int err = 1; err < 256; err++)
        if (is_word(errno_name(err), name, length))
            return err;
    for (size_t i = 0; i < sizeof errno_aliases / sizeof errno_aliases[0]; i++)
        if (is_word(errno_aliases[i].name, name, length))
            return errno_aliases[i].err;
    return 0;
}

/* ---- durations ---- */

static const struct {
    const char *word;
    int64_t ns;
} units[] = {
    /* largest first; "ms" is told from "m" by the letter that follows */
    {"d", INT64_C(86400000000000)},
    {"h", INT64_C(3600000000000)},
    {"m", INT64_C(60000000000)},
    {"s", INT64_C(1000000000)},
    {"ms", INT64_C(1000000)},
    {"us", INT64_C(1000)},
    {"ns", INT64_C(1)},
};
#define UNIT_COUNT   (sizeof units / sizeof units[0])
#define DECIMALS_MAX 9

static size_t digits_length(const char *text)
{
    size_t n = 0;
    while (isdigit((unsigned char)text[n]))
        n++;
    return n;
}

static int64_t unit_named(const char *text, size_t length)
{
    for (size_t i = 0; i < UNIT_COUNT; i++)
        if (is_word(units[i].word, text, length))
            return units[i].ns;
    return 0;
}

size_t duration_parse(const char *text, int64_t *ret_ns)
{
    size_t whole = digits_length(text);
    size_t decimals = text[whole] == '.' ? digits_length(text + whole + 1) : 0;
    size_t end = whole + (decimals ? decimals + 1 : 0), letters = 0;
    while (isalnum((unsigned char)text[end + letters]))
        letters++;
    int64_t unit = unit_named(text + end, letters);
    if (whole == 0 || whole > 18 || decimals > DECIMALS_MAX || unit == 0)
        return 0;

    unsigned __int128 value = 0, scale = 1;
    for (size_t i = 0; i < end; i++)
        if (text[i] != '.')
            value = value * 10 + (unsigned)(text[i] - '0');
    for (size_t i = 0; i < decimals; i++)
        scale *= 10;
    value *= (unsigned __int128)unit;
    if (value % scale != 0 || value / scale > INT64_MAX)
        return 0;
    *ret_ns = (int64_t)(value / scale);
    return end + letters;
}

/* Writes ns in this unit if it has a whole part and a finite fraction; returns false otherwise. */
static bool print_in_unit(uint64_t ns, size_t unit, char *out, size_t size)
{
    uint64_t one = (uint64_t)units[unit].ns;
    unsigned __int128 rest = ns % one, scale = 1;
    int decimals = 0;
    if (ns < one)
        return false;
    for (; rest * scale % one != 0; decimals++) {
        if (decimals == DECIMALS_MAX)
            return false;
        scale *= 10;
    }
    if (decimals == 0)
        snprintf(out, size, "%" PRIu64 "%s", ns / one, units[unit].word);
    else
        snprintf(out, size, "%" PRIu64 ".%0*" PRIu64 "%s", ns / one, decimals,
                 (uint64_t)(rest * scale / one), units[unit].word);
    return true;
}

const char *duration_print(int64_t ns, char *out, size_t size)
{
    char best[48] = "0s", text[48];
    uint64_t positive = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    bool found = false;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (print_in_unit(positive, i, text, sizeof text) &&
            (!found || strlen(text) < strlen(best))) {
            memcpy(best, text, sizeof best);
            found = true;
        }
    }
    snprintf(out, size, "%s%s", ns < 0 ? "-" : "", best);
    return out;
}

/* ---- actions ---- */

static void print_errno(int err, char *out, size_t size)
{
    if (errno_name(err))
        snprintf(out, size, "%s", errno_name(err));
    else
        snprintf(out, size, "%d", err);
}

static void print_duration(const struct fault *fault, char *out, size_t size)
{
    char lo[48], hi[48];
    duration_print(fault->lo_ns, lo, sizeof lo);
    duration_print(fault->hi_ns, hi, sizeof hi);
    if (fault->lo_ns == fault->hi_ns)
        snprintf(out, size, "%s", lo);
    else
        snprintf(out, size, "%s..%s", lo, hi);
}

const char *fault_print(const struct fault *fault, char *out, size_t size)
{
    char argument[100];
    switch (forms[fault->kind]) {
    case FORM_BARE: snprintf(out, size, "%s", fault_word(fault->kind)); return out;
    case FORM_ERRNO: print_errno(fault->err, argument, sizeof argument); break;
    case FORM_DURATION: print_duration(fault, argument, sizeof argument); break;
    }
    snprintf(out, size, "%s(%s)", fault_word(fault->kind), argument);
    return out;
}

struct reader {
    const char *text;
    size_t at;
    const char *why;
};

static bool complain(struct reader *reader, const char *why)
{
    reader->why = why;
    return false;
}

static size_t word_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

static bool read_errno(struct reader *reader, struct fault *fault)
{
    const char *at = reader->text + reader->at;
    size_t length = word_length(at);
    fault->err = errno_by_name(at, length);
    if (length > 0 && length <= 4 && digits_length(at) == length)
        for (size_t i = 0; i < length; i++)
            fault->err = fault->err * 10 + (at[i] - '0');
    if (fault->err < 1 || fault->err > ERRNO_MAX)
        return complain(reader, "expected the name of an errno, as in error(ETIMEDOUT)");
    reader->at += length;
    return true;
}

static bool read_one_duration(struct reader *reader, int64_t *ret_ns)
{
    size_t length = duration_parse(reader->text + reader->at, ret_ns);
    reader->at += length;
    return length > 0 || complain(reader, "expected a duration, as in 250ms or 1.5s");
}

static bool read_duration(struct reader *reader, struct fault *fault)
{
    if (!read_one_duration(reader, &fault->lo_ns))
        return false;
    fault->hi_ns = fault->lo_ns;
    if (strncmp(reader->text + reader->at, "..", 2) != 0)
        return true;
    reader->at += 2;
    size_t second = reader->at;
    if (!read_one_duration(reader, &fault->hi_ns))
        return false;
    if (fault->hi_ns >= fault->lo_ns)
        return true;
    reader->at = second;
    return complain(reader, "the range ends before it begins");
}

static bool read_char(struct reader *reader, char c, const char *why)
{
    if (reader->text[reader->at] != c)
        return complain(reader, why);
    reader->at++;
    return true;
}

static bool read_argument(struct reader *reader, struct fault *fault)
{
    bool is_errno = forms[fault->kind] == FORM_ERRNO;
    if (!read_char(reader, '(',
                   is_errno ? "expected '(' and the name of an errno, as in error(ETIMEDOUT)"
                            : "expected '(' and a duration, as in delay(5ms..2s)"))
        return false;
    return (is_errno ? read_errno(reader, fault) : read_duration(reader, fault)) &&
           read_char(reader, ')', "expected ')'");
}

static bool read_action(struct reader *reader, struct fault *fault)
{
    size_t length = word_length(reader->text);
    for (size_t kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        if (!is_word(words[kind], reader->text, length))
            continue;
        fault->kind = (enum fault_kind)kind;
        reader->at = length;
        return forms[kind] == FORM_BARE || read_argument(reader, fault);
    }
    return complain(reader,
                    "expected an action: crash, kill, poweroff, error(ERRNO), timeout(DUR), "
                    "disconnect, delay(DUR), pause(DUR), short, lie, misdirect, flip");
}

size_t fault_parse_at(const char *text, struct fault *ret_fault, const char **ret_why,
                      size_t *ret_at)
{
    struct reader reader = {.text = text};
    struct fault fault = {.kind = FAULT_NONE};
    if (!read_action(&reader, &fault)) {
        *ret_why = reader.why;
        *ret_at = reader.at;
        return 0;
    }
    *ret_fault = fault;
    return reader.at;
}

size_t fault_parse(const char *text, struct fault *ret_fault, const char **ret_why)
{
    size_t at;
    return fault_parse_at(text, ret_fault, ret_why, &at);
}
