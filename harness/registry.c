/* The registry of points: what the linker collected from all files, sorted by name, numbered.
 *
 * Compilers and linkers order sections as they like; sorting by name makes numbers and listings the same everywhere.
 */
#include "harness/hash.h"
#include "harness/trace/internal.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern struct point *const __start_duress_points[] __attribute__((weak));
extern struct point *const __stop_duress_points[] __attribute__((weak));
extern const struct point_about *const __start_duress_abouts[] __attribute__((weak));
extern const struct point_about *const __stop_duress_abouts[] __attribute__((weak));

static struct {
    struct point_info *points;
    uint64_t *hashes;
    const struct point **schemas; /* the site whose fields were seen first */
    size_t count;
} registry;

static void die(const struct point *site, const char *what)
{
    fprintf(stderr, "%s:%d: point '%s': %s\n", site->file, site->line, site->name, what);
    abort();
}

/* area/noun/verb: lower case, digits, '_' and '-', at least two slashes. */
static bool name_good(const char *name)
{
    int slashes = 0;
    char before = '/';
    for (const char *c = name; *c; c++) {
        if (*c == '/') {
            slashes++;
            if (before == '/')
                return false;
        } else if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') && *c != '_' &&
                   *c != '-') {
            return false;
        }
        before = *c;
    }
    return slashes >= 2 && before != '/';
}

static int compare_sites(const void *left, const void *right)
{
    const struct point *a = *(struct point *const *)left, *b = *(struct point *const *)right;
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = strcmp(a->file, b->file);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static const char *about_of(const char *name)
{
    for (const struct point_about *const *about = __start_duress_abouts;
         about < __stop_duress_abouts; about++)
        if (strcmp((*about)->name, name) == 0)
            return (*about)->about;
    return "";
}

static void register_site(struct point *site)
{
    struct point_info *last = registry.count ? &registry.points[registry.count - 1] : NULL;
    if (!name_good(site->name))
        die(site, "a name must be area/noun/verb in lower case");
    if (!last || strcmp(last->name, site->name) != 0) {
        last = &registry.points[registry.count];
        *last = (struct point_info){.name = site->name,
                                    .about = about_of(site->name),
                                    .file = site->file,
                                    .line = site->line};
        registry.hashes[registry.count++] = hash_text(site->name);
    }
    last->kinds |= site->kinds;
    last->sites++;
    site->id = (uint32_t)(registry.count - 1);
}

void registry_init(void)
{
    if (registry.points || __start_duress_points == NULL)
        return;
    size_t sites = (size_t)(__stop_duress_points - __start_duress_points);
    struct point **sorted = calloc(sites + 1, sizeof *sorted);
    registry.points = calloc(sites + 1, sizeof *registry.points);
    registry.hashes = calloc(sites + 1, sizeof *registry.hashes);
    registry.schemas = calloc(sites + 1, sizeof *registry.schemas);
    if (!sorted || !registry.points || !registry.hashes || !registry.schemas)
        abort();
    memcpy(sorted, __start_duress_points, sites * sizeof *sorted);
    qsort(sorted, sites, sizeof *sorted, compare_sites);
    for (size_t i = 0; i < sites; i++)
        register_site(sorted[i]);
    free(sorted);
}

size_t registry_count(void)
{
    return registry.count;
}

const struct point_info *registry_get(size_t id)
{
    assert(id < registry.count);
    return &registry.points[id];
}

const struct point_info *registry_find(const char *name)
{
    size_t low = 0, high = registry.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, registry.points[middle].name);
        if (order == 0)
            return &registry.points[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

uint64_t registry_hash(uint32_t id)
{
    return registry.hashes[id];
}

void registry_learn(struct point *site, const struct point_field *fields, unsigned count)
{
    const struct point *first = registry.schemas[site->id];
    if (first && first->field_count != count)
        die(site, "another place records this point with another number of fields");
    for (unsigned i = 0; i < count; i++) {
        if (first && strcmp(first->field_names[i], fields[i].name) != 0)
            die(site, "another place records this point with other fields");
        if (event_key_taken(fields[i].name))
            die(site, "a field cannot be called i, t, node, actor, point or fault");
        site->field_names[i] = fields[i].name;
    }
    site->field_count = count;
    if (!first)
        registry.schemas[site->id] = site;
}
