/* server.h: processes that serve, as OTP's gen_server (GS-01 .. GS-40).
 *
 * A server is a table of functions and a state. It handles one request at a time, and between two of them has no stack: a
 * hundred thousand that wait cost their states and little more. Each function says with its result how it goes on:
 *
 *     server_go()                 waits for the next message
 *     server_go_for(ns)           the same; if none comes for that long, `timeout` is called
 *     server_go_on(what)          `proceed` is called before any message, even one that waits already
 *     server_end(self, reason)    `terminate` is called, then the server exits with the reason
 *     server_ignore()             only of init: it is not needed; the start is not an error
 *
 * A function that ends with proc_exit() fails: `terminate` is called with that reason, and the server exits with it. Only what
 * kills from outside (an exit signal while it does not trap exits, a kill) ends a server without `terminate`.
 */
#ifndef SUT_SERVER_H
#define SUT_SERVER_H

#include "sut/runtime/start.h"

enum server_how { SERVER_GO, SERVER_GO_ON, SERVER_END, SERVER_IGNORE };

struct server_next { /* made by the functions below */
    enum server_how how;
    int64_t timeout_ns;       /* SERVER_GO */
    void *what;               /* SERVER_GO_ON: for `proceed` */
    const struct reason *why; /* SERVER_END */
};

struct server_next server_go(void); /* hibernate, too: who waits has no stack in any case */
/* As OTP's time-out: with 0, `timeout` is called unless a message waits (GS-13). Below 0 is 0; WAIT_FOREVER is none. */
struct server_next server_go_for(int64_t ns);
struct server_next server_go_on(void *what); /* as {continue, What}; the memory is the caller's */
struct server_next server_end(struct proc *self, struct reason reason);
struct server_next server_ignore(void);

/* What a server does; those it lacks are NULL. `state` has state_size bytes, zeroed before init. */
struct server_ops {
    /* Before anybody gets to know of it. `arg` as given, valid only here. NULL: server_go(). */
    struct server_next (*init)(struct proc *self, void *state, const void *arg);
    /* A request: somebody waits for server_reply(), here, later, or from elsewhere (server_from()). */
    struct server_next (*call)(struct proc *self, void *state, const struct message *request);
    struct server_next (*cast)(struct proc *self, void *state, const struct message *message);
    /* Anything else: messages, exits (when it traps them), DOWNs. NULL: dropped, with a line in the log (GS-37). */
    struct server_next (*info)(struct proc *self, void *state, const struct message *message);
    struct server_next (*timeout)(struct proc *self, void *state); /* NULL: nothing happens */
    struct server_next (*proceed)(struct proc *self, void *state, void *what);
    /* The last that is called. It may still reply. Ending with proc_exit() changes the reason (GS-34). */
    void (*terminate)(struct proc *self, void *state, struct reason reason);
    /* Says in words what the state is, for server_describe(). NULL: "SIZE bytes". */
    void (*describe)(const void *state, char *out, size_t size);
};

struct server_spec {
    const char *label; /* copied */
    const char *name;  /* registered before init; NULL: none */
    /* Another way to be found: called in the new process before init; not 0: taken. registry_via.h has one. NULL: none. */
    int (*join)(struct proc *self, const void *via);
    const void *via;              /* not copied */
    const struct server_ops *ops; /* not copied */
    size_t state_size;
    const void *arg; /* arg_size bytes are copied; 0: the pointer itself is passed to init */
    size_t arg_size;
    bool trap_exit;     /* then its parent's exit ends it by `terminate` (GS-23) */
    int64_t timeout_ns; /* how long init may take; 0: as long as it likes (GS-06) */
};

/* Start and wait until init has returned (GS-01). The parent is `self`. The reason of a failure is that of init;
 * "already_started" when the name is taken: then `pid` says by whom, and init was not called (GS-07). */
struct started server_start_link(struct proc *self, const struct server_spec *spec);
struct started server_start(struct proc *self,
                            const struct server_spec *spec); /* without a parent */
/* Without waiting, also from outside of any process; linked with `parent` unless it is 0. Returns its id, or 0: there are
 * too many processes. One whose init fails ends for that reason. */
proc_id server_spawn(struct runtime *runtime, proc_id parent, const struct server_spec *spec);

/* ---- in the server ---- */

struct server_from { /* who waits for a reply */
    proc_id pid;
    ref_id ref;
};

struct server_from server_from(const struct message *request);
/* The reply to the call that is being handled; sent when its function returns, before `proceed` (GS-09), but after
 * `terminate` (GS-16). 0; -EALREADY: a reply was given already; -EINVAL: no call is being handled. */
int server_reply(struct proc *self, const void *data, size_t size);
/* A reply at once, from any process, also later (GS-29). -ESRCH: nobody waits for it, or not any more: it was replied to, its
 * time was up, or it died. */
int server_reply_to(struct proc *self, struct server_from from, const void *data, size_t size);

/* ---- for its clients ---- */

/* Sends a request and waits for the reply, which is valid until the next receive or call; `ret_reply` may be NULL. 0;
 * -ETIMEDOUT: a late reply vanishes; -ESRCH: the server is, or became, dead; -EDEADLK: a call to oneself; -ENOBUFS: its mailbox is
 * full. `ret_why` (may be NULL) says it as OTP would exit: timeout, noproc, the reason the server died for, calling_self. */
int server_call(struct proc *self, proc_id server, uint32_t tag, const void *data, size_t size,
                int64_t timeout_ns, const struct message **ret_reply, struct reason *ret_why);
/* The same; without a reply the caller exits, with {REASON,{call,SERVER}} (GS-14, GS-17). */
const struct message *server_call_or_exit(struct proc *self, proc_id server, uint32_t tag,
                                          const void *data, size_t size, int64_t timeout_ns);
/* Sends, and does not wait. 0, also when there is no such server (GS-27); -ENOBUFS: its mailbox is full. */
int server_cast(struct runtime *runtime, proc_id from, proc_id server, uint32_t tag,
                const void *data, size_t size);
/* Asks it to end, and waits until it is gone. 0: it ended for just this reason; else as server_call(), and -ECANCELED: it
 * ended for another one, *ret_why (GS-26). */
int server_stop(struct proc *self, proc_id server, struct reason reason, int64_t timeout_ns,
                struct reason *ret_why);

/* ---- looking inside ---- */

/* These restart a running time-out in full (GS-35). Errors as server_call(); -EINVAL: `size` is not that of its state. */
int server_get_state(struct proc *self, proc_id server, void *out, size_t size, int64_t timeout_ns);
int server_replace_state(struct proc *self, proc_id server, const void *state, size_t size,
                         int64_t timeout_ns);
/* What the server says about its state, in words; cut at `size`. */
int server_describe(struct proc *self, proc_id server, char *out, size_t size, int64_t timeout_ns);

#endif
