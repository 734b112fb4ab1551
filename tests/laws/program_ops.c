/* program_ops: the meaning of every value op, one element at a time, on plain arrays. Where the description fixes the
 * value, it is computed here; where it fixes an error bound only (functions, orders of addition inside a row), the op is
 * run alone through the library, judged against that bound, and its value taken over. */
#include "program.h"

static array *result_new(machine *m, const instr *in, int rank, const int64_t *shape)
{
    return m->value[in->dst] = array_new(m->pool, m->p->reg[in->dst].dtype, rank, shape);
}

/* element of a broadcast operand for element k of a result of this shape */
static number spread(const array *a, int rank, const int64_t *shape, int64_t k)
{
    int64_t at = 0, step = 1;
    for (int axis = rank - 1, b = a->rank - 1; b >= 0; axis--, b--) {
        int64_t i = k % shape[axis];
        k /= shape[axis];
        at += a->shape[b] == 1 ? 0 : i * step;
        step *= a->shape[b];
    }
    return array_get(a, at);
}

static int spread_shape(const array *const *a, int n, int64_t shape[TALLY_MAX_RANK])
{
    int rank = 0;
    for (int k = 0; k < n; k++)
        rank = a[k]->rank > rank ? a[k]->rank : rank;
    for (int axis = 0; axis < rank; axis++) {
        shape[axis] = 1;
        for (int k = 0; k < n; k++) {
            int at = axis - (rank - a[k]->rank);
            if (at >= 0 && a[k]->shape[at] != 1)
                shape[axis] = a[k]->shape[at];
        }
    }
    return rank;
}

/* ---- the op alone, through the library ---- */

static void alone_body(tally_trace *t, void *user)
{
    const instr *in = user;
    tally_node   a = tally_arg(t, 0);
    switch ((int)in->op) {
    case OP_EXP: tally_return(t, tally_exp_loc(a, __FILE__, __LINE__)); break;
    case OP_LOG: tally_return(t, tally_log_loc(a, __FILE__, __LINE__)); break;
    case OP_LOG1P: tally_return(t, tally_log1p_loc(a, __FILE__, __LINE__)); break;
    case OP_SIGMOID: tally_return(t, tally_sigmoid_loc(a, __FILE__, __LINE__)); break;
    case OP_TANH: tally_return(t, tally_tanh_loc(a, __FILE__, __LINE__)); break;
    case OP_POW: tally_return(t, tally_pow_loc(a, tally_arg(t, 1), __FILE__, __LINE__)); break;
    case OP_MATMUL: tally_return(t, tally_matmul_loc(a, tally_arg(t, 1), __FILE__, __LINE__)); break;
    case OP_SUM: tally_return(t, tally_sum_loc(a, in->axis, __FILE__, __LINE__)); break;
    case OP_MEAN: tally_return(t, tally_mean_loc(a, in->axis, __FILE__, __LINE__)); break;
    case OP_SOFTMAX: tally_return(t, tally_softmax_loc(a, in->axis, __FILE__, __LINE__)); break;
    case OP_LOG_SOFTMAX: tally_return(t, tally_log_softmax_loc(a, in->axis, __FILE__, __LINE__)); break;
    default: tally_return(t, tally_logsumexp_loc(a, in->axis, __FILE__, __LINE__)); break;
    }
}

static tally_status run_alone(machine *m, const instr *in, const array *const *a, int n, array *out)
{
    static instr     key[OPS * MAX_RANK];
    int              slot = (int)in->op * MAX_RANK + (in->op >= OP_SUM && in->op <= OP_SQUEEZE ? in->axis : 0);
    tally_error      err;
    tally_tensor     x[2];
    tally_value      value[2];
    tally_buffer     b = { out->data, out->dtype, 0, out->n, { 0 } };
    tally_slot       to = tally__out_buffer(&b);
    if (!m->eager[slot]) {
        key[slot] = *in;
        m->eager[slot] = tally_function_new(alone_body, &key[slot], NULL, &err);
    }
    for (int k = 0; k < n; k++) {
        x[k] = array_view(a[k]);
        value[k] = tally__in_tensor(&x[k]);
    }
    tally_status s = tally_call(m->eager[slot], value, n, &to, 1, &err);
    if (s)
        m->wrong = "an op alone failed";
    return s;
}

static int precision_of(int dtype)
{
    return dtype == TALLY_F16 ? 11 : dtype == TALLY_BF16 ? 8 : dtype == TALLY_F32 ? 24 : 53;
}

static int least_of(int dtype)
{
    return dtype == TALLY_F16 ? -24 : dtype == TALLY_BF16 ? -133 : dtype == TALLY_F32 ? -149 : -1074;
}

/* whether got is within `units` of the last place of want; infinities and NaN must agree */
static bool within(int dtype, double got, long double want, double units)
{
    volatile long double one = 1;
    if (dtype == TALLY_F64 && one + 0x1p-60L == one)
        units += 2048;                  /* a long double that is no wider (valgrind): powl loses what it multiplies by */
    if (want != want || got != got)
        return want != want && got != got;
    int e;
    (void)frexpl(want, &e);
    int         p = precision_of(dtype), step = e - p > least_of(dtype) ? e - p : least_of(dtype);
    long double largest = dtype == TALLY_F16 ? 65504.0L : dtype == TALLY_BF16 ? 0x1.fep127L : dtype == TALLY_F32 ? 0x1.fffffep127L : 0x1.fffffffffffffp1023L;
    if (isinf(got))
        return fabsl(want) > largest * (1 - ldexpl(1, -p)) && (got > 0) == (want > 0);
    if (isinf(want))
        return false;
    return fabsl((long double)got - want) <= (long double)units * ldexpl(1, step);
}

static long double function_value(op o, long double x, long double y)
{
    switch ((int)o) {
    case OP_EXP: return expl(x);
    case OP_LOG: return logl(x);
    case OP_LOG1P: return log1pl(x);
    case OP_SIGMOID: return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
    case OP_TANH: return tanhl(x);
    default: return powl(x, y);
    }
}

static tally_status op_function(machine *m, const instr *in, const array *const *a, int n)
{
    int64_t      shape[TALLY_MAX_RANK] = { 0 };
    int          rank = spread_shape(a, n, shape);
    array       *out = result_new(m, in, rank, shape);
    const array *full[2] = { a[0], n > 1 ? a[1] : NULL };
    for (int j = 0; j < n; j++)                             /* an input never broadcasts along an axis of size 1 */
        if (a[j]->rank && memcmp(a[j]->shape, &shape[rank - a[j]->rank], sizeof(int64_t) * (size_t)a[j]->rank)) {
            array *whole_one = array_new(m->pool, a[j]->dtype, rank, shape);
            for (int64_t k = 0; k < out->n; k++)
                array_put(whole_one, k, spread(a[j], rank, shape, k));
            full[j] = whole_one;
        }
    tally_status s = run_alone(m, in, full, n, out);
    for (int64_t k = 0; k < out->n && !s; k++) {
        double x = spread(a[0], rank, shape, k).f, y = n > 1 ? spread(a[1], rank, shape, k).f : 0, got = array_get(out, k).f;
        if (!within(out->dtype, got, function_value(in->op, (long double)x, (long double)y), 1.0)) {
            static char text[160];
            snprintf(text, sizeof text, "op %d of dtype %d at %a, %a is %a: more than one unit in the last place", (int)in->op, out->dtype, x, y, got);
            m->wrong = text;
        }
    }
    return s;
}

/* ---- element by element ---- */

static number arithmetic_float(op o, bool wide, double x, double y)
{
    float a = (float)x, b = (float)y;
    switch ((int)o) {
    case OP_ADD: return number_float(wide ? x + y : (double)(a + b));
    case OP_SUB: return number_float(wide ? x - y : (double)(a - b));
    case OP_MUL: return number_float(wide ? x * y : (double)(a * b));
    case OP_DIV: return number_float(wide ? x / y : (double)(a / b));
    case OP_DIV_NO_NAN: return number_float(y == 0 ? 0 : wide ? x / y : (double)(a / b));
    case OP_SQUARE: return number_float(wide ? x * x : (double)(a * a));
    case OP_SQRT: return number_float(wide ? sqrt(x) : (double)sqrtf(a));
    case OP_NEG: return number_float(-x);
    case OP_ABS: return number_float(fabs(x));
    case OP_FLOOR: return number_float(floor(x));
    case OP_SIGN: return number_float(x != x ? x : x > 0 ? 1 : x < 0 ? -1 : 0);
    default: return number_float(NAN);
    }
}

static uint64_t whole(number v)
{
    return v.kind == NUMBER_INT ? (uint64_t)v.i : v.u;
}

static number arithmetic_whole(op o, number x, number y)
{
    uint64_t a = whole(x), b = whole(y), r = 0;
    switch ((int)o) {
    case OP_ADD: r = a + b; break;
    case OP_SUB: r = a - b; break;
    case OP_MUL: r = a * b; break;
    case OP_SQUARE: r = a * a; break;
    case OP_NEG: r = 0 - a; break;
    case OP_ABS: r = x.kind == NUMBER_INT && x.i < 0 ? 0 - a : a; break;
    default: r = x.kind == NUMBER_INT && x.i < 0 ? UINT64_MAX : a != 0; break;
    }
    number n = { x.kind, (int64_t)r, r, 0 };
    return n;
}

/* the lower or the higher; NaN wins; -0 is below +0 */
static number extreme(number x, number y, bool low)
{
    if (x.kind == NUMBER_FLOAT && (x.f != x.f || y.f != y.f))
        return x.f != x.f ? x : y;
    int c = number_compare(x, y);
    if (c == 0 && x.kind == NUMBER_FLOAT)
        return (signbit(x.f) != 0) == low ? x : y;
    return (c < 0) == low ? x : y;
}

static bool comparison(op o, int c)
{
    switch ((int)o) {
    case OP_EQ: return c == 0;
    case OP_NE: return c != 0;
    case OP_LT: return c == -1;
    case OP_LE: return c == -1 || c == 0;
    case OP_GT: return c == 1;
    default: return c == 1 || c == 0;
    }
}

static number element(const instr *in, int dtype, const number *v)
{
    op o = in->op;
    switch ((int)o) {
    case OP_NOT: return number_int(!number_true(v[0]));
    case OP_IS_NAN: return number_int(v[0].kind == NUMBER_FLOAT && v[0].f != v[0].f);
    case OP_ONES_LIKE: return number_int(1);
    case OP_ZEROS_LIKE: return number_int(0);
    case OP_CAST: case OP_BROADCAST_LIKE: return v[0];
    case OP_MINIMUM: return extreme(v[0], v[1], true);
    case OP_MAXIMUM: return extreme(v[0], v[1], false);
    case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT: case OP_GE: return number_int(comparison(o, number_compare(v[0], v[1])));
    case OP_AND: return number_int(number_true(v[0]) && number_true(v[1]));
    case OP_OR: return number_int(number_true(v[0]) || number_true(v[1]));
    case OP_XOR: return number_int(number_true(v[0]) != number_true(v[1]));
    case OP_SELECT: return number_true(v[0]) ? v[1] : v[2];
    case OP_CLIP: return extreme(extreme(v[0], v[1], false), v[2], true);
    default: break;
    }
    return dtype_float(dtype) ? arithmetic_float(o, dtype == TALLY_F64, v[0].f, v[1].f) : arithmetic_whole(o, v[0], v[1]);
}

static tally_status op_element(machine *m, const instr *in, const array *const *a, int n)
{
    int64_t shape[TALLY_MAX_RANK] = { 0 };
    int     rank = spread_shape(a, n, shape);
    array  *out = result_new(m, in, rank, shape);
    for (int64_t k = 0; k < out->n; k++) {
        number v[3] = { { NUMBER_INT, 0, 0, 0 }, { NUMBER_INT, 0, 0, 0 }, { NUMBER_INT, 0, 0, 0 } };
        for (int j = 0; j < n; j++)
            v[j] = spread(a[j], rank, shape, k);
        array_put(out, k, element(in, a[0]->dtype, v));
    }
    return TALLY_OK;
}

/* ---- reductions ---- */

/* rounds an exact sum to a float dtype once; unclear only where that is too close to call by way of double */
static number round_sum(machine *m, const big *b, int dtype)
{
    double v = big_round(b), r = round_to(dtype, v);
    if (dtype != TALLY_F64 && isfinite(v) && r != v) {
        double other = v + (v - r);
        big    rest = *b;
        big_add(&rest, -v);
        if (round_to(dtype, other) == other && big_round(&rest) != 0)
            m->unclear = true;
    }
    return number_float(v);
}

static number add_up(machine *m, const instr *in, const array *a, const number *v, int64_t n, bool mean, bool exact, bool *open)
{
    big total = { { 0 }, 0, 0, 0 }, count = { { 0 }, 0, 0, 0 };
    for (int64_t k = 0; k < n; k++)
        big_add_number(&total, v[k]);
    big_add(&count, (double)n);
    if (mean && n == 0)
        return number_float(NAN);
    double plain;
    if (!exact && !big_sum_is_safe(v, n, &plain))
        *open = true;
    if (mean)
        return number_float(exact ? big_ratio(&total, &count) : big_round(&total) / (double)n);
    if (dtype_float(a->dtype))
        return round_sum(m, &total, m->p->reg[in->dst].dtype);
    number n64 = number_int(0);
    for (int64_t k = 0; k < n; k++)
        n64.i = (int64_t)((uint64_t)n64.i + whole(v[k]));
    return n64;
}

static number reduce(machine *m, const instr *in, const array *a, const number *v, int64_t n, bool exact, bool *open)
{
    bool low = in->op == OP_REDUCE_MIN || in->op == OP_MIN, any = false, all = true;
    switch ((int)in->op) {
    case OP_REDUCE_SUM: case OP_SUM: return add_up(m, in, a, v, n, false, exact, open);
    case OP_REDUCE_MEAN: case OP_MEAN: return add_up(m, in, a, v, n, true, exact, open);
    case OP_REDUCE_ANY: case OP_REDUCE_ALL:
        for (int64_t k = 0; k < n; k++) {
            any |= number_true(v[k]);
            all &= number_true(v[k]);
        }
        return number_int(in->op == OP_REDUCE_ANY ? any : all);
    default: {
        number r = number_float(low ? INFINITY : -INFINITY);   /* what the cast to an integer makes its highest, its lowest */
        if (n && !dtype_float(a->dtype))
            r = v[0];
        for (int64_t k = 0; k < n; k++)
            r = extreme(r, v[k], low);
        return r;
    }
    }
}

static tally_status op_reduce(machine *m, const instr *in, const array *a)
{
    number *v = pool_alloc(m->pool, sizeof *v * (size_t)(a->n + 1));
    bool    open = false;
    for (int64_t k = 0; k < a->n; k++)
        v[k] = array_get(a, k);
    array_put(result_new(m, in, 0, NULL), 0, reduce(m, in, a, v, a->n, true, &open));
    return TALLY_OK;
}

typedef struct rows {
    int64_t outer, length, inner;
} rows;

static rows rows_of(const array *a, int axis)
{
    rows r = { 1, a->shape[axis], 1 };
    for (int k = 0; k < a->rank; k++)
        if (k < axis)
            r.outer *= a->shape[k];
        else if (k > axis)
            r.inner *= a->shape[k];
    return r;
}

static void row_get(const array *a, rows r, int64_t at, number *v)
{
    for (int64_t j = 0; j < r.length; j++)
        v[j] = array_get(a, (at / r.inner * r.length + j) * r.inner + at % r.inner);
}

static int64_t first_largest(const number *v, int64_t n)
{
    int64_t best = 0;
    for (int64_t k = 1; k < n; k++) {
        bool best_nan = v[best].kind == NUMBER_FLOAT && v[best].f != v[best].f;
        bool nan = v[k].kind == NUMBER_FLOAT && v[k].f != v[k].f;
        if (!best_nan && (nan || number_compare(v[k], v[best]) == 1))
            best = k;
    }
    return best;
}

/* softmax and its kin are right up to the error of a sum of this length */
static bool row_plausible(const instr *in, int dtype, const number *v, int64_t n, int64_t j, double got)
{
    long double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < n; k++) {
        if (!isfinite(v[k].f))
            return true;                                    /* judged by other tests */
        most = fmaxl(most, (long double)v[k].f);
    }
    for (int64_t k = 0; k < n; k++)
        sum += expl((long double)v[k].f - most);
    long double log_sum = most + logl(sum), want = in->op == OP_LOGSUMEXP ? log_sum : (long double)v[j].f - log_sum;
    long double room = 64 * (long double)(n + 2) * ldexpl(1, -precision_of(dtype)) * (1 + fabsl(most) + fabsl(want));
    if (in->op == OP_SOFTMAX)
        want = expl(want);
    room += ldexpl(1, least_of(dtype));
    if (fabsl(want) > 65000 && dtype == TALLY_F16)
        return true;
    return fabsl((long double)got - want) <= room || (isinf(got) && fabsl(want) > 1e37L);
}

static tally_status op_row_function(machine *m, const instr *in, const array *a)
{
    rows    r = rows_of(a, in->axis);
    int64_t shape[TALLY_MAX_RANK] = { 0 };
    int     rank = 0;
    bool    keeps = in->op != OP_LOGSUMEXP;
    for (int k = 0; k < a->rank; k++)
        if (keeps || k != in->axis)
            shape[rank++] = a->shape[k];
    array       *out = result_new(m, in, rank, shape);
    const array *one[] = { a };
    tally_status s = run_alone(m, in, one, 1, out);
    number      *v = pool_alloc(m->pool, sizeof *v * (size_t)(r.length + 1));
    for (int64_t k = 0; k < r.outer * r.inner && !s; k++) {
        row_get(a, r, k, v);
        for (int64_t j = 0; j < (keeps ? r.length : 1); j++) {
            double got = array_get(out, keeps ? (k / r.inner * r.length + j) * r.inner + k % r.inner : k).f;
            if (r.length && !row_plausible(in, a->dtype, v, r.length, j, got))
                m->wrong = "softmax, log_softmax or logsumexp alone is far off";
        }
    }
    return s;
}

static tally_status op_cumsum(machine *m, const instr *in, const array *a)
{
    rows    r = rows_of(a, in->axis);
    array  *out = result_new(m, in, a->rank, a->shape);
    number *v = pool_alloc(m->pool, sizeof *v * (size_t)(r.length + 1));
    for (int64_t k = 0; k < r.outer * r.inner; k++) {
        double   sum = 0;
        uint64_t natural = 0;
        row_get(a, r, k, v);
        for (int64_t j = 0; j < r.length; j++) {
            if (dtype_float(a->dtype))
                sum += v[j].f;
            else
                natural += whole(v[j]);
            array_put(out, (k / r.inner * r.length + j) * r.inner + k % r.inner,
                      dtype_float(a->dtype) ? number_float(sum) : number_int((int64_t)natural));
        }
    }
    return TALLY_OK;
}

static tally_status op_axis_reduce(machine *m, const instr *in, const array *a)
{
    rows    r = rows_of(a, in->axis);
    int64_t shape[TALLY_MAX_RANK] = { 0 };
    int     rank = 0;
    for (int k = 0; k < a->rank; k++)
        if (k != in->axis)
            shape[rank++] = a->shape[k];
    array  *out = result_new(m, in, rank, shape);
    number *v = pool_alloc(m->pool, sizeof *v * (size_t)(r.length + 1));
    bool    open = false;
    if (in->op == OP_ARGMAX && r.length == 0) {
        m->unclear |= out->n == 0;
        return TALLY_OUT_OF_RANGE;
    }
    for (int64_t k = 0; k < out->n; k++) {
        row_get(a, r, k, v);
        array_put(out, k, in->op == OP_ARGMAX ? number_int(first_largest(v, r.length)) : reduce(m, in, a, v, r.length, in->axis == 0, &open));
    }
    if (!open || !(in->op == OP_SUM || in->op == OP_MEAN))
        return TALLY_OK;
    array       *taken = array_new(m->pool, out->dtype, rank, shape);
    const array *one[] = { a };
    tally_status s = run_alone(m, in, one, 1, taken);
    for (int64_t k = 0; k < out->n && !s; k++) {
        double      x = number_f64(array_get(taken, k)), most = 0;
        row_get(a, r, k, v);
        for (int64_t j = 0; j < r.length; j++)
            most += fabs(number_f64(v[j]));
        double want = number_f64(array_get(out, k));
        if (isfinite(most) && isfinite(want) && fabs(x - want) > most * (double)(r.length + 4) * ldexp(1, 1 - precision_of(out->dtype)) + ldexp(1, least_of(out->dtype)))
            m->wrong = "a row sum alone is far off";
        array_put(out, k, array_get(taken, k));
    }
    return s;
}

/* ---- views and the rest ---- */

static void copy_part(array *out, int64_t to, const array *a, int64_t from, int64_t n)
{
    size_t size = dtype_bytes(a->dtype);
    if (n)
        memcpy((unsigned char *)out->data + (size_t)to * size, (const unsigned char *)a->data + (size_t)from * size, (size_t)n * size);
}

static tally_status op_view(machine *m, const instr *in, const array *a)
{
    int64_t shape[TALLY_MAX_RANK] = { 0 };
    int     rank = 0;
    if (in->op == OP_TRANSPOSE) {
        for (int k = 0; k < a->rank; k++)
            shape[k] = a->shape[a->rank - 1 - k];
        array *out = result_new(m, in, a->rank, shape);
        for (int64_t k = 0; k < a->n; k++) {
            int64_t rest = k, at = 0, step = 1;            /* the last index of the result steps through the first axis of a */
            int64_t index[TALLY_MAX_RANK];
            for (int axis = a->rank - 1; axis >= 0; axis--) {
                index[axis] = rest % shape[axis];
                rest /= shape[axis];
            }
            for (int axis = 0; axis < a->rank; axis++) {
                at += index[axis] * step;
                step *= shape[axis];
            }
            array_put(out, k, array_get(a, at));
        }
        return TALLY_OK;
    }
    if (in->op == OP_COLUMN) {
        int64_t width = a->shape[a->rank - 1];
        array  *out = result_new(m, in, a->rank - 1, a->shape);
        if (in->axis >= width)
            return TALLY_OUT_OF_RANGE;
        for (int64_t k = 0; k < out->n; k++)
            array_put(out, k, array_get(a, k * width + in->axis));
        return TALLY_OK;
    }
    for (int k = 0; k <= a->rank; k++) {
        if (in->op == OP_EXPAND_DIMS && k == in->axis)
            shape[rank++] = 1;
        if (k < a->rank && !(in->op == OP_SQUEEZE && k == in->axis))
            shape[rank++] = a->shape[k];
    }
    copy_part(result_new(m, in, rank, shape), 0, a, 0, a->n);
    return TALLY_OK;
}

static bool index_ok(number i, int64_t size)
{
    return number_compare(i, number_int(0)) >= 0 && number_compare(i, number_int(size)) < 0;
}

/* at, gather: rows of the first axis */
static tally_status op_gather(machine *m, const instr *in, const array *a, const array *ids)
{
    int64_t shape[TALLY_MAX_RANK] = { 0 }, row = 1;
    int     rank = 0;
    for (int k = 0; k < ids->rank; k++)
        shape[rank++] = ids->shape[k];
    for (int k = 1; k < a->rank; k++) {
        shape[rank++] = a->shape[k];
        row *= a->shape[k];
    }
    array *out = result_new(m, in, rank, shape);
    for (int64_t k = 0; k < ids->n; k++) {
        number i = array_get(ids, k);
        if (!index_ok(i, a->shape[0]))
            return TALLY_OUT_OF_RANGE;
        copy_part(out, k * row, a, (int64_t)whole(i) * row, row);
    }
    return TALLY_OK;
}

static tally_status op_slice(machine *m, const instr *in, const array *a, number begin, number end)
{
    int64_t shape[TALLY_MAX_RANK] = { 0 };
    rows    r = rows_of(a, in->axis);
    if (!index_ok(begin, r.length + 1) || !index_ok(end, r.length + 1) || number_compare(begin, end) > 0)
        return TALLY_OUT_OF_RANGE;
    int64_t from = (int64_t)whole(begin), n = (int64_t)whole(end) - from;
    memcpy(shape, a->shape, sizeof shape);
    shape[in->axis] = n;
    array *out = result_new(m, in, a->rank, shape);
    for (int64_t k = 0; k < r.outer; k++)
        copy_part(out, k * n * r.inner, a, (k * r.length + from) * r.inner, n * r.inner);
    return TALLY_OK;
}

static tally_status op_rank_of(machine *m, const instr *in, const array *a, const array *ids)
{
    array  *out = result_new(m, in, ids->rank, ids->shape);
    int64_t width = a->shape[a->rank - 1];
    for (int64_t k = 0; k < ids->n; k++) {
        number  id = array_get(ids, k);
        number  own = index_ok(id, width) ? array_get(a, k * width + (int64_t)whole(id)) : number_float(NAN);
        bool    none = own.kind == NUMBER_FLOAT && !isfinite(own.f);   /* no such class, or its score is not finite */
        int64_t above = none ? width : 0;
        for (int64_t j = 0; j < width && !none; j++)
            above += number_compare(array_get(a, k * width + j), own) == 1;
        array_put(out, k, number_int(above));
    }
    return TALLY_OK;
}

static tally_status op_one_hot(machine *m, const instr *in, const array *ids, int64_t depth)
{
    int64_t shape[TALLY_MAX_RANK] = { 0 };
    memcpy(shape, ids->shape, sizeof shape);
    shape[ids->rank] = depth;
    array *out = result_new(m, in, ids->rank + 1, shape);
    for (int64_t k = 0; k < out->n; k++)
        array_put(out, k, number_int(!number_compare(array_get(ids, k / depth), number_int(k % depth))));
    return TALLY_OK;
}

static tally_status op_matmul(machine *m, const instr *in, const array *a, const array *b)
{
    int64_t      shape[TALLY_MAX_RANK] = { 0 }, batch = a->rank == 3 ? a->shape[0] : b->rank == 3 ? b->shape[0] : 1;
    int64_t      left = a->rank > 1 ? a->shape[a->rank - 2] : 1, n = a->shape[a->rank - 1], right = b->rank > 1 ? b->shape[b->rank - 1] : 1;
    int          rank = 0;
    if (a->rank == 3 || b->rank == 3)
        shape[rank++] = batch;
    if (a->rank > 1)
        shape[rank++] = left;
    if (b->rank > 1)
        shape[rank++] = right;
    array       *out = result_new(m, in, rank, shape), *taken = array_new(m->pool, a->dtype, rank, shape);
    const array *two[] = { a, b };
    tally_status s = run_alone(m, in, two, 2, taken);
    for (int64_t k = 0; k < out->n && !s; k++) {
        int64_t     g = k / (left * right), i = k / right % left, l = k % right;
        long double sum = 0, most = 0;
        for (int64_t j = 0; j < n; j++) {
            long double x = (long double)array_get(a, ((a->rank == 3 ? g * left : 0) + i) * n + j).f * (long double)array_get(b, ((b->rank == 3 ? g * n : 0) + j) * right + l).f;
            sum += x;
            most += fabsl(x);
        }
        double got = array_get(taken, k).f;
        if (most == most && most < 60000.0L && fabsl((long double)got - sum) > most * (long double)(n + 4) * ldexpl(1, 1 - precision_of(a->dtype)) + 4 * ldexpl(1, least_of(a->dtype)))
            m->wrong = "matmul alone is far off";
        array_put(out, k, array_get(taken, k));
    }
    return s;
}

tally_status op_run(machine *m, const instr *in)
{
    const array *a[3] = { NULL, NULL, NULL };
    int          n = 0;
    while (n < 3 && in->arg[n] >= 0) {
        a[n] = m->value[in->arg[n]];
        n++;
    }
    switch ((int)in->op) {
    case OP_NUMBER: case OP_CONSTANT: array_put(result_new(m, in, 0, NULL), 0, number_float(in->number)); return TALLY_OK;
    case OP_CAPTURED: {
        array *x = pool_alloc(m->pool, sizeof *x);
        *x = *m->captured[in->dst];
        m->value[in->dst] = x;
        return TALLY_OK;
    }
    case OP_EXP: case OP_LOG: case OP_LOG1P: case OP_SIGMOID: case OP_TANH: case OP_POW: return op_function(m, in, a, n);
    case OP_REDUCE_SUM: case OP_REDUCE_MEAN: case OP_REDUCE_MAX: case OP_REDUCE_MIN: case OP_REDUCE_ANY: case OP_REDUCE_ALL: return op_reduce(m, in, a[0]);
    case OP_SIZE: array_put(result_new(m, in, 0, NULL), 0, number_int(a[0]->n)); return TALLY_OK;
    case OP_DIM: array_put(result_new(m, in, 0, NULL), 0, number_int(a[0]->shape[in->axis])); return TALLY_OK;
    case OP_SUM: case OP_MEAN: case OP_MAX: case OP_MIN: case OP_ARGMAX: return op_axis_reduce(m, in, a[0]);
    case OP_SOFTMAX: case OP_LOG_SOFTMAX: case OP_LOGSUMEXP: return op_row_function(m, in, a[0]);
    case OP_CUMSUM: return op_cumsum(m, in, a[0]);
    case OP_TRANSPOSE: case OP_COLUMN: case OP_EXPAND_DIMS: case OP_SQUEEZE: return op_view(m, in, a[0]);
    case OP_AT: case OP_GATHER: return op_gather(m, in, a[0], a[1]);
    case OP_RANK_OF: return op_rank_of(m, in, a[0], a[1]);
    case OP_SLICE: return op_slice(m, in, a[0], array_get(a[1], 0), array_get(a[2], 0));
    case OP_ONE_HOT: return op_one_hot(m, in, a[0], array_get(a[1], 0).i);
    case OP_MATMUL: return op_matmul(m, in, a[0], a[1]);
    default: return op_element(m, in, a, n);
    }
}
