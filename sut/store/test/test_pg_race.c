/* test_pg_race.c: several clients of one database at once. Which of them wins is chance; that exactly one does, is not. */
#define CONFORMANCE_HELPERS_ONLY
#include "sut/store/test/pg_fixture.h"

#include <pthread.h>

enum { JOBS = 1500, CLIENTS = 4, BATCH = 7 };

TestSuite(pg_race, .init = setup, .fini = teardown);

/* A node: a thread with a connection and memory of its own. */
struct client {
    pthread_t thread;
    struct heap node, heap;
    struct env env;
    struct store_db *db;
    void (*main)(struct client *client);
    size_t done;
    int err; /* the first error of a request */
    char why[160];
    uint64_t *ids;
    struct store_lease *leases;
    size_t count;
};

static uint64_t chance(struct env *of)
{
    uint64_t bits = 0;
    (void)of;
    cr_assert_eq(getentropy(&bits, sizeof bits), 0);
    return bits;
}

static const struct env_ops client_ops = {fake_ns, fake_ns, chance, fake_submit, fake_log};

static struct store_reply client_run(struct client *client, struct store_request request)
{
    struct store_reply reply;
    store_execute(client->db, &request, &client->heap, &reply);
    if (reply.err && !client->err) {
        client->err = reply.err;
        memcpy(client->why, reply.why, sizeof client->why);
    }
    return reply;
}

static void *client_main(void *ctx)
{
    struct client *client = ctx;
    client->main(client);
    return NULL;
}

static void clients_run(struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        struct client *client = &clients[i];
        heap_init(&client->node);
        heap_init(&client->heap);
        client->env = (struct env){.ops = &client_ops, .heap = &client->node, .node_name = "n"};
        struct store_pg_options options = pg_options();
        options.env = &client->env;
        client->db = store_pg_open(&options, why, sizeof why);
        cr_assert_not_null(client->db, "%s", why);
    }
    for (size_t i = 0; i < count; ++i)
        pthread_create(&clients[i].thread, NULL, client_main, &clients[i]);
    for (size_t i = 0; i < count; ++i) {
        pthread_join(clients[i].thread, NULL);
        store_close(clients[i].db);
        heap_done(&clients[i].heap);
        heap_done(&clients[i].node);
        cr_assert_eq(clients[i].err, 0, "%s", clients[i].why);
    }
}

static uint64_t *insert_jobs(size_t count, int64_t delay_ms)
{
    struct job_spec *specs = heap_alloc(&heap, count * sizeof *specs);
    for (size_t i = 0; i < count; ++i)
        specs[i] = (struct job_spec){.worker = "w", .delay_ms = delay_ms};
    return run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = count})
        .ids;
}

/* Until there has been nothing for a while: others may hold what is left. */
static void claim_until_empty(struct client *client, bool stage)
{
    for (int empty = 0; empty < 50 && !client->err;) {
        struct store_reply reply = client_run(client, (struct store_request){.op = STORE_CLAIM,
                                                                             .queue = "default",
                                                                             .limit = BATCH,
                                                                             .owner = "o",
                                                                             .stage = stage,
                                                                             .lease_ms = LEASE_MS});
        empty = reply.job_count ? 0 : empty + 1;
        client->done += reply.job_count;
    }
}

static void claim_all(struct client *client)
{
    claim_until_empty(client, false);
}

static void claim_due(struct client *client)
{
    claim_until_empty(client, true);
}

static size_t done_by_all(const struct client *clients, size_t count)
{
    size_t done = 0;
    for (size_t i = 0; i < count; ++i)
        done += clients[i].done;
    return done;
}

static void each_was_claimed_once(void)
{
    cr_assert_eq(count_of(JOB_EXECUTING), JOBS);
    cr_assert_eq(query("SELECT count(*) FROM duress_jobs WHERE lease<>1 OR attempt<>1"), 0);
}

Test(pg_race, claimers_share_jobs_and_none_is_claimed_twice)
{
    struct client clients[CLIENTS] = {{0}};
    insert_jobs(JOBS, 0);
    for (size_t i = 0; i < CLIENTS; ++i)
        clients[i].main = claim_all;
    clients_run(clients, CLIENTS);
    cr_assert_eq(done_by_all(clients, CLIENTS), JOBS);
    each_was_claimed_once();
}

static void stage_all(struct client *client)
{
    for (int i = 0; i < 60; ++i)
        client->done += client_run(client, (struct store_request){.op = STORE_STAGE}).changed;
}

/* A stager that goes by what it saw would make jobs available that were claimed meanwhile. */
Test(pg_race, stagers_and_a_fetch_never_run_a_job_twice)
{
    struct client clients[CLIENTS] = {{0}};
    insert_jobs(JOBS, 5);
    clock_ms += 5;
    clock_tell();
    for (size_t i = 0; i < CLIENTS; ++i)
        clients[i].main = i % 2 ? stage_all : claim_due;
    clients_run(clients, CLIENTS);
    cr_assert_eq(clients[0].done + clients[2].done, JOBS);
    each_was_claimed_once();
}

/* ---- acknowledgements against a rescue ---- */

static void ack_all(struct client *client)
{
    for (size_t i = 0; i < client->count && !client->err; i += BATCH) {
        struct store_ack acks[BATCH];
        size_t count = client->count - i < BATCH ? client->count - i : BATCH;
        for (size_t k = 0; k < count; ++k)
            acks[k] = (struct store_ack){.id = client->leases[i + k].id,
                                         .lease = client->leases[i + k].lease,
                                         .state = JOB_COMPLETED};
        struct store_reply reply = client_run(
            client, (struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = count});
        for (size_t k = 0; k < count && !reply.err; ++k)
            client->done += reply.acks[k] == ACK_APPLIED;
    }
}

static void rescue_all(struct client *client)
{
    for (int i = 0; i < 40; ++i)
        client->done += client_run(client, (struct store_request){.op = STORE_RESCUE}).changed;
}

Test(pg_race, a_run_is_either_finished_or_rescued)
{
    struct client clients[3] = {{.main = ack_all}, {.main = rescue_all}, {.main = rescue_all}};
    insert_jobs(JOBS, 0);
    struct store_reply reply = claim(JOBS);
    clients[0].count = reply.job_count;
    clients[0].leases = heap_alloc(&heap, reply.job_count * sizeof *clients[0].leases);
    for (size_t i = 0; i < reply.job_count; ++i)
        clients[0].leases[i] = (struct store_lease){reply.jobs[i].id, reply.jobs[i].lease};
    clock_ms += LEASE_MS;
    clock_tell();
    clients_run(clients, 3);
    cr_assert_eq(done_by_all(clients, 3), JOBS);
    cr_assert_eq(count_of(JOB_COMPLETED), clients[0].done);
    cr_assert_eq(count_of(JOB_AVAILABLE), clients[1].done + clients[2].done);
}

/* ---- the same rows in opposite orders ---- */

static void cancel_and_retry(struct client *client)
{
    for (int round = 0; round < 4; ++round)
        for (int op = 0; op < 2; ++op)
            client_run(client, (struct store_request){.op = op ? STORE_RETRY : STORE_CANCEL,
                                                      .ids = client->ids,
                                                      .id_count = client->count});
}

Test(pg_race, changes_of_the_same_jobs_in_opposite_orders_do_not_meet)
{
    struct client clients[2] = {{.main = cancel_and_retry}, {.main = cancel_and_retry}};
    enum { COUNT = 150 };
    uint64_t *ids = insert_jobs(COUNT, 0), *reverse = heap_alloc(&heap, COUNT * sizeof *reverse);
    for (size_t i = 0; i < COUNT; ++i)
        reverse[i] = ids[COUNT - 1 - i];
    for (size_t i = 0; i < 2; ++i) {
        clients[i].ids = i ? reverse : ids;
        clients[i].count = COUNT;
    }
    clients_run(clients, 2);
    cr_assert_eq(count_all(), COUNT);
}

static void cancel_all(struct client *client)
{
    client->done = client_run(client, (struct store_request){.op = STORE_CANCEL,
                                                             .ids = client->ids,
                                                             .id_count = client->count})
                       .changed;
}

/* The server's own word for a deadlock, three times: its waiting for one is not the matter here. */
#define THREE_DEADLOCKS                                                                            \
    "CREATE SEQUENCE fails;"                                                                       \
    "CREATE FUNCTION fail()RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "                           \
    "IF nextval('%s.fails')<4 THEN RAISE EXCEPTION USING ERRCODE='%s';END IF;RETURN NULL;END$$;"   \
    "CREATE TRIGGER fail AFTER UPDATE ON duress_jobs FOR EACH STATEMENT EXECUTE FUNCTION fail()"

static void cancel_through(const char *sqlstate)
{
    struct client client = {.main = cancel_all, .count = 2};
    char sql[500];
    client.ids = insert_jobs(2, 0);
    snprintf(sql, sizeof sql, THREE_DEADLOCKS, schema, sqlstate);
    sql_run(sql);
    clients_run(&client, 1);
    cr_assert_eq(client.done, 2);
    cr_assert_geq(query("SELECT last_value FROM fails"), 4);
    cr_assert_eq(query("SELECT count(*) FROM duress_jobs WHERE state='cancelled'"), 2);
}

Test(pg_race, c20_deadlocks_are_run_again)
{
    cancel_through("deadlock_detected");
}

Test(pg_race, c20_what_cannot_be_serialized_is_run_again)
{
    cancel_through("serialization_failure");
}

/* ---- the end of a fetch: what others hold is not waited for ---- */

Test(pg_race, a_claim_does_not_wait_for_rows_that_others_hold)
{
    insert_jobs(3, 0);
    sql_run("BEGIN");
    sql_run("SELECT id FROM duress_jobs ORDER BY id LIMIT 2 FOR UPDATE");
    struct store_reply reply = claim(9);
    cr_assert_eq(reply.job_count, 1);
    sql_run("COMMIT");
    cr_assert_eq(claim(9).job_count, 2);
}

Test(pg_race, a_change_waits_for_the_other_one_and_looks_again)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    struct client client = {.main = ack_all, .leases = &lease, .count = 1};
    sql_run("BEGIN");
    sql_run("UPDATE duress_jobs SET state='cancelled',wake_ms=NULL");
    sql_run("PREPARE later AS SELECT pg_sleep(0.3)");
    pthread_t thread;
    heap_init(&client.node);
    heap_init(&client.heap);
    client.env = (struct env){.ops = &client_ops, .heap = &client.node, .node_name = "n"};
    struct store_pg_options options = pg_options();
    options.env = &client.env;
    client.db = store_pg_open(&options, why, sizeof why);
    pthread_create(&thread, NULL, client_main, &client);
    sql_run("EXECUTE later");
    sql_run("COMMIT");
    pthread_join(thread, NULL);
    store_close(client.db);
    heap_done(&client.heap);
    heap_done(&client.node);
    cr_assert_eq(client.err, 0, "%s", client.why);
    cr_assert_eq(client.done, 0, "the cancel won");
    cr_assert_eq(get(id).state, JOB_CANCELLED);
}

/* ---- jobs that wait for jobs ---- */

enum { CHAINS = 3, ROUNDS = 150, IDS = 64 };

/* What runs of each chain; the index is the chain's id. */
static unsigned running[IDS], doubled, overtaken;
static uint64_t latest[IDS];
static size_t finished, expected;

static void run_begin(const struct job *job)
{
    if (job->flow >= IDS)
        return;
    doubled += __atomic_add_fetch(&running[job->flow], 1, __ATOMIC_SEQ_CST) > 1;
    overtaken += __atomic_exchange_n(&latest[job->flow], job->id, __ATOMIC_SEQ_CST) > job->id;
}

static void run_end(const struct job *job)
{
    if (job->flow < IDS)
        __atomic_sub_fetch(&running[job->flow], 1, __ATOMIC_SEQ_CST);
}

/* Until all jobs that there shall be are done: one that is forgotten makes it wait in vain. */
static void work_until_done(struct client *client)
{
    struct store_request request = {
        .op = STORE_CLAIM, .queue = "default", .limit = BATCH, .owner = "o", .lease_ms = LEASE_MS};
    for (int idle = 0; idle < 3000 && !client->err; ++idle) {
        struct store_ack acks[BATCH];
        struct store_reply reply = client_run(client, request);
        for (size_t i = 0; i < reply.job_count; ++i) {
            run_begin(&reply.jobs[i]);
            acks[i] = (struct store_ack){
                .id = reply.jobs[i].id, .lease = reply.jobs[i].lease, .state = JOB_COMPLETED};
        }
        for (size_t i = 0; i < reply.job_count; ++i)
            run_end(&reply.jobs[i]);
        if (reply.job_count)
            client_run(client, (struct store_request){
                                   .op = STORE_ACK, .acks = acks, .ack_count = reply.job_count});
        client->done += reply.job_count;
        idle = reply.job_count ? 0 : idle;
        if (__atomic_add_fetch(&finished, reply.job_count, __ATOMIC_SEQ_CST) >= expected)
            return;
    }
}

static void all_done(const struct client *clients, size_t count)
{
    cr_assert_eq(done_by_all(clients, count), expected);
    cr_assert_eq(count_of(JOB_COMPLETED), expected);
    cr_assert_eq(query("SELECT count(*) FROM duress_jobs WHERE lease<>1 OR attempt<>1"), 0);
}

/* Parents end at the same moment in transactions that do not see each other: the child is released, and once. */
Test(pg_race, fans_come_together_once)
{
    enum { WIDE = 6, FANS = 40 };
    static const uint32_t deps[] = {0, 1, 2, 3, 4, 5};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "last"};
    struct client clients[CLIENTS] = {{0}};
    for (int i = 0; i < FANS; ++i) {
        struct job_spec specs[WIDE + 1];
        struct store_step steps[WIDE + 1] = {{0}};
        for (size_t k = 0; k <= WIDE; ++k) {
            specs[k] = (struct job_spec){.worker = "w"};
            steps[k].name = names[k];
        }
        steps[WIDE].deps = deps;
        steps[WIDE].dep_count = WIDE;
        struct store_workflow workflow = {.steps = steps};
        run_ok((struct store_request){
            .op = STORE_INSERT, .specs = specs, .spec_count = WIDE + 1, .workflow = &workflow});
    }
    expected = FANS * (WIDE + 1);
    memset(running, 0, sizeof running);
    for (size_t i = 0; i < CLIENTS; ++i)
        clients[i].main = work_until_done;
    clients_run(clients, CLIENTS);
    all_done(clients, CLIENTS);
    cr_assert_eq(query("SELECT count(*) FROM duress_flows WHERE finished_ms=0"), 0);
}

static void insert_chained(struct client *client)
{
    static const char *const keys[CHAINS] = {"x", "y", "z"};
    for (int i = 0; i < ROUNDS && !client->err; ++i) {
        struct job_spec specs[2] = {{.worker = "w", .chain = keys[i % CHAINS]},
                                    {.worker = "w", .chain = keys[(i + 1) % CHAINS]}};
        client_run(client,
                   (struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 2});
    }
}

Test(pg_race, chains_stay_in_order_while_many_insert)
{
    struct client clients[CLIENTS] = {{.main = insert_chained},
                                      {.main = insert_chained},
                                      {.main = work_until_done},
                                      {.main = work_until_done}};
    expected = 2 * 2 * ROUNDS;
    clients_run(clients, CLIENTS);
    all_done(clients, CLIENTS);
    cr_assert_lt(query("SELECT max(id) FROM duress_flows"), IDS);
    cr_assert_eq(doubled, 0, "two of a chain at a time");
    cr_assert_eq(overtaken, 0, "out of order");
}

Test(pg_race, a_batch_calls_back_once)
{
    struct store_callback callback = {FLOW_EVENT_EXHAUSTED, {.worker = "done", .queue = "back"}};
    struct store_batch batch = {.callbacks = &callback, .callback_count = 1};
    struct client clients[CLIENTS] = {{0}};
    batch.id = run_ok((struct store_request){.op = STORE_BATCH, .batch = &batch}).flow->id;
    struct job_spec specs[300];
    for (size_t i = 0; i < ARRAY_SIZE(specs); ++i)
        specs[i] = (struct job_spec){.worker = "w", .flow = batch.id};
    run_ok((struct store_request){
        .op = STORE_INSERT, .specs = specs, .spec_count = ARRAY_SIZE(specs)});
    batch.close = true;
    run_ok((struct store_request){.op = STORE_BATCH, .batch = &batch});
    expected = ARRAY_SIZE(specs);
    for (size_t i = 0; i < CLIENTS; ++i)
        clients[i].main = work_until_done;
    clients_run(clients, CLIENTS);
    cr_assert_eq(query("SELECT count(*) FROM duress_jobs WHERE worker='done'"), 1);
    cr_assert_eq(count_of(JOB_COMPLETED), expected);
}

/* ---- one at a time ---- */

enum { INSERTERS = 50, KINDS = 4, RIVALS = 40 };

static const struct job_unique one_of_a_kind = {.period_ms = JOB_UNIQUE_FOREVER,
                                                .states = JOB_STATES_INCOMPLETE};

static const char *const kinds[KINDS] = {"a", "b", "c", "d"};

/* All kinds, each in an insert of its own; every third insert is rolled back by the caller's own statements. */
static void ask_for_each(struct client *client)
{
    for (size_t i = 0; i < KINDS; ++i) {
        struct job_spec spec = {.worker = kinds[i], .unique = &one_of_a_kind};
        bool rolls_back = (client->count + i) % 3 == 0;
        struct store_reply reply;
        struct store_request request = {.op = STORE_INSERT,
                                        .specs = &spec,
                                        .spec_count = 1,
                                        .tx_sql = rolls_back ? "SELECT 1/0" : "SELECT 1"};
        store_execute(client->db, &request, &client->heap, &reply);
        if (rolls_back ? reply.err != -EINVAL : reply.err != 0) {
            client->err = reply.err ? reply.err : -EPROTO;
            memcpy(client->why, reply.why, sizeof client->why);
        }
        client->ids[i] = rolls_back || reply.err ? 0 : reply.ids[0];
        client->done += !rolls_back && reply.conflicts && !reply.conflicts[0];
    }
}

Test(pg_race, c9_fifty_inserters_some_of_which_roll_back)
{
    static struct client clients[INSERTERS];
    for (size_t i = 0; i < INSERTERS; ++i)
        clients[i] = (struct client){
            .main = ask_for_each, .count = i, .ids = heap_alloc(&heap, KINDS * sizeof(uint64_t))};
    clients_run(clients, INSERTERS);
    struct store_reply reply = run_ok((struct store_request){.op = STORE_LIST, .limit = 99});
    cr_assert_eq(reply.job_count, KINDS);
    cr_assert_eq(done_by_all(clients, INSERTERS), KINDS, "one of them made each");
    for (size_t i = 0; i < INSERTERS; ++i)
        for (size_t kind = 0; kind < KINDS; ++kind)
            for (size_t j = 0; j < KINDS; ++j)
                if (clients[i].ids[kind] == reply.jobs[j].id)
                    cr_assert_str_eq(reply.jobs[j].worker, kinds[kind]);
}

/* RIVALS unique jobs in one insert. */
static struct store_reply ask_for_rivals(struct client *client)
{
    struct job_spec *specs = heap_alloc(&client->heap, RIVALS * sizeof *specs);
    for (size_t i = 0; i < RIVALS; ++i) {
        char args[24];
        snprintf(args, sizeof args, "{\"n\":%zu}", i);
        specs[i] = (struct job_spec){
            .worker = "w", .args = heap_strdup(&client->heap, args), .unique = &one_of_a_kind};
    }
    return client_run(
        client, (struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = RIVALS});
}

static void cancel_and_ask(struct client *client)
{
    for (int round = 0; round < 10; ++round) {
        struct store_reply reply = ask_for_rivals(client);
        client_run(client, (struct store_request){
                               .op = STORE_CANCEL, .ids = reply.ids, .id_count = reply.id_count});
    }
}

/* Brings them back, again and again, while others take their keys. */
static void retry_rivals(struct client *client)
{
    for (int round = 0; round < 20; ++round)
        for (int op = 0; op < 2; ++op)
            client_run(client, (struct store_request){.op = op ? STORE_CANCEL : STORE_RETRY,
                                                      .ids = client->ids,
                                                      .id_count = client->count});
}

Test(pg_race, no_change_fails_for_a_key)
{
    struct client clients[3] = {
        {.main = retry_rivals}, {.main = cancel_and_ask}, {.main = cancel_and_ask}};
    struct client first = {.db = db};
    heap_init(&first.heap);
    struct store_reply reply = ask_for_rivals(&first);
    cr_assert_eq(first.err, 0, "%s", first.why);
    clients[0].count = reply.id_count;
    clients[0].ids = reply.ids;
    run_ok((struct store_request){.op = STORE_CANCEL, .ids = reply.ids, .id_count = RIVALS});
    clients_run(clients, 3);
    heap_done(&first.heap);
    cr_assert_eq(query("SELECT count(*) FROM(SELECT FROM duress_jobs WHERE state='available'"
                       "AND unique_key IS NOT NULL GROUP BY unique_key HAVING count(*)>1)AS x"),
                 0);
}
