/* dump: a graph as text that reads like mathematics. A value that is used once stands where it is used, any other gets a
 * name, its type and the line of the user's file that made it. Knows how ops are written, nothing of how they compute. */
#include "graph.h"

enum { INLINE_MOST = 12, PLACE_COLUMN = 72 };

typedef struct dump {
    const tally__graph *g;
    tally__text        *out;
    size_t              line;           /* where the line that is written now begins in out */
    uint32_t           *used;           /* [n_node] */
    uint32_t           *weight;         /* [n_node] ops that stand inside its expression, itself included */
    uint32_t           *name;           /* [n_node] number of its name, 0: it stands where it is used */
    uint32_t           *size;           /* [n_size] number of its letter, 0: none yet */
    uint32_t            names, sizes;
} dump;

/* ---- what stands where */
static bool is_pure(const tally__node *n)
{
    switch ((tally__form)tally__op_table[n->op].form) {
    case TALLY__FORM_ELEMENT: case TALLY__FORM_REDUCE: case TALLY__FORM_ROW: case TALLY__FORM_VIEW: case TALLY__FORM_OTHER: return true;
    case TALLY__FORM_NONE: case TALLY__FORM_SOURCE: case TALLY__FORM_READ: case TALLY__FORM_EFFECT: case TALLY__FORM_REGION: break;
    }
    return false;
}

static bool needs_no_name(const tally__node *n)
{
    return n->op == TALLY__OP_constant || n->op == TALLY__OP_argument || n->op == TALLY__OP_dim || !n->dtype;
}

/* What is used once, in the region that made it, stands there. */
static void use(dump *d, tally__id id, uint32_t region)
{
    if (id)
        d->used[id] += d->g->node[id].region == region ? 1 : 2;
}

static void count_uses(dump *d)
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

static void give_names(dump *d)
{
    for (tally__id i = 1; i < d->g->n_node; i++) {
        const tally__node *n = &d->g->node[i];
        uint32_t           weight = 1;
        for (uint32_t k = 0; k < n->n_arg; k++)
            if (!d->name[n->arg[k]])
                weight += d->weight[n->arg[k]];
        d->weight[i] = weight;
        if (!needs_no_name(n) && (!is_pure(n) || d->used[i] != 1 || weight > INLINE_MOST))
            d->name[i] = ++d->names;
    }
}

/* ---- names */
static void put(dump *d, const char *text)
{
    tally__put(d->out, "%s", text);
}

static void put_size(dump *d, tally__dim dim)
{
    const tally__size *s = &d->g->size[dim];
    if (s->kind == TALLY__SIZE_FIXED) {
        tally__put(d->out, "%l", s->value);
        return;
    }
    if (!d->size[dim])
        d->size[dim] = ++d->sizes;
    uint32_t k = d->size[dim] - 1;
    tally__put(d->out, "%c", "nmkpqrs"[k % 7]);
    if (k >= 7)
        tally__put(d->out, "%u", k / 7);
}

static void put_shape(dump *d, const tally__node *n)
{
    tally__put(d->out, "%s", tally__dtype_text(n->dtype));
    for (int k = 0; k < n->rank; k++) {
        put(d, k ? ", " : "[");
        put_size(d, n->dim[k]);
    }
    put(d, n->rank ? "]" : "");
}

/* The class in small letters; the second of a class is mean2. */
static void put_store(dump *d, int32_t slot)
{
    const char *class_name = d->g->slot[slot].schema->class_name;
    int         before = 1;
    for (const char *c = class_name; *c; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        if (upper && c > class_name && c[-1] >= 'a' && c[-1] <= 'z')
            put(d, "_");
        tally__put(d->out, "%c", upper ? *c - 'A' + 'a' : *c);
    }
    for (int32_t i = 0; i < slot; i++)
        before += strcmp(d->g->slot[i].schema->class_name, class_name) == 0;
    if (before > 1)
        tally__put(d->out, "%d", before);
}

static void put_cell(dump *d, const tally__node *n)
{
    const tally__schema *schema = d->g->slot[n->slot].schema;
    put_store(d, n->slot);
    if (schema->what == TALLY__METRIC && n->cell >= 0)
        tally__put(d->out, ".%s", schema->spec[n->cell].name);
}

static void put_name(dump *d, tally__id id)
{
    const tally__node *n = &d->g->node[id];
    const char        *letter = tally__is_integer(n->dtype) ? "i" : n->dtype == TALLY_BOOL ? "b" : "v";
    if (n->op == TALLY__OP_argument)
        tally__put(d->out, "x%d", n->axis);
    else
        tally__put(d->out, "%s%u", letter, d->name[id]);
}

/* ---- expressions */
enum { BIND_ANY, BIND_LOGIC, BIND_COMPARE, BIND_SUM, BIND_PRODUCT, BIND_SIGN, BIND_INDEX };

typedef struct infix {
    const char *text;               /* NULL: not written between its operands */
    int         binds;
} infix;

static infix infix_of(uint16_t op)
{
    switch (op) {
    case TALLY__OP_add: return (infix){ " + ", BIND_SUM };
    case TALLY__OP_sub: return (infix){ " - ", BIND_SUM };
    case TALLY__OP_mul: return (infix){ " * ", BIND_PRODUCT };
    case TALLY__OP_div: return (infix){ " / ", BIND_PRODUCT };
    case TALLY__OP_matmul: return (infix){ " @ ", BIND_PRODUCT };
    case TALLY__OP_eq: return (infix){ " == ", BIND_COMPARE };
    case TALLY__OP_ne: return (infix){ " != ", BIND_COMPARE };
    case TALLY__OP_lt: return (infix){ " < ", BIND_COMPARE };
    case TALLY__OP_le: return (infix){ " <= ", BIND_COMPARE };
    case TALLY__OP_gt: return (infix){ " > ", BIND_COMPARE };
    case TALLY__OP_ge: return (infix){ " >= ", BIND_COMPARE };
    case TALLY__OP_and: return (infix){ " and ", BIND_LOGIC };
    case TALLY__OP_or: return (infix){ " or ", BIND_LOGIC };
    case TALLY__OP_xor: return (infix){ " xor ", BIND_LOGIC };
    default: return (infix){ NULL, BIND_ANY };
    }
}

/* in parentheses if it binds less tightly than `least` */
static void put_expression(dump *d, tally__id id, int least);

static void put_value(dump *d, tally__id id, int least)
{
    if (!id)
        put(d, "-");
    else if (d->name[id] || d->g->node[id].op == TALLY__OP_argument)
        put_name(d, id);
    else
        put_expression(d, id, least);
}

static void put_values(dump *d, const tally__id *id, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        put(d, k ? ", " : "");
        put_value(d, id[k], BIND_ANY);
    }
}

static void put_constant(dump *d, const tally__node *n)
{
    if (tally__is_float(n->dtype))
        tally__put(d->out, "%g", n->constant.real);
    else if (n->dtype == TALLY_BOOL)
        put(d, n->constant.integer ? "true" : "false");
    else if (n->dtype == TALLY_U64 && n->constant.natural > INT64_MAX)
        tally__put(d->out, "0x%x", n->constant.natural);
    else
        tally__put(d->out, "%l", n->constant.integer);
}

/* Up to eight numbers are written out. */
static void put_captured(dump *d, const tally__node *n)
{
    int64_t     count = n->rank == 1 ? d->g->size[n->dim[0]].value : n->rank ? 9 : 1;
    const char *data = n->data;
    if (count > 8) {
        put(d, "captured");
        return;
    }
    put(d, n->rank ? "[" : "");
    for (int64_t i = 0; i < count; i++, data += tally__element_size(n->dtype)) {
        put(d, i ? ", " : "");
        if (tally__is_float(n->dtype))
            tally__put(d->out, "%g", tally__load_f64(data, n->dtype));
        else
            tally__put(d->out, "%l", tally__load_i64(data, n->dtype));
    }
    put(d, n->rank ? "]" : "");
}

static void put_call(dump *d, const tally__node *n)
{
    uint8_t shape = tally__op_table[n->op].shape;
    bool    axis = shape == TALLY__SHAPE_DROP || shape == TALLY__SHAPE_AXIS || shape == TALLY__SHAPE_INSERT ||
                shape == TALLY__SHAPE_SQUEEZE || shape == TALLY__SHAPE_SLICE;
    put(d, n->op == TALLY__OP_cast ? tally__dtype_text(n->dtype) : tally__op_table[n->op].name);
    put(d, "(");
    put_values(d, n->arg, n->n_arg);
    if (axis)
        tally__put(d->out, ", axis=%d", n->axis);
    put(d, ")");
}

static void put_index(dump *d, const tally__node *n)
{
    put_value(d, n->arg[0], BIND_INDEX);
    put(d, "[");
    if (n->op == TALLY__OP_column)
        tally__put(d->out, "%s, %d", "..", n->axis);
    else
        put_value(d, n->arg[1], BIND_ANY);
    put(d, "]");
}

/* Operators of one level are read from left to right, so an operand on the right binds more tightly; logic never mixes. */
static void put_infix(dump *d, const tally__node *n, int least)
{
    infix i = infix_of(n->op);
    bool  open = i.binds < least;
    int   left = i.binds == BIND_SUM || i.binds == BIND_PRODUCT ? i.binds : i.binds + 1;
    put(d, open ? "(" : "");
    put_value(d, n->arg[0], left);
    put(d, i.text);
    put_value(d, n->arg[1], i.binds + 1);
    put(d, open ? ")" : "");
}

static void put_expression(dump *d, tally__id id, int least)
{
    const tally__node *n = &d->g->node[id];
    if (n->op == TALLY__OP_constant)
        put_constant(d, n);
    else if (n->op == TALLY__OP_captured)
        put_captured(d, n);
    else if (n->op == TALLY__OP_dim)
        put_size(d, d->g->node[n->arg[0]].dim[n->axis]);
    else if (n->op == TALLY__OP_read_cell)
        put_cell(d, n);
    else if (n->op == TALLY__OP_at || n->op == TALLY__OP_column)
        put_index(d, n);
    else if (infix_of(n->op).text)
        put_infix(d, n, least);
    else if (n->op == TALLY__OP_neg || n->op == TALLY__OP_not) {
        put(d, least > BIND_SIGN ? "(" : "");
        put(d, n->op == TALLY__OP_neg ? "-" : "not ");
        put_value(d, n->arg[0], BIND_SIGN);
        put(d, least > BIND_SIGN ? ")" : "");
    } else
        put_call(d, n);
}

/* ---- lines */
static void begin_line(dump *d, int depth)
{
    d->line = d->out->n;
    for (int i = 0; i < depth; i++)
        put(d, "  ");
}

static void end_line(dump *d, tally__place at)
{
    if (at.file) {
        do
            put(d, " ");
        while (d->out->n - d->line < PLACE_COLUMN);
        tally__put(d->out, "# %s:%d", tally__file_name(at.file), at.line);
    }
    put(d, "\n");
}

static void put_update(dump *d, const tally__node *n)
{
    const tally__cell_spec *spec = &d->g->slot[n->slot].schema->spec[n->cell];
    const tally__node      *value = &d->g->node[n->arg[0]];
    bool                    sums = value->rank > spec->rank;
    static const char *const fold[] = { "", "sum", "count", "min", "max", "" };
    put_cell(d, n);
    put(d, spec->kind == TALLY_STATE_MIN ? " min= " : spec->kind == TALLY_STATE_MAX ? " max= " : " += ");
    if (spec->kind == TALLY_STATE_COUNT || sums)
        tally__put(d->out, "%s(", fold[spec->kind]);
    if (n->arg[1]) {
        put_value(d, n->arg[1], BIND_PRODUCT);
        put(d, " * ");
    }
    put_value(d, n->arg[0], n->arg[1] ? BIND_SIGN : BIND_ANY);
    put(d, spec->kind == TALLY_STATE_COUNT || sums ? ")" : "");
    if (n->arg[2]) {
        put(d, " where ");
        put_value(d, n->arg[2], BIND_ANY);
    }
}

static void put_effect(dump *d, const tally__node *n)
{
    switch (n->op) {
    case TALLY__OP_accumulate: put_update(d, n); break;
    case TALLY__OP_reset:
        put_store(d, n->slot);
        put(d, " = empty");
        break;
    case TALLY__OP_assign:
        put_cell(d, n);
        put(d, " = ");
        put_value(d, n->arg[0], BIND_ANY);
        break;
    default:
        tally__put(d->out, "%s ", tally__op_table[n->op].name);
        put_value(d, n->arg[0], BIND_ANY);
        tally__put(d->out, "%s%s%s", *n->text ? " \"" : "", n->text, *n->text ? "\"" : "");
    }
}

static void put_assigned(dump *d, const tally__id *name, const tally__id *value, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        put(d, k ? ", " : "");
        put_name(d, name[k]);
        put(d, " = ");
        put_value(d, value[k], BIND_ANY);
    }
}

static void put_region(dump *d, uint32_t region, int depth);

/* The names of an if's values are those of the results that follow it. */
static void put_yield(dump *d, tally__id owner, uint32_t region, const char *word, int depth)
{
    const tally__region *r = &d->g->region[region];
    const tally__node   *n = &d->g->node[owner];
    if (!r->n_yield)
        return;
    begin_line(d, depth);
    put(d, word);
    if (n->op == TALLY__OP_while && region == n->inner[1])
        put_assigned(d, r->param, r->yield, r->n_yield);
    else
        put_values(d, r->yield, r->n_yield);
    end_line(d, (tally__place){ NULL, 0 });
}

/* The condition's parameters and the body's are the same variables, so they share names. */
static void share_names(dump *d, const tally__node *n)
{
    const tally__region *c = &d->g->region[n->inner[0]], *b = &d->g->region[n->inner[1]];
    for (uint32_t k = 0; k < c->n_param; k++)
        d->name[b->param[k]] = d->name[c->param[k]];
}

static void put_while(dump *d, tally__id id, int depth)
{
    const tally__node   *n = &d->g->node[id];
    const tally__region *c = &d->g->region[n->inner[0]];
    share_names(d, n);
    put(d, n->n_arg ? "while (" : "while");
    put_assigned(d, c->param, n->arg, n->n_arg);
    put(d, n->n_arg ? ")" : "");
    if (n->limit >= 0)
        tally__put(d->out, " at most %l times%s", n->limit, n->limit_is_error ? " or fail" : "");
    end_line(d, n->place);
    put_region(d, n->inner[0], depth + 1);
    put_yield(d, id, n->inner[0], "test ", depth + 1);
    put_region(d, n->inner[1], depth + 1);
    put_yield(d, id, n->inner[1], "next ", depth + 1);
}

static void put_if(dump *d, tally__id id, int depth)
{
    const tally__node   *n = &d->g->node[id];
    const tally__region *b = &d->g->region[n->inner[1]];
    put(d, "if ");
    put_value(d, n->arg[0], BIND_ANY);
    end_line(d, n->place);
    put_region(d, n->inner[0], depth + 1);
    put_yield(d, id, n->inner[0], "give ", depth + 1);
    if (!b->n_list && !b->n_yield)
        return;
    begin_line(d, depth);
    put(d, "else\n");
    put_region(d, n->inner[1], depth + 1);
    put_yield(d, id, n->inner[1], "give ", depth + 1);
}

static void put_named(dump *d, tally__id id)
{
    const tally__node *n = &d->g->node[id];
    put_name(d, id);
    put(d, ": ");
    put_shape(d, n);
    put(d, " = ");
    if (n->op == TALLY__OP_result)
        tally__put(d->out, "result %d", n->axis);
    else
        put_expression(d, id, BIND_ANY);
}

static void put_node(dump *d, tally__id id, int depth)
{
    const tally__node *n = &d->g->node[id];
    if (n->dtype && !d->name[id])
        return;
    begin_line(d, depth);
    if (n->op == TALLY__OP_while) {
        put_while(d, id, depth);
        return;
    }
    if (n->op == TALLY__OP_if) {
        put_if(d, id, depth);
        return;
    }
    if (n->dtype)
        put_named(d, id);
    else
        put_effect(d, n);
    end_line(d, n->place);
}

static void put_region(dump *d, uint32_t region, int depth)
{
    const tally__region *r = &d->g->region[region];
    for (uint32_t i = 0; i < r->n_list; i++)
        put_node(d, r->list[i], depth);
}

/* ---- head and tail */
static const tally__node *argument_node_of(const tally__graph *g, int i)
{
    const tally__region *body = &g->region[1];
    for (uint32_t k = 0; k < body->n_list && g->node[body->list[k]].op == TALLY__OP_argument; k++)
        if (g->node[body->list[k]].axis == i)
            return &g->node[body->list[k]];
    return NULL;
}

static void put_argument(dump *d, int i)
{
    const tally__argument *a = &d->g->argument[i];
    const tally__node     *n = argument_node_of(d->g, i);
    if (a->kind == TALLY__ARG_TENSOR) {
        tally__put(d->out, "x%d: ", i);
        if (n)
            put_shape(d, n);
        else
            tally__put(d->out, "%s of rank %d", tally__dtype_text(a->dtype), a->rank);
        return;
    }
    put_store(d, a->slot);
    tally__put(d->out, ": %s", d->g->slot[a->slot].schema->class_name);
}

static void put_head(dump *d)
{
    tally__put(d->out, "%s(", d->g->name);
    for (int i = 0; i < d->g->n_argument; i++) {
        put(d, i ? ", " : "");
        put_argument(d, i);
    }
    put(d, ")\n");
    for (int32_t i = 0; i < d->g->n_slot; i++)
        if (d->g->slot[i].captured) {
            put(d, "  captures ");
            put_store(d, i);
            tally__put(d->out, ": %s\n", d->g->slot[i].schema->class_name);
        }
}

static void put_equalities(dump *d)
{
    for (uint32_t i = 0; i < d->g->n_equality; i++) {
        const tally__equality *e = &d->g->equality[i];
        begin_line(d, 1);
        put(d, "where ");
        put_size(d, e->a);
        put(d, " = ");
        put_size(d, e->b);
        end_line(d, d->g->node[e->node].place);
    }
}

static void put_returns(dump *d)
{
    for (int32_t i = 0; i < d->g->n_out; i++) {
        const tally__return *out = &d->g->out[i];
        put(d, i ? ", " : "  return ");
        if (out->kind == TALLY__ARG_TENSOR)
            put_value(d, out->node, BIND_ANY);
        else
            put_store(d, out->slot);
    }
    put(d, d->g->n_out ? "\n" : "");
}

void tally__graph_dump(const tally__graph *g, tally__text *out)
{
    dump   d = { .g = g, .out = out };
    size_t bytes = ((size_t)g->n_node * 3 + g->n_size) * sizeof(uint32_t);
    d.used = tally__zalloc(g->context, bytes);
    if (!d.used) {
        tally__put(out, "%s: no memory for its text\n", g->name);
        return;
    }
    d.weight = d.used + g->n_node;
    d.name = d.weight + g->n_node;
    d.size = d.name + g->n_node;
    count_uses(&d);
    give_names(&d);
    put_head(&d);
    put_region(&d, 1, 1);
    put_equalities(&d);
    put_returns(&d);
    tally__free(g->context, d.used, bytes);
}
