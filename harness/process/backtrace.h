/* backtrace.h: names and lines for the addresses that a crashed child has left. */
#ifndef DURESS_BACKTRACE_H
#define DURESS_BACKTRACE_H

#include <stdint.h>

/* `noise` holds frames as backtrace_symbols_fd() writes them. Returns one line per frame of our own
 * program, "function at file:line", innermost first; heap. NULL when there is nothing to say (no
 * frames, no addr2line). To be called in the process from which the child was forked: only there
 * the addresses mean the same. */
char *backtrace_explain(const char *noise);

/* The innermost frame of our own program, below the handler's own, as an offset into it: the same
 * for two crashes at one place, in any process. Cheap: asks nobody. 0: there is none. */
uintptr_t backtrace_place(const char *noise);

#endif
