/* result.h: what one run gave, as one line of JSON. The same line travels from the run to the main
 * process and is appended to DIR/results.jsonl; so whatever the suite knows can be read back from
 * that file.
 *
 *     {"i":17,"s":2,"seed":"0x1f","o":1,"e":12345,"ns":"86400000000000","fp":"00..ff","prop":"no_job_lost",
 *      "msg":"...","at":4711,"place":"store/job/finish","p":[[0,17,6,2],...],"c":[[3,120],[5,0,1],...]}
 *
 * `n`: per kind of nemesis that was asked to strike [number, asked, made, refused, healed]; `k`: promises that were
 * kept [number in the scenario, times] or [number, times, waits among them that timed out];
 * `p`: per point that was hit [id, hits, fault kind, times, ...]; `c`: per property that was judged
 * [number, checks, 1 failed | 2 met | 3 both]; `t`: what properties noted and did not fail for [number, what, times]. Ids and numbers are those of the head line, which
 * comes first in the file and names everything:
 *
 *     {"duress results":1,"seed":"0x..","started":"ns since
 * 1970","options":"..","program":"..","whole":true,
 *      "faults":[..],"only":[..],"scenarios":[{"name","path","must_fail","promises":[..]}],"nemeses":[..],"points":[..],
 *      "properties":[{"id","name","sometimes","rare"}]}
 */
#ifndef DURESS_RESULT_H
#define DURESS_RESULT_H

#include "harness/engine.h"
#include "harness/suite/plan.h"

struct result_point {
    uint32_t id;
    uint64_t hits, injected[FAULT_KIND_COUNT];
};

struct result_check {
    uint32_t property; /* number in properties_get() */
    uint64_t checked;
    bool failed, met;
};

struct result_note {
    uint32_t property; /* number in properties_get() */
    char what[32];
    uint64_t times;
};

struct result {
    struct plan_run run;
    bool again; /* the verifying second time: compared, not counted */
    enum outcome outcome;
    char property[64], message[320];
    char place
        [96]; /* of a failure: the point of its event; of a crash: where in the program; or "" */
    uint64_t at, events; /* event of the failure; number of events */
    int64_t sim_ns;
    char fingerprint[33]; /* "" after a crash */
    char *noise; /* what a crashed run left on stderr, backtrace included; NULL: nothing. heap */
    struct result_point *points;
    size_t point_count;
    struct result_check *checks;
    size_t check_count;
    struct result_note *notes;
    size_t note_count;
    struct nemesis_count *nemeses; /* per kind of nemesis; shorter when the last ones did nothing */
    size_t nemesis_count;
    struct promise_count *promises; /* what became of the scenario's promises; likewise */
    size_t promise_count;
};

/* Takes over what `run` found. */
void result_of_run(struct result *ret_result, const struct plan_run *plan, const struct run *run);
void result_done(struct result *result);

void result_write(const struct result *result, FILE *out); /* with the newline */
/* 0, or -EINVAL: not a result line. */
int result_read(const char *line, size_t length, struct result *ret_result);

/* Do two executions of one run agree? */
bool result_same(const struct result *a, const struct result *b);

#endif
