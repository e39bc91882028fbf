/* reports.c: what is told of a process. The report of a crash names its ancestors and for whom it worked, nearest first, as they were called
 * when it was spawned (ANC-02 .. ANC-06). Who watches a process is told of all that it spawns and links, and of its end. */
#include "properties/boots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lineage_told ---- */

#define WORDS_MAX 511 /* of a report; what is longer is cut */

struct kin {
    char label[40], name[40]; /* name: "", or what it has now */
    char *ancestors, *callers;
    bool dead;
    bool open; /* the driver began its line, on whose behalf is not known */
};

struct kinship {
    struct boots boots;
    struct table kin;
    bool signals; /* names and callers are recorded */
};

static struct kin *kin_at(struct kinship *all, const struct event *event, uint64_t pid)
{
    return TABLE_AT(&all->kin, boots_key(&all->boots, event->node, pid), struct kin);
}

/* "label<17>", or the name that it has. Written at each spawn, where printf() would be most of the cost. */
static size_t self_words(const struct kin *kin, uint64_t pid, char self[static 64])
{
    char digits[20], *first = digits + sizeof digits;
    size_t length = strlen(kin->name);
    if (length > 0) {
        memcpy(self, kin->name, length);
        return length;
    }
    length = strlen(kin->label);
    memcpy(self, kin->label, length);
    do
        *--first = (char)('0' + pid % 10);
    while ((pid /= 10) > 0);
    size_t count = (size_t)(digits + sizeof digits - first);
    self[length++] = '<';
    memcpy(self + length, first, count);
    self[length + count] = '>';
    return length + count + 1;
}

/* Itself, and then those in front of it, as they read in a report. */
static char *words_behind(const struct kin *kin, uint64_t pid, const char *rest)
{
    char self[64];
    _Static_assert(sizeof kin->label + 22 <= sizeof self && sizeof kin->name <= sizeof self,
                   "a label and a number, or a name, go in");
    size_t length = self_words(kin, pid, self), more = rest ? strlen(rest) : 0;
    char *words = malloc(length + more + 2);
    if (!words)
        abort();
    memcpy(words, self, length);
    if (more > 0) {
        words[length++] = ' ';
        memcpy(words + length, rest, more);
    }
    words[length + more] = '\0';
    return words;
}

static void kin_born(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct kinship *all = ctx;
    uint64_t parent = event_u64(event, "parent");
    struct kin kin = {0};
    const char *label = event_str(event, "label");
    memcpy(kin.label, label, strnlen(label, sizeof kin.label - 1));
    kin.open = !parent;
    if (parent) {
        const struct kin *above = kin_at(all, event, parent);
        kin.open = above->open;
        kin.ancestors = words_behind(above, parent, above->ancestors);
    }
    *kin_at(all, event, event_u64(event, "pid")) = kin;
}

static void kin_works(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct kinship *all = ctx;
    uint64_t caller = event_u64(event, "caller");
    static const struct kin unknown;
    const struct kin *known = kin_at(all, event, caller);
    const struct kin *above = known->dead ? &unknown : known;
    char *words = words_behind(above, caller, above->callers);
    struct kin *kin = kin_at(all, event, event_u64(event, "pid"));
    free(kin->callers);
    kin->callers = words;
}

static void kin_named(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct kin *kin = kin_at(ctx, event, event_u64(event, "pid"));
    snprintf(kin->name, sizeof kin->name, "%s", event_str(event, "name"));
}

static void kin_nameless(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    kin_at(ctx, event, event_u64(event, "pid"))->name[0] = '\0';
}

static void kin_forget(struct kin *kin)
{
    free(kin->ancestors);
    free(kin->callers);
    kin->ancestors = kin->callers = NULL;
}

static void kin_ends(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct kin *kin = kin_at(ctx, event, event_u64(event, "pid"));
    kin_forget(kin);
    kin->dead = true;
}

static void line_judge(struct judge *judge, const struct event *event, const char *field,
                       const char *expected, bool open)
{
    const char *told = event_str(event, field);
    expected = expected ? expected : "";
    size_t length = strlen(expected);
    judge_checked(judge);
    if (strncmp(told, expected, open && length < WORDS_MAX ? length : WORDS_MAX) != 0)
        judge_fail(judge, event, "the report on process %llu names as %s \"%s\", not \"%s\"",
                   (unsigned long long)event_u64(event, "pid"), field, told, expected);
}

static void on_crash(struct judge *judge, void *ctx, const struct event *event)
{
    struct kinship *all = ctx;
    const struct kin *kin = kin_at(all, event, event_u64(event, "pid"));
    if (!all->signals)
        return;
    line_judge(judge, event, "ancestors", kin->ancestors, kin->open);
    line_judge(judge, event, "callers", kin->callers, false);
}

static void on_signals(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge, (void)event;
    ((struct kinship *)ctx)->signals = true;
}

static void kinship_done(void *ctx)
{
    struct kinship *all = ctx;
    for (size_t i = 0; i < all->kin.count; i++)
        kin_forget(table_value(&all->kin, i));
    table_done(&all->boots.lives);
    table_done(&all->kin);
}

static const struct property_on on_kin[] = {
    {"proc/process/spawn", kin_born}, {"proc/lineage/caller", kin_works},
    {"proc/name/take", kin_named},    {"proc/name/free", kin_nameless},
    {"proc/trap/set", on_signals},    {"proc/link/make", on_signals},
    {"proc/process/exit", kin_ends},  {"proc/process/crash", on_crash},
    {"world/node/start", boots_next}, {0},
};

TRACE_PROPERTY(lineage_told, .name = "the report of a crash names its ancestors and its callers",
               .kind = PROPERTY_ALWAYS,
               .about = "When a process that has long been gone is to blame, its lineage is all "
                        "that leads to it.",
               .state_size = sizeof(struct kinship), .on = on_kin, .done = kinship_done);

/* ---- watched_told ---- */

enum deed { DEED_SPAWN, DEED_LINK, DEED_UNLINK, DEEDS };

static const char *const deed_words[DEEDS] = {"spawn", "link", "unlink"};

struct watched {
    bool is; /* it is watched */
    uint64_t done[DEEDS], told[DEEDS];
};

struct watches {
    struct boots boots;
    struct table watched; /* by process */
    struct table owed;    /* by node: uint64_t, who ended watched, and nobody was told yet */
};

static struct watched *watched_at(struct watches *all, const struct event *event, uint64_t pid)
{
    return TABLE_AT(&all->watched, boots_key(&all->boots, event->node, pid), struct watched);
}

static uint64_t *owed_at(struct watches *all, const struct event *event)
{
    return TABLE_AT(&all->owed, event->node, uint64_t);
}

/* The end is told at once: before anything else begins or ends. */
static void end_judge(struct judge *judge, struct watches *all, const struct event *event)
{
    uint64_t *owed = owed_at(all, event);
    if (*owed)
        judge_fail(judge, event, "process %llu was watched, and its end was not told",
                   (unsigned long long)*owed);
    *owed = 0;
}

static void deed_done(struct watches *all, const struct event *event, uint64_t pid, enum deed deed)
{
    struct watched *watched = watched_at(all, event, pid);
    watched->done[deed] += watched->is;
}

static void on_spawned(struct judge *judge, void *ctx, const struct event *event)
{
    end_judge(judge, ctx, event);
    uint64_t parent = event_u64(event, "parent");
    if (parent)
        deed_done(ctx, event, parent, DEED_SPAWN);
}

static void on_linked(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    deed_done(ctx, event, event_u64(event, "pid"), DEED_LINK);
    deed_done(ctx, event, event_u64(event, "peer"), DEED_LINK);
}

static void on_unlinked(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    deed_done(ctx, event, event_u64(event, "pid"), DEED_UNLINK);
    deed_done(ctx, event, event_u64(event, "peer"), DEED_UNLINK);
}

static void on_tell(struct judge *judge, void *ctx, const struct event *event)
{
    const char *what = event_str(event, "what");
    uint64_t pid = event_u64(event, "pid");
    struct watched *watched = watched_at(ctx, event, pid);
    uint64_t *owed = owed_at(ctx, event);
    judge_checked(judge);
    if (*owed == pid && strcmp(what, "exit") == 0)
        *owed = 0;
    else if (!watched->is)
        judge_fail(judge, event, "a %s of process %llu was told, which nobody watches", what,
                   (unsigned long long)pid);
    for (int i = 0; i < DEEDS; i++)
        watched->told[i] += strcmp(what, deed_words[i]) == 0;
}

static void deeds_judge(struct judge *judge, const struct event *event,
                        const struct watched *watched)
{
    for (int i = 0; i < DEEDS; i++)
        if (watched->done[i] != watched->told[i])
            judge_fail(judge, event,
                       "process %llu was watched and did %llu times %s, of which %llu were told",
                       (unsigned long long)event_u64(event, "pid"),
                       (unsigned long long)watched->done[i], deed_words[i],
                       (unsigned long long)watched->told[i]);
}

static void on_watch(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct watched *watched = watched_at(ctx, event, event_u64(event, "pid"));
    if (!watched->is)
        *watched = (struct watched){.is = true};
}

static void on_unwatch(struct judge *judge, void *ctx, const struct event *event)
{
    struct watched *watched = watched_at(ctx, event, event_u64(event, "pid"));
    if (watched->is)
        deeds_judge(judge, event, watched);
    watched->is = false;
}

static void on_watched_end(struct judge *judge, void *ctx, const struct event *event)
{
    struct watches *all = ctx;
    uint64_t pid = event_u64(event, "pid");
    struct watched *watched = watched_at(all, event, pid);
    end_judge(judge, all, event);
    if (!watched->is)
        return;
    deeds_judge(judge, event, watched);
    watched->is = false;
    *owed_at(all, event) = pid;
}

static void watches_done(void *ctx)
{
    struct watches *all = ctx;
    table_done(&all->boots.lives);
    table_done(&all->watched);
    table_done(&all->owed);
}

static void on_watch_boot(struct judge *judge, void *ctx, const struct event *event)
{
    *owed_at(ctx, event) = 0;
    boots_next(judge, ctx, event);
}

static const struct property_on on_watches[] = {
    {"proc/process/spawn", on_spawned},
    {"proc/process/exit", on_watched_end},
    {"proc/link/make", on_linked},
    {"proc/link/drop", on_unlinked},
    {"proc/trace/begin", on_watch},
    {"proc/trace/end", on_unwatch},
    {"proc/trace/tell", on_tell},
    {"world/node/start", on_watch_boot},
    {0},
};

TRACE_PROPERTY(watched_told, .name = "who watches a process is told what it does, and nothing else",
               .kind = PROPERTY_ALWAYS,
               .about = "A trace with holes sends whoever reads it in the wrong direction.",
               .state_size = sizeof(struct watches), .on = on_watches, .done = watches_done);
