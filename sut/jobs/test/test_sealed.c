/* Encrypted arguments: keys, sealing, opening; and jobs that have them. */
#include "sut/jobs/sealed.h"
#include "sut/jobs/test/rig.h"
#include "sut/jobs/testing.h"
#include "sut/jobs/unique.h"

/* 32 bytes each. */
#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="

static char why[300];

static struct key_ring ring_of(const char *text)
{
    struct key_ring ring;
    bool good = key_ring_read(&ring, text, why, sizeof why);
    cr_assert(good, "%s", why);
    return ring;
}

static void cannot_read(const char *text, const char *because)
{
    struct key_ring ring;
    cr_assert_not(key_ring_read(&ring, text, why, sizeof why));
    cr_assert(strstr(why, because), "%s", why);
    cr_assert_eq(ring.count, 0);
    cr_assert_null(strstr(why, "AAEC"), "no key is shown");
}

Test(sealed, keys_are_lines_the_newest_first)
{
    struct key_ring ring = ring_of("# all of them\n\n new " KEY_A "  # of June\nold\t" KEY_B "\n");
    cr_assert_eq(ring.count, 2);
    cr_assert_str_eq(ring.keys[0].name, "new");
    cr_assert_eq(ring.keys[0].bytes[31], 31);
    cr_assert_str_eq(ring.keys[1].name, "old");
    ring = ring_of("new:" KEY_A ",old:" KEY_B);
    cr_assert_eq(ring.count, 2);
    cr_assert_eq(ring.keys[1].bytes[0], 255);
    key_ring_forget(&ring);
    cr_assert_eq(ring.keys[1].bytes[0], 0);
}

Test(sealed, bad_keys_are_refused)
{
    cannot_read("", "there is no key in it");
    cannot_read("# nothing\n", "there is no key in it");
    cannot_read("ok " KEY_A "\nk" KEY_B, "line 2 has a name with other characters");
    cannot_read("k AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", "line 1 has a key that is not");
    cannot_read("k AAEC*", "line 1 has a key that is not 32 bytes in base64");
    cannot_read("k " KEY_A " " KEY_B, "line 1 has a key that is not");
    cannot_read("k", "line 1 has a key that is not");
    cannot_read("k " KEY_A "\nk " KEY_B, "line 2 has the name of another one");
}

static const unsigned char nonce[SEAL_NONCE_BYTES] = {1, 2, 3};

/* A character of the sealed text, the nonce's or the data's, is another one. */
static void flip(const char *sealed, const char *after, char *out)
{
    strcpy(out, sealed);
    char *at = strstr(out, after) + strlen(after);
    *at = *at == 'A' ? 'B' : 'A';
}

Test(sealed, what_is_sealed_is_opened_and_nothing_else)
{
    struct heap *heap = heap_new();
    struct key_ring one = ring_of("one " KEY_A), both = ring_of("two " KEY_B ",one " KEY_A);
    struct key_ring other = ring_of("one " KEY_B);
    char bad[400];
    const char *args = "{\"card\": \"4111\"}", *sealed = args_seal(&one, args, nonce, heap);
    cr_assert(args_sealed(sealed));
    cr_assert_not(args_sealed(args));
    cr_assert_null(strstr(sealed, "4111"));
    cr_assert_null(job_spec_check(&(struct job_spec){.worker = "w", .args = sealed}));
    cr_assert_str_eq(args_open(&one, sealed, heap, why, sizeof why), args);
    cr_assert_str_eq(args_open(&both, sealed, heap, why, sizeof why), args);
    cr_assert_str_neq(args_seal(&both, args, nonce, heap), sealed, "by the newest");
    cr_assert_null(args_open(&other, sealed, heap, why, sizeof why));
    cr_assert(strstr(why, "are not what key 'one' encrypted"), "%s", why);
    cr_assert_null(args_open(NULL, sealed, heap, why, sizeof why));
    cr_assert_str_eq(why, "its arguments are encrypted, and there is no key 'one' here");
    const char *parts[] = {"\"nonce\":\"", "\"data\":\""};
    for (size_t i = 0; i < 2; ++i) {
        flip(sealed, parts[i], bad);
        cr_assert_null(args_open(&one, bad, heap, why, sizeof why));
        cr_assert(strstr(why, "they were changed"), "%s", why);
    }
    for (size_t cut = strlen(sealed); cut-- > 0;) {
        snprintf(bad, cut + 1, "%s", sealed);
        cr_assert_null(args_open(&one, bad, heap, why, sizeof why));
    }
    cr_assert_str_eq(args_shown(sealed), "\"encrypted\"");
    cr_assert_str_eq(args_shown(args), args);
    heap_free(heap);
}

/* ---- jobs ---- */

struct seen {
    unsigned count;
    char args[100];
};

static struct job_outcome see(struct proc *self, const struct job *job, void *ctx)
{
    struct seen *seen = ctx;
    (void)self;
    ++seen->count;
    snprintf(seen->args, sizeof seen->args, "%s", job->args);
    return job_outcome_make(JOB_OK, "%s", "");
}

static struct job_outcome see_outside(const struct job *job, struct job_control *control, void *ctx)
{
    (void)control;
    return see(NULL, job, ctx);
}

static struct jobs_test *test_new(struct seen *seen, const struct key_ring *keys)
{
    static struct worker workers[3];
    workers[0] = (struct worker){.name = "see", .perform = see, .ctx = seen};
    workers[1] =
        (struct worker){.name = "thread", .blocking = see_outside, .ctx = seen, .mode = IN_THREAD};
    workers[2] =
        (struct worker){.name = "child", .blocking = see_outside, .ctx = seen, .mode = IN_CHILD};
    *seen = (struct seen){0};
    struct jobs_test *test = jobs_test_new(
        &(struct jobs_test_options){.workers = workers, .worker_count = 3, .keys = keys}, why,
        sizeof why);
    cr_assert_not_null(test, "%s", why);
    return test;
}

static const struct jobs_test_drain all = {.recursive = true};

Test(sealed, workers_of_every_kind_get_arguments_as_they_were)
{
    struct seen seen;
    struct key_ring keys = ring_of("k " KEY_A);
    struct jobs_test *test = test_new(&seen, &keys);
    const char *names[] = {"see", "thread", "child"};
    for (uint64_t i = 0; i < 3; ++i) {
        struct job_spec spec = {.worker = names[i], .args = "{\"secret\":1}", .encrypted = true};
        cr_assert(jobs_test_insert(test, &spec, NULL), "%s", jobs_test_why(test));
        const char *kept = jobs_test_job(test, i + 1)->args;
        cr_assert(args_sealed(kept));
        cr_assert_null(strstr(kept, "secret"));
        seen.args[0] = '\0';
        cr_assert(jobs_test_drain(test, &all, NULL));
        cr_assert_str_eq(seen.args, "{\"secret\":1}");
        cr_assert_str_eq(jobs_test_job(test, i + 1)->args, kept);
    }
    cr_assert_str_neq(jobs_test_job(test, 1)->args, jobs_test_job(test, 2)->args,
                      "equal texts look different");
    jobs_test_free(test);
}

Test(sealed, without_its_key_a_job_fails_and_is_not_lost)
{
    struct seen seen;
    struct key_ring keys = ring_of("old " KEY_A);
    struct jobs_test_counts counts;
    struct jobs_test *test = test_new(&seen, &keys);
    struct job_spec spec = {.worker = "see", .args = "{\"secret\":1}", .encrypted = true};
    cr_assert(jobs_test_insert(test, &spec, NULL), "%s", jobs_test_why(test));
    struct key_ring kept = keys;
    keys = ring_of("new " KEY_B);
    cr_assert(jobs_test_drain(test, &all, &counts));
    cr_assert_eq(counts.retryable, 1);
    cr_assert_eq(seen.count, 0);
    cr_assert(strstr(jobs_test_job(test, 1)->errors,
                     "its arguments are encrypted, and there is no key 'old' here"));
    keys.keys[keys.count++] = kept.keys[0]; /* as an old one */
    cr_assert(jobs_test_advance(test, 60000));
    cr_assert(jobs_test_drain(test, &all, &counts));
    cr_assert_eq(counts.completed, 1);
    cr_assert_str_eq(seen.args, "{\"secret\":1}");
    jobs_test_free(test);
}

static void refused(struct jobs_test *test, struct job_spec spec, const char *because)
{
    const char *wrong = job_spec_check(&spec);
    cr_assert_not(jobs_test_insert(test, &spec, NULL));
    if (because)
        cr_assert(wrong && strstr(wrong, because), "%s", wrong);
    cr_assert_eq(jobs_test_all(test, &(struct jobs_test_match){0}, NULL), 0);
}

Test(sealed, what_cannot_be_is_refused)
{
    struct seen seen;
    struct key_ring keys = ring_of("k " KEY_A), none = {0};
    struct job_unique by_args = {0}, by_key = {.keys = (const char *const[]){"id", NULL}},
                      by_worker = {.fields = JOB_UNIQUE_WORKER};
    struct jobs_test *test = test_new(&seen, &none);
    struct job_spec spec = {.worker = "see", .encrypted = true};
    refused(test, spec, NULL); /* no key */
    jobs_test_free(test);
    test = test_new(&seen, &keys);
    spec.unique = &by_args;
    refused(test, spec, "unique by its arguments, which are to be encrypted");
    spec.unique = &by_key;
    refused(test, spec, "unique by its arguments, which are to be encrypted");
    spec.unique = &by_worker;
    cr_assert(jobs_test_insert(test, &spec, NULL), "%s", jobs_test_why(test));
    jobs_test_free(test);
}

/* Whoever goes around jobs_insert() cannot store by mistake what should be secret. */
Test(sealed, the_store_refuses_what_nobody_sealed)
{
    struct seen seen;
    struct key_ring keys = ring_of("k " KEY_A);
    struct jobs_test *test = test_new(&seen, &keys);
    struct job_spec spec = {.worker = "see", .args = "{\"a\":1}", .encrypted = true};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    struct store_reply reply = {0};
    struct heap *heap = heap_new();
    store_execute(jobs_test_db(test), &request, heap, &reply);
    cr_assert_eq(reply.err, -EINVAL);
    cr_assert(strstr(reply.why, "nobody did (specs_seal)"), "%s", reply.why);
    struct env_ops ops = {.entropy = rig_entropy};
    struct rig rig = {.env = {.ops = &ops}};
    request.specs = specs_seal(&keys, &rig.env, &spec, 1, heap, why, sizeof why);
    store_execute(jobs_test_db(test), &request, heap, &reply);
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    heap_free(heap);
    jobs_test_drain(test, &all, NULL);
    cr_assert_str_eq(seen.args, "{\"a\":1}");
    jobs_test_free(test);
}

static void update_args(struct proc *self, struct jobs *jobs, void *arg)
{
    uint64_t id = 1, changed;
    struct job_update update = {.args = "{\"new\":2}", .encrypted = true};
    *(int *)arg =
        jobs_update(self, jobs, &(struct job_choice){.ids = &id, .count = 1}, &update, &changed);
}

Test(sealed, an_update_encrypts_too)
{
    struct seen seen;
    int err = 1;
    struct key_ring keys = ring_of("k " KEY_A);
    struct jobs_test *test = test_new(&seen, &keys);
    struct job_spec spec = {.worker = "see", .args = "{\"a\":1}", .encrypted = true};
    cr_assert(jobs_test_insert(test, &spec, NULL));
    cr_assert(jobs_test_run(test, update_args, &err));
    cr_assert_eq(err, 0);
    cr_assert(args_sealed(jobs_test_job(test, 1)->args));
    jobs_test_drain(test, &all, NULL);
    cr_assert_str_eq(seen.args, "{\"new\":2}");
    jobs_test_free(test);
}
