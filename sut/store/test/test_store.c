/* test_store.c: how a request and its reply travel: deep copies, the local transport, calls of
 * processes, and what is left when a process dies, gives up, or never hears the reply. */
#include "sut/store/test/fixture.h"

static struct store_db *db;
static struct store store;
static struct runtime *runtime;

static void setup(void)
{
    dir_make();
    db = open_at(path, true);
    cr_assert_not_null(db, "%s", why);
    store_local_init(&store, db, 5 * NS_PER_S);
    runtime = runtime_new(&env, &(struct runtime_options){0});
}

/* Nothing may be left of any call, whatever became of it. */
static void teardown(void)
{
    runtime_free(runtime);
    store_close(db);
    cr_assert_eq(heap_blocks(&node_heap), 0);
    heap_done(&heap);
    dir_remove();
}

TestSuite(store_call, .init = setup, .fini = teardown);

/* ---- deep copies ---- */

static void fill(char *text, size_t size)
{
    memset(text, 'x', size - 1);
    text[size - 1] = '\0';
}

/* The original is freed before the copy is read: a shared pointer shows under ASan, and as wrong
 * text without. */
Test(store_copy, request)
{
    struct heap *from_heap = heap_new(), *to_heap = heap_new();
    char *text = heap_alloc(from_heap, 300);
    fill(text, 300);
    struct job_spec *specs = heap_alloc(from_heap, 2 * sizeof *specs);
    specs[0] = (struct job_spec){
        .queue = text, .worker = text, .args = text, .meta = text, .tags = text, .delay_ms = 3};
    struct store_ack *acks = heap_alloc(from_heap, 2 * sizeof *acks);
    acks[0] = (struct store_ack){.id = 1, .error = text};
    acks[1] = (struct store_ack){.id = 2};
    struct store_lease *leases = heap_alloc(from_heap, sizeof *leases);
    leases[0] = (struct store_lease){7, 8};
    uint64_t *ids = heap_alloc(from_heap, sizeof *ids);
    ids[0] = 9;
    struct store_request from = {
        .op = STORE_UPDATE,
        .specs = specs,
        .spec_count = 2,
        .tx_sql = text,
        .queue = text,
        .limit = 4,
        .owner = text,
        .lease_ms = 5,
        .acks = acks,
        .ack_count = 2,
        .leases = leases,
        .lease_count = 1,
        .ids = ids,
        .id_count = 1,
        .queues = (const char *const[]){text, NULL},
        .queue_count = 2,
        .filter = &(struct job_filter){.queue = text, .worker = text, .tag = text},
        .update =
            &(struct job_update){
                .args = text, .meta = text, .tags = text, .queue = text, .worker = text},
    };
    struct store_request to;
    store_request_copy(to_heap, &from, &to);
    memset(text, 'y', 299);
    heap_free(from_heap);

    char expected[300];
    fill(expected, sizeof expected);
    const char *texts[] = {to.specs[0].queue, to.specs[0].worker, to.specs[0].args,
                           to.tx_sql,         to.queue,           to.owner,
                           to.acks[0].error,  to.filter->queue,   to.filter->worker,
                           to.filter->tag,    to.update->args,    to.update->meta,
                           to.update->tags,   to.update->queue,   to.update->worker,
                           to.specs[0].meta,  to.specs[0].tags,   to.queues[0]};
    for (size_t i = 0; i < ARRAY_SIZE(texts); ++i)
        cr_assert_str_eq(texts[i], expected);
    cr_assert_null(to.specs[1].queue);
    cr_assert_null(to.queues[1]);
    cr_assert_null(to.acks[1].error);
    cr_assert_eq(to.specs[0].delay_ms, 3);
    cr_assert_eq(to.acks[1].id, 2);
    cr_assert_eq(to.leases[0].lease, 8);
    cr_assert_eq(to.ids[0], 9);
    cr_assert(to.op == STORE_UPDATE && to.limit == 4 && to.lease_ms == 5);
    heap_free(to_heap);
}

/* Whatever the operation: those that have no more than this are copied in a shorter way. */
Test(store_copy, request_of_a_queue)
{
    for (enum store_op op = 0; op < STORE_OP_COUNT; ++op) {
        struct heap *from_heap = heap_new(), *to_heap = heap_new();
        char *text = heap_alloc(from_heap, 300);
        fill(text, 300);
        const struct store_request from = {.op = op,
                                           .queue = text,
                                           .owner = text,
                                           .node = text,
                                           .acks = &(struct store_ack){.id = 1, .error = text},
                                           .ack_count = 1,
                                           .leases = &(struct store_lease){7, 8},
                                           .lease_count = 1,
                                           .queues = (const char *const[]){text},
                                           .queue_count = 1};
        struct store_request to;
        store_request_copy(to_heap, &from, &to);
        memset(text, 'y', 299);
        heap_free(from_heap);
        char expected[300];
        fill(expected, sizeof expected);
        const char *texts[] = {to.queue, to.owner, to.node, to.acks[0].error, to.queues[0]};
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i)
            cr_assert_str_eq(texts[i], expected, "%s", store_op_word(op));
        cr_assert(to.leases != from.leases && to.leases[0].lease == 8);
        heap_free(to_heap);
    }
}

Test(store_copy, reply)
{
    struct heap *from_heap = heap_new(), *to_heap = heap_new();
    char *text = heap_alloc(from_heap, 300);
    fill(text, 300);
    struct store_request request = {.ack_count = 2, .lease_count = 1, .queue_count = 2};
    struct store_reply from = {.job_count = 2, .id_count = 2, .now_ms = 6, .why = "because"};
    from.jobs = heap_alloc(from_heap, 2 * sizeof *from.jobs);
    from.jobs[0] = (struct job){
        .id = 3, .queue = text, .worker = text, .args = text, .owner = text, .errors = text};
    from.ids = heap_alloc(from_heap, 2 * sizeof *from.ids);
    from.ids[1] = 5;
    from.acks = heap_alloc(from_heap, 2 * sizeof *from.acks);
    from.acks[1] = ACK_STALE;
    from.renewed = heap_alloc(from_heap, sizeof *from.renewed);
    from.renewed[0] = true;
    from.ready = heap_alloc(from_heap, 2 * sizeof *from.ready);
    from.ready[1] = true;
    struct store_reply to;
    store_reply_copy(to_heap, &request, &from, &to);
    memset(text, 'y', 299);
    heap_free(from_heap);

    char expected[300];
    fill(expected, sizeof expected);
    const struct job *job = &to.jobs[0];
    const char *texts[] = {job->queue, job->worker, job->args, job->owner, job->errors};
    for (size_t i = 0; i < ARRAY_SIZE(texts); ++i)
        cr_assert_str_eq(texts[i], expected);
    cr_assert_null(to.jobs[1].queue);
    cr_assert(job->id == 3 && to.ids[1] == 5 && to.acks[1] == ACK_STALE && to.renewed[0]);
    cr_assert(!to.ready[0] && to.ready[1]);
    cr_assert_eq(to.now_ms, 6);
    cr_assert_str_eq(to.why, "because");
    heap_free(to_heap);
}

Test(store_copy, nothing)
{
    struct heap *to_heap = heap_new();
    struct store_request request = {.op = STORE_STATS}, request_copy;
    struct store_reply reply = {.next_ms = -1}, reply_copy;
    store_request_copy(to_heap, &request, &request_copy);
    store_reply_copy(to_heap, &request, &reply, &reply_copy);
    cr_assert_eq(heap_blocks(to_heap), 0);
    cr_assert_eq(reply_copy.next_ms, -1);
    heap_free(to_heap);
}

/* ---- words ---- */

Test(store_words, operations)
{
    cr_assert_str_eq(store_op_word(STORE_INSERT), "insert");
    cr_assert_str_eq(store_op_word(STORE_STATS), "stats");
    cr_assert_str_eq(store_op_word(STORE_OP_COUNT), "?");
}

Test(store_words, unknown_outcomes)
{
    static const int no[] = {0, -EINVAL, -EBUSY, -ENOSPC, -EROFS, -ENOENT, -ECONNREFUSED};
    static const int maybe[] = {-ETIMEDOUT, -ECONNRESET, -EIO, -EPIPE, -ENETDOWN};
    for (size_t i = 0; i < ARRAY_SIZE(no); ++i)
        cr_assert_not(store_outcome_unknown(no[i]), "%s", strerror(-no[i]));
    for (size_t i = 0; i < ARRAY_SIZE(maybe); ++i)
        cr_assert(store_outcome_unknown(maybe[i]), "%s", strerror(-maybe[i]));
}

/* ---- calls ---- */

static const struct job_spec one_spec = {.worker = "w"};
static const struct store_request insert_one = {
    .op = STORE_INSERT, .queue = "mail", .specs = &one_spec, .spec_count = 1};

/* A process that makes one call, and what became of it. */
struct caller {
    const struct store_request *request;
    bool keep; /* the reply is left to the process's heap */
    bool back;
    int err;
    uint64_t id;
};

static void caller_main(struct proc *self, void *arg)
{
    struct caller *caller = arg;
    struct store_call *call = NULL;
    caller->err = store_call(self, &store, caller->request, &call);
    caller->back = true;
    if (caller->err)
        return;
    caller->id = call->reply.id_count ? call->reply.ids[0] : 0;
    if (!caller->keep)
        store_call_free(call);
}

static proc_id call_begin(struct caller *caller, const struct store_request *request)
{
    caller->request = request;
    proc_id id = proc_spawn(
        runtime, &(struct proc_spec){.label = "caller", .main = caller_main, .arg = caller});
    cr_assert_neq(id, 0);
    runtime_run(runtime);
    return id;
}

/* The environment runs what was submitted, if anything. */
static bool work_finish(void)
{
    struct work *work = submitted;
    submitted = NULL;
    if (!work)
        return false;
    work->run(work);
    work->done(work);
    runtime_run(runtime);
    return true;
}

static uint64_t jobs_in_store(void)
{
    struct store_request stats = {.op = STORE_STATS};
    struct store_reply reply;
    store_execute(db, &stats, &heap, &reply);
    cr_assert_eq(reply.err, 0);
    return reply.counts[JOB_AVAILABLE];
}

Test(store_call, goes_there_and_back)
{
    struct caller caller = {0};
    call_begin(&caller, &insert_one);
    cr_assert_not(caller.back);
    cr_assert(work_finish());
    cr_assert(caller.back);
    cr_assert_eq(caller.err, 0);
    cr_assert_eq(caller.id, 1);
    cr_assert_not(work_finish());
#ifdef DURESS_POINTS
    cr_assert_str_eq(events, "store/insert/send queue=mail count=1\n"
                             "store/job/insert job=1 state=available delay_ms=0\n"
                             "store/insert/reply queue=mail count=1\n");
#endif
}

Test(store_call, a_reply_that_is_kept_goes_with_the_process)
{
    struct caller caller = {.keep = true};
    call_begin(&caller, &insert_one);
    work_finish();
    cr_assert_eq(caller.id, 1);
}

Test(store_call, one_at_a_time_in_order)
{
    struct caller callers[3] = {0};
    for (size_t i = 0; i < 3; ++i)
        call_begin(&callers[i], &insert_one);
    for (size_t i = 0; i < 3; ++i) {
        cr_assert_not(callers[i].back);
        cr_assert(work_finish());
        cr_assert(callers[i].back);
        cr_assert_eq(callers[i].id, i + 1);
    }
    cr_assert_not(work_finish());
    struct caller again = {0};
    call_begin(&again, &insert_one);
    work_finish();
    cr_assert_eq(again.id, 4);
}

Test(store_call, a_refusal_is_told_and_logged)
{
    static const struct job_spec bad = {.worker = ""};
    struct store_request request = {.op = STORE_INSERT, .specs = &bad, .spec_count = 1};
    struct caller caller = {0};
    call_begin(&caller, &request);
    work_finish();
    cr_assert_eq(caller.err, -EINVAL);
    cr_assert_str_eq(logged, "store: insert: job 1 of 1: a job needs a worker");
}

Test(store_call, the_deadline_ends_the_wait_but_not_the_effect)
{
    struct caller first = {0}, second = {0};
    call_begin(&first, &insert_one);
    call_begin(&second, &insert_one);
    clock_ms += 5000;
    runtime_run(runtime);
    cr_assert(first.back && second.back);
    cr_assert_eq(first.err, -ETIMEDOUT);
    cr_assert_eq(jobs_in_store(), 0);
    cr_assert(work_finish());
    cr_assert(work_finish());
    cr_assert_eq(jobs_in_store(), 2);
}

Test(store_call, a_process_that_dies_meanwhile_leaves_nothing_but_the_effect)
{
    struct caller caller = {0};
    proc_id id = call_begin(&caller, &insert_one);
    proc_signal(runtime, 0, id, reason_make(EXIT_KILL, "no reason"));
    runtime_run(runtime);
    cr_assert_not(proc_alive(runtime, id));
    cr_assert(work_finish());
    cr_assert_not(caller.back);
    cr_assert_eq(jobs_in_store(), 1);
}

/* ---- a transport that fails ---- */

static struct store_call *travelling;

static void bad_submit(struct store *self, struct env *from, struct store_call *call)
{
    (void)self, (void)from;
    travelling = call;
}

Test(store_call, a_transport_that_fails_is_believed)
{
    struct caller caller = {0};
    store.submit = bad_submit;
    call_begin(&caller, &insert_one);
    cr_assert_str_eq(travelling->request.specs[0].worker, "w");
    travelling->transport_err = -ECONNREFUSED;
    travelling->work.done(&travelling->work);
    runtime_run(runtime);
    cr_assert_eq(caller.err, -ECONNREFUSED);
}

/* ---- faults ---- */

#ifdef DURESS_POINTS

Test(store_call, an_error_at_send_means_that_nothing_happened)
{
    struct caller caller = {0};
    fault_at = "store/insert/send", fault_err = -ECONNRESET;
    call_begin(&caller, &insert_one);
    cr_assert_eq(caller.err, -ECONNRESET);
    cr_assert_not(work_finish());
    cr_assert_eq(jobs_in_store(), 0);
}

Test(store_call, an_error_at_reply_comes_after_the_effect)
{
    struct caller caller = {0};
    fault_at = "store/insert/reply", fault_err = -ECONNRESET;
    call_begin(&caller, &insert_one);
    work_finish();
    cr_assert_eq(caller.err, -ECONNRESET);
    cr_assert_eq(jobs_in_store(), 1);
}

static int crash_at_reply(struct point_sink *sink, struct point_site *at, struct point *point,
                          const struct point_field *fields, unsigned count)
{
    (void)sink, (void)at, (void)fields, (void)count;
    if (strcmp(point->name, "store/insert/reply") == 0)
        proc_exit(runtime_current(runtime), reason_make(EXIT_ERROR, "crash"));
    return 0;
}

Test(store_call, a_crash_at_reply_leaks_nothing)
{
    struct caller caller = {0};
    test_sink.fault = crash_at_reply;
    proc_id id = call_begin(&caller, &insert_one);
    work_finish();
    cr_assert_not(caller.back);
    cr_assert_not(proc_alive(runtime, id));
    cr_assert_eq(jobs_in_store(), 1);
}

extern struct point *const __start_duress_points[], *const __stop_duress_points[];
extern const struct point_about *const __start_duress_abouts[], *const __stop_duress_abouts[];

static size_t abouts_of(const char *name)
{
    size_t count = 0;
    for (const struct point_about *const *at = __start_duress_abouts; at < __stop_duress_abouts;
         ++at)
        count += strcmp((*at)->name, name) == 0;
    return count;
}

Test(store_words, every_operation_has_two_points_and_every_point_one_description)
{
    size_t faults = 0;
    for (struct point *const *at = __start_duress_points; at < __stop_duress_points; ++at) {
        if (strncmp((*at)->name, "store/", 6) != 0)
            continue;
        faults += (*at)->kinds == (CAN_NET | CAN_ERROR);
        cr_assert_eq(abouts_of((*at)->name), 1, "%s", (*at)->name);
    }
    cr_assert_eq(faults, 2 * STORE_OP_COUNT);
}

#endif
