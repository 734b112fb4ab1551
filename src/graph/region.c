/* region: lists of nodes in program order, nested. A region is open while it is recorded or an
 * ancestor of what is; closing it hides its nodes and forgets what was learnt about sizes in it.
 * Two recordings of one loop are compared here. Knows nothing of what opens and closes regions:
 * scope.c. */
#include "graph.h"

uint32_t tally__region_open(tally_trace *t, tally__id owner, tally__place at)
{
    if (!tally__trace_ok(t))
        return 0;
    tally__recording *r = t->now;
    tally__graph     *g = r->graph;
    if (!tally__table_room(t, &g->region, g->n_region, &g->region_room, sizeof *g->region) ||
        !tally__table_room(t, &r->note, g->n_region, &r->note_room, sizeof *r->note))
        return 0;
    g->region[g->n_region] = (tally__region){ .parent = r->current, .owner = owner, .opened = at };
    r->note[g->n_region] = (tally__region_note){ true, false, r->n_undo };
    r->current = g->n_region;
    return g->n_region++;
}

void tally__region_close(tally_trace *t)
{
    tally__recording *r = t->now;
    r->note[r->current].open = false;
    tally__sizes_undo(r, r->note[r->current].undo);
    r->current = r->graph->region[r->current].parent;
}

bool tally__region_append(tally_trace *t, uint32_t region, tally__id id)
{
    tally__region *g = &t->now->graph->region[region];
    if (g->n_list == g->room) {
        uint32_t   room = g->room ? g->room * 2 : 16;
        tally__id *list = tally__record_alloc(t, room * sizeof *list);
        if (!list)
            return false;
        if (g->n_list)
            memcpy(list, g->list, g->n_list * sizeof *list);
        g->list = list;
        g->room = room;
    }
    g->list[g->n_list++] = id;
    return true;
}

void tally__regions_drop(tally_trace *t, uint32_t from)
{
    tally__recording *r = t->now;
    for (uint32_t i = from; i < r->graph->n_region; i++) {
        r->note[i].open = false;
        r->note[i].dropped = true;
    }
}

/* ---- equal up to renaming: what was made inside one recording answers to the node at the same
 * place in the other */
typedef struct twin_map {
    const tally__graph *g;
    tally__id           first, n; /* ids of the one recording */
    tally__id          *twin;     /* [n], 0: not seen */
} twin_map;

/* An argument stands in front of the body even if it was asked for in here. */
static bool twins(const twin_map *m, tally__id a, tally__id b)
{
    bool inside = a >= m->first && a - m->first < m->n && m->g->node[a].op != TALLY__OP_argument;
    return inside ? m->twin[a - m->first] == b : a == b;
}

static bool twin_lists(const twin_map *m, const tally__id *a, const tally__id *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!twins(m, a[i], b[i]))
            return false;
    return true;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_data(const tally__graph *g, const tally__node *a, const tally__node *b)
{
    size_t bytes = tally__element_size(a->dtype);
    if (!a->data != !b->data)
        return false;
    for (int k = 0; a->data && k < a->rank; k++) {
        if (a->dim[k] != b->dim[k])
            return false;
        bytes *= (size_t)g->size[a->dim[k]].value;
    }
    return !a->data || memcmp(a->data, b->data, bytes) == 0;
}

static bool same_node(const twin_map *m, const tally__node *a, const tally__node *b)
{
    return a->op == b->op && a->dtype == b->dtype && a->rank == b->rank && a->n_arg == b->n_arg &&
           a->slot == b->slot && a->cell == b->cell && a->axis == b->axis && a->limit == b->limit &&
           a->limit_is_error == b->limit_is_error && a->constant.natural == b->constant.natural &&
           twin_lists(m, a->arg, b->arg, a->n_arg) && same_text(a->text, b->text) &&
           same_data(m->g, a, b);
}

static bool same_region(const twin_map *m, uint32_t a, uint32_t b, tally__place *where);

static bool same_inner(const twin_map *m, const tally__node *a, const tally__node *b,
                       tally__place *where)
{
    for (int i = 0; i < 2; i++)
        if (a->inner[i] && !same_region(m, a->inner[i], b->inner[i], where))
            return false;
    return true;
}

static bool same_region(const twin_map *m, uint32_t a, uint32_t b, tally__place *where)
{
    const tally__region *x = &m->g->region[a], *y = &m->g->region[b];
    if (x->n_param != y->n_param || x->n_yield != y->n_yield)
        return false;
    for (uint32_t i = 0; i < x->n_param; i++)
        m->twin[x->param[i] - m->first] = y->param[i];
    for (uint32_t i = 0; i < x->n_list && i < y->n_list; i++) {
        const tally__node *p = &m->g->node[x->list[i]], *q = &m->g->node[y->list[i]];
        if (!same_node(m, p, q)) {
            *where = q->place;
            return false;
        }
        m->twin[x->list[i] - m->first] = y->list[i];
        if (!same_inner(m, p, q, where))
            return false;
    }
    if (x->n_list != y->n_list) {
        const tally__region *longer = x->n_list > y->n_list ? x : y;
        *where = m->g->node[longer->list[TALLY__MIN(x->n_list, y->n_list)]].place;
    }
    return x->n_list == y->n_list && twin_lists(m, x->yield, y->yield, x->n_yield);
}

bool tally__takes_same(tally_trace *t, const tally__take *a, const tally__take *b,
                       tally__place *where)
{
    tally__arena_mark here = tally__arena_here(&t->now->graph->arena);
    twin_map          m = { t->now->graph, a->first, a->end - a->first, NULL };
    size_t            bytes = ((size_t)m.n + 1) * sizeof *m.twin;
    m.twin = tally__record_alloc(t, bytes);
    if (!m.twin)
        return false;
    memset(m.twin, 0, bytes);
    bool same = same_region(&m, a->region[0], b->region[0], where) &&
                same_region(&m, a->region[1], b->region[1], where);
    tally__arena_rewind(&t->now->graph->arena, here);
    return same;
}
