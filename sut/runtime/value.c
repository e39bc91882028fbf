/* value.c: comparing, hashing and copying. A hash depends on the value alone, never on where it lies, so that a run with
 * the same values is the same run. */
#include "sut/runtime/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

bool value_valid(struct value value)
{
    return value.type == VALUE_REAL ? !isnan(value.real) : value.type <= VALUE_BYTES;
}

static bool bytes_same(struct value a, struct value b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

bool value_same(struct value a, struct value b)
{
    if (a.type != b.type)
        return false;
    if (a.type == VALUE_INTEGER)
        return a.integer == b.integer;
    return a.type == VALUE_REAL ? a.real == b.real : bytes_same(a, b);
}

static int bytes_compare(struct value a, struct value b)
{
    uint32_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter > 0 ? memcmp(a.bytes, b.bytes, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Exactly: the integer part of a double within the range of int64_t is an int64_t. */
static int mixed_compare(int64_t integer, double real)
{
    if (real >= 0x1p63)
        return -1;
    if (real < -0x1p63)
        return 1;
    int64_t whole = (int64_t)real;
    if (integer != whole)
        return integer < whole ? -1 : 1;
    double rest = real - (double)whole;
    return (rest < 0) - (rest > 0);
}

int value_compare(struct value a, struct value b)
{
    if (a.type == VALUE_BYTES || b.type == VALUE_BYTES)
        return a.type == b.type ? bytes_compare(a, b) : (int)a.type - (int)b.type;
    if (a.type == b.type)
        return a.type == VALUE_INTEGER ? (a.integer > b.integer) - (a.integer < b.integer)
                                       : (a.real > b.real) - (a.real < b.real);
    return a.type == VALUE_INTEGER ? mixed_compare(a.integer, b.real)
                                   : -mixed_compare(b.integer, a.real);
}

/* The finaliser of MurmurHash3 (Appleby). */
static uint32_t bits_hash(uint64_t bits)
{
    bits = (bits ^ (bits >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    bits = (bits ^ (bits >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(bits ^ (bits >> 33));
}

uint32_t value_hash(struct value value)
{
    if (value.type == VALUE_BYTES)
        return (uint32_t)XXH3_64bits(value.bytes, value.size);
    if (value.type == VALUE_INTEGER)
        return bits_hash((uint64_t)value.integer);
    uint64_t bits;
    double real = value.real + 0.0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &real, sizeof bits);
    return ~bits_hash(bits);
}

/* Doubles are ordered as their bits are, the negative ones the other way round. */
static uint64_t number_rank(double number)
{
    uint64_t bits;
    double zero_is_one = number + 0.0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &zero_is_one, sizeof bits);
    return (bits >> 63 ? ~bits : bits | UINT64_C(1) << 63) >> 1;
}

/* The first seven bytes, behind all numbers. */
static uint64_t bytes_rank(struct value value)
{
    uint64_t rank = 1;
    for (uint32_t i = 0; i < 7; i++)
        rank = rank << 8 | (i < value.size ? ((const unsigned char *)value.bytes)[i] : 0);
    return rank << 7;
}

uint64_t value_rank(struct value value)
{
    if (value.type == VALUE_BYTES)
        return bytes_rank(value);
    return number_rank(value.type == VALUE_REAL ? value.real : (double)value.integer);
}

const char *value_words(struct value value, char out[static VALUE_WORDS])
{
    if (value.type == VALUE_INTEGER)
        snprintf(out, VALUE_WORDS, "%" PRId64, value.integer);
    else if (value.type == VALUE_REAL)
        snprintf(out, VALUE_WORDS, "%.17g", value.real);
    else {
        uint32_t size = value.size < VALUE_WORDS ? value.size : VALUE_WORDS - 1;
        for (uint32_t i = 0; i < size; i++) {
            char c = ((const char *)value.bytes)[i];
            out[i] = c >= ' ' && c <= '~' ? c : '.';
        }
        out[size] = '\0';
    }
    return out;
}

bool tuple_valid(struct tuple tuple)
{
    for (uint32_t i = 0; i < tuple.count; i++)
        if (!value_valid(tuple.fields[i]))
            return false;
    return true;
}

bool tuple_same(struct tuple a, struct tuple b)
{
    if (a.count != b.count)
        return false;
    for (uint32_t i = 0; i < a.count; i++)
        if (!value_same(a.fields[i], b.fields[i]))
            return false;
    return true;
}

size_t tuple_bytes(struct tuple tuple)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < tuple.count; i++)
        if (tuple.fields[i].type == VALUE_BYTES)
            bytes += (size_t)tuple.fields[i].size + 1;
    return bytes;
}

struct tuple tuple_pack(struct tuple tuple, struct value *fields, char *bytes)
{
    for (uint32_t i = 0; i < tuple.count; i++) {
        fields[i] = tuple.fields[i];
        if (fields[i].type != VALUE_BYTES)
            continue;
        if (fields[i].size > 0)
            memcpy(bytes, tuple.fields[i].bytes, fields[i].size);
        bytes[fields[i].size] = '\0';
        fields[i].bytes = bytes;
        bytes += (size_t)fields[i].size + 1;
    }
    return (struct tuple){.count = tuple.count, .fields = fields};
}

struct tuple tuple_copy(struct heap *heap, struct tuple tuple)
{
    size_t fields = tuple.count * sizeof *tuple.fields;
    char *block = heap_alloc(heap, fields + tuple_bytes(tuple));
    return tuple_pack(tuple, (struct value *)(void *)block, block + fields);
}

struct value value_copy(struct heap *heap, struct value value)
{
    if (value.type != VALUE_BYTES)
        return value;
    char *bytes = heap_alloc(heap, (size_t)value.size + 1);
    return *tuple_pack((struct tuple){1, &value}, &value, bytes).fields;
}
