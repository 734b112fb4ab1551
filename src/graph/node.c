/* node: node values and what every builder stands on: numbers and poison, the check of operands,
 * emission, constants. Knows no op's rules, no scopes, no effects. */
#include "graph.h"

/* ---- numbers and poison: a node value without a trace holds 64 bits, never all zero. Numbers have
 * one NaN, so other NaN patterns are free: one stands for "absent", as 0 bits must, and one for a
 * value that nothing can be made of */
static const uint64_t number_mask = UINT64_C(0x7ff4746fa1c64d91);
static const uint64_t number_nan = UINT64_C(0x7ff8000000000000);
static const uint64_t lost_bits = UINT64_C(0xfff4b19d2c83e057);

static tally_node node_of_bits(uint64_t bits)
{
    bits ^= number_mask;
    return (tally_node){ NULL, (uint32_t)(bits >> 32), (uint32_t)bits };
}

static uint64_t bits_of_node(tally_node x)
{
    return ((uint64_t)x.id << 32 | x.generation) ^ number_mask;
}

tally_node tally_num(double v)
{
    uint64_t bits = number_nan;
    if (v == v)
        memcpy(&bits, &v, sizeof bits);
    return node_of_bits(bits);
}

bool tally__is_absent(tally_node x)
{
    return !x.trace && !x.id && !x.generation;
}

bool tally__is_num(tally_node x, double *v)
{
    uint64_t bits = bits_of_node(x);
    if (x.trace || tally__is_absent(x) || bits == lost_bits)
        return false;
    if (v)
        memcpy(v, &bits, sizeof bits);
    return true;
}

tally_node tally__handle(tally_trace *t, tally__id id)
{
    return (tally_node){ t, id, t->generation };
}

tally_node tally__bad(tally_trace *t)
{
    return t ? tally__handle(t, TALLY__BAD_ID) : node_of_bits(lost_bits);
}

/* ---- operands */
typedef enum operand_state {
    OPERAND_LIVE,
    OPERAND_NUMBER,
    OPERAND_ABSENT,
    OPERAND_LOST,
    OPERAND_BAD,
    OPERAND_STALE,
    OPERAND_ESCAPED,
    OPERAND_DROPPED
} operand_state;

static bool trace_is_live(const tally_trace *t, uint32_t generation)
{
    return t && t->generation == generation && t->now;
}

static operand_state state_of_operand(tally_node x)
{
    const tally_trace *t = x.trace;
    if (!t)
        return tally__is_absent(x)      ? OPERAND_ABSENT
               : tally__is_num(x, NULL) ? OPERAND_NUMBER
                                        : OPERAND_LOST;
    if (!trace_is_live(t, x.generation))
        return OPERAND_STALE;
    if (x.id == TALLY__BAD_ID)
        return OPERAND_BAD;
    if (!x.id || x.id >= t->now->graph->n_node)
        return OPERAND_STALE;
    const tally__region_note *note = &t->now->note[t->now->graph->node[x.id].region];
    return note->open ? OPERAND_LIVE : note->dropped ? OPERAND_DROPPED : OPERAND_ESCAPED;
}

static const char *scope_verb(const tally__graph *g, const tally__region *region)
{
    return g->node[region->owner].op == TALLY__OP_if ? "if" : "while";
}

/* x was made where the current region cannot see it: in a closed one, or in a recording that was
 * dropped. */
static void fail_out_of_sight(tally_trace *t, tally_node x, int i, bool dropped, const char *op,
                              tally__place at)
{
    const tally__graph  *g = t->now->graph;
    const tally__region *region = &g->region[g->node[x.id].region];
    const char *verb = scope_verb(g, region), *file = tally__file_name(region->opened.file);
    if (!region->owner)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: argument %d, expected a node that was kept, found one of a "
                          "condition that was recorded once too often",
                          op, i);
    else if (dropped)
        tally__trace_fail(
            t, TALLY_INVALID_ARGUMENT, at,
            "%s: argument %d, expected a value of this iteration, found one of "
            "the iteration before in the %s opened at %s:%d: list the variable that carries it",
            op, i, verb, file, region->opened.line);
    else
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: argument %d, expected a value visible here, found one made "
                          "inside the %s opened at %s:%d: list the variable that carries it",
                          op, i, verb, file, region->opened.line);
}

static const char *what_is_wrong(const tally_trace *t, tally_node x, operand_state s)
{
    switch (s) {
    case OPERAND_ABSENT: return "an absent one (all zero)";
    case OPERAND_LOST:
        return "a value that no live node went into (numbers, absent or finished nodes only)";
    case OPERAND_STALE: return "a node of a finished body";
    case OPERAND_LIVE:
    case OPERAND_BAD:
    case OPERAND_ESCAPED:
    case OPERAND_DROPPED: return x.trace != t ? "a node of another body" : NULL;
    case OPERAND_NUMBER: break;
    }
    return NULL;
}

static bool check_operand(tally_trace *t, tally_node x, int i, bool optional, const char *op,
                          tally__place at)
{
    operand_state s = state_of_operand(x);
    if (s == OPERAND_NUMBER || (s == OPERAND_LIVE && x.trace == t) ||
        (s == OPERAND_ABSENT && optional))
        return true;
    const char *wrong = what_is_wrong(t, x, s);
    if (wrong) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: argument %d, expected a node of this body, found %s", op, i, wrong);
        if (s != OPERAND_STALE && x.trace)
            tally__trace_fail(x.trace, TALLY_INVALID_ARGUMENT, at,
                              "%s: argument %d, a node of this body is used in another", op, i);
    } else if (s != OPERAND_BAD) {
        fail_out_of_sight(t, x, i, s == OPERAND_DROPPED, op, at);
    }
    return false;
}

bool tally__operands_of(tally_trace *t, const tally_node *x, int n, unsigned optional,
                        const char *op, tally__place at)
{
    if (!tally__trace_ok(t))
        return false;
    for (int i = 0; i < n; i++)
        if (!check_operand(t, x[i], i, i < 32 && (optional >> i & 1), op, at))
            return false;
    return true;
}

tally_trace *tally__operands(const tally_node *x, int n, unsigned optional, const char *op,
                             tally__place at)
{
    for (int i = 0; i < n; i++)
        if (trace_is_live(x[i].trace, x[i].generation))
            return tally__operands_of(x[i].trace, x, n, optional, op, at) ? x[i].trace : NULL;
    return NULL;
}

tally__node *tally__node_of(tally_node x)
{
    assert(state_of_operand(x) == OPERAND_LIVE);
    return &x.trace->now->graph->node[x.id];
}

tally__node *tally__node_of_any(tally_node x)
{
    assert(trace_is_live(x.trace, x.generation) && x.id && x.id < x.trace->now->graph->n_node);
    return &x.trace->now->graph->node[x.id];
}

static const tally__node *node_if_live(tally_node x)
{
    if (!trace_is_live(x.trace, x.generation) || !x.id || x.id >= x.trace->now->graph->n_node)
        return NULL;
    return &x.trace->now->graph->node[x.id];
}

tally_dtype tally_node_dtype(tally_node x)
{
    const tally__node *n = node_if_live(x);
    return !n ? (tally_dtype)0 : n->dtype == TALLY__EXACT ? TALLY_F64 : (tally_dtype)n->dtype;
}

int tally_node_rank(tally_node x)
{
    const tally__node *n = node_if_live(x);
    return n ? n->rank : tally__is_num(x, NULL) ? 0 : -1;
}

/* ---- emission */
tally__id tally__node_new(tally_trace *t, const tally__node *n, const tally_node *args,
                          uint32_t n_args, tally__place at)
{
    if (!tally__trace_ok(t))
        return 0;
    tally__graph *g = t->now->graph;
    tally__node   node = *n;
    node.n_arg = n_args;
    node.arg = n_args ? tally__record_alloc(t, n_args * sizeof *node.arg) : NULL;
    node.place = t->cover.covers ? t->cover.at : at;
    node.who = t->cover.who;
    node.region = t->now->current;
    if (!tally__trace_ok(t) ||
        !tally__table_room(t, &g->node, g->n_node, &g->node_room, sizeof node))
        return 0;
    for (uint32_t i = 0; i < n_args; i++) {
        assert(args[i].trace == t || tally__is_absent(args[i]));
        node.arg[i] = args[i].id;
    }
    g->node[g->n_node] = node;
    return g->n_node++;
}

tally_node tally__emit(tally_trace *t, const tally__node *n, const tally_node *args,
                       uint32_t n_args, tally__place at)
{
    if (!t || !t->now)
        return tally__bad(t);
    tally__id id = tally__node_new(t, n, args, n_args, at);
    return id && tally__region_append(t, t->now->current, id) ? tally__handle(t, id)
                                                              : tally__bad(t);
}

tally_node tally__node_rounded(tally_trace *t, tally_node x, tally__place at)
{
    double v;
    if (tally__is_num(x, &v) || tally__is_absent(x) || !tally__trace_ok(t) ||
        tally__node_of(x)->dtype != TALLY__EXACT)
        return x;
    tally__node n = *tally__node_of(x);
    tally__node cast = { .op = TALLY__OP_cast, .dtype = TALLY_F64, .rank = n.rank };
    memcpy(cast.dim, n.dim, sizeof cast.dim);
    return tally__emit(t, &cast, &x, 1, at);
}

/* ---- constants */
static tally_node emit_constant(tally_trace *t, int32_t dtype, const void *value, tally__place at)
{
    tally__node n = { .op = TALLY__OP_constant, .dtype = (uint8_t)dtype };
    if (tally__is_float(dtype))
        n.constant.real = tally__load_f64(value, dtype);
    else if (dtype == TALLY_U64)
        memcpy(&n.constant.natural, value, sizeof n.constant.natural);
    else
        n.constant.integer = tally__load_i64(value, dtype);
    return tally__emit(t, &n, NULL, 0, at);
}

/* 2^63 and 2^64 would saturate to an integer whose nearest double is v again. */
static bool dtype_holds(int32_t dtype, double v, const void *stored)
{
    if (tally__is_float(dtype))
        return true;
    if ((dtype == TALLY_I64 && v >= 0x1p63) || (dtype == TALLY_U64 && v >= 0x1p64))
        return false;
    return tally__load_f64(stored, dtype) == v;
}

tally_node tally__constant_f64(tally_trace *t, int32_t dtype, double v, tally__place at)
{
    uint64_t value = 0;
    if (dtype == TALLY__EXACT)
        dtype = TALLY_F64;
    tally__store_f64(&value, dtype, v);
    if (!dtype_holds(dtype, v, &value)) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "num: value, expected one that %s holds, found %g",
                          tally__dtype_text(dtype), v);
        return tally__bad(t);
    }
    return emit_constant(t, dtype, &value, at);
}

tally_node tally__constant_i64(tally_trace *t, int32_t dtype, int64_t v, tally__place at)
{
    int64_t value = 0;
    if (tally__is_float(dtype) || dtype == TALLY__EXACT)
        return tally__constant_f64(t, dtype, (double)v, at);
    tally__convert(&value, dtype, &v, TALLY_I64, 1, 1);
    if (tally__load_i64(&value, dtype) != v || (dtype == TALLY_U64 && v < 0)) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "constant: value, expected one that %s holds, found %l",
                          tally__dtype_text(dtype), v);
        return tally__bad(t);
    }
    return emit_constant(t, dtype, &value, at);
}
