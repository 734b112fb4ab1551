/* signatures: what makes a new recording and what never does; which stores are the same one. */
#include "call.h"

static void add_body(tally_trace *t, void *user)
{
    ++*(int *)user;
    add_to(t, tally_arg_metric(t, 1), tally_arg(t, 0));
}

static void sizes_strides_and_other_instances_are_one_trace(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    int             recorded = 0;
    static float    a[4096];
    tally_function *add = make_function(f, "add", add_body, &recorded);
    const int64_t   sizes[] = { 1, 0, 7, 4096, 7, 1, 0 };
    tally__store   *s[3] = { sum_store(f->context), sum_store(f->context), sum_store(f->context) };
    for (int i = 0; i < 4096; i++)
        a[i] = 1;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 7; i++) {
            tally_tensor x = tally_vector(a, sizes[i]),
                         back = tally_strided(a + 8, TALLY__MIN(sizes[i], 9), -1);
            assert_ok(tally_call(add, TALLY_IN(&x, as_metric(s[k])), TALLY_NO_OUT, &err), &err);
            assert_ok(tally_call(add, TALLY_IN(&back, as_metric(s[k])), TALLY_NO_OUT, &err), &err);
        }
    assert_int_equal(tally_function_traces(add), 1);
    assert_int_equal(recorded, 1);
    for (int k = 0; k < 3; k++) {
        assert_bits_f64(store_value(s[k], 0), 4096 + 2 * 8 + 2 * 8 + 9);
        tally__store_release(s[k]);
    }
    tally_function_release(add);
}

static void dtype_and_rank_are_new_traces_and_are_found_again(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    int             recorded = 0;
    float           a[4] = { 1, 2, 3, 4 };
    double          b[4] = { 1, 2, 3, 4 };
    tally_function *add = make_function(f, "add", add_body, &recorded);
    tally__store   *s = sum_store(f->context);
    tally_tensor    x[4] = { tally_vector(a, 4), tally_vector(b, 4), tally_matrix(a, 2, 2),
                             tally_scalar(b) };
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 4; i++)
            assert_ok(tally_call(add, TALLY_IN(&x[i], as_metric(s)), TALLY_NO_OUT, &err), &err);
    assert_int_equal(tally_function_traces(add), 4);
    assert_int_equal(recorded, 4);
    assert_bits_f64(store_value(s, 0), 93);
    for (int i = 0; i < 4; i++)
        assert_non_null(tally__function_graph(add, i));
    assert_null(tally__function_graph(add, 4));
    assert_int_equal(tally__function_graph(add, 2)->argument[0].rank, 2);
    tally__store_release(s);
    tally_function_release(add);
}

/* update m, read n, update n, read m: the order of reads shows whether m is n */
static void two_metrics(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1), n = tally_arg_metric(t, 2);
    ++*(int *)user;
    add_to(t, m, x);
    tally_return(t, total_of(t, n));
    add_to(t, n, x);
    tally_return(t, total_of(t, m));
}

static void one_metric_twice_is_another_trace_with_its_own_order(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    int             recorded = 0;
    double          a[2] = { 1, 2 }, n_seen, m_seen;
    tally_tensor    x = tally_vector(a, 2);
    tally_function *two = make_function(f, "two", two_metrics, &recorded);
    tally__store   *s = sum_store(f->context), *r = sum_store(f->context);
    for (int round = 0; round < 2; round++) {
        assert_ok(tally_call(two, TALLY_IN(&x, as_metric(s), as_metric(r)),
                             TALLY_OUT(&n_seen, &m_seen), &err),
                  &err);
        assert_bits_f64(n_seen, 3 * round);
        assert_bits_f64(m_seen, 3 + 3 * round);
    }
    for (int round = 0; round < 2; round++) {
        assert_ok(tally_call(two, TALLY_IN(&x, as_metric(s), as_metric(s)),
                             TALLY_OUT(&n_seen, &m_seen), &err),
                  &err);
        assert_bits_f64(n_seen, 6 + 3 + 6 * round);
        assert_bits_f64(m_seen, 6 + 6 + 6 * round);
    }
    assert_ok(tally_call(two, TALLY_IN(&x, as_metric(r), as_metric(s)), TALLY_OUT(&n_seen, &m_seen),
                         &err),
              &err);
    assert_int_equal(tally_function_traces(two), 2);
    assert_int_equal(recorded, 2);
    tally__store_release(s);
    tally__store_release(r);
    tally_function_release(two);
}

typedef struct captures {
    tally__store *held;
    int           recorded;
} captures;

/* update the captured, read the argument, update the argument, read the captured */
static void captured_and_argument(tally_trace *t, void *user)
{
    captures        *c = user;
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref m = tally_capture_metric(t, as_metric(c->held)), n = tally_arg_metric(t, 1);
    c->recorded++;
    add_to(t, m, x);
    tally_return(t, total_of(t, n));
    add_to(t, n, x);
    tally_return(t, total_of(t, m));
}

static void a_captured_metric_that_is_also_an_argument_is_another_trace(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    double          a[1] = { 1 }, argument_seen, captured_seen;
    tally_tensor    x = tally_vector(a, 1);
    captures        c = { sum_store(f->context), 0 };
    tally_function *g = make_function(f, "captures", captured_and_argument, &c);
    tally__store   *s = sum_store(f->context), *r = sum_store(f->context), *held = c.held;
    assert_ok(
        tally_call(g, TALLY_IN(&x, as_metric(s)), TALLY_OUT(&argument_seen, &captured_seen), &err),
        &err);
    assert_bits_f64(argument_seen, 0);
    assert_bits_f64(captured_seen, 1);
    assert_ok(tally_call(g, TALLY_IN(&x, as_metric(held)),
                         TALLY_OUT(&argument_seen, &captured_seen), &err),
              &err);
    assert_bits_f64(argument_seen, 2);
    assert_bits_f64(captured_seen, 3);
    assert_ok(
        tally_call(g, TALLY_IN(&x, as_metric(r)), TALLY_OUT(&argument_seen, &captured_seen), &err),
        &err);
    assert_bits_f64(argument_seen, 0);
    assert_bits_f64(captured_seen, 4);
    assert_ok(tally_call(g, TALLY_IN(&x, as_metric(held)),
                         TALLY_OUT(&argument_seen, &captured_seen), &err),
              &err);
    assert_int_equal(tally_function_traces(g), 2);
    assert_int_equal(c.recorded, 2);
    tally__store_release(s);
    tally__store_release(r);
    tally__store_release(held);
    tally_function_release(g);
}

static void captured_only(tally_trace *t, void *user)
{
    add_to(t, tally_capture_metric(t, as_metric(*(tally__store **)user)), tally_arg(t, 0));
}

static void a_captured_metric_outlives_its_handle(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    double          a[2] = { 1, 2 };
    tally_tensor    x = tally_vector(a, 2);
    tally__store   *s = sum_store(f->context);
    tally_function *g = make_function(f, "held", captured_only, &s);
    assert_ok(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), &err);
    assert_true(atomic_load(&s->references) > 1);
    tally__store_release(s);
    assert_ok(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(store_value(s, 0), 6);
    tally_function_release(g);
}

static void another_class_is_another_trace(void **state)
{
    fixture         *f = *state;
    tally_error      err;
    int              recorded = 0;
    double           a[2] = { 1, 2 };
    tally_tensor     x = tally_vector(a, 2);
    tally_function  *add = make_function(f, "add", add_body, &recorded);
    tally__cell_spec least = { "least", TALLY_STATE_MIN, 0, 0, { 0 } };
    tally__store    *s = sum_store(f->context), *r = test_store(f->context, "Least", 1, &least);
    assert_ok(tally_call(add, TALLY_IN(&x, as_metric(s)), TALLY_NO_OUT, &err), &err);
    assert_ok(tally_call(add, TALLY_IN(&x, as_metric(r)), TALLY_NO_OUT, &err), &err);
    assert_ok(tally_call(add, TALLY_IN(&x, as_metric(s)), TALLY_NO_OUT, &err), &err);
    assert_int_equal(tally_function_traces(add), 2);
    assert_bits_f64(store_value(s, 0), 6);
    assert_bits_f64(store_value(r, 0), 1);
    tally__store_release(s);
    tally__store_release(r);
    tally_function_release(add);
}

static void add_argument_zero(tally_trace *t, void *user)
{
    (void)user;
    tally_return(t, tally_square(tally_arg(t, 0)));
}

static void many_traces_are_refused_and_warned_of(void **state)
{
    fixture               *f = *state;
    tally_error            err = { 0 };
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    static double          a[64];
    const tally_dtype      d[] = { TALLY_F32, TALLY_F64, TALLY_I32 };
    o.context = f->context;
    o.name = "many";
    o.max_traces = 10;
    tally_function *g = tally_function_new(add_argument_zero, NULL, &o, &err);
    assert_non_null(g);
    for (int i = 0; i < 12; i++) {
        int64_t      shape[4] = { 1, 1, 1, 1 };
        tally_tensor x = tally_tensor_view(a, d[i % 3], i / 3, shape, NULL);
        if (i < 10)
            assert_ok(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), &err);
        else
            assert_status(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), TALLY_RESOURCE_EXHAUSTED,
                          &err);
    }
    assert_error_has(&err, TALLY_RESOURCE_EXHAUSTED, "\"many\", expected at most 10");
    assert_int_equal(tally_function_traces(g), 10);
    assert_int_equal(f->n_warnings, 1);
    assert_non_null(
        strstr(f->lines[0], "many: 8 traces so far; the latest because argument 0 was"));
    assert_non_null(strstr(f->lines[0], "of rank 2"));
    tally_tensor x = tally_scalar(a);
    assert_ok(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), &err);
    tally_function_release(g);
}

int main(void)
{
#define SIGNATURE_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        SIGNATURE_TEST(sizes_strides_and_other_instances_are_one_trace),
        SIGNATURE_TEST(dtype_and_rank_are_new_traces_and_are_found_again),
        SIGNATURE_TEST(one_metric_twice_is_another_trace_with_its_own_order),
        SIGNATURE_TEST(a_captured_metric_that_is_also_an_argument_is_another_trace),
        SIGNATURE_TEST(a_captured_metric_outlives_its_handle),
        SIGNATURE_TEST(another_class_is_another_trace),
        SIGNATURE_TEST(many_traces_are_refused_and_warned_of),
    };
    return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
