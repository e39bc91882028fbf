/* cron_words.h: a cron entry on one line:
 *
 *     [zone=NAME] [queue=NAME] [priority=N] [max-attempts=N] [catch-up=N|none] EXPRESSION WORKER [ARGS]
 *     zone=Europe/Berlin 0 3 * * MON-FRI report {"day": "yesterday"}
 */
#ifndef SUT_CLI_CRON_WORDS_H
#define SUT_CLI_CRON_WORDS_H

#include "sut/jobs/cron.h"
#include "sut/jobs/time_zone.h"
#include "sut/runtime/heap.h"

/* The strings of the entry are in `heap`. False with a sentence. */
bool cron_words(struct heap *heap, const char *name, const char *text, struct cron_entry *ret_entry,
                char *why, size_t why_size);

/* The zone by its name, from tzdata. False with a sentence. */
bool cron_zone(struct heap *heap, const char *name, struct time_zone *ret_zone, char *why,
               size_t why_size);

#endif
