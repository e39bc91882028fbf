/* options.h: command line options from tables, in the manner of git. One table serves parsing,
 * --help and the "did you mean" of an unknown option. */
#ifndef DURESS_OPTIONS_H
#define DURESS_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A growing list of words; the words themselves belong to somebody else (argv). */
struct words {
    const char **items;
    size_t count;
};
void words_add(struct words *words, const char *word);
void words_done(struct words *words);

/* Reads `text` into the option's variable. 0, or -EINVAL with the reason in `why`. */
typedef int option_parse(const char *text, void *into, char *why, size_t why_size);

struct option {
    const char *name;    /* without the dashes */
    char letter;         /* short form, or 0 */
    const char *value;   /* how --help calls the value; NULL: a flag, `into` is a bool */
    option_parse *parse; /* NULL for flags */
    size_t offset;       /* of the variable in the command's struct */
    const char *about;   /* one line; '\n' starts another */
};

option_parse option_text;     /* const char * */
option_parse option_list;     /* struct words, repeatable */
option_parse option_count;    /* uint64_t, at least 1 */
option_parse option_number;   /* uint64_t */
option_parse option_duration; /* int64_t, ns, above 0 */
option_parse option_workers;  /* uint64_t, 1..1024 */

/* CPUs that this process may use: how many workers there are when nothing is said. */
uint64_t cpu_count(void);

struct command;

/* Fills `into` from argv[1..]; what is no option goes to ret_args. `options` ends with {0}. --help
 * and -h print the help of the command. 0; 1: help was printed; -EINVAL: the mistake was explained
 * on stderr. */
int options_parse(const struct command *command, int argc, char **argv, void *into,
                  struct words *ret_args);

/* "--name VALUE  about", aligned, for --help. */
void options_print(const struct option *options, FILE *out);

#endif
