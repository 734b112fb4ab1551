/* ranges: between which numbers each float value lies, and whether it may be NaN; an op that the range of its operand makes
 * easier becomes the easier one, with every bit. Ends are computed by the op itself in the dtype of the value: rounding keeps
 * order, so no value of the op lies beyond them. Knows what each op does to an interval. */
#include "pass.h"
#include "../graph/math.h"

typedef struct range {
    double low, high;           /* of all that is no NaN */
    bool   nan;                 /* may be NaN */
} range;
static const range ranges_any = { -HUGE_VAL, HUGE_VAL, true };

static range ranges_of_dtype(int32_t dtype)
{
    if (dtype == TALLY__EXACT || tally__is_float(dtype))
        return ranges_any;
    const bool   sign = tally__dtype_kind_of(dtype) == TALLY__KIND_INT;
    const double end = dtype == TALLY_BOOL ? 1 : tally__power_of_two(tally__dtype_bits(dtype) - sign);
    return (range){ sign ? -end : 0, end, false };
}

static double ranges_round(int32_t dtype, double v) { return dtype == TALLY_F32 ? (double)(float)v : v; }

static bool ranges_is_finite(range a) { return a.low > -HUGE_VAL && a.high < HUGE_VAL; }

/* from the least to the largest of n ends; one that is no number leaves nothing known. A float sum or product that was rounded
 * to double is the same float */
static range ranges_hull(int32_t dtype, const double *end, int n, bool nan)
{
    range r = { HUGE_VAL, -HUGE_VAL, nan };
    for (int i = 0; i < n; i++) {
        const double v = ranges_round(dtype, end[i]);
        if (v != v)
            return ranges_any;
        r.low = TALLY__MIN(r.low, v);
        r.high = TALLY__MAX(r.high, v);
    }
    return r;
}

/* sub is add of b turned round */
static range ranges_sum(int32_t dtype, range a, range b, bool minus)
{
    const double low = minus ? -b.high : b.low, high = minus ? -b.low : b.high;
    const double end[4] = { a.low + low, a.low + high, a.high + low, a.high + high };
    return ranges_hull(dtype, end, 4, a.nan || b.nan);
}

/* 0 times infinity would be NaN */
static range ranges_product(int32_t dtype, range a, range b)
{
    const double end[4] = { a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high };
    return ranges_is_finite(a) && ranges_is_finite(b) ? ranges_hull(dtype, end, 4, a.nan || b.nan) : ranges_any;
}

static range ranges_abs(range a)
{
    const double low = tally__abs_f64(a.low), high = tally__abs_f64(a.high);
    return (range){ a.low <= 0 && a.high >= 0 ? 0 : TALLY__MIN(low, high), TALLY__MAX(low, high), a.nan };
}

static range ranges_square(int32_t dtype, range a)
{
    const range  b = ranges_abs(a);
    const double end[2] = { b.low * b.low, b.high * b.high };
    return ranges_hull(dtype, end, 2, a.nan);
}

static range ranges_larger(range a, range b)
{
    return (range){ TALLY__MAX(a.low, b.low), TALLY__MAX(a.high, b.high), a.nan || b.nan };
}

static range ranges_smaller(range a, range b)
{
    return (range){ TALLY__MIN(a.low, b.low), TALLY__MIN(a.high, b.high), a.nan || b.nan };
}

static range ranges_cast(int32_t dtype, range a) { return ranges_hull(dtype, (const double[]){ a.low, a.high }, 2, a.nan); }

static range ranges_either(range a, range b)
{
    return (range){ TALLY__MIN(a.low, b.low), TALLY__MAX(a.high, b.high), a.nan || b.nan };
}

/* of a node whose operands lie in a, b and c */
static range ranges_of_op(const tally__node *n, range a, range b, range c)
{
    switch (n->op) {
    case TALLY__OP_constant: return ranges_hull(n->dtype, &n->constant.real, 1, false);
    case TALLY__OP_ones_like: return (range){ 1, 1, false };
    case TALLY__OP_zeros_like: return (range){ 0, 0, false };
    case TALLY__OP_cast: return ranges_cast(n->dtype, a);
    case TALLY__OP_neg: return (range){ -a.high, -a.low, a.nan };
    case TALLY__OP_abs: return ranges_abs(a);
    case TALLY__OP_square: return ranges_square(n->dtype, a);
    case TALLY__OP_exp: return (range){ 0, a.high <= 0 ? 1 : HUGE_VAL, a.nan };
    case TALLY__OP_sigmoid: return (range){ 0, 1, a.nan };
    case TALLY__OP_softmax: return (range){ 0, 1, true };
    case TALLY__OP_add: return ranges_sum(n->dtype, a, b, false);
    case TALLY__OP_sub: return ranges_sum(n->dtype, a, b, true);
    case TALLY__OP_mul: return ranges_product(n->dtype, a, b);
    case TALLY__OP_minimum: return ranges_smaller(a, b);
    case TALLY__OP_maximum: return ranges_larger(a, b);
    case TALLY__OP_clip: return ranges_smaller(ranges_larger(a, b), c);
    case TALLY__OP_select: return ranges_either(b, c);
    case TALLY__OP_gather: return a;
    default: return tally__op_table[n->op].form == TALLY__FORM_VIEW ? a : ranges_any;
    }
}

/* half formats are computed in float and rounded again: left open */
static range ranges_of(const range *of, const tally__node *n)
{
    range in[3] = { ranges_any, ranges_any, ranges_any };
    if (n->dtype != TALLY_F32 && n->dtype != TALLY_F64)
        return n->dtype ? ranges_of_dtype(n->dtype) : ranges_any;
    for (uint32_t i = 0; i < n->n_arg && i < 3; i++)
        in[i] = of[n->arg[i]];
    return ranges_of_op(n, in[0], in[1], in[2]);
}

/* ---- what a range makes easier */
static uint16_t ranges_easier_op(const tally__node *n, range a)
{
    const double least = tally__power_of_two(n->dtype == TALLY_F32 ? -126 : -1022);     /* normal */
    if (!ranges_is_finite(a))
        return n->op;
    return n->op == TALLY__OP_log && a.low >= least ? TALLY__OP_log_normal
           : n->op == TALLY__OP_log1p && a.low >= 0 ? TALLY__OP_log1p_positive
                                                    : n->op;
}

/* the larger of the two is a, whatever they are: of equal numbers only zeros differ in their bits, and a NaN would win */
static bool ranges_exceeds(range a, range b)
{
    return !b.nan && (a.low > b.high || (a.low == b.high && a.low != 0));
}
static bool ranges_falls_below(range a, range b)
{
    return !b.nan && (a.high < b.low || (a.high == b.low && a.high != 0));
}

/* the operand that the node equals, or 0 */
static tally__id ranges_operand(const range *of, const tally__node *n)
{
    const tally__id a = n->n_arg ? n->arg[0] : 0, b = n->n_arg > 1 ? n->arg[1] : 0;
    switch (n->op) {
    case TALLY__OP_abs: return of[a].low > 0 ? a : 0;
    case TALLY__OP_maximum: return ranges_exceeds(of[a], of[b]) ? a : ranges_exceeds(of[b], of[a]) ? b : 0;
    case TALLY__OP_minimum: return ranges_falls_below(of[a], of[b]) ? a : ranges_falls_below(of[b], of[a]) ? b : 0;
    case TALLY__OP_clip: return ranges_exceeds(of[a], of[b]) && ranges_falls_below(of[a], of[n->arg[2]]) ? a : 0;
    default: return 0;
    }
}

bool tally__pass_ranges(tally__edit *e)
{
    tally__graph *g = e->graph;
    range        *of = tally__arena_alloc(e->work, g->n_node * sizeof *of);
    if (!of)
        return false;
    of[0] = ranges_any;
    for (tally__id i = 1; i < g->n_node; i++) {
        tally__node    *n = &g->node[i];
        const tally__id same = ranges_operand(of, n);
        const uint16_t  op = ranges_easier_op(n, of[n->n_arg ? n->arg[0] : 0]);
        of[i] = ranges_of(of, n);
        if (same && tally__same_value_type(g, n, same))
            e->instead[i] = e->instead[same];
        e->changed += op != n->op;
        n->op = op;
    }
    return true;
}
