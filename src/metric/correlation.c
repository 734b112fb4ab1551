/* correlation: how labels and predictions vary together along an axis: Pearson's, and Lin's concordance. In float64, as the squares of
 * no float32 overflow there. */
#include "metric.h"

typedef struct spread { tally_node off, mean, variance; } spread;      /* off: from the mean, with the axis; the others without it */

/* What is constant has no variance, however its mean rounds. */
static spread spread_of(tally_node x, int axis, tally__place at)
{
    tally_node flat = tally_expand_dims(tally__op_axis(TALLY__OP_all_equal, x, axis, at), axis), wide = tally__as(x, TALLY_F64);
    tally_node mean = tally_mean_axis(wide, axis);
    tally_node off = tally_select(flat, tally_num(0), tally_sub(wide, tally_expand_dims(mean, axis)));
    return (spread){ off, mean, tally_mean_axis(tally_square(off), axis) };
}

static bool spreads(tally_trace *t, const tally_update *u, spread *y, spread *p, int *axis)
{
    const tally__axis_config *c = u->config;
    tally_node                a, b;
    if (!tally__pair(t, u, &a, &b) || !tally__axis_of(t, u, c->axis, tally_node_rank(b), axis))
        return false;
    *y = spread_of(a, *axis, u->inside->place);
    *p = spread_of(b, *axis, u->inside->place);
    return tally__trace_ok(t);
}

void tally__update_pearson_correlation(tally_trace *t, const tally_update *u)
{
    const tally__axis_config *c = u->config;
    spread                    y, p;
    int                       axis;
    if (!spreads(t, u, &y, &p, &axis))
        return;
    tally_node scale = tally_mul(tally_sqrt(y.variance), tally_sqrt(p.variance));
    tally__add_of_vectors(t, u, tally_div(tally_mean_axis(tally_mul(y.off, p.off), axis), scale), p.off, axis, c->reduction);
}

void tally__update_concordance_correlation(tally_trace *t, const tally_update *u)
{
    const tally__axis_config *c = u->config;
    spread                    y, p;
    int                       axis;
    if (!spreads(t, u, &y, &p, &axis))
        return;
    tally_node apart = tally_add(tally_add(y.variance, p.variance), tally_square(tally_sub(y.mean, p.mean)));
    tally_node together = tally_mul(tally_mean_axis(tally_mul(y.off, p.off), axis), tally_num(2));
    tally__add_of_vectors(t, u, tally_div(together, tally_add(apart, tally_num(TALLY__EPSILON))), p.off, axis, c->reduction);
}
