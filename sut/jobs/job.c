/* job.c: the words, limits and numbers of a job's life. Pure functions of their arguments, in
 * integers only: nothing here can be lost, and the same entropy gives the same delay on every
 * machine. */
#include "sut/jobs/job.h"
#include "sut/jobs/json_text.h"
#include "sut/jobs/unique.h"

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
    [JOB_SUSPENDED] = BIT(AVAILABLE) | BIT(SCHEDULED) | BIT(CANCELLED),
    [JOB_COMPLETED] = BIT(AVAILABLE) | BIT(SUSPENDED),
    [JOB_DISCARDED] = BIT(AVAILABLE) | BIT(SUSPENDED),
    [JOB_CANCELLED] = BIT(AVAILABLE) | BIT(SUSPENDED),
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
    for (enum job_state state = 0; word && state < JOB_STATE_COUNT; ++state) {
        if (word[0] == state_words[state][0] && strcmp(word, state_words[state]) == 0) {
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

static const char *flow_wrong(const struct job_spec *spec)
{
    if ((spec->chain || spec->flow) && spec->state != JOB_AVAILABLE && spec->state != JOB_SCHEDULED)
        return "a job of a chain or batch cannot begin in that state";
    if (!spec->chain)
        return NULL;
    if (spec->flow)
        return "a job is in a chain or in a batch, not in both";
    if (!*spec->chain)
        return "the chain's key is empty";
    if (strlen(spec->chain) > FLOW_NAME_MAX)
        return "the chain's key is longer than 255 bytes";
    if (spec->policy.on_cancelled == FLOW_CANCEL || spec->policy.on_discarded == FLOW_CANCEL)
        return "what is behind in a chain runs or is held, and is not cancelled";
    return NULL;
}

/* What is rarely there. */
static const char *extras_wrong(const struct job_spec *spec)
{
    if (spec->meta && strlen(spec->meta) > JOB_META_MAX)
        return "the meta is longer than 64 KiB";
    if (spec->meta && !json_object_valid(spec->meta))
        return "the meta is not a JSON object";
    if (spec->tags && strlen(spec->tags) > JOB_TAGS_MAX)
        return "the tags are longer than 1023 bytes";
    if ((spec->tags && !utf8_valid(spec->tags)) || (spec->part && !utf8_valid(spec->part)))
        return "the tags or the part are not UTF-8";
    if (spec->timeout_ms > JOB_DELAY_MAX_MS || spec->within_ms > JOB_DELAY_MAX_MS)
        return "a time limit or deadline is more than 100 years away";
    if (spec->state == JOB_EXECUTING || spec->state >= JOB_STATE_COUNT)
        return "a job cannot begin in that state";
    const char *wrong = spec->unique ? job_unique_check(spec->unique) : NULL;
    if (!wrong && spec->unique && spec->encrypted && job_unique_by_args(spec->unique))
        wrong =
            "it is to be unique by its arguments, which are to be encrypted: the same ones never "
            "look the same; name its fields without args";
    return wrong ? wrong : flow_wrong(spec);
}

/* Names are printed everywhere, on terminals and in logs. */
static bool has_control(const char *name)
{
    while (*name && (unsigned char)*name >= ' ' && *name != 0x7f)
        name++;
    return *name;
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
    if (spec->args && !json_object_valid(spec->args))
        return json_too_deep(spec->args) ? "the arguments are nested more than 128 deep"
                                         : "the arguments are not a JSON object";
    if (!utf8_valid(spec->worker) || !utf8_valid(queue))
        return "the name of the worker or of the queue is not UTF-8";
    if (has_control(spec->worker) || has_control(queue))
        return "the name of the worker or of the queue has a control character";
    if (spec->priority > JOB_PRIORITY_MAX)
        return "the priority is not in 0..9";
    if (spec->max_attempts > JOB_ATTEMPTS_LIMIT)
        return "more than 1,000,000 attempts";
    if (spec->delay_ms > JOB_DELAY_MAX_MS)
        return "the delay is longer than 100 years";
    if (spec->delay_ms > 0 && spec->scheduled_ms > 0)
        return "both a delay and a time are given: one of them says when";
    if (spec->scheduled_ms > JOB_TIME_MAX_MS)
        return "the time is after the year 9999";
    return job_spec_plain(spec) ? NULL : extras_wrong(spec);
}

bool job_spec_plain(const struct job_spec *spec)
{
    return !spec->part && !spec->meta && !spec->tags && spec->timeout_ms <= 0 &&
           spec->within_ms <= 0 && spec->state == JOB_AVAILABLE && !spec->unique && !spec->chain &&
           !spec->flow;
}

int64_t job_spec_due_ms(const struct job_spec *spec, int64_t now_ms)
{
    if (spec->delay_ms > 0)
        return now_ms + spec->delay_ms;
    return spec->scheduled_ms > now_ms ? spec->scheduled_ms : now_ms;
}

enum job_state job_spec_state(const struct job_spec *spec, int64_t now_ms)
{
    bool later = job_spec_due_ms(spec, now_ms) > now_ms;
    return spec->state == JOB_AVAILABLE && later ? JOB_SCHEDULED : spec->state;
}

/* ---- tags ---- */

static bool tag_there(const char *tags, const char *end, const char *tag, size_t length)
{
    for (const char *at = tags; at < end; at += strcspn(at, ",") + 1)
        if (strcspn(at, ",") == length && memcmp(at, tag, length) == 0)
            return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without blanks at its ends. */
static const char *tag_trim(const char *at, size_t *length)
{
    while (*length && is_blank(*at))
        ++at, --*length;
    while (*length && is_blank(at[*length - 1]))
        --*length;
    return at;
}

void job_tags_normal(const char *tags, char out[static JOB_TAGS_MAX + 1])
{
    char *end = out;
    *end = '\0';
    for (const char *at = tags ? tags : "", *next; *at; at = next) {
        size_t length = strcspn(at, ",");
        next = at + length + (at[length] == ',');
        at = tag_trim(at, &length);
        char *tag = end > out ? end + 1 : end;
        for (size_t i = 0; i < length; ++i)
            tag[i] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] + ('a' - 'A') : at[i]);
        if (length && !tag_there(out, end, tag, length)) {
            if (tag > end)
                *end = ',';
            end = tag + length;
        }
        *end = '\0';
    }
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

const char *job_outcome_result(const struct job_outcome *outcome, bool *ret_refused)
{
    *ret_refused = false;
    if (outcome->kind != JOB_OK)
        return NULL;
    if (!outcome->result)
        return outcome->text[0] && json_valid(outcome->text) ? outcome->text : NULL;
    *ret_refused = strlen(outcome->result) > JOB_RESULT_MAX || !json_valid(outcome->result);
    return *ret_refused ? NULL : outcome->result;
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
