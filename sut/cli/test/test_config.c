/* Settings and opening the database: every mistake has a place and a cure. */
#include "sut/cli/config.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/test_config.XXXXXX";
static char path[64], why[640];
static struct heap heap;
static struct config config;

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
    heap_init(&heap);
    config_init(&config, &heap);
}

static void tear_down(void)
{
    heap_done(&heap);
    unlink(path);
    rmdir(directory);
}

static bool read_text(const char *text)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    return config_read(&config, path, why, sizeof why);
}

TestSuite(config, .init = set_up, .fini = tear_down);

Test(config, defaults)
{
    cr_assert(read_text(""));
    cr_assert_not(config_complete(&config, why, sizeof why));
    cr_assert(read_text("database=/a\nworkers=/b"));
    cr_assert(config_complete(&config, why, sizeof why));
    cr_assert_eq(config.queue_count, 1);
    cr_assert_str_eq(config.queues[0].name, "default");
    cr_assert_eq(config.queues[0].limit, 10);
    cr_assert_eq(config.lease_ns, 12 * NS_PER_S);
    cr_assert_eq(config.poll_ns, 200 * NS_PER_MS);
    cr_assert_eq(config.grace_ns, 15 * NS_PER_S);
    cr_assert_eq(config.keep_completed_ns, 7 * 86400 * NS_PER_S);
    cr_assert_eq(config.keep_discarded_ns, 30 * 86400 * NS_PER_S);
    cr_assert_eq(config.timeout_ns, 0);
    cr_assert_eq(config.durability, DURABILITY_FULL);
}

Test(config, everything)
{
    cr_assert(read_text("# jobs\n\n  database =  /a b#c  # a comment\n\tworkers\t=\t/w\r\nqueue  "
                        "mail = 2\nqueue x y=3\n"
                        "lease=5s\npoll=1s\ngrace=0s\ntimeout=1h\ndurability=normal"),
              "%s", why);
    cr_assert_str_eq(config.database, "/a b#c");
    cr_assert_str_eq(config.workers, "/w");
    cr_assert_eq(config.queue_count, 2);
    cr_assert_str_eq(config.queues[0].name, "mail");
    cr_assert_str_eq(config.queues[1].name, "x y");
    cr_assert_eq(config.queues[1].limit, 3);
    cr_assert_eq(config.lease_ns, 5 * NS_PER_S);
    cr_assert_eq(config.poll_ns, NS_PER_S);
    cr_assert_eq(config.grace_ns, 0);
    cr_assert_eq(config.timeout_ns, 3600 * NS_PER_S);
    cr_assert_eq(config.durability, DURABILITY_NORMAL);
}

Test(config, relative_paths_begin_at_the_file)
{
    char want[64];
    snprintf(want, sizeof want, "%s/jobs.db", directory);
    cr_assert(read_text("database = jobs.db\n"));
    cr_assert_str_eq(config.database, want);
}

Test(config, mistakes_have_a_line)
{
    static const char *const mistakes[][2] = {
        {"lease = 1s\nlaese = 2s\n", ":2: unknown key 'laese'; did you mean 'lease'?"},
        {"\n\nlease\n", ":3: 'lease' is not `key = value`"},
        {"\nlea\x1b[31mse\n", ":2: this is no text"},
        {"\xa6\xff = 3\n", ":1: this is no text"},
        {"lease = 1s\nlease = 1s\n", ":2: 'lease' was set before, in line 1"},
        {"lease = 1\n", ":1: lease: '1' is no time"},
        {"poll = 2d\n", ":1: poll: '2d' is not between 10ms and 1h"},
        {"queue a = 0\n", ":1: queue: 'a=0' is not NAME=LIMIT"},
        {"queue = 1\n", ":1: a queue is written `queue NAME = LIMIT`"},
        {"= 1\n", ":1: unknown key ''"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; ++i) {
        config_init(&config, &heap);
        cr_assert_not(read_text(mistakes[i][0]));
        cr_assert(strncmp(why, path, strlen(path)) == 0 && strstr(why, mistakes[i][1]), "%s", why);
    }
}

Test(config, too_many_queues)
{
    char text[80 * 16] = "";
    for (int i = 0; i <= CONFIG_QUEUES_MAX; ++i)
        sprintf(text + strlen(text), "queue q%d = 1\n", i);
    cr_assert_not(read_text(text));
    cr_assert(strstr(why, ":65: queue: 'q64' is one queue too many"), "%s", why);
}

Test(config, the_environment_stands_above_the_file)
{
    cr_assert(read_text("database=/a\nqueue x=1\npoll=1s\nlease=5s"), "%s", why);
    setenv("JOBD_DATABASE", "/b", 1);
    setenv("JOBD_QUEUE", "y=2, z=3", 1);
    setenv("JOBD_KEEP_COMPLETED", "2h", 1);
    setenv("JOBD_POLL", "", 1); /* says nothing */
    cr_assert(config_environment(&config, why, sizeof why), "%s", why);
    cr_assert_str_eq(config.database, "/b");
    cr_assert_eq(config.queue_count, 2);
    cr_assert_str_eq(config.queues[1].name, "z");
    cr_assert_eq(config.queues[1].limit, 3);
    cr_assert_eq(config.keep_completed_ns, 2 * 3600 * NS_PER_S);
    cr_assert_eq(config.poll_ns, NS_PER_S);
    cr_assert_eq(config.lease_ns, 5 * NS_PER_S);
    setenv("JOBD_QUEUE", "y=2,y=3", 1);
    cr_assert_not(config_environment(&config, why, sizeof why));
    cr_assert(strstr(why, "JOBD_QUEUE: queue: the queue 'y' is there twice"), "%s", why);
}

/* ---- opening the database ---- */

static struct store_db *open_it(unsigned create)
{
    static struct env env;
    env.heap = &heap;
    config.database = path;
    return config_store_open(&config, &env, create, why, sizeof why);
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

Test(config, a_database_that_is_not_there)
{
    cr_assert_null(open_it(0));
    cr_assert(strstr(why, "No such file or directory; insert a job or start jobd"), "%s", why);
}

Test(config, somebody_elses_database)
{
    run_sql("CREATE TABLE mine(a)");
    cr_assert_null(open_it(0));
    cr_assert(strstr(why, "holds no jobs: it has not been set up for them; name another file"),
              "%s", why);
    run_sql("CREATE TABLE duress_meta(a)");
    cr_assert_null(open_it(CONFIG_MAKE));
    cr_assert(strstr(why, "belongs to another program; name another file"), "%s", why);
    run_sql("DROP TABLE duress_meta;CREATE TABLE duress_jobs(a)");
    cr_assert_null(open_it(CONFIG_MAKE));
    cr_assert(strstr(why, "already exists; it belongs to another program; name another file"), "%s",
              why);
}

Test(config, a_database_from_the_future)
{
    store_close(open_it(CONFIG_MAKE));
    run_sql("UPDATE duress_meta SET value=999 WHERE key='schema'");
    cr_assert_null(open_it(CONFIG_MAKE));
    cr_assert(strstr(why, "newer version (schema 999"), "%s", why);
    cr_assert(strstr(why, "; use that version of jobd, or a newer one"), "%s", why);
}

/* ---- cron entries ---- */

Test(config, cron_entries)
{
    cr_assert(
        read_text(
            "cron night = zone=Europe/Berlin catch-up=none 0 3 * * MON-FRI report {\"a\": 1}\n"
            "cron often = queue=mail priority=2 max-attempts=3 catch-up=9 @hourly mail\n"
            "zone = America/New_York\ncrontab = front\n"),
        "%s", why);
    cr_assert_eq(config.cron_count, 2);
    const struct cron_entry *night = &config.cron[0], *often = &config.cron[1];
    cr_assert_str_eq(night->name, "night");
    cr_assert_str_eq(night->expression, "0 3 * * MON-FRI");
    cr_assert_str_eq(night->zone, "Europe/Berlin");
    cr_assert_str_eq(night->worker, "report");
    cr_assert_str_eq(night->args, "{\"a\": 1}");
    cr_assert_eq(night->catch_up, CRON_NO_CATCH_UP);
    cr_assert_str_eq(often->expression, "@hourly");
    cr_assert_str_eq(often->queue, "mail");
    cr_assert(often->priority == 2 && often->max_attempts == 3 && often->catch_up == 9);
    cr_assert_null(often->args);
    cr_assert_str_eq(config.zone, "America/New_York");
    cr_assert_str_eq(config.crontab, "front");
}

Test(config, c90_bad_cron_entries_are_refused_with_their_line)
{
    static const struct {
        const char *text, *advice;
    } bad[] = {
        {"cron = @daily w", "a cron entry is written"},
        {"cron x = @daily", "a cron entry is written"},
        {"cron x = 60 * * * * w", "60 is not in 0-59"},
        {"cron x = 0 0 30 2 * w", "it would never be due"},
        {"cron x = zone=Mars/Base @daily w", "there is no time zone 'Mars/Base'"},
        {"cron x = zome=UTC @daily w", "not known"},
        {"cron x = catch-up=1001 @daily w", "none, or 1 to 1000"},
        {"cron x = priority=10 @daily w", "a priority is 0 (first) to 9"},
        {"cron x = @daily w {", "JSON"},
        {"cron x = @daily w\ncron x = @daily w", "was set before"},
        {"zone = ../passwd", "they look like Europe/Berlin"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        config_init(&config, &heap);
        cr_assert_not(read_text(bad[i].text), "%s", bad[i].text);
        cr_assert(strstr(why, bad[i].advice), "%s: %s", bad[i].text, why);
    }
}
