/* kinds.c: which faults a sweep injects: all kinds, or those of a list. */
#include "harness/sweep/sweep.h"

#include <errno.h>
#include <string.h>

/* What every kind means when nothing is said: longer than a deadline, a lease, a poll. */
static struct fault default_fault(enum fault_kind kind)
{
    const int64_t second = INT64_C(1000000000);
    struct fault fault = {.kind = kind};
    switch (kind) {
    case FAULT_ERROR: fault.err = EIO; break;
    case FAULT_TIMEOUT: fault.lo_ns = 10 * second; break;
    case FAULT_DELAY:
    case FAULT_PAUSE: fault.lo_ns = 60 * second; break;
    default: break;
    }
    fault.hi_ns = fault.lo_ns;
    return fault;
}

size_t sweep_kinds_all(struct fault *ret_kinds)
{
    size_t count = 0;
    _Static_assert((int)FAULT_KIND_COUNT <= (int)SWEEP_KINDS_MAX, "there is room for all");
    for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++)
        ret_kinds[count++] = default_fault((enum fault_kind)kind);
    return count;
}

/* A bare "timeout" gets the default duration. */
static size_t parse_kind(const char *text, struct fault *ret_fault, const char **ret_why)
{
    for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++) {
        const char *word = fault_word((enum fault_kind)kind);
        size_t length = strlen(word);
        if (strncmp(text, word, length) == 0 && (text[length] == ',' || text[length] == '\0')) {
            *ret_fault = default_fault((enum fault_kind)kind);
            return length;
        }
    }
    return fault_parse(text, ret_fault, ret_why);
}

size_t sweep_kinds_parse(const char *text, struct fault *ret_kinds, const char **ret_why,
                         size_t *ret_at)
{
    size_t count = 0;
    for (const char *at = text;;) {
        *ret_why = "expected a kind of fault";
        *ret_at = (size_t)(at - text);
        if (count == SWEEP_KINDS_MAX) {
            *ret_why = "too many kinds of faults";
            return 0;
        }
        size_t length = parse_kind(at, &ret_kinds[count], ret_why);
        if (length == 0 || (at[length] && at[length] != ',') || ret_kinds[count].kind == FAULT_NONE)
            return 0;
        count++;
        at += length;
        if (!*at++)
            return count;
    }
}
