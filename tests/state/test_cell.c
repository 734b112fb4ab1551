/* cells: every way for values to enter, against a loop over single elements; and that the held form never shows. */
#include "entries.h"

static tally_context *x;
static test_memory    memory;

static int cell_setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    x = test_context(&memory, NULL);
    return x ? 0 : -1;
}

static int cell_teardown(void **state)
{
    (void)state;
    tally_context_release(x);
    return memory.blocks ? -1 : 0;
}

static tally__cell new_cell(int kind, int rank, const int64_t *shape)
{
    tally__cell_spec spec = { "state", kind, 0, rank, { 0 } };
    tally__cell      c;
    for (int i = 0; i < rank; i++)
        spec.shape[i] = shape[i];
    tally__cell_init(&c, &spec);
    assert_int_equal(tally__cell_build(&c, x, shape, NULL), TALLY_OK);
    return c;
}

static void add(tally__cell *c, tally_tensor v)
{
    assert_int_equal(tally__cell_accumulate(c, x, &v, NULL, NULL, NULL), TALLY_OK);
}

/* ---- against single elements */

/* the last axes of the value are the cell's */
static int64_t last_axes(const tally__cell *c, int axis, const tally_tensor *v, const int64_t *at)
{
    int64_t k = 0;
    (void)axis;
    for (int a = v->rank - c->rank; a < v->rank; a++)
        k = k * v->shape[a] + at[a];
    return k;
}

static void random_operand(entry *e, test_rng *r, const tally_tensor *value, int32_t dtype)
{
    int64_t   shape[TALLY_MAX_RANK];
    const int rank = (int)test_below(r, (size_t)value->rank + 1);
    for (int a = 0; a < rank; a++)
        shape[a] = test_below(r, 4) ? value->shape[a] : 1;
    entry_make(e, r, dtype, rank, shape);
}

static void one_random_case(uint64_t seed, entry *e)
{
    static const int32_t weights[] = { TALLY_F32, TALLY_F64, TALLY_BOOL, TALLY_I64, TALLY_F16, TALLY_U8 };
    test_rng  r = { seed };
    const int cell_rank = (int)test_below(&r, 3), rank = cell_rank + (int)test_below(&r, 3);
    const int kind = TALLY_STATE_SUM + (int)test_below(&r, 5);
    int64_t   shape[TALLY_MAX_RANK];
    for (int a = 0; a < rank; a++)
        shape[a] = (int64_t)test_below(&r, a < rank - cell_rank ? 9 : 5) + (a < rank - cell_rank ? 0 : 1);
    if (rank - cell_rank == 1 && cell_rank < 2 && test_below(&r, 4) == 0)
        shape[0] = (int64_t)test_below(&r, 300);
    tally__cell c = new_cell(kind, cell_rank, shape + rank - cell_rank);
    oracle      o = oracle_new(c.n);
    for (size_t updates = 1 + test_below(&r, 3); updates; updates--) {
        const bool weight = test_below(&r, 2), mask = test_below(&r, 3) == 0;
        int32_t    dtype = TALLY_BOOL + (int32_t)test_below(&r, 14);
        if (dtype == TALLY__EXACT && tally__elements(rank, shape) > 40)
            dtype = TALLY_F64;
        entry_make(&e[0], &r, dtype, rank, shape);
        random_operand(&e[1], &r, &e[0].t, weights[test_below(&r, TALLY__COUNT(weights))]);
        random_operand(&e[2], &r, &e[0].t, TALLY_BOOL);
        assert_int_equal(tally__cell_accumulate(&c, x, &e[0].t, weight ? &e[1].t : NULL, mask ? &e[2].t : NULL, NULL),
                         TALLY_OK);
        oracle_run(&o, &c, 0, last_axes, &e[0].t, &e[0].t, weight ? &e[1].t : NULL, mask ? &e[2].t : NULL);
    }
    oracle_check(&o, &c, seed, e[0].t.dtype);
    oracle_free(&o);
    tally__cell_drop(&c, x);
}

static void any_operands_enter_as_their_single_elements_do(void **state)
{
    entry *e = calloc(3, sizeof *e);
    (void)state;
    for (int i = 0; i < 3; i++)
        e[i].sums = malloc(POOL * sizeof(tally__sum));
    for (uint64_t seed = 1; seed <= test_scaled(20000); seed++)
        one_random_case(seed, e);
    for (int i = 0; i < 3; i++)
        free(e[i].sums);
    free(e);
}

/* ---- single facts */

static void long_blocks_of_every_dtype_are_exact(void **state)
{
    enum { N = 5000 };
    static uint64_t bytes[N];
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        for (int32_t dtype = TALLY_BOOL; dtype <= TALLY_F64; dtype++) {
            test_rng     r = { seed };
            const size_t size = tally__element_size(dtype), n = test_below(&r, N);
            tally__sum   want, got;
            tally__cell  c = new_cell(TALLY_STATE_SUM, 0, NULL);
            memset(&want, 0, sizeof want);
            for (size_t i = 0; i < n; i++) {
                char *p = (char *)bytes + i * size;
                tally__store_f64(p, dtype, (double)test_below(&r, 2000) - (double)(seed % 3 ? 0 : 1000));
                if (i > n / 2 && seed % 4 == 0)
                    tally__store_f64(p, dtype, test_unit(&r));
                uint64_t bits = 0;
                memcpy(&bits, p, size);
                if (dtype == TALLY_U64)
                    tally__sum_add_u64(&want, bits);
                else if (dtype == TALLY_I64)
                    tally__sum_add_i64(&want, (int64_t)bits);
                else
                    tally__sum_add_one(&want, tally__load_f64(p, dtype));
            }
            tally_tensor v = tally__view2(bytes, (tally_dtype)dtype, 1, (int64_t)n, 0, 1, 0);
            add(&c, v);
            tally__cell_get(&c, 0, &got);
            assert_memory_equal(&got, &want, sizeof got);
            tally__cell_drop(&c, x);
        }
}

static void blocks_of_whole_values_at_the_edge_of_their_range_are_exact(void **state)
{
    enum { N = 1200 };
    static const double edge[] = { 0x1p21, 0x1p22 - 1, 0x1p22, 0x1p22 + 1, 0x1p22 + 0.5, 0x1p23, 0x1p24, 0x1p50, 0x1p51 - 1,
                                   0x1p51, 0x1p51 + 1, 0x1p52 - 0.5, 0x1p53, 0x1p62, 0x1p63 };
    static double v64[N];
    static float  v32[N];
    (void)state;
    for (size_t e = 0; e < TALLY__COUNT(edge); e++)
        for (int sign = 0; sign < 3; sign++) {
            tally__cell c = new_cell(TALLY_STATE_SUM, 0, NULL), d = new_cell(TALLY_STATE_SUM, 0, NULL);
            tally__sum  want64, want32, got;
            memset(&want64, 0, sizeof want64);
            memset(&want32, 0, sizeof want32);
            for (int i = 0; i < N; i++) {
                v64[i] = sign == 0 || (sign == 1 && i % 5) ? edge[e] : -edge[e];
                v32[i] = (float)v64[i];
                tally__sum_add_one(&want64, v64[i]);
                tally__sum_add_one(&want32, (double)v32[i]);
            }
            add(&c, tally_vector(v64, N));
            add(&d, tally_vector(v32, N));
            tally__cell_get(&c, 0, &got);
            assert_memory_equal(&got, &want64, sizeof got);
            tally__cell_get(&d, 0, &got);
            assert_memory_equal(&got, &want32, sizeof got);
            tally__cell_drop(&c, x);
            tally__cell_drop(&d, x);
        }
}

/* the first rows are small whole numbers, a later one is not */
static void columns_of_floats_are_exact_wherever_a_fraction_stands(void **state)
{
    enum { ROWS = 70000, COLUMNS = 3 };
    static float v[ROWS][COLUMNS];
    const int64_t width = COLUMNS;
    (void)state;
    for (size_t at = 0; at <= ROWS; at += 17500) {
        tally__cell c = new_cell(TALLY_STATE_SUM, 1, &width);
        tally__sum  want[COLUMNS], got;
        memset(want, 0, sizeof want);
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < COLUMNS; j++) {
                v[i][j] = i == at ? 0.1f : (float)((i * 7 + j) % 5);
                tally__sum_add_one(&want[j], (double)v[i][j]);
            }
        add(&c, tally_matrix(&v[0][0], ROWS, COLUMNS));
        for (int64_t j = 0; j < COLUMNS; j++) {
            tally__cell_get(&c, j, &got);
            assert_memory_equal(&got, &want[j], sizeof got);
        }
        tally__cell_drop(&c, x);
    }
}

static void a_sum_of_whole_numbers_is_held_whole_and_a_fraction_widens_it(void **state)
{
    const float whole[] = { 1, 2, -7, 0 }, part = 0.5f;
    tally__cell c = new_cell(TALLY_STATE_SUM, 0, NULL), d = new_cell(TALLY_STATE_SUM, 0, NULL);
    uint8_t     a[TALLY__SUM_BYTES_MAX], b[TALLY__SUM_BYTES_MAX];
    (void)state;
    add(&c, tally_vector(whole, 4));
    assert_false(c.wide);
    assert_null(c.sum);
    add(&c, tally_scalar(&part));
    assert_true(c.wide);
    add(&c, tally_scalar(&part));
    assert_bits_f64(tally__cell_round(&c, 0), -3.0);
    const int8_t three = -3;
    add(&d, tally_scalar(&three));
    assert_false(d.wide);
    assert_true(tally__cell_same(&c, &d));
    const size_t n = tally__kind_of(c.kind)->pack(&c, a);
    assert_int_equal(tally__kind_of(d.kind)->pack(&d, b), n);
    assert_memory_equal(a, b, n);
    const tally__sum *kept = c.sum;
    tally__cell_reset(&c);
    assert_false(c.wide);
    assert_ptr_equal(c.sum, kept);
    assert_bits_f64(tally__cell_round(&c, 0), 0.0);
    tally__cell_drop(&c, x);
    tally__cell_drop(&d, x);
}

/* v: fractions, whole numbers, and what is not finite */
static const double loners[] = { 0.5, -0.25, 0x1p-1074, -0x1p-1074, 0x1p-1023, 0x1.8p1023, -0x1p60, 0x1p51 + 2, 0x1p63, INFINITY,
                                 -INFINITY, NAN, -NAN, -0.0, 0.0, 1, -3, 0x1p51 };

static void check_sum(const tally__cell *c, const tally__sum *want, const char *what, double v, double u)
{
    uint8_t    a[TALLY__SUM_BYTES_MAX], b[TALLY__SUM_BYTES_MAX];
    tally__sum got;
    double     rounded = tally__cell_round(c, 0), near = tally__sum_round(want);
    tally__cell_get(c, 0, &got);
    const size_t n = tally__sum_pack(want, a);
    bool         same = memcmp(&got, want, sizeof got) == 0 && memcmp(&rounded, &near, sizeof near) == 0;
    same &= tally__kind_of(c->kind)->pack(c, NULL) == n && tally__kind_of(c->kind)->pack(c, b) == n && memcmp(a, b, n) == 0;
    if (!same)
        print_error("%s, of %a and %a: got %a, expected %a\n", what, v, u, tally__sum_round(&got), tally__sum_round(want));
    assert_true(same);
}

static tally__cell sum_of(const double *v, int n, tally__sum *want)
{
    tally__cell c = new_cell(TALLY_STATE_SUM, 0, NULL);
    memset(want, 0, sizeof *want);
    for (int i = 0; i < n; i++) {
        add(&c, tally_vector(&v[i], 1));
        tally__sum_add_one(want, v[i]);
    }
    return c;
}

static void one_number_that_is_not_whole_stays_alone_until_a_second(void **state)
{
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(loners); i++) {
        const double v = loners[i];
        const bool   whole = v > -0x1p51 && v < 0x1p51 && v == (double)(int64_t)v;
        tally__sum   want;
        tally__cell  c = sum_of(&v, 1, &want);
        assert_true(c.touched && !c.wide && !c.sum && c.alone == !whole);
        check_sum(&c, &want, "alone", v, 0);
        add(&c, tally_vector((const double *)NULL, 0));
        assert_true(c.alone == !whole);
        tally__cell_reset(&c);
        assert_false(c.alone || c.touched);
        memset(&want, 0, sizeof want);
        check_sum(&c, &want, "reset", v, 0);
        add(&c, tally_scalar(&v));
        tally__sum_add_one(&want, v);
        check_sum(&c, &want, "after a reset", v, 0);
        tally__cell_drop(&c, x);
    }
}

/* every way for a second value to enter */
static void add_second(tally__cell *c, tally__sum *want, double u, int way)
{
    const double  one = 1, two[] = { u, u };
    const bool    yes = true;
    const int64_t seven = 7;
    tally_tensor  value = tally_vector(&u, 1), weight = tally_vector(&one, 1), mask = tally_vector(&yes, 1);
    tally_tensor  exact = { NULL, TALLY__EXACT, 0, { 0 }, { 0 } };
    tally__sum    sum;
    memset(&sum, 0, sizeof sum);
    tally__sum_add_one(&sum, u);
    exact.data = &sum;
    switch (way) {
    case 0: add(c, value); break;
    case 1: assert_int_equal(tally__cell_accumulate(c, x, &value, &weight, NULL, NULL), TALLY_OK); break;
    case 2: assert_int_equal(tally__cell_accumulate(c, x, &value, NULL, &mask, NULL), TALLY_OK); break;
    case 3: add(c, exact); break;
    case 4: add(c, tally_scalar(&seven)); break;
    case 5: add(c, tally_vector(&seven, 1)); break;
    default: add(c, tally_vector(two, 2)); break;
    }
    if (way == 4 || way == 5)
        tally__sum_add_i64(want, seven);
    else
        tally__sum_add_one(want, u);
    if (way > 5)
        tally__sum_add_one(want, u);
}

static void a_second_value_of_any_kind_joins_the_one_that_was_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(loners); i++)
        for (size_t k = 0; k < TALLY__COUNT(loners); k++)
            for (int way = 0; way <= 6; way++) {
                tally__sum  want;
                tally__cell c = sum_of(&loners[i], 1, &want);
                add_second(&c, &want, loners[k], way);
                check_sum(&c, &want, "second value", loners[i], loners[k]);
                add_second(&c, &want, loners[i], 6 - way);
                check_sum(&c, &want, "third value", loners[i], loners[k]);
                tally__cell_drop(&c, x);
            }
}

/* 0: nothing, 1: one number, 2: a whole sum and a fraction, wide */
static tally__cell held(double v, int form, tally__sum *want)
{
    const double more[] = { v, 2, 0.5 };
    return sum_of(more, form == 2 ? 3 : form, want);
}

static void a_number_alone_merges_compares_copies_and_reads_like_any_sum(void **state)
{
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(loners); i++)
        for (size_t k = 0; k < TALLY__COUNT(loners); k++)
            for (int forms = 0; forms < 9; forms++) {
                const double v = loners[i], u = loners[k];
                tally__sum   a, b, got, both;
                tally__cell  into = held(v, forms / 3, &a), from = held(u, forms % 3, &b), copy = new_cell(TALLY_STATE_SUM, 0, NULL);
                both = a;
                tally__sum_merge(&both, &b);
                assert_true(tally__cell_same(&into, &from) == (memcmp(&a, &b, sizeof a) == 0));
                tally__cell_get2(&into, &from, 0, &got);
                assert_memory_equal(&got, &both, sizeof got);
                if (!tally__cell_holds(&copy, &from))
                    assert_int_equal(tally__cell_grow(&copy, x, NULL), TALLY_OK);
                tally__cell_copy(&copy, &from);
                check_sum(&copy, &b, "copy", u, v);
                assert_true(tally__cell_same(&copy, &from));
                if (from.wide || into.wide || tally__cell_overflows(&into, &from))
                    assert_int_equal(tally__cell_room_wide(&into, x, NULL), TALLY_OK);
                tally__cell_merge(&into, &from);
                assert_false(into.alone);
                check_sum(&into, &both, "merge", v, u);
                check_sum(&from, &b, "merged from", u, v);
                tally__cell_drop(&into, x);
                tally__cell_drop(&from, x);
                tally__cell_drop(&copy, x);
            }
}

static void sixty_four_bit_integers_pass_the_edge_of_int64_exactly(void **state)
{
    const int64_t  big[] = { INT64_MAX, 1, INT64_MAX, INT64_MIN, INT64_MIN };
    const uint64_t huge[] = { UINT64_MAX, 1 };
    tally__cell    c = new_cell(TALLY_STATE_SUM, 0, NULL);
    tally__sum     want, got;
    (void)state;
    memset(&want, 0, sizeof want);
    for (int i = 0; i < 5; i++) {
        add(&c, tally_scalar(&big[i]));
        tally__sum_add_i64(&want, big[i]);
        tally__cell_get(&c, 0, &got);
        assert_memory_equal(&got, &want, sizeof got);
    }
    add(&c, tally_vector(huge, 2));
    tally__sum_add_u64(&want, UINT64_MAX);
    tally__sum_add_u64(&want, 1);
    tally__cell_get(&c, 0, &got);
    assert_memory_equal(&got, &want, sizeof got);
    tally__cell_drop(&c, x);
}

static void a_weight_of_one_adds_a_64_bit_integer_itself(void **state)
{
    const int64_t v[] = { INT64_MAX - 1, INT64_MAX - 1 };
    const double  one[] = { 1, 1 }, two[] = { 2, 1 };
    tally__cell   c = new_cell(TALLY_STATE_SUM, 0, NULL);
    tally_tensor  value = tally_vector(v, 2), w = tally_vector(one, 2), w2 = tally_vector(two, 2);
    tally__sum    want, got;
    (void)state;
    memset(&want, 0, sizeof want);
    tally__sum_add_i64(&want, v[0]);
    tally__sum_add_i64(&want, v[1]);
    assert_int_equal(tally__cell_accumulate(&c, x, &value, &w, NULL, NULL), TALLY_OK);
    tally__cell_get(&c, 0, &got);
    assert_memory_equal(&got, &want, sizeof got);
    assert_int_equal(tally__cell_accumulate(&c, x, &value, &w2, NULL, NULL), TALLY_OK);
    tally__sum_add_one(&want, 2 * (double)v[0]);
    tally__sum_add_i64(&want, v[1]);
    tally__cell_get(&c, 0, &got);
    assert_memory_equal(&got, &want, sizeof got);
    tally__cell_drop(&c, x);
}

static void a_product_that_is_not_a_number_counts_as_one(void **state)
{
    const float  v[] = { INFINITY, 1 }, w[] = { 0, 1 };
    tally__cell  c = new_cell(TALLY_STATE_SUM, 0, NULL);
    tally_tensor value = tally_vector(v, 2), weight = tally_vector(w, 2);
    tally__sum   got;
    (void)state;
    assert_int_equal(tally__cell_accumulate(&c, x, &value, &weight, NULL, NULL), TALLY_OK);
    tally__cell_get(&c, 0, &got);
    assert_int_equal(got.nan, 1);
    assert_int_equal(got.inf, 0);
    tally__cell_drop(&c, x);
}

static void what_a_mask_hides_is_not_read(void **state)
{
    static const int64_t shape[] = { 2 };
    const double   v[3][2] = { { 1, NAN }, { INFINITY, 2 }, { NAN, NAN } };
    const bool     m[3][2] = { { true, false }, { false, true }, { false, false } };
    tally__cell    c = new_cell(TALLY_STATE_SUM, 1, shape);
    tally_tensor   value = tally_matrix(&v[0][0], 3, 2), mask = tally_matrix(&m[0][0], 3, 2);
    (void)state;
    assert_int_equal(tally__cell_accumulate(&c, x, &value, NULL, &mask, NULL), TALLY_OK);
    assert_bits_f64(tally__cell_round(&c, 0), 1.0);
    assert_bits_f64(tally__cell_round(&c, 1), 2.0);
    tally__cell_drop(&c, x);
}

static void no_rows_touch_nothing(void **state)
{
    static const int64_t shape[] = { 3 };
    tally__cell    c = new_cell(TALLY_STATE_SUM, 1, shape), s = new_cell(TALLY_STATE_MIN, 0, NULL);
    (void)state;
    add(&c, tally_matrix((const float *)NULL, 0, 3));
    add(&s, tally_vector((const double *)NULL, 0));
    add(&s, tally_matrix((const double *)NULL, 4, 0));
    assert_false(c.touched || s.touched);
    assert_bits_f64(tally__cell_round(&s, 0), INFINITY);
    tally__cell_drop(&c, x);
    tally__cell_drop(&s, x);
}

static void a_count_is_unsigned_and_wraps_at_its_end(void **state)
{
    const bool  yes = true;
    tally__cell c = new_cell(TALLY_STATE_COUNT, 0, NULL), half = new_cell(TALLY_STATE_COUNT, 0, NULL);
    tally__sum  got, want;
    (void)state;
    memset(&want, 0, sizeof want);
    c.whole[0] = -2;
    add(&c, tally_scalar(&yes));
    assert_bits_f64(tally__cell_round(&c, 0), 0x1p64);
    tally__cell_get(&c, 0, &got);
    tally__sum_add_u64(&want, UINT64_MAX);
    assert_memory_equal(&got, &want, sizeof got);
    add(&c, tally_scalar(&yes));
    assert_bits_f64(tally__cell_round(&c, 0), 0.0);
    half.whole[0] = INT64_MIN;
    tally__cell_merge(&c, &half);
    tally__cell_merge(&c, &half);
    assert_bits_f64(tally__cell_round(&c, 0), 0.0);
    tally__cell_drop(&c, x);
    tally__cell_drop(&half, x);
}

static void minus_zero_is_below_zero_and_a_nan_stays_until_reset(void **state)
{
    const double v[] = { 0.0, -0.0, 0.0 }, u[] = { -0.0, 0.0, -0.0 }, nan = -NAN, one = 1;
    tally__cell  low = new_cell(TALLY_STATE_MIN, 0, NULL), high = new_cell(TALLY_STATE_MAX, 0, NULL);
    (void)state;
    add(&low, tally_vector(v, 3));
    add(&high, tally_vector(u, 3));
    assert_bits_f64(tally__cell_round(&low, 0), -0.0);
    assert_bits_f64(tally__cell_round(&high, 0), 0.0);
    add(&low, tally_scalar(&nan));
    add(&low, tally_scalar(&one));
    add(&high, tally_scalar(&nan));
    add(&high, tally_scalar(&one));
    assert_bits_f64(tally__cell_round(&low, 0), test_from_bits_f64((uint64_t)0x7ff8 << 48));
    assert_bits_f64(tally__cell_round(&high, 0), test_from_bits_f64((uint64_t)0x7ff8 << 48));
    tally__cell_reset(&low);
    tally__cell_reset(&high);
    assert_bits_f64(tally__cell_round(&low, 0), INFINITY);
    assert_bits_f64(tally__cell_round(&high, 0), -INFINITY);
    tally__cell_drop(&low, x);
    tally__cell_drop(&high, x);
}

static void sizes_that_no_memory_holds_are_refused(void **state)
{
    static const int64_t  vast[] = { INT64_MAX, 3 };
    const tally__cell_spec spec = { "state", TALLY_STATE_SUM, 0, 2, { -1, -1 } };
    tally__cell            c;
    tally_error            err;
    (void)state;
    tally__cell_init(&c, &spec);
    assert_int_equal(tally__cell_build(&c, x, vast, &err), TALLY_RESOURCE_EXHAUSTED);
    assert_false(c.built);
    assert_int_equal(tally__cell_size(2, vast), -1);
    assert_int_equal(tally__cell_size(2, (int64_t[]){ INT64_MAX, 0 }), 0);
    tally__cell_drop(&c, x);
}

static void every_kind_has_a_row_with_all_its_columns(void **state)
{
    (void)state;
    for (int32_t k = TALLY_STATE_SUM; k <= TALLY_STATE_TENSOR; k++) {
        const tally__kind *row = tally__kind_of(k);
        assert_non_null(row->name);
        assert_non_null(row->same);
        assert_non_null(row->get);
        assert_non_null(row->pack);
        assert_non_null(row->unpack);
        assert_int_equal(row->merge == NULL, k == TALLY_STATE_TENSOR);
    }
    assert_null(tally__kind_of(0));
    assert_null(tally__kind_of(TALLY_STATE_TENSOR + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_operands_enter_as_their_single_elements_do),
        cmocka_unit_test(long_blocks_of_every_dtype_are_exact),
        cmocka_unit_test(blocks_of_whole_values_at_the_edge_of_their_range_are_exact),
        cmocka_unit_test(columns_of_floats_are_exact_wherever_a_fraction_stands),
        cmocka_unit_test(a_sum_of_whole_numbers_is_held_whole_and_a_fraction_widens_it),
        cmocka_unit_test(one_number_that_is_not_whole_stays_alone_until_a_second),
        cmocka_unit_test(a_second_value_of_any_kind_joins_the_one_that_was_alone),
        cmocka_unit_test(a_number_alone_merges_compares_copies_and_reads_like_any_sum),
        cmocka_unit_test(sixty_four_bit_integers_pass_the_edge_of_int64_exactly),
        cmocka_unit_test(a_weight_of_one_adds_a_64_bit_integer_itself),
        cmocka_unit_test(a_product_that_is_not_a_number_counts_as_one),
        cmocka_unit_test(what_a_mask_hides_is_not_read),
        cmocka_unit_test(no_rows_touch_nothing),
        cmocka_unit_test(a_count_is_unsigned_and_wraps_at_its_end),
        cmocka_unit_test(minus_zero_is_below_zero_and_a_nan_stays_until_reset),
        cmocka_unit_test(sizes_that_no_memory_holds_are_refused),
        cmocka_unit_test(every_kind_has_a_row_with_all_its_columns),
    };
    return cmocka_run_group_tests_name("cell", tests, cell_setup, cell_teardown);
}
