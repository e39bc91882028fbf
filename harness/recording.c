/* recording.c: a recording is a head, the choices, and behind them their names, each with its '\0'. See
 * recording.h. */
#include "harness/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct record_head {
    uint64_t made_count, names_size;
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

void recording_write(const struct tape *tape, FILE *out)
{
    size_t count;
    const struct made *made = tape_made(tape, &count);
    recording_write_made(made, count, out);
}

void recording_write_made(const struct made *made, size_t count, FILE *out)
{
    struct record_head head;
    head.made_count = count;
    head.names_size = names_write(made, count, NULL);
    fwrite(&head, sizeof head, 1, out);
    fwrite(made, sizeof *made, count, out);
    names_write(made, count, out);
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

int recording_read(const char *data, size_t length, struct recording *ret_recording)
{
    struct recording recording = {0};
    struct record_head head;
    if (length < sizeof head)
        return -EINVAL;
    memcpy(&head, data, sizeof head);
    length -= sizeof head;
    size_t made_max = length / sizeof *recording.made;
    if (head.made_count > made_max ||
        head.names_size != length - (size_t)head.made_count * sizeof *recording.made)
        return -EINVAL;
    size_t made_size = (size_t)head.made_count * sizeof *recording.made;
    recording.made_count = (size_t)head.made_count;
    recording.made = memory_get(recording.made_count, sizeof *recording.made);
    memcpy(recording.made, data + sizeof head, made_size);
    recording.names = memory_get((size_t)head.names_size, 1);
    memcpy(recording.names, data + sizeof head + made_size, (size_t)head.names_size);
    if (!names_assign(&recording, (size_t)head.names_size)) {
        recording_done(&recording);
        return -EINVAL;
    }
    *ret_recording = recording;
    return 0;
}

void recording_done(struct recording *recording)
{
    free(recording->made);
    free(recording->names);
    *recording = (struct recording){0};
}
