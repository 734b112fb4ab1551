/* fuse: which nodes of a region run together, block by block of rows. Two nodes share a loop when their values have the same
 * size on axis 0 and every row of one is made from the same row of the other. A node goes into the earliest loop that its
 * operands and the order of effects allow; whatever cannot walk rows is a step of its own. Exact sums let updates of one
 * store be cut into blocks in any way; reads and resets stay behind the updates before them.
 * Order between checks needs no care: a call that fails runs again on the reference executor, which reports. Only a print
 * waits for all that may fail before it. */
#include "fuse.h"

/* ---- the earliest step that a node may join */
static uint32_t fuse_after_operands(const tally__fusing *f, const tally__node *n, tally__dim rows)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < n->n_arg; i++) {
        uint32_t at = tally__step_of(f, n->arg[i]);
        if (at == TALLY__NO_STEP)
            continue;
        bool together = rows && f->rows[n->arg[i]] && f->steps->step[at].rows == rows && tally__operand_walks(&f->w, n, i);
        first = TALLY__MAX(first, together ? at : at + 1);
    }
    return first;
}

/* what was last is so row by row within one update only: two of them take turns in a loop of blocks */
static bool fuse_in_order(const tally__fusing *f, const tally__node *n)
{
    return f->p->graph->slot[n->slot].schema->spec[n->cell].kind == TALLY_STATE_LAST;
}

static uint32_t fuse_after_effects(const tally__fusing *f, const tally__node *n)
{
    switch (n->op) {
    case TALLY__OP_read_cell:
        return f->written[n->slot];
    case TALLY__OP_accumulate:
    case TALLY__OP_accumulate_at:
        return fuse_in_order(f, n) ? TALLY__MAX(f->read[n->slot], f->written[n->slot]) : f->read[n->slot];
    case TALLY__OP_reset:
    case TALLY__OP_assign:
        return TALLY__MAX(f->read[n->slot], f->written[n->slot]);
    case TALLY__OP_print:
        return f->steps->n_step;
    default:
        return 0;
    }
}

static void fuse_note_slot(tally__fusing *f, const tally__node *n, uint32_t at)
{
    switch (n->op) {
    case TALLY__OP_read_cell:
        f->read[n->slot] = TALLY__MAX(f->read[n->slot], at + 1);
        break;
    case TALLY__OP_accumulate:
    case TALLY__OP_accumulate_at:
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

static void fuse_note_region(tally__fusing *f, uint32_t region, uint32_t at)
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
static tally__step *fuse_insert(tally__fusing *f, uint32_t at, tally__step_kind kind, tally__dim rows)
{
    tally__steps *s = f->steps;
    for (uint32_t i = s->n_step; i > at; i--)
        s->step[i] = s->step[i - 1];
    s->n_step++;
    s->step[at] = (tally__step){ .kind = kind, .rows = rows };
    return &s->step[at];
}

/* A step of its own goes right behind what it needs, before loops that others may still join; indices behind it move up. */
static void fuse_shift(tally__fusing *f, uint32_t from)
{
    const tally__graph *g = f->p->graph;
    for (uint32_t i = 0; i < g->region[f->region].n_list; i++) {
        uint32_t *at = &f->at[g->region[f->region].list[i]];
        if (*at != TALLY__NO_STEP && *at >= from)
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

static bool fuse_append(tally__fusing *f, tally__step *s, tally__id id)
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

/* A loop cannot show one value both whole and row by row. */
static bool fuse_clash(const tally__fusing *f, const tally__node *m, const tally__node *n)
{
    for (uint32_t i = 0; i < n->n_arg; i++)
        for (uint32_t k = 0; k < m->n_arg; k++)
            if (n->arg[i] && n->arg[i] == m->arg[k] && tally__operand_walks(&f->w, n, i) != tally__operand_walks(&f->w, m, k))
                return true;
    return false;
}

static bool fuse_clashes(const tally__fusing *f, const tally__step *s, const tally__node *n)
{
    if (!s->whole && !tally__takes_whole(&f->w, n, s->rows))
        return false;
    for (uint32_t i = 0; i < s->n_node; i++)
        if (fuse_clash(f, &f->p->graph->node[s->node[i]], n))
            return true;
    return false;
}

static uint32_t fuse_find_loop(const tally__fusing *f, uint32_t from, const tally__node *n, tally__dim rows)
{
    for (uint32_t i = from; i < f->steps->n_step; i++) {
        const tally__step *s = &f->steps->step[i];
        if (s->kind == TALLY__STEP_LOOP && s->rows == rows && !fuse_clashes(f, s, n))
            return i;
    }
    return TALLY__NO_STEP;
}

static bool fuse_node(tally__fusing *f, tally__id id)
{
    const tally__node *n = &f->p->graph->node[id];
    tally__dim         rows = tally__loop_rows(&f->w, id);
    uint32_t           first = TALLY__MAX(fuse_after_operands(f, n, rows), fuse_after_effects(f, n));
    uint32_t           at = rows ? fuse_find_loop(f, TALLY__MAX(first, f->printed), n, rows) : TALLY__NO_STEP;
    bool               region_node = tally__op_table[n->op].form == TALLY__FORM_REGION;
    first = TALLY__MAX(first, f->printed);
    if (region_node)
        first = f->steps->n_step;                   /* its inside may need or touch anything before it */
    while (first < f->steps->n_step && f->steps->step[first].kind == TALLY__STEP_NODE)
        first++;                                    /* as recorded, where nothing is won */
    if (at == TALLY__NO_STEP) {
        at = rows ? f->steps->n_step : first;
        fuse_shift(f, at);
        fuse_insert(f, at, rows ? TALLY__STEP_LOOP : TALLY__STEP_NODE, rows);
    }
    f->at[id] = at;
    f->steps->step[at].whole = f->steps->step[at].whole || (rows && tally__takes_whole(&f->w, n, rows));
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

static bool fuse_loads(tally__fusing *f, uint32_t at)
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
            if (n->arg[k] && tally__step_of(f, n->arg[k]) != at && tally__operand_walks(&f->w, n, k) && tally__rows_of(&f->w, n->arg[k]) == s->rows)
                fuse_add(s->load, &s->n_load, n->arg[k]);
    }
    return true;
}

static bool fuse_keeps(tally__fusing *f, uint32_t at, const bool *needed)
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

static void fuse_mark_needed(const tally__fusing *f, bool *needed)
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

/* the steps again, by where each node is now; those that lost all their nodes go */
static bool fuse_settle(tally__fusing *f)
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

static bool fuse_region(tally__fusing *f, uint32_t region)
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
    tally__sink(f);
    return fuse_settle(f);
}

static bool fuse_ends(tally__fusing *f, const bool *needed)
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
    bool               *needed = tally__arena_zalloc(a, g->n_node);
    tally__fusing       f = { .p = p,
                              .at = tally__arena_alloc(a, g->n_node * sizeof *f.at),
                              .user = tally__arena_alloc(a, g->n_node * sizeof *f.user),
                              .rows = tally__arena_zalloc(a, g->n_node),
                              .written = tally__arena_alloc(a, slots * sizeof *f.written),
                              .read = tally__arena_alloc(a, slots * sizeof *f.read) };
    if (!f.at || !f.user || !f.rows || !f.written || !f.read || !needed || !tally__walks_begin(&f.w, g, a, loops))
        return false;
    for (tally__id i = 0; i < g->n_node; i++)
        f.at[i] = TALLY__NO_STEP;
    for (uint32_t r = 1; r < g->n_region; r++)
        if (!fuse_region(&f, r))
            return false;
    fuse_mark_needed(&f, needed);
    return fuse_ends(&f, needed);
}
