/* json_text.c: see json_text.h. One pass over the text, no memory; each function below takes the place where it begins and gives
 * the place behind what it read, or NULL. */
#include "sut/jobs/json_text.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- UTF-8 ---- */

/* Behind the character of more than one byte at `at`: its shortest form, no surrogate, up to U+10FFFF. */
static const char *utf8_wide(const char *at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)*at;
    int size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint32_t code = first & (0xffu >> (size + 1));
    if (first < 0xc0 || first > 0xf4)
        return NULL;
    for (int i = 1; i < size; ++i) {
        if ((at[i] & 0xc0) != 0x80)
            return NULL; /* the end of the text, too */
        code = code << 6 | (at[i] & 0x3f);
    }
    bool sound = code >= least[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return sound ? at + size : NULL;
}

bool utf8_valid(const char *text)
{
    for (const char *at = text; at && *at;)
        if (!(at = *at & 0x80 ? utf8_wide(at) : at + 1))
            return false;
    return true;
}

/* ---- JSON ---- */

static const char *blank(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
        ++at;
    return at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A backslash and what belongs to it. */
static const char *escape(const char *at)
{
    if (at[1] != 'u')
        return at[1] && strchr("\"\\/bfnrt", at[1]) ? at + 2 : NULL;
    for (int i = 2; i < 6; ++i)
        if (!is_digit(at[i]) && !((at[i] | 0x20) >= 'a' && (at[i] | 0x20) <= 'f'))
            return NULL;
    return at + 6;
}

static const char *string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (at && *at != '"') {
        if (*at == '\\')
            at = escape(at);
        else if (*at & 0x80)
            at = utf8_wide(at);
        else
            at = (unsigned char)*at >= ' ' ? at + 1 : NULL;
    }
    return at ? at + 1 : NULL;
}

static const char *digits(const char *at)
{
    if (!is_digit(*at))
        return NULL;
    while (is_digit(*at))
        ++at;
    return at;
}

static const char *number(const char *at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : digits(at);
    if (at && *at == '.')
        at = digits(at + 1);
    if (at && (*at == 'e' || *at == 'E'))
        at = digits(at + 1 + (at[1] == '+' || at[1] == '-'));
    return at;
}

static const char *word(const char *at, const char *expected)
{
    size_t length = strlen(expected);
    return strncmp(at, expected, length) == 0 ? at + length : NULL;
}

static const char *value(const char *at, int depth);

static const char *member(const char *at, int depth)
{
    at = string(at);
    if (!at || *(at = blank(at)) != ':')
        return NULL;
    return value(blank(at + 1), depth);
}

/* Of an object or an array: `close` is its end. */
static const char *members(const char *at, int depth, char close)
{
    if (depth == JSON_DEPTH_MAX)
        return NULL;
    at = blank(at + 1);
    if (*at == close)
        return at + 1;
    for (;;) {
        at = close == '}' ? member(at, depth + 1) : value(at, depth + 1);
        if (!at)
            return NULL;
        at = blank(at);
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
        at = blank(at + 1);
    }
}

static const char *value(const char *at, int depth)
{
    switch (*at) {
    case '{': return members(at, depth, '}');
    case '[': return members(at, depth, ']');
    case '"': return string(at);
    case 't': return word(at, "true");
    case 'f': return word(at, "false");
    case 'n': return word(at, "null");
    default: return number(at);
    }
}

bool json_valid(const char *text)
{
    const char *end = value(blank(text), 0);
    return end && *blank(end) == '\0';
}

bool json_object_valid(const char *text)
{
    return *blank(text) == '{' && json_valid(text);
}

bool json_too_deep(const char *text)
{
    int depth = 0;
    for (const char *at = text; at && *at && depth <= JSON_DEPTH_MAX; ++at) {
        if (*at == '"')
            at = string(at) ? string(at) - 1 : at;
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
    }
    return depth > JSON_DEPTH_MAX;
}
