/* Reductions: exact over all axes and the first, the fixed order within a row, result dtypes, empty
 * ones, extremes; and the ops that look at one line: softmax and its relatives, argmax, rank_of. */
#include "apply.h"

static const tally__op all_ops[] = { TALLY__OP_reduce_sum, TALLY__OP_reduce_mean,
                                     TALLY__OP_reduce_max, TALLY__OP_reduce_min };
static const tally__op axis_ops[] = { TALLY__OP_sum, TALLY__OP_mean, TALLY__OP_max, TALLY__OP_min };

/* ---- exactness */
static void sums_over_all_axes_are_exact_and_rounded_once(void **state)
{
    bench       *b = *state;
    double       v[5] = { 1e300, 1.0, -1e300, 0x1p-60, 3.0 };
    tally_tensor x = vector_of(v, TALLY_F64, 5), r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F64, "[]", 4.0);
    v[1] = 0x1p53;      /* 2^53 + 3 + 2^-60 is above the middle of its neighbours */
    r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F64, "[]", 0x1p53 + 4);
    v[0] = INFINITY;
    r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F64, "[]", INFINITY);
    v[2] = -INFINITY;
    r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F64, "[]", NAN);
}

/* a value between two floats and beyond what a double can see of it */
static void shorter_floats_are_rounded_once_not_twice(void **state)
{
    bench       *b = *state;
    float        v[3] = { 1.0f, 0x1p-24f, 0x1p-80f };
    tally_tensor x = vector_of(v, TALLY_F32, 3), r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F32, "[]", (double)(1.0f + 0x1p-23f));
    v[2] = -0x1p-80f;
    r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F32, "[]", 1.0);
    v[2] = 0;
    r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F32, "[]", 1.0);
    double       w[3] = { 1.0, 0x1p-8, 0x1p-70 };
    tally_tensor y = vector_of(dense_values(b, TALLY_BF16, w, 3), TALLY_BF16, 3);
    r = apply(b, TALLY__OP_reduce_sum, PTRS(&y), 0, 0);
    EXPECT(r, TALLY_BF16, "[]", 1.0 + 0x1p-7);
}

/* the mean of n floats, rounded once: judged by exact sums of n times the float and its neighbours
 */
static int sign_of_rest(const float *v, int64_t n, double times)
{
    tally__sum s;
    memset(&s, 0, sizeof s);
    for (int64_t i = 0; i < n; i++) {
        tally__sum_add_one(&s, (double)v[i]);
        tally__sum_add_one(&s, -times);
    }
    double rest = tally__sum_round(&s);
    return (rest > 0) - (rest < 0);
}

static void means_over_the_first_axis_are_the_nearest_float(void **state)
{
    bench   *b = *state;
    test_rng rng = { 5 };
    for (int run = 0; run < 300; run++) {
        float   v[32];
        int64_t n = 1 + (int64_t)test_below(&rng, 31);
        for (int64_t i = 0; i < n; i++)
            v[i] = (float)ldexp(test_unit(&rng) - 0.5, (int)test_below(&rng, run % 2 ? 90 : 4));
        tally_tensor x = vector_of(v, TALLY_F32, n), r = apply(b, TALLY__OP_mean, PTRS(&x), 0, 0);
        float        got = *(const float *)r.data;
        double       up = ((double)got + (double)nextafterf(got, INFINITY)) / 2,
               down = ((double)got + (double)nextafterf(got, -INFINITY)) / 2;
        if (sign_of_rest(v, n, up) > 0 || sign_of_rest(v, n, down) < 0)
            fail_msg("run %d of seed 5: %a is not the float nearest to the mean of %d", run,
                     (double)got, (int)n);
    }
}

static void the_order_of_samples_cannot_be_seen(void **state)
{
    bench   *b = *state;
    test_rng rng = { 6 };
    enum { N = 500 };
    double v[N], w[N];
    for (int i = 0; i < N; i++)
        v[i] = ldexp(test_unit(&rng) - 0.5, (int)test_below(&rng, 200));
    for (int i = 0; i < N; i++)
        w[i] = v[(i * 7 + 3) % N];
    tally_tensor x = vector_of(v, TALLY_F64, N), y = vector_of(w, TALLY_F64, N);
    for (int k = 0; k < 2; k++) {
        tally_tensor p = apply(b, all_ops[k], PTRS(&x), 0, 0),
                     q = apply(b, all_ops[k], PTRS(&y), 0, 0);
        assert_memory_equal(p.data, q.data, 8);
    }
}

/* ---- the order within a row, written out */
static double row_in_order(const double *x, int64_t n)
{
    double lane[32] = { 0 };
    for (int64_t i = 0; i < n; i++)
        lane[n > 64 ? i % 32 : 0] += x[i];
    for (int apart = 16; n > 64 && apart; apart /= 2)
        for (int i = 0; i < apart; i++)
            lane[i] = lane[i] + lane[i + apart];
    return lane[0];
}

static void a_row_is_added_in_an_order_that_its_length_fixes(void **state)
{
    bench               *b = *state;
    test_rng             rng = { 7 };
    static const int64_t length[] = { 1, 2, 63, 64, 65, 96, 100, 255, 256, 257, 1000 };
    for (size_t k = 0; k < sizeof length / sizeof *length; k++) {
        int64_t n = length[k];
        double *v = tally__arena_alloc(&b->work, (size_t)(2 * n) * 8);
        float  *f = tally__arena_alloc(&b->work, (size_t)(2 * n) * 4);
        for (int64_t i = 0; i < 2 * n; i++) {
            f[i] = (float)((test_unit(&rng) - 0.5) * 1e3);
            v[i] = (double)f[i] * 1.1;
        }
        tally_tensor x = dense(v, TALLY_F64, 2, SHAPE(2, n)),
                     r = apply(b, TALLY__OP_sum, PTRS(&x), 1, 0);
        EXPECT(r, TALLY_F64, "[2]", row_in_order(v, n), row_in_order(v + n, n));
        r = apply(b, TALLY__OP_mean, PTRS(&x), -1, 0);
        EXPECT(r, TALLY_F64, "[2]", row_in_order(v, n) / (double)n,
               row_in_order(v + n, n) / (double)n);
        for (int64_t i = 0; i < 2 * n; i++)
            v[i] = (double)f[i];
        x = dense(f, TALLY_F32, 2, SHAPE(2, n));
        r = apply(b, TALLY__OP_sum, PTRS(&x), 1, 0);
        EXPECT(r, TALLY_F32, "[2]", (double)(float)row_in_order(v, n),
               (double)(float)row_in_order(v + n, n));
    }
}

static void the_first_axis_is_exact_and_the_others_are_not(void **state)
{
    bench       *b = *state;
    double       v[4] = { 1.0, 1e16, 1.0, -1e16 };
    tally_tensor x = dense(v, TALLY_F64, 2, SHAPE(4, 1)), y = dense(v, TALLY_F64, 2, SHAPE(1, 4)),
                 r = apply(b, TALLY__OP_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F64, "[1]", 2.0);
    r = apply(b, TALLY__OP_sum, PTRS(&y), 1, 0);
    EXPECT(r, TALLY_F64, "[1]", ((1.0 + 1e16) + 1.0) - 1e16);
}

/* ---- dtypes */
static void integers_sum_to_int64_and_have_float64_means(void **state)
{
    bench *b = *state;
    double v[4] = { 100, 100, 100, 1 };
    for (int32_t d = TALLY_U8; d <= TALLY_I64; d++) {
        tally_tensor x = vector_of(dense_values(b, d, v, 4), d, 4),
                     r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
        EXPECT(r, TALLY_I64, "[]", 301);
        r = apply(b, TALLY__OP_mean, PTRS(&x), 0, 0);
        EXPECT(r, TALLY_F64, "[]", 301 / 4.0);
    }
    uint8_t      t[3] = { 1, 0, 1 };
    tally_tensor x = vector_of(t, TALLY_BOOL, 3),
                 r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_I64, "[]", 2);
    r = apply(b, TALLY__OP_reduce_mean, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F64, "[]", 2 / 3.0);
    int64_t big[2] = { INT64_MAX, 1 };
    x = vector_of(big, TALLY_I64, 2);
    r = apply(b, TALLY__OP_reduce_sum, PTRS(&x), 0, 0);
    assert_true(*(const int64_t *)r.data == INT64_MIN);      /* modulo 2^64 */
}

static void extremes_know_nan_the_sign_of_zero_and_every_dtype(void **state)
{
    bench *b = *state;
    double v[4] = { -0.0, 0.0, -0.0, 0.0 }, w[3] = { 1, NAN, 3 };
    for (int32_t d = TALLY_F16; d <= TALLY_F64; d++) {
        tally_tensor x = vector_of(dense_values(b, d, v, 4), d, 4),
                     y = vector_of(dense_values(b, d, w, 3), d, 3), r;
        r = apply(b, TALLY__OP_reduce_max, PTRS(&x), 0, 0);
        EXPECT(r, d, "[]", 0.0);
        r = apply(b, TALLY__OP_reduce_min, PTRS(&x), 0, 0);
        EXPECT(r, d, "[]", -0.0);
        r = apply(b, TALLY__OP_max, PTRS(&y), 0, 0);
        EXPECT(r, d, "[]", NAN);
    }
    for (int32_t d = TALLY_BOOL; d <= TALLY_F64; d++) {
        double       all[SPECIALS], most, least;
        int          n = specials(d, all) - (tally__is_float(d) ? 1 : 0);
        void        *p = dense_values(b, d, all, (size_t)n);
        tally_tensor x = vector_of(p, d, n), r;
        most = least = tally__load_f64(p, d);
        for (int i = 1; i < n; i++) {
            double e = tally__load_f64((char *)p + (size_t)i * tally__element_size(d), d);
            most = e > most ? e : most;
            least = e < least ? e : least;
        }
        r = apply(b, TALLY__OP_reduce_max, PTRS(&x), 0, 0);
        EXPECT(r, d, "[]", most);
        r = apply(b, TALLY__OP_reduce_min, PTRS(&x), 0, 0);
        EXPECT(r, d, "[]", least);
    }
}

static void nothing_reduces_to_what_the_op_says(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(NULL, TALLY_F32, 2, SHAPE(2, 0)), i = dense(NULL, TALLY_I8, 1, SHAPE(0)),
                 u = dense(NULL, TALLY_U16, 1, SHAPE(0)), t = dense(NULL, TALLY_BOOL, 1, SHAPE(0)),
                 r;
    const double want[4] = { 0.0, NAN, -INFINITY, INFINITY };
    for (int k = 0; k < 4; k++) {
        r = apply(b, axis_ops[k], PTRS(&x), 1, 0);
        EXPECT(r, TALLY_F32, "[2]", want[k], want[k]);
        r = apply(b, all_ops[k], PTRS(&x), 0, 0);
        EXPECT(r, TALLY_F32, "[]", want[k]);
    }
    r = apply(b, TALLY__OP_reduce_sum, PTRS(&i), 0, 0);
    EXPECT(r, TALLY_I64, "[]", 0);
    r = apply(b, TALLY__OP_reduce_mean, PTRS(&i), 0, 0);
    EXPECT(r, TALLY_F64, "[]", NAN);
    r = apply(b, TALLY__OP_reduce_max, PTRS(&i), 0, 0);
    EXPECT(r, TALLY_I8, "[]", -128);
    r = apply(b, TALLY__OP_reduce_min, PTRS(&u), 0, 0);
    EXPECT(r, TALLY_U16, "[]", 65535);
    r = apply(b, TALLY__OP_reduce_any, PTRS(&t), 0, 0);
    EXPECT(r, TALLY_BOOL, "[]", 0);
    r = apply(b, TALLY__OP_reduce_all, PTRS(&t), 0, 0);
    EXPECT(r, TALLY_BOOL, "[]", 1);
}

static void any_and_all_are_logical(void **state)
{
    bench       *b = *state;
    uint8_t      v[4] = { 0, 1, 1, 1 };
    tally_tensor x = vector_of(v, TALLY_BOOL, 4),
                 r = apply(b, TALLY__OP_reduce_any, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_BOOL, "[]", 1);
    r = apply(b, TALLY__OP_reduce_all, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_BOOL, "[]", 0);
}

/* ---- lines */
static void softmax_and_relatives_agree_with_their_formula(void **state)
{
    bench *b = *state;
    double v[6] = { 1, 2, 3, -1000, 0, 1000 };
    for (int axis = 0; axis < 2; axis++)
        for (int32_t d = TALLY_F16; d <= TALLY_F64; d++) {
            double       eps = d == TALLY_F64 ? 1e-15 : d == TALLY_F32 ? 3e-7 : 1e-2;
            tally_tensor x = dense(dense_values(b, d, v, 6), d, 2, SHAPE(2, 3)),
                         p = apply(b, TALLY__OP_softmax, PTRS(&x), axis, 0),
                         l = apply(b, TALLY__OP_log_softmax, PTRS(&x), axis, 0),
                         s = apply(b, TALLY__OP_logsumexp, PTRS(&x), axis, 0);
            double *soft = elements(b, &p), *logs = elements(b, &l), *sum = elements(b, &s);
            for (int line = 0; line < (axis ? 2 : 3); line++) {
                long double total = 0, most = -INFINITY;
                int         n = axis ? 3 : 2, first = axis ? line * 3 : line, step = axis ? 1 : 3;
                for (int i = 0; i < n; i++)
                    most = fmaxl(most, v[first + i * step]);
                for (int i = 0; i < n; i++)
                    total += expl(v[first + i * step] - most);
                for (int i = 0; i < n; i++) {
                    long double want = v[first + i * step] - most - logl(total);
                    assert_true(fabsl(logs[first + i * step] - want) <= eps * (1 + fabsl(want)));
                    assert_true(fabsl(soft[first + i * step] - expl(want)) <= eps);
                }
                assert_true(fabsl(sum[line] - (most + logl(total))) <= eps * (1 + fabsl(most)));
            }
        }
}

static void cumsum_adds_up_each_line(void **state)
{
    bench       *b = *state;
    double       v[6] = { 1, 2, 3, 10, 0.5, NAN };
    uint8_t      byte[4] = { 200, 100, 1, 0 };
    int64_t      most[2] = { INT64_MAX, 1 };
    tally_tensor x = dense(v, TALLY_F64, 2, SHAPE(2, 3)), r = apply(b, TALLY__OP_cumsum, PTRS(&x), 1, 0);
    EXPECT(r, TALLY_F64, "[2, 3]", 1, 3, 6, 10, 10.5, NAN);
    r = apply(b, TALLY__OP_cumsum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F64, "[2, 3]", 1, 2, 3, 11, 2.5, NAN);
    x = dense(byte, TALLY_U8, 1, SHAPE(4));
    r = apply(b, TALLY__OP_cumsum, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_I64, "[4]", 200, 300, 301, 301);
    x = dense(byte, TALLY_BOOL, 2, SHAPE(2, 2));
    r = apply(b, TALLY__OP_cumsum, PTRS(&x), 1, 0);
    EXPECT(r, TALLY_I64, "[2, 2]", 1, 2, 1, 1);
    x = dense(most, TALLY_I64, 1, SHAPE(2));
    r = apply(b, TALLY__OP_cumsum, PTRS(&x), 0, 0);
    assert_true(((const int64_t *)r.data)[1] == INT64_MIN);
    x = dense(NULL, TALLY_F32, 2, SHAPE(0, 3));
    r = apply(b, TALLY__OP_cumsum, PTRS(&x), 0, 0);
    assert_int_equal(r.shape[0], 0);
}

static void cumsum_of_exact_sums_is_exact(void **state)
{
    bench       *b = *state;
    double       v[4] = { 1e300, 1, -1e300, INFINITY }, want[4] = { 1e300, 1e300, 1, INFINITY };
    tally__sum   sum[4] = { { { 0 }, 0, 0, 0 } };
    tally_tensor x = dense(sum, TALLY__EXACT, 1, SHAPE(4));
    memset(sum, 0, sizeof sum);
    for (int i = 0; i < 4; i++)
        tally__sum_add_one(&sum[i], v[i]);
    tally_tensor r = apply(b, TALLY__OP_cumsum, PTRS(&x), 0, 0);
    assert_int_equal(r.dtype, TALLY__EXACT);
    for (int i = 0; i < 4; i++)
        assert_bits_f64(tally__sum_round((const tally__sum *)r.data + i), want[i]);
}

static void infinities_in_a_line_are_as_in_ieee(void **state)
{
    bench       *b = *state;
    double       v[6] = { -INFINITY, -INFINITY, 0, -INFINITY, INFINITY, 0 };
    tally_tensor x = dense(v, TALLY_F64, 2, SHAPE(3, 2)),
                 r = apply(b, TALLY__OP_softmax, PTRS(&x), 1, 0);
    EXPECT(r, TALLY_F64, "[3, 2]", NAN, NAN, 1, 0, NAN, NAN);
    r = apply(b, TALLY__OP_logsumexp, PTRS(&x), 1, 0);
    EXPECT(r, TALLY_F64, "[3]", -INFINITY, 0, INFINITY);
    r = apply(b, TALLY__OP_log_softmax, PTRS(&x), 1, 0);
    EXPECT(r, TALLY_F64, "[3, 2]", NAN, NAN, 0, -INFINITY, NAN, NAN);
    tally_tensor none = dense(NULL, TALLY_F32, 2, SHAPE(1, 0));
    r = apply(b, TALLY__OP_logsumexp, PTRS(&none), 1, 0);
    EXPECT(r, TALLY_F32, "[1]", -INFINITY);
}

static void argmax_is_the_first_of_the_largest(void **state)
{
    bench *b = *state;
    double v[8] = { 1, 3, 3, 2, -0.0, 0.0, NAN, NAN };
    for (int32_t d = TALLY_F16; d <= TALLY_F64; d++) {
        tally_tensor x = dense(dense_values(b, d, v, 8), d, 2, SHAPE(4, 2)),
                     y = dense(x.data, d, 1, SHAPE(4)), r;
        r = apply(b, TALLY__OP_argmax, PTRS(&x), 1, 0);
        EXPECT(r, TALLY_I64, "[4]", 1, 0, 0, 0);
        r = apply(b, TALLY__OP_argmax, PTRS(&x), 0, 0);
        EXPECT(r, TALLY_I64, "[2]", 3, 3);
        r = apply(b, TALLY__OP_argmax, PTRS(&y), -1, 0);
        EXPECT(r, TALLY_I64, "[]", 1);
    }
    uint64_t     u[2] = { 1, UINT64_MAX };
    int8_t       s[3] = { -5, -1, -1 };
    tally_tensor x = vector_of(u, TALLY_U64, 2), y = vector_of(s, TALLY_I8, 3),
                 none = dense(NULL, TALLY_F32, 2, SHAPE(2, 0)), r;
    r = apply(b, TALLY__OP_argmax, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_I64, "[]", 1);
    r = apply(b, TALLY__OP_argmax, PTRS(&y), 0, 0);
    EXPECT(r, TALLY_I64, "[]", 1);
    REFUSED(TALLY_OUT_OF_RANGE, "argmax: axis 1, expected at least one element, found none",
            TALLY__OP_argmax, 1, 0, &none);
}

static void rank_of_counts_the_scores_strictly_above(void **state)
{
    bench       *b = *state;
    float        v[9] = { 0.1f, 0.9f, 0.9f, 5, NAN, 7, INFINITY, 1, 2 };
    int32_t      ids[3] = { 0, 2, 0 }, off[3] = { -1, 3, 1 };
    float        real[3] = { 1.0f, 0.5f, 2.0f };
    tally_tensor x = dense(v, TALLY_F32, 2, SHAPE(3, 3)), i = vector_of(ids, TALLY_I32, 3),
                 o = vector_of(off, TALLY_I32, 3), f = vector_of(real, TALLY_F32, 3), r;
    r = apply(b, TALLY__OP_rank_of, PTRS(&x, &i), 0, 0);
    EXPECT(r, TALLY_I64, "[3]", 2, 0, 3);
    r = apply(b, TALLY__OP_rank_of, PTRS(&x, &o), 0, 0);
    EXPECT(r, TALLY_I64, "[3]", 3, 3, 2);
    r = apply(b, TALLY__OP_rank_of, PTRS(&x, &f), 0, 0);
    EXPECT(r, TALLY_I64, "[3]", 0, 3, 1);
    tally_tensor two = vector_of(ids, TALLY_I32, 2), all = dense(ids, TALLY_I32, 2, SHAPE(1, 3));
    REFUSED(TALLY_INVALID_ARGUMENT, "rank_of: argument 1, expected size 3 on axis 0, found 2",
            TALLY__OP_rank_of, 0, 0, &x, &two);
    REFUSED(TALLY_INVALID_ARGUMENT, "rank_of: ids, expected rank 1, found rank 2",
            TALLY__OP_rank_of, 0, 0, &x, &all);
}

static void pick_is_the_element_at_the_id_or_zero(void **state)
{
    bench       *b = *state;
    float        v[6] = { 1, NAN, 3, 4, 5, -0.0f }, real[2] = { 0.5f, 2 };
    int8_t       narrow[6] = { 1, 2, 3, 4, 5, -6 };
    int64_t      ids[2] = { 0, 2 }, off[2] = { -1, 3 };
    tally_tensor x = dense(v, TALLY_F32, 2, SHAPE(2, 3)), n = dense(narrow, TALLY_I8, 2, SHAPE(2, 3)), i = vector_of(ids, TALLY_I64, 2),
                 o = vector_of(off, TALLY_I64, 2), f = vector_of(real, TALLY_F32, 2), r;
    r = apply(b, TALLY__OP_pick, PTRS(&x, &i), 0, 0);
    EXPECT(r, TALLY_F32, "[2]", 1, -0.0);
    r = apply(b, TALLY__OP_pick, PTRS(&x, &o), 0, 0);
    EXPECT(r, TALLY_F32, "[2]", 0, 0);
    r = apply(b, TALLY__OP_pick, PTRS(&n, &f), 0, 0);
    EXPECT(r, TALLY_I8, "[2]", 0, -6);
    REFUSED(TALLY_INVALID_ARGUMENT, "pick: ids, expected rank 1, found rank 2", TALLY__OP_pick, 0, 0, &x, &x);
}

static void all_equal_is_the_largest_being_the_least(void **state)
{
    bench       *b = *state;
    float        v[8] = { 1, 1, 0, -0.0f, NAN, NAN, 1, 2 };
    int64_t      whole[4] = { INT64_MAX, INT64_MAX - 1, 7, 7 };
    tally_tensor x = dense(v, TALLY_F32, 2, SHAPE(4, 2)), i = dense(whole, TALLY_I64, 2, SHAPE(2, 2)),
                 none = dense(NULL, TALLY_F32, 2, SHAPE(2, 0)), r;
    r = apply(b, TALLY__OP_all_equal, PTRS(&x), 1, 0);
    EXPECT(r, TALLY_BOOL, "[4]", 1, 1, 0, 0);
    r = apply(b, TALLY__OP_all_equal, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_BOOL, "[2]", 0, 0);
    r = apply(b, TALLY__OP_all_equal, PTRS(&i), -1, 0);
    EXPECT(r, TALLY_BOOL, "[2]", 0, 1);
    r = apply(b, TALLY__OP_all_equal, PTRS(&none), 1, 0);
    EXPECT(r, TALLY_BOOL, "[2]", 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sums_over_all_axes_are_exact_and_rounded_once),
        CASE(shorter_floats_are_rounded_once_not_twice),
        CASE(means_over_the_first_axis_are_the_nearest_float),
        CASE(the_order_of_samples_cannot_be_seen),
        CASE(a_row_is_added_in_an_order_that_its_length_fixes),
        CASE(the_first_axis_is_exact_and_the_others_are_not),
        CASE(integers_sum_to_int64_and_have_float64_means),
        CASE(extremes_know_nan_the_sign_of_zero_and_every_dtype),
        CASE(nothing_reduces_to_what_the_op_says),
        CASE(any_and_all_are_logical),
        CASE(softmax_and_relatives_agree_with_their_formula),
        CASE(cumsum_adds_up_each_line),
        CASE(cumsum_of_exact_sums_is_exact),
        CASE(infinities_in_a_line_are_as_in_ieee),
        CASE(argmax_is_the_first_of_the_largest),
        CASE(rank_of_counts_the_scores_strictly_above),
        CASE(pick_is_the_element_at_the_id_or_zero),
        CASE(all_equal_is_the_largest_being_the_least),
    };
    return cmocka_run_group_tests_name("graph/reduce", tests, NULL, NULL);
}
