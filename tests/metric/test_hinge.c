/* Hinge, SquaredHinge, CategoricalHinge against Keras's figures. */
#include "feed.h"

static tally_metric *hinge(void) { return tally_hinge_new(NULL, NULL); }
static tally_metric *squared(void) { return tally_squared_hinge_new(NULL, NULL); }
static tally_metric *categorical(void) { return tally_categorical_hinge_new(NULL, NULL); }

#define Q_TRUE M(2, 2, 0, 1, 0, 0)
#define Q_PRED M(2, 2, .6, .4, .4, .6)
#define T_BITS M(2, 4, 0, 1, 0, 1, 0, 0, 1, 1)
#define T_SIGNS M(2, 4, -1, 1, -1, 1, -1, -1, 1, 1)
#define T_PRED M(2, 4, -.3, .2, -.1, 1.6, -.25, -1, .5, .6)

static void keras_figures_hold(void **state)
{
    (void)state;
    ONE(hinge(), Q_TRUE, Q_PRED, NULL, 1.3);
    ONE(hinge(), Q_TRUE, Q_PRED, V(2, 1, 0), 1.1);
    ONE(hinge(), T_BITS, T_PRED, NULL, .50625);
    ONE(hinge(), T_SIGNS, T_PRED, NULL, .50625);
    ONE(hinge(), T_SIGNS, T_PRED, V(2, 1.5, 2), .4928572);
    ONE(squared(), Q_TRUE, Q_PRED, NULL, 1.86);
    ONE(squared(), Q_TRUE, Q_PRED, V(2, 1, 0), 1.46);
    ONE(squared(), T_BITS, T_PRED, NULL, .3640625);
    ONE(squared(), T_SIGNS, T_PRED, V(2, 1.5, 2), .3467857);
    ONE(categorical(), Q_TRUE, Q_PRED, NULL, 1.4);
    ONE(categorical(), Q_TRUE, Q_PRED, V(2, 1, 0), 1.2);
    ONE(categorical(), V(3, 0, 1, 0), V(3, .1, .7, .2), NULL, .5);
    ONE(categorical(), V(3, 0, 1, 0), V(3, -3, -2, -4), NULL, 3);         /* the right class takes part with 0 */
}

/* Keras: 1.125 for two batches, 1 for one: it asks whether all labels of a batch are 0 or 1 */
static void a_label_0_is_minus_1_in_any_company(void **state)
{
    (void)state;
    tally_metric *parts = hinge();
    FEED(parts, M(1, 2, 0, 1), M(1, 2, .5, .5), NULL);
    FEED(parts, M(1, 2, -1, 0), M(1, 2, .5, .5), NULL);
    assert_bits_f64(tally_metric_result(parts), 1.25);
    tally_metric_release(parts);
    ONE(hinge(), M(2, 2, 0, 1, -1, 0), M(2, 2, .5, .5, .5, .5), NULL, 1.25);
}

static void vectors_integers_and_empty_batches_work(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = hinge();
    FEED(m, V(3, 0, 1, 1), V(3, 0, 3, -2), V(3, 1, 1, 2));
    assert_bits_f64(state_at(m, 0, 0), 7);
    assert_bits_f64(state_at(m, 1, 0), 4);
    tally_metric_release(m);
    m = squared();
    assert_ok(feed_as(m, V(2, 1, 0), TALLY_BOOL, V(2, -2, 0), TALLY_I32, NULL, 0, &err), &err);
    assert_bits_f64(tally_metric_result(m), 5);
    tally_metric_release(m);
    ONE(categorical(), M(0, 2, 0), M(0, 2, 0), NULL, 0);                  /* Keras: an error on TensorFlow */
    ONE(categorical(), V(0, 0), V(0, 0), NULL, 0);
    ONE(hinge(), V(1, NAN), V(1, 1), NULL, NAN);
    REFUSED(categorical(), S0(1), S0(1), NULL, TALLY_INVALID_ARGUMENT, "y_pred, expected a rank with axis -1, found rank 0");
    REFUSED(hinge(), M(2, 2, 1), M(1, 2, 1), NULL, TALLY_INVALID_ARGUMENT, "hinge: y_pred");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_figures_hold),
        cmocka_unit_test(a_label_0_is_minus_1_in_any_company),
        cmocka_unit_test(vectors_integers_and_empty_batches_work),
    };
    return cmocka_run_group_tests_name("metric/hinge", tests, NULL, NULL);
}
