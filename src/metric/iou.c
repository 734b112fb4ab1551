/* iou: intersection over union of classes, from their confusion matrix. */
#include "metric.h"

/* ---- options */
static tally_status check_targets(const tally__metric_row *row, const tally__iou_config *c, tally_error *err)
{
    const int32_t *id = tally__wholes(c, c->target_class_ids), n = c->num_classes;
    for (int32_t i = 0; i < c->target_class_ids.n; i++)
        if (id[i] < -n || id[i] >= n)
            return tally__option_wrong(row, err, "target_class_ids[%d], expected %d to %d (num_classes %d), found %d", (int)i, (int)-n,
                                       (int)n - 1, (int)n, (int)id[i]);
    return TALLY_OK;
}

static tally_status settle_matrix(const tally__metric_row *row, const tally__iou_config *c, tally_state_spec *states, tally_error *err)
{
    states[0].shape[0] = states[0].shape[1] = c->num_classes;
    return check_targets(row, c, err);
}

static bool needs_targets(const tally__metric_row *row)
{
    return row->update == tally__update_iou || row->update == tally__update_one_hot_iou;
}

tally_status tally__settle_iou(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                               tally_error *err)
{
    const tally__iou_config *c = config;
    (void)k;
    if (needs_targets(row) && !c->target_class_ids.n)
        return tally__option_wrong(row, err, "target_class_ids, expected one or more, found none");
    return settle_matrix(row, c, states, err);
}

tally_status tally__settle_binary_iou(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                                      tally_error *err)
{
    tally__iou_config *c = config;
    (void)k;
    c->num_classes = 2;
    c->ignore_class = TALLY_NONE;
    return settle_matrix(row, c, states, err);
}

/* ---- update */
enum { MOST_CLASSES_32 = 46340 };      /* a cell's number is an int32 */

/* class ids as they are, or the place of the largest along the axis */
static bool to_ids(tally_trace *t, const tally_update *u, const tally__iou_config *c, bool sparse, tally_node *x)
{
    int axis;
    if (sparse)
        return true;
    if (!tally__axis_of(t, u, c->axis, tally_node_rank(*x), &axis))
        return false;
    *x = tally_argmax(*x, axis);
    tally__nan_along(u, tally_node_rank(*x) + 1, axis);
    return tally__trace_ok(t);
}

/* what must be a class wherever the pair counts */
static tally_node checked(tally_trace *t, const tally_update *u, const tally__iou_config *c, tally_node ids, tally_node keep)
{
    if (!tally__is_absent(keep))
        ids = tally_select(keep, ids, tally_num(0));
    if (u->inside->k->nan == TALLY_NAN_SKIP && tally__is_float((int32_t)tally_node_dtype(ids)))
        ids = tally_select(tally_is_nan(ids), tally_num(0), ids);      /* the mask leaves the pair out */
    return tally__class_ids(ids, tally_i64(t, c->num_classes), TALLY_NONE, u->inside->place);
}

/* Each pair is one cell of [labels, predictions]. keep: where it counts, or absent */
static void add_pairs(tally_trace *t, const tally_update *u, const tally__iou_config *c, tally_node label, tally_node called, tally_node keep)
{
    if (c->num_classes > MOST_CLASSES_32)
        label = tally_cast(label, TALLY_I64);
    called = tally_cast(called, tally_node_dtype(label));
    tally_node cell = tally_add(tally_mul(label, tally_num(c->num_classes)), called);
    if (!tally__is_absent(keep))
        cell = tally_select(keep, cell, tally_num(-1));
    tally_accumulate_at(t, u, 0, 0, cell, tally_num(1), u->weight);
}

static void add_ids(tally_trace *t, const tally_update *u, bool sparse_y_true, bool sparse_y_pred)
{
    const tally__iou_config *c = u->config;
    tally_node               y = u->operand[0], p = u->operand[1], keep = tally__absent();
    if (!to_ids(t, u, c, sparse_y_true, &y) || !to_ids(t, u, c, sparse_y_pred, &p) || !tally__align(t, u, &y, &p))
        return;
    if (c->ignore_class != TALLY_NONE)
        keep = tally_ne(y, tally_num(c->ignore_class));
    add_pairs(t, u, c, checked(t, u, c, y, keep), checked(t, u, c, p, keep), keep);
}

void tally__update_iou(tally_trace *t, const tally_update *u)
{
    const tally__iou_config *c = u->config;
    add_ids(t, u, c->sparse_y_true, c->sparse_y_pred);
}

void tally__update_mean_iou(tally_trace *t, const tally_update *u)
{
    tally__update_iou(t, u);
}

void tally__update_one_hot_iou(tally_trace *t, const tally_update *u)
{
    const tally__iou_config *c = u->config;
    add_ids(t, u, false, c->sparse_y_pred);
}

void tally__update_one_hot_mean_iou(tally_trace *t, const tally_update *u)
{
    tally__update_one_hot_iou(t, u);
}

/* The only threshold that calls what equals it. A NaN score is class 0. */
void tally__update_binary_iou(tally_trace *t, const tally_update *u)
{
    const tally__iou_config *c = u->config;
    tally_node               y = u->operand[0], p = u->operand[1];
    tally_node at = tally__compute_type(u) == TALLY_F64 ? tally_f64(t, c->threshold) : tally_f32(t, (float)c->threshold);
    if (tally__align(t, u, &y, &p))
        add_pairs(t, u, c, checked(t, u, c, y, tally__absent()), tally_cast(tally_ge(p, at), TALLY_I32), tally__absent());
}

/* ---- result */
static tally_node whole_list(tally_trace *t, const int32_t *v, int32_t n)
{
    const tally_tensor list = tally_vector(v, n);
    return tally_capture_tensor(t, &list);
}

/* true on the diagonal */
static tally_node identity(tally_trace *t, int32_t n)
{
    int32_t *id = tally__record_alloc(t, (size_t)n * sizeof *id);
    for (int32_t i = 0; id && i < n; i++)
        id[i] = i;
    return id ? tally_one_hot(whole_list(t, id, n), tally_i64(t, n), TALLY_BOOL) : tally__bad(t);
}

/* negative ids from the end */
static tally_node at_targets(tally_trace *t, const tally__iou_config *c, tally_node x)
{
    const int32_t n = c->target_class_ids.n, *given = tally__wholes(c, c->target_class_ids);
    int32_t      *id = n ? tally__record_alloc(t, (size_t)n * sizeof *id) : NULL;
    if (!n)
        return x;
    for (int32_t i = 0; id && i < n; i++)
        id[i] = given[i] < 0 ? given[i] + c->num_classes : given[i];
    return id ? tally_gather(x, whole_list(t, id, n)) : tally__bad(t);
}

/* The mean over the target classes that have any label or prediction. */
tally_node tally__result_iou(tally_trace *t, const tally_node *s, const void *config)
{
    const tally__iou_config *c = config;
    tally_node matrix = tally_cast(s[0], TALLY_F64);
    tally_node both = tally_sum(tally_select(identity(t, c->num_classes), matrix, tally_num(0)), 1);
    tally_node either = tally_sub(tally_add(tally_sum(matrix, 0), tally_sum(matrix, 1)), both);
    both = at_targets(t, c, both);
    either = at_targets(t, c, either);
    tally_node seen = tally_cast(tally_ne(either, tally_num(0)), TALLY_F64);
    return tally_ratio(tally_reduce_sum(tally__part_or_zero(both, either)), tally_reduce_sum(seen));
}
