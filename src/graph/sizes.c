/* sizes: what a recording knows of sizes before any number is known. Sizes that met are kept
 * together (union-find), so that an equality is noted once. What was learnt inside a region is
 * forgotten when it closes, as its nodes may never run; therefore paths are never compressed. Knows
 * no op. */
#include "graph.h"

tally__dim tally__size_new(tally_trace *t, tally__size size)
{
    if (!tally__trace_ok(t))
        return 0;
    tally__recording *r = t->now;
    tally__graph     *g = r->graph;
    if (!tally__table_room(t, &g->size, g->n_size, &g->size_room, sizeof *g->size) ||
        !tally__table_room(t, &r->parent, g->n_size, &r->parent_room, sizeof *r->parent))
        return 0;
    g->size[g->n_size] = size;
    r->parent[g->n_size] = g->n_size;
    return g->n_size++;
}

tally__dim tally__size_find(const tally__recording *r, tally__dim d)
{
    while (r->parent[d] != d)
        d = r->parent[d];
    return d;
}

/* Fixed sizes are few and stand at the front of most searches. */
tally__dim tally__size_fixed(tally_trace *t, int64_t v)
{
    const tally__graph *g = t->now->graph;
    tally__size         size = { TALLY__SIZE_FIXED, 0, 0, 0, v };
    for (tally__dim d = 0; d < g->n_size && d < 16; d++)
        if (g->size[d].kind == TALLY__SIZE_FIXED && g->size[d].value == v)
            return d;
    return tally__size_new(t, size);
}

tally__dim tally__size_run(tally_trace *t, int axis)
{
    return tally__size_new(
        t, (tally__size){ TALLY__SIZE_RUN, (int32_t)t->now->graph->n_node, 0, axis, 0 });
}

int64_t tally__size_known(tally_trace *t, tally__dim d)
{
    const tally__size *size = &t->now->graph->size[d];
    return size->kind == TALLY__SIZE_FIXED ? size->value : -1;
}

static tally__dim *dims_of_slot(tally_trace *t, int32_t slot)
{
    tally__recording *r = t->now;
    size_t            bytes = (size_t)r->graph->slot[slot].schema->n_cells * TALLY_MAX_RANK *
                   sizeof **r->state_size;
    if (!r->state_size[slot] && (r->state_size[slot] = tally__record_alloc(t, bytes)))
        memset(r->state_size[slot], 0, bytes);
    return r->state_size[slot];
}

/* A variable's sizes are never part of a trace, whatever its schema says. */
tally__dim tally__size_of_state(tally_trace *t, int32_t slot, int cell, int axis)
{
    const tally__schema *schema = t->now->graph->slot[slot].schema;
    if (schema->what == TALLY__METRIC && schema->spec[cell].shape[axis] >= 0)
        return tally__size_fixed(t, schema->spec[cell].shape[axis]);
    tally__dim *known = dims_of_slot(t, slot);
    if (!known)
        return 0;
    tally__dim *d = &known[cell * TALLY_MAX_RANK + axis];
    if (!*d)
        *d = tally__size_new(t, (tally__size){ TALLY__SIZE_STATE, slot, cell, axis, 0 });
    return *d;
}

/* Of two sizes the one that is known earlier stands for both. */
static bool stands_for(const tally__graph *g, tally__dim a, tally__dim b)
{
    int32_t ka = g->size[a].kind, kb = g->size[b].kind;
    return ka < kb || (ka == kb && a < b);
}

static bool note_equality(tally_trace *t, tally__dim a, tally__dim b, const char *op)
{
    tally__graph *g = t->now->graph;
    if (!tally__table_room(t, &g->equality, g->n_equality, &g->equality_room, sizeof *g->equality))
        return false;
    g->equality[g->n_equality++] = (tally__equality){ a, b, g->n_node, op };
    return true;
}

static bool unite(tally_trace *t, tally__dim keep, tally__dim other)
{
    tally__recording *r = t->now;
    if (!tally__table_room(t, &r->undo, r->n_undo, &r->undo_room, sizeof *r->undo))
        return false;
    r->undo[r->n_undo++] = other;
    r->parent[other] = keep;
    return true;
}

void tally__sizes_undo(tally__recording *r, uint32_t n)
{
    while (r->n_undo > n) {
        tally__dim d = r->undo[--r->n_undo];
        r->parent[d] = d;
    }
}

bool tally__sizes_meet(tally_trace *t, tally__dim a, tally__dim b, tally__dim *out, const char *op,
                       tally__place at)
{
    if (!tally__trace_ok(t))
        return false;
    const tally__graph *g = t->now->graph;
    tally__dim          x = tally__size_find(t->now, a), y = tally__size_find(t->now, b);
    tally__dim          keep = stands_for(g, x, y) ? x : y;
    if (out)
        *out = keep;
    if (x == y)
        return true;
    if (g->size[x].kind == TALLY__SIZE_FIXED && g->size[y].kind == TALLY__SIZE_FIXED &&
        g->size[x].value != g->size[y].value) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: sizes, expected %l, found %l", op,
                          g->size[x].value, g->size[y].value);
        return false;
    }
    return note_equality(t, a, b, op) && unite(t, keep, keep == x ? y : x);
}
