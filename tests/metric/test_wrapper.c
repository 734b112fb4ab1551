/* MeanMetricWrapper: bodies of a user, Keras's figures, what makes two of them one configuration. */
#include "feed.h"

static tally_node squared(tally_trace *t, tally_node y, tally_node p, const void *config)
{
    (void)t;
    (void)config;
    return tally_square(tally_sub(p, y));
}

/* mean over the last axis, as Keras's functions */
static tally_node squared_rows(tally_trace *t, tally_node y, tally_node p, const void *config)
{
    tally_node v = squared(t, y, p, config);
    return tally_mean_axis(v, tally_node_rank(v) - 1);
}

static tally_node huber(tally_trace *t, tally_node y, tally_node p, const void *config)
{
    const double *delta = config;
    tally_node    e = tally_abs(tally_sub(p, y)), small = tally_minimum(e, tally_num(*delta));
    (void)t;
    return tally_mul(small, tally_sub(e, tally_mul(small, tally_num(.5))));
}

static tally_node nothing(tally_trace *t, tally_node y, tally_node p, const void *config)
{
    (void)t;
    (void)y;
    (void)p;
    (void)config;
    return (tally_node){ NULL, 0, 0 };
}

static tally_metric *of(tally_sample_values body)
{
    return tally_mean_metric_wrapper_new(body, NULL, 0, NULL, NULL);
}

static tally_metric *huber_of(double delta)
{
    return tally_mean_metric_wrapper_new(huber, &delta, sizeof delta, NULL, NULL);
}

#define B_TRUE M(4, 5, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1)
#define B_PRED M(4, 5, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1)

static void keras_figures_hold(void **state)
{
    (void)state;
    tally_metric *m = of(squared);
    FEED(m, B_TRUE, B_PRED, NULL);
    assert_near(state_at(m, 0, 0), 2);
    assert_bits_f64(state_at(m, 1, 0), 4);
    tally_metric_release(m);
    ONE(of(squared), B_TRUE, B_PRED, NULL, .5);
    ONE(of(squared), B_TRUE, B_PRED, V(4, 1, 1.5, 2, 2.5), 3.8 / 7);
    ONE(of(squared), B_TRUE, B_PRED, M(1, 5, 1, 0, .5, 0, 1), .45);
    ONE(of(squared_rows), B_TRUE, B_PRED, V(4, 1, 1.5, 2, 2.5), 3.8 / 7);
    ONE(of(squared_rows), V(3, 1, 2, 3), V(3, 1, 2, 5), NULL, 4. / 3);           /* a scalar is one sample */
    ONE(huber_of(1), V(4, 0, 0, 0, 0), V(4, .5, 1, 2, -3), NULL, (.125 + .5 + 1.5 + 2.5) / 4);
    ONE(huber_of(1), V(0, 0), V(0, 0), NULL, 0);
}

static void body_and_configuration_make_the_metric(void **state)
{
    (void)state;
    tally_metric *a = huber_of(1), *b = huber_of(1), *c = huber_of(2), *d = of(squared), *e = of(squared_rows);
    tally_error   err;
    assert_string_equal(tally_metric_name(a), "mean_metric_wrapper");
    FEED(b, V(1, 0), V(1, 2), NULL);
    assert_int_equal(tally_metric_merge_state(a, &b, 1, &err), TALLY_OK);
    assert_bits_f64(tally_metric_result(a), 1.5);
    assert_int_equal(tally_metric_merge_state(a, &c, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_merge_state(d, &e, 1, &err), TALLY_INVALID_ARGUMENT);
    tally_metric *both[] = { d, e };
    feed_memory   y, p;
    const tally_tensor *x[] = { feed_tensor(&y, M(2, 2, 0, 0, 0, 0), TALLY_F32), feed_tensor(&p, M(2, 2, 1, 2, 3, 4), TALLY_F32) };
    assert_ok(tally_metrics_update_state_n(both, 2, x, 2, &err), &err);
    assert_bits_f64(tally_metric_result(d), 7.5);
    assert_bits_f64(tally_metric_result(e), 7.5);
    assert_int_equal(tally_metric_to_text(a, NULL, 0), 0);
    tally_metric *all[] = { a, b, c, d, e };
    for (size_t i = 0; i < TALLY__COUNT(all); i++)
        tally_metric_release(all[i]);
}

static void what_is_no_body_is_refused(void **state)
{
    (void)state;
    tally_error err;
    assert_null(tally_mean_metric_wrapper_new(NULL, NULL, 0, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "MeanMetricWrapper: body, expected one, found NULL");
    assert_null(tally_mean_metric_wrapper_new(huber, NULL, 8, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "MeanMetricWrapper: config, expected 8 bytes, found NULL");
    REFUSED(of(nothing), V(1, 0), V(1, 0), NULL, TALLY_INVALID_ARGUMENT, "mean_metric_wrapper");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_figures_hold),
        cmocka_unit_test(body_and_configuration_make_the_metric),
        cmocka_unit_test(what_is_no_body_is_refused),
    };
    return cmocka_run_group_tests_name("metric/wrapper", tests, NULL, NULL);
}
