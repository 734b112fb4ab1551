/* dce: what nobody needs goes. Effects, returned values, regions and every node that may fail on its data are needed: a
 * check is reported whether or not its value is used. */
#include "pass.h"

/* reading a state that no batch has built is an error */
static bool dce_reads_unbuilt(const tally__graph *g, const tally__node *n)
{
    const tally__cell_spec *spec = &g->slot[n->slot].schema->spec[n->cell];
    for (int k = 0; k < spec->rank; k++)
        if (spec->shape[k] < 0)
            return true;
    return false;
}

static bool dce_may_fail(const tally__graph *g, const tally__node *n)
{
    if (tally__op_table[n->op].laws & TALLY__LAW_CHECKS)
        return true;
    if (n->op == TALLY__OP_read_cell)
        return dce_reads_unbuilt(g, n);
    for (uint32_t i = 0; i < n->n_arg; i++) {       /* a size known only now may turn out not to fit */
        const tally__node *a = &g->node[n->arg[i]];
        for (int k = 0; n->arg[i] && k < a->rank; k++)
            if (g->size[a->dim[k]].kind == TALLY__SIZE_RUN)
                return true;
    }
    return false;
}

static bool dce_is_root(const tally__graph *g, const tally__node *n)
{
    uint8_t form = tally__op_table[n->op].form;
    return form == TALLY__FORM_EFFECT || form == TALLY__FORM_REGION || dce_may_fail(g, n);
}

static void dce_need(tally__edit *e, tally__id id)
{
    id = id ? e->instead[id] : 0;
    if (id)
        e->dead[id] = false;
}

bool tally__pass_dce(tally__edit *e)
{
    tally__graph *g = e->graph;
    for (tally__id i = 1; i < g->n_node; i++)
        e->dead[i] = e->instead[i] != i || !dce_is_root(g, &g->node[i]);
    for (int32_t i = 0; i < g->n_out; i++)
        dce_need(e, g->out[i].node);
    for (uint32_t r = 1; r < g->n_region; r++) {
        for (uint32_t i = 0; i < g->region[r].n_yield; i++)
            dce_need(e, g->region[r].yield[i]);
        for (uint32_t i = 0; i < g->region[r].n_param; i++)
            dce_need(e, g->region[r].param[i]);
    }
    for (tally__id i = g->n_node - 1; i > 0; i--)   /* arguments come before their users */
        if (!e->dead[i])
            for (uint32_t k = 0; k < g->node[i].n_arg; k++)
                dce_need(e, g->node[i].arg[k]);
    return true;
}
