/* failure.c: see failure.h. */
#define _GNU_SOURCE /* asprintf */
#include "harness/suite/failure.h"

#include "harness/process/backtrace.h"
#include "harness/suite/rundir.h"
#include "harness/trace/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *kind_word(enum outcome outcome)
{
    static const char *const words[] = {
        [OUTCOME_PASS] = "pass",         [OUTCOME_SAFETY] = "safety",
        [OUTCOME_LIVENESS] = "liveness", [OUTCOME_HARNESS] = "nondeterminism",
        [OUTCOME_CRASH] = "crash",
    };
    return words[outcome];
}

void failure_of_result(struct report_failure *ret_failure, const struct result *result,
                       const struct failure_source *source)
{
    *ret_failure = (struct report_failure){
        .scenario = strdup(source->scenario),
        .path = strdup(source->path),
        .property = strdup(result->property),
        .kind = strdup(kind_word(result->outcome)),
        .message = strdup(result->message),
        .fingerprint = strdup(result->fingerprint),
        .seed = result->run.seed,
        .event = result->at,
        .replay = replay_line(source->program, source->path, result->run.seed, source->extras),
    };
}

void failure_done(struct report_failure *failure)
{
    char *const texts[] = {
        failure->scenario, failure->path,   failure->property,    failure->kind,
        failure->message,  failure->tape,   failure->story,       failure->trace,
        failure->shrunk,   failure->replay, failure->fingerprint,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    *failure = (struct report_failure){0};
}

char *failure_folder(const struct plan_run *run)
{
    char *folder;
    if (asprintf(&folder, "failures/%s%" PRIu64, run->canary ? "canary-" : "", run->index) < 0)
        abort();
    return folder;
}

static void find_file(char **path, const char *dir, const char *folder, const char *name)
{
    char *inside = path_join(folder, name), *whole = path_join(dir, inside);
    if (access(whole, F_OK) == 0) {
        free(*path);
        *path = inside;
    } else {
        free(inside);
    }
    free(whole);
}

void failure_find_files(struct report_failure *failure, const char *dir, const char *folder)
{
    find_file(&failure->tape, dir, folder, "tape");
    find_file(&failure->story, dir, folder, "story.txt");
    find_file(&failure->trace, dir, folder, "trace.jsonl");
    find_file(&failure->shrunk, dir, folder, "shrunk.tape");
}

/* ---- the folder ---- */

struct contents {
    const struct run *run; /* NULL: it crashed */
    const struct scenario *scenario;
    const struct tape *tape;
    const struct report_failure *failure;
    const struct extras *extras;
    const char *noise, *story; /* after a crash */
};

static int write_tape(void *ctx, FILE *out)
{
    const struct contents *c = ctx;
    size_t count = c->extras->faults.count;
    struct tape_meta meta = {
        .scenario = c->scenario->path,
        .rules = (char **)(uintptr_t)c->extras->faults.items,
        .rule_count = count,
    };
    if (c->run)
        memcpy(meta.fingerprint, c->run->fingerprint, sizeof meta.fingerprint);
    return tape_write(c->tape, &meta, out);
}

static void write_head(const struct scenario *scenario, const struct tape *tape, FILE *out)
{
    struct words ids = {0};
    for (size_t i = 0; i < scenario->property_count; i++)
        words_add(&ids, scenario->properties[i]->id);
    trace_write_head(&(struct trace_head){.scenario = scenario->path,
                                          .seeded = true,
                                          .seed = tape_seed(tape),
                                          .properties = (char **)(uintptr_t)ids.items,
                                          .property_count = ids.count},
                     out);
    words_done(&ids);
}

void failure_write_trace(const struct run *run, const struct scenario *scenario,
                         const struct tape *tape, FILE *out)
{
    struct trace_cursor cursor = {0};
    struct event event;
    write_head(scenario, tape, out);
    while (trace_next(run->trace, &cursor, &event))
        event_write_json(&event, out);
    bool unseen = run->outcome == OUTCOME_CRASH || strcmp(run->property, "liveness") == 0;
    trace_write_end(&(struct trace_end){.ending = run->ending,
                                        .events = trace_count(run->trace),
                                        .failed = unseen ? (char *)run->property : NULL,
                                        .message = unseen ? (char *)run->message : NULL},
                    out);
}

static int write_trace(void *ctx, FILE *out)
{
    const struct contents *c = ctx;
    failure_write_trace(c->run, c->scenario, c->tape, out);
    return 0;
}

static int write_story(void *ctx, FILE *out)
{
    const struct contents *c = ctx;
    story_write(c->run, c->scenario, c->failure, out);
    return 0;
}

static int write_crash_story(void *ctx, FILE *out)
{
    const struct contents *c = ctx;
    if (c->story)
        fputs(c->story, out);
    else
        fprintf(out, "%s\n\n%s\n\nreplay: %s\n", c->scenario->name, c->failure->message,
                c->failure->replay);
    char *where = backtrace_explain(c->noise);
    if (where)
        fprintf(out, "\nWhere it died, innermost first:\n\n%s", where);
    free(where);
    fprintf(out, "\nWhat the process left on stderr when it died:\n\n%s",
            c->noise ? c->noise : "(nothing)\n");
    return 0;
}

static char *file_path(const struct failure_into *into, const char *name)
{
    char *whole, *path;
    if (asprintf(&whole, "%s%s", into->prefix ? into->prefix : "", name) < 0)
        abort();
    path = path_join(into->folder, whole);
    free(whole);
    return path;
}

static int write_file(const struct failure_into *into, const char *name,
                      int (*write)(void *ctx, FILE *out), struct contents *contents)
{
    char *path = file_path(into, name);
    int err = file_replace(path, write, contents);
    free(path);
    return err;
}

int failure_write(const struct failure_into *into, const struct run *run,
                  const struct scenario *scenario, const struct tape *tape,
                  const struct report_failure *failure, const struct extras *extras)
{
    struct contents contents = {
        .run = run, .scenario = scenario, .tape = tape, .failure = failure, .extras = extras};
    int err = path_make(into->folder);
    if (!err && !into->no_tape)
        err = write_file(into, "tape", write_tape, &contents);
    if (!err)
        err = write_file(into, "trace.jsonl", write_trace, &contents);
    if (!err)
        err = write_file(into, "story.txt", write_story, &contents);
    return err;
}

static char *read_text(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *in = fopen(path, "re");
    if (in && getdelim(&text, &size, '\0', in) < 0) {
        free(text);
        text = NULL;
    }
    if (in)
        fclose(in);
    return text;
}

int failure_write_crash(const struct failure_into *into, const struct scenario *scenario,
                        const struct tape *tape, const struct report_failure *failure,
                        const struct extras *extras, const char *noise)
{
    char *story_path = file_path(into, "story.txt"), *story = read_text(story_path);
    struct contents contents = {.scenario = scenario,
                                .tape = tape,
                                .failure = failure,
                                .extras = extras,
                                .noise = noise,
                                .story = story};
    int err = path_make(into->folder);
    if (!err && !into->no_tape)
        err = write_file(into, "tape", write_tape, &contents);
    if (!err)
        err = write_file(into, "story.txt", write_crash_story, &contents);
    free(story);
    free(story_path);
    return err;
}
