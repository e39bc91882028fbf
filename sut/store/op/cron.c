/* cron.c: cron entries and their ticks. An entry remembers until when its ticks are done with; whoever moves that on inserts the
 * ticks in between, in one transaction. The row of a tick, whose key is the entry and the minute, outlives clocks that are set back,
 * and entries that are deleted and put again. */
#include "sut/store/sql.h"

#include "sut/jobs/calendar.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define META_SIZE (CRON_NAME_MAX + 512) /* expression, zone and a time have their limits, too */

static void note(struct tx *tx, enum change_kind kind, struct change change)
{
    change.kind = kind;
    change.now_ms = tx->now_ms;
    if (tx_traced(tx))
        tx_note(tx, change);
}

/* ---- put ---- */

static bool entries_check(struct tx *tx)
{
    const struct store_request *request = tx->request;
    char why[sizeof tx->why - 40];
    if (request->entry_count > CRON_ENTRIES_MAX)
        tx_fail(tx, -EINVAL, "more than %d cron entries", CRON_ENTRIES_MAX);
    for (size_t i = 0; i < request->entry_count && !tx->err; ++i) {
        const char *wrong = cron_entry_check(&request->entries[i], why, sizeof why);
        if (wrong)
            tx_fail(tx, -EINVAL, "cron entry %zu of %zu: %s", i + 1, request->entry_count, wrong);
    }
    return !tx->err;
}

/* What is the same as before is left alone. */
static void entry_put(struct tx *tx, const struct cron_entry *entry)
{
    char name[CRON_NAME_MAX + 1];
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CRON_PUT);
    if (!entry->name)
        cron_entry_name(entry, name, sizeof name);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_text(tx, stmt, 2, entry->name ? entry->name : name);
    tx_bind_text(tx, stmt, 3, tx->request->origin ? tx->request->origin : "");
    tx_bind_text(tx, stmt, 4, entry->expression);
    tx_bind_text(tx, stmt, 5, entry->zone ? entry->zone : "UTC");
    tx_bind_text(tx, stmt, 6, entry->queue ? entry->queue : "default");
    tx_bind_text(tx, stmt, 7, entry->worker);
    tx_bind_text(tx, stmt, 8, entry->args ? entry->args : "{}");
    tx_bind_int(tx, stmt, 9, entry->priority);
    tx_bind_int(tx, stmt, 10, entry->max_attempts ? entry->max_attempts : JOB_ATTEMPTS_DEFAULT);
    tx_bind_int(tx, stmt, 11, entry->catch_up ? entry->catch_up : 1);
    if (tx_run(tx, stmt) == 0)
        return;
    ++tx->reply->changed;
    note(tx, CHANGE_CRON_PUT,
         (struct change){.name = heap_strdup(tx->heap, entry->name ? entry->name : name),
                         .text = entry->expression,
                         .zone = entry->zone ? entry->zone : "UTC",
                         .count = entry->catch_up ? entry->catch_up : 1});
}

static bool entry_asked_for(const struct store_request *request, const char *name)
{
    char made[CRON_NAME_MAX + 1];
    for (size_t i = 0; i < request->entry_count; ++i) {
        const struct cron_entry *entry = &request->entries[i];
        if (!entry->name)
            cron_entry_name(entry, made, sizeof made);
        if (strcmp(entry->name ? entry->name : made, name) == 0)
            return true;
    }
    return false;
}

static void entry_change(struct tx *tx, enum cron_change change, const char *name)
{
    static const struct {
        enum statement statement;
        const char *word;
    } changes[] = {
        [CRON_PAUSE] = {STATEMENT_CRON_PAUSE, "pause"},
        [CRON_RESUME] = {STATEMENT_CRON_RESUME, "resume"},
        [CRON_DELETE] = {STATEMENT_CRON_DELETE, "delete"},
    };
    struct tx_stmt *stmt = tx_statement(tx, changes[change].statement);
    tx_bind_text(tx, stmt, 1, name);
    if (change != CRON_DELETE)
        tx_bind_int(tx, stmt, 2, tx->now_ms);
    if (tx_run(tx, stmt) == 0)
        return;
    ++tx->reply->changed;
    note(tx, CHANGE_CRON_CHANGE, (struct change){.name = name, .text = changes[change].word});
}

static size_t entries_read(struct tx *tx, enum statement statement, const char *name,
                           struct cron_entry **ret_entries);

/* The configuration that put them does not know them any more. */
static void entries_prune(struct tx *tx)
{
    struct cron_entry *entries;
    size_t count = entries_read(tx, STATEMENT_CRON_LIST, NULL, &entries);
    for (size_t i = 0; i < count && !tx->err; ++i)
        if (strcmp(entries[i].origin, tx->request->origin) == 0 &&
            !entry_asked_for(tx->request, entries[i].name))
            entry_change(tx, CRON_DELETE, entries[i].name);
}

void tx_cron_put(struct tx *tx)
{
    if (!entries_check(tx))
        return;
    for (size_t i = 0; i < tx->request->entry_count && !tx->err; ++i)
        entry_put(tx, &tx->request->entries[i]);
    if (tx->request->origin && *tx->request->origin)
        entries_prune(tx);
}

void tx_cron_change(struct tx *tx)
{
    const struct store_request *request = tx->request;
    if (request->cron_change > CRON_DELETE)
        tx_fail(tx, -EINVAL, "there is no such change of cron entries");
    for (size_t i = 0; i < request->name_count && !tx->err; ++i)
        entry_change(tx, request->cron_change, request->names[i]);
}

/* ---- list ---- */

static struct cron_entry entry_row(struct tx *tx, struct tx_stmt *stmt)
{
    return (struct cron_entry){
        .name = tx_column_copy(tx, stmt, 0),
        .origin = tx_column_copy(tx, stmt, 1),
        .expression = tx_column_copy(tx, stmt, 2),
        .zone = tx_column_copy(tx, stmt, 3),
        .queue = tx_column_copy(tx, stmt, 4),
        .worker = tx_column_copy(tx, stmt, 5),
        .args = tx_column_copy(tx, stmt, 6),
        .priority = (unsigned)tx_column_int(tx, stmt, 7),
        .max_attempts = (unsigned)tx_column_int(tx, stmt, 8),
        .catch_up = (int)tx_column_int(tx, stmt, 9),
        .paused = tx_column_int(tx, stmt, 10) != 0,
        .done_ms = tx_column_int(tx, stmt, 11),
        .last_ms = tx_column_int(tx, stmt, 12),
    };
}

static size_t entries_read(struct tx *tx, enum statement statement, const char *name,
                           struct cron_entry **ret_entries)
{
    struct cron_entry *entries = NULL;
    size_t count = 0, room = 0;
    struct tx_stmt *stmt = tx_statement(tx, statement);
    if (name)
        tx_bind_text(tx, stmt, 1, name);
    while (tx_step(tx, stmt)) {
        if (count == room) {
            room = room ? 2 * room : 16;
            entries = heap_realloc(tx->heap, entries, room * sizeof *entries);
        }
        entries[count++] = entry_row(tx, stmt);
    }
    *ret_entries = entries;
    return count;
}

void tx_cron_list(struct tx *tx)
{
    tx->reply->entry_count = entries_read(tx, STATEMENT_CRON_LIST, NULL, &tx->reply->entries);
}

/* ---- ticks ---- */

/* The guard, and the claim to these ticks: from here on nobody else changes the entry. */
static bool ticks_take(struct tx *tx, const struct store_ticks *ticks)
{
    size_t count = ticks->minute_count;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CRON_ADVANCE);
    if (ticks->to_ms > tx->now_ms || (count && ticks->minutes_ms[count - 1] > tx->now_ms))
        return false;
    tx_bind_text(tx, stmt, 1, ticks->entry);
    tx_bind_int(tx, stmt, 2, ticks->from_ms);
    tx_bind_int(tx, stmt, 3, ticks->to_ms);
    tx_bind_int(tx, stmt, 4, count ? ticks->minutes_ms[count - 1] : 0);
    return tx_run(tx, stmt) > 0;
}

static bool tick_known(struct tx *tx, const char *entry, int64_t minute_ms)
{
    bool known = false;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CRON_TICKED);
    tx_bind_text(tx, stmt, 1, entry);
    tx_bind_int(tx, stmt, 2, minute_ms);
    while (tx_step(tx, stmt))
        known = true;
    return known;
}

/* What the texts may hold was checked when the entry was put: nothing in them needs escaping. */
static const char *tick_meta(struct tx *tx, const struct cron_entry *entry, int64_t minute_ms)
{
    char at[32], meta[META_SIZE];
    snprintf(meta, sizeof meta,
             "{\"cron\":true,\"cron_expr\":\"%s\",\"cron_tz\":\"%s\",\"cron_name\":\"%s\","
             "\"cron_at\":\"%s\"}",
             entry->expression, entry->zone, entry->name, time_words(minute_ms, at));
    return heap_strdup(tx->heap, meta);
}

static void jobs_insert(struct tx *tx, const struct job_spec *specs, size_t count)
{
    const struct store_request *request = tx->request;
    struct store_request insert = {.op = STORE_INSERT, .specs = specs, .spec_count = count};
    tx->request = &insert;
    tx->store->backend->own[STORE_INSERT](tx);
    tx->request = request;
}

static void tick_insert(struct tx *tx, const char *entry, int64_t minute_ms, uint64_t job)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CRON_TICK);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_text(tx, stmt, 2, entry);
    tx_bind_int(tx, stmt, 3, minute_ms);
    tx_bind_int(tx, stmt, 4, (int64_t)job);
    tx_run(tx, stmt);
    note(tx, CHANGE_CRON_TICK, (struct change){.name = entry, .id = job, .from_ms = minute_ms});
}

static void ticks_forget(struct tx *tx, const char *entry)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CRON_FORGET);
    tx_bind_text(tx, stmt, 1, entry);
    tx_bind_int(tx, stmt, 2, tx->now_ms - CRON_KEEP_MS);
    tx_run(tx, stmt);
}

static void ids_append(struct tx *tx, uint64_t **ids, size_t *count, const uint64_t *more,
                       size_t more_count)
{
    *ids = heap_realloc(tx->heap, *ids, (*count + more_count) * sizeof **ids);
    if (more_count)
        memcpy(*ids + *count, more, more_count * sizeof *more);
    *count += more_count;
}

/* Returns how many jobs were inserted; their ids are in the reply. */
static size_t ticks_insert(struct tx *tx, const struct store_ticks *ticks)
{
    struct cron_entry *entry;
    size_t count = 0;
    if (entries_read(tx, STATEMENT_CRON_ENTRY, ticks->entry, &entry) != 1 || tx->err)
        return 0;
    struct job_spec *specs = heap_alloc(tx->heap, ticks->minute_count * sizeof *specs);
    int64_t *minutes = heap_alloc(tx->heap, ticks->minute_count * sizeof *minutes);
    for (size_t i = 0; i < ticks->minute_count; ++i) {
        if (tick_known(tx, ticks->entry, ticks->minutes_ms[i]))
            continue;
        minutes[count] = ticks->minutes_ms[i];
        specs[count++] = (struct job_spec){.worker = entry->worker,
                                           .queue = entry->queue,
                                           .args = entry->args,
                                           .priority = entry->priority,
                                           .max_attempts = entry->max_attempts,
                                           .meta = tick_meta(tx, entry, ticks->minutes_ms[i])};
    }
    if (count == 0)
        return 0;
    jobs_insert(tx, specs, count);
    for (size_t i = 0; i < count && !tx->err; ++i)
        tick_insert(tx, ticks->entry, minutes[i], tx->reply->ids[i]);
    ticks_forget(tx, ticks->entry);
    return tx->err ? 0 : count;
}

void tx_cron_tick(struct tx *tx)
{
    uint64_t *ids = NULL;
    size_t count = 0;
    for (size_t i = 0; i < tx->request->tick_count && !tx->err; ++i) {
        const struct store_ticks *ticks = &tx->request->ticks[i];
        if (!ticks_take(tx, ticks))
            continue;
        size_t inserted = ticks_insert(tx, ticks);
        ids_append(tx, &ids, &count, tx->reply->ids, inserted);
        note(tx, CHANGE_CRON_DONE,
             (struct change){.name = ticks->entry,
                             .from_ms = ticks->from_ms,
                             .to_ms = ticks->to_ms,
                             .count = (int64_t)ticks->left_out});
    }
    tx->reply->ids = ids;
    tx->reply->id_count = tx->reply->changed = count;
}
