/* sql_statements_many.h: what is done to many jobs by hand in one statement: those that are in no flow, each under the guard that the
 * statement for one job has. The answer tells which rows it changed. */
#ifndef SUT_SQL_STATEMENTS_MANY_H
#define SUT_SQL_STATEMENTS_MANY_H

#define AMONG(list) "id IN" SQL_IDS(list)

#define MANY_STATEMENTS(X)                                                                         \
    X(RETRY_MANY,                                                                                  \
      "UPDATE duress_jobs SET state='available',max_attempts=" SQL_MAX(                            \
          "max_attempts",                                                                          \
          "attempt+1") ",scheduled_ms=?1,finished_ms=0,wake_ms=0,crashes=0,"                       \
                       "result=NULL WHERE " AMONG(                                                 \
                           "?2") "AND flow IS NULL AND "                                           \
                                 "state IN('completed','discarded','cancelled','retryable',"       \
                                 "'scheduled','suspended')RETURNING id,state")                     \
    X(CANCEL_MANY,                                                                                 \
      "UPDATE duress_jobs SET state='cancelled',finished_ms=?1,wake_ms=NULL,"                      \
      "errors=CASE state WHEN 'executing' THEN " SQL_ERRORS_PLUS(                                  \
          "'cancelled while it ran'") " ELSE errors END WHERE " AMONG("?2") "AND flow IS NULL "    \
                                                                            "AND state "           \
                                                                            "IN('available','"     \
                                                                            "scheduled','"         \
                                                                            "executing',"          \
                                                                            "'retryable','"        \
                                                                            "suspended')"          \
                                                                            "RETURNING id,state")  \
    X(DELETE_MANY,                                                                                 \
      "DELETE FROM duress_jobs WHERE " AMONG("?2") "AND flow IS NULL AND state<>'executing'"       \
                                                   "AND ?1>0 RETURNING id,state")                  \
    X(MEMBERS_AMONG, "SELECT id FROM duress_jobs WHERE " AMONG("?1") "AND flow IS NOT NULL")       \
    X(CUT_AMONG, "SELECT id,lease FROM duress_jobs WHERE " AMONG("?1") "AND state='cancelled'"     \
                                                                       "AND lease<>acked "         \
                                                                       "ORDER BY id")

#endif
