/* recording.h: what a tape recorded, on its way from the child that ran it. Both ends are one program:
 * it travels as it lies in memory, but for the names. */
#ifndef DURESS_RECORDING_H
#define DURESS_RECORDING_H

#include "harness/sequence/sequence.h"
#include "harness/tape/tape.h"

struct recording {
    struct made *made; /* as tape_made() gave it */
    size_t made_count;
    char *names;                   /* what the choices' names point to */
    struct sequence_choice *draws; /* NULL unless RECORD_DRAWS was asked for */
    size_t draw_count;
    struct sequence_span *spans;
    size_t span_count;
    bool overrun;
};

/* `what`: enum record; those of its choices that were recorded, and with RECORD_DRAWS, what was drawn. */
void recording_write(struct tape *tape, unsigned what, FILE *out);
/* Only these of its choices. */
void recording_write_made(const struct made *made, size_t count, FILE *out);
/* 0, or -EINVAL: that is no recording. */
int recording_read(const char *data, size_t length, struct recording *ret_recording);
void recording_done(struct recording *recording);

#endif
