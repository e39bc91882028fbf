/* servers.c: calls and those who answer them. A call is answered once, or not at all, and only while it waits (GS-14, GS-29, ALIAS-09); a
 * server does one thing at a time and goes on as it said: what it wants to go on with comes before any message (GS-12), a time-out comes
 * when no message came for so long, and only if it was asked for (GS-13). */
#include "properties/lives.h"

#include <string.h>

#define CLOCK_PERCENT 10 /* by so much a node's clock may be too fast */
#define LATE_NS       (60 * NS_PER_S)

/* ---- calls_answered ---- */

struct exchange {
    bool known, over, answered;
    uint64_t to;
    int64_t begin_ns, timeout_ns;
};

struct calls {
    struct boots boots;
    struct table calls; /* by ref: struct exchange */
    struct table dead;  /* by process: bool */
};

static struct exchange *exchange_of(struct calls *calls, const struct event *event)
{
    return TABLE_AT(&calls->calls, boots_key(&calls->boots, event->node, event_u64(event, "ref")),
                    struct exchange);
}

static void on_call(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *exchange_of(ctx, event) = (struct exchange){.known = true,
                                                 .to = event_u64(event, "to"),
                                                 .begin_ns = event->time_ns,
                                                 .timeout_ns = event_i64(event, "timeout_ns")};
}

/* Starts are answered the same way: of them nothing is known here. */
static void on_reply(struct judge *judge, void *ctx, const struct event *event)
{
    struct exchange *call = exchange_of(ctx, event);
    unsigned long long ref = event_u64(event, "ref"), from = event_u64(event, "from");
    if (!call->known)
        return;
    judge_checked(judge);
    if (call->answered)
        judge_fail(judge, event, "process %llu answered call %llu, which has been answered", from,
                   ref);
    else if (call->over)
        judge_fail(judge, event, "process %llu answered call %llu, which was over", from, ref);
    call->answered = true;
}

static void outcome_judge(struct judge *judge, struct calls *calls, const struct event *event,
                          const struct exchange *call)
{
    const char *how = event_str(event, "how");
    unsigned long long ref = event_u64(event, "ref"), to = call->to;
    int64_t least = call->timeout_ns / 100 * (100 - CLOCK_PERCENT);
    judge_checked(judge);
    if ((strcmp(how, "ok") == 0) != call->answered)
        judge_fail(judge, event, "call %llu ended with %s, and was%s answered", ref, how,
                   call->answered ? "" : " not");
    else if (strcmp(how, "timeout") == 0 && event->time_ns - call->begin_ns < least)
        judge_fail(judge, event, "call %llu was given up %lld ns too early", ref,
                   (long long)(least - (event->time_ns - call->begin_ns)));
    else if (strcmp(how, "down") == 0 &&
             !*TABLE_AT(&calls->dead, boots_key(&calls->boots, event->node, to), bool))
        judge_fail(judge, event, "call %llu ended as if process %llu had, which lives", ref, to);
}

static void on_call_end(struct judge *judge, void *ctx, const struct event *event)
{
    struct exchange *call = exchange_of(ctx, event);
    if (call->known)
        outcome_judge(judge, ctx, event, call);
    call->over = true;
}

static void on_callee_end(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct calls *calls = ctx;
    *TABLE_AT(&calls->dead, boots_key(&calls->boots, event->node, event_u64(event, "pid")), bool) =
        true;
}

static void calls_done(void *ctx)
{
    struct calls *calls = ctx;
    table_done(&calls->boots.lives);
    table_done(&calls->calls);
    table_done(&calls->dead);
}

static const struct property_on on_calls[] = {
    {"proc/call/send", on_call},      {"proc/call/reply", on_reply},
    {"proc/call/end", on_call_end},   {"proc/process/exit", on_callee_end},
    {"world/node/start", boots_next}, {0},
};

TRACE_PROPERTY(calls_answered, .name = "a call is answered once at most, and only while it waits",
               .kind = PROPERTY_ALWAYS,
               .about =
                   "A reply that comes too late, or twice, is taken for the answer to the next "
                   "question.",
               .state_size = sizeof(struct calls), .on = on_calls, .done = calls_done);

/* ---- servers_in_turn ---- */

enum turn { TURN_NONE, TURN_BEGUN, TURN_DONE };

struct server { /* as it was heard of last */
    enum turn turn;
    bool goes_on;       /* it wishes to */
    int64_t timeout_ns; /* that it wishes; below 0: none */
    int64_t since_ns;
    uint64_t disturbed; /* the time of its node, then */
};

struct servers {
    struct lives lives;
    struct table servers; /* by process */
};

static struct server *server_of(struct servers *servers, const struct event *event)
{
    return TABLE_AT(&servers->servers,
                    boots_key(&servers->lives.boots, event->node, event_u64(event, "pid")),
                    struct server);
}

static void wait_judge(struct judge *judge, const struct event *event, const struct server *server,
                       bool time_is_up, bool clock_is_right)
{
    unsigned long long pid = event_u64(event, "pid");
    int64_t waited = event->time_ns - server->since_ns;
    bool asked = server->timeout_ns >= 0 && server->timeout_ns != INT64_MAX;
    if (time_is_up && !asked)
        judge_fail(judge, event, "server %llu was told that its time is up, and asked for none",
                   pid);
    else if (time_is_up && waited < server->timeout_ns / 100 * (100 - CLOCK_PERCENT))
        judge_fail(judge, event,
                   "server %llu was told after %lld ns that its time of %lld ns is up", pid,
                   (long long)waited, (long long)server->timeout_ns);
    else if (!time_is_up && asked && clock_is_right &&
             waited > server->timeout_ns + server->timeout_ns / CLOCK_PERCENT + LATE_NS)
        judge_fail(judge, event, "server %llu was never told that its time of %lld ns was up", pid,
                   (long long)server->timeout_ns);
}

static void on_begin(struct judge *judge, void *ctx, const struct event *event)
{
    struct servers *servers = ctx;
    struct server *server = server_of(servers, event);
    const char *what = event_str(event, "what");
    unsigned long long pid = event_u64(event, "pid");
    uint64_t disturbed = lives_time(&servers->lives, event->node)->disturbed;
    bool goes_on = strcmp(what, "proceed") == 0, first = strcmp(what, "init") == 0;
    judge_checked(judge);
    if (server->turn == TURN_BEGUN)
        judge_fail(judge, event, "server %llu begins with a %s in the middle of something", pid,
                   what);
    else if (goes_on != server->goes_on)
        judge_fail(judge, event, "server %llu begins with a %s, and wished %sto go on", pid, what,
                   server->goes_on ? "" : "not ");
    else if (!goes_on && !first)
        wait_judge(judge, event, server, strcmp(what, "timeout") == 0,
                   disturbed == server->disturbed);
    server->turn = TURN_BEGUN;
    if (strcmp(what, "system") != 0)
        return;
    server->turn = TURN_DONE; /* the wait begins anew (GS-35) */
    server->since_ns = event->time_ns;
    server->disturbed = disturbed;
}

static void on_wish(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct servers *servers = ctx;
    bool go = strcmp(event_str(event, "how"), "go") == 0;
    *server_of(servers, event) =
        (struct server){.turn = TURN_DONE,
                        .goes_on = strcmp(event_str(event, "how"), "go_on") == 0,
                        .timeout_ns = go ? event_i64(event, "timeout_ns") : -1,
                        .since_ns = event->time_ns,
                        .disturbed = lives_time(&servers->lives, event->node)->disturbed};
}

static void servers_done(void *ctx)
{
    struct servers *servers = ctx;
    lives_done(&servers->lives);
    table_done(&servers->servers);
}

static const struct property_on on_servers[] = {
    {"server/turn/begin", on_begin}, {"server/turn/wish", on_wish}, ON_NODE_LIVES, {0}};

TRACE_PROPERTY(servers_in_turn, .name = "a server does one thing at a time, and goes on as it said",
               .kind = PROPERTY_ALWAYS,
               .about =
                   "What a server has to finish before it listens again, and when it acts without "
                   "being asked, is what its state relies on.",
               .state_size = sizeof(struct servers), .on = on_servers, .done = servers_done);
