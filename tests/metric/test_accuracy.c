/* The four accuracies against Keras's figures, and what they do otherwise: labels are compared as the numbers they are. */
#include "feed.h"

enum { TOTAL, COUNT };

static tally_metric *accuracy(void) { return tally_accuracy_new(NULL, NULL); }
static tally_metric *categorical(void) { return tally_categorical_accuracy_new(NULL, NULL); }
static tally_metric *sparse(void) { return tally_sparse_categorical_accuracy_new(NULL, NULL); }
static tally_metric *binary_at(double threshold)
{
    tally_binary_accuracy_options o = TALLY_BINARY_ACCURACY_OPTIONS_INIT;
    o.threshold = threshold;
    return tally_binary_accuracy_new(&o, NULL);
}

static void keras_figures_of_accuracy_hold(void **state)
{
    (void)state;
    ONE(accuracy(), M(4, 1, 1, 2, 3, 4), M(4, 1, 0, 2, 3, 4), NULL, .75);
    ONE(accuracy(), M(4, 1, 1, 2, 3, 4), M(4, 1, 0, 2, 3, 4), V(4, 1, 1, 0, 0), .5);
    ONE(accuracy(), M(4, 1, 1, 2, 3, 4), V(4, 0, 2, 3, 4), NULL, .75);
    ONE(accuracy(), V(4, 1, 2, 3, 4), M(4, 1, 0, 2, 3, 4), NULL, .75);
    ONE(accuracy(), M(2, 2, 1, 2, 3, 4), M(2, 2, 0, 2, 3, 4), M(2, 2, 1, 0, 0, 1), .5);
    ONE(accuracy(), M(2, 2, 1, 2, 3, 4), M(2, 2, 0, 2, 3, 4), M(1, 2, 1, 0), .5);
    ONE(accuracy(), V(2, NAN, 1), V(2, NAN, 1), NULL, .5);
    ONE(accuracy(), S0(3), S0(3), NULL, 1);
    tally_metric *m = accuracy();
    FEED(m, M(2, 3, 1, 2, 3, 4, 5, 6), M(2, 3, 1, 2, 0, 4, 0, 0), NULL);
    assert_near(state_at(m, TOTAL, 0), 1);
    assert_bits_f64(state_at(m, COUNT, 0), 2);
    tally_metric_release(m);
    m = accuracy();                                   /* scalar weight: Keras has total 1.5, count 2 */
    FEED(m, V(4, 1, 2, 3, 4), V(4, 0, 2, 3, 4), S0(2));
    assert_bits_f64(state_at(m, TOTAL, 0), 6);
    assert_bits_f64(state_at(m, COUNT, 0), 8);
    tally_metric_release(m);
}

static double accuracy_of(double y, tally_dtype dy, double p, tally_dtype dp)
{
    tally_metric *m = accuracy();
    tally_error   err;
    assert_ok(feed_as(m, V(1, y), dy, V(1, p), dp, NULL, 0, &err), &err);
    double v = tally_metric_result(m);
    tally_metric_release(m);
    return v;
}

static void labels_are_compared_exactly_across_dtypes(void **state)
{
    (void)state;
    assert_bits_f64(accuracy_of(16777217, TALLY_I32, 16777216, TALLY_F32), 0);    /* Keras: 1 */
    assert_bits_f64(accuracy_of(2.5, TALLY_F32, 2, TALLY_I32), 0);                /* Keras: 1 */
    assert_bits_f64(accuracy_of(1, TALLY_BOOL, 1, TALLY_I64), 1);
    assert_bits_f64(accuracy_of(0.1, TALLY_F64, 0.1, TALLY_F32), 0);              /* Keras: 1 */
    assert_bits_f64(accuracy_of(-1, TALLY_I8, 255, TALLY_U8), 0);
    const tally_dtype all[] = { TALLY_BOOL, TALLY_U8, TALLY_I8, TALLY_U16, TALLY_I16, TALLY_U32, TALLY_I32, TALLY_U64, TALLY_I64,
                                TALLY_F16, TALLY_BF16, TALLY_F32, TALLY_F64 };
    for (size_t i = 0; i < TALLY__COUNT(all); i++)
        for (size_t k = 0; k < TALLY__COUNT(all); k++) {
            assert_bits_f64(accuracy_of(1, all[i], 1, all[k]), 1);
            assert_bits_f64(accuracy_of(0, all[i], 1, all[k]), 0);
        }
}

static void ranks_that_do_not_align_are_refused(void **state)
{
    (void)state;
    REFUSED(accuracy(), V(4, 1, 2, 3, 4), M(4, 4, 1), NULL, TALLY_INVALID_ARGUMENT, "y_pred: squeeze: axis 1, expected size 1, found 4");
    REFUSED(accuracy(), S0(1), M(1, 1, 1), NULL, TALLY_INVALID_ARGUMENT, "y_true, expected the rank of y_pred (2)");
    REFUSED(accuracy(), V(3, 1, 2, 3), V(2, 1, 2), NULL, TALLY_INVALID_ARGUMENT, "accuracy: y_pred");
    REFUSED(accuracy(), M(2, 2, 1, 2, 3, 4), M(2, 1, 1, 2), NULL, TALLY_INVALID_ARGUMENT, "accuracy: y_pred");
}

static void keras_figures_of_binary_accuracy_hold(void **state)
{
    (void)state;
    ONE(binary_at(.5), M(4, 1, 1, 1, 0, 0), M(4, 1, .98, 1, 0, .6), NULL, .75);
    ONE(binary_at(.5), M(4, 1, 1, 1, 0, 0), M(4, 1, .98, 1, 0, .6), V(4, 1, 0, 0, 1), .5);
    ONE(binary_at(.5), V(4, 1, 1, 0, 0), M(4, 1, .98, 1, 0, .6), NULL, .75);
    ONE(binary_at(.5), M(2, 2, 1, 1, 0, 0), M(2, 2, .98, 1, 0, .6), M(2, 2, 1, 0, 0, 1), .5);
    ONE(binary_at(.5), M(2, 2, 1, 1, 0, 0), M(2, 2, .98, 1, 0, .6), M(1, 2, 1, 0), 1);
    ONE(binary_at(.3), M(4, 1, 1, 1, 0, 0), M(4, 1, .98, .5, .1, .2), NULL, 1);
    ONE(binary_at(.9), M(4, 1, 1, 1, 0, 0), M(4, 1, .98, .5, .1, .2), NULL, .75);
    ONE(binary_at(.5), V(2, 0, 1), V(2, .5, .5), NULL, .5);             /* strictly above */
    ONE(binary_at(.5), V(2, 0, 1), V(2, NAN, NAN), NULL, .5);           /* NaN is class 0 */
    ONE(binary_at(.5), V(3, 2, .7, 1), V(3, .9, .9, .9), NULL, 1. / 3); /* other labels never match */
    ONE(binary_at(0), V(2, 0, 1), V(2, -3, 2), NULL, 1);                /* logits */
    ONE(binary_at(1.5), V(2, 0, 1), V(2, 1.4, 1.6), NULL, 1);
}

static void the_threshold_has_the_compute_type(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = binary_at(.3);
    assert_ok(feed_as(m, V(1, 1), TALLY_I32, V(1, .300000005), TALLY_F64, NULL, 0, &err), &err);
    assert_bits_f64(tally_metric_result(m), 1);                          /* Keras, in float32: 0 */
    tally_metric_reset_state(m);
    assert_ok(feed_as(m, V(1, 0), TALLY_I32, V(1, (float).3), TALLY_F32, NULL, 0, &err), &err);
    assert_bits_f64(tally_metric_result(m), 1);                          /* float32(.3) is not above float32(.3) */
    tally_metric_reset_state(m);
    assert_ok(feed_as(m, V(2, 0, 1), TALLY_BOOL, V(2, 0, 1), TALLY_U8, NULL, 0, &err), &err);
    assert_bits_f64(tally_metric_result(m), 1);
    tally_metric_release(m);
    tally_binary_accuracy_options o = TALLY_BINARY_ACCURACY_OPTIONS_INIT;
    o.threshold = NAN;
    assert_null(tally_binary_accuracy_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "BinaryAccuracy: options.threshold, expected a number, found nan");
}

static void keras_figures_of_categorical_accuracy_hold(void **state)
{
    (void)state;
    ONE(categorical(), M(2, 3, 0, 0, 1, 0, 1, 0), M(2, 3, .1, .9, .8, .05, .95, 0), NULL, .5);
    ONE(categorical(), M(2, 3, 0, 0, 1, 0, 1, 0), M(2, 3, .1, .9, .8, .05, .95, 0), V(2, .7, .3), .3);
    ONE(categorical(), V(3, 1, 0, 0), V(3, .4, .4, .2), NULL, 1);        /* a tie is the first; one sample */
    ONE(categorical(), V(2, 1, 0), V(2, -0., 0), NULL, 1);               /* Keras: class 1, so 0 */
    ONE(categorical(), V(3, 0, 1, 0), V(3, 9, NAN, NAN), NULL, 1);
    tally_metric *m = categorical();
    FEED(m, T3(2, 2, 2, 1, 0, 0, 1, 1, 0, 0, 1), T3(2, 2, 2, 1, 0, 0, 1, 1, 0, 1, 0), NULL);
    assert_bits_f64(tally_metric_result(m), .75);
    tally_metric_reset_state(m);
    FEED(m, T3(2, 2, 2, 1, 0, 0, 1, 1, 0, 0, 1), T3(2, 2, 2, 1, 0, 0, 1, 1, 0, 1, 0), M(2, 2, 1, 1, 2, 0));
    assert_bits_f64(tally_metric_result(m), 1);
    assert_bits_f64(state_at(m, COUNT, 0), 2);
    tally_metric_release(m);
    REFUSED(categorical(), S0(1), V(3, 1, 2, 3), NULL, TALLY_INVALID_ARGUMENT, "categorical_accuracy: y_true, expected rank 1");
    REFUSED(categorical(), M(2, 3, 0), M(3, 3, 0), NULL, TALLY_INVALID_ARGUMENT, "categorical_accuracy");
    REFUSED(categorical(), M(2, 0, 0), M(2, 0, 0), NULL, TALLY_OUT_OF_RANGE, "argmax");
    ONE(categorical(), M(0, 3, 0), M(0, 3, 0), NULL, 0);
}

static void keras_figures_of_sparse_categorical_accuracy_hold(void **state)
{
    (void)state;
    const array *p = M(2, 3, .1, .6, .3, .05, .95, 0);
    ONE(sparse(), M(2, 1, 2, 1), p, NULL, .5);
    ONE(sparse(), M(2, 1, 2, 1), p, V(2, .7, .3), .3);
    ONE(sparse(), V(2, 2, 1), p, NULL, .5);
    ONE(sparse(), V(2, -1, 7), p, NULL, 0);                              /* ids outside are misses */
    ONE(sparse(), V(2, 1.5, 1), p, NULL, .5);                            /* a label that is not whole never matches */
    ONE(sparse(), S0(1), V(3, .1, .6, .3), NULL, 1);                     /* one sample */
    ONE(sparse(), T3(2, 2, 1, 0, 1, 2, 0), T3(2, 2, 3, 9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 9, 0), M(2, 2, 1, 1, 1, 1), .75);
    tally_error   err;
    tally_metric *m = sparse();
    double        scores[2][2050] = { { 0 }, { 0 } };
    int32_t       id = 2049;
    scores[0][2048] = 1;
    tally_tensor y = tally_vector(&id, 1), x = tally_matrix(scores[0], 1, 2050);
    const tally_tensor *operands[] = { &y, &x };
    assert_ok(tally_metric_update_state_n(m, operands, 2, &err), &err);
    assert_bits_f64(tally_metric_result(m), 0);                          /* Keras with float16 scores: 1 */
    tally_metric_release(m);
    REFUSED(sparse(), V(3, 0, 0, 0), V(6, 0), NULL, TALLY_INVALID_ARGUMENT,
            "sparse_categorical_accuracy: y_true: squeeze: axis 0, expected size 1, found 3");
    REFUSED(sparse(), V(4, 0), M(3, 2, 0), NULL, TALLY_INVALID_ARGUMENT, "sparse_categorical_accuracy: y_true: eq: axis 0");
    REFUSED(sparse(), S0(0), M(3, 2, 0), NULL, TALLY_INVALID_ARGUMENT,
            "y_pred, expected one axis more than y_true (classes last), found rank 2 for y_true of rank 0");
    REFUSED(sparse(), M(2, 1, 0), T3(1, 2, 3, 1), NULL, TALLY_INVALID_ARGUMENT, "sparse_categorical_accuracy");   /* Keras: 1 */
}

static void integer_scores_of_64_bits_are_told_apart(void **state)
{
    (void)state;
    const int64_t p[] = { INT64_MAX - 1, INT64_MAX };
    const int32_t id = 1;
    tally_metric *m = sparse();
    tally_tensor  y = tally_vector(&id, 1), x = tally_matrix(p, 1, 2);
    assert_int_equal(tally_metric_update_state(m, &y, &x), 0);
    assert_bits_f64(tally_metric_result(m), 1);
    tally_metric_release(m);
}

/* [[1,1,1,1]], then [[0]]: Keras 3 means 0.5, tf.keras 0.8 */
static void every_element_counts_where_it_is_asked_for(void **state)
{
    (void)state;
    static const struct { const char *text; double want; } row[] = {
        { "BinaryAccuracy", .5 }, { "BinaryAccuracy(reduction=elements)", .8 }, { "Accuracy(reduction=elements)", .8 } };
    for (size_t i = 0; i < TALLY__COUNT(row); i++) {
        tally_metric *m = tally_metric_from_text(row[i].text, NULL, NULL);
        FEED(m, M(1, 4, 1, 1, 1, 1), M(1, 4, 1, 1, 1, 1), NULL);
        FEED(m, M(1, 1, 0), M(1, 1, 1), NULL);
        assert_bits_f64(tally_metric_result(m), row[i].want);
        tally_metric_release(m);
    }
}

/* ---- top k */
static tally_metric *top(int k)
{
    tally_top_k_options o = TALLY_TOP_K_OPTIONS_INIT;
    o.k = k;
    return tally_top_k_categorical_accuracy_new(&o, NULL);
}

static tally_metric *sparse_top(int k, int sorted)
{
    tally_top_k_options o = TALLY_TOP_K_OPTIONS_INIT;
    o.k = k;
    o.from_sorted_ids = sorted;
    return tally_sparse_top_k_categorical_accuracy_new(&o, NULL);
}

static void keras_figures_of_top_k_hold(void **state)
{
    (void)state;
    const array *y = M(2, 3, 0, 0, 1, 0, 1, 0), *p = M(2, 3, .1, .9, .8, .05, .95, 0);
    ONE(top(1), y, p, NULL, .5);
    ONE(top(1), y, p, V(2, .7, .3), .3);
    ONE(top(2), M(4, 4, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1), M(4, 4, .4, .3, .3, 0, .4, .3, .3, 0, .4, .3, .3, 0, .4, .3, .3, 0), NULL, .75);
    ONE(top(5), y, p, NULL, 1);
    ONE(top(1), V(3, 0, 1, 0), V(3, .1, .7, .2), NULL, 1);
    ONE(sparse_top(1, 0), V(2, 2, 1), p, NULL, .5);
    ONE(sparse_top(1, 0), M(2, 1, 2, 1), p, V(2, .7, .3), .3);
    ONE(sparse_top(1, 0), V(3, 0, 1, 2), M(3, 3, .4, .4, .2, .4, .4, .2, .4, .4, .2), NULL, 2. / 3);    /* ties are hits */
    ONE(sparse_top(1, 1), V(2, 2, 1), M(2, 3, 1, 0, 3, 1, 2, 3), NULL, .5);
    ONE(sparse_top(1, 1), V(2, 2, 1), M(2, 3, 1, 0, 3, 1, 2, 3), V(2, .7, .3), .3);
    ONE(sparse_top(2, 1), V(2, 1, 0), M(2, 3, 1, 1, 3, 3, 2, 0), NULL, .5);
    ONE(sparse_top(5, 1), V(2, 1, 0), M(2, 3, 1, 1, 3, 3, 2, 0), NULL, 1);
    ONE(sparse_top(5, 1), V(0, 0), M(0, 3, 0), NULL, 0);
    ONE(top(2), M(0, 3, 0), M(0, 3, 0), NULL, 0);
}

static void what_is_no_class_is_never_near_the_top(void **state)
{
    (void)state;
    const array *p = M(1, 3, .1, .9, .8), *bad = M(1, 3, NAN, INFINITY, .8);
    const double ids[] = { -1, 3, 7, 1.5, NAN };
    for (size_t i = 0; i < TALLY__COUNT(ids); i++)
        ONE(sparse_top(5, 0), V(1, ids[i]), p, NULL, 0);
    ONE(sparse_top(5, 0), V(1, 0), bad, NULL, 0);
    ONE(sparse_top(5, 0), V(1, 1), bad, NULL, 0);
    ONE(sparse_top(5, 0), V(1, 2), bad, NULL, 1);
    tally_error         err;
    tally_top_k_options o = TALLY_TOP_K_OPTIONS_INIT;
    o.k = 0;
    assert_null(tally_top_k_categorical_accuracy_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "TopKCategoricalAccuracy: options.k, expected 1 or more, found 0");
    o.k = 1;
    o.from_sorted_ids = 1;
    assert_null(tally_top_k_categorical_accuracy_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "options.from_sorted_ids, expected False (the class has no such option), found 1");
    REFUSED(top(1), S0(1), S0(1), NULL, TALLY_INVALID_ARGUMENT, "y_pred, expected rank 1 or more (classes last), found rank 0");
    tally_metric *m = sparse_top(1, 0);
    assert_ok(feed_as(m, V(2, 1, 0), TALLY_U8, M(2, 2, .25, .5, .5, .25), TALLY_F16, NULL, 0, &err), &err);
    assert_ok(feed_as(m, V(2, 1, 0), TALLY_I64, M(2, 2, .25, .5, .5, .25), TALLY_F64, NULL, 0, &err), &err);
    assert_bits_f64(tally_metric_result(m), 1);
    tally_metric_release(m);
    m = sparse_top(1, 1);                              /* Keras compares in float16, where both are 2048 */
    assert_ok(feed_as(m, V(1, 2049), TALLY_I32, M(1, 1, 2048), TALLY_F16, NULL, 0, &err), &err);
    assert_bits_f64(tally_metric_result(m), 0);
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_figures_of_accuracy_hold),
        cmocka_unit_test(labels_are_compared_exactly_across_dtypes),
        cmocka_unit_test(ranks_that_do_not_align_are_refused),
        cmocka_unit_test(keras_figures_of_binary_accuracy_hold),
        cmocka_unit_test(the_threshold_has_the_compute_type),
        cmocka_unit_test(keras_figures_of_categorical_accuracy_hold),
        cmocka_unit_test(keras_figures_of_sparse_categorical_accuracy_hold),
        cmocka_unit_test(integer_scores_of_64_bits_are_told_apart),
        cmocka_unit_test(every_element_counts_where_it_is_asked_for),
        cmocka_unit_test(keras_figures_of_top_k_hold),
        cmocka_unit_test(what_is_no_class_is_never_near_the_top),
    };
    return cmocka_run_group_tests_name("metric/accuracy", tests, NULL, NULL);
}
