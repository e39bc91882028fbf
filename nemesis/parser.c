/* parser.c: see parser.h. No state but the position in the text. */
#include "nemesis/parser.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool complain(struct parser *parser, size_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *parser->error = (struct term_error){.offset = at};
    vsnprintf(parser->error->why, sizeof parser->error->why, format, args);
    va_end(args);
    return false;
}

const char *parser_rest(const struct parser *parser)
{
    return parser->text + parser->at;
}

void skip_blanks(struct parser *parser)
{
    while (isspace((unsigned char)*parser_rest(parser)))
        parser->at++;
}

size_t word_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

bool at_word(struct parser *parser, const char *word)
{
    skip_blanks(parser);
    size_t length = word_length(parser_rest(parser));
    return strlen(word) == length && memcmp(parser_rest(parser), word, length) == 0;
}

bool take_word(struct parser *parser, const char *word)
{
    if (!at_word(parser, word))
        return false;
    parser->at += strlen(word);
    return true;
}

bool take(struct parser *parser, const char *mark)
{
    skip_blanks(parser);
    if (strncmp(parser_rest(parser), mark, strlen(mark)) != 0)
        return false;
    parser->at += strlen(mark);
    return true;
}

bool expect(struct parser *parser, const char *mark)
{
    return take(parser, mark) || complain(parser, parser->at, "expected '%s'", mark);
}

#define DIGITS_MAX 9

/* Reads up to `most` digits into *value; returns how many there were, most + 1 if there are more.
 */
static unsigned take_digits(struct parser *parser, unsigned most, uint64_t *value)
{
    unsigned digits = 0;
    for (; isdigit((unsigned char)*parser_rest(parser)); parser->at++) {
        if (digits++ == most)
            return digits;
        *value = *value * 10 + (uint64_t)(*parser_rest(parser) - '0');
    }
    return digits;
}

bool take_decimal(struct parser *parser, unsigned decimals, uint64_t *ret_value)
{
    uint64_t value = 0;
    skip_blanks(parser);
    size_t begin = parser->at;
    unsigned digits = take_digits(parser, DIGITS_MAX, &value);
    if (digits == 0)
        return complain(parser, begin, "expected a number");
    if (digits > DIGITS_MAX)
        return complain(parser, begin, "this number is too large");
    if (decimals > 0 && *parser_rest(parser) == '.') {
        parser->at++;
        digits = take_digits(parser, decimals, &value);
        if (digits == 0)
            return complain(parser, parser->at, "expected a digit after the point");
        if (digits > decimals)
            return complain(parser, parser->at, "at most %u decimals", decimals);
        decimals -= digits;
    }
    while (decimals-- > 0)
        value *= 10;
    *ret_value = value;
    return true;
}

bool take_whole(struct parser *parser, uint64_t *ret_value)
{
    if (!take_decimal(parser, 0, ret_value))
        return false;
    return *parser_rest(parser) != '.' || complain(parser, parser->at, "a count is a whole number");
}

bool take_whole_in_parentheses(struct parser *parser, uint64_t *ret_value)
{
    return expect(parser, "(") && take_whole(parser, ret_value) && expect(parser, ")");
}
