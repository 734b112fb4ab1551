/* eager: the recorded functions behind the verbs outside. One set per context, made with its first metric and shared by all;
 * every store holds a share, so the set goes with the last metric: it keeps what holds the context (schemas in its traces),
 * and the context's slot only points at it. An eager update is a call as any other, of a body that asks what it was given. */
#include "metric.h"

#include <math.h>

typedef struct eager_set {
    tally__companion head;
    tally_context   *context;           /* borrowed: every holder of a share holds it */
    tally_function  *function[TALLY__VERBS];
    tally__arguments *idle;             /* kept for the next call with many metrics; under the context's lock */
} eager_set;

static size_t arguments_bytes(int room)
{
    return sizeof(tally__arguments) + (size_t)room * sizeof(tally_value);
}

static int count_tensors(const tally_trace *t)
{
    int n = 0;
    while (n < tally__trace_arguments(t) && tally__trace_argument(t, n).kind == TALLY__ARG_TENSOR)
        n++;
    return n;
}

/* (operands ..., metrics ...) */
static void update_body(tally_trace *t, void *user)
{
    tally_node x[TALLY__CLASS_OPERANDS + 1];
    const int  n = count_tensors(t);
    (void)user;
    assert(n <= (int)TALLY__COUNT(x));
    for (int i = 0; i < n; i++)
        x[i] = tally_arg_loc(t, i, NULL, 0);
    for (int i = n; i < tally__trace_arguments(t); i++)
        tally_update_state_loc(t, tally_arg_metric_loc(t, i, NULL, 0), x, n, NULL, 0);
}

/* (operands ..., metric) -> the value of this batch */
static void forward_body(tally_trace *t, void *user)
{
    tally_node x[TALLY__CLASS_OPERANDS + 1];
    const int  n = count_tensors(t);
    (void)user;
    for (int i = 0; i < n; i++)
        x[i] = tally_arg_loc(t, i, NULL, 0);
    tally_node value = tally_forward_loc(t, tally_arg_metric_loc(t, n, NULL, 0), x, n, NULL, 0);
    tally_return_loc(t, tally_cast_loc(value, TALLY_F64, NULL, 0), NULL, 0);
}

static void result_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node x = tally_result_loc(t, tally_arg_metric_loc(t, 0, NULL, 0), NULL, 0);
    tally_return_loc(t, tally_cast_loc(x, TALLY_F64, NULL, 0), NULL, 0);
}

static void shape_body(tally_trace *t, void *user)
{
    (void)user;
    tally_node x = tally_result_loc(t, tally_arg_metric_loc(t, 0, NULL, 0), NULL, 0);
    for (int a = 0; a < tally_node_rank(x); a++)
        tally_return_loc(t, tally_dim_loc(x, a, NULL, 0), NULL, 0);
}

static void defined_body(tally_trace *t, void *user)
{
    (void)user;
    tally_return_loc(t, tally__defined(t, tally_result_loc(t, tally_arg_metric_loc(t, 0, NULL, 0), NULL, 0)), NULL, 0);
}

static void results_body(tally_trace *t, void *user)
{
    (void)user;
    for (int i = 0; i < tally__trace_arguments(t); i++) {
        tally_node x = tally_result_loc(t, tally_arg_metric_loc(t, i, NULL, 0), NULL, 0);
        if (tally_node_rank(x))
            x = tally_f64_loc(t, NAN, NULL, 0);
        tally_return_loc(t, tally_cast_loc(x, TALLY_F64, NULL, 0), NULL, 0);
    }
}

static void reset_body(tally_trace *t, void *user)
{
    (void)user;
    for (int i = 0; i < tally__trace_arguments(t); i++)
        tally_reset_state_loc(t, tally_arg_metric_loc(t, i, NULL, 0), NULL, 0);
}

static void drop_set(tally__companion *companion)
{
    eager_set     *e = (eager_set *)(void *)companion;
    tally_context *c = e->context;
    tally__lock_take(&c->lock);
    if (c->slot[TALLY__SLOT_EAGER].p == e)
        c->slot[TALLY__SLOT_EAGER].p = NULL;
    tally__lock_drop(&c->lock);
    for (int i = 0; i < TALLY__VERBS; i++)
        tally_function_release(e->function[i]);
    for (tally__arguments *a = e->idle, *next; a; a = next) {
        next = a->next;
        tally__free(c, a, arguments_bytes(a->room));
    }
    tally__free(c, e, sizeof *e);
}

static eager_set *new_set(tally_context *c, tally_error *err)
{
    static const struct { tally_body body; const char *name; } verb[TALLY__VERBS] = {
        [TALLY__VERB_UPDATE] = { update_body, "update_state" }, [TALLY__VERB_FORWARD] = { forward_body, "forward" },
        [TALLY__VERB_RESULT] = { result_body, "result" },
        [TALLY__VERB_SHAPE] = { shape_body, "result_shape" }, [TALLY__VERB_DEFINED] = { defined_body, "is_defined" },
        [TALLY__VERB_RESULTS] = { results_body, "results" }, [TALLY__VERB_RESET] = { reset_body, "reset_state" } };
    eager_set *e = tally__zalloc(c, sizeof *e);
    if (!e) {
        tally__fail_memory(err, sizeof *e);
        return NULL;
    }
    e->context = c;
    e->head.drop = drop_set;
    atomic_init(&e->head.references, 1);
    for (int i = 0; i < TALLY__VERBS; i++) {
        tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
        o.context = c;
        o.name = verb[i].name;
        o.max_traces = INT32_MAX;       /* bounded by the classes and dtypes that the program has */
        e->function[i] = tally_function_new(verb[i].body, NULL, &o, err);
        if (!e->function[i]) {
            drop_set(&e->head);
            return NULL;
        }
    }
    return e;
}

/* Under the context's lock. A set whose last share went is on its way out: another takes its place. */
static eager_set *take_share(tally_context *c)
{
    eager_set *e = c->slot[TALLY__SLOT_EAGER].p;
    size_t     n = e ? atomic_load_explicit(&e->head.references, memory_order_relaxed) : 0;
    while (n && !atomic_compare_exchange_weak_explicit(&e->head.references, &n, n + 1, memory_order_acquire, memory_order_relaxed))
        continue;
    return n ? e : NULL;
}

tally_status tally__eager_attach(tally__store *s, tally_error *err)
{
    tally_context *c = s->context;
    tally__lock_take(&c->lock);
    eager_set *e = take_share(c);
    tally__lock_drop(&c->lock);
    if (!e) {
        eager_set *fresh = new_set(c, err);
        if (!fresh)
            return TALLY_RESOURCE_EXHAUSTED;
        tally__lock_take(&c->lock);
        e = take_share(c);              /* another thread may have been faster */
        if (!e)
            c->slot[TALLY__SLOT_EAGER].p = e = fresh;
        tally__lock_drop(&c->lock);
        if (e != fresh)
            drop_set(&fresh->head);
    }
    s->companion = &e->head;
    return TALLY_OK;
}

tally_function *tally__eager(const tally_metric *m, tally__verb verb)
{
    const tally__store *s = tally__store_of_metric(m);
    return ((eager_set *)(void *)s->companion)->function[verb];
}

/* ---- argument lists: as many exist as calls at once ever needed one, each as long as the longest it served */
tally__arguments *tally__arguments_take(const tally_metric *m, int n, tally_error *err)
{
    eager_set     *e = (eager_set *)(void *)tally__store_of_metric(m)->companion;
    tally_context *c = e->context;
    tally__lock_take(&c->lock);
    tally__arguments *a = e->idle;
    if (a)
        e->idle = a->next;
    tally__lock_drop(&c->lock);
    if (a && a->room >= n)
        return a;
    if (a)
        tally__free(c, a, arguments_bytes(a->room));
    a = tally__alloc(c, arguments_bytes(n));
    if (a)
        a->room = n;
    else
        tally__fail_memory(err, arguments_bytes(n));
    return a;
}

void tally__arguments_give(const tally_metric *m, tally__arguments *a)
{
    eager_set *e = (eager_set *)(void *)tally__store_of_metric(m)->companion;
    tally__lock_take(&e->context->lock);
    a->next = e->idle;
    e->idle = a;
    tally__lock_drop(&e->context->lock);
}
