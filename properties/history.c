/* history.c: building histories; ids, statistics. */
#include "properties/history.h"

#include "properties/array.h"
#include "properties/table.h"
#include <stdlib.h>
#include <string.h>

const char *operation_word(enum operation f)
{
    static const char *const words[] = {
#define X(e, word) word,
        OPERATIONS(X)
#undef X
    };
    return words[f];
}

/* ---- building ---- */

size_t history_invoke(struct history *history, struct op wanted, int64_t time_ns)
{
    history->ops =
        array_grow(history->ops, history->count, &history->capacity, sizeof *history->ops);
    wanted.outcome = OP_UNKNOWN;
    wanted.invoked = history->places++;
    wanted.completed = NOWHERE;
    wanted.invoked_ns = time_ns;
    wanted.completed_ns = INT64_MAX;
    history->ops[history->count] = wanted;
    return history->count++;
}

struct op *history_complete(struct history *history, size_t number, enum op_outcome outcome,
                            int64_t time_ns)
{
    struct op *op = &history->ops[number];
    op->outcome = outcome;
    op->completed = outcome == OP_UNKNOWN ? NOWHERE : history->places++;
    op->completed_ns = time_ns;
    return op;
}

void history_list(struct history *history, size_t number, const int64_t *values, size_t count)
{
    struct op *op = &history->ops[number];
    int64_t *copy = malloc(count ? count * sizeof *copy : 1);
    if (!copy)
        abort();
    if (count)
        memcpy(copy, values, count * sizeof *copy);
    free((void *)op->list);
    op->list = copy;
    op->list_count = count;
}

void history_done(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free((void *)history->ops[i].list);
    free(history->ops);
    *history = (struct history){0};
}

/* ---- unique ids ---- */

void history_unique_ids(const struct history *history, struct findings *found)
{
    struct table ids = {0};
    for (size_t i = 0; i < history->count; i++) {
        const struct op *op = &history->ops[i];
        if (op->f != OP_GENERATE || op->outcome != OP_OK)
            continue;
        size_t before = ids.count;
        size_t *first = TABLE_AT(&ids, (uint64_t)op->value, size_t);
        found->checked++;
        if (ids.count > before)
            *first = i;
        else
            findings_add(found,
                         (struct finding){ANOMALY_DUPLICATED, (uint64_t)op->value, i, *first, 0});
    }
    table_done(&ids);
}

/* ---- statistics ---- */

void history_sane(const struct history *history, struct findings *found)
{
    uint64_t tried[OPERATION_COUNT] = {0}, succeeded[OPERATION_COUNT] = {0};
    for (size_t i = 0; i < history->count; i++) {
        tried[history->ops[i].f]++;
        succeeded[history->ops[i].f] += history->ops[i].outcome == OP_OK;
    }
    for (unsigned f = 0; f < OPERATION_COUNT; f++) {
        if (!tried[f])
            continue;
        found->checked++;
        if (!succeeded[f])
            findings_add(found,
                         (struct finding){ANOMALY_TOO_FEW, f, NOWHERE, NOWHERE, (int64_t)tried[f]});
    }
}
