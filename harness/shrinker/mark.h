/* mark.h: what makes two failures the same one: the kind of outcome, the property, and the place. Not the message: it
 * tells of this job and that lease. */
#ifndef DURESS_MARK_H
#define DURESS_MARK_H

#include "harness/suite/result.h"

struct mark {
    enum outcome outcome;
    char property[64];
    char place[96]; /* as in struct result; may be "" */
};

struct mark mark_of(const struct result *result);
bool mark_same(const struct mark *a, const struct mark *b);
/* "no_stale_write at store/job/finish", into out; returned. */
const char *mark_print(const struct mark *mark, char *out, size_t size);

#endif
