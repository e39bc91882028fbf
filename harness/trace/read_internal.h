/* read_internal.h: what the two halves of the reader of traces share: lines.c (lines of
 * JSON, their values, complaints with a place) and read.c (what the lines mean). */
#ifndef DURESS_TRACE_READ_INTERNAL_H
#define DURESS_TRACE_READ_INTERNAL_H

#include "harness/trace/file.h"

#include <jansson.h>
#include <stdbool.h>
#include <uthash.h>

/* A point that was met, by its name. */
struct met {
    struct point point;
    UT_hash_handle hh;
};

struct trace_reader {
    FILE *in;
    const char *name;
    char *line;
    size_t length, room;
    unsigned long number;
    bool whole;     /* the line ends with a newline */
    bool waiting;   /* `object` was read, but not taken */
    json_t *object; /* of the line */
    struct met *points;
    size_t strangers; /* points that the registry does not have */
    struct point_field fields[POINT_FIELDS_MAX];
    uint64_t events;
    int64_t time_ns;
    bool ended;
    struct trace_head head;
    struct trace_end end;
    char why[512];
};

void *reader_must(void *memory); /* aborts when there is none */

/* Reads the next line that is not blank into `object`. As trace_reader_next(). */
int reader_object(struct trace_reader *reader);

/* A complaint at a column, or at a member of the line's object. -EINVAL. printf. */
int reader_complain(struct trace_reader *reader, size_t column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t member_column(const struct trace_reader *reader, const char *key);
#define COMPLAIN_OF(reader, key, ...)                                                              \
    reader_complain(reader, member_column(reader, key), __VA_ARGS__)

/* Reads a whole number, in a string as well, in two's complement. false: it is none. */
bool whole_number(const json_t *value, uint64_t *ret_number, bool *ret_negative);
/* Members of the line's object. 0, also when there is none: *ret_x is left alone then. -EINVAL after
 * a complaint. The text is heap. */
int member_number(struct trace_reader *reader, const char *key, uint64_t most,
                  uint64_t *ret_number);
int member_text(struct trace_reader *reader, const char *key, char **ret_text);

#endif
