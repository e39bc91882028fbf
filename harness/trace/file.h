/* file.h: a recorded trace as a file, failures/N/trace.jsonl, one JSON object a line:
 *
 *     {"trace": 1, "scenario": "scenarios/x.yaml", "seed": "0x1f", "properties": ["queue_limit"]}
 *     {"i": 0, "t": "1000000007", "node": 1, "actor": 2, "point": "job/perform/start", "job": 7}
 *     {"i": 1, "t": "1000000009", "node": 1, "actor": 2, "point": "store/ack/send", "job": 7, "fault": "crash"}
 *     {"end": "stopped", "events": 2}
 *
 * The head may be missing, and so may each of its keys but `trace`; without `properties` all were
 * judged. Of an event `i`, counted from 0, `t` (nanoseconds, never back) and `point` must be there.
 * What else an event has are its fields, in order: whole numbers, those beyond 2^53 as strings, and
 * texts; a text that looks like such a string stands as {"text": "9007199254740993"}. `end` says
 * how the run ended (ENDINGS), `failed` and `message` what no property can see; `events` may be missing.
 *
 * A point need not be known to this program: a trace of another one may be judged. */
#ifndef DURESS_TRACE_FILE_H
#define DURESS_TRACE_FILE_H

#include "harness/property.h"

#define TRACE_VERSION 1

struct trace_head {
    char *scenario; /* path, heap; may be NULL */
    bool seeded;
    uint64_t seed;
    char **properties; /* ids, heap; NULL: all */
    size_t property_count;
};

struct trace_end {
    enum run_ending ending;
    uint64_t events;
    char *failed, *message; /* heap; NULL, or "liveness", "crash", and why */
};

/* ---- writing: one line each; the events between are written with event_write_json() ---- */

void trace_write_head(const struct trace_head *head, FILE *out);
void trace_write_end(const struct trace_end *end, FILE *out);

/* ---- reading ---- */

struct trace_reader;

/* `in` stays open and is the caller's; messages call it `name`. */
struct trace_reader *trace_reader_new(FILE *in, const char *name);
void trace_reader_free(struct trace_reader *reader);

/* First of all. *ret_head (all empty when the file has none) is good until trace_reader_free().
 * Returns as trace_reader_next(), never 1. */
int trace_reader_head(struct trace_reader *reader, const struct trace_head **ret_head);
/* 1: an event, good until the next call. 0: the end was read. -EINVAL: the file is bad. -ENODATA: it
 * breaks off here, before its end. What is wrong is then in trace_reader_why():
 * "name:line:column: error: ...". */
int trace_reader_next(struct trace_reader *reader, struct event *ret_event);
const struct trace_end *trace_reader_end(const struct trace_reader *reader); /* after a 0 */
const char *trace_reader_why(const struct trace_reader *reader);

#endif
