/* if: a branch while it is recorded. Both arms start from the same values and are recorded once;
 * what they leave in the listed variables is joined: one dtype and rank, sizes that differ are
 * known when it runs. */
#include "graph.h"

tally_scope tally__if_begin(tally_trace *t, tally_node condition, tally_node *const *list,
                            uint32_t n, tally__place at)
{
    tally_scope        dead = { t, 0, 0 };
    tally__node        node = { .op = TALLY__OP_if };
    tally__scope_note *s = tally__scope_push(t, "if", list, n, at);
    if (!s || !tally__scope_condition(t, condition, "if", at) ||
        !tally__scope_values(t, s, true, at))
        return dead;
    for (uint32_t k = 0; k < n; k++)
        if (!tally__is_absent(s->var[k].before))
            *s->var[k].at = s->var[k].before = tally__node_rounded(t, s->var[k].before, at);
    s->owner = tally__emit(t, &node, &condition, 1, at).id;
    s->phase = TALLY__BEFORE;
    return tally__trace_ok(t) ? (tally_scope){ t, s->id, 0 } : dead;
}

tally_scope tally_if_begin(tally_trace *t, tally_node condition, tally_node *const *vars,
                           const char *file, int line)
{
    return tally__if_begin(t, condition, vars, tally__scope_count(vars), tally__at(file, line));
}

static bool open_arm(tally_trace *t, tally__scope_note *s, int arm)
{
    s->take.region[arm] = tally__region_open(t, s->owner, s->opened);
    s->phase = arm ? TALLY__ELSE : TALLY__THEN;
    return s->take.region[arm] != 0;
}

static bool close_arm(tally_trace *t, tally__scope_note *s, tally__place at)
{
    if (!tally__scope_values(t, s, true, at))
        return false;
    for (uint32_t k = 0; k < s->n_var; k++)
        if (!tally__is_absent(*s->var[k].at))
            *s->var[k].at = tally__node_rounded(t, *s->var[k].at, at);
    tally__region_close(t);
    return tally__trace_ok(t);
}

/* A number left by an arm becomes a constant there, of the dtype of the other arm, else of the
 * value before. */
static tally_node settle_number(tally_trace *t, const tally__scope_note *s, uint32_t k,
                                tally_node x, tally_node other, int arm)
{
    double     v;
    tally_node like = other.trace ? other : s->var[k].before;
    if (!tally__trace_ok(t) || !tally__is_num(x, &v))
        return x;
    if (!like.trace) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened,
                          "if: variable %d, expected a value with a dtype in one arm, found "
                          "numbers",
                          (int)k);
        return tally__bad(t);
    }
    uint32_t now = t->now->current;
    t->now->current = s->take.region[arm];
    x = tally__constant_f64(t, tally__node_of_any(like)->dtype, v, s->opened);
    t->now->current = now;
    return x;
}

static void fail_join(tally_trace *t, const tally__scope_note *s, uint32_t k, tally_node a,
                      tally_node b)
{
    char         line[160];
    tally__text  text = { line, sizeof line, 0 };
    tally__place pa = tally__place_of(a, s->opened), pb = tally__place_of(b, s->opened);
    tally__put_value_type(&text, a);
    tally__put(&text, " (%s:%d), found ", tally__file_name(pa.file), pa.line);
    tally__put_value_type(&text, b);
    tally__put(&text, " (%s:%d)", tally__file_name(pb.file), pb.line);
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened,
                      "if: variable %d, expected after the second arm as after the first %s",
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
static bool join(tally_trace *t, tally__scope_note *s, uint32_t k, tally_node b, uint32_t axis,
                 tally__id *yield[2])
{
    tally_node a = s->var[k].first;
    if (tally__is_absent(a) != tally__is_absent(b)) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, s->opened,
                          "if: variable %d, expected a value after both arms, found none after "
                          "the %s",
                          (int)k, tally__is_absent(a) ? "first" : "second");
        return false;
    }
    a = settle_number(t, s, k, a, b, 0);
    b = settle_number(t, s, k, b, a, 1);
    if (!tally__trace_ok(t))
        return false;
    if (!tally__same_type(a, b)) {
        fail_join(t, s, k, a, b);
        return false;
    }
    tally__node type = *tally__node_of_any(a);
    yield[0][axis] = a.id;
    yield[1][axis] = b.id;
    *s->var[k].at = tally__scope_result(t, s, &type, (int)axis, sizes_that_differ(t, a, b));
    return tally__trace_ok(t);
}

static void join_arms(tally_trace *t, tally__scope_note *s)
{
    uint32_t   n = 0;
    tally__id *yield[2] = { tally__scope_yields(t, s->take.region[0], s->n_var),
                            tally__scope_yields(t, s->take.region[1], s->n_var) };
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
    tally__scope_note *s = tally__scope_of(scope, "if", at);
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
