/* nan: what a metric's NaN policy does to the update that is being recorded: nothing (propagate), leaves entries with a NaN
 * in an operand or weight out of every state and counts them (skip), or fails the call (error). */
#include "metric.h"

#define AT(place) (place).file, (place).line

/* for a value of this rank: `all` over the axes that it lacks */
static tally_node mask_to_rank(tally_node mask, int rank, tally__place at)
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

/* ---- of each operand and the weight: what is no NaN; absent where it cannot be one */
static tally_node no_nan(tally_node x, tally__place at)
{
    return tally_not_loc(tally_is_nan_loc(x, AT(at)), AT(at));
}

/* of the operands the last with the most axes: y_pred, whose classes a label [n,1] lacks */
static int highest_of(const tally_node *x, int n)
{
    int highest = 0;
    for (int i = 1; i < n; i++)
        if (tally_node_rank(x[i]) >= tally_node_rank(x[highest]))
            highest = i;
    return highest;
}

static bool may_be_nan(tally_node x)
{
    return !tally__is_absent(x) && tally__is_float((int32_t)tally_node_dtype(x));
}

static bool any_may_be_nan(const tally_node *x, int n)
{
    bool any = false;
    for (int i = 0; i < n; i++)
        any |= may_be_nan(x[i]);
    return any;
}

/* The highest has a mask in any case: the others take its shape. */
static void note_masks(struct tally__update *u, const tally_node *x, int n)
{
    if (!any_may_be_nan(x, n))
        return;
    u->highest = highest_of(x, u->k->face.n_operands);
    for (int i = 0; i < n; i++)
        u->no_nan[i] = may_be_nan(x[i]) || i == u->highest ? no_nan(x[i], u->place) : tally__absent();
}

/* ---- one mask of all, in the shape of the highest. A weight with an axis more has size 1 there; one with still more is refused by
 * whoever uses it. */
static void combine(struct tally__update *u)
{
    tally_node mask = u->no_nan[u->highest];
    const int  rank = tally_node_rank(mask);
    for (int i = 0; i < (int)TALLY__COUNT(u->no_nan) && !tally__is_absent(mask); i++) {
        tally_node is = u->no_nan[i];
        const int  own = tally_node_rank(is);
        if (tally__is_absent(is) || i == u->highest || own > rank + 1)
            continue;
        if (own == rank + 1)
            is = tally__without_one(is, rank, "sample_weight", u->place);
        mask = tally_and_loc(mask, like(is, mask, own > 1, u->place), AT(u->place));
    }
    u->mask = mask;
    u->combined = true;
}

tally_node tally__nan_mask(struct tally__update *u, int rank)
{
    if (!u->combined)
        combine(u);
    return tally__is_absent(u->mask) ? u->mask : mask_to_rank(u->mask, rank, u->place);
}

/* ---- what bodies do to the axes of their operands */
void tally__nan_along(const tally_update *u, int rank, int axis)
{
    struct tally__update *in = u->inside;
    for (int i = 0; i < in->k->face.n_operands; i++)
        if (!tally__is_absent(in->no_nan[i]) && tally_node_rank(in->no_nan[i]) == rank)
            in->no_nan[i] = tally_min_loc(in->no_nan[i], axis, AT(in->place));
}

void tally__nan_operand(const tally_update *u, int operand, tally_node (*view)(tally_trace *t, tally_node x, int32_t at), int32_t at)
{
    tally_node *mask = &u->inside->no_nan[operand];
    if (!tally__is_absent(*mask))
        *mask = view(mask->trace, *mask, at);
}

/* ---- before and after the body */

/* Own bodies combine when they first add, after what they do to axes; another may do so in a branch, so there it is done before. */
void tally__nan_before(tally_trace *t, struct tally__update *u, const tally_node *x, int n)
{
    if (u->k->nan == TALLY_NAN_PROPAGATE)
        return;
    if (u->k->nan == TALLY_NAN_SKIP) {
        note_masks(u, x, n);
        if (!u->k->origin.own)
            combine(u);
        return;
    }
    for (int i = 0; i < n; i++) {
        if (!may_be_nan(x[i]))
            continue;
        char        line[128];
        tally__text text = { line, sizeof line, 0 };
        tally__put(&text, "%s: %s, expected no NaN (the metric's policy)", u->k->face.name, tally__role(u->k, i));
        tally_assert_loc(t, no_nan(x[i], u->place), line, AT(u->place));
    }
}

/* An entry is what goes into a state: of operands [n,C] that become one value a row, the rows are counted. */
void tally__nan_after(tally_trace *t, struct tally__update *u)
{
    if (!tally__trace_ok(t))
        return;
    tally_node mask = tally__nan_mask(u, u->reach), none = { NULL, 0, 0 };
    if (!tally__is_absent(mask))
        tally__accumulate(t, u->self, u->k->skipped, tally_not_loc(mask, AT(u->place)), none, none, u->place);
}
