/* yaml.h: a YAML file as a plain tree that knows where everything stands, and complaints about it.
 *
 * The only place that knows libfyaml. Scalars stay text: what "5ms" or "10%" means is the caller's
 * business. Not accepted: anchors, aliases and tags, several documents, keys that are not plain
 * text, files over 1 MiB, and bytes that are not text. A key that stands twice in a map is a
 * complaint, and the first one counts.
 *
 * Complaints are collected, so that one reading tells everything that is wrong:
 *
 *     scenarios/x.yaml:7:3: error: unknown key "worklaod"; did you mean "workload"?
 *       worklaod: { jobs: 20 }
 *       ^
 */
#ifndef DURESS_YAML_H
#define DURESS_YAML_H

#include <stdbool.h>
#include <stddef.h>

enum yaml_kind { YAML_EMPTY, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    char *text;         /* YAML_TEXT */
    size_t offset;      /* where it begins in the source, in bytes */
    struct yaml *key;   /* of an entry of a map: a YAML_TEXT */
    struct yaml *first; /* YAML_LIST, YAML_MAP: children in the order of the file */
    struct yaml *next;
};

struct yaml_file;

/* Never NULL. When there are complaints already (unreadable, not YAML, empty), the root is NULL. */
struct yaml_file *yaml_read(const char *path);
/* The same from memory; complaints call it `name`. */
struct yaml_file *yaml_read_text(const char *name, const char *text, size_t length);
void yaml_free(struct yaml_file *file);
const struct yaml *yaml_root(const struct yaml_file *file);

/* A complaint at a node. printf. */
void yaml_complain(struct yaml_file *file, const struct yaml *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, at a character inside of a text node (at its start where the source does not spell it
 * verbatim). */
void yaml_complain_inside(struct yaml_file *file, const struct yaml *node, size_t offset,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* All complaints, in the order of the file, as heap text with a final newline; NULL when there are
 * none. */
char *yaml_complaints(struct yaml_file *file);

/* Where a node stands, from 1. Columns are characters. */
void yaml_position(const struct yaml_file *file, const struct yaml *node, int *ret_line,
                   int *ret_column);

/* "a map", "a list", "nothing", or the text itself: for "got ...". */
const char *yaml_describe(const struct yaml *node, char *out, size_t size);

#endif
