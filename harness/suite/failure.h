/* failure.h: what is kept of a failed run: an entry of the report, and a folder DIR/failures/N (N:
 * the number of the run) with its tape, trace.jsonl and story.txt. A run is a function of its seed,
 * so the folder is written by running it a second time; that also verifies it. */
#ifndef DURESS_FAILURE_H
#define DURESS_FAILURE_H

#include "harness/report.h"
#include "harness/suite/result.h"

/* What the suite knows about a scenario; a scenario that was loaded, or the head line of
 * results.jsonl. */
struct failure_source {
    const char *scenario, *path, *program;
    const struct extras *extras;
};

void failure_of_result(struct report_failure *ret_failure, const struct result *result,
                       const struct failure_source *source);
void failure_done(struct report_failure *failure);

/* "failures/17", or for the canaries "failures/canary-0". Heap. */
char *failure_folder(const struct plan_run *run);
/* Sets the paths of those files in DIR/FOLDER that are there. */
void failure_find_files(struct report_failure *failure, const char *dir, const char *folder);

/* Where it is written to. */
struct failure_into {
    const char *folder; /* made if missing */
    const char *prefix; /* of the names; NULL: none */
    bool no_tape;       /* that is the caller's affair */
};

/* Writes tape, trace.jsonl and story.txt. `failure` names them. 0 or -errno. */
int failure_write(const struct failure_into *into, const struct run *run,
                  const struct scenario *scenario, const struct tape *tape,
                  const struct report_failure *failure, const struct extras *extras);

/* The trace of a run alone, with its head and its end (trace/file.h). */
void failure_write_trace(const struct run *run, const struct scenario *scenario,
                         const struct tape *tape, FILE *out);

/* After a crash: adds what the process left on stderr to the story, and the tape.
 * 0 or -errno. */
int failure_write_crash(const struct failure_into *into, const struct scenario *scenario,
                        const struct tape *tape, const struct report_failure *failure,
                        const struct extras *extras, const char *noise);

#endif
