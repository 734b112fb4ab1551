/* cache: the life of a function. Its versions, one per signature, form a list that only grows and is read without a
 * lock; what each call needs is found there. Everything that a body may have left behind by a jump hangs on the function
 * too and dies with it. How a version is made and run belongs to others. */
#include "function.h"

static tally_status function_options(tally_function_options *o, const tally_function_options *given, tally_body body,
                                     tally_error *err)
{
    *o = (tally_function_options)TALLY_FUNCTION_OPTIONS_INIT;
    if (!body)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "function: body, expected a function, found NULL");
    if (!given)
        return TALLY_OK;
    if (given->size < sizeof given->size)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 2,
                           "function: options.size, expected %z as TALLY_FUNCTION_OPTIONS_INIT sets it, found %z", sizeof *o,
                           given->size);
    memcpy(o, given, TALLY__MIN(given->size, sizeof *o));
    if (o->max_traces < 1)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 2, "function: options.max_traces, expected at least 1, found %d",
                           (int)o->max_traces);
    return TALLY_OK;
}

static tally_function *function_alloc(tally_context *c, const char *name, tally_error *err)
{
    size_t          n = strlen(name) + 1;
    tally_function *f = tally__zalloc(c, sizeof *f);
    char           *copy = f ? tally__alloc(c, n) : NULL;
    if (!copy) {
        tally__fail_memory(err, f ? n : sizeof *f);
        tally__free(c, f, sizeof *f);
        return NULL;
    }
    f->name = memcpy(copy, name, n);
    return f;
}

tally_function *tally_function_new(tally_body body, void *user, const tally_function_options *given, tally_error *err)
{
    tally_function_options o;
    if (function_options(&o, given, body, err))
        return NULL;
    tally_context *c = tally__context_for(o.context, err);
    if (!c)
        return NULL;
    tally_function *f = function_alloc(c, o.name ? o.name : "function", err);
    if (!f) {
        tally_context_release(c);
        return NULL;
    }
    atomic_init(&f->references, 1);
    atomic_init(&f->newest, NULL);
    atomic_init(&f->last, NULL);
    atomic_init(&f->n_versions, 0);
    f->context = c;
    f->body = body;
    f->user = user;
    f->drop_user = o.drop_user;
    f->max_traces = o.max_traces;
    tally__function_tune(f, TALLY__PASS_ALL, TALLY__ISA_AVX512, TALLY__BLOCK);
    tally__lock_init(&f->lock);
    tally__functions_enter(f);
    return f;
}

tally_function *tally_function_retain(tally_function *f)
{
    if (f)
        atomic_fetch_add_explicit(&f->references, 1, memory_order_relaxed);
    return f;
}

static void version_drop(tally_function *f, tally__version *v)
{
    tally__frame_drop(atomic_load_explicit(&v->idle, memory_order_acquire));
    for (tally__frame *fr = v->spare, *next; fr; fr = next) {
        next = fr->next;
        tally__frame_drop(fr);
    }
    tally__plan_drop(v->plan);
    tally__graph_drop(v->graph);
    tally__trace_drop(v->trace);
    tally__free(f->context, v, sizeof *v);
}

static void function_free(tally_function *f)
{
    tally_context *c = f->context;
    tally__functions_leave(f);
    for (tally__version *v = atomic_load(&f->newest), *next; v; v = next) {
        next = v->next;
        version_drop(f, v);
    }
    for (tally__pending *p = f->pending, *next; p; p = next) {
        next = p->next;
        tally__trace_drop(p->trace);
        tally__pending_free(f, p);
    }
    for (uint32_t i = 0; i < TALLY__STALE_KEPT; i++)
        tally__trace_drop(f->failed[i]);
    tally__lock_destroy(&f->lock);
    tally__free(c, f->name, strlen(f->name) + 1);
    tally__free(c, f, sizeof *f);
    tally_context_release(c);
}

void tally_function_release(tally_function *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->references, 1, memory_order_acq_rel) != 1)
        return;
    void (*drop_user)(void *) = f->drop_user;
    void *user = f->user;
    function_free(f);
    if (drop_user)
        drop_user(user);
}

void tally__function_tune(tally_function *f, unsigned passes, tally__isa isa, uint32_t block)
{
    f->passes = passes;
    f->isa = isa;
    f->block = block;
}

tally_context *tally__function_context(const tally_function *f)
{
    return f->context;
}

int tally_function_traces(const tally_function *f)
{
    return f ? atomic_load_explicit(&((tally_function *)(uintptr_t)f)->n_versions, memory_order_acquire) : 0;
}

/* Counted from what was read, so that a version published meanwhile does not shift the numbers. */
const tally__version *tally__version_at(const tally_function *f, int i)
{
    tally__version *newest = f ? atomic_load_explicit(&((tally_function *)(uintptr_t)f)->newest, memory_order_acquire) : NULL;
    int             n = 0;
    for (tally__version *v = newest; v; v = v->next)
        n++;
    if (i < 0 || i >= n)
        return NULL;
    for (int k = n - 1; k > i; k--)
        newest = newest->next;
    return newest;
}

const tally__graph *tally__function_graph(const tally_function *f, int i)
{
    const tally__version *v = tally__version_at(f, i);
    return v ? v->graph : NULL;
}

const tally__plan *tally__function_plan(const tally_function *f, int i)
{
    const tally__version *v = tally__version_at(f, i);
    return v ? v->plan : NULL;
}
