/* The loop of Linux' fail-nth: the Nth hit of a point fails, for N = 1, 2, ... until it is not
 * reached any more; the rule tells each time whether it fired. So one operation is tried with every
 * single error that it can meet. */
#include "nemesis/rules.h"
#include "nemesis/test/zoo.h"

#include <errno.h>

POINT_ABOUT("nth/file/open", "for the tests of the loop");
POINT_ABOUT("nth/file/write", "for the tests of the loop");
POINT_ABOUT("nth/file/sync", "for the tests of the loop");

#define BLOCKS 4

static int write_block(struct point_site *at, uint64_t block)
{
    return FAULT(at, "nth/file/write", CAN_ERROR, T_U64("block", block));
}

/* An operation as they are: a write is tried twice, an error is given back. */
static int save(struct point_site *at)
{
    int err = FAULT(at, "nth/file/open", CAN_ERROR, T_U64("file", 1));
    for (uint64_t block = 0; !err && block < BLOCKS; block++) {
        err = write_block(at, block);
        if (err)
            err = write_block(at, block);
    }
    return err ? err : FAULT(at, "nth/file/sync", CAN_ERROR, T_U64("file", 1));
}

/* What one round gave. */
struct round {
    int result;
    bool fired;
    unsigned hits; /* of the point */
    unsigned at;   /* which of them had a fault, from 1; 0: none */
    unsigned faults;
};

static struct round look(const struct zoo *zoo, const char *point)
{
    struct round round = {0};
    struct trace_cursor cursor = {0};
    struct event event;
    while (trace_next(zoo->trace, &cursor, &event)) {
        if (strcmp(event.point->name, point) != 0)
            continue;
        round.hits++;
        if (event.fault.kind != FAULT_NONE)
            round.at = round.hits;
        round.faults += event.fault.kind != FAULT_NONE;
    }
    return round;
}

/* Lets hit number n of a point fail; 0: none. */
static struct round save_with(const char *point, unsigned n)
{
    struct zoo zoo = zoo_open(tape_new(1));
    struct rules *rules = rules_new();
    struct term_error error = {0};
    char term[64];
    snprintf(term, sizeof term, "per(point)skip(%u)%u*error(EIO)", n ? n - 1 : 0, n ? 1 : 0);
    cr_assert_eq(rules_add(rules, point, term, &error), 0, "%s", error.why);
    world_decider(zoo.world, rules_decide, rules);
    int result = save(&zoo.nodes[0]->site);
    struct round round = look(&zoo, point);
    round.result = result;
    round.fired = rules_fired(rules, 0).kept > 0;
    world_decider(zoo.world, NULL, NULL);
    zoo_close(&zoo);
    rules_free(rules);
    return round;
}

/* Returns how often the loop went round before N was not reached. */
static unsigned loop(const char *point, int expected)
{
    for (unsigned n = 1;; n++) {
        struct round round = save_with(point, n);
        cr_assert_eq(round.fired, round.faults == 1, "%s, %u: what it says, the trace shows", point,
                     n);
        if (!round.fired) {
            cr_assert_eq(round.result, 0, "%s, %u: nothing failed", point, n);
            return n - 1;
        }
        cr_assert_eq(round.at, n, "%s: hit %u failed instead of %u", point, round.at, n);
        cr_assert_eq(round.result, expected, "%s, %u: %d", point, n, round.result);
    }
}

Test(fail_nth, goes_round_once_for_every_hit)
{
    static const struct {
        const char *point;
        int result; /* with one error */
    } points[] = {{"nth/file/open", -EIO}, {"nth/file/write", 0}, {"nth/file/sync", -EIO}};
    static const unsigned hits[] = {1, BLOCKS, 1};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(save_with(points[i].point, 0).hits, hits[i]);
        cr_expect_eq(loop(points[i].point, points[i].result), hits[i], "%s", points[i].point);
    }
}

Test(fail_nth, the_hit_that_failed_is_tried_again)
{
    struct round round = save_with("nth/file/write", 2);
    cr_expect(round.fired && round.result == 0);
    cr_expect_eq(round.hits, BLOCKS + 1, "%u", round.hits);
}
