/* fake_system.h: a system under test that misbehaves as a scenario file asks it to, for the tests
 * of the runner. To be included once per test program. Its program is the test program itself:
 * fake_main() below. */
#include "harness/cli/cli.h"
#include "harness/world/world.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

POINT_ABOUT("fake/step/done", "one step of the fake system");
POINT_ABOUT("fake/wrong/seen", "what the property wrong_never_seen forbids");

enum fake_param {
    FAKE_STEPS,
    FAKE_WRONG,
    FAKE_SEGV,
    FAKE_ABORT,
    FAKE_LOOP,
    FAKE_EXIT,
    FAKE_DIFFERS,
    FAKE_STUCK,
    FAKE_RANDOM,
    FAKE_COUNTS,
    FAKE_WEARS,
    FAKE_ODD
};

/* Percentages are chances per run. */
static const struct param_spec fake_params[] = {
    [FAKE_STEPS] = {"steps", PARAM_COUNT, {20, 20}, 1, 100000, "how many"},
    [FAKE_WRONG] = {"wrong", PARAM_PERCENT, {0, 0}, 0, 10000, "breaks a property"},
    [FAKE_SEGV] = {"segv", PARAM_PERCENT, {0, 0}, 0, 10000, "writes to nowhere"},
    [FAKE_ABORT] = {"abort", PARAM_PERCENT, {0, 0}, 0, 10000, "fails an assertion"},
    [FAKE_LOOP] = {"loop", PARAM_PERCENT, {0, 0}, 0, 10000, "never ends"},
    [FAKE_EXIT] = {"exit", PARAM_PERCENT, {0, 0}, 0, 10000, "calls _exit(7)"},
    [FAKE_DIFFERS] = {"differs", PARAM_PERCENT, {0, 0}, 0, 10000, "depends on the process"},
    [FAKE_STUCK] = {"stuck", PARAM_PERCENT, {0, 0}, 0, 10000, "never drains"},
    [FAKE_RANDOM] = {"random", PARAM_PERCENT, {0, 0}, 0, 10000, "depends on the child"},
    [FAKE_COUNTS] = {"counts", PARAM_PERCENT, {0, 0}, 0, 10000, "depends on the runs before it"},
    [FAKE_WEARS] = {"wears", PARAM_PERCENT, {0, 0}, 0, 10000, "fails an assertion after others"},
    [FAKE_ODD] = {"odd", PARAM_PERCENT, {0, 0}, 0, 10000, "goes wrong as it is asked to", true},
};

struct fake {
    struct world *world;
    const struct scenario *scenario;
    int64_t steps, done;
    uint64_t odd;
};

static bool fake_chance(struct fake *fake, enum fake_param param)
{
    uint64_t hundredths = (uint64_t)fake->scenario->params[param].value.lo;
    return tape_draw_chance(world_tape(fake->world), hundredths, 10000);
}

static int
    fake_runs; /* that this process has made: a system that leaves nothing does not count them */

static void fake_assert(struct fake *fake)
{
    bool worn = fake_chance(fake, FAKE_WEARS) && fake_runs > 1;
    if (fake_chance(fake, FAKE_ABORT) || worn) {
        fprintf(stderr, "fake.c:1: fake: Assertion `all is well' failed.\n");
        abort();
    }
}

static int *volatile fake_nowhere = (int *)16;

static void fake_misbehave(struct fake *fake)
{
    struct point_site *at = world_site(fake->world);
    if (fake_chance(fake, FAKE_DIFFERS))
        TRACE(at, "fake/step/done", T_U64("step", getppid()));
    if (fake_chance(fake, FAKE_RANDOM))
        TRACE(at, "fake/step/done", T_U64("step", getpid()));
    if (fake_chance(fake, FAKE_COUNTS))
        TRACE(at, "fake/step/done", T_U64("step", (uint64_t)fake_runs));
    if (fake_chance(fake, FAKE_SEGV))
        *fake_nowhere = 1;
    if (fake_chance(fake, FAKE_EXIT))
        _exit(7);
    if (fake_chance(fake, FAKE_LOOP))
        for (volatile bool forever = true; forever;)
            ;
    fake_assert(fake);
    if (fake_chance(fake, FAKE_WRONG))
        TRACE(at, "fake/wrong/seen", T_U64("step", fake->done));
    fake->odd += fake_chance(fake, FAKE_ODD);
}

static void fake_step(void *arg)
{
    struct fake *fake = arg;
    fake->done++;
    TRACE(world_site(fake->world), "fake/step/done", T_U64("step", fake->done));
    if (fake->done == fake->steps / 2)
        fake_misbehave(fake);
    if (fake->done < fake->steps)
        world_at(fake->world, NULL, world_now(fake->world) + 1000000, fake_step, fake);
}

static void *fake_setup(struct world *world, const struct scenario *scenario)
{
    struct fake *fake = calloc(1, sizeof *fake);
    struct range steps = scenario->params[FAKE_STEPS].value;
    *fake = (struct fake){.world = world, .scenario = scenario};
    fake_runs++;
    fake->steps = tape_draw_between(world_tape(world), steps.lo, steps.hi);
    if (fake_chance(fake, FAKE_STUCK))
        fake->done = INT64_MAX / 2;
    else
        world_at(world, NULL, world_now(world), fake_step, fake);
    return fake;
}

static bool fake_settled(void *ctx)
{
    struct fake *fake = ctx;
    return fake->done == fake->steps;
}

static bool fake_pending(void *ctx, char *text, size_t size)
{
    if (fake_settled(ctx))
        return false;
    snprintf(text, size, "a step that never comes");
    return true;
}

static uint64_t fake_went_wrong(void *ctx, size_t param)
{
    struct fake *fake = ctx;
    return param == FAKE_ODD ? fake->odd : 0;
}

static void fake_audit(void *ctx)
{
    (void)ctx;
}

#define FAKE_PARTS                                                                                 \
    .about = "misbehaves as asked", .params = fake_params,                                         \
    .param_count = sizeof fake_params / sizeof *fake_params, .setup = fake_setup,                  \
    .settled = fake_settled, .pending = fake_pending, .audit = fake_audit, .teardown = free,       \
    .went_wrong = fake_went_wrong

static const struct system fake_system = {.name = "fake", FAKE_PARTS};
/* The same, said to leave nothing behind. */
static const struct system fake_tidy = {.name = "tidy", FAKE_PARTS, .leaves_nothing = true};

static void fake_on_wrong(struct judge *judge, void *state, const struct event *event)
{
    (void)state;
    judge_fail(judge, event, "something wrong was seen");
}

static void fake_on_step(struct judge *judge, void *state, const struct event *event)
{
    (void)state, (void)event;
    judge_checked(judge);
    judge_met(judge);
}

static const struct property_on fake_wrong_on[] = {
    {"fake/wrong/seen", fake_on_wrong},
    {"fake/step/done", fake_on_step},
    {0},
};
TRACE_PROPERTY(wrong_never_seen, .name = "nothing wrong is seen", .kind = PROPERTY_NEVER,
               .about = "for tests", .on = fake_wrong_on);
static const struct property_on fake_step_on[] = {{"fake/step/done", fake_on_step}, {0}};
TRACE_PROPERTY(a_step_is_done, .name = "a step is done", .kind = PROPERTY_SOMETIMES,
               .about = "for tests", .on = fake_step_on);

/* A test program with systems of its own names them all before it includes this. */
#ifndef FAKE_SYSTEMS
#define FAKE_SYSTEMS &fake_system, &fake_tidy
#endif

/* Called by duress_start() this program is duress; otherwise it is the test runner. */
int main(int argc, char **argv)
{
    static const struct system *const systems[] = {FAKE_SYSTEMS};
    if (getenv("FAKE_DURESS"))
        return duress_main(argc, argv, systems, sizeof systems / sizeof *systems);
    struct criterion_test_set *tests = criterion_initialize();
    int code = criterion_handle_args(argc, argv, true) ? !criterion_run_all_tests(tests) : 0;
    criterion_finalize(tests);
    return code;
}

/* ---- calling it ---- */

static char place[64]; /* a fresh directory, in which a test works */

static void place_enter(void)
{
    strcpy(place, "/tmp/duress-test-XXXXXX");
    cr_assert(mkdtemp(place));
    cr_assert_eq(chdir(place), 0);
    cr_assert_eq(mkdir("s", 0777), 0);
}

static void place_leave(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", place);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

__attribute__((unused)) static void scenario_put(const char *path, const char *more)
{
    FILE *out = fopen(path, "w");
    cr_assert(out);
    fprintf(out, "name: %s\nabout: for tests\n%ssafety: 10s\nliveness: 10s\n%s\n", path,
            strstr(more, "sut:") ? "" : "sut: fake\n", more);
    cr_assert_eq(fclose(out), 0);
}

/* What the last call left. */
static char said[65536];
static int fake_status;

static void said_take(void)
{
    FILE *in = fopen("said", "r");
    size_t length = fread(said, 1, sizeof said - 1, in);
    said[length] = '\0';
    fclose(in);
}

static pid_t duress_start(char *line)
{
    static char name[] = "duress";
    char *argv[32] = {name}, exe[4096];
    size_t argc = 1;
    ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    cr_assert(length > 0);
    exe[length] = '\0';
    for (char *word = strtok(line, " "); word && argc < 31; word = strtok(NULL, " "))
        argv[argc++] = word;
    pid_t pid = fork();
    if (pid == 0) {
        int out = open("said", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        unsetenv("CI");
        unsetenv("BXFI_MAP"); /* or Criterion takes the process for one of its own */
        setenv("FAKE_DURESS", "1", 1);
        execv(exe, argv);
        _exit(127);
    }
    return pid;
}

/* Runs "duress LINE"; returns its exit code, what it printed is in `said`. */
__attribute__((unused)) static int duress(const char *line)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", line);
    pid_t pid = duress_start(copy);
    while (waitpid(pid, &fake_status, 0) < 0)
        ;
    said_take();
    return WIFEXITED(fake_status) ? WEXITSTATUS(fake_status) : -WTERMSIG(fake_status);
}
