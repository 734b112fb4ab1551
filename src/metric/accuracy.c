/* accuracy: how often labels and predictions agree. Labels and ids are compared as the numbers they are, whatever their
 * types: nothing is rounded to make them equal. */
#include "metric.h"

static void add_agreement(tally_trace *t, const tally_update *u, tally_node same, int32_t reduction)
{
    tally__sample_mean(t, u, same, tally__absent(), reduction);
}

void tally__update_accuracy(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                y = u->operand[0], p = u->operand[1];
    if (tally__align(t, u, &y, &p))
        add_agreement(t, u, tally_eq(y, p), c->reduction);
}

/* The threshold is rounded to the compute type, as the scores are. */
void tally__update_binary_accuracy(tally_trace *t, const tally_update *u)
{
    const tally__binary_accuracy_config *c = u->config;
    tally_node                           y = u->operand[0], p = u->operand[1];
    if (!tally__align(t, u, &y, &p))
        return;
    tally_node at = tally__compute_type(u) == TALLY_F64 ? tally_f64(t, c->threshold) : tally_f32(t, (float)c->threshold);
    add_agreement(t, u, tally_eq(tally_gt(p, at), y), c->reduction);
}

void tally__update_categorical_accuracy(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    const int                 a = tally_node_rank(u->operand[0]), b = tally_node_rank(u->operand[1]);
    if (a < 1 || b < 1) {
        tally__refuse(t, u, "%s, expected rank 1 or more (classes last), found rank 0", a < 1 ? "y_true" : "y_pred");
        return;
    }
    tally_node y = tally_argmax(u->operand[0], a - 1), p = tally_argmax(u->operand[1], b - 1);
    if (tally__align(t, u, &y, &p))
        add_agreement(t, u, tally_eq(y, p), c->reduction);
}

/* ids have one axis less than the scores, or a last size of 1; false: noted */
static bool sparse_pair(tally_trace *t, const tally_update *u, tally_node *ids, tally_node p)
{
    const int a = tally_node_rank(*ids), b = tally_node_rank(p);
    if (b < 1 || (a != b && a != b - 1)) {
        tally__refuse(t, u, "y_pred, expected one axis more than y_true (classes last), found rank %d for y_true of rank %d", b, a);
        return false;
    }
    if (a == b)
        *ids = tally__without_one(*ids, a - 1, "y_true", u->inside->place);
    return tally__trace_ok(t);
}

void tally__update_sparse_categorical_accuracy(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                ids = u->operand[0], p = u->operand[1];
    if (sparse_pair(t, u, &ids, p))
        add_agreement(t, u, tally_eq(tally_argmax(p, tally_node_rank(p) - 1), ids), c->reduction);
}

/* ---- top k: the label's score is among the k largest. Ties are hits; no class and a score that is not finite have as many above
 * them as there are classes. */
static tally_node is_near_top(const tally__top_k_config *c, tally_node scores, tally_node ids)
{
    ids = tally__is_float((int32_t)tally_node_dtype(ids)) ? ids : tally__as(ids, TALLY_I64);
    tally_node above = tally_rank_of(scores, ids), classes = tally_dim(scores, tally_node_rank(scores) - 1);
    return tally_lt(above, tally_minimum(classes, tally_num(c->k)));
}

void tally__update_top_k_categorical_accuracy(tally_trace *t, const tally_update *u)
{
    const tally__top_k_config *c = u->config;
    tally_node                 y = u->operand[0], p = u->operand[1];
    const int                  rank = tally_node_rank(p);
    if (rank < 1) {
        tally__refuse(t, u, "y_pred, expected rank 1 or more (classes last), found rank 0");
        return;
    }
    if (tally__align(t, u, &y, &p))
        add_agreement(t, u, is_near_top(c, p, tally_argmax(y, rank - 1)), c->reduction);
}

/* y_pred holds ids, the best first: one of the first k is the label */
static tally_node is_among_first(tally_trace *t, const tally__top_k_config *c, tally_node sorted, tally_node ids)
{
    const int  last = tally_node_rank(sorted) - 1;
    tally_node n = tally_minimum(tally_dim(sorted, last), tally_num(c->k));
    tally_node first = tally_slice(sorted, last, tally_i64(t, 0), n);
    return tally_max(tally_eq(first, tally_expand_dims(ids, last)), last);
}

void tally__update_sparse_top_k_categorical_accuracy(tally_trace *t, const tally_update *u)
{
    const tally__top_k_config *c = u->config;
    tally_node                 ids = u->operand[0], p = u->operand[1];
    if (!sparse_pair(t, u, &ids, p))
        return;
    add_agreement(t, u, c->from_sorted_ids ? is_among_first(t, c, p, ids) : is_near_top(c, p, ids), c->reduction);
}
