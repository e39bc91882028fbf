/* mark.c: see mark.h. */
#include "harness/shrinker/mark.h"

#include <string.h>

struct mark mark_of(const struct result *result)
{
    struct mark mark = {.outcome = result->outcome};
    memcpy(mark.property, result->property, sizeof mark.property);
    memcpy(mark.place, result->place, sizeof mark.place);
    return mark;
}

bool mark_same(const struct mark *a, const struct mark *b)
{
    return a->outcome == b->outcome && strcmp(a->property, b->property) == 0 &&
           strcmp(a->place, b->place) == 0;
}

const char *mark_print(const struct mark *mark, char *out, size_t size)
{
    const char *place = mark->place;
    snprintf(out, size, "%s%s%s", mark->property,
             !*place                          ? ""
             : mark->outcome == OUTCOME_CRASH ? ", "
                                              : " at ",
             place);
    return out;
}
