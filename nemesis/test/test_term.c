/* Fault terms: what is a term, what a bad one is told, and what a term does to the hits of a point.
 */
#include "nemesis/term.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define CAN_ALL      (CAN_DIE | CAN_ERROR | CAN_TIMEOUT | CAN_DISCONNECT | CAN_DELAY | CAN_PAUSE)

/* ---- the grammar ---- */

static const struct {
    const char *text, *canonical;
} good[] = {
    /* fail-rs' list of good terms, in our words */
    {"crash", "crash"},
    {"error(EIO)", "error(EIO)"},
    {"5*crash", "5*crash"},
    {"25%crash", "25%crash"},
    {"12.5%2*crash", "12.5%2*crash"},
    {"100%2*off", "100%2*off"},
    {"100%2*delay(100ms)", "100%2*delay(100ms)"},
    {"  100%2*off  ", "100%2*off"},
    {"25%2*kill", "25%2*kill"},
    {"25%2*poweroff", "25%2*poweroff"},
    {"25%2*timeout(3s)", "25%2*timeout(3s)"},
    {"25%2*disconnect", "25%2*disconnect"},
    {"25%2*pause(2m)", "25%2*pause(2m)"},
    {"25%2*wait(store/ack/reply)", "25%2*wait(store/ack/reply)"},
    {"25%2*delay(5ms..2s)", "25%2*delay(5ms..2s)"},
    {"50%50*error(EIO)->50%50*delay(1ms)->50*crash",
     "50%50*error(EIO) -> 50%50*delay(1ms) -> 50*crash"},
    /* fail(9) */
    {"5*error(EIO)->0.1%error(EINVAL)", "5*error(EIO) -> 0.1%error(EINVAL)"},
    {"2%5*crash", "2%5*crash"},
    {"50%50%3*2*crash", "50%50%3*2*crash"},
    /* our own */
    {"0.000001%crash", "0.000001%crash"},
    {"0%crash", "0%crash"},
    {"skip(2)crash", "skip(2)crash"},
    {"every(4)error(ETIMEDOUT)", "every(4)error(ETIMEDOUT)"},
    {"skip( 2 ) every (3)\t1 * crash", "skip(2)every(3)1*crash"},
    {"3*per(node)crash", "per(node)3*crash"},
    {"per(point)crash", "per(point)crash"},
    {"per(key)2*crash", "2*crash"},
    {"wait(3*store/ack/reply)", "wait(3*store/ack/reply)"},
    {"wait( 2 * per(key) store/ack/reply , 5000ms )", "wait(per(key)2*store/ack/reply,5s)"},
    {"wait(per(node)store/ack/reply)", "wait(per(node)store/ack/reply)"},
    {"wait(per(point)a/b/c,60s)", "wait(a/b/c)"},
    {"error(11)", "error(EAGAIN)"},
    /* strategies */
    {"always_crash", "crash"},
    {"recover_after(3)", "3*crash -> off"},
    {"random_crash(10)", "10%crash"},
    {"random_crash(0.5%)", "0.5%crash"},
    {"periodic_crash(4,0.5,0)", "periodic_crash(4,0.5,0)"},
    {"periodic_crash( 4 , 0.5 , pi )", "periodic_crash(4,0.5,3.141592654)"},
    {"periodic_crash(10,1,3.14159)", "periodic_crash(10,1,3.14159)"},
};

static void assert_prints(const char *text, const char *canonical)
{
    struct term_error error = {0};
    char out[256];
    struct term *term = term_parse(text, &error);
    cr_assert_not_null(term, "'%s': %s", text, error.why);
    term_print(term, out, sizeof out);
    cr_assert_str_eq(out, canonical, "'%s' is printed as '%s'", text, out);
    term_free(term);
}

Test(grammar, good_terms_are_read_and_printed)
{
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_prints(good[i].text, good[i].canonical);
        assert_prints(good[i].canonical, good[i].canonical);
    }
}

static const struct {
    const char *text;
    size_t offset;
    const char *why;
} bad[] = {
    /* fail-rs' list of bad terms, in our words */
    {"delay", 5, "expected '(' and a duration, as in delay(5ms..2s)"},
    {"timeout", 7, "expected '(' and a duration, as in delay(5ms..2s)"},
    {"Crash", 0, "unknown word 'Crash'; did you mean 'crash'?"},
    {"ab%crash", 0, "unknown word 'ab'"},
    {"ab*crash", 0, "unknown word 'ab'"},
    {"error(EIO", 9, "expected ')'"},
    {"unknown", 0, "unknown word 'unknown'"},
    /* words */
    {"disconect", 0, "unknown word 'disconect'; did you mean 'disconnect'?"},
    {"3*crahs", 2, "unknown word 'crahs'; did you mean 'crash'?"},
    {"evry(3)crash", 0, "unknown word 'evry'; did you mean 'every'?"},
    {"none", 0, "to spare a hit, write 'off'"},
    {"error(ETIMEDOU)", 6, "unknown errno 'ETIMEDOU'; did you mean 'ETIMEDOUT'?"},
    {"error(XYZZYXYZZY)", 6, "expected the name of an errno, as in error(ETIMEDOUT)"},
    {"error", 5, "expected '(' and the name of an errno, as in error(ETIMEDOUT)"},
    /* numbers */
    {"101%crash", 0, "a percentage is 0 to 100"},
    {"100.000001%crash", 0, "a percentage is 0 to 100"},
    {"3*100.5%crash", 2, "a percentage is 0 to 100"},
    {"0.0000001%crash", 8, "at most 6 decimals"},
    {"5.%crash", 2, "expected a digit after the point"},
    {"1.5*crash", 1, "a count is a whole number"},
    {"50crash", 2, "expected '%' or '*' after a number"},
    {"9999999999*crash", 0, "this number is too large"},
    {"every(0)crash", 6, "every(0) would be never; use every(1) or more"},
    {"skip(x)crash", 5, "expected a number"},
    {"skip(1.5)crash", 6, "a count is a whole number"},
    {"skip 3 crash", 5, "expected '('"},
    {"skip(3 crash", 7, "expected ')'"},
    {"per(job)crash", 4, "expected point, node or key"},
    {"per(key)per(node)crash", 11, "a step has one per(...)"},
    {"1%2%3%4%5%6%7%8%9%crash", 16, "a step has at most 8 modifiers"},
    /* durations */
    {"delay(5)", 6, "expected a duration, as in 250ms or 1.5s"},
    {"delay(2s..5ms)", 10, "the range ends before it begins"},
    /* the chain */
    {"crash ->", 8,
     "expected an action: crash, kill, poweroff, error(ERRNO), timeout(DUR), "
     "disconnect, delay(DUR), pause(DUR), short, lie, misdirect, flip, wait(NAME), off"},
    {"crash off", 6, "expected '->' and another step, or the end"},
    {"crash -> crahs", 9, "unknown word 'crahs'; did you mean 'crash'?"},
    {"wait()", 5, "expected the name of a point, as in wait(store/ack/reply)"},
    {"wait(store/ack", 14, "expected ')'"},
    {"wait(0*store/ack)", 5, "wait(0*...) would not wait"},
    {"wait(2*3*store/ack)", 7, "a wait has one count"},
    {"wait(2store/ack)", 6, "expected '*'"},
    {"wait(per(job)store/ack)", 9, "expected point, node or key"},
    {"wait(per(key)per(node)a)", 16, "a step has one per(...)"},
    {"wait(a/b/c,)", 11, "expected a duration, as in 250ms or 1.5s"},
    {"wait(a/b/c,5)", 11, "expected a duration, as in 250ms or 1.5s"},
    {"1*off->1*off->1*off->1*off->1*off->1*off->1*off->1*off->1*off->1*off->"
     "1*off->1*off->1*off->1*off->1*off->1*off->1*off->1*off->1*off->1*off->off",
     140, "a term has at most 20 steps"},
    /* strategies */
    {"recover_after", 13, "expected '('"},
    {"recover_after(3) -> crash", 17, "a strategy stands alone"},
    {"crash -> recover_after(3)", 9, "a strategy stands alone"},
    {"random_crash(101)", 13, "a percentage is 0 to 100"},
    {"periodic_crash(0,0.5,0)", 15, "a period is 1 or more"},
    {"periodic_crash(4,1.5,0)", 17, "the duty, the healthy share, is 0 to 1"},
    {"periodic_crash(4,0.5)", 20, "expected ','"},
    {"periodic_crsh(4,0.5,0)", 0, "unknown word 'periodic_crsh'; did you mean 'periodic_crash'?"},
};

Test(grammar, a_bad_term_says_where_and_why)
{
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct term_error error = {.offset = 999, .in_pattern = true};
        cr_assert_null(term_parse(bad[i].text, &error), "'%s' was read", bad[i].text);
        cr_assert_str_eq(error.why, bad[i].why, "'%s': %s", bad[i].text, error.why);
        cr_assert_eq(error.offset, bad[i].offset, "'%s': at %zu", bad[i].text, error.offset);
        cr_assert_not(error.in_pattern);
    }
}

Test(grammar, a_term_knows_what_it_needs)
{
    struct term_error error;
    struct term *term = term_parse("1*crash -> 2*wait(a/b/c) -> 10%error(EIO) -> off", &error);
    size_t offset = 0;
    cr_assert_eq(term_kinds(term), CAN_CRASH | CAN_DELAY | CAN_ERROR);
    cr_assert_str_eq(term_wait(term, 0, &offset)->name, "a/b/c");
    cr_assert_eq(offset, 18);
    cr_assert_null(term_wait(term, 1, &offset));
    term_free(term);
}

Test(grammar, a_long_term_is_cut_off_when_printed)
{
    struct term_error error;
    struct term *term = term_parse("50%50*error(EIO) -> 50%50*delay(1ms)", &error);
    char out[12];
    term_print(term, out, sizeof out);
    cr_assert_str_eq(out, "50%50*error");
    term_free(term);
}

/* ---- what a term does ---- */

struct bench {
    struct term *term;
    struct term_state *state;
    struct tape *tape;
    uint32_t can;
};

static struct bench bench_of(const char *text)
{
    struct term_error error = {0};
    struct bench bench = {.term = term_parse(text, &error), .tape = tape_new(42), .can = CAN_ALL};
    cr_assert_not_null(bench.term, "'%s': %s", text, error.why);
    bench.state = term_state_new(bench.term);
    return bench;
}

static void bench_done(struct bench *bench)
{
    term_state_free(bench->state);
    term_free(bench->term);
    tape_free(bench->tape);
}

static struct term_verdict hit(struct bench *bench, uint32_t node, uint64_t key, uint64_t ordinal)
{
    struct choice choice = {
        .stream = STREAM_FAULT, .name = "zoo/cage/open", .node = node, .key = key, ordinal};
    return term_eval(bench->term, bench->state, bench->tape, &choice, bench->can, 0);
}

static char letter(struct term_verdict verdict)
{
    static const char letters[FAULT_KIND_COUNT] = {
        [FAULT_NONE] = 'o',       [FAULT_DELAY] = 'd', [FAULT_ERROR] = 'e', [FAULT_TIMEOUT] = 't',
        [FAULT_DISCONNECT] = 'x', [FAULT_PAUSE] = 'p', [FAULT_CRASH] = 'c', [FAULT_KILL] = 'k',
        [FAULT_POWEROFF] = 'w',   [FAULT_SHORT] = 's', [FAULT_LIE] = 'l',   [FAULT_MISDIRECT] = 'm',
        [FAULT_FLIP] = 'f'};
    return verdict.taken ? letters[verdict.fault.kind] : '.';
}

/* One key hit again and again: '.' no step took it, 'o' off, 'c' crash, ... */
static const char *hits(const char *text, unsigned count, char *out)
{
    struct bench bench = bench_of(text);
    for (unsigned i = 0; i < count; i++)
        out[i] = letter(hit(&bench, 1, 7, i + 1));
    out[count] = '\0';
    bench_done(&bench);
    return out;
}

static const struct {
    const char *text, *expected;
} tables[] = {
    {"crash", "cccccc"},
    {"off", "oooo"},
    {"2*crash", "cc...."},
    {"0*crash", "...."},
    {"skip(2)crash", "..cccc"},
    {"skip(0)crash", "cc"},
    {"every(1)crash", "cccc"},
    {"every(3)crash", "..c..c..c"},
    {"every(2)2*crash", ".c.c...."},
    {"2*every(2)crash", ".c.c...."},
    {"skip(1)every(2)crash", "..c.c.c"},
    {"every(2)skip(1)crash", "...c.c.c"},
    {"skip(2)1*crash", "..c..."},
    {"3*2*crash", "cc..."},
    {"0%crash", "......"},
    {"100%3*crash", "ccc.."},
    /* chains: the first step that takes the hit */
    {"2*crash -> 1*error(EIO) -> off", "cceooo"},
    {"3*off -> 1*crash", "oooc..."},
    {"every(3)crash -> every(2)error(EIO)", ".ec.ec.ec"},
    {"0%crash -> disconnect", "xxx"},
    {"1*kill -> 1*poweroff -> 1*pause(1s) -> 1*timeout(1s) -> 1*delay(1s)", "kwptd.."},
    /* snabbkaffe's strategies, as its run time gives them: X starts at 1 */
    {"always_crash", "cccccc"},
    {"recover_after(3)", "cccooo"},
    {"recover_after(0)", "ooo"},
    {"random_crash(0)", "......"},
    {"random_crash(100)", "cccccc"},
    {"periodic_crash(4,0.5,0)", ".cc..cc."},
    {"periodic_crash(4,0.5,pi)", "c..cc..c"},
    {"periodic_crash(4,0.5,3.14159)", "c..cc..c"},
    {"periodic_crash(4,0.5,1.5708)", "cc..cc.."},
    {"periodic_crash(3,0.5,pi)", "..c..c."}, /* half a turn of 3 is 1.5, rounded up to 2 */
    {"periodic_crash(1,0.5,pi)", "...."},
    {"periodic_crash(4,0,0)", "cccccccc"},
    {"periodic_crash(4,1,0)", "........"},
    {"periodic_crash(10,0.9,0)", "........c.........c"},
    {"periodic_crash(3,0.333333333,0)", "cc.cc.cc."},
    {"periodic_crash(3,0.333333334,0)", ".c..c..c."},
};

Test(semantics, truth_tables)
{
    for (size_t i = 0; i < COUNT(tables); i++) {
        char out[64];
        hits(tables[i].text, (unsigned)strlen(tables[i].expected), out);
        cr_assert_str_eq(out, tables[i].expected, "%s: %s", tables[i].text, out);
    }
}

Test(semantics, a_chain_of_twenty_terms_is_the_longest)
{
    char text[400] = "", out[32];
    for (int i = 0; i < 20; i++)
        strcat(text, i == 0 ? "1*off" : i % 2 ? "->1*crash" : "->1*disconnect");
    cr_assert_str_eq(hits(text, 22, out), "ocxcxcxcxcxcxcxcxcxc..");
    strcat(text, "->off");
    struct term_error error;
    cr_assert_null(term_parse(text, &error));
    cr_assert_str_eq(error.why, "a term has at most 20 steps");
}

/* Hits of (node, key) in turn. */
static const char *hits_of(const char *text, const uint64_t (*who)[2], size_t count, char *out)
{
    struct bench bench = bench_of(text);
    for (size_t i = 0; i < count; i++)
        out[i] = letter(hit(&bench, (uint32_t)who[i][0], who[i][1], i + 1));
    out[count] = '\0';
    bench_done(&bench);
    return out;
}

Test(semantics, counters_are_kept_per_key_unless_told_otherwise)
{
    static const uint64_t who[][2] = {{1, 7}, {1, 8}, {2, 7}, {1, 7}, {2, 8}, {2, 9}, {1, 9}};
    char out[16];
    cr_assert_str_eq(hits_of("1*crash", who, COUNT(who), out), "cc...c.");
    cr_assert_str_eq(hits_of("per(key)1*crash", who, COUNT(who), out), "cc...c.");
    cr_assert_str_eq(hits_of("per(node)1*crash", who, COUNT(who), out), "c.c....");
    cr_assert_str_eq(hits_of("per(point)1*crash", who, COUNT(who), out), "c......");
    cr_assert_str_eq(hits_of("per(point)every(3)crash", who, COUNT(who), out), "..c..c.");
    cr_assert_str_eq(hits_of("periodic_crash(2,0.5,0)", who, COUNT(who), out), "cc.c.c.");
}

Test(semantics, counters_are_kept_per_point)
{
    struct bench bench = bench_of("per(point)1*crash");
    struct choice choice = {.stream = STREAM_FAULT, .name = "zoo/cage/open", .ordinal = 1};
    struct term_verdict verdicts[3];
    const char *const names[] = {"zoo/cage/open", "zoo/cage/shut", "zoo/cage/open"};
    for (size_t i = 0; i < 3; i++) {
        choice.name = names[i];
        verdicts[i] = term_eval(bench.term, bench.state, bench.tape, &choice, bench.can, 0);
    }
    cr_assert(verdicts[0].taken && verdicts[1].taken && !verdicts[2].taken);
    bench_done(&bench);
}

Test(semantics, a_step_the_point_cannot_do_is_passed_over_and_counts_nothing)
{
    struct bench bench = bench_of("1*crash -> skip(1)disconnect -> delay(1s)");
    bench.can = CAN_DISCONNECT;
    cr_assert_eq(letter(hit(&bench, 1, 7, 1)), '.');
    cr_assert_eq(letter(hit(&bench, 1, 7, 2)), 'x');
    bench.can = CAN_ALL;
    cr_assert_eq(letter(hit(&bench, 1, 7, 3)), 'c');
    bench.can = CAN_DELAY;
    cr_assert_eq(letter(hit(&bench, 1, 7, 4)), 'd');
    bench_done(&bench);
}

Test(semantics, wait_names_its_point)
{
    struct bench bench = bench_of("1*wait(zoo/cage/shut)");
    struct term_verdict verdict = hit(&bench, 1, 7, 1);
    cr_assert(verdict.taken);
    cr_assert_eq(verdict.fault.kind, FAULT_NONE);
    cr_assert_str_eq(verdict.wait->name, "zoo/cage/shut");
    cr_assert_not(hit(&bench, 1, 7, 2).taken);
    bench_done(&bench);
}

/* ---- chance ---- */

/* How often each letter comes up. */
static void count_letters(const char *text, unsigned count, unsigned ret_counts[static 256])
{
    struct bench bench = bench_of(text);
    for (unsigned i = 0; i < count; i++)
        ret_counts[(unsigned char)letter(hit(&bench, 1, 7, i + 1))]++;
    bench_done(&bench);
}

Test(chance, fail_rs_statistics_over_5000_hits)
{
    unsigned counts[256] = {0};
    count_letters("50%50*error(EIO)->50%50*delay(1ms)->50*disconnect", 5000, counts);
    cr_assert_eq(counts['e'], 50);
    cr_assert_eq(counts['d'], 50);
    cr_assert_eq(counts['x'], 50);
    cr_assert_eq(counts['.'], 4850);
    /* what its three actions return there, 1, -1 and 2, sums up to 100 */
    cr_assert_eq(1 * counts['e'] - 1 * counts['d'] + 2 * counts['x'], 100);
}

Test(chance, fail_9_a_few_and_then_rarely)
{
    unsigned counts[256] = {0};
    count_letters("5*error(EIO)->0.1%disconnect", 100000, counts);
    cr_assert_eq(counts['e'], 5);
    cr_assert(counts['x'] > 60 && counts['x'] < 140, "%u", counts['x']);
    char out[16];
    cr_assert_eq(strncmp(hits("5*error(EIO)->0.1%disconnect", 6, out), "eeeee", 5), 0);
}

Test(chance, a_modifier_given_twice_counts_twice)
{
    unsigned counts[256] = {0};
    count_letters("50%50%disconnect", 10000, counts);
    cr_assert(counts['x'] > 2350 && counts['x'] < 2650, "a quarter: %u", counts['x']);
    memset(counts, 0, sizeof counts);
    count_letters("50%50%3*2*crash", 10000, counts);
    cr_assert_eq(counts['c'], 2, "the smaller one");
}

Test(chance, percentages_are_met)
{
    unsigned counts[256] = {0};
    count_letters("2%crash -> 50%delay(1s) -> 0.1%disconnect", 100000, counts);
    cr_assert(counts['c'] > 1850 && counts['c'] < 2150, "%u", counts['c']);
    cr_assert(counts['d'] > 48000 && counts['d'] < 50000, "%u", counts['d']);
    cr_assert(counts['x'] > 20 && counts['x'] < 80, "%u", counts['x']);
}

Test(chance, a_count_is_spent_only_when_the_step_takes_the_hit)
{
    unsigned counts[256] = {0};
    count_letters("2%5*crash", 5000, counts);
    cr_assert_eq(counts['c'], 5);
    memset(counts, 0, sizeof counts);
    count_letters("5*2%crash", 5000, counts);
    cr_assert_eq(counts['c'], 5, "written the other way round as well");
}

Test(chance, a_higher_percentage_keeps_the_faults_of_a_lower_one)
{
    struct bench low = bench_of("5%crash"), high = bench_of("20%crash");
    unsigned both = 0;
    for (uint64_t n = 1; n <= 2000; n++) {
        bool in_low = hit(&low, 1, 7, n).taken, in_high = hit(&high, 1, 7, n).taken;
        cr_assert(!in_low || in_high);
        both += in_low;
    }
    cr_assert_gt(both, 50);
    bench_done(&low);
    bench_done(&high);
}

Test(chance, a_decision_does_not_depend_on_the_order_of_hits)
{
    enum { KEYS = 20, ORDINALS = 50 };
    struct bench forward = bench_of("10%crash"), backward = bench_of("10%crash");
    static bool seen[KEYS][ORDINALS];
    unsigned crashes = 0;
    for (uint64_t key = 0; key < KEYS; key++)
        for (uint64_t n = 0; n < ORDINALS; n++)
            crashes += seen[key][n] = hit(&forward, 1, key, n).taken;
    for (uint64_t n = ORDINALS; n-- > 0;)
        for (uint64_t key = KEYS; key-- > 0;)
            cr_assert_eq(hit(&backward, 1, key, n).taken, seen[key][n]);
    cr_assert(crashes > 60 && crashes < 140, "%u", crashes);
    bench_done(&forward);
    bench_done(&backward);
}

Test(chance, places_steps_and_seeds_are_independent)
{
    struct bench one = bench_of("50%crash"), other = bench_of("50%crash");
    tape_free(other.tape);
    other.tape = tape_new(43);
    unsigned by_seed = 0, by_place = 0, by_step = 0;
    struct bench steps = bench_of("50%50%off -> 50%crash");
    for (uint64_t n = 1; n <= 1000; n++) {
        struct choice choice = {
            .stream = STREAM_FAULT, .name = "zoo/cage/open", .node = 1, .key = 7, .ordinal = n};
        bool taken = hit(&one, 1, 7, n).taken;
        by_seed += taken != hit(&other, 1, 7, n).taken;
        by_place += taken != term_eval(one.term, one.state, one.tape, &choice, CAN_ALL, 1).taken;
        by_step += hit(&steps, 1, 7, n).taken;
    }
    cr_assert(by_seed > 400 && by_seed < 600, "%u", by_seed);
    cr_assert(by_place > 400 && by_place < 600, "%u", by_place);
    cr_assert(by_step > 560 && by_step < 690, "%u", by_step); /* 1/4 + 3/4 * 1/2 */
    bench_done(&one);
    bench_done(&other);
    bench_done(&steps);
}
