/* schedule.c: see schedule.h. */
#include "properties/schedule.h"

#include "properties/table.h"
#include <stdlib.h>

uint64_t plan_targets(const struct plan_of_runs *plan, int64_t read_ns)
{
    int64_t before_ns = read_ns - plan->epsilon_ns - plan->duration_ns;
    if (plan->first_ns >= before_ns)
        return 0;
    if (plan->interval_ns <= 0)
        return plan->count ? 1 : 0;
    uint64_t due = (uint64_t)((before_ns - 1 - plan->first_ns) / plan->interval_ns) + 1;
    return due < plan->count ? due : plan->count;
}

/* A run, and where it stood before they were sorted. */
struct entry {
    struct run_of_job run;
    size_t number;
};

static int entry_compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->run.job != b->run.job)
        return a->run.job < b->run.job ? -1 : 1;
    if (a->run.start_ns != b->run.start_ns)
        return a->run.start_ns < b->run.start_ns ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static struct entry *entries_sorted(const struct run_of_job *runs, size_t count)
{
    struct entry *entries = malloc((count + 1) * sizeof *entries);
    if (!entries)
        abort();
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){runs[i], i};
    qsort(entries, count, sizeof *entries, entry_compare);
    return entries;
}

static int64_t target_begin(const struct plan_of_runs *plan, uint64_t target)
{
    return plan->first_ns + (int64_t)target * plan->interval_ns;
}

static void run_report(enum anomaly kind, const struct entry *entry, struct findings *found)
{
    findings_add(
        found, (struct finding){kind, entry->run.job, entry->number, NOWHERE, entry->run.start_ns});
}

static void target_unmet(const struct plan_of_runs *plan, uint64_t target, struct findings *found)
{
    findings_add(found, (struct finding){ANOMALY_UNMET, plan->job, target, NOWHERE,
                                         target_begin(plan, target)});
}

/* The runs of one plan, in the order of their starts. A run is for the earliest target that is open and still in time;
 * a target that is over before a run starts will never be met. */
static void plan_check(const struct plan_of_runs *plan, const struct entry *runs, size_t count,
                       int64_t read_ns, int64_t forgiven_ns, struct findings *found)
{
    uint64_t targets = plan_targets(plan, read_ns), next = 0;
    int64_t window_ns = plan->epsilon_ns + forgiven_ns;
    found->checked += targets;
    for (size_t i = 0; i < count; i++) {
        if (runs[i].run.end_ns == INT64_MAX) {
            run_report(ANOMALY_INCOMPLETE, &runs[i], found);
            continue;
        }
        while (next < targets && target_begin(plan, next) + window_ns < runs[i].run.start_ns)
            target_unmet(plan, next++, found);
        if (next < targets && target_begin(plan, next) <= runs[i].run.start_ns)
            next++;
        else
            run_report(ANOMALY_EXTRA, &runs[i], found);
    }
    while (next < targets)
        target_unmet(plan, next++, found);
}

struct part {
    size_t from, count;
    bool planned;
};

void check_schedule(const struct plan_of_runs *plans, size_t plan_count,
                    const struct run_of_job *runs, size_t run_count, int64_t read_ns,
                    int64_t forgiven_ns, struct findings *found)
{
    struct entry *entries = entries_sorted(runs, run_count);
    struct table parts = {0};
    for (size_t i = 0; i < run_count; i++) {
        struct part *part = TABLE_AT(&parts, entries[i].run.job, struct part);
        if (part->count++ == 0)
            part->from = i;
    }
    for (size_t i = 0; i < plan_count; i++) {
        struct part *part = TABLE_AT(&parts, plans[i].job, struct part);
        part->planned = true;
        plan_check(&plans[i], entries + part->from, part->count, read_ns, forgiven_ns, found);
    }
    for (size_t i = 0; i < parts.count; i++) {
        const struct part *part = table_value(&parts, i);
        for (size_t j = 0; !part->planned && j < part->count; j++)
            run_report(ANOMALY_UNEXPECTED, &entries[part->from + j], found);
    }
    table_done(&parts);
    free(entries);
}
