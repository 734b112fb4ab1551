/* ratio: the rules where a quotient is not a quotient, and known quotients that naive division gets wrong.
 * The law that every quotient is the nearest double is test_sum_laws.c. */
#include "../support.h"

#include "../../src/tensor/tensor.h"

static tally__sum sum_of(size_t n, const double *x)
{
    tally__sum s = { { 0 }, 0, 0, 0 };

    for (size_t i = 0; i < n; i++) tally__sum_add_one(&s, x[i]);
    return s;
}
#define SUM(...) sum_of(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double), (double[]){ __VA_ARGS__ })

static void expect(tally__sum a, tally__sum b, double want)
{
    assert_bits_f64(tally__sum_ratio(&a, &b), want);
}

static void a_denominator_of_0_gives_0(void **state)
{
    (void)state;
    expect(SUM(5), SUM(0), 0);
    expect(SUM(-5), SUM(1, -1), 0);
    expect(SUM(INFINITY), SUM(0), 0);
    expect(SUM(NAN), SUM(0), 0);
    expect(SUM(0), SUM(0), 0);
    assert_bits_f64(tally__ratio_i64(5, 0), 0);
    assert_bits_f64(tally__ratio_i64(INT64_MIN, 0), 0);
}

static void a_numerator_of_0_gives_positive_0(void **state)
{
    (void)state;
    expect(SUM(0), SUM(-5), 0);
    expect(SUM(0), SUM(-0x1p-1074), 0);
    assert_bits_f64(tally__ratio_i64(0, -5), 0);
}

static void what_is_not_finite_divides_as_in_ieee(void **state)
{
    const double nan = test_from_bits_f64(UINT64_C(0x7ff8000000000000)), infinity = (double)INFINITY;

    (void)state;
    expect(SUM(NAN), SUM(2), nan);
    expect(SUM(2), SUM(NAN), nan);
    expect(SUM(0), SUM(NAN), nan);
    expect(SUM(INFINITY), SUM(INFINITY), nan);
    expect(SUM(INFINITY, -INFINITY), SUM(1), nan);
    expect(SUM(INFINITY), SUM(-2), -infinity);
    expect(SUM(-INFINITY), SUM(-0x1p-1074), infinity);
    expect(SUM(INFINITY), SUM(0x1p1023, 0x1p1023), infinity);   /* finite, though no double holds it */
    expect(SUM(3), SUM(-INFINITY), -0.0);
    expect(SUM(-3), SUM(-INFINITY), 0.0);
    expect(SUM(0), SUM(-INFINITY), -0.0);
    expect(SUM(0x1p1023, 0x1p1023), SUM(INFINITY), 0.0);
}

static void quotients_are_rounded_once(void **state)
{
    (void)state;
    expect(SUM(1), SUM(3), 1.0 / 3);
    expect(SUM(-1), SUM(0x1p60, 1), -0x1.fffffffffffffp-61 - 0x1p-113);   /* just above -2^-60 */
    expect(SUM(0x1p1023, 0x1p1023), SUM(2), 0x1p1023);
    expect(SUM(0x1p1023, 0x1p1023, 0x1p1023), SUM(0x1p1023, 0x1p1023), 1.5);
    expect(SUM(0x1p1023, 0x1p1023), SUM(1), (double)INFINITY);
    expect(SUM(-0x1p1023), SUM(0x1p-1074), -(double)INFINITY);
    expect(SUM(0x1p-1074), SUM(2), 0);                     /* a tie, to even */
    expect(SUM(0x1.8p-1073), SUM(2), 0x1p-1073);           /* 1.5 units: to even, upwards */
    expect(SUM(-0x1p-1074), SUM(0x1p1000), -0.0);
    expect(SUM(0x1p-1074, 0x1p-1074, 0x1p-1074), SUM(0x1p-1073), 1.5);
    expect(SUM(1, 0x1p-53), SUM(1), 1);
    expect(SUM(1, 0x1p-53, 0x1p-1074), SUM(1), 1 + 0x1p-52);
}

static void large_whole_numbers_divide_exactly(void **state)
{
    (void)state;
    assert_bits_f64(tally__ratio_i64(INT64_MAX, INT64_MAX), 1);
    assert_bits_f64(tally__ratio_i64(INT64_MIN, 1), -0x1p63);
    assert_bits_f64(tally__ratio_i64(INT64_MIN, -1), 0x1p63);
    assert_bits_f64(tally__ratio_i64(INT64_MAX, INT64_MAX - 1), 1);
    assert_bits_f64(tally__ratio_i64(((int64_t)1 << 53) + 1, 1), 0x1p53);
    assert_bits_f64(tally__ratio_i64((int64_t)1 << 62, ((int64_t)1 << 62) + 257),
                    1 - 0x1p-53); /* by way of doubles: 1 */
}

static void a_mean_is_rounded_once(void **state)
{
    tally__sum s = SUM(1, 0x1p-60);
    const tally__sum none = { { 0 }, 0, 0, 0 };

    (void)state;
    assert_bits_f64(tally__sum_mean(&s, 1), 1);
    assert_bits_f64(tally__sum_mean(&s, 3), 1.0 / 3);
    assert_bits_f64(tally__sum_mean(&s, UINT64_MAX), 0x1p-64);
    assert_bits_f64(tally__sum_mean(&none, 7), 0);
    assert_int_equal(test_bits_f64(tally__sum_mean(&none, 0)), UINT64_C(0x7ff8000000000000));
    s = SUM(INFINITY);
    assert_bits_f64(tally__sum_mean(&s, 5), (double)INFINITY);
    s = SUM(0x1p1023, 0x1p1023, 0x1p1023, 0x1p1023);
    assert_bits_f64(tally__sum_mean(&s, 4), 0x1p1023);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_denominator_of_0_gives_0),
        cmocka_unit_test(a_numerator_of_0_gives_positive_0),
        cmocka_unit_test(what_is_not_finite_divides_as_in_ieee),
        cmocka_unit_test(quotients_are_rounded_once),
        cmocka_unit_test(large_whole_numbers_divide_exactly),
        cmocka_unit_test(a_mean_is_rounded_once),
    };
    return cmocka_run_group_tests_name("ratio", tests, NULL, NULL);
}
