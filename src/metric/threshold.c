/* threshold: counts of a confusion matrix at one threshold or several: Precision and Recall. A weight counts only where its
 * pair matches, so a NaN weight elsewhere does no harm (as in Keras). */
#include "metric.h"

enum { TRUE_POSITIVES, OTHER };                    /* states; OTHER: false positives, or false negatives */
static const double no_threshold = -1e10;          /* below every score: with top_k alone, being kept is what counts */

/* ---- options */
static tally_status check_thresholds(const tally__metric_row *row, const tally_threshold_options *o, tally_error *err)
{
    if (!o->thresholds != (o->n_thresholds == 0) || o->n_thresholds < 0)
        return tally__option_wrong(row, err, "thresholds, expected a list and its length, or neither, found %s and %d",
                                   o->thresholds ? "a list" : "NULL", (int)o->n_thresholds);
    for (int i = 0; i < o->n_thresholds; i++)
        if (!(o->thresholds[i] >= 0 && o->thresholds[i] <= 1))
            return tally__option_wrong(row, err, "thresholds[%d], expected 0 to 1, found %g", i, o->thresholds[i]);
    if (o->top_k != TALLY_NONE && o->top_k < 1)
        return tally__option_wrong(row, err, "top_k, expected 1 or more, or TALLY_NONE, found %d", (int)o->top_k);
    return TALLY_OK;
}

/* NumPy's allclose with Keras's tolerance: then the bucket rule decides, not the comparison */
static bool evenly_spread(const double *t, int n)
{
    if (n < 3)
        return false;
    for (int i = 0; i < n; i++) {
        const double even = (double)i / (double)(n - 1), off = t[i] < even ? even - t[i] : t[i] - even;
        if (!(off <= 1e-7 + 1e-5 * even))
            return false;
    }
    return true;
}

static void fill_config(tally__threshold_config *c, const tally_threshold_options *o, int n)
{
    c->n = n;
    c->even = evenly_spread(o->thresholds, o->n_thresholds);
    c->top_k = o->top_k;
    c->class_id = o->class_id;
    for (int i = 0; i < o->n_thresholds; i++)
        c->threshold[i] = c->even ? i : o->thresholds[i];
    if (!o->n_thresholds)
        c->threshold[0] = o->top_k == TALLY_NONE ? 0.5 : no_threshold;
}

tally_metric *tally__make_threshold(const tally__metric_row *row, const tally_threshold_options *o, tally_error *err)
{
    const int n = o->n_thresholds ? o->n_thresholds : 1;
    if (check_thresholds(row, o, err))
        return NULL;
    tally_context *x = tally__context_for(o->context, err);
    if (!x)
        return NULL;
    const size_t             size = sizeof(tally__threshold_config) + (size_t)n * sizeof(double);
    tally__threshold_config *c = tally__zalloc(x, size);
    tally_metric_options     head = TALLY_METRIC_OPTIONS_INIT;
    tally_metric            *m = NULL;
    head.context = x;
    head.name = o->name;
    head.nan = o->nan;
    if (c) {
        fill_config(c, o, n);
        m = tally__metric_from_row(row, c, size, n, &head, err);
    } else {
        tally__fail_memory(err, size);
    }
    tally__free(x, c, size);
    tally_context_release(x);
    return m;
}

/* ---- predictions */
static tally_node last_axis_at(tally_trace *t, tally_node x, int32_t class_id)
{
    const int  last = tally_node_rank(x) - 1;
    tally_node n = tally_dim(x, last), at = tally_i64(t, class_id);
    if (class_id < 0)
        at = tally_add(n, at);
    return tally_squeeze(tally_slice(x, last, at, tally_add(at, tally_num(1))), last);
}

/* (scores ..., T) thresholds last, or without that axis for one: does the score lie above? NaN lies above nothing. Evenly spread
 * thresholds follow Keras's buckets: bucket ceil(p (T-1)) - 1 >= i, which is p (T-1) > i after p is clipped. */
static tally_node above(tally_trace *t, const tally__threshold_config *c, tally_node p, int32_t type)
{
    if (c->n == 1)
        return tally_gt(p, type == TALLY_F64 ? tally_f64(t, c->threshold[0]) : tally_f32(t, (float)c->threshold[0]));
    const tally_tensor list = tally_vector(c->threshold, c->n);
    tally_node         at = tally_cast(tally_capture_tensor(t, &list), (tally_dtype)type);
    if (c->even)
        p = tally_mul(tally_clip(tally__as(p, type), tally_num(0), tally_num(1)), tally_num(c->n - 1));
    return tally_gt(tally_expand_dims(p, tally_node_rank(p)), at);
}

static tally_node over_thresholds(const tally__threshold_config *c, tally_node x, tally_node like)
{
    return c->n == 1 ? x : tally_broadcast_like(tally_expand_dims(x, tally_node_rank(x)), like);
}

/* ---- the two counts */
static void add_hits(tally_trace *t, const tally_update *u, int state, tally_node hit, int rank)
{
    tally_node w = u->weight;
    if (tally__is_absent(w)) {
        tally_accumulate(t, u, state, hit, w);
    } else if (tally__weight_fit(t, u, rank, &w)) {
        tally_accumulate(t, u, state, tally_select(hit, tally__weight_like(u, w, hit), tally_num(0)), tally__absent());
    }
}

/* labels and predictions, aligned, filtered; false: noted */
static bool positives(tally_trace *t, const tally_update *u, tally_node *truth, tally_node *called, int *rank)
{
    const tally__threshold_config *c = u->config;
    tally_node                     y = u->operand[0], p = u->operand[1], kept = { NULL, 0, 0 };
    const int32_t                  type = tally__compute_type(u);
    if (!tally__align(t, u, &y, &p))
        return false;
    const int r = tally_node_rank(p);
    if ((c->class_id != TALLY_NONE && r < 2) || (c->top_k != TALLY_NONE && r < 1)) {
        tally__refuse(t, u, "y_pred, expected rank %d or more for %s, found rank %d", c->class_id != TALLY_NONE ? 2 : 1,
                      c->class_id != TALLY_NONE ? "class_id" : "top_k", r);
        return false;
    }
    if (c->top_k != TALLY_NONE)
        kept = tally__top_mask(p, c->top_k, u->inside->place);
    if (c->class_id != TALLY_NONE) {
        y = last_axis_at(t, y, c->class_id);
        p = last_axis_at(t, p, c->class_id);
        kept = tally__is_absent(kept) ? kept : last_axis_at(t, kept, c->class_id);
    }
    *rank = tally_node_rank(p);
    *called = above(t, c, p, type);
    *truth = over_thresholds(c, tally_ne(y, tally_num(0)), *called);
    if (!tally__is_absent(kept))
        *called = tally_and(*called, over_thresholds(c, kept, *called));
    return tally__trace_ok(t);
}

void tally__update_precision(tally_trace *t, const tally_update *u)
{
    tally_node truth, called;
    int        rank;
    if (!positives(t, u, &truth, &called, &rank))
        return;
    add_hits(t, u, TRUE_POSITIVES, tally_and(called, truth), rank);
    add_hits(t, u, OTHER, tally_and(called, tally_not(truth)), rank);
}

void tally__update_recall(tally_trace *t, const tally_update *u)
{
    tally_node truth, called;
    int        rank;
    if (!positives(t, u, &truth, &called, &rank))
        return;
    add_hits(t, u, TRUE_POSITIVES, tally_and(called, truth), rank);
    add_hits(t, u, OTHER, tally_and(tally_not(called), truth), rank);
}
