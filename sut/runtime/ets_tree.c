/* ets_tree.c: keys in order: a treap. The priorities come from a counter through a mixer, so they look random, keep the tree
 * flat whatever the order of inserting, and are the same in every run.
 */
#include "sut/runtime/ets_internal.h"

/* The output function of SplitMix64 (Steele, Lea, Flood 2014). */
static uint32_t priority_of(uint64_t sequence)
{
    uint64_t x = sequence * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(x ^ (x >> 31));
}

/* Where the pointer to the row with this key is, or would be. */
static struct ets_row **tree_at(struct ets *table, struct value key)
{
    struct ets_row **at = &table->tree.root;
    while (*at) {
        int order = value_compare(key, row_key(table, *at));
        if (order == 0)
            break;
        at = order < 0 ? &(*at)->left : &(*at)->right;
    }
    return at;
}

struct ets_row *tree_find(const struct ets *table, struct value key)
{
    struct ets_row *row = table->tree.root;
    for (int order; row && (order = value_compare(key, row_key(table, row))) != 0;)
        row = order < 0 ? row->left : row->right;
    return row;
}

/* Takes `tree` apart into what is below the key and what is above it. */
static void tree_split(const struct ets *table, struct ets_row *tree, struct value key,
                       struct ets_row **below, struct ets_row **above)
{
    while (tree)
        if (value_compare(row_key(table, tree), key) < 0) {
            *below = tree;
            below = &tree->right;
            tree = tree->right;
        } else {
            *above = tree;
            above = &tree->left;
            tree = tree->left;
        }
    *below = *above = NULL;
}

void tree_add(struct ets *table, struct ets_row *row)
{
    struct value key = row_key(table, row);
    struct ets_row **at = &table->tree.root;
    row->place = priority_of(++table->tree.sequence);
    while (*at && (*at)->place >= row->place)
        at = value_compare(key, row_key(table, *at)) < 0 ? &(*at)->left : &(*at)->right;
    tree_split(table, *at, key, &row->left, &row->right);
    *at = row;
    table->tree.keys++;
}

void tree_remove(struct ets *table, struct ets_row *row)
{
    struct ets_row **at = tree_at(table, row_key(table, row));
    struct ets_row *left = row->left, *right = row->right;
    while (left && right)
        if (left->place >= right->place) {
            *at = left;
            at = &left->right;
            left = left->right;
        } else {
            *at = right;
            at = &right->left;
            right = right->left;
        }
    *at = left ? left : right;
    table->tree.keys--;
}

void tree_replace(struct ets *table, struct ets_row *row, struct ets_row *with)
{
    *tree_at(table, row_key(table, row)) = with;
    with->left = row->left;
    with->right = row->right;
    with->place = row->place;
}

struct ets_row *tree_edge(const struct ets *table, bool last)
{
    struct ets_row *row = table->tree.root;
    for (struct ets_row *further = row; further; further = last ? row->right : row->left)
        row = further;
    return row;
}

struct ets_row *tree_beside(const struct ets *table, struct value key, bool below)
{
    struct ets_row *best = NULL;
    for (struct ets_row *row = table->tree.root; row;) {
        int order = value_compare(row_key(table, row), key);
        bool good = below ? order < 0 : order > 0;
        if (good)
            best = row;
        row = good == below ? row->right : row->left;
    }
    return best;
}
