/* The tape in memory: seed, edits, and a record of what was chosen.
 *
 * A keyed choice costs one hash of its name and a few multiplications; the edits are consulted only when there are
 * any. Nothing here depends on the order in which keyed choices are asked for.
 */
#include "harness/tape/internal.h"

#include "harness/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_text(const char *text)
{
    return text ? XXH3_64bits(text, strlen(text)) : XXH3_64bits("", 0);
}

uint64_t choice_hash(const struct choice *choice)
{
    uint64_t hash = mix64_pair(hash_text(choice->name) + choice->stream, choice->node);
    return mix64_pair(mix64_pair(hash, choice->key), choice->ordinal);
}

struct tape *tape_new(uint64_t seed)
{
    struct tape *tape = calloc(1, sizeof *tape);
    if (!tape)
        abort();
    tape->seed = seed;
    tape->seed_now = seed;
    tape->next_switch = UINT64_MAX;
    return tape;
}

void tape_free(struct tape *tape)
{
    if (!tape)
        return;
    HASH_CLEAR(hh, tape->by_identity);
    for (size_t i = 0; i < tape->edit_count; i++) {
        free(tape->edits[i]->name);
        free(tape->edits[i]);
    }
    struct kept_name *name, *next;
    HASH_ITER (hh, tape->names, name, next) {
        HASH_DEL(tape->names, name);
        free(name->text);
        free(name);
    }
    free(tape->made);
    free(tape->edits);
    free(tape->draws);
    sequence_free(tape->sequence);
    free(tape);
}

uint64_t tape_seed(const struct tape *tape)
{
    return tape->seed;
}

/* Grows *array to hold count + 1 elements. */
static void *grown(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 64;
    array = realloc(array, *capacity * size);
    if (!array)
        abort();
    return array;
}

/* ---- what a run chose ---- */

void tape_record(struct tape *tape, unsigned what)
{
    tape->record = what;
}

void tape_forget(struct tape *tape)
{
    tape->made_count = 0;
}

static const char *name_kept(struct tape *tape, const char *text)
{
    uint64_t hash = hash_text(text);
    struct kept_name *name;
    HASH_FIND(hh, tape->names, &hash, sizeof hash, name);
    if (name)
        return name->text;
    name = calloc(1, sizeof *name);
    if (!name || !(name->text = strdup(text)))
        abort();
    name->hash = hash;
    HASH_ADD(hh, tape->names, hash, sizeof hash, name);
    return name->text;
}

static void record(struct tape *tape, struct made made)
{
    made.choice.name = name_kept(tape, made.choice.name);
    made.event = tape->event;
    tape->made = grown(tape->made, tape->made_count, &tape->made_capacity, sizeof *tape->made);
    tape->made[tape->made_count++] = made;
}

static void record_choice(struct tape *tape, const struct choice *choice, uint64_t value,
                          uint64_t n)
{
    record(tape, (struct made){.choice = *choice, .value = value, .n = n});
}

void tape_note_hit(struct tape *tape, const struct choice *choice, uint32_t kinds,
                   const struct fault *fault)
{
    if ((tape->record & RECORD_HITS) ||
        ((tape->record & RECORD_FAULTS) && fault->kind != FAULT_NONE))
        record(tape, (struct made){.choice = *choice, .kinds = kinds, .fault = *fault});
}

const struct made *tape_made(const struct tape *tape, size_t *ret_count)
{
    *ret_count = tape->made_count;
    return tape->made;
}

/* ---- keyed choices ---- */

static struct identity identity_of(const struct choice *choice)
{
    struct identity id;
    memset(&id, 0, sizeof id); /* it is hashed as bytes */
    id.stream = choice->stream;
    id.node = choice->node;
    id.name = hash_text(choice->name);
    id.key = choice->key;
    id.ordinal = choice->ordinal;
    return id;
}

static const struct edit *edit_of(struct tape *tape, const struct identity *id, enum edit_kind kind)
{
    struct edit *edit = NULL;
    if (!tape->by_identity)
        return NULL;
    HASH_FIND(hh, tape->by_identity, id, sizeof *id, edit);
    return edit && edit->kind == kind ? edit : NULL;
}

static uint64_t bits_of(uint64_t seed, const struct identity *id)
{
    uint64_t bits = mix64_pair(seed, id->name + id->stream);
    bits = mix64_pair(bits, id->node);
    bits = mix64_pair(bits, id->key);
    return mix64_pair(bits, id->ordinal);
}

static bool name_is_simple(const struct tape *tape, const struct identity *id)
{
    for (size_t i = 0; i < tape->edit_count; i++) {
        const struct edit *edit = tape->edits[i];
        if (edit->kind == EDIT_SIMPLEST && edit->name && edit->id.stream == id->stream &&
            edit->id.name == id->name)
            return true;
    }
    return false;
}

static bool is_simple(const struct tape *tape, const struct identity *id)
{
    return (tape->simple >> id->stream & 1) ||
           (tape->some_names_simple && name_is_simple(tape, id));
}

bool tape_is_simple(const struct tape *tape, enum stream stream)
{
    return tape->simple >> stream & 1;
}

static bool is_recorded(const struct tape *tape, uint64_t value)
{
    return (tape->record & RECORD_CHOICES) && (value || (tape->record & RECORD_SIMPLEST));
}

uint64_t tape_choose(struct tape *tape, const struct choice *choice, uint64_t n)
{
    assert(n >= 1);
    struct identity id = identity_of(choice);
    const struct edit *edit = edit_of(tape, &id, EDIT_CHOICE);
    uint64_t value = 0;
    if (edit)
        value = edit->value < n ? edit->value : n - 1;
    else if (!is_simple(tape, &id))
        value = mix64_below(bits_of(tape->seed_now, &id), n);
    if (is_recorded(tape, value))
        record_choice(tape, choice, value, n);
    return value;
}

uint64_t tape_choose_from(struct tape *tape, const struct choice *choice, uint64_t n,
                          uint64_t wanted)
{
    assert(wanted < n);
    struct identity id = identity_of(choice);
    const struct edit *edit = edit_of(tape, &id, EDIT_CHOICE);
    uint64_t value = is_simple(tape, &id) ? 0 : wanted;
    if (edit)
        value = edit->value < n ? edit->value : n - 1;
    if (is_recorded(tape, value))
        record_choice(tape, choice, value, n);
    return value;
}

bool tape_chance(struct tape *tape, const struct choice *choice, uint64_t numerator,
                 uint64_t denominator)
{
    assert(denominator >= 1 && numerator <= denominator);
    struct identity id = identity_of(choice);
    const struct edit *edit = edit_of(tape, &id, EDIT_CHOICE);
    bool value = false;
    if (edit)
        value = edit->value != 0;
    else if (!is_simple(tape, &id))
        value = mix64_below(bits_of(tape->seed_now, &id), denominator) >= denominator - numerator;
    if (is_recorded(tape, value))
        record_choice(tape, choice, value, 2);
    return value;
}

int64_t tape_between(struct tape *tape, const struct choice *choice, int64_t lo, int64_t hi)
{
    assert(lo <= hi);
    return lo + (int64_t)tape_choose(tape, choice, (uint64_t)(hi - lo) + 1);
}

/* The newest persistent edit about this point and node that was reached already. */
static struct edit *persisting(const struct tape *tape, const struct identity *id)
{
    for (size_t i = tape->edit_count; i-- > 0;) {
        struct edit *edit = tape->edits[i];
        if (edit->kind == EDIT_FAULT && edit->reached && edit->id.name == id->name &&
            edit->id.node == id->node)
            return edit;
    }
    return NULL;
}

/* Cheaper than looking for the very choice, and nearly always the answer is no. */
static bool edits_speak_of(const struct tape *tape, const char *point)
{
    for (size_t i = 0; i < tape->edit_count; i++)
        if (tape->edits[i]->kind == EDIT_FAULT && strcmp(tape->edits[i]->name, point) == 0)
            return true;
    return false;
}

void tape_watch(struct tape *tape, tape_watcher *fn, void *ctx)
{
    tape->watcher = fn;
    tape->watcher_ctx = ctx;
}

const struct fault *tape_fault(struct tape *tape, const struct choice *choice)
{
    if (tape->watcher)
        tape->watcher(tape->watcher_ctx, tape, choice);
    if (!edits_speak_of(tape, choice->name))
        return NULL;
    struct identity id = identity_of(choice);
    struct edit *edit = (struct edit *)edit_of(tape, &id, EDIT_FAULT);
    if (edit)
        edit->reached = edit->persistent;
    else if (tape->some_persist)
        edit = persisting(tape, &id);
    return edit ? &edit->fault : NULL;
}

bool tape_speaks_of(const struct tape *tape, const char *point)
{
    if (tape->watcher || (tape->record & (RECORD_FAULTS | RECORD_HITS | RECORD_COUNTS)))
        return true;
    return edits_speak_of(tape, point);
}

const char *tape_edit_point(const struct tape *tape, size_t index)
{
    const struct edit *edit = tape->edits[index];
    return edit->kind == EDIT_FAULT ? edit->name : NULL;
}

/* ---- edits ---- */

struct edit *tape_edit_add(struct tape *tape, struct edit edit)
{
    struct edit *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = edit;
    copy->name = edit.name ? strdup(edit.name) : NULL;
    tape->edits = grown(tape->edits, tape->edit_count, &tape->edit_capacity, sizeof(struct edit *));
    tape->edits[tape->edit_count++] = copy;
    return copy;
}

/* Keyed edits of one identity replace each other. */
static void edit_keyed(struct tape *tape, const struct choice *choice, struct edit edit)
{
    struct identity id = identity_of(choice);
    struct edit *old = NULL;
    if (tape->by_identity)
        HASH_FIND(hh, tape->by_identity, &id, sizeof id, old);
    if (old) {
        old->kind = edit.kind;
        old->fault = edit.fault;
        old->persistent = edit.persistent;
        old->value = edit.value;
        return;
    }
    edit.id = id;
    edit.name = (char *)choice->name;
    struct edit *added = tape_edit_add(tape, edit);
    HASH_ADD(hh, tape->by_identity, id, sizeof added->id, added);
}

void tape_edit_fault(struct tape *tape, const struct choice *choice, struct fault fault)
{
    assert(choice->stream == STREAM_FAULT);
    edit_keyed(tape, choice, (struct edit){.kind = EDIT_FAULT, .fault = fault});
}

void tape_edit_fault_from(struct tape *tape, const struct choice *choice, struct fault fault)
{
    assert(choice->stream == STREAM_FAULT);
    edit_keyed(tape, choice, (struct edit){.kind = EDIT_FAULT, .fault = fault, .persistent = true});
    tape->some_persist = true;
}

void tape_edit_choice(struct tape *tape, const struct choice *choice, uint64_t value)
{
    edit_keyed(tape, choice, (struct edit){.kind = EDIT_CHOICE, .value = value});
}

/* The event number at which the next switch of seeds takes place, after `index`. */
static uint64_t next_switch(const struct tape *tape, uint64_t index)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < tape->edit_count; i++) {
        const struct edit *edit = tape->edits[i];
        if (edit->kind == EDIT_SEED && edit->at > index && edit->at < next)
            next = edit->at;
    }
    return next;
}

/* The seed before any event. */
static uint64_t first_seed(const struct tape *tape)
{
    uint64_t seed = tape->seed;
    for (size_t i = 0; i < tape->edit_count; i++)
        if (tape->edits[i]->kind == EDIT_SEED && tape->edits[i]->at == 0)
            seed = tape->edits[i]->value;
    return seed;
}

void tape_edit_seed(struct tape *tape, uint64_t from_event, uint64_t seed)
{
    tape_edit_add(tape, (struct edit){.kind = EDIT_SEED, .at = from_event, .value = seed});
    tape->seed_now = first_seed(tape);
    tape->next_switch = next_switch(tape, 0);
}

void tape_simplify(struct tape *tape, enum stream stream, const char *name)
{
    if (!name)
        tape->simple |= 1u << stream;
    else
        tape->some_names_simple = true;
    for (size_t i = 0; i < tape->edit_count; i++) {
        const struct edit *edit = tape->edits[i];
        if (edit->kind == EDIT_SIMPLEST && edit->id.stream == stream &&
            (name ? edit->name && strcmp(edit->name, name) == 0 : !edit->name))
            return;
    }
    tape_edit_add(tape, (struct edit){.kind = EDIT_SIMPLEST,
                                      .id = {.stream = stream, .name = hash_text(name)},
                                      .name = (char *)name});
}

static struct edit *edit_of_safety(const struct tape *tape)
{
    for (size_t i = 0; i < tape->edit_count; i++)
        if (tape->edits[i]->kind == EDIT_SAFETY)
            return tape->edits[i];
    return NULL;
}

void tape_edit_safety(struct tape *tape, int64_t ns)
{
    struct edit *old = edit_of_safety(tape);
    assert(ns > 0);
    if (old)
        old->value = (uint64_t)ns;
    else
        tape_edit_add(tape, (struct edit){.kind = EDIT_SAFETY, .value = (uint64_t)ns});
}

int64_t tape_safety(const struct tape *tape)
{
    const struct edit *edit = edit_of_safety(tape);
    return edit ? (int64_t)edit->value : 0;
}

/* What follows from an edit once it is there. */
static void edit_settle(struct tape *tape, struct edit *edit)
{
    edit->reached = false;
    if (edit->kind == EDIT_FAULT || edit->kind == EDIT_CHOICE)
        HASH_ADD(hh, tape->by_identity, id, sizeof edit->id, edit);
    if (edit->kind == EDIT_SIMPLEST && edit->name)
        tape->some_names_simple = true;
    else if (edit->kind == EDIT_SIMPLEST)
        tape->simple |= 1u << edit->id.stream;
    tape->some_persist |= edit->kind == EDIT_FAULT && edit->persistent;
}

static bool is_gone(const struct tape *tape, const bool *gone, enum edit_kind kind)
{
    for (size_t i = 0; gone && i < tape->edit_count; i++)
        if (tape->edits[i]->kind == kind && gone[i])
            return true;
    return false;
}

struct tape *tape_copy_without(const struct tape *tape, const bool *gone)
{
    struct tape *copy = tape_new(tape->seed);
    for (size_t i = 0; i < tape->edit_count; i++)
        if (!gone || !gone[i])
            edit_settle(copy, tape_edit_add(copy, *tape->edits[i]));
    copy->seed_now = first_seed(copy);
    copy->next_switch = next_switch(copy, 0);
    if (tape->draws && !is_gone(tape, gone, EDIT_DRAWS))
        tape_edit_draws(copy, tape->draws, tape->draw_count, tape->beyond);
    return copy;
}

void tape_join(struct tape *tape, const struct tape *other)
{
    for (size_t i = 0; i < other->edit_count; i++) {
        const struct edit *edit = other->edits[i];
        if ((edit->kind == EDIT_FAULT || edit->kind == EDIT_CHOICE) &&
            !edit_of(tape, &edit->id, edit->kind))
            edit_settle(tape, tape_edit_add(tape, *edit));
    }
}

struct tape *tape_copy(const struct tape *tape)
{
    return tape_copy_without(tape, NULL);
}

struct tape_edit tape_edit_get(const struct tape *tape, size_t index)
{
    assert(index < tape->edit_count);
    const struct edit *edit = tape->edits[index];
    const struct identity *id = &edit->id;
    return (struct tape_edit){
        .kind = edit->kind,
        .choice = {(enum stream)id->stream, edit->name, id->node, id->key, id->ordinal},
        .fault = edit->fault,
        .persistent = edit->persistent,
        .value = edit->value,
        .at = edit->at,
    };
}

size_t tape_edit_count(const struct tape *tape)
{
    return tape->edit_count;
}

void tape_at_event(struct tape *tape, uint64_t index)
{
    tape->event = index;
    if (index < tape->next_switch)
        return;
    for (size_t i = 0; i < tape->edit_count; i++)
        if (tape->edits[i]->kind == EDIT_SEED && tape->edits[i]->at == tape->next_switch)
            tape->seed_now = tape->edits[i]->value;
    tape->next_switch = next_switch(tape, tape->next_switch);
}
