/* inserts.c: what clients asked for and what is there at the end, as the history of a queue. That nothing is lost and
 * nothing comes out of nothing is judged by the ledger, which knows about doubt; here it is only reported. */
#include "properties/history_trace.h"

#define INSERT .f = OP_ENQUEUE, .by = {"key"}, .value = "key"

static const struct property_on once_on[] = {
    ON_OP("client/insert/call", .role = ROLE_INVOKE, INSERT),
    ON_OP("client/insert/ok", .role = ROLE_OK, INSERT),
    ON_OP("client/insert/fail", .role = ROLE_FAIL, INSERT),
    ON_OP("client/insert/conflict", .role = ROLE_FAIL, INSERT),
    ON_OP("client/insert/unknown", .role = ROLE_UNKNOWN, INSERT),
    ON_OP("audit/job/row", .role = ROLE_AT_ONCE, .f = OP_DEQUEUE, .by = {"job"}, .value = "key"),
    ON_OP("world/phase/enter", .role = ROLE_READY, .field = "phase", .is = "audit"),
    {0},
};

TRACE_PROPERTY(
    one_job_per_insert, .name = "an insert leaves one job at most", .kind = PROPERTY_ALWAYS,
    .about = "Asking again after a lost reply makes two jobs of one, and nobody was told "
             "of either. Trusts the clients' calls and what is there at the end.",
    .lets_pass = "no_job_lost judges what is gone: it may be deleted, pruned, or on a disk that "
                 "was wiped or lied",
    .on = once_on,
    HISTORY(.check = history_total_queue, .failing = KIND(DUPLICATED), .waits = true));
