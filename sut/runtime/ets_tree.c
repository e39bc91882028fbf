/* ets_tree.c: keys in order: a B-tree of rows. Beside each row a node has the rank of its key (value_rank), so that looking for
 * a key touches a row only where ranks are equal, which is mostly the row that is looked for. Nodes are split and filled up on
 * the way down (Cormen et al., ch. 18): what is below can always give or take one.
 */
#include "sut/runtime/ets_internal.h"

#include <string.h>

enum { HALF = 16, FULL = 2 * HALF - 1 }; /* a node but the root has HALF - 1 to FULL rows */

struct ets_node {
    uint32_t count;
    bool leaf;
    uint64_t ranks[FULL];
    struct ets_row *rows[FULL];
    struct ets_node *children[]; /* FULL + 1, unless it is a leaf */
};

static struct ets_node *node_new(struct ets *table, bool leaf)
{
    struct ets_node *node = NULL;
    size_t children = leaf ? 0 : (FULL + 1) * sizeof(struct ets_node *);
    node = heap_alloc(table->heap, sizeof *node + children);
    node->leaf = leaf;
    return node;
}

/* The first place whose rank is not below `rank`: as many as are below it. Counting all of a node costs less than to jump
 * where no processor can foresee it.
 */
static uint32_t rank_seek(const struct ets_node *node, uint64_t rank)
{
    uint32_t below = 0;
    for (uint32_t i = 0; i < node->count; i++)
        below += node->ranks[i] < rank;
    return below;
}

/* The first place whose key is not below `key`; *ret_same: it is the key's own. */
static uint32_t node_seek(const struct ets *table, const struct ets_node *node, struct value key,
                          uint64_t rank, bool *ret_same)
{
    uint32_t place = rank_seek(node, rank);
    int order = 1;
    while (place < node->count && node->ranks[place] == rank &&
           (order = value_compare(row_key(table, node->rows[place]), key)) < 0)
        place++;
    *ret_same = place < node->count && node->ranks[place] == rank && order == 0;
    return place;
}

/* Where the key is; NULL: nowhere. */
static struct ets_node *tree_seek(const struct ets *table, struct value key, uint32_t *ret_place)
{
    uint64_t rank = value_rank(key);
    struct ets_node *node = table->tree.root;
    bool same = false;
    while (node) {
        *ret_place = node_seek(table, node, key, rank, &same);
        if (same)
            break;
        node = node->leaf ? NULL : node->children[*ret_place];
    }
    return node;
}

struct ets_row *tree_find(const struct ets *table, struct value key)
{
    uint32_t place = 0;
    const struct ets_node *node = tree_seek(table, key, &place);
    return node ? node->rows[place] : NULL;
}

void tree_replace(struct ets *table, struct ets_row *row, struct ets_row *with)
{
    uint32_t place = 0;
    struct ets_node *node = tree_seek(table, row_key(table, row), &place);
    if (node)
        node->rows[place] = with;
}

/* ---- moving rows and children about ---- */

/* `count` rows, with their ranks, from one place to another. */
static void node_move(struct ets_node *to, uint32_t to_place, struct ets_node *from,
                      uint32_t from_place, uint32_t count)
{
    memmove(to->ranks + to_place, from->ranks + from_place, count * sizeof *to->ranks);
    memmove(to->rows + to_place, from->rows + from_place, count * sizeof(struct ets_row *));
}

static void children_move(struct ets_node *to, uint32_t to_place, struct ets_node *from,
                          uint32_t from_place, uint32_t count)
{
    if (!to->leaf)
        memmove(to->children + to_place, from->children + from_place,
                count * sizeof(struct ets_node *));
}

/* Makes room at a place, and (not in a leaf) on the right of it for a child. */
static void node_open(struct ets_node *node, uint32_t place)
{
    node_move(node, place + 1, node, place, node->count - place);
    children_move(node, place + 2, node, place + 1, node->count - place);
    node->count++;
}

/* Closes a place, and the child on the right of it. */
static void node_close(struct ets_node *node, uint32_t place)
{
    node_move(node, place, node, place + 1, node->count - place - 1);
    children_move(node, place + 1, node, place + 2, node->count - place - 1);
    node->count--;
}

/* ---- adding ---- */

/* The full child at `place` becomes two, with its middle row between them in the parent. */
static void child_split(struct ets *table, struct ets_node *parent, uint32_t place)
{
    struct ets_node *left = parent->children[place], *right = node_new(table, left->leaf);
    node_open(parent, place);
    node_move(parent, place, left, HALF - 1, 1);
    parent->children[place + 1] = right;
    node_move(right, 0, left, HALF, HALF - 1);
    children_move(right, 0, left, HALF, HALF);
    left->count = right->count = HALF - 1;
}

static struct ets_node *root_with_room(struct ets *table)
{
    struct ets_node *root = table->tree.root;
    if (!root)
        return table->tree.root = node_new(table, true);
    if (root->count < FULL)
        return root;
    struct ets_node *above = node_new(table, false);
    above->children[0] = root;
    child_split(table, above, 0);
    return table->tree.root = above;
}

void tree_add(struct ets *table, struct ets_row *row)
{
    struct value key = row_key(table, row);
    uint64_t rank = value_rank(key);
    struct ets_node *node = root_with_room(table);
    bool same;
    uint32_t place = node_seek(table, node, key, rank, &same);
    while (!node->leaf) {
        if (node->children[place]->count == FULL) {
            child_split(table, node, place);
            place = node_seek(table, node, key, rank, &same);
        }
        node = node->children[place];
        place = node_seek(table, node, key, rank, &same);
    }
    node_open(node, place);
    node->ranks[place] = rank;
    node->rows[place] = row;
    table->tree.keys++;
}

/* ---- removing ---- */

static void borrow_left(struct ets_node *parent, uint32_t place)
{
    struct ets_node *child = parent->children[place], *left = parent->children[place - 1];
    node_move(child, 1, child, 0, child->count);
    children_move(child, 1, child, 0, child->count + 1);
    node_move(child, 0, parent, place - 1, 1);
    node_move(parent, place - 1, left, left->count - 1, 1);
    children_move(child, 0, left, left->count, 1);
    child->count++;
    left->count--;
}

static void borrow_right(struct ets_node *parent, uint32_t place)
{
    struct ets_node *child = parent->children[place], *right = parent->children[place + 1];
    node_move(child, child->count, parent, place, 1);
    node_move(parent, place, right, 0, 1);
    children_move(child, child->count + 1, right, 0, 1);
    child->count++;
    node_move(right, 0, right, 1, right->count - 1);
    children_move(right, 0, right, 1, right->count);
    right->count--;
}

/* The children beside a place become one, with the row at the place in its middle. */
static struct ets_node *children_join(struct ets *table, struct ets_node *parent, uint32_t place)
{
    struct ets_node *left = parent->children[place], *right = parent->children[place + 1];
    node_move(left, left->count, parent, place, 1);
    node_move(left, left->count + 1, right, 0, right->count);
    children_move(left, left->count + 1, right, 0, right->count + 1);
    left->count += 1 + right->count;
    node_close(parent, place);
    heap_release(table->heap, right);
    return left;
}

/* The child at `place`, or what it has become part of: with at least HALF rows, so that one can go. */
static struct ets_node *child_filled(struct ets *table, struct ets_node *parent, uint32_t place)
{
    if (parent->children[place]->count >= HALF)
        return parent->children[place];
    if (place > 0 && parent->children[place - 1]->count >= HALF) {
        borrow_left(parent, place);
        return parent->children[place];
    }
    if (place < parent->count && parent->children[place + 1]->count >= HALF) {
        borrow_right(parent, place);
        return parent->children[place];
    }
    return children_join(table, parent, place < parent->count ? place : place - 1);
}

/* Takes the last or the first row out of a subtree that can spare it, into `node` at `place`. */
static void edge_take(struct ets *table, struct ets_node *subtree, bool last, struct ets_node *node,
                      uint32_t place)
{
    while (!subtree->leaf)
        subtree = child_filled(table, subtree, last ? subtree->count : 0);
    uint32_t edge = last ? subtree->count - 1 : 0;
    node_move(node, place, subtree, edge, 1);
    node_close(subtree, edge);
}

/* A row in the middle of the tree: one beside it, from below, takes its place. NULL: done; else where it is now. */
static struct ets_node *inner_remove(struct ets *table, struct ets_node *node, uint32_t place)
{
    struct ets_node *left = node->children[place], *right = node->children[place + 1];
    if (left->count < HALF && right->count < HALF)
        return children_join(table, node, place);
    bool from_left = left->count >= HALF;
    edge_take(table, from_left ? left : right, from_left, node, place);
    return NULL;
}

static void root_shrink(struct ets *table)
{
    struct ets_node *root = table->tree.root;
    if (!root || root->count > 0)
        return;
    table->tree.root = root->leaf ? NULL : root->children[0];
    heap_release(table->heap, root);
}

void tree_remove(struct ets *table, struct ets_row *row)
{
    struct value key = row_key(table, row);
    uint64_t rank = value_rank(key);
    struct ets_node *node = table->tree.root;
    while (node) {
        bool same;
        uint32_t place = node_seek(table, node, key, rank, &same);
        if (node->leaf) {
            node_close(node, place);
            break;
        }
        node = same ? inner_remove(table, node, place) : child_filled(table, node, place);
    }
    root_shrink(table);
    table->tree.keys--;
}

/* ---- going along ---- */

struct ets_row *tree_edge(const struct ets *table, bool last)
{
    const struct ets_node *node = table->tree.root;
    if (!node)
        return NULL;
    while (!node->leaf)
        node = node->children[last ? node->count : 0];
    return node->rows[last ? node->count - 1 : 0];
}

struct ets_row *tree_beside(const struct ets *table, struct value key, bool below)
{
    uint64_t rank = value_rank(key);
    struct ets_row *best = NULL;
    for (const struct ets_node *node = table->tree.root; node;) {
        bool same;
        uint32_t place = node_seek(table, node, key, rank, &same);
        if (below && place > 0)
            best = node->rows[place - 1];
        if (same && !below)
            place++;
        if (!below && place < node->count)
            best = node->rows[place];
        node = node->leaf ? NULL : node->children[place];
    }
    return best;
}
