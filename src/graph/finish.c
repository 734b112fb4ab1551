/* finish: graphs are copied, renumbered in program order, without what nobody needs. The end of a recording leaves out dropped
 * recordings; a pass leaves out what it replaced. Knows the tables, no op but regions. */
#include "graph.h"

typedef struct copy {
    const tally__graph *from;
    tally__graph       *to;
    tally_context      *context;
    const tally__id    *front;          /* nodes that go before the body's list: arguments */
    uint32_t            n_front;
    const tally__id    *instead;        /* [from->n_node] the node that stands for another; NULL: each for itself */
    const bool         *dead;           /* [from->n_node] left out; NULL: none */
    tally__id          *node;           /* [from->n_node] new ids, 0: not copied */
    tally__dim         *size;           /* [from->n_size] new ids + 1 */
    const char         *name[2][2];     /* the last file and class name copied: what it was, the copy */
    size_t              missing;        /* bytes refused */
} copy;

static void *copy_alloc(copy *c, const void *from, size_t bytes)
{
    void *p = bytes ? tally__arena_alloc(&c->to->arena, bytes) : NULL;
    if (bytes && !p)
        c->missing = bytes;
    return p && from ? memcpy(p, from, bytes) : p;
}

static tally__id copied(const copy *c, tally__id id) { return c->node[c->instead ? c->instead[id] : id]; }
static bool      leaves_out(const copy *c, tally__id id) { return c->dead && c->dead[id]; }

static tally__dim copy_size(copy *c, tally__dim d)
{
    tally__size size = c->from->size[d];
    if (c->size[d])
        return c->size[d] - 1;
    if (size.kind == TALLY__SIZE_RUN) {
        size.index = (int32_t)copied(c, (tally__id)size.index);
        assert(size.index);
    }
    c->to->size[c->to->n_size] = size;
    c->size[d] = ++c->to->n_size;
    return c->size[d] - 1;
}

/* A body mostly has one file and a class its one name, so the last copy is kept at hand. */
static const char *copy_name(copy *c, const char *name, int cache)
{
    if (name && name != c->name[cache][0]) {
        c->name[cache][0] = name;
        c->name[cache][1] = copy_alloc(c, name, strlen(name) + 1);
    }
    return name ? c->name[cache][1] : NULL;
}

static tally__place copy_place(copy *c, tally__place at)
{
    return (tally__place){ copy_name(c, at.file, 0), at.line };
}

static void *copy_data(copy *c, const tally__node *n)
{
    size_t bytes = tally__element_size(n->dtype);
    for (int k = 0; k < n->rank; k++)
        bytes *= (size_t)c->from->size[n->dim[k]].value;
    return copy_alloc(c, n->data, bytes ? bytes : 1);
}

static tally__id *copy_ids(copy *c, const tally__id *id, uint32_t n)
{
    tally__id *p = copy_alloc(c, NULL, n * sizeof *p);
    for (uint32_t i = 0; p && i < n; i++)
        p[i] = copied(c, id[i]);
    return p;
}

static tally__id copy_node(copy *c, tally__id id, uint32_t region)
{
    tally__node n = c->from->node[id];
    c->node[id] = c->to->n_node;
    for (int k = 0; k < n.rank; k++)
        n.dim[k] = copy_size(c, n.dim[k]);
    n.region = region;
    n.arg = copy_ids(c, n.arg, n.n_arg);
    n.place = copy_place(c, n.place);
    n.who = copy_name(c, n.who, 1);
    n.text = n.text ? copy_alloc(c, n.text, strlen(n.text) + 1) : NULL;
    n.data = n.data ? copy_data(c, &c->from->node[id]) : NULL;
    c->to->node[c->to->n_node] = n;
    return c->to->n_node++;
}

static uint32_t copy_region(copy *c, uint32_t from, uint32_t parent, tally__id owner);

static void copy_inner(copy *c, tally__id id, uint32_t region)
{
    tally__node *n = &c->to->node[id];
    for (int i = 0; i < 2; i++)
        if (n->inner[i])
            n->inner[i] = copy_region(c, n->inner[i], region, id);
}

static uint32_t copy_region(copy *c, uint32_t from, uint32_t parent, tally__id owner)
{
    const tally__region *old = &c->from->region[from];
    uint32_t             id = c->to->n_region++;
    tally__region       *r = &c->to->region[id];
    *r = (tally__region){ .parent = parent, .owner = owner, .n_param = old->n_param, .n_yield = old->n_yield };
    r->opened = copy_place(c, old->opened);
    uint32_t n_front = parent ? 0 : c->n_front;
    r->room = n_front + old->n_list;
    r->list = copy_alloc(c, NULL, r->room * sizeof *r->list);
    r->param = copy_alloc(c, NULL, r->n_param * sizeof *r->param);
    if (c->missing)
        return id;
    for (uint32_t i = 0; i < n_front; i++)
        if (c->front[i])
            r->list[r->n_list++] = copy_node(c, c->front[i], id);
    for (uint32_t i = 0; i < r->n_param; i++)
        r->param[i] = copy_node(c, old->param[i], id);
    for (uint32_t i = 0; i < old->n_list && !c->missing; i++) {
        if (leaves_out(c, old->list[i]))
            continue;
        tally__id to = copy_node(c, old->list[i], id);
        c->to->region[id].list[c->to->region[id].n_list++] = to;
        copy_inner(c, to, id);
    }
    c->to->region[id].yield = copy_ids(c, old->yield, old->n_yield);
    return id;
}

/* What a pass left out has still said which sizes must be equal; what a dropped recording said counts no more. */
static void copy_equalities(copy *c)
{
    for (uint32_t i = 0; i < c->from->n_equality; i++) {
        tally__equality e = c->from->equality[i];
        if (e.node < c->from->n_node && (copied(c, e.node) || leaves_out(c, e.node) || (c->dead && !e.node)))
            c->to->equality[c->to->n_equality++] = (tally__equality){ copy_size(c, e.a), copy_size(c, e.b), copied(c, e.node), e.op };
    }
}

/* What a store is used for is what the nodes that were kept do. */
static void mark_slots(tally__graph *g)
{
    if (!g->n_slot)
        return;                             /* and no table to point into */
    for (int32_t i = 0; i < g->n_slot; i++)
        g->slot[i].reads = g->slot[i].updates = g->slot[i].overwrites = false;
    for (tally__id i = 1; i < g->n_node; i++) {
        tally__slot *slot = &g->slot[g->node[i].slot];
        switch (g->node[i].op) {
        case TALLY__OP_read_cell: slot->reads = true; break;
        case TALLY__OP_accumulate:
        case TALLY__OP_accumulate_at: slot->updates = true; break;
        case TALLY__OP_reset: case TALLY__OP_assign: slot->overwrites = true; break;
        default: break;
        }
    }
}

static void copy_slots(copy *c)
{
    for (int32_t i = 0; i < c->from->n_slot; i++) {
        tally__slot *slot = &c->to->slot[c->to->n_slot++];
        *slot = c->from->slot[i];
        tally__schema_retain(slot->schema);
        if (slot->captured)
            tally__store_retain(slot->captured);
    }
}

static void copy_returns(copy *c)
{
    for (int32_t i = 0; i < c->from->n_out; i++) {
        c->to->out[i] = c->from->out[i];
        c->to->out[i].node = copied(c, c->from->out[i].node);
    }
    c->to->n_out = c->from->n_out;
}

/* Tables as large as the draft's entries: nothing is copied twice, so they suffice. */
static bool room_for_copy(copy *c)
{
    const tally__graph *from = c->from;
    tally__graph       *to = c->to;
    to->node = tally__alloc(to->context, from->n_node * sizeof *to->node);
    to->region = tally__alloc(to->context, from->n_region * sizeof *to->region);
    to->size = tally__alloc(to->context, from->n_size * sizeof *to->size);
    to->equality = tally__alloc(to->context, from->n_equality * sizeof *to->equality);
    to->slot = tally__alloc(to->context, (size_t)from->n_slot * sizeof *to->slot);
    to->out = tally__alloc(to->context, (size_t)from->n_out * sizeof *to->out);
    to->node_room = to->node ? from->n_node : 0;
    to->region_room = to->region ? from->n_region : 0;
    to->size_room = to->size ? from->n_size : 0;
    to->equality_room = to->equality ? from->n_equality : 0;
    to->slot_room = to->slot ? (uint32_t)from->n_slot : 0;
    to->out_room = to->out ? (uint32_t)from->n_out : 0;
    return to->node && to->region && to->size && (to->equality || !from->n_equality) && (to->slot || !from->n_slot) &&
           (to->out || !from->n_out);
}

static void copy_all(copy *c)
{
    tally__graph *to = c->to;
    memset(&to->node[0], 0, sizeof to->node[0]);
    memset(&to->region[0], 0, sizeof to->region[0]);
    to->n_node = to->n_region = 1;
    copy_size(c, 0);
    for (int i = 0; i < to->n_argument; i++)
        to->argument[i] = c->from->argument[i];
    to->n_used = c->from->n_used;
    copy_slots(c);
    copy_region(c, 1, 0, 0);
    if (c->missing)
        return;
    copy_equalities(c);
    copy_returns(c);
    mark_slots(to);
}

static void copy_with_maps(copy *c)
{
    size_t nodes = c->from->n_node * sizeof *c->node, sizes = c->from->n_size * sizeof *c->size;
    c->to = tally__graph_new(c->context, c->from->name, c->from->n_argument);
    c->node = tally__zalloc(c->context, nodes);
    c->size = tally__zalloc(c->context, sizes);
    if (c->to && room_for_copy(c) && c->node && c->size)
        copy_all(c);
    else
        c->missing = nodes + sizes;
    tally__free(c->context, c->node, nodes);
    tally__free(c->context, c->size, sizes);
}

static tally__graph *copy_end(copy *c, tally_error *err)
{
    copy_with_maps(c);
    if (!c->missing)
        return c->to;
    tally__graph_drop(c->to);
    tally__fail_memory(err, c->missing);
    return NULL;
}

tally__graph *tally__graph_copy(tally_context *x, const tally__graph *from, const tally__id *instead, const bool *dead,
                                tally_error *err)
{
    copy c = { .context = x, .from = from, .instead = instead, .dead = dead };
    return copy_end(&c, err);
}

static tally__graph *copy_recorded(tally_trace *t)
{
    tally__graph *draft = t->now->graph;
    copy          c = { .context = t->context, .from = draft, .front = t->now->argument, .n_front = (uint32_t)draft->n_argument };
    draft->n_used = t->now->frame[0].n_used;
    return copy_end(&c, &t->error);
}

tally__graph *tally__trace_finish(tally_trace *t, tally_error *err)
{
    tally__graph *g = NULL;
    if (!t || !t->now) {
        tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "trace: expected one that is recording, found %s", t ? "a finished one" : "NULL");
        return NULL;
    }
    if (tally__trace_ok(t) && t->now->n_scope)
        tally__scope_left(t, t->now->scope[t->now->n_scope - 1].opened);
    if (tally__trace_ok(t))
        g = copy_recorded(t);
#if !defined NDEBUG
    if (g && tally__graph_verify(g, &t->error)) {
        tally__graph_drop(g);
        g = NULL;
    }
#endif
    if (!g && err)
        *err = t->error;
    tally__recording_drop(t);
    return g;
}
