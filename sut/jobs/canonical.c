/* canonical.c: see canonical.h. Each value is written behind the others as it is read; an object's members are then put in order.
 * Nothing is kept but texts: what one call needs is in the caller's heap, and goes with it. */
#include "sut/jobs/canonical.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *text, const void *bytes, size_t size)
{
    if (text->size + size >= text->room) {
        text->room = 2 * (text->size + size) + 64;
        text->bytes = heap_realloc(text->heap, text->bytes, text->room);
    }
    if (size)
        memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

static void add_char(struct text *text, char c)
{
    text_add(text, &c, 1);
}

/* Where the reader stands; NULL: it is no JSON. */
struct reader {
    const char *at;
    int depth;
    struct text *text;
};

static void skip_blanks(struct reader *reader)
{
    if (reader->at)
        reader->at += strspn(reader->at, " \t\r\n");
}

/* The character, and blanks behind it. */
static bool take(struct reader *reader, char c)
{
    if (!reader->at || *reader->at != c)
        return false;
    reader->at++;
    skip_blanks(reader);
    return true;
}

static void expect(struct reader *reader, char c)
{
    if (!take(reader, c))
        reader->at = NULL;
}

/* ---- strings: in UTF-8, but for what must be escaped ---- */

static bool read_hex(struct reader *reader, uint32_t *ret_code)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
        char c = *reader->at, low = (char)(c | 0x20);
        bool digit = c >= '0' && c <= '9', letter = low >= 'a' && low <= 'f';
        if (!digit && !letter)
            return false;
        code = code << 4 | (uint32_t)(digit ? c - '0' : low - 'a' + 10);
        ++reader->at;
    }
    *ret_code = code;
    return true;
}

static bool is_high(uint32_t code)
{
    return code >= 0xd800 && code < 0xdc00;
}

static bool is_low(uint32_t code)
{
    return code >= 0xdc00 && code < 0xe000;
}

/* Behind `\u`. Half of a pair alone stays what it is: three bytes that stand for nothing else. */
static bool read_code(struct reader *reader, uint32_t *ret_code)
{
    if (!read_hex(reader, ret_code))
        return false;
    const char *behind = reader->at;
    uint32_t low;
    if (!is_high(*ret_code) || strncmp(behind, "\\u", 2) != 0)
        return true;
    reader->at += 2;
    if (!read_hex(reader, &low))
        return false;
    if (is_low(low))
        *ret_code = 0x10000 + ((*ret_code - 0xd800) << 10 | (low - 0xdc00));
    else
        reader->at = behind; /* the second one stands for itself */
    return true;
}

static void add_code(struct text *text, uint32_t code)
{
    if (code < 0x80) {
        add_char(text, (char)code);
    } else if (code < 0x800) {
        add_char(text, (char)(0xc0 | code >> 6));
        add_char(text, (char)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        add_char(text, (char)(0xe0 | code >> 12));
        add_char(text, (char)(0x80 | (code >> 6 & 0x3f)));
        add_char(text, (char)(0x80 | (code & 0x3f)));
    } else {
        add_char(text, (char)(0xf0 | code >> 18));
        add_char(text, (char)(0x80 | (code >> 12 & 0x3f)));
        add_char(text, (char)(0x80 | (code >> 6 & 0x3f)));
        add_char(text, (char)(0x80 | (code & 0x3f)));
    }
}

/* As it stands in a string: each character in one way only. */
static void add_escaped(struct text *text, uint32_t code)
{
    static const char digits[] = "0123456789abcdef";
    if (code == '"' || code == '\\')
        add_char(text, '\\');
    if (code >= ' ') {
        add_code(text, code);
        return;
    }
    text_add(text, "\\u00", 4);
    add_char(text, digits[code >> 4]);
    add_char(text, digits[code & 15]);
}

static bool read_escape(struct reader *reader, uint32_t *ret_code)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char c = *reader->at++;
    const char *letter = c ? strchr(letters, c) : NULL;
    if (c == 'u')
        return read_code(reader, ret_code);
    if (letter)
        *ret_code = (unsigned char)meanings[letter - letters];
    return letter != NULL;
}

static void read_string(struct reader *reader)
{
    struct text *text = reader->text;
    if (!reader->at || *reader->at != '"') {
        reader->at = NULL;
        return;
    }
    add_char(text, *reader->at++);
    for (uint32_t code; *reader->at != '"';) {
        unsigned char c = (unsigned char)*reader->at++;
        bool sound = c >= ' ';
        if (c == '\\' && (sound = read_escape(reader, &code)))
            add_escaped(text, code);
        else if (sound)
            add_char(text, (char)c);
        if (!sound) {
            reader->at = NULL;
            return;
        }
    }
    add_char(text, *reader->at++);
    skip_blanks(reader);
}

/* ---- numbers: digits without zeros at either end, and the power of ten that they are to be taken times ---- */

static size_t digit_count(const char *at)
{
    return strspn(at, "0123456789");
}

/* Beyond it, exponents need not be told apart. */
#define EXPONENT_MAX 1000000000

static long read_exponent(const char *at, size_t length)
{
    bool negative = *at == '-';
    size_t sign = negative || *at == '+';
    long exponent = 0;
    for (size_t i = sign; i < length; ++i)
        if (exponent < EXPONENT_MAX)
            exponent = 10 * exponent + (at[i] - '0');
    return negative ? -exponent : exponent;
}

static void add_integer(struct text *text, long number)
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%ld", number);
    text_add(text, digits, (size_t)count);
}

/* whole and fraction are digits; the value is whole.fraction * 10^exponent. */
static void add_number(struct text *text, bool negative, const char *whole, size_t whole_size,
                       const char *fraction, size_t fraction_size, long exponent)
{
    size_t start = text->size;
    if (negative)
        add_char(text, '-');
    size_t first = text->size;
    text_add(text, whole, whole_size);
    text_add(text, fraction, fraction_size);
    exponent -= (long)fraction_size;
    while (text->size > first && text->bytes[text->size - 1] == '0')
        --text->size, ++exponent;
    size_t zeros = 0;
    while (first + zeros < text->size && text->bytes[first + zeros] == '0')
        ++zeros;
    memmove(text->bytes + first, text->bytes + first + zeros, text->size - first - zeros);
    text->size -= zeros;
    if (text->size == first) { /* there is no negative zero */
        text->size = start;
        add_char(text, '0');
    } else if (exponent) {
        add_char(text, 'e');
        add_integer(text, exponent);
    }
}

static void read_number(struct reader *reader)
{
    const char *at = reader->at;
    bool negative = *at == '-';
    const char *whole = at + negative;
    size_t whole_size = *whole == '0' ? 1 : digit_count(whole);
    at = whole + whole_size;
    const char *fraction = *at == '.' ? at + 1 : at;
    size_t fraction_size = *at == '.' ? digit_count(fraction) : 0;
    bool sound = whole_size > 0 && (*at != '.' || fraction_size > 0);
    at = fraction + fraction_size;
    long exponent = 0;
    if (*at == 'e' || *at == 'E') {
        size_t sign = at[1] == '-' || at[1] == '+', size = digit_count(at + 1 + sign);
        sound &= size > 0;
        exponent = read_exponent(at + 1, sign + size);
        at += 1 + sign + size;
    }
    reader->at = sound ? at : NULL;
    if (sound)
        add_number(reader->text, negative, whole, whole_size, fraction, fraction_size, exponent);
    skip_blanks(reader);
}

static void read_word(struct reader *reader)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
        size_t size = strlen(words[i]);
        if (strncmp(reader->at, words[i], size) != 0)
            continue;
        text_add(reader->text, words[i], size);
        reader->at += size;
        skip_blanks(reader);
        return;
    }
    reader->at = NULL;
}

/* ---- arrays and objects ---- */

static void read_value(struct reader *reader);

static void read_array(struct reader *reader)
{
    take(reader, '[');
    add_char(reader->text, '[');
    if (!take(reader, ']')) {
        do {
            read_value(reader);
            add_char(reader->text, ',');
        } while (take(reader, ','));
        expect(reader, ']');
        --reader->text->size; /* the last comma */
    }
    add_char(reader->text, ']');
}

/* Offsets into the text, while it grows; then texts. */
struct member {
    size_t place, name_size, size; /* size: `"name":value` */
    const char *bytes;
};

static int member_order(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    size_t least = a->name_size < b->name_size ? a->name_size : b->name_size;
    int order = memcmp(a->bytes, b->bytes, least);
    if (order == 0 && a->name_size != b->name_size)
        return a->name_size < b->name_size ? -1 : 1;
    if (order == 0) /* of one name: as they came */
        return a->place < b->place ? -1 : a->place > b->place;
    return order;
}

struct members {
    struct member *list;
    size_t count, room;
};

static void read_member(struct reader *reader, struct members *members)
{
    struct text *text = reader->text;
    if (members->count == members->room) {
        members->room = members->room ? 2 * members->room : 8;
        members->list =
            heap_realloc(text->heap, members->list, members->room * sizeof *members->list);
    }
    struct member *member = &members->list[members->count++];
    size_t place = text->size;
    read_string(reader);
    *member = (struct member){.place = place, .name_size = text->size - place};
    expect(reader, ':');
    add_char(text, ':');
    read_value(reader);
    members->list[members->count - 1].size = text->size - place; /* `member` may have moved */
}

static bool same(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* Is it one of the names? They are plain text, it has been read. */
static bool is_named(struct heap *heap, const struct member *member, const char *const *names)
{
    bool found = false;
    for (; *names && !found; ++names) {
        struct text name = {.heap = heap};
        add_char(&name, '"');
        for (const char *at = *names; *at; ++at)
            if ((unsigned char)*at < 0x80)
                add_escaped(&name, (unsigned char)*at);
            else
                add_char(&name, *at);
        add_char(&name, '"');
        found = same(name.bytes, name.size, member->bytes, member->name_size);
        heap_release(heap, name.bytes);
    }
    return found;
}

/* Puts them in order where they stand: without those that a later one of their name replaces, and those not asked for. */
static void members_settle(struct text *text, struct members *members, const char *const *names)
{
    if (members->count == 0)
        return;
    size_t start = members->list[0].place;
    char *copy = heap_memdup(text->heap, text->bytes + start, text->size - start);
    for (size_t i = 0; i < members->count; ++i)
        members->list[i].bytes = copy + (members->list[i].place - start);
    qsort(members->list, members->count, sizeof *members->list, member_order);
    text->size = start;
    for (size_t i = 0; i < members->count; ++i) {
        const struct member *member = &members->list[i], *next = member + 1;
        if (i + 1 < members->count &&
            same(next->bytes, next->name_size, member->bytes, member->name_size))
            continue;
        if (names && !is_named(text->heap, member, names))
            continue;
        if (text->size > start)
            add_char(text, ',');
        text_add(text, member->bytes, member->size);
    }
    heap_release(text->heap, copy);
}

static void read_object(struct reader *reader, const char *const *names)
{
    struct members members = {0};
    take(reader, '{');
    add_char(reader->text, '{');
    if (!take(reader, '}')) {
        do
            read_member(reader, &members);
        while (take(reader, ','));
        expect(reader, '}');
    }
    if (reader->at)
        members_settle(reader->text, &members, names);
    heap_release(reader->text->heap, members.list);
    add_char(reader->text, '}');
}

static void read_value(struct reader *reader)
{
    if (!reader->at || reader->depth == CANONICAL_DEPTH_MAX) {
        reader->at = NULL;
        return;
    }
    ++reader->depth;
    switch (*reader->at) {
    case '{': read_object(reader, NULL); break;
    case '[': read_array(reader); break;
    case '"': read_string(reader); break;
    case 't':
    case 'f':
    case 'n': read_word(reader); break;
    default: read_number(reader);
    }
    --reader->depth;
}

bool canonical_json(const char *json, const char *const *names, struct text *text)
{
    struct reader reader = {.at = json, .text = text};
    skip_blanks(&reader);
    size_t start = text->size;
    if (names && *reader.at == '{')
        read_object(&reader, names);
    else
        read_value(&reader);
    if (names && *json && reader.at && text->bytes[start] != '{') {
        text->size = start;
        text_add(text, "{}", 2);
    }
    text_add(text, "", 0); /* what became shorter ends here */
    return reader.at && *reader.at == '\0';
}
