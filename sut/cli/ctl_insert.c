/* ctl_insert.c: jobctl insert. One job, many copies of one, or one per line of standard input.
 * All input is checked before anything is inserted. Many jobs go in chunks, each of them one
 * transaction: when the database fails in the middle, what was inserted until then stays, and
 * jobctl says how many that are. */
#include "sut/cli/jobctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1000 };

/* ---- what is to be inserted ---- */

struct input {
    char *text; /* all of standard input, or NULL */
    size_t size;
    const char **args;
    size_t count, room;
};

static void input_read(struct input *input)
{
    size_t room = 1 << 16, got;
    input->text = malloc(room);
    while (input->text &&
           (got = fread(input->text + input->size, 1, room - input->size - 1, stdin)) > 0) {
        input->size += got;
        if (input->size + 1 == room)
            input->text = realloc(input->text, room *= 2);
    }
    if (!input->text)
        ctl_fail(CTL_USAGE, "standard input is larger than memory");
    if (ferror(stdin))
        ctl_fail(CTL_USAGE, "standard input cannot be read: %s", strerror(errno));
    input->text[input->size] = '\0';
}

static void input_add(struct input *input, const char *args)
{
    if (input->count == input->room) {
        input->room = input->room ? 2 * input->room : CHUNK;
        input->args = realloc(input->args, input->room * sizeof *input->args);
        if (!input->args)
            ctl_fail(CTL_USAGE, "standard input is larger than memory");
    }
    input->args[input->count++] = args;
}

/* A NUL byte would cut what is stored. */
static void check(const char *what, size_t line, const char *text, size_t size)
{
    if (!ctl_check_json(what, line, text, size))
        exit(CTL_USAGE);
    if (memchr(text, '\0', size))
        ctl_fail(CTL_USAGE, "%s:%zu: a NUL byte is no part of JSON", what, line);
}

static void input_lines(struct input *input)
{
    size_t number = 0;
    for (char *line = input->text, *end = input->text + input->size; line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *over = newline ? newline : end;
        ++number;
        *over = '\0';
        if (line[strspn(line, " \t\r")] || strlen(line) < (size_t)(over - line)) {
            check("standard input", number, line, (size_t)(over - line));
            input_add(input, line);
        }
        line = over + 1;
    }
}

static void input_copies(struct input *input, const struct ctl *ctl, const char *args)
{
    if (args)
        check("arguments", 1, args, strlen(args));
    else
        check("standard input", 1, input->text, input->size);
    for (int64_t i = 0; i < (ctl->count ? ctl->count : 1); ++i)
        input_add(input, args ? args : input->text);
}

static void input_gather(struct input *input, struct ctl *ctl)
{
    const char *args = ctl->word_count > 1 ? ctl->words[1] : "{}";
    bool from_stdin = ctl->lines || strcmp(args, "-") == 0;
    if (ctl->lines && ctl->count)
        ctl_fail(CTL_USAGE, "--lines and --count do not go together");
    if (ctl->lines && ctl->word_count > 1 && strcmp(args, "-") != 0)
        ctl_fail(CTL_USAGE, "--lines reads standard input; '%.60s' is too much", args);
    if (from_stdin)
        input_read(input);
    if (ctl->lines)
        input_lines(input);
    else
        input_copies(input, ctl, from_stdin ? NULL : args);
}

/* ---- inserting ---- */

struct inserted {
    uint64_t *ids;
    bool *conflicts; /* it was there already */
};

static void insert_chunk(struct ctl *ctl, struct job_spec *specs, const struct input *input,
                         size_t first, size_t count, const struct inserted *inserted)
{
    struct store_reply reply;
    struct heap *heap = heap_child(ctl->env.heap);
    struct store_request request = {.op = STORE_INSERT, .specs = specs, .spec_count = count};
    for (size_t i = 0; i < count; ++i)
        specs[i].args = input->args[first + i];
    if (ctl->encrypt)
        request.specs = ctl_seal(ctl, specs, count, heap);
    store_execute(ctl_store(ctl), &request, heap, &reply);
    if (reply.err && first)
        fprintf(stderr, "jobctl: %zu of %zu jobs were inserted before this happened:\n", first,
                input->count);
    if (reply.err)
        ctl_fail_request(ctl, &reply);
    memcpy(inserted->ids + first, reply.ids, count * sizeof *reply.ids);
    if (reply.conflicts)
        memcpy(inserted->conflicts + first, reply.conflicts, count * sizeof *reply.conflicts);
    heap_free(heap);
}

static struct inserted insert_all(struct ctl *ctl, const struct input *input)
{
    struct heap *heap = ctl->env.heap;
    struct job_spec *specs = heap_alloc(heap, CHUNK * sizeof *specs);
    struct inserted inserted = {.ids = heap_alloc(heap, (input->count + 1) * sizeof(uint64_t)),
                                .conflicts = heap_alloc(heap, input->count + 1)};
    for (size_t i = 0; i < CHUNK; ++i)
        specs[i] = (struct job_spec){.queue = ctl->queue,
                                     .worker = ctl->words[0],
                                     .priority = (unsigned)ctl->priority,
                                     .max_attempts = (unsigned)ctl->max_attempts,
                                     .delay_ms = ctl->delay_ms,
                                     .scheduled_ms = ctl->at_ms,
                                     .meta = ctl->meta,
                                     .tags = ctl->tags,
                                     .part = ctl->part,
                                     .timeout_ms = ctl->timeout_ms,
                                     .within_ms = ctl->within_ms,
                                     .chain = ctl->chain,
                                     .flow = ctl->batch,
                                     .unique = ctl->unique,
                                     .encrypted = ctl->encrypt};
    for (size_t first = 0; first < input->count; first += CHUNK) {
        size_t left = input->count - first;
        insert_chunk(ctl, specs, input, first, left < CHUNK ? left : CHUNK, &inserted);
    }
    return inserted;
}

static void report_json(const struct ctl *ctl, const struct inserted *inserted, size_t count)
{
    json_t *ids = json_array(), *conflicts = json_array();
    for (size_t i = 0; i < count; ++i) {
        json_array_append_new(ids, json_integer((json_int_t)inserted->ids[i]));
        json_array_append_new(conflicts, json_boolean(inserted->conflicts[i]));
    }
    json_t *document = json_pack("{s:o}", "ids", ids);
    if (ctl->unique)
        json_object_set(document, "conflicts", conflicts);
    json_decref(conflicts);
    ctl_print_json(document);
}

static void report(const struct ctl *ctl, const struct inserted *inserted, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; ++i)
        known += inserted->conflicts[i];
    if (count == 1) {
        printf("job %" PRIu64 "%s\n", inserted->ids[0], known ? ", which is there already" : "");
    } else if (ctl->unique) {
        printf("%zu jobs; %zu more are there already\n", count - known, known);
    } else {
        printf("%zu jobs", count);
        printf(count ? ", %" PRIu64 " to %" PRIu64 "\n" : "\n", inserted->ids[0],
               inserted->ids[count ? count - 1 : 0]);
    }
}

enum ctl_exit ctl_insert(struct ctl *ctl)
{
    struct input input = {0};
    struct job_spec spec = {.queue = ctl->queue,
                            .worker = ctl->words[0],
                            .delay_ms = ctl->delay_ms,
                            .scheduled_ms = ctl->at_ms,
                            .tags = ctl->tags,
                            .part = ctl->part,
                            .chain = ctl->chain,
                            .flow = ctl->batch,
                            .unique = ctl->unique,
                            .encrypted = ctl->encrypt};
    const char *wrong = job_spec_check(&spec);
    if (ctl->meta)
        check("meta", 1, ctl->meta, strlen(ctl->meta));
    if (wrong)
        ctl_fail(CTL_USAGE, "%s", wrong);
    input_gather(&input, ctl);
    struct inserted inserted = insert_all(ctl, &input);
    (ctl->json ? report_json : report)(ctl, &inserted, input.count);
    free(input.args);
    free(input.text);
    return CTL_OK;
}
