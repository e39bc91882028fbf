/* start.c: a start is a call whose answer comes from the process that it makes. The monitor of the call is there from the
 * spawn on, so that no death is missed; everything that concerns the start comes behind what was in the mailbox before it,
 * and nothing in front of that is looked at, however much it is. */
#include "sut/runtime/start.h"

#include "sut/runtime/error.h"
#include "sut/runtime/proc_internal.h"
#include <inttypes.h>

POINT_ABOUT("proc/process/started",
            "Who waited for a process to stand goes on: it stands (ok), or why it is gone again.");

/* Whom a new process answers; in its heap, until it has. */
struct starter {
    proc_id pid;
    ref_id ref;
};

struct start { /* one on its way, seen by who waits */
    struct proc *self;
    struct envelope **mark; /* the end of the mailbox before it */
    proc_id pid;
    ref_id ref;
};

/* Without a reason: its text is large, and starts are many. */
static void started_plain(struct started *started, enum started_how how, proc_id pid)
{
    started->how = how;
    started->pid = pid;
    started->why.kind = EXIT_NORMAL;
    started->why.text[0] = '\0';
    started->why.error = NULL;
}

struct started started_ok(proc_id pid)
{
    struct started started;
    started_plain(&started, STARTED_OK, pid);
    return started;
}

struct started started_ignore(void)
{
    struct started started;
    started_plain(&started, STARTED_IGNORE, 0);
    return started;
}

struct started started_error(struct reason why)
{
    return (struct started){.how = STARTED_ERROR, .why = why};
}

struct started started_taken(struct proc *self, const char *name, proc_id holder)
{
    const struct error *taken =
        error_new(&self->heap, ERROR_REFUSED, error_already_started.code,
                  "the name '%s' is taken by process %" PRIu64, name, holder);
    return (struct started){.how = STARTED_ERROR, .pid = holder, .why = reason_of_error(taken)};
}

/* ---- the new process ---- */

static void starter_answer(struct proc *self, enum started_how how)
{
    struct starter *starter = self->starter;
    if (!starter)
        return;
    self->starter = NULL;
    proc_reply(self, starter->pid, starter->ref, &how, sizeof how);
    heap_release(&self->heap, starter);
}

void proc_started(struct proc *self)
{
    starter_answer(self, STARTED_OK);
}

void proc_ignored(struct proc *self)
{
    starter_answer(self, STARTED_IGNORE);
    proc_exit(self, (struct reason){.kind = EXIT_NORMAL});
}

/* Its end is the answer. */
void proc_failed(struct proc *self, struct reason why)
{
    proc_exit(self, why);
}

/* ---- who waits for it ---- */

static bool is_word(const struct message *message, void *ctx)
{
    const struct start *start = ctx;
    return message->ref == start->ref && (message->tag == MSG_REPLY || message->tag == MSG_DOWN);
}

static bool is_exit(const struct message *message, void *ctx)
{
    const struct start *start = ctx;
    return message->tag == MSG_EXIT && message->from == start->pid;
}

static struct envelope *word_wait(struct start *start, int64_t timeout_ns)
{
    return mailbox_wait(start->self, start->mark, is_word, start, timeout_ns);
}

/* Until it is gone. */
static void gone_wait(struct start *start)
{
    for (bool gone = false; !gone;) {
        struct envelope *word = word_wait(start, WAIT_FOREVER);
        gone = word->message.tag == MSG_DOWN;
        heap_release(&start->self->heap, word);
    }
}

static void start_timeout(struct start *start, struct started *ret_started)
{
    proc_unlink(start->self, start->pid);
    proc_signal(start->self->runtime, proc_id_of(start->self), start->pid,
                (struct reason){.kind = EXIT_KILL});
    gone_wait(start);
    *ret_started = started_error(reason_of_error(&error_timeout));
}

static void start_replied(struct start *start, enum started_how how, struct started *ret_started)
{
    started_plain(ret_started, how, how == STARTED_OK ? start->pid : 0);
    if (how != STARTED_OK)
        gone_wait(start);
}

/* The message goes; the error that it carries is the starter's from now on. */
static void start_died(const struct start *start, const struct exit_message *down,
                       struct started *ret_started)
{
    *ret_started = started_error(down->reason);
    reason_own(&start->self->heap, &ret_started->why);
}

static void start_wait(struct start *start, int64_t timeout_ns, struct started *ret_started)
{
    start->self->call = start->ref;
    struct envelope *word = word_wait(start, timeout_ns);
    start->self->call = 0;
    if (!word)
        start_timeout(start, ret_started);
    else if (word->message.tag == MSG_REPLY)
        start_replied(start, *(const enum started_how *)word->message.data, ret_started);
    else
        start_died(start, word->message.data, ret_started);
    heap_release(&start->self->heap, word);
}

/* What a start leaves in the mailbox: of one that failed, nothing. One that stood and has died since keeps its exit. */
static void start_sweep(struct start *start, enum started_how how)
{
    struct proc *self = start->self;
    struct envelope *left = NULL;
    if (!proc_demonitor(self, start->ref, false))
        left = mailbox_wait(self, start->mark, is_word, start, 0);
    heap_release(&self->heap, left);
    if (how != STARTED_OK)
        heap_release(&self->heap, mailbox_wait(self, start->mark, is_exit, start, 0));
}

__attribute__((unused)) static const char *started_text(const struct started *started,
                                                        char out[static REASON_WORDS])
{
    if (started->how == STARTED_ERROR)
        return reason_text(started->why, out);
    return started->how == STARTED_OK ? "ok" : "ignore";
}

struct started start_prepared(struct proc *self, const struct proc_spec *spec, proc_id link,
                              int64_t timeout_ns,
                              void (*prepare)(struct proc *child, const void *ctx), const void *ctx)
{
    struct start start = {.self = self, .mark = self->last};
    struct proc_spec own = *spec;
    own.link = link;
    own.monitor = proc_id_of(self);
    own.ret_monitor = &start.ref;
    start.pid = proc_spawn(self->runtime, &own);
    if (!start.pid)
        return started_error(reason_of_error(&error_no_room));
    struct proc *child = runtime_find(self->runtime, start.pid); /* it has not run yet */
    child->starter = heap_alloc(&child->heap, sizeof *child->starter);
    *child->starter = (struct starter){.pid = proc_id_of(self), .ref = start.ref};
    if (prepare)
        prepare(child, ctx);
    struct started started;
    start_wait(&start, timeout_ns, &started);
    start_sweep(&start, started.how);
    TRACE(&self->site, "proc/process/started", T_U64("pid", start.pid),
          T_U64("starter", proc_id_of(self)),
          T_STR("how", started_text(&started, (char[REASON_WORDS]){0})));
    return started;
}

struct started proc_start(struct proc *self, const struct proc_spec *spec, int64_t timeout_ns)
{
    return start_prepared(self, spec, proc_id_of(self), timeout_ns, NULL, NULL);
}

struct started proc_start_alone(struct proc *self, const struct proc_spec *spec, int64_t timeout_ns)
{
    return start_prepared(self, spec, 0, timeout_ns, NULL, NULL);
}
