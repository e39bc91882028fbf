/* task_stream_internal.h: the process in the middle of a stream, as its consumer sees it. */
#ifndef SUT_TASK_STREAM_INTERNAL_H
#define SUT_TASK_STREAM_INTERNAL_H

#include "sut/runtime/task_internal.h"
#include "sut/runtime/task_stream.h"

/* MSG_TASK from the middle, with the ref of the task's monitor: that has ended. */
struct middle_end {
    struct reason why;
    bool late; /* killed, since its time was up */
};

/* Linked with `self`, monitored by it (*ret_ref) and watching it. Gets MSG_TASK: empty, from the consumer: stop all and end;
 * a ref, from a timer: its task is late. 0: there are too many processes. */
proc_id middle_start(struct proc *self, bool nolink, ref_id *ret_ref);
/* A task for `self`, linked with the middle and watched by it under *ret_ref. 0: too many processes. */
proc_id middle_spawn(struct proc *self, proc_id middle, const struct task_spec *spec,
                     ref_id *ret_ref);
/* The same for one that runs already. */
ref_id middle_watch(struct proc *self, proc_id middle, proc_id task, bool linked);

#endif
