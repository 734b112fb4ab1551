/* r2: the coefficient of determination of each output, and what becomes of many: their mean, weighted by variance or not, or all. */
#include "metric.h"

#include <math.h>

enum { R2_ROWS, R2_SQUARED_SUM, R2_SUM, R2_RESIDUAL, R2_COUNT };   /* states; all but the rows have one entry for each output */

tally_status tally__settle_r2(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states, tally_error *err)
{
    const tally__r2_config *c = config;
    (void)row;
    (void)states;
    (void)err;
    k->result_rank = c->class_aggregation == TALLY_R2_NONE;
    return TALLY_OK;
}

/* [n] is [n, 1] */
static tally_node with_outputs(tally_node x)
{
    return tally_node_rank(x) == 1 ? tally_expand_dims(x, 1) : x;
}

/* A row counts once if any of its weights is not 0. */
static void count_rows(tally_trace *t, const tally_update *u, tally_node y)
{
    tally_node one = tally_ones_like(tally_column(y, 0)), w = u->weight;
    if (!tally__is_absent(w) && tally_node_rank(w) > 1)
        w = tally_max(tally_ne(tally__weight_like(u, w, y), tally_num(0)), 1);
    tally_accumulate(t, u, R2_ROWS, one, w);
}

void tally__update_r2_score(tally_trace *t, const tally_update *u)
{
    tally_node y, p;
    if (!tally__pair(t, u, &y, &p))
        return;
    const int rank = tally_node_rank(p);
    if (rank < 1 || rank > 2) {
        tally__refuse(t, u, "y_pred, expected rank 1 or 2 (outputs last), found rank %d", rank);
        return;
    }
    y = with_outputs(y);
    count_rows(t, u, y);
    tally_node wide = tally__as(y, TALLY_F64), d = tally_sub(tally__as(with_outputs(p), TALLY_F64), wide);
    tally_accumulate(t, u, R2_SQUARED_SUM, tally_square(wide), u->weight);
    tally_accumulate(t, u, R2_SUM, y, u->weight);
    tally_accumulate(t, u, R2_RESIDUAL, tally_square(d), u->weight);
    tally_accumulate(t, u, R2_COUNT, tally_ones_like(y), u->weight);
}

/* ---- count * squared_sum - sum^2, both products exact: Dekker's halves, of 26 bits each */
typedef struct halves { tally_node high, low; } halves;

static halves split(tally_node x)
{
    tally_node c = tally_mul(x, tally_num(134217729)), high = tally_sub(c, tally_sub(c, x));
    return (halves){ high, tally_sub(x, high) };
}

/* a b - product, where product = fl(a b) */
static tally_node rest_of(tally_node a, tally_node b, tally_node product)
{
    const halves x = split(a), y = split(b);
    tally_node   rest = tally_sub(tally_mul(x.high, y.high), product);
    rest = tally_add(tally_add(rest, tally_mul(x.high, y.low)), tally_mul(x.low, y.high));
    return tally_add(rest, tally_mul(x.low, y.low));
}

static tally_node scatter_of(const tally_node *s)
{
    tally_node n = tally_cast(s[R2_COUNT], TALLY_F64), q = tally_cast(s[R2_SQUARED_SUM], TALLY_F64), m = tally_cast(s[R2_SUM], TALLY_F64);
    tally_node a = tally_mul(n, q), b = tally_square(m);
    return tally_add(tally_sub(a, b), tally_sub(rest_of(n, q, a), rest_of(m, m, b)));
}

/* ---- the result */
static tally_node is_infinite(tally_node x)
{
    return tally_eq(tally_abs(x), tally_num((double)INFINITY));
}

/* With as many regressors as rows, or more, nothing is adjusted. */
static tally_node adjusted(tally_node r, tally_node rows, int32_t regressors)
{
    tally_node n = tally_cast(rows, TALLY_F64), one = tally_num(1), free = tally_sub(n, tally_num((double)regressors + 1));
    tally_node less = tally_sub(one, tally_div(tally_mul(tally_sub(one, r), tally_sub(n, one)), free));
    return tally_select(tally_gt(free, tally_num(0)), less, r);
}

/* 1 - residual / S with S = scatter / count; a division by 0 gives 0, 0/0 stays NaN. */
tally_node tally__result_r2(tally_trace *t, const tally_node *s, const void *config)
{
    const tally__r2_config *c = config;
    (void)t;
    tally_node scatter = scatter_of(s), n = tally_cast(s[R2_COUNT], TALLY_F64);
    tally_node r = tally_sub(tally_num(1), tally_div(tally_mul(s[R2_RESIDUAL], n), scatter));
    r = tally_select(is_infinite(r), tally_num(0), r);
    if (c->class_aggregation == TALLY_R2_UNIFORM_AVERAGE)
        r = tally_reduce_mean(r);
    if (c->class_aggregation == TALLY_R2_VARIANCE_WEIGHTED_AVERAGE) {
        tally_node weight = tally_div(scatter, n);
        r = tally_div(tally_reduce_sum(tally_mul(weight, r)), tally_reduce_sum(weight));
    }
    return c->num_regressors ? adjusted(r, s[R2_ROWS], c->num_regressors) : r;
}
