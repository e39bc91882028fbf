/* json_contains.c: see json_contains.h. Both are brought into their canonical form, where equal values are equal texts; then only
 * the ends of values are to be found. */
#include "sut/jobs/json_contains.h"
#include "sut/jobs/canonical.h"

#include <string.h>

/* A value: from its first character to behind its last one. */
struct span {
    const char *at, *end;
};

/* Behind the string that begins here. */
static const char *string_end(const char *at)
{
    for (++at; *at != '"'; ++at)
        at += *at == '\\';
    return at + 1;
}

/* Behind the value that begins here, in canonical JSON. */
static const char *value_end(const char *at)
{
    size_t depth = 0;
    do {
        if (*at == '"') {
            at = string_end(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        ++at;
    } while (depth > 0 || (*at && !strchr(",:]}", *at)));
    return at;
}

/* The element, or the name of a member, at or behind `at`. False: there is none. */
static bool next(const char *at, struct span *ret_value)
{
    at += *at == ',' || *at == ':';
    if (*at == ']' || *at == '}')
        return false;
    *ret_value = (struct span){at, value_end(at)};
    return true;
}

static bool equal(struct span a, struct span b)
{
    return a.end - a.at == b.end - b.at && memcmp(a.at, b.at, (size_t)(a.end - a.at)) == 0;
}

static bool contains(struct span whole, struct span part);

static bool has_member(struct span whole, struct span name, struct span value)
{
    struct span own;
    for (const char *at = whole.at + 1; next(at, &own);) {
        struct span held = {own.end + 1, value_end(own.end + 1)};
        if (equal(own, name))
            return contains(held, value);
        at = held.end;
    }
    return false;
}

static bool has_members(struct span whole, struct span part)
{
    struct span name;
    for (const char *at = part.at + 1; next(at, &name);) {
        struct span value = {name.end + 1, value_end(name.end + 1)};
        if (!has_member(whole, name, value))
            return false;
        at = value.end;
    }
    return true;
}

static bool has_element(struct span whole, struct span element)
{
    struct span own;
    for (const char *at = whole.at + 1; next(at, &own); at = own.end)
        if (contains(own, element))
            return true;
    return false;
}

static bool has_elements(struct span whole, struct span part)
{
    struct span element;
    for (const char *at = part.at + 1; next(at, &element); at = element.end)
        if (!has_element(whole, element))
            return false;
    return true;
}

static bool contains(struct span whole, struct span part)
{
    char kind = *part.at;
    if (kind != '{' && kind != '[')
        return equal(whole, part);
    if (*whole.at != kind)
        return false;
    return kind == '{' ? has_members(whole, part) : has_elements(whole, part);
}

bool json_contains(struct heap *heap, const char *whole, const char *part)
{
    struct text texts[2] = {{.heap = heap}, {.heap = heap}};
    if (!canonical_json(whole, NULL, &texts[0]) || !canonical_json(part, NULL, &texts[1]))
        return false;
    return contains((struct span){texts[0].bytes, texts[0].bytes + texts[0].size},
                    (struct span){texts[1].bytes, texts[1].bytes + texts[1].size});
}
