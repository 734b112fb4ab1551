/* peephole: ops that stand together become one. The graph before and after, as text; then what must not change. */
#include "passing.h"

enum { PROVED = TALLY__PASS_CSE | TALLY__PASS_RANGES | TALLY__PASS_PEEPHOLE | TALLY__PASS_DCE };

static void truths(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), k = tally_arg(t, 2), b = tally_arg(t, 6), called = tally_gt(x, tally_num(0.5));
    (void)user;
    tally_return(t, tally_eq(called, x));
    tally_return(t, tally_eq(x, called));
    tally_return(t, tally_ne(b, k));
    tally_return(t, tally_eq(tally_and(called, called), tally_cast(x, TALLY_F16)));
}

static void a_truth_beside_a_number_has_a_comparison_of_its_own(void **state)
{
    assert_pass(truths, TALLY__PASS_PEEPHOLE,
                "  b1: bool[n] = x0 > 0.5\n"
                "  return b1 == x0, x0 == b1, x6 != x2, (b1 and b1) == float16(x0)\n",
                "  b1: bool[n] = x0 > 0.5\n"
                "  return eq_bool(b1, x0), eq_bool(b1, x0), ne_bool(x6, x2), eq_bool(b1 and b1, float16(x0))\n");
}

static void outcomes(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), k = tally_arg(t, 2), over = tally_gt(x, tally_num(0.5)), shared = tally_gt(x, tally_num(0.25));
    (void)user;
    tally_return(t, tally_eq(x, over));
    tally_return(t, tally_eq(shared, x));
    tally_return(t, tally_not(shared));
    tally_return(t, tally_eq(tally_gt(x, x), x));
    tally_return(t, tally_eq(tally_gt(x, tally_num(0)), k));
}

static void an_outcome_that_nobody_else_needs_is_compared_at_once(void **state)
{
    assert_pass(outcomes, TALLY__PASS_PEEPHOLE | TALLY__PASS_DCE,
                "  b1: bool[n] = x0 > 0.25\n"
                "  return x0 == (x0 > 0.5), b1 == x0, not b1, (x0 > x0) == x0, (x0 > 0) == x2\n",
                "  b1: bool[n] = x0 > 0.25\n"
                "  return eq_gt(x0, 0.5, x0), eq_bool(b1, x0), not b1, eq_bool(x0 > x0, x0), eq_bool(x0 > 0, x2)\n");
}

static tally_node total_of(tally_trace *t, tally_metric_ref m)
{
    return tally__read_cell(t, m, 0, HERE);
}

static void rounded(tally_trace *t, void *user)
{
    tally_metric_ref mean = tally_arg_metric(t, 3), other = tally_arg_metric(t, 4);
    tally_node       total = total_of(t, other);
    (void)user;
    tally_return(t, tally_square(total_of(t, mean)));
    tally_return(t, tally_square(total));
    tally_return(t, tally_ratio(total, total_of(t, other)));
}

static void a_state_is_read_rounded_where_nobody_needs_its_exact_sum(void **state)
{
    assert_pass(rounded, TALLY__PASS_PEEPHOLE,
                "  v1: float64 = mean2.total\n"
                "  v2: float64 = mean.total\n"
                "  v3: float64 = mean2.total\n"
                "  return square(float64(v2)), square(float64(v1)), ratio(v1, v3)\n",
                "  v1: float64 = mean2.total\n"
                "  v2: float64 = mean.total\n"
                "  v3: float64 = mean2.total\n"
                "  return square(v2), square(float64(v1)), ratio(v1, v3)\n");
}

/* one dtype, two numbers, an order, a state, and an axis that repeats */
static void others(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), k = tally_arg(t, 2), b = tally_arg(t, 6), wide = tally_expand_dims(b, 1);
    (void)user;
    tally_return(t, tally_eq(x, x));
    tally_return(t, tally_eq(b, b));
    tally_return(t, tally_eq(x, k));
    tally_return(t, tally_lt(b, x));
    tally_return(t, tally_eq(wide, tally_arg(t, 1)));
}

static void other_comparisons_stay(void **state)
{
    static const char same[] = "  where p = n\n"
                               "  where p = m\n"
                               "  return x0 == x0, x6 == x6, x0 == x2, x6 < x0, expand_dims(x6, axis=1) == x1\n";
    assert_pass(others, TALLY__PASS_PEEPHOLE, same, same);
}

/* ---- binary crossentropy */
static tally_node inside(tally_node p) { return tally_clip(p, tally_num(1e-7), tally_num(1 - 1e-7)); }

/* p1, y1: 1 - p and 1 - y, or what stands in their place */
static tally_node loss(tally_node y, tally_node p, tally_node y1, tally_node p1)
{
    tally_node hit = tally_mul(y, tally_log(p)), miss = tally_mul(y1, tally_log(p1));
    return tally_add(hit, miss);
}

static tally_node crossentropy(tally_node y, tally_node p)
{
    tally_node y1 = tally_sub(tally_num(1), y), p1 = tally_sub(tally_num(1), p);
    return tally_neg(loss(y, p, y1, p1));
}

static tally_node turned(tally_node y, tally_node p)
{
    tally_node p1 = tally_log(tally_sub(tally_num(1), p)), y1 = tally_sub(tally_num(1), y);
    tally_node miss = tally_mul(p1, y1), hit = tally_mul(tally_log(p), y);
    return tally_neg(tally_add(miss, hit));
}

static void surprises(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), q = inside(tally_sigmoid(x)), wide = tally_cast(x, TALLY_F64);
    (void)user;
    tally_return(t, crossentropy(x, q));
    tally_return(t, turned(x, q));
    tally_return(t, crossentropy(wide, inside(wide)));
    tally_return(t, crossentropy(tally_column(tally_arg(t, 1), 0), q));
    tally_return(t, crossentropy(tally_reduce_mean(x), q));
    tally_return(t, crossentropy(x, inside(tally_reduce_mean(x))));
}

static void a_crossentropy_is_one_op(void **state)
{
    assert_pass(surprises, PROVED,
                "  v1: float32[n] = clip(sigmoid(x0), 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  v2: float64[n] = float64(x0)\n"
                "  v3: float64[n] = clip(v2, 1e-07, 0.9999999)\n"
                "  v4: float32[m] = x1[.., 0]\n"
                "  v5: float32 = reduce_mean(x0)\n"
                "  v6: float32 = clip(reduce_mean(x0), 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  where m = n\n"
                "  return -(x0 * log(v1) + (1 - x0) * log(1 - v1)), -(log(1 - v1) * (1 - x0) + log(v1) * x0), "
                "-(v2 * log(v3) + (1 - v2) * log(1 - v3)), -(v4 * log(v1) + (1 - v4) * log(1 - v1)), "
                "-(v5 * log(v1) + (1 - v5) * log(1 - v1)), -(x0 * log(v6) + (1 - x0) * log(1 - v6))\n",
                "  v1: float32[n] = clip(sigmoid(x0), 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  v2: float64[n] = float64(x0)\n"
                "  v3: float32[n] = binary_crossentropy(x0, v1)\n"
                "  v4: float32 = reduce_mean(x0)\n"
                "  where m = n\n"
                "  return v3, v3, binary_crossentropy(v2, clip(v2, 1e-07, 0.9999999)), binary_crossentropy(x1[.., 0], v1), "
                "binary_crossentropy(v4, v1), binary_crossentropy(x0, clip(v4, 1.0000000116860974e-07, 0.9999998807907104))\n");
}

/* a logarithm that another op takes stays beside it */
static void shared(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), q = inside(x);
    (void)user;
    tally_return(t, crossentropy(x, q));
    tally_return(t, tally_log(q));
}

static void what_others_need_stays(void **state)
{
    assert_pass(shared, PROVED,
                "  v1: float32[n] = clip(x0, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  return -(x0 * log(v1) + (1 - x0) * log(1 - v1)), log(v1)\n",
                "  v1: float32[n] = clip(x0, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  return binary_crossentropy(x0, v1), log_normal(v1)\n");
}

/* without a proof; not 1; another label; no sign turned; sizes known only when they run */
static void nearly(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), part = tally_slice(x, 0, tally_i64(t, 1), tally_arg(t, 2)), q = inside(x), one = tally_num(1);
    tally_node x1 = tally_sub(one, x), q1 = tally_sub(one, q);
    (void)user;
    tally_return(t, crossentropy(x, tally_sigmoid(x)));
    tally_return(t, tally_neg(loss(x, q, tally_sub(tally_num(2), x), q1)));
    tally_return(t, tally_neg(loss(x, q, q1, q1)));
    tally_return(t, loss(x, q, x1, q1));
    tally_return(t, crossentropy(part, inside(part)));
}

static void what_only_looks_like_it_stays(void **state)
{
    assert_pass(nearly, PROVED,
                "  v1: float32[m] = slice(x0, 1, x2, axis=0)\n"
                "  v2: float32[n] = clip(x0, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  v3: float32[n] = 1 - v2\n"
                "  v4: float32[n] = sigmoid(x0)\n"
                "  v5: float32[m] = clip(v1, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  return -(x0 * log(v4) + (1 - x0) * log(1 - v4)), -(x0 * log(v2) + (2 - x0) * log(v3)), "
                "-(x0 * log(v2) + v3 * log(v3)), x0 * log(v2) + (1 - x0) * log(v3), -(v1 * log(v5) + (1 - v1) * log(1 - v5))\n",
                "  v1: float32[m] = slice(x0, 1, x2, axis=0)\n"
                "  v2: float32[n] = clip(x0, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  v3: float32[n] = 1 - x0\n"
                "  v4: float32[n] = 1 - v2\n"
                "  v5: float32[n] = sigmoid(x0)\n"
                "  v6: float32[n] = x0 * log_normal(v2)\n"
                "  v7: float32[n] = log_normal(v4)\n"
                "  v8: float32[m] = clip(v1, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  return -(x0 * log(v5) + v3 * log(1 - v5)), -(v6 + (2 - x0) * v7), -(v6 + v4 * v7), v6 + v3 * v7, "
                "-(v1 * log_normal(v8) + (1 - v1) * log_normal(1 - v8))\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_truth_beside_a_number_has_a_comparison_of_its_own),
        CASE(an_outcome_that_nobody_else_needs_is_compared_at_once),
        CASE(other_comparisons_stay),
        CASE(a_crossentropy_is_one_op),
        CASE(a_state_is_read_rounded_where_nobody_needs_its_exact_sum),
        CASE(what_others_need_stays),
        CASE(what_only_looks_like_it_stays),
    };
    return cmocka_run_group_tests_name("pass/peephole", tests, NULL, NULL);
}
