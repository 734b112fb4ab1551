/* trial: what a law stands on: the first failure and its text, memory, random numbers, metrics that are kept until it ends, and
 * comparison of packed bytes, which finds the state that differs. */
#include "selftest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- memory, random numbers */
struct tally__piece {
    tally__piece *next;
    max_align_t   data[];
};

void *tally__room(tally__trial *c, size_t n)
{
    tally__piece *p = c->status ? NULL : calloc(1, sizeof *p + n);
    if (!p) {
        tally__stopped(c, TALLY_RESOURCE_EXHAUSTED, "expected memory, found none for %zu bytes", n);
        return NULL;
    }
    p->next = c->memory;
    c->memory = p;
    return p->data;
}

void tally__trial_end(tally__trial *c)
{
    while (c->n_metrics > 0)
        tally_metric_release(c->metric[--c->n_metrics]);
    for (tally__piece *p = c->memory, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    c->memory = NULL;
}

size_t tally__below(tally__trial *c, size_t n)
{
    c->random = tally__mixed(c->random);
    return (size_t)(c->random % n);
}

void tally__shuffled(tally__trial *c, int64_t *at, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        at[k] = k;
    for (int64_t k = n - 1; k > 0; k--) {
        const int64_t j = (int64_t)tally__below(c, (size_t)k + 1), t = at[k];
        at[k] = at[j];
        at[j] = t;
    }
}

/* ---- failure: "Name: law, what: expected ..., found ...; seed ..." */

/* one too long loses its middle: what was expected and found stands at its end */
static void cut(char *text, size_t room)
{
    const size_t n = strlen(text), head = room / 3;
    if (n <= room)
        return;
    memmove(text + head + 3, text + n - (room - head - 3), room - head - 3 + 1);
    memcpy(text + head, "...", 3);
}

static void tell(tally__trial *c, tally_status s, const char *format, va_list list)
{
    char what[512], where[112] = "", front[64];
    c->status = s;
    if (!c->err)
        return;
    vsnprintf(what, sizeof what, format, list);
    if (c->sort)
        snprintf(where, sizeof where, "; seed %llu, %s %s, %s", (unsigned long long)c->o->seed, c->sort->name,
                 tally_dtype_name(c->dtype), c->weighted ? "weights" : "no weights");
    snprintf(front, sizeof front, "%s: %s%s", c->name, c->law ? c->law : "", c->law ? ", " : "");
    *c->err = (tally_error){ s, -1, "" };
    cut(what, sizeof c->err->text - 1 - strlen(front) - strlen(where));
    snprintf(c->err->text, sizeof c->err->text, "%s%s%s", front, what, where);
    for (char *p = c->err->text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
}

void tally__broken(tally__trial *c, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (!c->status)
        tell(c, TALLY_FAILED_PRECONDITION, format, list);
    va_end(list);
}

void tally__stopped(tally__trial *c, tally_status s, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (!c->status)
        tell(c, s, format, list);
    va_end(list);
}

void tally__meant(tally__trial *c, bool holds, const char *expected, const char *found)
{
    if (!holds)
        tally__broken(c, "expected %s, found %s", expected, found);
}

void tally__must(tally__trial *c, tally_status s, const char *what, const tally_error *why)
{
    if (s)
        tally__broken(c, "expected %s, found %s: %s", what, tally_status_name(s), why ? why->text : "");
}

/* ---- metrics */
tally_metric *tally__keep(tally__trial *c, tally_metric *m, const tally_error *why)
{
    if (!m)
        tally__broken(c, "expected a metric, found NULL: %s", why->text);
    else if (c->n_metrics == TALLY__TRIAL_METRICS)
        tally__stopped(c, TALLY_INTERNAL, "expected at most %d metrics, found more", TALLY__TRIAL_METRICS);
    else
        return c->metric[c->n_metrics++] = m;
    tally_metric_release(m);
    return NULL;
}

tally_metric *tally__fresh_with(tally__trial *c, tally_context *x, int32_t nan)
{
    tally_error why = { 0, -1, "" };
    return c->status ? NULL : tally__keep(c, c->make(c->user, x, nan, &why), &why);
}

tally_metric *tally__fresh(tally__trial *c)
{
    return tally__fresh_with(c, c->context[c->n_metrics % 2], TALLY_NAN_PROPAGATE);
}

tally_metric *tally__copy(tally__trial *c, const tally_metric *m)
{
    tally_error why = { 0, -1, "" };
    return c->status ? NULL : tally__keep(c, tally_metric_clone(m, &why), &why);
}

bool tally__has_kind(const tally_metric *m, int32_t kind)
{
    const tally_state_spec *s;
    for (int i = 0; (s = tally_metric_state_at(m, i)); i++)
        if (s->kind == kind)
            return true;
    return false;
}

/* ---- numbers as text, whatever the locale: the shortest that is this number */
static const char *number_text(char out[40], double v)
{
    int digits = 15;
    do
        snprintf(out, 40, "%.*g", digits, v);
    while (v == v && strtod(out, NULL) != v && ++digits <= 17);
    for (char *p = out; *p; p++)
        if (!strchr("0123456789+-einfa", *p))
            *p = '.';
    return out;
}

/* ---- states */
static int64_t elements(int rank, const int64_t *shape)
{
    int64_t n = 1;
    for (int a = 0; a < rank; a++)
        n *= shape[a];
    return n;
}

/* -1: no batch has decided its sizes */
static tally__values state_now(tally__trial *c, const tally_metric *m, const char *name)
{
    tally__values v = { NULL, -1, -1 };
    tally_buffer  b = { NULL, TALLY_F64, -1, 0, { 0 } };
    if (tally_metric_state(m, name, &b, NULL) == TALLY_FAILED_PRECONDITION)
        return v;
    v.n = b.capacity = elements(b.rank, b.shape);
    v.at = b.data = tally__room(c, (size_t)v.n * sizeof(double));
    if (v.at && tally_metric_state(m, name, &b, NULL))
        tally__broken(c, "expected state \"%s\" to be read, found that it cannot", name);
    return v;
}

static bool same_number(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

static int64_t first_difference(tally__values a, tally__values b)
{
    int64_t k = 0;
    while (k < a.n && k < b.n && same_number(a.at[k], b.at[k]))
        k++;
    return k;
}

static void numbers_differ(tally__trial *c, const char *what, const char *name, int64_t k, int64_t of, double got, double want)
{
    char a[40], b[40], at[24] = "";
    if (of > 1)
        snprintf(at, sizeof at, "[%lld]", (long long)k);
    tally__broken(c, "%s: %s%s, expected %s, found %s", what, name, at, number_text(a, want), number_text(b, got));
}

static void states_differ(tally__trial *c, const char *what, const tally_metric *got, const tally_metric *want)
{
    const tally_state_spec *s;
    for (int i = 0; (s = tally_metric_state_at(want, i)) && !c->status; i++) {
        const tally__values a = state_now(c, got, s->name), b = state_now(c, want, s->name);
        const int64_t       k = first_difference(a, b);
        if (a.n != b.n)
            tally__broken(c, "%s: %s, expected %lld elements, found %lld", what, s->name, (long long)b.n, (long long)a.n);
        else if (k < a.n)
            numbers_differ(c, what, s->name, k, a.n, a.at[k], b.at[k]);
    }
}

void tally__same_states(tally__trial *c, const char *what, const tally_metric *got, const tally_metric *want)
{
    if (!c->status)
        states_differ(c, what, got, want);
}

/* ---- bytes */
tally__bytes tally__packed(tally__trial *c, const tally_metric *m)
{
    tally__bytes b = { NULL, c->status ? 0 : tally_metric_pack(m, NULL, 0) };
    b.at = tally__room(c, b.n);
    if (b.at && tally_metric_pack(m, b.at, b.n) != b.n)
        tally__broken(c, "expected as many packed bytes as were told, %zu, found others", b.n);
    return b;
}

static bool same_bytes(tally__bytes a, tally__bytes b)
{
    return a.n == b.n && memcmp(a.at, b.at, a.n) == 0;
}

/* Sums may differ below their nearest doubles. */
void tally__same(tally__trial *c, const char *what, const tally_metric *got, const tally_metric *want)
{
    const tally__bytes a = tally__packed(c, got), b = tally__packed(c, want);
    if (c->status || same_bytes(a, b))
        return;
    states_differ(c, what, got, want);
    tally__broken(c, "%s: expected packed bytes of fingerprint %016llx, found %016llx", what,
                  (unsigned long long)tally_metric_fingerprint(want), (unsigned long long)tally_metric_fingerprint(got));
}

/* what was is made a metric again, so that the state can be told */
void tally__as_before(tally__trial *c, const char *what, const tally_metric *got, tally__bytes want)
{
    const tally__bytes a = tally__packed(c, got);
    if (c->status || same_bytes(a, want))
        return;
    tally_metric *was = tally__copy(c, got);
    tally__must(c, tally_metric_unpack(was, want.at, want.n, NULL), "bytes to come back", NULL);
    tally__same(c, what, got, was);
    tally__broken(c, "%s: expected the state as before, found another", what);
}

/* ---- results */
tally__values tally__result_of(tally__trial *c, const tally_metric *m)
{
    tally__values v = { NULL, 1, -1 };
    int64_t       shape[TALLY_MAX_RANK];
    tally_error   why = { 0, -1, "" };
    v.rank = c->status ? 0 : tally_metric_result_shape(m, shape);
    tally__meant(c, v.rank >= 0, "sizes of a result", "none");
    v.n = v.rank < 0 ? 0 : elements(v.rank, shape);
    v.at = tally__room(c, (size_t)v.n * sizeof(double));
    if (v.at)
        tally__must(c, tally_metric_values(m, v.at, (int)v.n, &why), "a result", &why);
    if (!c->status && !v.rank && !same_number(*v.at, tally_metric_result(m)))
        numbers_differ(c, "the scalar result", "value", 0, 1, tally_metric_result(m), *v.at);
    return v;
}

void tally__same_values(tally__trial *c, const char *what, tally__values got, tally__values want)
{
    const int64_t k = c->status ? 0 : first_difference(got, want);
    if (c->status)
        return;
    if (got.n != want.n)
        tally__broken(c, "%s: result, expected %lld values, found %lld", what, (long long)want.n, (long long)got.n);
    else if (k < got.n)
        numbers_differ(c, what, "result", k, got.n, got.at[k], want.at[k]);
}
