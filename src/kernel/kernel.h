/* kernel, floor 6: the elementwise loops that a plan prefers to the reference kernels, compiled once per instruction set from one
 * plain C source. Same bits, sooner. Knows the rows of ops.def; no frame, no plan. */
#ifndef TALLY__KERNEL_H
#define TALLY__KERNEL_H

#include "../graph/graph.h"

/* types with loops of their own; elements of every other dtype go through the reference kernels */
typedef enum tally__lane_type {
    TALLY__LANE_F32, TALLY__LANE_F64, TALLY__LANE_I32, TALLY__LANE_I64, TALLY__LANE_U8, TALLY__LANE_BOOL, TALLY__LANE_TYPES
} tally__lane_type;
int tally__lane_type_of(int32_t dtype);        /* -1: none */

/* which operands are one value for all elements: bit i for operand i. Every row has loops for these forms of its arity */
enum { TALLY__FORM_VVV = 0, TALLY__FORM_SVV = 1, TALLY__FORM_VSV = 2, TALLY__FORM_VSS = 6, TALLY__FORM_VVS = 4, TALLY__FORMS = 8 };

/* n elements; operands are dense or one value; out overlaps nothing */
typedef void tally__loop_kernel(void *out, const void *a, const void *b, const void *c, size_t n);
/* ops along the last axis of n dense rows: rows.c. There b points to the number of columns, a size_t, and c to an id for each row, an
 * int64, or nothing */
typedef struct tally__row_set {
    tally__loop_kernel *op[TALLY__OPS][TALLY__LANE_F64 + 1];
} tally__row_set;
typedef struct tally__kernel_set {
    const char         *name, *counts, *rows;  /* "v3", "v3 counts", "v3 rows": in a dump */
    tally__loop_kernel *element[TALLY__OPS][TALLY__LANE_TYPES][TALLY__FORMS];   /* NULL: use the reference */
    tally__loop_kernel *count[TALLY__OPS][TALLY__LANE_TYPES][TALLY__FORMS];     /* of bool results: how many are true, as int64 */
    tally__loop_kernel *cast[TALLY__LANE_TYPES][TALLY__LANE_TYPES];             /* [from][to] */
    const tally__row_set *row;
} tally__kernel_set;

extern const tally__kernel_set tally__kernels_base;
extern const tally__row_set    tally__rows_base;
#if defined TALLY_KERNELS_X86
extern const tally__kernel_set tally__kernels_v3, tally__kernels_v4;
extern const tally__row_set    tally__rows_v3, tally__rows_v4;
#endif
/* the sets that this machine can run, best last; isa beyond what it can: its best */
const tally__kernel_set *tally__kernels_for(tally__isa isa);
/* the loop for a node, or NULL: op, dtypes and which operands are scalars decide. For an op along the last axis, a row kernel */
tally__loop_kernel *tally__count_of(const tally__kernel_set *set, const tally__graph *g, const tally__node *n);   /* of a bool one: counts */
const tally__kernel_set *tally__counting_set(const tally__kernel_set *set, int op);          /* whose loops count it */
tally__loop_kernel *tally__kernel_of(const tally__kernel_set *set, const tally__graph *g, const tally__node *n);

/* spread.c: the loop over [rows, columns] where operands repeat. size: of an element; that of an operand is 1, 4 or 8 */
typedef enum tally__spread_kind {
    TALLY__SPREAD_ONE,       /* one value, or no operand: as it is */
    TALLY__SPREAD_WHOLE,     /* [rows, columns] */
    TALLY__SPREAD_ROWS,      /* [rows, 1] */
    TALLY__SPREAD_LINE       /* [columns] */
} tally__spread_kind;
typedef struct tally__spread {
    const void        *p;
    size_t             size;
    tally__spread_kind kind;
} tally__spread;
void tally__loop_spread(tally__loop_kernel *kernel, void *out, size_t size, const tally__spread in[3], size_t rows, size_t columns);

#endif
