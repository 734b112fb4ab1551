/* Memory that runs out at every possible allocation of a rich body's recording and calls, and of sums that turn wide; what one
 * metric does alone is the law "memory" of test_laws.c. Each time: a status, nothing changed, nothing leaked, and the next try
 * works. One scenario is one function of an allocator; it is run whole once to count its allocations and then again for every k
 * with the k-th refused, and with all from the k-th on refused. */
#include "../support.h"

#include <tally/tally.h>

typedef struct scene {
    test_memory    memory;
    tally_context *context;
    tally_error    err;
    bool           counting;                                /* the first, unharmed run */
    size_t         refused;
} scene;

/* A step either succeeds, or says RESOURCE_EXHAUSTED; then memory is given back and it must succeed. */
static bool step_failed(scene *s, tally_status got, const char *what, const char *file, int line)
{
    if (got == TALLY_OK)
        return false;
    if (got != TALLY_RESOURCE_EXHAUSTED || s->counting || s->err.status != got || !s->err.text[0]) {
        print_error("%s: %s \"%s\", allocation %zu refused\n", what, tally_status_name(got), s->err.text, s->memory.fail_at);
        _fail(file, line);
    }
    s->refused++;
    s->memory.fail_at = 0;
    return true;
}

#define STEP(s, call)                                                                                                  \
    do {                                                                                                               \
        if (step_failed((s), (call), #call, __FILE__, __LINE__))                                                       \
            assert_ok(call, &(s)->err);                                                                                \
    } while (0)

/* a constructor: NULL is RESOURCE_EXHAUSTED */
#define MAKE(s, variable, call)                                                                                        \
    do {                                                                                                               \
        (s)->err.status = TALLY_OK;                                                                                    \
        (variable) = (call);                                                                                           \
        if (!(variable)) {                                                                                             \
            (void)step_failed((s), (s)->err.status, #call, __FILE__, __LINE__);                                        \
            (variable) = (call);                                                                                       \
            assert_non_null(variable);                                                                                 \
        }                                                                                                              \
    } while (0)

static void sweep(void (*play)(scene *s), size_t most)
{
    scene s;
    memset(&s, 0, sizeof s);
    s.counting = true;
    s.context = test_context(&s.memory, &s.err);
    play(&s);
    tally_context_release(s.context);
    assert_int_equal(s.memory.blocks, 0);
    size_t calls = s.memory.calls, stride = calls > most ? calls / most : 1;
    assert_true(calls > 0);
    size_t refused = 0;
    for (int all = 0; all < 2; all++)
        for (size_t k = 1; k <= calls; k += stride) {
            memset(&s, 0, sizeof s);
            s.memory.fail_at = k;
            s.memory.fail_all_after = all;
            MAKE(&s, s.context, test_context(&s.memory, &s.err));
            play(&s);
            tally_context_release(s.context);
            if (s.memory.blocks)
                print_error("allocation %zu of %zu refused: %zu blocks, %zu bytes are left\n", k, calls, (size_t)s.memory.blocks, (size_t)s.memory.bytes);
            assert_int_equal(s.memory.blocks, 0);
            refused += s.refused;
        }
    print_message("%zu allocations, %zu refusals met\n", calls, refused);
    assert_true(refused > 0);
}

static size_t most(void)
{
    return test_scaled(1000);
}

/* ---- what is kept ---- */

typedef struct photo {
    unsigned char at[131072];
    size_t        n;
} photo;

static photo shot(const tally_metric *m)
{
    photo p;
    p.n = tally_metric_pack(m, p.at, sizeof p.at);
    assert_true(p.n && p.n <= sizeof p.at);
    return p;
}

static void unchanged(const tally_metric *m, const photo *before)
{
    photo now = shot(m);
    assert_int_equal(now.n, before->n);
    assert_memory_equal(now.at, before->at, now.n);
}

/* ---- scenes ---- */

/* a body with all that takes memory: constants, captures, regions, inlining, returns, prints */
typedef struct body_user {
    tally_metric   *captured;
    tally_variable *variable;
} body_user;

static void inner_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node x = tally_arg(t, 0);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    tally_return(t, tally_softmax(tally_add(x, tally_num(1)), 1));
}

static void rich_body(tally_trace *t, void *user)
{
    static const float table[6] = { 1, 2, 3, 4, 5, 6 };
    body_user         *u = user;
    tally_tensor       constant = tally_matrix(table, 2, 3);
    tally_node         x = tally_arg(t, 0), i = tally_i64(t, 0), top = tally_f32(t, 0), k = tally_capture_tensor(t, &constant);
    tally_metric_ref   m = tally_arg_metric(t, 1), c = tally_capture_metric(t, u->captured);
    tally_variable_ref v = tally_capture_variable(t, u->variable);
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &top) {
        tally_node row = tally_at(x, i);
        TALLY_IF(t, tally_gt(tally_reduce_max_loc(row, __FILE__, __LINE__), top), &top) {
            tally_update_state(t, c, row);
            top = tally_reduce_max_loc(row, __FILE__, __LINE__);
        } else {
            tally_reset_state(t, c);
        }
        i = tally_add(i, tally_num(1));
    }
    tally_symbol in[2], out[1];
    memset(in, 0, sizeof in);
    memset(out, 0, sizeof out);
    in[0].node = tally_matmul(x, tally_transpose(k));
    in[1].metric = m;
    tally_inline(t, inner_body, NULL, in, 2, out, 1);
    tally_print(t, "top", top);
    tally_assign(t, v, tally_add(tally_read(t, v), tally_sum(x, 0)));
    tally_return(t, top);
    tally_return(t, out[0].node);
    tally_return(t, tally_result(t, c));
}

static void play_function(scene *s)
{
    static const float     data[12] = { 3, 1, 2, 9, 8, 7, 4, 5, 6, 1, 1, 1 }, zeros[3] = { 0, 0, 0 };
    tally_tensor           x = tally_matrix(data, 2, 3), y = tally_matrix(data, 4, 3), start = tally_vector(zeros, 3);
    tally_mean_options     mo = TALLY_MEAN_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    body_user              u;
    tally_metric          *m;
    tally_function        *f;
    float                  top, soft[16], held[3], again[3];
    double                 result;
    tally_buffer           b = tally_buffer_of(soft, 16), h = tally_buffer_of(held, 3), a = tally_buffer_of(again, 3);
    mo.context = fo.context = s->context;
    MAKE(s, m, tally_mean_new(&mo, &s->err));
    MAKE(s, u.captured, tally_sum_new(&mo, &s->err));
    MAKE(s, u.variable, tally_variable_new(s->context, &start, &s->err));
    MAKE(s, f, tally_function_new(rich_body, &u, &fo, &s->err));
    for (int turn = 0; turn < 3; turn++) {
        const tally_tensor *in = turn ? &y : &x;            /* larger sizes come later */
        photo               pm = shot(m), pc = shot(u.captured);
        STEP(s, tally_variable_read(u.variable, &h, &s->err));
        if (turn == 1)
            STEP(s, tally_function_prepare(f, TALLY_IN(in, m), &s->err));
        tally_status got = tally_call(f, TALLY_IN(in, m), TALLY_OUT(&top, &b, &result), &s->err);
        if (!step_failed(s, got, "call", __FILE__, __LINE__))
            continue;
        unchanged(m, &pm);
        unchanged(u.captured, &pc);
        assert_ok(tally_variable_read(u.variable, &a, &s->err), &s->err);
        assert_memory_equal(held, again, sizeof held);
        assert_ok(tally_call(f, TALLY_IN(in, m), TALLY_OUT(&top, &b, &result), &s->err), &s->err);
    }
    STEP(s, tally_variable_read(u.variable, &h, &s->err));
    assert_int_equal(tally_function_traces(f), 1);
    assert_true(top == 9 && result >= 0);
    assert_true(held[0] == 3 + 9 + 2 * (3 + 9 + 4 + 1) && held[1] == 1 + 8 + 2 * (1 + 8 + 5 + 1));
    tally_function_release(f);
    tally_metric_release(m);
    tally_metric_release(u.captured);
    tally_variable_release(u.variable);
}

static void recording_and_calling_survive_every_refusal(void **state)
{
    (void)state;
    sweep(play_function, most() * 4);
}

/* sums that turn wide: the state itself needs memory in the commit */
static void play_wide(scene *s)
{
    static const double tame[2] = { 1, 2 }, wild[2] = { 1e300, 1e-300 };
    tally_tensor        x = tally_vector(tame, 2), y = tally_vector(wild, 2);
    tally_mean_options  o = TALLY_MEAN_OPTIONS_INIT;
    tally_metric       *m[3];
    o.context = s->context;
    MAKE(s, m[0], tally_mean_new(&o, &s->err));
    MAKE(s, m[1], tally_sum_new(&o, &s->err));
    MAKE(s, m[2], tally_mean_new(&o, &s->err));
    for (int turn = 0; turn < 4; turn++) {
        const tally_tensor *in[1] = { turn % 2 ? &y : &x };
        photo               p[3] = { shot(m[0]), shot(m[1]), shot(m[2]) };
        tally_status        got = tally_metrics_update_state_n(m, 3, in, 1, &s->err);
        if (step_failed(s, got, "update of three", __FILE__, __LINE__)) {
            for (int k = 0; k < 3; k++)
                unchanged(m[k], &p[k]);
            assert_ok(tally_metrics_update_state_n(m, 3, in, 1, &s->err), &s->err);
        }
        photo        before = shot(m[0]);
        tally_status scalar = tally_metric_update_scalar(m[0], 0x1p-1074);
        if (scalar) {
            assert_int_equal(scalar, TALLY_RESOURCE_EXHAUSTED);
            assert_true(!s->counting);
            s->refused++;
            s->memory.fail_at = 0;
            unchanged(m[0], &before);
            assert_int_equal(tally_metric_update_scalar(m[0], 0x1p-1074), TALLY_OK);
        }
    }
    double sum = tally_metric_result(m[1]);
    if (sum != sum) {
        assert_false(s->counting);
        s->refused++;
        s->memory.fail_at = 0;
        sum = tally_metric_result(m[1]);
    }
    assert_bits_f64(sum, 2e300);
    for (int k = 0; k < 3; k++)
        tally_metric_release(m[k]);
}

static void sums_that_turn_wide_survive_every_refusal(void **state)
{
    (void)state;
    sweep(play_wide, most() * 4);
}

/* a byte limit is an allocator that says no, too */
static void a_byte_limit_is_kept_and_reported(void **state)
{
    static const float    data[4096] = { 0 };
    tally_context_options co = TALLY_CONTEXT_OPTIONS_INIT;
    tally_error           err = { 0, 0, "" };
    int                   failed = 0, worked = 0;
    (void)state;
    for (size_t limit = 64; limit < (1 << 20); limit = limit * 5 / 4) {
        co.max_bytes = limit;
        tally_context *c = tally_context_new(&co, &err);
        assert_non_null(c);
        tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
        o.context = c;
        tally_metric *m = tally_mean_new(&o, &err);
        if (m) {
            tally_tensor        x = tally_matrix(data, 64, 64);
            const tally_tensor *in[1] = { &x };
            tally_status        s = tally_metric_update_state_n(m, in, 1, &err);
            assert_true(s == TALLY_OK || s == TALLY_RESOURCE_EXHAUSTED);
            worked += s == TALLY_OK;
            failed += s != TALLY_OK;
        } else {
            assert_int_equal(err.status, TALLY_RESOURCE_EXHAUSTED);
            failed++;
        }
        assert_true(tally_context_bytes(c) <= limit);
        tally_metric_release(m);
        tally_context_release(c);
    }
    assert_true(failed > 2 && worked > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recording_and_calling_survive_every_refusal),
        cmocka_unit_test(sums_that_turn_wide_survive_every_refusal),
        cmocka_unit_test(a_byte_limit_is_kept_and_reported),
    };
    return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
}
