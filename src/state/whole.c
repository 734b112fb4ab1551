/* whole: sums that stay whole numbers, the common case of counts, labels and 0/1 values. A block is tried and tells
 * itself whether every value was whole and the sum fits; one that was not is left to the exact sum. Blocks are short
 * enough that nothing can overflow inside one. */
#include "state.h"

enum {
    WHOLE_LOOK = 8,        /* a cheap look before whole blocks: data with fractions mostly shows it at once */
    WHOLE_SHORT = 64,      /* too few to look first */
    WHOLE_INTEGERS = 1 << 24
};

static bool whole_floats(int32_t dtype, const void *p, int64_t stride, size_t n, int64_t *total)
{
    const tally__sum_kernels *kernels = tally__sum_kernels_for(TALLY__ISA_AVX512);
    double                    x[TALLY__WHOLE_BLOCK];
    if (dtype == TALLY_F32 && stride == 1)
        return kernels->whole_f32(p, n, total);
    if (dtype == TALLY_F64 && stride == 1)
        return kernels->whole_f64(p, n, total);
    tally__convert(x, TALLY_F64, p, dtype, stride, n);
    return kernels->whole_f64(x, n, total);
}

/* up to 32 bits, and truth: always whole, and WHOLE_INTEGERS of them fit */
static int64_t whole_integers(int32_t dtype, const void *p, int64_t stride, size_t n)
{
    const tally__sum_kernels *kernels = tally__sum_kernels_for(TALLY__ISA_AVX512);
    const int64_t             step = stride * (int64_t)tally__element_size(dtype);
    int64_t                   part[3], total = 0;
    uint32_t                  packed[TALLY__WHOLE_BLOCK];
    if (stride == 1) {
        kernels->integers(p, dtype, n, part);
        return part[0];
    }
    for (size_t done = 0; done < n; done += TALLY__WHOLE_BLOCK) {
        const size_t m = TALLY__MIN(n - done, (size_t)TALLY__WHOLE_BLOCK);
        tally__convert(packed, dtype, (const char *)p + (int64_t)done * step, dtype, stride, m);
        kernels->integers(packed, dtype, m, part);
        total += part[0];
    }
    return total;
}

static bool whole_i64(const int64_t *p, int64_t stride, size_t n, int64_t *total)
{
    *total = 0;
    for (size_t i = 0; i < n; i++, p += stride)
        if (!tally__whole_add(total, *p))
            return false;
    return true;
}

static bool whole_u64(const uint64_t *p, int64_t stride, size_t n, int64_t *total)
{
    *total = 0;
    for (size_t i = 0; i < n; i++, p += stride)
        if (*p > INT64_MAX || !tally__whole_add(total, (int64_t)*p))
            return false;
    return true;
}

/* the most values that are tried at once */
static size_t whole_step(int32_t dtype)
{
    return tally__is_float(dtype) || tally__dtype_bits(dtype) > 32 ? (size_t)TALLY__WHOLE_BLOCK : (size_t)WHOLE_INTEGERS;
}

static bool whole_block(int32_t dtype, const void *p, int64_t stride, size_t n, int64_t *total)
{
    if (tally__is_float(dtype))
        return whole_floats(dtype, p, stride, n, total);
    if (dtype == TALLY_I64)
        return whole_i64(p, stride, n, total);
    if (dtype == TALLY_U64)
        return whole_u64(p, stride, n, total);
    *total = whole_integers(dtype, p, stride, n);
    return true;
}

/* one value, the update of a running total: no kernel */
static bool whole_one(int32_t dtype, const void *p, int64_t *v)
{
    double x;
    switch (dtype) {
    case TALLY_BOOL: *v = *(const uint8_t *)p != 0; return true;
    case TALLY_I32:  *v = *(const int32_t *)p; return true;
    case TALLY_F32:  x = (double)*(const float *)p; break;
    case TALLY_F64:  x = *(const double *)p; break;
    default:         return whole_block(dtype, p, 1, 1, v);
    }
    if (!tally__whole_takes(x))
        return false;
    *v = (int64_t)x;
    return true;
}

/* one value n times: a repeated 1 is how samples are counted */
static bool whole_repeated(int64_t *into, int32_t dtype, const void *p, size_t n)
{
    int64_t one;
    if (!whole_one(dtype, p, &one))
        return false;
    if (n == 1)
        return tally__whole_add(into, one);
    return one >= -INT32_MAX && one <= INT32_MAX && n <= INT32_MAX && tally__whole_add(into, one * (int64_t)n);
}

size_t tally__whole_prefix(int64_t *into, int32_t dtype, const void *p, int64_t stride, size_t n)
{
    const int64_t step = stride * (int64_t)tally__element_size(dtype);
    int64_t       total;
    if (n == 1 || (n && !stride))
        return whole_repeated(into, dtype, p, n) ? n : 0;
    if (n > WHOLE_SHORT && tally__is_float(dtype) && !whole_floats(dtype, p, stride, WHOLE_LOOK, &total))
        return 0;
    for (size_t done = 0; done < n;) {
        const size_t m = TALLY__MIN(n - done, whole_step(dtype));
        if (!whole_block(dtype, (const char *)p + (int64_t)done * step, stride, m, &total) || !tally__whole_add(into, total))
            return done;
        done += m;
    }
    return n;
}
