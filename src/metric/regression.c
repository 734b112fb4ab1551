/* regression: errors between labels and predictions, in the compute type; a row's mean adds in float64. A vector is as many
 * samples as it has entries. */
#include "metric.h"

/* the difference of aligned operands; absent where they do not align */
static tally_node difference(tally_trace *t, const tally_update *u)
{
    tally_node    y = u->operand[0], p = u->operand[1];
    const int32_t type = tally__compute_type(u);
    if (!tally__align(t, u, &y, &p))
        return tally__absent();
    return tally_sub(tally__as(p, type), tally__as(y, type));
}

/* per sample: the mean over the last axis, where there is one beside the samples' */
static void add_errors(tally_trace *t, const tally_update *u, tally_node e)
{
    const tally__mean_config *c = u->config;
    const int                 rank = tally_node_rank(e);
    tally__sample_mean(t, u, rank > 1 ? tally__mean_from(e, rank - 1) : e, tally__absent(), c->reduction);
}

void tally__update_mean_squared_error(tally_trace *t, const tally_update *u)
{
    tally_node d = difference(t, u);
    if (!tally__is_absent(d))
        add_errors(t, u, tally_square(d));
}

void tally__update_mean_absolute_error(tally_trace *t, const tally_update *u)
{
    tally_node d = difference(t, u);
    if (!tally__is_absent(d))
        add_errors(t, u, tally_abs(d));
}
