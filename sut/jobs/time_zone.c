/* time_zone.c: see time_zone.h. Of a TZif file, the second block is read (64-bit times, version 2 and later), and its footer. */
#include "sut/jobs/time_zone.h"
#include "sut/jobs/calendar.h"
#include "sut/runtime/heap.h"

#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 44
#define TYPE_SIZE   6 /* of a kind of local time: offset, whether it is summer, abbreviation */
#define FOOTER_MAX  128

/* ---- names ---- */

static bool is_rule(const char *name)
{
    return name[0] == '<' || strchr(name, ',');
}

static bool is_utc(const char *name)
{
    return strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0;
}

bool time_zone_known(const char *name)
{
    return is_utc(name) || is_rule(name);
}

const char *time_zone_name_check(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "/_+-";
    size_t length = strlen(name);
    if (length == 0 || length > ZONE_NAME_MAX)
        return "the name of a time zone has 1 to 63 characters";
    if (is_rule(name))
        return NULL;
    if (strspn(name, letters) != length || name[0] == '/')
        return "no name of a time zone; they look like Europe/Berlin";
    return NULL;
}

/* ---- a file ---- */

struct block {
    const unsigned char *times, *indexes, *types, *end;
    size_t time_count, type_count, leap_count;
};

static uint64_t big_endian(const unsigned char *bytes, size_t count)
{
    uint64_t number = 0;
    while (count--)
        number = number << 8 | *bytes++;
    return number;
}

/* One block, whose times have `width` bytes. NULL: the file ends too soon, or is something else. */
static const unsigned char *block_read(const unsigned char *data, const unsigned char *end,
                                       size_t width, struct block *ret_block)
{
    if (end - data < HEADER_SIZE || memcmp(data, "TZif", 4) != 0)
        return NULL;
    size_t counts[6]; /* of UTC and of standard marks, leap seconds, times, types, characters */
    for (size_t i = 0; i < 6; ++i)
        counts[i] = big_endian(data + 20 + 4 * i, 4);
    struct block block = {
        .time_count = counts[3], .type_count = counts[4], .leap_count = counts[2]};
    block.times = data + HEADER_SIZE;
    size_t size = counts[3] * (width + 1) + counts[4] * TYPE_SIZE + counts[5] +
                  counts[2] * (width + 4) + counts[1] + counts[0];
    if (size > (size_t)(end - block.times))
        return NULL;
    block.indexes = block.times + block.time_count * width;
    block.types = block.indexes + block.time_count;
    block.end = block.times + size;
    *ret_block = block;
    return block.end;
}

static int type_offset(const struct block *block, size_t type)
{
    int32_t seconds = (int32_t)(uint32_t)big_endian(block->types + type * TYPE_SIZE, 4);
    return (int)floor_div((int64_t)seconds + 30, 60);
}

/* Changes that leave the offset alone (another abbreviation) are none. */
static bool spans_read(struct time_zone *zone, struct heap *heap, const struct block *block)
{
    struct zone_span *span = heap_alloc(heap, (block->time_count + 1) * sizeof *span);
    zone->spans = span;
    *span = (struct zone_span){INT64_MIN, INT64_MAX, type_offset(block, 0)};
    for (size_t i = 0; i < block->time_count; ++i) {
        int64_t at = floor_div((int64_t)big_endian(block->times + 8 * i, 8), 60);
        size_t type = block->indexes[i];
        if (type >= block->type_count || at <= zone->rule_from)
            return false;
        zone->rule_from = at;
        int offset = type_offset(block, type);
        if (offset == span->offset)
            continue;
        span->to = at;
        *++span = (struct zone_span){at, INT64_MAX, offset};
    }
    zone->span_count = (size_t)(span - zone->spans) + 1;
    return true;
}

/* "\nRULE\n"; an empty rule: nothing is said about later times. */
static bool footer_read(struct time_zone *zone, const unsigned char *data, const unsigned char *end)
{
    char text[FOOTER_MAX];
    size_t length = 0;
    if (data == end || *data++ != '\n')
        return false;
    for (; data < end && *data != '\n' && length < sizeof text - 1; ++data)
        text[length++] = (char)*data;
    text[length] = '\0';
    zone->ruled = length > 0;
    if (zone->ruled)
        zone->spans[zone->span_count - 1].to = zone->rule_from;
    return data < end && *data == '\n' && (length == 0 || zone_rule_parse(text, &zone->rule));
}

static const char *file_read(struct time_zone *zone, struct heap *heap, const unsigned char *data,
                             size_t size)
{
    struct block block;
    const unsigned char *end = data + size, *second = block_read(data, end, 4, &block);
    if (!second)
        return "its file is no TZif file, or cut off";
    if (data[4] < '2')
        return "its file is of version 1, which ends in 2038; install a newer tzdata";
    const unsigned char *footer = block_read(second, end, 8, &block);
    if (!footer || block.type_count == 0)
        return "its file is cut off";
    if (block.leap_count)
        return "it counts leap seconds, which the database's clock does not: leave out \"right/\"";
    if (!spans_read(zone, heap, &block) || !footer_read(zone, footer, end))
        return "its file is damaged";
    return NULL;
}

/* ---- a zone ---- */

static const char *zone_read(struct time_zone *zone, struct heap *heap, const char *name,
                             const unsigned char *data, size_t size)
{
    const char *wrong = time_zone_name_check(name);
    if (wrong)
        return wrong;
    snprintf(zone->name, sizeof zone->name, "%s", name);
    if (!time_zone_known(name))
        return file_read(zone, heap, data, size);
    zone->spans = heap_alloc(heap, sizeof *zone->spans);
    *zone->spans = (struct zone_span){INT64_MIN, INT64_MAX, 0};
    zone->span_count = 1;
    zone->ruled = is_rule(name);
    if (zone->ruled && !zone_rule_parse(name, &zone->rule))
        return "no rule as in CET-1CEST,M3.5.0,M10.5.0/3";
    return NULL;
}

bool time_zone_init(struct time_zone *ret_zone, struct heap *heap, const char *name,
                    const unsigned char *data, size_t size, char *why, size_t why_size)
{
    struct time_zone zone = {.rule_from = INT64_MIN};
    const char *wrong = zone_read(&zone, heap, name, data, size);
    if (wrong) {
        heap_release(heap, zone.spans);
        snprintf(why, why_size, "time zone '%s': %s", name, wrong);
        return false;
    }
    *ret_zone = zone;
    return true;
}

struct zone_span time_zone_span(const struct time_zone *zone, int64_t minute)
{
    if (zone->ruled && minute >= zone->rule_from) {
        struct zone_span span = zone_rule_span(&zone->rule, minute);
        span.from = span.from > zone->rule_from ? span.from : zone->rule_from;
        return span;
    }
    size_t low = 0, high = zone->span_count - 1;
    while (low < high) {
        size_t middle = (low + high + 1) / 2;
        if (zone->spans[middle].from <= minute)
            low = middle;
        else
            high = middle - 1;
    }
    return zone->spans[low];
}
