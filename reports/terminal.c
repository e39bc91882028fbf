/* terminal.c: what stands on the screen while a suite runs. On a terminal one live line, rewritten
 * at most ten times a second; elsewhere a plain line every five seconds at most. Time is the
 * caller's (progress->wall_ns): nothing here reads a clock. Colour only on a terminal, and never
 * with NO_COLOR or TERM=dumb; it never says what the text does not. */
#include "reports/terminal_internal.h"

#include "reports/format.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIVE_NS  INT64_C(100000000)
#define PLAIN_NS INT64_C(5000000000)

static bool environment_is(const char *name, const char *value)
{
    const char *is = getenv(name);
    return is && strcmp(is, value) == 0;
}

static bool environment_has(const char *name)
{
    const char *is = getenv(name);
    return is && *is;
}

struct terminal *terminal_new(FILE *out)
{
    struct terminal *terminal = calloc(1, sizeof *terminal);
    if (!terminal)
        abort();
    bool tty = isatty(fileno(out)) && !environment_is("TERM", "dumb");
    terminal->out = out;
    terminal->live = tty && !environment_has("CI");
    terminal->colour = tty && !environment_has("NO_COLOR");
    terminal->next_ns = terminal->live ? 0 : PLAIN_NS;
    return terminal;
}

void terminal_free(struct terminal *terminal)
{
    if (!terminal)
        return;
    terminal_clear(terminal);
    fflush(terminal->out);
    free(terminal);
}

void terminal_clear(struct terminal *terminal)
{
    if (terminal->line_is_up)
        fputs("\r\x1b[K", terminal->out);
    terminal->line_is_up = false;
}

const char *terminal_colour(const struct terminal *terminal, enum terminal_colour colour)
{
    static const char *const codes[] = {
        [COLOUR_OFF] = "\x1b[0m",     [COLOUR_BOLD] = "\x1b[1m",   [COLOUR_DIM] = "\x1b[2m",
        [COLOUR_GOOD] = "\x1b[1;32m", [COLOUR_BAD] = "\x1b[1;31m", [COLOUR_ODD] = "\x1b[1;33m"};
    return terminal->colour ? codes[colour] : "";
}

static size_t terminal_width(const struct terminal *terminal)
{
    struct winsize size;
    int fd = fileno(terminal->out);
    if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

/* "1,204 of 5,000 runs", "1,204 runs" */
static void print_runs(const struct progress *progress, FILE *out)
{
    char runs[FORMAT_MAX], planned[FORMAT_MAX];
    if (progress->runs_planned)
        fprintf(out, "%s of %s", format_count(progress->runs, runs),
                format_plural(progress->runs_planned, "run", planned));
    else
        fputs(format_plural(progress->runs, "run", runs), out);
}

/* "1,204 runs  0 failed  107/s  1.3M events/s  12.0s left  lost replies from the store": what counts
 * comes first, since a narrow terminal cuts the line. */
static void print_progress(const struct progress *progress, FILE *out)
{
    char text[FORMAT_MAX];
    print_runs(progress, out);
    fprintf(out, "  %s failed", format_count(progress->failures, text));
    fprintf(out, "  %s/s", format_count(format_rate(progress->runs, progress->wall_ns), text));
    fprintf(out, "  %s events/s",
            format_short(format_rate(progress->events, progress->wall_ns), text));
    if (progress->left_ns >= 0)
        fprintf(out, "  %s left", format_time(progress->left_ns, text));
    if (progress->scenario)
        fprintf(out, "  %s", progress->scenario);
}

static char *progress_line(const struct progress *progress)
{
    char *line = NULL;
    size_t size;
    FILE *memory = open_memstream(&line, &size);
    if (!memory)
        abort();
    print_progress(progress, memory);
    fclose(memory);
    return line;
}

static void draw(struct terminal *terminal, const struct progress *progress)
{
    char *line = progress_line(progress);
    if (terminal->live) {
        /* The last column stays free: some terminals wrap when it is filled. */
        fputc('\r', terminal->out);
        format_line(line, terminal_width(terminal) - 1, terminal->out);
        fputs("\x1b[K", terminal->out);
        terminal->line_is_up = true;
    } else {
        format_line(line, SIZE_MAX, terminal->out);
        fputc('\n', terminal->out);
    }
    fflush(terminal->out);
    free(line);
}

void terminal_progress(struct terminal *terminal, const struct progress *progress)
{
    if (progress->wall_ns < terminal->next_ns)
        return;
    terminal->next_ns = progress->wall_ns + (terminal->live ? LIVE_NS : PLAIN_NS);
    draw(terminal, progress);
}

void terminal_print_failure(struct terminal *terminal, const struct report_failure *failure)
{
    FILE *out = terminal->out;
    bool stalled = strcmp(failure->kind, "liveness") == 0;
    bool harness = strcmp(failure->kind, "nondeterminism") == 0;
    fprintf(out, "%s%-8s%s  ", terminal_colour(terminal, COLOUR_BAD),
            stalled   ? "LIVENESS"
            : harness ? "HARNESS"
                      : "FAIL",
            terminal_colour(terminal, COLOUR_OFF));
    format_line(failure->scenario, SIZE_MAX, out);
    fputs(": ", out);
    format_line(failure->property, SIZE_MAX, out);
    fputs("\n          ", out);
    format_line(failure->message, SIZE_MAX, out);
    fprintf(out, "\n          %sreplay%s  ", terminal_colour(terminal, COLOUR_DIM),
            terminal_colour(terminal, COLOUR_OFF));
    format_line(failure->replay, SIZE_MAX, out);
    fputc('\n', out);
}

void terminal_failure(struct terminal *terminal, const struct report_failure *failure)
{
    terminal_clear(terminal);
    terminal_print_failure(terminal, failure);
    fflush(terminal->out);
    terminal->next_ns =
        terminal->live ? 0 : terminal->next_ns; /* the live line comes back at once */
}
