/* one function from many threads: recorded once, totals exact, every read an instant. */
#include "call.h"

#include <pthread.h>

enum { THREADS = 4 };

typedef struct work {
    tally_function *g;
    tally__store   *s, *own;
    size_t          calls;
    int             number;
    tally_status    worst;
    bool            torn;
} work;

/* both states get the same: a reader must never see them differ */
static void pair_body(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    (void)user;
    tally_return(t, tally__node_rounded(t, tally__read_cell(t, m, 0, HERE), HERE));
    tally_return(t, tally__node_rounded(t, tally__read_cell(t, m, 1, HERE), HERE));
    tally__accumulate(t, m, 0, x, NO_NODE, NO_NODE, HERE);
    tally__accumulate(t, m, 1, x, NO_NODE, NO_NODE, HERE);
}

static tally__store *pair_store(tally_context *c)
{
    tally__cell_spec spec[2] = { { "a", TALLY_STATE_SUM, 0, 0, { 0 } },
                                 { "b", TALLY_STATE_SUM, 0, 0, { 0 } } };
    return test_store(c, "Pair", 2, spec);
}

static void *call_many(void *p)
{
    work        *w = p;
    double       a[3] = { 0x1p-40, (double)w->number, 0x1p40 }, first, second;
    float        b[3] = { 1, 2, 3 };
    tally_tensor x = tally_vector(a, 3), y = tally_vector(b, 3);
    for (size_t i = 0; i < w->calls; i++) {
        tally_status s =
            tally_call(w->g, TALLY_IN(&x, as_metric(w->s)), TALLY_OUT(&first, &second), NULL);
        w->torn |= first != second;
        w->worst = s ? s : w->worst;
        s = tally_call(w->g, TALLY_IN(&y, as_metric(w->own)), TALLY_OUT(&first, &second), NULL);
        w->torn |= first != 6 * (double)i || second != first;
        w->worst = s ? s : w->worst;
        if (i % 64 == 0)
            tally_context_trim(tally__function_context(w->g));
    }
    return NULL;
}

static void threads_share_a_function_and_a_metric(void **state)
{
    fixture        *f = *state;
    pthread_t       thread[THREADS];
    work            w[THREADS];
    size_t          calls = test_scaled(2000);
    double          numbers = 0;
    tally_function *g = make_function(f, "pair", pair_body, NULL);
    tally__store   *s = pair_store(f->context);
    for (int i = 0; i < THREADS; i++) {
        w[i] = (work){ g, s, pair_store(f->context), calls, i, TALLY_OK, false };
        numbers += i * (double)calls;
        assert_int_equal(pthread_create(&thread[i], NULL, call_many, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(w[i].worst, TALLY_OK);
        assert_false(w[i].torn);
        assert_bits_f64(store_value(w[i].own, 0), 6 * (double)calls);
        tally__store_release(w[i].own);
    }
    assert_int_equal(tally_function_traces(g), 2);
    tally__sum want = { { 0 }, 0, 0, 0 }, got;
    for (size_t i = 0; i < THREADS * calls; i++) {
        tally__sum_add_one(&want, 0x1p-40);
        tally__sum_add_one(&want, 0x1p40);
    }
    tally__sum_add_one(&want, numbers);
    tally__cell_get(&s->cell[0], 0, &got);
    assert_memory_equal(&got, &want, sizeof got);
    tally__store_release(s);
    tally_function_release(g);
}

/* each thread is the first to call: one recording is published, the others are dropped */
static void racing_recordings_become_one_trace(void **state)
{
    fixture *f = *state;
    for (size_t round = 0; round < test_scaled(100); round++) {
        pthread_t       thread[THREADS];
        work            w[THREADS];
        tally_function *g = make_function(f, "pair", pair_body, NULL);
        for (int i = 0; i < THREADS; i++) {
            w[i] =
                (work){ g, pair_store(f->context), pair_store(f->context), 1, i, TALLY_OK, false };
            assert_int_equal(pthread_create(&thread[i], NULL, call_many, &w[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(thread[i], NULL);
            assert_int_equal(w[i].worst, TALLY_OK);
            tally__store_release(w[i].s);
            tally__store_release(w[i].own);
        }
        assert_int_equal(tally_function_traces(g), 2);
        tally_function_release(g);
    }
}

int main(void)
{
#define THREADS_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        THREADS_TEST(threads_share_a_function_and_a_metric),
        THREADS_TEST(racing_recordings_become_one_trace),
    };
    return cmocka_run_group_tests_name("function_threads", tests, NULL, NULL);
}
