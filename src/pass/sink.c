/* sink: a value that only one later loop walks is made there, so that it need not be kept whole. */
#include "fuse.h"

#define SINK_APART (TALLY__NO_STEP - 1)      /* of a value: its user is no single loop that walks it */

static void sink_use(tally__fusing *f, tally__id id, uint32_t at)
{
    if (f->p->graph->node[id].region != f->region)
        f->user[id] = SINK_APART;
    else if (f->user[id] == TALLY__NO_STEP || f->user[id] == at)
        f->user[id] = at;
    else
        f->user[id] = SINK_APART;
}

static void sink_use_operands(tally__fusing *f, const tally__node *n, uint32_t at)
{
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (n->arg[i])
            sink_use(f, n->arg[i], tally__operand_walks(&f->w, n, i) && n->region == f->region ? at : SINK_APART);
}

/* what else needs values of this region whole */
static void sink_use_apart(tally__fusing *f)
{
    const tally__graph *g = f->p->graph;
    for (tally__id i = 1; i < g->n_node; i++)
        f->user[i] = TALLY__NO_STEP;
    for (tally__id i = 1; i < g->n_node; i++)
        if (g->node[i].region != f->region)
            for (uint32_t k = 0; k < g->node[i].n_arg; k++)
                f->user[g->node[i].arg[k]] = SINK_APART;
    for (uint32_t r = 1; r < g->n_region; r++)
        for (uint32_t i = 0; i < g->region[r].n_yield; i++)
            f->user[g->region[r].yield[i]] = SINK_APART;
    for (int32_t i = 0; i < g->n_out; i++)
        f->user[g->out[i].node] = SINK_APART;
}

/* moving it must not make the loop keep two operands instead */
static bool sink_may_move(const tally__fusing *f, const tally__node *n, uint32_t from, uint32_t to)
{
    uint32_t kept = 0;
    if (to >= f->steps->n_step || to <= from || f->steps->step[to].kind != TALLY__STEP_LOOP ||
        f->steps->step[to].rows != f->steps->step[from].rows || f->steps->step[to].whole || tally__takes_whole(&f->w, n, f->steps->step[to].rows) ||
        tally__op_table[n->op].laws & TALLY__LAW_CHECKS)
        return false;
    for (uint32_t i = 0; i < n->n_arg; i++)
        kept += n->arg[i] && tally__step_of(f, n->arg[i]) == from && f->rows[n->arg[i]] && f->user[n->arg[i]] != TALLY__NO_STEP &&
                f->user[n->arg[i]] != to;
    return kept < 2;
}

/* last to first, so that whole chains move */
void tally__sink(tally__fusing *f)
{
    const tally__region *r = &f->p->graph->region[f->region];
    sink_use_apart(f);
    for (uint32_t i = r->n_list; i-- > 0;) {
        tally__id          id = r->list[i];
        const tally__node *n = &f->p->graph->node[id];
        if (f->rows[id] && sink_may_move(f, n, f->at[id], f->user[id]))
            f->at[id] = f->user[id];
        sink_use_operands(f, n, f->at[id]);
    }
}
