/* models.c: what operations do to a register, a mutex, a queue, a set. Sequential objects in plain bytes, for linear.h. */
#include "properties/linear.h"

#include <string.h>

/* ---- register ---- */

static size_t word_size(const struct op *const *ops, size_t count)
{
    (void)ops;
    (void)count;
    return sizeof(int64_t);
}

static void register_init(void *state)
{
    *(int64_t *)state = VALUE_NONE;
}

static bool register_step(void *state, const struct op *op)
{
    int64_t *value = state;
    if (op->f == OP_READ)
        return *value == op->value;
    *value = op->value;
    return op->f == OP_WRITE;
}

static bool cas_register_step(void *state, const struct op *op)
{
    int64_t *value = state;
    if (op->f != OP_CAS)
        return register_step(state, op);
    bool same = *value == op->value;
    if (same)
        *value = op->next;
    return same;
}

const struct model model_register = {"register", word_size, register_init, register_step};
const struct model model_cas_register = {"cas register", word_size, register_init,
                                         cas_register_step};

/* ---- mutex ---- */

static bool mutex_step(void *state, const struct op *op)
{
    uint64_t *holder = state; /* process + 1; 0: free */
    uint64_t mine = op->process + 1;
    bool can = *holder == (op->f == OP_ACQUIRE ? 0 : mine);
    *holder = op->f == OP_ACQUIRE ? mine : 0;
    return can && (op->f == OP_ACQUIRE || op->f == OP_RELEASE);
}

const struct model model_mutex = {"mutex", word_size, NULL, mutex_step};

/* ---- collections: a count, and that many values ---- */

struct values {
    int64_t count;
    int64_t at[];
};

static size_t values_size(const struct op *const *ops, size_t count)
{
    size_t added = 0;
    for (size_t i = 0; i < count; i++)
        added += ops[i]->f == OP_ENQUEUE || ops[i]->f == OP_ADD;
    return sizeof(struct values) + added * sizeof(int64_t);
}

/* Closes the gap, and leaves zeros behind, since states are compared as bytes. */
static void values_remove(struct values *values, int64_t at)
{
    memmove(&values->at[at], &values->at[at + 1],
            (size_t)(values->count - at - 1) * sizeof *values->at);
    values->at[--values->count] = 0;
}

/* ---- first in, first out ---- */

static bool queue_pop(struct values *queue, const struct op *op)
{
    bool empty = queue->count == 0;
    if (op->outcome == OP_OK &&
        (op->value == VALUE_NONE ? !empty : empty || queue->at[0] != op->value))
        return false;
    if (!empty)
        values_remove(queue, 0);
    return true;
}

static bool queue_drain(struct values *queue, const struct op *op)
{
    size_t count = (size_t)queue->count;
    bool same = op->list_count == count &&
                (count == 0 || memcmp(op->list, queue->at, count * sizeof *queue->at) == 0);
    if (op->outcome == OP_OK && !same)
        return false;
    memset(queue, 0, sizeof *queue + count * sizeof *queue->at);
    return true;
}

static bool queue_step(void *state, const struct op *op)
{
    struct values *queue = state;
    if (op->f == OP_DEQUEUE)
        return queue_pop(queue, op);
    if (op->f == OP_DRAIN)
        return queue_drain(queue, op);
    queue->at[queue->count++] = op->value;
    return op->f == OP_ENQUEUE;
}

const struct model model_fifo_queue = {"fifo queue", values_size, NULL, queue_step};

/* ---- set: its values in order ---- */

/* Where it is, or belongs. */
static int64_t set_place(const struct values *set, int64_t value)
{
    int64_t at = 0;
    while (at < set->count && set->at[at] < value)
        at++;
    return at;
}

static bool set_has(const struct values *set, int64_t value)
{
    int64_t at = set_place(set, value);
    return at < set->count && set->at[at] == value;
}

static void set_add(struct values *set, int64_t value)
{
    int64_t at = set_place(set, value);
    memmove(&set->at[at + 1], &set->at[at], (size_t)(set->count - at) * sizeof *set->at);
    set->at[at] = value;
    set->count++;
}

static bool set_read(const struct values *set, const struct op *op)
{
    for (size_t i = 0; i < op->list_count; i++) {
        if (!set_has(set, op->list[i]))
            return false;
    }
    for (size_t i = 0; i < op->list_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (op->list[i] == op->list[j])
                return false;
        }
    }
    return op->list_count == (size_t)set->count;
}

static bool set_step(void *state, const struct op *op)
{
    struct values *set = state;
    bool there = set_has(set, op->value);
    switch (op->f) {
    case OP_ADD:
        if (!there)
            set_add(set, op->value);
        return true;
    case OP_REMOVE:
        if (there)
            values_remove(set, set_place(set, op->value));
        return true;
    case OP_CONTAINS: return there == (op->next != 0);
    case OP_READ: return set_read(set, op);
    default: return false;
    }
}

const struct model model_set = {"set", values_size, NULL, set_step};
