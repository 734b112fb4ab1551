/* dce: what nobody needs goes; effects, and all that may fail on its data, stay. The graph before and after, as text. */
#include "passing.h"

static void values(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), a = tally_exp(x), b = tally_log(a);
    (void)user;
    tally_square(b);
    tally_softmax(tally_arg(t, 1), 1);
    tally_return(t, a);
}

static void a_value_that_nobody_needs_goes_with_what_it_alone_needed(void **state)
{
    assert_pass(values, TALLY__PASS_DCE,
                "  v1: float32[n] = exp(x0)\n"
                "  v2: float32[n] = square(log(v1))\n"
                "  v3: float32[m, k] = softmax(x1, axis=1)\n"
                "  return v1\n",
                "  return exp(x0)\n");
}

static void effects(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    UPDATE(t, mean, 0, tally_square(x));
    tally__reset(t, tally_arg_metric(t, 4), HERE);
    tally_assign(t, tally_arg_variable(t, 5), tally_neg(x));
    tally_assert(t, tally_reduce_all(tally_gt(x, tally_f32(t, 0))), "positive");
    tally_print(t, "largest", tally_reduce_max(x));
    tally__read_cell(t, mean, 0, HERE);
}

static void effects_stay_with_what_they_need(void **state)
{
    assert_pass(effects, TALLY__PASS_DCE,
                "  mean.total += sum(square(x0))\n"
                "  mean2 = empty\n"
                "  variable = -x0\n"
                "  assert reduce_all(x0 > 0) \"positive\"\n"
                "  print reduce_max(x0) \"largest\"\n"
                "  v1: float64 = mean.total\n"
                "  where m = n\n",
                "  mean.total += sum(square(x0))\n"
                "  mean2 = empty\n"
                "  variable = -x0\n"
                "  assert reduce_all(x0 > 0) \"positive\"\n"
                "  print reduce_max(x0) \"largest\"\n"
                "  where m = n\n");
}

static void checks(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), k = tally_arg(t, 2);
    (void)user;
    tally_gather(x, k);
    tally_exp(tally_at(tally_square(x), k));
    tally_column(tally_arg(t, 1), 7);
    tally_one_hot(k, tally_i64(t, 3), TALLY_F32);
}

static void an_index_out_of_range_is_reported_though_nobody_looks(void **state)
{
    assert_pass(checks, TALLY__PASS_DCE,
                "  v1: float32 = gather(x0, x2)\n"
                "  v2: float32 = exp(square(x0)[x2])\n"
                "  v3: float32[m] = x1[.., 7]\n"
                "  v4: float32[3] = one_hot(x2, 3)\n",
                "  v1: float32 = gather(x0, x2)\n"
                "  v2: float32 = square(x0)[x2]\n"
                "  v3: float32[m] = x1[.., 7]\n"
                "  v4: float32[3] = one_hot(x2, 3)\n");
}

static void unbuilt(tally_trace *t, void *user)
{
    (void)user;
    tally_exp(tally_read(t, tally_arg_variable(t, 5)));
}

static void reading_what_no_batch_has_built_is_reported(void **state)
{
    assert_pass(unbuilt, TALLY__PASS_DCE,
                "  v1: float32[n] = variable\n"
                "  v2: float32[n] = exp(v1)\n",
                "  v1: float32[n] = variable\n");
}

/* n of x0 and of the matrix, and the sizes of what was cut out while running */
static void sizes(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), k = tally_arg(t, 2), zero = tally_i64(t, 0);
    (void)user;
    tally_add(x, tally_sum(tally_arg(t, 1), 1));
    tally_node a = tally_slice(x, 0, zero, k), b = tally_slice(x, 0, k, tally_dim(x, 0));
    tally_exp(tally_add(a, b));
}

static void sizes_that_must_fit_are_compared_though_the_value_goes(void **state)
{
    assert_pass(sizes, TALLY__PASS_DCE,
                "  v1: float32[n] = x0 + sum(x1, axis=1)\n"
                "  v2: float32[p] = exp(slice(x0, 0, x2, axis=0) + slice(x0, x2, n, axis=0))\n"
                "  where n = m\n"
                "  where p = q\n",
                "  v1: float32[m] = exp(slice(x0, 0, x2, axis=0) + slice(x0, x2, n, axis=0))\n"
                "  where n = k\n"
                "  where m = p\n");
}

static void regions(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0), x = tally_arg(t, 0), v = tally_f32(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_arg(t, 2)), &i, &v) {
        v = tally_add(v, tally_f32(t, 1));
        tally_exp(v);
        TALLY_IF(t, tally_gt(v, tally_f32(t, 4))) {
            tally_exp(x);
            UPDATE(t, mean, 0, tally_square(v));
        }
        i = tally_add(i, tally_i64(t, 1));
    }
}

static void regions_keep_what_they_hand_on(void **state)
{
    assert_pass(regions, TALLY__PASS_DCE,
                "  while (i1 = 0, v2 = 0)\n"
                "    test i1 < x2\n"
                "    v5: float32 = v2 + 1\n"
                "    v6: float32 = exp(v5)\n"
                "    if v5 > 4\n"
                "      v7: float32[n] = exp(x0)\n"
                "      mean.total += square(v5)\n"
                "    next i1 = i1 + 1, v2 = v5\n"
                "  i8: int64 = result 0\n"
                "  v9: float32 = result 1\n",
                "  while (i1 = 0, v2 = 0)\n"
                "    test i1 < x2\n"
                "    v5: float32 = v2 + 1\n"
                "    if v5 > 4\n"
                "      mean.total += square(v5)\n"
                "    next i1 = i1 + 1, v2 = v5\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_value_that_nobody_needs_goes_with_what_it_alone_needed),
        CASE(effects_stay_with_what_they_need),
        CASE(an_index_out_of_range_is_reported_though_nobody_looks),
        CASE(reading_what_no_batch_has_built_is_reported),
        CASE(sizes_that_must_fit_are_compared_though_the_value_goes),
        CASE(regions_keep_what_they_hand_on),
    };
    return cmocka_run_group_tests_name("pass/dce", tests, NULL, NULL);
}
