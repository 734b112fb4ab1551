/* source: where the values of a body come from and go to: arguments, captures, constants, returns.
 * An argument node stands in front of the body wherever it was asked for first, so a loop may ask
 * too. Knows stores by address, no cells. */
#include "graph.h"

/* ---- slots: one per distinct store */
static bool room_for_slot(tally_trace *t)
{
    tally__recording *r = t->now;
    tally__graph     *g = r->graph;
    uint32_t          n = (uint32_t)g->n_slot;
    return tally__table_room(t, &g->slot, n, &g->slot_room, sizeof *g->slot) &&
           tally__table_room(t, &r->store, n, &r->store_room, sizeof *r->store) &&
           tally__table_room(t, &r->state_size, n, &r->state_room, sizeof *r->state_size);
}

int32_t tally__slot_of(tally_trace *t, tally__store *store, tally__place at)
{
    tally__recording *r = t->now;
    tally__graph     *g = r->graph;
    (void)at;
    for (int32_t i = 0; i < g->n_slot; i++)
        if (r->store[i] == store)
            return i;
    if (!tally__trace_ok(t) || !room_for_slot(t))
        return -1;
    r->store[g->n_slot] = store;
    r->state_size[g->n_slot] = NULL;
    g->slot[g->n_slot] = (tally__slot){ .argument = -1, .schema = store->schema };
    tally__schema_retain(store->schema);
    return g->n_slot++;
}

int32_t tally__ref_slot(tally_trace *t, tally_trace *of, uint32_t id, uint32_t generation,
                        tally__what what, const char *op, tally__place at)
{
    const char *name = what == TALLY__METRIC ? "metric" : "variable";
    if (!tally__trace_ok(t))
        return -1;
    if (of != t || generation != t->generation) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: %s, expected a reference of this body, found %s", op, name,
                          !of ? "an absent one (all zero)" : "one of another body");
        return -1;
    }
    if (!id || id > (uint32_t)t->now->graph->n_slot ||
        t->now->graph->slot[id - 1].schema->what != what) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: %s, expected a reference that this body got, found %s", op, name,
                          "one that was never given out");
        return -1;
    }
    return (int32_t)id - 1;
}

static int32_t capture_slot(tally_trace *t, tally__store *store, const char *op, tally__place at)
{
    if (!tally__trace_ok(t))
        return -1;
    if (!store) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: handle, expected one, found NULL",
                          op);
        return -1;
    }
    int32_t slot = tally__slot_of(t, store, at);
    if (slot >= 0 && !t->now->graph->slot[slot].captured) {
        tally__store_retain(store);
        t->now->graph->slot[slot].captured = store;
    }
    return slot;
}

/* ---- arguments */
static const char *kind_text(int32_t kind)
{
    return kind == TALLY__ARG_TENSOR   ? "a tensor"
           : kind == TALLY__ARG_METRIC ? "a metric"
                                       : "a variable";
}

static tally__inline_frame *frame_now(tally_trace *t)
{
    return &t->now->frame[t->now->n_frame - 1];
}

int tally__trace_arguments(const tally_trace *t)
{
    return t->now->frame[t->now->n_frame - 1].n_in;
}

static tally__argument symbol_type(const tally_symbol *s)
{
    tally__argument a = { TALLY__ARG_TENSOR, (int32_t)tally_node_dtype(s->node),
                          tally_node_rank(s->node), -1 };
    if (s->metric.trace)
        a = (tally__argument){ TALLY__ARG_METRIC, 0, 0, (int32_t)s->metric.id - 1 };
    else if (s->variable.trace)
        a = (tally__argument){ TALLY__ARG_VARIABLE, 0, 0, (int32_t)s->variable.id - 1 };
    return a;
}

tally__argument tally__trace_argument(const tally_trace *t, int i)
{
    const tally__inline_frame *f = &t->now->frame[t->now->n_frame - 1];
    assert(i >= 0 && i < f->n_in);
    return t->now->n_frame > 1 ? symbol_type(&f->in[i]) : t->now->graph->argument[i];
}

static bool check_argument(tally_trace *t, int i, int32_t kind, const char *op, tally__place at)
{
    if (!tally__trace_ok(t))
        return false;
    tally__inline_frame *f = frame_now(t);
    if (i < 0 || i >= f->n_in) {
        tally__trace_fail_argument(t, TALLY_INVALID_ARGUMENT, i, at,
                                   "%s: argument %d, expected %s, found a call with %d "
                                   "arguments",
                                   op, i, kind_text(kind), f->n_in);
        return false;
    }
    tally__argument found = tally__trace_argument(t, i);
    f->n_used = TALLY__MAX(f->n_used, i + 1);
    if (found.kind == kind)
        return true;
    tally__trace_fail_argument(t, TALLY_INVALID_ARGUMENT, i, at,
                               "%s: argument %d, expected %s, found %s", op, i, kind_text(kind),
                               kind_text(found.kind));
    return false;
}

/* Sizes that met for the node that comes next wait for the one after it: an argument moves to the
 * front. */
static void pass_on_equalities(tally__graph *g, tally__id id)
{
    for (uint32_t k = g->n_equality; k-- > 0 && g->equality[k].node == id;)
        g->equality[k].node++;
}

static tally__id argument_node(tally_trace *t, int i, tally__place at)
{
    tally__recording *r = t->now;
    tally__argument   a = r->graph->argument[i];
    tally__node       n = {
              .op = TALLY__OP_argument, .dtype = (uint8_t)a.dtype, .rank = (uint8_t)a.rank, .axis = i
    };
    if (r->argument[i])
        return r->argument[i];
    for (int k = 0; k < a.rank; k++)
        n.dim[k] = tally__size_new(t, (tally__size){ TALLY__SIZE_INPUT, i, 0, k, 0 });
    tally__id id = tally__node_new(t, &n, NULL, 0, at);
    if (id) {
        r->graph->node[id].region = 1;
        pass_on_equalities(r->graph, id);
    }
    return r->argument[i] = id;
}

tally_node tally_arg_loc(tally_trace *t, int i, const char *file, int line)
{
    if (!check_argument(t, i, TALLY__ARG_TENSOR, "arg", tally__at(file, line)))
        return tally__bad(t);
    if (t->now->n_frame > 1)
        return frame_now(t)->in[i].node;
    tally__id id = argument_node(t, i, tally__at(file, line));
    return id ? tally__handle(t, id) : tally__bad(t);
}

static uint32_t argument_ref(tally_trace *t, int i, int32_t kind, const char *op, tally__place at)
{
    if (!check_argument(t, i, kind, op, at))
        return TALLY__BAD_ID;
    return (uint32_t)tally__trace_argument(t, i).slot + 1;
}

static tally_metric_ref metric_ref(tally_trace *t, uint32_t id)
{
    return (tally_metric_ref){ t, id, t ? t->generation : 0 };
}

static tally_variable_ref variable_ref(tally_trace *t, uint32_t id)
{
    return (tally_variable_ref){ t, id, t ? t->generation : 0 };
}

tally_metric_ref tally_arg_metric_loc(tally_trace *t, int i, const char *file, int line)
{
    return metric_ref(t,
                      argument_ref(t, i, TALLY__ARG_METRIC, "arg_metric", tally__at(file, line)));
}

tally_variable_ref tally_arg_variable_loc(tally_trace *t, int i, const char *file, int line)
{
    return variable_ref(
        t, argument_ref(t, i, TALLY__ARG_VARIABLE, "arg_variable", tally__at(file, line)));
}

/* ---- captures */
tally_metric_ref tally_capture_metric_loc(tally_trace *t, tally_metric *m, const char *file,
                                          int line)
{
    tally__store *store = m ? tally__store_of_metric(m) : NULL;
    int32_t       slot = capture_slot(t, store, "capture_metric", tally__at(file, line));
    return metric_ref(t, slot < 0 ? TALLY__BAD_ID : (uint32_t)slot + 1);
}

static int32_t batch_slot(tally_trace *t, int32_t slot, tally__place at)
{
    tally__graph *g = t->now->graph;
    tally_error   err;
    for (int32_t i = 0; i < g->n_slot; i++)
        if (g->slot[i].batch_of == slot + 1)
            return i;
    tally__store *store = tally__store_new(t->context, g->slot[slot].schema, "batch", &err);
    int32_t       own = store ? tally__slot_of(t, store, at) : -1;
    if (!store)
        tally__trace_fail(t, err.status, at, "%s", err.text);
    if (own < 0) {
        tally__store_release(store);
        return -1;
    }
    g->slot[own].captured = store;
    g->slot[own].batch_of = slot + 1;
    return own;
}

tally_metric_ref tally__batch_of(tally_trace *t, tally_metric_ref m, tally__place at)
{
    int32_t slot = tally__ref_slot(t, m.trace, m.id, m.generation, TALLY__METRIC, "forward", at);
    slot = slot < 0 ? -1 : batch_slot(t, slot, at);
    return metric_ref(t, slot < 0 ? TALLY__BAD_ID : (uint32_t)slot + 1);
}

tally_variable_ref tally_capture_variable_loc(tally_trace *t, tally_variable *v, const char *file,
                                              int line)
{
    tally__store *store = v ? tally__store_of_variable(v) : NULL;
    int32_t       slot = capture_slot(t, store, "capture_variable", tally__at(file, line));
    return variable_ref(t, slot < 0 ? TALLY__BAD_ID : (uint32_t)slot + 1);
}

static bool check_captured(tally_trace *t, const tally_tensor *x, tally__place at)
{
    tally_error err;
    if (!tally__trace_ok(t))
        return false;
    if (!x)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "capture_tensor: tensor, expected one, found NULL");
    else if (tally__tensor_check(x, 0, &err))
        tally__trace_fail(t, (tally_status)err.status, at, "capture_tensor: %s", err.text);
    return tally__trace_ok(t);
}

tally_node tally_capture_tensor_loc(tally_trace *t, const tally_tensor *x, const char *file,
                                    int line)
{
    if (!check_captured(t, x, tally__at(file, line)))
        return tally__bad(t);
    tally__node n = { .op = TALLY__OP_captured,
                      .dtype = (uint8_t)x->dtype,
                      .rank = (uint8_t)x->rank };
    size_t      bytes = (size_t)tally__elements(x->rank, x->shape) * tally__element_size(x->dtype);
    void       *data = tally__record_alloc(t, bytes);
    if (!data)
        return tally__bad(t);
    tally__tensor_pack(data, x->dtype, x);
    n.data = data;
    for (int k = 0; k < x->rank; k++)
        n.dim[k] = tally__size_fixed(t, x->shape[k]);
    return tally__emit(t, &n, NULL, 0, tally__at(file, line));
}

/* ---- constants */
tally_node tally_i64_loc(tally_trace *t, int64_t v, const char *file, int line)
{
    return tally__trace_ok(t) ? tally__constant_i64(t, TALLY_I64, v, tally__at(file, line))
                              : tally__bad(t);
}

tally_node tally_f32_loc(tally_trace *t, float v, const char *file, int line)
{
    return tally__trace_ok(t) ? tally__constant_f64(t, TALLY_F32, (double)v, tally__at(file, line))
                              : tally__bad(t);
}

tally_node tally_f64_loc(tally_trace *t, double v, const char *file, int line)
{
    return tally__trace_ok(t) ? tally__constant_f64(t, TALLY_F64, v, tally__at(file, line))
                              : tally__bad(t);
}

/* ---- returns */
static bool check_return(tally_trace *t, const char *op, tally__place at)
{
    if (!tally__trace_ok(t))
        return false;
    const tally__recording *r = t->now;
    if (r->n_scope == frame_now(t)->scopes)
        return true;
    const tally__scope_note *s = &r->scope[r->n_scope - 1];
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                      "%s: place, expected outside of all scopes, found inside the %s opened at "
                      "%s:%d",
                      op, s->verb, tally__file_name(s->opened.file), s->opened.line);
    return false;
}

static bool return_from_inline(tally_trace *t, const tally_symbol *s)
{
    tally__inline_frame *f = frame_now(t);
    if (t->now->n_frame == 1)
        return false;
    if (f->n_out < f->out_room)
        f->out[f->n_out] = *s;
    f->n_out++;
    return true;
}

static void return_from_call(tally_trace *t, tally__return back)
{
    tally__graph *g = t->now->graph;
    if (tally__table_room(t, &g->out, (uint32_t)g->n_out, &g->out_room, sizeof *g->out))
        g->out[g->n_out++] = back;
}

void tally_return_loc(tally_trace *t, tally_node x, const char *file, int line)
{
    tally__place at = tally__at(file, line);
    double       v;
    if (!check_return(t, "return", at) || !tally__operands_of(t, &x, 1, 0, "return", at))
        return;
    tally_symbol s = { .node = x };
    if (return_from_inline(t, &s))
        return;
    x = tally__is_num(x, &v) ? tally__constant_f64(t, TALLY_F64, v, at)
                             : tally__node_rounded(t, x, at);
    return_from_call(t, (tally__return){ TALLY__ARG_TENSOR, -1, x.id });
}

void tally_return_metric_loc(tally_trace *t, tally_metric_ref m, const char *file, int line)
{
    tally__place at = tally__at(file, line);
    int32_t      slot =
        tally__ref_slot(t, m.trace, m.id, m.generation, TALLY__METRIC, "return_metric", at);
    if (slot < 0 || !check_return(t, "return_metric", at))
        return;
    tally_symbol s = { .metric = m };
    if (return_from_inline(t, &s))
        return;
    return_from_call(t, (tally__return){ TALLY__ARG_METRIC, slot, 0 });
}
