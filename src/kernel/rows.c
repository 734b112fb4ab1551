/* rows: ops along the last axis of dense float and double rows, bit for bit as the reference kernels have them: sums in the
 * order of tally__row_sum, whatever the width of a register. Short lines are turned into tiles of 32 that stand side by
 * side, or added where they lie; long ones run over 32 lanes. Compiled once per instruction set, as kernels.c is. */
#include "kernel.h"
#include "../graph/math.h"

#if !defined TALLY__KERNEL_SET
#define TALLY__KERNEL_SET base
#endif

enum {
    ROWS_TILE = 32,          /* lines of a tile, lanes of a line */
    ROWS_BESIDE = 8,         /* short lines that are added at once */
    ROWS_STRAIGHT = 64       /* a line up to here is added one by one: tally__row_sum */
};
/* of a long line, at once; so many lines and more are worth a tile */
#if defined TALLY_TINY_LIMITS
enum { ROWS_PART = 32, ROWS_FEW = 2 };
#else
enum { ROWS_PART = 256, ROWS_FEW = 6 };
#endif

/* the lanes of a line, 16 apart first */
static double rows_tree(double *lane)
{
    for (int apart = ROWS_TILE / 2; apart; apart /= 2)
        for (int i = 0; i < apart; i++)
            lane[i] += lane[i + apart];
    return lane[0];
}

#define ROW_OPS(ROW) ROW(max) ROW(min) ROW(argmax) ROW(softmax) ROW(log_softmax) ROW(logsumexp)

#define ROW_OPS_IN_PLACE(ROW) ROW(sum) ROW(mean) ROW(rank_of) ROW(pick) ROW(all_equal)

#define T float
#define S f32
#define I int32_t
#include "rows_of.h"

#define T double
#define S f64
#define I int64_t
#include "rows_of.h"

#define ROW_SET_NAME_(a, b) a##b
#define ROW_SET_NAME(a, b) ROW_SET_NAME_(a, b)
#define ENTRY(op) [TALLY__OP_##op] = { [TALLY__LANE_F32] = rows_##op##_f32, [TALLY__LANE_F64] = rows_##op##_f64 },
const tally__row_set ROW_SET_NAME(tally__rows_, TALLY__KERNEL_SET) = { { ROW_OPS(ENTRY) ROW_OPS_IN_PLACE(ENTRY) } };
