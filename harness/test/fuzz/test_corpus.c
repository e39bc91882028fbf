/* Every file of every corpus goes through its fuzz target: what once broke a parser does so no more,
 * and the fuzzers start from files that mean something. Run from the repository's root. */
#include "harness/test/fuzz/fuzz.h"

#include <criterion/criterion.h>
#include <dirent.h>

extern const struct fuzz_target *const __start_duress_fuzz[];
extern const struct fuzz_target *const __stop_duress_fuzz[];

#define FILE_MAX (64 * 1024)

/* In memory of exactly its size, as libFuzzer has it. */
static void feed_file(const struct fuzz_target *target, const char *path)
{
    static uint8_t bytes[FILE_MAX];
    FILE *in = fopen(path, "re");
    cr_assert(in, "%s", path);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    cr_assert(size < sizeof bytes, "%s is too large for a corpus", path);
    fclose(in);
    uint8_t *exact = malloc(size);
    if (size)
        memcpy(exact, bytes, size);
    target->feed(exact, size);
    free(exact);
}

static size_t feed_corpus(const struct fuzz_target *target)
{
    char folder[256], path[1024];
    snprintf(folder, sizeof folder, "%.*scorpus/%s",
             (int)(strrchr(target->file, '/') + 1 - target->file), target->file, target->name);
    DIR *dir = opendir(folder);
    size_t count = 0;
    cr_assert(dir, "no corpus in %s", folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        feed_file(target, path);
        count++;
    }
    closedir(dir);
    return count;
}

Test(corpus, every_file_passes_through_its_parser)
{
    size_t targets = (size_t)(__stop_duress_fuzz - __start_duress_fuzz);
    cr_assert_geq(targets, 3);
    for (size_t i = 0; i < targets; i++)
        cr_assert_geq(feed_corpus(__start_duress_fuzz[i]), 10, "a corpus for %s",
                      __start_duress_fuzz[i]->name);
}
