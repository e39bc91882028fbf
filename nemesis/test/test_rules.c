/* Rules: patterns and filters, what is refused and why, which rule decides, edits on the tape,
 * forced orderings. */
#include "nemesis/rules.h"

#include "harness/hash.h"
#include "nemesis/pattern.h"
#include "nemesis/test/zoo.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

POINT_ABOUT("zoo/cage/open", "for the tests of rules");
POINT_ABOUT("zoo/cage/shut", "for the tests of rules");
POINT_ABOUT("zoo/food/serve", "for the tests of rules");
POINT_ABOUT("zoo/visitor/enter", "for the tests of rules");

static int open_cage(struct point_site *at, uint64_t animal, const char *keeper)
{
    return FAULT(at, "zoo/cage/open", CAN_ERROR | CAN_DISCONNECT | CAN_DELAY | CAN_TIMEOUT,
                 T_U64("animal", animal), T_STR("keeper", keeper), T_I64("mood", -3));
}

static int shut_cage(struct point_site *at, uint64_t animal)
{
    return FAULT(at, "zoo/cage/shut", CAN_DISCONNECT, T_U64("animal", animal));
}

static int serve_food(struct point_site *at, uint64_t animal)
{
    return FAULT(at, "zoo/food/serve", CAN_CRASH | CAN_KILL, T_U64("animal", animal));
}

static void enter(struct point_site *at)
{
    TRACE(at, "zoo/visitor/enter", T_STR("name", "Ann"));
}

/* ---- patterns ---- */

static const struct {
    const char *pattern, *point;
    bool matches;
} names[] = {
    {"store/ack/reply", "store/ack/reply", true},
    {"store/ack/reply", "store/ack/repl", false},
    {"store/ack/repl", "store/ack/reply", false},
    {"store/ack", "store/ack/reply", false},
    {"store/ack/reply/late", "store/ack/reply", false},
    {"store/*/reply", "store/ack/reply", true},
    {"store/*/reply", "store/ack/send", false},
    {"store/*/reply", "store/ack/lost/reply", false},
    {"*/*/*", "store/ack/reply", true},
    {"*/*/*", "store/ack/reply/late", false},
    {"*/*", "store/ack/reply", false},
    {"store/**", "store/ack/reply", true},
    {"store/**", "store/ack/reply/late", true},
    {"store/**", "stores/ack/reply", false},
    {"store/ack/**", "store/ack/reply", true},
    {"store/ack/reply/**", "store/ack/reply", false},
    {"**", "store/ack/reply", true},
    {"*/ack/**", "store/ack/reply", true},
};

Test(patterns, match_names_segment_by_segment)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        struct term_error error = {0};
        struct pattern *pattern = pattern_parse(names[i].pattern, &error);
        cr_assert_not_null(pattern, "%s: %s", names[i].pattern, error.why);
        cr_assert_eq(pattern_matches_name(pattern, names[i].point), names[i].matches, "%s ~ %s",
                     names[i].pattern, names[i].point);
        pattern_free(pattern);
    }
}

static const struct {
    const char *filters;
    bool matches;
} filters[] = {
    {"", true},
    {"[job=17]", true},
    {"[job=0x11]", true},
    {"[job=017]", true}, /* no octal */
    {"[job=18]", false},
    {"[job=17x]", false},
    {"[job=]", false},
    {"[job=-17]", false},
    {"[delta=-3]", true},
    {"[delta=3]", false},
    {"[worker=mail]", true},
    {"[worker=mai]", false},
    {"[worker=mailer]", false},
    {"[none=]", true}, /* NULL reads as "" */
    {"[none=x]", false},
    {"[nosuch=1]", false},
    {"[nosuch=]", false},
    {"[worker=mail][job=17]", true},
    {"[worker=mail] [job=18]", false},
    {"[job=18][worker=mail]", false},
};

Test(patterns, filters_compare_numbers_as_numbers)
{
    const struct point_field fields[] = {T_U64("job", 17), T_I64("delta", -3),
                                         T_STR("worker", "mail"), T_STR("none", NULL)};
    for (size_t i = 0; i < COUNT(filters); i++) {
        struct term_error error = {0};
        char text[64];
        snprintf(text, sizeof text, "a/b/c%s", filters[i].filters);
        struct pattern *pattern = pattern_parse(text, &error);
        cr_assert_not_null(pattern, "%s: %s", text, error.why);
        cr_assert_eq(pattern_matches_fields(pattern, fields, COUNT(fields)), filters[i].matches,
                     "%s", text);
        pattern_free(pattern);
    }
}

/* ---- what is refused ---- */

static const struct {
    const char *pattern, *term;
    bool in_pattern;
    size_t offset;
    const char *why;
} refused[] = {
    {"", "disconnect", true, 0, "expected a segment of a point's name, '*' or '**'"},
    {"zoo//open", "disconnect", true, 4, "expected a segment of a point's name, '*' or '**'"},
    {"zoo/ca*/open", "disconnect", true, 4, "'*' stands for a whole segment, '**' for the rest"},
    {"zoo/***", "disconnect", true, 4, "'*' stands for a whole segment, '**' for the rest"},
    {"**/open", "disconnect", true, 0, "'**' can only come last"},
    {"Zoo/cage/open", "disconnect", true, 0, "expected a segment of a point's name, '*' or '**'"},
    {"zoo/cage/open[", "disconnect", true, 14, "expected the name of a field, as in [queue=mail]"},
    {"zoo/cage/open[animal]", "disconnect", true, 20, "expected '=' and a value"},
    {"zoo/cage/open[animal=1", "disconnect", true, 13, "this '[' is never closed"},
    {"zoo/cage/open x", "disconnect", true, 14,
     "a pattern is area/noun/verb[field=value], in lower case"},
    {"zoo/cage/opne", "disconnect", true, 9,
     "no point matches 'zoo/cage/opne'; did you mean 'zoo/cage/open'?"},
    {"zoo/cgae/open", "disconnect", true, 4,
     "no point matches 'zoo/cgae/open'; did you mean 'zoo/cage/open'?"},
    {"zoo/cage", "disconnect", true, 4, NULL},
    {"zoo/*/opne", "disconnect", true, 6, "no point matches 'opne'; did you mean 'open'?"},
    {"zop/*/open", "disconnect", true, 0, "no point matches 'zop'; did you mean 'zoo'?"},
    {"qqqqqqqqqq/**", "disconnect", true, 0, "no point matches 'qqqqqqqqqq'"},
    {"zoo/cage/open", "disconect", false, 0,
     "unknown word 'disconect'; did you mean 'disconnect'?"},
    {"zoo/cage/shut", "crash", false, 0, "cannot do crash here; what can be injected: disconnect"},
    {"zoo/food/*", "3*delay(1s) -> disconnect", false, 0,
     "cannot do delay, disconnect here; what can be injected: crash, kill"},
    {"zoo/visitor/enter", "crash", false, 0,
     "nothing can be injected here: it only records events"},
    {"zoo/cage/open", "2*wait(zoo/cage/shtu)", false, 16,
     "no point matches 'zoo/cage/shtu'; did you mean 'zoo/cage/shut'?"},
};

Test(refusals, say_where_and_why)
{
    registry_init();
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct term_error error = {.offset = 999};
        struct rules *rules = rules_new();
        int err = rules_add(rules, refused[i].pattern, refused[i].term, &error);
        const char *pattern = refused[i].pattern;
        cr_assert_eq(err, -EINVAL, "%s: %s", pattern, refused[i].term);
        if (refused[i].why)
            cr_assert_str_eq(error.why, refused[i].why, "%s: %s", pattern, error.why);
        cr_assert_eq(error.offset, refused[i].offset, "%s: at %zu", pattern, error.offset);
        cr_assert_eq(error.in_pattern, refused[i].in_pattern, "%s", pattern);
        rules_free(rules);
    }
}

Test(refusals, a_rule_needs_one_point_that_can_do_one_of_its_faults)
{
    static const char *const accepted[][2] = {
        {"zoo/**", "crash"},
        {"zoo/*/open", "crash -> delay(1s)"},
        {"zoo/visitor/enter", "off"},
        {"zoo/cage/open[nosuch=1]", "disconnect"},
        {"zoo/cage/open", "wait(zoo/visitor/enter)"},
    };
    struct rules *rules = rules_new();
    registry_init();
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct term_error error = {0};
        cr_assert_eq(rules_add(rules, accepted[i][0], accepted[i][1], &error), 0, "%s: %s",
                     accepted[i][0], error.why);
    }
    cr_assert(rules_wait(rules));
    cr_assert_eq(rules_kinds(rules), CAN_CRASH | CAN_DELAY | CAN_DISCONNECT);
    rules_free(rules);
}

static const struct {
    const char *text, *pattern, *term;
} splits[] = {
    {"store/ack/reply: 2%disconnect", "store/ack/reply", "2%disconnect"},
    {"store/ack/reply=2%disconnect", "store/ack/reply", "2%disconnect"},
    {"store/ack/reply  :  crash", "store/ack/reply", "crash"},
    {"a/b/c[worker=mail][x=1]=crash", "a/b/c[worker=mail][x=1]", "crash"},
    {"a/b/c[url=http://x]: crash", "a/b/c[url=http://x]", "crash"},
    {"a/b/c:", "a/b/c", ""},
    {"a/b/c", "", NULL},
    {"a/b/c[x=1]", "", NULL},
    {": crash", "", "crash"},
    {"", "", NULL},
};

Test(refusals, a_rule_is_split_outside_of_brackets)
{
    for (size_t i = 0; i < COUNT(splits); i++) {
        const char *term = NULL;
        size_t length = rule_split(splits[i].text, &term);
        cr_assert_eq(length, strlen(splits[i].pattern), "%s", splits[i].text);
        cr_assert_eq(memcmp(splits[i].text, splits[i].pattern, length), 0, "%s", splits[i].text);
        if (splits[i].term)
            cr_assert_str_eq(term, splits[i].term, "%s", splits[i].text);
        else
            cr_assert_null(term);
    }
}

/* ---- deciding ---- */

struct site {
    struct zoo zoo;
    struct rules *rules;
    struct point_site *at; /* on node 1 */
};

static struct site site_open(uint64_t seed)
{
    struct site site = {.zoo = zoo_open(tape_new(seed)), .rules = rules_new()};
    site.at = &site.zoo.nodes[0]->site;
    world_decider(site.zoo.world, rules_decide, site.rules);
    return site;
}

static void site_close(struct site *site)
{
    world_decider(site->zoo.world, NULL, NULL);
    zoo_close(&site->zoo);
    rules_free(site->rules);
}

static void rule(struct site *site, const char *pattern, const char *term)
{
    struct term_error error = {0};
    cr_assert_eq(rules_add(site->rules, pattern, term, &error), 0, "%s: %s", pattern, error.why);
}

static void edit(struct site *site, const char *name, uint64_t key, uint64_t n, struct fault fault)
{
    struct choice choice = {
        .stream = STREAM_FAULT, .name = name, .node = 1, .key = key, .ordinal = n};
    tape_edit_fault(site->zoo.tape, &choice, fault);
}

Test(deciding, without_rules_nothing_fails)
{
    struct site site = site_open(1);
    cr_assert_eq(open_cage(site.at, 1, "Bob"), 0);
    cr_assert_eq(serve_food(site.at, 1), 0);
    site_close(&site);
}

Test(deciding, the_fault_is_what_the_term_says)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "1*disconnect -> 1*error(ENOSPC) -> 1*timeout(2s) -> 1*delay(3s)");
    cr_assert_eq(open_cage(site.at, 1, "Bob"), -ECONNRESET);
    cr_assert_eq(open_cage(site.at, 1, "Bob"), -ENOSPC);
    int64_t before = world_now(site.zoo.world);
    cr_assert_eq(open_cage(site.at, 1, "Bob"), -ETIMEDOUT);
    cr_assert_eq(world_now(site.zoo.world) - before, 2 * SECOND);
    cr_assert_eq(open_cage(site.at, 1, "Bob"), 0);
    cr_assert_eq(world_now(site.zoo.world) - before, 5 * SECOND);
    cr_assert_eq(open_cage(site.at, 1, "Bob"), 0);
    cr_assert_eq(open_cage(site.at, 2, "Bob"), -ECONNRESET, "another key counts for itself");
    site_close(&site);
}

Test(deciding, the_first_rule_that_takes_the_hit_wins)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open[animal=2]", "off");
    rule(&site, "zoo/cage/*", "1*disconnect");
    rule(&site, "zoo/**", "error(EIO)");
    cr_assert_eq(open_cage(site.at, 1, "Bob"), -ECONNRESET);
    cr_assert_eq(open_cage(site.at, 1, "Bob"), -EIO, "the first rule is spent");
    cr_assert_eq(open_cage(site.at, 2, "Bob"), 0, "a hole in the wider rules");
    cr_assert_eq(open_cage(site.at, 2, "Bob"), 0);
    cr_assert_eq(shut_cage(site.at, 1), -ECONNRESET);
    cr_assert_eq(shut_cage(site.at, 1), 0, "it did not declare errors");
    site_close(&site);
}

Test(deciding, undeclared_kinds_are_passed_over)
{
    struct site site = site_open(1);
    rule(&site, "zoo/**", "crash -> error(EIO)");
    cr_assert_eq(open_cage(site.at, 1, "Bob"), -EIO);
    cr_assert_eq(shut_cage(site.at, 1), 0);
    site_close(&site);
}

Test(deciding, filters_choose_hits)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open[keeper=Eve][mood=-3]", "error(EPERM)");
    rule(&site, "zoo/cage/open[animal=7]", "disconnect");
    cr_assert_eq(open_cage(site.at, 1, "Bob"), 0);
    cr_assert_eq(open_cage(site.at, 1, "Eve"), -EPERM);
    cr_assert_eq(open_cage(site.at, 7, "Bob"), -ECONNRESET);
    cr_assert_eq(open_cage(site.at, 7, "Eve"), -EPERM);
    site_close(&site);
}

Test(deciding, a_duration_is_drawn_from_the_tape)
{
    int64_t first[8];
    for (unsigned round = 0; round < 2; round++) {
        struct site site = site_open(99);
        unsigned different = 0;
        rule(&site, "zoo/cage/open", "delay(1s..20s)");
        for (size_t i = 0; i < COUNT(first); i++) {
            int64_t before = world_now(site.zoo.world);
            cr_assert_eq(open_cage(site.at, 1, "Bob"), 0);
            int64_t took = world_now(site.zoo.world) - before;
            cr_assert(took >= SECOND && took <= 20 * SECOND);
            if (round == 0)
                first[i] = took;
            cr_assert_eq(took, first[i]);
            different += took != first[0];
        }
        cr_assert_gt(different, 5);
        site_close(&site);
    }
}

/* A hit on node 1, with key 0, as the world would ask about it. */
static struct hit hit_of(const struct site *site, struct point *point)
{
    point->id = (uint32_t)(registry_find(point->name) - registry_get(0));
    return (struct hit){
        .world = site->zoo.world, .node = site->zoo.nodes[0], .site = site->at, .point = point};
}

Test(deciding, a_drawn_duration_is_fixed)
{
    struct site site = site_open(99);
    struct point point = {.name = "zoo/cage/open", .kinds = CAN_DELAY};
    struct hit hit = hit_of(&site, &point);
    rule(&site, "zoo/cage/open", "delay(1s..20s)");
    struct fault fault = rules_decide(site.rules, &hit);
    cr_assert_eq(fault.kind, FAULT_DELAY);
    cr_assert(fault.lo_ns >= SECOND && fault.lo_ns <= 20 * SECOND);
    cr_assert_eq(fault.hi_ns, fault.lo_ns);
    site_close(&site);
}

Test(deciding, two_rules_of_one_point_throw_their_own_dice)
{
    struct site site = site_open(1);
    unsigned disconnects = 0, errors = 0;
    rule(&site, "zoo/cage/open", "50%disconnect");
    rule(&site, "zoo/cage/*", "50%error(EIO)");
    for (unsigned i = 0; i < 1000; i++) {
        int err = open_cage(site.at, 1, "Bob");
        disconnects += err == -ECONNRESET;
        errors += err == -EIO;
    }
    cr_assert(disconnects > 440 && disconnects < 560, "%u", disconnects);
    cr_assert(errors > 200 && errors < 300, "%u", errors);
    site_close(&site);
}

/* The hits of zoo/cage/open that failed, as a text. */
static void failures_of(struct site *site, size_t count, bool also_others, char *out)
{
    for (size_t i = 0; i < count; i++) {
        if (also_others && i % 3 == 0)
            cr_assert_leq(shut_cage(site->at, i), 0);
        out[i] = open_cage(site->at, i % 5, "Bob") == 0 ? '.' : 'x';
        if (also_others)
            serve_food(site->at, 1);
    }
    out[count] = '\0';
}

Test(deciding, same_tape_same_decisions_whatever_else_is_hit_or_ruled)
{
    enum { HITS = 400 };
    char alone[HITS + 1], in_company[HITS + 1], other_seed[HITS + 1];
    struct site site = site_open(5);
    rule(&site, "zoo/cage/open", "20%disconnect");
    failures_of(&site, HITS, false, alone);
    site_close(&site);

    site = site_open(5);
    rule(&site, "zoo/cage/shut", "50%disconnect"); /* before it: another point's rule */
    rule(&site, "zoo/cage/open", "20%disconnect");
    failures_of(&site, HITS, true, in_company);
    site_close(&site);
    cr_assert_str_eq(alone, in_company);

    site = site_open(6);
    rule(&site, "zoo/cage/open", "20%disconnect");
    failures_of(&site, HITS, false, other_seed);
    site_close(&site);
    cr_assert_str_neq(alone, other_seed);
}

/* ---- edits ---- */

Test(edits, sparing_one_fault_shifts_no_other)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "3*disconnect");
    edit(&site, "zoo/cage/open", 0, 2, (struct fault){.kind = FAULT_NONE});
    int expected[] = {-ECONNRESET, 0, -ECONNRESET, 0, 0};
    for (size_t i = 0; i < COUNT(expected); i++)
        cr_assert_eq(open_cage(site.at, 0, "Bob"), expected[i], "hit %zu", i + 1);
    site_close(&site);
}

Test(edits, inject_where_no_rule_is)
{
    struct site site = site_open(1);
    edit(&site, "zoo/cage/shut", 4, 3, (struct fault){.kind = FAULT_DISCONNECT});
    edit(&site, "zoo/cage/shut", 4, 4, (struct fault){.kind = FAULT_CRASH});
    for (unsigned n = 1; n <= 5; n++) {
        cr_assert_eq(shut_cage(site.at, 9), 0);
        cr_assert_eq(shut_cage(site.at, 4), n == 3 ? -ECONNRESET : 0, "hit %u", n);
    }
    site_close(&site);
}

Test(edits, that_the_point_did_not_declare_are_not_returned)
{
    struct site site = site_open(1);
    struct point point = {.name = "zoo/cage/shut", .kinds = CAN_DISCONNECT};
    struct hit hit = hit_of(&site, &point);
    edit(&site, "zoo/cage/shut", 0, 1, (struct fault){.kind = FAULT_DISCONNECT});
    edit(&site, "zoo/cage/shut", 0, 2, (struct fault){.kind = FAULT_CRASH});
    cr_assert_eq(rules_decide(site.rules, &hit).kind, FAULT_DISCONNECT);
    cr_assert_eq(rules_decide(site.rules, &hit).kind, FAULT_NONE);
    site_close(&site);
}

Test(edits, replace_what_a_rule_says)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "disconnect");
    edit(&site, "zoo/cage/open", 0, 1, (struct fault){.kind = FAULT_ERROR, .err = EACCES});
    edit(&site, "zoo/cage/open", 0, 2,
         (struct fault){.kind = FAULT_DELAY, .lo_ns = SECOND, .hi_ns = SECOND});
    int64_t before = world_now(site.zoo.world);
    cr_assert_eq(open_cage(site.at, 0, "Bob"), -EACCES);
    cr_assert_eq(open_cage(site.at, 0, "Bob"), 0);
    cr_assert_eq(world_now(site.zoo.world) - before, SECOND);
    cr_assert_eq(open_cage(site.at, 0, "Bob"), -ECONNRESET);
    site_close(&site);
}

Test(edits, mean_the_same_hit_with_and_without_rules_and_filters)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open[keeper=Eve]", "error(EPERM)");
    edit(&site, "zoo/cage/open", 0, 3, (struct fault){.kind = FAULT_DISCONNECT});
    cr_assert_eq(open_cage(site.at, 0, "Bob"), 0);
    cr_assert_eq(open_cage(site.at, 0, "Eve"), -EPERM);
    cr_assert_eq(open_cage(site.at, 0, "Bob"), -ECONNRESET);
    site_close(&site);
}

/* ---- forced orderings ---- */

static void enter_now(void *arg)
{
    enter(arg);
}

static void enter_in(const struct site *site, int64_t ms)
{
    struct world *world = site->zoo.world;
    world_at(world, NULL, world_now(world) + ms * 1000000, enter_now, site->at);
}

/* How long opening the cage takes, in ms; with what the rules say. */
static int64_t waits_ms(struct site *site, uint64_t animal)
{
    int64_t before = world_now(site->zoo.world);
    cr_assert_eq(open_cage(site->at, animal, "Bob"), 0);
    return (world_now(site->zoo.world) - before) / 1000000;
}

/* The last event of this name in the trace. */
static struct event last_of(struct trace *trace, const char *name, struct trace_cursor *ret_cursor)
{
    struct event event, found = {0};
    struct trace_cursor cursor = {0};
    while (trace_next(trace, &cursor, &event)) {
        if (strcmp(event.point->name, name) == 0) {
            *ret_cursor = cursor; /* the fields are in it */
            found = event;
            found.fields = ret_cursor->fields;
        }
    }
    cr_assert_not_null(found.point, "no %s", name);
    return found;
}

static void expect_end(const struct site *site, const char *why, int64_t waited_ms)
{
    struct trace_cursor cursor;
    struct event event = last_of(site->zoo.trace, "nemesis/wait/end", &cursor);
    cr_expect_str_eq(event_str(&event, "why"), why);
    cr_expect_eq(event_i64(&event, "waited_ns"), waited_ms * 1000000);
}

static void expect_counts(const struct site *site, uint64_t waits, uint64_t late)
{
    struct promise_count count = rules_fired(site->rules, 0);
    cr_expect_eq(count.kept, waits, "%lu waits", count.kept);
    cr_expect_eq(count.late, late, "%lu late", count.late);
}

Test(waiting, holds_a_hit_back_until_another_point_is_hit)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "1*wait(zoo/visitor/enter)");
    enter(site.at); /* from now on: this does not count */
    enter_in(&site, 35);
    cr_assert_eq(waits_ms(&site, 5), 40, "steps of 10 ms");
    cr_assert_eq(waits_ms(&site, 5), 0, "once");
    expect_end(&site, "it came", 40);
    expect_counts(&site, 1, 0);
    site_close(&site);
}

Test(waiting, is_visible_where_it_waits)
{
    struct site site = site_open(1);
    struct trace_cursor cursor;
    rule(&site, "zoo/cage/open", "wait(2*per(key)zoo/cage/shut,7s)");
    waits_ms(&site, 5);
    struct event event = last_of(site.zoo.trace, "nemesis/wait/begin", &cursor);
    cr_expect_eq(event.node, site.at->node);
    cr_expect_eq(event_u64(&event, "key"), 5);
    cr_expect_str_eq(event_str(&event, "held"), "zoo/cage/open");
    cr_expect_str_eq(event_str(&event, "for"), "per(key)2*zoo/cage/shut,7s");
    site_close(&site);
}

Test(waiting, ends_after_a_minute_or_what_it_is_told_and_is_counted)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "1*wait(zoo/visitor/enter) -> wait(zoo/visitor/enter, 2s)");
    cr_assert_eq(waits_ms(&site, 5), 60000);
    expect_end(&site, "it did not come in time", 60000);
    cr_assert_eq(waits_ms(&site, 5), 2000);
    enter_in(&site, 35);
    cr_assert_eq(waits_ms(&site, 5), 40);
    expect_counts(&site, 3, 2);
    site_close(&site);
}

static void heal_now(void *arg)
{
    world_heal(arg);
}

Test(waiting, ends_with_the_safety_phase)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "1*wait(zoo/visitor/enter)");
    world_at(site.zoo.world, NULL, world_now(site.zoo.world) + SECOND, heal_now, site.zoo.world);
    cr_assert_eq(waits_ms(&site, 5), 1000);
    expect_end(&site, "the safety phase is over", 1000);
    expect_counts(&site, 1, 0);
    site_close(&site);
}

/* As force_ordering does it: so many of them, and those that came before count. */
Test(waiting, for_so_many_since_the_run_began)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "wait(3*zoo/visitor/enter)");
    enter(site.at);
    enter_in(&site, 15);
    enter_in(&site, 55);
    cr_assert_eq(waits_ms(&site, 5), 60);
    cr_assert_eq(waits_ms(&site, 5), 0, "they have come");
    expect_counts(&site, 2, 0);
    site_close(&site);
}

struct shut {
    struct site *site;
    size_t node;
    uint64_t animal;
};

static void shut_now(void *arg)
{
    const struct shut *shut = arg;
    shut_cage(&shut->site->zoo.nodes[shut->node]->site, shut->animal);
}

static void shut_in(struct shut *shut, int64_t ms)
{
    struct world *world = shut->site->zoo.world;
    world_at(world, NULL, world_now(world) + ms * 1000000, shut_now, shut);
}

Test(waiting, for_the_same_key)
{
    struct site site = site_open(1);
    struct shut other = {&site, 1, 6}, same = {&site, 1, 5};
    rule(&site, "zoo/cage/open", "wait(1*per(key)zoo/cage/shut)");
    rules_watch(site.rules, site.zoo.world);
    shut_in(&other, 15);
    shut_in(&same, 35);
    cr_assert_eq(waits_ms(&site, 5), 40);
    cr_assert_eq(waits_ms(&site, 6), 0, "it was shut before");
    cr_assert_eq(waits_ms(&site, 7), 60000);
    expect_counts(&site, 3, 1);
    site_close(&site);
}

Test(waiting, for_the_same_node)
{
    struct site site = site_open(1);
    struct shut other = {&site, 1, 5}, same = {&site, 0, 6};
    rule(&site, "zoo/cage/open", "wait(per(node)zoo/cage/shut)");
    rules_watch(site.rules, site.zoo.world);
    shut_in(&other, 15);
    shut_in(&same, 35);
    cr_assert_eq(waits_ms(&site, 5), 40);
    site_close(&site);
}

/* a waits for b, and c for d; b comes while a waits, and c does not mind. */
Test(waiting, two_orderings_at_once)
{
    struct site site = site_open(1);
    struct shut shut = {&site, 1, 6};
    rule(&site, "zoo/cage/open[animal=5]", "wait(1*zoo/visitor/enter)");
    rule(&site, "zoo/cage/open[animal=6]", "wait(1*zoo/cage/shut)");
    enter_in(&site, 25);
    shut_in(&shut, 45);
    cr_assert_eq(waits_ms(&site, 5), 30);
    cr_assert_eq(waits_ms(&site, 6), 20);
    site_close(&site);
}

/* Held, let go, held again, and then no more: fail-rs' pause, pause once more, remove. */
Test(waiting, again_and_then_no_more)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "2*wait(zoo/visitor/enter) -> off");
    enter_in(&site, 15);
    enter_in(&site, 45);
    cr_assert_eq(waits_ms(&site, 5), 20);
    cr_assert_eq(waits_ms(&site, 5), 30);
    cr_assert_eq(waits_ms(&site, 5), 0);
    site_close(&site);
}

/* Each waits for the other: nobody comes, nobody hangs. */
Test(waiting, what_contradicts_itself_ends)
{
    struct site site = site_open(1);
    rule(&site, "zoo/cage/open", "wait(2*zoo/cage/open, 3s)");
    cr_assert_eq(waits_ms(&site, 5), 3000);
    expect_counts(&site, 1, 1);
    site_close(&site);
}

static void stall_later(struct node *node, struct point_site *at, int64_t ns)
{
    (void)node, (void)at, (void)ns; /* what is done here takes its time afterwards */
}

Test(waiting, where_no_time_passes_ends_at_once)
{
    struct site site = site_open(1);
    struct node_ops ops = zoo_ops;
    ops.stall = stall_later;
    site.zoo.nodes[0]->ops = &ops;
    rule(&site, "zoo/cage/open", "wait(zoo/visitor/enter)");
    cr_assert_eq(waits_ms(&site, 5), 0);
    expect_end(&site, "nobody can wait here", 0);
    expect_counts(&site, 1, 1);
    site_close(&site);
}

/* So that a shrinker finds out which of the waits are needed. */
Test(waiting, can_be_left_out_by_a_tape)
{
    struct site site = site_open(1);
    struct tape *tape = world_tape(site.zoo.world);
    struct choice second = {.stream = STREAM_SCHEDULE,
                            .name = "nemesis/wait/hold",
                            .node = site.at->node,
                            .key = mix64_pair(5, hash_text("zoo/cage/open")),
                            .ordinal = 2};
    rule(&site, "zoo/cage/open", "wait(zoo/visitor/enter, 1s)");
    tape_edit_choice(tape, &second, 0);
    cr_assert_eq(waits_ms(&site, 5), 1000);
    cr_assert_eq(waits_ms(&site, 5), 0);
    cr_assert_eq(waits_ms(&site, 5), 1000);
    tape_simplify(tape, STREAM_SCHEDULE, NULL);
    cr_assert_eq(waits_ms(&site, 5), 0);
    expect_counts(&site, 2, 2);
    site_close(&site);
}
