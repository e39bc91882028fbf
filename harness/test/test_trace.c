/* The trace: what is recorded comes back, and the fingerprint is over content, not over addresses. */
#include "harness/test/recorder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("test/trace/one", "the first point of this test");

static void record_one(struct point_site *at, uint64_t job, const char *text)
{
    TRACE(at, "test/trace/one", T_U64("job", job), T_STR("text", text), T_I64("delta", -3));
}

Test(trace, comes_back_as_it_was_recorded)
{
    struct recorder recorder = recorder_make(5);
    struct point_site at = {.sink = &recorder.sink, .node = 2, .actor = 7};
    record_one(&at, UINT64_MAX, "hello");
    record_one(&at, 5, NULL);
    struct trace_cursor cursor = {0};
    struct event event;
    cr_assert(trace_next(recorder.trace, &cursor, &event));
    cr_expect_eq(event.index, 0);
    cr_expect_eq(event.time_ns, 1005);
    cr_expect(event.node == 2 && event.actor == 7);
    cr_expect_str_eq(event.point->name, "test/trace/one");
    cr_expect_eq(event_u64(&event, "job"), UINT64_MAX);
    cr_expect_str_eq(event_str(&event, "text"), "hello");
    cr_expect_eq(event_i64(&event, "delta"), -3);
    cr_expect_eq(event_u64(&event, "none"), 0);
    cr_expect(event_has(&event, "job") && !event_has(&event, "none"));
    cr_assert(trace_next(recorder.trace, &cursor, &event));
    cr_expect_eq(event.index, 1);
    cr_expect_str_eq(event_str(&event, "text"), "");
    cr_expect(!trace_next(recorder.trace, &cursor, &event));
    trace_free(recorder.trace);
}

Test(trace, many_events_cross_chunks_in_order)
{
    struct recorder recorder = recorder_make(5);
    struct point_site at = {.sink = &recorder.sink};
    char text[200];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (uint64_t i = 0; i < 20000; i++)
        record_one(&at, i, text);
    struct trace_cursor cursor = {0};
    struct event event;
    uint64_t seen = 0;
    while (trace_next(recorder.trace, &cursor, &event)) {
        cr_assert_eq(event.index, seen);
        cr_assert_eq(event_u64(&event, "job"), seen);
        seen++;
    }
    cr_expect_eq(seen, 20000);
    trace_free(recorder.trace);
}

static void fingerprint_of(uint64_t job, const char *text, uint32_t node, char out[static 33])
{
    struct recorder recorder = recorder_make(5);
    struct point_site at = {.sink = &recorder.sink, .node = node};
    record_one(&at, 1, "same");
    record_one(&at, job, text);
    trace_fingerprint(recorder.trace, out);
    trace_free(recorder.trace);
}

Test(trace, the_fingerprint_is_over_content)
{
    char a[33], b[33];
    char *copy = strdup("text"); /* another address */
    fingerprint_of(1, "text", 1, a);
    fingerprint_of(1, copy, 1, b);
    cr_expect_str_eq(a, b);
    fingerprint_of(2, "text", 1, b);
    cr_expect_str_neq(a, b);
    fingerprint_of(1, "texu", 1, b);
    cr_expect_str_neq(a, b);
    fingerprint_of(1, "text", 2, b);
    cr_expect_str_neq(a, b);
    free(copy);
}

Test(trace, the_fingerprint_is_known_for_ever)
{
    char out[33];
    fingerprint_of(17, "known", 3, out);
    cr_expect_str_eq(out, "7272d2cb74c486def2c15df60774dda1", "%s", out);
}

Test(trace, prints_for_people_and_for_machines)
{
    struct recorder recorder = recorder_make(5);
    struct point_site at = {.sink = &recorder.sink, .node = 1, .actor = 4};
    char line[200], *json;
    size_t size;
    recorder.now_ns = 1250000000;
    record_one(&at, 17, "a \"b\"");
    struct trace_cursor cursor = {0};
    struct event event;
    trace_next(recorder.trace, &cursor, &event);
    event.fault = (struct fault){.kind = FAULT_CRASH};
    event_print(&event, line, sizeof line);
    cr_expect_str_eq(line,
                     "[     1.250s] n1 #4 test/trace/one job=17 text=a \"b\" delta=-3  <- crash");
    FILE *out = open_memstream(&json, &size);
    event_write_json(&event, out);
    fclose(out);
    cr_expect_str_eq(json,
                     "{\"i\": 0, \"t\": \"1250000005\", \"node\": 1, \"actor\": 4, "
                     "\"point\": \"test/trace/one\", \"job\": 17, \"text\": \"a \\\"b\\\"\", "
                     "\"delta\": -3, \"fault\": \"crash\"}\n",
                     "%s", json);
    event_print(&event, line, 20);
    cr_expect_eq(strlen(line), 19, "cut, not overrun");
    free(json);
    trace_free(recorder.trace);
}

Test(trace, a_sealed_trace_takes_nothing_more)
{
    struct recorder recorder = recorder_make(5);
    struct point_site at = {.sink = &recorder.sink};
    record_one(&at, 1, "");
    trace_seal(recorder.trace);
    record_one(&at, 2, "");
    cr_expect_eq(trace_count(recorder.trace), 1);
    trace_free(recorder.trace);
}

Test(registry, knows_points_without_running_them)
{
    registry_init();
    const struct point_info *info = registry_find("test/trace/one");
    cr_assert(info);
    cr_expect_str_eq(info->about, "the first point of this test");
    cr_expect(strstr(info->file, "test_trace.c"));
    cr_expect_null(registry_find("test/trace/none"));
    for (size_t i = 1; i < registry_count(); i++)
        cr_expect(strcmp(registry_get(i - 1)->name, registry_get(i)->name) < 0, "sorted");
}

Test(registry, every_point_is_described)
{
    registry_init();
    for (size_t i = 0; i < registry_count(); i++)
        cr_expect(registry_get(i)->about[0] != '\0', "%s (%s:%d) has no POINT_ABOUT",
                  registry_get(i)->name, registry_get(i)->file, registry_get(i)->line);
}
