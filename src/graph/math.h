/* math.h: exp, log and their relatives for float and double as polynomials in plain C: no table, no
 * fma, no libm but sqrt and floor, which are exact everywhere. Every operation is written out in
 * its order, so all compilers and vector widths give the same bits; nearly all of it is free of
 * branches, so that loops over it vectorise. At most 1 ulp (tests/graph/test_math.c).
 *
 * float:  exp and log work in float, the rest goes through double and is rounded once.
 * double: exp, log, log1p in double; sigmoid, tanh and pow carry a second double for what the first
 * one loses. */
#ifndef TALLY__MATH_H
#define TALLY__MATH_H

#include <math.h>
#include "../tensor/tensor.h"

#define TALLY__INF_F32 tally__f32_from(0x7f800000u)
#define TALLY__NAN_F32 tally__f32_from(0x7fc00000u)
#define TALLY__INF_F64 tally__f64_from(0x7ff0000000000000u)
#define TALLY__NAN_F64 tally__f64_from(0x7ff8000000000000u)

/* ---- what needs no approximation */
static inline bool tally__signed_f32(float a) { return tally__f32_bits(a) >> 31 != 0; }
static inline bool tally__signed_f64(double a) { return tally__f64_bits(a) >> 63 != 0; }
/* sign: -1, 0, 1 and NaN; the sign of a zero is dropped. min, max: NaN wins, -0 is below +0, so
 * both are commutative and associative; equal numbers differ at most in the sign of a zero */
#define TALLY__PLAIN_MATH(T, S, ABS, FLOOR, SQRT)                                                \
    static inline T tally__abs_##S(T a) { return ABS(a); }                                       \
    static inline T tally__floor_##S(T a) { return FLOOR(a); }                                   \
    static inline T tally__sqrt_##S(T a) { return SQRT(a); }                                     \
    static inline T tally__sign_##S(T a)                                                         \
    {                                                                                            \
        return a > 0 ? (T)1 : a < 0 ? (T)-1 : a == 0 ? (T)0 : a;                                 \
    }                                                                                            \
    static inline T tally__div_no_nan_##S(T a, T b) { return b == 0 ? (T)0 : a / b; }            \
    static inline T tally__min_##S(T a, T b)                                                     \
    {                                                                                            \
        T r = a < b ? a : b;                                                                     \
        r = a == b ? tally__##S##_from(tally__##S##_bits(a) | tally__##S##_bits(b)) : r;         \
        return a == a ? r : a;                                                                   \
    }                                                                                            \
    static inline T tally__max_##S(T a, T b)                                                     \
    {                                                                                            \
        T r = a > b ? a : b;                                                                     \
        r = a == b ? tally__##S##_from(tally__##S##_bits(a) & tally__##S##_bits(b)) : r;         \
        return a == a ? r : a;                                                                   \
    }
TALLY__PLAIN_MATH(float, f32, fabsf, floorf, sqrtf)
TALLY__PLAIN_MATH(double, f64, fabs, floor, sqrt)
#undef TALLY__PLAIN_MATH

/* ---- double. ln 2 = LN2_HIGH + LN2_LOW, the first with so many trailing zeros that its products
 * with exponents are exact */
#define TALLY__LN2_HIGH 0x1.62e42feep-1
#define TALLY__LN2_LOW 0x1.a39ef35793c76p-33
/* 1.5 * 2^52: adding and subtracting it rounds to a whole number */
#define TALLY__ROUNDER 6755399441055744.0

/* 2^n for whole n in [-1022, 1023] */
static inline double tally__power_of_two(double n)
{
    return tally__f64_from((tally__f64_bits(n + TALLY__ROUNDER) << 52) + 0x3ff0000000000000u);
}

/* x * 2^n, |n| <= 2000, by two factors, so that results near both ends of the range come out */
static inline double tally__scale_f64(double x, double n)
{
    double half = (n * 0.5 + TALLY__ROUNDER) - TALLY__ROUNDER;
    return x * tally__power_of_two(half) * tally__power_of_two(n - half);
}

/* x = n ln 2 + r, |r| <= ln 2 / 2; e^r = 1 + r + r^2 / 2 + ... */
static inline double tally__exp_f64(double x)
{
    double xc = x < -746.0 ? -746.0 : x;
    xc = xc > 710.0 ? 710.0 : xc;
    double n = (xc * 0x1.71547652b82fep+0 + TALLY__ROUNDER) - TALLY__ROUNDER;
    double r = (xc - n * TALLY__LN2_HIGH) - n * TALLY__LN2_LOW;
    double q = 0x1.1e3c46da8fa4fp-29;
    q = q * r + 0x1.af6ce799efe25p-26;
    q = q * r + 0x1.27e5b5dc9df9bp-22;
    q = q * r + 0x1.71ddef90d580cp-19;
    q = q * r + 0x1.a01a01353fd13p-16;
    q = q * r + 0x1.a01a01b3b69e0p-13;
    q = q * r + 0x1.6c16c16c30b35p-10;
    q = q * r + 0x1.111111110ebcfp-7;
    q = q * r + 0x1.5555555555501p-5;
    q = q * r + 0x1.555555555555bp-3;
    q = q * r + 0.5;
    double y = tally__scale_f64(1.0 + (r + r * r * q), n);
    return x == x ? y : x;
}

/* log(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + R(s^2))) with s = f / (2 + f); this is R */
static inline double tally__log_series(double z)
{
    double q = 0x1.2f05635b7f06dp-3;
    q = q * z + 0x1.39a1babc1eb8bp-3;
    q = q * z + 0x1.74663ee836fa6p-3;
    q = q * z + 0x1.c71c52095e4e4p-3;
    q = q * z + 0x1.24924941f1234p-2;
    q = q * z + 0x1.999999997fdb8p-2;
    q = q * z + 0x1.5555555555592p-1;
    return q * z;
}

/* x = m 2^k with m in [0.7, 1.42) from the bits of a positive normal x; of any others something finite */
static inline double tally__split_normal_f64(uint64_t bits, double *k)
{
    uint64_t t = bits + (0x3ff0000000000000u - 0x3fe6a09e00000000u);
    *k = tally__f64_from((t >> 52) | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);
    return tally__f64_from((t & 0x000fffffffffffffu) + 0x3fe6a09e00000000u);
}

/* subnormals included; for zero, negative and non-finite x something finite */
static inline double tally__split_f64(double x, double *k)
{
    bool   small = tally__f64_bits(x) < 0x0010000000000000u;
    double m = tally__split_normal_f64(small ? tally__f64_bits(x * 18014398509481984.0) : tally__f64_bits(x), k);
    *k += small ? -54.0 : 0.0;
    return m;
}

/* k ln 2 + log(1 + f) + c, c tiny */
static inline double tally__log_sum(double k, double f, double c)
{
    double s = f / (2.0 + f), h = 0.5 * f * f;
    return k * TALLY__LN2_HIGH +
           (f - (h - (s * (h + tally__log_series(s * s)) + (k * TALLY__LN2_LOW + c))));
}

static inline double tally__log_f64(double x)
{
    double k, m = tally__split_f64(x, &k);
    double r = tally__log_sum(k, m - 1.0, 0.0);
    r = x < TALLY__INF_F64 ? r : x;
    return x > 0.0 ? r : x == 0.0 ? -TALLY__INF_F64 : TALLY__NAN_F64;
}

/* log of a positive normal number or a NaN, with every bit of log; of any other x something */
static inline double tally__log_normal_f64(double x)
{
    double k, m = tally__split_normal_f64(tally__f64_bits(x), &k);
    double r = tally__log_sum(k, m - 1.0, 0.0);
    return x == x ? r : x;
}

/* ---- numbers of two doubles: high + low, |low| <= half an ulp of high */
typedef struct tally__pair {
    double high, low;
} tally__pair;

static inline tally__pair tally__two_sum(double a, double b)
{
    double s = a + b, v = s - a;
    return (tally__pair){ s, (a - (s - v)) + (b - v) };
}
/* |a| >= |b| or a is 0 */
static inline tally__pair tally__fast_two_sum(double a, double b)
{
    double s = a + b;
    return (tally__pair){ s, b - (s - a) };
}
/* exact while nothing overflows (|a|, |b| < 2^500) or falls below 2^-1000 */
static inline tally__pair tally__two_product(double a, double b)
{
    double ta = 134217729.0 * a, ah = ta - (ta - a), al = a - ah;
    double tb = 134217729.0 * b, bh = tb - (tb - b), bl = b - bh;
    double p = a * b;
    return (tally__pair){ p, ((ah * bh - p) + ah * bl + al * bh) + al * bl };
}
static inline tally__pair tally__pair_add(tally__pair a, tally__pair b)
{
    tally__pair s = tally__two_sum(a.high, b.high);
    return tally__fast_two_sum(s.high, s.low + (a.low + b.low));
}
static inline tally__pair tally__pair_multiply(tally__pair a, tally__pair b)
{
    tally__pair p = tally__two_product(a.high, b.high);
    return tally__fast_two_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}
/* log(1 + x) of u = 1 + x as a pair, whose low part brings back what rounding lost, and m 2^k = u.high. Where that is not
 * scaled, x itself is the exact f */
static inline double tally__log1p_sum(double x, tally__pair u, double m, double k)
{
    double q = u.low / u.high;
    return tally__log_sum(k, k == 0.0 ? x : m - 1.0, k == 0.0 ? 0.0 : q);
}

static inline double tally__log1p_f64(double x)
{
    tally__pair u = tally__two_sum(1.0, x);
    double      k, m = tally__split_f64(u.high, &k), r = tally__log1p_sum(x, u, m, k);
    r = x < TALLY__INF_F64 ? r : x;
    r = x > -1.0 ? r : x == -1.0 ? -TALLY__INF_F64 : TALLY__NAN_F64;
    return x == 0.0 ? x : r;
}

/* log1p of a finite number that is not negative, or a NaN, with every bit of log1p; of any other x something */
static inline double tally__log1p_positive_f64(double x)
{
    tally__pair u = tally__two_sum(1.0, x);
    double      k, m = tally__split_normal_f64(tally__f64_bits(u.high), &k);
    return x > 0.0 ? tally__log1p_sum(x, u, m, k) : x;
}

/* a / b as one double; a quotient of pairs, rounded once but for the last hair */
static inline double tally__pair_quotient(tally__pair a, tally__pair b)
{
    double      q = a.high / b.high;
    tally__pair p = tally__two_product(q, b.high);
    return q + (((a.high - p.high) - p.low) + (a.low - q * b.low)) / b.high;
}

/* e^x = 2^n (1 + p): relative error of p below 2^-65, also for tiny x. |x| <= 2000 */
static inline tally__pair tally__exp_pair(tally__pair x, double *n)
{
    double k = (x.high * 0x1.71547652b82fep+0 + TALLY__ROUNDER) - TALLY__ROUNDER;
    tally__pair r = tally__two_sum(x.high - k * 0x1.62e42feep-1, -k * 0x1.a39ef356p-33);
    r = tally__fast_two_sum(r.high, r.low + (x.low - k * 0x1.93c7673007e5fp-65));
    static const double taylor[12] = {   /* 1/17! ... 1/6! */
        0x1.952c77030ad4ap-49, 0x1.ae7f3e733b81fp-45, 0x1.ae7f3e733b81fp-41, 0x1.93974a8c07c9dp-37,
        0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26, 0x1.27e4fb7789f5cp-22,
        0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10
    };
    double q = 0.0;
    for (int i = 0; i < 12; i++)
        q = q * r.high + taylor[i];
    static const tally__pair c[5] = { { 0x1.1111111111111p-7, 0x1.1111111111111p-63 },
                                      { 0x1.5555555555555p-5, 0x1.5555555555555p-59 },
                                      { 0x1.5555555555555p-3, 0x1.5555555555555p-57 },
                                      { 0.5, 0.0 },
                                      { 1.0, 0.0 } };
    tally__pair p = tally__two_sum(c[0].high, q * r.high);
    p.low += c[0].low;
    for (int i = 1; i < 5; i++)
        p = tally__pair_add(c[i], tally__pair_multiply(p, r));
    *n = k;
    return tally__pair_multiply(p, r);
}

/* 1 / (1 + e^-x) with e = e^-|x|: one division of pairs; where 1 + e is 1, the result is 1 or e
 * itself */
static inline double tally__sigmoid_f64(double x)
{
    double a = tally__abs_f64(x), n;
    a = a < 45.0 ? a : 45.0;
    tally__pair p = tally__exp_pair((tally__pair){ -a, 0.0 }, &n);
    double      s = tally__power_of_two(n);
    tally__pair e = tally__pair_add((tally__pair){ s, 0.0 },
                                    (tally__pair){ p.high * s, p.low * s });
    tally__pair one = { 1.0, 0.0 }, sum = tally__pair_add(one, e);
    double      y = tally__pair_quotient(x < 0.0 ? e : one, sum);
    y = x < -45.0 ? tally__exp_f64(x) : y;
    return x == x ? y : x;
}

/* (e^2a - 1) / (e^2a + 1) for a = |x| up to 20, then 1 */
static inline double tally__tanh_f64(double x)
{
    double a = tally__abs_f64(x), n;
    double ac = a < 20.0 ? a : 20.0;
    tally__pair p = tally__exp_pair((tally__pair){ 2.0 * ac, 0.0 }, &n);
    double      s = tally__power_of_two(n);
    tally__pair minus = tally__pair_add((tally__pair){ s - 1.0, 0.0 },
                                        (tally__pair){ p.high * s, p.low * s });
    tally__pair plus = tally__pair_add(minus, (tally__pair){ 2.0, 0.0 });
    double      y = tally__pair_quotient(minus, plus);
    y = a < 0x1p-28 ? a : y;
    y = tally__signed_f64(x) ? -y : y;
    return x == x ? y : x;
}

/* log m + k ln 2 = L + (m 2^k e^-L - 1) with L from the double logarithm: one step doubles its
 * digits */
static inline tally__pair tally__log_pair(double x)
{
    double      l = tally__log_f64(x), n, k;
    double      m = tally__split_f64(x, &k);
    tally__pair p = tally__exp_pair((tally__pair){ -l, 0.0 }, &n);
    double      f = tally__scale_f64(m, n + k);              /* x 2^n, in [0.5, 2] */
    tally__pair t = tally__pair_multiply(p, (tally__pair){ f, 0.0 });
    tally__pair d = tally__pair_add((tally__pair){ f - 1.0, 0.0 }, t);
    return tally__fast_two_sum(l, d.high + d.low - 0.5 * d.high * d.high);
}

/* |x|^y for finite x > 0 and finite y */
static inline double tally__pow_core_f64(double x, double y)
{
    double yc = y > 0x1p64 ? 0x1p64 : y < -0x1p64 ? -0x1p64 : y;
    yc = tally__abs_f64(yc) < 0x1p-70 ? 0.0 : yc;
    tally__pair l = tally__log_pair(x);
    tally__pair e = tally__pair_multiply(l, (tally__pair){ yc, 0.0 });
    bool        low = e.high < -760.0, high = e.high > 720.0;
    e = low ? (tally__pair){ -760.0, 0.0 } : high ? (tally__pair){ 720.0, 0.0 } : e;
    double      n;
    tally__pair p = tally__exp_pair(e, &n);
    tally__pair s = tally__fast_two_sum(1.0, p.high);
    return tally__scale_f64(s.high + (s.low + p.low), n);
}

/* Bits of 1 and 0 are joined with & and |, not && and ||: no branch, so that loops over pow
 * vectorise. Whole numbers from 2^53 on are even. */
static inline int tally__is_whole(double a)
{
    double whole = floor(a);
    return (a >= 0x1p53) | (a == whole);
}
static inline int tally__is_odd(double a)
{
    double whole = floor(a), half = a * 0.5, even = floor(half);
    return (a < 0x1p53) & (a == whole) & (half != even);
}

/* |x|^y, which core is for finite x and y that are not 0, and every other case as C's Annex F has
 * them, later lines first */
static inline double tally__pow_special(double x, double y, double core)
{
    double a = tally__abs_f64(x), b = tally__abs_f64(y);
    double up = y > 0.0 ? TALLY__INF_F64 : 0.0, down = y > 0.0 ? 0.0 : TALLY__INF_F64;
    double r = a == 0.0 ? down : a == TALLY__INF_F64 ? up : core;
    double negative = tally__is_odd(b) ? -r : r;
    int    exists = tally__is_whole(b) | (a == 0.0) | (a == TALLY__INF_F64);
    negative = exists ? negative : TALLY__NAN_F64;
    r = tally__signed_f64(x) ? negative : r;
    double end = a > 1.0 ? up : a == 1.0 ? 1.0 : down;
    r = b == TALLY__INF_F64 ? end : r;
    r = ((x == x) & (y == y)) ? r : TALLY__NAN_F64;
    return ((y == 0.0) | (x == 1.0)) ? 1.0 : r;
}

static inline double tally__pow_f64(double x, double y)
{
    double a = tally__abs_f64(x);
    a = ((a > 0.0) & (a < TALLY__INF_F64)) ? a : 1.0;
    return tally__pow_special(x, y, tally__pow_core_f64(a, y == y ? y : 0.0));
}

/* ---- float */
static inline float tally__exp_f32(float x)
{
    float xc = x < -104.0f ? -104.0f : x;
    xc = xc > 89.0f ? 89.0f : xc;
    float n = (xc * 1.44269504f + 12582912.0f) - 12582912.0f;
    float r = (xc - n * 0.693359375f) - n * -2.12194440e-4f;
    float q = 0.0001978981599677354f;
    q = q * r + 0.0013944865204393864f;
    q = q * r + 0.008333498612046242f;
    q = q * r + 0.041666291654109955f;
    q = q * r + 0.1666666567325592f;
    q = q * r + 0.5f;
    float   p = 1.0f + (r + r * r * q);
    int32_t k = (int32_t)(n == n ? n : 0.0f), k1 = k / 2, k2 = k - k1;
    float   y = p * tally__f32_from((uint32_t)(k1 + 127) << 23) *
              tally__f32_from((uint32_t)(k2 + 127) << 23);
    return x == x ? y : x;
}

/* from the bits of a positive normal number times 2^(bias - 127); of any others something finite */
static inline float tally__log_bits_f32(uint32_t bits, int32_t bias)
{
    uint32_t t = bits + (0x3f800000u - 0x3f3504f3u);
    float    f = tally__f32_from((t & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float    k = (float)((int32_t)(t >> 23) - bias);
    float    s = f / (2.0f + f), z = s * s, h = 0.5f * f * f;
    float    q = ((0.23582139611244202f * z + 0.28537312150001526f) * z + 0.4000033438205719f) * z +
              0.6666666269302368f;
    return k * 0.693359375f + (f - (h - (s * (h + q * z) + k * -2.12194440e-4f)));
}

static inline float tally__log_f32(float x)
{
    bool  small = tally__f32_bits(x) < 0x00800000u;
    float r = tally__log_bits_f32(tally__f32_bits(small ? x * 8388608.0f : x), small ? 127 + 23 : 127);
    r = x < TALLY__INF_F32 ? r : x;
    return x > 0.0f ? r : x == 0.0f ? -TALLY__INF_F32 : TALLY__NAN_F32;
}

static inline float tally__log_normal_f32(float x)
{
    float r = tally__log_bits_f32(tally__f32_bits(x), 127);
    return x == x ? r : x;
}

static inline float tally__log1p_f32(float x)
{
    return (float)tally__log1p_f64((double)x);
}

static inline float tally__log1p_positive_f32(float x)
{
    return (float)tally__log1p_positive_f64((double)x);
}

static inline float tally__sigmoid_f32(float x)
{
    return (float)(1.0 / (1.0 + tally__exp_f64(-(double)x)));
}

/* small arguments by the odd series, where (e - 1) would cancel */
static inline float tally__tanh_f32(float x)
{
    double d = (double)x, a = tally__abs_f64(d), z = d * d;
    double e = tally__exp_f64(2.0 * (a < 20.0 ? a : 20.0));
    double y = (e - 1.0) / (e + 1.0);
    double p = 0x1.664f4882c10fap-6;                       /* 62/2835, 17/315, 2/15, 1/3 */
    p = z * p - 0x1.ba1ba1ba1ba1cp-5;
    p = z * p + 0x1.1111111111111p-3;
    p = z * p - 0x1.5555555555555p-2;
    double small = d * (1.0 + z * p);
    y = tally__signed_f64(d) ? -y : y;
    float r = (float)(a < 0.0625 ? small : y);
    return x == x ? r : x;
}

/* the product y log x is known to 2^-43, so the float is the nearest but for about one in 2^17 */
static inline float tally__pow_f32(float x, float y)
{
    double a = (double)tally__abs_f32(x), d = y == y ? (double)y : 0.0;
    a = ((a > 0.0) & (a < TALLY__INF_F64)) ? a : 1.0;
    double e = d * tally__log_f64(a);
    return (float)tally__pow_special((double)x, (double)y, tally__exp_f64(e));
}

/* ---- what a row of ops.def has for several ops, operation for operation as these have it */
/* of a label y and a probability p, both p and 1 - p fit for log_normal. hit: for labels that are 0 or 1, one logarithm with every
 * bit of the sum: the product of the other is a zero that changes nothing, as log p is no zero and log(1 - p) no negative one */
#define TALLY__JOINED_MATH(T, S)                                                                       \
    static inline T tally__binary_crossentropy_##S(T y, T p)                                           \
    {                                                                                                  \
        return -(y * tally__log_normal_##S(p) + ((T)1 - y) * tally__log_normal_##S((T)1 - p));         \
    }                                                                                                  \
    static inline T tally__binary_crossentropy_hit_##S(T y, T p)                                       \
    {                                                                                                  \
        return -tally__log_normal_##S(y != 0 ? p : (T)1 - p);                                          \
    }
TALLY__JOINED_MATH(float, f32)
TALLY__JOINED_MATH(double, f64)
#undef TALLY__JOINED_MATH

#endif
