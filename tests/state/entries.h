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
        real[1] = nan ? NAN : v > real[1] || (v == real[1] && signbit(real[1])) ? v : real[1];
    }
}

/* what the elements of a cell must hold */
typedef struct oracle {
    tally__sum sum[64];
    double     real[64][2];
    uint64_t   count[64];
} oracle;

#endif
