/* cron_entry.c: see cron.h. Pure functions. */
#include "sut/jobs/cron.h"
#include "sut/jobs/cron_expression.h"
#include "sut/jobs/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* It becomes part of a JSON text, and of a line in a list. */
static bool name_plain(const char *name)
{
    for (; *name; ++name)
        if ((unsigned char)*name < ' ' || *name == '"' || *name == '\\' || *name == 127)
            return false;
    return true;
}

static const char *name_check(const char *name)
{
    if (!*name || strlen(name) > CRON_NAME_MAX)
        return "the name of a cron entry has 1 to 127 characters";
    return name_plain(name)
               ? NULL
               : "the name of a cron entry has no quotes, backslashes or control characters";
}

static const char *job_check(const struct cron_entry *entry)
{
    return job_spec_check(&(struct job_spec){.worker = entry->worker,
                                             .queue = entry->queue,
                                             .args = entry->args,
                                             .priority = entry->priority,
                                             .max_attempts = entry->max_attempts});
}

const char *cron_entry_check(const struct cron_entry *entry, char *why, size_t why_size)
{
    struct cron_expression expression;
    const char *wrong = entry->name ? name_check(entry->name) : NULL;
    if (!wrong)
        wrong = job_check(entry);
    if (!wrong && entry->zone)
        wrong = time_zone_name_check(entry->zone);
    if (!wrong && (entry->catch_up < CRON_NO_CATCH_UP || entry->catch_up > CRON_CATCH_UP_MOST))
        wrong = "at most 1000 missed ticks are made up for";
    if (!wrong && !entry->expression)
        wrong = "a cron entry needs an expression";
    if (!wrong && !cron_parse(entry->expression, &expression, why, why_size))
        wrong = why;
    return wrong;
}

/* FNV-1a, with a mark behind each text, so that texts do not run into each other. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; text && *text; ++text)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (hash ^ 0x100) * UINT64_C(0x100000001b3);
}

void cron_entry_name(const struct cron_entry *entry, char *out, size_t size)
{
    const char *texts[] = {entry->expression, entry->zone, entry->worker, entry->queue,
                           entry->args};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
        hash = hash_text(hash, texts[i]);
    snprintf(out, size, "%.*s-%016" PRIx64, CRON_NAME_MAX - 17, entry->worker, hash);
}
