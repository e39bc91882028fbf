/* A recorded trace: what is read is written so that reading it again gives the same events, and the
 * properties can judge whatever it holds. */
#include "harness/test/fuzz/fuzz.h"
#include "harness/trace/file.h"

#include <errno.h>

/* What was read, written again. */
struct copy {
    char *text;
    size_t size;
    int got; /* what ended the reading */
};

/* Judges as it goes when there is a panel. */
static int copy_events(struct trace_reader *reader, struct panel *panel, FILE *out)
{
    struct event event;
    int got;
    while ((got = trace_reader_next(reader, &event)) == 1) {
        if (panel)
            panel_event(panel, &event);
        event_write_json(&event, out);
    }
    return got;
}

static void check_why(const struct trace_reader *reader, int got)
{
    const char *why = trace_reader_why(reader);
    FUZZ_REQUIRE(got == 0 || got == -EINVAL || got == -ENODATA, why);
    FUZZ_REQUIRE(got == 0 || fuzz_names_place(why, "t"), why);
}

static struct copy copy_of(const void *bytes, size_t size, struct panel *panel)
{
    struct copy copy = {0};
    const struct trace_head *head;
    char empty[1] = "";
    FILE *in = fmemopen(size ? (void *)(uintptr_t)bytes : empty, size, "r");
    FILE *out = open_memstream(&copy.text, &copy.size);
    if (!in || !out)
        abort();
    struct trace_reader *reader = trace_reader_new(in, "t");
    copy.got = trace_reader_head(reader, &head);
    if (copy.got == 0) {
        trace_write_head(head, out);
        copy.got = copy_events(reader, panel, out);
    }
    if (copy.got == 0)
        trace_write_end(trace_reader_end(reader), out);
    if (panel)
        panel_judge(panel, trace_reader_end(reader)->ending);
    check_why(reader, copy.got);
    trace_reader_free(reader);
    fclose(in);
    fclose(out);
    return copy;
}

FUZZ_TARGET(trace)
{
    struct panel *panel;
    registry_init();
    panel = panel_new(NULL, 0);
    struct copy once = copy_of(data, size, panel);
    if (once.got == 0) {
        struct copy twice = copy_of(once.text, once.size, NULL);
        FUZZ_REQUIRE(twice.got == 0, once.text);
        FUZZ_REQUIRE(strcmp(once.text, twice.text) == 0, once.text);
        free(twice.text);
    }
    free(once.text);
    panel_free(panel);
}
