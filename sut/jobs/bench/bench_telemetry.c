/* What telemetry costs: when nobody listens, which is what every job pays; and when somebody does. */
#include "sut/store/bench/rig.h"
#include "sut/telemetry.h"

#define IDLE_HITS  200000000
#define HEARD_HITS 5000000

static bool count(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    uint64_t *sum = ctx;
    (void)self;
    *sum += item->count;
    return true;
}

static int64_t wall_ns(struct env *env)
{
    (void)env;
    return 0; /* the clock is not what is measured */
}

__attribute__((noinline)) static void work(uint64_t i)
{
    __asm__ volatile("" : : "r"(i)); /* nothing that could hide the cost of the event */
}

__attribute__((noinline)) static void work_and_tell(struct telemetry *telemetry, struct env *env,
                                                    uint64_t i)
{
    __asm__ volatile("" : : "r"(i));
    if (telemetry_wanted(telemetry, TELEMETRY_JOB_STOP))
        telemetry_tell(telemetry, env, NULL,
                       (struct telemetry_item){
                           .event = TELEMETRY_JOB_STOP, .count = i, .word = "ok", .text = ""});
}

static double loop_ns(struct telemetry *telemetry, struct env *env, uint64_t hits)
{
    double start = processor_seconds();
    for (uint64_t i = 0; i < hits; i++) {
        if (telemetry)
            work_and_tell(telemetry, env, i);
        else
            work(i);
    }
    return (processor_seconds() - start) * 1e9 / (double)hits;
}

int main(void)
{
    static const struct env_ops ops = {.wall_ns = wall_ns};
    struct env env = {.ops = &ops, .node_name = "bench"};
    struct telemetry telemetry = {0};
    uint64_t sum = 0;
    double bare = loop_ns(NULL, &env, IDLE_HITS), idle = loop_ns(&telemetry, &env, IDLE_HITS);
    say("telemetry: nobody listens",
        (struct figure){idle > bare ? idle - bare : 0, "ns", .goal = 2, .at_most = true});
    telemetry_attach(&telemetry, "count", TELEMETRY_BIT(JOB_STOP), count, &sum);
    double heard = loop_ns(&telemetry, &env, HEARD_HITS);
    say("telemetry: one listener", (struct figure){heard, "ns"});
    return sum == 0; /* nobody was told */
}
