/* What the abstraction promises, point by point: one test for each line of the checklist. */
#include "../support.h"

#include <pthread.h>
#include <setjmp.h>

#include <tally/tally.h>

static tally_error err;

static tally_function *function_of(tally_body body, void *user)
{
    tally_function *f = tally_function_new(body, user, NULL, &err);
    assert_non_null(f);
    return f;
}

static tally_metric *mean_new(void)
{
    tally_metric *m = tally_mean_new(NULL, &err);
    assert_non_null(m);
    return m;
}

static void same_state(const tally_metric *a, const tally_metric *b)
{
    unsigned char x[4096], y[4096];
    size_t        n = tally_metric_pack(a, x, sizeof x);
    assert_true(n && n <= sizeof x);
    assert_int_equal(tally_metric_pack(b, y, sizeof y), n);
    assert_memory_equal(x, y, n);
}

static const float five[5] = { 1, 2, 3, 4, 5 };

static void update_body(tally_trace *t, void *user)
{
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
}

/* 1 */
static void one_trace_serves_every_size_and_every_instance(void **state)
{
    static const size_t sizes[] = { 0, 1, 7, 4096 };
    static float        data[4096];
    tally_function     *f = function_of(update_body, NULL);
    (void)state;
    for (size_t k = 0; k < 4096; k++)
        data[k] = (float)k;
    for (int k = 0; k < 8; k++) {
        tally_metric *m = mean_new();
        tally_tensor  x = tally_vector(data, sizes[k % 4]);
        assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_NO_OUT, &err), &err);
        assert_bits_f64(tally_metric_result(m), sizes[k % 4] ? (double)(sizes[k % 4] - 1) / 2 : 0);
        assert_int_equal(tally_function_traces(f), 1);
        tally_metric_release(m);
    }
    double        wide[2] = { 1, 2 };
    tally_tensor  x = tally_vector(wide, 2), y = tally_matrix(data, 2, 3);
    tally_metric *m = mean_new(), *sum = tally_sum_new(NULL, &err);
    assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_NO_OUT, &err), &err);       /* another dtype, rank, class: a trace each */
    assert_int_equal(tally_function_traces(f), 2);
    assert_ok(tally_call(f, TALLY_IN(&y, m), TALLY_NO_OUT, &err), &err);
    assert_int_equal(tally_function_traces(f), 3);
    assert_ok(tally_call(f, TALLY_IN(&y, sum), TALLY_NO_OUT, &err), &err);
    assert_int_equal(tally_function_traces(f), 4);
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.reduction = TALLY_REDUCE_ELEMENTS;
    tally_metric *other = tally_mean_new(&o, &err);
    assert_ok(tally_call(f, TALLY_IN(&y, other), TALLY_NO_OUT, &err), &err);   /* another configuration */
    assert_int_equal(tally_function_traces(f), 5);
    tally_metric_release(m);
    tally_metric_release(sum);
    tally_metric_release(other);
    tally_function_release(f);
}

/* 2 and 3 */
typedef struct alias_user {
    tally_metric *captured;
} alias_user;

static void alias_body(tally_trace *t, void *user)
{
    const alias_user *u = user;
    tally_node        x = tally_arg(t, 0);
    tally_metric_ref  a = tally_arg_metric(t, 1), b = u->captured ? tally_capture_metric(t, u->captured) : tally_arg_metric(t, 2);
    tally_update_state(t, a, x);
    tally_node before = tally_result(t, b);
    tally_update_state(t, b, tally_square(x));
    tally_reset_state(t, a);
    tally_update_state(t, a, tally_add(tally_reduce_sum(x), tally_cast(before, TALLY_F32)));
    tally_return(t, tally_result(t, b));
}

static double alias_eager(tally_metric *a, tally_metric *b)
{
    static const float squares[5] = { 1, 4, 9, 16, 25 };
    tally_tensor       x = tally_vector(five, 5), s = tally_vector(squares, 5);
    assert_ok(tally_metric_update_state(a, &x), NULL);
    float        sum = 15 + (float)tally_metric_result(b);
    tally_tensor y = tally_scalar(&sum);
    assert_ok(tally_metric_update_state(b, &s), NULL);
    tally_metric_reset_state(a);
    assert_ok(tally_metric_update_state(a, &y), NULL);
    return tally_metric_result(b);
}

static void one_metric_given_twice_gives_the_numbers_of_eager_calls(void **state)
{
    alias_user      u = { NULL };
    tally_function *f = function_of(alias_body, &u);
    tally_tensor    x = tally_vector(five, 5);
    (void)state;
    for (int same = 0; same < 2; same++) {
        tally_metric *a = mean_new(), *b = same ? tally_metric_retain(a) : mean_new();
        tally_metric *ea = mean_new(), *eb = same ? tally_metric_retain(ea) : mean_new();
        for (int k = 0; k < 3; k++) {
            double got = -1;
            assert_ok(tally_call(f, TALLY_IN(&x, a, b), TALLY_OUT(&got), &err), &err);
            assert_bits_f64(got, alias_eager(ea, eb));
            same_state(a, ea);
            same_state(b, eb);
        }
        assert_int_equal(tally_function_traces(f), same + 1);
        tally_metric_release(a);
        tally_metric_release(b);
        tally_metric_release(ea);
        tally_metric_release(eb);
    }
    tally_function_release(f);
}

static void a_metric_passed_and_captured_is_one_metric(void **state)
{
    tally_metric   *a = mean_new(), *other = mean_new(), *ea = mean_new(), *eo = mean_new();
    alias_user      u = { a };
    tally_function *f = function_of(alias_body, &u);
    tally_tensor    x = tally_vector(five, 5);
    double          got = -1;
    (void)state;
    assert_ok(tally_call(f, TALLY_IN(&x, a), TALLY_OUT(&got), &err), &err);
    assert_bits_f64(got, alias_eager(ea, ea));
    assert_ok(tally_call(f, TALLY_IN(&x, other), TALLY_OUT(&got), &err), &err);
    assert_bits_f64(got, alias_eager(eo, ea));
    assert_ok(tally_call(f, TALLY_IN(&x, a), TALLY_OUT(&got), &err), &err);
    assert_bits_f64(got, alias_eager(ea, ea));
    same_state(a, ea);
    same_state(other, eo);
    assert_int_equal(tally_function_traces(f), 2);
    tally_metric_release(a);
    tally_metric_release(other);
    tally_metric_release(ea);
    tally_metric_release(eo);
    tally_function_release(f);
}

/* 4 */
static void read_twice_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    tally_update_state(t, m, x);
    tally_return(t, tally_result(t, m));
    tally_update_state(t, m, tally_mul(x, tally_num(3)));
    tally_return(t, tally_result(t, m));
}

static void reads_see_exactly_the_updates_before_them(void **state)
{
    tally_function *f = function_of(read_twice_body, NULL);
    tally_metric   *m = tally_sum_new(NULL, &err);
    tally_tensor    x = tally_vector(five, 5);
    double          first = 0, second = 0;
    (void)state;
    assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_OUT(&first, &second), &err), &err);
    assert_bits_f64(first, 15);
    assert_bits_f64(second, 60);
    assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_OUT(&first, &second), &err), &err);
    assert_bits_f64(first, 75);
    assert_bits_f64(second, 120);
    tally_metric_release(m);
    tally_function_release(f);
}

/* 5 */
static void reset_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1), loop = tally_arg_metric(t, 2);
    tally_update_state(t, m, x);
    tally_reset_state(t, m);
    tally_update_state(t, m, tally_num(2));
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        tally_update_state(t, loop, x);
        tally_reset_state(t, loop);
        tally_update_state(t, loop, tally_add(i, tally_num(1)));
        i = tally_add(i, tally_num(1));
    }
}

static void update_reset_update_keeps_its_order_in_a_body_and_in_a_loop(void **state)
{
    tally_metric   *m = mean_new(), *loop = mean_new();
    tally_function *f = function_of(reset_body, NULL);
    tally_tensor    x = tally_vector(five, 5);
    (void)state;
    tally_status s = tally_call(f, TALLY_IN(&x, m, loop), TALLY_NO_OUT, &err);
    if (s == TALLY_INVALID_ARGUMENT) {                     /* a bare number has no dtype to update with */
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, "test_checklist.c:");
    } else {
        assert_ok(s, &err);
        assert_bits_f64(tally_metric_result(m), 2);
        assert_bits_f64(tally_metric_result(loop), 3);
    }
    tally_metric_release(m);
    tally_metric_release(loop);
    tally_function_release(f);
}

static void reset_typed_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1), loop = tally_arg_metric(t, 2);
    tally_update_state(t, m, x);
    tally_reset_state(t, m);
    tally_update_state(t, m, tally_f32(t, 2));
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        tally_update_state(t, loop, x);
        tally_reset_state(t, loop);
        tally_update_state(t, loop, tally_add(i, tally_num(1)));
        i = tally_add(i, tally_num(1));
    }
}

static void a_reset_between_updates_leaves_the_later_ones_alone(void **state)
{
    tally_metric   *m = mean_new(), *loop = mean_new();
    tally_function *f = function_of(reset_typed_body, NULL);
    tally_tensor    x = tally_vector(five, 5);
    (void)state;
    for (int k = 0; k < 2; k++) {
        assert_ok(tally_call(f, TALLY_IN(&x, m, loop), TALLY_NO_OUT, &err), &err);
        assert_bits_f64(tally_metric_result(m), 2);
        assert_bits_f64(tally_metric_result(loop), 3);
    }
    tally_metric_release(m);
    tally_metric_release(loop);
    tally_function_release(f);
}

/* 6 is the subject of test_laws.c; here the one line that a user would try */
static void eager_and_traced_agree_to_the_bit(void **state)
{
    static const double data[6] = { 0.1, 1e300, -1e300, 1e-300, 3, 0x1p-1074 };
    tally_function     *f = function_of(update_body, NULL);
    tally_metric       *m = mean_new(), *e = mean_new();
    tally_tensor        x = tally_vector(data, 6);
    (void)state;
    assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_NO_OUT, &err), &err);
    assert_ok(tally_metric_update_state(e, &x), NULL);
    same_state(m, e);
    assert_bits_f64(tally_metric_result(m), tally_metric_result(e));
    tally_metric_release(m);
    tally_metric_release(e);
    tally_function_release(f);
}

/* 7 */
static void assert_body(tally_trace *t, void *user)
{
    int *line = user;
    tally_node x = tally_arg(t, 0);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    *line = __LINE__ + 1;
    tally_assert(t, tally_reduce_all(tally_ge(x, tally_num(0))), "values must not be negative");
}

static void a_failing_assert_changes_nothing_and_names_its_line(void **state)
{
    int             line = 0;
    char            place[64];
    tally_function *f = function_of(assert_body, &line);
    tally_metric   *m = mean_new(), *e = mean_new();
    const double    good[2] = { 1, 3 }, bad[2] = { 1, -1 };
    tally_tensor    x = tally_vector(good, 2), y = tally_vector(bad, 2);
    (void)state;
    assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_NO_OUT, &err), &err);
    assert_ok(tally_metric_update_state(e, &x), NULL);
    assert_status(tally_call(f, TALLY_IN(&y, m), TALLY_NO_OUT, &err), TALLY_FAILED_PRECONDITION, &err);
    snprintf(place, sizeof place, "test_checklist.c:%d", line);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "values must not be negative");
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, place);
    same_state(m, e);
    tally_metric_release(m);
    tally_metric_release(e);
    tally_function_release(f);
}

/* 8 */
static void unused_index_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node x = tally_arg(t, 0), unused = tally_at(x, tally_arg(t, 1));
    (void)unused;
    tally_update_state(t, tally_arg_metric(t, 2), x);
}

static void an_index_out_of_range_is_an_error_though_nobody_uses_its_value(void **state)
{
    static const int64_t at[] = { 5, -1, INT64_MAX, INT64_MIN };
    tally_function      *f = function_of(unused_index_body, NULL);
    tally_metric        *m = mean_new(), *e = mean_new();
    tally_tensor         x = tally_vector(five, 5);
    (void)state;
    for (int k = 0; k < 4; k++) {
        tally_tensor i = tally_scalar(&at[k]);
        assert_status(tally_call(f, TALLY_IN(&x, &i, m), TALLY_NO_OUT, &err), TALLY_OUT_OF_RANGE, &err);
        assert_error_has(&err, TALLY_OUT_OF_RANGE, "test_checklist.c:");
        assert_error_has(&err, TALLY_OUT_OF_RANGE, "5");
        same_state(m, e);
    }
    int64_t      four = 4;
    tally_tensor i = tally_scalar(&four);
    assert_ok(tally_call(f, TALLY_IN(&x, &i, m), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(tally_metric_result(m), 3);
    tally_metric_release(m);
    tally_metric_release(e);
    tally_function_release(f);
}

/* 9 */
typedef struct limit_user {
    int64_t limit;
    int     is_error;
    bool    none;
} limit_user;

static void limited_body(tally_trace *t, void *user)
{
    const limit_user   *u = user;
    tally_while_options o = TALLY_WHILE_OPTIONS_INIT;
    tally_node          i = tally_i64(t, 0), n = tally_arg(t, 0), *vars[2] = { &i, NULL };
    tally_metric_ref    m = tally_arg_metric(t, 1);
    o.max_iterations = u->limit;
    o.limit_is_error = u->is_error;
    tally_scope s = tally_while_begin(t, vars, u->none ? NULL : &o, __FILE__, __LINE__);
    for (; tally_while_test(&s, tally_lt(i, n), __FILE__, __LINE__); tally_while_end(&s, __FILE__, __LINE__)) {
        tally_update_state(t, m, i);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, i);
}

static int64_t limited(const limit_user *u, int64_t n, tally_status want, double sum)
{
    limit_user      copy = *u;
    tally_function *f = function_of(limited_body, &copy);
    tally_metric   *m = tally_sum_new(NULL, &err);
    tally_tensor    x = tally_scalar(&n);
    int64_t         got = -1;
    assert_status(tally_call(f, TALLY_IN(&x, m), TALLY_OUT(&got), &err), want, &err);
    if (want)
        assert_error_has(&err, want, "test_checklist.c:");
    assert_bits_f64(tally_metric_result(m), sum);
    tally_metric_release(m);
    tally_function_release(f);
    return got;
}

static void loops_end_after_zero_turns_or_at_their_limit(void **state)
{
    const limit_user none = { 0, 0, true }, stop = { 3, 0, false }, fail = { 3, 1, false }, zero = { 0, 0, false };
    (void)state;
    assert_int_equal(limited(&none, 0, TALLY_OK, 0), 0);
    assert_int_equal(limited(&none, -5, TALLY_OK, 0), 0);
    assert_int_equal(limited(&none, 1000, TALLY_OK, 499500), 1000);
    assert_int_equal(limited(&stop, 2, TALLY_OK, 1), 2);
    assert_int_equal(limited(&stop, 3, TALLY_OK, 3), 3);
    assert_int_equal(limited(&stop, 4, TALLY_OK, 3), 3);
    assert_int_equal(limited(&fail, 3, TALLY_OK, 3), 3);
    (void)limited(&fail, 4, TALLY_OUT_OF_RANGE, 0);
    assert_int_equal(limited(&zero, 4, TALLY_OK, 0), 0);
}

static void empty_list_body(tally_trace *t, void *user)
{
    (void)user;
    tally_metric_ref m = tally_arg_metric(t, 0);
    TALLY_WHILE(t, tally_lt(tally_result(t, m), tally_num(10))) {
        tally_update_state(t, m, tally_f64(t, 4));
    }
}

static void a_loop_may_carry_nothing_and_ask_the_state(void **state)
{
    tally_function *f = function_of(empty_list_body, NULL);
    tally_metric   *m = tally_sum_new(NULL, &err);
    (void)state;
    assert_ok(tally_call(f, TALLY_IN(m), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(tally_metric_result(m), 12);
    assert_ok(tally_call(f, TALLY_IN(m), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(tally_metric_result(m), 12);
    tally_metric_release(m);
    tally_function_release(f);
}

static void endless_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 0);
    TALLY_WHILE(t, tally_ge(i, tally_num(0)), &i) {
        tally_update_state(t, m, i);
        i = tally_mul(i, tally_num(1));
    }
}

static int give_up_soon(void *user)
{
    return ++*(int *)user > 50;
}

static void an_endless_loop_is_cancelled_and_changes_nothing(void **state)
{
    int                    polls = 0;
    tally_context_options  co = TALLY_CONTEXT_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    (void)state;
    co.interrupt = give_up_soon;
    co.user = &polls;
    fo.context = tally_context_new(&co, &err);
    tally_function *f = tally_function_new(endless_body, NULL, &fo, &err);
    tally_metric   *m = tally_sum_new(NULL, &err), *e = tally_sum_new(NULL, &err);
    assert_status(tally_call(f, TALLY_IN(m), TALLY_NO_OUT, &err), TALLY_CANCELLED, &err);
    same_state(m, e);
    tally_metric_release(m);
    tally_metric_release(e);
    tally_function_release(f);
    tally_context_release(fo.context);
}

/* 10 */
static void branches_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       c = tally_arg(t, 0), y = tally_f64(t, 0);
    tally_metric_ref a = tally_arg_metric(t, 1), b = tally_arg_metric(t, 2);
    TALLY_IF(t, c, &y) {
        tally_update_state(t, a, tally_f64(t, 1));
        y = tally_f64(t, 10);
    } else {
        tally_update_state(t, b, tally_f64(t, 2));
        y = tally_neg(y);
    }
    tally_return(t, y);
}

static void only_the_branch_that_is_taken_has_effects(void **state)
{
    tally_function *f = function_of(branches_body, NULL);
    tally_metric   *a = tally_sum_new(NULL, &err), *b = tally_sum_new(NULL, &err);
    const bool      yes = true, no = false;
    tally_tensor    t = tally_scalar(&yes), n = tally_scalar(&no);
    double          y = 5;
    (void)state;
    assert_ok(tally_call(f, TALLY_IN(&t, a, b), TALLY_OUT(&y), &err), &err);
    assert_bits_f64(y, 10);
    assert_ok(tally_call(f, TALLY_IN(&n, a, b), TALLY_OUT(&y), &err), &err);
    assert_bits_f64(y, -0.0);
    assert_ok(tally_call(f, TALLY_IN(&n, a, b), TALLY_OUT(&y), &err), &err);
    assert_bits_f64(tally_metric_result(a), 1);
    assert_bits_f64(tally_metric_result(b), 4);
    assert_int_equal(tally_function_traces(f), 1);
    tally_metric_release(a);
    tally_metric_release(b);
    tally_function_release(f);
}

static int disagree_lines[2];

static void disagree_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node c = tally_arg(t, 0), y = tally_f64(t, 0);
    disagree_lines[0] = __LINE__ + 1;
    TALLY_IF(t, c, &y) {
        y = tally_f32(t, 1);
    } else {
        y = tally_f64(t, 2);
    }
    tally_return(t, y);
}

static void branches_that_disagree_are_reported_with_two_lines(void **state)
{
    tally_function *f = function_of(disagree_body, NULL);
    const bool      yes = true;
    tally_tensor    x = tally_scalar(&yes);
    double          y;
    (void)state;
    assert_status(tally_call(f, TALLY_IN(&x), TALLY_OUT(&y), &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "test_checklist.c:");
    const char *first = strstr(err.text, ":"), *digits = first;
    int         lines = 0;
    for (; digits && *digits; digits++)                    /* two numbers that are lines of the body above */
        if (digits[-1] < '0' || digits[-1] > '9') {
            long v = strtol(digits, NULL, 10);
            lines += v >= disagree_lines[0] && v <= disagree_lines[0] + 5;
        }
    if (lines < 2)
        print_error("text: %s\n", err.text);
    assert_true(lines >= 2);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "float32");
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "float64");
    tally_function_release(f);
}

/* 11 */
static tally_node stale;

static void hidden_inner_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node i = tally_i64(t, 0), last = tally_i64(t, 0);
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        last = tally_mul(i, tally_num(2));                 /* not listed */
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, last);
}

static void hidden_carried_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node i = tally_i64(t, 0), sum = tally_i64(t, 0);
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        sum = tally_add(sum, i);                           /* not listed, read by the next turn */
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, i);
}

static void hidden_outer_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node i = tally_i64(t, 0), one = tally_i64(t, 1), two = tally_i64(t, 2), step = one;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = tally_add(i, step);
        step = two;                                        /* an outer value, read by the next turn */
    }
    tally_return(t, i);
}

static void escape_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node inner = tally_i64(t, 0), c = tally_arg(t, 0);
    TALLY_IF(t, c) {
        inner = tally_i64(t, 7);
    }
    tally_return(t, tally_add(inner, tally_num(1)));
}

static void keep_body(tally_trace *t, void *user)
{
    (void)user;
    stale = tally_i64(t, 1);
    tally_return(t, stale);
}

static void stale_body(tally_trace *t, void *user)
{
    (void)user;
    tally_return(t, tally_add(stale, tally_i64(t, 1)));
}

static void nest_body(tally_trace *t, void *user)
{
    tally_function *other = user;
    tally_node      mine = tally_i64(t, 1);
    int64_t         v;
    stale = mine;                                          /* live, but of another trace */
    if (tally_call(other, NULL, 0, TALLY_OUT(&v), &err) == TALLY_OK)
        mine = tally_i64(t, -1);
    tally_return(t, mine);
}

static void break_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node i = tally_i64(t, 0);
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = tally_add(i, tally_num(1));
        if (tally_node_rank(i) == 0)
            break;
    }
    tally_return(t, i);
}

static void break_outer_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node i = tally_i64(t, 0), j = i;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i, &j) {
        TALLY_WHILE(t, tally_lt(j, tally_num(3)), &j) {
            j = tally_add(j, tally_num(1));
            if (tally_node_rank(i) == 0)
                break;
        }
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, i);
}

static void return_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node i = tally_i64(t, 0);
    tally_return(t, i);
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = tally_add(i, tally_num(1));
        if (tally_node_rank(i) == 0)
            return;
    }
}

static void return_if_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node i = tally_i64(t, 0);
    tally_return(t, i);
    TALLY_IF(t, tally_lt(i, tally_num(3)), &i) {
        i = tally_add(i, tally_num(1));
        if (tally_node_rank(i) == 0)
            return;
    }
}

static void counting_body(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = tally_add(i, tally_i64(t, ++*(int *)user));    /* another value at each recording */
    }
    tally_return(t, i);
}

static void grow_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node i = tally_i64(t, 0);
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = tally_cast(i, TALLY_F32);
    }
    tally_return(t, i);
}

static void refused(tally_body body, void *user, const char *what)
{
    tally_function *f = function_of(body, user);
    const bool      yes = true;
    tally_tensor    x = tally_scalar(&yes);
    int64_t         got = -1;
    bool            takes = body == escape_body;
    err.text[0] = 0;
    tally_status s = takes ? tally_call(f, TALLY_IN(&x), TALLY_OUT(&got), &err) : tally_call(f, NULL, 0, TALLY_OUT(&got), &err);
    if (s != TALLY_INVALID_ARGUMENT)
        print_error("%s: %s, value %lld\n", what, tally_status_name(s), (long long)got);
    assert_int_equal(s, TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "test_checklist.c:");
    assert_int_equal(tally_function_traces(f), 0);
    tally_function_release(f);
}

static void values_that_leave_their_region_or_trace_are_refused(void **state)
{
    int             counter = 0;
    int64_t         v = 0;
    tally_function *keep = function_of(keep_body, NULL), *foreign = function_of(stale_body, NULL);
    (void)state;
    refused(hidden_inner_body, NULL, "an unlisted value read after the loop");
    refused(hidden_carried_body, NULL, "an unlisted carried value");
    refused(hidden_outer_body, NULL, "an unlisted carried value from outside");
    refused(escape_body, NULL, "a value of a branch");
    refused(break_body, NULL, "break");
    refused(break_outer_body, NULL, "break of an inner loop");
    refused(return_body, NULL, "return");
    refused(return_if_body, NULL, "return out of a branch");
    refused(counting_body, &counter, "a body that records other things each time");
    refused(grow_body, NULL, "a carried value that changes its dtype");
    assert_ok(tally_call(keep, NULL, 0, TALLY_OUT(&v), &err), &err);
    refused(stale_body, NULL, "a node of a finished trace");
    tally_function *nest = function_of(nest_body, foreign);
    assert_status(tally_call(nest, NULL, 0, TALLY_OUT(&v), &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "another body");   /* both bodies were live: the mixture poisons the one it came from, too */
    assert_ok(tally_call(keep, NULL, 0, TALLY_OUT(&v), &err), &err);
    assert_int_equal(v, 1);
    tally_function_release(nest);
    tally_function_release(keep);
    tally_function_release(foreign);
}

/* 12 */
static void captured_body(tally_trace *t, void *user)
{
    tally_metric **m = user;
    tally_metric_ref a = tally_capture_metric(t, m[0]);
    tally_update_state(t, a, tally_arg(t, 0));
    tally_return(t, tally_result(t, a));
    tally_return_metric(t, a);
}

static void handles_may_go_once_a_function_has_them(void **state)
{
    test_memory            memory = { 0 };
    tally_context         *c = test_context(&memory, &err);
    tally_mean_options     mo = TALLY_MEAN_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    (void)state;
    mo.context = fo.context = c;
    tally_metric   *m = tally_mean_new(&mo, &err), *back = NULL;
    tally_function *f = tally_function_new(captured_body, &m, &fo, &err);
    tally_tensor    x = tally_vector(five, 5), y = tally_vector(five, 1);
    double          v = 0;
    tally_context_release(c);
    assert_ok(tally_function_prepare(f, TALLY_IN(&x), &err), &err);
    tally_metric_release(m);
    assert_ok(tally_call(f, TALLY_IN(&x), TALLY_OUT(&v, &back), &err), &err);
    assert_bits_f64(v, 3);
    assert_bits_f64(tally_metric_result(back), 3);
    assert_ok(tally_call(f, TALLY_IN(&y), TALLY_OUT(&v, &back), &err), &err);
    assert_bits_f64(v, tally_metric_result(back));
    tally_function_release(f);
    assert_int_equal(memory.blocks, 0);
}

/* 13: crossed threads are the subject of test_threads.c */
typedef struct shared_work {
    tally_function *f;
    tally_metric   *m;
    tally_status    status;
} shared_work;

static void *shared_worker(void *user)
{
    shared_work *w = user;
    for (int k = 0; k < 500 && !w->status; k++) {
        tally_tensor x = tally_vector(five, 5);
        w->status = tally_call(w->f, TALLY_IN(&x, w->m), TALLY_NO_OUT, NULL);
    }
    return NULL;
}

static void two_threads_share_a_function_and_a_metric(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        tally_function *f = function_of(update_body, NULL);
        tally_metric   *a = tally_sum_new(NULL, &err), *b = shared ? tally_metric_retain(a) : tally_sum_new(NULL, &err);
        shared_work     w[2] = { { f, a, TALLY_OK }, { f, b, TALLY_OK } };
        pthread_t       id[2];
        for (int k = 0; k < 2; k++)
            assert_int_equal(pthread_create(&id[k], NULL, shared_worker, &w[k]), 0);
        for (int k = 0; k < 2; k++)
            pthread_join(id[k], NULL);
        assert_int_equal(w[0].status | w[1].status, TALLY_OK);
        assert_bits_f64(tally_metric_result(a), shared ? 15000 : 7500);
        assert_bits_f64(tally_metric_result(b), shared ? 15000 : 7500);
        assert_int_equal(tally_function_traces(f), 1);
        tally_metric_release(a);
        tally_metric_release(b);
        tally_function_release(f);
    }
}

/* 14 */
static bool recurse = true;

static void self_body(tally_trace *t, void *user)
{
    (void)user;
    tally_symbol in = { tally_arg(t, 0), { NULL, 0, 0 }, { NULL, 0, 0 } }, out;
    memset(&out, 0, sizeof out);
    if (recurse) {
        tally_inline(t, self_body, NULL, &in, 1, &out, 1);
        tally_return(t, out.node);
    } else {
        tally_return(t, in.node);
    }
}

static void ping_body(tally_trace *t, void *user);

static void pong_body(tally_trace *t, void *user)
{
    tally_symbol in = { tally_arg(t, 0), { NULL, 0, 0 }, { NULL, 0, 0 } }, out;
    memset(&out, 0, sizeof out);
    tally_inline(t, ping_body, user, &in, 1, &out, 1);
    tally_return(t, out.node);
}

static void ping_body(tally_trace *t, void *user)
{
    tally_symbol in = { tally_arg(t, 0), { NULL, 0, 0 }, { NULL, 0, 0 } }, out;
    memset(&out, 0, sizeof out);
    if (recurse) {
        tally_inline(t, pong_body, user, &in, 1, &out, 1);
        tally_return(t, out.node);
    } else {
        tally_return(t, in.node);
    }
}

static tally_function *itself;

static void call_self_body(tally_trace *t, void *user)
{
    (void)user;
    double       one = 1, got = 0;
    tally_tensor x = tally_scalar(&one);
    tally_node   a = tally_arg(t, 0);
    if (recurse) {
        tally_error  inner;
        tally_status s = tally_call(itself, TALLY_IN(&x), TALLY_OUT(&got), &inner);
        if (s)
            a = tally_add(a, tally_num((double)s));
    }
    tally_return(t, a);
}

static void recursion_ends_with_a_status_and_the_function_stays_usable(void **state)
{
    double       one = 1, got = 0;
    tally_tensor x = tally_scalar(&one);
    (void)state;
    for (int mutual = 0; mutual < 2; mutual++) {
        tally_function *f = function_of(mutual ? ping_body : self_body, NULL);
        recurse = true;
        assert_status(tally_call(f, TALLY_IN(&x), TALLY_OUT(&got), &err), TALLY_RESOURCE_EXHAUSTED, &err);
        assert_error_has(&err, TALLY_RESOURCE_EXHAUSTED, "test_checklist.c:");
        recurse = false;
        assert_ok(tally_call(f, TALLY_IN(&x), TALLY_OUT(&got), &err), &err);
        assert_bits_f64(got, 1);
        tally_function_release(f);
    }
}

static void a_function_called_while_it_records_itself_ends_with_a_status(void **state)
{
    double       one = 1, got = 0;
    tally_tensor x = tally_scalar(&one);
    (void)state;
    recurse = true;
    itself = function_of(call_self_body, NULL);
    assert_ok(tally_call(itself, TALLY_IN(&x), TALLY_OUT(&got), &err), &err);
    assert_true(got >= 1);
    recurse = false;
    assert_ok(tally_call(itself, TALLY_IN(&x), TALLY_OUT(&got), &err), &err);
    tally_function_release(itself);
}

/* 15 is the subject of test_oom.c */

/* 16 */
static void return_both_body(tally_trace *t, void *user)
{
    (void)user;
    tally_metric_ref a = tally_arg_metric(t, 0), b = tally_arg_metric(t, 1);
    tally_return_metric(t, b);
    tally_return_metric(t, a);
    tally_return_metric(t, b);
}

static void returned_handles_are_those_that_came_in(void **state)
{
    test_memory        memory = { 0 };
    tally_context     *c = test_context(&memory, &err);
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    (void)state;
    o.context = c;
    tally_metric   *a = tally_mean_new(&o, &err), *b = tally_mean_new(&o, &err), *x = NULL, *y = NULL, *z = NULL;
    tally_function *f = function_of(return_both_body, NULL);
    assert_ok(tally_call(f, TALLY_IN(a, b), TALLY_OUT(&x, &y, &z), &err), &err);
    assert_ptr_equal(x, b);
    assert_ptr_equal(y, a);
    assert_ptr_equal(z, b);
    assert_ok(tally_call(f, TALLY_IN(a, a), TALLY_OUT(&x, &y, &z), &err), &err);
    assert_ptr_equal(x, a);
    tally_metric_release(a);                               /* one reference each: the returns took none */
    tally_metric_release(b);
    tally_function_release(f);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

/* 17 */
static void repeated_signatures_do_not_grow_memory(void **state)
{
    test_memory            memory = { 0 };
    tally_context         *c = test_context(&memory, &err);
    tally_mean_options     mo = TALLY_MEAN_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    static float           data[64];
    (void)state;
    mo.context = fo.context = c;
    tally_metric   *m = tally_mean_new(&mo, &err);
    tally_function *f = tally_function_new(update_body, NULL, &fo, &err);
    size_t          bytes = 0, calls = 0;
    for (int k = 0; k < 60; k++) {
        tally_tensor x = tally_vector(data, 64 - (k > 1 ? k % 60 : 0)), y = tally_matrix(data, 8, 8);
        assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_NO_OUT, &err), &err);
        assert_ok(tally_call(f, TALLY_IN(&y, m), TALLY_NO_OUT, &err), &err);
        assert_ok(tally_metric_update_state(m, &x), NULL);
        if (k == 2) {
            bytes = tally_context_bytes(c);
            calls = memory.calls;
        }
    }
    assert_int_equal(tally_context_bytes(c), bytes);
    assert_int_equal(memory.calls, calls);                 /* nothing at all is allocated any more */
    tally_metric_release(m);
    tally_function_release(f);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

static void more_traces_than_allowed_are_refused_and_the_old_ones_work(void **state)
{
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    static const double    zero[8] = { 0 };
    static const int64_t   ones[TALLY_MAX_RANK] = { 1, 1, 1, 1, 1, 1 };
    (void)state;
    o.max_traces = 3;
    tally_function *f = tally_function_new(update_body, NULL, &o, &err);
    tally_metric   *m = mean_new(), *e = mean_new();
    for (int rank = 0; rank < 5; rank++) {
        tally_tensor x = tally_tensor_view(zero, TALLY_F64, rank, ones, NULL);
        tally_status s = tally_call(f, TALLY_IN(&x, m), TALLY_NO_OUT, &err);
        if (rank < 3) {
            assert_ok(s, &err);
            assert_ok(tally_metric_update_state(e, &x), NULL);
        } else {
            assert_status(s, TALLY_RESOURCE_EXHAUSTED, &err);
        }
        same_state(m, e);
        assert_int_equal(tally_function_traces(f), rank < 3 ? rank + 1 : 3);
    }
    tally_tensor x = tally_scalar(zero);
    assert_ok(tally_call(f, TALLY_IN(&x, m), TALLY_NO_OUT, &err), &err);
    tally_metric_release(m);
    tally_metric_release(e);
    tally_function_release(f);
}

/* a body may leave by longjmp; what it had begun goes with the function */
static jmp_buf out_of_here;

static void jumping_body(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    if (*(int *)user)
        TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
            i = tally_add(i, tally_num(1));
            longjmp(out_of_here, 1);
        }
    tally_return(t, i);
}

static void a_body_that_jumps_away_leaves_the_function_usable(void **state)
{
    test_memory            memory = { 0 };
    tally_context         *c = test_context(&memory, &err);
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    static int             jump;
    int64_t                v = -1;
    (void)state;
    o.context = c;
    jump = 1;
    tally_function *f = tally_function_new(jumping_body, &jump, &o, &err);
    if (!setjmp(out_of_here)) {
        (void)!tally_call(f, NULL, 0, TALLY_OUT(&v), &err);
        fail();
    }
    jump = 0;
    assert_ok(tally_call(f, NULL, 0, TALLY_OUT(&v), &err), &err);
    assert_int_equal(v, 0);
    tally_function_release(f);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_trace_serves_every_size_and_every_instance),
        cmocka_unit_test(one_metric_given_twice_gives_the_numbers_of_eager_calls),
        cmocka_unit_test(a_metric_passed_and_captured_is_one_metric),
        cmocka_unit_test(reads_see_exactly_the_updates_before_them),
        cmocka_unit_test(update_reset_update_keeps_its_order_in_a_body_and_in_a_loop),
        cmocka_unit_test(a_reset_between_updates_leaves_the_later_ones_alone),
        cmocka_unit_test(eager_and_traced_agree_to_the_bit),
        cmocka_unit_test(a_failing_assert_changes_nothing_and_names_its_line),
        cmocka_unit_test(an_index_out_of_range_is_an_error_though_nobody_uses_its_value),
        cmocka_unit_test(loops_end_after_zero_turns_or_at_their_limit),
        cmocka_unit_test(a_loop_may_carry_nothing_and_ask_the_state),
        cmocka_unit_test(an_endless_loop_is_cancelled_and_changes_nothing),
        cmocka_unit_test(only_the_branch_that_is_taken_has_effects),
        cmocka_unit_test(branches_that_disagree_are_reported_with_two_lines),
        cmocka_unit_test(values_that_leave_their_region_or_trace_are_refused),
        cmocka_unit_test(handles_may_go_once_a_function_has_them),
        cmocka_unit_test(two_threads_share_a_function_and_a_metric),
        cmocka_unit_test(recursion_ends_with_a_status_and_the_function_stays_usable),
        cmocka_unit_test(a_function_called_while_it_records_itself_ends_with_a_status),
        cmocka_unit_test(returned_handles_are_those_that_came_in),
        cmocka_unit_test(repeated_signatures_do_not_grow_memory),
        cmocka_unit_test(more_traces_than_allowed_are_refused_and_the_old_ones_work),
        cmocka_unit_test(a_body_that_jumps_away_leaves_the_function_usable),
    };
    return cmocka_run_group_tests_name("checklist", tests, NULL, NULL);
}
