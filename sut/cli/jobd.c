/* jobd.c: the daemon. It runs jobs from a database as executables from a directory.
 *
 *     start --> runs --SIGTERM, SIGINT--> drains --nothing runs, or the grace is over--> exit 0
 *       |          \--its supervisor gave up--> exit 1   \--another signal--> exit 1
 *       \--a mistake in what it was told--> exit 2
 *
 * Killed in any of these states it loses nothing but time: what it ran is killed with it, and
 * comes back when the lease runs out.
 */
#include "sut/cli/config.h"
#include "sut/cli/exec_worker.h"
#include "sut/cli/words.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_GAVE_UP = 1, EXIT_MISTAKE = 2 };

#define CALL_DEADLINE_NS (5 * NS_PER_S)

struct daemon {
    struct env_live live;
    struct config config;
    struct exec_workers workers;
    struct store_db *db;
    struct store store;
    struct jobs *jobs;
    uv_signal_t on_term, on_int, on_hup;
    bool stopping;
    int status;
};

#ifdef DURESS_POINTS
/* Linked in where a harness wants to drive this process: lets the points of this site do what
 * the environment says. */
void live_points_install(struct point_site *site) __attribute__((weak));

static void points_install(struct point_site *site)
{
    if (live_points_install)
        live_points_install(site);
}
#else
static void points_install(struct point_site *site)
{
    (void)site;
}
#endif

static _Noreturn void mistake(const char *why)
{
    fprintf(stderr, "jobd: %s\n", why);
    exit(EXIT_MISTAKE);
}

/* ---- what it was told ---- */

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"database", required_argument, NULL, 'k'},
    {"workers", required_argument, NULL, 'k'},
    {"queue", required_argument, NULL, 'k'},
    {"lease", required_argument, NULL, 'k'},
    {"poll", required_argument, NULL, 'k'},
    {"grace", required_argument, NULL, 'k'},
    {"timeout", required_argument, NULL, 'k'},
    {"durability", required_argument, NULL, 'k'},
    {"check", no_argument, NULL, 'C'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

static _Noreturn void help(void)
{
    puts("usage: jobd [-c FILE] [OPTION]...\n"
         "\n"
         "Runs the jobs of a database, each as an executable from one directory.\n"
         "\n"
         "  -c, --config FILE        settings; without it JOBD_CONFIG, or /etc/jobd.conf");
    config_help(stdout);
    puts("  --check                  says what would run, and ends\n"
         "  --help, --version\n"
         "\n"
         "The file has the same settings, as `key = value` lines; options win, and its queues give "
         "way to those of options.\n"
         "An executable gets the job's arguments (JSON) on standard input, and JOB_ID, "
         "JOB_ATTEMPT, JOB_MAX_ATTEMPTS,\n"
         "JOB_QUEUE, JOB_WORKER, JOB_LEASE and JOB_IDEMPOTENCY_KEY in its environment. Its exit "
         "status is the outcome:\n"
         "0 ok, 10 cancel, 11 discard, 12 snooze (the last line says how many seconds), else an "
         "error (the last line says why).\n"
         "SIGTERM or SIGINT: running jobs may end within the grace; the second one ends at once.\n"
         "Exit status: 0 stopped, 1 gave up or was stopped at once, 2 a mistake in what it was "
         "told.");
    exit(0);
}

static _Noreturn void unknown_option(const char *word)
{
    char why[200];
    const char *names[sizeof long_options / sizeof *long_options];
    size_t count = 0;
    for (const struct option *option = long_options; option->name; ++option)
        names[count++] = option->name;
    const char *near = words_nearest(word + strspn(word, "-"), names, count);
    snprintf(why, sizeof why,
             near ? "unknown option '%.60s'; did you mean --%s?"
                  : "unknown option '%.60s'; see jobd --help",
             word, near);
    mistake(why);
}

/* Options are kept until the file has been read, because they win. */
struct told {
    const char *path;
    const char *keys[64], *values[64];
    size_t count;
    bool check, queues;
};

static struct told read_options(int argc, char **argv)
{
    struct told told = {.path = config_path()};
    char why[200];
    int index, letter;
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":c:h", long_options, &index)) != -1) {
        switch (letter) {
        case 'c': told.path = optarg; break;
        case 'C': told.check = true; break;
        case 'h': help();
        case 'V': puts("jobd " JOBS_VERSION); exit(0);
        case 'k':
            if (told.count == sizeof told.keys / sizeof *told.keys)
                mistake("too many options");
            told.queues |= strcmp(long_options[index].name, "queue") == 0;
            told.keys[told.count] = long_options[index].name;
            told.values[told.count++] = optarg;
            break;
        case ':': snprintf(why, sizeof why, "%.60s needs a value", argv[optind - 1]); mistake(why);
        default: unknown_option(argv[optind - 1]);
        }
    }
    if (optind < argc) {
        snprintf(why, sizeof why, "'%.60s' is no option; see jobd --help", argv[optind]);
        mistake(why);
    }
    return told;
}

static void read_config(struct config *config, const struct told *told)
{
    char why[640];
    if (told->path && !config_read(config, told->path, why, sizeof why))
        mistake(why);
    if (told->queues)
        config->queue_count = 0;
    for (size_t i = 0; i < told->count; ++i)
        if (!config_set(config, told->keys[i], told->values[i], why, sizeof why)) {
            fprintf(stderr, "jobd: --%s\n", why);
            exit(EXIT_MISTAKE);
        }
    if (!config_complete(config, why, sizeof why))
        mistake(why);
}

/* ---- parts ---- */

static void open_workers(struct daemon *daemon)
{
    char why[640];
    const struct config *config = &daemon->config;
    int err =
        exec_workers_init(&daemon->workers, &daemon->live, config->workers, config->timeout_ns);
    if (!err)
        return;
    snprintf(
        why, sizeof why,
        "%s: the workers' directory cannot be read: %s; make it, or name another with --workers",
        config->workers, strerror(-err));
    mistake(why);
}

static void open_store(struct daemon *daemon, bool create)
{
    char why[640];
    daemon->db = config_store_open(&daemon->config, &daemon->live.env, create, why, sizeof why);
    if (!daemon->db)
        mistake(why);
    store_local_init(&daemon->store, daemon->db, CALL_DEADLINE_NS);
}

static void gave_up(void *ctx)
{
    struct daemon *daemon = ctx;
    daemon->status = EXIT_GAVE_UP;
    env_live_halt(&daemon->live);
}

static void start_jobs(struct daemon *daemon)
{
    char why[160];
    const struct config *config = &daemon->config;
    struct jobs_config jobs = {.store = &daemon->store,
                               .queues = config->queues,
                               .queue_count = config->queue_count,
                               .fallback = exec_perform,
                               .fallback_ctx = &daemon->workers,
                               .lease_ms = config->lease_ns / NS_PER_MS,
                               .poll_ns = config->poll_ns,
                               .grace_ns = config->grace_ns ? config->grace_ns : 1,
                               .on_giveup = gave_up,
                               .giveup_ctx = daemon};
    struct runtime *runtime = runtime_new(&daemon->live.env, NULL);
    if (!runtime)
        mistake("not enough memory");
    daemon->jobs = jobs_start(runtime, &jobs, why, sizeof why);
    if (!daemon->jobs)
        mistake(why);
    env_live_drive(&daemon->live, runtime);
}

/* ---- signals ---- */

static void drained(void *ctx, size_t left)
{
    struct daemon *daemon = ctx;
    if (left)
        env_log(&daemon->live.env, LOG_WARN,
                "stopped; did not end in time and will be run again: %zu", left);
    else
        env_log(&daemon->live.env, LOG_INFO, "stopped; nothing was left running");
    env_live_halt(&daemon->live);
}

static void on_stop(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    char grace[32];
    const char *name = number == SIGINT ? "SIGINT" : "SIGTERM";
    if (daemon->stopping) {
        env_log(&daemon->live.env, LOG_WARN, "%s again: ends at once; what ran will be run again",
                name);
        daemon->status = EXIT_GAVE_UP;
        env_live_halt(&daemon->live);
        return;
    }
    daemon->stopping = true;
    env_log(&daemon->live.env, LOG_INFO, "%s: takes no more jobs; those that run may end within %s",
            name, words_of_duration(daemon->config.grace_ns, grace));
    jobs_drain(daemon->jobs, drained, daemon);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    (void)number;
    env_log(&daemon->live.env, LOG_INFO,
            "SIGHUP: ignored; restart to read the configuration again");
}

static void listen_for(struct daemon *daemon, uv_signal_t *handle, uv_signal_cb callback,
                       int number)
{
    uv_signal_init(&daemon->live.loop, handle);
    uv_signal_start(handle, callback, number);
    handle->data = daemon;
}

static void listen_for_signals(struct daemon *daemon)
{
    listen_for(daemon, &daemon->on_term, on_stop, SIGTERM);
    listen_for(daemon, &daemon->on_int, on_stop, SIGINT);
    listen_for(daemon, &daemon->on_hup, on_hangup, SIGHUP);
}

/* ---- what it says about itself ---- */

static void about(const struct config *config, const char *directory, char *text, size_t size)
{
    char lease[32], poll[32], grace[32], timeout[32];
    size_t length =
        (size_t)snprintf(text, size, "jobd " JOBS_VERSION ": database %s (%s), workers %s, queues",
                         config->database, durability_word(config->durability), directory);
    for (size_t i = 0; i < config->queue_count && length < size; ++i)
        length += (size_t)snprintf(text + length, size - length, " %s=%u", config->queues[i].name,
                                   config->queues[i].limit);
    if (length < size)
        snprintf(text + length, size - length, ", lease %s, poll %s, grace %s, timeout %s",
                 words_of_duration(config->lease_ns, lease),
                 words_of_duration(config->poll_ns, poll),
                 words_of_duration(config->grace_ns, grace),
                 config->timeout_ns ? words_of_duration(config->timeout_ns, timeout) : "none");
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int check(struct daemon *daemon)
{
    char text[512];
    struct dirent **entries;
    char why[640];
    bool exists = access(daemon->config.database, F_OK) == 0;
    if (exists)
        open_store(daemon, false);
    else if (!config_store_possible(&daemon->config, why, sizeof why))
        mistake(why);
    store_close(daemon->db);
    about(&daemon->config, daemon->workers.directory, text, sizeof text);
    puts(text);
    if (!exists)
        puts("the database does not exist yet, and would be made");
    int count = scandir(daemon->workers.directory, &entries, NULL, name_order);
    for (int i = 0; i < count; ++i) {
        const char *name = entries[i]->d_name,
                   *wrong = exec_file_wrong(daemon->workers.directory_fd, name);
        if (exec_name_allowed(name))
            printf("worker %s%s%s\n", name, wrong ? " cannot be run: it " : "", wrong ? wrong : "");
        free(entries[i]);
    }
    free(entries);
    return 0;
}

/* ---- life ---- */

static void close_handle(uv_handle_t *handle, void *ctx)
{
    struct daemon *daemon = ctx;
    if (!uv_is_closing(handle) && handle != (uv_handle_t *)&daemon->live.timer)
        uv_close(handle, NULL);
}

/* A database call that hangs must not keep the process: the database stands such an end. */
static int finish(struct daemon *daemon)
{
    exec_workers_done(&daemon->workers);
    if (!env_live_settle(&daemon->live, CALL_DEADLINE_NS))
        _exit(daemon->status);
    store_close(daemon->db);
    uv_walk(&daemon->live.loop, close_handle, daemon);
    int status = daemon->status;
    env_live_done(&daemon->live);
    return status;
}

static void claim_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int main(int argc, char **argv)
{
    struct daemon daemon = {0};
    char text[512];
    claim_standard_files();
    env_live_init(&daemon.live);
    struct told told = read_options(argc, argv);
    config_init(&daemon.config, daemon.live.env.heap);
    read_config(&daemon.config, &told);
    open_workers(&daemon);
    points_install(&daemon.live.env.site);
    if (told.check)
        return check(&daemon);
    open_store(&daemon, true);
    start_jobs(&daemon);
    listen_for_signals(&daemon);
    about(&daemon.config, daemon.workers.directory, text, sizeof text);
    env_log(&daemon.live.env, LOG_INFO, "%s", text);
    uv_run(&daemon.live.loop, UV_RUN_DEFAULT);
    return finish(&daemon);
}
