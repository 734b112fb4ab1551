/* domain: what a row of ops.def that has its meaning for some operands only may be given: its marks NORMAL, UNIT and POSITIVE. */
#ifndef TALLY_TESTS_DOMAIN_H
#define TALLY_TESTS_DOMAIN_H

#include "../../src/graph/graph.h"

enum { DOMAIN_MARKS = TALLY__LAW_NORMAL | TALLY__LAW_UNIT | TALLY__LAW_POSITIVE };

static inline bool domain_normal(int32_t dtype, double v)
{
    return v != v || (v >= (dtype == TALLY_F64 ? 0x1p-1022 : 0x1p-126) && v - v == 0);
}

/* v, rounded to the dtype, as the last operand. Half formats are computed in float */
static inline bool domain_has(int op, int32_t dtype, double v)
{
    const uint16_t laws = tally__op_table[op].laws;
    uint64_t       room = 0;
    if (!(laws & DOMAIN_MARKS))
        return true;
    tally__store_f64(&room, dtype, v);
    const double given = tally__load_f64(&room, dtype), rest = dtype == TALLY_F64 ? 1 - given : (double)(1 - (float)given);
    if (laws & TALLY__LAW_POSITIVE)
        return given != given || (given >= 0 && given - given == 0);
    return domain_normal(dtype, given) && (!(laws & TALLY__LAW_UNIT) || domain_normal(dtype, rest));
}

#endif
