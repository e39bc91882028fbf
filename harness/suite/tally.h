/* tally.h: adds up results into a suite. The same code does it while the suite runs and when
 * `duress report` reads results.jsonl back, fed by the same lines: first the head line, then one
 * line per result. */
#ifndef DURESS_TALLY_H
#define DURESS_TALLY_H

#include "harness/report.h"
#include "harness/suite/result.h"

/* What a suite is made of, for its head line. */
struct head {
    const struct plan *plan;
    const struct extras *extras;
    const char *program, *options;
    uint64_t seed;
    bool strict_faults;
    int64_t started_ns; /* since 1970 */
};

/* The head line with its newline. Heap. */
char *head_line(const struct head *head, size_t *ret_length);

/* How many failures are kept: in all; with the same scenario and property. */
enum { KEEP_MAX = 20, KEEP_OF_A_KIND_MAX = 3 };

struct tally;

/* `dir` is the run directory. `live`: folders of failures that are no longer kept are deleted.
 * NULL: not a head line. */
struct tally *tally_new(const char *dir, bool live, const char *line, size_t length);
void tally_free(struct tally *tally);

/* Counts a first run; compares and counts a verifying one. false: it differs from the first one. */
bool tally_add(struct tally *tally, const struct result *result);

/* Is this result a failure (the canary's is none) that would be kept: among the three shortest of
 * its scenario and property, and the twenty of the suite? */
bool tally_failed(const struct tally *tally, const struct result *result);
bool tally_wants(const struct tally *tally, const struct result *result);

/* Failures of a kind stand in this order, which does not depend on who was faster. */
struct rank {
    uint64_t events, index; /* the shorter run, then the earlier one */
};
struct rank rank_of(const struct result *result);
bool rank_before(struct rank a, struct rank b);
/* How many failures of this kind are kept that stand before this one. */
size_t tally_kept_before(const struct tally *tally, const struct result *result);

/* Keeps the failure, with what its folder holds; an earlier, longer one may have to go. NULL if it
 * is not wanted (its folder is then deleted). The pointer is valid until the next call. */
const struct report_failure *tally_keep(struct tally *tally, const struct result *result);

/* Two executions of this run differ: kept in any case. */
const struct report_failure *tally_keep_differing(struct tally *tally, const struct result *result,
                                                  const char *message);

/* The harness has failed in another way. */
void tally_harness_failed(struct tally *tally);

/* So far. Owned by the tally. */
const struct suite *tally_suite(const struct tally *tally);

/* Closes the books: the suite's outcome and fingerprint. The suite is the caller's: suite_free().
 */
struct suite *tally_finish(struct tally *tally, bool interrupted, int64_t wall_ns);

/* An unmet `sometimes` fails a suite only from this many runs of whole directories on. */
#define TALLY_SOMETIMES_RUNS 1000

/* Reads DIR/results.jsonl, as far as it is whole. NULL with a message in `why`. */
struct suite *tally_read(const char *dir, char *why, size_t why_size);

#endif
