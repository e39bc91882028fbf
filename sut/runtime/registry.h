/* registry.h: which process stands for a key, as Elixir's Registry (REG- rules).
 *
 * A process registers itself under keys, with a value each. In a UNIQUE registry a key stands for one process; in a DUPLICATE one
 * for any number, also for one process many times. Keys are compared strictly: 1 and 1.0 differ. Whatever ends a process, its
 * entries are gone at once: nobody ever finds a dead one.
 *
 * The registry is a supervisor of partitions; their processes hold the entries, and who registers is linked with one of them: when
 * a partition dies its entries are gone, and so are, unless they trap exits, those who relied on them (REG-08). UNIQUE: an
 * entry lies in the partition of its key and is linked with that of its process, so one that dies takes all others along
 * (ONE_FOR_ALL). DUPLICATE: both are that of the process, or of the key, as it was asked; they die alone (ONE_FOR_ONE).
 *
 * A registry is named by the id of its process. -ESRCH: that is no registry, or not any more (REG-18); -EINVAL: a value that is
 * none, or not for this kind of registry (REG-17); -EAGAIN: the partition is just being restarted.
 */
#ifndef SUT_REGISTRY_H
#define SUT_REGISTRY_H

#include "sut/runtime/proc.h"
#include "sut/runtime/start.h"
#include "sut/runtime/value.h"

enum registry_kind { REGISTRY_UNIQUE, REGISTRY_DUPLICATE };

struct registry_spec {
    const char *name; /* of its process; NULL: none */
    enum registry_kind kind;
    bool by_key;         /* DUPLICATE: partitions by key, not by process */
    unsigned partitions; /* 0: one */
    /* Names of processes that get MSG_REGISTRY for each register and unregister, but not for what goes with its process
     * (REG-09). */
    const char *const *listeners;
    size_t listener_count;
};

enum { MSG_REGISTRY = 9 };
struct registry_event { /* data of MSG_REGISTRY */
    proc_id registry;
    proc_id pid;
    bool registered; /* else unregistered, and there is no value */
    struct value key, value;
};

/* Linked with `parent`, as supervisor_start(). Everything is copied. 0: the name is taken, or see *ret_error (as there; may be NULL). */
proc_id registry_start(struct runtime *runtime, proc_id parent, const struct registry_spec *spec,
                       const struct error **ret_error);
/* The same as the `start` of a child; arg: a struct registry_spec that lasts. */
struct started registry_start_child(struct proc *supervisor, const void *arg);

/* 0; -EEXIST: the key is taken, by *ret_holder (REG-01; may be NULL). */
int registry_register(struct proc *self, proc_id registry, struct value key, struct value value,
                      proc_id *ret_holder);
/* Takes back all that `self` has under the key; that may be nothing (REG-06, REG-12). */
int registry_unregister(struct proc *self, proc_id registry, struct value key);

struct registration {
    proc_id pid;
    struct value value;
};
/* How many, in the order of registering; copied into `heap`. */
int64_t registry_lookup(struct runtime *runtime, proc_id registry, struct value key,
                        struct heap *heap, struct registration **ret_entries);
/* The keys of a process, as often as it has them; likewise (REG-02). */
int64_t registry_keys(struct runtime *runtime, proc_id registry, proc_id pid, struct heap *heap,
                      struct value **ret_keys);
int64_t registry_size(struct runtime *runtime, proc_id registry); /* entries */

/* Who stands for the key of a UNIQUE registry: 0; -ENOENT: nobody. */
int registry_whereis(struct runtime *runtime, proc_id registry, struct value key, proc_id *ret_pid);

/* Replaces the value of one's own key by what `change` makes of it; UNIQUE only. -ENOENT: it is not one's own (REG-06). What
 * `change` answers must last until the return. */
int registry_update_value(struct proc *self, proc_id registry, struct value key,
                          struct value (*change)(struct value old, void *ctx), void *ctx);

/* Calls `send` in the caller, once for each partition that has entries of the key, with all of them; not at all if there are
 * none (REG-05, REG-19). It may wait, and change the registry. How many calls there were. */
int64_t registry_dispatch(struct proc *self, proc_id registry, struct value key,
                          void (*send)(struct proc *self, const struct registration *entries,
                                       size_t count, void *ctx),
                          void *ctx);
/* The same with a process for each partition, side by side: returns when all have ended. One that fails takes the caller
 * along, unless that traps exits: then -EPIPE. */
int64_t registry_dispatch_parallel(struct proc *self, proc_id registry, struct value key,
                                   void (*send)(struct proc *self,
                                                const struct registration *entries, size_t count,
                                                void *ctx),
                                   void *ctx);

#endif
