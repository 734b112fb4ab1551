/* The functions of src/graph/math.h: one-argument float functions over a stride through all 2^32
 * inputs (TALLY_TEST_EVERY=1 takes every one), double ones and pow over random inputs of all
 * exponents, against long double. The largest error in ulp is printed and may not exceed 1. Special
 * values are exact. And the bits of a fixed set are those of every other build. */
#include "../support.h"

#include <float.h>

#include "../../src/graph/math.h"

/* |got - want| in ulps of the format (digits, least exponent); want's own rounding decides
 * infinities */
static double error_in_ulps(long double got, long double want, int digits, int least,
                            long double most)
{
    int e;
    if (want != want)
        return got != got ? 0 : 1e9;
    if (fabsl(want) > most || fabsl(got) > most)
        return fabsl(want) > most && fabsl(got) >= most && signbit(want) == signbit(got) ? 0
               : want == got                                                             ? 0
                                                                                         : 1e9;
    (void)frexpl(want, &e);
    if (want == 0 || e - digits < least)
        e = least + digits;
    return (double)(fabsl(got - want) / ldexpl(1, e - digits));
}
static double ulps_f32(float got, long double want)
{
    return error_in_ulps((long double)got, want, 24, -149, (long double)FLT_MAX);
}
static double ulps_f64(double got, long double want)
{
    return error_in_ulps((long double)got, want, 53, -1074, (long double)DBL_MAX);
}

static long double sigmoid_exact(long double x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

typedef struct function {
    const char *name;
    float (*f32)(float);
    double (*f64)(double);
    long double (*exact)(long double);
    double least, most;      /* where random doubles are drawn besides those of any exponent */
} function;

static const function functions[] = {
    { "exp", tally__exp_f32, tally__exp_f64, expl, -746, 710 },
    { "log", tally__log_f32, tally__log_f64, logl, 0, 4 },
    { "log1p", tally__log1p_f32, tally__log1p_f64, log1pl, -1, 2 },
    { "tanh", tally__tanh_f32, tally__tanh_f64, tanhl, -21, 21 },
    { "sigmoid", tally__sigmoid_f32, tally__sigmoid_f64, sigmoid_exact, -50, 50 },
    { "sqrt", tally__sqrt_f32, tally__sqrt_f64, sqrtl, 0, 10 },
};

static bool reference_is_wide(void)
{
    return LDBL_MANT_DIG >= 64 && test_has_wide_long_double();      /* valgrind has the type without its width */
}

static void float_functions_are_within_one_ulp(void **state)
{
    (void)state;
    if (!reference_is_wide())
        skip();
    uint64_t stride = getenv("TALLY_TEST_EVERY") ? 1 : (UINT64_C(1) << 32) / test_scaled(4000037);
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        double worst = 0;
        float  at = 0;
        for (uint64_t i = 0; i < UINT64_C(1) << 32; i += stride) {
            float  x = test_from_bits_f32((uint32_t)i);
            double e = ulps_f32(functions[k].f32(x), functions[k].exact((long double)x));
            if (e > worst) {
                worst = e;
                at = x;
            }
        }
        print_message("%-8s float   %.4f ulp at %a\n", functions[k].name, worst, (double)at);
        assert_true(worst <= 1.0);
    }
}

static double draw(test_rng *r, const function *f, size_t i)
{
    if (i & 1)
        return test_from_bits_f64(test_next(r));
    double x = f->least + (f->most - f->least) * test_unit(r);
    return i % 4 == 2 ? x * 0x1p-4 : i % 8 == 4 ? x * 0x1p-8 : x;
}

static void double_functions_are_within_one_ulp(void **state)
{
    (void)state;
    if (!reference_is_wide())
        skip();
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        test_rng rng = { 77 + k };
        double   worst = 0, at = 0;
        for (size_t i = 0, n = test_scaled(1000000); i < n; i++) {
            double x = draw(&rng, &functions[k], i),
                   e = ulps_f64(functions[k].f64(x), functions[k].exact((long double)x));
            if (e > worst) {
                worst = e;
                at = x;
            }
        }
        print_message("%-8s double  %.4f ulp at %a\n", functions[k].name, worst, at);
        assert_true(worst <= 1.0);
    }
}

/* wild arguments, bases near 1 with large powers, plain ones, and such that the result has any
 * exponent */
static void draw_pow(test_rng *r, size_t i, double *x, double *y)
{
    double u = test_unit(r) - 0.5;
    *x = test_from_bits_f64(test_next(r) & (i & 1 ? UINT64_MAX : UINT64_MAX >> 1));
    *y = test_from_bits_f64(test_next(r));
    if (i % 4 == 1) {
        *x = 1 + (test_unit(r) - 0.5) * 0.1;
        *y = u * 14000;
    } else if (i % 4 == 2) {
        *x = test_unit(r) * 8;
        *y = u * 20;
    } else if (i % 4 == 0 && isfinite(*x) && *x > 0) {
        *y = u * 1490 / log(*x);
    }
}

static void pow_is_within_one_ulp(void **state)
{
    (void)state;
    if (!reference_is_wide())
        skip();
    test_rng rng = { 4711 };
    double   worst[2] = { 0, 0 }, x, y, at[2][2] = { { 0 } };
    for (size_t i = 0, n = test_scaled(1000000); i < n; i++) {
        draw_pow(&rng, i, &x, &y);
        float  fx = (float)x, fy = (float)y;
        double e[2] = { ulps_f64(tally__pow_f64(x, y), powl((long double)x, (long double)y)),
                        ulps_f32(tally__pow_f32(fx, fy), powl((long double)fx, (long double)fy)) };
        for (int k = 0; k < 2; k++)
            if (e[k] > worst[k]) {
                worst[k] = e[k];
                at[k][0] = k ? (double)fx : x;
                at[k][1] = k ? (double)fy : y;
            }
    }
    print_message("pow      double  %.4f ulp at %a, %a\n", worst[0], at[0][0], at[0][1]);
    print_message("pow      float   %.4f ulp at %a, %a\n", worst[1], at[1][0], at[1][1]);
    assert_true(worst[0] <= 1.0 && worst[1] <= 1.0);
}

/* ---- special values */
#define SPECIAL(f, x, want)                                                           \
    do {                                                                              \
        assert_same_number(tally__##f##_f64(x), want);                                \
        assert_same_number((double)tally__##f##_f32((float)(x)), want);               \
    } while (0)

static void special_values_are_exact(void **state)
{
    (void)state;
    SPECIAL(exp, 0.0, 1.0);
    SPECIAL(exp, -0.0, 1.0);
    SPECIAL(exp, -INFINITY, 0.0);
    SPECIAL(exp, INFINITY, INFINITY);
    SPECIAL(exp, 1e6, INFINITY);
    SPECIAL(exp, -1e6, 0.0);
    SPECIAL(exp, NAN, NAN);
    SPECIAL(log, 1.0, 0.0);
    SPECIAL(log, 0.0, -INFINITY);
    SPECIAL(log, -0.0, -INFINITY);
    SPECIAL(log, -1.0, NAN);
    SPECIAL(log, -INFINITY, NAN);
    SPECIAL(log, INFINITY, INFINITY);
    SPECIAL(log, NAN, NAN);
    SPECIAL(log1p, 0.0, 0.0);
    SPECIAL(log1p, -0.0, -0.0);
    SPECIAL(log1p, -1.0, -INFINITY);
    SPECIAL(log1p, -2.0, NAN);
    SPECIAL(log1p, -INFINITY, NAN);
    SPECIAL(log1p, INFINITY, INFINITY);
    SPECIAL(log1p, NAN, NAN);
    SPECIAL(tanh, 0.0, 0.0);
    SPECIAL(tanh, -0.0, -0.0);
    SPECIAL(tanh, INFINITY, 1.0);
    SPECIAL(tanh, -INFINITY, -1.0);
    SPECIAL(tanh, NAN, NAN);
    SPECIAL(sigmoid, 0.0, 0.5);
    SPECIAL(sigmoid, INFINITY, 1.0);
    SPECIAL(sigmoid, -INFINITY, 0.0);
    SPECIAL(sigmoid, NAN, NAN);
    SPECIAL(sqrt, -0.0, -0.0);
    SPECIAL(sqrt, -1.0, NAN);
}

static void subnormal_arguments_and_results_come_out(void **state)
{
    (void)state;
    assert_bits_f64(tally__log_f64(0x1p-1074), -0x1.74385446d71c3p+9);
    assert_bits_f64(tally__exp_f64(-745.0), 0x1p-1074);
    assert_bits_f64(tally__log1p_f64(0x1p-1074), 0x1p-1074);
    assert_bits_f64(tally__tanh_f64(-0x1p-1074), -0x1p-1074);
    assert_bits_f64(tally__sigmoid_f64(-744.0), 0x1p-1073);
    assert_bits_f64(tally__pow_f64(2.0, -1074.0), 0x1p-1074);
    assert_bits_f64(tally__pow_f64(0x1p-1074, 0.5), 0x1p-537);
    assert_bits_f32(tally__pow_f32(2.0f, -149.0f), 0x1p-149f);
    assert_bits_f32(tally__exp_f32(-103.0f), 0x1p-149f);
}

/* C's Annex F, which the platform's pow follows: every pair of special values */
static void pow_has_the_special_values_of_annex_f(void **state)
{
    static const double v[] = { 0.0,     -0.0,    0.5,      -0.5,     1.0,       -1.0,   2.0,
                                -2.0,    3.0,     -3.0,     4.0,      1e300,     -1e300, 0x1p53,
                                -0x1p53, 0x1.8p1, -0x1.8p0, INFINITY, -INFINITY, NAN };
    (void)state;
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        for (size_t k = 0; k < sizeof v / sizeof *v; k++) {
            double want = pow(v[i], v[k]), got = tally__pow_f64(v[i], v[k]);
            if (!(isnan(want) && isnan(got)) &&
                (ulps_f64(got, (long double)want) > 1 || signbit(want) != signbit(got)))
                fail_msg("pow(%g, %g) is %g, expected %g", v[i], v[k], got, want);
            float fx = (float)v[i], fy = (float)v[k], fw = powf(fx, fy),
                  fg = tally__pow_f32(fx, fy);
            if (!(isnan(fw) && isnan(fg)) &&
                (ulps_f32(fg, (long double)fw) > 1 || signbit(fw) != signbit(fg)))
                fail_msg("pow(%g, %g) is %g in float, expected %g", (double)fx, (double)fy,
                         (double)fg, (double)fw);
        }
}

static void min_and_max_know_nan_and_the_sign_of_zero(void **state)
{
    (void)state;
    assert_bits_f64(tally__max_f64(-0.0, 0.0), 0.0);
    assert_bits_f64(tally__max_f64(0.0, -0.0), 0.0);
    assert_bits_f64(tally__min_f64(0.0, -0.0), -0.0);
    assert_bits_f64(tally__min_f64(-0.0, 0.0), -0.0);
    assert_same_number(tally__max_f64(NAN, INFINITY), NAN);
    assert_same_number(tally__min_f64(-INFINITY, NAN), NAN);
    assert_same_number((double)tally__max_f32(1.0f, NAN), NAN);
}

/* ---- the same bits from every compiler, optimisation and vector width: a hash of results, NaN
 * counted as one */
static uint64_t mixed_in(uint64_t h, uint64_t bits)
{
    h = (h ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t hash_of(const function *f, uint64_t seed)
{
    test_rng rng = { seed };
    uint64_t h = 0;
    for (size_t i = 0; i < 100000; i++) {
        double x = draw(&rng, f, i), y = f->f64(x), z = tally__pow_f64(x, draw(&rng, f, i + 1));
        float  g = f->f32((float)x);
        h = mixed_in(h, y == y ? test_bits_f64(y) : 1);
        h = mixed_in(h, g == g ? test_bits_f32(g) : 1);
        h = mixed_in(h, z == z ? test_bits_f64(z) : 1);
    }
    return h;
}

static void every_build_gives_the_same_bits(void **state)
{
    static const uint64_t want[sizeof functions / sizeof *functions] = {
        0x00df1708d7257d04u, 0x385fed06cb5e5dfbu, 0x0b94eda0548dc881u,
        0xc86af7e8ebd02c17u, 0x26403a299ec09958u, 0xc75e86aa2cd1fd69u
    };
    bool same = true;
    (void)state;
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        uint64_t h = hash_of(&functions[k], 31 + k);
        if (h != want[k])
            print_error("%s: hash 0x%016llx, expected 0x%016llx\n", functions[k].name,
                        (unsigned long long)h, (unsigned long long)want[k]);
        same = same && h == want[k];
    }
    assert_true(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_functions_are_within_one_ulp),
        cmocka_unit_test(double_functions_are_within_one_ulp),
        cmocka_unit_test(pow_is_within_one_ulp),
        cmocka_unit_test(special_values_are_exact),
        cmocka_unit_test(subnormal_arguments_and_results_come_out),
        cmocka_unit_test(pow_has_the_special_values_of_annex_f),
        cmocka_unit_test(min_and_max_know_nan_and_the_sign_of_zero),
        cmocka_unit_test(every_build_gives_the_same_bits),
    };
    return cmocka_run_group_tests_name("graph/math", tests, NULL, NULL);
}
