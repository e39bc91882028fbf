/* history_set.c: a set that is added to and read as a whole: what is stable, lost, stale, doubled.
 *
 * What counts for an element is the last read that saw it and the last that missed it, by the beginnings of the reads.
 * Reads are walked from the last to the first: an element that was in all reads so far, and is not in this one, was
 * missed by this one last. So all is linear in what the reads returned.
 */
#include "properties/history.h"
#include "properties/table.h"
#include <stdlib.h>

struct element {
    size_t add;
    bool tried, failed;              /* some add may have happened; some failed */
    uint64_t known, present, absent; /* places; NOWHERE */
    int64_t known_ns, present_ns, absent_ns;
    uint64_t streak;    /* of the last reads: how many saw it without a gap */
    size_t read, times; /* the read that saw it last, and how often; the number of a read + 1 */
    uint64_t most;      /* times in one read */
};

struct set {
    const struct history *history;
    struct table elements;
    const struct op **reads; /* ok, in the order of their invocation */
    size_t read_count;
};

static struct element *element_of(struct set *set, int64_t value)
{
    size_t before = set->elements.count;
    struct element *element = TABLE_AT(&set->elements, (uint64_t)value, struct element);
    if (set->elements.count > before)
        element->known = element->present = element->absent = NOWHERE;
    return element;
}

static void element_known(struct element *element, const struct op *by)
{
    if (by->completed >= element->known)
        return;
    element->known = by->completed;
    element->known_ns = by->completed_ns;
}

static void set_add(struct set *set, size_t number)
{
    const struct op *op = &set->history->ops[number];
    struct element *element = element_of(set, op->value);
    if (!element->tried)
        element->add = number;
    element->failed |= op->outcome == OP_FAIL;
    element->tried |= op->outcome != OP_FAIL;
    if (op->outcome == OP_OK)
        element_known(element, op);
}

/* The `back`-th read from the end. */
static void set_read(struct set *set, const struct op *read, size_t back)
{
    for (size_t i = 0; i < read->list_count; i++) {
        struct element *element = element_of(set, read->list[i]);
        element_known(element, read);
        if (element->present == NOWHERE) {
            element->present = read->invoked;
            element->present_ns = read->invoked_ns;
        }
        element->times = element->read == back + 1 ? element->times + 1 : 1;
        element->read = back + 1;
        if (element->times > element->most)
            element->most = element->times;
        if (element->streak == back && element->times == 1)
            element->streak++;
    }
}

static void set_collect(struct set *set)
{
    const struct history *history = set->history;
    set->reads = malloc((history->count + 1) * sizeof(struct op *));
    if (!set->reads)
        abort();
    for (size_t i = 0; i < history->count; i++) {
        if (history->ops[i].f == OP_ADD)
            set_add(set, i);
        else if (history->ops[i].f == OP_READ && history->ops[i].outcome == OP_OK)
            set->reads[set->read_count++] = &history->ops[i];
    }
    for (size_t back = 0; back < set->read_count; back++)
        set_read(set, set->reads[set->read_count - 1 - back], back);
    for (size_t i = 0; i < set->elements.count; i++) {
        struct element *element = table_value(&set->elements, i);
        if (element->streak == set->read_count)
            continue;
        const struct op *missed = set->reads[set->read_count - 1 - element->streak];
        element->absent = missed->invoked;
        element->absent_ns = missed->invoked_ns;
    }
}

/* ---- judging one element ---- */

static int64_t not_negative(int64_t ns)
{
    return ns > 0 ? ns : 0;
}

static bool element_stable(const struct element *element)
{
    return element->present != NOWHERE &&
           (element->absent == NOWHERE || element->absent < element->present);
}

static bool element_lost(const struct element *element)
{
    return element->known != NOWHERE && element->absent != NOWHERE &&
           element->known < element->absent &&
           (element->present == NOWHERE || element->present < element->absent);
}

/* How long after it was known it still was missed. */
static int64_t stable_ns(const struct element *element)
{
    return element->absent == NOWHERE ? 0 : not_negative(element->absent_ns - element->known_ns);
}

/* How long after it was known it was still seen. */
static int64_t lost_ns(const struct element *element)
{
    return element->present == NOWHERE ? 0 : not_negative(element->present_ns - element->known_ns);
}

static void element_report(const struct element *element, uint64_t value, struct set_totals *totals,
                           struct findings *found)
{
    struct finding finding = {.subject = value, .at = element->add, .other = NOWHERE};
    if (element_stable(element)) {
        totals->stable_ns[totals->stable++] = finding.amount = stable_ns(element);
        finding.kind = ANOMALY_STALE;
        if (element->absent != NOWHERE && element->absent > element->known)
            findings_add(found, finding);
    } else if (element_lost(element)) {
        totals->lost_ns[totals->lost++] = finding.amount = lost_ns(element);
        finding.kind = ANOMALY_LOST;
        findings_add(found, finding);
    } else {
        totals->never_read++;
        finding.kind = ANOMALY_NEVER_READ;
        findings_add(found, finding);
    }
}

static void element_judge(const struct element *element, uint64_t value, struct set_totals *totals,
                          struct findings *found)
{
    struct finding finding = {.subject = value, .at = element->add, .other = NOWHERE};
    if (element->most > 1) {
        finding.kind = ANOMALY_DUPLICATED;
        finding.amount = (int64_t)element->most;
        findings_add(found, finding);
    }
    totals->attempted += element->tried || element->failed;
    if (element->tried) {
        element_report(element, value, totals, found);
    } else if (element->present != NOWHERE) {
        finding.kind = element->failed ? ANOMALY_DENIED : ANOMALY_UNEXPECTED;
        finding.amount = 0;
        if (!element->failed)
            finding.at = NOWHERE;
        findings_add(found, finding);
    }
}

static int ns_compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

struct set_totals history_set_totals(const struct history *history, struct findings *found)
{
    struct set set = {.history = history};
    set_collect(&set);
    size_t count = set.elements.count;
    struct set_totals totals = {.stable_ns = malloc((count + 1) * sizeof(int64_t)),
                                .lost_ns = malloc((count + 1) * sizeof(int64_t))};
    if (!totals.stable_ns || !totals.lost_ns)
        abort();
    for (size_t i = 0; i < count; i++)
        element_judge(table_value(&set.elements, i), table_key(&set.elements, i), &totals, found);
    qsort(totals.stable_ns, totals.stable, sizeof *totals.stable_ns, ns_compare);
    qsort(totals.lost_ns, totals.lost, sizeof *totals.lost_ns, ns_compare);
    found->checked += totals.stable + totals.lost;
    table_done(&set.elements);
    free(set.reads);
    return totals;
}

void set_totals_done(struct set_totals *totals)
{
    free(totals->stable_ns);
    free(totals->lost_ns);
    *totals = (struct set_totals){0};
}

void history_set_full(const struct history *history, struct findings *found)
{
    struct set_totals totals = history_set_totals(history, found);
    set_totals_done(&totals);
}

int64_t sorted_quantile(const int64_t *sorted, uint64_t count, unsigned thousandths)
{
    uint64_t at = count * thousandths / 1000;
    return count ? sorted[at < count ? at : count - 1] : 0;
}
