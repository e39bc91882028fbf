/* story_words.h: what was done to the system, in words. */
#ifndef DURESS_STORY_WORDS_H
#define DURESS_STORY_WORDS_H

#include "harness/trace/trace.h"

/* Was something injected here: a fault at a point, or an event of a nemesis? */
bool event_is_injected(const struct event *event);
/* "the reply of store/ack was lost (disconnect), queue mail". No newline. */
void event_tell(const struct event *event, FILE *out);

#endif
