/* signature: what makes two calls the same to a recording: kind, dtype and rank of every argument,
 * for a store the schema instead, and which of them are one store, captured ones included. Sizes
 * and identities are never part of it. A call tries the version of the latest call, then the list:
 * no lock, nothing written but the guess. */
#include "function.h"

static const char *const kind_word[] = { "nothing",    "a tensor", "a metric",
                                         "a variable", "a buffer", "a double",
                                         "a float",    "an int64", "a metric's place" };

static const char *argument_text(int32_t kind)
{
    return kind >= 0 && (size_t)kind < TALLY__COUNT(kind_word) ? kind_word[kind]
                                                               : "an unknown kind";
}

/* A tensor's own check knows its index only: the verb is put in front. */
static tally_status check_tensor(const tally_tensor *x, int i, const char *verb, tally_error *err)
{
    tally_error  why;
    tally_status status = tally__tensor_check(x, i, &why);
    return status ? tally__fail(err, status, i, "%s: %s", verb, why.text) : TALLY_OK;
}

static tally_status argument_check(const tally_value *v, int i, const char *verb, tally_error *err)
{
    bool tensor = v->kind == TALLY_KIND_TENSOR, metric = v->kind == TALLY_KIND_METRIC;
    if (!tensor && !metric && v->kind != TALLY_KIND_VARIABLE)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, i,
                           "%s: argument %d, expected a tensor, a metric or a variable, found %s",
                           verb, i, argument_text(v->kind));
    if (!v->p)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, i,
                           "%s: argument %d, expected %s, found NULL", verb, i, argument_text(v->kind));
    if (tensor)
        return check_tensor(v->p, i, verb, err);
    if (tally__value_store(v)->schema->what != (metric ? TALLY__METRIC : TALLY__VARIABLE))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, i, "%s: argument %d, expected %s, found %s",
                           verb, i, argument_text(v->kind), metric ? "a variable" : "a metric");
    return TALLY_OK;
}

tally_status tally__arguments_check(const tally_value *in, int n_in, const char *verb,
                                    tally_error *err)
{
    if (n_in < 0 || (n_in && !in))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1,
                           "%s: arguments, expected a list and its length, found %s and %d", verb,
                           in ? "a list" : "NULL", n_in);
    for (int i = 0; i < n_in; i++) {
        tally_status status = argument_check(&in[i], i, verb, err);
        if (status)
            return status;
    }
    return TALLY_OK;
}

tally__argument tally__argument_of(const tally_value *v)
{
    const tally_tensor *x = v->p;
    if (v->kind == TALLY_KIND_TENSOR)
        return (tally__argument){ TALLY__ARG_TENSOR, x->dtype, x->rank, -1 };
    return (tally__argument){ v->kind == TALLY_KIND_METRIC ? TALLY__ARG_METRIC
                                                           : TALLY__ARG_VARIABLE,
                              0, 0, -1 };
}

static bool store_fits(const tally__graph *g, const tally_value *in, int i)
{
    const tally__slot  *slot = &g->slot[g->argument[i].slot];
    const tally__store *s = tally__value_store(&in[i]);
    if (slot->captured)
        return s == slot->captured;
    if (slot->argument != i)
        return s == tally__value_store(&in[slot->argument]);
    return tally__schema_same(s->schema, slot->schema);
}

/* Different slots were recorded as different stores; a captured one may turn up as an argument now.
 */
static bool stores_differ(const tally__graph *g, const tally_value *in)
{
    for (int32_t i = 1; i < g->n_slot; i++) {
        const tally__slot  *a = &g->slot[i];
        const tally__store *s = a->captured ? a->captured : tally__value_store(&in[a->argument]);
        for (int32_t k = 0; k < i; k++) {
            const tally__slot *b = &g->slot[k];
            if (s == (b->captured ? b->captured : tally__value_store(&in[b->argument])))
                return false;
        }
    }
    return true;
}

bool tally__version_fits(const tally__version *v, const tally_value *in, int n_in)
{
    const tally__graph *g = v->graph;
    if (n_in != g->n_argument)
        return false;
    for (int i = 0; i < n_in; i++) {
        const tally__argument *a = &g->argument[i];
        const tally_tensor    *x = in[i].p;
        if (a->kind == TALLY__ARG_TENSOR) {
            if (in[i].kind != TALLY_KIND_TENSOR || x->dtype != a->dtype || x->rank != a->rank)
                return false;
        } else if (in[i].kind !=
                       (a->kind == TALLY__ARG_METRIC ? TALLY_KIND_METRIC : TALLY_KIND_VARIABLE) ||
                   !store_fits(g, in, i)) {
            return false;
        }
    }
    return stores_differ(g, in);
}

tally__version *tally__version_find(tally_function *f, const tally_value *in, int n_in)
{
    tally__version *last = atomic_load_explicit(&f->last, memory_order_acquire);
    if (last && tally__version_fits(last, in, n_in))
        return last;
    for (tally__version *v = atomic_load_explicit(&f->newest, memory_order_acquire); v; v = v->next)
        if (v != last && tally__version_fits(v, in, n_in)) {
            atomic_store_explicit(&f->last, v, memory_order_release);
            return v;
        }
    return NULL;
}

bool tally__argument_same(const tally__argument *a, const tally__schema *sa,
                          const tally__argument *b, const tally__schema *sb)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank)
        return false;
    return a->kind == TALLY__ARG_TENSOR || tally__schema_same(sa, sb);
}

void tally__put_argument(tally__text *t, const tally__argument *a, const tally__schema *s)
{
    if (a->kind == TALLY__ARG_TENSOR)
        tally__put(t, "%s of rank %d", tally_dtype_name((tally_dtype)a->dtype), (int)a->rank);
    else if (a->kind == TALLY__ARG_METRIC)
        tally__put(t, "metric %s", s->class_name);
    else
        tally__put(t, "variable");
}
