/* fuse: which nodes of a region run together, block by block of rows. Two nodes share a loop when their values have the same
 * size on axis 0 and every row of one is made from the same row of the other. A node goes into the earliest loop that its
 * operands and the order of effects allow; whatever cannot walk rows is a step of its own. Exact sums let updates of one
 * store be cut into blocks in any way; reads and resets stay behind the updates before them.
 * Order between checks needs no care: a call that fails runs again on the reference executor, which reports. Only a print
 * waits for all that may fail before it. */
#include "pass.h"

#define FUSE_NOWHERE    UINT32_MAX
#define FUSE_USED_APART (UINT32_MAX - 1)
typedef struct fuse {
    tally__plan  *p;
    tally__dim   *same;         /* [n_size] the size that stands for all provably equal to it */
    uint32_t     *at;           /* [n_node] index into step[] of its region, FUSE_NOWHERE: in none of this region */
    bool         *known;        /* [n_size] has its number before anything runs */
    bool         *rows;         /* [n_node] a value whose rows a loop makes one by one */
    uint32_t     *user;         /* [n_node] the one step whose rows it is needed for, FUSE_NOWHERE: none, FUSE_USED_APART: not so */
    bool          loops;        /* false: no loops at all */
    uint32_t      region;       /* at work */
    tally__steps *steps;        /* of the region at work */
    uint32_t      room;
    uint32_t     *written;      /* [n_slot] first step that may read, 1 + the last that wrote */
    uint32_t     *read;         /* [n_slot] 1 + the last that read, or wrote as a whole */
    uint32_t      printed;      /* 1 + the last print */
} fuse;

/* ---- sizes known to be equal before anything runs */
static tally__dim fuse_size(const fuse *f, tally__dim d)
{
    while (f->same[d] != d)
        d = f->same[d];
    return d;
}

/* the size of a state that a batch builds is known only where it must equal another that is; a variable always has its sizes */
static bool fuse_is_number(const tally__graph *g, tally__dim d)
{
    const tally__size   *s = &g->size[d];
    const tally__schema *schema = s->kind == TALLY__SIZE_STATE ? g->slot[s->index].schema : NULL;
    if (schema)
        return schema->what == TALLY__VARIABLE || schema->spec[s->cell].shape[s->axis] >= 0;
    return s->kind != TALLY__SIZE_RUN;
}

static void fuse_sizes(fuse *f)
{
    const tally__graph *g = f->p->graph;
    for (tally__dim d = 0; d < g->n_size; d++)
        f->same[d] = d;
    for (uint32_t i = 0; i < g->n_equality; i++) {
        tally__dim a = fuse_size(f, g->equality[i].a), b = fuse_size(f, g->equality[i].b);
        if (g->size[a].kind != TALLY__SIZE_RUN && g->size[b].kind != TALLY__SIZE_RUN)
            f->same[TALLY__MAX(a, b)] = TALLY__MIN(a, b);
    }
    for (tally__dim d = 0; d < g->n_size; d++)
        f->known[fuse_size(f, d)] = f->known[fuse_size(f, d)] || fuse_is_number(g, d);
}

/* ---- what may walk rows */
static bool fuse_sizes_known(const fuse *f, const tally__node *n)
{
    for (int k = 0; k < n->rank; k++)
        if (!f->known[fuse_size(f, n->dim[k])])
            return false;
    return true;
}

/* the size of axis 0 of a value, 0 for a scalar or a fixed 1, which no loop walks */
static tally__dim fuse_rows_of(const fuse *f, tally__id id)
{
    const tally__node *n = &f->p->graph->node[id];
    return id && n->rank && fuse_sizes_known(f, n) ? fuse_size(f, n->dim[0]) : 0;
}

static bool fuse_moves_axis(const tally__node *n)
{
    return n->op == TALLY__OP_expand_dims || n->op == TALLY__OP_squeeze || n->op == TALLY__OP_axis_last;
}

/* ops whose row k is made from row k of operands with that many rows, and from whole operands without */
static bool fuse_op_walks(const fuse *f, const tally__node *n)
{
    const tally__graph *g = f->p->graph;
    int                 rank = n->n_arg && n->arg[0] ? g->node[n->arg[0]].rank : 0;
    switch ((tally__form)tally__op_table[n->op].form) {
    case TALLY__FORM_ELEMENT:
        return n->dtype != TALLY__EXACT && n->op != TALLY__OP_ratio;
    case TALLY__FORM_REDUCE:
        return tally__op_table[n->op].shape == TALLY__SHAPE_DROP && n->axis != 0;
    case TALLY__FORM_ROW:
        return rank > 1 && n->axis != 0 && n->op != TALLY__OP_rank_of;
    case TALLY__FORM_VIEW:
        return n->op == TALLY__OP_broadcast_like || (n->op == TALLY__OP_column && rank > 1) || (fuse_moves_axis(n) && n->axis != 0);
    default:
        return n->op == TALLY__OP_one_hot || n->op == TALLY__OP_class_ids || n->op == TALLY__OP_gather;
    }
}

/* operands are aligned from the right */
static bool fuse_aligns(const tally__node *n)
{
    return tally__op_table[n->op].form == TALLY__FORM_ELEMENT || n->op == TALLY__OP_broadcast_like;
}

/* the operand whose rows any other op walks */
static uint32_t fuse_walked(const tally__node *n)
{
    return n->op == TALLY__OP_gather ? 1 : 0;
}

/* does axis 0 of operand i of an elementwise op repeat? */
static bool fuse_repeats(const fuse *f, const tally__node *n, uint32_t i)
{
    const tally__node *a = &f->p->graph->node[n->arg[i]];
    const tally__size *s = &f->p->graph->size[a->dim[0]];
    return a->rank == n->rank && a->rank && s->kind == TALLY__SIZE_FIXED && s->value == 1 && n->repeat >> (6 * i + a->rank - 1) & 1;
}

/* An operand of lower rank, or with a repeating axis 0, is the same for every row. */
static bool fuse_operand_fits(const fuse *f, const tally__node *n, uint32_t i, tally__dim rows)
{
    const tally__node *a = &f->p->graph->node[n->arg[i]];
    bool               element = fuse_aligns(n);
    if (a->dtype == TALLY__EXACT || !fuse_sizes_known(f, a))
        return false;
    if (element && a->rank == n->rank && a->rank)
        return fuse_rows_of(f, n->arg[i]) == rows || fuse_repeats(f, n, i);
    if (element)
        return true;
    return i != fuse_walked(n) || fuse_rows_of(f, n->arg[i]) == rows;
}

/* does operand i walk with the rows, or is it the same for all of them? */
static bool fuse_operand_walks(const fuse *f, const tally__node *n, uint32_t i)
{
    const tally__node *a = &f->p->graph->node[n->arg[i]];
    bool               element = fuse_aligns(n);
    if (n->op == TALLY__OP_accumulate)
        return i == 0 || a->rank > 0;
    return element ? a->rank == n->rank && !fuse_repeats(f, n, i) : i == fuse_walked(n);
}

static tally__dim fuse_value_rows(const fuse *f, tally__id id)
{
    const tally__node *n = &f->p->graph->node[id];
    tally__dim         rows = fuse_rows_of(f, id);
    if (!rows || !fuse_op_walks(f, n))
        return 0;
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (!n->arg[i] || !fuse_operand_fits(f, n, i, rows))
            return 0;
    return rows;
}

/* an update takes rows as they come if axis 0 of the value is the sample axis, and of the weight and the mask if they have one */
static tally__dim fuse_update_rows(const fuse *f, const tally__node *n)
{
    const tally__graph *g = f->p->graph;
    tally__dim          rows = fuse_rows_of(f, n->arg[0]);
    if (!rows || g->node[n->arg[0]].rank <= g->slot[n->slot].schema->spec[n->cell].rank || g->node[n->arg[0]].dtype == TALLY__EXACT)
        return 0;
    for (uint32_t i = 1; i < n->n_arg; i++)
        if (n->arg[i] && g->node[n->arg[i]].rank && fuse_rows_of(f, n->arg[i]) != rows)
            return 0;
    return rows;
}

enum { FUSE_MOST_CELLS = 64, FUSE_FEW_ROWS = 64 };
bool tally__folds_rows(const tally__node *n)
{
    return tally__op_table[n->op].form == TALLY__FORM_REDUCE && (tally__op_table[n->op].shape == TALLY__SHAPE_SCALAR || n->axis == 0);
}

/* A result of few cells: each holds an exact sum while the rows come. */
static tally__dim fuse_fold_rows(const fuse *f, const tally__node *n)
{
    const tally__node *a = &f->p->graph->node[n->arg[0]];
    int64_t            cells = 1;
    for (int k = 0; k < n->rank; k++) {
        const tally__size *s = &f->p->graph->size[n->dim[k]];
        cells *= s->kind == TALLY__SIZE_FIXED ? TALLY__MIN(s->value, FUSE_MOST_CELLS + 1) : FUSE_MOST_CELLS + 1;
        if (cells > FUSE_MOST_CELLS)
            return 0;
    }
    return a->dtype == TALLY__EXACT ? 0 : fuse_rows_of(f, n->arg[0]);
}

static tally__dim fuse_rows_to_walk(const fuse *f, tally__id id)
{
    const tally__node *n = &f->p->graph->node[id];
    if (n->op == TALLY__OP_accumulate)
        return fuse_update_rows(f, n);
    if (n->op == TALLY__OP_assert)
        return fuse_rows_of(f, n->arg[0]);
    if (tally__folds_rows(n))
        return fuse_fold_rows(f, n);
    return n->dtype && n->n_arg ? fuse_value_rows(f, id) : 0;
}

/* a list of thresholds, say, is no batch: a loop over it would win nothing */
static tally__dim fuse_loop_rows(const fuse *f, tally__id id)
{
    tally__dim         rows = f->loops ? fuse_rows_to_walk(f, id) : 0;
    const tally__size *s = &f->p->graph->size[rows];
    return s->kind == TALLY__SIZE_FIXED && s->value <= FUSE_FEW_ROWS ? 0 : rows;
}

/* ---- the earliest step that a node may join */
static uint32_t fuse_step_of(const fuse *f, tally__id id)
{
    return id && f->p->graph->node[id].region == f->region ? f->at[id] : FUSE_NOWHERE;
}

static uint32_t fuse_after_operands(const fuse *f, const tally__node *n, tally__dim rows)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < n->n_arg; i++) {
        uint32_t at = fuse_step_of(f, n->arg[i]);
        if (at == FUSE_NOWHERE)
            continue;
        bool together = rows && f->rows[n->arg[i]] && f->steps->step[at].rows == rows && fuse_operand_walks(f, n, i);
        first = TALLY__MAX(first, together ? at : at + 1);
    }
    return first;
}

static uint32_t fuse_after_effects(const fuse *f, const tally__node *n)
{
    switch (n->op) {
    case TALLY__OP_read_cell:
        return f->written[n->slot];
    case TALLY__OP_accumulate:
        return f->read[n->slot];
    case TALLY__OP_reset:
    case TALLY__OP_assign:
        return TALLY__MAX(f->read[n->slot], f->written[n->slot]);
    case TALLY__OP_print:
        return f->steps->n_step;
    default:
        return 0;
    }
}

static void fuse_note_slot(fuse *f, const tally__node *n, uint32_t at)
{
    switch (n->op) {
    case TALLY__OP_read_cell:
        f->read[n->slot] = TALLY__MAX(f->read[n->slot], at + 1);
        break;
    case TALLY__OP_accumulate:
        f->written[n->slot] = TALLY__MAX(f->written[n->slot], at + 1);
        break;
    case TALLY__OP_reset:
    case TALLY__OP_assign:
        f->written[n->slot] = f->read[n->slot] = at + 1;
        break;
    default:
        break;
    }
}

static void fuse_note_region(fuse *f, uint32_t region, uint32_t at)
{
    const tally__graph *g = f->p->graph;
    for (uint32_t i = 0; i < g->region[region].n_list; i++) {
        const tally__node *n = &g->node[g->region[region].list[i]];
        fuse_note_slot(f, n, at);
        for (int k = 0; k < 2; k++)
            if (n->inner[k])
                fuse_note_region(f, n->inner[k], at);
    }
}

/* ---- steps */
static tally__step *fuse_insert(fuse *f, uint32_t at, tally__step_kind kind, tally__dim rows)
{
    tally__steps *s = f->steps;
    for (uint32_t i = s->n_step; i > at; i--)
        s->step[i] = s->step[i - 1];
    s->n_step++;
    s->step[at] = (tally__step){ .kind = kind, .rows = rows };
    return &s->step[at];
}

/* A step of its own goes right behind what it needs, before loops that others may still join; indices behind it move up. */
static void fuse_shift(fuse *f, uint32_t from)
{
    const tally__graph *g = f->p->graph;
    for (uint32_t i = 0; i < g->region[f->region].n_list; i++) {
        uint32_t *at = &f->at[g->region[f->region].list[i]];
        if (*at != FUSE_NOWHERE && *at >= from)
            ++*at;
    }
    for (int32_t i = 0; i < g->n_slot; i++) {
        if (f->written[i] > from)
            f->written[i]++;
        if (f->read[i] > from)
            f->read[i]++;
    }
    if (f->printed > from)
        f->printed++;
}

static bool fuse_append(fuse *f, tally__step *s, tally__id id)
{
    if (!(s->n_node & (s->n_node - 1))) {           /* 0, 1, 2, 4 ...: full */
        uint32_t   room = s->n_node ? 2 * s->n_node : 1;
        tally__id *list = tally__arena_alloc(&f->p->arena, room * sizeof *list);
        if (!list)
            return false;
        if (s->n_node)
            memcpy(list, s->node, s->n_node * sizeof *list);
        s->node = list;
    }
    s->node[s->n_node++] = id;
    return true;
}

/* x[n, 1] + x[n] needs row k of the one and all rows of the other */
static bool fuse_takes_whole(const fuse *f, const tally__node *n, tally__dim rows)
{
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (n->arg[i] && !fuse_operand_walks(f, n, i) && fuse_rows_of(f, n->arg[i]) == rows)
            return true;
    return false;
}

/* A loop cannot show one value both whole and row by row. */
static bool fuse_clash(const fuse *f, const tally__node *m, const tally__node *n)
{
    for (uint32_t i = 0; i < n->n_arg; i++)
        for (uint32_t k = 0; k < m->n_arg; k++)
            if (n->arg[i] && n->arg[i] == m->arg[k] && fuse_operand_walks(f, n, i) != fuse_operand_walks(f, m, k))
                return true;
    return false;
}

static bool fuse_clashes(const fuse *f, const tally__step *s, const tally__node *n)
{
    if (!s->whole && !fuse_takes_whole(f, n, s->rows))
        return false;
    for (uint32_t i = 0; i < s->n_node; i++)
        if (fuse_clash(f, &f->p->graph->node[s->node[i]], n))
            return true;
    return false;
}

static uint32_t fuse_find_loop(const fuse *f, uint32_t from, const tally__node *n, tally__dim rows)
{
    for (uint32_t i = from; i < f->steps->n_step; i++) {
        const tally__step *s = &f->steps->step[i];
        if (s->kind == TALLY__STEP_LOOP && s->rows == rows && !fuse_clashes(f, s, n))
            return i;
    }
    return FUSE_NOWHERE;
}

static bool fuse_node(fuse *f, tally__id id)
{
    const tally__node *n = &f->p->graph->node[id];
    tally__dim         rows = fuse_loop_rows(f, id);
    uint32_t           first = TALLY__MAX(fuse_after_operands(f, n, rows), fuse_after_effects(f, n));
    uint32_t           at = rows ? fuse_find_loop(f, TALLY__MAX(first, f->printed), n, rows) : FUSE_NOWHERE;
    bool               region_node = tally__op_table[n->op].form == TALLY__FORM_REGION;
    first = TALLY__MAX(first, f->printed);
    if (region_node)
        first = f->steps->n_step;                   /* its inside may need or touch anything before it */
    while (first < f->steps->n_step && f->steps->step[first].kind == TALLY__STEP_NODE)
        first++;                                    /* as recorded, where nothing is won */
    if (at == FUSE_NOWHERE) {
        at = rows ? f->steps->n_step : first;
        fuse_shift(f, at);
        fuse_insert(f, at, rows ? TALLY__STEP_LOOP : TALLY__STEP_NODE, rows);
    }
    f->at[id] = at;
    f->steps->step[at].whole = f->steps->step[at].whole || (rows && fuse_takes_whole(f, n, rows));
    f->rows[id] = rows && n->dtype && !tally__folds_rows(n);
    if (n->op == TALLY__OP_print)
        f->printed = at + 1;
    fuse_note_slot(f, n, at);
    for (int k = 0; k < 2; k++)
        if (n->inner[k])
            fuse_note_region(f, n->inner[k], at);
    return fuse_append(f, &f->steps->step[at], id);
}

/* ---- what a loop brings in and leaves behind */
static void fuse_add(tally__id *list, uint32_t *n, tally__id id)
{
    for (uint32_t i = 0; i < *n; i++)
        if (list[i] == id)
            return;
    list[(*n)++] = id;
}

static bool fuse_loads(fuse *f, uint32_t at)
{
    tally__step *s = &f->steps->step[at];
    uint32_t     most = 0;
    for (uint32_t i = 0; i < s->n_node; i++)
        most += f->p->graph->node[s->node[i]].n_arg;
    s->load = tally__arena_alloc(&f->p->arena, (most + 1) * sizeof *s->load);
    if (!s->load)
        return false;
    for (uint32_t i = 0; i < s->n_node; i++) {
        const tally__node *n = &f->p->graph->node[s->node[i]];
        for (uint32_t k = 0; k < n->n_arg; k++)
            if (n->arg[k] && fuse_step_of(f, n->arg[k]) != at && fuse_operand_walks(f, n, k) && fuse_rows_of(f, n->arg[k]) == s->rows)
                fuse_add(s->load, &s->n_load, n->arg[k]);
    }
    return true;
}

static bool fuse_keeps(fuse *f, uint32_t at, const bool *needed)
{
    tally__step *s = &f->steps->step[at];
    s->keep = tally__arena_alloc(&f->p->arena, (s->n_node + 1) * sizeof *s->keep);
    for (uint32_t i = 0; s->keep && i < s->n_node; i++) {
        bool rows = f->rows[s->node[i]];
        s->n_fold += !rows && f->p->graph->node[s->node[i]].dtype;
        if (rows && needed[s->node[i]])
            s->keep[s->n_keep++] = s->node[i];
    }
    return s->keep != NULL;
}

static void fuse_mark_needed(const fuse *f, bool *needed)
{
    const tally__graph *g = f->p->graph;
    for (tally__id i = 1; i < g->n_node; i++)
        for (uint32_t k = 0; k < g->node[i].n_arg; k++) {
            tally__id a = g->node[i].arg[k];
            bool      apart = a && (g->node[a].region != g->node[i].region || f->at[a] != f->at[i]);
            needed[a] = needed[a] || apart;
        }
    for (uint32_t r = 1; r < g->n_region; r++)
        for (uint32_t i = 0; i < g->region[r].n_yield; i++)
            needed[g->region[r].yield[i]] = true;
    for (int32_t i = 0; i < g->n_out; i++)
        needed[g->out[i].node] = true;
}

/* ---- A value that only one later loop walks is made there, so that it need not be kept whole. */
static void fuse_use(fuse *f, tally__id id, uint32_t at)
{
    if (f->p->graph->node[id].region != f->region)
        f->user[id] = FUSE_USED_APART;
    else if (f->user[id] == FUSE_NOWHERE || f->user[id] == at)
        f->user[id] = at;
    else
        f->user[id] = FUSE_USED_APART;
}

static void fuse_use_operands(fuse *f, const tally__node *n, uint32_t at)
{
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (n->arg[i])
            fuse_use(f, n->arg[i], fuse_operand_walks(f, n, i) && n->region == f->region ? at : FUSE_USED_APART);
}

/* what else needs values of this region whole */
static void fuse_use_apart(fuse *f)
{
    const tally__graph *g = f->p->graph;
    for (tally__id i = 1; i < g->n_node; i++)
        f->user[i] = FUSE_NOWHERE;
    for (tally__id i = 1; i < g->n_node; i++)
        if (g->node[i].region != f->region)
            for (uint32_t k = 0; k < g->node[i].n_arg; k++)
                f->user[g->node[i].arg[k]] = FUSE_USED_APART;
    for (uint32_t r = 1; r < g->n_region; r++)
        for (uint32_t i = 0; i < g->region[r].n_yield; i++)
            f->user[g->region[r].yield[i]] = FUSE_USED_APART;
    for (int32_t i = 0; i < g->n_out; i++)
        f->user[g->out[i].node] = FUSE_USED_APART;
}

/* moving it must not make the loop keep two operands instead */
static bool fuse_may_move(const fuse *f, const tally__node *n, uint32_t from, uint32_t to)
{
    uint32_t kept = 0;
    if (to >= f->steps->n_step || to <= from || f->steps->step[to].kind != TALLY__STEP_LOOP ||
        f->steps->step[to].rows != f->steps->step[from].rows || f->steps->step[to].whole || fuse_takes_whole(f, n, f->steps->step[to].rows) ||
        tally__op_table[n->op].laws & TALLY__LAW_CHECKS)
        return false;
    for (uint32_t i = 0; i < n->n_arg; i++)
        kept += n->arg[i] && fuse_step_of(f, n->arg[i]) == from && f->rows[n->arg[i]] && f->user[n->arg[i]] != FUSE_NOWHERE &&
                f->user[n->arg[i]] != to;
    return kept < 2;
}

/* last to first, so that whole chains move */
static void fuse_sink(fuse *f)
{
    const tally__region *r = &f->p->graph->region[f->region];
    fuse_use_apart(f);
    for (uint32_t i = r->n_list; i-- > 0;) {
        tally__id          id = r->list[i];
        const tally__node *n = &f->p->graph->node[id];
        if (f->rows[id] && fuse_may_move(f, n, f->at[id], f->user[id]))
            f->at[id] = f->user[id];
        fuse_use_operands(f, n, f->at[id]);
    }
}

/* the steps again, by where each node is now; those that lost all their nodes go */
static bool fuse_settle(fuse *f)
{
    const tally__region *r = &f->p->graph->region[f->region];
    tally__steps        *s = f->steps;
    uint32_t            *to = tally__arena_alloc(&f->p->arena, (s->n_step + 1) * sizeof *to), n = 0;
    for (uint32_t i = 0; i < s->n_step; i++)
        s->step[i].n_node = 0;
    for (uint32_t i = 0; i < r->n_list; i++)
        if (!fuse_append(f, &s->step[f->at[r->list[i]]], r->list[i]))
            return false;
    if (!to)
        return false;
    for (uint32_t i = 0; i < s->n_step; i++) {
        to[i] = n;
        if (s->step[i].n_node)
            s->step[n++] = s->step[i];
    }
    s->n_step = n;
    for (uint32_t i = 0; i < r->n_list; i++)
        f->at[r->list[i]] = to[f->at[r->list[i]]];
    return true;
}

static bool fuse_region(fuse *f, uint32_t region)
{
    const tally__graph *g = f->p->graph;
    size_t              slots = (size_t)g->n_slot;
    f->region = region;
    f->steps = &f->p->region[region];
    f->steps->step = tally__arena_alloc(&f->p->arena, (g->region[region].n_list + 1) * sizeof *f->steps->step);
    if (!f->steps->step)
        return false;
    memset(f->written, 0, slots * sizeof *f->written);
    memset(f->read, 0, slots * sizeof *f->read);
    f->printed = 0;
    for (uint32_t i = 0; i < g->region[region].n_list; i++)
        if (!fuse_node(f, g->region[region].list[i]))
            return false;
    fuse_sink(f);
    return fuse_settle(f);
}

static bool fuse_ends(fuse *f, const bool *needed)
{
    for (uint32_t r = 1; r < f->p->graph->n_region; r++) {
        f->region = r;
        f->steps = &f->p->region[r];
        for (uint32_t i = 0; i < f->steps->n_step; i++)
            if (f->steps->step[i].kind == TALLY__STEP_LOOP && (!fuse_loads(f, i) || !fuse_keeps(f, i, needed)))
                return false;
    }
    return true;
}

bool tally__fuse(tally__plan *p, bool loops)
{
    const tally__graph *g = p->graph;
    tally__arena       *a = &p->arena;
    size_t              slots = (size_t)g->n_slot + 1;
    fuse f = { .p = p, .loops = loops,
               .same = tally__arena_alloc(a, g->n_size * sizeof *f.same),
               .known = tally__arena_zalloc(a, g->n_size),
               .at = tally__arena_alloc(a, g->n_node * sizeof *f.at),
               .user = tally__arena_alloc(a, g->n_node * sizeof *f.user),
               .rows = tally__arena_zalloc(a, g->n_node),
               .written = tally__arena_alloc(a, slots * sizeof *f.written),
               .read = tally__arena_alloc(a, slots * sizeof *f.read) };
    bool *needed = tally__arena_zalloc(a, g->n_node);
    if (!f.same || !f.at || !f.user || !f.known || !f.rows || !f.written || !f.read || !needed)
        return false;
    for (tally__id i = 0; i < g->n_node; i++)
        f.at[i] = FUSE_NOWHERE;
    fuse_sizes(&f);
    for (uint32_t r = 1; r < g->n_region; r++)
        if (!fuse_region(&f, r))
            return false;
    fuse_mark_needed(&f, needed);
    return fuse_ends(&f, needed);
}
