/* ctl_options.c: reads the options of jobctl. The table says of each which commands understand it, how its
 * value is read, and where in struct ctl that goes. */
#include "sut/cli/ctl_options.h"
#include "sut/cli/unique_words.h"
#include "sut/cli/words.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void ctl_unknown(const char *what, const char *word, const char *const *names,
                           size_t count, const char *dashes)
{
    const char *near = words_nearest(word + strspn(word, "-"), names, count);
    if (near)
        ctl_fail(CTL_USAGE, "unknown %s '%.60s'; did you mean %s%s?", what, word, dashes, near);
    ctl_fail(CTL_USAGE, "unknown %s '%.60s'; see jobctl --help", what, word);
}

/* ---- values ---- */

struct row;
/* Reads `text` into `into`, which lies in `ctl`; a mistake ends the program. */
typedef void take(struct ctl *ctl, const struct row *row, const char *text, void *into);

struct row {
    const char *name, *value; /* NULL: it has none */
    unsigned commands;        /* that understand it: bits */
    take *take;
    size_t offset; /* in struct ctl */
    const char *about;
    int64_t least, most; /* of a number */
};

#define TAKE(name)                                                                                 \
    static void take_##name(                                                                       \
        __attribute__((unused)) struct ctl *ctl, __attribute__((unused)) const struct row *row,    \
        __attribute__((unused)) const char *text, __attribute__((unused)) void *into)

static int64_t number_of(const struct row *row, const char *text, int64_t least, int64_t most)
{
    int64_t number;
    if (!words_number(text, least, most, &number))
        ctl_fail(CTL_USAGE, "--%s: '%s' is no whole number between %lld and %lld", row->name, text,
                 (long long)least, (long long)most);
    return number;
}

TAKE(text)
{
    *(const char **)into = text;
}

TAKE(flag)
{
    *(bool *)into = true;
}

TAKE(number)
{
    *(int64_t *)into = number_of(row, text, row->least, row->most);
}

TAKE(delay)
{
    int64_t ns;
    if (!words_duration(text, &ns))
        ctl_fail(CTL_USAGE, "--%s: '%s' is no time, such as 500ms, 90s, 10m or 7d", row->name,
                 text);
    *(int64_t *)into = (ns + NS_PER_MS - 1) / NS_PER_MS;
}

TAKE(time)
{
    if (!words_time(text, into))
        ctl_fail(CTL_USAGE, "--%s: '%s' is no time, such as 2026-01-31T18:30:00Z", row->name, text);
}

TAKE(object)
{
    const char *what = strcmp(row->name, "args") == 0 ? "arguments" : row->name;
    if (!ctl_check_json(what, 1, text, strlen(text)))
        exit(CTL_USAGE);
    *(const char **)into = text;
}

TAKE(state)
{
    static const char *const words[] = {
#define X(e, word, final) word,
        JOB_STATES(X)
#undef X
    };
    enum job_state state;
    if (!job_state_by_word(text, &state))
        ctl_unknown("state", text, words, JOB_STATE_COUNT, "");
    *(unsigned *)into |= JOB_STATE_BIT(state);
}

TAKE(unique)
{
    char why[160];
    const struct job_unique *unique;
    if (!unique_words(ctl->env.heap, text, &unique, why, sizeof why))
        ctl_fail(CTL_USAGE, "--unique: %s", why);
    const char *odd = unique ? job_unique_warning(unique) : NULL;
    if (odd)
        fprintf(stderr, "jobctl: --unique: %s\n", odd);
    *(const struct job_unique **)into = unique;
}

TAKE(set_priority)
{
    ctl->update.priority = (unsigned)number_of(row, text, 0, JOB_PRIORITY_MAX);
    ctl->update.set_priority = true;
}

TAKE(set_attempts)
{
    ctl->update.max_attempts = (unsigned)number_of(row, text, 1, JOB_ATTEMPTS_LIMIT);
}

TAKE(encrypt)
{
    ctl->encrypt = ctl->update.encrypted = true;
}

TAKE(help)
{
    ctl_help();
}

TAKE(version)
{
    puts("jobctl " JOBS_VERSION);
    exit(CTL_OK);
}

/* ---- which there are ---- */

/* Those that take a filter. */
#define FILTERED (BIT(LIST) | BIT(STATS) | BIT(RETRY) | BIT(CANCEL) | BIT(DELETE) | BIT(UPDATE))
#define CHANGES  (FILTERED & ~(BIT(LIST) | BIT(STATS)))

#define BIT(command) (1u << (command))
#define ALL          (BIT(COMMANDS) - 1)
#define AT(field)    offsetof(struct ctl, field)

static const struct row rows[] = {
    {"database", "FILE", ALL, take_text, AT(told.database),
     "the jobs; without it, what jobd is told (JOBD_DATABASE; -c, JOBD_CONFIG, /etc/jobd.conf)"},
    {"config", "FILE", ALL, take_text, AT(told.config), "jobd's configuration"},
    {"schema", "NAME", ALL, take_text, AT(told.schema),
     "where in PostgreSQL the tables are (public)"},
    {"pooled", "yes|no", ALL, take_text, AT(told.pooled),
     "PostgreSQL is behind a pooler, as jobd says it (no)"},
    {"json", NULL, ALL, take_flag, AT(json), "one JSON document instead of a table"},
    {"queue", "NAME", BIT(INSERT) | FILTERED, take_text, AT(queue),
     "insert: into this queue (default); else: only of this queue"},
    {"priority", "0..9", BIT(INSERT), take_number, AT(priority), "0 is first (0)", 0,
     JOB_PRIORITY_MAX},
    {"max-attempts", "N", BIT(INSERT), take_number, AT(max_attempts), "give up after so many (20)",
     1, JOB_ATTEMPTS_LIMIT},
    {"in", "TIME", BIT(INSERT), take_delay, AT(delay_ms),
     "not before that much time has passed, such as 90s, 10m, 2h, 7d"},
    {"at", "TIME", BIT(INSERT), take_time, AT(at_ms),
     "not before that time, such as 2026-01-31T18:30:00Z (UTC)"},
    {"part", "NAME", BIT(INSERT), take_text, AT(part),
     "it shares the limits for parts of its queue with others of that name"},
    {"tags", "TAG,...", BIT(INSERT), take_text, AT(tags), "words to find it by"},
    {"meta", "JSON", BIT(INSERT) | FILTERED, take_object, AT(meta),
     "insert: an object, for whoever looks after jobs; else: only those whose meta contains it"},
    {"args", "JSON", FILTERED, take_object, AT(args),
     "only those whose arguments contain this, such as '{\"id\": 1}'"},
    {"timeout", "TIME", BIT(INSERT), take_delay, AT(timeout_ms),
     "how long each run of it may take"},
    {"within", "TIME", BIT(INSERT), take_delay, AT(within_ms),
     "its deadline: that long after it is due it is of no use"},
    {"unique", "WORDS", BIT(INSERT), take_unique, AT(unique),
     "only if there is none: true, or period=1h,fields=args+worker,keys=id,states=incomplete,..."},
    {"encrypt", NULL, BIT(INSERT) | BIT(UPDATE), take_encrypt, 0,
     "its (new) arguments are kept so that only who has the key can read them"},
    {"keys", "FILE", BIT(INSERT) | BIT(UPDATE), take_text, AT(told.keys),
     "of --encrypt; without it, as jobd has them"},
    {"count", "N", BIT(INSERT), take_number, AT(count), "so many copies", 1, 10000000},
    {"lines", NULL, BIT(INSERT), take_flag, AT(lines),
     "standard input has one job's arguments per line"},
    {"chain", "KEY", BIT(INSERT), take_text, AT(chain),
     "it runs when all that were inserted before it with that key are over"},
    {"batch", "ID", BIT(INSERT), take_number, AT(batch), "it belongs to that batch", 1, INT64_MAX},
    {"limit", "N", BIT(LIST) | BIT(WORKFLOW) | BIT(BATCH) | BIT(CHAIN), take_number, AT(limit),
     "so many at most (list: 50)", 1, INT32_MAX},
    {"state", "STATE", FILTERED | BIT(PRUNE), take_state, AT(states),
     "only in this state; repeatable"},
    {"worker", "NAME", FILTERED, take_text, AT(worker), "only for this worker"},
    {"tag", "TAG", FILTERED, take_text, AT(tag), "only with this tag"},
    {"older", "TIME", FILTERED | BIT(PRUNE), take_delay, AT(older_ms),
     "only what was inserted (prune: ended) that long ago"},
    {"all", NULL, CHANGES, take_flag, AT(all), "all jobs are meant"},
    {"after", "ID", BIT(LIST), take_number, AT(after), "only with a greater id: the next page", 0,
     INT64_MAX},
    {"set-args", "JSON", BIT(UPDATE), take_text, AT(update.args),
     "an object, in place of its arguments"},
    {"set-meta", "JSON", BIT(UPDATE), take_text, AT(update.meta),
     "an object, in place of its meta"},
    {"set-tags", "TAG,...", BIT(UPDATE), take_text, AT(update.tags), "in place of its tags"},
    {"set-queue", "NAME", BIT(UPDATE), take_text, AT(update.queue), "move it there"},
    {"set-worker", "NAME", BIT(UPDATE), take_text, AT(update.worker), "have that one do it"},
    {"set-priority", "0..9", BIT(UPDATE), take_set_priority, 0, "0 is first"},
    {"set-max-attempts", "N", BIT(UPDATE), take_set_attempts, 0, "give up after so many"},
    {"set-at", "TIME", BIT(UPDATE), take_time, AT(update.scheduled_ms),
     "when it shall run, if it waits"},
    {"help", NULL, ALL, take_help, 0, "this text"},
    {"version", NULL, ALL, take_version, 0, "which one this is"},
};

enum { ROWS = sizeof rows / sizeof *rows };
_Static_assert(ROWS <= 64, "struct ctl has a bit for each");

void ctl_print_options(void)
{
    for (const struct row *row = rows; row < rows + ROWS; ++row) {
        char left[40];
        snprintf(left, sizeof left, "--%s%s%s", row->name, row->value ? " " : "",
                 row->value ? row->value : "");
        printf("  %-18s %s\n", left, row->about);
    }
}

/* ---- reading them ---- */

static void apply(struct ctl *ctl, size_t index, const char *text)
{
    const struct row *row = &rows[index];
    ctl->options |= UINT64_C(1) << index;
    row->take(ctl, row, text, (char *)ctl + row->offset);
}

static _Noreturn void unknown_option(const char *word)
{
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; ++i)
        names[i] = rows[i].name;
    ctl_unknown("option", word, names, ROWS, "--");
}

void ctl_read_options(struct ctl *ctl, int argc, char **argv)
{
    struct option table[ROWS + 1] = {0};
    int index, letter;
    ctl->told.config = config_path();
    for (size_t i = 0; i < ROWS; ++i)
        table[i] = (struct option){rows[i].name, rows[i].value ? required_argument : no_argument,
                                   NULL, 'o'};
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":c:h", table, &index)) != -1) {
        switch (letter) {
        case 'o': apply(ctl, (size_t)index, optarg); break;
        case 'c': ctl->told.config = optarg; break;
        case 'h': ctl_help();
        case ':': ctl_fail(CTL_USAGE, "%s needs a value", argv[optind - 1]);
        default: unknown_option(argv[optind - 1]);
        }
    }
    ctl->words = argv + optind;
    ctl->word_count = argc - optind;
}

void ctl_check_options(const struct ctl *ctl, enum command command, const char *name)
{
    for (size_t i = 0; i < ROWS; ++i)
        if ((ctl->options >> i & 1) && !(rows[i].commands & BIT(command)))
            ctl_fail(CTL_USAGE, "--%s is no option of '%s'", rows[i].name, name);
}

/* ---- filters ---- */

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
