/* gen_many.c: lists, sets, permutations, bytes, text and maps; see gen.h. */
#include "properties/gen.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

static bool is_new(const struct gen_elements *of, const char *items, size_t count)
{
    const char *last = items + count * of->size;
    for (size_t i = 0; of->same && i < count; i++)
        if (of->same(items + i * of->size, last))
            return false;
    return true;
}

void *gen_list(struct gen *gen, const struct gen_elements *of, size_t *ret_count)
{
    struct sequence_list list = {.min = of->min, .max = of->max};
    size_t room = of->min > 8 ? of->min : 8;
    char *items = arena_alloc(gen->arena, room * of->size);
    while (gen_more(gen, &list)) {
        size_t last = list.count - 1;
        if (list.count > room) {
            items = arena_copy(gen->arena, items, room * of->size, 2 * room * of->size);
            room *= 2;
        }
        of->draw(gen, items + last * of->size, of->how);
        if (!is_new(of, items, last))
            gen_reject(gen, &list);
    }
    *ret_count = list.count;
    return items;
}

static void draw_int(struct gen *gen, void *ret_item, const void *how)
{
    const int64_t *bounds = how;
    *(int64_t *)ret_item = gen_int(gen, bounds[0], bounds[1]);
}

static bool same_int(const void *a, const void *b)
{
    return *(const int64_t *)a == *(const int64_t *)b;
}

static struct ints draw_ints(struct gen *gen, size_t min, size_t max, const int64_t bounds[2],
                             bool unique)
{
    struct ints ints;
    const struct gen_elements of = {min,      max,    sizeof *ints.items,
                                    draw_int, bounds, unique ? same_int : NULL};
    ints.items = gen_list(gen, &of, &ints.count);
    return ints;
}

struct ints gen_ints(struct gen *gen, size_t min, size_t max, int64_t lo, int64_t hi)
{
    return draw_ints(gen, min, max, (const int64_t[]){lo, hi}, false);
}

struct ints gen_unique(struct gen *gen, size_t min, size_t max, int64_t lo, int64_t hi)
{
    uint64_t others = (uint64_t)hi - (uint64_t)lo;
    assert(min == 0 || min - 1 <= others);
    if (max > 0 && max - 1 > others)
        max = (size_t)others + 1;
    return draw_ints(gen, min, max, (const int64_t[]){lo, hi}, true);
}

/* ---- orders ---- */

void gen_shuffle(struct gen *gen, void *items, size_t count, size_t size)
{
    char *at = items, *held = arena_alloc(gen->arena, size);
    gen_begin(gen, "shuffle");
    for (size_t i = 0; i + 1 < count; i++) {
        size_t other = i + (size_t)gen_uniform(gen, 0, (int64_t)(count - 1 - i));
        memcpy(held, at + i * size, size);
        memmove(at + i * size, at + other * size, size);
        memcpy(at + other * size, held, size);
    }
    gen_end(gen);
}

struct ints gen_permutation(struct gen *gen, size_t count)
{
    struct ints ints = {arena_alloc(gen->arena, count * sizeof *ints.items), count};
    for (size_t i = 0; i < count; i++)
        ints.items[i] = (int64_t)i;
    gen_shuffle(gen, ints.items, count, sizeof *ints.items);
    return ints;
}

/* ---- bytes ---- */

static void draw_byte(struct gen *gen, void *ret_item, const void *how)
{
    (void)how;
    *(unsigned char *)ret_item = (unsigned char)gen_int(gen, 0, 255);
}

struct bytes gen_bytes(struct gen *gen, size_t min, size_t max)
{
    struct bytes bytes;
    const struct gen_elements of = {.min = min, .max = max, .size = 1, .draw = draw_byte};
    bytes.data = gen_list(gen, &of, &bytes.size);
    return bytes;
}

/* ---- text ---- */

#define PRINTABLE_REST                                                                             \
    {' ', '/'}, {':', '@'}, {'[', '`'},                                                            \
    {                                                                                              \
        '{', '~'                                                                                   \
    }

const struct alphabet gen_digits[] = {{'0', '9'}, {0}};
const struct alphabet gen_lower[] = {{'a', 'z'}, {0}};
const struct alphabet gen_letters[] = {{'0', '9'}, {'a', 'z'}, {'A', 'Z'}, {0}};
const struct alphabet gen_printable[] = {{'0', '9'}, {'a', 'z'}, {'A', 'Z'}, PRINTABLE_REST, {0}};
/* The control characters, Latin-1 and the like, the rest of the first plane, and the other planes. */
const struct alphabet gen_unicode[] = {
    {'0', '9'},    {'a', 'z'},      {'A', 'Z'},       PRINTABLE_REST,      {1, 31},
    {0x7f, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, 0x10ffff}, {0},
};

size_t utf8_write(char out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[length] | code);
    return length;
}

static size_t alphabet_size(const struct alphabet *of)
{
    size_t size = 0;
    for (; of->first; of++)
        size += of->last - of->first + 1;
    return size;
}

static uint32_t alphabet_code(const struct alphabet *of, size_t at)
{
    for (; of->first; of++) {
        size_t size = of->last - of->first + 1;
        if (at < size)
            return of->first + (uint32_t)at;
        at -= size;
    }
    abort(); /* the caller stays inside of the alphabet */
}

/* How far into its alphabet a text reaches: most stay with the simple letters. */
static size_t draw_reach(struct gen *gen, const struct alphabet *of)
{
    static const size_t reaches[] = {62, 95, 95 + 31 + 0x781, SIZE_MAX};
    size_t size = alphabet_size(of);
    if (size <= reaches[0])
        return size;
    size_t reach = reaches[GEN_WEIGHTED(gen, 4, 3, 2, 2)];
    return reach < size ? reach : size;
}

char *gen_text(struct gen *gen, const struct alphabet *of, size_t min, size_t max)
{
    of = of ? of : gen_unicode;
    gen_begin(gen, "text");
    int64_t reach = (int64_t)draw_reach(gen, of);
    struct sequence_list list = {.min = min, .max = max, .label = "letter"};
    size_t room = 4 * (min > 16 ? min : 16), length = 0;
    char *text = arena_alloc(gen->arena, room + 1);
    while (gen_more(gen, &list)) {
        if (length + 4 > room) {
            text = arena_copy(gen->arena, text, length, 2 * room + 1);
            room *= 2;
        }
        length +=
            utf8_write(text + length, alphabet_code(of, (size_t)gen_uniform(gen, 0, reach - 1)));
    }
    gen_end(gen);
    return text;
}

/* ---- maps ---- */

static void draw_entry(struct gen *gen, void *ret_item, const void *how)
{
    const int64_t *bounds = how;
    struct gen_entry *entry = ret_item;
    entry->key = gen_text(gen, gen_printable, 0, 12);
    entry->value = gen_int(gen, bounds[0], bounds[1]);
}

static bool same_key(const void *a, const void *b)
{
    return strcmp(((const struct gen_entry *)a)->key, ((const struct gen_entry *)b)->key) == 0;
}

struct gen_entries gen_map(struct gen *gen, size_t min, size_t max, int64_t lo, int64_t hi)
{
    struct gen_entries entries;
    const struct gen_elements of = {
        min, max, sizeof *entries.items, draw_entry, (const int64_t[]){lo, hi}, same_key};
    entries.items = gen_list(gen, &of, &entries.count);
    return entries;
}
