/* or_exit.h: the functions of the runtime for who lets it crash, where Elixir's have a bang, raise or exit.
 *
 * Each does as the function without `_or_exit`, and gives what that gives on success. Otherwise the caller exits: with the reason
 * that a call answered (`{REASON,{call,SERVER}}`), or with the error of the number (`{badarg,stack}`), whose text says which function
 * it was and what is wrong. What proc_try() catches, it catches here, too. (server_call_or_exit(), agent_get_or_exit(),
 * task_await_or_exit() and task_stream_next_or_exit() are where their twins are.)
 */
#ifndef SUT_OR_EXIT_H
#define SUT_OR_EXIT_H

#include "sut/runtime/agent.h"
#include "sut/runtime/ets.h"
#include "sut/runtime/partition.h"
#include "sut/runtime/registry_via.h"
#include "sut/runtime/stage.h"
#include "sut/runtime/task.h"

/* ---- for any function ---- */

/* `result`, unless it is negative: then it is an errno that `what` answered. */
int64_t proc_or_exit(struct proc *self, int64_t result, const char *what);
/* Whom it started; 0: it was not needed. */
proc_id started_or_exit(struct proc *self, struct started started);
/* The same of start and restart by a call. */
proc_id child_or_exit(struct proc *self, proc_id supervisor, struct child_answer answer);

/* ---- processes ---- */

void proc_register_or_exit(struct proc *self, const char *name);
void proc_send_name_or_exit(struct proc *self, const char *name, uint32_t tag, const void *data,
                            size_t size); /* SIG-29 */

/* ---- servers, agents, stages ---- */

void server_stop_or_exit(struct proc *self, proc_id server, struct reason reason,
                         int64_t timeout_ns); /* GS-26 */
void agent_update_or_exit(struct proc *self, proc_id agent, const struct agent_call *call,
                          int64_t timeout_ns); /* AGT-02, AGT-04 */
void agent_stop_or_exit(struct proc *self, proc_id agent, struct reason reason, int64_t timeout_ns);
const struct message *registry_call_or_exit(struct proc *self, const struct registry_via *via,
                                            uint32_t tag, const void *data, size_t size,
                                            int64_t timeout_ns); /* REG-17, REG-18 */
struct stage_from stage_subscribe_or_exit(struct proc *self, proc_id consumer,
                                          const struct stage_subscription *subscription,
                                          int64_t timeout_ns);

/* ---- supervisors ---- */

proc_id supervisor_start_child_or_exit(struct proc *self, proc_id supervisor,
                                       const struct child_spec *spec);
proc_id supervisor_restart_child_or_exit(struct proc *self, proc_id supervisor, const char *id);
void supervisor_stop_or_exit(struct proc *self, proc_id supervisor, struct reason why); /* API-15 */
proc_id partition_of_number_or_exit(struct proc *self, proc_id supervisor,
                                    int64_t key); /* PART-08, PART-09 */
proc_id partition_of_bytes_or_exit(struct proc *self, proc_id supervisor, const void *key,
                                   size_t size);
void partition_resize_or_exit(struct proc *self, proc_id supervisor, size_t count); /* PART-08 */

/* ---- tasks ---- */

struct task task_async_or_exit(struct proc *self, const struct task_spec *spec);
struct task task_async_under_or_exit(struct proc *self, proc_id supervisor,
                                     const struct task_spec *spec); /* TASK-19 */
struct task task_async_nolink_or_exit(struct proc *self, proc_id supervisor,
                                      const struct task_spec *spec);
void task_await_many_or_exit(struct proc *self, const struct task *tasks, size_t count,
                             int64_t timeout_ns, struct task_value *values); /* TASK-15 */

/* ---- tables ---- */

ets_id ets_new_or_exit(struct proc *self, const struct ets_spec *spec);
void ets_insert_or_exit(struct proc *self, ets_id table, const struct tuple *rows, size_t count);
int64_t ets_lookup_or_exit(struct proc *self, ets_id table, struct value key, struct heap *heap,
                           struct tuple **ret_rows);
/* The field of the row with that key, lent as by ets_peek(); without such a row, or such a field of it, the caller exits (ETS's
 * lookup_element). */
struct value ets_element_or_exit(struct proc *self, ets_id table, struct value key, uint32_t field);
/* One counter; its new value. */
int64_t ets_update_counter_or_exit(struct proc *self, ets_id table, struct value key,
                                   const struct ets_count *count, const struct tuple *fallback);

#endif
