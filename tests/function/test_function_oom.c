/* memory that is refused: at every allocation of making, recording and calling a function, alone
 * and from there on. A status, nothing lost, no state changed, and the same function works as soon
 * as there is memory. */
#include "call.h"

/* loops, branches, reads, a vector state, a variable, a capture, temporaries of several sizes */
static void rich_body(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0), v = tally_square(x), w = x;
    tally_metric_ref m = tally_arg_metric(t, 1), c = tally_arg_metric(t, 2),
                     held = tally_capture_metric(t, as_metric(*(tally__store **)user));
    tally_variable_ref last = tally_arg_variable(t, 3);
    if (tally__trace_ok(t))             /* refused so far: x is no node */
        tally__size_state(t, c, 0, 0, tally__node_of(x)->dim[1], HERE);
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &w)
    {
        add_to(t, m, tally_at(v, i));
        w = tally_transpose(tally_transpose(tally_add(w, v)));
        TALLY_IF(t, tally_gt(total_of(t, m), tally_f64(t, 100)))
        {
            tally__reset(t, held, HERE);
        }
        else
        {
            add_to(t, held, tally_at(x, i));
        }
        i = tally_add(i, tally_num(1));
    }
    add_to(t, c, w);
    tally_assign(t, last, tally_mul(tally_read(t, last), tally_num(2)));
    tally_print(t, "w", w);
    tally_return(t, tally__read_cell(t, c, 0, HERE));
    tally_return_metric(t, m);
}

typedef struct bench {
    fixture *f;
    tally_context *
        fine; /* the stores' context never fails, so that their bytes can be compared at any time */
    tally__store   *m, *c, *held;
    tally_variable *last;
    double          a[12], back[4];
    tally_tensor    x;
    tally_buffer    b;
    tally_metric   *given;
} bench;

static size_t pack_all(bench *b, uint8_t *out, size_t room)
{
    tally__store *s[] = { b->m, b->c, b->held, tally__store_of_variable(b->last) };
    size_t        n = 0;
    for (int i = 0; i < 4; i++) {
        size_t one = tally__store_pack(s[i], out + n, room - n);
        assert_true(one && n + one <= room);
        n += one;
    }
    return n;
}

static tally_status make_and_call(bench *b, tally_function **g, int calls)
{
    tally_error            err = { 0 };
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    tally_status           s = TALLY_OK;
    o.context = b->f->context;
    if (!*g)
        *g = tally_function_new(rich_body, &b->held, &o, &err);
    if (!*g)
        return err.status;
    for (int i = 0; i < calls && !s; i++)
        s = tally_call(*g, TALLY_IN(&b->x, as_metric(b->m), as_metric(b->c), b->last),
                       TALLY_OUT(&b->b, &b->given), &err);
    if (s)
        assert_true(strlen(err.text) > 0 && err.status == s);
    return s;
}

static void open_bench(bench *b, fixture *f)
{
    const float  scale[2] = { 1, 2 };
    tally_tensor first = tally_vector(scale, 2);
    memset(b, 0, sizeof *b);
    b->f = f;
    b->fine = tally_context_new(NULL, NULL);
    b->m = sum_store(b->fine);
    b->c = vector_store(b->fine);
    b->held = sum_store(b->fine);
    b->last = tally_variable_new(b->fine, &first, NULL);
    for (int i = 0; i < 12; i++)
        b->a[i] = i + 0.25;
    b->x = tally_matrix(b->a, 3, 4);
    b->b = tally_buffer_of(b->back, 4);
}

static void close_bench(bench *b)
{
    tally__store_release(b->m);
    tally__store_release(b->c);
    tally__store_release(b->held);
    tally_variable_release(b->last);
    tally_context_release(b->fine);
}

/* fails the k-th allocation (and with `after` all that follow) until one sweep needs no more than
 * it gets */
static void sweep(fixture *f, bool after, bool warm)
{
    for (size_t k = 1;; k++) {
        static uint8_t  before[1 << 16], now[1 << 16];
        bench           b;
        tally_function *g = NULL;
        open_bench(&b, f);
        if (warm) {
            assert_ok(make_and_call(&b, &g, 1), NULL);
            tally_context_trim(f->context);
        }
        size_t n = pack_all(&b, before, sizeof before);
        f->memory.fail_at = atomic_load(&f->memory.calls) + k;
        f->memory.fail_all_after = after;
        size_t       begun = atomic_load(&f->memory.calls);
        tally_status s = make_and_call(&b, &g, 1);
        bool         met = atomic_load(&f->memory.calls) - begun >= k;
        f->memory.fail_at = 0;
        if (met && s != TALLY_RESOURCE_EXHAUSTED)
            print_error("allocation %zu: %s\n", k, tally_status_name(s));
        if (met) {
            assert_int_equal(s, TALLY_RESOURCE_EXHAUSTED);
            assert_int_equal(pack_all(&b, now, sizeof now), n);
            assert_memory_equal(now, before, n);
            assert_ok(make_and_call(&b, &g, 1), NULL);
        }
        assert_ok(s && !met ? s : TALLY_OK, NULL);
        assert_int_equal(tally_function_traces(g), 1);
        tally_function_release(g);
        close_bench(&b);
        if (atomic_load(&f->memory.blocks) != 1)
            print_error("allocation %zu left %zu blocks\n", k, atomic_load(&f->memory.blocks));
        assert_int_equal(atomic_load(&f->memory.blocks), 1); /* the context itself */
        if (!met) {
            assert_in_range(k, 6, 100000);
            return;
        }
    }
}

static void any_single_refusal_is_a_status(void **state)
{
    sweep(*state, false, false);
}

static void refusal_from_some_point_on_is_a_status(void **state)
{
    sweep(*state, true, false);
}

static void a_recorded_function_survives_refusals(void **state)
{
    sweep(*state, false, true);
}

int main(void)
{
#define OOM_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        OOM_TEST(any_single_refusal_is_a_status),
        OOM_TEST(refusal_from_some_point_on_is_a_status),
        OOM_TEST(a_recorded_function_survives_refusals),
    };
    return cmocka_run_group_tests_name("function_oom", tests, NULL, NULL);
}
