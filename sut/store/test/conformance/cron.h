/* cron.h: cron entries, and that each tick happens once. */

static size_t cron_put(const struct cron_entry *entries, size_t count, const char *origin)
{
    return run_ok((struct store_request){.op = STORE_CRON_PUT,
                                         .entries = entries,
                                         .entry_count = count,
                                         .origin = origin})
        .changed;
}

static size_t cron_put_one(const char *name, const char *expression)
{
    return cron_put(&(struct cron_entry){.name = name, .expression = expression, .worker = "w"}, 1,
                    NULL);
}

static struct store_reply cron_list(void)
{
    return run_ok((struct store_request){.op = STORE_CRON_LIST});
}

static struct cron_entry cron_one(const char *name)
{
    struct store_reply reply = cron_list();
    size_t i = 0;
    while (i < reply.entry_count && strcmp(reply.entries[i].name, name) != 0)
        ++i;
    cr_assert_lt(i, reply.entry_count, "there is no entry %s", name);
    return reply.entries[i];
}

static size_t cron_change(enum cron_change change, const char *name)
{
    return run_ok(
               (struct store_request){
                   .op = STORE_CRON_CHANGE, .names = &name, .name_count = 1, .cron_change = change})
        .changed;
}

/* The minutes of the entry that have come due, as whoever leads sees it at done_ms. */
static struct store_reply cron_tick(const char *name, int64_t from_ms, int64_t to_ms,
                                    const int64_t *minutes, size_t count)
{
    struct store_ticks ticks = {.entry = name,
                                .from_ms = from_ms,
                                .to_ms = to_ms,
                                .minutes_ms = minutes,
                                .minute_count = count};
    return run_ok((struct store_request){.op = STORE_CRON_TICK, .ticks = &ticks, .tick_count = 1});
}

CONFORMS(cron_entries_are_kept_as_they_were_put)
{
    struct cron_entry entries[] = {
        {.name = "night", .expression = "0 3 * * *", .worker = "clean"},
        {.name = "day's end",
         .expression = "@daily",
         .zone = "Europe/Berlin",
         .worker = "report",
         .queue = "slow",
         .args = "{\"a\": 1}",
         .priority = 3,
         .max_attempts = 5,
         .catch_up = 7},
    };
    cr_assert_eq(cron_put(entries, 2, NULL), 2);
    struct store_reply reply = cron_list();
    cr_assert_eq(reply.entry_count, 2);
    const struct cron_entry *day = &reply.entries[0], *night = &reply.entries[1];
    cr_assert_str_eq(day->name, "day's end");
    cr_assert_str_eq(day->expression, "@daily");
    cr_assert_str_eq(day->zone, "Europe/Berlin");
    cr_assert_str_eq(day->worker, "report");
    cr_assert_str_eq(day->queue, "slow");
    cr_assert_str_eq(day->args, "{\"a\": 1}");
    cr_assert(day->priority == 3 && day->max_attempts == 5 && day->catch_up == 7);
    cr_assert_str_eq(night->name, "night");
    cr_assert_str_eq(night->zone, "UTC");
    cr_assert_str_eq(night->queue, "default");
    cr_assert_str_eq(night->args, "{}");
    cr_assert_str_eq(night->origin, "");
    cr_assert(night->priority == 0 && night->max_attempts == 20 && night->catch_up == 1);
    cr_assert(night->done_ms == clock_ms - 1 && night->last_ms == 0 && !night->paused);
}

CONFORMS(what_is_put_again_is_left_alone_and_what_differs_begins_anew)
{
    cron_put_one("a", "0 3 * * *");
    clock_ms += 5000;
    cr_assert_eq(cron_put_one("a", "0 3 * * *"), 0);
    cr_assert_eq(cron_one("a").done_ms, NOW_MS - 1);
    struct cron_entry other = {.name = "a", .expression = "0 3 * * *", .worker = "other"};
    cr_assert_eq(cron_put(&other, 1, NULL), 1);
    cr_assert_eq(cron_one("a").done_ms, NOW_MS - 1, "its ticks are the same");
    cr_assert_str_eq(cron_one("a").worker, "other");
    cr_assert_eq(cron_put_one("a", "0 4 * * *"), 1);
    cr_assert_eq(cron_one("a").done_ms, NOW_MS + 4999);
}

CONFORMS(a_configuration_takes_back_what_it_does_not_have_any_more)
{
    struct cron_entry entries[] = {{.expression = "@hourly", .worker = "a"},
                                   {.expression = "@hourly", .worker = "b"}};
    cron_put_one("hand", "@daily");
    cron_put(entries, 2, "one");
    cron_put(entries + 1, 1, "two");
    cr_assert_eq(cron_list().entry_count, 3, "an entry without a name is known by what it does");
    cr_assert_eq(cron_put(entries, 1, "one"), 0);
    cr_assert_eq(cron_list().entry_count, 3, "the other one belongs to two now");
    cr_assert_eq(cron_put(NULL, 0, "two"), 1);
    cr_assert_eq(cron_put(NULL, 0, NULL), 0);
    cr_assert_eq(cron_list().entry_count, 2);
    cr_assert_eq(cron_put(NULL, 0, "one"), 1);
    cr_assert_str_eq(cron_list().entries[0].name, "hand");
}

CONFORMS(c90_bad_cron_entries_are_refused_all_or_none)
{
    struct cron_entry bad[] = {
        {.name = "x", .expression = "*/0 * * * *", .worker = "w"},
        {.name = "x", .expression = "0 0 30 2 *", .worker = "w"},
        {.name = "x", .worker = "w"},
        {.name = "x", .expression = "@daily"},
        {.name = "", .expression = "@daily", .worker = "w"},
        {.name = "a\"b", .expression = "@daily", .worker = "w"},
        {.name = "x", .expression = "@daily", .worker = "w", .zone = "../etc/passwd"},
        {.name = "x", .expression = "@daily", .worker = "w", .priority = 10},
        {.name = "x", .expression = "@daily", .worker = "w", .catch_up = 1001},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        struct cron_entry entries[] = {{.name = "good", .expression = "@daily", .worker = "w"},
                                       bad[i]};
        struct store_reply reply =
            run((struct store_request){.op = STORE_CRON_PUT, .entries = entries, .entry_count = 2});
        cr_assert_eq(reply.err, -EINVAL);
        cr_assert(strstr(reply.why, "cron entry 2 of 2: "), "%s", reply.why);
    }
    cr_assert_eq(cron_list().entry_count, 0);
}

CONFORMS(c86_c88_a_tick_is_a_job)
{
    cron_put_one("a", "* * * * *");
    int64_t from = cron_one("a").done_ms, minute = NOW_MS / 60000 * 60000 + 60000;
    clock_ms = minute + 5;
    events_clear();
    struct store_reply reply = cron_tick("a", from, minute, &minute, 1);
    cr_assert_eq(reply.changed, 1);
    cr_assert_eq(reply.id_count, 1);
    cr_assert_events("store/job/insert job=1 state=available delay_ms=0\n"
                     "store/cron/tick entry=a job=1 at_ms=1700000040000 now_ms=1700000040005\n"
                     "store/cron/done entry=a from_ms=1699999999999 to_ms=1700000040000 left_out=0 "
                     "now_ms=1700000040005\n");
    struct job job = get(reply.ids[0]);
    cr_assert_str_eq(job.worker, "w");
    cr_assert_eq(job.state, JOB_AVAILABLE);
    cr_assert_str_eq(job.meta, "{\"cron\":true,\"cron_expr\":\"* * * * *\",\"cron_tz\":\"UTC\","
                               "\"cron_name\":\"a\",\"cron_at\":\"2023-11-14T22:14:00Z\"}");
    cr_assert_eq(cron_one("a").done_ms, minute);
    cr_assert_eq(cron_one("a").last_ms, minute);
}

CONFORMS(each_tick_happens_once_whoever_leads)
{
    cron_put_one("a", "* * * * *");
    int64_t from = cron_one("a").done_ms, minute = NOW_MS / 60000 * 60000 + 60000;
    clock_ms = minute;
    cr_assert_eq(cron_tick("a", from, minute, &minute, 1).changed, 1);
    cr_assert_eq(cron_tick("a", from, minute, &minute, 1).changed, 0, "another leader, late");
    cr_assert_eq(cron_tick("a", minute, minute, &minute, 1).changed, 0, "the clock was set back");
    cr_assert_eq(cron_change(CRON_DELETE, "a"), 1);
    cron_put_one("a", "* * * * *");
    cr_assert_eq(cron_tick("a", minute - 1, minute, &minute, 1).changed, 0, "put again");
    cr_assert_eq(count_all(), 1);
    int64_t both[] = {minute, minute + 60000};
    clock_ms = minute + 60000;
    cr_assert_eq(cron_tick("a", minute, minute + 60000, both, 2).changed, 1, "only the new one");
    cr_assert_eq(count_all(), 2);
}

CONFORMS(no_tick_is_early)
{
    cron_put_one("a", "* * * * *");
    int64_t from = cron_one("a").done_ms, minute = NOW_MS / 60000 * 60000 + 60000;
    clock_ms = minute - 1;
    cr_assert_eq(cron_tick("a", from, minute, &minute, 1).changed, 0);
    cr_assert_eq(cron_tick("a", from, minute - 1, &minute, 1).changed, 0);
    cr_assert_eq(cron_one("a").done_ms, from);
    cr_assert_eq(count_all(), 0);
}

CONFORMS(a_paused_entry_does_not_tick_and_resumes_with_what_comes_next)
{
    cron_put_one("a", "* * * * *");
    int64_t from = cron_one("a").done_ms, minute = NOW_MS / 60000 * 60000 + 60000;
    cr_assert_eq(cron_change(CRON_PAUSE, "a"), 1);
    cr_assert_eq(cron_change(CRON_PAUSE, "a"), 0);
    cr_assert_eq(cron_change(CRON_PAUSE, "none"), 0);
    cr_assert(cron_one("a").paused);
    clock_ms = minute + 90000;
    cr_assert_eq(cron_tick("a", from, minute, &minute, 1).changed, 0);
    cr_assert_eq(cron_put_one("a", "* * * * *"), 0);
    cr_assert(cron_one("a").paused, "a configuration that is read again does not resume it");
    events_clear();
    cr_assert_eq(cron_change(CRON_RESUME, "a"), 1);
    cr_assert_eq(cron_change(CRON_RESUME, "a"), 0);
    cr_assert_events("store/cron/change entry=a to=resume now_ms=1700000130000\n");
    cr_assert_eq(cron_one("a").done_ms, clock_ms - 1);
    cr_assert_eq(cron_tick("a", from, minute, &minute, 1).changed, 0);
}

CONFORMS(ticks_of_several_entries_at_once_and_those_left_out)
{
    cron_put_one("a", "* * * * *");
    cron_put_one("b", "* * * * *");
    int64_t from = NOW_MS - 1, first = NOW_MS / 60000 * 60000 + 60000;
    int64_t minutes[] = {first, first + 60000, first + 120000};
    clock_ms = first + 120000;
    struct store_ticks ticks[] = {
        {.entry = "a",
         .from_ms = from,
         .to_ms = clock_ms,
         .minutes_ms = minutes,
         .minute_count = 3},
        {.entry = "gone",
         .from_ms = from,
         .to_ms = clock_ms,
         .minutes_ms = minutes,
         .minute_count = 3},
        {.entry = "b", .from_ms = from, .to_ms = clock_ms, .left_out = 3},
    };
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_CRON_TICK, .ticks = ticks, .tick_count = 3});
    cr_assert_eq(reply.changed, 3);
    for (size_t i = 0; i < 3; ++i)
        cr_assert_eq(reply.ids[i], i + 1);
    cr_assert_eq(cron_one("b").done_ms, clock_ms);
    cr_assert_eq(cron_one("b").last_ms, 0);
    cr_assert_eq(count_of(JOB_AVAILABLE), 3);
}
