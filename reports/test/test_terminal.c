/* What stands on the screen: with and without a terminal, with and without colour, and at the end.
 */
#define _GNU_SOURCE /* posix_openpt */
#include "reports/format.h"
#include "reports/test/sample.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static char *summary_of(const struct suite *suite)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct terminal *terminal = terminal_new(out);
    terminal_summary(terminal, suite);
    terminal_free(terminal);
    fclose(out);
    return text;
}

Test(terminal, the_summary_says_all_that_matters)
{
    struct suite suite = full_suite();
    suite.scenario_count = suite.failure_count = 1;
    char *text = summary_of(&suite);
    expect_in(text, "\nruns        3,100 in 30.0s, 103 a second\n");
    expect_in(text, "\nevents      41,203,118, ");
    expect_in(text, "\nsimulated   412d 0h, ");
    expect_in(text, "\nfaults      2,317 injected\n"
                    "            disconnect                300  ");
    expect_in(text, "\nnemeses                           strikes  refused   healed\n"
                    "            kill node                  20        9       20\n"
                    "            cut link                    0        -        -\n");
    expect_in(text, "\n            noted    queue_limit: 3 recovered, 1 late\n"
                    "                     others judge that\n");
    expect_in(text, "\ntimed out   lost replies: job/perform/start: wait(store/ack/reply), 2 of "
                    "12,345 waits\n");
    expect_in(text, "\nnever fired lost replies: store/ack/send: 1%");
    expect_not_in(text, "never ran: kill node");
    expect_in(text, "\nproperties  1 held, 1 failed, 1 vacuous\n");
    expect_in(text, "failed   no_stale_write: a stale lease changes nothing (2 runs)\n");
    expect_not_in(text, "vacuous  drain_ends");
    expect_not_in(text, "queue_limit: a queue");
    expect_in(text, "\npoints      2 of 3 reached; 1 never");
    expect_in(text, "\nsometimes   1 of 3 met\n");
    expect_in(text, "not met  a disk was torn (rare)\n");
    expect_in(text, "not met  a job was rescued\n");
    expect_in(text, "\ncanary      caught in 12 runs\n");
    expect_in(text, "\nresults     build/r1\n");
    expect_in(text, "\nfingerprint 0123456789abcdef0123456789abcdef\n");
    expect_in(text, "replay  build/duress replay build/r1/failures/1/tape\n");
    expect_in(text, "\nFAIL      3 of 3,100 runs failed\n");
    expect_not_in(text, "\x1b");
    free(text);
}

Test(terminal, one_scenario_is_not_expected_to_reach_everything)
{
    struct suite suite = full_suite();
    char *text = summary_of(&suite);
    expect_in(text, "vacuous  drain_ends: a drain ends in its grace\n");
    free(text);
    suite.scenario_count = 1;
    suite.outcome = OUTCOME_PASS;
    text = summary_of(&suite);
    expect_in(text, "\nproperties  1 held, 1 failed, 1 vacuous\n");
    expect_in(text, "\nsometimes   1 of 3 met\n");
    expect_not_in(text, "vacuous  drain_ends");
    expect_not_in(text, "not met");
    free(text);
}

static void expect_last_line(struct suite suite, const char *line)
{
    char *text = summary_of(&suite);
    size_t length = strlen(text), line_length = strlen(line);
    cr_expect(length > line_length && strcmp(text + length - line_length, line) == 0,
              "expected at the end: %s\ngot:\n%s", line, text);
    free(text);
}

static size_t lines_with(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

Test(terminal, each_nemesis_has_its_line_however_many_there_are)
{
    struct report_nemesis many[30];
    for (size_t i = 0; i < 30; i++)
        many[i] = (struct report_nemesis){i ? "pause node" : "kill node", 3, 2, 1, 2};
    struct suite suite = full_suite();
    suite.nemeses = many;
    suite.nemesis_count = 30;
    char *text = summary_of(&suite);
    cr_expect_eq(
        lines_with(text, "\n            kill node                   2        1        2\n"), 1);
    cr_expect_eq(lines_with(text, "pause node                  2        1        2\n"), 29);
    free(text);
}

Test(terminal, each_kind_of_fault_says_where_it_was_most)
{
    struct report_point six[6];
    for (size_t i = 0; i < 6; i++) {
        static const char *const names[] = {"a/a/a", "b/b/b", "c/c/c", "d/d/d", "e/e/e", "f/f/f"};
        six[i] = (struct report_point){.name = (char *)names[i], .hits = 100};
        six[i].injected[FAULT_CRASH] = i == 4 ? 900 : i < 4 ? 7 : 0;
    }
    struct suite suite = full_suite();
    suite.points = six;
    suite.point_count = 6;
    char *text = summary_of(&suite);
    expect_in(text,
              "\nfaults      928 injected\n"
              "            crash                     928  e/e/e 900, a/a/a 7, b/b/b 7 and at 2 "
              "more points\nnemeses ");
    free(text);
}

Test(terminal, the_last_line_is_the_verdict)
{
    expect_last_line((struct suite){.runs = 1}, "\nPASS      everything held in 1 run\n");
    expect_last_line(
        (struct suite){.runs = 2, .interrupted = true},
        "\nPASS      everything held in 2 runs; interrupted, the report so far is whole\n");
    expect_last_line((struct suite){.empty = true}, "\nEMPTY     nothing was run\n");
    expect_last_line((struct suite){.runs = 5, .failed_runs = 1, .outcome = OUTCOME_LIVENESS},
                     "\nLIVENESS  1 of 5 runs failed\n");
    expect_last_line(
        (struct suite){.runs = 5, .canary_runs = 2, .outcome = OUTCOME_HARNESS},
        "\nHARNESS   the canary was not caught: this suite would not notice a failure\n");
    expect_last_line(
        (struct suite){.runs = 5, .outcome = OUTCOME_SAFETY},
        "\nFAIL      no run failed, but a \"sometimes\" that is not rare was never met\n");
}

Test(terminal, without_a_terminal_there_is_a_plain_line_every_five_seconds)
{
    char *text = NULL;
    size_t size, lines = 0;
    FILE *out = open_memstream(&text, &size);
    struct terminal *terminal = terminal_new(out);
    for (int64_t ms = 0; ms <= 12000; ms += 10)
        terminal_progress(terminal, &(struct progress){.runs = (uint64_t)ms,
                                                       .events = (uint64_t)ms * 1000,
                                                       .wall_ns = ms * 1000000,
                                                       .left_ns = 90 * INT64_C(1000000000),
                                                       .scenario = "x\x1b[31my"});
    terminal_failure(terminal, &failures[0]);
    terminal_free(terminal);
    fclose(out);
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    cr_expect_eq(lines, 2 + 3, "%s", text);
    expect_in(text, "5,000 runs  0 failed  1,000/s  1.0M events/s  1m 30s left  x?[31my\n");
    expect_in(text,
              "FAIL      lost replies: no_stale_write\n          job 17 was finished by lease 3\n");
    expect_not_in(text, "\x1b");
    expect_not_in(text, "\r");
    free(text);
}

/* A real terminal: the other end of a pseudo terminal reads what was drawn. */
static void draw_on_terminal(char *out_text, size_t size)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0)
        cr_skip_test("no pseudo terminals here");
    cr_assert_eq(grantpt(master), 0);
    cr_assert_eq(unlockpt(master), 0);
    FILE *out = fopen(ptsname(master), "w");
    cr_assert(out);
    struct winsize width = {.ws_row = 24, .ws_col = 30};
    cr_assert_eq(ioctl(master, TIOCSWINSZ, &width), 0);
    struct terminal *terminal = terminal_new(out);
    for (int64_t ms = 0; ms < 1000; ms++)
        terminal_progress(terminal, &(struct progress){.runs = 1,
                                                       .wall_ns = ms * 1000000,
                                                       .left_ns = -1,
                                                       .scenario = "a name that is far too long"});
    terminal_failure(terminal, &failures[0]);
    terminal_free(terminal);
    fflush(out);
    cr_assert_eq(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    size_t used = 0;
    for (ssize_t got; (got = read(master, out_text + used, size - 1 - used)) > 0;)
        used += (size_t)got;
    out_text[used] = '\0';
    fclose(out);
    close(master);
}

Test(terminal, on_a_terminal_one_line_is_rewritten_ten_times_a_second_and_cut)
{
    char text[4096];
    size_t drawn = 0;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    unsetenv("CI");
    draw_on_terminal(text, sizeof text);
    for (const char *at = text; (at = strstr(at, "\r1 run  ")); at++) {
        cr_expect_eq(strcspn(at + 1, "\x1b"), 29, "%s", at);
        drawn++;
    }
    cr_expect_eq(drawn, 10);
    expect_in(text, "\r\x1b[K\x1b[1;31mFAIL    \x1b[0m  lost replies: no_stale_write");
}

Test(terminal, NO_COLOR_and_dumb_terminals_are_respected)
{
    char text[4096];
    setenv("TERM", "xterm", 1);
    unsetenv("CI");
    setenv("NO_COLOR", "1", 1);
    draw_on_terminal(text, sizeof text);
    expect_in(text, "\r\x1b[KFAIL      lost replies");
    expect_not_in(text, "\x1b[1");
    expect_not_in(text, "\x1b[0m");
    setenv("TERM", "dumb", 1);
    draw_on_terminal(text, sizeof text);
    expect_not_in(text, "\x1b");
}

/* ---- numbers ---- */

Test(format, numbers_are_readable_and_never_rounded_up)
{
    char text[FORMAT_MAX];
    cr_expect_str_eq(format_count(0, text), "0");
    cr_expect_str_eq(format_count(999, text), "999");
    cr_expect_str_eq(format_count(1000, text), "1,000");
    cr_expect_str_eq(format_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
    cr_expect_str_eq(format_short(999, text), "999");
    cr_expect_str_eq(format_short(1999999, text), "1.9M");
    cr_expect_str_eq(format_time(999999999, text), "999ms");
    cr_expect_str_eq(format_time(INT64_C(59999999999), text), "59.9s");
    cr_expect_str_eq(format_time(INT64_C(61000000000), text), "1m 01s");
    cr_expect_str_eq(format_time(INT64_C(7260000000000), text), "2h 01m");
    cr_expect_eq(format_rate(100, 0), 0);
    cr_expect_eq(format_rate(UINT64_MAX / 2, INT64_C(2000000000)), UINT64_MAX / 4);
    cr_expect_str_eq(format_plural(1, "run", text), "1 run");
    cr_expect_str_eq(format_plural(0, "run", text), "0 runs");
}
