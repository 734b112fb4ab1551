/* The loops of the exact sum agree between instruction sets: on every block the same answer, and where it counts, the same
 * counts. Blocks of all widths, lengths and alignments, so that every exit of every loop is taken, with nothing readable
 * behind or before them. That the answers are right is in tests/tensor. */
#include "fenced.h"

#include "../../src/tensor/tensor.h"

enum { N = TALLY__SUM_BLOCK, INTEGERS = 5000 };
static fenced  floats, doubles, integers;
static float  *f32;
static double *f64, made[3][N];

static void fill(test_rng *r, size_t n, int place)
{
    int width = 1 + (int)test_below(r, test_below(r, 2) ? 30 : 200), high = (int)test_below(r, 60) - 30;
    int kind = (int)test_below(r, 4);
    f32 = fenced_at(&floats, n * sizeof *f32, sizeof *f32, place);
    f64 = fenced_at(&doubles, n * sizeof *f64, sizeof *f64, place);
    for (size_t i = 0; i < n; i++) {
        double v = ldexp(test_unit(r) - 0.5, high - (int)test_below(r, (size_t)width));
        if (kind == 0)
            v = (double)((int64_t)test_below(r, 1u << 23) - (1 << 22));
        if (kind == 1 && !test_below(r, 500))
            v = test_below(r, 2) ? (double)NAN : -(double)INFINITY;
        f64[i] = v;
        f32[i] = (float)v;
    }
}

static void check_block(const tally__sum_kernels *a, const tally__sum_kernels *b, size_t n, int top, uint64_t seed)
{
    static int64_t units[2][TALLY__WHOLE_BLOCK];
    int64_t x[2][TALLY__SUM_LEVELS], y[2][TALLY__SUM_LEVELS];
    int32_t low[2], high[2];
    bool    same = true;
    size_t  short_n = TALLY__MIN(n, (size_t)TALLY__WHOLE_BLOCK);
    memset(x, 0, sizeof x), memset(y, 0, sizeof y);
    bool took = a->narrow(f32, n, top, x[0]);
    same = same && took == b->narrow(f32, n, top, y[0]) && (!took || x[0][0] == y[0][0]);
    for (int levels = 2; levels <= TALLY__SUM_LEVELS; levels++) {
        took = a->split(f64, n, top, levels, x[0]);
        same = same && took == b->split(f64, n, top, levels, y[0]) && (!took || !memcmp(x[0], y[0], (size_t)levels * 8));
        took = a->split_f32(f32, n, top, levels, x[1]);
        same = same && took == b->split_f32(f32, n, top, levels, y[1]) && (!took || !memcmp(x[1], y[1], (size_t)levels * 8));
    }
    took = a->whole_f32(f32, short_n, x[0]);
    same = same && took == b->whole_f32(f32, short_n, y[0]) && (!took || x[0][0] == y[0][0]);
    took = a->whole_f64(f64, short_n, x[0]);
    same = same && took == b->whole_f64(f64, short_n, y[0]) && (!took || x[0][0] == y[0][0]);
    took = a->units(f64, short_n, -top, units[0]);
    same = same && took == b->units(f64, short_n, -top, units[1]) && (!took || !memcmp(units[0], units[1], short_n * sizeof units[0][0]));
    a->range(f64, n, &low[0], &high[0]);
    b->range(f64, n, &low[1], &high[1]);
    same = same && low[0] == low[1] && high[0] == high[1];
    same = same && a->peel(made[0], f64, n, 1000, 1020) == b->peel(made[1], f64, n, 1000, 1020) &&
           !memcmp(made[0], made[1], n * sizeof made[0][0]);
    if (!same) {
        print_error("seed %llu: a block of %zu, top %d\n", (unsigned long long)seed, n, top);
        fail();
    }
}

static void all_sets_count_the_same(void **state)
{
    const tally__sum_kernels *base = tally__sum_kernels_for(TALLY__ISA_BASE);
    (void)state;
    for (int isa = TALLY__ISA_AVX2; isa <= (int)tally__cpu(); isa++)
        for (size_t i = 0; i < test_scaled(4000); i++) {
            test_rng r = { i };
            const size_t n = test_below(&r, i % 3 ? TALLY__MIN(N + 1, 131) : N + 1);
            fill(&r, n, (int)test_below(&r, 3));
            check_block(base, tally__sum_kernels_for((tally__isa)isa), n, (int)test_below(&r, 70) - 10, i);
        }
}

static void all_sets_add_integers_alike(void **state)
{
    static const int32_t dtypes[] = { TALLY_BOOL, TALLY_U8, TALLY_I8, TALLY_U16, TALLY_I16, TALLY_U32, TALLY_I32, TALLY_U64, TALLY_I64 };
    test_rng             r = { 3 };
    (void)state;
    for (size_t i = 0; i < INTEGERS * 8; i++)
        integers.first[integers.size - 1 - i] = (uint8_t)test_next(&r);
    for (int isa = TALLY__ISA_AVX2; isa <= (int)tally__cpu(); isa++)
        for (size_t d = 0; d < TALLY__COUNT(dtypes); d++)
            for (size_t n = 0; n < INTEGERS; n += n < 140 ? 1 : 555) {
                const void *words = fenced_at(&integers, n * tally__element_size(dtypes[d]), 8, 0);
                int64_t     x[3], y[3];
                tally__sum_kernels_for(TALLY__ISA_BASE)->integers(words, dtypes[d], n, x);
                tally__sum_kernels_for((tally__isa)isa)->integers(words, dtypes[d], n, y);
                assert_memory_equal(x, y, sizeof x);
            }
}

static int begin(void **state)
{
    (void)state;
    floats = fenced_new((N + 1) * sizeof *f32);
    doubles = fenced_new((N + 1) * sizeof *f64);
    integers = fenced_new((INTEGERS + 1) * sizeof(uint64_t));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sets_count_the_same),
        cmocka_unit_test(all_sets_add_integers_alike),
    };
    return cmocka_run_group_tests_name("sums", tests, begin, NULL);
}
