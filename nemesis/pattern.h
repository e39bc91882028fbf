/* pattern.h: which hits a rule is about: names of points, and values of event fields. */
#ifndef DURESS_PATTERN_H
#define DURESS_PATTERN_H

#include "harness/engine.h"
#include "harness/point.h"

struct pattern;

/* NULL with *ret_error (offset into text). Says nothing about whether such points exist. */
struct pattern *pattern_parse(const char *text, struct term_error *ret_error);
void pattern_free(struct pattern *pattern);
bool pattern_matches_name(const struct pattern *pattern, const char *point);
bool pattern_matches_fields(const struct pattern *pattern, const struct point_field *fields,
                            unsigned count);
/* For a pattern that no registered point matches: where it goes wrong, and what was probably meant.
 */
void pattern_explain(const struct pattern *pattern, struct term_error *ret_error);

#endif
