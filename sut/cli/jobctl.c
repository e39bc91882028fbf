/* jobctl.c: looks at jobs and changes them by hand, directly in the database, whether jobd runs
 * or not. Nothing is kept here that could be lost: every change is one transaction that has
 * happened when jobctl says so. */
#include "sut/cli/jobctl.h"
#include "sut/cli/unique_words.h"
#include "sut/cli/words.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void ctl_fail(enum ctl_exit status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("jobctl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit((int)status);
}

const char *ctl_database(const struct ctl *ctl)
{
    static char shown[200];
    return config_database(&ctl->config, shown, sizeof shown);
}

struct store_db *ctl_store(struct ctl *ctl)
{
    char why[640];
    if (!ctl->db)
        ctl->db = config_store_open(&ctl->config, &ctl->env, ctl->creates ? CONFIG_MAKE : 0, why,
                                    sizeof why);
    if (!ctl->db)
        ctl_fail(CTL_DATABASE, "%s", why);
    return ctl->db;
}

_Noreturn void ctl_fail_request(const struct ctl *ctl, const struct store_reply *reply)
{
    enum ctl_exit status = reply->err == -EINVAL     ? CTL_USAGE
                           : reply->err == -ENOTUNIQ ? CTL_REFUSED
                                                     : CTL_DATABASE;
    const char *advice = config_advice(&ctl->config, reply->why);
    ctl_fail(status, "%s: %s%s%s", ctl_database(ctl), reply->why, advice ? "; " : "",
             advice ? advice : "");
}

struct store_reply ctl_execute(struct ctl *ctl, const struct store_request *request)
{
    struct store_reply reply;
    store_execute(ctl_store(ctl), request, ctl->env.heap, &reply);
    if (reply.err)
        ctl_fail_request(ctl, &reply);
    return reply;
}

/* ---- commands and options ---- */

enum command {
    INSERT,
    SUBMIT,
    LIST,
    SHOW,
    RETRY,
    CANCEL,
    DELETE,
    UPDATE,
    PRUNE,
    STATS,
    MIGRATE,
    QUEUES,
    QUEUE,
    CRON,
    WORKFLOW,
    BATCH,
    CHAIN,
    COMMANDS
};

/* Those that take a filter. */
#define FILTERED (BIT(LIST) | BIT(STATS) | BIT(RETRY) | BIT(CANCEL) | BIT(DELETE) | BIT(UPDATE))
#define CHANGES  (FILTERED & ~(BIT(LIST) | BIT(STATS)))

#define BIT(command) (1u << (command))
#define ALL          (BIT(COMMANDS) - 1)

static const struct {
    const char *name;
    ctl_command *run;
    int least, most; /* words after it */
    bool creates;    /* the database, if there is none */
    const char *words, *about;
} commands[COMMANDS] = {
    [INSERT] = {"insert", ctl_insert, 1, 2, true, "WORKER [ARGS|-]",
                "asks for a job; ARGS is JSON, - reads it from standard input"},
    [SUBMIT] = {"submit", ctl_submit, 1, 1, true, "FILE|-",
                "inserts a workflow, a batch, a chain or a list of jobs, written in JSON or YAML"},
    [LIST] = {"list", ctl_list, 0, 0, false, "", "jobs, by id"},
    [SHOW] = {"show", ctl_show, 1, 1, false, "ID", "one job, with the errors of its attempts"},
    [RETRY] = {"retry", ctl_retry, 0, 1 << 20, false, "ID...|FILTER",
               "makes jobs that ended, or wait, run again now"},
    [CANCEL] = {"cancel", ctl_cancel, 0, 1 << 20, false, "ID...|FILTER",
                "ends jobs; one that runs is killed when its node looks again, at the latest"},
    [DELETE] = {"delete", ctl_delete, 0, 1 << 20, false, "ID...|FILTER",
                "removes jobs that do not run"},
    [UPDATE] =
        {"update", ctl_update, 0, 1 << 20, false, "ID...|FILTER",
         "changes jobs as the --set-... options say; for those that run, from their next run on"},
    [PRUNE] = {"prune", ctl_prune, 0, 0, false, "",
               "removes what ended --older ago; with --state, only of those"},
    [STATS] = {"stats", ctl_stats, 0, 0, false, "", "how many jobs are in which state"},
    [MIGRATE] = {"migrate", ctl_migrate, 0, 0, true, "",
                 "makes the tables, or brings those of an older version to today's, as jobd does "
                 "at its start"},
    [QUEUES] = {"queues", ctl_queues, 0, 0, false, "", "what is said of queues"},
    [QUEUE] =
        {"queue", ctl_queue, 1, 1 << 20, true, "NAME [WORD...]",
         "says of a queue (or of all: '*'): start, stop, pause, resume, limit=N (on each node), "
         "node=NAME (only there), global=N (on all nodes), part=N, rate=N/TIME[/part], age=TIME (a "
         "priority counts as much as waiting that long), forget"},
    [CRON] = {"cron", ctl_cron, 0, 1 << 20, true, "[NAME [WORD...]]",
              "cron entries; NAME pause, resume, delete; NAME '0 3 * * *' WORKER [ARGS]: puts one"},
    [WORKFLOW] = {"workflow", ctl_workflow, 1, 2, false, "ID|NAME [cancel]",
                  "its jobs, and which wait for which; cancel: ends all of them"},
    [BATCH] = {"batch", ctl_batch, 1, 2, false, "ID|NAME [cancel|open|close]",
               "its jobs and callbacks; open: makes it; close: no more jobs come into it"},
    [CHAIN] = {"chain", ctl_chain, 1, 2, false, "KEY [cancel]",
               "its jobs, which run one at a time, and whose turn it is"},
};

static const struct {
    const char *name, *value;
    unsigned commands;
    const char *about;
} options[] = {
    {"database", "FILE", ALL,
     "the jobs; without it, what jobd is told (JOBD_DATABASE; -c, JOBD_CONFIG, /etc/jobd.conf)"},
    {"config", "FILE", ALL, "jobd's configuration"},
    {"schema", "NAME", ALL, "where in PostgreSQL the tables are (public)"},
    {"pooled", "yes|no", ALL, "PostgreSQL is behind a pooler, as jobd says it (no)"},
    {"json", NULL, ALL, "one JSON document instead of a table"},
    {"queue", "NAME", BIT(INSERT) | FILTERED,
     "insert: into this queue (default); else: only of this queue"},
    {"priority", "0..9", BIT(INSERT), "0 is first (0)"},
    {"max-attempts", "N", BIT(INSERT), "give up after so many (20)"},
    {"in", "TIME", BIT(INSERT), "not before that much time has passed, such as 90s, 10m, 2h, 7d"},
    {"at", "TIME", BIT(INSERT), "not before that time, such as 2026-01-31T18:30:00Z (UTC)"},
    {"part", "NAME", BIT(INSERT),
     "it shares the limits for parts of its queue with others of that name"},
    {"tags", "TAG,...", BIT(INSERT), "words to find it by"},
    {"meta", "JSON", BIT(INSERT) | FILTERED,
     "insert: an object, for whoever looks after jobs; else: only those whose meta contains it"},
    {"args", "JSON", FILTERED, "only those whose arguments contain this, such as '{\"id\": 1}'"},
    {"timeout", "TIME", BIT(INSERT), "how long each run of it may take"},
    {"within", "TIME", BIT(INSERT), "its deadline: that long after it is due it is of no use"},
    {"unique", "WORDS", BIT(INSERT),
     "only if there is none: true, or period=1h,fields=args+worker,keys=id,states=incomplete,..."},
    {"encrypt", NULL, BIT(INSERT) | BIT(UPDATE),
     "its (new) arguments are kept so that only who has the key can read them"},
    {"keys", "FILE", BIT(INSERT) | BIT(UPDATE), "of --encrypt; without it, as jobd has them"},
    {"count", "N", BIT(INSERT), "so many copies"},
    {"lines", NULL, BIT(INSERT), "standard input has one job's arguments per line"},
    {"chain", "KEY", BIT(INSERT),
     "it runs when all that were inserted before it with that key are over"},
    {"batch", "ID", BIT(INSERT), "it belongs to that batch"},
    {"limit", "N", BIT(LIST) | BIT(WORKFLOW) | BIT(BATCH) | BIT(CHAIN),
     "so many at most (list: 50)"},
    {"state", "STATE", FILTERED | BIT(PRUNE), "only in this state; repeatable"},
    {"worker", "NAME", FILTERED, "only for this worker"},
    {"tag", "TAG", FILTERED, "only with this tag"},
    {"older", "TIME", FILTERED | BIT(PRUNE), "only what was inserted (prune: ended) that long ago"},
    {"all", NULL, CHANGES, "all jobs are meant"},
    {"after", "ID", BIT(LIST), "only with a greater id: the next page"},
    {"set-args", "JSON", BIT(UPDATE), "an object, in place of its arguments"},
    {"set-meta", "JSON", BIT(UPDATE), "an object, in place of its meta"},
    {"set-tags", "TAG,...", BIT(UPDATE), "in place of its tags"},
    {"set-queue", "NAME", BIT(UPDATE), "move it there"},
    {"set-worker", "NAME", BIT(UPDATE), "have that one do it"},
    {"set-priority", "0..9", BIT(UPDATE), "0 is first"},
    {"set-max-attempts", "N", BIT(UPDATE), "give up after so many"},
    {"set-at", "TIME", BIT(UPDATE), "when it shall run, if it waits"},
    {"help", NULL, ALL, "this text"},
    {"version", NULL, ALL, "which one this is"},
};

#define OPTIONS (sizeof options / sizeof *options)

static _Noreturn void help(void)
{
    puts("usage: jobctl [OPTION]... COMMAND [WORD]...\n\nLooks at the jobs of a database, and "
         "changes them.\n");
    for (size_t i = 0; i < COMMANDS; ++i)
        printf("  %-8s %-27s %s\n", commands[i].name, commands[i].words, commands[i].about);
    puts("");
    for (size_t i = 0; i < OPTIONS; ++i) {
        char left[40];
        snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        printf("  %-18s %s\n", left, options[i].about);
    }
    puts("\nExit status: 0 done, 1 no such job, or not in a state for it, 2 a mistake in what was "
         "asked, 3 trouble with the database.");
    exit(CTL_OK);
}

static _Noreturn void unknown(const char *what, const char *word, const char *const *names,
                              size_t count, const char *dashes)
{
    const char *near = words_nearest(word + strspn(word, "-"), names, count);
    if (near)
        ctl_fail(CTL_USAGE, "unknown %s '%.60s'; did you mean %s%s?", what, word, dashes, near);
    ctl_fail(CTL_USAGE, "unknown %s '%.60s'; see jobctl --help", what, word);
}

static enum command command_by_name(const char *name)
{
    const char *names[COMMANDS];
    if (strcmp(name, "help") == 0)
        help();
    for (size_t i = 0; i < COMMANDS; ++i) {
        names[i] = commands[i].name;
        if (strcmp(name, names[i]) == 0)
            return (enum command)i;
    }
    unknown("command", name, names, COMMANDS, "");
}

static int64_t number_of(const char *option, const char *text, int64_t least, int64_t most)
{
    int64_t number;
    if (!words_number(text, least, most, &number))
        ctl_fail(CTL_USAGE, "--%s: '%s' is no whole number between %lld and %lld", option, text,
                 (long long)least, (long long)most);
    return number;
}

static int64_t delay_of(const char *option, const char *text)
{
    int64_t ns;
    if (!words_duration(text, &ns))
        ctl_fail(CTL_USAGE, "--%s: '%s' is no time, such as 500ms, 90s, 10m or 7d", option, text);
    return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

static int64_t time_of(const char *option, const char *text)
{
    int64_t ms;
    if (!words_time(text, &ms))
        ctl_fail(CTL_USAGE, "--%s: '%s' is no time, such as 2026-01-31T18:30:00Z", option, text);
    return ms;
}

static enum job_state state_of(const char *text)
{
    static const char *const words[] = {
#define X(e, word, final) word,
        JOB_STATES(X)
#undef X
    };
    enum job_state state;
    if (!job_state_by_word(text, &state))
        unknown("state", text, words, JOB_STATE_COUNT, "");
    return state;
}

struct job_filter ctl_filter(const struct ctl *ctl)
{
    return (struct job_filter){.states = ctl->states,
                               .queue = ctl->queue,
                               .worker = ctl->worker,
                               .tag = ctl->tag,
                               .args = ctl->args,
                               .meta = ctl->meta,
                               .older_ms = ctl->older_ms,
                               .after_id = (uint64_t)ctl->after};
}

bool ctl_filters(const struct ctl *ctl)
{
    return ctl->all || ctl->states || ctl->queue || ctl->worker || ctl->tag || ctl->older_ms ||
           ctl->args || ctl->meta;
}

const struct job_update *ctl_update_of(const struct ctl *ctl)
{
    return ctl->updates ? &ctl->update : NULL;
}

static const struct job_unique *unique_of(struct ctl *ctl, const char *text)
{
    char why[160];
    const struct job_unique *unique;
    if (!unique_words(ctl->env.heap, text, &unique, why, sizeof why))
        ctl_fail(CTL_USAGE, "--unique: %s", why);
    const char *odd = unique ? job_unique_warning(unique) : NULL;
    if (odd)
        fprintf(stderr, "jobctl: --unique: %s\n", odd);
    return unique;
}

/* Where the database comes from: an option, else jobd's configuration. */
struct told {
    const char *database, *config, *schema, *keys, *pooled;
    unsigned seen[OPTIONS];
};

static void apply_update(struct job_update *update, const char *name, const char *value)
{
    const char *field = name + sizeof "set-" - 1;
    if (strcmp(field, "args") == 0)
        update->args = value;
    else if (strcmp(field, "meta") == 0)
        update->meta = value;
    else if (strcmp(field, "tags") == 0)
        update->tags = value;
    else if (strcmp(field, "queue") == 0)
        update->queue = value;
    else if (strcmp(field, "worker") == 0)
        update->worker = value;
    else if (strcmp(field, "at") == 0)
        update->scheduled_ms = time_of(name, value);
    else if (strcmp(field, "max-attempts") == 0)
        update->max_attempts = (unsigned)number_of(name, value, 1, JOB_ATTEMPTS_LIMIT);
    else
        update->priority = (unsigned)number_of(name, value, 0, JOB_PRIORITY_MAX),
        update->set_priority = true;
}

static const char *object_of(const char *what, const char *text)
{
    if (!ctl_check_json(what, 1, text, strlen(text)))
        exit(CTL_USAGE);
    return text;
}

static void apply(struct ctl *ctl, struct told *told, size_t index, const char *value)
{
    const char *name = options[index].name;
    told->seen[index] = true;
    if (strcmp(name, "database") == 0)
        told->database = value;
    else if (strcmp(name, "config") == 0)
        told->config = value;
    else if (strcmp(name, "schema") == 0)
        told->schema = value;
    else if (strcmp(name, "pooled") == 0)
        told->pooled = value;
    else if (strcmp(name, "keys") == 0)
        told->keys = value;
    else if (strcmp(name, "encrypt") == 0)
        ctl->encrypt = ctl->update.encrypted = true;
    else if (strcmp(name, "json") == 0)
        ctl->json = true;
    else if (strcmp(name, "lines") == 0)
        ctl->lines = true;
    else if (strcmp(name, "queue") == 0)
        ctl->queue = value;
    else if (strcmp(name, "state") == 0)
        ctl->states |= JOB_STATE_BIT(state_of(value));
    else if (strcmp(name, "worker") == 0)
        ctl->worker = value;
    else if (strcmp(name, "tag") == 0)
        ctl->tag = value;
    else if (strcmp(name, "older") == 0)
        ctl->older_ms = delay_of(name, value);
    else if (strcmp(name, "all") == 0)
        ctl->all = true;
    else if (strcmp(name, "after") == 0)
        ctl->after = number_of(name, value, 0, INT64_MAX);
    else if (strncmp(name, "set-", 4) == 0)
        apply_update(&ctl->update, name, value);
    else if (strcmp(name, "priority") == 0)
        ctl->priority = number_of(name, value, 0, JOB_PRIORITY_MAX);
    else if (strcmp(name, "max-attempts") == 0)
        ctl->max_attempts = number_of(name, value, 1, JOB_ATTEMPTS_LIMIT);
    else if (strcmp(name, "unique") == 0)
        ctl->unique = unique_of(ctl, value);
    else if (strcmp(name, "count") == 0)
        ctl->count = number_of(name, value, 1, 10000000);
    else if (strcmp(name, "limit") == 0)
        ctl->limit = number_of(name, value, 1, INT32_MAX);
    else if (strcmp(name, "in") == 0)
        ctl->delay_ms = delay_of(name, value);
    else if (strcmp(name, "at") == 0)
        ctl->at_ms = time_of(name, value);
    else if (strcmp(name, "timeout") == 0)
        ctl->timeout_ms = delay_of(name, value);
    else if (strcmp(name, "within") == 0)
        ctl->within_ms = delay_of(name, value);
    else if (strcmp(name, "part") == 0)
        ctl->part = value;
    else if (strcmp(name, "tags") == 0)
        ctl->tags = value;
    else if (strcmp(name, "meta") == 0)
        ctl->meta = object_of("meta", value);
    else if (strcmp(name, "args") == 0)
        ctl->args = object_of("arguments", value);
    else if (strcmp(name, "chain") == 0)
        ctl->chain = value;
    else if (strcmp(name, "batch") == 0)
        ctl->batch = (uint64_t)number_of(name, value, 1, INT64_MAX);
    else if (strcmp(name, "help") == 0)
        help();
    else
        puts("jobctl " JOBS_VERSION), exit(CTL_OK);
}

static _Noreturn void unknown_option(const char *word)
{
    const char *names[OPTIONS];
    for (size_t i = 0; i < OPTIONS; ++i)
        names[i] = options[i].name;
    unknown("option", word, names, OPTIONS, "--");
}

static struct told read_options(struct ctl *ctl, int argc, char **argv)
{
    struct option table[OPTIONS + 1] = {0};
    struct told told = {.config = config_path()};
    int index, letter;
    for (size_t i = 0; i < OPTIONS; ++i)
        table[i] = (struct option){options[i].name,
                                   options[i].value ? required_argument : no_argument, NULL, 'o'};
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":c:h", table, &index)) != -1) {
        switch (letter) {
        case 'o': apply(ctl, &told, (size_t)index, optarg); break;
        case 'c': told.config = optarg; break;
        case 'h': help();
        case ':': ctl_fail(CTL_USAGE, "%s needs a value", argv[optind - 1]);
        default: unknown_option(argv[optind - 1]);
        }
    }
    ctl->words = argv + optind;
    ctl->word_count = argc - optind;
    return told;
}

static enum command read_command(struct ctl *ctl, const struct told *told)
{
    if (ctl->word_count == 0)
        ctl_fail(CTL_USAGE,
                 "what is to be done? insert, list, show, retry, ...; see jobctl --help");
    enum command command = command_by_name(*ctl->words++);
    --ctl->word_count;
    for (size_t i = 0; i < OPTIONS; ++i)
        if (told->seen[i] && !(options[i].commands & BIT(command)))
            ctl_fail(CTL_USAGE, "--%s is no option of '%s'", options[i].name,
                     commands[command].name);
    if (ctl->word_count < commands[command].least)
        ctl_fail(CTL_USAGE, "%s %s: more is needed", commands[command].name,
                 commands[command].words);
    if (ctl->word_count > commands[command].most)
        ctl_fail(CTL_USAGE, "%s %s: '%.60s' is too much", commands[command].name,
                 commands[command].words, ctl->words[commands[command].most]);
    return command;
}

static void find_database(struct ctl *ctl, const struct told *told)
{
    char why[640];
    config_init(&ctl->config, ctl->env.heap);
    if (!told->database && told->config &&
        !config_read(&ctl->config, told->config, why, sizeof why))
        ctl_fail(CTL_USAGE, "%s", why);
    if (!told->database && !config_environment(&ctl->config, why, sizeof why))
        ctl_fail(CTL_USAGE, "%s", why);
    if (told->database)
        ctl->config.database = told->database;
    if (told->pooled && !config_set(&ctl->config, "pooled", told->pooled, why, sizeof why))
        ctl_fail(CTL_USAGE, "--%s", why);
    if (told->schema)
        ctl->config.schema = told->schema;
    if (told->keys)
        ctl->config.keys = told->keys;
    if (!ctl->config.database || !*ctl->config.database)
        ctl_fail(CTL_USAGE, "no database: give --database FILE, JOBD_DATABASE, or -c FILE with "
                            "jobd's configuration");
}

/* What is closed would be opened as something else, and then be written to. Writing still fails. */
static void claim_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    claim_standard_files();
    struct ctl ctl = {.env = {.heap = heap_new(), .node_name = "jobctl"}};
    struct told told = read_options(&ctl, argc, argv);
    enum command command = read_command(&ctl, &told);
    find_database(&ctl, &told);
    ctl.creates = commands[command].creates;
    ctl.updates = command == UPDATE;
    if (ctl.updates && ctl.encrypt)
        ctl_seal_update(&ctl);
    enum ctl_exit status = commands[command].run(&ctl);
    store_close(ctl.db);
    heap_free(ctl.env.heap);
    if (fflush(stdout) != 0)
        ctl_fail(CTL_DATABASE, "standard output cannot be written");
    return (int)status;
}
