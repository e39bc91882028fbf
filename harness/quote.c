/* quote.c: see quote.h. */
#define _GNU_SOURCE /* asprintf */
#include "harness/quote.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "@%+=:,./_-";

void shell_quote(FILE *out, const char *word)
{
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
}

char *shell_line(char *const *words, size_t count)
{
    char *line;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (i)
            fputc(' ', out);
        shell_quote(out, words[i]);
    }
    fclose(out);
    return line;
}

char *program_path(void)
{
    char exe[PATH_MAX], cwd[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (length < 0)
        return strdup("duress");
    exe[length] = '\0';
    size_t inside = getcwd(cwd, sizeof cwd) ? strlen(cwd) : 0;
    bool relative = inside > 1 && strncmp(exe, cwd, inside) == 0 && exe[inside] == '/';
    /* A bare name would be looked up in PATH. */
    const char *shown = relative ? exe + inside + 1 : exe;
    char *path;
    if (asprintf(&path, "%s%s", strchr(shown, '/') ? "" : "./", shown) < 0)
        abort();
    return path;
}

static void print_options(FILE *out, const char *name, const struct words *values)
{
    for (size_t i = 0; i < values->count; i++) {
        fprintf(out, " --%s ", name);
        shell_quote(out, values->items[i]);
    }
}

struct line {
    char *text;
    size_t size;
};

static FILE *replay_begin(struct line *line, const char *program, const char *what)
{
    FILE *out = open_memstream(&line->text, &line->size);
    if (!out)
        abort();
    shell_quote(out, program);
    fputs(" replay ", out);
    shell_quote(out, what);
    return out;
}

char *replay_tape_line(const char *program, const char *tape, const struct extras *extras)
{
    struct line line;
    FILE *out = replay_begin(&line, program, tape);
    print_options(out, "property", &extras->properties);
    fclose(out);
    return line.text;
}

char *replay_line(const char *program, const char *scenario, uint64_t seed,
                  const struct extras *extras)
{
    struct line line;
    FILE *out = replay_begin(&line, program, scenario);
    fprintf(out, " --seed 0x%llx", (unsigned long long)seed);
    print_options(out, "fault", &extras->faults);
    print_options(out, "property", &extras->properties);
    fclose(out);
    return line.text;
}
