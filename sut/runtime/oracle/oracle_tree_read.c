/* oracle_tree_read.c: the lines that describe a tree: "KEYWORD NAME key=value ...". */
#include "sut/runtime/oracle/trees.h"

#include "sut/runtime/heap.h"
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

struct value {
    struct oracle *oracle;
    const struct oracle_line *line;
    const char *key, *text;
};

_Noreturn static void value_reject(const struct value *value, const char *wanted)
{
    oracle_reject(value->oracle, value->line, "%s=%s is none of: %s", value->key, value->text,
                  wanted);
}

/* The number of the word in `words`, which are separated by blanks. */
static unsigned value_word(const struct value *value, const char *words)
{
    size_t length = strlen(value->text);
    unsigned number = 0;
    for (const char *word = words; word; ++number) {
        if (length && strncmp(word, value->text, length) == 0 &&
            (word[length] == ' ' || !word[length]))
            return number;
        word = strchr(word, ' ');
        word = word ? word + 1 : NULL;
    }
    value_reject(value, words);
}

static unsigned value_number(const struct value *value)
{
    char *end;
    unsigned long number = strtoul(value->text, &end, 10);
    if (!*value->text || *end || value->text[0] == '-' || number > 1000000000)
        oracle_reject(value->oracle, value->line, "%s=%s is no number from 0 to 1000000000",
                      value->key, value->text);
    return (unsigned)number;
}

static int64_t value_shutdown(const struct value *value)
{
    if (strcmp(value->text, "infinity") == 0)
        return SHUTDOWN_INFINITY;
    if (strcmp(value->text, "brutal_kill") == 0)
        return SHUTDOWN_BRUTAL;
    int64_t ms = value_number(value);
    return ms == 0 ? SHUTDOWN_AT_ONCE : ms * NS_PER_MS;
}

static void value_plan(struct node *node, const struct value *value)
{
    struct heap *heap = value->oracle->heap;
    char *copy = heap_strdup(heap, value->text), *rest = copy;
    struct value one = *value;
    node->plan = heap_alloc(heap, (strlen(copy) / 2 + 1) * sizeof *node->plan);
    node->plan_count = 0;
    while ((one.text = strsep(&rest, ",")))
        node->plan[node->plan_count++] = (enum attempt)value_word(&one, "ok ignore error exit bad");
}

/* ---- options ---- */

#define RESTARTS "permanent transient temporary"

enum option {
    OPTION_PARENT,
    OPTION_STRATEGY,
    OPTION_INTENSITY,
    OPTION_PERIOD,
    OPTION_AUTO,
    OPTION_MAX,
    OPTION_CRESTART,
    OPTION_CSHUTDOWN,
    OPTION_RESTART,
    OPTION_SHUTDOWN,
    OPTION_SIG,
    OPTION_KIND,
    OPTION_PLAN,
};

static const char *const option_names[] = {
    "parent",    "strategy", "intensity", "period", "auto", "max",  "crestart",
    "cshutdown", "restart",  "shutdown",  "sig",    "kind", "plan",
};

#define BIT(option)   (1u << (option))
#define CHILD_OPTIONS (BIT(OPTION_RESTART) | BIT(OPTION_SHUTDOWN) | BIT(OPTION_SIG))
#define SUP_OPTIONS                                                                                \
    (CHILD_OPTIONS | BIT(OPTION_PARENT) | BIT(OPTION_INTENSITY) | BIT(OPTION_PERIOD))
#define WORKER_OPTIONS (CHILD_OPTIONS | BIT(OPTION_KIND) | BIT(OPTION_PLAN))

static const struct {
    const char *word;
    unsigned options;
} keywords[] = {
    [NODE_SUP] = {"sup", SUP_OPTIONS | BIT(OPTION_STRATEGY) | BIT(OPTION_AUTO)},
    [NODE_DYN] = {"dyn", SUP_OPTIONS | BIT(OPTION_MAX)},
    [NODE_SIMPLE] = {"simple", SUP_OPTIONS | BIT(OPTION_CRESTART) | BIT(OPTION_CSHUTDOWN)},
    [NODE_WORKER] = {"wrk", WORKER_OPTIONS | BIT(OPTION_PARENT)},
    [NODE_SPEC] = {"spec", WORKER_OPTIONS},
};

static void option_set_sup(struct supervisor_spec *sup, enum option option,
                           const struct value *value)
{
    switch (option) {
    case OPTION_STRATEGY:
        sup->strategy = (enum strategy)value_word(value, "one_for_one one_for_all rest_for_one");
        break;
    case OPTION_AUTO:
        sup->auto_shutdown = (enum auto_shutdown)value_word(value, "never any all");
        break;
    case OPTION_INTENSITY: sup->intensity = value_number(value); break;
    case OPTION_PERIOD: sup->period_s = value_number(value); break;
    default:
        sup->max_children = value_number(value);
        if (sup->max_children == 0)
            sup->max_children = CHILDREN_NONE;
    }
}

static void option_set(struct node *node, enum option option, const struct value *value)
{
    switch (option) {
    case OPTION_PARENT: node->parent_name = value->text; break;
    case OPTION_RESTART:
        node->child.restart = (enum restart_type)value_word(value, RESTARTS);
        break;
    case OPTION_CRESTART:
        node->template.restart = (enum restart_type)value_word(value, RESTARTS);
        break;
    case OPTION_SHUTDOWN: node->child.shutdown_ns = value_shutdown(value); break;
    case OPTION_CSHUTDOWN: node->template.shutdown_ns = value_shutdown(value); break;
    case OPTION_SIG: node->child.significant = value_word(value, "0 1"); break;
    case OPTION_KIND:
        node->worker = (enum worker_kind)value_word(value, "plain trap odd clean slow stubborn");
        break;
    case OPTION_PLAN: value_plan(node, value); break;
    default: option_set_sup(&node->sup, option, value);
    }
}

static void option_read(struct node *node, char *word)
{
    struct oracle *oracle = node->trees->oracle;
    size_t length = strcspn(word, "=");
    if (!word[length])
        oracle_reject(oracle, node->line, "\"%s\" is no option (key=value)", word);
    char *key = heap_memdup(oracle->heap, word, length + 1);
    key[length] = '\0';
    struct value value = {oracle, node->line, key, word + length + 1};
    for (unsigned i = 0; i < sizeof option_names / sizeof *option_names; ++i)
        if (strcmp(key, option_names[i]) == 0 && (keywords[node->kind].options & BIT(i))) {
            option_set(node, (enum option)i, &value);
            return;
        }
    oracle_reject(oracle, node->line, "%s has no option \"%s\"", keywords[node->kind].word, key);
}

/* ---- lines ---- */

struct node *node_named(const struct trees *trees, const char *name)
{
    for (struct node *node = trees->nodes; node; node = node->next)
        if (strcmp(node->name, name) == 0)
            return node;
    return NULL;
}

static void node_defaults(struct node *node)
{
    static const enum strategy strategies[] = {
        [NODE_DYN] = DYNAMIC, [NODE_SIMPLE] = SIMPLE_ONE_FOR_ONE, [NODE_SPEC] = ONE_FOR_ONE};
    node->sup.strategy = strategies[node->kind];
    node->sup.intensity = 1; /* SUP-04 */
    node->sup.period_s = 5;
}

static void node_read(struct trees *trees, const struct oracle_line *line, enum node_kind kind)
{
    struct oracle *oracle = trees->oracle;
    struct node *node = heap_alloc(oracle->heap, sizeof *node);
    node->name = oracle_name(oracle, line, 1, "a child");
    if (node_named(trees, node->name))
        oracle_reject(oracle, line, "there is a %s already", node->name);
    node->kind = kind;
    node->line = line;
    node->trees = trees;
    node_defaults(node);
    for (unsigned i = 2; i < line->count; ++i)
        option_read(node, line->words[i]);
    *trees->last_node = node;
    trees->last_node = &node->next;
}

static bool keyword_find(const char *word, enum node_kind *ret_kind)
{
    for (unsigned i = 0; i < sizeof keywords / sizeof *keywords; ++i)
        if (strcmp(word, keywords[i].word) == 0) {
            *ret_kind = (enum node_kind)i;
            return true;
        }
    return false;
}

static void lines_read(struct trees *trees)
{
    struct oracle *oracle = trees->oracle;
    enum node_kind kind;
    unsigned i = 0;
    trees->last_node = &trees->nodes;
    for (; i < oracle->line_count && keyword_find(oracle->lines[i].words[0], &kind); ++i)
        node_read(trees, &oracle->lines[i], kind);
    trees->first_command = i;
    for (; i < oracle->line_count; ++i)
        if (keyword_find(oracle->lines[i].words[0], &kind))
            oracle_reject(oracle, &oracle->lines[i], "the tree stands before the commands");
}

/* ---- is it a tree? ---- */

static void parent_find(struct trees *trees, struct node *node)
{
    struct oracle *oracle = trees->oracle;
    if (node->kind == NODE_SPEC)
        return;
    if (!node->parent_name) {
        if (node->kind != NODE_SUP)
            oracle_reject(oracle, node->line, "%s has no parent", node->name);
        if (trees->root)
            oracle_reject(oracle, node->line, "%s has no parent, and %s is the root", node->name,
                          trees->root->name);
        trees->root = node;
        return;
    }
    node->parent = node_named(trees, node->parent_name);
    if (!node->parent || node->parent->kind != NODE_SUP)
        oracle_reject(oracle, node->line, "the parent %s of %s is no sup", node->parent_name,
                      node->name);
}

static void root_reach(struct trees *trees, const struct node *node)
{
    const struct node *slow = node;
    for (const struct node *at = node; at->parent; at = at->parent) {
        if (at->parent == slow || at->parent == node)
            oracle_reject(trees->oracle, node->line, "%s is its own ancestor", node->name);
        if (at->parent->parent)
            slow = slow->parent;
    }
}

void tree_read(struct trees *trees)
{
    lines_read(trees);
    for (struct node *node = trees->nodes; node; node = node->next)
        parent_find(trees, node);
    if (!trees->root)
        oracle_reject(trees->oracle, &trees->oracle->lines[0], "no sup is the root of the tree");
    for (struct node *node = trees->nodes; node; node = node->next)
        root_reach(trees, node);
}
