/* The story of a failure: short, about the right things, and with the line that shows it again. */
#include "reports/story_match.h"
#include "reports/test/sample.h"
#include <stdlib.h>

#define TEST_POINT(ident, point_name)                                                              \
    static struct point ident = {.name = point_name, .file = __FILE__, .line = __LINE__};          \
    static struct point *const ident##_ref POINT_SECTION("duress_points") = &ident

TEST_POINT(store_reply, "storytest/ack/reply");
TEST_POINT(perform, "storytest/perform/start");
TEST_POINT(noise, "storytest/noise/tick");
TEST_POINT(insert, "storytest/insert/ok");
TEST_POINT(killed, "world/node/kill"); /* one more site of the world's own point */
POINT_ABOUT("storytest/ack/reply", "for the tests of stories");
POINT_ABOUT("storytest/perform/start", "for the tests of stories");
POINT_ABOUT("storytest/noise/tick", "for the tests of stories");
POINT_ABOUT("storytest/insert/ok", "for the tests of stories");

static void record(struct trace *trace, struct point *point, uint32_t node, struct fault fault,
                   const struct point_field *fields, unsigned count)
{
    struct event event = {.time_ns = INT64_C(1000000000) + (int64_t)trace_count(trace) * 1000000,
                          .node = node,
                          .point = point,
                          .fields = fields,
                          .count = count,
                          .fault = fault};
    trace_record(trace, &event);
}

#define RECORD(trace, point, node, fault, ...)                                                     \
    record(trace, point, node, fault, (struct point_field[]){__VA_ARGS__},                         \
           sizeof((struct point_field[]){__VA_ARGS__}) / sizeof(struct point_field))

static const struct fault none = {0};

/* 500 events of noise around a lost reply and a job that is performed twice. */
static struct trace *make_trace(void)
{
    registry_init();
    struct trace *trace = trace_new();
    RECORD(trace, &insert, 0, none, T_U64("key", 5), T_U64("job", 17));
    for (unsigned i = 0; i < 400; i++)
        RECORD(trace, &noise, 1, none, T_U64("tick", i));
    RECORD(trace, &store_reply, 2, ((struct fault){.kind = FAULT_DISCONNECT}),
           T_STR("queue", "mail"));
    RECORD(trace, &killed, 2, none, T_STR("name", "n2"));
    RECORD(trace, &perform, 2, none, T_U64("job", 17), T_U64("attempt", 1));
    for (unsigned i = 0; i < 100; i++)
        RECORD(trace, &noise, 1, none, T_U64("tick", 1000 + i));
    RECORD(trace, &perform, 2, none, T_U64("job", 17), T_U64("attempt", 1)); /* event 504 */
    RECORD(trace, &noise, 1, none, T_U64("tick", 7777));
    return trace;
}

static char *story_of(const struct trace *trace, struct report_failure failure)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct run run = {.trace = (struct trace *)(uintptr_t)trace};
    struct scenario scenario = {.path = "scenarios/jobs/lost-replies.yaml"};
    trace_fingerprint(trace, run.fingerprint);
    story_write(&run, &scenario, &failure, out);
    fclose(out);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

Test(story, tells_what_was_done_what_happened_and_how_to_see_it_again)
{
    struct trace *trace = make_trace();
    struct report_failure failure = failures[0];
    failure.event = 504;
    char *text = story_of(trace, failure);
    expect_in(text, "scenario   lost replies\n");
    expect_in(text, "seed       0xfedcba9876543210\n");
    expect_in(text, "verdict    job 17 was finished by lease 3\n");
    expect_in(text,
              "[     1.401s] n2: the reply of storytest/ack was lost (disconnect), queue mail\n");
    expect_in(text, "[     1.402s] n2: was killed\n");
    expect_in(text, "  -> [     1.504s] n2 storytest/perform/start job=17 attempt=1\n");
    expect_in(text, "storytest/insert/ok key=5 job=17\n");
    expect_in(text, "storytest/noise/tick tick=1099\n"); /* among the last 15 */
    expect_not_in(text, "tick=1080\n");
    expect_not_in(text, "tick=7777\n"); /* after the failure */
    expect_in(text, "build/duress replay build/r1/failures/1/tape\n");
    expect_not_in(text, "waited for");
    expect_not_in(text, "options that this run drew");
    cr_expect_lt(count_lines(text), 50, "%s", text);
    free(text);
    trace_free(trace);
}

TEST_POINT(option, "swarm/option/draw"); /* one more site of the nemesis' own point */

Test(story, begins_with_the_options_that_the_run_drew)
{
    registry_init();
    struct trace *trace = trace_new();
    RECORD(trace, &option, 0, none, T_STR("name", "kill node"), T_STR("value", "every 20s..1m"));
    RECORD(trace, &option, 0, none, T_STR("name", "a/b/c"), T_STR("value", "0.50%crash"));
    RECORD(trace, &option, 0, none, T_STR("name", "a/b/c"), T_STR("value", "0.02%kill"));
    RECORD(trace, &perform, 2, none, T_U64("job", 17), T_U64("attempt", 1));
    struct report_failure failure = failures[0];
    failure.event = 3;
    char *text = story_of(trace, failure);
    expect_in(text, "\nThe options that this run drew\n\n"
                    "     kill node: every 20s..1m\n"
                    "     a/b/c: 0.50%crash, 0.02%kill\n\n");
    free(text);
    trace_free(trace);
}

Test(story, is_short_however_long_the_run_was)
{
    registry_init();
    struct trace *trace = trace_new();
    for (unsigned i = 0; i < 5000; i++) {
        RECORD(trace, &perform, 1, none, T_U64("job", 17), T_U64("attempt", i));
        RECORD(trace, &store_reply, 2,
               ((struct fault){.kind = FAULT_TIMEOUT, .lo_ns = 5000000, .hi_ns = 5000000}),
               T_STR("queue", "mail"));
    }
    struct report_failure failure = failures[0];
    failure.event = UINT64_MAX;
    char *text = story_of(trace, failure);
    cr_expect_leq(count_lines(text), 130, "%s", text);
    expect_in(text, "... 4,975 earlier ones left out\n");
    expect_in(text, "did not come in time (timeout(5ms)), queue mail\n");
    free(text);
    trace_free(trace);
}

Test(story, of_a_stall_says_what_it_waited_for)
{
    struct trace *trace = make_trace();
    struct report_failure failure = failures[0];
    failure.kind = "liveness";
    failure.property = "liveness";
    failure.message = "not drained within 2h after healing: 2 jobs executing: 17, 22";
    failure.event = trace_count(trace);
    char *text = story_of(trace, failure);
    expect_in(text, "What it still waited for at the end\n\n     not drained within 2h");
    expect_in(text, "storytest/perform/start job=17 attempt=1\n");
    free(text);
    trace_free(trace);
}

Test(story, of_an_empty_trace_is_told_too)
{
    registry_init();
    struct trace *trace = trace_new();
    char *text = story_of(trace, failures[0]);
    expect_in(text, "nothing: it failed without any fault\n");
    free(text);
    trace_free(trace);
}

/* The failing event is about a queue, the message about a job: the job is the subject, and leads to
 * its insert. */
Test(story, subjects_are_what_the_message_names)
{
    struct trace *trace = make_trace();
    struct subjects subjects;
    subjects_find(&subjects, trace, 401, "job 17 was lost");
    cr_assert_eq(subjects.count, 2);
    cr_expect(strcmp(subjects.list[0].name, "job") == 0 && subjects.list[0].u64 == 17);
    cr_expect(strcmp(subjects.list[1].name, "key") == 0 && subjects.list[1].u64 == 5);
    subjects_find(&subjects, trace, 401, "the queue is too long");
    cr_assert_eq(subjects.count, 1);
    cr_expect_str_eq(subjects.list[0].text, "mail");
    subjects_find(&subjects, trace, UINT64_MAX, "nothing is named");
    cr_expect_eq(subjects.count, 0);
    trace_free(trace);
}

Test(story, messages_name_keys)
{
    cr_expect(message_names("job 17 ran twice", "job", 17));
    cr_expect(message_names("for job=17", "job", 17));
    cr_expect(message_names("3 jobs executing: 12, 17", "job", 17));
    cr_expect_not(message_names("3 jobs executing: 12, 17", "job", 3));
    cr_expect_not(message_names("job 170 ran", "job", 17));
    cr_expect_not(message_names("prejob 17", "job", 17));
    cr_expect_not(message_names("", "job", 17));
}
