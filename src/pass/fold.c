/* fold: what can be known while planning. Ops on constants become constants, by the reference kernels themselves; an op that
 * returns its operand, by a law of its row that keeps every bit, becomes the operand; a fixed size becomes a number. */
#include "pass.h"

static bool fold_is_constant(const tally__graph *g, tally__id id) { return id && g->node[id].op == TALLY__OP_constant; }

static void fold_view(const tally__node *n, uint64_t *at, tally_tensor *x)
{
    *x = (tally_tensor){ at, n->dtype, 0, { 0 }, { 0 } };
    if (n->dtype == TALLY_U64)
        *at = n->constant.natural;
    else if (tally__is_float(n->dtype))
        tally__store_f64(at, n->dtype, n->constant.real);
    else
        tally__convert(at, n->dtype, &n->constant.integer, TALLY_I64, 1, 1);
}

static void fold_into(tally__node *n, const void *value, int32_t dtype)
{
    n->op = TALLY__OP_constant;
    n->n_arg = 0;
    n->constant.natural = 0;
    if (n->dtype == TALLY_U64)
        tally__convert(&n->constant.natural, TALLY_U64, value, dtype, 1, 1);
    else if (tally__is_float(n->dtype))
        n->constant.real = tally__load_f64(value, dtype);
    else
        n->constant.integer = tally__load_i64(value, dtype);
}

/* a NaN keeps no payload and a failing kernel keeps its place, so neither is folded */
static bool fold_constants(tally__edit *e, tally__node *n)
{
    uint64_t            memory[3];
    tally_tensor        in[3], out = { NULL, 0, 0, { 0 }, { 0 } };
    const tally_tensor *arg[3] = { NULL, NULL, NULL };
    if (tally__op_table[n->op].form != TALLY__FORM_ELEMENT || n->rank || n->n_arg > 3 || n->dtype == TALLY__EXACT)
        return true;
    for (uint32_t i = 0; i < n->n_arg; i++) {
        if (!fold_is_constant(e->graph, n->arg[i]))
            return true;
        fold_view(&e->graph->node[n->arg[i]], &memory[i], &in[i]);
        arg[i] = &in[i];
    }
    if (tally__evaluate(n, arg, &out, e->work, NULL))
        return false;
    double v = tally__load_f64(out.data, n->dtype);
    if (v == v)
        fold_into(n, out.data, n->dtype);
    return true;
}

bool tally__same_value_type(const tally__graph *g, const tally__node *n, tally__id a)
{
    const tally__node *m = &g->node[a];
    return m->dtype == n->dtype && m->rank == n->rank && !memcmp(m->dim, n->dim, n->rank * sizeof *n->dim);
}

bool tally__is_constant(const tally__graph *g, tally__id id, double v)
{
    const tally__node *n = &g->node[id];
    if (!fold_is_constant(g, id) || n->rank)
        return false;
    if (tally__is_float(n->dtype))
        return n->constant.real == v && (v != 0 || !tally__f64_bits(n->constant.real));
    return n->constant.integer == (int64_t)v;
}

static bool fold_is_neutral(const tally__graph *g, const tally__node *n, tally__id b)
{
    uint16_t laws = tally__op_table[n->op].laws;
    bool     zero = laws & TALLY__LAW_RIGHT_ZERO || (laws & TALLY__LAW_RIGHT_ZERO_INT && !tally__is_float(n->dtype));
    return (laws & TALLY__LAW_RIGHT_ONE && tally__is_constant(g, b, 1)) || (zero && tally__is_constant(g, b, 0));
}

/* f(f(a)) of one operand */
static tally__id fold_twice(const tally__graph *g, const tally__node *n)
{
    const tally__node *a = &g->node[n->arg[0]];
    uint16_t           laws = tally__op_table[n->op].laws;
    if (a->op != n->op)
        return 0;
    return laws & TALLY__LAW_INVOLUTION ? a->arg[0] : laws & TALLY__LAW_IDEMPOTENT ? n->arg[0] : 0;
}

/* the operand that the node equals by a law of its row, or 0 */
static tally__id fold_identity(const tally__graph *g, const tally__node *n)
{
    bool      commutes = tally__op_table[n->op].laws & TALLY__LAW_COMM;
    tally__id a = n->n_arg ? n->arg[0] : 0, b = n->n_arg > 1 ? n->arg[1] : 0, same = 0;
    if (!a || n->dtype == TALLY__EXACT)
        return 0;
    if (n->n_arg == 2)
        same = fold_is_neutral(g, n, b) || (tally__op_table[n->op].laws & TALLY__LAW_IDEMPOTENT && a == b) ? a
               : commutes && fold_is_neutral(g, n, a)                                                     ? b
                                                                                                          : 0;
    else if (n->n_arg == 1)
        same = n->op == TALLY__OP_cast ? a : fold_twice(g, n);
    return same && tally__same_value_type(g, n, same) ? same : 0;
}

static tally__id fold_argument(const tally__graph *g, int32_t index)
{
    const tally__region *body = &g->region[1];
    for (uint32_t i = 0; i < body->n_list && g->node[body->list[i]].op == TALLY__OP_argument; i++)
        if (g->node[body->list[i]].axis == index)
            return body->list[i];
    return 0;
}

/* a size that comes in with an argument is asked there, so that the value itself need not be whole */
static void fold_size(const tally__graph *g, tally__node *n)
{
    const tally__node *a = n->op == TALLY__OP_dim ? &g->node[n->arg[0]] : NULL;
    const tally__size *size = a ? &g->size[a->dim[n->axis]] : NULL;
    tally__id          in = size && size->kind == TALLY__SIZE_INPUT ? fold_argument(g, size->index) : 0;
    if (size && size->kind == TALLY__SIZE_FIXED)
        fold_into(n, &size->value, TALLY_I64);
    if (in) {
        n->arg[0] = in;
        n->axis = size->axis;
    }
}

bool tally__pass_fold(tally__edit *e)
{
    tally__graph *g = e->graph;
    for (tally__id i = 1; i < g->n_node; i++) {
        tally__node *n = &g->node[i];
        for (uint32_t k = 0; k < n->n_arg; k++)
            n->arg[k] = e->instead[n->arg[k]];
        fold_size(g, n);
        if (!fold_constants(e, n))
            return false;
        tally__id same = n->op == TALLY__OP_constant ? 0 : fold_identity(g, n);
        if (same)
            e->instead[i] = e->instead[same];
    }
    for (uint32_t r = 1; r < g->n_region; r++)
        for (uint32_t i = 0; i < g->region[r].n_yield; i++)
            g->region[r].yield[i] = e->instead[g->region[r].yield[i]];
    return true;
}
