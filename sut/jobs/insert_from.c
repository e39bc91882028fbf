/* insert_from.c: jobs that come one after the other, as many as there are: a chunk of them is held at a time. */
#include "sut/jobs/internal.h"

struct chunk {
    struct job_spec specs[JOBS_CHUNK];
    uint64_t ids[JOBS_CHUNK];
    bool conflicts[JOBS_CHUNK];
    size_t count;
};

/* False: there is no more to come. */
static bool chunk_fill(struct chunk *chunk, struct heap *heap, job_next *next, void *ctx)
{
    while (chunk->count < JOBS_CHUNK) {
        struct job_spec spec = {0};
        if (!next(ctx, &spec))
            return false;
        chunk->specs[chunk->count++] = job_spec_copy(heap, &spec);
    }
    return true;
}

static int chunk_insert(struct proc *self, struct jobs *jobs, struct chunk *chunk,
                        uint64_t *inserted)
{
    int err = chunk->count ? jobs_insert(self, jobs, chunk->specs, chunk->count, NULL, chunk->ids,
                                         chunk->conflicts)
                           : 0;
    for (size_t i = 0; !err && i < chunk->count; ++i)
        *inserted += !chunk->conflicts[i];
    return err;
}

int jobs_insert_from(struct proc *self, struct jobs *jobs, job_next *next, void *ctx,
                     uint64_t *ret_inserted)
{
    uint64_t inserted = 0;
    int err = 0;
    for (bool more = true; more && !err;) {
        struct heap *heap = heap_child(proc_heap(self));
        struct chunk *chunk = heap_alloc(heap, sizeof *chunk);
        more = chunk_fill(chunk, heap, next, ctx);
        err = chunk_insert(self, jobs, chunk, &inserted);
        heap_free(heap);
    }
    if (ret_inserted)
        *ret_inserted = inserted;
    return err;
}
