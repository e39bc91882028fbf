/* libfiu under the bridge, as its own tests have it: which of several entries wins, a miss that is
 * no miss any more, a thousand points, and entries that come and go under load. */
#define FIU_ENABLE
#include "nemesis/test/live_child.h"

#include <errno.h>
#include <fiu-control.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* Points that no source has: a sink takes any. */
#define POINTS 1000
static char names[POINTS][32];
static struct point points[POINTS];

static void points_make(void)
{
    for (unsigned i = 0; i < POINTS; i++) {
        snprintf(names[i], sizeof names[i], "many/point/p%03u", i);
        points[i] = (struct point){.name = names[i], .file = __FILE__, .kinds = CAN_ERROR};
    }
}

static int hit(struct point_site *at, unsigned i)
{
    return at->sink->fault(at->sink, at, &points[i], NULL, 0);
}

static int enable(const char *name, int err, unsigned flags)
{
    return fiu_enable(name, 1, (void *)(intptr_t)err, flags);
}

/* Stops a story with the line at which it went wrong. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__ % 199 + 1;                                                             \
    } while (0)

static int precedence(struct point_site *at)
{
    points_make();
    enable("many/*", EPERM, 0);
    MUST(hit(at, 17) == -EPERM);
    enable("many/point/p017", ENOSPC, 0);
    MUST(hit(at, 17) == -ENOSPC); /* the exact name wins */
    MUST(hit(at, 18) == -EPERM);
    fiu_disable("many/point/p017");
    MUST(hit(at, 17) == -EPERM);
    fiu_enable_random("many/point/p017", 1, NULL, 0, 0);
    MUST(hit(at, 17) == 0); /* a hole */
    MUST(fiu_disable("many/point/p018") == -1);
    MUST(hit(at, 18) == -EPERM); /* and this makes none */
    enable("many/point/p017", EIO, FIU_ONETIME);
    MUST(hit(at, 17) == -EIO);
    MUST(hit(at, 17) == 0);
    fiu_disable("many/*");
    MUST(hit(at, 18) == 0);
    enable("many/*/p018", EIO, 0);
    MUST(hit(at, 18) == 0); /* libfiu knows '*' only at the end */
    return 0;
}

Test(libfiu, an_exact_name_wins_over_a_wildcard)
{
    assert_exits(in_child(NULL, NULL, precedence), 0);
}

static int misses(struct point_site *at)
{
    points_make();
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < POINTS; i++)
            MUST(hit(at, i) == 0); /* now they are known to be misses */
        enable("many/point/p5*", EPERM, 0);
        for (unsigned i = 0; i < POINTS; i++)
            MUST(hit(at, i) == (i / 100 == 5 ? -EPERM : 0));
        fiu_disable("many/point/p5*");
        for (unsigned i = 0; i < POINTS; i++)
            MUST(hit(at, i) == 0);
        enable("many/point/p500", EIO, 0);
        MUST(hit(at, 500) == -EIO);
        fiu_disable("many/point/p500");
    }
    return 0;
}

Test(libfiu, a_miss_is_forgotten_when_an_entry_comes)
{
    assert_exits(in_child(NULL, NULL, misses), 0);
}

static int thousand(struct point_site *at)
{
    points_make();
    for (unsigned i = 0; i < POINTS; i++)
        MUST(enable(names[i], (int)(1 + i % 100), 0) == 0);
    for (unsigned i = 0; i < POINTS; i++)
        MUST(hit(at, i) == -(int)(1 + i % 100));
    for (unsigned i = 0; i < POINTS; i += 2)
        MUST(fiu_disable(names[i]) == 0);
    for (unsigned i = 0; i < POINTS; i++)
        MUST(hit(at, i) == (i % 2 ? -(int)(1 + i % 100) : 0));
    return 0;
}

Test(libfiu, a_thousand_points)
{
    assert_exits(in_child(NULL, NULL, thousand), 0);
}

/* ---- under load ---- */

#define LOADERS 4
#define TOGGLES 1000

static bool stop;

struct loader {
    struct point_site *at;
    uint64_t wrong; /* answers that no entry could have given */
};

/* Rests now and then, as a program does that has work besides its points: libfiu's lock prefers those
 * who hit, and threads that do nothing else would keep all others from changing the table. */
static void *load(void *arg)
{
    struct loader *loader = arg;
    const struct timespec rest = {.tv_nsec = 20000};
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        for (unsigned i = 0; i < 50; i++) {
            int err = hit(loader->at, i);
            loader->wrong += err != 0 && err != -EPERM && err != -ENOSPC;
        }
        nanosleep(&rest, NULL);
    }
    return NULL;
}

static void toggle(unsigned i)
{
    enable("many/point/p01*", EPERM, 0);
    enable(names[i % 50], ENOSPC, i % 3 ? 0 : FIU_ONETIME);
    fiu_disable("many/point/p01*");
    fiu_disable(names[i % 50]);
}

static int under_load(struct point_site *at)
{
    struct loader loaders[LOADERS];
    pthread_t threads[LOADERS];
    points_make();
    for (size_t i = 0; i < LOADERS; i++) {
        loaders[i] = (struct loader){.at = at};
        pthread_create(&threads[i], NULL, load, &loaders[i]);
    }
    for (unsigned i = 0; i < TOGGLES; i++)
        toggle(i);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < LOADERS; i++) {
        pthread_join(threads[i], NULL);
        MUST(loaders[i].wrong == 0);
    }
    for (unsigned i = 0; i < 50; i++)
        MUST(hit(at, i) == 0); /* what was taken away is gone */
    enable("many/*", EPERM, 0);
    for (unsigned i = 0; i < 50; i++)
        MUST(hit(at, i) == -EPERM);
    return 0;
}

Test(libfiu, entries_come_and_go_under_load)
{
    assert_exits(in_child(NULL, NULL, under_load), 0);
}
