/* The same with Criterion: each test has a world of its own, and inserts run at once.
 *     cc criterion_test.c $(pkg-config --cflags --libs jobs) -lcriterion && ./a.out */
#include "sut/jobs/testing.h"

#include <criterion/criterion.h>

static struct jobs_test *test;

static struct job_outcome mail(struct proc *self, const struct job *job, void *ctx)
{
    (void)self, (void)job, (void)ctx;
    return job_outcome_make(JOB_OK, "%s", "{\"sent\": true}");
}

static const struct worker workers[] = {{.name = "mail", .perform = mail}};

static void begin(void)
{
    char why[200];
    test = jobs_test_new(&(struct jobs_test_options){.workers = workers,
                                                     .worker_count = 1,
                                                     .mode = JOBS_TEST_INLINE},
                         why, sizeof why);
    cr_assert(test, "%s", why);
}

static void end(void)
{
    jobs_test_free(test);
}

TestSuite(mail, .init = begin, .fini = end);

Test(mail, is_sent_at_once)
{
    uint64_t id;
    cr_assert(jobs_test_insert(test, &(struct job_spec){.worker = "mail"}, &id), "%s",
              jobs_test_why(test));
    cr_assert_str_eq(jobs_test_job(test, id)->result, "{\"sent\": true}");
}

Test(mail, is_sent_tomorrow)
{
    cr_assert(
        jobs_test_insert(test, &(struct job_spec){.worker = "mail", .delay_ms = 86400000}, NULL));
    cr_assert(jobs_test_enqueued(test, &(struct jobs_test_match){.worker = "mail"}), "%s",
              jobs_test_why(test));
    cr_assert(jobs_test_advance(test, 86400000), "%s", jobs_test_why(test));
    cr_assert(jobs_test_refuted(test, &(struct jobs_test_match){.worker = "mail"}), "%s",
              jobs_test_why(test));
}

Test(mail, is_a_worker)
{
    struct job_outcome outcome;
    cr_assert(jobs_test_perform(test, &(struct job_spec){.worker = "mail", .args = "{\"to\": 1}"},
                                &outcome),
              "%s", jobs_test_why(test));
    cr_assert_eq(outcome.kind, JOB_OK);
}
