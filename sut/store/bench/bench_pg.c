/* bench_pg.c: what the store on PostgreSQL can do on this machine, one JSON object per line. Usage:
 * [ROWS=HISTORY] bench_pg [JOBS]. It starts a server of its own with the server's own, durable settings (test/pg_server), unless
 * PGHOST names one; there it works in the schema duress_bench, which it removes.
 *
 * The server and its clients share the machine. History is kept: no figure is from a table that is emptied. The baseline is
 * bare SQL on the same table by as many clients: one UPDATE that claims a batch, one that finishes it, no rows handed out.
 *
 * HISTORY (400,000) jobs that have ended are made by the server itself, to be claimed behind them; ROWS=10000000 takes some
 * minutes and 5 GB. Last, somebody else's transaction stays open, so that the server must keep every dead row. */
#include "sut/store/bench/rig.h"
#include "sut/store/pg/internal.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ROUNDS = 4,
    CLIENTS = 4,
    CLAIM_BATCH = 500,
    INSERT_BATCH = 5000,
    SINGLES = 300,
    LEASE_MS = 60000
};
#define SCHEMA "duress_bench"

static long jobs = 200000, history = 400000;

/* ---- a client: a thread with a connection and memory of its own ---- */

struct client {
    pthread_t thread;
    struct heap node;
    struct env env;
    struct store_db *db;
    void (*main)(struct client *client);
    long count; /* what it is to do, or has done */
};

static void client_open(struct client *client)
{
    struct store_pg_options options = {
        .conninfo = "", .schema = SCHEMA, .env = &client->env, .create = true, .call_ms = 60000};
    char why[200];
    heap_init(&client->node);
    client->env = (struct env){.heap = &client->node, .node_name = "bench"};
    client->db = store_pg_open(&options, why, sizeof why);
    if (!client->db)
        die("open", why);
}

static void client_close(struct client *client)
{
    store_close(client->db);
    heap_done(&client->node);
}

static struct store_reply run(struct client *client, struct heap *heap,
                              struct store_request request)
{
    struct store_reply reply;
    store_execute(client->db, &request, heap, &reply);
    if (reply.err)
        die(store_op_word(request.op), reply.why);
    return reply;
}

static void *client_main(void *ctx)
{
    struct client *client = ctx;
    client->main(client);
    return NULL;
}

/* ---- processor time, which other programs on the machine do not change much ---- */

struct process {
    long parent;
    double seconds; /* its own, and that of children that are gone */
};

static bool process_read(long pid, struct process *ret)
{
    char name[40], line[600];
    unsigned long user, system;
    long gone_user, gone_system;
    snprintf(name, sizeof name, "/proc/%ld/stat", pid);
    FILE *file = fopen(name, "re");
    const char *rest = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    if (file)
        fclose(file);
    if (!rest || sscanf(rest, ") %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
                        &ret->parent, &user, &system, &gone_user, &gone_system) != 5)
        return false;
    ret->seconds = (double)((long)user + (long)system + gone_user + gone_system) /
                   (double)sysconf(_SC_CLK_TCK);
    return true;
}

/* Of the server with all of its processes, if it is on this machine, and of this program. */
static double server_seconds(const struct client *client)
{
    struct process each;
    DIR *proc = opendir("/proc");
    long backend = PQbackendPID(((struct pg_store *)client->db)->link.conn);
    long server = process_read(backend, &each) ? each.parent : -1;
    double seconds = 0;
    if (!proc)
        return 0;
    for (struct dirent *entry; (entry = readdir(proc));) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 0 && process_read(pid, &each) &&
            (pid == server || pid == getpid() || each.parent == server))
            seconds += each.seconds;
    }
    closedir(proc);
    return seconds;
}

static double processor_used; /* by the last clients_run() */

/* How long they take together, connections not counted. */
static double clients_run(void (*main)(struct client *client), size_t count, long share)
{
    struct client clients[CLIENTS] = {{0}};
    for (size_t i = 0; i < count; ++i) {
        client_open(&clients[i]);
        clients[i].main = main;
        clients[i].count = share;
    }
    processor_used = -server_seconds(clients);
    double begin = seconds();
    for (size_t i = 0; i < count; ++i)
        pthread_create(&clients[i].thread, NULL, client_main, &clients[i]);
    for (size_t i = 0; i < count; ++i)
        pthread_join(clients[i].thread, NULL);
    double elapsed = seconds() - begin;
    processor_used += server_seconds(clients);
    for (size_t i = 0; i < count; ++i)
        client_close(&clients[i]);
    return elapsed;
}

static void sql(const char *text)
{
    PGconn *conn = PQconnectdb("options='-c client_min_messages=error -c search_path=" SCHEMA "'");
    PGresult *result = PQexec(conn, text);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        die(text, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

/* ---- what is measured ---- */

static struct job_spec specs[INSERT_BATCH]; /* read by all clients */

static void specs_make(void)
{
    for (size_t i = 0; i < INSERT_BATCH; ++i)
        specs[i] = (struct job_spec){.worker = "bench", .args = "{\"user\":12345,\"kind\":\"x\"}"};
}

static void insert_all(struct client *client)
{
    for (long done = 0; done < client->count; done += INSERT_BATCH) {
        struct heap heap;
        heap_init(&heap);
        run(client, &heap,
            (struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = INSERT_BATCH});
        heap_done(&heap);
    }
}

/* The least that inserting can be: the server makes the rows itself, and answers nothing. */
static void baseline_insert(struct client *client)
{
    char text[300];
    PGconn *conn = ((struct pg_store *)client->db)->link.conn;
    PQsetnonblocking(conn, 0);
    snprintf(text, sizeof text,
             "INSERT INTO " SCHEMA ".duress_jobs(worker,args)SELECT 'bench',"
             "'{\"user\":12345,\"kind\":\"x\"}' FROM generate_series(1,%d)",
             INSERT_BATCH);
    for (long done = 0; done < client->count; done += INSERT_BATCH)
        PQclear(PQexec(conn, text));
}

/* Every request acknowledges the batch before and claims the next one. */
static void cycle_all(struct client *client)
{
    struct store_ack acks[CLAIM_BATCH];
    size_t ack_count = 0;
    do {
        struct heap heap;
        heap_init(&heap);
        struct store_reply reply = run(client, &heap,
                                       (struct store_request){.op = STORE_ACK,
                                                              .queue = "default",
                                                              .owner = "bench",
                                                              .limit = CLAIM_BATCH,
                                                              .lease_ms = LEASE_MS,
                                                              .without_next = true,
                                                              .acks = acks,
                                                              .ack_count = ack_count});
        for (size_t i = 0; i < reply.job_count; ++i)
            acks[i] = (struct store_ack){
                .id = reply.jobs[i].id, .lease = reply.jobs[i].lease, .state = JOB_COMPLETED};
        ack_count = reply.job_count;
        client->count += (long)ack_count;
        heap_done(&heap);
    } while (ack_count > 0);
}

/* One job at a time, each of the three steps a transaction of its own. */
static void single_cycles(struct client *client)
{
    struct job_spec spec = {.worker = "bench"};
    for (int i = 0; i < SINGLES; ++i) {
        struct heap heap;
        heap_init(&heap);
        run(client, &heap,
            (struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1});
        struct store_reply reply =
            run(client, &heap,
                (struct store_request){
                    .op = STORE_CLAIM, .queue = "default", .limit = 1, .lease_ms = LEASE_MS});
        struct store_ack ack = {
            .id = reply.jobs[0].id, .lease = reply.jobs[0].lease, .state = JOB_COMPLETED};
        run(client, &heap, (struct store_request){.op = STORE_ACK, .acks = &ack, .ack_count = 1});
        heap_done(&heap);
    }
}

/* The least that claiming and finishing can be: until a claim finds nothing. */
static void baseline_all(struct client *client)
{
    PGconn *conn = ((struct pg_store *)client->db)->link.conn;
    PQsetnonblocking(conn, 0);
    for (bool more = true; more;) {
        PGresult *claim = PQexec(conn, "WITH c AS(UPDATE " SCHEMA
                                       ".duress_jobs SET state='executing',attempt=attempt+1,"
                                       "wake_ms=1 WHERE id=ANY(ARRAY(SELECT id FROM " SCHEMA
                                       ".duress_jobs WHERE wake_ms=0 "
                                       "AND queue='default'ORDER BY priority,scheduled_ms,id LIMIT "
                                       "500 FOR UPDATE SKIP LOCKED))"
                                       "RETURNING id)SELECT array_agg(id)FROM c");
        const char *ids = PQgetvalue(claim, 0, 0);
        const char *values[] = {ids};
        more = *ids != '\0';
        if (more)
            PQclear(PQexecParams(conn,
                                 "UPDATE " SCHEMA ".duress_jobs SET state='completed',wake_ms=NULL "
                                 "WHERE id=ANY($1::bigint[])",
                                 1, NULL, values, NULL, NULL, 0));
        PQclear(claim);
    }
}

/* Of the last run, for each job: what two processors have in a second sets the limit of all rates here. */
static double say_processor(const char *name)
{
    double us = processor_used / (double)jobs * 1e6;
    say(name, (struct figure){us, "us/job"});
    return us;
}

static void history_make(long rows)
{
    char text[300];
    snprintf(
        text, sizeof text,
        "INSERT INTO duress_jobs(worker,args,state,wake_ms,attempt,lease,acked,finished_ms)"
        "SELECT'bench','{\"user\":12345}','completed',NULL,1,1,1,1 FROM generate_series(1,%ld)",
        rows);
    sql(text);
    sql("VACUUM(ANALYZE)duress_jobs"); /* not while something is measured */
    sql("CHECKPOINT");
}

static void schema_drop(void)
{
    sql("DROP SCHEMA IF EXISTS " SCHEMA " CASCADE");
}

static void schema_make(void)
{
    struct client client = {0};
    schema_drop();
    client_open(&client);
    client_close(&client);
}

static double run_all(void)
{
    clients_run(insert_all, CLIENTS, jobs / CLIENTS);
    return (double)jobs / clients_run(cycle_all, CLIENTS, 0);
}

static void say_behind_history(double fresh)
{
    char name[100];
    history_make(history);
    double later = run_all();
    snprintf(name, sizeof name, "pg claim and finish, behind %ld jobs of history", history + jobs);
    say(name, (struct figure){later, "jobs/s", .goal = 45000, .baseline = fresh});
    say_processor("pg processor time, claim and finish, behind history");
}

/* As somebody who reads for long, or forgot to commit. */
static void say_held(double fresh)
{
    char name[100];
    PGconn *conn = PQconnectdb("");
    PQclear(PQexec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ"));
    PQclear(PQexec(conn, "SELECT txid_current()"));
    for (int round = 1; round <= ROUNDS; ++round) {
        double held = run_all();
        snprintf(name, sizeof name, "pg claim and finish, a transaction open for the last %ld jobs",
                 round * jobs);
        say(name, (struct figure){held, "jobs/s", .goal = 45000, .baseline = fresh});
        say_processor("pg processor time, claim and finish, with that transaction");
    }
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    if (!getenv("PGHOST")) {
        execl("/bin/sh", "sh", "sut/store/test/pg_server", "--durable", "run", argv[0],
              argc > 1 ? argv[1] : NULL, (char *)NULL);
        die("sh", "cannot be run");
    }
    jobs = argc > 1 ? strtol(argv[1], NULL, 10) : jobs;
    const char *rows = getenv("ROWS");
    history = rows ? strtol(rows, NULL, 10) : history;
    jobs = (jobs + CLIENTS * INSERT_BATCH - 1) / (CLIENTS * INSERT_BATCH) * CLIENTS * INSERT_BATCH;

    specs_make();
    schema_make();
    clients_run(insert_all, CLIENTS, jobs / CLIENTS);
    double baseline = (double)jobs / clients_run(baseline_all, CLIENTS, 0);
    say_processor("pg processor time, bare SQL that claims and finishes");
    schema_make();
    double bare = (double)jobs / clients_run(baseline_insert, CLIENTS, jobs / CLIENTS);
    say_processor("pg processor time, bare SQL that inserts");
    schema_make();
    double inserts = (double)jobs / clients_run(insert_all, CLIENTS, jobs / CLIENTS);
    say("pg insert, batches of 5000, durable",
        (struct figure){inserts, "jobs/s", .goal = 150000, .baseline = bare});
    say_processor("pg processor time, insert");
    double fresh = (double)jobs / clients_run(cycle_all, CLIENTS, 0);
    say("pg claim and finish, batches of 500, 4 clients, durable",
        (struct figure){fresh, "jobs/s", .goal = 45000, .baseline = baseline});
    say_processor("pg processor time, claim and finish");
    say("pg one job, three transactions, durable",
        (struct figure){clients_run(single_cycles, 1, 0) / SINGLES * 1e6, "us"});
    say_behind_history(fresh);
    say_held(fresh);
    schema_drop();
    return 0;
}
