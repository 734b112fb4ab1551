/* whole: sums that stay whole numbers, the common case of counts, labels and 0/1 values. A block is tried and tells
 * itself whether every value was whole and the sum fits; one that was not is left to the exact sum. Blocks are short
 * enough that nothing can overflow inside one. */
#include "state.h"

enum {
    WHOLE_FIRST = 8,       /* a cheap look before whole blocks: data with fractions mostly shows it at once */
    WHOLE_BLOCK = 511
};

/* Adding 1.5 * 2^52 turns a whole |x| <= 2^51 into the low bits of a double without rounding; the bit patterns are
 * summed as integers. Anything else leaves the binade (checked in high) or does not come back unchanged (left). With
 * 1.5 * 2^23 the same holds for floats up to 2^22, at twice the speed; 511 of them cannot overflow 32 bits. */
#define WHOLE_STEP(R, U, bits, x)                                          \
    do {                                                                   \
        const R z_ = (R)(x) + magic, y_ = z_ - magic;                      \
        sum += bits(z_);                                                   \
        high |= bits(z_) ^ base;                                           \
        left |= (U)(bits(y_) ^ bits((R)(x))) << 1;                         \
    } while (0)
#define WHOLE_FLOATS(name, T, R, U, I, bits, half, exponent_at)                                \
    static bool name(const T *p, int64_t stride, size_t n, int64_t *total)                     \
    {                                                                                          \
        const R magic = (half);                                                                \
        const U base = bits(magic);                                                            \
        U       sum = 0, high = 0, left = 0;                                                   \
        if (stride == 1)                                                                       \
            for (size_t i = 0; i < n; i++)                                                     \
                WHOLE_STEP(R, U, bits, p[i]);                                                  \
        else                                                                                   \
            for (size_t i = 0; i < n; i++, p += stride)                                        \
                WHOLE_STEP(R, U, bits, *p);                                                    \
        *total = (I)(sum - (U)((U)n * base));                                                  \
        return !(high >> (exponent_at)) && !left;                                              \
    }
WHOLE_FLOATS(whole_f32_wide, float, double, uint64_t, int64_t, tally__f64_bits, 6755399441055744.0, 52)
WHOLE_FLOATS(whole_f32_short, float, float, uint32_t, int32_t, tally__f32_bits, 12582912.0f, 23)
WHOLE_FLOATS(whole_f64, double, double, uint64_t, int64_t, tally__f64_bits, 6755399441055744.0, 52)

static bool whole_f32(const float *p, int64_t stride, size_t n, int64_t *total)
{
    return (n > WHOLE_FIRST && whole_f32_short(p, stride, n, total)) || whole_f32_wide(p, stride, n, total);
}

/* f16, bf16 */
static bool whole_halves(int32_t dtype, const void *p, int64_t stride, size_t n, int64_t *total)
{
    double x[WHOLE_BLOCK];
    tally__convert(x, TALLY_F64, p, dtype, stride, n);
    return whole_f64(x, 1, n, total);
}

#define WHOLE_INTEGERS(name, T)                                                            \
    static bool name(const T *p, int64_t stride, size_t n, int64_t *total)                 \
    {                                                                                      \
        int64_t sum = 0;                                                                   \
        if (stride == 1)                                                                   \
            for (size_t i = 0; i < n; i++)                                                 \
                sum += p[i];                                                               \
        else                                                                               \
            for (size_t i = 0; i < n; i++, p += stride)                                    \
                sum += *p;                                                                 \
        *total = sum;                                                                      \
        return true;                                                                       \
    }
WHOLE_INTEGERS(whole_u8, uint8_t)
WHOLE_INTEGERS(whole_i8, int8_t)
WHOLE_INTEGERS(whole_u16, uint16_t)
WHOLE_INTEGERS(whole_i16, int16_t)
WHOLE_INTEGERS(whole_u32, uint32_t)
WHOLE_INTEGERS(whole_i32, int32_t)

static bool whole_bool(const uint8_t *p, int64_t stride, size_t n, int64_t *total)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[(int64_t)i * stride] != 0;
    *total = sum;
    return true;
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

static bool whole_block(int32_t dtype, const void *p, int64_t stride, size_t n, int64_t *total)
{
    switch ((tally_dtype)dtype) {
    case TALLY_BOOL: return whole_bool(p, stride, n, total);
    case TALLY_U8: return whole_u8(p, stride, n, total);
    case TALLY_I8: return whole_i8(p, stride, n, total);
    case TALLY_U16: return whole_u16(p, stride, n, total);
    case TALLY_I16: return whole_i16(p, stride, n, total);
    case TALLY_U32: return whole_u32(p, stride, n, total);
    case TALLY_I32: return whole_i32(p, stride, n, total);
    case TALLY_U64: return whole_u64(p, stride, n, total);
    case TALLY_I64: return whole_i64(p, stride, n, total);
    case TALLY_F16:
    case TALLY_BF16: return whole_halves(dtype, p, stride, n, total);
    case TALLY_F32: return whole_f32(p, stride, n, total);
    case TALLY_F64: return whole_f64(p, stride, n, total);
    }
    return false;
}

size_t tally__whole_prefix(int64_t *into, int32_t dtype, const void *p, int64_t stride, size_t n)
{
    int64_t one;
    if (n == 1)                  /* a scalar update: nothing but the value counts */
        return whole_block(dtype, p, 1, 1, &one) && tally__whole_add(into, one);
    const int64_t step = stride * (int64_t)tally__element_size(dtype);
    size_t        done = 0;
    while (done < n) {
        const size_t m = TALLY__MIN(n - done, (size_t)(done ? WHOLE_BLOCK : WHOLE_FIRST));
        int64_t      total;
        if (!whole_block(dtype, (const char *)p + (int64_t)done * step, stride, m, &total) ||
            !tally__whole_add(into, total))
            break;
        done += m;
    }
    return done;
}
