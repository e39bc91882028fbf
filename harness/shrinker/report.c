/* report.c: see report.h. */
#define _GNU_SOURCE
#include "harness/shrinker/report.h"

#include "harness/suite/rundir.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *end_word(enum shrink_end end)
{
    static const char *const words[] = {
        [SHRINK_FINISHED] = "nothing is left to simplify",
        [SHRINK_TIME_UP] = "time was up: the best so far",
        [SHRINK_INTERRUPTED] = "interrupted: the best so far",
        [SHRINK_HOLDS] = "it does not fail",
        [SHRINK_FLAKY] = "two runs of one tape differ: do not trust it",
    };
    return words[end];
}

static void print_row(const char *indent, const char *name, uint64_t before, uint64_t after,
                      FILE *out)
{
    if (before || after)
        fprintf(out, "%s%-9s %9" PRIu64 " -> %" PRIu64, indent, name, before, after);
}

static size_t count_of(const struct shrink_size *size, const char *label)
{
    for (size_t i = 0; i < size->part_count; i++)
        if (strcmp(size->parts[i].label, label) == 0)
            return size->parts[i].count;
    return 0;
}

static void print_parts(const struct shrink_outcome *outcome, const char *indent, FILE *out)
{
    for (size_t i = 0; i < outcome->before.part_count; i++) {
        const struct shrink_part *part = &outcome->before.parts[i];
        char name[32];
        snprintf(name, sizeof name, "%s%s", part->label,
                 part->label[strlen(part->label) - 1] == 's' ? "es" : "s");
        print_row(indent, name, part->count, count_of(&outcome->after, part->label), out);
        fputc('\n', out);
    }
}

static void print_necessary(const struct shrink_outcome *outcome, FILE *out)
{
    size_t faults = outcome->after.faults;
    if (!faults)
        fputs(", it fails without any", out);
    else if (outcome->necessary == faults)
        fprintf(out, faults == 1 ? ", necessary" : ", each of them necessary");
    else if (outcome->necessary)
        fprintf(out, ", %zu of them seen to be necessary", outcome->necessary);
    else
        fputs(", not yet known which of them are necessary", out);
}

static void print_sizes(const struct shrink_outcome *outcome, const char *indent, FILE *out)
{
    const struct shrink_size *before = &outcome->before, *after = &outcome->after;
    char one[32], two[32];
    print_row(indent, "faults", before->faults, after->faults, out);
    if (before->faults || after->faults) {
        print_necessary(outcome, out);
        fputc('\n', out);
    }
    print_parts(outcome, indent, out);
    print_row(indent, "draws", before->draws, after->draws, out);
    fputs(before->draws || after->draws ? "\n" : "", out);
    if (after->choices)
        fprintf(out, "%s%-9s %9s -> %zu\n", indent, "choices", "seeded", after->choices);
    print_row(indent, "events", before->events, after->events, out);
    fputs(before->events || after->events ? "\n" : "", out);
    if (before->sim_ns || after->sim_ns)
        fprintf(out, "%s%-9s %9s -> %s\n", indent, "lasts",
                duration_print(before->sim_ns / 1000000 * 1000000, one, sizeof one),
                duration_print(after->sim_ns / 1000000 * 1000000, two, sizeof two));
}

void shrink_print(const struct shrink_outcome *outcome, const char *indent, FILE *out)
{
    char text[192];
    fprintf(out, "%s%s\n", indent, mark_print(&outcome->mark, text, sizeof text));
    print_sizes(outcome, indent, out);
    fprintf(out, "%s%-9s %" PRIu64 " runs in %" PRId64 ".%" PRId64 "s; %s\n", indent, "shrunk in",
            outcome->executions, outcome->wall_ns / 1000000000, outcome->wall_ns / 100000000 % 10,
            end_word(outcome->end));
    for (size_t i = 0; i < outcome->other_count; i++)
        fprintf(out, "%s%-9s %s, another failure, met %" PRIu64 " times on the way\n", indent,
                i ? "" : "besides", mark_print(&outcome->others[i].mark, text, sizeof text),
                outcome->others[i].times);
}

struct writing {
    const struct shrink_outcome *outcome;
    struct tape_meta meta;
};

static int write_tape(void *ctx, FILE *out)
{
    const struct writing *writing = ctx;
    return tape_write(writing->outcome->tape, &writing->meta, out);
}

int shrink_write(const struct shrink_outcome *outcome, const struct tape_meta *meta,
                 const char *path)
{
    struct writing writing = {outcome, *meta};
    char *comment;
    size_t size;
    FILE *out = open_memstream(&comment, &size);
    if (!out)
        abort();
    shrink_print(outcome, "", out);
    fclose(out);
    writing.meta.comment = comment;
    memcpy(writing.meta.fingerprint, outcome->result.fingerprint, sizeof writing.meta.fingerprint);
    int err = file_replace(path, write_tape, &writing);
    free(comment);
    return err;
}
