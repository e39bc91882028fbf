/* stages.h: stages that tell what happens to them. Events are ints. A producer counts up and says ?n when it is asked for n; a
 * consumer X says X[events]; a producer-consumer gives on what comes, times ten.
 */
#ifndef STAGES_H
#define STAGES_H

#include "fixture.h"
#include "sut/runtime/stage.h"
#include <errno.h>

struct counter {
    int next;
    int idle;   /* asks are not answered */
    int quiet;  /* nothing is said */
    char name;  /* of consumers */
    int manual; /* consumers: they ask when they are told */
    struct stage_from from;
};

enum { EMIT = MSG_USER, ASK, UNSUBSCRIBE, EXIT_WITH };

static inline struct server_next counter_init(struct proc *self, void *state, const void *arg)
{
    (void)self;
    *(struct counter *)state = *(const struct counter *)arg;
    return server_go();
}

static inline void counter_emit(struct proc *self, struct counter *counter, uint64_t count)
{
    for (; count > 0; count--, counter->next++)
        stage_emit(self, &counter->next, sizeof counter->next);
}

static inline void counter_demand(struct proc *self, void *state, uint64_t count)
{
    struct counter *counter = state;
    if (!counter->quiet)
        say(proc_env(self), "?%d", (int)count);
    if (!counter->idle)
        counter_emit(self, counter, count);
}

static inline int event_int(const struct stage_event *event)
{
    return *(const int *)event->data;
}

static inline void consumer_events(struct proc *self, void *state, const struct stage_event *events,
                                   size_t count, struct stage_from from)
{
    const struct counter *counter = state;
    char text[512];
    size_t length = 0;
    (void)from;
    for (size_t i = 0; i < count && length + 16 < sizeof text; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, i ? " %d" : "%d",
                                   event_int(&events[i]));
    say(proc_env(self), "%c[%s]", counter->name, text);
}

static inline void middle_events(struct proc *self, void *state, const struct stage_event *events,
                                 size_t count, struct stage_from from)
{
    consumer_events(self, state, events, count, from);
    for (size_t i = 0; i < count; i++)
        stage_emit(self, &(int){10 * event_int(&events[i])}, sizeof(int));
}

static inline enum stage_mode counter_subscribe(struct proc *self, void *state,
                                                enum stage_side side,
                                                const struct stage_subscription *subscription,
                                                struct stage_from from)
{
    struct counter *counter = state;
    (void)self, (void)subscription, (void)side;
    counter->from = from;
    return counter->manual ? STAGE_MANUAL : STAGE_AUTOMATIC;
}

static inline void counter_cancel(struct proc *self, void *state, enum stage_side side,
                                  struct reason why, struct stage_from from)
{
    (void)state, (void)from;
    say(proc_env(self), "%s(%s)", side == STAGE_UPSTREAM ? "up" : "down",
        reason_text(why, (char[REASON_WORDS]){0}));
}

static inline struct server_next counter_do(struct proc *self, void *state,
                                            const struct message *message)
{
    struct counter *counter = state;
    int number = message->size > 0 ? *(const int *)message->data : 0;
    switch (message->tag) {
    case EMIT: counter_emit(self, counter, (uint64_t)number); break;
    case ASK: stage_ask(self, counter->from, (uint64_t)number); break;
    case UNSUBSCRIBE: stage_unsubscribe(self, counter->from, error("enough")); break;
    case EXIT_WITH: return server_end(self, error("boom"));
    default: break;
    }
    return server_go();
}

static inline struct server_next counter_call(struct proc *self, void *state,
                                              const struct message *request)
{
    server_reply(self, "replied", 8);
    return counter_do(self, state, request);
}

static const struct stage_ops producer_ops = {.init = counter_init,
                                              .demand = counter_demand,
                                              .subscribe = counter_subscribe,
                                              .cancel = counter_cancel,
                                              .call = counter_call,
                                              .cast = counter_do};
static const struct stage_ops middle_ops = {
    .init = counter_init, .events = middle_events, .cancel = counter_cancel, .cast = counter_do};
static const struct stage_ops consumer_ops = {.init = counter_init,
                                              .events = consumer_events,
                                              .subscribe = counter_subscribe,
                                              .cancel = counter_cancel,
                                              .cast = counter_do};

/* ---- from outside: each step is a process of its own that does one thing ---- */

struct begin {
    struct stage_spec spec;
    proc_id pid;
};

static inline void body_begin(struct proc *self, void *arg)
{
    struct begin *begin = *(struct begin **)arg;
    struct started started = stage_start(self, &begin->spec);
    if (started.how != STARTED_OK)
        say(proc_env(self), "%s", started.why.error ? started.why.error->text : started.why.text);
    begin->pid = started.pid;
}

/* Lets all be done that can be done now. */
static inline void settle(void)
{
    fake_pass(&fake, runtime, 0);
}

static inline proc_id stage_begin(struct stage_spec spec, struct counter counter)
{
    struct begin begin = {.spec = spec}, *arg = &begin;
    begin.spec.state_size = sizeof counter;
    begin.spec.arg = &counter;
    begin.spec.arg_size = sizeof counter;
    proc_spawn(runtime,
               &(struct proc_spec){.main = body_begin, .arg = &arg, .arg_size = sizeof arg});
    settle();
    return begin.pid;
}

#define PRODUCER(...)                                                                              \
    stage_begin((struct stage_spec){.type = STAGE_PRODUCER, .ops = &producer_ops, __VA_ARGS__},    \
                (struct counter){.next = 1})
#define IDLE_PRODUCER(...)                                                                         \
    stage_begin((struct stage_spec){.type = STAGE_PRODUCER, .ops = &producer_ops, __VA_ARGS__},    \
                (struct counter){.next = 1, .idle = 1})
#define CONSUMER(letter, ...)                                                                      \
    stage_begin((struct stage_spec){.type = STAGE_CONSUMER,                                        \
                                    .ops = &consumer_ops,                                          \
                                    .subscriptions = &(struct stage_subscription){__VA_ARGS__},    \
                                    .subscription_count = 1},                                      \
                (struct counter){.name = (letter)})
#define MANUAL(letter, ...)                                                                        \
    stage_begin((struct stage_spec){.type = STAGE_CONSUMER,                                        \
                                    .ops = &consumer_ops,                                          \
                                    .subscriptions = &(struct stage_subscription){__VA_ARGS__},    \
                                    .subscription_count = 1},                                      \
                (struct counter){.name = (letter), .manual = 1})

static inline void tell(proc_id stage, uint32_t tag, int number)
{
    server_cast(runtime, 0, stage, tag, &number, sizeof number);
    settle();
}

struct inspect {
    proc_id stage;
    struct stage_info *info;
};

static inline void body_inspect(struct proc *self, void *arg)
{
    const struct inspect *inspect = arg;
    cr_expect_eq(stage_inspect(self, inspect->stage, NS_PER_S, inspect->info), 0);
}

static inline struct stage_info info_of(proc_id stage)
{
    struct stage_info info = {0};
    struct inspect inspect = {stage, &info};
    proc_spawn(runtime, &(struct proc_spec){
                            .main = body_inspect, .arg = &inspect, .arg_size = sizeof inspect});
    settle();
    return info;
}

#endif
