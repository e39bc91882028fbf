/* open.h: what has begun and not ended yet: causes without their effect, spans without their end.
 *
 * Open things have a key (what ends them), a group (what they are counted with) and a scope (what takes them all down
 * at once: their node). Those of one key are taken oldest first. Everything is O(1), but for walking those that are
 * open, which is for rare events.
 */
#ifndef PROPERTIES_OPEN_H
#define PROPERTIES_OPEN_H

#include "properties/table.h"

struct open_span {
    uint64_t key, group, scope;
    uint64_t subject, at; /* see struct finding */
    int64_t time_ns;
    const char *point;             /* that opened it */
    size_t number;                 /* for the caller */
    uint32_t older, newer;         /* of all that are open; 0: none */
    uint32_t key_older, key_newer; /* of the same key */
};

/* Zeroed: nothing is open. */
struct open_spans {
    struct open_span *pool; /* [0] is nobody */
    size_t count, capacity;
    uint32_t unused; /* a list by `newer` */
    uint32_t oldest, newest;
    size_t open;
    struct table keys;
};

/* Copies the span. */
void open_add(struct open_spans *spans, const struct open_span *span);
/* The oldest with this key; 0: none. */
uint32_t open_find(const struct open_spans *spans, uint64_t key);
/* Closes it. The copy is what it was; its `newer` still leads on. */
struct open_span open_take(struct open_spans *spans, uint32_t number);
void open_done(struct open_spans *spans);

/* for (n = spans->oldest; n; n = spans->pool[n].newer); take a copy of `newer` before open_take(n). */

#endif
