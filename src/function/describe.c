/* describe: what people see of a function: its recordings and plans as text and as pictures. Reads what is published and never
 * changes; how a graph or a plan is written belongs to their floors. */
#include "function.h"
#include "../graph/dump.h"

/* the instruction set whose loop a node has; what moves no element has neither that nor a reference kernel */
static const char *runs_with(const tally__plan *p, tally__id id, bool counted, void *user)
{
    const tally_function    *f = user;
    const tally__node       *n = &p->graph->node[id];
    const tally__kernel_set *set = tally__kernels_for(f->isa);
    if (counted && tally__count_of(set, p->graph, n))
        return tally__counting_set(set, n->op)->counts;
    const bool loops = tally__kernel_of(set, p->graph, n) != NULL;
    switch (tally__op_table[n->op].form) {
    case TALLY__FORM_ELEMENT:
    case TALLY__FORM_OTHER:
        return loops ? set->name : "reference";
    case TALLY__FORM_REDUCE:
    case TALLY__FORM_ROW:
        return loops ? set->rows : "reference";
    default:
        return NULL;
    }
}

static tally__text text_begin(char *buf, size_t n)
{
    tally__text t = { buf, buf ? n : 0, 0 };
    if (t.room)
        buf[0] = 0;
    return t;
}

size_t tally_function_dump(const tally_function *f, int trace, char *buf, size_t n)
{
    const tally__version *v = tally__version_at(f, trace);
    tally__text           t = text_begin(buf, n);
    if (!v)
        return 0;
    tally__graph_dump(v->graph, &t);
    if (v->plan)
        tally__plan_dump(v->plan, runs_with, (void *)(uintptr_t)f, &t);
    return t.n + 1;
}

static bool describe_check(const tally_function *f, tally_error *err)
{
    if (!f)
        tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "function: expected one, found NULL");
    return f != NULL;
}

/* of n recordings */
static void no_such_trace(const tally_function *f, int trace, int n, tally_error *err)
{
    if (n)
        tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: trace, expected 0 to %d, found %d", f->name, n - 1, trace);
    else
        tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: trace, expected one that is recorded, found none so far", f->name);
}

static size_t no_memory(const tally_function *f, tally__text *t, tally_error *err)
{
    if (t->room)
        t->at[0] = 0;
    tally__fail(err, TALLY_RESOURCE_EXHAUSTED, -1, "%s: no memory for its text", f->name);
    return 0;
}

size_t tally_function_dot(const tally_function *f, int trace, int plan, char *buf, size_t n, tally_error *err)
{
    const tally__version *v = tally__version_at(f, trace);
    tally__text           t = text_begin(buf, n);
    if (!describe_check(f, err))
        return 0;
    if (!v) {
        no_such_trace(f, trace, tally_function_traces(f), err);
        return 0;
    }
    bool done = plan && v->plan ? tally__plan_dot(v->plan, runs_with, (void *)(uintptr_t)f, &t) : tally__graph_dot(v->graph, &t);
    return done ? t.n + 1 : no_memory(f, &t, err);
}

/* ---- describe: arguments and states */
static void describe_argument(tally__dump *d, int i)
{
    const tally__argument *a = &d->g->argument[i];
    const tally__slot     *s = a->slot < 0 ? NULL : &d->g->slot[a->slot];
    tally__put(d->out, "  %d: ", i);
    if (s)
        tally__dump_store(d, a->slot);
    else
        tally__put(d->out, "x%d, tensor", i);
    tally__put(d->out, ", ");
    tally__put_argument(d->out, a, s ? s->schema : NULL);
    if (s && s->captured)
        tally__put(d->out, ", captured too");
    else if (s && s->argument != i)
        tally__put(d->out, ", the same as argument %d", s->argument);
    tally__put(d->out, "\n");
}

static void describe_captured(tally__dump *d, int32_t slot)
{
    const tally__store *s = d->g->slot[slot].captured;
    tally__argument     a = { s->schema->what == TALLY__METRIC ? TALLY__ARG_METRIC : TALLY__ARG_VARIABLE, 0, 0, slot };
    const bool          owned = d->g->slot[slot].batch_of;
    tally__put(d->out, owned ? "  own: " : "  captured: ");
    tally__dump_store(d, slot);
    tally__put(d->out, ", ");
    tally__put_argument(d->out, &a, s->schema);
    tally__put(d->out, *s->name && !owned ? " \"%s\"\n" : "\n", s->name);
}

static void describe_arguments(tally__dump *d)
{
    tally__put(d->out, "arguments\n");
    for (int i = 0; i < d->g->n_argument; i++)
        describe_argument(d, i);
    for (int32_t i = 0; i < d->g->n_slot; i++)
        if (d->g->slot[i].captured)
            describe_captured(d, i);
}

/* what the recording does to a state; a reset is of all states of a store */
enum { USE_READ, USE_UPDATED, USE_ASSIGNED, USE_RESET, USES };
static const char *const use_word[USES] = { "read", "updated", "assigned", "reset" };

static unsigned describe_uses(const tally__graph *g, int32_t slot, int32_t cell)
{
    unsigned uses = 0;
    for (tally__id i = 1; i < g->n_node; i++) {
        const tally__node *n = &g->node[i];
        uint8_t            form = tally__op_table[n->op].form;
        if (n->slot != slot || (n->cell != cell && n->cell >= 0))
            continue;
        if (form == TALLY__FORM_READ)
            uses |= 1u << USE_READ;
        else if (n->op == TALLY__OP_reset || n->op == TALLY__OP_assign)
            uses |= 1u << (n->op == TALLY__OP_reset ? USE_RESET : USE_ASSIGNED);
        else if (form == TALLY__FORM_EFFECT && n->op != TALLY__OP_assert && n->op != TALLY__OP_print)
            uses |= 1u << USE_UPDATED;
    }
    return uses;
}

static void describe_spec(tally__text *t, const tally__cell_spec *spec)
{
    tally__put(t, "%s", tally__kind_of(spec->kind)->name);
    if (spec->kind == TALLY_STATE_TENSOR)
        tally__put(t, " %s", tally__dtype_text(spec->dtype));
    for (int k = 0; k < spec->rank; k++) {
        tally__put(t, k ? ", " : "[");
        if (spec->shape[k] < 0)
            tally__put(t, "?");
        else
            tally__put(t, "%l", spec->shape[k]);
    }
    tally__put(t, spec->rank ? "]" : "");
}

static void describe_state(tally__dump *d, int32_t slot, int32_t cell)
{
    const tally__cell_spec *spec = &d->g->slot[slot].schema->spec[cell];
    unsigned                uses = describe_uses(d->g, slot, cell);
    tally__put(d->out, "  ");
    tally__dump_cell(d, &(tally__node){ .slot = slot, .cell = cell });
    tally__put(d->out, ": ");
    describe_spec(d->out, spec);
    for (int k = 0; k < USES; k++)
        if (uses >> k & 1)
            tally__put(d->out, ", %s", use_word[k]);
    tally__put(d->out, uses ? "\n" : ", not used\n");
}

static void describe_states(tally__dump *d)
{
    tally__put(d->out, "states\n");
    for (int32_t i = 0; i < d->g->n_slot; i++)
        for (int k = 0; k < d->g->slot[i].schema->n_cells; k++)
            describe_state(d, i, k);
}

/* ---- the whole */
static void describe_memory(const tally_function *f, const tally__version *v, tally__text *t)
{
    size_t slots = v->plan ? tally__slots_bytes(v->plan, f->block) : 0;
    tally__put(t, "memory\n  frame: %z bytes\n", tally__frame_bytes(v->graph, v->plan));
    if (slots)
        tally__put(t, "  slots: %z bytes\n", slots);
}

static bool describe_version(const tally_function *f, const tally__version *v, tally__text *t)
{
    tally__dump d = { .g = v->graph, .out = t, .form = &tally__dump_lines };
    if (d.g->n_argument || d.g->n_slot)
        describe_arguments(&d);
    if (d.g->n_slot)
        describe_states(&d);
    if (v->plan && !tally__plan_dump(v->plan, runs_with, (void *)(uintptr_t)f, t))
        return false;
    describe_memory(f, v, t);
    return true;
}

static bool describe_all(const tally_function *f, tally__text *t)
{
    int n = tally_function_traces(f);
    if (!n)
        tally__put(t, "%s: nothing recorded so far\n", f->name);
    for (int i = 0; i < n; i++) {
        tally__put(t, "%s%s: recording %d of %d\n", i ? "\n" : "", f->name, i, n);
        if (!describe_version(f, tally__version_at(f, i), t))
            return false;
    }
    return true;
}

size_t tally_function_describe(const tally_function *f, char *buf, size_t n, tally_error *err)
{
    tally__text t = text_begin(buf, n);
    if (!describe_check(f, err))
        return 0;
    return describe_all(f, &t) ? t.n + 1 : no_memory(f, &t, err);
}
