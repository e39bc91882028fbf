/* problems_held_out.c: problems that the passes were not made for. They were written when the passes stood, to see how
 * far they carry; five are published challenges too. Three of them did ask for more: lists of lists for joining lists,
 * the parser for alternatives with a part less and for elements that change lists.
 */
#include "properties/bench/problems.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 40, NODES_MAX = 200 };

static size_t draw_list(struct sequence *s, size_t max, int64_t lo, int64_t hi, int64_t *values)
{
    struct sequence_list list = {.max = max};
    while (sequence_list_more(s, &list))
        values[list.count - 1] = sequence_draw_biased(s, lo, hi);
    return list.count;
}

/* ---- binheap: a list of a heap in which the values of a merge are taken for sorted ---- */

struct heap {
    int64_t value;
    struct heap *left, *right;
};

struct nodes {
    struct heap heap[NODES_MAX];
    size_t count;
};

static struct heap *heap_draw(struct sequence *s, struct nodes *nodes, int64_t least)
{
    struct heap *heap = NULL;
    sequence_span_begin(s, "heap");
    if (sequence_branch(s, 2) == 1 && nodes->count < NODES_MAX && !sequence_overrun(s)) {
        heap = &nodes->heap[nodes->count++];
        heap->value = sequence_draw_biased(s, least, INT32_MAX);
        heap->left = heap_draw(s, nodes, heap->value);
        heap->right = heap_draw(s, nodes, heap->value);
    }
    sequence_span_end(s);
    return heap;
}

static void heap_say(const struct heap *heap, struct saying *saying)
{
    if (!heap) {
        saying_add(saying, "-");
        return;
    }
    saying_add(saying, "(%ld ", (long)heap->value);
    heap_say(heap->left, saying);
    saying_add(saying, " ");
    heap_say(heap->right, saying);
    saying_add(saying, ")");
}

static struct heap *heap_merge(struct nodes *nodes, struct heap *a, struct heap *b)
{
    if (!a || !b || nodes->count == NODES_MAX)
        return a ? a : b;
    if (a->value > b->value)
        return heap_merge(nodes, b, a);
    struct heap *merged = &nodes->heap[nodes->count++];
    *merged = (struct heap){a->value, heap_merge(nodes, a->right, b), a->left};
    return merged;
}

static void heap_list(const struct heap *heap, int64_t *values, size_t *count)
{
    if (!heap)
        return;
    values[(*count)++] = heap->value;
    heap_list(heap->left, values, count);
    heap_list(heap->right, values, count);
}

static bool binheap(struct sequence *s, struct saying *saying)
{
    struct nodes nodes = {.count = 0}, merged = {.count = 0};
    int64_t values[2 * NODES_MAX];
    size_t count = 0;
    struct heap *heap = heap_draw(s, &nodes, 0);
    heap_say(heap, saying);
    if (!heap)
        return false;
    values[count++] = heap->value;
    heap_list(heap_merge(&merged, heap->left, heap->right), values, &count);
    for (size_t i = 1; i < count; i++)
        if (values[i] < values[i - 1])
            return true;
    return false;
}

/* ---- lists of lists ---- */

static bool nestedlists(struct sequence *s, struct saying *saying)
{
    int64_t values[LIST_MAX];
    size_t sum = 0;
    struct sequence_list lists = {.max = LIST_MAX};
    while (sequence_list_more(s, &lists)) {
        size_t count = draw_list(s, LIST_MAX, INT64_MIN, INT64_MAX, values);
        saying_add_list(saying, values, count);
        sum += count;
    }
    return sum > 10;
}

static bool large_union_list(struct sequence *s, struct saying *saying)
{
    int64_t values[LIST_MAX], seen[LIST_MAX];
    size_t different = 0;
    struct sequence_list lists = {.max = LIST_MAX};
    while (sequence_list_more(s, &lists)) {
        size_t count = draw_list(s, LIST_MAX, INT64_MIN, INT64_MAX, values);
        saying_add_list(saying, values, count);
        for (size_t i = 0; i < count && different < 5; i++) {
            bool is_new = true;
            for (size_t k = 0; k < different; k++)
                is_new &= seen[k] != values[i];
            if (is_new)
                seen[different++] = values[i];
        }
    }
    return different >= 5;
}

/* ---- lists and places in them ---- */

/* Deleting the first occurrence of a value leaves others. */
static bool deletion(struct sequence *s, struct saying *saying)
{
    int64_t values[LIST_MAX];
    size_t count = draw_list(s, LIST_MAX, INT64_MIN, INT64_MAX, values);
    saying_add_list(saying, values, count);
    if (count == 0)
        return false;
    size_t place = (size_t)sequence_draw_biased(s, 0, (int64_t)count - 1), found = 0;
    saying_add(saying, ",%zu", place);
    for (size_t i = 0; i < count; i++)
        found += values[i] == values[place];
    return found > 1;
}

/* Two equal pairs among many. */
static bool pairs(struct sequence *s, struct saying *saying)
{
    int64_t a[LIST_MAX], b[LIST_MAX];
    size_t count = 0;
    bool twice = false;
    struct sequence_list list = {.max = LIST_MAX, .label = "pair"};
    for (; sequence_list_more(s, &list); count++) {
        a[count] = sequence_draw_biased(s, 0, 1000);
        b[count] = sequence_draw_biased(s, 0, 1000);
        saying_add(saying, "(%ld,%ld)", (long)a[count], (long)b[count]);
        for (size_t i = 0; i < count; i++)
            twice |= a[i] == a[count] && b[i] == b[count] && a[i] > b[i];
    }
    return twice;
}

/* A length drawn before, and values that must not be the smallest ones. */
static bool poisoned_list(struct sequence *s, struct saying *saying)
{
    size_t n = (size_t)sequence_draw_biased(s, 0, 30), poison = 0;
    saying_add(saying, "[");
    for (size_t i = 0; i < n; i++) {
        sequence_span_begin(s, "cell");
        bool is_poison = sequence_chance(s, 1, 10);
        int64_t value = is_poison ? -1 : sequence_draw_biased(s, 0, 100);
        saying_add(saying, is_poison ? " P" : " %ld", (long)value);
        poison += is_poison;
        sequence_span_end(s);
    }
    saying_add(saying, " ]");
    return poison >= 2;
}

/* ---- trees ---- */

static size_t poisoned_branch(struct sequence *s, struct saying *saying, unsigned depth)
{
    size_t poison;
    sequence_span_begin(s, "tree");
    if (depth < 8 && sequence_branch(s, 2) == 1) {
        saying_add(saying, "(");
        poison = poisoned_branch(s, saying, depth + 1);
        saying_add(saying, " ");
        poison += poisoned_branch(s, saying, depth + 1);
        saying_add(saying, ")");
    } else {
        int64_t leaf = sequence_draw_biased(s, 0, 100);
        saying_add(saying, "%ld", (long)leaf);
        poison = leaf == 77;
    }
    sequence_span_end(s);
    return poison;
}

static bool poisoned_tree(struct sequence *s, struct saying *saying)
{
    return poisoned_branch(s, saying, 0) >= 2;
}

/* ---- a graph whose nodes are identities; a cycle of edges makes it fail ---- */

static bool reaches(bool edge[][LIST_MAX], size_t from, size_t to, unsigned steps)
{
    if (edge[from][to])
        return true;
    for (size_t i = 0; i < LIST_MAX && steps > 0; i++)
        if (edge[from][i] && reaches(edge, i, to, steps - 1))
            return true;
    return false;
}

static bool cycle_graph(struct sequence *s, struct saying *saying)
{
    bool edge[LIST_MAX][LIST_MAX] = {0};
    uint64_t nodes[LIST_MAX];
    size_t count = 0;
    struct sequence_list steps = {.max = LIST_MAX, .label = "step"};
    while (sequence_list_more(s, &steps)) {
        if (sequence_branch(s, count > 0 ? 2 : 1) == 0) {
            nodes[count] = count;
            saying_add(saying, "node %zu;", count);
            count++;
            continue;
        }
        size_t a = sequence_pick(s, nodes, count), b = sequence_pick(s, nodes, count);
        saying_add(saying, "edge %zu %zu;", a, b);
        edge[a][b] = a != b;
        if (a != b && reaches(edge, b, a, 2))
            return true;
    }
    return false;
}

/* ---- what chaos looks like: a crash after some work, and a retry that was set for less ---- */

static bool crash_and_retry(struct sequence *s, struct saying *saying)
{
    int64_t work = 0, crashed_at = -1;
    struct sequence_list steps = {.max = LIST_MAX, .label = "step"};
    while (sequence_list_more(s, &steps)) {
        switch (sequence_branch(s, 4)) {
        case 0: saying_add(saying, "idle;"); break;
        case 1: {
            int64_t more = sequence_draw_biased(s, 1, 100);
            saying_add(saying, "work %ld;", (long)more);
            work += more;
            break;
        }
        case 2: {
            int64_t delay = sequence_draw_biased(s, 0, 1000);
            saying_add(saying, "crash %ld;", (long)delay);
            crashed_at = work >= 50 && delay >= 5 ? delay : crashed_at;
            break;
        }
        default: {
            int64_t wait = sequence_draw_biased(s, 0, 1000);
            saying_add(saying, "retry %ld;", (long)wait);
            if (crashed_at >= 0 && wait < crashed_at && wait > 0)
                return true;
        }
        }
    }
    return false;
}

/* ---- sizes ---- */

/* A matrix whose both sides were drawn before; one cell of it is large. */
static bool matrix(struct sequence *s, struct saying *saying)
{
    int64_t rows = sequence_draw_biased(s, 0, 8), columns = sequence_draw_biased(s, 0, 8),
            large = 0;
    saying_add(saying, "%ldx%ld:", (long)rows, (long)columns);
    for (int64_t i = 0; i < rows * columns; i++) {
        int64_t cell = sequence_draw_biased(s, 0, 100);
        saying_add(saying, " %ld", (long)cell);
        large |= cell > 42;
    }
    return large;
}

const struct problem held_out[] = {
    {"binheap", GROUP_HELD_OUT, binheap, "(0 - (0 (1 - -) (0 - -)))"},
    {"nestedlists", GROUP_HELD_OUT, nestedlists, "[0,0,0,0,0,0,0,0,0,0,0]"},
    {"large_union_list", GROUP_HELD_OUT, large_union_list, "[0,1,-1,2,-2]"},
    {"deletion", GROUP_HELD_OUT, deletion, "[0,0],0"},
    {"pairs", GROUP_HELD_OUT, pairs, "(1,0)(1,0)"},
    {"poisoned list", GROUP_HELD_OUT, poisoned_list, "[ P P ]"},
    {"poisoned tree", GROUP_HELD_OUT, poisoned_tree, "(77 77)"},
    {"CycleGraph", GROUP_HELD_OUT, cycle_graph, "node 0;node 1;edge 0 1;edge 1 0;"},
    {"crash and retry", GROUP_HELD_OUT, crash_and_retry, "work 50;crash 5;retry 1;"},
    {"matrix", GROUP_HELD_OUT, matrix, "1x1: 43"},
    {"parser", GROUP_HELD_OUT, problem_parser,
     "Lang (Mods) (Funcs (Func (Var (A)) (Args (And (Int (0)) (Int (1)))) (Stmts)))"},
};
const size_t held_out_count = sizeof held_out / sizeof held_out[0];
