/* ledger.c: the accounts of the clients against what is there at the end.
 *
 * An insert has one of three outcomes: it happened, it did not, or nobody knows. Acknowledged jobs
 * must be there, refused ones must not, the unknown ones may be either. Nothing here trusts the
 * system's word but its acknowledgements.
 */
#include "properties/life.h"
#include "properties/table.h"
#include <string.h>

enum answer { ANSWER_NONE, ANSWER_OK, ANSWER_FAIL, ANSWER_UNKNOWN };

struct insert {
    uint64_t key, job;
    enum answer answer;
    uint64_t doubts; /* when it was called */
    unsigned rows;   /* at the end */
};

struct ledger {
    struct doubt doubt;
    bool audited;
    struct table inserts; /* by key */
    struct table gone;    /* by job; bool: somebody asked for it, or it was old enough */
};

static struct insert *insert_of(struct ledger *ledger, uint64_t key)
{
    struct insert *insert = TABLE_AT(&ledger->inserts, key, struct insert);
    insert->key = key;
    return insert;
}

static void on_call(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct ledger *ledger = ctx;
    insert_of(ledger, event_key(event))->doubts = ledger->doubt.faults;
}

static void on_ok(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct insert *insert = insert_of(ctx, event_key(event));
    insert->answer = ANSWER_OK;
    insert->job = event_u64(event, "job");
}

static void on_phase(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct ledger *ledger = ctx;
    ledger->audited |= strcmp(event_str(event, "phase"), "audit") == 0;
}

static void ledger_done(void *ctx)
{
    struct ledger *ledger = ctx;
    table_done(&ledger->inserts);
    table_done(&ledger->gone);
}

/* ---- no_job_lost ---- */

static void on_gone(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *TABLE_AT(&((struct ledger *)ctx)->gone, event_key(event), bool) = true;
}

/* Whatever becomes of the request. */
static void on_hand(struct judge *judge, void *ctx, const struct event *event)
{
    if (strcmp(event_str(event, "deed"), "delete") == 0)
        on_gone(judge, ctx, event);
}

static void on_row(struct judge *judge, void *ctx, const struct event *event)
{
    struct ledger *ledger = ctx;
    uint64_t key = event_u64(event, "key"), job = event_key(event);
    ledger->audited = true;
    struct insert *insert = table_find(&ledger->inserts, key);
    if (!insert || insert->answer != ANSWER_OK)
        return;
    if (++insert->rows > 1)
        judge_fail(judge, event, "key %llu was acknowledged once and is there %u times",
                   (unsigned long long)key, insert->rows);
    else if (job != insert->job)
        judge_fail(judge, event, "key %llu was acknowledged as job %llu, but is job %llu",
                   (unsigned long long)key, (unsigned long long)insert->job,
                   (unsigned long long)job);
    else
        judge_checked(judge);
}

/* Which part of the acknowledged jobs is lost, in the order of their inserts: a prefix means
 * starting over, a postfix a lost tail, a hole in the middle is the worst. */
struct loss {
    uint64_t acknowledged, lost;
    const struct insert *first;
    bool found, found_after; /* an acknowledged job that is there: at all; after a lost one */
    bool lost_after_found;
};

static void loss_count(struct loss *loss, const struct insert *insert)
{
    loss->acknowledged++;
    if (insert->rows) {
        loss->found = true;
        loss->found_after |= loss->lost > 0;
        return;
    }
    if (loss->lost++ == 0)
        loss->first = insert;
    loss->lost_after_found |= loss->found;
}

static const char *loss_part(const struct loss *loss)
{
    if (!loss->found)
        return "all";
    if (!loss->lost_after_found)
        return "prefix";
    return loss->found_after ? "middle" : "postfix";
}

static void lost_end(struct judge *judge, void *ctx)
{
    const struct ledger *ledger = ctx;
    if (!ledger->audited)
        return;
    struct loss loss = {0};
    for (size_t i = 0; i < ledger->inserts.count; i++) {
        const struct insert *insert = table_value(&ledger->inserts, i);
        if (insert->answer == ANSWER_OK && !table_find(&ledger->gone, insert->job))
            loss_count(&loss, insert);
    }
    if (loss.lost)
        judge_fail(judge, NULL,
                   "%llu of %llu acknowledged jobs are gone (%s); the first: key %llu, job %llu",
                   (unsigned long long)loss.lost, (unsigned long long)loss.acknowledged,
                   loss_part(&loss), (unsigned long long)loss.first->key,
                   (unsigned long long)loss.first->job);
}

static const struct property_on lost_on[] = {
    {"client/insert/call", on_call},
    {"client/insert/ok", on_ok},
    {"client/hand/call", on_hand},
    {"store/job/prune", on_gone},
    {"audit/job/row", on_row},
    {"world/phase/enter", on_phase},
    {0},
};

TRACE_PROPERTY(
    no_job_lost, .name = "no acknowledged job is lost", .kind = PROPERTY_ALWAYS,
    .about = "An acknowledged insert survives every crash, and power loss too: at the end the "
             "job is there, once, if nobody deleted or pruned it. Trusts the acknowledgements that "
             "clients got.",
    .state_size = sizeof(struct ledger), .on = lost_on, .end = lost_end, .done = ledger_done);

/* ---- no_ghost_job ---- */

/* A disk fault between call and answer: a refused commit may be found complete after all. */
static void on_fail(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct ledger *ledger = ctx;
    struct insert *insert = insert_of(ledger, event_key(event));
    bool doubtful = doubt_since(&ledger->doubt, &insert->doubts);
    insert->answer = doubtful ? ANSWER_UNKNOWN : ANSWER_FAIL;
}

static void on_appearance(struct judge *judge, struct ledger *ledger, const struct event *event,
                          uint64_t key, const char *what)
{
    const struct insert *insert = table_find(&ledger->inserts, key);
    if (!insert)
        judge_fail(judge, event, "key %llu %s, but no client ever inserted it",
                   (unsigned long long)key, what);
    else if (insert->answer == ANSWER_FAIL)
        judge_fail(judge, event, "key %llu %s, but its insert had failed", (unsigned long long)key,
                   what);
    else
        judge_checked(judge);
}

static void on_ghost_row(struct judge *judge, void *ledger, const struct event *event)
{
    on_appearance(judge, ledger, event, event_u64(event, "key"), "is there");
}

static void on_ghost_run(struct judge *judge, void *ledger, const struct event *event)
{
    on_appearance(judge, ledger, event, event_key(event), "ran");
}

static const struct property_on ghost_on[] = {
    {"client/insert/call", on_call},
    {"client/insert/ok", on_ok},
    {"client/insert/fail", on_fail},
    {"client/insert/conflict", on_fail}, /* another job is there in its place */
    {"work/job/run", on_ghost_run},
    {"audit/job/row", on_ghost_row},
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(no_ghost_job, .name = "what was not inserted neither is there nor runs",
               .kind = PROPERTY_ALWAYS,
               .about =
                   "An insert that definitely failed left nothing behind, and no job comes out of "
                   "nothing. Trusts the clients' calls and the jobs' own runs.",
               .state_size = sizeof(struct ledger), .on = ghost_on, .done = ledger_done);

/* ---- one_final_state ---- */

struct ending {
    enum life state; /* LIFE_UNKNOWN: none since it was inserted or retried */
    uint64_t doubts;
};

struct endings {
    struct doubt doubt;
    struct table jobs; /* by job */
};

static void job_end(struct judge *judge, struct endings *endings, const struct event *event,
                    enum life state)
{
    struct ending *ending = TABLE_AT(&endings->jobs, event_key(event), struct ending);
    bool doubtful = doubt_since(&endings->doubt, &ending->doubts);
    if (!life_final(state))
        return;
    if (ending->state != LIFE_UNKNOWN && !doubtful)
        judge_fail(judge, event, "job %llu ended twice: %s, then %s",
                   (unsigned long long)event_key(event), life_word(ending->state),
                   life_word(state));
    else
        judge_checked(judge);
    ending->state = state;
}

static void on_change(struct judge *judge, void *endings, const struct event *event)
{
    job_end(judge, endings, event, event_state(event));
}

static void on_cancel(struct judge *judge, void *endings, const struct event *event)
{
    job_end(judge, endings, event, LIFE_CANCELLED);
}

static void on_retry(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct endings *endings = ctx;
    struct ending *ending = TABLE_AT(&endings->jobs, event_key(event), struct ending);
    *ending = (struct ending){.doubts = endings->doubt.faults};
}

static void on_last_row(struct judge *judge, void *ctx, const struct event *event)
{
    struct endings *endings = ctx;
    struct ending *ending = TABLE_AT(&endings->jobs, event_key(event), struct ending);
    enum life state = event_state(event);
    if (doubt_since(&endings->doubt, &ending->doubts))
        return;
    if (life_final(state) && ending->state == LIFE_UNKNOWN)
        judge_fail(judge, event, "job %llu is %s at the end, but nothing ended it",
                   (unsigned long long)event_key(event), life_word(state));
    else if (ending->state != LIFE_UNKNOWN && state != ending->state)
        judge_fail(judge, event, "job %llu had ended %s, but is %s at the end",
                   (unsigned long long)event_key(event), life_word(ending->state),
                   life_word(state));
}

static void endings_done(void *ctx)
{
    struct endings *endings = ctx;
    table_done(&endings->jobs);
}

static const struct property_on ending_on[] = {
    {"store/job/finish", on_change},
    {"store/job/rescue", on_change},
    {"store/job/expire", on_change},
    {"store/job/cancel", on_cancel},
    {"store/job/retry", on_retry},
    {"audit/job/row", on_last_row},
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(
    one_final_state, .name = "every job ends in exactly one final state", .kind = PROPERTY_ALWAYS,
    .about = "Completed, discarded or cancelled, once, unless it is retried by hand, and so it "
             "stays. That every job does end is what drains_after_heal asks for.",
    .state_size = sizeof(struct endings), .on = ending_on, .done = endings_done);
