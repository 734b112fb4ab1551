/* The tracker: the best value, when it was, how long ago; what is better comes from the class or the options. */
#include "feed.h"

static void show(tally_metric *m, tally_tracker *t, double v)
{
    tally_error err;
    tally_metric_reset_state(m);
    assert_int_equal(tally_metric_update_scalar(m, v), TALLY_OK);
    assert_ok(tally_tracker_step(t, &err), &err);
}

static void is_best(const tally_tracker *t, double value, int64_t step, int64_t since)
{
    int64_t at, steps;
    assert_same_number(tally_tracker_best(t, &at, &steps), value);
    assert_int_equal(at, step);
    assert_int_equal(steps, since);
}

static void the_best_value_is_the_first_of_its_kind(void **state)
{
    (void)state;
    static const double   v[] = { NAN, 2, 5, 5, 4, NAN, INFINITY, 7, -INFINITY };
    static const double   up[] = { NAN, 2, 5, 5, 5, 5, INFINITY, INFINITY, INFINITY }, down[] = { NAN, 2, 2, 2, 2, 2, 2, 2, -INFINITY };
    static const int      up_at[] = { -1, 1, 2, 2, 2, 2, 6, 6, 6 }, down_at[] = { -1, 1, 1, 1, 1, 1, 1, 1, 8 };
    tally_tracker_options o = TALLY_TRACKER_OPTIONS_INIT;
    tally_metric         *m = tally_mean_new(NULL, NULL);
    for (int way = 1; way >= -1; way -= 2) {
        o.direction = way;
        tally_tracker *t = tally_tracker_new(m, &o, NULL);
        is_best(t, NAN, -1, 0);
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 9; i++) {
                const int at = way > 0 ? up_at[i] : down_at[i];
                show(m, t, v[i]);
                is_best(t, way > 0 ? up[i] : down[i], at, i - at);
            }
            tally_tracker_reset(t);
            is_best(t, NAN, -1, 0);
        }
        tally_tracker_release(t);
    }
    tally_metric_release(m);
}

static void better_is_by_more_than_min_delta(void **state)
{
    (void)state;
    tally_tracker_options o = TALLY_TRACKER_OPTIONS_INIT;
    tally_metric         *m = tally_mean_new(NULL, NULL);
    o.min_delta = .5;
    o.direction = 1;
    tally_tracker *t = tally_tracker_new(m, &o, NULL);
    show(m, t, 1);
    show(m, t, 1.5);
    is_best(t, 1, 0, 1);
    show(m, t, 1.75);
    is_best(t, 1.75, 2, 0);
    tally_tracker_release(t);
    o.direction = -1;
    t = tally_tracker_new(m, &o, NULL);
    show(m, t, 1);
    show(m, t, .5);
    is_best(t, 1, 0, 1);
    show(m, t, .25);
    is_best(t, .25, 2, 0);
    tally_tracker_release(tally_tracker_retain(t));
    tally_metric_release(m);                                     /* the tracker holds one to it */
    assert_ok(tally_tracker_step(t, NULL), NULL);
    is_best(t, .25, 2, 1);
    tally_tracker_release(t);
}

static void a_class_says_what_is_better(void **state)
{
    (void)state;
    tally_error    err;
    tally_metric  *m[] = { tally_accuracy_new(NULL, NULL), tally_mean_squared_error_new(NULL, NULL) };
    tally_tracker *t[] = { tally_tracker_new(m[0], NULL, &err), tally_tracker_new(m[1], NULL, &err) };
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++) {
            tally_metric_reset_state(m[k]);
            FEED(m[k], V(2, 1, 1), i == 0 ? V(2, 1, 3) : i == 1 ? V(2, 1, 1) : V(2, 5, 6), NULL);
            assert_ok(tally_tracker_step(t[k], &err), &err);
        }
    is_best(t[0], 1, 1, 1);
    is_best(t[1], 0, 1, 1);
    tally_window  *w = tally_window_new(m[0], NULL, NULL);
    tally_tracker *of_window = tally_tracker_new(tally_window_metric(w), NULL, &err);
    tally_window_release(w);
    assert_ok(tally_tracker_step(of_window, &err), &err);
    is_best(of_window, 0, 0, 0);
    tally_tracker_release(of_window);
    for (int k = 0; k < 2; k++) {
        tally_tracker_release(t[k]);
        tally_metric_release(m[k]);
    }
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    const double            at[] = { .2, .8 };
    tally_error             err;
    tally_threshold_options two = TALLY_THRESHOLD_OPTIONS_INIT;
    two.thresholds = at;
    two.n_thresholds = 2;
    tally_metric *mean = tally_mean_new(NULL, NULL), *vector = tally_precision_new(&two, NULL);
    const struct { tally_metric *m; tally_tracker_options o; const char *text; } wrong[] = {
        { NULL, TALLY_TRACKER_OPTIONS_INIT, "tracker: metric, expected a metric, found NULL" },
        { vector, TALLY_TRACKER_OPTIONS_INIT, "precision: tracker, expected a metric with a scalar result, found rank 1" },
        { mean, TALLY_TRACKER_OPTIONS_INIT, "mean: tracker options.direction, expected 1 or -1 as Mean has none, found 0" },
        { mean, { sizeof(tally_tracker_options), 2, 0, 0 }, "mean: tracker options.direction, expected 1, -1 or 0, found 2" },
        { mean, { sizeof(tally_tracker_options), 1, 0, -1 }, "mean: tracker options.min_delta, expected 0 or more, found -1" },
        { mean, { sizeof(tally_tracker_options), 1, 0, NAN }, "mean: tracker options.min_delta, expected 0 or more, found nan" },
        { mean, { 0, 1, 0, 0 }, "mean: tracker options.size, expected 24 as the initializer sets it, found 0" } };
    for (size_t i = 0; i < TALLY__COUNT(wrong); i++) {
        assert_null(tally_tracker_new(wrong[i].m, &wrong[i].o, &err));
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, wrong[i].text);
    }
    assert_int_equal(tally_tracker_step(NULL, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "step: tracker, expected a tracker, found NULL");
    is_best(NULL, NAN, -1, 0);
    assert_true(isnan(tally_tracker_best(NULL, NULL, NULL)));
    assert_null(tally_tracker_retain(NULL));
    tally_tracker_reset(NULL);
    tally_tracker_release(NULL);
    tally_metric_release(mean);
    tally_metric_release(vector);
}

static void memory_refused_at_every_point_takes_no_step(void **state)
{
    (void)state;
    tally_error        err;
    test_memory        memory = { 0 };
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.context = test_context(&memory, NULL);
    tally_metric  *m = tally_accuracy_new(&o, NULL);
    tally_tracker *t = NULL;
    tally_status   s = TALLY_RESOURCE_EXHAUSTED;
    size_t         refused = 0;
    for (size_t k = 1; !t; k++) {
        memory.fail_at = memory.calls + k;
        t = tally_tracker_new(m, NULL, &err);
        refused += !t;
        assert_true(t || err.status == TALLY_RESOURCE_EXHAUSTED);
    }
    for (size_t k = 1; s; k++) {
        is_best(t, NAN, -1, 0);
        memory.fail_at = memory.calls + k;
        s = tally_tracker_step(t, &err);
        refused += s != TALLY_OK;
        assert_true(!s || s == TALLY_RESOURCE_EXHAUSTED);
    }
    memory.fail_at = 0;
    is_best(t, 0, 0, 0);
    assert_true(refused > 5);
    const size_t calls = memory.calls;
    assert_ok(tally_tracker_step(t, &err), &err);
    assert_int_equal(memory.calls, calls);
    tally_tracker_release(t);
    tally_metric_release(m);
    tally_context_release(o.context);
    assert_int_equal(memory.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_value_is_the_first_of_its_kind),
        cmocka_unit_test(better_is_by_more_than_min_delta),
        cmocka_unit_test(a_class_says_what_is_better),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(memory_refused_at_every_point_takes_no_step),
    };
    return cmocka_run_group_tests_name("metric/tracker", tests, NULL, NULL);
}
