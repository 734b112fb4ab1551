/* The regression errors and CosineSimilarity against Keras's figures; vectors are as many samples as they have entries. */
#include "feed.h"

enum { TOTAL, COUNT };

static tally_metric *mse(void) { return tally_mean_squared_error_new(NULL, NULL); }
static tally_metric *named(const char *text) { return tally_metric_from_text(text, NULL, NULL); }
static tally_metric *mae(void) { return tally_mean_absolute_error_new(NULL, NULL); }

#define B_TRUE M(4, 5, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1)
#define B_PRED M(4, 5, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1)
#define B_W    V(4, 1, 1.5, 2, 2.5)
#define Q_TRUE M(2, 2, 0, 1, 0, 0)
#define Q_PRED M(2, 2, 1, 1, 0, 0)

static void keras_figures_hold(void **state)
{
    (void)state;
    ONE(mse(), Q_TRUE, Q_PRED, NULL, .25);
    ONE(mse(), Q_TRUE, Q_PRED, V(2, 1, 0), .5);
    ONE(mse(), B_TRUE, B_PRED, NULL, .5);
    ONE(mse(), B_TRUE, B_PRED, B_W, 3.8 / 7);
    ONE(mae(), Q_TRUE, Q_PRED, NULL, .25);
    ONE(mae(), Q_TRUE, Q_PRED, V(2, 1, 0), .5);
    ONE(mae(), B_TRUE, B_PRED, NULL, .5);
    ONE(mae(), B_TRUE, B_PRED, B_W, 3.8 / 7);
    tally_metric *m = mse();
    FEED(m, B_TRUE, B_PRED, NULL);
    assert_near(state_at(m, TOTAL, 0), 2);
    assert_bits_f64(state_at(m, COUNT, 0), 4);
    tally_metric_reset_state(m);
    FEED(m, M(3, 1, 0, 0, 0), M(3, 1, 1, 2, 3), V(3, 1, 0, 1));          /* a mask is a weight of 0 and 1 */
    assert_bits_f64(state_at(m, TOTAL, 0), 10);
    assert_bits_f64(tally_metric_result(m), 5);
    tally_metric_reset_state(m);
    FEED(m, M(3, 1, 0, 0, 0), M(3, 1, 1, 2, 3), V(3, 1, 0, 2));
    assert_bits_f64(state_at(m, TOTAL, 0), 19);
    assert_bits_f64(state_at(m, COUNT, 0), 3);
    tally_metric_release(m);
}

/* MetricsList's figures: two updates, unweighted and weighted */
static void two_updates_add_up(void **state)
{
    (void)state;
    tally_metric *m = mse(), *w = mse();
    const array  *y = M(3, 2, .1, .2, .3, .4, .5, .6), *p = M(3, 2, .4, .1, .2, .6, .6, .1), *q = M(3, 2, .3, .2, .1, .4, .2, .3);
    FEED(m, y, p, NULL);
    FEED(m, y, q, NULL);
    FEED(w, y, p, V(3, 1, 0, 1));
    FEED(w, y, q, V(3, 1, 0, 1));
    assert_near(tally_metric_result(m), 0.055833336);
    assert_near(tally_metric_result(w), 0.0725);
    tally_metric_release(m);
    tally_metric_release(w);
}

/* Keras: total 1.3333, count 1, and weights of shape (N,) are an error */
static void a_vector_is_as_many_samples_as_it_has_entries(void **state)
{
    (void)state;
    tally_metric *m = mse();
    FEED(m, V(3, 1, 2, 3), V(3, 1, 2, 5), NULL);
    assert_bits_f64(state_at(m, TOTAL, 0), 4);
    assert_bits_f64(state_at(m, COUNT, 0), 3);
    tally_metric_reset_state(m);
    FEED(m, M(3, 1, 1, 2, 3), V(3, 1, 2, 5), NULL);
    assert_bits_f64(state_at(m, TOTAL, 0), 4);
    tally_metric_reset_state(m);
    FEED(m, V(3, 1, 2, 3), V(3, 1, 2, 5), V(3, 1, 1, 2));
    assert_bits_f64(tally_metric_result(m), 2);
    tally_metric_reset_state(m);
    FEED(m, S0(1), S0(3), NULL);
    assert_bits_f64(state_at(m, TOTAL, 0), 4);
    assert_bits_f64(state_at(m, COUNT, 0), 1);
    tally_metric_release(m);
}

static void three_axes_average_to_one_value_a_sample(void **state)
{
    (void)state;
    const array *y = T3(2, 2, 2, 0), *p = T3(2, 2, 2, 1, 1, 2, 2, 3, 3, 0, 0);     /* rows: 1 4 | 9 0 */
    tally_metric *m = mse();
    FEED(m, y, p, NULL);
    assert_bits_f64(state_at(m, TOTAL, 0), 7);
    assert_bits_f64(state_at(m, COUNT, 0), 2);
    tally_metric_reset_state(m);
    FEED(m, y, p, V(2, 2, 1));
    assert_bits_f64(state_at(m, TOTAL, 0), 9.5);
    tally_metric_reset_state(m);
    FEED(m, y, p, M(2, 2, 1, 0, 0, 1));
    assert_bits_f64(state_at(m, TOTAL, 0), .5);
    assert_bits_f64(state_at(m, COUNT, 0), 1);
    tally_metric_release(m);
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.reduction = TALLY_REDUCE_ELEMENTS;
    m = tally_mean_squared_error_new(&o, NULL);
    FEED(m, y, p, NULL);
    assert_bits_f64(state_at(m, TOTAL, 0), 14);
    assert_bits_f64(state_at(m, COUNT, 0), 4);
    tally_metric_release(m);
}

static double error_of(tally_metric *m, double y, tally_dtype dy, double p, tally_dtype dp)
{
    tally_error err;
    assert_ok(feed_as(m, V(1, y), dy, V(1, p), dp, NULL, 0, &err), &err);
    double v = tally_metric_result(m);
    tally_metric_release(m);
    return v;
}

static void integers_are_promoted_and_never_wrap(void **state)
{
    (void)state;
    assert_bits_f64(error_of(mse(), 0, TALLY_U8, 200, TALLY_U8), 40000);           /* Keras: 64 */
    assert_bits_f64(error_of(mae(), .75, TALLY_F32, 1, TALLY_I32), .25);           /* Keras: 1, the label truncates to 0 */
    assert_bits_f64(error_of(mse(), 0, TALLY_I64, 94906267, TALLY_I64), 94906267. * 94906267.);
    assert_bits_f64(error_of(mse(), 0, TALLY_F32, (float).1, TALLY_F32), (double)((float).1 * (float).1));
    assert_bits_f64(error_of(mse(), 0, TALLY_F64, .1, TALLY_F64), .1 * .1);
    assert_bits_f64(error_of(mae(), 1, TALLY_F16, .5, TALLY_BF16), .5);
    const tally_dtype all[] = { TALLY_BOOL, TALLY_U8, TALLY_I8, TALLY_U16, TALLY_I16, TALLY_U32, TALLY_I32, TALLY_U64, TALLY_I64,
                                TALLY_F16, TALLY_BF16, TALLY_F32, TALLY_F64 };
    for (size_t i = 0; i < TALLY__COUNT(all); i++)
        for (size_t k = 0; k < TALLY__COUNT(all); k++) {
            assert_bits_f64(error_of(mse(), 0, all[i], 1, all[k]), 1);
            assert_bits_f64(error_of(mae(), 1, all[i], 0, all[k]), 1);
        }
}

/* elements are float32, their row adds in float64: the row's mean is not rounded to float32 */
static void a_row_adds_in_float64(void **state)
{
    (void)state;
    tally_metric *m = mse();
    FEED(m, M(1, 3, 0, 0, 0), M(1, 3, .1, .2, .3), NULL);
    const double a = (float).1 * (float).1, b = (float).2 * (float).2, c = (float).3 * (float).3;
    assert_bits_f64(tally_metric_result(m), (a + b + c) / 3);
    tally_metric_release(m);
}

static void shapes_that_keras_broadcasts_are_refused(void **state)
{
    (void)state;
    REFUSED(mse(), M(2, 2, 1), M(1, 2, 1), NULL, TALLY_INVALID_ARGUMENT, "mean_squared_error: y_pred");
    REFUSED(named("RootMeanSquaredError"), M(2, 2, 1), M(1, 2, 1), NULL, TALLY_INVALID_ARGUMENT, "root_mean_squared_error: y_pred");
    REFUSED(mse(), V(3, 1), M(3, 3, 1), NULL, TALLY_INVALID_ARGUMENT, "y_pred: squeeze");
    REFUSED(mse(), M(2, 2, 1), M(2, 2, 1), M(2, 2, 1), TALLY_INVALID_ARGUMENT, "mean_squared_error");
    ONE(mse(), M(0, 2, 0), M(0, 2, 0), NULL, 0);
    ONE(mae(), V(0, 0), V(0, 0), V(0, 0), 0);
}

/* ---- the other errors */

#define C_TRUE M(2, 3, 1, 9, 2, -5, -2, 6)
#define C_PRED M(2, 3, 4, 8, 12, 8, 1, 3)

static void keras_figures_of_the_others_hold(void **state)
{
    (void)state;
    ONE(named("RootMeanSquaredError"), Q_TRUE, Q_PRED, NULL, .5);
    ONE(named("RootMeanSquaredError"), Q_TRUE, Q_PRED, V(2, 1, 0), .70710677);
    ONE(named("RootMeanSquaredError"), V(3, 2, 4, 6), V(3, 1, 3, 2), NULL, 2.4494897);
    ONE(named("RootMeanSquaredError"), V(4, 2, 4, 6, 8), V(4, 1, 3, 2, 3), V(4, 0, 1, 0, 1), 3.6055513);
    ONE(named("RootMeanSquaredError"), B_TRUE, B_PRED, B_W, .7367884);
    ONE(named("mape"), Q_TRUE, Q_PRED, NULL, 2.5e8);
    ONE(named("mape"), Q_TRUE, Q_PRED, V(2, 1, 0), 5e8);
    ONE(named("mape"), B_TRUE, B_PRED, NULL, 3.5e8);
    ONE(named("mape"), B_TRUE, B_PRED, B_W, 4e8);
    ONE(named("mape"), V(3, 1, 2, 3), V(3, 1, 2, 5), NULL, 22.222223);
    ONE(named("msle"), Q_TRUE, Q_PRED, NULL, .12011322);
    ONE(named("msle"), Q_TRUE, Q_PRED, V(2, 1, 0), .24022643);
    ONE_TO(named("msle"), B_TRUE, B_PRED, B_W, .26082, 2e-5);
    ONE(named("msle"), M(1, 2, 1, 2), M(1, 2, -1, 2), NULL, .24022643);
    ONE(named("LogCoshError"), Q_TRUE, Q_PRED, NULL, .10844523);
    ONE(named("logcosh"), Q_TRUE, Q_PRED, V(2, 1, 0), .21689045);
    ONE(named("log_cosh_error"), C_TRUE, C_PRED, NULL, 4.829245);
    ONE(named("LogCoshError"), C_TRUE, C_PRED, M(2, 1, 1.2, 3.4), 5.217875);
    ONE(named("LogCoshError"), V(2, 0, 0), V(2, 100, -100), NULL, 99.306854);
}

static void keras_figures_of_cosine_hold(void **state)
{
    (void)state;
    const array *y = M(2, 2, 0, 1, 1, 1), *p = M(2, 2, 1, 0, 1, 1);
    ONE(named("CosineSimilarity"), y, p, NULL, .5);
    ONE(named("CosineSimilarity(axis=1)"), y, p, V(2, .3, .7), .7);
    ONE(named("CosineSimilarity(axis=0)"), y, p, NULL, .70710677);
    ONE(named("CosineSimilarity"), C_TRUE, C_PRED, NULL, .18721902);
    ONE(named("CosineSimilarity"), C_TRUE, C_PRED, V(2, 1.2, 3.4), -.06782263);
    ONE(named("CosineSimilarity"), V(2, 0, 0), V(2, 1, 1), NULL, 0);
    ONE(named("CosineSimilarity"), V(2, 1e20, 1e20), V(2, 1e20, 1e20), NULL, 1);         /* Keras: 0, the squares overflow */
    ONE(named("CosineSimilarity"), V(0, 0), V(0, 0), NULL, 0);
    ONE(named("CosineSimilarity(axis=0)"), M(0, 2, 0), M(0, 2, 0), NULL, 0);
    tally_metric *m = named("CosineSimilarity");
    FEED(m, V(3, 1, 2, 2), V(3, 1, 2, 2), NULL);                                         /* a vector is one sample */
    FEED(m, V(0, 0), V(0, 0), NULL);
    assert_bits_f64(state_at(m, COUNT, 0), 1);
    tally_metric_release(m);
    REFUSED(named("CosineSimilarity(axis=2)"), y, p, NULL, TALLY_INVALID_ARGUMENT, "y_pred, expected a rank with axis 2, found rank 2");
}

static double f32_error_of(const char *text, double y, double p)
{
    return error_of(named(text), y, TALLY_F32, p, TALLY_F32);
}

/* Keras in float32: 4.77e-7, and 1.00003e-8; in float64 its ln 2 is that of float32 */
static void small_errors_keep_their_digits(void **state)
{
    (void)state;
    assert_near(f32_error_of("LogCoshError", 0, 1e-3), 4.999999641097727e-07);
    assert_near(f32_error_of("LogCoshError", 0, 1e-6), 5.0e-13);
    assert_near(f32_error_of("LogCoshError", 0, .999999), .433780069);
    assert_near(f32_error_of("LogCoshError", 0, 1.000001), .433781593);
    assert_bits_f64(f32_error_of("LogCoshError", 5, 5), 0);
    test_near(error_of(named("LogCoshError"), 0, TALLY_F64, 1, TALLY_F64), .43378083048302712, 4e-16, "ln cosh 1", __FILE__, __LINE__);
    assert_near(f32_error_of("msle", 1e-4, 2e-4), 9.997000186506499e-09);
    assert_near(error_of(named("mape"), 0, TALLY_I32, 1, TALLY_I32), 1e9);               /* Keras: inf */
    assert_near(error_of(named("logcosh"), 0, TALLY_I32, 1, TALLY_I32), .43378083);
    assert_bits_f64(error_of(named("RootMeanSquaredError"), 0, TALLY_U8, 200, TALLY_U8), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_figures_hold),
        cmocka_unit_test(two_updates_add_up),
        cmocka_unit_test(a_vector_is_as_many_samples_as_it_has_entries),
        cmocka_unit_test(three_axes_average_to_one_value_a_sample),
        cmocka_unit_test(integers_are_promoted_and_never_wrap),
        cmocka_unit_test(a_row_adds_in_float64),
        cmocka_unit_test(shapes_that_keras_broadcasts_are_refused),
        cmocka_unit_test(keras_figures_of_the_others_hold),
        cmocka_unit_test(keras_figures_of_cosine_hold),
        cmocka_unit_test(small_errors_keep_their_digits),
    };
    return cmocka_run_group_tests_name("metric/regression", tests, NULL, NULL);
}
