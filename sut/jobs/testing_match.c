/* testing_match.c: which jobs a test means, and whether they are there. See testing.h. Pure functions of what the store holds, but for
 * the waiting. */
#include "sut/jobs/canonical.h"
#include "sut/jobs/testing_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE 1000
#define STATES                                                                                     \
    (JOB_STATE_BIT(JOB_AVAILABLE) | JOB_STATE_BIT(JOB_SCHEDULED) | JOB_STATE_BIT(JOB_SUSPENDED))
#define SHOW_MAX 5
#define WAIT_NS  (10 * NS_PER_MS)

/* ---- JSON in JSON, both canonical: so equal values are equal texts ---- */

static const char *string_end(const char *at)
{
    for (++at; *at != '"'; ++at)
        if (*at == '\\')
            ++at;
    return at + 1;
}

/* Behind the value that begins here. */
static const char *value_end(const char *at)
{
    unsigned depth = 0;
    do {
        if (*at == '"') {
            at = string_end(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        bool closes = *at == '}' || *at == ']';
        if (closes && depth == 0)
            return at; /* of what is around a number or word */
        depth -= closes;
        ++at;
    } while (depth || (*at && !strchr(",}]", *at)));
    return at;
}

/* The value of the member of that name; NULL: there is none. `name` is between its quotes. */
static const char *member_find(const char *object, const char *name, size_t length)
{
    for (const char *at = object + 1; *at == '"' || *at == ',';) {
        at += *at == ',';
        const char *behind = string_end(at);
        if ((size_t)(behind - at) == length && memcmp(at, name, length) == 0)
            return behind + 1;
        at = value_end(behind + 1);
    }
    return NULL;
}

static bool value_equal(const char *a, const char *b)
{
    size_t length = (size_t)(value_end(a) - a);
    return (size_t)(value_end(b) - b) == length && memcmp(a, b, length) == 0;
}

/* Is all of `part` in `whole`? Objects may have more members; anything else is equal. */
static bool json_within(const char *part, const char *whole)
{
    if (*part != '{' || *whole != '{')
        return value_equal(part, whole);
    for (const char *at = part + 1; *at == '"' || *at == ',';) {
        at += *at == ',';
        const char *value = string_end(at) + 1;
        const char *found = member_find(whole, at, (size_t)(value - 1 - at));
        if (!found || !json_within(value, found))
            return false;
        at = value_end(value);
    }
    return true;
}

static const char *canonical(struct heap *heap, const char *json)
{
    struct text text = {.heap = heap};
    return canonical_json(json, NULL, &text) ? text.bytes : NULL;
}

static bool json_matches(struct heap *heap, const char *part, const char *json)
{
    if (!part)
        return true;
    const char *whole = canonical(heap, json), *wanted = canonical(heap, part);
    return whole && wanted && json_within(wanted, whole);
}

/* ---- jobs ---- */

static bool tag_in(const char *tags, const char *tag, size_t length)
{
    for (const char *at = tags; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && memcmp(at, tag, length) == 0)
            return true;
    return false;
}

static bool tags_match(const char *wanted, const char *tags)
{
    char normal[JOB_TAGS_MAX + 1];
    job_tags_normal(wanted, normal);
    for (const char *at = normal; *at; at += strcspn(at, ","), at += *at == ',')
        if (!tag_in(tags, at, strcspn(at, ",")))
            return false;
    return true;
}

static bool time_matches(const struct jobs_test_match *match, const struct job *job)
{
    int64_t off = job->scheduled_ms - match->scheduled_ms;
    return !match->scheduled_ms || (off < 0 ? -off : off) <= match->delta_ms;
}

static bool job_matches(struct heap *heap, const struct jobs_test_match *match,
                        const struct job *job)
{
    return tags_match(match->tags, job->tags) && time_matches(match, job) &&
           json_matches(heap, match->args, job->args) && json_matches(heap, match->meta, job->meta);
}

/* Into *ret_found, which may be NULL, in the test's memory. False: the store would not say. */
static bool jobs_find(struct jobs_test *test, const struct jobs_test_match *match,
                      size_t *ret_count, const struct job **ret_found)
{
    struct heap *heap = test->env.heap, *scratch = heap_child(heap);
    struct job_filter filter = {.states = match->states ? match->states : STATES,
                                .queue = match->queue,
                                .worker = match->worker};
    struct store_reply reply;
    struct job *found = NULL;
    size_t count = 0;
    do {
        if (!test_request(
                test, &(struct store_request){.op = STORE_LIST, .filter = &filter, .limit = PAGE},
                &reply)) {
            heap_free(scratch);
            return false;
        }
        found = heap_realloc(heap, found, (count + reply.job_count + 1) * sizeof *found);
        for (size_t i = 0; i < reply.job_count; filter.after_id = reply.jobs[i++].id)
            if (job_matches(scratch, match, &reply.jobs[i]))
                found[count++] = reply.jobs[i];
    } while (reply.job_count == PAGE);
    heap_free(scratch);
    *ret_count = count;
    if (ret_found)
        *ret_found = found;
    return true;
}

static bool json_object(struct jobs_test *test, const char *what, const char *json)
{
    return !json || (canonical(test->env.heap, json) && json[strspn(json, " \t\r\n")] == '{') ||
           test_fail(test, "the %s of the match are no JSON object: %.200s", what, json);
}

static bool match_good(struct jobs_test *test, const struct jobs_test_match *match)
{
    if (match->tags && strlen(match->tags) > JOB_TAGS_MAX)
        return test_fail(test, "the tags of the match are longer than %d bytes", JOB_TAGS_MAX);
    return json_object(test, "args", match->args) && json_object(test, "meta", match->meta);
}

/* ---- what there is instead ---- */

static void show_jobs(struct jobs_test *test, const char *what, const struct job *jobs,
                      size_t count)
{
    size_t length = (size_t)snprintf(test->why, sizeof test->why, "%s", what);
    for (size_t i = 0; i < count && i < SHOW_MAX && length < sizeof test->why; ++i)
        length += (size_t)snprintf(test->why + length, sizeof test->why - length,
                                   "%s job %" PRIu64 ", worker %s, queue %s, %s, args %.100s",
                                   i ? ";" : "", jobs[i].id, jobs[i].worker, jobs[i].queue,
                                   job_state_word(jobs[i].state), jobs[i].args);
    if (count > SHOW_MAX && length < sizeof test->why)
        snprintf(test->why + length, sizeof test->why - length, "; and %zu more", count - SHOW_MAX);
}

static bool show_all(struct jobs_test *test, const struct jobs_test_match *match)
{
    const struct job *jobs = NULL;
    size_t count = 0;
    const struct jobs_test_match any = {.states = match->states};
    if (jobs_find(test, &any, &count, &jobs))
        show_jobs(test, count ? "no such job is there, but:" : "no such job is there, and no other",
                  jobs, count);
    return false;
}

/* ---- the questions ---- */

static int64_t time_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Until some are there, or the time is up. False: it went wrong. */
static bool jobs_wait(struct jobs_test *test, const struct jobs_test_match *match,
                      size_t *ret_count, const struct job **ret_found)
{
    int64_t until = test->now_ns + match->wait_ms * NS_PER_MS;
    if (!match_good(test, match) || !jobs_find(test, match, ret_count, ret_found))
        return false;
    while (*ret_count == 0 && test->now_ns < until) {
        int64_t pause = time_min(WAIT_NS, until - test->now_ns);
        if (!jobs_test_advance(test, (pause + NS_PER_MS - 1) / NS_PER_MS) ||
            !jobs_find(test, match, ret_count, ret_found))
            return false;
    }
    return true;
}

bool jobs_test_enqueued(struct jobs_test *test, const struct jobs_test_match *match)
{
    const struct job *found;
    size_t count;
    if (!test_outside(test, "jobs_test_enqueued()") || !jobs_wait(test, match, &count, &found))
        return false;
    return count > 0 || show_all(test, match);
}

bool jobs_test_refuted(struct jobs_test *test, const struct jobs_test_match *match)
{
    const struct job *found;
    size_t count;
    if (!test_outside(test, "jobs_test_refuted()") || !jobs_wait(test, match, &count, &found))
        return false;
    if (count)
        show_jobs(test, "there is such a job:", found, count);
    return count == 0;
}

size_t jobs_test_all(struct jobs_test *test, const struct jobs_test_match *match,
                     const struct job **ret_jobs)
{
    size_t count = 0;
    if (ret_jobs)
        *ret_jobs = NULL;
    return match_good(test, match) && jobs_find(test, match, &count, ret_jobs) ? count : 0;
}

const struct job *jobs_test_job(struct jobs_test *test, uint64_t id)
{
    struct store_reply reply;
    struct store_request request = {.op = STORE_GET, .ids = &id, .id_count = 1};
    if (!test_request(test, &request, &reply) || reply.job_count == 0)
        return NULL;
    return reply.jobs;
}
