/* json_contains.h: does one JSON value contain another? As jsonb of PostgreSQL has it (@>): an object contains one whose members it
 * has, each of them containing the other's; an array contains one each of whose elements some element of its own contains,
 * whatever their order; anything else contains what is equal to it, by its value. */
#ifndef SUT_JSON_CONTAINS_H
#define SUT_JSON_CONTAINS_H

#include "sut/runtime/heap.h"

#include <stdbool.h>

/* False, too, if one of them is no JSON. What it needs meanwhile is in `heap`. */
bool json_contains(struct heap *heap, const char *whole, const char *part);

#endif
