/* layout: an array's values in memory of every legal layout: padded, turned round, transposed, repeated by a stride of 0. */
#include "layout.h"

tally_tensor array_scatter(test_rng *r, pool *p, array *a)
{
    tally_tensor x = array_view(a);
    if (test_below(r, 3) == 0 || a->rank == 0 || a->n == 0)
        return x;
    int     order[TALLY_MAX_RANK], repeated = test_below(r, 4) == 0 ? (int)test_below(r, (size_t)a->rank) : -1;
    int64_t room = 1, offset = 0, dense[TALLY_MAX_RANK];
    for (int k = a->rank - 1; k >= 0; k--)
        dense[k] = k == a->rank - 1 ? 1 : dense[k + 1] * a->shape[k + 1];
    if (repeated >= 0)
        for (int64_t k = 0; k < a->n; k++)
            array_put(a, k, array_get(a, k - k / dense[repeated] % a->shape[repeated] * dense[repeated]));
    for (int k = 0; k < a->rank; k++)
        order[k] = k;
    for (int k = a->rank - 1; k > 0; k--) {
        int j = (int)test_below(r, (size_t)k + 1), t = order[k];
        order[k] = order[j];
        order[j] = t;
    }
    for (int k = 0; k < a->rank; k++) {
        int axis = order[k];
        x.stride[axis] = axis == repeated ? 0 : room;
        if (axis != repeated) {
            room *= a->shape[axis] + (int64_t)test_below(r, 2);
            if (test_below(r, 3) == 0) {
                offset += x.stride[axis] * (a->shape[axis] - 1);
                x.stride[axis] = -x.stride[axis];
            }
        }
    }
    size_t         size = dtype_bytes(a->dtype);
    unsigned char *memory = pool_alloc(p, (size_t)room * size);
    memset(memory, 0xa5, (size_t)room * size);
    for (int64_t k = 0; k < a->n; k++) {
        int64_t at = offset;
        for (int axis = 0; axis < a->rank; axis++)
            at += k / dense[axis] % a->shape[axis] * x.stride[axis];
        memcpy(memory + (size_t)at * size, (unsigned char *)a->data + (size_t)k * size, size);
    }
    x.data = memory + (size_t)offset * size;
    return x;
}
