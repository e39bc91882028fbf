/* quote.h: lines that people paste into a shell. */
#ifndef DURESS_QUOTE_H
#define DURESS_QUOTE_H

#include "harness/cli/options.h"

/* The word as a shell reads it back; in quotes only where needed. */
void shell_quote(FILE *out, const char *word);
/* All words, with blanks between. Heap. */
char *shell_line(char *const *words, size_t count);

/* How this program is called from the current directory: relative when it lies inside. Heap. */
char *program_path(void);

/* What makes a run besides its scenario and seed. */
struct extras {
    struct words faults;     /* --fault */
    struct words properties; /* --property */
};

/* "build/duress replay build/runs/3/failures/17/shrunk.tape": the tape has its faults in it. Heap. */
char *replay_tape_line(const char *program, const char *tape, const struct extras *extras);

/* "build/duress replay scenarios/x.yaml --seed 0x1f --fault '...'". Heap. */
char *replay_line(const char *program, const char *scenario, uint64_t seed,
                  const struct extras *extras);

#endif
