/* exec, floor 6: runs a recorded graph with bound sizes on a frame with private deltas. The reference executor is the
 * definition of every result. Knows graphs and deltas; not how a graph was found, nor what a metric is. */
#ifndef TALLY__EXEC_H
#define TALLY__EXEC_H

#include "../graph/graph.h"

/* frame.c: all that one running call owns. Kept between calls of one graph: no allocation in the steady state */
typedef struct tally__frame tally__frame;
struct tally__frame {
    tally_context      *context;
    const tally__graph *graph;
    tally_tensor       *value;          /* [n_node] what each node is now */
    int64_t            *size;           /* [n_size] bound sizes; -1: known when its node has run */
    tally__delta       *delta;          /* [n_slot] */
    tally__arena        work;           /* temporaries of this call */
    tally__frame       *next;           /* for whoever keeps idle frames */
    bool                commits;        /* the graph changes a store */
    /* carried values of loops and other private parts belong to exec/ */
    void               *carry;
};
tally__frame *tally__frame_new(tally_context *c, const tally__graph *g, tally_error *err);
void          tally__frame_drop(tally__frame *f);
/* Sizes, equalities, state sizes bind; deltas begin. in[i]: argument i as a tensor (checked view) or NULL; store[i]: argument i as a store or NULL.
 * Any mismatch: INVALID_ARGUMENT at the user's line with both sizes. Nothing to undo but tally__frame_end */
tally_status  tally__frame_bind(tally__frame *f, const tally_tensor *const *in, tally__store *const *store, tally_error *err);
/* reference.c: op by op, reference kernels, control flow, effects on deltas. CANCELLED when interrupted */
tally_status  tally__run_reference(tally__frame *f, tally_error *err);
tally_tensor  tally__frame_value(const tally__frame *f, tally__id node);     /* of a returned node, valid until frame_end */
/* tally__commit of all deltas (a graph that only reads commits nothing) */
tally_status  tally__frame_commit(tally__frame *f, tally_error *err);
void          tally__frame_end(tally__frame *f);                             /* lets go of stores and views, keeps memory */

#endif
