/* threads: commits of several threads on the same stores. Every snapshot is a prefix of the commits, snapshots of two
 * stores belong to one instant, totals are exact, and a call that reads and overwrites is never lost unseen.
 * Made to run under -fsanitize=thread as well. */
#include "kit.h"

#include <pthread.h>

enum { THREADS = 4 };

static tally_context *x;
static test_memory    memory;

static int threads_setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    x = test_context(&memory, NULL);
    return x ? 0 : -1;
}

static int threads_teardown(void **state)
{
    (void)state;
    tally_context_release(x);
    if (memory.blocks)
        print_error("%zu blocks leaked\n", (size_t)memory.blocks);
    return memory.blocks ? -1 : 0;
}

typedef struct worker {
    pthread_t       thread;
    int             index, rounds;
    tally__store   *a, *b;
    tally_variable *v;
    int             bad;         /* the line that was not as promised; cmocka's asserts belong to the main thread */
    size_t          aborted;
    uint64_t        own_total;
} worker;

#define WORKER_CHECK(w, c)                                                 \
    do {                                                                   \
        if (!(c) && !(w)->bad)                                             \
            (w)->bad = __LINE__;                                           \
    } while (0)

static void run_all(worker *w, int n, void *(*body)(void *))
{
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_create(&w[i].thread, NULL, body, &w[i]), 0);
    for (int i = 0; i < n; i++)
        pthread_join(w[i].thread, NULL);
    for (int i = 0; i < n; i++)
        if (w[i].bad) {
            print_error("thread %d failed at line %d\n", i, w[i].bad);
            fail();
        }
}

/* one call: every value to a and b, in whichever order of deltas the thread likes */
static tally_status update_both(worker *w, tally__delta *d, const double *v, int n, tally_error *err)
{
    tally__store *s[2] = { w->index % 2 ? w->a : w->b, w->index % 2 ? w->b : w->a };
    tally_status  status = TALLY_OK;
    for (int i = 0; i < 2 && !status; i++)
        status = tally__delta_prepare(&d[i], x, s[i], err);
    if (!status)
        status = tally__deltas_begin(d, 2, err);
    for (int i = 0; i < 2 && !status; i++)
        status = kit_accumulate(&d[i], v, n, 2, err);
    if (!status)
        status = tally__commit(x, d, 2, err);
    tally__deltas_end(d, 2);
    return status;
}

/* ---- updates against readers */

static double update_value(const worker *w, int round)
{
    return round % 3 == 1 ? 0.25 * (w->index + 1) : w->index + 1;
}

static void *update_body(void *p)
{
    worker      *w = p;
    tally__delta d[2] = { 0 };
    tally_error  err;
    for (int i = 0; i < w->rounds; i++) {
        const double v[] = { update_value(w, i), 1 };
        WORKER_CHECK(w, update_both(w, d, v, 2, &err) == TALLY_OK);
    }
    tally__delta_drop(&d[0]);
    tally__delta_drop(&d[1]);
    return NULL;
}

/* a call that reads both */
static void read_both(worker *w, tally__delta *d, tally__sum v[2][KIT_CELLS])
{
    tally__store *s[2] = { w->a, w->b };
    tally_error   err;
    for (int i = 0; i < 2; i++) {
        WORKER_CHECK(w, !tally__delta_prepare(&d[i], x, s[i], &err));
        d[i].reads = true;
    }
    WORKER_CHECK(w, !tally__deltas_begin(d, 2, &err));
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < KIT_CLASSES; c++)
            tally__delta_read(&d[i], c, 0, &v[i][c]);
    tally__deltas_end(d, 2);
}

static void *read_body(void *p)
{
    worker      *w = p;
    tally__delta d[2] = { 0 };
    tally_error  err;
    double       last = 0;
    for (int i = 0; i < w->rounds; i++) {
        tally__store *s[2] = { w->b, w->a }, *out[2];
        tally__sum    v[2][KIT_CELLS];
        read_both(w, d, v);
        const double count = tally__sum_round(&v[0][KIT_COUNT]);
        WORKER_CHECK(w, memcmp(&v[0], &v[1], KIT_CLASSES * sizeof v[0][0]) == 0);
        WORKER_CHECK(w, count >= last && (uint64_t)count % 2 == 0);      /* never half a commit, never back */
        last = count;
        WORKER_CHECK(w, !tally__store_snapshot(s, 2, out, &err));
        if (w->bad)
            break;
        WORKER_CHECK(w, kit_same(out[0], out[1]));
        WORKER_CHECK(w, kit_total(out[0], KIT_COUNT) >= last);
        tally__store_release(out[0]);
        tally__store_release(out[1]);
    }
    tally__delta_drop(&d[0]);
    tally__delta_drop(&d[1]);
    return NULL;
}

static void *update_or_read(void *p)
{
    worker *w = p;
    return w->index < 2 ? update_body(p) : read_body(p);
}

static void totals_are_exact_and_reads_belong_to_one_instant(void **state)
{
    const int     rounds = (int)test_scaled(20000);
    tally__store *a = kit_store(x, "Kit", "a", NULL), *b = kit_store(x, "Kit", "b", NULL),
                 *want = kit_store(x, "Kit", "want", NULL);
    worker        w[THREADS] = { 0 };
    (void)state;
    for (int i = 0; i < THREADS; i++)
        w[i] = (worker){ .index = i, .rounds = i < 2 ? rounds : rounds / 4, .a = a, .b = b };
    run_all(w, THREADS, update_or_read);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < rounds; k++) {
            const double v[] = { update_value(&w[i], k), 1 };
            assert_int_equal(kit_update(want, v, 2, 2, NULL), TALLY_OK);
        }
    assert_true(kit_same(a, want) && kit_same(b, want));
    assert_int_equal(a->commits, 2 * rounds);
    tally__store_release(a);
    tally__store_release(b);
    tally__store_release(want);
}

/* ---- a prefix of the commits: thread i writes only its own class, so each class must be a count that only grows */

static void *prefix_body(void *p)
{
    worker      *w = p;
    tally__delta d = { 0 };
    tally_error  err;
    uint64_t     seen[THREADS] = { 0 };
    for (int i = 0; i < w->rounds; i++) {
        double       row[THREADS] = { 0 };
        tally_tensor one = tally_vector(row, THREADS);
        row[w->index] = 0.5;
        WORKER_CHECK(w, !tally__delta_prepare(&d, x, w->a, &err));
        d.reads = true;
        WORKER_CHECK(w, !tally__deltas_begin(&d, 1, &err));
        int64_t shape[TALLY_MAX_RANK];
        for (int64_t k = 0; k < THREADS && tally__delta_elements(&d, KIT_CLASSES, shape) > 0; k++) {
            tally__sum v;
            tally__delta_read(&d, KIT_CLASSES, k, &v);
            const uint64_t count = (uint64_t)(2 * tally__sum_round(&v));
            WORKER_CHECK(w, count >= seen[k] && (k != w->index || count == (uint64_t)i));
            seen[k] = count;
        }
        WORKER_CHECK(w, !tally__delta_build(&d, KIT_CLASSES, one.shape, &err));
        WORKER_CHECK(w, !tally__delta_accumulate(&d, KIT_CLASSES, &one, NULL, NULL, &err));
        WORKER_CHECK(w, !tally__commit(x, &d, 1, &err));
        tally__deltas_end(&d, 1);
        if (w->bad)
            break;
    }
    tally__delta_drop(&d);
    return NULL;
}

static void every_read_is_a_prefix_of_the_commits(void **state)
{
    const int     rounds = (int)test_scaled(10000);
    tally__store *a = kit_store(x, "Kit", "a", NULL);
    worker        w[THREADS] = { 0 };
    (void)state;
    for (int i = 0; i < THREADS; i++)
        w[i] = (worker){ .index = i, .rounds = rounds, .a = a };
    run_all(w, THREADS, prefix_body);
    for (int k = 0; k < THREADS; k++)
        assert_bits_f64(tally__cell_round(&a->cell[KIT_CLASSES], k), 0.5 * rounds);
    tally__store_release(a);
}

/* ---- read and overwrite: a counter in a variable, repeated while ABORTED */

static void *step_body(void *p)
{
    worker      *w = p;
    tally__delta d[2] = { 0 };
    tally_error  err;
    for (int i = 0; i < w->rounds && !w->bad; i++) {
        tally_status status;
        do {
            const double one = 1;
            WORKER_CHECK(w, !tally__delta_prepare(&d[0], x, tally__store_of_variable(w->v), &err));
            WORKER_CHECK(w, !tally__delta_prepare(&d[1], x, w->a, &err));
            d[0].reads = true;
            WORKER_CHECK(w, !tally__deltas_begin(d, 2, &err));
            tally_tensor old = tally__delta_tensor(&d[0], 0);
            double       next[3];
            for (int k = 0; k < 3; k++)
                next[k] = ((const double *)old.data)[k] + 1;
            WORKER_CHECK(w, next[0] == next[1] && next[1] == next[2]);
            tally_tensor t = tally_vector(next, 3);
            WORKER_CHECK(w, !tally__delta_assign(&d[0], 0, &t, &err));
            WORKER_CHECK(w, !kit_accumulate(&d[1], &one, 1, 0, &err));
            status = tally__commit(x, d, 2, &err);
            WORKER_CHECK(w, status == TALLY_OK || status == TALLY_ABORTED);
            WORKER_CHECK(w, ((const double *)old.data)[0] == next[0] - 1);   /* the view stays */
            tally__deltas_end(d, 2);
            w->aborted += status == TALLY_ABORTED;
        } while (status == TALLY_ABORTED);
    }
    tally__delta_drop(&d[0]);
    tally__delta_drop(&d[1]);
    return NULL;
}

static void no_step_that_read_and_overwrote_is_lost(void **state)
{
    const int       rounds = (int)test_scaled(10000);
    const double    zero[3] = { 0 };
    tally_tensor    t = tally_vector(zero, 3);
    tally_variable *v = tally_variable_new(x, &t, NULL);
    tally__store   *a = kit_store(x, "Kit", "a", NULL);
    worker          w[THREADS] = { 0 };
    double          got[3];
    tally_buffer    out = tally_buffer_of(got, 3);
    (void)state;
    for (int i = 0; i < THREADS; i++)
        w[i] = (worker){ .index = i, .rounds = rounds, .a = a, .v = v };
    run_all(w, THREADS, step_body);
    assert_int_equal(tally_variable_read(v, &out, NULL), TALLY_OK);
    for (int k = 0; k < 3; k++)
        assert_bits_f64(got[k], (double)THREADS * rounds);
    assert_bits_f64(kit_total(a, KIT_TOTAL), (double)THREADS * rounds);
    assert_int_equal(a->commits, THREADS * rounds);
    size_t blocks = 0;
    for (tally__block *b = tally__store_of_variable(v)->pool; b; b = b->next)
        blocks++;
    assert_true(blocks <= 2 * THREADS);
    tally__store_release(a);
    tally_variable_release(v);
}

/* ---- everything at once: merges, clones, packs, resets, assigns race without harm */

static void *mixed_body(void *p)
{
    worker      *w = p;
    tally__delta d[2] = { 0 };
    test_rng     r = { (uint64_t)w->index + 1 };
    uint8_t      bytes[4096];
    tally_error  err;
    for (int i = 0; i < w->rounds && !w->bad; i++) {
        const double  v[] = { 0.5, 2 };
        float         row[2] = { (float)i, (float)i };
        tally_tensor  t = tally_vector(row, 2);
        tally_buffer  out = tally_buffer_of(row, 2);
        tally__store *c;
        size_t        n;
        int64_t       shape[TALLY_MAX_RANK];
        switch (test_below(&r, 8)) {
        case 0: WORKER_CHECK(w, !tally__store_merge(w->a, &w->b, 1, &err)); break;
        case 1: WORKER_CHECK(w, !tally__store_merge(w->b, &w->a, 1, &err)); break;
        case 2: WORKER_CHECK(w, !tally__store_reset(w->a)); break;
        case 3:
            WORKER_CHECK(w, (c = tally__store_clone(w->a, &err)) != NULL);
            tally__store_release(c);
            break;
        case 4:
            n = tally__store_pack(w->b, bytes, sizeof bytes);
            WORKER_CHECK(w, n <= sizeof bytes && !tally__store_unpack(w->b, bytes, n, &err));
            break;
        case 5: WORKER_CHECK(w, !tally_variable_assign(w->v, &t, &err)); break;
        case 6:
            WORKER_CHECK(w, !tally_variable_read(w->v, &out, &err) && row[0] == row[1]);
            WORKER_CHECK(w, tally__store_shape(w->a, KIT_CLASSES, shape) <= 1);
            break;
        default: WORKER_CHECK(w, !update_both(w, d, v, 2, &err)); break;
        }
    }
    tally__delta_drop(&d[0]);
    tally__delta_drop(&d[1]);
    return NULL;
}

static void all_verbs_may_meet(void **state)
{
    const float     zero[2] = { 0 };
    tally_tensor    t = tally_vector(zero, 2);
    tally_variable *v = tally_variable_new(x, &t, NULL);
    tally__store   *a = kit_store(x, "Kit", "a", NULL), *b = kit_store(x, "Kit", "b", NULL);
    worker          w[THREADS] = { 0 };
    (void)state;
    for (int i = 0; i < THREADS; i++)
        w[i] = (worker){ .index = i, .rounds = (int)test_scaled(10000), .a = a, .b = b, .v = v };
    run_all(w, THREADS, mixed_body);
    tally__store_release(a);
    tally__store_release(b);
    tally_variable_release(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_exact_and_reads_belong_to_one_instant),
        cmocka_unit_test(every_read_is_a_prefix_of_the_commits),
        cmocka_unit_test(no_step_that_read_and_overwrote_is_lost),
        cmocka_unit_test(all_verbs_may_meet),
    };
    return cmocka_run_group_tests_name("state threads", tests, threads_setup, threads_teardown);
}
