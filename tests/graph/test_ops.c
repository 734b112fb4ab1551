/* Every elementwise op on every dtype that it takes, against a formula written here from the
 * description: floats in double or float arithmetic and rounded to the dtype, integers modulo
 * 2^bits, comparisons in long double. The table test fails when a row has no formula or no kernel.
 */
#include "apply.h"
#include "domain.h"

#include <float.h>

#include "../../src/graph/math.h"

typedef union value {
    double   f;
    int64_t  i;
    uint64_t u;
} value;

/* ---- formulas. T: what the dtype computes in */
static bool float_formula(tally__op op, bool wide, double a, double b, double c, double *out)
{
    const float fa = (float)a, fb = (float)b;
    switch (op) {
    case TALLY__OP_neg: *out = -a; return true;
    case TALLY__OP_abs: *out = fabs(a); return true;
    case TALLY__OP_square: *out = a * a; return true;
    case TALLY__OP_sqrt: *out = sqrt(a); return true;
    case TALLY__OP_sign: *out = isnan(a) ? a : (a > 0) - (a < 0); return true;
    case TALLY__OP_floor: *out = floor(a); return true;
    case TALLY__OP_ones_like: *out = 1; return true;
    case TALLY__OP_zeros_like: *out = 0; return true;
    case TALLY__OP_add: *out = a + b; return true;
    case TALLY__OP_sub: *out = a - b; return true;
    case TALLY__OP_mul: *out = a * b; return true;
    case TALLY__OP_div: *out = a / b; return true;
    case TALLY__OP_div_no_nan: *out = b == 0 ? 0 : a / b; return true;
    case TALLY__OP_binary_crossentropy:
        *out = wide ? -(a * tally__log_f64(b) + (1 - a) * tally__log_f64(1 - b))
                    : (double)-(fa * tally__log_f32(fb) + (1 - fa) * tally__log_f32(1 - fb));
        return true;
    case TALLY__OP_minimum:
        *out = isnan(a) || isnan(b) ? NAN : a == b ? (signbit(a) ? a : b) : fmin(a, b);
        return true;
    case TALLY__OP_maximum:
        *out = isnan(a) || isnan(b) ? NAN : a == b ? (signbit(a) ? b : a) : fmax(a, b);
        return true;
    case TALLY__OP_select: *out = a != 0 ? b : c; return true;
    case TALLY__OP_clip: {
        double low;
        return float_formula(TALLY__OP_maximum, wide, a, b, 0, &low) &&
               float_formula(TALLY__OP_minimum, wide, low, c, 0, out);
    }
    default: return false;
    }
}

static bool function_formula(tally__op op, long double a, long double b, long double *out)
{
    switch (op) {
    case TALLY__OP_exp: *out = expl(a); return true;
    case TALLY__OP_log:
    case TALLY__OP_log_normal: *out = logl(a); return true;
    case TALLY__OP_log1p:
    case TALLY__OP_log1p_positive: *out = log1pl(a); return true;
    case TALLY__OP_tanh: *out = tanhl(a); return true;
    case TALLY__OP_sigmoid:
        *out = a < 0 ? expl(a) / (1 + expl(a)) : 1 / (1 + expl(-a));
        return true;
    case TALLY__OP_pow: *out = powl(a, b); return true;
    default: return false;
    }
}

/* modulo 2^64; the store cuts the rest. less: the order of the dtype */
static bool whole_formula(tally__op op, bool is_signed, uint64_t a, uint64_t b, uint64_t c,
                          uint64_t *out)
{
    uint64_t top = is_signed ? UINT64_C(1) << 63 : 0;
    switch (op) {
    case TALLY__OP_neg: *out = ~a + 1; return true;
    case TALLY__OP_abs: *out = is_signed && a >> 63 ? ~a + 1 : a; return true;
    case TALLY__OP_square: *out = a * a; return true;
    case TALLY__OP_sign: *out = a == 0 ? 0 : is_signed && a >> 63 ? UINT64_MAX : 1; return true;
    case TALLY__OP_floor: *out = a; return true;
    case TALLY__OP_ones_like: *out = 1; return true;
    case TALLY__OP_zeros_like: *out = 0; return true;
    case TALLY__OP_add: *out = a + b; return true;
    case TALLY__OP_sub: *out = a - b; return true;
    case TALLY__OP_mul: *out = a * b; return true;
    case TALLY__OP_minimum: *out = (a ^ top) < (b ^ top) ? a : b; return true;
    case TALLY__OP_maximum: *out = (a ^ top) < (b ^ top) ? b : a; return true;
    case TALLY__OP_select: *out = a ? b : c; return true;
    case TALLY__OP_clip: {
        uint64_t low;
        return whole_formula(TALLY__OP_maximum, is_signed, a, b, 0, &low) &&
               whole_formula(TALLY__OP_minimum, is_signed, low, c, 0, out);
    }
    case TALLY__OP_not: *out = !a; return true;
    case TALLY__OP_and: *out = a & b; return true;
    case TALLY__OP_or: *out = a | b; return true;
    case TALLY__OP_xor: *out = a ^ b; return true;
    default: return false;
    }
}

/* ---- one case: n elements of one dtype */
typedef struct batch {
    tally__op    op;
    int32_t      dtype;
    size_t       n;
    tally_tensor x[3], out;
} batch;

static const char *at_element(const tally_tensor *x, size_t i)
{
    return (const char *)x->data + i * tally__element_size(x->dtype);
}

static void fail_at(const batch *c, size_t i, const char *want)
{
    char text[3][40];
    for (int k = 0; k < 3; k++)
        snprintf(text[k], sizeof text[k], "%.17g",
                 k < tally__op_table[c->op].arity
                     ? tally__load_f64(at_element(&c->x[k], i), c->x[k].dtype)
                     : 0);
    fail_msg("%s of %s (%s, %s, %s) is %.17g, expected %s", tally__op_table[c->op].name,
             tally_dtype_name((tally_dtype)c->dtype), text[0], text[1], text[2],
             tally__load_f64(at_element(&c->out, i), c->out.dtype), want);
}

/* how many floats of the dtype lie between two of them */
static int64_t steps_between(const void *a, const void *b, int32_t dtype)
{
    int64_t x[2] = { 0, 0 };
    size_t  size = tally__element_size(dtype);
    memcpy(&x[0], a, size);
    memcpy(&x[1], b, size);
    int64_t top = (int64_t)1 << (8 * size - 1 - (size == 8));
    top = size == 8 ? INT64_MIN : top;
    for (int k = 0; k < 2; k++)
        if (size == 8 ? x[k] < 0 : x[k] >= top)
            x[k] = size == 8 ? (int64_t)((uint64_t)top - (uint64_t)x[k]) : top - x[k];
    return x[0] > x[1] ? x[0] - x[1] : x[1] - x[0];
}

static bool same_element(const void *got, const void *want, int32_t dtype)
{
    if (tally__is_float(dtype) && isnan(tally__load_f64(got, dtype)) &&
        isnan(tally__load_f64(want, dtype)))
        return true;
    return !memcmp(got, want, tally__element_size(dtype));
}

static bool check_float(const batch *c, size_t i)
{
    double      v[3] = { 0, 0, 0 }, want;
    long double exact = 0;
    uint64_t    room = 0;
    char        text[40];
    for (int k = 0; k < tally__op_table[c->op].arity; k++)
        v[k] = tally__load_f64(at_element(&c->x[k], i), c->x[k].dtype);
    bool function = function_formula(c->op, v[0], v[1], &exact);
    if (function)
        want = (double)exact;
    else if (!float_formula(c->op, c->dtype == TALLY_F64, v[0], v[1], v[2], &want))
        return false;
    /* half formats are computed in float, then rounded */
    double rounded = c->dtype == TALLY_F64 ? want : (double)(float)want;
    tally__store_f64(&room, c->dtype, rounded);
    snprintf(text, sizeof text, "%.17g", rounded);
    if (!same_element(at_element(&c->out, i), &room, c->dtype) &&
        (!function || !isfinite(rounded) ||
         steps_between(at_element(&c->out, i), &room, c->dtype) > 1))
        fail_at(c, i, text);
    return true;
}

static uint64_t load_whole(const tally_tensor *x, size_t i)
{
    return (uint64_t)tally__load_i64(at_element(x, i), x->dtype);
}

static bool check_whole(const batch *c, size_t i)
{
    uint64_t v[3] = { 0, 0, 0 }, want, room = 0;
    for (int k = 0; k < tally__op_table[c->op].arity; k++)
        v[k] = load_whole(&c->x[k], i);
    if (!whole_formula(c->op, tally__dtype_kind_of(c->dtype) == TALLY__KIND_INT, v[0], v[1], v[2],
                       &want))
        return false;
    memcpy(&room, &want,
           tally__element_size(c->dtype)); /* little endian or not: compare as the store cuts it */
    tally__convert(&room, c->dtype, &want, TALLY_U64, 1, 1);
    if (memcmp(&room, at_element(&c->out, i), tally__element_size(c->dtype)))
        fail_at(c, i, "the wrapped value");
    return true;
}

static bool known_test(const batch *c, size_t i)
{
    double a = tally__load_f64(at_element(&c->x[0], i), c->x[0].dtype);
    bool   got = *(const uint8_t *)at_element(&c->out, i) != 0;
    if (c->op == TALLY__OP_is_nan) {
        if (got != (isnan(a) != 0))
            fail_at(c, i, "whether it is NaN");
        return true;
    }
    if (c->op == TALLY__OP_eq_bool || c->op == TALLY__OP_ne_bool) {
        double truth = tally__load_f64(at_element(&c->x[0], i), TALLY_BOOL),
               b = tally__load_f64(at_element(&c->x[1], i), c->dtype);
        if (got != ((truth == b) == (c->op == TALLY__OP_eq_bool)))
            fail_at(c, i, "whether they are the same number");
        return true;
    }
    if (c->op == TALLY__OP_eq_gt) {
        double b = tally__load_f64(at_element(&c->x[1], i), c->dtype), label = tally__load_f64(at_element(&c->x[2], i), c->dtype);
        if (got != ((a > b) == label))
            fail_at(c, i, "whether the outcome is the label");
        return true;
    }
    return tally__op_table[c->op].takes[0] == 'm'; /* comparisons have a test of their own */
}

/* every special against every special, then random ones */
static void fill_operands(bench *b, batch *c, test_rng *rng)
{
    double v[SPECIALS], *x[3];
    int    n = specials(c->dtype, v), arity = tally__op_table[c->op].arity;
    c->n = (size_t)(n * n) + 500;
    for (int k = 0; k < arity; k++) {
        bool condition = tally__op_table[c->op].takes[k] == 'c';
        x[k] = malloc(c->n * sizeof(double));
        for (size_t i = 0; i < c->n; i++) {
            size_t j = k == 0 ? i / (size_t)n : k == 1 ? i % (size_t)n : test_below(rng, (size_t)n);
            x[k][i] = i < (size_t)(n * n)    ? v[j]
                      : test_unit(rng) < 0.2 ? v[test_below(rng, (size_t)n)]
                                             : (test_unit(rng) - 0.3) * 200;
            if (k == arity - 1 && !domain_has((int)c->op, c->dtype, x[k][i]))
                x[k][i] = test_unit(rng) * 0.5 + 0.25;
            if (condition)
                x[k][i] = (double)(test_next(rng) & 1);
        }
        c->x[k] = vector_of(dense_values(b, condition ? TALLY_BOOL : c->dtype, x[k], c->n),
                            condition ? TALLY_BOOL : c->dtype, (int64_t)c->n);
        free(x[k]);
    }
}

static void run_batch(bench *b, tally__op op, int32_t dtype)
{
    batch    c = { .op = op, .dtype = dtype };
    test_rng rng = { 1000u * (unsigned)op + (unsigned)dtype };
    fill_operands(b, &c, &rng);
    c.out = packed(b, apply(b, op, PTRS(&c.x[0], &c.x[1], &c.x[2]), 0, dtype));
    for (size_t i = 0; i < c.n; i++) {
        bool known = c.out.dtype == TALLY_BOOL && tally__op_table[op].result == TALLY__RESULT_BOOL
                         ? known_test(&c, i)
                     : tally__is_float(dtype) ? check_float(&c, i)
                                              : check_whole(&c, i);
        if (!known)
            fail_msg("%s of %s has no formula in this test", tally__op_table[op].name,
                     tally_dtype_name((tally_dtype)dtype));
    }
}

static bool accepts(tally__op op, int32_t dtype)
{
    switch (tally__op_table[op].accepts) {
    case TALLY__ACCEPT_ANY: return true;
    case TALLY__ACCEPT_NUMERIC: return dtype != TALLY_BOOL;
    case TALLY__ACCEPT_FLOAT: return tally__is_float(dtype);
    default: return dtype == TALLY_BOOL;
    }
}

static void every_elementwise_op_is_its_formula_on_every_dtype(void **state)
{
    if (!test_has_wide_long_double())
        skip();
    bench *b = *state;
    for (tally__op op = TALLY__OP_none; op < TALLY__OPS; op++) {
        if (tally__op_table[op].form != TALLY__FORM_ELEMENT || op == TALLY__OP_cast ||
            op == TALLY__OP_ratio)
            continue;
        for (int32_t d = TALLY_BOOL; d <= TALLY_F64; d++) {
            tally__arena_mark mark = tally__arena_here(&b->work);
            if (accepts(op, d))
                run_batch(b, op, d);
            tally__arena_rewind(&b->work, mark);
        }
    }
}

static void a_dtype_that_an_op_does_not_take_is_an_error_with_advice(void **state)
{
    bench *b = *state;
    for (tally__op op = TALLY__OP_none; op < TALLY__OPS; op++) {
        const char *takes = tally__op_table[op].takes;
        if (!*takes || strspn(takes, "vm") != strlen(takes))
            continue;
        for (int32_t d = TALLY_BOOL; d <= TALLY_F64; d++) {
            uint64_t     zero[4] = { 0 };
            tally_tensor x = dense(zero, d, 1, SHAPE(1));
            if (!accepts(op, d))
                REFUSED(TALLY_INVALID_ARGUMENT, "cast it", op, 0, 0, &x, &x, &x);
        }
    }
}

static void operands_of_two_dtypes_are_an_error_that_names_both(void **state)
{
    bench       *b = *state;
    float        f = 1;
    double       d = 1;
    tally_tensor x = scalar_of(&f, TALLY_F32), y = scalar_of(&d, TALLY_F64);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "add: argument 1, expected float32 as argument 0 is, found float64", TALLY__OP_add, 0,
            0, &x, &y);
    REFUSED(TALLY_INVALID_ARGUMENT,
            "clip: argument 2, expected float32 as argument 0 is, found float64", TALLY__OP_clip, 0,
            0, &x, &x, &y);
}

/* ---- comparisons: all pairs of dtypes, in long double where it holds 64 bits */
static long double load_exact(const tally_tensor *x, size_t i)
{
    const char *p = at_element(x, i);
    return x->dtype == TALLY_U64 ? (long double)(uint64_t)tally__load_i64(p, x->dtype)
           : tally__is_float(x->dtype) ? (long double)tally__load_f64(p, x->dtype)
                                       : (long double)tally__load_i64(p, x->dtype);
}

static bool compare_exact(tally__op op, long double a, long double b)
{
    switch (op) {
    case TALLY__OP_eq: return a == b;
    case TALLY__OP_ne: return a != b;
    case TALLY__OP_lt: return a < b;
    case TALLY__OP_le: return a <= b;
    case TALLY__OP_gt: return a > b;
    default: return a >= b;
    }
}

/* what doubles cannot say: the neighbours of 2^53, 2^63 and 2^64 */
static size_t wide_values(bench *b, int32_t dtype, tally_tensor *x)
{
    static const uint64_t edge[] = { 9007199254740993u,   9007199254740991u,
                                     INT64_MAX,           (uint64_t)INT64_MAX - 1,
                                     (uint64_t)INT64_MIN, UINT64_MAX,
                                     UINT64_MAX - 1,      (uint64_t)-9007199254740993 };
    static const double   real[] = { 9007199254740992.0,
                                     9007199254740994.0,
                                     0x1p63,
                                     -0x1p63,
                                     0x1p64,
                                     0.5,
                                     -0.5,
                                     1e300,
                                     9.5,
                                     127.5,
                                     -1e300 };
    double                v[SPECIALS];
    size_t                n = (size_t)specials(dtype, v),
           more = tally__is_float(dtype) ? TALLY__COUNT(real) : TALLY__COUNT(edge);
    char                 *p = tally__arena_alloc(&b->work, (n + more) * 8);
    tally__convert(p, dtype, v, TALLY_F64, 1, n);
    for (size_t i = 0; i < more; i++)
        if (tally__is_float(dtype))
            tally__convert(p + (n + i) * tally__element_size(dtype), dtype, &real[i], TALLY_F64, 1,
                           1);
        else
            tally__convert(p + (n + i) * tally__element_size(dtype), dtype, &edge[i], TALLY_U64, 1,
                           1);
    *x = vector_of(p, dtype, (int64_t)(n + more));
    return n + more;
}

static void comparisons_of_any_two_dtypes_are_exact(void **state)
{
    if (!test_has_wide_long_double())
        skip();
#if LDBL_MANT_DIG >= 64
    bench *b = *state;
    for (int32_t da = TALLY_BOOL; da <= TALLY_F64; da++)
        for (int32_t db = TALLY_BOOL; db <= TALLY_F64; db++)
            for (tally__op op = TALLY__OP_eq; op <= TALLY__OP_ge; op++) {
                tally__arena_mark mark = tally__arena_here(&b->work);
                tally_tensor      x, y;
                int64_t n = (int64_t)wide_values(b, da, &x), m = (int64_t)wide_values(b, db, &y);
                int64_t           stride[2] = { 1, 0 };
                x = tally_tensor_view(x.data, (tally_dtype)da, 2, SHAPE(n, m), stride);
                tally_tensor   out = apply(b, op, PTRS(&x, &y), 0, 0);
                const uint8_t *got = out.data;
                for (int64_t i = 0; i < n; i++)
                    for (int64_t j = 0; j < m; j++) {
                        long double p = load_exact(&x, (size_t)i), q = load_exact(&y, (size_t)j);
                        if (got[i * m + j] != compare_exact(op, p, q))
                            fail_msg("%s(%s %.21Lg, %s %.21Lg) is %d", tally__op_table[op].name,
                                     tally_dtype_name((tally_dtype)da), p,
                                     tally_dtype_name((tally_dtype)db), q, got[i * m + j]);
                    }
                tally__arena_rewind(&b->work, mark);
            }
#else
    (void)state;
    skip();
#endif
}

/* ---- cast, exact operands, ratio */
static void cast_is_the_conversion_of_the_tensor_floor(void **state)
{
    bench *b = *state;
    for (int32_t from = TALLY_BOOL; from <= TALLY_F64; from++)
        for (int32_t to = TALLY_BOOL; to <= TALLY_F64; to++) {
            tally_tensor x;
            size_t       n = wide_values(b, from, &x);
            uint64_t     want[64];
            tally__convert(want, to, x.data, from, 1, n);
            tally_tensor out = apply(b, TALLY__OP_cast, PTRS(&x), 0, to);
            assert_memory_equal(out.data, want, n * tally__element_size(to));
        }
}

static tally_status run_node(bench *b, tally__op op, int32_t dtype, const tally_tensor *x,
                             const tally_tensor *y, tally_tensor *out)
{
    tally__node n = { .op = (uint16_t)op, .dtype = (uint8_t)dtype, .place = { "body.c", 1 } };
    return tally__evaluate(&n, PTRS(x, y), out, &b->work, &b->err);
}

static void sums_and_differences_of_states_are_exact_until_read(void **state)
{
    bench       *b = *state;
    tally__sum   s[2];
    tally_tensor x = { s, TALLY__EXACT, 0, { 0 }, { 0 } },
                 y = { s + 1, TALLY__EXACT, 0, { 0 }, { 0 } }, z, r;
    memset(s, 0, sizeof s);
    tally__sum_add_one(&s[0], 1e16);
    tally__sum_add_one(&s[0], 1.0);           /* 10000000000000001 is no double */
    tally__sum_add_one(&s[1], 1e16);
    assert_ok(run_node(b, TALLY__OP_sub, TALLY__EXACT, &x, &y, &z), &b->err);
    assert_ok(run_node(b, TALLY__OP_cast, TALLY_F64, &z, NULL, &r), &b->err);
    assert_bits_f64(*(const double *)r.data, 1.0);
    assert_ok(run_node(b, TALLY__OP_neg, TALLY__EXACT, &x, NULL, &z), &b->err);
    assert_ok(run_node(b, TALLY__OP_add, TALLY__EXACT, &z, &y, &r), &b->err);
    assert_ok(run_node(b, TALLY__OP_cast, TALLY_F64, &r, NULL, &z), &b->err);
    assert_bits_f64(*(const double *)z.data, -1.0);
}

static void ratio_is_the_nearest_double_whatever_it_gets(void **state)
{
    bench       *b = *state;
    tally__sum   s;
    int64_t      three = 3;
    float        tenth = 0.1f, zero = 0;
    tally_tensor x = { &s, TALLY__EXACT, 0, { 0 }, { 0 } }, i = scalar_of(&three, TALLY_I64),
                 f = scalar_of(&tenth, TALLY_F32), z = scalar_of(&zero, TALLY_F32), r;
    memset(&s, 0, sizeof s);
    tally__sum_add_one(&s, 1.0);
    assert_ok(run_node(b, TALLY__OP_ratio, TALLY_F64, &x, &i, &r), &b->err);
    assert_bits_f64(*(const double *)r.data, 1.0 / 3.0);
    assert_ok(run_node(b, TALLY__OP_ratio, TALLY_F64, &f, &i, &r), &b->err);
    assert_bits_f64(*(const double *)r.data, (double)0.1f / 3.0);
    assert_ok(run_node(b, TALLY__OP_ratio, TALLY_F64, &x, &z, &r), &b->err);
    assert_bits_f64(*(const double *)r.data, 0.0);
}

/* ---- the table itself */
static void every_row_is_complete(void **state)
{
    (void)state;
    for (tally__op op = TALLY__OP_none; op < TALLY__OPS; op++) {
        const tally__op_info *info = &tally__op_table[op];
        bool                  builder = *info->takes !=
                       0; /* the others are made by sources, effects, regions, classes.c */
        assert_non_null(info->name);
        assert_true(builder == (info->shape != TALLY__SHAPE_NONE));
        assert_true(builder || info->form != TALLY__FORM_ELEMENT);
        if (builder)
            assert_int_equal(strlen(info->takes), info->arity);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_row_is_complete),
        CASE(every_elementwise_op_is_its_formula_on_every_dtype),
        CASE(a_dtype_that_an_op_does_not_take_is_an_error_with_advice),
        CASE(operands_of_two_dtypes_are_an_error_that_names_both),
        CASE(comparisons_of_any_two_dtypes_are_exact),
        CASE(cast_is_the_conversion_of_the_tensor_floor),
        CASE(sums_and_differences_of_states_are_exact_until_read),
        CASE(ratio_is_the_nearest_double_whatever_it_gets),
    };
    return cmocka_run_group_tests_name("graph/ops", tests, NULL, NULL);
}
