/* Files that are not what they are taken for: each command says so at once, with exit code 4, and in
 * no more memory or time than it takes to see it. */
#include "harness/test/fake_system.h"

#include <sys/resource.h>

#define HOLE_BYTES ((off_t)8 << 30) /* a file with a hole; reading it all would be noticed */

/* What is read whole does not fit: the children inherit it. */
static void limit_memory(void)
{
    const struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
#else
    (void)limit;
#endif
}

static void enter(void)
{
    place_enter();
    limit_memory();
}

TestSuite(hostile, .init = enter, .fini = place_leave);

static void bytes_put(const char *path, const char *bytes, size_t size)
{
    FILE *out = fopen(path, "we");
    cr_assert(out, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, size, out), size);
    cr_assert_eq(fclose(out), 0);
}

static void huge_put(const char *path)
{
    bytes_put(path, "", 0);
    if (truncate(path, HOLE_BYTES) != 0)
        cr_skip_test("this file system knows no holes");
}

static void long_line_put(const char *path)
{
    size_t size = (size_t)4 << 20;
    char *line = malloc(size);
    memset(line, '[', size);
    bytes_put(path, line, size);
    free(line);
}

static void refuses(const char *command, const char *path, const char *text)
{
    char line[300];
    snprintf(line, sizeof line, "%s %s", command, path);
    int code = duress(line);
    cr_expect_eq(code, 4, "%s: exit code %d\n%s", line, code, said);
    cr_expect(strstr(said, text), "%s: '%s' is missing in:\n%s", line, text, said);
    cr_expect_lt(strlen(said), 1000, "%s: brief", line);
}

static const char binary[] = "\x7f"
                             "ELF\2\1\1\0\0\0\xff\xfe\n\0";

/* The same files for the two commands that read one. */
static void one_file(const char *command, const char *empty, const char *not_text,
                     const char *too_long)
{
    bytes_put("empty", "", 0);
    bytes_put("binary", binary, sizeof binary);
    huge_put("huge");
    long_line_put("long");
    cr_assert_eq(symlink("loop", "loop"), 0);
    refuses(command, "empty", empty);
    refuses(command, "/dev/null", empty);
    refuses(command, "binary", not_text);
    refuses(command, "huge", not_text);
    refuses(command, "/dev/zero", not_text);
    refuses(command, "long", too_long);
    refuses(command, "s", "s: cannot be read: Is a directory");
    refuses(command, "/proc/self/mem", "/proc/self/mem: cannot be read: Input/output error");
    refuses(command, "missing", "missing: No such file or directory");
    refuses(command, "missing/file", "missing/file: No such file or directory");
    refuses(command, "empty/file", "empty/file: Not a directory");
    refuses(command, "loop", "loop: Too many levels of symbolic links");
}

Test(hostile, tapes)
{
    one_file("replay", ":1:1: error: the file is empty: not a tape",
             ":1:1: error: not a tape: this is not a text file",
             ":1:1: error: not a tape: no line of one is so long");
}

Test(hostile, traces)
{
    one_file("check", ":1:1: error: the file is empty: not a trace",
             "error: not a trace: this is not a text file", "error: no line of a trace is so long");
}

Test(hostile, what_may_not_be_read)
{
    if (geteuid() == 0)
        cr_skip_test("root may read everything");
    bytes_put("secret", "duress-tape 1\n", 14);
    cr_assert_eq(chmod("secret", 0), 0);
    refuses("replay", "secret", "secret: Permission denied");
    refuses("check", "secret", "secret: Permission denied");
}

Test(hostile, a_tape_is_no_trace_and_a_trace_no_tape)
{
    static const char tape[] = "duress-tape 1\nseed 1\nend 0\n";
    static const char trace[] = "{\"trace\": 1}\n{\"end\": \"whole\"}\n";
    bytes_put("tape", tape, strlen(tape));
    bytes_put("trace", trace, strlen(trace));
    refuses("check", "tape", "tape:1:6: error: not a trace");
    refuses("replay", "trace", "trace:1:1: error: not a tape");
}

/* ---- run directories ---- */

static void run_json(const char *bytes, size_t size, const char *text)
{
    bytes_put("s/run.json", bytes, size);
    refuses("report", "s", text);
}

Test(hostile, run_directories_with_a_bad_run_json)
{
    run_json("", 0, "s/run.json: the file is empty");
    run_json(binary, sizeof binary, "s/run.json:1:1: not a run.json of duress");
    run_json("{\"schema\":1}", 12, "s/run.json: ");
    run_json("[]", 2, "s/run.json: the file: expected an object");
    run_json("{\"schema\":1", 11, "s/run.json:1:11: not a run.json of duress");
    huge_put("s/run.json");
    refuses("report", "s", "s/run.json:1:1: not a run.json of duress");
    long_line_put("s/run.json");
    refuses("report", "s", "maximum parsing depth reached");
    cr_assert_eq(remove("s/run.json") | mkdir("s/run.json", 0777), 0);
    refuses("report", "s", "s/run.json: Is a directory");
}

Test(hostile, run_directories_with_bad_results)
{
    refuses("report", "s", "s/results.jsonl: No such file or directory");
    bytes_put("s/results.jsonl", "", 0);
    refuses("report", "s", "s/results.jsonl: not the results of a duress run");
    bytes_put("s/results.jsonl", binary, sizeof binary);
    refuses("report", "s", "s/results.jsonl: not the results of a duress run");
    huge_put("s/results.jsonl");
    refuses("report", "s", "s/results.jsonl: not the results of a duress run");
    bytes_put("s/results.jsonl", "{\"duress results\": 2}\n", 22);
    refuses("report", "s", "s/results.jsonl: ");
    refuses("report", "s/results.jsonl", "s/results.jsonl/results.jsonl: Not a directory");
}
