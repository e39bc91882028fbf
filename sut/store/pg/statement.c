/* statement.c: statements with parameters, one by one or many in one round trip.
 *
 * A pipeline is one transaction: begun by its first statement, committed by its end, or rolled back by the first one that
 * fails. All of it leaves at once, so a request costs one round trip, however many statements it has. */
#include "sut/store/pg/internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { OID_INT8 = 20, OID_TEXT = 25, OID_INT8_ARRAY = 1016, OID_TEXT_ARRAY = 1009, BINARY = 1 };

/* ---- parameters ---- */

static void set(struct pg_params *params, int index, Oid type, const char *value, size_t length)
{
    int at = index - 1;
    params->types[at] = type;
    params->values[at] = value;
    params->lengths[at] = (int)length;
    params->formats[at] = BINARY;
    params->count = params->count > index ? params->count : index;
}

void pg_set_int(struct pg_params *params, int index, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    char *at = params->ints[index - 1];
    memcpy(at, &big, sizeof big);
    set(params, index, OID_INT8, at, sizeof big);
}

void pg_set_null(struct pg_params *params, int index)
{
    set(params, index, OID_INT8, NULL, 0);
}

void pg_set_text(struct pg_params *params, int index, const char *text)
{
    set(params, index, OID_TEXT, text, text ? strlen(text) : 0);
}

static char *put32(char *at, uint32_t value)
{
    value = htonl(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

/* An array as it travels: dimensions, whether there are NULLs, the type of the elements, how many, from where. */
static char *array_begin(char *at, Oid element, size_t count)
{
    uint32_t head[] = {count > 0, 1, element, (uint32_t)count, 1};
    size_t words = count > 0 ? 5 : 3;
    for (size_t i = 0; i < words; ++i)
        at = put32(at, head[i]);
    return at;
}

enum { ARRAY_HEAD = 20 };

void pg_set_ints(struct pg_params *params, int index, struct heap *heap, const int64_t *items,
                 size_t count)
{
    char *block = heap_alloc(heap, ARRAY_HEAD + count * 12);
    char *at = array_begin(block, OID_INT8, count);
    for (size_t i = 0; i < count; ++i) {
        uint64_t big = htobe64((uint64_t)items[i]);
        at = put32(at, sizeof big);
        memcpy(at, &big, sizeof big);
        at += sizeof big;
    }
    set(params, index, OID_INT8_ARRAY, block, (size_t)(at - block));
}

void pg_set_texts(struct pg_params *params, int index, struct heap *heap, const char *const *items,
                  size_t count)
{
    size_t size = ARRAY_HEAD;
    for (size_t i = 0; i < count; ++i)
        size += 4 + (items[i] ? strlen(items[i]) : 0);
    char *block = heap_alloc(heap, size);
    char *at = array_begin(block, OID_TEXT, count);
    for (size_t i = 0; i < count; ++i) {
        size_t length = items[i] ? strlen(items[i]) : 0;
        at = put32(at, items[i] ? (uint32_t)length : UINT32_MAX); /* -1: NULL */
        if (length > 0)
            memcpy(at, items[i], length);
        at += length;
    }
    set(params, index, OID_TEXT_ARRAY, block, (size_t)(at - block));
}

/* ---- columns ---- */

/* Numbers come in as many bytes as their type has. */
int64_t pg_int(const PGresult *result, int row, int column)
{
    const unsigned char *at = (const unsigned char *)PQgetvalue(result, row, column);
    int length = PQgetlength(result, row, column);
    if (length == 0)
        return 0;
    uint64_t value = at[0] & 0x80 && length > 1 ? UINT64_MAX : 0;
    for (int i = 0; i < length; ++i)
        value = value << 8 | at[i];
    return (int64_t)value;
}

size_t pg_ints(const PGresult *result, int row, int column, int64_t *items, size_t room)
{
    size_t length = PQntuples(result) > row ? (size_t)PQgetlength(result, row, column) : 0;
    size_t count = length > ARRAY_HEAD ? (length - ARRAY_HEAD) / 12 : 0;
    count = count < room ? count : room;
    for (size_t i = 0; i < count; ++i) {
        uint64_t big;
        memcpy(&big, PQgetvalue(result, row, column) + ARRAY_HEAD + i * 12 + 4, sizeof big);
        items[i] = (int64_t)be64toh(big);
    }
    return count;
}

const char *pg_text(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

/* ---- words ---- */

struct text {
    char *at, *end;
};

static void add(struct text *out, const char *text, size_t length)
{
    size_t room = (size_t)(out->end - out->at);
    length = length < room ? length : room;
    memcpy(out->at, text, length);
    out->at += length;
}

static void add_name(struct text *out, const char *name)
{
    add(out, "\"", 1);
    for (; *name; ++name)
        add(out, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    add(out, "\".", 2);
}

static bool starts(const char *sql, const char *word)
{
    return strncmp(sql, word, strlen(word)) == 0;
}

/* ?1 becomes $1, :now the server's clock, and our tables are named with their schema, as nobody knows the search path of a
 * pooled session. What stands in quotes stays. */
char *pg_translate(const struct pg_link *link, const char *sql)
{
    size_t size = strlen(sql) * 4 + 1024 + 8 * strlen(link->options.now_sql);
    char *start = heap_alloc(link->heap, size);
    struct text out = {start, start + size - 1};
    bool quoted = false;
    for (char before = ' '; *sql; before = *sql++) {
        quoted ^= *sql == '\'';
        bool word = !quoted && !isalnum((unsigned char)before) && before != '_';
        if (word && starts(sql, "duress_"))
            add_name(&out, link->options.schema);
        if (!quoted && starts(sql, ":now")) {
            add(&out, link->options.now_sql, strlen(link->options.now_sql));
            sql += 3;
        } else {
            add(&out, !quoted && *sql == '?' ? "$" : sql, 1);
        }
    }
    return start;
}

/* ---- one by one ---- */

static bool sent(struct pg_link *link, struct pg_error *error, int ok)
{
    if (!ok)
        pg_lost(link, error);
    return ok;
}

/* On this connection, unless that is done. The types of the parameters must have been set. */
void pg_prepare(struct pg_link *link, struct pg_error *error, struct tx_stmt *stmt)
{
    if (error->err)
        return;
    if (!stmt->translated) {
        stmt->translated = pg_translate(link, stmt->sql);
        snprintf(stmt->name, sizeof stmt->name, "duress_%d", ++link->names);
    }
    for (int i = 0; i < stmt->params.count; ++i)
        if (!stmt->params.types[i])
            stmt->params.types[i] = OID_INT8; /* a number that the statement leaves out */
    if (link->options.pooled || stmt->generation == link->generation)
        return;
    if (sent(link, error,
             PQsendPrepare(link->conn, stmt->name, stmt->translated, stmt->params.count,
                           stmt->params.types)))
        pg_settle(link, error);
    if (!error->err)
        stmt->generation = link->generation;
}

void pg_send(struct pg_link *link, struct pg_error *error, struct tx_stmt *stmt)
{
    const struct pg_params *params = &stmt->params;
    if (error->err)
        return;
    sent(link, error,
         link->options.pooled
             ? PQsendQueryParams(link->conn, stmt->translated, params->count, params->types,
                                 params->values, params->lengths, params->formats, BINARY)
             : PQsendQueryPrepared(link->conn, stmt->name, params->count, params->values,
                                   params->lengths, params->formats, BINARY));
}

PGresult *pg_query(struct pg_link *link, struct pg_error *error, struct tx_stmt *stmt)
{
    pg_prepare(link, error, stmt);
    pg_send(link, error, stmt);
    PGresult *result = error->err ? NULL : pg_result(link, error);
    if (link->conn)
        pg_settle(link, error);
    return result;
}

/* ---- many at once ---- */

void pg_pipeline_begin(struct pg_link *link, struct pg_error *error)
{
    char sql[1000];
    if (error->err || !sent(link, error, PQenterPipelineMode(link->conn)))
        return;
    if (!link->options.pooled)
        return;
    pg_settings_sql(link, true, sql, sizeof sql);
    sent(link, error, PQsendQueryParams(link->conn, sql, 0, NULL, NULL, NULL, NULL, BINARY));
}

/* Everything leaves, to be committed. */
void pg_pipeline_send(struct pg_link *link, struct pg_error *error)
{
    if (error->err)
        return;
    link->doubt = true;
    if (sent(link, error, PQpipelineSync(link->conn)))
        pg_flush(link, error);
    if (link->options.pooled)
        PQclear(pg_pipeline_result(link, error));
}

/* Of the next statement; the caller frees it. */
PGresult *pg_pipeline_result(struct pg_link *link, struct pg_error *error)
{
    PGresult *result = error->err ? NULL : pg_result(link, error);
    if (result)
        PQclear(pg_result(link, error)); /* NULL: the end of this statement */
    return result;
}

/* Reads to the end: then it is committed, unless there was an error. */
void pg_pipeline_end(struct pg_link *link, struct pg_error *error)
{
    ExecStatusType status = PGRES_EMPTY_QUERY;
    while (link->conn && status != PGRES_PIPELINE_SYNC) {
        struct pg_error more = {0};
        PGresult *result = pg_result(link, &more);
        status = result ? PQresultStatus(result) : PGRES_EMPTY_QUERY;
        PQclear(result);
        if (more.err && !error->err)
            *error = more;
    }
    link->doubt = false;
    if (link->conn && !PQexitPipelineMode(link->conn))
        pg_lost(link, error);
}
