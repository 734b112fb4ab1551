/* link: several stores at one instant. Whoever needs more than one lock takes each store's once, in address order, so
 * no two callers can wait for each other. Memory for copies is taken between two looks, never under a lock. */
#include "state.h"

void tally__links_add(tally__link **list, tally__link *l)
{
    while (*list && (uintptr_t)(*list)->store < (uintptr_t)l->store)
        list = &(*list)->next;
    l->next = *list;
    *list = l;
}

void tally__links_lock(tally__link *list)
{
    const tally__store *held = NULL;
    for (; list; list = list->next) {
        if (list->store != held)
            tally__lock_take(&list->store->lock);
        held = list->store;
    }
}

void tally__links_unlock(tally__link *list)
{
    const tally__store *freed = NULL;
    for (; list; list = list->next) {
        if (list->store != freed)
            tally__lock_drop(&list->store->lock);
        freed = list->store;
    }
}

static bool link_holds(tally__link *l)
{
    bool holds = true;
    for (int i = 0; i < l->store->schema->n_cells; i++)
        holds &= tally__cell_holds(&l->to[i], &l->store->cell[i]);
    return holds;
}

static void link_copy(tally__link *l)
{
    for (int i = 0; i < l->store->schema->n_cells; i++)
        tally__cell_copy(&l->to[i], &l->store->cell[i]);
    l->seen = l->store->commits;
}

static tally_status links_grow(tally__link *list, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (tally__link *l = list; l && !s; l = l->next)
        for (int i = 0; i < l->store->schema->n_cells && !s; i++)
            if (l->to[i].room < l->to[i].want || l->to[i].room_sum < l->to[i].want_sum)
                s = tally__cell_grow(&l->to[i], l->context, err);
    return s;
}

tally_status tally__links_copy(tally__link *list, tally_error *err)
{
    for (;;) {
        bool holds = true;
        tally__links_lock(list);
        for (tally__link *l = list; l; l = l->next)
            holds &= link_holds(l);
        for (tally__link *l = list; l && holds; l = l->next)
            link_copy(l);
        tally__links_unlock(list);
        if (holds)
            return TALLY_OK;
        tally_status s = links_grow(list, err);
        if (s)
            return s;
    }
}
