/* commit: how the effects of a call become the state of its stores, all or none, in five steps: reserve, lock, validate,
 * apply, unlock. Between the second and the fifth all touched locks are held: nothing there allocates, runs a kernel or
 * calls back (but for the hook of tests). The first reservation is empty, which is right whenever the stores have been
 * committed to before; where it does not suffice, all locks are let go, the memory is taken, and the steps start anew.
 * What most calls did, numbers added to scalar sums, is done here at its shortest; anything more is settle.c. */
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
        if (d[i].lacks)
            s = tally__settle_reserve(&d[i], err);
    return s;
}

static void drop_reserves(tally__delta *d, int n)
{
    for (int i = 0; i < n; i++)
        if (d[i].lacks | d[i].reserved)
            tally__settle_drop(&d[i]);
}

/* ---- 2 */

static tally__link *commit_lock(tally__delta *d, int n)
{
    tally__link *list = NULL;
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

static bool takes_number(const tally__cell *now, const tally__cell *c)
{
    if (c->wide | c->alone)
        return now->room_sum > 0;
    return now->wide || tally__whole_fits(*now->whole, *c->whole);
}

/* the states have the memory for the numbers; false: look closer */
static bool takes_numbers(const tally__delta *d)
{
    const tally__cell *now = d->store->cell, *c = d->cell;
    for (int k = d->n_cells; k; k--, c++, now++)
        if (c->touched && !takes_number(now, c))
            return false;
    return true;
}

static tally_status commit_validate(tally__delta *d, int n, bool *lacks, tally_error *err)
{
    *lacks = false;
    for (int i = 0; i < n; i++) {
        if (!d[i].effects || (!d[i].more && takes_numbers(&d[i])))
            continue;
        tally_status s = tally__settle_validate(&d[i], err);
        if (s)
            return s;
        *lacks |= d[i].lacks;
    }
    return TALLY_OK;
}

/* ---- 4: cannot fail */

static void apply_number(tally__cell *now, const tally__cell *c)
{
    if (!(now->wide | c->wide | c->alone))
        *now->whole += *c->whole;
    else if (now->wide && c->alone)
        tally__sum_add_one(now->sum, c->lone);
    else
        tally__cell_merge_sum(now, c);
}

/* each is empty again after it, while it is at hand: the next call then begins at no cost */
static void apply_numbers(tally__delta *d)
{
    tally__cell *now = d->store->cell, *c = d->cell;
    for (int k = d->n_cells; k; k--, c++, now++)
        if (c->touched) {
            apply_number(now, c);
            c->touched = c->wide = c->alone = false;
            *c->whole = 0;
        }
    d->effects = false;
    d->store->commits++;
}

static void commit_apply(tally__delta *d, int n)
{
    for (int i = 0; i < n; i++) {
        if (!d[i].effects)
            continue;
        if (d[i].more)
            tally__settle_apply(&d[i]);
        else
            apply_numbers(&d[i]);
    }
}

/* ---- all five */

static bool has_effects(const tally__delta *d, int n)
{
    for (int i = 0; i < n; i++)
        if (d[i].effects)
            return true;
    return false;
}

/* from the first once more where validate found that memory is lacking */
static tally_status commit_steps(tally_context *x, tally__delta *d, int n, tally_error *err)
{
    tally_status status;
    bool         lacks;
    do {
        status = commit_reserve(d, n, err);
        if (status)
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
        tally__links_unlock(held);
    } while (lacks && !status);
    drop_reserves(d, n);
    return status;
}

/* The same for one store to which numbers were added, and nothing to reserve. false: it lacks memory for them, as is now
 * noted; nothing was changed. */
static bool commit_numbers(tally_context *x, tally__delta *d)
{
    between_steps(x, 1);
    tally__lock_take(&d->store->lock);
    between_steps(x, 2);
    const bool takes = takes_numbers(d);
    if (!takes)
        tally__settle_validate(d, NULL);
    between_steps(x, 3);
    if (takes) {
        apply_numbers(d);
        between_steps(x, 4);
    }
    tally__lock_drop(&d->store->lock);
    return takes;
}

tally_status tally__commit(tally_context *x, tally__delta *d, int n, tally_error *err)
{
    if (n != 1)
        return has_effects(d, n) ? commit_steps(x, d, n, err) : TALLY_OK;
    if (!d->effects || (!d->more && commit_numbers(x, d)))
        return TALLY_OK;
    return commit_steps(x, d, 1, err);
}
