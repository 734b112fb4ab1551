/* function, floor 7: signature, trace cache, call and commit. Knows how to find or make the graph for a call and run it;
 * nothing of metric classes (to it a metric is a store with a schema). */
#ifndef TALLY__FUNCTION_H
#define TALLY__FUNCTION_H

#include <tally/function.h>
#include "../exec/exec.h"

tally_context *tally__function_context(const tally_function *f);
/* the graph of trace i (oldest first), for tests and dumps; NULL beyond the last */
const tally__graph *tally__function_graph(const tally_function *f, int i);
/* a call as tally_call, which names the caller's verb in texts ("update_state") and, when context is not NULL, takes frames from there */
tally_status tally__call(tally_function *f, const tally_value *in, int n_in, const tally_slot *out, int n_out, const char *verb, tally_error *err);

#endif
