/* scatter: how values enter the elements of a state that indices name, as a histogram counts. Most values share a unit, 1 or the lowest bit
 * of their weights: they are added as integers, an addition each and exact; what no unit suits is added one by one as everywhere else. Of a
 * large state the elements that were touched are noted, so that nothing later costs more than these. */
#include "state.h"

#if defined TALLY_TINY_LIMITS
enum { SCATTER_BLOCK = 5, SPOTS_LEAST = 4, SPOTS_PART = 2 };
#else
enum { SCATTER_BLOCK = 512, SPOTS_LEAST = 1024, SPOTS_PART = 8 };
#endif
enum { UNIT_LEAST = -1000, UNIT_DIGITS = 51 };                /* a unit, and 2^digits units, are normal doubles */
enum { LANE_INDEX, LANE_WEIGHT, LANE_MASK, LANE_VALUE, LANES };

typedef struct scatter {
    tally__cell        *c;
    tally_context      *x;
    const tally_tensor *lane[LANES];                          /* NULL: absent */
    int64_t             base, size;                           /* the elements that an index names */
} scatter;

typedef struct entries {                                      /* some rows of the lanes */
    const char *p[LANES];
    int64_t     step[LANES];
    size_t      n;
} entries;

/* ---- spots */

tally_status tally__cell_room_spots(tally__cell *c, tally_context *x, tally_error *err)
{
    const int64_t room = c->n / SPOTS_PART;
    if (c->n < SPOTS_LEAST || c->room_spot >= room)
        return TALLY_OK;
    int64_t *spot = tally__alloc(x, (size_t)room * sizeof *spot);
    if (!spot)
        return tally__fail_memory(err, (size_t)room * sizeof *spot);
    tally__free(x, c->spot, (size_t)c->room_spot * sizeof *c->spot);
    c->spot = spot;
    c->room_spot = room;
    return TALLY_OK;
}

static tally_status spots_begin(tally__cell *c, tally_context *x, tally_error *err)
{
    tally_status s = TALLY_OK;
    if (!c->touched && c->kind == TALLY_STATE_SUM && c->n >= SPOTS_LEAST && !(s = tally__cell_room_spots(c, x, err))) {
        c->spots = true;
        c->n_spot = 0;
    }
    return s;
}

/* each once: one that comes back to 0 could not be told from a new one */
static void spots_note(tally__cell *c, int64_t k, int64_t before)
{
    if (before && c->whole[k])
        return;
    if (before || c->n_spot == c->room_spot)
        c->spots = false;
    else if (c->whole[k])
        c->spot[c->n_spot++] = k;
}

/* ---- units */

/* the lowest bit of all values and the exponent of the largest; false: one is not finite */
static bool units_of(const double *v, size_t n, int *low, int *top)
{
    *low = 0;
    *top = UNIT_LEAST;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = tally__f64_bits(v[i]) & INT64_MAX, m = bits & 0xfffffffffffff;
        int      e = (int)(bits >> 52);
        if (e == 2047)
            return false;
        if (!bits)
            continue;
        m |= (uint64_t)(e > 0) << 52;
        e = TALLY__MAX(e, 1) - 1023;
        *top = TALLY__MAX(*top, e);
        for (e -= 52; !(m & 1); e++)
            m >>= 1;
        *low = TALLY__MIN(*low, e);
    }
    return true;
}

/* whole[] in smaller units; false: a number of them would not fit */
static bool units_shrink(tally__cell *c, int unit)
{
    const int     by = c->unit - unit;
    const int64_t n = c->spots ? c->n_spot : c->n, most = by < 62 ? INT64_MAX >> by : 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t v = c->whole[c->spots ? c->spot[i] : i];
        if (v > most || v < -most)
            return false;
    }
    for (int64_t i = 0; i < n; i++)
        c->whole[c->spots ? c->spot[i] : i] *= (int64_t)1 << TALLY__MIN(by, 62);
    c->unit = (int16_t)unit;
    return true;
}

static bool units_suit(tally__cell *c, const double *v, size_t n)
{
    int low, top;
    return units_of(v, n, &low, &top) && low < c->unit && low >= UNIT_LEAST && top - low < UNIT_DIGITS && units_shrink(c, low);
}

static bool to_units(tally__cell *c, const double *v, size_t n, int64_t *units)
{
    const tally__sum_kernels *kernels = tally__sum_kernels_for(TALLY__ISA_AVX512);
    return kernels->units(v, n, c->unit, units) || (units_suit(c, v, n) && kernels->units(v, n, c->unit, units));
}

/* ---- SUM */

/* adds units, NULL: ones; how many entries were dealt with before one did not fit */
static inline size_t add_units(const scatter *s, const int64_t *at, const int64_t *units, size_t n, bool notes)
{
    tally__cell *c = s->c;
    for (size_t i = 0; i < n; i++) {
        if ((uint64_t)at[i] >= (uint64_t)s->size)
            continue;
        int64_t      *to = &c->whole[s->base + at[i]];
        const int64_t before = *to;
        if (!tally__whole_add(to, units ? units[i] : 1))
            return i;
        if (notes && c->spots)
            spots_note(c, s->base + at[i], before);
    }
    return n;
}

static size_t add_ones(const scatter *s, const int64_t *at, size_t n)
{
    return s->c->spots ? add_units(s, at, NULL, n, true) : add_units(s, at, NULL, n, false);
}

static bool is_integer64(const tally_tensor *x)
{
    return x && (x->dtype == TALLY_I64 || x->dtype == TALLY_U64);
}

/* one value of 1 for all */
static bool all_ones(const scatter *s, const entries *e)
{
    double one;
    if (s->lane[LANE_WEIGHT] || e->step[LANE_VALUE])
        return false;
    tally__load_doubles(&one, e->p[LANE_VALUE], s->lane[LANE_VALUE]->dtype, 1, 1);
    return one == 1;
}

/* w*v; 0 where nothing is added, whatever stands there */
static void load_products(const scatter *s, const entries *e, const int64_t *at, double *v)
{
    double w[SCATTER_BLOCK];
    tally__load_doubles(v, e->p[LANE_VALUE], s->lane[LANE_VALUE]->dtype, e->step[LANE_VALUE], e->n);
    if (s->lane[LANE_WEIGHT]) {
        tally__load_doubles(w, e->p[LANE_WEIGHT], s->lane[LANE_WEIGHT]->dtype, e->step[LANE_WEIGHT], e->n);
        tally__sum_kernels_for(TALLY__ISA_AVX512)->weigh(v, w, e->n);
    }
    for (size_t i = 0; i < e->n; i++)
        v[i] = (uint64_t)at[i] < (uint64_t)s->size ? v[i] : 0;
}

static size_t add_sums(const scatter *s, const entries *e, const int64_t *at)
{
    double  v[SCATTER_BLOCK];
    int64_t units[SCATTER_BLOCK];
    if (s->c->wide || is_integer64(s->lane[LANE_VALUE]))
        return 0;
    if (!s->c->unit && all_ones(s, e))
        return add_ones(s, at, e->n);
    load_products(s, e, at, v);
    if (!to_units(s->c, v, e->n, units))
        return 0;
    return s->c->spots ? add_units(s, at, units, e->n, true) : add_units(s, at, units, e->n, false);
}

/* ---- any kind */

static tally_status add_singly(const scatter *s, const entries *e, const int64_t *at, size_t from, tally_error *err)
{
    const tally_tensor *v = s->lane[LANE_VALUE], *w = s->lane[LANE_WEIGHT];
    tally_status        status = s->c->unit ? tally__cell_to_words(s->c, s->x, err) : TALLY_OK;
    s->c->spots = false;
    for (size_t i = from; i < e->n && !status; i++) {
        tally__addends r = { e->p[LANE_VALUE], w ? e->p[LANE_WEIGHT] : NULL, NULL, v->dtype, w ? w->dtype : 0, 0, 0, 0, 0, 1 };
        r.v += (int64_t)i * e->step[LANE_VALUE] * (int64_t)tally__element_size(v->dtype);
        r.w = w ? r.w + (int64_t)i * e->step[LANE_WEIGHT] * (int64_t)tally__element_size(w->dtype) : NULL;
        if ((uint64_t)at[i] < (uint64_t)s->size)
            status = tally__cell_add_run(s->c, s->x, s->base + at[i], &r, err);
    }
    return status;
}

/* -1 where the mask hides an entry */
static void load_indices(const scatter *s, const entries *e, int64_t *at)
{
    const tally_tensor *mask = s->lane[LANE_MASK];
    uint8_t             shown[SCATTER_BLOCK];
    tally__convert(at, TALLY_I64, e->p[LANE_INDEX], s->lane[LANE_INDEX]->dtype, e->step[LANE_INDEX], e->n);
    if (!mask)
        return;
    tally__convert(shown, TALLY_BOOL, e->p[LANE_MASK], mask->dtype, e->step[LANE_MASK], e->n);
    for (size_t i = 0; i < e->n; i++)
        at[i] = shown[i] ? at[i] : -1;
}

static tally_status add_entries(const scatter *s, const entries *e, tally_error *err)
{
    int64_t at[SCATTER_BLOCK];
    load_indices(s, e, at);
    const size_t done = s->c->kind == TALLY_STATE_SUM ? add_sums(s, e, at) : 0;
    return done == e->n ? TALLY_OK : add_singly(s, e, at, done, err);
}

/* ---- from tensors to entries */

/* aligned from the left with the rank of index, axes of size 1 behind */
static tally_tensor as_index(const tally_tensor *x, int rank)
{
    tally_tensor y = *x;
    for (; y.rank < rank; y.rank++) {
        y.shape[y.rank] = 1;
        y.stride[y.rank] = 0;
    }
    return y;
}

static tally_status add_row(const scatter *s, const tally__walk *w, tally_error *err)
{
    tally_status status = TALLY_OK;
    for (int64_t from = 0; from < w->length && !status; from += SCATTER_BLOCK) {
        entries e = { .n = (size_t)TALLY__MIN(w->length - from, (int64_t)SCATTER_BLOCK) };
        for (int l = 0, i = 0; l < LANES; l++)
            if (s->lane[l]) {
                e.p[l] = w->row[i] + from * w->step[i] * (int64_t)tally__element_size(s->lane[l]->dtype);
                e.step[l] = w->step[i++];
            }
        status = add_entries(s, &e, err);
    }
    return status;
}

static tally_status add_all(const scatter *s, tally_error *err)
{
    const tally_tensor *x[LANES], *index = s->lane[LANE_INDEX];
    tally_status        status = TALLY_OK;
    tally__walk         w;
    int                 n = 0;
    for (int l = 0; l < LANES; l++)
        if (s->lane[l])
            x[n++] = s->lane[l];
    tally__walk_begin(&w, n, x, index->rank, index->shape);
    for (int64_t r = 0; r < w.rows && !status; r++, tally__walk_next(&w))
        status = add_row(s, &w, err);
    return status;
}

static tally_tensor at_last(const tally_tensor *x, int64_t i)
{
    tally_tensor y = *x;
    y.rank--;
    if (y.shape[y.rank] != 1 && y.data)
        y.data = (const char *)y.data + i * y.stride[y.rank] * (int64_t)tally__element_size(y.dtype);
    return y;
}

/* The last axes of index are the first of the state: entry by entry of these, last axis first. */
static tally_status add_axes(const scatter *s, int axis, int64_t stride, tally_error *err)
{
    tally_status  status = TALLY_OK;
    tally_tensor  at[LANES];
    scatter       one = *s;
    const int64_t n = axis ? s->c->shape[axis - 1] : 0;
    if (!axis)
        return add_all(s, err);
    for (int64_t i = 0; i < n && !status; i++) {
        for (int l = 0; l < LANES; l++)
            if (s->lane[l]) {
                at[l] = at_last(s->lane[l], i);
                one.lane[l] = &at[l];
            }
        one.base = s->base + i * stride;
        status = add_axes(&one, axis - 1, stride * n, err);
    }
    return status;
}

tally_status tally__cell_scatter(tally__cell *c, tally_context *x, int axis, const tally_tensor *index, const tally_tensor *value,
                                 const tally_tensor *weight, const tally_tensor *mask, tally_error *err)
{
    const tally_tensor *given[LANES] = { index, weight, mask, value };
    tally_tensor        lane[LANES];
    scatter             s = { c, x, { NULL }, 0, 1 };
    assert(c->built && tally__kind_of(c->kind)->merge && axis >= 0 && axis < c->rank && index->rank >= axis && value->dtype != TALLY__EXACT);
    if (!tally__elements(index->rank, index->shape))
        return TALLY_OK;
    for (int l = 0; l < LANES; l++)
        if (given[l]) {
            lane[l] = as_index(given[l], index->rank);
            s.lane[l] = &lane[l];
        }
    for (int a = axis; a < c->rank; a++)
        s.size *= c->shape[a];
    tally_status status = spots_begin(c, x, err);
    if (status)
        return status;
    c->touched = true;
    return add_axes(&s, axis, s.size, err);
}
