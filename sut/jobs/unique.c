/* unique.c: what makes two unique jobs the same. Pure functions; that there is one of them only is the database's doing
 * (sut/store/op/unique.c). */
#include "sut/jobs/unique.h"

#include "sut/jobs/canonical.h"
#include "sut/jobs/digest.h"

#include <string.h>

#define FIELDS_ALL      ((1u << UNIQUE_FIELD_COUNT) - 1)
#define FIELDS_USUAL    (JOB_UNIQUE_ARGS | JOB_UNIQUE_QUEUE | JOB_UNIQUE_WORKER)
#define REPLACE_ALL     ((1u << REPLACE_FIELD_COUNT) - 1)
#define STATES_OF_FRESH (JOB_STATE_BIT(JOB_AVAILABLE) | JOB_STATE_BIT(JOB_SCHEDULED))

static unsigned fields_of(const struct job_unique *unique)
{
    return unique->fields ? unique->fields : FIELDS_USUAL;
}

int64_t job_unique_period_ms(const struct job_unique *unique)
{
    return unique->period_ms ? unique->period_ms : JOB_UNIQUE_PERIOD_MS;
}

unsigned job_unique_states(const struct job_unique *unique)
{
    return unique->states ? unique->states : JOB_STATES_SUCCESSFUL;
}

bool job_unique_by_args(const struct job_unique *unique)
{
    return !unique->fields || unique->fields & JOB_UNIQUE_ARGS;
}

const char *job_unique_check(const struct job_unique *unique)
{
    if (unique->period_ms < 0)
        return "a period of uniqueness must not be negative";
    if (unique->fields & ~FIELDS_ALL)
        return "it is to be unique by a field that there is not";
    if (unique->states & ~JOB_STATES_ALL)
        return "it is to be unique in a state that there is not";
    if (unique->keys && !(fields_of(unique) & (JOB_UNIQUE_ARGS | JOB_UNIQUE_META)))
        return "keys are members of args and meta, but it is to be unique by neither";
    if (unique->keys && !unique->keys[0])
        return "it is to be unique by keys, but by none of them";
    for (int state = 0; state < JOB_STATE_COUNT; ++state)
        if (unique->replace[state] & ~REPLACE_ALL)
            return "a field is to be replaced that there is not";
    return NULL;
}

const char *job_unique_warning(const struct job_unique *unique)
{
    if (!(job_unique_states(unique) & STATES_OF_FRESH))
        return "a job that was just inserted is in none of the states in which it is to be unique";
    return NULL;
}

/* ---- the key ---- */

static void add_field(struct text *text, const char *name, const char *value)
{
    text_add(text, name, strlen(name) + 1);
    text_add(text, value, strlen(value) + 1); /* no name of a worker or queue has a NUL in it */
}

static bool add_json(struct text *text, const char *name, const char *json,
                     const struct job_unique *unique)
{
    add_field(text, name, "");
    return canonical_json(json ? json : "{}", unique->keys, text);
}

static bool add_fields(struct text *text, const struct job_spec *spec)
{
    unsigned fields = fields_of(spec->unique);
    if (fields & JOB_UNIQUE_QUEUE)
        add_field(text, "queue", spec->queue ? spec->queue : "default");
    if (fields & JOB_UNIQUE_WORKER)
        add_field(text, "worker", spec->worker);
    return (!(fields & JOB_UNIQUE_ARGS) || add_json(text, "args", spec->args, spec->unique)) &&
           (!(fields & JOB_UNIQUE_META) || add_json(text, "meta", spec->meta, spec->unique));
}

bool job_unique_key(struct heap *heap, const struct job_spec *spec,
                    char out[static JOB_UNIQUE_KEY_SIZE])
{
    struct text text = {.heap = heap};
    unsigned char digest[32];
    bool sound = add_fields(&text, spec);
    if (sound)
        sha256(text.bytes, text.size, digest);
    heap_release(heap, text.bytes);
    for (int i = 0; sound && i < JOB_UNIQUE_KEY_SIZE - 1; ++i)
        out[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
    out[JOB_UNIQUE_KEY_SIZE - 1] = '\0';
    return sound;
}

struct job_unique *job_unique_copy(struct heap *heap, const struct job_unique *unique)
{
    struct job_unique *copy = heap_memdup(heap, unique, sizeof *unique);
    size_t count = 0;
    while (unique->keys && unique->keys[count])
        ++count;
    const char **keys = unique->keys ? heap_alloc(heap, (count + 1) * sizeof *keys) : NULL;
    for (size_t i = 0; i < count; ++i)
        keys[i] = heap_strdup(heap, unique->keys[i]);
    copy->keys = keys;
    return copy;
}
