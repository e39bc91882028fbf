/* sql_trace_cron.c: the events of leaders and cron entries, as sql_trace.c. */
#include "sut/store/sql.h"

POINT_ABOUT(
    "store/leader/take",
    "A term took the lease of its group; was_ms: when the one before ended, or would have.");
POINT_ABOUT("store/leader/renew", "A term renewed its lease.");
POINT_ABOUT("store/leader/resign", "A term gave its lease back.");
POINT_ABOUT("store/cron/put", "A cron entry came to be, or was changed; it is due from now on.");
POINT_ABOUT("store/cron/change", "A cron entry was paused, resumed or deleted.");
POINT_ABOUT("store/cron/tick", "A tick of a cron entry, with its job.");
POINT_ABOUT("store/cron/done",
            "All ticks of an entry until then are done with; left_out: those that nobody gets.");

static void trace_leader(struct point_site *site, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_LEAD:
        TRACE(site, "store/leader/take", T_STR("group", change->name), T_STR("term", change->text),
              T_I64("was_ms", change->from_ms), T_I64("now_ms", change->now_ms),
              T_I64("until_ms", change->to_ms));
        break;
    case CHANGE_RENEW:
        TRACE(site, "store/leader/renew", T_STR("group", change->name), T_STR("term", change->text),
              T_I64("now_ms", change->now_ms), T_I64("until_ms", change->to_ms));
        break;
    default:
        TRACE(site, "store/leader/resign", T_STR("group", change->name),
              T_STR("term", change->text));
        break;
    }
}

void tx_trace_cron(struct point_site *site, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_CRON_PUT:
        TRACE(site, "store/cron/put", T_STR("entry", change->name), T_STR("expr", change->text),
              T_STR("zone", change->zone), T_I64("catch_up", change->count),
              T_I64("now_ms", change->now_ms));
        break;
    case CHANGE_CRON_CHANGE:
        TRACE(site, "store/cron/change", T_STR("entry", change->name), T_STR("to", change->text),
              T_I64("now_ms", change->now_ms));
        break;
    case CHANGE_CRON_TICK:
        TRACE(site, "store/job/insert", T_U64("job", change->id), T_STR("state", "available"),
              T_I64("delay_ms", 0));
        TRACE(site, "store/cron/tick", T_STR("entry", change->name), T_U64("job", change->id),
              T_I64("at_ms", change->from_ms), T_I64("now_ms", change->now_ms));
        break;
    case CHANGE_CRON_DONE:
        TRACE(site, "store/cron/done", T_STR("entry", change->name),
              T_I64("from_ms", change->from_ms), T_I64("to_ms", change->to_ms),
              T_I64("left_out", change->count), T_I64("now_ms", change->now_ms));
        break;
    default: trace_leader(site, change); break;
    }
}
