/* fuzz.h: a fuzz target is a function that feeds bytes to one parser and aborts when something is
 * not as it must be: what parses must print, and parse again to the same; what does not must say
 * where it is wrong.
 *
 *     FUZZ_TARGET(tape)
 *     {
 *         ... data, size ...
 *     }
 *
 * Built with -DDURESS_FUZZ this is the entry point of libFuzzer, one program for each target
 * (`make fuzz`). Otherwise it registers itself, and test_corpus.c replays the corpus beside it. */
#ifndef DURESS_FUZZ_H
#define DURESS_FUZZ_H

#include "harness/point.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fuzz_target {
    const char *name, *file; /* the corpus is beside the file, in corpus/NAME */
    void (*feed)(const uint8_t *data, size_t size);
};

#ifdef DURESS_FUZZ

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ_TARGET(ident)                                                                         \
    static void fuzz_##ident(const uint8_t *data, size_t size);                                    \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        fuzz_##ident(data, size);                                                                  \
        return 0;                                                                                  \
    }                                                                                              \
    static void fuzz_##ident(const uint8_t *data, size_t size)

#else

#define FUZZ_TARGET(ident)                                                                         \
    static void fuzz_##ident(const uint8_t *data, size_t size);                                    \
    static const struct fuzz_target target_##ident = {#ident, __FILE__, fuzz_##ident};             \
    static const struct fuzz_target *const target_ref_##ident POINT_SECTION("duress_fuzz") =       \
        &target_##ident;                                                                           \
    static void fuzz_##ident(const uint8_t *data, size_t size)

#endif

/* As assert(), in every build; `text` is what it is about. */
#define FUZZ_REQUIRE(condition, text)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n  %s\n", __FILE__, __LINE__, #condition, text);    \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The bytes as text, up to the first NUL, in memory of exactly that length: reading beyond the end
 * is seen. Heap. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = strndup(size ? (const char *)data : "", size);
    if (!text)
        abort();
    return text;
}

/* Is `why` a message about `name`, in the form name:LINE:COLUMN: error: ...? */
static inline int fuzz_names_place(const char *why, const char *name)
{
    unsigned line, column;
    int length = -1;
    size_t prefix = strlen(name);
    if (strncmp(why, name, prefix) != 0)
        return 0;
    if (sscanf(why + prefix, ":%u:%u: error: %n", &line, &column, &length) != 2 || length < 0)
        return 0;
    return line >= 1 && column >= 1 && why[prefix + (size_t)length] != '\0';
}

#endif
