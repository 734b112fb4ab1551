/* window: the value of a metric over its last updates. An update feeds an empty metric of the class, whose state is then
 * the contribution; what the last ones come to is held by another one (state, recent.c), which every verb can read. */
#include "metric.h"

struct tally_window {
    atomic_size_t references;
    tally__store *part;                 /* the update now made, alone */
    tally__recent recent;
    int64_t       updates, rows;        /* the limits; 0: none */
};

static tally_status window_check(const tally_metric *m, const tally_window_options *o, tally_error *err)
{
    if (!m)
        return tally__no_metric("window", -1, err);
    const char *name = tally_metric_name(m);
    if (o->size < sizeof *o)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: window options.size, expected %z as the initializer sets it, found %z", name,
                           sizeof *o, o->size);
    if (o->updates < 0 || o->rows < 0 || !(o->updates || o->rows))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: window options.updates and .rows, expected at least one above 0 and none "
                           "below, found %l and %l", name, o->updates, o->rows);
    return TALLY_OK;
}

static tally__store *empty_copy(const tally_metric *m, tally_error *err)
{
    tally_metric *copy = tally_metric_clone(m, err);
    tally_metric_reset_state(copy);
    return copy ? tally__store_of_metric(copy) : NULL;
}

static tally_status window_fill(tally_window *w, const tally_metric *m, tally_error *err)
{
    w->part = empty_copy(m, err);
    tally__store *total = w->part ? empty_copy(tally__metric_of_store(w->part), err) : NULL;
    return total ? tally__recent_init(&w->recent, total, err) : TALLY_RESOURCE_EXHAUSTED;
}

static void window_free(tally_window *w, tally_context *c)
{
    if (w->recent.total)
        tally__recent_drop(&w->recent);
    tally__store_release(w->part);
    tally__free(c, w, sizeof *w);
}

tally_window *tally_window_new(const tally_metric *m, const tally_window_options *o, tally_error *err)
{
    const tally_window_options usual = TALLY_WINDOW_OPTIONS_INIT;
    if (!o)
        o = &usual;
    if (window_check(m, o, err))
        return NULL;
    tally_context *c = tally__store_of_metric(m)->context;
    tally_window  *w = tally__zalloc(c, sizeof *w);
    if (!w) {
        tally__fail_memory(err, sizeof *w);
        return NULL;
    }
    atomic_init(&w->references, 1);
    w->updates = o->updates;
    w->rows = o->rows;
    if (window_fill(w, m, err)) {
        window_free(w, c);
        return NULL;
    }
    return w;
}

/* ---- update */

static int64_t rows_of(const tally_tensor *x)
{
    return x->rank ? x->shape[0] : 1;
}

tally_status tally_window_update_state_n(tally_window *w, const tally_tensor *const *operands, int n, tally_error *err)
{
    if (!w)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "update_state: window, expected a window, found NULL");
    (void)tally__store_reset(w->part);
    tally_status status = tally_metric_update_state_n(tally__metric_of_store(w->part), operands, n, err);
    if (status || !rows_of(operands[0]))
        return status;
    return tally__recent_add(&w->recent, w->part, rows_of(operands[0]), w->updates, w->rows, err);
}

void tally_window_reset_state(tally_window *w)
{
    if (w)
        tally__recent_reset(&w->recent);
}

/* ---- what is in it */

const tally_metric *tally_window_metric(const tally_window *w)
{
    return w ? tally__metric_of_store(w->recent.total) : NULL;
}

double tally_window_result(const tally_window *w)
{
    return tally_metric_result(tally_window_metric(w));
}

int64_t tally_window_updates(const tally_window *w)
{
    return w ? w->recent.n : -1;
}

int64_t tally_window_rows(const tally_window *w)
{
    return w ? w->recent.rows : -1;
}

/* ---- handles */

tally_window *tally_window_retain(tally_window *w)
{
    if (w)
        atomic_fetch_add_explicit(&w->references, 1, memory_order_relaxed);
    return w;
}

void tally_window_release(tally_window *w)
{
    if (!w || atomic_fetch_sub_explicit(&w->references, 1, memory_order_acq_rel) != 1)
        return;
    tally_context *c = tally_context_retain(w->part->context);
    window_free(w, c);
    tally_context_release(c);
}
