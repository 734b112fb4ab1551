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

bool tally__store_same(tally__store *a, tally__store *b)
{
    tally__link one = { NULL, a, NULL, NULL, 0 }, other = { NULL, b, NULL, NULL, 0 }, *list = NULL;
    bool        same = tally__schema_same(a->schema, b->schema);
    if (!same)
        return false;
    tally__links_add(&list, &one);
    tally__links_add(&list, &other);
    tally__links_lock(list);
    for (int i = 0; i < a->schema->n_cells && same; i++)
        same = tally__cell_same(&a->cell[i], &b->cell[i]);
    tally__links_unlock(list);
    return same;
}
