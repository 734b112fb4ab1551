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
    uint64_t     number[2];             /* the buffers of one number */
    int          now;
} tally__carry;

/* apply.c, code.c: a node bound to a loop and to where its operands lie: all that is decided once, and not per block */
typedef enum tally__instr_kind {
    TALLY__INSTR_NODE,       /* no loop: as anywhere else, tally__run_node */
    TALLY__INSTR_ELEMENTS,   /* operands of one shape, or one value */
    TALLY__INSTR_LINES,      /* along the last axis of dense lines */
    TALLY__INSTR_SPREAD,     /* some operands repeat along rows or columns */
    TALLY__INSTR_PACK,       /* an operand of the next ones is made dense */
    TALLY__INSTR_ADD,        /* unweighted values go into one number of a state */
    TALLY__INSTR_COUNT,      /* so many ones do */
    TALLY__INSTR_TOTAL       /* as many ones as a loop has counted */
} tally__instr_kind;
typedef struct tally__instr {
    tally__instr_kind   kind;
    tally__id           id;             /* of the node */
    tally__loop_kernel *kernel;
    const tally_tensor *out, *in[3];    /* whose data the loop writes and reads, now as ever */
    int64_t             each;           /* elements, or lines, of a row */
    size_t              columns;        /* of a line */
    tally__delta       *delta;          /* ADD, COUNT, TOTAL: into this cell of it */
    int32_t             cell;
    bool                one;            /* ADD: a row is one value, which fits a double */
    uint8_t             spread[3];      /* tally__spread_kind of each operand */
} tally__instr;
typedef struct tally__code {            /* of one loop of a plan, in one frame */
    const tally__step   *step;
    tally__instr        *instr;
    uint32_t             n_instr, n_walking, n_slow;   /* n_walking: of which read or write all rows of a block; n_slow: that are no loop */
    tally_tensor        *part;          /* [n_load + n_beside] operands from outside as the nodes see them: the block's rows, or all */
    const tally_tensor **whole;         /* [n_load + n_beside] what they are outside */
    tally_tensor        *packed;        /* [n_load + n_node] dense copies of a block's rows, of operands that are not */
    tally__id           *packed_id;     /* [n_load + n_node] whose they are */
    size_t              *at;            /* [n_slot] where each slot begins */
    bool                *direct;        /* [n_keep] a loop writes this value where it stays */
    uint32_t             n_packed;
    bool                 still;         /* one block of arguments and constants: while the layout holds, nothing has to be entered */
    uint64_t             made;          /* the frame's layout for which all this holds; 0: none */
    int64_t              widest;        /* elements of a row, at most */
    int64_t              block, rows;   /* rows of a full block; that all shapes say now, -1: not all the same */
} tally__code;

/* frame.c: all that one running call owns. Kept between calls of one graph: no allocation in the steady state */
#if defined TALLY_TINY_LIMITS
enum { TALLY__BLOCK = 3, TALLY__PARTS = 8, TALLY__SHARE = 6 };
#else
enum { TALLY__BLOCK = 1024, TALLY__PARTS = 8, TALLY__SHARE = 1 << 16 };
#endif
typedef struct tally__frame tally__frame;
typedef tally_status tally__runner(tally__frame *f, tally__id id, const tally__node *n, tally_error *err);
typedef struct tally__todo {            /* in the order in which they run: a node, or a loop of a plan */
    tally__runner     *run;             /* NULL: the end of the list */
    const tally__node *node;            /* NULL: the loop */
    tally__id          id;              /* of the node; of the loop: its number */
} tally__todo;
struct tally__frame {
    tally_context       *context;       /* borrowed from whoever keeps the frame */
    const tally__graph  *graph;         /* likewise; the plan's, if there is one */
    const tally__plan   *plan;          /* NULL: node by node */
    tally__loop_kernel **kernel;        /* [n_node] a plan's loop for a node, NULL: the reference kernel */
    tally__loop_kernel **count;         /* [n_node] a plan's loop that only counts how often a value is true, or NULL */
    bool                *counts;        /* [n_node] that loop stands in the instructions: where the value's rows would, is an int64 */
    tally__runner      **run;           /* [n_node] how a node runs outside of a loop's instructions */
    tally__todo        **todo;          /* [n_region] what a region runs, up to one that runs nothing */
    uint32_t             block;         /* elements that a fused loop takes at once */
    int64_t              share;         /* elements from which on its rows are shared out, where the context has a hook for that */
    int32_t              parts;         /* into so many parts at most */
    tally__isa           isa;           /* whose loops a plan has */
    tally__frame        *part[TALLY__PARTS];   /* on which a part runs; NULL: no loop was shared yet */
    uint32_t             printed, quiet;   /* prints so far; how many of the first were printed by an earlier run */
    tally__code         *code;          /* [plan->n_loop] */
    uint64_t             layout;        /* grows whenever sizes bind anew or slots move */
    uint64_t             of_layout;     /* of a part: the layout of the frame that it belongs to */
    char                *slots;         /* what loops make of a block stands here */
    size_t               slots_bytes;
    tally_tensor        *value;         /* [n_node] what a node made */
    const tally_tensor **view;          /* [n_node] what a node is now: its value, an argument, a carried value */
    int64_t             *size;          /* [n_size] bound sizes; -1: not known before its node has run */
    tally__delta        *delta;         /* [n_slot] */
    tally__carry        *carried;       /* of all loops */
    uint32_t            *carry_at;      /* [n_region] of a loop's body: its first in carried */
    const tally_tensor **in;            /* [n_argument] room for the caller: what tally__frame_bind is given */
    tally__store       **store;         /* [n_argument] likewise */
    tally_tensor        *seen;          /* [n_argument] the tensors of this call; their nodes' views point here */
    bool                 bound;         /* a call with the same sizes and stores may begin again without binding */
    tally__arena         work;          /* temporaries of this call */
    tally__arena_mark    start;         /* of work: empty */
    tally__frame        *next;          /* for whoever keeps idle frames */
    bool                 home;          /* likewise: it has a place of its own to wait in */
    bool                 commits;       /* the graph changes a store */
    bool                 batches;       /* and one of its own */
    bool                 holds;         /* it reads or overwrites one: deltas may hold blocks of it */
    bool                 polls;         /* the context has an interrupt hook */
    int32_t              loops;         /* running now, nested */
    int32_t              n_held;        /* slots whose deltas hold something of this call */
    uint32_t             n_carried;
    int32_t              n_slot;
    size_t               bytes;         /* of this allocation */
};
/* a frame for a recorded graph (plan NULL), or for a plan with the loops of an instruction set */
tally__frame *tally__frame_new(tally_context *c, const tally__graph *g, const tally__plan *plan, tally__isa isa, tally_error *err);
size_t        tally__frame_bytes(const tally__graph *g, const tally__plan *plan);       /* that this takes; blocks and values come on top */
void          tally__frame_drop(tally__frame *f);          /* NULL is fine; never follows graph */
tally_tensor  tally__frame_value(const tally__frame *f, tally__id node);     /* of a returned node, valid until frame_end */
void          tally__frame_forget(tally__frame *f);        /* what no store outside is to have */
/* tally__commit of all deltas (a graph that only reads commits nothing) */
static inline tally_status tally__frame_commit(tally__frame *f, tally_error *err)
{
    if (f->batches)
        tally__frame_forget(f);
    return f->commits ? tally__commit(f->context, f->delta, f->n_slot, err) : TALLY_OK;
}
void          tally__frame_end(tally__frame *f);           /* lets go of stores and views, keeps memory */
/* memory for the temporaries of the sizes that are bound, so that the first run asks for little */
tally_status  tally__frame_reserve(tally__frame *f, tally_error *err);

/* bind.c: sizes, equalities, state sizes; deltas begin. in[i]: argument i as a tensor (checked view) or NULL; store[i]: argument i as a store or NULL.
 * Any mismatch: INVALID_ARGUMENT at the user's line with both sizes. Nothing to undo but tally__frame_end */
tally_status  tally__frame_bind(tally__frame *f, const tally_tensor *const *in, tally__store *const *store, tally_error *err);
/* the same for a call whose sizes and stores are those of the latest one (f->bound), with in[] as set by the caller */
static inline tally_status tally__frame_again(tally__frame *f, tally_error *err)
{
    assert(f->bound);
    f->n_held = f->n_slot;
    return tally__deltas_begin(f->delta, f->n_slot, err);
}
tally_status  tally__state_not_built(const tally__frame *f, int32_t slot, int32_t cell, tally__place at, tally_error *err);

/* run.c: node by node, or step by step of the plan; control flow. CANCELLED when interrupted */
tally_status  tally__run(tally__frame *f, tally_error *err);
tally_status  tally__run_node(tally__frame *f, tally__id id, tally_error *err);
tally__runner  tally__run_poll;
tally__runner  tally__run_rows;                            /* of a loop: its number instead of a node's */
tally__runner *tally__runner_of(const tally__frame *f, tally__id id);       /* once f knows its plan and kernels */
tally_status  tally__poll_hook(tally__frame *f, tally_error *err);
static inline tally_status tally__poll(tally__frame *f, tally_error *err) { return f->polls ? tally__poll_hook(f, err) : TALLY_OK; }
void          tally__value_copy(void *to, const tally_tensor *x);            /* its elements, dense; exact ones too */

/* apply.c. fit: can this loop make `out` (its sizes set, dense) of operands that lie like these? false: it cannot. run: so many rows.
 * apply: a node outside of loops; false: its operands lie otherwise, and nothing was done */
bool          tally__instr_fit(tally__instr *i, tally__loop_kernel *kernel, const tally__node *n, const tally_tensor *const *arg,
                               const tally_tensor *out);
void          tally__instr_run(const tally__instr *i, int64_t rows);
bool          tally__apply(tally__frame *f, tally__id id, const tally__node *n, const tally_tensor *const *arg, tally_status *status,
                           tally_error *err);

/* code.c: enter: the nodes of a loop see its operands, and its instructions are those for the layouts of now; leave: no more */
tally_status  tally__code_enter(tally__frame *f, const tally__step *s, int64_t rows, tally_error *err);
void          tally__code_leave(tally__frame *f, const tally__step *s);
/* what the slots of a plan's largest loop take in full blocks of so many elements, where a row is one element; no loop: 0 */
size_t        tally__slots_bytes(const tally__plan *p, uint32_t block);
void          tally__code_rows(tally__frame *f, const tally__step *s, int64_t n);          /* all shapes say n rows */

/* loop.c: a fused step, block by block */
tally_status  tally__run_loop(tally__frame *f, const tally__step *s, tally_error *err);
/* n rows of a loop that is entered. fold: what takes rows that come in several blocks, or NULL; next: what to fetch meanwhile, or NULL */
typedef struct tally__ahead tally__ahead;
tally_status  tally__run_block(tally__frame *f, const tally__code *c, int64_t n, void **fold, tally__ahead *next, tally_error *err);
int64_t       tally__row_elements(const tally__frame *f, const tally__node *n);     /* of one row of a value */

/* parts.c: the frames on which tasks run the parts of a loop. suit: this loop can be cut (elements: of the widest value); it
 * builds states as their first rows would. take: n parts are ready to run blocks of so many rows, and have the memory for
 * it. merge: what they added becomes f's */
bool          tally__parts_suit(tally__frame *f, const tally__step *s, int n, int64_t elements);
tally_status  tally__parts_take(tally__frame *f, const tally__step *s, int n, int64_t block, tally_error *err);
tally_status  tally__parts_merge(tally__frame *f, const tally__step *s, int n, tally_error *err);

/* effect.c: what a node does to a store, and what it says or reads there */
tally__runner tally__run_read;
tally__runner *tally__effect_runner(const tally__frame *f, const tally__node *n);
bool          tally__adds_to_number(const tally__frame *f, const tally__node *n);   /* an update of one number, without weight and mask */
static inline bool tally__is_double(int32_t dtype)          /* 64-bit integers and exact sums do not fit a double */
{
    return dtype != TALLY__EXACT && dtype != TALLY_I64 && dtype != TALLY_U64;
}
static inline double tally__double_at(const tally_tensor *x)
{
    return x->dtype == TALLY_F32 ? (double)*(const float *)x->data : tally__load_f64(x->data, x->dtype);
}

/* print.c: "label: value" through the context's log hook */
tally_status  tally__run_print(tally__frame *f, const tally__node *n, const tally_tensor *x, tally_error *err);

#endif
