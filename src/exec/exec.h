/* exec, floor 6: runs a recorded graph, or a plan of it, with bound sizes on a frame with private deltas. Node by node in
 * program order is the definition of every result; a plan gives the same bits. Knows graphs, plans and deltas; not how a
 * graph was found, nor what a metric is. */
#ifndef TALLY__EXEC_H
#define TALLY__EXEC_H

#include "../kernel/kernel.h"
#include "../pass/pass.h"

/* one carried value of a loop: two buffers, because a next value may be a view of the present one */
typedef struct tally__carry {
    tally_tensor value[2];
    void        *memory[2];
    size_t       room[2];
    int          now;
} tally__carry;

/* frame.c: all that one running call owns. Kept between calls of one graph: no allocation in the steady state */
enum { TALLY__BLOCK = 1024, TALLY__PARTS = 8, TALLY__SHARE = 1 << 16 };
typedef struct tally__frame tally__frame;
struct tally__frame {
    tally_context       *context;       /* borrowed from whoever keeps the frame */
    const tally__graph  *graph;         /* likewise; the plan's, if there is one */
    const tally__plan   *plan;          /* NULL: node by node */
    tally__loop_kernel **kernel;        /* [n_node] a plan's loop for a node, NULL: the reference kernel */
    uint32_t             block;         /* elements that a fused loop takes at once */
    int64_t              share;         /* elements from which on its rows are shared out, where the context has a hook for that */
    int32_t              parts;         /* into so many parts at most */
    tally__isa           isa;           /* whose loops a plan has */
    tally__frame        *part[TALLY__PARTS];   /* on which a part runs; NULL: no loop was shared yet */
    uint32_t             printed, quiet;   /* prints so far; how many of the first were printed by an earlier run */
    tally_tensor        *value;         /* [n_node] what a node made */
    const tally_tensor **view;          /* [n_node] what a node is now: its value, an argument, a carried value */
    int64_t             *size;          /* [n_size] bound sizes; -1: not known before its node has run */
    tally__delta        *delta;         /* [n_slot] */
    tally__carry        *carried;       /* of all loops */
    uint32_t            *carry_at;      /* [n_region] of a loop's body: its first in carried */
    const tally_tensor **in;            /* [n_argument] room for the caller: what tally__frame_bind is given */
    tally__store       **store;         /* [n_argument] likewise */
    tally_tensor        *seen;          /* [n_argument] the tensors of the latest call that bound, but for their data */
    bool                 bound;         /* a call with the same sizes and stores may begin again without binding */
    tally__arena         work;          /* temporaries of this call */
    tally__arena_mark    start;         /* of work: empty */
    tally__frame        *next;          /* for whoever keeps idle frames */
    bool                 commits;       /* the graph changes a store */
    bool                 polls;         /* the context has an interrupt hook */
    uint32_t             until_poll;    /* nodes to run before the hook is asked again */
    int32_t              loops;         /* running now, nested */
    int32_t              n_held;        /* slots whose deltas hold something of this call */
    uint32_t             n_carried;
    int32_t              n_slot;
    size_t               bytes;         /* of this allocation */
};
/* a frame for a recorded graph (plan NULL), or for a plan with the loops of an instruction set */
tally__frame *tally__frame_new(tally_context *c, const tally__graph *g, const tally__plan *plan, tally__isa isa, tally_error *err);
void          tally__frame_drop(tally__frame *f);          /* NULL is fine; never follows graph */
tally_tensor  tally__frame_value(const tally__frame *f, tally__id node);     /* of a returned node, valid until frame_end */
/* tally__commit of all deltas (a graph that only reads commits nothing) */
tally_status  tally__frame_commit(tally__frame *f, tally_error *err);
void          tally__frame_end(tally__frame *f);           /* lets go of stores and views, keeps memory */
/* memory for the temporaries of the sizes that are bound, so that the first run asks for little */
tally_status  tally__frame_reserve(tally__frame *f, tally_error *err);

/* bind.c: sizes, equalities, state sizes; deltas begin. in[i]: argument i as a tensor (checked view) or NULL; store[i]: argument i as a store or NULL.
 * Any mismatch: INVALID_ARGUMENT at the user's line with both sizes. Nothing to undo but tally__frame_end */
tally_status  tally__frame_bind(tally__frame *f, const tally_tensor *const *in, tally__store *const *store, tally_error *err);
/* the same for a call whose sizes and stores are those of the latest one (f->bound), with in[] as set by the caller */
tally_status  tally__frame_again(tally__frame *f, tally_error *err);
tally_status  tally__state_not_built(const tally__frame *f, int32_t slot, int32_t cell, tally__place at, tally_error *err);

/* run.c: node by node, or step by step of the plan; control flow. CANCELLED when interrupted */
tally_status  tally__run(tally__frame *f, tally_error *err);
tally_status  tally__run_node(tally__frame *f, tally__id id, tally_error *err);
tally_status  tally__poll(tally__frame *f, tally_error *err);
void          tally__value_copy(void *to, const tally_tensor *x);            /* its elements, dense; exact ones too */

/* apply.c: a node by the loop of the instruction set. false: not for operands laid out like these, and nothing was done */
bool          tally__apply(tally__frame *f, tally__id id, const tally__node *n, const tally_tensor *const *arg, tally_status *status,
                           tally_error *err);

/* loop.c: a fused step, block by block */
tally_status  tally__run_loop(tally__frame *f, const tally__step *s, tally_error *err);
int64_t       tally__row_elements(const tally__frame *f, const tally__node *n);     /* of one row of a value */

/* parts.c: the frames on which tasks run the parts of a loop. suit: this loop can be cut (elements: of the widest value); it
 * builds states as their first rows would. take: n parts are ready to run blocks of so many rows, and have the memory for
 * it. merge: what they added becomes f's */
bool          tally__parts_suit(tally__frame *f, const tally__step *s, int n, int64_t elements);
tally_status  tally__parts_take(tally__frame *f, const tally__step *s, int n, int64_t block, tally_error *err);
tally_status  tally__parts_merge(tally__frame *f, const tally__step *s, int n, tally_error *err);

/* effect.c: what a node does to a store, and what it says or reads there */
tally_status  tally__run_read(tally__frame *f, tally__id id, tally_error *err);
tally_status  tally__run_effect(tally__frame *f, tally__id id, tally_error *err);

/* print.c: "label: value" through the context's log hook */
tally_status  tally__run_print(tally__frame *f, const tally__node *n, const tally_tensor *x, tally_error *err);

#endif
