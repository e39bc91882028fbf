/* sql_flow_statements.h: the SQL of flows, in the words of sql_statements.h. Whoever changes a row of these tables has
 * locked the flow (FLOW_LOCK) and looked at it afterwards. */
#define FLOW_COLUMNS                                                                               \
    "id,kind,name,on_cancelled,on_discarded,on_deleted,closed,active,jobs,tried,completed,"        \
    "cancelled,discarded,inserted_ms,finished_ms"

#define MEMBERS_AND_JOBS "FROM duress_members m JOIN duress_jobs j ON j.id=m.job WHERE m.flow=?1"

#define FLOW_STATEMENTS(X)                                                                         \
    X(FLOW_NEW, "INSERT INTO duress_flows(kind,name,on_cancelled,on_discarded,on_deleted,closed,"  \
                "inserted_ms)VALUES(?1,?2,?3,?4,?5,?6,?7)ON CONFLICT(kind,name)DO NOTHING "        \
                "RETURNING id")                                                                    \
    X(FLOW_GET, "SELECT " FLOW_COLUMNS " FROM duress_flows WHERE id=?1")                           \
    X(FLOW_LOCK, "SELECT " FLOW_COLUMNS " FROM duress_flows WHERE id=?1" SQL_LOCK_WAIT)            \
    X(FLOW_BY_NAME, "SELECT id FROM duress_flows WHERE kind=?1 AND name=?2")                       \
    X(FLOW_SET, "UPDATE duress_flows SET closed=?2,active=?3,jobs=?4,tried=?5,completed=?6,"       \
                "cancelled=?7,discarded=?8,finished_ms=?9 WHERE id=?1")                            \
    X(FLOW_POLICY, "UPDATE duress_flows SET on_cancelled=?2,on_discarded=?3 WHERE id=?1")          \
    X(FLOW_DROP, "DELETE FROM duress_flows WHERE id=?1")                                           \
    X(FLOW_STATES, "SELECT j.state,count(*)" MEMBERS_AND_JOBS " GROUP BY j.state")                 \
    X(FLOW_OPEN, "SELECT m.job " MEMBERS_AND_JOBS " AND j.state NOT IN('completed','discarded',"   \
                 "'cancelled')ORDER BY m.job DESC")                                                \
    X(JOB_FLOW, "SELECT flow,state FROM duress_jobs WHERE id=?1")                                  \
    X(MEMBERS_ADD, "INSERT INTO duress_members(job,flow,turn)SELECT id,flow,?4 FROM duress_jobs "  \
                   "WHERE id>=?2 AND id<=?3 AND flow=?1")                                          \
    X(MEMBER_NEW, "INSERT INTO duress_members(job,flow,name,waits,on_cancelled,on_discarded,"      \
                  "on_deleted)VALUES(?1,?2,?3,?4,?5,?6,?7)")                                       \
    X(MEMBER, "SELECT tried,turn,ended,waits FROM duress_members WHERE job=?1")                    \
    X(MEMBER_SET, "UPDATE duress_members SET tried=?2,turn=?3,ended=?4 WHERE job=?1")              \
    X(MEMBER_WAITS, "UPDATE duress_members SET waits=waits-1 WHERE job=?1 RETURNING waits")        \
    X(MEMBER_DROP, "DELETE FROM duress_members WHERE job=?1")                                      \
    X(MEMBERS, "SELECT m.job,m.waits,j.state,m.name,j.queue,j.worker " MEMBERS_AND_JOBS            \
               " ORDER BY m.job LIMIT ?2")                                                         \
    X(TURN, "SELECT job,ended FROM duress_members WHERE flow=?1 AND turn=1 ORDER BY job LIMIT 1")  \
    X(EDGE_NEW, "INSERT INTO duress_edges(parent,child)VALUES(?1,?2)")                             \
    X(EDGE_END, "UPDATE duress_edges SET ended=1 WHERE parent=?1 AND child=?2 AND ended=0")        \
    X(EDGES_OF, "SELECT e.child,m.on_cancelled,m.on_discarded,m.on_deleted FROM duress_edges e "   \
                "JOIN duress_members m ON m.job=e.child WHERE e.parent=?1 AND e.ended=0 "          \
                "ORDER BY e.child")                                                                \
    X(EDGES_DROP, "DELETE FROM duress_edges WHERE child=?1")                                       \
    X(EDGES, "SELECT e.parent,e.child,e.ended FROM duress_edges e JOIN duress_members m "          \
             "ON m.job=e.child WHERE m.flow=?1 ORDER BY e.child,e.parent")                         \
    X(FLOW_RELEASE,                                                                                \
      "UPDATE duress_jobs SET state=CASE WHEN scheduled_ms>?1 THEN 'scheduled'ELSE 'available'"    \
      "END,wake_ms=CASE WHEN scheduled_ms>?1 THEN scheduled_ms ELSE 0 END,"                        \
      "scheduled_ms=" SQL_MAX("scheduled_ms", "?1") " WHERE id=?2 AND state='suspended'"           \
                                                    "RETURNING state,queue")                       \
    X(CASCADE, "UPDATE duress_jobs SET state='cancelled',finished_ms=?1,wake_ms=NULL,"             \
               "errors=" SQL_ERRORS_PLUS("?3") " WHERE id=?2 AND state='suspended'")               \
    X(CALLBACK_NEW, "INSERT INTO duress_callbacks(flow,event,queue,worker,args,priority,"          \
                    "max_attempts)VALUES(?1,?2,?3,?4,?5,?6,?7)ON CONFLICT(flow,event)DO NOTHING")  \
    X(CALLBACKS, "SELECT event,job FROM duress_callbacks WHERE flow=?1")                           \
    X(CALLBACK_JOB,                                                                                \
      "INSERT INTO duress_jobs(queue,worker,args,priority,max_attempts,state,inserted_ms,"         \
      "scheduled_ms,wake_ms)SELECT queue,worker,args,priority,max_attempts,'available',?1,?1,0 "   \
      "FROM duress_callbacks WHERE flow=?2 AND event=?3 AND job=0 RETURNING id,queue")             \
    X(CALLBACK_DONE, "UPDATE duress_callbacks SET job=?3 WHERE flow=?1 AND event=?2 AND job=0")    \
    X(CALLBACKS_DROP, "DELETE FROM duress_callbacks WHERE flow=?1")
