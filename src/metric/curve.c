/* curve: the classes over a grid of thresholds keep one histogram of scores, of negatives and then of positives: the counts at every
 * threshold follow from its running sums, exactly, and an update costs the same for any number of thresholds, if they are evenly spread;
 * with others a comparison each. A score's bin is the number of thresholds that it lies above; NaN lies above nothing. */
#include "metric.h"

void tally__settle_curve(tally_state_spec *state, int32_t n, bool by_label, int64_t labels)
{
    state->rank = 1 + by_label;
    state->shape[0] = labels;
    state->shape[by_label] = 2 * ((int64_t)n + 1);
}

/* ---- update */
/* Evenly spread thresholds follow Keras's buckets: above threshold i > 0 is what lies above i once the score, clipped to [0, 1], is
 * multiplied by n-1: the smallest whole number that is not below it. */
static tally_node even_bin(const tally__grid *g, tally_node p)
{
    tally_node at = tally_mul(tally_clip(p, tally_num(0), tally_num(1)), tally_num(g->n - 1)), above = tally_neg(tally_floor(tally_neg(at)));
    return tally_cast(g->all_above_first ? tally_maximum(above, tally_num(1)) : above, TALLY_I32);
}

static tally_node listed_bin(tally_trace *t, const tally__grid *g, tally_node p, int32_t type)
{
    const tally_tensor list = tally_vector(g->at, g->n);
    tally_node         at = tally_cast(tally_capture_tensor(t, &list), (tally_dtype)type);
    return tally_cast(tally_sum(tally_gt(tally_expand_dims(p, tally_node_rank(p)), at), -1), TALLY_I32);
}

/* by_label: the last axis of the scores has a histogram for each entry */
void tally__add_scores(tally_trace *t, const tally_update *u, const tally__grid *g, const tally__scores *s, bool by_label, tally_node value)
{
    const int32_t type = tally__compute_type(u);
    tally_node    bin = g->at ? listed_bin(t, g, s->score, type) : even_bin(g, tally__as(s->score, type));
    tally_node    index = tally_select(s->label, tally_add(bin, tally_num(g->n + 1)), bin);
    tally_accumulate_at(t, u, 0, by_label, index, value, u->weight);
}

/* ---- result */
tally_node tally__last_part(tally_trace *t, tally_node x, int from, int to)
{
    return tally_slice(x, -1, tally_i64(t, from), tally_i64(t, to));
}

static void count_half(tally_trace *t, tally_node half, int n, tally_node *above, tally_node *all)
{
    tally_node sums = tally_cumsum(half, -1), last = tally__last_part(t, sums, n, n + 1);
    *above = tally_sub(last, tally__last_part(t, sums, 0, n));
    *all = tally_squeeze(last, -1);
}

void tally__points_of(tally_trace *t, tally_node histogram, int32_t n, tally_node points[4])
{
    count_half(t, tally__last_part(t, histogram, 0, n + 1), n, &points[TALLY__FP_AT], &points[TALLY__NEGATIVES]);
    count_half(t, tally__last_part(t, histogram, n + 1, 2 * (n + 1)), n, &points[TALLY__TP_AT], &points[TALLY__POSITIVES]);
}
