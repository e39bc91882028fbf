/* ahead.c: the sequence shrinker asks for one execution after the other; here is what it will ask for next, run
 * on the workers that would stand idle. Most candidates do not fail, so a *scout*, a copy of this process, goes on as if
 * the present one did not, and sends back what it asks for until it has a few. They run ahead; what was guessed wrong is
 * thrown away. The answers are the same with any number of workers. */
#include "harness/shrinker/ahead.h"

#include "harness/process/fork.h"
#include "harness/sequence/internal.h"

#include <string.h>
#include <unistd.h>

enum { AHEAD_PER_WORKER = 4 };

struct guess {
    struct sequence *sequence;
    uint64_t number; /* of the run */
    bool done;
    struct lab_result result;
    struct guess *next;
};

struct ahead {
    struct lab *lab;
    unsigned workers;
    ahead_task *task;
    void *ctx;
    struct guess *first; /* in the order in which they will be asked for */
    FILE *report;        /* this process is a scout, and reports here */
    unsigned reports_left;
};

struct ahead *ahead_new(struct lab *lab, unsigned workers, ahead_task *task, void *ctx)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        abort();
    *ahead = (struct ahead){.lab = lab, .workers = workers, .task = task, .ctx = ctx};
    return ahead;
}

/* ---- guesses ---- */

static void guess_free(struct guess *guess)
{
    sequence_free(guess->sequence);
    lab_result_done(&guess->result);
    free(guess);
}

/* The first one, and its run. */
static void ahead_drop(struct ahead *ahead)
{
    struct guess *guess = ahead->first;
    ahead->first = guess->next;
    guess_free(guess);
}

void ahead_clear(struct ahead *ahead)
{
    lab_cancel_all(ahead->lab);
    while (ahead->first)
        ahead_drop(ahead);
}

static bool is_same(const struct sequence *a, const struct sequence *b)
{
    return a->given_count == b->given_count && a->beyond == b->beyond && a->limit == b->limit &&
           a->mixed_seed == b->mixed_seed &&
           (a->given_count == 0 ||
            memcmp(a->given, b->given, a->given_count * sizeof *a->given) == 0);
}

static struct guess *ahead_find(const struct ahead *ahead, const struct sequence *sequence)
{
    for (struct guess *guess = ahead->first; guess; guess = guess->next)
        if (is_same(guess->sequence, sequence))
            return guess;
    return NULL;
}

/* Takes over the sequence. */
static struct guess *ahead_submit(struct ahead *ahead, struct sequence *sequence)
{
    struct guess **last = &ahead->first, *guess = calloc(1, sizeof *guess);
    if (!guess)
        abort();
    const struct lab_task task = {.tape = ahead->task(ahead->ctx, sequence),
                                  .record = RECORD_DRAWS};
    guess->sequence = sequence;
    guess->number = lab_submit(ahead->lab, &task);
    while (*last)
        last = &(*last)->next;
    return *last = guess;
}

/* ---- the scout ---- */

struct report {
    uint64_t count, mixed_seed, limit;
    uint32_t beyond;
};

/* As if it did not fail, and nothing were known of it but that. */
static void scout_report(struct ahead *ahead, struct sequence *sequence)
{
    const struct report report = {.count = sequence->given_count,
                                  .mixed_seed = sequence->mixed_seed,
                                  .limit = sequence->limit,
                                  .beyond = sequence->beyond};
    fwrite(&report, sizeof report, 1, ahead->report);
    if (report.count)
        fwrite(sequence->given, sizeof *sequence->given, sequence->given_count, ahead->report);
    if (--ahead->reports_left == 0)
        ahead_end_scout(ahead);
    sequence_give_up(sequence);
}

void ahead_end_scout(struct ahead *ahead)
{
    if (!ahead->report)
        return;
    fflush(ahead->report);
    _exit(0);
}

static struct sequence *report_read(FILE *in)
{
    struct report report;
    if (fread(&report, sizeof report, 1, in) != 1)
        return NULL;
    int64_t *values = array_of((size_t)report.count, sizeof *values);
    struct sequence *sequence = NULL;
    if (fread(values, sizeof *values, (size_t)report.count, in) == report.count) {
        sequence =
            sequence_new(values, (size_t)report.count, (enum sequence_beyond)report.beyond, 0);
        sequence->mixed_seed = report.mixed_seed;
        sequence_limit(sequence, (size_t)report.limit);
    }
    free(values);
    return sequence;
}

static void scout_hear(struct ahead *ahead, int from)
{
    struct sequence *sequence;
    FILE *in = fdopen(from, "r");
    if (!in)
        abort();
    while ((sequence = report_read(in))) {
        if (ahead_find(ahead, sequence))
            sequence_free(sequence);
        else
            ahead_submit(ahead, sequence);
    }
    fclose(in);
}

/* true: this is the scout now. */
static bool scout_send(struct ahead *ahead)
{
    int end;
    pid_t pid = fork_piped(&end);
    if (pid == 0) {
        ahead->report = fdopen(end, "w");
        ahead->reports_left = AHEAD_PER_WORKER * ahead->workers;
        return ahead->report || (_exit(1), false);
    }
    scout_hear(ahead, end);
    fork_reap(pid);
    return false;
}

/* ---- asking ---- */

static bool wait_for(struct ahead *ahead, const struct guess *wanted)
{
    struct lab_result result;
    while (!wanted->done && lab_next(ahead->lab, &result)) {
        struct guess *guess = ahead->first;
        while (guess && guess->number != result.number)
            guess = guess->next;
        if (guess) {
            guess->result = result;
            guess->done = true;
        } else {
            lab_result_done(&result); /* passed over */
        }
    }
    return wanted->done;
}

enum answer ahead_run(struct ahead *ahead, struct sequence *sequence, struct lab_result *ret_result)
{
    if (ahead->report) {
        scout_report(ahead, sequence);
        return ANSWER_NONE;
    }
    struct guess *guess = ahead_find(ahead, sequence);
    if (!guess) {
        ahead_clear(ahead);
        guess = ahead_submit(ahead, sequence_copy(sequence));
        if (ahead->workers > 1 && scout_send(ahead)) {
            sequence_give_up(sequence);
            return ANSWER_NONE;
        }
    }
    while (ahead->first != guess)
        ahead_drop(ahead);
    if (!wait_for(ahead, guess))
        return ANSWER_STOP;
    *ret_result = guess->result;
    guess->result = (struct lab_result){0};
    ahead_drop(ahead);
    return ANSWER_RESULT;
}

void ahead_free(struct ahead *ahead)
{
    ahead_clear(ahead);
    free(ahead);
}
