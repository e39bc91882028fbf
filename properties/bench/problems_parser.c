/* problems_parser.c: a small language is printed and read back, and the reader swaps the operands of And and Or.
 *
 * The largest of the published problems: modules, functions, statements and expressions, as one kind of tree. A node is
 * printed as its word and its children in parentheses. (Hypothesis of 2020 ended in 7 different forms, the commonest of
 * them in 34 % of 1,000 runs, with 186.8 evaluations in the mean.)
 */
#include "properties/bench/problems.h"

#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 1500, TEXT_MAX = 40000, WORD_MAX = 40, DEPTH_MAX = 100 };

struct node {
    char word[WORD_MAX];
    struct node *child, *next; /* first child, next sibling */
};

struct tree {
    struct node nodes[NODES_MAX];
    size_t count;
    struct sequence *s; /* what it is drawn from */
};

/* NULL, and no case any more: it became too large. */
static struct node *node_new(struct tree *tree, const char *word)
{
    if (tree->count == NODES_MAX) {
        if (tree->s)
            sequence_give_up(tree->s);
        return NULL;
    }
    struct node *node = &tree->nodes[tree->count++];
    *node = (struct node){.child = NULL};
    snprintf(node->word, sizeof node->word, "%s", word);
    return node;
}

static void node_append(struct node *node, struct node *child)
{
    if (!node || !child)
        return;
    struct node **end = &node->child;
    while (*end)
        end = &(*end)->next;
    *end = child;
}

/* ---- drawing ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static struct node *draw_var(struct tree *tree)
{
    char word[WORD_MAX] = "";
    struct sequence_list list = {.min = 1, .max = WORD_MAX - 2, .label = "letter"};
    while (sequence_list_more(tree->s, &list))
        word[list.count - 1] = letters[sequence_draw(tree->s, 0, (int64_t)sizeof letters - 2)];
    struct node *var = node_new(tree, "Var");
    node_append(var, node_new(tree, word));
    return var;
}

static struct node *draw_leaf(struct tree *tree)
{
    char word[WORD_MAX];
    bool is_bool = sequence_branch(tree->s, 2) == 1;
    int64_t value = is_bool ? sequence_draw(tree->s, 0, 1)
                            : sequence_draw_biased(tree->s, INT32_MIN, INT32_MAX);
    snprintf(word, sizeof word, "%ld", (long)value);
    struct node *leaf = node_new(tree, is_bool ? "Bool" : "Int");
    node_append(leaf, node_new(tree, word));
    return leaf;
}

static struct node *draw_expression(struct tree *tree, int64_t depth_max)
{
    static const char *const operators[] = {"Not", "Add", "Sub", "Mul", "Div", "And", "Or"};
    struct node *node;
    sequence_span_begin(tree->s, "expression");
    int64_t depth = sequence_draw_biased(tree->s, 0, depth_max);
    if (depth == 0 || sequence_overrun(tree->s)) {
        node = draw_leaf(tree);
    } else {
        size_t which = sequence_branch(tree->s, 7);
        node = node_new(tree, operators[which]);
        for (int operands = which == 0 ? 1 : 2; operands > 0; operands--)
            node_append(node, draw_expression(tree, depth - 1));
    }
    sequence_span_end(tree->s);
    return node;
}

static struct node *draw_statement(struct tree *tree)
{
    static const char *const kinds[] = {"Return", "Assign", "Alloc"};
    size_t which = sequence_branch(tree->s, 3);
    struct node *statement = node_new(tree, kinds[which]);
    if (which > 0)
        node_append(statement, draw_var(tree));
    node_append(statement, draw_expression(tree, DEPTH_MAX));
    return statement;
}

static struct node *draw_argument(struct tree *tree)
{
    return draw_expression(tree, DEPTH_MAX);
}

static struct node *draw_many(struct tree *tree, const char *word, const char *label,
                              struct node *(*draw)(struct tree *tree))
{
    struct node *many = node_new(tree, word);
    struct sequence_list list = {.max = 10, .label = label};
    while (sequence_list_more(tree->s, &list))
        node_append(many, draw(tree));
    return many;
}

static struct node *draw_module(struct tree *tree)
{
    struct node *module = node_new(tree, "Mod");
    node_append(module, draw_many(tree, "Imports", "import", draw_var));
    node_append(module, draw_many(tree, "Exports", "export", draw_var));
    return module;
}

static struct node *draw_function(struct tree *tree)
{
    struct node *function = node_new(tree, "Func");
    node_append(function, draw_var(tree));
    node_append(function, draw_many(tree, "Args", "argument", draw_argument));
    node_append(function, draw_many(tree, "Stmts", "statement", draw_statement));
    return function;
}

static struct node *draw_program(struct tree *tree)
{
    struct node *program = node_new(tree, "Lang");
    node_append(program, draw_many(tree, "Mods", "module", draw_module));
    node_append(program, draw_many(tree, "Funcs", "function", draw_function));
    return program;
}

/* ---- printing and reading ---- */

struct text {
    char at[TEXT_MAX];
    size_t length;
};

static void put(struct text *text, const char *word)
{
    size_t length = strlen(word);
    if (text->length + length + 1 > TEXT_MAX)
        return;
    memcpy(text->at + text->length, word, length + 1);
    text->length += length;
}

static void print(struct text *text, const struct node *node)
{
    put(text, node->word);
    for (const struct node *child = node->child; child; child = child->next) {
        put(text, " (");
        print(text, child);
        put(text, ")");
    }
}

static void swap_operands(struct node *node)
{
    struct node *first = node->child;
    if (!first || !first->next)
        return;
    node->child = first->next;
    node->child->next = first;
    first->next = NULL;
}

static struct node *read(struct tree *tree, const char **at)
{
    char word[WORD_MAX] = "";
    size_t length = strcspn(*at, " ()");
    memcpy(word, *at, length < WORD_MAX ? length : WORD_MAX - 1);
    struct node *node = node_new(tree, word);
    for (*at += length; strncmp(*at, " (", 2) == 0; (*at)++) {
        *at += 2;
        node_append(node, read(tree, at));
    }
    if (node && (strcmp(word, "And") == 0 || strcmp(word, "Or") == 0))
        swap_operands(node); /* the bug */
    return node;
}

bool problem_parser(struct sequence *s, struct saying *saying)
{
    struct tree *drawn = calloc(2, sizeof *drawn), *again = drawn + 1;
    struct text *before = calloc(2, sizeof *before), *after = before + 1;
    drawn->s = s;
    const struct node *program = draw_program(drawn);
    bool fails = false;
    if (!sequence_overrun(s)) {
        print(before, program);
        const char *at = before->at;
        print(after, read(again, &at));
        fails = strcmp(before->at, after->at) != 0;
    }
    saying_add(saying, "%s", before->at);
    free(drawn);
    free(before);
    return fails;
}
