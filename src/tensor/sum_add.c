/* sum_add: many values into an exact sum. Owns the policy: which kernel a block is given to, what is learnt
 * from the blocks before (the guess), what happens to a block that a kernel refuses. Every path adds the same
 * integers, so guess, split into calls and floating-point modes change the time and never a bit. */
#include "tensor.h"

/* Levels. 0: float anchors; 1 to 3: that many double anchors and one more; WIDE: integer cells. */
enum { WIDE = 4, FEW = 6, HEAD_ROOM = 1 };
/* The guess's `cool` is a debt: a block that fits pays 1, one that is refused adds PRICE. At the limit the level rises
 * and starts with DEBT; once all is paid it falls, on probation just below the limit. So a level is left where more
 * than one block in five needs the next, and tried again after 64 blocks that fit. */
enum { PRICE = 4, LIMIT = 16, DEBT = 64, HIGH_LIMIT = 96, RETRY = 16 };
/* |x| < 2^(exponent + 1); the anchors of all levels stay normal, their units representable */
enum { LOWEST = -700, HIGHEST = 1020, NARROW_LOWEST = -60, NARROW_HIGHEST = 124 };
enum { F64_DIGITS = 52, F32_DIGITS = 23, BIAS = 1023 };

const tally__sum_kernels *tally__sum_kernels_for(tally__isa isa)
{
#if defined TALLY_KERNELS_X86
    static const tally__sum_kernels *const set[] = {
        [TALLY__ISA_BASE] = &tally__sum_kernels_base,
        [TALLY__ISA_AVX2] = &tally__sum_kernels_v3,
        [TALLY__ISA_AVX512] = &tally__sum_kernels_v4
    };
    return set[TALLY__MIN(isa, tally__cpu())];
#else
    (void)isa;
    return &tally__sum_kernels_base;
#endif
}

static const tally__sum_kernels *best_kernels(void)
{
    return tally__sum_kernels_for(TALLY__ISA_AVX512);
}

/* Round to nearest, and subnormals neither made nor read as 0. volatile: tested when it runs, not when it is
 * compiled. */
static bool plain_arithmetic(void)
{
    const volatile double probe[4] = { 0x1.8p-1022, 0x1p-1022, 1.0, 0x1p-60 };
    const double one = probe[2], tiny = probe[3];

    return probe[0] - probe[1] != 0 && one + tiny == one - tiny;
}

static int clamp_exponent(int e, int low, int high)
{
    return e < low ? low : e > high ? high : e;
}

/* ---- integer cells: for blocks too wide for anchors, and for modes that the anchors cannot bear ---- */

#if defined TALLY_TINY_LIMITS
enum { CELL_BLOCK = 7, CELL_SETS = 4, CELLS = 64 };
#else
enum { CELL_BLOCK = 960, CELL_SETS = 4, CELLS = 64 };   /* 960 values of 53 + 31 - 32 bits fit in 63 */
#endif

/* low and high parts apart: together they would be stored as one, and later loads would wait for it */
typedef struct wide_cells {
    int64_t low[CELL_SETS][CELLS + 3], high[CELL_SETS][CELLS + 5];
} wide_cells;

static void wide_put(int64_t *low, int64_t *high, uint64_t u)
{
    const int      biased = (int)(u >> 52) & 2047, normal = biased != 0, e = biased - normal;
    const uint64_t m = (u & 0xfffffffffffff) | (uint64_t)normal << 52;
    const int64_t  sign = -(int64_t)(u >> 63);
    const int64_t  a = (int64_t)(m << (e & 31) & 0xffffffff), b = (int64_t)(m >> (32 - (e & 31)));

    low[e >> 5] += (a ^ sign) - sign;
    high[e >> 5] += (b ^ sign) - sign;
}

static void wide_block(tally__sum *s, const double *x, size_t n)
{
    wide_cells c;

    memset(&c, 0, sizeof c);
    for (size_t i = 0; i < n; i++) {
        const uint64_t u = tally__f64_bits(x[i]);
        if ((u >> 52 & 2047) == 2047) tally__sum_add_one(s, x[i]);
        else wide_put(c.low[i % CELL_SETS], c.high[i % CELL_SETS], u);
    }
    for (int j = 0; j < CELLS; j++) {
        int64_t low = 0, high = 0;
        for (int k = 0; k < CELL_SETS; k++) low += c.low[k][j], high += c.high[k][j];
        if (low) tally__sum_deposit(s, low, TALLY__SUM_LSB + 32 * j);
        if (high) tally__sum_deposit(s, high, TALLY__SUM_LSB + 32 * j + 32);
    }
}

static void wide_add(tally__sum *s, const double *x, size_t n)
{
    for (size_t done = 0; done < n; done += CELL_BLOCK)
        wide_block(s, x + done, TALLY__MIN(n - done, (size_t)CELL_BLOCK));
}

/* ---- anchors ---- */

static void deposit_levels(tally__sum *s, const int64_t *k, int exponent, int level)
{
    for (int j = 0; j <= level; j++) tally__sum_deposit(s, k[j], exponent + 3 - 52 - 51 * j);
}

static bool split_add(tally__sum *s, const double *x, size_t n, int exponent, int level)
{
    int64_t k[TALLY__SUM_LEVELS];

    if (!best_kernels()->split(x, n, exponent + 3, level + 1, k)) return false;
    deposit_levels(s, k, exponent, level);
    return true;
}

static bool split_add_f32(tally__sum *s, const float *x, size_t n, int exponent, int level)
{
    int64_t k[TALLY__SUM_LEVELS];

    if (!best_kernels()->split_f32(x, n, exponent + 3, level + 1, k)) return false;
    deposit_levels(s, k, exponent, level);
    return true;
}

static bool narrow_add(tally__sum *s, const float *x, size_t n, int exponent)
{
    int64_t k;

    if (!best_kernels()->narrow(x, n, exponent + 3, &k)) return false;
    tally__sum_deposit(s, k, exponent + 3 - 44);
    return true;
}

/* a block fitted level `level`; `base` is the lowest level of its dtype */
static void guess_fitted(tally__guess *g, int level, int base)
{
    if (g->cool) g->cool--;
    if (g->cool || level == base) return;
    g->level = (uint8_t)(level - 1);
    g->cool = level - 1 == base ? LIMIT - PRICE : DEBT;
}

/* a block was refused at `level`, and `used` took it once its exponent was known */
static void guess_refused(tally__guess *g, int level, int base, int used)
{
    g->cool = (uint8_t)(g->cool + PRICE);
    if (g->cool < (level == base ? LIMIT : HIGH_LIMIT)) return;
    g->level = (uint8_t)TALLY__MIN(TALLY__MAX(level + 1, used), WIDE - 1);
    g->cool = DEBT;
}

/* lowest biased exponent that `level` covers below `exponent`, for values of that many fraction bits */
static int32_t level_floor(int exponent, int level, int digits)
{
    return exponent + BIAS - 49 - 51 * level + digits;
}

/* The lowest level that takes the block but for a few values, which are 0 in rest and counted; the highest where none
 * does. *far: finite values are among them. */
static int find_level(double *rest, const double *x, size_t n, int exponent, int digits, int32_t low, size_t *peeled,
                      bool *far)
{
    for (int level = 1;; level++) {
        int32_t floor = level_floor(exponent, level, digits);
        if (digits == F32_DIGITS && floor <= BIAS - 126) floor = 0;   /* a subnormal float has fewer digits */
        *peeled = best_kernels()->peel(rest, x, n, floor, exponent + BIAS);
        *far = low < floor;
        if (*peeled <= n / 64 + 1 || level == WIDE - 1) return level;
    }
}

/* A block that its level refused: find its range, put aside what lies outside (inf, NaN, a few far values),
 * and give the rest to the level that covers it. */
static void split_again(tally__sum *s, tally__guess *g, const double *x, size_t n, int level, int digits)
{
    double  rest[TALLY__SUM_BLOCK];
    int32_t low, high;
    size_t  peeled;
    bool    far;

    best_kernels()->range(x, n, &low, &high);
    const int e = clamp_exponent(high - BIAS + HEAD_ROOM, LOWEST, HIGHEST);
    const int used = find_level(rest, x, n, e, digits, low, &peeled, &far);
    if (peeled > n / 8 + 1 || !split_add(s, rest, n, e, used)) {
        wide_add(s, x, n);
        if (high >= 0) g->level = WIDE, g->cool = 0;
        return;
    }
    for (size_t i = 0; peeled && i < n; i++)
        if (tally__f64_bits(x[i]) != tally__f64_bits(rest[i])) tally__sum_add_one(s, x[i]);
    if (high < 0) return;
    g->exponent = (int16_t)e;
    g->level = (uint8_t)level;
    if (!peeled || far) guess_refused(g, level, digits == F32_DIGITS ? 0 : 1, used);
}

static void cells_block(tally__sum *s, tally__guess *g, const double *x, size_t n)
{
    wide_add(s, x, n);
    if (++g->cool >= RETRY) g->level = WIDE - 1, g->cool = DEBT;
}

static void block_f64(tally__sum *s, tally__guess *g, const double *x, size_t n)
{
    const int level = TALLY__MAX(g->level, 1), e = clamp_exponent(g->exponent, LOWEST, HIGHEST);

    if (level == WIDE) cells_block(s, g, x, n);
    else if (split_add(s, x, n, e, level)) guess_fitted(g, level, 1);
    else split_again(s, g, x, n, level, F64_DIGITS);
}

/* floats that their level refused go on as doubles */
static void widened_block(tally__sum *s, tally__guess *g, const float *x, size_t n, int level)
{
    double wide[TALLY__SUM_BLOCK];

    best_kernels()->widen(wide, x, n);
    if (level == WIDE) cells_block(s, g, wide, n);
    else split_again(s, g, wide, n, level, F32_DIGITS);
}

static void block_f32(tally__sum *s, tally__guess *g, const float *x, size_t n)
{
    const int level = g->level, narrow = clamp_exponent(g->exponent, NARROW_LOWEST, NARROW_HIGHEST);
    const int e = clamp_exponent(g->exponent, LOWEST, HIGHEST);

    if (level == 0 ? narrow_add(s, x, n, narrow) : level < WIDE && split_add_f32(s, x, n, e, level))
        guess_fitted(g, level, 0);
    else
        widened_block(s, g, x, n, level);
}

/* ---- entries ---- */

static void add_one_f32(tally__sum *s, float x)
{
    const uint32_t u = tally__f32_bits(x);
    const int      e = (int)(u >> 23) & 255;
    const int64_t  fraction = (int64_t)(u & 0x7fffff), m = e ? fraction | (int64_t)1 << 23 : fraction;

    if (e == 255) tally__sum_add_one(s, x);
    else tally__sum_deposit(s, u >> 31 ? -m : m, e ? e - 150 : -149);
}

static tally__guess guess_in_range(const tally__guess *g)
{
    tally__guess clean = *g;

    if (clean.level > WIDE) clean.level = 0;
    if (clean.cool > HIGH_LIMIT) clean.cool = 0;
    return clean;
}

void tally__sum_add_f64(tally__sum *s, tally__guess *g, const double *x, size_t n)
{
    if (n <= FEW) {
        for (size_t i = 0; i < n; i++) tally__sum_add_one(s, x[i]);
        return;
    }
    if (!plain_arithmetic()) {
        wide_add(s, x, n);
        return;
    }
    *g = guess_in_range(g);
    for (size_t done = 0; done < n; done += TALLY__SUM_BLOCK)
        block_f64(s, g, x + done, TALLY__MIN(n - done, (size_t)TALLY__SUM_BLOCK));
}

void tally__sum_add_f32(tally__sum *s, tally__guess *g, const float *x, size_t n)
{
    if (n <= FEW || !plain_arithmetic()) {
        for (size_t i = 0; i < n; i++) add_one_f32(s, x[i]);
        return;
    }
    *g = guess_in_range(g);
    for (size_t done = 0; done < n; done += TALLY__SUM_BLOCK)
        block_f32(s, g, x + done, TALLY__MIN(n - done, (size_t)TALLY__SUM_BLOCK));
}

static void add_integers(tally__sum *s, int32_t dtype, const void *x, size_t n)
{
    int64_t part[3];

    best_kernels()->integers(x, dtype, n, part);
    for (int i = 0; i < 3; i++)
        if (part[i]) tally__sum_deposit(s, part[i], 32 * i);
}

/* dense elements of any dtype, few enough for one integer kernel */
static void add_dense(tally__sum *s, tally__guess *g, int32_t dtype, const void *x, size_t n)
{
    float part[TALLY__SUM_BLOCK];

    if (dtype == TALLY_F64) {
        tally__sum_add_f64(s, g, x, n);
    } else if (dtype == TALLY_F32) {
        tally__sum_add_f32(s, g, x, n);
    } else if (!tally__is_float(dtype)) {
        add_integers(s, dtype, x, n);
    } else {
        for (size_t done = 0; done < n; done += TALLY__SUM_BLOCK) {
            const size_t m = TALLY__MIN(n - done, (size_t)TALLY__SUM_BLOCK);
            tally__widen_halves(part, (const uint16_t *)x + done, dtype, 1, m);
            tally__sum_add_f32(s, g, part, m);
        }
    }
}

void tally__sum_add(tally__sum *s, tally__guess *g, int32_t dtype, const void *x, int64_t stride, size_t n)
{
    enum { DENSE = 1 << 24 };             /* keeps the parts of add_integers within 63 bits */
    const int64_t size = (int64_t)tally__element_size(dtype);
    const size_t  step = stride == 1 ? DENSE : TALLY__SUM_BLOCK;
    const char   *at = x;
    double        packed[TALLY__SUM_BLOCK];

    for (size_t done = 0; done < n; done += step) {
        const size_t m = TALLY__MIN(n - done, step);
        const char  *from = at + (int64_t)done * stride * size;
        if (stride != 1) tally__convert(packed, dtype, from, dtype, stride, m);
        add_dense(s, g, dtype, stride == 1 ? from : (const void *)packed, m);
    }
}
