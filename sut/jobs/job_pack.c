/* job_pack.c: a job with its texts in one block of memory: one release gives back all of it, and the block can be given to
 * another process. A pure function of the job. */
#include "sut/jobs/internal.h"

#include <string.h>

size_t job_pack_size(const struct job *job)
{
    size_t size = sizeof *job;
#define X(text, without) size += strlen(job->text) + 1;
    JOB_TEXTS(X)
#undef X
    return size;
}

static const char *text_pack(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

struct job *job_pack(void *block, const struct job *job)
{
    struct job *copy = block;
    char *at = (char *)(copy + 1);
    *copy = *job;
#define X(text, without) copy->text = text_pack(&at, job->text);
    JOB_TEXTS(X)
#undef X
    return copy;
}

/* The text at *at, which ends before `end`; NULL: it does not. */
static const char *text_unpack(const char **at, const char *end)
{
    const char *text = *at;
    const char *last = text ? memchr(text, '\0', (size_t)(end - text)) : NULL;
    *at = last ? last + 1 : NULL;
    return last ? text : NULL;
}

struct job *job_unpack(void *block, size_t size)
{
    struct job *job = block;
    if (size < sizeof *job)
        return NULL;
    const char *at = (const char *)(job + 1), *end = (const char *)block + size;
#define X(text, without) job->text = text_unpack(&at, end);
    JOB_TEXTS(X)
#undef X
    return at ? job : NULL;
}
