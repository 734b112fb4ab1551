/* regression: errors between labels and predictions, in the compute type; a row's mean adds in float64. A vector is as many
 * samples as it has entries. R2Score has a file of its own. */
#include "metric.h"

/* y_pred - y_true; absent where they do not align */
static tally_node difference(tally_trace *t, const tally_update *u)
{
    tally_node y, p;
    return tally__pair(t, u, &y, &p) ? tally_sub(p, y) : tally__absent();
}

static void add_errors(tally_trace *t, const tally_update *u, tally_node e)
{
    const tally__mean_config *c = u->config;
    tally__add_mean_of_last(t, u, e, 1, c->reduction);
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

/* The root is the result's: here each element counts in its sample's mean, as in Mean. */
void tally__update_root_mean_squared_error(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                d = difference(t, u);
    if (!tally__is_absent(d))
        tally__sample_mean(t, u, tally_square(d), tally__absent(), c->reduction);
}

tally_node tally__result_root(tally_trace *t, const tally_node *s, const void *config)
{
    return tally_sqrt(tally__result_ratio(t, s, config));
}

void tally__update_mean_absolute_percentage_error(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                y, p;
    if (!tally__pair(t, u, &y, &p))
        return;
    tally_node part = tally_abs(tally_div(tally_sub(y, p), tally_maximum(tally_abs(y), tally_num(TALLY__EPSILON))));
    tally__add_mean_of_last(t, u, part, 100, c->reduction);
}

void tally__update_mean_squared_logarithmic_error(tally_trace *t, const tally_update *u)
{
    tally_node y, p, least = tally_num(TALLY__EPSILON);
    if (!tally__pair(t, u, &y, &p))
        return;
    tally_node d = tally_sub(tally_log1p(tally_maximum(p, least)), tally_log1p(tally_maximum(y, least)));
    add_errors(t, u, tally_square(d));
}

/* ln cosh e. Small errors: -ln(1 - tanh^2 e) / 2, where nothing cancels; others: |e| + ln(1 + exp(-2|e|)) - ln 2, where nothing
 * overflows. One logarithm serves both. */
static tally_node log_cosh(tally_node e)
{
    tally_node size = tally_abs(e), small = tally_lt(size, tally_num(1));
    tally_node tail = tally_exp(tally_mul(size, tally_num(-2))), less = tally_neg(tally_square(tally_tanh(e)));
    tally_node log = tally_log1p(tally_select(small, less, tail));
    tally_node large = tally_add(size, tally_sub(log, tally_num(0.69314718055994531)));
    return tally_select(small, tally_mul(log, tally_num(-.5)), large);
}

void tally__update_log_cosh_error(tally_trace *t, const tally_update *u)
{
    tally_node e = difference(t, u);
    if (!tally__is_absent(e))
        add_errors(t, u, log_cosh(e));
}

/* ---- cosine: products and sums in float64, so that the squares of no float32 overflow */
static tally_node length_of(tally_node x, int axis)
{
    return tally_sqrt(tally_maximum(tally_sum(tally_square(x), axis), tally_num(TALLY__EPSILON * TALLY__EPSILON)));
}

void tally__update_cosine_similarity(tally_trace *t, const tally_update *u)
{
    const tally__axis_config *c = u->config;
    tally_node                y, p;
    int                       axis;
    if (!tally__pair(t, u, &y, &p) || !tally__axis_of(t, u, c->axis, tally_node_rank(p), &axis))
        return;
    y = tally__as(y, TALLY_F64);
    p = tally__as(p, TALLY_F64);
    tally_node dot = tally_sum(tally_mul(y, p), axis), lengths = tally_mul(length_of(y, axis), length_of(p, axis));
    tally__add_of_vectors(t, u, tally_div(dot, lengths), p, axis, c->reduction);
}
