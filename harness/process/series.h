/* series.h: run after run in one process, forked for all of them: most of what a process of its own costs (its page
 * tables, its first touch of every page, the memory that SQLite and the fibers set up) is paid once. Only for systems
 * that leave nothing behind (system.h).
 *
 *     no process --order--> at work --it held--> waits --order--> at work
 *          ^                   |                   | after SERIES_RUNS
 *          +-- it failed, or died of it -----------+
 *
 * What such a process says of a failure is hearsay: earlier runs may have caused it. Whoever asks makes that run again, in
 * a process of its own, before believing it. */
#ifndef DURESS_SERIES_H
#define DURESS_SERIES_H

#include "harness/process/child.h"

enum { SERIES_RUNS = 200 }; /* in one process: what nobody has noticed gets no time to pile up */

struct series {
    struct child child; /* its pipe takes orders, too */
    unsigned runs;      /* that this process has made */
};

void series_init(struct series *series);
void series_done(struct series *series);

/* Makes the run of `task` (which records and keeps nothing), and gives its message, as child_run() does. Heap. The task's
 * scenario must have been there before the first run. */
char *series_run(struct series *series, const struct child_task *task, bool *ret_held,
                 size_t *ret_length);

#endif
