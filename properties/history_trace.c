/* history_trace.c: see history_trace.h. */
#include "properties/history_trace.h"

#include "harness/hash.h"

static bool number_of(const char *field, const struct event *event, int64_t *ret,
                      struct findings *found)
{
    const struct match match = {.value = field};
    struct point_field value;
    if (!field)
        return false;
    if (!match_value(&match, event, &value, found))
        return false;
    *ret = value.i64;
    return true;
}

/* false: it lacks a field. */
static bool op_invoke(struct history_maker *maker, const struct history_rule *rule,
                      const struct event *event, size_t *ret_number)
{
    struct op op = {.f = rule->f, .process = mix64_pair(event->node, event->actor)};
    struct findings *found = &maker->found;
    if (!key_by(rule->object, event, &op.key, found) ||
        (rule->process[0] && !key_by(rule->process, event, &op.process, found)))
        return false;
    number_of(rule->value, event, &op.value, found);
    number_of(rule->next, event, &op.next, found);
    *ret_number = history_invoke(&maker->history, op, event->time_ns);
    return true;
}

static void op_complete(struct history_maker *maker, const struct history_rule *rule,
                        const struct event *event, size_t number)
{
    static const enum op_outcome outcomes[] = {[ROLE_OK] = OP_OK,
                                               [ROLE_FAIL] = OP_FAIL,
                                               [ROLE_UNKNOWN] = OP_UNKNOWN,
                                               [ROLE_AT_ONCE] = OP_OK};
    struct op *op = history_complete(&maker->history, number, outcomes[rule->role], event->time_ns);
    if (rule->role != ROLE_OK)
        return;
    number_of(rule->value, event, &op->value, &maker->found);
    number_of(rule->next, event, &op->next, &maker->found);
}

void history_take(struct history_maker *maker, const struct history_rule *rule,
                  const struct event *event)
{
    const struct match match = {.field = rule->field, .is = rule->is};
    struct open_span span = {0};
    if (!match_fits(&match, event))
        return;
    if (rule->role == ROLE_READY) {
        maker->ready = true;
        return;
    }
    if (!key_by(rule->by, event, &span.key, &maker->found))
        return;
    span.key = mix64_pair(span.key, rule->f);
    uint32_t open = open_find(&maker->open, span.key);
    if (rule->role == ROLE_INVOKE) {
        if (op_invoke(maker, rule, event, &span.number))
            open_add(&maker->open, &span);
    } else if (open && rule->role != ROLE_AT_ONCE) {
        op_complete(maker, rule, event, open_take(&maker->open, open).number);
    } else if (op_invoke(maker, rule, event, &span.number)) {
        op_complete(maker, rule, event, span.number);
    }
}

void history_maker_done(struct history_maker *maker)
{
    history_done(&maker->history);
    open_done(&maker->open);
    findings_done(&maker->found);
}

/* ---- as a property ---- */

void history_on(struct judge *judge, void *maker, const struct event *event)
{
    history_take(maker, judge_arg(judge), event);
}

void history_end(struct judge *judge, void *ctx)
{
    struct history_maker *maker = ctx;
    const struct history_spec *spec = judge_spec(judge);
    if (spec->waits && !maker->ready)
        return;
    spec->check(&maker->history, &maker->found);
    char said[200];
    if (findings_judge(&maker->found, spec->failing | KIND(FIELDLESS)) == JUDGED_FAILS)
        judge_fail(
            judge, NULL, "%s",
            findings_print(&maker->found, spec->failing | KIND(FIELDLESS), said, sizeof said));
    findings_note(&maker->found, spec->failing | KIND(FIELDLESS), judge);
    for (uint64_t i = 0; i < maker->found.checked; i++)
        judge_checked(judge);
}

void history_over(void *maker)
{
    history_maker_done(maker);
}
