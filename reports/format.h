/* format.h: numbers and times for people. No floats: everything is cut, not rounded, so that 99.97%
 * is never 100%. */
#ifndef DURESS_FORMAT_H
#define DURESS_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Enough for any of the texts below. */
#define FORMAT_MAX 48

/* "41,203,118" */
const char *format_count(uint64_t value, char out[static FORMAT_MAX]);
/* "17", "4.1k", "1.3M", "2.0G" */
const char *format_short(uint64_t value, char out[static FORMAT_MAX]);
/* "250ms", "30.0s", "12m 05s", "3h 20m", "412d 3h" */
const char *format_time(int64_t ns, char out[static FORMAT_MAX]);
/* `value` a second, over `ns`; 0 when no time has passed. */
uint64_t format_rate(uint64_t value, int64_t ns);
/* "1 run", "1,204 runs" */
const char *format_plural(uint64_t count, const char *noun, char out[static FORMAT_MAX]);

/* At most `width` characters of a text (not bytes), with control characters and broken UTF-8 as
 * '?'. Returns how many were written. */
size_t format_line(const char *text, size_t width, FILE *out);

#endif
