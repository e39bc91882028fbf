/* The sweep: a courier that delivers parcels, and tries again once. Few enough points to count every trial by hand. */
#include "harness/sweep/sweep.h"

#include "harness/point.h"
#include "harness/system.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

POINT_ABOUT("courier/parcel/send", "a parcel is about to be sent");
POINT_ABOUT("courier/parcel/reply", "a parcel was delivered, and the answer comes back");
POINT_ABOUT("courier/parcel/resend", "sent once more, because the first time failed");
POINT_ABOUT("courier/parcel/skip", "what is never reached");
POINT_ABOUT("courier/parcel/lost", "what the property forbids");
POINT_ABOUT("courier/parcel/done", "delivered, or given up");

enum { BUG_NONE, BUG_SINGLE, BUG_DOUBLE };

static const struct param_spec params[] = {
    {"parcels", PARAM_COUNT, {5, 5}, 1, 1000, "how many"},
    {"bug",
     PARAM_COUNT,
     {0, 0},
     0,
     2,
     "1: parcel 3 is lost when its reply is; 2: when it is sent in vain twice"},
    {"unfit", PARAM_COUNT, {0, 0}, 0, 1, "loses one without any fault"},
    {"again",
     PARAM_COUNT,
     {0, 0},
     0,
     1,
     "sends it again at the same point, before it is sent anew"},
};

struct courier {
    struct world *world;
    int64_t parcels, bug, unfit, again, done;
};

#define ANY (CAN_ERROR | CAN_DISCONNECT | CAN_LIE)

static int send_parcel(const struct courier *courier, uint64_t parcel)
{
    int err = 0;
    for (int64_t i = 0; i <= courier->again && (i == 0 || err); i++)
        err =
            FAULT(world_site(courier->world), "courier/parcel/send", ANY, T_U64("parcel", parcel));
    return err;
}

static void deliver(struct courier *courier, uint64_t parcel)
{
    struct point_site *at = world_site(courier->world);
    bool is_third = parcel == 3;
    if (send_parcel(courier, parcel) != 0 &&
        FAULT(at, "courier/parcel/resend", ANY, T_U64("parcel", parcel)) != 0 && is_third &&
        courier->bug == BUG_DOUBLE)
        TRACE(at, "courier/parcel/lost", T_U64("parcel", parcel));
    if (FAULT(at, "courier/parcel/reply", ANY, T_U64("parcel", parcel)) != 0 && is_third &&
        courier->bug == BUG_SINGLE)
        TRACE(at, "courier/parcel/lost", T_U64("parcel", parcel));
    if (parcel > 1000)
        FAULT(at, "courier/parcel/skip", ANY, T_U64("parcel", parcel));
    TRACE(at, "courier/parcel/done", T_U64("parcel", parcel));
}

static void step(void *arg)
{
    struct courier *courier = arg;
    deliver(courier, (uint64_t)++courier->done);
    if (courier->done < courier->parcels)
        world_at(courier->world, NULL, world_now(courier->world) + 1000000, step, courier);
    else if (courier->unfit)
        TRACE(world_site(courier->world), "courier/parcel/lost", T_U64("parcel", 1));
}

static void *setup(struct world *world, const struct scenario *scenario)
{
    struct courier *courier = calloc(1, sizeof *courier);
    *courier = (struct courier){.world = world,
                                .parcels = scenario->params[0].value.lo,
                                .bug = scenario->params[1].value.lo,
                                .unfit = scenario->params[2].value.lo,
                                .again = scenario->params[3].value.lo};
    world_at(world, NULL, world_now(world), step, courier);
    return courier;
}

static bool settled(void *ctx)
{
    const struct courier *courier = ctx;
    return courier->done == courier->parcels;
}

static bool pending(void *ctx, char *text, size_t size)
{
    if (!settled(ctx))
        snprintf(text, size, "parcels");
    return !settled(ctx);
}

static void audit(void *ctx)
{
    (void)ctx;
}

static const struct system courier_system = {.name = "courier",
                                             .about = "delivers parcels",
                                             .params = params,
                                             .param_count = sizeof params / sizeof *params,
                                             .setup = setup,
                                             .settled = settled,
                                             .pending = pending,
                                             .audit = audit,
                                             .teardown = free};

static void on_lost(struct judge *judge, void *state, const struct event *event)
{
    (void)state;
    judge_fail(judge, event, "parcel %llu is lost", (unsigned long long)event_u64(event, "parcel"));
}

static const struct property_on lost_on[] = {{"courier/parcel/lost", on_lost}, {0}};
TRACE_PROPERTY(no_parcel_lost, .name = "no parcel is lost", .kind = PROPERTY_NEVER,
               .about = "for tests", .on = lost_on);

/* ---- one sweep ---- */

static const struct fault both[] = {{.kind = FAULT_ERROR, .err = EIO}, {.kind = FAULT_DISCONNECT}};
static const struct extras no_extras;
static char place[64];

static void enter(void)
{
    strcpy(place, "/tmp/duress-sweep-XXXXXX");
    cr_assert(mkdtemp(place));
    cr_assert_eq(chdir(place), 0);
}

static void leave(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", place);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(sweep, .init = enter, .fini = leave);

static struct sweep_setup usual = {.extras = &no_extras,
                                   .program = "duress",
                                   .seed = 1,
                                   .kinds = both,
                                   .kind_count = 2,
                                   .depth = 2,
                                   .beyond = 2,
                                   .disk_states = 2,
                                   .run_timeout_ns = INT64_C(5000000000),
                                   .workers = 2,
                                   .dir = "."};

static enum sweep_end sweep(struct sweep_setup with, const char *workload,
                            struct certificate *ret_certificate, char *why, size_t size)
{
    static const struct system *const systems[] = {&courier_system};
    char *complaint = NULL;
    FILE *out = fopen("x.yaml", "w");
    fprintf(out, "name: x\nsut: courier\nsafety: 10m\nworkload: { %s }\n", workload);
    fclose(out);
    registry_init();
    struct scenario *scenario = scenario_load("x.yaml", systems, 1, &complaint);
    cr_assert(scenario, "%s", complaint);
    with.scenario = scenario;
    enum sweep_end end = sweep_run(&with, ret_certificate, why, size);
    scenario_free(scenario);
    return end;
}

static struct certificate sweep_well(struct sweep_setup with, const char *workload)
{
    struct certificate certificate;
    char why[256] = "";
    cr_assert_eq(sweep(with, workload, &certificate, why, sizeof why), SWEEP_DONE, "%s", why);
    return certificate;
}

static char *text_of(const struct certificate *certificate)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    certificate_print(certificate, out);
    cr_assert_eq(certificate_write(certificate, out), 0);
    fclose(out);
    return text;
}

/* ---- tests ---- */

Test(sweep, tries_every_kind_at_every_hit_and_follows)
{
    struct certificate certificate = sweep_well(usual, "parcels: 5");
    /* 5 sends and 5 replies; under a fault of a send there is a resend, for each of the 5 parcels. */
    cr_expect_eq(certificate.reference_hits, 10);
    cr_expect_eq(certificate.hits, 15);
    /* Two reference runs; then two kinds at 15 hits, transient and persistent. */
    cr_expect_eq(certificate.runs, 2 + 2 * 15 * 2, "%lu", certificate.runs);
    cr_expect_eq(certificate.persistent, 30);
    cr_expect_eq(certificate.failed, 0);
    cr_expect(certificate.complete);
    for (int i = 0; i < PRUNED_COUNT; i++)
        cr_expect_eq(certificate.pruned[i], 0);
    char *text = text_of(&certificate);
    cr_expect(strstr(text, "COMPLETE: "));
    cr_expect(strstr(text, "never reached\n    courier/parcel/skip\n"));
    cr_expect(strstr(text, "courier/parcel/reply (5)  error(EIO) 10  disconnect 10\n"), "%s", text);
    cr_expect(strstr(text, "courier/parcel/resend (5)  error(EIO) 10"), "%s", text);
    free(text);
    certificate_done(&certificate);
}

Test(sweep, leaves_out_what_the_budget_rules_out_and_says_so)
{
    static const struct fault lies[] = {{.kind = FAULT_DISCONNECT}, {.kind = FAULT_LIE}};
    struct sweep_setup with = usual;
    with.kinds = lies;
    struct certificate certificate = sweep_well(with, "parcels: 5");
    cr_expect_eq(certificate.hits, 15);
    cr_expect_eq(certificate.persistent, 15, "by disconnects alone");
    cr_expect_eq(certificate.pruned[PRUNED_BUDGET], 30, "no disk may lie");
    char *text = text_of(&certificate);
    cr_expect(strstr(text, "the budget of the scenario rules out: lie\n"), "%s", text);
    free(text);
    certificate_done(&certificate);
}

Test(sweep, reads_lists_of_kinds)
{
    struct fault kinds[SWEEP_KINDS_MAX];
    const char *why;
    size_t at;
    cr_expect_eq(sweep_kinds_all(kinds), FAULT_KIND_COUNT - 1);
    cr_assert_eq(sweep_kinds_parse("crash,error(ENOSPC),timeout", kinds, &why, &at), 3);
    cr_expect_eq(kinds[1].err, ENOSPC);
    cr_expect_eq(kinds[2].lo_ns, INT64_C(10000000000));
    cr_expect_eq(sweep_kinds_parse("crash,,kill", kinds, &why, &at), 0);
    cr_expect_eq(at, 6);
    cr_expect_eq(sweep_kinds_parse("crash,off", kinds, &why, &at), 0);
}

Test(sweep, leaves_out_what_a_persistent_fault_does_anyway)
{
    struct certificate certificate = sweep_well(usual, "parcels: 5, again: 1");
    /* When all sends fail from the first on, so do the second ones: of parcels 2 to 5, transient and persistent. */
    cr_expect_eq(certificate.pruned[PRUNED_SAME], 8, "%lu", certificate.pruned[PRUNED_SAME]);
    cr_expect(certificate.complete);
    certificate_done(&certificate);
}

Test(sweep, says_which_faults_nobody_noticed)
{
    struct certificate certificate = sweep_well(usual, "parcels: 5");
    char *text = text_of(&certificate);
    cr_expect(strstr(text, "courier/parcel/reply: error(EIO), 10 of 10\n"), "%s", text);
    cr_expect(!strstr(text, "courier/parcel/send: error(EIO), "), "a send is sent again");
    free(text);
    certificate_done(&certificate);
}

Test(sweep, gives_the_same_certificate_again_whatever_the_workers)
{
    char *texts[3];
    for (unsigned i = 0; i < 3; i++) {
        struct sweep_setup with = usual;
        with.workers = i == 2 ? 5 : 1;
        struct certificate certificate = sweep_well(with, "parcels: 20, bug: 1");
        texts[i] = text_of(&certificate);
        certificate_done(&certificate);
    }
    cr_expect_str_eq(texts[0], texts[1]);
    cr_expect_str_eq(texts[0], texts[2]);
    for (unsigned i = 0; i < 3; i++)
        free(texts[i]);
}

Test(sweep, finds_what_one_fault_breaks_and_keeps_its_tape)
{
    struct certificate certificate = sweep_well(usual, "parcels: 5, bug: 1");
    cr_assert_eq(certificate.failure_count, 2, "one for each kind");
    cr_expect_eq(certificate.failed, 2 + 2 * 3, "once, or for ever from one of 3 parcels on");
    cr_expect_str_eq(certificate.failures[0].property, "no_parcel_lost");
    cr_expect_str_eq(certificate.failures[0].message, "parcel 3 is lost");
    cr_expect_str_eq(certificate.failures[0].trial,
                     "courier/parcel/reply node=0 key=1 n=1+: error(EIO)");
    cr_assert(certificate.failures[0].folder);
    char path[256], why[256];
    struct tape_meta meta;
    snprintf(path, sizeof path, "%s/tape", certificate.failures[0].folder);
    struct tape *tape = tape_read(path, &meta, why, sizeof why);
    cr_assert(tape, "%s", why);
    cr_expect(tape_is_simple(tape, STREAM_FAULT));
    tape_meta_done(&meta);
    tape_free(tape);
    certificate_done(&certificate);
}

Test(sweep, finds_what_two_faults_break_where_the_first_leads_to_the_second)
{
    struct sweep_setup shallow = usual;
    shallow.depth = 1;
    struct certificate certificate = sweep_well(shallow, "parcels: 5, bug: 2");
    cr_expect_eq(certificate.failed, 0);
    cr_expect_eq(certificate.pruned[PRUNED_DEPTH], 5, "the resends");
    cr_expect(certificate.complete, "within its bounds");
    certificate_done(&certificate);
    certificate = sweep_well(usual, "parcels: 5, bug: 2");
    cr_assert(certificate.failed > 0);
    cr_expect(strstr(certificate.failures[0].trial, "courier/parcel/send node=0"), "%s",
              certificate.failures[0].trial);
    cr_expect(strstr(certificate.failures[0].trial, ", courier/parcel/resend node=0"), "%s",
              certificate.failures[0].trial);
    certificate_done(&certificate);
}

Test(sweep, tries_one_pair_of_each_class)
{
    struct sweep_setup with = usual;
    with.pairs = true;
    struct certificate certificate = sweep_well(with, "parcels: 5");
    cr_expect(certificate.pair_candidates > certificate.pairs);
    cr_expect_eq(certificate.pairs + certificate.pruned[PRUNED_ALIKE], certificate.pair_candidates);
    cr_expect(certificate.complete);
    certificate_done(&certificate);
}

static void stop_soon(void *ctx, const struct sweep *sweep)
{
    if (sweep_progress(sweep).runs == *(const uint64_t *)ctx)
        raise(SIGINT);
}

Test(sweep, goes_on_where_it_was_interrupted)
{
    struct sweep_setup with = usual;
    struct certificate certificate = sweep_well(with, "parcels: 30, bug: 1");
    char why[256], *whole = text_of(&certificate), *again;
    certificate_done(&certificate);
    uint64_t at = 60;
    with.progress = stop_soon;
    with.progress_ctx = &at;
    cr_assert_eq(sweep(with, "parcels: 30, bug: 1", &certificate, why, sizeof why), SWEEP_STOPPED);
    cr_expect(!certificate.complete);
    cr_expect(certificate.pruned[PRUNED_TIME] > 0);
    cr_expect_eq(access("sweep.state", R_OK), 0);
    certificate_done(&certificate);
    certificate = sweep_well(usual, "parcels: 30, bug: 1");
    again = text_of(&certificate);
    cr_expect_str_eq(again, whole);
    cr_expect_neq(access("sweep.state", R_OK), 0, "it is over");
    certificate_done(&certificate);
    free(whole);
    free(again);
}

Test(sweep, a_state_of_another_sweep_or_with_a_cut_off_end_does_no_harm)
{
    uint64_t at = 40;
    char why[256];
    struct certificate certificate = sweep_well(usual, "parcels: 20");
    char *whole = text_of(&certificate), *again;
    certificate_done(&certificate);
    struct sweep_setup with = usual;
    with.progress = stop_soon;
    with.progress_ctx = &at;
    cr_assert_eq(sweep(with, "parcels: 19", &certificate, why, sizeof why), SWEEP_STOPPED);
    certificate_done(&certificate);
    cr_assert_eq(sweep(with, "parcels: 20", &certificate, why, sizeof why), SWEEP_STOPPED);
    certificate_done(&certificate);
    FILE *state = fopen("sweep.state", "r+");
    fseek(state, 0, SEEK_END);
    cr_assert_eq(ftruncate(fileno(state), ftell(state) - 17), 0);
    fclose(state);
    certificate = sweep_well(usual, "parcels: 20");
    again = text_of(&certificate);
    cr_expect_str_eq(again, whole);
    certificate_done(&certificate);
    free(whole);
    free(again);
}

Test(sweep, refuses_what_fails_without_a_fault)
{
    struct certificate certificate;
    char why[256];
    cr_expect_eq(sweep(usual, "parcels: 5, unfit: 1", &certificate, why, sizeof why), SWEEP_UNFIT);
    cr_expect(strstr(why, "no_parcel_lost: parcel 1 is lost"), "%s", why);
    certificate_done(&certificate);
}
