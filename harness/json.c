/* json.c: the streaming writer. State is one bit per open container (has it a value yet?), so that
 * commas and line ends fall where they belong without looking ahead. */
#include "harness/json.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX (INT64_C(1) << 53) /* the largest range of integers that doubles hold exactly */

void json_init(struct json *json, FILE *out, unsigned broken_depth)
{
    *json = (struct json){.out = out, .broken_depth = broken_depth};
}

int json_done(struct json *json)
{
    assert(json->depth == 0);
    fputc('\n', json->out);
    return ferror(json->out) ? -EIO : 0;
}

static unsigned continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

unsigned utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return s[0] != 0;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        return continuation(s[1]) ? 2 : 0;
    if (s[0] >= 0xe0 && s[0] <= 0xef) {
        bool overlong = s[0] == 0xe0 && s[1] < 0xa0;
        bool surrogate = s[0] == 0xed && s[1] > 0x9f;
        return !overlong && !surrogate && continuation(s[1]) && continuation(s[2]) ? 3 : 0;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        bool overlong = s[0] == 0xf0 && s[1] < 0x90;
        bool too_big = s[0] == 0xf4 && s[1] > 0x8f;
        bool tail = continuation(s[1]) && continuation(s[2]) && continuation(s[3]);
        return !overlong && !too_big && tail ? 4 : 0;
    }
    return 0;
}

void utf8_make_plain(char *text)
{
    while (*text) {
        unsigned length = utf8_length(text);
        bool control = length == 1 && iscntrl((unsigned char)*text) && !strchr("\t\n", *text);
        if (length == 0 || control)
            *text = '?';
        text += length ? length : 1;
    }
}

static void escape_ascii(FILE *out, char c)
{
    switch (c) {
    case '"': fputs("\\\"", out); break;
    case '\\': fputs("\\\\", out); break;
    case '\n': fputs("\\n", out); break;
    case '\r': fputs("\\r", out); break;
    case '\t': fputs("\\t", out); break;
    default:
        if ((unsigned char)c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", (unsigned)c);
        else
            fputc(c, out);
    }
}

void json_escape(FILE *out, const char *text)
{
    fputc('"', out);
    while (*text) {
        unsigned length = utf8_length(text);
        if (length == 0) {
            fputs("\\ufffd", out);
            length = 1;
        } else if (length == 1) {
            escape_ascii(out, *text);
        } else {
            fwrite(text, 1, length, out);
        }
        text += length;
    }
    fputc('"', out);
}

static void break_line(struct json *json, unsigned depth)
{
    if (depth > json->broken_depth)
        return;
    fprintf(json->out, "\n%*s", (int)(2 * depth), "");
}

/* What stands before each value: comma, line end, key. */
static void begin_value(struct json *json, const char *key)
{
    if (json->depth == 0) {
        assert(!key);
        return;
    }
    unsigned top = json->depth - 1;
    assert(json->in_object[top] == (key != NULL));
    if (json->has_values[top])
        fputs(json->depth > json->broken_depth ? ", " : ",", json->out);
    json->has_values[top] = true;
    break_line(json, json->depth);
    if (key) {
        json_escape(json->out, key);
        fputs(": ", json->out);
    }
}

static void container_begin(struct json *json, const char *key, bool object)
{
    begin_value(json, key);
    assert(json->depth < JSON_DEPTH_MAX);
    json->in_object[json->depth] = object;
    json->has_values[json->depth] = false;
    json->depth++;
    fputc(object ? '{' : '[', json->out);
}

static void container_end(struct json *json, bool object)
{
    assert(json->depth > 0 && json->in_object[json->depth - 1] == object);
    json->depth--;
    if (json->has_values[json->depth] && json->depth < json->broken_depth)
        break_line(json, json->depth);
    fputc(object ? '}' : ']', json->out);
}

void json_object_begin(struct json *json, const char *key)
{
    container_begin(json, key, true);
}

void json_object_end(struct json *json)
{
    container_end(json, true);
}

void json_array_begin(struct json *json, const char *key)
{
    container_begin(json, key, false);
}

void json_array_end(struct json *json)
{
    container_end(json, false);
}

void json_str(struct json *json, const char *key, const char *text)
{
    begin_value(json, key);
    if (text)
        json_escape(json->out, text);
    else
        fputs("null", json->out);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin_value(json, key);
    fputs(value ? "true" : "false", json->out);
}

void json_int(struct json *json, const char *key, int64_t value)
{
    begin_value(json, key);
    bool exact = value >= -EXACT_MAX && value <= EXACT_MAX;
    fprintf(json->out, exact ? "%" PRId64 : "\"%" PRId64 "\"", value);
}

void json_count(struct json *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    fprintf(json->out, value <= (uint64_t)EXACT_MAX ? "%" PRIu64 : "\"%" PRIu64 "\"", value);
}

bool json_is_big_number(const char *text)
{
    char *end;
    bool negative = *text == '-';
    if (text[negative] < '1' || text[negative] > '9')
        return false;
    errno = 0;
    uint64_t size = negative ? 0 - (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 && size > (uint64_t)EXACT_MAX;
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    fprintf(json->out, "\"%" PRIu64 "\"", value);
}

void json_hex(struct json *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    fprintf(json->out, "\"0x%" PRIx64 "\"", value);
}
