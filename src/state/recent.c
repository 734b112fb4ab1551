/* recent: the sum of the last contributions to a store. Each is kept packed; what comes in is added, what leaves is
 * added as its negative, exactly, so the total has the bits of the contributions in it added up afresh, whatever passed
 * through. Kinds without an inverse take two stacks: the turned contributions hold what they and the turned ones after
 * them come to, `back` what those behind come to; when no turned one is left, all are turned. Each is turned once.
 * Whatever may fail is done in `next` and before anything is turned; then total and next change places in one commit. */
#include "state.h"

enum { RECENT_LEAST = 16 };

static int recent_cells(const tally__recent *r)
{
    return r->total->schema->n_cells;
}

static bool is_group(const tally__cell *c)             /* sums and counts: what came in can be taken out */
{
    return tally__kind_of(c->kind)->negate != NULL;
}

static tally__contribution *recent_at(const tally__recent *r, int64_t i)
{
    return &r->list[(r->first + i) % r->room];
}

/* ---- life */

tally_status tally__recent_init(tally__recent *r, tally__store *total, tally_error *err)
{
    const int    n = total->schema->n_cells;
    const size_t bytes = 3 * (size_t)n * sizeof(tally__cell);
    memset(r, 0, sizeof *r);
    r->total = total;
    r->next = tally__alloc(total->context, bytes);
    if (!r->next)
        return tally__fail_memory(err, bytes);
    r->one = r->next + n;
    r->back = r->one + n;
    for (int k = 0; k < 3 * n; k++)
        tally__cell_init(&r->next[k], &total->schema->spec[k % n]);
    return TALLY_OK;
}

void tally__recent_drop(tally__recent *r)
{
    tally_context *x = r->total->context;
    const int      n = 3 * recent_cells(r);
    for (int k = 0; r->next && k < n; k++)
        tally__cell_drop(&r->next[k], x);
    tally__free(x, r->next, (size_t)n * sizeof *r->next);
    tally__free(x, r->list, (size_t)r->room * sizeof *r->list);
    tally__free(x, r->bytes, r->bytes_room);
    tally__store_release(r->total);
}

void tally__recent_reset(tally__recent *r)
{
    for (int k = 0; k < recent_cells(r); k++)
        tally__cell_reset(&r->back[k]);
    r->first = r->n = r->turned = r->rows = 0;
    r->bytes_used = 0;
    (void)tally__store_reset(r->total);
}

/* ---- the ring of contributions */

static tally_status list_grow(tally__recent *r, tally_error *err)
{
    const int64_t        room = TALLY__MAX(2 * r->room, RECENT_LEAST);
    const size_t         bytes = (size_t)room * sizeof *r->list;
    tally__contribution *list = tally__alloc(r->total->context, bytes);
    if (!list)
        return tally__fail_memory(err, bytes);
    for (int64_t i = 0; i < r->n; i++)
        list[i] = *recent_at(r, i);
    tally__free(r->total->context, r->list, (size_t)r->room * sizeof *r->list);
    r->list = list;
    r->room = room;
    r->first = 0;
    return TALLY_OK;
}

/* moved together, from the oldest on */
static tally_status bytes_grow(tally__recent *r, size_t more, tally_error *err)
{
    const size_t room = 2 * (r->bytes_used + more);
    uint8_t     *bytes = tally__alloc(r->total->context, room);
    size_t       at = 0;
    if (!bytes)
        return tally__fail_memory(err, room);
    for (int64_t i = 0; i < r->n; i++) {
        tally__contribution *c = recent_at(r, i);
        memcpy(bytes + at, r->bytes + c->at, c->bytes);
        c->at = at;
        at += c->bytes;
    }
    tally__free(r->total->context, r->bytes, r->bytes_room);
    r->bytes = bytes;
    r->bytes_room = room;
    return TALLY_OK;
}

/* where n bytes in one piece are free: behind the newest, else before the oldest; false: nowhere */
static bool bytes_find(const tally__recent *r, size_t n, size_t *at)
{
    if (!r->n) {
        *at = 0;
        return n <= r->bytes_room;
    }
    const tally__contribution *old = recent_at(r, 0), *young = recent_at(r, r->n - 1);
    const size_t               end = young->at + young->bytes;
    const bool                 around = young->at < old->at;
    *at = around || r->bytes_room - end >= n ? end : 0;
    return around ? old->at - end >= n : *at || old->at >= n;
}

static tally_status recent_room(tally__recent *r, size_t n, size_t *at, tally_error *err)
{
    tally_status s = r->n == r->room ? list_grow(r, err) : TALLY_OK;
    if (s || bytes_find(r, n, at))
        return s;
    s = bytes_grow(r, n, err);
    if (!s)
        (void)bytes_find(r, n, at);
    return s;
}

/* ---- packed: cells without an inverse, whose bytes are as many at any value, then sums and counts; each is a mark whether
 * it is built, and its elements */

static size_t pack_half(const tally__cell *c, int n_cells, bool groups, uint8_t *out)
{
    size_t n = 0;
    for (int k = 0; k < n_cells; k++) {
        if (is_group(&c[k]) != groups)
            continue;
        if (out)
            out[n] = c[k].built;
        n++;
        if (c[k].built)
            n += tally__kind_of(c[k].kind)->pack(&c[k], out ? out + n : NULL);
    }
    return n;
}

static size_t recent_pack(const tally__cell *c, int n_cells, uint8_t *out)
{
    const size_t n = pack_half(c, n_cells, false, out);
    return n + pack_half(c, n_cells, true, out ? out + n : NULL);
}

/* into r->one; sizes are those of r->next, which has taken it in */
static tally_status unpack_half(tally__recent *r, const tally__contribution *c, bool groups, size_t *at, tally_error *err)
{
    tally_context *x = r->total->context;
    tally_status   s = TALLY_OK;
    for (int k = 0; k < recent_cells(r) && !s; k++) {
        tally__cell *to = &r->one[k];
        size_t       used = 0;
        if (is_group(to) != groups)
            continue;
        to->built = false;
        if (!r->bytes[c->at + (*at)++])
            continue;
        s = tally__cell_build(to, x, r->next[k].shape, err);
        if (!s)
            (void)tally__kind_of(to->kind)->unpack(to, x, r->bytes + c->at + *at, c->bytes - *at, &used, &s, err);
        assert(s || used || !to->n);
        *at += used;
    }
    return s;
}

/* cannot fail where r->one was built */
static void unpack_least(tally__recent *r, int64_t i)
{
    size_t at = 0;
    (void)unpack_half(r, recent_at(r, i), false, &at, NULL);
}

static tally_status recent_unpack(tally__recent *r, int64_t i, tally_error *err)
{
    size_t       at = 0;
    tally_status s = unpack_half(r, recent_at(r, i), false, &at, err);
    return s ? s : unpack_half(r, recent_at(r, i), true, &at, err);
}

/* ---- the next total: what may fail */

static tally_status next_copy(tally__recent *r, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (int k = 0; k < recent_cells(r) && !s; k++) {
        const tally__cell *now = &r->total->cell[k];
        if (!tally__cell_holds(&r->next[k], now))
            s = tally__cell_grow(&r->next[k], r->total->context, err);
        if (!s)
            tally__cell_copy(&r->next[k], now);
    }
    return s;
}

/* sizes and memory for what part holds, in everything that will take it in */
static tally_status next_build(tally__recent *r, const tally__cell *part, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (int k = 0; k < recent_cells(r) && !s; k++) {
        if (part[k].built && !r->next[k].built)
            s = tally__cell_build(&r->next[k], r->total->context, part[k].shape, err);
        if (part[k].built && !s && !is_group(&part[k]) && !r->one[k].room)
            s = tally__cell_build(&r->one[k], r->total->context, part[k].shape, err);
        if (part[k].built && !s && !is_group(&part[k]) && !r->back[k].built)
            s = tally__cell_build(&r->back[k], r->total->context, part[k].shape, err);
    }
    return s;
}

static tally_status next_add(tally__recent *r, const tally__cell *from, bool away, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (int k = 0; k < recent_cells(r) && !s; k++) {
        if (!from[k].built || !is_group(&from[k]))
            continue;
        if (away)
            s = tally__cell_negate(&r->one[k], r->total->context, err);
        if (!s)
            s = tally__cell_take_in(&r->next[k], r->total->context, &from[k], err);
    }
    return s;
}

static tally_status next_make(tally__recent *r, const tally__cell *part, int64_t leaving, tally_error *err)
{
    tally_status s = next_copy(r, err);
    if (!s)
        s = next_build(r, part, err);
    if (!s)
        s = next_add(r, part, false, err);
    for (int64_t i = 0; i < leaving && !s; i++) {
        s = recent_unpack(r, i, err);
        if (!s)
            s = next_add(r, r->one, true, err);
    }
    return s;
}

/* ---- kinds without an inverse: cannot fail, all memory is there */

/* what is left of the contributions from i on has its own value: each now takes in those after it */
static void turn(tally__recent *r, int64_t from)
{
    const int n = recent_cells(r);
    for (int k = 0; k < n; k++)
        tally__cell_reset(&r->back[k]);
    for (int64_t i = r->n; i-- > from;) {
        unpack_least(r, i);
        for (int k = 0; k < n; k++)
            if (r->one[k].built && !is_group(&r->one[k])) {
                tally__cell_merge(&r->one[k], &r->back[k]);
                tally__cell_reset(&r->back[k]);
                tally__cell_merge(&r->back[k], &r->one[k]);
            }
        (void)pack_half(r->one, n, false, r->bytes + recent_at(r, i)->at);
    }
    for (int k = 0; k < n; k++)
        tally__cell_reset(&r->back[k]);
    r->turned = r->n;
}

/* the oldest turned one that was built says it for those after it; one that was not has nothing to say */
static void next_take_turned(tally__recent *r, int64_t from, int k)
{
    bool found = false;
    for (int64_t i = from; i < r->turned && !found; i++) {
        unpack_least(r, i);
        found = r->one[k].built;
    }
    if (found)
        tally__cell_merge(&r->next[k], &r->one[k]);
}

static void next_select(tally__recent *r, const tally__cell *part, int64_t leaving)
{
    bool turns = leaving > 0;
    for (int k = 0; k < recent_cells(r); k++) {
        if (is_group(&part[k]) || !part[k].built)
            continue;
        if (turns && leaving >= r->turned)
            turn(r, leaving);
        turns = false;
        tally__cell_merge(&r->back[k], &part[k]);
        tally__cell_reset(&r->next[k]);
        next_take_turned(r, leaving, k);
        tally__cell_merge(&r->next[k], &r->back[k]);
    }
}

/* ---- add */

static int64_t recent_leaving(const tally__recent *r, int64_t rows, int64_t most, int64_t rows_kept)
{
    int64_t i = 0, left = r->rows + rows;
    for (; i < r->n; i++) {
        left -= recent_at(r, i)->rows;
        if (!(most && r->n + 1 - i > most) && !(rows_kept && left >= rows_kept))
            break;
    }
    return i;
}

static void recent_commit(tally__recent *r)
{
    tally__store *s = r->total;
    tally__lock_take(&s->lock);
    for (int k = 0; k < recent_cells(r); k++)
        TALLY__SWAP(tally__cell, s->cell[k], r->next[k]);
    s->commits++;
    tally__lock_drop(&s->lock);
}

static void recent_pop(tally__recent *r, int64_t leaving)
{
    for (int64_t i = 0; i < leaving; i++) {
        r->rows -= recent_at(r, i)->rows;
        r->bytes_used -= recent_at(r, i)->bytes;
    }
    r->first = (r->first + leaving) % r->room;
    r->n -= leaving;
    r->turned = TALLY__MAX(r->turned - leaving, 0);
}

tally_status tally__recent_add(tally__recent *r, const tally__store *part, int64_t rows, int64_t most, int64_t rows_kept, tally_error *err)
{
    const int     n = recent_cells(r);
    const size_t  bytes = recent_pack(part->cell, n, NULL);
    const int64_t leaving = recent_leaving(r, rows, most, rows_kept);
    size_t        at = 0;
    tally_status  s = recent_room(r, bytes, &at, err);
    if (!s)
        s = next_make(r, part->cell, leaving, err);
    if (s)
        return s;
    next_select(r, part->cell, leaving);
    recent_commit(r);
    (void)recent_pack(part->cell, n, r->bytes + at);
    *recent_at(r, r->n++) = (tally__contribution){ rows, at, bytes };
    r->rows += rows;
    r->bytes_used += bytes;
    recent_pop(r, leaving);
    return TALLY_OK;
}
