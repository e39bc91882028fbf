/* history_queue.c: the total queue: everything that went in comes out, and nothing else.
 *
 * Three multisets: what was tried, what was acknowledged, what came out. What an enqueue of unknown outcome leaves
 * behind may come out or not; a drain of unknown outcome may have taken anything, so that nothing is decided any more.
 */
#include "properties/history.h"
#include "properties/table.h"

struct tally {
    uint64_t attempted, acknowledged, failed, dequeued;
    size_t enqueued_by, dequeued_by; /* operations: the first that tried, the last that took */
};

/* Per writer: how much it wrote, and the first and last of it that came out. */
struct writer {
    uint64_t written, first, last;
    bool read;
};

struct queue {
    const struct history *history;
    struct table values;  /* by value: struct tally */
    struct table writers; /* by process: struct writer */
    struct findings *found;
};

static struct tally *tally_of(struct queue *queue, int64_t value)
{
    return TABLE_AT(&queue->values, (uint64_t)value, struct tally);
}

static void queue_in(struct queue *queue, size_t number)
{
    const struct op *op = &queue->history->ops[number];
    struct tally *tally = tally_of(queue, op->value);
    if (tally->attempted++ == 0)
        tally->enqueued_by = number;
    tally->acknowledged += op->outcome == OP_OK;
    tally->failed += op->outcome == OP_FAIL;
}

static void queue_out(struct queue *queue, size_t number, int64_t value)
{
    struct tally *tally = tally_of(queue, value);
    tally->dequeued++;
    tally->dequeued_by = number;
}

static void queue_count(struct queue *queue, size_t number)
{
    const struct op *op = &queue->history->ops[number];
    if (op->f == OP_ENQUEUE)
        queue_in(queue, number);
    else if (op->f == OP_DEQUEUE && op->outcome == OP_OK && op->value != VALUE_NONE)
        queue_out(queue, number, op->value);
    else if (op->f == OP_DRAIN && op->outcome == OP_UNKNOWN)
        findings_add(queue->found, (struct finding){ANOMALY_UNDECIDED, number, number, NOWHERE, 0});
    for (size_t i = 0; op->f == OP_DRAIN && op->outcome == OP_OK && i < op->list_count; i++)
        queue_out(queue, number, op->list[i]);
}

/* ---- which part is lost ---- */

static void writers_measure(struct queue *queue)
{
    for (size_t i = 0; i < queue->history->count; i++) {
        const struct op *op = &queue->history->ops[i];
        if (op->f != OP_ENQUEUE)
            continue;
        struct writer *writer = TABLE_AT(&queue->writers, op->process, struct writer);
        uint64_t ordinal = writer->written++;
        if (!tally_of(queue, op->value)->dequeued)
            continue;
        if (!writer->read)
            writer->first = ordinal;
        writer->last = ordinal;
        writer->read = true;
    }
}

static enum anomaly loss_part(const struct writer *writer, uint64_t ordinal)
{
    if (!writer->read)
        return ANOMALY_LOST_POSTFIX;
    if (ordinal < writer->first)
        return ANOMALY_LOST_PREFIX;
    return ordinal < writer->last ? ANOMALY_LOST_MIDDLE : ANOMALY_LOST_POSTFIX;
}

/* Goes once more through what was written; each lost copy is reported at an operation that enqueued it. */
static void losses_report(struct queue *queue)
{
    writers_measure(queue);
    for (size_t i = 0; i < queue->writers.count; i++)
        ((struct writer *)table_value(&queue->writers, i))->written = 0;
    for (size_t i = 0; i < queue->history->count; i++) {
        const struct op *op = &queue->history->ops[i];
        if (op->f != OP_ENQUEUE)
            continue;
        struct writer *writer = table_find(&queue->writers, op->process);
        uint64_t ordinal = writer->written++;
        struct tally *tally = tally_of(queue, op->value);
        if (op->outcome != OP_OK || tally->acknowledged <= tally->dequeued)
            continue;
        tally->acknowledged--; /* this copy is accounted for */
        findings_add(queue->found, (struct finding){loss_part(writer, ordinal), (uint64_t)op->value,
                                                    i, NOWHERE, 0});
    }
}

/* ---- the rest ---- */

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void value_report(struct queue *queue, uint64_t value, const struct tally *tally)
{
    struct finding finding = {.subject = value, .at = tally->dequeued_by, .other = NOWHERE};
    if (tally->attempted == 0) {
        finding.kind = ANOMALY_UNEXPECTED;
        finding.amount = (int64_t)tally->dequeued;
        findings_add(queue->found, finding);
        return;
    }
    finding.other = tally->enqueued_by;
    if (tally->dequeued > tally->attempted) {
        finding.kind = ANOMALY_DUPLICATED;
        finding.amount = (int64_t)(tally->dequeued - tally->attempted);
        findings_add(queue->found, finding);
    }
    uint64_t ok = at_most(tally->dequeued, tally->attempted);
    uint64_t possible = tally->attempted - tally->failed;
    if (ok > possible) {
        finding.kind = ANOMALY_DENIED;
        finding.amount = (int64_t)(ok - possible);
        findings_add(queue->found, finding);
    }
    if (at_most(ok, possible) > tally->acknowledged) {
        finding.kind = ANOMALY_RECOVERED;
        finding.amount = (int64_t)(at_most(ok, possible) - tally->acknowledged);
        findings_add(queue->found, finding);
    }
}

struct queue_totals history_queue_totals(const struct history *history, struct findings *found)
{
    struct queue queue = {.history = history, .found = found};
    struct queue_totals totals = {0};
    for (size_t i = 0; i < history->count; i++)
        queue_count(&queue, i);
    for (size_t i = 0; i < queue.values.count; i++) {
        const struct tally *tally = table_value(&queue.values, i);
        value_report(&queue, table_key(&queue.values, i), tally);
        totals.attempted += tally->attempted;
        totals.acknowledged += tally->acknowledged;
        totals.dequeued += tally->dequeued;
        totals.ok += at_most(tally->dequeued, tally->attempted);
    }
    losses_report(&queue);
    found->checked += totals.acknowledged + totals.dequeued;
    table_done(&queue.values);
    table_done(&queue.writers);
    return totals;
}

void history_total_queue(const struct history *history, struct findings *found)
{
    history_queue_totals(history, found);
}
