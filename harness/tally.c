/* tally.c: see tally.h. */
#define _GNU_SOURCE /* asprintf */
#include "harness/tally.h"

#include "harness/failure.h"
#include "harness/rundir.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A first run, as its verifying one is compared with it. */
struct entry {
    uint64_t index;
    bool canary;
    enum outcome outcome;
    uint64_t events;
    char fingerprint[33];
};

/* Beside each of suite->failures. */
struct kept {
    uint64_t events; /* of the run: the shorter, the better */
    char *folder;
    bool pinned;     /* never given up */
};

/* Where the counts of a property go. */
struct slot {
    bool sometimes;
    size_t index;
    bool judged; /* by any run */
};

struct tally {
    struct suite *suite;
    json_t *head;
    bool live, whole;
    bool harness_failed, safety_failed, liveness_failed;
    char *program;
    struct extras extras; /* words point into head */
    struct slot *slots;   /* per property number */
    size_t slot_count;
    struct entry *entries;
    size_t entry_count, entry_room;
    struct kept *kept;
};

static void *must(void *pointer)
{
    if (!pointer)
        abort();
    return pointer;
}

/* ---- the head ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void take_words(const json_t *array, struct words *words)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_is_string(json_array_get(array, i)))
            words_add(words, json_string_value(json_array_get(array, i)));
}

static void take_scenarios(struct suite *suite, const json_t *array)
{
    suite->scenario_count = json_array_size(array);
    suite->scenarios = must(calloc(suite->scenario_count + 1, sizeof *suite->scenarios));
    for (size_t i = 0; i < suite->scenario_count; i++) {
        const json_t *row = json_array_get(array, i);
        suite->scenarios[i] = (struct report_scenario){
            .name = strdup(text_of(row, "name")),
            .path = strdup(text_of(row, "path")),
            .must_fail = json_is_true(json_object_get(row, "must_fail")),
        };
    }
}

static void take_points(struct suite *suite, const json_t *array)
{
    suite->point_count = json_array_size(array);
    suite->points = must(calloc(suite->point_count + 1, sizeof *suite->points));
    for (size_t i = 0; i < suite->point_count; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        suite->points[i].name = strdup(name ? name : "");
    }
}

static void take_properties(struct tally *tally, const json_t *array)
{
    struct suite *suite = tally->suite;
    size_t count = json_array_size(array);
    tally->slot_count = count;
    tally->slots = must(calloc(count + 1, sizeof *tally->slots));
    suite->properties = must(calloc(count + 1, sizeof *suite->properties));
    suite->sometimes = must(calloc(count + 1, sizeof *suite->sometimes));
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(array, i);
        struct slot *slot = &tally->slots[i];
        slot->sometimes = json_is_true(json_object_get(row, "sometimes"));
        slot->index = slot->sometimes ? suite->sometimes_count++ : suite->property_count++;
        if (slot->sometimes)
            suite->sometimes[slot->index] = (struct report_sometimes){
                .name = strdup(text_of(row, "name")),
                .rare = json_is_true(json_object_get(row, "rare")),
            };
        else
            suite->properties[slot->index] = (struct report_property){
                .id = strdup(text_of(row, "id")),
                .name = strdup(text_of(row, "name")),
            };
    }
}

struct tally *tally_new(const char *dir, bool live, const char *line, size_t length)
{
    json_t *head = json_loadb(line, length, 0, NULL);
    if (json_integer_value(json_object_get(head, "duress results")) != 1) {
        json_decref(head);
        return NULL;
    }
    struct tally *tally = must(calloc(1, sizeof *tally));
    struct suite *suite = tally->suite = must(calloc(1, sizeof *suite));
    tally->head = head;
    tally->live = live;
    tally->whole = json_is_true(json_object_get(head, "whole"));
    tally->program = strdup(text_of(head, "program"));
    take_words(json_object_get(head, "faults"), &tally->extras.faults);
    take_words(json_object_get(head, "only"), &tally->extras.properties);
    suite->dir = strdup(dir);
    suite->seed = strtoull(text_of(head, "seed"), NULL, 0);
    suite->options = strdup(text_of(head, "options"));
    take_scenarios(suite, json_object_get(head, "scenarios"));
    take_points(suite, json_object_get(head, "points"));
    take_properties(tally, json_object_get(head, "properties"));
    suite->failures = must(calloc(KEEP_MAX, sizeof *suite->failures));
    tally->kept = must(calloc(KEEP_MAX, sizeof *tally->kept));
    return tally;
}

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
        tally->entries =
            must(realloc(tally->entries, tally->entry_room * sizeof *tally->entries));
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
    for (size_t i = 0; i < result->check_count; i++)
        if (result->checks[i].property < tally->slot_count)
            count_check(tally, &result->checks[i]);
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
    tally->suite->verified++;
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

/* ---- keeping failures ---- */

bool tally_failed(const struct tally *tally, const struct result *result)
{
    return result->outcome != OUTCOME_PASS &&
           !tally->suite->scenarios[result->run.scenario].must_fail;
}

static bool of_a_kind(const struct tally *tally, size_t i, const struct result *result)
{
    const struct report_failure *failure = &tally->suite->failures[i];
    return strcmp(failure->path, tally->suite->scenarios[result->run.scenario].path) == 0 &&
           strcmp(failure->property, result->property) == 0;
}

/* Where it would go: a free place, or that of the longest one of its kind; KEEP_MAX: nowhere. */
static size_t find_place(const struct tally *tally, const struct result *result)
{
    size_t kind = 0, longest = KEEP_MAX, kept = tally->suite->failure_count;
    for (size_t i = 0; i < kept; i++) {
        if (tally->kept[i].pinned || !of_a_kind(tally, i, result))
            continue;
        kind++;
        if (longest == KEEP_MAX || tally->kept[i].events > tally->kept[longest].events)
            longest = i;
    }
    if (kind < KEEP_OF_A_KIND_MAX && kept < KEEP_MAX)
        return kept;
    return longest < KEEP_MAX && result->events < tally->kept[longest].events ? longest : KEEP_MAX;
}

bool tally_wants(const struct tally *tally, const struct result *result)
{
    return tally_failed(tally, result) && find_place(tally, result) < KEEP_MAX;
}

static void delete_folder(const struct tally *tally, const char *folder)
{
    if (!tally->live)
        return;
    char *path = path_join(tally->suite->dir, folder);
    path_delete(path);
    free(path);
}

static void give_up(struct tally *tally, size_t place)
{
    delete_folder(tally, tally->kept[place].folder);
    free(tally->kept[place].folder);
    failure_done(&tally->suite->failures[place]);
}

static const struct report_failure *put(struct tally *tally, size_t place,
                                        const struct result *result, char *folder, bool pinned)
{
    struct suite *suite = tally->suite;
    const struct report_scenario *scenario = &suite->scenarios[result->run.scenario];
    const struct failure_source source = {scenario->name, scenario->path, tally->program,
                                          &tally->extras};
    if (place < suite->failure_count)
        give_up(tally, place);
    else
        suite->failure_count++;
    tally->kept[place] = (struct kept){result->events, folder, pinned};
    failure_of_result(&suite->failures[place], result, &source);
    failure_find_files(&suite->failures[place], suite->dir, folder);
    return &suite->failures[place];
}

const struct report_failure *tally_keep(struct tally *tally, const struct result *result)
{
    size_t place = tally_failed(tally, result) ? find_place(tally, result) : KEEP_MAX;
    char *folder = failure_folder(&result->run);
    if (place < KEEP_MAX)
        return put(tally, place, result, folder, false);
    delete_folder(tally, folder);
    free(folder);
    return NULL;
}

const struct report_failure *tally_keep_differing(struct tally *tally, const struct result *result,
                                                  const char *message)
{
    size_t place = tally->suite->failure_count;
    if (place == KEEP_MAX)
        for (place = 0; place < KEEP_MAX - 1 && tally->kept[place].pinned;)
            place++;
    struct result differing = *result;
    differing.outcome = OUTCOME_HARNESS;
    snprintf(differing.property, sizeof differing.property, "nondeterminism");
    snprintf(differing.message, sizeof differing.message, "%s", message);
    return put(tally, place, &differing, failure_folder(&result->run), true);
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
        XXH3_128bits_update(state, tally->entries[i].fingerprint, sizeof tally->entries->fingerprint);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    for (size_t i = 0; i < sizeof canonical.digest; i++)
        snprintf(&tally->suite->fingerprint[2 * i], 3, "%02x", canonical.digest[i]);
    XXH3_freeState(state);
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

static enum outcome decide(const struct tally *tally)
{
    const struct suite *suite = tally->suite;
    if (tally->harness_failed || suite->canary_caught < suite->canary_runs)
        return OUTCOME_HARNESS;
    if (tally->safety_failed || missed_sometimes(tally))
        return OUTCOME_SAFETY;
    return tally->liveness_failed ? OUTCOME_LIVENESS : OUTCOME_PASS;
}

struct suite *tally_finish(struct tally *tally, bool interrupted, int64_t wall_ns)
{
    struct suite *suite = tally->suite;
    for (size_t i = 0; i < suite->failure_count; i++)
        free(tally->kept[i].folder);
    suite_fingerprint(tally);
    suite->interrupted = interrupted;
    suite->wall_ns = wall_ns;
    suite->empty = suite->runs == 0 && suite->canary_runs == 0;
    suite->outcome = decide(tally);
    tally->suite = NULL;
    return suite;
}

/* ---- reading back ---- */

static void read_result(struct tally *tally, const char *line, size_t length)
{
    struct result result;
    if (result_read(line, length, &result))
        return;
    bool known = result.run.scenario < tally->suite->scenario_count;
    bool same = tally_add(tally, &result);
    if (!same)
        tally_keep_differing(tally, &result, "two executions of this run differ");
    else if (known && !result.again && tally_wants(tally, &result))
        tally_keep(tally, &result);
    result_done(&result);
}

/* A last line without its newline was being written when the run was killed. */
static bool next_line(FILE *in, char **line, size_t *room, size_t *ret_length)
{
    ssize_t length = getline(line, room, in);
    *ret_length = (size_t)length;
    return length > 0 && (*line)[length - 1] == '\n';
}

struct suite *tally_read(const char *dir, char *why, size_t why_size)
{
    char *path = path_join(dir, "results.jsonl"), *line = NULL;
    size_t room = 0, length = 0;
    FILE *in = fopen(path, "re");
    struct tally *tally = NULL;
    struct suite *suite = NULL;
    if (!in) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
    } else if (next_line(in, &line, &room, &length)) {
        tally = tally_new(dir, false, line, length);
    }
    if (in && !tally)
        snprintf(why, why_size, "%s: not the results of a duress run", path);
    while (tally && next_line(in, &line, &room, &length))
        read_result(tally, line, length);
    if (tally)
        suite = tally_finish(tally, true, 0);
    if (in)
        fclose(in);
    tally_free(tally);
    free(line);
    free(path);
    return suite;
}
