/* The bridge to libfiu: what a live process does at its points. */
#define FIU_ENABLE
#include "nemesis/test/live_child.h"

#include <errno.h>
#include <fiu-control.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

POINT_ABOUT("live/store/ack", "for the tests of the bridge");
POINT_ABOUT("live/job/perform", "for the tests of the bridge");

static int ack(struct point_site *at, uint64_t job)
{
    return FAULT(at, "live/store/ack", CAN_ERROR | CAN_TIMEOUT | CAN_DISCONNECT | CAN_DELAY,
                 T_U64("job", job));
}

static int perform(struct point_site *at, uint64_t job)
{
    TRACE(at, "live/job/seen", T_U64("job", job));
    return FAULT(at, "live/job/perform", CAN_DIE, T_U64("job", job));
}
POINT_ABOUT("live/job/seen", "for the tests of the bridge");

/* ---- libfiu alone ---- */

static int by_hand(struct point_site *at)
{
    if (ack(at, 1) != 0)
        return 1;
    fiu_enable("live/store/ack", 1, (void *)(intptr_t)ENOSPC, 0);
    if (ack(at, 1) != -ENOSPC)
        return 2;
    fiu_enable("live/store/ack", 1, NULL, 0);
    if (ack(at, 1) != -EIO)
        return 3;
    fiu_enable("live/store/ack", 1, (void *)(intptr_t)99999, FIU_ONETIME);
    if (ack(at, 1) != -EIO || ack(at, 1) != 0)
        return 4;
    fiu_disable("live/store/ack");
    fiu_enable("live/*", 1, (void *)(intptr_t)EPERM, 0);
    if (ack(at, 1) != -EPERM)
        return 5;
    if (perform(at, 1) != 0)
        return 6; /* it cannot return errors */
    return 0;
}

Test(bridge, fiu_enable_drives_a_point)
{
    assert_exits(in_child(NULL, NULL, by_hand), 0);
}

static int by_remote_control(struct point_site *at)
{
    char *why = NULL;
    if (fiu_rc_string("enable name=live/store/ack,failinfo=110", &why) != 0)
        return 1;
    return ack(at, 1) == -ETIMEDOUT ? 0 : 2;
}

Test(bridge, fiu_ctrl_commands_drive_a_point)
{
    assert_exits(in_child(NULL, NULL, by_remote_control), 0);
}

/* ---- DURESS_FAULTS ---- */

static int counted(struct point_site *at)
{
    static const int expected[] = {0, -ECONNRESET, -ENOSPC, 0};
    for (uint64_t job = 1; job <= 2; job++)
        for (size_t i = 0; i < 4; i++)
            if (ack(at, job) != expected[i])
                return (int)(10 * job + i);
    return 0;
}

Test(terms, count_per_key)
{
    assert_exits(in_child("live/store/*: 1*off -> 1*disconnect -> 1*error(ENOSPC)", NULL, counted),
                 0);
}

static int waits(struct point_site *at)
{
    if (ack(at, 1) != -ETIMEDOUT)
        return 1;
    return ack(at, 1) == 0 ? 0 : 2;
}

Test(terms, timeouts_and_delays_wait_and_go_on)
{
    assert_exits(in_child("live/store/ack: 1*timeout(1us) -> delay(1us..2us)", NULL, waits), 0);
}

static int dies(struct point_site *at)
{
    if (perform(at, 1) != 0 || perform(at, 2) != 0)
        return 1;
    perform(at, 1);
    return 2;
}

Test(terms, crash_and_kill_end_the_process)
{
    static const char *const faults[] = {"live/job/perform: skip(1)crash",
                                         "live/store/ack: disconnect; ; live/job/*: skip(1)kill;",
                                         "live/job/perform[job=1]: every(2)poweroff"};
    for (size_t i = 0; i < 3; i++) {
        int status = in_child(faults[i], NULL, dies);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s", faults[i]);
    }
}

static int replaced(struct point_site *at)
{
    if (ack(at, 1) != -ECONNRESET)
        return 1;
    fiu_enable("live/store/ack", 1, (void *)(intptr_t)EPERM, 0);
    return ack(at, 1) == -EPERM ? 0 : 2;
}

Test(terms, an_enable_of_the_same_name_replaces_them)
{
    assert_exits(in_child("live/store/ack: disconnect", NULL, replaced), 0);
}

static int nothing(struct point_site *at)
{
    (void)at;
    return 0;
}

Test(terms, bad_ones_are_refused)
{
    static const char *const bad[] = {
        "live/store/ack",        "live/store/akc: disconnect",          "live/store/ack: disconect",
        "live/store/ack: crash", "live/store/ack: wait(live/job/seen)", "disk/file/write: short"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_exits(in_child(bad[i], NULL, nothing), BAD_ENVIRONMENT);
    assert_exits(in_child(NULL, "x", nothing), BAD_ENVIRONMENT);
    assert_exits(in_child("", "17", nothing), 0);
}

Test(terms, a_refusal_shows_the_place)
{
    char why[200];
    setenv("DURESS_FAULTS", "live/store/ack: 3*disconect", 1);
    cr_assert_null(live_sink_new(why, sizeof why));
    cr_assert_str_eq(why, "DURESS_FAULTS: 'live/store/ack: 3*disconect', at 'disconect': unknown "
                          "word 'disconect'; did you mean 'disconnect'?");
}

/* ---- same seed, same decisions, however threads interleave ---- */

#define WALKERS 8
#define HITS    500

/* Which hits of which walker failed: in memory that all processes share. */
struct decisions {
    unsigned char failed[WALKERS][HITS];
};
static struct decisions *decisions;
static size_t thread_count;
static bool hits_another; /* point, between the hits of this one */

struct walker {
    struct point_site *at;
    size_t first; /* walks for every thread_count-th of them, from here on */
};

static void walk_as(struct point_sink *sink, size_t who)
{
    struct point_site site = {.sink = sink, .node = (uint32_t)who + 1};
    for (uint64_t i = 0; i < HITS; i++) {
        if (hits_another)
            perform(&site, i);
        decisions->failed[who][i] = ack(&site, who / 2) != 0;
    }
}

static void *walk(void *arg)
{
    const struct walker *walker = arg;
    for (size_t who = walker->first; who < WALKERS; who += thread_count)
        walk_as(walker->at->sink, who);
    return NULL;
}

static int in_threads(struct point_site *at)
{
    struct walker walkers[WALKERS];
    pthread_t threads[WALKERS];
    for (size_t i = 0; i < thread_count; i++) {
        walkers[i] = (struct walker){at, i};
        pthread_create(&threads[i], NULL, walk, &walkers[i]);
    }
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

/* Each walker is a process of its own, forked off one that has libfiu running. */
static int in_processes(struct point_site *at)
{
    int bad = 0;
    for (size_t who = 0; who < WALKERS; who++) {
        if (fork() == 0) {
            walk_as(at->sink, who);
            _exit(0);
        }
    }
    for (size_t who = 0; who < WALKERS; who++) {
        int status;
        bad |= wait(&status) < 0 || status != 0;
    }
    return bad;
}

static struct decisions decisions_of(const char *faults, const char *seed,
                                     int (*story)(struct point_site *at), size_t threads)
{
    memset(decisions, 2, sizeof *decisions);
    thread_count = threads;
    assert_exits(in_child(faults, seed, story), 0);
    return *decisions;
}

static void decisions_share(void)
{
    decisions =
        mmap(NULL, sizeof *decisions, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(decisions, MAP_FAILED);
}

TestSuite(determinism, .init = decisions_share);

static bool same(const struct decisions *a, const struct decisions *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

Test(determinism, one_seed_with_any_number_of_threads_and_in_processes)
{
    static const size_t threads[] = {2, 8};
    const char *faults = "live/store/ack: 10%disconnect";
    static struct decisions alone, other;
    alone = decisions_of(faults, "7", in_threads, 1);
    for (size_t i = 0; i < 2; i++) {
        other = decisions_of(faults, "7", in_threads, threads[i]);
        cr_expect(same(&alone, &other), "%zu threads", threads[i]);
    }
    other = decisions_of(faults, "0x7", in_processes, 1);
    cr_expect(same(&alone, &other), "processes");
    other = decisions_of(faults, "8", in_threads, 1);
    cr_expect_not(same(&alone, &other), "another seed");
    unsigned failed = 0;
    for (size_t i = 0; i < WALKERS * HITS; i++)
        failed += alone.failed[i / HITS][i % HITS];
    cr_expect(failed > 320 && failed < 480, "a tenth of 4000: %u", failed);
}

Test(determinism, another_point_changes_nothing)
{
    const char *faults = "live/store/ack: 10%disconnect";
    static struct decisions plain, ruled;
    plain = decisions_of(faults, "7", in_threads, 2);
    hits_another = true;
    ruled = decisions_of(faults, "7", in_threads, 2);
    cr_expect(same(&plain, &ruled), "it is hit");
    ruled = decisions_of("live/job/perform: skip(100000)crash; live/store/ack: 10%disconnect", "7",
                         in_threads, 2);
    cr_expect(same(&plain, &ruled), "it has a rule");
}
