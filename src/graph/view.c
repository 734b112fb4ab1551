/* view: ops that look at the same memory in another way, and the two that look at sizes only.
 * Indices and bounds from nodes are checked here. Copies nothing. */
#include "kernels.h"

tally_tensor tally__without_axis(const tally_tensor *x, int axis)
{
    tally_tensor y = *x;
    y.rank--;
    for (int i = axis; i < y.rank; i++) {
        y.shape[i] = x->shape[i + 1];
        y.stride[i] = x->stride[i + 1];
    }
    return y;
}

void tally__kernel_pack(void *dst, const tally_tensor *x)
{
    if (x->dtype != TALLY__EXACT) {
        tally__tensor_pack(dst, x->dtype, x);
        return;
    }
    tally__walk w;
    tally__sum *out = dst;
    tally__walk_begin(&w, 1, &x, x->rank, x->shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++)
            *out++ = ((const tally__sum *)(const void *)w.row[0])[k * w.step[0]];
}

/* an index node's value; what int64 cannot hold is out of range anyway */
static int64_t index_value(const tally_tensor *i)
{
    int64_t v = tally__load_i64(i->data, i->dtype);
    return i->dtype == TALLY_U64 && v < 0 ? INT64_MAX : v;
}

/* element `at` of an axis that is dropped */
static tally_status pick(const tally__kernel_call *c, int axis, int64_t at, const char *what)
{
    const tally_tensor *x = c->arg[0];
    if (at < 0 || at >= x->shape[axis])
        return tally__kernel_fail(c, TALLY_OUT_OF_RANGE, "%s, expected 0 <= %s < %l, found %l",
                                  what, what, x->shape[axis], at);
    *c->out = tally__without_axis(x, axis);
    c->out->data = tally__address(x, at * x->stride[axis]);
    return TALLY_OK;
}

tally_status tally__kernel_at(const tally__kernel_call *c)
{
    return pick(c, 0, index_value(c->arg[1]), "index");
}

tally_status tally__kernel_column(const tally__kernel_call *c)
{
    return pick(c, c->arg[0]->rank - 1, c->node->axis, "column");
}

tally_status tally__kernel_slice(const tally__kernel_call *c)
{
    int64_t begin = index_value(c->arg[1]), end = index_value(c->arg[2]);
    int     axis = c->node->axis;
    *c->out = *c->arg[0];
    if (begin < 0 || end < begin || end > c->arg[0]->shape[axis])
        return tally__kernel_fail(c, TALLY_OUT_OF_RANGE,
                                  "bounds, expected 0 <= begin <= end <= %l, found %l and %l",
                                  c->arg[0]->shape[axis], begin, end);
    c->out->shape[axis] = end - begin;
    if (end > begin)
        c->out->data = tally__address(c->arg[0], begin * c->arg[0]->stride[axis]);
    return TALLY_OK;
}

tally_status tally__kernel_transpose(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    *c->out = *x;
    for (int i = 0; i < x->rank; i++) {
        c->out->shape[i] = x->shape[x->rank - 1 - i];
        c->out->stride[i] = x->stride[x->rank - 1 - i];
    }
    return TALLY_OK;
}

tally_status tally__kernel_expand_dims(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    *c->out = *x;
    c->out->rank = x->rank + 1;
    for (int i = c->node->axis; i < x->rank; i++) {
        c->out->shape[i + 1] = x->shape[i];
        c->out->stride[i + 1] = x->stride[i];
    }
    c->out->shape[c->node->axis] = 1;
    c->out->stride[c->node->axis] = 0;
    return TALLY_OK;
}

tally_status tally__kernel_squeeze(const tally__kernel_call *c)
{
    int64_t size = c->arg[0]->shape[c->node->axis];
    if (size != 1)
        return tally__kernel_fail(c, TALLY_INVALID_ARGUMENT, "axis %d, expected size 1, found %l",
                                  (int)c->node->axis, size);
    *c->out = tally__without_axis(c->arg[0], c->node->axis);
    return TALLY_OK;
}

tally_status tally__kernel_broadcast_like(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0], *like = c->arg[1];
    int                 skip = like->rank - x->rank;
    *c->out = *like;
    c->out->data = x->data;
    c->out->dtype = x->dtype;
    for (int i = 0; i < like->rank; i++) {
        int64_t size = i < skip ? 1 : x->shape[i - skip];
        if (size != like->shape[i] && size != 1)
            return tally__kernel_fail(c, TALLY_INVALID_ARGUMENT,
                                      "argument 0, expected size %l or 1 on axis %d, found %l",
                                      like->shape[i], i - skip, size);
        c->out->stride[i] = i < skip || size == 1 ? 0 : x->stride[i - skip];
    }
    return TALLY_OK;
}

/* ---- sizes */
static tally_status give_size(const tally__kernel_call *c, int64_t size)
{
    tally_status s = tally__kernel_out(c, 0, NULL);
    if (!s)
        *(int64_t *)(uintptr_t)c->out->data = size;
    return s;
}

tally_status tally__kernel_dim(const tally__kernel_call *c)
{
    return give_size(c, c->arg[0]->shape[c->node->axis]);
}

tally_status tally__kernel_size(const tally__kernel_call *c)
{
    return give_size(c, tally__elements(c->arg[0]->rank, c->arg[0]->shape));
}
