/* recording.c: a recording is a head, the choices, their names, each with its '\0', and what was drawn. See recording.h.
 * The labels of spans are texts of the program, and the same in both processes. */
#include "harness/process/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct record_head {
    uint64_t made_count, names_size, draw_count, span_count;
    uint32_t drawn, overrun;
};

static void *memory_get(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        abort();
    return memory;
}

/* A name that follows itself, as most do, is written once. */
static size_t names_write(const struct made *made, size_t count, FILE *out)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (i && made[i].choice.name == made[i - 1].choice.name)
            continue;
        size_t length = strlen(made[i].choice.name) + 1;
        if (out)
            fwrite(made[i].choice.name, 1, length, out);
        size += length;
    }
    return size;
}

static void write_array(const void *items, size_t size, size_t count, FILE *out)
{
    if (count > 0)
        fwrite(items, size, count, out);
}

static void write_all(const struct made *made, size_t count, const struct sequence *drawn,
                      FILE *out)
{
    size_t spans = 0;
    const struct sequence_span *first = drawn ? sequence_spans(drawn, &spans) : NULL;
    const struct record_head head = {
        .made_count = count,
        .names_size = names_write(made, count, NULL),
        .drawn = drawn != NULL,
        .overrun = drawn && sequence_overrun(drawn),
        .draw_count = drawn ? sequence_length(drawn) : 0,
        .span_count = spans,
    };
    fwrite(&head, sizeof head, 1, out);
    write_array(made, sizeof *made, count, out);
    names_write(made, count, out);
    if (drawn)
        write_array(sequence_choices(drawn), sizeof(struct sequence_choice),
                    (size_t)head.draw_count, out);
    write_array(first, sizeof *first, spans, out);
}

void recording_write(struct tape *tape, unsigned what, FILE *out)
{
    size_t count;
    const struct made *made = tape_made(tape, &count);
    write_all(made, count, what & RECORD_DRAWS ? tape_sequence(tape) : NULL, out);
}

void recording_write_made(const struct made *made, size_t count, FILE *out)
{
    write_all(made, count, NULL, out);
}

/* The written pointers are the writer's; that two of them in a row are equal still says something.
 */
static bool names_assign(struct recording *recording, size_t size)
{
    const char *next = recording->names, *end = next + size, *name = NULL, *before = NULL;
    for (size_t i = 0; i < recording->made_count; i++) {
        struct choice *choice = &recording->made[i].choice;
        if (i == 0 || choice->name != before) {
            if (next >= end)
                return false;
            name = next;
            next += strlen(next) + 1;
        }
        before = choice->name;
        choice->name = name;
    }
    return next == end;
}

struct taking {
    const char *at;
    size_t left;
};

/* `count` things of `size`, in memory of their own. NULL: there are not so many. */
static void *take(struct taking *from, uint64_t count, size_t size)
{
    if (count > from->left / size)
        return NULL;
    void *memory = memory_get((size_t)count, size);
    memcpy(memory, from->at, (size_t)count * size);
    from->at += (size_t)count * size;
    from->left -= (size_t)count * size;
    return memory;
}

static bool take_draws(struct taking *from, const struct record_head *head,
                       struct recording *recording)
{
    if (!head->drawn)
        return true;
    recording->draws = take(from, head->draw_count, sizeof *recording->draws);
    recording->spans = take(from, head->span_count, sizeof *recording->spans);
    recording->draw_count = (size_t)head->draw_count;
    recording->span_count = (size_t)head->span_count;
    recording->overrun = head->overrun;
    return recording->draws && recording->spans;
}

int recording_read(const char *data, size_t length, struct recording *ret_recording)
{
    struct recording recording = {0};
    struct record_head head;
    if (length < sizeof head)
        return -EINVAL;
    memcpy(&head, data, sizeof head);
    struct taking from = {data + sizeof head, length - sizeof head};
    recording.made_count = (size_t)head.made_count;
    recording.made = take(&from, head.made_count, sizeof *recording.made);
    recording.names = recording.made ? take(&from, head.names_size, 1) : NULL;
    bool good = recording.names && names_assign(&recording, (size_t)head.names_size) &&
                take_draws(&from, &head, &recording) && from.left == 0;
    if (good)
        *ret_recording = recording;
    else
        recording_done(&recording);
    return good ? 0 : -EINVAL;
}

void recording_done(struct recording *recording)
{
    free(recording->made);
    free(recording->names);
    free(recording->draws);
    free(recording->spans);
    *recording = (struct recording){0};
}
