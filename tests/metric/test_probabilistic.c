/* KLDivergence, Poisson and CategoricalCrossentropy against Keras's figures. */
#include "feed.h"

static tally_metric *kl(void) { return tally_kl_divergence_new(NULL, NULL); }
static tally_metric *poisson(void) { return tally_poisson_new(NULL, NULL); }

static tally_metric *categorical(int from_logits, double smoothing, int axis)
{
    tally_crossentropy_options o = TALLY_CROSSENTROPY_OPTIONS_INIT;
    o.from_logits = from_logits;
    o.label_smoothing = smoothing;
    o.axis = axis;
    return tally_categorical_crossentropy_new(&o, NULL);
}

#define Q_TRUE M(2, 2, 0, 1, 0, 0)
#define Q_PRED M(2, 2, .6, .4, .4, .6)

static void keras_figures_of_divergence_hold(void **state)
{
    (void)state;
    const array *y = M(2, 3, .5, .8, .12, .7, .43, .8), *p = M(2, 3, .4, .9, .12, .36, .3, .4);
    ONE(kl(), Q_TRUE, Q_PRED, NULL, .45814306);
    ONE(kl(), Q_TRUE, Q_PRED, V(2, 1, 0), .9162892);
    ONE(kl(), y, p, NULL, .5960739);
    ONE(kl(), M(1, 2, 2, 3), M(1, 2, .5, 5), NULL, .69314718);            /* above 1 clips */
    ONE(kl(), V(2, .5, .5), V(2, .5, .5), NULL, 0);
    ONE(kl(), V(0, 0), V(0, 0), NULL, 0);
    REFUSED(kl(), M(2, 2, .5, .5, .5, .5), M(1, 2, .5, .5), NULL, TALLY_INVALID_ARGUMENT, "kl_divergence: y_pred");
}

static void keras_figures_of_poisson_hold(void **state)
{
    (void)state;
    const array *y = M(2, 3, 4, 8, 12, 8, 1, 3), *p = M(2, 3, 1, 9, 2, 5, 2, 6);
    tally_error  err;
    ONE(poisson(), M(2, 2, 0, 1, 0, 0), M(2, 2, 1, 1, 0, 0), NULL, .49999997);
    ONE(poisson(), M(2, 2, 0, 1, 0, 0), M(2, 2, 1, 1, 0, 0), V(2, 1, 0), .99999994);
    ONE(poisson(), y, p, NULL, -3.3065822);
    ONE(poisson(), y, p, M(2, 1, 1.2, 3.4), -2.6727562);
    ONE(poisson(), V(1, 1), V(1, -1), NULL, NAN);
    tally_metric *m = poisson();                       /* Keras: an error on TensorFlow */
    assert_ok(feed_as(m, M(1, 2, 0, 1), TALLY_I32, M(1, 2, 1, 1), TALLY_I32, NULL, 0, &err), &err);
    assert_near(tally_metric_result(m), 1);
    tally_metric_release(m);
}

static void keras_figures_of_crossentropy_hold(void **state)
{
    (void)state;
    const array *y = M(2, 3, 0, 1, 0, 0, 0, 1), *p = M(2, 3, .05, .95, 0, .1, .8, .1), *x = M(2, 3, 1, 9, 0, 1, 8, 1);
    ONE(categorical(0, 0, -1), y, p, NULL, 1.1769392);
    ONE(categorical(0, 0, -1), y, p, V(2, .3, .7), 1.6271976);
    ONE(categorical(0, 0, -1), y, p, V(2, 1.5, 2), 1.3377458);
    ONE(categorical(1, 0, -1), y, x, NULL, 3.5011404);
    ONE(categorical(1, 0, -1), y, x, V(2, 1.5, 2), 4.0012379);
    ONE_TO(categorical(1, .1, -1), y, x, NULL, 3.6678, 2e-5);
    ONE(categorical(0, 0, -1), V(2, 0, 1), V(2, 2, 2), NULL, .69314718);  /* divided by its sum */
    ONE(categorical(0, 0, -1), V(2, 1, 0), V(2, 0, 1), NULL, 16.118095);
    ONE(categorical(0, 0, -1), V(2, 1, 0), V(2, 0, 0), NULL, NAN);
    ONE(categorical(0, 0, -1), y, T3(2, 3, 1, .05, .95, 0, .1, .8, .1), NULL, 1.1769392);  /* Keras: an error */
}

static void the_classes_may_stand_on_any_axis(void **state)
{
    (void)state;
    const array  *y = T3(1, 2, 3, 1, 0, 1, 0, 1, 0), *p = T3(1, 2, 3, .75, .25, .5, .25, .75, .5);
    const double  want = -(log(.75) + log(.75) + log(.5)) / 3;
    ONE(categorical(0, 0, 1), y, p, NULL, want);
    ONE(categorical(0, 0, -2), y, p, NULL, want);
    ONE(categorical(0, 0, 0), M(2, 3, 1, 0, 1, 0, 1, 0), M(2, 3, .75, .25, .5, .25, .75, .5), NULL, want);
    ONE(categorical(1, 0, -2), y, T3(1, 2, 3, 0, 0, 0, 0, 0, 0), NULL, .69314718);       /* Keras: an error on TensorFlow */
    ONE(categorical(0, 0, 0), M(0, 3, 0), M(0, 3, 0), NULL, 0);
    REFUSED(categorical(0, 0, 2), M(1, 2, 0, 1), M(1, 2, .5, .5), NULL, TALLY_INVALID_ARGUMENT, "y_pred, expected a rank with axis 2, found rank 2");
    tally_metric *m = categorical(0, 0, 0);
    FEED(m, M(0, 3, 0), M(0, 3, 0), NULL);
    assert_bits_f64(state_at(m, 1, 0), 0);
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_figures_of_divergence_hold),
        cmocka_unit_test(keras_figures_of_poisson_hold),
        cmocka_unit_test(keras_figures_of_crossentropy_hold),
        cmocka_unit_test(the_classes_may_stand_on_any_axis),
    };
    return cmocka_run_group_tests_name("metric/probabilistic", tests, NULL, NULL);
}
