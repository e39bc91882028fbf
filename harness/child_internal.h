/* child_internal.h: what the two sides of a fork share. child.c is the parent's side. */
#ifndef DURESS_CHILD_INTERNAL_H
#define DURESS_CHILD_INTERNAL_H

#include "harness/child.h"

/* A task begins: how it ends will be told in its name, and its patience counts from now. */
void child_expect(struct child *child, const struct child_task *task);
/* What was said without dying (a sanitizer's warning, a stray printf) must not get lost: passes it on to stderr. */
void child_noise(const struct child *child);

/* child_main.c: how a child begins: it lives and dies with its parent, and `noise` catches what it says. */
void child_settle(int noise);
/* With LeakSanitizer: every run gives back all its memory, or this is the end. */
void child_check_leaks(void);

/* Makes the run, sends its message to `out`, exits. */
_Noreturn void child_main(const struct child_task *task, int out, int noise);

/* The message of one run of which nothing else is told. Heap. */
char *child_message(const struct result *result, size_t *ret_length);

/* Shall a failure be written down? */
static inline bool child_keeps(const struct child_task *task)
{
    return task->keep.folder && task->keep.folder[0];
}

#endif
