/* signals.h: what the two files on signal scenarios share: actors (oracle_actor.c) and the commands that they are given
 * (oracle_signals.c). */
#ifndef SUT_ORACLE_SIGNALS_H
#define SUT_ORACLE_SIGNALS_H

#include "sut/runtime/oracle/oracle.h"

enum { TAG_COMMAND = MSG_USER, TAG_TEXT, RESULT_MAX = 1024 };

struct actor {
    char name[ORACLE_NAME_MAX];
    proc_id pid; /* 0: could not be spawned */
    bool alive;
    bool frozen;
    struct actor *next; /* in the order of spawning */
};

/* What a process read, until it is known whether it outlived the block. */
struct reading {
    const struct actor *actor;
    char *text;
    struct reading *next;
};

struct command {
    struct signals *signals;
    const struct oracle_line *line;
    const struct verb *verb;
    struct actor *p, *q; /* NULL: the driver */
    struct reason reason;
    const char *word; /* the name, text, option or kind */
    ref_id ref;
    bool by_name;
    char result[RESULT_MAX];
};

struct signals {
    struct oracle *oracle;
    struct actor *actors;
    struct reading *readings, **last_reading;
    ref_id *refs; /* m1, m2, ... */
    size_t ref_count;
};

/* The letters of `words` say what follows the keyword: p an actor, d the same or `-` for the driver, q another actor, r
 * a reason, n a name, t a text, m a ref, k a kind of alias of `kinds`, o an optional word of `kinds`. */
struct verb {
    const char *word;
    const char *words;
    const char *kinds;
    void (*act)(struct proc *self, struct command *command); /* by the actor p; NULL: */
    void (*drive)(struct command *command);                  /* by the driver */
};

struct actor *actor_named(struct signals *signals, const char *name);
/* A new one, which is not alive yet. */
struct actor *actor_new(struct signals *signals, const char *name);
void result_set(struct command *command, const char *result);
void actor_exited(struct oracle *oracle, proc_id pid, const struct reason *reason);

/* The verbs, by their words; the last one has none. */
extern const struct verb signal_verbs[];

#endif
