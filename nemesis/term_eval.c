/* term_eval.c: what a term does to one hit. The only state is counters; the only chance is the
 * tape. Both are lost with the run, and the same tape builds them up again.
 */
#include "harness/hash.h"
#include "nemesis/counters.h"
#include "nemesis/term_internal.h"

#include <stdlib.h>

struct term_state {
    struct counters *counters;
};

struct term_state *term_state_new(const struct term *term)
{
    struct term_state *state = calloc(1, sizeof *state);
    (void)term; /* counters are made when they are first needed */
    if (!state)
        abort();
    state->counters = counters_new();
    return state;
}

void term_state_free(struct term_state *state)
{
    if (!state)
        return;
    counters_free(state->counters);
    free(state);
}

/* Where in the term we are, for one hit. */
struct place {
    struct term_state *state;
    struct tape *tape;
    const struct choice *choice;
    unsigned rule, step, mod;
};

static uint64_t place_number(const struct place *place)
{
    return (uint64_t)place->rule << 32 | place->step << 8 | place->mod;
}

static uint64_t *counter_of(const struct place *place, enum scope scope)
{
    const struct choice *choice = place->choice;
    uint64_t within = scope == PER_KEY ? choice->key : scope == PER_NODE ? choice->node : 0;
    return counter_at(place->state->counters, (struct counter_key){hash_text(choice->name), within,
                                                                   place->step, place->mod});
}

static bool percent_passes(const struct place *place, uint64_t percent)
{
    struct choice choice = *place->choice;
    choice.stream = STREAM_RULE;
    choice.key = mix64_pair(choice.key, place_number(place));
    return tape_chance(place->tape, &choice, percent, PERCENT_ALL);
}

/* PHASE/(2*pi)*PERIOD, rounded half up: in integers, with 2*pi as 6283185307/10^9. `pi` itself is
 * read as 3141592654/10^9, a little more than half of it, so that half a turn of an odd period
 * rounds up, as in Erlang. */
static uint64_t periodic_shift(const struct mod *mod)
{
    const uint64_t turn = UINT64_C(6283185307);
    return (uint64_t)(((unsigned __int128)mod->phase * mod->n + turn / 2) / turn);
}

/* Crash in the last part of each period. */
static bool periodic_passes(const struct mod *mod, uint64_t x)
{
    uint64_t at = (x + periodic_shift(mod)) % mod->n;
    return (unsigned __int128)at * RATIO_ONE >= (unsigned __int128)mod->duty * mod->n;
}

static bool mod_passes(const struct place *place, const struct step *step, const struct mod *mod)
{
    if (mod->kind == MOD_PERCENT)
        return percent_passes(place, mod->n);
    uint64_t *counter = counter_of(place, step->scope);
    switch (mod->kind) {
    case MOD_COUNT: return *counter < mod->n; /* spent in step_spend */
    case MOD_SKIP: return ++*counter > mod->n;
    case MOD_EVERY: return ++*counter % mod->n == 0;
    case MOD_PERIODIC: return periodic_passes(mod, ++*counter);
    case MOD_PERCENT: break;
    }
    return false;
}

static bool step_passes(struct place *place, const struct step *step)
{
    for (place->mod = 0; place->mod < step->mod_count; place->mod++)
        if (!mod_passes(place, step, &step->mods[place->mod]))
            return false;
    return true;
}

static void step_spend(struct place *place, const struct step *step)
{
    for (place->mod = 0; place->mod < step->mod_count; place->mod++)
        if (step->mods[place->mod].kind == MOD_COUNT)
            ++*counter_of(place, step->scope);
}

struct term_verdict term_eval(const struct term *term, struct term_state *state, struct tape *tape,
                              const struct choice *choice, uint32_t can, unsigned place_of_rule)
{
    struct place place = {.state = state, .tape = tape, .choice = choice, .rule = place_of_rule};
    for (place.step = 0; place.step < term->step_count; place.step++) {
        const struct step *step = &term->steps[place.step];
        if ((step_can(step) & ~can) != 0 || !step_passes(&place, step))
            continue;
        step_spend(&place, step);
        return (struct term_verdict){.taken = true,
                                     .fault = step->fault,
                                     .wait = step->act == ACT_WAIT ? &step->wait : NULL};
    }
    return (struct term_verdict){.taken = false};
}
