/* state: what lives outside a computation. A store is a set of cells with one lock; a metric and a variable are stores.
 *
 * A variable is a tensor that survives calls: the parameters of a program. A body reads and assigns it (tally_read,
 * tally_assign), so a whole training step is one function; outside it is made, read and assigned here.
 *
 *     float           start[4] = { 0 };
 *     tally_tensor    x = tally_vector(start, 4);
 *     tally_variable *w = tally_variable_new(NULL, &x, &err);      // copies
 *     float           now[4];
 *     tally_buffer    out = tally_buffer_of(now, 4);
 *     if (tally_variable_read(w, &out, &err)) puts(err.text);
 *     tally_variable_release(w);
 *
 * Dtype and sizes are those of the initial value for good.
 */
#ifndef TALLY_STATE_H
#define TALLY_STATE_H
#include "tensor.h"
TALLY_BEGIN_DECLS

/** What a state is. The numbers are ABI: they stand in packed bytes.
 *
 *  TALLY_STATE_SUM     starts at 0. The exact sum of w*v; no order, split or merge of the updates changes a bit of it.
 *                      +inf, -inf and NaN are counted beside it. Read as the nearest double
 *  TALLY_STATE_COUNT   starts at 0. How many v were not 0 where w was absent or not 0 (a NaN is not 0); 64 bits, modulo 2^64
 *  TALLY_STATE_MIN     starts at +inf. The least v where w was absent or not 0; -0 is below +0; a NaN stays until reset
 *  TALLY_STATE_MAX     starts at -inf. The greatest, likewise
 *  TALLY_STATE_LAST    NaN before any. The last v, in row-major order of a batch and in the order of commits, where w was absent or not
 *                      0. The only kind that depends on order: a merge takes that of the last source that has seen any, so trees of
 *                      merges agree where they keep the order
 *  TALLY_STATE_TENSOR  a value that is assigned and read whole: a variable. It has no merge, and reset leaves it alone
 *
 *  A size of a state may be left to the first batch (TALLY_DIM_OPERAND in tally/metric.h): such a state is unbuilt until an
 *  update with at least one row, and keeps its sizes from then on, also when it is reset.
 */
typedef enum tally_state_kind { TALLY_STATE_SUM = 1, TALLY_STATE_COUNT, TALLY_STATE_MIN, TALLY_STATE_MAX, TALLY_STATE_LAST, TALLY_STATE_TENSOR } tally_state_kind;

/** Handles. A metric is what tally/metric.h is about. */
typedef struct tally_variable tally_variable;
typedef struct tally_metric tally_metric;

/** A variable that starts with a copy of this value.
 *
 *  In:      c        the context that its memory comes from, retained; NULL: one of its own
 *           initial  any dtype, sizes and strides; fixes dtype and sizes
 *  Returns: the variable; NULL with err: INVALID_ARGUMENT (initial is NULL or no valid view) | RESOURCE_EXHAUSTED
 *  Owns:    the caller owns one reference, to be released; initial is copied and may go at once; on failure nothing stays
 *  Threads: any; initial must not change meanwhile
 *  Cost:    one pass over initial, a few allocations
 *  Source:  tf.Variable(initial); without shape loosening, names, or device placement
 */
TALLY_API tally_variable *tally_variable_new(tally_context *c, const tally_tensor *initial, tally_error *err);

/** The value as of one commit, dense, in row-major order.
 *
 *  In:      out      a buffer of the variable's dtype; its shape is set
 *  Returns: TALLY_OK | TALLY_INVALID_ARGUMENT (NULL, another dtype) | TALLY_OUT_OF_RANGE naming the capacity needed; on error
 *           out is unchanged
 *  Owns:    nothing changes hands
 *  Threads: any, also while calls and assigns run: the value is whole
 *  Cost:    one copy, outside the lock; no allocation
 *  Source:  tf.Variable.numpy
 */
TALLY_API TALLY_CHECKED tally_status tally_variable_read(const tally_variable *v, tally_buffer *out, tally_error *err);

/** Gives the variable a new value, in one commit. A call that has read it and is about to assign it will be ABORTED.
 *
 *  In:      value    same dtype and sizes as the variable; any strides
 *  Returns: TALLY_OK | TALLY_INVALID_ARGUMENT naming both dtypes or sizes | TALLY_RESOURCE_EXHAUSTED; on error nothing changed
 *  Owns:    value is copied
 *  Threads: any; the last commit wins
 *  Cost:    one pass over value, outside the lock; no allocation once two buffers exist and nobody holds an older one
 *  Source:  tf.Variable.assign
 */
TALLY_API TALLY_CHECKED tally_status tally_variable_assign(tally_variable *v, const tally_tensor *value, tally_error *err);

/** One more reference.
 *
 *  Returns: v; NULL for NULL
 *  Owns:    each reference is to be released once
 *  Threads: any
 */
TALLY_API tally_variable *tally_variable_retain(tally_variable *v);

/** Lets go of one reference; the last frees the variable. NULL is fine.
 *
 *  Owns:    v is not to be used through this reference any more; a function that captured it holds its own
 *  Threads: any
 */
TALLY_API void            tally_variable_release(tally_variable *v);
TALLY_END_DECLS
#endif
