/* summary.c: the last screen. The figures, then what is not as it should be (only that is listed by
 * name), then the failures once more, and at the very end the verdict, in one word, with colour and
 * text. */
#include "reports/terminal_internal.h"

#include "reports/format.h"
#include <inttypes.h>
#include <string.h>

#define FAILURES_SHOWN 10
#define NAMES_SHOWN    8 /* of a list of names */
#define POINTS_SHOWN   3 /* of a kind of fault */

/* "runs        " : labels are as wide as "fingerprint ". */
static FILE *label(struct terminal *terminal, const char *word)
{
    fprintf(terminal->out, "%s%-11s%s ", terminal_colour(terminal, COLOUR_DIM), word,
            terminal_colour(terminal, COLOUR_OFF));
    return terminal->out;
}

/* A line below a label, about one name. */
static FILE *item(struct terminal *terminal, const char *word, enum terminal_colour colour)
{
    fprintf(terminal->out, "%12s%s%-8s%s ", "", terminal_colour(terminal, colour), word,
            terminal_colour(terminal, COLOUR_OFF));
    return terminal->out;
}

static void more(struct terminal *terminal, size_t count, size_t shown)
{
    if (count > shown)
        fprintf(terminal->out, "%12sand %zu more\n", "", count - shown);
}

/* ---- figures ---- */

static void print_runs(struct terminal *terminal, const struct suite *suite)
{
    char runs[FORMAT_MAX], time[FORMAT_MAX], rate[FORMAT_MAX];
    FILE *out = label(terminal, "runs");
    fprintf(out, "%s in %s, %s a second\n", format_count(suite->runs, runs),
            format_time(suite->wall_ns, time),
            format_count(format_rate(suite->runs, suite->wall_ns), rate));
    if (suite->verified)
        fprintf(label(terminal, "verified"), "%s by a second run in a fresh process\n",
                format_count(suite->verified, runs));
}

static void print_events(struct terminal *terminal, const struct suite *suite)
{
    char events[FORMAT_MAX], rate[FORMAT_MAX];
    fprintf(label(terminal, "events"), "%s, %s a second\n", format_count(suite->events, events),
            format_count(format_rate(suite->events, suite->wall_ns), rate));
}

static void print_time(struct terminal *terminal, const struct suite *suite)
{
    char sim[FORMAT_MAX], ratio[FORMAT_MAX];
    FILE *out = label(terminal, "simulated");
    fputs(format_time(suite->sim_ns, sim), out);
    if (suite->wall_ns > 0 && suite->sim_ns >= suite->wall_ns)
        fprintf(out, ", %s times as fast as the clock",
                format_count((uint64_t)(suite->sim_ns / suite->wall_ns), ratio));
    fputc('\n', out);
}

static uint64_t injected(const struct suite *suite, enum fault_kind kind)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < suite->point_count; i++)
        sum += suite->points[i].injected[kind];
    return sum;
}

/* The point with the most of a kind, of those that have fewer than `below`, or as many and come later. */
static const struct report_point *next_most(const struct suite *suite, enum fault_kind kind,
                                            const struct report_point *before)
{
    const struct report_point *most = NULL;
    for (const struct report_point *at = suite->points; at < suite->points + suite->point_count;
         at++) {
        uint64_t count = at->injected[kind];
        bool later = !before || count < before->injected[kind] ||
                     (count == before->injected[kind] && at > before);
        if (count && later && (!most || count > most->injected[kind]))
            most = at;
    }
    return most;
}

/* "error          313  store/claim/send 40, disk/file/sync 12 and at 9 more points" */
static void print_kind(struct terminal *terminal, const struct suite *suite, enum fault_kind kind)
{
    char count[FORMAT_MAX];
    size_t points = 0, shown = 0;
    for (size_t i = 0; i < suite->point_count; i++)
        points += suite->points[i].injected[kind] > 0;
    if (points == 0)
        return;
    fprintf(terminal->out, "%12s%-20s%9s  ", "", fault_word(kind),
            format_count(injected(suite, kind), count));
    const struct report_point *point = NULL;
    while (shown < POINTS_SHOWN && (point = next_most(suite, kind, point))) {
        fputs(shown++ ? ", " : "", terminal->out);
        format_line(point->name, SIZE_MAX, terminal->out);
        fprintf(terminal->out, " %s", format_count(point->injected[kind], count));
    }
    if (points > shown)
        fprintf(terminal->out, " and at %s", format_plural(points - shown, "more point", count));
    fputc('\n', terminal->out);
}

static void print_faults(struct terminal *terminal, const struct suite *suite)
{
    uint64_t sum = 0;
    char count[FORMAT_MAX];
    for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++)
        sum += injected(suite, (enum fault_kind)kind);
    fprintf(label(terminal, "faults"), "%s injected\n", format_count(sum, count));
    for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++)
        print_kind(terminal, suite, (enum fault_kind)kind);
}

/* A line for each: what it did, what the budget refused, what was healed. */
static void print_nemesis(struct terminal *terminal, const struct report_nemesis *nemesis)
{
    char made[FORMAT_MAX], refused[FORMAT_MAX], healed[FORMAT_MAX];
    fprintf(terminal->out, "%12s%-20s%9s%9s%9s\n", "", nemesis->name,
            format_count(nemesis->made, made),
            nemesis->refused ? format_count(nemesis->refused, refused) : "-",
            nemesis->healed ? format_count(nemesis->healed, healed) : "-");
}

static void print_nemeses(struct terminal *terminal, const struct suite *suite)
{
    uint64_t asked = 0;
    for (size_t i = 0; i < suite->nemesis_count; i++)
        asked += suite->nemeses[i].asked;
    if (asked == 0)
        return;
    fprintf(label(terminal, "nemeses"), "%-20s%9s%9s%9s\n", "", "strikes", "refused", "healed");
    for (size_t i = 0; i < suite->nemesis_count; i++)
        if (suite->nemeses[i].asked > 0)
            print_nemesis(terminal, &suite->nemeses[i]);
}

/* Promised faults that never came, in scenarios that had their chance. */
static void print_promises(struct terminal *terminal, const struct suite *suite)
{
    size_t broken = 0;
    for (size_t i = 0; i < suite->promise_count; i++) {
        const struct report_promise *promise = &suite->promises[i];
        if (!report_promise_broken(promise) || ++broken > NAMES_SHOWN)
            continue;
        FILE *out = label(terminal, broken == 1 ? "never fired" : "");
        char runs[FORMAT_MAX];
        fputs(terminal_colour(terminal, COLOUR_ODD), out);
        format_line(promise->scenario, SIZE_MAX, out);
        fputs(": ", out);
        format_line(promise->what, SIZE_MAX, out);
        fprintf(out, "%s, in %s\n", terminal_colour(terminal, COLOUR_OFF),
                format_plural(promise->runs, "run", runs));
    }
    more(terminal, broken, NAMES_SHOWN);
}

/* Forced orderings that did not come about. */
static void print_waits(struct terminal *terminal, const struct suite *suite)
{
    size_t late = 0;
    for (size_t i = 0; i < suite->promise_count; i++) {
        const struct report_promise *promise = &suite->promises[i];
        if (promise->late == 0 || ++late > NAMES_SHOWN)
            continue;
        FILE *out = label(terminal, late == 1 ? "timed out" : "");
        char count[FORMAT_MAX], waits[FORMAT_MAX];
        fputs(terminal_colour(terminal, COLOUR_ODD), out);
        format_line(promise->scenario, SIZE_MAX, out);
        fputs(": ", out);
        format_line(promise->what, SIZE_MAX, out);
        fprintf(out, "%s, %s of %s\n", terminal_colour(terminal, COLOUR_OFF),
                format_count(promise->late, count), format_plural(promise->kept, "wait", waits));
    }
    more(terminal, late, NAMES_SHOWN);
}

/* ---- properties, points, sometimes ---- */

/* One scenario alone is not expected to reach everything: which it did not is in run.json. */
static bool is_broad(const struct suite *suite)
{
    return suite->scenario_count > 1;
}

static const char *property_state(const struct report_property *property)
{
    return property->failed ? "failed" : property->held ? "held" : "vacuous";
}

static size_t count_state(const struct suite *suite, const char *state)
{
    size_t count = 0;
    for (size_t i = 0; i < suite->property_count; i++)
        count += strcmp(property_state(&suite->properties[i]), state) == 0;
    return count;
}

static void list_properties(struct terminal *terminal, const struct suite *suite, const char *state,
                            enum terminal_colour colour)
{
    size_t found = 0;
    for (size_t i = 0; i < suite->property_count; i++) {
        const struct report_property *property = &suite->properties[i];
        if (strcmp(property_state(property), state) != 0 || ++found > NAMES_SHOWN)
            continue;
        FILE *out = item(terminal, state, colour);
        format_line(property->id, SIZE_MAX, out);
        fputs(": ", out);
        format_line(property->name, SIZE_MAX, out);
        char runs[FORMAT_MAX];
        if (property->failed)
            fprintf(out, " (%s)", format_plural(property->failed, "run", runs));
        fputc('\n', out);
    }
    more(terminal, found, NAMES_SHOWN);
}

/* What went wrong and fails nothing: "one_job_per_insert: 12 recovered, 1 lost". */
static void list_notes(struct terminal *terminal, const struct suite *suite)
{
    char times[FORMAT_MAX];
    for (size_t i = 0; i < suite->property_count; i++) {
        const struct report_property *property = &suite->properties[i];
        if (property->note_count == 0)
            continue;
        FILE *out = item(terminal, "noted", COLOUR_DIM);
        format_line(property->id, SIZE_MAX, out);
        for (size_t k = 0; k < property->note_count; k++) {
            fprintf(out, "%s %s ", k ? "," : ":", format_count(property->notes[k].times, times));
            format_line(property->notes[k].what, SIZE_MAX, out);
        }
        fputs("\n", out);
        if (property->lets_pass && *property->lets_pass) {
            fprintf(terminal->out, "%21s", "");
            format_line(property->lets_pass, SIZE_MAX, terminal->out);
            fputs("\n", terminal->out);
        }
    }
}

static void print_properties(struct terminal *terminal, const struct suite *suite)
{
    fprintf(label(terminal, "properties"), "%zu held, %zu failed, %zu vacuous\n",
            count_state(suite, "held"), count_state(suite, "failed"),
            count_state(suite, "vacuous"));
    list_properties(terminal, suite, "failed", COLOUR_BAD);
    list_notes(terminal, suite);
    if (is_broad(suite))
        list_properties(terminal, suite, "vacuous", COLOUR_ODD);
}

static void print_points(struct terminal *terminal, const struct suite *suite)
{
    size_t never = 0;
    for (size_t i = 0; i < suite->point_count; i++)
        never += suite->points[i].hits == 0;
    FILE *out = label(terminal, "points");
    fprintf(out, "%zu of %zu reached", suite->point_count - never, suite->point_count);
    if (never)
        fprintf(out, "; %zu never: those with \"hits\": 0 in %s/run.json", never,
                suite->dir ? suite->dir : ".");
    fputc('\n', out);
}

static void print_sometimes(struct terminal *terminal, const struct suite *suite)
{
    size_t met = 0, listed = 0;
    bool listing = is_broad(suite) || suite->outcome != OUTCOME_PASS; /* it may be the reason */
    for (size_t i = 0; i < suite->sometimes_count; i++)
        met += suite->sometimes[i].met;
    if (suite->sometimes_count == 0)
        return;
    fprintf(label(terminal, "sometimes"), "%zu of %zu met\n", met, suite->sometimes_count);
    for (size_t i = 0; listing && i < suite->sometimes_count; i++) {
        const struct report_sometimes *sometimes = &suite->sometimes[i];
        if (sometimes->met || ++listed > NAMES_SHOWN)
            continue;
        FILE *out = item(terminal, "not met", sometimes->rare ? COLOUR_DIM : COLOUR_ODD);
        format_line(sometimes->name, SIZE_MAX, out);
        fputs(sometimes->rare ? " (rare)\n" : "\n", out);
    }
    more(terminal, listed, NAMES_SHOWN);
}

static void print_canary(struct terminal *terminal, const struct suite *suite)
{
    char runs[FORMAT_MAX];
    if (suite->canary_runs == 0)
        return;
    FILE *out = label(terminal, "canary");
    format_plural(suite->canary_runs, "run", runs);
    if (suite->canary_caught == suite->canary_runs)
        fprintf(out, "caught in %s\n", runs);
    else
        fprintf(out, "%sNOT CAUGHT%s: only %" PRIu64 " of %s failed, and all must\n",
                terminal_colour(terminal, COLOUR_BAD), terminal_colour(terminal, COLOUR_OFF),
                suite->canary_caught, runs);
}

/* ---- the end ---- */

static void print_failure(struct terminal *terminal, const struct suite *suite,
                          const struct report_failure *failure)
{
    terminal_print_failure(terminal, failure);
    if (!failure->shrunk)
        return;
    fprintf(terminal->out, "          shrunk  %" PRIu64 " -> %" PRIu64 " faults  ", failure->faults,
            failure->shrunk_faults);
    format_line(suite->dir ? suite->dir : ".", SIZE_MAX, terminal->out);
    fputc('/', terminal->out);
    format_line(failure->shrunk, SIZE_MAX, terminal->out);
    fputs(", with its story beside it\n", terminal->out);
}

static void print_failures(struct terminal *terminal, const struct suite *suite)
{
    if (suite->failure_count)
        fputc('\n', terminal->out);
    for (size_t i = 0; i < suite->failure_count && i < FAILURES_SHOWN; i++)
        print_failure(terminal, suite, &suite->failures[i]);
    if (suite->failure_count > FAILURES_SHOWN)
        fprintf(terminal->out, "          and %zu more in %s/failures\n",
                suite->failure_count - FAILURES_SHOWN, suite->dir ? suite->dir : ".");
}

static bool broke_promise(const struct suite *suite)
{
    for (size_t i = 0; suite->strict_faults && i < suite->promise_count; i++)
        if (report_promise_broken(&suite->promises[i]))
            return true;
    return false;
}

static void print_sentence(const struct suite *suite, FILE *out)
{
    char runs[FORMAT_MAX], failed[FORMAT_MAX];
    format_plural(suite->runs, "run", runs);
    format_count(suite->failed_runs, failed);
    bool blind = suite->canary_caught < suite->canary_runs;
    if (suite->empty)
        fputs("nothing was run", out);
    else if (suite->outcome == OUTCOME_PASS)
        fprintf(out, "everything held in %s", runs);
    else if (suite->outcome == OUTCOME_HARNESS && blind)
        fputs("the canary was not caught: this suite would not notice a failure", out);
    else if (suite->failed_runs)
        fprintf(out, "%s of %s failed", failed, runs);
    else if (suite->outcome == OUTCOME_HARNESS)
        fputs("the harness is at fault, not what it tests", out);
    else if (broke_promise(suite))
        fputs("no run failed, but a promised fault never fired", out);
    else
        fputs("no run failed, but a \"sometimes\" that is not rare was never met", out);
    if (suite->interrupted)
        fputs("; interrupted, the report so far is whole", out);
}

static void print_verdict(struct terminal *terminal, const struct suite *suite)
{
    static const struct {
        const char *word;
        enum terminal_colour colour;
    } verdicts[] = {
        [OUTCOME_PASS] = {"PASS", COLOUR_GOOD},        [OUTCOME_SAFETY] = {"FAIL", COLOUR_BAD},
        [OUTCOME_LIVENESS] = {"LIVENESS", COLOUR_BAD}, [OUTCOME_HARNESS] = {"HARNESS", COLOUR_ODD},
        [OUTCOME_CRASH] = {"FAIL", COLOUR_BAD},
    };
    FILE *out = terminal->out;
    const char *word = suite->empty ? "EMPTY" : verdicts[suite->outcome].word;
    enum terminal_colour colour = suite->empty ? COLOUR_ODD : verdicts[suite->outcome].colour;
    fprintf(out, "\n%s%-8s%s  ", terminal_colour(terminal, colour), word,
            terminal_colour(terminal, COLOUR_OFF));
    print_sentence(suite, out);
    fputc('\n', out);
}

void terminal_summary(struct terminal *terminal, const struct suite *suite)
{
    terminal_clear(terminal);
    if (!suite->empty) {
        fputc('\n', terminal->out);
        print_runs(terminal, suite);
        print_events(terminal, suite);
        print_time(terminal, suite);
        print_faults(terminal, suite);
        print_nemeses(terminal, suite);
        print_promises(terminal, suite);
        print_waits(terminal, suite);
        print_properties(terminal, suite);
        print_points(terminal, suite);
        print_sometimes(terminal, suite);
        print_canary(terminal, suite);
    }
    if (suite->dir)
        fprintf(label(terminal, "results"), "%s\n", suite->dir);
    fprintf(terminal->out, "fingerprint %s\n", suite->fingerprint);
    print_failures(terminal, suite);
    print_verdict(terminal, suite);
    fflush(terminal->out);
}
