/* array.h: rows that grow. */
#ifndef PROPERTIES_ARRAY_H
#define PROPERTIES_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

/* realloc() that doubles for one more element, from 16 on, and aborts when memory is out. */
static inline void *array_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : 16;
    array = realloc(array, *capacity * size);
    if (!array)
        abort();
    return array;
}

#endif
