/* The swarm: what a run draws, that about half of it is there, and that the tape decides. */
#include "harness/hash.h"
#include "nemesis/swarm.h"
#include "nemesis/test/story.h"

POINT_ABOUT("swarm/bee/sting", "for these tests: a point that can fail in three ways");
POINT_ABOUT("swarm/bee/rest", "for these tests: a point at which nothing can be injected");

static void bee(struct point_site *at)
{
    (void)FAULT(at, "swarm/bee/sting", CAN_ERROR | CAN_DELAY | CAN_KILL, T_U64("bee", 1));
    TRACE(at, "swarm/bee/rest", T_U64("bee", 1));
}

static struct scenario swarming(int64_t chance)
{
    return (struct scenario){
        .swarm = {.on = true, .chance = chance, .all_nemeses = true, .all_points = true}};
}

static struct swarm drawn(struct zoo *zoo, const struct scenario *scenario, struct tape *tape)
{
    struct swarm swarm;
    *zoo = zoo_open(tape);
    swarm_draw(&swarm, zoo->world, scenario);
    return swarm;
}

/* Rules that let a disk lie, over 50 seeds. */
static size_t lies_drawn(int64_t disks_lying, size_t *ret_short)
{
    struct scenario scenario = swarming(10000);
    size_t lies = 0;
    *ret_short = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct swarm swarm;
        struct zoo zoo = zoo_open_within(
            tape_new(seed), (struct budget){.nodes_down = 1, .disks_lying = disks_lying});
        swarm_draw(&swarm, zoo.world, &scenario);
        for (size_t i = 0; i < swarm.rule_count; i++) {
            const char *action = strchr(swarm.rules[i].term, '%') + 1;
            lies += strcmp(action, "lie") == 0 || strcmp(action, "misdirect") == 0 ||
                    strcmp(action, "flip") == 0;
            *ret_short += strcmp(action, "short") == 0;
        }
        swarm_done(&swarm);
        zoo_close(&zoo);
    }
    return lies;
}

Test(swarm, disks_lie_only_where_the_budget_allows_it)
{
    size_t shorts;
    cr_expect_eq(lies_drawn(0, &shorts), 0);
    cr_expect_gt(shorts, 30, "of 50 * 2 * a half: %zu", shorts);
    /* read and write can do three, sync one */
    size_t lies = lies_drawn(1, &shorts);
    cr_expect(lies > 120 && lies < 230, "half of 350: %zu", lies);
}

Test(swarm, errors_are_of_several_kinds)
{
    struct scenario scenario = swarming(10000);
    unsigned full = 0, broken = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct zoo zoo;
        struct swarm swarm = drawn(&zoo, &scenario, tape_new(seed));
        for (size_t i = 0; i < swarm.rule_count; i++) {
            full += strstr(swarm.rules[i].term, "error(ENOSPC)") != NULL;
            broken += strstr(swarm.rules[i].term, "error(EIO)") != NULL;
        }
        swarm_done(&swarm);
        zoo_close(&zoo);
    }
    cr_expect(full > 20 && broken > 20, "%u, %u", full, broken);
}

/* A busy point of a device is no moment that anybody waits at, or for. */
Test(swarm, orders_are_forced_between_what_a_system_does)
{
    struct scenario scenario = swarming(10000);
    unsigned here = 0, anywhere = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct zoo zoo;
        struct swarm swarm = drawn(&zoo, &scenario, tape_new(seed));
        for (size_t i = 0; i < swarm.rule_count; i++) {
            const char *wait = strstr(swarm.rules[i].term, "%wait(");
            if (!wait)
                continue;
            anywhere++;
            here += strcmp(swarm.rules[i].point, "swarm/bee/sting") == 0;
            cr_expect(strncmp(swarm.rules[i].point, "disk/", 5) != 0);
            cr_expect(strncmp(wait + strlen("%wait("), "disk/", 5) != 0, "%s", wait);
            cr_expect_null(strstr(wait, swarm.rules[i].point), "%s: %s", swarm.rules[i].point,
                           wait);
        }
        swarm_done(&swarm);
        zoo_close(&zoo);
    }
    cr_expect(here > 10 && here < 45, "an eighth of 200: %u", here);
    cr_expect_gt(anywhere, here);
}

/* Each value lies within what the kind allows. */
static void expect_allowed(const struct nemesis_spec *spec)
{
    const struct nemesis_kind *kind = nemesis_kinds;
    while (strcmp(kind->name, spec->kind) != 0)
        kind++;
    for (size_t i = 0; i < NEMESIS_KEYS_MAX && kind->keys[i].aspect; i++) {
        struct range range = spec->values[i];
        cr_expect(range.lo >= kind->keys[i].min && range.lo <= range.hi &&
                      (range.hi <= kind->keys[i].max || kind->keys[i].type == PARAM_WORD),
                  "%s: %s %ld..%ld", kind->name, kind->keys[i].name, (long)range.lo,
                  (long)range.hi);
    }
}

Test(swarm, about_half_of_the_catalogue_is_in_a_run)
{
    struct scenario scenario = swarming(5000);
    size_t nemeses = 0, stings = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct zoo zoo;
        struct swarm swarm = drawn(&zoo, &scenario, tape_new(seed));
        nemeses += swarm.nemesis_count;
        for (size_t i = 0; i < swarm.nemesis_count; i++)
            expect_allowed(&swarm.nemeses[i]);
        for (size_t i = 0; i < swarm.rule_count; i++) {
            struct term_error error;
            stings += strcmp(swarm.rules[i].point, "swarm/bee/sting") == 0;
            cr_expect(strcmp(swarm.rules[i].point, "swarm/bee/rest") != 0);
            cr_expect_eq(
                nemesis_engine.rule_check(swarm.rules[i].point, swarm.rules[i].term, &error), 0,
                "%s", swarm.rules[i].term);
        }
        swarm_done(&swarm);
        zoo_close(&zoo);
    }
    size_t all = 200 * (size_t)NEMESIS_KIND_COUNT;
    cr_expect(nemeses > all * 45 / 100 && nemeses < all * 55 / 100, "%zu of %zu", nemeses, all);
    cr_expect(stings > 110 && stings < 190, "a quarter of 600: %zu", stings);
}

Test(swarm, what_was_drawn_is_recorded)
{
    struct scenario scenario = swarming(5000);
    struct zoo zoo;
    struct swarm swarm = drawn(&zoo, &scenario, tape_new(3));
    struct trace_cursor cursor = {0};
    struct event event;
    size_t recorded = 0, nemeses = 0;
    while (trace_next(zoo.trace, &cursor, &event)) {
        if (strcmp(event.point->name, "swarm/option/draw") != 0)
            continue;
        recorded++;
        nemeses += strncmp(event_str(&event, "value"), "every ", 6) == 0;
    }
    cr_expect_gt(recorded, 0);
    cr_expect_eq(recorded, swarm.nemesis_count + swarm.rule_count);
    cr_expect_eq(nemeses, swarm.nemesis_count);
    swarm_done(&swarm);
    zoo_close(&zoo);
}

Test(swarm, draws_nothing_where_it_is_not_asked_to)
{
    struct scenario scenario = {
        .swarm = {.chance = 10000, .all_nemeses = true, .all_points = true}};
    struct zoo zoo;
    struct swarm swarm = drawn(&zoo, &scenario, tape_new(3));
    cr_expect(swarm.nemesis_count == 0 && swarm.rule_count == 0);
    zoo_close(&zoo);
}

Test(swarm, only_what_is_allowed_and_not_there_already)
{
    char *nemeses[] = {(char[]){"kill node"}, (char[]){"cut link"}};
    char *points[] = {(char[]){"swarm/*/sting"}};
    struct nemesis_spec own = {.kind = "cut link", .values = {fixed(10), fixed(3)}};
    struct scenario scenario = {.nemeses = &own,
                                .nemesis_count = 1,
                                .swarm = {.on = true,
                                          .chance = 10000,
                                          .nemeses = nemeses,
                                          .nemesis_count = 2,
                                          .points = points,
                                          .point_count = 1}};
    struct zoo zoo;
    struct swarm swarm = drawn(&zoo, &scenario, tape_new(3));
    cr_assert_eq(swarm.nemesis_count, 1);
    cr_expect_str_eq(swarm.nemeses[0].kind, "kill node");
    for (size_t i = 0; i < swarm.rule_count; i++)
        cr_expect_str_eq(swarm.rules[i].point, "swarm/bee/sting");
    swarm_done(&swarm);
    zoo_close(&zoo);
    bee(&(struct point_site){0});
}

/* The edit of one enabling changes no other. */
Test(swarm, a_tape_can_leave_out_one_option)
{
    struct scenario scenario = swarming(10000);
    struct zoo zoo;
    struct swarm all = drawn(&zoo, &scenario, tape_new(3));
    zoo_close(&zoo);
    struct tape *tape = tape_new(3);
    struct choice choice = {.stream = STREAM_NEMESIS,
                            .name = "swarm/option/enable",
                            .key = mix64_pair(hash_text("nemesis"), hash_text("power")),
                            .ordinal = 1};
    tape_edit_choice(tape, &choice, 0);
    struct swarm fewer = drawn(&zoo, &scenario, tape);
    zoo_close(&zoo);
    cr_assert_eq(all.nemesis_count, NEMESIS_KIND_COUNT);
    cr_assert_eq(fewer.nemesis_count + 1, all.nemesis_count);
    for (size_t i = 0, j = 0; i < all.nemesis_count; i++)
        if (strcmp(all.nemeses[i].kind, "power loss") != 0)
            cr_expect_eq(memcmp(&all.nemeses[i], &fewer.nemeses[j++], sizeof fewer.nemeses[0]), 0);
    swarm_done(&all);
    swarm_done(&fewer);
}

Test(swarm, strikes)
{
    struct scenario scenario = swarming(10000);
    struct story story = story_open(tape_new(2), &scenario);
    zoo_run(&story.zoo, 600 * SECOND);
    cr_expect_gt(count_of(&story, "nemesis/world/strike"), 50);
    struct nemesis_count kinds[NEMESIS_KIND_COUNT] = {0};
    nemesis_engine.count(story.engine, kinds, NULL);
    cr_expect_gt(kinds[NEMESIS_cut].made, 0);
    story_close(&story);
}
