/* forward: one update gives the value of its batch and the running value. Over every class of the table in equal bits: the value of
 * the batch is that of a new metric, the state is that after update_state, outside, in a body and in a loop, on threads, and where
 * it fails. */
#include "classes.h"

#include <pthread.h>

enum { ROWS = 9, VALUES_MOST = 64 };

typedef struct values { double v[VALUES_MOST]; int n; } values;

static const class_row *now;        /* for messages */

static void check(bool holds, const char *what, int line)
{
    if (holds)
        return;
    print_error("%s: %s\n", now->name, what);
    _fail(__FILE__, line);
}

#define LAW(holds) check((holds), #holds, __LINE__)

static tally_metric *new_metric(void)
{
    tally_error   err;
    tally_metric *m = now->make(now, NULL, &err);
    LAW(m != NULL);
    return m;
}

static int operands_of(const meal *f, tally_tensor *x, const tally_tensor **p)
{
    for (int i = 0; i < f->n; i++) {
        x[i] = array_view(f->operand[i]);
        p[i] = &x[i];
    }
    return f->n;
}

static values values_of(const tally_metric *m)
{
    int64_t shape[TALLY_MAX_RANK];
    values  out = { { 0 }, 1 };
    int     rank = tally_metric_result_shape(m, shape);
    for (int a = 0; a < rank; a++)
        out.n *= (int)shape[a];
    LAW(rank >= 0 && out.n <= VALUES_MOST);
    LAW(!tally_metric_values(m, out.v, out.n, NULL));
    return out;
}

static bool same_values(const values *a, const double *b)
{
    for (int i = 0; i < a->n; i++)
        if (test_bits_f64(a->v[i]) != test_bits_f64(b[i]) && (a->v[i] == a->v[i] || b[i] == b[i]))
            return false;
    return true;
}

/* of one batch alone */
static values value_of_batch(const meal *f)
{
    tally_metric *alone = new_metric();
    LAW(!meal_update(alone, f, NULL));
    values v = values_of(alone);
    tally_metric_release(alone);
    return v;
}

static bool same_bytes(pool *p, const tally_metric *a, const tally_metric *b)
{
    return bytes_equal(class_pack(p, a), class_pack(p, b));
}

static void forward(tally_metric *m, const meal *f, const values *want)
{
    tally_tensor        x[4];
    const tally_tensor *p[4];
    double              v[VALUES_MOST];
    LAW(!tally_metric_forward_n(m, p, operands_of(f, x, p), v, VALUES_MOST, NULL));
    LAW(same_values(want, v));
}

/* each with a meal of its own; the weights vary with it */
static void each_class(void (*law)(test_rng *r, pool *p, weighting w))
{
    for (int k = 0; k < class_count; k++)
        for (int w = WEIGHT_NONE; w <= WEIGHT_ANY; w++) {
            test_rng r = { (uint64_t)(k * 8 + w) + 1 };
            pool    *p = pool_new();
            now = &class_table[k];
            if (test_scaled(100) > 1 || k % 5 == 0)
                law(&r, p, (weighting)w);
            pool_free(p);
        }
}

/* ---- outside */

static void check_eager(test_rng *r, pool *p, weighting w)
{
    tally_metric *m = new_metric(), *plain = new_metric();
    for (int i = 0; i < 3; i++) {
        const meal   f = meal_make(now, r, p, 1 + (int64_t)test_below(r, ROWS), TALLY_F32, w);
        const values want = value_of_batch(&f);
        forward(m, &f, &want);
        LAW(!meal_update(plain, &f, NULL));
        LAW(same_bytes(p, m, plain));
    }
    tally_metric_release(m);
    tally_metric_release(plain);
}

static void an_update_gives_the_value_of_its_batch(void **state)
{
    (void)state;
    each_class(check_eager);
}

/* ---- in a body: twice, and in a loop over the rows */

typedef struct body_kind { int operands; } body_kind;

static void body(tally_trace *t, void *user)
{
    const body_kind *k = user;
    tally_metric_ref m = tally_arg_metric(t, 2 * k->operands);
    tally_node       a[4], b[4];
    for (int i = 0; i < k->operands; i++) {
        a[i] = tally_arg(t, i);
        b[i] = tally_arg(t, k->operands + i);
    }
    tally_node of_a = tally_forward_loc(t, m, a, k->operands, __FILE__, __LINE__), after_a = tally_result(t, m);
    tally_node of_b = tally_forward_loc(t, m, b, k->operands, __FILE__, __LINE__), after_b = tally_result(t, m);
    tally_return(t, tally_cast(of_a, TALLY_F64));
    tally_return(t, tally_cast(after_a, TALLY_F64));
    tally_return(t, tally_cast(of_b, TALLY_F64));
    tally_return(t, tally_cast(after_b, TALLY_F64));
}

static void check_body(test_rng *r, pool *p, weighting w)
{
    tally_metric   *m = new_metric(), *plain = new_metric();
    const meal      f = meal_make(now, r, p, 5, TALLY_F32, w), g = meal_make(now, r, p, 7, TALLY_F32, w);
    body_kind       k = { f.n };
    tally_function *fn = tally_function_new(body, &k, NULL, NULL);
    tally_tensor    x[8];
    tally_value     in[9];
    double          v[4][VALUES_MOST];
    tally_buffer    out[4];
    tally_slot      slot[4];
    for (int i = 0; i < f.n; i++) {
        x[i] = array_view(f.operand[i]);
        x[f.n + i] = array_view(g.operand[i]);
    }
    for (int i = 0; i < 2 * f.n; i++)
        in[i] = tally__in_tensor(&x[i]);
    in[2 * f.n] = tally__in_metric(m);
    for (int i = 0; i < 4; i++) {
        out[i] = tally_buffer_of(v[i], VALUES_MOST);
        slot[i] = tally__out_buffer(&out[i]);
    }
    const values of_f = value_of_batch(&f), of_g = value_of_batch(&g);
    for (int call = 0; call < 2; call++) {
        LAW(!tally_call(fn, in, 2 * f.n + 1, slot, 4, NULL));
        LAW(same_values(&of_f, v[0]) && same_values(&of_g, v[2]));
        LAW(!meal_update(plain, &f, NULL));
        values running = values_of(plain);
        LAW(same_values(&running, v[1]));
        LAW(!meal_update(plain, &g, NULL));
        running = values_of(plain);
        LAW(same_values(&running, v[3]));
        LAW(same_bytes(p, m, plain));
    }
    tally_function_release(fn);
    tally_metric_release(m);
    tally_metric_release(plain);
}

static void in_a_body_both_values_are_there(void **state)
{
    (void)state;
    each_class(check_body);
}

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
        cmocka_unit_test(an_update_gives_the_value_of_its_batch),
        cmocka_unit_test(in_a_body_both_values_are_there),
        cmocka_unit_test(in_a_loop_each_turn_is_a_batch),
        cmocka_unit_test(one_recording_serves_metrics_of_different_sizes),
        cmocka_unit_test(threads_see_their_own_batches),
        cmocka_unit_test(what_is_wrong_is_told_and_changes_nothing),
        cmocka_unit_test(it_comes_to_need_no_memory_and_survives_its_lack),
    };
    return cmocka_run_group_tests_name("laws/forward", tests, NULL, NULL);
}
