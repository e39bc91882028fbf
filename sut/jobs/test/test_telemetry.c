/* Telemetry: what is told, to whom, and what becomes of handlers that fail. */
#include "sut/jobs/test/rig.h"
#include "sut/jobs/testing.h"

/* ---- what was told, as lines ---- */

struct told {
    char lines[100][120];
    size_t count;
};

static bool tell(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    struct told *told = ctx;
    (void)self;
    if (told->count == 100)
        return true;
    char *line = told->lines[told->count++];
    size_t size = sizeof told->lines[0];
    int length = snprintf(line, size, "%s", telemetry_name(item->event));
    if (item->job)
        length += snprintf(line + length, size - (size_t)length, " %s", item->job->worker);
    if (item->word)
        length += snprintf(line + length, size - (size_t)length, " %s", item->word);
    snprintf(line + length, size - (size_t)length, " waited=%lld took=%lld err=%d %.40s",
             (long long)item->waited_ms, (long long)(item->duration_ns / MS), item->err,
             item->text ? item->text : "");
    return true;
}

static unsigned lines(const struct told *told, const char *begin)
{
    unsigned count = 0;
    for (size_t i = 0; i < told->count; ++i)
        count += strncmp(told->lines[i], begin, strlen(begin)) == 0;
    return count;
}

static void is_told(const struct told *told, const char *line)
{
    for (size_t i = 0; i < told->count; ++i)
        if (strcmp(told->lines[i], line) == 0)
            return;
    for (size_t i = 0; i < told->count; ++i)
        fprintf(stderr, "%s|\n", told->lines[i]);
    cr_assert_fail("nobody was told: %s", line);
}

/* ---- jobs ---- */

static struct job_outcome act(struct proc *self, const struct job *job, void *ctx)
{
    (void)ctx;
    struct job_outcome outcome = job_outcome_make(JOB_OK, "%s", "");
    if (strstr(job->args, "SLEEP"))
        proc_sleep(self, 2 * S);
    if (strstr(job->args, "CRASH"))
        proc_exit(self, reason_make(EXIT_ERROR, "boom"));
    if (strstr(job->args, "ERROR"))
        return job_outcome_make(JOB_ERROR, "no luck");
    if (strstr(job->args, "CANCEL"))
        return job_outcome_make(JOB_CANCEL, "not wanted");
    if (strstr(job->args, "DISCARD"))
        return job_outcome_make(JOB_DISCARD, "hopeless");
    if (strstr(job->args, "SNOOZE"))
        outcome.kind = JOB_SNOOZE;
    return outcome;
}

#define ALL_JOB (TELEMETRY_BIT(JOB_START) | TELEMETRY_BIT(JOB_STOP) | TELEMETRY_BIT(JOB_EXCEPTION))

static struct jobs_test *test_new(struct telemetry *telemetry)
{
    static const struct worker workers[] = {{.name = "act", .perform = act},
                                            {.name = "brief", .perform = act, .timeout_ns = S}};
    char why[200];
    struct jobs_test *test = jobs_test_new(
        &(struct jobs_test_options){.workers = workers, .worker_count = 2, .telemetry = telemetry},
        why, sizeof why);
    cr_assert_not_null(test, "%s", why);
    return test;
}

static void insert(struct jobs_test *test, const char *worker, const char *args)
{
    struct job_spec spec = {.worker = worker, .args = args};
    cr_assert(jobs_test_insert(test, &spec, NULL), "%s", jobs_test_why(test));
}

Test(telemetry, c99_jobs_are_told_with_measurements_and_how_they_ended)
{
    struct telemetry telemetry = {0};
    struct told told = {0};
    cr_assert_eq(telemetry_attach(&telemetry, "lines", ALL_JOB, tell, &told), 0);
    struct jobs_test *test = test_new(&telemetry);
    insert(test, "act", "{\"do\":\"SLEEP\"}");
    jobs_test_advance(test, 5000);
    jobs_test_drain(test, &(struct jobs_test_drain){0}, NULL);
    cr_assert_eq(told.count, 2);
    cr_assert_str_eq(told.lines[0], "job/start act waited=5000 took=0 err=0 ");
    cr_assert_str_eq(told.lines[1], "job/stop act ok waited=5000 took=2000 err=0 ");
    insert(test, "act", "{\"do\":\"ERROR\"}");
    insert(test, "act", "{\"do\":\"CRASH\"}");
    insert(test, "act", "{\"do\":\"CANCEL\"}");
    insert(test, "act", "{\"do\":\"DISCARD\"}");
    insert(test, "act", "{\"do\":\"SNOOZE\"}");
    insert(test, "brief", "{\"do\":\"SLEEP\"}");
    insert(test, "none", "{}");
    told.count = 0;
    jobs_test_drain(test, &(struct jobs_test_drain){0}, NULL);
    cr_assert_eq(told.count, 14);
    is_told(&told, "job/exception act error waited=0 took=0 err=0 no luck");
    is_told(&told, "job/exception act crash waited=0 took=0 err=0 boom");
    is_told(&told, "job/stop act cancel waited=0 took=0 err=0 not wanted");
    is_told(&told, "job/stop act discard waited=0 took=0 err=0 hopeless");
    is_told(&told, "job/stop act snooze waited=0 took=0 err=0 ");
    is_told(&told, "job/exception brief timeout waited=0 took=1000 err=0 timed out after 1s");
    is_told(&told, "job/exception none error waited=0 took=0 err=0 unknown worker none");
    jobs_test_free(test);
}

/* ---- the store, queues ---- */

static uint64_t orphans[10];
static size_t orphan_count, stops;

static bool keep_orphans(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    (void)self, (void)ctx;
    ++stops;
    for (size_t i = 0; i < item->id_count && orphan_count < 10; ++i)
        orphans[orphan_count++] = item->ids[i];
    return true;
}

Test(telemetry, c99_a_stopped_queue_lists_what_did_not_end)
{
    struct telemetry telemetry = {0};
    telemetry_attach(&telemetry, "orphans", TELEMETRY_BIT(QUEUE_STOP), keep_orphans, NULL);
    struct rig *rig =
        rig_new((struct rig_options){.limit = 4, .grace_ns = 3 * S, .telemetry = &telemetry});
    struct job_spec slow = {.worker = "sleep", .args = "60000"},
                    quick = {.worker = "sleep", .args = "1000"};
    row_insert(rig, &slow);
    row_insert(rig, &quick);
    row_insert(rig, &slow);
    jobs_poke(rig->jobs);
    rig_advance(rig, S / 2);
    jobs_drain(rig->jobs, rig_drained, rig);
    rig_advance(rig, 10 * S);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(stops, 2, "both queues");
    cr_assert_eq(orphan_count, 2);
    cr_assert_eq(orphans[0], 1);
    cr_assert_eq(orphans[1], 3);
    rig_free(rig);
}

static struct {
    unsigned good, changed, bad, err;
} stages;

static bool count_stages(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    (void)self, (void)ctx;
    if (strcmp(item->word, "stage") != 0)
        return true;
    stages.good += item->err == 0;
    stages.changed += (unsigned)item->changed;
    stages.bad += item->err != 0 && item->changed == 0 && item->id_count == 0;
    stages.err |= item->err == -ECONNREFUSED;
    return true;
}

Test(telemetry, c100_housekeeping_tells_how_many_it_changed_or_the_error)
{
    struct telemetry telemetry = {0};
    telemetry_attach(&telemetry, "stages", TELEMETRY_BIT(STORE_CALL), count_stages, NULL);
    struct rig *rig = rig_new((struct rig_options){.limit = 4, .telemetry = &telemetry});
    struct job_spec later = {.worker = "ok", .delay_ms = 1500};
    row_insert(rig, &later);
    row_insert(rig, &later);
    rig_advance(rig, 5 * S);
    cr_assert_gt(stages.good, 2);
    cr_assert_eq(stages.changed, 2);
    cr_assert_eq(stages.bad, 0);
    rig->mode[STORE_STAGE] = REFUSE;
    rig_advance(rig, 5 * S);
    cr_assert_gt(stages.bad, 2);
    cr_assert(stages.err);
    rig_free(rig);
}

/* ---- handlers ---- */

static bool refuse(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    (void)self, (void)item;
    return ++*(unsigned *)ctx < 3;
}

static bool leave(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    (void)item;
    ++*(unsigned *)ctx;
    proc_exit(self, reason_make(EXIT_ERROR, "a bug of mine"));
}

Test(telemetry, a_handler_that_fails_is_detached_and_nothing_else_happens)
{
    struct telemetry telemetry = {0};
    struct told told = {0};
    unsigned refused = 0, left = 0;
    struct jobs_test_counts counts;
    telemetry_attach(&telemetry, "refuses", ALL_JOB, refuse, &refused);
    telemetry_attach(&telemetry, "leaves", ALL_JOB, leave, &left);
    telemetry_attach(&telemetry, "lines", ALL_JOB, tell, &told);
    struct jobs_test *test = test_new(&telemetry);
    for (int i = 0; i < 5; ++i)
        insert(test, "act", "{}");
    cr_assert(jobs_test_drain(test, &(struct jobs_test_drain){0}, &counts));
    cr_assert_eq(counts.completed, 5);
    cr_assert_eq(refused, 3);
    cr_assert_eq(left, 1);
    cr_assert_eq(lines(&told, "job/stop"), 5, "others hear of everything");
    cr_assert_eq(lines(&told, "job/start"), 5);
    cr_assert_not(telemetry_detach(&telemetry, "leaves"), "it is gone");
    jobs_test_free(test);
}

struct once {
    struct telemetry *telemetry;
    unsigned count;
};

static bool only_once(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    struct once *once = ctx;
    (void)self, (void)item;
    ++once->count;
    return telemetry_detach(once->telemetry, "once");
}

Test(telemetry, handlers_come_and_go)
{
    struct telemetry telemetry = {0};
    struct told told = {0};
    struct once once = {&telemetry, 0};
    char ids[TELEMETRY_MOST][8];
    cr_assert_eq(telemetry_attach(&telemetry, "once", TELEMETRY_ALL, only_once, &once), 0);
    cr_assert_eq(telemetry_attach(&telemetry, "lines", ALL_JOB, tell, &told), 0);
    cr_assert_eq(telemetry_attach(&telemetry, "lines", ALL_JOB, tell, &told), -EEXIST);
    cr_assert_eq(telemetry_attach(&telemetry, "none", 0, tell, &told), -EINVAL);
    struct env env = {.ops = &rig_env_ops, .node_name = "n"};
    struct rig rig = {.env = env};
    for (int i = 0; i < 2; ++i)
        telemetry_tell(&telemetry, &rig.env, NULL,
                       (struct telemetry_item){.event = TELEMETRY_JOB_STOP});
    cr_assert_eq(once.count, 1);
    cr_assert_eq(told.count, 2, "who goes does not keep it from the next one");
    for (int i = 1; i < TELEMETRY_MOST; ++i) {
        snprintf(ids[i], sizeof ids[i], "%d", i);
        cr_assert_eq(telemetry_attach(&telemetry, ids[i], ALL_JOB, tell, &told), 0);
    }
    cr_assert_eq(telemetry_attach(&telemetry, "more", ALL_JOB, tell, &told), -ENOSPC);
    cr_assert(telemetry_wanted(&telemetry, TELEMETRY_JOB_STOP));
    cr_assert_not(telemetry_wanted(&telemetry, TELEMETRY_STORE_CALL));
    cr_assert_not(telemetry_wanted(NULL, TELEMETRY_JOB_STOP));
}
