/* nearest.c: the word that was probably meant. Edit distance with transpositions (optimal string
 * alignment), on three rows of a table; ties go to the word that comes first.
 */
#include "harness/engine.h"

#include <string.h>

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
