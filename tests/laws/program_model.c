/* program_model: what the metrics of the programs must hold, by their formulas: per-sample values in double, summed in
 * big integers, quotients rounded once. Where the description does not fix a per-sample value to the last bit (a row sum
 * that rounds), the model says so and only the eager mirror judges. */
#include "program.h"

struct store_model {
    metric_kind kind;
    bool        open;                /* a value was not exact enough to say */
    bool        built;
    big         a, b, column[4], weight[4];
    double      low, high;
};

store_model *model_new(pool *p, metric_kind k)
{
    store_model *s = pool_alloc(p, sizeof *s);
    s->kind = k;
    model_reset(s);
    return s;
}

store_model *model_copy(pool *p, const store_model *from)
{
    store_model *s = pool_alloc(p, sizeof *s);
    *s = *from;
    return s;
}

void model_reset(store_model *s)
{
    metric_kind k = s->kind;
    bool        built = s->built;
    memset(s, 0, sizeof *s);
    s->kind = k;
    s->built = built;
    s->low = INFINITY;
    s->high = -INFINITY;
}

/* total += w * v: one rounding, none where w is absent or 1 */
static void add_weighted(store_model *s, big *total, number v, const number *w)
{
    double x = number_f64(v);
    if (!w || number_f64(*w) == 1) {
        big_add_number(total, v);
        return;
    }
    if (x == x && number_compare(v, number_float(x)))
        s->open = true;
    big_add(total, number_f64(*w) * x);
}

/* ---- samples of two operands ---- */

static number computed(number v, bool wide)
{
    double x = number_f64(v);
    return number_float(wide ? x : (double)(float)x);
}

static number sample_of(metric_kind k, number y, number p, bool wide)
{
    if (k == KIND_ACCURACY)
        return number_int(number_compare(y, p) == 0);
    if (k == KIND_BINARY_ACCURACY)
        return number_int(number_compare(y, number_int(number_compare(p, number_float(0.5)) == 1)) == 0);
    double a = computed(y, wide).f, b = computed(p, wide).f, d = wide ? b - a : (double)((float)b - (float)a);
    if (k == KIND_MAE)
        return number_float(fabs(d));
    return number_float(wide ? d * d : (double)((float)d * (float)d));
}

/* one value per sample from the elements of its row */
static number row_value(store_model *s, const number *v, int64_t n, int rank)
{
    double sum;
    if (rank <= 1)
        return v[0];
    if (n == 0 || !big_sum_is_safe(v, n, &sum)) {
        s->open = true;
        return number_float(0);
    }
    if (rank > 2 && (n & (n - 1)))
        s->open = true;                                     /* one division or one per axis: not said */
    return number_float(sum / (double)n);
}

static void thresholded(store_model *s, const array *y, const array *p, const array *w, int64_t row)
{
    for (int64_t k = 0; k < p->n; k++) {
        number wk = w ? array_get(w, w->rank ? k / row : 0) : number_int(1);
        bool   truth = number_true(array_get(y, k)), called = number_compare(array_get(p, k), number_float(0.5)) == 1;
        if (w && !isfinite(number_f64(wk)))
            s->open = true;
        if (truth && called)
            big_add_number(&s->a, wk);
        if (s->kind == KIND_PRECISION ? called : truth)
            big_add_number(&s->b, wk);
    }
}

static void own_class(store_model *s, const array *v, const array *w)
{
    for (int64_t k = 0; k < v->n; k++) {
        number x = array_get(v, k), wk = w ? array_get(w, w->rank ? k : 0) : number_int(1);
        double d = number_f64(x);
        if (s->kind == KIND_MOMENTS) {
            add_weighted(s, &s->a, x, w ? &wk : NULL);
            if (number_true(x) && number_true(wk))
                big_add(&s->b, 1);
        } else if (number_true(wk)) {
            s->low = s->low != s->low || d != d ? NAN : d < s->low ? d : s->low;
            s->high = s->high != s->high || d != d ? NAN : d > s->high ? d : s->high;
        }
    }
}

/* each first bins have what any of them has; a value that no int32 holds is in none of the four */
static void binned(store_model *s, const array *v, const array *w)
{
    for (int64_t k = 0; k < v->n; k++) {
        number       x = array_get(v, k), wk = w ? array_get(w, w->rank ? k : 0) : number_int(1);
        const double d = number_f64(x);
        for (int j = 0; j < 4; j++)
            if (d != d || (d > -1 && d < j + 1)) {
                add_weighted(s, &s->column[j], x, w ? &wk : NULL);
                big_add_number(&s->weight[j], wk);
            }
    }
}

static void by_column(store_model *s, const array *v, const array *w)
{
    s->built |= v->n > 0;
    for (int64_t k = 0; k < v->n; k++) {
        number wk = w ? array_get(w, w->rank ? k / 4 : 0) : number_int(1);
        add_weighted(s, &s->column[k % 4], array_get(v, k), w ? &wk : NULL);
        if (k % 4 == 0)
            big_add_number(&s->b, wk);
    }
}

void model_update(store_model *s, const array *const *operand, int n)
{
    int          wants = kind_operands(s->kind);
    const array *w = n > wants ? operand[wants] : NULL, *p = operand[wants - 1], *y = operand[0];
    int64_t      samples = p->rank ? p->shape[0] : 1, row = samples ? p->n / samples : 0;
    if (s->kind == KIND_COLUMNS) {
        by_column(s, p, w);
        return;
    }
    if (s->kind == KIND_BINS) {
        binned(s, p, w);
        return;
    }
    if (s->kind == KIND_MOMENTS || s->kind == KIND_RANGE) {
        own_class(s, p, w);
        return;
    }
    if (s->kind == KIND_PRECISION || s->kind == KIND_RECALL) {
        thresholded(s, y, p, w, row);
        return;
    }
    bool    wide = p->dtype == TALLY_F64 || y->dtype == TALLY_F64;
    number *v = calloc((size_t)row + 1, sizeof *v);
    for (int64_t i = 0; i < samples && v; i++) {
        for (int64_t j = 0; j < row; j++)
            v[j] = wants == 1 ? array_get(p, i * row + j) : sample_of(s->kind, array_get(y, i * row + j), array_get(p, i * row + j), wide);
        number wk = w ? array_get(w, w->rank ? i : 0) : number_int(1);
        for (int64_t j = 0; j < row && s->kind == KIND_SUM; j++)
            add_weighted(s, &s->a, v[j], w ? &wk : NULL);      /* each for itself: a row's sum is not rounded */
        if (s->kind == KIND_SUM)
            continue;
        add_weighted(s, &s->a, row_value(s, v, row, p->rank), w ? &wk : NULL);
        big_add_number(&s->b, wk);
    }
    free(v);
}

bool model_result(const store_model *s, double *result)
{
    if (s->open)
        return false;
    switch (s->kind) {
    case KIND_SUM: *result = big_round(&s->a); return true;
    case KIND_RANGE: *result = s->high - s->low; return true;
    case KIND_BINS:
    case KIND_COLUMNS:
        *result = -INFINITY;
        for (int k = 0; k < 4; k++) {
            double r = big_ratio(&s->column[k], s->kind == KIND_BINS ? &s->weight[k] : &s->b);
            *result = *result != *result || r != r ? NAN : r > *result ? r : *result;
        }
        return s->built || s->kind == KIND_BINS;
    default: *result = big_ratio(&s->a, &s->b); return true;
    }
}
