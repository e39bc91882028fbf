/* lines.c: the lines of a recorded trace: JSON objects, their members, and where in the file
 * something is wrong. */
#include "harness/trace/read_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_READ ((size_t)1 << 20)

void *reader_must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- complaints ---- */

int reader_complain(struct trace_reader *reader, size_t column, const char *format, ...)
{
    va_list args;
    size_t size = sizeof reader->why;
    size_t used = (size_t)snprintf(reader->why, size, "%s:%lu:%zu: error: ", reader->name,
                                   reader->number, column);
    va_start(args, format);
    if (used < size)
        vsnprintf(reader->why + used, size - used, format, args);
    va_end(args);
    return -EINVAL;
}

/* The file ends before the trace does. */
static int breaks_off(struct trace_reader *reader)
{
    if (reader->number == 0) {
        reader->number = 1;
        reader_complain(reader, 1, "the file is empty: not a trace");
    } else {
        reader_complain(reader, reader->whole ? 1 : reader->length + 1,
                        "the trace breaks off here: there is no {\"end\": ...} line");
    }
    return -ENODATA;
}

static size_t skip_string(const char *line, size_t at)
{
    for (at++; line[at] && line[at] != '"'; at++)
        at += line[at] == '\\' && line[at + 1] != '\0';
    return line[at] ? at + 1 : at;
}

/* The column of a member of the line's object. The line is known to be good JSON. */
size_t member_column(const struct trace_reader *reader, const char *key)
{
    const char *line = reader->line, *member;
    const json_t *value;
    size_t wanted = 0, depth = 0;
    json_object_foreach(reader->object, member, value)
    {
        if (strcmp(member, key) == 0)
            break;
        wanted++;
    }
    for (size_t at = 0; line[at];) {
        if (line[at] == '"') {
            size_t end = skip_string(line, at), next = end + strspn(line + end, " \t");
            if (depth == 1 && line[next] == ':' && wanted-- == 0)
                return at + 1;
            at = end;
            continue;
        }
        depth += line[at] == '{' || line[at] == '[';
        depth -= line[at] == '}' || line[at] == ']';
        at++;
    }
    return 1;
}

/* ---- lines ---- */

/* 1: there is one. 0: the end of the file. */
static int line_read(struct trace_reader *reader)
{
    int c;
    reader->length = 0;
    while ((c = getc(reader->in)) != EOF && c != '\n') {
        if (reader->length + 1 >= reader->room) {
            reader->room = reader->room ? 2 * reader->room : 1024;
            reader->line = reader_must(realloc(reader->line, reader->room));
        }
        reader->line[reader->length++] = (char)c;
        if (c == '\0' || reader->length > LINE_MAX_READ) {
            reader->number++;
            return reader_complain(reader, reader->length,
                                   c ? "no line of a trace is so long"
                                     : "not a trace: this is not a text file");
        }
    }
    if (ferror(reader->in)) {
        snprintf(reader->why, sizeof reader->why, "%s: cannot be read%s%s", reader->name,
                 errno ? ": " : "", errno ? strerror(errno) : "");
        return -EINVAL;
    }
    if (c == EOF && reader->length == 0)
        return 0;
    reader->line = reader->line ? reader->line : reader_must(calloc(1, reader->room = 1));
    reader->line[reader->length] = '\0';
    reader->whole = c == '\n';
    reader->number++;
    return 1;
}

int reader_object(struct trace_reader *reader)
{
    json_error_t error;
    errno = 0;
    do {
        int got = line_read(reader);
        if (got < 0)
            return got;
        if (got == 0)
            return reader->ended ? 0 : breaks_off(reader);
    } while (strspn(reader->line, " \t\r") == reader->length);
    json_decref(reader->object);
    reader->object = json_loadb(reader->line, reader->length, JSON_REJECT_DUPLICATES, &error);
    if (!reader->object && !reader->whole && !reader->ended)
        return breaks_off(reader);
    if (!reader->object)
        return reader_complain(
            reader, error.column > 0 ? (size_t)error.column : 1, "%s: %s",
            reader->number == 1 ? "not a trace, whose lines are JSON" : "not JSON", error.text);
    if (!json_is_object(reader->object))
        return reader_complain(reader, 1,
                               "a line of a trace is a JSON object, as in {\"i\": 0, ...}");
    return 1;
}

/* ---- values ---- */

bool whole_number(const json_t *value, uint64_t *ret_number, bool *ret_negative)
{
    char *end;
    if (json_is_integer(value)) {
        *ret_number = (uint64_t)json_integer_value(value);
        *ret_negative = json_integer_value(value) < 0;
        return true;
    }
    const char *text = json_string_value(value);
    bool negative = text && *text == '-';
    if (!text || text[negative] < '0' || text[negative] > '9')
        return false;
    errno = 0;
    *ret_number = negative ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
    *ret_negative = negative;
    return *end == '\0' && errno == 0;
}

int member_number(struct trace_reader *reader, const char *key, uint64_t most, uint64_t *ret_number)
{
    bool negative;
    const json_t *value = json_object_get(reader->object, key);
    if (!value)
        return 0;
    if (!whole_number(value, ret_number, &negative) || negative || *ret_number > most)
        return COMPLAIN_OF(reader, key, "\"%s\" is a number from 0 to %" PRIu64, key, most);
    return 0;
}

int member_text(struct trace_reader *reader, const char *key, char **ret_text)
{
    const json_t *value = json_object_get(reader->object, key);
    if (!value)
        return 0;
    if (!json_is_string(value))
        return COMPLAIN_OF(reader, key, "\"%s\" is a text", key);
    *ret_text = reader_must(strdup(json_string_value(value)));
    return 0;
}
