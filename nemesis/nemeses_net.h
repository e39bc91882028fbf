/* nemeses_net.h: what the nemeses of links and of partitions share. */
#ifndef DURESS_NEMESES_NET_H
#define DURESS_NEMESES_NET_H

#include "nemesis/nemeses_internal.h"

struct pair {
    struct node *a, *b;
};

/* Two nodes between which both directions are not cut, such as have talked if there are any. false: there are none. */
bool pick_uncut_pair(const struct nemesis *nemesis, struct pair *ret_pair);
/* How many more directions may carry nothing. */
int64_t links_left(struct world *world);

#endif
