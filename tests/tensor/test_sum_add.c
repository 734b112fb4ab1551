/* sum_add: the ways a block may go all lead to the same bits: floating-point modes, guesses, alignment,
 * lengths around the blocks, strides, dtypes; and the guess learns, so that the fast way is taken again. */
#include "../support.h"

#include <fenv.h>
#if defined __SSE2__
#include <xmmintrin.h>
#endif

#include "../../src/tensor/tensor.h"

enum { N = 6100 };
static double f64[N + 1];
static float  f32[N + 1];

/* data sets by number: what the kernels like, what they bear, what they refuse */
enum { SETS = 9 };

static double drawn(int set, test_rng *r, bool narrow, size_t i)
{
    const uint64_t any = test_next(r);
    const double   unit = 1 + (double)(any >> 12) * 0x1p-52, sign = any & 1 ? 1 : -1;

    switch (set) {
    case 0:  return unit - 1;
    case 1:  return sign * ldexp(unit, (int)(any >> 1 & 31) - 20);
    case 2:  return sign * ldexp(unit, (int)((any >> 1 & 127) % 90) - 60);
    case 3:
        return sign * ldexp(unit, (int)((any >> 1 & 4095) % (narrow ? 250 : 2000)) - (narrow ? 125 : 1000));
    case 4:  return sign * ldexp((double)(any >> 52), narrow ? -149 : -1074);              /* subnormal */
    case 5: return narrow ? 0x1.fffffep14 : 0x1.fffffffffffffp1; /* all ones, cells at their fullest */
    case 6:
        return i % 500 == 7   ? 0x1p-140
               : i % 700 == 3 ? -(double)INFINITY
               : i % 900 == 5 ? (double)NAN
                              : sign * unit;
    case 7:  return sign * ldexp(unit, narrow ? 126 : 1022);
    default: return (double)(any >> 1 & 1023) * sign;
    }
}

static void draw(int set)
{
    test_rng r = { (uint64_t)set };

    for (size_t i = 0; i <= N; i++) f64[i] = drawn(set, &r, false, i);
    for (size_t i = 0; i <= N; i++) f32[i] = (float)drawn(set, &r, true, i);
}

/* one value after the other: no kernel, no guess, no block */
static tally__sum plain_f64(const double *x, size_t n)
{
    tally__sum s = { { 0 }, 0, 0, 0 };

    for (size_t i = 0; i < n; i++) tally__sum_add_one(&s, x[i]);
    return s;
}

static tally__sum plain_f32(const float *x, size_t n)
{
    tally__sum s = { { 0 }, 0, 0, 0 };

    for (size_t i = 0; i < n; i++) tally__sum_add_one(&s, (double)x[i]);
    return s;
}

static void same_sum(const tally__sum *got, const tally__sum *want, const char *what, int set, size_t n)
{
    if (!memcmp(got, want, sizeof *got)) return;
    print_error("%s: set %d, n %zu: %.17g is not %.17g\n", what, set, n, tally__sum_round(got),
                tally__sum_round(want));
    fail();
}

static void lengths_around_the_blocks_and_any_alignment_give_the_same_bits(void **state)
{
    static const size_t lengths[] = { 0,   1,    5,    6,    7,    8,    9,    15,   31,   33,   64,
                                      100, 1007, 1008, 1009, 2015, 2016, 2017, 3024, 4032, 4033, 6100 };

    (void)state;
    for (int set = 0; set < SETS; set++) {
        draw(set);
        for (size_t k = 0; k < TALLY__COUNT(lengths); k++)
            for (size_t off = 0; off < 2; off++) {
                const size_t     n = lengths[k];
                const tally__sum want = plain_f64(f64 + off, n), want_f32 = plain_f32(f32 + off, n);
                tally__sum       a = { { 0 }, 0, 0, 0 }, b = a;
                tally__guess     g = { 0, 0, 0 }, h = g;
                tally__sum_add_f64(&a, &g, f64 + off, n);
                tally__sum_add_f32(&b, &h, f32 + off, n);
                same_sum(&a, &want, "float64", set, n);
                same_sum(&b, &want_f32, "float32", set, n);
            }
    }
}

static void every_guess_gives_the_same_bits(void **state)
{
    (void)state;
    for (int set = 0; set < SETS; set++) {
        draw(set);
        const tally__sum want = plain_f64(f64, N), want_f32 = plain_f32(f32, N);
        for (int level = 0; level < 7; level++)
            for (int e = -1100; e < 1100; e += 61)
                for (int cool = 0; cool < 256; cool += 85) {
                    tally__sum   a = { { 0 }, 0, 0, 0 }, b = a;
                    tally__guess g = { (int16_t)e, (uint8_t)level, (uint8_t)cool }, h = g;
                    tally__sum_add_f64(&a, &g, f64, N);
                    tally__sum_add_f32(&b, &h, f32, N);
                    same_sum(&a, &want, "float64", set, (size_t)level);
                    same_sum(&b, &want_f32, "float32", set, (size_t)level);
                }
    }
}

/* ---- floating-point modes ---- */

static const int roundings[] = {
    FE_TONEAREST,
#if defined FE_UPWARD && defined FE_DOWNWARD && defined FE_TOWARDZERO
    FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO,
#endif
};

/* 1: results that would be subnormal are 0; 2: operands that are subnormal are 0. What cannot be set, is not. */
static void set_flush(unsigned bits)
{
#if defined __SSE2__
    const unsigned masks[4] = { 0, 0x8000, 0x0040, 0x8040 };
    _mm_setcsr((_mm_getcsr() & ~0x8040u) | masks[bits]);
#else
    (void)bits;
#endif
}

typedef struct mode_results {
    tally__sum f64, f32, half, brain, strided;
    double     round;
    float      round_f32;
} mode_results;

static mode_results all_sums(void)
{
    static uint16_t half[N];
    mode_results    m;
    tally__guess    g[5] = { { 0, 0, 0 } };

    memset(&m, 0, sizeof m);
    for (size_t i = 0; i < N; i++) half[i] = (uint16_t)(i * 11);
    tally__sum_add_f64(&m.f64, &g[0], f64, N);
    tally__sum_add_f32(&m.f32, &g[1], f32, N);
    tally__sum_add(&m.half, &g[2], TALLY_F16, half, 1, 2900); /* no inf, no NaN: subnormals and all binades */
    tally__sum_add(&m.brain, &g[3], TALLY_BF16, half, 2, 1400);
    tally__sum_add(&m.strided, &g[4], TALLY_F32, f32 + N - 1, -3, N / 3);
    m.round = tally__sum_round(&m.f64);
    m.round_f32 = tally__sum_round_f32(&m.f64);
    return m;
}

static void no_floating_point_mode_changes_a_bit(void **state)
{
    (void)state;
    for (int set = 0; set < SETS; set++) {
        draw(set);
        const mode_results want = all_sums();
        for (size_t k = 0; k < TALLY__COUNT(roundings); k++)
            for (unsigned flush = 0; flush < 4; flush++) {
                fesetround(roundings[k]);
                set_flush(flush);
                const mode_results got = all_sums();
                set_flush(0);
                fesetround(FE_TONEAREST);
                same_sum(&got.f64, &want.f64, "float64 in a mode", set, k * 4 + flush);
                same_sum(&got.f32, &want.f32, "float32 in a mode", set, k * 4 + flush);
                same_sum(&got.half, &want.half, "float16 in a mode", set, k * 4 + flush);
                same_sum(&got.brain, &want.brain, "bfloat16 in a mode", set, k * 4 + flush);
                same_sum(&got.strided, &want.strided, "strided in a mode", set, k * 4 + flush);
                assert_bits_f64(got.round, want.round);
                assert_bits_f32(got.round_f32, want.round_f32);
            }
    }
}

/* ---- the guess ---- */

static void the_guess_settles_on_the_cheapest_level(void **state)
{
    static const int want_f64[] = { 1, 1, 2 }, want_f32[] = { 0, 1, 2 };

    (void)state;
    for (int set = 0; set < 3; set++) {
        tally__sum   a = { { 0 }, 0, 0, 0 }, b = a;
        tally__guess g = { 0, 0, 0 }, h = g;
        draw(set);
        for (int i = 0; i < 10; i++) tally__sum_add_f64(&a, &g, f64, N);
        for (int i = 0; i < 10; i++) tally__sum_add_f32(&b, &h, f32, N);
        assert_int_equal(TALLY__MAX(g.level, 1), want_f64[set]);
        assert_int_equal(h.level, want_f32[set]);
    }
    tally__sum   s = { { 0 }, 0, 0, 0 };
    tally__guess g = { 500, 4, 0 };                /* from far off back to the cheapest */
    draw(0);
    for (int i = 0; i < 200; i++) tally__sum_add_f32(&s, &g, f32, N);
    assert_int_equal(g.level, 0);
}

/* ---- all dtypes ---- */

static void integers_of_every_width_are_added_exactly(void **state)
{
    static uint64_t memory[7000];
    test_rng        r = { 3 };

    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(memory); i++)
        memory[i] = i % 3 ? test_next(&r) : UINT64_MAX << (i % 64);
    for (int32_t d = TALLY_BOOL; d <= TALLY_I64; d++)
        for (int64_t stride = -2; stride <= 2; stride++) {
            const int64_t size = (int64_t)tally__element_size(d);
            const char   *first = (const char *)memory + 4500 * size;
            tally__sum    s = { { 0 }, 0, 0, 0 }, want = s;
            tally__guess  g = { 0, 0, 0 };
            for (int64_t i = 0; i < 2200; i++) {
                const char *at = first + (stride < 0 ? 1 : -1) * 2200 * size + i * stride * size;
                uint64_t    raw;
                memcpy(&raw, at, size == 8 ? 8 : 1);
                if (d == TALLY_U64) tally__sum_add_u64(&want, raw);
                else tally__sum_add_i64(&want, tally__load_i64(at, d));
            }
            tally__sum_add(&s, &g, d, first + (stride < 0 ? 1 : -1) * 2200 * size, stride, 2200);
            same_sum(&s, &want, tally_dtype_name((tally_dtype)d), (int)stride, 2200);
        }
}

static void many_small_integers_do_not_overflow(void **state)
{
    enum { LONG = 1 << 18 };
    uint16_t    *x = malloc(LONG * sizeof *x);
    tally__sum   s = { { 0 }, 0, 0, 0 };
    tally__guess g = { 0, 0, 0 };
    int64_t      v;

    (void)state;
    assert_non_null(x);
    memset(x, 0xff, LONG * sizeof *x);
    tally__sum_add(&s, &g, TALLY_U16, x, 1, LONG);
    assert_true(tally__sum_whole(&s, &v) && v == (int64_t)65535 * LONG);
    tally__sum_add(&s, &g, TALLY_I16, x, 1, LONG);
    assert_true(tally__sum_whole(&s, &v) && v == (int64_t)65534 * LONG);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_around_the_blocks_and_any_alignment_give_the_same_bits),
        cmocka_unit_test(every_guess_gives_the_same_bits),
        cmocka_unit_test(no_floating_point_mode_changes_a_bit),
        cmocka_unit_test(the_guess_settles_on_the_cheapest_level),
        cmocka_unit_test(integers_of_every_width_are_added_exactly),
        cmocka_unit_test(many_small_integers_do_not_overflow),
    };
    return cmocka_run_group_tests_name("sum_add", tests, NULL, NULL);
}
