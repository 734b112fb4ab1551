/* batch: operands of many samples, dense, made of samples and cast by the library itself; parts, weights, NaN and other strides of
 * them. */
#include "selftest.h"

static int64_t row_width(const tally_selftest_operand *s)
{
    int64_t n = 1;
    for (int a = 1; a < s->rank; a++)
        n *= s->shape[a - 1];
    return n;
}

static int64_t tensor_width(const tally_tensor *x)
{
    int64_t n = 1;
    for (int a = 1; a < x->rank; a++)
        n *= x->shape[a];
    return n;
}

static size_t row_bytes(const tally_tensor *x)
{
    return (size_t)tensor_width(x) * tally_dtype_size((tally_dtype)x->dtype);
}

/* ---- casts */
static void cast_body(tally_trace *t, void *user)
{
    tally_return(t, tally_cast(tally_arg(t, 0), (tally_dtype)(uintptr_t)user));
}

/* n numbers in memory of this dtype */
static const void *cast_all(tally__trial *c, const double *v, int64_t n, tally_dtype d)
{
    const tally_tensor x = tally_vector(v, n);
    tally_error        why = { 0, -1, "" };
    tally_buffer       b = { tally__room(c, (size_t)n * tally_dtype_size(d)), (int32_t)d, -1, n, { 0 } };
    if (!c->cast[d])
        c->cast[d] = tally_function_new(cast_body, (void *)(uintptr_t)d, NULL, &why);
    if (!c->status)
        tally__must(c, tally_call(c->cast[d], TALLY_IN(&x), TALLY_OUT(&b), &why), "a cast", &why);
    return b.data;
}

static tally_tensor rows_of(const void *data, tally_dtype d, const tally_selftest_operand *s, int64_t rows)
{
    int64_t shape[TALLY_MAX_RANK] = { rows };
    for (int a = 1; a < s->rank; a++)
        shape[a] = s->shape[a - 1];
    return tally_tensor_view(data, d, s->rank, shape, NULL);
}

/* ---- making */
static tally_dtype dtype_of(const tally__trial *c, const tally_selftest_operand *s)
{
    static const tally_dtype whole[] = { TALLY_I32, TALLY_I64, TALLY_U8 };
    if (s->dtype == TALLY_SELFTEST_FLOATS)
        return c->dtype;
    return s->dtype == TALLY_SELFTEST_WHOLES ? whole[(c->dtype + c->weighted) % 3] : (tally_dtype)s->dtype;
}

static void sample_all(tally__trial *c, double *const *v, int64_t rows)
{
    double *row[TALLY__SORT_OPERANDS] = { NULL };
    for (int64_t k = 0; k < rows && !c->status; k++) {
        for (int i = 0; i < c->sort->n; i++)
            row[i] = v[i] + k * row_width(&c->sort->operand[i]);
        c->random = tally__mixed(c->random);
        c->sort->sample(c->sort->user, c->random, row);
    }
}

static void add_weights(tally__trial *c, tally__batch *f)
{
    const tally_selftest_operand one = { 0, 1, { 0 } };
    double                      *w = tally__room(c, (size_t)f->rows * sizeof *w);
    for (int64_t k = 0; w && k < f->rows; k++)
        w[k] = (double)tally__below(c, 9) / 4;
    f->x[f->n++] = rows_of(cast_all(c, w, f->rows, c->dtype), c->dtype, &one, f->rows);
}

tally__batch tally__batch_make(tally__trial *c, int64_t rows)
{
    tally__batch f = { 0, rows, { { 0 } } };
    double      *v[TALLY__SORT_OPERANDS];
    for (int i = 0; i < c->sort->n; i++)
        v[i] = tally__room(c, (size_t)(rows * row_width(&c->sort->operand[i])) * sizeof(double));
    sample_all(c, v, rows);
    for (; f.n < c->sort->n; f.n++) {
        const tally_selftest_operand *s = &c->sort->operand[f.n];
        const tally_dtype             d = dtype_of(c, s);
        f.x[f.n] = rows_of(cast_all(c, v[f.n], rows * row_width(s), d), d, s, rows);
    }
    if (c->weighted)
        add_weights(c, &f);
    return f;
}

/* ---- parts */
static tally_tensor dense_rows(tally__trial *c, const tally_tensor *x, const int64_t *at, int64_t n)
{
    const size_t   bytes = row_bytes(x);
    unsigned char *to = tally__room(c, (size_t)n * bytes);
    tally_tensor   some = *x;
    for (int64_t k = 0; to && k < n; k++)
        memcpy(to + (size_t)k * bytes, (const unsigned char *)x->data + (size_t)at[k] * bytes, bytes);
    some.data = to;
    some.shape[0] = n;
    return some;
}

tally__batch tally__batch_rows(tally__trial *c, const tally__batch *f, const int64_t *at, int64_t n)
{
    tally__batch some = { f->n, n, { { 0 } } };
    for (int i = 0; i < f->n; i++)
        some.x[i] = dense_rows(c, &f->x[i], at, n);
    return some;
}

tally__batch tally__batch_part(tally__trial *c, const tally__batch *f, int64_t from, int64_t n)
{
    int64_t *at = tally__room(c, (size_t)n * sizeof *at);
    for (int64_t k = 0; at && k < n; k++)
        at[k] = from + k;
    return tally__batch_rows(c, f, at, at ? n : 0);
}

/* ---- weights */
tally__batch tally__batch_weighed(tally__trial *c, const tally__batch *f, double w, bool each)
{
    const tally_selftest_operand one = { 0, 1, { 0 } };
    const int64_t                n = each ? f->rows : 1;
    tally__batch                 g = *f;
    double                      *v = tally__room(c, (size_t)n * sizeof *v);
    for (int64_t k = 0; v && k < n; k++)
        v[k] = w;
    g.n = c->sort->n;
    g.x[g.n] = rows_of(cast_all(c, v, n, c->dtype), c->dtype, &one, n);
    g.x[g.n].rank = each;
    g.n++;
    return g;
}

/* ---- NaN */
bool tally__is_bad(int64_t row)
{
    return row % 3 == 1;
}

bool tally__may_be_nan(const tally__batch *f, int operand)
{
    return f->x[operand].dtype >= TALLY_F16 && f->x[operand].dtype <= TALLY_F64;
}

static void put_nan(unsigned char *to, size_t n, int32_t dtype)
{
    const uint16_t half = dtype == TALLY_F16 ? 0x7e00 : 0x7fc0;
    const uint32_t single = UINT32_C(0x7fc00000);
    const uint64_t twice = UINT64_C(0x7ff8000000000000);
    const size_t   size = tally_dtype_size((tally_dtype)dtype);
    const void    *one = size == 2 ? (const void *)&half : size == 4 ? (const void *)&single : (const void *)&twice;
    for (size_t k = 0; k < n; k++)
        memcpy(to + k * size, one, size);
}

tally__batch tally__batch_with_nan(tally__trial *c, const tally__batch *f, int operand)
{
    tally__batch   bad = tally__batch_part(c, f, 0, f->rows);
    tally_tensor  *x = &bad.x[operand];
    unsigned char *to = c->status ? NULL : (unsigned char *)(uintptr_t)x->data;
    for (int64_t k = 0; to && k < f->rows; k++)
        if (tally__is_bad(k))
            put_nan(to + (size_t)k * row_bytes(x), (size_t)tensor_width(x), x->dtype);
    return bad;
}

/* ---- strides */
typedef struct scatter {
    const tally_tensor *dense;
    tally_tensor        x;               /* what comes of it */
    int64_t             room, offset;    /* elements */
    int                 repeated;        /* an axis, or -1 */
} scatter;

static int64_t place(const tally_tensor *x, const tally_tensor *dense, int64_t k)
{
    int64_t at = 0;
    for (int a = 0; a < x->rank; a++)
        at += k / dense->stride[a] % dense->shape[a] * x->stride[a];
    return at;
}

/* the axes in any order, from the nearest, with gaps, some turned round */
static void set_strides(tally__trial *c, scatter *s)
{
    int64_t order[TALLY_MAX_RANK];
    tally__shuffled(c, order, s->x.rank);
    for (int k = 0; k < s->x.rank; k++) {
        const int64_t a = order[k], n = s->x.shape[a];
        s->x.stride[a] = a == s->repeated ? 0 : s->room;
        if (a == s->repeated)
            continue;
        s->room *= n + (int64_t)tally__below(c, 2);
        if (tally__below(c, 3) == 0) {
            s->offset += s->x.stride[a] * (n - 1);
            s->x.stride[a] = -s->x.stride[a];
        }
    }
}

/* memory by the strides; then the dense elements become what these show, as a repeated axis shows its first entry */
static void move_elements(tally__trial *c, scatter *s, int64_t n)
{
    const size_t   size = tally_dtype_size((tally_dtype)s->x.dtype);
    unsigned char *to = tally__room(c, (size_t)s->room * size), *from = (unsigned char *)(uintptr_t)s->dense->data;
    if (!to)
        return;
    for (int64_t k = n - 1; k >= 0; k--)
        memcpy(to + (size_t)(s->offset + place(&s->x, s->dense, k)) * size, from + (size_t)k * size, size);
    for (int64_t k = 0; k < n; k++)
        memcpy(from + (size_t)k * size, to + (size_t)(s->offset + place(&s->x, s->dense, k)) * size, size);
    s->x.data = to + (size_t)s->offset * size;
}

tally__batch tally__batch_scattered(tally__trial *c, tally__batch *f)
{
    tally__batch g = *f;
    for (int i = 0; i < f->n && !c->status; i++) {
        scatter s = { &f->x[i], f->x[i], 1, 0, -1 };
        if (tally__below(c, 4) == 0 && s.x.rank)
            s.repeated = (int)tally__below(c, (size_t)s.x.rank);
        set_strides(c, &s);
        move_elements(c, &s, f->rows * tensor_width(&f->x[i]));
        g.x[i] = s.x;
    }
    return g;
}

/* ---- updates */
tally_status tally__give(tally_metric *m, const tally__batch *f, tally_error *err)
{
    const tally_tensor *x[TALLY__SORT_OPERANDS + 1];
    for (int i = 0; i < f->n; i++)
        x[i] = &f->x[i];
    return tally_metric_update_state_n(m, x, f->n, err);
}

void tally__eat(tally__trial *c, tally_metric *m, const tally__batch *f)
{
    tally_error why = { 0, -1, "" };
    if (!c->status)
        tally__must(c, tally__give(m, f, &why), "an update", &why);
}

tally_metric *tally__fed(tally__trial *c, const tally__batch *f)
{
    tally_metric *m = tally__fresh(c);
    tally__eat(c, m, f);
    return m;
}
