/* view: tensors as the caller describes them. Owns what makes a view valid, dense strides, the memory it
 * spans, and packing it. Refuses to know what a tensor is for. A view is never trusted until
 * tally__tensor_check has passed. */
#include "tensor.h"

tally_tensor tally_tensor_view(const void *data, tally_dtype d, int rank, const int64_t *shape,
                               const int64_t *stride)
{
    tally_tensor x = { data, (int32_t)d, rank, { 0 }, { 0 } };

    if (rank > 0 && !shape) x.rank = -1;           /* the check will name it */
    if (x.rank <= 0 || x.rank > TALLY_MAX_RANK) return x;
    for (int i = 0; i < rank; i++) x.shape[i] = shape[i];
    if (!stride) tally__dense(rank, shape, x.stride);
    for (int i = 0; stride && i < rank; i++) x.stride[i] = stride[i];
    return x;
}

int64_t tally__elements(int rank, const int64_t *shape)
{
    uint64_t n = 1;                                /* unsigned: sizes beside a 0 may be huge */

    for (int i = 0; i < rank; i++) n *= (uint64_t)shape[i];
    return (int64_t)n;
}

void tally__dense(int rank, const int64_t *shape, int64_t *stride)
{
    uint64_t step = 1;

    for (int i = rank - 1; i >= 0; i--) {
        stride[i] = (int64_t)step;
        step *= shape[i] > 1 ? (uint64_t)shape[i] : 1;
    }
}

bool tally__is_dense(const tally_tensor *x)
{
    int64_t step = 1;

    if (tally__elements(x->rank, x->shape) == 0) return true;
    for (int i = x->rank - 1; i >= 0; i--) {
        if (x->shape[i] > 1 && x->stride[i] != step) return false;
        step *= x->shape[i];
    }
    return true;
}

void tally__put_shape(tally__text *t, int rank, const int64_t *shape)
{
    tally__put(t, "[");
    for (int i = 0; i < rank; i++) tally__put(t, i ? ", %l" : "%l", shape[i]);
    tally__put(t, "]");
}

/* bytes from the first element down to the lowest and up to the end of the highest; false if an object of
 * that extent cannot exist */
static bool view_extent(const tally_tensor *x, uint64_t *below, uint64_t *above)
{
    const uint64_t size = tally__element_size(x->dtype), most = PTRDIFF_MAX / size - 1;
    uint64_t       low = 0, high = 0;

    for (int i = 0; i < x->rank; i++) {
        const uint64_t steps = (uint64_t)x->shape[i] - 1;
        const uint64_t step = x->stride[i] < 0 ? 0 - (uint64_t)x->stride[i] : (uint64_t)x->stride[i];
        uint64_t      *side = x->stride[i] < 0 ? &low : &high;
        if (steps && step > (most - low - high) / steps) return false;
        *side += steps * step;
    }
    *below = low * size;
    *above = (high + 1) * size;
    return true;
}

/* shape as text for an error */
static const char *shape_text(char *at, size_t room, const tally_tensor *x)
{
    tally__text t = { at, room, 0 };

    tally__put_shape(&t, x->rank, x->shape);
    return at;
}

static tally_status check_memory(const tally_tensor *x, int argument, const char *who, tally_error *err)
{
    const uintptr_t at = (uintptr_t)x->data;
    const size_t    size = tally__element_size(x->dtype);
    uint64_t        below, above;
    char            shape[160];

    if (!view_extent(x, &below, &above))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, argument,
                           "%s: expected an extent that fits in memory, found shape %s", who,
                           shape_text(shape, sizeof shape, x));
    if (!at)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, argument,
                           "%s: expected data for shape %s, found NULL", who,
                           shape_text(shape, sizeof shape, x));
    if (at % size)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, argument,
                           "%s: expected data aligned to %z bytes for %s, found an address that is %z over",
                           who, size, tally_dtype_name((tally_dtype)x->dtype), (size_t)(at % size));
    if (below > at || above > UINTPTR_MAX - at)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, argument,
                           "%s: expected strides within memory, found shape %s reaching beyond it", who,
                           shape_text(shape, sizeof shape, x));
    return TALLY_OK;
}

/* the number of elements; -1 if it does not fit */
static int64_t checked_elements(const tally_tensor *x)
{
    int64_t n = 1;

    for (int i = 0; i < x->rank; i++)
        if (!x->shape[i]) return 0;
    for (int i = 0; i < x->rank; i++) {
        if (x->shape[i] > INT64_MAX / n) return -1;
        n *= x->shape[i];
    }
    return n;
}

static tally_status check_view(const tally_tensor *x, int argument, const char *who, tally_error *err)
{
    char shape[160];

    if (!x)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, argument, "%s: expected a tensor, found NULL", who);
    if (!tally__dtype_ok(x->dtype))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, argument, "%s: expected a dtype, found %d", who,
                           (int)x->dtype);
    if (x->rank < 0 || x->rank > TALLY_MAX_RANK)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, argument, "%s: expected rank 0 to %d, found %d", who,
                           TALLY_MAX_RANK, (int)x->rank);
    for (int i = 0; i < x->rank; i++)
        if (x->shape[i] < 0)
            return tally__fail(err, TALLY_INVALID_ARGUMENT, argument,
                               "%s: expected sizes of 0 or more, found shape %s", who,
                               shape_text(shape, sizeof shape, x));
    const int64_t n = checked_elements(x);
    if (n < 0)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, argument,
                           "%s: expected fewer than 2^63 elements, found shape %s", who,
                           shape_text(shape, sizeof shape, x));
    return n ? check_memory(x, argument, who, err) : TALLY_OK;
}

/* a vector of neighbours, as most arguments are: nothing to multiply or divide */
static bool is_plain(const tally_tensor *x)
{
    const uintptr_t at = (uintptr_t)x->data;

    if (x->rank != 1 || x->stride[0] != 1 || !tally__dtype_ok(x->dtype)) return false;
    const size_t size = tally__element_size(x->dtype);
    return at && !(at & (size - 1)) && x->shape[0] > 0 && (uint64_t)x->shape[0] <= PTRDIFF_MAX / 16 &&
           (uint64_t)x->shape[0] * size <= UINTPTR_MAX - at;
}

/* On every call's path: its name is made only for a tensor that is refused. */
tally_status tally__tensor_check(const tally_tensor *x, int argument, tally_error *err)
{
    char        who[32];
    tally__text t = { who, sizeof who, 0 };

    if (x && is_plain(x)) return TALLY_OK;
    if (!check_view(x, argument, "", NULL)) return TALLY_OK;
    tally__put(&t, argument < 0 ? "tensor" : "argument %d", argument);
    return check_view(x, argument, who, err);
}

bool tally__overlap(const tally_tensor *x, const void *p, size_t bytes)
{
    const uintptr_t at = (uintptr_t)x->data, other = (uintptr_t)p;
    uint64_t        below, above;

    if (!bytes || !p || !tally__elements(x->rank, x->shape) || !view_extent(x, &below, &above)) return false;
    return at - below < other + bytes && other < at + above;
}

/* x without the axes of size 1, and with neighbours joined where one stride walks both */
static int joined_axes(const tally_tensor *x, int64_t *shape, int64_t *stride)
{
    int n = 0;

    for (int i = 0; i < x->rank; i++) {
        if (x->shape[i] == 1) continue;
        if (n && stride[n - 1] == x->stride[i] * x->shape[i]) {
            shape[n - 1] *= x->shape[i];
            stride[n - 1] = x->stride[i];
        } else {
            shape[n] = x->shape[i];
            stride[n++] = x->stride[i];
        }
    }
    if (!n) shape[n] = 1, stride[n++] = 1;
    return n;
}

void tally__tensor_pack(void *dst, int32_t to, const tally_tensor *x)
{
    int64_t       shape[TALLY_MAX_RANK], stride[TALLY_MAX_RANK], at[TALLY_MAX_RANK] = { 0 };
    const int64_t size = (int64_t)tally__element_size(x->dtype);
    const char   *row = x->data;
    char         *out = dst;

    if (!tally__elements(x->rank, x->shape)) return;
    const int    last = joined_axes(x, shape, stride) - 1;
    const size_t n = (size_t)shape[last], bytes = n * tally__element_size(to);
    for (;;) {
        tally__convert(out, to, row, x->dtype, stride[last], n);
        out += bytes;
        int axis = last - 1;                       /* the next row, as an odometer counts */
        while (axis >= 0 && ++at[axis] == shape[axis]) {
            row -= (shape[axis] - 1) * stride[axis] * size;
            at[axis--] = 0;
        }
        if (axis < 0) return;
        row += stride[axis] * size;
    }
}
