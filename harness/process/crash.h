/* crash.h: the death of the system under test, in the process in which it dies. A fatal signal, or
 * the CPU-time limit, leaves "signal: SIGSEGV at 0x10" and a backtrace on stderr; then the process
 * dies of that signal (or exits). */
#ifndef DURESS_CRASH_H
#define DURESS_CRASH_H

#include <stddef.h>
#include <stdint.h>

/* Before any fork; a second call does nothing: what cannot be done any more in the moment of the crash. */
void crash_prepare(void);

/* From here on crashes are caught. `exit_code` 0: die of the signal itself. `after` (may be NULL)
 * is called in a forked copy of the crashed process, whose own end does not matter: there is no
 * promise that it gets through. */
void crash_catch(void (*after)(void *ctx, int signal), void *ctx, int exit_code);

/* An endless loop is a crash too: SIGPROF after so much CPU time, and SIGKILL if that does not
 * help. */
void crash_limit(int64_t cpu_ns);
/* Only the SIGPROF of it, counted from now. */
void crash_timer(int64_t cpu_ns);

/* "SIGSEGV (Segmentation fault)", or that it was an endless loop of more than `cpu_ns`. */
void crash_describe(char *out, size_t size, int signal, int64_t cpu_ns);

/* Of what a dying process said (NULL: nothing), the line that says most: a failed assertion, a sanitizer's finding;
 * or "". */
void crash_hint(const char *noise, char *out, size_t size);

#endif
