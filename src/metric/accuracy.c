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
    add_agreement(t, u, tally_eq(tally_gt(p, at), y), TALLY_REDUCE_SAMPLES);
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

void tally__update_sparse_categorical_accuracy(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally_node                ids = u->operand[0], p = u->operand[1];
    const int                 a = tally_node_rank(ids), b = tally_node_rank(p);
    if (b < 1 || (a != b && a != b - 1)) {
        tally__refuse(t, u, "y_pred, expected one axis more than y_true (classes last), found rank %d for y_true of rank %d", b, a);
        return;
    }
    if (a == b)
        ids = tally__without_one(ids, a - 1, "y_true");
    add_agreement(t, u, tally_eq(tally_argmax(p, b - 1), ids), c->reduction);
}
