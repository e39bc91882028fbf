/* divergence.c: see divergence.h. A line of trace.jsonl is an event, but for its head and its
 * end, so comparing lines compares events. */
#include "harness/trace/divergence.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    FILE *in;
    char *line;
    size_t room;
};

static const char *next(struct reader *reader)
{
    ssize_t length = getline(&reader->line, &reader->room, reader->in);
    if (length <= 0)
        return "(no such event)";
    reader->line[strcspn(reader->line, "\n")] = '\0';
    return reader->line;
}

static void compare(struct reader *a, struct reader *b, char *out, size_t size)
{
    for (unsigned long line = 0;; line++) {
        const char *x = next(a), *y = next(b);
        if (strcmp(x, y) != 0) {
            snprintf(out, size,
                     "the first event that differs is number %lu:\n  one run: %s\n  another: %s",
                     line - 1, x, y); /* the first line is the head */
            return;
        }
        if (feof(a->in) && feof(b->in))
            break;
    }
    snprintf(out, size, "but two more executions gave equal traces: it happens only now and then");
}

void divergence_describe(const char *path_a, const char *path_b, char *out, size_t size)
{
    struct reader a = {.in = fopen(path_a, "re")}, b = {.in = fopen(path_b, "re")};
    if (a.in && b.in)
        compare(&a, &b, out, size);
    else
        snprintf(out, size, "the traces could not be compared: a run left none");
    if (a.in)
        fclose(a.in);
    if (b.in)
        fclose(b.in);
    free(a.line);
    free(b.line);
}
