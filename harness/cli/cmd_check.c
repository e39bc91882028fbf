/* cmd_check.c: `duress check`: the properties judge a recorded trace again, as they would have
 * judged the run itself. */
#include "harness/suite/plan.h"
#include "harness/trace/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct check_options {
    struct words properties;
    bool partial;
};

#define AT(field) offsetof(struct check_options, field)
static const struct option check_table[] = {
    {"property", 0, "NAME", option_list, AT(properties),
     "judge only this one; repeatable (default: those that judged the run)"},
    {"partial", 0, NULL, NULL, AT(partial), "judge a trace that breaks off as far as it goes"},
    {0},
};
#undef AT

static const char notes[] =
    "A trace is failures/N/trace.jsonl of a run directory, or what somebody else writes in that "
    "form\n"
    "(harness/trace/file.h); its points need not be known here. A trace that was cut short, by "
    "the\n"
    "failure of a property or by a crash, is judged as far as it goes: what must come in the end "
    "is\n"
    "then no news. Exit codes as for run; 5: no property had anything to check.\n"
    "  duress check build/runs/3/failures/17/trace.jsonl\n"
    "  duress check trace.jsonl --property queue_limit\n";

struct check {
    const char *path;
    const struct check_options *options;
    struct trace_reader *reader;
    const struct trace_head *head;
    struct panel *panel;
    uint64_t events;
    enum run_ending ending;
};

/* ---- reading ---- */

static struct panel *panel_of(const struct check *check)
{
    const struct words *ids = &check->options->properties;
    const struct words judged = {(const char **)check->head->properties,
                                 check->head->property_count};
    const struct property **chosen = NULL;
    char *why = NULL;
    bool all = ids->count == 0 && !judged.items;
    if (ids->count == 0)
        ids = &judged;
    if (!all && properties_choose(ids, &chosen, &why) != 0) {
        if (ids == &judged)
            fprintf(stderr,
                    "%s: names a property that this program does not have; choose others:\n",
                    check->path);
        cli_explain(why);
        free(why);
        return NULL;
    }
    struct panel *panel = panel_new(chosen, ids->count);
    free(chosen);
    return panel;
}

/* 0, or -EINVAL after it was told. */
static int judge_events(struct check *check)
{
    struct event event;
    int got;
    while ((got = trace_reader_next(check->reader, &event)) == 1) {
        panel_event(check->panel, &event);
        check->events++;
    }
    check->ending = trace_reader_end(check->reader)->ending;
    if (got == 0)
        return 0;
    cli_explain(trace_reader_why(check->reader));
    if (got != -ENODATA)
        return -EINVAL;
    if (!check->options->partial)
        cli_explain("try --partial, which judges it as far as it goes");
    return check->options->partial ? 0 : -EINVAL;
}

/* ---- telling ---- */

static void print_failure(const char *id, uint64_t event, const char *message)
{
    printf("FAILED   %s at event %" PRIu64 ": %s\n", id, event, message);
}

static void print_verdict(const struct verdict *verdict)
{
    const char *id = verdict->property->id;
    if (verdict->property->kind == PROPERTY_SOMETIMES)
        printf("%-8s %s\n", verdict->met ? "met" : "not met", id);
    else if (verdict->checked)
        printf("held     %s: checked %" PRIu64 " time%s\n", id, verdict->checked,
               verdict->checked == 1 ? "" : "s");
    else
        printf("vacuous  %s: there was nothing to check\n", id);
}

/* What it does not fail for. */
static void print_notes(const struct verdict *verdict)
{
    const char *why = verdict->property->lets_pass;
    for (size_t i = 0; i < verdict->note_count; i++)
        printf("noted    %s: %" PRIu64 " %s%s%s\n", verdict->property->id, verdict->notes[i].times,
               verdict->notes[i].what, why ? "; " : "", why ? why : "");
}

struct counts {
    size_t failed, held, vacuous;
};

/* All but `first`, failures before the others. */
static struct counts print_verdicts(const struct check *check, const struct verdict *first)
{
    struct counts counts = {0};
    size_t count;
    const struct verdict *verdicts = panel_verdicts(check->panel, &count);
    for (size_t i = 0; i < count; i++) {
        counts.failed += verdicts[i].failed;
        if (verdicts[i].failed && &verdicts[i] != first)
            print_failure(verdicts[i].property->id, verdicts[i].event, verdicts[i].message);
    }
    for (size_t i = 0; i < count; i++) {
        print_notes(&verdicts[i]);
        if (verdicts[i].failed)
            continue;
        bool checked = verdicts[i].met || verdicts[i].checked;
        if (checked || check->options->properties.count) /* of all there are, most are not news */
            print_verdict(&verdicts[i]);
        counts.held += checked;
        counts.vacuous += !checked;
    }
    return counts;
}

static void print_origin(const struct check *check)
{
    printf("%s: %" PRIu64 " events", check->path, check->events);
    if (check->head->scenario)
        printf(" of %s", check->head->scenario);
    if (check->head->seeded)
        printf(", seed 0x%" PRIx64, check->head->seed);
    printf("\n");
}

/* What only the run itself could see: that nothing came any more, or a crash. */
static enum exit_code print_unseen(const struct check *check)
{
    const struct trace_end *end = trace_reader_end(check->reader);
    if (!end->failed)
        return EXIT_HELD;
    print_failure(end->failed, check->events, end->message ? end->message : "(no message)");
    return strcmp(end->failed, "liveness") == 0 ? EXIT_LIVENESS : EXIT_SAFETY;
}

static enum exit_code conclude(struct check *check)
{
    enum exit_code code = EXIT_HELD;
    if (panel_failed(check->panel) && check->ending != ENDING_BROKEN)
        check->ending = ENDING_STOPPED; /* the run would have ended there */
    const struct verdict *first = panel_judge(check->panel, check->ending);
    print_origin(check);
    if (first) {
        print_failure(first->property->id, first->event, first->message);
        code = first->property->kind == PROPERTY_EVENTUALLY ? EXIT_LIVENESS : EXIT_SAFETY;
    }
    enum exit_code unseen = print_unseen(check);
    struct counts counts = print_verdicts(check, first);
    printf("%zu failed, %zu held, %zu vacuous\n", counts.failed, counts.held, counts.vacuous);
    if (check->ending == ENDING_BROKEN || check->ending == ENDING_STOPPED)
        printf("it was cut short: nothing is said about what must come in the end\n");
    if (code == EXIT_HELD)
        code = unseen;
    return code == EXIT_HELD && counts.held == 0 ? EXIT_EMPTY : code;
}

static enum exit_code judge_file(struct check *check)
{
    int got = trace_reader_head(check->reader, &check->head);
    if (got != 0) {
        cli_explain(trace_reader_why(check->reader));
        return EXIT_USAGE;
    }
    check->panel = panel_of(check);
    if (!check->panel || judge_events(check) != 0)
        return EXIT_USAGE;
    return conclude(check);
}

static enum exit_code check_path(const char *path, const struct check_options *options)
{
    struct check check = {.path = path, .options = options};
    FILE *in = fopen(path, "re");
    if (!in) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return EXIT_USAGE;
    }
    check.reader = trace_reader_new(in, path);
    enum exit_code code = judge_file(&check);
    panel_free(check.panel);
    trace_reader_free(check.reader);
    fclose(in);
    return code;
}

static int check_run(const struct command *command, const struct systems *systems, int argc,
                     char **argv)
{
    (void)systems;
    struct check_options options = {0};
    struct words paths = {0};
    int err = options_parse(command, argc, argv, &options, &paths);
    int code = err > 0 ? EXIT_HELD : EXIT_USAGE;
    if (!err && paths.count != 1)
        cli_complain(command, "needs one trace");
    else if (!err)
        code = (int)check_path(paths.items[0], &options);
    words_done(&paths);
    words_done(&options.properties);
    return code;
}

const struct command cmd_check = {
    .name = "check",
    .args = "TRACE [--property NAME]...",
    .about = "judges a recorded trace again",
    .notes = notes,
    .options = check_table,
    .run = check_run,
};
