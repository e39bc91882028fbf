/* sweep.c: the loop of a sweep. See sweep.h for what is tried, sweep_internal.h for the other files. */
#include "harness/sweep_internal.h"

#include "harness/clock.h"
#include "harness/interrupt.h"
#include "harness/rundir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD_MAX = 256, KEPT_MAX = 20 };

#define SAFETY_MIN_NS INT64_C(120000000000)

/* ---- results ---- */

/* What came with a result: all that a child told. false: it crashed, nothing is known. */
static bool read_told(const struct lab_result *result, struct told *ret_told,
                      struct recording *ret_recording)
{
    if (!result->told || result->told_size < sizeof *ret_told)
        return false;
    memcpy(ret_told, result->told, sizeof *ret_told);
    return recording_read(result->told + sizeof *ret_told, result->told_size - sizeof *ret_told,
                          ret_recording) == 0;
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

/* One hit that nobody had met before. */
static void new_hit(struct sweep *sweep, const struct trial *context, const struct hit_id *hit,
                    uint64_t shape)
{
    struct certificate *certificate = sweep->certificate;
    if (context->count >= sweep->setup->depth) {
        certificate->pruned[PRUNED_DEPTH]++;
    } else {
        certificate->hits++;
        certificate->point_hits[hit->point]++;
        trials_of_hit(sweep, context, hit, shape);
    }
}

static void take_hits(struct sweep *sweep, const struct trial *context, uint64_t shape,
                      const struct made *made, size_t count)
{
    struct trial copy = *context; /* the array of trials will grow */
    struct hit_id hit;
    for (size_t i = 0; i < count; i++) {
        if (!hit_of_made(&made[i], &hit))
            continue;
        if (is_beyond(sweep, &hit.choice))
            known_add(&sweep->beyond, reach_hash(&hit.choice), hit.choice.ordinal);
        else if (known_add(&sweep->hits, hit_hash(&hit.choice), 0))
            new_hit(sweep, &copy, &hit, shape);
    }
}

/* Hits of one point, node and key have consecutive ordinals, so the highest one tells how many there are. */
static uint64_t count_beyond(const struct sweep *sweep)
{
    uint64_t count = 0;
    for (const struct known *known = sweep->beyond; known; known = known->hh.next) {
        uint64_t reached = 0;
        known_has(sweep->reach, known->id, &reached);
        count += known->ordinal - reached - sweep->setup->beyond;
    }
    return count;
}

static void digest_result(struct sweep *sweep, uint64_t hash, const struct result *result)
{
    uint64_t outcome = result->outcome;
    XXH3_128bits_update(sweep->digest, &hash, sizeof hash);
    XXH3_128bits_update(sweep->digest, &outcome, sizeof outcome);
    XXH3_128bits_update(sweep->digest, result->fingerprint, strlen(result->fingerprint));
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
    struct told told;
    struct recording recording;
    bool fired = was_injected(&result->result, last->hit.point, kind);
    cell->tried++;
    cell->fired += fired;
    cell->failed += result->result.outcome != OUTCOME_PASS;
    certificate->persistent += last->persistent;
    if (!read_told(result, &told, &recording))
        return;
    cell->silent += fired && result->result.outcome == OUTCOME_PASS && told.shape == trial->shape;
    if (result->result.outcome == OUTCOME_PASS) {
        struct trial copy = *trial;
        if (kind == FAULT_POWEROFF && !trial->is_disk_state)
            trials_of_disk(sweep, &copy, recording.made, (size_t)told.losses);
        take_hits(sweep, &copy, told.shape, recording.made + told.losses,
                  recording.made_count - (size_t)told.losses);
    }
    recording_done(&recording);
}

static void take_scout(struct sweep *sweep, const struct trial *trial,
                       const struct lab_result *result)
{
    struct told told;
    struct recording recording;
    if (!read_told(result, &told, &recording))
        return;
    trials_of_pairs(sweep, trial, recording.made + told.losses,
                    recording.made_count - (size_t)told.losses);
    recording_done(&recording);
}

static void take(struct sweep *sweep, uint64_t number, const struct lab_result *result)
{
    const struct trial trial = sweep->trials[number];
    struct certificate *certificate = sweep->certificate;
    certificate->runs++;
    if (trial.is_scout) {
        take_scout(sweep, &trial, result);
        return;
    }
    digest_result(sweep, trial_hash(sweep, &trial), &result->result);
    if (result->result.outcome != OUTCOME_PASS)
        note_failure(sweep, &trial, number, &result->result);
    if (trial.is_pair)
        certificate->pairs++;
    else
        take_single(sweep, &trial, result);
}

/* ---- the loop ---- */

/* What the tape of a trial shall record. */
static unsigned records_of(const struct sweep *sweep, const struct trial *trial)
{
    if (trial->is_pair)
        return 0;
    const struct trial_fault *last = &trial->faults[trial->count - 1];
    bool power_loss = sweep->setup->kinds[last->kind].kind == FAULT_POWEROFF;
    return RECORD_HITS |
           (power_loss && !trial->is_disk_state ? RECORD_CHOICES | RECORD_SIMPLEST : 0);
}

static void early_add(struct sweep *sweep, uint64_t number, const struct lab_result *result,
                      bool from_file)
{
    struct early *early = calloc(1, sizeof *early);
    if (!early)
        abort();
    *early = (struct early){.number = number, .result = *result, .from_file = from_file};
    HASH_ADD(hh, sweep->early, number, sizeof early->number, early);
}

static void early_free(struct sweep *sweep, struct early *early)
{
    HASH_DEL(sweep->early, early);
    lab_result_done(&early->result);
    free(early);
}

/* Gives out trials, as long as results do not run too far ahead. */
static void submit_some(struct sweep *sweep)
{
    while (sweep->submitted < sweep->trial_count && sweep->submitted < sweep->taken + AHEAD_MAX) {
        uint64_t number = sweep->submitted++;
        const struct trial *trial = &sweep->trials[number];
        struct lab_result known;
        if (!trial->is_scout && sweep_file_next(sweep->file, trial_hash(sweep, trial), &known)) {
            early_add(sweep, number, &known, true);
            continue;
        }
        lab_submit(sweep->lab, &(struct lab_task){.tape = trial_tape(sweep, trial),
                                                  .record = records_of(sweep, trial),
                                                  .tag = (void *)(uintptr_t)number});
    }
}

/* Takes the results whose turn it is. 0 or -errno: the state cannot be written. */
static int take_some(struct sweep *sweep)
{
    for (;;) {
        struct early *early;
        HASH_FIND(hh, sweep->early, &sweep->taken, sizeof sweep->taken, early);
        if (!early)
            return 0;
        const struct trial *trial = &sweep->trials[sweep->taken];
        int err = 0;
        if (!early->from_file && !trial->is_scout)
            err = sweep_file_append(sweep->file, trial_hash(sweep, trial), &early->result);
        take(sweep, sweep->taken++, &early->result);
        early_free(sweep, early);
        if (sweep->setup->progress)
            sweep->setup->progress(sweep->setup->progress_ctx, sweep);
        if (err)
            return err;
    }
}

/* Until all trials are taken. 1: time to stop. */
static int loop(struct sweep *sweep)
{
    while (sweep->taken < sweep->trial_count) {
        struct lab_result result;
        submit_some(sweep);
        int err = take_some(sweep);
        if (err)
            return err;
        if (lab_busy(sweep->lab) == 0)
            continue;
        if (!lab_next(sweep->lab, &result))
            return 1;
        early_add(sweep, (uint64_t)(uintptr_t)result.tag, &result, false);
    }
    return 0;
}

/* ---- the reference run ---- */

static void take_reference(struct sweep *sweep, const struct lab_result *result)
{
    struct certificate *certificate = sweep->certificate;
    struct told told;
    struct recording recording;
    struct hit_id hit;
    if (!read_told(result, &told, &recording))
        abort();
    const struct made *hits = recording.made + told.losses;
    size_t count = recording.made_count - (size_t)told.losses;
    int64_t safety = 2 * result->result.sim_ns;
    sweep->safety_ns = safety > SAFETY_MIN_NS ? safety : SAFETY_MIN_NS;
    if (sweep->safety_ns >= sweep->setup->scenario->safety_ns)
        sweep->safety_ns = 0;
    certificate->reference_events = result->result.events;
    memcpy(certificate->fingerprint, result->result.fingerprint, sizeof certificate->fingerprint);
    for (size_t i = 0; i < count; i++)
        if (hit_of_made(&hits[i], &hit))
            known_add(&sweep->reach, reach_hash(&hit.choice), hit.choice.ordinal);
    take_hits(sweep, &(struct trial){.count = 0}, told.shape, hits, count);
    certificate->reference_hits = certificate->hits;
    recording_done(&recording);
}

static enum sweep_end reference(struct sweep *sweep, char *why, size_t why_size)
{
    struct lab_result results[2];
    const struct trial none = {.count = 0};
    enum sweep_end end = SWEEP_DONE;
    sweep->tell_all = true;
    for (int i = 0; i < 2; i++) {
        if (!lab_run(sweep->lab,
                     &(struct lab_task){.tape = trial_tape(sweep, &none), .record = RECORD_HITS},
                     &results[i])) {
            if (i)
                lab_result_done(&results[0]);
            snprintf(why, why_size, "stopped before the reference run was over");
            return SWEEP_STOPPED;
        }
        sweep->certificate->runs++;
    }
    sweep->tell_all = false;
    if (results[0].result.outcome != OUTCOME_PASS) {
        snprintf(why, why_size, "without any fault: %s: %s", results[0].result.property,
                 results[0].result.message);
        end = SWEEP_UNFIT;
    } else if (!result_same(&results[0].result, &results[1].result)) {
        snprintf(why, why_size, "two runs without a fault differ: fingerprints %s and %s",
                 results[0].result.fingerprint, results[1].result.fingerprint);
        end = SWEEP_UNSTEADY;
    } else {
        take_reference(sweep, &results[0]);
    }
    lab_result_done(&results[0]);
    lab_result_done(&results[1]);
    return end;
}

/* ---- the whole ---- */

/* A trial again for each that may be the first of a pair. */
static void add_scouts(struct sweep *sweep)
{
    size_t count = sweep->trial_count;
    for (size_t i = 0; i < count; i++) {
        struct trial trial = sweep->trials[i];
        if (trial.count != 1 || trial.is_disk_state || trial.faults[0].persistent)
            continue;
        trial.is_scout = true;
        trial_add(sweep, &trial);
    }
}

/* Runs the failures once more, with a folder to write to. */
static void keep_failures(struct sweep *sweep)
{
    struct certificate *certificate = sweep->certificate;
    lab_deadline(sweep->lab, INT64_MAX);
    for (size_t i = 0; i < certificate->failure_count && i < KEPT_MAX; i++) {
        char name[64];
        struct lab_result result;
        snprintf(name, sizeof name, "failures/%" PRIu64, sweep->culprits[i].trial);
        char *folder = path_join(sweep->setup->dir, name);
        const struct trial *trial = &sweep->trials[sweep->culprits[i].trial];
        if (lab_run(
                sweep->lab,
                &(struct lab_task){.tape = trial_tape(sweep, trial), .keep = {.folder = folder}},
                &result)) {
            certificate->failures[i].folder = folder;
            lab_result_done(&result);
        } else {
            free(folder);
        }
    }
}

static enum sweep_end sweep_all(struct sweep *sweep, char *why, size_t why_size)
{
    enum sweep_end end = reference(sweep, why, why_size);
    if (end != SWEEP_DONE)
        return end;
    sweep->file = sweep_file_open(sweep, why, why_size);
    if (!sweep->file)
        return SWEEP_TROUBLE;
    int err = loop(sweep);
    if (err == 0 && sweep->setup->pairs) {
        sweep->tell_all = true;
        add_scouts(sweep);
        err = loop(sweep);
    }
    sweep->certificate->pruned[PRUNED_ORDINAL] = count_beyond(sweep);
    sweep->certificate->pruned[PRUNED_TIME] = sweep->trial_count - sweep->taken;
    sweep->certificate->complete = err == 0;
    sweep_file_close(sweep->file, err == 0);
    if (err < 0) {
        snprintf(why, why_size, "cannot write the state of the sweep in %s: %s", sweep->setup->dir,
                 strerror(-err));
        return SWEEP_TROUBLE;
    }
    if (interrupt_seen()) {
        snprintf(why, why_size, "interrupted; the same command goes on from here");
        return SWEEP_STOPPED;
    }
    keep_failures(sweep);
    return SWEEP_DONE;
}

static void certificate_begin(struct certificate *certificate, const struct sweep_setup *setup)
{
    *certificate = (struct certificate){
        .scenario = strdup(setup->scenario->name),
        .path = strdup(setup->scenario->path),
        .build = build_id(),
        .seed = setup->seed,
        .kind_count = setup->kind_count,
        .point_count = registry_count(),
        .depth = setup->depth,
        .beyond = setup->beyond,
        .disk_bound = setup->disk_states,
    };
    memcpy(certificate->kinds, setup->kinds, setup->kind_count * sizeof *setup->kinds);
    certificate->cells =
        calloc(certificate->point_count * setup->kind_count + 1, sizeof *certificate->cells);
    certificate->point_hits = calloc(certificate->point_count + 1, sizeof *certificate->point_hits);
    if (!certificate->cells || !certificate->point_hits)
        abort();
}

static void sweep_done(struct sweep *sweep)
{
    struct early *early, *next;
    lab_free(sweep->lab);
    HASH_ITER (hh, sweep->early, early, next)
        early_free(sweep, early);
    for (size_t i = 0; i < sweep->trial_count; i++)
        if (sweep->trials[i].fate_count)
            free(sweep->trials[i].fates);
    free(sweep->trials);
    free(sweep->culprits);
    known_free(&sweep->hits);
    known_free(&sweep->reach);
    known_free(&sweep->beyond);
    known_free(&sweep->pairs);
    XXH3_freeState(sweep->digest);
}

enum sweep_end sweep_run(const struct sweep_setup *setup, struct certificate *ret_certificate,
                         char *why, size_t why_size)
{
    struct sweep sweep = {.setup = setup, .certificate = ret_certificate};
    struct interrupt interrupt;
    registry_init();
    certificate_begin(ret_certificate, setup);
    sweep.digest = XXH3_createState();
    if (!sweep.digest)
        abort();
    XXH3_128bits_reset(sweep.digest);
    sweep.lab = lab_new(&(struct lab_setup){.scenario = setup->scenario,
                                            .extras = setup->extras,
                                            .program = setup->program,
                                            .workers = setup->workers,
                                            .run_timeout_ns = setup->run_timeout_ns,
                                            .tell = sweep_tell,
                                            .tell_ctx = &sweep});
    if (setup->time_ns)
        lab_deadline(sweep.lab, clock_now_ns() + setup->time_ns);
    interrupt_catch(&interrupt);
    enum sweep_end end = sweep_all(&sweep, why, why_size);
    interrupt_restore(&interrupt);
    XXH128_hash_t digest = XXH3_128bits_digest(sweep.digest);
    snprintf(ret_certificate->digest, sizeof ret_certificate->digest, "%016" PRIx64 "%016" PRIx64,
             digest.high64, digest.low64);
    sweep_done(&sweep);
    return end;
}

struct sweep_progress sweep_progress(const struct sweep *sweep)
{
    return (struct sweep_progress){.runs = sweep->certificate->runs,
                                   .known = sweep->trial_count,
                                   .failed = sweep->certificate->failed};
}
