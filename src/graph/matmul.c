/* matmul: products of matrices, of stacks of them, and of vectors. Floats are multiplied and added
 * in float64, one after the other along the inner size, and rounded once; integers wrap modulo
 * 2^bits. So the bits depend on the inner size alone. */
#include "kernels.h"

typedef struct matmul_plan {
    int64_t  n, k, m;
    int32_t  compute;                /* F64, or U64 for every integer type */
    void    *left, *right, *row;     /* n k, k m and m elements of it */
    const void *packed;              /* what `right` holds now */
} matmul_plan;

static void product_f64(const matmul_plan *p, int64_t i)
{
    double       *row = p->row;
    const double *left = (const double *)p->left + i * p->k, *right = p->right;
    memset(row, 0, (size_t)p->m * sizeof *row);
    for (int64_t k = 0; k < p->k; k++, right += p->m)
        for (int64_t j = 0; j < p->m; j++)
            row[j] += left[k] * right[j];
}

static void product_u64(const matmul_plan *p, int64_t i)
{
    uint64_t       *row = p->row;
    const uint64_t *left = (const uint64_t *)p->left + i * p->k, *right = p->right;
    memset(row, 0, (size_t)p->m * sizeof *row);
    for (int64_t k = 0; k < p->k; k++, right += p->m)
        for (int64_t j = 0; j < p->m; j++)
            row[j] += left[k] * right[j];
}

/* The last two axes of x as a matrix, or a vector as one; leading axes dropped, as `data` says
 * where they stand. */
static tally_tensor matrix_of(const tally_tensor *x, const void *data)
{
    tally_tensor y = *x;
    int          keep = TALLY__MIN(x->rank, 2);
    for (int i = 0; i < keep; i++) {
        y.shape[i] = x->shape[x->rank - keep + i];
        y.stride[i] = x->stride[x->rank - keep + i];
    }
    y.rank = keep;
    y.data = data;
    return y;
}

/* the leading axes of x alone */
static tally_tensor stack_of(const tally_tensor *x)
{
    tally_tensor y = *x;
    y.rank = TALLY__MAX(x->rank - 2, 0);
    return y;
}

static void product(const tally__kernel_call *c, matmul_plan *p, const void *left,
                    const void *right, char *out)
{
    tally_tensor l = matrix_of(c->arg[0], left), r = matrix_of(c->arg[1], right);
    int32_t      dtype = c->node->dtype;
    tally__tensor_pack(p->left, p->compute, &l);
    if (p->packed != right || !p->packed)
        tally__tensor_pack(p->right, p->compute, &r);
    p->packed = right;
    for (int64_t i = 0; i < p->n; i++, out += (size_t)p->m * tally__element_size(dtype)) {
        if (p->compute == TALLY_F64)
            product_f64(p, i);
        else
            product_u64(p, i);
        tally__convert(out, dtype, p->row, p->compute, 1, (size_t)p->m);
    }
}

static tally_status matmul_shape(const tally__kernel_call *c, matmul_plan *p, int64_t *shape,
                                 int *lead, int *rank)
{
    const tally_tensor *l = c->arg[0], *r = c->arg[1];
    int                 skip[2] = { TALLY__MIN(l->rank, 2), TALLY__MIN(r->rank, 2) };
    int64_t             inner = r->shape[r->rank - skip[1]];
    p->k = l->shape[l->rank - 1];
    p->n = l->rank > 1 ? l->shape[l->rank - 2] : 1;
    p->m = r->rank > 1 ? r->shape[r->rank - 1] : 1;
    if (p->k != inner)
        return tally__kernel_fail(c, TALLY_INVALID_ARGUMENT,
                                  "inner sizes, expected %l as in argument 0, found %l", p->k,
                                  inner);
    tally_status s = tally__kernel_broadcast(c, skip, shape, lead);
    *rank = *lead;
    if (l->rank > 1)
        shape[(*rank)++] = p->n;
    if (r->rank > 1)
        shape[(*rank)++] = p->m;
    return s;
}

static tally_status matmul_memory(const tally__kernel_call *c, matmul_plan *p)
{
    tally_status s;
    if (!(p->left = tally__kernel_memory(c, (size_t)(p->n * p->k) * 8, &s)) ||
        !(p->right = tally__kernel_memory(c, (size_t)(p->k * p->m) * 8, &s)) ||
        !(p->row = tally__kernel_memory(c, (size_t)p->m * 8, &s)))
        return s;
    return TALLY_OK;
}

tally_status tally__kernel_matmul(const tally__kernel_call *c)
{
    matmul_plan  p = { .compute = tally__is_float(c->node->dtype) ? TALLY_F64 : TALLY_U64 };
    int64_t      shape[TALLY_MAX_RANK] = { 0 };
    int          lead = 0, rank = 0;
    tally_status s = matmul_shape(c, &p, shape, &lead, &rank);
    if (s || (s = tally__kernel_out(c, rank, shape)) || !tally__elements(rank, shape))
        return s;
    tally__arena_mark mark = tally__arena_here(c->work);
    if (!(s = matmul_memory(c, &p))) {
        tally_tensor        stack[2] = { stack_of(c->arg[0]), stack_of(c->arg[1]) };
        const tally_tensor *each[2] = { &stack[0], &stack[1] };
        size_t              bytes = (size_t)(p.n * p.m) * tally__element_size(c->node->dtype);
        char               *out = (char *)(uintptr_t)c->out->data;
        tally__walk         w;
        tally__walk_begin(&w, 2, each, lead, shape);
        for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
            for (int64_t i = 0; i < w.length; i++, out += bytes)
                product(c, &p,
                        w.row[0] + i * w.step[0] * (int64_t)tally__element_size(c->arg[0]->dtype),
                        w.row[1] + i * w.step[1] * (int64_t)tally__element_size(c->arg[1]->dtype),
                        out);
    }
    tally__arena_rewind(c->work, mark);
    return s;
}
