/* slots: where a loop keeps what it makes of a block. A value has a slot from its node to its last reader, then the slot is
 * free again, so a long chain needs two or three and stays in the nearest cache. A result is never written over an operand
 * of the same node: a loop may read what it has overwritten where widths differ, and compilers vectorise better when they
 * know that it does not. Counts slots, no bytes: those follow when sizes bind. */
#include "pass.h"

#define SLOTS_NONE UINT32_MAX    /* of places and nodes: none */
typedef struct slots {
    const tally__graph *g;
    tally__step        *s;
    uint32_t           *place;      /* [n_node] of the graph: where in the step a node stands, SLOTS_NONE: outside */
    uint32_t           *last;       /* [s->n_node] the last reader of what stands there */
    uint32_t           *next;       /* [s->n_node] another node with the same last reader */
    uint32_t           *ends;       /* [s->n_node] of a reader: the first node that it reads last */
    bool               *busy;       /* [s->n_node] of each slot: holds something */
} slots;

/* The memory of a view is its operand's; what looks at sizes only has none. */
bool tally__is_view(const tally__node *n)
{
    return tally__op_table[n->op].form == TALLY__FORM_VIEW || tally__op_table[n->op].laws & TALLY__LAW_SIZES;
}

/* where in the step stands what holds the memory of this value? */
static uint32_t slots_holder(const slots *c, tally__id id)
{
    while (c->place[id] != SLOTS_NONE && tally__is_view(&c->g->node[id]))
        id = c->g->node[id].arg[0];
    return c->place[id];
}

static void slots_last_readers(slots *c)
{
    for (uint32_t i = 0; i < c->s->n_node; i++) {
        const tally__node *n = &c->g->node[c->s->node[i]];
        c->last[i] = i;
        for (uint32_t k = 0; k < n->n_arg; k++) {
            uint32_t at = n->arg[k] ? slots_holder(c, n->arg[k]) : SLOTS_NONE;
            if (at != SLOTS_NONE)
                c->last[at] = i;
        }
    }
    for (uint32_t i = 0; i < c->s->n_keep; i++) {        /* what stays is copied behind the last node */
        uint32_t at = slots_holder(c, c->s->keep[i]);
        if (at != SLOTS_NONE)
            c->last[at] = c->s->n_node - 1;
    }
}

/* a kept value is written where it stays */
static bool slots_needs_one(const slots *c, tally__id id)
{
    const tally__node *n = &c->g->node[id];
    if (!n->dtype || tally__is_view(n) || tally__folds_rows(n))
        return false;
    for (uint32_t i = 0; i < c->s->n_keep; i++)
        if (c->s->keep[i] == id)
            return false;
    return true;
}

/* an unweighted update of one number */
static bool slots_counts(const slots *c, const tally__node *n)
{
    const tally__cell_spec *spec;
    if (n->op != TALLY__OP_accumulate || n->arg[1] || n->arg[2])
        return false;
    spec = &c->g->slot[n->slot].schema->spec[n->cell];
    return (spec->kind == TALLY_STATE_SUM || spec->kind == TALLY_STATE_COUNT) && !spec->rank;
}

/* A result that only goes into sums need not be written down: a loop can count it. What is kept is read behind the loop. */
static void slots_find_counted(slots *c)
{
    for (uint32_t i = 0; i < c->s->n_node; i++)
        c->s->counted[i] = c->g->node[c->s->node[i]].dtype == TALLY_BOOL && !tally__is_view(&c->g->node[c->s->node[i]]);
    for (uint32_t i = 0; i < c->s->n_keep; i++)
        c->s->counted[c->place[c->s->keep[i]]] = false;
    for (uint32_t i = 0; i < c->s->n_node; i++) {
        const tally__node *n = &c->g->node[c->s->node[i]];
        for (uint32_t k = 0; k < n->n_arg; k++)
            if (n->arg[k] && c->place[n->arg[k]] != SLOTS_NONE && (k || !slots_counts(c, n)))
                c->s->counted[c->place[n->arg[k]]] = false;
    }
}

static void slots_note_ends(slots *c)
{
    for (uint32_t i = 0; i < c->s->n_node; i++)
        c->ends[i] = SLOTS_NONE;
    for (uint32_t i = 0; i < c->s->n_node; i++) {
        c->next[i] = c->ends[c->last[i]];
        c->ends[c->last[i]] = i;
    }
}

static uint32_t slots_take(slots *c)
{
    uint32_t k = 0;
    while (c->busy[k])
        k++;
    c->busy[k] = true;
    c->s->n_slot = TALLY__MAX(c->s->n_slot, k + 1);
    return k;
}

static void slots_give(slots *c)
{
    uint32_t *slot = c->s->slot;
    for (uint32_t i = 0; i < c->s->n_node; i++) {
        slot[i] = slots_needs_one(c, c->s->node[i]) ? slots_take(c) : TALLY__NO_SLOT;
        for (uint32_t k = c->ends[i]; k != SLOTS_NONE; k = c->next[k])
            if (slot[k] != TALLY__NO_SLOT)
                c->busy[slot[k]] = false;
    }
}

static void slots_add(tally__id *list, uint32_t *n, tally__id id)
{
    for (uint32_t i = 0; i < *n; i++)
        if (list[i] == id)
            return;
    list[(*n)++] = id;
}

static bool slots_walks(const tally__step *s, tally__id id)
{
    for (uint32_t i = 0; i < s->n_load; i++)
        if (s->load[i] == id)
            return true;
    return false;
}

/* operands from outside that are the same for all rows; constants never move, so nobody has to follow them */
static bool slots_beside(slots *c, tally__arena *a)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < c->s->n_node; i++)
        most += c->g->node[c->s->node[i]].n_arg;
    c->s->beside = tally__arena_alloc(a, (most + 1) * sizeof *c->s->beside);
    for (uint32_t i = 0; c->s->beside && i < c->s->n_node; i++) {
        const tally__node *n = &c->g->node[c->s->node[i]];
        for (uint32_t k = 0; k < n->n_arg; k++) {
            tally__id id = n->arg[k];
            if (id && c->place[id] == SLOTS_NONE && !slots_walks(c->s, id) && c->g->node[id].op != TALLY__OP_constant)
                slots_add(c->s->beside, &c->s->n_beside, id);
        }
    }
    return c->s->beside != NULL;
}

static bool slots_loop(slots *c, tally__arena *a)
{
    tally__step *s = c->s;
    s->slot = tally__arena_alloc(a, (s->n_node + 1) * sizeof *s->slot);
    c->last = tally__arena_alloc(a, (s->n_node + 1) * sizeof *c->last);
    c->next = tally__arena_alloc(a, (s->n_node + 1) * sizeof *c->next);
    c->ends = tally__arena_alloc(a, (s->n_node + 1) * sizeof *c->ends);
    c->busy = tally__arena_zalloc(a, s->n_node + 1);
    s->counted = tally__arena_zalloc(a, s->n_node + 1);
    if (!s->slot || !s->counted || !c->last || !c->next || !c->ends || !c->busy)
        return false;
    for (uint32_t i = 0; i < s->n_node; i++)
        c->place[s->node[i]] = i;
    slots_find_counted(c);
    slots_last_readers(c);
    slots_note_ends(c);
    slots_give(c);
    bool done = slots_beside(c, a);
    for (uint32_t i = 0; i < s->n_node; i++)
        c->place[s->node[i]] = SLOTS_NONE;
    return done;
}

bool tally__slots(tally__plan *p)
{
    slots c = { .g = p->graph, .place = tally__arena_alloc(&p->arena, p->graph->n_node * sizeof *c.place) };
    if (!c.place)
        return false;
    for (tally__id i = 0; i < p->graph->n_node; i++)
        c.place[i] = SLOTS_NONE;
    for (uint32_t r = 1; r < p->graph->n_region; r++)
        for (uint32_t i = 0; i < p->region[r].n_step; i++) {
            c.s = &p->region[r].step[i];
            if (c.s->kind != TALLY__STEP_LOOP)
                continue;
            c.s->loop = p->n_loop++;
            if (!slots_loop(&c, &p->arena))
                return false;
        }
    return true;
}
