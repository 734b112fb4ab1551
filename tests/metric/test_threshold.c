/* Precision and Recall against Keras's figures: lists of thresholds, both rules, top_k, class_id, weights of every shape. */
#include "feed.h"

enum { TP, OTHER };

typedef struct set { int n; double at[8]; int top_k, class_id; } set;
static const set plain = { 0, { 0 }, 0, TALLY_NONE };

static tally_metric *make(bool recall, const set *s)
{
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    if (s->n) {
        o.thresholds = s->at;
        o.n_thresholds = s->n;
    }
    if (s->top_k)
        o.top_k = s->top_k;
    o.class_id = s->class_id;
    return recall ? tally_recall_new(&o, NULL) : tally_precision_new(&o, NULL);
}

static tally_metric *precision(void) { return make(false, &plain); }
static tally_metric *recall(void) { return make(true, &plain); }
static tally_metric *precision_of(set s) { return make(false, &s); }
static tally_metric *recall_of(set s) { return make(true, &s); }

static void keras_figures_of_precision_hold(void **state)
{
    (void)state;
    ONE(precision(), V(4, 0, 1, 1, 1), V(4, 1, 0, 1, 1), NULL, 2. / 3);
    ONE(precision(), V(4, 0, 1, 1, 1), V(4, 1, 0, 1, 1), V(4, 0, 0, 1, 0), 1);
    ONE(precision(), V(4, 0, 1, 1, 0), V(4, 1, 0, 1, 0), NULL, .5);
    ONE(precision(), M(2, 4, 0, 1, 1, 0, 1, 0, 0, 1), M(2, 4, 1, 0, 1, 0, 1, 0, 1, 0), M(2, 4, 1, 2, 3, 4, 4, 3, 2, 1), .7);
    ONE(precision(), V(3, 0, 0, 1), V(3, 0, 0, 0), NULL, 0);
    ONE(precision(), V(2, 1, 0), V(2, 1, 1), V(2, 1, -1), 0);
    const set k2 = { 0, { 0 }, 2, TALLY_NONE }, k3 = { 0, { 0 }, 3, TALLY_NONE }, k4 = { 0, { 0 }, 4, TALLY_NONE };
    ONE(precision_of(k2), V(4, 0, 0, 1, 1), V(4, 1, 1, 1, 1), NULL, 0);
    ONE(precision_of(k4), V(4, 0, 0, 1, 1), V(4, 1, 1, 1, 1), NULL, .5);
    ONE(precision_of(k3), V(5, 0, 1, 1, 0, 0), V(5, .2, .1, .5, 0, .2), NULL, 1. / 3);
    ONE(precision_of((set){ 1, { .7 }, 2, TALLY_NONE }), V(5, 0, 1, 1, 0, 1), V(5, .2, .8, .6, 0, .2), NULL, 1);
    const set one = { 0, { 0 }, 0, 1 }, last = { 0, { 0 }, 0, -1 };
    ONE(precision_of(one), M(2, 2, 0, 1, 1, 0), M(2, 2, .1, .9, .3, .8), NULL, .5);
    ONE(precision_of(one), M(2, 2, 0, 1, 1, 0), M(2, 2, .1, .9, .3, .8), V(2, 2, 3), .4);
    ONE(precision_of(last), M(2, 2, 0, 1, 1, 0), M(2, 2, .1, .9, .3, .8), NULL, .5);
    ONE(precision_of(last), M(2, 2, 0, 1, 1, 0), M(2, 2, .1, .9, .3, .8), M(2, 1, 2, 3), .4);
}

static void keras_figures_of_recall_hold(void **state)
{
    (void)state;
    ONE(recall(), V(4, 0, 1, 1, 1), V(4, 1, 0, 1, 1), NULL, 2. / 3);
    ONE(recall(), V(4, 0, 1, 1, 1), V(4, 1, 0, 1, 1), V(4, 0, 0, 1, 0), 1);
    ONE(recall(), M(2, 4, 0, 1, 1, 0, 1, 0, 0, 1), M(2, 4, 1, 0, 1, 0, 0, 1, 0, 1), M(2, 4, 1, 2, 3, 4, 4, 3, 2, 1), .4);
    ONE(recall_of((set){ 0, { 0 }, 3, TALLY_NONE }), V(5, 0, 1, 1, 0, 0), V(5, .2, .1, .5, 0, .2), NULL, .5);
    ONE(recall_of((set){ 1, { .7 }, 2, TALLY_NONE }), V(5, 1, 1, 1, 0, 1), V(5, .2, .8, .6, 0, .2), NULL, .25);
    for (int which = 0; which < 2; which++) {
        const set     k3 = { 0, { 0 }, 3, TALLY_NONE };
        tally_metric *m = make(which, &k3);
        FEED(m, M(1, 5, 0, 1, 1, 0, 1), M(1, 5, .2, .1, .4, 0, .2), M(1, 5, 1, 4, 2, 3, 5));
        FEED(m, V(5, 1, 0, 1, 1, 1), V(5, .2, .6, .4, .2, .2), S0(3));
        assert_near(tally_metric_result(m), which ? 13. / 23 : 13. / 17);
        tally_metric_release(m);
    }
}

static void values_are(tally_metric *m, int n, const double *want)
{
    double      got[8];
    int64_t     shape[TALLY_MAX_RANK];
    tally_error err;
    assert_int_equal(tally_metric_result_shape(m, shape), n > 1);
    if (n > 1)
        assert_int_equal(shape[0], n);
    assert_ok(tally_metric_values(m, got, n, &err), &err);
    for (int i = 0; i < n; i++)
        assert_near(got[i], want[i]);
    if (n > 1)
        assert_true(isnan(tally_metric_result(m)));
    tally_metric_release(m);
}

static void several_thresholds_give_a_vector(void **state)
{
    (void)state;
    const set     a = { 2, { .5, .7 }, 0, TALLY_NONE }, b = { 2, { .5, 1 }, 0, TALLY_NONE };
    tally_metric *m = precision_of(a);
    FEED(m, V(4, 0, 1, 1, 0), V(4, 1, 0, .6, 0), NULL);
    values_are(m, 2, (double[]){ .5, 0 });
    m = precision_of(b);
    FEED(m, M(2, 2, 0, 1, 1, 0), M(2, 2, 1, 0, .6, 0), M(2, 2, 4, 0, 3, 1));
    FEED(m, M(2, 2, 0, 1, 1, 0), M(2, 2, 1, 0, .6, 0), M(2, 2, 4, 0, 3, 1));
    values_are(m, 2, (double[]){ 3. / 7, 0 });
    m = recall_of(b);
    FEED(m, M(2, 2, 0, 1, 1, 0), M(2, 2, 1, 0, .6, 0), M(2, 2, 1, 4, 3, 2));
    values_are(m, 2, (double[]){ 3. / 7, 0 });
    m = recall_of((set){ 2, { .7, .2 }, 0, TALLY_NONE });                 /* order is kept */
    FEED(m, V(2, 1, 1), V(2, .5, .8), NULL);
    values_are(m, 2, (double[]){ .5, 1 });
}

/* thresholds [0,.5,1] are even: scores are clipped, so one of 2 is not above 1; [0,.4,1] are not: it is */
static void evenly_spread_thresholds_follow_the_buckets(void **state)
{
    (void)state;
    const set even = { 3, { 0, .5, 1 }, 0, TALLY_NONE }, odd = { 3, { 0, .4, 1 }, 0, TALLY_NONE };
    tally_metric *m = recall_of(even);
    FEED(m, V(2, 1, 1), V(2, -2, 2), NULL);
    assert_bits_f64(state_at(m, TP, 0), 1);
    assert_bits_f64(state_at(m, TP, 1), 1);
    assert_bits_f64(state_at(m, TP, 2), 0);
    tally_metric_release(m);
    m = recall_of(odd);
    FEED(m, V(2, 1, 1), V(2, -2, 2), NULL);
    assert_bits_f64(state_at(m, TP, 2), 1);
    tally_metric_release(m);
    m = recall_of(even);
    FEED(m, V(5, 1, 1, 1, 1, 1), V(5, 0, .25, .5, .75, 1), NULL);
    assert_bits_f64(state_at(m, OTHER, 0), 1);
    assert_bits_f64(state_at(m, OTHER, 1), 3);
    assert_bits_f64(state_at(m, OTHER, 2), 5);
    tally_metric_release(m);
    m = recall_of(even);
    FEED(m, V(4, 1, 1, 1, 0), V(4, 0, .5, 1, .6), NULL);
    for (int i = 0; i < 3; i++)
        assert_bits_f64(state_at(m, TP, i), 2 - i);
    FEED(m, V(1, 1), V(1, NAN), NULL);                                    /* negative at every threshold */
    for (int i = 0; i < 3; i++)
        assert_bits_f64(state_at(m, OTHER, i), 2 + i);
    tally_metric_release(m);
}

/* T=200: a score of float32(i/199) counts as above threshold i for these i, by the rounding of p * 199 */
static void buckets_round_as_keras_does(void **state)
{
    (void)state;
    static const int above[] = { 31, 53, 62, 103, 106, 111, 119, 124 };
    double           at[200];
    for (int i = 0; i < 200; i++)
        at[i] = i / 199.;
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    o.thresholds = at;
    o.n_thresholds = 200;
    tally_metric *m = tally_recall_new(&o, NULL);
    size_t        next = 0;
    for (int i = 0; i < 200; i++) {
        const float   one = 1, p = (float)at[i];
        tally_tensor  y = tally_vector(&one, 1), x = tally_vector(&p, 1);
        tally_metric_reset_state(m);
        assert_int_equal(tally_metric_update_state(m, &y, &x), 0);
        const bool is = next < TALLY__COUNT(above) && above[next] == i;
        next += is;
        assert_bits_f64(state_at(m, TP, i), is);
        if (i < 199)
            assert_bits_f64(state_at(m, TP, i + 1), 0);
        if (i)
            assert_bits_f64(state_at(m, TP, i - 1), 1);
    }
    tally_metric_release(m);
}

static void scores_of_float64_are_compared_in_float64(void **state)
{
    (void)state;
    tally_error   err;
    const set     at3 = { 1, { .3 }, 0, TALLY_NONE }, even = { 3, { 0, .5, 1 }, 0, TALLY_NONE };
    tally_metric *m = precision_of(at3);
    assert_ok(feed_as(m, V(1, 1), TALLY_I64, V(1, .300000005), TALLY_F64, NULL, 0, &err), &err);
    assert_bits_f64(tally_metric_result(m), 1);                           /* Keras: 0 */
    tally_metric_reset_state(m);
    assert_ok(feed_as(m, V(1, 1), TALLY_I64, V(1, (float).3), TALLY_F32, NULL, 0, &err), &err);
    assert_bits_f64(tally_metric_result(m), 0);
    tally_metric_release(m);
    m = recall_of(even);
    assert_ok(feed_as(m, V(1, 1), TALLY_F64, V(1, .5 + 1e-12), TALLY_F64, NULL, 0, &err), &err);
    assert_bits_f64(state_at(m, TP, 1), 1);
    tally_metric_release(m);
}

/* sample_weight of every shape: one hit and one false alarm in every row */
static void weights_of_every_shape_count(void **state)
{
    (void)state;
    const array *y = M(2, 2, 1, 1, 0, 1), *p = M(2, 2, .9, .1, .8, .7);   /* tp at 00, 11; fp at 10 */
    const struct { const array *w; double tp, fp; } c[] = {
        { S0(2), 4, 2 }, { V(2, 1, 10), 11, 10 }, { M(2, 1, 1, 10), 11, 10 }, { M(1, 2, 1, 10), 11, 1 }, { M(2, 2, 1, 2, 3, 4), 5, 3 },
        { T3(2, 2, 1, 1, 2, 3, 4), 5, 3 }, { M(1, 1, 7), 14, 7 } };
    const set list = { 2, { .5, .75 }, 0, TALLY_NONE };
    for (size_t i = 0; i < TALLY__COUNT(c); i++) {
        tally_metric *m = precision(), *v = precision_of(list);
        FEED(m, y, p, c[i].w);
        assert_bits_f64(state_at(m, TP, 0), c[i].tp);
        assert_bits_f64(state_at(m, OTHER, 0), c[i].fp);
        FEED(v, y, p, c[i].w);
        assert_bits_f64(state_at(v, TP, 0), c[i].tp);
        assert_bits_f64(state_at(v, OTHER, 1), c[i].fp);
        tally_metric_release(m);
        tally_metric_release(v);
    }
    ONE(precision(), V(2, 1, 0), V(2, 1, 1), M(2, 1, 3, 1), .75);          /* (N,1) with (N,): Keras refuses */
    ONE(precision(), V(2, 1, 0), V(2, 1, 1), M(1, 1, 3), .5);
    ONE(precision(), T3(2, 1, 2, 1, 0, 1, 1), T3(2, 1, 2, 1, 1, 1, 1), V(2, 3, 1), 5. / 8);   /* (N,) with rank 3 */
    ONE(precision(), V(2, 1, 0), V(2, 1, 0), V(2, 1, NAN), 1);             /* a NaN weight where nothing matches */
    REFUSED(precision(), y, p, V(3, 1, 1, 1), TALLY_INVALID_ARGUMENT, "precision: sample_weight");
    REFUSED(precision_of((set){ 0, { 0 }, 0, 1 }), y, p, M(2, 2, 1, 1, 1, 1), TALLY_INVALID_ARGUMENT, "sample_weight: squeeze");
}

static void labels_and_scores_at_the_edges(void **state)
{
    (void)state;
    ONE(precision(), V(5, .3, 2, -1, NAN, 0), V(5, 1, 1, 1, 1, 1), NULL, .8);       /* all but 0 are positive */
    ONE(precision(), V(2, 1, 1), V(2, .5, NAN), NULL, 0);
    ONE(recall(), V(1, 1), V(1, NAN), NULL, 0);
    ONE(precision(), M(4, 1, 0, 1, 1, 1), V(4, 1, 0, 1, 1), NULL, 2. / 3);
    ONE(recall(), V(0, 0), V(0, 0), NULL, 0);
    ONE(precision_of((set){ 0, { 0 }, 9, TALLY_NONE }), M(1, 2, 1, 0), M(1, 2, .1, .2), NULL, .5);   /* k above the row: all */
    ONE(precision_of((set){ 0, { 0 }, 1, TALLY_NONE }), M(1, 3, 1, 0, 0), M(1, 3, .4, .4, NAN), NULL, 1);   /* lower index, NaN last */
    ONE(recall_of((set){ 0, { 0 }, 1, 1 }), M(2, 3, 0, 1, 0, 0, 1, 0), M(2, 3, .2, .9, .1, .8, .7, .1), NULL, .5);
    REFUSED(precision_of((set){ 0, { 0 }, 0, 1 }), V(2, 0, 1), V(2, 0, 1), NULL, TALLY_INVALID_ARGUMENT,
            "precision: y_pred, expected rank 2 or more for class_id, found rank 1");
    REFUSED(precision_of((set){ 0, { 0 }, 0, 2 }), M(1, 2, 0, 1), M(1, 2, 0, 1), NULL, TALLY_OUT_OF_RANGE, "precision");
    REFUSED(precision_of((set){ 0, { 0 }, 0, -3 }), M(1, 2, 0, 1), M(1, 2, 0, 1), NULL, TALLY_OUT_OF_RANGE, "precision");
    REFUSED(precision_of((set){ 0, { 0 }, 0, 0 }), M(1, 2, 0, 1), M(1, 3, 0, 1, 1), NULL, TALLY_INVALID_ARGUMENT, "precision");
    REFUSED(precision(), V(3, 0, 1, 1), M(3, 2, 0), NULL, TALLY_INVALID_ARGUMENT, "y_pred: squeeze");
}

/* value numbering must not take one filter for another */
static void filters_of_one_pass_are_kept_apart(void **state)
{
    (void)state;
    const set           s[] = { { 0, { 0 }, 1, TALLY_NONE }, { 0, { 0 }, 2, TALLY_NONE }, { 0, { 0 }, 2, 0 }, { 0, { 0 }, 2, 1 } };
    const double        want[] = { 1, .5, 1, 0 };
    tally_metric       *m[4];
    tally_error         err;
    feed_memory         y, p;
    const tally_tensor *x[] = { feed_tensor(&y, M(1, 3, 1, 0, 1), TALLY_F32), feed_tensor(&p, M(1, 3, .9, .8, .1), TALLY_F32) };
    for (int i = 0; i < 4; i++)
        m[i] = precision_of(s[i]);
    assert_ok(tally_metrics_update_state_n(m, 4, x, 2, &err), &err);
    for (int i = 0; i < 4; i++) {
        assert_bits_f64(tally_metric_result(m[i]), want[i]);
        tally_metric_release(m[i]);
    }
}

static void options_out_of_bounds_are_named(void **state)
{
    (void)state;
    tally_error             err;
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    const double            at[] = { -1, .5, 2 }, bad[] = { .5, NAN };
    o.thresholds = at;
    o.n_thresholds = 3;
    assert_null(tally_precision_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Precision: options.thresholds[0], expected 0 to 1, found -1");
    o.thresholds = at + 1;
    o.n_thresholds = 2;
    assert_null(tally_recall_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Recall: options.thresholds[1], expected 0 to 1, found 2");
    o.thresholds = bad;
    assert_null(tally_recall_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found nan");
    o.n_thresholds = 0;
    assert_null(tally_recall_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "expected a list and its length, or neither, found a list and 0");
    o.thresholds = NULL;
    o.top_k = 0;
    assert_null(tally_recall_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "options.top_k, expected 1 or more, or TALLY_NONE, found 0");
}

static void every_dtype_of_labels_and_scores_works(void **state)
{
    (void)state;
    const tally_dtype all[] = { TALLY_BOOL, TALLY_U8, TALLY_I8, TALLY_U16, TALLY_I16, TALLY_U32, TALLY_I32, TALLY_U64, TALLY_I64,
                                TALLY_F16, TALLY_BF16, TALLY_F32, TALLY_F64 };
    const set even = { 3, { 0, .5, 1 }, 2, TALLY_NONE };
    for (size_t i = 0; i < TALLY__COUNT(all); i++)
        for (size_t k = 0; k < TALLY__COUNT(all); k++) {
            tally_metric *m = precision(), *e = precision_of(even);
            tally_error   err;
            assert_ok(feed_as(m, V(4, 0, 1, 1, 1), all[i], V(4, 1, 0, 1, 1), all[k], V(4, 1, 1, 0, 1), all[i], &err), &err);
            assert_bits_f64(tally_metric_result(m), .5);
            assert_ok(feed_as(e, V(4, 0, 1, 1, 1), all[i], V(4, 1, 0, 1, 1), all[k], V(4, 1, 1, 0, 1), all[i], &err), &err);
            assert_bits_f64(state_at(e, OTHER, 1), 1);
            tally_metric_release(m);
            tally_metric_release(e);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_figures_of_precision_hold),
        cmocka_unit_test(keras_figures_of_recall_hold),
        cmocka_unit_test(several_thresholds_give_a_vector),
        cmocka_unit_test(evenly_spread_thresholds_follow_the_buckets),
        cmocka_unit_test(buckets_round_as_keras_does),
        cmocka_unit_test(scores_of_float64_are_compared_in_float64),
        cmocka_unit_test(weights_of_every_shape_count),
        cmocka_unit_test(labels_and_scores_at_the_edges),
        cmocka_unit_test(filters_of_one_pass_are_kept_apart),
        cmocka_unit_test(options_out_of_bounds_are_named),
        cmocka_unit_test(every_dtype_of_labels_and_scores_works),
    };
    return cmocka_run_group_tests_name("metric/threshold", tests, NULL, NULL);
}
