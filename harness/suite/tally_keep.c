/* tally_keep.c: which failures are kept. Of each scenario and property the shortest three, so that
 * a frequent bug does not hide a rare one. */
#include "harness/suite/tally_internal.h"

bool tally_failed(const struct tally *tally, const struct result *result)
{
    return result->outcome != OUTCOME_PASS &&
           !tally->suite->scenarios[result->run.scenario].must_fail;
}

static bool of_a_kind(const struct tally *tally, size_t i, const struct result *result)
{
    const struct report_failure *failure = &tally->suite->failures[i];
    return strcmp(failure->path, tally->suite->scenarios[result->run.scenario].path) == 0 &&
           strcmp(failure->property, result->property) == 0;
}

bool rank_before(struct rank a, struct rank b)
{
    return a.events != b.events ? a.events < b.events : a.index < b.index;
}

struct rank rank_of(const struct result *result)
{
    return (struct rank){result->events, result->run.index};
}

size_t tally_kept_before(const struct tally *tally, const struct result *result)
{
    size_t count = 0;
    for (size_t i = 0; i < tally->suite->failure_count; i++)
        count += !tally->kept[i].pinned && of_a_kind(tally, i, result) &&
                 rank_before(tally->kept[i].rank, rank_of(result));
    return count;
}

/* Where it would go: a free place, or that of the last one of its kind; KEEP_MAX: nowhere. */
static size_t find_place(const struct tally *tally, const struct result *result)
{
    size_t kind = 0, last = KEEP_MAX, kept = tally->suite->failure_count;
    for (size_t i = 0; i < kept; i++) {
        if (tally->kept[i].pinned || !of_a_kind(tally, i, result))
            continue;
        kind++;
        if (last == KEEP_MAX || rank_before(tally->kept[last].rank, tally->kept[i].rank))
            last = i;
    }
    if (kind < KEEP_OF_A_KIND_MAX && kept < KEEP_MAX)
        return kept;
    bool better = last < KEEP_MAX && rank_before(rank_of(result), tally->kept[last].rank);
    return better ? last : KEEP_MAX;
}

bool tally_wants(const struct tally *tally, const struct result *result)
{
    return tally_failed(tally, result) && find_place(tally, result) < KEEP_MAX;
}

static void delete_folder(const struct tally *tally, const char *folder)
{
    if (!tally->live)
        return;
    char *path = path_join(tally->suite->dir, folder);
    path_delete(path);
    free(path);
}

static void give_up(struct tally *tally, size_t place)
{
    delete_folder(tally, tally->kept[place].folder);
    free(tally->kept[place].folder);
    failure_done(&tally->suite->failures[place]);
}

static const struct report_failure *put(struct tally *tally, size_t place,
                                        const struct result *result, char *folder, bool pinned)
{
    struct suite *suite = tally->suite;
    const struct report_scenario *scenario = &suite->scenarios[result->run.scenario];
    const struct failure_source source = {scenario->name, scenario->path, tally->program,
                                          &tally->extras};
    if (place < suite->failure_count)
        give_up(tally, place);
    else
        suite->failure_count++;
    tally->kept[place] = (struct kept){rank_of(result), folder, pinned};
    failure_of_result(&suite->failures[place], result, &source);
    failure_find_files(&suite->failures[place], suite->dir, folder);
    return &suite->failures[place];
}

const struct report_failure *tally_keep(struct tally *tally, const struct result *result)
{
    size_t place = tally_failed(tally, result) ? find_place(tally, result) : KEEP_MAX;
    char *folder = failure_folder(&result->run);
    if (place < KEEP_MAX)
        return put(tally, place, result, folder, false);
    delete_folder(tally, folder);
    free(folder);
    return NULL;
}

const struct report_failure *tally_keep_differing(struct tally *tally, const struct result *result,
                                                  const char *message)
{
    size_t place = tally->suite->failure_count;
    if (place == KEEP_MAX)
        for (place = 0; place < KEEP_MAX - 1 && tally->kept[place].pinned;)
            place++;
    struct result differing = *result;
    differing.outcome = OUTCOME_HARNESS;
    snprintf(differing.property, sizeof differing.property, "nondeterminism");
    snprintf(differing.message, sizeof differing.message, "%s", message);
    return put(tally, place, &differing, failure_folder(&result->run), true);
}
