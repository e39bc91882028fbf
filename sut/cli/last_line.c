/* last_line.c: see last_line.h. Everything else of the stream is lost. */
#include "sut/cli/last_line.h"

#include <stdbool.h>
#include <string.h>

/* How many bytes the well-formed character at `text` has; 0: it is none (RFC 3629). */
static size_t character_size(const unsigned char *text, size_t size)
{
    unsigned char c = text[0];
    size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : 3;
    if (c >= 0xf5 || (c >= 0x80 && c < 0xc2) || more >= size)
        return 0;
    for (size_t i = 1; i <= more; ++i)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (c == 0xe0 && text[1] < 0xa0) || (c == 0xf0 && text[1] < 0x90);
    bool beyond = (c == 0xed && text[1] >= 0xa0) || (c == 0xf4 && text[1] >= 0x90);
    return overlong || beyond ? 0 : more + 1;
}

/* What is no character, or would move a terminal's cursor, becomes a '?'. A character cut off at
 * the end is dropped. */
static void clean(char *text, size_t length)
{
    unsigned char *in = (unsigned char *)text, *end = in + length;
    char *out = text;
    while (in < end) {
        size_t size = character_size(in, (size_t)(end - in));
        if (size == 0 && length == LINE_KEPT - 1 && end - in < 4 && *in >= 0xc2)
            break;
        bool control = size == 0 || *in < ' ' || *in == 0x7f || (*in == 0xc2 && in[1] < 0xa0);
        if (control)
            *out++ = *in == '\t' ? ' ' : '?';
        else
            out = (char *)memmove(out, in, size) + size;
        in += size ? size : 1;
    }
    *out = '\0';
}

static size_t trimmed(const char *text, size_t length)
{
    while (length &&
           (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\r'))
        --length;
    return length;
}

static void line_over(struct last_line *line)
{
    size_t length = trimmed(line->now, line->now_length);
    line->now_length = 0;
    if (length) {
        memcpy(line->last, line->now, length);
        clean(line->last, length);
    }
}

void last_line_feed(struct last_line *line, const char *bytes, size_t size)
{
    for (const char *end = bytes + size; bytes < end;) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t length = (size_t)((newline ? newline : end) - bytes);
        size_t room = LINE_KEPT - 1 - line->now_length;
        memcpy(line->now + line->now_length, bytes, length < room ? length : room);
        line->now_length += length < room ? length : room;
        if (newline)
            line_over(line);
        bytes += length + (newline != NULL);
    }
}

const char *last_line_end(struct last_line *line)
{
    line_over(line);
    return line->last;
}
