/* workflow.h: jobs that wait for jobs, as programs ask for them. What they are is said in flow.h, what is kept of them in store.h.
 *
 *     struct workflow *import = workflow_new(heap, "import 7");
 *     workflow_add(import, &(struct workflow_step){"load", {.worker = "load"}});
 *     workflow_add(import, &(struct workflow_step){"check", {.worker = "check"}, .deps = DEPS("load")});
 *     workflow_add(import, &(struct workflow_step){"index", {.worker = "index"}, .deps = DEPS("load")});
 *     workflow_add(import, &(struct workflow_step){"report", {.worker = "report"}, .deps = DEPS("check", "index")});
 *     err = workflow_insert(self, jobs, import, &id, NULL, why, sizeof why);
 *
 * A chain needs no call of its own: jobs with the same `chain` in their spec are one. A batch is made, filled by inserts whose
 * specs have its id in `flow`, and closed; asking again for one by its name is safe. Or all of that at once: batch_insert().
 */
#ifndef SUT_WORKFLOW_H
#define SUT_WORKFLOW_H

#include "sut/jobs/jobs.h"

#define DEPS(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

struct workflow_step {
    const char *name;          /* unique in the workflow */
    struct job_spec spec;      /* in no chain or batch, not unique */
    const char *const *deps;   /* names of steps that it waits for, and a NULL; NULL: none */
    struct flow_policy policy; /* where it says nothing, the workflow's holds */
};

struct workflow;

/* `name`: unique in the database, or NULL. It lives in `heap`; what the specs of steps point to must stand until it is inserted. */
struct workflow *workflow_new(struct heap *heap, const char *name);
void workflow_policy(struct workflow *workflow, struct flow_policy policy); /* of all its steps */
/* In any order: names are looked up when it is inserted. */
void workflow_add(struct workflow *workflow, const struct workflow_step *step);
size_t workflow_count(const struct workflow *workflow);

/* The request that inserts it, for whoever does not go through jobs. 0, or -EINVAL with a sentence: a step without a name, a
 * name twice, a dep that is no step, or steps that wait for each other in a circle. */
int workflow_request(struct workflow *workflow, struct store_request *ret_request, char *why,
                     size_t why_size);

/* Inserts all of it or nothing. *ret_flow: its id. ret_ids: NULL, or room for the ids of its jobs, in the order of steps.
 * 0, -EINVAL with a sentence, -ENOTUNIQ if there is one of its name, or as store_call(). */
int workflow_insert(struct proc *self, struct jobs *jobs, struct workflow *workflow,
                    uint64_t *ret_flow, uint64_t *ret_ids, char *why, size_t why_size);

/* The job of another step of the workflow that `job` is in: call->reply.jobs[0], with its result if it recorded one. 0,
 * -ENOENT if there is no such step, or as store_call(). */
int workflow_job(struct proc *self, struct jobs *jobs, const struct job *job, const char *step,
                 struct store_call **ret_call);

/* A flow as it is: call->reply.flow, counts, members, edges, called. 0, -ENOENT, or as store_call(). */
int flow_look(struct proc *self, struct jobs *jobs, uint64_t flow, struct store_call **ret_call);
/* Cancels all of its jobs that have not ended. *ret_changed: how many. */
int flow_cancel(struct proc *self, struct jobs *jobs, uint64_t flow, size_t *ret_changed);

/* Makes a batch, or finds it, adds callbacks, closes it, as `batch` says. *ret_batch: its id. */
int batch_tell(struct proc *self, struct jobs *jobs, const struct store_batch *batch,
               uint64_t *ret_batch);
/* The same with jobs that come into it: all of it or nothing, in one transaction. With `close` it is complete, and a name says whether
 * it is there: then asking again is -ENOTUNIQ. ret_ids, ret_conflicts: NULL, or room
 * for each of the jobs. */
int batch_insert(struct proc *self, struct jobs *jobs, const struct store_batch *batch,
                 const struct job_spec *specs, size_t count, uint64_t *ret_batch, uint64_t *ret_ids,
                 bool *ret_conflicts);
int batch_close(struct proc *self, struct jobs *jobs, uint64_t batch); /* safe to repeat */

#endif
