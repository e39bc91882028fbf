/* The upstream service: a scripted peer behind links. It makes effects, remembers idempotency keys for ever, never dies, and
 * answers as the scenario says:
 *
 *   fails       503, no effect            throttles   429, no effect, Retry-After: 1 to 30 s
 *   half fails  500, the effect was made  late        200, the effect was made, the answer comes after 40 s
 *   refuses     422, no effect            slow        200, the effect was made, the answer comes after 1 to 15 s
 *   garbles     200, no effect, and a body of something else
 *   never       the effect was made, no answer
 *   else        200, as always once the world is healed
 */
#include "scenarios/jobs/adapter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

POINT_ABOUT("upstream/call/send", "a job is about to call the upstream service");
POINT_ABOUT("upstream/call/reply", "the upstream service has answered");
POINT_ABOUT("upstream/effect/apply", "the upstream service made an effect");
POINT_ABOUT("upstream/effect/repeat", "the upstream service refused to repeat an effect");

#define CALL_TIMEOUT_NS INT64_C(20000000000)
#define LATE_NS         INT64_C(40000000000)
#define SLOW_LO_NS      INT64_C(1000000000)
#define SLOW_HI_NS      INT64_C(15000000000)
#define RETRY_AFTER_MAX 30 /* s */

struct effect {
    char key[32];
    UT_hash_handle hh;
};

/* ---- the service ---- */

struct answer {
    int status; /* 0: never */
    bool effect;
    int64_t after_ns;
    bool garbled;
    int64_t retry_after_s;
};

/* What the script leaves open. */
static struct answer answer_fill(struct tape *tape, const struct choice *choice,
                                 struct answer answer, bool slow)
{
    struct choice more = *choice;
    more.name = "upstream/answer/how_long";
    if (answer.status == 429)
        answer.retry_after_s = tape_between(tape, &more, 1, RETRY_AFTER_MAX);
    if (slow)
        answer.after_ns = tape_between(tape, &more, SLOW_LO_NS, SLOW_HI_NS);
    return answer;
}

static const struct answer plain = {.status = 200, .effect = true};

static const struct answer wrongs[] = {
    [WRONG_UP_FAILS] = {.status = 503},
    [WRONG_UP_THROTTLES] = {.status = 429},
    [WRONG_UP_HALF] = {.status = 500, .effect = true},
    [WRONG_UP_LATE] = {.status = 200, .effect = true, .after_ns = LATE_NS},
    [WRONG_UP_NEVER] = {.status = 0, .effect = true},
    [WRONG_UP_REFUSES] = {.status = 422},
    [WRONG_UP_SLOW] = {.status = 200, .effect = true},
    [WRONG_UP_GARBLES] = {.status = 200, .garbled = true},
};

/* On record, and counted. */
static struct answer answer_wrong(struct upstream *upstream, enum upstream_wrong wrong,
                                  const struct choice *choice)
{
    upstream->wrongs[wrong]++;
    node_went_wrong(upstream->node, workload_params[W_UP_FAILS + wrong].name, choice->key);
    return answer_fill(world_tape(upstream->adapter->world), choice, wrongs[wrong],
                       wrong == WRONG_UP_SLOW);
}

static struct answer answer_of(struct upstream *upstream, uint64_t key)
{
    struct adapter *adapter = upstream->adapter;
    struct choice choice = {.stream = STREAM_WORK,
                            .name = "upstream/answer/draw",
                            .key = key,
                            .ordinal = ++upstream->requests[key - 1]};
    if (world_phase(adapter->world) == PHASE_LIVENESS)
        return plain;
    uint64_t drawn = tape_choose(world_tape(adapter->world), &choice, 10000);
    uint64_t from = 10000; /* the highest values are the odd answers: 0 is a plain 200 */
    for (unsigned i = 0; i < WRONG_COUNT; i++) {
        from -= from < (uint64_t)upstream->shares[i] ? from : (uint64_t)upstream->shares[i];
        if (drawn >= from)
            return answer_wrong(upstream, (enum upstream_wrong)i, &choice);
    }
    return plain;
}

/* false: an effect with this idempotency key was made before. */
static bool effect_new(struct upstream *upstream, const char *idempotency_key)
{
    struct effect *effect;
    if (idempotency_key[0] == '\0')
        return true;
    HASH_FIND_STR(upstream->effects, idempotency_key, effect);
    if (effect)
        return false;
    effect = malloc(sizeof *effect);
    if (!effect)
        abort();
    *effect = (struct effect){0};
    memccpy(effect->key, idempotency_key, '\0', sizeof effect->key - 1);
    HASH_ADD_STR(upstream->effects, key, effect);
    return true;
}

/* ---- a call: a packet there, a packet back ---- */

struct call { /* the caller's side: what its process waits for; memory of its node */
    struct work work;
    struct heap *heap;
    struct upstream_reply reply;
    struct mail *mail; /* until it is sent */
};

/* What a mail and its copies have in common: the first answer counts, the others find nobody. */
struct line {
    unsigned mails;
    struct call *call; /* NULL: nobody waits any more */
};

struct mail { /* the packet, first there, then back */
    struct packet packet;
    struct upstream *upstream;
    struct app *app;
    uint64_t app_boot;
    struct line *line;
    uint64_t key;
    unsigned attempt;
    char idempotency_key[32];
    struct upstream_reply reply;
    struct mail *prev, *next;
};

static bool anybody_waits(const struct mail *mail)
{
    return mail->line->call && mail->app->host.node->boots == mail->app_boot &&
           mail->app->host.node->state != NODE_DOWN;
}

/* The mail is over; a process that still waits goes on waiting until its time is up. */
static void mail_free(struct mail *mail)
{
    DL_DELETE(mail->upstream->mails, mail);
    if (--mail->line->mails == 0)
        free(mail->line);
    free(mail);
}

static void mail_end(void *arg)
{
    struct mail *mail = arg;
    if (anybody_waits(mail)) {
        struct call *call = mail->line->call;
        call->reply = mail->reply;
        mail->line->call = NULL;
        call->work.done(&call->work);
    }
    mail_free(mail);
}

static void mail_back(struct packet *packet)
{
    mail_end(packet);
}

/* Of a connection that is refused or torn the caller learns a moment later. */
static void mail_lost(struct packet *packet, enum loss why)
{
    struct mail *mail = (struct mail *)packet;
    struct world *world = mail->upstream->adapter->world;
    if (why == LOSS_SILENT) {
        mail_free(mail);
        return;
    }
    mail->reply.status = why == LOSS_REFUSED ? -ECONNREFUSED : -ECONNRESET;
    world_at(world, NULL, world_now(world) + 1000000, mail_end, mail);
}

/* A proxy on the way asks, or answers, a second time. */
static struct packet *mail_copy(const struct packet *packet)
{
    const struct mail *mail = (const struct mail *)packet;
    struct mail *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = *mail;
    copy->line->mails++;
    DL_APPEND(copy->upstream->mails, copy);
    return &copy->packet;
}

static void answer_now(void *arg)
{
    struct mail *mail = arg;
    mail->packet.deliver = mail_back;
    world_send(mail->app->adapter->world, mail->upstream->node, mail->app->host.node,
               &mail->packet);
}

static struct answer asked(struct upstream *upstream, uint64_t key, unsigned attempt,
                           const char *idempotency_key)
{
    struct point_site *at = &upstream->node->site;
    struct answer answer = answer_of(upstream, key);
    if (answer.effect && effect_new(upstream, idempotency_key))
        TRACE(at, "upstream/effect/apply", T_U64("key", key), T_U64("attempt", attempt));
    else if (answer.effect)
        TRACE(at, "upstream/effect/repeat", T_U64("key", key), T_U64("attempt", attempt));
    return answer;
}

static void mail_there(struct packet *packet)
{
    struct mail *mail = (struct mail *)packet;
    struct upstream *upstream = mail->upstream;
    struct world *world = upstream->adapter->world;
    struct answer answer = asked(upstream, mail->key, mail->attempt, mail->idempotency_key);
    mail->reply = (struct upstream_reply){answer.status, answer.garbled, answer.retry_after_s};
    if (answer.status == 0)
        mail_free(mail);
    else if (answer.after_ns == 0)
        answer_now(mail);
    else
        world_at(world, NULL, world_now(world) + answer.after_ns, answer_now, mail);
}

static void start_call(void *ctx, struct work *work)
{
    struct call *call = (struct call *)work;
    (void)ctx;
    world_send(call->mail->app->adapter->world, call->mail->app->host.node,
               call->mail->upstream->node, &call->mail->packet);
}

/* Nobody waits any more and the answer came after all, or never will: the heap goes with the node at the latest. */
static void drop_call(struct work *work)
{
    heap_release(((struct call *)work)->heap, work);
}

static struct upstream_reply exchange(struct proc *self, struct app *app, uint64_t key,
                                      unsigned attempt, const char *idempotency_key)
{
    struct heap *heap = proc_env(self)->heap;
    struct call *call = heap_alloc(heap, sizeof *call);
    struct mail *mail = malloc(sizeof *mail);
    struct line *line = malloc(sizeof *line);
    if (!mail || !line)
        abort();
    *line = (struct line){.mails = 1, .call = call};
    *mail = (struct mail){.packet = {.deliver = mail_there, .lost = mail_lost, .copy = mail_copy},
                          .upstream = &app->adapter->upstream,
                          .app = app,
                          .app_boot = app->host.node->boots,
                          .line = line,
                          .key = key,
                          .attempt = attempt};
    memccpy(mail->idempotency_key, idempotency_key ? idempotency_key : "", '\0',
            sizeof mail->idempotency_key - 1);
    DL_APPEND(mail->upstream->mails, mail);
    call->heap = heap;
    call->mail = mail;
    int err = proc_work_via(self, &call->work, start_call, NULL, drop_call, CALL_TIMEOUT_NS);
    if (err)
        return (struct upstream_reply){.status = err};
    struct upstream_reply reply = call->reply;
    heap_release(heap, call);
    return reply;
}

struct upstream_reply upstream_call(struct proc *self, struct app *app, uint64_t key,
                                    unsigned attempt, const char *idempotency_key)
{
    struct point_site *at = proc_site(self);
    int err = FAULT(at, "upstream/call/send", CAN_NET | CAN_ERROR, T_U64("key", key),
                    T_U64("attempt", attempt));
    if (err)
        return (struct upstream_reply){.status = err};
    struct upstream_reply reply = exchange(self, app, key, attempt, idempotency_key);
    err = FAULT(at, "upstream/call/reply", CAN_NET | CAN_ERROR, T_U64("key", key),
                T_U64("attempt", attempt));
    return err ? (struct upstream_reply){.status = err} : reply;
}

struct upstream_reply upstream_ask(struct upstream *upstream, struct job_control *control,
                                   uint64_t key, unsigned attempt, const char *idempotency_key)
{
    struct answer answer = asked(upstream, key, attempt, idempotency_key ? idempotency_key : "");
    bool in_time = answer.status != 0 && answer.after_ns < CALL_TIMEOUT_NS;
    job_nap(control, in_time ? answer.after_ns : CALL_TIMEOUT_NS);
    return in_time ? (struct upstream_reply){answer.status, answer.garbled, answer.retry_after_s}
                   : (struct upstream_reply){.status = -ETIMEDOUT};
}

/* ---- the node ---- */

static void nothing(struct node *node, void *ctx)
{
    (void)node, (void)ctx;
}

static bool never(struct node *node, struct point_site *at)
{
    (void)node, (void)at;
    return false;
}

static const struct node_ops upstream_ops = {
    .start = nothing, .stop = nothing, .dead = nothing, .can_stall = never};

void upstream_init(struct upstream *upstream, struct adapter *adapter)
{
    *upstream = (struct upstream){.adapter = adapter};
    upstream->node = world_node_add(adapter->world, "upstream", &upstream_ops, upstream);
    upstream->node->expendable = false;
    for (unsigned i = 0; i < WRONG_COUNT; i++)
        upstream->shares[i] = draws_share(&adapter->draws, W_UP_FAILS + i);
    upstream->requests = calloc(adapter->workload.count, sizeof *upstream->requests);
    if (!upstream->requests)
        abort();
}

uint64_t upstream_went_wrong(const struct upstream *upstream, size_t param)
{
    return upstream->wrongs[param - W_UP_FAILS];
}

void upstream_done(struct upstream *upstream)
{
    struct effect *effect, *next;
    struct mail *mail, *later;
    DL_FOREACH_SAFE (upstream->mails, mail, later) /* answers that would have come later */
        mail_free(mail);
    HASH_ITER (hh, upstream->effects, effect, next) {
        HASH_DEL(upstream->effects, effect);
        free(effect);
    }
    free(upstream->requests);
}
