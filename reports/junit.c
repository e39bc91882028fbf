/* junit.c: JUnit XML for CI servers: one test case per scenario. There is no schema that all of
 * them follow; this is the part that all read. The seed stays out of the name, since a case's
 * history goes by its name; the message is repeated in the text, since some show only that. GitLab
 * shows `classname` as the suite: it is the scenario's folder. */
#include "harness/json.h"
#include "harness/report.h"
#include "reports/format.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FAILURES_SHOWN 10 /* of one scenario */

/* ---- XML ---- */

static void xml_char(FILE *out, char c, bool attribute)
{
    switch (c) {
    case '&': fputs("&amp;", out); break;
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break; /* "]]>" may not stand in text */
    case '"': fputs("&quot;", out); break;
    case '\t':
    case '\n':
        if (attribute)
            fprintf(out, "&#%d;", c);
        else
            fputc(c, out);
        break;
    default:
        if ((unsigned char)c >= 0x20 && c != 0x7f)
            fputc(c, out); /* other control characters have no place in XML 1.0, not even escaped */
    }
}

static void xml_write(FILE *out, const char *text, bool attribute)
{
    while (text && *text) {
        unsigned length = utf8_length(text);
        /* U+FFFE and U+FFFF are good UTF-8 and still no XML. */
        bool forbidden = length == 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 ||
                                         memcmp(text, "\xef\xbf\xbf", 3) == 0);
        if (length == 0 || forbidden)
            fputs("\xef\xbf\xbd", out);
        else if (length == 1)
            xml_char(out, *text, attribute);
        else
            fwrite(text, 1, length, out);
        text += length ? length : 1;
    }
}

static void xml_text(FILE *out, const char *text)
{
    xml_write(out, text, false);
}

static void xml_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    xml_write(out, value, true);
    fputc('"', out);
}

static void xml_seconds(FILE *out, const char *name, int64_t ns)
{
    fprintf(out, " %s=\"%" PRId64 ".%03" PRId64 "\"", name, ns / 1000000000, ns / 1000000 % 1000);
}

/* ---- cases ---- */

enum result { PASSED, FAILED, ERROR, SKIPPED };

static bool belongs(const struct report_failure *failure, const struct report_scenario *scenario)
{
    return failure->path && scenario->path ? strcmp(failure->path, scenario->path) == 0
                                           : strcmp(failure->scenario, scenario->name) == 0;
}

/* The first failure that was kept, or NULL. */
static const struct report_failure *first_failure(const struct suite *suite,
                                                  const struct report_scenario *scenario)
{
    for (size_t i = 0; i < suite->failure_count; i++)
        if (belongs(&suite->failures[i], scenario))
            return &suite->failures[i];
    return NULL;
}

/* A run that did not repeat itself is an error of the harness, all else a failure of what is
 * tested. */
static enum result case_result(const struct suite *suite, const struct report_scenario *scenario)
{
    if (scenario->must_fail)
        return scenario->runs == 0 ? SKIPPED : scenario->failed ? PASSED : FAILED;
    const struct report_failure *failure = first_failure(suite, scenario);
    if (failure)
        return strcmp(failure->kind, "nondeterminism") == 0 ? ERROR : FAILED;
    return scenario->failed ? FAILED : scenario->runs ? PASSED : SKIPPED;
}

static void write_failure_text(FILE *out, const struct report_failure *failure)
{
    xml_text(out, failure->property);
    fputs(": ", out);
    xml_text(out, failure->message);
    fprintf(out, "\nseed: 0x%" PRIx64, failure->seed);
    if (strcmp(failure->kind, "crash") != 0) /* nobody lived to count its events */
        fprintf(out, ", event: %" PRIu64, failure->event);
    fputs("\nreplay: ", out);
    xml_text(out, failure->replay);
    fputc('\n', out);
    if (failure->story) {
        fputs("story: ", out);
        xml_text(out, failure->story);
        fputc('\n', out);
    }
}

static void write_failures(FILE *out, const struct suite *suite,
                           const struct report_scenario *scenario)
{
    size_t shown = 0;
    for (size_t i = 0; i < suite->failure_count && shown < FAILURES_SHOWN; i++) {
        if (!belongs(&suite->failures[i], scenario))
            continue;
        if (shown++)
            fputc('\n', out);
        write_failure_text(out, &suite->failures[i]);
    }
    char failed[FORMAT_MAX], runs[FORMAT_MAX];
    fprintf(out, "\n%s of %s failed\n", format_count(scenario->failed, failed),
            format_plural(scenario->runs, "run", runs));
}

static void write_problem(FILE *out, const char *element, const struct suite *suite,
                          const struct report_scenario *scenario)
{
    const struct report_failure *failure = first_failure(suite, scenario);
    fprintf(out, "      <%s", element);
    if (scenario->must_fail) {
        xml_attribute(out, "message", "this canary must fail, and passed: the suite is blind");
        xml_attribute(out, "type", "canary");
    } else {
        xml_attribute(out, "message", failure ? failure->message : "runs failed");
        xml_attribute(out, "type", failure ? failure->property : "unknown");
    }
    fputs(">", out);
    write_failures(out, suite, scenario);
    fprintf(out, "</%s>\n", element);
}

static void write_class(FILE *out, const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    char folder[512];
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 0, path ? path : "");
    xml_attribute(out, "classname", *folder ? folder : "scenarios");
}

static void write_case(FILE *out, const struct suite *suite, const struct report_scenario *scenario)
{
    fputs("    <testcase", out);
    xml_attribute(out, "name", scenario->name);
    write_class(out, scenario->path);
    xml_attribute(out, "file", scenario->path);
    fputs(">\n", out);
    switch (case_result(suite, scenario)) {
    case PASSED: break;
    case FAILED: write_problem(out, "failure", suite, scenario); break;
    case ERROR: write_problem(out, "error", suite, scenario); break;
    case SKIPPED: fputs("      <skipped message=\"it had no run\"/>\n", out); break;
    }
    char runs[FORMAT_MAX];
    fprintf(out, "      <system-out>%s, suite seed 0x%" PRIx64 "</system-out>\n",
            format_plural(scenario->runs, "run", runs), suite->seed);
    fputs("    </testcase>\n", out);
}

static void write_counts(FILE *out, const struct suite *suite)
{
    size_t counts[SKIPPED + 1] = {0};
    for (size_t i = 0; i < suite->scenario_count; i++)
        counts[case_result(suite, &suite->scenarios[i])]++;
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
            suite->scenario_count, counts[FAILED], counts[ERROR], counts[SKIPPED]);
    xml_seconds(out, "time", suite->wall_ns);
    fputs(">\n", out);
}

static int write_junit(const struct suite *suite, FILE *out)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"duress\"", out);
    write_counts(out, suite);
    fputs("  <testsuite name=\"duress\"", out);
    write_counts(out, suite);
    for (size_t i = 0; i < suite->scenario_count; i++)
        write_case(out, suite, &suite->scenarios[i]);
    fputs("  </testsuite>\n</testsuites>\n", out);
    return ferror(out) ? -EIO : 0;
}

REPORTER(junit, .default_path = "junit.xml", .about = "JUnit XML, one test case per scenario",
         .write = write_junit);
