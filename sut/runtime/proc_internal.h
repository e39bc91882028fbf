/* proc_internal.h: what the files of the runtime share. The state of a process:
 *
 *     state      becomes READY by                        exit signals
 *     READY      (it is in the run queue)                kill it
 *     RUNNING    proc_yield                              kill it: it leaves its fiber at once
 *     RECEIVING  a message, its deadline                 kill it
 *     SLEEPING   its deadline                            kill it
 *     WORKING    work done, its deadline                 kill it
 *     STALLED    its deadline                            wait until it runs again
 *     DEAD       never; ids of dead processes are not found any more
 *
 * A process is DEAD from the moment it ends; telling its links and monitors follows in the order of
 * deaths (proc_end.c), without recursion, however long the chain of links.
 */
#ifndef SUT_PROC_INTERNAL_H
#define SUT_PROC_INTERNAL_H

#include "sut/runtime/attachment.h"
#include "sut/runtime/fiber.h"
#include "sut/runtime/id_table.h"
#include "sut/runtime/lineage.h"
#include "sut/runtime/proc.h"
#include "sut/runtime/timers.h"

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

enum proc_state {
    PROC_READY,
    PROC_RUNNING,
    PROC_RECEIVING,
    PROC_SLEEPING,
    PROC_WORKING,
    PROC_STALLED,
    PROC_DEAD,
};

/* Tags of the runtime that no process ever sees; MSG_EXIT and MSG_DOWN are in proc.h. 8 to 11 belong to ets.h, registry.h,
 * task.h and stage.h. */
enum { MSG_REPLY = 3, MSG_SUPERVISOR_STOP, MSG_SUPERVISOR_CALL, MSG_SUPERVISOR_RETRY };
enum { MSG_SERVER_STOP = 12, MSG_SERVER_STATE, MSG_SERVER_REPLACE, MSG_SERVER_DESCRIBE };
#define MSG_CAST UINT32_C(0x80000000) /* set in the tag of a cast on its way */

/* A message with its data, in the heap of the receiver. */
struct envelope {
    struct envelope *next;
    struct message message;
    _Alignas(16) char data[];
};

/* One side of a link, in the list of `proc`, about `twin->proc`. Both sides lie in one struct link.
 */
struct link_end {
    struct link_end *prev, *next;
    struct link_end *twin;
    struct proc *proc;
};

struct link {
    struct link_end ends[2];
};

struct monitor {
    struct id_node by_ref;
    struct proc *watcher;
    struct proc *target;
    struct monitor *prev, *next;           /* among the watchers of the target, in order */
    struct monitor *mine_prev, *mine_next; /* among the monitors of the watcher */
    char *name; /* by which the target was found, behind this structure; NULL: by its id */
};

struct alias {
    struct id_node by_ref;
    struct proc *owner;
    struct alias *prev, *next; /* among those of the owner */
    enum alias_kind kind;
};

/* Messages with a ref of `ref` or above stand at *at or behind it: refs rise, and none of these was there when it was set. So
 * who waits for such a ref needs not look at what was in the mailbox before, however much it is. */
struct mark {
    struct envelope **at; /* NULL: there is none */
    ref_id ref;
    size_t waits; /* for so many refs since it was set nothing has come */
};

/* A message on its way, in the heap of the receiver: it goes where the receiver goes. */
struct delayed {
    struct timer timer;
    struct id_node by_ref;
    struct runtime *runtime;
    struct proc *to; /* NULL: to a name, in the heap of the node */
    struct envelope *envelope;
    struct delayed *prev, *next; /* among those to the same receiver, or to names */
};

/* Work under way; `proc` is NULL when nobody waits for it any more. */
struct job {
    struct runtime *runtime;
    struct proc *proc;
    struct work *work;
    void (*drop)(struct work *work);
    bool done;
    struct job *prev, *next;
};

struct name {
    struct id_node by_hash;
    struct proc *proc;
    char text[];
};

struct proc {
    struct id_node by_id;
    struct runtime *runtime;
    struct fiber *fiber;      /* NULL before the first turn */
    struct proc *prev, *next; /* in the run queue, or among the dying */
    enum proc_state state;
    bool trap_exit;
    bool timed_out; /* why it was made READY */
    bool doomed;    /* STALLED, and then to end with `reason` */
    struct timer wait;

    struct envelope *first, **last; /* the mailbox; *last is NULL */
    size_t mail_count;
    struct mark mark;
    struct envelope *received; /* what the last receive gave out */
    struct envelope *replied;  /* what the last call gave out */
    ref_id call;               /* the call that waits for its reply, or 0 */

    struct link_end *links;
    struct monitor *watchers;
    struct monitor *monitors;
    struct alias *aliases;
    struct delayed *delayed;
    struct name *name;
    struct job *job;
    struct starter *starter; /* who waits for its word, or NULL (start.c) */
    struct attachment *attachments;
    struct lineage *ancestors, *callers;
    struct lineage
        *own_lineage;      /* itself, before its ancestors; NULL: nobody descends from it yet */
    struct tracer *tracer; /* NULL: nobody watches */

    proc_main *main;
    proc_turn *turn; /* what it became; NULL: it is still its main */
    void *arg;
    struct trying *trying; /* the innermost proc_try(), on its stack */
    struct heap heap;
    struct point_site site;
    const struct reason *reason; /* why it ended, or is doomed; NULL before; see reason_keep */
    const char *label;           /* label_room, or another one in the heap */
    char label_room[];
};

struct runtime {
    struct env *env;
    size_t procs_max;
    size_t mailbox_max;
    struct fiber_pool *fibers;
    struct id_table procs;
    struct id_table monitors; /* by ref */
    struct id_table aliases;  /* by ref */
    struct id_table delayed;  /* by ref */
    struct id_table names;    /* by hash */
    struct timers timers;
    struct heap_spares spares; /* of envelopes */
    struct job *jobs;
    struct ets_space *ets; /* ets.c; NULL: there never was a table */
    struct proc *ready;    /* the run queue */
    size_t ready_count;
    size_t turns; /* given since the clock was read last */
    struct proc *dying;
    bool burying;
    struct proc *current;
    bool running;
    bool abandoned;
    bool trace_signals;
    proc_id last_id;
    ref_id last_ref;
    void (*wake)(void *ctx);
    void *wake_ctx;
    void (*crashed)(void *ctx, const struct crash *crash);
    void *crashed_ctx;
    size_t traced;                 /* processes that are watched */
    struct delayed *delayed_names; /* messages on their way to names */
};

/* Of links, monitors, aliases, timers and names: there are many, and they concern who tests the runtime itself. */
#define TRACE_SIGNAL(whose, name, ...)                                                             \
    do {                                                                                           \
        struct proc *traced_ = (whose);                                                            \
        if (traced_->runtime->trace_signals)                                                       \
            TRACE(&traced_->site, name, __VA_ARGS__);                                              \
    } while (0)

static inline proc_id proc_id_of(const struct proc *proc)
{
    return proc->by_id.id;
}

static inline ref_id runtime_ref(struct runtime *runtime)
{
    return ++runtime->last_ref;
}

/* NULL: not alive */
static inline struct proc *runtime_find(const struct runtime *runtime, proc_id id)
{
    struct id_node *node = id_table_find(&runtime->procs, id);
    return node ? CONTAINER_OF(node, struct proc, by_id) : NULL;
}

/* proc_wait.c */
void proc_ready(struct proc *proc);   /* into the run queue */
void proc_unready(struct proc *proc); /* out of it */
int64_t proc_deadline(struct proc *self, int64_t ns);
/* Waits in `state` until made ready. True: the deadline came first. */
bool proc_park(struct proc *self, enum proc_state state, int64_t deadline);
void wait_fire(struct timer *timer);

/* proc_turn.c */
_Noreturn void turns_run(struct proc *self);
void exit_catch(struct proc *self, const struct reason *reason); /* returns only if nobody does */

/* proc_message.c */
void received_drop(struct proc *self); /* what receive and call gave out last */
/* Why the last proc_call() answered `err`, as a process would exit for it. */
struct reason call_why(const struct proc *self, int err);
/* A reply in three steps: who waits for it (NULL: nobody), its envelope in their heap, its delivery. */
struct proc *caller_find(const struct runtime *runtime, proc_id pid, ref_id ref);
struct envelope *reply_make(struct proc *self, struct proc *caller, ref_id ref, const void *data,
                            size_t size);
void reply_put(struct proc *caller, struct envelope *reply);
/* proc_reply() of data with a struct reason at offset `at`: its error goes along. */
void reply_reason(struct proc *self, proc_id to, ref_id ref, const void *data, size_t size,
                  size_t at);
/* Copies the data; without any there is room for `size` bytes, zeroed. */
struct envelope *envelope_new(struct proc *to, const struct message *message);
void mailbox_put(struct proc *to, struct envelope *envelope);   /* without a limit */
void proc_post(struct proc *to, const struct message *message); /* both */
/* proc_post() of data with a struct reason at offset `at`: its error goes along. */
void proc_post_reason(struct proc *to, const struct message *message, size_t at);
/* The oldest message from *at on that matches, out of the mailbox; `at` stays valid as long as nothing in front of it is
 * taken. NULL: time is up. The caller releases it. */
struct envelope *mailbox_wait(struct proc *self, struct envelope **at,
                              bool (*match)(const struct message *, void *), void *ctx,
                              int64_t timeout_ns);
/* From where on a message with this ref can stand. */
static inline struct envelope **mailbox_from(struct proc *self, ref_id ref)
{
    return self->mark.at && ref >= self->mark.ref ? self->mark.at : &self->first;
}
/* One more ref is waited for, that is about to be made; one less, whichever. */
void mailbox_mark(struct proc *self);
void mailbox_unmark(struct proc *self, ref_id ref);
void mailbox_discard(struct proc *self, bool (*match)(const struct message *, void *), void *ctx);

/* proc_link.c */
void link_add(struct proc *a, struct proc *b); /* they are not linked yet */
void link_remove(struct link_end *end);
void monitor_add(struct proc *watcher, struct proc *target, ref_id ref, const char *name);
void monitor_remove(struct monitor *monitor); /* with its alias, if that goes with it */
/* Ends it, and tells its watcher why. */
void monitor_fire(struct monitor *monitor, const struct reason *reason);

/* proc_alias.c */
void alias_monitor_gone(struct proc *owner, ref_id ref);
void alias_clear(struct proc *owner);

/* proc_end.c */
void proc_end(struct proc *proc,
              const struct reason *reason); /* the caller may be it: see proc_leave_if_dead */
_Noreturn void proc_die(struct proc *self, const struct reason *reason); /* proc_try() or not */
void proc_leave_if_dead(struct runtime *runtime);
void proc_erase(struct proc *proc); /* frees it, telling nobody */
void exit_deliver(struct proc *to, proc_id from, const struct reason *reason, bool by_link);

/* proc_lineage.c */
void lineage_set(struct proc *proc, const struct proc_spec *spec);
void lineage_changed(
    struct proc *proc); /* its name: who comes from now on descends from the new one */
void lineage_clear(struct proc *proc);
void crash_report(struct proc *self, const struct reason *reason); /* unless it is calm */

/* proc_trace.c */
void trace_tell(struct proc *proc, enum traced what, proc_id other, uint32_t tag);
void trace_end(struct proc *proc);
static inline void trace(struct proc *proc, enum traced what, proc_id other, uint32_t tag)
{
    if (__builtin_expect(proc->tracer != NULL, 0))
        trace_tell(proc, what, other, tag);
}

bool reason_shows_text(const struct reason *reason); /* wording.c */
/* reason.c: one that lasts as long as the heap, with its error; without a text it costs nothing. */
const struct reason *reason_keep(struct heap *heap, const struct reason *reason);
struct reason *reason_copy(struct heap *heap, const struct reason *reason); /* one block, always */
/* A copy with its error behind: how many bytes that takes, a multiple of 16, and putting it there. */
size_t reason_room(const struct reason *reason);
void reason_settle(struct reason *reason, void *room);

/* proc_timer.c, proc_work.c, name.c: what a process leaves behind */
void delayed_clear(struct proc *proc);
void delayed_names_clear(struct runtime *runtime);
void job_orphan(struct proc *proc);
void name_release(struct proc *proc);

/* ets.c */
void ets_space_free(struct runtime *runtime);

#endif
