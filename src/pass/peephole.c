/* peephole: ops that stand together become one, which gives the same bits by less work. A row is a pattern; the values between
 * stay where others need them, dce drops the rest. And a state is read as what is needed of it. */
#include "pass.h"

enum { PEEPHOLE_A = TALLY__OPS, PEEPHOLE_B, PEEPHOLE_C, PEEPHOLE_ONE, PEEPHOLE_MOST = 16, PEEPHOLE_OPERANDS = 3 };
#define A PEEPHOLE_A
#define B PEEPHOLE_B
#define C PEEPHOLE_C
#define ONE PEEPHOLE_ONE
#define OP(name) TALLY__OP_##name
static const struct peephole_row {
    uint16_t op;                        /* of A, B and C */
    bool     alone;                     /* only where nobody else needs the values between: they cost as much as the whole */
    unsigned numbers;                   /* bit i: operand i is one value */
    uint16_t pattern[PEEPHOLE_MOST];    /* an op, then its operands; operands of an op that commutes in any order */
} peephole_rows[] = {
    { OP(eq_gt), true, 2, { OP(eq), OP(gt), A, B, C } },
    { OP(eq_bool), false, 0, { OP(eq), A, B } },
    { OP(ne_bool), false, 0, { OP(ne), A, B } },
    { OP(binary_crossentropy), false, 0,
      { OP(neg), OP(add), OP(mul), A, OP(log_normal), B, OP(mul), OP(sub), ONE, A, OP(log_normal), OP(sub), ONE, B } },
};
#undef A
#undef B
#undef C
#undef ONE
#undef OP

typedef struct peephole {
    const tally__graph        *g;
    const struct peephole_row *row;
    const uint32_t            *uses;    /* [n_node] */
    const uint16_t            *at;      /* what comes next of the pattern */
    tally__id                  root;
    tally__id                  operand[PEEPHOLE_OPERANDS];
} peephole;

/* a size known only while the call runs may turn out not to fit: the ops are there to say so */
static bool peephole_sizes_known(const tally__graph *g, const tally__node *n)
{
    for (int k = 0; k < n->rank; k++)
        if (g->size[n->dim[k]].kind == TALLY__SIZE_RUN)
            return false;
    return true;
}

static bool peephole_fits(const peephole *p, uint32_t i, const tally__node *n)
{
    const char *takes = tally__op_table[p->row->op].takes;
    const bool  truth = takes[i] == 'c';
    for (uint32_t k = 0; k < i; k++)
        if (takes[k] == 'v' && takes[i] == 'v' && p->g->node[p->operand[k]].dtype != n->dtype)
            return false;
    if (p->row->numbers >> i & 1 && n->rank)
        return false;
    return n->dtype != TALLY__EXACT && truth == (n->dtype == TALLY_BOOL) && peephole_sizes_known(p->g, n);
}

static bool peephole_binds(peephole *p, uint32_t i, tally__id id)
{
    if (!p->operand[i] && peephole_fits(p, i, &p->g->node[id]))
        p->operand[i] = id;
    return p->operand[i] == id;
}

static bool peephole_matches(peephole *p, tally__id id);

static bool peephole_operands_match(peephole *p, const tally__node *n, bool turned)
{
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (!peephole_matches(p, n->arg[turned ? n->n_arg - 1 - i : i]))
            return false;
    return true;
}

/* An axis that repeats would have to be told of the new operands. */
static bool peephole_matches(peephole *p, tally__id id)
{
    const tally__node *n = &p->g->node[id];
    const uint16_t     next = *p->at++;
    if (next == PEEPHOLE_ONE)
        return tally__is_constant(p->g, id, 1);
    if (next >= PEEPHOLE_A)
        return peephole_binds(p, next - PEEPHOLE_A, id);
    if (n->op != next || n->repeat || (p->row->alone && id != p->root && p->uses[id] > 1))
        return false;
    const peephole before = *p;
    if (peephole_operands_match(p, n, false))
        return true;
    *p = before;
    return tally__op_table[n->op].laws & TALLY__LAW_COMM && peephole_operands_match(p, n, true);
}

/* false: out of memory */
static bool peephole_join(tally__edit *e, tally__node *n, const peephole *p)
{
    const uint32_t arity = tally__op_table[p->row->op].arity;
    tally__id     *arg = tally__arena_alloc(e->work, arity * sizeof *arg);
    if (!arg)
        return false;
    memcpy(arg, p->operand, arity * sizeof *arg);
    n->op = p->row->op;
    n->arg = arg;
    n->n_arg = arity;
    e->changed++;
    return true;
}

/* how many arguments, values that a region hands on, and returns a node is; NULL: out of memory */
static const uint32_t *peephole_uses(const tally__edit *e)
{
    const tally__graph *g = e->graph;
    uint32_t           *uses = tally__arena_zalloc(e->work, g->n_node * sizeof *uses);
    for (tally__id i = 1; uses && i < g->n_node; i++)
        for (uint32_t k = 0; k < g->node[i].n_arg; k++)
            uses[g->node[i].arg[k]]++;
    for (uint32_t r = 1; uses && r < g->n_region; r++)
        for (uint32_t k = 0; k < g->region[r].n_yield; k++)
            uses[g->region[r].yield[k]]++;
    for (int32_t k = 0; uses && k < g->n_out; k++)
        uses[g->out[k].node]++;
    return uses;
}

/* a state of which only the rounded numbers are needed is read rounded: an exact sum takes 37 times their memory */
static void peephole_read(tally__edit *e, tally__id id, const uint32_t *uses)
{
    const tally__node *n = &e->graph->node[id];
    tally__node       *read = &e->graph->node[n->arg[0]];
    if (n->dtype != TALLY_F64 || read->op != TALLY__OP_read_cell || read->dtype != TALLY__EXACT || uses[n->arg[0]] != 1)
        return;
    read->dtype = TALLY_F64;
    e->instead[id] = n->arg[0];
}

bool tally__pass_peephole(tally__edit *e)
{
    const uint32_t *uses = peephole_uses(e);
    if (!uses)
        return false;
    for (tally__id i = 1; i < e->graph->n_node; i++)
        for (size_t k = 0; k < TALLY__COUNT(peephole_rows); k++) {
            peephole p = { e->graph, &peephole_rows[k], uses, peephole_rows[k].pattern, i, { 0 } };
            if (peephole_matches(&p, i) && !peephole_join(e, &e->graph->node[i], &p))
                return false;
        }
    for (tally__id i = 1; i < e->graph->n_node; i++)
        if (e->graph->node[i].op == TALLY__OP_cast)
            peephole_read(e, i, uses);
    return true;
}
