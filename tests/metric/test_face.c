/* Programs that the face was designed by, with their results checked: the seed's three in both loop forms, nested regions
 * with a reset, errors, threads on a shared and on cloned metrics. */
#include <pthread.h>

#include "feed.h"

static void calculate_mean(tally_trace *t, void *user)
{
    (void)user;
    tally_node       data = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 1);
    tally_update_state(t, mean, data);
    tally_return_metric(t, mean);
}

static void process_batch(tally_trace *t, void *user)
{
    (void)user;
    tally_node       batch = tally_arg(t, 0);
    tally_metric_ref accuracy = tally_arg_metric(t, 1), loss = tally_arg_metric(t, 2);
    tally_node       predictions = tally_column(batch, 0), labels = tally_column(batch, 1);
    tally_update_state(t, accuracy, labels, predictions);
    tally_update_state(t, loss, tally_reduce_mean(tally_square(tally_sub(predictions, labels))));
    tally_return_metric(t, accuracy);
    tally_return_metric(t, loss);
}

static void process_variable_length(tally_trace *t, void *user)
{
    (void)user;
    tally_node       data = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 1);
    TALLY_WHILE(t, tally_lt(i, tally_dim(data, 0)), &i) {
        tally_update_state(t, mean, tally_at(data, i));
        i = tally_add(i, tally_num(1));
    }
    tally_return_metric(t, mean);
}

static tally_node more(tally_trace *t, const tally_symbol *v, void *user)
{
    (void)t;
    return tally_lt(v[0].node, tally_dim(*(tally_node *)user, 0));
}

static void one(tally_trace *t, tally_symbol *v, void *user)
{
    tally_update_state(t, v[1].metric, tally_at(*(tally_node *)user, v[0].node));
    v[0].node = tally_add(v[0].node, tally_num(1));
}

static void process_variable_length_callbacks(tally_trace *t, void *user)
{
    (void)user;
    tally_node   data = tally_arg(t, 0);
    tally_symbol vars[2] = { { .node = tally_i64(t, 0) }, { .metric = tally_arg_metric(t, 1) } };
    tally_while_loop(t, more, one, &data, vars, 2, NULL);
    tally_return_metric(t, vars[1].metric);
}

static double mean_by(tally_body body, const tally_tensor *x)
{
    tally_error     err;
    tally_metric   *mean = tally_mean_new(NULL, &err), *updated = NULL;
    tally_function *f = tally_function_new(body, NULL, NULL, &err);
    assert_ok(tally_call(f, TALLY_IN(x, mean), TALLY_OUT(&updated), &err), &err);
    assert_ptr_equal(updated, mean);
    double v = tally_metric_result(updated);
    tally_function_release(f);
    tally_metric_release(mean);
    return v;
}

static void the_seeds_three_programs_run_as_written(void **state)
{
    (void)state;
    tally_error     err;
    const float     five[] = { 1, 2, 3, 4, 5 }, three[] = { 1, 2, 3 }, batch[] = { 1, .9f, 2, 1.8f, 3, 3.1f };
    tally_tensor    x = tally_vector(five, 5), y = tally_vector(three, 3), b = tally_matrix(batch, 3, 2), none = tally_vector(five, 0);
    tally_metric   *accuracy = tally_accuracy_new(NULL, &err), *loss = tally_mean_new(NULL, &err), *a = NULL, *l = NULL;
    tally_function *f = tally_function_new(process_batch, NULL, NULL, &err);
    assert_bits_f64(mean_by(calculate_mean, &x), 3);
    assert_bits_f64(mean_by(process_variable_length, &y), 2);
    assert_bits_f64(mean_by(process_variable_length_callbacks, &y), 2);
    assert_bits_f64(mean_by(process_variable_length, &none), 0);
    assert_ok(tally_call(f, TALLY_IN(&b, accuracy, loss), TALLY_OUT(&a, &l), &err), &err);
    assert_ptr_equal(a, accuracy);
    assert_ptr_equal(l, loss);
    assert_bits_f64(tally_metric_result(a), 0);
    assert_bits_f64(tally_metric_result(l), 0x1.47ae16p-6);
    tally_function_release(f);
    tally_metric_release(accuracy);
    tally_metric_release(loss);
}

static void nested_body(tally_trace *t, void *user)
{
    tally_metric_ref big = tally_capture_metric(t, (tally_metric *)user), all = tally_arg_metric(t, 1);
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0), top = tally_f32(t, 0);
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &top) {
        tally_node v = tally_at(x, i);
        TALLY_IF(t, tally_gt(v, tally_num(10)), &top) {
            tally_update_state(t, big, v);
            top = v;
        } else {
            TALLY_IF(t, tally_lt(v, tally_num(0))) { tally_reset_state(t, big); }
        }
        tally_update_state(t, all, v);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, top);
}

static void branches_in_loops_reset_and_update(void **state)
{
    (void)state;
    tally_error     err;
    const float     v[] = { 100, 5, -1, 11, 30, 2 };
    float           top = 0;
    tally_tensor    x = tally_vector(v, 6);
    tally_metric   *big = tally_mean_new(NULL, &err), *all = tally_mean_new(NULL, &err);
    tally_function *f = tally_function_new(nested_body, big, NULL, &err);
    assert_ok(tally_call(f, TALLY_IN(&x, all), TALLY_OUT(&top), &err), &err);
    assert_bits_f32(top, 30);
    assert_bits_f64(tally_metric_result(big), 20.5);
    assert_bits_f64(tally_metric_result(all), 24.5);
    assert_ok(tally_call(f, TALLY_IN(&x, big), TALLY_OUT(&top), &err), &err);   /* captured and given: one metric */
    assert_bits_f64(state_at(big, 0, 0), 11 + 11 + 30 + 30 + 2 - 1);
    tally_function_release(f);
    tally_metric_release(big);
    tally_metric_release(all);
}

static void checked(tally_trace *t, void *user)
{
    (void)user;
    tally_node x = tally_arg(t, 0);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    tally_assert(t, tally_reduce_all(tally_ge(x, tally_num(0))), "values must not be negative");
}

static void a_failing_assert_after_an_update_changes_nothing(void **state)
{
    (void)state;
    tally_error     err;
    const double    d[2] = { 1, -1 };
    tally_tensor    x = tally_vector(d, 2);
    tally_metric   *mean = tally_mean_new(NULL, &err);
    tally_function *f = tally_function_new(checked, NULL, NULL, &err);
    assert_int_equal(tally_call(f, TALLY_IN(&x, mean), TALLY_NO_OUT, &err), TALLY_FAILED_PRECONDITION);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "values must not be negative");
    assert_int_equal(strncmp(err.text, "test_face.c:", 12), 0);
    assert_bits_f64(state_at(mean, 1, 0), 0);
    tally_function_release(f);
    tally_metric_release(mean);
}

/* ---- threads */
enum { THREADS = 4, VALUES = 64 * 64 };
struct work { tally_function *f; tally_context *c; tally_metric *m; const float *x; size_t n; bool eager; tally_status status; };

static void update_body(tally_trace *t, void *user)
{
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
}

static void *worker(void *p)
{
    struct work *w = p;
    for (size_t i = 0; i + 64 <= w->n && !w->status; i += 64) {
        tally_tensor x = tally_vector(w->x + i, 64);
        w->status = w->eager ? tally_metric_update_state(w->m, &x) : tally_call(w->f, TALLY_IN(&x, w->m), TALLY_NO_OUT, NULL);
    }
    return NULL;
}

static double mean_by_threads(const float *x, bool shared, bool eager)
{
    tally_error     err;
    tally_metric   *mean = tally_mean_new(NULL, &err), *part[THREADS];
    tally_function *f = tally_function_new(update_body, NULL, NULL, &err);
    pthread_t       id[THREADS];
    struct work     w[THREADS];
    for (int i = 0; i < THREADS; i++) {
        part[i] = shared ? tally_metric_retain(mean) : tally_metric_clone(mean, &err);
        w[i] = (struct work){ f, NULL, part[i], x + (size_t)i * (VALUES / THREADS), VALUES / THREADS, eager, TALLY_OK };
        assert_int_equal(pthread_create(&id[i], NULL, worker, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(id[i], NULL);
        assert_int_equal(w[i].status, TALLY_OK);
    }
    if (!shared)
        assert_ok(tally_metric_merge_state(mean, part, THREADS, &err), &err);
    for (int i = 0; i < THREADS; i++)
        tally_metric_release(part[i]);
    assert_bits_f64(state_at(mean, 1, 0), VALUES);
    double v = tally_metric_result(mean);
    tally_metric_release(mean);
    tally_function_release(f);
    return v;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    static float x[VALUES];
    test_rng     r = { 8 };
    for (int i = 0; i < VALUES; i++)
        x[i] = (float)(test_unit(&r) * 1e6 - 3e5);
    tally_metric *m = tally_mean_new(NULL, NULL);
    tally_tensor  all = tally_vector(x, VALUES);
    assert_int_equal(tally_metric_update_state(m, &all), 0);
    for (int i = 0; i < 4; i++)
        assert_bits_f64(mean_by_threads(x, i & 1, i & 2), tally_metric_result(m));
    tally_metric_release(m);
}

/* handles come and go on many threads: the shared recordings of a context are made and dropped meanwhile */
static void *maker(void *p)
{
    struct work *w = p;
    for (int i = 0; i < 50 && !w->status; i++) {
        tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
        tally_tensor       x = tally_vector(w->x, 64);
        o.context = w->c;
        tally_metric *m = tally_mean_new(&o, NULL);
        w->status = m ? tally_metric_update_state(m, &x) : TALLY_INTERNAL;
        if (!w->status && state_at(m, 1, 0) != 64)
            w->status = TALLY_INTERNAL;
        tally_metric_release(m);
    }
    return NULL;
}

static void contexts_make_and_drop_their_recordings_on_many_threads(void **state)
{
    (void)state;
    static const float x[64] = { 1, 2, 3 };
    tally_error        err;
    tally_context     *c = tally_context_new(NULL, &err);
    pthread_t          id[THREADS];
    struct work        w[THREADS];
    for (int i = 0; i < THREADS; i++) {
        w[i] = (struct work){ NULL, c, NULL, x, 64, true, TALLY_OK };
        assert_int_equal(pthread_create(&id[i], NULL, maker, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(id[i], NULL);
        assert_int_equal(w[i].status, TALLY_OK);
    }
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seeds_three_programs_run_as_written),
        cmocka_unit_test(branches_in_loops_reset_and_update),
        cmocka_unit_test(a_failing_assert_after_an_update_changes_nothing),
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(contexts_make_and_drop_their_recordings_on_many_threads),
    };
    return cmocka_run_group_tests_name("metric/face", tests, NULL, NULL);
}
