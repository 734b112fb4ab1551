/* count: an update by ones needs the number of elements only. The graph before and after, as text; then what must stay. */
#include "passing.h"

static void ones(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), m = tally_arg(t, 1);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    UPDATE(t, mean, 0, x);
    UPDATE(t, mean, 1, tally_ones_like(x));
    UPDATE(t, tally_arg_metric(t, 4), 1, tally_ones_like(tally_gt(m, tally_num(0))));
}

static void an_update_by_ones_counts_elements(void **state)
{
    assert_pass(ones, TALLY__PASS_COUNT | TALLY__PASS_DCE,
                "  mean.total += sum(x0)\n"
                "  mean.count += sum(ones_like(x0))\n"
                "  mean2.count += sum(ones_like(x1 > 0))\n",
                "  mean.total += sum(x0)\n"
                "  mean.count += count(x0)\n"
                "  mean2.count += count(x1 > 0)\n");
}

/* a weight, a mask, other numbers */
static void others(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), one = tally_ones_like(x);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    tally__accumulate(t, mean, 0, one, x, ABSENT, HERE);
    tally__accumulate(t, mean, 1, one, ABSENT, tally_gt(x, tally_num(0)), HERE);
    UPDATE(t, tally_arg_metric(t, 4), 0, tally_zeros_like(x));
    UPDATE(t, tally_arg_metric(t, 4), 1, tally_mul(one, x));
}

static void weights_masks_and_other_numbers_stay(void **state)
{
    static const char same[] = "  v1: float32[n] = ones_like(x0)\n"
                               "  mean.total += sum(x0 * v1)\n"
                               "  mean.count += sum(v1) where x0 > 0\n"
                               "  mean2.total += sum(zeros_like(x0))\n"
                               "  mean2.count += sum(v1 * x0)\n";
    assert_pass(others, TALLY__PASS_COUNT, same, same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_update_by_ones_counts_elements),
        CASE(weights_masks_and_other_numbers_stay),
    };
    return cmocka_run_group_tests_name("pass/count", tests, NULL, NULL);
}
