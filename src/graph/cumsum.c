/* cumsum: the sums of the first 1, 2, ... elements of each line. Of states that are still exact sums each is exact; floats are added in
 * float64, one after another, and rounded each; integers wrap. */
#include "kernels.h"

typedef struct line {
    const char *in;
    char       *out;
    int64_t     from, to, n;       /* strides in bytes; elements */
    int32_t     dtype, gives;
} line;

static void sum_exact(const line *l)
{
    tally__sum sum = { { 0 }, 0, 0, 0 };
    for (int64_t i = 0; i < l->n; i++) {
        tally__sum_merge(&sum, (const tally__sum *)(const void *)(l->in + i * l->from));
        *(tally__sum *)(void *)(l->out + i * l->to) = sum;
    }
}

static void sum_floats(const line *l)
{
    double sum = 0.0;
    for (int64_t i = 0; i < l->n; i++) {
        sum += tally__load_f64(l->in + i * l->from, l->dtype);
        tally__store_f64(l->out + i * l->to, l->gives, sum);
    }
}

static void sum_integers(const line *l)
{
    uint64_t sum = 0, v;
    for (int64_t i = 0; i < l->n; i++) {
        tally__convert(&v, TALLY_U64, l->in + i * l->from, l->dtype, 1, 1);
        sum += v;
        tally__convert(l->out + i * l->to, l->gives, &sum, TALLY_U64, 1, 1);
    }
}

static void sum_line(const line *l)
{
    if (l->dtype == TALLY__EXACT)
        sum_exact(l);
    else if (tally__is_float(l->dtype))
        sum_floats(l);
    else
        sum_integers(l);
}

tally_status tally__kernel_cumsum(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    const int           axis = c->node->axis;
    const int64_t       size = (int64_t)tally__element_size(x->dtype), gives = (int64_t)tally__element_size(c->node->dtype);
    tally_status        s = tally__kernel_out(c, x->rank, x->shape);
    if (s || !tally__elements(x->rank, x->shape))
        return s;
    tally_tensor        in = tally__without_axis(x, axis), out = tally__without_axis(c->out, axis);
    const tally_tensor *each[2] = { &in, &out };
    line                l = { NULL, NULL, x->stride[axis] * size, c->out->stride[axis] * gives, x->shape[axis], x->dtype, c->node->dtype };
    tally__walk         w;
    tally__walk_begin(&w, 2, each, in.rank, in.shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++) {
            l.in = w.row[0] + k * w.step[0] * size;
            l.out = (char *)(uintptr_t)w.row[1] + k * w.step[1] * gives;
            sum_line(&l);
        }
    return s;
}
