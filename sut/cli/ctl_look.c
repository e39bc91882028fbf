/* ctl_look.c: jobctl list, show, stats and migrate. Reads only. */
#include "sut/cli/jobctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIST_LIMIT = 50, ARGS_SHOWN = 40 };

const char *ctl_time(int64_t ms, char out[static 32])
{
    struct tm utc;
    time_t seconds = ms / 1000;
    if (ms == 0 || !gmtime_r(&seconds, &utc))
        return "-";
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &utc);
    return out;
}

/* ---- list ---- */

/* Cut to `most` bytes at a character's boundary; what moves the cursor is shown as '?'. */
static const char *brief(const char *text, char *out, size_t most)
{
    size_t length = 0;
    for (; length < most && text[length]; ++length)
        out[length] =
            (unsigned char)text[length] < ' ' || text[length] == 0x7f ? '?' : text[length];
    if (text[length]) {
        while (length && (text[length] & 0xc0) == 0x80)
            --length;
        strcpy(out + length, "...");
    } else {
        out[length] = '\0';
    }
    return out;
}

static int widest(int width, const char *text)
{
    int length = (int)strlen(text);
    return length > width ? length : width;
}

static void list_table(const struct store_reply *reply)
{
    int queue = 5, worker = 6;
    char at[32], args[ARGS_SHOWN + 4], attempt[32], q[JOB_QUEUE_MAX + 4], w[JOB_WORKER_MAX + 4];
    for (size_t i = 0; i < reply->job_count; ++i) {
        queue = widest(queue, reply->jobs[i].queue);
        worker = widest(worker, reply->jobs[i].worker);
    }
    printf("%8s  %-9s  %-*s  %-*s  %-7s  %-19s  %s\n", "ID", "STATE", queue, "QUEUE", worker,
           "WORKER", "ATTEMPT", "SCHEDULED (UTC)", "ARGS");
    for (size_t i = 0; i < reply->job_count; ++i) {
        const struct job *job = &reply->jobs[i];
        snprintf(attempt, sizeof attempt, "%u/%u", job->attempt, job->max_attempts);
        printf("%8" PRIu64 "  %-9s  %-*s  %-*s  %-7s  %-19s  %s\n", job->id,
               job_state_word(job->state), queue, brief(job->queue, q, JOB_QUEUE_MAX), worker,
               brief(job->worker, w, JOB_WORKER_MAX), attempt, ctl_time(job->scheduled_ms, at),
               brief(args_shown(job->args), args, ARGS_SHOWN));
    }
}

/* One more than is shown, to know whether there are more. */
enum ctl_exit ctl_list(struct ctl *ctl)
{
    size_t limit = ctl->limit ? (size_t)ctl->limit : LIST_LIMIT;
    struct job_filter filter = ctl_filter(ctl);
    struct store_request request = {.op = STORE_LIST, .filter = &filter, .limit = limit + 1};
    struct store_reply reply = ctl_execute(ctl, &request);
    bool more = reply.job_count > limit;
    reply.job_count -= more;
    if (ctl->json) {
        json_t *jobs = json_array();
        for (size_t i = 0; i < reply.job_count; ++i)
            json_array_append_new(jobs, ctl_job_json(&reply.jobs[i], false));
        ctl_print_json(json_pack("{s:o, s:b}", "jobs", jobs, "more", more));
    } else if (reply.job_count == 0) {
        puts("no jobs");
    } else {
        list_table(&reply);
        if (more)
            printf("... and more; --limit N shows more than %zu\n", limit);
    }
    return CTL_OK;
}

/* ---- show ---- */

/* What a worker wrote does not speak to the terminal. */
static const char *plain(struct ctl *ctl, const char *text)
{
    char *copy = heap_strdup(ctl->env.heap, text);
    for (char *at = copy; *at; ++at)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = *at == '\n' || *at == '\t' ? *at : '?';
    return copy;
}

/* `without`: what is not shown. */
static void show_json(const char *name, const char *shown, const char *without)
{
    if (strcmp(shown, without) == 0)
        return;
    json_t *value = ctl_parse(shown);
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
    printf("%-13s ", name);
    for (const char *at = text ? text : shown; *at; ++at) {
        putchar(*at);
        if (*at == '\n')
            printf("              ");
    }
    putchar('\n');
    free(text);
    json_decref(value);
}

static void show_errors(struct ctl *ctl, const char *errors)
{
    size_t index;
    json_t *entry, *list = ctl_parse(errors);
    char at[32];
    if (!list) {
        printf("errors        %s\n", plain(ctl, errors));
        return;
    }
    json_array_foreach(list, index, entry)
    {
        const char *text = json_string_value(json_object_get(entry, "error"));
        printf("%-13s attempt %" JSON_INTEGER_FORMAT ", %s UTC: %s\n", index ? "" : "errors",
               json_integer_value(json_object_get(entry, "attempt")),
               ctl_time(json_integer_value(json_object_get(entry, "at")), at),
               text ? plain(ctl, text) : "?");
    }
    json_decref(list);
}

static void show_text(struct ctl *ctl, const struct job *job)
{
    char at[32];
    printf("job           %" PRIu64
           "\nstate         %s\nworker        %s\nqueue         %s, priority %u\n",
           job->id, job_state_word(job->state), job->worker, job->queue, job->priority);
    printf("attempt       %u of %u", job->attempt, job->max_attempts);
    printf(job->snoozed ? ", snoozed %u times\n" : "\n", job->snoozed);
    if (job->crashes)
        printf("lost          %u leases in a row\n", job->crashes);
    printf("inserted      %s UTC\n", ctl_time(job->inserted_ms, at));
    printf("scheduled     %s UTC\n", ctl_time(job->scheduled_ms, at));
    if (job->attempted_ms)
        printf("last started  %s UTC by %s\n", ctl_time(job->attempted_ms, at),
               plain(ctl, job->owner));
    if (job->finished_ms)
        printf("finished      %s UTC\n", ctl_time(job->finished_ms, at));
    if (job->deadline_ms)
        printf("deadline      %s UTC\n", ctl_time(job->deadline_ms, at));
    if (job->timeout_ms)
        printf("time limit    %" PRId64 " ms of each attempt\n", job->timeout_ms);
    ctl_print_flow(ctl, job);
    if (*job->part)
        printf("part          %s\n", plain(ctl, job->part));
    if (*job->tags)
        printf("tags          %s\n", plain(ctl, job->tags));
    if (job->progress || *job->note)
        printf("progress      %u %%%s%s\n", job->progress, *job->note ? ": " : "",
               plain(ctl, job->note));
    show_json("args", args_shown(job->args), "");
    show_json("meta", job->meta, "{}");
    show_json("checkpoint", job->checkpoint, "");
    show_json("result", job->result, "");
    show_errors(ctl, job->errors);
}

enum ctl_exit ctl_show(struct ctl *ctl)
{
    uint64_t id = ctl_id(ctl->words[0]);
    struct store_request request = {.op = STORE_GET, .ids = &id, .id_count = 1};
    struct store_reply reply = ctl_execute(ctl, &request);
    if (reply.job_count == 0)
        ctl_fail(CTL_REFUSED, "there is no job %" PRIu64, id);
    if (ctl->json)
        ctl_print_json(ctl_job_json(reply.jobs, true));
    else
        show_text(ctl, reply.jobs);
    return CTL_OK;
}

/* ---- stats ---- */

/* Opening has done it. */
enum ctl_exit ctl_migrate(struct ctl *ctl)
{
    int was = ctl_store(ctl)->schema_found;
    if (ctl->json)
        ctl_print_json(json_pack("{s:i, s:i}", "schema", STORE_SCHEMA, "was", was));
    else if (was == STORE_SCHEMA)
        printf("schema %d, as it was\n", was);
    else if (was)
        printf("schema %d, was %d\n", STORE_SCHEMA, was);
    else
        printf("schema %d, made\n", STORE_SCHEMA);
    return CTL_OK;
}

enum ctl_exit ctl_stats(struct ctl *ctl)
{
    struct job_filter filter = ctl_filter(ctl);
    struct store_request request = {.op = STORE_STATS, .filter = ctl_filters(ctl) ? &filter : NULL};
    struct store_reply reply = ctl_execute(ctl, &request);
    json_t *counts = json_object();
    uint64_t total = 0;
    for (int state = 0; state < JOB_STATE_COUNT; ++state) {
        total += reply.counts[state];
        json_object_set_new(counts, job_state_word((enum job_state)state),
                            json_integer((json_int_t)reply.counts[state]));
        if (!ctl->json)
            printf("%-10s %10" PRIu64 "\n", job_state_word((enum job_state)state),
                   reply.counts[state]);
    }
    json_object_set_new(counts, "total", json_integer((json_int_t)total));
    if (ctl->json) {
        ctl_print_json(counts);
        return CTL_OK;
    }
    printf("%-10s %10" PRIu64 "\n", "total", total);
    json_decref(counts);
    return CTL_OK;
}
