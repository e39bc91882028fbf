/* subject.c: see subject.h. */
#include "harness/cli/subject.h"

#include "harness/engine.h"
#include "harness/seed.h"
#include "harness/suite/rundir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct loading {
    const struct command *command;
    const struct systems *systems;
    const struct extras *extras;
};

void subject_done(struct subject *subject)
{
    if (subject->scenario)
        scenario_free(subject->scenario);
    tape_free(subject->tape);
    free(subject->path);
    for (size_t i = 0; i < subject->rule_count; i++)
        free(subject->rules[i]);
    free(subject->rules);
    *subject = (struct subject){0};
}

static void rule_add(struct subject *subject, const char *rule)
{
    subject->rules = realloc(subject->rules, (subject->rule_count + 1) * sizeof *subject->rules);
    if (!subject->rules || !(subject->rules[subject->rule_count++] = strdup(rule)))
        abort();
}

static int load_scenario(struct subject *subject, const char *path, const struct loading *loading)
{
    const struct extras *extras = loading->extras;
    char *why = NULL;
    subject->scenario = scenario_load(path, loading->systems->items, loading->systems->count, &why);
    int err = subject->scenario ? extras_apply(extras, subject->scenario, &why) : -EINVAL;
    if (err)
        cli_explain(why);
    for (size_t i = 0; !err && i < extras->faults.count; i++)
        rule_add(subject, extras->faults.items[i]);
    free(why);
    return err;
}

static int apply_rules(struct subject *subject, const struct tape_meta *meta,
                       const struct loading *loading)
{
    char why[512];
    for (size_t i = 0; i < meta->rule_count; i++) {
        if (scenario_add_rule(subject->scenario, meta->rules[i], why, sizeof why)) {
            fprintf(stderr, "duress %s: the tape's rule '%s': %s\n", loading->command->name,
                    meta->rules[i], why);
            return -EINVAL;
        }
        rule_add(subject, meta->rules[i]);
    }
    return 0;
}

static const char *nearest_point(const char *name)
{
    struct words names = {0};
    for (size_t i = 0; i < registry_count(); i++)
        words_add(&names, registry_get(i)->name);
    const char *near = nearest_word(name, strlen(name), names.items, names.count);
    words_done(&names);
    return near;
}

/* A fault at a point that does not exist would be passed over in silence. */
static int check_points(const struct tape *tape, const char *path)
{
    for (size_t i = 0; i < tape_edit_count(tape); i++) {
        const char *name = tape_edit_point(tape, i);
        if (!name || registry_find(name))
            continue;
        const char *near = nearest_point(name);
        fprintf(stderr, "%s: error: a fault at '%s', but there is no such point%s%s%s\n", path,
                name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return -EINVAL;
    }
    return 0;
}

static int load_named(struct subject *subject, const struct tape_meta *meta,
                      const struct loading *loading)
{
    const char *path = subject->path;
    if (check_points(subject->tape, path))
        return -EINVAL;
    if (!meta->scenario) {
        fprintf(stderr, "%s: error: the tape names no scenario\n", path);
        return -EINVAL;
    }
    if (load_scenario(subject, meta->scenario, loading)) {
        fprintf(stderr, "%s: names this scenario, by its path from where the suite was started\n",
                path);
        return -EINVAL;
    }
    return apply_rules(subject, meta, loading);
}

static int load_tape(struct subject *subject, const char *path, const struct loading *loading)
{
    struct tape_meta meta = {0};
    struct stat about;
    char why[1024];
    bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    subject->path = folder ? path_join(path, "tape") : strdup(path);
    if (folder && stat(subject->path, &about)) {
        free(subject->path);
        subject->path = strdup(path); /* complained about as what was asked for */
    }
    subject->tape = tape_read(subject->path, &meta, why, sizeof why);
    if (!subject->tape) {
        cli_explain(why);
        return -EINVAL;
    }
    int err = load_named(subject, &meta, loading);
    memcpy(subject->fingerprint, meta.fingerprint, sizeof subject->fingerprint);
    tape_meta_done(&meta);
    return err;
}

static bool names_scenario(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static bool is_tape(const char *path)
{
    static const char head[] = "duress-tape ";
    char begins[sizeof head] = "";
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    size_t got = fread(begins, 1, sizeof head - 1, in);
    fclose(in);
    return got == sizeof head - 1 && strcmp(begins, head) == 0;
}

static int load_seed(struct subject *subject, const char *path, const char *seed_text,
                     const struct loading *loading)
{
    uint64_t seed;
    char why[256];
    if (!seed_text) {
        cli_complain(loading->command, "a scenario needs --seed");
        return -EINVAL;
    }
    if (seed_parse(seed_text, &seed, why, sizeof why)) {
        cli_complain(loading->command, "--seed: %s", why);
        return -EINVAL;
    }
    if (is_tape(path)) {
        cli_complain(loading->command, "--seed is for a scenario; %s is a tape, which has its own",
                     path);
        return -EINVAL;
    }
    subject->tape = tape_new(seed);
    return load_scenario(subject, path, loading);
}

int subject_load(struct subject *ret_subject, const struct command *command,
                 const struct systems *systems, const char *path, const char *seed_text,
                 const struct extras *extras)
{
    const struct loading loading = {command, systems, extras};
    struct subject subject = {0};
    int err = seed_text || names_scenario(path) ? load_seed(&subject, path, seed_text, &loading)
                                                : load_tape(&subject, path, &loading);
    if (err)
        subject_done(&subject);
    else
        *ret_subject = subject;
    return err;
}
