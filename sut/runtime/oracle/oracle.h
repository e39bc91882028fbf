/* oracle.h: one scenario of the oracle's text format, run on the runtime, and what it did as text.
 *
 * A scenario is a list of lines of words; a `#` starts a comment. Its first keyword says which kind it is: a line that
 * begins with `sup`, `dyn`, `simple`, `wrk` or `spec` makes it a scenario on trees, anything else one on signals. Each
 * command runs until nothing moves any more, in virtual time, and prints a block: "> COMMAND", its events, "= RESULT".
 */
#ifndef SUT_ORACLE_H
#define SUT_ORACLE_H

#include "sut/runtime/proc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

enum { ORACLE_NAME_MAX = 32 };

struct oracle_line {
    unsigned number; /* in the input, from 1 */
    unsigned count;
    char **words;
    const char *text; /* the words with one blank between them */
};

struct oracle;

/* Tells of a process that ended, in the order of deaths; it is not found by its id any more. */
typedef void oracle_exited(struct oracle *oracle, proc_id pid, const struct reason *reason);

struct oracle {
    struct env env; /* first: struct env * is struct oracle * */
    struct point_sink sink;
    int64_t now;
    struct runtime *runtime;
    FILE *out;
    struct heap *heap; /* of the scenario: whatever is in it goes with it */
    struct oracle_line *lines;
    unsigned line_count;
    oracle_exited *exited; /* NULL: nobody wants to know */
    void *state;           /* of the kind of scenario */
    char **events;         /* of the block */
    size_t event_count;
    char *wrong; /* where the sentence goes that says what is wrong with the input */
    size_t wrong_size;
    jmp_buf rejected;
};

/* Reads a scenario, runs it, prints what it did. False: it is bad input; `ret_wrong` says "LINE: what is wrong", and
 * the output ends where it was noticed. */
bool oracle_run(FILE *in, FILE *out, char *ret_wrong, size_t size);

/* The two kinds: they print everything, `alive` or `leaked` included. */
void oracle_signals(struct oracle *oracle);
void oracle_trees(struct oracle *oracle);

/* Bad input, in this line: does not return. Not from a fiber. printf format. */
_Noreturn void oracle_reject(struct oracle *oracle, const struct oracle_line *line,
                             const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Rejects the line unless it has between `least` and `most` words, the keyword included. */
void oracle_expect(struct oracle *oracle, const struct oracle_line *line, unsigned least,
                   unsigned most);
/* The word if it is a name ([a-z][a-z0-9]*, shorter than ORACLE_NAME_MAX), else rejects the line. `what` names it. */
const char *oracle_name(struct oracle *oracle, const struct oracle_line *line, unsigned word,
                        const char *what);
/* A reason: an atom, or shutdown:x. */
struct reason oracle_reason(struct oracle *oracle, const struct oracle_line *line,
                            const char *word);

/* Runs until nothing is ready and no timer is left; virtual time goes on to each in turn. */
void oracle_settle(struct oracle *oracle);
/* Lets `ns` pass, firing what is due. */
void oracle_pass(struct oracle *oracle, int64_t ns);

/* Of any length, in `heap`. */
char *oracle_format(struct heap *heap, const char *format, va_list args);
/* The events of a block. They may be added from fibers. */
void oracle_event(struct oracle *oracle, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints "> COMMAND", the events, "= RESULT", and forgets the events. `sorted`: as strings, each once. */
void oracle_block(struct oracle *oracle, const char *command, const char *result, bool sorted);

#endif
