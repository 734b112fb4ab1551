/* The call interface under random wrong use: arguments and destinations of any kind, rank, dtype, size and stride, NULL in
 * every place; bodies that record nonsense. Always a status or success, never a crash, and on a status every metric and
 * variable is as it was and the text is one line. Memory that a view may reach is real, so that a sanitizer sees any step
 * outside it. */
#include "../function/dot.h"
#include "../laws/classes.h"

enum { CALLS = 30000, BODIES = 30000, HALF = 4096 };

/* ---- the stores that everything works on ---- */

enum { METRICS = 6, VARIABLES = 2, PACKED = 4096 };

typedef struct world {
    tally_metric   *metric[METRICS];
    tally_variable *variable[VARIABLES];
    unsigned char   before[METRICS][PACKED];
    size_t          size[METRICS];
    double          held[VARIABLES][8];
} world;

static const double eight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static world world_new(void)
{
    world        w;
    tally_tensor a = tally_scalar(eight), b = tally_vector(eight, 4);
    memset(&w, 0, sizeof w);
    w.metric[0] = tally_mean_new(NULL, NULL);
    w.metric[1] = tally_accuracy_new(NULL, NULL);
    w.metric[2] = tally_sparse_categorical_crossentropy_new(NULL, NULL);
    w.metric[3] = tally_precision_new(NULL, NULL);
    w.metric[4] = class_table[class_count - 1].make(&class_table[class_count - 1], NULL, TALLY_NAN_PROPAGATE, NULL);
    w.metric[5] = tally_binary_crossentropy_new(NULL, NULL);
    w.variable[0] = tally_variable_new(NULL, &a, NULL);
    w.variable[1] = tally_variable_new(NULL, &b, NULL);
    return w;
}

static void world_free(world *w)
{
    for (int k = 0; k < METRICS; k++)
        tally_metric_release(w->metric[k]);
    for (int k = 0; k < VARIABLES; k++)
        tally_variable_release(w->variable[k]);
}

static void world_note(world *w)
{
    for (int k = 0; k < METRICS; k++) {
        w->size[k] = tally_metric_pack(w->metric[k], w->before[k], PACKED);
        assert_true(w->size[k] && w->size[k] <= PACKED);
    }
    for (int k = 0; k < VARIABLES; k++) {
        tally_buffer b = tally_buffer_of(w->held[k], 8);
        assert_ok(tally_variable_read(w->variable[k], &b, NULL), NULL);
    }
}

static bool world_same(const world *w)
{
    unsigned char now[PACKED];
    double        held[8] = { 0 };
    for (int k = 0; k < METRICS; k++)
        if (tally_metric_pack(w->metric[k], now, PACKED) != w->size[k] || memcmp(now, w->before[k], w->size[k]))
            return false;
    for (int k = 0; k < VARIABLES; k++) {
        tally_buffer b = tally_buffer_of(held, 8);
        if (tally_variable_read(w->variable[k], &b, NULL) || memcmp(held, w->held[k], sizeof(double) * (k ? 4 : 1)))
            return false;
    }
    return true;
}

static void check_outcome(const world *w, tally_status s, const tally_error *err, uint64_t seed)
{
    bool right = s == TALLY_OK || (s > 0 && s <= TALLY_DATA_LOSS && s != TALLY_INTERNAL && err->status == s && err->text[0] && !strchr(err->text, '\n') && world_same(w));
    if (right)
        return;
    print_error("seed 0x%llx: %s \"%s\"%s\n", (unsigned long long)seed, tally_status_name(s), err->text, world_same(w) ? "" : ", and a store has changed");
    fail();
}

/* ---- random views: right ones, slightly wrong ones, absurd ones ---- */

static tally_tensor some_view(test_rng *r, unsigned char *middle)
{
    tally_tensor x;
    memset(&x, 0, sizeof x);
    x.dtype = (int32_t)(test_below(r, 20) ? 1 + test_below(r, 13) : test_below(r, 100)) - (test_below(r, 40) == 0);
    x.rank = test_below(r, 20) ? (int32_t)test_below(r, 3) : (int32_t)test_below(r, 12) - 3;
    x.data = test_below(r, 30) ? middle + (test_below(r, 20) ? 0 : test_below(r, 8)) : NULL;
    for (int k = 0; k < TALLY_MAX_RANK; k++) {
        x.shape[k] = (int64_t)test_below(r, 4);
        x.stride[k] = (int64_t)test_below(r, 13) - 6;       /* at most 6 axes of 3 * 6 elements of 8 bytes away */
    }
    if (test_below(r, 4) && x.rank > 0 && x.rank <= TALLY_MAX_RANK)
        for (int k = x.rank - 1, n = 1; k >= 0; k--) {
            x.stride[k] = n;
            n *= (int)x.shape[k] ? (int)x.shape[k] : 1;
        }
    static const int64_t absurd[] = { INT64_MAX, INT64_MIN, -1 };
    if (test_below(r, 25) == 0)
        x.shape[test_below(r, 2)] = absurd[1 + test_below(r, 2)];
    if (test_below(r, 25) == 0) {
        x.stride[0] = absurd[test_below(r, 2)];             /* out of any memory, given three rows */
        x.shape[0] = 3;
    }
    return x;
}

/* ---- bodies that use what they are given ---- */

static void plain_body(tally_trace *t, void *user)
{
    int which = *(int *)user;
    tally_node x = tally_arg(t, 0);
    if (which & 1)
        tally_update_state(t, tally_arg_metric(t, 1), x);
    if (which & 2)
        tally_update_state(t, tally_arg_metric(t, 1), x, tally_arg(t, 2));
    if (which & 4) {
        tally_variable_ref v = tally_arg_variable(t, 2);
        tally_assign(t, v, tally_add(tally_read(t, v), tally_cast(tally_reduce_sum(x), TALLY_F64)));
    }
    if (which & 8)
        tally_return_metric(t, tally_arg_metric(t, 1));
    if (which & 16)
        tally_return(t, tally_mul(x, x));
    tally_return(t, tally_reduce_sum(x));
}

static tally_value some_value(test_rng *r, const world *w, tally_tensor *x, unsigned char *middle, int place)
{
    *x = some_view(r, middle);
    size_t      what = test_below(r, 4) ? (size_t)place : test_below(r, 3);
    tally_value v = what == 1 ? tally__in_metric(w->metric[test_below(r, METRICS)])
                  : what == 2 && test_below(r, 2) ? tally__in_variable(w->variable[test_below(r, VARIABLES)]) : tally__in_tensor(x);
    if (test_below(r, 40) == 0)
        v.p = NULL;
    if (test_below(r, 60) == 0 && !v.p)
        v.kind = (int32_t)test_below(r, 12) - 2;
    else if (test_below(r, 60) == 0)
        v.kind = (int32_t)test_below(r, 100) + (int32_t)TALLY_KIND_METRIC_OUT + 1;
    return v;
}

typedef struct outputs {
    tally_buffer  buffer[4];
    double        wide[4];
    float         narrow[4];
    int64_t       whole[4];
    tally_metric *metric[4];
    unsigned char room[4][1024];
} outputs;

static tally_slot some_slot(test_rng *r, outputs *o, int k)
{
    o->buffer[k] = (tally_buffer){ o->room[k], (int32_t)test_below(r, 15), 0, (int64_t)(test_below(r, 10) ? 128 : test_below(r, 3)), { 0 } };
    if (test_below(r, 20) == 0)
        o->buffer[k].data = NULL;
    if (test_below(r, 20) == 0)
        o->buffer[k].capacity = -1;
    tally_slot s;
    switch (test_below(r, 5)) {
    case 0: s = tally__out_f64(&o->wide[k]); break;
    case 1: s = tally__out_f32(&o->narrow[k]); break;
    case 2: s = tally__out_i64(&o->whole[k]); break;
    case 3: s = tally__out_metric(&o->metric[k]); break;
    default: s = tally__out_buffer(&o->buffer[k]); break;
    }
    if (test_below(r, 40) == 0)
        s.p = NULL;
    if (test_below(r, 60) == 0)
        s.kind = (int32_t)test_below(r, 100) + (int32_t)TALLY_KIND_METRIC_OUT + 1;
    return s;
}

static void calls_with_anything_end_with_a_status(void **state)
{
    enum { FUNCTIONS = 32 };
    static unsigned char memory[2 * HALF];
    static int           which[FUNCTIONS];
    tally_function      *f[FUNCTIONS];
    world                w = world_new();
    size_t               good = 0, n = test_scaled(CALLS);
    (void)state;
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    o.max_traces = 5000;
    for (int k = 0; k < FUNCTIONS; k++) {
        which[k] = k;
        f[k] = tally_function_new(plain_body, &which[k], &o, NULL);
    }
    for (size_t k = 0; k < n; k++) {
        test_rng     r = { 0xca11 + (uint64_t)k };
        tally_tensor x[6];
        tally_value  in[6];
        tally_slot   out[4];
        outputs      to;
        tally_error  err = { 0, 0, "" };
        int          n_in = test_below(&r, 8) ? 1 + (int)test_below(&r, 3) : (int)test_below(&r, 8) - 1;
        int          n_out = test_below(&r, 3) ? 0 : (int)test_below(&r, 5) - (test_below(&r, 10) == 0);
        memset(&to, 0, sizeof to);
        for (size_t j = 0; j < sizeof memory; j++)
            memory[j] = (unsigned char)test_next(&r) & 1;
        for (int j = 0; j < 6; j++)
            in[j] = some_value(&r, &w, &x[j], memory + HALF, j < 3 ? j : 0);
        for (int j = 0; j < 4; j++)
            out[j] = some_slot(&r, &to, j);
        n_in = n_in > 6 ? 6 : n_in;
        tally_function *fn = f[test_below(&r, FUNCTIONS)];
        world_note(&w);
        tally_status s = test_below(&r, 50) ? tally_call(fn, test_below(&r, 60) ? in : NULL, n_in, n_out ? out : NULL, n_out, &err)
                                            : tally_function_prepare(fn, in, n_in, &err);
        check_outcome(&w, s, &err, k);
        good += s == TALLY_OK;
    }
    print_message("%zu calls, %zu succeeded\n", n, good);
    assert_true(good * 50 > n);
    for (int k = 0; k < FUNCTIONS; k++)
        tally_function_release(f[k]);
    world_free(&w);
}

static void eager_updates_with_anything_end_with_a_status(void **state)
{
    static unsigned char memory[2 * HALF];
    world                w = world_new();
    size_t               good = 0, n = test_scaled(CALLS);
    (void)state;
    for (size_t k = 0; k < n; k++) {
        test_rng            r = { 0xea6e + (uint64_t)k };
        tally_tensor        x[5];
        const tally_tensor *p[5];
        tally_metric       *m[3];
        tally_error         err = { 0, 0, "" };
        int                 n_in = test_below(&r, 8) ? 1 + (int)test_below(&r, 3) : (int)test_below(&r, 7) - 1, n_m = (int)test_below(&r, 4);
        n_in = n_in > 5 ? 5 : n_in;
        for (size_t j = 0; j < sizeof memory; j++)
            memory[j] = (unsigned char)test_next(&r) & 1;
        for (int j = 0; j < 5; j++) {
            x[j] = j && test_below(&r, 2) ? x[j - 1] : some_view(&r, memory + HALF);
            p[j] = test_below(&r, 40) ? &x[j] : NULL;
        }
        for (int j = 0; j < 3; j++)
            m[j] = test_below(&r, 40) ? w.metric[test_below(&r, METRICS)] : NULL;
        world_note(&w);
        tally_status s = n_m < 2 ? tally_metric_update_state_n(m[0], test_below(&r, 60) ? p : NULL, n_in, &err)
                                 : tally_metrics_update_state_n(test_below(&r, 60) ? m : NULL, n_m, p, n_in, &err);
        check_outcome(&w, s, &err, k);
        good += s == TALLY_OK;
        if (test_below(&r, 50) == 0) {
            tally_metric *copy[3] = { NULL, NULL, NULL };
            world_note(&w);
            s = tally_metric_merge_state(m[0], &m[1], (int)test_below(&r, 4) - 1, &err);
            check_outcome(&w, s, &err, k);
            world_note(&w);
            s = tally_metrics_snapshot(m, (int)test_below(&r, 5) - 1 > 3 ? 3 : (int)test_below(&r, 4), copy, &err);
            check_outcome(&w, s, &err, k);
            for (int j = 0; j < 3; j++)
                tally_metric_release(copy[j]);
        }
    }
    print_message("%zu updates, %zu succeeded\n", n, good);
    assert_true(good * 50 > n);
    world_free(&w);
}

/* ---- bodies that record nonsense ---- */

typedef struct nonsense {
    uint64_t     seed;
    const world *w;
    tally_node   kept, next;                                /* of the body before, whose function still lives; of this one */
} nonsense;

static tally_node any_node(test_rng *r, const tally_node *have, int n)
{
    size_t     k = test_below(r, 24);
    tally_node absent = { NULL, 0, 0 };
    return k == 0 ? absent : k == 1 ? tally_num((double)test_below(r, 5) - 1.5) : k == 2 ? tally_num(1) : have[test_below(r, (size_t)n)];
}

#define AT __FILE__, __LINE__

static tally_node any_op(test_rng *r, const tally_node *have, int n)
{
    tally_node a = any_node(r, have, n), b = any_node(r, have, n), c = any_node(r, have, n);
    int        axis = test_below(r, 10) ? (int)test_below(r, 3) - 1 : (int)test_below(r, 40) - 20;
    switch (test_below(r, 41)) {
    case 0: return tally_add_loc(a, b, AT);
    case 1: return tally_mul_loc(a, b, AT);
    case 2: return tally_div_loc(a, b, AT);
    case 3: return tally_eq_loc(a, b, AT);
    case 4: return tally_lt_loc(a, b, AT);
    case 5: return tally_and_loc(a, b, AT);
    case 6: return tally_matmul_loc(a, b, AT);
    case 7: return tally_at_loc(a, b, AT);
    case 8: return tally_gather_loc(a, b, AT);
    case 9: return tally_rank_of_loc(a, b, AT);
    case 10: return tally_broadcast_like_loc(a, b, AT);
    case 11: return tally_ratio_loc(a, b, AT);
    case 12: return tally_sum_loc(a, axis, AT);
    case 13: return tally_argmax_loc(a, axis, AT);
    case 14: return tally_softmax_loc(a, axis, AT);
    case 15: return tally_logsumexp_loc(a, axis, AT);
    case 16: return tally_dim_loc(a, axis, AT);
    case 17: return tally_column_loc(a, axis, AT);
    case 18: return tally_expand_dims_loc(a, axis, AT);
    case 19: return tally_squeeze_loc(a, axis, AT);
    case 20: return tally_select_loc(a, b, c, AT);
    case 21: return tally_clip_loc(a, b, c, AT);
    case 22: return tally_slice_loc(a, axis, b, c, AT);
    case 23: return tally_one_hot_loc(a, b, (tally_dtype)test_below(r, 16), AT);
    case 24: return tally_cast_loc(a, (tally_dtype)test_below(r, 16), AT);
    case 25: return tally_reduce_sum_loc(a, AT);
    case 26: return tally_reduce_any_loc(a, AT);
    case 27: return tally_size_loc(a, AT);
    case 28: return tally_transpose_loc(a, AT);
    case 29: return tally_not_loc(a, AT);
    case 30: return tally_exp_loc(a, AT);
    case 31: return tally_floor_loc(a, AT);
    case 32: return tally_is_nan_loc(a, AT);
    case 33: return tally_ones_like_loc(a, AT);
    case 34: return tally_pow_loc(a, b, AT);
    case 35: return tally_maximum_loc(a, b, AT);
    case 36: return tally_mean_loc(a, axis, AT);
    case 37: return tally_log_softmax_loc(a, axis, AT);
    case 38: return tally_reduce_max_loc(a, AT);
    case 39: return tally_cumsum_loc(a, axis, AT);
    default: return tally_neg_loc(a, AT);
    }
}

static void nonsense_block(tally_trace *t, nonsense *u, test_rng *r, tally_node *have, int n, int depth);

typedef struct nonsense_inner {
    nonsense   *u;
    uint64_t    seed;
    tally_node *have;
    int         n, depth;
} nonsense_inner;

static tally_node inner_condition(tally_trace *t, const tally_symbol *v, void *user)
{
    nonsense_inner *i = user;
    test_rng        r = { i->seed };
    (void)t;
    return test_below(&r, 6) ? tally_lt_loc(v[0].node, tally_num(2), AT) : any_node(&r, i->have, i->n);
}

static void inner_body(tally_trace *t, tally_symbol *v, void *user)
{
    nonsense_inner *i = user;
    test_rng        r = { i->seed + 1 };
    tally_node      have[64];
    memcpy(have, i->have, sizeof(tally_node) * (size_t)i->n);
    have[i->n] = v[0].node;
    nonsense_block(t, i->u, &r, have, i->n + 1, i->depth + 1);
    v[0].node = test_below(&r, 8) ? tally_add_loc(v[0].node, tally_num(1), AT) : any_node(&r, have, i->n + 1);
    if (test_below(&r, 20) == 0)
        v[1] = v[0];
}

static void inlined_body(tally_trace *t, void *user)
{
    nonsense_inner *i = user;
    test_rng        r = { i->seed + 2 };
    tally_node      have[64] = { tally_arg(t, 0), tally_i64(t, 1) };
    if (test_below(&r, 6) == 0)
        (void)tally_arg_metric(t, (int)test_below(&r, 3));
    nonsense_block(t, i->u, &r, have, 2, i->depth + 1);
    for (size_t k = test_below(&r, 3); k > 0; k--)
        tally_return(t, any_node(&r, have, 2));
}

static void nonsense_region(tally_trace *t, nonsense *u, test_rng *r, tally_node *have, int n, int depth)
{
    nonsense_inner i = { u, test_next(r), have, n, depth };
    tally_symbol   v[2], out[2];
    memset(v, 0, sizeof v);
    memset(out, 0, sizeof out);
    v[0].node = test_below(r, 6) ? tally_i64(t, 0) : any_node(r, have, n);
    if (test_below(r, 3) == 0)
        v[1].metric = tally_arg_metric(t, 1);
    int carried = v[1].metric.trace ? 2 : test_below(r, 30) ? 1 : (int)test_below(r, 4) - 1;
    carried = carried > 2 ? 2 : carried;
    tally_while_options o = TALLY_WHILE_OPTIONS_INIT;
    o.max_iterations = 3;
    switch (test_below(r, 5)) {
    case 0: tally_while_loop(t, inner_condition, inner_body, &i, v, carried, &o); break;
    case 1: tally_cond(t, any_node(r, have, n), inner_body, inner_body, &i, v, carried); break;
    case 2: tally_inline(t, inlined_body, &i, v, carried, out, (int)test_below(r, 3)); break;
    case 3: {
        tally_node  counter = v[0].node, *vars[2] = { &counter, NULL };
        tally_scope s = tally_while_begin(t, test_below(r, 30) ? vars : NULL, &o, AT);
        uint64_t    seed = test_next(r);
        int         turns = 0;
        for (; tally_while_test(&s, tally_lt_loc(counter, tally_num(3), AT), AT) && turns < 50; tally_while_end(&s, AT), turns++) {
            test_rng   same = { seed };
            tally_node mine[64];
            memcpy(mine, have, sizeof(tally_node) * (size_t)n);
            nonsense_block(t, u, &same, mine, n, depth + 1);
            if (test_below(&same, 30) == 0)
                break;                                      /* left open */
            counter = tally_add_loc(counter, tally_num(1), AT);
        }
        if (test_below(r, 20) == 0)
            tally_while_end(&s, AT);                        /* closed twice */
        break;
    }
    default: {
        tally_node  value = v[0].node, *vars[2] = { &value, NULL };
        tally_scope s = tally_if_begin(t, any_node(r, have, n), vars, AT);
        int         turns = 0;
        while (tally_if_next(&s, AT) && turns++ < 50) {
            tally_node mine[64];
            memcpy(mine, have, sizeof(tally_node) * (size_t)n);
            nonsense_block(t, u, r, mine, n, depth + 1);
            if (test_below(r, 30) == 0)
                break;
        }
        if (test_below(r, 20) == 0) {
            tally_scope none = { t, 0, 0 }, zero = { NULL, 0, 0 };
            (void)tally_if_next(test_below(r, 2) ? &none : &zero, AT);
            tally_while_end(test_below(r, 2) ? &none : &zero, AT);
        }
    }
    }
}

static void nonsense_effect(tally_trace *t, nonsense *u, test_rng *r, const tally_node *have, int n)
{
    tally_node       x[3] = { any_node(r, have, n), any_node(r, have, n), any_node(r, have, n) };
    tally_metric_ref m = test_below(r, 12) ? tally_arg_metric(t, 1) : test_below(r, 2) ? tally_capture_metric(t, u->w->metric[test_below(r, METRICS)]) : (tally_metric_ref){ NULL, 0, 0 };
    tally_variable_ref v = test_below(r, 12) ? tally_arg_variable(t, 2) : (tally_variable_ref){ NULL, 0, 0 };
    switch (test_below(r, 7)) {
    case 0: tally_update_state_loc(t, m, x, test_below(r, 10) ? 1 : (int)test_below(r, 5) - 1 > 3 ? 3 : (int)test_below(r, 4), AT); break;
    case 1: tally_reset_state(t, m); break;
    case 2: tally_assert(t, x[0], test_below(r, 4) ? "holds" : NULL); break;
    case 3: tally_print(t, test_below(r, 4) ? "x" : NULL, x[0]); break;
    case 4: tally_assign(t, v, test_below(r, 3) ? tally_add_loc(tally_read(t, v), tally_num(1), AT) : x[0]); break;
    case 5: tally_return(t, tally_result(t, m)); break;
    default: tally_return(t, x[0]); break;
    }
}

static void nonsense_block(tally_trace *t, nonsense *u, test_rng *r, tally_node *have, int n, int depth)
{
    for (size_t turns = 1 + test_below(r, 6); turns > 0 && n < 40; turns--) {
        size_t what = test_below(r, 8);
        if (what == 0 && depth < 3)
            nonsense_region(t, u, r, have, n, depth);
        else if (what == 1)
            nonsense_effect(t, u, r, have, n);
        else
            have[n] = any_op(r, have, n);
        n += what > 1 || (what == 0 && depth >= 3);
    }
}

static void nonsense_body(tally_trace *t, void *user)
{
    nonsense  *u = user;
    test_rng   r = { u->seed };
    tally_node have[64] = { tally_arg(t, 0), tally_i64(t, 1), tally_f64(t, 2) };
    int        n = 3;
    (void)tally_arg_metric(t, 1);
    (void)tally_arg_variable(t, 2);
    if (test_below(&r, 30) == 0)
        have[n++] = u->kept;
    nonsense_block(t, u, &r, have, n, 0);
    u->next = have[test_below(&r, 3)];
}

/* of what was recorded; a text that is cut ends where it must */
static void good_pictures(const tally_function *f)
{
    static char       text[1 << 17];
    static dot_reader reader;
    char              cut[512];
    for (int plan = 0; plan < 2 && tally_function_traces(f); plan++) {
        size_t n = tally_function_dot(f, 0, plan, text, sizeof text, NULL);
        assert_in_range(n, 1, sizeof text);
        assert_dot(&reader, text);
    }
    (void)tally_function_dump(f, 0, cut, sizeof cut);
    assert_true(strlen(cut) < sizeof cut);
}

static void bodies_of_nonsense_end_with_a_status(void **state)
{
    static const double data[12] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
    static const int    ids[4] = { 0, 1, 2, 9 };
    const tally_tensor  shapes[] = { tally_matrix(data, 3, 4), tally_vector(data, 4), tally_scalar(data), tally_vector(ids, 4), tally_matrix(data, 0, 4) };
    world               w = world_new();
    nonsense            u = { 0, &w, { NULL, 0, 0 }, { NULL, 0, 0 } };
    tally_function     *last = NULL;
    size_t              good = 0, refused = 0, n = test_scaled(BODIES);
    (void)state;
    for (size_t k = 0; k < n; k++) {
        u.seed = 0xb0d7 + (uint64_t)k;
        tally_error     err = { 0, 0, "" };
        tally_function *f = tally_function_new(nonsense_body, &u, NULL, &err);
        for (int call = 0; call < 2; call++) {
            tally_value in[3] = { tally__in_tensor(&shapes[(k + (size_t)call) % 5]), tally__in_metric(w.metric[k % METRICS]), tally__in_variable(w.variable[k / 2 % VARIABLES]) };
            world_note(&w);
            tally_status s = tally_call(f, in, 3, NULL, 0, &err);
            check_outcome(&w, s, &err, u.seed);
            if (s == TALLY_INVALID_ARGUMENT && !strstr(err.text, ".c:")) {
                print_error("seed 0x%llx: \"%s\" names no line\n", (unsigned long long)u.seed, err.text);
                fail();
            }
            good += s == TALLY_OK;
            refused += s == TALLY_INVALID_ARGUMENT;
        }
        good_pictures(f);
        tally_function_release(last);
        last = f;
        u.kept = u.next;
    }
    tally_function_release(last);
    print_message("%zu bodies, %zu calls succeeded, %zu were refused\n", n, good, refused);
    assert_true(good * 20 > n);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_with_anything_end_with_a_status),
        cmocka_unit_test(eager_updates_with_anything_end_with_a_status),
        cmocka_unit_test(bodies_of_nonsense_end_with_a_status),
    };
    return cmocka_run_group_tests_name("fuzz/calls", tests, NULL, NULL);
}
