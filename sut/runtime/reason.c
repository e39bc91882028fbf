/* reason.c: why a process ended, as a value and in words. A text longer than its place is cut. */
#include "sut/runtime/proc_internal.h"

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

bool reason_equal(const struct reason *a, const struct reason *b)
{
    return a->kind == b->kind && strcmp(a->text, b->text) == 0;
}

static const char *const kind_names[] = {
    [EXIT_NORMAL] = "normal", [EXIT_SHUTDOWN] = "shutdown", [EXIT_KILL] = "kill",
    [EXIT_KILLED] = "killed", [EXIT_NOPROC] = "noproc",     [EXIT_ERROR] = "error",
    [EXIT_RAISED] = "error",  [EXIT_THROWN] = "nocatch",
};

/* How a reason with a text reads; a kind that is not here does not show its text. */
static const char *format_of(enum reason_kind kind, bool term)
{
    switch (kind) {
    case EXIT_SHUTDOWN: return term ? "{shutdown,%s}" : "shutdown:%s";
    case EXIT_ERROR: return "%s";
    case EXIT_RAISED: return term ? "{%s,stack}" : "%s";
    case EXIT_THROWN: return term ? "{{nocatch,%s},stack}" : "nocatch: %s";
    default: return NULL;
    }
}

static const char *reason_print(const struct reason *reason, bool term, char *out)
{
    const char *format = format_of(reason->kind, term);
    if (format && reason->text[0])
        snprintf(out, REASON_WORDS, format, reason->text);
    else
        strcpy(out, kind_names[reason->kind]);
    return out;
}

const char *reason_text(struct reason reason, char out[static REASON_WORDS])
{
    return reason_print(&reason, false, out);
}

const char *reason_term(struct reason reason, char out[static REASON_WORDS])
{
    return reason_print(&reason, true, out);
}

const struct reason *reason_keep(struct heap *heap, const struct reason *reason)
{
    static const struct reason plain[] = {
        [EXIT_NORMAL] = {.kind = EXIT_NORMAL}, [EXIT_SHUTDOWN] = {.kind = EXIT_SHUTDOWN},
        [EXIT_KILL] = {.kind = EXIT_KILL},     [EXIT_KILLED] = {.kind = EXIT_KILLED},
        [EXIT_NOPROC] = {.kind = EXIT_NOPROC}, [EXIT_ERROR] = {.kind = EXIT_ERROR},
        [EXIT_RAISED] = {.kind = EXIT_RAISED}, [EXIT_THROWN] = {.kind = EXIT_THROWN},
    };
    return reason->text[0] ? heap_memdup(heap, reason, sizeof *reason) : &plain[reason->kind];
}
