/* format.c: see format.h. */
#include "reports/format.h"

#include "harness/json.h"
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

const char *format_count(uint64_t value, char out[static FORMAT_MAX])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *format_short(uint64_t value, char out[static FORMAT_MAX])
{
    static const struct {
        uint64_t unit;
        char letter;
    } units[] = {{UINT64_C(1000000000), 'G'}, {1000000, 'M'}, {1000, 'k'}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (value >= units[i].unit) {
            snprintf(out, FORMAT_MAX, "%" PRIu64 ".%" PRIu64 "%c", value / units[i].unit,
                     value / (units[i].unit / 10) % 10, units[i].letter);
            return out;
        }
    snprintf(out, FORMAT_MAX, "%" PRIu64, value);
    return out;
}

const char *format_time(int64_t ns, char out[static FORMAT_MAX])
{
    int64_t s = ns / SECOND;
    if (s < 1)
        snprintf(out, FORMAT_MAX, "%" PRId64 "ms", ns / MS);
    else if (s < 60)
        snprintf(out, FORMAT_MAX, "%" PRId64 ".%" PRId64 "s", s, ns / (100 * MS) % 10);
    else if (s < 3600)
        snprintf(out, FORMAT_MAX, "%" PRId64 "m %02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, FORMAT_MAX, "%" PRId64 "h %02" PRId64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(out, FORMAT_MAX, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
    return out;
}

uint64_t format_rate(uint64_t value, int64_t ns)
{
    if (ns <= 0)
        return 0;
    return (uint64_t)((unsigned __int128)value * (uint64_t)SECOND / (uint64_t)ns);
}

const char *format_plural(uint64_t count, const char *noun, char out[static FORMAT_MAX])
{
    char number[FORMAT_MAX];
    snprintf(out, FORMAT_MAX, "%.31s %s%s", format_count(count, number), noun,
             count == 1 ? "" : "s");
    return out;
}

size_t format_line(const char *text, size_t width, FILE *out)
{
    size_t count = 0;
    for (; *text && count < width; count++) {
        unsigned length = utf8_length(text);
        bool plain = length > 1 || (length == 1 && (unsigned char)*text >= 0x20 && *text != 0x7f);
        if (plain)
            fwrite(text, 1, length, out);
        else
            fputc('?', out);
        text += length ? length : 1;
    }
    return count;
}
