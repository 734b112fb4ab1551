/* scatter: how values enter the elements of a state that indices name, as a histogram counts. Most values share a unit, 1 or the lowest bit
 * of their weights: they are added as integers, an addition each and exact; what no unit suits is added one by one as everywhere else. What
 * a call adds to few elements of a large state is listed, so that it costs nothing for the others. */
#include "state.h"

#if defined TALLY_TINY_LIMITS
enum { SCATTER_BLOCK = 5, LISTED_LEAST = 4, LISTED_PART = 2 };
#else
enum { SCATTER_BLOCK = 512, LISTED_LEAST = 64, LISTED_PART = 8 };
#endif
enum { UNIT_LEAST = -1000, UNIT_DIGITS = 51, UNIT_SPARE = 4 };   /* a unit, and 2^digits units, are normal doubles */
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

/* ---- entries of a large state */

tally_status tally__cell_room_entries(tally__cell *c, tally_context *x, tally_error *err)
{
    const int64_t room = c->n / LISTED_PART;
    const size_t  bytes = 2 * (size_t)room * sizeof *c->entry;
    if (c->n < LISTED_LEAST || c->room_entry >= room)
        return TALLY_OK;
    int64_t *entry = tally__alloc(x, bytes);
    if (!entry)
        return tally__fail_memory(err, bytes);
    tally__free(x, c->entry, 2 * (size_t)c->room_entry * sizeof *c->entry);
    c->entry = entry;
    c->room_entry = room;
    return TALLY_OK;
}

static tally_status list_begin(tally__cell *c, tally_context *x, tally_error *err)
{
    if (c->touched || c->kind != TALLY_STATE_SUM || c->n < LISTED_LEAST)
        return TALLY_OK;
    tally_status s = tally__cell_room_entries(c, x, err);
    c->listed = !s;
    c->weighed = false;
    c->n_entry = 0;
    return s;
}

static void list_weigh(tally__cell *c)
{
    for (int64_t i = 0; !c->weighed && i < c->n_entry; i++)
        c->entry[c->room_entry + i] = 1;
    c->weighed = true;
}

/* ---- units */

/* 2^k, k the lowest bit of v that is set; huge for 0 */
static inline double lowest_bit(uint64_t v)
{
    const uint64_t exponent = v & (uint64_t)2047 << 52, fraction = v & 0xfffffffffffff, bit = fraction & (0 - fraction);
    const double   power = tally__f64_from(exponent), part = tally__f64_from(exponent | bit) - power;
    return bit ? part : exponent ? power : 0x1p1023;
}

/* exponents of the lowest bit of all values and of the largest; false: one is not finite, or all are 0 */
static bool units_of(const double *v, size_t n, int *low, int *top)
{
    double   least = 0x1p1023;
    uint64_t most = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = tally__f64_bits(v[i]) & INT64_MAX;
        const double   bit = lowest_bit(bits);
        least = bit < least ? bit : least;
        most = bits > most ? bits : most;
    }
    *low = (int)(tally__f64_bits(least) >> 52) - 1023;
    *top = (int)(most >> 52) - 1023;
    return most && *top < 1024;
}

/* in smaller units; false: they might not fit */
static bool units_shrink(tally__cell *c, int unit)
{
    const int     by = c->unit - unit;
    const int64_t factor = by < 63 ? (int64_t)1 << by : INT64_MAX;       /* only 0 is multiplied by the latter */
    if (c->bound > (by < 63 ? INT64_MAX / factor : 0))
        return false;
    if (c->listed)
        list_weigh(c);
    for (int64_t i = 0; c->listed && i < c->n_entry; i++)
        c->entry[c->room_entry + i] *= factor;
    for (int64_t k = 0; !c->listed && k < c->n; k++)
        c->whole[k] *= factor;
    c->bound *= factor;
    c->unit = (int16_t)unit;
    return true;
}

/* with a little to spare, so that the next block does not ask again */
static bool units_suit(tally__cell *c, const double *v, size_t n)
{
    int low, top;
    if (!units_of(v, n, &low, &top) || low >= c->unit || low < UNIT_LEAST || top - low >= UNIT_DIGITS)
        return false;
    low = TALLY__MAX(TALLY__MAX(low - UNIT_SPARE, top - UNIT_DIGITS + 1), UNIT_LEAST);
    return units_shrink(c, low);
}

static bool to_units(tally__cell *c, const double *v, size_t n, int64_t *units)
{
    const tally__sum_kernels *kernels = tally__sum_kernels_for(TALLY__ISA_AVX512);
    return kernels->units(v, n, c->unit, units) || (units_suit(c, v, n) && kernels->units(v, n, c->unit, units));
}

/* ---- SUM */

/* units, NULL: ones; how many entries were dealt with before one did not fit */
static size_t add_checked(const scatter *s, const int64_t *at, const int64_t *units, size_t n)
{
    int64_t *whole = s->c->whole + s->base;
    s->c->bound = INT64_MAX;
    for (size_t i = 0; i < n; i++)
        if ((uint64_t)at[i] < (uint64_t)s->size && !tally__whole_add(&whole[at[i]], units ? units[i] : 1))
            return i;
    return n;
}

static uint64_t size_of(const int64_t *units, size_t n)
{
    uint64_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += (uint64_t)(units[i] < 0 ? -units[i] : units[i]);
    return size;
}

static size_t add_whole(const scatter *s, const int64_t *at, const int64_t *units, size_t n)
{
    int64_t       *whole = s->c->whole + s->base;
    const uint64_t size = units ? size_of(units, n) : n, room = (uint64_t)(INT64_MAX - s->c->bound);
    if (size > room)
        return add_checked(s, at, units, n);
    s->c->bound += (int64_t)size;
    for (size_t i = 0; !units && i < n; i++)
        if ((uint64_t)at[i] < (uint64_t)s->size)
            whole[at[i]]++;
    for (size_t i = 0; units && i < n; i++)
        if ((uint64_t)at[i] < (uint64_t)s->size)
            whole[at[i]] += units[i];
    return n;
}

/* there is room for all */
static void add_to_list(const scatter *s, const int64_t *at, const int64_t *units, size_t n)
{
    tally__cell *c = s->c;
    int64_t     *to = c->entry + c->n_entry, *weight = to + c->room_entry, kept = 0;
    if (units)
        list_weigh(c);
    for (size_t i = 0; i < n; i++) {
        to[kept] = (int64_t)((uint64_t)s->base + (uint64_t)at[i]);
        if (c->weighed)
            weight[kept] = units ? units[i] : 1;
        kept += (uint64_t)at[i] < (uint64_t)s->size;
    }
    c->n_entry += kept;
    c->bound += (int64_t)(units ? size_of(units, n) : n);
}

static size_t add_units(const scatter *s, const int64_t *at, const int64_t *units, size_t n)
{
    tally__cell *c = s->c;
    if (c->listed && (c->room_entry - c->n_entry <= (int64_t)n || c->bound > INT64_MAX / 2))
        tally__cell_unlist(c);
    if (!c->listed)
        return add_whole(s, at, units, n);
    add_to_list(s, at, units, n);
    return n;
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
        v[i] = tally__f64_from(tally__f64_bits(v[i]) & (0 - (uint64_t)((uint64_t)at[i] < (uint64_t)s->size)));
}

static size_t add_sums(const scatter *s, const entries *e, const int64_t *at)
{
    double  v[SCATTER_BLOCK];
    int64_t units[SCATTER_BLOCK];
    if (s->c->wide || is_integer64(s->lane[LANE_VALUE]))
        return 0;
    if (!s->c->unit && all_ones(s, e))
        return add_units(s, at, NULL, e->n);
    load_products(s, e, at, v);
    if (!to_units(s->c, v, e->n, units))
        return 0;
    return add_units(s, at, units, e->n);
}

/* ---- any kind */

static tally_status add_singly(const scatter *s, const entries *e, const int64_t *at, size_t from, tally_error *err)
{
    const tally_tensor *v = s->lane[LANE_VALUE], *w = s->lane[LANE_WEIGHT];
    tally_status        status = s->c->unit ? tally__cell_to_words(s->c, s->x, err) : TALLY_OK;
    tally__cell_unlist(s->c);
    s->c->bound = INT64_MAX;
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

/* ---- pairs counted in a matrix, the commonest of all: int32 indices as they lie */

/* none is below 0, and the rest up to the last neither: the highest bit of what they have together */
static bool all_within(const int32_t *at, size_t n, int64_t size)
{
    const uint32_t most = (uint32_t)TALLY__MIN(size - 1, INT32_MAX);
    uint32_t       beyond = 0;
    for (size_t i = 0; i < n; i++)
        beyond |= (uint32_t)at[i] | (most - (uint32_t)at[i]);
    return !(beyond >> 31);
}

static void list_int32(const scatter *s, const int32_t *restrict at, size_t n)
{
    int64_t *restrict to = s->c->entry + s->c->n_entry;
    for (size_t i = 0; i < n; i++)
        to[i] = s->base + at[i];
    s->c->n_entry += (int64_t)n;
}

static void count_each(const scatter *s, const int32_t *at, size_t n)
{
    int64_t *whole = s->c->whole + s->base;
    for (size_t i = 0; i < n; i++)
        if (at[i] >= 0 && at[i] < s->size)
            whole[at[i]]++;
}

/* false: it is not so simple */
static bool count_int32(const scatter *s, const entries *e)
{
    tally__cell *c = s->c;
    if (s->lane[LANE_INDEX]->dtype != TALLY_I32 || e->step[LANE_INDEX] != 1 || s->lane[LANE_MASK] || c->kind != TALLY_STATE_SUM || c->wide ||
        c->unit || c->bound > INT64_MAX - (int64_t)e->n || !all_ones(s, e))
        return false;
    const int32_t *at = (const int32_t *)(const void *)e->p[LANE_INDEX];
    if (c->listed && (c->weighed || c->room_entry - c->n_entry <= (int64_t)e->n || !all_within(at, e->n, s->size)))
        return false;
    if (c->listed)
        list_int32(s, at, e->n);
    else
        count_each(s, at, e->n);
    c->bound += (int64_t)e->n;
    return true;
}

static tally_status add_entries(const scatter *s, const entries *e, tally_error *err)
{
    int64_t at[SCATTER_BLOCK];
    if (count_int32(s, e))
        return TALLY_OK;
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
    tally_status status = list_begin(c, x, err);
    if (status)
        return status;
    c->touched = true;
    return add_axes(&s, axis, s.size, err);
}
