/* lineage.c: chains of who spawned whom, counted. */
#include "sut/runtime/lineage.h"

#include <inttypes.h>
#include <stdio.h>

struct lineage *lineage_new(struct heap *heap, struct lineage *up, uint64_t pid, const char *name,
                            const char *label)
{
    const char *format = name ? "%s" : "%s<%" PRIu64 ">";
    const char *text = name ? name : label;
    size_t size = (size_t)snprintf(NULL, 0, format, text, pid) + 1;
    struct lineage *lineage = heap_alloc(heap, sizeof *lineage + size);
    lineage->up = lineage_hold(up);
    lineage->holders = 1;
    lineage->pid = pid;
    snprintf(lineage->words, size, format, text, pid);
    return lineage;
}

struct lineage *lineage_hold(struct lineage *lineage)
{
    if (lineage)
        ++lineage->holders;
    return lineage;
}

void lineage_release(struct heap *heap, struct lineage *lineage)
{
    while (lineage && --lineage->holders == 0) {
        struct lineage *up = lineage->up;
        heap_release(heap, lineage);
        lineage = up;
    }
}

const char *lineage_words(const struct lineage *lineage, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (; lineage && used < size - 1; lineage = lineage->up) {
        int more = snprintf(out + used, size - used, "%s%s", used ? " " : "", lineage->words);
        used += (size_t)more;
    }
    return out;
}
