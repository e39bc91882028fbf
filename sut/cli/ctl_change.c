/* ctl_change.c: jobctl retry, cancel, delete, update and prune. By ids: one transaction per job, so that each gets its own
 * answer. By a filter: as many as it takes, each of them short; when the database fails in the middle, what was changed until
 * then stays, and jobctl says how many that are. */
#include "sut/cli/jobctl.h"
#include "sut/cli/words.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

uint64_t ctl_id(const char *text)
{
    int64_t id;
    if (!words_number(text, 1, INT64_MAX, &id))
        ctl_fail(CTL_USAGE, "'%.60s' is no job's id: a whole number above 0", text);
    return (uint64_t)id;
}

static bool change_one(struct ctl *ctl, enum store_op op, uint64_t id)
{
    struct store_request request = {
        .op = op, .ids = &id, .id_count = 1, .update = ctl_update_of(ctl)};
    return ctl_execute(ctl, &request).changed > 0;
}

/* What stands in the way: a state, or that there is no such job. */
static const char *obstacle(struct ctl *ctl, uint64_t id)
{
    struct store_request request = {.op = STORE_GET, .ids = &id, .id_count = 1};
    struct store_reply reply = ctl_execute(ctl, &request);
    return reply.job_count ? job_state_word(reply.jobs[0].state) : "missing";
}

static void tell_refusal(uint64_t id, const char *state, const char *done)
{
    if (strcmp(state, "missing") == 0)
        fprintf(stderr, "jobctl: there is no job %" PRIu64 "\n", id);
    else
        fprintf(stderr, "jobctl: job %" PRIu64 " is %s and cannot be %s\n", id, state, done);
}

static enum ctl_exit change_ids(struct ctl *ctl, enum store_op op, const char *done)
{
    json_t *changed = json_array(), *refused = json_array();
    for (int i = 0; i < ctl->word_count; ++i)
        ctl_id(ctl->words[i]); /* all of them, before anything is done */
    for (int i = 0; i < ctl->word_count; ++i) {
        uint64_t id = ctl_id(ctl->words[i]);
        if (change_one(ctl, op, id)) {
            json_array_append_new(changed, json_integer((json_int_t)id));
            if (!ctl->json)
                printf("job %" PRIu64 " %s\n", id, done);
            continue;
        }
        const char *state = obstacle(ctl, id);
        json_array_append_new(refused,
                              json_pack("{s:I, s:s}", "id", (json_int_t)id, "state", state));
        if (!ctl->json)
            tell_refusal(id, state, done);
    }
    enum ctl_exit status = json_array_size(refused) ? CTL_REFUSED : CTL_OK;
    json_t *document = json_pack("{s:o, s:o}", "changed", changed, "refused", refused);
    if (ctl->json)
        ctl_print_json(document);
    else
        json_decref(document);
    return status;
}

/* ---- by a filter ---- */

static void bulk_failed(const struct ctl *ctl, const struct store_reply *reply, uint64_t changed,
                        const char *done)
{
    if (changed)
        fprintf(stderr, "jobctl: %" PRIu64 " jobs were %s before this happened:\n", changed, done);
    ctl_fail_request(ctl, reply);
}

/* One request after the other, until nothing is left to look at; *next is where the request goes on. */
static uint64_t bulk(struct ctl *ctl, const struct store_request *request, uint64_t *next,
                     const char *done)
{
    uint64_t changed = 0;
    struct store_reply reply;
    do {
        struct heap *heap = heap_child(ctl->env.heap);
        store_execute(ctl_store(ctl), request, heap, &reply);
        if (reply.err)
            bulk_failed(ctl, &reply, changed, done);
        changed += reply.changed;
        *next = reply.last_id;
        heap_free(heap);
    } while (reply.more);
    return changed;
}

static enum ctl_exit bulk_report(const struct ctl *ctl, uint64_t changed, const char *done)
{
    if (ctl->json)
        ctl_print_json(json_pack("{s:I}", "changed", (json_int_t)changed));
    else
        printf("%" PRIu64 " job%s %s\n", changed, changed == 1 ? "" : "s", done);
    return CTL_OK;
}

static enum ctl_exit change_all(struct ctl *ctl, enum store_op op, const char *done)
{
    struct job_filter filter = ctl_filter(ctl);
    struct store_request request = {.op = op, .filter = &filter, .update = ctl_update_of(ctl)};
    return bulk_report(ctl, bulk(ctl, &request, &filter.after_id, done), done);
}

static enum ctl_exit change(struct ctl *ctl, enum store_op op, const char *done)
{
    bool filtered = ctl_filters(ctl);
    if (ctl->word_count && filtered)
        ctl_fail(CTL_USAGE, "either ids or a filter; '%.60s' is too much", ctl->words[0]);
    if (!ctl->word_count && !filtered)
        ctl_fail(CTL_USAGE, "which jobs? ids, or a filter such as --state; --all if all are meant");
    return filtered ? change_all(ctl, op, done) : change_ids(ctl, op, done);
}

enum ctl_exit ctl_retry(struct ctl *ctl)
{
    return change(ctl, STORE_RETRY, "made available");
}

enum ctl_exit ctl_cancel(struct ctl *ctl)
{
    return change(ctl, STORE_CANCEL, "cancelled");
}

enum ctl_exit ctl_delete(struct ctl *ctl)
{
    return change(ctl, STORE_DELETE, "deleted");
}

/* ---- update ---- */

static bool update_says_something(const struct job_update *update)
{
    return update->args || update->meta || update->tags || update->queue || update->worker ||
           update->set_priority || update->max_attempts || update->scheduled_ms;
}

enum ctl_exit ctl_update(struct ctl *ctl)
{
    struct job_update *update = &ctl->update;
    if (update->args && !ctl_check_json("arguments", 1, update->args, strlen(update->args)))
        return CTL_USAGE;
    if (update->meta && !ctl_check_json("meta", 1, update->meta, strlen(update->meta)))
        return CTL_USAGE;
    if (!update_says_something(update))
        ctl_fail(CTL_USAGE,
                 "what is to be new? --set-queue, --set-priority, ...; see jobctl --help");
    return change(ctl, STORE_UPDATE, "updated");
}

/* ---- prune ---- */

static int64_t keep_ms(const struct ctl *ctl, enum job_state state)
{
    return ctl->states == 0 || (ctl->states & JOB_STATE_BIT(state)) ? ctl->older_ms : 0;
}

enum ctl_exit ctl_prune(struct ctl *ctl)
{
    if (ctl->older_ms <= 0)
        ctl_fail(CTL_USAGE, "prune: --older TIME is needed, such as --older 7d");
    struct store_request request = {.op = STORE_PRUNE,
                                    .keep = {.completed_ms = keep_ms(ctl, JOB_COMPLETED),
                                             .cancelled_ms = keep_ms(ctl, JOB_CANCELLED),
                                             .discarded_ms = keep_ms(ctl, JOB_DISCARDED)}};
    return bulk_report(ctl, bulk(ctl, &request, &request.after_id, "removed"), "removed");
}
