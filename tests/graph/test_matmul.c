/* matmul: matrices, vectors, stacks, every number type; float64 sums in the order of the inner
 * axis, rounded once. */
#include "apply.h"

static void matrices_and_vectors_multiply(void **state)
{
    bench *b = *state;
    double v[6] = { 1, 2, 3, 4, 5, 6 }, w[6] = { 7, 8, 9, 10, 11, 12 };
    for (int32_t d = TALLY_U8; d <= TALLY_F64; d++) {
        void        *p = dense_values(b, d, v, 6), *q = dense_values(b, d, w, 6);
        tally_tensor x = dense(p, d, 2, SHAPE(2, 3)), y = dense(q, d, 2, SHAPE(3, 2)),
                     s = dense(p, d, 1, SHAPE(3)), t = dense(q, d, 1, SHAPE(3)), r;
        r = apply(b, TALLY__OP_matmul, PTRS(&x, &y), 0, 0);
        bool fits = d != TALLY_I8;
        if (fits)
            EXPECT(r, d, "[2, 2]", 58, 64, 139, 154);
        else
            EXPECT(r, d, "[2, 2]", 58, 64, 139 - 256, 154 - 256);
        r = apply(b, TALLY__OP_matmul, PTRS(&s, &y), 0, 0);
        EXPECT(r, d, "[2]", 58, 64);
        r = apply(b, TALLY__OP_matmul, PTRS(&x, &t), 0, 0);
        if (fits)
            EXPECT(r, d, "[2]", 50, 122);
        r = apply(b, TALLY__OP_matmul, PTRS(&s, &t), 0, 0);
        EXPECT(r, d, "[]", 50);
    }
}

static void the_sum_is_float64_in_the_order_of_the_inner_axis(void **state)
{
    bench   *b = *state;
    test_rng rng = { 11 };
    enum { K = 200 };
    double v[K], w[K], want = 0;
    float  f[K], g[K], narrow;
    for (int i = 0; i < K; i++) {
        f[i] = (float)(v[i] = test_unit(&rng) - 0.5);
        g[i] = (float)(w[i] = test_unit(&rng) * 1e3);
    }
    for (int i = 0; i < K; i++)
        want += v[i] * w[i];
    tally_tensor x = dense(v, TALLY_F64, 2, SHAPE(1, K)), y = dense(w, TALLY_F64, 1, SHAPE(K)),
                 r = apply(b, TALLY__OP_matmul, PTRS(&x, &y), 0, 0);
    EXPECT(r, TALLY_F64, "[1]", want);
    want = 0;
    for (int i = 0; i < K; i++)
        want += (double)f[i] * (double)g[i];
    narrow = (float)want;
    x = dense(f, TALLY_F32, 1, SHAPE(K));
    y = dense(g, TALLY_F32, 2, SHAPE(K, 1));
    r = apply(b, TALLY__OP_matmul, PTRS(&x, &y), 0, 0);
    EXPECT(r, TALLY_F32, "[1]", (double)narrow);
}

static void stacks_multiply_one_by_one_and_a_matrix_serves_all(void **state)
{
    bench       *b = *state;
    double       v[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, w[8] = { 1, 0, 0, 1, 0, 1, 1, 0 };
    tally_tensor x = dense(v, TALLY_F64, 3, SHAPE(2, 2, 2)),
                 y = dense(w, TALLY_F64, 3, SHAPE(2, 2, 2)),
                 m = dense(w + 4, TALLY_F64, 2, SHAPE(2, 2)), r;
    r = apply(b, TALLY__OP_matmul, PTRS(&x, &y), 0, 0);
    EXPECT(r, TALLY_F64, "[2, 2, 2]", 1, 2, 3, 4, 6, 5, 8, 7);
    r = apply(b, TALLY__OP_matmul, PTRS(&x, &m), 0, 0);
    EXPECT(r, TALLY_F64, "[2, 2, 2]", 2, 1, 4, 3, 6, 5, 8, 7);
    r = apply(b, TALLY__OP_matmul, PTRS(&m, &x), 0, 0);
    EXPECT(r, TALLY_F64, "[2, 2, 2]", 3, 4, 1, 2, 7, 8, 5, 6);
    tally_tensor three = dense(v, TALLY_F64, 3, SHAPE(1, 2, 2));
    REFUSED(TALLY_INVALID_ARGUMENT, "matmul: argument 1, expected size 2 on axis 0, found 1",
            TALLY__OP_matmul, 0, 0, &x, &three);
}

static void strides_and_empty_sizes_are_fine(void **state)
{
    bench       *b = *state;
    double       v[6] = { 1, 2, 3, 4, 5, 6 };
    int64_t      turned[2] = { 1, 3 };
    tally_tensor x = dense(v, TALLY_F64, 2, SHAPE(2, 3)),
                 y = tally_tensor_view(v, TALLY_F64, 2, SHAPE(3, 2), turned), r;
    r = apply(b, TALLY__OP_matmul, PTRS(&x, &y), 0, 0);
    EXPECT(r, TALLY_F64, "[2, 2]", 14, 32, 32, 77);
    tally_tensor p = dense(NULL, TALLY_F64, 2, SHAPE(2, 0)),
                 q = dense(NULL, TALLY_F64, 2, SHAPE(0, 2)),
                 none = dense(NULL, TALLY_F64, 2, SHAPE(0, 3));
    r = apply(b, TALLY__OP_matmul, PTRS(&p, &q), 0, 0);
    EXPECT(r, TALLY_F64, "[2, 2]", 0, 0, 0, 0);
    r = apply(b, TALLY__OP_matmul, PTRS(&none, &y), 0, 0);
    assert_string_equal(shape_of(&r), "[0, 2]");
}

static void inner_sizes_must_agree(void **state)
{
    bench       *b = *state;
    double       v[6] = { 0 };
    tally_tensor x = dense(v, TALLY_F64, 2, SHAPE(2, 3)), s = scalar_of(v, TALLY_F64);
    REFUSED(TALLY_INVALID_ARGUMENT, "matmul: inner sizes, expected 3 as in argument 0, found 2",
            TALLY__OP_matmul, 0, 0, &x, &x);
    REFUSED(TALLY_INVALID_ARGUMENT, "matmul: argument 1, expected rank 1 or more, found rank 0",
            TALLY__OP_matmul, 0, 0, &x, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(matrices_and_vectors_multiply),
        CASE(the_sum_is_float64_in_the_order_of_the_inner_axis),
        CASE(stacks_multiply_one_by_one_and_a_matrix_serves_all),
        CASE(strides_and_empty_sizes_are_fine),
        CASE(inner_sizes_must_agree),
    };
    return cmocka_run_group_tests_name("graph/matmul", tests, NULL, NULL);
}
