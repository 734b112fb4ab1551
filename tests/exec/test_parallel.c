/* the context's parallel_for: however the hook runs the parts of a loop, in whatever order and on whichever threads, states,
 * kept values and failures have the bits and texts of one thread. Tasks ask for no memory and call no hook. */
#include "../function/call.h"

#include <tally/tally.h>

#include <fenv.h>
#include <pthread.h>

/* ---- hooks */
typedef enum how { ALONE, IN_ORDER, REVERSED, TWO_THREADS, FOUR_THREADS, HOWS } how;
static const char *const how_name[HOWS] = { "no hook", "in order", "reversed", "two threads", "four threads" };

typedef struct stage {
    test_memory    memory;
    tally_context *context;
    how            how;
    size_t         loops, tasks;         /* that the hook was given */
    atomic_bool    inside;               /* tasks run */
    atomic_size_t  misused;              /* allocations or hooks meanwhile, or on another thread */
    pthread_t      caller;
    int            polls, cancel_at;
} stage;

static void stage_check(stage *s)
{
    if (atomic_load(&s->inside) || !pthread_equal(pthread_self(), s->caller))
        atomic_fetch_add(&s->misused, 1);
}

static void *stage_alloc(void *user, size_t size, size_t align)
{
    stage_check(user);
    return test_memory_alloc(&((stage *)user)->memory, size, align);
}

static void stage_free(void *user, void *p, size_t size)
{
    stage_check(user);
    test_memory_free(&((stage *)user)->memory, p, size);
}

static int stage_interrupt(void *user)
{
    stage *s = user;
    stage_check(s);
    return ++s->polls == s->cancel_at;
}

typedef struct crew {
    size_t        n;
    atomic_size_t next;
    void        (*task)(void *arg, size_t i);
    void         *arg;
    stage        *s;
} crew;

/* a thread with another rounding than the library's, which must be as it was behind each task */
static void *crew_member(void *p)
{
    crew *c = p;
    fesetround(FE_UPWARD);
    for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->n;) {
        c->task(c->arg, i);
        if (fegetround() != FE_UPWARD)
            atomic_fetch_add(&c->s->misused, 1);
    }
    return NULL;
}

static void run_on_threads(stage *s, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    pthread_t thread[4];
    crew      c = { .n = n, .task = task, .arg = arg, .s = s };
    int       members = s->how == TWO_THREADS ? 2 : 4;
    for (int i = 0; i < members; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, crew_member, &c), 0);
    for (int i = 0; i < members; i++)
        pthread_join(thread[i], NULL);
}

static void stage_for(void *user, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    stage *s = user;
    stage_check(s);
    s->loops++;
    s->tasks += n;
    atomic_store(&s->inside, true);
    if (s->how >= TWO_THREADS)
        run_on_threads(s, n, task, arg);
    for (size_t i = 0; i < n && s->how < TWO_THREADS; i++)
        task(arg, s->how == REVERSED ? n - 1 - i : i);
    atomic_store(&s->inside, false);
}

static void stage_open(stage *s, how h)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    memset(s, 0, sizeof *s);
    s->how = h;
    s->caller = pthread_self();
    o.allocator = (tally_allocator){ stage_alloc, stage_free, s };
    o.interrupt = stage_interrupt;
    o.parallel_for = h == ALONE ? NULL : stage_for;
    o.user = s;
    s->context = tally_context_new(&o, NULL);
    assert_non_null(s->context);
}

static void stage_close(stage *s)
{
    tally_context_release(s->context);
    assert_int_equal(atomic_load(&s->misused), 0);
    assert_int_equal(atomic_load(&s->memory.blocks), 0);
}

/* ---- a body with six classes, states of all kinds, weights, masks, kept values, results over all rows */
enum { ROWS = 5000, CLASSES = 4, METRICS = 6, STORES = 3, TENSORS = 6, VALUES = 3 };
typedef struct data {
    float   y[ROWS], p[ROWS], w[ROWS], scores[ROWS * CLASSES];
    int32_t ids[ROWS];
    int64_t large[ROWS];
} data;

static void data_fill(data *d, uint64_t seed)
{
    test_rng r = { seed };
    for (int i = 0; i < ROWS; i++) {
        d->y[i] = (float)test_below(&r, 2);
        d->p[i] = (float)test_unit(&r);
        d->w[i] = i % 9 ? (float)(test_unit(&r) * 3) : 0x1p-120f;
        d->ids[i] = (int32_t)test_below(&r, CLASSES);
        d->large[i] = INT64_C(1) << (50 + test_below(&r, 12));
        for (int k = 0; k < CLASSES; k++)
            d->scores[i * CLASSES + k] = (float)(test_unit(&r) * 8 - 4);
    }
}

static void feed_metric(tally_trace *t, int argument, tally_node y, tally_node p, tally_node w)
{
    const tally_node operands[3] = { y, p, w };
    tally_update_state_loc(t, tally_arg_metric(t, argument), operands, 3, __FILE__, __LINE__);
}

static void everything(tally_trace *t, void *user)
{
    tally_node y = tally_arg(t, 0), p = tally_arg(t, 1), w = tally_arg(t, 2), ids = tally_arg(t, 3), scores = tally_arg(t, 4);
    tally_node error = tally_mul(tally_sub(y, p), w), mask = tally_gt(p, tally_num(0.25)), soft = tally_softmax(scores, 1);
    tally_metric_ref kinds = tally_arg_metric(t, TENSORS + METRICS), columns = tally_arg_metric(t, TENSORS + METRICS + 1),
                     whole = tally_arg_metric(t, TENSORS + METRICS + 2);
    const tally_node weighted[2] = { tally_square(error), w };
    (void)user;
    tally_update_state_loc(t, tally_arg_metric(t, TENSORS), weighted, 2, __FILE__, __LINE__);
    feed_metric(t, TENSORS + 1, y, p, w);
    feed_metric(t, TENSORS + 2, y, p, w);
    feed_metric(t, TENSORS + 3, y, p, w);
    feed_metric(t, TENSORS + 4, y, p, w);
    feed_metric(t, TENSORS + 5, ids, soft, w);
    for (int cell = 0; cell < 4; cell++)
        tally__accumulate(t, kinds, cell, error, cell == 1 ? NO_NODE : w, cell == 2 ? NO_NODE : mask, HERE);
    tally__size_state(t, columns, 0, 0, tally__node_of(scores)->dim[1], HERE);
    tally__accumulate(t, columns, 0, soft, w, mask, HERE);
    add_to(t, whole, tally_arg(t, 5));
    tally_assert(t, tally_ge(w, tally_num(0)), "weights, expected at least 0");
    tally_return(t, error);
    tally_return(t, tally_mul(soft, tally_expand_dims(w, 1)));
    tally_return(t, tally_reduce_mean(tally_exp(error)));
    tally_return(t, tally_reduce_max(tally_neg(error)));
    tally_return(t, total_of(t, whole));
}

typedef struct play {
    stage           s;
    tally_function *g;
    tally__store   *store[METRICS + STORES];
    tally_tensor    x[TENSORS];
    float           error[ROWS], weighed[ROWS * CLASSES];
    double          value[VALUES];
    tally_error     err;
} play;

static tally__store *kinds_store(tally_context *c)
{
    const tally__cell_spec spec[] = { { "total", TALLY_STATE_SUM, 0, 0, { 0 } },
                                      { "seen", TALLY_STATE_COUNT, 0, 0, { 0 } },
                                      { "least", TALLY_STATE_MIN, 0, 0, { 0 } },
                                      { "most", TALLY_STATE_MAX, 0, 0, { 0 } } };
    return test_store(c, "Kinds", 4, spec);
}

static void play_metrics(play *a)
{
    tally_mean_options            mean = TALLY_MEAN_OPTIONS_INIT;
    tally_binary_accuracy_options binary = TALLY_BINARY_ACCURACY_OPTIONS_INIT;
    tally_threshold_options       thresholds = TALLY_THRESHOLD_OPTIONS_INIT;
    tally_crossentropy_options    entropy = TALLY_CROSSENTROPY_OPTIONS_INIT;
    const double                  at[] = { 0.25, 0.5, 0.75 };
    mean.context = binary.context = thresholds.context = entropy.context = a->s.context;
    thresholds.thresholds = at;
    thresholds.n_thresholds = 3;
    tally_metric *m[METRICS] = { tally_mean_new(&mean, NULL),
                                 tally_mean_squared_error_new(&mean, NULL),
                                 tally_binary_accuracy_new(&binary, NULL),
                                 tally_precision_new(&thresholds, NULL),
                                 tally_binary_crossentropy_new(&entropy, NULL),
                                 tally_sparse_categorical_crossentropy_new(&entropy, NULL) };
    for (int i = 0; i < METRICS; i++) {
        assert_non_null(m[i]);
        a->store[i] = tally__store_of_metric(m[i]);
    }
}

static void play_open(play *a, how h, tally_body body)
{
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    stage_open(&a->s, h);
    play_metrics(a);
    a->store[METRICS] = kinds_store(a->s.context);
    a->store[METRICS + 1] = vector_store(a->s.context);
    a->store[METRICS + 2] = sum_store(a->s.context);
    o.context = a->s.context;
    o.name = "parallel";
    a->g = tally_function_new(body, NULL, &o, NULL);
    assert_non_null(a->g);
}

static void play_close(play *a)
{
    for (int i = 0; i < METRICS + STORES; i++)
        tally__store_release(a->store[i]);
    tally_function_release(a->g);
    stage_close(&a->s);
}

static tally_status play_call(play *a, const data *d, int64_t rows)
{
    tally_value  in[TENSORS + METRICS + STORES];
    tally_buffer error = tally_buffer_of(a->error, ROWS), weighed = tally_buffer_of(a->weighed, ROWS * CLASSES);
    a->x[0] = tally_vector(d->y, rows);
    a->x[1] = tally_vector(d->p, rows);
    a->x[2] = tally_vector(d->w, rows);
    a->x[3] = tally_vector(d->ids, rows);
    a->x[4] = tally_matrix(d->scores, rows, CLASSES);
    a->x[5] = tally_vector(d->large, rows);
    for (int i = 0; i < TENSORS; i++)
        in[i] = tally__in_tensor(&a->x[i]);
    for (int i = 0; i < METRICS + STORES; i++)
        in[TENSORS + i] = tally__in_metric(as_metric(a->store[i]));
    memset(&a->err, 0, sizeof a->err);
    return tally_call(a->g, in, TENSORS + METRICS + STORES, TALLY_OUT(&error, &weighed, &a->value[0], &a->value[1], &a->value[2]),
                      &a->err);
}

/* the frame that the next call takes: made by a call of no rows, then told its limits */
static void play_limits(play *a, const data *d, uint32_t block, int64_t share, int32_t parts)
{
    assert_ok(play_call(a, d, 1), &a->err);
    tally__frame *f = atomic_load(&atomic_load(&a->g->newest)->idle);
    assert_non_null(f);
    f->block = block;
    f->share = share;
    f->parts = parts;
}

static size_t play_bytes(play *a, unsigned char *out, size_t room)
{
    size_t n = 0;
    for (int i = 0; i < METRICS + STORES; i++)
        n += tally__store_pack(a->store[i], out + n, room - n);
    assert_true(n <= room);
    return n;
}

static void assert_same_play(play *got, play *want, int64_t rows, const char *what)
{
    static unsigned char a[1 << 14], b[1 << 14];
    size_t               n = play_bytes(got, a, sizeof a), m = play_bytes(want, b, sizeof b);
    bool                 same = n == m && !memcmp(a, b, n) && !memcmp(got->value, want->value, sizeof got->value) &&
                !memcmp(got->error, want->error, (size_t)rows * sizeof got->error[0]) &&
                !memcmp(got->weighed, want->weighed, (size_t)rows * CLASSES * sizeof got->weighed[0]);
    if (!same)
        print_error("%s, %lld rows: not the bits of one thread\n", what, (long long)rows);
    assert_true(same);
}

static data one, two;

static void any_hook_gives_the_bits_of_one_thread(void **state)
{
    enum { BLOCK = 64 };
    const int64_t rows[] = { 1, 15, 16, 17, 31, 32, 33, 128, 129, 511, 512, 513, 2047, ROWS };
    static play   alone, a;
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(rows); i++) {
        play_open(&alone, ALONE, everything);
        play_limits(&alone, &one, BLOCK, 1, TALLY__PARTS);
        assert_ok(play_call(&alone, &one, rows[i]), &alone.err);
        for (how h = IN_ORDER; h < HOWS; h++)
            for (int parts = 1; parts <= TALLY__PARTS; parts++) {
                play_open(&a, h, everything);
                play_limits(&a, &one, BLOCK, 1, parts);
                a.s.tasks = 0;
                assert_ok(play_call(&a, &one, rows[i]), &a.err);
                assert_same_play(&a, &alone, rows[i], how_name[h]);
                if (rows[i] >= 513)
                    assert_int_equal(a.s.tasks > 0, parts > 1);
                assert_true(a.s.tasks == 0 || rows[i] > 16);
                play_close(&a);
            }
        play_close(&alone);
    }
}

static void few_elements_are_not_shared_out(void **state)
{
    static play a;
    (void)state;
    play_open(&a, IN_ORDER, everything);
    play_limits(&a, &one, 64, 2048 * CLASSES, TALLY__PARTS);
    assert_ok(play_call(&a, &one, 2047), &a.err);
    assert_int_equal(a.s.loops, 0);
    a.s.polls = 0;
    assert_ok(play_call(&a, &one, 2048), &a.err);
    assert_true(a.s.loops > 0);
    if (a.s.polls >= 128) print_error("%d polls in %zu shared loops\n", a.s.polls, a.s.loops);
    assert_true(a.s.polls < 128); /* not per block: no part lacked memory, so that its loop ran again on this thread */
    assert_int_equal(a.s.tasks, a.s.loops * TALLY__PARTS);
    play_close(&a);
}

static void calls_of_many_sizes_allocate_nothing_once_the_largest_was_seen(void **state)
{
    static play a;
    (void)state;
    play_open(&a, TWO_THREADS, everything);
    play_limits(&a, &one, 256, 1, TALLY__PARTS);
    assert_ok(play_call(&a, &one, ROWS), &a.err);
    assert_ok(play_call(&a, &one, ROWS), &a.err);
    size_t calls = atomic_load(&a.s.memory.calls), bytes = tally_context_bytes(a.s.context);
    for (int64_t i = 0; i < 20; i++)
        assert_ok(play_call(&a, i % 2 ? &two : &one, ROWS - 211 * i), &a.err);
    assert_int_equal(atomic_load(&a.s.memory.calls), calls);
    assert_int_equal(tally_context_bytes(a.s.context), bytes);
    tally_context_trim(a.s.context);
    assert_true(tally_context_bytes(a.s.context) < bytes);
    assert_ok(play_call(&a, &one, ROWS), &a.err);
    play_close(&a);
}

static void memory_that_is_refused_changes_nothing(void **state)
{
    static unsigned char before[1 << 14], now[1 << 14];
    static play          a;
    (void)state;
    for (int after = 0; after < 2; after++)
        for (size_t k = 1;; k++) {
            play_open(&a, k % 2 ? REVERSED : TWO_THREADS, everything);
            play_limits(&a, &one, 256, 1, TALLY__PARTS);
            size_t n = play_bytes(&a, before, sizeof before), begun = atomic_load(&a.s.memory.calls);
            a.s.memory.fail_at = begun + k;
            a.s.memory.fail_all_after = after;
            tally_status status = play_call(&a, &two, ROWS);
            bool         met = atomic_load(&a.s.memory.calls) - begun >= k;
            a.s.memory.fail_at = 0;
            if (met) {
                if (status != TALLY_RESOURCE_EXHAUSTED)
                    print_error("allocation %zu refused\n", k);
                assert_status(status, TALLY_RESOURCE_EXHAUSTED, &a.err);
                assert_int_equal(play_bytes(&a, now, sizeof now), n);
                assert_memory_equal(now, before, n);
                assert_ok(play_call(&a, &two, ROWS), &a.err);
            }
            play_close(&a);
            if (!met) {
                assert_ok(status, NULL);
                assert_true(k > TALLY__PARTS);
                break;
            }
        }
}

static void the_first_failing_row_is_reported_as_by_one_thread(void **state)
{
    static unsigned char before[1 << 14], now[1 << 14];
    static data          bad;
    static play          alone, a;
    (void)state;
    bad = one;
    bad.w[4321] = bad.w[1234] = -1;
    play_open(&alone, ALONE, everything);
    assert_status(play_call(&alone, &bad, ROWS), TALLY_FAILED_PRECONDITION, &alone.err);
    assert_non_null(strstr(alone.err.text, "1234"));
    for (how h = IN_ORDER; h < HOWS; h++) {
        play_open(&a, h, everything);
        play_limits(&a, &one, 256, 1, TALLY__PARTS);
        size_t n = play_bytes(&a, before, sizeof before);
        assert_status(play_call(&a, &bad, ROWS), TALLY_FAILED_PRECONDITION, &a.err);
        assert_string_equal(a.err.text, alone.err.text);
        assert_int_equal(play_bytes(&a, now, sizeof now), n);
        assert_memory_equal(now, before, n);
        play_close(&a);
    }
    play_close(&alone);
}

static void an_interrupt_is_asked_for_on_the_calling_thread(void **state)
{
    static unsigned char before[1 << 14], now[1 << 14];
    static play          a;
    (void)state;
    for (int at = 1;; at++) {
        play_open(&a, TWO_THREADS, everything);
        play_limits(&a, &one, 256, 1, TALLY__PARTS);
        size_t n = play_bytes(&a, before, sizeof before);
        a.s.polls = 0;
        a.s.cancel_at = at;
        tally_status status = play_call(&a, &one, ROWS);
        bool         met = a.s.polls >= at;
        assert_status(status, met ? TALLY_CANCELLED : TALLY_OK, &a.err);
        if (met) {
            assert_int_equal(play_bytes(&a, now, sizeof now), n);
            assert_memory_equal(now, before, n);
        }
        play_close(&a);
        if (!met) {
            assert_true(at > 3);
            return;
        }
    }
}

static void frames_are_used_again_for_other_batches(void **state)
{
    static play alone, a;
    (void)state;
    play_open(&alone, ALONE, everything);
    play_open(&a, FOUR_THREADS, everything);
    play_limits(&alone, &one, 128, 1, TALLY__PARTS);
    play_limits(&a, &one, 128, 1, TALLY__PARTS);
    for (int i = 0; i < 6; i++) {
        assert_ok(play_call(&alone, i % 2 ? &two : &one, ROWS - 777 * i), &alone.err);
        assert_ok(play_call(&a, i % 2 ? &two : &one, ROWS - 777 * i), &a.err);
        assert_same_play(&a, &alone, ROWS - 777 * i, "several calls");
    }
    play_close(&a);
    play_close(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_hook_gives_the_bits_of_one_thread),
        cmocka_unit_test(few_elements_are_not_shared_out),
        cmocka_unit_test(calls_of_many_sizes_allocate_nothing_once_the_largest_was_seen),
        cmocka_unit_test(memory_that_is_refused_changes_nothing),
        cmocka_unit_test(the_first_failing_row_is_reported_as_by_one_thread),
        cmocka_unit_test(an_interrupt_is_asked_for_on_the_calling_thread),
        cmocka_unit_test(frames_are_used_again_for_other_batches),
    };
    data_fill(&one, 1);
    data_fill(&two, 2);
    return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
