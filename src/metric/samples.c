/* samples: what mean-like classes share: the compute type, ranks that align, and how values and weights become one value per
 * sample (Keras 3), or one per element (tf.keras). Written with the public interface, but for the texts of what is wrong. */
#include "metric.h"

int32_t tally__compute_type(const tally_update *u)
{
    bool any_float = false, any_f64 = false, any_wide = false;
    for (int i = 0; i < u->inside->k->face.n_operands; i++) {
        const int32_t d = (int32_t)tally_node_dtype(u->operand[i]);
        any_float |= tally__is_float(d);
        any_f64 |= d == TALLY_F64;
        any_wide |= d == TALLY_I64 || d == TALLY_U64;
    }
    return any_f64 || (!any_float && any_wide) ? TALLY_F64 : TALLY_F32;
}

tally_node tally__as(tally_node x, int32_t dtype)
{
    return tally_node_dtype(x) == (tally_dtype)dtype ? x : tally_cast(x, (tally_dtype)dtype);
}

void tally__refuse(tally_trace *t, const tally_update *u, const char *format, ...)
{
    char        line[200];
    tally__text text = { line, sizeof line, 0 };
    va_list     list;
    va_start(list, format);
    tally__put_v(&text, format, list);
    va_end(list);
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, u->inside->place, "%s", line);
}

tally_node tally__without_one(tally_node x, int axis, const char *role, tally__place at)
{
    tally_node y = tally_squeeze_loc(x, axis, at.file, at.line);
    if (y.trace && tally__trace_ok(y.trace))
        tally__node_of(y)->text = role;
    return y;
}

bool tally__align(tally_trace *t, const tally_update *u, tally_node *y, tally_node *p)
{
    const int a = tally_node_rank(*y), b = tally_node_rank(*p);
    if (a > b + 1 || b > a + 1) {
        tally__refuse(t, u, "y_true, expected the rank of y_pred (%d) or one more or less, found rank %d", b, a);
        return false;
    }
    if (a > b)
        *y = tally__without_one(*y, b, "y_true", u->inside->place);
    else if (b > a)
        *p = tally__without_one(*p, a, "y_pred", u->inside->place);
    for (int i = 0; i < TALLY__MIN(a, b) && tally__trace_ok(t); i++)
        tally__sizes_meet(t, tally__node_of(*y)->dim[i], tally__node_of(*p)->dim[i], NULL, "y_pred", u->inside->place);
    return tally__trace_ok(t);
}

bool tally__pair(tally_trace *t, const tally_update *u, tally_node *y, tally_node *p)
{
    const int32_t type = tally__compute_type(u);
    *y = u->operand[0];
    *p = u->operand[1];
    if (!tally__align(t, u, y, p))
        return false;
    *y = tally__as(*y, type);
    *p = tally__as(*p, type);
    return tally__trace_ok(t);
}

bool tally__axis_of(tally_trace *t, const tally_update *u, int option, int rank, int *axis)
{
    *axis = option < 0 ? option + rank : option;
    if (*axis >= 0 && *axis < rank)
        return true;
    tally__refuse(t, u, "y_pred, expected a rank with axis %d, found rank %d", option, rank);
    return false;
}

tally_node tally__mean_from(tally_node x, int from)
{
    const int  rank = tally_node_rank(x);
    tally_node s = tally__as(x, TALLY_F64);
    if (rank == from + 1)
        return tally_mean_axis(s, from);
    tally_node n = tally_cast(tally_dim(x, from), TALLY_F64);
    for (int a = from + 1; a < rank; a++)
        n = tally_mul(n, tally_cast(tally_dim(x, a), TALLY_F64));
    for (int a = rank - 1; a >= from; a--)
        s = tally_sum(s, a);
    return tally_div(s, n);
}

bool tally__weight_fit(tally_trace *t, const tally_update *u, int rank, tally_node *weight)
{
    const int q = tally_node_rank(*weight);
    if (q > rank + 1) {
        tally__refuse(t, u, "sample_weight, expected at most rank %d for values of rank %d, found rank %d", rank + 1, rank, q);
        return false;
    }
    if (q == rank + 1)
        *weight = tally__without_one(*weight, rank, "sample_weight", u->inside->place);
    return tally__trace_ok(t);
}

tally_node tally__weight_like(const tally_update *u, tally_node weight, tally_node like)
{
    const int q = tally_node_rank(weight);
    if (tally_node_rank(u->weight) == 0)
        return weight;
    for (int r = q; r < tally_node_rank(like); r++)
        weight = tally_expand_dims(weight, r);
    return tally_node_rank(u->weight) == 1 ? weight : tally_broadcast_like(weight, like);
}

/* every value counts for itself: rank 0 and 1, and any rank when elements count */
static void add_each(tally_trace *t, const tally_update *u, tally_node v, tally_node keep)
{
    if (tally__is_absent(keep)) {
        tally_accumulate(t, u, TALLY__TOTAL, v, u->weight);
        tally_accumulate(t, u, TALLY__COUNT_OF, tally_ones_like(v), u->weight);
        return;
    }
    tally_node w = u->weight, kept = keep;
    if (!tally__is_absent(w)) {
        if (!tally__weight_fit(t, u, tally_node_rank(v), &w))
            return;
        w = kept = tally_select(keep, tally__weight_like(u, w, v), tally_num(0));
    }
    tally_accumulate(t, u, TALLY__TOTAL, tally_select(keep, v, tally_num(0)), w);
    tally_accumulate(t, u, TALLY__COUNT_OF, kept, tally__absent());
}

/* one weight for a whole sample, or none */
static void add_rows(tally_trace *t, const tally_update *u, tally_node v)
{
    tally_node row = tally__mean_from(v, 1);
    tally_accumulate(t, u, TALLY__TOTAL, row, u->weight);
    tally_accumulate(t, u, TALLY__COUNT_OF, tally_ones_like(row), u->weight);
}

/* weights within a sample: its value is the mean of w * v, its weight the mean of w. Entries that keep leaves out weigh 0 */
static void add_weighted_rows(tally_trace *t, const tally_update *u, tally_node v, tally_node keep)
{
    tally_node w = u->weight;
    const bool kept = !tally__is_absent(keep);
    if (tally__is_absent(w)) {
        w = tally_cast(keep, TALLY_F64);
        v = tally_select(keep, v, tally_num(0));
    } else {
        if (!tally__weight_fit(t, u, tally_node_rank(v), &w))
            return;
        const int q = tally_node_rank(w);
        if (!kept && q < tally_node_rank(v))
            v = tally__mean_from(v, q);
        w = tally__weight_like(u, tally__as(w, TALLY_F64), v);
        if (kept) {
            w = tally_select(keep, w, tally_num(0));
            v = tally_select(keep, v, tally_num(0));
        }
    }
    tally_accumulate(t, u, TALLY__TOTAL, tally__mean_from(tally_mul(tally__as(v, TALLY_F64), w), 1), tally__absent());
    tally_accumulate(t, u, TALLY__COUNT_OF, tally__mean_from(w, 1), tally__absent());
}

void tally__sample_mean(tally_trace *t, const tally_update *u, tally_node values, tally_node keep, int32_t reduction)
{
    const int rank = tally_node_rank(values);
    if (rank <= 1 || reduction == TALLY_REDUCE_ELEMENTS)
        add_each(t, u, values, keep);
    else if (tally__is_absent(keep) && (tally__is_absent(u->weight) || tally_node_rank(u->weight) <= 1))
        add_rows(t, u, values);
    else
        add_weighted_rows(t, u, values, keep);
}

/* A vector is as many samples as it has entries. */
void tally__add_mean_of_last(tally_trace *t, const tally_update *u, tally_node e, double factor, int32_t reduction)
{
    const int rank = tally_node_rank(e);
    if (rank > 1)
        e = tally__mean_from(e, rank - 1);
    if (factor != 1)
        e = tally_mul(tally__as(e, TALLY_F64), tally_num(factor));
    tally__sample_mean(t, u, e, tally__absent(), reduction);
}

/* Where the vectors lie along the first axis they are samples even if it has no rows: then they do not count. */
void tally__add_of_vectors(tally_trace *t, const tally_update *u, tally_node v, tally_node like, int axis, int32_t reduction)
{
    tally_node keep = tally__absent();
    tally__nan_along(u, tally_node_rank(like), axis);
    if (axis == 0) {
        keep = tally_gt(tally_dim(like, 0), tally_num(0));
        if (tally_node_rank(v))
            keep = tally_broadcast_like(keep, v);
    }
    tally__sample_mean(t, u, v, keep, reduction);
}

/* ---- results that several classes have */
tally_node tally__result_ratio(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_ratio(s[TALLY__TOTAL], s[TALLY__COUNT_OF]);
}

tally_node tally__result_total(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return s[TALLY__TOTAL];
}

tally_node tally__result_part_of_both(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_ratio(s[0], tally_add(s[0], s[1]));
}

tally_node tally__part_or_zero(tally_node a, tally_node b)
{
    tally_node none = tally_eq(b, tally_num(0));
    return tally_select(none, tally_num(0), tally_ratio(a, tally_select(none, tally_num(1), b)));
}
