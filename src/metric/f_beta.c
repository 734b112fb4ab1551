/* f_beta: the weighted harmonic mean of precision and recall, of each class, or of all by some average. */
#include "metric.h"

enum { TRUE_POSITIVES_OF, FALSE_POSITIVES_OF, LABELS_OF };     /* states, [C]; [] for micro. What is no true positive is missed */
enum { EACH_CLASS, MICRO, MACRO, WEIGHTED };       /* the words of average */
static const double near_zero = 1e-9;              /* a largest score this small calls nothing */

tally_status tally__settle_f_beta(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                                  tally_error *err)
{
    const tally__f_beta_config *c = config;
    (void)err;
    k->result_rank = c->average == EACH_CLASS;
    for (int i = 0; i < row->n_states && c->average == MICRO; i++) {
        states[i].rank = 0;
        states[i].shape[0] = 0;
    }
    return TALLY_OK;
}

/* Without a threshold what equals the largest of its row is positive, unless that is as good as 0. A NaN is no positive, nor is any
 * other score of its row. */
static tally_node called_of(tally_trace *t, const tally__f_beta_config *c, tally_node p)
{
    if (c->threshold != TALLY_NONE)
        return tally_gt(p, tally_node_dtype(p) == TALLY_F64 ? tally_f64(t, c->threshold) : tally_f32(t, (float)c->threshold));
    tally_node most = tally_expand_dims(tally_max(p, 1), 1);
    return tally_and(tally_ge(p, most), tally_gt(tally_abs(p), tally_num(near_zero)));
}

void tally__update_f_beta_score(tally_trace *t, const tally_update *u)
{
    tally_node y, p;
    if (!tally__pair(t, u, &y, &p))
        return;
    if (tally_node_rank(p) != 2) {
        tally__refuse(t, u, "y_pred, expected rank 2 (classes last), found rank %d", tally_node_rank(p));
        return;
    }
    tally_node called = called_of(t, u->config, p), none = tally_num(0), rest = tally_sub(tally_num(1), y);
    tally_accumulate(t, u, TRUE_POSITIVES_OF, tally_select(called, y, none), u->weight);
    tally_accumulate(t, u, FALSE_POSITIVES_OF, tally_select(called, rest, none), u->weight);
    tally_accumulate(t, u, LABELS_OF, y, u->weight);
}

void tally__update_f1_score(tally_trace *t, const tally_update *u)
{
    tally__update_f_beta_score(t, u);
}

/* (1 + b2) tp / ((1 + b2) tp + b2 fn + fp), which is 2 P R / (P + R) for b2 = 1: then the quotient is that of the exact sums */
static tally_node score_of(const tally_node *s, double b2)
{
    tally_node tp = s[TRUE_POSITIVES_OF], fp = s[FALSE_POSITIVES_OF], fn = tally_sub(s[LABELS_OF], tp);
    if (b2 == 1) {
        tp = tally_add(tp, tp);
        return tally_ratio(tp, tally_add(tp, tally_add(fn, fp)));
    }
    tp = tally_mul(tally_cast(tp, TALLY_F64), tally_num(1 + b2));
    return tally_div_no_nan(tp, tally_add(tally_add(tp, tally_mul(tally_cast(fn, TALLY_F64), tally_num(b2))), tally_cast(fp, TALLY_F64)));
}

tally_node tally__result_f_beta(tally_trace *t, const tally_node *s, const void *config)
{
    const tally__f_beta_config *c = config;
    tally_node                  f = score_of(s, c->beta * c->beta);
    (void)t;
    if (c->average == MACRO)
        return tally_reduce_mean(f);
    if (c->average != WEIGHTED)
        return f;
    tally_node labels = tally_cast(s[LABELS_OF], TALLY_F64);
    return tally_div_no_nan(tally_reduce_sum(tally_mul(f, labels)), tally_reduce_sum(labels));
}
