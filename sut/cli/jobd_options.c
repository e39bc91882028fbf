/* jobd_options.c: see jobd_options.h. */
#include "sut/cli/jobd_options.h"
#include "sut/cli/words.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_MISTAKE = 2, EXIT_DATABASE = 3 };

_Noreturn void jobd_mistake(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("jobd: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_MISTAKE);
}

_Noreturn void jobd_no_database(const char *why)
{
    fprintf(stderr, "jobd: %s\n", why);
    exit(EXIT_DATABASE);
}

/* Every key of the configuration is an option, too. */
enum { OPTIONS = CONFIG_KEYS + 4 };

static void options_table(struct option table[static OPTIONS + 1])
{
    for (size_t i = 0; i < CONFIG_KEYS; ++i)
        table[i] = (struct option){config_key(i), required_argument, NULL, 'k'};
    table[CONFIG_KEYS] = (struct option){"config", required_argument, NULL, 'c'};
    table[CONFIG_KEYS + 1] = (struct option){"check", no_argument, NULL, 'C'};
    table[CONFIG_KEYS + 2] = (struct option){"help", no_argument, NULL, 'h'};
    table[CONFIG_KEYS + 3] = (struct option){"version", no_argument, NULL, 'V'};
    table[OPTIONS] = (struct option){0};
}

static _Noreturn void help(void)
{
    puts("usage: jobd [-c FILE] [OPTION]...\n"
         "\n"
         "Runs the jobs of a database, each as an executable from one directory.\n"
         "\n"
         "  -c, --config FILE        settings; without it JOBD_CONFIG, or /etc/jobd.conf");
    config_help(stdout);
    puts(
        "  --check                  says what would run, and ends\n"
        "  --help                   this text\n"
        "  --version                which one this is\n"
        "\n"
        "The file has the same settings, as `key = value` lines. The environment (JOBD_DATABASE, "
        "JOBD_POLL,\n"
        "...; JOBD_QUEUE=a=1,b=2) stands above the file, options above both; queues there replace "
        "the others.\n"
        "\n"
        "An executable gets the job's arguments (JSON) on standard input, and JOB_ID, "
        "JOB_ATTEMPT,\n"
        "JOB_MAX_ATTEMPTS, JOB_QUEUE, JOB_WORKER, JOB_LEASE and JOB_IDEMPOTENCY_KEY in its\n"
        "environment. Its exit status is the outcome: 0 ok, 10 cancel, 11 discard, 12 snooze (the\n"
        "last line says how many seconds), else an error (the last line says why).\n"
        "\n"
        "SIGTERM or SIGINT: running jobs may end within the grace; a second signal ends at once.\n"
        "SIGHUP: reads the configuration again.\n"
        "Exit status: 0 stopped, 1 gave up or was stopped at once, 2 a mistake in what it was "
        "told,\n"
        "3 the database could not be opened.");
    exit(0);
}

static _Noreturn void unknown_option(const char *word, const struct option *table)
{
    const char *names[OPTIONS];
    for (size_t i = 0; i < OPTIONS; ++i)
        names[i] = table[i].name;
    const char *near = words_nearest(word + strspn(word, "-"), names, OPTIONS);
    if (near)
        jobd_mistake("unknown option '%s'; did you mean --%s?", word, near);
    jobd_mistake("unknown option '%s'; see jobd --help", word);
}

/* Settings are kept until the file has been read, because they win. */
struct told {
    const char *path;
    const char *keys[CONFIG_QUEUES_MAX * 2], *values[CONFIG_QUEUES_MAX * 2];
    size_t count;
    bool check, queues;
};

static void keep(struct told *told, const char *key, const char *value)
{
    if (told->count == sizeof told->keys / sizeof *told->keys)
        jobd_mistake("too many options");
    told->queues |= strcmp(key, "queue") == 0;
    told->keys[told->count] = key;
    told->values[told->count++] = value;
}

static struct told read_options(int argc, char **argv)
{
    struct told told = {.path = config_path()};
    struct option table[OPTIONS + 1];
    int index, letter;
    options_table(table);
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":c:h", table, &index)) != -1) {
        switch (letter) {
        case 'k': keep(&told, table[index].name, optarg); break;
        case 'c': told.path = optarg; break;
        case 'C': told.check = true; break;
        case 'h': help();
        case 'V': puts("jobd " JOBS_VERSION); exit(0);
        case ':': jobd_mistake("%s needs a value", argv[optind - 1]);
        default: unknown_option(argv[optind - 1], table);
        }
    }
    if (optind < argc)
        jobd_mistake("'%s' is no option; see jobd --help", argv[optind]);
    return told;
}

static bool configure(struct config *config, const struct told *told, char *why, size_t why_size)
{
    char problem[600];
    if (told->path && !config_read(config, told->path, why, why_size))
        return false;
    if (!config_environment(config, why, why_size))
        return false;
    if (told->queues)
        config->queue_count = 0;
    for (size_t i = 0; i < told->count; ++i)
        if (!config_set(config, told->keys[i], told->values[i], problem, sizeof problem)) {
            snprintf(why, why_size, "--%s", problem);
            return false;
        }
    return config_complete(config, why, why_size);
}

bool jobd_options(struct config *config, int argc, char **argv)
{
    struct told told = read_options(argc, argv);
    char why[640];
    if (!configure(config, &told, why, sizeof why))
        jobd_mistake("%s", why);
    return told.check;
}

bool jobd_options_again(struct config *config, int argc, char **argv, char *why, size_t why_size)
{
    optind = 0; /* from the beginning; what was no mistake at the start is none now */
    struct told told = read_options(argc, argv);
    return configure(config, &told, why, why_size);
}
