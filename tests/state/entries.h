/* entries: operands of updates with random values, sizes and strides, and what single elements of them add to a state. */
#ifndef TALLY_TESTS_STATE_ENTRIES_H
#define TALLY_TESTS_STATE_ENTRIES_H

#include "kit.h"

#include <stdint.h>

enum { POOL = 1 << 15 };

typedef struct entry {
    tally_tensor t;
    size_t       n;                      /* elements from the lowest to the highest, which lies at bytes */
    uint64_t     bytes[POOL];
    tally__sum  *sums;
} entry;

static inline double odd_value(test_rng *r)
{
    static const double special[] = { 0, -0.0, 1, -1, 0.5, 3, INFINITY, -INFINITY, NAN, 0x1p60, -0x1p62, 0x1p-1074 };
    switch (test_below(r, 4)) {
    case 0: return special[test_below(r, TALLY__COUNT(special))];
    case 1: return (double)(int64_t)test_below(r, 100) - 50;
    case 2: return test_unit(r) - 0.5;
    default: return test_any_f64(r);
    }
}

static inline void entry_fill(entry *e, test_rng *r, size_t n)
{
    const int32_t dtype = e->t.dtype;
    const int     tame = (int)test_below(r, 3);
    const size_t  size = tally__element_size(dtype);
    char         *p = (char *)e->bytes;
    for (size_t k = 0; dtype == TALLY__EXACT && k < n; k++) {
        memset(&e->sums[k], 0, sizeof e->sums[k]);
        for (size_t i = test_below(r, 3); i; i--)
            tally__sum_add_one(&e->sums[k], tame ? (double)test_below(r, 9) : odd_value(r));
    }
    for (size_t k = 0; dtype != TALLY__EXACT && k < n; k++, p += size) {
        const uint64_t bits = test_next(r);
        if (dtype == TALLY_BOOL)
            *(uint8_t *)p = bits & 1;
        else if (tame == 2 && !tally__is_float(dtype))
            memcpy(p, &bits, size);
        else
            tally__store_f64(p, dtype, tame ? (double)(int64_t)test_below(r, 7) : odd_value(r));
    }
}

/* a view of these sizes with strides that are 0, negative, permuted, or leave gaps; exactly its extent is filled */
static inline void entry_make(entry *e, test_rng *r, int32_t dtype, int rank, const int64_t *shape)
{
    int64_t step = 1, low = 0, high = 0;
    int     order[TALLY_MAX_RANK] = { 0, 1, 2, 3, 4, 5 };
    e->t = (tally_tensor){ NULL, dtype, rank, { 0 }, { 0 } };
    for (int i = rank - 1; i > 0; i--) {
        const int j = test_below(r, 2) ? i : (int)test_below(r, (size_t)i + 1);
        TALLY__SWAP(int, order[i], order[j]);
    }
    for (int i = rank - 1; i >= 0; i--) {
        const int     a = order[i];
        const int64_t last = shape[a] ? shape[a] - 1 : 0;
        e->t.shape[a] = shape[a];
        e->t.stride[a] = test_below(r, 9) ? step : 0;
        if (test_below(r, 6) == 0)
            e->t.stride[a] = -e->t.stride[a];
        low += e->t.stride[a] < 0 ? -e->t.stride[a] * last : 0;
        high += e->t.stride[a] > 0 ? e->t.stride[a] * last : 0;
        step *= shape[a] ? shape[a] : 1;
        if (step < 40 && test_below(r, 8) == 0)
            step *= 2;
    }
    const size_t n = (size_t)(low + high + 1);
    assert_true(n <= (dtype == TALLY__EXACT ? (size_t)POOL : sizeof e->bytes / tally__element_size(dtype)));
    e->n = n;
    entry_fill(e, r, n);
    e->t.data = dtype == TALLY__EXACT ? (const char *)(e->sums + low)
                                      : (const char *)e->bytes + low * (int64_t)tally__element_size(dtype);
}

static inline const char *element(const tally_tensor *t, const int64_t *at, const tally_tensor *value)
{
    int64_t off = 0;
    for (int a = 0; a < t->rank; a++)
        if (t->shape[a] == value->shape[a])
            off += at[a] * t->stride[a];
    return (const char *)t->data + off * (int64_t)tally__element_size(t->dtype);
}

static inline void oracle_element(tally__sum *sum, double *real, uint64_t *count, int32_t dtype, const char *p, double w)
{
    const double v = dtype == TALLY__EXACT ? tally__sum_round((const void *)p) : tally__load_f64(p, dtype);
    int64_t      i64;
    uint64_t     u64;
    memcpy(&i64, p, sizeof i64);
    memcpy(&u64, p, sizeof u64);
    if (w != 1)
        tally__sum_add_one(sum, w * v);
    else if (dtype == TALLY__EXACT)
        tally__sum_merge(sum, (const void *)p);
    else if (dtype == TALLY_I64)
        tally__sum_add_i64(sum, i64);
    else if (dtype == TALLY_U64)
        tally__sum_add_u64(sum, u64);
    else
        tally__sum_add_one(sum, v);
    *count += v != 0 && w != 0;
    if (w != 0) {
        const bool nan = isnan(v) || isnan(real[0]);
        real[0] = nan ? NAN : v < real[0] || (v == real[0] && signbit(v)) ? v : real[0];
        real[2] = v;
        real[1] = nan ? NAN : v > real[1] || (v == real[1] && signbit(real[1])) ? v : real[1];
    }
}

/* ---- what the elements of a cell must hold */
typedef struct oracle {
    tally__sum *sum;
    double    (*real)[3];                /* least, greatest, last */
    uint64_t   *count;
} oracle;

static inline oracle oracle_new(int64_t n)
{
    const size_t room = (size_t)TALLY__MAX(n, 1);
    oracle       o = { calloc(room, sizeof *o.sum), malloc(room * sizeof *o.real), calloc(room, sizeof *o.count) };
    for (size_t k = 0; k < room; k++)
        o.real[k][0] = INFINITY, o.real[k][1] = -INFINITY, o.real[k][2] = NAN;
    return o;
}

static inline void oracle_free(oracle *o)
{
    free(o->sum);
    free(o->real);
    free(o->count);
}

/* the element that the entry at these indices goes to; -1: none */
typedef int64_t oracle_target(const tally__cell *c, int axis, const tally_tensor *walked, const int64_t *at);

static inline void oracle_run(oracle *o, const tally__cell *c, int axis, oracle_target *target, const tally_tensor *walked,
                              const tally_tensor *v, const tally_tensor *w, const tally_tensor *m)
{
    int64_t at[TALLY_MAX_RANK] = { 0 };
    if (!tally__elements(walked->rank, walked->shape))
        return;
    for (;;) {
        const int64_t k = target(c, axis, walked, at);
        if (k >= 0 && (!m || *(const uint8_t *)element(m, at, walked)))
            oracle_element(&o->sum[k], o->real[k], &o->count[k], v->dtype, element(v, at, walked),
                           w ? tally__load_f64(element(w, at, walked), w->dtype) : 1);
        int a = walked->rank - 1;
        for (; a >= 0 && ++at[a] == walked->shape[a]; a--)
            at[a] = 0;
        if (a < 0)
            return;
    }
}

static inline void oracle_check(const oracle *o, const tally__cell *c, uint64_t seed, int32_t dtype)
{
    for (int64_t k = 0; k < c->n; k++) {
        tally__sum got, want;
        memset(&want, 0, sizeof want);
        tally__cell_get(c, k, &got);
        if (c->kind == TALLY_STATE_SUM)
            want = o->sum[k];
        else if (c->kind == TALLY_STATE_COUNT)
            tally__sum_add_u64(&want, o->count[k]);
        else
            tally__sum_add_one(&want, o->real[k][c->kind - TALLY_STATE_MIN]);
        if (memcmp(&got, &want, sizeof got) == 0)
            continue;
        print_error("seed %llu: kind %d, dtype %d, cell rank %d, element %lld: got %.17g, expected %.17g\n", (unsigned long long)seed,
                    c->kind, dtype, c->rank, (long long)k, tally__sum_round(&got), tally__sum_round(&want));
        fail();
    }
}

#endif
