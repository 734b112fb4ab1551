/* defined: whether a result has a mathematical meaning, derived from how it was recorded: every division on its way has a
 * denominator that is not zero, and what came out is a number. No class needs to say so. */
#include "metric.h"

enum { NO_LINE = 0 };

static bool divides(const tally__node *n)
{
    return n->op == TALLY__OP_ratio || n->op == TALLY__OP_div || n->op == TALLY__OP_div_no_nan;
}

/* marks what the result was made of; operands come before their users */
static uint8_t *mark_ancestors(tally_trace *t, tally__id result)
{
    const tally__graph *g = tally__trace_graph(t);
    uint8_t            *mark = tally__record_alloc(t, (size_t)result + 1);
    if (!mark)
        return NULL;
    memset(mark, 0, (size_t)result + 1);
    mark[result] = 1;
    for (tally__id id = result; id > 0; id--)
        for (uint32_t i = 0; mark[id] && i < g->node[id].n_arg; i++)
            mark[g->node[id].arg[i]] = 1;
    mark[0] = 0;
    return mark;
}

static tally_node all_of(tally_node condition)
{
    return tally_node_rank(condition) ? tally_reduce_all_loc(condition, NULL, NO_LINE) : condition;
}

tally_node tally__defined(tally_trace *t, tally_node result)
{
    if (!tally__trace_ok(t))
        return tally__bad(t);
    const uint32_t region = tally__node_of(result)->region;
    uint8_t       *mark = mark_ancestors(t, result.id);
    tally_node     yes = all_of(tally_not_loc(tally_is_nan_loc(result, NULL, NO_LINE), NULL, NO_LINE));
    for (tally__id id = 1; mark && id <= result.id; id++) {
        const tally__node *n = &tally__trace_graph(t)->node[id];
        if (!mark[id] || n->region != region || !divides(n))
            continue;
        tally_node not_zero = tally_ne_loc(tally__handle(t, n->arg[1]), tally_num(0), NULL, NO_LINE);
        yes = tally_and_loc(yes, all_of(not_zero), NULL, NO_LINE);
    }
    return tally_cast_loc(yes, TALLY_I64, NULL, NO_LINE);
}
