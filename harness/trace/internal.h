/* internal.h: what the trace needs of the registry of points. */
#ifndef DURESS_TRACE_INTERNAL_H
#define DURESS_TRACE_INTERNAL_H

#include "harness/trace/trace.h"

/* XXH3 of the name of point `id`. registry_init() has been called. */
uint64_t registry_hash(uint32_t id);
/* The first recorded hit of a call site: keeps its field names. Aborts if another site of the same point has
 * other fields. */
void registry_learn(struct point *site, const struct point_field *fields, unsigned count);

#endif
