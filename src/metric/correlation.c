/* correlation: how labels and predictions vary together over an axis, or several: Pearson's, and Lin's concordance. In float64, as the
 * squares of no float32 overflow there. */
#include "metric.h"

typedef struct axes { int n, at[TALLY_MAX_RANK]; } axes;                 /* in rising order */
typedef struct spread { tally_node off, mean, variance; } spread;      /* off: from the mean, with the axes; the others without them */

/* ---- axes */
static bool put_axis(axes *a, int axis)
{
    int i = a->n++;
    for (; i > 0 && a->at[i - 1] >= axis; i--) {
        if (a->at[i - 1] == axis)
            return false;
        a->at[i] = a->at[i - 1];
    }
    a->at[i] = axis;
    return true;
}

static bool axes_of(tally_trace *t, const tally_update *u, int rank, axes *a)
{
    const tally__correlation_config *c = u->config;
    const int32_t                   *option = tally__wholes(c, c->axis);
    a->n = 0;
    for (int i = 0; i < TALLY__MAX(c->axis.n, 1); i++) {
        const int given = c->axis.n ? option[i] : -1;
        int       axis;
        if (!tally__axis_of(t, u, given, rank, &axis))
            return false;
        if (!put_axis(a, axis)) {
            tally__refuse(t, u, "axis, expected each axis once, found axis %d again for rank %d", given, rank);
            return false;
        }
    }
    return true;
}

static tally_node mean_over(tally_node x, const axes *a)
{
    for (int i = a->n - 1; i >= 0; i--)
        x = tally_mean_axis(x, a->at[i]);
    return x;
}

/* with axes of size 1 where mean_over took them away */
static tally_node over_axes(tally_node x, const axes *a)
{
    for (int i = 0; i < a->n; i++)
        x = tally_expand_dims(x, a->at[i]);
    return x;
}

static tally_node is_flat(tally_node x, const axes *a, tally__place at)
{
    if (a->n == 1)
        return tally__op_axis(TALLY__OP_all_equal, x, a->at[0], at);
    tally_node most = x, least = x;
    for (int i = a->n - 1; i >= 0; i--) {
        most = tally_max(most, a->at[i]);
        least = tally_min(least, a->at[i]);
    }
    return tally_eq(most, least);
}

/* ---- update */
/* What is constant has no variance, however its mean rounds. */
static spread spread_of(tally_node x, const axes *a, tally__place at)
{
    tally_node flat = over_axes(is_flat(x, a, at), a), wide = tally__as(x, TALLY_F64), mean = mean_over(wide, a);
    tally_node off = tally_select(flat, tally_num(0), tally_sub(wide, over_axes(mean, a)));
    return (spread){ off, mean, mean_over(tally_square(off), a) };
}

static bool spreads(tally_trace *t, const tally_update *u, spread *y, spread *p, axes *a)
{
    tally_node label, called;
    if (!tally__pair(t, u, &label, &called) || !axes_of(t, u, tally_node_rank(called), a))
        return false;
    *y = spread_of(label, a, u->inside->place);
    *p = spread_of(called, a, u->inside->place);
    return tally__trace_ok(t);
}

/* The lowest axis last: the others leave where it stands as it is. */
static void add_blocks(tally_trace *t, const tally_update *u, tally_node v, tally_node like, const axes *a)
{
    const tally__correlation_config *c = u->config;
    for (int i = a->n - 1; i > 0; i--) {
        tally__nan_along(u, tally_node_rank(like), a->at[i]);
        like = tally_min(like, a->at[i]);
    }
    tally__add_of_vectors(t, u, v, like, a->at[0], c->reduction);
}

void tally__update_pearson_correlation(tally_trace *t, const tally_update *u)
{
    spread y, p;
    axes   a;
    if (!spreads(t, u, &y, &p, &a))
        return;
    tally_node scale = tally_mul(tally_sqrt(y.variance), tally_sqrt(p.variance));
    add_blocks(t, u, tally_div(mean_over(tally_mul(y.off, p.off), &a), scale), p.off, &a);
}

void tally__update_concordance_correlation(tally_trace *t, const tally_update *u)
{
    spread y, p;
    axes   a;
    if (!spreads(t, u, &y, &p, &a))
        return;
    tally_node apart = tally_add(tally_add(y.variance, p.variance), tally_square(tally_sub(y.mean, p.mean)));
    tally_node together = tally_mul(mean_over(tally_mul(y.off, p.off), &a), tally_num(2));
    add_blocks(t, u, tally_div(together, tally_add(apart, tally_num(TALLY__EPSILON))), p.off, &a);
}
