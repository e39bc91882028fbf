/* feed.h: traces as text, for tests of properties. One event per line, as event_print() shows them:
 *
 *     1.5s n1 #7 job/perform/start job=7 attempt=1 queue=mail  <- crash
 *
 * Node and actor may be left out; values that begin with a digit are numbers, a text with blanks
 * stands in quotes.
 */
#ifndef PROPERTIES_TEST_FEED_H
#define PROPERTIES_TEST_FEED_H

#include "harness/property.h"
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A test adds its own as FEED_POINTS(POINT), before it includes this. */
#ifndef FEED_POINTS
#define FEED_POINTS(POINT)
#endif

/* Never called: its call sites put the names into the registry. */
__attribute__((used)) static void feed_register(struct point_site *at)
{
#define POINT(name) TRACE(at, name, T_U64("key", 0))
    POINT("client/insert/call");
    POINT("client/insert/ok");
    POINT("client/insert/unique");
    POINT("client/insert/conflict");
    POINT("client/insert/fail");
    POINT("client/insert/unknown");
    POINT("work/job/run");
    POINT("upstream/effect/apply");
    POINT("upstream/effect/repeat");
    POINT("store/job/insert");
    POINT("store/job/claim");
    POINT("store/job/finish");
    POINT("store/job/stale");
    POINT("store/job/stage");
    POINT("store/job/rescue");
    POINT("store/job/retry");
    POINT("store/job/cancel");
    POINT("store/job/unique");
    POINT("store/job/conflict");
    POINT("store/job/release");
    POINT("store/job/yield");
    POINT("store/job/replace");
    POINT("store/flow/release");
    POINT("store/flow/callback");
    POINT("store/heartbeat/send");
    POINT("queue/process/start");
    POINT("queue/process/stop");
    POINT("job/perform/start");
    POINT("job/perform/stop");
    POINT("job/perform/crash");
    POINT("job/perform/timeout");
    POINT("job/perform/lost");
    POINT("job/finish/done");
    POINT("jobs/drain/begin");
    POINT("jobs/drain/end");
    POINT("proc/process/spawn");
    POINT("proc/process/exit");
    POINT("proc/signal/exit");
    POINT("sup/supervisor/giveup");
    POINT("sup/child/restart");
    POINT("sup/supervisor/start");
    POINT("sup/supervisor/up");
    POINT("sup/supervisor/failed");
    POINT("sup/supervisor/stop");
    POINT("sup/supervisor/shutdown");
    POINT("sup/child/add");
    POINT("sup/child/drop");
    POINT("sup/child/start");
    POINT("sup/child/up");
    POINT("sup/child/ignore");
    POINT("sup/child/fail");
    POINT("sup/child/end");
    POINT("sup/child/stop");
    POINT("sup/child/kill");
    POINT("sup/child/stopped");
    POINT("sup/child/ask");
    POINT("world/node/start");
    POINT("world/actor/crash");
    POINT("world/node/kill");
    POINT("world/node/poweroff");
    POINT("world/node/pause");
    POINT("world/node/resume");
    POINT("world/node/stop");
    POINT("world/node/stopped");
    POINT("world/phase/enter");
    POINT("world/disk/loss");
    POINT("disk/file/sync");
    POINT("world/clock/set");
    POINT("world/clock/step");
    POINT("audit/job/row");
    FEED_POINTS(POINT)
#undef POINT
}

/* The next word of the line, quotes removed; NULL at its end. */
static inline char *feed_word(char **at)
{
    char *word = *at + strspn(*at, " ");
    if (!*word)
        return NULL;
    char *end = word, *out = word;
    for (bool quoted = false; *end && (quoted || *end != ' '); end++) {
        if (*end == '"')
            quoted = !quoted;
        if (*end != '"' || (quoted && end > word && end[-1] == '='))
            *out++ = *end; /* what opens a value stays: it is no number */
    }
    *at = *end ? end + 1 : end;
    *out = '\0';
    return word;
}

static inline struct point_field feed_field(char *word)
{
    char *value = strchr(word, '=');
    cr_assert_not_null(value, "not a field: %s", word);
    *value++ = '\0';
    if (*value == '"')
        return T_STR(word, value + 1);
    if (isdigit((unsigned char)*value))
        return T_U64(word, strtoull(value, NULL, 10));
    if (*value == '-' && isdigit((unsigned char)value[1]))
        return T_I64(word, strtoll(value, NULL, 10));
    return T_STR(word, value);
}

static inline void feed_line(struct panel *panel, uint64_t index, char *line)
{
    struct point_field fields[POINT_FIELDS_MAX];
    struct event event = {.index = index, .fields = fields};
    char *word = feed_word(&line);
    cr_assert_neq(duration_parse(word, &event.time_ns), 0, "not a time: %s", word);
    for (word = feed_word(&line); *word == 'n' && isdigit((unsigned char)word[1]);
         word = feed_word(&line))
        event.node = (uint32_t)strtoul(word + 1, NULL, 10);
    if (*word == '#') {
        event.actor = strtoull(word + 1, NULL, 10);
        word = feed_word(&line);
    }
    const struct point_info *info = registry_find(word);
    cr_assert_not_null(info, "not a point: %s", word);
    struct point point = {.name = info->name, .id = (uint32_t)(info - registry_get(0))};
    event.point = &point;
    while ((word = feed_word(&line)) && strcmp(word, "<-") != 0)
        fields[event.count++] = feed_field(word);
    const char *why;
    if (word)
        cr_assert_neq(fault_parse(feed_word(&line), &event.fault, &why), 0);
    panel_event(panel, &event);
}

/* Judges a trace by one property. */
static inline struct verdict feed(const char *property, const char *text)
{
    registry_init();
    const struct property *chosen = properties_find(property);
    cr_assert_not_null(chosen, "no such property: %s", property);
    struct panel *panel = panel_new(&chosen, 1);
    char *copy = strdup(text), *line, *rest = copy;
    for (uint64_t index = 0; (line = strsep(&rest, "\n"));) {
        if (line[strspn(line, " ")])
            feed_line(panel, index++, line);
    }
    free(copy);
    panel_end(panel);
    size_t count;
    struct verdict verdict = panel_verdicts(panel, &count)[0];
    cr_assert_eq(panel_failed(panel), verdict.failed && (chosen->kind == PROPERTY_ALWAYS ||
                                                         chosen->kind == PROPERTY_NEVER));
    panel_free(panel);
    return verdict;
}

static inline void expect_holds(const char *property, const char *text)
{
    struct verdict verdict = feed(property, text);
    cr_assert_not(verdict.failed, "%s: %s", property, verdict.message);
    cr_assert_gt(verdict.checked, 0, "%s is vacuous", property);
}

static inline void expect_vacuous(const char *property, const char *text)
{
    struct verdict verdict = feed(property, text);
    cr_assert_not(verdict.failed, "%s: %s", property, verdict.message);
    cr_assert_eq(verdict.checked, 0, "%s checked something", property);
}

/* `event` counts lines from 0. */
static inline void expect_fails(const char *property, const char *text, uint64_t event,
                                const char *message)
{
    struct verdict verdict = feed(property, text);
    cr_assert(verdict.failed, "%s holds", property);
    cr_assert_str_eq(verdict.message, message);
    cr_assert_eq(verdict.event, event, "at event %llu", (unsigned long long)verdict.event);
}

static inline void expect_met(const char *property, const char *text, bool met)
{
    cr_assert_eq(feed(property, text).met, met, "%s", property);
}

#endif
