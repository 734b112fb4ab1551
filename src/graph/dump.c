/* dump: a graph as text that reads like mathematics, line by line. A value that is used once stands
 * where it is used, any other gets a name, its type and the line of the user's file that made it.
 */
#include "dump.h"

enum { INLINE_MOST = 12, BESIDE_COLUMN = 72 };

/* ---- what stands where */
static bool is_pure(const tally__node *n)
{
    switch ((tally__form)tally__op_table[n->op].form) {
    case TALLY__FORM_ELEMENT:
    case TALLY__FORM_REDUCE:
    case TALLY__FORM_ROW:
    case TALLY__FORM_VIEW:
    case TALLY__FORM_OTHER: return true;
    case TALLY__FORM_NONE:
    case TALLY__FORM_SOURCE:
    case TALLY__FORM_READ:
    case TALLY__FORM_EFFECT:
    case TALLY__FORM_REGION: break;
    }
    return false;
}

static bool needs_no_name(const tally__node *n)
{
    return n->op == TALLY__OP_constant || n->op == TALLY__OP_argument || n->op == TALLY__OP_dim ||
           !n->dtype;
}

/* What is used once, in the region that made it, stands there. */
static void use(tally__dump *d, tally__id id, uint32_t region)
{
    if (id)
        d->used[id] += d->g->node[id].region == region ? 1 : 2;
}

static void count_uses(tally__dump *d)
{
    const tally__graph *g = d->g;
    for (tally__id i = 1; i < g->n_node; i++)
        for (uint32_t k = 0; k < g->node[i].n_arg; k++)
            use(d, g->node[i].arg[k], g->node[i].region);
    for (uint32_t r = 1; r < g->n_region; r++)
        for (uint32_t k = 0; k < g->region[r].n_yield; k++)
            use(d, g->region[r].yield[k], r);
    for (int32_t i = 0; i < g->n_out; i++)
        use(d, g->out[i].node, 1);
}

static void give_names(tally__dump *d, bool all)
{
    for (tally__id i = 1; i < d->g->n_node; i++) {
        const tally__node *n = &d->g->node[i];
        uint32_t           weight = 1;
        for (uint32_t k = 0; k < n->n_arg; k++)
            if (!d->name[n->arg[k]])
                weight += d->weight[n->arg[k]];
        d->weight[i] = weight;
        if (!needs_no_name(n) && (all || !is_pure(n) || d->used[i] != 1 || weight > INLINE_MOST))
            d->name[i] = ++d->names;
    }
}

/* ---- lines */
void tally__dump_indent(tally__dump *d, int depth)
{
    d->line = d->out->n;
    for (int i = 0; i < depth; i++)
        tally__dump_put(d, "  ");
}

static void line_beside(tally__dump *d)
{
    do
        tally__dump_put(d, " ");
    while (d->out->n - d->line < BESIDE_COLUMN);
    tally__dump_put(d, "# ");
}

static void put_place(tally__dump *d, tally__place at)
{
    if (!at.file)
        return;
    d->form->beside(d);
    tally__dump_put(d, tally__file_name(at.file));
    tally__put(d->out, ":%d", at.line);
}

static void put_factor(tally__dump *d, tally__id factor)
{
    if (!factor)
        return;
    tally__dump_value(d, factor, TALLY__BIND_PRODUCT);
    tally__dump_put(d, " * ");
}

static void put_mask(tally__dump *d, tally__id mask)
{
    if (!mask)
        return;
    tally__dump_put(d, " where ");
    tally__dump_value(d, mask, TALLY__BIND_ANY);
}

static const char *assignment_of(int32_t kind)
{
    return kind == TALLY_STATE_MIN ? " min= " : kind == TALLY_STATE_MAX ? " max= " : kind == TALLY_STATE_LAST ? " = " : " += ";
}

static void put_update(tally__dump *d, const tally__node *n)
{
    const tally__cell_spec  *spec = &d->g->slot[n->slot].schema->spec[n->cell];
    const tally__node       *value = &d->g->node[n->arg[0]];
    bool                     sums = value->rank > spec->rank || n->axis;
    static const char *const fold[] = { "", "sum", "count", "min", "max", "last", "" };
    tally__dump_cell(d, n);
    tally__dump_put(d, assignment_of(spec->kind));
    if (spec->kind == TALLY_STATE_COUNT || sums)
        tally__put(d->out, "%s(", n->axis ? "count" : fold[spec->kind]);
    put_factor(d, n->arg[1]);
    tally__dump_value(d, n->arg[0], n->arg[1] ? TALLY__BIND_SIGN : TALLY__BIND_ANY);
    tally__dump_put(d, spec->kind == TALLY_STATE_COUNT || sums ? ")" : "");
    put_mask(d, n->arg[2]);
}

/* "m.state[:, index] += weight * value" */
static void put_update_at(tally__dump *d, const tally__node *n)
{
    const tally__cell_spec *spec = &d->g->slot[n->slot].schema->spec[n->cell];
    const bool              counts = spec->kind == TALLY_STATE_COUNT;
    tally__dump_cell(d, n);
    tally__dump_put(d, "[");
    for (int a = 0; a < n->axis; a++)
        tally__dump_put(d, ":, ");
    tally__dump_value(d, n->arg[0], TALLY__BIND_ANY);
    tally__put(d->out, "]%s%s", assignment_of(spec->kind), counts ? "count(" : "");
    put_factor(d, n->arg[1]);
    tally__dump_value(d, n->arg[3], n->arg[1] ? TALLY__BIND_SIGN : TALLY__BIND_ANY);
    tally__dump_put(d, counts ? ")" : "");
    put_mask(d, n->arg[2]);
}

static void put_effect(tally__dump *d, const tally__node *n)
{
    switch (n->op) {
    case TALLY__OP_accumulate: put_update(d, n); break;
    case TALLY__OP_accumulate_at: put_update_at(d, n); break;
    case TALLY__OP_reset:
        tally__dump_store(d, n->slot);
        tally__dump_put(d, " = empty");
        break;
    case TALLY__OP_assign:
        tally__dump_cell(d, n);
        tally__dump_put(d, " = ");
        tally__dump_value(d, n->arg[0], TALLY__BIND_ANY);
        break;
    default:
        tally__put(d->out, "%s ", tally__op_table[n->op].name);
        tally__dump_value(d, n->arg[0], TALLY__BIND_ANY);
        tally__dump_put(d, *n->text ? " \"" : "");
        tally__dump_put(d, n->text);
        tally__dump_put(d, *n->text ? "\"" : "");
    }
}

static void put_assigned(tally__dump *d, const tally__id *name, const tally__id *value, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        tally__dump_put(d, k ? ", " : "");
        tally__dump_name(d, name[k]);
        tally__dump_put(d, " = ");
        tally__dump_value(d, value[k], TALLY__BIND_ANY);
    }
}

/* The names of an if's values are those of the results that follow it. */
void tally__dump_yield(tally__dump *d, uint32_t region)
{
    const tally__region *r = &d->g->region[region];
    const tally__node   *n = &d->g->node[r->owner];
    bool                 body = n->op == TALLY__OP_while && region == n->inner[1];
    tally__dump_put(d, n->op == TALLY__OP_if ? "give " : body ? "next " : "test ");
    if (body)
        put_assigned(d, r->param, r->yield, r->n_yield);
    else
        tally__dump_values(d, r->yield, r->n_yield);
}

/* The condition's parameters and the body's are the same variables, so they share names. */
static void share_names(tally__dump *d, const tally__node *n)
{
    const tally__region *c = &d->g->region[n->inner[0]], *b = &d->g->region[n->inner[1]];
    for (uint32_t k = 0; k < c->n_param; k++)
        d->name[b->param[k]] = d->name[c->param[k]];
}

static void put_while_head(tally__dump *d, const tally__node *n)
{
    const tally__region *c = &d->g->region[n->inner[0]];
    share_names(d, n);
    tally__dump_put(d, n->n_arg ? "while (" : "while");
    put_assigned(d, c->param, n->arg, n->n_arg);
    tally__dump_put(d, n->n_arg ? ")" : "");
    if (n->limit >= 0)
        tally__put(d->out, " at most %l times%s", n->limit, n->limit_is_error ? " or fail" : "");
}

static void put_if_head(tally__dump *d, const tally__node *n)
{
    tally__dump_put(d, "if ");
    tally__dump_value(d, n->arg[0], TALLY__BIND_ANY);
}

static void put_named(tally__dump *d, tally__id id)
{
    const tally__node *n = &d->g->node[id];
    tally__dump_name(d, id);
    tally__dump_put(d, ": ");
    tally__dump_shape(d, n);
    tally__dump_put(d, " = ");
    if (n->op == TALLY__OP_result)
        tally__put(d->out, "result %d", n->axis);
    else
        tally__dump_expression(d, id, TALLY__BIND_ANY);
}

bool tally__dump_has_line(const tally__dump *d, tally__id id)
{
    return !d->g->node[id].dtype || d->name[id];
}

void tally__dump_node(tally__dump *d, tally__id id)
{
    const tally__node *n = &d->g->node[id];
    if (n->op == TALLY__OP_while)
        put_while_head(d, n);
    else if (n->op == TALLY__OP_if)
        put_if_head(d, n);
    else if (n->dtype)
        put_named(d, id);
    else
        put_effect(d, n);
}

static void put_list(tally__dump *d, const char *word, const tally__id *id, uint32_t n)
{
    if (n) {
        tally__dump_put(d, word);
        tally__dump_values(d, id, n);
    }
}

void tally__dump_loop(tally__dump *d, const tally__dump_group *g)
{
    tally__dump_put(d, "rows of ");
    tally__dump_size(d, g->rows);
    put_list(d, " load ", g->load, g->n_load);
    put_list(d, " keep ", g->keep, g->n_keep);
}

/* ---- the walk */
static void walk_region(tally__dump *d, uint32_t region, int depth);

static void walk_node(tally__dump *d, const tally__dump_group *g, uint32_t at, int depth)
{
    const tally__node *n = &d->g->node[g->node[at]];
    d->form->node(d, g, at, depth);
    for (int k = 0; k < 2 && n->inner[k]; k++) {
        d->form->region(d, n->inner[k], depth);
        walk_region(d, n->inner[k], depth + 1);
        d->form->region_end(d, n->inner[k], depth);
    }
}

static void walk_region(tally__dump *d, uint32_t region, int depth)
{
    tally__dump_group g;
    for (uint32_t i = 0; d->order->group(d, region, i, &g); i++) {
        if (g.rows)
            d->form->loop(d, &g, depth);
        for (uint32_t at = 0; at < g.n_node; at++)
            walk_node(d, &g, at, depth + (g.rows != 0));
        if (g.rows)
            d->form->loop_end(d, depth);
    }
}

void tally__dump_walk(tally__dump *d)
{
    walk_region(d, 1, 1);
}

/* ---- lines */
static void line_node(tally__dump *d, const tally__dump_group *g, uint32_t at, int depth)
{
    if (!tally__dump_has_line(d, g->node[at]))
        return;
    tally__dump_indent(d, depth);
    tally__dump_node(d, g->node[at]);
    d->order->beside(d, g, at);
    tally__dump_put(d, "\n");
}

static void line_loop(tally__dump *d, const tally__dump_group *g, int depth)
{
    tally__dump_indent(d, depth);
    tally__dump_loop(d, g);
    tally__dump_put(d, "\n");
}

/* Where a loop ends, and where most regions begin, depth tells. */
static void line_loop_end(tally__dump *d, int depth)
{
    (void)d, (void)depth;
}

static void line_region(tally__dump *d, uint32_t region, int depth)
{
    const tally__region *r = &d->g->region[region];
    const tally__node   *n = &d->g->node[r->owner];
    if (n->op == TALLY__OP_if && region == n->inner[1] && (r->n_list || r->n_yield)) {
        tally__dump_indent(d, depth);
        tally__dump_put(d, "else\n");
    }
}

static void line_region_end(tally__dump *d, uint32_t region, int depth)
{
    if (!d->g->region[region].n_yield)
        return;
    tally__dump_indent(d, depth + 1);
    tally__dump_yield(d, region);
    tally__dump_put(d, "\n");
}

const tally__dump_form tally__dump_lines = { line_node, line_loop, line_loop_end, line_region,
                                             line_region_end, line_beside, false };

/* ---- a recording: its nodes in program order, beside each the user's line */
static bool recorded_group(const tally__dump *d, uint32_t region, uint32_t i, tally__dump_group *out)
{
    const tally__region *r = &d->g->region[region];
    *out = (tally__dump_group){ .node = r->list, .n_node = r->n_list };
    return !i;
}

static void recorded_beside(tally__dump *d, const tally__dump_group *g, uint32_t at)
{
    put_place(d, d->g->node[g->node[at]].place);
}

const tally__dump_order tally__dump_recorded = { recorded_group, recorded_beside };

/* ---- head and tail */
static const tally__node *argument_node_of(const tally__graph *g, int i)
{
    const tally__region *body = &g->region[1];
    for (uint32_t k = 0; k < body->n_list && g->node[body->list[k]].op == TALLY__OP_argument; k++)
        if (g->node[body->list[k]].axis == i)
            return &g->node[body->list[k]];
    return NULL;
}

static void put_argument(tally__dump *d, int i)
{
    const tally__argument *a = &d->g->argument[i];
    const tally__node     *n = argument_node_of(d->g, i);
    if (a->kind == TALLY__ARG_TENSOR) {
        tally__put(d->out, "x%d: ", i);
        if (n)
            tally__dump_shape(d, n);
        else
            tally__put(d->out, "%s of rank %d", tally__dtype_text(a->dtype), a->rank);
        return;
    }
    tally__dump_store(d, a->slot);
    tally__put(d->out, ": %s", d->g->slot[a->slot].schema->class_name);
}

static void put_head(tally__dump *d)
{
    tally__put(d->out, "%s(", d->g->name);
    for (int i = 0; i < d->g->n_argument; i++) {
        tally__dump_put(d, i ? ", " : "");
        put_argument(d, i);
    }
    tally__dump_put(d, ")\n");
    for (int32_t i = 0; i < d->g->n_slot; i++)
        if (d->g->slot[i].captured) {
            tally__dump_put(d, d->g->slot[i].batch_of ? "  owns " : "  captures ");
            tally__dump_store(d, i);
            tally__put(d->out, ": %s\n", d->g->slot[i].schema->class_name);
        }
}

void tally__dump_equality(tally__dump *d, const tally__equality *e)
{
    tally__dump_put(d, "where ");
    tally__dump_size(d, e->a);
    tally__dump_put(d, " = ");
    tally__dump_size(d, e->b);
}

static void put_equalities(tally__dump *d)
{
    for (uint32_t i = 0; i < d->g->n_equality; i++) {
        const tally__equality *e = &d->g->equality[i];
        tally__dump_indent(d, 1);
        tally__dump_equality(d, e);
        put_place(d, d->g->node[e->node].place);
        tally__dump_put(d, "\n");
    }
}

static void put_returns(tally__dump *d)
{
    for (int32_t i = 0; i < d->g->n_out; i++) {
        const tally__return *out = &d->g->out[i];
        tally__dump_put(d, i ? ", " : "  return ");
        if (out->kind == TALLY__ARG_TENSOR)
            tally__dump_value(d, out->node, TALLY__BIND_ANY);
        else
            tally__dump_store(d, out->slot);
    }
    tally__dump_put(d, d->g->n_out ? "\n" : "");
}

static size_t bytes_for_names(const tally__graph *g) { return ((size_t)g->n_node * 3 + g->n_size) * sizeof(uint32_t); }

bool tally__dump_begin(tally__dump *d, bool all)
{
    const tally__graph *g = d->g;
    d->used = tally__zalloc(g->context, bytes_for_names(g));
    if (!d->used)
        return false;
    d->weight = d->used + g->n_node;
    d->name = d->weight + g->n_node;
    d->size = d->name + g->n_node;
    count_uses(d);
    give_names(d, all);
    return true;
}

void tally__dump_end(tally__dump *d)
{
    tally__free(d->g->context, d->used, bytes_for_names(d->g));
}

void tally__graph_dump(const tally__graph *g, tally__text *out)
{
    tally__dump d = { .g = g, .out = out, .form = &tally__dump_lines, .order = &tally__dump_recorded };
    if (!tally__dump_begin(&d, false)) {
        tally__put(out, "%s: no memory for its text\n", g->name);
        return;
    }
    put_head(&d);
    tally__dump_walk(&d);
    put_equalities(&d);
    put_returns(&d);
    tally__dump_end(&d);
}
