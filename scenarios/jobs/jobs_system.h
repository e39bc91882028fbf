/* jobs_system.h: the job system, put into the world. */
#ifndef SCENARIOS_JOBS_SYSTEM_H
#define SCENARIOS_JOBS_SYSTEM_H

#include "harness/system.h"

extern const struct system jobs_system;

#endif
