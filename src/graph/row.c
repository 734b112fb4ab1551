/* row: ops that look at one line of a tensor at a time: softmax and its relatives, argmax, all_equal, rank_of, pick.
 * Lines may lie along any axis; sums within one have the order of tally__row_sum. */
#include "kernels.h"
#include "math.h"

/* ---- softmax, log_softmax, logsumexp: of float, or of double; half formats are float here. x is
 * the line, e has room for it. An infinite largest value: softmax gives NaN as IEEE does, logsumexp
 * gives it back */
#define SOFTMAX(T, S, DTYPE)                                                          \
    static void softmax_##S(int op, T *x, T *e, int64_t n)                            \
    {                                                                                 \
        T most = (T)-TALLY__INF_F64;                                                  \
        for (int64_t i = 0; i < n; i++)                                               \
            most = tally__max_##S(most, x[i]);                                        \
        for (int64_t i = 0; i < n; i++) {                                             \
            T d = x[i] - most;                                                        \
            e[i] = tally__exp_##S(d);                                                 \
            x[i] = d;                                                                 \
        }                                                                             \
        double sum = tally__row_sum(DTYPE, e, 1, n), log = tally__log_f64(sum);       \
        if (op == TALLY__OP_logsumexp)                                                \
            x[0] = tally__abs_##S(most) < (T)TALLY__INF_F64 ? (T)((double)most + log) : most; \
        else                                                                          \
            for (int64_t i = 0; i < n; i++)                                           \
                x[i] = (T)(op == TALLY__OP_softmax ? (double)e[i] / sum : (double)x[i] - log); \
    }
SOFTMAX(float, f32, TALLY_F32)
SOFTMAX(double, f64, TALLY_F64)
#undef SOFTMAX

static void softmax_line(const tally__kernel_call *c, void *x, void *e, const char *in, char *out)
{
    const tally_tensor *a = c->arg[0];
    int                 axis = c->node->axis;
    int32_t             compute = tally__compute_dtype(a->dtype);
    int64_t             n = a->shape[axis], gives = c->node->op == TALLY__OP_logsumexp ? 1 : n;
    int64_t             step = gives == 1 ? 1 : c->out->stride[axis];
    size_t              size = tally__element_size(compute);
    tally__convert(x, compute, in, a->dtype, a->stride[axis], (size_t)n);
    if (compute == TALLY_F32)
        softmax_f32(c->node->op, x, e, n);
    else
        softmax_f64(c->node->op, x, e, n);
    if (step == 1)
        tally__convert(out, c->node->dtype, x, compute, 1, (size_t)gives);
    for (int64_t i = 0; step != 1 && i < gives; i++)
        tally__convert(out + i * step * (int64_t)tally__element_size(c->node->dtype),
                       c->node->dtype, (char *)x + (size_t)i * size, compute, 1, 1);
}

/* input and output walk the shape without the axis */
tally_status tally__kernel_softmax(const tally__kernel_call *c)
{
    const tally_tensor *a = c->arg[0];
    tally_tensor        in = tally__without_axis(a, c->node->axis), out;
    bool                keeps = c->node->op != TALLY__OP_logsumexp;
    tally_status        s = keeps ? tally__kernel_out(c, a->rank, a->shape)
                                  : tally__kernel_out(c, in.rank, in.shape);
    if (s)
        return s;
    out = keeps ? tally__without_axis(c->out, c->node->axis) : *c->out;
    const tally_tensor *each[2] = { &in, &out };
    tally__arena_mark   mark = tally__arena_here(c->work);
    size_t              bytes = (size_t)TALLY__MAX(a->shape[c->node->axis], 1) * sizeof(double);
    void               *x = tally__kernel_memory(c, bytes, &s);
    void               *e = s ? NULL : tally__kernel_memory(c, bytes, &s);
    tally__walk         w;
    tally__walk_begin(&w, 2, each, in.rank, in.shape);
    for (int64_t r = 0; !s && r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++)
            softmax_line(c, x, e, w.row[0] + k * w.step[0] * (int64_t)tally__element_size(a->dtype),
                         (char *)(uintptr_t)w.row[1] +
                             k * w.step[1] * (int64_t)tally__element_size(c->node->dtype));
    tally__arena_rewind(c->work, mark);
    return s;
}

/* ---- argmax: NaN is the largest, -0 equals +0, the first of the largest wins. A line comes in
 * blocks of a type that holds all its values */
typedef union line_block {
    double   f[TALLY__KERNEL_BLOCK];
    int64_t  i[TALLY__KERNEL_BLOCK];
    uint64_t u[TALLY__KERNEL_BLOCK];
} line_block;

static int32_t wide_type(int32_t dtype)
{
    return tally__is_float(dtype)                           ? TALLY_F64
           : tally__dtype_kind_of(dtype) == TALLY__KIND_INT ? TALLY_I64
                                                            : TALLY_U64;
}

typedef struct largest {
    int64_t  at;       /* -1: none yet */
    double   f;
    int64_t  i;
    uint64_t u;
} largest;

static void largest_in(largest *best, int32_t wide, const line_block *x, int64_t first, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        bool more = wide == TALLY_F64
                        ? x->f[k] > best->f || (x->f[k] != x->f[k] && best->f == best->f)
                    : wide == TALLY_I64 ? x->i[k] > best->i
                                        : x->u[k] > best->u;
        if (!more && best->at >= 0)
            continue;
        best->at = first + k;
        if (wide == TALLY_F64)
            best->f = x->f[k];
        else if (wide == TALLY_I64)
            best->i = x->i[k];
        else
            best->u = x->u[k];
    }
}

static void argmax_line(const char *p, int32_t dtype, int64_t stride, int64_t n, void *out)
{
    line_block x;
    largest    best = { -1, 0.0, 0, 0 };
    int32_t    wide = wide_type(dtype);
    int64_t    bytes = stride * (int64_t)tally__element_size(dtype);
    for (int64_t done = 0; done < n; done += TALLY__KERNEL_BLOCK) {
        int64_t m = TALLY__MIN(n - done, (int64_t)TALLY__KERNEL_BLOCK);
        tally__convert(&x, wide, p + done * bytes, dtype, stride, (size_t)m);
        largest_in(&best, wide, &x, done, m);
    }
    *(int64_t *)out = best.at;
}

/* one result for each line along the axis */
typedef void line_op(const char *p, int32_t dtype, int64_t stride, int64_t n, void *out);
static tally_status each_line(const tally__kernel_call *c, line_op *op)
{
    const tally_tensor *x = c->arg[0];
    int64_t             stride = x->stride[c->node->axis], n = x->shape[c->node->axis], size = (int64_t)tally__element_size(x->dtype);
    tally_tensor        outer = tally__without_axis(x, c->node->axis);
    const tally_tensor *seen = &outer;
    tally__walk         w;
    tally_status        s = tally__kernel_out(c, outer.rank, outer.shape);
    if (s)
        return s;
    char *out = (char *)(uintptr_t)c->out->data;
    tally__walk_begin(&w, 1, &seen, outer.rank, outer.shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++, out += tally__element_size(c->node->dtype))
            op(w.row[0] + k * w.step[0] * size, x->dtype, stride, n, out);
    return TALLY_OK;
}

tally_status tally__kernel_argmax(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    tally_tensor        outer = tally__without_axis(x, c->node->axis);
    if (x->shape[c->node->axis] == 0 && tally__elements(outer.rank, outer.shape))
        return tally__kernel_fail(c, TALLY_OUT_OF_RANGE, "axis %d, expected at least one element, found none", (int)c->node->axis);
    return each_line(c, argmax_line);
}

/* ---- all_equal: a line comes as in argmax */
static bool equal_in(int32_t wide, const line_block *x, const line_block *first, int64_t n)
{
    bool equal = true;
    for (int64_t k = 0; k < n; k++)
        equal &= wide == TALLY_F64   ? x->f[k] == first->f[0]
                 : wide == TALLY_I64 ? x->i[k] == first->i[0]
                                     : x->u[k] == first->u[0];
    return equal;
}

static void equal_line(const char *p, int32_t dtype, int64_t stride, int64_t n, void *out)
{
    line_block first, x;
    int32_t    wide = wide_type(dtype);
    int64_t    bytes = stride * (int64_t)tally__element_size(dtype);
    bool       equal = n > 0;
    tally__convert(&first, wide, p, dtype, 1, n > 0);
    for (int64_t done = 0; equal && done < n; done += TALLY__KERNEL_BLOCK) {
        int64_t m = TALLY__MIN(n - done, (int64_t)TALLY__KERNEL_BLOCK);
        tally__convert(&x, wide, p + done * bytes, dtype, stride, (size_t)m);
        equal = equal_in(wide, &x, &first, m);
    }
    *(uint8_t *)out = equal;
}

tally_status tally__kernel_all_equal(const tally__kernel_call *c)
{
    return each_line(c, equal_line);
}

/* ---- rank_of: how many scores are strictly greater than the one at id; the number of classes
 * where that cannot be said */
static int64_t count_above(int32_t wide, const line_block *x, const line_block *own, int64_t n)
{
    int64_t above = 0;
    for (int64_t k = 0; k < n; k++)
        above += wide == TALLY_F64   ? x->f[k] > own->f[0]
                 : wide == TALLY_I64 ? x->i[k] > own->i[0]
                                     : x->u[k] > own->u[0];
    return above;
}

static int64_t rank_in_line(const char *p, int32_t dtype, int64_t stride, int64_t n, int64_t id)
{
    line_block own, x;
    int32_t    wide = wide_type(dtype);
    int64_t    rank = 0, bytes = stride * (int64_t)tally__element_size(dtype);
    if (id < 0 || id >= n)
        return n;
    tally__convert(&own, wide, p + id * bytes, dtype, 1, 1);
    if (wide == TALLY_F64 && !(tally__abs_f64(own.f[0]) < TALLY__INF_F64))
        return n;
    for (int64_t done = 0; done < n; done += TALLY__KERNEL_BLOCK) {
        int64_t m = TALLY__MIN(n - done, (int64_t)TALLY__KERNEL_BLOCK);
        tally__convert(&x, wide, p + done * bytes, dtype, stride, (size_t)m);
        rank += count_above(wide, &x, &own, m);
    }
    return rank;
}

/* ---- what a line has at its id: the rank of that score, or the score itself, 0 where there is none */
static void line_of_id(const tally__kernel_call *c, const char *line, int64_t id, char *out)
{
    const tally_tensor *x = c->arg[0];
    const int64_t       n = x->shape[x->rank - 1], stride = x->stride[x->rank - 1];
    const size_t        size = tally__element_size(x->dtype);
    if (c->node->op == TALLY__OP_rank_of)
        *(int64_t *)(void *)out = rank_in_line(line, x->dtype, stride, n, id);
    else if (id >= 0 && id < n)
        memcpy(out, line + id * stride * (int64_t)size, size);
    else
        memset(out, 0, size);
}

static tally_status shape_of_ids(const tally__kernel_call *c)
{
    const tally_tensor *scores = c->arg[0], *ids = c->arg[1];
    for (int i = 0; i < ids->rank; i++)
        if (ids->shape[i] != scores->shape[i])
            return tally__kernel_fail(c, TALLY_INVALID_ARGUMENT,
                                      "argument 1, expected size %l on axis %d, found %l",
                                      scores->shape[i], i, ids->shape[i]);
    return tally__kernel_out(c, ids->rank, ids->shape);
}

tally_status tally__kernel_of_id(const tally__kernel_call *c)
{
    const tally_tensor *scores = c->arg[0], *ids = c->arg[1];
    tally_tensor        rows = tally__without_axis(scores, scores->rank - 1);
    const tally_tensor *each[2] = { &rows, ids };
    tally__walk         w;
    tally_status        s = shape_of_ids(c);
    if (s)
        return s;
    const int64_t size = (int64_t)tally__element_size(scores->dtype), id_size = (int64_t)tally__element_size(ids->dtype);
    char         *out = (char *)(uintptr_t)c->out->data;
    tally__walk_begin(&w, 2, each, ids->rank, ids->shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++, out += tally__element_size(c->node->dtype))
            line_of_id(c, w.row[0] + k * w.step[0] * size, tally__id_value(w.row[1] + k * w.step[1] * id_size, ids->dtype), out);
    return TALLY_OK;
}
