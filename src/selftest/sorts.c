/* sorts: samples of every sort of operands. Numbers are eighths up to 150, whose squares float16 holds, or fine fractions of them;
 * pairs agree often enough for what compares them. */
#include "selftest.h"

#include <math.h>

uint64_t tally__mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* ---- one number */
static uint64_t next(uint64_t *seed)
{
    return *seed = tally__mixed(*seed);
}

static double whole_below(uint64_t *seed, uint64_t n)
{
    return (double)(next(seed) % n);
}

static double unit(uint64_t *seed)
{
    return (double)(next(seed) >> 11) * 0x1p-53;
}

static double wide(uint64_t *seed)
{
    const double v = whole_below(seed, 2000) / 8 - 100;
    const int    scale = (int)whole_below(seed, 40) - 40;
    return whole_below(seed, 4) < 2 ? v : ldexp(v, scale) * (1 + unit(seed));
}

static double alike(uint64_t *seed)
{
    return next(seed) % 2 ? whole_below(seed, 3) : wide(seed);
}

static double score(uint64_t *seed)
{
    return (1 + whole_below(seed, 250)) / 256 + unit(seed) / 256;
}

static double above_zero(uint64_t *seed)
{
    return (1 + whole_below(seed, 200)) / 16;
}

static double id(uint64_t *seed)
{
    return whole_below(seed, TALLY__SORT_WIDTH);
}

static double bit(uint64_t *seed)
{
    return whole_below(seed, 2);
}

static double small_count(uint64_t *seed)
{
    return whole_below(seed, 5);
}

/* ---- one sample */
static void fill(double *to, int n, uint64_t *seed, double (*one)(uint64_t *seed))
{
    for (int k = 0; k < n; k++)
        to[k] = one(seed);
}

static void hot(double *to, uint64_t *seed)
{
    const int at = (int)id(seed);
    for (int k = 0; k < TALLY__SORT_WIDTH; k++)
        to[k] = k == at;
}

#define SAMPLE_OF_ONE(name, width, one)                                                  \
    static void name(void *user, uint64_t seed, double *const *row)                       \
    {                                                                                     \
        (void)user;                                                                       \
        fill(row[0], width, &seed, one);                                                  \
    }
#define SAMPLE_OF_TWO(name, y_width, y, p_width, p)                                      \
    static void name(void *user, uint64_t seed, double *const *row)                       \
    {                                                                                     \
        (void)user;                                                                       \
        fill(row[0], y_width, &seed, y);                                                  \
        fill(row[1], p_width, &seed, p);                                                  \
    }
enum { W = TALLY__SORT_WIDTH };
SAMPLE_OF_ONE(values, 1, wide)
SAMPLE_OF_ONE(value_rows, W, wide)
SAMPLE_OF_TWO(pairs, 1, alike, 1, alike)
SAMPLE_OF_TWO(counts, 1, small_count, 1, above_zero)
SAMPLE_OF_TWO(count_rows, W, small_count, W, above_zero)
SAMPLE_OF_TWO(binary, 1, bit, 1, score)
SAMPLE_OF_TWO(binary_rows, W, bit, W, score)
SAMPLE_OF_TWO(ids, 1, id, W, score)
SAMPLE_OF_TWO(labels, 1, id, 1, id)

/* a row of one number has no correlation */
static void pair_rows(void *user, uint64_t seed, double *const *row)
{
    (void)user;
    for (int i = 0; i < 2; i++) {
        fill(row[i], W, &seed, alike);
        row[i][0] = 3 + whole_below(&seed, 3) / 2;
    }
}

static void one_hot(void *user, uint64_t seed, double *const *row)
{
    (void)user;
    hot(row[0], &seed);
    fill(row[1], W, &seed, score);
}

static void hot_labels(void *user, uint64_t seed, double *const *row)
{
    (void)user;
    hot(row[0], &seed);
    fill(row[1], 1, &seed, id);
}

/* ---- the table */
#define FLOATS1 { TALLY_SELFTEST_FLOATS, 1, { 0 } }
#define FLOATS2 { TALLY_SELFTEST_FLOATS, 2, { W } }
#define WHOLES1 { TALLY_SELFTEST_WHOLES, 1, { 0 } }
const tally__sort tally__sort_row[TALLY__SORTS] = {
    { "values [n]", TALLY_OPERANDS_VALUES, 1, { FLOATS1 }, values, NULL },
    { "values [n,4]", TALLY_OPERANDS_VALUES, 1, { FLOATS2 }, value_rows, NULL },
    { "numbers [n]", TALLY_OPERANDS_NUMBERS, 2, { FLOATS1, FLOATS1 }, pairs, NULL },
    { "vectors [n,4]", TALLY_OPERANDS_VECTORS, 2, { FLOATS2, FLOATS2 }, pair_rows, NULL },
    { "counts [n]", TALLY_OPERANDS_COUNTS, 2, { FLOATS1, FLOATS1 }, counts, NULL },
    { "counts [n,4]", TALLY_OPERANDS_COUNTS, 2, { FLOATS2, FLOATS2 }, count_rows, NULL },
    { "binary [n]", TALLY_OPERANDS_BINARY, 2, { WHOLES1, FLOATS1 }, binary, NULL },
    { "binary [n,4]", TALLY_OPERANDS_BINARY, 2, { FLOATS2, FLOATS2 }, binary_rows, NULL },
    { "categories [n,4]", TALLY_OPERANDS_CATEGORIES, 2, { FLOATS2, FLOATS2 }, one_hot, NULL },
    { "ids [n], scores [n,4]", TALLY_OPERANDS_IDS, 2, { WHOLES1, FLOATS2 }, ids, NULL },
    { "labels [n]", TALLY_OPERANDS_LABELS, 2, { WHOLES1, FLOATS1 }, labels, NULL },
    { "categories [n,4], labels [n]", TALLY_NONE, 2, { FLOATS2, FLOATS1 }, hot_labels, NULL },
};
