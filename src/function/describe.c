/* describe: what people see of a function: its recordings and plans as text and as pictures. Reads what is published and never
 * changes; how a graph or a plan is written belongs to their floors. */
#include "function.h"

/* the instruction set whose loop a node has; what moves no element has neither that nor a reference kernel */
static const char *runs_with(const tally__plan *p, tally__id id, bool counted, void *user)
{
    const tally_function    *f = user;
    const tally__node       *n = &p->graph->node[id];
    const tally__kernel_set *set = tally__kernels_for(f->isa);
    if (counted && tally__count_of(set, p->graph, n))
        return set->counts;
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
    if (plan && v->plan ? tally__plan_dot(v->plan, runs_with, (void *)(uintptr_t)f, &t) : tally__graph_dot(v->graph, &t))
        return t.n + 1;
    tally__fail(err, TALLY_RESOURCE_EXHAUSTED, -1, "%s: no memory for its text", f->name);
    return 0;
}
