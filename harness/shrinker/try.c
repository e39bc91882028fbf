/* try.c: runs candidates on all workers, and decides which becomes the best. Verdicts are remembered by the
 * tape, so passes may propose what was proposed before. */
#include "harness/shrinker/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <xxhash.h>

struct seen {
    XXH128_hash_t tape;
    bool fails; /* in the same way */
    UT_hash_handle hh;
};

/* ---- what was tried ---- */

static XXH128_hash_t hash_of(const struct tape *tape)
{
    const struct tape_meta nothing = {0};
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    tape_write(tape, &nothing, out);
    fclose(out);
    XXH128_hash_t hash = XXH3_128bits(text, size);
    free(text);
    return hash;
}

static struct seen *seen_find(const struct shrinker *s, XXH128_hash_t tape)
{
    struct seen *seen = NULL;
    HASH_FIND(hh, s->seen, &tape, sizeof tape, seen);
    return seen;
}

static void seen_add(struct shrinker *s, const struct tape *tape, bool fails)
{
    XXH128_hash_t hash = hash_of(tape);
    struct seen *seen = seen_find(s, hash);
    if (!seen) {
        seen = calloc(1, sizeof *seen);
        if (!seen)
            abort();
        seen->tape = hash;
        HASH_ADD(hh, s->seen, tape, sizeof seen->tape, seen);
    }
    seen->fails = fails;
}

void shrinker_forget(struct shrinker *s)
{
    struct seen *seen, *next;
    HASH_ITER (hh, s->seen, seen, next) {
        HASH_DEL(s->seen, seen);
        free(seen);
    }
}

bool shrinker_spared(const struct shrinker *s, const struct tape *tape)
{
    const struct seen *seen = seen_find(s, hash_of(tape));
    return seen && !seen->fails;
}

/* Not worth running: it is known not to fail, or is the best tape itself. */
static bool is_known(const struct shrinker *s, const struct tape *tape)
{
    XXH128_hash_t hash = hash_of(tape);
    const struct seen *seen = seen_find(s, hash);
    return seen && (!seen->fails || XXH128_isEqual(hash, hash_of(shrinker_best(s))));
}

/* ---- results ---- */

static void note_other(struct shrinker *s, const struct mark *mark)
{
    struct shrink_outcome *outcome = s->outcome;
    size_t i = 0;
    while (i < outcome->other_count && !mark_same(&outcome->others[i].mark, mark))
        i++;
    if (i == SHRINK_OTHERS_MAX)
        return;
    outcome->others[i].mark = *mark;
    outcome->others[i].times++;
    if (i == outcome->other_count)
        outcome->other_count++;
}

bool shrinker_fails(struct shrinker *s, const struct result *result)
{
    struct mark mark = mark_of(result);
    bool same = mark_same(&mark, &s->outcome->mark);
    if (!same && mark.outcome != OUTCOME_PASS)
        note_other(s, &mark);
    return same;
}

static bool judge(struct shrinker *s, const struct lab_result *result)
{
    bool same = shrinker_fails(s, &result->result);
    seen_add(s, result->tape, same);
    return same;
}

struct result result_plain(const struct result *result)
{
    struct result plain = {.run = result->run,
                           .outcome = result->outcome,
                           .at = result->at,
                           .events = result->events,
                           .sim_ns = result->sim_ns};
    memcpy(plain.property, result->property, sizeof plain.property);
    memcpy(plain.message, result->message, sizeof plain.message);
    memcpy(plain.place, result->place, sizeof plain.place);
    memcpy(plain.fingerprint, result->fingerprint, sizeof plain.fingerprint);
    return plain;
}

void shrinker_accept(struct shrinker *s, struct tape *tape, const struct result *result)
{
    struct shrink_outcome *outcome = s->outcome;
    seen_add(s, tape, true);
    tape_free(outcome->tape);
    outcome->tape = tape;
    outcome->result = result_plain(result);
    s->changes++;
}

struct best shrinker_save(const struct shrinker *s)
{
    return (struct best){tape_copy(shrinker_best(s)), s->outcome->result, s->changes};
}

void shrinker_restore(struct shrinker *s, const struct best *best)
{
    tape_free(s->outcome->tape);
    s->outcome->tape = best->tape;
    s->outcome->result = best->result;
    s->changes = best->changes;
}

/* ---- many at once ---- */

struct race {
    size_t next, count; /* the next candidate; how many there are */
    ptrdiff_t winner;
    struct lab_result best; /* the winner's */
};

/* As many as there are workers: a longer queue would be in vain when one wins. */
static void submit_some(struct shrinker *s, struct race *race, candidate_make *make,
                        const void *ctx)
{
    while (lab_busy(s->lab) < s->setup->lab.workers && race->winner == NO_CANDIDATE &&
           race->next < race->count) {
        size_t index = race->next++;
        struct tape *tape = make(s, ctx, index);
        if (!tape || is_known(s, tape)) {
            tape_free(tape);
            continue;
        }
        lab_submit(s->lab, &(struct lab_task){.tape = tape, .tag = (void *)(uintptr_t)index});
    }
}

static void take(struct shrinker *s, struct race *race, struct lab_result *result)
{
    ptrdiff_t index = (ptrdiff_t)(uintptr_t)result->tag;
    bool first = race->winner == NO_CANDIDATE || index < race->winner;
    if (judge(s, result) && first) {
        lab_cancel(s->lab, result->number + 1);
        lab_result_done(&race->best);
        race->best = *result;
        race->winner = index;
    } else {
        lab_result_done(result);
    }
}

ptrdiff_t shrinker_first(struct shrinker *s, candidate_make *make, const void *ctx, size_t count)
{
    struct race race = {.count = count, .winner = NO_CANDIDATE};
    struct lab_result result;
    while (!s->stopped) {
        submit_some(s, &race, make, ctx);
        if (lab_busy(s->lab) == 0)
            break;
        if (lab_next(s->lab, &result))
            take(s, &race, &result);
        else
            s->stopped = true;
    }
    if (race.winner != NO_CANDIDATE) {
        shrinker_accept(s, race.best.tape, &race.best.result);
        race.best.tape = NULL;
    }
    lab_result_done(&race.best);
    return race.winner;
}

static struct tape *make_given(const struct shrinker *s, const void *ctx, size_t index)
{
    (void)s, (void)index;
    return tape_copy(ctx);
}

bool shrinker_try(struct shrinker *s, struct tape *candidate)
{
    bool better = shrinker_first(s, make_given, candidate, 1) != NO_CANDIDATE;
    tape_free(candidate);
    return better;
}

bool shrinker_record(struct shrinker *s, unsigned what, struct recording *ret_recording)
{
    struct lab_result result;
    if (s->stopped)
        return false;
    const struct lab_task task = {.tape = tape_copy(shrinker_best(s)), .record = what};
    if (!lab_run(s->lab, &task, &result)) {
        s->stopped = true;
        return false;
    }
    *ret_recording = result.recording;
    result.recording = (struct recording){0};
    lab_result_done(&result);
    return true;
}
