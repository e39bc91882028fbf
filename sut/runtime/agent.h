/* agent.h: a state that others read and change by functions, as Elixir's Agent (AGT- rules).
 *
 * The functions run in the agent, one after the other, in the order in which they were asked for (AGT-01). One that ends with
 * proc_exit() ends the agent, and whoever asked for it gets the reason (AGT-02). An agent is a server: between two functions it
 * has no stack.
 */
#ifndef SUT_AGENT_H
#define SUT_AGENT_H

#include "sut/runtime/server.h"

struct agent_value {
    const void *data;
    size_t size;
};

/* `state` has state_size bytes; `arg` is a copy of what was given, aligned to 16. The value lies in the state, or in `scratch`,
 * whose memory is given back when the value has been copied. */
typedef struct agent_value agent_function(struct proc *agent, void *state, const void *arg,
                                          struct heap *scratch);

struct agent_spec {
    const char *label;
    const char *name; /* NULL: none */
    size_t state_size;
    /* Makes the state, which is zeroed before. Runs in the agent; ending with proc_exit() makes the start fail (AGT-06). NULL: it
     * stays zeroed. */
    void (*init)(struct proc *agent, void *state, const void *arg);
    const void *arg; /* arg_size bytes are copied; 0: the pointer itself */
    size_t arg_size;
    int64_t timeout_ns; /* how long init may take; 0: as long as it likes */
};

/* As server_start_link() and server_start(). */
struct started agent_start_link(struct proc *self, const struct agent_spec *spec);
struct started agent_start(struct proc *self, const struct agent_spec *spec);

/* What to run: `arg_size` bytes of `arg` are copied. */
struct agent_call {
    agent_function *function;
    const void *arg;
    size_t arg_size;
};

/* Runs it and gives its value, valid until the next receive or call: for reading, and for changing what is read (Agent.get,
 * get_and_update). Errors as server_call(); with -ETIMEDOUT it still runs (AGT-04). The last three may be NULL. */
int agent_get(struct proc *self, proc_id agent, const struct agent_call *call, int64_t timeout_ns,
              struct agent_value *ret_value, struct reason *ret_why);
/* Runs it, and returns when it has run (AGT-05). */
int agent_update(struct proc *self, proc_id agent, const struct agent_call *call,
                 int64_t timeout_ns, struct reason *ret_why);
/* The same without waiting for it. -ENOBUFS: its mailbox is full. */
int agent_cast(struct proc *self, proc_id agent, const struct agent_call *call);

/* agent_get(); without a value the caller exits, as server_call_or_exit(). */
struct agent_value agent_get_or_exit(struct proc *self, proc_id agent,
                                     const struct agent_call *call, int64_t timeout_ns);
int agent_stop(struct proc *self, proc_id agent, struct reason reason, int64_t timeout_ns);

#endif
