/* Positions that are data: at, slice, gather, one_hot. Bounds are checked whether or not the value
 * is used, and the text names index, size and the user's line. */
#include "apply.h"

static const float  six[6] = { 0, 1, 2, 3, 4, 5 };

static void at_is_a_view_of_one_row(void **state)
{
    bench *b = *state;
    for (int32_t d = TALLY_U8; d <= TALLY_I64; d++) {
        double       one = 1, v[6] = { 0, 1, 2, 3, 4, 5 };
        tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)),
                     i = scalar_of(dense_values(b, d, &one, 1), d), r;
        r = apply(b, TALLY__OP_at, PTRS(&x, &i), 0, 0);
        assert_ptr_equal(r.data, six + 3);
        EXPECT(r, TALLY_F32, "[3]", v[3], v[4], v[5]);
    }
}

static void at_beyond_the_size_is_out_of_range(void **state)
{
    bench       *b = *state;
    int64_t      i[3] = { 2, -1, 0 };
    uint64_t     u = UINT64_MAX;
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)),
                 none = dense(NULL, TALLY_F32, 1, SHAPE(0)), p = scalar_of(&i[0], TALLY_I64),
                 q = scalar_of(&i[1], TALLY_I64), z = scalar_of(&i[2], TALLY_I64),
                 w = scalar_of(&u, TALLY_U64), many = vector_of(i, TALLY_I64, 1),
                 f = scalar_of(six, TALLY_F32);
    REFUSED(TALLY_OUT_OF_RANGE, "at: index, expected 0 <= index < 2, found 2", TALLY__OP_at, 0, 0,
            &x, &p);
    REFUSED(TALLY_OUT_OF_RANGE, "at: index, expected 0 <= index < 2, found -1", TALLY__OP_at, 0, 0,
            &x, &q);
    REFUSED(TALLY_OUT_OF_RANGE, "at: index, expected 0 <= index < 0, found 0", TALLY__OP_at, 0, 0,
            &none, &z);
    REFUSED(TALLY_OUT_OF_RANGE, "found 9223372036854775807", TALLY__OP_at, 0, 0, &x, &w);
    REFUSED(TALLY_INVALID_ARGUMENT, "at: argument 1, expected rank 0, found rank 1", TALLY__OP_at,
            0, 0, &x, &many);
    REFUSED(TALLY_INVALID_ARGUMENT, "at: argument 1, expected an integer type, found float32",
            TALLY__OP_at, 0, 0, &x, &f);
    REFUSED(TALLY_INVALID_ARGUMENT, "at: argument 0, expected rank 1 or more, found rank 0",
            TALLY__OP_at, 0, 0, &f, &z);
}

static void slice_is_a_view_with_its_bounds_checked(void **state)
{
    bench       *b = *state;
    int64_t      i[5] = { 0, 1, 2, 3, 4 };
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)), at[5], r;
    for (int k = 0; k < 5; k++)
        at[k] = scalar_of(&i[k], TALLY_I64);
    r = apply(b, TALLY__OP_slice, PTRS(&x, &at[1], &at[3]), 1, 0);
    assert_ptr_equal(r.data, six + 1);
    EXPECT(r, TALLY_F32, "[2, 2]", 1, 2, 4, 5);
    r = apply(b, TALLY__OP_slice, PTRS(&x, &at[2], &at[2]), -2, 0);
    EXPECT(r, TALLY_F32, "[0, 3]", 0);
    REFUSED(TALLY_OUT_OF_RANGE, "slice: bounds, expected 0 <= begin <= end <= 3, found 1 and 4",
            TALLY__OP_slice, 1, 0, &x, &at[1], &at[4]);
    REFUSED(TALLY_OUT_OF_RANGE, "slice: bounds, expected 0 <= begin <= end <= 2, found 2 and 1",
            TALLY__OP_slice, 0, 0, &x, &at[2], &at[1]);
}

static void a_slice_by_numbers_has_a_size_that_is_known(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(six, TALLY_F32, 1, SHAPE(6)), y = dense(six, TALLY_F32, 1, SHAPE(2));
    body         f = body_open(b, 2, PTRS(&x, &y));
    tally_node   s = tally_slice_loc(ARG(f, 0), 0, tally_num(1), tally_num(3), AT);
    assert_int_equal(tally__size_known(f.t, tally__node_of(s)->dim[0]), 2);
    tally_tensor r = body_run(&f, tally_add_loc(s, ARG(f, 1), AT));
    EXPECT(r, TALLY_F32, "[2]", 1, 3);
    f = body_open(b, 1, PTRS(&x));
    tally_slice_loc(ARG(f, 0), 0, tally_num(3), tally_num(1), AT);
    BODY_REFUSED(&f, TALLY_OUT_OF_RANGE,
                 "slice: bounds, expected 0 <= begin <= end, found 3 and 1");
}

static void gather_takes_rows_in_the_shape_of_the_ids(void **state)
{
    bench       *b = *state;
    int32_t      ids[4] = { 1, 0, 1, 1 };
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)), v = vector_of(six, TALLY_F32, 6),
                 i = dense(ids, TALLY_I32, 2, SHAPE(2, 2)), one = scalar_of(ids, TALLY_I32), r;
    r = apply(b, TALLY__OP_gather, PTRS(&x, &i), 0, 0);
    EXPECT(r, TALLY_F32, "[2, 2, 3]", 3, 4, 5, 0, 1, 2, 3, 4, 5, 3, 4, 5);
    r = apply(b, TALLY__OP_gather, PTRS(&v, &i), 0, 0);
    EXPECT(r, TALLY_F32, "[2, 2]", 1, 0, 1, 1);
    r = apply(b, TALLY__OP_gather, PTRS(&x, &one), 0, 0);
    EXPECT(r, TALLY_F32, "[3]", 3, 4, 5);
    ids[2] = 2;
    REFUSED(TALLY_OUT_OF_RANGE, "gather: index, expected 0 <= index < 2, found 2", TALLY__OP_gather,
            0, 0, &x, &i);
}

static void gather_of_exact_sums_stays_exact(void **state)
{
    bench       *b = *state;
    tally__sum   s[2];
    int64_t      id = 1;
    tally_tensor x = { s, TALLY__EXACT, 1, { 2 }, { 1 } }, i = vector_of(&id, TALLY_I64, 1), out;
    tally__node  n = { .op = TALLY__OP_gather, .dtype = TALLY__EXACT, .rank = 1 };
    memset(s, 0, sizeof s);
    tally__sum_add_one(&s[1], 1e300);
    tally__sum_add_one(&s[1], 1e-300);
    assert_ok(tally__evaluate(&n, PTRS(&x, &i), &out, &b->work, &b->err), &b->err);
    assert_memory_equal(out.data, &s[1], sizeof s[1]);
}

static void one_hot_is_zeros_for_an_id_outside(void **state)
{
    bench       *b = *state;
    double       v[4] = { 0, 2, 3, 1 }, w[4] = { -1, 1.5, NAN, 2 };
    int64_t      depth = 3, less = -1;
    tally_tensor c = scalar_of(&depth, TALLY_I64), bad = scalar_of(&less, TALLY_I64);
    for (int32_t d = TALLY_U8; d <= TALLY_F64; d++)
        for (int32_t to = TALLY_BOOL; to <= TALLY_F64; to++) {
            tally_tensor x = dense(dense_values(b, d, v, 4), d, 2, SHAPE(2, 2)),
                         r = apply(b, TALLY__OP_one_hot, PTRS(&x, &c), 0, to);
            EXPECT(r, to, "[2, 2, 3]", 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0);
        }
    tally_tensor x = vector_of(dense_values(b, TALLY_F32, w, 4), TALLY_F32, 4),
                 r = apply(b, TALLY__OP_one_hot, PTRS(&x, &c), 0, TALLY_F32);
    EXPECT(r, TALLY_F32, "[4, 3]", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    REFUSED(TALLY_OUT_OF_RANGE, "one_hot: depth, expected 0 or more, found -1", TALLY__OP_one_hot,
            0, TALLY_F32, &x, &bad);
    REFUSED(TALLY_INVALID_ARGUMENT, "one_hot: dtype, expected one of the 13, found 99",
            TALLY__OP_one_hot, 0, 99, &x, &c);
}

static void a_depth_that_is_a_size_gives_that_size(void **state)
{
    bench       *b = *state;
    int64_t      ids[2] = { 2, 0 };
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)), i = vector_of(ids, TALLY_I64, 2);
    body         f = body_open(b, 2, PTRS(&x, &i));
    tally_node   h = tally_one_hot_loc(ARG(f, 1), tally_dim_loc(ARG(f, 0), 1, AT), TALLY_F32, AT);
    assert_int_equal(tally__node_of(h)->dim[1], tally__node_of(ARG(f, 0))->dim[1]);
    tally_tensor r = body_run(&f, tally_mul_loc(ARG(f, 0), h, AT));
    EXPECT(r, TALLY_F32, "[2, 3]", 0, 0, 2, 3, 0, 0);
}

/* ---- every allocation of every kernel can fail */
static tally_status run_kernels(bench *b)
{
    static double  v[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    static int64_t ids[2] = { 1, 0 };
    tally_tensor   x = dense(v, TALLY_F64, 2, SHAPE(3, 4)), y = dense(v, TALLY_F64, 2, SHAPE(4, 3)),
                 i = vector_of(ids, TALLY_I64, 2), out;
    static const struct {
        uint16_t op;
        uint8_t  dtype, rank;
        int      second;
    } run[] = { { TALLY__OP_exp, TALLY_F64, 2, 0 },     { TALLY__OP_sum, TALLY_F64, 1, 0 },
                { TALLY__OP_softmax, TALLY_F64, 2, 0 }, { TALLY__OP_matmul, TALLY_F64, 2, 1 },
                { TALLY__OP_gather, TALLY_F64, 2, 2 },  { TALLY__OP_argmax, TALLY_I64, 1, 0 },
                { TALLY__OP_ratio, TALLY_F64, 2, 0 },   { TALLY__OP_size, TALLY_I64, 0, 0 },
                { TALLY__OP_cast, TALLY_F32, 2, 0 },    { TALLY__OP_reduce_max, TALLY_F64, 0, 0 } };
    for (size_t k = 0; k < sizeof run / sizeof *run; k++) {
        tally__node  n = { .op = run[k].op,
                           .dtype = run[k].dtype,
                           .rank = run[k].rank,
                           .axis = run[k].op == TALLY__OP_softmax };
        tally_status s = tally__evaluate(&n,
                                         PTRS(&x, run[k].second == 1   ? &y
                                                  : run[k].second == 2 ? &i
                                                                       : &x),
                                         &out, &b->work, &b->err);
        if (s)
            return s;
        tally__arena_release(&b->work);
    }
    return TALLY_OK;
}

static void every_allocation_of_a_kernel_may_fail(void **state)
{
    bench       *b = *state;
    tally_status s = TALLY_OK;
    size_t       failed = 0;
    for (size_t k = 1;; k++) {
        atomic_store(&b->memory.calls, 0);
        b->memory.fail_at = k;
        s = run_kernels(b);
        bool reached = atomic_load(&b->memory.calls) >= k;
        if (!reached)
            break;
        assert_int_equal(s, TALLY_RESOURCE_EXHAUSTED);
        assert_int_equal(b->err.status, TALLY_RESOURCE_EXHAUSTED);
        tally__arena_release(&b->work);
        failed++;
    }
    b->memory.fail_at = 0;
    assert_int_equal(s, TALLY_OK);
    assert_true(failed >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(at_is_a_view_of_one_row),
        CASE(at_beyond_the_size_is_out_of_range),
        CASE(slice_is_a_view_with_its_bounds_checked),
        CASE(a_slice_by_numbers_has_a_size_that_is_known),
        CASE(gather_takes_rows_in_the_shape_of_the_ids),
        CASE(gather_of_exact_sums_stays_exact),
        CASE(one_hot_is_zeros_for_an_id_outside),
        CASE(a_depth_that_is_a_size_gives_that_size),
        CASE(every_allocation_of_a_kernel_may_fail),
    };
    return cmocka_run_group_tests_name("graph/index", tests, NULL, NULL);
}
