/* term_print.c: a term as canonical text, and what can be asked about a term without evaluating it.
 */
#include "nemesis/term_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct printer {
    char *out;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct printer *printer, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    int length =
        vsnprintf(printer->out + printer->used, printer->size - printer->used, format, args);
    va_end(args);
    printer->used += (size_t)length;
    if (printer->used >= printer->size)
        printer->used = printer->size - 1; /* cut off */
}

/* An integer of `one`-ths, without trailing zeros. */
static void put_decimal(struct printer *printer, uint64_t value, uint64_t one)
{
    put(printer, "%" PRIu64, value / one);
    uint64_t fraction = value % one;
    if (fraction == 0)
        return;
    put(printer, ".");
    for (; fraction > 0; fraction %= one) {
        one /= 10;
        put(printer, "%" PRIu64, fraction / one);
    }
}

static void put_mod(struct printer *printer, const struct mod *mod)
{
    switch (mod->kind) {
    case MOD_PERCENT:
        put_decimal(printer, mod->n, PERCENT_ALL / 100);
        put(printer, "%%");
        break;
    case MOD_COUNT: put(printer, "%" PRIu64 "*", mod->n); break;
    case MOD_SKIP: put(printer, "skip(%" PRIu64 ")", mod->n); break;
    case MOD_EVERY: put(printer, "every(%" PRIu64 ")", mod->n); break;
    case MOD_PERIODIC: break; /* a strategy, which stands alone: put_step */
    }
}

static void put_periodic(struct printer *printer, const struct mod *mod)
{
    put(printer, "periodic_crash(%" PRIu64 ",", mod->n);
    put_decimal(printer, mod->duty, RATIO_ONE);
    put(printer, ",");
    put_decimal(printer, mod->phase, RATIO_ONE);
    put(printer, ")");
}

static void put_wait(struct printer *printer, const struct wait *wait)
{
    static const char *const whose[] = {
        [WAIT_ANYBODY] = "", [WAIT_SAME_KEY] = "per(key)", [WAIT_SAME_NODE] = "per(node)"};
    char longest[40];
    put(printer, "%s", whose[wait->whose]);
    if (wait->times)
        put(printer, "%" PRIu64 "*", wait->times);
    put(printer, "%s", wait->name);
    if (wait->longest_ns != WAIT_LONGEST_NS)
        put(printer, ",%s", duration_print(wait->longest_ns, longest, sizeof longest));
}

const char *wait_print(const struct wait *wait, char *out, size_t size)
{
    struct printer printer = {.out = out, .size = size};
    out[0] = '\0';
    put_wait(&printer, wait);
    return out;
}

static void put_action(struct printer *printer, const struct step *step)
{
    char text[128];
    switch (step->act) {
    case ACT_FAULT: put(printer, "%s", fault_print(&step->fault, text, sizeof text)); break;
    case ACT_OFF: put(printer, "off"); break;
    case ACT_WAIT:
        put(printer, "wait(");
        put_wait(printer, &step->wait);
        put(printer, ")");
        break;
    }
}

static void put_step(struct printer *printer, const struct step *step)
{
    if (step->mod_count > 0 && step->mods[0].kind == MOD_PERIODIC) {
        put_periodic(printer, &step->mods[0]);
        return;
    }
    if (step->scope == PER_NODE)
        put(printer, "per(node)");
    if (step->scope == PER_POINT)
        put(printer, "per(point)");
    for (size_t i = 0; i < step->mod_count; i++)
        put_mod(printer, &step->mods[i]);
    put_action(printer, step);
}

void term_print(const struct term *term, char *out, size_t size)
{
    struct printer printer = {.out = out, .size = size};
    out[0] = '\0';
    for (size_t i = 0; i < term->step_count; i++) {
        if (i > 0)
            put(&printer, " -> ");
        put_step(&printer, &term->steps[i]);
    }
}

uint32_t step_can(const struct step *step)
{
    switch (step->act) {
    case ACT_FAULT: return fault_can(step->fault.kind);
    case ACT_WAIT: return CAN_DELAY;
    case ACT_OFF: break;
    }
    return 0;
}

uint32_t term_kinds(const struct term *term)
{
    uint32_t kinds = 0;
    for (size_t i = 0; i < term->step_count; i++)
        kinds |= step_can(&term->steps[i]);
    return kinds;
}

const struct wait *term_wait(const struct term *term, size_t i, size_t *ret_offset)
{
    for (size_t step = 0; step < term->step_count; step++) {
        if (term->steps[step].act != ACT_WAIT || i-- > 0)
            continue;
        *ret_offset = term->steps[step].wait_at;
        return &term->steps[step].wait;
    }
    return NULL;
}
