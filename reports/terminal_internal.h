/* terminal_internal.h: what terminal.c (while it runs) and summary.c (at the end) share. */
#ifndef DURESS_TERMINAL_INTERNAL_H
#define DURESS_TERMINAL_INTERNAL_H

#include "harness/report.h"

struct terminal {
    FILE *out;
    bool live; /* one line that is rewritten */
    bool colour;
    bool line_is_up; /* the live line stands on the screen */
    int64_t next_ns; /* wall time of the next line, as progress counts it */
};

enum terminal_colour { COLOUR_OFF, COLOUR_BOLD, COLOUR_DIM, COLOUR_GOOD, COLOUR_BAD, COLOUR_ODD };

/* The code, or "" when there is no colour. */
const char *terminal_colour(const struct terminal *terminal, enum terminal_colour colour);
/* Takes the live line away. */
void terminal_clear(struct terminal *terminal);
/* Three lines: what failed, in which words, how to see it again. */
void terminal_print_failure(struct terminal *terminal, const struct report_failure *failure);

#endif
