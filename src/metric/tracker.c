/* tracker: which value of a metric was the best, and when. It remembers two numbers and a count and knows nothing of how
 * values are made; what is better comes from the class. */
#include "metric.h"

#include <math.h>

struct tally_tracker {
    atomic_size_t references;
    tally_metric *metric;
    int32_t       direction;
    double        min_delta;
    tally__lock   lock;                 /* guards what follows */
    double        best;
    int64_t       best_step, steps;
};

static tally_status tracker_check(const tally_metric *m, const tally_tracker_options *o, tally_error *err)
{
    if (!m)
        return tally__no_metric("tracker", -1, err);
    const char               *name = tally_metric_name(m);
    const tally_metric_class *face = &tally__class_of(tally__store_of_metric(m)->schema)->face;
    if (o->size < sizeof *o)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: tracker options.size, expected %z as the initializer sets it, found %z",
                           name, sizeof *o, o->size);
    if (face->result_rank)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: tracker, expected a metric with a scalar result, found rank %d", name,
                           (int)face->result_rank);
    if (o->direction < -1 || o->direction > 1)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: tracker options.direction, expected 1, -1 or 0, found %d", name,
                           (int)o->direction);
    if (!(o->min_delta >= 0))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: tracker options.min_delta, expected 0 or more, found %g", name, o->min_delta);
    if (!o->direction && !face->direction)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: tracker options.direction, expected 1 or -1 as %s has none, found 0", name,
                           face->name);
    return TALLY_OK;
}

tally_tracker *tally_tracker_new(const tally_metric *m, const tally_tracker_options *o, tally_error *err)
{
    const tally_tracker_options usual = TALLY_TRACKER_OPTIONS_INIT;
    if (!o)
        o = &usual;
    if (tracker_check(m, o, err))
        return NULL;
    tally__store  *s = tally__store_of_metric(m);
    tally_tracker *t = tally__zalloc(s->context, sizeof *t);
    if (!t) {
        tally__fail_memory(err, sizeof *t);
        return NULL;
    }
    atomic_init(&t->references, 1);
    tally__lock_init(&t->lock);
    t->metric = tally_metric_retain(tally__metric_of_store(s));
    t->direction = o->direction ? o->direction : tally__class_of(s->schema)->face.direction;
    t->min_delta = o->min_delta;
    tally_tracker_reset(t);
    return t;
}

static bool is_better(const tally_tracker *t, double v)
{
    if (isnan(v))
        return false;
    return t->best_step < 0 || (t->direction > 0 ? v - t->min_delta > t->best : v + t->min_delta < t->best);
}

tally_status tally_tracker_step(tally_tracker *t, tally_error *err)
{
    double v;
    if (!t)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "step: tracker, expected a tracker, found NULL");
    tally_status status = tally_metric_values(t->metric, &v, 1, err);
    if (status)
        return status;
    tally__lock_take(&t->lock);
    if (is_better(t, v)) {
        t->best = v;
        t->best_step = t->steps;
    }
    t->steps++;
    tally__lock_drop(&t->lock);
    return TALLY_OK;
}

void tally_tracker_reset(tally_tracker *t)
{
    if (!t)
        return;
    tally__lock_take(&t->lock);
    t->best = NAN;
    t->best_step = -1;
    t->steps = 0;
    tally__lock_drop(&t->lock);
}

double tally_tracker_best(const tally_tracker *t, int64_t *step, int64_t *steps_since)
{
    double  best = NAN;
    int64_t at = -1, since = 0;
    if (t) {
        tally__lock *lock = (tally__lock *)(uintptr_t)&t->lock;
        tally__lock_take(lock);
        best = t->best;
        at = t->best_step;
        since = t->steps - 1 - at;
        tally__lock_drop(lock);
    }
    if (step)
        *step = at;
    if (steps_since)
        *steps_since = since;
    return best;
}

tally_tracker *tally_tracker_retain(tally_tracker *t)
{
    if (t)
        atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
    return t;
}

void tally_tracker_release(tally_tracker *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) != 1)
        return;
    tally_metric  *m = t->metric;
    tally_context *c = tally__store_of_metric(m)->context;
    tally__lock_destroy(&t->lock);
    tally__free(c, t, sizeof *t);
    tally_metric_release(m);
}
