/* prop_report.c: what people read about a property test. */
#define _GNU_SOURCE
#include "properties/prop_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct report {
    FILE *out;
    char *text;
    size_t size;
};

static FILE *report_begin(struct report *report)
{
    report->out = open_memstream(&report->text, &report->size);
    if (!report->out)
        abort();
    return report->out;
}

static char *report_end(struct report *report)
{
    fclose(report->out);
    return report->text;
}

static void print_shown(FILE *out, const char *shown)
{
    for (const char *line = shown; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(out, "    %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void print_replay_line(const struct prop_run *run, FILE *out)
{
    fputs("  reproduce: ", out);
    run->config->replay_line(out, run->prop, run->result.failing_case, run->config);
    fputs("\n", out);
}

/* "case 7 fails", "case 7 fails, 9 of 10 times"; how far it was shrunk. */
static void print_shrinking(const struct prop_run *run, FILE *out, size_t choices)
{
    const struct shrink_stats *shrink = &run->result.shrink;
    fprintf(out, "  shrunk to %zu choice%s in %" PRIu64 " executions%s\n", choices,
            choices == 1 ? "" : "s", shrink->executions,
            shrink->finished ? "" : "; stopped early, at a limit: it may become simpler");
}

static size_t choices_in(const char *text)
{
    return strtoul(strchr(text, ':') + 1, NULL, 10);
}

static void print_minimal(const struct prop_run *run, FILE *out)
{
    const struct outcome *outcome = run->executor.outcome;
    if (!run->told_again) {
        fputs("  (it did not fail again when it was to be told)\n", out);
        return;
    }
    print_shown(out, outcome->shown);
    fprintf(out, "  %s\n", outcome->message);
}

static void print_head(const struct prop_run *run, FILE *out, const char *what)
{
    fprintf(out, "property %s/%s %s\n", run->prop->suite, run->prop->name, what);
}

static void print_flaky(const struct prop_run *run, FILE *out, const char *which)
{
    print_head(run, out, "is flaky");
    fprintf(out,
            "  %s failed, and with the same choices again: reproduced %u/%d. Something that is not "
            "drawn\n  decides (time, addresses, static state); it is not shrunk. "
            ".ignore = PROP_IGNORE(FLAKY) shrinks it nevertheless\n",
            which, run->result.reproduced, REPRODUCE_TIMES);
}

char *prop_report_failure(const struct prop_run *run, const char *which, const char *first,
                          size_t first_length)
{
    const struct prop_result *result = &run->result;
    struct report report;
    FILE *out = report_begin(&report);
    if (result->verdict == PROP_UNHEALTHY) {
        print_flaky(run, out, which);
        fprintf(out, "  %s\n", first);
    } else {
        print_head(run, out, "failed");
        fprintf(out, "  %s, seed 0x%" PRIx64 ", failed first (%zu choices): %s\n", which,
                result->seed, first_length, first);
        if (result->reproduced < REPRODUCE_TIMES)
            fprintf(out, "  flaky: reproduced %u/%d\n", result->reproduced, REPRODUCE_TIMES);
        print_shrinking(run, out, choices_in(result->failing_case));
    }
    print_minimal(run, out);
    print_replay_line(run, out);
    return report_end(&report);
}

/* ---- health ---- */

static void print_uncovered(const struct prop_result *result, FILE *out)
{
    for (size_t i = 0; i < result->label_count; i++)
        if (result->labels[i].percent_min)
            fprintf(out, "  '%s': %" PRIu64 " of %" PRIu64 " cases, promised %u %%\n",
                    result->labels[i].text, result->labels[i].hits, result->cases,
                    result->labels[i].percent_min);
}

static void print_symptom(const struct prop_run *run, FILE *out)
{
    const struct prop_result *result = &run->result;
    switch (result->health) {
    case HEALTH_MANY_DISCARDS:
        fprintf(out,
                "  %" PRIu64 " cases discarded, %" PRIu64 " counted: draw what is needed "
                "instead of assuming it\n",
                result->discarded, result->cases);
        break;
    case HEALTH_SLOW:
        fprintf(out,
                "  %" PRIu64 " choices drawn for %" PRIu64 " cases: draw less, or smaller "
                "lists\n",
                result->choices, result->cases);
        break;
    case HEALTH_LARGE:
        fprintf(out,
                "  %" PRIu64 " cases wanted more than %d choices: bound lists and "
                "recursion\n",
                result->too_large, CHOICES_MAX);
        break;
    case HEALTH_FLAKY:
        fputs(
            "  it drew something else, or came to another verdict, when it was run again with the "
            "same\n  choices. Something that is not drawn decides (time, addresses, static "
            "state)\n",
            out);
        break;
    case HEALTH_FAULT_NEVER_FIRED:
        fprintf(out, "  %" PRIu64 " chances in %" PRIu64 " cases, and not one fault\n",
                result->fault_hits, result->cases);
        break;
    case HEALTH_NEVER_SWITCHED:
        fprintf(out, "  %" PRIu64 " yields in %" PRIu64 " cases, and never went another fiber on\n",
                result->yields, result->cases);
        break;
    case HEALTH_UNCOVERED: print_uncovered(result, out); break;
    case HEALTH_COUNT: break;
    }
}

char *prop_report_health(const struct prop_run *run)
{
    static const char *const names[] = {
#define X(e, words) [HEALTH_##e] = #e,
        HEALTHS(X)
#undef X
            [HEALTH_COUNT] = "",
    };
    struct report report;
    FILE *out = report_begin(&report);
    fprintf(out, "property %s/%s is not healthy: %s (seed 0x%" PRIx64 ")\n", run->prop->suite,
            run->prop->name, health_words(run->result.health), run->result.seed);
    print_symptom(run, out);
    fprintf(out, "  if that is meant: .ignore = PROP_IGNORE(%s)\n", names[run->result.health]);
    return report_end(&report);
}

char *prop_report_replay(const struct prop_run *run)
{
    static const char *const said[] = {
        [CASE_HELD] = "held",
        [CASE_DISCARDED] = "discarded: an assumption does not hold, or choices are missing",
        [CASE_TOO_LARGE] = "too large",
        [CASE_FAILED] = "failed",
    };
    const struct outcome *outcome = run->executor.outcome;
    struct report report;
    FILE *out = report_begin(&report);
    print_head(run, out, said[outcome->verdict]);
    print_shown(out, outcome->shown);
    if (outcome->verdict == CASE_FAILED)
        fprintf(out, "  %s\n", outcome->message);
    return report_end(&report);
}

/* ---- statistics ---- */

/* How many labels are more frequent, or as frequent and were met earlier. */
static size_t label_rank(const struct prop_result *result, size_t label)
{
    size_t rank = 0;
    uint64_t hits = result->labels[label].hits;
    for (size_t i = 0; i < label; i++)
        rank += result->labels[i].hits >= hits;
    for (size_t i = label + 1; i < result->label_count; i++)
        rank += result->labels[i].hits > hits;
    return rank;
}

/* The most frequent first. */
static void print_labels(const struct prop_result *result, uint64_t cases, FILE *out)
{
    size_t *ranked = calloc(result->label_count + 1, sizeof *ranked);
    if (!ranked)
        abort();
    for (size_t i = 0; i < result->label_count; i++)
        ranked[label_rank(result, i)] = i;
    for (size_t i = 0; i < result->label_count; i++) {
        const struct prop_label_count *label = &result->labels[ranked[i]];
        fprintf(out, "  %5.1f %% %s\n", 100.0 * (double)label->hits / (double)cases, label->text);
    }
    free(ranked);
}

void prop_print_statistics(const struct prop_result *result, FILE *out)
{
    uint64_t cases = result->cases ? result->cases : 1;
    fprintf(out, "  %" PRIu64 " cases, %" PRIu64 " choices", result->cases, result->choices);
    if (result->discarded)
        fprintf(out, ", %" PRIu64 " discarded", result->discarded);
    if (result->too_large)
        fprintf(out, ", %" PRIu64 " too large", result->too_large);
    if (result->fault_hits)
        fprintf(out, ", %" PRIu64 " faults at %" PRIu64 " chances", result->faults,
                result->fault_hits);
    if (result->yields)
        fprintf(out, ", %" PRIu64 " switches at %" PRIu64 " yields", result->switches,
                result->yields);
    if (result->target_label)
        fprintf(out, ", %s up to %g", result->target_label, result->target);
    fputs("\n", out);
    print_labels(result, cases, out);
}
