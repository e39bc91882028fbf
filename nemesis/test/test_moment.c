/* Strikes that wait until an effect is in flight. */
#include "nemesis/moment.h"
#include "nemesis/test/story.h"

POINT_ABOUT("tide/ferry/send", "for these tests: a ferry leaves");
POINT_ABOUT("tide/ferry/reply", "for these tests: it has arrived");
POINT_ABOUT("tide/gull/send", "for these tests: a beginning that has no end");

static void leave(struct node *node, uint64_t actor)
{
    struct point_site at = node->site;
    at.actor = actor;
    (void)FAULT(&at, "tide/ferry/send", CAN_DISCONNECT, T_U64("ferry", actor));
}

static void land(struct node *node, uint64_t actor)
{
    struct point_site at = node->site;
    at.actor = actor;
    (void)FAULT(&at, "tide/ferry/reply", CAN_DISCONNECT, T_U64("ferry", actor));
}

static void cry(struct node *node)
{
    (void)FAULT(&node->site, "tide/gull/send", CAN_DISCONNECT, T_U64("gull", 1));
}

/* Kills after ten seconds, when the time has come. */
static struct story waiting_story(struct nemesis_spec *spec, struct scenario *scenario)
{
    *spec = (struct nemesis_spec){.kind = "kill node",
                                  .values = {fixed(10), fixed(100), {10000, 10000}}};
    *scenario = (struct scenario){.nemeses = spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), scenario);
    zoo_run(&story.zoo, 11 * SECOND);
    cr_assert_eq(count_of(&story, "world/node/kill"), 0, "it waits");
    return story;
}

/* What the last strike says about the moment; "" too when there was none. */
static const char *during(const struct story *story)
{
    static char text[64];
    struct trace_cursor cursor = {0};
    struct event event;
    text[0] = '\0';
    while (trace_next(story->zoo.trace, &cursor, &event))
        if (strcmp(event.point->name, "nemesis/world/strike") == 0)
            snprintf(text, sizeof text, "%s", event_str(&event, "during"));
    return text;
}

Test(moment, strikes_where_an_effect_is_in_flight)
{
    struct nemesis_spec spec;
    struct scenario scenario;
    struct story story = waiting_story(&spec, &scenario);
    leave(story.zoo.nodes[2], 7);
    zoo_run(&story.zoo, MOMENT_INTO_MAX_NS);
    cr_expect_eq(story.zoo.nodes[2]->state, NODE_DOWN);
    cr_expect_str_eq(during(&story), "tide/ferry/send");
    story_close(&story);
}

Test(moment, an_effect_that_has_ended_is_none)
{
    struct nemesis_spec spec;
    struct scenario scenario;
    struct story story = waiting_story(&spec, &scenario);
    leave(story.zoo.nodes[2], 7);
    land(story.zoo.nodes[2], 8);
    land(story.zoo.nodes[1], 7);
    land(story.zoo.nodes[2], 7);
    cry(story.zoo.nodes[2]);
    zoo_run(&story.zoo, SECOND);
    cr_expect_eq(count_of(&story, "world/node/kill"), 0);
    leave(story.zoo.nodes[0], 7);
    land(story.zoo.nodes[0], 6);
    zoo_run(&story.zoo, MOMENT_INTO_MAX_NS);
    cr_expect_eq(story.zoo.nodes[0]->state, NODE_DOWN, "another actor has landed");
    story_close(&story);
}

Test(moment, the_wait_has_an_end)
{
    struct nemesis_spec spec;
    struct scenario scenario;
    struct story story = waiting_story(&spec, &scenario);
    zoo_run(&story.zoo, 30 * SECOND);
    cr_expect_eq(count_of(&story, "world/node/kill"), 1);
    cr_expect_str_eq(during(&story), "");
    story_close(&story);
}

Test(moment, ends_with_the_safety_phase)
{
    struct nemesis_spec spec;
    struct scenario scenario;
    struct story story = waiting_story(&spec, &scenario);
    nemesis_engine.heal(story.engine);
    world_heal(story.zoo.world);
    zoo_run(&story.zoo, 300 * SECOND);
    cr_expect_eq(count_of(&story, "world/node/kill"), 0);
    story_close(&story);
}

Test(moment, a_cut_is_at_the_node_where_it_hurts)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct nemesis_spec spec = {.kind = "cut link",
                                    .values = {fixed(10), fixed(100), {10000, 10000}}};
        struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
        struct story story = story_open(tape_new(seed), &scenario);

        zoo_run(&story.zoo, 11 * SECOND);
        for (size_t i = 0; i < 3; i++) /* all have talked to each other */
            world_link(story.zoo.world, story.zoo.nodes[i], story.zoo.nodes[(i + 1) % 3])->sent = 1;
        leave(story.zoo.nodes[1], 7);
        zoo_run(&story.zoo, MOMENT_INTO_MAX_NS);
        cr_expect_gt(broken_links(&story.zoo), 0);
        cr_expect(!world_link(story.zoo.world, story.zoo.nodes[0], story.zoo.nodes[2])->cut &&
                      !world_link(story.zoo.world, story.zoo.nodes[2], story.zoo.nodes[0])->cut,
                  "seed %lu", (unsigned long)seed);
        story_close(&story);
    }
}
