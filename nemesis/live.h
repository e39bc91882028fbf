/* live.h: a live process under duress. The points of a process that was built with them are libfiu
 * failure points of the same names, so that fiu-run and fiu-ctrl drive it:
 *
 *     fiu-run -c 'enable name=store/ack/reply,failinfo=110' ./jobd-points
 *     DURESS_FAULTS='store/ack/reply: 2%disconnect; job/perform/start: 3*crash' ./jobd-points
 *
 * From libfiu alone a failing point returns -failinfo (an errno), -EIO without one, if it can
 * return an error at all. DURESS_FAULTS, read once, installs terms at the points they match; from
 * there on libfiu carries their decisions. An `enable` of the exact same name replaces the term.
 * The seed is DURESS_SEED, else 0, and printed: percentages are decided per (point, node, key,
 * ordinal), so they do not depend on how threads interleave.
 *
 * crash, kill and poweroff end the process (SIGKILL); delay and timeout really wait, in the calling
 * thread. pause and wait(NAME) are refused. TRACE points do nothing.
 */
#ifndef DURESS_LIVE_H
#define DURESS_LIVE_H

#include "harness/point.h"
#include <stddef.h>

/* Reads the environment. NULL with a message in `why` when DURESS_FAULTS or DURESS_SEED is bad. One
 * per process: libfiu's table is global. Its points may be hit from any thread. */
struct point_sink *live_sink_new(char *why, size_t size);
/* After the last hit. */
void live_sink_free(struct point_sink *sink);

#endif
