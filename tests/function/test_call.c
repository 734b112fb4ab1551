/* calls: outputs of every kind, every refusal with its text, bodies that jump out, that call, that
 * call themselves. */
#include "call.h"

#include <fenv.h>
#include <setjmp.h>

/* ---- outputs */

static void give_three(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    (void)user;
    add_to(t, m, x);
    tally_return(t, total_of(t, m));
    tally_return_metric(t, m);
    tally_return(t, tally_neg(x));
    tally_return(t, tally_dim(x, 0));
}

static void every_destination_gets_its_value(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    float           a[3] = { 1, 2.5f, -4 }, back[5] = { 9, 9, 9, 9, 9 };
    tally_tensor    x = tally_vector(a, 3);
    tally_buffer    b = tally_buffer_of(back, 5);
    tally__store   *s = sum_store(f->context);
    tally_metric   *m = as_metric(s), *given = NULL;
    tally_function *g = make_function(f, "three", give_three, NULL);
    double          total = 0;
    float           total_f = 0;
    int64_t         rows = 0;
    assert_ok(tally_call(g, TALLY_IN(&x, m), TALLY_OUT(&total, &given, &b, &rows), &err), &err);
    assert_bits_f64(total, -0.5);
    assert_ptr_equal(given, m);
    assert_int_equal(atomic_load(&s->references), 1);
    assert_int_equal(b.rank, 1);
    assert_int_equal(b.shape[0], 3);
    assert_bits_f32(back[0], -1);
    assert_bits_f32(back[2], 4);
    assert_bits_f32(back[3], 9);
    assert_int_equal(rows, 3);
    double rows_f = 0;
    assert_ok(tally_call(g, TALLY_IN(&x, m), TALLY_OUT(&total_f, &given, &b, &rows_f), &err), &err);
    assert_bits_f32(total_f, -1);
    assert_bits_f64(rows_f, 3);
    assert_ok(tally_call(g, TALLY_IN(&x, m), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(store_value(s, 0), -1.5);
    x.shape[0] = 0;
    assert_ok(tally_call(g, TALLY_IN(&x, m), TALLY_OUT(&total, &given, &b, &rows), &err), &err);
    assert_int_equal(b.shape[0], 0);
    assert_int_equal(rows, 0);
    tally__store_release(s);
    tally_function_release(g);
}

typedef struct refusal {
    tally_function *g;
    tally__store   *s;
    tally_tensor    x;
    tally_metric   *given;
    double          total, other;
    int64_t         rows;
    float           a[4], back[4];
    tally_buffer    b;
} refusal;

static void refused(refusal *r, const tally_slot *out, int n_out, tally_status want,
                    const char *part)
{
    tally_error  err = { 0 };
    tally_value  in[2] = { tally__in_tensor(&r->x), tally__in_metric(as_metric(r->s)) };
    tally_buffer before = r->b;
    assert_status(tally_call(r->g, in, 2, out, n_out, &err), want, &err);
    assert_error_has(&err, want, part);
    assert_error_has(&err, want, "three: ");
    assert_bits_f64(store_value(r->s, 0), 0);
    assert_memory_equal(&before, &r->b, sizeof before);
    assert_null(r->given);
}

#define REFUSED(status, part, ...) \
    do { \
        tally_slot refused_[] = { __VA_ARGS__ }; \
        refused(&r, refused_, (int)(sizeof refused_ / sizeof *refused_), status, part); \
    } while (0)

static void wrong_destinations_are_named(void **state)
{
    fixture *f = *state;
    refusal  r = { .a = { 1, 2, 3, 4 } };
    r.g = make_function(f, "three", give_three, NULL);
    r.s = sum_store(f->context);
    r.x = tally_vector(r.a, 3);
    r.b = tally_buffer_of(r.back, 4);
    const tally_slot total = tally__out_f64(&r.total), place = tally__out_metric(&r.given),
                     buffer = tally__out_buffer(&r.b), rows = tally__out_i64(&r.rows),
                     none = { NULL, TALLY_KIND_F64, 0 }, odd = { &r.total, 77, 0 };
    tally_buffer small = tally_buffer_of(r.back, 2), wrong = tally_buffer_of(&r.other, 1),
                 inside = tally_buffer_of(r.a + 2, 2), blank = { NULL, TALLY_F32, 0, 4, { 0 } };
    double *in_buffer = (double *)(void *)r.back;
    REFUSED(TALLY_INVALID_ARGUMENT, "outputs, expected 4 as the body returns, or none, found 2",
            total, place);
    REFUSED(TALLY_INVALID_ARGUMENT, "output 0, expected a destination, found NULL", none, place,
            buffer, rows);
    REFUSED(TALLY_INVALID_ARGUMENT, "output 0, expected a buffer, a number or a metric's place",
            odd, place, buffer, rows);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "output 0, expected a destination for a tensor, found a metric's place", place, place,
            buffer, rows);
    REFUSED(TALLY_INVALID_ARGUMENT, "output 1, expected a metric's place", total, rows, buffer,
            rows);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "output 2, expected a buffer for float32 of rank 1, found a number", total, place, rows,
            rows);
    REFUSED(TALLY_INVALID_ARGUMENT, "output 2, expected a buffer of float32, found one of float64",
            total, place, tally__out_buffer(&wrong), rows);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "output 0, expected a double or a float for float64, found an int64", rows, place,
            buffer, rows);
    REFUSED(TALLY_OUT_OF_RANGE, "output 2, expected a capacity of 3 elements, found 2", total,
            place, tally__out_buffer(&small), rows);
    REFUSED(TALLY_INVALID_ARGUMENT, "output 2, expected a buffer with memory, found NULL", total,
            place, tally__out_buffer(&blank), rows);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "output 2, expected memory of its own, found an overlap with argument 0", total, place,
            tally__out_buffer(&inside), rows);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "output 2, expected memory of its own, found an overlap with output 0",
            tally__out_f64(in_buffer), place, buffer, rows);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "output 3, expected memory of its own, found an overlap with output 0", total, place,
            buffer, tally__out_f64(&r.total));
    tally__store_release(r.s);
    tally_function_release(r.g);
}

/* ---- arguments */

static void wrong_arguments_are_named(void **state)
{
    fixture        *f = *state;
    tally_error     err = { 0 };
    float           a[4] = { 0 };
    tally_tensor    x = tally_vector(a, 4), broken = x;
    tally__store   *s = sum_store(f->context);
    tally_variable *v = tally_variable_new(f->context, &x, &err);
    tally_metric   *m = as_metric(s);
    tally_function *g = make_function(f, "three", give_three, NULL);
    tally_value     odd = { &x, 99, 0 }, disguised = { v, TALLY_KIND_METRIC, 0 };
    broken.dtype = 99;
#define ARGUMENT_REFUSED(index, part, ...) \
    do { \
        tally_value in_[] = { __VA_ARGS__ }; \
        assert_status(tally_call(g, in_, (int)(sizeof in_ / sizeof *in_), TALLY_NO_OUT, &err), \
                      TALLY_INVALID_ARGUMENT, &err); \
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, part); \
        assert_int_equal(err.argument, index); \
    } while (0)
    ARGUMENT_REFUSED(0, "three: argument 0, expected a tensor, found NULL", tally__in_tensor(NULL),
                     tally__in_metric(m));
    ARGUMENT_REFUSED(1, "three: argument 1, expected a metric, found NULL", tally__in_tensor(&x),
                     tally__in_metric(NULL));
    ARGUMENT_REFUSED(0, "three: argument 0, expected a tensor, a metric or a variable", odd,
                     tally__in_metric(m));
    ARGUMENT_REFUSED(1, "three: argument 1, expected a metric, found a variable",
                     tally__in_tensor(&x), disguised);
    ARGUMENT_REFUSED(0, "three: ", tally__in_tensor(&broken), tally__in_metric(m));
    ARGUMENT_REFUSED(-1, "three: arguments, expected 2 as the body uses, found 3",
                     tally__in_tensor(&x), tally__in_metric(m), tally__in_tensor(&x));
    assert_status(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "test_call.c:");
    assert_status(tally_call(g, TALLY_IN(m, &x), TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_call(g, NULL, 2, TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT,
                     "three: arguments, expected a list and its length, found NULL and 2");
    assert_status(tally_call(g, NULL, -1, TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_call(NULL, TALLY_IN(&x, m), TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT,
                  &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "call: function, expected one, found NULL");
    assert_status(tally_call(g, NULL, 2, TALLY_NO_OUT, NULL), TALLY_INVALID_ARGUMENT, NULL);
    assert_int_equal(tally_function_traces(g), 0);
    assert_ok(tally_call(g, TALLY_IN(&x, m), TALLY_NO_OUT, NULL), NULL);
    assert_int_equal(tally_function_traces(g), 1);
    tally_variable_release(v);
    tally__store_release(s);
    tally_function_release(g);
}

static void bad_options_make_no_function(void **state)
{
    fixture               *f = *state;
    tally_error            err = { 0 };
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    o.context = f->context;
    assert_null(tally_function_new(NULL, NULL, &o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT,
                     "function: body, expected a function, found NULL");
    o.max_traces = 0;
    assert_null(tally_function_new(give_three, NULL, &o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT,
                     "options.max_traces, expected at least 1, found 0");
    o.size = 1;
    assert_null(tally_function_new(give_three, NULL, &o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "options.size");
    tally_function_release(NULL);
    assert_null(tally_function_retain(NULL));
    assert_int_equal(tally_function_traces(NULL), 0);
    assert_int_equal(tally_function_dump(NULL, 0, NULL, 0), 0);
}

/* ---- the user's data */

static void count_drop(void *user)
{
    ++*(int *)user;
}

static void the_last_release_drops_the_users_data_once(void **state)
{
    fixture               *f = *state;
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    int                    dropped = 0;
    o.context = f->context;
    o.drop_user = count_drop;
    tally_function *g = tally_function_new(give_three, &dropped, &o, NULL);
    assert_ptr_equal(tally_function_retain(g), g);
    tally_function_release(g);
    assert_int_equal(dropped, 0);
    tally_function_release(g);
    assert_int_equal(dropped, 1);
}

static void a_function_without_a_context_has_its_own(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    float           a[2] = { 1, 2 };
    tally_tensor    x = tally_vector(a, 2);
    tally__store   *s = sum_store(f->context);
    tally_function *g = tally_function_new(give_three, NULL, NULL, &err);
    assert_non_null(g);
    assert_ptr_not_equal(tally__function_context(g), f->context);
    assert_ok(tally_call(g, TALLY_IN(&x, as_metric(s)), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(store_value(s, 0), 3);
    tally_function_release(g);
    tally__store_release(s);
}

/* ---- prepare, dump, trim */

static void prepare_records_and_runs_nothing(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    float           a[3] = { 1, 2, 3 };
    tally_tensor    x = tally_vector(a, 3);
    tally__store   *s = sum_store(f->context);
    tally_function *g = make_function(f, "three", give_three, NULL);
    char            text[2048], cut[8];
    assert_ok(tally_function_prepare(g, TALLY_IN(&x, as_metric(s)), &err), &err);
    assert_int_equal(tally_function_traces(g), 1);
    assert_bits_f64(store_value(s, 0), 0);
    size_t n = tally_function_dump(g, 0, NULL, 0), calls = atomic_load(&f->memory.calls);
    assert_ok(tally_call(g, TALLY_IN(&x, as_metric(s)), TALLY_NO_OUT, &err), &err);
    assert_in_range(atomic_load(&f->memory.calls) - calls, 0, 1); /* the store's own memory */
    assert_in_range(n, 10, sizeof text);
    assert_int_equal(tally_function_dump(g, 0, text, sizeof text), n);
    assert_int_equal(strlen(text) + 1, n);
    assert_int_equal(tally_function_dump(g, 0, cut, sizeof cut), n);
    assert_int_equal(strlen(cut), 7);
    assert_int_equal(tally_function_dump(g, 1, text, sizeof text), 0);
    assert_int_equal(tally_function_dump(g, -1, text, sizeof text), 0);
    assert_string_equal(text, "");
    size_t before = tally_context_bytes(f->context);
    tally_context_trim(f->context);
    assert_true(tally_context_bytes(f->context) < before);
    tally_context_trim(f->context);
    assert_ok(tally_call(g, TALLY_IN(&x, as_metric(s)), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(store_value(s, 0), 12);
    assert_status(tally_function_prepare(NULL, TALLY_IN(&x), &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_function_prepare(g, NULL, 1, NULL), TALLY_INVALID_ARGUMENT, NULL);
    tally__store_release(s);
    tally_function_release(g);
}

/* ---- bodies that leave, fail, call */

typedef struct jumper {
    jmp_buf       to;
    int           jump, recorded;
    tally_node    stale;
    tally__store *kept;
} jumper;

static void jumping_body(tally_trace *t, void *user)
{
    jumper    *j = user;
    tally_node x = tally_arg(t, 0);
    j->recorded++;
    j->stale = x;
    add_to(t, tally_capture_metric(t, as_metric(j->kept)), tally_square(x));
    TALLY_WHILE(t, tally_lt(tally_num(2), tally_dim(x, 0)))
    {
        if (j->jump)
            longjmp(j->to, 1);
    }
    tally_return(t, tally_neg(x));
}

static void a_body_may_jump_out_and_leaves_nothing(void **state)
{
    fixture        *f = *state;
    tally_error     err;
    float           a[2] = { 1, 2 };
    tally_tensor    x = tally_vector(a, 2);
    jumper          j = { .jump = 1, .kept = sum_store(f->context) };
    tally_function *g = make_function(f, "jump", jumping_body, &j);
    for (volatile int i = 0; i < 40; i++) {
        if (!setjmp(j.to)) {
            tally_status s = tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err);
            fail_msg("the body returned %d", (int)s);
        }
    }
    assert_int_equal(j.recorded, 40);
    assert_int_equal(tally_function_traces(g), 0);
    j.jump = 0;
    assert_ok(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(store_value(j.kept, 0), 5);
    tally_function_release(g);
    assert_int_equal(atomic_load(&j.kept->references), 1);
    tally__store_release(j.kept);
}

static void stale_body(tally_trace *t, void *user)
{
    jumper    *j = user;
    tally_node x = tally_arg(t, 0);
    if (j->recorded++)
        x = tally_add(x, j->stale);
    j->stale = x;
    tally_return(t, x);
}

static void a_failed_recording_is_not_kept_and_its_nodes_are_errors(void **state)
{
    fixture        *f = *state;
    tally_error     err = { 0 };
    float           a[2] = { 1, 2 };
    double          b[2] = { 1, 2 };
    tally_tensor    x = tally_vector(a, 2), y = tally_vector(b, 2);
    jumper          j = { 0 };
    tally_function *g = make_function(f, "stale", stale_body, &j);
    assert_ok(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), &err);
    for (int i = 0; i < 30; i++) {
        assert_status(tally_call(g, TALLY_IN(&y), TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT,
                      &err);
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, "test_call.c:");
    }
    size_t bytes = tally_context_bytes(f->context);
    for (int i = 0; i < 30; i++)
        assert_status(tally_call(g, TALLY_IN(&y), TALLY_NO_OUT, &err), TALLY_INVALID_ARGUMENT,
                      &err);
    assert_int_equal(tally_context_bytes(f->context), bytes);
    assert_int_equal(tally_function_traces(g), 1);
    assert_int_equal(j.recorded, 61);
    assert_ok(tally_call(g, TALLY_IN(&x), TALLY_NO_OUT, &err), &err);
    tally_function_release(g);
}

typedef struct recursion {
    tally_function *self, *other;
    tally_tensor    x;
    int             depth, deepest, fails;
    int             until; /* how deep it calls; 0: without end */
} recursion;

static void recursive_body(tally_trace *t, void *user)
{
    recursion  *r = user;
    tally_error err = { 0 };
    tally_return(t, tally_neg(tally_arg(t, 0)));
    r->depth++;
    r->deepest = TALLY__MAX(r->deepest, r->depth);
    if (!r->until || r->depth < r->until) {
        tally_status s = tally_call(r->depth % 2 && r->other ? r->other : r->self, TALLY_IN(&r->x),
                                    TALLY_NO_OUT, &err);
        if (s) {
            assert_status(s, TALLY_RESOURCE_EXHAUSTED, &err);
            assert_error_has(&err, TALLY_RESOURCE_EXHAUSTED, "recursion");
            r->fails++;
        }
    }
    r->depth--;
}

static void a_body_that_calls_itself_is_stopped(void **state)
{
    fixture    *f = *state;
    tally_error err;
    float       a[2] = { 1, 2 };
    recursion   r = { .x = tally_vector(a, 2) };
    for (int mutual = 0; mutual < 2; mutual++) {
        r.self = make_function(f, "direct", recursive_body, &r);
        r.other = mutual ? make_function(f, "mutual", recursive_body, &r) : NULL;
        r.fails = r.deepest = 0;
        assert_ok(tally_call(r.self, TALLY_IN(&r.x), TALLY_NO_OUT, &err), &err);
        assert_int_equal(r.fails, 1);
        assert_in_range(r.deepest, 2, 32);
        assert_int_equal(tally_function_traces(r.self), 1);
        assert_ok(tally_call(r.self, TALLY_IN(&r.x), TALLY_NO_OUT, &err), &err);
        assert_int_equal(r.fails, 1);
        tally_function_release(r.self);
        tally_function_release(r.other);
    }
}

static void a_body_may_call_itself_a_few_times(void **state)
{
    fixture    *f = *state;
    tally_error err;
    float       a[2] = { 1, 2 };
    recursion   r = { .x = tally_vector(a, 2), .until = 5 };
    r.self = make_function(f, "direct", recursive_body, &r);
    assert_ok(tally_call(r.self, TALLY_IN(&r.x), TALLY_NO_OUT, &err), &err);
    assert_int_equal(r.fails, 0);
    assert_int_equal(r.deepest, 5);
    assert_int_equal(tally_function_traces(r.self), 1);
    tally_function_release(r.self);
}

/* ---- the environment */

static void the_floating_point_mode_is_set_and_put_back(void **state)
{
    fixture        *f = *state;
    tally_error     err = { 0 };
    float           a[3] = { 1, 0x1p-30f, 0x1p-60f };
    double          total = 0;
    tally_tensor    x = tally_vector(a, 3);
    tally__store   *s = sum_store(f->context);
    tally_metric   *m = as_metric(s), *given;
    tally_buffer    b = tally_buffer_of(a, 0);
    tally_function *g = make_function(f, "three", give_three, NULL);
    fesetround(FE_UPWARD);
    tally_status first = tally_call(g, TALLY_IN(&x, m), TALLY_NO_OUT, &err);
    int          after = fegetround();
    tally_status refused_status =
        tally_call(g, TALLY_IN(&x, m), TALLY_OUT(&total, &given, &b, &total), &err);
    int after_failure = fegetround();
    fesetround(FE_TONEAREST);
    assert_int_equal(after, FE_UPWARD);
    assert_int_equal(after_failure, FE_UPWARD);
    assert_ok(first, &err);
    assert_status(refused_status, TALLY_INVALID_ARGUMENT, &err);
    assert_bits_f64(store_value(s, 0), 1 + 0x1p-30);
    tally__store_release(s);
    tally_function_release(g);
}

int main(void)
{
#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        CALL_TEST(every_destination_gets_its_value),
        CALL_TEST(wrong_destinations_are_named),
        CALL_TEST(wrong_arguments_are_named),
        CALL_TEST(bad_options_make_no_function),
        CALL_TEST(the_last_release_drops_the_users_data_once),
        CALL_TEST(a_function_without_a_context_has_its_own),
        CALL_TEST(prepare_records_and_runs_nothing),
        CALL_TEST(a_body_may_jump_out_and_leaves_nothing),
        CALL_TEST(a_failed_recording_is_not_kept_and_its_nodes_are_errors),
        CALL_TEST(a_body_that_calls_itself_is_stopped),
        CALL_TEST(a_body_may_call_itself_a_few_times),
        CALL_TEST(the_floating_point_mode_is_set_and_put_back),
    };
    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
