/* test_json_text.c: what is JSON, and what is not. */
#include "sut/jobs/json_text.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

Test(json_text, what_is_json)
{
    static const char *const good[] = {
        "0",
        "-0",
        "12",
        "-1.50e+07",
        "1E9",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        " [ 1 , [ ] , { } ] \r\n\t",
        "{\"a\":{\"b\":[1,\"x\",null]},\"a\":2}",
        "\"\\u00e9\\ud83d \\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f\"",
    };
    for (size_t i = 0; i < COUNT(good); ++i)
        cr_assert(json_valid(good[i]), "%s", good[i]);
}

Test(json_text, what_is_none)
{
    static const char *const bad[] = {
        "",
        " ",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "tru",
        "True",
        "nul",
        "nulls",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12\"",
        "\"\n\"",
        "'a'",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "{\"a\" 1}",
        "[}",
        "{]",
        "1 2",
        "{}{}",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xc3\"",
        "\"\xe2\x82",
        "NaN",
        "[1]x",
    };
    for (size_t i = 0; i < COUNT(bad); ++i)
        cr_assert(!json_valid(bad[i]), "%s", bad[i]);
}

Test(json_text, objects)
{
    cr_assert(json_object_valid(" {\"a\": [1]} "));
    cr_assert(!json_object_valid("[{}]"));
    cr_assert(!json_object_valid("{} {}"));
    cr_assert(!json_object_valid("null"));
}

Test(json_text, depth_has_a_limit)
{
    char text[2 * JSON_DEPTH_MAX + 3];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; ++depth) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        cr_assert_eq(json_valid(text), depth == JSON_DEPTH_MAX);
        cr_assert_eq(json_too_deep(text), depth > JSON_DEPTH_MAX);
    }
}

Test(json_text, utf8)
{
    static const char *const good[] = {"", "a\x01", "\xc2\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80", "a\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf5\x80\x80\x80",
        "\xc2", "\xe2\x82",  "\xed\xbf\xbf"};
    for (size_t i = 0; i < COUNT(good); ++i)
        cr_assert(utf8_valid(good[i]), "%zu", i);
    for (size_t i = 0; i < COUNT(bad); ++i)
        cr_assert(!utf8_valid(bad[i]), "%zu", i);
}
