/* prop_database.c: failures that are known, one file per property:
 *
 *     duress-cases 1
 *     property list/reverse_twice_is_identity
 *     case 1:2:0,1
 *     end 1
 *
 * The newest case stands first. Files appear whole or not at all. A line that cannot be read is told and skipped,
 * and the file is written anew with the next change.
 */
#define _GNU_SOURCE /* asprintf */
#include "harness/suite/rundir.h"
#include "properties/prop_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KNOWN_MAX = 10 };

static char *database_path(const char *dir, const struct prop *prop)
{
    char *path;
    if (asprintf(&path, "%s/%s.%s.cases", dir, prop->suite, prop->name) < 0)
        abort();
    return path;
}

/* ---- the list ---- */

void known_cases_remove(struct known_cases *known, size_t index)
{
    free(known->items[index]);
    known->count--;
    memmove(known->items + index, known->items + index + 1,
            (known->count - index) * sizeof *known->items);
}

static void known_cases_insert(struct known_cases *known, size_t index, const char *text)
{
    known->items = reallocarray(known->items, known->count + 1, sizeof *known->items);
    char *copy = strdup(text);
    if (!known->items || !copy)
        abort();
    memmove(known->items + index + 1, known->items + index,
            (known->count - index) * sizeof *known->items);
    known->items[index] = copy;
    known->count++;
}

void known_cases_put_first(struct known_cases *known, const char *text)
{
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->items[i], text) == 0)
            known_cases_remove(known, i--);
    known_cases_insert(known, 0, text);
    while (known->count > KNOWN_MAX)
        known_cases_remove(known, known->count - 1);
}

void known_cases_done(struct known_cases *known)
{
    while (known->count)
        known_cases_remove(known, known->count - 1);
    free(known->items);
    *known = (struct known_cases){0};
}

/* ---- reading ---- */

struct reader {
    const char *path;
    FILE *complaints;
    size_t line;
    struct known_cases *known;
    bool ended;
};

static void complain(const struct reader *reader, const char *why)
{
    if (reader->complaints)
        fprintf(reader->complaints, "%s:%zu: skipped: %s\n", reader->path, reader->line, why);
}

static void read_case(struct reader *reader, const char *text)
{
    struct case_values values;
    char why[200];
    if (case_parse(text, &values, why, sizeof why)) {
        complain(reader, why);
        return;
    }
    case_values_done(&values);
    known_cases_insert(reader->known, reader->known->count, text);
}

static void read_line(struct reader *reader, const char *line)
{
    size_t announced;
    if (strncmp(line, "case ", 5) == 0) {
        read_case(reader, line + 5);
    } else if (sscanf(line, "end %zu", &announced) == 1) {
        reader->ended = true;
        if (announced != reader->known->count)
            complain(reader, "the file announces another number of cases");
    } else if (strncmp(line, "property ", 9) != 0) {
        complain(reader, "it is neither property, case nor end");
    }
}

static void read_lines(struct reader *reader, FILE *in)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, in) > 0) {
        line[strcspn(line, "\n")] = '\0';
        reader->line++;
        if (reader->line > 1) {
            read_line(reader, line);
        } else if (strcmp(line, "duress-cases 1") != 0) {
            complain(reader, "the file does not begin with 'duress-cases 1'");
            reader->ended = true;
            break;
        }
    }
    free(line);
    if (!reader->ended)
        complain(reader, "the file ends too early");
}

void database_read(const char *dir, const struct prop *prop, struct known_cases *ret_known,
                   FILE *complaints)
{
    *ret_known = (struct known_cases){0};
    char *path = database_path(dir, prop);
    struct reader reader = {.path = path, .complaints = complaints, .known = ret_known};
    FILE *in = fopen(path, "re");
    if (in) {
        read_lines(&reader, in);
        fclose(in);
    } else if (errno != ENOENT && errno != ENOTDIR) {
        complain(&reader, strerror(errno));
    }
    free(path);
}

/* ---- writing ---- */

struct writer {
    const struct prop *prop;
    const struct known_cases *known;
};

static int write_known(void *ctx, FILE *out)
{
    const struct writer *writer = ctx;
    fprintf(out, "duress-cases 1\nproperty %s/%s\n", writer->prop->suite, writer->prop->name);
    for (size_t i = 0; i < writer->known->count; i++)
        fprintf(out, "case %s\n", writer->known->items[i]);
    fprintf(out, "end %zu\n", writer->known->count);
    return 0;
}

void database_write(const char *dir, const struct prop *prop, const struct known_cases *known,
                    FILE *complaints)
{
    char *path = database_path(dir, prop);
    int err = 0;
    if (known->count == 0) {
        path_delete(path);
    } else {
        err = path_make(dir);
        if (!err)
            err = file_replace(path, write_known, &(struct writer){prop, known});
    }
    if (err && complaints)
        fprintf(complaints, "%s: cannot be written: %s\n", path, strerror(-err));
    free(path);
}
