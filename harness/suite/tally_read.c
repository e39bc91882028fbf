/* tally_read.c: a suite from results.jsonl, for a run that was killed before it could write
 * run.json. */
#include "harness/suite/tally_internal.h"

#include <errno.h>
#include <sys/stat.h>

static void read_result(struct tally *tally, const char *line, size_t length)
{
    struct result result;
    if (result_read(line, length, &result))
        return;
    bool known = result.run.scenario < tally->suite->scenario_count;
    bool same = tally_add(tally, &result);
    if (!same)
        tally_keep_differing(tally, &result, "two executions of this run differ");
    else if (known && !result.again && tally_wants(tally, &result))
        tally_keep(tally, &result);
    result_done(&result);
}

/* From the start to the last result. */
static int64_t wall_of(const struct tally *tally, FILE *in)
{
    struct stat about;
    int64_t started = strtoll(head_text(tally->head, "started"), NULL, 10);
    if (fstat(fileno(in), &about))
        return 0;
    int64_t ended = (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
    return ended > started ? ended - started : 0;
}

/* A last line without its newline was being written when the run was killed. */
static bool next_line(FILE *in, char **line, size_t *room, size_t *ret_length)
{
    ssize_t length = getline(line, room, in);
    *ret_length = (size_t)length;
    return length > 0 && (*line)[length - 1] == '\n';
}

/* Before a line is read that may never end. */
static bool is_ours(FILE *in)
{
    static const char start[] = "{\"duress results\"";
    char read_back[sizeof start] = "";
    size_t length = fread(read_back, 1, sizeof start - 1, in);
    rewind(in);
    return length == sizeof start - 1 && strcmp(read_back, start) == 0;
}

struct suite *tally_read(const char *dir, char *why, size_t why_size)
{
    char *path = path_join(dir, "results.jsonl"), *line = NULL;
    size_t room = 0, length = 0;
    FILE *in = fopen(path, "re");
    struct tally *tally = NULL;
    struct suite *suite = NULL;
    if (!in) {
        snprintf(why, why_size, "%s: %s (a run directory is what 'duress run' calls \"results\")",
                 path, strerror(errno));
    } else if (is_ours(in) && next_line(in, &line, &room, &length)) {
        tally = tally_new(dir, false, line, length);
    }
    if (in && !tally)
        snprintf(why, why_size, "%s: not the results of a duress run", path);
    while (tally && next_line(in, &line, &room, &length))
        read_result(tally, line, length);
    if (tally)
        suite = tally_finish(tally, true, wall_of(tally, in));
    if (in)
        fclose(in);
    tally_free(tally);
    free(line);
    free(path);
    return suite;
}
