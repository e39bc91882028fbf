/* A tape file, read and written again, is the same file and makes the same choices. */
#define _GNU_SOURCE
#include "harness/tape/tape.h"
#include "properties/prop.h"

#include <stdlib.h>
#include <string.h>

static const char *const points[] = {"store/ack/reply", "job/perform/start", "net/link/latency"};

static void free_tape(void *arg)
{
    tape_free(arg);
}

static void free_text(void *arg)
{
    free(*(char **)arg);
}

static struct choice draw_choice(struct gen *gen, enum stream stream)
{
    return (struct choice){
        .stream = stream,
        .name = GEN_ONE_OF(gen, points),
        .node = (uint32_t)gen_int(gen, 0, 5),
        .key = gen_unsigned(gen, 0, UINT64_MAX),
        .ordinal = gen_unsigned(gen, 1, 1000000),
    };
}

static void draw_fault_edit(struct gen *gen, struct tape *tape)
{
    struct choice choice = draw_choice(gen, STREAM_FAULT);
    struct fault fault = {.kind = (enum fault_kind)gen_branch(gen, FAULT_KIND_COUNT)};
    if (fault.kind == FAULT_ERROR)
        fault.err = 5;
    if (fault.kind == FAULT_DELAY || fault.kind == FAULT_PAUSE || fault.kind == FAULT_TIMEOUT)
        fault.lo_ns = fault.hi_ns = gen_duration(gen, 1, INT64_C(60000000000));
    if (gen_bool(gen))
        tape_edit_fault_from(tape, &choice, fault);
    else
        tape_edit_fault(tape, &choice, fault);
}

static void draw_edit(struct gen *gen, struct tape *tape)
{
    struct choice choice;
    switch (gen_branch(gen, 5)) {
    case 0: tape_edit_draw(tape, (size_t)gen_int(gen, 0, 1000), gen_unsigned(gen, 0, 1000)); break;
    case 1:
        choice = draw_choice(gen, (enum stream)(1 + gen_branch(gen, STREAM_COUNT - 1)));
        tape_edit_choice(tape, &choice, gen_unsigned(gen, 0, UINT64_MAX));
        break;
    case 2: draw_fault_edit(gen, tape); break;
    case 3:
        tape_edit_seed(tape, gen_unsigned(gen, 0, 1000000), gen_unsigned(gen, 0, UINT64_MAX));
        break;
    default: tape_simplify(tape, (enum stream)gen_branch(gen, STREAM_COUNT), NULL);
    }
}

static struct tape *draw_tape(struct gen *gen)
{
    struct tape *tape = tape_new(gen_unsigned(gen, 0, UINT64_MAX));
    prop_defer(free_tape, tape);
    struct sequence_list list = {.max = 12, .label = "edit"};
    while (gen_more(gen, &list))
        draw_edit(gen, tape);
    return tape;
}

static char *written(const struct tape *tape)
{
    char **text = prop_alloc(sizeof *text);
    size_t size;
    FILE *out = open_memstream(text, &size);
    prop_defer(free_text, text);
    int err = tape_write(tape, &(struct tape_meta){0}, out);
    fclose(out);
    prop_assert(err == 0);
    return *text;
}

static struct tape *read_back(const char *text)
{
    struct tape_meta meta = {0};
    char why[512] = "";
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    struct tape *tape = tape_read_from(in, "text", &meta, why, sizeof why);
    fclose(in);
    tape_meta_done(&meta);
    prop_assert(tape != NULL, "%s", why);
    prop_defer(free_tape, tape);
    return tape;
}

PROPERTY(tape, file_is_read_as_it_was_written, .runs = 300)
{
    struct tape *tape = draw_tape(prop_gen());
    const char *text = written(tape);
    prop_note("%s", text);
    prop_cover(20, tape_edit_count(tape) >= 3, "three edits or more");
    struct tape *copy = read_back(text);
    prop_assert(strcmp(written(copy), text) == 0, "written again:\n%s", written(copy));
    for (int i = 0; i < 5; i++) {
        struct choice choice = draw_choice(prop_gen(), STREAM_NET);
        uint64_t n = gen_unsigned(prop_gen(), 1, UINT64_MAX);
        prop_assert(tape_choose(tape, &choice, n) == tape_choose(copy, &choice, n));
    }
}

PROPERTY(tape, damaged_file_is_refused_or_read, .isolate = true)
{
    const char *text = written(draw_tape(prop_gen()));
    size_t length = strlen(text);
    char *damaged = prop_alloc(length + 1), why[512] = "";
    memcpy(damaged, text, length);
    damaged[gen_uniform(prop_gen(), 0, (int64_t)length - 1)] = (char)gen_int(prop_gen(), 1, 126);
    prop_note("%s", damaged);
    struct tape_meta meta = {0};
    FILE *in = fmemopen(damaged, length, "r");
    struct tape *tape = tape_read_from(in, "text", &meta, why, sizeof why);
    fclose(in);
    tape_meta_done(&meta);
    prop_classify(tape == NULL, "refused");
    prop_assert(tape || strncmp(why, "text:", 5) == 0, "it does not say where: '%s'", why);
    tape_free(tape);
}
