/* jobd_options.h: what jobd is told on its command line. */
#ifndef SUT_JOBD_OPTIONS_H
#define SUT_JOBD_OPTIONS_H

#include "sut/cli/config.h"

/* Reads the configuration's file, then the options, which win. Ends the program after --help and
 * --version, and with a sentence after a mistake. True: --check was asked for. */
bool jobd_options(struct config *config, int argc, char **argv);

/* Prints "jobd: ..." and ends with status 2. */
_Noreturn void jobd_mistake(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with status 3: what a database that cannot be opened is about, may pass. */
_Noreturn void jobd_no_database(const char *why);

/* The same once more, while jobd runs: false with a sentence. */
bool jobd_options_again(struct config *config, int argc, char **argv, char *why, size_t why_size);

#endif
