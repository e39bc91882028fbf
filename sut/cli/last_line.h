/* last_line.h: what a program said last. Of a stream of bytes, the beginning of the last line that
 * is not blank is kept, as valid UTF-8 without control characters. */
#ifndef SUT_LAST_LINE_H
#define SUT_LAST_LINE_H

#include <stddef.h>

#define LINE_KEPT 240 /* bytes, with the NUL: what fits into an outcome */

struct last_line {
    char now[LINE_KEPT], last[LINE_KEPT];
    size_t now_length;
};

void last_line_feed(struct last_line *line, const char *bytes, size_t size);
/* There are no more bytes. The line, or "". */
const char *last_line_end(struct last_line *line);

#endif
