/* account.c: a harness of one's own, for a system of one's own.
 *
 * A client pays into an account. When it hears nothing it asks again, and an account that does not know the request
 * again makes money out of nothing.
 *     cc account.c $(pkg-config --cflags --libs duress) -o account
 *     ./account run account.yaml
 * With `remembers: yes` in the scenario the same program holds. */
#include "harness/property.h"
#include "harness/system.h"
#include "properties/watch.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the system: its points are all that it knows of the harness ---- */

POINT_ABOUT("account/pay/send", "a request leaves");
POINT_ABOUT("account/pay/apply", "the account has more money");
POINT_ABOUT("account/pay/reply", "the answer comes back");

struct account {
    struct world *world;
    bool remembers;
    uint64_t paid;                /* the newest request that was applied */
    int64_t request, request_max; /* of the client */
};

static void apply(struct account *account, uint64_t request)
{
    if (account->remembers && account->paid == request)
        return;
    account->paid = request;
    TRACE(world_site(account->world), "account/pay/apply", T_U64("request", request));
}

/* 0, or why the client does not know whether it was paid. */
static int pay(struct account *account, uint64_t request)
{
    struct point_site *at = world_site(account->world);
    int err = FAULT(at, "account/pay/send", CAN_ERROR, T_U64("request", request));
    if (err)
        return err;
    apply(account, request);
    return FAULT(at, "account/pay/reply", CAN_ERROR, T_U64("request", request));
}

static void client(void *ctx)
{
    struct account *account = ctx;
    if (pay(account, (uint64_t)account->request) == 0)
        account->request++;
    if (account->request <= account->request_max)
        world_at(account->world, NULL, world_now(account->world) + 1000000, client, account);
}

/* ---- how it is put into the world ---- */

enum { REQUESTS, REMEMBERS };
static const struct param_spec params[] = {
    [REQUESTS] = {"requests", PARAM_COUNT, {5, 10}, 1, 1000, "how many"},
    [REMEMBERS] = {"remembers", PARAM_BOOL, {0, 0}, 0, 1, "is a request known again?"},
};

static void *account_setup(struct world *world, const struct scenario *scenario)
{
    struct account *account = calloc(1, sizeof *account);
    struct range requests = scenario->params[REQUESTS].value;
    if (!account)
        abort();
    account->world = world;
    account->remembers = scenario->params[REMEMBERS].value.lo;
    account->request = 1;
    account->request_max = tape_draw_between(world_tape(world), requests.lo, requests.hi);
    world_at(world, NULL, world_now(world), client, account);
    return account;
}

static bool account_settled(void *ctx)
{
    const struct account *account = ctx;
    return account->request > account->request_max;
}

static bool account_pending(void *ctx, char *text, size_t size)
{
    const struct account *account = ctx;
    if (account_settled(ctx))
        return false;
    snprintf(text, size, "request %lld of %lld", (long long)account->request,
             (long long)account->request_max);
    return true;
}

static void account_audit(void *ctx)
{
    (void)ctx; /* what clients can see in the end would be recorded here */
}

static const struct system account_system = {
    .name = "account",
    .about = "an account, and a client that pays",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .setup = account_setup,
    .settled = account_settled,
    .pending = account_pending,
    .audit = account_audit,
    .teardown = free,
    .leaves_nothing = true,
};

/* ---- what must hold ---- */

static const struct property_on applied_on[] = {ON_UNIQUE("account/pay/apply", .by = {"request"}),
                                                {0}};
TRACE_PROPERTY(paid_once, .name = "a request is paid once", .kind = PROPERTY_ALWAYS,
               .about = "Who is paid twice for one request has money that nobody had.",
               .on = applied_on, WATCH(0));

int main(int argc, char **argv)
{
    static const struct system *const systems[] = {&account_system};
    return duress_main(argc, argv, systems, 1);
}
