/* cse: what computes the same is computed once; a read is what it is after the writes before it. The graph before and
 * after, as text. */
#include "passing.h"

static tally_node total(tally_trace *t, tally_metric_ref m)
{
    return tally__read_cell(t, m, 0, HERE);
}

/* one after the other: operands of a C function are evaluated in any order */
static tally_node totals(tally_trace *t, tally_metric_ref a, tally_metric_ref b)
{
    tally_node first = total(t, a), second = total(t, b);
    return tally_add(first, second);
}

static void values(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), a = tally_exp(tally_mul(x, tally_f32(t, 2))), b = tally_exp(tally_mul(x, tally_f32(t, 2)));
    (void)user;
    tally_return(t, tally_sub(a, b));
    tally_return(t, tally_sub(b, a));
    tally_return(t, tally_exp(tally_mul(x, tally_f32(t, 3))));
    tally_return(t, tally_exp(tally_cast(tally_mul(x, tally_f32(t, 2)), TALLY_F64)));
}

static void equal_values_are_one(void **state)
{
    assert_pass(values, TALLY__PASS_CSE,
                "  v1: float32[n] = exp(x0 * 2)\n"
                "  v2: float32[n] = exp(x0 * 2)\n"
                "  return v1 - v2, v2 - v1, exp(x0 * 3), exp(float64(x0 * 2))\n",
                "  v1: float32[n] = x0 * 2\n"
                "  v2: float32[n] = exp(v1)\n"
                "  v3: float32[n] = v2 - v2\n"
                "  return v3, v3, exp(x0 * 3), exp(float64(v1))\n");
}

/* 0 and -0 are two constants, as are 1 and 1.0 */
static void signs(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0);
    (void)user;
    tally_return(t, tally_div(x, tally_f32(t, 0.0f)));
    tally_return(t, tally_div(x, tally_f32(t, -0.0f)));
    tally_return(t, tally_i64(t, 1));
    tally_return(t, tally_f64(t, 1));
}

static void constants_are_equal_by_their_bits(void **state)
{
    assert_pass(signs, TALLY__PASS_CSE,
                "  return x0 / 0, x0 / -0, 1, 1\n",
                "  return x0 / 0, x0 / -0, 1, 1\n");
}

static void turned(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), m = tally_arg(t, 1), r = tally_sum(m, 1);
    (void)user;
    tally_return(t, tally_mul(x, r));
    tally_return(t, tally_mul(r, x));
    tally_return(t, tally_sub(x, r));
    tally_return(t, tally_sub(r, x));
    tally_return(t, tally_eq(x, r));
    tally_return(t, tally_eq(r, x));
    tally_return(t, tally_sum(m, 0));
}

static void operands_of_a_commuting_op_may_trade_places(void **state)
{
    assert_pass(turned, TALLY__PASS_CSE,
                "  v1: float32[m] = sum(x1, axis=1)\n"
                "  where n = m\n"
                "  return x0 * v1, v1 * x0, x0 - v1, v1 - x0, x0 == v1, v1 == x0, sum(x1, axis=0)\n",
                "  v1: float32[m] = sum(x1, axis=1)\n"
                "  v2: float32[n] = x0 * v1\n"
                "  b3: bool[n] = x0 == v1\n"
                "  where n = m\n"
                "  return v2, v2, x0 - v1, v1 - x0, b3, b3, sum(x1, axis=0)\n");
}

static void captured(tally_trace *t, void *user)
{
    const double at[] = { 0.25, 0.5 }, other[] = { 0.25, 0.75 };
    tally_tensor a = tally_vector(at, 2), b = tally_vector(other, 2), c = tally_vector(at, 1);
    (void)user;
    tally_return(t, tally_exp(tally_capture_tensor(t, &a)));
    tally_return(t, tally_exp(tally_capture_tensor(t, &b)));
    tally_return(t, tally_exp(tally_capture_tensor(t, &a)));
    tally_return(t, tally_exp(tally_capture_tensor(t, &c)));
}

static void captured_tensors_of_equal_bytes_are_one(void **state)
{
    assert_pass(captured, TALLY__PASS_CSE,
                "  v1: float64[2] = [0.25, 0.5]\n"
                "  v2: float64[2] = [0.25, 0.75]\n"
                "  v3: float64[2] = [0.25, 0.5]\n"
                "  v4: float64[1] = [0.25]\n"
                "  return exp(v1), exp(v2), exp(v3), exp(v4)\n",
                "  v1: float64[2] = [0.25, 0.5]\n"
                "  v2: float64[2] = exp(v1)\n"
                "  v3: float64[2] = [0.25, 0.75]\n"
                "  v4: float64[1] = [0.25]\n"
                "  return v2, exp(v3), v2, exp(v4)\n");
}

static void reads(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3), other = tally_arg_metric(t, 4);
    (void)user;
    tally_return(t, totals(t, mean, mean));
    UPDATE(t, other, 0, x);
    tally_return(t, total(t, mean));
    UPDATE(t, mean, 0, x);
    tally_return(t, total(t, mean));
    tally_return(t, totals(t, mean, mean));
    tally__reset(t, mean, HERE);
    tally_return(t, total(t, mean));
    UPDATE(t, mean, 1, x);
    tally_return(t, total(t, mean));
}

static void a_read_is_numbered_by_the_writes_before_it(void **state)
{
    assert_pass(reads, TALLY__PASS_CSE,
                "  v1: float64 = mean.total\n"
                "  v2: float64 = mean.total\n"
                "  mean2.total += sum(x0)\n"
                "  v3: float64 = mean.total\n"
                "  mean.total += sum(x0)\n"
                "  v4: float64 = mean.total\n"
                "  v5: float64 = mean.total\n"
                "  v6: float64 = mean.total\n"
                "  mean = empty\n"
                "  v7: float64 = mean.total\n"
                "  mean.count += sum(x0)\n"
                "  v8: float64 = mean.total\n"
                "  return float64(v1 + v2), float64(v3), float64(v4), float64(v5 + v6), float64(v7), float64(v8)\n",
                "  v1: float64 = mean.total\n"
                "  mean2.total += sum(x0)\n"
                "  mean.total += sum(x0)\n"
                "  v2: float64 = mean.total\n"
                "  mean = empty\n"
                "  v3: float64 = mean.total\n"
                "  mean.count += sum(x0)\n"
                "  v4: float64 = mean.total\n"
                "  return float64(v1 + v1), float64(v1), float64(v2), float64(v2 + v2), float64(v3), float64(v4)\n");
}

static void assigned(tally_trace *t, void *user)
{
    tally_variable_ref w = tally_arg_variable(t, 5);
    tally_node         first = tally_read(t, w), second = tally_read(t, w);
    (void)user;
    tally_return(t, tally_sub(first, second));
    tally_assign(t, w, tally_neg(tally_read(t, w)));
    tally_return(t, tally_read(t, w));
}

static void an_assignment_is_a_write(void **state)
{
    assert_pass(assigned, TALLY__PASS_CSE,
                "  v1: float32[n] = variable\n"
                "  v2: float32[n] = variable\n"
                "  v3: float32[n] = variable\n"
                "  variable = -v3\n"
                "  v4: float32[n] = variable\n"
                "  return v1 - v2, v4\n",
                "  v1: float32[n] = variable\n"
                "  variable = -v1\n"
                "  v2: float32[n] = variable\n"
                "  return v1 - v1, v2\n");
}

/* the second round of a loop reads what the first has written */
static void looped(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0), x = tally_arg(t, 0), before, v = tally_f64(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3), other = tally_arg_metric(t, 4);
    (void)user;
    before = totals(t, mean, other);
    TALLY_WHILE(t, tally_lt(total(t, mean), tally_f64(t, 10)), &i, &v) {
        v = tally_add(v, totals(t, mean, other));
        UPDATE(t, mean, 0, tally_at(x, i));
        v = tally_add(v, totals(t, mean, other));
        i = tally_add(i, tally_i64(t, 1));
    }
    tally_return(t, tally_add(before, v));
    tally_return(t, totals(t, mean, other));
}

static void a_loop_reads_what_its_rounds_before_have_written(void **state)
{
    assert_pass(looped, TALLY__PASS_CSE,
                "  v1: float64 = mean.total\n"
                "  v2: float64 = mean2.total\n"
                "  while (i3 = 0, v4 = 0)\n"
                "    v5: float64 = mean.total\n"
                "    test float64(v5) < 10\n"
                "    v8: float64 = mean.total\n"
                "    v9: float64 = mean2.total\n"
                "    mean.total += x0[i3]\n"
                "    v10: float64 = mean.total\n"
                "    v11: float64 = mean2.total\n"
                "    next i3 = i3 + 1, v4 = v4 + float64(v8 + v9) + float64(v10 + v11)\n"
                "  i12: int64 = result 0\n"
                "  v13: float64 = result 1\n"
                "  v14: float64 = mean.total\n"
                "  v15: float64 = mean2.total\n"
                "  return float64(v1 + v2) + v13, float64(v14 + v15)\n",
                "  v1: float64 = mean.total\n"
                "  v2: float64 = mean2.total\n"
                "  while (i3 = 0, v4 = 0)\n"
                "    v5: float64 = mean.total\n"
                "    test float64(v5) < 10\n"
                "    v8: float64 = mean.total\n"
                "    mean.total += x0[i3]\n"
                "    v9: float64 = mean.total\n"
                "    next i3 = i3 + 1, v4 = v4 + float64(v8 + v2) + float64(v9 + v2)\n"
                "  i10: int64 = result 0\n"
                "  v11: float64 = result 1\n"
                "  v12: float64 = mean.total\n"
                "  return float64(v1 + v2) + v11, float64(v12 + v2)\n");
}

static void branched(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), k = tally_arg(t, 2), v = tally_f64(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3), other = tally_arg_metric(t, 4);
    (void)user;
    tally_return(t, totals(t, mean, other));
    TALLY_IF(t, tally_gt(k, tally_i64(t, 0)), &v) {
        v = totals(t, mean, other);
        tally__reset(t, mean, HERE);
        UPDATE(t, other, 0, tally_exp(x));
    } else {
        v = tally_add(total(t, mean), tally_reduce_sum(tally_cast(tally_exp(x), TALLY_F64)));
    }
    tally_return(t, tally_add(totals(t, mean, other), v));
    tally_return(t, tally_exp(x));
}

static void arms_share_with_what_is_before_them_only(void **state)
{
    assert_pass(branched, TALLY__PASS_CSE,
                "  v1: float64 = mean.total\n"
                "  v2: float64 = mean2.total\n"
                "  if x2 > 0\n"
                "    v3: float64 = mean.total\n"
                "    v4: float64 = mean2.total\n"
                "    mean = empty\n"
                "    mean2.total += sum(exp(x0))\n"
                "    give float64(v3 + v4)\n"
                "  else\n"
                "    v5: float64 = mean.total\n"
                "    give float64(v5) + reduce_sum(float64(exp(x0)))\n"
                "  v6: float64 = result 0\n"
                "  v7: float64 = mean.total\n"
                "  v8: float64 = mean2.total\n"
                "  return float64(v1 + v2), float64(v7 + v8) + v6, exp(x0)\n",
                "  v1: float64 = mean.total\n"
                "  v2: float64 = mean2.total\n"
                "  v3: float64 = float64(v1 + v2)\n"
                "  if x2 > 0\n"
                "    mean = empty\n"
                "    mean2.total += sum(exp(x0))\n"
                "    give v3\n"
                "  else\n"
                "    v4: float64 = mean.total\n"
                "    give float64(v4) + reduce_sum(float64(exp(x0)))\n"
                "  v5: float64 = result 0\n"
                "  v6: float64 = mean.total\n"
                "  v7: float64 = mean2.total\n"
                "  return v3, float64(v6 + v7) + v5, exp(x0)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(equal_values_are_one),
        CASE(constants_are_equal_by_their_bits),
        CASE(operands_of_a_commuting_op_may_trade_places),
        CASE(captured_tensors_of_equal_bytes_are_one),
        CASE(a_read_is_numbered_by_the_writes_before_it),
        CASE(an_assignment_is_a_write),
        CASE(a_loop_reads_what_its_rounds_before_have_written),
        CASE(arms_share_with_what_is_before_them_only),
    };
    return cmocka_run_group_tests_name("pass/cse", tests, NULL, NULL);
}
