/* Stages: demand, batches, buffers, cancellation. Rule numbers are those of the OTP semantics. */
#include "stages.h"

SUITE(stage);

/* ---- demand ---- */

Test(stage, a_consumer_asks_for_a_thousand_GST_01_GST_02)
{
    proc_id producer = IDLE_PRODUCER();
    CONSUMER('c', .to = producer);
    said_is("?1000");
    tell(producer, EMIT, 1);
    said_is("?1000 c[1]");
    cr_assert_eq(info_of(producer).wanted, 999);
}

Test(stage, the_default_of_min_is_half_of_max_GST_01)
{
    proc_id producer = IDLE_PRODUCER();
    CONSUMER('c', .to = producer, .max_demand = 7);
    tell(producer, EMIT, 3);
    said_is("?7 c[1 2 3]");
    tell(producer, EMIT, 1);
    said_is("?7 c[1 2 3] c[4] ?4");
}

Test(stage, contradictions_are_refused_GST_01)
{
    proc_id producer = IDLE_PRODUCER();
    CONSUMER('c', .to = producer, .max_demand = 5, .min_demand = 5);
    PRODUCER(.dispatch = DISPATCH_PARTITION);
    stage_begin((struct stage_spec){.type = STAGE_CONSUMER, .ops = &producer_ops},
                (struct counter){0});
    said_is("a subscription whose min_demand is not below max_demand "
            "partitions without their number, or without a function "
            "a consumer without a function for events");
}

Test(stage, batches_of_at_most_max_less_min_GST_03_GST_05)
{
    proc_id producer = IDLE_PRODUCER();
    CONSUMER('c', .to = producer, .max_demand = 10, .min_demand = 5);
    tell(producer, EMIT, 10);
    said_is("?10 c[1 2 3 4 5] c[6 7 8 9 10] ?5 ?5");
}

Test(stage, asks_at_min_and_not_before_GST_04_GST_05)
{
    proc_id producer = IDLE_PRODUCER();
    CONSUMER('c', .to = producer, .max_demand = 10, .min_demand = 5);
    tell(producer, EMIT, 4);
    said_is("?10 c[1 2 3 4]");
    tell(producer, EMIT, 1);
    said_is("?10 c[1 2 3 4] c[5] ?5");
}

Test(stage, a_thousand_and_750_GST_06)
{
    proc_id producer = IDLE_PRODUCER();
    proc_id consumer = CONSUMER('c', .to = producer, .max_demand = 1000, .min_demand = 750);
    (void)consumer;
    for (int i = 0; i < 3; i++) {
        fake.said[0] = '\0';
        tell(producer, EMIT, 100);
        cr_assert_eq(strstr(fake.said, "?300") != NULL, i == 2, "%s", fake.said);
    }
}

/* A producer of our own making, that gives more than it is asked for. */
struct stage_events_2 {
    int kind;
    ref_id ref;
    uint64_t count;
    _Alignas(16) struct {
        _Alignas(16) size_t size;
        _Alignas(16) int number;
    } events[12];
};

static void body_generous(struct proc *self, void *arg)
{
    (void)arg;
    proc_receive(self, WAIT_FOREVER); /* the subscription */
    const struct message *ask = proc_receive(self, WAIT_FOREVER);
    struct stage_events_2 events = {.kind = 3,
                                    .ref = ((const struct stage_events_2 *)ask->data)->ref};
    events.count = 12;
    for (int i = 0; i < 12; i++) {
        events.events[i].size = sizeof(int);
        events.events[i].number = i;
    }
    proc_send(runtime, proc_self(self), ask->from, MSG_STAGE, &events, sizeof events);
    for (int i = 0; i < 2; i++) {
        ask = proc_receive(self, WAIT_FOREVER);
        say(proc_env(self), "asked %d", (int)((const struct stage_events_2 *)ask->data)->count);
    }
    say_message(self, proc_receive(self, 0));
    proc_receive(self, WAIT_FOREVER);
}

Test(stage, events_beyond_the_demand_are_handled_and_logged_GST_07)
{
    proc_id producer = spawn(body_generous, NULL);
    CONSUMER('c', .to = producer, .max_demand = 10, .min_demand = 5);
    said_is("c[0 1 2 3 4] c[5 6 7 8 9] c[10 11] asked 5 asked 5 nothing");
    cr_assert(strstr(fake.logged, "2 events more than were asked for"), "%s", fake.logged);
}

/* ---- the buffer ---- */

Test(stage, what_nobody_asked_for_waits_and_is_served_first_GST_08_GST_09_GST_10)
{
    proc_id producer = PRODUCER();
    tell(producer, EMIT, 3);
    cr_assert_eq(info_of(producer).buffered, 3);
    proc_id consumer = MANUAL('c', .to = producer);
    tell(consumer, ASK, 2);
    tell(consumer, ASK, 5);
    said_is("c[1 2] ?4 c[3] c[4 5 6 7]");
}

static void overflow(bool keep_first, const char *expected)
{
    proc_id producer = IDLE_PRODUCER(.buffer_max = 3, .keep_first = keep_first);
    tell(producer, EMIT, 2);
    tell(producer, EMIT, 3);
    cr_assert_eq(info_of(producer).dropped, 2);
    cr_assert(strstr(fake.logged, "buffer of 3 events is full, 2 dropped"), "%s", fake.logged);
    CONSUMER('c', .to = producer, .max_demand = 100);
    said_is(expected);
}

Test(stage, a_full_buffer_keeps_the_last_GST_09)
{
    overflow(false, "?97 c[3 4 5]");
}

Test(stage, or_the_first_GST_09)
{
    overflow(true, "?97 c[1 2 3]");
}

Test(stage, accumulated_demand_is_forwarded_ask_by_ask_GST_11)
{
    proc_id producer = IDLE_PRODUCER(.accumulate = true);
    CONSUMER('a', .to = producer, .max_demand = 10);
    CONSUMER('b', .to = producer, .max_demand = 20);
    said_is("");
    stage_demand_forward(runtime, producer);
    settle();
    said_is("?10 ?20");
    tell(producer, EMIT, 25);
    cr_assert(strstr(fake.said, "?20"), "%s", fake.said);
}

/* ---- to whom: by demand ---- */

Test(stage, who_asked_for_most_gets_most_GST_12_GST_15)
{
    proc_id producer = IDLE_PRODUCER();
    MANUAL('a', .to = producer);
    MANUAL('b', .to = producer);
    MANUAL('c', .to = producer);
    proc_id consumers[] = {producer + 2, producer + 4, producer + 6};
    for (int i = 0; i < 3; i++)
        tell(consumers[i], ASK, (int[]){2, 4, 2}[i]);
    cr_assert(strstr(fake.logged, "asks for 4 events, others for 2"), "%s", fake.logged);
    tell(producer, EMIT, 5);
    said_is("?2 ?4 ?2 b[1 2 3 4] a[5]");
    tell(producer, EMIT, 1);
    tell(producer, EMIT, 1);
    said_is("?2 ?4 ?2 b[1 2 3 4] a[5] c[6] a[7]");
}

Test(stage, demand_of_one_that_cancelled_is_not_asked_for_twice_GST_13_GST_14)
{
    proc_id producer = IDLE_PRODUCER();
    proc_id first = CONSUMER('a', .to = producer, .max_demand = 10, .cancel = CANCEL_TEMPORARY);
    proc_signal(runtime, 0, first, plain(EXIT_KILL));
    settle();
    said_is("?10 down(killed)");
    tell(producer, EMIT, 4); /* of the ten; they wait */
    CONSUMER('b', .to = producer, .max_demand = 13);
    said_is("?10 down(killed) ?3 b[1 2 3 4]");
    cr_assert_eq(info_of(producer).outstanding, 9);
    cr_assert_eq(info_of(producer).wanted, 9);
}

/* ---- cancelling ---- */

static void cancel_with(enum stage_cancel cancel, struct reason why, bool stays)
{
    proc_id producer = IDLE_PRODUCER();
    proc_id consumer = CONSUMER('c', .to = producer, .max_demand = 10, .cancel = cancel);
    proc_signal(runtime, 0, producer, why);
    settle();
    cr_assert_eq(proc_alive(runtime, consumer), stays);
}

Test(stage, a_permanent_consumer_goes_with_its_producer_GST_25)
{
    cancel_with(CANCEL_PERMANENT, plain(EXIT_SHUTDOWN), false);
    said_is("?10 up(shutdown)");
}

Test(stage, a_transient_one_unless_it_ends_calmly_GST_25)
{
    cancel_with(CANCEL_TRANSIENT, plain(EXIT_SHUTDOWN), true);
    cancel_with(CANCEL_TRANSIENT, error("boom"), false);
    said_is("?10 up(shutdown) ?10 up(boom)");
}

Test(stage, a_temporary_one_stays_GST_25)
{
    cancel_with(CANCEL_TEMPORARY, error("boom"), true);
    said_is("?10 up(boom)");
}

Test(stage, a_producer_may_cancel_GST_25)
{
    proc_id producer = IDLE_PRODUCER();
    proc_id stays = CONSUMER('a', .to = producer, .max_demand = 10, .cancel = CANCEL_TEMPORARY);
    tell(producer, UNSUBSCRIBE, 0);
    proc_id goes = CONSUMER('b', .to = producer, .max_demand = 10);
    tell(producer, UNSUBSCRIBE, 0);
    cr_assert(proc_alive(runtime, stays));
    cr_assert_not(proc_alive(runtime, goes));
    said_is("?10 down(enough) up(enough) down(enough) up(enough)");
}

Test(stage, a_consumer_may_cancel_and_its_producer_goes_on_GST_25)
{
    proc_id producer = IDLE_PRODUCER();
    proc_id consumer = CONSUMER('a', .to = producer, .max_demand = 10, .cancel = CANCEL_TEMPORARY);
    tell(consumer, UNSUBSCRIBE, 0);
    said_is("?10 down(enough) up(enough)");
    cr_assert_eq(info_of(producer).consumers, 0);
    cr_assert_eq(info_of(consumer).producers, 0);
}

Test(stage, subscribing_to_a_dead_producer_GST_26)
{
    proc_id permanent = CONSUMER('a', .to = 77);
    proc_id transient = CONSUMER('b', .to = 77, .cancel = CANCEL_TRANSIENT);
    proc_id temporary = CONSUMER('c', .to = 77, .cancel = CANCEL_TEMPORARY);
    cr_assert_not(proc_alive(runtime, permanent));
    cr_assert_not(proc_alive(runtime, transient));
    cr_assert(proc_alive(runtime, temporary));
    said_is("up(noproc) up(noproc) up(noproc)");
}

Test(stage, manual_mode_asks_nothing_and_cuts_nothing_GST_27)
{
    proc_id producer = PRODUCER();
    proc_id consumer = MANUAL('c', .to = producer, .max_demand = 4, .min_demand = 2);
    said_is("");
    tell(consumer, ASK, 7);
    said_is("?7 c[1 2 3 4 5 6 7]");
}

static void body_call_emit(struct proc *self, void *arg)
{
    const struct message *reply =
        server_call_or_exit(self, *(proc_id *)arg, EMIT, &(int){2}, sizeof(int), NS_PER_S);
    say(proc_env(self), "%s", (const char *)reply->data);
}

Test(stage, events_of_a_call_go_out_before_its_reply_GST_28)
{
    proc_id producer = IDLE_PRODUCER();
    CONSUMER('c', .to = producer, .max_demand = 10);
    proc_spawn(runtime, &(struct proc_spec){
                            .main = body_call_emit, .arg = &producer, .arg_size = sizeof producer});
    settle();
    said_is("?10 c[1 2] replied");
}

/* ---- in the middle ---- */

static proc_id middle_begin(proc_id producer, uint32_t max)
{
    return stage_begin(
        (struct stage_spec){.type = STAGE_PRODUCER_CONSUMER,
                            .ops = &middle_ops,
                            .subscriptions =
                                &(struct stage_subscription){.to = producer, .max_demand = max},
                            .subscription_count = 1},
        (struct counter){.name = 'm'});
}

Test(stage, one_in_the_middle_takes_only_what_is_wanted_below_GST_29)
{
    proc_id producer = PRODUCER();
    proc_id middle = middle_begin(producer, 4);
    said_is("?4");
    cr_assert_eq(info_of(middle).queued, 4, "nobody below wants them");
    proc_id consumer = MANUAL('c', .to = middle);
    tell(consumer, ASK, 1);
    said_is("?4 m[1 2] c[10] ?2");
    cr_assert_eq(info_of(middle).buffered, 1);
    cr_assert_eq(info_of(middle).queued, 4);
    tell(consumer, ASK, 1);
    said_is("?4 m[1 2] c[10] ?2 c[20]");
    cr_assert_eq(info_of(middle).queued, 4);
}

Test(stage, the_end_of_a_producer_waits_behind_its_events_GST_29)
{
    proc_id producer = PRODUCER();
    proc_id middle = middle_begin(producer, 4);
    proc_id consumer = MANUAL('c', .to = middle, .cancel = CANCEL_TEMPORARY);
    proc_signal(runtime, 0, producer, error("boom"));
    settle();
    cr_assert(proc_alive(runtime, middle));
    said_is("?4");
    tell(consumer, ASK, 4);
    said_is("?4 m[1 2] m[3 4] up(boom) c[10 20] c[30 40] up(boom)");
    cr_assert_not(proc_alive(runtime, middle));
}

/* ---- what should not be said ---- */

struct bare_word { /* the beginning of what stages say to each other */
    int kind;
    ref_id ref;
    char rest[512];
};

static proc_id asked;

static void body_stranger(struct proc *self, void *arg)
{
    (void)arg;
    struct bare_word ask = {.kind = 1, .ref = 4711};
    proc_send(runtime, proc_self(self), asked, MSG_STAGE, &ask, sizeof ask);
    const struct message *answer = proc_receive(self, NS_PER_S);
    const struct bare_word *word = answer->data;
    say(proc_env(self), "%d %d", word->kind == 4, (int)word->ref);
    for (int i = 0; i < 2; i++) {
        struct bare_word subscribe = {.kind = 0, .ref = 99};
        proc_send(runtime, proc_self(self), asked, MSG_STAGE, &subscribe, sizeof subscribe);
    }
    answer = proc_receive(self, NS_PER_S);
    word = answer->data;
    say(proc_env(self), "%d %d", word->kind == 4, (int)word->ref);
    say_message(self, proc_receive(self, NS_PER_S));
}

Test(stage, unknown_and_duplicate_subscriptions_are_cancelled_GST_30)
{
    asked = IDLE_PRODUCER();
    spawn(body_stranger, NULL);
    fake_pass(&fake, runtime, 10 * NS_PER_S);
    said_is("1 4711 1 99 nothing down(normal)");
}

static void body_subscribe(struct proc *self, void *arg)
{
    proc_id *pids = arg;
    struct stage_from from = {0};
    int err =
        stage_subscribe(self, pids[0], &(struct stage_subscription){.to = pids[1], .max_demand = 3},
                        NS_PER_S, &from);
    say(proc_env(self), "%d %d", err, from.pid == pids[1]);
    err =
        stage_subscribe(self, pids[1], &(struct stage_subscription){.to = pids[0]}, NS_PER_S, NULL);
    say(proc_env(self), "%d", err == -EINVAL);
}

Test(stage, a_consumer_can_be_subscribed_later)
{
    proc_id producer = IDLE_PRODUCER();
    proc_id consumer =
        stage_begin((struct stage_spec){.type = STAGE_CONSUMER, .ops = &consumer_ops},
                    (struct counter){.name = 'c'});
    proc_id pids[] = {consumer, producer};
    proc_spawn(runtime,
               &(struct proc_spec){.main = body_subscribe, .arg = pids, .arg_size = sizeof pids});
    settle();
    said_is("?3 0 1 1");
}
