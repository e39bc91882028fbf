/* Workers in C that jobd loads: load = /usr/local/lib/jobd/pictures.so
 *     cc -shared -fPIC -o pictures.so pictures.c $(pkg-config --cflags jobs) */
#include "sut/cli/jobs_plugin.h"

#include <stdio.h>
#include <string.h>

/* jobctl insert thumbnail '{"picture": "cat.png"}' */
static enum jobs_ending thumbnail(struct jobs_run *run)
{
    if (!strstr(run->args, "\"picture\"")) {
        snprintf(run->text, sizeof run->text, "no \"picture\" in the arguments");
        return JOBS_DISCARD; /* trying again would not help */
    }
    snprintf(run->text, sizeof run->text, "{\"attempt\": %u, \"key\": \"%s\"}", run->attempt,
             run->key);
    return JOBS_DONE; /* with a result: jobctl show tells it */
}

/* It runs in a process of its own: nothing but this attempt is lost. */
static enum jobs_ending crash(struct jobs_run *run)
{
    volatile int *nowhere = (int *)(size_t)run->attempt;
    return *nowhere ? JOBS_DONE : JOBS_FAILED;
}

/* In a thread, which can only be asked to end. */
static enum jobs_ending watch(struct jobs_run *run)
{
    while (run->nap(run, 100))
        ;
    snprintf(run->text, sizeof run->text, "nobody waits for it any more");
    return JOBS_FAILED;
}

static const struct jobs_plugin_worker workers[] = {
    {.name = "thumbnail", .run = thumbnail, .timeout_ms = 60000},
    {.name = "crash", .run = crash},
    {.name = "watch", .run = watch, .where = JOBS_IN_THREAD, .timeout_ms = 300},
};
JOBS_PLUGIN("pictures, made smaller", workers);
