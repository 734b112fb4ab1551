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
    return n->rank ? form : 0;      /* all scalars: loops of one element */
}

tally__loop_kernel *tally__kernel_of(const tally__kernel_set *set, const tally__graph *g, const tally__node *n)
{
    if (tally__op_table[n->op].form != TALLY__FORM_ELEMENT || n->n_arg < 1 || n->n_arg > 3)
        return NULL;
    uint32_t typed = n->op == TALLY__OP_select ? 1 : 0;
    int      type = tally__lane_type_of(g->node[n->arg[typed]].dtype), to = tally__lane_type_of(n->dtype);
    if (type < 0 || to < 0)
        return NULL;
    if (n->op == TALLY__OP_cast)
        return set->cast[type][to];
    for (uint32_t i = typed + 1; i < n->n_arg; i++)
        if (g->node[n->arg[i]].dtype != g->node[n->arg[typed]].dtype)
            return NULL;
    return set->element[n->op][type][scalar_form(g, n)];
}
