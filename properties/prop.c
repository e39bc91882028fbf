/* prop.c: what the body of a property calls; see prop.h. There is one current case in a process, as there is one
 * body that runs. */
#include "properties/prop_internal.h"

#include "harness/fault.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct prop_case *current;

struct prop_case *prop_current(void)
{
    assert(current && "only in the body of a property");
    return current;
}

struct prop_case *prop_current_set(struct prop_case *executed)
{
    struct prop_case *before = current;
    current = executed;
    return before;
}

struct gen *prop_gen(void)
{
    return &prop_current()->gen;
}

void *prop_alloc(size_t size)
{
    return arena_alloc(&prop_current()->arena, size);
}

void prop_defer(void (*fn)(void *arg), void *arg)
{
    arena_defer(&prop_current()->arena, fn, arg);
}

/* ---- verdicts ---- */

_Noreturn void case_leave(struct prop_case *executed, enum verdict_of_case verdict)
{
    executed->outcome->verdict = verdict;
    executed->leaving = true;
    schedule_escape(executed->schedule);
    longjmp(executed->exit, 1);
}

void prop_assume(bool condition)
{
    if (!condition)
        case_leave(prop_current(), CASE_DISCARDED);
}

_Noreturn void case_fail(struct prop_case *executed, const char *place, const char *format, ...)
{
    struct outcome *outcome = executed->outcome;
    int used = snprintf(outcome->message, sizeof outcome->message, "%.200s: ", place);
    va_list args;
    va_start(args, format);
    vsnprintf(outcome->message + used, sizeof outcome->message - (size_t)used, format, args);
    va_end(args);
    snprintf(outcome->place, sizeof outcome->place, "%s", place);
    case_leave(executed, CASE_FAILED);
}

_Noreturn void prop_broken(const char *file, int line, const char *condition, const char *format,
                           ...)
{
    char said[300], place[200];
    va_list args;
    va_start(args, format);
    vsnprintf(said, sizeof said, format + 1, args);
    va_end(args);
    snprintf(place, sizeof place, "%s:%d", file, line);
    case_fail(prop_current(), place, "%s%s%s", condition ? condition : "",
              condition && said[0] ? ": " : "", said);
}

/* ---- telling ---- */

static void tell(struct prop_case *executed, const char *format, va_list args)
{
    struct outcome *outcome = executed->outcome;
    size_t room = SHOWN_SIZE - outcome->shown_length;
    if (!executed->telling || room < 3)
        return;
    char *at = outcome->shown + outcome->shown_length;
    int length = vsnprintf(at, room - 1, format, args);
    size_t used = length < 0 ? 0 : (size_t)length < room - 2 ? (size_t)length : room - 2;
    at[used] = '\n';
    at[used + 1] = '\0';
    outcome->shown_length += used + 1;
}

void case_tell(struct prop_case *executed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(executed, format, args);
    va_end(args);
}

void prop_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(prop_current(), format, args);
    va_end(args);
}

void prop_show(const char *name, const char *format, ...)
{
    struct prop_case *executed = prop_current();
    if (!name || !executed->telling)
        return;
    char value[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    case_tell(executed, "%s = %s", name, value);
}

/* ---- labels ---- */

static void label_add(const char *text, unsigned percent_min, bool hit)
{
    struct outcome *outcome = prop_current()->outcome;
    for (size_t i = 0; i < outcome->label_count; i++) {
        if (strcmp(outcome->labels[i].text, text) == 0) {
            outcome->labels[i].hit |= hit;
            return;
        }
    }
    assert(outcome->label_count < LABELS_MAX && "too many labels in one case");
    struct case_label *label = &outcome->labels[outcome->label_count++];
    *label = (struct case_label){.percent_min = percent_min, .hit = hit};
    snprintf(label->text, sizeof label->text, "%s", text);
}

void prop_label(const char *format, ...)
{
    char text[LABEL_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    label_add(text, 0, true);
}

void prop_classify(bool condition, const char *label)
{
    if (condition)
        label_add(label, 0, true);
}

void prop_cover(unsigned percent, bool condition, const char *label)
{
    label_add(label, percent, condition);
}

void prop_target(double value, const char *label)
{
    struct outcome *outcome = prop_current()->outcome;
    outcome->has_target = true;
    outcome->target = value;
    outcome->target_label = label;
}

/* ---- values with names ---- */

int64_t prop_int(const char *name, int64_t lo, int64_t hi)
{
    int64_t value = gen_int(prop_gen(), lo, hi);
    prop_show(name, "%lld", (long long)value);
    return value;
}

uint64_t prop_unsigned(const char *name, uint64_t lo, uint64_t hi)
{
    uint64_t value = gen_unsigned(prop_gen(), lo, hi);
    prop_show(name, "%llu", (unsigned long long)value);
    return value;
}

double prop_real(const char *name, const struct gen_reals *of)
{
    double value = gen_real(prop_gen(), of);
    prop_show(name, "%.17g", value);
    return value;
}

bool prop_bool(const char *name)
{
    bool value = gen_bool(prop_gen());
    prop_show(name, "%s", value ? "true" : "false");
    return value;
}

int64_t prop_duration(const char *name, int64_t lo, int64_t hi)
{
    char text[32];
    int64_t value = gen_duration(prop_gen(), lo, hi);
    prop_show(name, "%s", duration_print(value, text, sizeof text));
    return value;
}

size_t prop_word(const char *name, const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    size_t which = gen_branch(prop_gen(), count);
    prop_show(name, "%s", words[which]);
    return which;
}

/* "[a, b, c]", items printed one by one; NULL: nobody listens. Heap. */
static char *listed(size_t count, void (*print)(FILE *out, const void *items, size_t i),
                    const void *items)
{
    char *text;
    size_t size;
    FILE *out = current->telling ? open_memstream(&text, &size) : NULL;
    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        print(out, items, i);
    }
    fclose(out);
    return text;
}

static void show_list(const char *name, const char *brackets, char *text)
{
    if (text)
        prop_show(name, "%c%s%c", brackets[0], text, brackets[1]);
    free(text);
}

static void print_int(FILE *out, const void *items, size_t i)
{
    fprintf(out, "%lld", (long long)((const int64_t *)items)[i]);
}

static struct ints show_ints(const char *name, struct ints ints)
{
    show_list(name, "[]", listed(ints.count, print_int, ints.items));
    return ints;
}

struct ints prop_ints(const char *name, size_t min, size_t max, int64_t lo, int64_t hi)
{
    return show_ints(name, gen_ints(prop_gen(), min, max, lo, hi));
}

struct ints prop_unique(const char *name, size_t min, size_t max, int64_t lo, int64_t hi)
{
    return show_ints(name, gen_unique(prop_gen(), min, max, lo, hi));
}

struct ints prop_permutation(const char *name, size_t count)
{
    return show_ints(name, gen_permutation(prop_gen(), count));
}

static void print_byte(FILE *out, const void *items, size_t i)
{
    fprintf(out, "0x%02x", ((const unsigned char *)items)[i]);
}

struct bytes prop_bytes(const char *name, size_t min, size_t max)
{
    struct bytes bytes = gen_bytes(prop_gen(), min, max);
    show_list(name, "{}", listed(bytes.size, print_byte, bytes.data));
    return bytes;
}

/* As a C string literal; UTF-8 stays what it is. */
static void print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (iscntrl(c) && c < 0x80)
            fprintf(out, "\\%03o", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_text(FILE *out, const void *items, size_t i)
{
    (void)i;
    print_quoted(out, items);
}

char *prop_text(const char *name, const struct alphabet *of, size_t min, size_t max)
{
    char *text = gen_text(prop_gen(), of, min, max);
    char *quoted = listed(1, print_text, text);
    if (quoted)
        prop_show(name, "%s", quoted);
    free(quoted);
    return text;
}

static void print_entry(FILE *out, const void *items, size_t i)
{
    const struct gen_entry *entry = (const struct gen_entry *)items + i;
    print_quoted(out, entry->key);
    fprintf(out, ": %lld", (long long)entry->value);
}

struct gen_entries prop_map(const char *name, size_t min, size_t max, int64_t lo, int64_t hi)
{
    struct gen_entries entries = gen_map(prop_gen(), min, max, lo, hi);
    show_list(name, "{}", listed(entries.count, print_entry, entries.items));
    return entries;
}
