/* interrupt.c: see interrupt.h. */
#include "harness/interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t seen; /* handlers have no context */

static void on_signal(int signal)
{
    (void)signal;
    seen = 1;
}

void interrupt_catch(struct interrupt *interrupt)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    seen = 0;
    sigaction(SIGINT, &action, &interrupt->old[0]);
    sigaction(SIGTERM, &action, &interrupt->old[1]);
}

void interrupt_restore(const struct interrupt *interrupt)
{
    sigaction(SIGINT, &interrupt->old[0], NULL);
    sigaction(SIGTERM, &interrupt->old[1], NULL);
}

bool interrupt_seen(void)
{
    return seen;
}
