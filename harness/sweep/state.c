/* state.c: DIR/sweep.state: a head that says of which sweep, then the results of its trials in order. Records are
 * what the program itself wrote, and the head names the very program, so they lie in it as in memory. A record that
 * was cut off (a kill, a full disk) is as if it had not been written. */
#include "harness/sweep/internal.h"

#include "harness/suite/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sweep_file {
    FILE *file;
    char *path;
    bool reading;
};

struct state_record {
    uint64_t trial, line_size, told_size;
};

/* ---- which sweep ---- */

static void hash_file(XXH3_state_t *state, const char *path)
{
    char buffer[65536];
    size_t got;
    FILE *file = fopen(path, "r");
    while (file && (got = fread(buffer, 1, sizeof buffer, file)) > 0)
        XXH3_128bits_update(state, buffer, got);
    if (file)
        fclose(file);
}

static char *digest_text(XXH3_state_t *state)
{
    char text[33];
    XXH128_hash_t digest = XXH3_128bits_digest(state);
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, digest.high64, digest.low64);
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

static XXH3_state_t *hash_begin(void)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        abort();
    XXH3_128bits_reset(state);
    return state;
}

char *build_id(void)
{
    XXH3_state_t *state = hash_begin();
    hash_file(state, "/proc/self/exe");
    char *text = digest_text(state);
    XXH3_freeState(state);
    return text;
}

static void hash_words(XXH3_state_t *state, const struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        XXH3_128bits_update(state, words->items[i], strlen(words->items[i]) + 1);
}

/* One line that only the same sweep of the same program gives. */
static char *head_of(const struct sweep *sweep)
{
    const struct sweep_setup *setup = sweep->setup;
    const uint64_t numbers[] = {setup->seed, setup->depth, setup->beyond, setup->disk_states,
                                setup->pairs};
    XXH3_state_t *state = hash_begin();
    hash_file(state, "/proc/self/exe");
    hash_file(state, setup->scenario->path);
    hash_words(state, &setup->extras->faults);
    hash_words(state, &setup->extras->properties);
    for (size_t i = 0; i < setup->kind_count; i++) {
        char what[96];
        fault_print(&setup->kinds[i], what, sizeof what);
        XXH3_128bits_update(state, what, strlen(what) + 1);
    }
    XXH3_128bits_update(state, numbers, sizeof numbers);
    char *digest = digest_text(state), *head;
    size_t size;
    FILE *out = open_memstream(&head, &size);
    if (!out)
        abort();
    fprintf(out, "duress-sweep 1 %s\n", digest);
    fclose(out);
    free(digest);
    XXH3_freeState(state);
    return head;
}

static bool has_head(FILE *file, const char *head)
{
    char line[128] = "";
    return fgets(line, sizeof line, file) && strcmp(line, head) == 0;
}

/* ---- the file ---- */

static FILE *open_afresh(const char *path, const char *head)
{
    FILE *file = fopen(path, "w+");
    if (file && (fputs(head, file) == EOF || fflush(file))) {
        fclose(file);
        return NULL;
    }
    return file;
}

static char *state_path(const char *dir)
{
    return path_join(dir, "sweep.state");
}

void sweep_forget(const char *dir)
{
    char *path = state_path(dir);
    unlink(path);
    free(path);
}

struct sweep_file *sweep_file_open(const struct sweep *sweep, char *why, size_t why_size)
{
    struct sweep_file *state = calloc(1, sizeof *state);
    if (!state)
        abort();
    state->path = state_path(sweep->setup->dir);
    char *head = head_of(sweep);
    state->file = sweep->setup->fresh ? NULL : fopen(state->path, "r+");
    state->reading = state->file && has_head(state->file, head);
    if (!state->reading) {
        if (state->file)
            fclose(state->file);
        state->file = open_afresh(state->path, head);
    }
    free(head);
    if (state->file)
        return state;
    snprintf(why, why_size, "cannot write %s: %s", state->path, strerror(errno));
    free(state->path);
    free(state);
    return NULL;
}

static char *read_text(FILE *file, uint64_t size)
{
    enum { TEXT_MAX = 1 << 28 };
    char *text = size <= TEXT_MAX ? malloc((size_t)size + 1) : NULL;
    if (text && fread(text, 1, (size_t)size, file) == size)
        return text;
    free(text);
    return NULL;
}

static bool read_record(FILE *file, uint64_t trial, struct lab_result *ret_result)
{
    struct state_record record;
    struct lab_result result = {0};
    if (fread(&record, sizeof record, 1, file) != 1 || record.trial != trial)
        return false;
    char *line = read_text(file, record.line_size);
    if (line && result_read(line, (size_t)record.line_size, &result.result) == 0 &&
        (record.told_size == 0 || (result.told = read_text(file, record.told_size)))) {
        result.told_size = (size_t)record.told_size;
        *ret_result = result;
        free(line);
        return true;
    }
    free(line);
    lab_result_done(&result);
    return false;
}

bool sweep_file_next(struct sweep_file *file, uint64_t trial, struct lab_result *ret_result)
{
    if (!file->reading)
        return false;
    long at = ftell(file->file);
    if (read_record(file->file, trial, ret_result))
        return true;
    /* From here on it is written: what stands there is cut off. */
    file->reading = false;
    if (fseek(file->file, at, SEEK_SET) || ftruncate(fileno(file->file), at))
        return false; /* the next append will tell */
    return false;
}

int sweep_file_append(struct sweep_file *file, uint64_t trial, const struct lab_result *result)
{
    char *line;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        abort();
    result_write(&result->result, out);
    fclose(out);
    struct state_record record = {trial, size, result->told_size};
    errno = 0;
    fwrite(&record, sizeof record, 1, file->file);
    fwrite(line, 1, size, file->file);
    if (result->told_size)
        fwrite(result->told, 1, result->told_size, file->file);
    free(line);
    if (!ferror(file->file))
        return 0;
    return errno ? -errno : -EIO;
}

void sweep_file_close(struct sweep_file *file, bool complete)
{
    fclose(file->file);
    if (complete)
        unlink(file->path);
    free(file->path);
    free(file);
}
