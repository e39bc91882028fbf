/* partition.h: one service as several children of the same kind, and a key that says which of them is meant (PART rules).
 *
 * Partitions are the children "0" .. "N-1" of a supervisor. Who asks for the partition of a key gets the last known process of
 * it, without asking the supervisor and without looking whether that process lives: between a crash and the restart it is the
 * dead one (PART-07).
 */
#ifndef SUT_PARTITION_H
#define SUT_PARTITION_H

#include "sut/runtime/supervisor.h"

/* The child of partition `number`: a copy of the template that may be changed, above all its arg; what it points to is
 * copied afterwards. `ctx` is the spec's. (PART-06) */
typedef void partition_arguments(struct child_spec *child, size_t number, const void *ctx);

struct partition_spec {
    const char *label;
    const char *name;                    /* to be registered under; NULL: none */
    size_t partitions;                   /* 0: one, as there is one thread (PART-04) */
    struct child_spec child;             /* its id is not looked at */
    partition_arguments *with_arguments; /* NULL: all are alike */
    const void *ctx;
    enum strategy strategy; /* one of those with ids */
    unsigned intensity;
    unsigned period_s;
};

/* As supervisor_start_link(). An error, too, when the name is taken ("already_started"). */
struct started partition_start_link(struct proc *self, const struct partition_spec *spec);

/* A number k is for partition |k| mod N (PART-01), bytes for their hash mod N (PART-02; the hash is not OTP's phash2). 0 and the
 * process; -ESRCH: there is no such partition supervisor (PART-09); -ENOENT: it has no open partition (PART-08). */
int partition_of_number(struct runtime *runtime, proc_id supervisor, int64_t key, proc_id *ret_pid);
int partition_of_bytes(struct runtime *runtime, proc_id supervisor, const void *key, size_t size,
                       proc_id *ret_pid);

/* The processes of all open partitions, by number; returns how many there are, or -ESRCH. At most `max` are written. */
int64_t partition_all(struct runtime *runtime, proc_id supervisor, proc_id *ret_pids, size_t max);

/* Opens or closes partitions: 0 <= count <= as many as at the start. Fewer: they are no longer routed to, then stopped. More:
 * they are started again, then routed to (PART-08). 0; -EINVAL: too many, or not a partition supervisor; -EIO: one could not be
 * started, and nothing changed for the callers; else as other calls to supervisors. */
int partition_resize(struct proc *self, proc_id supervisor, size_t count);

#endif
