/* fold: constants meet, a law gives an operand back, a size that is known becomes a number or is asked where it comes in.
 * The graph before and after, as text. */
#include "passing.h"

static void constants(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), two = tally_f32(t, 2), zero = tally_f32(t, 0);
    (void)user;
    tally_return(t, tally_mul(x, tally_add(two, tally_mul(two, tally_f32(t, 3)))));
    tally_return(t, tally_add(x, tally_neg(zero)));
    tally_return(t, tally_cast(tally_mul(tally_i64(t, INT64_MAX), tally_i64(t, 2)), TALLY_I32));
    tally_return(t, tally_select(tally_lt(two, zero), two, tally_f32(t, 0.25f)));
}

static void constants_meet(void **state)
{
    assert_pass(constants, TALLY__PASS_FOLD,
                "  return x0 * (2 + 2 * 3), x0 + -0, int32(9223372036854775807 * 2), select(2 < 0, 2, 0.25)\n",
                "  return x0 * 8, x0 + -0, -2, 0.25\n");
}

static void nans(tally_trace *t, void *user)
{
    tally_node zero = tally_f64(t, 0);
    (void)user;
    tally_return(t, tally_div(zero, zero));
    tally_return(t, tally_div(tally_f64(t, 1), zero));
}

static void a_nan_is_left_to_the_run(void **state)
{
    assert_pass(nans, TALLY__PASS_FOLD,
                "  return 0 / 0, 1 / 0\n",
                "  return 0 / 0, inf\n");
}

/* a result of -0 stays -0, and a sum with it is not its operand */
static void minus_zeros(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), minus = tally_f32(t, -0.0f), plus = tally_f32(t, 0);
    (void)user;
    tally_return(t, tally_sub(x, plus));
    tally_return(t, tally_sub(x, minus));
    tally_return(t, tally_add(x, plus));
    tally_return(t, tally_add(x, minus));
}

static void only_what_keeps_every_bit_is_left_out(void **state)
{
    assert_pass(minus_zeros, TALLY__PASS_FOLD,
                "  return x0 - 0, x0 - -0, x0 + 0, x0 + -0\n",
                "  return x0, x0 - -0, x0 + 0, x0 + -0\n");
}

static void floats(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), one = tally_f32(t, 1);
    (void)user;
    tally_return(t, tally_mul(x, one));
    tally_return(t, tally_mul(one, x));
    tally_return(t, tally_div(x, one));
    tally_return(t, tally_div(one, x));
    tally_return(t, tally_div_no_nan(x, one));
    tally_return(t, tally_pow(x, one));
    tally_return(t, tally_pow(one, x));
    tally_return(t, tally_minimum(x, x));
    tally_return(t, tally_maximum(x, x));
    tally_return(t, tally_sub(x, x));
}

static void a_float_beside_its_neutral_element_is_itself(void **state)
{
    assert_pass(floats, TALLY__PASS_FOLD,
                "  return x0 * 1, 1 * x0, x0 / 1, 1 / x0, div_no_nan(x0, 1), pow(x0, 1), pow(1, x0), minimum(x0, x0), maximum(x0, x0), x0 - x0\n",
                "  return x0, x0, x0, 1 / x0, x0, x0, pow(1, x0), x0, x0, x0 - x0\n");
}

static void whole(tally_trace *t, void *user)
{
    tally_node k = tally_arg(t, 2), zero = tally_i64(t, 0), one = tally_i64(t, 1);
    (void)user;
    tally_return(t, tally_add(k, zero));
    tally_return(t, tally_add(zero, k));
    tally_return(t, tally_sub(k, zero));
    tally_return(t, tally_sub(zero, k));
    tally_return(t, tally_mul(k, one));
    tally_return(t, tally_mul(k, zero));
}

static void an_integer_beside_its_neutral_element_is_itself(void **state)
{
    assert_pass(whole, TALLY__PASS_FOLD,
                "  return x2 + 0, 0 + x2, x2 - 0, 0 - x2, x2 * 1, x2 * 0\n",
                "  return x2, x2, x2, 0 - x2, x2, x2 * 0\n");
}

static void truths(tally_trace *t, void *user)
{
    tally_node b = tally_arg(t, 6), yes = tally_cast(tally_i64(t, 1), TALLY_BOOL), no = tally_cast(tally_i64(t, 0), TALLY_BOOL);
    (void)user;
    tally_return(t, tally_and(b, yes));
    tally_return(t, tally_and(yes, b));
    tally_return(t, tally_and(b, b));
    tally_return(t, tally_or(b, no));
    tally_return(t, tally_or(b, b));
    tally_return(t, tally_xor(b, no));
    tally_return(t, tally_xor(b, b));
    tally_return(t, tally_and(b, no));
}

static void a_truth_beside_its_neutral_element_is_itself(void **state)
{
    assert_pass(truths, TALLY__PASS_FOLD,
                "  b1: bool = bool(1)\n"
                "  b2: bool = bool(0)\n"
                "  return x6 and b1, b1 and x6, x6 and x6, x6 or b2, x6 or x6, x6 xor b2, x6 xor x6, x6 and b2\n",
                "  return x6, x6, x6, x6, x6, x6, x6 xor x6, x6 and false\n");
}

static void twice(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), m = tally_arg(t, 1), b = tally_arg(t, 6);
    (void)user;
    tally_return(t, tally_neg(tally_neg(x)));
    tally_return(t, tally_neg(tally_neg(tally_neg(x))));
    tally_return(t, tally_not(tally_not(b)));
    tally_return(t, tally_transpose(tally_transpose(m)));
    tally_return(t, tally_abs(tally_abs(x)));
    tally_return(t, tally_sign(tally_sign(x)));
    tally_return(t, tally_floor(tally_floor(x)));
    tally_return(t, tally_sqrt(tally_sqrt(x)));
}

static void an_op_on_its_own_result_is_gone_or_done_once(void **state)
{
    assert_pass(twice, TALLY__PASS_FOLD,
                "  return --x0, ---x0, not not x6, transpose(transpose(x1)), abs(abs(x0)), sign(sign(x0)), floor(floor(x0)), sqrt(sqrt(x0))\n",
                "  v1: float32[n] = -x0\n"
                "  v2: float32[n] = -x0\n"
                "  b3: bool[p] = not x6\n"
                "  v4: float32[k, m] = transpose(x1)\n"
                "  return x0, -x0, x6, x1, abs(x0), sign(x0), floor(x0), sqrt(sqrt(x0))\n");
}

static void casts(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), b = tally_arg(t, 6);
    (void)user;
    tally_return(t, tally_cast(x, TALLY_F32));
    tally_return(t, tally_cast(tally_cast(x, TALLY_F64), TALLY_F32));
    tally_return(t, tally_cast(b, TALLY_BOOL));
}

static void a_cast_to_its_own_dtype_is_gone(void **state)
{
    assert_pass(casts, TALLY__PASS_FOLD,
                "  return x0, float32(float64(x0)), x6\n",
                "  return x0, float32(float64(x0)), x6\n");
}

/* what the operand broadcasts to is another value */
static void shapes(tally_trace *t, void *user)
{
    tally_node m = tally_arg(t, 1), one = tally_ones_like(tally_f32(t, 3)), wide = tally_expand_dims(tally_f32(t, 1), 0);
    (void)user;
    tally_return(t, tally_mul(tally_f32(t, 1), m));
    tally_return(t, tally_mul(one, m));
    tally_return(t, tally_mul(tally_reduce_sum(m), wide));
}

static void an_operand_of_another_shape_is_another_value(void **state)
{
    assert_pass(shapes, TALLY__PASS_FOLD,
                "  return 1 * x1, ones_like(3) * x1, reduce_sum(x1) * expand_dims(1, axis=0)\n",
                "  return x1, x1, reduce_sum(x1) * expand_dims(1, axis=0)\n");
}

static void sizes(tally_trace *t, void *user)
{
    const float      v[3] = { 1, 2, 3 };
    tally_tensor     x = tally_vector(v, 3);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    tally_node       m = tally_arg(t, 1), three = tally_dim(tally_capture_tensor(t, &x), 0);
    (void)user;
    tally_return(t, tally_add(three, tally_dim(tally_exp(m), 1)));
    UPDATE(t, mean, 0, tally_dim(tally_slice(tally_arg(t, 0), 0, tally_i64(t, 1), tally_arg(t, 2)), 0));
}

static void a_size_is_a_number_or_asked_of_the_argument(void **state)
{
    assert_pass(sizes, TALLY__PASS_FOLD | TALLY__PASS_DCE,
                "  v1: float32[3] = [1, 2, 3]\n"
                "  mean.total += p\n"
                "  return 3 + k\n",
                "  mean.total += p\n"
                "  return 3 + k\n");
}

static void regions(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0), x = tally_arg(t, 0), v = tally_f32(t, 1);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_add(tally_i64(t, 2), tally_i64(t, 3))), &i, &v) {
        TALLY_IF(t, tally_gt(v, tally_mul(tally_f32(t, 2), tally_f32(t, 4))), &v) {
            v = tally_mul(v, tally_f32(t, 1));
        } else {
            v = tally_add(tally_at(x, i), tally_f32(t, 1));
        }
        UPDATE(t, mean, 0, tally_mul(v, tally_f32(t, 1)));
        i = tally_add(tally_add(i, tally_i64(t, 0)), tally_i64(t, 1));
    }
}

static void regions_are_folded_too(void **state)
{
    assert_pass(regions, TALLY__PASS_FOLD,
                "  while (i1 = 0, v2 = 1)\n"
                "    test i1 < 2 + 3\n"
                "    if v2 > 2 * 4\n"
                "      give v2 * 1\n"
                "    else\n"
                "      give x0[i1] + 1\n"
                "    v5: float32 = result 0\n"
                "    mean.total += v5 * 1\n"
                "    next i1 = i1 + 0 + 1, v2 = v5\n"
                "  i6: int64 = result 0\n"
                "  v7: float32 = result 1\n",
                "  while (i1 = 0, v2 = 1)\n"
                "    test i1 < 5\n"
                "    if v2 > 8\n"
                "      give v2\n"
                "    else\n"
                "      give x0[i1] + 1\n"
                "    v5: float32 = result 0\n"
                "    mean.total += v5\n"
                "    next i1 = i1 + 1, v2 = v5\n"
                "  i6: int64 = result 0\n"
                "  v7: float32 = result 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(constants_meet),
        CASE(a_nan_is_left_to_the_run),
        CASE(only_what_keeps_every_bit_is_left_out),
        CASE(a_float_beside_its_neutral_element_is_itself),
        CASE(an_integer_beside_its_neutral_element_is_itself),
        CASE(a_truth_beside_its_neutral_element_is_itself),
        CASE(an_op_on_its_own_result_is_gone_or_done_once),
        CASE(a_cast_to_its_own_dtype_is_gone),
        CASE(an_operand_of_another_shape_is_another_value),
        CASE(a_size_is_a_number_or_asked_of_the_argument),
        CASE(regions_are_folded_too),
    };
    return cmocka_run_group_tests_name("pass/fold", tests, NULL, NULL);
}
