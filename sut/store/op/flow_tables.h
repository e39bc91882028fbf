/* flow_tables.h: the tables of flows, for the schema of each database. KEY: the column type of an id that the database
 * gives; INT: of a 64 bit number; END: what stands behind a table.
 *
 *     duress_flows      a workflow, batch or chain, and how far it is. Its row is the lock of the flow: whoever changes
 *                       anything of a flow but a job's own row holds it, so that two jobs that end at once take turns
 *     duress_members    its jobs
 *     duress_edges      which member waits for which
 *     duress_callbacks  what a batch calls back for, and the job that this became
 */
#ifndef SUT_FLOW_TABLES_H
#define SUT_FLOW_TABLES_H

#define FLOW_TABLES(KEY, INT, END)                                                                 \
    "CREATE TABLE duress_flows("                                                                   \
    " id " KEY ","                                                                                 \
    " kind TEXT NOT NULL CHECK(kind IN('workflow','batch','chain')),"                              \
    " name TEXT,"                                                                                  \
    " on_cancelled TEXT NOT NULL DEFAULT '',"                                                      \
    " on_discarded TEXT NOT NULL DEFAULT '',"                                                      \
    " on_deleted TEXT NOT NULL DEFAULT '',"                                                        \
    " closed " INT " NOT NULL DEFAULT 0,"                                                          \
    " active " INT " NOT NULL DEFAULT 0," /* of a chain: whose turn it is */                       \
    " jobs " INT " NOT NULL DEFAULT 0,"   /* how many there are, and of them: */                   \
    " tried " INT " NOT NULL DEFAULT 0,"                                                           \
    " completed " INT " NOT NULL DEFAULT 0,"                                                       \
    " cancelled " INT " NOT NULL DEFAULT 0,"                                                       \
    " discarded " INT " NOT NULL DEFAULT 0,"                                                       \
    " inserted_ms " INT " NOT NULL DEFAULT 0,"                                                     \
    " finished_ms " INT " NOT NULL DEFAULT 0)" END ";"                                             \
    "CREATE UNIQUE INDEX duress_flows_name ON duress_flows(kind,name);"                            \
    "CREATE TABLE duress_members("                                                                 \
    " job " INT " PRIMARY KEY,"                                                                    \
    " flow " INT " NOT NULL,"                                                                      \
    " name TEXT,"                                                                                  \
    " waits " INT " NOT NULL DEFAULT 0," /* for so many edges */                                   \
    " tried " INT " NOT NULL DEFAULT 0,"                                                           \
    " turn " INT " NOT NULL DEFAULT 0," /* of a chain: 1: not yet over, or it holds up the rest */ \
    " ended TEXT NOT NULL DEFAULT '',"  /* the final state, as it is counted in the flow */        \
    " on_cancelled TEXT NOT NULL DEFAULT '',"                                                      \
    " on_discarded TEXT NOT NULL DEFAULT '',"                                                      \
    " on_deleted TEXT NOT NULL DEFAULT '')" END ";"                                                \
    "CREATE INDEX duress_members_flow ON duress_members(flow,job);"                                \
    "CREATE INDEX duress_members_turn ON duress_members(flow,job)WHERE turn=1;"                    \
    "CREATE TABLE duress_edges("                                                                   \
    " parent " INT " NOT NULL,"                                                                    \
    " child " INT " NOT NULL,"                                                                     \
    " ended " INT " NOT NULL DEFAULT 0,"                                                           \
    " PRIMARY KEY(parent,child))" END ";"                                                          \
    "CREATE INDEX duress_edges_child ON duress_edges(child);"                                      \
    "CREATE TABLE duress_callbacks("                                                               \
    " flow " INT " NOT NULL,"                                                                      \
    " event TEXT NOT NULL,"                                                                        \
    " job " INT " NOT NULL DEFAULT 0,"                                                             \
    " queue TEXT NOT NULL,"                                                                        \
    " worker TEXT NOT NULL,"                                                                       \
    " args TEXT NOT NULL,"                                                                         \
    " priority " INT " NOT NULL,"                                                                  \
    " max_attempts " INT " NOT NULL,"                                                              \
    " PRIMARY KEY(flow,event))" END ";"

#endif
