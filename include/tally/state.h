/* state: what lives outside a computation. A store is a set of cells with one lock; a metric and a variable are stores. */
#ifndef TALLY_STATE_H
#define TALLY_STATE_H
#include "tensor.h"
TALLY_BEGIN_DECLS
typedef enum tally_state_kind { TALLY_STATE_SUM = 1, TALLY_STATE_COUNT, TALLY_STATE_MIN, TALLY_STATE_MAX, TALLY_STATE_TENSOR } tally_state_kind;
typedef struct tally_variable tally_variable;
typedef struct tally_metric tally_metric;
TALLY_API tally_variable *tally_variable_new(tally_context *c, const tally_tensor *initial, tally_error *err);  /* copies */
TALLY_API TALLY_CHECKED tally_status tally_variable_read(const tally_variable *v, tally_buffer *out, tally_error *err);
TALLY_API TALLY_CHECKED tally_status tally_variable_assign(tally_variable *v, const tally_tensor *value, tally_error *err);
TALLY_API tally_variable *tally_variable_retain(tally_variable *v);
TALLY_API void            tally_variable_release(tally_variable *v);
TALLY_END_DECLS
#endif
