/* oracle: numbers, arrays and exact sums for the laws, by schoolbook methods: slow, short and obviously right. */
#include "oracle.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

number number_int(int64_t v)
{
    number n = { NUMBER_INT, v, 0, 0 };
    return n;
}

number number_float(double v)
{
    number n = { NUMBER_FLOAT, 0, 0, v };
    return n;
}

static number number_uint64(uint64_t v)
{
    number n = { NUMBER_UINT64, 0, v, 0 };
    return n;
}

double number_f64(number v)
{
    return v.kind == NUMBER_FLOAT ? v.f : v.kind == NUMBER_INT ? (double)v.i : (double)v.u;
}

bool number_true(number v)
{
    return v.kind == NUMBER_FLOAT ? v.f != 0 : v.kind == NUMBER_INT ? v.i != 0 : v.u != 0;
}

/* a whole number against a float: by the float's floor, which is a whole number itself */
static int compare_int_float(number a, double f)
{
    if (f != f)
        return 2;
    if (f >= 0x1p64)
        return -1;
    if (f < -0x1p63)
        return 1;
    double  low = floor(f);
    int     rest = f > low ? -1 : 0;          /* equal to the floor means below f */
    bool    negative = a.kind == NUMBER_INT && a.i < 0;
    if (low < 0) {
        if (!negative)
            return 1;
        int64_t l = (int64_t)low;
        return a.i < l ? -1 : a.i > l ? 1 : rest;
    }
    if (negative)
        return -1;
    uint64_t u = a.kind == NUMBER_INT ? (uint64_t)a.i : a.u, l = (uint64_t)low;
    return u < l ? -1 : u > l ? 1 : rest;
}

int number_compare(number a, number b)
{
    if (a.kind == NUMBER_FLOAT && b.kind == NUMBER_FLOAT)
        return a.f != a.f || b.f != b.f ? 2 : a.f < b.f ? -1 : a.f > b.f;
    if (b.kind == NUMBER_FLOAT)
        return compare_int_float(a, b.f);
    if (a.kind == NUMBER_FLOAT) {
        int c = compare_int_float(b, a.f);
        return c == 2 ? 2 : -c;
    }
    bool an = a.kind == NUMBER_INT && a.i < 0, bn = b.kind == NUMBER_INT && b.i < 0;
    if (an != bn)
        return an ? -1 : 1;
    if (an)
        return a.i < b.i ? -1 : a.i > b.i;
    uint64_t x = a.kind == NUMBER_INT ? (uint64_t)a.i : a.u, y = b.kind == NUMBER_INT ? (uint64_t)b.i : b.u;
    return x < y ? -1 : x > y;
}

/* ---- dtypes ---- */

bool dtype_float(int d)
{
    return d == TALLY_F16 || d == TALLY_BF16 || d == TALLY_F32 || d == TALLY_F64;
}

bool dtype_integer(int d)
{
    return d >= TALLY_U8 && d <= TALLY_I64;
}

size_t dtype_bytes(int d)
{
    static const size_t bytes[] = { 0, 1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8 };
    return bytes[d];
}

/* precision bits, the smallest step and the largest value of a binary format */
static double round_binary(double v, int precision, int least, double largest)
{
    if (v == 0 || !isfinite(v))
        return v;
    int e;
    (void)frexp(v, &e);
    int    step = e - precision > least ? e - precision : least;
    double r = ldexp(nearbyint(ldexp(v, -step)), step);
    return fabs(r) > largest ? copysign(INFINITY, v) : copysign(r, v);
}

double round_to(int dtype, double v)
{
    switch (dtype) {
    case TALLY_F16: return round_binary(v, 11, -24, 65504.0);
    case TALLY_BF16: return round_binary(v, 8, -133, 0x1.fep127);
    case TALLY_F32: return (double)(float)v;
    default: return v;
    }
}

static double half_value(uint16_t h, int fraction, int bias)
{
    int    e = (h & 0x7fff) >> fraction, top = fraction == 10 ? 31 : 255;
    int    m = h & ((1 << fraction) - 1);
    double v = e == top ? (m ? NAN : INFINITY)
             : e ? ldexp((double)(m + (1 << fraction)), e - bias - fraction) : ldexp((double)m, 1 - bias - fraction);
    return h >> 15 ? -v : v;
}

static uint16_t half_bits(double v, int fraction, int bias)
{
    int      top = fraction == 10 ? 31 : 255;
    unsigned sign = signbit(v) ? 0x8000u : 0;
    if (v != v)
        return (uint16_t)(sign | (unsigned)top << fraction | 1u << (fraction - 1));
    if (isinf(v))
        return (uint16_t)(sign | (unsigned)top << fraction);
    int    e;
    double m = fabs(v);
    if (m == 0)
        return (uint16_t)sign;
    (void)frexp(m, &e);
    if (e - 1 < 1 - bias)
        return (uint16_t)(sign | (unsigned)ldexp(m, fraction + bias - 1));
    return (uint16_t)(sign | (((unsigned)(e - 1 + bias) << fraction) + ((unsigned)ldexp(m, fraction - e + 1) - (1u << fraction))));
}

/* ---- memory ---- */

typedef struct pool_block {
    struct pool_block *next;
    size_t             used, room;
} pool_block;

struct pool {
    pool_block *block;
};

pool *pool_new(void)
{
    pool *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    return p;
}

void pool_free(pool *p)
{
    for (pool_block *b = p->block, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(p);
}

void *pool_alloc(pool *p, size_t n)
{
    enum { HEAD = (sizeof(pool_block) + 15) / 16 * 16, ROOM = 1 << 16 };
    n = (n + 15) / 16 * 16 + 16;
    if (!p->block || p->block->room - p->block->used < n) {
        size_t      room = n > ROOM ? n : ROOM;
        pool_block *b = malloc(HEAD + room);
        if (!b)
            abort();
        b->next = p->block;
        b->used = 0;
        b->room = room;
        p->block = b;
    }
    void *at = (unsigned char *)p->block + HEAD + p->block->used;
    p->block->used += n;
    return memset(at, 0, n);
}

/* ---- arrays ---- */

array *array_new(pool *p, int dtype, int rank, const int64_t *shape)
{
    array *a = pool_alloc(p, sizeof *a);
    a->dtype = dtype;
    a->rank = rank;
    a->n = 1;
    for (int k = 0; k < rank; k++) {
        a->shape[k] = shape[k];
        a->n *= shape[k];
    }
    a->data = pool_alloc(p, (size_t)a->n * dtype_bytes(dtype));
    return a;
}

static const unsigned char *array_at(const array *a, int64_t k)
{
    return (const unsigned char *)a->data + (size_t)k * dtype_bytes(a->dtype);
}

number array_get(const array *a, int64_t k)
{
    union { uint8_t u8; int8_t i8; uint16_t u16; int16_t i16; uint32_t u32; int32_t i32; uint64_t u64; int64_t i64; float f32; double f64; } v;
    memcpy(&v, array_at(a, k), dtype_bytes(a->dtype));
    switch ((tally_dtype)a->dtype) {
    case TALLY_BOOL: return number_int(v.u8 != 0);
    case TALLY_U8: return number_int(v.u8);
    case TALLY_I8: return number_int(v.i8);
    case TALLY_U16: return number_int(v.u16);
    case TALLY_I16: return number_int(v.i16);
    case TALLY_U32: return number_int(v.u32);
    case TALLY_I32: return number_int(v.i32);
    case TALLY_U64: return number_uint64(v.u64);
    case TALLY_I64: return number_int(v.i64);
    case TALLY_F16: return number_float(half_value(v.u16, 10, 15));
    case TALLY_BF16: return number_float(half_value(v.u16, 7, 127));
    case TALLY_F32: return number_float((double)v.f32);
    case TALLY_F64: return number_float(v.f64);
    }
    abort();
}

static int64_t saturate(double f, double low, double high, int64_t least, int64_t most)
{
    return f != f ? 0 : f <= low ? least : f >= high ? most : (int64_t)f;
}

static uint64_t whole_part(number v, int dtype)
{
    if (v.kind == NUMBER_INT)
        return (uint64_t)v.i;
    if (v.kind == NUMBER_UINT64)
        return v.u;
    int    bits = (int)dtype_bytes(dtype) * 8;
    bool   is_signed = dtype == TALLY_I8 || dtype == TALLY_I16 || dtype == TALLY_I32 || dtype == TALLY_I64;
    double f = trunc(v.f);
    if (is_signed) {
        int64_t most = (int64_t)((UINT64_C(1) << (bits - 1)) - 1);
        return (uint64_t)saturate(f, -ldexp(1, bits - 1), ldexp(1, bits - 1), -most - 1, most);
    }
    if (f != f || f <= 0)
        return 0;
    return f >= ldexp(1, bits) ? (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1) : (uint64_t)f;
}

static double float_part(number v, int dtype)
{
    if (v.kind == NUMBER_FLOAT)
        return round_to(dtype, v.f);
    if (dtype == TALLY_F32)
        return v.kind == NUMBER_INT ? (double)(float)v.i : (double)(float)v.u;
    if (dtype == TALLY_F64)
        return number_f64(v);
    /* narrow floats: below 2^53 exact in double; above, both are far beyond float16 and bfloat16's step hides the low bits but for ties */
    bool     negative = v.kind == NUMBER_INT && v.i < 0;
    uint64_t m = v.kind == NUMBER_INT ? (negative ? 0 - (uint64_t)v.i : (uint64_t)v.i) : v.u, sticky = m >> 53 ? m & 0x7ff : 0;
    double   f = (double)(m >> 53 ? (m & ~UINT64_C(0x7ff)) | (sticky ? 0x800 : 0) : m);
    return round_to(dtype, negative ? -f : f);
}

void array_put(array *a, int64_t k, number v)
{
    unsigned char *at = (unsigned char *)a->data + (size_t)k * dtype_bytes(a->dtype);
    if (a->dtype == TALLY_BOOL) {
        *at = number_true(v);
    } else if (dtype_integer(a->dtype)) {
        uint64_t u = whole_part(v, a->dtype);
        uint8_t  b1 = (uint8_t)u;
        uint16_t b2 = (uint16_t)u;
        uint32_t b4 = (uint32_t)u;
        size_t   n = dtype_bytes(a->dtype);
        memcpy(at, n == 1 ? (void *)&b1 : n == 2 ? (void *)&b2 : n == 4 ? (void *)&b4 : (void *)&u, n);
    } else {
        double   f = float_part(v, a->dtype);
        float    s = (float)f;
        uint16_t h = a->dtype == TALLY_F16 ? half_bits(f, 10, 15) : a->dtype == TALLY_BF16 ? half_bits(f, 7, 127) : 0;
        memcpy(at, a->dtype == TALLY_F64 ? (void *)&f : a->dtype == TALLY_F32 ? (void *)&s : (void *)&h, dtype_bytes(a->dtype));
    }
}

tally_tensor array_view(const array *a)
{
    return tally_tensor_view(a->data, (tally_dtype)a->dtype, a->rank, a->shape, NULL);
}

int64_t array_differs(const array *a, const void *got)
{
    array other = *a;
    memcpy(&other.data, &got, sizeof got);
    size_t size = dtype_bytes(a->dtype);
    for (int64_t k = 0; k < a->n; k++) {
        if (!memcmp(array_at(a, k), array_at(&other, k), size))
            continue;
        number x = array_get(a, k), y = array_get(&other, k);
        if (!(x.kind == NUMBER_FLOAT && x.f != x.f && y.f != y.f))
            return k;
    }
    return -1;
}

/* ---- exact sums ---- */

static void big_add_shifted(big *b, uint64_t m, int shift, bool negative)
{
    uint64_t part[3] = { m << (shift % 32), shift % 32 ? m >> (64 - shift % 32) : 0, 0 };
    uint32_t limb[3] = { (uint32_t)part[0], (uint32_t)(part[0] >> 32), (uint32_t)part[1] };
    uint64_t carry = 0, borrow = 0;
    for (int k = shift / 32, j = 0; k < BIG_LIMBS; k++, j++) {
        uint64_t add = j < 3 ? limb[j] : 0;
        if (!negative) {
            uint64_t s = (uint64_t)b->limb[k] + add + carry;
            b->limb[k] = (uint32_t)s;
            carry = s >> 32;
        } else {
            uint64_t s = (uint64_t)b->limb[k] - add - borrow;
            b->limb[k] = (uint32_t)s;
            borrow = s >> 63;
        }
    }
}

void big_add(big *b, double v)
{
    if (v != v) {
        b->nan++;
    } else if (isinf(v)) {
        if (v > 0)
            b->inf++;
        else
            b->ninf++;
    } else if (v != 0) {
        int    e;
        double m = frexp(fabs(v), &e);              /* v = m * 2^e, m in [1/2, 1) */
        int    low = e - 53 > BIG_LSB ? e - 53 : BIG_LSB;
        big_add_shifted(b, (uint64_t)ldexp(m, e - low), low - BIG_LSB, v < 0);
    }
}

void big_add_number(big *b, number v)
{
    if (v.kind == NUMBER_FLOAT)
        big_add(b, v.f);
    else if (v.kind == NUMBER_UINT64)
        big_add_shifted(b, v.u, -BIG_LSB, false);
    else
        big_add_shifted(b, v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i, -BIG_LSB, v.i < 0);
}

enum { WIDE = 2 * BIG_LIMBS + 8 };

static bool big_magnitude(const big *b, uint32_t wide[WIDE])
{
    bool     negative = b->limb[BIG_LIMBS - 1] >> 31;
    uint64_t carry = negative;
    memset(wide, 0, WIDE * sizeof *wide);
    for (int k = 0; k < BIG_LIMBS; k++) {
        uint64_t s = (uint64_t)(negative ? ~b->limb[k] : b->limb[k]) + carry;
        wide[k] = (uint32_t)s;
        carry = s >> 32;
    }
    return negative;
}

static int wide_bits(const uint32_t w[WIDE])
{
    for (int k = WIDE - 1; k >= 0; k--)
        for (int j = 31; w[k] && j >= 0; j--)
            if (w[k] >> j & 1)
                return k * 32 + j + 1;
    return 0;
}

static void wide_left(uint32_t w[WIDE], int by)
{
    for (int k = WIDE - 1; k >= 0; k--) {
        int      from = k - by / 32;
        uint64_t high = from >= 0 ? w[from] : 0, low = from >= 1 ? w[from - 1] : 0;
        w[k] = by % 32 ? (uint32_t)(high << by % 32 | low >> (32 - by % 32)) : (uint32_t)high;
    }
}

static void wide_half(uint32_t w[WIDE])
{
    for (int k = 0; k < WIDE; k++)
        w[k] = w[k] >> 1 | (k + 1 < WIDE ? w[k + 1] << 31 : 0);
}

static bool wide_subtract(uint32_t w[WIDE], const uint32_t d[WIDE])      /* only where it stays >= 0 */
{
    for (int k = WIDE - 1; k >= 0; k--)
        if (w[k] != d[k]) {
            if (w[k] < d[k])
                return false;
            break;
        }
    uint64_t borrow = 0;
    for (int k = 0; k < WIDE; k++) {
        uint64_t s = (uint64_t)w[k] - d[k] - borrow;
        w[k] = (uint32_t)s;
        borrow = s >> 63;
    }
    return true;
}

/* q * 2^e and a little more where sticky, to the nearest double; q below 2^63 */
static double nearest(uint64_t q, int e, bool sticky)
{
    int bits = 0;
    while (bits < 64 && q >> bits)
        bits++;
    int drop = bits - 53 > BIG_LSB - e ? bits - 53 : BIG_LSB - e;
    if (drop <= 0)
        return ldexp((double)q, e);
    if (drop > 63)
        return 0;
    uint64_t r = q >> drop, rest = q & ((UINT64_C(1) << drop) - 1), half = UINT64_C(1) << (drop - 1);
    if (rest > half || (rest == half && (sticky || r & 1)))
        r++;
    return ldexp((double)r, e + drop);
}

static double special(const big *b, bool *is)
{
    *is = b->nan || b->inf || b->ninf;
    return b->nan || (b->inf && b->ninf) ? NAN : b->inf ? INFINITY : -INFINITY;
}

double big_round(const big *b)
{
    bool   is;
    double s = special(b, &is);
    if (is)
        return s;
    uint32_t w[WIDE];
    bool     negative = big_magnitude(b, w), sticky = false;
    int      bits = wide_bits(w), low = bits > 62 ? bits - 62 : 0;
    uint64_t q = 0;
    for (int k = 0; k < bits; k++) {
        uint64_t bit = w[k / 32] >> (k % 32) & 1;
        if (k < low)
            sticky |= bit != 0;
        else
            q |= bit << (k - low);
    }
    double v = nearest(q, low + BIG_LSB, sticky);
    return negative ? -v : v;
}

double big_ratio(const big *n, const big *d)
{
    bool   n_is, d_is;
    double ns = special(n, &n_is), ds = special(d, &d_is);
    uint32_t w[WIDE], v[WIDE];
    bool     negative = big_magnitude(n, w) != big_magnitude(d, v);
    int      n_bits = wide_bits(w), d_bits = wide_bits(v);
    if (!d_is && !d_bits)
        return 0;
    if (n_is || d_is)
        return (n_is ? ns : big_round(n)) / (d_is ? ds : big_round(d));
    if (!n_bits)
        return 0;
    int shift = 60 - (n_bits - d_bits);           /* the quotient gets 60 or 61 bits */
    wide_left(shift > 0 ? w : v, shift > 0 ? shift : -shift);
    wide_left(v, 61);
    uint64_t q = 0;
    for (int k = 61; k >= 0; k--) {
        if (wide_subtract(w, v))
            q |= UINT64_C(1) << k;
        wide_half(v);
    }
    double r = nearest(q, -shift, wide_bits(w) != 0);
    return negative ? -r : r;
}

bool big_sum_is_safe(const number *v, int64_t n, double *sum)
{
    big    magnitude = { { 0 }, 0, 0, 0 }, total = { { 0 }, 0, 0, 0 };
    int    low = 4096;
    for (int64_t k = 0; k < n; k++) {
        double f = number_f64(v[k]);
        if (!isfinite(f) || number_compare(v[k], number_float(f)))
            return false;
        big_add(&magnitude, fabs(f));
        big_add(&total, f);
        if (f == 0)
            continue;
        int    e;
        double m = frexp(f, &e);
        while (m != floor(m)) {
            m *= 2;
            e--;
        }
        low = e < low ? e : low;
    }
    *sum = big_round(&total);
    return low == 4096 || big_round(&magnitude) < ldexp(1, low + 53);
}
