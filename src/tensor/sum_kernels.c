/* sum_kernels: the block loops of the exact sum. Plain ISO C that compilers vectorise at -O3: the only
 * reductions are integer add, or, min and max, which no order changes. Compiled once per instruction set with
 * another TALLY__SUFFIX.
 *
 * A value is split against constant anchors A = 1.5 * 2^M: z = A + y rounds y to a multiple of the unit of
 * A's binade, and neighbouring floats have consecutive bit patterns, so bits(z) - bits(A) counts units and
 * patterns can be added as integers. y - (z - A) is exact and goes to the next anchor. A block proves itself:
 * all counts of the first level lie in their range, and nothing is left after the last. It needs round to
 * nearest and subnormals, which the caller has tested. Refuses to know sums and policy (sum_add.c). */
#include "tensor.h"

#ifndef TALLY__SUFFIX
#define TALLY__SUFFIX base
#endif
#define TALLY__JOIN2(a, b) a##_##b
#define TALLY__JOIN(a, b) TALLY__JOIN2(a, b)
#define TALLY__NAMED(a) TALLY__JOIN(a, TALLY__SUFFIX)

enum {
    NARROW_STEP = 21,      /* between float anchors: the first leaves at most half a unit, 2^(M - 24) */
    NARROW_BLOCK = 1008,   /* values per 32-bit count: 1008 * 2^22 < 2^32 */
    SPLIT_STEP = 51,
    HALF_UNITS = 50        /* |count| <= 2^50 = |y| <= 2^(M - 2); 2016 of them fit in 64 bits */
};

static inline float TALLY__NAMED(anchor_f32)(int m)
{
    return tally__f32_from((uint32_t)(m + 127) << 23 | (uint32_t)1 << 22);
}

static inline double TALLY__NAMED(anchor_f64)(int m)
{
    return tally__f64_from((uint64_t)(m + 1023) << 52 | (uint64_t)1 << 51);
}

/* two float anchors: 18 binades, four additions a value */
static bool TALLY__NAMED(sum_narrow)(const float *x, size_t n, int top, int64_t *k)
{
    const float    a = TALLY__NAMED(anchor_f32)(top), b = TALLY__NAMED(anchor_f32)(top - NARROW_STEP);
    const uint32_t a_low = tally__f32_bits(a) - ((uint32_t)1 << NARROW_STEP), b_bits = tally__f32_bits(b);
    uint32_t       seen = 0, left = 0;
    int64_t        total = 0;

    for (size_t done = 0; done < n; done += NARROW_BLOCK) {
        const size_t m = TALLY__MIN(n - done, (size_t)NARROW_BLOCK);
        uint32_t     first = 0, second = 0;
        for (size_t i = 0; i < m; i++) {
            float          y = x[done + i], z = a + y;
            const uint32_t count = tally__f32_bits(z) - a_low;
            first += count;
            seen |= count;
            y -= z - a;
            z = b + y;
            second += tally__f32_bits(z);
            left |= tally__f32_bits(z - b) ^ tally__f32_bits(y);
        }
        const int64_t high = (int64_t)first - ((int64_t)m << NARROW_STEP);
        total += high * (1 << NARROW_STEP) + (int32_t)(second - (uint32_t)m * b_bits);
    }
    *k = total;
    return !(seen >> (NARROW_STEP + 1)) && !(left << 1);   /* a lone sign is a -0 that became +0 */
}

/* levels double anchors: 48, 99 or 150 binades of the doubles x, 29 more of the floats f, of which one is
 * NULL. That and `levels` are constants where this is inlined. */
static inline bool TALLY__NAMED(split_levels)(const double *x, const float *f, size_t n, int top, int levels,
                                              int64_t *k)
{
    const double   a0 = TALLY__NAMED(anchor_f64)(top), a1 = TALLY__NAMED(anchor_f64)(top - SPLIT_STEP);
    const double   a2 = TALLY__NAMED(anchor_f64)(top - 2 * SPLIT_STEP);
    const double   a3 = TALLY__NAMED(anchor_f64)(top - 3 * SPLIT_STEP);
    const uint64_t a0_low = tally__f64_bits(a0) - ((uint64_t)1 << HALF_UNITS);
    uint64_t       k0 = 0, k1 = 0, k2 = 0, k3 = 0, seen = 0, left = 0;

    for (size_t i = 0; i < n; i++) {
        double         y = f ? (double)f[i] : x[i], z = a0 + y;
        const uint64_t count = tally__f64_bits(z) - a0_low;
        k0 += count;
        seen |= count;
        y -= z - a0;
        z = a1 + y;
        k1 += tally__f64_bits(z);
        z -= a1;
        if (levels > 2) {
            y -= z;
            z = a2 + y;
            k2 += tally__f64_bits(z);
            z -= a2;
        }
        if (levels > 3) {
            y -= z;
            z = a3 + y;
            k3 += tally__f64_bits(z);
            z -= a3;
        }
        left |= tally__f64_bits(z) ^ tally__f64_bits(y);
    }
    k[0] = (int64_t)(k0 - ((uint64_t)n << HALF_UNITS));
    k[1] = (int64_t)(k1 - n * tally__f64_bits(a1));
    k[2] = levels > 2 ? (int64_t)(k2 - n * tally__f64_bits(a2)) : 0;
    k[3] = levels > 3 ? (int64_t)(k3 - n * tally__f64_bits(a3)) : 0;
    return !(seen >> (HALF_UNITS + 1)) && !(left << 1);
}

static bool TALLY__NAMED(sum_split)(const double *x, size_t n, int top, int levels, int64_t *k)
{
    if (levels == 2) return TALLY__NAMED(split_levels)(x, NULL, n, top, 2, k);
    if (levels == 3) return TALLY__NAMED(split_levels)(x, NULL, n, top, 3, k);
    return TALLY__NAMED(split_levels)(x, NULL, n, top, 4, k);
}

static bool TALLY__NAMED(sum_split_f32)(const float *x, size_t n, int top, int levels, int64_t *k)
{
    if (levels == 2) return TALLY__NAMED(split_levels)(NULL, x, n, top, 2, k);
    if (levels == 3) return TALLY__NAMED(split_levels)(NULL, x, n, top, 3, k);
    return TALLY__NAMED(split_levels)(NULL, x, n, top, 4, k);
}

static void TALLY__NAMED(sum_widen)(double *restrict out, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = x[i];
}

static void TALLY__NAMED(widen_bytes)(double *restrict out, const uint8_t *restrict x, bool truth, size_t n)
{
    if (truth)
        for (size_t i = 0; i < n; i++) out[i] = x[i] != 0;
    else
        for (size_t i = 0; i < n; i++) out[i] = x[i];
}

/* lowest and highest biased exponent of the finite values that are not 0; low > high where there are none */
static void TALLY__NAMED(sum_range)(const double *x, size_t n, int32_t *low, int32_t *high)
{
    int32_t least = 2047, most = -1;

    for (size_t i = 0; i < n; i++) {
        const uint64_t u = tally__f64_bits(x[i]) << 1;
        const int32_t  e = (int32_t)(u >> 53), out = (u == 0) | (e == 2047);
        least = TALLY__MIN(least, out ? 2047 : e);
        most = TALLY__MAX(most, out ? -1 : e);
    }
    *low = least;
    *high = most;
}

/* out = x with 0 where the biased exponent lies outside; how many that are not 0 became 0 */
static size_t TALLY__NAMED(sum_peel)(double *out, const double *x, size_t n, int32_t low, int32_t high)
{
    size_t peeled = 0;

    for (size_t i = 0; i < n; i++) {
        const uint64_t u = tally__f64_bits(x[i]);
        const int32_t  e = (int32_t)(u >> 52) & 2047;
        const bool     in = (e >= low) & (e <= high);
        out[i] = tally__f64_from(in ? u : 0);
        peeled += !in & (u << 1 != 0);
    }
    return peeled;
}

/* Adding 1.5 * 2^52 turns a whole |x| < 2^51 into the low bits of a double without rounding; the bit patterns are summed as
 * integers. Anything else leaves the binade (seen in high) or does not come back unchanged (left), in every floating-point
 * mode. With 1.5 * 2^23 the same holds for floats below 2^22, at twice the speed; fewer than 512 cannot overflow 32 bits. */
#define TALLY__WHOLE(name, T, R, U, I, bits, half, exponent_at)                           \
    static bool TALLY__NAMED(name)(const T *x, size_t n, int64_t *total)                  \
    {                                                                                     \
        const R magic = (half);                                                           \
        const U base = bits(magic);                                                       \
        U       sum = 0, high = 0, left = 0;                                              \
        for (size_t i = 0; i < n; i++) {                                                  \
            const R y = (R)x[i], z = y + magic;                                           \
            sum += bits(z);                                                               \
            high |= bits(z) ^ base;                                                       \
            left |= bits(z - magic) ^ bits(y);                                            \
        }                                                                                 \
        *total = (I)(sum - (U)n * base);                                                  \
        return !(high >> (exponent_at)) && !(left << 1);                                  \
    }
TALLY__WHOLE(whole_short, float, float, uint32_t, int32_t, tally__f32_bits, 12582912.0f, 23)
TALLY__WHOLE(whole_long, float, double, uint64_t, int64_t, tally__f64_bits, 6755399441055744.0, 52)
TALLY__WHOLE(whole_f64, double, double, uint64_t, int64_t, tally__f64_bits, 6755399441055744.0, 52)

static bool TALLY__NAMED(whole_f32)(const float *x, size_t n, int64_t *total)
{
    return TALLY__NAMED(whole_short)(x, n, total) || TALLY__NAMED(whole_long)(x, n, total);
}

/* a number below 2^51 added to 1.5 * 2^52 loses what is below 1, and its bits are those of the integer */
static bool TALLY__NAMED(units)(const double *restrict x, size_t n, int unit, int64_t *restrict units)
{
    const double scale = tally__f64_from((uint64_t)(1023 - unit) << 52), magic = 6755399441055744.0;
    uint64_t     other = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = x[i] * scale, whole = v + magic;
        units[i] = (int64_t)(tally__f64_bits(whole) - tally__f64_bits(magic));
        other |= tally__f64_bits(whole - magic) ^ tally__f64_bits(v + 0.0);
        other |= (uint64_t)((tally__f64_bits(v) & INT64_MAX) >= (uint64_t)(1023 + 51) << 52);
    }
    return !other;
}

/* Small whole numbers, as labels and hits are. Rows that stand in a line are one long row while that is short; adding `rounder` leaves a
 * whole number in the low bits. false: one of them is something else */
static bool TALLY__NAMED(add_long_row)(int32_t *restrict total, const float *restrict x, size_t n)
{
    const float    rounder = 12582912.0f;
    const uint32_t zero = tally__f32_bits(rounder), most = tally__f32_bits(32768.0f);
    uint32_t       other = 0;
    for (size_t i = 0; i < n; i++) {
        const float z = rounder + x[i];
        total[i] = (int32_t)((uint32_t)total[i] + tally__f32_bits(z) - zero);
        other |= (tally__f32_bits(z - rounder) ^ tally__f32_bits(x[i])) << 1;
        other |= (tally__f32_bits(x[i]) & INT32_MAX) > most;
    }
    return !other;
}

static bool TALLY__NAMED(columns_f32)(int32_t *restrict total, const float *restrict x, size_t rows, size_t columns)
{
    const size_t high = TALLY__MAX(TALLY__MIN(TALLY__COLUMNS / columns, rows), 1u), length = high * columns;
    int32_t      sum[TALLY__COLUMNS];
    bool         whole = true;
    memset(sum, 0, length * sizeof *sum);
    for (; whole && rows >= high; rows -= high, x += length)
        whole = TALLY__NAMED(add_long_row)(sum, x, length);
    if (!whole || !TALLY__NAMED(add_long_row)(sum, x, rows * columns))
        return false;
    memcpy(total, sum, columns * sizeof *total);
    for (size_t r = columns; r < length; r += columns)
        for (size_t j = 0; j < columns; j++)
            total[j] += sum[r + j];
    return true;
}

static void TALLY__NAMED(weigh)(double *restrict v, const double *restrict w, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = w[i] * v[i];
}

static void TALLY__NAMED(weigh_f32)(double *restrict v, const float *restrict w, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = (double)w[i] * v[i];
}

static void TALLY__NAMED(hide)(double *restrict v, const uint8_t *restrict shown, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = shown[i] ? v[i] : 0.0;
}

/* 8 and 16 bits: chunks of 2^15 fit in 32 bits */
#define TALLY__SMALL(name, type, value)                                                   \
    static int64_t TALLY__NAMED(name)(const type *x, size_t n)                            \
    {                                                                                     \
        int64_t total = 0;                                                                \
        for (size_t done = 0; done < n; done += 32768) {                                  \
            const size_t m = TALLY__MIN(n - done, (size_t)32768);                         \
            int32_t      part = 0;                                                        \
            for (size_t i = 0; i < m; i++) part += (value);                               \
            total += part;                                                                \
        }                                                                                 \
        return total;                                                                     \
    }
TALLY__SMALL(sum_u8, uint8_t, x[done + i])
TALLY__SMALL(sum_i8, int8_t, x[done + i])
TALLY__SMALL(sum_u16, uint16_t, x[done + i])
TALLY__SMALL(sum_i16, int16_t, x[done + i])

/* truth: lanes of a byte, emptied before they are full. As many lanes as the widest register has bytes */
static int64_t TALLY__NAMED(sum_bool)(const uint8_t *x, size_t n)
{
    enum { LANES = 64, FULL = 255 };
    int64_t total = 0;
    size_t  at = 0;

    while (n - at >= LANES) {
        const size_t rounds = TALLY__MIN((n - at) / LANES, (size_t)FULL);
        uint8_t      lane[LANES] = { 0 };
        int32_t      sum = 0;
        for (size_t r = 0; r < rounds; r++, at += LANES)
            for (size_t i = 0; i < LANES; i++) lane[i] = (uint8_t)(lane[i] + (x[at + i] != 0));
        for (size_t i = 0; i < LANES; i++) sum += lane[i];
        total += sum;
    }
    for (; at < n; at++) total += x[at] != 0;
    return total;
}

static int64_t TALLY__NAMED(sum_u32)(const uint32_t *x, size_t n)
{
    int64_t total = 0;

    for (size_t i = 0; i < n; i++) total += x[i];
    return total;
}

static int64_t TALLY__NAMED(sum_i32)(const int32_t *x, size_t n)
{
    int64_t total = 0;

    for (size_t i = 0; i < n; i++) total += x[i];
    return total;
}

/* 64 bits as halves; where signed, the top half counts 2^64 too much for every negative value */
static void TALLY__NAMED(sum_u64)(const uint64_t *x, size_t n, bool is_signed, int64_t part[3])
{
    uint64_t low = 0, high = 0, negative = 0;

    for (size_t i = 0; i < n; i++) {
        low += x[i] & 0xffffffff;
        high += x[i] >> 32;
        negative += x[i] >> 63;
    }
    part[0] = (int64_t)low;
    part[1] = (int64_t)high;
    part[2] = is_signed ? -(int64_t)negative : 0;
}

static void TALLY__NAMED(sum_integers)(const void *x, int32_t dtype, size_t n, int64_t part[3])
{
    part[0] = part[1] = part[2] = 0;
    switch (dtype) {
    case TALLY_BOOL: part[0] = TALLY__NAMED(sum_bool)(x, n); break;
    case TALLY_U8:   part[0] = TALLY__NAMED(sum_u8)(x, n); break;
    case TALLY_I8:   part[0] = TALLY__NAMED(sum_i8)(x, n); break;
    case TALLY_U16:  part[0] = TALLY__NAMED(sum_u16)(x, n); break;
    case TALLY_I16:  part[0] = TALLY__NAMED(sum_i16)(x, n); break;
    case TALLY_U32:  part[0] = TALLY__NAMED(sum_u32)(x, n); break;
    case TALLY_I32:  part[0] = TALLY__NAMED(sum_i32)(x, n); break;
    case TALLY_U64:  TALLY__NAMED(sum_u64)(x, n, false, part); break;
    case TALLY_I64:  TALLY__NAMED(sum_u64)(x, n, true, part); break;
    }
}

const tally__sum_kernels TALLY__NAMED(tally__sum_kernels) = {
    TALLY__NAMED(sum_narrow), TALLY__NAMED(sum_split), TALLY__NAMED(sum_split_f32), TALLY__NAMED(sum_widen),
    TALLY__NAMED(sum_range), TALLY__NAMED(sum_peel), TALLY__NAMED(sum_integers), TALLY__NAMED(widen_bytes),
    TALLY__NAMED(whole_f32), TALLY__NAMED(whole_f64), TALLY__NAMED(units), TALLY__NAMED(columns_f32),
    TALLY__NAMED(weigh), TALLY__NAMED(weigh_f32), TALLY__NAMED(hide)
};
