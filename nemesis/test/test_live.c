/* The bridge to libfiu: what a live process does at its points. Each story is told by a child of
 * its own. */
#define FIU_ENABLE
#include "nemesis/live.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fiu-control.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

#define BAD_ENVIRONMENT 200

/* Runs `story` in a child with these faults; returns its wait status. */
static int in_child(const char *faults, const char *seed, int (*story)(struct point_site *at))
{
    pid_t child = fork();
    if (child == 0) {
        char why[200];
        if (faults)
            setenv("DURESS_FAULTS", faults, 1);
        if (seed)
            setenv("DURESS_SEED", seed, 1);
        if (!freopen("/dev/null", "w", stderr))
            _exit(99);
        struct point_site at = {.sink = live_sink_new(why, sizeof why)};
        if (!at.sink)
            _exit(BAD_ENVIRONMENT);
        int result = story(&at);
        live_sink_free(at.sink);
        _exit(result);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static void assert_exits(int status, int code)
{
    cr_assert(WIFEXITED(status), "killed by %d", WTERMSIG(status));
    cr_assert_eq(WEXITSTATUS(status), code, "exit code %d", WEXITSTATUS(status));
}

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
    static const char *const bad[] = {"live/store/ack", "live/store/akc: disconnect",
                                      "live/store/ack: disconect", "live/store/ack: crash",
                                      "live/store/ack: wait(live/job/seen)",
                                      "disk/file/write: short"};
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

#define THREADS 4
#define HITS    500

struct walker {
    struct point_site site;
    uint64_t failed; /* a hash of which hits failed */
};

static void *walk(void *arg)
{
    struct walker *walker = arg;
    for (uint64_t i = 1; i <= HITS; i++)
        if (ack(&walker->site, walker->site.node) != 0)
            walker->failed = walker->failed * 1000003 + i;
    return NULL;
}

/* Folds what all walkers saw into an exit code. */
static int fold(const struct walker *walkers)
{
    uint64_t all = 0;
    for (size_t i = 0; i < THREADS; i++)
        all = all * 31 + walkers[i].failed;
    return (int)((all ^ all >> 32) % 127) + 1;
}

static void walkers_init(struct walker *walkers, struct point_sink *sink)
{
    for (uint32_t i = 0; i < THREADS; i++)
        walkers[i] = (struct walker){.site = {.sink = sink, .node = i + 1}};
}

static int in_threads(struct point_site *at)
{
    struct walker walkers[THREADS];
    pthread_t threads[THREADS];
    walkers_init(walkers, at->sink);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, walk, &walkers[i]);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return fold(walkers);
}

static int in_turn(struct point_site *at)
{
    struct walker walkers[THREADS];
    walkers_init(walkers, at->sink);
    for (size_t i = THREADS; i-- > 0;)
        walk(&walkers[i]);
    return fold(walkers);
}

Test(terms, same_seed_same_decisions_with_threads)
{
    const char *faults = "live/store/ack: 10%disconnect";
    int alone = in_child(faults, "7", in_turn);
    cr_assert(WIFEXITED(alone));
    assert_exits(in_child(faults, "7", in_threads), WEXITSTATUS(alone));
    assert_exits(in_child(faults, "0x7", in_turn), WEXITSTATUS(alone));
    cr_assert_neq(WEXITSTATUS(in_child(faults, "8", in_turn)), WEXITSTATUS(alone));
}
