/* json.h: a small streaming writer of JSON for run.json, trace.jsonl and lists.
 *
 * Integers only: there is no way to write a float. What may exceed 2^53, where most readers lose
 * digits, is written as a string. Text is escaped; what is not UTF-8 is replaced by U+FFFD, so the
 * output is always valid.
 *
 *     struct json j;
 *     json_init(&j, out, 1);
 *     json_object_begin(&j, NULL);
 *     json_count(&j, "runs", 17);
 *     json_array_begin(&j, "points");
 *     json_str(&j, NULL, "store/ack/send");
 *     json_array_end(&j);
 *     json_object_end(&j);
 *     int err = json_done(&j);
 *
 * `key` is NULL in arrays and at the top. Balance is asserted, and so are keys.
 */
#ifndef DURESS_JSON_H
#define DURESS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 16

struct json {
    FILE *out;
    unsigned
        broken_depth; /* containers nested less deep than this are written over several lines */
    unsigned depth;
    bool in_object[JSON_DEPTH_MAX];
    bool has_values[JSON_DEPTH_MAX];
};

/* broken_depth 0: everything on one line. */
void json_init(struct json *json, FILE *out, unsigned broken_depth);
/* Everything was closed; ends the line. 0, or -EIO if `out` has failed by now. */
int json_done(struct json *json);

void json_object_begin(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array_begin(struct json *json, const char *key);
void json_array_end(struct json *json);

void json_str(struct json *json, const char *key, const char *text); /* NULL: null */
void json_bool(struct json *json, const char *key, bool value);
void json_int(struct json *json, const char *key, int64_t value);    /* beyond +-2^53: a string */
void json_count(struct json *json, const char *key, uint64_t value); /* beyond 2^53: a string */
void json_u64(struct json *json, const char *key, uint64_t value);   /* always a decimal string */
void json_hex(struct json *json, const char *key, uint64_t value);   /* always a string "0x..." */

/* Is this text what the three above would write as a string, because it is beyond 2^53? */
bool json_is_big_number(const char *text);

/* One string with its quotes. */
void json_escape(FILE *out, const char *text);

/* Length of the well-formed UTF-8 sequence at `text` (1..4), 0 if there is none. Text ends with
 * NUL. */
unsigned utf8_length(const char *text);
/* Puts '?' in place of each byte that must not reach a terminal: of control characters (but tabs and
 * line ends), and of what is not UTF-8. */
void utf8_make_plain(char *text);

#endif
