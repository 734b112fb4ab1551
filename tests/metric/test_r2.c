/* R2Score against Keras's figures: aggregations, adjustment, weights of every shape, and where Keras's float32 sums cancel. */
#include "feed.h"

enum { ROWS, SQUARED_SUM, SUM, RESIDUAL, COUNT };

static tally_metric *r2(int aggregation, int regressors)
{
    tally_r2_options o = TALLY_R2_OPTIONS_INIT;
    o.class_aggregation = aggregation;
    o.num_regressors = regressors;
    return tally_r2_score_new(&o, NULL);
}

static tally_metric *uniform(int regressors) { return r2(TALLY_R2_UNIFORM_AVERAGE, regressors); }
static tally_metric *by_variance(int regressors) { return r2(TALLY_R2_VARIANCE_WEIGHTED_AVERAGE, regressors); }

static void gives(tally_metric *m, const array *y, const array *p, const array *w, double a, double b, double c)
{
    double      v[3];
    int64_t     shape[TALLY_MAX_RANK];
    tally_error err;
    FEED(m, y, p, w);
    assert_int_equal(tally_metric_result_shape(m, shape), 1);
    assert_int_equal(shape[0], 3);
    assert_ok(tally_metric_values(m, v, 3, &err), &err);
    assert_near(v[0], a);
    assert_near(v[1], b);
    assert_near(v[2], c);
    tally_metric_release(m);
}

#define Y M(3, 3, 0, 0, 1, 0, 1, 0, 1, 0, 0)
#define P M(3, 3, .4, .5, .6, .1, .2, .3, .5, .8, .2)
#define P_W M(3, 3, .4, .9, 1.6, .1, 1.2, .6, 1.5, .8, .6)
#define W V(3, .8, .1, .4)

static void keras_figures_hold(void **state)
{
    (void)state;
    tally_metric *m = uniform(0);
    FEED(m, M(3, 1, 1, 4, 3), M(3, 1, 2, 4, 4), NULL);
    assert_near(tally_metric_result(m), .57142854);
    assert_bits_f64(state_at(m, ROWS, 0), 3);
    assert_bits_f64(state_at(m, SQUARED_SUM, 0), 26);
    assert_bits_f64(state_at(m, SUM, 0), 8);
    assert_bits_f64(state_at(m, RESIDUAL, 0), 2);
    assert_bits_f64(state_at(m, COUNT, 0), 3);
    tally_metric_release(m);
    gives(r2(TALLY_R2_NONE, 0), Y, P, NULL, .37, -1.295, .565);
    gives(r2(TALLY_R2_NONE, 1), Y, P, NULL, -.26, -3.59, .13);
    ONE(uniform(0), Y, P, NULL, -.12);
    ONE(by_variance(0), Y, P, NULL, -.12);
    gives(r2(TALLY_R2_NONE, 0), Y, P_W, W, .17305559, -8.836666, -.521);
    gives(r2(TALLY_R2_NONE, 1), Y, P_W, W, -.65388882, -18.673332, -2.042);
    ONE(uniform(0), Y, P_W, W, -3.0615368);
    ONE(by_variance(0), Y, P_W, W, -1.3710225);
    ONE(uniform(1), Y, P_W, W, -7.1230736);
    ONE(by_variance(1), Y, P_W, W, -3.7420444);
    ONE(uniform(2), Y, P_W, W, -3.0615368);                               /* as many regressors as rows - 1: not adjusted */
    ONE(uniform(9), Y, P_W, W, -3.0615368);
}

static void a_vector_is_one_output(void **state)
{
    (void)state;
    ONE(uniform(0), V(3, 1, 4, 3), V(3, 2, 4, 4), NULL, 1 - 2 / (14 / 3.));             /* Keras: an error */
    ONE(uniform(0), M(3, 1, 1, 4, 3), V(3, 2, 4, 4), NULL, 1 - 2 / (14 / 3.));
    ONE(uniform(0), V(3, 1, 4, 3), M(3, 1, 2, 4, 4), NULL, 1 - 2 / (14 / 3.));
    REFUSED(uniform(0), T3(1, 1, 2, 0), T3(1, 1, 2, 0), NULL, TALLY_INVALID_ARGUMENT, "y_pred, expected rank 1 or 2 (outputs last), found rank 3");
    REFUSED(uniform(0), S0(1), S0(1), NULL, TALLY_INVALID_ARGUMENT, "r2_score");
}

static void rows_count_once_if_any_weight_is_not_0(void **state)
{
    (void)state;
    const array *w[] = { NULL, S0(2), S0(0), V(3, 0, 2, 0), M(3, 1, 1, 0, 2), M(1, 3, 0, 0, 1), M(3, 3, 0, 0, 0, 1, 0, 2, 0, 0, 5) };
    const double rows[] = { 3, 3, 0, 1, 2, 3, 2 }, first[] = { 3, 6, 0, 2, 3, 0, 1 };
    for (size_t i = 0; i < TALLY__COUNT(w); i++) {
        tally_metric *m = uniform(0);
        FEED(m, Y, P, w[i]);
        assert_bits_f64(state_at(m, ROWS, 0), rows[i]);
        assert_bits_f64(state_at(m, COUNT, 0), first[i]);
        tally_metric_release(m);
    }
}

static void labels_that_do_not_vary_give_keras_values(void **state)
{
    (void)state;
    ONE(uniform(0), M(2, 1, 3, 3), M(2, 1, 3, 4), NULL, 0);
    ONE(uniform(0), M(2, 1, 3, 3), M(2, 1, 3, 3), NULL, NAN);
    ONE(uniform(0), M(1, 1, 3), M(1, 1, 4), NULL, 0);
    tally_metric *m = uniform(0);
    assert_true(isnan(tally_metric_result(m)));                           /* no batch yet; Keras: an error */
    FEED(m, M(0, 2, 0), M(0, 2, 0), NULL);
    assert_true(isnan(tally_metric_result(m)));
    assert_int_equal(tally_metric_is_defined(m), 0);
    tally_metric_release(m);
}

/* Keras adds in float32: 1.00814 with the offset, 1.08142 in one batch, 0.6665 without */
static void an_offset_of_all_labels_changes_nothing(void **state)
{
    (void)state;
    tally_metric *m[2] = { uniform(0), uniform(0) };
    for (int i = 0; i < 1000; i++)
        for (int k = 0; k < 2; k++) {
            const double y = i % 5 + k * 1e4, p = y + i % 3 - 1;
            FEED(m[k], M(1, 1, y), M(1, 1, p), NULL);
        }
    assert_bits_f64(tally_metric_result(m[0]), 1 - 667. / 2000);
    assert_bits_f64(tally_metric_result(m[1]), 1 - 667. / 2000);
    tally_metric_release(m[0]);
    tally_metric_release(m[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_figures_hold),
        cmocka_unit_test(a_vector_is_one_output),
        cmocka_unit_test(rows_count_once_if_any_weight_is_not_0),
        cmocka_unit_test(labels_that_do_not_vary_give_keras_values),
        cmocka_unit_test(an_offset_of_all_labels_changes_nothing),
    };
    return cmocka_run_group_tests_name("metric/r2", tests, NULL, NULL);
}
