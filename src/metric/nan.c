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

/* b with a's axes: missing ones at the right and sizes of 1 repeat */
static tally_node like(tally_node b, tally_node a, tally__place at)
{
    const int rank = tally_node_rank(b);
    if (rank == 0)
        return b;
    for (int r = rank; r < tally_node_rank(a); r++)
        b = tally_expand_dims_loc(b, r, AT(at));
    return rank == 1 ? b : tally_broadcast_like_loc(b, a, AT(at));
}

/* The operands' own NaN masks meet at the highest rank, from the left; a label's last axis of size 1 repeats over the classes. */
tally_node tally__nan_mask(tally_trace *t, const tally_node *x, int n, tally__place at)
{
    tally_node highest = { NULL, 0, 0 }, mask = { NULL, 0, 0 };
    (void)t;
    for (int i = 0; i < n; i++)
        if (!tally__is_absent(x[i]) && (tally__is_absent(highest) || tally_node_rank(x[i]) >= tally_node_rank(highest)))
            highest = x[i];
    for (int i = 0; i < n; i++) {
        if (tally__is_absent(x[i]) || !tally__is_float(tally_node_dtype(x[i])))
            continue;
        tally_node is = tally_not_loc(tally_is_nan_loc(x[i], AT(at)), AT(at));
        is = x[i].id == highest.id ? is : like(is, highest, at);
        mask = tally__is_absent(mask) ? is : tally_and_loc(mask, is, AT(at));
    }
    return mask;
}

void tally__nan_before(tally_trace *t, struct tally__update *u, const tally_node *x, int n)
{
    if (u->k->nan == TALLY_NAN_PROPAGATE)
        return;
    if (u->k->nan == TALLY_NAN_SKIP) {
        u->mask = tally__nan_mask(t, x, n, u->place);
        return;
    }
    for (int i = 0; i < n; i++) {
        if (tally__is_absent(x[i]) || !tally__is_float(tally_node_dtype(x[i])))
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
