/* op_insert.c: what all databases have in common when jobs come to be. The insert itself is each database's own: it decides
 * how many jobs there can be in a second. */
#include "sut/store/sql.h"

#include <errno.h>
#include <stdio.h>

int specs_check(const struct job_spec *specs, size_t count, char *why, size_t why_size)
{
    for (size_t i = 0; i < count; ++i) {
        const char *problem = job_spec_check(&specs[i]);
        if (problem) {
            snprintf(why, why_size, "job %zu of %zu: %s", i + 1, count, problem);
            return -EINVAL;
        }
    }
    return 0;
}
