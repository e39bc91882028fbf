/* cmd_report.c: `duress report`: other views of a run directory, the interrupted one included. */
#define _GNU_SOURCE
#include "harness/cli/output.h"
#include "harness/suite/rundir.h"
#include "harness/suite/tally.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option report_table[] = {
    {"report", 0, "KIND[:PATH]", option_list, 0,
     "write this view; repeatable. PATH - is the standard output;\n"
     "without PATH it goes into the run directory"},
    {0},
};

static const char notes[] =
    "Without --report the summary is printed. A directory without run.json, whose run was killed,\n"
    "is read from its results.jsonl: all that was finished is there.\n";

static struct suite *read_any(const char *dir, char *why, size_t why_size)
{
    char *whole = path_join(dir, "run.json");
    bool finished = access(whole, F_OK) == 0;
    free(whole);
    return finished ? suite_read(dir, why, why_size) : tally_read(dir, why, why_size);
}

static int show(const struct command *command, const char *dir, const struct words *reports)
{
    char why[4608];
    if (output_check(reports, why, sizeof why) || output_check_paths(reports, why, sizeof why)) {
        cli_complain(command, "--report: %s", why);
        return EXIT_USAGE;
    }
    struct suite *suite = read_any(dir, why, sizeof why);
    if (!suite) {
        fprintf(stderr, "duress %s: %s\n", command->name, why);
        return EXIT_USAGE;
    }
    int code = EXIT_HELD;
    if (reports->count) {
        code = output_write_all(suite, dir, reports) ? EXIT_HARNESS : EXIT_HELD;
    } else {
        struct terminal *terminal = terminal_new(stdout);
        terminal_summary(terminal, suite);
        terminal_free(terminal);
    }
    suite_free(suite);
    return code;
}

static int report_run(const struct command *command, const struct systems *systems, int argc,
                      char **argv)
{
    (void)systems;
    struct words reports = {0}, dirs = {0};
    int err = options_parse(command, argc, argv, &reports, &dirs);
    int code = err > 0 ? EXIT_HELD : EXIT_USAGE;
    if (!err && dirs.count != 1)
        cli_complain(command, "needs one run directory");
    else if (!err)
        code = show(command, dirs.items[0], &reports);
    words_done(&reports);
    words_done(&dirs);
    return code;
}

const struct command cmd_report = {
    .name = "report",
    .args = "DIR [--report KIND[:PATH]]...",
    .about = "shows a finished or interrupted run again, or writes other views of it",
    .notes = notes,
    .options = report_table,
    .run = report_run,
};
