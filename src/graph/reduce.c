/* reduce: sums, means, extremes, any and all, over every axis or one. Over all axes or the first,
 * floats are added exactly and rounded once. Along any other axis they are added in float64 in an
 * order that the length alone fixes. Integers are summed modulo 2^64. Empty: sum 0, mean NaN, max
 * the lowest value, any false, all true. */
#include "kernels.h"
#include "math.h"

/* ---- the order of a row */
enum { ROW_LANES = 32, ROW_STRAIGHT = 64 };

static double add_tree(double *lane)
{
    for (int apart = ROW_LANES / 2; apart; apart /= 2)
        for (int i = 0; i < apart; i++)
            lane[i] += lane[i + apart];
    return lane[0];
}

static double add_lanes(int32_t dtype, const char *row, int64_t stride, int64_t n)
{
    double  block[TALLY__KERNEL_BLOCK], lane[ROW_LANES] = { 0 };
    int64_t bytes = stride * (int64_t)tally__element_size(dtype);
    for (int64_t done = 0; done < n; done += TALLY__KERNEL_BLOCK) {
        size_t m = (size_t)TALLY__MIN(n - done, (int64_t)TALLY__KERNEL_BLOCK);
        tally__convert(block, TALLY_F64, row + done * bytes, dtype, stride, m);
        for (size_t i = 0; i < m; i++)
            lane[i % ROW_LANES] += block[i];
    }
    return add_tree(lane);
}

double tally__row_sum(int32_t dtype, const void *p, int64_t stride, int64_t n)
{
    double block[ROW_STRAIGHT], sum = 0.0;
    if (n > ROW_STRAIGHT)
        return add_lanes(dtype, p, stride, n);
    tally__convert(block, TALLY_F64, p, dtype, stride, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        sum += block[i];
    return sum;
}
_Static_assert(TALLY__KERNEL_BLOCK % ROW_LANES == 0, "a block begins at lane 0");

/* ---- one result on its way; lines of elements come in */
typedef enum reduction {
    SUM_EXACT,
    SUM_ROW,
    SUM_WHOLE,
    EXTREME_FLOAT,
    EXTREME_SIGNED,
    EXTREME_UNSIGNED
} reduction;
typedef struct reducer {
    reduction    kind;
    int32_t      dtype, gives;      /* of the elements, of the result */
    bool         mean, largest, single;    /* single: one element is all there is */
    int64_t      n;                 /* elements so far */
    tally__sum   sum;
    tally__guess guess;
    double       real;
    int64_t      integer;
    uint64_t     natural;
} reducer;

static bool wants_largest(int op)
{
    return op == TALLY__OP_max || op == TALLY__OP_reduce_max || op == TALLY__OP_reduce_any;
}

static reduction reduction_of(int op, int32_t dtype, bool row)
{
    int kind = tally__dtype_kind_of(dtype);
    switch (op) {
    case TALLY__OP_sum: case TALLY__OP_reduce_sum:
        return kind != TALLY__KIND_FLOAT ? SUM_WHOLE : row ? SUM_ROW : SUM_EXACT;
    case TALLY__OP_mean: case TALLY__OP_reduce_mean:
        return row ? SUM_ROW : SUM_EXACT;
    default:
        return kind == TALLY__KIND_FLOAT ? EXTREME_FLOAT
               : kind == TALLY__KIND_INT ? EXTREME_SIGNED
                                         : EXTREME_UNSIGNED;
    }
}

/* the lowest value of a dtype is where a maximum starts, the highest where a minimum does */
static void begin_extreme(reducer *r)
{
    uint64_t all = UINT64_MAX >> (64 - tally__dtype_bits(r->dtype));
    if (r->dtype == TALLY_BOOL)
        all = 1;
    r->real = r->largest ? -TALLY__INF_F64 : TALLY__INF_F64;
    r->integer = r->largest ? -(int64_t)(all / 2) - 1 : (int64_t)(all / 2);
    r->natural = r->largest ? 0 : all;
}

static void begin_result(reducer *r)
{
    r->n = 0;
    r->natural = 0;
    r->real = 0.0;
    if (r->kind == SUM_EXACT && !r->single)
        r->sum = (tally__sum){ { 0 }, 0, 0, 0 };
    else if (r->kind >= EXTREME_FLOAT)
        begin_extreme(r);
}

static void take_extremes(reducer *r, const void *block, size_t n)
{
    const double   *f = block;
    const int64_t  *s = block;
    const uint64_t *u = block;
    if (r->kind == EXTREME_FLOAT)
        for (size_t i = 0; i < n; i++)
            r->real = r->largest ? tally__max_f64(r->real, f[i]) : tally__min_f64(r->real, f[i]);
    else if (r->kind == EXTREME_SIGNED)
        for (size_t i = 0; i < n; i++)
            r->integer = r->largest ? TALLY__MAX(r->integer, s[i]) : TALLY__MIN(r->integer, s[i]);
    else
        for (size_t i = 0; i < n; i++)
            r->natural = r->largest ? TALLY__MAX(r->natural, u[i]) : TALLY__MIN(r->natural, u[i]);
}

static void take_block(reducer *r, const char *p, int64_t stride, size_t n)
{
    static const int32_t as[] = { [SUM_WHOLE] = TALLY_U64,
                                  [EXTREME_FLOAT] = TALLY_F64,
                                  [EXTREME_SIGNED] = TALLY_I64,
                                  [EXTREME_UNSIGNED] = TALLY_U64 };
    uint64_t             block[TALLY__KERNEL_BLOCK];
    tally__convert(block, as[r->kind], p, r->dtype, stride, n);
    if (r->kind != SUM_WHOLE)
        take_extremes(r, block, n);
    else
        for (size_t i = 0; i < n; i++)
            r->natural += block[i];
}

static void take_line(reducer *r, const char *p, int64_t stride, int64_t n)
{
    int64_t bytes = stride * (int64_t)tally__element_size(r->dtype);
    r->n += n;
    if (r->single && r->kind == SUM_EXACT)
        r->real = tally__load_f64(p, r->dtype) + 0.0;          /* as a sum: -0 is 0 */
    else if (r->kind == SUM_EXACT)
        tally__sum_add(&r->sum, &r->guess, r->dtype, p, stride, (size_t)n);
    else if (r->kind == SUM_ROW)
        r->real = tally__row_sum(r->dtype, p, stride, n);
    else
        for (int64_t done = 0; done < n; done += TALLY__KERNEL_BLOCK)
            take_block(r, p + done * bytes, stride,
                       (size_t)TALLY__MIN(n - done, (int64_t)TALLY__KERNEL_BLOCK));
}

/* ---- results, rounded once: a shorter float is rounded from a double that remembers in its last
 * bit what lies beyond it */
static double remember_rest(double nearest, const tally__sum *rest)
{
    uint64_t bits = tally__f64_bits(nearest);
    if (tally__sum_is_zero(rest) || nearest == 0 || !(tally__abs_f64(nearest) < TALLY__INF_F64))
        return nearest;
    bool further = tally__signed_f64(tally__sum_round(rest)) == tally__signed_f64(nearest);
    return tally__f64_from((further ? bits : bits - 1) | 1);
}

static double sum_odd(const tally__sum *s)
{
    double     nearest = tally__sum_round(s);
    tally__sum rest = *s;
    if (tally__abs_f64(nearest) < TALLY__INF_F64)
        tally__sum_add_one(&rest, -nearest);
    return remember_rest(nearest, &rest);
}

/* rest = s - n * nearest, exactly: both factors in halves of 27 bits. Elements are floats of at
 * most 24 bits, so nothing here is near the end of double's range */
static double mean_odd(const tally__sum *s, int64_t n)
{
    double nearest = tally__sum_mean(s, (uint64_t)n);
    if (nearest == 0 || !(tally__abs_f64(nearest) < TALLY__INF_F64))
        return nearest;
    tally__sum rest = *s;
    double     high = tally__f64_from(tally__f64_bits(nearest) & ~(uint64_t)0x7ffffff);
    double     low = nearest - high;
    double     most = (double)(n & ~(int64_t)0x3ffffff), least = (double)(n & 0x3ffffff);
    tally__sum_add_one(&rest, -(high * most));
    tally__sum_add_one(&rest, -(high * least));
    tally__sum_add_one(&rest, -(low * most));
    tally__sum_add_one(&rest, -(low * least));
    return remember_rest(nearest, &rest);
}

static double exact_result(const reducer *r)
{
    if (r->gives == TALLY_F64)
        return r->mean ? tally__sum_mean(&r->sum, (uint64_t)r->n) : tally__sum_round(&r->sum);
    return r->mean ? mean_odd(&r->sum, r->n) : sum_odd(&r->sum);
}

/* one 64-bit integer is rounded when it is loaded: once, as the mean of more would be */
static void end_result(const reducer *r, void *out)
{
    double real = r->real;
    if (r->mean && r->n == 0) {
        real = TALLY__NAN_F64;
    } else if (r->kind == SUM_EXACT && !r->single) {
        real = exact_result(r);
    } else if (r->kind == SUM_ROW && r->mean) {
        real = r->real / (double)r->n;
    } else if (r->kind == EXTREME_SIGNED) {
        tally__convert(out, r->gives, &r->integer, TALLY_I64, 1, 1);
        return;
    } else if (r->kind == SUM_WHOLE || r->kind == EXTREME_UNSIGNED) {
        tally__convert(out, r->gives, &r->natural, TALLY_U64, 1, 1);
        return;
    }
    tally__store_f64(out, r->gives, real);
}

/* ---- over all axes, or one */
static tally_status reduce_all(const tally__kernel_call *c, reducer *r)
{
    tally__walk  w;
    tally_status s = tally__kernel_out(c, 0, NULL);
    if (s)
        return s;
    tally__walk_begin(&w, 1, c->arg, c->arg[0]->rank, c->arg[0]->shape);
    r->single = w.rows * w.length == 1;
    begin_result(r);
    for (int64_t i = 0; i < w.rows; i++, tally__walk_next(&w))
        take_line(r, w.row[0], w.step[0], w.length);
    end_result(r, (void *)(uintptr_t)c->out->data);
    return TALLY_OK;
}

static tally_status reduce_axis(const tally__kernel_call *c, reducer *r)
{
    const tally_tensor *x = c->arg[0];
    int64_t             stride = x->stride[c->node->axis], n = x->shape[c->node->axis];
    tally_tensor        outer = tally__without_axis(x, c->node->axis);
    const tally_tensor *seen = &outer;
    tally__walk         w;
    tally_status        s = tally__kernel_out(c, outer.rank, outer.shape);
    if (s)
        return s;
    char  *out = (char *)(uintptr_t)c->out->data;
    size_t size = tally__element_size(r->gives);
    r->single = n == 1;
    tally__walk_begin(&w, 1, &seen, outer.rank, outer.shape);
    for (int64_t i = 0; i < w.rows; i++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++, out += size) {
            begin_result(r);
            take_line(r,
                      n ? w.row[0] + k * w.step[0] * (int64_t)tally__element_size(x->dtype) : NULL,
                      stride, n);
            end_result(r, out);
        }
    return TALLY_OK;
}

static reducer reducer_of(const tally__node *n, int32_t dtype)
{
    bool all = tally__op_table[n->op].shape == TALLY__SHAPE_SCALAR;
    return (reducer){ .kind = reduction_of(n->op, dtype, !all && n->axis > 0),
                      .dtype = dtype,
                      .gives = n->dtype,
                      .mean = n->op == TALLY__OP_mean || n->op == TALLY__OP_reduce_mean,
                      .largest = wants_largest(n->op) };
}

tally_status tally__kernel_reduce(const tally__kernel_call *c)
{
    reducer r = reducer_of(c->node, c->arg[0]->dtype);
    return tally__op_table[c->node->op].shape == TALLY__SHAPE_SCALAR ? reduce_all(c, &r) : reduce_axis(c, &r);
}

/* ---- over rows that come in blocks: exact sums and extremes do not depend on how they are cut */
size_t tally__reduce_room(const tally_tensor *out)
{
    return (size_t)tally__elements(out->rank, out->shape) * sizeof(reducer);
}

void tally__reduce_begin(void *room, const tally__node *n, const tally_tensor *out, int32_t dtype)
{
    reducer *r = room;
    for (int64_t i = 0; i < tally__elements(out->rank, out->shape); i++) {
        r[i] = reducer_of(n, dtype);
        begin_result(&r[i]);
    }
}

void tally__reduce_take(void *room, const tally__node *n, const tally_tensor *rows)
{
    reducer            *r = room;
    bool                all = tally__op_table[n->op].shape == TALLY__SHAPE_SCALAR;
    tally_tensor        outer = all ? *rows : tally__without_axis(rows, 0);
    const tally_tensor *seen = &outer;
    tally__walk         w;
    tally__walk_begin(&w, 1, &seen, outer.rank, outer.shape);
    for (int64_t i = 0; i < w.rows; i++, tally__walk_next(&w)) {
        if (all)
            take_line(r, w.row[0], w.step[0], w.length);
        for (int64_t k = 0; !all && k < w.length; k++, r++)
            take_line(r, w.row[0] + k * w.step[0] * (int64_t)tally__element_size(rows->dtype), rows->stride[0], rows->shape[0]);
    }
}

void tally__reduce_merge(void *room, const void *later, const tally_tensor *out)
{
    reducer       *into = room;
    const reducer *from = later;
    for (int64_t i = 0; i < tally__elements(out->rank, out->shape); i++, into++, from++) {
        into->n += from->n;
        if (into->kind == SUM_EXACT)
            tally__sum_merge(&into->sum, &from->sum);
        else if (into->kind == SUM_WHOLE)
            into->natural += from->natural;
        else if (into->kind == EXTREME_FLOAT)
            take_extremes(into, &from->real, 1);
        else if (into->kind == EXTREME_SIGNED)
            take_extremes(into, &from->integer, 1);
        else
            take_extremes(into, &from->natural, 1);
    }
}

void tally__reduce_end(const void *room, const tally_tensor *out)
{
    const reducer *r = room;
    for (int64_t i = 0; i < tally__elements(out->rank, out->shape); i++)
        end_result(&r[i], (char *)(uintptr_t)out->data + (size_t)i * tally__element_size(out->dtype));
}
