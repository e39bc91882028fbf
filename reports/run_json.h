/* run_json.h: words that run.json uses, for its writer and its reader. */
#ifndef DURESS_RUN_JSON_H
#define DURESS_RUN_JSON_H

#include "harness/report.h"

#define RUN_JSON_SCHEMA 1

/* "pass", "fail", "liveness", "harness", "empty" */
const char *verdict_word(const struct suite *suite);

/* X(OUTCOME, word of the outcome, word of the verdict) */
#define OUTCOMES(X)                                                                                \
    X(PASS, "pass", "pass")                                                                        \
    X(SAFETY, "safety", "fail")                                                                    \
    X(LIVENESS, "liveness", "liveness")                                                            \
    X(HARNESS, "harness", "harness")                                                               \
    X(CRASH, "crash", "fail")

#endif
