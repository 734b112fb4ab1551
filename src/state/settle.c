/* settle: the steps of a commit for one delta, whatever it holds: sizes, wide sums, resets, assigned blocks, a whole new
 * state. What a store lacks in memory can only be seen under its lock: validate notes it, reserve takes it from the
 * store's own context while no lock is held, apply hands it over. The steps themselves, and the short way of a call that
 * only added numbers, are commit.c. */
#include "state.h"

/* ---- reserve */

tally_status tally__settle_reserve(tally__delta *d, tally_error *err)
{
    tally_status s = TALLY_OK;
    d->reserved = true;
    for (int k = 0; k < d->n_cells && !s; k++) {
        tally__cell *r = &d->reserve[k];
        if (r->room < r->want || r->room_sum < r->want_sum)
            s = tally__cell_grow(r, d->store->context, err);
    }
    return s;
}

void tally__settle_drop(tally__delta *d)
{
    for (int k = 0; k < d->n_cells; k++)
        tally__cell_drop(&d->reserve[k], d->store->context);
    d->reserved = d->lacks = false;
}

/* ---- validate */

static tally_status aborted(const tally__delta *d, tally_error *err)
{
    char title[80];
    tally__store_title(d->store, title, sizeof title);
    return tally__fail(err, TALLY_ABORTED, -1,
                       "%s: a call that read and overwrote it, expected no other commit since its read, found %l; "
                       "nothing changed, repeat the call", title, (int64_t)(d->store->commits - d->seen));
}

static tally_status sizes_differ(const tally__delta *d, int cell, tally_error *err)
{
    const tally__cell *now = &d->store->cell[cell], *c = &d->cell[cell];
    char               title[80], a[80], b[80];
    tally__text        ta = { a, sizeof a, 0 }, tb = { b, sizeof b, 0 };
    tally__store_title(d->store, title, sizeof title);
    tally__put_shape(&ta, now->rank, now->shape);
    tally__put_shape(&tb, c->rank, c->shape);
    return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: state \"%s\", expected sizes %s as built, found %s", title,
                       d->schema->spec[cell].name, a, b);
}

/* notes in the reserve what the store's cell lacks to take in the delta's */
static void cell_demand(tally__delta *d, int cell)
{
    const tally__cell *now = &d->store->cell[cell], *c = &d->cell[cell];
    tally__cell       *r = &d->reserve[cell];
    bool               wide = c->wide || c->alone || c->unit;
    if (tally__kind_of(c->kind)->held == TALLY__HELD_BLOCK)
        return;
    if (now->built && !d->did_reset)
        wide |= tally__cell_overflows(now, c);
    r->want = now->room < c->n ? c->n : 0;
    r->want_sum = wide && now->room_sum < c->n ? c->n : 0;
    d->lacks |= r->room < r->want || r->room_sum < r->want_sum;
}

tally_status tally__settle_validate(tally__delta *d, tally_error *err)
{
    const tally__cell *now = d->store->cell, *c = d->cell;
    d->lacks = false;
    d->more = true;                             /* so that apply comes here too */
    if (d->did_read && (d->did_reset || d->did_assign) && d->seen != d->store->commits)
        return aborted(d, err);
    for (int k = 0; k < d->n_cells; k++, now++, c++) {
        if (!c->touched && !c->open)
            continue;
        if (c->built && now->built && !tally__cell_fits(now, c->shape))
            return sizes_differ(d, k, err);     /* also where the call bound sizes and then added nothing */
        if (c->touched && !d->replaces)
            cell_demand(d, k);
    }
    return TALLY_OK;
}

/* ---- apply: cannot fail */

static void take_reserve(tally__cell *to, tally__cell *r)
{
    if (r->room > to->room) {
        TALLY__SWAP(int64_t *, to->whole, r->whole);
        TALLY__SWAP(double *, to->real, r->real);
        TALLY__SWAP(int64_t, to->room, r->room);
    }
    if (r->room_sum > to->room_sum) {
        TALLY__SWAP(tally__sum *, to->sum, r->sum);
        TALLY__SWAP(int64_t, to->room_sum, r->room_sum);
    }
}

static void apply_cell(tally__delta *d, int cell)
{
    tally__cell *to = &d->store->cell[cell], *c = &d->cell[cell], *r = &d->reserve[cell];
    if (d->reserved)
        take_reserve(to, r);
    if (!to->built) {
        tally__cell_shape(to, c->shape);
        tally__cell_reset(to);
    }
    if (c->block)
        TALLY__SWAP(tally__block *, to->block, c->block);
    else
        tally__cell_merge(to, c);
    assert(!to->alone && !to->unit && !to->listed);
}

static void apply_additions(tally__delta *d)
{
    for (int k = 0; k < d->n_cells; k++)
        if (d->cell[k].touched)
            apply_cell(d, k);
}

static void apply_overwrites(tally__delta *d)
{
    tally__cell *now = d->store->cell, *c = d->cell;
    for (int k = 0; k < d->n_cells; k++) {
        assert(!d->replaces || !c[k].alone);
        if (d->replaces)
            TALLY__SWAP(tally__cell, now[k], c[k]);
        else
            tally__cell_reset(&now[k]);
        if (!d->replaces && c[k].touched)
            apply_cell(d, k);
    }
}

void tally__settle_apply(tally__delta *d)
{
    if (d->replaces || d->did_reset)
        apply_overwrites(d);
    else
        apply_additions(d);
    d->store->commits++;
}
