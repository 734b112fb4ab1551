/* convert: half formats exhaustively, and every pair of dtypes by the rules of the cast. */
#include "exact_reference.h"

#include "../../src/tensor/tensor.h"

/* ---- half formats ---- */

typedef struct half_format {
    const char *name;
    int         fraction, exponent;
    float (*load)(uint16_t);
    uint16_t (*store)(double);
} half_format;

static const half_format halves[] = {
    { "float16", 10, 5, tally__f16_to_f32, tally__f64_to_f16 },
    { "bfloat16", 7, 8, tally__bf16_to_f32, tally__f64_to_bf16 },
};

static void expect_half(const half_format *f, double v, unsigned want)
{
    const uint16_t got = f->store(v);

    if (got == want) return;
    print_error("%s of %.17g: got 0x%04x, expected 0x%04x\n", f->name, v, (unsigned)got, want);
    fail();
}

static double half_value(const half_format *f, unsigned bits)
{
    uint64_t m;
    int      e;

    ref_decode(bits & 0x7fff, f->fraction, f->exponent, &m, &e);
    return ldexp((double)m, e) * (bits & 0x8000 ? -1 : 1);
}

static void every_half_reads_as_its_value_and_comes_back(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const half_format *f = &halves[k];
        const unsigned     infinity = ((1u << f->exponent) - 1) << f->fraction;
        for (unsigned h = 0; h < 65536; h++) {
            const double v = f->load((uint16_t)h);
            if ((h & 0x7fff) > infinity) {
                assert_true(v != v);
                expect_half(f, v, h | 1u << (f->fraction - 1));   /* a signalling one comes back quiet */
                continue;
            }
            if ((h & 0x7fff) < infinity) assert_bits_f64(v, half_value(f, h));
            else assert_bits_f64(v, h & 0x8000 ? -(double)INFINITY : (double)INFINITY);
            expect_half(f, v, h);
        }
    }
}

static void every_midpoint_of_halves_goes_to_even_and_its_neighbours_do_not(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const half_format *f = &halves[k];
        const unsigned     infinity = ((1u << f->exponent) - 1) << f->fraction;
        for (unsigned h = 0; h < infinity; h++) {
            const double middle = (half_value(f, h) + half_value(f, h + 1)) / 2;   /* exact in double */
            for (unsigned sign = 0; sign <= 0x8000; sign += 0x8000) {
                const double s = sign ? -1 : 1;
                expect_half(f, s * middle, sign | (h + (h & 1)));
                expect_half(f, s * nextafter(middle, 0), sign | h);
                expect_half(f, s * nextafter(middle, (double)INFINITY), sign | (h + 1));
            }
        }
        expect_half(f, 1e300, infinity);
        expect_half(f, -(double)INFINITY, infinity | 0x8000);
        expect_half(f, 0x1p-1074, 0);
        expect_half(f, -0x1p-1074, 0x8000);
    }
}

/* ---- all pairs ---- */

enum { PATTERNS = 64 };

/* bits that a dtype can hold: edges first, then anything */
static uint64_t pattern(int32_t dtype, size_t i, test_rng *r)
{
    static const double edge[] = {
        0, -0.0, 0.5, -0.5, 1, -1, 1.5, -1.999, 127.5, 128, -128.9, -129, 255, 255.9, 256, 32767, 32768, 65535.5,
        -32769, 2147483647, 2147483648.0, -2147483649.0, 4294967295.0, 4294967296.0, 0x1p63, -0x1p63,
        0x1.fffffffffffffp62, 0x1p64, -0x1p64, 1e300, -1e300, 0x1p-1074, 65520, 3.4028235677973366e38
    };
    static const uint64_t whole[] = {
        0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
        UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), UINT64_MAX, UINT64_C(0x20000000000001),
        UINT64_C(0x40000000000003), UINT64_C(0x0180000000000001), UINT64_C(0x0180000000000000),
        UINT64_C(0x8080000000000001)
    };
    uint64_t raw = 0;

    if (tally__is_float(dtype) && i < TALLY__COUNT(edge)) tally__store_f64(&raw, dtype, edge[i]);
    else if (tally__is_float(dtype) && i < TALLY__COUNT(edge) + 3)
        tally__store_f64(&raw, dtype,
                         i % 3 == 0   ? (double)NAN
                         : i % 3 == 1 ? (double)INFINITY
                                      : -(double)INFINITY);
    else raw = i < TALLY__COUNT(whole) ? whole[i] : test_next(r) >> (i % 2 * test_below(r, 64));
    return raw;
}

typedef struct exact_value {       /* an element, as the rules see it */
    bool     is_nan, is_infinite, negative;
    big      magnitude;            /* in units of 2^-1074 */
    uint64_t wrapped;              /* the low 64 bits in two's complement, of an integer */
} exact_value;

static exact_value value_of(const void *p, int32_t dtype)
{
    exact_value v = { false, false, false, { 0, { 0 } }, 0 };
    uint64_t    raw = 0, m;
    int         e, bits = tally__dtype_bits(dtype);
    const int   fraction = dtype == TALLY_F64 ? 52 : dtype == TALLY_F32 ? 23 : dtype == TALLY_F16 ? 10 : 7;
    const int   exponent = dtype == TALLY_F64 ? 11 : dtype == TALLY_F16 ? 5 : 8;

    for (int i = 0; i < bits / 8; i++) {
        const uint16_t probe = 1;
        const bool     little = *(const uint8_t *)&probe;
        raw |= (uint64_t)((const uint8_t *)p)[little ? i : bits / 8 - 1 - i] << (8 * i);
    }
    if (!tally__is_float(dtype)) {
        v.negative = tally__dtype_kind_of(dtype) == TALLY__KIND_INT && raw >> (bits - 1);
        if (v.negative && bits < 64) raw |= UINT64_MAX << bits;
        if (dtype == TALLY_BOOL) raw = raw != 0;
        v.wrapped = raw;
        big_add_at(&v.magnitude, v.negative ? 0 - raw : raw, REF_UNIT);
        return v;
    }
    v.negative = raw >> (bits - 1) & 1;
    raw &= UINT64_MAX >> (65 - bits);
    const uint64_t infinity = (((uint64_t)1 << exponent) - 1) << fraction;
    v.is_nan = raw > infinity, v.is_infinite = raw == infinity;
    if (raw >= infinity) return v;
    ref_decode(raw, fraction, exponent, &m, &e);
    big_add_at(&v.magnitude, m, e + REF_UNIT);
    return v;
}

/* the integer part of |v|, UINT64_MAX where it is larger */
static uint64_t truncated(const exact_value *v)
{
    uint64_t whole = 0;

    if (v->is_infinite || 32 * v->magnitude.n > REF_UNIT + 64 + 31) return UINT64_MAX;
    for (int i = 32 * v->magnitude.n - 1; i >= REF_UNIT; i--) {
        if (whole >> 63) return UINT64_MAX;
        whole = whole << 1 | (v->magnitude.limb[i / 32] >> (i % 32) & 1);
    }
    return whole;
}

static bool right_integer(const exact_value *v, bool from_float, const exact_value *got, int32_t to)
{
    const int      bits = tally__dtype_bits(to);
    const bool     is_signed = tally__dtype_kind_of(to) == TALLY__KIND_INT;
    const uint64_t mask = UINT64_MAX >> (64 - bits), most = mask >> is_signed;
    const uint64_t whole = from_float ? truncated(v) : 0;
    uint64_t       want;

    if (!from_float) want = v->wrapped;
    else if (v->is_nan) want = 0;
    else if (v->negative) want = is_signed ? 0 - TALLY__MIN(whole, most + 1) : 0;
    else want = TALLY__MIN(whole, most);
    return (got->wrapped & mask) == (want & mask);
}

static bool right_float(const exact_value *v, const void *p, int32_t to, const exact_value *got)
{
    const int fraction = to == TALLY_F64 ? 52 : to == TALLY_F32 ? 23 : to == TALLY_F16 ? 10 : 7;
    const int exponent = to == TALLY_F64 ? 11 : to == TALLY_F16 ? 5 : 8, bits = tally__dtype_bits(to);
    big       one = { 0, { 0 } };
    uint64_t  raw = 0;
    uint32_t  word;
    uint16_t  half;

    if (v->is_nan || v->is_infinite)
        return v->is_nan == got->is_nan && v->is_infinite == got->is_infinite &&
               (v->is_nan || v->negative == got->negative);
    if (bits == 64) memcpy(&raw, p, 8);
    else if (bits == 32) memcpy(&word, p, 4), raw = word;
    else memcpy(&half, p, 2), raw = half;
    big_add_at(&one, 1, REF_UNIT);
    return v->negative == got->negative &&
           ref_is_nearest(&v->magnitude, &one, raw & (UINT64_MAX >> (65 - bits)), fraction, exponent);
}

static void every_pair_follows_the_rules_of_the_cast(void **state)
{
    test_rng r = { 5 };

    (void)state;
    for (int32_t from = TALLY_BOOL; from <= TALLY_F64; from++)
        for (int32_t to = TALLY_BOOL; to <= TALLY_F64; to++)
            for (size_t i = 0; i < PATTERNS; i++) {
                uint64_t          raw = pattern(from, i, &r), out = 0;
                const uint8_t     byte = (uint8_t)raw;
                const uint16_t    half = (uint16_t)raw;
                const uint32_t    word = (uint32_t)raw;
                const int         bits = tally__dtype_bits(from);
                const void       *p = bits == 8    ? (const void *)&byte
                                      : bits == 16 ? (const void *)&half
                                      : bits == 32 ? (const void *)&word
                                                   : (const void *)&raw;
                const exact_value v = value_of(p, from);
                tally__convert(&out, to, p, from, 1, 1);
                const exact_value got = value_of(&out, to);
                const bool        right = to == TALLY_BOOL
                                              ? got.wrapped == (v.magnitude.n || v.is_nan || v.is_infinite)
                                          : tally__is_float(to) ? right_float(&v, &out, to, &got)
                                                                : right_integer(&v, tally__is_float(from), &got, to);
                if (right) continue;
                print_error("%s 0x%llx as %s is not 0x%llx\n", tally_dtype_name((tally_dtype)from),
                            (unsigned long long)raw, tally_dtype_name((tally_dtype)to),
                            (unsigned long long)out);
                fail();
            }
}

static void rows_of_any_stride_convert_as_their_elements_do(void **state)
{
    static const int64_t strides[] = { 1, 2, -1, -3, 0 };
    enum { N = 600, ROOM = 3 * N };
    static uint64_t memory[ROOM], rows[N], single;
    test_rng        r = { 9 };

    (void)state;
    for (size_t i = 0; i < ROOM; i++) memory[i] = test_next(&r) | 1;
    for (int32_t from = TALLY_BOOL; from <= TALLY_F64; from++)
        for (int32_t to = TALLY_BOOL; to <= TALLY_F64; to++)
            for (size_t k = 0; k < TALLY__COUNT(strides); k++) {
                const int64_t size = (int64_t)tally__element_size(from), step = strides[k] * size;
                const size_t  n = test_below(&r, N), width = tally__element_size(to);
                const char   *first = (const char *)memory + (strides[k] < 0 ? (ROOM - 1) * size : 0);
                tally__convert(rows, to, first, from, strides[k], n);
                for (size_t i = 0; i < n; i++) {
                    tally__convert(&single, to, first + (int64_t)i * step, from, 1, 1);
                    assert_memory_equal((const char *)rows + i * width, &single, width);
                }
            }
}

static void single_elements_load_and_store(void **state)
{
    const uint64_t large = UINT64_MAX;
    const int64_t  odd = ((int64_t)1 << 53) + 1;
    const float    f = -2.75f, nan = NAN;
    int8_t         small = 0;

    (void)state;
    assert_bits_f64(tally__load_f64(&large, TALLY_U64), 0x1p64);
    assert_bits_f64(tally__load_f64(&odd, TALLY_I64), 0x1p53);
    assert_int_equal(tally__load_i64(&large, TALLY_U64), -1);       /* integers wrap */
    assert_int_equal(tally__load_i64(&f, TALLY_F32), -2);
    assert_int_equal(tally__load_i64(&nan, TALLY_F32), 0);
    tally__store_f64(&small, TALLY_I8, -200.5);
    assert_int_equal(small, -128);
    tally__store_f64(&small, TALLY_BOOL, (double)NAN);
    assert_int_equal(small, 1);
}

static void the_same_dtype_keeps_all_bits_of_a_nan(void **state)
{
    const uint64_t in[2] = { UINT64_C(0x7ff0000000000001), UINT64_C(0xfff8dead00000000) };
    uint64_t       out[2];

    (void)state;
    tally__convert(out, TALLY_F64, in, TALLY_F64, 1, 2);
    assert_memory_equal(in, out, sizeof in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_reads_as_its_value_and_comes_back),
        cmocka_unit_test(every_midpoint_of_halves_goes_to_even_and_its_neighbours_do_not),
        cmocka_unit_test(every_pair_follows_the_rules_of_the_cast),
        cmocka_unit_test(rows_of_any_stride_convert_as_their_elements_do),
        cmocka_unit_test(single_elements_load_and_store),
        cmocka_unit_test(the_same_dtype_keeps_all_bits_of_a_nan),
    };
    return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}
