/* shrinker.c: the order of work. See shrinker.h. */
#include "harness/shrinker/internal.h"

#include "harness/clock.h"
#include "harness/interrupt.h"

#include <stdlib.h>
#include <string.h>

#define VERIFY_NS INT64_C(10000000000)

/* ---- the first two runs ---- */

/* The best tape once more, as it is. */
static bool run_best(struct shrinker *s, unsigned record, const struct keep *keep,
                     struct lab_result *ret_result)
{
    const struct lab_task task = {
        .tape = tape_copy(shrinker_best(s)), .record = record, .keep = *keep};
    if (lab_run(s->lab, &task, ret_result))
        return true;
    s->stopped = true;
    return false;
}

/* A crashed run has no fingerprint. */
static bool agree(const struct result *a, const struct result *b)
{
    struct mark one = mark_of(a), two = mark_of(b);
    return mark_same(&one, &two) && strcmp(a->fingerprint, b->fingerprint) == 0;
}

/* Runs it twice. true: it fails, each time in the same way. The recording is of the first time. */
static bool examine(struct shrinker *s, struct recording *ret_recording)
{
    struct shrink_outcome *outcome = s->outcome;
    const struct keep nothing = {0};
    struct lab_result one, two;
    if (!run_best(s, RECORD_CHOICES | RECORD_FAULTS | RECORD_DRAWS, &nothing, &one))
        return false;
    if (!run_best(s, 0, &nothing, &two)) {
        lab_result_done(&one);
        return false;
    }
    bool same = agree(&one.result, &two.result);
    outcome->mark = mark_of(&one.result);
    outcome->result = result_plain(&one.result);
    *ret_recording = one.recording;
    one.recording = (struct recording){0};
    lab_result_done(&one);
    lab_result_done(&two);
    if (!same)
        outcome->end = SHRINK_FLAKY;
    else if (outcome->mark.outcome == OUTCOME_PASS)
        outcome->end = SHRINK_HOLDS;
    return same && outcome->mark.outcome != OUTCOME_PASS;
}

/* ---- explicit ---- */

static bool is_injected(const struct made *made)
{
    return made->kinds ? made->fault.kind != FAULT_NONE
                       : made->choice.stream == STREAM_FAULT && made->value;
}

/* What decides on faults, and will be said anew. */
static bool is_superseded(const struct tape_edit *edit, const void *ctx)
{
    (void)ctx;
    return edit->kind == EDIT_FAULT ||
           ((edit->kind == EDIT_CHOICE || edit->kind == EDIT_SIMPLEST) &&
            edit->choice.stream == STREAM_FAULT);
}

void shrinker_make_explicit(struct shrinker *s, const struct recording *recording)
{
    size_t count;
    size_t *edits = edits_find(shrinker_best(s), is_superseded, NULL, &count);
    struct tape *tape = tape_copy_without_these(shrinker_best(s), edits, count);
    free(edits);
    tape_simplify(tape, STREAM_FAULT, NULL);
    for (size_t i = 0; i < recording->made_count; i++) {
        const struct made *made = &recording->made[i];
        if (is_injected(made) && made->kinds)
            tape_edit_fault(tape, &made->choice, made->fault);
        else if (is_injected(made))
            tape_edit_choice(tape, &made->choice, made->value);
    }
    shrinker_try(s, tape);
}

/* ---- sizes ---- */

/* `recording` NULL: all that goes wrong stands on the tape. */
static struct shrink_size size_of(const struct tape *tape, const struct result *result,
                                  const struct recording *recording)
{
    struct shrink_size size = {
        .choices = edits_count(tape, edit_is_choice, NULL),
        .events = result->events,
        .sim_ns = result->sim_ns,
    };
    if (!recording)
        size.faults = edits_count(tape, edit_is_fault, NULL);
    for (size_t i = 0; recording && i < recording->made_count; i++)
        size.faults += is_injected(&recording->made[i]);
    return size;
}

/* ---- the end ---- */

/* At a fixed point each of them was tried, on this very tape. */
static size_t count_necessary(const struct shrinker *s)
{
    size_t count, necessary = 0;
    size_t *edits = edits_find(shrinker_best(s), edit_is_fault, NULL, &count);
    for (size_t i = 0; i < count; i++) {
        struct tape *without = tape_copy_without_these(shrinker_best(s), &edits[i], 1);
        necessary += shrinker_spared(s, without);
        tape_free(without);
    }
    free(edits);
    return necessary;
}

static void verify(struct shrinker *s)
{
    struct shrink_outcome *outcome = s->outcome;
    /* Time may be up, but this must still be known. */
    lab_deadline(s->lab, clock_now_ns() + VERIFY_NS);
    outcome->verified = true;
    for (int i = 0; i < 2 && outcome->verified; i++) {
        struct lab_result result;
        if (!run_best(s, 0, i ? &s->setup->keep : &(struct keep){0}, &result)) {
            outcome->verified = false;
            return;
        }
        outcome->verified = agree(&result.result, &outcome->result);
        if (!outcome->verified)
            outcome->end = SHRINK_FLAKY;
        lab_result_done(&result);
    }
}

static void work(struct shrinker *s, const struct recording *recording)
{
    /* What persists on a tape on which nothing else goes wrong is one fault, not many. */
    if (!tape_is_simple(shrinker_best(s), STREAM_FAULT))
        shrinker_make_explicit(s, recording);
    for (uint64_t before = UINT64_MAX; !s->stopped && (before != s->changes || !s->draws_done);) {
        before = s->changes;
        shrinker_remove(s, edit_is_fault, NULL);
        shrinker_simplify(s);
        shrinker_earlier(s);
        shrinker_draws(s);
        shrinker_remove(s, edit_is_choice, NULL);
        shrinker_nudge(s);
        shrinker_lower(s);
        shrinker_weaken(s);
        if (before == s->changes)
            shrinker_broaden(s);
    }
}

void shrinker_run(const struct shrinker_setup *setup, const struct tape *tape,
                  struct shrink_outcome *ret_outcome)
{
    struct shrink_outcome *outcome = ret_outcome;
    int64_t start_ns = clock_now_ns();
    struct recording recording = {0};
    *outcome = (struct shrink_outcome){.tape = tape_copy(tape)};
    struct shrinker s = {.setup = setup,
                         .lab = lab_new(&setup->lab),
                         .outcome = outcome,
                         .drawn_at = UINT64_MAX,
                         .until_ns = INT64_MAX};
    if (setup->time_ns < INT64_MAX - start_ns)
        lab_deadline(s.lab, s.until_ns = start_ns + setup->time_ns);
    outcome->end = SHRINK_TIME_UP;
    if (examine(&s, &recording)) {
        outcome->before = size_of(outcome->tape, &outcome->result, &recording);
        size_count_draws(&outcome->before, recording.spans, recording.span_count,
                         recording.draw_count);
        s.drawn = outcome->before;
        work(&s, &recording);
        outcome->after = size_of(outcome->tape, &outcome->result, s.changes ? NULL : &recording);
        size_copy_draws(&outcome->after, &s.drawn);
        outcome->necessary = count_necessary(&s);
        outcome->end = s.stopped ? SHRINK_TIME_UP : SHRINK_FINISHED;
        verify(&s);
    }
    if (interrupt_seen())
        outcome->end = SHRINK_INTERRUPTED;
    outcome->executions = lab_runs(s.lab);
    outcome->wall_ns = clock_now_ns() - start_ns;
    recording_done(&recording);
    shrinker_forget(&s);
    lab_free(s.lab);
}

void shrink_outcome_done(struct shrink_outcome *outcome)
{
    tape_free(outcome->tape);
    result_done(&outcome->result);
    *outcome = (struct shrink_outcome){0};
}
