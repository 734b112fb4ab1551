/* forward: one update gives the value of its batch and the running value. In a loop, for metrics of different sizes, on threads, and
 * where it fails; that every class gives the value of a new metric, and has the state after update_state, is a law of test_laws.c. */
#include "../support.h"

#include <pthread.h>

#include <tally/tally.h>

/* digits of the batches' values: that of each turn stands alone */
static void loop_body(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0), all = tally_f64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &all) {
        all = tally_add(tally_mul(all, tally_num(10)), tally_forward(t, m, tally_at(x, i)));
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, all);
    tally_return(t, tally_result(t, m));
}

static void in_a_loop_each_turn_is_a_batch(void **state)
{
    const float     x[] = { 1, 2, 3, 4 };
    tally_tensor    t = tally_vector(x, 4);
    tally_metric   *mean = tally_mean_new(NULL, NULL);
    tally_function *f = tally_function_new(loop_body, NULL, NULL, NULL);
    double          all, running;
    tally_error     err;
    (void)state;
    for (int call = 0; call < 2; call++) {
        assert_ok(tally_call(f, TALLY_IN(&t, mean), TALLY_OUT(&all, &running), &err), &err);
        assert_bits_f64(all, 1234);
        assert_bits_f64(running, 2.5);
    }
    tally_function_release(f);
    tally_metric_release(mean);
}

/* ---- a recording serves metrics whose first batches decided different sizes */
static void one_recording_serves_metrics_of_different_sizes(void **state)
{
    const float         y[12] = { 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0 };
    const tally_tensor  three = tally_matrix(y, 4, 3), four = tally_matrix(y, 3, 4), *a[2] = { &three, &three }, *b[2] = { &four, &four };
    tally_context      *c = tally_context_new(NULL, NULL);
    tally_metric       *m = tally_metric_from_text("F1Score(threshold=0.5)", c, NULL), *n = tally_metric_from_text("F1Score(threshold=0.5)", c, NULL);
    double              v[4];
    tally_error         err;
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_ok(tally_metric_forward_n(m, a, 2, v, 3, &err), &err);
        assert_bits_f64(v[2], 1);
        assert_ok(tally_metric_forward_n(n, b, 2, v, 4, &err), &err);
        assert_bits_f64(v[3], 1);
    }
    assert_int_equal(tally_metric_forward_n(m, b, 2, v, 4, &err), TALLY_INVALID_ARGUMENT);
    tally_metric_release(m);
    tally_metric_release(n);
    tally_context_release(c);
}

/* ---- threads: each sees its own batch */

typedef struct worker { tally_metric *m; int id; bool wrong; } worker;

static void *run_worker(void *user)
{
    worker *w = user;
    for (int i = 0; i < 500; i++) {
        const double v[3] = { w->id, i, w->id + i };
        tally_tensor x = tally_vector(v, 3);
        double       of_batch;
        w->wrong |= tally_metric_forward(w->m, &of_batch, &x) != TALLY_OK || of_batch != 2 * (w->id + i) / 3.0;
    }
    return NULL;
}

static void threads_see_their_own_batches(void **state)
{
    enum { WORKERS = 4 };
    worker        w[WORKERS];
    pthread_t     thread[WORKERS];
    tally_metric *mean = tally_mean_new(NULL, NULL);
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        w[i] = (worker){ mean, 1000 * i, false };
        assert_int_equal(pthread_create(&thread[i], NULL, run_worker, &w[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(thread[i], NULL);
        assert_false(w[i].wrong);
    }
    assert_bits_f64(tally_metric_result(mean), (2 * 1500.0 + 2 * 249.5) / 3);
    tally_metric_release(mean);
}

/* ---- what is wrong */

static void bad_forward(tally_trace *t, void *user)
{
    const tally_node       x = tally_arg(t, 0);
    const tally_metric_ref m = tally_arg_metric(t, 1), none = { NULL, 0, 0 };
    tally_return(t, *(const int *)user ? tally_forward(t, none, x) : tally_forward(t, m, x, x, x));
}

static void what_is_wrong_is_told_and_changes_nothing(void **state)
{
    const double        v[2] = { 1, 3 };
    const tally_tensor  x = tally_vector(v, 2), *p[3] = { &x, &x, &x };
    tally_metric       *mean = tally_mean_new(NULL, NULL);
    double              out;
    tally_error         err;
    (void)state;
    assert_int_equal(tally_metric_forward_n(NULL, p, 1, &out, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_forward_n(mean, p, 3, &out, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean: operands, expected 1");
    assert_int_equal(tally_metric_forward_n(mean, p, 1, NULL, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean: out, expected room for the values, found NULL and 1");
    assert_int_equal(tally_metric_forward_n(mean, p, 1, &out, 0, &err), TALLY_OUT_OF_RANGE);
    for (int which = 0; which < 2; which++) {
        tally_function *f = tally_function_new(bad_forward, &which, NULL, NULL);
        assert_int_equal(tally_call(f, TALLY_IN(&x, mean), TALLY_OUT(&out), &err), TALLY_INVALID_ARGUMENT);
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, which ? "forward: metric, expected a reference of this body" : "Mean: forward, expected 1 operand");
        tally_function_release(f);
    }
    assert_bits_f64(tally_metric_result(mean), 0);
    assert_int_equal(tally_metric_is_defined(mean), 0);
    tally_metric_release(mean);
}

static void it_comes_to_need_no_memory_and_survives_its_lack(void **state)
{
    test_memory         memory = { 0 };
    tally_context      *c = test_context(&memory, NULL);
    const float         y[4] = { 1, 0, 1, 1 }, s[4] = { .9f, .2f, .3f, .6f };
    const tally_tensor  ty = tally_vector(y, 4), ts = tally_vector(s, 4), *p[2] = { &ty, &ts };
    tally_metric       *m = tally_metric_from_text("AUC(num_thresholds=5)", c, NULL);
    double              of_batch = 0, want;
    (void)state;
    for (size_t k = 1, failed = 1; failed; k++) {
        memory.fail_at = memory.calls + k;
        failed = tally_metric_forward_n(m, p, 2, &of_batch, 1, NULL) != TALLY_OK;
        memory.fail_at = 0;
        if (failed)
            assert_int_equal(tally_metric_is_defined(m), 0);
    }
    want = of_batch;
    const size_t calls = memory.calls;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(tally_metric_forward_n(m, p, 2, &of_batch, 1, NULL), TALLY_OK);
        assert_bits_f64(of_batch, want);
    }
    assert_int_equal(memory.calls, calls);
    tally_metric_release(m);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_loop_each_turn_is_a_batch),
        cmocka_unit_test(one_recording_serves_metrics_of_different_sizes),
        cmocka_unit_test(threads_see_their_own_batches),
        cmocka_unit_test(what_is_wrong_is_told_and_changes_nothing),
        cmocka_unit_test(it_comes_to_need_no_memory_and_survives_its_lack),
    };
    return cmocka_run_group_tests_name("laws/forward", tests, NULL, NULL);
}
