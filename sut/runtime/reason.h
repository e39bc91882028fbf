/* reason.h: why a process ended, as a value: a kind, a term in words, and the error behind it.
 *
 * A reason is copied as it is. Its `error` is not: it is lent by where the reason came from (a message, a heap), and whoever keeps
 * the reason longer than that copies it (error.h). What the runtime hands out otherwise says how long it lasts.
 */
#ifndef SUT_REASON_H
#define SUT_REASON_H

#include "sut/runtime/heap.h"
#include <stdbool.h>

enum reason_kind {
    EXIT_NORMAL,
    EXIT_SHUTDOWN, /* with text: {shutdown, text} */
    EXIT_KILL,     /* as a signal from proc_signal: cannot be trapped, arrives as EXIT_KILLED */
    EXIT_KILLED,
    EXIT_NOPROC,
    EXIT_ERROR,  /* anything else: text says what */
    EXIT_RAISED, /* an error raised by code, text: {text, stack} in OTP's terms (SIG-03) */
    EXIT_THROWN, /* a throw that nobody caught: {{nocatch, text}, stack} */
};

enum { REASON_TEXT = 240, REASON_WORDS = REASON_TEXT + 32 };

struct error;

struct reason {
    enum reason_kind kind;
    char text[REASON_TEXT];    /* may be empty; what is longer is cut here, but not in the error */
    const struct error *error; /* what happened, in full; NULL: the text is all there is */
};

struct reason reason_make(enum reason_kind kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool reason_is_calm(struct reason reason); /* normal, shutdown, {shutdown, _} */
/* By kind and text. */
bool reason_equal(const struct reason *a, const struct reason *b);
/* "normal", "shutdown", "shutdown:text", "killed", "noproc", or the text of an error. Into `out`,
 * returned. */
const char *reason_text(struct reason reason, char out[static REASON_WORDS]);
/* The same as an Erlang term without blanks, as {shutdown,text} or {{nocatch,text},stack}. */
const char *reason_term(struct reason reason, char out[static REASON_WORDS]);
/* The term with all causes of its error, however long it is; in `heap`. */
char *reason_term_whole(struct heap *heap, const struct reason *reason);

/* How reasons of a kind read: their text between `before` and `behind`, as a term, or by the format `words`; without a text
 * `alone`. Without `before` no text is shown. */
struct reason_shape {
    const char *alone, *before, *behind, *words;
};
const struct reason_shape *reason_shape(enum reason_kind kind);

/* ---- reasons and errors ---- */

/* For which a process exits that cannot go on: of the error's kind, with its term as the text. It lends the error. */
struct reason reason_of_error(const struct error *error);
/* The error of a reason, copied, or one made of its kind and text: the cause of what is to be said about it. In `heap`. */
const struct error *error_of_reason(struct heap *heap, const struct reason *reason);
/* What is to be said about why something failed: exit `kind` for {CODE,TEXT,CAUSE}, of which `cause` is the cause. In `heap`. */
struct reason reason_wrap(struct heap *heap, const struct reason *cause, enum reason_kind kind,
                          const char *code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The error of the reason copied into `heap`, so that it lasts as long; and given back, where it was copied. */
void reason_own(struct heap *heap, struct reason *reason);
void reason_release(struct heap *heap, struct reason *reason);

#endif
