/* child_internal.h: what the two sides of a fork share. child.c is the parent's side. */
#ifndef DURESS_CHILD_INTERNAL_H
#define DURESS_CHILD_INTERNAL_H

#include "harness/child.h"

/* child_main.c: makes the run, sends its message to `out`, exits. */
_Noreturn void child_main(const struct child_task *task, int out, int noise);

/* The message of one run of which nothing else is told. Heap. */
char *child_message(const struct result *result, size_t *ret_length);

/* Shall a failure be written down? */
static inline bool child_keeps(const struct child_task *task)
{
    return task->keep.folder && task->keep.folder[0];
}

#endif
