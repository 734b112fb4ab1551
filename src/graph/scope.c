/* scope: while and if while they are recorded. Variables that a scope lists are C variables of the caller: they become
 * parameters, are read at the end, and come back as results. A loop is recorded at least twice, which finds variables that
 * are carried without being listed; the earlier recording is dropped. Knows no op but its own. */
#include "graph.h"

/* ---- the stack of open scopes */
static tally__scope_note *top_scope(tally_trace *t)
{
    return &t->now->scope[t->now->n_scope - 1];
}

static tally__scope_note *push_scope(tally_trace *t, const char *verb, tally_node *const *list, uint32_t n, tally__place at)
{
    if (!tally__trace_ok(t))
        return NULL;
    tally__recording *r = t->now;
    if (!tally__table_room(t, &r->scope, r->n_scope, &r->scope_room, sizeof *r->scope))
        return NULL;
    tally__scope_note s = { .id = ++r->scopes_so_far, .verb = verb, .n_var = n, .opened = at };
    s.var = n ? tally__record_alloc(t, n * sizeof *s.var) : NULL;
    if (n && !s.var)
        return NULL;
    for (uint32_t k = 0; k < n; k++)
        s.var[k] = (tally__carried){ list[k], *list[k], *list[k], 0 };
    r->scope[r->n_scope++] = s;
    return top_scope(t);
}

void tally__scope_left(tally_trace *t, tally__place at)
{
    const tally__scope_note *s = top_scope(t);
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: end, expected the one opened at %s:%d to be ended first, found it "
                      "left by break, return or goto", s->verb, tally__file_name(s->opened.file), s->opened.line);
}

/* The scope that a caller holds must be the innermost one. NULL: nothing to do, or the error is noted. */
static tally__scope_note *scope_of(const tally_scope *scope, const char *verb, tally__place at)
{
    tally_trace *t = scope ? scope->trace : NULL;
    if (!tally__trace_ok(t))
        return NULL;
    const tally__recording *r = t->now;
    for (uint32_t i = r->n_scope; i-- > 0;)
        if (r->scope[i].id == scope->id && strcmp(r->scope[i].verb, verb) == 0) {
            if (i + 1 == r->n_scope)
                return top_scope(t);
            tally__scope_left(t, at);
            return NULL;
        }
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: scope, expected an open one, found one that has ended", verb);
    return NULL;
}

static bool phase_is(tally_trace *t, const tally__scope_note *s, tally__phase phase, const char *call, tally__place at)
{
    if (s->phase == phase)
        return true;
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: order, expected begin, then test and end in turn, found %s again",
                      s->verb, call);
    return false;
}

/* ---- values of the listed variables */
static bool check_values(tally_trace *t, const tally__scope_note *s, bool absent_too, tally__place at)
{
    tally__arena_mark here = tally__arena_here(&t->now->graph->arena);
    tally_node       *x = s->n_var ? tally__record_alloc(t, s->n_var * sizeof *x) : NULL;
    if (s->n_var && !x)
        return false;
    bool ok = true;
    for (uint32_t k = 0; k < s->n_var && ok; k++)
        x[k] = *s->var[k].at;
    for (uint32_t k = 0; k < s->n_var && ok; k += 32)
        ok = tally__operands_of(t, x + k, (int)TALLY__MIN(s->n_var - k, 32u), absent_too ? ~0u : 0u, s->verb, at);
    tally__arena_rewind(&t->now->graph->arena, here);
    return ok;
}

static bool check_condition(tally_trace *t, tally_node c, const char *verb, tally__place at)
{
    if (!tally__operands_of(t, &c, 1, 0, verb, at))
        return false;
    if (tally_node_dtype(c) == TALLY_BOOL && tally_node_rank(c) == 0)
        return true;
    if (tally__is_num(c, NULL))
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: condition, expected bool of rank 0, found a number", verb);
    else
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: condition, expected bool of rank 0, found %s of rank %d", verb,
                          tally__dtype_text((int32_t)tally_node_dtype(c)), tally_node_rank(c));
    return false;
}

/* Where the value of a variable came from; a number has no line of its own. */
static tally__place place_of(tally_node x, tally__place otherwise)
{
    return x.trace ? tally__node_of_any(x)->place : otherwise;
}

static void put_value_type(tally__text *text, tally_node x)
{
    if (tally__is_num(x, NULL))
        tally__put(text, "a number");
    else
        tally__put(text, "%s of rank %d", tally__dtype_text(tally__node_of_any(x)->dtype), tally__node_of_any(x)->rank);
}

static bool same_type(tally_node a, tally_node b)
{
    const tally__node *x = tally__node_of_any(a), *y = tally__node_of_any(b);
    return x->dtype == y->dtype && x->rank == y->rank;
}

static tally__id *yields_of(tally_trace *t, uint32_t region, uint32_t n)
{
    tally__region *g = &t->now->graph->region[region];
    g->yield = n ? tally__record_alloc(t, n * sizeof *g->yield) : NULL;
    g->n_yield = n && !g->yield ? 0 : n;
    return g->yield;
}

/* ---- while */
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
    if (!check_values(t, s, false, s->opened))
        return false;
    for (uint32_t k = 0; k < s->n_var; k++) {
        if (tally__is_num(s->var[k].before, NULL)) {
            tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened, "while: variable %d, expected a value with a dtype as of "
                              "tally_i64(t, v), found a number", (int)k);
            return false;
        }
        s->var[k].before = tally__node_rounded(t, s->var[k].before, s->opened);
    }
    return tally__trace_ok(t);
}

static bool check_limit(tally_trace *t, const tally_while_options *o, tally__node *n, tally__place at)
{
    n->limit = -1;
    if (!o)
        return true;
    if (o->size < sizeof *o || o->max_iterations < -1) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "while: options, expected those of TALLY_WHILE_OPTIONS_INIT with "
                          "max_iterations -1 or more, found size %z and %l", o->size, o->max_iterations);
        return false;
    }
    n->limit = o->max_iterations;
    n->limit_is_error = o->limit_is_error != 0;
    return true;
}

static tally_scope begin_while(tally_trace *t, tally_node *const *list, uint32_t n, const tally_while_options *o,
                               tally__place at)
{
    tally_scope        dead = { t, 0, 0 };
    tally__node        node = { .op = TALLY__OP_while };
    tally__scope_note *s = push_scope(t, "while", list, n, at);
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

static uint32_t count_of(tally_node *const *vars)
{
    uint32_t n = 0;
    while (vars && vars[n])
        n++;
    return n;
}

tally_scope tally_while_begin(tally_trace *t, tally_node *const *vars, const tally_while_options *o, const char *file, int line)
{
    return begin_while(t, vars, count_of(vars), o, tally__at(file, line));
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

/* The loop that ended last and waits for its closing test, even if recording the condition once more failed: that is
 * dropped too, error and all. */
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
    tally__scope_note *s = scope_of(scope, "while", at);
    if (!s || !phase_is(scope->trace, s, TALLY__CONDITION, "test", at) || !check_condition(scope->trace, condition, "while", at))
        return 0;
    tally__id *yield = yields_of(scope->trace, s->take.region[0], 1);
    if (!yield)
        return 0;
    yield[0] = condition.id;
    tally__region_close(scope->trace);
    s->take.region[1] = open_loop_region(scope->trace, s);
    s->phase = TALLY__BODY;
    return tally__trace_ok(scope->trace);
}

static bool check_next(tally_trace *t, const tally__scope_note *s, uint32_t k, tally_node next, tally__place at)
{
    tally_node before = s->var[k].before;
    if (same_type(before, next))
        return true;
    char         line[96];
    tally__text  text = { line, sizeof line, 0 };
    tally__place place = place_of(next, at);
    put_value_type(&text, before);
    tally__put(&text, ", found ");
    put_value_type(&text, next);
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened, "while: variable %d, expected %s after an iteration (%s:%d)", (int)k,
                      line, tally__file_name(place.file), place.line);
    return false;
}

/* One yield: the value of variable k at the end of the body. Marks the axes whose size is not the parameter's. */
static bool read_next(tally_trace *t, tally__scope_note *s, uint32_t k, tally__id *yield, bool *grew, tally__place at)
{
    tally_node x = *s->var[k].at;
    double     v;
    if (tally__is_num(x, &v))
        x = tally__constant_f64(t, (int32_t)tally_node_dtype(s->var[k].before), v, at);
    x = tally__node_rounded(t, x, at);
    if (!tally__trace_ok(t) || !check_next(t, s, k, x, at))
        return false;
    const tally__node *next = tally__node_of(x);
    const tally__node *param = &t->now->graph->node[t->now->graph->region[s->take.region[1]].param[k]];
    for (int axis = 0; axis < next->rank; axis++)
        if (tally__size_find(t->now, next->dim[axis]) != tally__size_find(t->now, param->dim[axis]) &&
            !(s->var[k].grown >> axis & 1)) {
            s->var[k].grown |= 1u << axis;
            *grew = true;
        }
    yield[k] = x.id;
    return true;
}

static bool close_body(tally_trace *t, tally__scope_note *s, bool *grew, tally__place at)
{
    tally__id *yield = yields_of(t, s->take.region[1], s->n_var);
    if (!check_values(t, s, false, at))
        return false;
    for (uint32_t k = 0; k < s->n_var; k++)
        if (!read_next(t, s, k, yield, grew, at))
            return false;
    s->take.end = t->now->graph->n_node;
    tally__region_close(t);
    return tally__trace_ok(t);
}

static tally_node result_of(tally_trace *t, const tally__scope_note *s, const tally__node *type, int k, unsigned fresh)
{
    tally__node r = { .op = TALLY__OP_result, .dtype = type->dtype, .rank = type->rank, .axis = k };
    tally_node  owner = tally__handle(t, s->owner);
    memcpy(r.dim, type->dim, sizeof r.dim);
    for (int axis = 0; axis < r.rank; axis++)
        if (fresh >> axis & 1)
            r.dim[axis] = tally__size_run(t, axis);
    return tally__emit(t, &r, &owner, 1, s->opened);
}

static void finish_while(tally_trace *t, tally__scope_note *s)
{
    tally__recording *r = t->now;
    memcpy(r->graph->node[s->owner].inner, s->take.region, sizeof s->take.region);
    for (uint32_t k = 0; k < s->n_var; k++) {
        tally__node type = *tally__node_of(s->var[k].before);
        s->var[k].first = *s->var[k].at = result_of(t, s, &type, (int)k, s->var[k].grown);
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
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened, "while: body, expected the same in every recording, found another at "
                      "%s:%d: a variable is carried without being listed, or the body depends on more than its arguments",
                      tally__file_name(where.file), where.line);
}

void tally_while_end(tally_scope *scope, const char *file, int line)
{
    tally__place       at = tally__at(file, line), where = { NULL, 0 };
    tally__scope_note *s = scope_of(scope, "while", at);
    bool               grew = false;
    if (!s || !phase_is(scope->trace, s, TALLY__BODY, "end", at) || !close_body(scope->trace, s, &grew, at))
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

/* ---- if */
static tally_scope begin_if(tally_trace *t, tally_node condition, tally_node *const *list, uint32_t n, tally__place at)
{
    tally_scope        dead = { t, 0, 0 };
    tally__node        node = { .op = TALLY__OP_if };
    tally__scope_note *s = push_scope(t, "if", list, n, at);
    if (!s || !check_condition(t, condition, "if", at) || !check_values(t, s, true, at))
        return dead;
    for (uint32_t k = 0; k < n; k++)
        if (!tally__is_absent(s->var[k].before))
            *s->var[k].at = s->var[k].before = tally__node_rounded(t, s->var[k].before, at);
    s->owner = tally__emit(t, &node, &condition, 1, at).id;
    s->phase = TALLY__BEFORE;
    return tally__trace_ok(t) ? (tally_scope){ t, s->id, 0 } : dead;
}

tally_scope tally_if_begin(tally_trace *t, tally_node condition, tally_node *const *vars, const char *file, int line)
{
    return begin_if(t, condition, vars, count_of(vars), tally__at(file, line));
}

static bool open_arm(tally_trace *t, tally__scope_note *s, int arm)
{
    s->take.region[arm] = tally__region_open(t, s->owner, s->opened);
    s->phase = arm ? TALLY__ELSE : TALLY__THEN;
    return s->take.region[arm] != 0;
}

static bool close_arm(tally_trace *t, tally__scope_note *s, tally__place at)
{
    if (!check_values(t, s, true, at))
        return false;
    for (uint32_t k = 0; k < s->n_var; k++)
        if (!tally__is_absent(*s->var[k].at))
            *s->var[k].at = tally__node_rounded(t, *s->var[k].at, at);
    tally__region_close(t);
    return tally__trace_ok(t);
}

/* A number left by an arm becomes a constant there, of the dtype of the other arm, else of the value before. */
static tally_node settle_number(tally_trace *t, const tally__scope_note *s, uint32_t k, tally_node x, tally_node other, int arm)
{
    double     v;
    tally_node like = other.trace ? other : s->var[k].before;
    if (!tally__trace_ok(t) || !tally__is_num(x, &v))
        return x;
    if (!like.trace) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened, "if: variable %d, expected a value with a dtype in one arm, found "
                          "numbers", (int)k);
        return tally__bad(t);
    }
    uint32_t now = t->now->current;
    t->now->current = s->take.region[arm];
    x = tally__constant_f64(t, tally__node_of_any(like)->dtype, v, s->opened);
    t->now->current = now;
    return x;
}

static void fail_join(tally_trace *t, const tally__scope_note *s, uint32_t k, tally_node a, tally_node b)
{
    char         line[160];
    tally__text  text = { line, sizeof line, 0 };
    tally__place pa = place_of(a, s->opened), pb = place_of(b, s->opened);
    put_value_type(&text, a);
    tally__put(&text, " (%s:%d), found ", tally__file_name(pa.file), pa.line);
    put_value_type(&text, b);
    tally__put(&text, " (%s:%d)", tally__file_name(pb.file), pb.line);
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened, "if: variable %d, expected after the second arm as after the first %s",
                      (int)k, line);
}

static unsigned sizes_that_differ(tally_trace *t, tally_node a, tally_node b)
{
    const tally__node *x = tally__node_of_any(a), *y = tally__node_of_any(b);
    unsigned           bits = 0;
    for (int axis = 0; axis < x->rank; axis++)
        if (tally__size_find(t->now, x->dim[axis]) != tally__size_find(t->now, y->dim[axis]))
            bits |= 1u << axis;
    return bits;
}

/* Variable k after both arms: a `result`, which both arms yield as number `axis`. */
static bool join(tally_trace *t, tally__scope_note *s, uint32_t k, tally_node b, uint32_t axis, tally__id *yield[2])
{
    tally_node a = s->var[k].first;
    if (tally__is_absent(a) != tally__is_absent(b)) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened, "if: variable %d, expected a value after both arms, found none after "
                          "the %s", (int)k, tally__is_absent(a) ? "first" : "second");
        return false;
    }
    a = settle_number(t, s, k, a, b, 0);
    b = settle_number(t, s, k, b, a, 1);
    if (!tally__trace_ok(t))
        return false;
    if (!same_type(a, b)) {
        fail_join(t, s, k, a, b);
        return false;
    }
    tally__node type = *tally__node_of_any(a);
    yield[0][axis] = a.id;
    yield[1][axis] = b.id;
    *s->var[k].at = result_of(t, s, &type, (int)axis, sizes_that_differ(t, a, b));
    return tally__trace_ok(t);
}

static void join_arms(tally_trace *t, tally__scope_note *s)
{
    uint32_t   n = 0;
    tally__id *yield[2] = { yields_of(t, s->take.region[0], s->n_var), yields_of(t, s->take.region[1], s->n_var) };
    for (uint32_t k = 0; k < s->n_var && tally__trace_ok(t); k++) {
        tally_node b = *s->var[k].at;
        if (tally__is_absent(s->var[k].first) && tally__is_absent(b))
            continue;
        if (join(t, s, k, b, n, yield))
            n++;
    }
    for (int arm = 0; arm < 2; arm++)
        t->now->graph->region[s->take.region[arm]].n_yield = n;
    memcpy(t->now->graph->node[s->owner].inner, s->take.region, sizeof s->take.region);
    t->now->n_scope--;
}

/* Values of the first arm are kept, the variables are as before it again. */
static void between_arms(tally__scope_note *s)
{
    for (uint32_t k = 0; k < s->n_var; k++) {
        s->var[k].first = *s->var[k].at;
        *s->var[k].at = s->var[k].before;
    }
}

int tally_if_next(tally_scope *scope, const char *file, int line)
{
    tally__place       at = tally__at(file, line);
    tally__scope_note *s = scope_of(scope, "if", at);
    if (!s)
        return 0;
    if (s->phase == TALLY__BEFORE) {
        scope->arm = 1;
        return open_arm(scope->trace, s, 0);
    }
    scope->arm = 0;
    if (!close_arm(scope->trace, s, at))
        return 0;
    if (s->phase == TALLY__THEN) {
        scope->arm = 2;
        between_arms(s);
        return open_arm(scope->trace, s, 1);
    }
    join_arms(scope->trace, s);
    return 0;
}

/* ---- callback forms: the same calls, made here */
static bool check_callback(tally_trace *t, bool there, const tally_symbol *vars, int n, const char *op, tally__place at)
{
    if (!tally__trace_ok(t))
        return false;
    if (!there)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: callback, expected a function, found NULL", op);
    else if (n < 0 || (n > 0 && !vars))
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: variables, expected a list, found %d at %s", op, n,
                          vars ? "an address" : "NULL");
    return tally__trace_ok(t) && tally__symbols_check(t, vars, n, op, at);
}

/* The addresses of the variables that hold nodes; metrics and variables among them only come along. */
static tally_node **nodes_among(tally_trace *t, tally_symbol *vars, int n, uint32_t *n_node)
{
    tally_node **list = tally__record_alloc(t, ((size_t)n + 1) * sizeof *list);
    *n_node = 0;
    for (int k = 0; k < n && list; k++)
        if (!vars[k].metric.trace && !vars[k].variable.trace)
            list[(*n_node)++] = &vars[k].node;
    return list;
}

static tally_symbol *symbols_kept(tally_trace *t, const tally_symbol *vars, int n)
{
    tally_symbol *kept = tally__record_alloc(t, ((size_t)n + 1) * sizeof *kept);
    if (kept && n)
        memcpy(kept, vars, (size_t)n * sizeof *kept);
    return kept;
}

static bool same_ref(tally_metric_ref a, tally_metric_ref b)
{
    return a.trace == b.trace && a.id == b.id && a.generation == b.generation;
}

static tally_metric_ref ref_of_variable(tally_variable_ref v)
{
    return (tally_metric_ref){ v.trace, v.id, v.generation };
}

/* A metric or a variable in the list stays what it was. */
static bool check_came_back(tally_trace *t, const tally_symbol *kept, const tally_symbol *vars, int n, const char *op,
                            tally__place at)
{
    for (int k = 0; k < n && tally__trace_ok(t); k++) {
        tally_metric_ref a = kept[k].metric, v = ref_of_variable(kept[k].variable);
        if (same_ref(a, vars[k].metric) && same_ref(v, ref_of_variable(vars[k].variable)))
            continue;
        uint32_t            slot = (a.trace ? a.id : v.trace ? v.id : 0) - 1;
        const tally__store *store = slot < (uint32_t)t->now->graph->n_slot ? t->now->store[slot] : NULL;
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: variable %d, expected %s %s to come back as itself, found another",
                          op, k, a.trace ? "metric" : v.trace ? "variable" : "a node", store ? store->name : "");
    }
    return tally__trace_ok(t);
}

static bool is_after(const tally_scope *scope)
{
    const tally_trace *t = scope->trace;
    return tally__trace_ok(t) && t->now->n_scope && t->now->scope[t->now->n_scope - 1].id == scope->id &&
           t->now->scope[t->now->n_scope - 1].phase == TALLY__AFTER;
}

void tally_while_loop_loc(tally_trace *t, tally_loop_condition c, tally_loop_body b, void *user, tally_symbol *vars, int n,
                          const tally_while_options *o, const char *file, int line)
{
    tally__place at = tally__at(file, line);
    uint32_t     n_node;
    if (!check_callback(t, c && b, vars, n, "while_loop", at))
        return;
    tally_symbol *kept = symbols_kept(t, vars, n);
    tally_node  **list = nodes_among(t, vars, n, &n_node);
    if (!kept || !list)
        return;
    tally_scope scope = begin_while(t, list, n_node, o, at);
    while (tally__trace_ok(t)) {
        tally_node condition = is_after(&scope) ? tally__bad(t) : c(t, vars, user);
        if (!tally_while_test(&scope, condition, file, line))
            return;
        b(t, vars, user);
        if (check_came_back(t, kept, vars, n, "while_loop", at))
            tally_while_end(&scope, file, line);
    }
}

void tally_cond_loc(tally_trace *t, tally_node c, tally_loop_body then, tally_loop_body otherwise, void *user, tally_symbol *vars,
                    int n, const char *file, int line)
{
    tally__place at = tally__at(file, line);
    uint32_t     n_node;
    if (!check_callback(t, then != NULL, vars, n, "cond", at))
        return;
    tally_symbol *kept = symbols_kept(t, vars, n);
    tally_node  **list = nodes_among(t, vars, n, &n_node);
    if (!kept || !list)
        return;
    tally_scope scope = begin_if(t, c, list, n_node, at);
    while (tally_if_next(&scope, file, line)) {
        if (scope.arm == 1)
            then(t, vars, user);
        else if (otherwise)
            otherwise(t, vars, user);
        if (!check_came_back(t, kept, vars, n, "cond", at))
            return;
    }
}
