/* Every class of the list with operands of every dtype: none is refused, none wraps or truncates. */
#include "feed.h"

static const tally_dtype all[] = { TALLY_BOOL, TALLY_U8, TALLY_I8, TALLY_U16, TALLY_I16, TALLY_U32, TALLY_I32, TALLY_U64, TALLY_I64,
                                   TALLY_F16, TALLY_BF16, TALLY_F32, TALLY_F64 };

/* with an example of what must be given */
static tally_metric *made(const tally_metric_description *d)
{
    char        text[256];
    const char *between = "(";
    size_t      n = (size_t)snprintf(text, sizeof text, "%s", d->class_name);
    for (int i = 0; i < d->n_options; i++) {
        const tally_metric_option *o = tally_metric_option_at(d->class_name, i);
        if (o->standard[0])
            continue;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s=%s", between, o->name, o->example);
        between = ", ";
    }
    snprintf(text + n, sizeof text - n, "%s", *between == ',' ? ")" : "");
    tally_metric *m = tally_metric_from_text(text, NULL, NULL);
    assert_non_null(m);
    return m;
}

/* zeros and ones, which every dtype has */
static const array ids = { 1, { 4 }, { 1, 0, 1, 0 } }, labels = { 2, { 4, 3 }, { 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1 } };
static const array scores = { 2, { 4, 3 }, { 0, 1, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1 } };


static int values_after(const tally_metric_description *d, tally_dtype dy, tally_dtype dp, tally_dtype dw, double v[32])
{
    tally_error   err;
    int64_t       shape[TALLY_MAX_RANK], n = 1;
    tally_metric *m = made(d);
    const bool    alone = d->operands == TALLY_OPERANDS_VALUES;
    const array  *y = alone ? &scores : d->operands == TALLY_OPERANDS_IDS ? &ids : &labels;
    if (feed_as(m, y, alone ? dp : dy, alone ? NULL : &scores, dp, V(4, 1, 0, 1, 1), dw, &err))
        fail_msg("%s of %s and %s: %s", d->class_name, tally_dtype_name(dy), tally_dtype_name(dp), err.text);
    const int rank = tally_metric_result_shape(m, shape);
    for (int a = 0; a < rank; a++)
        n *= shape[a];
    assert_true(rank >= 0 && n <= 32);
    assert_ok(tally_metric_values(m, v, 32, &err), &err);
    tally_metric_release(m);
    return (int)n;
}

static bool is_wide(tally_dtype d)
{
    return d == TALLY_F64 || d == TALLY_I64 || d == TALLY_U64;
}

/* The value is float32's; where a 64-bit operand makes the class compute in float64, within what 1 - 1e-7 rounds in
 * float32: the crossentropies clip there. */
static void a_value_does_not_depend_on_the_dtypes(void **state)
{
    tally_metric_description d;
    double                   want[32], got[32];
    (void)state;
    for (int i = 0; !tally_metric_describe(NULL, i, &d); i++) {
        const int n = values_after(&d, TALLY_F32, TALLY_F32, TALLY_F32, want);
        for (size_t y = 0; y < TALLY__COUNT(all); y++)
            for (size_t p = 0; p < TALLY__COUNT(all); p++) {
                assert_int_equal(values_after(&d, all[y], all[p], all[(y + p) % TALLY__COUNT(all)], got), n);
                const double most = is_wide(all[y]) || is_wide(all[p]) ? 2e-2 : 0;
                for (int k = 0; k < n; k++)
                    if (!(fabs(got[k] - want[k]) <= most * (1 + fabs(want[k]))))
                        fail_msg("%s of %s and %s: got %.17g, float32 gives %.17g", d.class_name, tally_dtype_name(all[y]),
                                 tally_dtype_name(all[p]), got[k], want[k]);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_value_does_not_depend_on_the_dtypes) };
    return cmocka_run_group_tests_name("metric/dtypes", tests, NULL, NULL);
}
