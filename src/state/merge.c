/* merge: the states of stores added to those of others, or taken away again, exactly: taking away is adding the negative.
 * The sources are taken at one instant and summed up in a delta for each target; one commit makes them visible, in all
 * targets or in none. What a kind's merge and negative are is kind.c. */
#include "state.h"

/* from[i * n + k] is what source i has for target k */
typedef struct merge_call {
    tally__store *const *into, *const *from;
    int                  n, sources;
    bool                 away;
} merge_call;

static const char *merge_verb(const merge_call *m)
{
    return m->away ? "unmerge" : "merge";
}

/* ---- what may meet */

static tally_status merge_check_source(const merge_call *m, int i, int k, tally_error *err)
{
    char                a[80], b[80];
    const tally__store *into = m->into[k], *from = m->from[i * m->n + k];
    tally__store_title(into, a, sizeof a);
    if (!from)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, i, "%s: %s source %d, expected a metric, found NULL", a, merge_verb(m), i);
    if (tally__schema_same(into->schema, from->schema))
        return TALLY_OK;
    tally__store_title(from, b, sizeof b);
    const char *how = strcmp(into->schema->class_name, from->schema->class_name) ? "" : " with another configuration or definition";
    return tally__fail(err, TALLY_INVALID_ARGUMENT, i, "%s: %s source %d, expected the same class and configuration, found %s%s", a,
                       merge_verb(m), i, b, how);
}

static tally_status merge_check_kinds(const merge_call *m, int k, tally_error *err)
{
    char                 a[80];
    const tally__schema *schema = m->into[k]->schema;
    for (int c = 0; c < schema->n_cells; c++) {
        const tally__kind *kind = tally__kind_of(schema->spec[c].kind);
        if (m->away ? kind->negate != NULL : kind->merge != NULL)
            continue;
        tally__store_title(m->into[k], a, sizeof a);
        return tally__fail(err, TALLY_FAILED_PRECONDITION, -1, "%s: %s, expected states that have %s, found %s \"%s\"", a, merge_verb(m),
                           m->away ? "an inverse" : "a merge", kind->name, schema->spec[c].name);
    }
    return TALLY_OK;
}

static tally_status merge_check(const merge_call *m, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (int k = 0; k < m->n && !s; k++) {
        for (int i = 0; i < m->sources && !s; i++)
            s = merge_check_source(m, i, k, err);
        if (!s)
            s = merge_check_kinds(m, k, err);
    }
    return s;
}

/* ---- the sum of the sources */

/* cells of a clone belong to nobody else */
static tally_status merge_cell(tally__delta *d, int cell, const tally__cell *from, tally_error *err)
{
    tally__cell *c = &d->cell[cell];
    tally_status s = tally__delta_build(d, cell, from->shape, err);
    if (!s)
        s = tally__cell_take_in(c, d->context, from, err);
    c->touched = d->effects = d->more = true;
    return s;
}

static tally_status merge_target(const merge_call *m, tally__store *const *copy, int k, tally__delta *d, tally_error *err)
{
    tally_status s = tally__delta_prepare(d, m->into[0]->context, m->into[k], err);
    if (!s)
        s = tally__deltas_begin(d, 1, err);
    for (int i = 0; i < m->sources && !s; i++)
        for (int c = 0; c < d->n_cells && !s; c++) {
            const tally__cell *from = &copy[i * m->n + k]->cell[c];
            if (from->built && (s = merge_cell(d, c, from, err)) && err)
                err->argument = i;
        }
    for (int c = 0; c < d->n_cells && m->away && !s; c++)
        if (d->cell[c].touched)
            s = tally__cell_negate(&d->cell[c], d->context, err);
    return s;
}

static tally_status merge_all(const merge_call *m, tally__store **copy, tally__delta *d, tally_error *err)
{
    tally_status s = tally__store_snapshot(m->from, m->n * m->sources, copy, err);
    for (int k = 0; k < m->n && !s; k++)
        s = merge_target(m, copy, k, &d[k], err);
    return s ? s : tally__commit(m->into[0]->context, d, m->n, err);
}

tally_status tally__stores_merge(tally__store *const *into, int n, tally__store *const *from, int sources, bool away, tally_error *err)
{
    const merge_call m = { into, from, n, sources, away };
    tally_status     s = merge_check(&m, err);
    if (s || n <= 0 || sources <= 0)
        return s;
    const size_t   copies = (size_t)n * (size_t)sources, bytes = (size_t)n * sizeof(tally__delta) + copies * sizeof(tally__store *);
    tally_context *x = into[0]->context;
    tally__delta  *d = tally__zalloc(x, bytes);
    if (!d)
        return tally__fail_memory(err, bytes);
    tally__store **copy = (tally__store **)(void *)(d + n);
    s = merge_all(&m, copy, d, err);
    for (int k = 0; k < n; k++)
        tally__delta_drop(&d[k]);
    for (size_t i = 0; i < copies; i++)
        tally__store_release(copy[i]);
    tally__free(x, d, bytes);
    return s;
}
