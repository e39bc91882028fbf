/* ctl_submit.c: jobctl submit: a workflow, a batch, a chain or a list of jobs, from a file of JSON or YAML.
 *
 *     workflow: import 7                          # the name; true: none
 *     on_discarded: run                           # or cancel, hold; likewise on_cancelled, on_deleted
 *     steps:
 *       load:   {worker: load, args: {file: a.csv}}
 *       check:  {worker: check, after: load}
 *       report: {worker: report, after: [load, check], on_discarded: hold}
 *
 *     batch: night        chain: customer 7       jobs: [{worker: a}, {worker: b}]
 *     jobs: [...]         jobs: [...]
 *     on: {completed: {worker: tell}}
 *     close: true
 *
 * All of it is checked before anything is inserted, and is one transaction. */
#include "sut/cli/jobctl.h"
#include "sut/cli/words.h"
#include "sut/jobs/workflow.h"

#include <errno.h>
#include <inttypes.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

struct document {
    struct ctl *ctl;
    const char *file;
    json_t *root;
};

static _Noreturn void wrong(const struct document *document, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static _Noreturn void wrong(const struct document *document, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ctl_fail(CTL_USAGE, "%s: %s", document->file, text);
}

static FILE *open_input(const char *file)
{
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    if (!in)
        ctl_fail(CTL_USAGE, "%s: cannot be read: %s", file, strerror(errno));
    return in;
}

static char *read_all(struct ctl *ctl, const char *file, size_t *ret_size)
{
    FILE *in = open_input(file);
    size_t room = 1 << 16, size = 0, got;
    char *text = heap_alloc(ctl->env.heap, room);
    while ((got = fread(text + size, 1, room - size - 1, in)) > 0) {
        size += got;
        if (size + 1 == room)
            text = heap_realloc(ctl->env.heap, text, room *= 2);
    }
    if (ferror(in))
        ctl_fail(CTL_USAGE, "%s: cannot be read: %s", file, strerror(errno));
    text[size] = '\0';
    *ret_size = size;
    if (in != stdin)
        fclose(in);
    return text;
}

static _Noreturn void yaml_wrong(const char *file, struct fy_diag *diag)
{
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);
    if (error)
        ctl_fail(CTL_USAGE, "%s:%d:%d: %s", file, error->line, error->column, error->msg);
    ctl_fail(CTL_USAGE, "%s: is neither JSON nor YAML", file);
}

/* As JSON, whose types it has: 1 is a number, "1" and 2026-01-31 are texts. */
static char *yaml_as_json(const char *file, const char *text, size_t size)
{
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    struct fy_diag *diag = fy_diag_create(&diag_config);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_RESOLVE_DOCUMENT, .diag = diag};
    struct fy_document *document = fy_document_build_from_string(&config, text, size);
    char *json =
        document ? fy_emit_document_to_string(document, FYECF_MODE_JSON_ONELINE | FYECF_WIDTH_INF)
                 : NULL;
    if (!json)
        yaml_wrong(file, diag);
    fy_document_destroy(document);
    fy_diag_destroy(diag);
    return json;
}

static json_t *parse(const char *file, const char *text, size_t size)
{
    json_error_t error;
    if (!text[strspn(text, " \t\r\n")])
        ctl_fail(CTL_USAGE, "%s: there is nothing in it", file);
    bool json = text[strspn(text, " \t\r\n")] == '{';
    char *converted = json ? NULL : yaml_as_json(file, text, size);
    json_t *root = json_loads(converted ? converted : text, JSON_REJECT_DUPLICATES, &error);
    free(converted);
    if (!root && json)
        ctl_fail(CTL_USAGE, "%s:%d:%d: not JSON: %s", file, error.line, error.column, error.text);
    if (!json_is_object(root))
        ctl_fail(CTL_USAGE, "%s: is no object with a workflow, a batch, a chain or jobs", file);
    return root;
}

/* ---- its parts ---- */

static void check_keys(const struct document *document, json_t *object, const char *what,
                       const char *const *known)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    while (known[count])
        ++count;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(known[i], key) != 0)
            ++i;
        if (i < count)
            continue;
        const char *near = words_nearest(key, known, count);
        wrong(document, "%s: unknown key '%.60s'%s%s%s", what, key, near ? "; did you mean '" : "",
              near ? near : "", near ? "'?" : "");
    }
}

static const char *text_in(const struct document *document, json_t *object, const char *what,
                           const char *key)
{
    json_t *value = json_object_get(object, key);
    if (value && !json_is_string(value))
        wrong(document, "%s: '%s' must be a text", what, key);
    return value ? json_string_value(value) : NULL;
}

static int64_t number_in(const struct document *document, json_t *object, const char *what,
                         const char *key, int64_t least, int64_t most)
{
    json_t *value = json_object_get(object, key);
    int64_t number = value ? json_integer_value(value) : 0;
    if (value && (!json_is_integer(value) || number < least || number > most))
        wrong(document, "%s: '%s' must be a whole number between %" PRId64 " and %" PRId64, what,
              key, least, most);
    return number;
}

static int64_t time_in(const struct document *document, json_t *object, const char *what,
                       const char *key)
{
    const char *text = text_in(document, object, what, key);
    int64_t ns = 0;
    if (text && !words_duration(text, &ns))
        wrong(document, "%s: %s: '%.60s' is no time, such as 500ms, 90s, 10m or 7d", what, key,
              text);
    return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

static const char *object_in(const struct document *document, json_t *object, const char *what,
                             const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!value)
        return NULL;
    if (!json_is_object(value))
        wrong(document, "%s: '%s' must be an object", what, key);
    char *text = json_dumps(value, JSON_COMPACT);
    const char *kept = heap_strdup(document->ctl->env.heap, text);
    free(text);
    return kept;
}

static enum flow_reaction reaction_in(const struct document *document, json_t *object,
                                      const char *what, const char *key)
{
    static const char *const words[] = {
#define X(e, word) word,
        FLOW_REACTIONS(X)
#undef X
    };
    const char *text = text_in(document, object, what, key);
    enum flow_reaction reaction = FLOW_DEFAULT;
    if (!text || flow_reaction_by_word(text, &reaction))
        return reaction;
    const char *near = words_nearest(text, words + 1, FLOW_REACTION_COUNT - 1);
    wrong(document, "%s: %s: '%.60s' is none of cancel, run and hold%s%s%s", what, key, text,
          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static struct flow_policy policy_in(const struct document *document, json_t *object,
                                    const char *what)
{
    return (struct flow_policy){
        .on_cancelled = reaction_in(document, object, what, "on_cancelled"),
        .on_discarded = reaction_in(document, object, what, "on_discarded"),
        .on_deleted = reaction_in(document, object, what, "on_deleted"),
    };
}

#define JOB_KEYS                                                                                   \
    "worker", "args", "queue", "priority", "max_attempts", "in", "timeout", "within", "tags",      \
        "meta", "part"
#define POLICY_KEYS "on_cancelled", "on_discarded", "on_deleted"

static struct job_spec job_in(const struct document *document, json_t *object, const char *what)
{
    if (!json_is_object(object))
        wrong(document, "%s: is no object, such as {\"worker\": \"mail\"}", what);
    struct job_spec spec = {
        .worker = text_in(document, object, what, "worker"),
        .args = object_in(document, object, what, "args"),
        .queue = text_in(document, object, what, "queue"),
        .priority = (unsigned)number_in(document, object, what, "priority", 0, JOB_PRIORITY_MAX),
        .max_attempts =
            (unsigned)number_in(document, object, what, "max_attempts", 1, JOB_ATTEMPTS_LIMIT),
        .delay_ms = time_in(document, object, what, "in"),
        .timeout_ms = time_in(document, object, what, "timeout"),
        .within_ms = time_in(document, object, what, "within"),
        .tags = text_in(document, object, what, "tags"),
        .meta = object_in(document, object, what, "meta"),
        .part = text_in(document, object, what, "part"),
    };
    if (!spec.worker)
        wrong(document, "%s: has no 'worker'", what);
    const char *not_good = job_spec_check(&spec);
    if (not_good)
        wrong(document, "%s: %s", what, not_good);
    return spec;
}

/* The name of the flow; NULL: none. */
static const char *name_in(const struct document *document, const char *key)
{
    json_t *value = json_object_get(document->root, key);
    if (json_is_true(value))
        return NULL;
    if (!json_is_string(value) || !*json_string_value(value))
        wrong(document, "'%s' must be its name, or true for none", key);
    return json_string_value(value);
}

static struct job_spec *jobs_in(const struct document *document, size_t *ret_count)
{
    static const char *const known[] = {JOB_KEYS, NULL};
    json_t *list = json_object_get(document->root, "jobs");
    if (!json_is_array(list))
        wrong(document, "'jobs' must be a list of jobs");
    *ret_count = json_array_size(list);
    struct job_spec *specs = heap_alloc(document->ctl->env.heap, (*ret_count + 1) * sizeof *specs);
    for (size_t i = 0; i < *ret_count; ++i) {
        char what[40];
        snprintf(what, sizeof what, "job %zu", i + 1);
        specs[i] = job_in(document, json_array_get(list, i), what);
        check_keys(document, json_array_get(list, i), what, known);
    }
    return specs;
}

/* ---- inserting ---- */

static enum ctl_exit tell(const struct ctl *ctl, const char *kind, uint64_t flow,
                          const struct store_reply *reply)
{
    size_t count = reply->id_count;
    if (ctl->json) {
        json_t *ids = json_array();
        for (size_t i = 0; i < count; ++i)
            json_array_append_new(ids, json_integer((json_int_t)reply->ids[i]));
        json_t *document = json_pack("{s:o}", "ids", ids);
        if (flow)
            json_object_set_new(document, kind, json_integer((json_int_t)flow));
        ctl_print_json(document);
        return CTL_OK;
    }
    if (flow)
        printf("%s %" PRIu64 ": ", kind, flow);
    printf("%zu job%s", count, count == 1 ? "" : "s");
    if (count)
        printf(", %" PRIu64 " to %" PRIu64, reply->ids[0], reply->ids[count - 1]);
    putchar('\n');
    return CTL_OK;
}

static const char *const *deps_in(const struct document *document, json_t *step, const char *what)
{
    json_t *after = json_object_get(step, "after");
    size_t count = json_is_array(after) ? json_array_size(after) : after ? 1 : 0;
    const char **deps = heap_alloc(document->ctl->env.heap, (count + 1) * sizeof *deps);
    for (size_t i = 0; i < count; ++i) {
        json_t *dep = json_is_array(after) ? json_array_get(after, i) : after;
        if (!json_is_string(dep))
            wrong(document, "%s: 'after' must be a step's name, or a list of them", what);
        deps[i] = json_string_value(dep);
    }
    return deps;
}

static struct store_reply insert(const struct document *document, struct store_request request)
{
    struct store_reply reply;
    struct ctl *ctl = document->ctl;
    store_execute(ctl_store(ctl), &request, ctl->env.heap, &reply);
    if (reply.err)
        ctl_fail_request(ctl, &reply);
    return reply;
}

static enum ctl_exit submit_workflow(const struct document *document)
{
    static const char *const known[] = {"workflow", "steps", POLICY_KEYS, NULL};
    static const char *const of_step[] = {JOB_KEYS, POLICY_KEYS, "after", NULL};
    struct workflow *workflow =
        workflow_new(document->ctl->env.heap, name_in(document, "workflow"));
    json_t *steps = json_object_get(document->root, "steps"), *step;
    struct store_request request;
    const char *name;
    char why[300];
    check_keys(document, document->root, "workflow", known);
    if (!json_is_object(steps) || json_object_size(steps) == 0)
        wrong(document, "'steps' must be an object: {NAME: {\"worker\": ...}}");
    workflow_policy(workflow, policy_in(document, document->root, "workflow"));
    json_object_foreach(steps, name, step)
    {
        char what[80];
        snprintf(what, sizeof what, "step %.60s", name);
        struct job_spec spec = job_in(document, step, what);
        check_keys(document, step, what, of_step);
        workflow_add(workflow, &(struct workflow_step){name, spec, deps_in(document, step, what),
                                                       policy_in(document, step, what)});
    }
    if (workflow_request(workflow, &request, why, sizeof why) != 0)
        wrong(document, "%s", why);
    struct store_reply reply = insert(document, request);
    return tell(document->ctl, "workflow", reply.flow ? reply.flow->id : 0, &reply);
}

static enum flow_event event_in(const struct document *document, const char *word)
{
    static const char *const words[] = {
#define X(e, word) word,
        FLOW_EVENTS(X)
#undef X
    };
    enum flow_event event;
    if (flow_event_by_word(word, &event))
        return event;
    const char *near = words_nearest(word, words, FLOW_EVENT_COUNT);
    wrong(document, "on: '%.60s' is no event of a batch%s%s%s", word,
          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static struct store_callback *callbacks_in(const struct document *document, size_t *ret_count)
{
    static const char *const known[] = {JOB_KEYS, NULL};
    json_t *on = json_object_get(document->root, "on"), *job;
    const char *word;
    if (on && !json_is_object(on))
        wrong(document, "'on' must be an object: {\"completed\": {\"worker\": ...}}");
    struct store_callback *callbacks =
        heap_alloc(document->ctl->env.heap, (json_object_size(on) + 1) * sizeof *callbacks);
    *ret_count = 0;
    json_object_foreach(on, word, job)
    {
        char what[40];
        snprintf(what, sizeof what, "on %.30s", word);
        enum flow_event event = event_in(document, word);
        callbacks[(*ret_count)++] = (struct store_callback){event, job_in(document, job, what)};
        check_keys(document, job, what, known);
    }
    return callbacks;
}

static enum ctl_exit submit_batch(const struct document *document)
{
    static const char *const known[] = {"batch", "jobs", "on", "close", NULL};
    struct store_batch batch = {.name = name_in(document, "batch")};
    size_t count;
    check_keys(document, document->root, "batch", known);
    batch.callbacks = callbacks_in(document, &batch.callback_count);
    struct job_spec *specs = jobs_in(document, &count);
    json_t *close = json_object_get(document->root, "close");
    if (close && !json_is_boolean(close))
        wrong(document, "'close' must be true or false");
    batch.close = json_is_true(close);
    struct store_reply reply = insert(
        document, (struct store_request){
                      .op = STORE_INSERT, .batch = &batch, .specs = specs, .spec_count = count});
    return tell(document->ctl, "batch", reply.flow ? reply.flow->id : 0, &reply);
}

static enum ctl_exit submit_jobs(const struct document *document, const char *chain)
{
    static const char *const known[] = {"chain", "jobs", POLICY_KEYS, NULL};
    struct flow_policy policy = policy_in(document, document->root, "chain");
    size_t count;
    check_keys(document, document->root, chain ? "chain" : "jobs", chain ? known : known + 1);
    struct job_spec *specs = jobs_in(document, &count);
    for (size_t i = 0; i < count && chain; ++i) {
        specs[i].chain = chain;
        specs[i].policy = policy;
    }
    struct store_reply reply = insert(
        document, (struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = count});
    return tell(document->ctl, "jobs", 0, &reply);
}

enum ctl_exit ctl_submit(struct ctl *ctl)
{
    size_t size;
    const char *file = ctl->words[0], *shown = strcmp(file, "-") == 0 ? "standard input" : file;
    char *text = read_all(ctl, file, &size);
    if (memchr(text, '\0', size))
        ctl_fail(CTL_USAGE, "%s: a NUL byte is no part of a text", shown);
    struct document document = {ctl, shown, parse(shown, text, size)};
    bool workflow = json_object_get(document.root, "workflow") != NULL;
    bool batch = json_object_get(document.root, "batch") != NULL;
    bool chain = json_object_get(document.root, "chain") != NULL;
    if (workflow + batch + chain > 1)
        wrong(&document, "it is one of a workflow, a batch and a chain");
    enum ctl_exit status = workflow ? submit_workflow(&document)
                           : batch
                               ? submit_batch(&document)
                               : submit_jobs(&document, chain ? name_in(&document, "chain") : NULL);
    json_decref(document.root);
    return status;
}
