/* fuse: which nodes walk rows together, what a loop loads and keeps, and what waits for what. Steps as text. */
#include "passing.h"

enum { ALL = TALLY__PASS_ALL, APART = TALLY__PASS_ALL & ~TALLY__PASS_FUSE };

static tally_node total(tally_trace *t, tally_metric_ref m)
{
    return tally__read_cell(t, m, 0, HERE);
}

static void batch(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), m = tally_arg(t, 1);
    tally_metric_ref mean = tally_arg_metric(t, 3), other = tally_arg_metric(t, 4);
    (void)user;
    UPDATE(t, mean, 0, tally_square(tally_sub(tally_column(m, 0), x)));
    UPDATE(t, other, 0, tally_cast(tally_gt(x, tally_f32(t, 0.5f)), TALLY_F32));
    UPDATE(t, other, 1, tally_max(m, 1));
}

static void values_of_as_many_rows_are_one_loop(void **state)
{
    assert_steps(batch, ALL,
                "plan\n"
                "  rows of n load x1, x0\n"
                "    v1: float32[m] = x1[.., 0]\n"
                "    v2: float32[n] = v1 - x0\n"
                "    v3: float32[n] = square(v2)\n"
                "    mean.total += sum(v3)\n"
                "    b4: bool[n] = x0 > 0.5\n"
                "    v5: float32[n] = float32(b4)\n"
                "    mean2.total += sum(v5)\n"
                "    v6: float32[m] = max(x1, axis=1)\n"
                "    mean2.count += sum(v6)\n");
}

static void without_the_pass_every_node_is_a_step(void **state)
{
    assert_steps(batch, APART,
                "plan\n"
                "  v1: float32[n] = x1[.., 0]\n"
                "  v2: float32[m] = v1 - x0\n"
                "  v3: float32[m] = square(v2)\n"
                "  mean.total += sum(v3)\n"
                "  b4: bool[m] = x0 > 0.5\n"
                "  v5: float32[m] = float32(b4)\n"
                "  mean2.total += sum(v5)\n"
                "  v6: float32[n] = max(x1, axis=1)\n"
                "  mean2.count += sum(v6)\n");
}

/* the mean is known when all rows have been seen; only then can they be compared with it */
static void centred(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), e = tally_exp(x);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    UPDATE(t, mean, 0, tally_square(tally_sub(e, tally_reduce_mean(e))));
    tally_return(t, e);
}

static void what_needs_all_rows_parts_two_loops(void **state)
{
    assert_steps(centred, ALL,
                "plan\n"
                "  rows of n load x0 keep v1\n"
                "    v1: float32[n] = exp(x0)\n"
                "    v2: float32 = reduce_mean(v1)\n"
                "  rows of n load v1\n"
                "    v3: float32[n] = v1 - v2\n"
                "    v4: float32[n] = square(v3)\n"
                "    mean.total += sum(v4)\n");
}

static void ordered(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    UPDATE(t, mean, 0, x);
    tally_return(t, total(t, mean));
    UPDATE(t, mean, 0, tally_exp(x));
    tally__reset(t, mean, HERE);
    UPDATE(t, mean, 1, x);
    tally_return(t, total(t, mean));
}

static void reads_and_resets_keep_their_place_among_updates(void **state)
{
    assert_steps(ordered, ALL,
                "plan\n"
                "  rows of n load x0\n"
                "    mean.total += sum(x0)\n"
                "  v1: float64 = mean.total\n"
                "  rows of n load x0\n"
                "    v2: float32[n] = exp(x0)\n"
                "    mean.total += sum(v2)\n"
                "  mean = empty\n"
                "  rows of n load x0\n"
                "    mean.count += sum(x0)\n"
                "  v3: float64 = mean.total\n");
}

static void printed(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    tally_assert(t, tally_gt(x, tally_f32(t, 0)), "positive");
    tally_print(t, "largest", tally_reduce_max(x));
    UPDATE(t, mean, 0, tally_exp(x));
}

static void a_print_waits_for_all_that_may_fail_before_it(void **state)
{
    assert_steps(printed, ALL,
                "plan\n"
                "  rows of n load x0\n"
                "    b1: bool[n] = x0 > 0\n"
                "    assert b1 \"positive\"\n"
                "    v2: float32 = reduce_max(x0)\n"
                "  print v2 \"largest\"\n"
                "  rows of n load x0\n"
                "    v3: float32[n] = exp(x0)\n"
                "    mean.total += sum(v3)\n");
}

/* a column repeats along the rows, a vector along the last axis is the same for each row */
static void broadcasts(tally_trace *t, void *user)
{
    const float      w[2] = { 1, 2 };
    tally_tensor     list = tally_vector(w, 2);
    tally_node       m = tally_arg(t, 1), x = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    tally_node p = tally_mul(m, tally_capture_tensor(t, &list));
    UPDATE(t, mean, 0, tally_add(p, tally_expand_dims(x, 1)));
    UPDATE(t, mean, 1, tally_add(p, tally_expand_dims(tally_sum(m, 0), 0)));
    UPDATE(t, mean, 0, tally_transpose(m));
}

static void what_is_the_same_for_each_row_is_not_walked(void **state)
{
    assert_steps(broadcasts, ALL,
                "plan\n"
                "  v1: float32[2] = [1, 2]\n"
                "  v5: float32[n] = sum(x1, axis=0)\n"
                "  v6: float32[1, n] = expand_dims(v5, axis=0)\n"
                "  v8: float32[n, m] = transpose(x1)\n"
                "  rows of k load x1, x0\n"
                "    v2: float32[m, 2] = x1 * v1\n"
                "    v3: float32[k, 1] = expand_dims(x0, axis=1)\n"
                "    v4: float32[m, 2] = v2 + v3\n"
                "    mean.total += sum(v4)\n"
                "    v7: float32[m, 2] = v2 + v6\n"
                "    mean.count += sum(v7)\n"
                "  rows of n load v8\n"
                "    mean.total += sum(v8)\n");
}

/* x as a column meets x as a row: row k needs element k of the one and all of the other */
static void crossed(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    UPDATE(t, mean, 0, tally_exp(x));
    UPDATE(t, mean, 0, tally_sub(tally_expand_dims(x, 1), x));
}

static void a_value_is_not_walked_where_it_is_needed_whole(void **state)
{
    assert_steps(crossed, ALL,
                "plan\n"
                "  rows of n load x0 keep v2\n"
                "    v1: float32[n] = exp(x0)\n"
                "    mean.total += sum(v1)\n"
                "    v2: float32[n, 1] = expand_dims(x0, axis=1)\n"
                "  rows of n load v2\n"
                "    v3: float32[n, n] = v2 - x0\n"
                "    mean.total += sum(v3)\n");
}

static void cut(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), k = tally_arg(t, 2);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    UPDATE(t, mean, 0, tally_exp(tally_slice(x, 0, tally_i64(t, 0), k)));
    UPDATE(t, mean, 1, tally_neg(tally_read(t, tally_arg_variable(t, 5))));
}

static void sizes_that_only_the_run_knows_walk_no_rows_a_variable_has_its_sizes(void **state)
{
    assert_steps(cut, ALL,
                "plan\n"
                "  v1: float32[n] = slice(x0, 0, x2, axis=0)\n"
                "  v2: float32[n] = exp(v1)\n"
                "  mean.total += sum(v2)\n"
                "  v3: float32[m] = variable\n"
                "  rows of m load v3\n"
                "    v4: float32[m] = -v3\n"
                "    mean.count += sum(v4)\n");
}

static void regions(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0), x = tally_arg(t, 0), e = tally_exp(x);
    tally_metric_ref mean = tally_arg_metric(t, 3), other = tally_arg_metric(t, 4);
    (void)user;
    UPDATE(t, mean, 0, x);
    TALLY_WHILE(t, tally_lt(i, tally_arg(t, 2)), &i) {
        tally_node v = tally_mul(e, tally_cast(i, TALLY_F32));
        UPDATE(t, mean, 0, tally_square(v));
        TALLY_IF(t, tally_gt(total(t, mean), tally_f64(t, 4))) {
            UPDATE(t, other, 0, tally_neg(v));
        } else {
            tally__reset(t, other, HERE);
        }
        i = tally_add(i, tally_i64(t, 1));
    }
    UPDATE(t, mean, 1, x);
    tally_return(t, total(t, other));
}

static void regions_have_loops_of_their_own(void **state)
{
    assert_steps(regions, ALL,
                "plan\n"
                "  rows of n load x0 keep v1\n"
                "    v1: float32[n] = exp(x0)\n"
                "    mean.total += sum(x0)\n"
                "  while (i2 = 0)\n"
                "    b3: bool = i2 < x2\n"
                "    test b3\n"
                "    v5: float32 = float32(i2)\n"
                "    i11: int64 = i2 + 1\n"
                "    rows of n load v1 keep v6\n"
                "      v6: float32[n] = v1 * v5\n"
                "      v7: float32[n] = square(v6)\n"
                "      mean.total += sum(v7)\n"
                "    v8: float64 = mean.total\n"
                "    b9: bool = v8 > 4\n"
                "    if b9\n"
                "      rows of n load v6\n"
                "        v10: float32[n] = -v6\n"
                "        mean2.total += sum(v10)\n"
                "    else\n"
                "      mean2 = empty\n"
                "    next i2 = i11\n"
                "  v12: float64 = mean2.total\n"
                "  rows of n load x0\n"
                "    mean.count += sum(x0)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(values_of_as_many_rows_are_one_loop),
        CASE(without_the_pass_every_node_is_a_step),
        CASE(what_needs_all_rows_parts_two_loops),
        CASE(reads_and_resets_keep_their_place_among_updates),
        CASE(a_print_waits_for_all_that_may_fail_before_it),
        CASE(what_is_the_same_for_each_row_is_not_walked),
        CASE(a_value_is_not_walked_where_it_is_needed_whole),
        CASE(sizes_that_only_the_run_knows_walk_no_rows_a_variable_has_its_sizes),
        CASE(regions_have_loops_of_their_own),
    };
    return cmocka_run_group_tests_name("pass/fuse", tests, NULL, NULL);
}
