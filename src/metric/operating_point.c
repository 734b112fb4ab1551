/* operating_point: the best of one ratio over all thresholds at which another ratio is large enough: sensitivity at specificity and
 * its three relatives. */
#include "metric.h"

tally_status tally__settle_operating_point(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                                           tally_error *err)
{
    const tally__operating_point_config *c = config;
    (void)row;
    (void)k;
    (void)err;
    tally__settle_curve(states, c->num_thresholds, false, 0);
    return TALLY_OK;
}

/* One threshold is 0.5; more are evenly spread from 0 to 1 and follow the bucket rule. */
static void add_sides(tally_trace *t, const tally_update *u)
{
    static const double                  half = 0.5;
    const tally__operating_point_config *c = u->config;
    const tally__picks                   picks = { TALLY_NONE, c->class_id, false };
    const tally__grid                    g = { c->num_thresholds, c->num_thresholds > 1 ? NULL : &half, false };
    tally__scores                        s;
    if (tally__scores_of(t, u, &picks, &s))
        tally__add_scores(t, u, &g, &s, false, tally_num(1));
}

void tally__update_sensitivity_at_specificity(tally_trace *t, const tally_update *u)
{
    add_sides(t, u);
}

void tally__update_specificity_at_sensitivity(tally_trace *t, const tally_update *u)
{
    add_sides(t, u);
}

void tally__update_precision_at_recall(tally_trace *t, const tally_update *u)
{
    add_sides(t, u);
}

void tally__update_recall_at_precision(tally_trace *t, const tally_update *u)
{
    add_sides(t, u);
}

/* ---- results */
static tally_node sensitivity(const tally_node *s)
{
    return tally_ratio(s[TALLY__TP_AT], s[TALLY__POSITIVES]);
}

static tally_node specificity(const tally_node *s)
{
    return tally_ratio(tally_sub(s[TALLY__NEGATIVES], s[TALLY__FP_AT]), s[TALLY__NEGATIVES]);
}

static tally_node precision(const tally_node *s)
{
    return tally__part_or_zero(s[TALLY__TP_AT], tally_add(s[TALLY__TP_AT], s[TALLY__FP_AT]));
}

/* the largest of wanted, but not below 0, where the constrained ratio reaches the least */
typedef tally_node ratio_of(const tally_node *points);
static tally_node best(tally_trace *t, const tally_node *states, const tally__operating_point_config *c, ratio_of *wanted, ratio_of *constrained, double least)
{
    tally_node s[4], zero = tally_num(0);
    tally__points_of(t, states[0], c->num_thresholds, s);
    return tally_reduce_max(tally_select(tally_ge(constrained(s), tally_num(least)), tally_maximum(wanted(s), zero), zero));
}

tally_node tally__result_sensitivity_at_specificity(tally_trace *t, const tally_node *s, const void *config)
{
    const tally__operating_point_config *c = config;
    return best(t, s, c, sensitivity, specificity, c->specificity);
}

tally_node tally__result_specificity_at_sensitivity(tally_trace *t, const tally_node *s, const void *config)
{
    const tally__operating_point_config *c = config;
    return best(t, s, c, specificity, sensitivity, c->sensitivity);
}

tally_node tally__result_precision_at_recall(tally_trace *t, const tally_node *s, const void *config)
{
    const tally__operating_point_config *c = config;
    return best(t, s, c, precision, sensitivity, c->recall);
}

tally_node tally__result_recall_at_precision(tally_trace *t, const tally_node *s, const void *config)
{
    const tally__operating_point_config *c = config;
    return best(t, s, c, sensitivity, precision, c->precision);
}
