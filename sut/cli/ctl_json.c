/* ctl_json.c: JSON in and out of jobctl. */
#include "sut/cli/jobctl.h"
#include "sut/jobs/json_text.h"

#include <string.h>

#define CARET_WIDTH 72 /* columns of a line that are shown around a mistake */

/* ---- in ---- */

json_t *ctl_parse(const char *text)
{
    return json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

/* The line of the mistake, or as much of it as fits, and a caret under the place. Control
 * characters are shown as blanks. */
static void point_at(const char *text, size_t size, const json_error_t *error)
{
    const char *start = text, *end;
    for (int line = 1;
         line < error->line && (end = memchr(start, '\n', (size_t)(text + size - start))); ++line)
        start = end + 1;
    end = memchr(start, '\n', (size_t)(text + size - start));
    int length = (int)((end ? end : text + size) - start),
        column = error->column > 0 ? error->column : 1;
    int skip = column > CARET_WIDTH ? column - CARET_WIDTH / 2 : 0;
    fputs("  ", stderr);
    for (int i = skip; i < length && i < skip + CARET_WIDTH + 8; ++i)
        fputc((unsigned char)start[i] < ' ' ? ' ' : start[i], stderr);
    fprintf(stderr, "\n  %*s^\n", column - skip - 1, "");
}

bool ctl_check_json(const char *what, size_t line, const char *text, size_t size)
{
    json_error_t error;
    if (size > JOB_ARGS_MAX) {
        fprintf(stderr, "jobctl: %s:%zu: %zu bytes; at most %d are accepted\n", what, line, size,
                JOB_ARGS_MAX);
        return false;
    }
    json_t *value =
        json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        fprintf(stderr, "jobctl: %s:%zu:%d: not JSON: %s\n", what, line + (size_t)error.line - 1,
                error.column, error.text);
        point_at(text, size, &error);
        return false;
    }
    bool object = json_is_object(value), deep = json_too_deep(text);
    json_decref(value);
    if (!object)
        fprintf(stderr, "jobctl: %s:%zu:1: not an object, such as {\"to\": 1}\n", what, line);
    else if (deep)
        fprintf(stderr, "jobctl: %s:%zu: objects and lists are nested more than %d deep\n", what,
                line, JSON_DEPTH_MAX);
    return object && !deep;
}

/* ---- out ---- */

void ctl_print_json(json_t *document)
{
    json_dumpf(document, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
    json_decref(document);
}

/* As JSON if it is JSON, else as the text that it is. What was stored by others may be neither. */
static json_t *embedded(const char *text)
{
    json_t *value = ctl_parse(text);
    if (!value)
        value = json_string(text);
    return value ? value : json_null();
}

/* "mail,urgent" as a list. */
static json_t *tags_json(const char *tags)
{
    json_t *list = json_array();
    for (const char *at = tags; *at; at += strspn(at, ",")) {
        size_t length = strcspn(at, ",");
        json_array_append_new(list, json_stringn(at, length));
        at += length;
    }
    return list;
}

json_t *ctl_job_json(const struct job *job, bool with_errors)
{
    json_t *object = json_pack(
        "{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "id", (json_int_t)job->id,
        "state", job_state_word(job->state), "queue", job->queue, "worker", job->worker, "priority",
        (json_int_t)job->priority, "attempt", (json_int_t)job->attempt, "max_attempts",
        (json_int_t)job->max_attempts, "snoozed", (json_int_t)job->snoozed, "lease",
        (json_int_t)job->lease, "owner", job->owner, "args", embedded(args_shown(job->args)));
    if (!object)
        ctl_fail(CTL_DATABASE, "job %llu holds text that is not UTF-8",
                 (unsigned long long)job->id);
    json_object_set_new(object, "meta", embedded(job->meta));
    json_object_set_new(object, "tags", tags_json(job->tags));
    if (*job->part)
        json_object_set_new(object, "part", json_string(job->part));
    if (job->flow)
        json_object_set_new(object, "flow", json_integer((json_int_t)job->flow));
    json_object_set_new(object, "crashes", json_integer(job->crashes));
    json_object_set_new(object, "version", json_integer((json_int_t)job->version));
    json_object_set_new(object, "progress", json_integer(job->progress));
    json_object_set_new(object, "timeout_ms", json_integer(job->timeout_ms));
    json_object_set_new(object, "deadline_ms", json_integer(job->deadline_ms));
    json_object_set_new(object, "inserted_ms", json_integer(job->inserted_ms));
    json_object_set_new(object, "scheduled_ms", json_integer(job->scheduled_ms));
    json_object_set_new(object, "attempted_ms", json_integer(job->attempted_ms));
    json_object_set_new(object, "finished_ms", json_integer(job->finished_ms));
    if (!with_errors)
        return object;
    json_object_set_new(object, "errors", embedded(job->errors));
    json_object_set_new(object, "note", json_string(job->note));
    json_object_set_new(object, "checkpoint",
                        *job->checkpoint ? embedded(job->checkpoint) : json_null());
    json_object_set_new(object, "result", *job->result ? embedded(job->result) : json_null());
    return object;
}
