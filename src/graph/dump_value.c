/* dump_value: values as text: names, sizes, constants, expressions with as few parentheses as they
 * need. Knows how ops are written, nothing of lines. */
#include "dump.h"

/* ---- names */
/* Within quotation marks of DOT: what would end them, what a label takes for a sign of its own, what no line may hold. */
static const char *dump_quoted(char c)
{
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '&': return "&amp;";
    case '\n': return "\\n";
    default: return c > 0 && c < ' ' ? " " : NULL;
    }
}

void tally__dump_put(tally__dump *d, const char *text)
{
    for (; *text; text++) {
        const char *instead = d->form->quotes ? dump_quoted(*text) : NULL;
        if (instead)
            tally__put(d->out, "%s", instead);
        else
            tally__put(d->out, "%c", *text);
    }
}

void tally__dump_size(tally__dump *d, tally__dim dim)
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

void tally__dump_shape(tally__dump *d, const tally__node *n)
{
    tally__put(d->out, "%s", tally__dtype_text(n->dtype));
    for (int k = 0; k < n->rank; k++) {
        tally__dump_put(d, k ? ", " : "[");
        tally__dump_size(d, n->dim[k]);
    }
    tally__dump_put(d, n->rank ? "]" : "");
}

/* The class in small letters; the second of a class is mean2. */
void tally__dump_store(tally__dump *d, int32_t slot)
{
    const char *class_name = d->g->slot[slot].schema->class_name;
    int         before = 1;
    if (d->g->slot[slot].batch_of) {
        tally__dump_store(d, d->g->slot[slot].batch_of - 1);
        tally__dump_put(d, "_batch");
        return;
    }
    for (const char *c = class_name; *c; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        if (upper && c > class_name && c[-1] >= 'a' && c[-1] <= 'z')
            tally__dump_put(d, "_");
        tally__dump_put(d, (const char[]){ (char)(upper ? *c - 'A' + 'a' : *c), 0 });
    }
    for (int32_t i = 0; i < slot; i++)
        before += !d->g->slot[i].batch_of && strcmp(d->g->slot[i].schema->class_name, class_name) == 0;
    if (before > 1)
        tally__put(d->out, "%d", before);
}

void tally__dump_cell(tally__dump *d, const tally__node *n)
{
    const tally__schema *schema = d->g->slot[n->slot].schema;
    tally__dump_store(d, n->slot);
    if (schema->what == TALLY__METRIC && n->cell >= 0) {
        tally__dump_put(d, ".");
        tally__dump_put(d, schema->spec[n->cell].name);
    }
}

void tally__dump_name(tally__dump *d, tally__id id)
{
    const tally__node *n = &d->g->node[id];
    const char *letter = tally__is_integer(n->dtype) ? "i" : n->dtype == TALLY_BOOL ? "b" : "v";
    if (n->op == TALLY__OP_argument)
        tally__put(d->out, "x%d", n->axis);
    else
        tally__put(d->out, "%s%u", letter, d->name[id]);
}

/* ---- expressions */
typedef struct infix {
    const char *text; /* NULL: not written between its operands */
    int         binds;
} infix;

static infix infix_of(uint16_t op)
{
    switch (op) {
    case TALLY__OP_add: return (infix){ " + ", TALLY__BIND_SUM };
    case TALLY__OP_sub: return (infix){ " - ", TALLY__BIND_SUM };
    case TALLY__OP_mul: return (infix){ " * ", TALLY__BIND_PRODUCT };
    case TALLY__OP_div: return (infix){ " / ", TALLY__BIND_PRODUCT };
    case TALLY__OP_matmul: return (infix){ " @ ", TALLY__BIND_PRODUCT };
    case TALLY__OP_eq: return (infix){ " == ", TALLY__BIND_COMPARE };
    case TALLY__OP_ne: return (infix){ " != ", TALLY__BIND_COMPARE };
    case TALLY__OP_lt: return (infix){ " < ", TALLY__BIND_COMPARE };
    case TALLY__OP_le: return (infix){ " <= ", TALLY__BIND_COMPARE };
    case TALLY__OP_gt: return (infix){ " > ", TALLY__BIND_COMPARE };
    case TALLY__OP_ge: return (infix){ " >= ", TALLY__BIND_COMPARE };
    case TALLY__OP_and: return (infix){ " and ", TALLY__BIND_LOGIC };
    case TALLY__OP_or: return (infix){ " or ", TALLY__BIND_LOGIC };
    case TALLY__OP_xor: return (infix){ " xor ", TALLY__BIND_LOGIC };
    default: return (infix){ NULL, TALLY__BIND_ANY };
    }
}

void tally__dump_value(tally__dump *d, tally__id id, int least)
{
    if (!id)
        tally__dump_put(d, "-");
    else if (d->name[id] || d->g->node[id].op == TALLY__OP_argument)
        tally__dump_name(d, id);
    else
        tally__dump_expression(d, id, least);
}

void tally__dump_values(tally__dump *d, const tally__id *id, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        tally__dump_put(d, k ? ", " : "");
        tally__dump_value(d, id[k], TALLY__BIND_ANY);
    }
}

static void put_constant(tally__dump *d, const tally__node *n)
{
    if (tally__is_float(n->dtype))
        tally__put(d->out, "%g", n->constant.real);
    else if (n->dtype == TALLY_BOOL)
        tally__dump_put(d, n->constant.integer ? "true" : "false");
    else if (n->dtype == TALLY_U64 && n->constant.natural > INT64_MAX)
        tally__put(d->out, "0x%x", n->constant.natural);
    else
        tally__put(d->out, "%l", n->constant.integer);
}

/* Up to eight numbers are written out. */
static void put_captured(tally__dump *d, const tally__node *n)
{
    int64_t     count = n->rank == 1 ? d->g->size[n->dim[0]].value : n->rank ? 9 : 1;
    const char *data = n->data;
    if (count > 8) {
        tally__dump_put(d, "captured");
        return;
    }
    tally__dump_put(d, n->rank ? "[" : "");
    for (int64_t i = 0; i < count; i++, data += tally__element_size(n->dtype)) {
        tally__dump_put(d, i ? ", " : "");
        if (tally__is_float(n->dtype))
            tally__put(d->out, "%g", tally__load_f64(data, n->dtype));
        else
            tally__put(d->out, "%l", tally__load_i64(data, n->dtype));
    }
    tally__dump_put(d, n->rank ? "]" : "");
}

static void put_call(tally__dump *d, const tally__node *n)
{
    uint8_t shape = tally__op_table[n->op].shape;
    bool    axis = shape == TALLY__SHAPE_DROP || shape == TALLY__SHAPE_AXIS ||
                shape == TALLY__SHAPE_INSERT || shape == TALLY__SHAPE_SQUEEZE ||
                shape == TALLY__SHAPE_SLICE;
    tally__dump_put(d, n->op == TALLY__OP_cast ? tally__dtype_text(n->dtype)
                                               : tally__op_table[n->op].name);
    tally__dump_put(d, "(");
    tally__dump_values(d, n->arg, n->n_arg);
    if (axis)
        tally__put(d->out, ", axis=%d", n->axis);
    tally__dump_put(d, ")");
}

static void put_index(tally__dump *d, const tally__node *n)
{
    tally__dump_value(d, n->arg[0], TALLY__BIND_INDEX);
    tally__dump_put(d, "[");
    if (n->op == TALLY__OP_column)
        tally__put(d->out, "%s, %d", "..", n->axis);
    else
        tally__dump_value(d, n->arg[1], TALLY__BIND_ANY);
    tally__dump_put(d, "]");
}

/* Operators of one level are read from left to right, so an operand on the right binds more
 * tightly; logic never mixes. */
static void put_infix(tally__dump *d, const tally__node *n, int least)
{
    infix i = infix_of(n->op);
    bool  open = i.binds < least;
    int left = i.binds == TALLY__BIND_SUM || i.binds == TALLY__BIND_PRODUCT ? i.binds : i.binds + 1;
    tally__dump_put(d, open ? "(" : "");
    tally__dump_value(d, n->arg[0], left);
    tally__dump_put(d, i.text);
    tally__dump_value(d, n->arg[1], i.binds + 1);
    tally__dump_put(d, open ? ")" : "");
}

void tally__dump_expression(tally__dump *d, tally__id id, int least)
{
    const tally__node *n = &d->g->node[id];
    if (n->op == TALLY__OP_constant)
        put_constant(d, n);
    else if (n->op == TALLY__OP_captured)
        put_captured(d, n);
    else if (n->op == TALLY__OP_dim)
        tally__dump_size(d, d->g->node[n->arg[0]].dim[n->axis]);
    else if (n->op == TALLY__OP_read_cell)
        tally__dump_cell(d, n);
    else if (n->op == TALLY__OP_at || n->op == TALLY__OP_column)
        put_index(d, n);
    else if (infix_of(n->op).text)
        put_infix(d, n, least);
    else if (n->op == TALLY__OP_neg || n->op == TALLY__OP_not) {
        tally__dump_put(d, least > TALLY__BIND_SIGN ? "(" : "");
        tally__dump_put(d, n->op == TALLY__OP_neg ? "-" : "not ");
        tally__dump_value(d, n->arg[0], TALLY__BIND_SIGN);
        tally__dump_put(d, least > TALLY__BIND_SIGN ? ")" : "");
    } else
        put_call(d, n);
}
