/* lives.c: what changes the lives of nodes. */
#include "properties/lives.h"

#include <string.h>

void lives_gone(struct judge *judge, void *lives, const struct event *event)
{
    (void)judge;
    struct node_life *node = lives_node(lives, event->node);
    node->generation++;
    node->paused = false;
}

void lives_pause(struct judge *judge, void *lives, const struct event *event)
{
    (void)judge;
    struct node_life *node = lives_node(lives, event->node);
    node->paused = strcmp(event->point->name, "world/node/pause") == 0;
    node->disturbed++;
}

void lives_disturb(struct judge *judge, void *lives, const struct event *event)
{
    (void)judge;
    lives_node(lives, event->node)->disturbed++;
}
