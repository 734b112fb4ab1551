/* kind: what each row of state.def means: how two values of a kind become one, when they are equal, and their canonical
 * bytes (little endian, the same for equal values however they came about). Cells, stores and deltas ask here and know
 * no kind by name, apart from the two ways to hold a SUM. */
#include "state.h"

#include <math.h>

double tally__least(double into, double v)
{
    if (isnan(into) || isnan(v))
        return tally__f64_from((uint64_t)0x7ff8 << 48);
    return v < into || (v == into && signbit(v)) ? v : into;
}

double tally__most(double into, double v)
{
    if (isnan(into) || isnan(v))
        return tally__f64_from((uint64_t)0x7ff8 << 48);
    return v > into || (v == into && signbit(into)) ? v : into;
}

/* ---- SUM */

static void sum_add_whole(tally__cell *into, const tally__cell *from)
{
    if (from->listed)
        for (int64_t i = 0; i < from->n_entry; i++)
            into->whole[from->entry[i]] += tally__entry_units(from, i);
    else
        for (int64_t k = 0; k < into->n; k++)
            into->whole[k] += from->whole[k];
    into->bound = from->bound <= INT64_MAX - into->bound ? into->bound + from->bound : INT64_MAX;
}

static void sum_add_units(tally__cell *into, const tally__cell *from)
{
    if (from->listed)
        for (int64_t i = 0; i < from->n_entry; i++)
            tally__sum_deposit(&into->sum[from->entry[i]], tally__entry_units(from, i), from->unit);
    else
        for (int64_t k = 0; k < into->n; k++)
            if (from->whole[k])
                tally__sum_deposit(&into->sum[k], from->whole[k], from->unit);
}

/* the commit of one number; false: not by this short way */
static bool sum_merge_one(tally__cell *into, const tally__cell *from)
{
    if (from->wide)
        return false;
    if (from->alone) {
        if (!into->wide)
            tally__cell_widen(into);
        tally__sum_add_one(into->sum, from->lone);
        return true;
    }
    if (!into->wide)
        return !into->alone && tally__whole_add(into->whole, *from->whole);
    if (*from->whole)
        tally__sum_add_i64(into->sum, *from->whole);
    return true;
}

void tally__cell_merge_sum(tally__cell *into, const tally__cell *from)
{
    if (!into->rank && sum_merge_one(into, from))
        return;
    if (!into->wide) {
        if (!from->wide && !tally__cell_overflows(into, from)) {
            sum_add_whole(into, from);
            return;
        }
        tally__cell_widen(into);
    }
    if (!from->wide)
        sum_add_units(into, from);
    else
        for (int64_t k = 0; k < into->n; k++)
            tally__sum_merge(&into->sum[k], &from->sum[k]);
}

#define sum_merge tally__cell_merge_sum

static void sum_negate(tally__cell *c)
{
    static const tally__sum nothing;
    for (int64_t k = 0; k < c->n; k++)
        if (c->wide) {
            tally__sum v = nothing;
            tally__sum_subtract(&v, &c->sum[k]);
            c->sum[k] = v;
        } else {
            c->whole[k] = -c->whole[k];
        }
}

static void sum_get_narrow(const tally__cell *c, int64_t k, tally__sum *out)
{
    if (c->alone)
        tally__sum_add_one(out, c->lone);
    else
        tally__sum_deposit(out, c->whole[k], c->unit);
}

static void sum_get(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out)
{
    if (a && a->wide)
        *out = a->sum[k];
    else
        memset(out, 0, sizeof *out);
    if (a && !a->wide)
        sum_get_narrow(a, k, out);
    if (b && b->wide)
        tally__sum_merge(out, &b->sum[k]);
    else if (b)
        sum_get_narrow(b, k, out);
}

static bool sum_same(const tally__cell *a, const tally__cell *b)
{
    if (!a->wide && !b->wide && !a->alone && !b->alone && a->unit == b->unit)
        return !a->n || memcmp(a->whole, b->whole, (size_t)a->n * sizeof *a->whole) == 0;
    for (int64_t k = 0; k < a->n; k++) {
        tally__sum u, v;
        sum_get(a, NULL, k, &u);
        sum_get(b, NULL, k, &v);
        if (memcmp(&u, &v, sizeof u) != 0)
            return false;
    }
    return true;
}

static size_t sum_pack(const tally__cell *c, uint8_t *out)
{
    size_t n = 0;
    for (int64_t k = 0; k < c->n; k++) {
        tally__sum v;
        sum_get(c, NULL, k, &v);
        n += tally__sum_pack(&v, out ? out + n : NULL);
    }
    return n;
}

static bool sum_unpack(tally__cell *c, tally_context *x, const uint8_t *in, size_t n, size_t *used,
                       tally_status *status, tally_error *err)
{
    assert(!c->alone);
    c->bound = INT64_MAX;
    for (int64_t k = 0; k < c->n; k++) {
        tally__sum   v;
        const size_t taken = tally__sum_unpack(&v, in + *used, n - *used);
        if (!taken)
            return false;
        *used += taken;
        if (!c->wide && !tally__sum_whole(&v, &c->whole[k])) {
            c->whole[k] = 0;
            *status = tally__cell_room_wide(c, x, err);
            if (*status)
                return false;
            tally__cell_widen(c);
        }
        if (c->wide)
            c->sum[k] = v;
    }
    return true;
}

/* ---- COUNT: unsigned, modulo 2^64 */

static void count_merge(tally__cell *into, const tally__cell *from)
{
    for (int64_t k = 0; k < into->n; k++)
        into->whole[k] = (int64_t)((uint64_t)into->whole[k] + (uint64_t)from->whole[k]);
}

static void count_negate(tally__cell *c)
{
    for (int64_t k = 0; k < c->n; k++)
        c->whole[k] = (int64_t)(0 - (uint64_t)c->whole[k]);
}

static void count_get(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out)
{
    memset(out, 0, sizeof *out);
    tally__sum_add_u64(out, (a ? (uint64_t)a->whole[k] : 0) + (b ? (uint64_t)b->whole[k] : 0));
}

static bool count_same(const tally__cell *a, const tally__cell *b)
{
    return !a->n || memcmp(a->whole, b->whole, (size_t)a->n * sizeof *a->whole) == 0;
}

static size_t count_pack(const tally__cell *c, uint8_t *out)
{
    for (int64_t k = 0; out && k < c->n; k++)
        tally__put_le(out + 8 * k, (uint64_t)c->whole[k], 8);
    return 8 * (size_t)c->n;
}

static bool count_unpack(tally__cell *c, tally_context *x, const uint8_t *in, size_t n, size_t *used,
                         tally_status *status, tally_error *err)
{
    (void)x;
    (void)status;
    (void)err;
    if ((uint64_t)c->n > n / 8)
        return false;
    for (int64_t k = 0; k < c->n; k++)
        c->whole[k] = (int64_t)tally__get_le(in + 8 * k, 8);
    *used = 8 * (size_t)c->n;
    return true;
}

/* ---- MIN and MAX */

static void minimum_merge(tally__cell *into, const tally__cell *from)
{
    for (int64_t k = 0; k < into->n; k++)
        into->real[k] = tally__least(into->real[k], from->real[k]);
}

static void maximum_merge(tally__cell *into, const tally__cell *from)
{
    for (int64_t k = 0; k < into->n; k++)
        into->real[k] = tally__most(into->real[k], from->real[k]);
}

#define minimum_negate NULL    /* what a lesser value hid is gone */
#define maximum_negate NULL

static void minimum_get(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out)
{
    memset(out, 0, sizeof *out);
    tally__sum_add_one(out, tally__least(a ? a->real[k] : INFINITY, b ? b->real[k] : INFINITY));
}

static void maximum_get(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out)
{
    memset(out, 0, sizeof *out);
    tally__sum_add_one(out, tally__most(a ? a->real[k] : -INFINITY, b ? b->real[k] : -INFINITY));
}

static bool minimum_same(const tally__cell *a, const tally__cell *b)
{
    return !a->n || memcmp(a->real, b->real, (size_t)a->n * sizeof *a->real) == 0;
}

static size_t minimum_pack(const tally__cell *c, uint8_t *out)
{
    for (int64_t k = 0; out && k < c->n; k++)
        tally__put_le(out + 8 * k, tally__f64_bits(c->real[k]), 8);
    return 8 * (size_t)c->n;
}

static bool minimum_unpack(tally__cell *c, tally_context *x, const uint8_t *in, size_t n, size_t *used,
                           tally_status *status, tally_error *err)
{
    (void)x;
    (void)status;
    (void)err;
    if ((uint64_t)c->n > n / 8)
        return false;
    for (int64_t k = 0; k < c->n; k++) {
        const uint64_t bits = tally__get_le(in + 8 * k, 8);
        c->real[k] = tally__f64_from(bits);
        if (isnan(c->real[k]) && bits != (uint64_t)0x7ff8 << 48)   /* only the one that a state keeps */
            return false;
    }
    *used = 8 * (size_t)c->n;
    return true;
}

#define maximum_same minimum_same
#define maximum_pack minimum_pack
#define maximum_unpack minimum_unpack

/* ---- LAST */

static void last_merge(tally__cell *into, const tally__cell *from)
{
    for (int64_t k = 0; k < into->n; k++)
        if (!tally__last_none(from->real[k]))
            into->real[k] = from->real[k];
}

#define last_negate NULL       /* what was before the last is gone */

static void last_get(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out)
{
    const bool later = b && !tally__last_none(b->real[k]);
    memset(out, 0, sizeof *out);
    tally__sum_add_one(out, later ? b->real[k] : a ? a->real[k] : NAN);
}

#define last_same minimum_same
#define last_pack minimum_pack

static bool last_unpack(tally__cell *c, tally_context *x, const uint8_t *in, size_t n, size_t *used, tally_status *status, tally_error *err)
{
    (void)x;
    (void)status;
    (void)err;
    if ((uint64_t)c->n > n / 8)
        return false;
    for (int64_t k = 0; k < c->n; k++) {
        c->real[k] = tally__f64_from(tally__get_le(in + 8 * k, 8));
        if (isnan(c->real[k]) && tally__f64_bits(c->real[k]) << 1 != (uint64_t)0x7ff8 << 49)
            return false;
    }
    *used = 8 * (size_t)c->n;
    return true;
}

/* ---- TENSOR */

#define tensor_merge NULL      /* two parameter sets have no sum */
#define tensor_negate NULL

static void tensor_get(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out)
{
    const tally__cell *c = b ? b : a;
    tally__guess       guess = { 0, 0, 0 };
    memset(out, 0, sizeof *out);
    tally__sum_add(out, &guess, c->dtype, (const char *)c->block->data + (size_t)k * tally__element_size(c->dtype), 1, 1);
}

static bool tensor_same(const tally__cell *a, const tally__cell *b)
{
    return memcmp(a->block->data, b->block->data, a->block->bytes) == 0;
}

static size_t tensor_pack(const tally__cell *c, uint8_t *out)
{
    const size_t   size = tally__element_size(c->dtype), bytes = (size_t)c->n * size;
    const uint8_t *from = c->block->data;
    for (size_t i = 0; out && i < bytes; i += size) {
        uint8_t  u8 = from[i];
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        switch (size) {
        case 1: tally__put_le(out + i, u8, 1); break;
        case 2: memcpy(&u16, from + i, 2), tally__put_le(out + i, u16, 2); break;
        case 4: memcpy(&u32, from + i, 4), tally__put_le(out + i, u32, 4); break;
        default: memcpy(&u64, from + i, 8), tally__put_le(out + i, u64, 8); break;
        }
    }
    return bytes;
}

static bool tensor_unpack(tally__cell *c, tally_context *x, const uint8_t *in, size_t n, size_t *used,
                          tally_status *status, tally_error *err)
{
    const size_t size = tally__element_size(c->dtype), bytes = (size_t)c->n * size;
    uint8_t     *to = c->block->data;
    (void)x;
    (void)status;
    (void)err;
    if ((uint64_t)c->n > n / size)
        return false;
    for (size_t i = 0; i < bytes; i += size) {
        const uint64_t v = tally__get_le(in + i, size);
        const uint16_t u16 = (uint16_t)v;
        const uint32_t u32 = (uint32_t)v;
        if (c->dtype == TALLY_BOOL && v > 1)
            return false;
        switch (size) {
        case 1: to[i] = (uint8_t)v; break;
        case 2: memcpy(to + i, &u16, 2); break;
        case 4: memcpy(to + i, &u32, 4); break;
        default: memcpy(to + i, &v, 8); break;
        }
    }
    *used = bytes;
    return true;
}

#define STATE(KIND, stem, text, memory, reset, least) \
    [TALLY_STATE_##KIND] = { text, TALLY__HELD_##memory, reset, least, stem##_merge, stem##_negate, stem##_same, \
                             stem##_get, stem##_pack, stem##_unpack },
const tally__kind tally__kind_row[TALLY_STATE_TENSOR + 1] = {
#include "state.def"
};
