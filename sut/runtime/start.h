/* start.h: starting a process and waiting until it stands (PL-01 .. PL-04).
 *
 * The starter is parked until the new process has said that it stands, that it is not needed, or why it cannot; or
 * until it died, or time is up:
 *
 *     proc_started(self)        STARTED_OK      the process goes on
 *     proc_ignored(self)        STARTED_IGNORE  it ends, with normal
 *     proc_failed(self, why)    STARTED_ERROR   it ends, with `why`
 *     it ends without a word    STARTED_ERROR   with the reason of its end (PL-02)
 *     the time is up            STARTED_ERROR   it is killed; "timeout" (PL-03)
 *
 * What was reported as an error says so at every level: of a supervisor, which child, and why that one (error.h). Who tries again
 * and again gives it back by reason_release().
 *
 * Whenever the answer is not OK the process is gone when the starter goes on: its name and all it held are free again (PL-04).
 */
#ifndef SUT_START_H
#define SUT_START_H

#include "sut/runtime/error.h"
#include "sut/runtime/proc.h"

enum started_how { STARTED_OK, STARTED_IGNORE, STARTED_ERROR };

struct started {
    enum started_how how;
    proc_id pid;       /* STARTED_OK: who; else 0 */
    struct reason why; /* STARTED_ERROR: why not; `why.error` is in the heap of who started it */
};

/* Spawns it, linked with `self`, and waits up to timeout_ns for its word. `link`, `monitor` and `ret_monitor` of the spec
 * are not looked at. Who does not trap exits dies with a process that fails to start (GS-03); who traps them gets no exit
 * message of it. */
struct started proc_start(struct proc *self, const struct proc_spec *spec, int64_t timeout_ns);

/* The same without a link. */
struct started proc_start_alone(struct proc *self, const struct proc_spec *spec,
                                int64_t timeout_ns);

/* For what starts processes of its own kind: linked with `link` (0: none), and `prepare` (may be NULL) is called between the
 * spawn and the first run, to put into the heap of the new process what it is to find there. */
struct started start_prepared(struct proc *self, const struct proc_spec *spec, proc_id link,
                              int64_t timeout_ns,
                              void (*prepare)(struct proc *child, const void *ctx),
                              const void *ctx);

/* What the new process says, once. Does nothing in a process that nobody waits for, or that has said it already: the same
 * main serves proc_spawn(). */
void proc_started(struct proc *self);

_Noreturn void proc_ignored(struct proc *self);
_Noreturn void proc_failed(struct proc *self, struct reason why);

/* Answers as values, for functions that start something. */
struct started started_ok(proc_id pid);
struct started started_ignore(void);
struct started
started_error(struct reason why); /* `why.error` in the heap of who answers, or static */
/* "already_started": another process has the name. */
struct started started_taken(struct proc *self, const char *name, proc_id holder);

#endif
