/* yaml_internal.h: what yaml.c (reading) and yaml_complain.c (saying what is wrong) share. */
#ifndef DURESS_YAML_INTERNAL_H
#define DURESS_YAML_INTERNAL_H

#include "harness/scenario/yaml.h"

#define YAML_SIZE_MAX    ((size_t)1 << 20)
#define YAML_ENTRIES_MAX 4096 /* of one map: the search for twins is quadratic */

struct complaint {
    size_t offset;
    char *text;
};

struct yaml_file {
    char *path;
    char *source; /* NUL at `length` */
    size_t length;
    struct yaml *root;
    struct complaint *complaints;
    size_t complaint_count;
};

/* `room`: for so many bytes of source, and two more. */
struct yaml_file *yaml_file_new(const char *path, size_t room);
void yaml_node_free(struct yaml *node); /* with all below it; NULL is fine */
void yaml_forget_complaints(struct yaml_file *file);

#endif
