/* live_points.c: puts a live jobd under duress. jobd calls live_points_install() if it is linked
 * in (build/jobd: yes; the release build has no points). Without one of the variables below
 * points stay idle, at the cost of a load and a branch.
 */
#include "nemesis/live.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void live_points_install(struct point_site *site);

/* DURESS_FAULTS: our own terms. The other two are set by fiu-run, whose library then drives the
 * points by name. */
static bool wanted(void)
{
    static const char *const names[] = {"DURESS_FAULTS", "FIU_ENABLE", "FIU_CTRL_FIFO"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

/* The sink stays for the life of the process. */
void live_points_install(struct point_site *site)
{
    char why[256];
    if (!wanted())
        return;
    site->sink = live_sink_new(why, sizeof why);
    if (site->sink)
        return;
    fprintf(stderr, "%s\n", why);
    exit(2);
}
