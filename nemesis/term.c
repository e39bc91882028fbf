/* term.c: the grammar of fault terms, read by recursive descent and written back. Each function
 * that reads a rule of the grammar repeats the rule. No state, nothing to lose; a text that is no
 * term gives the offset where it goes wrong and a sentence.
 */
#include "nemesis/term_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- did you mean ---- */

static const char *const words[] = {
#define X(e, word, can) word,
    FAULT_KINDS(X)
#undef X
        "wait",
    "off",
    "skip",
    "every",
    "per",
    "always_crash",
    "recover_after",
    "random_crash",
    "periodic_crash",
};

static bool complain_of_word(struct parser *parser)
{
    size_t length = word_length(parser_rest(parser));
    const char *near =
        nearest_word(parser_rest(parser), length, words + 1, sizeof words / sizeof words[0] - 1);
    if (at_strategy(parser))
        return complain(parser, parser->at, "a strategy stands alone");
    if (length == 0)
        return complain(
            parser, parser->at,
            "expected an action: crash, kill, poweroff, error(ERRNO), timeout(DUR), "
            "disconnect, delay(DUR), pause(DUR), short, lie, misdirect, flip, wait(NAME), off");
    if (near)
        return complain(parser, parser->at, "unknown word '%.*s'; did you mean '%s'?", (int)length,
                        parser_rest(parser), near);
    return complain(parser, parser->at, "unknown word '%.*s'", (int)length, parser_rest(parser));
}

static bool complain_of_errno(struct parser *parser, const char *why)
{
    const char *names[256];
    size_t count = 0, length = word_length(parser_rest(parser));
    for (int err = 1; err < 256; err++)
        if (errno_name(err))
            names[count++] = errno_name(err);
    const char *near = nearest_word(parser_rest(parser), length, names, count);
    if (near)
        return complain(parser, parser->at, "unknown errno '%.*s'; did you mean '%s'?", (int)length,
                        parser_rest(parser), near);
    return complain(parser, parser->at, "%s", why);
}

/* ---- modifiers ---- */

/* P"%" | N"*" */
static bool read_number_mod(struct parser *parser, struct step *step)
{
    size_t at = parser->at;
    struct mod mod = {.kind = MOD_PERCENT};
    if (!take_decimal(parser, PERCENT_DECIMALS, &mod.n))
        return false;
    if (take(parser, "%")) {
        if (mod.n > PERCENT_ALL)
            return complain(parser, at, "a percentage is 0 to 100");
        return add_mod(parser, at, step, mod);
    }
    if (!take(parser, "*"))
        return complain(parser, parser->at, "expected '%%' or '*' after a number");
    parser->at = at;
    mod.kind = MOD_COUNT;
    return take_whole(parser, &mod.n) && take(parser, "*") && add_mod(parser, at, step, mod);
}

/* "skip("N")" | "every("N")" */
static bool read_counting_mod(struct parser *parser, struct step *step, enum mod_kind kind)
{
    size_t at = parser->at;
    struct mod mod = {.kind = kind};
    if (!take_whole_in_parentheses(parser, &mod.n))
        return false;
    if (kind == MOD_EVERY && mod.n == 0)
        return complain(parser, at + 1, "every(0) would be never; use every(1) or more");
    return add_mod(parser, at, step, mod);
}

static const char *const scope_words[] = {
    [PER_KEY] = "key", [PER_NODE] = "node", [PER_POINT] = "point"};

/* "per(point)" | "per(node)" | "per(key)" */
static bool read_scope(struct parser *parser, enum scope *ret_scope, bool *given)
{
    if (*given)
        return complain(parser, parser->at, "a step has one per(...)");
    if (!expect(parser, "("))
        return false;
    for (size_t scope = 0; scope < sizeof scope_words / sizeof scope_words[0]; scope++) {
        if (take_word(parser, scope_words[scope])) {
            *ret_scope = (enum scope)scope;
            *given = true;
            return expect(parser, ")");
        }
    }
    return complain(parser, parser->at, "expected point, node or key");
}

/* mod := P"%" | N"*" | "skip("N")" | "every("N")" | "per("SCOPE")"
 * false: there is no modifier here, or *ret_bad. */
static bool read_mod(struct parser *parser, struct step *step, bool *ret_bad)
{
    bool good;
    skip_blanks(parser);
    if (isdigit((unsigned char)*parser_rest(parser)))
        good = read_number_mod(parser, step);
    else if (take_word(parser, "skip"))
        good = read_counting_mod(parser, step, MOD_SKIP);
    else if (take_word(parser, "every"))
        good = read_counting_mod(parser, step, MOD_EVERY);
    else if (take_word(parser, "per"))
        good = read_scope(parser, &step->scope, &step->scope_given);
    else
        return false;
    *ret_bad = !good;
    return good;
}

/* ---- actions ---- */

/* N"*" */
static bool read_wait_times(struct parser *parser, struct wait *wait)
{
    size_t at = parser->at;
    if (wait->times)
        return complain(parser, at, "a wait has one count");
    if (!take_whole(parser, &wait->times) || !expect(parser, "*"))
        return false;
    return wait->times > 0 || complain(parser, at, "wait(0*...) would not wait");
}

/* (N"*" | "per(key)" | "per(node)")* */
static bool read_wait_mods(struct parser *parser, struct wait *wait)
{
    static const enum wait_whose whose[] = {
        [PER_KEY] = WAIT_SAME_KEY, [PER_NODE] = WAIT_SAME_NODE, [PER_POINT] = WAIT_ANYBODY};
    enum scope scope = PER_POINT;
    bool given = false, good = true;
    for (skip_blanks(parser); good; skip_blanks(parser)) {
        if (isdigit((unsigned char)*parser_rest(parser)))
            good = read_wait_times(parser, wait);
        else if (take_word(parser, "per"))
            good = read_scope(parser, &scope, &given);
        else
            break;
    }
    wait->whose = whose[scope];
    return good;
}

/* ("," DUR)? */
static bool read_wait_longest(struct parser *parser, struct wait *wait)
{
    wait->longest_ns = WAIT_LONGEST_NS;
    if (!take(parser, ","))
        return true;
    skip_blanks(parser);
    size_t length = duration_parse(parser_rest(parser), &wait->longest_ns);
    if (length == 0)
        return complain(parser, parser->at, "expected a duration, as in 250ms or 1.5s");
    parser->at += length;
    return true;
}

/* "wait(" mods NAME ("," DUR)? ")" */
static bool read_wait(struct parser *parser, struct step *step)
{
    if (!expect(parser, "(") || !read_wait_mods(parser, &step->wait))
        return false;
    size_t length = strspn(parser_rest(parser), "abcdefghijklmnopqrstuvwxyz0123456789_-/");
    if (length == 0)
        return complain(parser, parser->at,
                        "expected the name of a point, as in wait(store/ack/reply)");
    step->act = ACT_WAIT;
    step->wait_at = parser->at;
    step->wait.name = strndup(parser_rest(parser), length);
    if (!step->wait.name)
        abort();
    parser->at += length;
    return read_wait_longest(parser, &step->wait) && expect(parser, ")");
}

static bool read_fault(struct parser *parser, struct step *step)
{
    const char *why;
    size_t wrong_at;
    size_t length = fault_parse_at(parser_rest(parser), &step->fault, &why, &wrong_at);
    if (length > 0) {
        parser->at += length;
        return true;
    }
    bool is_errno = strncmp(parser_rest(parser), "error(", 6) == 0 && wrong_at == 6;
    parser->at += wrong_at;
    if (wrong_at == 0)
        return complain_of_word(parser);
    return is_errno ? complain_of_errno(parser, why) : complain(parser, parser->at, "%s", why);
}

/* action := crash | kill | poweroff | error(ERRNO) | ... | wait(NAME) | off */
static bool read_action(struct parser *parser, struct step *step)
{
    if (at_word(parser, "none"))
        return complain(parser, parser->at, "to spare a hit, write 'off'");
    if (take_word(parser, "wait"))
        return read_wait(parser, step);
    if (!take_word(parser, "off"))
        return read_fault(parser, step);
    step->act = ACT_OFF;
    return true;
}

/* ---- the whole ---- */

/* step := mod* action */
static bool read_step(struct parser *parser, struct step *step)
{
    bool bad = false;
    while (read_mod(parser, step, &bad))
        continue;
    return !bad && read_action(parser, step);
}

/* step ("->" step)* */
static bool read_steps(struct parser *parser, struct term *term)
{
    do {
        skip_blanks(parser);
        if (term->step_count == STEPS_MAX)
            return complain(parser, parser->at, "a term has at most %d steps", STEPS_MAX);
        if (!read_step(parser, &term->steps[term->step_count++]))
            return false;
    } while (take(parser, "->"));
    return true;
}

/* term := strategy | step ("->" step)* */
static bool read_term(struct parser *parser, struct term *term)
{
    bool bad = false;
    bool alone = read_strategy(parser, term, &bad);
    if (bad || (!alone && !read_steps(parser, term)))
        return false;
    skip_blanks(parser);
    if (*parser_rest(parser) == '\0')
        return true;
    return complain(parser, parser->at,
                    alone ? "a strategy stands alone"
                          : "expected '->' and another step, or the end");
}

struct term *term_parse(const char *text, struct term_error *ret_error)
{
    struct term *term = calloc(1, sizeof *term);
    struct parser parser = {.text = text, .error = ret_error};
    if (!term)
        abort();
    if (read_term(&parser, term))
        return term;
    term_free(term);
    return NULL;
}

void term_free(struct term *term)
{
    if (!term)
        return;
    for (size_t i = 0; i < term->step_count; i++)
        free(term->steps[i].wait.name);
    free(term);
}
