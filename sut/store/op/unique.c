/* unique.c: jobs of which there is one at a time (sut/jobs/unique.h).
 *
 * The database's own index says who comes first, whoever asks, however many at a time, in whatever transaction:
 *
 *     insert --it is there--> done
 *       ^ |
 *       | +--another job holds the key--> is it still in the way? --yes--> conflict, and perhaps it is replaced
 *       |                                        |
 *       +----- it gives its key up <------no-----+
 *
 * The same index refuses a job that comes back into one of its states while another one holds its key. That happens so seldom
 * that nobody looks for it: the transaction fails, and is done again, carefully. */
#include "sut/store/sql.h"

#include "sut/jobs/unique.h"

#include <errno.h>

_Static_assert(JOB_AVAILABLE == 0 && JOB_SCHEDULED == 1 && JOB_EXECUTING == 2 &&
                   JOB_RETRYABLE == 3 && JOB_SUSPENDED == 4 && JOB_COMPLETED == 5 &&
                   JOB_DISCARDED == 6 && JOB_CANCELLED == 7 && JOB_STATE_COUNT == 8,
               "the words of STATE_WORDS stand in this order");

enum { TRIES = 10 }; /* between two statements others may come */

/* ---- the new job ---- */

/* 0: another one holds the key. */
static uint64_t insert(struct tx *tx, const struct job_spec *spec, const char *key)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_INSERT_UNIQUE);
    uint64_t id = 0;
    tx_bind_spec(tx, stmt, spec);
    tx_bind_text(tx, stmt, 17, key);
    tx_bind_int(tx, stmt, 18, job_unique_states(spec->unique));
    while (tx_step(tx, stmt))
        id = (uint64_t)tx_column_int(tx, stmt, 0);
    return id;
}

/* ---- the one before it ---- */

static struct unique_holder holder_of(struct tx *tx, const char *key)
{
    struct unique_holder holder = {0};
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_HOLDER);
    tx_bind_text(tx, stmt, 1, key);
    while (tx_step(tx, stmt))
        holder = (struct unique_holder){
            .id = (uint64_t)tx_column_int(tx, stmt, 0),
            .state = tx_column_state(tx, stmt, 1),
            .attempt = (unsigned)tx_column_int(tx, stmt, 2),
            .inserted_ms = tx_column_int(tx, stmt, 3),
            .scheduled_ms = tx_column_int(tx, stmt, 4),
        };
    return holder;
}

/* As the one who asks sees it. */
static bool in_the_way(const struct tx *tx, const struct unique_holder *holder,
                       const struct job_unique *unique)
{
    int64_t since_ms = unique->by_schedule ? holder->scheduled_ms : holder->inserted_ms;
    return since_ms >= tx->now_ms - job_unique_period_ms(unique) &&
           (job_unique_states(unique) & JOB_STATE_BIT(holder->state));
}

static void note(struct tx *tx, enum change_kind kind, uint64_t id, const char *key,
                 const struct job_unique *unique)
{
    if (tx_traced(tx))
        tx_note(tx,
                (struct change){
                    .kind = kind, .id = id, .key = heap_strdup(tx->heap, key), .unique = unique});
}

/* If it is as it was: otherwise the next look finds who holds it then. */
static void release(struct tx *tx, const struct unique_holder *holder, const char *key,
                    const struct job_unique *unique)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_RELEASE);
    tx_bind_int(tx, stmt, 1, (int64_t)holder->id);
    tx_bind_text(tx, stmt, 2, key);
    tx_bind_text(tx, stmt, 3, job_state_word(holder->state));
    if (tx_run(tx, stmt) > 0)
        note(tx, CHANGE_RELEASE, holder->id, key, unique);
}

/* ---- replace ---- */

static void bind_if(struct tx *tx, struct tx_stmt *stmt, int index, bool wanted, int64_t value)
{
    if (wanted)
        tx_bind_int(tx, stmt, index, value);
    else
        tx_bind_null(tx, stmt, index);
}

/* When it is due: the state that follows. A run under way goes on, and what is over is not begun again by this. */
static enum job_state bind_schedule(struct tx *tx, struct tx_stmt *stmt,
                                    const struct unique_holder *holder, const struct job_spec *spec)
{
    enum job_state state = holder->state;
    bool wanted = spec->unique->replace[state] & JOB_REPLACE_SCHEDULED_AT;
    int64_t due_ms = job_spec_due_ms(spec, tx->now_ms);
    bool waits = state == JOB_SCHEDULED || state == JOB_RETRYABLE;
    if (wanted && due_ms > tx->now_ms && state == JOB_AVAILABLE) {
        state = JOB_SCHEDULED;
        waits = true;
    }
    bind_if(tx, stmt, 9, wanted, due_ms);
    tx_bind_text(tx, stmt, 10, state == holder->state ? NULL : job_state_word(state));
    bind_if(tx, stmt, 11, wanted && waits, due_ms);
    return state;
}

/* Of a job that may still run, the attempts must not be used up. */
static int64_t attempts_of(const struct unique_holder *holder, const struct job_spec *spec)
{
    unsigned asked = spec->max_attempts ? spec->max_attempts : JOB_ATTEMPTS_DEFAULT;
    unsigned least =
        holder->attempt + !(holder->state == JOB_EXECUTING || job_state_final(holder->state));
    return asked > least ? asked : least;
}

static void bind_texts(struct tx *tx, struct tx_stmt *stmt, const struct job_spec *spec,
                       unsigned fields)
{
    char tags[JOB_TAGS_MAX + 1];
    job_tags_normal(spec->tags, tags);
    const char *queue = spec->queue ? spec->queue : "default", *args = spec->args;
    tx_bind_text(tx, stmt, 4, fields & JOB_REPLACE_QUEUE ? queue : NULL);
    tx_bind_text(tx, stmt, 5, fields & JOB_REPLACE_WORKER ? spec->worker : NULL);
    tx_bind_text(tx, stmt, 6, fields & JOB_REPLACE_ARGS ? (args ? args : "{}") : NULL);
    tx_bind_text(tx, stmt, 12, fields & JOB_REPLACE_META ? (spec->meta ? spec->meta : "{}") : NULL);
    tx_bind_text(tx, stmt, 13, fields & JOB_REPLACE_TAGS ? heap_strdup(tx->heap, tags) : NULL);
}

/* False: it is not as it was any more. */
static bool replace(struct tx *tx, const struct unique_holder *holder, const struct job_spec *spec,
                    const char *key)
{
    unsigned fields = spec->unique->replace[holder->state];
    if (!fields)
        return true;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_REPLACE);
    tx_bind_int(tx, stmt, 1, (int64_t)holder->id);
    tx_bind_text(tx, stmt, 2, key);
    tx_bind_text(tx, stmt, 3, job_state_word(holder->state));
    bind_texts(tx, stmt, spec, fields);
    bind_if(tx, stmt, 7, fields & JOB_REPLACE_PRIORITY, spec->priority);
    bind_if(tx, stmt, 8, fields & JOB_REPLACE_MAX_ATTEMPTS, attempts_of(holder, spec));
    enum job_state state = bind_schedule(tx, stmt, holder, spec);
    if (tx_run(tx, stmt) == 0)
        return false;
    if (tx_traced(tx))
        tx_note(tx, (struct change){
                        .kind = CHANGE_REPLACE, .id = holder->id, .state = job_state_word(state)});
    return true;
}

/* ---- both ---- */

void tx_note_unique(struct tx *tx, uint64_t id, const char *key, const struct job_spec *spec,
                    bool conflict)
{
    note(tx, conflict ? CHANGE_CONFLICT : CHANGE_UNIQUE, id, key, spec->unique);
}

bool tx_holder_stays(const struct tx *tx, const struct unique_holder *holder,
                     const struct job_spec *spec)
{
    return in_the_way(tx, holder, spec->unique) && !spec->unique->replace[holder->state];
}

bool tx_holds_at_once(const struct tx *tx, const struct job_spec *spec)
{
    return job_unique_states(spec->unique) & JOB_STATE_BIT(job_spec_state(spec, tx->now_ms));
}

/* One try. 0: the key has changed hands meanwhile, or is free now. */
static uint64_t insert_or_find(struct tx *tx, const struct job_spec *spec, const char *key,
                               bool *ret_conflict)
{
    bool at_once = tx_holds_at_once(tx, spec);
    struct unique_holder holder = {0};
    if (!at_once)
        holder = holder_of(tx, key);
    uint64_t id = holder.id ? 0 : insert(tx, spec, key);
    if (id) {
        tx_note_unique(tx, id, key, spec, false);
        *ret_conflict = false;
        return id;
    }
    if (at_once)
        holder = holder_of(tx, key);
    if (holder.id && !in_the_way(tx, &holder, spec->unique)) {
        release(tx, &holder, key, spec->unique);
        return 0;
    }
    if (!holder.id || !replace(tx, &holder, spec, key))
        return 0;
    tx_note_unique(tx, holder.id, key, spec, true);
    *ret_conflict = true;
    return holder.id;
}

uint64_t tx_insert_unique(struct tx *tx, const struct job_spec *spec, bool *ret_conflict)
{
    char key[JOB_UNIQUE_KEY_SIZE];
    uint64_t id = 0;
    if (!job_unique_key(tx->heap, spec, key))
        tx_fail(tx, -EINVAL, "a job cannot be unique by what is no JSON");
    for (int tries = 0; !tx->err && id == 0 && tries < TRIES; ++tries)
        id = insert_or_find(tx, spec, key, ret_conflict);
    if (id == 0)
        tx_fail(tx, -EBUSY, "the holder of a unique key changed %d times", TRIES);
    return tx->err ? 0 : id;
}

void tx_yield(struct tx *tx, uint64_t id, enum job_state state)
{
    if (!tx->careful)
        return;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_YIELD);
    tx_bind_int(tx, stmt, 1, (int64_t)id);
    tx_bind_int(tx, stmt, 2, JOB_STATE_BIT(state));
    if (tx_run(tx, stmt) > 0)
        note(tx, CHANGE_YIELD, id, NULL, NULL);
}
