/* parser.h: the small pieces from which terms and patterns are read. A `take` reads something if it
 * is there; an `expect` complains if it is not. Blanks before a piece are skipped. */
#ifndef DURESS_PARSER_H
#define DURESS_PARSER_H

#include "harness/engine.h"

struct parser {
    const char *text;
    size_t at;
    struct term_error *error;
};

/* Says what is wrong at an offset. Returns false, so that a reader can return it. */
__attribute__((format(printf, 3, 4))) bool complain(struct parser *parser, size_t at,
                                                    const char *format, ...);
const char *parser_rest(const struct parser *parser);
void skip_blanks(struct parser *parser);
size_t word_length(const char *text); /* of letters, digits and '_' */
bool at_word(struct parser *parser, const char *word);
bool take_word(struct parser *parser, const char *word); /* the whole word */
bool take(struct parser *parser, const char *mark);      /* these characters */
bool expect(struct parser *parser, const char *mark);
/* A decimal with up to `decimals` digits after the point, as an integer of its last unit.
 * Complains. */
bool take_decimal(struct parser *parser, unsigned decimals, uint64_t *ret_value);
bool take_whole(struct parser *parser, uint64_t *ret_value);
bool take_whole_in_parentheses(struct parser *parser, uint64_t *ret_value);

#endif
