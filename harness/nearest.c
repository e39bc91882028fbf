/* nearest.c: the word that was probably meant. Edit distance with transpositions (optimal string
 * alignment), on three rows of a table; ties go to the word that comes first.
 */
#define _GNU_SOURCE /* asprintf */
#include "harness/engine.h"

#include "harness/cli/options.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORD_MAX 96 /* longer words have no neighbours */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (unsigned j = 0; j <= b_length; j++)
        last[j] = j;
    memcpy(before, last, sizeof rows[0]);
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned changed = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min3(last[j] + 1, row[j - 1] + 1, changed);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min3(row[j], row[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_length];
}

const char *nearest_word(const char *word, size_t length, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    unsigned best = length < 3 ? 1 : (unsigned)(length + 2) / 3; /* a third may be wrong */
    if (length == 0 || length > WORD_MAX)
        return NULL;
    best++;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(words[i]);
        if (other > WORD_MAX)
            continue;
        unsigned apart = distance(word, length, words[i], other);
        if (apart < best && apart < other) { /* something must be the same */
            best = apart;
            nearest = words[i];
        }
    }
    return nearest;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

char *nearest_file(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int folder = (int)(name - path);
    char *dir, *hint;
    struct dirent **entries = NULL;
    if (asprintf(&dir, "%.*s", folder ? folder : 2, folder ? path : "./") < 0)
        abort();
    int count = access(path, F_OK) ? scandir(dir, &entries, is_visible, alphasort) : 0;
    struct words names = {0};
    for (int i = 0; i < count; i++)
        if (strcmp(entries[i]->d_name, name) != 0) /* a link that leads nowhere */
            words_add(&names, entries[i]->d_name);
    const char *near = nearest_word(name, strlen(name), names.items, names.count);
    if (asprintf(&hint, "%s%.*s%s%s", near ? "; did you mean '" : "", near ? folder : 0, path,
                 near ? near : "", near ? "'?" : "") < 0)
        abort();
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    free(dir);
    words_done(&names);
    return hint;
}
