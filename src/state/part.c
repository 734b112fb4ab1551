/* part: a delta for some of the rows of a call. It is filled by whatever thread runs those rows, which must ask no context
 * for memory, so all that adding may ever need is there before. Merging is exact: how the rows were cut changes no bit of
 * the whole. Knows no rows and no threads. */
#include "state.h"

tally_status tally__delta_part(tally__delta *part, const tally__delta *whole, int cell, tally_error *err)
{
    tally__cell *c = &part->cell[cell];
    assert(whole->cell[cell].built && !part->reads);
    tally_status s = TALLY_OK;
    if (!c->built)
        s = tally__cell_build(c, part->context, whole->cell[cell].shape, err);
    if (!s && c->kind == TALLY_STATE_SUM)
        s = tally__cell_room_wide(c, part->context, err);
    if (!s && c->kind == TALLY_STATE_SUM)
        s = tally__cell_room_entries(c, part->context, err);
    return s;
}

tally_status tally__delta_part_merge(tally__delta *whole, tally__delta *part, int cell, tally_error *err)
{
    tally__cell *into = &whole->cell[cell], *from = &part->cell[cell];
    tally_status s = from->touched ? tally__cell_take_in(into, whole->context, from, err) : TALLY_OK;
    if (s || !from->touched)
        return s;
    tally__cell_empty(from);
    into->touched = whole->effects = true;
    whole->more |= !into->number;
    return TALLY_OK;
}
