/* registry.c: the reporters that are linked in, sorted by kind. */
#include "harness/report.h"

#include <string.h>

extern const struct reporter *const __start_duress_reporters[] __attribute__((weak));
extern const struct reporter *const __stop_duress_reporters[] __attribute__((weak));

size_t reporters_count(void)
{
    /* cppcheck-suppress comparePointers ; the linker makes them ends of one array */
    return (size_t)(__stop_duress_reporters - __start_duress_reporters);
}

/* How many reporters come before this one; of twins, the one that was linked first. */
static size_t rank(size_t which)
{
    size_t before = 0;
    for (size_t i = 0; i < reporters_count(); i++) {
        int order =
            strcmp(__start_duress_reporters[i]->kind, __start_duress_reporters[which]->kind);
        before += order < 0 || (order == 0 && i < which);
    }
    return before;
}

const struct reporter *reporters_get(size_t index)
{
    for (size_t i = 0; i < reporters_count(); i++)
        if (rank(i) == index)
            return __start_duress_reporters[i];
    return NULL;
}

const struct reporter *reporters_find(const char *kind)
{
    for (size_t i = 0; i < reporters_count(); i++)
        if (strcmp(__start_duress_reporters[i]->kind, kind) == 0)
            return __start_duress_reporters[i];
    return NULL;
}
