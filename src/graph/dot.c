/* dot: a graph in DOT, the language of Graphviz. A box for each node, with its line of the text; loops, branches and loops over
 * rows as clusters; an edge from each operand, and a dashed one where an effect waits for an earlier one. What stands in a line
 * and in which order are affairs of others. */
#include "dump.h"

/* ---- boxes */
static bool dot_comes_in(const tally__node *n)
{
    return n->op == TALLY__OP_argument || n->op == TALLY__OP_parameter;
}

/* constants and sizes stand where they are used */
static bool dot_has_box(const tally__dump *d, tally__id id)
{
    return id && (tally__dump_has_line(d, id) || dot_comes_in(&d->g->node[id]));
}

static const char *dot_style(const tally__node *n)
{
    switch ((tally__form)tally__op_table[n->op].form) {
    case TALLY__FORM_SOURCE: return "shape=oval, ";
    case TALLY__FORM_READ:
    case TALLY__FORM_EFFECT: return "style=filled, ";
    case TALLY__FORM_REGION: return "style=rounded, ";
    case TALLY__FORM_NONE:
    case TALLY__FORM_ELEMENT:
    case TALLY__FORM_REDUCE:
    case TALLY__FORM_ROW:
    case TALLY__FORM_VIEW:
    case TALLY__FORM_OTHER: break;
    }
    return "";
}

static void dot_box(tally__dump *d, tally__id id)
{
    const tally__node *n = &d->g->node[id];
    tally__put(d->out, "n%u [%stooltip=\"%s\", label=\"", id, dot_style(n), tally__op_table[n->op].name);
    if (!dot_comes_in(n)) {
        tally__dump_node(d, id);
        return;
    }
    tally__dump_name(d, id);
    tally__put(d->out, ": ");
    tally__dump_shape(d, n);
}

static void dot_close(tally__dump *d, int depth)
{
    tally__dump_indent(d, depth);
    tally__put(d->out, "}\n");
}

/* A loop or a branch has a cluster around its head and its regions. */
static void dot_node(tally__dump *d, const tally__dump_group *g, uint32_t at, int depth)
{
    tally__id id = g->node[at];
    if (!dot_has_box(d, id))
        return;
    tally__dump_indent(d, depth);
    if (d->g->node[id].inner[0])
        tally__put(d->out, "subgraph cluster_n%u { label=\"\"; ", id);
    dot_box(d, id);
    d->order->beside(d, g, at);
    tally__put(d->out, "\"];\n");
}

static void dot_beside(tally__dump *d)
{
    tally__put(d->out, "\\n");
}

/* ---- clusters */
static void dot_loop(tally__dump *d, const tally__dump_group *g, int depth)
{
    tally__dump_indent(d, depth);
    tally__put(d->out, "subgraph cluster_n%u { label=\"", g->node[0]);
    tally__dump_loop(d, g);
    tally__put(d->out, "\";\n");
}

static void dot_region(tally__dump *d, uint32_t region, int depth)
{
    const tally__region *r = &d->g->region[region];
    const tally__node   *n = &d->g->node[r->owner];
    bool                 first = region == n->inner[0];
    tally__dump_indent(d, depth);
    tally__put(d->out, "subgraph cluster_r%u { label=\"%s\";\n", region,
               n->op == TALLY__OP_while ? (first ? "test" : "body") : (first ? "then" : "else"));
    for (uint32_t i = 0; i < r->n_param; i++) {
        tally__dump_indent(d, depth + 1);
        dot_box(d, r->param[i]);
        tally__put(d->out, "\"];\n");
    }
}

static void dot_region_end(tally__dump *d, uint32_t region, int depth)
{
    const tally__region *r = &d->g->region[region];
    if (r->n_yield) {
        tally__dump_indent(d, depth + 1);
        tally__put(d->out, "y%u [shape=oval, label=\"", region);
        tally__dump_yield(d, region);
        tally__put(d->out, "\"];\n");
    }
    dot_close(d, depth);
    if (region == d->g->node[r->owner].inner[1])
        dot_close(d, depth);
}

const tally__dump_form tally__dump_dot = { dot_node, dot_loop, dot_close, dot_region, dot_region_end, dot_beside, true };

/* ---- edges: behind all boxes, because an end that is named in a cluster belongs to it */
static void dot_from(tally__dump *d, tally__id id, const char *to, uint32_t at)
{
    if (dot_has_box(d, id))
        tally__put(d->out, "  n%u -> %s%u;\n", id, to, at);
}

static void dot_operands(tally__dump *d)
{
    const tally__graph *g = d->g;
    for (tally__id i = 1; i < g->n_node; i++)
        for (uint32_t k = 0; dot_has_box(d, i) && k < g->node[i].n_arg; k++)
            dot_from(d, g->node[i].arg[k], "n", i);
    for (uint32_t r = 2; r < g->n_region; r++) {
        for (uint32_t k = 0; k < g->region[r].n_param; k++)
            dot_from(d, g->region[r].owner, "n", g->region[r].param[k]);
        for (uint32_t k = 0; k < g->region[r].n_yield; k++)
            dot_from(d, g->region[r].yield[k], "y", r);
    }
}

static void dot_returns(tally__dump *d)
{
    for (int32_t i = 0; i < d->g->n_out; i++) {
        const tally__return *out = &d->g->out[i];
        tally__put(d->out, "  o%d [shape=oval, label=\"return ", i);
        if (out->kind == TALLY__ARG_TENSOR)
            tally__dump_value(d, out->node, TALLY__BIND_ANY);
        else
            tally__dump_store(d, out->slot);
        tally__put(d->out, "\"];\n");
        dot_from(d, out->node, "o", (uint32_t)i);
    }
}

/* ---- order */
typedef enum dot_kind { DOT_NONE, DOT_READS, DOT_ADDS, DOT_SETS } dot_kind;
static dot_kind dot_kind_of(const tally__node *n)
{
    uint8_t form = tally__op_table[n->op].form;
    if (form == TALLY__FORM_READ)
        return DOT_READS;
    if (form != TALLY__FORM_EFFECT || n->op == TALLY__OP_assert)
        return DOT_NONE;
    return n->op == TALLY__OP_reset || n->op == TALLY__OP_assign || n->op == TALLY__OP_print ? DOT_SETS : DOT_ADDS;
}

/* Reads see the same in any order, sums add up to the same. A reset is of all cells. */
static bool dot_effects_wait(const tally__node *a, const tally__node *b)
{
    dot_kind does = dot_kind_of(a), other = dot_kind_of(b);
    if (!does || !other || (does == other && does != DOT_SETS))
        return false;
    if (a->op == TALLY__OP_print || b->op == TALLY__OP_print)
        return a->op == b->op;
    return a->slot == b->slot && (a->cell == b->cell || a->cell < 0 || b->cell < 0);
}

/* must the later of two, or anything inside it, keep behind the earlier? */
static bool dot_waits(const tally__graph *g, tally__id a, tally__id b)
{
    const tally__node *n = &g->node[a];
    if (!n->inner[0])
        return g->node[b].inner[0] ? dot_waits(g, b, a) : dot_effects_wait(n, &g->node[b]);
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; i < g->region[n->inner[k]].n_list; i++)
            if (dot_waits(g, g->region[n->inner[k]].list[i], b))
                return true;
    return false;
}

/* can anything wait for it? */
static bool dot_acts(const tally__graph *g, tally__id id)
{
    return dot_kind_of(&g->node[id]) || g->node[id].inner[0];
}

/* is this waited for by one of those between that `to` waits for? */
static bool dot_between(const tally__dump *d, const tally__id *list, uint32_t from, uint32_t to)
{
    for (uint32_t i = from + 1; i < to; i++)
        if (d->used[list[i]] && dot_waits(d->g, list[from], list[i]))
            return true;
    return false;
}

/* Edges from what it waits for, but for what something between waits for. Names are given, so used[] is free: it notes what
 * comes before, by whatever way. */
static void dot_order(tally__dump *d, const tally__id *list, uint32_t to)
{
    for (uint32_t from = to; from-- > 0;) {
        bool acts = dot_acts(d->g, list[from]);
        bool between = acts && dot_between(d, list, from, to), waits = acts && dot_waits(d->g, list[from], list[to]);
        d->used[list[from]] = between || waits;
        if (waits && !between)
            tally__put(d->out, "  n%u -> n%u [style=dashed];\n", list[from], list[to]);
    }
}

static void dot_orders(tally__dump *d)
{
    for (uint32_t r = 1; r < d->g->n_region; r++) {
        const tally__region *region = &d->g->region[r];
        for (uint32_t i = 0; i < region->n_list; i++)
            if (dot_acts(d->g, region->list[i]))
                dot_order(d, region->list, i);
    }
}

/* ---- the whole. Its label stands last: a cluster takes over what was said before it. */
static void dot_whole(tally__dump *d, const char *what)
{
    tally__put(d->out, "digraph \"");
    tally__dump_put(d, d->g->name);
    tally__put(d->out, "\" {\n  fontname=\"monospace\";\n  node [shape=box, fontname=\"monospace\"];\n");
    tally__dump_walk(d);
    dot_operands(d);
    dot_returns(d);
    dot_orders(d);
    tally__put(d->out, "  labelloc=t;\n  label=\"");
    tally__dump_put(d, d->g->name);
    tally__put(d->out, ": %s", what);
    for (uint32_t i = 0; i < d->g->n_equality; i++) {
        tally__put(d->out, "\\n");
        tally__dump_equality(d, &d->g->equality[i]);
    }
    tally__put(d->out, "\";\n}\n");
}

bool tally__dump_whole_dot(tally__dump *d, const char *what)
{
    d->form = &tally__dump_dot;
    if (!tally__dump_begin(d, true))
        return false;
    dot_whole(d, what);
    tally__dump_end(d);
    return true;
}

bool tally__graph_dot(const tally__graph *g, tally__text *out)
{
    tally__dump d = { .g = g, .out = out, .order = &tally__dump_recorded };
    return tally__dump_whole_dot(&d, "recording");
}
