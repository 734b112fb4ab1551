/* frames: what binds, what is refused before anything runs, what a frame keeps and gives back. */
#include "program.h"

typedef struct fixture {
    test_memory    memory;
    tally_context *context;
    program        p;
} fixture;

static int open_fixture(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->context = test_context(&f->memory, NULL);
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

static void difference_line(tally_trace *t, void *user)
{
    *(int *)user = __LINE__ + 1;
    tally_return(t, tally_sub(tally_arg(t, 0), tally_arg(t, 1)));
}

static void sizes_that_differ_name_both_arguments_and_the_line(void **state)
{
    fixture     *f = *state;
    tally_error  err = { 0 };
    int          line = 0;
    float        a[4] = { 1, 2, 3, 4 }, b[4] = { 4, 3, 2, 1 };
    tally_tensor x = tally_vector(a, 4), y = tally_vector(b, 3);
    char         place[64];
    program_tensor(&f->p, &x);
    program_tensor(&f->p, &y);
    program_record(&f->p, f->context, difference_line, &line);
    assert_status(program_run(&f->p, &err), TALLY_INVALID_ARGUMENT, &err);
    snprintf(place, sizeof place, "test_frame.c:%d: sub", line);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, place);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "axis 0 of argument 1, expected 4 as axis 0 of argument 0, found 3");
    assert_int_equal(err.argument, 1);
    y.shape[0] = 4;
    assert_ok(program_run(&f->p, &err), &err);
    assert_int_equal(program_value(&f->p, 0).shape[0], 4);
}

static void give_back(tally_trace *t, void *user)
{
    (void)user;
    tally_return(t, tally_arg(t, 0));
}

static void an_argument_is_the_callers_memory_with_its_strides(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    int16_t       data[24] = { 0 };
    const int64_t shape[3] = { 2, 3, 4 }, stride[3] = { 12, 0, -1 };
    tally_tensor  x = tally_tensor_view(data + 3, TALLY_I16, 3, shape, stride);
    program_tensor(&f->p, &x);
    program_record(&f->p, f->context, give_back, NULL);
    assert_ok(program_run(&f->p, &err), &err);
    tally_tensor y = program_value(&f->p, 0);
    assert_ptr_equal(y.data, data + 3);
    assert_memory_equal(y.shape, x.shape, sizeof x.shape);
    assert_memory_equal(y.stride, x.stride, sizeof x.stride);
}

static void add_columns(tally_trace *t, void *user)
{
    tally_metric_ref m = tally_arg_metric(t, 1);
    tally_node       x = tally_arg(t, 0);
    (void)user;
    tally__size_state(t, m, 0, 0, tally__node_of(x)->dim[1], HERE);
    add_to(t, m, x);
}

static void a_state_takes_its_sizes_from_the_first_batch(void **state)
{
    fixture      *f = *state;
    tally_error   err = { 0 };
    double        a[6] = { 1, 2, 3, 4, 5, 6 };
    tally_tensor  x = tally_matrix(a, 2, 3), y = tally_matrix(a, 3, 2);
    tally__store *s = vector_store(f->context);
    program_tensor(&f->p, &x);
    program_store(&f->p, s);
    program_record(&f->p, f->context, add_columns, NULL);
    assert_ok(program_run(&f->p, &err), &err);
    int64_t shape[TALLY_MAX_RANK];
    assert_int_equal(tally__store_shape(s, 0, shape), -1);      /* nothing is visible before the commit */
    assert_ok(program_commit(&f->p, &err), &err);
    assert_int_equal(tally__store_shape(s, 0, shape), 1);
    assert_int_equal(shape[0], 3);
    for (int i = 0; i < 3; i++)
        assert_bits_f64(store_value(s, i), a[i] + a[i + 3]);
    f->p.in[0] = &y;
    assert_status(program_run(&f->p, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "axis 1 of argument 0, expected 3 as axis 0 of state \"columns\"");
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found 2");
    tally__store_release(s);
}

static void read_columns(tally_trace *t, void *user)
{
    (void)user;
    tally_return(t, tally__read_cell(t, tally_arg_metric(t, 0), 0, HERE));
}

static void a_state_that_no_batch_built_cannot_be_read(void **state)
{
    fixture      *f = *state;
    tally_error   err = { 0 };
    tally__store *s = vector_store(f->context);
    program_store(&f->p, s);
    program_record(&f->p, f->context, read_columns, NULL);
    assert_status(program_run(&f->p, &err), TALLY_FAILED_PRECONDITION, &err);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "Columns");
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "\"columns\"");
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "test_frame.c:");
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "not built: no batch has been seen");
    tally__store_release(s);
}

static void add_all(tally_trace *t, void *user)
{
    (void)user;
    add_to(t, tally_arg_metric(t, 1), tally_square(tally_arg(t, 0)));
}

static void what_is_not_committed_changes_nothing(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    float         a[3] = { 1, 2, 3 };
    tally_tensor  x = tally_vector(a, 3);
    tally__store *s = sum_store(f->context);
    program_tensor(&f->p, &x);
    program_store(&f->p, s);
    program_record(&f->p, f->context, add_all, NULL);
    assert_true(f->p.frame->commits);
    assert_ok(program_run(&f->p, &err), &err);
    tally__frame_end(f->p.frame);
    assert_bits_f64(store_value(s, 0), 0);
    assert_ok(program_commit(&f->p, &err), &err);
    assert_bits_f64(store_value(s, 0), 14);
    tally__store_release(s);
}

static void a_frame_that_ran_asks_for_nothing_more(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    float         a[300];
    tally_tensor  x = tally_vector(a, 300);
    tally__store *s = sum_store(f->context);
    for (int i = 0; i < 300; i++)
        a[i] = (float)i / 7;
    program_tensor(&f->p, &x);
    program_store(&f->p, s);
    program_record(&f->p, f->context, add_all, NULL);
    assert_ok(program_commit(&f->p, &err), &err);
    size_t calls = atomic_load(&f->memory.calls);
    for (int i = 0; i < 20; i++) {
        x.shape[0] = 300 - i;
        assert_ok(program_commit(&f->p, &err), &err);
    }
    assert_int_equal(atomic_load(&f->memory.calls), calls);
    tally__store_release(s);
}

static void a_reserved_frame_has_the_memory_of_its_first_run(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    static double a[5000];
    tally_tensor  x = tally_vector(a, 5000);
    tally__store *s = sum_store(f->context);
    program_tensor(&f->p, &x);
    program_store(&f->p, s);
    program_record(&f->p, f->context, add_all, NULL);
    assert_ok(tally__frame_bind(f->p.frame, f->p.in, f->p.store, &err), &err);
    assert_ok(tally__frame_reserve(f->p.frame, &err), &err);
    size_t calls = atomic_load(&f->memory.calls);
    assert_ok(tally__run(f->p.frame, &err), &err);
    assert_int_equal(atomic_load(&f->memory.calls), calls);
    tally__store_release(s);
}

static void other_stores_fit_the_same_frame(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    double        a[6] = { 1, 2, 3, 4, 5, 6 };
    tally_tensor  x = tally_matrix(a, 2, 3), y = tally_matrix(a, 3, 2);
    tally__store *s = vector_store(f->context), *r = vector_store(f->context);
    program_tensor(&f->p, &x);
    program_store(&f->p, s);
    program_record(&f->p, f->context, add_columns, NULL);
    for (int i = 0; i < 3; i++) {
        f->p.in[0] = &x;
        f->p.store[1] = s;
        assert_ok(program_commit(&f->p, &err), &err);
        f->p.in[0] = &y;
        f->p.store[1] = r;
        assert_ok(program_commit(&f->p, &err), &err);
    }
    assert_bits_f64(store_value(s, 2), 3 * (3 + 6));
    assert_bits_f64(store_value(r, 1), 3 * (2 + 4 + 6));
    tally__frame_end(f->p.frame);
    tally__store_release(s);
    tally__store_release(r);
}

int main(void)
{
#define FRAME_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        FRAME_TEST(sizes_that_differ_name_both_arguments_and_the_line),
        FRAME_TEST(an_argument_is_the_callers_memory_with_its_strides),
        FRAME_TEST(a_state_takes_its_sizes_from_the_first_batch),
        FRAME_TEST(a_state_that_no_batch_built_cannot_be_read),
        FRAME_TEST(what_is_not_committed_changes_nothing),
        FRAME_TEST(a_frame_that_ran_asks_for_nothing_more),
        FRAME_TEST(a_reserved_frame_has_the_memory_of_its_first_run),
        FRAME_TEST(other_stores_fit_the_same_frame),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
