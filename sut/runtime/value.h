/* value.h: what tables and registries keep: an integer, a real, or bytes, and rows of them.
 *
 * Two ways to compare, as in Erlang: *same* is strict (1 and 1.0 differ), *compare* is an order in which they are equal. In
 * the order numbers come before bytes; numbers are compared exactly, also integers that no double can hold; of two byte
 * strings of which one begins the other the shorter comes first. 0.0 and -0.0 are the same. There is no NaN:
 * value_valid() says false, and whoever takes values in refuses it.
 */
#ifndef SUT_VALUE_H
#define SUT_VALUE_H

#include "sut/runtime/heap.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum value_type { VALUE_INTEGER, VALUE_REAL, VALUE_BYTES };

struct value {
    uint32_t type;
    uint32_t size; /* of the bytes */
    union {
        int64_t integer;
        double real;
        const void *bytes; /* borrowed, unless somebody says otherwise */
    };
};

/* A row: what a table calls an object. */
struct tuple {
    uint32_t count;
    const struct value *fields;
};

/* struct tuple row = TUPLE(value_int(1), value_text("one")); it lives as long as the block it is in. */
#define TUPLE(...)                                                                                 \
    ((struct tuple){.count =                                                                       \
                        (uint32_t)(sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value)),  \
                    .fields = (struct value[]){__VA_ARGS__}})

static inline struct value value_int(int64_t integer)
{
    return (struct value){.type = VALUE_INTEGER, .integer = integer};
}

static inline struct value value_real(double real)
{
    return (struct value){.type = VALUE_REAL, .real = real};
}

/* At most 4 GiB; a longer one is cut to nothing that value_valid() accepts. */
static inline struct value value_bytes(const void *bytes, size_t size)
{
    return (struct value){.type = size > UINT32_MAX ? UINT32_MAX : VALUE_BYTES,
                          .size = (uint32_t)size,
                          .bytes = bytes};
}

/* Without its terminating zero. */
static inline struct value value_text(const char *text)
{
    return value_bytes(text, strlen(text));
}

bool value_valid(struct value value);
bool value_same(struct value a, struct value b);
int value_compare(struct value a, struct value b); /* < 0, 0, > 0 */
uint32_t value_hash(struct value value);           /* equal for same values */
/* A number that goes with the order: of values that compare as equal the ranks are equal, of others they may be. */
uint64_t value_rank(struct value value);
/* For events and reports: what does not fit is cut, bytes that do not print are dots. Into `out`, returned. */
enum { VALUE_WORDS = 48 };
const char *value_words(struct value value, char out[static VALUE_WORDS]);
bool tuple_valid(struct tuple tuple);
bool tuple_same(struct tuple a, struct tuple b);

/* Copies with all bytes; each is followed by a zero. In one block of `heap`, which `fields` (of the value: `bytes`) points to.
 */
struct value value_copy(struct heap *heap, struct value value);
struct tuple tuple_copy(struct heap *heap, struct tuple tuple);

/* What tuple_pack() needs besides, and the packing: the fields go to `fields`, their bytes to `bytes`. */
size_t tuple_bytes(struct tuple tuple);
struct tuple tuple_pack(struct tuple tuple, struct value *fields, char *bytes);

#endif
