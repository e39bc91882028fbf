/* The vocabulary of faults: errnos, durations, actions; and "did you mean". */
#include "harness/engine.h"
#include "harness/fault.h"
#include "harness/point.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- errnos ---- */

Test(errno_names, are_known_both_ways)
{
    for (int err = 1; err < 134; err++) {
        const char *name = errno_name(err);
        if (name)
            cr_assert_eq(errno_by_name(name, strlen(name)), err, "%s", name);
    }
    cr_assert_str_eq(errno_name(ETIMEDOUT), "ETIMEDOUT");
    cr_assert_eq(errno_by_name("ECONNRESET)", 10), ECONNRESET);
}

Test(errno_names, aliases_are_read)
{
    cr_assert_eq(errno_by_name("EWOULDBLOCK", 11), EAGAIN);
    cr_assert_eq(errno_by_name("EOPNOTSUPP", 10), EOPNOTSUPP);
    cr_assert_eq(errno_by_name("ENOTSUP", 7), ENOTSUP);
}

Test(errno_names, unknown_ones)
{
    cr_assert_eq(errno_by_name("EFOO", 4), 0);
    cr_assert_eq(errno_by_name("", 0), 0);
    cr_assert_eq(errno_by_name("eio", 3), 0);
    cr_assert_null(errno_name(0));
    cr_assert_null(errno_name(-5));
    cr_assert_null(errno_name(4000));
}

/* ---- durations ---- */

static const struct {
    const char *text;
    int64_t ns;
    const char *printed;
} durations[] = {
    {"250ns", 250, "250ns"},
    {"10us", 10000, "10us"},
    {"5ms", 5000000, "5ms"},
    {"1.5s", 1500000000, "1.5s"},
    {"1500ms", 1500000000, "1.5s"},
    {"500ms", 500000000, "500ms"},
    {"0.5s", 500000000, "500ms"},
    {"90s", INT64_C(90000000000), "90s"},
    {"2m", INT64_C(120000000000), "2m"},
    {"60s", INT64_C(60000000000), "1m"},
    {"1h", INT64_C(3600000000000), "1h"},
    {"3d", INT64_C(259200000000000), "3d"},
    {"36h", INT64_C(129600000000000), "36h"},
    {"0s", 0, "0s"},
    {"0ns", 0, "0s"},
    {"1.000000001s", 1000000001, "1.000000001s"},
    {"0.25us", 250, "250ns"},
    {"9223372036854775807ns", 0, NULL}, /* 19 digits are too many */
    {"106751d", INT64_C(9223286400000000000), "106751d"},
    {"106752d", 0, NULL}, /* 292 years and some */
    {"1.5ns", 0, NULL},
    {"1.0000000001s", 0, NULL},
    {"5", 0, NULL},
    {"5min", 0, NULL},
    {"5 ms", 0, NULL},
    {".5s", 0, NULL},
    {"5.s", 0, NULL},
    {"-5s", 0, NULL},
    {"ms", 0, NULL},
    {"", 0, NULL},
};

Test(durations, are_parsed_and_printed_exactly)
{
    for (size_t i = 0; i < COUNT(durations); i++) {
        const char *text = durations[i].text;
        char out[48];
        int64_t ns = -1;
        size_t length = duration_parse(text, &ns);
        cr_assert_eq(length, durations[i].printed ? strlen(text) : 0, "%s", text);
        if (length == 0) {
            cr_assert_eq(ns, -1, "%s: set on failure", text);
            continue;
        }
        cr_assert_eq(ns, durations[i].ns, "%s", text);
        cr_assert_str_eq(duration_print(ns, out, sizeof out), durations[i].printed);
    }
}

Test(durations, every_value_survives_print_and_parse)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        char out[48];
        int64_t back = -1;
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int64_t ns = (int64_t)(x >> (x % 63 + 1));
        duration_print(ns, out, sizeof out);
        cr_assert_eq(duration_parse(out, &back), strlen(out), "%s", out);
        cr_assert_eq(back, ns, "%s", out);
    }
}

Test(durations, extremes_are_printed)
{
    char out[48];
    cr_assert_str_eq(duration_print(-1500000000, out, sizeof out), "-1.5s");
    cr_assert_str_eq(duration_print(INT64_MAX, out, sizeof out), "9223372036.854775807s");
    cr_assert_str_eq(duration_print(INT64_MIN, out, sizeof out), "-9223372036.854775808s");
}

Test(durations, reading_stops_where_the_duration_ends)
{
    int64_t ns;
    cr_assert_eq(duration_parse("5ms..2s", &ns), 3);
    cr_assert_eq(ns, 5000000);
    cr_assert_eq(duration_parse("2m)", &ns), 2);
}

/* ---- actions ---- */

static const struct {
    const char *text;
    struct fault fault;
} actions[] = {
    {"none", {.kind = FAULT_NONE}},
    {"crash", {.kind = FAULT_CRASH}},
    {"kill", {.kind = FAULT_KILL}},
    {"poweroff", {.kind = FAULT_POWEROFF}},
    {"disconnect", {.kind = FAULT_DISCONNECT}},
    {"short", {.kind = FAULT_SHORT}},
    {"lie", {.kind = FAULT_LIE}},
    {"misdirect", {.kind = FAULT_MISDIRECT}},
    {"flip", {.kind = FAULT_FLIP}},
    {"error(ETIMEDOUT)", {.kind = FAULT_ERROR, .err = ETIMEDOUT}},
    {"error(4001)", {.kind = FAULT_ERROR, .err = 4001}},
    {"timeout(5s)", {.kind = FAULT_TIMEOUT, .lo_ns = 5000000000, .hi_ns = 5000000000}},
    {"delay(5ms..2s)", {.kind = FAULT_DELAY, .lo_ns = 5000000, .hi_ns = 2000000000}},
    {"pause(1m)", {.kind = FAULT_PAUSE, .lo_ns = 60000000000, .hi_ns = 60000000000}},
};

static void assert_same(const struct fault *a, const struct fault *b, const char *text)
{
    cr_assert_eq(a->kind, b->kind, "%s", text);
    cr_assert_eq(a->err, b->err, "%s", text);
    cr_assert_eq(a->lo_ns, b->lo_ns, "%s", text);
    cr_assert_eq(a->hi_ns, b->hi_ns, "%s", text);
}

Test(actions, are_read_and_written_the_same)
{
    for (size_t i = 0; i < COUNT(actions); i++) {
        struct fault fault;
        const char *why = NULL;
        char out[128];
        size_t length = fault_parse(actions[i].text, &fault, &why);
        cr_assert_eq(length, strlen(actions[i].text), "%s: %s", actions[i].text, why);
        assert_same(&fault, &actions[i].fault, actions[i].text);
        cr_assert_str_eq(fault_print(&fault, out, sizeof out), actions[i].text);
    }
}

Test(actions, reading_stops_behind_the_action)
{
    struct fault fault;
    const char *why;
    cr_assert_eq(fault_parse("crash -> off", &fault, &why), 5);
    cr_assert_eq(fault_parse("delay(1s)->crash", &fault, &why), 9);
}

static const struct {
    const char *text;
    size_t at;
    const char *why;
} bad_actions[] = {
    {"", 0, "expected an action"},
    {"Crash", 0, "expected an action"},
    {"crashes", 0, "expected an action"},
    {"error", 5, "expected '(' and the name of an errno"},
    {"error(EFOO)", 6, "expected the name of an errno"},
    {"error(0)", 6, "expected the name of an errno"},
    {"error(4096)", 6, "expected the name of an errno"},
    {"error(EIO", 9, "expected ')'"},
    {"delay", 5, "expected '(' and a duration"},
    {"delay()", 6, "expected a duration"},
    {"delay(5)", 6, "expected a duration"},
    {"delay(5ms..)", 11, "expected a duration"},
    {"delay(2s..5ms)", 10, "the range ends before it begins"},
    {"pause(5ms", 9, "expected ')'"},
};

Test(actions, a_bad_one_says_where_and_why)
{
    for (size_t i = 0; i < COUNT(bad_actions); i++) {
        struct fault fault = {.kind = FAULT_KILL};
        const char *why = NULL;
        size_t at = 99;
        cr_assert_eq(fault_parse_at(bad_actions[i].text, &fault, &why, &at), 0);
        cr_assert_eq(at, bad_actions[i].at, "'%s': at %zu", bad_actions[i].text, at);
        cr_assert_eq(strncmp(why, bad_actions[i].why, strlen(bad_actions[i].why)), 0, "'%s': %s",
                     bad_actions[i].text, why);
        cr_assert_eq(fault.kind, FAULT_KILL, "set on failure");
    }
}

Test(actions, every_kind_has_its_own_bit)
{
    uint32_t seen = 0;
    for (size_t kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++) {
        uint32_t can = fault_can((enum fault_kind)kind);
        cr_assert_neq(can, 0);
        cr_assert_eq(seen & can, 0);
        seen |= can;
    }
    cr_assert_eq(fault_can(FAULT_NONE), 0);
}

/* ---- did you mean ---- */

static const char *nearest(const char *word)
{
    static const char *const words[] = {"crash", "kill", "poweroff", "disconnect", "delay", "skip"};
    const char *near = nearest_word(word, strlen(word), words, COUNT(words));
    return near ? near : "";
}

Test(nearest, finds_the_word_that_was_meant)
{
    cr_assert_str_eq(nearest("crahs"), "crash");
    cr_assert_str_eq(nearest("Crash"), "crash");
    cr_assert_str_eq(nearest("disconect"), "disconnect");
    cr_assert_str_eq(nearest("power_off"), "poweroff");
    cr_assert_str_eq(nearest("dleay"), "delay");
    cr_assert_str_eq(nearest("skip"), "skip");
}

Test(nearest, finds_none_when_none_is_near)
{
    cr_assert_str_eq(nearest("explode"), "");
    cr_assert_str_eq(nearest(""), "");
    cr_assert_str_eq(nearest("xy"), "");
    char longest[200];
    memset(longest, 'k', sizeof longest);
    cr_assert_null(nearest_word(longest, sizeof longest, (const char *[]){"kill"}, 1));
}

Test(nearest, ties_go_to_the_first)
{
    const char *const words[] = {"node", "mode"};
    cr_assert_str_eq(nearest_word("code", 4, words, 2), "node");
}
