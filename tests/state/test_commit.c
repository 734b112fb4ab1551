/* commit: another commit between any two of the five steps, in every combination of what the two do. The oracle runs
 * both on plain stores one after the other: what comes in before the locks are taken counts as earlier, what comes after
 * as later. A call is aborted exactly when it read a store, overwrote it, and was overtaken. */
#include "kit.h"

#include <pthread.h>

static tally_context *x;
static test_memory    memory;
static tally_error    err;

static int commit_setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    x = test_context(&memory, NULL);
    return x ? 0 : -1;
}

static int commit_teardown(void **state)
{
    (void)state;
    tally_context_release(x);
    if (memory.blocks)
        print_error("%zu blocks leaked\n", (size_t)memory.blocks);
    return memory.blocks ? -1 : 0;
}

/* ---- what a call may do: one letter an effect, in program order
 *   w whole values   f fractions   a one fraction   n up to the end of int64   2, 3 a row of two or three classes   r reset   g a read */
static const char *const acts[] = { "w", "f", "n", "2", "3", "r", "rw", "wr", "rf", "g", "gw", "gn", "gr", "rg", "rgf",
                                    "wgrf", "2r", "a", "aga", "aw", "ar", "ra" };

static tally_status effect(char what, tally__delta *d)
{
    static const double  whole[] = { 3, -8 }, fraction[] = { 0.5, 0x1p-600 }, alone = -0x1p-700, row[] = { 1, 2, 3 };
    static const int64_t near[] = { INT64_MAX / 2, INT64_MAX / 2 - 8 };
    tally_tensor         x64 = tally_vector(near, 2);
    tally__sum           v;
    switch (what) {
    case 'w': return kit_accumulate(d, whole, 2, 0, &err);
    case 'f': return kit_accumulate(d, fraction, 2, 0, &err);
    case 'a': return kit_accumulate(d, &alone, 1, 0, &err);
    case 'n': return tally__delta_accumulate(d, KIT_TOTAL, &x64, NULL, NULL, &err);
    case '2': return kit_accumulate(d, row, 2, 2, &err);
    case '3': return kit_accumulate(d, row, 2, 3, &err);
    case 'r': tally__delta_reset(d); return TALLY_OK;
    default: tally__delta_read(d, KIT_TOTAL, 0, &v); return TALLY_OK;
    }
}

static bool act_reads(const char *act)
{
    const char *g = strchr(act, 'g'), *r = strchr(act, 'r');
    return g && (!r || g < r);
}

static tally_status act_begin(const char *act, tally__delta *d, tally__store *s)
{
    tally_status status = tally__delta_prepare(d, s->context, s, &err);
    d->reads = strchr(act, 'g') != NULL;
    if (!status)
        status = tally__deltas_begin(d, 1, &err);
    for (; *act && !status; act++)
        status = effect(*act, d);
    return status;
}

static tally_status act_call(const char *act, tally__store *s, tally_context *commit_context)
{
    tally__delta d = { 0 };
    tally_status status = act_begin(act, &d, s);
    if (!status)
        status = tally__commit(commit_context, &d, 1, &err);
    tally__deltas_end(&d, 1);
    tally__delta_drop(&d);
    return status;
}

/* ---- the hook */

typedef struct meddler {
    int           step;          /* before which the other commit comes in */
    const char   *what;
    tally__store *store;
    bool          own_thread;    /* our locks are held: only another thread can ask for them */
    int           passes;
    pthread_t     thread;
    tally_status  status;
    tally_context quiet;         /* without the hook */
} meddler;

static void *meddler_run(void *p)
{
    meddler *m = p;
    m->status = act_call(m->what, m->store, &m->quiet);
    return NULL;
}

static void meddle(void *user, int step)
{
    meddler *m = user;
    if (step != m->step || m->passes++)
        return;
    if (m->own_thread && step > 1)
        assert_int_equal(pthread_create(&m->thread, NULL, meddler_run, m), 0);
    else
        meddler_run(m);
}

static tally__store *start_store(const char *first)
{
    tally__store *s = kit_store(x, "Kit", "own", &err);
    if (first)
        assert_ok(act_call(first, s, x), &err);
    return s;
}

/* Both one after the other on a plain store. Where the other is the first, ours had begun before it. */
static bool is_as_if(bool ours_first, const char *start, const char *own, const char *other, tally_status got,
                     tally_status got_other, tally__store *s)
{
    tally__store *plain = start_store(start);
    tally_status  a, b;
    if (ours_first) {
        a = act_call(own, plain, x);
        b = act_call(other, plain, x);
    } else {
        b = act_call(other, plain, x);
        a = act_reads(own) && strchr(own, 'r') && strcmp(other, "g") != 0 && !b ? TALLY_ABORTED : act_call(own, plain, x);
    }
    const bool same = a == got && b == got_other && kit_same(s, plain);
    tally__store_release(plain);
    return same;
}

/* The other read between our two passes and came to its own commit after ours: it may not overwrite what it read. */
static bool is_ours_alone(const char *start, const char *own, const char *other, tally_status got,
                          tally_status got_other, tally__store *s)
{
    if (got_other != TALLY_ABORTED || !act_reads(other) || !strchr(other, 'r'))
        return false;
    tally__store *plain = start_store(start);
    const bool    same = act_call(own, plain, x) == got && kit_same(s, plain);
    tally__store_release(plain);
    return same;
}

static void one_pair(const char *start, const char *own, const char *other, int step)
{
    tally__store *s = start_store(start);
    meddler       m = { step, other, s, true, 0, 0, TALLY_INTERNAL, *x };
    tally__delta  d = { 0 };
    tally_status  got = act_begin(own, &d, s);
    if (!step)
        meddler_run(&m);
    x->between_steps = meddle;
    x->between_user = &m;
    if (!got)
        got = tally__commit(x, &d, 1, &err);
    x->between_steps = NULL;
    if (step && !m.passes)
        meddler_run(&m);                 /* ours ended before that step */
    else if (step > 1)
        pthread_join(m.thread, NULL);
    tally__deltas_end(&d, 1);
    tally__delta_drop(&d);
    /* who waits for the lock of our first pass may get it before our second one: both orders are right then, and if it
     * only reads before and commits after, neither */
    const bool before = step <= 1 && (step == 0 || m.passes), either = m.passes > 1 && step > 1;
    if (!is_as_if(!before, start, own, other, got, m.status, s) &&
        !(either && (is_as_if(false, start, own, other, got, m.status, s) ||
                     is_ours_alone(start, own, other, got, m.status, s)))) {
        print_error("start \"%s\", own \"%s\", other \"%s\" at step %d: status %s and %s, or the state, is not as if "
                    "one came first; last error \"%s\"\n", start ? start : "", own, other, step, tally_status_name(got),
                    tally_status_name(m.status), err.text);
        fail();
    }
    tally__store_release(s);
}

static void every_pair_of_commits_is_as_if_one_came_first(void **state)
{
    static const char *const starts[] = { NULL, "w", "f", "n", "2", "a" };
    (void)state;
    for (size_t start = 0; start < TALLY__COUNT(starts); start++)
        for (size_t own = 0; own < TALLY__COUNT(acts); own++)
            for (size_t other = 0; other < TALLY__COUNT(acts); other++)
                for (int step = 0; step <= 4; step++)
                    one_pair(starts[start], acts[own], acts[other], step);
}

/* ---- several stores in one call */

static void commits_to_other_stores_may_come_in_at_any_step(void **state)
{
    static const char *const start[3] = { "w", "f", NULL };
    (void)state;
    for (int step = 1; step <= 4; step++) {
        tally__store *s[3], *other = start_store(NULL);
        tally__delta  d[3] = { 0 };
        meddler       m = { step, "f", other, false, 0, 0, TALLY_INTERNAL, *x };
        for (int i = 0; i < 3; i++)
            s[i] = start_store(start[i]);
        for (int i = 0; i < 3; i++)
            assert_ok(tally__delta_prepare(&d[i], x, s[i], &err), &err);
        assert_ok(tally__deltas_begin(d, 3, &err), &err);
        for (int i = 0; i < 3; i++)
            assert_ok(effect('f', &d[i]), &err);
        x->between_steps = meddle;
        x->between_user = &m;
        assert_ok(tally__commit(x, d, 3, &err), &err);
        x->between_steps = NULL;
        assert_int_equal(m.status, TALLY_OK);
        assert_int_equal(other->commits, 1);
        tally__deltas_end(d, 3);
        for (int i = 0; i < 3; i++) {
            tally__store *want = start_store(start[i]);
            assert_ok(act_call("f", want, x), &err);
            assert_true(kit_same(s[i], want));
            tally__store_release(want);
            tally__delta_drop(&d[i]);
            tally__store_release(s[i]);
        }
        tally__store_release(other);
    }
}

static void one_store_that_fails_keeps_all_from_changing(void **state)
{
    static const char *const start[3] = { "f", "w", "2" };
    tally__store *s[3], *kept[3];
    tally__delta  d[3] = { 0 };
    (void)state;
    for (int i = 0; i < 3; i++) {
        s[i] = start_store(start[i]);
        kept[i] = tally__store_clone(s[i], &err);
        assert_ok(tally__delta_prepare(&d[i], x, s[i], &err), &err);
    }
    d[1].reads = true;
    assert_ok(tally__deltas_begin(d, 3, &err), &err);
    assert_ok(effect('f', &d[0]), &err);
    assert_ok(effect('g', &d[1]), &err);
    assert_ok(effect('r', &d[1]), &err);
    assert_ok(effect('r', &d[2]), &err);
    assert_ok(tally__store_reset(s[1]), &err);
    assert_ok(tally__store_merge(s[1], &kept[1], 1, &err), &err);
    assert_status(tally__commit(x, d, 3, &err), TALLY_ABORTED, &err);
    assert_error_has(&err, TALLY_ABORTED, "Kit \"own\"");
    assert_error_has(&err, TALLY_ABORTED, "found 2");
    tally__deltas_end(d, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(kit_same(s[i], kept[i]));
        tally__delta_drop(&d[i]);
        tally__store_release(kept[i]);
        tally__store_release(s[i]);
    }
}

/* ---- reservations */

typedef struct spoiler {
    tally__store *store;
    const char   *what;          /* an act, or NULL: takes the store's memory away */
    int           pass, passes;  /* when; how many there were */
    tally_context quiet;
} spoiler;

static void spoil(void *user, int step)
{
    spoiler *s = user;
    if (step != 1 || ++s->passes != s->pass)
        return;
    if (s->what) {
        assert_ok(act_call(s->what, s->store, &s->quiet), &err);
        return;
    }
    void (*hook)(void *, int) = x->between_steps;
    tally__store *empty = start_store(NULL);
    kit_bytes     bytes = kit_pack(empty);
    x->between_steps = NULL;
    assert_ok(tally__store_unpack(s->store, bytes.p, bytes.n, &err), &err);
    x->between_steps = hook;
    free(bytes.p);
    tally__store_release(empty);
}

/* the number of passes that our commit takes when the other comes in between its reservation and its locks */
static int passes_of(const char *start, const char *own, int pass, const char *other)
{
    tally__store *s = start_store(start), *want = start_store(other || !pass ? start : NULL);
    spoiler       sp = { s, other, pass, 0, *x };
    tally__delta  d = { 0 };
    assert_ok(act_begin(own, &d, s), &err);
    x->between_steps = spoil;
    x->between_user = &sp;
    assert_ok(tally__commit(x, &d, 1, &err), &err);
    x->between_steps = NULL;
    tally__deltas_end(&d, 1);
    tally__delta_drop(&d);
    if (other)
        assert_ok(act_call(other, want, x), &err);
    assert_ok(act_call(own, want, x), &err);
    assert_true(kit_same(s, want));
    tally__store_release(s);
    tally__store_release(want);
    return sp.passes;
}

static void a_reservation_that_no_longer_suffices_starts_anew(void **state)
{
    (void)state;
    assert_int_equal(passes_of("f", "f", 0, NULL), 1);       /* memory is there */
    assert_int_equal(passes_of("w", "f", 0, NULL), 2);       /* it is not */
    assert_int_equal(passes_of("f", "a", 0, NULL), 1);
    assert_int_equal(passes_of("w", "a", 0, NULL), 2);       /* a number alone widens the store's sum as any fraction does */
    assert_int_equal(passes_of(NULL, "a", 2, "a"), 2);
    assert_int_equal(passes_of("2", "2", 1, NULL), 2);       /* it was, and is taken away */
    assert_int_equal(passes_of(NULL, "2f", 2, "2f"), 2);     /* another brings it: what was reserved is given back */
    assert_int_equal(passes_of("n", "n", 0, NULL), 2);       /* the sum outgrows int64 */
    assert_int_equal(passes_of(NULL, "2n", 2, "n"), 3);      /* it does so only between reservation and lock */
}

static void a_commit_without_effects_takes_no_lock_and_counts_for_nothing(void **state)
{
    tally__store *s = start_store("w");
    tally__delta  d = { 0 };
    tally_tensor  none = tally_vector((const double *)NULL, 0);
    const uint64_t commits = s->commits;
    (void)state;
    assert_ok(tally__delta_prepare(&d, x, s, &err), &err);
    assert_ok(tally__deltas_begin(&d, 1, &err), &err);
    for (int i = 0; i < KIT_CLASSES; i++)
        assert_ok(tally__delta_accumulate(&d, i, &none, NULL, NULL, &err), &err);
    tally__lock_take(&s->lock);
    assert_ok(tally__commit(x, &d, 1, &err), &err);
    tally__lock_drop(&s->lock);
    assert_int_equal(s->commits, commits);
    tally__deltas_end(&d, 1);
    tally__delta_drop(&d);
    tally__store_release(s);
}

/* ---- reads */

static double read_total(tally__delta *d)
{
    tally__sum v;
    tally__delta_read(d, KIT_TOTAL, 0, &v);
    return tally__sum_round(&v);
}

static void a_read_gives_the_copy_and_the_calls_own_effects(void **state)
{
    tally__store *s = kit_store(x, "Kit", "own", &err);
    const double  two = 2, half = 0.5;
    tally__delta  d = { 0 };
    tally__sum    v;
    (void)state;
    assert_ok(kit_update(s, &two, 1, 0, &err), &err);
    assert_ok(tally__delta_prepare(&d, x, s, &err), &err);
    d.reads = true;
    assert_ok(tally__deltas_begin(&d, 1, &err), &err);
    assert_bits_f64(read_total(&d), 2.0);
    assert_ok(kit_accumulate(&d, &half, 1, 0, &err), &err);
    assert_bits_f64(read_total(&d), 2.5);
    assert_ok(kit_update(s, &two, 1, 0, &err), &err);
    assert_bits_f64(read_total(&d), 2.5);
    tally__delta_read(&d, KIT_LOW, 0, &v);
    assert_bits_f64(tally__sum_round(&v), 0.5);
    tally__delta_read(&d, KIT_COUNT, 0, &v);
    assert_bits_f64(tally__sum_round(&v), 2.0);
    assert_ok(tally__commit(x, &d, 1, &err), &err);
    tally__deltas_end(&d, 1);
    assert_bits_f64(kit_total(s, KIT_TOTAL), 4.5);
    assert_ok(tally__deltas_begin(&d, 1, &err), &err);
    assert_ok(kit_accumulate(&d, &half, 1, 0, &err), &err);
    tally__delta_reset(&d);
    assert_bits_f64(read_total(&d), 0.0);
    tally__delta_read(&d, KIT_HIGH, 0, &v);
    assert_bits_f64(tally__sum_round(&v), -INFINITY);
    assert_ok(kit_accumulate(&d, &half, 1, 0, &err), &err);
    assert_bits_f64(read_total(&d), 0.5);
    assert_false(d.did_read);
    assert_ok(kit_update(s, &two, 1, 0, &err), &err);
    assert_ok(tally__commit(x, &d, 1, &err), &err);
    assert_bits_f64(kit_total(s, KIT_TOTAL), 0.5);
    tally__deltas_end(&d, 1);
    tally__delta_drop(&d);
    tally__store_release(s);
}

static void sizes_bind_from_the_call_the_copy_or_the_store(void **state)
{
    tally__store *s = kit_store(x, "Kit", "own", &err);
    const double  row[] = { 1, 2, 3 };
    const int64_t two[] = { 2 };
    int64_t       shape[TALLY_MAX_RANK];
    tally__delta  d = { 0 };
    (void)state;
    assert_ok(tally__delta_prepare(&d, x, s, &err), &err);
    assert_ok(tally__deltas_begin(&d, 1, &err), &err);
    assert_int_equal(tally__delta_elements(&d, KIT_CLASSES, shape), -1);
    assert_int_equal(tally__delta_elements(&d, KIT_TOTAL, shape), 1);
    assert_ok(tally__delta_build(&d, KIT_CLASSES, two, &err), &err);
    assert_int_equal(tally__delta_elements(&d, KIT_CLASSES, shape), 2);
    assert_int_equal(shape[0], 2);
    assert_status(tally__delta_build(&d, KIT_CLASSES, (int64_t[]){ 3 }, &err), TALLY_INVALID_ARGUMENT, &err);
    tally__deltas_end(&d, 1);
    assert_ok(kit_update(s, row, 3, 3, &err), &err);
    for (int reads = 0; reads < 2; reads++) {
        d.reads = reads;
        assert_ok(tally__deltas_begin(&d, 1, &err), &err);
        assert_int_equal(tally__delta_elements(&d, KIT_CLASSES, shape), 3);
        assert_status(tally__delta_build(&d, KIT_CLASSES, two, &err), TALLY_INVALID_ARGUMENT, &err);
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, "expected sizes [3] as built, found [2]");
        tally__deltas_end(&d, 1);
    }
    tally__delta_drop(&d);
    tally__store_release(s);
}

/* ---- the short way for one value */

enum { WAYS = 2, STORES = 3 };

static double any_value(test_rng *r)
{
    static const double odd[] = { 0.0, -0.0, 1, -3, 0.1, 0x1p51, -0x1p51, 0x1p51 + 1, 0x1p62, 0x1p63, -0x1p63, 0x1p-1074,
                                  -0x1p1023, 0x1.fffffffffffffp1023, INFINITY, -INFINITY, NAN };
    return odd[test_below(r, TALLY__COUNT(odd))];
}

static int64_t any_number(test_rng *r)
{
    static const int64_t odd[] = { 0, 1, 2, 5, 1000, INT64_MAX / 2, INT64_MAX - 1, INT64_MAX };
    return odd[test_below(r, TALLY__COUNT(odd))];
}

/* n times 1, as tensors say it: a row that repeats, or where it would be too long, a sum's integer */
static tally_status add_ones(tally__delta *d, int cell, int64_t n)
{
    static const double one = 1;
    tally_tensor        row = { &one, TALLY_F64, 1, { n }, { 0 } }, number = tally_scalar(&n);
    return tally__delta_accumulate(d, cell, n > 1000 ? &number : &row, NULL, NULL, &err);
}

static void one_effect(test_rng *r, tally__delta *const *d, bool reset)
{
    const int     cell = (int)test_below(r, KIT_CLASSES), what = (int)test_below(r, 8);
    const double  v = any_value(r);
    const int64_t n = any_number(r);
    tally_tensor  x64 = tally_scalar(&v);
    if (what == 7 && reset) {
        for (int w = 0; w < WAYS; w++)
            tally__delta_reset(d[w]);
    } else if (what < 4) {
        assert_ok(tally__delta_add_one(d[0], cell, v, &err), &err);
        assert_ok(tally__delta_accumulate(d[1], cell, &x64, NULL, NULL, &err), &err);
    } else if (n <= 1000 || cell == KIT_TOTAL) {
        assert_ok(tally__delta_count(d[0], cell, n, &err), &err);
        assert_ok(add_ones(d[1], cell, n), &err);
    }
}

static void random_calls(test_rng *r, int n, tally__store *const s[WAYS][STORES])
{
    tally__delta d[WAYS][STORES] = { { { 0 } } };
    for (int call = 0; call < 12; call++) {
        const int effects = (int)test_below(r, 6), on = (int)test_below(r, (size_t)n);
        for (int w = 0; w < WAYS; w++) {
            for (int i = 0; i < n; i++)
                assert_ok(tally__delta_prepare(&d[w][i], x, s[w][(on + i) % n], &err), &err);
            assert_ok(tally__deltas_begin(d[w], n, &err), &err);
        }
        for (int e = 0; e < effects; e++) {
            const size_t k = test_below(r, (size_t)n);
            one_effect(r, (tally__delta *const[]){ &d[0][k], &d[1][k] }, call > 6);
        }
        const bool fails = !test_below(r, 8);       /* nothing of it may be seen in the next */
        for (int w = 0; w < WAYS; w++) {
            if (!fails)
                assert_ok(tally__commit(x, d[w], n, &err), &err);
            tally__deltas_end(d[w], n);
        }
        for (int i = 0; i < n; i++) {
            assert_true(kit_same(s[0][i], s[1][i]));
            tally__delta_drop(&d[1][i]);            /* the oracle's memory is fresh for each call */
        }
    }
    for (int i = 0; i < n; i++)
        tally__delta_drop(&d[0][i]);
}

static void one_value_at_a_time_gives_the_bits_of_tensors(void **state)
{
    (void)state;
    for (int i = 0, cases = (int)test_scaled(4000); i < cases; i++) {
        test_rng      r = { (uint64_t)i };
        const int     n = 1 + i % STORES;
        tally__store *s[WAYS][STORES];
        for (int k = 0; k < WAYS * n; k++)
            s[k % WAYS][k / WAYS] = kit_store(x, "Kit", "one", &err);
        random_calls(&r, n, (tally__store *const (*)[STORES])s);
        for (int k = 0; k < WAYS * n; k++)
            tally__store_release(s[k % WAYS][k / WAYS]);
    }
}

/* ---- memory */

static void a_prepared_delta_allocates_nothing_in_the_steady_state(void **state)
{
    tally__store *s = kit_store(x, "Kit", "a", &err), *t = kit_store(x, "Kit", "b", &err);
    const double  row[] = { 1, 0.5, 3 };
    tally__delta  d = { 0 };
    size_t        calls = 0;
    (void)state;
    for (int round = 0; round < 20; round++) {
        tally__store *on = round % 2 ? s : t;
        if (round == 4)
            calls = memory.calls;
        assert_ok(tally__delta_prepare(&d, x, on, &err), &err);
        d.reads = true;
        assert_ok(tally__deltas_begin(&d, 1, &err), &err);
        assert_ok(kit_accumulate(&d, row, round % 3 + 1, round % 5 ? 3 : 0, &err), &err);
        if (round % 7 == 6)
            tally__delta_reset(&d);
        assert_ok(tally__commit(x, &d, 1, &err), &err);
        tally__deltas_end(&d, 1);
    }
    assert_int_equal(memory.calls, calls);
    tally__delta_drop(&d);
    tally__store_release(s);
    tally__store_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_commits_is_as_if_one_came_first),
        cmocka_unit_test(commits_to_other_stores_may_come_in_at_any_step),
        cmocka_unit_test(one_store_that_fails_keeps_all_from_changing),
        cmocka_unit_test(a_reservation_that_no_longer_suffices_starts_anew),
        cmocka_unit_test(a_commit_without_effects_takes_no_lock_and_counts_for_nothing),
        cmocka_unit_test(a_read_gives_the_copy_and_the_calls_own_effects),
        cmocka_unit_test(one_value_at_a_time_gives_the_bits_of_tensors),
        cmocka_unit_test(sizes_bind_from_the_call_the_copy_or_the_store),
        cmocka_unit_test(a_prepared_delta_allocates_nothing_in_the_steady_state),
    };
    return cmocka_run_group_tests_name("commit", tests, commit_setup, commit_teardown);
}
