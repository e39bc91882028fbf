/* conformance.h: what every store must do, whatever the database: one suite, run on each of them. cNN: the number in the
 * conformance list of job systems (sut/jobs/README.md).
 *
 * A test program of a store says what its suite is called (`#define STORE_SUITE sqlite`), has `db`, which its set-up opens
 * empty, sql_run(), and fixture.h with the clock that the database goes by; then it includes this. A new test goes into the file of
 * its theme; what only one database does stays in that database's own tests. */
#ifndef SUT_STORE_CONFORMANCE_H
#define SUT_STORE_CONFORMANCE_H

#include "sut/jobs/unique.h"
#include "sut/store/test/fixture.h"

static struct store_db *db;
static void sql_run(const char *sql); /* as another client of the same database */

#define CONFORMS_IN(suite, name, ...) Test(suite, name, ##__VA_ARGS__)
#define CONFORMS(name, ...)           CONFORMS_IN(STORE_SUITE, name, ##__VA_ARGS__)

/* ---- requests, one line each ---- */

static struct store_reply run(struct store_request request)
{
    struct store_reply reply;
    store_execute(db, &request, &heap, &reply);
    return reply;
}

static struct store_reply run_ok(struct store_request request)
{
    struct store_reply reply = run(request);
    cr_assert_eq(reply.err, 0, "%s: %s", store_op_word(request.op), reply.why);
    return reply;
}

static uint64_t insert(struct job_spec spec)
{
    return run_ok((struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1})
        .ids[0];
}

static struct store_reply claim(size_t limit)
{
    return run_ok((struct store_request){.op = STORE_CLAIM,
                                         .queue = "default",
                                         .limit = limit,
                                         .owner = "o1",
                                         .lease_ms = LEASE_MS});
}

static struct store_lease claim_one(uint64_t id)
{
    struct store_reply reply = claim(1);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, id);
    return (struct store_lease){id, reply.jobs[0].lease};
}

__attribute__((unused)) static enum store_ack_result
ack(struct store_lease lease, enum job_state state, int64_t delay_ms, const char *error)
{
    struct store_ack one = {lease.id, lease.lease, state, delay_ms, error, NULL};
    return run_ok((struct store_request){.op = STORE_ACK, .acks = &one, .ack_count = 1}).acks[0];
}

__attribute__((unused)) static struct job get(uint64_t id)
{
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_GET, .ids = &id, .id_count = 1});
    cr_assert_eq(reply.job_count, 1);
    return reply.jobs[0];
}

__attribute__((unused)) static size_t change(enum store_op op, uint64_t id)
{
    return run_ok((struct store_request){.op = op, .ids = &id, .id_count = 1}).changed;
}

__attribute__((unused)) static size_t tick(enum store_op op)
{
    return run_ok((struct store_request){.op = op}).changed;
}

__attribute__((unused)) static uint64_t count_of(enum job_state state)
{
    return run_ok((struct store_request){.op = STORE_STATS}).counts[state];
}

__attribute__((unused)) static uint64_t count_all(void)
{
    struct store_reply reply = run_ok((struct store_request){.op = STORE_STATS});
    uint64_t sum = 0;
    for (int state = 0; state < JOB_STATE_COUNT; ++state)
        sum += reply.counts[state];
    return sum;
}

#ifdef DURESS_POINTS
#define cr_assert_events(text) cr_assert_str_eq(events, text)
#define events_clear()         (*events = '\0')
#else
#define cr_assert_events(text)
#define events_clear()
#endif

#ifndef CONFORMANCE_HELPERS_ONLY
#include "sut/store/test/conformance/ack.h"
#include "sut/store/test/conformance/claim.h"
#include "sut/store/test/conformance/clock.h"
#include "sut/store/test/conformance/control.h"
#include "sut/store/test/conformance/cron.h"
#include "sut/store/test/conformance/flow.h"
#include "sut/store/test/conformance/hand.h"
#include "sut/store/test/conformance/insert.h"
#include "sut/store/test/conformance/leader.h"
#include "sut/store/test/conformance/note.h"
#include "sut/store/test/conformance/queue.h"
#include "sut/store/test/conformance/read.h"
#include "sut/store/test/conformance/unique.h"
#endif

#endif
