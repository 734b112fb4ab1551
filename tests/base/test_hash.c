/* hash: the values are fixed for ever (fingerprints travel), every bit counts, alignment does not. */
#include "../support.h"

#include "../../src/base/base.h"

static void golden_values_hold_on_every_machine(void **state)
{
    unsigned char byte[32];
    (void)state;
    for (size_t i = 0; i < sizeof byte; i++)
        byte[i] = (unsigned char)(i * 37);
    static const struct { size_t n; uint64_t seed, want; } row[] = {
        { 0, 0, UINT64_C(0x3da4588b8c08334f) },
        { 0, 1, UINT64_C(0x98a68d189a999cb7) },
        { 1, 0, UINT64_C(0xa0638bf903057029) },
        { 7, 0, UINT64_C(0x67927d28e6cc8c23) },
        { 8, 0, UINT64_C(0xf31659d2b28934ac) },
        { 9, 0, UINT64_C(0x4721598c1a5e6f53) },
        { 16, 0, UINT64_C(0x2f0bc04372181b13) },
        { 31, 0, UINT64_C(0x7a7f041fd4d217c2) },
        { 32, 0, UINT64_C(0xb677c968ab37aa05) },
        { 32, 123456789, UINT64_C(0x8f0267d25028ac03) },
    };
    for (size_t i = 0; i < TALLY__COUNT(row); i++) {
        uint64_t got = tally__hash(byte, row[i].n, row[i].seed);
        if (got != row[i].want)
            print_error("%zu bytes, seed %llu: got 0x%016llx\n", row[i].n, (unsigned long long)row[i].seed,
                        (unsigned long long)got);
        assert_true(got == row[i].want);
    }
}

static void the_address_does_not_matter(void **state)
{
    char buffer[64];
    (void)state;
    uint64_t want = tally__hash("fingerprints travel", 19, 5);
    for (size_t shift = 0; shift < 16; shift++) {
        memcpy(buffer + shift, "fingerprints travel", 19);
        assert_true(tally__hash(buffer + shift, 19, 5) == want);
    }
}

/* each input bit flips about half of the 64: 16 sigma around the mean of 32 */
static void every_input_bit_reaches_the_whole_hash(void **state)
{
    unsigned char byte[24];
    test_rng      r = { 11 };
    (void)state;
    for (int bit = 0; bit < 24 * 8; bit++) {
        int flipped = 0;
        for (int k = 0; k < 64; k++) {
            for (size_t i = 0; i < sizeof byte; i++)
                byte[i] = (unsigned char)test_next(&r);
            uint64_t before = tally__hash(byte, sizeof byte, 0);
            byte[bit / 8] ^= (unsigned char)(1 << bit % 8);
            for (uint64_t d = before ^ tally__hash(byte, sizeof byte, 0); d; d &= d - 1)
                flipped++;
        }
        assert_in_range(flipped, 64 * 28, 64 * 36);
    }
}

static void length_and_seed_are_part_of_it(void **state)
{
    static const unsigned char zero[32] = { 0 };
    uint64_t                   seen[66];
    size_t                     n = 0;
    (void)state;
    for (size_t length = 0; length <= 32; length++)
        for (uint64_t seed = 0; seed < 2; seed++) {
            seen[n] = tally__hash(zero, length, seed);
            for (size_t i = 0; i < n; i++)
                assert_true(seen[i] != seen[n]);
            n++;
        }
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void small_numbers_do_not_collide(void **state)
{
    enum { N = 100000 };
    uint64_t *seen = malloc(N * sizeof *seen);
    (void)state;
    assert_non_null(seen);
    for (uint64_t i = 0; i < N; i++)
        seen[i] = tally__hash(&i, sizeof i, 0);
    qsort(seen, N, sizeof *seen, compare_u64);
    for (size_t i = 1; i < N; i++)
        assert_true(seen[i] != seen[i - 1]);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_values_hold_on_every_machine),
        cmocka_unit_test(the_address_does_not_matter),
        cmocka_unit_test(every_input_bit_reaches_the_whole_hash),
        cmocka_unit_test(length_and_seed_are_part_of_it),
        cmocka_unit_test(small_numbers_do_not_collide),
    };
    return cmocka_run_group_tests_name("base hash", tests, NULL, NULL);
}
