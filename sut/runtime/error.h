/* error.h: what went wrong, as a value.
 *
 *     class   what can be done about it, for programs that decide
 *     code    a word that stays the same, for programs that compare: "already_started"
 *     text    what there is to say besides, for people: "the name 'db' is taken by process 17"
 *     cause   the error that led to this one, and so on: a chain of any length
 *
 * An error is never changed. It lies in a heap, as one block with all its causes, and goes with that; or it is static. What an
 * error is made of is copied into it, causes too, so that no error refers to another heap.
 *
 * Errors and exits: a process that exits for an error ends with reason_of_error() of it, and the reason carries the error. It
 * crosses to others as a copy: in the message of an EXIT, a DOWN, a reply, where it lasts as long as the message; from there into
 * whatever heap error_copy() is asked for. So who is told that a tree did not start knows why at every level of it.
 */
#ifndef SUT_ERROR_H
#define SUT_ERROR_H

#include "sut/runtime/reason.h"
#include <stddef.h>

/*    class              in words         as errno */
#define ERROR_CLASSES(X)                                                                           \
    X(ERROR_INPUT, "bad input", EINVAL)      /* it makes no sense; nor will it the next time */    \
    X(ERROR_REFUSED, "refused", EEXIST)      /* it does not go with what is there: a name taken */ \
    X(ERROR_NOT_FOUND, "not found", ENOENT)  /* what it is about does not exist */                 \
    X(ERROR_NO_PROCESS, "no process", ESRCH) /* who should do it is dead, or never was */          \
    X(ERROR_TIMEOUT, "timeout", ETIMEDOUT)   /* no answer in time; it may have been done */        \
    X(ERROR_LIMIT, "limit", ENOBUFS)         /* too many at once; later it may be possible */      \
    X(ERROR_STOPPED, "stopped", ECANCELED)   /* somebody wanted it to end, or it was over */       \
    X(ERROR_CRASHED, "crashed", EPIPE)       /* who should have done it failed */

enum error_class {
#define X(class, name, number) class,
    ERROR_CLASSES(X)
#undef X
};

struct error {
    enum error_class class;
    enum reason_kind kind; /* of the exit of a process that ends for it */
    const char *code;
    const char *text;          /* "": nothing */
    const struct error *cause; /* NULL: none that is known */
    size_t block; /* private: bytes, with its causes; 0: it is not a block of its own */
};

/* Those that need no more words, so that nobody has to give them back. */
#define ERRORS(X)                                                                                  \
    X(timeout, ERROR_TIMEOUT, EXIT_ERROR, "timeout", "no answer in time")                          \
    X(noproc, ERROR_NO_PROCESS, EXIT_NOPROC, "noproc", "there is no such process")                 \
    X(calling_self, ERROR_INPUT, EXIT_ERROR, "calling_self", "a process waits for itself")         \
    X(mailbox_full, ERROR_LIMIT, EXIT_ERROR, "mailbox_full", "the mailbox is full")                \
    X(no_room, ERROR_LIMIT, EXIT_ERROR, "too_many_processes", "procs_max is reached")              \
    X(max_children, ERROR_LIMIT, EXIT_ERROR, "max_children", "there are as many as may be")        \
    X(already_started, ERROR_REFUSED, EXIT_ERROR, "already_started",                               \
      "it runs, or its name is taken")                                                             \
    X(already_present, ERROR_REFUSED, EXIT_ERROR, "already_present", "it is known, and down")      \
    X(running, ERROR_REFUSED, EXIT_ERROR, "running", "the child runs")                             \
    X(restarting, ERROR_REFUSED, EXIT_ERROR, "restarting", "the child is being restarted")         \
    X(not_found, ERROR_NOT_FOUND, EXIT_ERROR, "not_found", "there is no such child")               \
    X(unsupported, ERROR_INPUT, EXIT_ERROR, "unsupported",                                         \
      "children of this supervisor have no ids")                                                   \
    X(bad_return, ERROR_CRASHED, EXIT_ERROR, "bad_return", "it says that it stands, but not who")  \
    X(not_owner, ERROR_REFUSED, EXIT_RAISED, "not_owner",                                          \
      "only who started a task can wait for it")                                                   \
    X(fault, ERROR_CRASHED, EXIT_ERROR, "fault", "injected")

#define X(name, class, kind, code, text) extern const struct error error_##name;
ERRORS(X)
#undef X

/* ---- making ---- */

/* Without a cause. The format says the text; NULL: none. */
const struct error *error_new(struct heap *heap, enum error_class class, const char *code,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Of the class of its cause. */
const struct error *error_wrap(struct heap *heap, const struct error *cause, const char *code,
                               const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same with another kind (else EXIT_ERROR); in place, before anybody else sees it. */
const struct error *error_as(const struct error *error, enum reason_kind kind);
const struct error *error_copy(struct heap *heap, const struct error *error); /* NULL stays NULL */
/* To who asked for it; nobody (NULL): given back. */
void error_hand_over(struct heap *heap, const struct error *error, const struct error **ret_error);
/* Gives back one that was made or copied in this heap. Static ones and NULL are fine. */
void error_free(struct heap *heap, const struct error *error);

/* The bytes that a copy takes, and a copy into as many at `room`, aligned to 16. */
size_t error_size(const struct error *error);
const struct error *error_write(void *room, const struct error *error);

/* ---- reading ---- */

const char *error_class_name(enum error_class class);
int error_errno(const struct error *error); /* negative, by its class */
/* The static error for what a call answered: -EINVAL and the like; "badarg" for what is not known. */
const struct error *error_of_errno(int err);
/* The first in the chain with this code, or NULL. */
const struct error *error_find(const struct error *error, const char *code);
const struct error *error_root(const struct error *error); /* the last cause */
size_t error_depth(const struct error *error);             /* how many, with itself */

/* Its code is only the name of its kind, as of one made from `shutdown`. */
bool error_stands_alone(const struct error *error);
/* "code (text): code (text): ..." with all causes. As snprintf(): cut at `size`, returns the whole length. */
size_t error_print(const struct error *error, char *out, size_t size);
char *error_words(struct heap *heap, const struct error *error); /* all of it */
/* What Erlang would call it, but for its own kind: {failed_to_start_child,db,{shutdown,...}}. As error_print(). */
size_t error_term(const struct error *error, char *out, size_t size);

#endif
