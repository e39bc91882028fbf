/* insert.c: what all databases have in common when jobs come to be. The insert itself is each database's own: it decides
 * how many jobs there can be in a second. */
#include "sut/store/sql.h"

#include <errno.h>
#include <stdio.h>

int specs_check(const struct job_spec *specs, size_t count, char *why, size_t why_size)
{
    for (size_t i = 0; i < count; ++i) {
        const char *problem = job_spec_check(&specs[i]);
        if (!problem && specs[i].encrypted)
            problem = "its arguments are to be encrypted, and nobody did (specs_seal)";
        if (problem) {
            snprintf(why, why_size, "job %zu of %zu: %s", i + 1, count, problem);
            return -EINVAL;
        }
    }
    return 0;
}

static void bind_positive(struct tx *tx, struct tx_stmt *stmt, int index, int64_t value)
{
    if (value > 0)
        tx_bind_int(tx, stmt, index, value);
    else
        tx_bind_null(tx, stmt, index);
}

void tx_bind_spec(struct tx *tx, struct tx_stmt *stmt, const struct job_spec *spec)
{
    int64_t due_ms = job_spec_due_ms(spec, tx->now_ms);
    enum job_state state = job_spec_state(spec, tx->now_ms);
    bool over = job_state_final(state);
    char tags[JOB_TAGS_MAX + 1];
    job_tags_normal(spec->tags, tags);
    tx_bind_text(tx, stmt, 1, spec->queue ? spec->queue : "default");
    tx_bind_text(tx, stmt, 2, spec->worker);
    tx_bind_text(tx, stmt, 3, spec->args ? spec->args : "{}");
    tx_bind_int(tx, stmt, 4, spec->priority);
    tx_bind_int(tx, stmt, 5, spec->max_attempts ? spec->max_attempts : JOB_ATTEMPTS_DEFAULT);
    tx_bind_text(tx, stmt, 6, job_state_word(state));
    tx_bind_int(tx, stmt, 7, tx->now_ms);
    tx_bind_int(tx, stmt, 8, due_ms);
    if (over || state == JOB_SUSPENDED)
        tx_bind_null(tx, stmt, 9);
    else
        tx_bind_int(tx, stmt, 9, state == JOB_AVAILABLE ? 0 : due_ms);
    tx_bind_int(tx, stmt, 10, over ? tx->now_ms : 0);
    tx_bind_text(tx, stmt, 11, spec->part);
    tx_bind_text(tx, stmt, 12, spec->meta);
    tx_bind_text(tx, stmt, 13, *tags ? heap_strdup(tx->heap, tags) : NULL);
    bind_positive(tx, stmt, 14, spec->timeout_ms);
    bind_positive(tx, stmt, 15, spec->within_ms > 0 ? due_ms + spec->within_ms : 0);
    bind_positive(tx, stmt, 16, (int64_t)spec->flow);
}
