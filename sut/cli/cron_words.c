/* cron_words.c: see cron_words.h. */
#include "sut/cli/cron_words.h"
#include "sut/cli/words.h"
#include "sut/cli/zone_file.h"
#include "sut/jobs/job.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static char *skip_space(char *at)
{
    while (isspace((unsigned char)*at))
        ++at;
    return at;
}

/* Ends the word at `*at` and goes on behind it. */
static char *cut_word(char **at)
{
    char *word = skip_space(*at), *end = word;
    while (*end && !isspace((unsigned char)*end))
        ++end;
    *at = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static bool wrong(char *why, size_t why_size, const char *name, const char *value,
                  const char *advice)
{
    snprintf(why, why_size, "%s=%.60s: %s", name, value, advice);
    return false;
}

static bool set_option(struct cron_entry *entry, const char *name, const char *value, char *why,
                       size_t why_size)
{
    static const char *const names[] = {"zone", "queue", "priority", "max-attempts", "catch-up"};
    int64_t number = 0;
    bool is[5];
    for (size_t i = 0; i < 5; ++i)
        is[i] = strcmp(name, names[i]) == 0;
    if (is[0])
        entry->zone = value;
    else if (is[1])
        entry->queue = value;
    else if (is[2] && !words_number(value, 0, JOB_PRIORITY_MAX, &number))
        return wrong(why, why_size, name, value, "a priority is 0 (first) to 9");
    else if (is[3] && !words_number(value, 1, JOB_ATTEMPTS_LIMIT, &number))
        return wrong(why, why_size, name, value, "a whole number above 0");
    else if (is[4] && strcmp(value, "none") == 0)
        number = CRON_NO_CATCH_UP;
    else if (is[4] && !words_number(value, 1, CRON_CATCH_UP_MOST, &number))
        return wrong(why, why_size, name, value,
                     "how many missed ticks are made up for: none, or 1 to 1000");
    const char *near = words_nearest(name, names, 5);
    if (!is[0] && !is[1] && !is[2] && !is[3] && !is[4])
        return wrong(why, why_size, name, value,
                     near ? "not known; zone, queue, priority, max-attempts and catch-up are"
                          : "not known here; did you forget the expression?");
    if (is[2])
        entry->priority = (unsigned)number;
    if (is[3])
        entry->max_attempts = (unsigned)number;
    if (is[4])
        entry->catch_up = (int)number;
    return true;
}

/* The words in front of the expression, NAME=VALUE. */
static bool read_options(char **at, struct cron_entry *entry, char *why, size_t why_size)
{
    for (;;) {
        char *word = skip_space(*at);
        size_t length = strcspn(word, "= \t");
        if (word[length] != '=' || !islower((unsigned char)*word))
            return true;
        word = cut_word(at);
        word[length] = '\0';
        if (!set_option(entry, word, word + length + 1, why, why_size))
            return false;
    }
}

/* One nickname, or five fields. */
static const char *read_expression(char **at, char *out)
{
    char *begin = skip_space(*at);
    size_t count = *begin == '@' ? 1 : 5, used = 0;
    for (size_t i = 0; i < count; ++i) {
        const char *word = cut_word(at);
        size_t length = strlen(word);
        if (i && length)
            out[used++] = ' ';
        memcpy(out + used, word, length);
        used += length;
    }
    out[used] = '\0';
    return out;
}

bool cron_words(struct heap *heap, const char *name, const char *text, struct cron_entry *ret_entry,
                char *why, size_t why_size)
{
    char *at = heap_text(heap, text);
    struct cron_entry entry = {.name = heap_strdup(heap, name)};
    if (!read_options(&at, &entry, why, why_size))
        return false;
    entry.expression = read_expression(&at, heap_alloc(heap, strlen(at) + 1));
    entry.worker = cut_word(&at);
    at = skip_space(at);
    entry.args = *at ? at : NULL;
    if (!*entry.worker) {
        snprintf(why, why_size,
                 "a cron entry is written: EXPRESSION WORKER [ARGS], such as 0 3 * * * report");
        return false;
    }
    char part[400];
    const char *bad = cron_entry_check(&entry, part, sizeof part);
    struct time_zone zone;
    if (!bad && entry.zone && !cron_zone(heap, entry.zone, &zone, part, sizeof part))
        bad = part;
    if (bad)
        snprintf(why, why_size, "%s", bad);
    else
        *ret_entry = entry;
    return !bad;
}

bool cron_zone(struct heap *heap, const char *name, struct time_zone *ret_zone, char *why,
               size_t why_size)
{
    unsigned char *data = heap_alloc(heap, ZONE_FILE_MAX);
    long size = time_zone_known(name) || time_zone_name_check(name)
                    ? 0
                    : zone_file_read(NULL, name, data, ZONE_FILE_MAX);
    if (size < 0)
        snprintf(why, why_size,
                 "there is no time zone '%s'; is tzdata installed? Names look like Europe/Berlin",
                 name);
    bool good =
        size >= 0 && time_zone_init(ret_zone, heap, name, data, (size_t)size, why, why_size);
    heap_release(heap, data);
    return good;
}
