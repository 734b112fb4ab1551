/* store: cells behind one lock, and the verbs that treat a store as a whole. What one call does to it is delta.c; how
 * that becomes its new state, commit.c. A store never knows whether it is a metric or a variable, beyond its schema. */
#include "state.h"

static size_t store_bytes(const tally__schema *schema, const char *name)
{
    return sizeof(tally__store) + (size_t)schema->n_cells * sizeof(tally__cell) + (name ? strlen(name) + 1 : 0);
}

/* no cell is built */
static tally__store *store_blank(tally_context *x, tally__schema *schema, const char *name, tally_error *err)
{
    const size_t  bytes = store_bytes(schema, name);
    tally__store *s = tally__alloc(x, bytes);
    if (!s) {
        tally__fail_memory(err, bytes);
        return NULL;
    }
    memset(s, 0, sizeof *s);
    atomic_init(&s->references, 1);
    s->context = tally_context_retain(x);
    s->schema = schema;
    tally__schema_retain(schema);
    tally__lock_init(&s->lock);
    s->bytes = bytes;
    s->cell = (tally__cell *)(void *)(s + 1);
    for (int i = 0; i < schema->n_cells; i++)
        tally__cell_init(&s->cell[i], &schema->spec[i]);
    if (name)
        s->name = strcpy((char *)(void *)(s->cell + schema->n_cells), name);
    return s;
}

tally__store *tally__store_new(tally_context *x, tally__schema *schema, const char *name, tally_error *err)
{
    tally__store *s = store_blank(x, schema, name, err);
    for (int i = 0; s && i < schema->n_cells; i++)
        if (!s->cell[i].open && tally__cell_build(&s->cell[i], x, schema->spec[i].shape, err)) {
            tally__store_release(s);
            return NULL;
        }
    return s;
}

void tally__store_retain(tally__store *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
}

void tally__store_release(tally__store *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    tally_context *x = s->context;
    for (int i = 0; i < s->schema->n_cells; i++)
        tally__cell_drop(&s->cell[i], x);
    for (tally__block *b = s->pool, *next; b; b = next) {
        next = b->next;
        atomic_store_explicit(&b->references, 1, memory_order_relaxed);
        tally__block_free(b, x);
    }
    tally__companion *companion = s->companion;
    tally__schema_release(s->schema);
    tally__lock_destroy(&s->lock);
    tally__free(x, s, s->bytes);
    if (companion && atomic_fetch_sub_explicit(&companion->references, 1, memory_order_acq_rel) == 1)
        companion->drop(companion);
    tally_context_release(x);
}

void tally__store_title(const tally__store *s, char *out, size_t n)
{
    tally__text t = { out, n, 0 };
    tally__put(&t, "%s", s->schema->class_name);
    if (s->name)
        tally__put(&t, " \"%s\"", s->name);
}

int tally__store_shape(tally__store *s, int i, int64_t shape[TALLY_MAX_RANK])
{
    tally__lock_take(&s->lock);
    const tally__cell *c = &s->cell[i];
    const int          rank = c->built ? c->rank : -1;
    for (int a = 0; a < rank; a++)
        shape[a] = c->shape[a];
    tally__lock_drop(&s->lock);
    return rank;
}

tally_status tally__store_reset(tally__store *s)
{
    tally__lock_take(&s->lock);
    for (int i = 0; i < s->schema->n_cells; i++)
        tally__cell_reset(&s->cell[i]);
    s->commits++;
    tally__lock_drop(&s->lock);
    return TALLY_OK;
}

static tally_status snapshot_into(tally__store *const *s, int n, tally__store **out, tally__link *link,
                                  tally_error *err)
{
    tally__link *list = NULL;
    for (int i = 0; i < n; i++) {
        tally_status failed = TALLY_RESOURCE_EXHAUSTED;
        out[i] = store_blank(s[i]->context, s[i]->schema, s[i]->name, err);
        if (!out[i])
            return failed;
        link[i] = (tally__link){ NULL, s[i], s[i]->context, out[i]->cell, 0 };
        tally__links_add(&list, &link[i]);
    }
    return tally__links_copy(list, err);
}

tally_status tally__store_snapshot(tally__store *const *s, int n, tally__store **out, tally_error *err)
{
    tally__link  one, *link = &one;
    const size_t bytes = (size_t)TALLY__MAX(n, 0) * sizeof *link;
    for (int i = 0; i < n; i++)
        out[i] = NULL;
    for (int i = 0; i < n; i++)
        if (!s[i])
            return tally__fail(err, TALLY_INVALID_ARGUMENT, i, "snapshot: metric %d, expected a metric, found NULL", i);
    if (n > 1 && !(link = tally__alloc(s[0]->context, bytes)))
        return tally__fail_memory(err, bytes);
    tally_status status = snapshot_into(s, n, out, link, err);
    for (int i = 0; status && i < n; i++) {
        tally__store_release(out[i]);
        out[i] = NULL;
    }
    if (n > 1)
        tally__free(s[0]->context, link, bytes);
    return status;
}

tally__store *tally__store_clone(tally__store *s, tally_error *err)
{
    tally__store *out;
    return tally__store_snapshot(&s, 1, &out, err) ? NULL : out;
}

/* ---- merge */

static tally_status merge_check(const tally__store *into, tally__store *const *from, int n, tally_error *err)
{
    char a[80], b[80];
    tally__store_title(into, a, sizeof a);
    for (int i = 0; i < n; i++) {
        if (!from[i])
            return tally__fail(err, TALLY_INVALID_ARGUMENT, i, "%s: merge source %d, expected a metric, found NULL",
                               a, i);
        if (tally__schema_same(into->schema, from[i]->schema))
            continue;
        tally__store_title(from[i], b, sizeof b);
        return tally__fail(err, TALLY_INVALID_ARGUMENT, i,
                           "%s: merge source %d, expected the same class and configuration, found %s", a, i, b);
    }
    for (int i = 0; i < into->schema->n_cells; i++)
        if (!tally__kind_of(into->schema->spec[i].kind)->merge)
            return tally__fail(err, TALLY_FAILED_PRECONDITION, -1,
                               "%s: merge, expected states that have a merge, found %s \"%s\"", a,
                               tally__kind_of(into->schema->spec[i].kind)->name, into->schema->spec[i].name);
    return TALLY_OK;
}

/* adds a source's cell to the delta's; cells of a clone belong to nobody else */
static tally_status merge_cell(tally__delta *d, int i, const tally__cell *from, tally_error *err)
{
    tally__cell *c = &d->cell[i];
    tally_status s = tally__delta_build(d, i, from->shape, err);
    if (!s && (from->wide || tally__cell_overflows(c, from)))
        s = tally__cell_room_wide(c, d->context, err);
    if (s)
        return s;
    tally__cell_merge(c, from);
    c->touched = d->effects = d->more = true;
    return TALLY_OK;
}

static tally_status merge_sources(tally__delta *d, tally__store *const *copy, int n, tally_error *err)
{
    tally_status s = tally__deltas_begin(d, 1, err);
    for (int i = 0; i < n && !s; i++)
        for (int k = 0; k < d->n_cells && !s; k++)
            if (copy[i]->cell[k].built && (s = merge_cell(d, k, &copy[i]->cell[k], err)) && err)
                err->argument = i;
    return s ? s : tally__commit(d->context, d, 1, err);
}

tally_status tally__store_merge(tally__store *into, tally__store *const *from, int n, tally_error *err)
{
    tally__delta d = { 0 };
    tally_status s = merge_check(into, from, n, err);
    if (s || n <= 0)
        return s;
    tally__store **copy = tally__alloc(into->context, (size_t)n * sizeof *copy);
    if (!copy)
        return tally__fail_memory(err, (size_t)n * sizeof *copy);
    s = tally__store_snapshot(from, n, copy, err);
    if (!s)
        s = tally__delta_prepare(&d, into->context, into, err);
    if (!s)
        s = merge_sources(&d, copy, n, err);
    tally__delta_drop(&d);
    for (int i = 0; i < n; i++)
        tally__store_release(copy[i]);
    tally__free(into->context, copy, (size_t)n * sizeof *copy);
    return s;
}
