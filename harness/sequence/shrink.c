/* shrink.c: the one place where candidates are executed and accepted, and the order of the passes.
 *
 * A pass goes round its positions and is done when all of them failed on the present best. Passes that made the
 * sequence shorter come first in the next round.
 */
#include "harness/sequence/shrink.h"

#include "harness/hash.h"
#include "harness/sequence/shrink_internal.h"

#include <string.h>

enum {
    PATIENCE = 20,        /* failures in a row before another pass has its turn */
    STALL_MIN = 400,      /* executions without success before it gives up, at least */
    STALL_PER_CHOICE = 8, /* and per choice of the start */
    SUCCESSES_MIN = 500,  /* of which each gains little when there are so many */
    SUCCESSES_PER_CHOICE = 4
};

/* ---- executing and accepting ---- */

/* Outermost first; within one depth in their order. */
static void order_by_depth(struct shrinker *s)
{
    size_t done = 0;
    s->by_depth = array_grown(s->by_depth, s->span_count, sizeof *s->by_depth);
    for (size_t depth = 0; done < s->span_count; depth++)
        for (size_t i = 0; i < s->span_count; i++)
            if (s->spans[i].depth == depth)
                s->by_depth[done++] = i;
}

static void best_set(struct shrinker *s, struct sequence *best)
{
    s->best = best;
    s->choices = sequence_choices(best);
    s->length = sequence_length(best);
    s->spans = sequence_spans(best, &s->span_count);
    order_by_depth(s);
    s->version++;
}

static void accept(struct shrinker *s, struct sequence *better)
{
    sequence_free(s->best);
    best_set(s, better);
    uint64_t gap = s->stats.executions - s->success_at;
    if (2 * gap > s->stall_max)
        s->stall_max = 2 * gap;
    s->success_at = s->stats.executions;
    s->stats.successes++;
    if (s->shrink->better)
        s->shrink->better(s->shrink->ctx, better);
}

static bool is_stalled(const struct shrinker *s)
{
    return s->stats.executions - s->success_at >= s->stall_max;
}

static bool may_execute(struct shrinker *s)
{
    const struct shrink_case *shrink = s->shrink;
    bool spent = shrink->executions_max > 0 && s->stats.executions >= shrink->executions_max;
    if (spent || is_stalled(s) || s->stats.successes >= s->successes_max ||
        (shrink->stop && shrink->stop(shrink->ctx)))
        s->stopped = true;
    return !s->stopped;
}

static bool execute(struct shrinker *s, enum sequence_beyond beyond, uint64_t seed)
{
    struct sequence *sequence = sequence_new(s->trial, s->trial_count, beyond, seed);
    sequence_limit(sequence, s->length);
    bool fails = s->shrink->fails(s->shrink->ctx, sequence) && !sequence_overrun(sequence);
    sequence_overrun(sequence) ? s->stats.overruns++ : s->stats.executions++;
    if (fails && sequence_compare(sequence_choices(sequence), sequence_length(sequence), s->choices,
                                  s->length) < 0) {
        accept(s, sequence);
        return true;
    }
    shrink_cache_remember(s, sequence, beyond == BEYOND_OVERRUN);
    s->last = sequence;
    return false;
}

static void last_forget(struct shrinker *s)
{
    sequence_free(s->last);
    s->last = NULL;
}

/* Up to the first difference both draw the same, so its order is the order of the whole (if the length stays). */
static bool trial_is_simpler(const struct shrinker *s)
{
    for (size_t i = 0; i < s->trial_count && i < s->length; i++)
        if (s->trial[i] != s->choices[i].value) {
            const struct sequence_choice *choice = &s->choices[i];
            bool admitted = s->trial[i] >= choice->lo && s->trial[i] <= choice->hi;
            return !choice->forced && admitted &&
                   sequence_index(choice, s->trial[i]) < sequence_index(choice, choice->value);
        }
    return false;
}

bool shrink_try(struct shrinker *s)
{
    last_forget(s);
    if (s->stopped || s->trial_count > s->length)
        return false;
    if (s->trial_count == s->length && !trial_is_simpler(s))
        return false;
    if (shrink_cache_knows(&s->cache, s->trial, s->trial_count)) {
        s->stats.repeated++;
        return false;
    }
    return may_execute(s) && execute(s, BEYOND_OVERRUN, 0);
}

bool shrink_try_simplest(struct shrinker *s)
{
    last_forget(s);
    return may_execute(s) && execute(s, BEYOND_SIMPLEST, 0);
}

bool shrink_try_random(struct shrinker *s, uint64_t seed)
{
    last_forget(s);
    return may_execute(s) && execute(s, BEYOND_SEED, seed);
}

void shrink_trial_reset(struct shrinker *s)
{
    for (size_t i = 0; i < s->length; i++)
        s->trial[i] = s->choices[i].value;
    s->trial_count = s->length;
}

void shrink_trial_append(struct shrinker *s, size_t begin, size_t end)
{
    for (size_t i = begin; i < end && s->trial_count < s->length; i++)
        s->trial[s->trial_count++] = s->choices[i].value;
}

void shrink_trial_delete(struct shrinker *s, size_t begin, size_t end)
{
    memmove(s->trial + begin, s->trial + end, (s->trial_count - end) * sizeof *s->trial);
    s->trial_count -= end - begin;
}

/* ---- passes in turn ---- */

struct turn {
    const struct shrink_pass *pass;
    size_t cursor, failed_in_a_row;
    uint64_t version; /* that failed_in_a_row is about */
    uint64_t shorter; /* successes of this round that made the sequence shorter */
};

static size_t shrink_count_once(const struct shrinker *s)
{
    (void)s;
    return 1;
}

static size_t shrink_count_spans(const struct shrinker *s)
{
    return s->span_count;
}

static size_t shrink_count_choices(const struct shrinker *s)
{
    return s->length;
}

static const struct shrink_pass passes[] = {
#define X(name, count, late) {#name, count, shrink_pass_##name, late},
    SHRINK_PASSES(X)
#undef X
};

enum { PASS_COUNT = sizeof passes / sizeof passes[0] };

static bool turn_is_over(struct turn *turn, const struct shrinker *s)
{
    if (turn->version != s->version) {
        turn->version = s->version;
        turn->failed_in_a_row = 0;
    }
    return s->stopped || turn->failed_in_a_row >= turn->pass->count(s);
}

static void turn_step(struct turn *turn, struct shrinker *s)
{
    uint64_t version = s->version;
    size_t length = s->length;
    if (turn->cursor >= turn->pass->count(s))
        turn->cursor = 0;
    turn->pass->step(s, turn->cursor++);
    turn->failed_in_a_row++;
    turn->shorter += s->version != version && s->length < length;
}

/* true: it had a success */
static bool turn_take(struct turn *turn, struct shrinker *s)
{
    uint64_t version = s->version;
    for (size_t failed = 0; failed < PATIENCE && !turn_is_over(turn, s); failed++) {
        uint64_t before = s->version;
        turn_step(turn, s);
        if (s->version != before) {
            failed = 0;
            if (turn->pass->late)
                return true;
        }
    }
    return s->version != version;
}

/* Among the early ones, those that made it shorter in this round come first in the next; else the order stays. */
static void turns_sort(struct turn *turns)
{
    for (size_t i = 1; i < PASS_COUNT; i++)
        for (size_t k = i;
             k > 0 && !turns[k].pass->late && turns[k].shorter > 0 && turns[k - 1].shorter == 0;
             k--) {
            struct turn other = turns[k];
            turns[k] = turns[k - 1];
            turns[k - 1] = other;
        }
    for (size_t i = 0; i < PASS_COUNT; i++)
        turns[i].shorter = 0;
}

/* All passes with something left to try, the late ones only if no early one got further. true: there were some. */
static bool take_round(struct turn *turns, struct shrinker *s)
{
    bool any = false, progress = false;
    for (size_t i = 0; i < PASS_COUNT && !(turns[i].pass->late && progress); i++) {
        if (turn_is_over(&turns[i], s))
            continue;
        any = true;
        progress |= turn_take(&turns[i], s);
    }
    return any;
}

static void take_turns(struct shrinker *s)
{
    struct turn turns[PASS_COUNT];
    memset(turns, 0, sizeof turns);
    for (size_t i = 0; i < PASS_COUNT; i++)
        turns[i].pass = &passes[i];
    while (take_round(turns, s) && !s->stopped)
        turns_sort(turns);
}

struct sequence *shrink_sequence(const struct shrink_case *shrink, const struct sequence *start,
                                 struct shrink_stats *ret_stats)
{
    struct shrinker s = {.shrink = shrink, .random = mix64(shrink->seed)};
    best_set(&s, sequence_copy(start));
    s.stall_max = STALL_MIN + STALL_PER_CHOICE * s.length;
    s.trial = array_of(s.length, sizeof *s.trial);
    s.lowered = array_of(s.length, sizeof *s.lowered);
    s.successes_max = SUCCESSES_MIN + SUCCESSES_PER_CHOICE * s.length;
    if (shrink->simplest)
        shrink_cache_remember(&s, shrink->simplest, false);
    else
        shrink_try_simplest(&s); /* the trial is empty: the simplest case of all */
    take_turns(&s);
    s.stats.finished = !s.stopped;
    if (ret_stats)
        *ret_stats = s.stats;
    last_forget(&s);
    free(s.cache.hashes);
    free(s.trial);
    free(s.lowered);
    free(s.by_depth);
    return s.best;
}
