/* ctl_flow.c: jobctl workflow, batch and chain: jobs that wait for jobs, as they are. */
#include "sut/cli/jobctl.h"
#include "sut/cli/words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* By its id, if the word is a number, else by its name. A chain's key may be a number: it goes by that alone. */
static struct store_reply find(struct ctl *ctl, enum flow_kind kind)
{
    const char *word = ctl->words[0], *name = flow_kind_word(kind);
    int64_t id = 0;
    if (kind == FLOW_CHAIN || !words_number(word, 1, INT64_MAX, &id))
        id = 0;
    struct store_request request = {.op = STORE_FLOW,
                                    .flow = (uint64_t)id,
                                    .flow_kind = name,
                                    .flow_name = word,
                                    .limit = (size_t)ctl->limit};
    struct store_reply reply = ctl_execute(ctl, &request);
    if (!reply.flow || reply.flow->kind != kind)
        ctl_fail(CTL_REFUSED, "there is no %s '%s'", name, word);
    return reply;
}

/* What the job still waits for: "5, 6". */
static void print_waits(const struct store_reply *reply, uint64_t job)
{
    const char *between = "";
    for (size_t i = 0; i < reply->edge_count; ++i) {
        if (reply->edges[i].child != job || reply->edges[i].ended)
            continue;
        printf("%s%" PRIu64, between, reply->edges[i].parent);
        between = ", ";
    }
}

static void print_members(const struct store_reply *reply)
{
    int name = (int)strlen("NAME"), worker = (int)strlen("WORKER");
    for (size_t i = 0; i < reply->member_count; ++i) {
        int length = (int)strlen(reply->members[i].name);
        name = length > name ? length : name;
        length = (int)strlen(reply->members[i].worker);
        worker = length > worker ? length : worker;
    }
    printf("\n%10s  %-10s %-*s  %-*s  %s\n", "ID", "STATE", name, "NAME", worker, "WORKER",
           "WAITS FOR");
    for (size_t i = 0; i < reply->member_count; ++i) {
        const struct store_member *member = &reply->members[i];
        printf("%10" PRIu64 "  %-10s %-*s  %-*s  ", member->job, job_state_word(member->state),
               name, member->name, worker, member->worker);
        if (member->state == JOB_SUSPENDED)
            print_waits(reply, member->job);
        putchar('\n');
    }
}

static void print_text(const struct store_reply *reply)
{
    const struct store_flow *flow = reply->flow;
    char at[32];
    printf("%-13s %" PRIu64 "%s%s\n", flow_kind_word(flow->kind), flow->id, *flow->name ? " " : "",
           flow->name);
    printf("inserted      %s UTC\n", ctl_time(flow->inserted_ms, at));
    if (flow->finished_ms)
        printf("finished      %s UTC\n", ctl_time(flow->finished_ms, at));
    else if (flow->kind == FLOW_BATCH)
        printf("%s", flow->closed ? "closed\n" : "open\n");
    if (flow->active)
        printf("at turn       job %" PRIu64 "\n", flow->active);
    printf("jobs          %" PRIu64, flow->jobs);
    for (int state = 0; state < JOB_STATE_COUNT; ++state)
        if (reply->counts[state])
            printf(", %" PRIu64 " %s", reply->counts[state], job_state_word((enum job_state)state));
    putchar('\n');
    for (size_t i = 0; i < reply->called_count; ++i) {
        printf("callback      %s: ", flow_event_word(reply->called[i].event));
        if (reply->called[i].job)
            printf("job %" PRIu64 "\n", reply->called[i].job);
        else
            puts("not yet");
    }
    if (reply->member_count)
        print_members(reply);
}

/* ---- JSON ---- */

static json_t *members_json(const struct store_reply *reply)
{
    json_t *members = json_array();
    for (size_t i = 0; i < reply->member_count; ++i) {
        const struct store_member *member = &reply->members[i];
        json_t *waits = json_array();
        for (size_t k = 0; k < reply->edge_count; ++k)
            if (reply->edges[k].child == member->job && !reply->edges[k].ended)
                json_array_append_new(waits, json_integer((json_int_t)reply->edges[k].parent));
        json_array_append_new(members, json_pack("{s:I, s:s, s:s, s:s, s:s, s:o}", "id",
                                                 (json_int_t)member->job, "state",
                                                 job_state_word(member->state), "name",
                                                 member->name, "queue", member->queue, "worker",
                                                 member->worker, "waits_for", waits));
    }
    return members;
}

static void print_json(const struct store_reply *reply)
{
    const struct store_flow *flow = reply->flow;
    json_t *counts = json_object(), *called = json_object();
    for (int state = 0; state < JOB_STATE_COUNT; ++state)
        json_object_set_new(counts, job_state_word((enum job_state)state),
                            json_integer((json_int_t)reply->counts[state]));
    for (size_t i = 0; i < reply->called_count; ++i)
        json_object_set_new(called, flow_event_word(reply->called[i].event),
                            json_integer((json_int_t)reply->called[i].job));
    ctl_print_json(json_pack("{s:I, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "id",
                             (json_int_t)flow->id, "kind", flow_kind_word(flow->kind), "name",
                             flow->name, "closed", flow->closed, "active", (json_int_t)flow->active,
                             "inserted_ms", (json_int_t)flow->inserted_ms, "finished_ms",
                             (json_int_t)flow->finished_ms, "total", (json_int_t)flow->jobs,
                             "counts", counts, "callbacks", called, "jobs", members_json(reply)));
}

/* ---- commands ---- */

static enum ctl_exit look(struct ctl *ctl, enum flow_kind kind)
{
    struct store_reply reply = find(ctl, kind);
    (ctl->json ? print_json : print_text)(&reply);
    return CTL_OK;
}

static enum ctl_exit cancel(struct ctl *ctl, enum flow_kind kind)
{
    struct store_reply found = find(ctl, kind);
    struct store_request request = {.op = STORE_CANCEL, .flow = found.flow->id};
    size_t changed = ctl_execute(ctl, &request).changed;
    if (ctl->json)
        ctl_print_json(json_pack("{s:I}", "changed", (json_int_t)changed));
    else
        printf("%zu jobs cancelled\n", changed);
    return CTL_OK;
}

static enum ctl_exit close_batch(struct ctl *ctl)
{
    struct store_reply found = find(ctl, FLOW_BATCH);
    struct store_batch batch = {.id = found.flow->id, .close = true};
    ctl_execute(ctl, &(struct store_request){.op = STORE_BATCH, .batch = &batch});
    return look(ctl, FLOW_BATCH);
}

/* Asking again for one that is there is fine. */
static enum ctl_exit open_batch(struct ctl *ctl)
{
    struct store_batch batch = {.name = ctl->words[0]};
    ctl_execute(ctl, &(struct store_request){.op = STORE_BATCH, .batch = &batch});
    return look(ctl, FLOW_BATCH);
}

static enum ctl_exit flow(struct ctl *ctl, enum flow_kind kind)
{
    const char *what = ctl->word_count > 1 ? ctl->words[1] : "show";
    if (strcmp(what, "show") == 0)
        return look(ctl, kind);
    if (strcmp(what, "cancel") == 0)
        return cancel(ctl, kind);
    if (strcmp(what, "close") == 0 && kind == FLOW_BATCH)
        return close_batch(ctl);
    if (strcmp(what, "open") == 0 && kind == FLOW_BATCH)
        return open_batch(ctl);
    ctl_fail(CTL_USAGE, "'%.60s' is nothing that a %s can be asked for; there is cancel%s", what,
             flow_kind_word(kind), kind == FLOW_BATCH ? ", open and close" : "");
}

enum ctl_exit ctl_workflow(struct ctl *ctl)
{
    return flow(ctl, FLOW_WORKFLOW);
}

enum ctl_exit ctl_batch(struct ctl *ctl)
{
    return flow(ctl, FLOW_BATCH);
}

enum ctl_exit ctl_chain(struct ctl *ctl)
{
    return flow(ctl, FLOW_CHAIN);
}

/* What a job is in, for those who look at it. */
void ctl_print_flow(struct ctl *ctl, const struct job *job)
{
    if (!job->flow)
        return;
    struct store_reply reply =
        ctl_execute(ctl, &(struct store_request){.op = STORE_FLOW, .flow = job->flow});
    if (!reply.flow)
        return;
    printf("%-13s %" PRIu64 "%s%s\n", flow_kind_word(reply.flow->kind), reply.flow->id,
           *reply.flow->name ? " " : "", reply.flow->name);
    if (job->state != JOB_SUSPENDED)
        return;
    printf("waits for     ");
    if (reply.flow->kind == FLOW_CHAIN)
        printf("its turn, after job %" PRIu64, reply.flow->active);
    else
        print_waits(&reply, job->id);
    putchar('\n');
}
