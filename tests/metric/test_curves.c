/* Counts at thresholds, operating points and areas under curves against Keras's figures, and where they differ on purpose. */
#include "feed.h"

#define B_TRUE M(4, 5, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1)
#define B_PRED M(4, 5, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1)
#define B_W V(4, 1, 1.5, 2, 2.5)

static void keras_counts_hold(void **state)
{
    (void)state;
    ONE(of_text("TruePositives"), B_TRUE, B_PRED, NULL, 7);
    ONE(of_text("TruePositives"), B_TRUE, B_PRED, B_W, 12);
    ONE(of_text("TrueNegatives"), B_TRUE, B_PRED, NULL, 3);
    ONE(of_text("TrueNegatives"), B_TRUE, B_PRED, B_W, 4);
    ONE(of_text("FalsePositives"), B_TRUE, B_PRED, NULL, 7);
    ONE(of_text("FalsePositives"), B_TRUE, B_PRED, B_W, 14);
    ONE(of_text("FalseNegatives"), B_TRUE, B_PRED, NULL, 3);
    ONE(of_text("FalseNegatives"), B_TRUE, B_PRED, B_W, 5);
    ONE(of_text("FalseNegatives"), V(1, 1), V(1, NAN), NULL, 1);
    ONE(of_text("TruePositives"), V(2, 1, 0), V(2, 1, 1), V(2, -1, NAN), -1);       /* a weight counts where its pair does */
    ONE(of_text("TruePositives"), V(2, 1, 1), M(2, 1, 1, 1), M(2, 1, 2, 3), 5);     /* Keras: an error */
}

static void values_are(const char *text, const array *y, const array *p, const array *w, double a, double b, double c)
{
    double        v[3];
    tally_error   err;
    tally_metric *m = of_text(text);
    FEED(m, y, p, w);
    assert_ok(tally_metric_values(m, v, 3, &err), &err);
    assert_bits_f64(v[0], a);
    assert_bits_f64(v[1], b);
    assert_bits_f64(v[2], c);
    tally_metric_release(m);
}

static void keras_counts_hold_at_several_thresholds(void **state)
{
    (void)state;
    const array *y = M(4, 4, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1);
    const array *p = M(4, 4, .9, .2, .8, .1, .2, .9, .7, .6, .1, .2, .4, .3, 0, 1, .7, .3);
    values_are("TruePositives(thresholds=[0.15, 0.5, 0.85])", y, p, NULL, 6, 3, 1);
    values_are("TruePositives(thresholds=[0.15, 0.5, 0.85])", y, p, S0(37), 222, 111, 37);
    values_are("TrueNegatives(thresholds=[0.15, 0.5, 0.85])", y, p, NULL, 2, 5, 7);
    values_are("TrueNegatives(thresholds=[0.15, 0.5, 0.85])", y, p, M(1, 4, 0, 2, 3, 5), 5, 15, 23);
    values_are("FalsePositives(thresholds=[0.15, 0.5, 0.85])", y, p,
               M(4, 4, 1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 5, 15, 10, 0), 125, 42, 12);
    values_are("FalseNegatives(thresholds=[0.15, 0.5, 0.85])", y, p, M(4, 1, 3, 5, 7, 4), 4, 16, 23);
    values_are("FalseNegatives(thresholds=[0, 0.5, 1])", V(5, 1, 1, 1, 1, 1), V(5, 0, .25, .5, .75, 1), NULL, 1, 3, 5);
    refused_text("FalsePositives(thresholds=[-1, 0.5, 2])", "thresholds[0], expected 0 to 1, found -1");
    refused_text("FalsePositives(top_k=2)", "top_k");
}

/* Keras's float32 count stops at 2^24 */
static void counts_do_not_stop(void **state)
{
    (void)state;
    differs("TruePositives", V(2, 1, 1), V(2, 1, 1), V(2, 16777216, 1), 16777217, 16777216);
    differs("SensitivityAtSpecificity(specificity=0)", V(3, 1, 1, 1), V(3, .9, .9, 0), V(3, 16777216, 1, 1), 16777217. / 16777218, 1);
    differs("AUC", V(4, 1, 1, 1, 0), V(4, .9, .9, .2, .5), V(4, 16777216, 1, 1, 1), 16777217. / 16777218, 1);
}

/* ---- operating points */
static void keras_operating_points_hold(void **state)
{
    (void)state;
    const array *y = V(5, 0, 0, 0, 1, 1), *p = V(5, 0, .3, .8, .3, .8);
    ONE(of_text("SensitivityAtSpecificity(specificity=0.5)"), y, p, NULL, .5);
    ONE(of_text("SensitivityAtSpecificity(specificity=0.5)"), y, p, V(5, 1, 1, 2, 2, 1), 1. / 3);
    ONE(of_text("SensitivityAtSpecificity(specificity=1)"), y, p, NULL, 0);
    ONE(of_text("SensitivityAtSpecificity(specificity=0)"), y, p, NULL, 1);
    ONE(of_text("SensitivityAtSpecificity(specificity=0.5, num_thresholds=1)"), y, p, NULL, .5);
    ONE(of_text("SensitivityAtSpecificity(specificity=0.5, num_thresholds=2)"), y, p, NULL, 0);
    ONE(of_text("SpecificityAtSensitivity(sensitivity=0.5)"), y, p, NULL, 2. / 3);
    ONE(of_text("SpecificityAtSensitivity(sensitivity=1)"), y, p, NULL, 1. / 3);
    ONE(of_text("PrecisionAtRecall(recall=0.5)"), y, p, NULL, .5);
    ONE(of_text("PrecisionAtRecall(recall=0.5)"), y, p, V(5, 2, 2, 2, 1, 1), 1. / 3);
    ONE(of_text("RecallAtPrecision(precision=0.8)"), V(4, 0, 0, 1, 1), V(4, 0, .5, .3, .9), NULL, .5);
    ONE(of_text("RecallAtPrecision(precision=0.8)"), V(4, 0, 0, 1, 1), V(4, 0, .5, .3, .9), V(4, 1, 0, 0, 1), 1);
    ONE(of_text("RecallAtPrecision(precision=0.6666666666666666)"), V(4, 1, 1, 0, 0), V(4, .1, .2, .3, .9), NULL, 0);
    ONE(of_text("SpecificityAtSensitivity(sensitivity=0.4, class_id=1)"),
        M(5, 2, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1), M(5, 2, .5, 0, .1, .3, .2, .8, .9, .3, 1, .8), NULL, 2. / 3);
    refused_text("PrecisionAtRecall", "recall, expected 0 to 1");
    refused_text("PrecisionAtRecall(recall=2)", "recall, expected 0 to 1, found 2");
    refused_text("PrecisionAtRecall(recall=0.5, num_thresholds=0)", "num_thresholds, expected 1 or more, found 0");
    REFUSED(of_text("PrecisionAtRecall(recall=0.5, class_id=0)"), V(2, 0, 1), V(2, 0, 1), NULL, TALLY_INVALID_ARGUMENT, "class_id");
}

/* ---- AUC */
static void keras_areas_hold(void **state)
{
    static const struct { const char *curve, *method; double plain, weighted, fine; } row[] = {
        { "ROC", "interpolation", .75, .7857143, .75 }, { "ROC", "minoring", .5, .5714286, .75 }, { "ROC", "majoring", 1, 1, .75 },
        { "PR", "interpolation", .8206994, .9166130, .7972674 }, { "PR", "minoring", .25, .3, .25 }, { "PR", "majoring", 1, 1, .8333334 },
        { "PRGAIN", "interpolation", .5, .5, .25 }, { "prgain", "Minoring", 0, 0, 0 }, { "prgain", "Majoring", 1, 1, .5 }, { "pr_gain", "Majoring", 1, 1, .5 }, { "PR_GAIN", "interpolation", .5, .5, .25 } };
    const array *y = V(4, 0, 0, 1, 1), *p = V(4, 0, .5, .3, .9);
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++) {
        char few[128], many[128];
        snprintf(few, sizeof few, "AUC(num_thresholds=3, curve='%s', summation_method='%s')", row[i].curve, row[i].method);
        snprintf(many, sizeof many, "AUC(curve='%s', summation_method='%s')", row[i].curve, row[i].method);
        ONE(of_text(few), y, p, NULL, row[i].plain);
        ONE(of_text(few), y, p, V(4, 1, 2, 3, 4), row[i].weighted);
        ONE(of_text(many), y, p, NULL, row[i].fine);
    }
    ONE(of_text("AUC(num_thresholds=3)"), y, p, V(4, 1, 0, 0, 1), 1);
    ONE(of_text("AUC"), y, y, NULL, 1);
}

#define L_TRUE M(4, 2, 0, 0, 0, 0, 1, 1, 1, 1)
#define L_PRED M(4, 2, 0, .1, .5, .2, .3, .3, .9, .4)

static void keras_areas_of_labels_hold(void **state)
{
    (void)state;
    const array *full = M(4, 2, 0, 1, 2, 3, 4, 5, 6, 7);
    ONE(of_text("AUC(num_thresholds=5, multi_label=True)"), L_TRUE, L_PRED, NULL, .9375);
    ONE(of_text("AUC(num_thresholds=5, multi_label=True, num_labels=2)"), L_TRUE, L_PRED, V(4, 1, 2, 3, 4), .9285715);
    ONE(of_text("AUC(num_thresholds=5, multi_label=True)"), L_TRUE, L_PRED, full, .9);
    ONE(of_text("AUC(num_thresholds=5, multi_label=True, label_weights=[0.75, 0.25])"), L_TRUE, L_PRED, NULL, .90625);
    ONE(of_text("AUC(num_thresholds=5, multi_label=True, curve='PR')"), L_TRUE, L_PRED, NULL, .9436632);
    ONE(of_text("AUC(thresholds=[0.5], multi_label=True)"), L_TRUE, L_PRED, NULL, .625);
    ONE(of_text("AUC(num_thresholds=5)"), L_TRUE, L_PRED, NULL, .90625);
    ONE(of_text("AUC(num_thresholds=5, label_weights=[0.75, 0.25])"), L_TRUE, L_PRED, NULL, .8828125);
    ONE(of_text("AUC(num_thresholds=5)"), L_TRUE, L_PRED, V(4, 1, 2, 3, 4), .8809524);
    ONE(of_text("AUC(num_thresholds=5)"), L_TRUE, L_PRED, full, .8787879);
    refused_text("AUC(multi_label=True, num_labels=3, label_weights=[1, 2])", "label_weights, expected 3 (num_labels), found 2");
    refused_text("AUC(num_thresholds=1)", "num_thresholds, expected 2 or more, found 1");
    refused_text("AUC(curve='Pr')", "curve");
    REFUSED(of_text("AUC(multi_label=True)"), V(2, 0, 1), V(2, 0, 1), NULL, TALLY_INVALID_ARGUMENT, "expected rank 2");
    REFUSED(of_text("AUC(label_weights=[1, 2, 3])"), L_TRUE, L_PRED, NULL, TALLY_INVALID_ARGUMENT, "expected");
}

/* Keras answers 0 to a ROC of one class as to the worst of two; a precision curve ends above all scores by right */
static void an_area_says_whether_it_exists(void **state)
{
    static const struct { const char *text; double y; int defined; } row[] = {
        { "AUC", 1, 0 }, { "AUC", 0, 0 }, { "AUC(curve='PR')", 1, 1 }, { "AUC(curve='PR')", 0, 0 },
        { "PrecisionAtRecall(recall=0.5)", 1, 1 }, { "PrecisionAtRecall(recall=0.5)", 0, 0 } };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++) {
        tally_metric *m = of_text(row[i].text);
        FEED(m, V(2, row[i].y, row[i].y), V(2, .25, .75), NULL);
        assert_int_equal(tally_metric_is_defined(m), row[i].defined);
        tally_metric_release(m);
    }
    tally_metric *m = of_text("AUC(curve='PR')");
    FEED(m, V(2, 0, 1), V(2, .25, .75), NULL);
    assert_int_equal(tally_metric_is_defined(m), 1);
    tally_metric_release(m);
}

/* sorted in the configuration: the order of the list makes no other metric */
static void thresholds_of_an_area_have_no_order(void **state)
{
    (void)state;
    tally_metric *a = of_text("AUC(thresholds=[0.7, 0.2])"), *b = of_text("AUC(thresholds=[0.2, 0.7])");
    assert_int_equal(tally_metric_merge_state(a, &b, 1, NULL), TALLY_OK);
    tally_metric_release(a);
    tally_metric_release(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_counts_hold),
        cmocka_unit_test(keras_counts_hold_at_several_thresholds),
        cmocka_unit_test(counts_do_not_stop),
        cmocka_unit_test(keras_operating_points_hold),
        cmocka_unit_test(keras_areas_hold),
        cmocka_unit_test(keras_areas_of_labels_hold),
        cmocka_unit_test(an_area_says_whether_it_exists),
        cmocka_unit_test(thresholds_of_an_area_have_no_order),
    };
    return cmocka_run_group_tests_name("metric/curves", tests, NULL, NULL);
}
