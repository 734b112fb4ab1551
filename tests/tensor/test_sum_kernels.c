/* sum_kernels: each kernel by itself. A block it takes is counted exactly, a block it cannot count is
 * refused: one value too large, one bit too low, one that is not finite, at any place. All instruction sets of this
 * machine pass the same tests; that they agree on every block is in tests/kernel. */
#include "../support.h"

#include "../../src/tensor/tensor.h"

static const tally__sum_kernels *kernels;     /* of one instruction set after the other */
enum { N = TALLY__SUM_BLOCK, ROOM = N + 128 };
static float  f32[ROOM];
static double f64[ROOM], copy[ROOM];

static bool split_is(int top, int levels, size_t n, const tally__sum *want)
{
    int64_t    k[TALLY__SUM_LEVELS];
    tally__sum s = { { 0 }, 0, 0, 0 };

    if (!kernels->split(f64, n, top, levels, k)) return false;
    for (int j = 0; j < levels; j++) tally__sum_deposit(&s, k[j], top - 52 - 51 * j);
    assert_memory_equal(&s, want, sizeof s);
    return true;
}

static void full_blocks_of_the_largest_counts_fit(void **state)
{
    int64_t k;

    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        tally__sum want = { { 0 }, 0, 0, 0 };
        for (size_t i = 0; i < N; i++) {
            f32[i] = (float)sign * 0x1.fffff4p0f;     /* the next float rounds to a count too many */
            f64[i] = sign * 0x1.ffffffffffffap0;
            tally__sum_add_one(&want, f64[i]);
        }
        assert_true(kernels->narrow(f32, N, 3, &k));
        assert_true(k == sign * (int64_t)N * 0xfffffa * ((int64_t)1 << (44 - 3 - 23)));
        for (int levels = 2; levels <= 4; levels++) assert_true(split_is(3, levels, N, &want));
    }
}

static void a_single_bad_value_is_refused_wherever_it_stands(void **state)
{
    const float  bad_f32[] = { 2.0f,      -2.5f, 0x1p-42f, -0x1.8p-41f, INFINITY,
                               -INFINITY, NAN,   -NAN,     0x1p127f,    0x1p-149f };
    const double bad_f64[] = {
        2.0,         -2.5,         0x1p-101, -0x1.8p-100, (double)INFINITY, -(double)INFINITY,
        (double)NAN, -(double)NAN, 0x1p1023, 0x1p-1074
    };
    int64_t      k[TALLY__SUM_LEVELS];

    (void)state;
    for (size_t i = 0; i < N; i++) f32[i] = 0, f64[i] = 0;
    for (size_t b = 0; b < TALLY__COUNT(bad_f32); b++)
        for (size_t n = 1; n <= 70; n += 3)
            for (size_t i = 0; i < n; i++) {
                f32[i] = bad_f32[b], f64[i] = bad_f64[b];
                assert_false(kernels->narrow(f32, n, 3, k));
                assert_false(kernels->split(f64, n, 3, 2, k));
                f32[i] = 0, f64[i] = 0;
            }
}

static void the_last_bit_covered_is_counted(void **state)
{
    int64_t k;

    (void)state;
    for (size_t i = 0; i < 40; i++) f32[i] = i ? -0.0f : 0x1p-41f, f64[i] = 0;
    assert_true(kernels->narrow(f32, 40, 3, &k));
    assert_true(k == 1);
    for (int levels = 2; levels <= 4; levels++) {
        tally__sum want = { { 0 }, 0, 0, 0 };
        f64[0] = ldexp(1, 3 - 1 - 51 * levels); /* unit of the last level: 2^(top - 52 - 51 (levels - 1)) */
        f64[1] = -0x1.8p0;
        tally__sum_add_one(&want, f64[0]);
        tally__sum_add_one(&want, f64[1]);
        assert_true(split_is(3, levels, 40, &want));
        f64[0] /= 2;
        assert_false(split_is(3, levels, 40, &want));
    }
}

static void the_range_is_that_of_finite_values_other_than_0(void **state)
{
    int32_t low, high;

    (void)state;
    for (size_t i = 0; i < 50; i++) f64[i] = i % 3 ? 0.0 : i % 2 ? (double)INFINITY : (double)NAN;
    kernels->range(f64, 50, &low, &high);
    assert_true(low > high);
    f64[17] = -8, f64[31] = 0x1p-30, f64[44] = 1;
    kernels->range(f64, 50, &low, &high);
    assert_int_equal(low, 1023 - 30);
    assert_int_equal(high, 1023 + 3);
    f64[0] = 0x1p-1074;
    kernels->range(f64, 50, &low, &high);
    assert_int_equal(low, 0);
}

static void peeling_keeps_what_lies_inside_and_counts_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < 50; i++) f64[i] = i % 2 ? 1.5 : -0.0;
    f64[3] = 0x1p20, f64[9] = 0x1p-20, f64[11] = (double)NAN, f64[13] = -4, f64[15] = 0.25;
    assert_int_equal(kernels->peel(copy, f64, 50, 1023 - 2, 1023 + 2), 3);
    for (size_t i = 0; i < 50; i++) {
        const bool out = i == 3 || i == 9 || i == 11 || i % 2 == 0;
        assert_bits_f64(copy[i], out ? 0.0 : f64[i]);
    }
}

static void widening_is_exact(void **state)
{
    test_rng r = { 1 };

    (void)state;
    for (size_t i = 0; i < N; i++) f32[i] = test_from_bits_f32((uint32_t)test_next(&r) & 0xff7fffff);
    kernels->widen(f64, f32, N);
    for (size_t i = 0; i < N; i++) assert_bits_f32((float)f64[i], f32[i]);
}

static void floats_split_as_their_doubles_do(void **state)
{
    int64_t  k[TALLY__SUM_LEVELS], wide[TALLY__SUM_LEVELS];
    test_rng r = { 4 };

    (void)state;
    for (int i = 0; i < 200; i++) {
        const int    levels = 2 + i % 3, top = 3 + i % 40;
        const size_t n = test_below(&r, N);
        for (size_t j = 0; j < n; j++) {
            const int e = (int)test_below(&r, 100) - 98;
            f32[j] = ldexpf(1 + (float)test_unit(&r), e);
        }
        kernels->widen(f64, f32, n);
        assert_int_equal(kernels->split_f32(f32, n, top, levels, k),
                         kernels->split(f64, n, top, levels, wide));
        assert_memory_equal(k, wide, sizeof k);
    }
}

static void halves_of_integers_are_added_apart(void **state)
{
    const int64_t x[4] = { -1, INT64_MIN, INT64_MAX, 5 };
    const uint8_t b[3] = { 0, 1, 200 };
    int64_t       part[3];

    (void)state;
    kernels->integers(x, TALLY_I64, 4, part);
    assert_true(part[2] == -2);
    assert_true(part[0] == (int64_t)0xffffffff * 2 + 5 &&
                part[1] == (int64_t)0xffffffff + 0x80000000 + 0x7fffffff);
    kernels->integers(x, TALLY_U64, 4, part);
    assert_true(part[2] == 0);
    kernels->integers(b, TALLY_BOOL, 3, part);
    assert_true(part[0] == 2 && part[1] == 0 && part[2] == 0);
}

static void truth_is_counted_at_any_length(void **state)
{
    static uint8_t truth[64 * 255 * 2 + 200];
    int64_t        part[3];

    (void)state;
    for (size_t i = 0; i < sizeof truth; i++) truth[i] = i % 7 == 6 ? 0 : (uint8_t)(1 + i % 255);
    for (size_t n = 0; n <= sizeof truth; n += n < 300 ? 1 : 997) {
        int64_t want = 0;
        for (size_t i = 0; i < n; i++) want += truth[i] != 0;
        kernels->integers(truth, TALLY_BOOL, n, part);
        assert_true(part[0] == want && !part[1] && !part[2]);
    }
    memset(truth, 1, sizeof truth);
    kernels->integers(truth, TALLY_BOOL, sizeof truth, part);
    assert_true(part[0] == (int64_t)sizeof truth);
}

static void whole_values_are_added_up_to_their_limits(void **state)
{
    const float  limit[] = { 0x1p22f, -0x1p22f, 0x1.fffffep50f, -0x1p51f, -0.0f, 4194303.0f, 8388608.0f };
    int64_t      total;

    (void)state;
    for (size_t k = 0; k < TALLY__COUNT(limit); k++)
        for (size_t n = 1; n <= TALLY__WHOLE_BLOCK; n += n < 70 ? 1 : 71) {
            for (size_t i = 0; i < n; i++) f64[i] = (double)(f32[i] = i % 3 ? limit[k] : -1.0f);
            int64_t want = 0;
            for (size_t i = 0; i < n; i++) want += (int64_t)f64[i];
            assert_true(kernels->whole_f32(f32, n, &total));
            assert_true(total == want);
            assert_true(kernels->whole_f64(f64, n, &total));
            assert_true(total == want);
        }
}

static void a_single_value_that_is_not_whole_is_refused_wherever_it_stands(void **state)
{
    const double bad[] = { 0.5,      -1.5, 0x1p-149, 0x1p-1074, (double)NAN, (double)INFINITY, -(double)INFINITY,
                           0x1.8p51, 0x1p60, 4194303.5, 1e300 };
    int64_t      total;

    (void)state;
    for (size_t b = 0; b < TALLY__COUNT(bad); b++)
        for (size_t n = 1; n <= 70; n += 3)
            for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < n; j++) f32[j] = 3, f64[j] = 3;
                f64[i] = bad[b];
                assert_false(kernels->whole_f64(f64, n, &total));
                f32[i] = (float)bad[b];
                if (f32[i] != 0) assert_false(kernels->whole_f32(f32, n, &total));
            }
}

static void small_whole_numbers_are_added_by_column(void **state)
{
    static const float bad[] = { 0.5f, 32768.5f, 32769, -40000, 0x1p23f, 0x1p24f, 1e30f, 0x1p-140f, (float)INFINITY, (float)NAN };
    int32_t            total[TALLY__COLUMNS], want[TALLY__COLUMNS];
    test_rng           r = { 21 };

    (void)state;
    for (size_t columns = 1; columns <= TALLY__COLUMNS; columns += 1 + columns / 20)
        for (size_t rows = 0; rows * columns <= N; rows += 1 + rows / 8) {
            memset(want, 0, sizeof want);
            for (size_t i = 0; i < rows * columns; i++) {
                f32[i] = test_below(&r, 9) ? (float)test_below(&r, 2) : test_below(&r, 3) ? (float)test_below(&r, 65537) - 32768 : -0.0f;
                want[i % columns] += (int32_t)f32[i];
            }
            assert_true(kernels->columns_f32(total, f32, rows, columns));
            assert_memory_equal(total, want, columns * sizeof *total);
            if (!rows) continue;
            f32[test_below(&r, rows * columns)] = bad[test_below(&r, TALLY__COUNT(bad))];
            assert_false(kernels->columns_f32(total, f32, rows, columns));
        }
}

static void weights_multiply_and_masks_hide(void **state)
{
    uint8_t  shown[100];
    test_rng r = { 9 };

    (void)state;
    for (size_t n = 0; n <= 100; n++) {
        for (size_t i = 0; i < n; i++) {
            f64[i] = i % 9 ? test_any_f64(&r) : (double)NAN;
            copy[i] = test_unit(&r);
            shown[i] = (uint8_t)(i % 3);
        }
        kernels->hide(f64, shown, n);
        for (size_t i = 0; i < n; i += 3) assert_bits_f64(f64[i], 0.0);
        for (size_t i = 0; i < n; i++) f64[i] = test_unit(&r);
        const double last = f64[n ? n - 1 : 0];
        kernels->weigh(f64, copy, n);
        if (n) assert_bits_f64(f64[n - 1], copy[n - 1] * last);
        for (size_t i = 0; i < n; i++) f64[i] = copy[i], f32[i] = (float)test_unit(&r);
        kernels->weigh_f32(f64, f32, n);
        for (size_t i = 0; i < n; i++) assert_bits_f64(f64[i], (double)f32[i] * copy[i]);
        kernels->widen_bytes(f64, shown, false, n);
        kernels->widen_bytes(copy, shown, true, n);
        for (size_t i = 0; i < n; i++) {
            assert_bits_f64(f64[i], (double)shown[i]);
            assert_bits_f64(copy[i], shown[i] ? 1.0 : 0.0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_blocks_of_the_largest_counts_fit),
        cmocka_unit_test(a_single_bad_value_is_refused_wherever_it_stands),
        cmocka_unit_test(the_last_bit_covered_is_counted),
        cmocka_unit_test(the_range_is_that_of_finite_values_other_than_0),
        cmocka_unit_test(peeling_keeps_what_lies_inside_and_counts_the_rest),
        cmocka_unit_test(widening_is_exact),
        cmocka_unit_test(floats_split_as_their_doubles_do),
        cmocka_unit_test(halves_of_integers_are_added_apart),
        cmocka_unit_test(truth_is_counted_at_any_length),
        cmocka_unit_test(whole_values_are_added_up_to_their_limits),
        cmocka_unit_test(a_single_value_that_is_not_whole_is_refused_wherever_it_stands),
        cmocka_unit_test(small_whole_numbers_are_added_by_column),
        cmocka_unit_test(weights_multiply_and_masks_hide),
    };
    int failed = 0;
    for (int isa = TALLY__ISA_BASE; isa <= (int)tally__cpu(); isa++) {
        kernels = tally__sum_kernels_for((tally__isa)isa);
        failed += cmocka_run_group_tests_name("sum_kernels", tests, NULL, NULL);
    }
    return failed;
}
