/* findings.c: see findings.h. */
#include "properties/findings.h"

#include "harness/property.h"
#include "properties/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAMED_MAX = 10 };

const char *anomaly_word(enum anomaly kind)
{
    static const char *const words[] = {
#define X(e, word) word,
        ANOMALIES(X)
#undef X
    };
    return words[kind];
}

void findings_add(struct findings *findings, struct finding finding)
{
    findings->list =
        array_grow(findings->list, findings->count, &findings->capacity, sizeof *findings->list);
    findings->list[findings->count++] = finding;
    findings->counts[finding.kind]++;
}

void findings_done(struct findings *findings)
{
    free(findings->list);
    *findings = (struct findings){0};
}

uint64_t findings_count(const struct findings *findings, uint32_t kinds)
{
    uint64_t count = 0;
    for (unsigned kind = 0; kind < ANOMALY_COUNT; kind++)
        count += kinds >> kind & 1 ? findings->counts[kind] : 0;
    return count;
}

const struct finding *findings_first(const struct findings *findings, uint32_t kinds)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (kinds >> findings->list[i].kind & 1)
            return &findings->list[i];
    }
    return NULL;
}

enum judgement findings_judge(const struct findings *findings, uint32_t failing)
{
    if (findings_count(findings, failing))
        return JUDGED_FAILS;
    if (findings->counts[ANOMALY_UNDECIDED])
        return JUDGED_UNKNOWN;
    return findings->checked ? JUDGED_HOLDS : JUDGED_VACUOUS;
}

void findings_note(const struct findings *findings, uint32_t failing, struct judge *judge)
{
    for (unsigned kind = 0; kind < ANOMALY_COUNT; kind++)
        if (findings->counts[kind] && !(failing >> kind & 1))
            judge_note(judge, anomaly_word((enum anomaly)kind), findings->counts[kind]);
}

/* ---- printing ---- */

static void kind_print(const struct findings *findings, unsigned kind, FILE *out)
{
    fprintf(out, "%" PRIu64 " %s (", findings->counts[kind], anomaly_word(kind));
    unsigned named = 0;
    for (size_t i = 0; i < findings->count && named <= NAMED_MAX; i++) {
        if (findings->list[i].kind != kind)
            continue;
        if (named++ == NAMED_MAX)
            fputs(", ...", out);
        else
            fprintf(out, "%s%" PRIu64, named > 1 ? ", " : "", findings->list[i].subject);
    }
    fputc(')', out);
}

static void kinds_print(const struct findings *findings, uint32_t kinds, const char *first,
                        FILE *out)
{
    const char *before = first;
    for (unsigned kind = 0; kind < ANOMALY_COUNT; kind++) {
        if (!(kinds >> kind & 1) || !findings->counts[kind])
            continue;
        fputs(before, out);
        kind_print(findings, kind, out);
        before = ", ";
    }
}

char *findings_print(const struct findings *findings, uint32_t failing, char *out, size_t size)
{
    FILE *stream = fmemopen(out, size, "w");
    if (!stream)
        abort();
    bool fails = findings_count(findings, failing) > 0;
    kinds_print(findings, failing, "", stream);
    kinds_print(findings, KIND_ANY & ~failing, fails ? "; also " : "", stream);
    fclose(stream);
    if (findings->count == 0)
        out[0] = '\0';
    out[size - 1] = '\0';
    return out;
}
