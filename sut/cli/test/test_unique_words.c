/* test_unique_words.c: uniqueness as people write it. */
#include "sut/cli/unique_words.h"

#include <criterion/criterion.h>
#include <string.h>

static struct heap heap;
static char why[160];

static void setup(void)
{
    heap_init(&heap);
}

static void teardown(void)
{
    heap_done(&heap);
}

TestSuite(unique_words, .init = setup, .fini = teardown);

static const struct job_unique *said(const char *text)
{
    const struct job_unique *unique;
    cr_assert(unique_words(&heap, text, &unique, why, sizeof why), "%s: %s", text, why);
    return unique;
}

static void refused(const char *text, const char *sentence)
{
    const struct job_unique *unique;
    cr_assert_not(unique_words(&heap, text, &unique, why, sizeof why), "%s", text);
    cr_assert_str_eq(why, sentence);
}

Test(unique_words, c22_true_false_and_nothing)
{
    cr_assert_eq(said("true")->period_ms, JOB_UNIQUE_FOREVER);
    cr_assert_null(said("false"));
    refused("", "there is no option of uniqueness ''");
}

Test(unique_words, all_that_can_be_said)
{
    const struct job_unique *unique =
        said("period=2h,fields=args+meta,keys=id+a b,states=available+executing,"
             "timestamp=scheduled_at,replace=priority,replace:scheduled=args+scheduled_at");
    cr_assert_eq(unique->period_ms, 7200000);
    cr_assert_eq(unique->fields, JOB_UNIQUE_ARGS | JOB_UNIQUE_META);
    cr_assert_str_eq(unique->keys[0], "id");
    cr_assert_str_eq(unique->keys[1], "a b");
    cr_assert_null(unique->keys[2]);
    cr_assert_eq(unique->states, JOB_STATE_BIT(JOB_AVAILABLE) | JOB_STATE_BIT(JOB_EXECUTING));
    cr_assert(unique->by_schedule);
    cr_assert_eq(unique->replace[JOB_COMPLETED], JOB_REPLACE_PRIORITY);
    cr_assert_eq(unique->replace[JOB_SCHEDULED],
                 JOB_REPLACE_PRIORITY | JOB_REPLACE_ARGS | JOB_REPLACE_SCHEDULED_AT);
    cr_assert_eq(said("period=infinity")->period_ms, JOB_UNIQUE_FOREVER);
    cr_assert_eq(said("states=all")->states, JOB_STATES_ALL);
    cr_assert_eq(said("states=incomplete")->states, JOB_STATES_INCOMPLETE);
    cr_assert_eq(said("states=successful")->states, JOB_STATES_SUCCESSFUL);
    cr_assert_eq(said("states=scheduled")->states, JOB_STATES_SCHEDULED);
    cr_assert_not(said("timestamp=inserted_at")->by_schedule);
}

Test(unique_words, c23_c24_c26_what_is_not_there)
{
    refused("perod=1h", "there is no option of uniqueness 'perod'; did you mean period?");
    refused("period", "period needs a value: period=...");
    refused("keys=", "keys needs a value: keys=...");
    refused("period=soon", "the period 'soon' is neither a time, such as 90s or 2h, nor infinity");
    refused("period=0s", "the period '0s' is neither a time, such as 90s or 2h, nor infinity");
    refused("period=-5s", "the period '-5s' is neither a time, such as 90s or 2h, nor infinity");
    refused("fields=args+wroker", "there is no unique field 'wroker'; did you mean worker?");
    refused("states=avaliable", "there is no state 'avaliable'; did you mean available?");
    refused("states=incomplet", "there is no state 'incomplet'; did you mean incomplete?");
    refused("states=all+scheduled", "there is no state 'all'");
    refused("timestamp=scheduled", "there is no timestamp 'scheduled'; did you mean scheduled_at?");
    refused("fields=worker,keys=id",
            "keys are members of args and meta, but it is to be unique by neither");
    refused("replace=state", "there is no field to replace 'state'");
    refused("replace=errors", "there is no field to replace 'errors'");
    refused("replace:done=args", "there is no state 'done'");
    refused("replace:scheduled=arg", "there is no field to replace 'arg'; did you mean args?");
    refused("period=1h,,", "there is no option of uniqueness ''");
}
