/* supervised.h: what the two files share that judge supervisors by the reference model (tree.h): their acts one by one
 * (supervised_acts.c), and their ends (supervised.c). */
#ifndef PROPERTIES_SUPERVISED_H
#define PROPERTIES_SUPERVISED_H

#include "properties/lives.h"
#include "properties/tree.h"

struct ended { /* a process */
    int64_t at_ns;
    uint64_t reason; /* as a hash */
};

struct supervised {
    struct lives lives;
    struct table trees; /* struct tree, by process */
    struct table ended; /* struct ended, likewise */
};

static inline uint64_t key_of(struct supervised *all, uint32_t node, uint64_t pid)
{
    return boots_key(&all->lives.boots, node, pid);
}

/* The supervisor that the event is about; NULL: it is not judged (any more). */
static inline struct tree *tree_of(struct supervised *all, const struct event *event)
{
    struct tree *tree = table_find(&all->trees, key_of(all, event->node, event_u64(event, "sup")));
    return tree && !tree->lost ? tree : NULL;
}

bool reason_word_is_calm(const char *reason);

/* Tells that `what` happened and something else, or nothing, was due; the supervisor is not judged any more. */
void tree_fail(struct judge *judge, struct tree *tree, const struct event *event, const char *what);
/* Something came from outside: nothing may be due. */
bool tree_is_idle(struct judge *judge, struct tree *tree, const struct event *event,
                  const char *what);

void tree_on_start(struct judge *judge, void *ctx, const struct event *event);
void tree_on_up(struct judge *judge, void *ctx, const struct event *event);
void tree_on_failed(struct judge *judge, void *ctx, const struct event *event);
void tree_on_add(struct judge *judge, void *ctx, const struct event *event);
void tree_on_drop(struct judge *judge, void *ctx, const struct event *event);
void tree_on_child_start(struct judge *judge, void *ctx, const struct event *event);
void tree_on_child_up(struct judge *judge, void *ctx, const struct event *event);
void tree_on_child_ignore(struct judge *judge, void *ctx, const struct event *event);
void tree_on_child_fail(struct judge *judge, void *ctx, const struct event *event);
void tree_on_child_end(struct judge *judge, void *ctx, const struct event *event);
void tree_on_restart(struct judge *judge, void *ctx, const struct event *event);
void tree_on_child_stop(struct judge *judge, void *ctx, const struct event *event);
void tree_on_child_stopped(struct judge *judge, void *ctx, const struct event *event);
void tree_on_call(struct judge *judge, void *ctx, const struct event *event);

#endif
