/* What people write: durations, numbers, words that are almost right, and the last line of a
 * program's output. */
#include "sut/cli/exec_worker.h"
#include "sut/cli/last_line.h"
#include "sut/cli/words.h"

#include <criterion/criterion.h>
#include <string.h>

static void assert_duration(const char *text, int64_t want)
{
    int64_t ns = 0;
    char back[32];
    cr_assert(words_duration(text, &ns), "%s", text);
    cr_assert_eq(ns, want, "%s is %lld", text, (long long)ns);
    cr_assert_str_eq(words_of_duration(ns, back), text);
}

Test(words, c29_durations)
{
    assert_duration("0s", 0);
    assert_duration("1ns", 1);
    assert_duration("250us", 250 * NS_PER_US);
    assert_duration("1500ms", 1500 * NS_PER_MS);
    assert_duration("90s", 90 * NS_PER_S);
    assert_duration("10m", 600 * NS_PER_S);
    assert_duration("36h", 36 * 3600 * NS_PER_S);
    assert_duration("7d", 7 * 86400 * NS_PER_S);
}

Test(words, c29_what_is_no_duration)
{
    static const char *const bad[] = {"",    "s",    "1",       "1 s",
                                      "-1s", "+1s",  "1S",      "1.5s",
                                      " 1s", "1sec", "107000d", "99999999999999999999s"};
    int64_t ns = 17;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        cr_assert_not(words_duration(bad[i], &ns), "%s", bad[i]);
    cr_assert_eq(ns, 17);
}

Test(words, times)
{
    int64_t ms = -1;
    cr_assert(words_time("2023-11-14T22:13:20Z", &ms));
    cr_assert_eq(ms, 1700000000000);
    cr_assert(words_time("2023-11-14 22:13", &ms));
    cr_assert_eq(ms, 1699999980000);
    static const char *const bad[] = {
        "",           "2023-11-14", "2023-02-30T00:00",      "22:13",
        "1700000000", "tomorrow",   "2023-11-14T22:13:20Zx", "1969-12-31T00:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        cr_assert(!words_time(bad[i], &ms), "%s", bad[i]);
}

Test(words, numbers)
{
    int64_t number = 17;
    cr_assert_not(words_number("", 0, 10, &number));
    cr_assert_not(words_number("-1", -5, 10, &number));
    cr_assert_not(words_number("11", 0, 10, &number));
    cr_assert_not(words_number("1x", 0, 10, &number));
    cr_assert_not(words_number("9223372036854775808", 0, INT64_MAX, &number));
    cr_assert_eq(number, 17);
    cr_assert(words_number("10", 0, 10, &number));
    cr_assert_eq(number, 10);
}

Test(words, c32_the_nearest)
{
    static const char *const words[] = {"list", "stats", "insert", "cancel"};
    cr_assert_str_eq(words_nearest("lsit", words, 4), "list");
    cr_assert_str_eq(words_nearest("stat", words, 4), "stats");
    cr_assert_str_eq(words_nearest("insret", words, 4), "insert");
    cr_assert_null(words_nearest("frobnicate", words, 4));
    cr_assert_null(words_nearest("", words, 4));
    cr_assert_null(
        words_nearest("a word that is so long that nothing can be near to it", words, 4));
}

/* ---- the last line ---- */

static const char *last_of(struct last_line *line, const char *text)
{
    *line = (struct last_line){0};
    last_line_feed(line, text, strlen(text));
    return last_line_end(line);
}

Test(last_line, is_the_last_that_is_not_blank)
{
    struct last_line line;
    cr_assert_str_eq(last_of(&line, ""), "");
    cr_assert_str_eq(last_of(&line, "\n \t\r\n"), "");
    cr_assert_str_eq(last_of(&line, "one"), "one");
    cr_assert_str_eq(last_of(&line, "one\ntwo\n"), "two");
    cr_assert_str_eq(last_of(&line, "one\ntwo \t\r\n\n  \n"), "two");
    cr_assert_str_eq(last_of(&line, "a longer one\nb"), "b");
}

Test(last_line, comes_in_pieces)
{
    static const char text[] = "first\nsecond line\n\nthird one\n";
    for (size_t cut = 0; cut < sizeof text; ++cut) {
        struct last_line line = {0};
        last_line_feed(&line, text, cut);
        last_line_feed(&line, text + cut, sizeof text - 1 - cut);
        cr_assert_str_eq(last_line_end(&line), "third one");
    }
}

Test(last_line, is_text)
{
    struct last_line line;
    cr_assert_str_eq(last_of(&line, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x99"),
                     "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x99");
    cr_assert_str_eq(last_of(&line, "\x1b[1m\xff.\xc3.\xc0\xaf"), "?[1m?.?.??");
    cr_assert_str_eq(last_of(&line, "\xed\xa0\x80 \xf4\x90\x80\x80 \xe0\x80\x80"),
                     "??? ???? ???"); /* surrogate, beyond, overlong */
    cr_assert_str_eq(last_of(&line, "a\tb\xc2\x85"), "a b?");
    line = (struct last_line){0};
    last_line_feed(&line, "a\0b", 3);
    cr_assert_str_eq(last_line_end(&line), "a?b");
}

Test(last_line, is_cut_between_characters)
{
    char text[1000];
    struct last_line line;
    for (size_t lead = 0; lead < 4; ++lead) {
        memset(text, 'x', sizeof text);
        for (size_t at = lead; at + 4 < sizeof text; at += 4)
            memcpy(text + at, "\xf0\x9f\x90\x99", 4);
        text[sizeof text - 1] = '\0';
        const char *last = last_of(&line, text);
        cr_assert_eq(strlen(last), lead + (LINE_KEPT - 1 - lead) / 4 * 4);
        cr_assert_null(strchr(last, '?'));
    }
}

/* ---- names of workers ---- */

Test(worker, names_cannot_leave_the_directory)
{
    static const char *const bad[] = {"",    ".",   "..",          ".hidden", "a/b", "/bin/sh",
                                      "a b", "a\n", "caf\xc3\xa9", "a;b",     "$x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        cr_assert_not(exec_name_allowed(bad[i]), "%s", bad[i]);
    cr_assert(exec_name_allowed("Send_mail-2.sh"));
    cr_assert(exec_name_allowed("-"));
}

Test(words, sizes)
{
    int64_t size = 0;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"0", 0}, {"4096", 4096}, {"64K", 65536}, {"512M", 536870912}, {"2G", 2147483648}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; ++i) {
        cr_assert(words_size(good[i].text, INT64_C(1) << 40, &size), "%s", good[i].text);
        cr_assert_eq(size, good[i].bytes);
    }
    static const char *const bad[] = {"", "M", "-1", "1m", "1 M", "1MB", "2T", "9999999999G"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        cr_assert_not(words_size(bad[i], INT64_C(1) << 40, &size), "%s", bad[i]);
}
