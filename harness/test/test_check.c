/* Recorded traces: what is written is read back as it was, what is no trace is told with its place,
 * and `duress check` says of a kept failure what the run said. */
#include "harness/test/fake_system.h"

#include "harness/trace/file.h"

TestSuite(check, .init = place_enter, .fini = place_leave);

/* ---- reading ---- */

struct reading {
    FILE *in;
    struct trace_reader *reader;
    const struct trace_head *head;
    int head_is;
};

static struct reading reading_of(const char *text, size_t length)
{
    struct reading reading = {.in = fmemopen((void *)(uintptr_t)text, length, "r")};
    reading.reader = trace_reader_new(reading.in, "t");
    reading.head_is = trace_reader_head(reading.reader, &reading.head);
    return reading;
}

static void reading_done(struct reading *reading)
{
    trace_reader_free(reading->reader);
    fclose(reading->in);
}

/* Reads it to its end; returns what came after the last event. */
static int read_all(struct reading *reading)
{
    struct event event;
    int got = reading->head_is;
    while (got == 0 && (got = trace_reader_next(reading->reader, &event)) == 1)
        got = 0;
    return got;
}

static const struct point stranger = {.name = "some/where/else"};

static void same_event(const struct event *a, const struct event *b)
{
    cr_assert(a->index == b->index && a->time_ns == b->time_ns);
    cr_assert(a->node == b->node && a->actor == b->actor);
    cr_assert_str_eq(a->point->name, b->point->name);
    cr_assert(a->fault.kind == b->fault.kind && a->fault.err == b->fault.err);
    cr_assert(a->fault.lo_ns == b->fault.lo_ns && a->fault.hi_ns == b->fault.hi_ns);
    cr_assert_eq(a->count, b->count);
    for (unsigned i = 0; i < a->count; i++) {
        cr_assert_str_eq(a->fields[i].name, b->fields[i].name);
        if (a->fields[i].type == FIELD_STR)
            cr_assert_str_eq(a->fields[i].str, b->fields[i].str);
        else
            cr_assert_eq(a->fields[i].u64, b->fields[i].u64);
        cr_assert_eq(a->fields[i].type == FIELD_STR, b->fields[i].type == FIELD_STR);
    }
}

Test(trace_file, an_event_is_read_as_it_was_written)
{
    const struct point_field numbers[] = {
        T_U64("small", 7),
        T_U64("large", UINT64_MAX),
        T_I64("below", -3),
        T_I64("least", INT64_MIN),
        T_U64("edge", (UINT64_C(1) << 53) + 1),
    };
    const struct point_field texts[] = {
        T_STR("empty", ""),
        T_STR("digits", "9007199254740993"),
        T_STR("minus", "-9007199254740993"),
        T_STR("few_digits", "17"),
        T_STR("no_number", "09007199254740993"),
        T_STR("quotes", "\"{\\}\"\n\t\xc3\xa4"),
    };
    struct event events[] = {
        {.index = 0, .time_ns = 1000000007, .point = &stranger, .fields = numbers, .count = 5},
        {.index = 1,
         .time_ns = INT64_MAX,
         .node = UINT32_MAX,
         .actor = UINT64_MAX,
         .point = &stranger,
         .fields = texts,
         .count = 6,
         .fault = {.kind = FAULT_DELAY, .lo_ns = 1500000, .hi_ns = 1500000}},
        {.index = 2,
         .time_ns = INT64_MAX,
         .point = &stranger,
         .fault = {.kind = FAULT_ERROR, .err = EIO}},
    };
    char *text, id[] = "an_id", *ids[] = {id}, path[] = "a \"path\"", why[] = "it never came";
    size_t size;
    FILE *out = open_memstream(&text, &size);
    trace_write_head(&(struct trace_head){path, true, 0x1f, ids, 1}, out);
    for (size_t i = 0; i < 3; i++)
        event_write_json(&events[i], out);
    trace_write_end(&(struct trace_end){ENDING_UNDRAINED, 3, id, why}, out);
    fclose(out);

    struct reading reading = reading_of(text, size);
    cr_assert_eq(reading.head_is, 0);
    cr_assert_str_eq(reading.head->scenario, path);
    cr_assert(reading.head->seeded && reading.head->seed == 0x1f);
    cr_assert_eq(reading.head->property_count, 1);
    cr_assert_str_eq(reading.head->properties[0], id);
    for (size_t i = 0; i < 3; i++) {
        struct event event;
        cr_assert_eq(trace_reader_next(reading.reader, &event), 1, "%s",
                     trace_reader_why(reading.reader));
        same_event(&events[i], &event);
    }
    cr_assert_eq(read_all(&reading), 0, "%s", trace_reader_why(reading.reader));
    const struct trace_end *end = trace_reader_end(reading.reader);
    cr_assert(end->ending == ENDING_UNDRAINED && end->events == 3);
    cr_assert_str_eq(end->failed, id);
    cr_assert_str_eq(end->message, why);
    reading_done(&reading);
    free(text);
}

#define E0  "{\"i\": 0, \"t\": 5, \"point\": \"a/b/c\"}\n"
#define END "{\"end\": \"whole\"}\n"

static const struct {
    const char *text, *why;
    int code;
} bad[] = {
    {"", "t:1:1: error: the file is empty: not a trace", -ENODATA},
    {"\n\n", "t:2:1: error: the trace breaks off here: there is no {\"end\": ...} line", -ENODATA},
    {E0, "t:1:1: error: the trace breaks off here", -ENODATA},
    {E0 "{\"i\": 1, \"t\"", "t:2:13: error: the trace breaks off here", -ENODATA},
    {"hello\n", "t:1:5: error: not a trace, whose lines are JSON: ", -EINVAL},
    {"[1]\n", "t:1:1: error: a line of a trace is a JSON object", -EINVAL},
    {"{\"trace\": 2}\n", "t:1:2: error: a trace of another version; this program reads 1", -EINVAL},
    {"{\"trace\": 1, \"seed\": \"x\"}\n", "t:1:14: error: ", -EINVAL},
    {"{\"trace\": 1, \"scenario\": 5}\n", "t:1:14: error: \"scenario\" is a text", -EINVAL},
    {"{\"trace\": 1, \"properties\": [5]}\n", "t:1:14: error: \"properties\" is a list", -EINVAL},
    {"{\"i\": 1, \"t\": 5, \"point\": \"a/b/c\"}\n", "t:1:2: error: expected event \"i\": 0;",
     -EINVAL},
    {"{\"t\": 5, \"point\": \"a/b/c\"}\n", "t:1:1: error: expected event \"i\": 0;", -EINVAL},
    {"{\"i\": 0, \"point\": \"a/b/c\"}\n", "t:1:1: error: an event has a time, \"t\"", -EINVAL},
    {"{\"i\": 0, \"t\": -1, \"point\": \"a/b/c\"}\n", "t:1:10: error: \"t\" is a number from 0",
     -EINVAL},
    {"{\"i\": 0, \"t\": 5, \"node\": 4294967296, \"point\": \"a/b/c\"}\n",
     "t:1:18: error: \"node\" is a number from 0 to 4294967295", -EINVAL},
    {"{\"i\": 0, \"t\": 5}\n", "t:1:1: error: an event has a \"point\"", -EINVAL},
    {"{\"i\": 0, \"t\": 5, \"point\": \"a/b/c\", \"x\": 1.5}\n",
     "t:1:36: error: a field is a whole number or a text", -EINVAL},
    {"{\"i\": 0, \"t\": 5, \"point\": \"a\\\"{[\", \"x\": [\"y\"]}\n",
     "t:1:36: error: a field is a whole number or a text", -EINVAL},
    {"{\"i\": 0, \"t\": 5, \"point\": \"a/b/c\", \"fault\": \"crsh\"}\n",
     "t:1:36: error: expected an action", -EINVAL},
    {"{\"i\": 0, \"t\": 5, \"point\": \"a/b/c\", \"fault\": \"delay(1s..2s)\"}\n",
     "t:1:36: error: not the fault of an event", -EINVAL},
    {"{\"i\": 0, \"t\": 5, \"point\": \"a/b/c\", "
     "\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
     "\"h\":1,\"j\":1}\n",
     "t:1:84: error: an event has at most 8 fields", -EINVAL},
    {"{\"i\": 0, \"t\": 5, \"point\": \"a/b/c\", \"x\": 1, \"x\": 2}\n",
     "t:1:46: error: not a trace, whose lines are JSON: duplicate object key", -EINVAL},
    {E0 "{\"i\": 1, \"t\": 4, \"point\": \"a/b/c\"}\n",
     "t:2:10: error: time runs backwards: the event before was at 5", -EINVAL},
    {E0 "{\"end\": \"soon\"}\n", "t:2:2: error: a trace ends whole, stopped, undrained or broken",
     -EINVAL},
    {E0 "{\"end\": \"whole\", \"events\": 2}\n", "t:2:18: error: there were 1 events", -EINVAL},
    {E0 END E0, "t:3:1: error: something follows", -EINVAL},
};

Test(trace_file, what_is_no_trace_is_told_with_its_place)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reading reading = reading_of(bad[i].text, strlen(bad[i].text));
        int code = read_all(&reading);
        const char *why = trace_reader_why(reading.reader);
        cr_expect_eq(code, bad[i].code, "%s: %d", bad[i].text, code);
        cr_expect_eq(strncmp(why, bad[i].why, strlen(bad[i].why)), 0, "%s\nexpected: %s\ngot: %s",
                     bad[i].text, bad[i].why, why);
        reading_done(&reading);
    }
}

Test(trace_file, bytes_that_are_no_text)
{
    static const char zero[] = E0 "{\"i\": 1\0}\n" END;
    struct reading reading = reading_of(zero, sizeof zero - 1);
    cr_assert_eq(read_all(&reading), -EINVAL);
    cr_assert_str_eq(trace_reader_why(reading.reader),
                     "t:2:8: error: not a trace: this is not a text file");
    reading_done(&reading);
}

/* ---- judging ---- */

static void file_put(const char *path, const char *text)
{
    FILE *out = fopen(path, "we");
    cr_assert(out);
    fputs(text, out);
    cr_assert_eq(fclose(out), 0);
}

static bool says(const char *text)
{
    return strstr(said, text) != NULL;
}

/* The line of `said` that begins so, in `out`. */
static void line_of(const char *begin, char *out, size_t size)
{
    const char *at = strstr(said, begin);
    cr_assert(at, "'%s' is missing in:\n%s", begin, said);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* The text behind "FAILED" and blanks. */
static const char *verdict_of(const char *line)
{
    line += strlen("FAILED");
    return line + strspn(line, " ");
}

/* What replay says of the seed, check says of the trace that was kept. */
static void check_repeats(const char *scenario, int code)
{
    char command[256], replayed[512], checked[512];
    cr_assert_eq(duress("run s --runs 1 --seed 5 --out r"), code, "%s", said);
    char *at = strstr(said, "replay ");
    at = at ? strstr(at, "--seed ") : NULL;
    cr_assert(at, "%s", said);
    snprintf(command, sizeof command, "replay %s %.*s", scenario, (int)strcspn(at, "\n"), at);
    cr_assert_eq(duress(command), code, "%s", said);
    line_of("FAILED", replayed, sizeof replayed);
    cr_assert_eq(duress("check r/failures/0/trace.jsonl"), code, "%s", said);
    line_of("FAILED", checked, sizeof checked);
    cr_assert_str_eq(verdict_of(checked), verdict_of(replayed));
}

Test(check, a_kept_failure_is_judged_as_the_run_was)
{
    scenario_put("s/bad.yaml", "workload: { wrong: 100% }");
    check_repeats("s/bad.yaml", 1);
    cr_assert(says("wrong_never_seen") && says("met      a_step_is_done") && says("s/bad.yaml"));
    cr_assert(says("cut short"));
}

Test(check, what_only_the_run_could_see_is_told)
{
    scenario_put("s/stuck.yaml", "workload: { stuck: 100% }");
    check_repeats("s/stuck.yaml", 2);
    cr_assert(says("liveness at event") && says("a step that never comes"), "%s", said);
}

Test(check, a_crash_is_told_with_what_held_until_then)
{
    scenario_put("s/abort.yaml", "workload: { abort: 100% }");
    cr_assert_eq(duress("run s --runs 1 --out r"), 1, "%s", said);
    cr_assert_eq(duress("check r/failures/0/trace.jsonl"), 1, "%s", said);
    cr_assert(says("FAILED   crash at event") && says("SIGABRT"), "%s", said);
    cr_assert(says("held     wrong_never_seen: checked 10 times"), "%s", said);
}

Test(check, the_properties_of_the_run_judge_unless_others_are_chosen)
{
    scenario_put("s/bad.yaml", "workload: { wrong: 100% }");
    cr_assert_eq(duress("run s --runs 1 --property wrong_never_seen --out r"), 1, "%s", said);
    cr_assert_eq(duress("check r/failures/0/trace.jsonl"), 1);
    cr_assert(!says("a_step_is_done"), "%s", said);
    cr_assert_eq(duress("check r/failures/0/trace.jsonl --property a_step_is_done"), 0, "%s", said);
    cr_assert(!says("wrong_never_seen"), "%s", said);
    cr_assert_eq(duress("check r/failures/0/trace.jsonl --property a_stp_is_done"), 4);
    cr_assert(says("did you mean 'a_step_is_done'?"), "%s", said);
    file_put("t", "{\"trace\": 1, \"properties\": [\"of_old\"]}\n" END);
    cr_assert_eq(duress("check t"), 4);
    cr_assert(says("t: names a property that this program does not have"), "%s", said);
}

Test(check, a_trace_of_another_program)
{
    file_put("t", "{\"i\": 0, \"t\": 5, \"point\": \"no/such/point\", \"x\": 1}\n"
                  "{\"i\": 1, \"t\": 6, \"point\": \"elsewhere/light/on\"}\n"
                  "{\"i\": 2, \"t\": 7, \"point\": \"elsewhere/light/off\"}\n" END);
    cr_assert_eq(duress("check t --property lights_go_out"), 0, "%s", said);
    cr_assert(says("held     lights_go_out: checked 2 times"), "%s", said);
    file_put("t", "{\"i\": 0, \"t\": 6, \"point\": \"elsewhere/light/on\"}\n" END);
    cr_assert_eq(duress("check t --property lights_go_out"), 2, "%s", said);
    cr_assert(says("FAILED   lights_go_out at event 0: it is still burning"), "%s", said);
    file_put("t", "{\"i\": 0, \"t\": 5, \"point\": \"no/such/point\"}\n" END);
    cr_assert_eq(duress("check t --property lights_go_out"), 5, "nothing to check: %s", said);
}

Test(check, a_trace_that_breaks_off_is_an_error_unless_that_is_allowed)
{
    file_put("t", "{\"i\": 0, \"t\": 6, \"point\": \"elsewhere/light/on\"}\n{\"i\": 1, \"t");
    cr_assert_eq(duress("check t"), 4);
    cr_assert(says("t:2:12: error: the trace breaks off here") && says("--partial"), "%s", said);
    cr_assert_eq(duress("check t --partial --property lights_go_out"), 0, "%s", said);
    cr_assert(says("t:2:12: error") && says("cut short") && !says("burning"), "%s", said);
    file_put("t", "{\"i\": 0, \"t\": 6, \"point\": 5}\n");
    cr_assert_eq(duress("check t --partial"), 4, "what is wrong stays wrong");
}

/* A property about points that this program does not have. */
struct lights {
    unsigned burning;
};

static const char lights_on_arg;

static void on_light(struct judge *judge, void *state, const struct event *event)
{
    struct lights *lights = state;
    if (judge_arg(judge) != &lights_on_arg)
        judge_fail(judge, event, "the argument did not come along");
    lights->burning = strcmp(event->point->name, "elsewhere/light/on") == 0;
    judge_checked(judge);
}

static void on_dark(struct judge *judge, void *state)
{
    struct lights *lights = state;
    if (lights->burning)
        judge_fail(judge, NULL, "it is still burning");
}

static const struct property_on lights_on[] = {{"elsewhere/**", on_light, &lights_on_arg}, {0}};
TRACE_PROPERTY(lights_go_out, .name = "lights go out", .kind = PROPERTY_EVENTUALLY,
               .about = "for tests", .state_size = sizeof(struct lights), .on = lights_on,
               .end = on_dark);
