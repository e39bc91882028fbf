/* open.c: see open.h. A pool with two doubly linked lists through it. */
#include "properties/open.h"

#include "properties/array.h"
#include "properties/findings.h"
#include <stdlib.h>

struct ends {
    uint32_t oldest, newest;
};

static uint32_t slot_take(struct open_spans *spans)
{
    uint32_t number = spans->unused;
    if (number) {
        spans->unused = spans->pool[number].newer;
        return number;
    }
    size_t from = spans->count ? spans->count : 1;
    spans->pool = array_grow(spans->pool, from, &spans->capacity, sizeof *spans->pool);
    spans->count = from + 1;
    return (uint32_t)from;
}

void open_add(struct open_spans *spans, const struct open_span *span)
{
    uint32_t number = slot_take(spans);
    struct ends *ends = TABLE_AT(&spans->keys, span->key, struct ends);
    struct open_span *added = &spans->pool[number];
    *added = *span;
    added->older = spans->newest;
    added->key_older = ends->newest;
    added->newer = added->key_newer = 0;
    if (added->older)
        spans->pool[added->older].newer = number;
    else
        spans->oldest = number;
    if (added->key_older)
        spans->pool[added->key_older].key_newer = number;
    else
        ends->oldest = number;
    spans->newest = ends->newest = number;
    spans->open++;
}

uint32_t open_find(const struct open_spans *spans, uint64_t key)
{
    const struct ends *ends = table_find(&spans->keys, key);
    return ends ? ends->oldest : 0;
}

struct open_span open_take(struct open_spans *spans, uint32_t number)
{
    struct open_span span = spans->pool[number];
    struct ends *ends = table_find(&spans->keys, span.key);
    *(span.older ? &spans->pool[span.older].newer : &spans->oldest) = span.newer;
    *(span.newer ? &spans->pool[span.newer].older : &spans->newest) = span.older;
    *(span.key_older ? &spans->pool[span.key_older].key_newer : &ends->oldest) = span.key_newer;
    *(span.key_newer ? &spans->pool[span.key_newer].key_older : &ends->newest) = span.key_older;
    spans->pool[number].newer = spans->unused;
    spans->unused = number;
    spans->open--;
    return span;
}

void open_done(struct open_spans *spans)
{
    free(spans->pool);
    table_done(&spans->keys);
    *spans = (struct open_spans){0};
}
