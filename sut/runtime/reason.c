/* reason.c: why a process ended, as a value and in words. A text longer than its place is cut. */
#include "sut/runtime/proc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reason reason_make(enum reason_kind kind, const char *format, ...)
{
    struct reason reason = {.kind = kind};
    va_list args;
    va_start(args, format);
    if (format)
        vsnprintf(reason.text, sizeof reason.text, format, args);
    va_end(args);
    return reason;
}

bool reason_is_calm(struct reason reason)
{
    return reason.kind == EXIT_NORMAL || reason.kind == EXIT_SHUTDOWN;
}

const char *reason_text(struct reason reason, char out[static 128])
{
    static const char *const names[] = {
        [EXIT_NORMAL] = "normal", [EXIT_SHUTDOWN] = "shutdown", [EXIT_KILL] = "kill",
        [EXIT_KILLED] = "killed", [EXIT_NOPROC] = "noproc",     [EXIT_ERROR] = "error",
    };
    if (reason.kind == EXIT_ERROR && reason.text[0])
        snprintf(out, 128, "%s", reason.text);
    else if (reason.kind == EXIT_SHUTDOWN && reason.text[0])
        snprintf(out, 128, "shutdown:%s", reason.text);
    else
        strcpy(out, names[reason.kind]);
    return out;
}
