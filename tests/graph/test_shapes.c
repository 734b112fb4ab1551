/* Shapes: what broadcasts and what does not, symbols that meet, axes, numbers that adapt, views
 * without a copy; each refusal with its text and the user's line. */
#include "apply.h"

static const float six[6] = { 0, 1, 2, 3, 4, 5 };

/* ---- broadcasting */
static void a_lower_rank_repeats_over_leading_axes(void **state)
{
    bench       *b = *state;
    float        v[3] = { 10, 20, 30 }, s = 100;
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)), y = dense(v, TALLY_F32, 1, SHAPE(3)),
                 z = scalar_of(&s, TALLY_F32);
    tally_tensor r = apply(b, TALLY__OP_add, PTRS(&x, &y), 0, 0);
    EXPECT(r, TALLY_F32, "[2, 3]", 10, 21, 32, 13, 24, 35);
    r = apply(b, TALLY__OP_sub, PTRS(&z, &x), 0, 0);
    EXPECT(r, TALLY_F32, "[2, 3]", 100, 99, 98, 97, 96, 95);
}

static void an_input_that_happens_to_be_1_never_repeats(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)),
                 y = dense(six, TALLY_F32, 2, SHAPE(2, 1)), z = dense(six, TALLY_F32, 1, SHAPE(2));
    REFUSED(TALLY_INVALID_ARGUMENT,
            "add: argument 1, expected size 3 on axis 1, found 1 ([2, 3] and [2, 1])",
            TALLY__OP_add, 0, 0, &x, &y);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "lt: argument 1, expected size 3 on axis 0, found 2 ([2, 3] and [2])", TALLY__OP_lt, 0,
            0, &x, &z);
}

static void an_axis_made_by_expand_dims_repeats(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(six, TALLY_F32, 1, SHAPE(3)), y = dense(six, TALLY_F32, 1, SHAPE(2));
    body         f = body_open(b, 2, PTRS(&x, &y));
    tally_node   column = tally_expand_dims_loc(ARG(f, 0), 1, AT),
               sum = tally_add_loc(column, ARG(f, 1), AT);
    assert_int_equal(tally__node_of(sum)->dim[0], tally__node_of(ARG(f, 0))->dim[0]);
    assert_int_equal(tally__node_of(sum)->dim[1], tally__node_of(ARG(f, 1))->dim[0]);
    tally_tensor r = body_run(&f, sum);
    EXPECT(r, TALLY_F32, "[3, 2]", 0, 1, 1, 2, 2, 3);
}

static void sizes_that_meet_are_noted_as_equal_once(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(six, TALLY_F32, 1, SHAPE(3)), y = dense(six, TALLY_F32, 1, SHAPE(3));
    body         f = body_open(b, 2, PTRS(&x, &y));
    tally_node   s = tally_add_loc(ARG(f, 0), ARG(f, 1), AT);
    s = tally_mul_loc(s, ARG(f, 1), AT);
    assert_int_equal(tally__trace_graph(f.t)->n_equality, 1);
    tally_tensor r = body_run(&f, s);
    EXPECT(r, TALLY_F32, "[3]", 0, 2, 8);
}

static void broadcast_like_repeats_whatever_is_1_at_run_time(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 1)),
                 y = dense(six, TALLY_F32, 2, SHAPE(2, 3)),
                 z = dense(six, TALLY_F32, 2, SHAPE(3, 1));
    tally_tensor r = apply(b, TALLY__OP_broadcast_like, PTRS(&x, &y), 0, 0);
    assert_ptr_equal(r.data, six);
    EXPECT(r, TALLY_F32, "[2, 3]", 0, 0, 0, 1, 1, 1);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "broadcast_like: argument 0, expected size 2 or 1 on axis 0, found 3",
            TALLY__OP_broadcast_like, 0, 0, &z, &y);
    tally_tensor v = dense(six, TALLY_F32, 1, SHAPE(3));
    REFUSED(TALLY_INVALID_ARGUMENT, "expected rank 1 at most, found rank 2",
            TALLY__OP_broadcast_like, 0, 0, &x, &v);
}

static void three_operands_broadcast_together(void **state)
{
    bench       *b = *state;
    uint8_t      c[3] = { 1, 0, 2 };
    float        low = -1;
    tally_tensor x = dense(c, TALLY_BOOL, 1, SHAPE(3)), y = dense(six, TALLY_F32, 2, SHAPE(2, 3)),
                 z = scalar_of(&low, TALLY_F32);
    tally_tensor r = apply(b, TALLY__OP_select, PTRS(&x, &y, &z), 0, 0);
    EXPECT(r, TALLY_F32, "[2, 3]", 0, -1, 2, 3, -1, 5);
    tally_tensor two = dense(c, TALLY_BOOL, 1, SHAPE(2));
    REFUSED(TALLY_INVALID_ARGUMENT, "select: argument 1, expected size 2 on axis 1, found 3",
            TALLY__OP_select, 0, 0, &two, &y, &z);
}

static void any_stride_gives_what_dense_memory_gives(void **state)
{
    bench  *b = *state;
    double  v[24], w[24];
    int64_t shape[3] = { 2, 3, 4 };
    for (int i = 0; i < 24; i++) {
        v[i] = i * 1.25 - 7;
        w[i] = 3 - i;
    }
    static const int64_t stride[4][3] = { { -12, 4, 1 }, { 1, 2, 6 }, { 0, 4, -1 }, { 12, 0, 0 } };
    static const int64_t begin[4] = { 12, 0, 3, 0 };
    for (int i = 0; i < 4; i++)
        for (int32_t d = TALLY_U8; d <= TALLY_F64; d++) {
            void        *mine = dense_values(b, d, v, 24), *other = dense_values(b, d, w, 24);
            tally_tensor x = tally_tensor_view((char *)mine +
                                                   (size_t)begin[i] * tally__element_size(d),
                                               (tally_dtype)d, 3, shape, stride[i]);
            tally_tensor y = dense(other, d, 3, shape);
            void        *packed = tally__arena_alloc(&b->work, 24 * 8);
            tally__tensor_pack(packed, d, &x);
            tally_tensor p = dense(packed, d, 3, shape),
                         got = apply(b, TALLY__OP_sub, PTRS(&x, &y), 0, 0),
                         want = apply(b, TALLY__OP_sub, PTRS(&p, &y), 0, 0);
            assert_memory_equal(got.data, want.data, 24 * tally__element_size(d));
            got = apply(b, TALLY__OP_sum, PTRS(&x), 1, 0);
            want = apply(b, TALLY__OP_sum, PTRS(&p), 1, 0);
            assert_memory_equal(got.data, want.data, 8 * tally__element_size(got.dtype));
        }
}

static void long_rows_go_in_blocks_without_a_seam(void **state)
{
    bench  *b = *state;
    int64_t n = 1000;
    double *v = tally__arena_alloc(&b->work, (size_t)n * 8);
    for (int64_t i = 0; i < n; i++)
        v[i] = (double)i;
    tally_tensor x = vector_of(dense_values(b, TALLY_F16, v, (size_t)n), TALLY_F16, n),
                 y = apply(b, TALLY__OP_neg, PTRS(&x), 0, 0);
    double      *got = elements(b, &y);
    for (int64_t i = 0; i < n; i++)
        assert_bits_f64(got[i], -v[i]);
}

static void nothing_is_a_fine_size(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(NULL, TALLY_F32, 2, SHAPE(0, 3)), y = dense(six, TALLY_F32, 1, SHAPE(3)),
                 r;
    r = apply(b, TALLY__OP_add, PTRS(&x, &y), 0, 0);
    assert_string_equal(shape_of(&r), "[0, 3]");
    r = apply(b, TALLY__OP_softmax, PTRS(&x), 1, 0);
    assert_string_equal(shape_of(&r), "[0, 3]");
    r = apply(b, TALLY__OP_argmax, PTRS(&x), 1, 0);
    assert_string_equal(shape_of(&r), "[0]");
}

/* ---- numbers */
static void a_number_takes_the_dtype_of_the_other_operand(void **state)
{
    bench       *b = *state;
    uint8_t      u[2] = { 250, 7 };
    uint16_t     h[1] = { 0x3c00 };
    tally_tensor x = vector_of(u, TALLY_U8, 2), y = vector_of(h, TALLY_BF16, 1),
                 z = vector_of(six, TALLY_F32, 2);
    body         f = body_open(b, 1, PTRS(&x));
    tally_tensor r = body_run(&f, tally_add_loc(ARG(f, 0), tally_num(10), AT));
    EXPECT(r, TALLY_U8, "[2]", 4, 17);
    f = body_open(b, 1, PTRS(&y));
    r = body_run(&f, tally_mul_loc(tally_num(0.1), tally_cast_loc(ARG(f, 0), TALLY_F32, AT), AT));
    assert_int_equal(r.dtype, TALLY_F32);
    f = body_open(b, 1, PTRS(&z));
    r = body_run(&f, tally_lt_loc(ARG(f, 0), tally_num(0.1), AT));
    EXPECT(r, TALLY_BOOL, "[2]", 1, 0);
    f = body_open(b, 1, PTRS(&z));
    r = body_run(&f, tally_clip_loc(ARG(f, 0), tally_num(0.25), tally_num(0.5), AT));
    EXPECT(r, TALLY_F32, "[2]", 0.25, 0.5);
}

static void a_number_that_an_integer_cannot_hold_is_refused_in_arithmetic(void **state)
{
    bench       *b = *state;
    uint8_t      u = 1;
    int64_t      i = 1;
    tally_tensor x = scalar_of(&u, TALLY_U8), y = scalar_of(&i, TALLY_I64);
    body         f = body_open(b, 1, PTRS(&x));
    tally_add_loc(ARG(f, 0), tally_num(0.5), AT);
    BODY_REFUSED(&f, TALLY_INVALID_ARGUMENT,
                 "add: argument 1, expected a number that uint8 holds, found 0.5");
    f = body_open(b, 1, PTRS(&x));
    tally_sub_loc(tally_num(256), ARG(f, 0), AT);
    BODY_REFUSED(&f, TALLY_INVALID_ARGUMENT,
                 "sub: argument 0, expected a number that uint8 holds, found 256");
    f = body_open(b, 1, PTRS(&y));
    tally_maximum_loc(ARG(f, 0), tally_num(0x1p63), AT);
    BODY_REFUSED(&f, TALLY_INVALID_ARGUMENT,
                 "maximum: argument 1, expected a number that int64 holds");
    f = body_open(b, 1, PTRS(&y));
    tally_tensor r = body_run(&f, tally_maximum_loc(ARG(f, 0), tally_num(-0x1p63), AT));
    EXPECT(r, TALLY_I64, "[]", 1);
    uint8_t      flag = 1;
    tally_tensor z = scalar_of(&flag, TALLY_BOOL);
    f = body_open(b, 1, PTRS(&z));
    tally_select_loc(ARG(f, 0), tally_num(1), tally_num(2), AT);
    BODY_REFUSED(&f, TALLY_INVALID_ARGUMENT,
                 "select: argument 1, expected a node to take the dtype from, found numbers only");
}

static void a_comparison_with_a_number_is_exact(void **state)
{
    bench       *b = *state;
    uint64_t     u[3] = { UINT64_MAX, 0, 5 };
    int8_t       s[3] = { 127, -128, 3 };
    uint8_t      t[2] = { 0, 1 };
    tally_tensor x = vector_of(u, TALLY_U64, 3), y = vector_of(s, TALLY_I8, 3),
                 z = vector_of(t, TALLY_BOOL, 2);
    body         f = body_open(b, 1, PTRS(&x));
    tally_tensor r = body_run(&f, tally_lt_loc(ARG(f, 0), tally_num(0x1p64), AT));
    EXPECT(r, TALLY_BOOL, "[3]", 1, 1, 1);
    f = body_open(b, 1, PTRS(&x));
    r = body_run(&f, tally_gt_loc(ARG(f, 0), tally_num(-1), AT));
    EXPECT(r, TALLY_BOOL, "[3]", 1, 1, 1);
    f = body_open(b, 1, PTRS(&y));
    r = body_run(&f, tally_gt_loc(ARG(f, 0), tally_num(2.5), AT));
    EXPECT(r, TALLY_BOOL, "[3]", 1, 0, 1);
    f = body_open(b, 1, PTRS(&y));
    r = body_run(&f, tally_eq_loc(tally_num(NAN), ARG(f, 0), AT));
    EXPECT(r, TALLY_BOOL, "[3]", 0, 0, 0);
    f = body_open(b, 1, PTRS(&z));
    r = body_run(&f, tally_ge_loc(ARG(f, 0), tally_num(0.5), AT));
    EXPECT(r, TALLY_BOOL, "[2]", 0, 1);
}

/* ---- axes */
static void axes_count_from_either_end_and_are_checked(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)), s = scalar_of(six, TALLY_F32), r;
    r = apply(b, TALLY__OP_sum, PTRS(&x), -1, 0);
    EXPECT(r, TALLY_F32, "[2]", 3, 12);
    r = apply(b, TALLY__OP_sum, PTRS(&x), -2, 0);
    EXPECT(r, TALLY_F32, "[3]", 3, 5, 7);
    REFUSED(TALLY_INVALID_ARGUMENT, "mean: axis, expected -2 to 1, found 2", TALLY__OP_mean, 2, 0,
            &x);
    REFUSED(TALLY_INVALID_ARGUMENT, "softmax: axis, expected -2 to 1, found -3", TALLY__OP_softmax,
            -3, 0, &x);
    REFUSED(TALLY_INVALID_ARGUMENT, "sum: argument 0, expected rank 1 or more, found rank 0",
            TALLY__OP_sum, 0, 0, &s);
    REFUSED(TALLY_INVALID_ARGUMENT, "expand_dims: axis, expected -3 to 2, found 3",
            TALLY__OP_expand_dims, 3, 0, &x);
}

static void views_share_the_memory(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)),
                 one = dense(six, TALLY_F32, 3, SHAPE(2, 1, 3)), r;
    r = apply(b, TALLY__OP_transpose, PTRS(&x), 0, 0);
    assert_ptr_equal(r.data, six);
    EXPECT(r, TALLY_F32, "[3, 2]", 0, 3, 1, 4, 2, 5);
    r = apply(b, TALLY__OP_expand_dims, PTRS(&x), -1, 0);
    assert_ptr_equal(r.data, six);
    EXPECT(r, TALLY_F32, "[2, 3, 1]", 0, 1, 2, 3, 4, 5);
    r = apply(b, TALLY__OP_expand_dims, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_F32, "[1, 2, 3]", 0, 1, 2, 3, 4, 5);
    r = apply(b, TALLY__OP_squeeze, PTRS(&one), 1, 0);
    assert_ptr_equal(r.data, six);
    EXPECT(r, TALLY_F32, "[2, 3]", 0, 1, 2, 3, 4, 5);
    REFUSED(TALLY_INVALID_ARGUMENT, "squeeze: axis 0, expected size 1, found 2", TALLY__OP_squeeze,
            0, 0, &one);
    r = apply(b, TALLY__OP_column, PTRS(&x), 1, 0);
    assert_ptr_equal(r.data, six + 1);
    EXPECT(r, TALLY_F32, "[2]", 1, 4);
    REFUSED(TALLY_OUT_OF_RANGE, "column: column, expected 0 <= column < 3, found 3",
            TALLY__OP_column, 3, 0, &x);
    REFUSED(TALLY_OUT_OF_RANGE, "column: column, expected 0 to", TALLY__OP_column, -1, 0, &x);
}

static void sizes_are_int64(void **state)
{
    bench       *b = *state;
    tally_tensor x = dense(six, TALLY_F32, 2, SHAPE(2, 3)), r;
    r = apply(b, TALLY__OP_dim, PTRS(&x), -1, 0);
    EXPECT(r, TALLY_I64, "[]", 3);
    r = apply(b, TALLY__OP_size, PTRS(&x), 0, 0);
    EXPECT(r, TALLY_I64, "[]", 6);
}

/* the rank never exceeds what a tensor can have */
static void a_rank_beyond_the_largest_is_refused(void **state)
{
    bench       *b = *state;
    int64_t      ids[1] = { 0 };
    tally_tensor x = dense(six, TALLY_F32, 6, SHAPE(1, 1, 1, 1, 1, 6)),
                 i = dense(ids, TALLY_I64, 2, SHAPE(1, 1)), d = scalar_of(ids, TALLY_I64);
    REFUSED(TALLY_INVALID_ARGUMENT, "expand_dims: result, expected rank 6 at most, found rank 7",
            TALLY__OP_expand_dims, 0, 0, &x);
    REFUSED(TALLY_INVALID_ARGUMENT, "gather: result, expected rank 6 at most, found rank 7",
            TALLY__OP_gather, 0, 0, &x, &i);
    REFUSED(TALLY_INVALID_ARGUMENT, "one_hot: result, expected rank 6 at most, found rank 7",
            TALLY__OP_one_hot, 0, TALLY_F32, &x, &d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lower_rank_repeats_over_leading_axes),
        CASE(an_input_that_happens_to_be_1_never_repeats),
        CASE(an_axis_made_by_expand_dims_repeats),
        CASE(sizes_that_meet_are_noted_as_equal_once),
        CASE(broadcast_like_repeats_whatever_is_1_at_run_time),
        CASE(three_operands_broadcast_together),
        CASE(any_stride_gives_what_dense_memory_gives),
        CASE(long_rows_go_in_blocks_without_a_seam),
        CASE(nothing_is_a_fine_size),
        CASE(a_number_takes_the_dtype_of_the_other_operand),
        CASE(a_number_that_an_integer_cannot_hold_is_refused_in_arithmetic),
        CASE(a_comparison_with_a_number_is_exact),
        CASE(axes_count_from_either_end_and_are_checked),
        CASE(views_share_the_memory),
        CASE(sizes_are_int64),
        CASE(a_rank_beyond_the_largest_is_refused),
    };
    return cmocka_run_group_tests_name("graph/shapes", tests, NULL, NULL);
}
