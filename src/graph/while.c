/* while: a loop while it is recorded. The listed variables become parameters of condition and body,
 * are read at the end as next values, and come back as results. The body is recorded at least
 * twice, which finds variables that are carried without being listed and sizes that change; the
 * earlier recording is dropped, as is what the last test records. */
#include "graph.h"

static tally_node parameter_of(tally_trace *t, const tally__carried *v, int k, tally__place at)
{
    tally__node n = *tally__node_of_any(v->before);
    tally__node p = { .op = TALLY__OP_parameter, .dtype = n.dtype, .rank = n.rank, .axis = k };
    for (int axis = 0; axis < n.rank; axis++)
        p.dim[axis] = v->grown >> axis & 1 ? tally__size_run(t, axis) : n.dim[axis];
    tally__id id = tally__node_new(t, &p, NULL, 0, at);
    return id ? tally__handle(t, id) : tally__bad(t);
}

/* A region of the loop, with parameters that the listed variables hold from here on. */
static uint32_t open_loop_region(tally_trace *t, tally__scope_note *s)
{
    uint32_t region = tally__region_open(t, s->owner, s->opened);
    if (!region)
        return 0;
    tally__id *param = s->n_var ? tally__record_alloc(t, s->n_var * sizeof *param) : NULL;
    for (uint32_t k = 0; k < s->n_var && param; k++) {
        *s->var[k].at = parameter_of(t, &s->var[k], (int)k, s->opened);
        param[k] = s->var[k].at->id;
    }
    t->now->graph->region[region].param = param;
    t->now->graph->region[region].n_param = param ? s->n_var : 0;
    return region;
}

static void open_take(tally_trace *t, tally__scope_note *s)
{
    s->take = (tally__take){ { 0, 0 }, t->now->graph->n_node, 0 };
    s->take.region[0] = open_loop_region(t, s);
    s->phase = TALLY__CONDITION;
}

static bool check_initial(tally_trace *t, tally__scope_note *s)
{
    if (!tally__scope_values(t, s, false, s->opened))
        return false;
    for (uint32_t k = 0; k < s->n_var; k++) {
        if (tally__is_num(s->var[k].before, NULL)) {
            tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened,
                              "while: variable %d, expected a value with a dtype as of "
                              "tally_i64(t, v), found a number",
                              (int)k);
            return false;
        }
        s->var[k].before = tally__node_rounded(t, s->var[k].before, s->opened);
    }
    return tally__trace_ok(t);
}

static bool check_limit(tally_trace *t, const tally_while_options *o, tally__node *n,
                        tally__place at)
{
    n->limit = -1;
    if (!o)
        return true;
    if (o->size < sizeof *o || o->max_iterations < -1) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "while: options, expected those of TALLY_WHILE_OPTIONS_INIT with "
                          "max_iterations -1 or more, found size %z and %l",
                          o->size, o->max_iterations);
        return false;
    }
    n->limit = o->max_iterations;
    n->limit_is_error = o->limit_is_error != 0;
    return true;
}

tally_scope tally__while_begin(tally_trace *t, tally_node *const *list, uint32_t n,
                               const tally_while_options *o, tally__place at)
{
    tally_scope        dead = { t, 0, 0 };
    tally__node        node = { .op = TALLY__OP_while };
    tally__scope_note *s = tally__scope_push(t, "while", list, n, at);
    if (!s || !check_limit(t, o, &node, at) || !check_initial(t, s))
        return dead;
    tally_node *initial = n ? tally__record_alloc(t, n * sizeof *initial) : NULL;
    for (uint32_t k = 0; k < n && initial; k++)
        initial[k] = s->var[k].before;
    s->owner = tally__emit(t, &node, initial, n, at).id;
    if (!tally__trace_ok(t))
        return dead;
    open_take(t, s);
    return (tally_scope){ t, s->id, 0 };
}

tally_scope tally_while_begin(tally_trace *t, tally_node *const *vars, const tally_while_options *o,
                              const char *file, int line)
{
    return tally__while_begin(t, vars, tally__scope_count(vars), o, tally__at(file, line));
}

/* What the condition recorded when it was evaluated once too often is as if it had never been. */
static void drop_since_end(tally_trace *t, const tally__scope_note *s)
{
    tally__recording *r = t->now;
    tally__graph     *g = r->graph;
    tally__regions_drop(t, s->mark_region);
    r->current = g->node[s->owner].region;
    g->region[r->current].n_list = s->mark_list;
    for (tally__id i = s->mark_node; i < g->n_node; i++)
        if (g->node[i].op != TALLY__OP_argument)
            g->node[i].region = 0;
    tally__sizes_undo(r, s->mark_undo);
}

/* The loop that ended last and waits for its closing test, even if recording the condition once
 * more failed: that is dropped too, error and all. */
static tally__scope_note *scope_after(const tally_scope *scope)
{
    tally_trace *t = scope ? scope->trace : NULL;
    if (!t || !t->now)
        return NULL;
    for (uint32_t i = t->now->n_scope; i-- > 0;)
        if (t->now->scope[i].id == scope->id && t->now->scope[i].phase == TALLY__AFTER) {
            t->now->n_scope = i + 1;
            return &t->now->scope[i];
        }
    return NULL;
}

static void leave_while(tally_trace *t, const tally__scope_note *s)
{
    t->error.status = TALLY_OK;
    drop_since_end(t, s);
    for (uint32_t k = 0; k < s->n_var; k++)
        *s->var[k].at = s->var[k].first;
    t->now->n_scope--;
}

int tally_while_test(tally_scope *scope, tally_node condition, const char *file, int line)
{
    tally__place             at = tally__at(file, line);
    const tally__scope_note *done = scope_after(scope);
    if (done) {
        leave_while(scope->trace, done);
        return 0;
    }
    tally__scope_note *s = tally__scope_of(scope, "while", at);
    if (!s || !tally__scope_phase_is(scope->trace, s, TALLY__CONDITION, "test", at) ||
        !tally__scope_condition(scope->trace, condition, "while", at))
        return 0;
    tally__id *yield = tally__scope_yields(scope->trace, s->take.region[0], 1);
    if (!yield)
        return 0;
    yield[0] = condition.id;
    tally__region_close(scope->trace);
    s->take.region[1] = open_loop_region(scope->trace, s);
    s->phase = TALLY__BODY;
    return tally__trace_ok(scope->trace);
}

static bool check_next(tally_trace *t, const tally__scope_note *s, uint32_t k, tally_node next,
                       tally__place at)
{
    tally_node before = s->var[k].before;
    if (tally__same_type(before, next))
        return true;
    char         line[96];
    tally__text  text = { line, sizeof line, 0 };
    tally__place place = tally__place_of(next, at);
    tally__put_value_type(&text, before);
    tally__put(&text, ", found ");
    tally__put_value_type(&text, next);
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened,
                      "while: variable %d, expected %s after an iteration (%s:%d)", (int)k, line,
                      tally__file_name(place.file), place.line);
    return false;
}

/* One yield: the value of variable k at the end of the body. Marks the axes whose size is not the
 * parameter's. */
static bool read_next(tally_trace *t, tally__scope_note *s, uint32_t k, tally__id *yield,
                      bool *grew, tally__place at)
{
    tally_node x = *s->var[k].at;
    double     v;
    if (tally__is_num(x, &v))
        x = tally__constant_f64(t, (int32_t)tally_node_dtype(s->var[k].before), v, at);
    x = tally__node_rounded(t, x, at);
    if (!tally__trace_ok(t) || !check_next(t, s, k, x, at))
        return false;
    const tally__node *next = tally__node_of(x);
    const tally__node *param =
        &t->now->graph->node[t->now->graph->region[s->take.region[1]].param[k]];
    for (int axis = 0; axis < next->rank; axis++)
        if (tally__size_find(t->now, next->dim[axis]) !=
                tally__size_find(t->now, param->dim[axis]) &&
            !(s->var[k].grown >> axis & 1)) {
            s->var[k].grown |= 1u << axis;
            *grew = true;
        }
    yield[k] = x.id;
    return true;
}

static bool close_body(tally_trace *t, tally__scope_note *s, bool *grew, tally__place at)
{
    tally__id *yield = tally__scope_yields(t, s->take.region[1], s->n_var);
    if (!tally__scope_values(t, s, false, at))
        return false;
    for (uint32_t k = 0; k < s->n_var; k++)
        if (!read_next(t, s, k, yield, grew, at))
            return false;
    s->take.end = t->now->graph->n_node;
    tally__region_close(t);
    return tally__trace_ok(t);
}

static void finish_while(tally_trace *t, tally__scope_note *s)
{
    tally__recording *r = t->now;
    memcpy(r->graph->node[s->owner].inner, s->take.region, sizeof s->take.region);
    for (uint32_t k = 0; k < s->n_var; k++) {
        tally__node type = *tally__node_of(s->var[k].before);
        s->var[k].first = *s->var[k].at = tally__scope_result(t, s, &type, (int)k, s->var[k].grown);
    }
    s->mark_node = r->graph->n_node;
    s->mark_region = r->graph->n_region;
    s->mark_list = r->graph->region[r->current].n_list;
    s->mark_undo = r->n_undo;
    if (tally__trace_ok(t))
        s->phase = TALLY__AFTER;
}

static void fail_different(tally_trace *t, const tally__scope_note *s, tally__place where)
{
    if (!where.file)
        where = s->opened;
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened,
                      "while: body, expected the same in every recording, found another at "
                      "%s:%d: a variable is carried without being listed, or the body depends on "
                      "more than its arguments",
                      tally__file_name(where.file), where.line);
}

void tally_while_end(tally_scope *scope, const char *file, int line)
{
    tally__place       at = tally__at(file, line), where = { NULL, 0 };
    tally__scope_note *s = tally__scope_of(scope, "while", at);
    bool               grew = false;
    if (!s || !tally__scope_phase_is(scope->trace, s, TALLY__BODY, "end", at) ||
        !close_body(scope->trace, s, &grew, at))
        return;
    if (!grew && s->earlier.region[0]) {
        if (tally__takes_same(scope->trace, &s->earlier, &s->take, &where))
            finish_while(scope->trace, s);
        else
            fail_different(scope->trace, s, where);
        return;
    }
    s->earlier = grew ? (tally__take){ { 0, 0 }, 0, 0 } : s->take;
    tally__regions_drop(scope->trace, s->take.region[0]);
    open_take(scope->trace, s);
}

bool tally__while_is_over(const tally_scope *scope)
{
    const tally_trace *t = scope->trace;
    return tally__trace_ok(t) && t->now->n_scope &&
           t->now->scope[t->now->n_scope - 1].id == scope->id &&
           t->now->scope[t->now->n_scope - 1].phase == TALLY__AFTER;
}
