/* Linearizability, against tables, and against a search that tries every order. */
#include "harness/hash.h"
#include "histories.h"
#include "properties/linear.h"

static const char *linear_said(const struct model *model, const struct history *history,
                               uint64_t states_max, enum judgement *ret)
{
    static char out[200];
    struct findings found = {0};
    check_linearizable(history, model, states_max, &found);
    *ret = findings_judge(&found, LINEARIZABLE);
    findings_print(&found, KIND_ANY, out, sizeof out);
    findings_done(&found);
    return out;
}

Test(linear, models_answer_as_their_objects_would)
{
    const struct model *reg = &model_register, *cas = &model_cas_register, *mutex = &model_mutex;
    const struct model *queue = &model_fifo_queue, *set = &model_set;
    const struct {
        const struct model *model;
        const char *text;
        enum judgement judgement;
    } cases[] = {
        {reg, "", JUDGED_VACUOUS},
        {reg, "1+w1 1?w", JUDGED_VACUOUS},
        {reg, "1+r 1=r-", JUDGED_HOLDS},
        {reg, "1+r 1=r5", JUDGED_FAILS},
        {reg, "1+w1 1=w 2+r 2=r1", JUDGED_HOLDS},
        {reg, "1+w1 1=w 1+w2 1=w 2+r 2=r1", JUDGED_FAILS},
        {reg, "1+w1 1=w 1+w2 2+r 2=r1 3+r 3=r2 1=w", JUDGED_HOLDS},
        {reg, "1+w1 1=w 1+w2 2+r 2=r2 3+r 3=r1 1=w", JUDGED_FAILS}, /* new, then old */
        {reg, "1+w1 1=w 2+w2 2?w 3+r 3=r1 3+r 3=r2", JUDGED_HOLDS}, /* it happened late */
        {reg, "1+w1 1=w 2+w2 2?w 3+r 3=r2 3+r 3=r1", JUDGED_FAILS}, /* it happened once */
        {reg, "1+w1 1=w 2+w2 2!w 3+r 3=r2", JUDGED_FAILS},
        {reg, "1+w1 1=w 2+r 3+r 2?r 3=r1", JUDGED_HOLDS},
        {cas, "1+w1 1=w 1+c1>2 1=c 2+r 2=r2", JUDGED_HOLDS},
        {cas, "1+w1 1=w 1+c1>2 1=c 2+c1>3 2=c", JUDGED_FAILS},
        {cas, "1+w1 1=w 1+c1>2 2+c2>3 2=c 1=c 3+r 3=r3", JUDGED_HOLDS},
        {cas, "1+w1 1=w 1+c9>2 1?c 3+r 3=r1", JUDGED_HOLDS},
        {cas, "1+w1 1=w 1+c9>2 1?c 3+r 3=r2", JUDGED_FAILS},
        {mutex, "1+l 1=l 1+u 1=u 2+l 2=l", JUDGED_HOLDS},
        {mutex, "1+l 1=l 2+l 2=l", JUDGED_FAILS},
        {mutex, "1+l 1=l 2+l 1+u 2=l 1=u", JUDGED_HOLDS},
        {mutex, "1+l 1=l 2+u 2=u", JUDGED_FAILS}, /* not the holder */
        {mutex, "1+l 1=l 2+l 2?l 1+u 1=u 3+l 3=l", JUDGED_HOLDS},
        {mutex, "1+l 1?l 1+u 1=u", JUDGED_HOLDS},
        {queue, "1+d 1=d-", JUDGED_HOLDS},
        {queue, "1+e1 1=e 2+d 2=d-", JUDGED_FAILS},
        {queue, "1+e1 1=e 1+e2 1=e 2+d 2=d1 2+d 2=d2 2+d 2=d-", JUDGED_HOLDS},
        {queue, "1+e1 1=e 1+e2 1=e 2+d 2=d2", JUDGED_FAILS}, /* out of order */
        {queue, "1+e1 2+e2 1=e 2=e 3+d 3=d2 3+d 3=d1", JUDGED_HOLDS},
        {queue, "1+e1 1=e 2+d 2=d1 2+d 2=d1", JUDGED_FAILS}, /* twice */
        {queue, "1+e1 1=e 1+e2 1=e 2+d 2?d 3+d 3=d2", JUDGED_HOLDS},
        {queue, "1+e1 1=e 1+e2 1=e 2+D 2=D{1,2} 2+d 2=d-", JUDGED_HOLDS},
        {queue, "1+e1 1=e 1+e2 1=e 2+D 2=D{2,1}", JUDGED_FAILS},
        {set, "1+a1 1=a 1+a2 1=a 2+r 2=r{2,1}", JUDGED_HOLDS},
        {set, "1+a1 1=a 1+a2 1=a 2+r 2=r{2}", JUDGED_FAILS},
        {set, "1+a1 1=a 2+r 2=r{1,1}", JUDGED_FAILS},
        {set, "1+a1 1=a 1+m1 1=m 2+r 2=r{}", JUDGED_HOLDS},
        {set, "1+a1 1=a 1+m1 2+r 2=r{1} 2+r 2=r{} 1=m", JUDGED_HOLDS},
        {set, "1+a1 1=a 1+m1 2+r 2=r{} 2+r 2=r{1} 1=m", JUDGED_FAILS},
        {set, "1+a1 1=a 1+a1 1=a 2+r 2=r{1}", JUDGED_HOLDS},
        {set, "1+l 1=l", JUDGED_FAILS}, /* not what a set can do */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct history history = history_of(cases[i].text);
        enum judgement judgement;
        linear_said(cases[i].model, &history, LINEAR_STATES_MAX, &judgement);
        cr_expect_eq(judgement, cases[i].judgement, "%s %s", cases[i].model->name, cases[i].text);
        history_done(&history);
    }
}

Test(linear, a_set_answers_whether_it_contains)
{
    for (int64_t answer = 0; answer <= 1; answer++) {
        struct history history = history_of("1+a5 1=a 1+h5 1=h5");
        cr_assert_not_null(history.ops);
        history.ops[1].next = answer;
        enum judgement judgement;
        linear_said(&model_set, &history, LINEAR_STATES_MAX, &judgement);
        cr_expect_eq(judgement, answer ? JUDGED_HOLDS : JUDGED_FAILS);
        history_done(&history);
    }
}

Test(linear, objects_are_judged_one_by_one)
{
    struct history history =
        history_of("k1 1+w1 1=w k2 1+w2 1=w k1 2+r 2=r1 k2 2+r 2=r1 k3 2+r 2=r7");
    struct findings found = {0};
    check_linearizable(&history, &model_register, LINEAR_STATES_MAX, &found);
    cr_assert_eq(found.count, 2);
    cr_expect_eq(found.checked, 5);
    cr_expect_eq(found.list[0].subject, 2);
    cr_expect_eq(found.list[0].at, 3); /* the read */
    cr_expect_eq(found.list[0].amount, 1);
    cr_expect_eq(found.list[1].subject, 3);
    findings_done(&found);
    history_done(&history);
}

/* Twenty writes at once and a read that none of them explains: 2^20 sets of writes to try. */
Test(linear, says_that_it_gave_up_at_its_bound)
{
    struct history history = {0};
    for (uint64_t i = 1; i <= 20; i++)
        history_invoke(&history, (struct op){.process = i, .f = OP_WRITE, .value = (int64_t)i}, 0);
    size_t read = history_invoke(&history, (struct op){.f = OP_READ}, 1);
    history_complete(&history, read, OP_OK, 2)->value = 99;
    enum judgement judgement;
    const char *said = linear_said(&model_register, &history, 1000, &judgement);
    cr_expect_eq(judgement, JUDGED_UNKNOWN);
    cr_expect_str_eq(said, "1 undecided (0)");
    history_done(&history);
}

/* ---- against every order ---- */

enum { OPS = 6 };

/* May the operations not in `done` follow, in some order? */
static bool any_order(const struct history *history, const struct model *model, unsigned done,
                      const void *state, size_t size)
{
    bool all = true;
    for (size_t i = 0; i < history->count; i++)
        all &= (done >> i & 1) || history->ops[i].outcome != OP_OK;
    if (all)
        return true;
    unsigned char next[256];
    for (size_t i = 0; i < history->count; i++) {
        bool first = !(done >> i & 1) && history->ops[i].outcome != OP_FAIL;
        for (size_t j = 0; j < history->count; j++)
            first &= (done >> j & 1) || history->ops[j].outcome != OP_OK ||
                     history->ops[j].completed > history->ops[i].invoked;
        memcpy(next, state, size);
        if (first && model->step(next, &history->ops[i]) &&
            any_order(history, model, done | 1u << i, next, size))
            return true;
    }
    return false;
}

static bool any_order_at_all(const struct history *history, const struct model *model)
{
    const struct op *ops[OPS];
    unsigned char state[256] = {0};
    for (size_t i = 0; i < history->count; i++)
        ops[i] = &history->ops[i];
    if (model->init)
        model->init(state);
    return any_order(history, model, 0, state, model->size(ops, history->count));
}

static uint64_t drawn(uint64_t *seed, uint64_t below)
{
    *seed = mix64(*seed);
    return mix64_below(*seed, below);
}

/* Three processes, operations of two kinds on two values, in any overlap. */
static struct history history_draw(uint64_t seed, enum operation change, enum operation look)
{
    struct history history = {0};
    size_t open[3] = {0};
    bool busy[3] = {false};
    while (history.count < OPS || busy[0] || busy[1] || busy[2]) {
        uint64_t process = drawn(&seed, 3);
        if (busy[process]) {
            uint64_t outcome = drawn(&seed, 8);
            enum op_outcome how = outcome == 0 ? OP_FAIL : outcome == 1 ? OP_UNKNOWN : OP_OK;
            struct op *op = history_complete(&history, open[process], how, 0);
            if (op->f == look)
                op->value = drawn(&seed, 4) ? (int64_t)drawn(&seed, 2) : VALUE_NONE;
            busy[process] = false;
        } else if (history.count < OPS) {
            struct op op = {.process = process, .f = drawn(&seed, 2) ? change : look};
            op.value = (int64_t)drawn(&seed, 2);
            open[process] = history_invoke(&history, op, 0);
            busy[process] = true;
        }
    }
    return history;
}

static void expect_agreement(const struct model *model, enum operation change, enum operation look)
{
    unsigned linear = 0;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct history history = history_draw(seed, change, look);
        enum judgement judgement;
        linear_said(model, &history, LINEAR_STATES_MAX, &judgement);
        bool can = any_order_at_all(&history, model);
        cr_expect_eq(judgement == JUDGED_FAILS, !can, "%s, seed %d", model->name, (int)seed);
        linear += can;
        history_done(&history);
    }
    cr_expect(linear > 50 && linear < 3950, "%s: %u of 4000", model->name, linear);
}

Test(linear, agrees_with_trying_every_order)
{
    expect_agreement(&model_register, OP_WRITE, OP_READ);
    expect_agreement(&model_fifo_queue, OP_ENQUEUE, OP_DEQUEUE);
    expect_agreement(&model_mutex, OP_ACQUIRE, OP_RELEASE);
}
