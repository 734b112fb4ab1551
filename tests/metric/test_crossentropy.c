/* BinaryCrossentropy and SparseCategoricalCrossentropy against Keras's figures; logits, smoothing, ignored classes, ids that
 * are none, and what is done otherwise. */
#include "feed.h"

enum { TOTAL, COUNT };

typedef struct option { double smoothing; bool logits; int axis, ignore, nan; } option;
static const option plain = { 0, false, -1, TALLY_NONE, TALLY_NAN_PROPAGATE };

static tally_crossentropy_options options_of(option x)
{
    tally_crossentropy_options o = TALLY_CROSSENTROPY_OPTIONS_INIT;
    o.label_smoothing = x.smoothing;
    o.from_logits = x.logits;
    o.axis = x.axis;
    o.ignore_class = x.ignore;
    o.nan = x.nan;
    return o;
}

static tally_metric *binary(option x)
{
    const tally_crossentropy_options o = options_of(x);
    return tally_binary_crossentropy_new(&o, NULL);
}

static tally_metric *sparse(option x)
{
    const tally_crossentropy_options o = options_of(x);
    return tally_sparse_categorical_crossentropy_new(&o, NULL);
}

static option logits(void) { option x = plain; x.logits = true; return x; }
static option smoothed(double s, bool from_logits) { option x = plain; x.smoothing = s; x.logits = from_logits; return x; }
static option ignoring(int id, bool from_logits) { option x = plain; x.ignore = id; x.logits = from_logits; return x; }
static option on_axis(int axis) { option x = plain; x.axis = axis; return x; }

static void keras_figures_of_the_binary_one_hold(void **state)
{
    (void)state;
    ONE(binary(plain), M(2, 2, 0, 1, 0, 0), M(2, 2, .6, .4, .4, .6), NULL, .8149245);
    ONE(binary(plain), M(2, 2, 0, 1, 0, 0), M(2, 2, .6, .4, .4, .6), V(2, 1, 0), .9162907);
    ONE(binary(plain), M(2, 2, 1, 0, 1, 0), M(2, 2, 1, 1, 1, 0), NULL, 3.9855962);
    ONE_TO(binary(plain), M(2, 2, 1, 0, 1, 0), M(2, 2, 1, 1, 1, 0), V(2, 1.5, 2), 3.4162, 2e-5);
    ONE_TO(binary(logits()), M(2, 3, 1, 0, 1, 0, 1, 1), M(2, 3, 10, -10, 10, 10, 10, -10), NULL, 3.3333, 3e-5);
    ONE_TO(binary(logits()), M(2, 3, 1, 0, 1, 0, 1, 1), M(2, 3, 10, -10, 10, 10, 10, -10), V(2, 2, 2.5), 3.7037, 3e-5);
    ONE_TO(binary(smoothed(.1, true)), V(3, 1, 0, 1), V(3, 10, -10, -10), NULL, 3.5, 2e-5);
    ONE(binary(smoothed(.2, false)), M(1, 2, 1, 0), M(1, 2, .9, .2), NULL, .3434279);
    ONE(binary(plain), V(1, 1), V(1, 0), NULL, 16.118095);
    ONE(binary(plain), V(1, 0), V(1, 1), NULL, 15.942385);
    ONE(binary(plain), V(2, 0, 1), V(2, 0, 1), NULL, 1.1920929e-7);
    ONE(binary(logits()), V(1, 1), V(1, -1000), NULL, 1000);                   /* Keras on NumPy: 16.118 */
    ONE(binary(plain), V(0, 0), V(0, 0), NULL, 0);
}

static void vectors_are_samples_and_ranks_align(void **state)
{
    (void)state;
    tally_metric *m = binary(plain);
    FEED(m, V(3, 1, 0, 1), V(3, .9, .2, .5), V(3, 1, 0, 1));
    assert_bits_f64(state_at(m, COUNT, 0), 2);
    assert_near(state_at(m, TOTAL, 0), .10536057 + .69314718);
    FEED(m, V(3, 1, 0, 1), M(3, 1, .9, .2, .5), NULL);                          /* Keras: an error */
    assert_bits_f64(state_at(m, COUNT, 0), 5);
    tally_metric_release(m);
    m = binary(on_axis(0));                                                     /* columns are the samples */
    FEED(m, M(2, 1, 1, 0), M(2, 1, .9, .2), NULL);
    assert_bits_f64(state_at(m, COUNT, 0), 1);
    assert_near(state_at(m, TOTAL, 0), (.10536057 + .22314353) / 2);
    tally_metric_release(m);
    tally_error err;
    m = binary(plain);                                                          /* integers are promoted */
    assert_ok(feed_as(m, V(2, 1, 0), TALLY_I16, V(2, 1, 0), TALLY_I32, NULL, 0, &err), &err);
    assert_near(tally_metric_result(m), 1.1920929e-7);
    tally_metric_reset_state(m);
    assert_ok(feed_as(m, V(1, 0), TALLY_I64, V(1, 1), TALLY_F64, NULL, 0, &err), &err);
    assert_near(tally_metric_result(m), 16.118095);                             /* float64: 1 - eps is nearer to 1 - 1e-7 */
    tally_metric_release(m);
    REFUSED(binary(plain), V(3, 1, 0, 1), M(3, 2, 0), NULL, TALLY_INVALID_ARGUMENT, "y_pred: squeeze");
    REFUSED(binary(on_axis(2)), M(2, 2, 0), M(2, 2, 0), NULL, TALLY_INVALID_ARGUMENT, "y_pred, expected a rank with axis 2");
}

static void keras_figures_of_the_sparse_one_hold(void **state)
{
    (void)state;
    const array *p2 = M(2, 3, .05, .95, 0, .1, .8, .1), *x2 = M(2, 3, 1, 9, 0, 1, 8, 1);
    const array *p3 = M(3, 3, .8, .1, .1, .05, .95, 0, .1, .8, .1), *x3 = M(3, 3, 10, 1, 1, 1, 9, 0, 1, 8, 1);
    ONE(sparse(plain), V(2, 1, 2), p2, NULL, 1.1769392);
    ONE(sparse(plain), V(2, 1, 2), p2, V(2, .3, .7), 1.6271976);
    ONE(sparse(plain), M(2, 1, 1, 2), p2, NULL, 1.1769392);
    ONE(sparse(logits()), V(2, 1, 2), x2, NULL, 3.5011404);
    ONE(sparse(logits()), V(2, 1, 2), x2, V(2, 1.5, 2), 4.0012379);
    ONE(sparse(ignoring(0, false)), V(3, 0, 1, 2), p3, NULL, 2.3538784 / 2);    /* Keras 3: / 3; tf.keras as here */
    ONE(sparse(ignoring(0, false)), V(3, 0, 1, 2), p3, V(3, .5, 1.5, 2), 1.3377458);
    ONE(sparse(ignoring(0, true)), V(3, 0, 1, 2), x3, NULL, 7.0022807 / 2);
    ONE(sparse(ignoring(-1, false)), V(2, -1, 2), p2, NULL, 2.3025851);         /* Keras 3: 1.1512926; tf.keras as here */
    ONE(sparse(ignoring(-100, false)), V(2, -100, -100), p2, NULL, 0);
    ONE(sparse(plain), S0(1), V(3, .05, .95, 0), NULL, .05129343);
    ONE(sparse(plain), V(0, 0), M(0, 3, 0), NULL, 0);
}

static void probabilities_are_clipped_and_divided_by_their_sum(void **state)
{
    (void)state;
    ONE(sparse(plain), V(1, 0), M(1, 4, 0, 0, 0, 0), NULL, 1.3862944);          /* ln C; NaN on NumPy */
    ONE_TO(sparse(plain), V(2, 1, 1), M(2, 5, .9, 0, .79, .45, .34, .56, .34, .68, .45, .56), NULL, 9.531, 3e-4);    /* TF; NumPy 9.077 */
    ONE(sparse(plain), V(1, 1), M(1, 2, 2, 2), NULL, .69314718);
}

static void weights_and_ignored_ids_meet_in_every_shape(void **state)
{
    (void)state;
    const array *y = M(2, 2, 0, 1, 2, -1);      /* the last is ignored */
    const array *p = T3(2, 2, 3, .5, .25, .25, .25, .5, .25, .25, .25, .5, 1, 0, 0);
    const double l = 0.69314718055994531;
    const struct { const array *w; double total, count; } c[] = {
        { NULL, 1.5 * l, 1.5 }, { S0(2), 3 * l, 3 }, { V(2, 1, 10), 6 * l, 6 }, { M(2, 1, 1, 10), 6 * l, 6 },
        { M(1, 2, 1, 10), 6 * l, 6 }, { M(2, 2, 1, 3, 5, NAN), 4.5 * l, 4.5 }, { T3(2, 2, 1, 1, 3, 5, 7), 4.5 * l, 4.5 } };
    for (size_t i = 0; i < TALLY__COUNT(c); i++) {
        tally_metric *m = sparse(ignoring(-1, false));
        FEED(m, y, p, c[i].w);
        assert_near(state_at(m, TOTAL, 0), c[i].total);
        assert_bits_f64(state_at(m, COUNT, 0), c[i].count);
        tally_metric_release(m);
    }
    tally_metric *m = sparse(ignoring(1, false));
    FEED(m, V(2, 1, 0), M(2, 2, .5, .5, .5, .5), V(2, NAN, 3));                 /* the weight of an ignored sample is not read */
    assert_near(state_at(m, TOTAL, 0), 3 * l);
    assert_bits_f64(state_at(m, COUNT, 0), 3);
    tally_metric_release(m);
}

static void the_classes_may_stand_on_any_axis(void **state)
{
    (void)state;
    /* (2, 3, 2): classes on axis 1; sample 0: ids 0 1, sample 1: ids 2 2 */
    const array *first = T3(2, 3, 2, .5, .2, .25, .5, .25, .3, .1, .1, .4, .1, .5, .8);
    const array *last = T3(2, 2, 3, .5, .25, .25, .2, .5, .3, .1, .4, .5, .1, .1, .8);
    tally_metric *a = sparse(on_axis(1)), *b = sparse(plain), *c = sparse(on_axis(-2));
    FEED(a, M(2, 2, 0, 1, 2, 2), first, NULL);
    FEED(b, M(2, 2, 0, 1, 2, 2), last, NULL);
    FEED(c, T3(2, 1, 2, 0, 1, 2, 2), first, NULL);
    assert_bits_f64(tally_metric_result(a), tally_metric_result(b));
    assert_bits_f64(tally_metric_result(c), tally_metric_result(b));
    assert_near(tally_metric_result(b), (.69314718 * 3 + .22314355) / 4);
    tally_metric_release(a);
    tally_metric_release(b);
    tally_metric_release(c);
}

static void ids_that_are_no_class_are_named(void **state)
{
    (void)state;
    const array *p = M(3, 3, .8, .1, .1, .05, .95, 0, .1, .8, .1);
    REFUSED(sparse(plain), V(3, 0, 3, 7), p, NULL, TALLY_OUT_OF_RANGE,
            "sparse_categorical_crossentropy: class_ids: row 1, expected a class id from 0 to 2, found 3");
    REFUSED(sparse(plain), V(3, 0, 1, -1), p, NULL, TALLY_OUT_OF_RANGE, "row 2, expected a class id from 0 to 2, found -1");
    REFUSED(sparse(plain), V(3, 0, 1.5, 1), p, NULL, TALLY_OUT_OF_RANGE, "row 1, expected a class id from 0 to 2, found 1.5");
    REFUSED(sparse(plain), V(3, 0, NAN, 1), p, NULL, TALLY_OUT_OF_RANGE, "found nan");
    REFUSED(sparse(ignoring(-1, false)), V(3, -1, -2, 1), p, NULL, TALLY_OUT_OF_RANGE, "row 1, expected");
    REFUSED(sparse(plain), V(2, 0, 1), p, NULL, TALLY_INVALID_ARGUMENT, "sparse_categorical_crossentropy");
    REFUSED(sparse(plain), S0(0), p, NULL, TALLY_INVALID_ARGUMENT, "y_pred, expected one axis more than y_true");
    tally_error   err;
    tally_metric *m = sparse(plain);
    assert_int_equal(feed_as(m, V(1, 9), TALLY_I32, M(1, 3, 1), TALLY_F32, NULL, 0, &err), TALLY_OUT_OF_RANGE);
    assert_error_has(&err, TALLY_OUT_OF_RANGE, "row 0, expected a class id from 0 to 2, found 9");
    assert_bits_f64(state_at(m, COUNT, 0), 0);
    tally_metric_release(m);
}

static void ignored_ids_of_one_pass_are_kept_apart(void **state)
{
    (void)state;
    tally_metric       *m[2] = { sparse(ignoring(0, false)), sparse(ignoring(1, false)) };
    tally_error         err;
    feed_memory         y, p;
    const tally_tensor *x[] = { feed_tensor(&y, V(3, 0, 1, 1), TALLY_I32), feed_tensor(&p, M(3, 2, .5, .5, .5, .5, .5, .5), TALLY_F32) };
    assert_ok(tally_metrics_update_state_n(m, 2, x, 2, &err), &err);
    assert_bits_f64(state_at(m[0], COUNT, 0), 2);
    assert_bits_f64(state_at(m[1], COUNT, 0), 1);
    tally_metric_release(m[0]);
    tally_metric_release(m[1]);
}

static void every_dtype_of_labels_works(void **state)
{
    (void)state;
    const tally_dtype all[] = { TALLY_BOOL, TALLY_U8, TALLY_I8, TALLY_U16, TALLY_I16, TALLY_U32, TALLY_I32, TALLY_U64, TALLY_I64,
                                TALLY_F16, TALLY_BF16, TALLY_F32, TALLY_F64 };
    for (size_t i = 0; i < TALLY__COUNT(all); i++)
        for (size_t k = 0; k < TALLY__COUNT(all); k++) {
            tally_metric *s = sparse(plain), *b = binary(plain);
            tally_error   err;
            assert_ok(feed_as(s, V(2, 1, 0), all[i], M(2, 2, 0, 1, 1, 0), all[k], V(2, 1, 1), all[i], &err), &err);
            assert_true(tally_metric_result(s) < 3e-7);
            assert_ok(feed_as(b, V(2, 1, 0), all[i], V(2, 1, 0), all[k], V(2, 1, 1), all[i], &err), &err);
            assert_true(tally_metric_result(b) < 3e-7);
            tally_metric_release(s);
            tally_metric_release(b);
        }
}

static void options_of_the_other_class_are_refused(void **state)
{
    (void)state;
    tally_error                err;
    tally_crossentropy_options o = options_of(smoothed(.1, false));
    assert_null(tally_sparse_categorical_crossentropy_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "SparseCategoricalCrossentropy: options.label_smoothing, expected 0");
    o = options_of(ignoring(0, false));
    assert_null(tally_binary_crossentropy_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "BinaryCrossentropy: options.ignore_class, expected TALLY_NONE");
    o = options_of(smoothed(NAN, false));
    assert_null(tally_binary_crossentropy_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "label_smoothing, expected a finite number, found nan");
    o = options_of(on_axis(99));
    assert_null(tally_binary_crossentropy_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "options.axis, expected -6 to 5, found 99");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_figures_of_the_binary_one_hold),
        cmocka_unit_test(vectors_are_samples_and_ranks_align),
        cmocka_unit_test(keras_figures_of_the_sparse_one_hold),
        cmocka_unit_test(probabilities_are_clipped_and_divided_by_their_sum),
        cmocka_unit_test(weights_and_ignored_ids_meet_in_every_shape),
        cmocka_unit_test(the_classes_may_stand_on_any_axis),
        cmocka_unit_test(ids_that_are_no_class_are_named),
        cmocka_unit_test(ignored_ids_of_one_pass_are_kept_apart),
        cmocka_unit_test(every_dtype_of_labels_works),
        cmocka_unit_test(options_of_the_other_class_are_refused),
    };
    return cmocka_run_group_tests_name("metric/crossentropy", tests, NULL, NULL);
}
