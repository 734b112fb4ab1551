/* threshold: counts of a confusion matrix at one threshold or several: Precision and Recall. A weight counts only where its
 * pair matches, so a NaN weight elsewhere does no harm (as in Keras). */
#include "metric.h"

enum { TRUE_POSITIVES, OTHER };                    /* states; OTHER: false positives, or false negatives */
static const double no_threshold = -1e10;          /* below every score: with top_k alone, being kept is what counts */

/* ---- options */
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

tally_status tally__settle_threshold(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                                     tally_error *err)
{
    tally__threshold_config *c = config;
    const int32_t            n = c->thresholds.n;
    (void)row;
    (void)err;
    c->even = evenly_spread(tally__reals(c, c->thresholds), n);
    k->result_rank = n > 1;
    for (int i = 0; i < k->n_states; i++) {
        states[i].rank = n > 1;
        states[i].shape[0] = n > 1 ? n : 0;
    }
    return TALLY_OK;
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

/* the one threshold, 0.5 or none */
static double only_threshold(const tally__threshold_config *c)
{
    return c->thresholds.n ? tally__reals(c, c->thresholds)[0] : c->top_k == TALLY_NONE ? 0.5 : no_threshold;
}

/* the thresholds as a vector; even ones by their places 0 to n-1 */
static tally_node all_thresholds(tally_trace *t, const tally__threshold_config *c)
{
    const int32_t n = c->thresholds.n;
    double       *at = tally__record_alloc(t, (size_t)n * sizeof *at);
    for (int32_t i = 0; at && i < n; i++)
        at[i] = c->even ? i : tally__reals(c, c->thresholds)[i];
    const tally_tensor list = tally_vector((const double *)at, n);
    return at ? tally_capture_tensor(t, &list) : tally__bad(t);
}

/* (scores ..., T) thresholds last, or without that axis for one: does the score lie above? NaN lies above nothing. Evenly spread
 * thresholds follow Keras's buckets: bucket ceil(p (T-1)) - 1 >= i, which is p (T-1) > i after p is clipped. */
static tally_node above(tally_trace *t, const tally__threshold_config *c, tally_node p, int32_t type)
{
    const int32_t n = c->thresholds.n;
    if (n <= 1)
        return tally_gt(p, type == TALLY_F64 ? tally_f64(t, only_threshold(c)) : tally_f32(t, (float)only_threshold(c)));
    tally_node at = tally_cast(all_thresholds(t, c), (tally_dtype)type);
    if (c->even)
        p = tally_mul(tally_clip(tally__as(p, type), tally_num(0), tally_num(1)), tally_num(n - 1));
    return tally_gt(tally_expand_dims(p, tally_node_rank(p)), at);
}

static tally_node over_thresholds(const tally__threshold_config *c, tally_node x, tally_node like)
{
    return c->thresholds.n <= 1 ? x : tally_broadcast_like(tally_expand_dims(x, tally_node_rank(x)), like);
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
        for (int i = 0; i < 2; i++)
            if (tally_node_rank(u->operand[i]) == r)
                tally__nan_operand(u, i, last_axis_at, c->class_id);
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
