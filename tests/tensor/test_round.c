/* round: every rounding to a small format is right, for all of them, by multiplying out the midpoints. */
#include "exact_reference.h"

#include "../../src/tensor/tensor.h"

static void check(uint64_t m, int e, int fraction, int exponent)
{
    const uint64_t got = tally__round_bits(m, e, false, fraction, exponent);
    big            number = { 0, { 0 } }, one = { 0, { 0 } };

    big_add_at(&number, m, e > 0 ? e : 0);
    big_add_at(&one, 1, e < 0 ? -e : 0);
    if (ref_is_nearest(&number, &one, got, fraction, exponent)) return;
    print_error("%llu * 2^%d with %d + %d bits is not 0x%llx\n", (unsigned long long)m, e, fraction, exponent,
                (unsigned long long)got);
    fail();
}

static void every_number_of_a_tiny_format_is_rounded_right(void **state)
{
    (void)state;
    for (uint64_t m = 0; m < 300; m++)
        for (int e = -24; e < 12; e++) {
            check(m, e, 3, 4);
            check(m, e, 2, 3);
            check(m, e, 7, 2);
        }
}

static void numbers_of_any_length_are_rounded_right(void **state)
{
    static const int format[][2] = { { 52, 11 }, { 23, 8 }, { 10, 5 }, { 7, 8 } };
    const size_t     cases = test_scaled(200000);
    test_rng         r = { 11 };

    (void)state;
    for (size_t i = 0; i < cases; i++) {
        const int     *f = format[test_below(&r, 4)], shift = (int)test_below(&r, 64), span = 1 << f[1];
        const uint64_t any = test_next(&r) >> shift, ones = UINT64_MAX << test_below(&r, 64);
        const int      e = (int)test_below(&r, (size_t)span + 140) - span / 2 - 100;
        check(test_below(&r, 4) ? any : ones >> shift, e, f[0], f[1]);
    }
}

static void what_lies_below_breaks_ties_only(void **state)
{
    const uint64_t one = (uint64_t)1 << 62, half = (uint64_t)1 << 9;   /* unit of the last of 53 bits: 2^10 */

    (void)state;
    assert_int_equal(tally__round_bits(one + half, -62, false, 52, 11), UINT64_C(0x3ff0000000000000));
    assert_int_equal(tally__round_bits(one + half, -62, true, 52, 11), UINT64_C(0x3ff0000000000001));
    assert_int_equal(tally__round_bits(one + half - 1, -62, true, 52, 11), UINT64_C(0x3ff0000000000000));
    assert_int_equal(tally__round_bits(one, -62, true, 52, 11), UINT64_C(0x3ff0000000000000));
    assert_int_equal(tally__round_bits(one, -1137, false, 52, 11), 0); /* 2^-1075 is a tie: to even */
    assert_int_equal(tally__round_bits(one, -1137, true, 52, 11), 1);
    assert_int_equal(tally__round_bits(one, -1138, true, 52, 11), 0);
    assert_int_equal(tally__round_bits(UINT64_MAX, 960, true, 52, 11), UINT64_C(0x7ff0000000000000));
}

static void leading_zeros_are_counted(void **state)
{
    (void)state;
    assert_int_equal(tally__leading_zeros(0), 64);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(tally__leading_zeros((uint64_t)1 << i), 63 - i);
        assert_int_equal(tally__leading_zeros(UINT64_MAX >> i), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_a_tiny_format_is_rounded_right),
        cmocka_unit_test(numbers_of_any_length_are_rounded_right),
        cmocka_unit_test(what_lies_below_breaks_ties_only),
        cmocka_unit_test(leading_zeros_are_counted),
    };
    return cmocka_run_group_tests_name("round", tests, NULL, NULL);
}
