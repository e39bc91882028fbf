/* test_listener.c: a node that is told of jobs does not wait for its next poll; one that hears nothing, or wrong, polls. */
#include "sut/jobs/test/rig.h"

#include "sut/store/watch.h"

/* Says what the test puts into it. */
struct fake_watch {
    struct store_watch base;
    struct store_news news;
    unsigned waits, interrupts;
};

static void fake_wait(struct store_watch *watch, struct store_news *news)
{
    struct fake_watch *fake = (struct fake_watch *)watch;
    *news = fake->news;
    ++fake->waits;
}

static void fake_interrupt(struct store_watch *watch)
{
    ++((struct fake_watch *)watch)->interrupts;
}

static const struct store_watch_ops fake_ops = {.wait = fake_wait, .interrupt = fake_interrupt};

#define POLL_NS (60 * S)

static struct fake_watch fake;

/* Idle: the first looks are over. */
static struct rig *rig_listening(void)
{
    fake = (struct fake_watch){.base.ops = &fake_ops};
    struct rig *rig = rig_new((struct rig_options){.poll_ns = POLL_NS, .watch = &fake.base});
    rig_advance(rig, 2 * S);
    cr_assert_eq(rig->thread_count, 1);
    return rig;
}

static void tell(struct rig *rig, struct store_news news)
{
    fake.news = news;
    rig_thread_return(rig);
}

Test(listener, has_a_queue_claim_at_once)
{
    struct rig *rig = rig_listening();
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    tell(rig, (struct store_news){.count = 1, .queues = {"default"}});
    rig_advance(rig, 3 * MS);
    cr_assert_eq(state_of(rig, id), JOB_COMPLETED);
    cr_assert_eq(rig->thread_count, 1, "and listens on");
    rig_free(rig);
}

Test(listener, has_the_node_look_once_more_for_what_was_not_told_again)
{
    struct rig *rig = rig_listening();
    tell(rig, (struct store_news){.count = 1, .queues = {"default"}});
    rig_advance(rig, 2 * MS);
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 10 * MS);
    cr_assert_eq(state_of(rig, id), JOB_COMPLETED);
    rig_free(rig);
}

Test(listener, has_the_node_look_at_once_and_once_more_however_rarely_it_polls)
{
    struct rig *rig = rig_listening();
    for (int round = 0; round < 3; ++round) {
        uint64_t first = rig_insert(rig, "ok", "{}", 0);
        tell(rig, (struct store_news){.look = true});
        rig_advance(rig, 4 * MS);
        cr_assert_eq(state_of(rig, first), JOB_COMPLETED);
        uint64_t second = rig_insert(rig, "ok", "{}", 0);
        rig_advance(rig, 20 * MS);
        cr_assert_eq(state_of(rig, second), JOB_COMPLETED);
    }
    unsigned looks = rig->asked[STORE_STAGE];
    rig_advance(rig, 10 * S);
    cr_assert_eq(rig->asked[STORE_STAGE], looks, "and then rests");
    rig_free(rig);
}

Test(listener, has_the_node_do_other_things_than_look)
{
    struct rig *rig = rig_listening();
    unsigned looks = rig->asked[STORE_STAGE];
    for (int i = 0; i < 500; ++i) {
        tell(rig, (struct store_news){.look = true});
        rig_advance(rig, MS);
    }
    cr_assert_leq(rig->asked[STORE_STAGE] - looks, 50);
    cr_assert_geq(rig->asked[STORE_STAGE] - looks, 25);
    rig_free(rig);
}

Test(listener, does_not_mind_queues_of_others)
{
    struct rig *rig = rig_listening();
    unsigned claims = rig->asked[STORE_ACK] + rig->asked[STORE_CLAIM];
    tell(rig, (struct store_news){.count = 1, .queues = {"elsewhere"}});
    rig_advance(rig, S);
    cr_assert_eq(rig->asked[STORE_ACK] + rig->asked[STORE_CLAIM], claims);
    rig_free(rig);
}

static void cancel_elsewhere(struct rig *rig, uint64_t id)
{
    struct store_request request = {.op = STORE_CANCEL, .ids = &id, .id_count = 1};
    struct store_reply reply = {0};
    rig->cancels_elsewhere = true;
    store_execute(&rig->db, &request, rig->heap, &reply);
    cr_assert_eq(reply.changed, 1);
}

Test(listener, has_what_was_cancelled_elsewhere_end_at_once)
{
    struct rig *rig = rig_listening();
    uint64_t id = rig_insert(rig, "sleep", "30000", 0);
    tell(rig, (struct store_news){.look = true});
    rig_advance(rig, S);
    cr_assert_eq(state_of(rig, id), JOB_EXECUTING);
    cancel_elsewhere(rig, id);
    tell(rig, (struct store_news){.look = true});
    rig_advance(rig, 20 * MS);
    cr_assert_eq(events(rig, "job/perform/lost", id, ""), 1);
    rig_free(rig);
}

Test(listener, rests_when_it_hears_nothing_and_the_node_polls)
{
    struct rig *rig = rig_listening();
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    tell(rig, (struct store_news){.err = -ECONNREFUSED, .why = "gone"});
    rig_advance(rig, POLL_NS / 2);
    cr_assert_eq(rig->thread_count, 0);
    cr_assert_eq(events(rig, "jobs/listener/deaf", 0, ""), 1);
    rig_advance(rig, POLL_NS);
    cr_assert_eq(rig->thread_count, 1);
    cr_assert_eq(state_of(rig, id), JOB_COMPLETED);
    rig_free(rig);
}

Test(listener, is_interrupted_when_it_dies_and_comes_back)
{
    struct rig *rig = rig_listening();
    struct proc_info info;
    proc_id pid = 0;
    for (proc_id each = 1; each < 100 && !pid; ++each)
        if (runtime_info(rig->runtime, each, &info) && strcmp(info.label, "listener") == 0)
            pid = each;
    proc_signal(rig->runtime, 0, pid, reason_make(EXIT_KILL, "%s", ""));
    rig_advance(rig, 10 * MS);
    cr_assert_eq(fake.interrupts, 1);
    cr_assert_eq(rig->thread_count, 2);
    tell(rig, (struct store_news){.err = -ECANCELED}); /* of the dead one: nobody waits for it */
    tell(rig, (struct store_news){.err = -ECANCELED});
    rig_advance(rig, 10 * MS);
    cr_assert_eq(rig->thread_count, 1);
    rig_free(rig);
}

Test(listener, ends_with_a_drain)
{
    struct rig *rig = rig_listening();
    jobs_drain(rig->jobs, rig_drained, rig);
    rig_advance(rig, S);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(fake.interrupts, 1);
    rig_free(rig);
}

Test(listener, is_not_there_without_a_watch)
{
    struct rig *rig = rig_new((struct rig_options){0});
    rig_advance(rig, S);
    cr_assert_eq(rig->thread_count, 0);
    rig_free(rig);
}
