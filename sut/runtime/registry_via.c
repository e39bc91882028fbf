/* registry_via.c: from a key to a server. The key is looked up at each call: it may stand for another one by then. */
#include "sut/runtime/registry_via.h"

#include "sut/runtime/error.h"

#include <errno.h>

static int via_join(struct proc *self, const void *arg)
{
    const struct registry_via *via = arg;
    return registry_register(self, via->registry, via->key, via->value, NULL);
}

static proc_id via_holder(struct proc *self, const struct registry_via *via)
{
    proc_id pid = 0;
    return registry_whereis(proc_runtime(self), via->registry, via->key, &pid) == 0 ? pid : 0;
}

static struct started taken(struct proc *self, const struct registry_via *via, proc_id holder)
{
    return started_taken(self, value_words(via->key, (char[VALUE_WORDS]){0}), holder);
}

struct started registry_start_server(struct proc *self, const struct registry_via *via,
                                     const struct server_spec *spec)
{
    proc_id holder = via_holder(self, via);
    if (holder)
        return taken(self, via, holder);
    struct server_spec joined = *spec;
    joined.join = via_join;
    joined.via = via;
    return server_start_link(self, &joined);
}

static const struct error not_unique = {
    ERROR_INPUT, EXIT_RAISED,
    "badarg",    "only keys of a unique registry stand for a process",
    NULL,        0};

static int via_find(struct proc *self, const struct registry_via *via, proc_id *ret_pid)
{
    int err = registry_whereis(proc_runtime(self), via->registry, via->key, ret_pid);
    return err == -ENOENT ? -ESRCH : err;
}

int registry_call(struct proc *self, const struct registry_via *via, uint32_t tag, const void *data,
                  size_t size, int64_t timeout_ns, const struct message **ret_reply,
                  struct reason *ret_why)
{
    proc_id pid = 0;
    int err = via_find(self, via, &pid);
    if (err && ret_why)
        *ret_why = reason_of_error(err == -ESRCH ? &error_noproc : &not_unique);
    return err ? err : server_call(self, pid, tag, data, size, timeout_ns, ret_reply, ret_why);
}

int registry_cast(struct proc *self, const struct registry_via *via, uint32_t tag, const void *data,
                  size_t size)
{
    proc_id pid = 0;
    int err = via_find(self, via, &pid);
    if (err)
        return err == -ESRCH ? 0 : err;
    return server_cast(proc_runtime(self), proc_self(self), pid, tag, data, size);
}
