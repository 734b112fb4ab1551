/* scope: what loops and branches have in common while they are recorded: the stack of open ones,
 * the C variables that they list, the checks that a caller left none by break, return or goto.
 * Knows no rule of either: while.c, if.c. */
#include "graph.h"

/* ---- the stack of open scopes */
static tally__scope_note *top_scope(tally_trace *t)
{
    return &t->now->scope[t->now->n_scope - 1];
}

tally__scope_note *tally__scope_push(tally_trace *t, const char *verb, tally_node *const *list,
                                     uint32_t n, tally__place at)
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
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                      "%s: end, expected the one opened at %s:%d to be ended first, found it "
                      "left by break, return or goto",
                      s->verb, tally__file_name(s->opened.file), s->opened.line);
}

/* The scope that a caller holds must be the innermost one. NULL: nothing to do, or the error is
 * noted. */
tally__scope_note *tally__scope_of(const tally_scope *scope, const char *verb, tally__place at)
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
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                      "%s: scope, expected an open one, found one that has ended", verb);
    return NULL;
}

bool tally__scope_phase_is(tally_trace *t, const tally__scope_note *s, tally__phase phase,
                           const char *call, tally__place at)
{
    if (s->phase == phase)
        return true;
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                      "%s: order, expected begin, then test and end in turn, found %s again",
                      s->verb, call);
    return false;
}

/* ---- values of the listed variables */
bool tally__scope_values(tally_trace *t, const tally__scope_note *s, bool absent_too,
                         tally__place at)
{
    tally__arena_mark here = tally__arena_here(&t->now->graph->arena);
    tally_node       *x = s->n_var ? tally__record_alloc(t, s->n_var * sizeof *x) : NULL;
    if (s->n_var && !x)
        return false;
    bool ok = true;
    for (uint32_t k = 0; k < s->n_var && ok; k++)
        x[k] = *s->var[k].at;
    for (uint32_t k = 0; k < s->n_var && ok; k += 32)
        ok = tally__operands_of(t, x + k, (int)TALLY__MIN(s->n_var - k, 32u), absent_too ? ~0u : 0u,
                                s->verb, at);
    tally__arena_rewind(&t->now->graph->arena, here);
    return ok;
}

bool tally__scope_condition(tally_trace *t, tally_node c, const char *verb, tally__place at)
{
    if (!tally__operands_of(t, &c, 1, 0, verb, at))
        return false;
    if (tally_node_dtype(c) == TALLY_BOOL && tally_node_rank(c) == 0)
        return true;
    if (tally__is_num(c, NULL))
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: condition, expected bool of rank 0, found a number", verb);
    else
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: condition, expected bool of rank 0, found %s of rank %d", verb,
                          tally__dtype_text((int32_t)tally_node_dtype(c)), tally_node_rank(c));
    return false;
}

/* Where the value of a variable came from; a number has no line of its own. */
tally__place tally__place_of(tally_node x, tally__place otherwise)
{
    return x.trace ? tally__node_of_any(x)->place : otherwise;
}

void tally__put_value_type(tally__text *text, tally_node x)
{
    if (tally__is_num(x, NULL))
        tally__put(text, "a number");
    else
        tally__put(text, "%s of rank %d", tally__dtype_text(tally__node_of_any(x)->dtype),
                   tally__node_of_any(x)->rank);
}

bool tally__same_type(tally_node a, tally_node b)
{
    const tally__node *x = tally__node_of_any(a), *y = tally__node_of_any(b);
    return x->dtype == y->dtype && x->rank == y->rank;
}

tally__id *tally__scope_yields(tally_trace *t, uint32_t region, uint32_t n)
{
    tally__region *g = &t->now->graph->region[region];
    g->yield = n ? tally__record_alloc(t, n * sizeof *g->yield) : NULL;
    g->n_yield = n && !g->yield ? 0 : n;
    return g->yield;
}

uint32_t tally__scope_count(tally_node *const *vars)
{
    uint32_t n = 0;
    while (vars && vars[n])
        n++;
    return n;
}

tally_node tally__scope_result(tally_trace *t, const tally__scope_note *s, const tally__node *type,
                               int k, unsigned fresh)
{
    tally__node r = { .op = TALLY__OP_result, .dtype = type->dtype, .rank = type->rank, .axis = k };
    tally_node  owner = tally__handle(t, s->owner);
    memcpy(r.dim, type->dim, sizeof r.dim);
    for (int axis = 0; axis < r.rank; axis++)
        if (fresh >> axis & 1)
            r.dim[axis] = tally__size_run(t, axis);
    return tally__emit(t, &r, &owner, 1, s->opened);
}
