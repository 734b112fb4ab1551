/* threshold: what lies above which threshold. Counts of a confusion matrix at one threshold or several: the four counts themselves,
 * Precision and Recall; and what the classes over whole grids of thresholds share with them. A weight counts only where its pair
 * matches, so a NaN weight elsewhere does no harm (as in Keras). */
#include "metric.h"

enum { TRUE_POSITIVES, OTHER };                    /* states; OTHER: false positives, or false negatives */
static const double no_threshold = -1e10;          /* below every score: with top_k alone, being kept is what counts */

/* ---- options */
/* NumPy's allclose with Keras's tolerance: then the bucket rule decides, not the comparison */
bool tally__evenly_spread(const double *t, int n)
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
    c->even = tally__evenly_spread(tally__reals(c, c->thresholds), n);
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

/* (scores ..., T) thresholds last, or without that axis for one: does the score lie above? NaN lies above nothing. Evenly spread
 * thresholds follow Keras's buckets: bucket ceil(p (T-1)) - 1 >= i, which is p (T-1) > i after p is clipped. */
static tally_node above(tally_trace *t, const tally__cuts *c, tally_node p, int32_t type)
{
    if (c->n == 1)
        return tally_gt(p, type == TALLY_F64 ? tally_f64(t, c->at[0]) : tally_f32(t, (float)c->at[0]));
    const tally_tensor list = tally_vector(c->at, c->n);
    tally_node         at = tally_cast(tally_capture_tensor(t, &list), (tally_dtype)type);
    if (c->even)
        p = tally_mul(tally_clip(tally__as(p, type), tally_num(0), tally_num(1)), tally_num(c->n - 1));
    return tally_gt(tally_expand_dims(p, tally_node_rank(p)), at);
}

/* what each score has, beside the axis of thresholds */
static tally_node over_thresholds(const tally__cuts *c, tally_node x)
{
    return c->n == 1 ? x : tally_expand_dims(x, tally_node_rank(x));
}

static bool has_rows(tally_trace *t, const tally_update *u, const tally__cuts *c, int rank)
{
    const bool column = c->class_id != TALLY_NONE;
    if (rank >= 1 + column || (!column && c->top_k == TALLY_NONE))
        return true;
    tally__refuse(t, u, "y_pred, expected rank %d or more for %s, found rank %d", 1 + column, column ? "class_id" : "top_k", rank);
    return false;
}

bool tally__positives(tally_trace *t, const tally_update *u, const tally__cuts *c, tally__sides *s)
{
    tally_node    y = u->operand[0], p = u->operand[1], kept = { NULL, 0, 0 };
    const int32_t type = tally__compute_type(u);
    if (!tally__align(t, u, &y, &p) || !has_rows(t, u, c, tally_node_rank(p)))
        return false;
    const int rank = tally_node_rank(p);
    if (c->top_k != TALLY_NONE)
        kept = tally__top_mask(p, c->top_k, u->inside->place);
    if (c->class_id != TALLY_NONE) {
        y = last_axis_at(t, y, c->class_id);
        p = last_axis_at(t, p, c->class_id);
        kept = tally__is_absent(kept) ? kept : last_axis_at(t, kept, c->class_id);
        for (int i = 0; i < 2; i++)
            if (tally_node_rank(u->operand[i]) == rank)
                tally__nan_operand(u, i, last_axis_at, c->class_id);
    }
    if (c->from_logits)
        p = tally_sigmoid(tally__as(p, type));
    *s = (tally__sides){ .label = tally_ne(y, tally_num(0)), .called = above(t, c, p, type), .rank = tally_node_rank(p) };
    s->truth = over_thresholds(c, s->label);
    if (!tally__is_absent(kept))
        s->called = tally_and(s->called, over_thresholds(c, kept));
    return tally__trace_ok(t);
}

void tally__add_hits(tally_trace *t, const tally_update *u, int state, tally_node hit, const tally__sides *s)
{
    tally_node w = u->weight, column = s->column_weights;
    if (!tally__is_absent(column) && tally_node_rank(hit) > s->rank)
        column = tally_expand_dims(column, s->rank);
    if (!tally__is_absent(w)) {
        if (!tally__weight_fit(t, u, s->rank, &w))
            return;
        w = tally__weight_like(u, w, hit);
        column = tally__is_absent(column) ? w : tally_mul(tally__as(w, TALLY_F64), column);
    }
    tally_accumulate(t, u, state, tally__is_absent(column) ? hit : tally_select(hit, column, tally_num(0)), tally__absent());
}

void tally__add_curve(tally_trace *t, const tally_update *u, const tally__sides *s)
{
    tally__add_hits(t, u, TALLY__TP_AT, tally_and(s->called, s->truth), s);
    tally__add_hits(t, u, TALLY__FP_AT, tally_and(s->called, tally_not(s->truth)), s);
    tally__add_hits(t, u, TALLY__POSITIVES, s->label, s);
    tally__add_hits(t, u, TALLY__NEGATIVES, tally_not(s->label), s);
}

/* ---- the classes */
/* the cuts of a list of thresholds, of evenly spread ones their places 0 to n-1; without a list 0.5, or none with top_k */
static bool list_positives(tally_trace *t, const tally_update *u, tally__sides *s)
{
    const tally__threshold_config *c = u->config;
    const double                   only = c->top_k == TALLY_NONE ? 0.5 : no_threshold;
    tally__cuts                    cuts = { tally__reals(c, c->thresholds), c->thresholds.n, c->even, c->top_k, c->class_id, false };
    if (!cuts.n) {
        cuts.at = &only;
        cuts.n = 1;
    }
    if (cuts.even)
        cuts.at = tally__places(t, cuts.n, 0);
    return cuts.at && tally__positives(t, u, &cuts, s);
}

const double *tally__places(tally_trace *t, int32_t n, double first)
{
    double *at = tally__record_alloc(t, (size_t)n * sizeof *at);
    for (int32_t i = 0; at && i < n; i++)
        at[i] = i ? i : first;
    return at;
}

static tally_node both(tally_node a, bool is_a, tally_node b, bool is_b)
{
    return tally_and(is_a ? a : tally_not(a), is_b ? b : tally_not(b));
}

static void add_one_count(tally_trace *t, const tally_update *u, bool truth, bool called)
{
    tally__sides s;
    if (list_positives(t, u, &s))
        tally__add_hits(t, u, 0, both(s.called, called, s.truth, truth), &s);
}

void tally__update_true_positives(tally_trace *t, const tally_update *u)
{
    add_one_count(t, u, true, true);
}

void tally__update_true_negatives(tally_trace *t, const tally_update *u)
{
    add_one_count(t, u, false, false);
}

void tally__update_false_positives(tally_trace *t, const tally_update *u)
{
    add_one_count(t, u, false, true);
}

void tally__update_false_negatives(tally_trace *t, const tally_update *u)
{
    add_one_count(t, u, true, false);
}

void tally__update_precision(tally_trace *t, const tally_update *u)
{
    tally__sides s;
    if (!list_positives(t, u, &s))
        return;
    tally__add_hits(t, u, TRUE_POSITIVES, tally_and(s.called, s.truth), &s);
    tally__add_hits(t, u, OTHER, tally_and(s.called, tally_not(s.truth)), &s);
}

void tally__update_recall(tally_trace *t, const tally_update *u)
{
    tally__sides s;
    if (!list_positives(t, u, &s))
        return;
    tally__add_hits(t, u, TRUE_POSITIVES, tally_and(s.called, s.truth), &s);
    tally__add_hits(t, u, OTHER, tally_and(tally_not(s.called), s.truth), &s);
}
