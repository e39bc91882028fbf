/* registry_via.h: servers by the keys of a UNIQUE registry instead of by name or id (REG-07). */
#ifndef SUT_REGISTRY_VIA_H
#define SUT_REGISTRY_VIA_H

#include "sut/runtime/registry.h"
#include "sut/runtime/server.h"

struct registry_via {
    proc_id registry;
    struct value key;
    struct value value; /* of the entry of a server that is started by it */
};

/* As server_start_link(); the server is in the registry before its init. "already_started": the key is taken, by `pid`. */
struct started registry_start_server(struct proc *self, const struct registry_via *via,
                                     const struct server_spec *spec);
/* As server_call() to who stands for the key now; nobody: -ESRCH, noproc. -EINVAL: the registry is not UNIQUE (REG-17). */
int registry_call(struct proc *self, const struct registry_via *via, uint32_t tag, const void *data,
                  size_t size, int64_t timeout_ns, const struct message **ret_reply,
                  struct reason *ret_why);
/* As server_cast(); 0, too, when there is nobody. */
int registry_cast(struct proc *self, const struct registry_via *via, uint32_t tag, const void *data,
                  size_t size);

#endif
