/* trials.c: what is tried, and how a trial is written down: as a tape, as text, as a number. */
#include "harness/sweep/internal.h"

#include "harness/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHECK_EVERY = 64 };

/* Such a fault does not persist: a node that dies whenever it gets so far is a crash loop. */
bool fault_takes_node(enum fault_kind kind)
{
    return kind == FAULT_KILL || kind == FAULT_POWEROFF || kind == FAULT_PAUSE;
}

/* The first so many faults and fates of it. */
static struct tape *tape_of(const struct sweep *sweep, const struct trial *trial,
                            unsigned fault_count, size_t fate_count)
{
    struct tape *tape = tape_new(sweep->setup->seed);
    tape_simplify(tape, STREAM_FAULT, NULL);
    tape_simplify(tape, STREAM_DISK, "disk/write/loss");
    if (sweep->safety_ns)
        tape_edit_safety(tape, sweep->safety_ns);
    for (unsigned i = 0; i < fault_count; i++) {
        const struct trial_fault *fault = &trial->faults[i];
        const struct fault *what = &sweep->setup->kinds[fault->kind];
        const struct choice at = hit_choice(&fault->hit);
        if (fault->persistent)
            tape_edit_fault_from(tape, &at, *what);
        else
            tape_edit_fault(tape, &at, *what);
    }
    for (size_t i = 0; i < fate_count; i++)
        tape_edit_choice(tape, &trial->fates[i].choice, trial->fates[i].value);
    return tape;
}

struct tape *trial_tape(const struct sweep *sweep, const struct trial *trial)
{
    return tape_of(sweep, trial, trial->count, trial->fate_count);
}

struct tape *trial_stem(const struct sweep *sweep, const struct trial *trial)
{
    return tape_of(sweep, trial, trial->count - 1, trial->inherited);
}

char *trial_describe(const struct sweep *sweep, const struct trial *trial)
{
    char *text, what[96];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    for (unsigned i = 0; i < trial->count; i++) {
        const struct choice at = hit_choice(&trial->faults[i].hit);
        fprintf(out, "%s%s node=%" PRIu32 " key=%" PRIu64 " n=%" PRIu64 "%s: %s", i ? ", " : "",
                at.name, at.node, at.key, at.ordinal, trial->faults[i].persistent ? "+" : "",
                fault_print(&sweep->setup->kinds[trial->faults[i].kind], what, sizeof what));
    }
    if (trial->fate_count)
        fprintf(out, ", %zu un-synced writes kept or torn", trial->fate_count);
    fclose(out);
    return text;
}

static uint64_t hash_of(const struct sweep *sweep, const struct trial *trial, unsigned fault_count,
                        size_t fate_count)
{
    uint64_t hash = mix64_pair(sweep->setup->seed, fault_count);
    for (unsigned i = 0; i < fault_count; i++) {
        const struct trial_fault *fault = &trial->faults[i];
        hash = mix64_pair(hash, hit_hash(&fault->hit));
        hash = mix64_pair(hash, fault->kind * 2 + fault->persistent);
    }
    for (size_t i = 0; i < fate_count; i++)
        hash = mix64_pair(hash, choice_hash(&trial->fates[i].choice) + trial->fates[i].value);
    return hash;
}

uint64_t trial_hash(const struct sweep *sweep, const struct trial *trial)
{
    return hash_of(sweep, trial, trial->count, trial->fate_count) + trial->is_check;
}

/* ---- adding ---- */

/* There are many, and children have no use for them: what is not inherited need not be copied, table by table, at each
 * fork. */
static void list_grow(struct trial_list *list)
{
    size_t capacity = list->capacity ? 2 * list->capacity : 4096;
    size_t size = capacity * sizeof *list->items;
    struct trial *items =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (items == MAP_FAILED || madvise(items, size, MADV_DONTFORK))
        abort();
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    if (list->capacity)
        munmap(list->items, list->capacity * sizeof *list->items);
    list->items = items;
    list->capacity = capacity;
}

void trials_free(struct trial_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].fate_count)
            free(list->items[i].fates);
    if (list->capacity)
        munmap(list->items, list->capacity * sizeof *list->items);
}

void trial_add(struct sweep *sweep, struct trial_list *list, const struct trial *trial)
{
    struct trial copy = *trial; /* may lie in the array that grows */
    if (list->count == list->capacity)
        list_grow(list);
    if (copy.fate_count) {
        size_t size = copy.fate_count * sizeof *copy.fates;
        struct disk_fate *fates = malloc(size);
        if (!fates)
            abort();
        copy.fates = memcpy(fates, copy.fates, size);
    }
    copy.given_out = false;
    copy.context = hash_of(sweep, &copy, copy.count - 1u, copy.inherited);
    list->items[list->count++] = copy;
}

/* To the trials that are next; now and then once more, to be made from the start. */
static void add(struct sweep *sweep, const struct trial *trial)
{
    struct trial_list *list = &sweep->trials;
    trial_add(sweep, list, trial);
    if (list->count % CHECK_EVERY)
        return;
    struct trial check = *trial;
    check.is_check = true;
    trial_add(sweep, list, &check);
}

/* Does its last fault come to that hit anyway? Then it would be the run of its context. */
static bool is_there_anyway(const struct trial *trial)
{
    const struct trial_fault *fault = &trial->faults[trial->count - 1];
    for (unsigned i = 0; i < trial->count - 1u; i++) {
        const struct trial_fault *other = &trial->faults[i];
        if (other->persistent && other->kind == fault->kind &&
            other->hit.point == fault->hit.point && other->hit.node == fault->hit.node)
            return true;
    }
    return false;
}

/* How many trials there are of this kind: one, or one that persists besides. */
static unsigned trials_of_kind(enum fault_kind kind)
{
    return fault_takes_node(kind) ? 1 : 2;
}

void trials_of_hit(struct sweep *sweep, const struct trial *context, const struct hit_id *hit,
                   uint64_t shape)
{
    struct trial trial = *context;
    assert(trial.count < SWEEP_DEPTH_MAX);
    struct trial_fault *fault = &trial.faults[trial.count++];
    trial.shape = shape;
    trial.inherited = trial.fate_count;
    for (uint32_t kind = 0; kind < sweep->setup->kind_count; kind++) {
        enum fault_kind what = sweep->setup->kinds[kind].kind;
        if (!(registry_get(hit->point)->kinds & fault_can(what)))
            continue;
        if (budget_rules_out(&sweep->setup->scenario->budget, what)) {
            sweep->certificate->ruled_out[kind] = true;
            sweep->certificate->pruned[PRUNED_BUDGET] += trials_of_kind(what);
            continue;
        }
        *fault = (struct trial_fault){.hit = *hit, .kind = kind};
        if (is_there_anyway(&trial)) {
            sweep->certificate->pruned[PRUNED_SAME] += trials_of_kind(what);
            continue;
        }
        add(sweep, &trial);
        if (fault_takes_node(what))
            continue;
        fault->persistent = true;
        add(sweep, &trial);
    }
}

/* The states are tried in this order, w being the number of un-synced writes: everything dropped (the trial itself);
 * everything kept; the newest torn and the rest kept; only the newest kept (re-ordered); the newest dropped and the
 * rest kept (w > 1); then, from the oldest on, the first i kept. */
static uint64_t fate_of(size_t state, size_t index, size_t count)
{
    enum { DROPPED, KEPT, TORN };
    bool is_newest = index == count - 1;
    switch (state) {
    case 1: return KEPT;
    case 2: return is_newest ? TORN : KEPT;
    case 3: return is_newest ? KEPT : DROPPED;
    case 4: return is_newest ? DROPPED : KEPT;
    default: return index < state - 4 ? KEPT : DROPPED;
    }
}

/* How many there are beside the trial itself; a single write is dropped, kept or torn. */
static size_t states_of(size_t writes)
{
    return writes == 0 ? 0 : writes == 1 ? 2 : 4 + writes - 2;
}

void trials_of_disk(struct sweep *sweep, const struct trial *trial, const struct made *writes,
                    size_t count)
{
    size_t states = states_of(count), bound = sweep->setup->disk_states - 1;
    struct trial next = *trial;
    if (states > bound) {
        sweep->certificate->pruned[PRUNED_DISK] += states - bound;
        states = bound;
    }
    struct disk_fate *fates = calloc(trial->fate_count + count + 1, sizeof *fates);
    if (!fates)
        abort();
    if (trial->fate_count)
        memcpy(fates, trial->fates, trial->fate_count * sizeof *fates);
    next.fates = fates;
    for (size_t state = 1; state <= states; state++) {
        next.fate_count = trial->fate_count;
        for (size_t i = 0; i < count; i++) {
            uint64_t value = fate_of(state, i, count);
            if (value >= writes[i].n) /* a truncation is not torn */
                value = writes[i].n - 1;
            if (value)
                fates[next.fate_count++] = (struct disk_fate){writes[i].choice, value};
        }
        for (size_t i = trial->fate_count; i < next.fate_count; i++)
            fates[i].choice.name = "disk/write/loss"; /* outlives the recording */
        next.is_disk_state = true;
        add(sweep, &next);
        sweep->certificate->disk_states++;
    }
    free(fates);
}
