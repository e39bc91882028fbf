/* test_unique.c: what makes two jobs the same. */
#include "sut/jobs/canonical.h"
#include "sut/jobs/digest.h"
#include "sut/jobs/unique.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct heap heap;

static void setup(void)
{
    heap_init(&heap);
}

static void teardown(void)
{
    heap_done(&heap);
}

/* ---- digests ---- */

static void digest_is(const char *text, size_t size, const char *hex)
{
    unsigned char out[32];
    char got[65] = "";
    sha256(text, size, out);
    for (int i = 0; i < 32; ++i)
        sprintf(got + 2 * i, "%02x", out[i]);
    cr_assert_str_eq(got, hex);
}

Test(digest, of_the_standard)
{
    digest_is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *many = malloc(1000000);
    memset(many, 'a', 1000000);
    digest_is(many, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(many);
}

/* ---- canonical JSON ---- */

TestSuite(canonical, .init = setup, .fini = teardown);

static const char *canonical_of(const char *json, const char *const *names)
{
    struct text text = {.heap = &heap};
    return canonical_json(json, names, &text) ? text.bytes : NULL;
}

static const struct {
    const char *json, *canonical; /* NULL: it is no JSON */
} values[] = {
    {" { \"b\" : [ 1 , 2 ] , \"a\" : null } ", "{\"a\":null,\"b\":[1,2]}"},
    {"{}", "{}"},
    {"[]", "[]"},
    {"[[],{}]", "[[],{}]"},
    {"{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}"},
    {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
    {"{\"x\":{\"d\":1,\"c\":{\"f\":1,\"e\":2}}}", "{\"x\":{\"c\":{\"e\":2,\"f\":1},\"d\":1}}"},
    {"\"\\u0041\\/\\n\\u00e9\\ud83d\\ude00\"", "\"A/\\u000a\xc3\xa9\xf0\x9f\x98\x80\""},
    {"\"\\\"\\\\\\u0022\"", "\"\\\"\\\\\\\"\""},
    {"{\"\\u0061\":1}", "{\"a\":1}"},
    {"1.0", "1"},
    {"100", "1e2"},
    {"10e-1", "1"},
    {"0.050", "5e-2"},
    {"-0", "0"},
    {"-0.0e7", "0"},
    {"0e5", "0"},
    {"12345678901234567890123", "12345678901234567890123"},
    {"-1.5E+3", "-15e2"},
    {"true", "true"},
    {"", NULL},
    {"{", NULL},
    {"{\"a\"}", NULL},
    {"{\"a\":1,}", NULL},
    {"[1,]", NULL},
    {"[1 2]", NULL},
    {"01", NULL},
    {"1.", NULL},
    {".5", NULL},
    {"1e", NULL},
    {"-", NULL},
    {"+1", NULL},
    {"truth", NULL},
    {"nul", NULL},
    {"\"a", NULL},
    {"\"\\x\"", NULL},
    {"\"\\u12g4\"", NULL},
    {"\"\\", NULL},
    {"\"\n\"", NULL},
    {"{} x", NULL},
    {"'a'", NULL},
};

Test(canonical, values)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i) {
        const char *got = canonical_of(values[i].json, NULL);
        if (!values[i].canonical)
            cr_assert_null(got, "%s: %s", values[i].json, got);
        else
            cr_assert_str_eq(got ? got : "(none)", values[i].canonical, "%s: %s", values[i].json,
                             got);
    }
}

Test(canonical, half_of_a_pair_is_not_its_twin)
{
    cr_assert_str_neq(canonical_of("\"\\ud800\"", NULL), canonical_of("\"\\ud801\"", NULL));
    cr_assert_str_neq(canonical_of("\"\\ud800\\u0041\"", NULL), canonical_of("\"\\ud800\"", NULL));
}

Test(canonical, of_some_members)
{
    const char *const names[] = {"id", "a\"b", NULL};
    cr_assert_str_eq(canonical_of("{\"x\":1,\"id\":{\"z\":1,\"id\":2}}", names),
                     "{\"id\":{\"id\":2,\"z\":1}}");
    cr_assert_str_eq(canonical_of("{\"a\\u0022b\":1,\"y\":2}", names), "{\"a\\\"b\":1}");
    cr_assert_str_eq(canonical_of("{\"x\":1}", names), "{}");
    cr_assert_str_eq(canonical_of("[1]", names), "{}");
    cr_assert_null(canonical_of("{\"id\":1", names));
    cr_assert_null(canonical_of("", names));
}

static char *nested(size_t depth)
{
    char *json = heap_alloc(&heap, 2 * depth + 1);
    memset(json, '[', depth);
    memset(json + depth, ']', depth);
    return json;
}

Test(canonical, depth_is_limited)
{
    cr_assert_not_null(canonical_of(nested(CANONICAL_DEPTH_MAX), NULL));
    cr_assert_null(canonical_of(nested(CANONICAL_DEPTH_MAX + 1), NULL));
    cr_assert_null(canonical_of(nested(1 << 20), NULL));
}

/* ---- keys ---- */

TestSuite(unique, .init = setup, .fini = teardown);

static bool same_with(struct job_unique unique, struct job_spec a, struct job_spec b)
{
    char keys[2][JOB_UNIQUE_KEY_SIZE];
    a.unique = b.unique = &unique;
    if (!a.worker)
        a.worker = b.worker = "w";
    cr_assert(job_unique_key(&heap, &a, keys[0]));
    cr_assert(job_unique_key(&heap, &b, keys[1]));
    cr_assert_eq(strlen(keys[0]), 32);
    cr_assert_eq(heap_blocks(&heap), 0, "it cleans up");
    return strcmp(keys[0], keys[1]) == 0;
}

static bool same_args(struct job_unique unique, const char *a, const char *b)
{
    return same_with(unique, (struct job_spec){.args = a}, (struct job_spec){.args = b});
}

Test(unique, c10_of_fields)
{
    struct job_spec a = {.worker = "a"}, b = {.worker = "b"};
    cr_assert_not(same_with((struct job_unique){.fields = JOB_UNIQUE_WORKER}, a, b));
    cr_assert(same_with((struct job_unique){.fields = JOB_UNIQUE_ARGS}, a, b));
    b = (struct job_spec){.worker = "a", .queue = "mail", .args = "{\"a\":1}"};
    cr_assert(same_with((struct job_unique){.fields = JOB_UNIQUE_WORKER}, a, b));
    cr_assert_not(same_with((struct job_unique){.fields = JOB_UNIQUE_QUEUE}, a, b));
    cr_assert_not(same_with((struct job_unique){0}, a, b));
    b.queue = a.queue = "default", b.args = "{}";
    cr_assert(same_with((struct job_unique){0}, a, b), "what is the default may be said");
}

Test(unique, c11_of_keys)
{
    struct job_unique by_id = {.keys = (const char *const[]){"id", NULL}};
    cr_assert(same_args(by_id, "{\"id\":1,\"x\":1}", "{\"x\":2,\"id\":1}"));
    cr_assert_not(same_args(by_id, "{\"id\":1}", "{\"id\":2}"));
    cr_assert(same_args(by_id, "{\"x\":1}", "{\"y\":1}"), "neither has one");
    cr_assert_not(same_args(by_id, "{\"id\":null}", "{}"));
}

Test(unique, c12_c13_of_all_args)
{
    struct job_unique unique = {0};
    cr_assert_not(same_args(unique, "{}", "{\"id\":1}"));
    cr_assert(same_args(unique, "{}", NULL));
    cr_assert_not(same_args(unique, "{\"id\":1}", "{\"id\":1,\"extra\":1}"));
    cr_assert_not(same_args(unique, "{\"id\":1,\"extra\":1}", "{\"id\":1}"));
    cr_assert(same_args(unique, "{\"a\":1,\"b\":[2.0]}", " {\"b\":[2], \"a\":1}"));
    cr_assert_not(same_args(unique, "{\"a\":[1,2]}", "{\"a\":[2,1]}"));
    cr_assert_not(same_args(unique, "{\"a\":1}", "{\"a\":\"1\"}"));
}

Test(unique, c14_of_meta)
{
    struct job_unique by_batch = {.fields = JOB_UNIQUE_META,
                                  .keys = (const char *const[]){"batch", NULL}};
    struct job_spec a = {.meta = "{\"batch\":1,\"x\":1}"}, b = {.meta = "{\"batch\":1}"},
                    c = {.meta = "{\"batch\":2}", .args = "{\"batch\":1}"};
    cr_assert(same_with(by_batch, a, b));
    cr_assert_not(same_with(by_batch, b, c));
    by_batch.fields |= JOB_UNIQUE_ARGS;
    a = (struct job_spec){.args = "{\"batch\":1}"};
    cr_assert_not(same_with(by_batch, a, b), "one is in args, the other one in meta");
}

Test(unique, what_is_no_json_has_no_key)
{
    char key[JOB_UNIQUE_KEY_SIZE];
    struct job_unique unique = {0};
    struct job_spec spec = {.worker = "w", .args = "{", .unique = &unique};
    cr_assert_not(job_unique_key(&heap, &spec, key));
    unique.fields = JOB_UNIQUE_WORKER;
    cr_assert(job_unique_key(&heap, &spec, key), "nobody asked for it");
}

/* ---- what is asked for ---- */

static void refused(struct job_unique unique, const char *why)
{
    struct job_spec spec = {.worker = "w", .unique = &unique};
    const char *got = job_spec_check(&spec);
    cr_assert_str_eq(got ? got : "accepted", why);
}

Test(unique, c22_defaults)
{
    struct job_unique unique = {0};
    cr_assert_null(job_unique_check(&unique));
    cr_assert_null(job_unique_warning(&unique));
    cr_assert_eq(job_unique_period_ms(&unique), 60000);
    cr_assert_eq(job_unique_states(&unique), JOB_STATES_SUCCESSFUL);
    unique.period_ms = JOB_UNIQUE_FOREVER;
    cr_assert_eq(job_unique_period_ms(&unique), INT64_MAX);
}

Test(unique, c23_c24_c26_refused)
{
    refused((struct job_unique){.period_ms = -1}, "a period of uniqueness must not be negative");
    refused((struct job_unique){.fields = 1u << UNIQUE_FIELD_COUNT},
            "it is to be unique by a field that there is not");
    refused((struct job_unique){.states = 1u << JOB_STATE_COUNT},
            "it is to be unique in a state that there is not");
    refused(
        (struct job_unique){.fields = JOB_UNIQUE_WORKER, .keys = (const char *const[]){"id", NULL}},
        "keys are members of args and meta, but it is to be unique by neither");
    refused((struct job_unique){.keys = (const char *const[]){NULL}},
            "it is to be unique by keys, but by none of them");
    refused((struct job_unique){.replace = {[JOB_SCHEDULED] = 1u << REPLACE_FIELD_COUNT}},
            "a field is to be replaced that there is not");
}

Test(unique, c25_states_in_which_nothing_begins)
{
    struct job_unique unique = {.states = JOB_STATE_BIT(JOB_COMPLETED)};
    cr_assert_null(job_unique_check(&unique));
    cr_assert_not_null(job_unique_warning(&unique));
    unique.states |= JOB_STATE_BIT(JOB_SCHEDULED);
    cr_assert_null(job_unique_warning(&unique));
}

Test(unique, copies_share_nothing)
{
    char key[] = "id";
    struct job_unique unique = {.keys = (const char *const[]){key, NULL}, .states = 3};
    struct job_unique *copy = job_unique_copy(&heap, &unique);
    key[0] = 'x';
    cr_assert_str_eq(copy->keys[0], "id");
    cr_assert_null(copy->keys[1]);
    cr_assert_eq(copy->states, 3);
}
