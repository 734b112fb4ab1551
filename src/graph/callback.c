/* callback: loops and branches given as functions, as tf.while_loop and tf.cond: the calls that the
 * scope macros make, made here. Metrics and variables may be listed; they only come along, and must
 * come back as themselves. */
#include "graph.h"

static bool check_callback(tally_trace *t, bool there, const tally_symbol *vars, int n,
                           const char *op, tally__place at)
{
    if (!tally__trace_ok(t))
        return false;
    if (!there)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: callback, expected a function, found NULL", op);
    else if (n < 0 || (n > 0 && !vars))
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: variables, expected a list, found %d at %s", op, n,
                          vars ? "an address" : "NULL");
    return tally__trace_ok(t) && tally__symbols_check(t, vars, n, op, at);
}

/* The addresses of the variables that hold nodes; metrics and variables among them only come along.
 */
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
static bool check_came_back(tally_trace *t, const tally_symbol *kept, const tally_symbol *vars,
                            int n, const char *op, tally__place at)
{
    for (int k = 0; k < n && tally__trace_ok(t); k++) {
        tally_metric_ref a = kept[k].metric, v = ref_of_variable(kept[k].variable);
        if (same_ref(a, vars[k].metric) && same_ref(v, ref_of_variable(vars[k].variable)))
            continue;
        uint32_t            slot = (a.trace ? a.id : v.trace ? v.id : 0) - 1;
        const tally__store *store = slot < (uint32_t)t->now->graph->n_slot ? t->now->store[slot]
                                                                           : NULL;
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "%s: variable %d, expected %s %s to come back as itself, found another",
                          op, k,
                          a.trace   ? "metric"
                          : v.trace ? "variable"
                                    : "a node",
                          store ? store->name : "");
    }
    return tally__trace_ok(t);
}

void tally_while_loop_loc(tally_trace *t, tally_loop_condition c, tally_loop_body b, void *user,
                          tally_symbol *vars, int n, const tally_while_options *o, const char *file,
                          int line)
{
    tally__place at = tally__at(file, line);
    uint32_t     n_node;
    if (!check_callback(t, c && b, vars, n, "while_loop", at))
        return;
    tally_symbol *kept = symbols_kept(t, vars, n);
    tally_node  **list = nodes_among(t, vars, n, &n_node);
    if (!kept || !list)
        return;
    tally_scope scope = tally__while_begin(t, list, n_node, o, at);
    while (tally__trace_ok(t)) {
        tally_node condition = tally__while_is_over(&scope) ? tally__bad(t) : c(t, vars, user);
        if (!tally_while_test(&scope, condition, file, line))
            return;
        b(t, vars, user);
        if (check_came_back(t, kept, vars, n, "while_loop", at))
            tally_while_end(&scope, file, line);
    }
}

void tally_cond_loc(tally_trace *t, tally_node c, tally_loop_body then, tally_loop_body otherwise,
                    void *user, tally_symbol *vars, int n, const char *file, int line)
{
    tally__place at = tally__at(file, line);
    uint32_t     n_node;
    if (!check_callback(t, then != NULL, vars, n, "cond", at))
        return;
    tally_symbol *kept = symbols_kept(t, vars, n);
    tally_node  **list = nodes_among(t, vars, n, &n_node);
    if (!kept || !list)
        return;
    tally_scope scope = tally__if_begin(t, c, list, n_node, at);
    while (tally_if_next(&scope, file, line)) {
        if (scope.arm == 1)
            then(t, vars, user);
        else if (otherwise)
            otherwise(t, vars, user);
        if (!check_came_back(t, kept, vars, n, "cond", at))
            return;
    }
}
