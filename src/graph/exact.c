/* exact: ops on states that are still exact sums: linear forms, the quotient of two, and the cast
 * that rounds them. The cast of everything else is here too, as it is one call of the tensor floor.
 */
#include "kernels.h"

/* ---- linear forms: neg, add, sub of exact operands, element by element */
static void linear_element(int op, tally__sum *out, const tally__sum *a, const tally__sum *b)
{
    *out = (tally__sum){ { 0 }, 0, 0, 0 };
    if (op == TALLY__OP_neg) {
        tally__sum_subtract(out, a);
        return;
    }
    *out = *a;
    if (op == TALLY__OP_add)
        tally__sum_merge(out, b);
    else
        tally__sum_subtract(out, b);
}

static const void *walk_element(const tally__walk *w, int i, int64_t k, int32_t dtype)
{
    return w->row[i] + k * w->step[i] * (int64_t)tally__element_size(dtype);
}

tally_status tally__kernel_linear(const tally__kernel_call *c)
{
    static const int skip[2] = { 0 };
    tally__walk      w;
    int64_t          shape[TALLY_MAX_RANK] = { 0 };
    int              rank, arity = tally__op_table[c->node->op].arity;
    tally_status     s = tally__kernel_broadcast(c, skip, shape, &rank);
    if (s || (s = tally__kernel_out(c, rank, shape)))
        return s;
    tally__sum *out = (tally__sum *)(uintptr_t)c->out->data;
    tally__walk_begin(&w, arity, c->arg, rank, shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++)
            linear_element(c->node->op, out++, walk_element(&w, 0, k, TALLY__EXACT),
                           arity > 1 ? walk_element(&w, 1, k, TALLY__EXACT) : NULL);
    return TALLY_OK;
}

/* ---- the quotient: what is not exact yet is deposited exactly */
static const tally__sum *deposit(tally__sum *room, const void *p, int32_t dtype)
{
    tally__guess guess = { 0, 0, 0 };
    if (dtype == TALLY__EXACT)
        return p;
    *room = (tally__sum){ { 0 }, 0, 0, 0 };
    tally__sum_add(room, &guess, dtype, p, 1, 1);
    return room;
}

tally_status tally__kernel_ratio(const tally__kernel_call *c)
{
    static const int skip[2] = { 0 };
    tally__walk      w;
    tally__sum       room[2];
    int64_t          shape[TALLY_MAX_RANK] = { 0 };
    int              rank;
    tally_status     s = tally__kernel_broadcast(c, skip, shape, &rank);
    if (s || (s = tally__kernel_out(c, rank, shape)))
        return s;
    double *out = (double *)(uintptr_t)c->out->data;
    int32_t da = c->arg[0]->dtype, db = c->arg[1]->dtype;
    tally__walk_begin(&w, 2, c->arg, rank, shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++)
            *out++ = tally__sum_ratio(deposit(&room[0], walk_element(&w, 0, k, da), da),
                                      deposit(&room[1], walk_element(&w, 1, k, db), db));
    return TALLY_OK;
}

/* ---- cast */
static void round_exact(double *out, const tally_tensor *x)
{
    tally__walk w;
    tally__walk_begin(&w, 1, &x, x->rank, x->shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w))
        for (int64_t k = 0; k < w.length; k++)
            *out++ = tally__sum_round(walk_element(&w, 0, k, TALLY__EXACT));
}

tally_status tally__kernel_cast(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    tally_status        s = tally__kernel_out(c, x->rank, x->shape);
    if (s)
        return s;
    void *out = (void *)(uintptr_t)c->out->data;
    if (x->dtype == TALLY__EXACT)
        round_exact(out, x);
    else if (!x->rank)
        tally__convert(out, c->node->dtype, x->data, x->dtype, 1, 1);
    else
        tally__tensor_pack(out, c->node->dtype, x);
    return TALLY_OK;
}
