/* probabilistic: how far predicted distributions and rates are from the labels; the crossentropies have a file of their own. In the
 * compute type, a row's sum in float64. */
#include "metric.h"

void tally__update_kl_divergence(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                y, p;
    int                       last;
    if (!tally__pair(t, u, &y, &p) || !tally__axis_of(t, u, -1, tally_node_rank(p), &last))
        return;
    y = tally_clip(y, tally_num(TALLY__EPSILON), tally_num(1));
    p = tally_clip(p, tally_num(TALLY__EPSILON), tally_num(1));
    tally_node v = tally_sum(tally__as(tally_mul(y, tally_log(tally_div(y, p))), TALLY_F64), last);
    tally__add_of_vectors(t, u, v, p, last, c->reduction);
}

void tally__update_poisson(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                y, p;
    if (!tally__pair(t, u, &y, &p))
        return;
    tally_node v = tally_sub(p, tally_mul(y, tally_log(tally_add(p, tally_num(TALLY__EPSILON)))));
    tally__add_mean_of_last(t, u, v, 1, c->reduction);
}
