/* cron.c: inserts the jobs of cron entries. Where this node leads, it looks at each full minute of the database's clock, and as soon as
 * it begins to lead: it lists the entries, finds the ticks that have come due since each was done with, and has them inserted. The
 * store sees to it that each tick happens once (sut/store/op/cron.c); what this process believes, and when it dies, does not matter.
 *
 * @reboot: a tick covers all nodes that had started before it. A node that begins to lead, and whose start is not covered, makes one: so it
 * happens once when a cluster starts, later if leadership comes later, and not again when leadership changes hands. */
#include "sut/jobs/calendar.h"
#include "sut/jobs/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TICKS_PER_CALL 256   /* about: bounds how long a transaction holds the write lock */
#define LEFT_OUT_MOST  10000 /* more are not counted */
#define ORIGIN_DEFAULT "config"
#define ZONE_DEFAULT   "UTC"
#define RETRIES_MOST   5 /* 2^5 polls is the longest wait */

struct cron_zone {
    struct time_zone zone;
    struct cron_zone *next;
};

/* ---- zones ---- */

/* Reads the zone into `heap`. False, with a sentence. */
static bool zone_read(jobs_zone_read *read, void *ctx, struct heap *heap, const char *name,
                      struct time_zone *ret_zone, char *why, size_t why_size)
{
    unsigned char *data = NULL;
    long size = 0;
    if (!time_zone_known(name) && !time_zone_name_check(name)) {
        data = heap_alloc(heap, ZONE_FILE_MAX);
        size = read ? read(ctx, name, data, ZONE_FILE_MAX) : -1;
    }
    if (size < 0)
        snprintf(why, why_size, "there is no time zone '%s'; %s", name,
                 read ? "is tzdata installed? Names look like Europe/Berlin"
                      : "nobody reads zones here (zone_read)");
    bool good =
        size >= 0 && time_zone_init(ret_zone, heap, name, data, (size_t)size, why, why_size);
    heap_release(heap, data);
    return good;
}

/* Read once per node. It is a small file, mostly in memory: the loop can wait for it. NULL: it cannot be read now. */
static const struct time_zone *zone_find(struct jobs *jobs, const char *name)
{
    struct heap *heap = jobs->env->heap;
    char why[200];
    for (struct cron_zone *zone = jobs->cron.zones; zone; zone = zone->next)
        if (strcmp(zone->zone.name, name) == 0)
            return &zone->zone;
    struct cron_zone *zone = heap_alloc(heap, sizeof *zone);
    if (!zone_read(jobs->cron.zone_read, jobs->cron.zone_ctx, heap, name, &zone->zone, why,
                   sizeof why)) {
        heap_release(heap, zone);
        env_log(jobs->env, LOG_ERROR, "cron: %s", why);
        return NULL;
    }
    zone->next = jobs->cron.zones;
    jobs->cron.zones = zone;
    return &zone->zone;
}

/* ---- configuration ---- */

static bool worker_known(const struct jobs_config *config, const char *name)
{
    for (size_t i = 0; i < config->worker_count; ++i)
        if (strcmp(config->workers[i].name, name) == 0)
            return true;
    return config->fallback;
}

static const char *zone_wrong(const struct cron_config *config, const char *name, char *why,
                              size_t why_size)
{
    struct heap heap;
    struct time_zone zone;
    heap_init(&heap);
    bool good = zone_read(config->zone_read, config->zone_ctx, &heap, name, &zone, why, why_size);
    heap_done(&heap);
    return good ? NULL : why;
}

static const char *entry_wrong(const struct jobs_config *config, const struct cron_entry *entry,
                               char *why, size_t why_size)
{
    const struct cron_config *cron = config->cron;
    const char *zone = entry->zone ? entry->zone : cron->zone ? cron->zone : ZONE_DEFAULT;
    const char *wrong = cron_entry_check(entry, why, why_size);
    if (!wrong && !worker_known(config, entry->worker)) {
        snprintf(why, why_size, "there is no worker '%s'", entry->worker);
        wrong = why;
    }
    return wrong ? wrong : zone_wrong(cron, zone, why, why_size);
}

const char *cron_wrong(const struct jobs_config *config, char *why, size_t why_size)
{
    const struct cron_config *cron = config->cron;
    char part[320];
    if (cron->lease_ms < 0)
        return "times must not be negative";
    if (cron->entry_count > CRON_ENTRIES_MAX)
        return "there are too many cron entries: 10000 at most";
    for (size_t i = 0; i < cron->entry_count; ++i) {
        const struct cron_entry *entry = &cron->entries[i];
        const char *wrong = entry_wrong(config, entry, part, sizeof part);
        if (!wrong)
            continue;
        snprintf(why, why_size, "cron entry %zu (%s): %s", i + 1,
                 entry->name     ? entry->name
                 : entry->worker ? entry->worker
                                 : "no name",
                 wrong);
        return why;
    }
    return NULL;
}

static struct cron_entry *entries_copy(struct jobs *jobs, const struct cron_entry *entries,
                                       size_t count, const char *zone)
{
    struct heap *heap = jobs->env->heap;
    struct cron_entry *copies = count ? heap_memdup(heap, entries, count * sizeof *copies) : NULL;
    for (size_t i = 0; i < count; ++i) {
        copies[i].name = heap_strdup(heap, entries[i].name);
        copies[i].expression = heap_strdup(heap, entries[i].expression);
        copies[i].zone = heap_strdup(heap, entries[i].zone ? entries[i].zone : zone);
        copies[i].worker = heap_strdup(heap, entries[i].worker);
        copies[i].queue = heap_strdup(heap, entries[i].queue);
        copies[i].args = heap_strdup(heap, entries[i].args);
    }
    return copies;
}

void cron_copy(struct jobs *jobs, const struct cron_config *config)
{
    jobs->cron = (struct cron){
        .on = true,
        .entries = entries_copy(jobs, config->entries, config->entry_count,
                                config->zone ? config->zone : ZONE_DEFAULT),
        .entry_count = config->entry_count,
        .origin = heap_strdup(jobs->env->heap, config->origin ? config->origin : ORIGIN_DEFAULT),
        .zone_read = config->zone_read,
        .zone_ctx = config->zone_ctx,
    };
    leader_init(jobs, config->lease_ms);
}

static void entries_free(struct jobs *jobs)
{
    struct heap *heap = jobs->env->heap;
    for (size_t i = 0; i < jobs->cron.entry_count; ++i) {
        const struct cron_entry *entry = &jobs->cron.entries[i];
        const char *texts[] = {entry->name,   entry->expression, entry->zone,
                               entry->worker, entry->queue,      entry->args};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; ++j)
            heap_release(heap, (void *)(uintptr_t)texts[j]);
    }
    heap_release(heap, jobs->cron.entries);
}

void cron_free(struct jobs *jobs)
{
    entries_free(jobs);
    heap_release(jobs->env->heap, (void *)(uintptr_t)jobs->cron.origin);
}

void cron_replace(struct jobs *jobs, const struct cron_config *config)
{
    entries_free(jobs);
    jobs->cron.entries = entries_copy(jobs, config->entries, config->entry_count,
                                      config->zone ? config->zone : ZONE_DEFAULT);
    jobs->cron.entry_count = config->entry_count;
    jobs->cron.stale = true;
    if (jobs->cron.pid)
        proc_send(jobs->runtime, 0, jobs->cron.pid, MSG_POKE, NULL, 0);
}

/* ---- entries into the store ---- */

static int entries_put(struct proc *self, struct jobs *jobs, const struct cron_entry *entries,
                       size_t count, const char *origin, size_t *ret_changed, int64_t *ret_now_ms)
{
    struct store_request request = {
        .op = STORE_CRON_PUT, .entries = entries, .entry_count = count, .origin = origin};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    *ret_changed = call->reply.changed;
    *ret_now_ms = call->reply.now_ms;
    store_call_free(call);
    return 0;
}

/* Until it is done: without it, nobody knows when this node started. */
static void entries_sync(struct proc *self, struct jobs *jobs)
{
    size_t changed;
    int64_t now_ms;
    jobs->cron.stale = false; /* if they change meanwhile, they are put again */
    for (unsigned retries = 0; entries_put(self, jobs, jobs->cron.entries, jobs->cron.entry_count,
                                           jobs->cron.origin, &changed, &now_ms);
         retries += retries < RETRIES_MOST)
        proc_sleep(self, jobs_jitter(jobs->env, jobs->poll_ns << retries));
    if (!jobs->cron.started_ms)
        jobs->cron.started_ms = now_ms;
}

int jobs_cron_put(struct proc *self, struct jobs *jobs, const struct cron_entry *entries,
                  size_t count, size_t *ret_changed)
{
    size_t changed;
    int64_t now_ms;
    int err = entries_put(self, jobs, entries, count, NULL, &changed, &now_ms);
    if (!err && ret_changed)
        *ret_changed = changed;
    return err;
}

int jobs_cron_change(struct proc *self, struct jobs *jobs, enum cron_change change,
                     const char *name, size_t *ret_changed)
{
    struct store_request request = {
        .op = STORE_CRON_CHANGE, .names = &name, .name_count = 1, .cron_change = change};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    if (ret_changed)
        *ret_changed = call->reply.changed;
    store_call_free(call);
    return 0;
}

/* ---- what is due ---- */

/* The ticks after `from`, up to `to` (a tick): how many, as far as that is counted. */
static size_t ticks_count(const struct cron_expression *expression, const struct time_zone *zone,
                          int64_t from, int64_t to)
{
    size_t count = 0;
    while (count < LEFT_OUT_MOST && cron_next(expression, zone, from, &from) && from <= to)
        ++count;
    return count;
}

/* The newest ticks of those after `from` and not after `now`, as many as the entry makes up for, in their order. A clock that was set
 * back comes to some minutes again: the store knows which of them have ticked. */
static bool ticks_find(struct heap *heap, const struct cron_entry *entry,
                       const struct cron_expression *expression, const struct time_zone *zone,
                       int64_t now, struct store_ticks *ret_ticks)
{
    int64_t from = entry->done_ms < now ? entry->done_ms : now, newest, tick;
    if (!cron_last(expression, zone, now + 1, &newest) || newest <= from)
        return false;
    size_t most = entry->catch_up > 0 ? (size_t)entry->catch_up : 1, count = 0;
    if (entry->catch_up == CRON_NO_CATCH_UP && now - newest >= MS_PER_MINUTE)
        most = 0;
    int64_t *minutes = heap_alloc(heap, (most + 1) * sizeof *minutes);
    tick = newest;
    for (bool more = true; count < most && more && tick > from; ++count) {
        minutes[most - 1 - count] = tick;
        more = cron_last(expression, zone, tick, &tick);
    }
    int64_t oldest = count ? minutes[most - count] : newest + 1;
    *ret_ticks = (struct store_ticks){
        .entry = entry->name,
        .from_ms = entry->done_ms,
        .to_ms = newest,
        .minutes_ms = minutes + (most - count),
        .minute_count = count,
        .left_out = ticks_count(expression, zone, from, oldest - 1),
    };
    return true;
}

static bool reboot_find(struct heap *heap, const struct jobs *jobs, const struct cron_entry *entry,
                        int64_t now, struct store_ticks *ret_ticks)
{
    if (entry->done_ms >= jobs->cron.started_ms)
        return false;
    int64_t *minute = heap_alloc(heap, sizeof *minute);
    *minute = now;
    *ret_ticks = (struct store_ticks){.entry = entry->name,
                                      .from_ms = entry->done_ms,
                                      .to_ms = now,
                                      .minutes_ms = minute,
                                      .minute_count = 1};
    return true;
}

static bool entry_due(struct heap *heap, struct jobs *jobs, const struct cron_entry *entry,
                      int64_t now, struct store_ticks *ret_ticks)
{
    struct cron_expression expression;
    const struct time_zone *zone;
    char why[320];
    if (entry->paused)
        return false;
    if (!cron_parse(entry->expression, &expression, why, sizeof why)) {
        env_log(jobs->env, LOG_ERROR, "cron: entry %s: %s", entry->name, why);
        return false;
    }
    if (expression.reboot)
        return reboot_find(heap, jobs, entry, now, ret_ticks);
    zone = zone_find(jobs, entry->zone);
    return zone && ticks_find(heap, entry, &expression, zone, now, ret_ticks);
}

/* ---- the look ---- */

static int ticks_send(struct proc *self, struct jobs *jobs, const struct store_ticks *ticks,
                      size_t count)
{
    struct store_request request = {.op = STORE_CRON_TICK, .ticks = ticks, .tick_count = count};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    if (call->reply.changed)
        jobs_poke(jobs);
    store_call_free(call);
    for (size_t i = 0; i < count; ++i)
        if (ticks[i].left_out)
            env_log(jobs->env, LOG_WARN, "cron: entry %s: %zu missed ticks are left out",
                    ticks[i].entry, ticks[i].left_out);
    return 0;
}

/* Sends what is due in calls of about TICKS_PER_CALL. */
static int entries_tick(struct proc *self, struct jobs *jobs, const struct store_reply *reply)
{
    struct heap *heap = heap_child(proc_heap(self));
    struct store_ticks *ticks = heap_alloc(heap, (reply->entry_count + 1) * sizeof *ticks);
    size_t count = 0, minutes = 0;
    int err = 0;
    for (size_t i = 0; i < reply->entry_count && !err; ++i) {
        if (entry_due(heap, jobs, &reply->entries[i], reply->now_ms, &ticks[count]))
            minutes += ticks[count++].minute_count + 1;
        if (minutes < TICKS_PER_CALL && i + 1 < reply->entry_count)
            continue;
        if (count)
            err = ticks_send(self, jobs, ticks, count);
        count = minutes = 0;
    }
    heap_free(heap);
    return err;
}

/* Returns until when to wait: the next full minute of the database's clock; no tick can be due before. */
static int64_t cron_look(struct proc *self, struct jobs *jobs)
{
    struct store_request request = {.op = STORE_CRON_LIST};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    int64_t received = proc_now(self);
    if (err)
        return received + jobs_jitter(jobs->env, jobs->poll_ns);
    int64_t now_ms = call->reply.now_ms;
    err = entries_tick(self, jobs, &call->reply);
    store_call_free(call);
    if (err)
        return proc_now(self) + jobs_jitter(jobs->env, jobs->poll_ns);
    int64_t rest_ms = MS_PER_MINUTE - (now_ms - floor_div(now_ms, MS_PER_MINUTE) * MS_PER_MINUTE);
    return due_after(jobs, rest_ms, received);
}

void cron_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    entries_sync(self, jobs);
    jobs->cron.pid = proc_self(self); /* from here on, who begins to lead says so */
    for (;;) {
        if (jobs->cron.stale)
            entries_sync(self, jobs);
        int64_t until = jobs_leads(jobs) && !jobs->draining ? cron_look(self, jobs) : INT64_MAX;
        int64_t now = proc_now(self);
        proc_receive(self, until == INT64_MAX ? WAIT_FOREVER : until > now ? until - now : 0);
    }
}
