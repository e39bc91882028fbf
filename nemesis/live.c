/* live.c: the bridge between points and libfiu.
 *
 * libfiu calls back under its own lock, where nothing may wait; so the callback only decides and
 * leaves the fault in the hit, which lies on the stack of the thread that hit the point. What the
 * fault does is done after fiu_fail() has returned. Counters are lost with the process.
 */
#define FIU_ENABLE
#include "nemesis/live.h"

#include "harness/hash.h"
#include "harness/seed.h"
#include "harness/trace/trace.h"
#include "nemesis/counters.h"
#include "nemesis/rules.h"

#include <errno.h>
#include <fiu-control.h>
#include <fiu.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CAN_RETURN_ERROR (CAN_ERROR | CAN_TIMEOUT | CAN_DISCONNECT)
#define ERRNO_MAX        4095

struct live {
    struct point_sink sink; /* first */
    struct rules *rules;
    struct tape *tape;
    pthread_mutex_t lock; /* of the counters, here and in the rules */
    struct counters *hits;
};

struct live_hit {
    const struct point_site *at;
    const struct point *point;
    const struct point_field *fields;
    unsigned count;
    bool decided; /* by a term; else by libfiu alone */
    struct fault fault;
};

static _Thread_local struct live_hit *hit_now;

/* ---- deciding, under libfiu's lock ---- */

static struct fault decide(struct live *live, const struct live_hit *hit)
{
    struct choice choice = {.stream = STREAM_FAULT,
                            .name = hit->point->name,
                            .node = hit->at->node,
                            .key = fields_key(hit->fields, hit->count)};
    struct counter_key counter = {hash_text(choice.name), choice.node, choice.key, 0};
    pthread_mutex_lock(&live->lock);
    choice.ordinal = ++*counter_at(live->hits, counter);
    struct term_verdict verdict =
        rules_judge(live->rules, live->tape, &choice, hit->point, hit->fields, hit->count);
    pthread_mutex_unlock(&live->lock);
    return verdict.fault;
}

static int on_fiu(const char *name, int *failnum, void **failinfo, unsigned int *flags)
{
    struct live_hit *hit = hit_now;
    (void)name;
    (void)failnum;
    (void)flags;
    if (!hit)
        return 0; /* somebody else's fiu_fail() of that name */
    hit->decided = true;
    hit->fault = decide(*failinfo, hit);
    return hit->fault.kind != FAULT_NONE;
}

/* ---- applying ---- */

static void sleep_for(int64_t ns)
{
    struct timespec left = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static int apply(const struct fault *fault)
{
    switch (fault->kind) {
    case FAULT_DELAY: sleep_for(fault->lo_ns); return 0;
    case FAULT_TIMEOUT: sleep_for(fault->lo_ns); return -ETIMEDOUT;
    case FAULT_ERROR: return -fault->err;
    case FAULT_DISCONNECT: return -ECONNRESET;
    case FAULT_CRASH:
    case FAULT_KILL:
    case FAULT_POWEROFF: raise(SIGKILL); return 0;
    case FAULT_NONE:
    case FAULT_PAUSE:
    case FAULT_SHORT:
    case FAULT_LIE:
    case FAULT_MISDIRECT:
    case FAULT_FLIP:
    case FAULT_KIND_COUNT: break;
    }
    return 0;
}

/* What fiu_enable() and fiu-ctrl ask for. */
static int plain_error(const struct point *point)
{
    intptr_t err = (intptr_t)fiu_failinfo();
    if (!(point->kinds & CAN_RETURN_ERROR))
        return 0;
    return err > 0 && err <= ERRNO_MAX ? -(int)err : -EIO;
}

static int live_fault(struct point_sink *sink, struct point_site *at, struct point *point,
                      const struct point_field *fields, unsigned count)
{
    struct live_hit hit = {.at = at, .point = point, .fields = fields, .count = count};
    (void)sink;
    hit_now = &hit;
    int failed = fiu_fail(point->name);
    hit_now = NULL;
    if (!failed)
        return 0;
    return hit.decided ? apply(&hit.fault) : plain_error(point);
}

static void live_event(struct point_sink *sink, struct point_site *at, struct point *point,
                       const struct point_field *fields, unsigned count)
{
    (void)sink;
    (void)at;
    (void)point;
    (void)fields;
    (void)count;
}

/* ---- setting up ---- */

static bool add_rule(struct rules *rules, const char *text, char *why, size_t size)
{
    const char *term;
    struct term_error error;
    size_t length = rule_split(text, &term);
    if (length == 0) {
        snprintf(why, size, "DURESS_FAULTS: '%s': expected POINT: TERM", text);
        return false;
    }
    char *pattern = strndup(text, length);
    if (!pattern)
        abort();
    int err = rules_add(rules, pattern, term, &error);
    if (err != 0)
        snprintf(why, size, "DURESS_FAULTS: '%s', at '%s': %s", text,
                 (error.in_pattern ? pattern : term) + error.offset, error.why);
    free(pattern);
    return err == 0;
}

/* faults := rule (";" rule)*, where a rule may be empty */
static bool add_rules(struct rules *rules, const char *faults, char *why, size_t size)
{
    char *text = strdup(faults), *rest = text, *rule;
    bool good = true;
    if (!text)
        abort();
    while (good && (rule = strsep(&rest, ";")) != NULL) {
        rule += strspn(rule, " \t\n");
        good = *rule == '\0' || add_rule(rules, rule, why, size);
    }
    free(text);
    if (good && (rules_wait(rules) || (rules_kinds(rules) & CAN_PAUSE))) {
        snprintf(why, size,
                 "DURESS_FAULTS: pause and wait(NAME) need the simulated world; stop a "
                 "live process with SIGSTOP");
        return false;
    }
    if (good && (rules_kinds(rules) & CAN_DEVICE)) {
        snprintf(why, size,
                 "DURESS_FAULTS: short, lie, misdirect and flip are what a simulated disk does; "
                 "they need the simulated world");
        return false;
    }
    return good;
}

static bool read_environment(struct live *live, char *why, size_t size)
{
    const char *faults = getenv("DURESS_FAULTS"), *seed_text = getenv("DURESS_SEED");
    uint64_t seed = 0;
    char reason[120];
    if (seed_text && seed_parse(seed_text, &seed, reason, sizeof reason) != 0) {
        snprintf(why, size, "DURESS_SEED: %s", reason);
        return false;
    }
    if (faults && !add_rules(live->rules, faults, why, size))
        return false;
    live->tape = tape_new(seed);
    if (faults)
        fprintf(stderr, "duress: faults are on, seed 0x%" PRIx64 "\n", seed);
    return true;
}

static void enable_points(struct live *live)
{
    fiu_init(0);
    for (size_t id = 0; id < registry_count(); id++)
        if (rules_concern(live->rules, registry_get(id)->name))
            fiu_enable_external(registry_get(id)->name, 1, live, 0, on_fiu);
}

struct point_sink *live_sink_new(char *why, size_t size)
{
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        abort();
    registry_init();
    live->sink = (struct point_sink){.event = live_event, .fault = live_fault};
    live->rules = rules_new();
    live->hits = counters_new();
    pthread_mutex_init(&live->lock, NULL);
    if (!read_environment(live, why, size)) {
        live_sink_free(&live->sink);
        return NULL;
    }
    enable_points(live);
    return &live->sink;
}

void live_sink_free(struct point_sink *sink)
{
    struct live *live = (struct live *)sink;
    if (!live)
        return;
    for (size_t id = 0; live->tape && id < registry_count(); id++)
        if (rules_concern(live->rules, registry_get(id)->name))
            fiu_disable(registry_get(id)->name);
    rules_free(live->rules);
    counters_free(live->hits);
    if (live->tape)
        tape_free(live->tape);
    pthread_mutex_destroy(&live->lock);
    free(live);
}
