/* ctl_queue.c: jobctl queues and jobctl queue: what is said of queues. It is kept in the database and holds on every node
 * from the moment jobctl has said so. */
#include "sut/cli/jobctl.h"
#include "sut/cli/words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- saying ---- */

/* What the words say; the fields that they speak of. */
struct said {
    struct store_queue rule;
    unsigned fields;
    bool forget;
};

static _Noreturn void not_understood(const char *word)
{
    static const char *const words[] = {"start",  "stop",    "pause", "resume", "forget", "limit=",
                                        "scale=", "global=", "part=", "rate=",  "age=",   "node="};
    const char *near = words_nearest(word, words, sizeof words / sizeof *words);
    ctl_fail(
        CTL_USAGE,
        "'%.60s' cannot be said of a queue%s%s%s; what can: start, stop, pause, resume, "
        "forget, limit=N, global=N, part=N, rate=N/TIME, rate=N/TIME/part, age=TIME, 'none' for N "
        "and for TIME of age, and node=NAME for one node",
        word, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static int64_t limit_of(const char *word, const char *text)
{
    int64_t limit;
    if (strcmp(text, "none") == 0)
        return -1;
    if (!words_number(text, 0, 100000, &limit))
        ctl_fail(CTL_USAGE, "%s: '%s' is no whole number between 0 and 100000, and not 'none'",
                 word, text);
    return limit;
}

/* 100/1m, or 100/1m/part. */
static void say_rate(struct ctl *ctl, struct said *said, const char *word, const char *text)
{
    char *number = heap_strdup(ctl->env.heap, text), *time = strchr(number, '/');
    int64_t ns = 60 * NS_PER_S;
    said->fields |= QUEUE_RATE;
    if (time) {
        *time++ = '\0';
        char *part = strchr(time, '/');
        if (part)
            *part++ = '\0';
        if (part && strcmp(part, "part") != 0)
            not_understood(word);
        said->rule.rate_by_part = part != NULL;
        if (!words_duration(time, &ns) || ns < NS_PER_MS)
            ctl_fail(CTL_USAGE, "%s: '%s' is no time, such as 1s or 1m", word, time);
    }
    said->rule.rate = limit_of(word, number);
    said->rule.rate_ms = ns / NS_PER_MS;
}

static void say_age(struct said *said, const char *word, const char *text)
{
    int64_t ns = 0;
    if (strcmp(text, "none") != 0 && (!words_duration(text, &ns) || ns < NS_PER_MS))
        ctl_fail(CTL_USAGE, "%s: '%s' is no time, such as 30s or 5m, and not 'none'", word, text);
    said->fields |= QUEUE_AGE;
    said->rule.age_ms = ns / NS_PER_MS;
}

static bool limit_said(struct said *said, const char *word, const char *name, unsigned field,
                       int64_t *limit)
{
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0)
        return false;
    *limit = limit_of(word, word + length);
    said->fields |= field;
    return true;
}

static void say(struct ctl *ctl, struct said *said, const char *word)
{
    struct store_queue *rule = &said->rule;
    if (strcmp(word, "pause") == 0 || strcmp(word, "resume") == 0) {
        said->fields |= QUEUE_PAUSED;
        rule->paused = *word == 'p';
    } else if (strcmp(word, "start") == 0 || strcmp(word, "stop") == 0) {
        said->fields |= QUEUE_RUNS;
        rule->runs = strcmp(word, "start") == 0;
    } else if (strncmp(word, "node=", 5) == 0 && word[5]) {
        rule->node = word + 5;
    } else if (strcmp(word, "forget") == 0) {
        said->forget = true;
    } else if (strncmp(word, "rate=", 5) == 0) {
        say_rate(ctl, said, word, word + 5);
    } else if (strncmp(word, "age=", 4) == 0) {
        say_age(said, word, word + 4);
    } else if (!limit_said(said, word, "limit=", QUEUE_LOCAL, &rule->local_limit) &&
               !limit_said(said, word, "scale=", QUEUE_LOCAL, &rule->local_limit) &&
               !limit_said(said, word, "global=", QUEUE_GLOBAL, &rule->global_limit) &&
               !limit_said(said, word, "part=", QUEUE_PART, &rule->part_limit)) {
        not_understood(word);
    }
}

/* ---- telling ---- */

static void add_limit(json_t *object, const char *name, int64_t limit)
{
    json_object_set_new(object, name, limit < 0 ? json_null() : json_integer(limit));
}

static json_t *rule_json(const struct store_queue *rule)
{
    json_t *object = json_pack("{s:s, s:b}", "queue", rule->name, "paused", rule->paused);
    if (*rule->node)
        json_object_set_new(object, "node", json_string(rule->node));
    json_object_set_new(object, "runs", rule->runs < 0 ? json_null() : json_boolean(rule->runs));
    add_limit(object, "limit", rule->local_limit);
    add_limit(object, "global", rule->global_limit);
    add_limit(object, "part", rule->part_limit);
    add_limit(object, "rate", rule->rate);
    if (rule->rate >= 0) {
        json_object_set_new(object, "rate_ms", json_integer(rule->rate_ms));
        json_object_set_new(object, "rate_by_part", json_boolean(rule->rate_by_part));
    }
    if (rule->age_ms > 0)
        json_object_set_new(object, "age_ms", json_integer(rule->age_ms));
    return object;
}

static void print_limit(const char *name, int64_t limit)
{
    if (limit >= 0)
        printf("  %s=%" PRId64, name, limit);
}

static void print_rule(const struct store_queue *rule)
{
    char time[32];
    static const char *const runs[] = {"", "  stopped", "  started"};
    printf("%-24s%s%s", rule->name, runs[rule->runs + 1], rule->paused ? "  paused" : "");
    if (*rule->node)
        printf("  node=%s", rule->node);
    print_limit("limit", rule->local_limit);
    print_limit("global", rule->global_limit);
    print_limit("part", rule->part_limit);
    print_limit("rate", rule->rate);
    if (rule->rate >= 0)
        printf("/%s%s", words_of_duration(rule->rate_ms * NS_PER_MS, time),
               rule->rate_by_part ? "/part" : "");
    if (rule->age_ms > 0)
        printf("  age=%s", words_of_duration(rule->age_ms * NS_PER_MS, time));
    putchar('\n');
}

/* Of the one queue, or of all. */
static enum ctl_exit tell(struct ctl *ctl, const struct store_reply *reply, const char *queue)
{
    json_t *list = json_array();
    for (size_t i = 0; i < reply->rule_count; ++i) {
        if (queue && strcmp(reply->rules[i].name, queue) != 0)
            continue;
        json_array_append_new(list, rule_json(&reply->rules[i]));
        if (!ctl->json)
            print_rule(&reply->rules[i]);
    }
    if (ctl->json)
        ctl_print_json(list);
    else
        json_decref(list);
    return CTL_OK;
}

/* ---- commands ---- */

enum ctl_exit ctl_queues(struct ctl *ctl)
{
    struct store_reply reply = ctl_execute(ctl, &(struct store_request){.op = STORE_QUEUES});
    if (!ctl->json && reply.rule_count == 0)
        puts("nothing is said of any queue: all are as jobd is configured");
    return tell(ctl, &reply, NULL);
}

static enum ctl_exit forget(struct ctl *ctl, const char *name)
{
    const char *const names[] = {name};
    struct store_request request = {.op = STORE_QUEUE_FORGET, .queues = names, .queue_count = 1};
    struct store_reply reply = ctl_execute(ctl, &request);
    if (reply.changed == 0)
        ctl_fail(CTL_REFUSED, "nothing is said of queue %s", name);
    if (ctl->json)
        ctl_print_json(json_array());
    else
        printf("%s is as jobd is configured\n", name);
    return CTL_OK;
}

enum ctl_exit ctl_queue(struct ctl *ctl)
{
    struct said said = {.rule = {.name = ctl->words[0]}};
    for (int i = 1; i < ctl->word_count; ++i)
        say(ctl, &said, ctl->words[i]);
    if (said.rule.node && !said.fields)
        ctl_fail(CTL_USAGE, "node=%s: what is to be said of the queue there?", said.rule.node);
    if (said.forget && said.fields)
        ctl_fail(CTL_USAGE, "forget takes back everything; it cannot be said with other words");
    if (said.forget)
        return forget(ctl, said.rule.name);
    struct store_request request = {
        .op = STORE_QUEUES, .queues = &said.rule.name, .queue_count = 1};
    if (said.fields)
        request = (struct store_request){.op = STORE_QUEUE_SET,
                                         .rules = &said.rule,
                                         .rule_count = 1,
                                         .rule_fields = said.fields};
    struct store_reply reply = ctl_execute(ctl, &request);
    if (reply.rule_count == 0 && !said.fields)
        ctl_fail(CTL_REFUSED, "nothing is said of queue %s", said.rule.name);
    return tell(ctl, &reply, said.rule.name);
}
