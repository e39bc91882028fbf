/* Publish and subscribe. Process 1 is the hub, 2 its partition. */
#include "tables.h"

#include "sut/runtime/pubsub.h"

SUITE(pubsub);

#define TOPIC value_text("topic")

static proc_id hub;

static void begin(void)
{
    hub = pubsub_start(runtime, 0, "hub", NULL);
    runtime_run(runtime);
}

/* Subscribes as often as arg says, with its pid as metadata, and tells what it gets; MSG_USER + 9: unsubscribes. */
static void body_subscriber(struct proc *self, void *arg)
{
    for (int i = 0; i < *(int *)arg; i++)
        say_error(self, pubsub_subscribe(self, hub, TOPIC, value_int((int64_t)proc_self(self))));
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        say(proc_env(self), "%d:%u", (int)proc_self(self), message->tag - MSG_USER);
        if (message->tag == MSG_USER + 9)
            pubsub_unsubscribe(self, hub, TOPIC);
    }
}

static void subscribers_begin(int count, int times)
{
    for (int i = 0; i < count; i++) {
        spawn(body_subscriber, &times);
        runtime_run(runtime);
    }
}

static void body_broadcast(struct proc *self, void *arg)
{
    say(proc_env(self), "sent %d", (int)pubsub_broadcast(self, hub, TOPIC, arg));
}

Test(pubsub, a_broadcast_reaches_all_in_the_order_of_subscribing)
{
    begin();
    subscribers_begin(3, 1);
    run_with(body_broadcast, &(struct broadcast){.tag = MSG_USER + 1});
    said_is("0 0 0 sent 3 3:1 4:1 5:1");
}

Test(pubsub, broadcast_from_leaves_one_out)
{
    begin();
    subscribers_begin(3, 1);
    run_with(body_broadcast, &(struct broadcast){.tag = MSG_USER + 1, .except = 4});
    said_is("0 0 0 sent 2 3:1 5:1");
}

static bool is_odd(proc_id subscriber, struct value metadata, void *ctx)
{
    (void)ctx;
    cr_expect_eq(metadata.integer, (int64_t)subscriber);
    return metadata.integer % 2 == 1;
}

Test(pubsub, metadata_can_be_asked)
{
    begin();
    subscribers_begin(3, 1);
    run_with(body_broadcast, &(struct broadcast){.tag = MSG_USER + 1, .wanted = is_odd});
    said_is("0 0 0 sent 2 3:1 5:1");
}

Test(pubsub, who_subscribes_twice_hears_twice_and_unsubscribes_once)
{
    begin();
    subscribers_begin(1, 2);
    run_with(body_broadcast, &(struct broadcast){.tag = MSG_USER + 9});
    run_with(body_broadcast, &(struct broadcast){.tag = MSG_USER + 1});
    said_is("0 0 sent 2 3:9 3:9 sent 0");
}

Test(pubsub, the_dead_are_not_subscribed)
{
    begin();
    subscribers_begin(2, 1);
    proc_signal(runtime, 0, 3, plain(EXIT_KILL));
    run_with(body_broadcast, &(struct broadcast){.tag = MSG_USER + 1});
    cr_assert_eq(pubsub_count(runtime, hub), 1);
    said_is("0 0 sent 1 4:1");
}

Test(pubsub, without_a_hub_there_is_an_error)
{
    hub = 77;
    run_with(body_broadcast, &(struct broadcast){.tag = MSG_USER});
    said_is("sent -3");
}
