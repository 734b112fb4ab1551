/* fp on machines whose control word the library cannot set: the environment is tried by arithmetic, and a wrong one is
 * refused with its reason. The portable path is compiled in here under other names. */
#include "../support.h"

#include <fenv.h>

#define TALLY_FP_PROBE
#define tally__fp_enter probe_fp_enter
#define tally__fp_leave probe_fp_leave
#include "../../src/base/fp.c"

#if defined __SSE__
#include <xmmintrin.h>
#endif

static void the_default_environment_passes(void **state)
{
    tally__fp   fp;
    tally_error err;
    (void)state;
    assert_ok(probe_fp_enter(&fp, &err), &err);
    assert_false(fp.changed);
    probe_fp_leave(&fp);
}

/* valgrind computes as if the mode were never set */
static bool mode_has_no_effect(void)
{
    volatile double one = 1, three = 3, five = 5, third = one / three, fifth = one / five, minus = -one / three;
    return third == 0x1.5555555555555p-2 && fifth == 0x1.999999999999ap-3 && minus == -0x1.5555555555555p-2;
}

static void every_other_rounding_is_refused(void **state)
{
    static const int mode[] = { FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(mode); i++) {
        tally__fp   fp;
        tally_error err = { 0, 0, "" };
        if (fesetround(mode[i]))
            continue;
        if (mode_has_no_effect()) {
            fesetround(FE_TONEAREST);
            skip();
        }
        tally_status s = probe_fp_enter(&fp, &err);
        fesetround(FE_TONEAREST);
        assert_int_equal(s, TALLY_FAILED_PRECONDITION);
        assert_error_has(&err, TALLY_FAILED_PRECONDITION, "rounding, expected to nearest");
    }
}

static void flushing_to_zero_is_refused(void **state)
{
    (void)state;
#if defined __SSE__
    static const unsigned flags[] = { 0x8000, 0x0040, 0x8040 };     /* FTZ, DAZ, both */
    unsigned              before = _mm_getcsr();
    for (size_t i = 0; i < TALLY__COUNT(flags); i++) {
        tally__fp   fp;
        tally_error err = { 0, 0, "" };
        _mm_setcsr(before | flags[i]);
        if ((_mm_getcsr() & 0x8040) != flags[i])
            skip();                                                 /* valgrind has no such modes */
        tally_status s = probe_fp_enter(&fp, &err);
        _mm_setcsr(before);
        assert_int_equal(s, TALLY_FAILED_PRECONDITION);
        assert_error_has(&err, TALLY_FAILED_PRECONDITION, "underflow, expected gradual");
    }
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_environment_passes),
        cmocka_unit_test(every_other_rounding_is_refused),
        cmocka_unit_test(flushing_to_zero_is_refused),
    };
    return cmocka_run_group_tests_name("base fp_probe", tests, NULL, NULL);
}
