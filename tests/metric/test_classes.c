/* F scores, intersection over union and correlations against Keras's figures, and where they differ on purpose. */
#include "feed.h"

static void values_are(const char *text, const array *y, const array *p, const array *w, int n, const double *want)
{
    double        v[8];
    tally_error   err;
    tally_metric *m = of_text(text);
    FEED(m, y, p, w);
    assert_ok(tally_metric_values(m, v, 8, &err), &err);
    for (int i = 0; i < n; i++)
        test_near(v[i], want[i], 2e-6, text, __FILE__, __LINE__);
    tally_metric_release(m);
}
#define VALUES(text, y, p, w, ...) \
    values_are(text, y, p, w, sizeof((double[]){ __VA_ARGS__ }) / sizeof(double), (double[]){ __VA_ARGS__ })

/* ---- F scores */
static void keras_f_scores_hold(void **state)
{
    (void)state;
    const array *y = M(3, 3, 1, 1, 1, 1, 0, 0, 1, 1, 0), *p = M(3, 3, .2, .6, .7, .2, .6, .6, .6, .8, 0);
    VALUES("FBetaScore(beta=2, threshold=0.5)", y, p, NULL, .3846154, .9090909, .8333333);
    VALUES("FBetaScore(beta=2, threshold=0.5, average='micro')", y, p, NULL, .6666667);
    VALUES("FBetaScore(beta=2, threshold=0.5, average='macro')", y, p, NULL, .7090132);
    VALUES("FBetaScore(beta=2, threshold=0.5, average='weighted')", y, p, NULL, .6342269);
    VALUES("F1Score(threshold=0.5)", y, p, NULL, .5, .8, 2. / 3);
    VALUES("F1Score(threshold=0.5, average='weighted')", y, p, NULL, .6277778);
    y = M(6, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1);
    p = M(6, 3, .9, .1, 0, .2, .6, .2, 0, 0, 1, .4, .3, .3, 0, .9, .1, 0, 0, 1);
    VALUES("FBetaScore(beta=0.5)", y, p, NULL, .9090909, .5555556, 1);
    VALUES("F1Score", y, p, V(6, .5, 1, 1, 1, .5, 1), .857142857, .8, 1);
    VALUES("F1Score(average='micro')", y, p, V(6, .5, 1, 1, 1, .5, 1), .9);
    VALUES("F1Score(threshold=0.5)", M(2, 2, 1, 1, 1, 0), M(2, 2, .2, .6, .2, .6), S0(.5), 0, 2. / 3);
    VALUES("F1Score(threshold=0.5)", M(2, 2, 1, 1, 1, 0), M(2, 2, .2, .6, .2, .6), M(2, 2, .5, .2, .3, .8), 0, 1. / 3);
}

static void ties_zeros_and_nan_of_a_row(void **state)
{
    (void)state;
    VALUES("F1Score", M(1, 2, 1, 1), M(1, 2, .5, .5), NULL, 1, 1);                  /* all that are largest */
    VALUES("F1Score", M(1, 2, 1, 1), M(1, 2, 0, 1e-10), NULL, 0, 0);                /* as good as 0 */
    VALUES("F1Score", M(1, 2, 1, 1), M(1, 2, -3, -2), NULL, 0, 1);
    VALUES("F1Score", M(1, 2, 1, 1), M(1, 2, NAN, 1), NULL, 0, 0);
    VALUES("F1Score", M(2, 2, .25, .75, .5, .5), M(2, 2, 0, 1, 1, 0), NULL, 2. * .5 / (2 * .5 + .25 + .5), 2. * .75 / (2 * .75 + .5 + .25));
}

static void an_f_score_has_no_epsilon(void **state)
{
    (void)state;
    differs("F1Score(average='macro')", M(2, 2, 1, 0, 0, 1), M(2, 2, 1, 0, 0, 1), NULL, 1, .9999998211860657);
    differs("F1Score(average='micro')", M(1, 2, 1, 0), M(1, 2, 1, 0), V(1, 1e-6), 1, .9090908765792847);
    tally_metric *m = of_text("F1Score(average='macro')");
    FEED(m, M(1, 2, 1, 0), M(1, 2, 1, 0), NULL);
    assert_bits_f64(tally_metric_result(m), .5);
    assert_int_equal(tally_metric_is_defined(m), 0);                                /* class 1 has neither label nor prediction */
    tally_metric_release(m);
    refused_text("FBetaScore(beta=0)", "beta, expected more than 0, and finite, found 0");
    refused_text("FBetaScore(beta=1e400)", "beta, expected more than 0, and finite, found inf");
    refused_text("F1Score(threshold=1.5)", "threshold, expected more than 0, and 1 at most, or TALLY_NONE, found 1.5");
    refused_text("SensitivityAtSpecificity()", "specificity, expected 0 to 1, found none");
    refused_text("F1Score(beta=2)", "beta");
    REFUSED(of_text("F1Score"), V(2, 0, 1), V(2, 0, 1), NULL, TALLY_INVALID_ARGUMENT, "rank 2");
    REFUSED(of_text("F1Score"), M(2, 1, 0, 1), M(2, 2, 0, 1, 0, 1), NULL, TALLY_INVALID_ARGUMENT, "expected");
}

/* ---- intersection over union */
static void keras_intersections_hold(void **state)
{
    (void)state;
    const array *y = V(4, 0, 0, 1, 1), *p = V(4, 0, 1, 0, 1), *w = V(4, .2, .3, .4, .1);
    ONE(of_text("IoU(num_classes=2, target_class_ids=[0])"), y, p, NULL, 1. / 3);
    ONE(of_text("IoU(num_classes=2, target_class_ids=[1, 0])"), y, p, w, .1736111);
    ONE(of_text("IoU(num_classes=2, target_class_ids=[-2])"), y, p, NULL, 1. / 3);
    ONE(of_text("IoU(num_classes=4, target_class_ids=[0, 1, 2, 3])"), y, p, NULL, 1. / 3);
    ONE(of_text("MeanIoU(num_classes=2)"), y, p, V(4, .3, .3, .3, .1), .2380952);
    ONE(of_text("MeanIoU(num_classes=3, ignore_class=255)"), V(4, 0, 1, 2, 255), V(4, 0, 1, 1, 1), NULL, .5);
    ONE(of_text("MeanIoU(num_classes=3, ignore_class=-1)"), V(4, 0, 1, 2, -1), V(4, 0, 1, 1, 9), NULL, .5);
    ONE(of_text("MeanIoU(num_classes=2, ignore_class=-1)"), V(4, 0, 0, 1, -1), p, w, .1111111);
    ONE(of_text("BinaryIoU(threshold=0.3)"), V(4, 0, 1, 0, 1), V(4, .1, .2, .4, .7), NULL, 1. / 3);
    ONE(of_text("BinaryIoU(threshold=0.3)"), V(4, 0, 1, 0, 1), V(4, .1, .2, .4, .7), w, .1736111);
    ONE(of_text("BinaryIoU"), V(4, 0, 1, 0, 1), V(4, .1, .2, .4, .5), NULL, .5833333);         /* what equals the threshold is 1 */
    y = M(4, 3, 0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0);
    p = M(4, 3, .2, .3, .5, .1, .2, .7, .5, .3, .1, .1, .4, .5);
    w = V(4, .1, .2, .3, .4);
    ONE(of_text("OneHotIoU(num_classes=3, target_class_ids=[0, 2])"), y, p, NULL, .1666667);
    ONE(of_text("OneHotIoU(num_classes=3, target_class_ids=[0, 2])"), y, p, w, .0714286);
    ONE(of_text("OneHotMeanIoU(num_classes=3)"), y, p, NULL, .1111111);
    ONE(of_text("OneHotMeanIoU(num_classes=3)"), y, p, w, .0476190);
    ONE(of_text("OneHotMeanIoU(num_classes=3, sparse_y_pred=True)"), y, V(4, 2, 2, 0, 2), NULL, .1111111);
    ONE(of_text("OneHotMeanIoU(num_classes=3, axis=1)"), T3(1, 3, 4, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0),
        T3(1, 3, 4, .2, .1, .5, .1, .3, .2, .3, .4, .5, .7, .1, .5), NULL, .1111111);          /* Keras fails at result */
}

static void an_intersection_has_no_epsilon_and_keeps_its_weights(void **state)
{
    (void)state;
    const array *y = V(4, 0, 0, 1, 1), *p = V(4, 0, 1, 0, 1), *w = V(4, .5, .5, .5, .5);
    differs("MeanIoU(num_classes=2)", y, y, NULL, 1, .9999998807907104);
    differs("IoU(num_classes=2, target_class_ids=[0])", y, p, w, 1. / 3, 0);
    ONE(of_text("MeanIoU(num_classes=2)"), M(2, 2, 0, 1, 1, 1), M(2, 2, 0, 1, 0, 1), V(2, 1, 0), 1);    /* Keras: an error */
    REFUSED(of_text("MeanIoU(num_classes=2)"), V(3, 0, 2, 1), V(3, 0, 0, 1), NULL, TALLY_OUT_OF_RANGE, "row 1");
    REFUSED(of_text("MeanIoU(num_classes=2)"), V(3, 0, 0, 1), V(3, 0, 0, -1), NULL, TALLY_OUT_OF_RANGE, "row 2");
    REFUSED(of_text("MeanIoU(num_classes=2)"), V(3, 0, .5, 1), V(3, 0, 0, 1), NULL, TALLY_OUT_OF_RANGE, "found 0.5");
    REFUSED(of_text("BinaryIoU"), V(2, 0, 2), V(2, 0, 0), NULL, TALLY_OUT_OF_RANGE, "found 2");
    refused_text("MeanIoU", "num_classes");
    refused_text("IoU(num_classes=2)", "target_class_ids, expected one or more");
    refused_text("IoU(num_classes=2, target_class_ids=[0, 2])", "target_class_ids[1], expected -2 to 1");
    refused_text("MeanIoU(num_classes=2, target_class_ids=[0])", "target_class_ids");
}

/* a number for each pair in the metric, one more in what a call keeps, and a list of what a call added */
static void a_thousand_classes_take_the_memory_of_their_counts(void **state)
{
    enum { CLASSES = 1000, ROWS = 4000 };
    const size_t        counts = CLASSES * CLASSES * sizeof(int64_t);
    static int32_t      y[ROWS], p[ROWS];
    test_memory         memory = { 0 };
    tally_context      *c = test_context(&memory, NULL);
    tally_metric       *m = tally_metric_from_text("MeanIoU(num_classes=1000)", c, NULL);
    const tally_tensor  ty = tally_vector(y, ROWS), tp = tally_vector(p, ROWS);
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        y[i] = i * 7 % CLASSES;
        p[i] = i % 3 ? y[i] : i * 11 % CLASSES;
    }
    assert_int_equal(tally_metric_update_state(m, &ty, &tp), TALLY_OK);
    assert_true(memory.bytes < 7 * counts / 2);
    assert_true(tally_metric_result(m) > 0);
    assert_true(memory.bytes < 7 * counts);                 /* and a few matrices of float64 */
    tally_metric_release(m);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

static void the_state_is_the_confusion_matrix(void **state)
{
    (void)state;
    tally_metric *m = of_text("MeanIoU(num_classes=3)");
    FEED(m, V(4, 0, 1, 2, 1), V(4, 0, 2, 2, 2), V(4, 1, 2, 3, .5));
    static const double want[9] = { 1, 0, 0, 0, 0, 2.5, 0, 0, 3 };
    for (int i = 0; i < 9; i++)
        assert_bits_f64(state_at(m, 0, i), want[i]);
    tally_metric_release(m);
    m = of_text("MeanIoU(num_classes=2)");
    assert_int_equal(tally_metric_is_defined(m), 0);
    FEED(m, V(1, 0), V(1, 0), NULL);
    assert_int_equal(tally_metric_is_defined(m), 1);                                /* class 1 is left out by right */
    tally_metric_release(m);
}

/* ---- correlations */
#define C_TRUE M(4, 3, 0, 1, .5, 1, 1, .2, 1, 1, .1, .1, .7, 0)
#define C_PRED M(4, 3, .1, .9, .5, 1, .9, .2, .2, .8, 0, .3, .3, .9)

static void keras_correlations_hold(void **state)
{
    (void)state;
    ONE(of_text("PearsonCorrelation"), C_TRUE, C_PRED, NULL, .5191950);
    ONE(of_text("PearsonCorrelation"), M(2, 3, 0, 1, .5, 1, 1, .2), M(2, 3, .1, .9, .5, 1, .9, .2), V(2, 1, 3), .9950494);
    ONE(of_text("ConcordanceCorrelation"), C_TRUE, C_PRED, NULL, .4911529);
    ONE(of_text("ConcordanceCorrelation"), M(2, 3, 0, 1, .5, 1, 1, .2), M(2, 3, .1, .9, .5, 1, .9, .2), NULL, .9816317);
    ONE(of_text("ConcordanceCorrelation"), M(1, 3, 2, 2, 2), M(1, 3, 2, 2, 2), NULL, 0);
    ONE(of_text("PearsonCorrelation"), V(3, 1, 2, 3), V(3, 2, 4, 6), NULL, 1);      /* a vector is one sample */
    const array *y = T3(2, 2, 3, 0, 1, .5, 1, 1, .2, 1, 1, .1, .1, .7, 0), *p = T3(2, 2, 3, .1, .9, .5, 1, .9, .2, .2, .8, 0, .3, .3, .9);
    ONE(of_text("PearsonCorrelation(axis=(1, 2))"), y, p, NULL, .5158863);
    ONE(of_text("PearsonCorrelation(axis=[-1, -2])"), y, p, V(2, 1, 3), .2769164);
    ONE(of_text("PearsonCorrelation(axis=[2, 0])"), y, p, V(2, 1, 3), .5229951);
    ONE(of_text("PearsonCorrelation(axis=[0, 1, 2])"), y, p, NULL, .5423793);
    ONE(of_text("ConcordanceCorrelation(axis=[0, 2])"), y, p, NULL, .5368661);
    ONE(of_text("ConcordanceCorrelation(axis=[1, 2])"), y, p, V(2, 1, 3), .2727003);
    REFUSED(of_text("PearsonCorrelation(axis=[1, -2])"), y, p, NULL, TALLY_INVALID_ARGUMENT, "axis, expected each axis once, found axis -2 again for rank 3");
    REFUSED(of_text("PearsonCorrelation(axis=2)"), C_TRUE, C_PRED, NULL, TALLY_INVALID_ARGUMENT, "axis 2");
}

/* Three times 0.1 has a mean of 0.10000000000000002: its rounding must not correlate. */
static void a_constant_has_no_correlation(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = of_text("PearsonCorrelation");
    assert_ok(feed_as(m, M(1, 3, .1, .1, .1), TALLY_F64, M(1, 3, 1, 2, 3), TALLY_F64, NULL, TALLY_F64, &err), &err);
    assert_true(isnan(tally_metric_result(m)));
    assert_int_equal(tally_metric_is_defined(m), 0);
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_f_scores_hold),
        cmocka_unit_test(ties_zeros_and_nan_of_a_row),
        cmocka_unit_test(an_f_score_has_no_epsilon),
        cmocka_unit_test(keras_intersections_hold),
        cmocka_unit_test(an_intersection_has_no_epsilon_and_keeps_its_weights),
        cmocka_unit_test(a_thousand_classes_take_the_memory_of_their_counts),
        cmocka_unit_test(the_state_is_the_confusion_matrix),
        cmocka_unit_test(keras_correlations_hold),
        cmocka_unit_test(a_constant_has_no_correlation),
    };
    return cmocka_run_group_tests_name("metric/classes", tests, NULL, NULL);
}
