/* oracle.c: reading a scenario, the environment it runs in, and its blocks of output. The environment is a clock that
 * goes on only when nothing else moves. */
#include "sut/runtime/oracle/oracle.h"

#include "sut/runtime/proc_internal.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { START_NS = 1000 };

/* ---- the environment ---- */

static int64_t clock_read(struct env *env)
{
    return ((struct oracle *)env)->now;
}

static uint64_t entropy_none(struct env *env)
{
    (void)env;
    return 4;
}

static void work_do(struct env *env, struct work *work)
{
    (void)env;
    work->run(work);
    work->done(work);
}

static void log_drop(struct env *env, enum log_level level, const char *line)
{
    (void)env, (void)level, (void)line;
}

static const struct env_ops oracle_env = {
    .mono_ns = clock_read,
    .wall_ns = clock_read,
    .entropy = entropy_none,
    .submit = work_do,
    .log = log_drop,
};

/* The points of the runtime say who ended, in the order of deaths. */
static void point_event(struct point_sink *sink, struct point_site *at, struct point *point,
                        const struct point_field *fields, unsigned count)
{
    (void)fields, (void)count;
    struct oracle *oracle = CONTAINER_OF(sink, struct oracle, sink);
    if (oracle->exited && strcmp(point->name, "proc/process/exit") == 0) {
        const struct proc *proc = CONTAINER_OF(at, struct proc, site);
        oracle->exited(oracle, at->actor, proc->reason);
    }
}

static int point_fault(struct point_sink *sink, struct point_site *at, struct point *point,
                       const struct point_field *fields, unsigned count)
{
    point_event(sink, at, point, fields, count);
    return 0;
}

void oracle_settle(struct oracle *oracle)
{
    for (int64_t next; (next = runtime_run(oracle->runtime)) != INT64_MAX;)
        oracle->now = next > oracle->now ? next : oracle->now;
}

void oracle_pass(struct oracle *oracle, int64_t ns)
{
    int64_t end = oracle->now + ns;
    for (int64_t next; (next = runtime_run(oracle->runtime)) <= end;)
        oracle->now = next > oracle->now ? next : oracle->now;
    oracle->now = end;
    runtime_run(oracle->runtime);
}

/* ---- what is wrong with the input ---- */

_Noreturn void oracle_reject(struct oracle *oracle, const struct oracle_line *line,
                             const char *format, ...)
{
    int used = snprintf(oracle->wrong, oracle->wrong_size, "%u: ", line->number);
    va_list args;
    va_start(args, format);
    if (used > 0 && (size_t)used < oracle->wrong_size)
        vsnprintf(oracle->wrong + used, oracle->wrong_size - (size_t)used, format, args);
    va_end(args);
    longjmp(oracle->rejected, 1);
}

void oracle_expect(struct oracle *oracle, const struct oracle_line *line, unsigned least,
                   unsigned most)
{
    if (line->count < least)
        oracle_reject(oracle, line, "\"%s\" lacks a word", line->text);
    if (line->count > most)
        oracle_reject(oracle, line, "\"%s\" is not expected after \"%s\"", line->words[most],
                      line->words[most - 1]);
}

static bool is_word(const char *word, const char *more)
{
    if (!islower((unsigned char)*word))
        return false;
    while (*++word)
        if (!islower((unsigned char)*word) && !isdigit((unsigned char)*word) &&
            !strchr(more, *word))
            return false;
    return true;
}

const char *oracle_name(struct oracle *oracle, const struct oracle_line *line, unsigned at,
                        const char *what)
{
    if (at >= line->count)
        oracle_reject(oracle, line, "%s is missing", what);
    const char *word = line->words[at];
    if (!is_word(word, "") || strlen(word) >= ORACLE_NAME_MAX)
        oracle_reject(oracle, line, "\"%s\" is no name of %s ([a-z][a-z0-9]*, up to %d)", word,
                      what, ORACLE_NAME_MAX - 1);
    return word;
}

struct reason oracle_reason(struct oracle *oracle, const struct oracle_line *line, const char *word)
{
    static const struct {
        const char *word;
        enum reason_kind kind;
    } plain[] = {{"normal", EXIT_NORMAL},
                 {"shutdown", EXIT_SHUTDOWN},
                 {"kill", EXIT_KILL},
                 {"killed", EXIT_KILLED},
                 {"noproc", EXIT_NOPROC}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(word, plain[i].word) == 0)
            return (struct reason){.kind = plain[i].kind};
    const char *more = strncmp(word, "shutdown:", 9) == 0 ? word + 9 : NULL;
    if (!is_word(more ? more : word, "_") || strlen(word) > ORACLE_NAME_MAX)
        oracle_reject(oracle, line, "\"%s\" is no reason (an atom, or shutdown:ATOM)", word);
    return reason_make(more ? EXIT_SHUTDOWN : EXIT_ERROR, "%s", more ? more : word);
}

/* ---- blocks ---- */

char *oracle_format(struct heap *heap, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t size = (size_t)vsnprintf(NULL, 0, format, again) + 1;
    va_end(again);
    char *text = heap_alloc(heap, size);
    vsnprintf(text, size, format, args);
    return text;
}

void oracle_event(struct oracle *oracle, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    oracle->events = heap_realloc(oracle->heap, oracle->events,
                                  (oracle->event_count + 1) * sizeof *oracle->events);
    oracle->events[oracle->event_count++] = oracle_format(oracle->heap, format, args);
    va_end(args);
}

static int event_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void oracle_block(struct oracle *oracle, const char *command, const char *result, bool sorted)
{
    char **events = oracle->events;
    fprintf(oracle->out, "> %s\n", command);
    if (sorted && oracle->event_count > 1)
        qsort(events, oracle->event_count, sizeof *events, event_compare);
    for (size_t i = 0; i < oracle->event_count; i++)
        if (!sorted || i == 0 || strcmp(events[i], events[i - 1]) != 0)
            fprintf(oracle->out, "%s\n", events[i]);
    fprintf(oracle->out, "= %s\n", result);
    for (size_t i = 0; i < oracle->event_count; i++)
        heap_release(oracle->heap, events[i]);
    oracle->event_count = 0;
}

/* ---- the scenario ---- */

static void line_add_word(struct oracle *oracle, struct oracle_line *line, char *word)
{
    line->words = heap_realloc(oracle->heap, line->words, (line->count + 1) * sizeof *line->words);
    line->words[line->count++] = heap_strdup(oracle->heap, word);
}

static const char *words_join(struct oracle *oracle, const struct oracle_line *line)
{
    size_t size = 0;
    for (unsigned i = 0; i < line->count; i++)
        size += strlen(line->words[i]) + 1;
    char *text = heap_alloc(oracle->heap, size + 1);
    for (unsigned i = 0; i < line->count; i++) {
        strcat(text, i ? " " : "");
        strcat(text, line->words[i]);
    }
    return text;
}

static void line_add(struct oracle *oracle, unsigned number, char *text)
{
    struct oracle_line line = {.number = number};
    text[strcspn(text, "#")] = '\0';
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t\r\n", &rest); word;
         word = strtok_r(NULL, " \t\r\n", &rest))
        line_add_word(oracle, &line, word);
    if (line.count == 0)
        return;
    line.text = words_join(oracle, &line);
    oracle->lines =
        heap_realloc(oracle->heap, oracle->lines, (oracle->line_count + 1) * sizeof *oracle->lines);
    oracle->lines[oracle->line_count++] = line;
}

static void lines_read(struct oracle *oracle, FILE *in)
{
    char *text = NULL;
    size_t size = 0;
    for (unsigned number = 1; getline(&text, &size, in) >= 0; number++)
        line_add(oracle, number, text);
    free(text);
}

static bool is_tree(const char *keyword)
{
    static const char *const words[] = {"sup", "dyn", "simple", "wrk", "spec"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(keyword, words[i]) == 0)
            return true;
    return false;
}

static void scenario_run(struct oracle *oracle)
{
    static const struct oracle_line nothing = {.number = 1};
    if (oracle->line_count == 0)
        oracle_reject(oracle, &nothing, "there is no scenario");
    if (is_tree(oracle->lines[0].words[0]))
        oracle_trees(oracle);
    else
        oracle_signals(oracle);
}

bool oracle_run(FILE *in, FILE *out, char *ret_wrong, size_t size)
{
    struct oracle oracle = {.now = START_NS, .out = out, .wrong = ret_wrong, .wrong_size = size};
    oracle.heap = oracle.env.heap = heap_new();
    oracle.env.ops = &oracle_env;
    oracle.env.node_name = "oracle";
    oracle.sink = (struct point_sink){.event = point_event, .fault = point_fault};
    oracle.env.site.sink = &oracle.sink;
    oracle.runtime = runtime_new(&oracle.env, NULL);
    struct oracle *volatile kept = &oracle;
    bool good = setjmp(oracle.rejected) == 0;
    if (good) {
        lines_read(kept, in);
        scenario_run(kept);
    }
    kept->exited = NULL;
    runtime_free(kept->runtime);
    heap_free(kept->heap);
    return good;
}
