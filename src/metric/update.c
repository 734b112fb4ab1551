/* update: eager updates. Operands and metrics become one call of the context's update function, so an eager update is the
 * recorded body and nothing else; the only exception adds one number straight to the states of Mean and Sum, where the
 * call would add the same. Texts name the metric and the operand by its role. */
#include "metric.h"

#if defined TALLY_TINY_LIMITS
enum { METRICS_ON_STACK = 1 };
#else
enum { METRICS_ON_STACK = 32 };
#endif

tally_status tally__no_metric(const char *verb, int argument, tally_error *err)
{
    if (argument < 0)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: metric, expected a metric, found NULL", verb);
    return tally__fail(err, TALLY_INVALID_ARGUMENT, argument, "%s: metric %d, expected a metric, found NULL", verb, argument);
}

static const tally__class *class_of(const tally_metric *m)
{
    return tally__class_of(tally__store_of_metric(m)->schema);
}

static const char *skip_prefix(const char *text, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 && text[n] == ':' && text[n + 1] == ' ' ? text + n + 2 : text;
}

/* "name: role: what the call said". In a text about one of many metrics its class stands for the name. */
static void explain(tally_metric *const *m, int n_m, const char *name, int n, tally_error *err)
{
    const tally_error   was = *err;
    const tally__class *k = class_of(m[0]);
    const char         *rest = skip_prefix(was.text, name), *who = name;
    char                title[128];
    for (int i = 0; n_m > 1 && i < n_m && who == name; i++)
        if (skip_prefix(rest, class_of(m[i])->face.name) != rest)
            who = class_of(m[i])->face.name;
    tally__store_title(tally__store_of_metric(m[0]), title, sizeof title);
    rest = n_m > 1 ? skip_prefix(rest, who) : skip_prefix(skip_prefix(rest, k->face.name), title);
    if (was.argument >= 0 && was.argument < n)
        tally__fail(err, was.status, was.argument, "%s: %s: %s", who, tally__role(k, was.argument),
                    skip_prefix(rest, tally__role(k, was.argument)));
    else
        tally__fail(err, was.status, was.argument, "%s: %s", who, rest);
}

static tally_status update_operands(const tally_metric *m, const char *name, const tally_tensor *const *x, int n, tally_error *err)
{
    const tally__class *k = class_of(m);
    const int           want = k->face.n_operands;
    if (n < want || n > want + 1 || !x)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: operands, expected %d (%s%s%s) and at most a sample_weight, found %d%s",
                           name, want, tally__role(k, 0), want == 1 ? "" : want == 2 ? ", " : " to ",
                           want == 1 ? "" : tally__role(k, want - 1), n, x ? "" : " at NULL");
    for (int i = 0; i < n; i++)
        if (!x[i])
            return tally__fail(err, TALLY_INVALID_ARGUMENT, i, "%s: %s, expected a tensor, found NULL", name, tally__role(k, i));
    return TALLY_OK;
}

/* out: NULL, or where a forward puts the value of the batch */
static tally_status call_update(tally_metric *const *m, int n_m, const tally_tensor *const *x, int n, tally_value *in, const tally_slot *out,
                                const char *name, tally_error *err)
{
    tally_error own, *e = err ? err : &own;
    for (int i = 0; i < n; i++)
        in[i] = tally__in_tensor(x[i]);
    for (int i = 0; i < n_m; i++)
        in[n + i] = tally__in_metric(m[i]);
    tally_function *f = tally__eager(m[0], out ? TALLY__VERB_FORWARD : TALLY__VERB_UPDATE);
    tally_status    status = tally__call(f, in, n + n_m, out, out != NULL, name, e);
    if (status && err)
        explain(m, n_m, name, n, err);
    return status;
}

tally_status tally_metric_update_state_n(tally_metric *m, const tally_tensor *const *operands, int n, tally_error *err)
{
    tally_value in[TALLY__CLASS_OPERANDS + 2];
    if (!m)
        return tally__no_metric("update_state", -1, err);
    const char  *name = tally_metric_name(m);
    tally_status status = update_operands(m, name, operands, n, err);
    return status ? status : call_update(&m, 1, operands, n, in, NULL, name, err);
}

tally_status tally_metric_forward_n(tally_metric *m, const tally_tensor *const *operands, int n, double *out, int n_out, tally_error *err)
{
    tally_value in[TALLY__CLASS_OPERANDS + 2];
    if (!m)
        return tally__no_metric("forward", -1, err);
    const char  *name = tally_metric_name(m);
    tally_status status = update_operands(m, name, operands, n, err);
    if (!status)
        status = tally__room_given(name, out, n_out, err);
    if (status)
        return status;
    tally_buffer     b = tally_buffer_of(out, n_out);
    const tally_slot slot = tally__out_buffer(&b);
    return call_update(&m, 1, operands, n, in, &slot, name, err);
}

/* every metric, and the operands for each of them */
static tally_status check_many(tally_metric *const *m, int n_m, const tally_tensor *const *operands, int n, tally_error *err)
{
    if (n_m < 0 || (n_m && !m))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "update_state: metrics, expected a list and its length, found %s and %d",
                           m ? "a list" : "NULL", n_m);
    for (int i = 0; i < n_m; i++)
        if (!m[i])
            return tally__no_metric("update_state", i, err);
    tally_status status = TALLY_OK;
    for (int i = 0; i < n_m && !status; i++)
        status = update_operands(m[i], tally_metric_name(m[i]), operands, n, err);
    return status;
}

tally_status tally_metrics_update_state_n(tally_metric *const *m, int n_m, const tally_tensor *const *operands, int n, tally_error *err)
{
    tally_value  on_stack[TALLY__CLASS_OPERANDS + 1 + METRICS_ON_STACK];
    tally_status status = check_many(m, n_m, operands, n, err);
    if (status || !n_m)
        return status;
    const char *name = n_m == 1 ? tally_metric_name(m[0]) : "update_state";
    if (n_m <= METRICS_ON_STACK)
        return call_update(m, n_m, operands, n, on_stack, NULL, name, err);
    tally__arguments *a = tally__arguments_take(m[0], n + n_m, err);
    if (!a)
        return TALLY_RESOURCE_EXHAUSTED;
    status = call_update(m, n_m, operands, n, a->in, NULL, name, err);
    tally__arguments_give(m[0], a);
    return status;
}

/* ---- one number */
static bool is_mean_or_sum(const tally__class *k)
{
    return k->origin.own && (k->face.update == tally__update_mean || k->face.update == tally__update_sum);
}

static bool takes_in_place(const tally__cell *c, double v)
{
    return c->wide || (tally__whole_takes(v) && tally__whole_fits(*c->whole, (int64_t)v));
}

/* Under the lock: adds what the call would add if no memory is needed for it. */
static bool add_in_place(tally__store *s, const tally__class *k, double v)
{
    const double add[2] = { v, 1 };
    for (int i = 0; i < k->face.n_states; i++)
        if (!takes_in_place(&s->cell[i], add[i]))
            return false;
    for (int i = 0; i < k->face.n_states; i++) {
        tally__cell *c = &s->cell[i];
        if (c->wide)
            tally__sum_add_one(c->sum, add[i]);
        else
            *c->whole += (int64_t)add[i];
    }
    s->commits++;
    return true;
}

tally_status tally_metric_update_scalar(tally_metric *m, double value)
{
    if (!m)
        return TALLY_INVALID_ARGUMENT;
    tally__store       *s = tally__store_of_metric(m);
    const tally__class *k = class_of(m);
    if (!is_mean_or_sum(k))
        return TALLY_FAILED_PRECONDITION;
    bool done = false;
    if (k->nan == TALLY_NAN_PROPAGATE || value == value) {
        tally__fp fp;
        if (tally__fp_enter(&fp, NULL))
            return TALLY_FAILED_PRECONDITION;
        tally__lock_take(&s->lock);
        done = add_in_place(s, k, value);
        tally__lock_drop(&s->lock);
        tally__fp_leave(&fp);
    }
    if (done)
        return TALLY_OK;
    const tally_tensor x = tally_scalar(&value), *operands[] = { &x };
    return tally_metric_update_state_n(m, operands, 1, NULL);
}
