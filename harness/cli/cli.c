/* cli.c: finds the command and hands over to it. Each command has a file of its own, cmd_NAME.c. */
#include "harness/cli/cli.h"

#include "harness/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#ifndef DURESS_VERSION
#define DURESS_VERSION "unknown"
#endif
#ifndef DURESS_COMMIT
#define DURESS_COMMIT "unknown"
#endif
#ifndef DURESS_FLAGS
#define DURESS_FLAGS ""
#endif

static const struct command *const commands[] = {
    &cmd_run, &cmd_replay, &cmd_shrink, &cmd_sweep, &cmd_check, &cmd_list, &cmd_report, &cmd_worker,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

enum exit_code exit_code_of(enum outcome outcome)
{
    static const enum exit_code codes[] = {
        [OUTCOME_PASS] = EXIT_HELD,         [OUTCOME_SAFETY] = EXIT_SAFETY,
        [OUTCOME_LIVENESS] = EXIT_LIVENESS, [OUTCOME_HARNESS] = EXIT_HARNESS,
        [OUTCOME_CRASH] = EXIT_SAFETY,
    };
    return codes[outcome];
}

void cli_complain(const struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "duress %s: ", command->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    fprintf(stderr, "try 'duress %s --help'\n", command->name);
}

void cli_explain(const char *why)
{
    size_t length = strlen(why);
    fprintf(stderr, "%s%s", why, length && why[length - 1] == '\n' ? "" : "\n");
}

void command_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: duress %s %s\n\n%s\n\noptions:\n", command->name, command->args,
            command->about);
    options_print(command->options, out);
    if (command->notes)
        fprintf(out, "\n%s", command->notes);
}

static void general_help(FILE *out)
{
    fprintf(out, "usage: duress COMMAND [ARGUMENTS]\n\n"
                 "Puts a system under faults that come from a seed, and judges what it does.\n\n"
                 "commands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        if (!commands[i]->hidden)
            fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->about);
    fprintf(out,
            "\n'duress help COMMAND' explains a command; 'duress --version' prints the version.\n"
            "\nexit codes: 0 all held; 1 a property failed or the system crashed; 2 a liveness\n"
            "failure; 3 the harness is at fault; 4 usage or bad input; 5 nothing was run;\n"
            "130 interrupted\n");
}

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS];
    size_t count = 0;
    for (size_t i = 0; i < COMMANDS; i++)
        if (!commands[i]->hidden)
            names[count++] = commands[i]->name;
    const char *near = nearest_word(name, strlen(name), names, count);
    fprintf(stderr, "duress: unknown %s '%s'%s%s%s\ntry 'duress --help'\n",
            *name == '-' ? "option" : "command", name, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : "");
    return EXIT_USAGE;
}

/* About one command, or about all of them (NULL). */
static int help(const char *name)
{
    const struct command *command = name ? command_find(name) : NULL;
    if (name && !command)
        return unknown_command(name);
    if (command)
        command_help(command, stdout);
    else
        general_help(stdout);
    return EXIT_HELD;
}

/* Without this, the first file that is opened would become the standard output of one who was
 * started with it closed. */
static void open_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return;
}

/* What was asked for was not given if it could not be printed. */
static int check_output(int code)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    fprintf(stderr, "duress: cannot write to the standard output%s%s\n", errno ? ": " : "",
            errno ? strerror(errno) : "");
    return code == EXIT_HELD ? EXIT_HARNESS : code;
}

int duress_main(int argc, char **argv, const struct system *const *systems, size_t system_count)
{
    open_standard_files();
    if (argc < 2) {
        general_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "help") == 0)
        return check_output(help(argc > 2 ? argv[2] : NULL));
    if (strcmp(name, "--version") == 0) {
        printf("duress " DURESS_VERSION ", commit " DURESS_COMMIT ", compiler " __VERSION__
               ", flags " DURESS_FLAGS "\n");
        return check_output(EXIT_HELD);
    }
    const struct command *command = command_find(name);
    if (!command)
        return unknown_command(name);
    registry_init();
    return check_output(
        command->run(command, &(struct systems){systems, system_count}, argc - 1, argv + 1));
}
