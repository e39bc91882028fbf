/* ctl_cron.c: jobctl cron: entries, when they are due, and changes of them. Whoever leads sees a change before the next tick. */
#include "sut/cli/cron_words.h"
#include "sut/cli/jobctl.h"
#include "sut/jobs/cron_expression.h"

#include <string.h>

enum { TIMES_SHOWN = 5, WORDS_MAX = 4096 };

/* The next times of the entry after `now_ms`, at most `most` of them; how many. */
static size_t next_times(struct ctl *ctl, const struct cron_entry *entry, int64_t now_ms,
                         int64_t *out, size_t most)
{
    char why[400];
    struct cron_expression expression;
    struct time_zone zone;
    size_t count = 0;
    if (entry->paused || !cron_parse(entry->expression, &expression, why, sizeof why))
        return 0;
    if (!cron_zone(ctl->env.heap, entry->zone, &zone, why, sizeof why)) {
        fprintf(stderr, "jobctl: %s: %s\n", entry->name, why);
        return 0;
    }
    while (count < most && cron_next(&expression, &zone, now_ms, &now_ms))
        out[count++] = now_ms;
    return count;
}

static json_t *entry_json(struct ctl *ctl, const struct cron_entry *entry, int64_t now_ms)
{
    int64_t times[TIMES_SHOWN];
    json_t *next = json_array();
    size_t count = next_times(ctl, entry, now_ms, times, TIMES_SHOWN);
    for (size_t i = 0; i < count; ++i)
        json_array_append_new(next, json_integer(times[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:s, s:I, s:o}", "name",
                     entry->name, "expression", entry->expression, "zone", entry->zone, "worker",
                     entry->worker, "queue", entry->queue, "args", entry->args, "priority",
                     (int)entry->priority, "max_attempts", (int)entry->max_attempts, "catch_up",
                     entry->catch_up > 0 ? entry->catch_up : 0, "paused", entry->paused, "origin",
                     entry->origin, "last_ms", (json_int_t)entry->last_ms, "next_ms", next);
}

static void print_entry(struct ctl *ctl, const struct cron_entry *entry, int64_t now_ms)
{
    int64_t next = 0;
    char last_text[32], next_text[32];
    size_t count = next_times(ctl, entry, now_ms, &next, 1);
    printf("%-20s  %-17s  %-14s  %-19s  %-19s  %s %s\n", entry->name, entry->expression,
           entry->zone, ctl_time(entry->last_ms, last_text),
           entry->paused ? "paused"
           : count       ? ctl_time(next, next_text)
                         : "-",
           entry->worker, entry->args);
}

static enum ctl_exit list(struct ctl *ctl)
{
    struct store_reply reply = ctl_execute(ctl, &(struct store_request){.op = STORE_CRON_LIST});
    json_t *entries = json_array();
    if (!ctl->json && reply.entry_count)
        printf("%-20s  %-17s  %-14s  %-19s  %-19s  %s\n", "NAME", "EXPRESSION", "ZONE",
               "LAST (UTC)", "NEXT (UTC)", "JOB");
    for (size_t i = 0; i < reply.entry_count; ++i)
        if (ctl->json)
            json_array_append_new(entries, entry_json(ctl, &reply.entries[i], reply.now_ms));
        else
            print_entry(ctl, &reply.entries[i], reply.now_ms);
    if (ctl->json) {
        ctl_print_json(json_pack("{s:o}", "entries", entries));
        return CTL_OK;
    }
    json_decref(entries);
    if (reply.entry_count == 0)
        puts("no cron entries");
    return CTL_OK;
}

static enum ctl_exit show(struct ctl *ctl, const char *name)
{
    struct store_reply reply = ctl_execute(ctl, &(struct store_request){.op = STORE_CRON_LIST});
    for (size_t i = 0; i < reply.entry_count; ++i) {
        const struct cron_entry *entry = &reply.entries[i];
        int64_t times[TIMES_SHOWN];
        char text[32];
        if (strcmp(entry->name, name) != 0)
            continue;
        if (ctl->json) {
            ctl_print_json(entry_json(ctl, entry, reply.now_ms));
            return CTL_OK;
        }
        print_entry(ctl, entry, reply.now_ms);
        size_t count = next_times(ctl, entry, reply.now_ms, times, TIMES_SHOWN);
        for (size_t n = 0; n < count; ++n)
            printf("  %s UTC\n", ctl_time(times[n], text));
        return CTL_OK;
    }
    ctl_fail(CTL_REFUSED, "there is no cron entry '%s'", name);
}

static enum ctl_exit change(struct ctl *ctl, const char *name, enum cron_change change,
                            const char *done)
{
    struct store_request request = {
        .op = STORE_CRON_CHANGE, .names = &name, .name_count = 1, .cron_change = change};
    if (ctl_execute(ctl, &request).changed == 0)
        ctl_fail(CTL_REFUSED, "there is no cron entry '%s', or it is %s already", name, done);
    if (ctl->json)
        ctl_print_json(json_pack("{s:s, s:s}", "name", name, "change", done));
    else
        printf("%s %s\n", name, done);
    return CTL_OK;
}

static enum ctl_exit put(struct ctl *ctl, const char *name)
{
    char text[WORDS_MAX] = "", why[480];
    struct cron_entry entry;
    for (int i = 1; i < ctl->word_count; ++i) {
        if (strlen(text) + strlen(ctl->words[i]) + 2 > sizeof text)
            ctl_fail(CTL_USAGE, "the entry is too long: 4000 characters at most");
        strcat(strcat(text, ctl->words[i]), " ");
    }
    text[strcspn(text, "\n")] = '\0';
    if (!cron_words(ctl->env.heap, name, text, &entry, why, sizeof why))
        ctl_fail(CTL_USAGE, "%s", why);
    struct store_request request = {.op = STORE_CRON_PUT, .entries = &entry, .entry_count = 1};
    bool changed = ctl_execute(ctl, &request).changed > 0;
    if (!ctl->json && !changed)
        printf("%s is as it was\n", name);
    return show(ctl, name);
}

enum ctl_exit ctl_cron(struct ctl *ctl)
{
    static const struct {
        const char *word;
        enum cron_change change;
        const char *done;
    } changes[] = {{"pause", CRON_PAUSE, "paused"},
                   {"resume", CRON_RESUME, "resumed"},
                   {"delete", CRON_DELETE, "deleted"}};
    if (ctl->word_count == 0)
        return list(ctl);
    if (ctl->word_count == 1)
        return show(ctl, ctl->words[0]);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; ++i)
        if (ctl->word_count == 2 && strcmp(ctl->words[1], changes[i].word) == 0)
            return change(ctl, ctl->words[0], changes[i].change, changes[i].done);
    return put(ctl, ctl->words[0]);
}
