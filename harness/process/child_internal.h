/* child_internal.h: what the two sides of a fork share. child.c is the parent's side. */
#ifndef DURESS_CHILD_INTERNAL_H
#define DURESS_CHILD_INTERNAL_H

#include "harness/process/child.h"

/* A task begins: how it ends will be told in its name, and its patience counts from now. */
void child_expect(struct child *child, const struct child_task *task);
/* What was said without dying (a sanitizer's warning, a stray printf) must not get lost: passes it on to stderr. */
void child_noise(const struct child *child);

/* Writes a failure down where the task says, from the run, or, when its child has died (`run` NULL), from what is known
 * of that. What cannot be written is told on stderr. */
void child_keep(const struct child_task *task, const struct result *result, const struct run *run);

/* child_main.c: how a child begins: it lives and dies with its parent, and `noise` catches what it says. */
void child_settle(int noise);
/* With LeakSanitizer: every run gives back all its memory, or this is the end. */
void child_check_leaks(const struct child_setup *setup);

/* A run, in the child that makes it. */
struct execution {
    struct child_task task;
    int out;
    struct run run;
};

/* It makes the run of this task from now on, within a limit of CPU time of its own. */
void execution_begin(struct execution *x, const struct child_task *task, int out, int noise);
void child_write(int fd, const void *data, size_t length);

/* child_stem.c: makes the run as far as branches need it; returns in each branch, and in the stem only if it missed
 * the hit of one. */
void stem_execute(struct execution *x);

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
