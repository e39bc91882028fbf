/* reason.c: reasons and errors as values: making them, copies of them, and one made of the other. A text of a reason that is longer
 * than its place is cut. An error is a block: itself, its causes one after the other, and behind them all their words. */
#include "sut/runtime/error.h"
#include "sut/runtime/proc_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- reasons ---- */

/* Most reasons are words: printing them would cost more than the exit. */
static void text_copy(char *to, const char *text)
{
    size_t length = strlen(text);
    length = length < REASON_TEXT ? length : REASON_TEXT - 1;
    memcpy(to, text, length);
    to[length] = '\0';
}

struct reason reason_make(enum reason_kind kind, const char *format, ...)
{
    struct reason reason = {.kind = kind};
    va_list args;
    va_start(args, format);
    if (format && !strchr(format, '%'))
        text_copy(reason.text, format);
    else if (format)
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

/* ---- errors ---- */

#define X(name, class, kind, code, text)                                                           \
    const struct error error_##name = {class, kind, code, text, NULL, 0};
ERRORS(X)
#undef X

size_t error_depth(const struct error *error)
{
    size_t depth = 0;
    for (; error; error = error->cause)
        ++depth;
    return depth;
}

static size_t words_size(const struct error *error)
{
    size_t size = 0;
    for (; error; error = error->cause)
        size += strlen(error->code) + strlen(error->text) + 2;
    return size;
}

size_t error_size(const struct error *error)
{
    if (!error)
        return 0;
    return error->block > 0 ? error->block : error_depth(error) * sizeof *error + words_size(error);
}

static const char *word_put(char **at, const char *word)
{
    size_t size = strlen(word) + 1;
    const char *put = memcpy(*at, word, size);
    *at += size;
    return put;
}

const struct error *error_write(void *room, const struct error *error)
{
    if (!error)
        return NULL;
    size_t depth = error_depth(error), size = error_size(error);
    struct error *copy = room;
    char *words = (char *)(copy + depth);
    for (size_t i = 0; i < depth; ++i, error = error->cause) {
        copy[i] = *error;
        copy[i].code = word_put(&words, error->code);
        copy[i].text = word_put(&words, error->text);
        copy[i].cause = i + 1 < depth ? &copy[i + 1] : NULL;
        copy[i].block = 0;
    }
    copy->block = size;
    return copy;
}

const struct error *error_copy(struct heap *heap, const struct error *error)
{
    return error ? error_write(heap_alloc(heap, error_size(error)), error) : NULL;
}

static const struct error *error_make(struct heap *heap, const struct error *plain,
                                      const char *format, va_list args)
{
    char text[512]; /* of one error: sentences are shorter */
    struct error error = *plain;
    vsnprintf(text, sizeof text, format ? format : "", args);
    error.text = text;
    return error_copy(heap, &error);
}

const struct error *error_new(struct heap *heap, enum error_class class, const char *code,
                              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct error *error = error_make(
        heap, &(struct error){.class = class, .kind = EXIT_ERROR, .code = code}, format, args);
    va_end(args);
    return error;
}

const struct error *error_wrap(struct heap *heap, const struct error *cause, const char *code,
                               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct error *error = error_make(
        heap,
        &(struct error){.class = cause->class, .kind = EXIT_ERROR, .code = code, .cause = cause},
        format, args);
    va_end(args);
    return error;
}

const struct error *error_as(const struct error *error, enum reason_kind kind)
{
    ((struct error *)(uintptr_t)error)->kind = kind;
    return error;
}

void error_free(struct heap *heap, const struct error *error)
{
    if (error && error->block > 0)
        heap_release(heap, (void *)(uintptr_t)error);
}

void error_hand_over(struct heap *heap, const struct error *error, const struct error **ret_error)
{
    if (ret_error)
        *ret_error = error;
    else
        error_free(heap, error);
}

/* ---- classes ---- */

static const struct {
    const char *name;
    int number;
} classes[] = {
#define X(class, name, number) [class] = {name, number},
    ERROR_CLASSES(X)
#undef X
};

const char *error_class_name(enum error_class class)
{
    return classes[class].name;
}

int error_errno(const struct error *error)
{
    return -classes[error->class].number;
}

const struct error *error_of_errno(int err)
{
    static const struct error bad = {ERROR_INPUT, EXIT_RAISED, "badarg", "", NULL, 0};
#define X(number, class, code, text)                                                               \
    case -(number): {                                                                              \
        static const struct error known = {class, EXIT_RAISED, code, text, NULL, 0};               \
        return &known;                                                                             \
    }
    switch (err) {
        X(EINVAL, ERROR_INPUT, "badarg", "an argument makes no sense")
        X(EBADF, ERROR_NOT_FOUND, "badarg", "there is no such table")
        X(ENOENT, ERROR_NOT_FOUND, "badarg", "it does not exist")
        X(EACCES, ERROR_REFUSED, "badarg", "it is not allowed")
        X(EPERM, ERROR_REFUSED, "badarg", "only the owner may")
        X(EEXIST, ERROR_REFUSED, "badarg", "the name is taken")
        X(EALREADY, ERROR_REFUSED, "badarg", "it is done already")
        X(ENOTSUP, ERROR_INPUT, "badarg", "it is not possible here")
        X(ERANGE, ERROR_INPUT, "badarg", "the number is too large")
        X(ENOSPC, ERROR_LIMIT, "system_limit", "there are as many as may be")
        X(EAGAIN, ERROR_LIMIT, "system_limit", "there are too many processes")
    case -ENOBUFS: return &error_mailbox_full;
    case -EDEADLK: return &error_calling_self;
    case -ETIMEDOUT: return &error_timeout;
    case -ESRCH:
    case -EPIPE: return &error_noproc;
    default: return &bad;
    }
#undef X
}

const struct error *error_find(const struct error *error, const char *code)
{
    while (error && strcmp(error->code, code) != 0)
        error = error->cause;
    return error;
}

const struct error *error_root(const struct error *error)
{
    while (error->cause)
        error = error->cause;
    return error;
}

/* ---- reasons and errors ---- */

struct reason reason_of_error(const struct error *error)
{
    struct reason reason = {.kind = error->kind, .error = error};
    if (!error_stands_alone(error))
        error_term(error, reason.text, sizeof reason.text);
    return reason;
}

static enum error_class class_of(enum reason_kind kind)
{
    switch (kind) {
    case EXIT_NORMAL:
    case EXIT_SHUTDOWN:
    case EXIT_KILL:
    case EXIT_KILLED: return ERROR_STOPPED;
    case EXIT_NOPROC: return ERROR_NO_PROCESS;
    default: return ERROR_CRASHED;
    }
}

/* Lent by the reason. */
static struct error error_in(const struct reason *reason)
{
    if (reason->error)
        return *reason->error;
    return (struct error){
        .class = class_of(reason->kind),
        .kind = reason->kind,
        .code = reason_shows_text(reason) ? reason->text : reason_shape(reason->kind)->alone,
        .text = "",
    };
}

const struct error *error_of_reason(struct heap *heap, const struct reason *reason)
{
    struct error error = error_in(reason);
    return error_copy(heap, &error);
}

struct reason reason_wrap(struct heap *heap, const struct reason *cause, enum reason_kind kind,
                          const char *code, const char *format, ...)
{
    char text[REASON_TEXT];
    struct error error = error_in(cause);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct error *wrapped = error_wrap(heap, &error, code, "%s", text);
    return reason_of_error(error_as(wrapped, kind));
}

void reason_own(struct heap *heap, struct reason *reason)
{
    if (reason->error)
        reason->error = error_copy(heap, reason->error);
}

void reason_release(struct heap *heap, struct reason *reason)
{
    error_free(heap, reason->error);
    reason->error = NULL;
}

size_t reason_room(const struct reason *reason)
{
    return reason->error ? (error_size(reason->error) + 15) / 16 * 16 : 0;
}

void reason_settle(struct reason *reason, void *room)
{
    if (reason->error)
        reason->error = error_write(room, reason->error);
}

struct reason *reason_copy(struct heap *heap, const struct reason *reason)
{
    struct reason *copy = heap_alloc(heap, sizeof *copy + reason_room(reason));
    *copy = *reason;
    reason_settle(copy, copy + 1);
    return copy;
}

const struct reason *reason_keep(struct heap *heap, const struct reason *reason)
{
    static const struct reason plain[] = {
        [EXIT_NORMAL] = {.kind = EXIT_NORMAL}, [EXIT_SHUTDOWN] = {.kind = EXIT_SHUTDOWN},
        [EXIT_KILL] = {.kind = EXIT_KILL},     [EXIT_KILLED] = {.kind = EXIT_KILLED},
        [EXIT_NOPROC] = {.kind = EXIT_NOPROC}, [EXIT_ERROR] = {.kind = EXIT_ERROR},
        [EXIT_RAISED] = {.kind = EXIT_RAISED}, [EXIT_THROWN] = {.kind = EXIT_THROWN},
    };
    return reason->text[0] || reason->error ? reason_copy(heap, reason) : &plain[reason->kind];
}
