/* task_internal.h: what the files of tasks share. */
#ifndef SUT_TASK_INTERNAL_H
#define SUT_TASK_INTERNAL_H

#include "sut/runtime/error.h"
#include "sut/runtime/proc_internal.h"
#include "sut/runtime/task.h"

/* What the process of a task gets; the body's own argument follows. */
struct task_order {
    task_body *body;
    const void *pointer; /* the argument, when arg_size is 0 */
    size_t arg_size;
    proc_id owner;
    char label[32];
    bool waits; /* supervised: for its owner's word, before it begins */
    ref_id ref; /* whose monitor waits for the value; 0: nobody's */
    _Alignas(16) char arg[];
};

struct task_order *order_new(struct heap *heap, const struct task_spec *spec, proc_id owner);
size_t order_size(const struct task_spec *spec);
/* Runs the body and gives the value to whoever still waits. */
void order_run(struct proc *self, struct task_order *order);
void task_main(struct proc *self, void *arg); /* of tasks; arg: their order */
/* Starts one below a supervisor that does not know of its monitor yet: it waits for task_go(). Errors of task_async_under().
 */
int task_start_waiting(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                       proc_id *ret_pid);
void task_go(struct proc *self, proc_id task, ref_id ref);

/* What a task says: the value, or its DOWN. Out of the mailbox; NULL: time is up. */
struct envelope *task_word(struct proc *self, ref_id ref, int64_t timeout_ns);
/* Releases it. */
struct task_result word_result(struct proc *self, struct envelope *word);
void task_over(struct proc *self, ref_id ref); /* no monitor, no DOWN */
/* Exits for what a wait answered; `what` waited. */
_Noreturn void task_exit(struct proc *self, int err, const struct reason *why, const char *what);
bool task_foreign(const struct proc *self, const struct task *task);

#endif
