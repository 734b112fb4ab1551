/* The NaN policies: propagate, skip with a count, error; per entry of what goes into a state. */
#include "feed.h"

enum { TOTAL, COUNT };

static tally_metric *mean(int32_t nan, int32_t reduction)
{
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.nan = nan;
    o.reduction = reduction;
    return tally_mean_new(&o, NULL);
}

static tally_metric *skipping(void) { return mean(TALLY_NAN_SKIP, TALLY_REDUCE_SAMPLES); }

static void expect_mean(tally_metric *m, double total, double count, int64_t skipped)
{
    assert_bits_f64(state_at(m, TOTAL, 0), total);
    assert_bits_f64(state_at(m, COUNT, 0), count);
    assert_int_equal(tally_metric_skipped(m), skipped);
    tally_metric_release(m);
}

static void by_default_a_nan_stays_until_reset(void **state)
{
    (void)state;
    tally_metric *m = mean(TALLY_NAN_PROPAGATE, TALLY_REDUCE_SAMPLES);
    FEED(m, V(2, 1, NAN), NULL, V(2, 1, 0));
    FEED(m, V(2, 1, 5), NULL, NULL);
    assert_true(isnan(tally_metric_result(m)));
    assert_int_equal(tally_metric_skipped(m), 0);
    assert_int_equal(tally_metric_is_defined(m), 0);
    tally_metric_reset_state(m);
    FEED(m, V(2, 1, 5), NULL, NULL);
    assert_bits_f64(tally_metric_result(m), 3);
    tally_metric_release(m);
}

static void skip_leaves_entries_out_and_counts_them(void **state)
{
    (void)state;
    tally_metric *m = skipping();
    FEED(m, V(4, 1, NAN, 3, NAN), NULL, NULL);
    expect_mean(m, 4, 2, 2);
    m = skipping();
    FEED(m, V(3, 1, 2, 3), NULL, V(3, 1, NAN, 2));
    expect_mean(m, 7, 3, 1);
    m = skipping();                                            /* a row with a NaN is one sample left out */
    FEED(m, M(3, 2, 1, 3, NAN, NAN, 5, 7), NULL, NULL);
    expect_mean(m, 8, 2, 1);
    m = skipping();
    FEED(m, M(2, 2, 1, 3, 5, NAN), NULL, M(2, 1, 2, 2));
    expect_mean(m, 4, 2, 1);
    m = skipping();
    FEED(m, M(2, 2, 1, 3, 5, 7), NULL, M(1, 2, 1, NAN));       /* a repeated NaN weight leaves all out */
    expect_mean(m, 0, 0, 2);
    m = skipping();
    FEED(m, V(3, 1, 2, 3), NULL, S0(NAN));
    expect_mean(m, 0, 0, 3);
    m = skipping();
    FEED(m, S0(NAN), NULL, NULL);
    FEED(m, S0(2), NULL, NULL);
    expect_mean(m, 2, 1, 1);
    m = mean(TALLY_NAN_SKIP, TALLY_REDUCE_ELEMENTS);
    FEED(m, M(2, 2, 1, NAN, 5, 7), NULL, NULL);
    expect_mean(m, 13, 3, 1);
    m = skipping();
    FEED(m, M(0, 2, 0), NULL, NULL);
    expect_mean(m, 0, 0, 0);
}

static void integers_have_nothing_to_skip(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = skipping();
    assert_ok(feed_as(m, V(2, 1, 2), TALLY_I32, NULL, 0, V(2, 1, 3), TALLY_U8, &err), &err);
    expect_mean(m, 7, 4, 0);
}

static void reset_and_merge_take_the_count_along(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = skipping(), *n = skipping();
    FEED(m, V(2, 1, NAN), NULL, NULL);
    FEED(n, V(2, NAN, NAN), NULL, NULL);
    assert_ok(tally_metric_merge_state(m, &n, 1, &err), &err);
    assert_int_equal(tally_metric_skipped(m), 3);
    tally_metric *c = tally_metric_clone(m, &err);
    tally_metric_reset_state(m);
    assert_int_equal(tally_metric_skipped(m), 0);
    assert_int_equal(tally_metric_skipped(c), 3);
    tally_metric_release(m);
    tally_metric_release(n);
    tally_metric_release(c);
}

static void policies_are_different_classes_to_merge(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = skipping(), *n = mean(TALLY_NAN_PROPAGATE, TALLY_REDUCE_SAMPLES);
    assert_int_equal(tally_metric_merge_state(m, &n, 1, &err), TALLY_INVALID_ARGUMENT);
    tally_metric_release(m);
    tally_metric_release(n);
}

static void error_fails_the_call_and_changes_nothing(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = mean(TALLY_NAN_ERROR, TALLY_REDUCE_SAMPLES);
    FEED(m, V(2, 1, 2), NULL, NULL);
    assert_int_equal(feed(m, V(3, 1, NAN, 2), NULL, NULL, &err), TALLY_FAILED_PRECONDITION);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "values, expected no NaN (the metric's policy), found false at row 1");
    assert_int_equal(strncmp(err.text, "mean: ", 6), 0);
    assert_int_equal(feed(m, V(2, 1, 2), NULL, V(2, 1, NAN), &err), TALLY_FAILED_PRECONDITION);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "sample_weight, expected no NaN");
    assert_int_equal(tally_metric_update_scalar(m, NAN), TALLY_FAILED_PRECONDITION);
    expect_mean(m, 3, 2, 0);
}

static void the_scalar_path_has_the_same_policy(void **state)
{
    (void)state;
    tally_metric *m = skipping();
    assert_int_equal(tally_metric_update_scalar(m, NAN), 0);
    assert_int_equal(tally_metric_update_scalar(m, .5), 0);
    expect_mean(m, .5, 1, 1);
}

static tally_threshold_options skip_thresholds(void)
{
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    o.nan = TALLY_NAN_SKIP;
    return o;
}

static void confusion_counts_skip_elements(void **state)
{
    (void)state;
    const double            at[] = { .2, .6 };
    tally_threshold_options o = skip_thresholds();
    o.thresholds = at;
    o.n_thresholds = 2;
    tally_metric *m = tally_recall_new(&o, NULL);
    FEED(m, M(2, 2, 1, 1, NAN, 1), M(2, 2, .9, NAN, .9, .3), NULL);
    assert_bits_f64(state_at(m, 0, 0), 2);
    assert_bits_f64(state_at(m, 1, 1), 1);
    assert_int_equal(tally_metric_skipped(m), 2);
    tally_metric_release(m);
}

static void a_sample_of_classes_is_one_entry(void **state)
{
    (void)state;
    tally_crossentropy_options o = TALLY_CROSSENTROPY_OPTIONS_INIT;
    o.nan = TALLY_NAN_SKIP;
    tally_metric *m = tally_sparse_categorical_crossentropy_new(&o, NULL);
    const array  *p = M(4, 2, .5, .5, NAN, NAN, .5, .5, .5, .5);
    FEED(m, V(4, 0, 1, NAN, 1), p, NULL);                      /* a NaN label is skipped too, not out of range */
    assert_bits_f64(state_at(m, COUNT, 0), 2);
    assert_int_equal(tally_metric_skipped(m), 2);
    FEED(m, M(4, 1, 0, 1, NAN, 1), p, V(4, NAN, 1, 1, 1));
    assert_bits_f64(state_at(m, COUNT, 0), 3);
    assert_int_equal(tally_metric_skipped(m), 5);
    tally_metric_release(m);
    tally_mean_options q = TALLY_MEAN_OPTIONS_INIT;
    q.nan = TALLY_NAN_SKIP;
    m = tally_sparse_categorical_accuracy_new(&q, NULL);
    FEED(m, V(3, 0, 1, 0), M(3, 2, 1, 0, NAN, 5, 0, 1), NULL);
    expect_mean(m, 1, 2, 1);
    m = tally_mean_squared_error_new(&q, NULL);
    FEED(m, M(3, 2, 0, 0, 0, 0, NAN, 0), M(3, 2, 1, 1, 1, NAN, 1, 1), NULL);
    expect_mean(m, 1, 1, 2);
    m = tally_mean_squared_error_new(&q, NULL);
    FEED(m, V(3, 0, NAN, 0), M(3, 1, 1, 1, 3), NULL);
    expect_mean(m, 10, 2, 1);
}

/* [2, 2, 3], classes on axis 1: the NaN leaves out line (1, 2) */
static void a_line_along_another_axis_is_one_entry(void **state)
{
    (void)state;
    static const char *const text[] = { "CategoricalCrossentropy(axis=1, nan=skip)", "BinaryCrossentropy(axis=-2, nan=skip)",
                                        "CosineSimilarity(axis=1, nan=skip)", "SparseCategoricalCrossentropy(axis=1, nan=skip)" };
    const array *y = T3(2, 2, 3, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1), *ids = M(2, 3, 0, 1, 0, 1, 1, 0);
    const array *p = T3(2, 2, 3, .5, .25, .5, .5, .75, .5, .5, .5, .5, .5, .5, NAN);
    for (size_t i = 0; i < TALLY__COUNT(text); i++) {
        tally_metric *m = tally_metric_from_text(text[i], NULL, NULL);
        FEED(m, i == 3 ? ids : y, p, NULL);
        assert_int_equal(tally_metric_skipped(m), 1);
        assert_bits_f64(state_at(m, COUNT, 0), 1);             /* a sample is its lines' mean: one with a NaN is left out */
        assert_true(isfinite(tally_metric_result(m)));
        tally_metric_release(m);
    }
    tally_metric *m = tally_metric_from_text("CosineSimilarity(axis=0, nan=skip)", NULL, NULL);
    FEED(m, M(2, 3, 1, 0, 1, 0, 1, 0), M(2, 3, 1, 1, NAN, 0, 1, 1), NULL);
    assert_bits_f64(state_at(m, COUNT, 0), 2);
    assert_int_equal(tally_metric_skipped(m), 1);
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_a_nan_stays_until_reset),
        cmocka_unit_test(skip_leaves_entries_out_and_counts_them),
        cmocka_unit_test(integers_have_nothing_to_skip),
        cmocka_unit_test(reset_and_merge_take_the_count_along),
        cmocka_unit_test(policies_are_different_classes_to_merge),
        cmocka_unit_test(error_fails_the_call_and_changes_nothing),
        cmocka_unit_test(the_scalar_path_has_the_same_policy),
        cmocka_unit_test(confusion_counts_skip_elements),
        cmocka_unit_test(a_sample_of_classes_is_one_entry),
        cmocka_unit_test(a_line_along_another_axis_is_one_entry),
    };
    return cmocka_run_group_tests_name("metric/nan", tests, NULL, NULL);
}
