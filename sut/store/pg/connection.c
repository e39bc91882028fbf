/* connection.c: the way to the server. Nothing blocks without a deadline: connecting, sending and receiving wait in poll().
 * The server ends a statement that is late by itself (statement_timeout), a little before we would give it up with its
 * connection.
 *
 *        none --connect--> open --lost, late--> none        each failure doubles the pause before the next attempt,
 *          \                |  \                            from PAUSE_FIRST to PAUSE_MOST
 *           +--refused------+   +--request, request, ...
 *
 * What can be lost: the answer to a commit. Then nobody knows whether it was (link->doubt).
 */
#include "sut/store/pg/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONNECT_MS = 5000, CALL_MS = 10000, OLDEST_SERVER = 120000 };
#define PAUSE_FIRST (50 * NS_PER_MS)
#define PAUSE_MOST  (5 * NS_PER_S)

int64_t pg_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- waiting ---- */

/* Until one of `events` may happen at the socket, or the deadline has passed. */
static void wait_for(struct pg_link *link, struct pg_error *error, short events, int64_t deadline)
{
    struct pollfd poll_fd = {.fd = PQsocket(link->conn), .events = events};
    for (;;) {
        int64_t left_ns = deadline - pg_now_ns();
        int ready = left_ns > 0 ? poll(&poll_fd, 1, (int)(left_ns / NS_PER_MS) + 1) : 0;
        if (ready > 0)
            return;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0)
            pg_fail(error, -EIO, "poll: %s", strerror(errno));
        else if (link->doubt)
            pg_fail(error, -EIO, "no answer in time: whether it was committed is unknown");
        else
            pg_fail(error, -ECONNREFUSED, "no answer in time");
        pg_link_drop(link);
        return;
    }
}

void pg_lost(struct pg_link *link, struct pg_error *error)
{
    pg_fail_lost(error, link->conn, link->doubt);
    pg_link_drop(link);
}

void pg_flush(struct pg_link *link, struct pg_error *error)
{
    while (!error->err) {
        int left = PQflush(link->conn);
        if (left == 0)
            return;
        if (left > 0) /* the server may wait for us to read before it reads on */
            wait_for(link, error, POLLIN | POLLOUT, link->deadline_ns);
        if (!error->err && (left < 0 || !PQconsumeInput(link->conn)))
            pg_lost(link, error);
    }
}

PGresult *pg_result(struct pg_link *link, struct pg_error *error)
{
    pg_flush(link, error);
    while (!error->err && PQisBusy(link->conn)) {
        wait_for(link, error, POLLIN, link->deadline_ns);
        if (!error->err && !PQconsumeInput(link->conn))
            pg_lost(link, error);
    }
    PGresult *result = error->err ? NULL : PQgetResult(link->conn);
    ExecStatusType status = PQresultStatus(result);
    if (!result || (status != PGRES_FATAL_ERROR && status != PGRES_BAD_RESPONSE))
        return result;
    pg_fail_result(error, result, link->doubt);
    PQclear(result);
    if (PQstatus(link->conn) == CONNECTION_BAD)
        pg_link_drop(link);
    return NULL;
}

void pg_settle(struct pg_link *link, struct pg_error *error)
{
    struct pg_error more = {0};
    for (PGresult *result; link->conn && !more.err; PQclear(result)) {
        result = pg_result(link, &more);
        if (!result && !more.err)
            break;
    }
    if (error->err == 0)
        *error = more;
}

void pg_ask(struct pg_link *link, struct pg_error *error, const char *sql, char *answer,
            size_t size)
{
    if (size)
        *answer = '\0';
    if (error->err)
        return;
    if (!PQsendQuery(link->conn, sql))
        pg_lost(link, error);
    for (PGresult *result; !error->err && (result = pg_result(link, error)); PQclear(result))
        if (size && PQntuples(result) > 0 && PQnfields(result) > 0)
            snprintf(answer, size, "%s", PQgetvalue(result, 0, 0));
    if (link->conn)
        pg_settle(link, error);
}

void pg_run(struct pg_link *link, struct pg_error *error, const char *sql)
{
    pg_ask(link, error, sql, NULL, 0);
}

/* ---- connecting ---- */

/* All our statements look rows up by an index, however large the table or wrong its statistics: a plan that does not is never
 * wanted. Triggers, notices and the user's own settings for interactive work are not for us. */
void pg_settings_sql(const struct pg_link *link, bool transaction, char *sql, size_t size)
{
    const char *local = transaction ? "true" : "false";
    snprintf(sql, size,
             "SELECT set_config(name,value,%s)FROM(VALUES('enable_seqscan','off'),"
             "('enable_bitmapscan','off'),('enable_hashjoin','off'),('enable_mergejoin','off'),"
             "('enable_sort','on'),('jit','off'),('plan_cache_mode','force_generic_plan'),"
             "('default_transaction_isolation','read committed'),('client_min_messages','error'),"
             "('standard_conforming_strings','on'),('lock_timeout','0'),"
             "('idle_in_transaction_session_timeout','%d'),('statement_timeout','%d'))"
             "AS s(name,value)",
             local, 2 * link->options.call_ms, link->options.call_ms - link->options.call_ms / 4);
}

static void set_up(struct pg_link *link, struct pg_error *error)
{
    char sql[1000];
    int version = PQserverVersion(link->conn);
    if (version < OLDEST_SERVER)
        pg_fail(error, -EINVAL, "PostgreSQL 12 or later is needed; this is %d", version / 10000);
    if (link->options.pooled)
        return;
    pg_settings_sql(link, false, sql, sizeof sql);
    pg_run(link, error, sql);
}

static void connect_poll(struct pg_link *link, struct pg_error *error)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (!error->err && state != PGRES_POLLING_OK) {
        wait_for(link, error, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, link->deadline_ns);
        if (error->err)
            return;
        state = PQconnectPoll(link->conn);
        if (state == PGRES_POLLING_FAILED)
            pg_lost(link, error);
    }
}

/* What is in the conninfo wins over what is behind it here. */
static PGconn *connect_start(const struct store_pg_options *options)
{
    const char *names[] = {"fallback_application_name", "dbname", "client_encoding", NULL};
    const char *values[] = {"jobs", options->conninfo, "UTF8", NULL};
    return PQconnectStartParams(names, values, 1);
}

/* What the server says without being asked: its last words count, nothing else. */
static void notice(void *ctx, const PGresult *result)
{
    struct pg_link *link = ctx;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        link->closing = true;
}

static void link_connect(struct pg_link *link, struct pg_error *error)
{
    link->doubt = link->closing = false;
    link->conn = connect_start(&link->options);
    if (!link->conn)
        pg_fail(error, -ENOMEM, "no memory for a connection");
    else if (PQstatus(link->conn) == CONNECTION_BAD)
        pg_lost(link, error);
    if (error->err)
        return;
    PQsetNoticeReceiver(link->conn, notice, link);
    connect_poll(link, error);
    if (!error->err && PQsetnonblocking(link->conn, 1) != 0)
        pg_lost(link, error);
    if (!error->err)
        set_up(link, error);
    if (error->err)
        pg_link_drop(link);
    ++link->generation;
}

uint64_t pg_chance(const struct pg_link *link)
{
    struct env *env = link->options.env;
    return env->ops ? env_entropy(env) : (uint64_t)pg_now_ns(); /* a program without a loop */
}

/* Half of the pause is chance: nodes that lost the same server do not come back as one. */
static void connect_failed(struct pg_link *link, const struct pg_error *error)
{
    int64_t pause = PAUSE_FIRST << (link->failures < 8 ? link->failures : 8);
    pause = pause < PAUSE_MOST ? pause : PAUSE_MOST;
    int64_t chance = (int64_t)(pg_chance(link) % (uint64_t)(pause / 2));
    link->retry_ns = pg_now_ns() + pause / 2 + chance;
    link->lately = *error;
    ++link->failures;
}

/* ---- requests ---- */

/* The server may have closed an idle connection long ago: now nothing is lost by that. */
static void drop_if_closed(struct pg_link *link)
{
    struct pollfd poll_fd = {.fd = PQsocket(link->conn), .events = POLLIN};
    bool closed = false;
    while (!closed && poll(&poll_fd, 1, 0) > 0) {
        closed = !PQconsumeInput(link->conn);
        PQisBusy(link->conn); /* looks at what came */
        closed |= link->closing;
    }
    if (closed)
        pg_link_drop(link);
}

void pg_link_begin(struct pg_link *link, struct pg_error *error)
{
    int64_t now = pg_now_ns();
    link->doubt = false;
    if (link->conn)
        drop_if_closed(link);
    link->deadline_ns = now + link->options.connect_ms * NS_PER_MS;
    pg_tell_settle(link);
    if (!link->conn && now < link->retry_ns) {
        *error = link->lately;
        return;
    }
    if (!link->conn) {
        link_connect(link, error);
        if (error->err)
            connect_failed(link, error);
        else
            link->failures = 0;
    }
    link->deadline_ns = pg_now_ns() + link->options.call_ms * NS_PER_MS;
}

/* Only where no network is between: PQcancel() waits for the server. Elsewhere statement_timeout ends it. */
static void cancel_here(PGconn *conn)
{
    char why[256];
    const char *host = PQhost(conn);
    PGcancel *cancel = host && *host == '/' ? PQgetCancel(conn) : NULL;
    if (cancel)
        PQcancel(cancel, why, sizeof why);
    PQfreeCancel(cancel);
}

void pg_link_drop(struct pg_link *link)
{
    if (link->conn && PQstatus(link->conn) == CONNECTION_OK &&
        PQtransactionStatus(link->conn) == PQTRANS_ACTIVE)
        cancel_here(link->conn);
    if (!link->borrowed)
        PQfinish(link->conn);
    link->conn = NULL;
    link->owed = false;
}

void pg_link_init(struct pg_link *link, struct heap *heap, const struct store_pg_options *options)
{
    *link = (struct pg_link){.options = *options, .heap = heap};
    struct store_pg_options *own = &link->options;
    own->conninfo = heap_strdup(heap, options->conninfo ? options->conninfo : "");
    own->schema = heap_strdup(heap, options->schema ? options->schema : "public");
    own->now_sql = heap_strdup(heap, options->now_sql ? options->now_sql
                                                      : "(extract(epoch from now())*1000)::bigint");
    own->connect_ms = options->connect_ms > 0 ? options->connect_ms : CONNECT_MS;
    own->call_ms = options->call_ms > 0 ? options->call_ms : CALL_MS;
}
