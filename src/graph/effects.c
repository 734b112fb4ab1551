/* effects: what a body does to stores and to the world, in program order. Checks what can be known
 * while recording; the sizes of states are symbols until a call binds them. Knows cells by their
 * schema, no metric class. */
#include "graph.h"

static void put_type(tally__text *text, int32_t dtype, int rank)
{
    tally__put(text, "%s of rank %d", tally__dtype_text(dtype), rank);
}

/* ---- states of a metric */
const tally__schema *tally__metric_schema(tally_metric_ref m, tally__place at, const char *op)
{
    if (!m.trace || !m.trace->now || m.trace->generation != m.generation)
        return NULL;
    int32_t slot = tally__ref_slot(m.trace, m.trace, m.id, m.generation, TALLY__METRIC, op, at);
    return slot < 0 ? NULL : m.trace->now->graph->slot[slot].schema;
}

static int32_t metric_slot(tally_trace *t, tally_metric_ref m, int cell, const char *op,
                           tally__place at)
{
    int32_t slot = tally__ref_slot(t, m.trace, m.id, m.generation, TALLY__METRIC, op, at);
    if (slot >= 0 && (cell < 0 || cell >= t->now->graph->slot[slot].schema->n_cells)) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: state, expected an index below %d, found %d", op,
                          t->now->graph->slot[slot].schema->n_cells, cell);
        return -1;
    }
    return slot;
}

static const tally__cell_spec *cell_spec(tally_trace *t, int32_t slot, int cell)
{
    return &t->now->graph->slot[slot].schema->spec[cell];
}

static tally_node value_or_constant(tally_trace *t, tally_node x, int32_t dtype, tally__place at)
{
    double v;
    return tally__is_num(x, &v) ? tally__constant_f64(t, dtype, v, at) : x;
}

/* The value's last axes are the state's. */
static bool fits_state(tally_trace *t, tally_node value, int32_t slot, int cell, tally__place at)
{
    const tally__cell_spec *spec = cell_spec(t, slot, cell);
    tally__node             n = *tally__node_of(value);
    if (n.rank < spec->rank) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "accumulate: value, expected rank %d or more as state %s of %s, found "
                          "rank %d",
                          spec->rank, spec->name, t->now->graph->slot[slot].schema->class_name,
                          n.rank);
        return false;
    }
    for (int k = 0; k < spec->rank; k++)
        if (!tally__sizes_meet(t, tally__size_of_state(t, slot, cell, k),
                               n.dim[n.rank - spec->rank + k], NULL, "accumulate", at))
            return false;
    return true;
}

/* A factor (weight, mask) aligns with the value from the left; a size of 1 repeats. One of rank 1
 * has one entry per sample; one of more axes may turn out to have size 1 on any when sizes bind, so
 * nothing is noted for it here. */
static bool fits_value(tally_trace *t, tally_node factor, tally_node value, const char *op,
                       const char *what, tally__place at)
{
    if (tally__is_absent(factor))
        return true;
    tally__node f = *tally__node_of(factor), v = *tally__node_of(value);
    if (f.rank > v.rank) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: %s, expected rank %d or less as the %s, found rank %d", op,
                          what, v.rank, strcmp(op, "accumulate") ? "index" : "value", f.rank);
        return false;
    }
    for (int k = 0; k < f.rank; k++)
        if (tally__size_known(t, f.dim[k]) != 1 &&
            (f.rank == 1 || tally__size_known(t, f.dim[k]) >= 0) &&
            !tally__sizes_meet(t, v.dim[k], f.dim[k], NULL, op, at))
            return false;
    return true;
}

static bool check_mask(tally_trace *t, tally_node mask, const char *op, tally__place at)
{
    if (tally__is_absent(mask) || tally__node_of(mask)->dtype == TALLY_BOOL)
        return true;
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: mask, expected bool, found %s", op,
                      tally__dtype_text(tally__node_of(mask)->dtype));
    return false;
}

void tally__accumulate(tally_trace *t, tally_metric_ref m, int cell, tally_node value,
                       tally_node weight, tally_node mask, tally__place at)
{
    tally_node x[3] = { value, weight, mask };
    int32_t    slot = metric_slot(t, m, cell, "accumulate", at);
    if (slot < 0 || !tally__operands_of(t, x, 3, 6, "accumulate", at))
        return;
    x[0] = value_or_constant(t, x[0], TALLY_F64, at);
    x[1] = tally__node_rounded(t, value_or_constant(t, x[1], TALLY_F64, at), at);
    x[2] = value_or_constant(t, x[2], TALLY_BOOL, at);
    if (!tally__trace_ok(t) || !fits_state(t, x[0], slot, cell, at) ||
        !fits_value(t, x[1], x[0], "accumulate", "weight", at) ||
        !fits_value(t, x[2], x[0], "accumulate", "mask", at) || !check_mask(t, x[2], "accumulate", at))
        return;
    tally__node n = { .op = TALLY__OP_accumulate, .slot = slot, .cell = cell };
    t->now->graph->slot[slot].updates = true;
    tally__emit(t, &n, x, 3, at);
}

static bool check_axis(tally_trace *t, const tally__cell_spec *spec, int axis, tally_node index, tally__place at)
{
    const tally__node *n = tally__node_of(index);
    if (!tally__is_integer(n->dtype))
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "accumulate_at: index, expected an integer type, found %s: cast it",
                          tally__dtype_text(n->dtype));
    else if (axis < 0 || axis >= spec->rank)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "accumulate_at: axis, expected 0 or more and below rank %d of state %s, found %d",
                          spec->rank, spec->name, axis);
    else if (n->rank < axis)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "accumulate_at: index, expected rank %d or more for axis %d, found rank %d", axis,
                          axis, (int)n->rank);
    return tally__trace_ok(t);
}

static bool fits_axes(tally_trace *t, int32_t slot, int cell, int axis, tally_node index, tally__place at)
{
    const tally__node n = *tally__node_of(index);
    for (int k = 0; k < axis; k++)
        if (!tally__sizes_meet(t, tally__size_of_state(t, slot, cell, k), n.dim[n.rank - axis + k], NULL, "accumulate_at", at))
            return false;
    return true;
}

/* a value of rank 0 stands for all; else it has the shape of index */
static bool fits_index(tally_trace *t, tally_node value, tally_node index, tally__place at)
{
    const tally__node v = *tally__node_of(value), n = *tally__node_of(index);
    if (v.rank && v.rank != n.rank) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "accumulate_at: value, expected rank 0 or %d as the index, found rank %d",
                          (int)n.rank, (int)v.rank);
        return false;
    }
    for (int k = 0; k < v.rank; k++)
        if (!tally__sizes_meet(t, n.dim[k], v.dim[k], NULL, "accumulate_at", at))
            return false;
    return true;
}

void tally__accumulate_at(tally_trace *t, tally_metric_ref m, int cell, int axis, tally_node index, tally_node value, tally_node weight,
                          tally_node mask, tally__place at)
{
    static const char op[] = "accumulate_at";
    tally_node        x[4] = { index, weight, mask, value };
    int32_t           slot = metric_slot(t, m, cell, op, at);
    if (slot < 0 || !tally__operands_of(t, x, 4, 6, op, at))
        return;
    x[0] = value_or_constant(t, x[0], TALLY_I64, at);
    x[1] = tally__node_rounded(t, value_or_constant(t, x[1], TALLY_F64, at), at);
    x[2] = value_or_constant(t, x[2], TALLY_BOOL, at);
    x[3] = tally__node_rounded(t, value_or_constant(t, x[3], TALLY_F64, at), at);
    if (!tally__trace_ok(t) || !check_axis(t, cell_spec(t, slot, cell), axis, x[0], at) || !fits_axes(t, slot, cell, axis, x[0], at) ||
        !fits_index(t, x[3], x[0], at) || !fits_value(t, x[1], x[0], op, "weight", at) || !fits_value(t, x[2], x[0], op, "mask", at) ||
        !check_mask(t, x[2], op, at))
        return;
    tally__node n = { .op = TALLY__OP_accumulate_at, .slot = slot, .cell = cell, .axis = axis };
    t->now->graph->slot[slot].updates = true;
    tally__emit(t, &n, x, 4, at);
}

static tally_node read_state(tally_trace *t, int32_t slot, int cell, tally__place at)
{
    const tally__cell_spec *spec = cell_spec(t, slot, cell);
    tally__node             n = {
                    .op = TALLY__OP_read_cell, .rank = (uint8_t)spec->rank, .slot = slot, .cell = cell
    };
    switch ((tally_state_kind)spec->kind) {
    case TALLY_STATE_SUM:
    case TALLY_STATE_COUNT: n.dtype = TALLY__EXACT; break;
    case TALLY_STATE_MIN:
    case TALLY_STATE_MAX:
    case TALLY_STATE_LAST: n.dtype = TALLY_F64; break;
    case TALLY_STATE_TENSOR: n.dtype = (uint8_t)spec->dtype; break;
    }
    for (int k = 0; k < spec->rank; k++)
        n.dim[k] = tally__size_of_state(t, slot, cell, k);
    t->now->graph->slot[slot].reads = true;
    return tally__emit(t, &n, NULL, 0, at);
}

tally_node tally__read_cell(tally_trace *t, tally_metric_ref m, int cell, tally__place at)
{
    int32_t slot = metric_slot(t, m, cell, "result", at);
    return slot < 0 ? tally__bad(t) : read_state(t, slot, cell, at);
}

void tally__reset(tally_trace *t, tally_metric_ref m, tally__place at)
{
    int32_t slot =
        tally__ref_slot(t, m.trace, m.id, m.generation, TALLY__METRIC, "reset_state", at);
    if (slot < 0)
        return;
    tally__node n = { .op = TALLY__OP_reset, .slot = slot, .cell = -1 };
    t->now->graph->slot[slot].overwrites = true;
    tally__emit(t, &n, NULL, 0, at);
}

void tally__size_state(tally_trace *t, tally_metric_ref m, int cell, int axis, tally__dim from,
                       tally__place at)
{
    int32_t slot = metric_slot(t, m, cell, "update_state", at);
    if (slot < 0)
        return;
    assert(axis >= 0 && axis < cell_spec(t, slot, cell)->rank);
    tally__sizes_meet(t, tally__size_of_state(t, slot, cell, axis), from, NULL, "update_state", at);
}

/* ---- variables */
static int32_t variable_slot(tally_trace *t, tally_variable_ref v, const char *op, tally__place at)
{
    return tally__ref_slot(t, v.trace, v.id, v.generation, TALLY__VARIABLE, op, at);
}

tally_node tally_read_loc(tally_trace *t, tally_variable_ref v, const char *file, int line)
{
    int32_t slot = variable_slot(t, v, "read", tally__at(file, line));
    return slot < 0 ? tally__bad(t) : read_state(t, slot, 0, tally__at(file, line));
}

static bool fits_variable(tally_trace *t, tally_node x, int32_t slot, tally__place at)
{
    const tally__cell_spec *spec = cell_spec(t, slot, 0);
    tally__node             n = *tally__node_of(x);
    if (n.dtype != spec->dtype || n.rank != spec->rank) {
        char        line[96];
        tally__text text = { line, sizeof line, 0 };
        put_type(&text, spec->dtype, spec->rank);
        tally__put(&text, " as the variable, found ");
        put_type(&text, n.dtype, n.rank);
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "assign: value, expected %s", line);
        return false;
    }
    for (int k = 0; k < n.rank; k++)
        if (!tally__sizes_meet(t, tally__size_of_state(t, slot, 0, k), n.dim[k], NULL, "assign",
                               at))
            return false;
    return true;
}

void tally_assign_loc(tally_trace *t, tally_variable_ref v, tally_node x, const char *file,
                      int line)
{
    tally__place at = tally__at(file, line);
    int32_t      slot = variable_slot(t, v, "assign", at);
    if (slot < 0 || !tally__operands_of(t, &x, 1, 0, "assign", at))
        return;
    x = tally__node_rounded(t, value_or_constant(t, x, cell_spec(t, slot, 0)->dtype, at), at);
    if (!tally__trace_ok(t) || !fits_variable(t, x, slot, at))
        return;
    tally__node n = { .op = TALLY__OP_assign, .slot = slot };
    t->now->graph->slot[slot].overwrites = true;
    tally__emit(t, &n, &x, 1, at);
}

/* ---- the world */
static const char *keep_text(tally_trace *t, const char *text)
{
    char *copy = tally__record_alloc(t, strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

void tally_assert_loc(tally_trace *t, tally_node condition, const char *text, const char *file,
                      int line)
{
    tally__place at = tally__at(file, line);
    if (!tally__operands_of(t, &condition, 1, 0, "assert", at))
        return;
    if (tally_node_dtype(condition) != TALLY_BOOL) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "assert: condition, expected bool, found %s",
                          tally__is_num(condition, NULL)
                              ? "a number"
                              : tally__dtype_text((int32_t)tally_node_dtype(condition)));
        return;
    }
    tally__node n = { .op = TALLY__OP_assert, .text = keep_text(t, text ? text : "assertion") };
    tally__emit(t, &n, &condition, 1, at);
}

void tally_print_loc(tally_trace *t, const char *label, tally_node x, const char *file, int line)
{
    tally__place at = tally__at(file, line);
    if (!tally__operands_of(t, &x, 1, 0, "print", at))
        return;
    x = tally__node_rounded(t, value_or_constant(t, x, TALLY_F64, at), at);
    tally__node n = { .op = TALLY__OP_print, .text = keep_text(t, label ? label : "") };
    tally__emit(t, &n, &x, 1, at);
}
