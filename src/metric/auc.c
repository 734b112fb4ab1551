/* auc: the area under a curve through the points of many thresholds: the receiver's (ROC), precision over recall (PR), and their gains
 * (PRGAIN); of all scores together, or of each label for itself. */
#include "metric.h"

/* ---- options */
static void sort(double *v, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && v[k] < v[k - 1]; k--) {
            const double low = v[k];
            v[k] = v[k - 1];
            v[k - 1] = low;
        }
}

/* how many thresholds there are, the ends included */
static int32_t points(const tally__auc_config *c)
{
    return c->thresholds.n ? c->thresholds.n + 2 : c->num_thresholds;
}

/* the ends lie as far outside [0, 1] as Keras has them */
static void put_cuts(const tally__auc_config *c, double *at)
{
    at[0] = -TALLY__EPSILON;
    for (int32_t i = 0; i < c->thresholds.n; i++)
        at[i + 1] = tally__reals(c, c->thresholds)[i];
    at[c->thresholds.n + 1] = 1 + TALLY__EPSILON;
}

static tally_status check_labels(const tally__metric_row *row, const tally__auc_config *c, tally_error *err)
{
    if (c->multi_label && c->num_labels && c->label_weights.n && c->label_weights.n != c->num_labels)
        return tally__option_wrong(row, err, "label_weights, expected %d (num_labels), found %d", (int)c->num_labels,
                                   (int)c->label_weights.n);
    return TALLY_OK;
}

tally_status tally__settle_auc(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                               tally_error *err)
{
    tally__auc_config *c = config;
    const int64_t      labels = c->num_labels ? c->num_labels : c->label_weights.n ? c->label_weights.n : TALLY_DIM_OPERAND(1, 1);
    (void)k;
    sort((double *)(uintptr_t)tally__reals(c, c->thresholds), c->thresholds.n);
    c->even = tally__evenly_spread(tally__reals(c, c->thresholds), c->thresholds.n, 1);
    c->curve = c->curve < 6 ? c->curve % 3 : TALLY_AUC_PRGAIN;      /* behind: tf.keras's words for it */
    c->summation_method %= 3;
    tally__settle_curve(states, points(c), c->multi_label != 0, labels);
    return check_labels(row, c, err);
}

/* ---- update */
static tally_node weights_of_labels(tally_trace *t, const tally__auc_config *c)
{
    const tally_tensor list = tally_vector(tally__reals(c, c->label_weights), c->label_weights.n);
    return tally_capture_tensor(t, &list);
}

static tally__grid grid_of(tally_trace *t, const tally__auc_config *c)
{
    tally__grid g = { points(c), NULL, true };
    double     *at = c->even ? NULL : tally__record_alloc(t, (size_t)g.n * sizeof *at);
    if (at)
        put_cuts(c, at);
    g.at = at;
    return g;
}

static bool has_labels(tally_trace *t, const tally_update *u, const tally__auc_config *c, int rank)
{
    if (c->multi_label && rank != 2)
        tally__refuse(t, u, "y_pred, expected rank 2 (labels last) for multi_label, found rank %d", rank);
    else if (!c->multi_label && c->label_weights.n && rank < 1)
        tally__refuse(t, u, "y_pred, expected rank 1 or more (labels last) for label_weights, found rank 0");
    return tally__trace_ok(t);
}

/* label_weights weigh the columns of y_pred, unless each label has a curve of its own: then they weigh the curves */
void tally__update_auc(tally_trace *t, const tally_update *u)
{
    const tally__auc_config *c = u->config;
    const tally__picks       picks = { TALLY_NONE, TALLY_NONE, c->from_logits != 0 };
    const tally__grid        g = grid_of(t, c);
    tally__scores            s;
    tally_node               value = tally_num(1);
    if (!tally__scores_of(t, u, &picks, &s) || !has_labels(t, u, c, tally_node_rank(s.score)))
        return;
    if (!c->multi_label && c->label_weights.n)
        value = tally_broadcast_like(weights_of_labels(t, c), s.label);
    tally__add_scores(t, u, &g, &s, c->multi_label != 0, value);
}

/* ---- result: along the last axis, from the lowest threshold to the highest */
typedef struct curve { tally_node x, y; } curve;

static tally_node each_point(tally_node x)
{
    return tally_expand_dims(x, tally_node_rank(x));
}

static curve receiver(const tally_node *s)
{
    return (curve){ tally_ratio(s[TALLY__FP_AT], each_point(s[TALLY__NEGATIVES])),
                    tally_ratio(s[TALLY__TP_AT], each_point(s[TALLY__POSITIVES])) };
}

static curve precision_recall(const tally_node *s)
{
    return (curve){ tally_ratio(s[TALLY__TP_AT], each_point(s[TALLY__POSITIVES])),
                    tally__part_or_zero(s[TALLY__TP_AT], tally_add(s[TALLY__TP_AT], s[TALLY__FP_AT])) };
}

/* Flach and Kull: a point without true positives has the gains 0 and 1 */
static curve gains(const tally_node *s)
{
    tally_node tp = tally_cast(s[TALLY__TP_AT], TALLY_F64), one = tally_num(1), zero = tally_num(0);
    tally_node odds = each_point(tally_ratio(s[TALLY__POSITIVES], s[TALLY__NEGATIVES])), none = tally_eq(tp, zero);
    tally_node missed = tally__part_or_zero(tally_sub(each_point(s[TALLY__POSITIVES]), s[TALLY__TP_AT]), tp);
    tally_node wrong = tally__part_or_zero(s[TALLY__FP_AT], tp);
    tally_node recall = tally_select(none, zero, tally_sub(one, tally_mul(odds, missed)));
    return (curve){ tally_maximum(recall, zero), tally_select(none, one, tally_sub(one, tally_mul(odds, wrong))) };
}

static tally_node under_steps(tally_trace *t, const tally__auc_config *c, curve k)
{
    const int  n = points(c);
    tally_node left = tally__last_part(t, k.y, 0, n - 1), right = tally__last_part(t, k.y, 1, n);
    tally_node width = tally_sub(tally__last_part(t, k.x, 0, n - 1), tally__last_part(t, k.x, 1, n)), height;
    if (c->summation_method == TALLY_AUC_INTERPOLATION)
        height = tally_div(tally_add(left, right), tally_num(2));
    else if (c->summation_method == TALLY_AUC_MAJORING)
        height = tally_maximum(left, right);
    else
        height = tally_minimum(left, right);
    return tally_mul(width, height);
}

/* Davis and Goadrich: between two points true positives grow in a line with the predicted ones, of which precision is no line */
static tally_node under_precision(tally_trace *t, const tally__auc_config *c, const tally_node *s)
{
    const int  n = points(c);
    tally_node tp = s[TALLY__TP_AT], zero = tally_num(0), one = tally_num(1);
    tally_node called = tally_cast(tally_add(tp, s[TALLY__FP_AT]), TALLY_F64);
    tp = tally_cast(tp, TALLY_F64);
    tally_node tp_after = tally__last_part(t, tp, 1, n), d_tp = tally_sub(tally__last_part(t, tp, 0, n - 1), tp_after);
    tally_node before = tally__last_part(t, called, 0, n - 1), after = tally__last_part(t, called, 1, n);
    tally_node slope = tally__part_or_zero(d_tp, tally_maximum(tally_sub(before, after), zero));
    tally_node intercept = tally_sub(tp_after, tally_mul(slope, after));
    tally_node some = tally_and(tally_gt(before, zero), tally_gt(after, zero));
    tally_node growth = tally_div(tally_select(some, before, one), tally_select(some, after, one));
    tally_node area = tally_mul(slope, tally_add(d_tp, tally_mul(intercept, tally_log(growth))));
    return tally_div_no_nan(area, tally_maximum(tally_cast(each_point(s[TALLY__POSITIVES]), TALLY_F64), zero));
}

tally_node tally__result_auc(tally_trace *t, const tally_node *states, const void *config)
{
    const tally__auc_config *c = config;
    tally_node               s[4], area;
    tally__points_of(t, states[0], points(c), s);
    if (c->curve == TALLY_AUC_PR && c->summation_method == TALLY_AUC_INTERPOLATION)
        area = under_precision(t, c, s);
    else
        area = under_steps(t, c, c->curve == TALLY_AUC_ROC ? receiver(s) : c->curve == TALLY_AUC_PR ? precision_recall(s) : gains(s));
    area = tally_sum(area, tally_node_rank(area) - 1);
    if (!c->multi_label)
        return area;
    if (!c->label_weights.n)
        return tally_reduce_mean(area);
    tally_node w = weights_of_labels(t, c);
    return tally_div_no_nan(tally_reduce_sum(tally_mul(area, w)), tally_reduce_sum(w));
}
