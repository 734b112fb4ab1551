/* apply: a node by its loop of the instruction set, where the operands lie as that loop wants them: dense, of one shape or one
 * value; beside a dense one, repeated along its rows or its columns; or dense rows. Everything else stays with the reference
 * kernels, which also find what is wrong with sizes. Knows layouts, no op. */
#include "exec.h"

static tally_status apply_memory(tally__frame *f, tally_tensor *out, size_t n, tally_error *err)
{
    size_t bytes = TALLY__MAX(n, 1) * tally__element_size(out->dtype);
    out->data = tally__arena_alloc(&f->work, bytes);
    return out->data ? TALLY_OK : tally__fail_memory(err, bytes);
}

static bool apply_same_shape(const tally_tensor *a, const tally_tensor *b)
{
    return a->rank == b->rank && !memcmp(a->shape, b->shape, (size_t)a->rank * sizeof a->shape[0]);
}

/* ---- rows */
static bool apply_rows(tally__frame *f, tally__id id, const tally__node *n, const tally_tensor *x, tally_status *status,
                       tally_error *err)
{
    tally_tensor *out = &f->value[id];
    const int64_t elements = tally__elements(x->rank, x->shape);
    if (!elements || !tally__is_dense(x))
        return false;
    const size_t columns = (size_t)x->shape[x->rank - 1], rows = (size_t)elements / columns;
    memcpy(out->shape, x->shape, (size_t)n->rank * sizeof out->shape[0]);
    tally__dense(n->rank, out->shape, out->stride);
    *status = apply_memory(f, out, n->rank == x->rank ? (size_t)elements : rows, err);
    if (!*status)
        f->kernel[id]((void *)(uintptr_t)out->data, x->data, &columns, NULL, rows);
    return true;
}

/* ---- operands that repeat */
static bool apply_repeats(const tally__node *n, int i, const tally_tensor *x, int axis)
{
    return x->shape[axis] == 1 && n->repeat >> (6 * i + x->rank - 1 - axis) & 1;
}

/* Operand i beside the dense value `whole`: how it repeats, and on which axis of that its columns begin; *split is 0 while no
 * operand has said. false: otherwise, or wrong sizes */
static bool apply_find(const tally__node *n, int i, const tally_tensor *x, const tally_tensor *whole, tally__spread *s, int *split)
{
    int first = 0, last = x->rank, lead = whole->rank - x->rank;
    *s = (tally__spread){ x->data, tally__element_size(x->dtype), TALLY__SPREAD_ONE };
    if (!x->rank)
        return true;
    if (!tally__is_dense(x))
        return false;
    s->kind = TALLY__SPREAD_WHOLE;
    if (apply_same_shape(x, whole))
        return true;
    while (first < x->rank && x->shape[first] != whole->shape[first + lead] && apply_repeats(n, i, x, first))
        first++;
    while (last > first && x->shape[last - 1] != whole->shape[last - 1 + lead] && apply_repeats(n, i, x, last - 1))
        last--;
    for (int k = first; k < last; k++)
        if (x->shape[k] != whole->shape[k + lead])
            return false;
    const bool rows = last < x->rank, line = first + lead > 0;
    const int  at = rows ? last + lead : first + lead;
    if (rows == line || first == last || (*split && *split != at))
        return false;
    s->kind = rows ? TALLY__SPREAD_ROWS : TALLY__SPREAD_LINE;
    *split = at;
    return true;
}

static bool apply_spread(tally__frame *f, tally__id id, const tally__node *n, const tally_tensor *const *arg,
                         const tally_tensor *whole, tally_status *status, tally_error *err)
{
    tally__spread in[3] = { { NULL, 0, TALLY__SPREAD_ONE }, { NULL, 0, TALLY__SPREAD_ONE }, { NULL, 0, TALLY__SPREAD_ONE } };
    tally_tensor *out = &f->value[id];
    int           split = 0;
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (!apply_find(n, (int)i, arg[i], whole, &in[i], &split))
            return false;
    const size_t rows = (size_t)tally__elements(split, whole->shape);
    const size_t columns = (size_t)tally__elements(whole->rank - split, whole->shape + split);
    memcpy(out->shape, whole->shape, sizeof out->shape);
    tally__dense(whole->rank, out->shape, out->stride);
    *status = apply_memory(f, out, rows * columns, err);
    if (!*status)
        tally__loop_spread(f->kernel[id], (void *)(uintptr_t)out->data, tally__element_size(out->dtype), in, rows, columns);
    return true;
}

/* ---- of one shape, or one value */
/* the dense operand of the result's rank with the most elements, NULL: none; *all: the others are like it, or one value */
static const tally_tensor *apply_whole(const tally__node *n, const tally_tensor *const *arg, bool *all)
{
    const tally_tensor *whole = NULL;
    *all = true;
    for (uint32_t i = 0; i < n->n_arg; i++) {
        const tally_tensor *x = arg[i];
        if (!x->rank && n->rank)
            continue;
        if (x->rank == n->rank && tally__is_dense(x) && (!whole || apply_same_shape(x, whole))) {
            whole = x;
            continue;
        }
        *all = false;
        if (whole && x->rank == n->rank && tally__is_dense(x) && tally__elements(x->rank, x->shape) > tally__elements(x->rank, whole->shape))
            whole = x;
    }
    return whole;
}

bool tally__apply(tally__frame *f, tally__id id, const tally__node *n, const tally_tensor *const *arg, tally_status *status,
                  tally_error *err)
{
    bool all;
    if (tally__op_table[n->op].form != TALLY__FORM_ELEMENT)
        return apply_rows(f, id, n, arg[0], status, err);
    const tally_tensor *whole = apply_whole(n, arg, &all);
    if (!whole || !all)
        return whole && n->rank > 1 && apply_spread(f, id, n, arg, whole, status, err);
    tally_tensor *out = &f->value[id];
    const size_t  elements = (size_t)tally__elements(whole->rank, whole->shape);
    if (n->rank) {
        memcpy(out->shape, whole->shape, sizeof out->shape);
        memcpy(out->stride, whole->stride, sizeof out->stride);
    }
    *status = apply_memory(f, out, elements, err);
    if (!*status)
        f->kernel[id]((void *)(uintptr_t)out->data, arg[0]->data, n->n_arg > 1 ? arg[1]->data : NULL,
                      n->n_arg > 2 ? arg[2]->data : NULL, elements);
    return true;
}
