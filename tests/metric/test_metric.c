/* The verbs of a metric outside and inside a body: lifecycle, many in one pass, one number, snapshots, merging, bytes; what
 * each says to NULL and to wrong input; that memory comes back and that a steady state asks for none. */
#include "feed.h"

enum { TOTAL, COUNT };

static void every_verb_takes_null(void **state)
{
    (void)state;
    tally_error         err;
    const double        v = 1;
    tally_tensor        x = tally_scalar(&v);
    const tally_tensor *one[] = { &x };
    tally_metric       *none[] = { NULL }, *out[1];
    int64_t             shape[TALLY_MAX_RANK];
    double              values[1];
    assert_int_equal(tally_metric_update_state_n(NULL, one, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "update_state: metric, expected a metric, found NULL");
    assert_int_equal(tally_metric_update_state_n(NULL, one, 1, NULL), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metrics_update_state_n(NULL, 1, one, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metrics_update_state_n(none, 1, one, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(err.argument, 0);
    assert_int_equal(tally_metrics_update_state_n(NULL, 0, one, 1, &err), TALLY_OK);
    assert_int_equal(tally_metric_update_scalar(NULL, 1), TALLY_INVALID_ARGUMENT);
    assert_true(isnan(tally_metric_result(NULL)));
    assert_int_equal(tally_metric_result_shape(NULL, shape), -1);
    assert_int_equal(tally_metric_values(NULL, values, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_is_defined(NULL), 0);
    assert_int_equal(tally_metric_skipped(NULL), -1);
    assert_int_equal(tally_metric_state(NULL, "total", NULL, &err), TALLY_INVALID_ARGUMENT);
    assert_null(tally_metric_state_at(NULL, 0));
    assert_int_equal(tally_metrics_snapshot(NULL, 1, out, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metrics_snapshot(none, 1, out, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_merge_state(NULL, none, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_null(tally_metric_clone(NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "clone: metric, expected a metric, found NULL");
    assert_null(tally_metric_retain(NULL));
    assert_string_equal(tally_metric_name(NULL), "");
    assert_int_equal(tally_metric_pack(NULL, NULL, 0), 0);
    assert_int_equal(tally_metric_unpack(NULL, &v, 8, &err), TALLY_INVALID_ARGUMENT);
    tally_metric_reset_state(NULL);
    tally_metric_release(NULL);
}

static void operands_that_are_wrong_are_named_by_role(void **state)
{
    (void)state;
    tally_error         err;
    tally_metric       *mean = tally_mean_new(NULL, &err), *mse = tally_mean_squared_error_new(NULL, &err);
    const float         v[3] = { 1, 2, 3 };
    tally_tensor        x = tally_vector(v, 3), bad = x, skew = x;
    const tally_tensor *four[] = { &x, &x, &x, &x }, *hole[] = { &x, NULL }, *no_dtype[] = { &x, &bad }, *no_data[] = { &x, &skew };
    assert_int_equal(tally_metric_update_state_n(mean, four, 3, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean: operands, expected 1 (values) and at most a sample_weight, found 3");
    assert_int_equal(tally_metric_update_state_n(mse, four, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT,
                     "mean_squared_error: operands, expected 2 (y_true, y_pred) and at most a sample_weight, found 1");
    assert_int_equal(tally_metric_update_state_n(mse, four, -1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_update_state_n(mse, NULL, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "at NULL");
    assert_int_equal(tally_metric_update_state_n(mse, hole, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean_squared_error: y_pred, expected a tensor, found NULL");
    assert_int_equal(err.argument, 1);
    assert_int_equal(tally_metric_update_state_n(mean, hole, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean: sample_weight, expected a tensor, found NULL");
    bad.dtype = 99;
    assert_int_equal(tally_metric_update_state_n(mse, no_dtype, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean_squared_error: y_pred: ");
    skew.data = NULL;
    assert_int_equal(tally_metric_update_state_n(mse, no_data, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean_squared_error: y_pred: ");
    tally_metric *both[] = { mse, mean };
    assert_int_equal(tally_metrics_update_state_n(both, 2, four, 3, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean: operands, expected 1");
    assert_bits_f64(state_at(mse, COUNT, 0), 0);
    tally_metric_release(mean);
    tally_metric_release(mse);
}

static void a_metric_has_the_name_it_was_given_or_keras_default(void **state)
{
    (void)state;
    tally_error        err;
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    char               name[] = "train/loss";
    o.name = name;
    tally_metric *a = tally_mean_new(&o, &err), *b = tally_sparse_categorical_crossentropy_new(NULL, &err);
    name[0] = 'X';
    assert_string_equal(tally_metric_name(a), "train/loss");
    assert_string_equal(tally_metric_name(b), "sparse_categorical_crossentropy");
    tally_metric *c = tally_metric_clone(a, &err);
    assert_string_equal(tally_metric_name(c), "train/loss");
    REFUSED(tally_metric_retain(a), V(2, 1, 2), NULL, V(3, 1, 1, 1), TALLY_INVALID_ARGUMENT, "train/loss: sample_weight: ");
    tally_metric_release(a);
    tally_metric_release(b);
    tally_metric_release(c);
}

static void options_that_no_initializer_made_are_refused(void **state)
{
    (void)state;
    tally_error        err;
    tally_mean_options o;
    memset(&o, 0, sizeof o);
    assert_null(tally_mean_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Mean: options.size, expected 40 as the initializer sets it, found 0");
    o = (tally_mean_options)TALLY_MEAN_OPTIONS_INIT;
    o.nan = 7;
    assert_null(tally_mean_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Mean: options.nan, expected TALLY_NAN_PROPAGATE, _SKIP or _ERROR, found 7");
    o = (tally_mean_options)TALLY_MEAN_OPTIONS_INIT;
    o.reduction = 2;
    assert_null(tally_sum_new(&o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Sum: options.reduction, expected");
}

/* an older caller's struct ends after the head; a newer one's has more than this library knows */
static void options_of_another_version_keep_what_they_have(void **state)
{
    (void)state;
    struct { tally_mean_options o; int64_t more[4]; } newer = { TALLY_MEAN_OPTIONS_INIT, { 1, 2, 3, 4 } };
    tally_mean_options                                older = TALLY_MEAN_OPTIONS_INIT;
    newer.o.size = sizeof newer;
    newer.o.reduction = TALLY_REDUCE_ELEMENTS;
    older.size = sizeof(tally_metric_options);
    older.reduction = TALLY_REDUCE_ELEMENTS;
    tally_metric *a = tally_mean_new(&newer.o, NULL), *b = tally_mean_new(&older, NULL);
    FEED(a, M(1, 2, 1, 3), NULL, NULL);
    FEED(b, M(1, 2, 1, 3), NULL, NULL);
    assert_bits_f64(state_at(a, COUNT, 0), 2);
    assert_bits_f64(state_at(b, COUNT, 0), 1);
    tally_metric_release(a);
    tally_metric_release(b);
}

static void many_metrics_take_one_pass(void **state)
{
    (void)state;
    tally_error         err;
    tally_metric       *m[] = { tally_accuracy_new(NULL, &err), tally_mean_squared_error_new(NULL, &err), tally_precision_new(NULL, &err),
                                NULL };
    const float         y[] = { 0, 1, 1 }, p[] = { 0, 1, .5f };
    const double        w[] = { 1, 2, 4 };
    tally_tensor        ty = tally_vector(y, 3), tp = tally_vector(p, 3), tw = tally_vector(w, 3);
    const tally_tensor *operands[] = { &ty, &tp, &tw };
    m[3] = m[0];                                                 /* twice in one list: updated twice */
    assert_ok(tally_metrics_update_state_n(m, 4, operands, 3, &err), &err);
    assert_bits_f64(tally_metric_result(m[0]), 3. / 7);
    assert_bits_f64(state_at(m[0], COUNT, 0), 14);
    assert_bits_f64(tally_metric_result(m[1]), 1. / 7);
    assert_bits_f64(tally_metric_result(m[2]), 1);
    const tally_tensor *bad[] = { &ty, &tp, &ty, NULL };
    tally_tensor        short_y = tally_vector(y, 2);
    bad[0] = &short_y;
    assert_int_equal(tally_metrics_update_state_n(m, 3, bad, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Accuracy: y_pred: axis 0 of argument 1, expected 2");
    assert_bits_f64(state_at(m[0], COUNT, 0), 14);
    assert_bits_f64(state_at(m[1], COUNT, 0), 7);
    tally_metric *forty[40];
    for (int i = 0; i < 40; i++)
        forty[i] = m[i % 3];
    assert_ok(tally_metrics_update_state_n(forty, 40, operands, 2, &err), &err);
    assert_bits_f64(state_at(m[0], COUNT, 0), 14 + 14 * 3);
    for (int i = 0; i < 3; i++)
        tally_metric_release(m[i]);
}

static void one_number_goes_the_same_way_as_an_update(void **state)
{
    (void)state;
    static const double number[] = { 1, -0.0, 3, .1, -2.5, 1e300, -1e300, 0x1p-1074, INFINITY, 9007199254740993., 0x1p62, 0x1p62, 0x1p63 };
    for (size_t n = 1; n <= TALLY__COUNT(number); n++) {
        tally_metric *a = tally_mean_new(NULL, NULL), *b = tally_mean_new(NULL, NULL);
        for (size_t i = 0; i < n; i++) {
            tally_tensor x = tally_scalar(&number[i]);
            assert_int_equal(tally_metric_update_scalar(a, number[i]), 0);
            assert_int_equal(tally_metric_update_state(b, &x), 0);
        }
        char   pa[1024], pb[1024];
        size_t na = tally_metric_pack(a, pa, sizeof pa), nb = tally_metric_pack(b, pb, sizeof pb);
        assert_int_equal(na, nb);
        assert_true(na <= sizeof pa);
        assert_memory_equal(pa, pb, na);
        assert_same_number(tally_metric_result(a), tally_metric_result(b));
        tally_metric_release(a);
        tally_metric_release(b);
    }
    tally_metric *m = tally_accuracy_new(NULL, NULL);
    assert_int_equal(tally_metric_update_scalar(m, 1), TALLY_FAILED_PRECONDITION);
    tally_metric_release(m);
}

static void snapshots_clones_and_merges_are_of_their_own(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m[2] = { tally_mean_new(NULL, &err), tally_sum_new(NULL, &err) }, *s[2];
    FEED(m[0], V(2, 1, 3), NULL, NULL);
    FEED(m[1], V(2, .5, 3), NULL, NULL);
    assert_ok(tally_metrics_snapshot(m, 2, s, &err), &err);
    FEED(m[0], V(1, 11), NULL, NULL);
    assert_bits_f64(tally_metric_result(s[0]), 2);
    assert_bits_f64(tally_metric_result(s[1]), 3.5);
    FEED(s[0], V(1, 5), NULL, NULL);                              /* a snapshot is a metric */
    assert_bits_f64(tally_metric_result(s[0]), 3);
    assert_bits_f64(tally_metric_result(m[0]), 5);
    assert_ok(tally_metric_merge_state(m[0], s, 1, &err), &err);
    assert_bits_f64(tally_metric_result(m[0]), 4);
    assert_int_equal(tally_metric_merge_state(m[0], s, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "expected the same class and configuration, found Sum");
    assert_int_equal(tally_metric_merge_state(m[0], NULL, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_bits_f64(tally_metric_result(m[0]), 4);
    assert_ok(tally_metric_merge_state(m[0], &m[0], 1, &err), &err);   /* with itself: doubled */
    assert_bits_f64(state_at(m[0], COUNT, 0), 12);
    for (int i = 0; i < 2; i++) {
        tally_metric_release(m[i]);
        tally_metric_release(s[i]);
    }
}

static void bytes_come_back_and_foreign_ones_do_not(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *a = tally_mean_new(NULL, &err), *b = tally_mean_new(NULL, &err), *c = tally_accuracy_new(NULL, &err);
    char          bytes[1024];
    FEED(a, V(3, .1, .2, 7), NULL, NULL);
    size_t n = tally_metric_pack(a, NULL, 0);
    assert_true(n && n <= sizeof bytes);
    assert_int_equal(tally_metric_pack(a, bytes, sizeof bytes), n);
    assert_ok(tally_metric_unpack(b, bytes, n, &err), &err);
    assert_bits_f64(tally_metric_result(b), tally_metric_result(a));
    assert_int_equal(tally_metric_unpack(c, bytes, n, &err), TALLY_INVALID_ARGUMENT);
    bytes[n / 2] ^= 1;
    assert_int_equal(tally_metric_unpack(b, bytes, n, &err), TALLY_DATA_LOSS);
    assert_int_equal(tally_metric_unpack(b, NULL, n, &err), TALLY_INVALID_ARGUMENT);
    assert_bits_f64(tally_metric_result(b), tally_metric_result(a));
    tally_metric_release(a);
    tally_metric_release(b);
    tally_metric_release(c);
}

static void a_value_says_whether_it_exists(void **state)
{
    (void)state;
    tally_metric *m = tally_mean_new(NULL, NULL), *s = tally_sum_new(NULL, NULL), *p = tally_precision_new(NULL, NULL);
    assert_int_equal(tally_metric_is_defined(m), 0);
    assert_int_equal(tally_metric_is_defined(p), 0);
    assert_int_equal(tally_metric_is_defined(s), 1);
    assert_bits_f64(tally_metric_result(m), 0);
    FEED(m, V(2, 1, 5), NULL, V(2, 1, -1));
    assert_int_equal(tally_metric_is_defined(m), 0);              /* -4 / 0 */
    FEED(m, V(1, 5), NULL, NULL);
    assert_int_equal(tally_metric_is_defined(m), 1);
    FEED(p, V(2, 1, 1), V(2, 0, 0), NULL);
    assert_int_equal(tally_metric_is_defined(p), 0);
    FEED(p, V(1, 0), V(1, 1), NULL);
    assert_int_equal(tally_metric_is_defined(p), 1);
    tally_metric_release(m);
    tally_metric_release(s);
    tally_metric_release(p);
}

static void values_need_room(void **state)
{
    (void)state;
    tally_error             err;
    double                  v[3] = { 7, 7, 7 };
    const double            at[] = { .2, .5, .9 };
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    int64_t                 shape[TALLY_MAX_RANK];
    o.thresholds = at;
    o.n_thresholds = 3;
    tally_metric *m = tally_recall_new(&o, &err);
    assert_int_equal(tally_metric_result_shape(m, shape), 1);
    assert_int_equal(shape[0], 3);
    assert_int_equal(tally_metric_values(m, v, 2, &err), TALLY_OUT_OF_RANGE);
    assert_error_has(&err, TALLY_OUT_OF_RANGE, "recall: output 0, expected a capacity of 3 elements, found 2");
    assert_int_equal(tally_metric_values(m, NULL, 3, &err), TALLY_INVALID_ARGUMENT);
    assert_ok(tally_metric_values(m, v, 3, &err), &err);
    assert_bits_f64(v[2], 0);
    tally_metric_release(m);
    m = tally_mean_new(NULL, &err);
    assert_int_equal(tally_metric_result_shape(m, shape), 0);
    assert_ok(tally_metric_values(m, v, 1, &err), &err);
    tally_metric_release(m);
}

static void a_state_is_read_by_its_name(void **state)
{
    (void)state;
    tally_error       err;
    double            v[9] = { 7 };
    float             narrow[9];
    tally_iou_options o = TALLY_IOU_OPTIONS_INIT;
    tally_buffer      all = tally_buffer_of(v, 9), few = tally_buffer_of(v, 8), wrong = tally_buffer_of(narrow, 9);
    o.num_classes = 3;
    tally_metric *m = tally_mean_iou_new(&o, &err);
    FEED(m, V(4, 0, 0, 2, 1), V(4, 0, 1, 2, 1), V(4, .1, .1, .5, 1));
    assert_int_equal(tally_metric_state(m, "total_confusion_matrix", &few, &err), TALLY_OUT_OF_RANGE);
    assert_error_has(&err, TALLY_OUT_OF_RANGE, "mean_io_u: state \"total_confusion_matrix\", expected a capacity of 9 elements, found 8");
    assert_true(v[0] == 7 && few.rank == 2 && few.shape[0] == 3 && few.shape[1] == 3);
    assert_ok(tally_metric_state(m, "total_confusion_matrix", &all, &err), &err);
    assert_true(all.rank == 2 && all.shape[0] == 3 && all.shape[1] == 3);
    const double want[9] = { .1f, .1f, 0, 0, 1, 0, 0, 0, .5 };
    for (int k = 0; k < 9; k++)
        assert_bits_f64(v[k], want[k]);
    assert_int_equal(tally_metric_state(m, "total", &all, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT,
                     "mean_io_u: state, expected the name of one of its 1, the first \"total_confusion_matrix\", found \"total\"");
    const tally_state_spec *spec = tally_metric_state_at(m, 0);
    assert_string_equal(spec->name, "total_confusion_matrix");
    assert_true(spec->kind == TALLY_STATE_SUM && spec->rank == 2 && spec->shape[0] == 3 && spec->shape[1] == 3);
    assert_true(!tally_metric_state_at(m, 1) && !tally_metric_state_at(m, -1));
    assert_int_equal(tally_metric_state(m, NULL, &all, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found NULL");
    assert_int_equal(tally_metric_state(m, "total_confusion_matrix", NULL, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_state(m, "total_confusion_matrix", &wrong, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean_io_u: state, expected a buffer of float64, found float32");
    tally_metric_release(m);
    m = tally_r2_score_new(NULL, &err);
    assert_int_equal(tally_metric_state(m, "sum", &all, &err), TALLY_FAILED_PRECONDITION);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "r2_score: state \"sum\", expected sizes that a batch has decided, found none");
    FEED(m, M(2, 2, 1, 2, .1, 1), M(2, 2, 1, 2, 3, 4), NULL);
    assert_ok(tally_metric_state(m, "sum", &all, &err), &err);
    assert_true(all.rank == 1 && all.shape[0] == 2 && v[1] == 3);
    assert_bits_f64(v[0], 1 + (double).1f);
    tally_metric_release(m);
}

/* ---- one context, many metrics: recordings are shared, and everything comes back */
static void metrics_of_one_configuration_share_one_recording(void **state)
{
    (void)state;
    tally_error        err;
    tally_context     *c = tally_context_new(NULL, &err);
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.context = c;
    tally_metric *first = tally_mean_new(&o, &err);
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        o.name = name;
        tally_metric *m = tally_mean_new(&o, &err);
        for (int64_t n = 0; n < 5; n++) {
            array a = { 1, { n }, { 1, 2, 3, 4 } };
            FEED(m, &a, NULL, NULL);
        }
        assert_bits_f64(tally_metric_result(m), 20. / 10);
        tally_metric_release(m);
    }
    assert_int_equal(tally_function_traces(tally__eager(first, TALLY__VERB_UPDATE)), 1);
    assert_int_equal(tally_function_traces(tally__eager(first, TALLY__VERB_RESULT)), 1);
    FEED(first, V(1, 1), NULL, V(1, 1));
    FEED(first, M(1, 1, 1), NULL, NULL);
    assert_int_equal(tally_function_traces(tally__eager(first, TALLY__VERB_UPDATE)), 3);
    tally_metric_release(first);
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
}

static void a_context_may_go_before_its_metrics(void **state)
{
    (void)state;
    tally_error        err;
    test_memory        memory = { 0 };
    tally_context     *c = test_context(&memory, &err);
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.context = c;
    tally_metric *a = tally_mean_new(&o, &err), *b = tally_metric_clone(a, &err);
    tally_context_release(c);
    FEED(a, V(2, 1, 2), NULL, NULL);
    FEED(b, V(2, 1, 2), NULL, NULL);
    assert_bits_f64(tally_metric_result(a), 1.5);
    tally_metric_release(a);
    FEED(b, V(2, 1, .25), NULL, NULL);
    tally_metric_release(b);
    assert_int_equal(memory.blocks, 0);
}

static void metrics_of_different_contexts_may_meet(void **state)
{
    (void)state;
    tally_error         err;
    tally_metric       *m[] = { tally_mean_new(NULL, &err), tally_mean_new(NULL, &err), tally_sum_new(NULL, &err) };
    const float         v[] = { 1, 2 };
    tally_tensor        x = tally_vector(v, 2);
    const tally_tensor *operands[] = { &x };
    assert_ok(tally_metrics_update_state_n(m, 3, operands, 1, &err), &err);
    tally_metric_release(m[0]);                                   /* its context held the recording */
    assert_bits_f64(tally_metric_result(m[1]), 1.5);
    assert_ok(tally_metrics_update_state_n(m + 1, 2, operands, 1, &err), &err);
    assert_bits_f64(tally_metric_result(m[2]), 6);
    tally_metric_release(m[1]);
    tally_metric_release(m[2]);
}

static void a_steady_state_allocates_nothing(void **state)
{
    (void)state;
    tally_error        err;
    test_memory        memory = { 0 };
    tally_context     *c = test_context(&memory, &err);
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.context = c;
    tally_metric *m = tally_mean_squared_error_new(&o, &err), *mean = tally_mean_new(&o, &err);
    for (int i = 0; i < 3; i++) {
        FEED(m, V(4, 1, 2, 3, 4.5), V(4, .1, .2, .3, .4), V(4, 1, 1, .5, 2));
        (void)tally_metric_result(m);
        (void)tally_metric_is_defined(m);
        assert_int_equal(tally_metric_update_scalar(mean, .5), 0);
    }
    size_t before = memory.calls;
    for (int i = 0; i < 5; i++) {
        FEED(m, V(3, 1, 2, 3.25), V(3, .1, .2, .3), V(3, 1, 1, .5));
        (void)tally_metric_result(m);
        (void)tally_metric_is_defined(m);
        assert_int_equal(tally_metric_update_scalar(mean, .5), 0);
        tally_metric_reset_state(m);
    }
    assert_int_equal(memory.calls - before, 0);
    tally_metric_release(m);
    tally_metric_release(mean);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

/* ---- inside a body */
static void three_ways_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    tally_update_state(t, m, x);
    tally_return(t, tally_result(t, m));
    tally_reset_state(t, m);
    tally_update_state(t, m, tally_mul(x, tally_num(2)), tally_num(3));
    tally_return(t, tally_result(t, m));
    tally_return_metric(t, m);
}

/* also more than a call has room for at once, and lists of changing length */
static void a_steady_state_of_many_metrics_allocates_nothing(void **state)
{
    (void)state;
    enum { MANY = 50 };               /* a thread checker knows 64 locks at once */
    tally_error        err;
    test_memory        memory = { 0 };
    tally_context     *c = test_context(&memory, &err);
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    tally_metric      *m[MANY];
    const int          some[] = { MANY, 33, 1, 40, 0, 32 };
    o.context = c;
    for (int i = 0; i < MANY; i++)
        assert_non_null(m[i] = tally_mean_new(&o, &err));
    const float         v[] = { .5f, 1, 2.25f };
    tally_tensor        x = tally_vector(v, 3);
    const tally_tensor *operands[] = { &x };
    size_t              calls = 0;
    for (int round = 0; round < 30; round++) {
        if (round == 12)
            calls = memory.calls;
        assert_ok(tally_metrics_update_state_n(m, some[round % 6], operands, 1, &err), &err);
    }
    assert_int_equal(memory.calls, calls);
    assert_bits_f64(state_at(m[0], COUNT, 0), 75);
    assert_bits_f64(state_at(m[MANY - 1], TOTAL, 0), 18.75);
    for (int i = 0; i < MANY; i++)
        tally_metric_release(m[i]);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

static void update_read_reset_update_in_one_body(void **state)
{
    (void)state;
    tally_error     err;
    double          one, two;
    const double    v[] = { 1, 2 };
    tally_metric   *m = tally_mean_new(NULL, &err), *back = NULL;
    tally_tensor    x = tally_vector(v, 2);
    tally_function *f = tally_function_new(three_ways_body, NULL, NULL, &err);
    FEED(m, V(1, 9), NULL, NULL);
    assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_OUT(&one, &two, &back), &err), &err);
    assert_ptr_equal(back, m);
    assert_bits_f64(one, 4);
    assert_bits_f64(two, 3);
    assert_bits_f64(state_at(m, COUNT, 0), 6);
    tally_function_release(f);
    tally_metric_release(m);
}

enum { NO_OPERANDS, ABSENT_OPERAND, ABSENT_METRIC, FOREIGN_METRIC, TOO_MANY, BAD_RANK, MISUSES };
typedef struct misuse { int which; tally_metric_ref kept; } misuse;

static void misuse_body(tally_trace *t, void *user)
{
    misuse          *m = user;
    const tally_node none = { NULL, 0, 0 };
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref mse = tally_arg_metric(t, 1), nobody = { NULL, 0, 0 };
    switch (m->which) {
    case NO_OPERANDS: tally_update_state(t, mse, x); break;
    case ABSENT_OPERAND: tally_update_state(t, mse, x, none); break;
    case ABSENT_METRIC: tally_update_state(t, nobody, x, x); break;
    case FOREIGN_METRIC: tally_update_state(t, m->kept, x, x); break;
    case TOO_MANY: tally_update_state(t, mse, x, x, x, x); break;
    case BAD_RANK: tally_update_state(t, mse, x, tally_expand_dims(tally_expand_dims(x, 0), 0)); break;
    default: m->kept = mse; break;
    }
}

static void misuse_inside_names_the_users_line(void **state)
{
    (void)state;
    static const char *const text[MISUSES] = {
        "MeanSquaredError: update_state, expected 2 operands (y_true, y_pred) and at most a sample_weight, found 1",
        "update_state: argument 1, expected a node of this body, found an absent one",
        "update_state: metric, expected a reference of this body, found an absent one (all zero)",
        "update_state: metric, expected a reference of this body, found one of another",
        "MeanSquaredError: update_state, expected 2 operands (y_true, y_pred) and at most a sample_weight, found 4",
        "MeanSquaredError: y_true, expected the rank of y_pred (3) or one more or less, found rank 1" };
    tally_error     err;
    const float     v[] = { 1, 2 };
    tally_tensor    x = tally_vector(v, 2);
    misuse          m = { MISUSES, { NULL, 0, 0 } };
    tally_metric   *mse = tally_mean_squared_error_new(NULL, &err);
    tally_function *first = tally_function_new(misuse_body, &m, NULL, &err);
    assert_ok(tally_call(first, TALLY_IN(&x, mse), TALLY_NO_OUT, &err), &err);
    for (m.which = 0; m.which < MISUSES; m.which++) {
        tally_function *f = tally_function_new(misuse_body, &m, NULL, &err);
        assert_int_equal(tally_call(f, TALLY_IN(&x, mse), TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT);
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, text[m.which]);
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, "test_metric.c:");
        tally_function_release(f);
    }
    tally_function_release(first);
    tally_metric_release(mse);
}

static void sizes_body(tally_trace *t, void *user)
{
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 2), tally_arg(t, 0), tally_arg(t, 1));
}

static void what_fails_in_a_class_is_told_at_the_users_line(void **state)
{
    (void)state;
    tally_error     err;
    const float     v[6] = { 0 };
    const int32_t   ids[3] = { 0, 5, 0 };
    tally_tensor    y = tally_vector(ids, 3), y2 = tally_vector(ids, 2), p = tally_matrix(v, 3, 2);
    tally_metric   *m = tally_sparse_categorical_crossentropy_new(NULL, &err);
    tally_function *f = tally_function_new(sizes_body, NULL, NULL, &err);
    assert_int_equal(tally_call(f, TALLY_IN(&y, &p, m), TALLY_NO_OUT, &err), TALLY_OUT_OF_RANGE);
    assert_error_has(&err, TALLY_OUT_OF_RANGE, "SparseCategoricalCrossentropy: class_ids: row 1, expected a class id from 0 to 1, found 5");
    assert_error_has(&err, TALLY_OUT_OF_RANGE, "test_metric.c:");
    assert_int_equal(tally_call(f, TALLY_IN(&y2, &p, m), TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "SparseCategoricalCrossentropy: ");
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "test_metric.c:");
    tally_function_release(f);
    tally_metric_release(m);
}

/* ---- the table */
static bool must_be_given(const tally__metric_row *row)
{
    for (const tally__option *o = NULL; (o = tally__option_next(row, o));)
        if (!o->face.standard[0])
            return true;
    return false;
}

static void every_row_of_the_table_makes_its_metric(void **state)
{
    int i = 0;
    (void)state;
    for (; i < TALLY__METRICS; i++) {
        const tally__metric_row *row = &tally__metric_table[i];
        assert_ptr_equal(tally__metric_row_of(row->keras_name), row);
        assert_ptr_equal(tally__metric_row_of(row->name), row);
    }
    assert_null(tally__metric_row_of("Nobody"));
    assert_null(tally__metric_row_of(NULL));
    i = 0;
#define METRIC(keras, constructor, name, others, family, operands, ...)                                                             \
    if (must_be_given(&tally__metric_table[i])) {                                                                                  \
        assert_null(tally_##constructor##_new(NULL, NULL));                                                                        \
        i++;                                                                                                                       \
    } else {                                                                                                                       \
        tally_metric *m = tally_##constructor##_new(NULL, NULL);                                                                   \
        assert_non_null(m);                                                                                                        \
        assert_string_equal(tally_metric_name(m), #name);                                                                          \
        assert_string_equal(tally__store_of_metric(m)->schema->class_name, #keras);                                                \
        assert_int_equal(tally__class_of(tally__store_of_metric(m)->schema)->face.n_operands, 1 + (TALLY_OPERANDS_##operands > 0)); \
        if (!tally__store_of_metric(m)->cell[tally__metric_table[i].n_states - 1].open)                                            \
            assert_bits_f64(tally_metric_result(m), 0);                                                                            \
        tally_metric_release(m);                                                                                                   \
        i++;                                                                                                                       \
    }
#include "../../src/metric/metric.def"
#undef METRIC
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_takes_null),
        cmocka_unit_test(operands_that_are_wrong_are_named_by_role),
        cmocka_unit_test(a_metric_has_the_name_it_was_given_or_keras_default),
        cmocka_unit_test(options_that_no_initializer_made_are_refused),
        cmocka_unit_test(options_of_another_version_keep_what_they_have),
        cmocka_unit_test(many_metrics_take_one_pass),
        cmocka_unit_test(one_number_goes_the_same_way_as_an_update),
        cmocka_unit_test(snapshots_clones_and_merges_are_of_their_own),
        cmocka_unit_test(bytes_come_back_and_foreign_ones_do_not),
        cmocka_unit_test(a_value_says_whether_it_exists),
        cmocka_unit_test(values_need_room),
        cmocka_unit_test(a_state_is_read_by_its_name),
        cmocka_unit_test(metrics_of_one_configuration_share_one_recording),
        cmocka_unit_test(a_context_may_go_before_its_metrics),
        cmocka_unit_test(metrics_of_different_contexts_may_meet),
        cmocka_unit_test(a_steady_state_allocates_nothing),
        cmocka_unit_test(a_steady_state_of_many_metrics_allocates_nothing),
        cmocka_unit_test(update_read_reset_update_in_one_body),
        cmocka_unit_test(misuse_inside_names_the_users_line),
        cmocka_unit_test(what_fails_in_a_class_is_told_at_the_users_line),
        cmocka_unit_test(every_row_of_the_table_makes_its_metric),
    };
    return cmocka_run_group_tests_name("metric/metric", tests, NULL, NULL);
}
