/* Durations and faults survive printing and parsing. */
#include "harness/fault.h"
#include "properties/prop.h"

#include <errno.h>
#include <string.h>

PROPERTY(fault, duration_is_read_as_it_was_printed)
{
    int64_t before = prop_int("ns", 0, INT64_MAX), after;
    char text[64];
    duration_print(before, text, sizeof text);
    prop_note("printed as %s", text);
    prop_classify(strchr(text, '.') != NULL, "has a fraction");
    prop_assert(duration_parse(text, &after) == strlen(text), "%s is not read to its end", text);
    prop_assert(after == before, "read as %lld", (long long)after);
}

PROPERTY(fault, reading_a_duration_stops_at_its_end)
{
    int64_t duration = prop_duration("duration", 0, INT64_C(86400000000000)), after;
    char *rest = prop_text("rest", gen_printable, 0, 5), printed[64], text[128];
    prop_assume(rest[0] != '.' && !(rest[0] >= '0' && rest[0] <= '9'));
    prop_assume(!(rest[0] >= 'a' && rest[0] <= 'z') && !(rest[0] >= 'A' && rest[0] <= 'Z'));
    duration_print(duration, printed, sizeof printed);
    snprintf(text, sizeof text, "%s%s", printed, rest);
    prop_assert(duration_parse(text, &after) == strlen(printed), "of '%s'", text);
    prop_assert(after == duration);
}

static struct fault draw_fault(void)
{
    static const int errors[] = {EIO, ETIMEDOUT, ENOSPC, ECONNRESET, ENOMEM};
    struct gen *gen = prop_gen();
    struct fault fault = {.kind = (enum fault_kind)(1 + gen_branch(gen, FAULT_KIND_COUNT - 1))};
    if (fault.kind == FAULT_ERROR)
        fault.err = GEN_ONE_OF(gen, errors);
    if (fault.kind == FAULT_DELAY || fault.kind == FAULT_TIMEOUT || fault.kind == FAULT_PAUSE) {
        fault.lo_ns = gen_duration(gen, 1, INT64_C(3600000000000));
        fault.hi_ns = gen_duration(gen, fault.lo_ns, INT64_C(7200000000000));
    }
    return fault;
}

PROPERTY(fault, action_is_read_as_it_was_printed)
{
    struct fault before = draw_fault(), after;
    char text[128];
    const char *why = "";
    prop_show("action", "%s", fault_print(&before, text, sizeof text));
    prop_cover(5, before.lo_ns != before.hi_ns, "a range of durations");
    prop_assert(fault_parse(text, &after, &why) == strlen(text), "%s", why);
    prop_assert(after.kind == before.kind && after.err == before.err);
    prop_assert(after.lo_ns == before.lo_ns && after.hi_ns == before.hi_ns, "%lld..%lld",
                (long long)after.lo_ns, (long long)after.hi_ns);
}
