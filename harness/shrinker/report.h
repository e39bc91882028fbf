/* report.h: what came of shrinking, in words: on the terminal, and at the top of the tape. */
#ifndef DURESS_SHRINKER_REPORT_H
#define DURESS_SHRINKER_REPORT_H

#include "harness/shrinker/shrinker.h"

/* The table of before and after, how long it took and why it ended. `indent` stands before each line. */
void shrink_print(const struct shrink_outcome *outcome, const char *indent, FILE *out);

/* Writes the simplest tape, with the story of its making on top, so that it appears whole or not at all. `meta`: the
 * scenario and its rules; the rest of it is filled in. 0 or -errno. */
int shrink_write(const struct shrink_outcome *outcome, const struct tape_meta *meta,
                 const char *path);

#endif
