/* telemetry.c: see telemetry.h. Nothing here can be lost but a handler that failed. */
#include "sut/telemetry.h"

#include <errno.h>
#include <string.h>

POINT_ABOUT("telemetry/handler/detach", "A handler failed, and is not called any more.");

static const char *const names[] = {
#define X(e, name, about) name,
    TELEMETRY_EVENTS(X)
#undef X
};

const char *telemetry_name(enum telemetry_event event)
{
    return event < TELEMETRY_EVENT_COUNT ? names[event] : "?";
}

static void wanted_count(struct telemetry *telemetry)
{
    telemetry->wanted = 0;
    for (size_t i = 0; i < TELEMETRY_MOST; ++i)
        if (telemetry->listeners[i].id)
            telemetry->wanted |= telemetry->listeners[i].events;
}

static struct telemetry_listener *listener_find(struct telemetry *telemetry, const char *id)
{
    for (size_t i = 0; i < TELEMETRY_MOST; ++i)
        if (telemetry->listeners[i].id && strcmp(telemetry->listeners[i].id, id) == 0)
            return &telemetry->listeners[i];
    return NULL;
}

int telemetry_attach(struct telemetry *telemetry, const char *id, unsigned events,
                     telemetry_handler *handler, void *ctx)
{
    if (!id || !handler || !events || events & ~TELEMETRY_ALL)
        return -EINVAL;
    if (listener_find(telemetry, id))
        return -EEXIST;
    size_t at = TELEMETRY_MOST; /* behind the last one: so they are called in order */
    while (at > 0 && !telemetry->listeners[at - 1].id)
        --at;
    if (at == TELEMETRY_MOST)
        return -ENOSPC;
    telemetry->listeners[at] =
        (struct telemetry_listener){.id = id, .events = events, .handler = handler, .ctx = ctx};
    wanted_count(telemetry);
    return 0;
}

/* Those behind it move up. */
bool telemetry_detach(struct telemetry *telemetry, const char *id)
{
    struct telemetry_listener *listener = listener_find(telemetry, id);
    if (!listener)
        return false;
    size_t behind = (size_t)(telemetry->listeners + TELEMETRY_MOST - listener) - 1;
    memmove(listener, listener + 1, behind * sizeof *listener);
    telemetry->listeners[TELEMETRY_MOST - 1] = (struct telemetry_listener){0};
    wanted_count(telemetry);
    return true;
}

/* ---- telling ---- */

struct telling {
    struct telemetry_listener listener; /* as it was: it may detach itself */
    const struct telemetry_item *item;
    bool good;
};

static void listener_call(struct proc *self, void *arg)
{
    struct telling *telling = arg;
    telling->good = telling->listener.handler(self, telling->item, telling->listener.ctx);
}

static void listener_failed(struct telemetry *telemetry, struct env *env, struct proc *self,
                            const struct telling *telling, const char *why)
{
    TRACE(self ? proc_site(self) : &env->site, "telemetry/handler/detach",
          T_STR("handler", telling->listener.id),
          T_STR("event", telemetry_name(telling->item->event)));
    env_log(env, LOG_ERROR, "telemetry: handler %s failed at %s, and is detached: %s",
            telling->listener.id, telemetry_name(telling->item->event), why);
    telemetry_detach(telemetry, telling->listener.id);
    (void)self;
}

/* True: it stays. */
static bool listener_tell(struct telemetry *telemetry, struct env *env, struct proc *self,
                          struct telling *telling)
{
    struct reason reason;
    char text[REASON_WORDS];
    if (!self)
        listener_call(NULL, telling);
    else if (!proc_try(self, listener_call, telling, &reason)) {
        listener_failed(telemetry, env, self, telling, reason_text(reason, text));
        return false;
    }
    if (!telling->good)
        listener_failed(telemetry, env, self, telling, "it said so");
    return telling->good;
}

void telemetry_tell(struct telemetry *telemetry, struct env *env, struct proc *self,
                    struct telemetry_item item)
{
    item.wall_ms = env_wall_ns(env) / NS_PER_MS;
    item.node = env->node_name;
    for (size_t i = 0; i < TELEMETRY_MOST && telemetry->listeners[i].id;) {
        struct telling telling = {.listener = telemetry->listeners[i], .item = &item};
        bool stays = !(telling.listener.events >> item.event & 1) ||
                     listener_tell(telemetry, env, self, &telling);
        const char *id = telemetry->listeners[i].id;
        i += stays && id && strcmp(id, telling.listener.id) == 0; /* else the next one moved up */
    }
}
