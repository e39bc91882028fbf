/* trees_system.h: random supervision trees of sut/runtime, for duress_main(). */
#ifndef SCENARIOS_TREES_SYSTEM_H
#define SCENARIOS_TREES_SYSTEM_H

#include "harness/system.h"

extern const struct system trees_system;

#endif
