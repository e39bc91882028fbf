/* term_strategy.c: snabbkaffe's four strategies as terms. Three of them are mere names for terms of
 * the grammar, and are printed as such; periodic_crash is a modifier that cannot be written
 * otherwise.
 */
#include "nemesis/term_internal.h"

bool add_mod(struct parser *parser, size_t at, struct step *step, struct mod mod)
{
    if (step->mod_count == MODS_MAX)
        return complain(parser, at, "a step has at most %d modifiers", MODS_MAX);
    step->mods[step->mod_count++] = mod;
    return true;
}

static struct step *add_step(struct term *term, enum act act)
{
    struct step *step = &term->steps[term->step_count++];
    step->act = act;
    if (act == ACT_FAULT)
        step->fault = (struct fault){.kind = FAULT_CRASH};
    return step;
}

/* "always_crash" */
static bool read_always_crash(struct parser *parser, struct term *term)
{
    (void)parser;
    add_step(term, ACT_FAULT);
    return true;
}

/* "recover_after("N")" */
static bool read_recover_after(struct parser *parser, struct term *term)
{
    struct mod mod = {.kind = MOD_COUNT};
    if (!take_whole_in_parentheses(parser, &mod.n) ||
        !add_mod(parser, parser->at, add_step(term, ACT_FAULT), mod))
        return false;
    add_step(term, ACT_OFF);
    return true;
}

/* "random_crash("P["%"]")" */
static bool read_random_crash(struct parser *parser, struct term *term)
{
    struct mod mod = {.kind = MOD_PERCENT};
    if (!expect(parser, "("))
        return false;
    size_t at = parser->at;
    if (!take_decimal(parser, PERCENT_DECIMALS, &mod.n))
        return false;
    if (mod.n > PERCENT_ALL)
        return complain(parser, at, "a percentage is 0 to 100");
    take(parser, "%");
    return expect(parser, ")") && add_mod(parser, at, add_step(term, ACT_FAULT), mod);
}

/* PHASE := "pi" | decimal */
static bool read_phase(struct parser *parser, uint64_t *ret_phase)
{
    if (take_word(parser, "pi")) {
        *ret_phase = UINT64_C(3141592654); /* see periodic_shift */
        return true;
    }
    return take_decimal(parser, RATIO_DECIMALS, ret_phase);
}

/* "periodic_crash("PERIOD","DUTY","PHASE")" */
static bool read_periodic_crash(struct parser *parser, struct term *term)
{
    struct mod mod = {.kind = MOD_PERIODIC};
    if (!expect(parser, "("))
        return false;
    size_t period_at = parser->at;
    if (!take_whole(parser, &mod.n) || !expect(parser, ","))
        return false;
    size_t duty_at = parser->at;
    if (!take_decimal(parser, RATIO_DECIMALS, &mod.duty) || !expect(parser, ",") ||
        !read_phase(parser, &mod.phase) || !expect(parser, ")"))
        return false;
    if (mod.n == 0)
        return complain(parser, period_at, "a period is 1 or more");
    if (mod.duty > RATIO_ONE)
        return complain(parser, duty_at, "the duty, the healthy share, is 0 to 1");
    return add_mod(parser, period_at, add_step(term, ACT_FAULT), mod);
}

static const struct {
    const char *word;
    bool (*read)(struct parser *parser, struct term *term);
} strategies[] = {
    {"always_crash", read_always_crash},
    {"recover_after", read_recover_after},
    {"random_crash", read_random_crash},
    {"periodic_crash", read_periodic_crash},
};

/* strategy := always_crash | recover_after(N) | random_crash(P) | periodic_crash(PERIOD,DUTY,PHASE)
 * false: there is no strategy here, or *ret_bad. */
bool read_strategy(struct parser *parser, struct term *term, bool *ret_bad)
{
    for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
        if (take_word(parser, strategies[i].word)) {
            *ret_bad = !strategies[i].read(parser, term);
            return !*ret_bad;
        }
    }
    return false;
}

bool at_strategy(struct parser *parser)
{
    for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++)
        if (at_word(parser, strategies[i].word))
            return true;
    return false;
}
