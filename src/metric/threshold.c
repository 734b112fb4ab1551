/* threshold: what lies above which threshold. Counts of a confusion matrix at one threshold or several: the four counts themselves,
 * Precision and Recall; and what the classes over whole grids of thresholds share with them: which scores there are. A weight counts
 * only where its pair matches, so a NaN weight elsewhere does no harm (as in Keras). */
#include "metric.h"

enum { TRUE_POSITIVES, OTHER };                    /* states; OTHER: false positives, or false negatives */
static const double no_threshold = -1e10;          /* below every score: with top_k alone, being kept is what counts */

/* ---- options */
bool tally__evenly_spread(const double *t, int n, int ends)
{
    for (int i = 0; i < n; i++) {
        const double even = (double)(i + ends) / (double)(n - 1 + 2 * ends), off = t[i] < even ? even - t[i] : t[i] - even;
        if (!(off <= TALLY__EPSILON + 1e-5 * even))
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
    c->even = n > 2 && tally__evenly_spread(tally__reals(c, c->thresholds), n, 0);
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

static bool has_rows(tally_trace *t, const tally_update *u, const tally__picks *c, int rank)
{
    const bool column = c->class_id != TALLY_NONE;
    if (rank >= 1 + column || (!column && c->top_k == TALLY_NONE))
        return true;
    tally__refuse(t, u, "y_pred, expected rank %d or more for %s, found rank %d", 1 + column, column ? "class_id" : "top_k", rank);
    return false;
}

static void take_class(tally_trace *t, const tally_update *u, int32_t class_id, tally_node *y, tally__scores *s)
{
    const int rank = tally_node_rank(s->score);
    *y = last_axis_at(t, *y, class_id);
    s->score = last_axis_at(t, s->score, class_id);
    s->kept = tally__is_absent(s->kept) ? s->kept : last_axis_at(t, s->kept, class_id);
    for (int i = 0; i < 2; i++)
        if (tally_node_rank(u->operand[i]) == rank)
            tally__nan_operand(u, i, last_axis_at, class_id);
}

bool tally__scores_of(tally_trace *t, const tally_update *u, const tally__picks *c, tally__scores *s)
{
    tally_node y = u->operand[0];
    s->score = u->operand[1];
    s->kept = tally__absent();
    if (!tally__align(t, u, &y, &s->score) || !has_rows(t, u, c, tally_node_rank(s->score)))
        return false;
    if (c->top_k != TALLY_NONE)
        s->kept = tally__top_mask(s->score, c->top_k, u->inside->place);
    if (c->class_id != TALLY_NONE)
        take_class(t, u, c->class_id, &y, s);
    if (c->from_logits)
        s->score = tally_sigmoid(tally__as(s->score, tally__compute_type(u)));
    s->label = tally_ne(y, tally_num(0));
    return tally__trace_ok(t);
}

/* ---- the classes */
typedef struct sides {
    tally_node truth, called;           /* of each score, over the thresholds: is y_true, is y_pred positive */
    int        rank;                    /* of the scores */
} sides;

/* 0, 1, 2 ... n-1, as long as t; NULL: noted */
static const double *places(tally_trace *t, int32_t n)
{
    double *at = tally__record_alloc(t, (size_t)n * sizeof *at);
    for (int32_t i = 0; at && i < n; i++)
        at[i] = i;
    return at;
}

/* (scores ..., T) thresholds last, or without that axis for one: does the score lie above? NaN lies above nothing. Evenly spread
 * thresholds follow Keras's buckets: bucket ceil(p (T-1)) - 1 >= i, which is p (T-1) > i after p is clipped. */
static tally_node above_list(tally_trace *t, const tally__threshold_config *c, tally_node p, int32_t type)
{
    const int32_t n = c->thresholds.n;
    const double *at = c->even ? places(t, n) : tally__reals(c, c->thresholds);
    if (!at)
        return tally__bad(t);
    const tally_tensor list = tally_vector(at, n);
    if (c->even)
        p = tally_mul(tally_clip(tally__as(p, type), tally_num(0), tally_num(1)), tally_num(n - 1));
    return tally_gt(tally_expand_dims(p, tally_node_rank(p)), tally_cast(tally_capture_tensor(t, &list), (tally_dtype)type));
}

/* without a list 0.5, or none with top_k */
static tally_node above(tally_trace *t, const tally__threshold_config *c, tally_node p, int32_t type)
{
    const double only = c->thresholds.n ? tally__reals(c, c->thresholds)[0] : c->top_k == TALLY_NONE ? 0.5 : no_threshold;
    if (c->thresholds.n > 1)
        return above_list(t, c, p, type);
    return tally_gt(p, type == TALLY_F64 ? tally_f64(t, only) : tally_f32(t, (float)only));
}

/* what each score has, beside the axis of thresholds */
static tally_node over_thresholds(const tally__threshold_config *c, tally_node x)
{
    return c->thresholds.n > 1 ? tally_expand_dims(x, tally_node_rank(x)) : x;
}

static bool sides_of(tally_trace *t, const tally_update *u, sides *s)
{
    const tally__threshold_config *c = u->config;
    const tally__picks             picks = { c->top_k, c->class_id, false };
    tally__scores                  x;
    if (!tally__scores_of(t, u, &picks, &x))
        return false;
    *s = (sides){ over_thresholds(c, x.label), above(t, c, x.score, tally__compute_type(u)), tally_node_rank(x.score) };
    if (!tally__is_absent(x.kept))
        s->called = tally_and(s->called, over_thresholds(c, x.kept));
    return tally__trace_ok(t);
}

/* state += the weights where hit is true */
static void add_hits(tally_trace *t, const tally_update *u, int state, tally_node hit, const sides *s)
{
    tally_node w = u->weight;
    if (!tally__is_absent(w)) {
        if (!tally__weight_fit(t, u, s->rank, &w))
            return;
        hit = tally_select(hit, tally__weight_like(u, w, hit), tally_num(0));
    }
    tally_accumulate(t, u, state, hit, tally__absent());
}

static tally_node both(tally_node a, bool is_a, tally_node b, bool is_b)
{
    return tally_and(is_a ? a : tally_not(a), is_b ? b : tally_not(b));
}

static void add_one_count(tally_trace *t, const tally_update *u, bool truth, bool called)
{
    sides s;
    if (sides_of(t, u, &s))
        add_hits(t, u, 0, both(s.called, called, s.truth, truth), &s);
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
    sides s;
    if (!sides_of(t, u, &s))
        return;
    add_hits(t, u, TRUE_POSITIVES, tally_and(s.called, s.truth), &s);
    add_hits(t, u, OTHER, tally_and(s.called, tally_not(s.truth)), &s);
}

void tally__update_recall(tally_trace *t, const tally_update *u)
{
    sides s;
    if (!sides_of(t, u, &s))
        return;
    add_hits(t, u, TRUE_POSITIVES, tally_and(s.called, s.truth), &s);
    add_hits(t, u, OTHER, tally_and(tally_not(s.called), s.truth), &s);
}
