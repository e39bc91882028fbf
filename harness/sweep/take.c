/* take.c: what the result of a trial adds to the certificate, and which trials follow from it. */
#include "harness/sweep/internal.h"

#include <stdlib.h>
#include <string.h>

/* How long the world is under fire: as long as the reference run takes, and a minute, so that what persists outlasts
 * deadlines and leases even if it begins at the end; at least two minutes. */
#define SAFETY_MORE_NS INT64_C(60000000000)
#define SAFETY_MIN_NS  INT64_C(120000000000)

/* ---- what came with a result ---- */

/* What came with a result: all that a child told. */
struct news {
    struct told told;
    struct hit_count *hits;
    struct recording recording;
};

/* false: it crashed, nothing is known. */
static bool news_read(const struct lab_result *result, struct news *ret_news)
{
    struct told told;
    if (!result->told || result->told_size < sizeof told)
        return false;
    memcpy(&told, result->told, sizeof told);
    const char *at = result->told + sizeof told;
    size_t left = result->told_size - sizeof told, size = told.counts * sizeof(struct hit_count);
    if (left < size)
        return false;
    struct news news = {.told = told, .hits = malloc(size + 1)};
    if (!news.hits)
        abort();
    memcpy(news.hits, at, size);
    if (recording_read(at + size, left - size, &news.recording)) {
        free(news.hits);
        return false;
    }
    *ret_news = news;
    return true;
}

static void news_done(struct news *news)
{
    free(news->hits);
    recording_done(&news->recording);
}

static bool was_injected(const struct result *result, uint32_t point, enum fault_kind kind)
{
    if (result->outcome == OUTCOME_CRASH)
        return true;
    for (size_t i = 0; i < result->point_count; i++)
        if (result->points[i].id == point)
            return result->points[i].injected[kind] > 0;
    return false;
}

static void note_failure(struct sweep *sweep, const struct trial *trial, uint64_t number,
                         const struct result *result)
{
    struct certificate *certificate = sweep->certificate;
    const struct trial_fault *last = &trial->faults[trial->count - 1];
    certificate->failed++;
    for (size_t i = 0; i < certificate->failure_count; i++) {
        struct sweep_failure *old = &certificate->failures[i];
        if (strcmp(old->property, result->property) == 0 &&
            sweep->culprits[i].point == last->hit.point && sweep->culprits[i].kind == last->kind) {
            old->times++;
            return;
        }
    }
    size_t count = certificate->failure_count++;
    certificate->failures =
        realloc(certificate->failures, (count + 1) * sizeof *certificate->failures);
    sweep->culprits = realloc(sweep->culprits, (count + 1) * sizeof *sweep->culprits);
    if (!certificate->failures || !sweep->culprits)
        abort();
    struct sweep_failure *failure = &certificate->failures[count];
    *failure = (struct sweep_failure){
        .outcome = result->outcome, .trial = trial_describe(sweep, trial), .times = 1};
    memcpy(failure->property, result->property, sizeof failure->property);
    memcpy(failure->message, result->message, sizeof failure->message);
    sweep->culprits[count] =
        (struct culprit){.trial = number, .point = last->hit.point, .kind = last->kind};
}

static void digest_result(struct sweep *sweep, uint64_t hash, const struct result *result)
{
    uint64_t outcome = result->outcome;
    XXH3_128bits_update(sweep->digest, &hash, sizeof hash);
    XXH3_128bits_update(sweep->digest, &outcome, sizeof outcome);
    XXH3_128bits_update(sweep->digest, result->fingerprint, strlen(result->fingerprint));
}

/* New trials that follow from one that held. */
static void go_on_from(struct sweep *sweep, const struct trial *trial, const struct news *news)
{
    const struct trial_fault *last = &trial->faults[trial->count - 1];
    size_t losses = (size_t)news->told.losses;
    const struct made *made = news->recording.made;
    if (sweep->setup->kinds[last->kind].kind == FAULT_POWEROFF && !trial->is_disk_state)
        trials_of_disk(sweep, trial, made, losses);
    take_hits(sweep, trial, news->told.shape, news->hits, (size_t)news->told.counts);
    sweep->certificate->pair_candidates += news->told.candidates;
    trials_of_pairs(sweep, trial, made + losses, news->recording.made_count - losses);
}

/* Counts a trial of single faults in its cell, and goes on from what it hit. */
static void take_single(struct sweep *sweep, const struct trial *trial,
                        const struct lab_result *result)
{
    struct certificate *certificate = sweep->certificate;
    const struct trial_fault *last = &trial->faults[trial->count - 1];
    enum fault_kind kind = sweep->setup->kinds[last->kind].kind;
    struct sweep_cell *cell =
        &certificate->cells[last->hit.point * certificate->kind_count + last->kind];
    struct news news;
    bool fired = was_injected(&result->result, last->hit.point, kind);
    bool passed = result->result.outcome == OUTCOME_PASS;
    cell->tried++;
    cell->fired += fired;
    cell->failed += !passed;
    certificate->persistent += last->persistent;
    if (!news_read(result, &news))
        return;
    cell->silent += fired && passed && news.told.shape == trial->shape;
    if (passed)
        go_on_from(sweep, trial, &news);
    news_done(&news);
}

/* Another run of the trial that was taken last. */
static void take_check(struct sweep *sweep, const struct trial *trial, const struct result *result)
{
    const struct result *last = &sweep->last;
    sweep->certificate->checked++;
    if (sweep->unsteady[0] ||
        (result->outcome == last->outcome && strcmp(result->fingerprint, last->fingerprint) == 0))
        return;
    char *what = trial_describe(sweep, trial);
    snprintf(sweep->unsteady, sizeof sweep->unsteady,
             "%s: from the start it gives fingerprint %s, as a branch %s", what,
             result->fingerprint, last->fingerprint);
    free(what);
}

void sweep_take(struct sweep *sweep, uint64_t number, const struct lab_result *result)
{
    const struct trial trial = sweep->trials.items[number];
    struct certificate *certificate = sweep->certificate;
    certificate->runs++;
    if (trial.is_check) {
        take_check(sweep, &trial, &result->result);
        return;
    }
    sweep->last.outcome = result->result.outcome;
    memcpy(sweep->last.fingerprint, result->result.fingerprint, sizeof sweep->last.fingerprint);
    digest_result(sweep, trial_hash(sweep, &trial), &result->result);
    if (result->result.outcome != OUTCOME_PASS)
        note_failure(sweep, &trial, number, &result->result);
    if (trial.is_pair)
        certificate->pairs++;
    else
        take_single(sweep, &trial, result);
}

/* ---- the reference run ---- */

void sweep_take_reference(struct sweep *sweep, const struct lab_result *result)
{
    struct certificate *certificate = sweep->certificate;
    struct news news;
    if (!news_read(result, &news))
        abort();
    int64_t safety = result->result.sim_ns + SAFETY_MORE_NS;
    sweep->safety_ns = safety > SAFETY_MIN_NS ? safety : SAFETY_MIN_NS;
    if (sweep->safety_ns >= sweep->setup->scenario->safety_ns)
        sweep->safety_ns = 0;
    certificate->reference_events = result->result.events;
    memcpy(certificate->fingerprint, result->result.fingerprint, sizeof certificate->fingerprint);
    for (size_t i = 0; i < news.told.counts; i++)
        reached_of(sweep, &news.hits[i])->reference = news.hits[i].count;
    take_hits(sweep, &(struct trial){.count = 0}, news.told.shape, news.hits,
              (size_t)news.told.counts);
    certificate->reference_hits = certificate->hits;
    news_done(&news);
}
