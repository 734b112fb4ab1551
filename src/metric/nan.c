/* nan: what a metric's NaN policy does to the update that is being recorded: nothing (propagate), leaves entries with a NaN
 * in an operand or weight out of every state and counts them (skip), or fails the call (error). */
#include "metric.h"

#define AT(place) (place).file, (place).line

tally_node tally__mask_to_rank(tally_node mask, int rank, tally__place at)
{
    for (int r = tally_node_rank(mask); r > rank; r--)
        mask = tally_min_loc(mask, r - 1, AT(at));     /* of bools: all */
    return mask;
}

/* b with a's axes: missing ones at the right repeat, and sizes of 1 where they may */
static tally_node like(tally_node b, tally_node a, bool repeats, tally__place at)
{
    const int rank = tally_node_rank(b);
    if (rank == 0)
        return b;
    for (int r = rank; r < tally_node_rank(a); r++)
        b = tally_expand_dims_loc(b, r, AT(at));
    return repeats ? tally_broadcast_like_loc(b, a, AT(at)) : b;
}

/* of the operands the last with the most axes: y_pred, whose classes a label [n,1] lacks */
static tally_node highest_of(const tally_node *x, int n)
{
    tally_node highest = x[0];
    for (int i = 1; i < n; i++)
        if (tally_node_rank(x[i]) >= tally_node_rank(highest))
            highest = x[i];
    return highest;
}

/* What holds no NaN, operand by operand, in the shape of the highest. A weight with an axis more has size 1 there; one with
 * still more is refused by whoever uses it. */
tally_node tally__nan_mask(const tally_node *x, int n, int n_operands, tally__place at)
{
    const tally_node highest = highest_of(x, n_operands);
    const int        rank = tally_node_rank(highest);
    tally_node       mask = tally__absent();
    for (int i = 0; i < n; i++) {
        const int own = tally_node_rank(x[i]);
        if (tally__is_absent(x[i]) || !tally__is_float((int32_t)tally_node_dtype(x[i])) || own > rank + 1)
            continue;
        tally_node is = tally_not_loc(tally_is_nan_loc(x[i], AT(at)), AT(at));
        if (own == rank + 1)
            is = tally__without_one(is, rank, "sample_weight");
        if (x[i].id != highest.id)
            is = like(is, highest, own > 1, at);
        mask = tally__is_absent(mask) ? is : tally_and_loc(mask, is, AT(at));
    }
    return mask;
}

void tally__nan_before(tally_trace *t, struct tally__update *u, const tally_node *x, int n)
{
    if (u->k->nan == TALLY_NAN_PROPAGATE)
        return;
    if (u->k->nan == TALLY_NAN_SKIP) {
        u->mask = tally__nan_mask(x, n, u->k->face.n_operands, u->place);
        return;
    }
    for (int i = 0; i < n; i++) {
        if (tally__is_absent(x[i]) || !tally__is_float((int32_t)tally_node_dtype(x[i])))
            continue;
        char        line[128];
        tally__text text = { line, sizeof line, 0 };
        tally__put(&text, "%s: %s, expected no NaN (the metric's policy)", u->k->face.name, tally__role(u->k, i));
        tally_assert_loc(t, tally_not_loc(tally_is_nan_loc(x[i], AT(u->place)), AT(u->place)), line, AT(u->place));
    }
}

/* An entry is what goes into a state: of operands [n,C] that become one value a row, the rows are counted. */
void tally__nan_after(tally_trace *t, struct tally__update *u)
{
    if (!tally__trace_ok(t) || tally__is_absent(u->mask))
        return;
    tally_node left_out = tally_not_loc(tally__mask_to_rank(u->mask, u->reach, u->place), AT(u->place)), none = { NULL, 0, 0 };
    tally__accumulate(t, u->self, u->k->skipped, left_out, none, none, u->place);
}
