/* sqlstate.c: what the server says, as an errno and a sentence. An errno that store_outcome_unknown() calls a clear no is
 * given only when nothing can have been committed: the server said no, or was never asked to commit. */
#include "sut/store/pg/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN "whether it was committed is unknown: "

/* By the first characters of the SQLSTATE; the first that fits counts. */
static const struct {
    const char *prefix;
    int err;
    bool again;
} states[] = {
    {"40001", -EBUSY, true},       /* could not be serialized */
    {"40P01", -EBUSY, true},       /* deadlock */
    {"40003", -EIO, false},        /* the server does not know whether it was committed */
    {"40", -EBUSY, true},          /* rolled back for another reason */
    {"55P03", -EBUSY, false},      /* a lock was not to be had in time */
    {"55", -EBUSY, false},         /* in use, not in the right state */
    {"57014", -EBUSY, false},      /* cancelled: it took too long */
    {"57P05", -EBUSY, true},       /* idle for too long: the session is over */
    {"57P", -ECONNREFUSED, false}, /* shutting down, starting, crashed */
    {"57", -EBUSY, false},
    {"25006", -EROFS, false}, /* read-only transaction: a standby, or set so */
    {"25P03", -EBUSY, true},  /* idle in a transaction for too long */
    {"53100", -ENOSPC, false},
    {"53200", -ENOMEM, false},
    {"53", -EBUSY, false}, /* too many connections, ... */
    {"08", -ECONNREFUSED, false},
    {"26000", -EBUSY, true},   /* a prepared statement is gone: the session was changed under us */
    {"42P05", -EBUSY, true},   /* ... or has somebody else's */
    {"0A000", -EBUSY, true},   /* ... or the table has changed under it */
    {"3D000", -ENOENT, false}, /* no such database */
    {"42P01", -ENOENT, false}, /* no such table */
    {"3F000", -ENOENT, false}, /* no such schema */
    {"28", -EACCES, false},
    {"42501", -EACCES, false},
    {"58", -EIO, false}, /* the server's own files */
    {"XX", -EIO, false}, /* corrupt, or a bug */
    {"F0", -EIO, false},
};

static size_t state_find(const char *sqlstate)
{
    size_t i = 0;
    while (i < sizeof states / sizeof *states &&
           strncmp(sqlstate, states[i].prefix, strlen(states[i].prefix)) != 0)
        ++i;
    return i;
}

int pg_errno(const char *sqlstate)
{
    size_t i = state_find(sqlstate);
    return i < sizeof states / sizeof *states ? states[i].err : -EINVAL;
}

/* One line: libpq ends its messages with a newline, and sometimes has several. */
static void one_line(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        text[--length] = '\0';
    for (; *text; ++text)
        if (*text == '\n' || *text == '\t')
            *text = ' ';
}

void pg_fail(struct pg_error *error, int err, const char *format, ...)
{
    if (error->err)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(error->why, sizeof error->why, format, args);
    va_end(args);
    one_line(error->why);
    error->err = err;
}

/* Whoever is told in the middle of a commit that the server is going away does not know how it ended. */
static bool goes_away(const char *sqlstate)
{
    return strncmp(sqlstate, "57P", 3) == 0 || strncmp(sqlstate, "08", 2) == 0;
}

void pg_fail_result(struct pg_error *error, const PGresult *result, bool doubt)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (error->err)
        return;
    state = state ? state : "08"; /* libpq's own: the connection is no more */
    snprintf(error->state, sizeof error->state, "%s", state);
    message = message ? message : PQresultErrorMessage(result);
    if (doubt && goes_away(state)) {
        pg_fail(error, -EIO, UNKNOWN "%s", message);
        return;
    }
    size_t i = state_find(state);
    error->again = i < sizeof states / sizeof *states && states[i].again;
    pg_fail(error, pg_errno(state), "%s", message);
}

void pg_fail_lost(struct pg_error *error, const PGconn *conn, bool doubt)
{
    const char *message = PQerrorMessage(conn);
    if (doubt)
        pg_fail(error, -EIO, UNKNOWN "%s", message);
    else
        pg_fail(error, -ECONNREFUSED, "%s", *message ? message : "the connection was lost");
}
