/* verify: whether a graph is one. What it finds is a fault of the library, never of a body:
 * INTERNAL, naming the node. Knows the tables and the shape of each form of op, not what ops
 * compute. */
#include "graph.h"

typedef struct visit {
    const tally__graph *g;
    tally_error        *err;
    tally__id           at;     /* the last node in program order so far */
    uint32_t            region; /* the last region so far */
} visit;

static bool fault(const visit *v, tally__id id, const char *what)
{
    const tally__node *n = &v->g->node[id];
    tally__fail_at(v->err, TALLY_INTERNAL, -1, n->place,
                   "graph: node %u (%s), expected a well-formed one, found %s", id,
                   n->op < TALLY__OPS ? tally__op_table[n->op].name : "?", what);
    return false;
}

static bool encloses(const tally__graph *g, uint32_t outer, uint32_t inner)
{
    while (inner > outer)
        inner = g->region[inner].parent;
    return inner == outer;
}

static bool check_args(const visit *v, tally__id id)
{
    const tally__graph *g = v->g;
    const tally__node  *n = &g->node[id];
    bool                may_lack = tally__is_update(n);
    for (uint32_t i = 0; i < n->n_arg; i++) {
        tally__id a = n->arg[i];
        if (!a && may_lack && i > 0)
            continue;
        if (!a || a >= id)
            return fault(v, id, "an argument that is not recorded earlier");
        if (!encloses(g, g->node[a].region, n->region))
            return fault(v, id, "an argument of a region that does not enclose it");
        if (!g->node[a].dtype && n->op != TALLY__OP_result)
            return fault(v, id, "an argument without a value");
    }
    return true;
}

static bool check_sizes(const visit *v, tally__id id)
{
    const tally__node *n = &v->g->node[id];
    if (n->rank > TALLY_MAX_RANK)
        return fault(v, id, "too high a rank");
    for (int k = 0; k < n->rank; k++) {
        if (n->dim[k] >= v->g->n_size)
            return fault(v, id, "a size that does not exist");
        const tally__size *s = &v->g->size[n->dim[k]];
        if (s->kind == TALLY__SIZE_RUN && (s->index < 1 || (tally__id)s->index > id))
            return fault(v, id, "a size of a node that has not run");
    }
    return true;
}

static bool check_slot(const visit *v, tally__id id)
{
    const tally__node *n = &v->g->node[id];
    if (n->slot < 0 || n->slot >= v->g->n_slot)
        return fault(v, id, "no store");
    if (n->op != TALLY__OP_reset && (n->cell < 0 || n->cell >= v->g->slot[n->slot].schema->n_cells))
        return fault(v, id, "no state");
    return true;
}

static bool check_form(const visit *v, tally__id id)
{
    const tally__node *n = &v->g->node[id];
    bool               has_store = n->op == TALLY__OP_read_cell || tally__is_update(n) ||
                     n->op == TALLY__OP_reset || n->op == TALLY__OP_assign;
    bool has_value = n->op < TALLY__OPS && tally__op_table[n->op].form != TALLY__FORM_EFFECT &&
                     tally__op_table[n->op].form != TALLY__FORM_REGION;
    if (n->op <= TALLY__OP_none || n->op >= TALLY__OPS)
        return fault(v, id, "no op");
    if (has_value != (n->dtype != 0) ||
        (n->dtype && n->dtype != TALLY__EXACT && !tally__dtype_ok(n->dtype)))
        return fault(v, id, "a wrong dtype");
    if (n->op != TALLY__OP_while && n->n_arg != tally__op_table[n->op].arity)
        return fault(v, id, "a wrong number of arguments");
    return !has_store || check_slot(v, id);
}

static bool same_value_type(const tally__graph *g, tally__id a, tally__id b)
{
    return g->node[a].dtype == g->node[b].dtype && g->node[a].rank == g->node[b].rank;
}

static bool check_region(visit *v, uint32_t region, uint32_t parent, tally__id owner);

static bool check_yields(const visit *v, uint32_t region, tally__id owner)
{
    const tally__region *r = &v->g->region[region];
    for (uint32_t i = 0; i < r->n_yield; i++)
        if (!r->yield[i] || r->yield[i] >= v->g->n_node || !v->g->node[r->yield[i]].dtype ||
            r->yield[i] > v->at || !encloses(v->g, v->g->node[r->yield[i]].region, region))
            return fault(v, owner, "a region that hands on a value it cannot see");
    return true;
}

static bool check_while(const visit *v, tally__id id)
{
    const tally__node   *n = &v->g->node[id];
    const tally__region *c = &v->g->region[n->inner[0]], *b = &v->g->region[n->inner[1]];
    if (c->n_param != n->n_arg || b->n_param != n->n_arg || c->n_yield != 1 ||
        b->n_yield != n->n_arg)
        return fault(v, id, "regions with another number of values");
    if (v->g->node[c->yield[0]].dtype != TALLY_BOOL || v->g->node[c->yield[0]].rank)
        return fault(v, id, "a condition that is not bool of rank 0");
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (!same_value_type(v->g, n->arg[i], c->param[i]) ||
            !same_value_type(v->g, n->arg[i], b->param[i]) ||
            !same_value_type(v->g, n->arg[i], b->yield[i]))
            return fault(v, id, "a carried value that changes its type");
    return true;
}

static bool check_if(const visit *v, tally__id id)
{
    const tally__node   *n = &v->g->node[id];
    const tally__region *a = &v->g->region[n->inner[0]], *b = &v->g->region[n->inner[1]];
    if (v->g->node[n->arg[0]].dtype != TALLY_BOOL || v->g->node[n->arg[0]].rank)
        return fault(v, id, "a condition that is not bool of rank 0");
    if (a->n_param || b->n_param || a->n_yield != b->n_yield)
        return fault(v, id, "arms with another number of values");
    for (uint32_t i = 0; i < a->n_yield; i++)
        if (!same_value_type(v->g, a->yield[i], b->yield[i]))
            return fault(v, id, "arms that hand on values of different types");
    return true;
}

static bool check_inner(visit *v, tally__id id)
{
    const tally__node *n = &v->g->node[id];
    for (int i = 0; i < 2; i++) {
        if (n->inner[i] != v->region + 1 || n->inner[i] >= v->g->n_region)
            return fault(v, id, "inner regions out of order");
        if (!check_region(v, n->inner[i], n->region, id))
            return false;
    }
    return n->op == TALLY__OP_while ? check_while(v, id) : check_if(v, id);
}

static bool check_result(const visit *v, tally__id id)
{
    const tally__node *n = &v->g->node[id], *owner = &v->g->node[n->arg[0]];
    if ((owner->op != TALLY__OP_while && owner->op != TALLY__OP_if) || owner->region != n->region)
        return fault(v, id, "the result of something that is not a region");
    const tally__region *r = &v->g->region[owner->inner[1]];
    if (n->axis < 0 || (uint32_t)n->axis >= r->n_yield ||
        !same_value_type(v->g, id, r->yield[n->axis]))
        return fault(v, id, "a result that its regions do not hand on");
    return true;
}

static bool check_node(visit *v, tally__id id, uint32_t region)
{
    if (id != v->at + 1 || id >= v->g->n_node || v->g->node[id].region != region)
        return fault(v, id < v->g->n_node ? id : 0, "a place out of program order");
    v->at = id;
    if (!check_form(v, id) || !check_args(v, id) || !check_sizes(v, id))
        return false;
    const tally__node *n = &v->g->node[id];
    if (n->op == TALLY__OP_while || n->op == TALLY__OP_if)
        return check_inner(v, id);
    return n->op != TALLY__OP_result || check_result(v, id);
}

/* Arguments stand in front of a region's list, then parameters, then the rest: ids are the
 * program's order. */
static bool check_region(visit *v, uint32_t region, uint32_t parent, tally__id owner)
{
    const tally__region *r = &v->g->region[region];
    v->region = region;
    if (r->parent != parent || r->owner != owner)
        return fault(v, owner, "a region with another parent");
    for (uint32_t i = 0; i < r->n_param; i++)
        if (!check_node(v, r->param[i], region) ||
            v->g->node[r->param[i]].op != TALLY__OP_parameter)
            return fault(v, r->param[i] < v->g->n_node ? r->param[i] : 0,
                         "a parameter that is not one");
    for (uint32_t i = 0; i < r->n_list; i++)
        if (!check_node(v, r->list[i], region))
            return false;
    return check_yields(v, region, owner);
}

static bool check_rest(const visit *v)
{
    const tally__graph *g = v->g;
    for (uint32_t i = 0; i < g->n_equality; i++)
        if (g->equality[i].a >= g->n_size || g->equality[i].b >= g->n_size ||
            g->equality[i].node >= g->n_node)
            return fault(v, 0, "an equality of sizes that do not exist");
    for (int32_t i = 0; i < g->n_out; i++) {
        const tally__return *out = &g->out[i];
        if (out->kind == TALLY__ARG_METRIC
                ? out->slot < 0 || out->slot >= g->n_slot
                : out->kind != TALLY__ARG_TENSOR || !out->node || out->node >= g->n_node ||
                      g->node[out->node].region != 1 || !tally__dtype_ok(g->node[out->node].dtype))
            return fault(v, out->node < g->n_node ? out->node : 0, "a return that has no value");
    }
    return true;
}

tally_status tally__graph_verify(const tally__graph *g, tally_error *err)
{
    visit v = { g, err, 0, 0 };
    if (!check_region(&v, 1, 0, 0) || !check_rest(&v))
        return TALLY_INTERNAL;
    if (v.at + 1 != g->n_node || v.region + 1 != g->n_region)
        return fault(&v, 0, "nodes or regions that no list holds"), TALLY_INTERNAL;
    return TALLY_OK;
}
