/* convert: the cast, for one element and for strided rows. Every pair of dtypes goes through a canonical type
 * that holds every value of the source (int64_t, uint64_t or double), so each conversion rounds at most once.
 * Refuses to know shapes: a row has one stride. */
#include "tensor.h"

#if defined TALLY_TINY_LIMITS
enum { CONVERT_BLOCK = 5 };
#else
enum { CONVERT_BLOCK = 256 };
#endif

/* ---- half formats ---- */

float tally__f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff;
    const uint32_t normal = (rest << 13) + 0x38000000u, special = rest << 13 | 0x7f800000u;
    /* subnormal: a product of normal numbers, so exact in any floating-point mode */
    const uint32_t small = tally__f32_bits((float)(int32_t)rest * 0x1p-24f);

    return tally__f32_from(sign | (rest < 0x0400 ? small : rest < 0x7c00 ? normal : special));
}

float tally__bf16_to_f32(uint16_t h)
{
    return tally__f32_from((uint32_t)h << 16);
}

/* v in a 16-bit format; a NaN stays one: quiet, with the upper part of its payload */
static uint16_t half_from_f64(double v, int fraction, int exponent)
{
    const uint64_t u = tally__f64_bits(v), m = u & 0xfffffffffffff;
    const int      biased = (int)(u >> 52) & 2047;
    const uint64_t sign = u >> 63 << 15, infinity = (((uint64_t)1 << exponent) - 1) << fraction;
    uint64_t       bits;

    if (biased < 2047)
        bits = tally__round_bits(biased ? m | (uint64_t)1 << 52 : m, (biased ? biased : 1) - 1075, false,
                                 fraction, exponent);
    else
        bits = m ? infinity | (uint64_t)1 << (fraction - 1) | m >> (52 - fraction) : infinity;
    return (uint16_t)(sign | bits);
}

uint16_t tally__f64_to_f16(double v)
{
    return half_from_f64(v, 10, 5);
}

uint16_t tally__f64_to_bf16(double v)
{
    return half_from_f64(v, 7, 8);
}

/* ---- load: one element to its canonical type ---- */

static inline int64_t load_BOOL(uint8_t v) { return v != 0; }
static inline int64_t load_U8(uint8_t v) { return v; }
static inline int64_t load_I8(int8_t v) { return v; }
static inline int64_t load_U16(uint16_t v) { return v; }
static inline int64_t load_I16(int16_t v) { return v; }
static inline int64_t load_U32(uint32_t v) { return v; }
static inline int64_t load_I32(int32_t v) { return v; }
static inline uint64_t load_U64(uint64_t v) { return v; }
static inline int64_t load_I64(int64_t v) { return v; }
static inline double load_F16(uint16_t v) { return tally__f16_to_f32(v); }
static inline double load_BF16(uint16_t v) { return tally__bf16_to_f32(v); }
static inline double load_F32(float v) { return v; }
static inline double load_F64(double v) { return v; }

/* ---- store: from each canonical type to an element ---- */

static inline int64_t i64_of_uint64_t(uint64_t v) { int64_t k; memcpy(&k, &v, sizeof k); return k; }

static inline int64_t i64_of_double(double v)
{
    if (v != v) return 0;
    return v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
}

static inline uint64_t u64_of_double(double v)
{
    if (!(v > 0)) return 0;                       /* NaN too */
    return v >= 0x1p64 ? UINT64_MAX : (uint64_t)v;
}

/* the double that every shorter float format rounds as it would v: lower bits become one sticky bit */
static double f64_odd(uint64_t v)
{
    return (double)(v >> 53 ? (v & ~(uint64_t)0xfff) | (uint64_t)((v & 0xfff) != 0) << 12 : v);
}

static inline uint16_t half_of_uint64_t(uint64_t v, bool brain)
{
    return brain ? tally__f64_to_bf16(f64_odd(v)) : tally__f64_to_f16(f64_odd(v));
}

static inline uint16_t half_of_int64_t(int64_t v, bool brain)
{
    const uint16_t h = half_of_uint64_t(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, brain);
    return (uint16_t)(v < 0 ? h | 0x8000 : h);
}

static inline uint16_t half_of_double(double v, bool brain)
{
    return brain ? tally__f64_to_bf16(v) : tally__f64_to_f16(v);
}

/* integers wrap from integers and saturate from doubles */
#define CONVERT_WRAP(E, type)                                                             \
    static inline type store_##E##_int64_t(int64_t v) { return (type)(uint64_t)v; }       \
    static inline type store_##E##_uint64_t(uint64_t v) { return (type)v; }
#define CONVERT_SMALL(E, type, least, most)                                               \
    CONVERT_WRAP(E, type)                                                                 \
    static inline type store_##E##_double(double v)                                       \
    {                                                                                     \
        return v != v ? 0 : v <= (double)(least) ? (least) : v >= (double)(most) ? (most) : (type)v; \
    }
CONVERT_SMALL(U8, uint8_t, 0, UINT8_MAX)
CONVERT_SMALL(I8, int8_t, INT8_MIN, INT8_MAX)
CONVERT_SMALL(U16, uint16_t, 0, UINT16_MAX)
CONVERT_SMALL(I16, int16_t, INT16_MIN, INT16_MAX)
CONVERT_SMALL(U32, uint32_t, 0, UINT32_MAX)
CONVERT_SMALL(I32, int32_t, INT32_MIN, INT32_MAX)
CONVERT_WRAP(U64, uint64_t)
static inline int64_t store_I64_int64_t(int64_t v) { return v; }
static inline int64_t store_I64_uint64_t(uint64_t v) { return i64_of_uint64_t(v); }
static inline int64_t store_I64_double(double v) { return i64_of_double(v); }
static inline uint64_t store_U64_double(double v) { return u64_of_double(v); }
#define CONVERT_PLAIN(canon)                                                              \
    static inline uint8_t store_BOOL_##canon(canon v) { return v != 0; }                  \
    static inline uint16_t store_F16_##canon(canon v) { return half_of_##canon(v, false); } \
    static inline uint16_t store_BF16_##canon(canon v) { return half_of_##canon(v, true); } \
    static inline float store_F32_##canon(canon v) { return (float)v; }                   \
    static inline double store_F64_##canon(canon v) { return (double)v; }
CONVERT_PLAIN(int64_t)
CONVERT_PLAIN(uint64_t)
CONVERT_PLAIN(double)

/* ---- rows ---- */

#define DTYPE(E, name, item, canon, kind, bits, code)                                     \
    static void load_row_##E(canon *out, const void *src, int64_t stride, size_t n)       \
    {                                                                                     \
        const item *x = src;                                                              \
        if (stride == 1)                                                                  \
            for (size_t i = 0; i < n; i++) out[i] = load_##E(x[i]);                       \
        else                                                                              \
            for (size_t i = 0; i < n; i++) out[i] = load_##E(x[(int64_t)i * stride]);     \
    }                                                                                     \
    static void store_row_##E##_int64_t(void *dst, const int64_t *v, size_t n)            \
    {                                                                                     \
        item *out = dst;                                                                  \
        for (size_t i = 0; i < n; i++) out[i] = store_##E##_int64_t(v[i]);                \
    }                                                                                     \
    static void store_row_##E##_uint64_t(void *dst, const uint64_t *v, size_t n)          \
    {                                                                                     \
        item *out = dst;                                                                  \
        for (size_t i = 0; i < n; i++) out[i] = store_##E##_uint64_t(v[i]);               \
    }                                                                                     \
    static void store_row_##E##_double(void *dst, const double *v, size_t n)              \
    {                                                                                     \
        item *out = dst;                                                                  \
        for (size_t i = 0; i < n; i++) out[i] = store_##E##_double(v[i]);                 \
    }
#include "dtype.def"

static void store_int64_t(void *dst, int32_t to, const int64_t *v, size_t n)
{
    switch (to) {
#define DTYPE(E, name, item, canon, kind, bits, code) case TALLY_##E: store_row_##E##_int64_t(dst, v, n); break;
#include "dtype.def"
    }
}

static void store_uint64_t(void *dst, int32_t to, const uint64_t *v, size_t n)
{
    switch (to) {
#define DTYPE(E, name, item, canon, kind, bits, code) case TALLY_##E: store_row_##E##_uint64_t(dst, v, n); break;
#include "dtype.def"
    }
}

static void store_double(void *dst, int32_t to, const double *v, size_t n)
{
    switch (to) {
#define DTYPE(E, name, item, canon, kind, bits, code) case TALLY_##E: store_row_##E##_double(dst, v, n); break;
#include "dtype.def"
    }
}

/* what already is canonical */
enum { IS_int64_t = TALLY_I64, IS_uint64_t = TALLY_U64, IS_double = TALLY_F64 };

static void convert_block(void *dst, int32_t to, const void *src, int32_t from, int64_t stride, size_t n)
{
    switch (from) {
#define DTYPE(E, name, item, canon, kind, bits, code)                                     \
    case TALLY_##E: {                                                                     \
        canon block[CONVERT_BLOCK];                                                       \
        load_row_##E(to == IS_##canon ? dst : block, src, stride, n);                     \
        if (to != IS_##canon) store_##canon(dst, to, block, n);                           \
        break;                                                                            \
    }
#include "dtype.def"
    }
}

/* the same dtype: no value is looked at, so a NaN keeps all its bits */
static void copy_row(char *dst, const char *src, size_t size, int64_t stride, size_t n)
{
    const int64_t step = stride * (int64_t)size;

    if (stride == 1) {
        if (n) memcpy(dst, src, n * size);
        return;
    }
    switch (size) {
    case 1: for (size_t i = 0; i < n; i++) dst[i] = src[(int64_t)i * step]; break;
    case 2: for (size_t i = 0; i < n; i++) memcpy(dst + 2 * i, src + (int64_t)i * step, 2); break;
    case 4: for (size_t i = 0; i < n; i++) memcpy(dst + 4 * i, src + (int64_t)i * step, 4); break;
    case 8: for (size_t i = 0; i < n; i++) memcpy(dst + 8 * i, src + (int64_t)i * step, 8); break;
    }
}

void tally__widen_halves(float *dst, const uint16_t *src, int32_t from, int64_t stride, size_t n)
{
    if (from == TALLY_BF16)
        for (size_t i = 0; i < n; i++) dst[i] = tally__bf16_to_f32(src[(int64_t)i * stride]);
    else
        for (size_t i = 0; i < n; i++) dst[i] = tally__f16_to_f32(src[(int64_t)i * stride]);
}

void tally__convert(void *dst, int32_t to, const void *src, int32_t from, int64_t stride, size_t n)
{
    const size_t to_size = tally__element_size(to), from_size = tally__element_size(from);
    char        *out = dst;
    const char  *in = src;

    assert(tally__dtype_ok(to) && tally__dtype_ok(from));
    if (to == from && to != TALLY_BOOL) {
        copy_row(out, in, to_size, stride, n);
        return;
    }
    if (to == TALLY_F32 && (from == TALLY_F16 || from == TALLY_BF16)) {
        tally__widen_halves(dst, src, from, stride, n);
        return;
    }
    for (size_t done = 0; done < n; done += CONVERT_BLOCK) {
        const size_t m = TALLY__MIN(n - done, (size_t)CONVERT_BLOCK);
        convert_block(out + done * to_size, to, in + (int64_t)done * stride * (int64_t)from_size, from,
                      stride, m);
    }
}

/* ---- single elements ---- */

double tally__load_f64(const void *p, int32_t dtype)
{
    double v = 0;

    tally__convert(&v, TALLY_F64, p, dtype, 1, 1);
    return v;
}

int64_t tally__load_i64(const void *p, int32_t dtype)
{
    int64_t v = 0;

    tally__convert(&v, TALLY_I64, p, dtype, 1, 1);
    return v;
}

void tally__store_f64(void *p, int32_t dtype, double v)
{
    tally__convert(p, dtype, &v, TALLY_F64, 1, 1);
}
