/* Groups: metrics under names, fed, read, reset, merged and copied as one; duplicates refused; nothing half done. */
#include "feed.h"

static const float truth[] = { 1, 0, 1, 1 }, guess[] = { .9f, .2f, .4f, .8f };

static tally_group *group_in(tally_context *c)
{
    tally_mean_options      o = TALLY_MEAN_OPTIONS_INIT;
    tally_threshold_options p = TALLY_THRESHOLD_OPTIONS_INIT;
    tally_error             err;
    tally_group            *g = tally_group_new(c, &err);
    assert_non_null(g);
    o.context = p.context = c;
    tally_metric *m[] = { tally_accuracy_new(&o, NULL), tally_mean_squared_error_new(&o, NULL), tally_precision_new(&p, NULL) };
    assert_ok(tally_group_add(g, "hits", m[0], &err), &err);
    assert_ok(tally_group_add(g, NULL, m[1], &err), &err);
    assert_ok(tally_group_add(g, "precise", m[2], &err), &err);
    for (int i = 0; i < 3; i++)
        tally_metric_release(m[i]);
    return g;
}

static void feed_group(tally_group *g, int n)
{
    tally_tensor        y = tally_vector(truth, n), p = tally_vector(guess, n);
    const tally_tensor *x[] = { &y, &p };
    tally_error         err;
    assert_ok(tally_group_update_state_n(g, x, 2, &err), &err);
}

static void same_groups(const tally_group *a, const tally_group *b)
{
    assert_int_equal(tally_group_count(a), tally_group_count(b));
    for (int i = 0; i < tally_group_count(a); i++)
        assert_true(tally_metric_equal(tally_group_metric(a, i), tally_group_find(b, tally_group_name(a, i))));
}

static void a_group_is_fed_read_and_reset_as_one(void **state)
{
    (void)state;
    tally_error  err;
    double       v[3];
    tally_tensor y = tally_vector(truth, 4), p = tally_vector(guess, 4), short_p = tally_vector(guess, 3);
    tally_group *g = group_in(NULL), *fresh = group_in(NULL);
    assert_int_equal(tally_group_update_state(g, &y, &p), TALLY_OK);
    assert_ok(tally_group_results(g, v, 3, &err), &err);
    for (int i = 0; i < 3; i++)
        assert_bits_f64(v[i], tally_metric_result(tally_group_metric(g, i)));
    assert_bits_f64(v[0], 0);
    assert_bits_f64(v[2], 1);
    assert_true(v[1] > 0);
    tally_group *was = tally_group_snapshot(g, &err);
    assert_int_equal(tally_group_update_state(g, &y, &short_p), TALLY_INVALID_ARGUMENT);
    same_groups(g, was);
    assert_ok(tally_group_reset_state(g, &err), &err);
    same_groups(g, fresh);
    tally_group_release(g);
    tally_group_release(fresh);
    tally_group_release(was);
}

static void a_group_can_be_walked_and_searched(void **state)
{
    (void)state;
    tally_group *g = group_in(NULL);
    assert_int_equal(tally_group_count(g), 3);
    assert_string_equal(tally_group_name(g, 0), "hits");
    assert_string_equal(tally_group_name(g, 1), "mean_squared_error");
    assert_string_equal(tally_group_name(g, 3), "");
    assert_string_equal(tally_group_name(g, -1), "");
    assert_null(tally_group_metric(g, 3));
    assert_null(tally_group_find(g, "accuracy"));                /* under the name that it was given here */
    assert_ptr_equal(tally_group_find(g, "precise"), tally_group_metric(g, 2));
    for (int i = 0; i < 40; i++) {                               /* more than a first list holds */
        char          name[16];
        tally_metric *m = tally_mean_new(NULL, NULL);
        snprintf(name, sizeof name, "m%d", i);
        assert_ok(tally_group_add(g, name, m, NULL), NULL);
        assert_ptr_equal(tally_group_find(g, name), m);
        tally_metric_release(m);
    }
    assert_int_equal(tally_group_count(g), 43);
    assert_string_equal(tally_group_name(g, 2), "precise");
    tally_group_release(tally_group_retain(g));
    tally_group_release(g);
}

static void groups_merge_by_name_and_copies_are_of_their_own(void **state)
{
    (void)state;
    tally_error  err;
    tally_group *a = group_in(NULL), *b = group_in(NULL), *whole = group_in(NULL), *turned = tally_group_new(NULL, NULL);
    feed_group(a, 4);
    feed_group(b, 2);
    for (int i = 3; i-- > 0;)                                    /* another order of the same names */
        assert_ok(tally_group_add(turned, tally_group_name(b, i), tally_group_metric(b, i), &err), &err);
    feed_group(whole, 4);
    feed_group(whole, 2);
    feed_group(whole, 2);
    tally_group *copy = tally_group_snapshot(a, &err), *from[] = { b, turned };
    assert_ok(tally_group_merge_state(a, from, 2, &err), &err);
    same_groups(a, whole);
    assert_false(tally_metric_equal(tally_group_metric(copy, 1), tally_group_metric(a, 1)));
    assert_ok(tally_group_merge_state(copy, from, 1, &err), &err);
    assert_ok(tally_group_merge_state(copy, from, 1, &err), &err);
    same_groups(copy, whole);
    tally_group *all[] = { a, b, whole, turned, copy };
    for (int i = 0; i < 5; i++)
        tally_group_release(all[i]);
}

static void a_result_that_is_no_scalar_is_nan(void **state)
{
    (void)state;
    const double            at[] = { .3, .5 };
    tally_error             err;
    double                  v[2];
    tally_threshold_options two = TALLY_THRESHOLD_OPTIONS_INIT;
    two.thresholds = at;
    two.n_thresholds = 2;
    tally_metric *vector = tally_recall_new(&two, NULL), *scalar = tally_recall_new(NULL, NULL);
    tally_group  *g = tally_group_new(NULL, NULL);
    assert_ok(tally_group_results(g, NULL, 0, &err), &err);
    assert_ok(tally_group_reset_state(g, &err), &err);
    assert_ok(tally_group_add(g, "vector", vector, &err), &err);
    assert_ok(tally_group_add(g, "scalar", scalar, &err), &err);
    feed_group(g, 4);
    assert_ok(tally_group_results(g, v, 2, &err), &err);
    assert_true(isnan(v[0]));
    assert_bits_f64(v[1], 2. / 3);
    tally_group_release(g);
    tally_metric_release(vector);
    tally_metric_release(scalar);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    tally_error   err;
    double        v[3];
    tally_group  *g = group_in(NULL), *few = tally_group_new(NULL, NULL), *none = NULL, *other = tally_group_new(NULL, NULL);
    tally_metric *m = tally_mean_new(NULL, NULL), *sum = tally_sum_new(NULL, NULL);
    assert_status(tally_group_add(g, "hits", m, &err), TALLY_ALREADY_EXISTS, &err);
    assert_error_has(&err, TALLY_ALREADY_EXISTS, "group: name, expected one that is not taken, found \"hits\"");
    assert_status(tally_group_add(g, "again", tally_group_metric(g, 0), &err), TALLY_ALREADY_EXISTS, &err);
    assert_error_has(&err, TALLY_ALREADY_EXISTS, "group: metric \"again\", expected one that is not in the group, found it as \"hits\"");
    assert_status(tally_group_add(g, "x", NULL, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_int_equal(tally_group_count(g), 3);
    assert_status(tally_group_results(g, v, 2, &err), TALLY_OUT_OF_RANGE, &err);
    assert_error_has(&err, TALLY_OUT_OF_RANGE, "results: out, expected room for 3 values, found a list and 2");
    assert_status(tally_group_results(g, NULL, 3, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_group_merge_state(g, &none, 1, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "merge_state: group 0, expected a group, found NULL");
    assert_status(tally_group_merge_state(g, NULL, 1, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_status(tally_group_merge_state(g, &few, 1, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "merge_state: group 0, expected the same 3 names, found 0");
    assert_ok(tally_group_add(few, "loss", m, &err), &err);
    assert_ok(tally_group_add(other, "gain", m, &err), &err);
    assert_status(tally_group_merge_state(few, &other, 1, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "merge_state: group 0, expected a metric \"loss\", found none");
    tally_group_release(other);
    other = tally_group_new(NULL, NULL);
    assert_ok(tally_group_add(other, "loss", sum, &err), &err);
    assert_status(tally_group_merge_state(few, &other, 1, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Mean \"mean\": merge source 0, expected the same class and configuration, found Sum");
    const tally_status of_null[] = { tally_group_add(NULL, "x", m, &err), tally_group_update_state_n(NULL, NULL, 0, &err),
                                     tally_group_results(NULL, v, 3, &err), tally_group_reset_state(NULL, &err),
                                     tally_group_merge_state(NULL, &g, 1, &err) };
    for (size_t i = 0; i < TALLY__COUNT(of_null); i++)
        assert_int_equal(of_null[i], TALLY_INVALID_ARGUMENT);
    assert_null(tally_group_snapshot(NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "snapshot: group, expected a group, found NULL");
    assert_int_equal(tally_group_count(NULL), 0);
    assert_null(tally_group_find(NULL, "x"));
    assert_null(tally_group_find(g, NULL));
    assert_null(tally_group_retain(NULL));
    tally_group_release(NULL);
    tally_group_release(g);
    tally_group_release(few);
    tally_group_release(other);
    tally_metric_release(m);
    tally_metric_release(sum);
}

/* ---- memory */

static void a_steady_state_allocates_nothing(void **state)
{
    (void)state;
    test_memory    memory = { 0 };
    tally_error    err;
    double         v[3];
    tally_context *c = test_context(&memory, NULL);
    tally_group   *g = group_in(c);
    size_t         calls = 0;
    for (int i = 0; i < 20; i++) {
        feed_group(g, 4);
        assert_ok(tally_group_results(g, v, 3, &err), &err);
        if (i % 3 == 2)
            assert_ok(tally_group_reset_state(g, &err), &err);
        if (i == 8)
            calls = memory.calls;
    }
    assert_int_equal(memory.calls, calls);
    tally_group_release(g);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

typedef tally_status group_step(tally_group *g, tally_group *other, tally_error *err);

static tally_status step_add(tally_group *g, tally_group *other, tally_error *err)
{
    return tally_group_add(g, "another", tally_group_metric(other, 0), err);
}

static tally_status step_results(tally_group *g, tally_group *other, tally_error *err)
{
    double v[4];
    (void)other;
    return tally_group_results(g, v, 4, err);
}

static tally_status step_merge(tally_group *g, tally_group *other, tally_error *err)
{
    return tally_group_merge_state(g, &other, 1, err);
}

static tally_status step_snapshot(tally_group *g, tally_group *other, tally_error *err)
{
    tally_group *copy = tally_group_snapshot(g, err);
    (void)other;
    if (!copy)
        return err->status;
    same_groups(copy, g);
    tally_group_release(copy);
    return TALLY_OK;
}

static tally_status step_reset(tally_group *g, tally_group *other, tally_error *err)
{
    (void)other;
    return tally_group_reset_state(g, err);
}

static void memory_refused_at_every_point_changes_nothing(void **state)
{
    (void)state;
    static group_step *const step[] = { step_results, step_merge, step_snapshot, step_reset, step_add };
    test_memory              memory = { 0 };
    tally_context           *c = test_context(&memory, NULL);
    tally_group             *g = group_in(c), *other = group_in(c);
    tally_error              err;
    memory.fail_at = memory.calls + 1;
    assert_null(tally_group_new(c, &err));
    assert_error_has(&err, TALLY_RESOURCE_EXHAUSTED, "");
    feed_group(g, 4);
    feed_group(other, 2);
    for (size_t i = 0; i < TALLY__COUNT(step); i++) {
        tally_group *was = tally_group_snapshot(g, NULL);
        tally_status s = TALLY_RESOURCE_EXHAUSTED;
        size_t       refused = 0;
        for (size_t k = 1; s; k++) {
            memory.fail_at = memory.calls + k;
            s = step[i](g, other, &err);
            memory.fail_at = 0;
            assert_true(!s || (s == TALLY_RESOURCE_EXHAUSTED && err.status == s));
            refused += s != TALLY_OK;
            if (s)
                same_groups(g, was);
        }
        assert_true(refused > 0);
        tally_group_release(was);
    }
    assert_int_equal(tally_group_count(g), 4);
    tally_group_release(g);
    tally_group_release(other);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_fed_read_and_reset_as_one),
        cmocka_unit_test(a_group_can_be_walked_and_searched),
        cmocka_unit_test(groups_merge_by_name_and_copies_are_of_their_own),
        cmocka_unit_test(a_result_that_is_no_scalar_is_nan),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_steady_state_allocates_nothing),
        cmocka_unit_test(memory_refused_at_every_point_changes_nothing),
    };
    return cmocka_run_group_tests_name("metric/group", tests, NULL, NULL);
}
