/* sql_statements.h: all SQL of the operations, in words that every database understands. Where they
 * differ, the dialect says how, before it includes this:
 *
 *     SQL_BEGIN_READ, SQL_BEGIN_WRITE   a transaction that changes nothing; one that may
 *     SQL_ERRORS_PLUS(text)             the job's errors and one more, of the attempt under way; the newest
 *                                       JOB_ERRORS_KEPT stay
 *     SQL_MAX(a, b)                     the larger of two
 *     SQL_AT(text, part)                where in the text the part stands, from 1; 0: nowhere
 *     SQL_HAS(text, part)               the part stands in the text
 *     SQL_BY_ID                         behind a table: find the row by its id, by no other index
 *     SQL_LOCK                          behind a SELECT: these rows are about to be changed; those
 *                                       that another transaction is changing are left out
 *     SQL_LOCK_WAIT                     the same, but waits for that transaction
 *     duress_contains(whole, part)      a function: does that JSON contain this (json_contains.h)?
 *     SQL_IDS(list)                     the numbers of a JSON array, as what stands behind IN
 *     SQL_RULE(select)                  what is said of the queue ?1 or of every queue, on the node ?2 or everywhere, each once;
 *                                       and SQL_LOCK_WAIT
 *
 * Parameters are ?1, ?2, ...; each is a number or a text wherever it is used.
 */
#define SQL_NUMBER_OF(number) #number
#define SQL_NUMBER(number)    SQL_NUMBER_OF(number) /* of a macro */
#include "sut/store/sql_flow_statements.h"

#include "sut/store/sql_statements_cron.h"
#include "sut/store/sql_statements_many.h"

/* The columns of a struct job, as job_row() reads them. Claims leave `errors` out. */
#define JOB_COLUMNS                                                                                \
    "id,lease,state,attempt,max_attempts,priority,snoozed,inserted_ms,scheduled_ms,attempted_ms,"  \
    "finished_ms,timeout_ms,deadline_ms,version,progress,crashes,flow,queue,worker,args,owner,"    \
    "part,"                                                                                        \
    "meta,tags,"                                                                                   \
    "checkpoint"
#define JOB_COLUMNS_ALL JOB_COLUMNS ",errors,result,note"

#define RULE_SELECT                                                                                \
    "SELECT name,paused,local_limit,global_limit,part_limit,rate,rate_ms,rate_by_part,turn,"       \
    "node,runs,age_ms FROM duress_queues"

#define JOB_INSERT_COLUMNS                                                                         \
    "INSERT INTO duress_jobs(queue,worker,args,priority,max_attempts,state,inserted_ms,"           \
    "scheduled_ms,wake_ms)"
#define JOB_INSERT JOB_INSERT_COLUMNS "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"
/* With what most do not have; the second one if nobody holds its key. */
#define JOB_INSERT_REST(columns, values)                                                           \
    "INSERT INTO duress_jobs(queue,worker,args,priority,max_attempts,state,inserted_ms,"           \
    "scheduled_ms,wake_ms,finished_ms,part,meta,tags,timeout_ms,deadline_ms,flow" columns          \
    ")VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16" values ")"
#define JOB_INSERT_MORE JOB_INSERT_REST("", "")
#define JOB_INSERT_UNIQUE                                                                          \
    JOB_INSERT_REST(",unique_key,unique_states", ",?17,?18")                                       \
    "ON CONFLICT DO NOTHING RETURNING id"

/* The number of a row's state, and whether the row holds its unique key: what the index duress_jobs_unique is about. All words of
 * states are nine letters long. Every statement that changes a row contains this twice, so it is short. */
#define STATE_WORDS                                                                                \
    "available scheduled executing retryable suspended completed discarded cancelled"
#define HOLDS_KEY                                                                                  \
    "unique_key IS NOT NULL AND(unique_states>>" SQL_AT("'" STATE_WORDS "'", "state") "/10&1)=1"

#define STAGE_LIMIT                                                                                \
    "5000" /* rows per request: bounds how long a transaction holds the write lock */

/* When something is due next, or a lease runs out. */
#define NEXT_WAKE "SELECT wake_ms FROM duress_jobs WHERE wake_ms>0 ORDER BY wake_ms LIMIT 1"

#define IS_DUE     "state IN('scheduled','retryable')AND wake_ms<=?1"
#define IS_EXPIRED "state='executing'AND wake_ms<=?1"
#define IS_READY   "state='available'AND attempt<max_attempts"
#define IS_HELD    "id=?2 AND lease=?3 AND state='executing'"

/* What the index duress_jobs_deadline is about, word for word. */
#define HAS_DEADLINE "deadline_ms>0 AND(wake_ms>=0 OR state='suspended')"

#define IS_OVER    "state IN('completed','cancelled','discarded')"
#define IS_WAITING "state IN('available','scheduled','retryable')"
/* Ended so long ago that it is not kept any more. */
#define IS_OLD                                                                                     \
    "(state='completed'AND finished_ms<=?2 OR state='cancelled'AND finished_ms<=?3 OR "            \
    "state='discarded'AND finished_ms<=?4)"
/* ... and nobody of its flow may want to know of it any more. Only what failed does not wait for those who will not run as long as
 * it is there. A chain never ends, and its jobs need nothing of each other. */
#define IS_FREE                                                                                    \
    "(flow IS NULL OR NOT EXISTS(SELECT 1 FROM duress_flows f WHERE f.id=flow AND f.kind<>'chain'" \
    "AND f.finished_ms=0 AND NOT(f.kind='workflow'AND state<>'completed'AND NOT EXISTS("           \
    "SELECT 1 FROM duress_members m JOIN duress_jobs o ON o.id=m.job WHERE m.flow=f.id AND "       \
    "o.state IN('available','scheduled','executing','retryable')))))"
/* A struct job_filter. States and tags are compared between commas. */
#define FILTER_WHERE                                                                               \
    "id>?1 AND id<=?2 AND " SQL_HAS(                                                               \
        "?3",                                                                                      \
        "','||state||','") " AND queue=coalesce(?4,queue)AND "                                     \
                           "worker=coalesce(?5,worker)AND inserted_ms<=?6 AND " SQL_HAS(           \
                               "','||coalesce(tags,'')||','",                                      \
                               "?7") " AND(?8 IS NULL OR duress_contains(args,?8))"                \
                                     "AND(?9 IS NULL OR duress_contains(coalesce(meta,'{}'),?9))"

/* The first of each priority, `most` of them, by an index that has the conditions `of`; of these the first, by how old they are. Within
 * a priority the older one always comes first, so nobody else can be among them. */
#define AGED_LEVEL(priority, of, most)                                                             \
    "SELECT*FROM(SELECT id FROM duress_jobs WHERE wake_ms=0 AND queue=?1 AND " of                  \
    "priority=" priority " AND " IS_READY " ORDER BY scheduled_ms,id LIMIT " most                  \
    ")AS level" priority
#define AGED_NEXT(priority, of, most) " UNION ALL " AGED_LEVEL(priority, of, most)
#define AGED_LEVELS(of, most)                                                                      \
    AGED_LEVEL("0", of, most)                                                                      \
    AGED_NEXT("1", of, most)                                                                       \
    AGED_NEXT("2", of, most)                                                                       \
    AGED_NEXT("3", of, most)                                                                       \
    AGED_NEXT("4", of, most)                                                                       \
    AGED_NEXT("5", of, most)                                                                       \
    AGED_NEXT("6", of, most)                                                                       \
    AGED_NEXT("7", of, most) AGED_NEXT("8", of, most) AGED_NEXT("9", of, most)
#define AGED(of, most, limit, age_ms, only)                                                        \
    "SELECT " JOB_COLUMNS " FROM duress_jobs WHERE id IN(" AGED_LEVELS(                            \
        of, most) ")AND " only IS_READY " ORDER BY scheduled_ms+priority*" age_ms                  \
                  ",id LIMIT " limit SQL_LOCK

#define COUNT_STATE(e, word, final) "count(*)FILTER(WHERE state='" word "'),"

#define ACK_RUN                                                                                    \
    "UPDATE duress_jobs SET state=?4,acked=?3,scheduled_ms=coalesce(?5,scheduled_ms),"             \
    "wake_ms=?5,"                                                                                  \
    "finished_ms=?6,attempt=attempt-?7,snoozed=snoozed+?7,crashes=0,"                              \
    "errors=CASE WHEN ?8 IS NULL THEN errors ELSE " SQL_ERRORS_PLUS(                               \
        "?8") " END,result=?9 WHERE " IS_HELD

/* Many rows in one change. */
#define CLAIM_PLAIN                                                                                \
    "UPDATE duress_jobs " SQL_BY_ID " SET state='executing',attempt=attempt+1,lease=lease+1,"      \
    "owner=?3,attempted_ms=?1,wake_ms=?1+?4 "
#define FINISH_PLAIN                                                                               \
    "UPDATE duress_jobs " SQL_BY_ID " SET state='completed',acked=?3,finished_ms=?1,wake_ms=NULL "
#define IS_PLAIN "lease=?3 AND state='executing'AND flow IS NULL"

/* X(NAME, sql). Rows are found by a SELECT in the order of an index and changed one by one by their
 * id, within the same transaction: that is faster here than UPDATE .. RETURNING, which builds a
 * temporary table even when there is nothing to do. Every change repeats its guard on the row it
 * changes. ?1 is the database's time wherever one is needed. */
#define STATEMENTS(X)                                                                              \
    X(BEGIN_READ, SQL_BEGIN_READ)                                                                  \
    X(BEGIN_WRITE, SQL_BEGIN_WRITE)                                                                \
    X(COMMIT, "COMMIT")                                                                            \
    X(INSERT, JOB_INSERT)                                                                          \
    X(INSERT_MORE, JOB_INSERT_MORE)                                                                \
    X(INSERT_UNIQUE, JOB_INSERT_UNIQUE)                                                            \
    X(HOLDER, "SELECT id,state,attempt,inserted_ms,scheduled_ms FROM duress_jobs "                 \
              "WHERE unique_key=?1 AND " HOLDS_KEY)                                                \
    X(RELEASE,                                                                                     \
      "UPDATE duress_jobs SET unique_key=NULL WHERE id=?1 AND unique_key=?2 AND state=?3")         \
    X(YIELD, "UPDATE duress_jobs SET unique_key=NULL WHERE id=?1 AND unique_key IS NOT NULL "      \
             "AND(unique_states&?2)<>0 AND EXISTS(SELECT 1 FROM duress_jobs AS holder WHERE "      \
             "holder.unique_key=duress_jobs.unique_key AND holder.id<>duress_jobs.id AND "         \
             "holder." HOLDS_KEY ")")                                                              \
    X(REPLACE, "UPDATE duress_jobs SET queue=coalesce(?4,queue),worker=coalesce(?5,worker),"       \
               "args=coalesce(?6,args),meta=coalesce(?12,meta),tags=coalesce(?13,tags),"           \
               "priority=coalesce(?7,priority),max_attempts=coalesce(?8,max_attempts),"            \
               "scheduled_ms=coalesce(?9,scheduled_ms),state=coalesce(?10,state),"                 \
               "wake_ms=coalesce(?11,wake_ms)WHERE id=?1 AND unique_key=?2 AND state=?3")          \
    X(READY, "SELECT " JOB_COLUMNS " FROM duress_jobs WHERE wake_ms=0 AND queue=?2 AND " IS_READY  \
             " ORDER BY priority,scheduled_ms,id LIMIT ?3" SQL_LOCK)                               \
    X(LOOK, "SELECT(" NEXT_WAKE "),"                                                               \
            "CASE WHEN EXISTS(SELECT 1 FROM duress_jobs WHERE wake_ms=0)THEN 1 ELSE 0 END,"        \
            "CASE WHEN EXISTS(SELECT 1 FROM duress_queues)THEN 1 ELSE 0 END,"                      \
            "(SELECT count FROM duress_signals WHERE name='cuts')")                                \
    X(ANY, "SELECT 1 FROM duress_jobs WHERE wake_ms=0 AND queue=?1 AND " IS_READY " LIMIT 1")      \
    X(CLAIM,                                                                                       \
      "UPDATE duress_jobs " SQL_BY_ID " SET state='executing',attempt=attempt+1,lease=lease+1,"    \
      "owner=?3,attempted_ms=?1,wake_ms=?1+?4 WHERE id=?2 AND(" IS_READY " OR " IS_DUE             \
      " AND attempt<max_attempts)")                                                                \
    X(CLAIM_MANY, CLAIM_PLAIN "WHERE id IN" SQL_IDS("?2") "AND " IS_READY)                         \
    X(CLAIM_RUN, CLAIM_PLAIN "WHERE id BETWEEN ?2 AND ?5 AND " IS_READY)                           \
    X(FINISH_MANY, FINISH_PLAIN "WHERE id IN" SQL_IDS("?2") "AND " IS_PLAIN)                       \
    X(FINISH_RUN, FINISH_PLAIN "WHERE id BETWEEN ?2 AND ?5 AND " IS_PLAIN)                         \
    X(FINISH, "UPDATE duress_jobs SET state=?4,acked=?3,finished_ms=?1,wake_ms=NULL "              \
              "WHERE " IS_HELD " AND flow IS NULL")                                                \
    X(ACK, ACK_RUN " AND flow IS NULL")                                                            \
    X(ACK_MEMBER, ACK_RUN)                                                                         \
    X(PEEK, "SELECT state,lease,acked,flow FROM duress_jobs WHERE id=?1")                          \
    X(ATTEMPTS, "SELECT attempt,max_attempts FROM duress_jobs WHERE id=?1")                        \
    X(NOTE, "UPDATE duress_jobs SET progress=coalesce(?3,progress),note=coalesce(?4,note),"        \
            "checkpoint=coalesce(?5,checkpoint)WHERE id=?1 AND lease=?2 AND state='executing'")    \
    X(HEARTBEAT, "UPDATE duress_jobs SET wake_ms=?1+?4 "                                           \
                 "WHERE id=?2 AND lease=?3 AND state='executing'")                                 \
    X(DUE, "SELECT " JOB_COLUMNS " FROM duress_jobs WHERE wake_ms>0 AND " IS_DUE                   \
           " AND queue=coalesce(?2,queue)"                                                         \
           " ORDER BY wake_ms LIMIT " STAGE_LIMIT SQL_LOCK)                                        \
    X(STAGE,                                                                                       \
      "UPDATE duress_jobs " SQL_BY_ID " SET state='available',wake_ms=0 WHERE id=?2 AND " IS_DUE)  \
    X(EXPIRED,                                                                                     \
      "SELECT id,lease,CASE WHEN attempt<max_attempts AND crashes+1<?2 THEN 'available'"           \
      "ELSE 'discarded'END,crashes+1,flow FROM duress_jobs WHERE wake_ms>0 AND " IS_EXPIRED        \
      " ORDER BY wake_ms LIMIT " STAGE_LIMIT SQL_LOCK)                                             \
    X(RESCUE,                                                                                      \
      "UPDATE duress_jobs " SQL_BY_ID " SET state=?3,finished_ms=CASE ?3 WHEN 'discarded'THEN ?1 " \
      "ELSE 0 END,wake_ms=CASE ?3 WHEN 'available'THEN 0 END,crashes=crashes+1,"                   \
      "errors=" SQL_ERRORS_PLUS("?4") " WHERE id=?2 AND " IS_EXPIRED)                              \
    X(OVERDUE, "SELECT id,flow FROM duress_jobs WHERE " HAS_DEADLINE " AND deadline_ms<=?1 "       \
               "AND state<>'executing'ORDER BY deadline_ms LIMIT " STAGE_LIMIT)                    \
    X(EXPIRE,                                                                                      \
      "UPDATE duress_jobs " SQL_BY_ID " SET state='discarded',finished_ms=?1,wake_ms=NULL,"        \
      "errors=" SQL_ERRORS_PLUS(                                                                   \
          "'its deadline passed before it ran'") " WHERE id=?2 AND deadline_ms<=?1 AND state "     \
                                                 "IN('available','scheduled','retryable','"        \
                                                 "suspended')")                                    \
    X(NEXT_DEADLINE, "SELECT deadline_ms FROM duress_jobs WHERE " HAS_DEADLINE " "                 \
                     "AND state<>'executing'ORDER BY deadline_ms LIMIT 1")                         \
    X(RETRY,                                                                                       \
      "UPDATE duress_jobs SET state=?3,max_attempts=" SQL_MAX(                                     \
          "max_attempts",                                                                          \
          "attempt+1") ",scheduled_ms=?1,finished_ms=0,wake_ms=CASE ?3 WHEN 'available'THEN 0 "    \
                       "END,crashes=0,result=NULL "                                                \
                       "WHERE id=?2 AND state IN('completed','discarded','cancelled','retryable'," \
                       "'scheduled','suspended')")                                                 \
    X(CANCEL, "UPDATE duress_jobs SET state='cancelled',finished_ms=?1,wake_ms=NULL,"              \
              "errors=CASE state WHEN 'executing' THEN " SQL_ERRORS_PLUS(                          \
                  "'cancelled while it ran'") " ELSE errors END WHERE id=?2 AND "                  \
                                              "state "                                             \
                                              "IN('available','scheduled','executing','retryable'" \
                                              ",'suspended')")                                     \
    X(NEXT, NEXT_WAKE)                                                                             \
    X(GET, "SELECT " JOB_COLUMNS_ALL " FROM duress_jobs WHERE id=?1")                              \
    X(LIST,                                                                                        \
      "SELECT " JOB_COLUMNS_ALL " FROM duress_jobs WHERE " FILTER_WHERE " ORDER BY id LIMIT ?10")  \
    X(FILTER_IDS,                                                                                  \
      "SELECT id FROM duress_jobs WHERE " FILTER_WHERE " ORDER BY id LIMIT ?10" SQL_LOCK_WAIT)     \
    X(FILTER_STATS, "SELECT " JOB_STATES(COUNT_STATE) "0 FROM duress_jobs WHERE " FILTER_WHERE)    \
    X(WINDOW,                                                                                      \
      "SELECT max(id)FROM(SELECT id FROM duress_jobs WHERE id>?1 ORDER BY id LIMIT " SQL_NUMBER(   \
          BULK_MOST) ")AS part")                                                                   \
    X(CUTS_RAISE, "INSERT INTO duress_signals(name,count)VALUES('cuts',1)ON CONFLICT(name)"        \
                  "DO UPDATE SET count=duress_signals.count+1")                                    \
    X(DELETE,                                                                                      \
      "DELETE FROM duress_jobs WHERE id=?1 AND state<>'executing'AND(flow IS NULL OR " IS_OVER     \
      ")")                                                                                         \
    X(UPDATE, "UPDATE duress_jobs SET args=coalesce(?3,args),meta=coalesce(?4,meta),"              \
              "tags=nullif(coalesce(?5,tags),''),priority=coalesce(?6,priority),"                  \
              "max_attempts=coalesce(?7,max_attempts),queue=coalesce(?8,queue),"                   \
              "worker=coalesce(?9,worker),version=version+1,"                                      \
              "scheduled_ms=CASE WHEN ?10=0 THEN scheduled_ms ELSE ?10 END,"                       \
              "state=CASE WHEN state='available'AND ?10>?1 THEN 'scheduled'ELSE state END,"        \
              "wake_ms=CASE WHEN ?10=0 OR(state='available'AND ?10<=?1)THEN wake_ms ELSE ?10 END " \
              "WHERE id=?2 AND version=coalesce(?11,version)"                                      \
              "AND(?10=0 OR " IS_WAITING ")AND coalesce(?7,attempt+1)>=attempt+"                   \
              "CASE WHEN " IS_WAITING " THEN 1 ELSE 0 END")                                        \
    X(PRUNE_LOOK,                                                                                  \
      "SELECT max(id),count(*),max(inserted_ms),count(*)FILTER(WHERE " IS_OLD " AND " IS_FREE      \
      ")FROM(SELECT id,state,finished_ms,inserted_ms,flow FROM duress_jobs WHERE id>?1 "           \
      "ORDER BY id LIMIT " SQL_NUMBER(PRUNE_LOOKS) ")AS part")                                     \
    X(PRUNE,                                                                                       \
      "DELETE FROM duress_jobs WHERE id IN(SELECT id FROM(SELECT id,state,finished_ms,flow "       \
      "FROM duress_jobs WHERE id>?1 ORDER BY id LIMIT " SQL_NUMBER(                                \
          PRUNE_LOOKS) ")AS part WHERE " IS_OLD " AND " IS_FREE ")AND " IS_OLD                     \
                       " RETURNING id,state,flow")                                                 \
    X(STATS, "SELECT " JOB_STATES(COUNT_STATE) "0 FROM duress_jobs")                               \
    CRON_STATEMENTS(X)                                                                             \
    X(RULED, "SELECT 1 FROM duress_queues LIMIT 1")                                                \
    X(RULE, SQL_RULE(RULE_SELECT))                                                                 \
    X(RULES, RULE_SELECT " ORDER BY name,node")                                                    \
    X(RULE_NEW,                                                                                    \
      "INSERT INTO duress_queues(name,node)VALUES(?1,?2)ON CONFLICT(name,node)DO NOTHING")         \
    X(RULE_SET,                                                                                    \
      "UPDATE duress_queues SET paused=coalesce(?3,paused),local_limit=coalesce(?4,local_limit),"  \
      "runs=coalesce(?5,runs),global_limit=coalesce(?6,global_limit),"                             \
      "part_limit=coalesce(?7,part_limit),rate=coalesce(?8,rate),rate_ms=coalesce(?9,rate_ms),"    \
      "rate_by_part=coalesce(?10,rate_by_part),age_ms=coalesce(?11,age_ms)WHERE name=?1 AND "      \
      "node=?2")                                                                                   \
    X(RULE_WIDE,                                                                                   \
      "UPDATE duress_queues SET paused=coalesce(?3,paused),local_limit=coalesce(?4,local_limit),"  \
      "runs=coalesce(?5,runs)WHERE(name=?1 OR ?1='*')AND(node=?2 OR ?2='')"                        \
      "AND NOT(name=?1 AND node=?2)")                                                              \
    X(RULE_TIDY, "DELETE FROM duress_queues WHERE(name='*'OR node<>'')AND paused=0 "               \
                 "AND local_limit=-1 AND runs=-1")                                                 \
    X(RULE_DROP, "DELETE FROM duress_queues WHERE name=?1")                                        \
    X(RULE_TURN, "UPDATE duress_queues SET turn=?2 WHERE name=?1 AND node=''")                     \
    X(RUNNING, "SELECT count(*)FROM duress_jobs WHERE state='executing'AND part IS NOT NULL "      \
               "AND queue=?1")                                                                     \
    X(PART_RUNNING, "SELECT count(*)FROM duress_jobs WHERE state='executing'AND part IS NOT NULL " \
                    "AND queue=?1 AND part=?2")                                                    \
    X(PART_NEXT, "SELECT part FROM duress_jobs WHERE wake_ms=0 AND part IS NOT NULL AND queue=?1 " \
                 "AND part>?2 AND " IS_READY " ORDER BY part LIMIT 1")                             \
    X(PART_READY,                                                                                  \
      "SELECT " JOB_COLUMNS " FROM duress_jobs WHERE wake_ms=0 AND part IS NOT NULL AND queue=?1 " \
      "AND part=?2 AND " IS_READY " ORDER BY priority,scheduled_ms,id LIMIT ?3" SQL_LOCK)          \
    X(FREE_READY,                                                                                  \
      "SELECT " JOB_COLUMNS " FROM duress_jobs WHERE id IN(SELECT id FROM duress_jobs "            \
      "WHERE wake_ms=0 AND queue=?1 AND " IS_READY " ORDER BY priority,scheduled_ms,id LIMIT "     \
      "1000)AND coalesce(part,'')=''AND " IS_READY                                                 \
      " ORDER BY priority,scheduled_ms,id LIMIT ?2" SQL_LOCK)                                      \
    X(AGED_READY, AGED("", "?2", "?2", "?3", ""))                                                  \
    X(AGED_FREE, AGED("", "100", "?2", "?3", "coalesce(part,'')=''AND "))                          \
    X(AGED_PART, AGED("part IS NOT NULL AND part=?2 AND ", "?3", "?3", "?4", ""))                  \
    X(PART_MARK, "UPDATE duress_jobs SET part=''WHERE id=?1 AND part IS NULL")                     \
    X(BEGUN, "SELECT coalesce(sum(n),0),coalesce(min(at_ms),0)FROM duress_begun "                  \
             "WHERE queue=?1 AND part=?2 AND at_ms>?3")                                            \
    X(BEGUN_ADD, "INSERT INTO duress_begun(queue,part,at_ms,n)VALUES(?1,?2,?3,?4)"                 \
                 "ON CONFLICT(queue,part,at_ms)DO UPDATE SET n=duress_begun.n+excluded.n")         \
    X(BEGUN_DROP, "DELETE FROM duress_begun WHERE queue=?1 AND at_ms<=?2")                         \
    FLOW_STATEMENTS(X)                                                                             \
    MANY_STATEMENTS(X)
