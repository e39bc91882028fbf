/* child_stem.c: runs that begin alike are made once, up to where they part. See child.h.
 *
 * The stem makes its run, and looks at every hit of a fault point before it is decided what is injected there. Where a
 * branch parts, it forks: the copy takes over the edits of the branch and goes on with its run, to its end; the stem
 * waits for it, passes on its message and goes on, too. Keyed choices do not depend on when an edit was made, if only
 * it was made before they were; so a branch is the run of its tape, event for event.
 */
#include "harness/process/child_internal.h"

#include <stdlib.h>
#include <unistd.h>
#include <uthash.h>

/* A hit at which some branch parts. */
struct fork_place {
    uint64_t hit;
    UT_hash_handle hh;
};

struct stem {
    struct execution *x;
    struct child child; /* one branch at a time */
    struct fork_place *places;
    uint64_t *hits; /* per branch */
    bool is_branch; /* in the copy that became one */
};

static struct child_task task_of(const struct stem *stem, const struct branch *branch)
{
    struct child_task task = stem->x->task;
    task.run = branch->run;
    task.record = branch->record;
    task.branches = NULL;
    task.branch_count = 0;
    return task;
}

static void become(struct stem *stem, const struct branch *branch, struct tape *tape, int out)
{
    const struct child_task task = task_of(stem, branch);
    stem->is_branch = true;
    close(stem->x->out);
    execution_begin(stem->x, &task, out, stem->child.noise);
    tape_watch(tape, NULL, NULL);
    tape_forget(tape);
    tape_record(tape, branch->record);
    tape_join(tape, branch->tape);
}

/* true: here goes on the branch. */
static bool grow(struct stem *stem, size_t index, struct tape *tape)
{
    const struct branch *branch = &stem->x->task.branches[index];
    const struct child_task task = task_of(stem, branch);
    int out = child_fork(&stem->child, &task);
    if (out >= 0) {
        become(stem, branch, tape, out);
        return true;
    }
    struct branch_head head = {.branch = index};
    size_t length;
    char *message = child_listen(&stem->child, &length);
    head.length = length;
    child_write(stem->x->out, &head, sizeof head);
    child_write(stem->x->out, message, length);
    free(message);
    return false;
}

static void at_hit(void *ctx, struct tape *tape, const struct choice *choice)
{
    struct stem *stem = ctx;
    struct fork_place *place;
    uint64_t hit = choice_hash(choice);
    HASH_FIND(hh, stem->places, &hit, sizeof hit, place);
    if (!place)
        return;
    for (size_t i = 0; i < stem->x->task.branch_count; i++)
        if (stem->hits[i] == hit && grow(stem, i, tape))
            return;
    HASH_DEL(stem->places, place);
    free(place);
    if (!stem->places)
        _exit(0); /* the rest of this run is of no interest */
}

static void place_add(struct stem *stem, uint64_t hit)
{
    struct fork_place *place;
    HASH_FIND(hh, stem->places, &hit, sizeof hit, place);
    if (place)
        return;
    place = calloc(1, sizeof *place);
    if (!place)
        abort();
    place->hit = hit;
    HASH_ADD(hh, stem->places, hit, sizeof hit, place);
}

static void stem_done(struct stem *stem)
{
    struct fork_place *place, *next;
    HASH_ITER (hh, stem->places, place, next) {
        HASH_DEL(stem->places, place);
        free(place);
    }
    close(stem->child.noise);
    free(stem->hits);
}

void stem_execute(struct execution *x)
{
    struct stem stem = {.x = x, .hits = calloc(x->task.branch_count, sizeof *stem.hits)};
    struct tape *tape = x->task.tape;
    if (!stem.hits)
        abort();
    for (size_t i = 0; i < x->task.branch_count; i++) {
        stem.hits[i] = choice_hash(&x->task.branches[i].at);
        place_add(&stem, stem.hits[i]);
    }
    child_init(&stem.child);
    tape_watch(tape, at_hit, &stem);
    run_execute(&x->run, x->task.scenario, tape, UINT64_MAX);
    if (!stem.is_branch) {
        fprintf(stderr, "ERROR: a hit of the run was not met again when it was repeated\n");
        _exit(1);
    }
    stem_done(&stem);
}
