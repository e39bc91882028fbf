/* output.h: views of a suite written to files: --report KIND[:PATH]. */
#ifndef DURESS_OUTPUT_H
#define DURESS_OUTPUT_H

#include "harness/cli/options.h"
#include "harness/report.h"

/* Are all of them known kinds? 0, or -EINVAL with a message that names the nearest one. */
int output_check(const struct words *reports, char *why, size_t why_size);

/* Can there be files where their paths say? A path may lead into the run directory: ask once that
 * is there. 0, or -errno with a message. */
int output_check_paths(const struct words *reports, char *why, size_t why_size);

/* Does one of them go to the standard output? Then nothing else may. */
bool output_takes_stdout(const struct words *reports);

/* Writes them all, each whole or not at all. Without PATH a view gets its usual name in `dir`. Says
 * on stderr what could not be written; 0, or the last -errno. */
int output_write_all(const struct suite *suite, const char *dir, const struct words *reports);

#endif
