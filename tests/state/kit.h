/* kit: what the tests of the state floor share: stores of a few shapes, one call as a line, states compared as bytes. */
#ifndef TALLY_TESTS_STATE_KIT_H
#define TALLY_TESTS_STATE_KIT_H

#include "../support.h"

#include "../../src/state/state.h"

enum { KIT_TOTAL, KIT_COUNT, KIT_LOW, KIT_HIGH, KIT_CLASSES, KIT_CELLS };

/* sum, count, least, greatest of scalars, and a sum per class whose number the first update decides */
static inline tally__schema *kit_schema(tally_context *x, const char *class_name, tally_error *err)
{
    static const tally__cell_spec spec[KIT_CELLS] = { { "total", TALLY_STATE_SUM, 0, 0, { 0 } },
                                                      { "count", TALLY_STATE_COUNT, 0, 0, { 0 } },
                                                      { "low", TALLY_STATE_MIN, 0, 0, { 0 } },
                                                      { "high", TALLY_STATE_MAX, 0, 0, { 0 } },
                                                      { "classes", TALLY_STATE_SUM, 0, 1, { -1 } } };
    return tally__schema_new(x, TALLY__METRIC, class_name, KIT_CELLS, spec, NULL, 0, "key", 3, "print", 5, err);
}

static inline tally__store *kit_store(tally_context *x, const char *class_name, const char *name, tally_error *err)
{
    tally__schema *schema = kit_schema(x, class_name, err);
    tally__store  *s = schema ? tally__store_new(x, schema, name, err) : NULL;
    tally__schema_release(schema);
    return s;
}

/* one call: all five states take n values; classes (0: none) takes k of them as one row */
static inline tally_status kit_accumulate(tally__delta *d, const double *v, int n, int classes, tally_error *err)
{
    tally_tensor x = tally_vector(v, n), row = tally_vector(v, classes);
    tally_status s = TALLY_OK;
    for (int i = KIT_TOTAL; i <= KIT_HIGH && !s; i++)
        s = tally__delta_accumulate(d, i, &x, NULL, NULL, err);
    if (!s && classes)
        s = tally__delta_build(d, KIT_CLASSES, row.shape, err);
    return s || !classes ? s : tally__delta_accumulate(d, KIT_CLASSES, &row, NULL, NULL, err);
}

static inline tally_status kit_update(tally__store *s, const double *v, int n, int classes, tally_error *err)
{
    tally__delta d = { 0 };
    tally_status status = tally__delta_prepare(&d, s->context, s, err);
    if (!status)
        status = tally__deltas_begin(&d, 1, err);
    if (!status)
        status = kit_accumulate(&d, v, n, classes, err);
    if (!status)
        status = tally__commit(s->context, &d, 1, err);
    tally__deltas_end(&d, 1);
    tally__delta_drop(&d);
    return status;
}

typedef struct kit_bytes {
    size_t   n;
    uint8_t *p;
} kit_bytes;

static inline kit_bytes kit_pack(tally__store *s)
{
    kit_bytes b = { tally__store_pack(s, NULL, 0), NULL };
    b.p = malloc(b.n);
    if (!b.p || tally__store_pack(s, b.p, b.n) != b.n)
        abort();
    return b;
}

static inline bool kit_bytes_same(kit_bytes a, kit_bytes b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* equal by cells and by bytes, which must agree */
static inline bool kit_same(tally__store *a, tally__store *b)
{
    kit_bytes p = kit_pack(a), q = kit_pack(b);
    bool      same = kit_bytes_same(p, q), cells = true;
    for (int i = 0; i < a->schema->n_cells; i++)
        cells &= tally__cell_same(&a->cell[i], &b->cell[i]);
    free(p.p);
    free(q.p);
    if (same != cells)
        abort();
    return same;
}

static inline double kit_total(tally__store *s, int cell)
{
    return tally__cell_round(&s->cell[cell], 0);
}

#endif
