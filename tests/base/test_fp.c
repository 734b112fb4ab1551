/* fp: whatever the caller has set, a call rounds to nearest and underflows gradually, and the caller's own setting is
 * back afterwards. */
#include "../support.h"

#include <fenv.h>
#include <float.h>

#include "../../src/base/base.h"

#if defined __SSE__
#include <xmmintrin.h>
#endif

/* what the two modes change; volatile, so that the machine and not the compiler computes */
static bool is_nearest(void)
{
    volatile double one = 1, tiny = DBL_EPSILON / 8;
    return one + tiny == 1 && one - tiny == 1 && -one - tiny == -1;
}

static bool is_gradual(void)
{
    volatile double least = DBL_MIN, d = least / 2;
    double          read = d;
    return test_bits_f64(read) == UINT64_C(1) << 51;
}

static bool in_a_call(void)
{
    tally__fp   fp;
    tally_error err;
    if (tally__fp_enter(&fp, &err))
        return false;
    bool right = is_nearest() && is_gradual();
    tally__fp_leave(&fp);
    return right;
}

static void the_default_environment_is_left_alone(void **state)
{
    tally__fp   fp;
    tally_error err;
    (void)state;
    assert_ok(tally__fp_enter(&fp, &err), &err);
    assert_false(fp.changed);
    tally__fp_leave(&fp);
    assert_true(is_nearest());
}

static void every_rounding_mode_is_set_right_and_put_back(void **state)
{
    static const int mode[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(mode); i++) {
        if (fesetround(mode[i]))
            continue;                        /* not every machine under emulation has all */
        bool right = in_a_call();
        int  after = fegetround();
        fesetround(FE_TONEAREST);
        assert_true(right);
        assert_int_equal(after, mode[i]);
    }
}

static void calls_inside_calls_put_back_in_turn(void **state)
{
    tally__fp   outer, inner;
    tally_error err;
    (void)state;
    fesetround(FE_UPWARD);
    tally__fp_enter(&outer, &err);
    tally__fp_enter(&inner, &err);
    bool inside = inner.changed;
    tally__fp_leave(&inner);
    bool right = is_nearest();
    tally__fp_leave(&outer);
    int after = fegetround();
    fesetround(FE_TONEAREST);
    assert_false(inside);
    assert_true(right);
    assert_int_equal(after, FE_UPWARD);
}

static void flushing_to_zero_is_switched_off_and_on_again(void **state)
{
    (void)state;
#if defined __SSE__
    static const unsigned flags[] = { 0x8000, 0x0040, 0x8040 };     /* FTZ, DAZ, both */
    unsigned              before = _mm_getcsr();
    for (size_t i = 0; i < TALLY__COUNT(flags); i++) {
        _mm_setcsr(before | flags[i]);
        if ((_mm_getcsr() & 0x8040) != flags[i])
            skip();                                                 /* valgrind has no such modes */
        bool     right = in_a_call();
        unsigned after = _mm_getcsr();
        _mm_setcsr(before);
        assert_true(right);
        assert_int_equal(after & 0x8040, flags[i]);
    }
#else
    skip();
#endif
}

static void traps_are_masked_during_a_call(void **state)
{
    (void)state;
#if defined __SSE__
    unsigned before = _mm_getcsr();
    _mm_setcsr(before & ~0x1f80u);                                  /* every exception would end the program */
    if (_mm_getcsr() & 0x1f80)
        skip();
    tally__fp   fp;
    tally_error err;
    tally__fp_enter(&fp, &err);
    volatile double zero = 0, one = 1, three = 3, inexact = one / three, infinite = one / zero;
    tally__fp_leave(&fp);
    unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    assert_true(inexact < 1 && infinite > 1);
    assert_int_equal(after & 0x1f80, 0);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_environment_is_left_alone),
        cmocka_unit_test(every_rounding_mode_is_set_right_and_put_back),
        cmocka_unit_test(calls_inside_calls_put_back_in_turn),
        cmocka_unit_test(flushing_to_zero_is_switched_off_and_on_again),
        cmocka_unit_test(traps_are_masked_during_a_call),
    };
    return cmocka_run_group_tests_name("base fp", tests, NULL, NULL);
}
