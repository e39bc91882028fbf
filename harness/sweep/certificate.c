/* certificate.c: what a sweep can say when it is over: what was tried, what it gave, and what was left out, and why. The
 * same sweep of the same program writes the same certificate. */
#include "harness/sweep/sweep.h"

#include "harness/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const pruned_why[] = {
#define X(e, why) [PRUNED_##e] = why,
    SWEEP_PRUNED(X)
#undef X
};

void certificate_done(struct certificate *certificate)
{
    free(certificate->scenario);
    free(certificate->path);
    free(certificate->build);
    free(certificate->cells);
    free(certificate->point_hits);
    for (size_t i = 0; i < certificate->failure_count; i++) {
        free(certificate->failures[i].trial);
        free(certificate->failures[i].folder);
    }
    free(certificate->failures);
    *certificate = (struct certificate){0};
}

static const struct sweep_cell *cell_at(const struct certificate *certificate, size_t point,
                                        size_t kind)
{
    return &certificate->cells[point * certificate->kind_count + kind];
}

static bool was_swept(const struct certificate *certificate, size_t point)
{
    return certificate->point_hits[point] > 0;
}

/* Something can be injected there, and it was never hit. */
static bool was_missed(const struct certificate *certificate, size_t point)
{
    return (registry_get(point)->kinds & ~(uint32_t)POINT_QUIET) && !was_swept(certificate, point);
}

static size_t count_points(const struct certificate *certificate,
                           bool (*is)(const struct certificate *certificate, size_t point))
{
    size_t count = 0;
    for (size_t i = 0; i < certificate->point_count; i++)
        count += is(certificate, i);
    return count;
}

/* ---- for people ---- */

static void print_points(const struct certificate *certificate, FILE *out)
{
    char what[96];
    fprintf(out, "\n  point (hits swept)\n");
    for (size_t i = 0; i < certificate->point_count; i++) {
        if (!was_swept(certificate, i))
            continue;
        fprintf(out, "    %s (%" PRIu64 ")", registry_get(i)->name, certificate->point_hits[i]);
        for (size_t k = 0; k < certificate->kind_count; k++) {
            const struct sweep_cell *cell = cell_at(certificate, i, k);
            if (!cell->tried)
                continue;
            fprintf(out, "  %s %" PRIu64, fault_print(&certificate->kinds[k], what, sizeof what),
                    cell->fired);
            if (cell->failed)
                fprintf(out, " FAILED %" PRIu64, cell->failed);
        }
        fputc('\n', out);
    }
}

static void print_missed(const struct certificate *certificate, FILE *out)
{
    if (!count_points(certificate, was_missed))
        return;
    fprintf(out, "\n  never reached\n");
    for (size_t i = 0; i < certificate->point_count; i++)
        if (was_missed(certificate, i))
            fprintf(out, "    %s\n", registry_get(i)->name);
}

static void print_silent(const struct certificate *certificate, FILE *out)
{
    char what[96];
    bool any = false;
    for (size_t i = 0; i < certificate->point_count; i++) {
        for (size_t k = 0; k < certificate->kind_count; k++) {
            const struct sweep_cell *cell = cell_at(certificate, i, k);
            if (!cell->silent)
                continue;
            if (!any)
                fprintf(out, "\n  handled silently: nothing happened but the fault\n");
            any = true;
            fprintf(out, "    %s: %s, %" PRIu64 " of %" PRIu64 "\n", registry_get(i)->name,
                    fault_print(&certificate->kinds[k], what, sizeof what), cell->silent,
                    cell->fired);
        }
    }
}

static void print_ruled_out(const struct certificate *certificate, FILE *out)
{
    char what[96];
    const char *before = ": ";
    for (size_t k = 0; k < certificate->kind_count; k++) {
        if (!certificate->ruled_out[k])
            continue;
        fprintf(out, "%s%s", before, fault_print(&certificate->kinds[k], what, sizeof what));
        before = ", ";
    }
}

static void print_pruned(const struct certificate *certificate, FILE *out)
{
    bool any = false;
    for (int i = 0; i < PRUNED_COUNT; i++)
        any |= certificate->pruned[i] > 0;
    if (any)
        fprintf(out, "\n  not tried\n");
    for (int i = 0; i < PRUNED_COUNT; i++) {
        if (!certificate->pruned[i])
            continue;
        fprintf(out, "    %10" PRIu64 "  %s", certificate->pruned[i], pruned_why[i]);
        if (i == PRUNED_BUDGET)
            print_ruled_out(certificate, out);
        fputc('\n', out);
    }
}

static void print_failures(const struct certificate *certificate, FILE *out)
{
    for (size_t i = 0; i < certificate->failure_count; i++) {
        const struct sweep_failure *failure = &certificate->failures[i];
        fprintf(out, "\n  FAILED %s: %s\n    first by %s\n", failure->property, failure->message,
                failure->trial);
        if (failure->times > 1)
            fprintf(out, "    and %" PRIu64 " more with this kind of fault at this point\n",
                    failure->times - 1);
        if (failure->folder)
            fprintf(out, "    see %s\n", failure->folder);
    }
}

static void print_counts(const struct certificate *certificate, FILE *out)
{
    fprintf(out, "certificate  %s, seed 0x%" PRIx64 "\n", certificate->scenario, certificate->seed);
    fprintf(out, "  reference  %" PRIu64 " events, fingerprint %s, run twice\n",
            certificate->reference_events, certificate->fingerprint);
    fprintf(out,
            "  swept      %" PRIu64 " hits of %zu points: %" PRIu64
            " of the reference run, %" PRIu64 " first reached under a fault\n",
            certificate->hits, count_points(certificate, was_swept), certificate->reference_hits,
            certificate->hits - certificate->reference_hits);
    fprintf(out,
            "  runs       %" PRIu64 ": %" PRIu64 " with a fault that persists, %" PRIu64
            " further states of a disk",
            certificate->runs, certificate->persistent, certificate->disk_states);
    if (certificate->pair_candidates)
        fprintf(out, ", %" PRIu64 " pairs of %" PRIu64, certificate->pairs,
                certificate->pair_candidates);
    fprintf(out,
            "\n  checked    %" PRIu64 " of these by a run from the start: the same fingerprints",
            certificate->checked);
    fprintf(out,
            "\n  bounds     %u faults at once, ordinals to %u past the reference, %u states of a "
            "disk\n",
            certificate->depth, certificate->beyond, certificate->disk_bound);
}

void certificate_print(const struct certificate *certificate, FILE *out)
{
    print_counts(certificate, out);
    print_points(certificate, out);
    print_missed(certificate, out);
    print_silent(certificate, out);
    print_pruned(certificate, out);
    print_failures(certificate, out);
    fprintf(out, "\n  build %s\n  digest %s\n", certificate->build, certificate->digest);
    if (certificate->failed)
        fprintf(out, "FAILED: %" PRIu64 " runs\n", certificate->failed);
    else if (certificate->complete)
        fprintf(out, "COMPLETE: every fault at every hit, within the bounds, was tried and held\n");
    else
        fprintf(out, "INCOMPLETE: all that was tried held\n");
}

/* ---- for programs ---- */

static void write_point(struct json *json, const struct certificate *certificate, size_t point)
{
    char what[96];
    json_object_begin(json, NULL);
    json_str(json, "name", registry_get(point)->name);
    json_count(json, "hits", certificate->point_hits[point]);
    json_object_begin(json, "kinds");
    for (size_t k = 0; k < certificate->kind_count; k++) {
        const struct sweep_cell *cell = cell_at(certificate, point, k);
        if (!cell->tried)
            continue;
        json_object_begin(json, fault_print(&certificate->kinds[k], what, sizeof what));
        json_count(json, "tried", cell->tried);
        json_count(json, "fired", cell->fired);
        json_count(json, "silent", cell->silent);
        json_count(json, "failed", cell->failed);
        json_object_end(json);
    }
    json_object_end(json);
    json_object_end(json);
}

static void write_pruned(struct json *json, const struct certificate *certificate)
{
    json_array_begin(json, "pruned");
    for (int i = 0; i < PRUNED_COUNT; i++) {
        if (!certificate->pruned[i])
            continue;
        json_object_begin(json, NULL);
        json_count(json, "count", certificate->pruned[i]);
        json_str(json, "why", pruned_why[i]);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_failures(struct json *json, const struct certificate *certificate)
{
    json_array_begin(json, "failures");
    for (size_t i = 0; i < certificate->failure_count; i++) {
        const struct sweep_failure *failure = &certificate->failures[i];
        json_object_begin(json, NULL);
        json_str(json, "property", failure->property);
        json_str(json, "message", failure->message);
        json_str(json, "trial", failure->trial);
        json_count(json, "times", failure->times);
        json_str(json, "folder", failure->folder);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_lists(struct json *json, const struct certificate *certificate)
{
    char what[96];
    json_array_begin(json, "points");
    for (size_t i = 0; i < certificate->point_count; i++)
        if (was_swept(certificate, i))
            write_point(json, certificate, i);
    json_array_end(json);
    json_array_begin(json, "never_reached");
    for (size_t i = 0; i < certificate->point_count; i++)
        if (was_missed(certificate, i))
            json_str(json, NULL, registry_get(i)->name);
    json_array_end(json);
    json_array_begin(json, "kinds");
    for (size_t k = 0; k < certificate->kind_count; k++)
        json_str(json, NULL, fault_print(&certificate->kinds[k], what, sizeof what));
    json_array_end(json);
    write_pruned(json, certificate);
    write_failures(json, certificate);
}

int certificate_write(const struct certificate *certificate, FILE *out)
{
    struct json json;
    json_init(&json, out, 2);
    json_object_begin(&json, NULL);
    json_count(&json, "schema", 1);
    json_str(&json, "scenario", certificate->scenario);
    json_str(&json, "path", certificate->path);
    json_hex(&json, "seed", certificate->seed);
    json_str(&json, "build", certificate->build);
    json_str(&json, "fingerprint", certificate->fingerprint);
    json_str(&json, "digest", certificate->digest);
    json_count(&json, "hits", certificate->hits);
    json_count(&json, "reference_hits", certificate->reference_hits);
    json_count(&json, "runs", certificate->runs);
    json_count(&json, "persistent", certificate->persistent);
    json_count(&json, "disk_states", certificate->disk_states);
    json_count(&json, "checked", certificate->checked);
    json_count(&json, "pairs", certificate->pairs);
    json_count(&json, "pair_candidates", certificate->pair_candidates);
    json_count(&json, "failed", certificate->failed);
    json_bool(&json, "complete", certificate->complete);
    write_lists(&json, certificate);
    json_object_end(&json);
    return json_done(&json);
}
