/* cell: one state's sizes and memory. A cell keeps the memory it once had, so a state that is reset, or a delta that is
 * used again, allocates nothing. How a SUM is held (whole numbers, one number alone, or the words of an exact sum from the
 * first value that needs them) is decided here and never shows in a value or a byte. What the kinds mean is kind.c. */
#include "state.h"

int64_t tally__cell_size(int rank, const int64_t *shape)
{
    const int64_t most = PTRDIFF_MAX / (int64_t)sizeof(tally__sum);   /* so that no byte size overflows */
    int64_t       n = 1;
    bool          none = false;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return -1;
        none |= shape[i] == 0;
    }
    if (none)
        return 0;
    for (int i = 0; i < rank; i++) {
        if (shape[i] > most / n)
            return -1;
        n *= shape[i];
    }
    return n;
}

void tally__cell_init(tally__cell *c, const tally__cell_spec *spec)
{
    memset(c, 0, sizeof *c);
    c->kind = spec->kind;
    c->dtype = spec->dtype;
    c->rank = spec->rank;
    c->number = spec->kind == TALLY_STATE_SUM && !spec->rank;
    for (int i = 0; i < spec->rank; i++) {
        c->shape[i] = spec->shape[i];
        c->open |= spec->shape[i] < 0;
    }
}

void tally__cell_shape(tally__cell *c, const int64_t *shape)
{
    for (int i = 0; i < c->rank; i++)
        c->shape[i] = shape[i];
    c->n = tally__cell_size(c->rank, c->shape);
    assert(c->n >= 0);
    c->built = true;
}

bool tally__cell_fits(const tally__cell *c, const int64_t *shape)
{
    for (int i = 0; i < c->rank; i++)
        if (c->shape[i] != shape[i] && (c->built || c->shape[i] >= 0))
            return false;
    return true;
}

/* memory for `want` elements in place of that for *room; what it held is lost */
static tally_status array_grow(void **p, int64_t *room, int64_t want, size_t element, tally_context *x,
                               tally_error *err)
{
    if (*room >= want)
        return TALLY_OK;
    void *fresh = tally__alloc(x, (size_t)want * element);
    if (!fresh)
        return tally__fail_memory(err, (size_t)want * element);
    tally__free(x, *p, (size_t)*room * element);
    *p = fresh;
    *room = want;
    return TALLY_OK;
}

tally_status tally__cell_grow(tally__cell *c, tally_context *x, tally_error *err)
{
    const bool   whole = tally__kind_of(c->kind)->held == TALLY__HELD_WHOLE;
    void        *p = whole ? (void *)c->whole : (void *)c->real, *sum = c->sum;
    tally_status s = array_grow(&p, &c->room, c->want, sizeof(int64_t), x, err);
    if (!s)
        s = array_grow(&sum, &c->room_sum, c->want_sum, sizeof(tally__sum), x, err);
    c->whole = whole ? p : NULL;
    c->real = whole ? NULL : p;
    c->sum = sum;
    return s;
}

tally_status tally__cell_room_wide(tally__cell *c, tally_context *x, tally_error *err)
{
    c->want = c->room;
    c->want_sum = c->n;
    return c->room_sum >= c->n ? TALLY_OK : tally__cell_grow(c, x, err);
}

tally_status tally__cell_to_words(tally__cell *c, tally_context *x, tally_error *err)
{
    if (c->wide)
        return TALLY_OK;
    tally_status s = tally__cell_room_wide(c, x, err);
    if (!s)
        tally__cell_widen(c);
    return s;
}

static tally_status tensor_build(tally__cell *c, tally_context *x, const int64_t *shape, tally_error *err)
{
    const size_t  bytes = (size_t)tally__cell_size(c->rank, shape) * tally__element_size(c->dtype);
    tally__block *b = tally__block_new(x, bytes);
    if (!b)
        return tally__fail_memory(err, bytes);
    memset(b->data, 0, bytes);
    tally__block_free(c->block, x);
    c->block = b;
    tally__cell_shape(c, shape);
    return TALLY_OK;
}

tally_status tally__cell_build(tally__cell *c, tally_context *x, const int64_t *shape, tally_error *err)
{
    const int64_t n = tally__cell_size(c->rank, shape);
    if (n < 0)
        return tally__fail_memory(err, SIZE_MAX);
    if (tally__kind_of(c->kind)->held == TALLY__HELD_BLOCK)
        return tensor_build(c, x, shape, err);
    c->want = n;
    c->want_sum = 0;
    tally_status s = tally__cell_grow(c, x, err);
    if (s)
        return s;
    tally__cell_shape(c, shape);
    c->listed = false;
    tally__cell_reset(c);
    return TALLY_OK;
}

void tally__cell_drop(tally__cell *c, tally_context *x)
{
    void *p = c->whole ? (void *)c->whole : (void *)c->real;
    tally__free(x, p, (size_t)c->room * sizeof(int64_t));
    tally__free(x, c->sum, (size_t)c->room_sum * sizeof(tally__sum));
    tally__free(x, c->entry, 2 * (size_t)c->room_entry * sizeof *c->entry);
    tally__block_free(c->block, x);
    c->whole = NULL;
    c->sum = NULL;
    c->entry = NULL;
    c->real = NULL;
    c->block = NULL;
    c->room = c->room_sum = c->room_entry = c->want = c->want_sum = 0;
    c->built = c->wide = c->alone = c->listed = c->touched = false;
    c->unit = 0;
}

static void whole_reset(tally__cell *c)
{
    for (int64_t k = 0; !c->listed && k < c->n; k++)
        c->whole[k] = 0;
    c->listed = false;
    c->unit = 0;
    c->bound = 0;
}

void tally__cell_reset(tally__cell *c)
{
    const tally__kind *kind = tally__kind_of(c->kind);
    c->touched = c->wide = c->alone = false;
    if (!c->built)
        return;
    if (kind->held == TALLY__HELD_WHOLE)
        whole_reset(c);
    else if (kind->held == TALLY__HELD_REAL)
        for (int64_t k = 0; k < c->n; k++)
            c->real[k] = kind->reset;
}

void tally__cell_unlist(tally__cell *c)
{
    for (int64_t i = 0; c->listed && i < c->n_entry; i++)
        c->whole[c->entry[i]] += tally__entry_units(c, i);
    c->listed = false;
}

void tally__cell_widen(tally__cell *c)
{
    assert(c->kind == TALLY_STATE_SUM && c->room_sum >= c->n);
    tally__cell_unlist(c);
    memset(c->sum, 0, (size_t)c->n * sizeof *c->sum);
    for (int64_t k = 0; k < c->n; k++)
        if (c->whole[k])
            tally__sum_deposit(&c->sum[k], c->whole[k], c->unit);
    if (c->alone)
        tally__sum_add_one(c->sum, c->lone);
    c->alone = false;
    c->unit = 0;
    c->wide = true;
}

bool tally__cell_overflows(const tally__cell *into, const tally__cell *from)
{
    if (into->kind != TALLY_STATE_SUM || into->wide || from->wide)
        return false;
    if (into->alone || from->alone || into->unit || from->unit)
        return true;
    if (into->rank && from->bound <= INT64_MAX - into->bound)
        return false;
    if (from->listed)
        return true;
    for (int64_t k = 0; k < into->n; k++)
        if (!tally__whole_fits(into->whole[k], from->whole[k]))
            return true;
    return false;
}

void tally__cell_merge(tally__cell *into, const tally__cell *from)
{
    assert(into->built && from->built && into->n == from->n && into->kind == from->kind);
    tally__cell_unlist(into);
    tally__kind_of(into->kind)->merge(into, from);
}

tally_status tally__cell_take_in(tally__cell *into, tally_context *x, const tally__cell *from, tally_error *err)
{
    tally_status s = TALLY_OK;
    if (from->wide || tally__cell_overflows(into, from))
        s = tally__cell_room_wide(into, x, err);
    if (!s)
        tally__cell_merge(into, from);
    return s;
}

/* the one number whose negative does not fit makes a SUM wide */
tally_status tally__cell_negate(tally__cell *c, tally_context *x, tally_error *err)
{
    bool wide = c->alone;
    tally__cell_unlist(c);
    for (int64_t k = 0; c->kind == TALLY_STATE_SUM && !c->wide && k < c->n; k++)
        wide |= c->whole[k] == INT64_MIN;
    if (wide) {
        tally_status s = tally__cell_room_wide(c, x, err);
        if (s)
            return s;
        tally__cell_widen(c);
    }
    tally__kind_of(c->kind)->negate(c);
    return TALLY_OK;
}

bool tally__cell_holds(tally__cell *to, const tally__cell *from)
{
    if (!from->built || tally__kind_of(from->kind)->held == TALLY__HELD_BLOCK)
        return true;
    to->want = from->n;
    to->want_sum = from->wide ? from->n : 0;
    return to->room >= to->want && to->room_sum >= to->want_sum;
}

void tally__cell_copy(tally__cell *to, const tally__cell *from)
{
    const int held = tally__kind_of(from->kind)->held;
    assert(to->kind == from->kind && to->rank == from->rank && !to->block);
    to->built = from->built;
    to->wide = from->wide;
    to->alone = from->alone;
    to->lone = from->lone;
    to->bound = from->bound;
    assert(!from->listed && !from->unit);
    to->n = from->n;
    for (int i = 0; i < from->rank; i++)
        to->shape[i] = from->shape[i];
    if (!from->built)
        return;
    if (held == TALLY__HELD_BLOCK) {
        to->block = from->block;
        tally__block_retain(to->block);
    } else if (from->wide) {
        memcpy(to->sum, from->sum, (size_t)from->n * sizeof *to->sum);
    } else if (held == TALLY__HELD_WHOLE) {
        memcpy(to->whole, from->whole, (size_t)from->n * sizeof *to->whole);
    } else {
        memcpy(to->real, from->real, (size_t)from->n * sizeof *to->real);
    }
}

bool tally__cell_same(const tally__cell *a, const tally__cell *b)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank || a->built != b->built)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i])
            return false;
    return !a->built || tally__kind_of(a->kind)->same(a, b);
}

void tally__cell_get(const tally__cell *c, int64_t k, tally__sum *out)
{
    assert(c->built && k >= 0 && k < c->n);
    tally__kind_of(c->kind)->get(c, NULL, k, out);
}

void tally__cell_get2(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out)
{
    const tally__kind *kind = tally__kind_of(a ? a->kind : b->kind);
    kind->get(a && a->built ? a : NULL, b && b->built ? b : NULL, k, out);
}

double tally__cell_round(const tally__cell *c, int64_t k)
{
    assert(c->built && k >= 0 && k < c->n);
    const int held = tally__kind_of(c->kind)->held;
    assert(held != TALLY__HELD_BLOCK);
    if (held == TALLY__HELD_REAL)
        return tally__last(c->real[k]);      /* one NaN for all */
    if (c->alone || c->unit) {
        tally__sum v;
        tally__cell_get(c, k, &v);
        return tally__sum_round(&v);
    }
    if (c->wide)
        return tally__sum_round(&c->sum[k]);
    return c->kind == TALLY_STATE_COUNT ? (double)(uint64_t)c->whole[k] : (double)c->whole[k];
}
