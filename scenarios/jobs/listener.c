/* Those who listen to a node's job system: one that writes down what it is told, between two that fail sooner or later, by saying so or by
 * an end of their process's function. */
#include "scenarios/jobs/adapter.h"

#include <string.h>

POINT_ABOUT("listener/job/begin", "a listener is told that an attempt begins");
POINT_ABOUT("listener/job/end", "a listener is told that an attempt ended: how");
POINT_ABOUT("listener/fragile/call", "a listener that may fail is told something; fails: and does");

#define PATIENCE 40 /* events until a fragile one fails, at most */

static struct point_site *site_of(struct app *app, struct proc *self)
{
    return self ? proc_site(self) : &app->host.env.site;
}

static bool write_down(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    struct app *app = ctx;
    if (item->event == TELEMETRY_JOB_START)
        TRACE(site_of(app, self), "listener/job/begin", T_U64("job", item->job->id),
              T_U64("lease", item->job->lease));
    else
        TRACE(site_of(app, self), "listener/job/end", T_U64("job", item->job->id),
              T_U64("lease", item->job->lease), T_STR("how", item->word));
    return true;
}

/* Each start of a node has listeners of its own, with numbers of their own. */
static bool fragile(struct proc *self, const struct telemetry_item *item, void *ctx)
{
    struct fragile_listener *listener = ctx;
    bool fails = listener->left == 0;
    TRACE(site_of(listener->app, self), "listener/fragile/call",
          T_U64("listener", listener->number), T_U64("fails", fails),
          T_STR("event", telemetry_name(item->event)));
    listener->left -= !fails;
    if (fails && listener->exits && self)
        proc_exit(self, reason_make(EXIT_ERROR, "a listener failed"));
    return !fails;
}

static void attach_fragile(struct app *app, const char *id, size_t index)
{
    struct fragile_listener *listener = &app->fragile[index];
    uint64_t bits = env_entropy(&app->host.env);
    *listener = (struct fragile_listener){.app = app,
                                          .number = ++app->adapter->listeners,
                                          .left = (unsigned)(bits % PATIENCE),
                                          .exits = index > 0};
    telemetry_attach(&app->telemetry, id, TELEMETRY_ALL, fragile, listener);
}

void listeners_attach(struct app *app)
{
    app->telemetry = (struct telemetry){0};
    attach_fragile(app, "says so", 0);
    telemetry_attach(&app->telemetry, "writes",
                     TELEMETRY_BIT(JOB_START) | TELEMETRY_BIT(JOB_STOP) |
                         TELEMETRY_BIT(JOB_EXCEPTION),
                     write_down, app);
    attach_fragile(app, "exits", 1);
}
