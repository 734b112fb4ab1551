/* delta: what one call does to one store, kept apart from it until the commit. All effects of a call compose to (reset?,
 * what was added since); a read is the copy taken at the call's begin plus that. A delta's memory is kept between calls.
 * It says nothing about when effects become visible: that is commit.c. */
#include "state.h"

/* ---- memory */

static void delta_empty(tally__delta *d)
{
    tally__cell *c = d->cell;
    for (int i = 0, n = d->n_cells; i < n; i++, c++) {
        if (c->touched)
            tally__cell_empty(c);
        if (c->open) {
            c->built = d->copy[i].built = false;
            memcpy(c->shape, d->schema->spec[i].shape, sizeof c->shape);
        }
    }
    d->effects = d->more = d->did_read = d->did_reset = d->did_assign = d->replaces = d->handed = false;
}

static bool delta_suits(const tally__delta *d, const tally__schema *schema, const tally_context *x)
{
    if (!d->cell || d->context != x || d->n_cells != schema->n_cells)
        return false;
    if (d->schema == schema && d->key == schema->key)
        return true;
    for (int i = 0; i < d->n_cells; i++) {
        const tally__cell      *c = &d->cell[i];
        const tally__cell_spec *spec = &schema->spec[i];
        bool                    open = false;
        if (c->kind != spec->kind || c->dtype != spec->dtype || c->rank != spec->rank)
            return false;
        for (int a = 0; a < spec->rank; a++) {
            open |= spec->shape[a] < 0;
            if (!c->open && c->shape[a] != spec->shape[a])
                return false;
        }
        if (open != c->open)
            return false;
    }
    return true;
}

static size_t delta_bytes(int n_cells)
{
    return 3 * (size_t)TALLY__MAX(n_cells, 1) * sizeof(tally__cell);
}

static tally_status cell_make(tally__cell *c, tally_context *x, tally_error *err)
{
    if (c->open)
        return TALLY_OK;
    if (tally__kind_of(c->kind)->held != TALLY__HELD_BLOCK)
        return tally__cell_build(c, x, c->shape, err);
    tally__cell_shape(c, c->shape);      /* its block is made by an assign, from the store's context */
    return TALLY_OK;
}

static tally_status delta_make(tally__delta *d, tally_context *x, const tally__schema *schema, tally_error *err)
{
    tally_status s = TALLY_OK;
    d->cell = tally__alloc(x, delta_bytes(schema->n_cells));
    if (!d->cell)
        return tally__fail_memory(err, delta_bytes(schema->n_cells));
    d->context = x;
    d->n_cells = schema->n_cells;
    d->copy = d->cell + d->n_cells;
    d->reserve = d->copy + d->n_cells;
    for (int i = 0; i < d->n_cells; i++) {
        tally__cell_init(&d->cell[i], &schema->spec[i]);
        tally__cell_init(&d->copy[i], &schema->spec[i]);
        tally__cell_init(&d->reserve[i], &schema->spec[i]);
    }
    for (int i = 0; i < d->n_cells && !s; i++)
        s = cell_make(&d->cell[i], x, err);
    return s;
}

void tally__delta_drop(tally__delta *d)
{
    const bool reads = d->reads;
    for (int i = 0; i < d->n_cells; i++) {
        assert(!d->cell[i].block && !d->copy[i].block && !d->reserved);
        tally__cell_drop(&d->cell[i], d->context);
        tally__cell_drop(&d->copy[i], d->context);
    }
    if (d->cell)
        tally__free(d->context, d->cell, delta_bytes(d->n_cells));
    memset(d, 0, sizeof *d);
    d->reads = reads;
}

tally_status tally__delta_prepare(tally__delta *d, tally_context *frame_context, tally__store *s, tally_error *err)
{
    if (!delta_suits(d, s->schema, frame_context)) {
        tally__delta_drop(d);
        tally_status status = delta_make(d, frame_context, s->schema, err);
        if (status) {
            tally__delta_drop(d);
            return status;
        }
    }
    d->schema = s->schema;
    d->key = s->schema->key;
    d->store = s;
    return TALLY_OK;
}

/* ---- a call */

tally_status tally__deltas_renew(tally__delta *d, int n, tally_error *err)
{
    tally__link *list = NULL;
    for (tally__delta *p = d + n; p != d;) {     /* backwards: handles made in order then sort at no cost */
        delta_empty(--p);
        if (!p->reads)
            continue;
        p->link = (tally__link){ NULL, p->store, p->context, p->copy, 0 };
        tally__links_add(&list, &p->link);
        assert(!p->link.next || p->link.next->store != p->store);
    }
    if (!list)
        return TALLY_OK;
    tally_status s = tally__links_copy(list, err);
    for (int i = 0; i < n && !s; i++)
        d[i].seen = d[i].link.seen;
    return s;
}

static void blocks_give(tally__block **list, tally__store *s)
{
    while (*list) {
        tally__block *b = *list;
        *list = b->next;
        tally__block_give(b, s);
    }
}

void tally__delta_give(tally__delta *d)
{
    for (int k = 0; k < d->n_cells; k++) {
        tally__block_give(d->cell[k].block, d->store);
        tally__block_give(d->copy[k].block, d->store);
        d->cell[k].block = d->copy[k].block = NULL;
    }
    blocks_give(&d->retired, d->store);
}

static tally_status size_fail(const tally__delta *d, int cell, int rank, const int64_t *want, const int64_t *shape,
                              tally_error *err)
{
    char        title[80], a[80], b[80];
    tally__text ta = { a, sizeof a, 0 }, tb = { b, sizeof b, 0 };
    tally__store_title(d->store, title, sizeof title);
    tally__put_shape(&ta, rank, want);
    tally__put_shape(&tb, rank, shape);
    return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: state \"%s\", expected sizes %s as built, found %s", title,
                       d->schema->spec[cell].name, a, b);
}

tally_status tally__delta_build(tally__delta *d, int cell, const int64_t *shape, tally_error *err)
{
    tally__cell *c = &d->cell[cell];
    if (!tally__cell_fits(c, shape))
        return size_fail(d, cell, c->rank, c->shape, shape, err);
    if (c->built)
        return TALLY_OK;
    d->more = true;
    tally__cell now = d->copy[cell];
    if (!d->reads)
        now.built = tally__store_shape(d->store, cell, now.shape) >= 0;
    if (now.built && !tally__cell_fits(&now, shape))
        return size_fail(d, cell, c->rank, now.shape, shape, err);
    if (tally__kind_of(c->kind)->held != TALLY__HELD_BLOCK)
        return tally__cell_build(c, d->context, shape, err);
    tally__cell_shape(c, shape);
    return TALLY_OK;
}

void tally__delta_reset(tally__delta *d)
{
    d->effects = d->more = d->did_reset = true;
    for (int i = 0; i < d->n_cells; i++)
        if (d->cell[i].touched && !d->cell[i].block) {
            tally__cell_reset(&d->cell[i]);
            d->cell[i].touched = d->cell[i].open;     /* sizes that a batch brought outlive the reset, as they do in a store */
        }
}

tally_status tally__delta_accumulate(tally__delta *d, int cell, const tally_tensor *value, const tally_tensor *weight,
                                     const tally_tensor *mask, tally_error *err)
{
    tally__cell *c = &d->cell[cell];
    if (!c->built) {
        if (!tally__elements(value->rank, value->shape))
            return TALLY_OK;
        tally_status s = tally__delta_build(d, cell, value->shape + (value->rank - c->rank), err);
        if (s)
            return s;
    }
    tally_status s = tally__cell_accumulate(c, d->context, value, weight, mask, err);
    if (c->touched) {
        d->effects = true;
        d->more |= !c->number;
    }
    return s;
}

tally_status tally__delta_scatter(tally__delta *d, int cell, int axis, const tally_tensor *index, const tally_tensor *value,
                                  const tally_tensor *weight, const tally_tensor *mask, tally_error *err)
{
    tally__cell *c = &d->cell[cell];
    tally_status s = tally__cell_scatter(c, d->context, axis, index, value, weight, mask, err);
    if (c->touched)
        d->effects = d->more = true;
    return s;
}

tally_status tally__delta_one_more(tally__delta *d, int cell, double v, tally_error *err)
{
    d->effects = true;
    d->more |= !d->cell[cell].number;
    return tally__cell_add_one(&d->cell[cell], d->context, v, err);
}

tally_status tally__delta_count_more(tally__delta *d, int cell, int64_t n, tally_error *err)
{
    if (!n)
        return TALLY_OK;
    d->effects = true;
    d->more |= !d->cell[cell].number;
    return tally__cell_add_ones(&d->cell[cell], d->context, n, err);
}

/* ---- variables */

static tally_status assign_check(const tally__delta *d, int cell, const tally_tensor *value, tally_error *err)
{
    const tally__cell *c = &d->cell[cell];
    char               title[80];
    tally__store_title(d->store, title, sizeof title);
    if (value->dtype != c->dtype)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: assigned value, expected dtype %s, found %s", title,
                           tally_dtype_name((tally_dtype)c->dtype), tally_dtype_name((tally_dtype)value->dtype));
    bool same = value->rank == c->rank;
    for (int a = 0; same && a < c->rank; a++)
        same = value->shape[a] == c->shape[a];
    if (same)
        return TALLY_OK;
    char        want[80], found[80];
    tally__text t = { want, sizeof want, 0 }, u = { found, sizeof found, 0 };
    tally__put_shape(&t, c->rank, c->shape);
    tally__put_shape(&u, value->rank, value->shape);
    return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: assigned value, expected sizes %s, found %s", title, want,
                       found);
}

tally_status tally__delta_assign(tally__delta *d, int cell, const tally_tensor *value, tally_error *err)
{
    tally__cell  *c = &d->cell[cell];
    const size_t  bytes = (size_t)c->n * tally__element_size(c->dtype);
    tally__block *b = d->handed ? NULL : c->block;     /* one of which no view exists may be written again */
    tally_status  s = assign_check(d, cell, value, err);
    if (s)
        return s;
    if (!b && !(b = tally__block_take(d->store, bytes)))
        return tally__fail_memory(err, bytes);
    tally__tensor_pack(b->data, c->dtype, value);
    if (c->block && c->block != b) {
        c->block->next = d->retired;
        d->retired = c->block;
        d->handed = false;
    }
    c->block = b;
    c->touched = d->effects = d->more = d->did_assign = true;
    return TALLY_OK;
}

static const tally__block *delta_block(tally__delta *d, int cell)
{
    if (d->cell[cell].block)
        return d->cell[cell].block;
    assert(d->reads && d->copy[cell].block);
    d->did_read = true;
    return d->copy[cell].block;
}

tally_tensor tally__delta_tensor(tally__delta *d, int cell)
{
    const tally__cell *c = &d->cell[cell];
    tally_tensor       x = { delta_block(d, cell)->data, c->dtype, c->rank, { 0 }, { 0 } };
    memcpy(x.shape, c->shape, sizeof x.shape);
    tally__dense(x.rank, x.shape, x.stride);
    d->handed |= c->block != NULL;
    return x;
}

void tally__delta_tensor_copy(tally__delta *d, int cell, void *dst)
{
    const tally__block *b = delta_block(d, cell);
    if (b->bytes)
        memcpy(dst, b->data, b->bytes);
}

/* ---- reads */

void tally__delta_read(tally__delta *d, int cell, int64_t k, tally__sum *out)
{
    const tally__cell *own = d->cell[cell].touched ? &d->cell[cell] : NULL;
    if (d->cell[cell].listed)
        tally__cell_unlist(&d->cell[cell]);
    if (d->did_reset) {
        tally__cell_get2(&d->cell[cell], NULL, k, out);
        return;
    }
    assert(d->reads);
    d->did_read = true;
    tally__cell_get2(&d->copy[cell], own, k, out);
}

int64_t tally__delta_elements(const tally__delta *d, int cell, int64_t shape[TALLY_MAX_RANK])
{
    const tally__cell *c = d->cell[cell].built ? &d->cell[cell] : &d->copy[cell];
    if (c->built) {
        memcpy(shape, c->shape, (size_t)c->rank * sizeof *shape);
        return c->n;
    }
    if (d->reads)
        return -1;
    const int rank = tally__store_shape(d->store, cell, shape);
    return rank < 0 ? -1 : tally__cell_size(rank, shape);
}
