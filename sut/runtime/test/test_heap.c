/* Heaps: what is counted, what goes with what. */
#include "sut/runtime/heap.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(heap, counts_live_blocks_and_bytes)
{
    struct heap *heap = heap_new();
    char *a = heap_alloc(heap, 10), *b = heap_strdup(heap, "four"), *c = heap_memdup(heap, "xy", 2);
    cr_assert_eq(heap_blocks(heap), 3);
    cr_assert_eq(heap_bytes(heap), 10 + 5 + 2);
    heap_release(heap, b); /* the middle, then the newest, then the oldest */
    heap_release(heap, c);
    cr_assert_eq(heap_bytes(heap), 10);
    heap_release(heap, a);
    heap_release(heap, NULL);
    cr_assert_eq(heap_blocks(heap), 0);
    heap_free(heap);
    heap_free(NULL);
}

Test(heap, blocks_are_zeroed_and_aligned)
{
    struct heap *heap = heap_new();
    for (size_t size = 0; size < 100; ++size) {
        unsigned char *block = heap_alloc(heap, size);
        cr_assert_eq((uintptr_t)block % 16, 0);
        for (size_t i = 0; i < size; ++i)
            cr_assert_eq(block[i], 0);
        memset(block, 0xff, size);
        if (size % 2)
            heap_release(heap, block);
    }
    cr_assert_null(heap_strdup(heap, NULL));
    heap_free(heap);
}

Test(heap, realloc_keeps_content_and_place_in_the_list)
{
    struct heap *heap = heap_new();
    char *text = heap_realloc(heap, NULL, 4);
    strcpy(text, "abc");
    heap_alloc(heap, 1);
    text = heap_realloc(heap, text, 100000);
    cr_assert_str_eq(text, "abc");
    cr_assert_eq(heap_blocks(heap), 2);
    cr_assert_eq(heap_bytes(heap), 100001);
    heap_free(heap);
}

Test(heap, in_place_can_be_used_again)
{
    struct heap heap;
    heap_init(&heap);
    heap_alloc(&heap, 10);
    heap_done(&heap);
    cr_assert_eq(heap_blocks(&heap), 0);
    heap_alloc(&heap, 10);
    cr_assert_eq(heap_blocks(&heap), 1);
    heap_done(&heap);
}

/* Under AddressSanitizer and valgrind these also show that nothing is freed twice or left. */
Test(heap, children_go_with_their_parent)
{
    struct heap *heap = heap_new(), *child = heap_child(heap), *grandchild = heap_child(child);
    heap_alloc(child, 10);
    heap_alloc(grandchild, 20);
    heap_free(heap_child(heap));
    cr_assert_eq(heap_bytes(heap), 30);
    cr_assert_eq(heap_blocks(heap), 4, "two blocks and two heaps");
    heap_done(heap);
    cr_assert_eq(heap_blocks(heap), 0);
    heap_child(heap);
    heap_free(heap);
}

Test(heap, adopted_children_outlive_their_first_parent)
{
    struct heap *first = heap_new(), *second = heap_new(), *child = heap_child(first);
    char *text = heap_strdup(child, "here");
    heap_adopt(second, child);
    heap_free(first);
    cr_assert_str_eq(text, "here");
    cr_assert_eq(heap_blocks(second), 2);
    heap_free(second);
}

Test(heap, blocks_of_a_pool_are_blocks_like_others)
{
    struct heap *parent = heap_new(), *heap = heap_pooled(parent, 300);
    char *large = heap_alloc(heap, 400), *first = heap_strdup(heap, "first");
    char *second = heap_alloc(heap, 33), *text = heap_memdup(heap, "grows", 6);
    for (size_t i = 0; i < 33; ++i)
        cr_assert_eq(second[i], 0);
    cr_assert_eq((uintptr_t)second % 16, 0);
    cr_assert_eq(heap_blocks(heap), 4);
    heap_release(heap, large);
    heap_release(heap, second);
    text = heap_realloc(heap, text, 1000);
    cr_assert_str_eq(text, "grows");
    cr_assert_str_eq(first, "first");
    cr_assert_eq(heap_bytes(heap), 6 + 1000);
    for (int i = 0; i < 30; ++i) /* more than the pool has */
        strcpy(heap_alloc(heap, 32), "0123456789012345678901234567890");
    cr_assert_eq(heap_blocks(parent), 1 + 32);
    heap_done(heap);
    cr_assert_eq(heap_blocks(heap), 0);
    cr_assert_eq(*(char *)heap_alloc(heap, 250), 0, "it is zeroed again");
    heap_free(parent);
    heap_free(heap_pooled(NULL, 100));
}

Test(heap, a_stock_keeps_what_heaps_release)
{
    struct heap_stock stock = {0};
    struct heap *first = heap_stocked(&stock), *child = heap_child(first);
    memset(heap_alloc(child, 100), 'x', 100);
    heap_free(child);
    child = heap_pooled(first, 500);
    struct heap within;
    heap_init_like(&within, child);
    char *fresh = heap_alloc(&within, 65), *text = heap_strdup(&within, "grows");
    for (int i = 0; i < 65; ++i)
        cr_assert_eq(fresh[i], 0, "it is zeroed, wherever it was");
    for (size_t size = 6; size < 10000;
         size += 61) { /* in its block, into others, out of the stock */
        text = heap_realloc(&within, text, size);
        cr_assert_str_eq(text, "grows");
        memset(text + 6, 'x', size - 6);
    }
    cr_assert_eq(heap_blocks(&within), 2);
    text = heap_realloc(&within, text, 70); /* and back */
    cr_assert_str_eq(text, "grows");
    cr_assert_eq(heap_bytes(&within), 65 + 70);
    heap_release(&within, fresh);
    heap_done(&within);
    heap_free(first);
    first = heap_stocked(&stock);
    for (int i = 0; i < 40; ++i)
        memset(heap_alloc(first, 64 * i), 'x', 64 * i);
    cr_assert_eq(heap_blocks(first), 40);
    heap_free(first);
    heap_stock_done(&stock);
}

Test(heap, spares_go_from_heap_to_heap)
{
    struct heap a, b;
    struct heap_spares spares = {0};
    heap_init(&a);
    heap_init(&b);
    char *small = heap_take(&a, &spares, 10), *large = heap_take(&a, &spares, 1000);
    memset(small, 'x', 10);
    memset(large, 'x', 1000);
    heap_give(&a, &spares, small);
    heap_give(&a, &spares, large);
    cr_assert_eq(heap_blocks(&a), 0);
    cr_assert_eq(spares.count, 1, "large ones go back to malloc");
    cr_assert_eq((char *)heap_take(&b, &spares, 20), small);
    cr_assert_eq(heap_blocks(&b), 1);
    cr_assert_eq(spares.count, 0);
    heap_release(&b, small);
    heap_give(&b, &spares, heap_alloc(&b, 64));
    cr_assert_eq(heap_blocks(&b), 0);
    heap_spares_done(&spares);
    heap_done(&a);
    heap_done(&b);
}

Test(heap, spares_are_bounded)
{
    enum { MANY = 1000 };
    struct heap heap;
    struct heap_spares spares = {0};
    void *blocks[MANY];
    heap_init(&heap);
    for (int i = 0; i < MANY; i++)
        blocks[i] = heap_take(&heap, &spares, 1);
    for (int i = 0; i < MANY; i++)
        heap_give(&heap, &spares, blocks[i]);
    cr_assert_lt(spares.count, MANY);
    heap_spares_done(&spares);
    cr_assert_null(spares.first);
    heap_done(&heap);
}
