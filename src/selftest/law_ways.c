/* law_ways: the ways in which an update is reached, and what surrounds it in a body: results, resets, failures. An eager update is
 * what all are held against. */
#include "selftest.h"

enum { OPERANDS = TALLY__SORT_OPERANDS + 1 };

/* ---- calls */
void tally__call_body(tally__trial *c, tally_function *f, const tally__batch *b, tally_metric *const *m, int n,
                      const tally_slot *out, int n_out)
{
    tally_value in[OPERANDS + 3];
    tally_error why = { 0, -1, "" };
    if (c->status)
        return;
    for (int i = 0; i < b->n; i++)
        in[i] = tally__in_tensor(&b->x[i]);
    for (int i = 0; i < n; i++)
        in[b->n + i] = tally__in_metric(m[i]);
    tally__must(c, tally_call(f, in, b->n + n, out, n_out, &why), "a call", &why);
}

static tally_function *function_of(tally__trial *c, tally_body body, tally__body_user *u)
{
    tally_error     why = { 0, -1, "" };
    tally_function *f = c->status ? NULL : tally_function_new(body, u, NULL, &why);
    if (!f)
        tally__stopped(c, TALLY_RESOURCE_EXHAUSTED, "expected a function, found %s", why.text);
    return f;
}

/* a function of this body is made, called and dropped */
static void call_once(tally__trial *c, tally_body body, tally__body_user *u, const tally__batch *b, tally_metric *const *m, int n,
                      const tally_slot *out, int n_out)
{
    tally_function *f = function_of(c, body, u);
    tally__call_body(c, f, b, m, n, out, n_out);
    tally_function_release(f);
}

static void args(tally_trace *t, const tally__body_user *u, tally_node *x)
{
    for (int i = 0; i < u->n; i++)
        x[i] = tally_arg(t, i);
}

static void update(tally_trace *t, tally_metric_ref m, const tally_node *x, int n)
{
    tally_update_state_loc(t, m, x, n, TALLY__HERE);
}

void tally__update_recorded(tally_trace *t, void *user)
{
    const tally__body_user *u = user;
    tally_node              x[OPERANDS];
    args(t, u, x);
    update(t, tally_arg_metric(t, u->n), x, u->n);
    tally_return_metric(t, tally_arg_metric(t, u->n));
}

/* ---- traced */
typedef enum way { WAY_PLAIN, WAY_CAPTURED, WAY_INLINED, WAY_BRANCH, WAY_WHILE, WAY_WHILE_LOOP, WAY_INLINED_IN_WHILE, WAYS } way;
static const char *const way_name[WAYS] = { "recorded", "captured", "inlined", "in TALLY_IF", "row by row in TALLY_WHILE",
                                            "row by row in tally_while_loop", "row by row, inlined in TALLY_WHILE" };

static void one_row(const tally__body_user *u, tally_node i, tally_node *row)
{
    for (int k = 0; k < u->n; k++)
        row[k] = tally_slice(u->x[k], 0, i, tally_add(i, tally_num(1)));
}

static void inlined(tally_trace *t, tally__body_user *u, tally_metric_ref m, const tally_node *x)
{
    tally_symbol in[OPERANDS + 1], out[1];
    memset(in, 0, sizeof in);
    for (int k = 0; k < u->n; k++)
        in[k].node = x[k];
    in[u->n].metric = m;
    tally_inline(t, tally__update_recorded, u, in, u->n + 1, out, 1);
}

static tally_node rows_left(tally_trace *t, const tally_symbol *v, void *user)
{
    const tally__body_user *u = user;
    (void)t;
    return tally_lt(v[1].node, tally_dim(u->x[0], 0));
}

static void eat_row(tally_trace *t, tally_symbol *v, void *user)
{
    const tally__body_user *u = user;
    tally_node              row[OPERANDS];
    one_row(u, v[1].node, row);
    update(t, v[0].metric, row, u->n);
    v[1].node = tally_add(v[1].node, tally_num(1));
}

static void while_rows(tally_trace *t, tally__body_user *u, tally_metric_ref m)
{
    tally_node i = tally_i64(t, 0), row[OPERANDS];
    TALLY_WHILE(t, tally_lt(i, tally_dim(u->x[0], 0)), &i) {
        one_row(u, i, row);
        if (u->way == WAY_WHILE)
            update(t, m, row, u->n);
        else
            inlined(t, u, m, row);
        i = tally_add(i, tally_num(1));
    }
}

static void while_loop_rows(tally_trace *t, tally__body_user *u, tally_metric_ref m)
{
    tally_symbol v[2];
    memset(v, 0, sizeof v);
    v[0].metric = m;
    v[1].node = tally_i64(t, 0);
    tally_while_loop(t, rows_left, eat_row, u, v, 2, NULL);
}

static void branch(tally_trace *t, const tally__body_user *u, tally_metric_ref m)
{
    TALLY_IF(t, tally_ge(tally_dim(u->x[0], 0), tally_num(0))) {
        update(t, m, u->x, u->n);
    } else {
        tally_reset_state(t, m);
    }
}

static void way_body(tally_trace *t, void *user)
{
    tally__body_user *u = user;
    tally_metric_ref  m = u->way == WAY_CAPTURED ? tally_capture_metric(t, u->captured) : tally_arg_metric(t, u->n);
    args(t, u, u->x);
    switch ((way)u->way) {
    case WAY_PLAIN: case WAY_CAPTURED: case WAYS: update(t, m, u->x, u->n); break;
    case WAY_INLINED: inlined(t, u, m, u->x); break;
    case WAY_BRANCH: branch(t, u, m); break;
    case WAY_WHILE: case WAY_INLINED_IN_WHILE: while_rows(t, u, m); break;
    case WAY_WHILE_LOOP: while_loop_rows(t, u, m); break;
    }
    tally_return_metric(t, m);
}

static void way_as(tally__trial *c, way by, const tally__batch *f, const tally_metric *want)
{
    const tally__batch none = tally__batch_make(c, 0);
    tally_metric      *m = tally__fresh(c), *back = NULL;
    tally__body_user   u = { (int)by, f->n, m, { { NULL, 0, 0 } } };
    tally_function    *fn = function_of(c, way_body, &u);
    const tally_slot   out = tally__out_metric(&back);
    tally__call_body(c, fn, f, &m, by != WAY_CAPTURED, &out, 1);
    tally__same(c, way_name[by], m, want);
    tally__meant(c, back == m, "the metric that was returned", "another");
    tally__call_body(c, fn, &none, &m, by != WAY_CAPTURED, &out, 1);            /* zero rows, zero iterations */
    tally__same(c, "a call with 0 rows", m, want);
    tally_function_release(fn);
}

static tally_metric *fed_by_rows(tally__trial *c, const tally__batch *f)
{
    tally_metric *m = tally__fresh(c);
    for (int64_t k = 0; k < f->rows; k++) {
        const tally__batch row = tally__batch_part(c, f, k, 1);
        tally__eat(c, m, &row);
    }
    return m;
}

void tally__law_traced(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 6);
    tally_metric      *whole = tally__fed(c, &f), *rows = c->o->batch ? fed_by_rows(c, &f) : whole;
    for (int by = 0; by < WAYS; by++)
        way_as(c, (way)by, &f, by < WAY_WHILE ? whole : rows);
}

/* ---- read: what an order of effects comes to */
static void read_body(tally_trace *t, void *user)
{
    const tally__body_user *u = user;
    tally_metric_ref        m = tally_arg_metric(t, u->n);
    tally_node              x[OPERANDS], i = tally_i64(t, 0);
    args(t, u, x);
    update(t, m, x, u->n);
    tally_return(t, tally_result(t, m));
    tally_reset_state(t, m);
    update(t, m, x, u->n);
    tally_node last = tally_result(t, m);
    TALLY_WHILE(t, tally_lt(i, tally_num(4)), &i, &last) {
        update(t, m, x, u->n);
        last = tally_result(t, m);
        TALLY_IF(t, tally_eq(i, tally_num(1))) {
            tally_reset_state(t, m);
        }
        update(t, m, x, u->n);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, last);
}

static tally__values read_eagerly(tally__trial *c, tally_metric *m, const tally__batch *f, tally__values *first)
{
    tally__values last = { NULL, 0, 0 };
    tally__eat(c, m, f);
    *first = tally__result_of(c, m);
    tally_metric_reset_state(m);
    tally__eat(c, m, f);
    for (int i = 0; i < 4; i++) {
        tally__eat(c, m, f);
        last = tally__result_of(c, m);
        if (i == 1)
            tally_metric_reset_state(m);
        tally__eat(c, m, f);
    }
    return last;
}

static tally__values room_for(tally__trial *c, tally__values like, tally_buffer *b)
{
    tally__values v = { tally__room(c, (size_t)like.n * sizeof(double)), like.n, like.rank };
    *b = (tally_buffer){ v.at, TALLY_F64, -1, like.n, { 0 } };
    return v;
}

void tally__law_read(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 5);
    tally_metric      *m = tally__fed(c, &f), *eager = tally__fed(c, &f);       /* something before the call, too */
    tally__body_user   u = { 0, f.n, NULL, { { NULL, 0, 0 } } };
    tally__values      first, last = read_eagerly(c, eager, &f, &first);
    tally_buffer       b[2];
    const tally__values got_first = room_for(c, first, &b[0]), got_last = room_for(c, last, &b[1]);
    const tally_slot   out[2] = { tally__out_buffer(&b[0]), tally__out_buffer(&b[1]) };
    call_once(c, read_body, &u, &f, &m, 1, out, 2);
    tally__same_values(c, "read after an update in a body", got_first, first);
    tally__same_values(c, "read in a loop", got_last, last);
    tally__same(c, "after all", m, eager);
}

/* ---- forward: of two batches in one body, with the running value behind each */
static void forward_body(tally_trace *t, void *user)
{
    const tally__body_user *u = user;
    const int               n = u->n / 2;
    tally_metric_ref        m = tally_arg_metric(t, u->n);
    tally_node              x[2 * OPERANDS];
    args(t, u, x);
    for (int k = 0; k < 2; k++) {
        tally_node of_batch = tally_forward_loc(t, m, x + k * n, n, TALLY__HERE);
        tally_return(t, of_batch);
        tally_return(t, tally_result(t, m));
    }
}

static tally__values forward_eagerly(tally__trial *c, tally_metric *m, const tally__batch *f, tally__values like)
{
    const tally_tensor *x[OPERANDS];
    tally_buffer        b;
    tally__values       v = room_for(c, like, &b);
    tally_error         why = { 0, -1, "" };
    for (int i = 0; i < f->n; i++)
        x[i] = &f->x[i];
    if (!c->status)
        tally__must(c, tally_metric_forward_n(m, x, f->n, v.at, (int)v.n, &why), "a forward", &why);
    return v;
}

static void forward_in_a_body(tally__trial *c, tally_metric *m, tally_metric *plain, const tally__batch *f)
{
    tally__values     want[4], got[4];
    tally_buffer      b[4];
    tally_slot        out[4];
    tally_value       in[2 * OPERANDS + 1];
    tally__body_user  u = { 0, 2 * f->n, NULL, { { NULL, 0, 0 } } };
    tally_function   *fn = function_of(c, forward_body, &u);
    tally_error       why = { 0, -1, "" };
    for (int k = 0; k < 4; k++) {
        if (k % 2)
            tally__eat(c, plain, &f[k / 2]);
        want[k] = tally__result_of(c, k % 2 ? plain : tally__fed(c, &f[k / 2]));
        got[k] = room_for(c, want[k], &b[k]);
        out[k] = tally__out_buffer(&b[k]);
    }
    for (int i = 0; i < 2 * f->n; i++)
        in[i] = tally__in_tensor(&f[i / f->n].x[i % f->n]);
    in[2 * f->n] = tally__in_metric(m);
    if (!c->status)
        tally__must(c, tally_call(fn, in, 2 * f->n + 1, out, 4, &why), "a call", &why);
    for (int k = 0; k < 4; k++)
        tally__same_values(c, k % 2 ? "the running value behind it" : "the value of a batch in a body", got[k], want[k]);
    tally_function_release(fn);
}

void tally__law_forward(tally__trial *c)
{
    tally_metric *m = tally__fresh(c), *plain = tally__fresh(c);
    for (int turn = 0; turn < 3; turn++) {
        const tally__batch  f = tally__batch_make(c, 1 + (int64_t)tally__below(c, 9));
        const tally__values want = tally__result_of(c, tally__fed(c, &f));
        tally__same_values(c, "the value of a batch", forward_eagerly(c, m, &f, want), want);
        tally__eat(c, plain, &f);
        tally__same(c, "after it", m, plain);
    }
    const tally__batch two[2] = { tally__batch_make(c, 5), tally__batch_make(c, 7) };
    forward_in_a_body(c, m, plain, two);
    tally__same(c, "after it in a body", m, plain);
}

/* ---- alias */
static void twice_body(tally_trace *t, void *user)
{
    const tally__body_user *u = user;
    tally_metric_ref        a = tally_arg_metric(t, u->n);
    tally_metric_ref        b = u->captured ? tally_capture_metric(t, u->captured) : tally_arg_metric(t, u->n + 1);
    tally_node              x[OPERANDS];
    args(t, u, x);
    update(t, a, x, u->n);
    update(t, b, x, u->n);
    tally_reset_state(t, a);
    update(t, a, x, u->n);
    update(t, b, x, u->n);
    update(t, a, x, u->n);
}

static void twice_eagerly(tally__trial *c, tally_metric *a, tally_metric *b, const tally__batch *f)
{
    tally__eat(c, a, f);
    tally__eat(c, b, f);
    tally_metric_reset_state(a);
    tally__eat(c, a, f);
    tally__eat(c, b, f);
    tally__eat(c, a, f);
}

/* two; one twice; one as argument and capture */
static void alias_as(tally__trial *c, int alias, const tally__batch *f)
{
    static const char *const what[] = { "two metrics", "one metric twice", "a metric given and captured" };
    tally_metric            *a = tally__fresh(c), *m[2] = { a, alias ? a : tally__fresh(c) };
    tally_metric            *want_a = tally__fresh(c), *want_b = alias ? want_a : tally__fresh(c);
    tally__body_user         u = { 0, f->n, alias == 2 ? a : NULL, { { NULL, 0, 0 } } };
    tally_function          *fn = function_of(c, twice_body, &u);
    tally__call_body(c, fn, f, m, alias == 2 ? 1 : 2, NULL, 0);
    twice_eagerly(c, want_a, want_b, f);
    tally__same(c, what[alias], m[0], want_a);
    tally__same(c, what[alias], m[1], want_b);
    if (alias != 2) {                                  /* one function sees both patterns: two recordings */
        m[1] = alias ? tally__fresh(c) : a;
        tally__call_body(c, fn, f, m, 2, NULL, 0);
        tally__meant(c, tally_function_traces(fn) == 2, "two recordings", "another number");
    }
    tally_function_release(fn);
}

void tally__law_alias(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 5);
    for (int alias = 0; alias < 3; alias++)
        alias_as(c, alias, &f);
}

/* ---- sizes */
static void sized_body(tally_trace *t, void *user)
{
    const tally__body_user *u = user;
    tally_metric_ref        m = tally_arg_metric(t, u->n);
    tally_node              x[OPERANDS];
    args(t, u, x);
    update(t, m, x, u->n);
    tally_reset_state(t, m);
    tally_reset_state(t, m);
}

void tally__law_sizes(tally__trial *c)
{
    for (int64_t rows = 0; rows < 4; rows += 3) {
        const tally__batch f = tally__batch_make(c, rows);
        tally_metric      *m = tally__fresh(c), *eager = tally__fed(c, &f);
        tally__body_user   u = { 0, f.n, NULL, { { NULL, 0, 0 } } };
        call_once(c, sized_body, &u, &f, &m, 1, NULL, 0);
        tally_metric_reset_state(eager);
        tally__same(c, "updated and reset in a call", m, eager);
    }
}

/* ---- failure */
static void failing_body(tally_trace *t, void *user)
{
    const tally__body_user *u = user;
    tally_metric_ref        m = tally_arg_metric(t, u->n);
    tally_node              x[OPERANDS];
    args(t, u, x);
    update(t, m, x, u->n);
    tally_reset_state(t, m);
    update(t, m, x, u->n);
    tally_assert(t, tally_lt(tally_dim(x[0], 0), tally_num(0)), "never");
}

static void fails_with_all_as_before(tally__trial *c, tally_function *f, const tally__batch *b, tally_metric *m)
{
    const tally__bytes before = tally__packed(c, m);
    tally_value        in[OPERANDS + 1];
    tally_error        why = { 0, -1, "" };
    if (c->status)
        return;
    for (int i = 0; i < b->n; i++)
        in[i] = tally__in_tensor(&b->x[i]);
    in[b->n] = tally__in_metric(m);
    const tally_status s = tally_call(f, in, b->n + 1, NULL, 0, &why);
    tally__meant(c, s == TALLY_FAILED_PRECONDITION && strstr(why.text, "never"), "the call to fail at its assert",
                 s ? why.text : "OK");
    tally__as_before(c, "after a call that failed", m, before);
}

void tally__law_failure(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 5);
    tally_metric      *m = tally__fresh(c);
    tally__body_user   u = { 0, f.n, NULL, { { NULL, 0, 0 } } };
    tally_function    *fn = function_of(c, failing_body, &u);
    fails_with_all_as_before(c, fn, &f, m);
    tally__eat(c, m, &f);
    fails_with_all_as_before(c, fn, &f, m);
    tally_function_release(fn);
}

/* ---- together: of one list, one metric twice */
void tally__law_together(tally__trial *c)
{
    const tally__batch  f = tally__batch_make(c, 5), g = tally__batch_make(c, 3);
    tally_metric       *m[3] = { tally__fresh(c), tally__fresh(c), NULL }, *want[2] = { tally__fresh(c), tally__fresh(c) };
    const tally_tensor *x[OPERANDS];
    tally_error         why = { 0, -1, "" };
    m[2] = m[0];
    tally__eat(c, m[1], &g);
    tally__eat(c, want[1], &g);
    tally__eat(c, want[0], &f);
    tally__eat(c, want[0], &f);
    tally__eat(c, want[1], &f);
    for (int i = 0; i < f.n; i++)
        x[i] = &f.x[i];
    if (!c->status)
        tally__must(c, tally_metrics_update_state_n(m, 3, x, f.n, &why), "an update of many", &why);
    tally__same(c, "a metric twice in a list", m[0], want[0]);
    tally__same(c, "another in the list", m[1], want[1]);
}

/* ---- one trace */
void tally__law_one_trace(tally__trial *c)
{
    static const int64_t sizes[] = { 7, 0, 1, 257, 7 };
    tally__body_user     u = { 0, c->sort->n + c->weighted, NULL, { { NULL, 0, 0 } } };
    tally_function      *fn = function_of(c, tally__update_recorded, &u);
    for (int k = 0; k < 5; k++) {
        const tally__batch f = tally__batch_make(c, sizes[k]);
        tally_metric      *m = tally__fresh(c), *back = NULL;
        const tally_slot   out = tally__out_metric(&back);
        tally__call_body(c, fn, &f, &m, 1, &out, 1);
        tally__same(c, "batches of any size through one function", m, tally__fed(c, &f));
        tally__meant(c, c->status || tally_function_traces(fn) == 1, "one recording for all numbers of rows", "another");
    }
    tally_function_release(fn);
}
