/* Windows: the value over the last updates has the bits of a metric fed with these alone, after a million updates and
 * whatever passed through; it allocates nothing once full, refuses by name, and survives memory that fails anywhere. */
#include "feed.h"

#include <pthread.h>

/* sum, count, least and greatest per column, whose number the first batch decides */
enum { TOTAL, COUNT, LOW, HIGH };
static const tally_state_spec spread_states[] = { { "total", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(0, 1), 0 } },
                                                  { "count", TALLY_STATE_COUNT, 0, { 0, 0 } },
                                                  { "low", TALLY_STATE_MIN, 1, { TALLY_DIM_OPERAND(0, 1), 0 } },
                                                  { "high", TALLY_STATE_MAX, 0, { 0, 0 } } };

static void spread_update(tally_trace *t, const tally_update *u)
{
    for (int i = TOTAL; i <= HIGH; i++)
        tally_accumulate(t, u, i, u->operand[0], u->weight);
}

static tally_node spread_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return s[COUNT];
}

static const tally_metric_class spread = { sizeof spread, "Spread", 1, 4, 0, 0, spread_states, spread_update, spread_result };

static tally_metric *spread_new(tally_context *c)
{
    tally_metric_options o = TALLY_METRIC_OPTIONS_INIT;
    o.context = c;
    return tally_metric_new(&spread, NULL, 0, &o, NULL);
}

static tally_metric *mean_new(tally_context *c)
{
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.context = c;
    return tally_mean_new(&o, NULL);
}

static tally_window *window_of(tally_metric *m, int64_t updates, int64_t rows)
{
    tally_error          err = { 0, 0, "" };
    tally_window_options o = TALLY_WINDOW_OPTIONS_INIT;
    o.updates = updates;
    o.rows = rows;
    tally_window *w = tally_window_new(m, &o, &err);
    if (!w)
        print_error("%s\n", err.text);
    assert_non_null(w);
    return w;
}

static void a_window_holds_the_last_updates(void **state)
{
    (void)state;
    tally_metric *mean = tally_mean_new(NULL, NULL);
    tally_window *w = window_of(mean, 2, 0);
    const double  v[] = { 1, 3, 8, 0.5 }, want[] = { 1, 2, 5.5, 4.25 };
    FEED(mean, V(1, 100), NULL, NULL);                           /* its own state is not the window's */
    assert_int_equal(tally_window_updates(w), 0);
    assert_bits_f64(tally_window_result(w), 0);
    for (int i = 0; i < 4; i++) {
        tally_tensor x = tally_vector(&v[i], 1), none = tally_vector(v, 0);
        assert_int_equal(tally_window_update_state(w, &x), TALLY_OK);
        assert_int_equal(tally_window_update_state(w, &none), TALLY_OK);
        assert_bits_f64(tally_window_result(w), want[i]);
    }
    assert_int_equal(tally_window_updates(w), 2);
    assert_int_equal(tally_window_rows(w), 2);
    assert_bits_f64(tally_metric_result(mean), 100);
    assert_string_equal(tally_metric_name(tally_window_metric(w)), "mean");
    tally_window_reset_state(w);
    assert_int_equal(tally_window_updates(w) + tally_window_rows(w), 0);
    assert_int_equal(tally_metric_is_defined(tally_window_metric(w)), 0);
    tally_tensor one = tally_scalar(&v[0]);
    assert_int_equal(tally_window_update_state(w, &one), TALLY_OK);
    assert_int_equal(tally_window_rows(w), 1);
    assert_bits_f64(tally_window_result(w), 1);
    tally_window_release(tally_window_retain(w));
    tally_window_release(w);
    tally_metric_release(mean);
}

static void a_window_by_rows_holds_as_few_updates_as_have_them(void **state)
{
    (void)state;
    static const int rows[] = { 2, 3, 1, 7, 1, 1, 3, 2, 9 }, updates[] = { 1, 2, 3, 1, 2, 3, 3, 2, 1 };
    static const int held[] = { 2, 5, 6, 7, 8, 9, 5, 5, 9 };
    const float      v[9] = { 0 };
    tally_metric    *mean = tally_mean_new(NULL, NULL);
    tally_window    *w = window_of(mean, 0, 5);
    for (int i = 0; i < 9; i++) {
        tally_tensor x = tally_vector(v, rows[i]);
        assert_int_equal(tally_window_update_state(w, &x), TALLY_OK);
        assert_int_equal(tally_window_updates(w), updates[i]);
        assert_int_equal(tally_window_rows(w), held[i]);
    }
    tally_window_release(w);
    w = window_of(mean, 2, 5);                                   /* whichever limit is reached first */
    for (int i = 0; i < 9; i++) {
        tally_tensor x = tally_vector(v, rows[i]);
        assert_int_equal(tally_window_update_state(w, &x), TALLY_OK);
        assert_int_equal(tally_window_updates(w), updates[i] < 2 ? updates[i] : 2);
    }
    tally_window_release(w);
    tally_metric_release(mean);
}

/* ---- a long run against recomputation */

typedef struct long_run {
    tally_metric *(*make)(tally_context *c);
    int64_t         updates, rows;
    int             columns;
} long_run;

enum { HISTORY = 4096, MOST_ROWS = 4, COLUMNS = 3 };
typedef struct past {
    int    rows;
    double v[MOST_ROWS * COLUMNS];
} past;

static void passing(test_rng *r, past *p, int64_t i)
{
    static const double rare[] = { 1e30, -1e30, INFINITY, -INFINITY, NAN, 1.7e308, 0x1p-1074 };
    p->rows = (int)test_below(r, MOST_ROWS + 1);
    for (int k = 0; k < MOST_ROWS * COLUMNS; k++)
        p->v[k] = i % 500 < 3 && !test_below(r, 6) ? rare[test_below(r, 7)] : test_below(r, 3) ? test_unit(r) : (double)test_below(r, 5);
}

static void feed_past(const long_run *run, tally_window *w, tally_metric *m, const past *p)
{
    tally_tensor        x = run->columns ? tally_matrix(p->v, p->rows, run->columns) : tally_vector(p->v, p->rows);
    const tally_tensor *operands[] = { &x };
    assert_int_equal(w ? tally_window_update_state_n(w, operands, 1, NULL) : tally_metric_update_state_n(m, operands, 1, NULL), TALLY_OK);
}

static void compare_with_recomputation(const long_run *run, tally_window *w, const past *last, int64_t n, int64_t at)
{
    tally_metric *m = run->make(NULL);
    for (int64_t k = tally_window_updates(w), i = n - 1; k > 0; i--)
        if (last[i % HISTORY].rows) {
            feed_past(run, NULL, m, &last[i % HISTORY]);
            k--;
        }
    if (!tally_metric_equal(m, tally_window_metric(w))) {
        print_error("after %lld updates, window of %lld updates, %lld rows\n", (long long)at, (long long)run->updates, (long long)run->rows);
        fail();
    }
    assert_same_number(tally_window_result(w), tally_metric_result(m));
    tally_metric_release(m);
}

static void go_long(const long_run *run, int64_t n, uint64_t seed)
{
    static past   last[HISTORY];
    test_rng      r = { seed };
    tally_metric *m = run->make(NULL);
    tally_window *w = window_of(m, run->updates, run->rows);
    for (int64_t i = 0; i < n; i++) {
        passing(&r, &last[i % HISTORY], i);
        feed_past(run, w, NULL, &last[i % HISTORY]);
        if (i < 40 || !test_below(&r, 997) || i + 1 == n)
            compare_with_recomputation(run, w, last, i + 1, i);
    }
    tally_window_release(w);
    tally_metric_release(m);
}

static void nothing_drifts_in_a_million_updates(void **state)
{
    (void)state;
    const long_run mean = { mean_new, 100, 0, 0 };
    go_long(&mean, (int64_t)test_scaled(1000000), 1);
}

static void least_and_greatest_are_those_of_the_window(void **state)
{
    (void)state;
    static const long_run run[] = { { spread_new, 100, 0, COLUMNS }, { spread_new, 1, 0, COLUMNS }, { spread_new, 2, 0, COLUMNS },
                                    { spread_new, 0, 37, COLUMNS },  { spread_new, 7, 9, COLUMNS }, { mean_new, 0, 50, 0 } };
    for (size_t i = 0; i < TALLY__COUNT(run); i++)
        go_long(&run[i], (int64_t)test_scaled(60000), 10 + i);
}

/* ---- memory */

static void a_full_window_allocates_nothing(void **state)
{
    (void)state;
    test_memory    memory = { 0 };
    tally_context *c = test_context(&memory, NULL);
    tally_metric  *m[2] = { mean_new(c), spread_new(c) };
    for (int k = 0; k < 2; k++) {
        const long_run run = { NULL, 50, 0, k ? COLUMNS : 0 };
        tally_window  *w = window_of(m[k], run.updates, 0);
        test_rng       r = { 5 };
        past           p;
        size_t         calls = 0;
        for (int64_t i = 0; i < 3000; i++) {
            passing(&r, &p, i);
            feed_past(&run, w, NULL, &p);
            if (i == 1000)
                calls = memory.calls;
        }
        assert_int_equal(memory.calls, calls);
        tally_window_reset_state(w);
        feed_past(&run, w, NULL, &p);
        assert_int_equal(memory.calls, calls);
        tally_window_release(w);
    }
    tally_metric_release(m[0]);
    tally_metric_release(m[1]);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

/* every update is tried with the first, second ... allocation failing until it succeeds */
static void memory_refused_at_every_point_changes_nothing(void **state)
{
    (void)state;
    test_memory    memory = { 0 };
    tally_context *c = test_context(&memory, NULL);
    tally_metric  *m = spread_new(c), *was;
    tally_window  *w = NULL;
    tally_error    err;
    const long_run run = { spread_new, 3, 0, COLUMNS };
    past           last[40];
    test_rng       r = { 8 };
    size_t         refused = 0;
    tally_window_options o = TALLY_WINDOW_OPTIONS_INIT;
    o.updates = 3;
    for (size_t k = 1; !w; k++) {
        memory.fail_at = memory.calls + k;
        w = tally_window_new(m, &o, &err);
        memory.fail_at = 0;
        assert_true(w || err.status == TALLY_RESOURCE_EXHAUSTED);
        refused += !w;
    }
    for (int i = 0; i < 40; i++) {
        passing(&r, &last[i], i);
        tally_tensor        x = tally_matrix(last[i].v, last[i].rows, COLUMNS);
        const tally_tensor *operands[] = { &x };
        tally_status        s = TALLY_RESOURCE_EXHAUSTED;
        was = tally_metric_clone(tally_window_metric(w), NULL);
        for (size_t k = 1; s; k++) {
            memory.fail_at = memory.calls + k;
            s = tally_window_update_state_n(w, operands, 1, &err);
            memory.fail_at = 0;
            if (s) {
                assert_int_equal(s, TALLY_RESOURCE_EXHAUSTED);
                assert_true(tally_metric_equal(was, tally_window_metric(w)));
                refused++;
            }
        }
        tally_metric_release(was);
        compare_with_recomputation(&run, w, last, i + 1, i);
    }
    assert_true(refused > 30);
    tally_window_release(w);
    tally_metric_release(m);
    tally_context_release(c);
    assert_int_equal(memory.blocks, 0);
}

/* ---- threads */

enum { READERS = 2 };
typedef struct reader {
    const tally_window *w;
    atomic_bool        *over;
    size_t              reads, wrong;
} reader;

static void *read_all_the_time(void *arg)
{
    reader *r = arg;
    while (!atomic_load(r->over) || !r->reads) {
        const double v = tally_window_result(r->w);
        r->wrong += v != 2 && v != 0;
        r->reads++;
    }
    return NULL;
}

/* every update has the mean 2, its sums another each time: what lies between two updates would show */
static void a_reader_sees_whole_updates_only(void **state)
{
    (void)state;
    tally_metric *m = mean_new(NULL);
    tally_window *w = window_of(m, 7, 0);
    atomic_bool   over = false;
    pthread_t     thread[READERS];
    reader        r[READERS];
    for (int k = 0; k < READERS; k++) {
        r[k] = (reader){ w, &over, 0, 0 };
        assert_int_equal(pthread_create(&thread[k], NULL, read_all_the_time, &r[k]), 0);
    }
    for (int i = 0; i < (int)test_scaled(50000); i++) {
        const double v[4] = { 2 + i % 9, 2 - i % 9, 2.5, 1.5 };
        tally_tensor x = tally_vector(v, i % 3 ? 4 : 2);
        assert_int_equal(tally_window_update_state(w, &x), TALLY_OK);
        if (i % 1000 == 0)
            tally_window_reset_state(w);
    }
    atomic_store(&over, true);
    for (int k = 0; k < READERS; k++) {
        pthread_join(thread[k], NULL);
        assert_int_equal(r[k].wrong, 0);
    }
    tally_window_release(w);
    tally_metric_release(m);
}

/* ---- what is refused */

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    tally_error          err;
    tally_metric        *m = spread_new(NULL), *loss = tally_mean_squared_error_new(NULL, NULL);
    tally_window_options o = TALLY_WINDOW_OPTIONS_INIT;
    assert_null(tally_window_new(NULL, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "window: metric, expected a metric, found NULL");
    o.updates = 0;
    assert_null(tally_window_new(m, &o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT,
                     "Spread: window options.updates and .rows, expected at least one above 0 and none below, found 0 and 0");
    o.rows = -1;
    assert_null(tally_window_new(m, &o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found 0 and -1");
    o.size = 3;
    assert_null(tally_window_new(m, &o, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Spread: window options.size, expected 24 as the initializer sets it, found 3");
    tally_window       *w = tally_window_new(m, NULL, &err), *two = tally_window_new(loss, NULL, &err);
    const float         v[6] = { 1, 2, 3, 4, 5, 6 };
    tally_tensor        x = tally_matrix(v, 2, 3), y = tally_matrix(v, 3, 2);
    const tally_tensor *wide[] = { &x }, *narrow[] = { &y }, *both[] = { &x, &y };
    assert_ok(tally_window_update_state_n(w, wide, 1, &err), &err);
    tally_metric *was = tally_metric_clone(tally_window_metric(w), NULL);
    assert_int_equal(tally_window_update_state_n(w, narrow, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Spread: ");
    assert_int_equal(tally_window_update_state_n(w, NULL, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_true(tally_metric_equal(was, tally_window_metric(w)));
    assert_int_equal(tally_window_updates(w), 1);
    assert_int_equal(tally_window_update_state_n(two, both, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "mean_squared_error: ");
    assert_int_equal(tally_window_update_state_n(NULL, wide, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "update_state: window, expected a window, found NULL");
    assert_int_equal(tally_window_updates(NULL) + tally_window_rows(NULL), -2);
    assert_true(isnan(tally_window_result(NULL)));
    assert_null(tally_window_metric(NULL));
    assert_null(tally_window_retain(NULL));
    tally_window_reset_state(NULL);
    tally_window_release(NULL);
    tally_metric_release(was);
    tally_window_release(w);
    tally_window_release(two);
    tally_metric_release(m);
    tally_metric_release(loss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_holds_the_last_updates),
        cmocka_unit_test(a_window_by_rows_holds_as_few_updates_as_have_them),
        cmocka_unit_test(nothing_drifts_in_a_million_updates),
        cmocka_unit_test(least_and_greatest_are_those_of_the_window),
        cmocka_unit_test(a_full_window_allocates_nothing),
        cmocka_unit_test(memory_refused_at_every_point_changes_nothing),
        cmocka_unit_test(a_reader_sees_whole_updates_only),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests_name("metric/window", tests, NULL, NULL);
}
