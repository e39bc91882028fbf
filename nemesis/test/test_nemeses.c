/* The world nemeses: when they strike, whom, within which limits, that what they break is repaired,
 * and that a tape can spare single strikes. */
#include "nemesis/test/story.h"

Test(nodes, are_killed_and_come_back)
{
    struct nemesis_spec spec = {.kind = "kill node", .values = {fixed(10), fixed(3)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    char times[64];
    zoo_run(&story.zoo, 35 * SECOND);
    cr_assert_str_eq(times_of(&story, "world/node/kill", times, sizeof times), " 10 20 30");
    cr_assert_str_eq(times_of(&story, "world/node/start", times, sizeof times), " 0 0 0 13 23 33");
    cr_assert_eq(count_of(&story, "nemesis/world/strike"), 3);
    story_close(&story);
}

Test(nodes, lose_power)
{
    struct nemesis_spec spec = {.kind = "power loss", .values = {fixed(10), fixed(3)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    zoo_run(&story.zoo, 25 * SECOND);
    cr_assert_eq(count_of(&story, "world/node/poweroff"), 2);
    cr_assert_eq(count_of(&story, "world/node/kill"), 0);
    story_close(&story);
}

Test(nodes, are_restarted_gracefully)
{
    struct nemesis_spec spec = {.kind = "restart node", .values = {fixed(10), fixed(3)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    char times[64];
    zoo_run(&story.zoo, 25 * SECOND);
    cr_assert_str_eq(times_of(&story, "world/node/stopped", times, sizeof times), " 10 20");
    cr_assert_str_eq(times_of(&story, "world/node/start", times, sizeof times), " 0 0 0 13 23");
    cr_assert_eq(count_of(&story, "world/node/kill"), 0);
    story_close(&story);
}

Test(nodes, are_not_killed_beyond_the_budget)
{
    struct nemesis_spec spec = {.kind = "kill node", .values = {fixed(10), fixed(45)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    char times[64];
    zoo_run(&story.zoo, 95 * SECOND);
    cr_assert_str_eq(times_of(&story, "nemesis/world/strike", times, sizeof times), " 10 60");
    story_close(&story);
}

Test(nodes, only_expendable_ones_die)
{
    struct nemesis_spec spec = {.kind = "kill node", .values = {fixed(10), fixed(1)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    story.zoo.nodes[0]->expendable = story.zoo.nodes[2]->expendable = false;
    zoo_run(&story.zoo, 205 * SECOND);
    cr_assert_eq(story.zoo.nodes[0]->boots, 1);
    cr_assert_eq(story.zoo.nodes[1]->boots, 21);
    cr_assert_eq(story.zoo.nodes[2]->boots, 1);
    story_close(&story);
}

Test(nodes, are_paused)
{
    struct nemesis_spec spec = {.kind = "pause node", .values = {fixed(10), fixed(4)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    char times[64];
    zoo_run(&story.zoo, 25 * SECOND);
    cr_assert_str_eq(times_of(&story, "world/node/pause", times, sizeof times), " 10 20");
    cr_assert_str_eq(times_of(&story, "world/node/resume", times, sizeof times), " 14 24");
    story_close(&story);
}

/* ---- all of them ---- */

static struct nemesis_spec everything[] = {
    {.kind = "kill node", .values = {{5 * SECOND, 20 * SECOND}, {SECOND, 10 * SECOND}}},
    {.kind = "cut link", .values = {{5 * SECOND, 20 * SECOND}, {SECOND, 60 * SECOND}}},
    {.kind = "slow link",
     .values = {{5 * SECOND, 20 * SECOND}, {SECOND, 60 * SECOND}, {1, SECOND}}},
    {.kind = "pause node", .values = {{5 * SECOND, 20 * SECOND}, {SECOND, 10 * SECOND}}},
    {.kind = "power loss", .values = {{5 * SECOND, 20 * SECOND}, {SECOND, 10 * SECOND}}},
};

Test(everything, stops_with_the_safety_phase_and_is_repaired)
{
    struct scenario scenario = {.nemeses = everything, .nemesis_count = COUNT(everything)};
    struct story story = story_open(tape_new(9), &scenario);
    zoo_run(&story.zoo, 300 * SECOND);
    unsigned before = count_of(&story, "nemesis/world/strike");
    cr_assert_gt(before, 50);
    nemesis_engine.heal(story.engine);
    world_heal(story.zoo.world);
    cr_assert_eq(broken_links(&story.zoo), 0);
    unsigned heals = count_of(&story, "nemesis/link/heal");
    zoo_run(&story.zoo, 300 * SECOND);
    cr_assert_eq(count_of(&story, "nemesis/world/strike"), before);
    cr_assert_eq(count_of(&story, "nemesis/link/heal"), heals, "they were healed already");
    for (size_t i = 0; i < 3; i++)
        cr_assert(story.zoo.nodes[i]->state == NODE_UP && !story.zoo.nodes[i]->paused);
    story_close(&story);
}

Test(everything, can_be_stopped_in_the_middle)
{
    struct scenario scenario = {.nemeses = everything, .nemesis_count = COUNT(everything)};
    struct story story = story_open(tape_new(9), &scenario);
    zoo_run(&story.zoo, 100 * SECOND);
    nemesis_engine.stop(story.engine);
    unsigned before = count_of(&story, "nemesis/world/strike");
    zoo_run(&story.zoo, 100 * SECOND);
    cr_assert_eq(count_of(&story, "nemesis/world/strike"), before);
    zoo_close(&story.zoo);
}

static void fingerprint_of(struct tape *tape, struct scenario *scenario, char out[static 33])
{
    struct story story = story_open(tape, scenario);
    zoo_run(&story.zoo, 300 * SECOND);
    trace_fingerprint(story.zoo.trace, out);
    story_close(&story);
}

Test(everything, is_decided_by_the_tape)
{
    struct scenario scenario = {.nemeses = everything, .nemesis_count = COUNT(everything)};
    char one[33], again[33], other[33];
    fingerprint_of(tape_new(9), &scenario, one);
    fingerprint_of(tape_new(9), &scenario, again);
    fingerprint_of(tape_new(10), &scenario, other);
    cr_assert_str_eq(one, again);
    cr_assert_str_neq(one, other);
}

Test(everything, adding_a_nemesis_moves_no_strike_of_another)
{
    struct scenario one = {.nemeses = everything + 1, .nemesis_count = 1};
    struct scenario two = {.nemeses = everything, .nemesis_count = 2};
    char alone[256], in_company[256];
    struct story story = story_open(tape_new(4), &one);
    zoo_run(&story.zoo, 200 * SECOND);
    times_of(&story, "nemesis/link/cut", alone, sizeof alone);
    story_close(&story);
    story = story_open(tape_new(4), &two);
    zoo_run(&story.zoo, 200 * SECOND);
    cr_assert_str_eq(times_of(&story, "nemesis/link/cut", in_company, sizeof in_company), alone);
    cr_assert_gt(strlen(alone), 10);
    story_close(&story);
}

Test(everything, an_edit_spares_one_strike)
{
    struct nemesis_spec spec = {.kind = "kill node", .values = {fixed(10), fixed(3)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct tape *tape = tape_new(1);
    struct choice second = {
        .stream = STREAM_FAULT, .name = "nemesis/kill/strike", .key = 1, .ordinal = 2};
    char times[64];
    tape_edit_choice(tape, &second, 0);
    struct story story = story_open(tape, &scenario);
    zoo_run(&story.zoo, 45 * SECOND);
    cr_assert_str_eq(times_of(&story, "world/node/kill", times, sizeof times), " 10 30 40");
    story_close(&story);
}

/* ---- the engine ---- */

Test(engine, tells_what_it_has)
{
    cr_assert_gt(nemesis_engine.kind_count, 5);
    for (size_t i = 0; i < nemesis_engine.kind_count; i++) {
        const struct nemesis_kind *kind = &nemesis_engine.kinds[i];
        cr_assert_gt(strlen(kind->about), 10, "%s", kind->name);
        cr_assert_str_eq(kind->keys[0].name, "every", "%s", kind->name);
        for (size_t j = 0; j < NEMESIS_KEYS_MAX && kind->keys[j].aspect; j++) {
            const struct nemesis_key *key = &kind->keys[j];
            cr_assert(key->swarm.lo >= key->min && key->swarm.hi <= key->max &&
                          key->swarm.lo <= key->swarm.hi,
                      "%s: %s", kind->name, key->name);
            cr_assert(key->required ||
                          (key->fallback.lo >= key->min && key->fallback.hi <= key->max),
                      "%s: %s", kind->name, key->name);
            cr_assert(!strpbrk(key->aspect, " :") && !strpbrk(kind->ident, " :"));
        }
    }
}

POINT_ABOUT("zoo/keeper/whistle", "for the tests of the engine");

static int whistle(struct point_site *at)
{
    return FAULT(at, "zoo/keeper/whistle", CAN_DISCONNECT, T_U64("animal", 1));
}

Test(engine, checks_and_installs_rules)
{
    struct term_error error;
    registry_init();
    cr_assert_eq(nemesis_engine.rule_check("zoo/keeper/whistle", "1*disconnect", &error), 0);
    cr_assert_neq(nemesis_engine.rule_check("zoo/keeper/wistle", "1*disconnect", &error), 0);
    cr_assert_str_eq(error.why,
                     "no point matches 'zoo/keeper/wistle'; did you mean 'zoo/keeper/whistle'?");

    struct rule_spec rule = {.pattern = (char[]){"zoo/keeper/*"}, .term = (char[]){"1*disconnect"}};
    struct scenario scenario = {.rules = &rule, .rule_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    cr_assert_lt(whistle(&story.zoo.nodes[0]->site), 0);
    cr_assert_eq(whistle(&story.zoo.nodes[0]->site), 0);
    story_close(&story);
}
