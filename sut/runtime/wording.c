/* wording.c: how reasons and errors read: in words, and as Erlang's terms. */
#include "sut/runtime/error.h"
#include "sut/runtime/proc_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- reasons ---- */

const struct reason_shape *reason_shape(enum reason_kind kind)
{
    static const struct reason_shape shapes[] = {
        [EXIT_NORMAL] = {.alone = "normal"},
        [EXIT_SHUTDOWN] = {"shutdown", "{shutdown,", "}", "shutdown:%s"},
        [EXIT_KILL] = {.alone = "kill"},
        [EXIT_KILLED] = {.alone = "killed"},
        [EXIT_NOPROC] = {.alone = "noproc"},
        [EXIT_ERROR] = {"error", "", "", "%s"},
        [EXIT_RAISED] = {"error", "{", ",stack}", "%s"},
        [EXIT_THROWN] = {"nocatch", "{{nocatch,", "},stack}", "nocatch: %s"},
    };
    return &shapes[kind];
}

bool reason_shows_text(const struct reason *reason)
{
    return reason->text[0] && reason_shape(reason->kind)->before;
}

const char *reason_text(struct reason reason, char out[static REASON_WORDS])
{
    const struct reason_shape *shape = reason_shape(reason.kind);
    if (reason_shows_text(&reason))
        snprintf(out, REASON_WORDS, shape->words, reason.text);
    else
        strcpy(out, shape->alone);
    return out;
}

const char *reason_term(struct reason reason, char out[static REASON_WORDS])
{
    const struct reason_shape *shape = reason_shape(reason.kind);
    if (reason_shows_text(&reason))
        snprintf(out, REASON_WORDS, "%s%s%s", shape->before, reason.text, shape->behind);
    else
        strcpy(out, shape->alone);
    return out;
}

/* ---- errors ---- */

struct words { /* as snprintf() writes */
    char *out;
    size_t size, length;
};

static void words_put(struct words *words, const char *text)
{
    size_t length = strlen(text);
    size_t room = words->length + 1 < words->size ? words->size - words->length - 1 : 0;
    if (room > 0)
        memcpy(words->out + words->length, text, length < room ? length : room);
    words->length += length;
}

static size_t words_end(struct words *words)
{
    if (words->size > 0)
        words->out[words->length < words->size ? words->length : words->size - 1] = '\0';
    return words->length;
}

size_t error_print(const struct error *error, char *out, size_t size)
{
    struct words words = {out, size, 0};
    for (; error; error = error->cause) {
        words_put(&words, error->code);
        if (error->text[0]) {
            words_put(&words, " (");
            words_put(&words, error->text);
            words_put(&words, ")");
        }
        words_put(&words, error->cause ? ": " : "");
    }
    return words_end(&words);
}

char *error_words(struct heap *heap, const struct error *error)
{
    size_t size = error_print(error, NULL, 0) + 1;
    char *out = heap_alloc(heap, size);
    error_print(error, out, size);
    return out;
}

/* ---- as a term ---- */

/* What an exit says about the place where a cause got its process stands behind the cause: {timeout,{call,17}}. */
static bool code_follows(const char *code)
{
    return strcmp(code, "call") == 0 || strcmp(code, "task") == 0;
}

static void head_put(struct words *words, const struct error *error)
{
    words_put(words, "{");
    if (code_follows(error->code))
        return;
    words_put(words, error->code);
    words_put(words, ",");
    words_put(words, error->text);
    words_put(words, error->text[0] ? "," : "");
}

static void tail_put(struct words *words, const struct error *error)
{
    if (code_follows(error->code)) {
        words_put(words, ",{");
        words_put(words, error->code);
        words_put(words, ",");
        words_put(words, error->text);
        words_put(words, "}");
    }
    words_put(words, "}");
}

/* Copies lie one behind the other, so that also long chains can be read backwards. */
static bool chain_is_flat(const struct error *error)
{
    while (error->cause && error->cause == error + 1)
        error = error->cause;
    return !error->cause;
}

static const struct error *chain_at(const struct error *error, size_t index, bool flat)
{
    if (flat)
        return error + index;
    while (index-- > 0)
        error = error->cause;
    return error;
}

bool error_stands_alone(const struct error *error)
{
    const struct reason_shape *shape = reason_shape(error->kind);
    return !error->cause && (!shape->before || strcmp(error->code, shape->alone) == 0);
}

size_t error_term(const struct error *error, char *out, size_t size)
{
    struct words words = {out, size, 0};
    const struct error *at = error;
    for (; at->cause; at = at->cause) {
        head_put(&words, at);
        if (!error_stands_alone(at->cause))
            words_put(&words, reason_shape(at->cause->kind)->before);
    }
    words_put(&words, error_stands_alone(at) ? reason_shape(at->kind)->alone : at->code);
    bool flat = chain_is_flat(error);
    for (size_t i = error_depth(error); i-- > 1;) {
        at = chain_at(error, i, flat);
        if (!error_stands_alone(at))
            words_put(&words, reason_shape(at->kind)->behind);
        tail_put(&words, chain_at(error, i - 1, flat));
    }
    return words_end(&words);
}

char *reason_term_whole(struct heap *heap, const struct reason *reason)
{
    const struct reason_shape *shape = reason_shape(reason->kind);
    char cut[REASON_WORDS];
    if (!reason->error || !reason_shows_text(reason))
        return heap_strdup(heap, reason_term(*reason, cut));
    size_t length = error_term(reason->error, NULL, 0);
    size_t size = strlen(shape->before) + length + strlen(shape->behind) + 1;
    char *out = heap_alloc(heap, size);
    strcpy(out, shape->before);
    error_term(reason->error, out + strlen(out), length + 1);
    return strcat(out, shape->behind);
}
