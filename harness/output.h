/* output.h: views of a suite written to files: --report KIND[:PATH]. */
#ifndef DURESS_OUTPUT_H
#define DURESS_OUTPUT_H

#include "harness/options.h"
#include "harness/report.h"

/* Are all of them known kinds? 0, or -EINVAL with a message that names the nearest one. */
int output_check(const struct words *reports, char *why, size_t why_size);

/* Writes them all, each whole or not at all. Without PATH a view gets its usual name in `dir`. Says
 * on stderr what could not be written; 0, or the last -errno. */
int output_write_all(const struct suite *suite, const char *dir, const struct words *reports);

#endif
