/* job_log.c: see job_log.h. A line that cannot be written is lost. */
#include "sut/cli/job_log.h"
#include "sut/jobs/job.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool calm(const struct telemetry_item *item)
{
    return strcmp(item->word, "ok") == 0 || strcmp(item->word, "snooze") == 0;
}

static bool log_text(struct proc *self, const struct telemetry_item *item, void *env)
{
    (void)self;
    env_log(env, calm(item) ? LOG_INFO : LOG_WARN,
            "job %" PRIu64 " %s attempt %u: %s in %" PRId64 " ms%s%s", item->job->id,
            item->job->worker, item->job->attempt, item->word, item->duration_ns / NS_PER_MS,
            item->text[0] ? ": " : "", item->text);
    return true;
}

static json_t *time_json(int64_t ms)
{
    char date[32], text[48];
    time_t seconds = ms / 1000;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof text, "%s.%03dZ", date, (int)(ms % 1000));
    return json_string(text);
}

/* What a worker said may be no UTF-8: then it is left out. */
static json_t *item_json(const struct telemetry_item *item)
{
    json_t *line = json_pack(
        "{s:o, s:s, s:s, s:I, s:s*, s:s*, s:i, s:i, s:s, s:I, s:I}", "at", time_json(item->wall_ms),
        "event", telemetry_name(item->event), "node", item->node, "job", (json_int_t)item->job->id,
        "worker", item->job->worker, "queue", item->queue, "attempt", (int)item->job->attempt,
        "max_attempts", (int)item->job->max_attempts, "outcome", item->word, "waited_ms",
        (json_int_t)item->waited_ms, "duration_ms", (json_int_t)(item->duration_ns / NS_PER_MS));
    if (line && item->text[0])
        json_object_set_new(line, "error", json_string(item->text));
    return line;
}

static bool log_json(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    char text[2048];
    (void)self, (void)ctx;
    json_t *line = item_json(item);
    size_t size = line ? json_dumpb(line, text, sizeof text - 1, JSON_COMPACT) : 0;
    json_decref(line);
    if (!size || size > sizeof text - 1)
        return true;
    text[size++] = '\n';
    ssize_t written = write(STDERR_FILENO, text, size);
    (void)written;
    return true;
}

void job_log_attach(struct telemetry *telemetry, enum job_log kind, struct env *env)
{
    if (kind != JOB_LOG_NONE)
        telemetry_attach(telemetry, "log", TELEMETRY_BIT(JOB_STOP) | TELEMETRY_BIT(JOB_EXCEPTION),
                         kind == JOB_LOG_JSON ? log_json : log_text, env);
}
