/* fault.h: one injected fault, as decided for one hit of a point. The vocabulary of fault terms, from the
 * weakest to the strongest: a shrinker weakens a fault by going down this list. */
#ifndef DURESS_FAULT_H
#define DURESS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(ENUM, word, CAN_ bit) */
#define FAULT_KINDS(X)                                                                             \
    X(NONE, "none", 0)                                                                             \
    X(DELAY, "delay", CAN_DELAY)                                                                   \
    X(ERROR, "error", CAN_ERROR)                                                                   \
    X(SHORT, "short", CAN_SHORT)                                                                   \
    X(TIMEOUT, "timeout", CAN_TIMEOUT)                                                             \
    X(DISCONNECT, "disconnect", CAN_DISCONNECT)                                                    \
    X(LIE, "lie", CAN_LIE)                                                                         \
    X(MISDIRECT, "misdirect", CAN_MISDIRECT)                                                       \
    X(FLIP, "flip", CAN_FLIP)                                                                      \
    X(PAUSE, "pause", CAN_PAUSE)                                                                   \
    X(CRASH, "crash", CAN_CRASH)                                                                   \
    X(KILL, "kill", CAN_KILL)                                                                      \
    X(POWEROFF, "poweroff", CAN_POWEROFF)

enum fault_kind {
#define X(e, word, can) FAULT_##e,
    FAULT_KINDS(X)
#undef X
        FAULT_KIND_COUNT
};

struct fault {
    enum fault_kind kind;
    int err;       /* FAULT_ERROR: positive errno */
    int64_t lo_ns; /* FAULT_DELAY, _TIMEOUT, _PAUSE: how long, drawn from [lo, hi] on the tape */
    int64_t hi_ns;
};

const char *fault_word(enum fault_kind kind);
uint32_t fault_can(enum fault_kind kind); /* the CAN_ bit a point must declare */

/* "disconnect", "error(ETIMEDOUT)", "delay(5ms..2s)", ... into out; returned. */
const char *fault_print(const struct fault *fault, char *out, size_t size);

/* Parses one action, the inverse of fault_print. Returns the number of characters read, or 0 with *ret_why
 * (static text). Stops at the first character that cannot belong to it. */
size_t fault_parse(const char *text, struct fault *ret_fault, const char **ret_why);
/* The same; *ret_at is where it goes wrong when 0 is returned. */
size_t fault_parse_at(const char *text, struct fault *ret_fault, const char **ret_why,
                      size_t *ret_at);

/* "ETIMEDOUT" <-> 110. 0 / NULL when unknown. */
int errno_by_name(const char *name, size_t length);
const char *errno_name(int err);

/* "5ms", "1.5s", "2m", "1h", "10us", "3d", "250ns" -> ns. Returns characters read, 0 if it is not a duration. */
size_t duration_parse(const char *text, int64_t *ret_ns);
/* The shortest exact form: 1500 ms -> "1.5s". */
const char *duration_print(int64_t ns, char *out, size_t size);

#endif
