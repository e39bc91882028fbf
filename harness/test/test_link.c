/* Links: what becomes of messages on a stream and on a datagram link that ails. */
#include "harness/world/world_internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000000)

static void nothing(struct node *node, void *ctx)
{
    (void)node, (void)ctx;
}

static const struct node_ops quiet_ops = {.start = nothing, .stop = nothing, .dead = nothing};

/* Two nodes, and what became of the letters from a to b. */
struct mail_test {
    struct tape *tape;
    struct trace *trace;
    struct world *world;
    struct node *a, *b;
    struct link *link;
    unsigned delivered, lost, told, overtaken, posted, newest;
};

struct letter {
    struct packet packet;
    struct mail_test *test;
    unsigned number;
};

static void letter_deliver(struct packet *packet)
{
    struct letter *letter = (struct letter *)packet;
    letter->test->delivered++;
    if (letter->number < letter->test->newest)
        letter->test->overtaken++;
    else
        letter->test->newest = letter->number;
    free(letter);
}

static void letter_lost(struct packet *packet, enum loss why)
{
    struct letter *letter = (struct letter *)packet;
    ++*(why == LOSS_SILENT ? &letter->test->lost : &letter->test->told);
    free(letter);
}

static struct packet *letter_copy(const struct packet *packet)
{
    struct letter *copy = malloc(sizeof *copy);
    *copy = *(const struct letter *)packet;
    return &copy->packet;
}

static void post(struct mail_test *test)
{
    struct letter *letter = calloc(1, sizeof *letter);
    *letter = (struct letter){
        .packet = {.deliver = letter_deliver, .lost = letter_lost, .copy = letter_copy},
        .test = test,
        .number = ++test->posted};
    world_send(test->world, test->a, test->b, &letter->packet);
}

static void run_for(struct mail_test *test, int64_t ns)
{
    int64_t until = world_now(test->world) + ns;
    while (world_step(test->world, until))
        ;
}

static void post_many(struct mail_test *test, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        post(test);
        run_for(test, S / 100);
    }
}

static struct mail_test *setup(enum link_kind kind)
{
    struct mail_test *test = calloc(1, sizeof *test);
    registry_init();
    test->tape = tape_new(1);
    test->trace = trace_new();
    test->world = world_new(test->tape, test->trace, (struct budget){0});
    test->a = world_node_add(test->world, "a", &quiet_ops, NULL);
    test->b = world_node_add(test->world, "b", &quiet_ops, NULL);
    node_boot(test->a);
    node_boot(test->b);
    world_link_kind(test->world, test->a, test->b, kind);
    test->link = world_link(test->world, test->a, test->b);
    return test;
}

static void teardown(struct mail_test *test)
{
    world_free(test->world);
    trace_free(test->trace);
    tape_free(test->tape);
    free(test);
}

static unsigned count_events(const struct mail_test *test, const char *point)
{
    struct trace_cursor cursor = {0};
    struct event event;
    unsigned count = 0;
    while (trace_next(test->trace, &cursor, &event))
        count += strcmp(event.point->name, point) == 0;
    return count;
}

Test(link, a_datagram_is_lost_doubled_and_overtaken)
{
    struct mail_test *test = setup(LINK_DATAGRAM);
    test->link->drop = 10000;
    post_many(test, 10);
    cr_expect(test->delivered == 0 && test->lost == 10 && test->told == 0);
    link_heal(test->link);
    test->link->duplicate = 10000;
    test->link->duplicate_ns = S;
    post_many(test, 10);
    run_for(test, 2 * S);
    cr_expect_eq(test->delivered, 20, "each came twice");
    link_heal(test->link);
    test->link->reorder = 5000;
    test->link->reorder_ns = S;
    post_many(test, 50);
    run_for(test, 2 * S);
    cr_expect_eq(test->delivered, 70);
    cr_expect_gt(test->overtaken, 5);
    cr_expect_gt(count_events(test, "net/link/reorder"), 10);
    cr_expect_eq(count_events(test, "net/link/drop"), 10);
    teardown(test);
}

Test(link, a_stream_loses_doubles_and_reorders_nothing)
{
    struct mail_test *test = setup(LINK_STREAM);
    test->link->drop = 5000;
    test->link->duplicate = test->link->reorder = 10000;
    test->link->duplicate_ns = test->link->reorder_ns = S;
    post_many(test, 50);
    cr_expect_lt(test->delivered, 50, "what was lost is sent again, and holds up the rest");
    run_for(test, 60 * S);
    cr_expect(test->delivered == 50 && test->lost == 0 && test->overtaken == 0);
    cr_expect_gt(count_events(test, "net/link/retransmit"), 15);
    teardown(test);
}

Test(link, a_torn_connection_tells_who_sent)
{
    struct mail_test *test = setup(LINK_STREAM);
    uint64_t connection = world_connection(test->world, test->a, test->b);
    post(test);
    world_reset(test->world, test->b, test->a);
    run_for(test, S);
    cr_expect(test->delivered == 0 && test->told == 1);
    cr_expect_neq(world_connection(test->world, test->a, test->b), connection);
    post(test);
    run_for(test, S);
    cr_expect_eq(test->delivered, 1, "by the next connection");
    teardown(test);
}

Test(link, a_half_open_connection_is_dead_until_somebody_connects_anew)
{
    struct mail_test *test = setup(LINK_STREAM);
    test->link->half_open = true;
    post_many(test, 3);
    cr_expect(test->delivered == 0 && test->lost == 3 && test->told == 0, "nobody is told");
    world_reconnect(test->world, test->b, test->a);
    post_many(test, 3);
    cr_expect_eq(test->delivered, 3);
    teardown(test);
}

Test(link, refuses_at_once)
{
    struct mail_test *test = setup(LINK_STREAM);
    test->link->refusing = true;
    post_many(test, 3);
    cr_expect(test->delivered == 0 && test->told == 3 && test->lost == 0);
    teardown(test);
}

Test(link, a_trickle_brings_one_after_the_other)
{
    struct mail_test *test = setup(LINK_DATAGRAM);
    test->link->each_ns = S;
    for (unsigned i = 0; i < 10; i++)
        post(test);
    run_for(test, 4 * S + S / 2);
    cr_expect_eq(test->delivered, 4);
    run_for(test, 6 * S);
    cr_expect_eq(test->delivered, 10);
    teardown(test);
}

Test(link, a_heavy_tail_is_long_and_thin)
{
    struct mail_test *test = setup(LINK_DATAGRAM);
    test->link->tail = 10000;
    test->link->tail_ns = 100 * S;
    for (unsigned i = 0; i < 1000; i++)
        post(test);
    run_for(test, 2 * S);
    cr_expect(test->delivered > 400 && test->delivered < 600, "half of them within 2 s: %u",
              test->delivered);
    run_for(test, 48 * S);
    cr_expect(test->delivered > 960 && test->delivered < 1000, "nearly all within 50 s: %u",
              test->delivered);
    teardown(test);
}

Test(link, an_edit_spares_one_message)
{
    struct mail_test *test = setup(LINK_DATAGRAM);
    struct choice second = {.stream = STREAM_NET,
                            .name = "net/link/drop",
                            .node = test->a->id,
                            .key = test->b->id,
                            .ordinal = 2};
    tape_edit_choice(test->tape, &second, 0);
    test->link->drop = 10000;
    post_many(test, 3);
    cr_expect(test->delivered == 1 && test->lost == 2);
    teardown(test);
}
