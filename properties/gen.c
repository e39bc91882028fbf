/* gen.c: numbers and alternatives; see gen.h. */
#include "properties/gen.h"

#include <float.h>
#include <math.h>

static void drew(struct gen *gen)
{
    if (gen->drew)
        gen->drew(gen);
}

/* ---- structure ---- */

void gen_begin(struct gen *gen, const char *label)
{
    sequence_span_begin(gen->sequence, label);
}

void gen_end(struct gen *gen)
{
    sequence_span_end(gen->sequence);
}

bool gen_more(struct gen *gen, struct sequence_list *list)
{
    bool more = sequence_list_more(gen->sequence, list);
    drew(gen);
    return more;
}

void gen_reject(struct gen *gen, struct sequence_list *list)
{
    sequence_list_reject(gen->sequence, list);
    drew(gen);
}

uint64_t gen_pick(struct gen *gen, const uint64_t *alive, size_t count)
{
    uint64_t picked = sequence_pick(gen->sequence, alive, count);
    drew(gen);
    return picked;
}

/* ---- whole numbers ---- */

int64_t gen_uniform(struct gen *gen, int64_t lo, int64_t hi)
{
    int64_t value = sequence_draw(gen->sequence, lo, hi);
    drew(gen);
    return value;
}

int64_t gen_int(struct gen *gen, int64_t lo, int64_t hi)
{
    int64_t value = sequence_draw_biased(gen->sequence, lo, hi);
    drew(gen);
    return value;
}

/* Beyond what a choice can hold, the upper half is an alternative of its own. */
uint64_t gen_unsigned(struct gen *gen, uint64_t lo, uint64_t hi)
{
    const uint64_t half = (uint64_t)INT64_MAX + 1;
    if (hi < half)
        return (uint64_t)gen_int(gen, (int64_t)lo, (int64_t)hi);
    if (lo >= half)
        return half + (uint64_t)gen_int(gen, (int64_t)(lo - half), (int64_t)(hi - half));
    if (gen_branch(gen, 2) == 0)
        return (uint64_t)gen_int(gen, (int64_t)lo, INT64_MAX);
    return half + (uint64_t)gen_int(gen, 0, (int64_t)(hi - half));
}

bool gen_chance(struct gen *gen, uint64_t numerator, uint64_t denominator)
{
    bool yes = sequence_chance(gen->sequence, numerator, denominator);
    drew(gen);
    return yes;
}

bool gen_bool(struct gen *gen)
{
    return gen_chance(gen, 1, 2);
}

/* ---- alternatives ---- */

size_t gen_branch(struct gen *gen, size_t n)
{
    size_t which = sequence_branch(gen->sequence, n);
    drew(gen);
    return which;
}

size_t gen_weighted(struct gen *gen, const unsigned *weights, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += weights[i];
    int64_t at = sequence_draw_as(
        gen->sequence, &(struct sequence_choice){.hi = sum - 1, .role = SEQUENCE_BRANCH});
    drew(gen);
    size_t which = 0;
    while (which + 1 < n && at >= weights[which])
        at -= weights[which++];
    return which;
}

size_t gen_grow(struct gen *gen, unsigned level, unsigned depth, size_t leaves, size_t n)
{
    size_t room = n - leaves;
    if (level >= depth || room == 0)
        return gen_branch(gen, leaves);
    /* All alternatives alike at the root; a leaf outweighs a branch by the level it is on. */
    int64_t leaf_share = 1 + (int64_t)level, sum = (int64_t)leaves * leaf_share + (int64_t)room;
    int64_t at = sequence_draw_as(
        gen->sequence, &(struct sequence_choice){.hi = sum - 1, .role = SEQUENCE_BRANCH});
    drew(gen);
    int64_t in_leaves = (int64_t)leaves * leaf_share;
    return (size_t)(at < in_leaves ? at / leaf_share : (int64_t)leaves + at - in_leaves);
}

/* ---- real numbers ---- */

enum { EXACT_BITS = 53, EXPONENT_MIN = -1074, EXPONENT_MAX = 1023 };

static bool is_unbounded(const struct gen_reals *of)
{
    return of->lo == 0 && of->hi == 0;
}

static double within(double value, const struct gen_reals *of)
{
    if (is_unbounded(of))
        return isfinite(value) ? value : copysign(DBL_MAX, value);
    return value < of->lo ? of->lo : value > of->hi ? of->hi : value;
}

/* What a number is made of, the simplest first. Simpler ones take fewer choices, too. */
enum real_kind { WHOLE, HALF, TENTHS, THOUSANDTHS, FRACTION, SCALED, SPECIAL };

static double draw_fraction(struct gen *gen, enum real_kind kind)
{
    static const int64_t parts[] = {
        [WHOLE] = 1,
        [HALF] = 2,
        [TENTHS] = 10,
        [THOUSANDTHS] = 1000,
        [FRACTION] = INT64_C(1) << 52,
        [SCALED] = INT64_C(1) << 52,
    };
    int64_t of = parts[kind];
    return of == 1 ? 0 : (double)gen_uniform(gen, 1, of - 1) / (double)of;
}

/* (whole + fraction) * 2^scale. */
static double draw_ordinary(struct gen *gen, const struct gen_reals *of, enum real_kind kind)
{
    const double most = (double)(INT64_C(1) << EXACT_BITS);
    double lo = within(-most, of), hi = within(most, of);
    double whole_lo = ceil(lo), whole_hi = floor(hi);
    if (whole_lo > whole_hi || lo >= most || hi <= -most) /* no whole number, or no exact one */
        return within(lo + (hi - lo) * draw_fraction(gen, FRACTION), of);
    double value = (double)gen_int(gen, (int64_t)whole_lo, (int64_t)whole_hi);
    value += copysign(draw_fraction(gen, kind), value);
    if (kind == SCALED)
        value = ldexp(value, (int)gen_uniform(gen, EXPONENT_MIN, EXPONENT_MAX));
    return within(value, of);
}

static double draw_special(struct gen *gen, const struct gen_reals *of)
{
    double special[10] = {0.0,
                          -0.0,
                          DBL_TRUE_MIN,
                          -DBL_MIN,
                          DBL_EPSILON,
                          is_unbounded(of) ? -DBL_MAX : of->lo,
                          is_unbounded(of) ? DBL_MAX : of->hi};
    size_t count = 7;
    if (of->infinite) {
        special[count++] = INFINITY;
        special[count++] = -INFINITY;
    }
    if (of->nan)
        special[count++] = NAN;
    double value = special[gen_branch(gen, count)];
    return isfinite(value) ? within(value, of) : value;
}

double gen_real(struct gen *gen, const struct gen_reals *of)
{
    enum real_kind kind = (enum real_kind)GEN_WEIGHTED(gen, 8, 3, 3, 2, 3, 2, 4);
    return kind == SPECIAL ? draw_special(gen, of) : draw_ordinary(gen, of, kind);
}

/* ---- durations ---- */

int64_t gen_duration(struct gen *gen, int64_t lo, int64_t hi)
{
    static const int64_t units[] = {
        INT64_C(1000000000),    INT64_C(1000000), INT64_C(60000000000),
        INT64_C(3600000000000), INT64_C(1000),    1,
    };
    int64_t unit = GEN_ONE_OF(gen, units);
    int64_t first = lo / unit, last = hi / unit;
    int64_t value = gen_int(gen, first, last) * unit;
    return value < lo ? lo : value;
}
