/* backtrace.c: asks addr2line, which every machine with a compiler has. See backtrace.h. */
#include "harness/process/backtrace.h"

#include "harness/quote.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char __executable_start, etext; /* of the linker */

static bool is_ours(uintptr_t address)
{
    return address > (uintptr_t)&__executable_start && address < (uintptr_t)&etext;
}

/* The command line, heap; NULL if no frame is ours. A return address points behind its call: one
 * less is inside. */
static char *make_command(const char *noise)
{
    char program[PATH_MAX], *command;
    size_t size, frames = 0;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    FILE *out = open_memstream(&command, &size);
    if (!out)
        abort();
    program[length > 0 ? length : 0] = '\0';
    fputs("addr2line -fips -e ", out);
    shell_quote(out, program);
    for (const char *at = noise; (at = strstr(at, "[0x")); at++) {
        uintptr_t address = strtoull(at + 1, NULL, 16);
        if (!is_ours(address))
            continue;
        fprintf(out, " 0x%" PRIxPTR, address - (uintptr_t)&__executable_start - 1);
        frames++;
    }
    fputs(" 2>/dev/null", out);
    fclose(out);
    if (frames)
        return command;
    free(command);
    return NULL;
}

uintptr_t backtrace_place(const char *noise)
{
    bool below = false; /* the handler is called by the C library */
    for (const char *at = noise; at && (at = strstr(at, "[0x")); at++) {
        uintptr_t address = strtoull(at + 1, NULL, 16);
        if (below && is_ours(address))
            return address - (uintptr_t)&__executable_start;
        below |= !is_ours(address);
    }
    return 0;
}

/* The handler itself tells nothing. */
static bool is_handler(const char *line)
{
    static const char *const names[] = {"put_story", "on_crash", "run_after", "show_crash",
                                        "print_frames"};
    static const char inlined[] = " (inlined by) ";
    if (strncmp(line, inlined, sizeof inlined - 1) == 0)
        line += sizeof inlined - 1;
    size_t length = strcspn(line, " ");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && strncmp(line, names[i], length) == 0)
            return true;
    return false;
}

char *backtrace_explain(const char *noise)
{
    char *command = noise ? make_command(noise) : NULL, *text, *line = NULL;
    size_t size, room = 0;
    FILE *in = command ? popen(command, "re") : NULL;
    free(command);
    if (!in)
        return NULL;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    while (getline(&line, &room, in) > 0)
        if (!is_handler(line) && line[0] != '?')
            fprintf(out, "  %s", line);
    pclose(in);
    free(line);
    fclose(out);
    if (size)
        return text;
    free(text);
    return NULL;
}
