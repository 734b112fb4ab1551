/* crossentropy: how surprised probabilities or logits are by the labels. All in the compute type; a probability is kept
 * within [1e-7, 1 - 1e-7], logits use the forms that neither overflow nor cancel. */
#include "metric.h"

static tally_node clipped(tally_node p)
{
    return tally_clip(p, tally_num(TALLY__EPSILON), tally_num(1 - TALLY__EPSILON));
}

/* ---- binary */
static tally_node binary_from_logits(tally_node y, tally_node x)
{
    tally_node tail = tally_log1p(tally_exp(tally_neg(tally_abs(x))));
    return tally_add(tally_sub(tally_maximum(x, tally_num(0)), tally_mul(x, y)), tail);
}

static tally_node binary_from_probabilities(tally_node y, tally_node p)
{
    tally_node q = clipped(p), one = tally_num(1);
    tally_node hit = tally_mul(y, tally_log(q)), miss = tally_mul(tally_sub(one, y), tally_log(tally_sub(one, q)));
    return tally_neg(tally_add(hit, miss));
}

void tally__update_binary_crossentropy(tally_trace *t, const tally_update *u)
{
    const tally__crossentropy_config *c = u->config;
    tally_node                        y, p;
    int                               axis = 0;
    if (!tally__pair(t, u, &y, &p) || (tally_node_rank(p) > 1 && !tally__axis_of(t, u, c->axis, tally_node_rank(p), &axis)))
        return;
    if (c->label_smoothing != 0)
        y = tally_add(tally_mul(y, tally_num(1 - c->label_smoothing)), tally_num(c->label_smoothing / 2));
    tally_node v = c->from_logits ? binary_from_logits(y, p) : binary_from_probabilities(y, p);
    if (tally_node_rank(v) > 1) {
        tally__nan_along(u, tally_node_rank(v), axis);
        v = tally_mean_axis(tally__as(v, TALLY_F64), axis);
    }
    tally__sample_mean(t, u, v, tally__absent(), c->reduction);
}

/* ---- categorical */
static tally_node log_of_part(tally_node p, int axis)
{
    tally_node part = tally_div(p, tally_expand_dims(tally_sum(p, axis), axis));
    return tally_log(clipped(part));
}

void tally__update_categorical_crossentropy(tally_trace *t, const tally_update *u)
{
    const tally__crossentropy_config *c = u->config;
    const double                      s = c->label_smoothing;
    tally_node                        y, p;
    int                               axis;
    if (!tally__pair(t, u, &y, &p) || !tally__axis_of(t, u, c->axis, tally_node_rank(p), &axis))
        return;
    if (s != 0)
        y = tally_add(tally_mul(y, tally_num(1 - s)), tally_div(tally_num(s), tally__as(tally_dim(p, axis), (int32_t)tally_node_dtype(p))));
    tally_node q = c->from_logits ? tally_log_softmax(p, axis) : log_of_part(p, axis);
    tally_node v = tally_neg(tally_sum(tally__as(tally_mul(y, q), TALLY_F64), axis));
    tally__add_of_vectors(t, u, v, p, axis, c->reduction);
}

/* ---- sparse */
static tally_node surprise(const tally__crossentropy_config *c, tally_node p, tally_node ids, tally__place at)
{
    const int last = tally_node_rank(p) - 1;
    if (c->from_logits)
        return tally_neg(tally__op2(TALLY__OP_pick, tally_log_softmax(p, last), ids, at));
    tally_node q = clipped(p);
    return tally_neg(tally_log(tally_div(tally__op2(TALLY__OP_pick, q, ids, at), tally_sum(q, last))));
}

void tally__update_sparse_categorical_crossentropy(tally_trace *t, const tally_update *u)
{
    const tally__crossentropy_config *c = u->config;
    tally_node                        ids = u->operand[0], p = u->operand[1], keep = { NULL, 0, 0 };
    const int                         a = tally_node_rank(ids), b = tally_node_rank(p);
    int                               axis;
    if (b < 1 || (a != b && a != b - 1)) {
        tally__refuse(t, u, "y_pred, expected one axis more than y_true (the classes'), found rank %d for y_true of rank %d", b, a);
        return;
    }
    if (!tally__axis_of(t, u, c->axis, b, &axis))
        return;
    if (a == b)
        ids = tally__without_one(ids, axis, "y_true", u->inside->place);
    tally__nan_along(u, b, axis);
    p = tally__axis_last(tally__as(p, tally__compute_type(u)), axis, u->inside->place);
    if (c->ignore_class != TALLY_NONE)
        keep = tally_ne(ids, tally_num(c->ignore_class));
    if (u->inside->k->nan == TALLY_NAN_SKIP && tally__is_float((int32_t)tally_node_dtype(ids)))
        ids = tally_select(tally_is_nan(ids), tally_num(0), ids);      /* the mask leaves the sample out */
    ids = tally__class_ids(ids, tally_dim(p, b - 1), c->ignore_class, u->inside->place);
    tally__sample_mean(t, u, surprise(c, p, ids, u->inside->place), keep, c->reduction);
}
