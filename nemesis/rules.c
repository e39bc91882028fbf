/* rules.c: all rules of a run, and the decision about one hit.
 *
 * Which rules speak of a point is found out at its first hit; a hit on a point of which nothing
 * speaks costs one array load. What can be lost is the rules' counters, with the run; the same tape
 * builds them up again.
 */
#include "nemesis/rules.h"

#include "harness/hash.h"
#include "nemesis/moment.h"
#include "nemesis/parser.h"
#include "nemesis/pattern.h"
#include "nemesis/wait.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    struct pattern *pattern;
    struct term *term;
    struct term_state *state;
    struct promise_count count;
};

/* What speaks of one point. */
struct concern {
    bool edits;   /* the tape does */
    size_t count; /* these rules do */
    struct rule *rules[];
};

struct rules {
    struct rule **list; /* in written order */
    size_t count;
    struct concern **by_point; /* by point id; NULL: not known yet */
};

static void *checked(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

struct rules *rules_new(void)
{
    return checked(calloc(1, sizeof(struct rules)));
}

static void rule_free(struct rule *rule)
{
    pattern_free(rule->pattern);
    term_free(rule->term);
    term_state_free(rule->state);
    free(rule);
}

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->count; i++)
        rule_free(rules->list[i]);
    for (size_t id = 0; rules->by_point && id < registry_count(); id++)
        free(rules->by_point[id]);
    free(rules->by_point);
    free(rules->list);
    free(rules);
}

/* ---- adding ---- */

static size_t points_matching(const struct pattern *pattern, uint32_t *ret_kinds)
{
    size_t matching = 0;
    uint32_t kinds = 0;
    for (size_t id = 0; id < registry_count(); id++) {
        if (pattern_matches_name(pattern, registry_get(id)->name)) {
            matching++;
            kinds |= registry_get(id)->kinds;
        }
    }
    *ret_kinds = kinds;
    return matching;
}

/* "delay, crash, kill" */
static void print_kinds(uint32_t kinds, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++)
        if ((kinds & fault_can((enum fault_kind)kind)) != 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
                                     fault_word((enum fault_kind)kind));
}

static bool complain_of_kinds(struct parser *parser, uint32_t needed, uint32_t can)
{
    char needs[100], cans[100];
    print_kinds(needed, needs, sizeof needs);
    print_kinds(can, cans, sizeof cans);
    if (cans[0] == '\0')
        return complain(parser, 0, "nothing can be injected here: it only records events");
    return complain(parser, 0, "cannot do %s here; what can be injected: %s", needs, cans);
}

static bool check_kinds(const struct rule *rule, struct parser *parser)
{
    uint32_t can, needed = term_kinds(rule->term);
    if (points_matching(rule->pattern, &can) == 0) {
        pattern_explain(rule->pattern, parser->error);
        return false;
    }
    return needed == 0 || (needed & can) != 0 || complain_of_kinds(parser, needed, can);
}

static bool check_waits(const struct rule *rule, struct parser *parser)
{
    const struct wait *wait;
    size_t offset;
    for (size_t i = 0; (wait = term_wait(rule->term, i, &offset)) != NULL; i++) {
        if (registry_find(wait->name))
            continue;
        struct pattern *pattern = pattern_parse(wait->name, parser->error);
        if (pattern)
            pattern_explain(pattern, parser->error);
        pattern_free(pattern);
        parser->error->in_pattern = false;
        parser->error->offset += offset;
        return false;
    }
    return true;
}

int rules_add(struct rules *rules, const char *pattern, const char *term,
              struct term_error *ret_error)
{
    struct parser parser = {.text = term, .error = ret_error};
    struct rule *rule = checked(calloc(1, sizeof *rule));
    rule->pattern = pattern_parse(pattern, ret_error);
    rule->term = rule->pattern ? term_parse(term, ret_error) : NULL;
    if (!rule->term || !check_kinds(rule, &parser) || !check_waits(rule, &parser)) {
        rule_free(rule);
        return -EINVAL;
    }
    rule->state = term_state_new(rule->term);
    rules->list = checked(realloc(rules->list, (rules->count + 1) * sizeof(struct rule *)));
    rules->list[rules->count++] = rule;
    return 0;
}

uint32_t rules_kinds(const struct rules *rules)
{
    uint32_t kinds = 0;
    for (size_t i = 0; i < rules->count; i++)
        kinds |= term_kinds(rules->list[i]->term);
    return kinds;
}

bool rules_wait(const struct rules *rules)
{
    size_t offset;
    for (size_t i = 0; i < rules->count; i++)
        if (term_wait(rules->list[i]->term, 0, &offset))
            return true;
    return false;
}

size_t rule_split(const char *text, const char **ret_term)
{
    size_t at = 0;
    for (bool in_filter = false; text[at] && (in_filter || !strchr(":=", text[at])); at++)
        in_filter = text[at] == '[' || (in_filter && text[at] != ']');
    if (text[at] == '\0')
        return 0;
    const char *term = text + at + 1;
    while (isspace((unsigned char)*term))
        term++;
    while (at > 0 && isspace((unsigned char)text[at - 1]))
        at--;
    *ret_term = term;
    return at;
}

/* ---- deciding ---- */

static struct concern *concern_new(const struct rules *rules, const struct point *point,
                                   const struct tape *tape)
{
    struct concern *concern =
        checked(calloc(1, sizeof *concern + rules->count * sizeof(struct rule *)));
    concern->edits = tape && tape_speaks_of(tape, point->name);
    for (size_t i = 0; i < rules->count; i++)
        if (pattern_matches_name(rules->list[i]->pattern, point->name))
            concern->rules[concern->count++] = rules->list[i];
    return concern;
}

static const struct concern *concern_of(struct rules *rules, const struct point *point,
                                        const struct tape *tape)
{
    if (!rules->by_point)
        rules->by_point = checked(calloc(registry_count(), sizeof(struct concern *)));
    if (!rules->by_point[point->id])
        rules->by_point[point->id] = concern_new(rules, point, tape);
    return rules->by_point[point->id];
}

/* The first rule that takes the hit. A rule's place among the rules of this point is part of its
 * choices, so that rules about other points change nothing here. */
static struct term_verdict ask_rules(const struct concern *concern, struct tape *tape,
                                     const struct choice *choice, uint32_t can,
                                     const struct point_field *fields, unsigned count,
                                     struct rule **ret_rule)
{
    struct term_verdict verdict = {.taken = false};
    for (unsigned place = 0; place < concern->count && !verdict.taken; place++) {
        struct rule *rule = concern->rules[place];
        if (pattern_matches_fields(rule->pattern, fields, count))
            verdict = term_eval(rule->term, rule->state, tape, choice, can, place);
        *ret_rule = rule;
    }
    return verdict;
}

/* Draws how long it lasts. */
static struct fault settled(struct fault fault, struct tape *tape, const struct choice *choice)
{
    if (fault.lo_ns < fault.hi_ns) {
        struct choice how_long = *choice;
        how_long.stream = STREAM_RULE;
        how_long.key = mix64_pair(choice->key, hash_text("how long"));
        fault.lo_ns = tape_between(tape, &how_long, fault.lo_ns, fault.hi_ns);
        fault.hi_ns = fault.lo_ns;
    }
    return fault;
}

/* Whether a wait is really made is a choice of the schedule, so that a tape can leave it out. */
static bool holds(struct tape *tape, const struct choice *hit)
{
    struct choice choice = {.stream = STREAM_SCHEDULE,
                            .name = "nemesis/wait/hold",
                            .node = hit->node,
                            .key = mix64_pair(hit->key, hash_text(hit->name)),
                            .ordinal = hit->ordinal};
    return tape_chance(tape, &choice, 1, 1);
}

static bool declared(const struct point *point, const struct fault *fault)
{
    return fault->kind != FAULT_NONE && (point->kinds & fault_can(fault->kind)) != 0;
}

struct fault rules_decide(void *ctx, const struct hit *hit)
{
    const struct concern *concern = concern_of(ctx, hit->point, world_tape(hit->world));
    if (concern->count == 0 && !concern->edits) {
        if (hit->point->kinds & POINT_QUIET && !moments_listen(hit->point->name))
            world_ignore(hit->world, hit->point);
        return (struct fault){.kind = FAULT_NONE};
    }

    struct tape *tape = world_tape(hit->world);
    struct choice choice = {.stream = STREAM_FAULT,
                            .name = hit->point->name,
                            .node = hit->node ? hit->node->id : 0,
                            .key = hit->key,
                            .ordinal = world_ordinal(hit->world, hit)};
    struct rule *rule = NULL;
    struct term_verdict verdict =
        ask_rules(concern, tape, &choice, hit->point->kinds, hit->fields, hit->count, &rule);
    const struct fault *edit = concern->edits ? tape_fault(tape, &choice) : NULL;
    if (verdict.taken && !edit)
        rule->count.kept += term_kinds(rule->term) == 0 || world_can_inject(hit, &verdict.fault);
    if (edit)
        verdict = (struct term_verdict){.taken = true, .fault = *edit};
    else if (tape_is_simple(tape, STREAM_FAULT))
        verdict.fault = (struct fault){.kind = FAULT_NONE};
    if (verdict.wait && holds(tape, &choice))
        wait_for_point(hit, verdict.wait, &rule->count);
    struct fault fault = {.kind = FAULT_NONE};
    if (declared(hit->point, &verdict.fault))
        fault = settled(verdict.fault, tape, &choice);
    tape_note_hit(tape, &choice, hit->point->kinds, &fault);
    return fault;
}

void rules_watch(const struct rules *rules, struct world *world)
{
    const struct wait *wait;
    size_t offset;
    for (size_t rule = 0; rule < rules->count; rule++)
        for (size_t i = 0; (wait = term_wait(rules->list[rule]->term, i, &offset)) != NULL; i++)
            if (wait->whose != WAIT_ANYBODY)
                world_count_by(world, (size_t)(registry_find(wait->name) - registry_get(0)));
}

struct promise_count rules_fired(const struct rules *rules, size_t index)
{
    return rules->list[index]->count;
}

bool rules_concern(const struct rules *rules, const char *point)
{
    for (size_t i = 0; i < rules->count; i++)
        if (pattern_matches_name(rules->list[i]->pattern, point))
            return true;
    return false;
}

struct term_verdict rules_judge(struct rules *rules, struct tape *tape, const struct choice *choice,
                                const struct point *point, const struct point_field *fields,
                                unsigned count)
{
    const struct concern *concern = concern_of(rules, point, NULL);
    struct rule *rule = NULL;
    struct term_verdict verdict =
        ask_rules(concern, tape, choice, point->kinds, fields, count, &rule);
    verdict.fault = settled(verdict.fault, tape, choice);
    return verdict;
}
