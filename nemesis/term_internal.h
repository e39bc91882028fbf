/* term_internal.h: a parsed term, as the parser (term.c) leaves it to the evaluation (term_eval.c).
 */
#ifndef DURESS_TERM_INTERNAL_H
#define DURESS_TERM_INTERNAL_H

#include "nemesis/parser.h"
#include "nemesis/term.h"

#define STEPS_MAX 20 /* as in fail(9) */
#define MODS_MAX  8

#define PERCENT_DECIMALS 6
#define PERCENT_ALL      UINT64_C(100000000) /* 100%, in units of the last decimal */
#define RATIO_DECIMALS   9
#define RATIO_ONE        UINT64_C(1000000000) /* 1.0 in DUTY and PHASE */

enum mod_kind { MOD_PERCENT, MOD_COUNT, MOD_SKIP, MOD_EVERY, MOD_PERIODIC };

struct mod {
    enum mod_kind kind;
    uint64_t n;    /* percentage in units of PERCENT_ALL, count, or period */
    uint64_t duty; /* MOD_PERIODIC: healthy share, in units of RATIO_ONE */
    uint64_t phase;
};

enum scope { PER_KEY, PER_NODE, PER_POINT };
enum act { ACT_FAULT, ACT_OFF, ACT_WAIT };

struct step {
    struct mod mods[MODS_MAX];
    size_t mod_count;
    enum scope scope;
    bool scope_given;
    enum act act;
    struct fault fault; /* ACT_FAULT */
    struct wait wait;   /* ACT_WAIT */
    size_t wait_at;     /* the offset of its name in the text */
};

struct term {
    struct step steps[STEPS_MAX];
    size_t step_count;
};

/* The CAN_ bit that a step needs; 0 for `off`. */
uint32_t step_can(const struct step *step);

bool add_mod(struct parser *parser, size_t at, struct step *step, struct mod mod);
/* Is the next word the name of a strategy? */
bool at_strategy(struct parser *parser);
/* Fills the term from a strategy. false: there is no strategy here, or *ret_bad. */
bool read_strategy(struct parser *parser, struct term *term, bool *ret_bad);

#endif
