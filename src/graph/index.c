/* index: gather and one_hot, the ops whose positions are data. */
#include "kernels.h"

/* ---- gather: rows of the first operand along its first axis */
static tally_status gather_shape(const tally__kernel_call *c, int64_t *shape, int *rank)
{
    const tally_tensor *x = c->arg[0], *ids = c->arg[1];
    *rank = ids->rank + x->rank - 1;
    for (int i = 0; i < ids->rank; i++)
        shape[i] = ids->shape[i];
    for (int i = 1; i < x->rank; i++)
        shape[ids->rank + i - 1] = x->shape[i];
    return tally__kernel_out(c, *rank, shape);
}

static tally_status gather_row(const tally__kernel_call *c, const void *id, char *out)
{
    const tally_tensor *x = c->arg[0];
    int64_t             at = tally__load_i64(id, c->arg[1]->dtype);
    if (c->arg[1]->dtype == TALLY_U64 && at < 0)
        at = INT64_MAX;
    if (at < 0 || at >= x->shape[0])
        return tally__kernel_fail(c, TALLY_OUT_OF_RANGE,
                                  "index, expected 0 <= index < %l, found %l", x->shape[0], at);
    tally_tensor row = tally__without_axis(x, 0);
    row.data = tally__address(x, at * x->stride[0]);
    tally__kernel_pack(out, &row);
    return TALLY_OK;
}

tally_status tally__kernel_gather(const tally__kernel_call *c)
{
    tally__walk  w;
    int64_t      shape[TALLY_MAX_RANK] = { 0 };
    int          rank;
    tally_status s = gather_shape(c, shape, &rank);
    if (s)
        return s;
    const tally_tensor *ids = c->arg[1];
    char               *out = (char *)(uintptr_t)c->out->data;
    size_t              bytes = (size_t)tally__elements(c->arg[0]->rank - 1, c->arg[0]->shape + 1) *
                   tally__element_size(c->node->dtype);
    int64_t size = (int64_t)tally__element_size(ids->dtype);
    tally__walk_begin(&w, 1, &ids, ids->rank, ids->shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++, out += bytes)
            if ((s = gather_row(c, w.row[0] + k * w.step[0] * size, out)))
                return s;
    return TALLY_OK;
}

/* ---- ids that may be of any number type */
int64_t tally__id_value(const void *p, int32_t dtype)
{
    if (!tally__is_float(dtype)) {
        int64_t v = tally__load_i64(p, dtype);
        return dtype == TALLY_U64 && v < 0 ? -1 : v;
    }
    double v = tally__load_f64(p, dtype);
    return v >= 0 && v < 0x1p63 && v == (double)(int64_t)v ? (int64_t)v : -1;
}

tally_status tally__kernel_one_hot(const tally__kernel_call *c)
{
    const tally_tensor *ids = c->arg[0];
    tally__walk         w;
    int64_t             shape[TALLY_MAX_RANK] = { 0 },
            depth = tally__id_value(c->arg[1]->data, c->arg[1]->dtype);
    if (depth < 0)
        return tally__kernel_fail(c, TALLY_OUT_OF_RANGE, "depth, expected 0 or more, found %l",
                                  tally__load_i64(c->arg[1]->data, c->arg[1]->dtype));
    memcpy(shape, ids->shape, (size_t)ids->rank * sizeof *shape);
    shape[ids->rank] = depth;
    tally_status s = tally__kernel_out(c, ids->rank + 1, shape);
    if (s)
        return s;
    size_t size = tally__element_size(c->node->dtype);
    char  *out = memset((char *)(uintptr_t)c->out->data, 0,
                        (size_t)tally__elements(ids->rank + 1, shape) * size);
    tally__walk_begin(&w, 1, &ids, ids->rank, ids->shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++, out += (size_t)depth * size) {
            int64_t id = tally__id_value(
                w.row[0] + k * w.step[0] * (int64_t)tally__element_size(ids->dtype), ids->dtype);
            if (id >= 0 && id < depth)
                tally__store_f64(out + (size_t)id * size, c->node->dtype, 1.0);
        }
    return TALLY_OK;
}
