/* Stages with more than one consumer: broadcast and partitions. Rule numbers are those of the OTP semantics. */
#include "stages.h"

SUITE(stage_dispatch);

#define ENDS(text)                                                                                 \
    cr_assert(strlen(fake.said) >= strlen(text) &&                                                 \
                  strcmp(fake.said + strlen(fake.said) - strlen(text), text) == 0,                 \
              "%s", fake.said)

static void forget(void)
{
    fake.said[0] = '\0';
}

/* ---- broadcast ---- */

Test(stage_dispatch, demand_is_that_of_the_slowest_GST_16)
{
    proc_id producer = PRODUCER(.dispatch = DISPATCH_BROADCAST);
    proc_id a = MANUAL('a', .to = producer), b = MANUAL('b', .to = producer);
    tell(a, ASK, 10);
    said_is("");
    tell(b, ASK, 3);
    said_is("?3 a[1 2 3] b[1 2 3]");
    tell(b, ASK, 4);
    ENDS("?4 a[4 5 6 7] b[4 5 6 7]");
    tell(a, ASK, 1);
    tell(b, ASK, 100);
    ENDS("?4 a[8 9 10 11] b[8 9 10 11]");
}

Test(stage_dispatch, who_joins_later_gets_nothing_until_it_asks_GST_17)
{
    proc_id producer = IDLE_PRODUCER(.dispatch = DISPATCH_BROADCAST);
    proc_id a = MANUAL('a', .to = producer);
    tell(a, ASK, 5);
    said_is("?5");
    proc_id b = MANUAL('b', .to = producer);
    tell(producer, EMIT, 2);
    said_is("?5");
    cr_assert_eq(info_of(producer).buffered, 2);
    tell(b, ASK, 1);
    said_is("?5 a[1] b[1]");
    tell(b, ASK, 4);
    said_is("?5 a[1] b[1] a[2] b[2]");
    cr_assert_eq(info_of(producer).outstanding, 3, "nothing is asked for twice");
}

Test(stage_dispatch, a_smaller_consumer_that_joins_stalls_nobody_GST_21)
{
    proc_id producer = IDLE_PRODUCER(.dispatch = DISPATCH_BROADCAST);
    CONSUMER('a', .to = producer, .max_demand = 10, .min_demand = 5);
    CONSUMER('b', .to = producer, .max_demand = 4, .min_demand = 2);
    tell(producer, EMIT, 10);
    for (int i = 0; i < 20; i++)
        tell(producer, EMIT, 1);
    struct stage_info info = info_of(producer);
    cr_assert(info.buffered == 0 || info.wanted == 0, "%zu wait and %d are wanted", info.buffered,
              (int)info.wanted);
    cr_assert(strstr(fake.said, "b[29 30]") || strstr(fake.said, "b[30]"), "%s", fake.said);
}

static bool is_even(const struct stage_event *event, void *ctx)
{
    (void)ctx;
    return event_int(event) % 2 == 0;
}

Test(stage_dispatch, a_selector_leaves_events_out_and_asks_for_others_GST_18)
{
    proc_id producer = PRODUCER(.dispatch = DISPATCH_BROADCAST);
    proc_id a = MANUAL('a', .to = producer);
    proc_id b = MANUAL('b', .to = producer, .selector = is_even);
    tell(a, ASK, 8);
    tell(b, ASK, 3);
    said_is("?3 a[1 2 3] b[2] ?2 a[4 5] b[4] ?1 a[6] b[6]");
}

static bool is_nothing(const struct stage_event *event, void *ctx)
{
    (void)event, (void)ctx;
    return false;
}

Test(stage_dispatch, what_nobody_selects_is_asked_for_again_in_another_turn_GST_18)
{
    proc_id producer = PRODUCER(.dispatch = DISPATCH_BROADCAST);
    proc_id a = MANUAL('a', .to = producer),
            b = MANUAL('b', .to = producer, .selector = is_nothing);
    tell(b, ASK, 3);
    tell(a, ASK, 5);
    said_is("?3 a[1 2 3] ?2 a[4 5]");
}

Test(stage_dispatch, the_same_one_twice_is_refused_and_lives_on_GST_19)
{
    proc_id producer = IDLE_PRODUCER(.dispatch = DISPATCH_BROADCAST);
    struct stage_subscription twice[] = {{.to = producer, .max_demand = 3},
                                         {.to = producer, .max_demand = 3}};
    proc_id consumer = stage_begin((struct stage_spec){.type = STAGE_CONSUMER,
                                                       .ops = &consumer_ops,
                                                       .subscriptions = twice,
                                                       .subscription_count = 2},
                                   (struct counter){.name = 'c'});
    cr_assert(proc_alive(runtime, consumer));
    cr_assert_eq(info_of(consumer).producers, 1);
    said_is("?3 up(already_subscribed)");
}

Test(stage_dispatch, cancelling_the_slowest_releases_demand_GST_20)
{
    proc_id producer = PRODUCER(.dispatch = DISPATCH_BROADCAST);
    proc_id a = MANUAL('a', .to = producer);
    proc_id b = MANUAL('b', .to = producer, .cancel = CANCEL_TEMPORARY);
    tell(a, ASK, 5);
    said_is("");
    tell(b, UNSUBSCRIBE, 0);
    said_is("down(enough) ?5 up(enough) a[1 2 3 4 5]");
}

/* ---- partitions ---- */

static int64_t modulo_3(const struct stage_event *event, void *ctx)
{
    (void)ctx;
    int number = event_int(event);
    return number == 13 ? -1 : number == 99 ? 99 : number % 3;
}

#define BY_THREE .dispatch = DISPATCH_PARTITION, .partitions = 3, .partition_of = modulo_3

Test(stage_dispatch, each_partition_has_its_consumer_GST_22)
{
    proc_id producer = IDLE_PRODUCER(BY_THREE);
    for (uint32_t i = 0; i < 3; i++)
        CONSUMER((char)('a' + i), .to = producer, .max_demand = 100, .partition = i);
    forget();
    tell(producer, EMIT, 7);
    said_is("a[3 6] b[1 4 7] c[2 5]");
}

Test(stage_dispatch, one_consumer_for_each_GST_22)
{
    proc_id producer = IDLE_PRODUCER(BY_THREE);
    CONSUMER('a', .to = producer, .partition = 1);
    proc_id second = CONSUMER('b', .to = producer, .partition = 1);
    proc_id unknown = CONSUMER('c', .to = producer, .partition = 3);
    cr_assert_not(proc_alive(runtime, second));
    cr_assert_not(proc_alive(runtime, unknown));
    said_is("?1000 up(partition_taken) up(unknown_partition)");
}

static void emit_from(int first, int count)
{
    proc_id producer =
        stage_begin((struct stage_spec){.type = STAGE_PRODUCER, .ops = &producer_ops, BY_THREE},
                    (struct counter){.next = first, .idle = 1});
    CONSUMER('b', .to = producer, .max_demand = 100, .partition = 1);
    CONSUMER('c', .to = producer, .max_demand = 100, .partition = 2);
    forget();
    tell(producer, EMIT, count);
    if (proc_alive(runtime, producer))
        cr_assert_eq(info_of(producer).queued, 0);
    else
        say(&fake.env, "dead");
}

Test(stage_dispatch, an_event_of_no_partition_is_dropped_and_not_counted_GST_22)
{
    emit_from(13, 2);
    said_is("c[14] ?1");
}

Test(stage_dispatch, an_unknown_partition_ends_the_producer_GST_22)
{
    emit_from(99, 1);
    ENDS("dead");
    cr_assert(strstr(fake.said, "unknown partition 99"), "%s", fake.said);
}

Test(stage_dispatch, a_partition_without_demand_holds_up_no_other_GST_23)
{
    proc_id producer = IDLE_PRODUCER(BY_THREE);
    proc_id a = MANUAL('a', .to = producer, .partition = 0);
    proc_id b = MANUAL('b', .to = producer, .partition = 1);
    tell(a, ASK, 2);
    tell(b, ASK, 4);
    said_is("?2 ?4");
    tell(producer, EMIT, 6); /* 1 4 for b, 3 6 for a, 2 5 for nobody */
    said_is("?2 ?4 a[3 6] b[1 4]");
    cr_assert_eq(info_of(producer).queued, 2);
    cr_assert_eq(info_of(producer).wanted, 0, "what waits was asked for");
    proc_id c = MANUAL('c', .to = producer, .partition = 2);
    tell(c, ASK, 1);
    said_is("?2 ?4 a[3 6] b[1 4] ?1 c[2]");
}

Test(stage_dispatch, cancelling_discards_and_asks_again_GST_24)
{
    proc_id producer = IDLE_PRODUCER(BY_THREE);
    proc_id a = MANUAL('a', .to = producer, .partition = 0);
    proc_id b = MANUAL('b', .to = producer, .partition = 1, .cancel = CANCEL_TEMPORARY);
    tell(a, ASK, 3);
    tell(b, ASK, 1);
    tell(producer, EMIT, 4); /* b[1], 4 waits for it, 2 for nobody, 3 for a */
    said_is("?3 ?1 a[3] b[1]");
    cr_assert_eq(info_of(producer).queued, 2);
    tell(b, UNSUBSCRIBE, 0);
    ENDS("down(enough) ?1 up(enough)");
    cr_assert_eq(info_of(producer).queued, 1);
}
