#include "properties/bench/problems.h"
const struct problem held_out[1];
const size_t held_out_count = 0;
