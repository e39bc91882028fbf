/* node.h: a program that runs jobs, in three calls: opens the database, runs until SIGINT or SIGTERM, closes. What it is made of
 * (env_live.h, isolation.h, store.h, jobs.h) can be had one by one, too: sut/cli/examples/embedded.c.
 *
 *     struct node node;
 *     if (!node_open(&node, "jobs.db", &config, why, sizeof why) || !node_run(&node, why, sizeof why))
 *         return fprintf(stderr, "%s\n", why), 1;
 *     node_close(&node);
 */
#ifndef SUT_LIVE_NODE_H
#define SUT_LIVE_NODE_H

#include "sut/jobs/jobs.h"
#include "sut/live/isolation.h"

struct node {
    struct env_live live;
    struct isolation isolation;
    bool isolates; /* some workers run in children */
    struct store_db *db;
    struct store store;
    struct store_watch *watch;
    struct jobs_config config;
    struct jobs *jobs;
    uv_signal_t on_interrupt, on_terminate;
    bool gave_up;
};

/* `database`: an SQLite file, which is made if it is not there, or postgresql://...; the config's store is not looked at, and what it
 * points to must outlive the node. Before the program has threads. False with a sentence, and there is nothing to be closed. Must
 * not move. */
bool node_open(struct node *node, const char *database, const struct jobs_config *config, char *why,
               size_t why_size);

/* Before it runs: all of them or none. ret_ids: NULL, or room for `count`. */
bool node_insert(struct node *node, const struct job_spec *specs, size_t count, uint64_t *ret_ids,
                 char *why, size_t why_size);

/* Runs jobs. The first SIGINT or SIGTERM lets those that run end within the grace, the second ends at once. False with a sentence:
 * it could not begin, or gave up. */
bool node_run(struct node *node, char *why, size_t why_size);
void node_stop(struct node *node); /* as the first signal; from the loop's thread */
void node_close(struct node *node);

#endif
