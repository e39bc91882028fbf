/* yaml_complain.c: what is wrong, where it stands, and the source line with a caret under it. */
#define _GNU_SOURCE /* vasprintf */
#include "harness/scenario/yaml_internal.h"

#include "harness/json.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE          SIZE_MAX /* about the file as a whole */
#define COMPLAINTS_SHOWN 20
#define TEXT_SHOWN       40  /* bytes of a long scalar */
#define LINE_SHOWN       120 /* characters of a long source line */
#define LINE_BEFORE      80  /* at most so many of them before the caret */

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

struct yaml_file *yaml_file_new(const char *path, size_t room)
{
    struct yaml_file *file = must(calloc(1, sizeof *file));
    file->path = must(strdup(path));
    file->source = must(calloc(1, room + 2));
    return file;
}

void yaml_node_free(struct yaml *node)
{
    if (!node)
        return;
    for (struct yaml *child = node->first, *next; child; child = next) {
        next = child->next;
        yaml_node_free(child);
    }
    yaml_node_free(node->key);
    free(node->text);
    free(node);
}

void yaml_forget_complaints(struct yaml_file *file)
{
    for (size_t i = 0; i < file->complaint_count; i++)
        free(file->complaints[i].text);
    free(file->complaints);
    file->complaints = NULL;
    file->complaint_count = 0;
}

void yaml_free(struct yaml_file *file)
{
    yaml_node_free(file->root);
    yaml_forget_complaints(file);
    free(file->source);
    free(file->path);
    free(file);
}

const struct yaml *yaml_root(const struct yaml_file *file)
{
    return file->root;
}

/* ---- places ---- */

/* Does a character begin at this byte? */
static bool utf8_starts(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

struct place {
    int line, column;
    size_t line_begin, line_end; /* bytes */
};

static struct place place_of(const struct yaml_file *file, size_t offset)
{
    struct place place = {.line = 1, .column = 1};
    if (offset > file->length)
        offset = file->length;
    for (size_t i = 0; i < offset; i++)
        if (file->source[i] == '\n') {
            place.line++;
            place.line_begin = i + 1;
        }
    for (size_t i = place.line_begin; i < offset; i++)
        place.column += utf8_starts(file->source[i]);
    place.line_end = place.line_begin;
    while (place.line_end < file->length && !strchr("\r\n", file->source[place.line_end]))
        place.line_end++;
    return place;
}

void yaml_position(const struct yaml_file *file, const struct yaml *node, int *ret_line,
                   int *ret_column)
{
    struct place place = place_of(file, node->offset);
    *ret_line = place.line;
    *ret_column = place.column;
}

/* The line, cut around the caret when it is long, and the caret. Tabs stay tabs, so that it stands
 * right. Of an empty line there is nothing to show. */
static void show_line(const struct yaml_file *file, const struct place *place, FILE *out)
{
    if (place->line_begin == place->line_end)
        return;
    char *line =
        must(strndup(file->source + place->line_begin, place->line_end - place->line_begin));
    int from = place->column > LINE_BEFORE ? place->column - LINE_BEFORE : 1;
    int at = 0;
    utf8_make_plain(line);
    fputs("  ", out);
    for (const char *c = line; *c; c++) {
        at += utf8_starts(*c);
        if (at >= from && at < from + LINE_SHOWN)
            fputc(*c, out);
    }
    fputs("\n  ", out);
    at = 0;
    for (const char *c = line; *c && at + 1 < place->column; c++) {
        at += utf8_starts(*c);
        if (utf8_starts(*c) && at >= from)
            fputc(*c == '\t' ? '\t' : ' ', out);
    }
    fputs("^\n", out);
    free(line);
}

/* ---- complaints ---- */

static void show(const struct yaml_file *file, const struct complaint *complaint, FILE *out)
{
    if (complaint->offset == NOWHERE) {
        fprintf(out, "%s: error: %s\n", file->path, complaint->text);
        return;
    }
    struct place place = place_of(file, complaint->offset);
    fprintf(out, "%s:%d:%d: error: %s\n", file->path, place.line, place.column, complaint->text);
    show_line(file, &place, out);
}

/* Only the message is kept; line and column are looked up for those that are shown. */
static void complain_at(struct yaml_file *file, size_t offset, const char *format, va_list args)
{
    struct complaint complaint = {.offset = offset};
    if (vasprintf(&complaint.text, format, args) < 0)
        abort();
    utf8_make_plain(complaint.text);
    size_t count = file->complaint_count + 1;
    file->complaints = must(realloc(file->complaints, count * sizeof *file->complaints));
    file->complaints[file->complaint_count++] = complaint;
}

void yaml_complain(struct yaml_file *file, const struct yaml *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_at(file, node ? node->offset : NOWHERE, format, args);
    va_end(args);
}

void yaml_complain_inside(struct yaml_file *file, const struct yaml *node, size_t offset,
                          const char *format, ...)
{
    size_t at = node->offset;
    size_t length = strlen(node->text);
    if (offset <= length && strncmp(file->source + at, node->text, offset) == 0)
        at += offset;
    va_list args;
    va_start(args, format);
    complain_at(file, at, format, args);
    va_end(args);
}

/* Insertion sort: stable, and there are few. */
static void complaints_sort(struct yaml_file *file)
{
    for (size_t i = 1; i < file->complaint_count; i++) {
        struct complaint moving = file->complaints[i];
        size_t j = i;
        for (; j > 0 && file->complaints[j - 1].offset > moving.offset; j--)
            file->complaints[j] = file->complaints[j - 1];
        file->complaints[j] = moving;
    }
}

char *yaml_complaints(struct yaml_file *file)
{
    if (file->complaint_count == 0)
        return NULL;
    complaints_sort(file);
    char *text;
    size_t size;
    FILE *out = must(open_memstream(&text, &size));
    for (size_t i = 0; i < file->complaint_count && i < COMPLAINTS_SHOWN; i++)
        show(file, &file->complaints[i], out);
    if (file->complaint_count > COMPLAINTS_SHOWN)
        fprintf(out, "%s: and %zu more\n", file->path, file->complaint_count - COMPLAINTS_SHOWN);
    fclose(out);
    return text;
}

const char *yaml_describe(const struct yaml *node, char *out, size_t size)
{
    switch (node->kind) {
    case YAML_EMPTY: return "nothing";
    case YAML_LIST: return "a list";
    case YAML_MAP: return "a map";
    case YAML_TEXT: break;
    }
    if (!*node->text)
        return "an empty text";
    size_t shown = 0;
    for (size_t n; shown < TEXT_SHOWN && (n = utf8_length(node->text + shown)) > 0;)
        shown += n;
    snprintf(out, size, "%.*s%s", (int)shown, node->text, node->text[shown] ? "..." : "");
    for (char *c = out; *c; c++)
        if (*c == '\n')
            *c = ' ';
    utf8_make_plain(out);
    return out;
}
