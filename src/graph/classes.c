/* classes: three ops on the axis of classes that metrics need and no body of a user has asked for: which scores are among
 * the k largest, ids that must be classes, an axis brought to the end. Builders and kernels together; no public form. */
#include "kernels.h"

/* ---- builders */
tally_node tally__top_mask(tally_node x, int64_t k, tally__place at)
{
    tally_trace *t = tally__operands(&x, 1, 0, "top_mask", at);
    if (!t)
        return tally__bad(NULL);
    x = tally__node_rounded(t, x, at);
    if (!tally__trace_ok(t))
        return tally__bad(t);
    const tally__node *in = tally__node_of(x);
    assert(in->rank > 0 && k > 0);
    tally__node n = { .op = TALLY__OP_top_mask, .dtype = TALLY_BOOL, .rank = in->rank, .axis = in->rank - 1 };
    memcpy(n.dim, in->dim, sizeof n.dim);
    const tally_node args[2] = { x, tally__constant_i64(t, TALLY_I64, k, at) };
    return tally__emit(t, &n, args, 2, at);
}

tally_node tally__axis_last(tally_node x, int axis, tally__place at)
{
    tally_trace *t = tally__operands(&x, 1, 0, "axis_last", at);
    if (!t)
        return tally__bad(NULL);
    const tally__node *in = tally__node_of(x);
    assert(axis >= 0 && axis < in->rank);
    if (axis == in->rank - 1)
        return x;
    tally__node n = { .op = TALLY__OP_axis_last, .dtype = in->dtype, .rank = in->rank, .axis = axis };
    for (int i = 0, k = 0; i < n.rank; i++)
        if (i != axis)
            n.dim[k++] = in->dim[i];
    n.dim[n.rank - 1] = in->dim[axis];
    return tally__emit(t, &n, &x, 1, at);
}

/* int32 where ids of at most 32 bits are expected, else int64 */
static int32_t ids_type(int32_t dtype)
{
    return tally__dtype_bits(dtype) <= 32 && dtype != TALLY_U32 ? TALLY_I32 : TALLY_I64;
}

tally_node tally__class_ids(tally_node ids, tally_node depth, int32_t ignore, tally__place at)
{
    tally_node   x[3] = { ids, depth };
    tally_trace *t = tally__operands(x, 2, 0, "class_ids", at);
    if (!t)
        return tally__bad(NULL);
    x[0] = tally__node_rounded(t, ids, at);
    x[2] = tally__constant_i64(t, TALLY_I64, ignore, at);
    if (!tally__trace_ok(t))
        return tally__bad(t);
    const tally__node *in = tally__node_of(x[0]);
    tally__node        n = { .op = TALLY__OP_class_ids, .dtype = (uint8_t)ids_type(in->dtype), .rank = in->rank, .axis = -1 };
    memcpy(n.dim, in->dim, sizeof n.dim);
    return tally__emit(t, &n, x, 3, at);
}

/* ---- axis_last */
tally_status tally__kernel_axis_last(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    const int           axis = c->node->axis, last = x->rank - 1;
    *c->out = tally__without_axis(x, axis);
    c->out->rank = x->rank;
    c->out->shape[last] = x->shape[axis];
    c->out->stride[last] = x->stride[axis];
    return TALLY_OK;
}

/* ---- top_mask */
typedef union score { double f; int64_t i; uint64_t u; } score;

static int32_t score_type(int32_t dtype)
{
    const int32_t type = tally__compute_dtype(dtype);
    return tally__is_float(type) ? TALLY_F64 : type == TALLY_I64 ? TALLY_I64 : TALLY_U64;
}

static bool is_above(score a, score b, int32_t type)
{
    switch (type) {
    case TALLY_F64: return a.f > b.f || (b.f != b.f && a.f == a.f);
    case TALLY_I64: return a.i > b.i;
    default: return a.u > b.u;
    }
}

/* the least of the best so far, by a heap of indices: a parent comes after its children in the order of places */
static bool comes_after(const score *x, int64_t a, int64_t b, int32_t type)
{
    return is_above(x[b], x[a], type) || (!is_above(x[a], x[b], type) && a > b);
}

static void sift_down(const score *x, int64_t *heap, int64_t n, int32_t type)
{
    for (int64_t at = 0;;) {
        int64_t child = 2 * at + 1;
        if (child >= n)
            return;
        if (child + 1 < n && comes_after(x, heap[child + 1], heap[child], type))
            child++;
        if (!comes_after(x, heap[child], heap[at], type))
            return;
        int64_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

static void sift_up(const score *x, int64_t *heap, int64_t at, int32_t type)
{
    while (at > 0 && comes_after(x, heap[at], heap[(at - 1) / 2], type)) {
        int64_t swap = heap[at];
        heap[at] = heap[(at - 1) / 2];
        heap[(at - 1) / 2] = swap;
        at = (at - 1) / 2;
    }
}

/* marks the k first of n in the order of places: larger first, then lower index */
static void mark_top(const score *x, int64_t n, int64_t k, int32_t type, int64_t *heap, uint8_t *out)
{
    int64_t held = 0;
    for (int64_t i = 0; i < n; i++) {
        if (held < k) {
            heap[held] = i;
            sift_up(x, heap, held++, type);
        } else if (comes_after(x, heap[0], i, type)) {
            heap[0] = i;
            sift_down(x, heap, held, type);
        }
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = 0;
    for (int64_t i = 0; i < held; i++)
        out[heap[i]] = 1;
}

tally_status tally__kernel_top_mask(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    const int64_t       n = x->shape[c->node->axis], k = TALLY__MIN(n, tally__load_i64(c->arg[1]->data, TALLY_I64));
    const int32_t       type = score_type(x->dtype);
    tally_tensor        lines = tally__without_axis(x, c->node->axis);
    const tally_tensor *each = &lines;
    tally_status        s = tally__kernel_out(c, x->rank, x->shape);
    if (s || tally__elements(x->rank, x->shape) == 0)
        return s;
    tally__arena_mark mark = tally__arena_here(c->work);
    score            *line = tally__kernel_memory(c, (size_t)n * sizeof *line, &s);
    int64_t          *heap = s ? NULL : tally__kernel_memory(c, (size_t)k * sizeof *heap, &s);
    uint8_t          *out = (uint8_t *)(uintptr_t)c->out->data;
    tally__walk       w;
    tally__walk_begin(&w, 1, &each, lines.rank, lines.shape);
    for (int64_t r = 0; !s && r < w.rows; r++, tally__walk_next(&w))
        for (int64_t i = 0; i < w.length; i++, out += n) {
            tally__convert(line, type, w.row[0] + i * w.step[0] * (int64_t)tally__element_size(x->dtype), x->dtype,
                           x->stride[c->node->axis], (size_t)n);
            mark_top(line, n, k, type, heap, out);
        }
    tally__arena_rewind(c->work, mark);
    return s;
}

/* ---- class_ids */
enum { FLOATS_WITHOUT_GAPS = 1 << 24 };

static tally_status not_a_class(const tally__kernel_call *c, int64_t row, const void *p, int64_t classes)
{
    const int32_t d = c->arg[0]->dtype;
    if (tally__is_float(d))
        return tally__kernel_fail(c, TALLY_OUT_OF_RANGE, "row %l, expected a class id from 0 to %l, found %g", row, classes - 1,
                                  tally__load_f64(p, d));
    if (d == TALLY_U64 && tally__load_i64(p, d) < 0)
        return tally__kernel_fail(c, TALLY_OUT_OF_RANGE, "row %l, expected a class id from 0 to %l, found one above int64", row,
                                  classes - 1);
    return tally__kernel_fail(c, TALLY_OUT_OF_RANGE, "row %l, expected a class id from 0 to %l, found %l", row, classes - 1,
                              tally__load_i64(p, d));
}

static bool equals_ignored(const void *p, int32_t dtype, int64_t ignore)
{
    if (ignore == TALLY_NONE)
        return false;
    if (tally__is_float(dtype))
        return tally__load_f64(p, dtype) == (double)ignore;
    return tally__load_i64(p, dtype) == ignore && !(dtype == TALLY_U64 && ignore < 0);
}

/* the row of element i in row-major order: its index on the first axis */
static int64_t row_of(const tally_tensor *x, int64_t i)
{
    for (int a = x->rank - 1; a > 0; a--)
        i /= x->shape[a];
    return i;
}

/* copied; is one below 0, or the rest up to the last class? That is the highest bit of what they have together */
static bool ids_of_int32(int32_t *restrict out, const int32_t *restrict v, size_t n, int64_t classes)
{
    const uint32_t most = (uint32_t)TALLY__MIN(classes - 1, INT32_MAX);
    uint32_t       beyond = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = v[i];
        beyond |= (uint32_t)v[i] | (most - (uint32_t)v[i]);
    }
    return !(beyond >> 31);
}

/* the same of floats: what is whole and at least 0; below 2^24 there are no gaps between them */
static bool ids_of_floats(int32_t *restrict out, const float *restrict v, size_t n, int64_t classes)
{
    const float most = (float)(classes - 1);
    bool        others = false;
    for (size_t i = 0; i < n; i++) {
        const bool    within = v[i] >= 0 && v[i] <= most;
        const int32_t id = (int32_t)(within ? v[i] : 0);
        others |= !within | ((float)id != v[i]);
        out[i] = id;
    }
    return !others;
}

/* false: one of them is none, or stands for none */
static bool ids32_of_block(int32_t *out, const char *p, int32_t dtype, int64_t step, size_t n, int64_t classes)
{
    float   v[TALLY__KERNEL_BLOCK];
    int32_t id[TALLY__KERNEL_BLOCK];
    if (classes <= 0)
        return false;
    if (dtype == TALLY_I32 && step == 1)
        return ids_of_int32(out, (const int32_t *)(const void *)p, n, classes);
    if (!tally__is_float(dtype)) {
        tally__convert(id, TALLY_I32, p, dtype, step, n);
        return ids_of_int32(out, id, n, classes);
    }
    tally__convert(v, TALLY_F32, p, dtype, step, n);
    return classes <= FLOATS_WITHOUT_GAPS && ids_of_floats(out, v, n, classes);
}

static bool ids64_of_block(int64_t *out, const char *p, int32_t dtype, int64_t step, size_t n, int64_t classes)
{
    double   v[TALLY__KERNEL_BLOCK];
    uint64_t beyond = 0;
    bool     differs = false;
    tally__convert(out, TALLY_I64, p, dtype, step, n);
    for (size_t i = 0; i < n; i++)
        beyond |= (uint64_t)out[i] | ((uint64_t)classes - 1 - (uint64_t)out[i]);
    if (beyond >> 63 || !tally__is_float(dtype))
        return !(beyond >> 63);
    tally__convert(v, TALLY_F64, p, dtype, step, n);
    for (size_t i = 0; i < n; i++)
        differs |= v[i] != (double)out[i];
    return !differs;
}

static bool ids_of_block(const tally__kernel_call *c, char *out, const char *p, int64_t step, size_t n, int64_t classes)
{
    if (c->node->dtype == TALLY_I32)
        return ids32_of_block((int32_t *)(void *)out, p, c->arg[0]->dtype, step, n, classes);
    return ids64_of_block((int64_t *)(void *)out, p, c->arg[0]->dtype, step, n, classes);
}

/* one by one; first: of the block in row-major order */
static tally_status check_ids(const tally__kernel_call *c, char *out, const char *p, int64_t step, size_t n, int64_t classes, int64_t first)
{
    const int32_t dtype = c->arg[0]->dtype;
    const int64_t ignore = tally__load_i64(c->arg[2]->data, TALLY_I64);
    step *= (int64_t)tally__element_size(dtype);
    for (size_t i = 0; i < n; i++, p += step) {
        const bool ignored = equals_ignored(p, dtype, ignore);
        const int64_t id = ignored ? -1 : tally__id_value(p, dtype);
        if (id >= classes || (id < 0 && !ignored) || (id > INT32_MAX && c->node->dtype == TALLY_I32))
            return not_a_class(c, row_of(c->arg[0], first + (int64_t)i), p, classes);
        tally__convert(out + i * tally__element_size(c->node->dtype), c->node->dtype, &id, TALLY_I64, 1, 1);
    }
    return TALLY_OK;
}

tally_status tally__kernel_class_ids(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    const int64_t       classes = tally__load_i64(c->arg[1]->data, c->arg[1]->dtype), size = (int64_t)tally__element_size(x->dtype);
    tally_status        s = tally__kernel_out(c, x->rank, x->shape);
    if (s)
        return s;
    char       *out = (char *)(uintptr_t)c->out->data;
    int64_t     i = 0, gives = (int64_t)tally__element_size(c->node->dtype);
    tally__walk w;
    tally__walk_begin(&w, 1, &x, x->rank, x->shape);
    for (int64_t r = 0; r < w.rows && !s; r++, tally__walk_next(&w))
        for (int64_t k = 0, n; k < w.length && !s; k += n, i += n) {
            const char *p = w.row[0] + k * w.step[0] * size;
            n = TALLY__MIN(w.length - k, (int64_t)TALLY__KERNEL_BLOCK);
            if (!ids_of_block(c, out + i * gives, p, w.step[0], (size_t)n, classes))
                s = check_ids(c, out + i * gives, p, w.step[0], (size_t)n, classes, i);
        }
    return s;
}
