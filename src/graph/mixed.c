/* mixed: comparisons of two dtypes, exact whatever they are. Knows the six comparisons and nothing
 * else. */
#include "kernels.h"

/* exact in a compute type that holds all values of both, if there is one */
static bool holds_all(int32_t compute, int32_t dtype)
{
    int kind = tally__dtype_kind_of(dtype), bits = tally__dtype_bits(dtype);
    switch (compute) {
    case TALLY_F64: return kind == TALLY__KIND_FLOAT || bits < 64;
    case TALLY_I64: return kind != TALLY__KIND_FLOAT && (kind != TALLY__KIND_UINT || bits < 64);
    default: return kind == TALLY__KIND_UINT || kind == TALLY__KIND_BOOL;
    }
}

/* else by the order of a float and an integer, or of a signed and an unsigned one; a bit each */
enum { BELOW = 1, EQUAL = 2, ABOVE = 4, UNORDERED = 8 };

static int order_whole(bool below, bool above)
{
    return below ? BELOW : above ? ABOVE : EQUAL;
}

static int order_f64_i64(double a, int64_t b)
{
    if (a != a)
        return UNORDERED;
    if (a >= 0x1p63 || a < -0x1p63)
        return a > 0 ? ABOVE : BELOW;
    int64_t whole = (int64_t)a;
    double  rest = a - (double)whole; /* exact: whole has no more digits than a */
    return whole != b ? order_whole(whole < b, true) : order_whole(rest < 0, rest > 0);
}

static int order_f64_u64(double a, uint64_t b)
{
    if (a != a)
        return UNORDERED;
    if (a >= 0x1p64 || a < 0)
        return a > 0 ? ABOVE : BELOW;
    uint64_t whole = (uint64_t)a;
    double   rest = a - (double)whole;
    return whole != b ? order_whole(whole < b, true) : order_whole(false, rest > 0);
}

static int order_i64_u64(int64_t a, uint64_t b)
{
    return a < 0 ? BELOW : order_whole((uint64_t)a < b, (uint64_t)a > b);
}

static int order_elements(int32_t ca, const void *a, int32_t cb, const void *b)
{
    double   f;
    int64_t  i;
    uint64_t u;
    memcpy(&f, a, sizeof f);
    memcpy(&i, ca == TALLY_I64 ? a : b, sizeof i);
    memcpy(&u, b, sizeof u);
    return ca == TALLY_I64   ? order_i64_u64(i, u)
           : cb == TALLY_I64 ? order_f64_i64(f, i)
                             : order_f64_u64(f, u);
}

/* the orders for which an op is true, of the first operand to the second */
static int orders_of(int op)
{
    switch (op) {
    case TALLY__OP_eq: return EQUAL;
    case TALLY__OP_ne: return BELOW | ABOVE | UNORDERED;
    case TALLY__OP_lt: return BELOW;
    case TALLY__OP_le: return BELOW | EQUAL;
    case TALLY__OP_gt: return ABOVE;
    default: return ABOVE | EQUAL;
    }
}

static int32_t wide_dtype(int32_t dtype)
{
    return holds_all(TALLY_I64, dtype) ? TALLY_I64 : dtype == TALLY_U64 ? TALLY_U64 : TALLY_F64;
}

/* first: the operand that order_elements wants first */
static void mixed_row(const tally__kernel_call *c, const tally__walk *w, uint8_t *out, int first)
{
    int32_t ca = wide_dtype(c->arg[first]->dtype), cb = wide_dtype(c->arg[!first]->dtype);
    int     wanted = orders_of(c->node->op);
    if (first)
        wanted = (wanted & (EQUAL | UNORDERED)) | (wanted & BELOW ? ABOVE : 0) |
                 (wanted & ABOVE ? BELOW : 0);
    for (int64_t i = 0; i < w->length; i++) {
        uint64_t    element[2];
        const char *p[2];
        for (int k = 0; k < 2; k++)
            p[k] = w->row[k] + i * w->step[k] * (int64_t)tally__element_size(c->arg[k]->dtype);
        tally__convert(&element[0], ca, p[first], c->arg[first]->dtype, 1, 1);
        tally__convert(&element[1], cb, p[!first], c->arg[!first]->dtype, 1, 1);
        out[i] = (wanted & order_elements(ca, &element[0], cb, &element[1])) != 0;
    }
}

/* a float before an integer, a signed before an unsigned one */
static int place_in_order(int32_t dtype)
{
    int32_t wide = wide_dtype(dtype);
    return wide == TALLY_F64 ? 0 : wide == TALLY_I64 ? 1 : 2;
}

static tally_status mixed_orders(const tally__kernel_call *c)
{
    static const int skip[2] = { 0 };
    tally__walk      w;
    int64_t          shape[TALLY_MAX_RANK];
    int rank, first = place_in_order(c->arg[1]->dtype) < place_in_order(c->arg[0]->dtype);
    tally_status     s = tally__kernel_broadcast(c, skip, shape, &rank);
    if (s || (s = tally__kernel_out(c, rank, shape)))
        return s;
    uint8_t *out = (uint8_t *)(uintptr_t)c->out->data;
    tally__walk_begin(&w, 2, c->arg, rank, shape);
    for (int64_t r = 0; r < w.rows; r++, tally__walk_next(&w), out += w.length)
        mixed_row(c, &w, out, first);
    return TALLY_OK;
}

tally_status tally__kernel_mixed(const tally__kernel_call *c)
{
    static const int32_t common[3] = { TALLY_F64, TALLY_I64, TALLY_U64 };
    for (int i = 0; i < 3; i++)
        if (holds_all(common[i], c->arg[0]->dtype) && holds_all(common[i], c->arg[1]->dtype))
            return tally__element_as(c, common[i]);
    return mixed_orders(c);
}
