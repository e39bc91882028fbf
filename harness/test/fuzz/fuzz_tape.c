/* A tape: what is read is written so that reading it again gives the same tape. */
#include "harness/tape/tape.h"
#include "harness/test/fuzz/fuzz.h"

#include <stdbool.h>

static struct tape *tape_of(const void *bytes, size_t size, struct tape_meta *meta)
{
    char why[600] = "", empty[1] = "";
    FILE *in = fmemopen(size ? (void *)(uintptr_t)bytes : empty, size, "r");
    if (!in)
        abort();
    struct tape *tape = tape_read_from(in, "t", meta, why, sizeof why);
    fclose(in);
    FUZZ_REQUIRE(tape || fuzz_names_place(why, "t"), why);
    return tape;
}

static char *text_of(const struct tape *tape, const struct tape_meta *meta)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    FUZZ_REQUIRE(tape_write(tape, meta, out) == 0, "writing to memory");
    fclose(out);
    return text;
}

static void ask(struct tape *tape)
{
    struct choice choice = {.stream = STREAM_FAULT, .name = "a/b/c", .ordinal = 1};
    tape_choose(tape, &choice, 10);
    tape_fault(tape, &choice);
    tape_draw(tape, 7);
    tape_at_event(tape, 1);
    tape_draw(tape, 1);
    for (size_t i = 0; i < tape_edit_count(tape); i++)
        if (tape_edit_point(tape, i))
            FUZZ_REQUIRE(tape_speaks_of(tape, tape_edit_point(tape, i)), tape_edit_point(tape, i));
}

FUZZ_TARGET(tape)
{
    struct tape_meta meta = {0}, meta_again = {0};
    struct tape *tape = tape_of(data, size, &meta);
    if (!tape)
        return;
    char *once = text_of(tape, &meta);
    struct tape *again = tape_of(once, strlen(once), &meta_again);
    FUZZ_REQUIRE(again, once);
    char *twice = text_of(again, &meta_again);
    FUZZ_REQUIRE(strcmp(once, twice) == 0, once);
    FUZZ_REQUIRE(tape_seed(tape) == tape_seed(again), once);
    FUZZ_REQUIRE(meta.rule_count == meta_again.rule_count, once);
    ask(tape);
    free(once);
    free(twice);
    tape_free(tape);
    tape_free(again);
    tape_meta_done(&meta);
    tape_meta_done(&meta_again);
}
