/* unique_words.h: uniqueness as people write it:
 *
 *     true                                          for ever, by args, queue and worker
 *     period=1h,states=incomplete                   whatever is not said is as in struct job_unique
 *     fields=args+worker,keys=id+account,timestamp=scheduled_at
 *     replace=priority,replace:scheduled=args+scheduled_at
 *     false                                         not unique
 */
#ifndef SUT_CLI_UNIQUE_WORDS_H
#define SUT_CLI_UNIQUE_WORDS_H

#include "sut/jobs/unique.h"

/* False, with a sentence that names the nearest word. *ret_unique is NULL for `false`; else it is in the heap. */
bool unique_words(struct heap *heap, const char *text, const struct job_unique **ret_unique,
                  char *why, size_t why_size);

#endif
