/* The JSON writer: what it writes is read back by another library, digit for digit. */
#include "harness/json.h"
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void expect_in(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "\"%s\" is missing in:\n%s", part, text);
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *root =
        json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    cr_assert(root, "%s in:\n%s", error.text, text);
    return root;
}

static char *write_samples(unsigned broken_depth)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct json json;
    json_init(&json, out, broken_depth);
    json_object_begin(&json, NULL);
    json_array_begin(&json, "numbers");
    json_count(&json, NULL, UINT64_C(1) << 53);
    json_count(&json, NULL, (UINT64_C(1) << 53) + 1);
    json_int(&json, NULL, INT64_MIN);
    json_int(&json, NULL, -5);
    json_u64(&json, NULL, UINT64_MAX);
    json_hex(&json, NULL, UINT64_MAX);
    json_bool(&json, NULL, true);
    json_str(&json, NULL, NULL);
    json_array_end(&json);
    json_object_begin(&json, "empty");
    json_object_end(&json);
    json_array_begin(&json, "empty too");
    json_array_end(&json);
    json_object_end(&json);
    cr_assert_eq(json_done(&json), 0);
    fclose(out);
    return text;
}

Test(json, numbers_keep_every_digit)
{
    char *text = write_samples(0);
    cr_expect_str_eq(text,
                     "{\"numbers\": [9007199254740992, \"9007199254740993\", "
                     "\"-9223372036854775808\", -5, \"18446744073709551615\", "
                     "\"0xffffffffffffffff\", true, null], \"empty\": {}, \"empty too\": []}\n");
    free(text);
}

Test(json, broken_lines_say_the_same)
{
    char *flat_text = write_samples(0), *broken_text = write_samples(9);
    json_t *flat = parse(flat_text), *broken = parse(broken_text);
    cr_expect(json_equal(flat, broken));
    expect_in(broken_text, "\n  \"numbers\": [\n    9007199254740992,\n");
    json_decref(flat);
    json_decref(broken);
    free(flat_text);
    free(broken_text);
}

Test(json, every_byte_survives_or_is_replaced)
{
    char all[256 + 16], *text = NULL;
    size_t size, used = 0;
    for (int c = 1; c < 0x80; c++)
        all[used++] = (char)c;
    strcpy(all + used, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    FILE *out = open_memstream(&text, &size);
    json_escape(out, all);
    fclose(out);
    json_t *root = parse(text);
    cr_expect_str_eq(json_string_value(root), all);
    json_decref(root);
    free(text);
}

Test(json, broken_utf8_is_replaced)
{
    /* stray continuation, overlong slash, surrogate, beyond U+10FFFF, cut short */
    static const char *const broken[] = {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                         "\xe2\x82"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        json_escape(out, broken[i]);
        fclose(out);
        json_t *root = parse(text);
        expect_in(json_string_value(root), "\xef\xbf\xbd");
        json_decref(root);
        free(text);
    }
}
