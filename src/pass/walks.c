/* walks: which sizes are the same before anything runs, and which nodes make row k of their value from row k of their operands,
 * so that a loop may walk them. Knows ops and sizes; no step. */
#include "fuse.h"

/* ---- sizes known to be equal before anything runs */
static tally__dim walks_size(const tally__walks *w, tally__dim d)
{
    while (w->same[d] != d)
        d = w->same[d];
    return d;
}

/* the size of a state that a batch builds is known only where it must equal another that is; a variable always has its sizes */
static bool walks_is_number(const tally__graph *g, tally__dim d)
{
    const tally__size   *s = &g->size[d];
    const tally__schema *schema = s->kind == TALLY__SIZE_STATE ? g->slot[s->index].schema : NULL;
    if (schema)
        return schema->what == TALLY__VARIABLE || schema->spec[s->cell].shape[s->axis] >= 0;
    return s->kind != TALLY__SIZE_RUN;
}

bool tally__walks_begin(tally__walks *w, const tally__graph *g, tally__arena *a, bool loops)
{
    *w = (tally__walks){ g, tally__arena_alloc(a, g->n_size * sizeof *w->same), tally__arena_zalloc(a, g->n_size), loops };
    if (!w->same || !w->known)
        return false;
    for (tally__dim d = 0; d < g->n_size; d++)
        w->same[d] = d;
    for (uint32_t i = 0; i < g->n_equality; i++) {
        tally__dim x = walks_size(w, g->equality[i].a), y = walks_size(w, g->equality[i].b);
        if (g->size[x].kind != TALLY__SIZE_RUN && g->size[y].kind != TALLY__SIZE_RUN)
            w->same[TALLY__MAX(x, y)] = TALLY__MIN(x, y);
    }
    for (tally__dim d = 0; d < g->n_size; d++)
        w->known[walks_size(w, d)] = w->known[walks_size(w, d)] || walks_is_number(g, d);
    return true;
}

/* ---- what may walk rows */
static bool walks_sizes_known(const tally__walks *w, const tally__node *n)
{
    for (int k = 0; k < n->rank; k++)
        if (!w->known[walks_size(w, n->dim[k])])
            return false;
    return true;
}

/* the size of axis 0 of a value, 0 for a scalar or a fixed 1, which no loop walks */
tally__dim tally__rows_of(const tally__walks *w, tally__id id)
{
    const tally__node *n = &w->g->node[id];
    return id && n->rank && walks_sizes_known(w, n) ? walks_size(w, n->dim[0]) : 0;
}

static bool walks_moves_axis(const tally__node *n)
{
    return n->op == TALLY__OP_expand_dims || n->op == TALLY__OP_squeeze || n->op == TALLY__OP_axis_last;
}

/* ops whose row k is made from row k of operands with that many rows, and from whole operands without */
static bool walks_op(const tally__walks *w, const tally__node *n)
{
    const tally__graph *g = w->g;
    int                 rank = n->n_arg && n->arg[0] ? g->node[n->arg[0]].rank : 0;
    switch ((tally__form)tally__op_table[n->op].form) {
    case TALLY__FORM_ELEMENT:
        return n->dtype != TALLY__EXACT && n->op != TALLY__OP_ratio;
    case TALLY__FORM_REDUCE:
        return tally__op_table[n->op].shape == TALLY__SHAPE_DROP && n->axis != 0;
    case TALLY__FORM_ROW:
        return rank > 1 && n->axis != 0;
    case TALLY__FORM_VIEW:
        return n->op == TALLY__OP_broadcast_like || (n->op == TALLY__OP_column && rank > 1) || (walks_moves_axis(n) && n->axis != 0);
    default:
        return n->op == TALLY__OP_one_hot || n->op == TALLY__OP_class_ids || n->op == TALLY__OP_gather;
    }
}

/* a line and its id */
static bool walks_pairs(const tally__node *n)
{
    return tally__op_table[n->op].shape == TALLY__SHAPE_OF_ID;
}

/* operands are aligned from the right */
static bool walks_aligns(const tally__node *n)
{
    return tally__op_table[n->op].form == TALLY__FORM_ELEMENT || n->op == TALLY__OP_broadcast_like;
}

/* the operand whose rows any other op walks */
static uint32_t walks_operand(const tally__node *n)
{
    return n->op == TALLY__OP_gather ? 1 : 0;
}

/* does axis 0 of operand i of an elementwise op repeat? */
static bool walks_repeats(const tally__walks *w, const tally__node *n, uint32_t i)
{
    const tally__node *a = &w->g->node[n->arg[i]];
    const tally__size *s = &w->g->size[a->dim[0]];
    return a->rank == n->rank && a->rank && s->kind == TALLY__SIZE_FIXED && s->value == 1 && n->repeat >> (6 * i + a->rank - 1) & 1;
}

/* An operand of lower rank, or with a repeating axis 0, is the same for every row. */
static bool walks_operand_fits(const tally__walks *w, const tally__node *n, uint32_t i, tally__dim rows)
{
    const tally__node *a = &w->g->node[n->arg[i]];
    bool               element = walks_aligns(n);
    if (a->dtype == TALLY__EXACT || !walks_sizes_known(w, a))
        return false;
    if (element && a->rank == n->rank && a->rank)
        return tally__rows_of(w, n->arg[i]) == rows || walks_repeats(w, n, i);
    if (element)
        return true;
    return (i != walks_operand(n) && !walks_pairs(n)) || tally__rows_of(w, n->arg[i]) == rows;
}

/* does operand i walk with the rows, or is it the same for all of them? */
bool tally__operand_walks(const tally__walks *w, const tally__node *n, uint32_t i)
{
    const tally__node *a = &w->g->node[n->arg[i]];
    bool               element = walks_aligns(n);
    if (tally__is_update(n))
        return i == 0 || a->rank > 0;
    return element ? a->rank == n->rank && !walks_repeats(w, n, i) : i == walks_operand(n) || walks_pairs(n);
}

static tally__dim walks_value_rows(const tally__walks *w, tally__id id)
{
    const tally__node *n = &w->g->node[id];
    tally__dim         rows = tally__rows_of(w, id);
    if (!rows || !walks_op(w, n))
        return 0;
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (!n->arg[i] || !walks_operand_fits(w, n, i, rows))
            return 0;
    return rows;
}

/* an update takes rows as they come if axis 0 of its first operand is the sample axis, and of the others if they have one */
static tally__dim walks_update_rows(const tally__walks *w, const tally__node *n)
{
    const tally__graph *g = w->g;
    tally__dim          rows = tally__rows_of(w, n->arg[0]);
    const int          own = n->op == TALLY__OP_accumulate_at ? n->axis : g->slot[n->slot].schema->spec[n->cell].rank;
    if (!rows || g->node[n->arg[0]].rank <= own || g->node[n->arg[0]].dtype == TALLY__EXACT)
        return 0;
    for (uint32_t i = 1; i < n->n_arg; i++)
        if (n->arg[i] && g->node[n->arg[i]].rank && tally__rows_of(w, n->arg[i]) != rows)
            return 0;
    return rows;
}

enum { WALKS_MOST_CELLS = 64, WALKS_FEW_ROWS = 64 };
bool tally__folds_rows(const tally__node *n)
{
    return tally__op_table[n->op].form == TALLY__FORM_REDUCE && (tally__op_table[n->op].shape == TALLY__SHAPE_SCALAR || n->axis == 0);
}

/* A result of few cells: each holds an exact sum while the rows come. */
static tally__dim walks_fold_rows(const tally__walks *w, const tally__node *n)
{
    const tally__node *a = &w->g->node[n->arg[0]];
    int64_t            cells = 1;
    for (int k = 0; k < n->rank; k++) {
        const tally__size *s = &w->g->size[n->dim[k]];
        cells *= s->kind == TALLY__SIZE_FIXED ? TALLY__MIN(s->value, WALKS_MOST_CELLS + 1) : WALKS_MOST_CELLS + 1;
        if (cells > WALKS_MOST_CELLS)
            return 0;
    }
    return a->dtype == TALLY__EXACT ? 0 : tally__rows_of(w, n->arg[0]);
}

static tally__dim walks_node_rows(const tally__walks *w, tally__id id)
{
    const tally__node *n = &w->g->node[id];
    if (tally__is_update(n))
        return walks_update_rows(w, n);
    if (n->op == TALLY__OP_assert)
        return tally__rows_of(w, n->arg[0]);
    if (tally__folds_rows(n))
        return walks_fold_rows(w, n);
    return n->dtype && n->n_arg ? walks_value_rows(w, id) : 0;
}

/* a list of thresholds, say, is no batch: a loop over it would win nothing */
tally__dim tally__loop_rows(const tally__walks *w, tally__id id)
{
    tally__dim         rows = w->loops ? walks_node_rows(w, id) : 0;
    const tally__size *s = &w->g->size[rows];
    return s->kind == TALLY__SIZE_FIXED && s->value <= WALKS_FEW_ROWS ? 0 : rows;
}

/* x[n, 1] + x[n] needs row k of the one and all rows of the other */
bool tally__takes_whole(const tally__walks *w, const tally__node *n, tally__dim rows)
{
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (n->arg[i] && !tally__operand_walks(w, n, i) && tally__rows_of(w, n->arg[i]) == rows)
            return true;
    return false;
}
