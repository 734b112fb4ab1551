/* commit: how the effects of a call become the state of its stores, all or none, in five steps. Between the second and
 * the fifth all touched locks are held: nothing there allocates, runs a kernel or calls back (but for the hook of
 * tests). What a store lacks in memory can only be seen under its lock, so the first reservation is empty, which is
 * right whenever the stores have been committed to before; where it does not suffice, all locks are let go, the memory
 * is taken from the store's own context, and the steps start anew. */
#include "state.h"

static void between_steps(tally_context *x, int step)
{
    if (x->between_steps)
        x->between_steps(x->between_user, step);
}

/* ---- 1 */

static tally_status commit_reserve(tally__delta *d, int n, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (int i = 0; i < n && !s; i++)
        for (int k = 0; d[i].lacks && k < d[i].n_cells && !s; k++) {
            tally__cell *r = &d[i].reserve[k];
            d[i].reserved = true;
            if (r->room < r->want || r->room_sum < r->want_sum)
                s = tally__cell_grow(r, d[i].store->context, err);
        }
    return s;
}

/* ---- 2 */

static tally__link *commit_lock(tally__delta *d, int n)
{
    tally__link *list = NULL;
    if (n == 1) {
        d->link.next = NULL;
        d->link.store = d->store;
        tally__lock_take(&d->store->lock);
        return &d->link;
    }
    for (int i = n - 1; i >= 0; i--) {
        if (!d[i].effects)
            continue;
        d[i].link.store = d[i].store;
        tally__links_add(&list, &d[i].link);
        assert(!d[i].link.next || d[i].link.next->store != d[i].store);
    }
    tally__links_lock(list);
    return list;
}

/* ---- 3 */

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

/* the common case at its shortest: one number into a state that has the memory for it; false: look closer */
static bool takes_number(const tally__cell *now, const tally__cell *c)
{
    if (c->rank || !now->built)
        return false;
    if (c->kind != TALLY_STATE_SUM)
        return c->kind != TALLY_STATE_TENSOR;
    if (c->wide || c->alone)
        return now->room_sum > 0;
    return now->wide || tally__whole_fits(*now->whole, *c->whole);
}

/* notes in the reserve what the store's cell lacks to take in the delta's */
static void cell_demand(tally__delta *d, int cell)
{
    const tally__cell *now = &d->store->cell[cell], *c = &d->cell[cell];
    tally__cell       *r = &d->reserve[cell];
    bool               wide = c->wide || c->alone;
    if (tally__kind_of(c->kind)->held == TALLY__HELD_BLOCK)
        return;
    if (now->built && !d->did_reset)
        wide |= tally__cell_overflows(now, c);
    r->want = now->room < c->n ? c->n : 0;
    r->want_sum = wide && now->room_sum < c->n ? c->n : 0;
    d->lacks |= r->room < r->want || r->room_sum < r->want_sum;
}

static tally_status commit_validate(tally__delta *d, int n, bool *lacks, tally_error *err)
{
    *lacks = false;
    for (int i = 0; i < n; i++) {
        const tally__cell *now = d[i].store->cell, *c = d[i].cell;
        if (!d[i].effects)
            continue;
        if (d[i].did_read && (d[i].did_reset || d[i].did_assign) && d[i].seen != d[i].store->commits)
            return aborted(&d[i], err);
        d[i].lacks = false;
        for (int k = 0, cells = d[i].n_cells; k < cells; k++, now++, c++) {
            if (c->touched ? !d[i].replaces && takes_number(now, c) : !c->open)
                continue;
            if (c->built && now->built && !tally__cell_fits(now, c->shape))
                return sizes_differ(&d[i], k, err);     /* also where the call bound sizes and then added nothing */
            if (c->touched && !d[i].replaces)
                cell_demand(&d[i], k);
        }
        *lacks |= d[i].lacks;
    }
    return TALLY_OK;
}

/* ---- 4: cannot fail */

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
    assert(!to->alone);
}

static void apply_additions(tally__delta *d)
{
    tally__cell *now = d->store->cell, *c = d->cell;
    for (int k = 0, cells = d->n_cells; k < cells; k++, now++, c++)
        if (!c->touched)
            continue;
        else if (c->kind == TALLY_STATE_SUM && now->built && !d->reserved)
            tally__cell_merge_sum(now, c);
        else
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

static void commit_apply(tally__delta *d, int n)
{
    for (int i = 0; i < n; i++) {
        if (!d[i].effects)
            continue;
        if (d[i].replaces || d[i].did_reset)
            apply_overwrites(&d[i]);
        else
            apply_additions(&d[i]);
        d[i].store->commits++;
    }
}

/* ---- the whole */

static void drop_reserves(tally__delta *d, int n)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; (d[i].reserved || d[i].lacks) && k < d[i].n_cells; k++)
            tally__cell_drop(&d[i].reserve[k], d[i].store->context);
        d[i].reserved = d[i].lacks = false;
    }
}

tally_status tally__commit(tally_context *x, tally__delta *d, int n, tally_error *err)
{
    tally_status status = TALLY_OK;
    bool         lacks = false, any = false, again = false;
    for (int i = 0; i < n; i++)
        any = any || d[i].effects;
    while (any && !status) {
        if (again && (status = commit_reserve(d, n, err)))
            break;
        between_steps(x, 1);
        tally__link *held = commit_lock(d, n);
        between_steps(x, 2);
        status = commit_validate(d, n, &lacks, err);
        between_steps(x, 3);
        if (!status && !lacks) {
            commit_apply(d, n);
            between_steps(x, 4);
        }
        if (n == 1)
            tally__lock_drop(&d->store->lock);
        else
            tally__links_unlock(held);
        any = lacks;
        again |= lacks || status;
    }
    if (again)
        drop_reserves(d, n);
    return status;
}
