/* suite.h: after a suite: the failures that were kept are shrunk, in their folders. */
#ifndef DURESS_SHRINK_SUITE_H
#define DURESS_SHRINK_SUITE_H

#include "harness/suite/runner.h"

/* One failure of each kind (scenario and property) first, then the others, as long as `time_ns` lasts for all of them
 * together. Writes DIR/failures/N/shrunk.tape, .story.txt and .trace.jsonl, and notes them in the failures. Ctrl-C ends it
 * in order. */
void shrink_suite(const struct runner_setup *setup, struct suite *suite, int64_t time_ns,
                  FILE *screen);

#endif
