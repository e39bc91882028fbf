/* story_match.h: which events belong to the story of a failure. The harness knows no system under
 * test, so this goes by fields alone: the failing event's key (its first field), the keys that the
 * message names ("job 17", "jobs: 17, 22"), and one step further the keys of events that carry one
 * of these ("client/insert/ok key=5 job=17" brings in key 5). */
#ifndef DURESS_STORY_MATCH_H
#define DURESS_STORY_MATCH_H

#include "harness/trace/trace.h"

#define SUBJECTS_MAX 12

struct subject {
    const char *name; /* of a field */
    bool number;
    uint64_t u64; /* number */
    char text[64];
};

struct subjects {
    struct subject list[SUBJECTS_MAX];
    size_t count;
};

/* Finds what the failure is about. `failing`: index of an event; UINT64_MAX when it is about none,
 * as a stall. */
void subjects_find(struct subjects *ret_subjects, const struct trace *trace, uint64_t failing,
                   const char *message);
/* Does the event carry one of them, in any field? */
bool subjects_match(const struct subjects *subjects, const struct event *event);

/* Does the text name this key: "job 17", "job=17", or "jobs ...: 12, 17"? */
bool message_names(const char *message, const char *field, uint64_t value);

#endif
