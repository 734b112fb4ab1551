/* accumulate: how values enter a cell: state += sum of w*v over the leading axes. Any strides, weights and masks are
 * brought down to runs, one stretch of values for one element of the cell; a row of state.def says what a run does.
 * The values of a run are exact from here on; what kernels fill them is not known here. */
#include "state.h"

#if defined TALLY_TINY_LIMITS
enum { ADD_BLOCK = 5, ADD_LANES = 4, WHOLE_ROWS = 3 };
#else
enum { ADD_BLOCK = 1008, ADD_LANES = 4, WHOLE_ROWS = 1 << 15 };
#endif
enum { LANE_VALUE, LANE_WEIGHT, LANE_MASK, LANE_CELL };

typedef tally_status (*add_function)(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err);

static double load_one(const void *p, int32_t dtype)
{
    switch (dtype) {
    case TALLY_F32:  return (double)*(const float *)p;
    case TALLY_F64:  return *(const double *)p;
    case TALLY_BOOL: return *(const uint8_t *)p != 0;
    default:         return tally__load_f64(p, dtype);
    }
}

static const char *run_value(const tally__addends *r, size_t i)
{
    return r->v + (int64_t)i * r->sv * (int64_t)tally__element_size(r->dv);
}

static bool run_masked(const tally__addends *r, size_t i)
{
    return r->m && load_one(r->m + (int64_t)i * r->sm * (int64_t)tally__element_size(r->dm), r->dm) == 0;
}

static double run_weight(const tally__addends *r, size_t i)
{
    return r->w ? load_one(r->w + (int64_t)i * r->sw * (int64_t)tally__element_size(r->dw), r->dw) : 1;
}

static double value_load(const void *p, int32_t dtype)
{
    return dtype == TALLY__EXACT ? tally__sum_round(p) : load_one(p, dtype);
}

void tally__load_doubles(double *to, const char *p, int32_t dtype, int64_t stride, size_t n)
{
    const tally__sum_kernels *kernels = tally__sum_kernels_for(TALLY__ISA_AVX512);
    if (stride == 1 && dtype == TALLY_F32)
        kernels->widen(to, (const float *)(const void *)p, n);
    else if (stride == 1 && (dtype == TALLY_BOOL || dtype == TALLY_U8))
        kernels->widen_bytes(to, (const uint8_t *)p, dtype == TALLY_BOOL, n);
    else
        tally__convert(to, TALLY_F64, p, dtype, stride, n);
}

static void load_doubles(double *to, const char *p, int32_t dtype, int64_t stride, size_t at, size_t n)
{
    tally__load_doubles(to, p + (int64_t)at * stride * (int64_t)tally__element_size(dtype), dtype, stride, n);
}

/* values [at, at + n) as doubles, without those that the mask hides; their weights where there are any. How many */
static size_t run_gather(const tally__addends *r, size_t at, size_t n, double *v, double *w)
{
    size_t kept = 0;
    if (!r->m && r->dv != TALLY__EXACT) {
        load_doubles(v, r->v, r->dv, r->sv, at, n);
        if (r->w)
            load_doubles(w, r->w, r->dw, r->sw, at, n);
        return n;
    }
    for (size_t i = at; i < at + n; i++)
        if (!run_masked(r, i)) {
            v[kept] = value_load(run_value(r, i), r->dv);
            w[kept++] = run_weight(r, i);
        }
    return kept;
}

/* ---- SUM */

static tally_status sum_add_values(tally__cell *c, tally_context *x, int64_t k, int32_t dtype, const void *p,
                                   int64_t stride, size_t n, tally_error *err)
{
    size_t done = 0;
    if (!c->wide) {
        done = tally__whole_prefix(&c->whole[k], dtype, p, stride, n);
        if (done == n)
            return TALLY_OK;
        tally_status s = tally__cell_to_words(c, x, err);
        if (s)
            return s;
    }
    p = (const char *)p + (int64_t)done * stride * (int64_t)tally__element_size(dtype);
    tally__sum_add(&c->sum[k], &c->guess, dtype, p, stride, n - done);
    return TALLY_OK;
}

static tally_status sum_add_exact(tally__cell *c, tally_context *x, int64_t k, const tally__sum *v, tally_error *err)
{
    int64_t whole;
    if (!c->wide && tally__sum_whole(v, &whole) && tally__whole_add(&c->whole[k], whole))
        return TALLY_OK;
    tally_status s = tally__cell_to_words(c, x, err);
    if (!s)
        tally__sum_merge(&c->sum[k], v);
    return s;
}

/* 64-bit integers and exact sums do not fit a double: a weight of 1 adds them as they are */
static tally_status sum_add_singly(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (size_t i = 0; i < r->n && !s; i++) {
        if (run_masked(r, i))
            continue;
        const char  *p = run_value(r, i);
        const double w = run_weight(r, i);
        if (w != 1) {
            const double product = w * value_load(p, r->dv);
            s = sum_add_values(c, x, k, TALLY_F64, &product, 1, 1, err);
        } else if (r->dv == TALLY__EXACT) {
            s = sum_add_exact(c, x, k, (const tally__sum *)(const void *)p, err);
        } else {
            s = sum_add_values(c, x, k, r->dv, p, 1, 1, err);
        }
    }
    return s;
}

/* what the mask hides adds 0; true for any number that is not 0, as in run_masked */
static void hide_masked(const tally__addends *r, size_t at, size_t n, double *v)
{
    uint8_t     shown[ADD_BLOCK];
    const char *p = r->m + (int64_t)at * r->sm * (int64_t)tally__element_size(r->dm);
    if (r->sm != 1 || (r->dm != TALLY_BOOL && r->dm != TALLY_U8)) {
        tally__convert(shown, TALLY_BOOL, p, r->dm, r->sm, n);
        p = (const char *)shown;
    }
    tally__sum_kernels_for(TALLY__ISA_AVX512)->hide(v, (const uint8_t *)p, n);
}

static void weigh_values(const tally__addends *r, size_t at, size_t n, double *v)
{
    const tally__sum_kernels *kernels = tally__sum_kernels_for(TALLY__ISA_AVX512);
    double                    w[ADD_BLOCK];
    if (r->dw == TALLY_F32 && r->sw == 1) {
        kernels->weigh_f32(v, (const float *)(const void *)r->w + at, n);
        return;
    }
    load_doubles(w, r->w, r->dw, r->sw, at, n);
    kernels->weigh(v, w, n);
}

static tally_status sum_add_blocks(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err)
{
    double       v[ADD_BLOCK];
    tally_status s = TALLY_OK;
    for (size_t at = 0; at < r->n && !s; at += ADD_BLOCK) {
        const size_t n = TALLY__MIN(r->n - at, (size_t)ADD_BLOCK);
        load_doubles(v, r->v, r->dv, r->sv, at, n);
        if (r->w)
            weigh_values(r, at, n, v);
        if (r->m)
            hide_masked(r, at, n, v);
        s = sum_add_values(c, x, k, TALLY_F64, v, 1, n, err);
    }
    return s;
}

/* one value of 1 for all: the weights themselves are the sum, as when weighted samples are counted */
static bool weights_only(const tally__addends *r)
{
    return r->w && !r->m && !r->sv && r->dv != TALLY__EXACT && r->dw != TALLY_I64 && r->dw != TALLY_U64 &&
           load_one(r->v, r->dv) == 1;
}

/* One float for one element, the update of a running value: nothing to scan, nothing to split. One that is not whole
 * stays alone while it is all there is: a commit adds it to the store without a sum in between. */
static tally_status sum_add_float(tally__cell *c, tally_context *x, int64_t k, double v, tally_error *err)
{
    if (!c->wide && !c->alone) {
        const bool whole = tally__whole_takes(v);
        if (whole && tally__whole_add(&c->whole[k], (int64_t)v))
            return TALLY_OK;
        if (!whole && c->number && !c->whole[0]) {
            c->alone = true;
            c->lone = v;
            return TALLY_OK;
        }
    }
    tally_status s = tally__cell_to_words(c, x, err);
    if (!s)
        tally__sum_add_one(&c->sum[k], v);
    return s;
}

static tally_status sum_add(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err)
{
    const bool plain = !r->w && !r->m;
    if (r->n == 1 && !plain && tally__is_float(r->dv)) {
        const double v = run_masked(r, 0) ? 0 : run_weight(r, 0) * load_one(r->v, r->dv);
        return sum_add_float(c, x, k, v, err);
    }
    if (weights_only(r))
        return sum_add_values(c, x, k, r->dw, r->w, r->sw, r->n, err);
    if (r->dv == TALLY__EXACT || (!plain && (r->dv == TALLY_I64 || r->dv == TALLY_U64)))
        return sum_add_singly(c, x, k, r, err);
    return plain ? sum_add_values(c, x, k, r->dv, r->v, r->sv, r->n, err) : sum_add_blocks(c, x, k, r, err);
}

/* ---- COUNT, MIN, MAX: of the values whose weight is absent or not 0 */

static size_t run_chosen(const tally__addends *r, size_t at, double *v)
{
    double       w[ADD_BLOCK];
    const size_t n = run_gather(r, at, TALLY__MIN(r->n - at, (size_t)ADD_BLOCK), v, w);
    size_t       kept = 0;
    if (!r->w)
        return n;
    for (size_t i = 0; i < n; i++) {
        v[kept] = v[i];
        kept += w[i] != 0;
    }
    return kept;
}

static tally_status count_add(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err)
{
    double   v[ADD_BLOCK];
    uint64_t count = (uint64_t)c->whole[k];
    (void)x;
    (void)err;
    if (!r->w && !r->m && r->sv == 1 && (r->dv == TALLY_BOOL || r->dv == TALLY_U8)) {
        int64_t part[3];
        tally__sum_kernels_for(TALLY__ISA_AVX512)->integers(r->v, TALLY_BOOL, r->n, part);
        c->whole[k] = (int64_t)(count + (uint64_t)part[0]);
        return TALLY_OK;
    }
    for (size_t at = 0; at < r->n; at += ADD_BLOCK) {
        const size_t n = run_chosen(r, at, v);
        for (size_t i = 0; i < n; i++)
            count += v[i] != 0;
    }
    c->whole[k] = (int64_t)count;
    return TALLY_OK;
}

static tally_status minimum_add(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err)
{
    double v[ADD_BLOCK];
    (void)x;
    (void)err;
    for (size_t at = 0; at < r->n; at += ADD_BLOCK) {
        const size_t n = run_chosen(r, at, v);
        for (size_t i = 0; i < n; i++)
            c->real[k] = tally__least(c->real[k], v[i]);
    }
    return TALLY_OK;
}

static tally_status maximum_add(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err)
{
    double v[ADD_BLOCK];
    (void)x;
    (void)err;
    for (size_t at = 0; at < r->n; at += ADD_BLOCK) {
        const size_t n = run_chosen(r, at, v);
        for (size_t i = 0; i < n; i++)
            c->real[k] = tally__most(c->real[k], v[i]);
    }
    return TALLY_OK;
}

static tally_status last_add(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err)
{
    double v[ADD_BLOCK];
    (void)x;
    (void)err;
    for (size_t at = 0; at < r->n; at += ADD_BLOCK) {
        const size_t n = run_chosen(r, at, v);
        if (n)
            c->real[k] = tally__last(v[n - 1]);
    }
    return TALLY_OK;
}

#define tensor_add NULL        /* assigned, never accumulated */

#define STATE(KIND, stem, text, memory, reset, least) [TALLY_STATE_##KIND] = stem##_add,
static const add_function add_row[] = {
#include "state.def"
};

tally_status tally__cell_add_run(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err)
{
    return add_row[c->kind](c, x, k, r, err);
}

/* ---- from a tensor to runs */

typedef struct add_walk {
    int     rank;
    int64_t size[TALLY_MAX_RANK];
    int64_t stride[TALLY_MAX_RANK][ADD_LANES];     /* in elements; a cell stride of 0 is a summed axis */
} add_walk;

static int64_t aligned_stride(const tally_tensor *value, const tally_tensor *t, int axis)
{
    if (!t || axis >= t->rank || t->shape[axis] != value->shape[axis] || t->shape[axis] == 1)
        return 0;
    return t->stride[axis];
}

static bool walk_joins(const add_walk *g, int axis)
{
    for (int l = 0; l < ADD_LANES; l++)
        if (g->stride[axis - 1][l] != g->stride[axis][l] * g->size[axis])
            return false;
    return true;
}

/* axes of size 1 vanish, and neighbours that are one stretch of memory in every lane become one axis */
static void walk_fill(add_walk *g, const tally__cell *c, const tally_tensor *value, const tally_tensor *weight,
                      const tally_tensor *mask)
{
    int64_t   dense[TALLY_MAX_RANK];
    const int lead = value->rank - c->rank;
    tally__dense(c->rank, c->shape, dense);
    g->rank = 0;
    for (int a = 0; a < value->rank; a++) {
        if (value->shape[a] == 1)
            continue;
        int64_t *stride = g->stride[g->rank];
        stride[LANE_VALUE] = value->stride[a];
        stride[LANE_WEIGHT] = aligned_stride(value, weight, a);
        stride[LANE_MASK] = aligned_stride(value, mask, a);
        stride[LANE_CELL] = a < lead ? 0 : dense[a - lead];
        g->size[g->rank++] = value->shape[a];
        if (g->rank > 1 && walk_joins(g, g->rank - 1)) {
            memcpy(g->stride[g->rank - 2], stride, sizeof g->stride[0]);
            g->size[g->rank - 2] *= g->size[g->rank - 1];
            g->rank--;
        }
    }
}

/* the longest summed axis becomes the run, or the last where the order of entries counts; the others are walked */
static void walk_take_run(add_walk *g, tally__addends *r, bool in_order)
{
    int best = -1;
    for (int a = 0; a < g->rank; a++)
        if (!g->stride[a][LANE_CELL] && (best < 0 || in_order || g->size[a] >= g->size[best]))
            best = a;
    r->n = 1;
    r->sv = r->sw = r->sm = 0;
    if (best < 0)
        return;
    r->n = (size_t)g->size[best];
    r->sv = g->stride[best][LANE_VALUE];
    r->sw = g->stride[best][LANE_WEIGHT];
    r->sm = g->stride[best][LANE_MASK];
    g->rank--;
    memmove(&g->size[best], &g->size[best + 1], (size_t)(g->rank - best) * sizeof g->size[0]);
    memmove(g->stride[best], g->stride[best + 1], (size_t)(g->rank - best) * sizeof g->stride[0]);
}

static tally_status walk_all(const add_walk *g, tally__cell *c, tally_context *x, tally__addends r, tally_error *err)
{
    const add_function add = add_row[c->kind];
    int64_t            at[TALLY_MAX_RANK] = { 0 }, k = 0;
    const int64_t      bytes[3] = { (int64_t)tally__element_size(r.dv), r.w ? (int64_t)tally__element_size(r.dw) : 0,
                                    r.m ? (int64_t)tally__element_size(r.dm) : 0 };
    for (;;) {
        tally_status s = add(c, x, k, &r, err);
        int          a = g->rank - 1;
        if (s)
            return s;
        for (; a >= 0; a--) {
            const int64_t *stride = g->stride[a], by = ++at[a] < g->size[a] ? 1 : 1 - g->size[a];
            r.v += by * stride[LANE_VALUE] * bytes[0];
            r.w = r.w ? r.w + by * stride[LANE_WEIGHT] * bytes[1] : NULL;
            r.m = r.m ? r.m + by * stride[LANE_MASK] * bytes[2] : NULL;
            k += by * stride[LANE_CELL];
            if (by == 1)
                break;
            at[a] = 0;
        }
        if (a < 0)
            return TALLY_OK;
    }
}

#if !defined NDEBUG
static bool is_aligned(const tally_tensor *value, const tally_tensor *t)
{
    if (!t)
        return true;
    for (int a = 0; a < t->rank; a++)
        if (a >= value->rank || (t->shape[a] != value->shape[a] && t->shape[a] != 1))
            return false;
    return true;
}
#endif

static tally_status accumulate_row(tally__cell *c, tally_context *x, const tally_tensor *value, tally_error *err)
{
    tally__addends r = { value->data, NULL, NULL, value->dtype, 0, 0, 0, 0, 0, 1 };
    if (value->rank) {
        r.n = (size_t)value->shape[0];
        r.sv = value->stride[0];
    }
    if (!r.n)
        return TALLY_OK;
    tally_status s = c->alone ? tally__cell_to_words(c, x, err) : TALLY_OK;
    if (s)
        return s;
    c->touched = true;
    return add_row[c->kind](c, x, 0, &r, err);
}

/* ---- truths counted by column: [rows, n] into a state of n, row by row, as they lie */
enum { COLUMN_PART = 256, COLUMN_ROWS = UINT16_MAX };

static bool columns_of_truth(const tally__cell *c, const tally_tensor *value)
{
    return c->rank && (value->dtype == TALLY_BOOL || value->dtype == TALLY_U8) && (c->kind == TALLY_STATE_COUNT || c->kind == TALLY_STATE_SUM) &&
           tally__is_dense(value);
}

/* up to COLUMN_ROWS rows, of up to COLUMN_PART columns; a byte of a bool is 0 or not, one of a uint8 its value if it is summed */
static void count_columns(int32_t *restrict total, const uint8_t *restrict p, size_t step, size_t rows, size_t columns, bool truth)
{
    memset(total, 0, columns * sizeof *total);
    for (size_t r = 0; r < rows; r++, p += step)
        if (truth)
            for (size_t j = 0; j < columns; j++)
                total[j] += p[j] != 0;
        else
            for (size_t j = 0; j < columns; j++)
                total[j] += p[j];
}

static tally_status add_totals(tally__cell *c, tally_context *x, int64_t at, const int32_t *total, size_t columns, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (size_t j = 0; j < columns && !s; j++) {
        const int64_t k = at + (int64_t)j, n = total[j];
        if (c->kind == TALLY_STATE_COUNT)
            c->whole[k] = (int64_t)((uint64_t)c->whole[k] + (uint64_t)n);
        else if (c->wide || !tally__whole_add(&c->whole[k], n))
            s = sum_add_values(c, x, k, TALLY_I64, &n, 1, 1, err);
    }
    return s;
}

static tally_status add_columns(tally__cell *c, tally_context *x, const tally_tensor *value, tally_error *err)
{
    const size_t   n = (size_t)c->n, rows = (size_t)tally__elements(value->rank - c->rank, value->shape);
    const bool     truth = value->dtype == TALLY_BOOL || c->kind == TALLY_STATE_COUNT;
    const uint8_t *p = value->data;
    int32_t        total[COLUMN_PART];
    tally_status   s = TALLY_OK;
    for (size_t row = 0; row < rows; row += COLUMN_ROWS)
        for (size_t at = 0; at < n && !s; at += COLUMN_PART) {
            const size_t columns = TALLY__MIN(n - at, (size_t)COLUMN_PART);
            count_columns(total, p + row * n + at, n, TALLY__MIN(rows - row, (size_t)COLUMN_ROWS), columns, truth);
            s = add_totals(c, x, (int64_t)at, total, columns, err);
        }
    return s;
}

/* ---- small whole numbers in float32 likewise, as labels and hits are */
static bool columns_of_floats(const tally__cell *c, const tally_tensor *value)
{
    return c->rank && c->n <= TALLY__COLUMNS && value->dtype == TALLY_F32 && c->kind == TALLY_STATE_SUM && tally__is_dense(value);
}

/* *rest becomes the rows from the first part on that has other numbers */
static tally_status add_whole_columns(tally__cell *c, tally_context *x, tally_tensor *rest, tally_error *err)
{
    const size_t columns = (size_t)c->n;
    size_t       rows = (size_t)tally__elements(rest->rank - c->rank, rest->shape);
    const float *p = rest->data;
    int32_t      total[TALLY__COLUMNS];
    tally_status s = TALLY_OK;
    for (size_t n; rows && !s; rows -= n, p += n * columns) {
        n = TALLY__MIN(rows, (size_t)WHOLE_ROWS);
        if (!tally__sum_kernels_for(TALLY__ISA_AVX512)->columns_f32(total, p, n, columns))
            break;
        s = add_totals(c, x, 0, total, columns, err);
    }
    rest->data = p;
    rest->rank = c->rank + 1;
    rest->shape[0] = (int64_t)rows;
    memcpy(rest->shape + 1, c->shape, (size_t)c->rank * sizeof c->shape[0]);
    tally__dense(rest->rank, rest->shape, rest->stride);
    return s;
}

static tally_status accumulate_any(tally__cell *c, tally_context *x, const tally_tensor *value,
                                   const tally_tensor *weight, const tally_tensor *mask, tally_error *err)
{
    tally__addends r = { value->data, NULL, NULL, value->dtype, 0, 0, 0, 0, 0, 1 };
    for (int a = 0; a < value->rank; a++) {
        if (!value->shape[a])
            return TALLY_OK;
        assert(a < value->rank - c->rank || value->shape[a] == c->shape[a - (value->rank - c->rank)]);
    }
    tally_status s = c->alone || c->unit ? tally__cell_to_words(c, x, err) : TALLY_OK;
    if (s)
        return s;
    tally__cell_unlist(c);
    c->bound = INT64_MAX;
    c->touched = true;
    if (!weight && !mask && columns_of_truth(c, value))
        return add_columns(c, x, value, err);
    tally_tensor rest = *value;
    if (!weight && !mask && columns_of_floats(c, value)) {
        s = add_whole_columns(c, x, &rest, err);
        if (s || !rest.shape[0])
            return s;
        value = &rest;
        r.v = rest.data;
    }
    add_walk g;
    walk_fill(&g, c, value, weight, mask);
    walk_take_run(&g, &r, c->kind == TALLY_STATE_LAST);
    if (weight)
        r.w = weight->data, r.dw = weight->dtype;
    if (mask)
        r.m = mask->data, r.dm = mask->dtype;
    return walk_all(&g, c, x, r, err);
}

tally_status tally__cell_accumulate(tally__cell *c, tally_context *x, const tally_tensor *value,
                                    const tally_tensor *weight, const tally_tensor *mask, tally_error *err)
{
    assert(c->built && add_row[c->kind] && value->rank >= c->rank);
    assert(is_aligned(value, weight) && is_aligned(value, mask));
    if (value->rank > 1 || c->rank || weight || mask)
        return accumulate_any(c, x, value, weight, mask, err);
    if (c->kind != TALLY_STATE_SUM || (value->rank && value->shape[0] != 1))
        return accumulate_row(c, x, value, err);
    if (value->dtype == TALLY_F32 || value->dtype == TALLY_F64) {
        c->touched = true;
        return sum_add_float(c, x, 0, load_one(value->data, value->dtype), err);
    }
    if (value->dtype == TALLY_I64 && !c->wide && !c->alone && tally__whole_add(c->whole, *(const int64_t *)value->data)) {
        c->touched = true;
        return TALLY_OK;
    }
    return accumulate_row(c, x, value, err);
}

tally_status tally__cell_add_one(tally__cell *c, tally_context *x, double v, tally_error *err)
{
    const tally__addends r = { (const char *)&v, NULL, NULL, TALLY_F64, 0, 0, 0, 0, 0, 1 };
    assert(c->built && !c->rank && add_row[c->kind]);
    c->touched = true;
    return c->number ? sum_add_float(c, x, 0, v, err) : add_row[c->kind](c, x, 0, &r, err);
}

static tally_status sum_add_ones(tally__cell *c, tally_context *x, int64_t n, tally_error *err)
{
    if (!c->wide && !c->alone && tally__whole_add(c->whole, n))
        return TALLY_OK;
    tally_status s = tally__cell_to_words(c, x, err);
    if (!s)
        tally__sum_add_i64(c->sum, n);
    return s;
}

tally_status tally__cell_add_ones(tally__cell *c, tally_context *x, int64_t n, tally_error *err)
{
    assert(c->built && !c->rank && n >= 0);
    if (!n)
        return TALLY_OK;
    if (c->kind != TALLY_STATE_SUM && c->kind != TALLY_STATE_COUNT)
        return tally__cell_add_one(c, x, 1, err);     /* the least and the greatest of n ones */
    c->touched = true;
    if (c->number)
        return sum_add_ones(c, x, n, err);
    *c->whole = (int64_t)((uint64_t)*c->whole + (uint64_t)n);
    return TALLY_OK;
}
