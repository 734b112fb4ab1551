/* Many threads on the same metrics and variables. Every read equals a prefix of that store's commits, all reads of one
 * call belong to one instant, totals are exact. No sleeping, no time limits: threads meet as the machine pleases, and the
 * claims hold for every meeting. Made to be run under the thread sanitizer as well. */
#include "../support.h"

#include <pthread.h>
#include <sched.h>

#include <tally/tally.h>

enum { THREADS = 4, TURNS = 1500 };

static tally_error err;

static int turns(void)
{
    return (int)test_scaled(TURNS);
}

static void run_threads(void *(*work)(void *), void *arg, size_t size, int n)
{
    pthread_t id[16];
    for (int k = 0; k < n; k++)
        assert_int_equal(pthread_create(&id[k], NULL, work, (char *)arg + (size_t)k * size), 0);
    for (int k = 0; k < n; k++)
        pthread_join(id[k], NULL);
}

/* ---- crossed reads and updates: two sums that every commit moves together ---- */

/* (x, a, b) -> result of a, result of b, both read twice around their own updates */
static void crossed_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref a = tally_arg_metric(t, 1), b = tally_arg_metric(t, 2);
    tally_return(t, tally_result(t, a));
    tally_update_state(t, a, x);
    tally_return(t, tally_result(t, b));
    tally_update_state(t, b, tally_mul(x, tally_num(3)));
    tally_return(t, tally_result(t, a));
    tally_return(t, tally_result(t, b));
}

typedef struct crossed_work {
    tally_function *f;
    tally_metric   *a, *b;
    int             id, turns, backwards;
    const char     *wrong;
    double          seen[4];
} crossed_work;

static void *crossed_worker(void *user)
{
    crossed_work *w = user;
    double        last = -1;
    for (int k = 0; k < w->turns && !w->wrong; k++) {
        double       one = 1, r[4];
        tally_tensor x = tally_scalar(&one);
        /* threads take the two metrics in both orders */
        tally_status s = tally_call(w->f, TALLY_IN(&x, w->a, w->b), TALLY_OUT(&r[0], &r[1], &r[2], &r[3]), NULL);
        bool         turned = w->backwards;
        memcpy(w->seen, r, sizeof r);
        if (s)
            w->wrong = "a call failed";
        else if (!turned && r[1] != 3 * r[0])
            w->wrong = "two reads of one call belong to different instants";
        else if (r[2] != r[0] + 1 || r[3] != r[1] + 3)
            w->wrong = "a call does not see its own updates on its own instant";
        else if (r[0] <= last)
            w->wrong = "a later call of one thread saw an earlier state";
        last = r[0];
    }
    return NULL;
}

static void reads_of_a_call_belong_to_one_instant(void **state)
{
    tally_function *f = tally_function_new(crossed_body, NULL, NULL, &err);
    tally_metric   *a = tally_sum_new(NULL, &err), *b = tally_sum_new(NULL, &err);
    crossed_work    w[THREADS];
    (void)state;
    for (int k = 0; k < THREADS; k++)
        w[k] = (crossed_work){ f, a, b, k, turns(), 0, NULL, { 0 } };
    run_threads(crossed_worker, w, sizeof *w, THREADS);
    for (int k = 0; k < THREADS; k++) {
        if (w[k].wrong)
            print_error("thread %d: %s: %g %g %g %g\n", k, w[k].wrong, w[k].seen[0], w[k].seen[1], w[k].seen[2], w[k].seen[3]);
        assert_null(w[k].wrong);
    }
    assert_bits_f64(tally_metric_result(a), (double)(THREADS * turns()));
    assert_bits_f64(tally_metric_result(b), 3.0 * (double)(THREADS * turns()));
    tally_metric_release(a);
    tally_metric_release(b);
    tally_function_release(f);
}

/* half of the threads hand the two metrics over in the other order: no order of locks may be assumed from the call */
static void opposite_orders_of_two_metrics_do_not_block(void **state)
{
    tally_function *f = tally_function_new(crossed_body, NULL, NULL, &err);
    tally_metric   *a = tally_sum_new(NULL, &err), *b = tally_sum_new(NULL, &err);
    crossed_work    w[THREADS];
    (void)state;
    for (int k = 0; k < THREADS; k++)
        w[k] = (crossed_work){ f, k % 2 ? a : b, k % 2 ? b : a, k, turns(), 1, NULL, { 0 } };
    run_threads(crossed_worker, w, sizeof *w, THREADS);
    for (int k = 0; k < THREADS; k++)
        assert_null(w[k].wrong);
    assert_bits_f64(tally_metric_result(a), 2.0 * (double)(THREADS * turns()));
    assert_bits_f64(tally_metric_result(b), 2.0 * (double)(THREADS * turns()));
    tally_metric_release(a);
    tally_metric_release(b);
    tally_function_release(f);
}

/* ---- every read is a prefix of the commits: one writer whose k-th commit adds 2^k-like unique steps ---- */

typedef struct prefix_work {
    tally_metric *m, *total;
    int           turns;
    bool          writes;
    atomic_int   *writers;
    const char   *wrong;
} prefix_work;

static void *prefix_worker(void *user)
{
    prefix_work *w = user;
    if (w->writes) {                                        /* commit k brings k: after n of them the sum is n(n+1)/2, the count n */
        for (int k = 1; k <= w->turns && !w->wrong; k++) {
            float        v[3] = { (float)k, 0, 0 };
            tally_tensor x = tally_vector(v, 3);
            if (tally_metric_update_state(w->m, &x) || tally_metric_update_scalar(w->total, k))
                w->wrong = "an update failed";
        }
        atomic_fetch_sub(w->writers, 1);
        return NULL;
    }
    double last = -1;
    while (!w->wrong) {
        bool          over = atomic_load(w->writers) == 0;
        tally_metric *copy = NULL;
        double        r = tally_metric_result(w->total), n = (sqrt(1 + 8 * r) - 1) / 2;
        if (r < last || n != floor(n) || n > w->turns)
            w->wrong = "a result is no prefix of the commits";
        last = r;
        if (tally_metrics_snapshot(&w->m, 1, &copy, NULL) || !copy) {
            w->wrong = "no snapshot";
            break;
        }
        unsigned char bytes[1024], again[1024];
        size_t        size = tally_metric_pack(w->m, bytes, sizeof bytes);
        /* mean of the first n commits is n(n+1)/2 / 3n = (n+1)/6 */
        double m = tally_metric_result(copy) * 6 - 1;
        if (!(m > -1.5) || fabs(m - floor(m + 0.5)) > 1e-6 || size > sizeof bytes || tally_metric_unpack(copy, bytes, size, NULL))
            w->wrong = "a snapshot is no prefix of the commits";
        else if (tally_metric_pack(copy, again, sizeof again) != size || memcmp(bytes, again, size))
            w->wrong = "packed bytes are no state";
        tally_metric_release(copy);
        if (over)
            break;
    }
    return NULL;
}

static void every_read_is_a_prefix_of_the_commits(void **state)
{
    tally_metric *m = tally_mean_new(NULL, &err), *total = tally_sum_new(NULL, &err);
    atomic_int    writers;
    prefix_work   w[THREADS];
    int           n = turns();
    (void)state;
    atomic_init(&writers, 1);
    for (int k = 0; k < THREADS; k++)
        w[k] = (prefix_work){ m, total, n, k == 0, &writers, NULL };
    run_threads(prefix_worker, w, sizeof *w, THREADS);
    for (int k = 0; k < THREADS; k++) {
        if (w[k].wrong)
            print_error("thread %d: %s\n", k, w[k].wrong);
        assert_null(w[k].wrong);
    }
    assert_bits_f64(tally_metric_result(total), (double)n * (n + 1) / 2);
    tally_metric_release(m);
    tally_metric_release(total);
}

/* ---- all verbs at once on one metric; totals exact ---- */

typedef struct mixed_work {
    tally_function *f;
    tally_metric   *shared, *own;
    int             id, turns;
    tally_status    status;
} mixed_work;

static void mixed_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref shared = tally_arg_metric(t, 1), own = tally_arg_metric(t, 2);
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i) {
        tally_update_state(t, shared, tally_at(x, i));
        i = tally_add(i, tally_num(1));
    }
    tally_update_state(t, own, x);
}

static void *mixed_worker(void *user)
{
    mixed_work  *w = user;
    double       v[8];
    unsigned char bytes[1024];
    for (int k = 0; k < w->turns && !w->status; k++) {
        size_t n = (size_t)(k % 8);
        for (size_t j = 0; j < n; j++)
            v[j] = ldexp((double)(w->id * 8 + (int)j + 1), (k % 5 - 2) * 40);
        tally_tensor x = tally_vector(v, n);
        if (k % 3 == 0) {
            w->status = tally_call(w->f, TALLY_IN(&x, w->shared, w->own), TALLY_NO_OUT, NULL);
        } else if (k % 3 == 1) {
            w->status = tally_metric_update_state(w->shared, &x);
            if (!w->status)
                w->status = tally_metric_update_state(w->own, &x);
        } else {
            tally_metric *part = tally_metric_clone(w->own, NULL);
            if (!part) {
                w->status = TALLY_RESOURCE_EXHAUSTED;
                break;
            }
            tally_metric_reset_state(part);
            w->status = tally_metric_update_state(part, &x);
            if (!w->status)
                w->status = tally_metric_merge_state(w->shared, &part, 1, NULL);
            if (!w->status)
                w->status = tally_metric_merge_state(w->own, &part, 1, NULL);
            tally_metric_release(part);
        }
        (void)tally_metric_result(w->shared);
        if (tally_metric_pack(w->shared, bytes, sizeof bytes) > sizeof bytes)
            w->status = TALLY_INTERNAL;
    }
    return NULL;
}

static void updates_loops_and_merges_from_all_sides_add_up_exactly(void **state)
{
    tally_function *f = tally_function_new(mixed_body, NULL, NULL, &err);
    tally_metric   *shared = tally_mean_new(NULL, &err), *sum = tally_mean_new(NULL, &err);
    mixed_work      w[THREADS];
    unsigned char   a[1024], b[1024];
    (void)state;
    for (int k = 0; k < THREADS; k++)
        w[k] = (mixed_work){ f, shared, tally_mean_new(NULL, &err), k, turns(), TALLY_OK };
    run_threads(mixed_worker, w, sizeof *w, THREADS);
    for (int k = 0; k < THREADS; k++) {
        assert_int_equal(w[k].status, TALLY_OK);
        assert_ok(tally_metric_merge_state(sum, &w[k].own, 1, &err), &err);
        tally_metric_release(w[k].own);
    }
    size_t n = tally_metric_pack(shared, a, sizeof a);
    assert_true(n <= sizeof a && tally_metric_pack(sum, b, sizeof b) == n);
    assert_memory_equal(a, b, n);
    assert_int_equal(tally_function_traces(f), 1);
    tally_metric_release(shared);
    tally_metric_release(sum);
    tally_function_release(f);
}

/* ---- a first call raced by all: one trace, right numbers ---- */

typedef struct race_work {
    tally_function    *f;
    tally_metric      *m[3];
    atomic_int        *waiting;      /* threads still on their way */
    tally_status       status;
} race_work;

static void race_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 1);
    tally_update_state(t, m, tally_square(x));
    tally_return(t, tally_result(t, m));
}

static void *race_worker(void *user)
{
    race_work   *w = user;
    const double d[3] = { 1, 2, 3 };
    const float  s[3] = { 1, 2, 3 };
    const int    i[3] = { 1, 2, 3 };
    tally_tensor x[3] = { tally_vector(d, 3), tally_vector(s, 3), tally_vector(i, 3) };
    double       got;
    atomic_fetch_sub(w->waiting, 1);
    while (atomic_load(w->waiting) > 0)
        ;
    for (int k = 0; k < 3 && !w->status; k++)
        w->status = tally_call(w->f, TALLY_IN(&x[k], w->m[k]), TALLY_OUT(&got), NULL);
    return NULL;
}

static void raced_first_calls_record_each_signature_once(void **state)
{
    int rounds = (int)test_scaled(60);
    (void)state;
    for (int round = 0; round < rounds; round++) {
        test_memory            memory = { 0 };
        tally_context         *c = test_context(&memory, &err);
        tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
        tally_mean_options     mo = TALLY_MEAN_OPTIONS_INIT;
        fo.context = mo.context = c;
        fo.max_traces = 3;
        tally_function   *f = tally_function_new(race_body, NULL, &fo, &err);
        tally_metric     *m[3];
        atomic_int        waiting;
        race_work         w[THREADS];
        atomic_init(&waiting, THREADS);
        for (int k = 0; k < 3; k++)
            m[k] = tally_mean_new(&mo, &err);
        for (int k = 0; k < THREADS; k++)
            w[k] = (race_work){ f, { m[0], m[1], m[2] }, &waiting, TALLY_OK };
        run_threads(race_worker, w, sizeof *w, THREADS);
        for (int k = 0; k < THREADS; k++)
            assert_int_equal(w[k].status, TALLY_OK);
        assert_int_equal(tally_function_traces(f), 3);
        for (int k = 0; k < 3; k++) {
            assert_bits_f64(tally_metric_result(m[k]), 14.0 / 3);
            tally_metric_release(m[k]);
        }
        tally_function_release(f);
        tally_context_release(c);
        assert_int_equal(memory.blocks, 0);
    }
}

/* ---- read and overwrite: repeated while it is ABORTED, nothing is lost ---- */

typedef struct step_work {
    tally_function *f;
    tally_variable *v;
    tally_metric   *steps;
    int             turns;
    size_t          aborted;
    tally_status    status;
} step_work;

static void step_body(tally_trace *t, void *user)
{
    (void)user;
    tally_variable_ref v = tally_arg_variable(t, 0);
    tally_node         now = tally_read(t, v);
    tally_update_state(t, tally_arg_metric(t, 1), tally_f64(t, 1));
    tally_print(t, "step", now);                            /* the hook lets another thread in between read and commit */
    tally_assign(t, v, tally_add(now, tally_num(1)));
    tally_return(t, now);
}

static void step_aside(void *user, tally_level level, const char *line)
{
    (void)user;
    (void)level;
    (void)line;
    sched_yield();
}

static void *step_worker(void *user)
{
    step_work *w = user;
    int64_t    last = -1, now = 0;
    for (int k = 0; k < w->turns && !w->status; k++) {
        while ((w->status = tally_call(w->f, TALLY_IN(w->v, w->steps), TALLY_OUT(&now), NULL)) == TALLY_ABORTED)
            w->aborted++;
        if (!w->status && now <= last)
            w->status = TALLY_INTERNAL;
        last = now;
    }
    return NULL;
}

static void a_step_repeated_while_aborted_loses_nothing(void **state)
{
    int64_t         zero[2] = { 0, 0 }, end[2] = { -1, -1 };
    tally_tensor    start = tally_scalar(zero);
    tally_variable *v = tally_variable_new(NULL, &start, &err);
    tally_metric   *steps = tally_sum_new(NULL, &err);
    step_work       w[THREADS];
    tally_buffer    b = tally_buffer_of(end, 1);
    size_t          aborted = 0;
    tally_context_options  co = TALLY_CONTEXT_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    (void)state;
    co.log = step_aside;
    fo.context = tally_context_new(&co, &err);
    tally_function *f = tally_function_new(step_body, NULL, &fo, &err);
    for (int k = 0; k < THREADS; k++)
        w[k] = (step_work){ f, v, steps, turns(), 0, TALLY_OK };
    run_threads(step_worker, w, sizeof *w, THREADS);
    for (int k = 0; k < THREADS; k++) {
        assert_int_equal(w[k].status, TALLY_OK);
        aborted += w[k].aborted;
    }
    assert_ok(tally_variable_read(v, &b, &err), &err);
    assert_int_equal(end[0], THREADS * turns());
    assert_bits_f64(tally_metric_result(steps), (double)(THREADS * turns()));   /* an aborted call committed no update either */
    print_message("%zu steps were aborted and repeated\n", aborted);
    tally_variable_release(v);
    tally_metric_release(steps);
    tally_function_release(f);
    tally_context_release(fo.context);
}

/* ---- resets between updates: what is left is a whole number of updates ---- */

typedef struct reset_work {
    tally_metric *m;
    int           turns, role;
    const char   *wrong;
} reset_work;

static void *reset_worker(void *user)
{
    reset_work  *w = user;
    const double v[4] = { 0.1, 0.2, 0.3, 0.4 };
    for (int k = 0; k < w->turns && !w->wrong; k++) {
        tally_tensor x = tally_vector(v, 4);
        if (w->role == 0 && k % 16 == 0)
            tally_metric_reset_state(w->m);
        else if (tally_metric_update_state(w->m, &x))
            w->wrong = "an update failed";
        double r = tally_metric_result(w->m);
        if (r != 0 && r != 0.25)                            /* correctly rounded for every whole number of batches */
            w->wrong = "half of an update was seen";
    }
    return NULL;
}

static void resets_never_split_an_update(void **state)
{
    tally_metric *m = tally_mean_new(NULL, &err);
    reset_work    w[THREADS];
    (void)state;
    for (int k = 0; k < THREADS; k++)
        w[k] = (reset_work){ m, turns(), k, NULL };
    run_threads(reset_worker, w, sizeof *w, THREADS);
    for (int k = 0; k < THREADS; k++) {
        if (w[k].wrong)
            print_error("%s\n", w[k].wrong);
        assert_null(w[k].wrong);
    }
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_of_a_call_belong_to_one_instant),
        cmocka_unit_test(opposite_orders_of_two_metrics_do_not_block),
        cmocka_unit_test(every_read_is_a_prefix_of_the_commits),
        cmocka_unit_test(updates_loops_and_merges_from_all_sides_add_up_exactly),
        cmocka_unit_test(raced_first_calls_record_each_signature_once),
        cmocka_unit_test(a_step_repeated_while_aborted_loses_nothing),
        cmocka_unit_test(resets_never_split_an_update),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
