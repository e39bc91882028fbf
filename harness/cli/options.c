/* options.c: see options.h. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "harness/cli/options.h"

#include "harness/cli/cli.h"
#include "harness/engine.h"
#include "harness/fault.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

void words_add(struct words *words, const char *word)
{
    const char **grown = realloc(words->items, (words->count + 1) * sizeof *grown);
    if (!grown)
        abort();
    words->items = grown;
    words->items[words->count++] = word;
}

void words_done(struct words *words)
{
    free(words->items);
    *words = (struct words){0};
}

/* ---- values ---- */

int option_text(const char *text, void *into, char *why, size_t why_size)
{
    if (!*text) {
        snprintf(why, why_size, "must not be empty");
        return -EINVAL;
    }
    *(const char **)into = text;
    return 0;
}

int option_list(const char *text, void *into, char *why, size_t why_size)
{
    const char *word;
    int err = option_text(text, &word, why, why_size);
    if (!err)
        words_add(into, word);
    return err;
}

int option_number(const char *text, void *into, char *why, size_t why_size)
{
    errno = 0;
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    const char *digits = text + (*text == '-');
    const char *what = *digits < '0' || *digits > '9' || *end ? "not a whole number"
                       : *text == '-'                         ? "below zero"
                       : errno                                ? "too large"
                                                              : NULL;
    if (what) {
        snprintf(why, why_size, "'%s' is %s", text, what);
        return -EINVAL;
    }
    *(uint64_t *)into = value;
    return 0;
}

int option_count(const char *text, void *into, char *why, size_t why_size)
{
    uint64_t value;
    int err = option_number(text, &value, why, why_size);
    if (!err && value == 0) {
        snprintf(why, why_size, "must be at least 1");
        err = -EINVAL;
    }
    if (!err)
        *(uint64_t *)into = value;
    return err;
}

int option_duration(const char *text, void *into, char *why, size_t why_size)
{
    int64_t ns;
    size_t length = duration_parse(text, &ns);
    if (length == 0 || text[length] || ns <= 0) {
        snprintf(why, why_size, "'%s' is not a duration above zero, such as 500ms, 30s, 10m or 1h",
                 text);
        return -EINVAL;
    }
    *(int64_t *)into = ns;
    return 0;
}

/* ---- parsing ---- */

static const struct option *find_long(const struct option *options, const char *name, size_t length)
{
    for (const struct option *o = options; o->name; o++)
        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0)
            return o;
    return NULL;
}

static const struct option *find_letter(const struct option *options, char letter)
{
    for (const struct option *o = options; o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static int unknown_option(const struct command *command, const char *word, const char *name,
                          size_t length)
{
    struct words names = {0};
    for (const struct option *o = command->options; o->name; o++)
        words_add(&names, o->name);
    words_add(&names, "help");
    const char *near = nearest_word(name, length, names.items, names.count);
    if (near)
        cli_complain(command, "unknown option '%s'; did you mean --%s?", word, near);
    else
        cli_complain(command, "unknown option '%s'", word);
    words_done(&names);
    return -EINVAL;
}

/* Where an option stands in argv, split into its parts. */
struct cursor {
    int argc, at;
    char **argv;
};

static int take_value(const struct command *command, const struct option *option, const char *value,
                      struct cursor *cursor, void *into)
{
    if (!value && cursor->at + 1 < cursor->argc)
        value = cursor->argv[++cursor->at];
    if (!value) {
        cli_complain(command, "--%s needs a value: %s", option->name, option->value);
        return -EINVAL;
    }
    char why[256];
    int err = option->parse(value, (char *)into + option->offset, why, sizeof why);
    if (err)
        cli_complain(command, "--%s: %s", option->name, why);
    return err;
}

static int take_option(const struct command *command, struct cursor *cursor, void *into)
{
    const char *word = cursor->argv[cursor->at];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t length = is_long ? strcspn(name, "=") : 1;
    const char *value = name[length] ? name + length + is_long : NULL;
    if ((is_long && length == 4 && strncmp(name, "help", 4) == 0) ||
        (!is_long && strcmp(name, "h") == 0)) {
        command_help(command, stdout);
        return 1;
    }
    const struct option *option =
        is_long ? find_long(command->options, name, length) : find_letter(command->options, *name);
    if (!option)
        return unknown_option(command, word, name, length);
    if (option->value)
        return take_value(command, option, value, cursor, into);
    if (value) {
        cli_complain(command, "--%s takes no value", option->name);
        return -EINVAL;
    }
    *(bool *)((char *)into + option->offset) = true;
    return 0;
}

int options_parse(const struct command *command, int argc, char **argv, void *into,
                  struct words *ret_args)
{
    bool only_args = false;
    for (struct cursor c = {argc, 1, argv}; c.at < argc; c.at++) {
        const char *word = argv[c.at];
        if (only_args || word[0] != '-' || !word[1]) {
            words_add(ret_args, word);
        } else if (strcmp(word, "--") == 0) {
            only_args = true;
        } else {
            int err = take_option(command, &c, into);
            if (err)
                return err;
        }
    }
    return 0;
}

/* ---- help ---- */

enum { HELP_COLUMN = 26 };

static void print_about(const char *about, FILE *out)
{
    for (; *about; about++) {
        fputc(*about, out);
        if (*about == '\n')
            fprintf(out, "%*s", HELP_COLUMN, "");
    }
    fputc('\n', out);
}

void options_print(const struct option *options, FILE *out)
{
    for (const struct option *o = options; o->name; o++) {
        char head[64], letter[8] = "";
        if (o->letter)
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        int width = snprintf(head, sizeof head, "  %s--%s%s%s", letter, o->name,
                             o->value ? " " : "", o->value ? o->value : "");
        fprintf(out, "%-*s", HELP_COLUMN, head);
        if (width >= HELP_COLUMN)
            fprintf(out, "\n%*s", HELP_COLUMN, "");
        print_about(o->about, out);
    }
    fprintf(out, "%-*sthis text\n", HELP_COLUMN, "  -h, --help");
}

int option_workers(const char *text, void *into, char *why, size_t why_size)
{
    int err = option_count(text, into, why, why_size);
    if (!err && *(uint64_t *)into > 1024) {
        snprintf(why, why_size, "at most 1024");
        err = -EINVAL;
    }
    return err;
}

uint64_t cpu_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? 1 : (uint64_t)CPU_COUNT(&set);
}
