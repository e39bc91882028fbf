/* subject.h: the one run that a command is about: a tape, the folder of a failure, or a scenario and a
 * seed. */
#ifndef DURESS_SUBJECT_H
#define DURESS_SUBJECT_H

#include "harness/suite/plan.h"
#include "harness/tape/tape.h"

struct subject {
    struct scenario *scenario; /* with the extras, and with the tape's rules */
    struct tape *tape;
    char *path;           /* of the tape; NULL: made from a seed */
    char fingerprint[33]; /* what the tape says it gave; or "" */
    char **rules; /* fault rules besides the scenario's: those of the tape and of the extras */
    size_t rule_count;
};

/* `seed_text` NULL: `path` is a tape, or a folder with one in it. 0; -EINVAL: the mistake was explained on stderr. */
int subject_load(struct subject *ret_subject, const struct command *command,
                 const struct systems *systems, const char *path, const char *seed_text,
                 const struct extras *extras);
void subject_done(struct subject *subject);

#endif
