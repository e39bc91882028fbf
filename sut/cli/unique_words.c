/* unique_words.c: see unique_words.h. */
#include "sut/cli/unique_words.h"

#include "sut/cli/words.h"

#include <stdio.h>
#include <string.h>

struct parse {
    struct heap *heap;
    struct job_unique *unique;
    char *why;
    size_t why_size;
    bool failed;
};

static void fail(struct parse *parse, const char *what, const char *word, const char *const *words,
                 size_t count)
{
    const char *near = words_nearest(word, words, count);
    if (near)
        snprintf(parse->why, parse->why_size, "there is no %s '%.60s'; did you mean %s?", what,
                 word, near);
    else
        snprintf(parse->why, parse->why_size, "there is no %s '%.60s'", what, word);
    parse->failed = true;
}

/* One of the words; its number. */
static unsigned one_of(struct parse *parse, const char *what, const char *word,
                       const char *const *words, size_t count)
{
    for (unsigned i = 0; i < count; ++i)
        if (strcmp(word, words[i]) == 0)
            return i;
    fail(parse, what, word, words, count);
    return 0;
}

/* Words between plus signs: each number as a bit. */
static unsigned bits_of(struct parse *parse, const char *what, char *list, const char *const *words,
                        size_t count)
{
    unsigned bits = 0;
    for (char *rest = list, *word; (word = strsep(&rest, "+"));)
        bits |= 1u << one_of(parse, what, word, words, count);
    return bits;
}

#define COUNT(words) (sizeof(words) / sizeof *(words))

static const char *const state_words[] = {
#define X(e, word, final) word,
    JOB_STATES(X)
#undef X
};

static const char *const replace_words[] = {
#define X(e, word) word,
    JOB_REPLACE_FIELDS(X)
#undef X
};

/* ---- what can be said ---- */

static void say_period(struct parse *parse, char *value)
{
    int64_t ns;
    if (strcmp(value, "infinity") == 0) {
        parse->unique->period_ms = JOB_UNIQUE_FOREVER;
    } else if (words_duration(value, &ns) && ns >= NS_PER_MS) {
        parse->unique->period_ms = ns / NS_PER_MS;
    } else {
        snprintf(parse->why, parse->why_size,
                 "the period '%.60s' is neither a time, such as 90s or 2h, nor infinity", value);
        parse->failed = true;
    }
}

static void say_fields(struct parse *parse, char *value)
{
    static const char *const words[] = {
#define X(e, word) word,
        JOB_UNIQUE_FIELDS(X)
#undef X
    };
    parse->unique->fields = bits_of(parse, "unique field", value, words, COUNT(words));
}

static void say_keys(struct parse *parse, char *value)
{
    size_t count = 2;
    for (const char *at = value; *at; ++at)
        count += *at == '+';
    const char **keys = heap_alloc(parse->heap, count * sizeof *keys);
    size_t used = 0;
    for (char *rest = value, *key; (key = strsep(&rest, "+"));)
        keys[used++] = key;
    parse->unique->keys = keys;
}

static void say_states(struct parse *parse, char *value)
{
    static const struct {
        const char *word;
        unsigned states;
    } groups[] = {{"all", JOB_STATES_ALL},
                  {"incomplete", JOB_STATES_INCOMPLETE},
                  {"successful", JOB_STATES_SUCCESSFUL}};
    const char *words[COUNT(groups) + JOB_STATE_COUNT];
    for (size_t i = 0; i < COUNT(groups); ++i) {
        words[i] = groups[i].word;
        if (strcmp(value, groups[i].word) == 0) {
            parse->unique->states = groups[i].states;
            return;
        }
    }
    memcpy(words + COUNT(groups), state_words, sizeof state_words);
    unsigned bits = bits_of(parse, "state", value, words, COUNT(words));
    parse->unique->states = bits >> COUNT(groups);
    for (size_t i = 0; i < COUNT(groups) && !parse->failed; ++i)
        if (bits >> i & 1) /* a group stands alone */
            fail(parse, "state", groups[i].word, NULL, 0);
}

static void say_timestamp(struct parse *parse, char *value)
{
    static const char *const words[] = {"inserted_at", "scheduled_at"};
    parse->unique->by_schedule = one_of(parse, "timestamp", value, words, COUNT(words)) == 1;
}

static void say_replace(struct parse *parse, char *value)
{
    unsigned fields =
        bits_of(parse, "field to replace", value, replace_words, COUNT(replace_words));
    for (int state = 0; state < JOB_STATE_COUNT; ++state)
        parse->unique->replace[state] |= fields;
}

/* `state` is what stands between the colon and the equals sign. */
static void say_replace_in(struct parse *parse, const char *state, char *value)
{
    unsigned number = one_of(parse, "state", state, state_words, COUNT(state_words));
    parse->unique->replace[number] |=
        bits_of(parse, "field to replace", value, replace_words, COUNT(replace_words));
}

static const struct {
    const char *name;
    void (*say)(struct parse *parse, char *value);
} options[] = {{"period", say_period}, {"fields", say_fields},       {"keys", say_keys},
               {"states", say_states}, {"timestamp", say_timestamp}, {"replace", say_replace}};

static void say(struct parse *parse, char *item)
{
    char *value = strchr(item, '=');
    const char *names[COUNT(options)];
    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < COUNT(options); ++i)
        names[i] = options[i].name;
    if (value && strncmp(item, "replace:", 8) == 0) {
        say_replace_in(parse, item + 8, value);
        return;
    }
    unsigned option = one_of(parse, "option of uniqueness", item, names, COUNT(names));
    if (parse->failed)
        return;
    if (value && *value) {
        options[option].say(parse, value);
        return;
    }
    snprintf(parse->why, parse->why_size, "%s needs a value: %s=...", names[option], names[option]);
    parse->failed = true;
}

bool unique_words(struct heap *heap, const char *text, const struct job_unique **ret_unique,
                  char *why, size_t why_size)
{
    struct parse parse = {.heap = heap,
                          .unique = heap_alloc(heap, sizeof *parse.unique),
                          .why = why,
                          .why_size = why_size};
    *ret_unique = strcmp(text, "false") == 0 ? NULL : parse.unique;
    if (!*ret_unique)
        return true;
    if (strcmp(text, "true") == 0) {
        parse.unique->period_ms = JOB_UNIQUE_FOREVER;
        return true;
    }
    for (char *rest = heap_strdup(heap, text), *item; !parse.failed && (item = strsep(&rest, ","));)
        say(&parse, item);
    const char *wrong = parse.failed ? NULL : job_unique_check(parse.unique);
    if (wrong)
        snprintf(why, why_size, "%s", wrong);
    return !parse.failed && !wrong;
}
