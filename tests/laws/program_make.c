/* program_make: a seed becomes a syntax tree. Every choice keeps to what the face describes (dtypes of ops, broadcasting
 * by rank or along a made axis, values of a region used inside it only), so a program must be accepted; whether a call
 * of it must fail is for the data to say. */
#include "program.h"

enum {
    BOOLS = 1 << TALLY_BOOL,
    SIGNED = 1 << TALLY_I8 | 1 << TALLY_I16 | 1 << TALLY_I32 | 1 << TALLY_I64,
    INTEGERS = SIGNED | 1 << TALLY_U8 | 1 << TALLY_U16 | 1 << TALLY_U32 | 1 << TALLY_U64,
    FLOATS = 1 << TALLY_F16 | 1 << TALLY_BF16 | 1 << TALLY_F32 | 1 << TALLY_F64,
    NUMERIC = INTEGERS | FLOATS,
    ANY = NUMERIC | BOOLS
};

typedef struct maker {
    program *p;
    test_rng r;
    block   *into;
    int      visible[MAX_REGISTERS], n_visible, depth, run_sizes;
    bool     samples;                    /* pick only what has samples on its first axis */
} maker;

static size_t dice(maker *m, size_t n)
{
    return test_below(&m->r, n);
}

/* ---- tree ---- */

static block *block_new(maker *m)
{
    return pool_alloc(m->p->pool, sizeof(block));
}

static instr *append(maker *m, op o)
{
    block *b = m->into;
    if (b->n == b->room) {
        instr *more = pool_alloc(m->p->pool, sizeof *more * (size_t)(2 * b->room + 8));
        if (b->n)
            memcpy(more, b->at, sizeof *more * (size_t)b->n);
        b->at = more;
        b->room = 2 * b->room + 8;
    }
    instr *in = &b->at[b->n++];
    memset(in, 0, sizeof *in);
    in->op = o;
    in->dst = in->arg[0] = in->arg[1] = in->arg[2] = in->carried_metric = in->carried_variable = -1;
    return in;
}

static bool full(const maker *m)
{
    return m->p->n_registers > MAX_REGISTERS - 40;
}

static int register_new(maker *m, type t)
{
    int r = m->p->n_registers++;
    m->p->reg[r] = t;
    m->visible[m->n_visible++] = r;
    return r;
}

static type scalar_type(int dtype)
{
    type t = { dtype, 0, { 0 } };
    return t;
}

static bool same_type(type a, type b)
{
    return a.dtype == b.dtype && a.rank == b.rank && !memcmp(a.size, b.size, sizeof(int) * (size_t)a.rank);
}

/* ---- choosing operands ---- */

static int pick(maker *m, int dtypes, int least_rank, int most_rank)
{
    for (int k = 0; k < 24 && m->n_visible; k++) {
        int r = m->visible[m->n_visible - 1 - (int)(k < 12 ? dice(m, (size_t)(m->n_visible + 3) / 4) : dice(m, (size_t)m->n_visible))];
        type t = m->p->reg[r];
        if (dtypes >> t.dtype & 1 && t.rank >= least_rank && t.rank <= most_rank && (!m->samples || (t.rank && t.size[0] == SIZE_N)))
            return r;
    }
    return -1;
}

static int pick_type(maker *m, type want)
{
    for (int k = 0, at = (int)dice(m, (size_t)m->n_visible); k < m->n_visible; k++) {
        int r = m->visible[(at + k) % m->n_visible];
        if (same_type(m->p->reg[r], want))
            return r;
    }
    return -1;
}

static bool broadcast(type a, type b, type *out)
{
    type long_one = a.rank >= b.rank ? a : b, short_one = a.rank >= b.rank ? b : a;
    int  skip = long_one.rank - short_one.rank;
    for (int k = 0; k < short_one.rank; k++) {
        int *s = &long_one.size[skip + k], o = short_one.size[k];
        if (*s == SIZE_MADE)
            *s = o;
        else if (o != SIZE_MADE && o != *s)
            return false;
    }
    *out = long_one;
    return true;
}

/* a register that broadcasts with t, of one of these dtypes */
static int pick_beside(maker *m, type t, int dtypes, type *out)
{
    for (int k = 0; k < 24; k++) {
        int r = m->visible[dice(m, (size_t)m->n_visible)];
        if (dtypes >> m->p->reg[r].dtype & 1 && broadcast(t, m->p->reg[r], out))
            return r;
    }
    return -1;
}

/* ---- sources ---- */

static int constant(maker *m, int dtype, double v)
{
    instr *in = append(m, OP_CONSTANT);
    in->dtype = dtype;
    in->number = v;
    in->dst = register_new(m, scalar_type(dtype));
    m->p->constant[in->dst] = true;
    return in->dst;
}

/* a number for the other side of an operand of this dtype: not a value that anything else may pick */
static int number_for(maker *m, int dtype)
{
    bool   negative = SIGNED >> dtype & 1 || dtype_float(dtype);
    double v = (double)dice(m, 7) - (negative ? 3 : 0);
    if (dtype_float(dtype) && dice(m, 2))
        v /= 4;
    instr *in = append(m, OP_NUMBER);
    in->number = v;
    in->dtype = dtype;
    int r = m->p->n_registers++;
    m->p->reg[r] = scalar_type(dtype);
    return in->dst = r;
}

static int captured(maker *m, type t)
{
    instr *in = append(m, OP_CAPTURED);
    in->dtype = t.dtype;
    return in->dst = register_new(m, t);
}

static int op1(maker *m, op o, int a, type t)
{
    instr *in = append(m, o);
    in->arg[0] = a;
    in->dtype = t.dtype;
    return in->dst = register_new(m, t);
}

static int op2(maker *m, op o, int a, int b, type t)
{
    int    dst;
    instr *in = append(m, o);
    in->arg[0] = a;
    in->arg[1] = b;
    in->dtype = t.dtype;
    in->dst = dst = register_new(m, t);
    return dst;
}

static int op_axis(maker *m, op o, int a, int axis, type t)
{
    instr *in = append(m, o);
    in->arg[0] = a;
    in->axis = axis;
    in->from_end = o != OP_COLUMN && o != OP_EXPAND_DIMS && dice(m, 4) == 0;
    in->dtype = t.dtype;
    return in->dst = register_new(m, t);
}

static type retyped(type t, int dtype)
{
    t.dtype = dtype;
    return t;
}

static type without_axis(type t, int axis)
{
    for (int k = axis; k + 1 < t.rank; k++)
        t.size[k] = t.size[k + 1];
    t.rank--;
    return t;
}

static int any_dtype(maker *m)
{
    return TALLY_BOOL + (int)dice(m, 13);
}

/* ---- one op of each shape; false where nothing fits ---- */

static bool make_unary(maker *m)
{
    static const struct { op o; int in, out; } table[] = {
        { OP_NEG, SIGNED | FLOATS, 0 }, { OP_ABS, SIGNED | FLOATS, 0 }, { OP_SQUARE, NUMERIC, 0 }, { OP_SQRT, FLOATS, 0 }, { OP_EXP, FLOATS, 0 },
        { OP_LOG, FLOATS, 0 }, { OP_LOG1P, FLOATS, 0 }, { OP_SIGMOID, FLOATS, 0 }, { OP_TANH, FLOATS, 0 }, { OP_SIGN, SIGNED | FLOATS, 0 },
        { OP_FLOOR, FLOATS, 0 }, { OP_NOT, BOOLS, 0 }, { OP_IS_NAN, ANY, TALLY_BOOL }, { OP_ONES_LIKE, NUMERIC, 0 },
        { OP_ZEROS_LIKE, NUMERIC, 0 }, { OP_CAST, ANY, -1 }, { OP_CAST, ANY, -1 }, { OP_CAST, ANY, -1 } };
    size_t k = dice(m, sizeof table / sizeof *table);
    int    a = pick(m, table[k].in, 0, MAX_RANK);
    if (a < 0)
        return false;
    type t = m->p->reg[a];
    op1(m, table[k].o, a, retyped(t, table[k].out > 0 ? table[k].out : table[k].out < 0 ? any_dtype(m) : t.dtype));
    return true;
}

static int sum_dtype(int d)
{
    return dtype_float(d) ? d : TALLY_I64;
}

static int mean_dtype(int d)
{
    return dtype_float(d) ? d : TALLY_F64;
}

static bool make_reduce(maker *m)
{
    static const op table[] = { OP_REDUCE_SUM, OP_REDUCE_MEAN, OP_REDUCE_MAX, OP_REDUCE_MIN, OP_REDUCE_ANY, OP_REDUCE_ALL, OP_SIZE };
    op  o = table[dice(m, 7)];
    int a = pick(m, o == OP_SIZE ? ANY : o == OP_REDUCE_ANY || o == OP_REDUCE_ALL ? BOOLS : NUMERIC, 0, MAX_RANK);
    if (a < 0)
        return false;
    int d = m->p->reg[a].dtype;
    op1(m, o, a, scalar_type(o == OP_SIZE ? TALLY_I64 : o == OP_REDUCE_SUM ? sum_dtype(d) : o == OP_REDUCE_MEAN ? mean_dtype(d) : d));
    return true;
}

static bool make_axis(maker *m)
{
    static const op table[] = { OP_SUM, OP_MEAN, OP_MAX, OP_MIN, OP_ARGMAX, OP_SOFTMAX, OP_LOG_SOFTMAX, OP_LOGSUMEXP, OP_CUMSUM, OP_DIM };
    op  o = table[dice(m, 10)];
    int a = pick(m, o == OP_DIM ? ANY : o >= OP_SOFTMAX && o != OP_CUMSUM ? FLOATS : NUMERIC, 1, MAX_RANK);
    if (a < 0)
        return false;
    type t = m->p->reg[a];
    int  axis = (int)dice(m, (size_t)t.rank), d = t.dtype;
    if (o == OP_DIM)
        op_axis(m, o, a, axis, scalar_type(TALLY_I64));
    else if (o == OP_SOFTMAX || o == OP_LOG_SOFTMAX)
        op_axis(m, o, a, axis, t);
    else if (o == OP_CUMSUM)
        op_axis(m, o, a, axis, retyped(t, sum_dtype(d)));
    else
        op_axis(m, o, a, axis, retyped(without_axis(t, axis), o == OP_ARGMAX ? TALLY_I64 : o == OP_SUM ? sum_dtype(d) : o == OP_MEAN ? mean_dtype(d) : d));
    return true;
}

static bool make_view(maker *m)
{
    int a = pick(m, ANY, 0, MAX_RANK);
    if (a < 0)
        return false;
    type t = m->p->reg[a];
    switch (dice(m, 4)) {
    case 0: {
        if (t.rank < 1)
            return false;
        type turned = t;
        for (int k = 0; k < t.rank; k++)
            turned.size[k] = t.size[t.rank - 1 - k];
        op1(m, OP_TRANSPOSE, a, turned);
        return true;
    }
    case 1:
        if (t.rank < 1 || (t.size[t.rank - 1] != SIZE_THREE && t.size[t.rank - 1] != SIZE_FOUR && dice(m, 12)))
            return false;
        if (t.size[t.rank - 1] >= SIZE_FIRST_RUN)           /* a slice too narrow for certain is refused while recording */
            return false;
        op_axis(m, OP_COLUMN, a, t.size[t.rank - 1] == SIZE_MADE ? 0 : (int)dice(m, 3), without_axis(t, t.rank - 1));
        return true;
    case 2: {
        if (t.rank > 2)
            return false;
        type out = t;
        int  axis = (int)dice(m, (size_t)t.rank + 1);
        for (int k = t.rank; k > axis; k--)
            out.size[k] = t.size[k - 1];
        out.size[axis] = SIZE_MADE;
        out.rank++;
        op_axis(m, OP_EXPAND_DIMS, a, axis, out);
        return true;
    }
    default:
        for (int k = 0; k < t.rank; k++)
            if (t.size[k] == SIZE_MADE) {
                op_axis(m, OP_SQUEEZE, a, k, without_axis(t, k));
                return true;
            }
        return false;
    }
}

static bool make_binary(maker *m)
{
    static const struct { op o; int in, bool_out; } table[] = {
        { OP_ADD, NUMERIC, 0 }, { OP_SUB, NUMERIC, 0 }, { OP_MUL, NUMERIC, 0 }, { OP_DIV, FLOATS, 0 }, { OP_DIV_NO_NAN, FLOATS, 0 },
        { OP_MINIMUM, NUMERIC, 0 }, { OP_MAXIMUM, NUMERIC, 0 }, { OP_POW, FLOATS, 0 }, { OP_AND, BOOLS, 0 }, { OP_OR, BOOLS, 0 }, { OP_XOR, BOOLS, 0 },
        { OP_ADD, NUMERIC, 0 }, { OP_SUB, NUMERIC, 0 }, { OP_MUL, NUMERIC, 0 } };
    size_t k = dice(m, sizeof table / sizeof *table);
    int    a = pick(m, table[k].in, 0, MAX_RANK);
    if (a < 0)
        return false;
    type t = m->p->reg[a], out = t;
    bool by_number = table[k].in != BOOLS && dice(m, 4) == 0;
    int  b = by_number ? number_for(m, t.dtype) : pick_beside(m, t, 1 << t.dtype, &out);
    if (b < 0)
        return false;
    bool swap = dice(m, 2);
    op2(m, table[k].o, swap ? b : a, swap ? a : b, out);
    return true;
}

static int compare(maker *m, int a)
{
    type t = m->p->reg[a], out = t;
    int  b = dice(m, 3) == 0 && t.dtype != TALLY_BOOL ? number_for(m, dtype_float(t.dtype) ? t.dtype : TALLY_F64) : pick_beside(m, t, ANY, &out);
    if (b < 0)
        return -1;
    op   o = (op)(OP_EQ + (int)dice(m, 6));
    bool swap = dice(m, 2);
    return op2(m, o, swap ? b : a, swap ? a : b, retyped(out, TALLY_BOOL));
}

static bool make_compare(maker *m)
{
    int a = pick(m, ANY, 0, MAX_RANK);
    return a >= 0 && compare(m, a) >= 0;
}

static bool make_choice(maker *m)
{
    type out;
    int  a = pick(m, NUMERIC, 0, MAX_RANK);
    if (a < 0)
        return false;
    type t = m->p->reg[a];
    if (dice(m, 3) == 0) {
        double low = dtype_float(t.dtype) || SIGNED >> t.dtype & 1 ? -2 : 1;
        instr *in = append(m, OP_NUMBER);
        int    lo = in->dst = m->p->n_registers++, hi;
        in->number = low;
        in->dtype = t.dtype;
        m->p->reg[lo] = scalar_type(t.dtype);
        in = append(m, OP_NUMBER);
        hi = in->dst = m->p->n_registers++;
        in->number = low + (double)dice(m, 4);
        in->dtype = t.dtype;
        m->p->reg[hi] = scalar_type(t.dtype);
        in = append(m, OP_CLIP);
        in->arg[0] = a;
        in->arg[1] = lo;
        in->arg[2] = hi;
        in->dtype = t.dtype;
        in->dst = register_new(m, t);
        return true;
    }
    int c = pick_beside(m, t, BOOLS, &out);
    if (c < 0)
        return false;
    out.dtype = t.dtype;
    int b = dice(m, 3) == 0 ? number_for(m, t.dtype) : pick_beside(m, out, 1 << t.dtype, &out);
    if (b < 0)
        return false;
    instr *in = append(m, OP_SELECT);
    bool   swap = dice(m, 2);
    in->arg[0] = c;
    in->arg[1] = swap ? b : a;
    in->arg[2] = swap ? a : b;
    in->dtype = t.dtype;
    in->dst = register_new(m, retyped(out, t.dtype));
    return true;
}

/* [.., n, k] x [.., k, m]; a vector is a row on the left, a column on the right */
static bool product_type(type a, type b, type *out)
{
    if (a.rank < 1 || b.rank < 1 || a.dtype != b.dtype || a.rank > 3 || b.rank > 3 || (a.rank == 3 && b.rank == 3 && a.size[0] != b.size[0]))
        return false;
    if (a.size[a.rank - 1] != b.size[b.rank > 1 ? b.rank - 2 : 0] || a.size[a.rank - 1] == SIZE_MADE)
        return false;
    if (a.rank == 3 && a.size[0] == SIZE_MADE)
        return false;
    if (b.rank == 3 && b.size[0] == SIZE_MADE)
        return false;
    *out = scalar_type(a.dtype);
    if (a.rank == 3 || b.rank == 3)
        out->size[out->rank++] = a.rank == 3 ? a.size[0] : b.size[0];
    if (a.rank > 1)
        out->size[out->rank++] = a.size[a.rank - 2];
    if (b.rank > 1)
        out->size[out->rank++] = b.size[b.rank - 1];
    return true;
}

static bool make_matmul(maker *m)
{
    int a = pick(m, FLOATS, 1, 3);
    if (a < 0)
        return false;
    type t = m->p->reg[a], out;
    for (int k = 0; k < m->n_visible; k++) {
        int b = m->visible[k];
        if (product_type(t, m->p->reg[b], &out) && dice(m, 3)) {
            op2(m, OP_MATMUL, a, b, out);
            return true;
        }
    }
    if (t.rank != 2 || t.size[1] == SIZE_MADE)
        return false;
    int b = op1(m, OP_TRANSPOSE, a, (type){ t.dtype, 2, { t.size[1], t.size[0] } });
    op2(m, OP_MATMUL, a, b, (type){ t.dtype, 2, { t.size[0], t.size[0] } });
    return true;
}

static bool make_index(maker *m)
{
    int a = pick(m, ANY, 1, 3);
    if (a < 0)
        return false;
    type t = m->p->reg[a];
    bool known = t.size[0] == SIZE_THREE || t.size[0] == SIZE_FOUR;
    if (dice(m, 2)) {
        int i = known || (t.size[0] < SIZE_FIRST_RUN && dice(m, 8) == 0) ? (dice(m, 12) == 0 ? pick(m, INTEGERS, 0, 0) : constant(m, TALLY_I64, (double)dice(m, 3))) : -1;
        if (i < 0)
            return false;
        op2(m, OP_AT, a, i, without_axis(t, 0));
        return true;
    }
    int ids = pick(m, INTEGERS, 0, t.rank == 1 ? 2 : 1);
    if (ids < 0 || !known)
        return false;
    type it = m->p->reg[ids], out = it;
    if (dice(m, 12)) {                                      /* into range, nearly always */
        int wide = op1(m, OP_CAST, ids, retyped(it, TALLY_I64)), lo = m->p->n_registers, hi = lo + 1;
        for (int k = 0; k < 2; k++) {
            instr *in = append(m, OP_NUMBER);
            in->dst = m->p->n_registers++;
            in->number = k ? 2 : 0;
            in->dtype = TALLY_I64;
            m->p->reg[in->dst] = scalar_type(TALLY_I64);
        }
        instr *in = append(m, OP_CLIP);
        in->arg[0] = wide;
        in->arg[1] = lo;
        in->arg[2] = hi;
        in->dtype = TALLY_I64;
        ids = in->dst = register_new(m, retyped(it, TALLY_I64));
    }
    for (int k = 1; k < t.rank; k++)
        out.size[out.rank++] = t.size[k];
    op2(m, OP_GATHER, a, ids, retyped(out, t.dtype));
    return true;
}

/* from a constant or any small number to a constant or to the end; -1 where it would nearly always be out of range */
static int make_slice(maker *m, int a, int axis)
{
    type   out = m->p->reg[a];
    bool   known = out.size[axis] == SIZE_THREE || out.size[axis] == SIZE_FOUR;
    size_t begin = known ? dice(m, 3) : dice(m, 8) == 0;
    int    from = dice(m, 10) == 0 ? pick(m, INTEGERS, 0, 0) : -1;
    if (from < 0 || m->p->constant[from])                   /* bounds that are wrong for certain are refused while recording */
        from = constant(m, TALLY_I64, (double)begin);
    int to = known && dice(m, 2) ? constant(m, TALLY_I64, (double)(begin + dice(m, 4 - begin))) : op_axis(m, OP_DIM, a, axis, scalar_type(TALLY_I64));
    out.size[axis] = SIZE_FIRST_RUN + m->run_sizes++;
    instr *in = append(m, OP_SLICE);
    in->arg[0] = a;
    in->arg[1] = from;
    in->arg[2] = to;
    in->axis = axis;
    in->from_end = dice(m, 4) == 0;
    in->dtype = out.dtype;
    return in->dst = register_new(m, out);
}

static bool make_other(maker *m)
{
    type out;
    switch (dice(m, 4)) {
    case 0: {
        int ids = pick(m, INTEGERS, 0, 2);
        if (ids < 0)
            return false;
        out = m->p->reg[ids];
        int like = pick(m, ANY, 1, 3), depth, size;
        if (like >= 0 && m->p->reg[like].size[0] != SIZE_MADE && dice(m, 2)) {
            size = m->p->reg[like].size[0];
            depth = op_axis(m, OP_DIM, like, 0, scalar_type(TALLY_I64));
        } else {
            size = dice(m, 2) ? SIZE_THREE : SIZE_FOUR;
            depth = constant(m, TALLY_I64, size == SIZE_THREE ? 3 : 4);
        }
        out.size[out.rank++] = size;
        do
            out.dtype = any_dtype(m);
        while (out.dtype == TALLY_BOOL);
        op2(m, OP_ONE_HOT, ids, depth, out);
        return true;
    }
    case 1: {
        int a = pick(m, ANY, 0, 2), b = pick(m, ANY, 1, 3);
        if (a < 0 || b < 0 || m->p->reg[a].rank > m->p->reg[b].rank || !broadcast(m->p->reg[a], m->p->reg[b], &out))
            return false;
        out.dtype = m->p->reg[b].dtype;
        if (!same_type(out, m->p->reg[b]))
            return false;
        op2(m, OP_BROADCAST_LIKE, a, b, retyped(out, m->p->reg[a].dtype));
        return true;
    }
    case 2: {
        int a = pick(m, NUMERIC, 1, 3), ids;
        if (a < 0 || m->p->reg[a].size[m->p->reg[a].rank - 1] == SIZE_MADE)
            return false;
        out = without_axis(m->p->reg[a], m->p->reg[a].rank - 1);
        for (int k = 0; k < 8; k++) {
            out.dtype = TALLY_U8 + (int)dice(m, 8);
            ids = pick_type(m, out);
            if (ids >= 0) {
                op2(m, OP_RANK_OF, a, ids, retyped(out, TALLY_I64));
                return true;
            }
        }
        ids = op_axis(m, OP_ARGMAX, a, m->p->reg[a].rank - 1, retyped(out, TALLY_I64));
        op2(m, OP_RANK_OF, a, ids, retyped(out, TALLY_I64));
        return true;
    }
    default: {
        int a = pick(m, ANY, 1, 3);
        return a >= 0 && make_slice(m, a, (int)dice(m, (size_t)m->p->reg[a].rank)) >= 0;
    }
    }
}

/* ---- effects ---- */

static int weight_for(maker *m, type value)
{
    type  w = { 0, 1, { value.rank ? value.size[0] : 0 } };
    int   dtypes[] = { TALLY_F32, TALLY_F64, TALLY_BOOL, TALLY_I32, TALLY_F16 }, r;
    if (dice(m, 3) == 0)
        return pick(m, 1 << TALLY_F32 | 1 << TALLY_F64 | BOOLS, 0, 0);
    if (!value.rank || value.size[0] == SIZE_MADE)
        return -1;
    for (int k = 0; k < 5; k++) {
        w.dtype = dtypes[(k + (int)dice(m, 5)) % 5];
        if ((r = pick_type(m, w)) >= 0)
            return r;
    }
    return -1;
}

/* labels for p: something of its shape, or made from it; computed: a dtype whose compute type is plain */
static int labels_for(maker *m, int p, bool computed)
{
    type t = m->p->reg[p];
    for (int k = 0; k < 13; k++) {
        int d = any_dtype(m);
        int r = computed && (d == TALLY_I64 || d == TALLY_U64 || d == TALLY_BOOL) ? -1 : pick_type(m, retyped(t, d));
        if (r >= 0 && r != p)
            return r;
    }
    int zero = number_for(m, t.dtype);
    int truth = op2(m, OP_GT, p, zero, retyped(t, TALLY_BOOL));
    int d = (int[]){ TALLY_I32, TALLY_F32, TALLY_U8, TALLY_BOOL }[dice(m, computed ? 3 : 4)];
    return d == TALLY_BOOL && !computed ? truth : op1(m, OP_CAST, truth, retyped(t, d));
}

static bool run_sized(type t)
{
    for (int k = 0; k < t.rank; k++)
        if (t.size[k] >= SIZE_FIRST_RUN)
            return true;
    return false;
}

/* what a metric of this kind may be given */
static int pick_operand(maker *m, metric_kind k)
{
    int  floats = dice(m, 3) ? 1 << TALLY_F32 | 1 << TALLY_F64 : FLOATS;
    bool own = k == KIND_MOMENTS || k == KIND_RANGE || k == KIND_BINS, two = kind_operands(k) == 2;
    if (k == KIND_COLUMNS)
        return pick(m, FLOATS, 2, 2);
    return pick(m, two || own ? floats : NUMERIC, 0, own ? 1 : two ? 2 : 3);
}

static bool make_update(maker *m, int ref)
{
    metric_kind k = m->p->store[m->p->ref[ref].store];
    int         arg[3] = { -1, -1, -1 }, n = kind_operands(k);
    m->samples = dice(m, 2);
    arg[n - 1] = pick_operand(m, k);
    m->samples = false;
    if (arg[n - 1] < 0 || run_sized(m->p->reg[arg[n - 1]]))
        return false;
    type t = m->p->reg[arg[n - 1]];
    if (k == KIND_COLUMNS && t.size[1] != SIZE_FOUR)
        return false;
    for (int j = 0; j < t.rank; j++)
        if (t.size[j] == SIZE_MADE)
            return false;
    if (n == 2 && t.rank == 0 && (k == KIND_MSE || k == KIND_MAE))
        return false;
    if (n == 2)
        arg[0] = labels_for(m, arg[1], k == KIND_MSE || k == KIND_MAE);
    int w = dice(m, 3) == 0 ? weight_for(m, t) : -1;
    instr *in = append(m, OP_UPDATE);
    in->metric = ref;
    memcpy(in->arg, arg, sizeof arg);
    in->n_operands = n;
    if (w >= 0)
        in->arg[in->n_operands++] = w;
    return true;
}

static bool make_store(maker *m)
{
    if (m->p->n_variables && dice(m, 3) == 0) {
        int v = (int)dice(m, (size_t)m->p->n_variables);
        int a = dice(m, 2) ? pick_type(m, m->p->variable[v]) : -1;
        if (a >= 0) {
            instr *in = append(m, OP_ASSIGN);
            in->variable = v;
            in->arg[0] = a;
        } else {
            instr *in = append(m, OP_READ);
            in->variable = v;
            in->dst = register_new(m, m->p->variable[v]);
        }
        return true;
    }
    if (!m->p->n_metric_refs)
        return false;
    int    ref = (int)dice(m, (size_t)m->p->n_metric_refs);
    size_t what = dice(m, 10);
    if (what == 0) {
        append(m, OP_RESET)->metric = ref;
    } else if (what < 4) {
        instr *in = append(m, OP_RESULT);
        in->metric = ref;
        in->dst = register_new(m, scalar_type(TALLY_F64));
    } else {
        return make_update(m, ref);
    }
    return true;
}

/* ---- regions ---- */

static void fill(maker *m, int budget);

static int condition(maker *m)
{
    int a = dice(m, 2) ? pick(m, BOOLS, 0, 0) : -1;
    if (a >= 0)
        return a;
    a = pick(m, NUMERIC, 0, 0);
    if (a >= 0 && dice(m, 3)) {
        int b = number_for(m, m->p->reg[a].dtype);
        return op2(m, (op)(OP_EQ + (int)dice(m, 6)), a, b, scalar_type(TALLY_BOOL));
    }
    a = pick(m, BOOLS, 1, MAX_RANK);
    if (a >= 0)
        return op1(m, dice(m, 2) ? OP_REDUCE_ANY : OP_REDUCE_ALL, a, scalar_type(TALLY_BOOL));
    a = constant(m, TALLY_I64, (double)dice(m, 3));
    int b = number_for(m, TALLY_I64);
    return op2(m, OP_LT, a, b, scalar_type(TALLY_BOOL));
}

typedef struct open_region {
    block *outside;
    int    n_visible, carry[MAX_CARRIED], n_carry;
} open_region;

/* carried variables start as init[]; their registers are seen inside, and again after the region */
static instr *region_begin(maker *m, op o, const int *init, int n, open_region *open)
{
    int carry[MAX_CARRIED];
    for (int k = 0; k < n; k++) {
        carry[k] = m->p->n_registers++;
        m->p->reg[carry[k]] = m->p->reg[init[k]];
        if (o != OP_INLINE && m->p->reg[init[k]].rank && dice(m, 4) == 0)
            m->p->reg[carry[k]].size[0] = SIZE_FIRST_RUN + m->run_sizes++;   /* may change from turn to turn, or by arm */
    }
    instr *in = append(m, o);
    in->n_carry = open->n_carry = n;
    for (int k = 0; k < n; k++) {
        in->carry[k] = open->carry[k] = carry[k];
        in->init[k] = init[k];
    }
    open->outside = m->into;
    open->n_visible = m->n_visible;
    m->depth++;
    return in;
}

static block *region_block(maker *m, const open_region *open)
{
    block *b = m->into = block_new(m);
    m->n_visible = open->n_visible;
    for (int k = 0; k < open->n_carry; k++)
        m->visible[m->n_visible++] = open->carry[k];
    return b;
}

static void region_end(maker *m, const open_region *open)
{
    m->into = open->outside;
    m->n_visible = open->n_visible;
    for (int k = 0; k < open->n_carry; k++)
        m->visible[m->n_visible++] = open->carry[k];
    m->depth--;
}

static int yield_for(maker *m, int carried)
{
    type t = m->p->reg[carried];
    if (t.rank && t.size[0] >= SIZE_FIRST_RUN && dice(m, 2)) {
        int part = make_slice(m, carried, 0);
        return part;
    }
    if (dice(m, 3) == 0 && NUMERIC >> t.dtype & 1) {
        type out;
        int  b = pick_beside(m, t, 1 << t.dtype, &out);
        if (b >= 0 && same_type(out, t))
            return op2(m, dice(m, 2) ? OP_ADD : OP_MAXIMUM, carried, b, t);
    }
    int r = pick_type(m, t);
    return r < 0 ? carried : r;
}

static int carried_inits(maker *m, int *init, int n)
{
    for (int want = (int)dice(m, 3); want > 0 && n < MAX_CARRIED; want--) {
        int r = pick(m, ANY, 0, 3);
        if (r >= 0 && !run_sized(m->p->reg[r]))
            init[n++] = r;
    }
    return n;
}

static void make_if(maker *m)
{
    open_region open;
    int         init[MAX_CARRIED], n = carried_inits(m, init, 0), c = condition(m);
    bool        callback = dice(m, 2);
    int         ref = callback && m->p->n_metric_refs && dice(m, 2) ? (int)dice(m, (size_t)m->p->n_metric_refs) : -1;
    block      *arm[2];
    instr      *in = region_begin(m, OP_IF, init, n, &open);
    int         at = m->into->n - 1;
    in->arg[0] = c;
    in->callback = callback;
    in->carried_metric = ref;
    in->carried_variable = callback && m->p->n_variables && dice(m, 3) == 0 ? 0 : -1;
    for (int k = 0; k < 2; k++) {
        arm[k] = region_block(m, &open);
        if (k == 0 || dice(m, 3))
            fill(m, 2 + (int)dice(m, 4));
        for (int j = 0; j < n; j++)
            arm[k]->yield[j] = yield_for(m, open.carry[j]);
    }
    region_end(m, &open);
    memcpy(m->into->at[at].inner, arm, sizeof arm);
}

static void make_while(maker *m)
{
    open_region open;
    int         init[MAX_CARRIED], n = 1, over;
    m->samples = dice(m, 2);
    over = dice(m, 2) ? pick(m, ANY, 1, 3) : -1;
    m->samples = false;
    if (over >= 0 && (m->p->reg[over].size[0] == SIZE_MADE || run_sized(m->p->reg[over])))
        over = -1;
    init[0] = constant(m, TALLY_I64, 0);
    n = carried_inits(m, init, n);
    int    bound = over >= 0 ? op_axis(m, OP_DIM, over, 0, scalar_type(TALLY_I64)) : constant(m, TALLY_I64, (double)dice(m, 4));
    bool   callback = dice(m, 2), limited = dice(m, 6) == 0, error = dice(m, 3) == 0;
    int    limit = (int)dice(m, 4), ref = callback && m->p->n_metric_refs && dice(m, 2) ? (int)dice(m, (size_t)m->p->n_metric_refs) : -1;
    instr *in = region_begin(m, OP_WHILE, init, n, &open);
    int    at = m->into->n - 1;
    in->callback = callback;
    in->carried_metric = ref;
    in->carried_variable = callback && m->p->n_variables && dice(m, 3) == 0 ? m->p->n_variables - 1 : -1;
    in->limit = limited ? limit : -1;
    in->limit_is_error = error;
    block *part[2];
    part[0] = region_block(m, &open);
    part[0]->yield[0] = op2(m, OP_LT, open.carry[0], bound, scalar_type(TALLY_BOOL));
    if (dice(m, 5) == 0) {
        int also = condition(m);
        part[0]->yield[0] = op2(m, OP_AND, part[0]->yield[0], also, scalar_type(TALLY_BOOL));
    }
    part[1] = region_block(m, &open);
    if (over >= 0) {
        op2(m, OP_AT, over, open.carry[0], without_axis(m->p->reg[over], 0));
        if (m->p->n_metric_refs)
            make_update(m, (int)dice(m, (size_t)m->p->n_metric_refs));
    }
    fill(m, 2 + (int)dice(m, 5));
    for (int j = 1; j < n; j++)
        part[1]->yield[j] = yield_for(m, open.carry[j]);
    int one = m->p->n_registers++;
    instr *num = append(m, OP_NUMBER);
    num->dst = one;
    num->number = 1;
    num->dtype = TALLY_I64;
    m->p->reg[one] = scalar_type(TALLY_I64);
    part[1]->yield[0] = op2(m, OP_ADD, open.carry[0], one, scalar_type(TALLY_I64));
    region_end(m, &open);
    memcpy(m->into->at[at].inner, part, sizeof part);
}

static void make_inline(maker *m)
{
    open_region open;
    int         init[MAX_CARRIED], n = carried_inits(m, init, 0), kept[MAX_REGISTERS], n_kept = m->n_visible;
    if (!n)
        return;
    memcpy(kept, m->visible, sizeof(int) * (size_t)n_kept);
    (void)region_begin(m, OP_INLINE, init, n, &open);
    int    at = m->into->n - 1;
    m->n_visible = 0;                                      /* a body of its own: it sees its arguments only */
    open.n_visible = 0;
    block *b = region_block(m, &open);
    fill(m, 3);
    int out[MAX_CARRIED], n_out = 1 + (int)dice(m, 2);
    for (int k = 0; k < n_out; k++)
        b->yield[k] = m->visible[dice(m, (size_t)m->n_visible)];
    m->into = open.outside;
    m->depth--;
    m->n_visible = n_kept;
    memcpy(m->visible, kept, sizeof(int) * (size_t)n_kept);
    for (int k = 0; k < n_out; k++)
        out[k] = register_new(m, m->p->reg[b->yield[k]]);
    instr *in = &m->into->at[at];
    in->inner[0] = b;
    in->n_out = n_out;
    memcpy(in->out, out, sizeof(int) * (size_t)n_out);
}

static void make_check(maker *m)
{
    if (dice(m, 2)) {
        int a = pick(m, ANY, 0, 2);
        if (a >= 0)
            append(m, OP_PRINT)->arg[0] = a;
    } else if (dice(m, 2) && m->p->n_assertions < 2) {
        int c = dice(m, 3) == 0 ? pick(m, BOOLS, 0, 2) : -1;
        if (c < 0)
            c = condition(m);
        append(m, OP_ASSERT)->arg[0] = c;
        m->p->n_assertions++;
    }
}

static void fill(maker *m, int budget)
{
    for (int tries = 0; budget > 0 && tries < 60 && !full(m); tries++) {
        bool done = true;
        switch (dice(m, 30)) {
        case 0: case 1: case 2: done = make_unary(m); break;
        case 3: case 4: done = make_reduce(m); break;
        case 5: case 6: case 7: done = make_axis(m); break;
        case 8: case 9: case 10: done = make_view(m); break;
        case 11: case 12: case 13: case 14: done = make_binary(m); break;
        case 15: case 16: done = make_compare(m); break;
        case 17: case 18: done = make_choice(m); break;
        case 19: done = make_matmul(m); break;
        case 20: case 21: done = make_index(m); break;
        case 22: done = make_other(m); break;
        case 23: case 24: case 25: case 26: done = make_store(m); break;
        case 27: if (m->depth < 3) make_if(m); else done = false; break;
        case 28: if (m->depth < 3) make_while(m); else done = false; break;
        default:
            if (dice(m, 3) == 0 && m->depth < 3)
                make_inline(m);
            else
                make_check(m);
        }
        budget -= done;
    }
}

/* ---- the whole ---- */

static type random_type(maker *m, int least_rank)
{
    static const int sizes[] = { SIZE_N, SIZE_N, SIZE_N, SIZE_M, SIZE_K, SIZE_THREE, SIZE_FOUR, SIZE_FOUR };
    type             t = { 0, 0, { 0 } };
    static const int often[] = { TALLY_F32, TALLY_F64, TALLY_F32, TALLY_I64, TALLY_I32, TALLY_F64 };
    t.dtype = dice(m, 2) ? often[dice(m, 6)] : any_dtype(m);
    t.rank = least_rank + (int)dice(m, (size_t)(4 - least_rank));
    for (int k = 0; k < t.rank; k++)
        t.size[k] = k == 0 ? sizes[dice(m, 8)] : sizes[3 + dice(m, 5)];
    return t;
}

static void make_stores(maker *m)
{
    program *p = m->p;
    p->n_stores = 1 + (int)dice(m, 3);
    for (int k = 0; k < p->n_stores; k++) {
        p->store[k] = (metric_kind)dice(m, KINDS);
        p->ref[k].store = k;
        p->ref[k].captured = dice(m, 3) == 0;
    }
    p->n_metric_refs = p->n_stores;
    if (dice(m, 3) == 0) {                                  /* one metric reached twice: two arguments, or argument and capture */
        p->ref[p->n_metric_refs].store = (int)dice(m, (size_t)p->n_stores);
        p->ref[p->n_metric_refs++].captured = dice(m, 2);
    }
    for (int k = 0; k < p->n_metric_refs; k++)
        p->return_metric[k] = dice(m, 3) == 0;
    p->n_variables = (int)dice(m, 3);
    for (int k = 0; k < p->n_variables; k++) {
        type t = random_type(m, 0);
        t.rank = t.rank > 2 ? 2 : t.rank;
        for (int j = 0; j < t.rank; j++)
            t.size[j] = dice(m, 2) ? SIZE_THREE : SIZE_FOUR;
        p->variable[k] = t;
        p->variable_captured[k] = dice(m, 3) == 0;
    }
}

program *program_make(uint64_t seed)
{
    pool    *memory = pool_new();
    program *p = pool_alloc(memory, sizeof *p);
    maker    m;
    memset(&m, 0, sizeof m);
    m.p = p;
    m.r.state = seed;
    p->pool = memory;
    p->seed = seed;
    p->wild = dice(&m, 3) == 0;
    p->n_inputs = 2 + (int)dice(&m, MAX_INPUTS - 1);
    for (int k = 0; k < p->n_inputs; k++)
        (void)register_new(&m, p->input[k] = random_type(&m, k < 2 ? 1 : 0));
    make_stores(&m);
    m.into = p->body = block_new(&m);
    if (dice(&m, 4) == 0) {
        type t = random_type(&m, 0);
        for (int k = 0; k < t.rank; k++)
            t.size[k] = dice(&m, 2) ? SIZE_THREE : SIZE_FOUR;
        captured(&m, t);
    }
    fill(&m, 4 + (int)dice(&m, 22));
    for (int k = 0; k < p->n_metric_refs; k++)
        if (dice(&m, 2) && !full(&m))
            (void)make_update(&m, k);
    p->n_returns = (int)dice(&m, MAX_RETURNS + 1);
    for (int k = 0; k < p->n_returns; k++)
        p->returns[k] = m.visible[m.n_visible - 1 - (int)dice(&m, (size_t)(m.n_visible + 1) / 2)];
    return p;
}

void program_free(program *p)
{
    pool_free(p->pool);
}
