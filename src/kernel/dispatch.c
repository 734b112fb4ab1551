/* dispatch: which loops a machine can run and which loop a node gets. Knows dtypes and forms of operands, no loop. */
#include "kernel.h"

int tally__lane_type_of(int32_t dtype)
{
    switch (dtype) {
    case TALLY_F32: return TALLY__LANE_F32;
    case TALLY_F64: return TALLY__LANE_F64;
    case TALLY_I32: return TALLY__LANE_I32;
    case TALLY_I64: return TALLY__LANE_I64;
    case TALLY_U8: return TALLY__LANE_U8;
    case TALLY_BOOL: return TALLY__LANE_BOOL;
    default: return -1;
    }
}

const tally__kernel_set *tally__kernels_for(tally__isa isa)
{
    isa = TALLY__MIN(isa, tally__cpu());
#if defined TALLY_KERNELS_X86
    if (isa >= TALLY__ISA_AVX512)
        return &tally__kernels_v4;
    if (isa >= TALLY__ISA_AVX2)
        return &tally__kernels_v3;
#endif
    (void)isa;
    return &tally__kernels_base;
}

static unsigned scalar_form(const tally__graph *g, const tally__node *n)
{
    unsigned form = 0;
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (!g->node[n->arg[i]].rank)
            form |= 1u << i;
    if (n->rank)
        return form;
    return n->op == TALLY__OP_clip ? TALLY__FORM_VSS : TALLY__FORM_VVV;     /* all scalars: loops of one element */
}

/* along the first axis sums are exact: no rows */
static tally__loop_kernel *row_kernel(const tally__kernel_set *set, const tally__graph *g, const tally__node *n)
{
    const tally__node *x = &g->node[n->arg[0]];
    int                type = tally__lane_type_of(x->dtype);
    bool               sum = n->op == TALLY__OP_sum || n->op == TALLY__OP_mean;
    if (type < 0 || type > TALLY__LANE_F64 || n->axis != x->rank - 1 || (n->n_arg > 1 && g->node[n->arg[1]].dtype != TALLY_I64))
        return NULL;
    return sum && n->axis == 0 ? NULL : set->row->op[n->op][type];
}

typedef tally__loop_kernel *const loop_table[TALLY__LANE_TYPES][TALLY__FORMS];

static tally__loop_kernel *element_kernel(const tally__kernel_set *set, loop_table *table, const tally__graph *g, const tally__node *n)
{
    uint32_t typed = tally__op_table[n->op].takes[0] == 'c' ? 1 : 0;
    int      type = tally__lane_type_of(g->node[n->arg[typed]].dtype), to = tally__lane_type_of(n->dtype);
    if (type < 0 || to < 0)
        return NULL;
    if (n->op == TALLY__OP_cast)
        return set->cast[type][to];
    for (uint32_t i = typed + 1; i < n->n_arg; i++)
        if (g->node[n->arg[i]].dtype != g->node[n->arg[typed]].dtype)
            return NULL;
    return table[n->op][type][scalar_form(g, n)];
}

tally__loop_kernel *tally__kernel_of(const tally__kernel_set *set, const tally__graph *g, const tally__node *n)
{
    const tally__op_info *op = &tally__op_table[n->op];
    if (n->n_arg < 1 || n->n_arg > 3 || op->laws & TALLY__LAW_SIZES)
        return NULL;                /* what looks at sizes only is one element that repeats */
    if (op->form == TALLY__FORM_REDUCE || op->form == TALLY__FORM_ROW)
        return row_kernel(set, g, n);
    return op->form == TALLY__FORM_ELEMENT ? element_kernel(set, set->element, g, n) : NULL;
}

/* Two comparisons in a row go through mask registers twice in AVX-512, which costs more than its wider vectors win (1.3 times
 * the time, measured on Zen 4). */
const tally__kernel_set *tally__counting_set(const tally__kernel_set *set, int op)
{
#if defined TALLY_KERNELS_X86
    if (op == TALLY__OP_eq_gt && set == &tally__kernels_v4)
        return &tally__kernels_v3;
#endif
    (void)op;
    return set;
}

tally__loop_kernel *tally__count_of(const tally__kernel_set *set, const tally__graph *g, const tally__node *n)
{
    const tally__op_info *op = &tally__op_table[n->op];
    if (n->dtype != TALLY_BOOL || op->form != TALLY__FORM_ELEMENT || n->op == TALLY__OP_cast || op->laws & TALLY__LAW_SIZES)
        return NULL;
    set = tally__counting_set(set, n->op);
    return element_kernel(set, set->count, g, n);
}
