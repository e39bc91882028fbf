/* server_internal.h: what the life of a server (server.c) and its beginning (server_start.c) share. */
#ifndef SUT_SERVER_INTERNAL_H
#define SUT_SERVER_INTERNAL_H

#include "sut/runtime/proc_internal.h"
#include "sut/runtime/server.h"

struct server {
    const struct server_ops *ops;
    proc_id parent;     /* 0: the driver */
    int64_t timeout_ns; /* what the last function wished */
    size_t state_size;
    struct server_from caller; /* of the call that is handled; ref 0: none is */
    bool replied;
    uint32_t last_tag; /* of the message that is handled, or was last; 0: none, or a time-out */
    struct envelope *reply; /* in the heap of the caller, not sent yet; NULL: none */
    _Alignas(16) char state[];
};

struct step {
    struct server *server;
    const struct message *message; /* NULL: the time is up */
    struct server_next next;
};

/* Runs a part of a step: a failure, or a wish to end, ends the server. How long to wait for the next message. */
int64_t server_step(struct proc *self, struct step *step, proc_main *run);
void server_proceed(struct proc *self, void *step); /* as long as `next` wants it */
proc_turn server_turn;

/* What a server does, for whoever watches. */
void turn_begin(struct proc *self, const char *what);
void turn_wish(struct proc *self, const struct server_next *next);

/* Its state in its words. */
void server_words(const struct server *server, char *out, size_t size);

#endif
