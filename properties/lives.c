/* lives.c: what changes the lives of nodes. */
#include "properties/lives.h"

#include <string.h>

void lives_boot(struct judge *judge, void *lives, const struct event *event)
{
    boots_next(judge, &((struct lives *)lives)->boots, event);
    lives_time(lives, event->node)->gone = false;
    lives_time(lives, event->node)->paused = false;
}

void lives_gone(struct judge *judge, void *lives, const struct event *event)
{
    (void)judge;
    lives_time(lives, event->node)->gone = true;
}

void lives_pause(struct judge *judge, void *lives, const struct event *event)
{
    (void)judge;
    struct node_time *time = lives_time(lives, event->node);
    time->paused = strcmp(event->point->name, "world/node/pause") == 0;
    time->disturbed++;
}

void lives_disturb(struct judge *judge, void *lives, const struct event *event)
{
    (void)judge;
    lives_time(lives, event->node)->disturbed++;
}
