/* kernels.h: what the reference kernels share. They are the definition of every value op: one call
 * is one node with its operands as they are now; sizes come from the operands, so what was not
 * known while recording is checked here. */
#ifndef TALLY__KERNELS_H
#define TALLY__KERNELS_H

#include "graph.h"

typedef struct tally__kernel_call {
    const tally__node         *node;
    const tally_tensor *const *arg;
    tally_tensor              *out;
    tally__arena              *work;
    tally_error               *err;
} tally__kernel_call;

/* evaluate.c. "class: op: " and the text, at the user's line */
tally_status tally__kernel_fail(const tally__kernel_call *c, tally_status s, const char *format,
                                ...);
/* a dense result of the node's dtype; RESOURCE_EXHAUSTED */
tally_status tally__kernel_out(const tally__kernel_call *c, int rank, const int64_t *shape);
/* of the arena */
void        *tally__kernel_memory(const tally__kernel_call *c, size_t n, tally_status *s);
/* the leading sizes of the result: all operands aligned from the right, the last skip[i] axes of
 * operand i left out */
tally_status tally__kernel_broadcast(const tally__kernel_call *c, const int *skip, int64_t *shape,
                                     int *rank);
/* a node's dtype and the type it is computed in: F32 (float, half formats), F64, I64, U64, BOOL */
int32_t      tally__compute_dtype(int32_t dtype);
static inline const char *tally__address(const tally_tensor *x, int64_t at)   /* at: in elements */
{
    return x->data ? (const char *)x->data + at * (int64_t)tally__element_size(x->dtype) : NULL;
}

/* element.c: one row of operands that are in their compute type; step 0 or 1 or any other, in
 * elements */
typedef struct tally__lane {
    const void *p;
    int64_t     step;
} tally__lane;
#if defined TALLY_TINY_LIMITS
enum { TALLY__KERNEL_BLOCK = 32 };
#else
enum { TALLY__KERNEL_BLOCK = 256 };
#endif
/* n <= TALLY__KERNEL_BLOCK elements of a row in `to`: the row itself where it is that already, else
 * converted into block */
tally__lane tally__lane_load(void *block, int32_t to, const char *row, int32_t dtype, int64_t step,
                             size_t n);

/* reduce.c: sum of n elements in float64, in the order that is fixed by n alone: one after the
 * other up to 64, else element i goes to lane i mod 32, and the lanes are added as a tree, 16 apart
 * first */
double tally__row_sum(int32_t dtype, const void *p, int64_t stride, int64_t n);

/* index.c: an id of any number type; -1 where it is negative, not whole or beyond int64 */
int64_t tally__id_value(const void *p, int32_t dtype);

/* view.c */
/* the same memory at index 0 of that axis */
tally_tensor tally__without_axis(const tally_tensor *x, int axis);
/* a dense copy of the same dtype, exact sums too */
void         tally__kernel_pack(void *dst, const tally_tensor *x);

/* operands loaded as this compute type */
tally_status tally__element_as(const tally__kernel_call *c, int32_t load);

/* one function per form or op */
typedef tally_status tally__kernel(const tally__kernel_call *c);
tally__kernel tally__kernel_element, tally__kernel_cast, tally__kernel_mixed, tally__kernel_linear,
    tally__kernel_ratio;
tally__kernel tally__kernel_reduce, tally__kernel_softmax, tally__kernel_argmax,
    tally__kernel_of_id, tally__kernel_all_equal, tally__kernel_cumsum;
tally__kernel tally__kernel_at, tally__kernel_column, tally__kernel_slice, tally__kernel_transpose,
    tally__kernel_expand_dims, tally__kernel_squeeze, tally__kernel_broadcast_like,
    tally__kernel_dim, tally__kernel_size;
tally__kernel tally__kernel_gather, tally__kernel_one_hot, tally__kernel_matmul;
tally__kernel tally__kernel_top_mask, tally__kernel_axis_last, tally__kernel_class_ids;

#endif
