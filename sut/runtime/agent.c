/* agent.c: a server whose requests bring their own function along. What can be lost: nothing that a caller was told to have
 * happened.
 */
#include "sut/runtime/agent.h"

#include <string.h>

enum { TAG_GET = MSG_USER, TAG_UPDATE };

struct order {
    agent_function *function;
    size_t arg_size;
    _Alignas(16) char arg[];
};

struct agent {
    struct heap *scratch;
    _Alignas(16) char state[];
};

struct beginning {
    void (*init)(struct proc *agent, void *state, const void *arg);
    const void *arg;
    size_t arg_size;
    _Alignas(16) char bytes[];
};

static struct server_next agent_init(struct proc *self, void *state, const void *arg)
{
    struct agent *agent = state;
    const struct beginning *beginning = arg;
    agent->scratch = heap_child(proc_heap(self));
    if (beginning->init)
        beginning->init(self, agent->state,
                        beginning->arg_size > 0 ? beginning->bytes : beginning->arg);
    return server_go();
}

static struct agent_value order_run(struct proc *self, struct agent *agent,
                                    const struct message *message)
{
    const struct order *order = message->data;
    return order->function(self, agent->state, order->arg, agent->scratch);
}

static struct server_next agent_answer(struct proc *self, void *state,
                                       const struct message *request)
{
    struct agent *agent = state;
    struct agent_value value = order_run(self, agent, request);
    if (request->tag == TAG_UPDATE)
        value = (struct agent_value){0};
    server_reply(self, value.data, value.size);
    heap_done(agent->scratch);
    return server_go();
}

static struct server_next agent_run(struct proc *self, void *state, const struct message *message)
{
    struct agent *agent = state;
    order_run(self, agent, message);
    heap_done(agent->scratch);
    return server_go();
}

static const struct server_ops agent_ops = {
    .init = agent_init, .call = agent_answer, .cast = agent_run};

/* ---- starting ---- */

static struct started agent_begin(struct proc *self, const struct agent_spec *spec, bool link)
{
    struct beginning *beginning = proc_alloc(self, sizeof *beginning + spec->arg_size);
    *beginning = (struct beginning){spec->init, spec->arg, spec->arg_size};
    if (spec->arg_size > 0)
        memcpy(beginning->bytes, spec->arg, spec->arg_size);
    struct server_spec server = {.label = spec->label ? spec->label : "agent",
                                 .name = spec->name,
                                 .ops = &agent_ops,
                                 .state_size = sizeof(struct agent) + spec->state_size,
                                 .arg = beginning,
                                 .arg_size = sizeof *beginning + spec->arg_size,
                                 .timeout_ns = spec->timeout_ns};
    struct started started = link ? server_start_link(self, &server) : server_start(self, &server);
    heap_release(proc_heap(self), beginning);
    return started;
}

struct started agent_start_link(struct proc *self, const struct agent_spec *spec)
{
    return agent_begin(self, spec, true);
}

struct started agent_start(struct proc *self, const struct agent_spec *spec)
{
    return agent_begin(self, spec, false);
}

/* ---- asking ---- */

static struct order *order_new(struct proc *self, const struct agent_call *call, size_t *ret_size)
{
    *ret_size = sizeof(struct order) + call->arg_size;
    struct order *order = proc_alloc(self, *ret_size);
    order->function = call->function;
    order->arg_size = call->arg_size;
    if (call->arg_size > 0)
        memcpy(order->arg, call->arg, call->arg_size);
    return order;
}

static int agent_ask(struct proc *self, proc_id agent, uint32_t tag, const struct agent_call *call,
                     int64_t timeout_ns, const struct message **ret_reply, struct reason *ret_why)
{
    size_t size;
    struct order *order = order_new(self, call, &size);
    int err = server_call(self, agent, tag, order, size, timeout_ns, ret_reply, ret_why);
    heap_release(proc_heap(self), order);
    return err;
}

int agent_get(struct proc *self, proc_id agent, const struct agent_call *call, int64_t timeout_ns,
              struct agent_value *ret_value, struct reason *ret_why)
{
    const struct message *reply = NULL;
    int err = agent_ask(self, agent, TAG_GET, call, timeout_ns, &reply, ret_why);
    if (!err && ret_value)
        *ret_value = (struct agent_value){reply->data, reply->size};
    return err;
}

int agent_update(struct proc *self, proc_id agent, const struct agent_call *call,
                 int64_t timeout_ns, struct reason *ret_why)
{
    return agent_ask(self, agent, TAG_UPDATE, call, timeout_ns, NULL, ret_why);
}

int agent_cast(struct proc *self, proc_id agent, const struct agent_call *call)
{
    size_t size;
    struct order *order = order_new(self, call, &size);
    int err = server_cast(proc_runtime(self), proc_self(self), agent, TAG_UPDATE, order, size);
    heap_release(proc_heap(self), order);
    return err;
}

struct agent_value agent_get_or_exit(struct proc *self, proc_id agent,
                                     const struct agent_call *call, int64_t timeout_ns)
{
    size_t size;
    struct order *order = order_new(self, call, &size);
    const struct message *reply =
        server_call_or_exit(self, agent, TAG_GET, order, size, timeout_ns);
    heap_release(proc_heap(self), order);
    return (struct agent_value){reply->data, reply->size};
}

int agent_stop(struct proc *self, proc_id agent, struct reason reason, int64_t timeout_ns)
{
    return server_stop(self, agent, reason, timeout_ns, NULL);
}
