/* stage_queue.c: events that wait, one block each. */
#include "sut/runtime/stage_internal.h"

#include <string.h>

void queue_append(struct stage_queue *queue, struct stage_node *node)
{
    node->next = NULL;
    *(queue->first ? &queue->last->next : &queue->first) = node;
    queue->last = node;
    queue->count++;
}

void queue_add(struct heap *heap, struct stage_queue *queue, const void *data, size_t size)
{
    struct stage_node *node = heap_alloc(heap, sizeof *node + size);
    node->size = size;
    if (size > 0)
        memcpy(node->data, data, size);
    queue_append(queue, node);
}

struct stage_node *queue_take(struct stage_queue *queue)
{
    struct stage_node *node = queue->first;
    if (!node)
        return NULL;
    queue->first = node->next;
    queue->count--;
    return node;
}

void queue_move(struct stage_queue *to, struct stage_queue *from)
{
    if (!from->first)
        return;
    *(to->first ? &to->last->next : &to->first) = from->first;
    to->last = from->last;
    to->count += from->count;
    *from = (struct stage_queue){0};
}

void queue_clear(struct heap *heap, struct stage_queue *queue)
{
    for (struct stage_node *node; (node = queue_take(queue));)
        heap_release(heap, node);
}

struct stage_event node_event(const struct stage_node *node)
{
    return (struct stage_event){.data = node->data, .size = node->size};
}
