/* job.c: the words, limits and numbers of a job's life. Pure functions of their arguments, in
 * integers only: nothing here can be lost, and the same entropy gives the same delay on every
 * machine. */
#include "sut/jobs/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BIT(state) (1u << JOB_##state)

static const char *const state_words[] = {
#define X(e, word, final) word,
    JOB_STATES(X)
#undef X
};

static const bool state_finals[] = {
#define X(e, word, final) final,
    JOB_STATES(X)
#undef X
};

/* The arrows of the picture in job.h. */
static const unsigned state_next[JOB_STATE_COUNT] = {
    [JOB_AVAILABLE] = BIT(EXECUTING) | BIT(CANCELLED),
    [JOB_SCHEDULED] = BIT(AVAILABLE) | BIT(CANCELLED),
    [JOB_EXECUTING] = BIT(COMPLETED) | BIT(RETRYABLE) | BIT(DISCARDED) | BIT(CANCELLED) |
                      BIT(SCHEDULED) | BIT(AVAILABLE),
    [JOB_RETRYABLE] = BIT(AVAILABLE) | BIT(CANCELLED),
    [JOB_COMPLETED] = BIT(AVAILABLE),
    [JOB_DISCARDED] = BIT(AVAILABLE),
    [JOB_CANCELLED] = BIT(AVAILABLE),
};

static const char *const outcome_words[] = {
    [JOB_OK] = "ok",           [JOB_ERROR] = "error",   [JOB_CANCEL] = "cancel",
    [JOB_DISCARD] = "discard", [JOB_SNOOZE] = "snooze",
};

const char *job_state_word(enum job_state state)
{
    return state < JOB_STATE_COUNT ? state_words[state] : "?";
}

bool job_state_by_word(const char *word, enum job_state *ret_state)
{
    for (enum job_state state = 0; state < JOB_STATE_COUNT; ++state) {
        if (word && strcmp(word, state_words[state]) == 0) {
            *ret_state = state;
            return true;
        }
    }
    return false;
}

bool job_state_final(enum job_state state)
{
    return state < JOB_STATE_COUNT && state_finals[state];
}

bool job_state_may(enum job_state from, enum job_state to)
{
    return from < JOB_STATE_COUNT && to < JOB_STATE_COUNT && (state_next[from] >> to & 1);
}

const char *job_spec_check(const struct job_spec *spec)
{
    const char *queue = spec->queue ? spec->queue : "default";
    if (!spec->worker || !*spec->worker)
        return "a job needs a worker";
    if (strlen(spec->worker) > JOB_WORKER_MAX)
        return "the worker's name is longer than 127 bytes";
    if (!*queue)
        return "the queue's name is empty";
    if (strlen(queue) > JOB_QUEUE_MAX)
        return "the queue's name is longer than 127 bytes";
    if (spec->part && (!*spec->part || strlen(spec->part) > JOB_PART_MAX))
        return "the part must have 1 to 127 bytes";
    if (spec->args && strlen(spec->args) > JOB_ARGS_MAX)
        return "the arguments are longer than 1 MiB";
    if (spec->priority > JOB_PRIORITY_MAX)
        return "the priority is not in 0..9";
    if (spec->max_attempts > JOB_ATTEMPTS_LIMIT)
        return "more than 1,000,000 attempts";
    if (spec->delay_ms > JOB_DELAY_MAX_MS)
        return "the delay is longer than 100 years";
    return NULL;
}

struct job_outcome job_outcome_make(enum outcome_kind kind, const char *format, ...)
{
    struct job_outcome outcome = {.kind = kind};
    va_list args;
    va_start(args, format);
    vsnprintf(outcome.text, sizeof outcome.text, format, args);
    va_end(args);
    return outcome;
}

const char *job_outcome_word(enum outcome_kind kind)
{
    return kind <= JOB_SNOOZE ? outcome_words[kind] : "?";
}

enum { BACKOFF_PAD_S = 15, BACKOFF_STEPS = 20 };

/* With more attempts than steps the curve is stretched, not prolonged: round(attempt / max *
 * steps). */
static unsigned backoff_step(unsigned attempt, unsigned max_attempts)
{
    if (max_attempts <= BACKOFF_STEPS)
        return attempt;
    uint64_t twice = (uint64_t)attempt * 2 * BACKOFF_STEPS;
    return (unsigned)((twice + max_attempts) / (2 * (uint64_t)max_attempts));
}

int64_t job_backoff_base_s(unsigned attempt, unsigned max_attempts)
{
    unsigned step = backoff_step(attempt, max_attempts);
    return BACKOFF_PAD_S + (INT64_C(1) << (step < BACKOFF_STEPS ? step : BACKOFF_STEPS));
}

int64_t job_backoff_s(unsigned attempt, unsigned max_attempts, uint64_t entropy)
{
    int64_t base = job_backoff_base_s(attempt, max_attempts);
    uint64_t u = entropy >> 32; /* u / 2^32 is uniform in [0, 1) */
    return base + (int64_t)(u * (uint64_t)base / (UINT64_C(10) << 32));
}
