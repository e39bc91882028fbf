/* cmd_list.c: `duress list`: what there is, without running anything. Each subject is a table of
 * columns; people get lines, --json gives an array of objects with the columns as keys. */
#define _GNU_SOURCE
#include "harness/engine.h"
#include "harness/json.h"
#include "harness/property_tests.h"
#include "harness/suite/plan.h"
#include "harness/suite/rundir.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define MUTANTS_DIR "scenarios/mutants"

/* Where rows go. A row is one value per column of its subject. */
struct sheet {
    const char *const *columns; /* ends with NULL */
    struct json *json;          /* NULL: for people */
};

static void sheet_row(struct sheet *sheet, const char *const *values)
{
    if (!sheet->json) {
        printf("%s\n", values[0]);
        for (size_t i = 1; sheet->columns[i]; i++)
            if (values[i] && *values[i]) // NOLINT(clang-analyzer-core.uninitialized.Branch)
                printf("    %s%s%s\n", i > 1 ? sheet->columns[i] : "", i > 1 ? ": " : "",
                       values[i]);
        return;
    }
    json_object_begin(sheet->json, NULL);
    for (size_t i = 0; sheet->columns[i]; i++)
        json_str(sheet->json, sheet->columns[i],
                 values[i] ? values[i] : ""); // NOLINT(clang-analyzer-core.uninitialized.Branch)
    json_object_end(sheet->json);
}

#define ROW(sheet, ...) sheet_row(sheet, (const char *const[]){__VA_ARGS__})

/* ---- subjects ---- */

static int list_scenarios(struct sheet *sheet, const struct systems *systems,
                          const struct words *paths)
{
    struct plan plan;
    struct extras none = {0};
    char *why = NULL;
    if (plan_load(&plan, paths, &none, systems, &why)) {
        cli_explain(why);
        free(why);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < plan.scenario_count; i++) {
        const struct scenario *s = plan.scenarios[i];
        ROW(sheet, s->path, s->name, s->about, s->system->name, s->must_fail ? "yes" : "");
    }
    plan_done(&plan);
    return EXIT_HELD;
}

static const char *point_kinds(uint32_t kinds, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++)
        if (kinds & fault_can((enum fault_kind)kind) && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
                                     fault_word((enum fault_kind)kind));
    return out;
}

static int list_points(struct sheet *sheet, const struct systems *systems,
                       const struct words *paths)
{
    (void)systems, (void)paths;
    for (size_t i = 0; i < registry_count(); i++) {
        const struct point_info *point = registry_get(i);
        char kinds[128], where[512];
        snprintf(where, sizeof where, "%s:%d", point->file, point->line);
        ROW(sheet, point->name, point->about, point_kinds(point->kinds, kinds, sizeof kinds),
            where);
    }
    return EXIT_HELD;
}

static int list_properties(struct sheet *sheet, const struct systems *systems,
                           const struct words *paths)
{
    static const char *const kinds[] = {
        [PROPERTY_ALWAYS] = "always",
        [PROPERTY_NEVER] = "never",
        [PROPERTY_EVENTUALLY] = "eventually",
        [PROPERTY_SOMETIMES] = "sometimes",
    };
    (void)systems, (void)paths;
    for (size_t i = 0; i < properties_count(); i++) {
        const struct property *property = properties_get(i);
        ROW(sheet, property->id, property->name, kinds[property->kind], property->about);
    }
    for (size_t i = 0; i < property_tests.count(); i++) {
        struct property_test_info test = property_tests.get(i);
        char id[256], where[512];
        snprintf(id, sizeof id, PROPERTY_TEST_PREFIX "%s", test.id);
        snprintf(where, sizeof where, "%s:%d", test.file, test.line);
        ROW(sheet, id, where, "property test", "");
    }
    return EXIT_HELD;
}

/* "every (duration), back after (duration), shape (isolate|halves; optional)" */
static void nemesis_keys(const struct nemesis_kind *kind, FILE *out)
{
    static const char *const types[] = {
        [PARAM_COUNT] = "count",    [PARAM_DURATION] = "duration", [PARAM_PERCENT] = "percent",
        [PARAM_BOOL] = "yes or no", [PARAM_COUNTS] = "",           [PARAM_WORD] = ""};
    const struct nemesis_key *key = kind->keys;
    for (size_t i = 0; i < NEMESIS_KEYS_MAX && key[i].aspect; i++) {
        fprintf(out, "%s%s (%s", i ? ", " : "", key[i].name, types[key[i].type]);
        for (size_t j = 0; key[i].words && key[i].words[j]; j++)
            fprintf(out, "%s%s", j ? " | " : "", key[i].words[j]);
        fprintf(out, "%s)", key[i].required ? "" : "; optional");
    }
}

static int list_nemeses(struct sheet *sheet, const struct systems *systems,
                        const struct words *paths)
{
    (void)systems, (void)paths;
    for (size_t i = 0; i < nemesis_engine.kind_count; i++) {
        const struct nemesis_kind *kind = &nemesis_engine.kinds[i];
        char *keys;
        size_t size;
        FILE *out = open_memstream(&keys, &size);
        if (!out)
            abort();
        nemesis_keys(kind, out);
        fclose(out);
        ROW(sheet, kind->name, kind->about, keys);
        free(keys);
    }
    return EXIT_HELD;
}

/* ---- mutants: a patch says what it plants in the lines before its first diff ---- */

static int is_patch(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && strcmp(dot, ".patch") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool diff_begins(const char *line)
{
    return strncmp(line, "diff ", 5) == 0 || strncmp(line, "--- ", 4) == 0;
}

/* The lines of the header in one, without "# ". Heap. */
static char *patch_header(const char *path)
{
    char *text, *line = NULL;
    size_t size, room = 0;
    FILE *in = fopen(path, "re"), *out = open_memstream(&text, &size);
    if (!out)
        abort();
    bool first = true;
    while (in && getline(&line, &room, in) > 0 && !diff_begins(line)) {
        const char *words = line + strspn(line, "# \t");
        int length = (int)strcspn(words, "\n");
        if (length == 0)
            continue;
        fprintf(out, "%s%.*s", first ? "" : " | ", length, words);
        first = false;
    }
    if (in)
        fclose(in);
    free(line);
    fclose(out);
    return text;
}

static int list_mutants(struct sheet *sheet, const struct systems *systems,
                        const struct words *paths)
{
    (void)systems, (void)paths;
    struct dirent **entries = NULL;
    int count = scandir(MUTANTS_DIR, &entries, is_patch, by_name);
    for (int i = 0; i < count; i++) {
        char *path = path_join(MUTANTS_DIR, entries[i]->d_name), *about = patch_header(path);
        ROW(sheet, entries[i]->d_name, about, path);
        free(about);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return EXIT_HELD;
}

/* ---- the command ---- */

static const struct subject {
    const char *name;
    const char *const *columns;
    int (*list)(struct sheet *sheet, const struct systems *systems, const struct words *paths);
} subjects[] = {
    {"scenarios", (const char *const[]){"path", "name", "about", "sut", "must fail", NULL},
     list_scenarios},
    {"points", (const char *const[]){"name", "about", "faults", "at", NULL}, list_points},
    {"properties", (const char *const[]){"id", "name", "kind", "about", NULL}, list_properties},
    {"nemeses", (const char *const[]){"name", "about", "keys", NULL}, list_nemeses},
    {"mutants", (const char *const[]){"name", "about", "path", NULL}, list_mutants},
};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

static const struct option list_table[] = {
    {"json", 0, NULL, NULL, 0, "as an array of objects"},
    {0},
};

static const struct subject *find_subject(const struct command *command, const char *name)
{
    const char *names[SUBJECTS];
    for (size_t i = 0; i < SUBJECTS; i++) {
        if (strcmp(subjects[i].name, name) == 0)
            return &subjects[i];
        names[i] = subjects[i].name;
    }
    const char *near = nearest_word(name, strlen(name), names, SUBJECTS);
    if (near)
        cli_complain(command, "nothing called '%s' to list; did you mean '%s'?", name, near);
    else
        cli_complain(command, "nothing called '%s' to list", name);
    return NULL;
}

static int list_subject(const struct subject *subject, const struct systems *systems,
                        const struct words *paths, bool as_json)
{
    struct json json;
    struct sheet sheet = {subject->columns, as_json ? &json : NULL};
    if (!as_json)
        return subject->list(&sheet, systems, paths);
    json_init(&json, stdout, 1);
    json_array_begin(&json, NULL);
    int code = subject->list(&sheet, systems, paths);
    json_array_end(&json);
    json_done(&json);
    return code;
}

static int list_run(const struct command *command, const struct systems *systems, int argc,
                    char **argv)
{
    bool as_json = false;
    struct words args = {0};
    int err = options_parse(command, argc, argv, &as_json, &args);
    int code = err > 0 ? EXIT_HELD : EXIT_USAGE;
    if (!err && args.count == 0) {
        cli_complain(command, "what? scenarios, points, properties, nemeses or mutants");
    } else if (!err) {
        const struct subject *subject = find_subject(command, args.items[0]);
        struct words paths = {args.items + 1, args.count - 1};
        static const char *usual = "scenarios";
        if (subject && subject->list != list_scenarios && paths.count)
            cli_complain(command, "%s takes no argument, got '%s'", subject->name, paths.items[0]);
        else if (subject)
            code = list_subject(subject, systems, paths.count ? &paths : &(struct words){&usual, 1},
                                as_json);
    }
    words_done(&args);
    return code;
}

const struct command cmd_list = {
    .name = "list",
    .args = "scenarios [PATH]... | points | properties | nemeses | mutants  [--json]",
    .about = "shows what there is, without running anything",
    .options = list_table,
    .run = list_run,
};
