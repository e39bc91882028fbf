/* yaml.c: libfyaml's events made into a tree, by recursive descent. A document that is not well
 * formed yields one complaint (libfyaml's own words) and no tree; everything else that is not
 * accepted is noted, and reading goes on. */
#include "harness/scenario/yaml_internal.h"

#include "harness/engine.h"
#include "harness/json.h"
#include <errno.h>
#include <fcntl.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the bytes ---- */

static const char too_large[] = "the file is larger than 1 MiB, which no scenario needs";

static const char *bytes_read(int fd, char *out, size_t size, size_t *ret_length)
{
    size_t length = 0;
    for (;;) {
        ssize_t got = read(fd, out + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return strerror(errno);
        if (got == 0)
            break;
        length += (size_t)got;
        if (length == size)
            return too_large;
    }
    *ret_length = length;
    return NULL;
}

/* NULL, or why it cannot be read. O_NONBLOCK: a FIFO must not hang us before we see what it is. */
static const char *source_read(struct yaml_file *file)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return strerror(errno);
    struct stat st;
    const char *why = NULL;
    if (fstat(fd, &st) != 0)
        why = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        why = "this is a directory, not a scenario file";
    else if (!S_ISREG(st.st_mode))
        why = "this is not a regular file";
    else
        why = bytes_read(fd, file->source, YAML_SIZE_MAX + 1, &file->length);
    close(fd);
    file->source[file->length] = '\0';
    return why;
}

/* Offset of the first byte that is not text, or `length`. libfyaml would silently stop there. */
static size_t source_text_length(const struct yaml_file *file)
{
    size_t at = 0;
    while (at < file->length) {
        unsigned char c = (unsigned char)file->source[at];
        unsigned step = utf8_length(file->source + at);
        if (step == 0 || c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
            break;
        at += step;
    }
    return at;
}

/* ---- the tree ---- */

struct reader {
    struct yaml_file *file;
    struct fy_parser *parser;
    bool broken; /* the parser gave up */
    bool fancy;  /* something was met that the tree cannot hold */
};

static struct fy_event *event_next(struct reader *r)
{
    struct fy_event *event = fy_parser_parse(r->parser);
    if (!event)
        r->broken = true;
    return event;
}

static struct yaml *node_new(enum yaml_kind kind, size_t offset)
{
    struct yaml *node = calloc(1, sizeof *node);
    if (!node)
        abort();
    node->kind = kind;
    node->offset = offset;
    return node;
}

static struct yaml *node_parse(struct reader *r, struct fy_event *event, size_t fallback);

static const struct yaml *entry_twin(const struct yaml *map, const char *key)
{
    for (const struct yaml *entry = map->first; entry; entry = entry->next)
        if (strcmp(entry->key->text, key) == 0)
            return entry;
    return NULL;
}

/* Is this a key that the map does not have yet? If not, says so. */
static bool key_is_good(struct reader *r, const struct yaml *map, const struct yaml *key)
{
    if (key->kind != YAML_TEXT) {
        char got[80];
        yaml_complain(r->file, key, "a key must be a word, got %s",
                      yaml_describe(key, got, sizeof got));
        return false;
    }
    const struct yaml *twin = entry_twin(map, key->text);
    if (twin) {
        int line, column;
        yaml_position(r->file, twin->key, &line, &column);
        yaml_complain(r->file, key, "\"%s\" stands here a second time; the first is in line %d",
                      key->text, line);
    }
    return !twin;
}

static void map_parse(struct reader *r, struct yaml *map)
{
    struct yaml **tail = &map->first;
    struct fy_event *event;
    size_t count = 0;
    while ((event = event_next(r)) && event->type != FYET_MAPPING_END) {
        struct yaml *key = node_parse(r, event, map->offset);
        event = event_next(r);
        struct yaml *value = event ? node_parse(r, event, key->offset) : NULL;
        if (value && count++ < YAML_ENTRIES_MAX && key_is_good(r, map, key)) {
            value->key = key;
            *tail = value;
            tail = &value->next;
        } else {
            yaml_node_free(key);
            yaml_node_free(value);
        }
    }
    if (count > YAML_ENTRIES_MAX)
        yaml_complain(r->file, map, "a map of %zu entries; %d are enough", count, YAML_ENTRIES_MAX);
    fy_parser_event_free(r->parser, event);
}

static void list_parse(struct reader *r, struct yaml *list)
{
    struct yaml **tail = &list->first;
    struct fy_event *event;
    while ((event = event_next(r)) && event->type != FYET_SEQUENCE_END) {
        *tail = node_parse(r, event, list->offset);
        tail = &(*tail)->next;
    }
    fy_parser_event_free(r->parser, event);
}

/* Piece by piece: fy_token_get_text() leaks when a scalar consists of more than a few. */
static char *token_text(struct fy_token *token, size_t *ret_length)
{
    char *text;
    FILE *out = open_memstream(&text, ret_length);
    struct fy_token_iter *pieces = fy_token_iter_create(token);
    if (!out || !pieces)
        abort();
    const struct fy_iter_chunk *piece = NULL;
    int err;
    while ((piece = fy_token_iter_chunk_next(pieces, piece, &err)))
        fwrite(piece->str, 1, piece->len, out);
    fy_token_iter_destroy(pieces);
    fclose(out);
    return text;
}

/* An empty plain scalar, `~` and `null` are nothing; "" in quotes is text. */
static bool scalar_is_nothing(const struct fy_event *event, const char *text)
{
    if (!text || !event->scalar.value)
        return true;
    if (fy_token_scalar_style(event->scalar.value) != FYSS_PLAIN)
        return false;
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static void scalar_take(struct reader *r, struct yaml *node, const struct fy_event *event)
{
    size_t length = 0;
    char *text = event->scalar.value ? token_text(event->scalar.value, &length) : NULL;
    if (scalar_is_nothing(event, text)) {
        free(text);
        return;
    }
    if (strlen(text) != length)
        yaml_complain(r->file, node, "a text cannot hold the character NUL");
    node->kind = YAML_TEXT;
    node->text = text;
}

static bool event_is_fancy(const struct fy_event *event)
{
    switch (event->type) {
    case FYET_ALIAS: return true;
    case FYET_SCALAR: return event->scalar.anchor || event->scalar.tag;
    case FYET_MAPPING_START: return event->mapping_start.anchor || event->mapping_start.tag;
    case FYET_SEQUENCE_START: return event->sequence_start.anchor || event->sequence_start.tag;
    default: return false;
    }
}

/* `fallback`: where to point when the node is nothing and stands nowhere. Frees the event. */
static struct yaml *node_parse(struct reader *r, struct fy_event *event, size_t fallback)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    struct yaml *node = node_new(YAML_EMPTY, mark ? mark->input_pos : fallback);
    enum fy_event_type type = event->type;
    if (event_is_fancy(event)) {
        yaml_complain(r->file, node, "anchors, aliases and tags are not understood here");
        r->fancy = true;
    }
    if (type == FYET_SCALAR)
        scalar_take(r, node, event);
    fy_parser_event_free(r->parser, event);
    if (type == FYET_MAPPING_START) {
        node->kind = YAML_MAP;
        map_parse(r, node);
    } else if (type == FYET_SEQUENCE_START) {
        node->kind = YAML_LIST;
        list_parse(r, node);
    }
    return node;
}

static bool event_has_content(const struct fy_event *event)
{
    return event->type == FYET_SCALAR || event->type == FYET_ALIAS ||
           event->type == FYET_MAPPING_START || event->type == FYET_SEQUENCE_START;
}

/* All events of the stream. The first document is the tree; a second one is one too many. */
static void stream_parse(struct reader *r)
{
    struct fy_event *event;
    while ((event = fy_parser_parse(r->parser))) {
        if (!event_has_content(event)) {
            fy_parser_event_free(r->parser, event);
            continue;
        }
        struct yaml *node = node_parse(r, event, 0);
        if (!r->file->root) {
            r->file->root = node;
            continue;
        }
        yaml_complain(r->file, node, "a second document; a scenario file holds one");
        yaml_node_free(node);
    }
    r->broken = r->broken || fy_parser_get_stream_error(r->parser);
}

static size_t offset_of(const struct yaml_file *file, int line, int column)
{
    size_t at = 0;
    for (int l = 1; l < line && at < file->length; at++)
        l += file->source[at] == '\n';
    for (int c = 1; c < column && at < file->length && file->source[at] != '\n'; c++)
        at += utf8_length(file->source + at);
    return at;
}

/* A tab that indents this line or the next, which libfyaml calls anything but that; NULL: none. */
static const char *indenting_tab(const struct yaml_file *file, size_t offset)
{
    const char *line = file->source + offset;
    while (line > file->source && line[-1] != '\n')
        line--;
    for (int i = 0; line && i < 2; i++) {
        size_t blanks = strspn(line, " \t");
        const char *tab = memchr(line, '\t', blanks);
        if (tab)
            return tab;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}

/* libfyaml's first complaint; the ones after it are echoes. */
static void take_diagnostics(struct yaml_file *file, struct fy_diag *diag)
{
    void *cursor = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &cursor);
    struct yaml place = {.offset = error ? offset_of(file, error->line, error->column) : 0};
    const char *tab = indenting_tab(file, place.offset);
    if (tab) {
        place.offset = (size_t)(tab - file->source);
        yaml_complain(file, &place, "not valid YAML: a tab; lines are indented by blanks");
        return;
    }
    yaml_complain(file, &place, "not valid YAML: %s", error ? error->msg : "it cannot be parsed");
}

static void tree_build(struct yaml_file *file)
{
    struct fy_diag_cfg config;
    fy_diag_cfg_default(&config);
    config.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&config);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg parse = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE, .diag = diag};
    struct reader r = {.file = file, .parser = fy_parser_create(&parse)};
    if (!r.parser || fy_parser_set_string(r.parser, file->source, file->length) != 0)
        abort();
    stream_parse(&r);
    if (r.broken) {
        yaml_forget_complaints(file);
        take_diagnostics(file, diag);
    }
    if (r.broken || r.fancy) {
        yaml_node_free(file->root);
        file->root = NULL;
    }
    fy_parser_destroy(r.parser);
    fy_diag_destroy(diag);
}

static void source_parse(struct yaml_file *file)
{
    struct yaml place = {.offset = source_text_length(file)};
    if (place.offset < file->length) {
        yaml_complain(file, &place, "not a text file: byte 0x%02x",
                      (unsigned char)file->source[place.offset]);
        return;
    }
    tree_build(file);
    if (!file->root && !file->complaint_count)
        yaml_complain(file, &(struct yaml){0}, "the file is empty");
}

struct yaml_file *yaml_read(const char *path)
{
    struct yaml_file *file = yaml_file_new(path, YAML_SIZE_MAX);
    const char *why = source_read(file);
    char *near = why ? nearest_file(path) : NULL;
    if (why)
        yaml_complain(file, NULL, "%s%s", why, near);
    else
        source_parse(file);
    free(near);
    return file;
}

struct yaml_file *yaml_read_text(const char *name, const char *text, size_t length)
{
    bool fits = length <= YAML_SIZE_MAX;
    struct yaml_file *file = yaml_file_new(name, fits ? length : 0);
    if (!fits) {
        yaml_complain(file, NULL, "%s", too_large);
        return file;
    }
    if (length)
        memcpy(file->source, text, length);
    file->length = length;
    source_parse(file);
    return file;
}
