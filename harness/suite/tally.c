/* tally.c: counting, and the verdict at the end. See tally.h. */
#include "harness/suite/tally_internal.h"

#include <xxhash.h>

void tally_free(struct tally *tally)
{
    if (!tally)
        return;
    size_t kept = tally->suite ? tally->suite->failure_count : 0;
    for (size_t i = 0; i < kept; i++)
        free(tally->kept[i].folder);
    if (tally->suite)
        suite_free(tally->suite);
    json_decref(tally->head);
    words_done(&tally->extras.faults);
    words_done(&tally->extras.properties);
    free(tally->program);
    free(tally->slots);
    free(tally->promises);
    free(tally->rows);
    free(tally->entries);
    free(tally->kept);
    free(tally);
}

const struct suite *tally_suite(const struct tally *tally)
{
    return tally->suite;
}

/* ---- counting ---- */

static void remember(struct tally *tally, const struct result *result)
{
    if (tally->entry_count == tally->entry_room) {
        tally->entry_room = tally->entry_room * 2 + 64;
        tally->entries = must(realloc(tally->entries, tally->entry_room * sizeof *tally->entries));
    }
    struct entry *entry = &tally->entries[tally->entry_count++];
    *entry = (struct entry){
        .index = result->run.index,
        .canary = result->run.canary,
        .outcome = result->outcome,
        .events = result->events,
    };
    memcpy(entry->fingerprint, result->fingerprint, sizeof entry->fingerprint);
}

static void count_points(struct suite *suite, const struct result *result)
{
    for (size_t i = 0; i < result->point_count; i++) {
        const struct result_point *from = &result->points[i];
        if (from->id >= suite->point_count)
            continue;
        struct report_point *to = &suite->points[from->id];
        to->hits += from->hits;
        for (size_t kind = 0; kind < FAULT_KIND_COUNT; kind++)
            to->injected[kind] += from->injected[kind];
    }
}

static void count_nemeses(struct suite *suite, const struct result *result)
{
    for (size_t i = 0; i < result->nemesis_count && i < suite->nemesis_count; i++) {
        struct report_nemesis *to = &suite->nemeses[i];
        to->asked += result->nemeses[i].asked;
        to->made += result->nemeses[i].made;
        to->refused += result->nemeses[i].refused;
        to->healed += result->nemeses[i].healed;
    }
}

static void count_promises(struct tally *tally, const struct result *result)
{
    size_t first = tally->promises[result->run.scenario];
    size_t count = tally->promises[result->run.scenario + 1] - first;
    for (size_t i = 0; i < count; i++) {
        struct report_promise *promise = &tally->suite->promises[first + i];
        promise->runs++;
        if (i >= result->promise_count)
            continue;
        promise->kept += result->promises[i].kept;
        promise->late += result->promises[i].late;
        if (tally->rows[first + i] == SIZE_MAX)
            continue;
        struct report_nemesis *row = &tally->suite->nemeses[tally->rows[first + i]];
        row->asked += result->promises[i].kept;
        row->made += result->promises[i].kept;
    }
}

static void count_check(struct tally *tally, const struct result_check *check)
{
    struct slot *slot = &tally->slots[check->property];
    slot->judged = true;
    if (slot->sometimes) {
        tally->suite->sometimes[slot->index].met |= check->met;
        return;
    }
    struct report_property *property = &tally->suite->properties[slot->index];
    property->checked += check->checked;
    if (check->failed)
        property->failed++;
    else if (check->checked)
        property->held++;
    else
        property->vacuous++;
}

static void count_note(struct tally *tally, const struct result_note *note)
{
    const struct slot *slot = &tally->slots[note->property];
    if (slot->sometimes)
        return;
    struct report_property *property = &tally->suite->properties[slot->index];
    size_t i = 0;
    while (i < property->note_count && strcmp(property->notes[i].what, note->what) != 0)
        i++;
    if (i == property->note_count) {
        property->notes = must(realloc(property->notes, (i + 1) * sizeof *property->notes));
        property->notes[property->note_count++] = (struct report_note){.what = strdup(note->what)};
    }
    property->notes[i].times += note->times;
}

/* A canary is caught by a property; a crash proves nothing. */
static void count_canary(struct suite *suite, const struct result *result)
{
    suite->canary_runs++;
    if (result->outcome == OUTCOME_SAFETY || result->outcome == OUTCOME_LIVENESS)
        suite->canary_caught++;
}

static void count(struct tally *tally, const struct result *result)
{
    struct suite *suite = tally->suite;
    struct report_scenario *scenario = &suite->scenarios[result->run.scenario];
    remember(tally, result);
    scenario->runs++;
    scenario->failed += result->outcome != OUTCOME_PASS;
    suite->runs += !result->run.canary;
    suite->events += result->events;
    suite->sim_ns += result->sim_ns;
    if (scenario->must_fail) {
        count_canary(suite, result);
        return; /* its failures would only blur the tables */
    }
    suite->failed_runs += result->outcome != OUTCOME_PASS;
    tally->harness_failed |= result->outcome == OUTCOME_HARNESS;
    tally->liveness_failed |= result->outcome == OUTCOME_LIVENESS;
    tally->safety_failed |= result->outcome == OUTCOME_SAFETY || result->outcome == OUTCOME_CRASH;
    count_points(suite, result);
    count_nemeses(suite, result);
    count_promises(tally, result);
    for (size_t i = 0; i < result->check_count; i++)
        if (result->checks[i].property < tally->slot_count)
            count_check(tally, &result->checks[i]);
    for (size_t i = 0; i < result->note_count; i++)
        if (result->notes[i].property < tally->slot_count)
            count_note(tally, &result->notes[i]);
}

/* Its first execution is among the newest. */
static const struct entry *find_first(const struct tally *tally, const struct plan_run *run)
{
    for (size_t i = tally->entry_count; i-- > 0;)
        if (tally->entries[i].index == run->index && tally->entries[i].canary == run->canary)
            return &tally->entries[i];
    return NULL;
}

static bool compare(struct tally *tally, const struct result *again)
{
    const struct entry *first = find_first(tally, &again->run);
    if (!first)
        return true;
    bool same = first->outcome == again->outcome && first->events == again->events &&
                strcmp(first->fingerprint, again->fingerprint) == 0;
    tally->suite->verified += !again->run.canary; /* of `runs`, which has no canary either */
    tally->harness_failed |= !same;
    return same;
}

bool tally_add(struct tally *tally, const struct result *result)
{
    if (result->run.scenario >= tally->suite->scenario_count)
        return true;
    if (result->again)
        return compare(tally, result);
    count(tally, result);
    return true;
}

void tally_harness_failed(struct tally *tally)
{
    tally->harness_failed = true;
}

/* ---- the end ---- */

static int by_index(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->canary != y->canary)
        return x->canary ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* In run order, so that it does not matter which worker was faster. */
static void suite_fingerprint(struct tally *tally)
{
    XXH3_state_t *state = must(XXH3_createState());
    XXH3_128bits_reset(state);
    if (tally->entry_count)
        qsort(tally->entries, tally->entry_count, sizeof *tally->entries, by_index);
    for (size_t i = 0; i < tally->entry_count; i++)
        XXH3_128bits_update(state, tally->entries[i].fingerprint,
                            sizeof tally->entries->fingerprint);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    for (size_t i = 0; i < sizeof canonical.digest; i++)
        snprintf(&tally->suite->fingerprint[2 * i], 3, "%02x", canonical.digest[i]);
    XXH3_freeState(state);
}

static int by_kind(const void *a, const void *b)
{
    const struct report_failure *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    if (!order)
        order = strcmp(x->property, y->property);
    if (!order)
        order = (x->event > y->event) - (x->event < y->event);
    return order ? order : (x->seed > y->seed) - (x->seed < y->seed);
}

static bool missed_sometimes(const struct tally *tally)
{
    if (!tally->whole || tally->suite->runs < TALLY_SOMETIMES_RUNS)
        return false;
    for (size_t i = 0; i < tally->slot_count; i++) {
        const struct slot *slot = &tally->slots[i];
        if (!slot->sometimes || !slot->judged)
            continue;
        const struct report_sometimes *sometimes = &tally->suite->sometimes[slot->index];
        if (!sometimes->met && !sometimes->rare)
            return true;
    }
    return false;
}

static bool broke_promise(const struct tally *tally)
{
    for (size_t i = 0; tally->suite->strict_faults && i < tally->suite->promise_count; i++)
        if (report_promise_broken(&tally->suite->promises[i]))
            return true;
    return false;
}

static enum outcome decide(const struct tally *tally)
{
    const struct suite *suite = tally->suite;
    if (tally->harness_failed || suite->canary_caught < suite->canary_runs)
        return OUTCOME_HARNESS;
    if (tally->safety_failed || missed_sometimes(tally) || broke_promise(tally))
        return OUTCOME_SAFETY;
    return tally->liveness_failed ? OUTCOME_LIVENESS : OUTCOME_PASS;
}

/* What no run judged, since others were chosen or nothing here can record what it is about, is not
 * spoken of. */
static void drop_unjudged(struct tally *tally)
{
    struct suite *suite = tally->suite;
    size_t properties = 0, sometimes = 0;
    for (size_t i = 0; i < tally->slot_count; i++) {
        const struct slot *slot = &tally->slots[i];
        if (slot->sometimes && slot->judged) {
            suite->sometimes[sometimes++] = suite->sometimes[slot->index];
        } else if (slot->judged) {
            suite->properties[properties++] = suite->properties[slot->index];
        } else if (slot->sometimes) {
            free(suite->sometimes[slot->index].name);
        } else {
            report_property_done(&suite->properties[slot->index]);
        }
    }
    suite->property_count = properties;
    suite->sometimes_count = sometimes;
}

struct suite *tally_finish(struct tally *tally, bool interrupted, int64_t wall_ns)
{
    struct suite *suite = tally->suite;
    for (size_t i = 0; i < suite->failure_count; i++)
        free(tally->kept[i].folder);
    qsort(suite->failures, suite->failure_count, sizeof *suite->failures, by_kind);
    suite_fingerprint(tally);
    suite->interrupted = interrupted;
    suite->wall_ns = wall_ns;
    suite->empty = suite->runs == 0 && suite->canary_runs == 0;
    suite->outcome = decide(tally);
    drop_unjudged(tally);
    tally->suite = NULL;
    return suite;
}
