/* walk: rows of several tensors in step, in the row-major order of a shape that they are broadcast
 * to. Strides may be anything. Knows no op and no dtype but its size. */
#include "tensor.h"

/* the stride with which x walks axis `axis` of a shape of this rank, in elements: 0 where it
 * repeats */
static int64_t walk_stride(const tally_tensor *x, int axis, int rank)
{
    int own = axis - (rank - x->rank);
    return own < 0 || x->shape[own] == 1 ? 0 : x->stride[own];
}

static bool joins(const tally__walk *w, int k, const int64_t *stride, int64_t size)
{
    for (int i = 0; i < w->n; i++)
        if (w->stride[i][k] != stride[i] * size)
            return false;
    return true;
}

/* rows may be empty and without memory, yet their addresses move */
static const char *walk_row(const tally_tensor *x)
{
    static const char nothing = 0;
    return x->data ? x->data : &nothing;
}

/* one axis: nothing to join */
static void begin_line(tally__walk *w, int n, const tally_tensor *const *x, int64_t size)
{
    w->n = n;
    w->rank = 0;
    w->rows = size != 0;
    w->length = size;
    for (int i = 0; i < n; i++) {
        w->row[i] = walk_row(x[i]);
        w->step[i] = walk_stride(x[i], 0, 1);
    }
}

void tally__walk_begin(tally__walk *w, int n, const tally_tensor *const *x, int rank,
                       const int64_t *shape)
{
    int k = -1;
    if (rank == 1) {
        begin_line(w, n, x, shape[0]);
        return;
    }
    w->n = n;
    w->rows = 1;
    for (int i = 0; i < n; i++)
        w->row[i] = walk_row(x[i]);
    for (int axis = 0; axis < rank; axis++) {
        int64_t stride[TALLY__WALK_OPERANDS];
        w->rows *= shape[axis];                   /* all elements, for now */
        if (shape[axis] == 1)
            continue;
        for (int i = 0; i < n; i++)
            stride[i] = walk_stride(x[i], axis, rank);
        if (k >= 0 && joins(w, k, stride, shape[axis]))
            w->shape[k] *= shape[axis];
        else
            w->shape[++k] = shape[axis];
        for (int i = 0; i < n; i++)
            w->stride[i][k] = stride[i];
        w->at[k] = 0;
    }
    w->rank = k < 0 ? 0 : k;
    w->length = k < 0 ? 1 : w->shape[k];
    w->rows = w->rows ? w->rows / w->length : 0;
    for (int i = 0; i < n; i++) {
        w->step[i] = k < 0 ? 0 : w->stride[i][k];
        for (int j = 0; j < k; j++)
            /* unsigned: a stride that is never walked may be any number */
            w->stride[i][j] = (int64_t)((uint64_t)w->stride[i][j] * tally__element_size(x[i]->dtype));
    }
}

void tally__walk_next(tally__walk *w)
{
    int k = w->rank - 1;
    for (; k >= 0 && ++w->at[k] == w->shape[k]; k--) {
        w->at[k] = 0;
        for (int i = 0; i < w->n; i++)
            w->row[i] -= (w->shape[k] - 1) * w->stride[i][k];
    }
    for (int i = 0; k >= 0 && i < w->n; i++)
        w->row[i] += w->stride[i][k];
}
