/* The ledger: the state of each job, as the events tell it. Only for knowing when a run has drained and for saying what
 * it still waits for; the verdicts are the properties' business. */
#include "scenarios/jobs/adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_JOB 255

static unsigned char *ledger_at(struct ledger *ledger, uint64_t job)
{
    if (job >= ledger->size) {
        size_t size = (job + 1) * 2;
        ledger->states = realloc(ledger->states, size);
        if (!ledger->states)
            abort();
        memset(ledger->states + ledger->size, NO_JOB, size - ledger->size);
        ledger->size = size;
    }
    return &ledger->states[job];
}

static void count(struct ledger *ledger, unsigned char state, int by)
{
    if (state == NO_JOB)
        return;
    ledger->counts[state] += (size_t)by;
    if (!job_state_final((enum job_state)state))
        ledger->open += (size_t)by;
}

void ledger_set(struct ledger *ledger, uint64_t job, int state)
{
    unsigned char *at = ledger_at(ledger, job);
    count(ledger, *at, -1);
    *at = state < 0 ? NO_JOB : (unsigned char)state;
    count(ledger, *at, 1);
}

/* What an event tells, by its point. */
enum meaning { NOTHING, DOUBT, TICKED, STATE_CLAIMED, STATE_STAGED, STATE_TOLD, GONE };

static enum meaning meaning_of(const char *name)
{
    if (strcmp(name, "world/disk/loss") == 0 || strncmp(name, "disk/", 5) == 0)
        return DOUBT; /* a commit may be lost, or be there though it failed */
    if (strcmp(name, "store/cron/done") == 0)
        return TICKED;
    if (strcmp(name, "store/flow/release") == 0)
        return STATE_TOLD;
    if (strncmp(name, "store/job/", 10) != 0 || strcmp(name + 10, "stale") == 0)
        return NOTHING;
    if (strcmp(name + 10, "claim") == 0)
        return STATE_CLAIMED;
    if (strcmp(name + 10, "delete") == 0 || strcmp(name + 10, "prune") == 0)
        return GONE;
    return strcmp(name + 10, "stage") == 0 ? STATE_STAGED : STATE_TOLD;
}

/* By point id: points are the same in all runs. */
static const unsigned char *meanings(void)
{
    static unsigned char *found;
    if (found)
        return found;
    found = malloc(registry_count());
    if (!found)
        abort();
    for (size_t id = 0; id < registry_count(); id++)
        found[id] = (unsigned char)meaning_of(registry_get(id)->name);
    return found;
}

void ledger_event(void *ctx, const struct event *event)
{
    struct ledger *ledger = ctx;
    enum job_state state = JOB_AVAILABLE;
    switch ((enum meaning)meanings()[event->point->id]) {
    case NOTHING: return;
    case DOUBT: ledger->doubtful = true; return;
    case TICKED: ledger->ticked_ns = event->time_ns; return;
    case STATE_CLAIMED: state = JOB_EXECUTING; break;
    case STATE_STAGED: break;
    case GONE: ledger_set(ledger, event_u64(event, "job"), -1); return;
    case STATE_TOLD:
        if (!job_state_by_word(event_str(event, "state"), &state))
            return;
    }
    ledger_set(ledger, event_u64(event, "job"), (int)state);
}

size_t ledger_open(const struct ledger *ledger)
{
    return ledger->open;
}

/* "2 executing (17, 22)". Returns characters written. */
static size_t print_state(const struct ledger *ledger, enum job_state state, char *text,
                          size_t size)
{
    int length = snprintf(text, size, "%zu %s (", ledger->counts[state], job_state_word(state));
    size_t used = length < 0 ? 0 : (size_t)length, listed = 0;
    for (uint64_t job = 0; job < ledger->size && used < size; job++) {
        if (ledger->states[job] != state)
            continue;
        if (listed == 6) {
            length = snprintf(text + used, size - used, ", ...");
            used += length < 0 ? 0 : (size_t)length;
            break;
        }
        length = snprintf(text + used, size - used, "%s%llu", listed++ ? ", " : "",
                          (unsigned long long)job);
        used += length < 0 ? 0 : (size_t)length;
    }
    if (used + 1 < size) {
        text[used++] = ')';
        text[used] = '\0';
    }
    return used < size ? used : size - 1;
}

bool ledger_text(const struct ledger *ledger, char *text, size_t size)
{
    size_t open = ledger_open(ledger);
    if (open == 0)
        return false;
    int length = snprintf(text, size, "%zu job%s: ", open, open == 1 ? "" : "s");
    size_t used = length < 0 ? 0 : (size_t)length;
    bool first = true;
    for (int state = 0; state < JOB_STATE_COUNT && used + 3 < size; state++) {
        if (ledger->counts[state] == 0 || job_state_final((enum job_state)state))
            continue;
        if (!first)
            used += (size_t)snprintf(text + used, size - used, ", ");
        first = false;
        if (used < size)
            used += print_state(ledger, (enum job_state)state, text + used, size - used);
    }
    return true;
}

void ledger_done(struct ledger *ledger)
{
    free(ledger->states);
    ledger->states = NULL;
}
