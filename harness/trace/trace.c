/* The trace in memory: a list of chunks, each a run of packed records, and their call sites beside them.
 *
 * A record is canonical bytes, which the fingerprint is rolled over: little-endian numbers and NUL-terminated texts, the
 * point by the hash of its name. The call site is an address and therefore stays outside of them.
 */
#include "harness/hash.h"
#include "harness/trace/internal.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL /* records are short: a call is a good part of their hash */
#include <xxhash.h>

#define CHUNK_BYTES (256 * 1024)
#define TEXT_MAX    1024 /* a longer text field is cut in the trace */
#define RECORD_MIN  30   /* bytes of an event without fields */
#define HASH_BYTES  4096 /* are hashed at once: that is faster than record by record */

struct chunk {
    size_t used, hashed, records;
    unsigned char bytes[CHUNK_BYTES];
    const struct point *points[CHUNK_BYTES / RECORD_MIN + 1];
};

struct trace {
    XXH3_state_t *hash;
    struct chunk **chunks;
    size_t chunk_count, chunk_capacity;
    uint64_t count;
    bool sealed;
    struct {
        void (*fn)(void *ctx, const struct event *event);
        void *ctx;
    } listeners[4];
    size_t listener_count;
};

struct trace *trace_new(void)
{
    struct trace *trace = calloc(1, sizeof *trace);
    if (!trace || !(trace->hash = XXH3_createState()))
        abort();
    XXH3_128bits_reset(trace->hash);
    return trace;
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    XXH3_freeState(trace->hash);
    for (size_t i = 0; i < trace->chunk_count; i++)
        free(trace->chunks[i]);
    free(trace->chunks);
    free(trace);
}

void trace_listen(struct trace *trace, void (*listen)(void *ctx, const struct event *event),
                  void *ctx)
{
    assert(trace->listener_count < sizeof trace->listeners / sizeof trace->listeners[0]);
    trace->listeners[trace->listener_count].fn = listen;
    trace->listeners[trace->listener_count++].ctx = ctx;
}

/* ---- packing ---- */

static unsigned char *put_u8(unsigned char *at, unsigned value)
{
    *at = (unsigned char)value;
    return at + 1;
}

static unsigned char *put_u32(unsigned char *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static unsigned char *put_u64(unsigned char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static unsigned char *put_text(unsigned char *at, const char *text)
{
    size_t length = text ? strnlen(text, TEXT_MAX) : 0;
    if (length)
        memcpy(at, text, length);
    at[length] = '\0';
    return at + length + 1;
}

static unsigned char *put_field(unsigned char *at, const struct point_field *field)
{
    at = put_u8(at, field->type);
    return field->type == FIELD_STR ? put_text(at, field->str) : put_u64(at, field->u64);
}

#define PACKED_MAX (64 + POINT_FIELDS_MAX * (TEXT_MAX + 2))

/* Time, node, actor, point, fault, fields. Returns the end. */
static unsigned char *pack(unsigned char *at, const struct event *event)
{
    at = put_u64(at, (uint64_t)event->time_ns);
    at = put_u64(at, event->actor);
    at = put_u64(at, registry_hash(event->point->id));
    at = put_u32(at, event->node);
    at = put_u8(at, event->fault.kind);
    if (event->fault.kind != FAULT_NONE) {
        at = put_u32(at, (uint32_t)event->fault.err);
        at = put_u64(at, (uint64_t)event->fault.lo_ns);
    }
    at = put_u8(at, event->count);
    for (unsigned i = 0; i < event->count; i++)
        at = put_field(at, &event->fields[i]);
    return at;
}

static void chunk_hash(const struct trace *trace, struct chunk *chunk)
{
    XXH3_128bits_update(trace->hash, chunk->bytes + chunk->hashed, chunk->used - chunk->hashed);
    chunk->hashed = chunk->used;
}

/* Room for one record of the greatest size. */
static struct chunk *chunk_with_room(struct trace *trace)
{
    struct chunk *last = trace->chunk_count ? trace->chunks[trace->chunk_count - 1] : NULL;
    if (last && CHUNK_BYTES - last->used >= PACKED_MAX)
        return last;
    if (last)
        chunk_hash(trace, last);
    if (trace->chunk_count == trace->chunk_capacity) {
        trace->chunk_capacity = trace->chunk_capacity ? trace->chunk_capacity * 2 : 16;
        trace->chunks = realloc(trace->chunks, trace->chunk_capacity * sizeof(struct chunk *));
    }
    last = malloc(sizeof *last);
    if (!last || !trace->chunks)
        abort();
    last->used = last->hashed = last->records = 0;
    trace->chunks[trace->chunk_count++] = last;
    return last;
}

void trace_record(struct trace *trace, struct event *event)
{
    struct point *point = (struct point *)event->point;
    assert(event->count <= POINT_FIELDS_MAX);
    if (trace->sealed)
        return;
    if (__builtin_expect(!point->field_names[0] && event->count, 0))
        registry_learn(point, event->fields, event->count);

    struct chunk *chunk = chunk_with_room(trace);
    chunk->points[chunk->records++] = point;
    chunk->used = (size_t)(pack(chunk->bytes + chunk->used, event) - chunk->bytes);
    if (chunk->used - chunk->hashed >= HASH_BYTES)
        chunk_hash(trace, chunk);
    event->index = trace->count++;
    for (size_t i = 0; i < trace->listener_count; i++)
        trace->listeners[i].fn(trace->listeners[i].ctx, event);
}

void trace_seal(struct trace *trace)
{
    trace->sealed = true;
}

uint64_t trace_count(const struct trace *trace)
{
    return trace->count;
}

void trace_fingerprint(const struct trace *trace, char out[static 33])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical;
    if (trace->chunk_count)
        chunk_hash(trace, trace->chunks[trace->chunk_count - 1]);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(trace->hash));
    for (int i = 0; i < 16; i++) {
        out[2 * i] = digits[canonical.digest[i] >> 4];
        out[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
    out[32] = '\0';
}

/* ---- reading back ---- */

static const unsigned char *get_u32(const unsigned char *at, uint32_t *ret)
{
    memcpy(ret, at, sizeof *ret);
    *ret = le32toh(*ret);
    return at + sizeof *ret;
}

static const unsigned char *get_u64(const unsigned char *at, uint64_t *ret)
{
    memcpy(ret, at, sizeof *ret);
    *ret = le64toh(*ret);
    return at + sizeof *ret;
}

static const unsigned char *get_field(const unsigned char *at, struct point_field *field)
{
    field->type = (enum field_type) * at++;
    if (field->type != FIELD_STR)
        return get_u64(at, &field->u64);
    field->str = (const char *)at;
    return at + strlen(field->str) + 1;
}

static const unsigned char *unpack(const unsigned char *at, const struct point *point,
                                   struct point_field *fields, struct event *event)
{
    uint64_t word;
    at = get_u64(at, &word);
    event->time_ns = (int64_t)word;
    at = get_u64(at, &event->actor);
    at = get_u64(at, &word); /* the hash of the point's name */
    at = get_u32(at, &event->node);
    event->fault = (struct fault){.kind = (enum fault_kind) * at++};
    if (event->fault.kind != FAULT_NONE) {
        uint32_t err;
        at = get_u32(at, &err);
        at = get_u64(at, &word);
        event->fault.err = (int)err;
        event->fault.lo_ns = event->fault.hi_ns = (int64_t)word;
    }
    event->count = *at++;
    for (unsigned i = 0; i < event->count; i++) {
        at = get_field(at, &fields[i]);
        fields[i].name = point->field_names[i];
    }
    return at;
}

bool trace_next(const struct trace *trace, struct trace_cursor *cursor, struct event *ret_event)
{
    while (cursor->chunk < trace->chunk_count &&
           cursor->offset >= trace->chunks[cursor->chunk]->used) {
        cursor->chunk++;
        cursor->offset = cursor->record = 0;
    }
    if (cursor->chunk >= trace->chunk_count)
        return false;
    const struct chunk *chunk = trace->chunks[cursor->chunk];
    const struct point *point = chunk->points[cursor->record++];
    const unsigned char *end =
        unpack(chunk->bytes + cursor->offset, point, cursor->fields, ret_event);
    ret_event->index = cursor->index++;
    ret_event->point = point;
    ret_event->fields = cursor->fields;
    cursor->offset = (size_t)(end - chunk->bytes);
    return true;
}

/* ---- fields ---- */

const struct point_field *event_field_by_text(const struct event *event, const char *name)
{
    const struct point_field *fields = event->fields, *end = fields + event->count;
    for (const struct point_field *field = fields; field < end; field++)
        if (field->name[0] == name[0] && strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

bool event_key_taken(const char *name)
{
    static const char *const taken[] = {"i", "t", "node", "actor", "point", "fault"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(taken[i], name) == 0)
            return true;
    return false;
}

uint64_t fields_key(const struct point_field *fields, unsigned count)
{
    if (count == 0)
        return 0;
    return fields[0].type == FIELD_STR ? hash_text(fields[0].str) : fields[0].u64;
}
