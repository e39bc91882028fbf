/* The nemeses of links and partitions: what they do to which links, that it heals, and its budget. */
#include "nemesis/test/story.h"

Test(links, are_cut_and_heal)
{
    struct nemesis_spec spec = {.kind = "cut link", .values = {fixed(10), fixed(4)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(3), &scenario);
    unsigned one_way = 0, both_ways = 0;
    for (unsigned i = 0; i < 50; i++) {
        zoo_run(&story.zoo, (i ? 10 : 11) * SECOND);
        unsigned broken = broken_links(&story.zoo);
        cr_assert(broken == 1 || broken == 2);
        one_way += broken == 1;
        both_ways += broken == 2;
    }
    cr_assert(one_way > 15 && both_ways > 5);
    zoo_run(&story.zoo, 4 * SECOND);
    cr_assert_eq(broken_links(&story.zoo), 0);
    cr_assert_eq(count_of(&story, "nemesis/link/cut"), one_way + 2 * both_ways);
    cr_assert_eq(count_of(&story, "nemesis/link/heal"), one_way + 2 * both_ways);
    story_close(&story);
}

Test(links, overlapping_cuts_do_not_heal_each_other)
{
    struct nemesis_spec spec = {.kind = "cut link", .values = {fixed(10), fixed(25)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(3), &scenario);
    zoo_run(&story.zoo, 34 * SECOND);
    cr_assert_eq(count_of(&story, "nemesis/world/strike"), 3, "all three pairs");
    cr_assert_eq(broken_links(&story.zoo), count_of(&story, "nemesis/link/cut"));
    story_close(&story);
}

Test(links, are_slow_and_heal)
{
    struct nemesis_spec spec = {.kind = "slow link",
                                .values = {fixed(10), fixed(4), {SECOND, 3 * SECOND}}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(3), &scenario);
    zoo_run(&story.zoo, 11 * SECOND);
    cr_assert_gt(broken_links(&story.zoo), 0);
    struct trace_cursor cursor = {0};
    struct event event;
    while (trace_next(story.zoo.trace, &cursor, &event))
        if (strcmp(event.point->name, "nemesis/link/slow") == 0)
            cr_assert(event_i64(&event, "by_ns") >= SECOND &&
                      event_i64(&event, "by_ns") <= 3 * SECOND);
    zoo_run(&story.zoo, 4 * SECOND);
    cr_assert_eq(broken_links(&story.zoo), 0);
    story_close(&story);
}

/* A run of one nemesis over three nodes that all have talked to each other; streams but for n1 - n2. */
static struct story net_story(struct nemesis_spec *spec, struct scenario *scenario, uint64_t seed)
{
    *scenario = (struct scenario){.nemeses = spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(seed), scenario);
    world_link_kind(story.zoo.world, story.zoo.nodes[0], story.zoo.nodes[1], LINK_DATAGRAM);
    return story;
}

struct link_sum {
    unsigned tail, trickle, lossy, doubling, reordering, half_open, refusing, cut;
};

static struct link_sum sum_links(const struct zoo *zoo)
{
    struct link_sum sum = {0};
    for (size_t from = 0; from < 3; from++) {
        for (size_t to = 0; to < 3; to++) {
            const struct link *link = world_link(zoo->world, zoo->nodes[from], zoo->nodes[to]);
            sum.tail += link->tail == 1000 && link->tail_ns == 2 * SECOND;
            sum.trickle += link->each_ns == 2 * SECOND;
            sum.lossy += link->drop == 1000;
            sum.doubling += link->duplicate == 1000 && link->kind == LINK_DATAGRAM;
            sum.reordering += link->reorder == 1000 && link->kind == LINK_DATAGRAM;
            sum.half_open += link->half_open && link->kind == LINK_STREAM;
            sum.refusing += link->refusing;
            sum.cut += link->cut;
        }
    }
    return sum;
}

#define PERCENT_10                                                                                 \
    {                                                                                              \
        1000, 1000                                                                                 \
    }

Test(links, ail_in_many_ways_and_heal)
{
    static const struct {
        struct nemesis_spec spec;
        size_t counts; /* offset of what it makes into struct link_sum */
    } cases[] = {
        {{.kind = "slow tail",
          .values = {{10 * SECOND, 10 * SECOND},
                     {4 * SECOND, 4 * SECOND},
                     PERCENT_10,
                     {2 * SECOND, 2 * SECOND}}},
         offsetof(struct link_sum, tail)},
        {{.kind = "slow trickle",
          .values = {{10 * SECOND, 10 * SECOND},
                     {4 * SECOND, 4 * SECOND},
                     {2 * SECOND, 2 * SECOND}}},
         offsetof(struct link_sum, trickle)},
        {{.kind = "lossy link",
          .values = {{10 * SECOND, 10 * SECOND}, {4 * SECOND, 4 * SECOND}, PERCENT_10}},
         offsetof(struct link_sum, lossy)},
        {{.kind = "duplicate messages",
          .values = {{10 * SECOND, 10 * SECOND},
                     {4 * SECOND, 4 * SECOND},
                     PERCENT_10,
                     {2 * SECOND, 2 * SECOND}}},
         offsetof(struct link_sum, doubling)},
        {{.kind = "reorder messages",
          .values = {{10 * SECOND, 10 * SECOND},
                     {4 * SECOND, 4 * SECOND},
                     PERCENT_10,
                     {2 * SECOND, 2 * SECOND}}},
         offsetof(struct link_sum, reordering)},
        {{.kind = "half-open link",
          .values = {{10 * SECOND, 10 * SECOND}, {4 * SECOND, 4 * SECOND}}},
         offsetof(struct link_sum, half_open)},
        {{.kind = "refuse connections",
          .values = {{10 * SECOND, 10 * SECOND}, {4 * SECOND, 4 * SECOND}}},
         offsetof(struct link_sum, refusing)},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct nemesis_spec spec = cases[i].spec;
        struct scenario scenario;
        struct story story = net_story(&spec, &scenario, 3);
        unsigned made;
        zoo_run(&story.zoo, 11 * SECOND);
        struct link_sum sum = sum_links(&story.zoo);
        memcpy(&made, (char *)&sum + cases[i].counts, sizeof made);
        cr_expect(made == 1 || made == 2, "%s: %u", spec.kind, made);
        zoo_run(&story.zoo, 4 * SECOND);
        sum = sum_links(&story.zoo);
        cr_expect_eq(memcmp(&sum, &(struct link_sum){0}, sizeof sum), 0, "%s heals", spec.kind);
        cr_expect_eq(count_of(&story, "nemesis/link/impair"), made);
        cr_expect_eq(count_of(&story, "nemesis/link/heal"), made);
        story_close(&story);
    }
}

Test(links, flap)
{
    struct nemesis_spec spec = {.kind = "flapping link",
                                .values = {fixed(100), fixed(20), fixed(3), fixed(2)}};
    struct scenario scenario;
    struct story story = net_story(&spec, &scenario, 3);
    char times[128];
    zoo_run(&story.zoo, 130 * SECOND);
    cr_expect_str_eq(times_of(&story, "nemesis/link/flap", times, sizeof times),
                     " 100 102 105 107 110 112 115 117");
    cr_expect_eq(sum_links(&story.zoo).cut, 0);
    story_close(&story);
}

Test(links, reset)
{
    struct nemesis_spec spec = {.kind = "reset link", .values = {fixed(10)}};
    struct scenario scenario;
    struct story story = net_story(&spec, &scenario, 3);
    zoo_run(&story.zoo, 45 * SECOND);
    uint64_t resets = 0;
    for (size_t i = 0; i < 3; i++)
        resets +=
            world_connection(story.zoo.world, story.zoo.nodes[i], story.zoo.nodes[(i + 1) % 3]);
    cr_expect_eq(resets, 4);
    story_close(&story);
}

Test(links, those_in_use_are_preferred)
{
    struct nemesis_spec spec = {.kind = "cut link", .values = {fixed(10), fixed(4)}};
    struct scenario scenario;
    struct story story = net_story(&spec, &scenario, 3);
    world_link(story.zoo.world, story.zoo.nodes[2], story.zoo.nodes[0])->sent = 1;
    for (unsigned i = 0; i < 20; i++) {
        zoo_run(&story.zoo, (i ? 10 : 11) * SECOND);
        cr_expect(world_link(story.zoo.world, story.zoo.nodes[2], story.zoo.nodes[0])->cut ||
                  world_link(story.zoo.world, story.zoo.nodes[0], story.zoo.nodes[2])->cut);
    }
    story_close(&story);
}

Test(links, are_not_cut_beyond_the_budget)
{
    struct nemesis_spec spec = {.kind = "cut link", .values = {fixed(10), fixed(1000)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = {
        .zoo = zoo_open_within(tape_new(1), (struct budget){.nodes_down = 1, .links_cut = 2})};
    story.engine = nemesis_engine.start(story.zoo.world, &scenario);
    zoo_run(&story.zoo, 500 * SECOND);
    cr_expect_leq(sum_links(&story.zoo).cut, 2);
    struct nemesis_count kinds[NEMESIS_KIND_COUNT] = {0};
    struct promise_count promises[1];
    nemesis_engine.count(story.engine, kinds, promises);
    const struct nemesis_count *count = &kinds[NEMESIS_cut];
    cr_expect(count->asked == 50 || count->asked == 49);
    cr_expect_eq(count->made, count_of(&story, "nemesis/world/strike"));
    cr_expect_eq(count->made, promises[0].kept);
    cr_expect_gt(count->refused, 40);
    story_close(&story);
}

/* Who does not see whom: "12" a message from n1 to n2 vanishes. */
static const char *cuts_of(const struct zoo *zoo, char *out)
{
    char *at = out;
    *at = '\0';
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++)
            if (world_link(zoo->world, zoo->nodes[from], zoo->nodes[to])->cut)
                at += sprintf(at, " %zu%zu", from + 1, to + 1);
    return out;
}

/* With three nodes each shape has few forms; over many strikes all of them come up, and no other. */
Test(partition, has_the_shape_that_it_is_told)
{
    static const struct {
        int64_t shape;
        const char *forms; /* all, each between bars */
    } cases[] = {
        {1, "| 12 13 21 31| 12 21 23 32| 13 23 31 32|"}, /* isolate one */
        {2, "| 12 13| 21 23| 31 32| 21 31| 12 32| 13 23|"},
        {3, "| 12 13 21 31| 12 21 23 32| 13 23 31 32|"}, /* halves */
        {4, "| 12 21| 13 31| 23 32|"},                   /* bridge */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct nemesis_spec spec = {
            .kind = "partition", .values = {fixed(10), fixed(4), {cases[i].shape, cases[i].shape}}};
        struct scenario scenario;
        struct story story = net_story(&spec, &scenario, 5);
        char cuts[64], form[80];
        size_t seen[256] = {0}, forms = 0, different = 0;
        for (unsigned n = 0; n < 60; n++) {
            zoo_run(&story.zoo, (n ? 10 : 11) * SECOND);
            snprintf(form, sizeof form, "|%s|", cuts_of(&story.zoo, cuts));
            const char *at = strstr(cases[i].forms, form);
            cr_assert(at, "shape %ld makes%s", (long)cases[i].shape, cuts);
            different += !seen[at - cases[i].forms]++;
        }
        for (const char *c = cases[i].forms; c[1]; c++)
            forms += *c == '|';
        cr_expect_eq(different, forms, "shape %ld", (long)cases[i].shape);
        zoo_run(&story.zoo, 4 * SECOND);
        cr_expect_eq(sum_links(&story.zoo).cut, 0, "it heals as a whole");
        cr_expect_eq(count_of(&story, "nemesis/net/part"), count_of(&story, "nemesis/net/join"));
        story_close(&story);
    }
}

/* Seven nodes: each must hear four, itself among them, and no two the same four. */
Test(partition, a_ring_leaves_everybody_a_majority_of_its_own)
{
    struct nemesis_spec spec = {.kind = "partition", .values = {fixed(10), fixed(4), {5, 5}}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(5), &scenario);
    struct world *world = story.zoo.world;
    for (size_t i = 3; i < 7; i++)
        world_node_add(world, "more", &zoo_ops, NULL);
    zoo_run(&story.zoo, 11 * SECOND);
    unsigned seen[7] = {0};
    for (struct node *from = world_nodes(world); from; from = from->next) {
        for (struct node *to = world_nodes(world); to; to = to->next) {
            cr_expect_eq(world_link(world, from, to)->cut, world_link(world, to, from)->cut);
            if (!world_link(world, from, to)->cut)
                seen[from->id - 1] |= 1u << to->id;
        }
    }
    for (size_t i = 0; i < 7; i++) {
        cr_expect_geq(__builtin_popcount(seen[i]), 4);
        cr_expect_lt(__builtin_popcount(seen[i]), 7);
        for (size_t j = 0; j < i; j++)
            cr_expect_neq(seen[i], seen[j]);
    }
    story_close(&story);
}
