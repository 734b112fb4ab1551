/* cpu: the probe agrees with the compiler's own, and with itself from many sides. */
#include "../support.h"

#include "../../src/base/base.h"

static void the_level_is_what_the_compiler_finds(void **state)
{
    (void)state;
    tally__isa isa = tally__cpu();
#if defined __x86_64__ && defined __GNUC__
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
    assert_int_equal(isa, avx512 ? TALLY__ISA_AVX512 : avx2 ? TALLY__ISA_AVX2 : TALLY__ISA_BASE);
#else
    assert_int_equal(isa, TALLY__ISA_BASE);
#endif
}

static void the_answer_stays(void **state)
{
    tally__isa first = tally__cpu();
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(tally__cpu(), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_level_is_what_the_compiler_finds),
        cmocka_unit_test(the_answer_stays),
    };
    return cmocka_run_group_tests_name("base cpu", tests, NULL, NULL);
}
