/* apply: one op on tensors, as a body would have it: recorded by its builder over arguments of
 * these dtypes and ranks, then evaluated by its reference kernel. Memory is an arena that each test
 * resets. */
#ifndef TALLY_TESTS_APPLY_H
#define TALLY_TESTS_APPLY_H

#include "../support.h"

#include "../../src/graph/graph.h"

typedef struct bench {
    test_memory    memory;
    tally_context *context;
    tally__arena   work;
    tally_error    err;
} bench;

static inline int bench_open(void **state)
{
    static bench b;
    tally_error  err;
    memset(&b, 0, sizeof b);
    b.context = test_context(&b.memory, &err);
    tally__arena_init(&b.work, b.context);
    *state = &b;
    return 0;
}

static inline int bench_close(void **state)
{
    bench *b = *state;
    tally__arena_release(&b->work);
    size_t left = tally_context_bytes(b->context);
    tally_context_release(b->context);
    if (left || atomic_load(&b->memory.blocks))
        print_error("%zu bytes were not given back\n", left);
    return left || atomic_load(&b->memory.blocks) ? 1 : 0;
}
#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)

static inline tally_tensor dense(const void *data, int32_t dtype, int rank, const int64_t *shape)
{
    return tally_tensor_view(data, (tally_dtype)dtype, rank, shape, NULL);
}
static inline tally_tensor vector_of(const void *data, int32_t dtype, int64_t n)
{
    return dense(data, dtype, 1, &n);
}
static inline tally_tensor scalar_of(const void *data, int32_t dtype)
{
    return dense(data, dtype, 0, NULL);
}
#define SHAPE(...) ((const int64_t[]){ __VA_ARGS__ })
#define PTRS(...) ((const tally_tensor *const[]){ __VA_ARGS__ })

/* line 1 of "body.c" is where the op stands */
static inline tally_node build_op(tally__op op, const tally_node *x, int axis, int32_t given)
{
    switch (op) {
    case TALLY__OP_select: return tally_select_loc(x[0], x[1], x[2], "body.c", 1);
    case TALLY__OP_clip: return tally_clip_loc(x[0], x[1], x[2], "body.c", 1);
    case TALLY__OP_slice: return tally_slice_loc(x[0], axis, x[1], x[2], "body.c", 1);
    case TALLY__OP_cast: return tally_cast_loc(x[0], (tally_dtype)given, "body.c", 1);
    case TALLY__OP_one_hot: return tally_one_hot_loc(x[0], x[1], (tally_dtype)given, "body.c", 1);
    default: break;
    }
    tally__place at = { "body.c", 1 };
    if (tally__op_table[op].arity == 2)
        return tally__op2(op, x[0], x[1], at);
    if (tally__op_table[op].arity == 3)
        return tally__op3(op, x[0], x[1], x[2], at);
    return tally__op_axis(op, x[0], axis, at);
}

/* what the trace says after the op: its error, or the node evaluated on the tensors */
static inline tally_status apply_full(bench *b, tally__op op, const tally_tensor *const *x,
                                      int axis, int32_t given, tally_tensor *out)
{
    tally__argument in[3] = { { 0, 0, 0, 0 } };
    tally__store   *store[3] = { NULL, NULL, NULL };
    tally_node      node[3] = { { NULL, 0, 0 } };
    int             n = tally__op_table[op].arity;
    for (int i = 0; i < n; i++)
        in[i] = (tally__argument){ TALLY__ARG_TENSOR, x[i]->dtype, x[i]->rank, -1 };
    memset(&b->err, 0, sizeof b->err);
    tally_trace *t = tally__trace_new(b->context, "f", in, store, n, &b->err);
    assert_non_null(t);
    for (int i = 0; i < n; i++)
        node[i] = tally_arg_loc(t, i, "body.c", 1);
    tally_node   y = build_op(op, node, axis, given);
    tally_status s;
    if (op == TALLY__OP_cast && given == x[0]->dtype) {
        *out = *x[0];
        s = TALLY_OK;
    } else if (tally__trace_ok(t)) {
        tally__node copy = *tally__node_of(y);
        assert_int_equal(copy.op, op);
        s = tally__evaluate(&copy, x, out, &b->work, &b->err);
        if (!s) {
            assert_int_equal(out->dtype, copy.dtype);
            assert_int_equal(out->rank, copy.rank);
        }
    } else {
        assert_null(tally__trace_finish(t, &b->err));
        s = b->err.status;
    }
    tally__trace_drop(t);
    return s;
}

/* must succeed */
static inline tally_tensor apply(bench *b, tally__op op, const tally_tensor *const *x, int axis,
                                 int32_t given)
{
    tally_tensor out;
    if (apply_full(b, op, x, axis, given, &out))
        fail_msg("%s: %s", tally__op_table[op].name, b->err.text);
    return out;
}

/* the same in dense memory: what is a view is copied */
static inline tally_tensor packed(bench *b, tally_tensor x)
{
    void *p = tally__arena_alloc(&b->work, (size_t)tally__elements(x.rank, x.shape) *
                                               tally__element_size(x.dtype));
    tally__tensor_pack(p, x.dtype, &x);
    return dense(p, x.dtype, x.rank, x.shape);
}

/* ---- small bodies: record on arguments of these tensors, then evaluate a node with all that it
 * needs */
typedef struct body {
    bench              *b;
    tally_trace        *t;
    const tally_tensor *in[4];
} body;

static inline body body_open(bench *b, int n, const tally_tensor *const *in)
{
    tally__argument arg[4] = { { 0, 0, 0, 0 } };
    tally__store   *store[4] = { NULL, NULL, NULL, NULL };
    body            y = { b, NULL, { NULL, NULL, NULL, NULL } };
    memset(&b->err, 0, sizeof b->err);
    for (int i = 0; i < n; i++) {
        arg[i] = (tally__argument){ TALLY__ARG_TENSOR, in[i]->dtype, in[i]->rank, -1 };
        y.in[i] = in[i];
    }
    y.t = tally__trace_new(b->context, "f", arg, store, n, &b->err);
    assert_non_null(y.t);
    return y;
}

static inline tally_status body_value(const body *y, tally__id id, tally_tensor *out)
{
    const tally__node *n = &tally__trace_graph(y->t)->node[id];
    tally_tensor       value[3];
    const tally_tensor *arg[3] = { &value[0], &value[1], &value[2] };
    if (n->op == TALLY__OP_argument) {
        *out = *y->in[n->axis];
        return TALLY_OK;
    }
    if (n->op == TALLY__OP_constant) {
        void *p = tally__arena_zalloc(&y->b->work, 8);
        if (tally__is_float(n->dtype))
            tally__store_f64(p, n->dtype, n->constant.real);
        else
            tally__convert(p, n->dtype, &n->constant.integer, TALLY_I64, 1, 1);
        *out = scalar_of(p, n->dtype);
        return TALLY_OK;
    }
    for (uint32_t i = 0; i < n->n_arg; i++) {
        tally_status s = body_value(y, n->arg[i], &value[i]);
        if (s)
            return s;
    }
    return tally__evaluate(n, arg, out, &y->b->work, &y->b->err);
}

static inline tally_tensor body_run(body *y, tally_node x)
{
    tally_tensor out = { NULL, 0, 0, { 0 }, { 0 } };
    if (!tally__trace_ok(y->t) || body_value(y, x.id, &out)) {
        if (!tally__trace_ok(y->t))
            tally__trace_finish(y->t, &y->b->err);
        fail_msg("%s", y->b->err.text);
    }
    tally__trace_drop(y->t);
    return out;
}

static inline void body_refused(body *y, tally_status status, const char *part, const char *file,
                                int line)
{
    assert_false(tally__trace_ok(y->t));
    assert_null(tally__trace_finish(y->t, &y->b->err));
    tally__trace_drop(y->t);
    test_error_has(&y->b->err, status, part, file, line);
}
#define BODY_REFUSED(y, status, part) body_refused(y, status, part, __FILE__, __LINE__)
#define ARG(y, i) tally_arg_loc((y).t, i, "body.c", 1)
#define AT "body.c", 1

static inline const char *shape_of(const tally_tensor *x)
{
    static char room[2][128];
    static int  turn;
    turn = !turn;
    tally__text text = { room[turn], sizeof room[turn], 0 };
    tally__put_shape(&text, x->rank, x->shape);
    return room[turn];
}

/* every element, in row-major order, as float64 */
static inline double *elements(bench *b, const tally_tensor *x)
{
    double *all = tally__arena_alloc(&b->work,
                                     (size_t)tally__elements(x->rank, x->shape) * sizeof *all);
    tally__tensor_pack(all, TALLY_F64, x);
    return all;
}

static inline void expect(bench *b, const tally_tensor *x, int32_t dtype, const char *shape,
                          const double *want, const char *file, int line)
{
    const double *got = elements(b, x);
    if (x->dtype != dtype || strcmp(shape_of(x), shape)) {
        print_error("got %s %s, expected %s %s\n", tally_dtype_name((tally_dtype)x->dtype),
                    shape_of(x), tally_dtype_name((tally_dtype)dtype), shape);
        _fail(file, line);
    }
    for (int64_t i = 0; i < tally__elements(x->rank, x->shape); i++)
        if (!(got[i] != got[i] && want[i] != want[i]) &&
            test_bits_f64(got[i]) != test_bits_f64(want[i])) {
            print_error("element %lld: got %.17g, expected %.17g\n", (long long)i, got[i], want[i]);
            _fail(file, line);
        }
}
#define EXPECT(x, dtype, shape, ...) expect(b, &(x), dtype, shape, (const double[]){ __VA_ARGS__ }, __FILE__, __LINE__)
#define REFUSED(status, part, op, axis, given, ...)                                   \
    do {                                                                              \
        tally_tensor refused_;                                                        \
        assert_status(apply_full(b, op, PTRS(__VA_ARGS__), axis, given, &refused_), status, &b->err); \
        assert_error_has(&b->err, status, part);                                      \
        assert_error_has(&b->err, status, "body.c:1");                                \
    } while (0)

/* ---- values that show what an op does, of any dtype */
enum { SPECIALS = 24 };
static inline int specials(int32_t dtype, double *out)
{
    static const double real[] = { 0.0,     -0.0,       1.0,       -1.0,     2.0,     -2.0,
                                   0.5,     -2.5,       3.0,       7.25,     100.0,   -0.0009765625,
                                   1e-7,    -1e-45,     6e-8,      1e-310,   65504.0, -3.4e38,
                                   1.7e308, 16777217.0, -INFINITY, INFINITY, NAN };
    int bits = tally__dtype_bits(dtype), n = 0;
    if (dtype == TALLY_BOOL) {
        out[0] = 0;
        out[1] = 1;
        return 2;
    }
    if (tally__is_float(dtype)) {
        memcpy(out, real, sizeof real);
        return (int)(sizeof real / sizeof *real);
    }
    bool   natural = tally__dtype_kind_of(dtype) == TALLY__KIND_UINT;
    double most = ldexp(1.0, bits - !natural), least = natural ? 0 : -most;
    for (double v = -3; v <= 5; v++)
        if (v >= least)
            out[n++] = v;
    out[n++] = 100;
    out[n++] = bits < 64 ? most - 1 : most - ldexp(1, bits - 54);
    out[n++] = bits < 64 ? most - 2 : ldexp(1, 53);
    out[n++] = least;
    out[n++] = ldexp(1, bits / 2);
    return n;
}

static inline void *dense_values(bench *b, int32_t dtype, const double *v, size_t n)
{
    void *p = tally__arena_alloc(&b->work, n * tally__element_size(dtype));
    tally__convert(p, dtype, v, TALLY_F64, 1, n);
    return p;
}

#endif
