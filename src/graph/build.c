/* build: the builders of value ops. Operands are resolved, numbers take the dtype that their row
 * asks for, exact operands are read unless the row takes them, dtypes are checked, the shape rule
 * runs, the node is emitted. All of it follows from the rows of ops.def; no op is known here but
 * cast, which is no op where the dtype is already right. */
#include "build.h"

/* ---- numbers adapt */
static bool dtype_fits(int32_t dtype, double v)
{
    int bits = tally__dtype_bits(dtype);
    switch (tally__dtype_kind_of(dtype)) {
    case TALLY__KIND_BOOL: return v == 0.0 || v == 1.0;
    case TALLY__KIND_FLOAT: return true;
    case TALLY__KIND_UINT: bits++; break;
    default: break;
    }
    double limit = 2.0 * (double)((uint64_t)1 << (bits - 2));      /* 2^(bits - 1) */
    double least = tally__dtype_kind_of(dtype) == TALLY__KIND_UINT ? 0.0 : -limit;
    return v >= least && v < limit &&
           v == (double)(v < 0 ? -(double)(uint64_t)-v : (double)(uint64_t)v);
}

static int32_t plain_dtype(int32_t dtype)
{
    return dtype == TALLY__EXACT ? TALLY_F64 : dtype;
}

/* the dtype that a number as operand i takes; 0: only numbers are there to take it from */
static int32_t dtype_of_number(const tally__build *b, int i)
{
    const char *takes = b->info->takes;
    switch (takes[i]) {
    case 'c': return TALLY_BOOL;
    case 'i': case 'd': case 'l': return TALLY_I64;
    default: break;
    }
    if (b->info->result == TALLY__RESULT_F64)
        return TALLY_F64;
    for (int k = 0; k < b->info->arity; k++)
        if ((takes[k] == takes[i] || takes[k] == 's') && !tally__is_num(b->x[k], NULL))
            return plain_dtype(tally__node_of(b->x[k])->dtype);
    return 0;
}

/* Comparisons are exact between dtypes, so a number that an integer operand cannot hold goes in as
 * float64. */
static bool adapt_number(tally__build *b, int i, double v)
{
    const char *op = b->info->name;
    int32_t     dtype = dtype_of_number(b, i);
    if (!dtype) {
        tally__trace_fail(b->t, TALLY_INVALID_ARGUMENT, b->at,
                          "%s: argument %d, expected a node to take the dtype from, found "
                          "numbers only: cast one",
                          op, i);
        return false;
    }
    if (!dtype_fits(dtype, v)) {
        if (b->info->takes[i] != 'm') {
            tally__trace_fail(b->t, TALLY_INVALID_ARGUMENT, b->at,
                              "%s: argument %d, expected a number that %s holds, found %g", op, i,
                              tally__dtype_text(dtype), v);
            return false;
        }
        dtype = TALLY_F64;
    }
    b->x[i] = tally__constant_f64(b->t, dtype, v, b->at);
    return tally__trace_ok(b->t);
}

static bool adapt_numbers(tally__build *b)
{
    double v;
    bool   is_num[TALLY__MOST_OPERANDS] = { false };
    for (int i = 0; i < b->info->arity; i++)
        is_num[i] = tally__is_num(b->x[i], NULL);
    for (int i = 0; i < b->info->arity; i++)
        if (is_num[i] && tally__is_num(b->x[i], &v) && !adapt_number(b, i, v))
            return false;
    return true;
}

/* ---- exact operands: taken as they are by the rows that say so, but a sum of an exact and a
 * rounded one is rounded */
static bool takes_exact(const tally__build *b)
{
    if (!(b->info->laws & TALLY__LAW_EXACT))
        return false;
    for (int i = 0; i < b->info->arity; i++)
        if (b->info->takes[i] == 'v' && tally__node_of(b->x[i])->dtype != TALLY__EXACT)
            return false;
    return true;
}

static bool load_operands(tally__build *b)
{
    bool exact = takes_exact(b);
    for (int i = 0; i < b->info->arity && tally__trace_ok(b->t); i++) {
        if (!exact && b->info->takes[i] != 's')
            b->x[i] = tally__node_rounded(b->t, b->x[i], b->at);
        if (tally__trace_ok(b->t))
            b->in[i] = *tally__node_of(b->x[i]);
    }
    return tally__trace_ok(b->t);
}

/* ---- dtypes */
static bool refuse_dtype(const tally__build *b, int i, const char *expected)
{
    tally__trace_fail(b->t, TALLY_INVALID_ARGUMENT, b->at,
                      "%s: argument %d, expected %s, found %s: cast it", b->info->name, i, expected,
                      tally__dtype_text(b->in[i].dtype));
    return false;
}

static bool check_accepted(const tally__build *b, int i)
{
    int32_t d = plain_dtype(b->in[i].dtype);
    switch ((tally__accept)b->info->accepts) {
    case TALLY__ACCEPT_ANY: return true;
    case TALLY__ACCEPT_NUMERIC: return d != TALLY_BOOL || refuse_dtype(b, i, "a number type");
    case TALLY__ACCEPT_FLOAT: return tally__is_float(d) || refuse_dtype(b, i, "a float type");
    case TALLY__ACCEPT_BOOL: return d == TALLY_BOOL || refuse_dtype(b, i, "bool");
    }
    return false;
}

static bool check_index(const tally__build *b, int i)
{
    if (!tally__is_integer(b->in[i].dtype))
        return refuse_dtype(b, i, "an integer type");
    if (b->info->takes[i] == 'd' || b->in[i].rank == 0)
        return true;
    tally__trace_fail(b->t, TALLY_INVALID_ARGUMENT, b->at,
                      "%s: argument %d, expected rank 0, found rank %d", b->info->name, i,
                      (int)b->in[i].rank);
    return false;
}

/* all v are of one dtype: that of the first */
static bool check_same(const tally__build *b, int i)
{
    int first = (int)(strchr(b->info->takes, 'v') - b->info->takes);
    if (plain_dtype(b->in[i].dtype) == plain_dtype(b->in[first].dtype))
        return true;
    tally__trace_fail(b->t, TALLY_INVALID_ARGUMENT, b->at,
                      "%s: argument %d, expected %s as argument %d is, found %s: cast one",
                      b->info->name, i, tally__dtype_text(b->in[first].dtype), first,
                      tally__dtype_text(b->in[i].dtype));
    return false;
}

static bool check_operand_dtype(const tally__build *b, int i)
{
    int32_t d = b->in[i].dtype;
    switch (b->info->takes[i]) {
    case 'v': return check_accepted(b, i) && check_same(b, i);
    case 'm': return check_accepted(b, i);
    case 'c': return d == TALLY_BOOL || refuse_dtype(b, i, "bool");
    case 'l':
        return tally__is_integer(d) || tally__is_float(d) ||
               refuse_dtype(b, i, "an integer or float type");
    case 'i': case 'd': return check_index(b, i);
    default: return true;
    }
}

static int32_t result_dtype(const tally__build *b, int32_t given)
{
    const char *v = strchr(b->info->takes, 'v');
    int32_t     same = v ? b->in[v - b->info->takes].dtype : 0;
    switch ((tally__result)b->info->result) {
    case TALLY__RESULT_SAME: return same;
    case TALLY__RESULT_BOOL: return TALLY_BOOL;
    case TALLY__RESULT_I64: return TALLY_I64;
    case TALLY__RESULT_F64: return TALLY_F64;
    case TALLY__RESULT_GIVEN: return given;
    case TALLY__RESULT_SUM: return tally__is_float(same) || same == TALLY__EXACT ? same : TALLY_I64;
    case TALLY__RESULT_MEAN: return tally__is_float(same) ? same : TALLY_F64;
    }
    return 0;
}

/* ---- the way of one op */
static bool resolve(tally__build *b, int32_t given)
{
    if (!adapt_numbers(b) || !load_operands(b))
        return false;
    for (int i = 0; i < b->info->arity; i++)
        if (!check_operand_dtype(b, i))
            return false;
    b->out.dtype = (uint8_t)result_dtype(b, given);
    return tally__build_shape(b);
}

static tally_node build(tally__op op, const tally_node *x, int axis, int32_t given, tally__place at)
{
    const tally__op_info *info = &tally__op_table[op];
    tally_trace          *t = tally__operands(x, info->arity, 0, info->name, at);
    if (!t)
        return tally__bad(NULL);
    tally__build b = {
        .t = t, .info = info, .at = at, .out = { .op = (uint16_t)op, .axis = axis }
    };
    memcpy(b.x, x, info->arity * sizeof *x);
    return resolve(&b, given) ? tally__emit(t, &b.out, b.x, info->arity, at) : tally__bad(t);
}

tally_node tally__op1(tally__op op, tally_node a, tally__place at)
{
    assert(tally__op_table[op].arity == 1);
    return build(op, &a, 0, 0, at);
}

tally_node tally__op2(tally__op op, tally_node a, tally_node b, tally__place at)
{
    tally_node x[2] = { a, b };
    assert(tally__op_table[op].arity == 2);
    return build(op, x, 0, 0, at);
}

tally_node tally__op3(tally__op op, tally_node a, tally_node b, tally_node c, tally__place at)
{
    tally_node x[3] = { a, b, c };
    assert(tally__op_table[op].arity == 3);
    return build(op, x, 0, 0, at);
}

tally_node tally__op_axis(tally__op op, tally_node a, int axis, tally__place at)
{
    assert(tally__op_table[op].arity == 1);
    return build(op, &a, axis, 0, at);
}

/* ---- the exported builders */
#define BUILD_1(n)                                                                                 \
    tally_node tally_##n##_loc(tally_node a, const char *file, int line)                           \
    {                                                                                              \
        return tally__op1(TALLY__OP_##n, a, tally__at(file, line));                                \
    }
#define BUILD_2(n)                                                                     \
    tally_node tally_##n##_loc(tally_node a, tally_node b, const char *file, int line) \
    {                                                                                  \
        return tally__op2(TALLY__OP_##n, a, b, tally__at(file, line));                 \
    }
#define BUILD_AXIS(n)                                                                  \
    tally_node tally_##n##_loc(tally_node a, int axis, const char *file, int line)     \
    {                                                                                  \
        return tally__op_axis(TALLY__OP_##n, a, axis, tally__at(file, line));          \
    }
TALLY__OP1(BUILD_1)
TALLY__OP2(BUILD_2)
TALLY__OPA(BUILD_AXIS)

tally_node tally_select_loc(tally_node c, tally_node a, tally_node b, const char *file, int line)
{
    return tally__op3(TALLY__OP_select, c, a, b, tally__at(file, line));
}

tally_node tally_clip_loc(tally_node x, tally_node lo, tally_node hi, const char *file, int line)
{
    return tally__op3(TALLY__OP_clip, x, lo, hi, tally__at(file, line));
}

tally_node tally_slice_loc(tally_node x, int axis, tally_node begin, tally_node end,
                           const char *file, int line)
{
    tally_node all[3] = { x, begin, end };
    return build(TALLY__OP_slice, all, axis, 0, tally__at(file, line));
}

/* the dtype that a caller names */
static bool check_given(const tally_node *x, int n, tally_dtype d, const char *op, tally__place at)
{
    if (tally__dtype_ok((int32_t)d))
        return true;
    tally_trace *t = tally__operands(x, n, 0, op, at);
    if (t)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: dtype, expected one of the 13, found %d", op, (int)d);
    return false;
}

tally_node tally_one_hot_loc(tally_node ids, tally_node depth, tally_dtype d, const char *file,
                             int line)
{
    tally_node x[2] = { ids, depth };
    if (!check_given(x, 2, d, "one_hot", tally__at(file, line)))
        return tally__bad(NULL);
    return build(TALLY__OP_one_hot, x, 0, (int32_t)d, tally__at(file, line));
}

tally_node tally_cast_loc(tally_node x, tally_dtype d, const char *file, int line)
{
    tally__place at = tally__at(file, line);
    if (!check_given(&x, 1, d, "cast", at))
        return tally__bad(NULL);
    tally_trace *t = tally__operands(&x, 1, 0, "cast", at);
    if (!t)
        return tally__bad(NULL);
    return tally__node_of(x)->dtype == d ? x : build(TALLY__OP_cast, &x, 0, (int32_t)d, at);
}
