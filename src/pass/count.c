/* count: an update that adds or counts a one per element, unweighted, into one number needs the sizes only. It takes the operand of
 * ones_like itself and is marked (axis 1), so no ones are made and none are read. */
#include "pass.h"

static bool count_applies(const tally__graph *g, const tally__node *n)
{
    const tally__cell_spec *spec;
    if (n->op != TALLY__OP_accumulate || n->arg[1] || n->arg[2] || g->node[n->arg[0]].op != TALLY__OP_ones_like)
        return false;
    spec = &g->slot[n->slot].schema->spec[n->cell];
    return (spec->kind == TALLY_STATE_SUM || spec->kind == TALLY_STATE_COUNT) && !spec->rank;
}

bool tally__pass_count(tally__edit *e)
{
    for (tally__id i = 1; i < e->graph->n_node; i++) {
        tally__node *n = &e->graph->node[i];
        if (!count_applies(e->graph, n))
            continue;
        n->arg[0] = e->graph->node[n->arg[0]].arg[0];
        n->axis = 1;
        e->changed++;
    }
    return true;
}
