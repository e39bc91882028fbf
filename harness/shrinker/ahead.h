/* ahead.h: executes candidates of the sequence shrinker, and on idle workers what it will ask for next. */
#ifndef DURESS_SHRINKER_AHEAD_H
#define DURESS_SHRINKER_AHEAD_H

#include "harness/process/lab.h"
#include "harness/sequence/sequence.h"

struct ahead;

/* The tape that runs this sequence. */
typedef struct tape *ahead_task(void *ctx, const struct sequence *sequence);

enum answer {
    ANSWER_RESULT,
    ANSWER_NONE, /* this process is a scout: it does not fail, go on; touch nothing that is shared */
    ANSWER_STOP, /* it is time to stop */
};

struct ahead *ahead_new(struct lab *lab, unsigned workers, ahead_task *task, void *ctx);
void ahead_free(struct ahead *ahead);
/* The result is the caller's. */
enum answer ahead_run(struct ahead *ahead, struct sequence *sequence,
                      struct lab_result *ret_result);
/* What was guessed is wrong. */
void ahead_clear(struct ahead *ahead);
/* When the sequence shrinker has ended: a scout ends here. */
void ahead_end_scout(struct ahead *ahead);

#endif
