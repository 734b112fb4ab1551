/* record: makes a version for a call that none fits. The body is the user's code: it runs under no lock, into a recording
 * that already hangs on the function, because it may leave by longjmp or an exception; and it may call functions, this
 * one included. Two threads may record the same signature: the later one's is dropped. */
#include "function.h"

#include <errno.h>

enum { NESTED_SAME = 8, NESTED_ALL = 64 };          /* recordings of one function inside each other, on one thread */
enum { WARN_FIRST = 8, WARN_AGAIN = 32 };           /* traces of one function */

/* How deep the caller is in its stack. Stacks grow downwards on every system that the library is built for. */
static uintptr_t stack_depth(void)
{
#if defined __GNUC__
    return (uintptr_t)__builtin_frame_address(0);
#else
    volatile char here = 0;
    return (uintptr_t)&here;
#endif
}

void tally__pending_free(tally_function *f, tally__pending *p)
{
    tally__free(f->context, p, p->bytes);
}

static tally__pending *pending_new(tally_function *f, const tally_value *in, int n_in, tally_error *err)
{
    size_t          n = (size_t)n_in, head = (sizeof(tally__pending) + 15) / 16 * 16;
    size_t          bytes = head + n * (sizeof(tally__argument) + sizeof(tally__store *) + sizeof(uint64_t));
    tally__pending *p = tally__zalloc(f->context, bytes);
    if (!p) {
        tally__fail_memory(err, bytes);
        return NULL;
    }
    p->key = (uint64_t *)(void *)((char *)p + head);
    p->store = (tally__store **)(void *)(p->key + n);
    p->argument = (tally__argument *)(void *)(p->store + n);
    p->bytes = bytes;
    p->n_in = n_in;
    p->thread = &errno;                             /* every thread has its own, and no standard way to ask is cheaper */
    p->stack = stack_depth();
    for (int i = 0; i < n_in; i++) {
        p->argument[i] = tally__argument_of(&in[i]);
        p->store[i] = in[i].kind == TALLY_KIND_TENSOR ? NULL : tally__value_store(&in[i]);
        p->key[i] = p->store[i] ? p->store[i]->schema->key : 0;
    }
    return p;
}

/* By the schemas' keys: the stores of a body that jumped out may be gone. */
static bool pending_same(const tally__pending *a, const tally__pending *b)
{
    if (a->n_in != b->n_in)
        return false;
    for (int i = 0; i < a->n_in; i++) {
        const tally__argument *x = &a->argument[i], *y = &b->argument[i];
        if (x->kind != y->kind || x->dtype != y->dtype || x->rank != y->rank || a->key[i] != b->key[i])
            return false;
    }
    return true;
}

/* Recordings of this thread that are open around p. One whose stack frame lay deeper than p's is over: its body jumped
 * out. It is no longer counted, but kept: with several stacks in one thread the guess may be wrong. */
static void pending_count(tally_function *f, const tally__pending *p, int *all, int *same)
{
    for (tally__pending *q = f->pending; q; q = q->next) {
        if (q->thread != p->thread || q->left)
            continue;
        q->left = q->stack <= p->stack;
        if (q->left)
            continue;
        *all += 1;
        *same += pending_same(p, q);
    }
}

static tally_status pending_enter(tally_function *f, tally__pending *p, const char *verb, tally_error *err)
{
    int all = 0, same = 0;
    tally__lock_take(&f->lock);
    pending_count(f, p, &all, &same);
    bool deep = same >= NESTED_SAME || all >= NESTED_ALL;
    if (!deep) {
        p->next = f->pending;
        p->link = &f->pending;
        if (p->next)
            p->next->link = &p->next;
        f->pending = p;
    }
    tally__lock_drop(&f->lock);
    if (deep)
        return tally__fail(err, TALLY_RESOURCE_EXHAUSTED, -1,
                           "%s: recursion, expected a body that ends, found %d recordings of \"%s\" inside each other", verb,
                           all, f->name);
    return TALLY_OK;
}

/* with the lock held */
static void pending_unlink(tally__pending *p)
{
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
}

/* A node of a failed recording is an error, not a crash, as long as its remains are kept: those of the latest few. */
static void recording_failed(tally_function *f, tally__pending *p)
{
    tally__lock_take(&f->lock);
    pending_unlink(p);
    tally_trace *oldest = p->trace;
    if (p->trace) {
        uint32_t at = f->n_failed++ % TALLY__STALE_KEPT;
        oldest = f->failed[at];
        f->failed[at] = p->trace;
    }
    tally__lock_drop(&f->lock);
    tally__trace_drop(oldest);
    tally__pending_free(f, p);
}

static tally__version *version_new(tally_function *f, tally__graph *g, int n_in, const char *verb, tally_error *err)
{
    if (g->n_used != n_in) {
        tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: arguments, expected %d as the body uses, found %d", verb,
                    (int)g->n_used, n_in);
        return NULL;
    }
    tally__version *v = tally__zalloc(f->context, sizeof *v);
    if (!v) {
        tally__fail_memory(err, sizeof *v);
        return NULL;
    }
    atomic_init(&v->idle, NULL);
    v->graph = g;
    v->plan = f->passes ? tally__plan_new(f->context, g, f->passes, err) : NULL;
    if (!f->passes || v->plan)
        return v;
    tally__free(f->context, v, sizeof *v);
    return NULL;
}

/* one that was not published; its graph is the caller's */
static void version_free(tally_function *f, tally__version *v)
{
    if (!v)
        return;
    tally__plan_drop(v->plan);
    tally__free(f->context, v, sizeof *v);
}

static tally_status too_many(const tally_function *f, const char *verb, tally_error *err)
{
    return tally__fail(err, TALLY_RESOURCE_EXHAUSTED, -1,
                       "%s: traces of \"%s\", expected at most %d (options.max_traces), found one more signature", verb, f->name,
                       (int)f->max_traces);
}

/* The lines are made under no lock: the graph that they read is published and stays. */
static void warn_of_traces(tally_function *f, const tally__version *v, int n)
{
    const tally__graph *now = v->graph, *before = v->next ? v->next->graph : NULL;
    char                line[320], from[64], to[64];
    tally__text         t = { line, sizeof line, 0 }, a = { from, sizeof from, 0 }, b = { to, sizeof to, 0 };
    if ((n != WARN_FIRST && n != WARN_AGAIN) || !before || !f->context->o.log)
        return;
    int i = 0, most = TALLY__MIN(now->n_argument, before->n_argument);
    for (; i < most; i++) {
        const tally__argument *x = &before->argument[i], *y = &now->argument[i];
        const tally__schema   *sx = x->slot >= 0 ? before->slot[x->slot].schema : NULL;
        const tally__schema   *sy = y->slot >= 0 ? now->slot[y->slot].schema : NULL;
        if (tally__argument_same(x, sx, y, sy))
            continue;
        tally__put_argument(&a, x, sx);
        tally__put_argument(&b, y, sy);
        break;
    }
    tally__put(&t, "%s: %d traces so far; the latest because ", f->name, n);
    if (i < most)
        tally__put(&t, "argument %d was %s and is %s", i, from, to);
    else
        tally__put(&t, "%s", now->n_argument != before->n_argument ? "the number of arguments changed"
                                                                   : "other arguments are the same store");
    tally__log(f->context, TALLY_LOG_WARNING, line);
}

/* The published version, NULL where there is no room for one more. *mine: it is v. */
static tally__version *version_publish(tally_function *f, tally__version *v, tally__pending *p, const tally_value *in,
                                       int n_in, int *n)
{
    tally__lock_take(&f->lock);
    tally__version *winner = tally__version_find(f, in, n_in);
    *n = atomic_load_explicit(&f->n_versions, memory_order_relaxed);
    if (!winner && *n < f->max_traces) {
        v->next = atomic_load_explicit(&f->newest, memory_order_relaxed);
        v->trace = p->trace;
        pending_unlink(p);
        atomic_store_explicit(&f->newest, v, memory_order_release);
        atomic_store_explicit(&f->last, v, memory_order_release);
        atomic_store_explicit(&f->n_versions, ++*n, memory_order_release);
        winner = v;
    }
    tally__lock_drop(&f->lock);
    return winner;
}

static tally__graph *record_body(tally_function *f, tally__pending *p, tally_error *err)
{
    p->trace = tally__trace_new(f->context, f->name, p->argument, p->store, p->n_in, err);
    if (!p->trace)
        return NULL;
    f->body(p->trace, f->user);
    return tally__trace_finish(p->trace, err);
}

tally__version *tally__function_record(tally_function *f, const tally_value *in, int n_in, const char *verb, tally_error *err)
{
    int             n = atomic_load_explicit(&f->n_versions, memory_order_acquire);
    if (n >= f->max_traces) {
        tally__version *late = tally__version_find(f, in, n_in);    /* the last one may have been this signature's */
        if (!late)
            too_many(f, verb, err);
        return late;
    }
    tally__pending *p = pending_new(f, in, n_in, err);
    if (!p)
        return NULL;
    if (pending_enter(f, p, verb, err)) {
        tally__pending_free(f, p);
        return NULL;
    }
    tally__graph   *g = record_body(f, p, err);
    tally__version *v = g ? version_new(f, g, n_in, verb, err) : NULL;
    tally__version *winner = v ? version_publish(f, v, p, in, n_in, &n) : NULL;
    if (v && winner == v) {
        tally__pending_free(f, p);
        warn_of_traces(f, v, n);
        return v;
    }
    if (v && !winner)
        too_many(f, verb, err);
    version_free(f, v);
    tally__graph_drop(g);
    recording_failed(f, p);
    return winner;
}
