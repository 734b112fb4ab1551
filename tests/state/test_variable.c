/* variables: any layout in, dense out; assign is one commit; a steady state allocates nothing; views outlive assigns. */
#include "kit.h"

static tally_context *x;
static test_memory    memory;
static tally_error    err;

static int variable_setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    x = test_context(&memory, NULL);
    return x ? 0 : -1;
}

static int variable_teardown(void **state)
{
    (void)state;
    tally_context_release(x);
    if (memory.blocks)
        print_error("%zu blocks leaked\n", (size_t)memory.blocks);
    return memory.blocks ? -1 : 0;
}

static tally_variable *new_vector(const float *v, int64_t n)
{
    tally_tensor    t = tally_vector(v, n);
    tally_variable *a = tally_variable_new(x, &t, &err);
    assert_non_null(a);
    return a;
}

static void check_vector(const tally_variable *a, const float *want, int64_t n)
{
    float        got[16];
    tally_buffer out = tally_buffer_of(got, 16);
    assert_ok(tally_variable_read(a, &out, &err), &err);
    assert_int_equal(out.rank, 1);
    assert_int_equal(out.shape[0], n);
    for (int64_t i = 0; i < n; i++)
        assert_bits_f32(got[i], want[i]);
}

static void a_variable_copies_what_it_is_given_in_any_layout(void **state)
{
    double          v[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } }, got[6];
    const double    want[] = { 3, 6, 2, 5, 1, 4 };
    tally_tensor    t = tally__view2(&v[0][2], TALLY_F64, 2, 3, 2, -1, 3);
    tally_variable *a = tally_variable_new(x, &t, &err);
    tally_buffer    out = tally_buffer_of(got, 6);
    (void)state;
    v[1][2] = 99;
    assert_ok(tally_variable_read(a, &out, &err), &err);
    assert_int_equal(out.rank, 2);
    assert_int_equal(out.shape[0], 3);
    assert_int_equal(out.shape[1], 2);
    for (int i = 0; i < 6; i++)
        assert_bits_f64(got[i], want[i]);
    t = tally_matrix(&v[0][0], 2, 3);
    assert_status(tally_variable_assign(a, &t, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "variable: assigned value, expected sizes [3, 2], found [2, 3]");
    t = tally__view2(v, TALLY_F64, 2, 3, 2, 0, 1);
    assert_ok(tally_variable_assign(a, &t, &err), &err);
    assert_ok(tally_variable_read(a, &out, &err), &err);
    for (int i = 0; i < 6; i++)
        assert_bits_f64(got[i], i % 2 ? 2.0 : 1.0);
    tally_variable_release(a);
}

static void misuse_has_a_status_and_a_text_and_changes_nothing(void **state)
{
    const float     v[] = { 1, 2, 3 };
    float           small[2];
    double          wrong[3] = { 0 };
    tally_variable *a = new_vector(v, 3);
    tally_buffer    out = tally_buffer_of(small, 2);
    tally_tensor    t = tally_vector(wrong, 3);
    (void)state;
    assert_status(tally_variable_read(a, &out, &err), TALLY_OUT_OF_RANGE, &err);
    assert_error_has(&err, TALLY_OUT_OF_RANGE, "at least 3 elements, found 2");
    out = tally_buffer_of(wrong, 3);
    assert_status(tally_variable_read(a, &out, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "expected dtype");
    out = tally__buf(NULL, TALLY_F32, 3);
    assert_status(tally_variable_read(a, &out, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_variable_read(a, NULL, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_variable_read(NULL, &out, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_variable_assign(a, &t, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_variable_assign(a, NULL, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_variable_assign(NULL, &t, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_variable_assign(NULL, &t, NULL), TALLY_INVALID_ARGUMENT, &err);
    assert_null(tally_variable_new(x, NULL, &err));
    t.dtype = 99;
    assert_null(tally_variable_new(x, &t, &err));
    assert_int_equal(err.status, TALLY_INVALID_ARGUMENT);
    assert_status(tally_variable_assign(a, &t, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_null(tally_variable_retain(NULL));
    tally_variable_release(NULL);
    check_vector(a, v, 3);
    assert_int_equal(tally__store_of_variable(a)->commits, 0);
    tally_variable_release(a);
}

static void scalars_and_empty_tensors_are_variables_too(void **state)
{
    const double    pi = 3.25;
    double          got = 0;
    const int64_t   none[] = { 3, 0 };
    tally_tensor    t = tally_scalar(&pi), e = tally_tensor_view(NULL, TALLY_F64, 2, none, NULL);
    tally_variable *a = tally_variable_new(NULL, &t, &err), *b = tally_variable_new(x, &e, &err);
    tally_buffer    out = tally_buffer_of(&got, 1);
    (void)state;
    assert_ok(tally_variable_read(a, &out, &err), &err);
    assert_bits_f64(got, pi);
    assert_int_equal(out.rank, 0);
    out = tally__buf(NULL, TALLY_F64, 0);
    assert_ok(tally_variable_read(b, &out, &err), &err);
    assert_int_equal(out.shape[0], 3);
    assert_int_equal(out.shape[1], 0);
    assert_ok(tally_variable_assign(b, &e, &err), &err);
    tally_variable_release(a);
    tally_variable_release(b);
}

static void assigns_allocate_nothing_once_two_blocks_exist(void **state)
{
    float           v[] = { 1, 2, 3 };
    tally_variable *a = tally_variable_retain(new_vector(v, 3));
    tally_tensor    t = tally_vector(v, 3);
    size_t          calls = 0;
    (void)state;
    for (int i = 0; i < 10; i++) {
        v[1] = (float)i;
        if (i == 1)
            calls = memory.calls;
        assert_ok(tally_variable_assign(a, &t, &err), &err);
        check_vector(a, v, 3);
    }
    assert_int_equal(memory.calls, calls);
    assert_int_equal(tally__store_of_variable(a)->commits, 10);
    tally_variable_release(a);
    tally_variable_release(a);
}

static void begin_one(tally__delta *d, tally_variable *v)
{
    assert_ok(tally__delta_prepare(d, x, tally__store_of_variable(v), &err), &err);
    d->reads = true;
    assert_ok(tally__deltas_begin(d, 1, &err), &err);
}

static void a_call_sees_its_copy_then_its_own_assigns_and_views_stay(void **state)
{
    const float     v0[] = { 1, 2 }, v1[] = { 3, 4 }, late[] = { 8, 9 };
    tally_variable *a = new_vector(v0, 2);
    tally__delta    d = { 0 };
    (void)state;
    begin_one(&d, a);
    tally_tensor t = tally_vector(late, 2), first = tally__delta_tensor(&d, 0);
    assert_ok(tally_variable_assign(a, &t, &err), &err);
    assert_memory_equal(first.data, v0, sizeof v0);
    t = tally_vector(v1, 2);
    assert_ok(tally__delta_assign(&d, 0, &t, &err), &err);
    tally_tensor second = tally__delta_tensor(&d, 0);
    assert_memory_equal(second.data, v1, sizeof v1);
    t = tally__view2((const float *)second.data + 1, TALLY_F32, 1, 2, 0, -1, 0);     /* itself, backwards */
    assert_ok(tally__delta_assign(&d, 0, &t, &err), &err);
    tally_tensor third = tally__delta_tensor(&d, 0);
    const float  turned[] = { 4, 3 };
    assert_memory_equal(third.data, turned, sizeof turned);
    assert_memory_equal(second.data, v1, sizeof v1);
    assert_memory_equal(first.data, v0, sizeof v0);
    assert_status(tally__commit(x, &d, 1, &err), TALLY_ABORTED, &err);
    check_vector(a, late, 2);
    tally__deltas_end(&d, 1);
    begin_one(&d, a);
    t = tally_vector(turned, 2);
    assert_ok(tally__delta_assign(&d, 0, &t, &err), &err);
    t = tally_vector(v0, 2);
    assert_ok(tally_variable_assign(a, &t, &err), &err);
    t = tally_vector(v1, 2);
    assert_ok(tally__delta_assign(&d, 0, &t, &err), &err);
    assert_ok(tally__commit(x, &d, 1, &err), &err);       /* it never read: nothing to be overtaken in */
    tally__deltas_end(&d, 1);
    check_vector(a, v1, 2);
    tally__delta_drop(&d);
    tally_variable_release(a);
}

static void a_training_step_allocates_nothing_in_the_steady_state(void **state)
{
    const float     zero[] = { 0, 0 };
    tally_variable *a = new_vector(zero, 2);
    tally__delta    d = { 0 };
    size_t          calls = 0;
    (void)state;
    for (int i = 0; i < 12; i++) {
        float next[2];
        if (i == 2)
            calls = memory.calls;
        begin_one(&d, a);
        for (int k = 0; k < 5; k++) {
            tally__delta_tensor_copy(&d, 0, next);
            next[0] += 1;
            tally_tensor t = tally_vector(next, 2);
            assert_ok(tally__delta_assign(&d, 0, &t, &err), &err);
        }
        assert_ok(tally__commit(x, &d, 1, &err), &err);
        tally__deltas_end(&d, 1);
    }
    assert_int_equal(memory.calls, calls);
    check_vector(a, (const float[]){ 60, 0 }, 2);
    tally__delta_drop(&d);
    tally_variable_release(a);
}

static void a_clone_of_a_variable_shares_until_one_is_assigned(void **state)
{
    const float     v0[] = { 1, 2 }, v1[] = { 3, 4 };
    tally_variable *a = new_vector(v0, 2);
    tally__store   *b = tally__store_clone(tally__store_of_variable(a), &err);
    tally_tensor    t = tally_vector(v1, 2);
    (void)state;
    assert_ptr_equal(b->cell[0].block, tally__store_of_variable(a)->cell[0].block);
    assert_ok(tally_variable_assign(a, &t, &err), &err);
    check_vector((tally_variable *)b, v0, 2);
    check_vector(a, v1, 2);
    tally_variable_release(a);
    assert_ok(tally_variable_assign((tally_variable *)b, &t, &err), &err);
    check_vector((tally_variable *)b, v1, 2);
    tally__store_release(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_copies_what_it_is_given_in_any_layout),
        cmocka_unit_test(misuse_has_a_status_and_a_text_and_changes_nothing),
        cmocka_unit_test(scalars_and_empty_tensors_are_variables_too),
        cmocka_unit_test(assigns_allocate_nothing_once_two_blocks_exist),
        cmocka_unit_test(a_call_sees_its_copy_then_its_own_assigns_and_views_stay),
        cmocka_unit_test(a_training_step_allocates_nothing_in_the_steady_state),
        cmocka_unit_test(a_clone_of_a_variable_shares_until_one_is_assigned),
    };
    return cmocka_run_group_tests_name("variable", tests, variable_setup, variable_teardown);
}
