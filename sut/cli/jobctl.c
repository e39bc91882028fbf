/* jobctl.c: looks at jobs and changes them by hand, directly in the database, whether jobd runs
 * or not. Nothing is kept here that could be lost: every change is one transaction that has
 * happened when jobctl says so. */
#include "sut/cli/ctl_options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* ---- commands ---- */

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

_Noreturn void ctl_help(void)
{
    puts("usage: jobctl [OPTION]... COMMAND [WORD]...\n\nLooks at the jobs of a database, and "
         "changes them.\n");
    for (size_t i = 0; i < COMMANDS; ++i)
        printf("  %-8s %-27s %s\n", commands[i].name, commands[i].words, commands[i].about);
    puts("");
    ctl_print_options();
    puts("\nExit status: 0 done, 1 no such job, or not in a state for it, 2 a mistake in what was "
         "asked, 3 trouble with the database.");
    exit(CTL_OK);
}

static enum command command_by_name(const char *name)
{
    const char *names[COMMANDS];
    if (strcmp(name, "help") == 0)
        ctl_help();
    for (size_t i = 0; i < COMMANDS; ++i) {
        names[i] = commands[i].name;
        if (strcmp(name, names[i]) == 0)
            return (enum command)i;
    }
    ctl_unknown("command", name, names, COMMANDS, "");
}

static enum command read_command(struct ctl *ctl)
{
    if (ctl->word_count == 0)
        ctl_fail(CTL_USAGE,
                 "what is to be done? insert, list, show, retry, ...; see jobctl --help");
    enum command command = command_by_name(*ctl->words++);
    --ctl->word_count;
    ctl_check_options(ctl, command, commands[command].name);
    if (ctl->word_count < commands[command].least)
        ctl_fail(CTL_USAGE, "%s %s: more is needed", commands[command].name,
                 commands[command].words);
    if (ctl->word_count > commands[command].most)
        ctl_fail(CTL_USAGE, "%s %s: '%.60s' is too much", commands[command].name,
                 commands[command].words, ctl->words[commands[command].most]);
    return command;
}

static void find_database(struct ctl *ctl)
{
    const struct ctl_told *told = &ctl->told;
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
    signal(SIGXFSZ, SIG_IGN); /* a database that may not grow is an error */
    struct ctl ctl = {.env = {.heap = heap_new(), .node_name = "jobctl"}};
    ctl_read_options(&ctl, argc, argv);
    enum command command = read_command(&ctl);
    find_database(&ctl);
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
