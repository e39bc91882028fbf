/* sql_statements_cron.h: the statements of leaders and cron entries; part of sql_statements.h. */
#define CRON_PUT_COLUMNS                                                                           \
    "name,origin,expression,zone,queue,worker,args,priority,max_attempts,catch_up"
#define CRON_COLUMNS CRON_PUT_COLUMNS ",paused_ms,done_ms,last_ms" /* as entry_row() reads them */

#define CRON_STATEMENTS(X)                                                                         \
    X(LEADER, "SELECT term,node,expires_ms,lease_ms FROM duress_leaders WHERE name=?1")            \
    X(LEAD, "INSERT INTO duress_leaders(name,term,node,since_ms,expires_ms,lease_ms)"              \
            "VALUES(?2,?3,?4,?1,?1+?5,?5)ON CONFLICT(name)DO UPDATE SET term=excluded.term,"       \
            "node=excluded.node,since_ms=CASE WHEN duress_leaders.term=excluded.term "             \
            "THEN duress_leaders.since_ms ELSE excluded.since_ms END,"                             \
            "expires_ms=excluded.expires_ms,lease_ms=excluded.lease_ms "                           \
            "WHERE duress_leaders.term=excluded.term OR duress_leaders.expires_ms<=?1 "            \
            "OR duress_leaders.expires_ms-?1>2*duress_leaders.lease_ms")                           \
    X(RESIGN, "DELETE FROM duress_leaders WHERE name=?1 AND term=?2")                              \
    X(CRON_PUT,                                                                                    \
      "INSERT INTO duress_cron(" CRON_PUT_COLUMNS ",done_ms)"                                      \
      "VALUES(?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?1-1)ON CONFLICT(name)DO UPDATE SET "                \
      "origin=excluded.origin,expression=excluded.expression,zone=excluded.zone,"                  \
      "queue=excluded.queue,worker=excluded.worker,args=excluded.args,"                            \
      "priority=excluded.priority,max_attempts=excluded.max_attempts,catch_up=excluded.catch_up,"  \
      "done_ms=CASE WHEN duress_cron.expression=excluded.expression "                              \
      "AND duress_cron.zone=excluded.zone THEN duress_cron.done_ms ELSE excluded.done_ms END "     \
      "WHERE(duress_cron.origin,duress_cron.expression,duress_cron.zone,duress_cron.queue,"        \
      "duress_cron.worker,duress_cron.args,duress_cron.priority,duress_cron.max_attempts,"         \
      "duress_cron.catch_up)<>(excluded.origin,excluded.expression,excluded.zone,excluded.queue,"  \
      "excluded.worker,excluded.args,excluded.priority,excluded.max_attempts,excluded.catch_up)")  \
    X(CRON_LIST, "SELECT " CRON_COLUMNS " FROM duress_cron ORDER BY name")                         \
    X(CRON_ENTRY, "SELECT " CRON_COLUMNS " FROM duress_cron WHERE name=?1")                        \
    X(CRON_PAUSE, "UPDATE duress_cron SET paused_ms=?2 WHERE name=?1 AND paused_ms=0")             \
    X(CRON_RESUME,                                                                                 \
      "UPDATE duress_cron SET paused_ms=0,done_ms=?2-1 WHERE name=?1 AND paused_ms<>0")            \
    X(CRON_DELETE, "DELETE FROM duress_cron WHERE name=?1")                                        \
    X(CRON_ADVANCE, "UPDATE duress_cron SET done_ms=?3,last_ms=" SQL_MAX(                          \
                        "last_ms", "?4") " WHERE name=?1 AND done_ms=?2 AND paused_ms=0")          \
    X(CRON_TICKED, "SELECT 1 FROM duress_cron_ticks WHERE entry=?1 AND tick_ms=?2")                \
    X(CRON_TICK,                                                                                   \
      "INSERT INTO duress_cron_ticks(entry,tick_ms,job,inserted_ms)VALUES(?2,?3,?4,?1)")           \
    X(CRON_FORGET, "DELETE FROM duress_cron_ticks WHERE entry=?1 AND tick_ms<?2")
