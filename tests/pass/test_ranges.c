/* ranges: what an op never meets, it need not look for. The graph before and after, as text; then what must not change. */
#include "passing.h"

static tally_node inside(tally_node p) { return tally_clip(p, tally_num(1e-7), tally_num(1 - 1e-7)); }

static void logarithms(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), q = inside(x), wide = inside(tally_cast(x, TALLY_F64)), one = tally_num(1);
    (void)user;
    tally_return(t, tally_log(q));
    tally_return(t, tally_log(tally_sub(one, q)));
    tally_return(t, tally_log(tally_sub(one, wide)));
    tally_return(t, tally_log(tally_add(tally_sigmoid(x), one)));
    tally_return(t, tally_log(tally_maximum(tally_minimum(x, tally_num(8)), tally_num(0.5))));
    tally_return(t, tally_log(tally_add(tally_square(q), tally_mul(q, tally_num(3)))));
}

static void a_logarithm_of_a_normal_number_is_the_easier_one(void **state)
{
    assert_pass(logarithms, TALLY__PASS_CSE | TALLY__PASS_RANGES | TALLY__PASS_DCE,
                "  v1: float32[n] = clip(x0, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  return log(v1), log(1 - v1), log(1 - clip(float64(x0), 1e-07, 0.9999999)), log(sigmoid(x0) + 1), "
                "log(maximum(minimum(x0, 8), 0.5)), log(square(v1) + v1 * 3)\n",
                "  v1: float32[n] = clip(x0, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  return log_normal(v1), log_normal(1 - v1), log_normal(1 - clip(float64(x0), 1e-07, 0.9999999)), log_normal(sigmoid(x0) + 1), "
                "log_normal(maximum(minimum(x0, 8), 0.5)), log_normal(square(v1) + v1 * 3)\n");
}

static void softplus(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), tail = tally_exp(tally_neg(tally_abs(x)));
    (void)user;
    tally_return(t, tally_log1p(tail));
    tally_return(t, tally_log1p(tally_exp(x)));
    tally_return(t, tally_log1p(tally_neg(tail)));
    tally_return(t, tally_log1p(tally_abs(x)));
    tally_return(t, tally_log(tail));
}

static void a_log1p_of_a_number_that_is_not_negative_is_the_easier_one(void **state)
{
    assert_pass(softplus, TALLY__PASS_RANGES,
                "  v1: float32[n] = exp(-abs(x0))\n"
                "  return log1p(v1), log1p(exp(x0)), log1p(-v1), log1p(abs(x0)), log(v1)\n",
                "  v1: float32[n] = exp(-abs(x0))\n"
                "  return log1p_positive(v1), log1p(exp(x0)), log1p(-v1), log1p(abs(x0)), log(v1)\n");
}

/* zero, a subnormal, an infinity or a negative number may come in; half formats are not followed */
static void unknown(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), one = tally_num(1), half = tally_clip(tally_cast(x, TALLY_F16), tally_num(0.25), tally_num(0.5));
    (void)user;
    tally_return(t, tally_log(x));
    tally_return(t, tally_log(tally_clip(x, tally_num(0), one)));
    tally_return(t, tally_log(tally_clip(x, tally_num(1e-39), one)));
    tally_return(t, tally_log(tally_maximum(x, one)));
    tally_return(t, tally_log(tally_minimum(x, one)));
    tally_return(t, tally_log(tally_sub(one, tally_clip(x, tally_num(0.5), one))));
    tally_return(t, tally_log(tally_sigmoid(x)));
    tally_return(t, tally_log(tally_exp(x)));
    tally_return(t, tally_log(half));
    tally_return(t, tally_log(tally_clip(x, tally_num(0.5), x)));
}

static void a_logarithm_that_may_meet_a_special_case_stays(void **state)
{
    static const char same[] =
        "  return log(x0), log(clip(x0, 0, 1)), log(clip(x0, 1.0000002153053333e-39, 1)), log(maximum(x0, 1)), log(minimum(x0, 1)), "
        "log(1 - clip(x0, 0.5, 1)), log(sigmoid(x0)), log(exp(x0)), log(clip(float16(x0), 0.25, 0.5)), log(clip(x0, 0.5, x0))\n";
    assert_pass(unknown, TALLY__PASS_RANGES, same, same);
}

/* the ends are those of the dtype: 1 - 2^-25 is 1 in float, and 1 - 1 is 0 */
static void rounded(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), one = tally_num(1), wide = tally_cast(x, TALLY_F64), least = tally_num(0x1p-25);
    (void)user;
    tally_return(t, tally_log(tally_sub(one, tally_sub(one, tally_clip(x, least, tally_num(0.5))))));
    tally_return(t, tally_log(tally_sub(one, tally_sub(one, tally_clip(wide, least, tally_num(0.5))))));
    tally_return(t, tally_log(tally_cast(tally_clip(wide, tally_num(1e-320), tally_num(0.5)), TALLY_F32)));
    tally_return(t, tally_log(tally_mul(tally_clip(wide, tally_num(1e-200), one), tally_num(1e-200))));
    tally_return(t, tally_log(tally_add(tally_clip(x, one, tally_num(3e38)), tally_num(3e38))));
}

static void ends_are_rounded_as_the_values_are(void **state)
{
    assert_pass(rounded, TALLY__PASS_RANGES | TALLY__PASS_CSE,
                "  v1: float64[n] = float64(x0)\n"
                "  return log(1 - (1 - clip(x0, 2.9802322387695312e-08, 0.5))), "
                "log(1 - (1 - clip(v1, 2.9802322387695312e-08, 0.5))), "
                "log(float32(clip(v1, 1e-320, 0.5))), log(clip(v1, 1e-200, 1) * 1e-200), log(clip(x0, 1, 3.0000000054977558e+38) + 3.0000000054977558e+38)\n",
                "  v1: float64[n] = float64(x0)\n"
                "  return log(1 - (1 - clip(x0, 2.9802322387695312e-08, 0.5))), "
                "log_normal(1 - (1 - clip(v1, 2.9802322387695312e-08, 0.5))), "
                "log(float32(clip(v1, 1e-320, 0.5))), log(clip(v1, 1e-200, 1) * 1e-200), log(clip(x0, 1, 3.0000000054977558e+38) + 3.0000000054977558e+38)\n");
}

/* truth and small integers are numbers of a known range, whatever came in */
static void whole(tally_trace *t, void *user)
{
    tally_node b = tally_arg(t, 6), k = tally_arg(t, 2), m = tally_arg(t, 1), one = tally_num(1);
    (void)user;
    tally_return(t, tally_log(tally_add(tally_cast(b, TALLY_F32), one)));
    tally_return(t, tally_log(tally_add(tally_cast(tally_cast(k, TALLY_U8), TALLY_F32), one)));
    tally_return(t, tally_log(tally_add(tally_cast(k, TALLY_F32), one)));
    tally_return(t, tally_log(tally_column(inside(m), 1)));
    tally_return(t, tally_log(tally_expand_dims(tally_select(b, tally_f32(t, 2), tally_f32(t, 3)), 0)));
    tally_return(t, tally_log(tally_sub(tally_num(2), tally_softmax(m, 1))));
    tally_return(t, tally_log(tally_sum(inside(m), 1)));
}

static void casts_choices_and_views_keep_a_range(void **state)
{
    assert_pass(whole, TALLY__PASS_RANGES,
                "  return log(float32(x6) + 1), log(float32(uint8(x2)) + 1), log(float32(x2) + 1), "
                "log(clip(x1, 1.0000000116860974e-07, 0.9999998807907104)[.., 1]), log(expand_dims(select(x6, 2, 3), axis=0)), "
                "log(2 - softmax(x1, axis=1)), log(sum(clip(x1, 1.0000000116860974e-07, 0.9999998807907104), axis=1))\n",
                "  return log_normal(float32(x6) + 1), log_normal(float32(uint8(x2)) + 1), log(float32(x2) + 1), "
                "log_normal(clip(x1, 1.0000000116860974e-07, 0.9999998807907104)[.., 1]), log_normal(expand_dims(select(x6, 2, 3), axis=0)), "
                "log_normal(2 - softmax(x1, axis=1)), log(sum(clip(x1, 1.0000000116860974e-07, 0.9999998807907104), axis=1))\n");
}

static void bounds(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), q = inside(x), b = tally_cast(tally_arg(t, 6), TALLY_F32);
    (void)user;
    tally_return(t, tally_maximum(q, tally_num(-1)));
    tally_return(t, tally_maximum(tally_num(-1), q));
    tally_return(t, tally_minimum(q, tally_num(1)));
    tally_return(t, tally_clip(q, tally_num(-1), tally_num(2)));
    tally_return(t, inside(q));
    tally_return(t, tally_abs(q));
    tally_return(t, tally_maximum(b, tally_num(-1)));
}

static void a_bound_that_nothing_reaches_is_gone(void **state)
{
    assert_pass(bounds, TALLY__PASS_CSE | TALLY__PASS_RANGES | TALLY__PASS_DCE,
                "  v1: float32[n] = clip(x0, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  return maximum(v1, -1), maximum(-1, v1), minimum(v1, 1), clip(v1, -1, 2), "
                "clip(v1, 1.0000000116860974e-07, 0.9999998807907104), abs(v1), maximum(float32(x6), -1)\n",
                "  v1: float32[n] = clip(x0, 1.0000000116860974e-07, 0.9999998807907104)\n"
                "  return v1, v1, v1, v1, v1, v1, float32(x6)\n");
}

/* a zero on a bound of zero may be the other zero; a bound that is NaN wins; one that is wider makes another value */
static void close(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), q = tally_clip(x, tally_num(0), tally_num(1)), m = inside(tally_arg(t, 1)), wide = tally_column(m, 0);
    (void)user;
    tally_return(t, tally_maximum(q, tally_num(0)));
    tally_return(t, tally_abs(q));
    tally_return(t, tally_clip(q, tally_num(0.25), tally_num(2)));
    tally_return(t, tally_maximum(q, tally_num((double)NAN)));
    tally_return(t, tally_maximum(q, tally_clip(x, tally_num(-2), tally_num(-1))));
    tally_return(t, tally_minimum(q, tally_add(tally_sigmoid(x), tally_num(2))));
    tally_return(t, tally_maximum(tally_f32(t, 3), wide));
    tally_return(t, tally_add(x, q));
}

static void a_bound_that_may_matter_stays(void **state)
{
    static const char same[] =
        "  v1: float32[n] = clip(x0, 0, 1)\n"
        "  return maximum(v1, 0), abs(v1), clip(v1, 0.25, 2), maximum(v1, nan), maximum(v1, clip(x0, -2, -1)), minimum(v1, sigmoid(x0) + 2), "
        "maximum(3, clip(x1, 1.0000000116860974e-07, 0.9999998807907104)[.., 0]), x0 + v1\n";
    assert_pass(close, TALLY__PASS_RANGES, same, same);
}

/* what a loop carries may be anything in its next round */
static void regions(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0), x = tally_arg(t, 0), v = tally_f32(t, 1);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_i64(t, 3)), &i, &v) {
        UPDATE(t, mean, 0, tally_log(inside(tally_at(x, i))));
        UPDATE(t, mean, 1, tally_log(v));
        v = tally_sub(v, tally_num(1));
        i = tally_add(i, tally_num(1));
    }
}

static void a_loop_keeps_what_holds_in_every_round(void **state)
{
    assert_pass(regions, TALLY__PASS_RANGES,
                "  while (i1 = 0, v2 = 1)\n"
                "    test i1 < 3\n"
                "    mean.total += log(clip(x0[i1], 1.0000000116860974e-07, 0.9999998807907104))\n"
                "    mean.count += log(v2)\n"
                "    next i1 = i1 + 1, v2 = v2 - 1\n"
                "  i5: int64 = result 0\n"
                "  v6: float32 = result 1\n",
                "  while (i1 = 0, v2 = 1)\n"
                "    test i1 < 3\n"
                "    mean.total += log_normal(clip(x0[i1], 1.0000000116860974e-07, 0.9999998807907104))\n"
                "    mean.count += log(v2)\n"
                "    next i1 = i1 + 1, v2 = v2 - 1\n"
                "  i5: int64 = result 0\n"
                "  v6: float32 = result 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_logarithm_of_a_normal_number_is_the_easier_one),
        CASE(a_log1p_of_a_number_that_is_not_negative_is_the_easier_one),
        CASE(a_logarithm_that_may_meet_a_special_case_stays),
        CASE(ends_are_rounded_as_the_values_are),
        CASE(casts_choices_and_views_keep_a_range),
        CASE(a_bound_that_nothing_reaches_is_gone),
        CASE(a_bound_that_may_matter_stays),
        CASE(a_loop_keeps_what_holds_in_every_round),
    };
    return cmocka_run_group_tests_name("pass/ranges", tests, NULL, NULL);
}
