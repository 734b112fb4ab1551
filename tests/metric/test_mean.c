/* Mean and Sum against every figure of Keras that binds, with totals and counts; the rows where Tally differs have both. */
#include "feed.h"

enum { TOTAL, COUNT };

static tally_metric *mean(void)
{
    return tally_mean_new(NULL, NULL);
}

static tally_metric *mean_of_elements(void)
{
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.reduction = TALLY_REDUCE_ELEMENTS;
    return tally_mean_new(&o, NULL);
}

typedef struct mean_case {
    const char  *what;
    const array *v, *w;
    double       total, count;
} mean_case;

static void check_cases(tally_metric *(*make)(void), const mean_case *c, size_t n, bool counts)
{
    for (size_t i = 0; i < n; i++) {
        tally_metric *m = make();
        tally_error   err = { 0, -1, "" };
        if (feed(m, c[i].v, NULL, c[i].w, &err)) {
            print_error("%s: %s\n", c[i].what, err.text);
            fail();
        }
        test_near(state_at(m, TOTAL, 0), c[i].total, 1e-15, c[i].what, __FILE__, __LINE__);
        if (counts)
            test_near(state_at(m, COUNT, 0), c[i].count, 1e-15, c[i].what, __FILE__, __LINE__);
        tally_metric_release(m);
    }
}

static void keras_table_of_mean_holds(void **state)
{
    (void)state;
    const array *twelve = T3(2, 3, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    const mean_case c[] = {
        { "3", S0(3), NULL, 3, 1 },
        { "3, w=2", S0(3), S0(2), 6, 2 },
        { "[1,3,5,7]", V(4, 1, 3, 5, 7), NULL, 16, 4 },
        { "w=[1,1,0,0]", V(4, 1, 3, 5, 7), V(4, 1, 1, 0, 0), 4, 2 },
        { "w=[-1,-1,0,0]", V(4, 1, 3, 5, 7), V(4, -1, -1, 0, 0), -4, -2 },
        { "[[1,3],[5,7]], w=[[1,1],[1,0]]", M(2, 2, 1, 3, 5, 7), M(2, 2, 1, 1, 1, 0), 4.5, 1.5 },
        { "[[1,3],[5,7]], w=[[1,0]]", M(2, 2, 1, 3, 5, 7), M(1, 2, 1, 0), 3, 1 },
        { "[[1,2,3],[4,5,6]]", M(2, 3, 1, 2, 3, 4, 5, 6), NULL, 7, 2 },
        { "same, w=[1,0]", M(2, 3, 1, 2, 3, 4, 5, 6), V(2, 1, 0), 2, 1 },
        { "same, w=[[1],[0]]", M(2, 3, 1, 2, 3, 4, 5, 6), M(2, 1, 1, 0), 2, 1 },
        { "same, w=[[1,0,0]]", M(2, 3, 1, 2, 3, 4, 5, 6), M(1, 3, 1, 0, 0), 5. / 3, 2. / 3 },
        { "same, w=[[1,0,0],[1,1,1]]", M(2, 3, 1, 2, 3, 4, 5, 6), M(2, 3, 1, 0, 0, 1, 1, 1), 16. / 3, 4. / 3 },
        { "[1,3], w=[[1],[3]]", V(2, 1, 3), M(2, 1, 1, 3), 10, 4 },
        { "[[1],[3]], w=[1,3]", M(2, 1, 1, 3), V(2, 1, 3), 10, 4 },
        { "arange(12), w=[1,3]", twelve, V(2, 1, 3), 28, 4 },
        { "arange(12), w=[[1,0,0],[0,1,1]]", twelve, M(2, 3, 1, 0, 0, 0, 1, 1), 6.5, 1 },
        { "the same, trailing 1", twelve, T3(2, 3, 1, 1, 0, 0, 0, 1, 1), 6.5, 1 },
        { "[1,5], w=[0,0]", V(2, 1, 5), V(2, 0, 0), 0, 0 },
        { "[1,5], w=[1,-1]", V(2, 1, 5), V(2, 1, -1), -4, 0 },
        { "(0,)", V(0, 0), NULL, 0, 0 },
        { "(0,3)", M(0, 3, 0), NULL, 0, 0 },
        { "[1,NaN], w=[1,0]", V(2, 1, NAN), V(2, 1, 0), NAN, 1 },
        { "(3,0)", M(3, 0, 0), NULL, NAN, 3 },
        { "[1,3], w of shape (1,1)", V(2, 1, 3), M(1, 1, 2), 8, 4 },
        { "scalar, w of shape (1)", S0(3), V(1, 2), 6, 2 },
        { "[[1,3]], w of shape (1,1,1)", M(1, 2, 1, 3), T3(1, 1, 1, 2), 4, 2 },
    };
    check_cases(mean, c, TALLY__COUNT(c), true);
    ONE(mean(), V(2, 1, 5), NULL, V(2, 1, -1), 0);            /* 0/0 is 0, and -4/0 too */
    ONE(mean(), M(2, 3, 1, 2, 3, 4, 5, 6), NULL, M(2, 3, 1, 0, 0, 1, 1, 1), 4);
}

/* what Keras does otherwise: total 4, count 2; total 1.5, count 1 */
static void a_scalar_weight_weighs_every_sample(void **state)
{
    (void)state;
    const mean_case c[] = {
        { "[1,2,3], w=2", V(3, 1, 2, 3), S0(2), 12, 6 },
        { "[[1,2],[3,4]], w=.5", M(2, 2, 1, 2, 3, 4), S0(.5), 2.5, 1 },
    };
    check_cases(mean, c, TALLY__COUNT(c), true);
    tally_metric *m = mean();
    FEED(m, V(4, 1, 1, 1, 1), NULL, S0(1));
    FEED(m, V(1, 0), NULL, S0(1));
    assert_bits_f64(tally_metric_result(m), .8);            /* Keras 3: 0.5 */
    tally_metric_release(m);
}

static void rows_are_samples_and_elements_are_by_option(void **state)
{
    (void)state;
    tally_metric *m = mean(), *e = mean_of_elements();
    FEED(m, M(1, 4, 1, 1, 1, 1), NULL, NULL);
    FEED(m, M(1, 1, 0), NULL, NULL);
    assert_bits_f64(tally_metric_result(m), .5);
    FEED(e, M(1, 4, 1, 1, 1, 1), NULL, NULL);
    FEED(e, M(1, 1, 0), NULL, NULL);
    assert_bits_f64(tally_metric_result(e), .8);
    tally_metric_release(m);
    tally_metric_release(e);
    const mean_case c[] = {
        { "[[1,2,3],[4,5,6]]", M(2, 3, 1, 2, 3, 4, 5, 6), NULL, 21, 6 },
        { "[1,2], w=.5", V(2, 1, 2), S0(.5), 1.5, 1 },
        { "w=[1,2]", M(2, 2, 1, 2, 3, 4), V(2, 1, 2), 17, 6 },
        { "w=[[1,0]]", M(2, 2, 1, 2, 3, 4), M(1, 2, 1, 0), 4, 2 },
    };
    check_cases(mean_of_elements, c, TALLY__COUNT(c), true);
}

static void keras_figures_of_sum_hold(void **state)
{
    (void)state;
    ONE(tally_sum_new(NULL, NULL), V(4, 1, 3, 5, 7), NULL, NULL, 16);
    ONE(tally_sum_new(NULL, NULL), V(4, 1, 3, 5, 7), NULL, V(4, 1, 1, 0, 0), 4);
    ONE(tally_sum_new(NULL, NULL), M(2, 2, 1, 3, 5, 7), NULL, M(2, 2, 1, 1, 1, 0), 9);
    ONE(tally_sum_new(NULL, NULL), M(2, 2, 1, 3, 5, 7), NULL, M(1, 2, 1, 0), 6);
    ONE(tally_sum_new(NULL, NULL), M(2, 3, 1, 2, 3, 4, 5, 6), NULL, NULL, 21);
    ONE(tally_sum_new(NULL, NULL), M(2, 3, 1, 2, 3, 4, 5, 6), NULL, V(2, 1, 2), 36);
    ONE(tally_sum_new(NULL, NULL), M(2, 3, 1, 2, 3, 4, 5, 6), NULL, M(2, 3, 1, 0, 0, 1, 1, 1), 16);
    ONE(tally_sum_new(NULL, NULL), M(3, 0, 0), NULL, NULL, 0);
    ONE(tally_sum_new(NULL, NULL), S0(3), NULL, S0(2), 6);
    ONE(tally_sum_new(NULL, NULL), V(0, 0), NULL, NULL, 0);
}

static void a_count_goes_on_where_float32_stops(void **state)
{
    (void)state;
    tally_metric *m = mean(), *s = tally_sum_new(NULL, NULL);
    const double  v = .1f;
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(tally_metric_update_scalar(m, v), 0);
        assert_int_equal(tally_metric_update_scalar(s, v), 0);
    }
    assert_bits_f64(tally_metric_result(m), v);                     /* Keras: 0.09998... */
    assert_bits_f64(tally_metric_result(s), 10000.000149011612);    /* Keras: 9998.5566 */
    tally_metric_release(s);
    tally_metric_reset_state(m);
    const float one = 1;
    int64_t     shape[2] = { 1 << 20, 17 }, stride[2] = { 0, 0 };
    tally_tensor many = tally_tensor_view(&one, TALLY_F32, 2, shape, stride);
    tally_metric *e = mean_of_elements();
    assert_int_equal(tally_metric_update_state(e, &many), 0);
    assert_bits_f64(state_at(e, COUNT, 0), 17825792.0);             /* Keras: 16777216 */
    tally_metric_release(e);
    tally_metric_release(m);
}

static void every_dtype_keeps_its_values(void **state)
{
    (void)state;
    const tally_dtype all[] = { TALLY_BOOL, TALLY_U8, TALLY_I8, TALLY_U16, TALLY_I16, TALLY_U32, TALLY_I32, TALLY_U64, TALLY_I64,
                                TALLY_F16, TALLY_BF16, TALLY_F32, TALLY_F64 };
    for (size_t i = 0; i < TALLY__COUNT(all); i++)
        for (size_t k = 0; k < TALLY__COUNT(all); k++) {
            tally_metric *m = mean();
            tally_error   err;
            assert_ok(feed_as(m, V(3, 1, 0, 1), all[i], NULL, 0, V(3, 1, 1, 0), all[k], &err), &err);
            assert_ok(feed_as(m, M(2, 2, 1, 0, 1, 1), all[i], NULL, 0, M(2, 1, 1, 1), all[k], &err), &err);
            assert_bits_f64(state_at(m, TOTAL, 0), 2.5);
            assert_bits_f64(state_at(m, COUNT, 0), 4);
            tally_metric_release(m);
        }
    tally_metric *m = tally_sum_new(NULL, NULL);
    const int64_t big[] = { INT64_MAX, INT64_MAX, 1, -INT64_MAX, -INT64_MAX };
    tally_tensor  x = tally_vector(big, 5);
    assert_int_equal(tally_metric_update_state(m, &x), 0);
    assert_bits_f64(tally_metric_result(m), 1);
    tally_metric_release(m);
}

static void weights_that_do_not_fit_are_refused_by_name(void **state)
{
    (void)state;
    REFUSED(mean(), M(2, 3, 1, 2, 3, 4, 5, 6), NULL, V(3, 1, 0, 1), TALLY_INVALID_ARGUMENT, "mean: sample_weight");
    REFUSED(mean(), V(2, 1, 3), NULL, M(2, 2, 1, 1, 1, 1), TALLY_INVALID_ARGUMENT, "found");
    REFUSED(mean(), V(2, 1, 3), NULL, T3(2, 1, 1, 1, 1), TALLY_INVALID_ARGUMENT, "weight, expected rank 2 or less");
    REFUSED(mean(), V(3, 1, 2, 3), NULL, V(1, 2), TALLY_INVALID_ARGUMENT, "mean: sample_weight");
    REFUSED(mean(), S0(3), NULL, V(2, 1, 1), TALLY_INVALID_ARGUMENT, "expected size 1, found 2");
    REFUSED(mean(), M(2, 3, 1, 2, 3, 4, 5, 6), NULL, M(2, 2, 1, 1, 1, 1), TALLY_INVALID_ARGUMENT, "found 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_table_of_mean_holds),
        cmocka_unit_test(a_scalar_weight_weighs_every_sample),
        cmocka_unit_test(rows_are_samples_and_elements_are_by_option),
        cmocka_unit_test(keras_figures_of_sum_hold),
        cmocka_unit_test(a_count_goes_on_where_float32_stops),
        cmocka_unit_test(every_dtype_keeps_its_values),
        cmocka_unit_test(weights_that_do_not_fit_are_refused_by_name),
    };
    return cmocka_run_group_tests_name("metric/mean", tests, NULL, NULL);
}
