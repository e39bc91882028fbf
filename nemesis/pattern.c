/* pattern.c: patterns over point names, with filters on fields. Immutable once parsed.
 *
 * A name is compared segment by segment. A filter on a field that a hit does not have does not
 * match.
 */
#include "nemesis/pattern.h"

#include "harness/trace/trace.h"
#include "nemesis/parser.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MAX 16
#define FILTERS_MAX  POINT_FIELDS_MAX

enum segment_kind { SEGMENT_WORD, SEGMENT_ANY, SEGMENT_REST };

struct segment {
    enum segment_kind kind;
    size_t at, length; /* in the text */
};

struct filter {
    char *name, *value;
};

struct pattern {
    char *text;
    struct segment segments[SEGMENTS_MAX];
    size_t segment_count;
    struct filter filters[FILTERS_MAX];
    size_t filter_count;
};

/* ---- reading ---- */

static char *copy_of(const char *text, size_t length)
{
    char *copy = strndup(text, length);
    if (!copy)
        abort();
    return copy;
}

/* segment := [a-z0-9_-]+ | "*" | "**" */
static bool read_segment(struct parser *parser, struct pattern *pattern)
{
    const char *at = parser_rest(parser);
    size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_-*");
    struct segment segment = {.kind = SEGMENT_WORD, .at = parser->at, .length = length};
    if (length == 0)
        return complain(parser, parser->at, "expected a segment of a point's name, '*' or '**'");
    if (pattern->segment_count == SEGMENTS_MAX)
        return complain(parser, parser->at, "a pattern has at most %d segments", SEGMENTS_MAX);
    if (memchr(at, '*', length)) {
        if (strspn(at, "*") != length || length > 2)
            return complain(parser, parser->at,
                            "'*' stands for a whole segment, '**' for the rest");
        segment.kind = length == 1 ? SEGMENT_ANY : SEGMENT_REST;
    }
    parser->at += length;
    if (segment.kind == SEGMENT_REST && *parser_rest(parser) == '/')
        return complain(parser, segment.at, "'**' can only come last");
    pattern->segments[pattern->segment_count++] = segment;
    return true;
}

/* filter := "[" NAME "=" VALUE "]" */
static bool read_filter(struct parser *parser, struct pattern *pattern)
{
    size_t begin = parser->at - 1;
    const char *name = parser_rest(parser);
    size_t name_length = word_length(name);
    if (name_length == 0)
        return complain(parser, parser->at, "expected the name of a field, as in [queue=mail]");
    parser->at += name_length;
    if (*parser_rest(parser) != '=')
        return complain(parser, parser->at, "expected '=' and a value");
    parser->at++;
    const char *value = parser_rest(parser);
    size_t value_length = strcspn(value, "]");
    if (value[value_length] == '\0')
        return complain(parser, begin, "this '[' is never closed");
    if (pattern->filter_count == FILTERS_MAX)
        return complain(parser, begin, "a pattern has at most %d filters", FILTERS_MAX);
    parser->at += value_length + 1;
    pattern->filters[pattern->filter_count++] =
        (struct filter){.name = copy_of(name, name_length), .value = copy_of(value, value_length)};
    return true;
}

/* pattern := segment ("/" segment)* filter* */
static bool read_pattern(struct parser *parser, struct pattern *pattern)
{
    for (;; parser->at++) {
        if (!read_segment(parser, pattern))
            return false;
        if (*parser_rest(parser) != '/')
            break;
    }
    while (take(parser, "["))
        if (!read_filter(parser, pattern))
            return false;
    skip_blanks(parser);
    if (*parser_rest(parser) == '\0')
        return true;
    return complain(parser, parser->at, "a pattern is area/noun/verb[field=value], in lower case");
}

struct pattern *pattern_parse(const char *text, struct term_error *ret_error)
{
    struct pattern *pattern = calloc(1, sizeof *pattern);
    struct parser parser = {.text = text, .error = ret_error};
    if (!pattern)
        abort();
    pattern->text = copy_of(text, strlen(text));
    skip_blanks(&parser);
    if (read_pattern(&parser, pattern))
        return pattern;
    ret_error->in_pattern = true;
    pattern_free(pattern);
    return NULL;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    for (size_t i = 0; i < pattern->filter_count; i++) {
        free(pattern->filters[i].name);
        free(pattern->filters[i].value);
    }
    free(pattern->text);
    free(pattern);
}

/* ---- matching ---- */

static bool segment_matches(const struct pattern *pattern, size_t i, const char *name,
                            size_t length)
{
    const struct segment *segment = &pattern->segments[i];
    if (segment->kind != SEGMENT_WORD)
        return true;
    return segment->length == length && memcmp(pattern->text + segment->at, name, length) == 0;
}

/* How many segments of the pattern the name matches from the left. *ret_rest is what comes after
 * them: the rest of the name, "" at its end. */
static size_t matching_segments(const struct pattern *pattern, const char *name,
                                const char **ret_rest)
{
    size_t i = 0;
    while (i < pattern->segment_count && *name) {
        size_t length = strcspn(name, "/");
        if (!segment_matches(pattern, i, name, length))
            break;
        if (pattern->segments[i++].kind == SEGMENT_REST)
            length = strlen(name);
        name += length + (name[length] == '/');
    }
    *ret_rest = name;
    return i;
}

bool pattern_matches_name(const struct pattern *pattern, const char *point)
{
    const struct segment *first = &pattern->segments[0];
    const char *rest;
    if (first->kind == SEGMENT_WORD && pattern->text[first->at] != point[0])
        return false; /* as most do not */
    return matching_segments(pattern, point, &rest) == pattern->segment_count && *rest == '\0';
}

static bool is_u64(const char *text, uint64_t value)
{
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && number == value;
}

static bool is_i64(const char *text, int64_t value)
{
    bool negative = *text == '-';
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return (negative == (value < 0) || value == 0) && is_u64(text + negative, size);
}

static bool field_is(const struct point_field *field, const char *value)
{
    switch (field->type) {
    case FIELD_U64: return is_u64(value, field->u64);
    case FIELD_I64: return is_i64(value, field->i64);
    case FIELD_STR: return strcmp(field->str ? field->str : "", value) == 0;
    }
    return false;
}

static bool filter_matches(const struct filter *filter, const struct point_field *fields,
                           unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(fields[i].name, filter->name) == 0)
            return field_is(&fields[i], filter->value);
    return false;
}

bool pattern_matches_fields(const struct pattern *pattern, const struct point_field *fields,
                            unsigned count)
{
    for (size_t i = 0; i < pattern->filter_count; i++)
        if (!filter_matches(&pattern->filters[i], fields, count))
            return false;
    return true;
}

/* ---- explaining ---- */

/* How far into the pattern any registered point goes. */
static size_t deepest_match(const struct pattern *pattern)
{
    size_t deepest = 0;
    for (size_t id = 0; id < registry_count(); id++) {
        const char *rest;
        size_t depth = matching_segments(pattern, registry_get(id)->name, &rest);
        if (depth > deepest)
            deepest = depth;
    }
    return deepest;
}

/* The names of points that match the pattern's first `depth` segments: the next segment of each, or
 * with `whole` the whole names. Each is heap; returns how many. */
static size_t candidates_of(const struct pattern *pattern, size_t depth, bool whole, char **words)
{
    size_t count = 0;
    for (size_t id = 0; id < registry_count(); id++) {
        const char *name = registry_get(id)->name, *rest;
        if (whole)
            words[count++] = copy_of(name, strlen(name));
        else if (matching_segments(pattern, name, &rest) >= depth && *rest)
            words[count++] = copy_of(rest, strcspn(rest, "/"));
    }
    return count;
}

static bool has_wildcards(const struct pattern *pattern)
{
    for (size_t i = 0; i < pattern->segment_count; i++)
        if (pattern->segments[i].kind != SEGMENT_WORD)
            return true;
    return false;
}

void pattern_explain(const struct pattern *pattern, struct term_error *ret_error)
{
    struct parser parser = {.text = pattern->text, .error = ret_error};
    size_t depth = deepest_match(pattern);
    bool whole = !has_wildcards(pattern);
    size_t last = pattern->segment_count - 1;
    const struct segment *first = &pattern->segments[0];
    const struct segment *wrong = &pattern->segments[depth < last ? depth : last];
    const struct segment *end = whole ? &pattern->segments[last] : wrong;
    size_t from = whole ? first->at : wrong->at, length = end->at + end->length - from;

    char **words = calloc(registry_count() + 1, sizeof *words);
    if (!words)
        abort();
    size_t count = candidates_of(pattern, depth, whole, words);
    const char *near =
        nearest_word(pattern->text + from, length, (const char *const *)words, count);
    if (near)
        complain(&parser, wrong->at, "no point matches '%.*s'; did you mean '%s'?", (int)length,
                 pattern->text + from, near);
    else
        complain(&parser, wrong->at, "no point matches '%.*s'", (int)length, pattern->text + from);
    ret_error->in_pattern = true;
    while (count > 0)
        free(words[--count]);
    free(words);
}
