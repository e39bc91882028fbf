/* The admin: a person on the first node who says things of queues while everything goes on, and takes all of it back at
 * the end. What is said is planned; what is answered is not: an answer may be lost, and then nobody knows. Only the last word
 * is repeated until it was heard, since without it a paused queue would wait for ever.
 */
#include "scenarios/jobs/adapter.h"

#include <stdlib.h>

#define AFTERWARDS   (60 * S) /* changes go on after the last insert */
#define ASK_AGAIN_NS S

POINT_ABOUT("admin/queue/say", "somebody is about to say something of a queue");
POINT_ABOUT("admin/queue/ok", "the store has heard it");
POINT_ABOUT("admin/queue/unknown", "the store may have heard it");

/* X(ENUM, fields): what can be said. */
#define SAYINGS(X)                                                                                 \
    X(PAUSE, QUEUE_PAUSED)                                                                         \
    X(RESUME, QUEUE_PAUSED)                                                                        \
    X(LOCAL, QUEUE_LOCAL)                                                                          \
    X(GLOBAL, QUEUE_GLOBAL)                                                                        \
    X(PART, QUEUE_PART)                                                                            \
    X(RATE, QUEUE_RATE)                                                                            \
    X(START, QUEUE_RUNS)                                                                           \
    X(STOP, QUEUE_RUNS)

enum {
#define X(e, fields) SAY_##e,
    SAYINGS(X)
#undef X
        SAYING_COUNT
};

static const unsigned saying_fields[] = {
#define X(e, fields) [SAY_##e] = (fields),
    SAYINGS(X)
#undef X
};

struct saying {
    int64_t at_ns; /* after the start */
    struct store_queue rule;
    unsigned fields;
};

/* Limits of 0 are only said by a pause, so that each kind is seen at work. */
static void draw_saying(struct adapter *adapter, struct saying *saying)
{
    struct tape *tape = world_tape(adapter->world);
    int kind = (int)draws_below(&adapter->draws, SAYING_COUNT, SAYING_COUNT);
    size_t queue = draws_below(&adapter->draws, adapter->queue_count, adapter->queue_count);
    *saying = (struct saying){
        .at_ns = tape_draw_between(tape, 0, draws_range(&adapter->draws, W_OVER).hi + AFTERWARDS),
        .fields = saying_fields[kind],
        .rule = {.name = adapter->queues[queue].name,
                 .paused = kind == SAY_PAUSE,
                 .runs = kind == SAY_START},
    };
    int64_t number = tape_draw_between(tape, 1, 5);
    saying->rule.local_limit = saying->rule.global_limit = saying->rule.part_limit = number;
    saying->rule.rate = number;
    saying->rule.rate_ms = tape_draw_between(tape, 1, 10000);
    saying->rule.rate_by_part = tape_draw_chance(tape, 1, 2);
    if (!(saying->fields & QUEUE_NODE_FIELDS))
        return;
    if (tape_draw_chance(tape, 1, 4))
        saying->rule.node = "n1";
    if (tape_draw_chance(tape, 1, 8))
        saying->rule.name = QUEUE_EVERY;
}

static int earlier(const void *left, const void *right)
{
    const struct saying *a = left, *b = right;
    return a->at_ns < b->at_ns ? -1 : a->at_ns > b->at_ns;
}

/* Said before anything else, and once more when everything was: until then nothing is taken back. */
static void draw_ageing(struct adapter *adapter)
{
    struct admin *admin = &adapter->admin;
    if (!draws_range(&adapter->draws, W_AGEING).hi)
        return;
    int64_t age_ms = draws_value(&adapter->draws, W_AGEING) / MS;
    int64_t last_ns = draws_range(&adapter->draws, W_OVER).hi + AFTERWARDS;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < adapter->queue_count; i++)
            admin->sayings[admin->count++] =
                (struct saying){.at_ns = round == 0 ? 0 : last_ns,
                                .fields = QUEUE_AGE,
                                .rule = {.name = adapter->queues[i].name, .age_ms = age_ms}};
}

void admin_draw(struct adapter *adapter)
{
    struct admin *admin = &adapter->admin;
    struct range count = draws_range(&adapter->draws, W_QUEUE_CHANGES);
    if (!count.hi && !draws_range(&adapter->draws, W_AGEING).hi)
        return;
    struct sequence_list list = {
        .usual = (size_t)count.lo, .max = (size_t)count.hi, .even = true, .label = "queue change"};
    admin->sayings = calloc((size_t)count.hi + 2 * adapter->queue_count, sizeof *admin->sayings);
    if (!admin->sayings)
        abort();
    draw_ageing(adapter);
    while (count.hi && tape_draw_more(world_tape(adapter->world), &list))
        draw_saying(adapter, &admin->sayings[admin->count++]);
    admin->open = admin->count > 0;
    qsort(admin->sayings, admin->count, sizeof *admin->sayings, earlier);
}

void admin_done(struct admin *admin)
{
    free(admin->sayings);
}

static void tell(struct proc *self, const char *queue, int err)
{
    if (err)
        TRACE(proc_site(self), "admin/queue/unknown", T_STR("queue", queue), T_I64("err", err));
    else
        TRACE(proc_site(self), "admin/queue/ok", T_STR("queue", queue));
    (void)self, (void)queue;
}

static void say(struct proc *self, struct app *app, const struct saying *saying)
{
    TRACE(proc_site(self), "admin/queue/say", T_STR("queue", saying->rule.name),
          T_U64("fields", saying->fields));
    tell(self, saying->rule.name,
         jobs_queues_set(self, app->jobs, &saying->rule, 1, saying->fields));
}

static void take_all_back(struct proc *self, struct app *app)
{
    const struct adapter *adapter = app->adapter;
    const char **names = proc_alloc(self, (adapter->queue_count + 1) * sizeof *names);
    for (size_t i = 0; i < adapter->queue_count; i++)
        names[i] = adapter->queues[i].name;
    names[adapter->queue_count] = QUEUE_EVERY;
    while (jobs_queues_forget(self, app->jobs, names, adapter->queue_count + 1) != 0)
        proc_sleep(self, ASK_AGAIN_NS);
}

/* A successor goes on behind what this one was saying when it died. */
void admin_main(struct proc *self, void *arg)
{
    struct app *app = arg;
    struct admin *admin = &app->adapter->admin;
    while (admin->said < admin->count) {
        const struct saying *saying = &admin->sayings[admin->said];
        int64_t wait_ns = app->adapter->start_ns + saying->at_ns - proc_now(self);
        if (wait_ns > 0)
            proc_sleep(self, wait_ns);
        admin->said++;
        say(self, app, saying);
    }
    if (admin->open)
        take_all_back(self, app);
    admin->open = false;
}
