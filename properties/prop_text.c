/* prop_text.c: a case as text, "1:COUNT:V,V,V": the format's version, how many choices, their values. */
#define _GNU_SOURCE
#include "properties/prop_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CASE_VERSION 1

char *case_text(const int64_t *values, size_t count)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    fprintf(out, "%d:%zu:", CASE_VERSION, count);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%lld", i ? "," : "", (long long)values[i]);
    fclose(out);
    return text;
}

struct case_values case_values_of(const struct sequence *sequence)
{
    struct case_values values = {.count = sequence_length(sequence)};
    values.items = calloc(values.count + 1, sizeof *values.items);
    if (!values.items)
        abort();
    for (size_t i = 0; i < values.count; i++)
        values.items[i] = sequence_choices(sequence)[i].value;
    return values;
}

void case_values_done(struct case_values *values)
{
    free(values->items);
    *values = (struct case_values){0};
}

/* "V," or "V" at the end. NULL: it is none. */
static const char *parse_value(const char *at, bool last, int64_t *ret_value)
{
    char *end;
    if (*at != '-' && (*at < '0' || *at > '9'))
        return NULL;
    errno = 0;
    *ret_value = strtoll(at, &end, 10);
    if (errno || end == at || *end != (last ? '\0' : ','))
        return NULL;
    return last ? end : end + 1;
}

int case_parse(const char *text, struct case_values *ret_values, char *why, size_t why_size)
{
    int version, begin = 0;
    size_t count;
    if (sscanf(text, "%d:%zu:%n", &version, &count, &begin) < 2 || begin == 0) {
        snprintf(why, why_size, "'%.40s' is no case: it looks like 1:COUNT:VALUE,VALUE,...", text);
        return -EINVAL;
    }
    if (version != CASE_VERSION || count > CHOICES_MAX) {
        snprintf(why, why_size,
                 "a case of version %d with %zu choices; this program reads version "
                 "%d with at most %d",
                 version, count, CASE_VERSION, CHOICES_MAX);
        return -EINVAL;
    }
    struct case_values values = {calloc(count + 1, sizeof *values.items), count};
    if (!values.items)
        abort();
    const char *at = text + begin;
    for (size_t i = 0; at && i < count; i++)
        at = parse_value(at, i + 1 == count, &values.items[i]);
    if (!at || *at) {
        snprintf(why, why_size, "the case does not hold the %zu numbers that it announces", count);
        case_values_done(&values);
        return -EINVAL;
    }
    *ret_values = values;
    return 0;
}
