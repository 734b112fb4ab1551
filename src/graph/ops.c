/* ops.c: the table of ops, one entry per row of ops.def. Knows no meaning; kernels and rules read
 * it from here. */
#include "graph.h"

enum {
    COMM = TALLY__LAW_COMM,
    ASSOC = TALLY__LAW_ASSOC,
    ASSOC_INT = TALLY__LAW_ASSOC_INT,
    IDEMPOTENT = TALLY__LAW_IDEMPOTENT,
    INVOLUTION = TALLY__LAW_INVOLUTION,
    RIGHT_ONE = TALLY__LAW_RIGHT_ONE,
    RIGHT_ZERO = TALLY__LAW_RIGHT_ZERO,
    RIGHT_ZERO_INT = TALLY__LAW_RIGHT_ZERO_INT,
    EXACT = TALLY__LAW_EXACT,
    CHECKS = TALLY__LAW_CHECKS,
    SIZES = TALLY__LAW_SIZES,
    NORMAL = TALLY__LAW_NORMAL,
    UNIT = TALLY__LAW_UNIT,
    POSITIVE = TALLY__LAW_POSITIVE
};

const tally__op_info tally__op_table[TALLY__OPS] = {
    [TALLY__OP_none] = { "none", "", TALLY__FORM_NONE, 0, 0, 0, 0, 0 },
#define OP(name, form, arity, takes, accepts, result, shape, laws, ...)                          \
    [TALLY__OP_##name] = { #name,                                                                \
                           takes,                                                                \
                           TALLY__FORM_##form,                                                   \
                           arity,                                                                \
                           TALLY__ACCEPT_##accepts,                                              \
                           TALLY__RESULT_##result,                                               \
                           TALLY__SHAPE_##shape,                                                 \
                           laws },
#include "ops.def"
#undef OP
};
