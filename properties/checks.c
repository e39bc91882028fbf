/* checks.c: predicates on single events: unique, increasing, never, count, members. */
#include "properties/checks.h"

#include <assert.h>

/* ---- unique ---- */

void unique_step(struct table *seen, const struct match *each, const struct event *event,
                 struct findings *found)
{
    uint64_t key;
    if (!each->by[0] && !each->key)
        key = event_identity(event);
    else if (!match_key(each, event, &key, found))
        return;
    size_t before = seen->count;
    uint64_t *first = TABLE_AT(seen, key, uint64_t);
    found->checked++;
    if (seen->count > before)
        *first = event->index;
    else
        findings_add(found, (struct finding){ANOMALY_DUPLICATED, match_subject(each, event),
                                             event->index, *first, 0});
}

void check_unique(struct view view, const struct match *each, struct findings *found)
{
    struct matcher matcher = matcher_make(each);
    struct table seen = {0};
    for (size_t i = 0; i < view.count; i++) {
        if (matcher_fits(&matcher, view.events[i]))
            unique_step(&seen, each, view.events[i], found);
    }
    table_done(&seen);
}

/* ---- increasing ---- */

struct last {
    bool known;
    struct point_field value;
    uint64_t at;
};

static bool value_below(const struct point_field *a, const struct point_field *b)
{
    return a->type == FIELD_I64 ? a->i64 < b->i64 : a->u64 < b->u64;
}

void rising_step(struct table *lasts, const struct match *each, bool strictly,
                 const struct event *event, struct findings *found)
{
    uint64_t key;
    struct point_field value;
    if (!match_key(each, event, &key, found) || !match_value(each, event, &value, found))
        return;
    struct last *last = TABLE_AT(lasts, key, struct last);
    bool falls = last->known && (value_below(&value, &last->value) ||
                                 (strictly && !value_below(&last->value, &value)));
    found->checked++;
    if (falls)
        findings_add(found, (struct finding){ANOMALY_DISORDERED, match_subject(each, event),
                                             event->index, last->at, value.i64});
    *last = (struct last){true, value, event->index};
}

void check_increasing(struct view view, const struct match *each, bool strictly,
                      struct findings *found)
{
    struct matcher matcher = matcher_make(each);
    struct table lasts = {0};
    assert(each->value);
    for (size_t i = 0; i < view.count; i++) {
        if (matcher_fits(&matcher, view.events[i]))
            rising_step(&lasts, each, strictly, view.events[i], found);
    }
    table_done(&lasts);
}

/* ---- never, count ---- */

void never_step(const struct match *bad, const struct event *event, struct findings *found)
{
    findings_add(found, (struct finding){ANOMALY_UNEXPECTED, match_subject(bad, event),
                                         event->index, NOWHERE, 0});
}

void check_never(struct view view, const struct match *bad, struct findings *found)
{
    struct matcher matcher = matcher_make(bad);
    for (size_t i = 0; i < view.count; i++) {
        found->checked++;
        if (matcher_fits(&matcher, view.events[i]))
            never_step(bad, view.events[i], found);
    }
}

uint64_t check_count(struct view view, const struct match *each, uint64_t at_least,
                     uint64_t at_most, struct findings *found)
{
    struct matcher matcher = matcher_make(each);
    uint64_t count = 0;
    for (size_t i = 0; i < view.count; i++)
        count += matcher_fits(&matcher, view.events[i]);
    found->checked++;
    if (count < at_least || count > at_most)
        findings_add(found, (struct finding){count < at_least ? ANOMALY_TOO_FEW : ANOMALY_TOO_MANY,
                                             count, NOWHERE, NOWHERE, (int64_t)count});
    return count;
}

/* ---- members ---- */

struct member {
    bool there, expected;
};

void check_members(const uint64_t *values, size_t count, const uint64_t *expected,
                   size_t expected_count, struct findings *found)
{
    struct table members = {0};
    for (size_t i = 0; i < expected_count; i++)
        TABLE_AT(&members, expected[i], struct member)->expected = true;
    for (size_t i = 0; i < count; i++)
        TABLE_AT(&members, values[i], struct member)->there = true;
    found->checked += members.count;
    for (size_t i = 0; i < members.count; i++) {
        const struct member *member = table_value(&members, i);
        if (member->there == member->expected)
            continue;
        findings_add(found, (struct finding){member->expected ? ANOMALY_LOST : ANOMALY_UNEXPECTED,
                                             table_key(&members, i), NOWHERE, NOWHERE, 0});
    }
    table_done(&members);
}
