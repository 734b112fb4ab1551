/* Every misuse has its status and one line of text that names the metric or op, the argument, what was expected and what
 * was found, and inside a body the user's file and line; nothing has changed. */
#include "../support.h"

#include <tally/tally.h>

static tally_error err;

typedef struct expected {
    tally_status status;
    const char  *part[5];
} expected;

static void judged(const char *what, tally_status got, const expected *e)
{
    bool right = got == e->status && err.status == e->status && err.text[0] && !strchr(err.text, '\n') && memchr(err.text, 0, sizeof err.text);
    for (int k = 0; k < 5 && e->part[k]; k++)
        right = right && strstr(err.text, e->part[k]);
    if (right)
        return;
    print_error("%s: %s \"%s\", expected %s with", what, tally_status_name(got), err.text, tally_status_name(e->status));
    for (int k = 0; k < 5 && e->part[k]; k++)
        print_error(" \"%s\"", e->part[k]);
    print_error("\n");
    fail();
}

/* ---- eager verbs ---- */

static void update_refused(tally_metric *m, const tally_tensor *const *x, int n, const char *what, expected e)
{
    unsigned char before[2048], after[2048];
    size_t        size = tally_metric_pack(m, before, sizeof before);
    err.status = -1;
    judged(what, tally_metric_update_state_n(m, x, n, &err), &e);
    assert_int_equal(tally_metric_pack(m, after, sizeof after), size);
    assert_memory_equal(before, after, size);
}

static const float   p6[6] = { .1f, .9f, .2f, .8f, .3f, .7f };
static const int32_t y3[3] = { 0, 1, 1 };

static void eager_updates_name_metric_argument_expected_and_found(void **state)
{
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    tally_tensor p2 = tally_matrix(p6, 3, 2), p1 = tally_vector(p6, 6), y1 = tally_vector(y3, 3), y2 = tally_vector(y3, 2), bad = p1;
    (void)state;
    o.name = "top1";
    tally_metric *sparse = tally_sparse_categorical_accuracy_new(NULL, &err), *named = tally_accuracy_new(&o, &err), *mean = tally_mean_new(NULL, &err);
    const tally_tensor *rank[] = { &y1, &p1 }, *null[] = { &y1, NULL }, *dtype[] = { &p1, &p2 }, *sizes[] = { &y2, &p2 }, *one[] = { &y1 }, *four[] = { &y1, &p2, &y1, &y1 };
    update_refused(sparse, null, 2, "a NULL operand", (expected){ TALLY_INVALID_ARGUMENT, { "sparse_categorical_accuracy", "y_pred", "NULL" } });
    update_refused(sparse, dtype, 2, "float labels of another rank", (expected){ TALLY_INVALID_ARGUMENT, { "sparse_categorical_accuracy", "expected", "found" } });
    update_refused(sparse, sizes, 2, "2 labels, 3 rows", (expected){ TALLY_INVALID_ARGUMENT, { "sparse_categorical_accuracy", "2", "3" } });
    update_refused(sparse, one, 1, "an operand is missing", (expected){ TALLY_INVALID_ARGUMENT, { "sparse_categorical_accuracy", "expected", "2", "1" } });
    update_refused(sparse, four, 4, "an operand too many", (expected){ TALLY_INVALID_ARGUMENT, { "sparse_categorical_accuracy", "expected", "4" } });
    update_refused(sparse, NULL, 2, "no operands", (expected){ TALLY_INVALID_ARGUMENT, { "sparse_categorical_accuracy" } });
    update_refused(sparse, rank, -1, "a negative number of operands", (expected){ TALLY_INVALID_ARGUMENT, { "sparse_categorical_accuracy" } });
    update_refused(named, sizes, 2, "a metric with a name", (expected){ TALLY_INVALID_ARGUMENT, { "top1" } });
    const tally_tensor *view[] = { &bad };
    bad.dtype = 99;
    update_refused(mean, view, 1, "no dtype", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "values", "dtype", "99" } });
    bad = p1;
    bad.rank = 7;
    update_refused(mean, view, 1, "rank 7", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "values", "rank", "7" } });
    bad = p1;
    bad.rank = -1;
    update_refused(mean, view, 1, "rank -1", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "values", "rank", "-1" } });
    bad = p1;
    bad.shape[0] = -6;
    update_refused(mean, view, 1, "a negative size", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "values", "-6" } });
    bad = p1;
    bad.data = NULL;
    update_refused(mean, view, 1, "no data", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "values" } });
    bad = p1;
    bad.data = (const char *)p6 + 1;
    bad.shape[0] = 3;
    update_refused(mean, view, 1, "data between elements", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "values", "align" } });
    bad = p1;
    bad.shape[0] = INT64_MAX;
    update_refused(mean, view, 1, "more elements than memory", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "values" } });
    bad = p1;
    bad.stride[0] = INT64_MAX / 2;
    update_refused(mean, view, 1, "a stride out of memory", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "values" } });
    const tally_tensor *weight[] = { &p1, &y1 };
    update_refused(mean, weight, 2, "3 weights for 6", (expected){ TALLY_INVALID_ARGUMENT, { "mean", "3", "6" } });
    judged("no metric", tally_metric_update_state_n(NULL, rank, 2, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "update_state", "NULL" } });
    tally_metric *list[2] = { mean, NULL };
    judged("a NULL in a list of metrics", tally_metrics_update_state_n(list, 2, view, 1, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "update_state", "NULL" } });
    assert_int_equal(tally_metric_update_state_n(mean, weight, 2, NULL), TALLY_INVALID_ARGUMENT);
    tally_metric_release(sparse);
    tally_metric_release(named);
    tally_metric_release(mean);
}

static void every_verb_takes_null(void **state)
{
    double        v = 7;
    int64_t       shape[TALLY_MAX_RANK];
    tally_metric *none = NULL, *out = NULL, *mean = tally_mean_new(NULL, &err);
    tally_buffer  b = tally_buffer_of(&v, 1);
    tally_tensor  x = tally_scalar(&v);
    char          text[8];
    (void)state;
    assert_true(isnan(tally_metric_result(NULL)));
    assert_int_equal(tally_metric_result_shape(NULL, shape), -1);
    assert_int_equal(tally_metric_values(NULL, &v, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_values(mean, NULL, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_is_defined(NULL), 0);
    assert_int_equal(tally_metric_skipped(NULL), -1);
    assert_int_equal(tally_metric_update_scalar(NULL, 1), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metrics_snapshot(&none, 1, &out, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metrics_snapshot(NULL, 1, &out, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metrics_snapshot(&mean, 1, NULL, &err), TALLY_INVALID_ARGUMENT);
    tally_metric_reset_state(NULL);
    assert_int_equal(tally_metric_merge_state(NULL, &mean, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_merge_state(mean, &none, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_merge_state(mean, NULL, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_null(tally_metric_clone(NULL, &err));
    assert_int_equal(err.status, TALLY_INVALID_ARGUMENT);
    assert_null(tally_metric_retain(NULL));
    tally_metric_release(NULL);
    (void)tally_metric_name(NULL);
    assert_int_equal(tally_metric_pack(NULL, NULL, 0), 0);
    assert_int_equal(tally_metric_unpack(NULL, "", 0, &err), TALLY_INVALID_ARGUMENT);
    assert_int_not_equal(tally_metric_unpack(mean, NULL, 8, &err), TALLY_OK);
    assert_null(tally_variable_new(NULL, NULL, &err));
    assert_int_equal(err.status, TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_variable_read(NULL, &b, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_variable_assign(NULL, &x, &err), TALLY_INVALID_ARGUMENT);
    assert_null(tally_variable_retain(NULL));
    tally_variable_release(NULL);
    assert_null(tally_function_new(NULL, NULL, NULL, &err));
    assert_int_equal(err.status, TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_call(NULL, NULL, 0, NULL, 0, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_function_prepare(NULL, NULL, 0, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_function_traces(NULL), 0);
    assert_int_equal(tally_function_dump(NULL, 0, text, sizeof text), 0);
    assert_int_equal(tally_function_dot(NULL, 0, 0, text, sizeof text, &err), 0);
    assert_int_equal(err.status, TALLY_INVALID_ARGUMENT);
    err.status = 0;
    assert_int_equal(tally_function_describe(NULL, text, sizeof text, &err), 0);
    assert_int_equal(err.status, TALLY_INVALID_ARGUMENT);
    assert_null(tally_function_retain(NULL));
    tally_function_release(NULL);
    assert_null(tally_context_retain(NULL));
    tally_context_release(NULL);
    assert_int_equal(tally_context_bytes(NULL), 0);
    tally_context_trim(NULL);
    assert_bits_f64(tally_metric_result(mean), 0);
    tally_metric_release(mean);
}

static void metrics_of_different_classes_do_not_merge_or_unpack(void **state)
{
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    const double            at[1] = { .7 };
    unsigned char           bytes[2048];
    (void)state;
    o.thresholds = at;
    o.n_thresholds = 1;
    o.name = "strict";
    tally_metric *mean = tally_mean_new(NULL, &err), *sum = tally_sum_new(NULL, &err), *a = tally_precision_new(NULL, &err), *b = tally_precision_new(&o, &err);
    judged("Sum into Mean", tally_metric_merge_state(mean, &sum, 1, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "mean", "sum" } });
    judged("another threshold", tally_metric_merge_state(a, &b, 1, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "precision", "strict" } });
    size_t n = tally_metric_pack(sum, bytes, sizeof bytes);
    judged("bytes of Sum for Mean", tally_metric_unpack(mean, bytes, n, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "mean" } });
    n = tally_metric_pack(b, bytes, sizeof bytes);
    judged("bytes of another threshold", tally_metric_unpack(a, bytes, n, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "precision" } });
    n = tally_metric_pack(a, bytes, sizeof bytes);
    judged("bytes cut short", tally_metric_unpack(a, bytes, n - 1, &err), &(expected){ TALLY_DATA_LOSS, { "precision" } });
    bytes[n / 2] ^= 1;
    judged("a turned bit", tally_metric_unpack(a, bytes, n, &err), &(expected){ TALLY_DATA_LOSS, { "precision" } });
    tally_metric_release(mean);
    tally_metric_release(sum);
    tally_metric_release(a);
    tally_metric_release(b);
}

/* ---- options ---- */

static void refused_options(tally_metric *m, const char *what, expected e)
{
    tally_status s = m ? TALLY_OK : err.status;
    tally_metric_release(m);
    judged(what, s, &e);
}

static void options_out_of_bounds_are_refused_by_name(void **state)
{
    tally_threshold_options    t = TALLY_THRESHOLD_OPTIONS_INIT;
    tally_crossentropy_options c = TALLY_CROSSENTROPY_OPTIONS_INIT;
    tally_mean_options         m = TALLY_MEAN_OPTIONS_INIT;
    tally_function_options     f = TALLY_FUNCTION_OPTIONS_INIT;
    const double               high[2] = { .5, 1.5 }, nan_one[1] = { NAN };
    (void)state;
    err.status = 0;
    t.thresholds = high;
    t.n_thresholds = 2;
    refused_options(tally_precision_new(&t, &err), "a threshold above 1", (expected){ TALLY_INVALID_ARGUMENT, { "thresholds", "1.5" } });
    t.thresholds = nan_one;
    t.n_thresholds = 1;
    refused_options(tally_recall_new(&t, &err), "a threshold that is NaN", (expected){ TALLY_INVALID_ARGUMENT, { "thresholds" } });
    t.n_thresholds = -1;
    refused_options(tally_recall_new(&t, &err), "a negative number of thresholds", (expected){ TALLY_INVALID_ARGUMENT, { "thresholds" } });
    t.thresholds = NULL;
    t.n_thresholds = 3;
    refused_options(tally_recall_new(&t, &err), "no thresholds though 3 are said", (expected){ TALLY_INVALID_ARGUMENT, { "thresholds" } });
    t = (tally_threshold_options)TALLY_THRESHOLD_OPTIONS_INIT;
    t.top_k = 0;
    refused_options(tally_precision_new(&t, &err), "top_k 0", (expected){ TALLY_INVALID_ARGUMENT, { "top_k", "0" } });
    m.reduction = 9;
    refused_options(tally_mean_new(&m, &err), "an unknown reduction", (expected){ TALLY_INVALID_ARGUMENT, { "reduction", "9" } });
    m = (tally_mean_options)TALLY_MEAN_OPTIONS_INIT;
    m.nan = 17;
    refused_options(tally_mean_new(&m, &err), "an unknown NaN policy", (expected){ TALLY_INVALID_ARGUMENT, { "nan", "17" } });
    m = (tally_mean_options)TALLY_MEAN_OPTIONS_INIT;
    m.size = 0;
    refused_options(tally_mean_new(&m, &err), "options without size", (expected){ TALLY_INVALID_ARGUMENT, { "size" } });
    c.label_smoothing = NAN;
    refused_options(tally_binary_crossentropy_new(&c, &err), "smoothing that is NaN", (expected){ TALLY_INVALID_ARGUMENT, { "label_smoothing" } });
    f.max_traces = 0;
    err.status = 0;
    tally_function *fn = tally_function_new((tally_body)NULL, NULL, &f, &err);
    assert_null(fn);
}

/* ---- bodies: one misuse each ---- */

typedef struct misuse {
    const char *what;
    int         line;                                       /* of the mistake; 0: of the call */
    tally_metric   *metric;
    tally_variable *variable;
} misuse;

#define MISTAKE(u) ((u)->line = __LINE__)

static void bad_dtype(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    MISTAKE(u); tally_node y = tally_add(x, tally_cast(x, TALLY_F64));
    tally_return(t, tally_reduce_sum(y));
}

static void bad_rank(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0);
    MISTAKE(u); tally_node y = tally_matmul(tally_reduce_sum(x), x);
    tally_update_state(t, tally_arg_metric(t, 1), y);
    tally_return(t, tally_reduce_sum(y));
}

static void bad_axis(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0);
    MISTAKE(u); tally_node y = tally_sum(x, 1);
    tally_update_state(t, tally_arg_metric(t, 1), y);
    tally_return(t, y);
}

static void bad_logic(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0);
    MISTAKE(u); tally_node y = tally_and(x, x);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    tally_return(t, tally_reduce_sum(tally_cast(y, TALLY_F32)));
}

static void bad_fixed_sizes(tally_trace *t, void *user)
{
    static const float three[3] = { 1, 2, 3 }, four[4] = { 1, 2, 3, 4 };
    misuse            *u = user;
    tally_tensor       a = tally_vector(three, 3), b = tally_vector(four, 4);
    tally_node         x = tally_capture_tensor(t, &a), y = tally_capture_tensor(t, &b);
    MISTAKE(u); tally_node z = tally_mul(x, y);
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
    tally_return(t, tally_reduce_sum(z));
}

static void bad_kind(tally_trace *t, void *user)
{
    misuse *u = user;
    MISTAKE(u); tally_node x = tally_arg(t, 1);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    tally_return(t, x);
}

static void bad_metric_kind(tally_trace *t, void *user)
{
    misuse *u = user;
    MISTAKE(u); tally_metric_ref m = tally_arg_metric(t, 0);
    tally_update_state(t, m, tally_arg(t, 1));
    tally_return(t, tally_result(t, m));
}

static void bad_index(tally_trace *t, void *user)
{
    misuse *u = user;
    MISTAKE(u); tally_node x = tally_arg(t, 7);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    tally_return(t, x);
}

static void bad_condition(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    MISTAKE(u); TALLY_IF(t, tally_gt(x, tally_num(0))) { tally_update_state(t, m, x); }
    tally_return(t, tally_reduce_sum(x));
}

static void bad_loop_condition(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    MISTAKE(u); TALLY_WHILE(t, i, &i) { tally_update_state(t, m, x); i = tally_add(i, tally_num(1)); }
    tally_return(t, tally_reduce_sum(x));
}

static void bad_loop_type(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0), i = tally_i64(t, 0), v = tally_f32(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    MISTAKE(u); TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i, &v) {
        tally_update_state(t, m, x);
        v = x;
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, tally_reduce_sum(x));
}

static void bad_absent(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0), none = { NULL, 0, 0 };
    tally_update_state(t, tally_arg_metric(t, 1), x);
    MISTAKE(u); x = tally_add(x, none);
    tally_return(t, tally_reduce_sum(x));
}

static void bad_return(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = tally_add(i, tally_num(1));
        MISTAKE(u); tally_return(t, i);
    }
}

static void bad_number(tally_trace *t, void *user)
{
    misuse *u = user;
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
    MISTAKE(u); tally_return(t, tally_add(tally_num(1), tally_num(2)));
}

static void bad_assigned(tally_trace *t, void *user)
{
    misuse            *u = user;
    tally_variable_ref v = tally_capture_variable(t, u->variable);
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
    MISTAKE(u); tally_assign(t, v, tally_cast(tally_read(t, v), TALLY_I32));
    tally_return(t, tally_i64(t, 0));
}

static void bad_capture(tally_trace *t, void *user)
{
    misuse *u = user;
    MISTAKE(u); tally_metric_ref m = tally_capture_metric(t, NULL);
    tally_update_state(t, m, tally_arg(t, 0));
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
    tally_return(t, tally_result(t, m));
}

static void bad_operands(tally_trace *t, void *user)
{
    misuse    *u = user;
    tally_node x = tally_arg(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    MISTAKE(u); tally_update_state(t, m, x, x, x, x);
    tally_return(t, tally_reduce_sum(x));
}

static void bad_fraction(tally_trace *t, void *user)
{
    misuse *u = user;
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
    MISTAKE(u); tally_return(t, tally_add(tally_i64(t, 1), tally_num(.5)));
}

typedef struct body_case {
    tally_body body;
    expected   e;
} body_case;

static void mistakes_in_a_body_are_told_with_their_line(void **state)
{
    const body_case cases[] = {
        { bad_dtype, { TALLY_INVALID_ARGUMENT, { "add", "float32", "float64" } } },
        { bad_rank, { TALLY_INVALID_ARGUMENT, { "matmul", "rank" } } },
        { bad_axis, { TALLY_INVALID_ARGUMENT, { "sum", "axis", "1" } } },
        { bad_logic, { TALLY_INVALID_ARGUMENT, { "and", "bool", "float32" } } },
        { bad_fixed_sizes, { TALLY_INVALID_ARGUMENT, { "mul", "3", "4" } } },
        { bad_kind, { TALLY_INVALID_ARGUMENT, { "argument 1", "tensor", "metric" } } },
        { bad_metric_kind, { TALLY_INVALID_ARGUMENT, { "argument 0", "metric", "tensor" } } },
        { bad_index, { TALLY_INVALID_ARGUMENT, { "argument 7" } } },
        { bad_condition, { TALLY_INVALID_ARGUMENT, { "if", "bool", "rank" } } },
        { bad_loop_condition, { TALLY_INVALID_ARGUMENT, { "while", "bool", "int64" } } },
        { bad_loop_type, { TALLY_INVALID_ARGUMENT, { "while", "rank 0", "rank 1" } } },
        { bad_absent, { TALLY_INVALID_ARGUMENT, { "add", "argument 1" } } },
        { bad_return, { TALLY_INVALID_ARGUMENT, { "return" } } },
        { bad_number, { TALLY_INVALID_ARGUMENT, { "return" } } },
        { bad_assigned, { TALLY_INVALID_ARGUMENT, { "assign", "float64", "int32" } } },
        { bad_capture, { TALLY_INVALID_ARGUMENT, { "NULL" } } },
        { bad_operands, { TALLY_INVALID_ARGUMENT, { "Mean", "1", "4" } } },
        { bad_fraction, { TALLY_INVALID_ARGUMENT, { "add", "0.5", "int64" } } },
    };
    const double   start = 0;
    const float    data[3] = { 1, 2, 3 };
    tally_tensor   s = tally_scalar(&start), x = tally_vector(data, 3);
    misuse         u = { NULL, 0, NULL, tally_variable_new(NULL, &s, &err) };
    tally_metric  *m = tally_mean_new(NULL, &err);
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        tally_function *f = tally_function_new(cases[k].body, &u, NULL, &err);
        double          out;
        char            what[64], place[64];
        for (int again = 0; again < 2; again++) {           /* a failed trace is not kept: the next call fails the same way */
            err.status = -1;
            tally_status got = tally_call(f, TALLY_IN(&x, m), TALLY_OUT(&out), &err);
            snprintf(what, sizeof what, "mistake %zu", k);
            judged(what, got, &cases[k].e);
            snprintf(place, sizeof place, "test_errors.c:%d", u.line);
            if (!strstr(err.text, place)) {
                print_error("mistake %zu: \"%s\" does not name %s\n", k, err.text, place);
                fail();
            }
            assert_bits_f64(tally_metric_result(m), 0);
            assert_int_equal(tally_function_traces(f), 0);
        }
        tally_function_release(f);
    }
    tally_variable_release(u.variable);
    tally_metric_release(m);
}

/* ---- calls ---- */

static void pair_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node x = tally_arg(t, 0), y = tally_arg(t, 1);
    tally_update_state(t, tally_arg_metric(t, 2), x);
    tally_return(t, tally_add(x, y));
    tally_return(t, tally_reduce_sum(x));
}

static void calls_are_checked_before_anything_happens(void **state)
{
    const float     a[4] = { 1, 2, 3, 4 }, b[5] = { 1, 2, 3, 4, 5 };
    float           out[8];
    double          sum;
    int64_t         whole;
    tally_tensor    x = tally_vector(a, 4), y = tally_vector(b, 4), z = tally_vector(b, 5);
    tally_metric   *m = tally_mean_new(NULL, &err), *back = NULL;
    tally_function *f = tally_function_new(pair_body, NULL, NULL, &err);
    tally_buffer    o = tally_buffer_of(out, 8), small = tally_buffer_of(out, 3), other = tally_buffer_of(&sum, 1), none = { NULL, TALLY_F32, 0, 8, { 0 } };
    (void)state;
    assert_ok(tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&o, &sum), &err), &err);
    tally_metric_reset_state(m);
    judged("sizes", tally_call(f, TALLY_IN(&x, &z, m), TALLY_OUT(&o, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "test_errors.c:", "add", "4", "5" } });
    judged("an argument too few", tally_call(f, TALLY_IN(&x, &y), TALLY_OUT(&o, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "2" } });
    judged("an argument too many", tally_call(f, TALLY_IN(&x, &y, m, m), TALLY_OUT(&o, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "3", "4" } });
    judged("an output too few", tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&o), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "2", "1" } });
    judged("an output too many", tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&o, &sum, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "2", "3" } });
    judged("a small buffer", tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&small, &sum), &err), &(expected){ TALLY_OUT_OF_RANGE, { "4", "3" } });
    judged("a buffer of another dtype", tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&other, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "float32", "float64" } });
    judged("a scalar for a vector", tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&sum, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "rank" } });
    judged("an int64 for a float", tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&o, &whole), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "int64", "float32" } });
    judged("a metric for a number", tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&o, &back), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "metric" } });
    judged("a buffer without data", tally_call(f, TALLY_IN(&x, &y, m), TALLY_OUT(&none, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "output 0" } });
    tally_tensor inside = tally_vector(out + 2, 4);
    for (int k = 0; k < 8; k++)
        out[k] = (float)k;
    judged("an output over an input", tally_call(f, TALLY_IN(&inside, &y, m), TALLY_OUT(&o, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "overlap" } });
    for (int k = 0; k < 8; k++)
        assert_bits_f32(out[k], (float)k);                  /* the library never writes to an input */
    double one[2];
    tally_value in[3] = { tally__in_tensor(&x), tally__in_tensor(&y), tally__in_metric(m) };
    in[1].kind = 77;
    judged("an unknown kind", tally_call(f, in, 3, TALLY_OUT(&o, &one[0]), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "argument 1", "kind" } });
    in[1] = tally__in_tensor(NULL);
    judged("a NULL tensor", tally_call(f, in, 3, TALLY_OUT(&o, &one[0]), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "argument 1", "NULL" } });
    in[1] = tally__in_tensor(&y);
    in[2] = tally__in_metric(NULL);
    judged("a NULL metric", tally_call(f, in, 3, TALLY_OUT(&o, &one[0]), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "argument 2", "NULL" } });
    judged("no arguments though 3 are said", tally_call(f, NULL, 3, TALLY_OUT(&o, &one[0]), &err), &(expected){ TALLY_INVALID_ARGUMENT, { NULL } });
    judged("a negative number of arguments", tally_call(f, in, -3, TALLY_OUT(&o, &one[0]), &err), &(expected){ TALLY_INVALID_ARGUMENT, { NULL } });
    in[2] = tally__in_metric(m);
    judged("no outputs though 2 are said", tally_call(f, in, 3, NULL, 2, &err), &(expected){ TALLY_INVALID_ARGUMENT, { NULL } });
    assert_bits_f64(tally_metric_result(m), 0);
    assert_ok(tally_call(f, in, 3, NULL, 0, &err), &err);   /* no outputs at all is fine */
    assert_bits_f64(tally_metric_result(m), 2.5);
    tally_metric_release(m);
    tally_function_release(f);
}

static int update_line;

static void update_pair_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node x = tally_arg(t, 0), y = tally_arg(t, 1), i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 2);
    TALLY_WHILE(t, tally_lt(i, tally_num(2)), &i) {
        update_line = __LINE__ + 1;
        tally_update_state(t, m, x, y);
        i = tally_add(i, tally_num(1));
    }
}

/* what goes wrong inside a metric is told with the line of the user's own update, and the metric's name */
static void sizes_and_ids_that_a_metric_refuses_name_the_line_of_the_update(void **state)
{
    const float        p[8] = { .1f, .9f, .2f, .8f, .3f, .7f, .5f, .5f };
    const int          y[4] = { 0, 1, 5, 1 };
    tally_tensor       five = tally_vector(p, 5), four = tally_vector(p, 4), rows = tally_matrix(p, 4, 2), ids = tally_vector(y, 4), few = tally_vector(y, 3);
    tally_metric      *acc = tally_accuracy_new(NULL, &err), *loss = tally_sparse_categorical_crossentropy_new(NULL, &err), *mean = tally_mean_new(NULL, &err);
    tally_function    *f = tally_function_new(update_pair_body, NULL, NULL, &err);
    char               place[64];
    tally_status       s = tally_call(f, TALLY_IN(&five, &four, acc), TALLY_NO_OUT, &err);
    (void)state;
    snprintf(place, sizeof place, "test_errors.c:%d", update_line);
    judged("sizes", s, &(expected){ TALLY_INVALID_ARGUMENT, { "ccuracy", "4", "5", place } });
    judged("labels", tally_call(f, TALLY_IN(&few, &rows, loss), TALLY_NO_OUT, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "parse", "3", "4", place } });
    judged("an id", tally_call(f, TALLY_IN(&ids, &rows, loss), TALLY_NO_OUT, &err), &(expected){ TALLY_OUT_OF_RANGE, { "parse", "5", "2", place } });
    judged("weights", tally_call(f, TALLY_IN(&five, &four, mean), TALLY_NO_OUT, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "ean", "4", "5", place } });
    judged("ranks", tally_call(f, TALLY_IN(&rows, &ids, loss), TALLY_NO_OUT, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "parse", "rank", place } });
    assert_bits_f64(tally_metric_result(acc), 0);
    assert_bits_f64(tally_metric_result(loss), 0);
    assert_bits_f64(tally_metric_result(mean), 0);
    tally_metric_release(acc);
    tally_metric_release(loss);
    tally_metric_release(mean);
    tally_function_release(f);
}

/* the text of a mistake survives names of any length: place, expected and found stay */
static void long_names_lose_their_middle_only(void **state)
{
    char                   name[400];
    tally_mean_options     mo = TALLY_MEAN_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    const float            a[4] = { 1, 2, 3, 4 }, b[5] = { 1, 2, 3, 4, 5 };
    tally_tensor           x = tally_vector(a, 4), z = tally_vector(b, 5);
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    mo.name = fo.name = name;
    tally_metric   *m = tally_mean_new(&mo, &err);
    tally_function *f = tally_function_new(pair_body, NULL, &fo, &err);
    double          sum;
    float           out[8];
    tally_buffer    o = tally_buffer_of(out, 8);
    assert_string_equal(tally_metric_name(m), name);
    judged("sizes, with a long name", tally_call(f, TALLY_IN(&x, &z, m), TALLY_OUT(&o, &sum), &err), &(expected){ TALLY_INVALID_ARGUMENT, { "test_errors.c:", "4", "5", "expected" } });
    const tally_tensor *operands[2] = { &x, &z };
    judged("weights, with a long name", tally_metric_update_state_n(m, operands, 2, &err), &(expected){ TALLY_INVALID_ARGUMENT, { "4", "5", "expected" } });
    tally_metric_release(m);
    tally_function_release(f);
}

/* a success does not touch the caller's error, a NULL error is fine */
static void errors_are_written_on_failure_only(void **state)
{
    tally_error   mine, copy;
    const float   a[4] = { 1, 2, 3, 4 };
    tally_tensor  x = tally_vector(a, 4);
    tally_metric *m = tally_mean_new(NULL, NULL);
    (void)state;
    memset(&mine, 0x5a, sizeof mine);
    copy = mine;
    const tally_tensor *in[1] = { &x };
    assert_int_equal(tally_metric_update_state_n(m, in, 1, &mine), TALLY_OK);
    assert_memory_equal(&mine, &copy, sizeof mine);
    assert_int_equal(tally_metric_update_state_n(m, in, 0, NULL), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_update_state_n(m, in, 0, &mine), TALLY_INVALID_ARGUMENT);
    assert_int_equal(mine.status, TALLY_INVALID_ARGUMENT);
    assert_int_equal(sizeof(tally_error), 256);
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eager_updates_name_metric_argument_expected_and_found),
        cmocka_unit_test(every_verb_takes_null),
        cmocka_unit_test(metrics_of_different_classes_do_not_merge_or_unpack),
        cmocka_unit_test(options_out_of_bounds_are_refused_by_name),
        cmocka_unit_test(mistakes_in_a_body_are_told_with_their_line),
        cmocka_unit_test(calls_are_checked_before_anything_happens),
        cmocka_unit_test(sizes_and_ids_that_a_metric_refuses_name_the_line_of_the_update),
        cmocka_unit_test(long_names_lose_their_middle_only),
        cmocka_unit_test(errors_are_written_on_failure_only),
    };
    return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
