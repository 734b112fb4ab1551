/* verbs: what a program does with a metric beside updating it. Each is a verb of its store, or a call of one of the
 * context's recorded functions; every one takes NULL. */
#include "metric.h"

#include <math.h>

static const tally__class *metric_class(const tally_metric *m)
{
    return tally__class_of(tally__store_of_metric(m)->schema);
}

/* ---- values */
double tally_metric_result(const tally_metric *m)
{
    double v;
    if (!m || metric_class(m)->face.result_rank)
        return NAN;
    const tally_value in = tally__in_metric(m);
    const tally_slot  out = tally__out_f64(&v);
    return tally__call(tally__eager(m, TALLY__VERB_RESULT), &in, 1, &out, 1, NULL, NULL) ? NAN : v;
}

int tally_metric_result_shape(const tally_metric *m, int64_t shape[TALLY_MAX_RANK])
{
    tally_slot out[TALLY_MAX_RANK];
    if (!m || !shape)
        return -1;
    const int rank = metric_class(m)->face.result_rank;
    for (int a = 0; a < rank; a++)
        out[a] = tally__out_i64(&shape[a]);
    const tally_value in = tally__in_metric(m);
    return tally__call(tally__eager(m, TALLY__VERB_SHAPE), &in, 1, rank ? out : NULL, rank, NULL, NULL) ? -1 : rank;
}

tally_status tally__room_given(const char *name, const double *out, int n, tally_error *err)
{
    if (n >= 0 && (out || !n))
        return TALLY_OK;
    return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: out, expected room for the values, found %s and %d", name,
                       out ? "a list" : "NULL", n);
}

tally_status tally_metric_values(const tally_metric *m, double *out, int n, tally_error *err)
{
    if (!m)
        return tally__no_metric("values", -1, err);
    const char *name = tally_metric_name(m);
    tally_status status = tally__room_given(name, out, n, err);
    if (status)
        return status;
    tally_buffer      b = tally_buffer_of(out, n);
    const tally_value in = tally__in_metric(m);
    const tally_slot  slot = tally__out_buffer(&b);
    return tally__call(tally__eager(m, TALLY__VERB_RESULT), &in, 1, &slot, 1, name, err);
}

int tally_metric_is_defined(const tally_metric *m)
{
    int64_t yes;
    if (!m)
        return 0;
    const tally_value in = tally__in_metric(m);
    const tally_slot  out = tally__out_i64(&yes);
    return !tally__call(tally__eager(m, TALLY__VERB_DEFINED), &in, 1, &out, 1, NULL, NULL) && yes;
}

int64_t tally_metric_skipped(const tally_metric *m)
{
    if (!m)
        return -1;
    tally__store *s = tally__store_of_metric(m);
    const int     cell = metric_class(m)->skipped;
    if (cell < 0)
        return 0;
    tally__lock_take(&s->lock);
    const int64_t n = s->cell[cell].whole[0];
    tally__lock_drop(&s->lock);
    return n;
}

const char *tally_metric_name(const tally_metric *m)
{
    return m ? tally__store_of_metric(m)->name : "";
}

/* ---- states */
static tally_status state_named(const tally_metric *m, const char *state, int *i, tally_error *err)
{
    const tally_metric_class *k = &metric_class(m)->face;
    for (*i = 0; state && *i < k->n_states; ++*i)
        if (!strcmp(k->states[*i].name, state))
            return TALLY_OK;
    const char *quote = state ? "\"" : "";
    return tally__fail(err, TALLY_INVALID_ARGUMENT, 1, "%s: state, expected the name of one of its %d, the first \"%s\", found %s%s%s",
                       tally_metric_name(m), (int)k->n_states, k->states[0].name, quote, state ? state : "NULL", quote);
}

static tally_status state_room(const tally_metric *m, const tally_buffer *out, tally_error *err)
{
    if (!out || out->capacity < 0 || (out->capacity && !out->data))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 2, "%s: state, expected a buffer, found %s", tally_metric_name(m),
                           out ? "one without memory" : "NULL");
    if (out->dtype != TALLY_F64)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 2, "%s: state, expected a buffer of float64, found %s", tally_metric_name(m),
                           tally_dtype_name((tally_dtype)out->dtype));
    return TALLY_OK;
}

static void round_cell(const tally__cell *c, tally_buffer *out)
{
    double *v = out->data;
    out->rank = c->rank;
    for (int a = 0; a < c->rank; a++)
        out->shape[a] = c->shape[a];
    for (int64_t k = 0; k < c->n && c->n <= out->capacity; k++)
        v[k] = tally__cell_round(c, k);
}

/* Under the lock, as the elements must be one commit's: bounded work, no allocation. */
tally_status tally_metric_state(const tally_metric *m, const char *state, tally_buffer *out, tally_error *err)
{
    int i;
    if (!m)
        return tally__no_metric("state", -1, err);
    if (state_named(m, state, &i, err) || state_room(m, out, err))
        return TALLY_INVALID_ARGUMENT;
    tally__store *s = tally__store_of_metric(m);
    tally__lock_take(&s->lock);
    const tally__cell *c = &s->cell[i];
    const int64_t      n = c->built ? c->n : -1;
    if (n >= 0)
        round_cell(c, out);
    tally__lock_drop(&s->lock);
    if (n < 0)
        return tally__fail(err, TALLY_FAILED_PRECONDITION, 1, "%s: state \"%s\", expected sizes that a batch has decided, found none",
                           tally_metric_name(m), state);
    if (n > out->capacity)
        return tally__fail(err, TALLY_OUT_OF_RANGE, 2, "%s: state \"%s\", expected a capacity of %l elements, found %l",
                           tally_metric_name(m), state, n, out->capacity);
    return TALLY_OK;
}

const tally_state_spec *tally_metric_state_at(const tally_metric *m, int i)
{
    const tally_metric_class *k = m ? &metric_class(m)->face : NULL;
    return k && i >= 0 && i < k->n_states ? &k->states[i] : NULL;
}

void tally_metric_reset_state(tally_metric *m)
{
    if (m)
        (void)tally__store_reset(tally__store_of_metric(m));
}

static tally_status merge_or_away(tally_metric *into, tally_metric *const *from, int n, bool away, tally_error *err)
{
    if (!into)
        return tally__no_metric(away ? "unmerge_state" : "merge_state", -1, err);
    if (n < 0 || (n && !from))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: %s sources, expected a list and its length, found %s and %d",
                           tally_metric_name(into), away ? "unmerge" : "merge", from ? "a list" : "NULL", n);
    tally__store *to = tally__store_of_metric(into);
    return tally__stores_merge(&to, 1, (tally__store *const *)(const void *)from, n, away, err);
}

tally_status tally_metric_merge_state(tally_metric *into, tally_metric *const *from, int n, tally_error *err)
{
    return merge_or_away(into, from, n, false, err);
}

tally_status tally_metric_unmerge_state(tally_metric *into, tally_metric *const *from, int n, tally_error *err)
{
    return merge_or_away(into, from, n, true, err);
}

int tally_metric_equal(const tally_metric *a, const tally_metric *b)
{
    return a && b && tally__store_same(tally__store_of_metric(a), tally__store_of_metric(b));
}

uint64_t tally_metric_fingerprint(const tally_metric *m)
{
    return m ? tally__store_fingerprint(tally__store_of_metric(m)) : 0;
}

size_t tally_metric_pack(const tally_metric *m, void *buf, size_t n)
{
    return m ? tally__store_pack(tally__store_of_metric(m), buf, buf ? n : 0) : 0;
}

tally_status tally_metric_unpack(tally_metric *m, const void *buf, size_t n, tally_error *err)
{
    if (!m)
        return tally__no_metric("unpack", -1, err);
    if (!buf)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: bytes, expected those that pack wrote, found NULL", tally_metric_name(m));
    return tally__store_unpack(tally__store_of_metric(m), buf, n, err);
}

/* ---- handles */
static tally_status attach_all(tally__store **s, int n, tally_error *err)
{
    tally_status status = TALLY_OK;
    for (int i = 0; i < n && !status; i++)
        status = tally__eager_attach(s[i], err);
    for (int i = 0; status && i < n; i++) {
        tally__store_release(s[i]);
        s[i] = NULL;
    }
    return status;
}

tally_status tally_metrics_snapshot(tally_metric *const *m, int n, tally_metric **out, tally_error *err)
{
    if (n < 0 || (n && (!m || !out)))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "snapshot: metrics, expected a list, its length and a place for as many, found "
                           "%s, %d and %s", m ? "a list" : "NULL", n, out ? "a place" : "NULL");
    for (int i = 0; i < n; i++)
        if (!m[i])
            return tally__no_metric("snapshot", i, err);
    if (!n)
        return TALLY_OK;
    tally__store **to = (tally__store **)(void *)out;
    tally_status   status = tally__store_snapshot((tally__store *const *)(const void *)m, n, to, err);
    return status ? status : attach_all(to, n, err);
}

tally_metric *tally_metric_clone(const tally_metric *m, tally_error *err)
{
    if (!m) {
        tally__no_metric("clone", -1, err);
        return NULL;
    }
    tally__store *s = tally__store_clone(tally__store_of_metric(m), err);
    return s && !attach_all(&s, 1, err) ? tally__metric_of_store(s) : NULL;
}

tally_metric *tally_metric_retain(tally_metric *m)
{
    if (m)
        tally__store_retain(tally__store_of_metric(m));
    return m;
}

void tally_metric_release(tally_metric *m)
{
    tally__store_release(m ? tally__store_of_metric(m) : NULL);
}
