/* Random graph programs against their direct execution: every returned value, state and variable, bit for bit. A failing
 * seed is printed with its program; TALLY_PROGRAM=<number> runs that one alone, TALLY_PROGRAM_FIRST=<number> starts there. */
#include "program.h"

enum { PROGRAMS = 15000, SHOWN = 3 };

static uint64_t seed_of(size_t k)
{
    test_rng r = { UINT64_C(0x7a11) + k };
    return test_next(&r);
}

static size_t judge_all(uint64_t (*seed)(size_t), size_t from, size_t n, program_counts *counts)
{
    char   text[600];
    size_t wrong = 0;
    for (size_t k = from; k < from + n; k++) {
        if (!program_judge(seed(k), counts, text, sizeof text))
            continue;
        if (wrong++ < SHOWN) {
            print_error("program %zu: %s\n", k, text);
            program *p = program_make(seed(k));
            program_print(p);
            program_free(p);
        }
    }
    return wrong;
}

static void random_programs_give_the_bits_of_their_direct_execution(void **state)
{
    (void)state;
    const char    *only = getenv("TALLY_PROGRAM"), *first = getenv("TALLY_PROGRAM_FIRST");
    program_counts counts = { 0, 0, 0, 0, 0 };
    size_t         n = only ? 1 : test_scaled(PROGRAMS), from = only ? strtoul(only, NULL, 0) : first ? strtoul(first, NULL, 0) : 0;
    size_t         wrong = judge_all(seed_of, from, n, &counts);
    print_message("%zu programs, %zu calls compared, %zu of them had to fail and did, %zu programs left open, %.1f instructions each\n", n, counts.calls, counts.failed, counts.unclear,
                  (double)counts.instructions / (double)n);
    assert_int_equal(wrong, 0);
    if (only || first)
        return;
    assert_true(counts.unclear * 3 < n);                    /* or the generator has lost its point */
    assert_true(counts.failed * 2 < counts.calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_programs_give_the_bits_of_their_direct_execution) };
    return cmocka_run_group_tests_name("laws/programs", tests, NULL, NULL);
}
