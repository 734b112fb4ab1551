/* the steady state: after a call with this signature and no smaller sizes, a call asks for no
 * memory at all. */
#include "call.h"

static void everything(tally_trace *t, void *user)
{
    tally_node         x = tally_arg(t, 0), i = tally_i64(t, 0), w = tally_square(x);
    tally_metric_ref   m = tally_arg_metric(t, 1), c = tally_arg_metric(t, 2);
    tally_variable_ref v = tally_arg_variable(t, 3);
    (void)user;
    tally__size_state(t, c, 0, 0, tally__node_of(x)->dim[1], HERE);
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &w)
    {
        add_to(t, m, tally_at(x, i));
        w = tally_add(w, x);
        TALLY_IF(t, tally_gt(total_of(t, m), tally_f64(t, 50)))
        {
            tally__reset(t, m, HERE);
        }
        i = tally_add(i, tally_num(1));
    }
    add_to(t, c, w);
    tally_assign(t, v, tally_add(tally_read(t, v), tally_num(1)));
    tally_return(t, w);
    tally_return(t, total_of(t, m));
}

static void nothing_is_allocated_after_the_first_calls(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    static float    a[64 * 8], back[64 * 8];
    double          total;
    test_rng        r = { 11 };
    tally_tensor    x = tally_matrix(a, 64, 8), one = tally_vector(a, 4);
    tally_buffer    b = tally_buffer_of(back, 64 * 8);
    tally_function *g = make_function(f, "everything", everything, NULL);
    tally__store   *m[2] = { sum_store(f->context), sum_store(f->context) },
                 *c[2] = { vector_store(f->context), vector_store(f->context) };
    tally_variable *v = tally_variable_new(f->context, &one, &err);
    for (int i = 0; i < 64 * 8; i++)
        a[i] = (float)(test_unit(&r) * 20 - 10) * (i % 7 ? 1 : 0x1p-40f);
    size_t calls = 0;
    for (int round = 0; round < 40; round++) {
        int k = round % 2;
        if (round == 6)
            calls = atomic_load(&f->memory.calls);
        x.shape[0] = round < 2 ? 64 : 64 - round;
        assert_ok(tally_call(g, TALLY_IN(&x, as_metric(m[k]), as_metric(c[k]), v),
                             TALLY_OUT(&b, &total), &err),
                  &err);
    }
    if (atomic_load(&f->memory.calls) != calls)
        print_error("%zu allocations in 34 calls\n", atomic_load(&f->memory.calls) - calls);
    assert_int_equal(atomic_load(&f->memory.calls), calls);
    for (int k = 0; k < 2; k++) {
        tally__store_release(m[k]);
        tally__store_release(c[k]);
    }
    tally_variable_release(v);
    tally_function_release(g);
}

static void add_body(tally_trace *t, void *user)
{
    (void)user;
    add_to(t, tally_arg_metric(t, 1), tally_arg(t, 0));
}

static void failed_calls_do_not_grow_memory(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    float           a[4] = { 1, 2, 3, 4 };
    double          none;
    tally_tensor    x = tally_vector(a, 4);
    tally__store   *s = sum_store(f->context);
    tally_function *g = make_function(f, "add", add_body, NULL);
    size_t          bytes = 0;
    for (int i = 0; i < 60; i++) {
        assert_ok(tally_call(g, TALLY_IN(&x, as_metric(s)), TALLY_NO_OUT, &err), &err);
        assert_status(tally_call(g, TALLY_IN(&x, as_metric(s)), TALLY_OUT(&none), &err),
                      TALLY_INVALID_ARGUMENT, &err);
        assert_status(tally_call(g, TALLY_IN(&x, as_metric(s), &x), TALLY_NO_OUT, &err),
                      TALLY_INVALID_ARGUMENT, &err);
        if (i == 30)
            bytes = tally_context_bytes(f->context);
    }
    assert_int_equal(tally_context_bytes(f->context), bytes);
    tally__store_release(s);
    tally_function_release(g);
}

int main(void)
{
#define STEADY_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        STEADY_TEST(nothing_is_allocated_after_the_first_calls),
        STEADY_TEST(failed_calls_do_not_grow_memory),
    };
    return cmocka_run_group_tests_name("steady", tests, NULL, NULL);
}
