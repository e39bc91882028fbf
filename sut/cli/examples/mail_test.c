/* A test of a program that uses jobs, without any framework: its own code inserts, the job runs, time passes.
 *     cc mail_test.c $(pkg-config --cflags --libs jobs) && ./a.out */
#include "sut/jobs/testing.h"

#include <stdio.h>

static struct job_outcome mail(struct proc *self, const struct job *job, void *sent)
{
    (void)self, (void)job;
    return ++*(int *)sent < 2 ? job_outcome_make(JOB_ERROR, "the server is busy")
                              : job_outcome_make(JOB_OK, "%s", "");
}

static void sign_up(struct proc *self, struct jobs *jobs, void *address) /* what is tested */
{
    struct job_spec spec = {.worker = "mail", .args = address, .tags = "welcome"};
    jobs_insert(self, jobs, &spec, 1, NULL, &(uint64_t){0}, NULL);
}

#define CHECK(what)                                                                                \
    if (!(what))                                                                                   \
    failed += printf("FAILED: %s\n%s\n", #what, jobs_test_why(test)) > 0

int main(void)
{
    char why[200];
    int sent = 0, failed = 0;
    struct worker workers[] = {{.name = "mail", .perform = mail, .ctx = &sent}};
    struct jobs_test *test = jobs_test_new(
        &(struct jobs_test_options){.workers = workers, .worker_count = 1}, why, sizeof why);
    char letter[] = "{\"to\": \"ann@example.org\", \"copies\": 1}";
    CHECK(jobs_test_run(test, sign_up, letter));
    CHECK(
        jobs_test_enqueued(test, &(struct jobs_test_match){.args = "{\"to\": \"ann@example.org\"}",
                                                           .tags = "welcome"}));
    CHECK(jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default"}, NULL) && sent == 1);
    CHECK(jobs_test_advance(test, 60000)); /* it is tried again */
    CHECK(jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default"}, NULL) && sent == 2);
    CHECK(jobs_test_job(test, 1)->state == JOB_COMPLETED);
    jobs_test_free(test);
    puts(failed ? "failed" : "passed");
    return failed;
}
