/* What a point costs: compiled in and idle, and traced. The baseline of the idle point is the same loop without it. */
#include "harness/bench/bench.h"
#include "harness/test/recorder.h"

#define IDLE_HITS   200000000
#define TRACED_HITS 2000000

POINT_ABOUT("bench/point/hit", "a point in a loop");

__attribute__((noinline)) static void work(uint64_t i)
{
    __asm__ volatile("" : : "r"(i)); /* nothing that could hide the cost of the point */
}

__attribute__((noinline)) static void work_with_point(struct point_site *at, uint64_t i)
{
    __asm__ volatile("" : : "r"(i)); /* nothing that could hide the cost of the point */
    TRACE(at, "bench/point/hit", T_U64("job", i), T_U64("lease", 3), T_STR("queue", "default"));
}

static double loop_ns(struct point_site *at, uint64_t hits)
{
    int64_t start = bench_cpu_ns();
    for (uint64_t i = 0; i < hits; i++) {
        if (at)
            work_with_point(at, i);
        else
            work(i);
    }
    return (double)(bench_cpu_ns() - start) / (double)hits;
}

int main(void)
{
    struct point_site idle = {.sink = NULL};
    double bare = loop_ns(NULL, IDLE_HITS), with = loop_ns(&idle, IDLE_HITS);
    bench_print("point: idle", with > bare ? with - bare : 0, "ns", 2, true, 0);

    struct recorder recorder = recorder_make(10);
    struct point_site traced = {.sink = &recorder.sink, .node = 1, .actor = 7};
    bench_print("point: traced", loop_ns(&traced, TRACED_HITS), "ns", 100, true, 0);
    trace_free(recorder.trace);
    return 0;
}
