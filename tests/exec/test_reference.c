/* the reference executor: loops, branches, effects, limits, interrupts, asserts and prints. */
#include "program.h"

typedef struct fixture {
    test_memory    memory;
    tally_context *context;
    program        p;
    int            asked,
        stop_at; /* interrupt: how often it was asked, at which time it says stop (0: never) */
    char lines[16][512];
    int  n_lines;
} fixture;

static int interrupt_hook(void *user)
{
    fixture *f = user;
    return ++f->asked == f->stop_at;
}

static void log_hook(void *user, tally_level level, const char *line)
{
    fixture *f = user;
    assert_int_equal(level, TALLY_LOG_PRINT);
    assert_in_range(f->n_lines, 0, 15);
    snprintf(f->lines[f->n_lines++], sizeof f->lines[0], "%s", line);
}

static int open_fixture(void **state)
{
    fixture              *f = calloc(1, sizeof *f);
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    o.allocator = test_allocator(&f->memory);
    o.interrupt = interrupt_hook;
    o.log = log_hook;
    o.user = f;
    f->context = tally_context_new(&o, NULL);
    *state = f;
    return f->context ? 0 : -1;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    program_close(&f->p);
    tally_context_release(f->context);
    size_t left = atomic_load(&f->memory.blocks);
    if (left)
        print_error("%zu blocks are left\n", left);
    free(f);
    return left ? -1 : 0;
}

/* ---- loops */

static void sum_by_loop(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), i = tally_i64(t, 0), sum = tally_f64(t, 0);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &sum)
    {
        sum = tally_add(sum, tally_at(x, i));
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, sum);
    tally_return(t, i);
}

static void a_loop_adds_in_order_at_any_length(void **state)
{
    fixture     *f = *state;
    tally_error  err;
    double       a[200], want = 0;
    test_rng     r = { 7 };
    tally_tensor x = tally_vector(a, 0);
    for (int i = 0; i < 200; i++)
        a[i] = test_any_f64(&r) * 0x1p-64;
    program_tensor(&f->p, &x);
    program_record(&f->p, f->context, sum_by_loop, NULL);
    for (int n = 0; n <= 200; n++) {
        x.shape[0] = n;
        assert_ok(program_run(&f->p, &err), &err);
        assert_bits_f64(program_f64(&f->p, 0), want);
        assert_bits_f64(program_f64(&f->p, 1), n);
        want += n < 200 ? a[n] : 0;
    }
}

static void trade_places(tally_trace *t, void *user)
{
    tally_node n = tally_arg(t, 0), a = tally_arg(t, 1), b = tally_arg(t, 2), i = tally_i64(t, 0);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, n), &i, &a, &b)
    {
        tally_node c = a;
        a = b;
        b = c;
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, a);
    tally_return(t, b);
}

static void carried_values_may_trade_places(void **state)
{
    fixture     *f = *state;
    tally_error  err;
    int64_t      n = 0;
    float        a[3] = { 1, 2, 3 }, b[3] = { 4, 5, 6 };
    tally_tensor count = tally_scalar(&n), x = tally_vector(a, 3), y = tally_vector(b, 3);
    program_tensor(&f->p, &count);
    program_tensor(&f->p, &x);
    program_tensor(&f->p, &y);
    program_record(&f->p, f->context, trade_places, NULL);
    for (n = 0; n < 6; n++) {
        assert_ok(program_run(&f->p, &err), &err);
        tally_tensor first = program_value(&f->p, 0), second = program_value(&f->p, 1);
        assert_memory_equal(first.data, n % 2 ? b : a, sizeof a);
        assert_memory_equal(second.data, n % 2 ? a : b, sizeof a);
    }
}

static void turn_matrix(tally_trace *t, void *user)
{
    tally_node n = tally_arg(t, 0), m = tally_arg(t, 1), i = tally_i64(t, 0);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, n), &i, &m)
    {
        m = tally_transpose(m);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, m);
}

static void a_view_of_a_carried_value_can_be_carried(void **state)
{
    fixture     *f = *state;
    tally_error  err;
    int64_t      n = 0;
    int32_t      a[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    tally_tensor count = tally_scalar(&n), x = tally_matrix(a, 3, 3);
    program_tensor(&f->p, &count);
    program_tensor(&f->p, &x);
    program_record(&f->p, f->context, turn_matrix, NULL);
    for (n = 0; n < 5; n++) {
        assert_ok(program_run(&f->p, &err), &err);
        tally_tensor y = program_value(&f->p, 0);
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < 3; k++) {
                int32_t got = ((const int32_t *)y.data)[i * y.stride[0] + k * y.stride[1]];
                assert_int_equal(got, n % 2 ? a[k * 3 + i] : a[i * 3 + k]);
            }
    }
}

static void products_by_nested_loops(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), y = tally_arg(t, 1), i = tally_i64(t, 0), sum = tally_f64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 2);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &sum)
    {
        tally_node k = tally_i64(t, 0), inner = tally_f64(t, 0);
        TALLY_WHILE(t, tally_lt(k, tally_dim(y, 0)), &k, &inner)
        {
            tally_node v = tally_mul(tally_at(x, i), tally_at(y, k));
            add_to(t, m, v);
            inner = tally_add(inner, v);
            k = tally_add(k, tally_num(1));
        }
        sum = tally_add(sum, inner);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, sum);
}

static void nested_loops_carry_and_update(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    double        a[7] = { 1, 2, 3, 4, 5, 6, 7 }, b[5] = { 1, 10, 100, 1000, 10000 };
    tally_tensor  x = tally_vector(a, 7), y = tally_vector(b, 5);
    tally__store *s = sum_store(f->context);
    double        want = 0;
    program_tensor(&f->p, &x);
    program_tensor(&f->p, &y);
    program_store(&f->p, s);
    program_record(&f->p, f->context, products_by_nested_loops, NULL);
    for (int n = 0; n <= 7; n++)
        for (int k = 0; k <= 5; k++) {
            double sum = 0;
            x.shape[0] = n;
            y.shape[0] = k;
            for (int i = 0; i < n * k; i++)
                sum += a[i / k] * b[i % k];
            want += sum;
            assert_ok(program_commit(&f->p, &err), &err);
            assert_bits_f64(program_f64(&f->p, 0), sum);
            assert_bits_f64(store_value(s, 0), want);
        }
    size_t calls = atomic_load(&f->memory.calls);
    assert_ok(program_commit(&f->p, &err), &err);
    assert_int_equal(atomic_load(&f->memory.calls), calls);
    tally__frame_end(f->p.frame);
    tally__store_release(s);
}

static void drop_first(tally_trace *t, void *user)
{
    tally_node n = tally_arg(t, 0), x = tally_arg(t, 1), i = tally_i64(t, 0);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, n), &i, &x)
    {
        x = tally_slice_loc(x, 0, tally_i64(t, 1), tally_dim(x, 0), __FILE__, __LINE__);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, x);
}

static void a_carried_value_may_change_its_size(void **state)
{
    fixture     *f = *state;
    tally_error  err;
    int64_t      n = 0;
    int32_t      a[5] = { 1, 2, 3, 4, 5 };
    tally_tensor count = tally_scalar(&n), x = tally_vector(a, 5);
    program_tensor(&f->p, &count);
    program_tensor(&f->p, &x);
    program_record(&f->p, f->context, drop_first, NULL);
    for (n = 0; n <= 5; n++) {
        assert_ok(program_run(&f->p, &err), &err);
        tally_tensor y = program_value(&f->p, 0);
        assert_int_equal(y.shape[0], 5 - n);
        for (int i = 0; i < 5 - n; i++)
            assert_int_equal(((const int32_t *)y.data)[i * y.stride[0]], a[n + i]);
    }
}

static void limited(tally_trace *t, void *user)
{
    tally_while_options o = { sizeof o, 3, *(int32_t *)user, 0 };
    tally_node n = tally_arg(t, 0), i = tally_i64(t, 0), *const vars[] = { &i, NULL };
    tally_metric_ref m = tally_arg_metric(t, 1);
    for (tally_scope s = tally_while_begin(t, vars, &o, __FILE__, __LINE__);
         tally_while_test(&s, tally_lt(i, n), __FILE__, __LINE__);
         tally_while_end(&s, __FILE__, __LINE__)) {
        add_to(t, m, tally_f64(t, 1));
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, i);
}

static void check_limit(fixture *f, int32_t is_error)
{
    tally_error   err = { 0 };
    int64_t       n = 0;
    tally_tensor  count = tally_scalar(&n);
    tally__store *s = sum_store(f->context);
    double        sum = 0;
    program_tensor(&f->p, &count);
    program_store(&f->p, s);
    program_record(&f->p, f->context, limited, &is_error);
    for (n = 0; n < 6; n++) {
        bool over = n > 3 && is_error;
        assert_status(program_commit(&f->p, &err), over ? TALLY_OUT_OF_RANGE : TALLY_OK, &err);
        if (over)
            assert_error_has(&err, TALLY_OUT_OF_RANGE, "while: iterations, expected at most 3");
        else
            assert_bits_f64(program_f64(&f->p, 0), n < 3 ? (double)n : 3);
        sum += over ? 0 : n < 3 ? (double)n : 3;
        assert_bits_f64(store_value(s, 0), sum);
    }
    tally__frame_end(f->p.frame);
    tally__store_release(s);
}

static void a_limit_stops_the_loop(void **state)
{
    check_limit(*state, 0);
}

static void a_limit_is_an_error_only_when_the_condition_still_holds(void **state)
{
    check_limit(*state, 1);
}

static void reads_and_resets(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0), seen = tally_f64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &seen)
    {
        add_to(t, m, tally_at(x, i));
        seen = tally_add(seen, total_of(t, m));
        TALLY_IF(t, tally_gt(total_of(t, m), tally_f64(t, 5)))
        {
            tally__reset(t, m, HERE);
            add_to(t, m, tally_f64(t, 1));
        }
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, seen);
}

static void updates_reads_and_resets_keep_their_order(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    double        a[6] = { 1, 2, 3, 1, 4, 2 }, held = 0, seen = 0;
    tally_tensor  x = tally_vector(a, 6);
    tally__store *s = sum_store(f->context);
    program_tensor(&f->p, &x);
    program_store(&f->p, s);
    program_record(&f->p, f->context, reads_and_resets, NULL);
    for (int round = 0; round < 3; round++) {
        seen = 0;
        for (int i = 0; i < 6; i++) {
            held += a[i];
            seen += held;
            if (held > 5)
                held = 1;
        }
        assert_ok(program_commit(&f->p, &err), &err);
        assert_bits_f64(program_f64(&f->p, 0), seen);
        assert_bits_f64(store_value(s, 0), held);
    }
    tally__frame_end(f->p.frame);
    tally__store_release(s);
}

static void count_with_variable(tally_trace *t, void *user)
{
    tally_node         n = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_variable_ref v = tally_arg_variable(t, 1);
    tally_node         before = tally_read(t, v);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, n), &i)
    {
        tally_assign(t, v, tally_add(tally_read(t, v), tally_num(1)));
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, before);
    tally_return(t, tally_read(t, v));
}

static void a_variable_is_read_and_assigned_in_a_loop(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    int64_t         n = 5;
    float           a[3] = { 1, 2, 3 }, now[3];
    tally_tensor    count = tally_scalar(&n), x = tally_vector(a, 3);
    tally_buffer    out = tally_buffer_of(now, 3);
    tally_variable *v = tally_variable_new(f->context, &x, &err);
    assert_non_null(v);
    program_tensor(&f->p, &count);
    program_store(&f->p, tally__store_of_variable(v));
    program_record(&f->p, f->context, count_with_variable, NULL);
    size_t calls = 0;
    for (int round = 1; round <= 4; round++) {
        assert_ok(program_commit(&f->p, &err), &err);
        const float *before = program_value(&f->p, 0).data, *after = program_value(&f->p, 1).data;
        for (int i = 0; i < 3; i++) {
            assert_bits_f32(before[i], a[i] + 5 * (float)(round - 1));
            assert_bits_f32(after[i], a[i] + 5 * (float)round);
        }
        tally__frame_end(f->p.frame);
        assert_ok(tally_variable_read(v, &out, &err), &err);
        assert_bits_f32(now[2], a[2] + 5 * (float)round);
        if (round == 3)
            calls = atomic_load(&f->memory.calls);
    }
    assert_int_equal(atomic_load(&f->memory.calls), calls);
    tally_variable_release(v);
}

/* ---- branches */

static void choose(tally_trace *t, void *user)
{
    tally_node       c = tally_arg(t, 0), x = tally_arg(t, 1), y = x, z = tally_f64(t, 1);
    tally_metric_ref m = tally_arg_metric(t, 2), r = tally_arg_metric(t, 3);
    (void)user;
    TALLY_IF(t, tally_gt(c, tally_i64(t, 0)), &y, &z)
    {
        add_to(t, m, x);
        y = tally_square(x);
        TALLY_IF(t, tally_gt(c, tally_i64(t, 1)), &z)
        {
            z = tally_f64(t, 2);
        }
        else
        {
            z = tally_f64(t, 3);
        }
    }
    else
    {
        add_to(t, r, x);
        y = tally_neg(x);
    }
    tally_return(t, y);
    tally_return(t, z);
}

static void one_branch_runs_and_has_effects(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    int64_t       c = 0;
    double        a[2] = { 3, -4 };
    tally_tensor  cond = tally_scalar(&c), x = tally_vector(a, 2);
    tally__store *s = sum_store(f->context), *r = sum_store(f->context);
    program_tensor(&f->p, &cond);
    program_tensor(&f->p, &x);
    program_store(&f->p, s);
    program_store(&f->p, r);
    program_record(&f->p, f->context, choose, NULL);
    for (c = 0; c < 3; c++) {
        assert_ok(program_commit(&f->p, &err), &err);
        const double *y = program_value(&f->p, 0).data;
        assert_bits_f64(y[1], c ? 16 : 4);
        assert_bits_f64(program_f64(&f->p, 1), c == 0 ? 1 : c == 1 ? 3 : 2);
        assert_bits_f64(store_value(s, 0), (double)(0 - c));
        assert_bits_f64(store_value(r, 0), -1);
    }
    tally__frame_end(f->p.frame);
    tally__store_release(s);
    tally__store_release(r);
}

/* ---- interrupt, assert, print */

static void endless(tally_trace *t, void *user)
{
    tally_metric_ref m = tally_arg_metric(t, 0);
    tally_node       one = tally_f64(t, 1);
    (void)user;
    TALLY_WHILE(t, tally_gt(one, tally_num(0)))
    {
        add_to(t, m, one);
    }
}

static void the_hook_ends_an_endless_loop_and_nothing_changed(void **state)
{
    fixture      *f = *state;
    tally_error   err = { 0 };
    tally__store *s = sum_store(f->context);
    program_store(&f->p, s);
    program_record(&f->p, f->context, endless, NULL);
    for (f->stop_at = 1; f->stop_at < 40; f->stop_at++) {
        f->asked = 0;
        assert_status(program_commit(&f->p, &err), TALLY_CANCELLED, &err);
        assert_int_equal(f->asked, f->stop_at);
        assert_bits_f64(store_value(s, 0), 0);
    }
    assert_error_has(&err, TALLY_CANCELLED, "program: cancelled");
    tally__store_release(s);
}

static void update_then_assert(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0);
    add_to(t, tally_arg_metric(t, 1), x);
    *(int *)user = __LINE__ + 1;
    tally_assert(t, tally_ge(x, tally_num(0)), "values must not be negative");
    tally_assert(t, tally_reduce_all(tally_lt(x, tally_num(100))), "values must be small");
}

static void a_failing_assert_leaves_the_state_and_names_line_and_row(void **state)
{
    fixture      *f = *state;
    tally_error   err = { 0 };
    int           line = 0;
    double        a[6] = { 1, 2, 3, -4, 5, -6 };
    char          place[128];
    tally_tensor  x = tally_matrix(a, 3, 2);
    tally__store *s = sum_store(f->context);
    program_tensor(&f->p, &x);
    program_store(&f->p, s);
    program_record(&f->p, f->context, update_then_assert, &line);
    assert_status(program_commit(&f->p, &err), TALLY_FAILED_PRECONDITION, &err);
    snprintf(place, sizeof place,
             "test_reference.c:%d: assert: values must not be negative, found false at row 1",
             line);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, place);
    assert_bits_f64(store_value(s, 0), 0);
    a[3] = 4000;
    a[5] = 6;
    assert_status(program_commit(&f->p, &err), TALLY_FAILED_PRECONDITION, &err);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "assert: values must be small");
    a[3] = 4;
    assert_ok(program_commit(&f->p, &err), &err);
    assert_bits_f64(store_value(s, 0), 21);
    tally__frame_end(f->p.frame);
    tally__store_release(s);
}

static void print_all(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), n = tally_arg(t, 1);
    (void)user;
    tally_print(t, "x", x);
    tally_print(t, "rows", tally_dim(x, 0));
    tally_print(t, "half", tally_f64(t, 0.5));
    tally_print(t, "yes", tally_gt(tally_num(1), tally_f64(t, 0)));
    tally_print(t, "n", n);
    tally_print(t, "total", tally__read_cell(t, tally_arg_metric(t, 2), 0, HERE));
}

static void prints_say_label_and_value(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    double        a[6] = { 1, -2.5, 3, 4e100, 0.1, 6 };
    int32_t       big[100];
    tally_tensor  x = tally_matrix(a, 2, 3), n = tally_vector(big, 100);
    tally__store *s = sum_store(f->context);
    for (int i = 0; i < 100; i++)
        big[i] = i;
    program_tensor(&f->p, &x);
    program_tensor(&f->p, &n);
    program_store(&f->p, s);
    program_record(&f->p, f->context, print_all, NULL);
    assert_ok(program_run(&f->p, &err), &err);
    assert_int_equal(f->n_lines, 6);
    assert_string_equal(f->lines[0], "x: [[1, -2.5, 3], [4e+100, 0.1, 6]]");
    assert_string_equal(f->lines[1], "rows: 2");
    assert_string_equal(f->lines[2], "half: 0.5");
    assert_string_equal(f->lines[3], "yes: true");
    assert_string_equal(f->lines[4], "n: [0, 1, 2, ..., 97, 98, 99]");
    assert_string_equal(f->lines[5], "total: 0");
    n.shape[0] = 0;
    assert_ok(program_run(&f->p, &err), &err);
    assert_string_equal(f->lines[10], "n: []");
    tally__frame_end(f->p.frame);
    tally__store_release(s);
}

int main(void)
{
#define REFERENCE_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        REFERENCE_TEST(a_loop_adds_in_order_at_any_length),
        REFERENCE_TEST(carried_values_may_trade_places),
        REFERENCE_TEST(a_view_of_a_carried_value_can_be_carried),
        REFERENCE_TEST(nested_loops_carry_and_update),
        REFERENCE_TEST(a_carried_value_may_change_its_size),
        REFERENCE_TEST(a_limit_stops_the_loop),
        REFERENCE_TEST(a_limit_is_an_error_only_when_the_condition_still_holds),
        REFERENCE_TEST(updates_reads_and_resets_keep_their_order),
        REFERENCE_TEST(a_variable_is_read_and_assigned_in_a_loop),
        REFERENCE_TEST(one_branch_runs_and_has_effects),
        REFERENCE_TEST(the_hook_ends_an_endless_loop_and_nothing_changed),
        REFERENCE_TEST(a_failing_assert_leaves_the_state_and_names_line_and_row),
        REFERENCE_TEST(prints_say_label_and_value),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
