/* causality.c: causes and their effects: pairs, causality, leads to.
 *
 * Greedy pairing by keys is a queue for each key: a cause takes the first later effect that no earlier cause of its
 * key has taken, so the oldest open cause is always the one that an effect belongs to.
 */
#include "properties/array.h"
#include "properties/checks.h"

#include <assert.h>
#include <stdlib.h>

/* Opens it, and returns it as it was opened. NULL: it has no key. */
static const struct open_span *span_open(struct open_spans *open, const struct match *match,
                                         const struct event *event, size_t number,
                                         struct findings *found)
{
    struct open_span span = {.subject = match_subject(match, event),
                             .at = event->index,
                             .time_ns = event->time_ns,
                             .point = event->point->name,
                             .number = number};
    if (!match_key(match, event, &span.key, found) ||
        !key_by(match->group, event, &span.group, found) ||
        !key_by(match->scope, event, &span.scope, found))
        return NULL;
    open_add(open, &span);
    return &open->pool[open->newest];
}

/* ---- pairs ---- */

struct pairing {
    struct open_spans open;
    struct pair *pairs;
    size_t count, capacity;
};

static struct pair *pair_add(struct pairing *pairing, uint64_t cause, uint64_t effect)
{
    pairing->pairs =
        array_grow(pairing->pairs, pairing->count, &pairing->capacity, sizeof *pairing->pairs);
    pairing->pairs[pairing->count] = (struct pair){cause, effect};
    return &pairing->pairs[pairing->count++];
}

static void pair_effect(struct pairing *pairing, const struct match *effect, uint64_t place,
                        const struct event *event, struct findings *found)
{
    uint64_t key;
    if (!match_key(effect, event, &key, found))
        return;
    uint32_t cause = open_find(&pairing->open, key);
    if (!cause) {
        pair_add(pairing, NOWHERE, place);
        return;
    }
    assert(pairing->pairs);
    pairing->pairs[open_take(&pairing->open, cause).number].effect = place;
}

struct pair *view_pairs(struct view view, const struct causality *causality, size_t *ret_count,
                        struct findings *found)
{
    struct matcher cause = matcher_make(&causality->cause);
    struct matcher effect = matcher_make(&causality->effect);
    struct pairing pairing = {0};
    for (size_t i = 0; i < view.count; i++) {
        const struct event *event = view.events[i];
        if (matcher_fits(&cause, event)) {
            if (span_open(&pairing.open, cause.match, event, pairing.count, found))
                pair_add(&pairing, i, NOWHERE);
        } else if (matcher_fits(&effect, event)) {
            pair_effect(&pairing, effect.match, i, event, found);
        }
    }
    open_done(&pairing.open);
    *ret_count = pairing.count;
    return pairing.pairs;
}

void check_causality(struct view view, const struct causality *causality, struct findings *found)
{
    size_t count;
    struct pair *pairs = view_pairs(view, causality, &count, found);
    found->checked += count;
    for (size_t i = 0; i < count; i++) {
        bool lost = pairs[i].effect == NOWHERE;
        if (!lost && pairs[i].cause != NOWHERE)
            continue;
        const struct event *event = view.events[lost ? pairs[i].cause : pairs[i].effect];
        const struct match *match = lost ? &causality->cause : &causality->effect;
        findings_add(found,
                     (struct finding){lost ? ANOMALY_LOST : ANOMALY_UNEXPECTED,
                                      match_subject(match, event), event->index, NOWHERE, 0});
    }
    free(pairs);
}

/* ---- leads to ---- */

void cause_step(struct open_spans *open, const struct match *cause, const struct event *event,
                struct findings *found)
{
    span_open(open, cause, event, 0, found);
}

void effect_step(struct open_spans *open, const struct match *effect, int64_t within_ns,
                 const struct event *event, struct findings *found)
{
    uint64_t key;
    if (!match_key(effect, event, &key, found))
        return;
    for (uint32_t number; (number = open_find(open, key));) {
        struct open_span cause = open_take(open, number);
        int64_t late_ns = event->time_ns - cause.time_ns - within_ns;
        found->checked++;
        if (late_ns > 0)
            findings_add(found, (struct finding){ANOMALY_LATE, cause.subject, cause.at,
                                                 event->index, late_ns});
    }
}

void leads_to_end(const struct open_spans *open, int64_t within_ns, int64_t now_ns,
                  struct findings *found)
{
    for (uint32_t number = open->oldest; number; number = open->pool[number].newer) {
        const struct open_span *cause = &open->pool[number];
        int64_t age_ns = now_ns - cause->time_ns;
        bool lost = age_ns > within_ns;
        found->checked += lost;
        findings_add(found, (struct finding){lost ? ANOMALY_LOST : ANOMALY_PENDING, cause->subject,
                                             cause->at, NOWHERE, age_ns});
    }
}

void check_leads_to(struct view view, const struct leads_to *leads_to, struct findings *found)
{
    struct matcher cause = matcher_make(&leads_to->cause);
    struct matcher effect = matcher_make(&leads_to->effect);
    struct matcher excuse = matcher_make(&leads_to->excuse);
    struct open_spans open = {0};
    for (size_t i = 0; i < view.count; i++) {
        const struct event *event = view.events[i];
        if (matcher_fits(&effect, event))
            effect_step(&open, effect.match, leads_to->within_ns, event, found);
        if (leads_to->excuse.point && matcher_fits(&excuse, event))
            gone_step(&open, NULL, excuse.match, event, found);
        if (matcher_fits(&cause, event))
            cause_step(&open, cause.match, event, found);
    }
    if (view.count)
        leads_to_end(&open, leads_to->within_ns, view.events[view.count - 1]->time_ns, found);
    open_done(&open);
}

/* ---- spans, event by event ---- */

void start_step(struct open_spans *open, struct table *depths, const struct match *start,
                uint64_t limit, const struct event *event, struct findings *found)
{
    struct point_field value;
    if (start->value && !match_value(start, event, &value, found))
        return;
    limit = start->value ? value.u64 : limit;
    const struct open_span *span = span_open(open, start, event, 0, found);
    if (!span)
        return;
    uint64_t depth = ++*TABLE_AT(depths, span->group, uint64_t);
    found->checked++;
    if (depth > limit)
        findings_add(found, (struct finding){ANOMALY_TOO_DEEP, span->subject, event->index, NOWHERE,
                                             (int64_t)depth});
}

static void depth_fall(struct table *depths, const struct open_span *span)
{
    if (depths)
        --*TABLE_AT(depths, span->group, uint64_t);
}

void end_step(struct open_spans *open, struct table *depths, const struct match *end,
              const struct event *event, struct findings *found)
{
    uint64_t key;
    if (!match_key(end, event, &key, found))
        return;
    uint32_t number = open_find(open, key);
    if (!number)
        return;
    struct open_span span = open_take(open, number);
    depth_fall(depths, &span);
}

void gone_step(struct open_spans *open, struct table *depths, const struct match *gone,
               const struct event *event, struct findings *found)
{
    uint64_t scope;
    if (!match_key(gone, event, &scope, found))
        return;
    for (uint32_t number = open->oldest, next; number; number = next) {
        next = open->pool[number].newer;
        if (open->pool[number].scope != scope)
            continue;
        struct open_span span = open_take(open, number);
        depth_fall(depths, &span);
    }
}
