/* sweep.c: the loop of a sweep. See sweep.h for what is tried, internal.h for the other files. */
#include "harness/sweep/internal.h"

#include "harness/clock.h"
#include "harness/interrupt.h"
#include "harness/suite/rundir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Results that wait for their turn; branches of one stem; failures that are kept. */
enum { AHEAD_MAX = 2048, BRANCHES_MAX = 64, KEPT_MAX = 20 };

/* ---- the loop ---- */

/* May it be the first of a pair? */
static bool starts_pairs(const struct sweep *sweep, const struct trial *trial)
{
    return sweep->setup->pairs && trial->count == 1 && !trial->is_disk_state &&
           !trial->faults[0].persistent;
}

/* What the tape of a trial shall record. */
static unsigned records_of(const struct sweep *sweep, const struct trial *trial)
{
    const struct trial_fault *last = &trial->faults[trial->count - 1];
    unsigned record = RECORD_COUNTS;
    if (trial->is_pair || trial->is_check)
        return 0;
    if (sweep->setup->kinds[last->kind].kind == FAULT_POWEROFF && !trial->is_disk_state)
        record |= RECORD_CHOICES | RECORD_SIMPLEST;
    if (starts_pairs(sweep, trial))
        record |= RECORD_HITS;
    return record;
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

static struct lab_task task_of(const struct sweep *sweep, uint64_t number)
{
    const struct trial *trial = &sweep->trials.items[number];
    return (struct lab_task){.tape = trial_tape(sweep, trial),
                             .record = records_of(sweep, trial),
                             .tag = (void *)(uintptr_t)number};
}

static void give_out_alone(struct sweep *sweep, uint64_t number)
{
    struct lab_task task = task_of(sweep, number);
    sweep->trials.items[number].given_out = true;
    lab_submit(sweep->lab, &task);
}

/* The trials that differ from this one by their last fault alone, itself first: they are made as branches of one run.
 * Those that wait for others to join them do so for as long as there is enough else to do. */
static void give_out(struct sweep *sweep, uint64_t first, uint64_t end)
{
    struct lab_branch branches[BRANCHES_MAX];
    size_t count = 0;
    uint64_t context = sweep->trials.items[first].context;
    for (uint64_t i = first; i < end && count < BRANCHES_MAX; i++) {
        struct trial *trial = &sweep->trials.items[i];
        if (trial->given_out || trial->is_check || trial->context != context)
            continue;
        trial->given_out = true;
        branches[count++] = (struct lab_branch){
            .task = task_of(sweep, i), .at = hit_choice(&trial->faults[trial->count - 1].hit)};
    }
    lab_submit_branches(sweep->lab, trial_stem(sweep, &sweep->trials.items[first]), branches,
                        count);
}

/* What an interrupted sweep has left of the next trial. */
static bool give_from_file(struct sweep *sweep, uint64_t number)
{
    struct lab_result known;
    struct trial *trial = &sweep->trials.items[number];
    if (!sweep_file_next(sweep->file, trial_hash(sweep, trial), &known))
        return false;
    trial->given_out = true;
    early_add(sweep, number, &known, true);
    return true;
}

/* Gives out trials, as long as results do not run too far ahead. */
static void submit_some(struct sweep *sweep)
{
    uint64_t end = sweep->taken + AHEAD_MAX;
    if (end > sweep->trials.count)
        end = sweep->trials.count;
    for (; sweep->submitted < end; sweep->submitted++) {
        uint64_t number = sweep->submitted;
        if (sweep->trials.items[number].given_out || give_from_file(sweep, number))
            continue;
        if (lab_busy(sweep->lab) >= (size_t)sweep->setup->workers * BRANCHES_MAX)
            return;
        if (sweep->trials.items[number].is_check)
            give_out_alone(sweep, number);
        else
            give_out(sweep, number, end);
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
        const struct trial *trial = &sweep->trials.items[sweep->taken];
        int err = 0;
        if (!early->from_file)
            err = sweep_file_append(sweep->file, trial_hash(sweep, trial), &early->result);
        sweep_take(sweep, sweep->taken++, &early->result);
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
    while (sweep->taken < sweep->trials.count) {
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

static enum sweep_end reference(struct sweep *sweep, char *why, size_t why_size)
{
    struct lab_result results[2];
    const struct trial none = {.count = 0};
    enum sweep_end end = SWEEP_DONE;
    for (int i = 0; i < 2; i++) {
        if (!lab_run(sweep->lab,
                     &(struct lab_task){.tape = trial_tape(sweep, &none), .record = RECORD_COUNTS},
                     &results[i])) {
            if (i)
                lab_result_done(&results[0]);
            snprintf(why, why_size, "stopped before the reference run was over");
            return SWEEP_STOPPED;
        }
        sweep->certificate->runs++;
    }
    if (results[0].result.outcome != OUTCOME_PASS) {
        snprintf(why, why_size, "without any fault: %s: %s", results[0].result.property,
                 results[0].result.message);
        end = SWEEP_UNFIT;
    } else if (!result_same(&results[0].result, &results[1].result)) {
        snprintf(why, why_size, "without a fault: fingerprints %s and %s",
                 results[0].result.fingerprint, results[1].result.fingerprint);
        end = SWEEP_UNSTEADY;
    } else {
        sweep_take_reference(sweep, &results[0]);
    }
    lab_result_done(&results[0]);
    lab_result_done(&results[1]);
    return end;
}

/* ---- the whole ---- */

static void add_pairs(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->pairs.count; i++)
        trial_add(sweep, &sweep->trials, &sweep->pairs.items[i]);
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
        const struct trial *trial = &sweep->trials.items[sweep->culprits[i].trial];
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
    if (err == 0) {
        add_pairs(sweep);
        err = loop(sweep);
    }
    sweep->certificate->pruned[PRUNED_ALIKE] =
        sweep->certificate->pair_candidates - sweep->pairs.count;
    sweep->certificate->pruned[PRUNED_ORDINAL] = count_beyond(sweep);
    sweep->certificate->pruned[PRUNED_TIME] = sweep->trials.count - sweep->taken;
    sweep->certificate->complete = err == 0;
    sweep_file_close(sweep->file, err == 0 && !sweep->setup->keep_state);
    if (err < 0) {
        snprintf(why, why_size, "cannot write the state of the sweep in %s: %s", sweep->setup->dir,
                 strerror(-err));
        return SWEEP_TROUBLE;
    }
    if (interrupt_seen()) {
        snprintf(why, why_size, "interrupted; the same command goes on from here");
        return SWEEP_STOPPED;
    }
    if (sweep->unsteady[0]) {
        snprintf(why, why_size, "%s", sweep->unsteady);
        return SWEEP_UNSTEADY;
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
    trials_free(&sweep->trials);
    trials_free(&sweep->pairs);
    free(sweep->culprits);
    reached_free(sweep);
    pairs_free(sweep);
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
                                   .known = sweep->trials.count,
                                   .failed = sweep->certificate->failed};
}
