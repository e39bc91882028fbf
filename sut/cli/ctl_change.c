/* ctl_change.c: jobctl retry and cancel. One transaction per job, so that each gets its own
 * answer. */
#include "sut/cli/jobctl.h"
#include "sut/cli/words.h"

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
    struct store_request request = {.op = op, .ids = &id, .id_count = 1};
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

static enum ctl_exit change(struct ctl *ctl, enum store_op op, const char *done)
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

enum ctl_exit ctl_retry(struct ctl *ctl)
{
    return change(ctl, STORE_RETRY, "made available");
}

enum ctl_exit ctl_cancel(struct ctl *ctl)
{
    return change(ctl, STORE_CANCEL, "cancelled");
}
