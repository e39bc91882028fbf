/* interrupt.h: Ctrl-C, for what wants to end in order: between catch and restore the first SIGINT or
 * SIGTERM is only noted, a second one ends the process at once. */
#ifndef DURESS_INTERRUPT_H
#define DURESS_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

struct interrupt {
    struct sigaction old[2];
};

void interrupt_catch(struct interrupt *interrupt);
void interrupt_restore(const struct interrupt *interrupt);
/* Since the last catch. */
bool interrupt_seen(void);

#endif
