/* linear.c: see linear.h. The search over one object. */
#include "properties/linear.h"

#include "properties/linear_memory.h"
#include "properties/table.h"
#include <stdlib.h>
#include <string.h>

/* ---- the search ---- */

/* Calls and returns in the order of their places, as a list: [0] is its head. */
struct entry {
    size_t op;
    uint32_t prev, next;
    uint32_t partner; /* of a call its return, 0 if it never returned; of a return itself */
    bool is_return;
};

struct search {
    const struct op **ops; /* in the order of their invocation */
    size_t count;
    const struct model *model;
    size_t state_size, bits_size;
    struct entry *entries;
    uint64_t *bits;         /* which operations have taken effect */
    uint64_t bits_hash;     /* of these, in any order */
    unsigned char *state;   /* after them */
    unsigned char *next;    /* where a step is tried */
    uint32_t *calls;        /* a stack: what took effect, in this order ... */
    unsigned char *states;  /* ... and the state before each */
    size_t depth, returned; /* of the stack; how many of it are ok */
    size_t deepest;
    size_t blocked; /* the operation that could not take effect at the deepest */
    struct memory memory;
};

static void entry_out(struct search *search, uint32_t number)
{
    const struct entry *entry = &search->entries[number];
    search->entries[entry->prev].next = entry->next;
    if (entry->next)
        search->entries[entry->next].prev = entry->prev;
}

static void entry_in(struct search *search, uint32_t number)
{
    const struct entry *entry = &search->entries[number];
    search->entries[entry->prev].next = number;
    if (entry->next)
        search->entries[entry->next].prev = number;
}

static void bit_flip(struct search *search, size_t op)
{
    search->bits[op / 64] ^= UINT64_C(1) << op % 64;
    search->bits_hash ^= mix64(op + 1);
}

static uint64_t state_hash(const unsigned char *state, size_t size)
{
    uint64_t hash = 0, word;
    for (size_t i = 0; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, state + i, sizeof word);
        hash = mix64_pair(hash, word);
    }
    return hash;
}

/* Tries the call here. true: it can take effect, and this has not been tried before. */
static bool call_try(struct search *search, const struct entry *call)
{
    memcpy(search->next, search->state, search->state_size);
    if (!search->model->step(search->next, search->ops[call->op]))
        return false;
    bit_flip(search, call->op);
    uint64_t hash = search->bits_hash ^ state_hash(search->next, search->state_size);
    if (memory_add(&search->memory, hash, search->bits, search->bits_size, search->next))
        return true;
    bit_flip(search, call->op);
    return false;
}

static void call_do(struct search *search, uint32_t number)
{
    const struct entry *call = &search->entries[number];
    memcpy(search->states + search->depth * search->state_size, search->state, search->state_size);
    memcpy(search->state, search->next, search->state_size);
    search->calls[search->depth++] = number;
    search->returned += call->partner != 0;
    entry_out(search, number);
    if (call->partner)
        entry_out(search, call->partner);
}

/* Takes the last call back; its number. */
static uint32_t call_undo(struct search *search)
{
    uint32_t number = search->calls[--search->depth];
    const struct entry *call = &search->entries[number];
    memcpy(search->state, search->states + search->depth * search->state_size, search->state_size);
    search->returned -= call->partner != 0;
    if (call->partner)
        entry_in(search, call->partner);
    entry_in(search, number);
    bit_flip(search, call->op);
    return number;
}

/* At a return (or the end): whatever is still to come cannot take effect before it. false: all has been tried. */
static bool step_back(struct search *search, uint32_t *at)
{
    if (search->depth >= search->deepest && *at) {
        search->deepest = search->depth;
        search->blocked = search->entries[*at].op;
    }
    if (search->depth == 0)
        return false;
    *at = search->entries[call_undo(search)].next;
    return true;
}

static enum judgement search_run(struct search *search, size_t to_return, uint64_t states_max)
{
    uint32_t at = search->entries[0].next;
    while (search->returned < to_return) {
        if (search->memory.count >= states_max)
            return JUDGED_UNKNOWN;
        const struct entry *entry = &search->entries[at];
        if (at == 0 || entry->is_return) {
            if (!step_back(search, &at))
                return JUDGED_FAILS;
        } else if (call_try(search, entry)) {
            call_do(search, at);
            at = search->entries[0].next;
        } else {
            at = entry->next;
        }
    }
    return JUDGED_HOLDS;
}

/* ---- setting it up ---- */

struct moment {
    uint64_t place;
    size_t op;
    bool is_return;
};

static int moment_compare(const void *left, const void *right)
{
    const struct moment *a = left, *b = right;
    return (a->place > b->place) - (a->place < b->place);
}

static void entries_link(struct search *search, const struct moment *moments, size_t count)
{
    uint32_t *calls = calloc(search->count + 1, sizeof *calls);
    search->entries = calloc(count + 1, sizeof *search->entries);
    if (!calls || !search->entries)
        abort();
    for (uint32_t i = 1; i <= count; i++) {
        const struct moment *moment = &moments[i - 1];
        search->entries[i] = (struct entry){.op = moment->op,
                                            .prev = i - 1,
                                            .next = i < count ? i + 1 : 0,
                                            .is_return = moment->is_return};
        if (moment->is_return)
            search->entries[calls[moment->op]].partner = i;
        else
            calls[moment->op] = i;
    }
    search->entries[0].next = count ? 1 : 0;
    free(calls);
}

/* Returns how many operations must take effect. */
static size_t entries_make(struct search *search)
{
    struct moment *moments = malloc((2 * search->count + 1) * sizeof *moments);
    if (!moments)
        abort();
    size_t count = 0, to_return = 0;
    for (size_t i = 0; i < search->count; i++) {
        const struct op *op = search->ops[i];
        moments[count++] = (struct moment){op->invoked, i, false};
        if (op->outcome != OP_OK)
            continue;
        moments[count++] = (struct moment){op->completed, i, true};
        to_return++;
    }
    qsort(moments, count, sizeof *moments, moment_compare);
    entries_link(search, moments, count);
    free(moments);
    return to_return;
}

static enum judgement object_search(struct search *search, uint64_t states_max)
{
    search->state_size = search->model->size(search->ops, search->count);
    search->bits_size = (search->count + 63) / 64 * sizeof(uint64_t);
    search->memory.record_size = search->bits_size + search->state_size;
    search->bits = calloc(1, search->bits_size + 1);
    search->state = calloc(2, search->state_size + 1);
    search->calls = malloc((search->count + 1) * sizeof *search->calls);
    search->states = malloc((search->count + 1) * search->state_size + 1);
    if (!search->bits || !search->state || !search->calls || !search->states)
        abort();
    search->next = search->state + search->state_size;
    if (search->model->init)
        search->model->init(search->state);
    size_t to_return = entries_make(search);
    enum judgement judgement = search_run(search, to_return, states_max);
    free(search->entries);
    free(search->bits);
    free(search->state);
    free(search->calls);
    free(search->states);
    return judgement;
}

/* ---- key by key ---- */

/* What failed did not happen; looking without an answer says nothing. */
static bool op_matters(const struct op *op)
{
    bool looks = op->f == OP_READ || op->f == OP_CONTAINS;
    return op->outcome == OP_OK || (op->outcome == OP_UNKNOWN && !looks);
}

struct object {
    size_t from, count;
};

static void object_check(const struct history *history, struct search *search, uint64_t key,
                         uint64_t states_max, struct findings *found)
{
    enum judgement judgement = object_search(search, states_max);
    for (size_t i = 0; i < search->count; i++)
        found->checked += search->ops[i]->outcome == OP_OK;
    if (judgement == JUDGED_FAILS)
        findings_add(found,
                     (struct finding){ANOMALY_NOT_LINEARIZABLE, key,
                                      (uint64_t)(search->ops[search->blocked] - history->ops),
                                      NOWHERE, (int64_t)search->deepest});
    else if (judgement == JUDGED_UNKNOWN)
        findings_add(found, (struct finding){ANOMALY_UNDECIDED, key, NOWHERE, NOWHERE,
                                             (int64_t)search->memory.count});
    memory_done(&search->memory);
}

void check_linearizable(const struct history *history, const struct model *model,
                        uint64_t states_max, struct findings *found)
{
    struct table objects = {0};
    const struct op **ops = malloc((history->count + 1) * sizeof(struct op *));
    if (!ops)
        abort();
    for (size_t i = 0; i < history->count; i++) {
        if (op_matters(&history->ops[i]))
            TABLE_AT(&objects, history->ops[i].key, struct object)->count++;
    }
    size_t from = 0;
    for (size_t i = 0; i < objects.count; i++) {
        struct object *object = table_value(&objects, i);
        object->from = from;
        from += object->count;
        object->count = 0;
    }
    for (size_t i = 0; i < history->count; i++) {
        if (!op_matters(&history->ops[i]))
            continue;
        struct object *object = table_find(&objects, history->ops[i].key);
        ops[object->from + object->count++] = &history->ops[i];
    }
    for (size_t i = 0; i < objects.count; i++) {
        const struct object *object = table_value(&objects, i);
        struct search search = {.ops = ops + object->from, .count = object->count, .model = model};
        object_check(history, &search, table_key(&objects, i), states_max, found);
    }
    table_done(&objects);
    free(ops);
}
