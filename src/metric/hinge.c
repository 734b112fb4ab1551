/* hinge: labels of two sides against scores. A label 0 is -1, each for itself: Keras asks whether all labels of the batch are 0 or 1,
 * so that its value depends on how rows were batched. */
#include "metric.h"

/* max(1 - y p, 0); absent where they do not align */
static tally_node hinge_of(tally_trace *t, const tally_update *u)
{
    tally_node y, p, one = tally_num(1), zero = tally_num(0);
    if (!tally__pair(t, u, &y, &p))
        return tally__absent();
    y = tally_select(tally_eq(y, zero), tally_num(-1), y);
    return tally_maximum(tally_sub(one, tally_mul(y, p)), zero);
}

void tally__update_hinge(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                v = hinge_of(t, u);
    if (!tally__is_absent(v))
        tally__add_mean_of_last(t, u, v, 1, c->reduction);
}

void tally__update_squared_hinge(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                v = hinge_of(t, u);
    if (!tally__is_absent(v))
        tally__add_mean_of_last(t, u, tally_square(v), 1, c->reduction);
}

void tally__update_categorical_hinge(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                y, p;
    int                       last;
    if (!tally__pair(t, u, &y, &p) || !tally__axis_of(t, u, -1, tally_node_rank(p), &last))
        return;
    tally_node right = tally_sum(tally__as(tally_mul(y, p), TALLY_F64), last);
    tally_node wrong = tally__as(tally_max(tally_mul(tally_sub(tally_num(1), y), p), last), TALLY_F64);
    tally_node v = tally_maximum(tally_add(tally_sub(wrong, right), tally_num(1)), tally_num(0));
    tally__add_of_vectors(t, u, v, p, last, c->reduction);
}
