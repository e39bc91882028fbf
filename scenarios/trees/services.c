/* services.c: servers that workers keep, and what others ask of them: calls that are answered at once, later, twice or never; time-outs,
 * work to go on with; services of several partitions; and workers that watch what another one does. */
#include "scenarios/trees/trees.h"
#include "sut/runtime/partition.h"
#include "sut/runtime/server.h"

POINT_ABOUT("tree/partition/route",
            "a worker asked which process a key of a partitioned service means");

enum { TAG_ASK = MSG_USER + 20, TAG_LATER };

/* ---- a server ---- */

enum asked {
    ASK_AT_ONCE,
    ASK_TWICE,
    ASK_LATER,
    ASK_NEVER,
    ASK_TIME_OUT,
    ASK_TO_GO_ON,
    ASK_CRASH,
    ASKS
};

struct request {
    enum asked what;
    int64_t ns;
};

struct served {
    int again; /* how often it goes on, or lets its time be up, before it rests */
};

static struct server_next served_wish(struct served *served, const struct request *request)
{
    served->again = 2;
    if (request->what == ASK_TIME_OUT)
        return server_go_for(request->ns);
    return request->what == ASK_TO_GO_ON ? server_go_on(NULL) : server_go();
}

static void later(struct proc *self, const struct message *call, int64_t ns)
{
    struct server_from from = server_from(call);
    proc_send_after(self, ns, proc_self(self), TAG_LATER, &from, sizeof from);
}

static struct server_next on_call(struct proc *self, void *state, const struct message *message)
{
    const struct request *request = message->data;
    switch (request->what) {
    case ASK_NEVER: break;
    case ASK_LATER: later(self, message, request->ns); break;
    case ASK_CRASH: proc_exit(self, reason_make(EXIT_ERROR, "asked for"));
    case ASK_TWICE:
        server_reply(self, NULL, 0);
        server_reply_to(self, server_from(message), NULL, 0);
        later(self, message, request->ns);
        break;
    default: server_reply(self, NULL, 0);
    }
    return served_wish(state, request);
}

static struct server_next on_cast(struct proc *self, void *state, const struct message *message)
{
    (void)self;
    return served_wish(state, message->data);
}

static struct server_next on_info(struct proc *self, void *state, const struct message *message)
{
    (void)state;
    if (message->tag == TAG_LATER)
        server_reply_to(self, *(const struct server_from *)message->data, NULL, 0);
    return server_go();
}

static struct server_next on_timeout(struct proc *self, void *state)
{
    (void)self;
    struct served *served = state;
    return served->again-- > 0 ? server_go_for(S) : server_go();
}

static struct server_next on_proceed(struct proc *self, void *state, void *what)
{
    (void)self;
    struct served *served = state;
    return served->again-- > 0 ? server_go_on(what) : server_go();
}

static void do_serve(struct act *act)
{
    static const struct server_ops ops = {.call = on_call,
                                          .cast = on_cast,
                                          .info = on_info,
                                          .timeout = on_timeout,
                                          .proceed = on_proceed};
    struct seat *seat = act_seat(act, act->seat);
    struct server_spec spec = {.label = "server", .ops = &ops, .state_size = sizeof(struct served)};
    spec.trap_exit = act_choose(act, "tree/server/traps", 1);
    if (!proc_alive(proc_runtime(act->self), seat->server))
        seat->server = server_start_link(act->self, &spec).pid;
}

/* ---- what is asked of it ---- */

static struct request request_choose(const struct act *act)
{
    return (struct request){.what = (enum asked)act_choose(act, "tree/server/asked", ASKS - 1),
                            .ns = act_choose(act, "tree/server/ns", 2 * S)};
}

static proc_id some_server(const struct act *act)
{
    return act_any_seat(act, "tree/server/whose")->server;
}

static void do_call(struct act *act)
{
    static const int64_t times[] = {S, 10 * MS, 200 * MS};
    struct request request = request_choose(act);
    server_call(act->self, some_server(act), TAG_ASK, &request, sizeof request,
                times[act_choose(act, "tree/server/time", 2)], NULL, NULL);
}

static void do_cast(struct act *act)
{
    struct request request = request_choose(act);
    server_cast(proc_runtime(act->self), proc_self(act->self), some_server(act), TAG_ASK, &request,
                sizeof request);
}

/* ---- a service of several partitions ---- */

static void idle_main(struct proc *self, void *arg)
{
    (void)arg;
    proc_receive(self, WAIT_FOREVER);
}

static void do_partitions(struct act *act)
{
    struct partition_spec spec = {.label = "partitions",
                                  .partitions = 3,
                                  .child = {.main = idle_main},
                                  .intensity = 3,
                                  .period_s = 5};
    struct seat *seat = act_seat(act, act->seat);
    if (!proc_alive(proc_runtime(act->self), seat->partitions))
        seat->partitions = partition_start_link(act->self, &spec).pid;
}

static proc_id some_partitions(const struct act *act)
{
    return act_any_seat(act, "tree/partition/whose")->partitions;
}

static void do_route(struct act *act)
{
    proc_id pid, supervisor = some_partitions(act);
    int64_t key = act_choose(act, "tree/partition/key", 10) - 5;
    if (partition_of_number(proc_runtime(act->self), supervisor, key, &pid) != 0)
        return;
    TRACE(proc_site(act->self), "tree/partition/route", T_U64("sup", supervisor), T_I64("key", key),
          T_U64("pid", pid));
    if (act_choose(act, "tree/partition/end", 3) == 3)
        proc_signal(proc_runtime(act->self), 0, pid, reason_make(EXIT_ERROR, "routed"));
}

static void do_resize(struct act *act)
{
    partition_resize(act->self, some_partitions(act),
                     (size_t)act_choose(act, "tree/partition/open", 3));
}

/* ---- watching ---- */

static void do_watch(struct act *act)
{
    runtime_trace_to(proc_runtime(act->self), act->whom, proc_self(act->self));
}

static void do_look_away(struct act *act)
{
    runtime_untrace(proc_runtime(act->self), act->whom);
}

void services_step(struct proc *self, const struct seat *seat, struct services *has)
{
    static void (*const deeds[])(struct act *) = {do_serve, do_call,       do_call,     do_call,
                                                  do_cast,  do_partitions, do_route,    do_route,
                                                  do_watch, do_resize,     do_look_away};
    enum { DEEDS = sizeof deeds / sizeof deeds[0] };
    struct act act = {.self = self, .seat = seat, .nth = ++has->steps};
    if (act_begin(&act, "tree/services/does", "tree/services/whom", T_SERVICES))
        deeds[act_choose(&act, "tree/services/what", DEEDS - 1)](&act);
}
