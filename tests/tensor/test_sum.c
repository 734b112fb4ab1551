/* sum: the exact sum as a value, at its edges: carries through all words, counters, whole numbers, rounding,
 * bytes. */
#include "../support.h"

#include <float.h>

#include "../../src/tensor/tensor.h"

static const tally__sum empty = { { 0 }, 0, 0, 0 };

static tally__sum sum_of(size_t n, const double *x)
{
    tally__sum s = empty;

    for (size_t i = 0; i < n; i++) tally__sum_add_one(&s, x[i]);
    return s;
}
#define SUM(...) sum_of(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double), (double[]){ __VA_ARGS__ })

static void assert_rounds(tally__sum s, double want)
{
    assert_bits_f64(tally__sum_round(&s), want);
}

static void sums_are_rounded_once(void **state)
{
    (void)state;
    assert_rounds(empty, 0.0);
    assert_rounds(SUM(-0.0, -0.0), 0.0);           /* the sum knows no sign of zero */
    assert_rounds(SUM(0.1, 0.2, -0.3), 0x1p-55);
    assert_rounds(SUM(1e300, 1.0, -1e300), 1.0);
    assert_rounds(SUM(1, 0x1p-53), 1.0);
    assert_rounds(SUM(1, 0x1p-53, 0x1p-1074), 1 + 0x1p-52);
    assert_rounds(SUM(-1, -0x1p-53, -0x1p-1074), -1 - 0x1p-52);
    assert_rounds(SUM(1, 0x1p-52, 0x1p-53), 1 + 0x1p-51);
    assert_rounds(SUM(-0x1.fffffffffffffp0, -0x1p-53), -2.0);
    assert_rounds(SUM(0x1p-1022, -0x1p-1074), 0x0.fffffffffffffp-1022);
    assert_rounds(SUM(DBL_MAX, DBL_MAX, -DBL_MAX), DBL_MAX);
    assert_rounds(SUM(DBL_MAX, 0x1p969), DBL_MAX);
    assert_rounds(SUM(DBL_MAX, 0x1p970), (double)INFINITY);
    assert_rounds(SUM(-DBL_MAX, -DBL_MAX), -(double)INFINITY);
}

static void floats_are_rounded_from_the_sum_itself(void **state)
{
    tally__sum s = SUM(1, 0x1p-24, 0x1p-60);       /* by way of double it would be a tie, and go down */

    (void)state;
    assert_bits_f32(tally__sum_round_f32(&s), 1 + 0x1p-23f);
    s = SUM(1, 0x1p-24);
    assert_bits_f32(tally__sum_round_f32(&s), 1.0f);
    s = SUM(0x1.ffffffp127);
    assert_bits_f32(tally__sum_round_f32(&s), INFINITY);
    s = SUM(-0x1p-149, -0x1p-151);
    assert_bits_f32(tally__sum_round_f32(&s), -0x1p-149f);
    s = SUM(-0x1p-200);
    assert_bits_f32(tally__sum_round_f32(&s), -0.0f);
    s = SUM(INFINITY);
    assert_bits_f32(tally__sum_round_f32(&s), INFINITY);
    s = SUM(-INFINITY);
    assert_bits_f32(tally__sum_round_f32(&s), -INFINITY);
    s = SUM(NAN);
    assert_int_equal(test_bits_f32(tally__sum_round_f32(&s)), 0x7fc00000);
    assert_bits_f32(tally__sum_round_f32(&empty), 0.0f);
}

static void what_is_not_finite_is_counted(void **state)
{
    tally__sum s = SUM(1, INFINITY, INFINITY), t = SUM(INFINITY), u = SUM(-INFINITY);

    (void)state;
    assert_rounds(s, (double)INFINITY);
    tally__sum_subtract(&s, &t);
    assert_rounds(s, (double)INFINITY);
    tally__sum_subtract(&s, &t);
    assert_rounds(s, 1.0);
    tally__sum_subtract(&s, &t);                   /* 1 - inf */
    assert_rounds(s, -(double)INFINITY);
    s = SUM(1);
    tally__sum_subtract(&s, &u);
    assert_rounds(s, (double)INFINITY);
    s = SUM(INFINITY, -INFINITY);
    assert_int_equal(test_bits_f64(tally__sum_round(&s)), UINT64_C(0x7ff8000000000000));
    s = SUM(test_from_bits_f64(UINT64_C(0xfff8000000000123)), 3);
    assert_int_equal(test_bits_f64(tally__sum_round(&s)),
                     UINT64_C(0x7ff8000000000000)); /* one NaN, whatever came in */
    assert_false(tally__sum_is_zero(&t));
    assert_true(tally__sum_is_zero(&empty));
}

static void carries_run_through_all_words(void **state)
{
    tally__sum s = SUM(-0x1p-1074), t;

    (void)state;
    for (int i = 0; i < TALLY__SUM_WORDS; i++) assert_true(s.word[i] == UINT64_MAX);
    tally__sum_add_one(&s, 0x1p-1074);
    assert_memory_equal(&s, &empty, sizeof s);
    s = SUM(0x1p1000, -0x1p-1074), t = SUM(-0x1p1000, 0x1p-1074);
    tally__sum_merge(&s, &t);
    assert_memory_equal(&s, &empty, sizeof s);
    tally__sum_subtract(&s, &t);
    tally__sum_merge(&s, &t);
    assert_memory_equal(&s, &empty, sizeof s);
    for (int i = 0; i < 1000; i++) tally__sum_add_one(&s, DBL_MAX);
    for (int i = 0; i < 1000; i++) tally__sum_add_one(&s, -DBL_MAX);
    assert_memory_equal(&s, &empty, sizeof s);
}

static void integers_add_as_themselves(void **state)
{
    tally__sum s = empty;
    int64_t    v;

    (void)state;
    tally__sum_add_i64(&s, INT64_MIN);
    assert_true(tally__sum_whole(&s, &v) && v == INT64_MIN);
    tally__sum_add_i64(&s, -1);
    assert_false(tally__sum_whole(&s, &v));
    tally__sum_add_u64(&s, (uint64_t)1 << 63);
    assert_true(tally__sum_whole(&s, &v) && v == -1);
    tally__sum_add_u64(&s, UINT64_MAX);
    assert_rounds(s, 0x1p64);
    assert_false(tally__sum_whole(&s, &v));
    tally__sum_add_i64(&s, INT64_MIN);
    assert_true(tally__sum_whole(&s, &v) && v == INT64_MAX - 1);
}

static void only_a_whole_finite_sum_is_whole(void **state)
{
    int64_t    v = 77;
    tally__sum s = SUM(0.5);

    (void)state;
    assert_false(tally__sum_whole(&s, &v));
    tally__sum_add_one(&s, 0.5);
    assert_true(tally__sum_whole(&s, &v) && v == 1);
    tally__sum_add_one(&s, -0x1p-1074);
    assert_false(tally__sum_whole(&s, &v));
    s = SUM(-3, INFINITY);
    assert_false(tally__sum_whole(&s, &v));
    s = SUM(0x1p63);
    assert_false(tally__sum_whole(&s, &v));
    s = SUM(-0x1p63);
    assert_true(tally__sum_whole(&s, &v) && v == INT64_MIN);
    s = SUM(1e300);
    assert_false(tally__sum_whole(&s, &v));
    assert_true(tally__sum_whole(&empty, &v) && v == 0);
}

static void packing_stores_only_the_words_that_tell_something(void **state)
{
    uint8_t    bytes[TALLY__SUM_BYTES_MAX] = { 0 };
    tally__sum s = SUM(1), t = SUM(-1), wide = SUM(0x1.fp1023, 0x1p-1074);

    (void)state;
    assert_int_equal(tally__sum_pack(&empty, bytes), 28);
    assert_int_equal(tally__sum_pack(&s, bytes), 36);
    assert_int_equal(bytes[24], 16);               /* 2^0 is bit 1074: word 16, bit 50 */
    assert_int_equal(bytes[26], 1);
    assert_int_equal(bytes[28 + 6], 4);
    assert_int_equal(tally__sum_pack(&t, NULL), 36);
    assert_int_equal(tally__sum_pack(&wide, NULL), 28 + 8 * 33);
    for (int i = 0; i < 1 << 20; i += 1 << 14) tally__sum_add_one(&wide, DBL_MAX);
    assert_true(tally__sum_pack(&wide, bytes) <= sizeof bytes);
}

static void bytes_that_are_not_canonical_are_refused(void **state)
{
    uint8_t    bytes[TALLY__SUM_BYTES_MAX + 8] = { 0 }, bad[TALLY__SUM_BYTES_MAX + 8];
    tally__sum s = SUM(1, 0x1p100), out = SUM(5), before = out;
    const size_t n = tally__sum_pack(&s, bytes);

    (void)state;
    assert_int_equal(n, 28 + 3 * 8);
    for (size_t cut = 0; cut < n; cut++) assert_int_equal(tally__sum_unpack(&out, bytes, cut), 0);
#define BAD(change) memcpy(bad, bytes, sizeof bad), change, assert_int_equal(tally__sum_unpack(&out, bad, sizeof bad), 0)
    BAD(bad[24] = 32);                             /* the window leaves the sum */
    BAD(bad[25] = 1);
    BAD(bad[26] = 35);
    BAD(bad[27] = 255);
    BAD(bad[26] = 4);                              /* a word more than needed */
    BAD((bad[26] = 0, bad[24] = 3));               /* zero begins at 0 */
    BAD(memset(bad + 28, 0, 8));                   /* the first word is 0 */
    BAD((memset(bad + 28 + 8, 0, 16)));            /* the last words are 0 */
    assert_memory_equal(&out, &before, sizeof out);
    assert_int_equal(tally__sum_unpack(&out, bytes, sizeof bytes), n);   /* more may follow */
    assert_memory_equal(&out, &s, sizeof out);
}

static void random_bytes_unpack_to_what_packs_to_them_or_not_at_all(void **state)
{
    const size_t cases = test_scaled(200000);
    size_t       taken = 0;

    (void)state;
    for (size_t i = 0; i < cases; i++) {
        test_rng   r = { i };
        uint8_t    bytes[TALLY__SUM_BYTES_MAX], again[TALLY__SUM_BYTES_MAX];
        tally__sum s;
        for (size_t j = 0; j < sizeof bytes; j++)
            bytes[j] = (uint8_t)(test_below(&r, 3) ? test_next(&r) : test_below(&r, 2) * 255);
        bytes[24] = (uint8_t)test_below(&r, 36), bytes[26] = (uint8_t)test_below(&r, 36),
        bytes[25] = bytes[27] = 0;
        const size_t n = tally__sum_unpack(&s, bytes, test_below(&r, sizeof bytes + 1));
        if (!n) continue;
        taken++;
        assert_int_equal(tally__sum_pack(&s, again), n);
        assert_memory_equal(again, bytes, n);
    }
    assert_true(taken > cases / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_rounded_once),
        cmocka_unit_test(floats_are_rounded_from_the_sum_itself),
        cmocka_unit_test(what_is_not_finite_is_counted),
        cmocka_unit_test(carries_run_through_all_words),
        cmocka_unit_test(integers_add_as_themselves),
        cmocka_unit_test(only_a_whole_finite_sum_is_whole),
        cmocka_unit_test(packing_stores_only_the_words_that_tell_something),
        cmocka_unit_test(bytes_that_are_not_canonical_are_refused),
        cmocka_unit_test(random_bytes_unpack_to_what_packs_to_them_or_not_at_all),
    };
    return cmocka_run_group_tests_name("sum", tests, NULL, NULL);
}
