/* support_pg.h: a PostgreSQL for a test program: see pg_server, which does the work and outlives no test. */
#ifndef SUT_STORE_SUPPORT_PG_H
#define SUT_STORE_SUPPORT_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pg_server {
    int in, out; /* pg_server's standard input and output; it ends with `in` */
    pid_t pid;
    char conninfo[256];
};

/* 0, or -1 with a sentence: then there is nothing to stop. Half a second, two when it is the first one. Run from the
 * root of the repository. */
int pg_server_start(struct pg_server *server, char *why, size_t why_size);
/* "crash", "stop" or "start". */
int pg_server_tell(struct pg_server *server, const char *order, char *why, size_t why_size);
void pg_server_stop(struct pg_server *server);

/* For ReportHook(PRE_ALL) and ReportHook(POST_ALL): one server for all tests of a program, which find it by
 * pg_server_conninfo(). Exits the program if there is none. */
void pg_server_share(void);
void pg_server_unshare(void);
const char *pg_server_conninfo(void);

#endif
