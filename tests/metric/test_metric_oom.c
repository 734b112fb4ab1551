/* Memory that fails at every point of making, updating, reading, copying, merging and packing a metric: a status, nothing
 * lost, nothing changed. Each step is tried with the k-th allocation failing, for all k until it succeeds. */
#include "feed.h"

typedef struct step_call {
    tally_context *c;
    tally_metric  *m, *other;          /* made before; of c */
    tally_error    err;
} step_call;
typedef bool step(step_call *s);       /* true: done */

static tally_metric *make(int row, tally_context *c, tally_error *err)
{
    const double               at[] = { .2, .25, .4 };
    tally_mean_options         mean = TALLY_MEAN_OPTIONS_INIT;
    tally_threshold_options    threshold = TALLY_THRESHOLD_OPTIONS_INIT;
    tally_crossentropy_options crossentropy = TALLY_CROSSENTROPY_OPTIONS_INIT;
    mean.context = threshold.context = crossentropy.context = c;
    mean.nan = TALLY_NAN_SKIP;
    threshold.thresholds = at;
    threshold.n_thresholds = 3;
    threshold.top_k = 2;
    crossentropy.ignore_class = -1;
    switch (row) {
    case 0: return tally_mean_new(&mean, err);
    case 1: return tally_mean_squared_error_new(&mean, err);
    case 2: return tally_precision_new(&threshold, err);
    case 3: return tally_sparse_categorical_crossentropy_new(&crossentropy, err);
    default: return tally_categorical_accuracy_new(&mean, err);
    }
}
enum { ROWS = 5 };
static int row_now;

static tally_status update(tally_metric *m, const array *w, tally_error *err)
{
    const array *p = M(2, 3, .5, .25, .25, .1, .7, .2);
    if (row_now == 0)
        return feed(m, p, NULL, w, err);
    if (row_now == 3)
        return feed(m, V(2, 0, -1), p, w, err);
    return feed(m, M(2, 3, 1, 0, 0, 1, 0, 0), p, w, err);
}

static bool step_make(step_call *s)
{
    tally_metric *m = make(row_now, s->c, &s->err);
    tally_metric_release(m);
    return m;
}

static bool step_update(step_call *s) { return !update(s->m, V(2, .1, 3), &s->err); }
static bool step_first_weightless_update(step_call *s) { return !update(s->m, NULL, &s->err); }

static bool step_clone(step_call *s)
{
    tally_metric *m = tally_metric_clone(s->m, &s->err);
    tally_metric_release(m);
    return m;
}

static bool step_snapshot(step_call *s)
{
    tally_metric *m[2] = { s->m, s->other }, *out[2];
    tally_status  status = tally_metrics_snapshot(m, 2, out, &s->err);
    if (status) {
        assert_null(out[0]);
        assert_null(out[1]);
        return false;
    }
    tally_metric_release(out[0]);
    tally_metric_release(out[1]);
    return true;
}

static bool step_merge(step_call *s) { return !tally_metric_merge_state(s->m, &s->other, 1, &s->err); }

static bool step_values(step_call *s)
{
    double v[3];
    return !tally_metric_values(s->m, v, 3, &s->err);
}

static bool step_defined(step_call *s)
{
    s->err.status = TALLY_RESOURCE_EXHAUSTED;     /* it has no error to give: 0 stands for it */
    return tally_metric_is_defined(s->m);
}

static bool step_many(step_call *s)
{
    feed_memory         y, p;
    tally_metric       *m[40];
    const tally_tensor *x[2];
    int                 n = 0;
    for (int i = 0; i < 40; i++)
        m[i] = i % 2 ? s->m : s->other;
    if (row_now)
        x[n++] = feed_tensor(&y, row_now == 3 ? V(2, 0, 1) : M(2, 3, 1, 0, 0, 1, 0, 0), TALLY_F64);
    x[n++] = feed_tensor(&p, M(2, 3, .5, .25, .25, .1, .7, .2), TALLY_F64);
    return !tally_metrics_update_state_n(m, 40, x, n, &s->err);
}

static bool step_unpack(step_call *s)
{
    char   bytes[4096];
    size_t n = tally_metric_pack(s->other, bytes, sizeof bytes);
    assert_true(n && n <= sizeof bytes);
    return !tally_metric_unpack(s->m, bytes, n, &s->err);
}

static bool step_scalar(step_call *s)
{
    s->err.status = row_now ? TALLY_FAILED_PRECONDITION : TALLY_RESOURCE_EXHAUSTED;
    return tally_metric_update_scalar(s->m, .3) == TALLY_OK || row_now;
}

static size_t pack(const tally_metric *m, char *to, size_t room)
{
    size_t n = tally_metric_pack(m, to, room);
    assert_true(n <= room);
    return n;
}

/* false: the k-th allocation was never asked for */
static bool run_with_failure(step *do_it, bool warm, size_t k)
{
    test_memory memory = { 0 };
    tally_error err;
    step_call   s = { .c = test_context(&memory, &err), .err = { 0, -1, "" } };
    char        before[4096], after[4096];
    s.m = make(row_now, s.c, &err);
    s.other = make(row_now, s.c, &err);
    assert_ok(update(s.other, V(2, .1, .7), &err), &err);
    if (warm)
        assert_ok(update(s.m, V(2, 1, 2), &err), &err);
    const size_t n = pack(s.m, before, sizeof before);
    memory.calls = 0;
    memory.fail_at = k;
    const bool done = do_it(&s), reached = memory.calls >= k;
    memory.fail_at = 0;
    if (!done) {
        assert_true(reached);
        assert_int_equal(s.err.status, TALLY_RESOURCE_EXHAUSTED);
        assert_int_equal(pack(s.m, after, sizeof after), n);
        assert_memory_equal(before, after, n);
        assert_true(do_it(&s));                   /* the next try succeeds */
    }
    tally_metric_release(s.m);
    tally_metric_release(s.other);
    tally_context_release(s.c);
    assert_int_equal(memory.blocks, 0);
    return reached;
}

static void every_allocation_of_every_step_may_fail(void **state)
{
    (void)state;
    static const struct { step *do_it; bool warm; const char *name; } all[] = {
        { step_make, false, "make" }, { step_update, false, "update" }, { step_update, true, "second update" },
        { step_first_weightless_update, true, "update without weight" }, { step_clone, true, "clone" },
        { step_snapshot, true, "snapshot" }, { step_merge, true, "merge" }, { step_merge, false, "merge into a fresh one" },
        { step_values, true, "values" }, { step_defined, true, "is_defined" }, { step_many, true, "many" },
        { step_unpack, false, "unpack" }, { step_scalar, true, "scalar" } };
    for (row_now = 0; row_now < ROWS; row_now++)
        for (size_t i = 0; i < TALLY__COUNT(all); i++) {
            size_t k = 1;
            while (run_with_failure(all[i].do_it, all[i].warm, k))
                k++;
            if (k > 2000)
                print_message("%s asked for %zu allocations\n", all[i].name, k - 1);
        }
}

static void the_byte_limit_is_a_status_too(void **state)
{
    (void)state;
    tally_error           err;
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    o.max_bytes = 100;
    tally_context *c = tally_context_new(&o, &err);
    row_now = 0;
    assert_null(make(0, c, &err));
    assert_error_has(&err, TALLY_RESOURCE_EXHAUSTED, "bytes refused");
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_every_step_may_fail),
        cmocka_unit_test(the_byte_limit_is_a_status_too),
    };
    return cmocka_run_group_tests_name("metric/metric_oom", tests, NULL, NULL);
}
