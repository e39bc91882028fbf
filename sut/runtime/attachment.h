/* attachment.h: what others keep about a process and must settle when it ends: a table that it owns, its entries in a
 * registry. An attachment lies in the structure that it is about. `release` is called once, already detached, in the order of
 * attaching: `died`: the process is found no more by its id, and its links and monitors have not been told yet. Else the runtime
 * is being freed, in any order, and nobody is to be told anything.
 */
#ifndef SUT_ATTACHMENT_H
#define SUT_ATTACHMENT_H

#include <stdbool.h>

struct proc;

struct attachment {
    void (*release)(struct attachment *attachment, struct proc *proc, bool died);
    struct attachment *prev, *next;
};

void proc_attach(struct proc *proc, struct attachment *attachment);
void proc_detach(struct proc *proc, struct attachment *attachment);

#endif
