/* graph, floor 4: what a body records. Nodes, sizes, regions, effects; the ops with their rules and reference kernels.
 * Knows stores as slots with a schema; never a metric class, a kernel, a frame. */
#ifndef TALLY__GRAPH_H
#define TALLY__GRAPH_H

#include <tally/graph.h>
#include "../state/state.h"

/* ---- ops.def: one row per op. First columns of every row: OP(name, form, arity, ...). The enum, names and dispatch come from it */
typedef enum tally__op {
    TALLY__OP_none,
#define OP(name, ...) TALLY__OP_##name,
#include "ops.def"
#undef OP
    TALLY__OPS
} tally__op;
typedef enum tally__form {
    TALLY__FORM_NONE,
    TALLY__FORM_SOURCE,      /* argument, constant, captured, parameter, result: no computation */
    TALLY__FORM_ELEMENT,     /* one value per element of the broadcast operands; the row holds the scalar meaning */
    TALLY__FORM_JOINED = TALLY__FORM_ELEMENT,      /* what kernels.c has loops of its own for */
    TALLY__FORM_REDUCE,      /* over all axes or one */
    TALLY__FORM_ROW,         /* softmax, log_softmax, logsumexp, argmax, rank_of, pick, all_equal: along one axis */
    TALLY__FORM_VIEW,        /* at, column, slice, transpose, expand_dims, squeeze, broadcast_like: a new view, no copy */
    TALLY__FORM_OTHER,       /* gather, one_hot, matmul, dim, size, ratio, cast ...: a kernel of its own */
    TALLY__FORM_READ,        /* read_cell: the store as this call sees it here (program order) */
    TALLY__FORM_EFFECT,      /* accumulate, reset, assign, assert, print: no value */
    TALLY__FORM_REGION       /* while, if: own regions; their values are `result` nodes that follow */
} tally__form;
typedef enum tally__accept { TALLY__ACCEPT_ANY, TALLY__ACCEPT_NUMERIC, TALLY__ACCEPT_FLOAT, TALLY__ACCEPT_BOOL } tally__accept;
typedef enum tally__result {
    TALLY__RESULT_SAME, TALLY__RESULT_BOOL, TALLY__RESULT_I64, TALLY__RESULT_F64, TALLY__RESULT_GIVEN, TALLY__RESULT_SUM, TALLY__RESULT_MEAN
} tally__result;
typedef enum tally__shape {
    TALLY__SHAPE_NONE, TALLY__SHAPE_BROADCAST, TALLY__SHAPE_SCALAR, TALLY__SHAPE_DROP, TALLY__SHAPE_AXIS, TALLY__SHAPE_OF_ID, TALLY__SHAPE_AT,
    TALLY__SHAPE_COLUMN, TALLY__SHAPE_SLICE, TALLY__SHAPE_REVERSE, TALLY__SHAPE_INSERT, TALLY__SHAPE_SQUEEZE, TALLY__SHAPE_LIKE,
    TALLY__SHAPE_GATHER, TALLY__SHAPE_ONE_HOT, TALLY__SHAPE_MATMUL, TALLY__SHAPE_DIM, TALLY__SHAPES
} tally__shape;
typedef enum tally__law {      /* what ops.def says of a row; the test checks each */
    TALLY__LAW_COMM = 1, TALLY__LAW_ASSOC = 2, TALLY__LAW_ASSOC_INT = 4, TALLY__LAW_IDEMPOTENT = 8, TALLY__LAW_INVOLUTION = 16,
    TALLY__LAW_RIGHT_ONE = 32, TALLY__LAW_RIGHT_ZERO = 64, TALLY__LAW_RIGHT_ZERO_INT = 128,
    TALLY__LAW_EXACT = 256,    /* takes an EXACT operand as it is; every other op gets it through a cast to float64 */
    TALLY__LAW_CHECKS = 512,   /* may fail on its data: never dropped as dead */
    TALLY__LAW_SIZES = 1024,   /* looks at sizes only */
    TALLY__LAW_NORMAL = 2048,  /* has its meaning where the last operand is a positive, normal, finite number or NaN */
    TALLY__LAW_UNIT = 4096,    /* where that and 1 minus it are such */
    TALLY__LAW_POSITIVE = 8192 /* where it is finite and not negative, or NaN */
} tally__law;
typedef struct tally__op_info {
    const char *name, *takes;  /* takes: a letter per operand, see ops.def */
    uint8_t     form, arity;   /* arity of value operands */
    uint8_t     accepts, result, shape;
    uint16_t    laws;
} tally__op_info;
extern const tally__op_info tally__op_table[TALLY__OPS];

/* ---- the graph: plain tables; ids are indices, 0 is none */
typedef uint32_t tally__id;
typedef uint32_t tally__dim;
typedef enum tally__size_kind {
    TALLY__SIZE_FIXED,       /* value */
    TALLY__SIZE_INPUT,       /* axis of argument `index` */
    TALLY__SIZE_STATE,       /* axis of cell `cell` of slot `index`; may be unbuilt before the call */
    TALLY__SIZE_RUN          /* known when node `index` has run (slice, loop-carried growth, one_hot depth from data ...) */
} tally__size_kind;
typedef struct tally__size {
    int32_t kind, index, cell, axis;
    int64_t value;
} tally__size;
typedef struct tally__equality {   /* two sizes that met: checked when sizes bind, else when node runs */
    tally__dim  a, b;
    tally__id   node;
    const char *op;                /* static: who asked for it */
} tally__equality;

typedef struct tally__node {
    uint16_t    op;
    uint8_t     dtype;                  /* tally_dtype or TALLY__EXACT; 0 for effects and regions */
    uint8_t     rank;
    uint32_t    region;                 /* where it was recorded */
    tally__dim  dim[TALLY_MAX_RANK];
    uint32_t    n_arg;
    tally__id  *arg;                    /* value operands; accumulate: value, weight or 0, mask or 0; while: initial values; if: condition */
    int32_t     slot, cell;             /* effects and reads on a store */
    uint32_t    repeat;                 /* ELEMENT, matmul: bit 6 i + k: axis k from the right of operand i is a fixed 1 that repeats */
    int32_t     axis;                   /* op's axis; argument: its index; result: which; parameter: which; accumulate: 1, each element counts as a one */
    uint32_t    inner[2];               /* while: condition, body; if: then, else */
    int64_t     limit;                  /* while: max_iterations, or -1 */
    bool        limit_is_error;
    union { double real; int64_t integer; uint64_t natural; } constant;   /* rank-0 constants: floats real, uint64 natural, else integer */
    const void *data;                   /* captured tensor: dense copy in the graph's arena */
    const char *text;                   /* assert, print; of a value: what it was made from ("y_true"), for errors, or NULL */
    const char *who;                    /* the metric class in whose body this was recorded, or NULL: errors name it */
    tally__place place;                 /* the user's line */
} tally__node;

typedef struct tally__region {
    uint32_t   parent;                  /* 0: none (region 1 is the body; region 0 unused) */
    tally__id  owner;                   /* the while or if node; 0 for the body */
    tally__id *list;                    /* nodes in program order, regions' result nodes included, parameters not */
    uint32_t   n_list, room;
    tally__id *param;                   /* `parameter` nodes: while's carried values (condition and body each have their own) */
    tally__id *yield;                   /* what the region hands on: condition 1 bool; body and branches n values */
    uint32_t   n_param, n_yield;
    tally__place opened;
} tally__region;

typedef enum tally__argument_kind { TALLY__ARG_TENSOR = 1, TALLY__ARG_METRIC, TALLY__ARG_VARIABLE } tally__argument_kind;
typedef struct tally__argument {
    int32_t kind, dtype, rank;          /* of a tensor */
    int32_t slot;                       /* of a store: index into slot[]; -1 for a tensor */
} tally__argument;
typedef struct tally__slot {            /* one distinct store, however it was reached */
    int32_t        argument;            /* first argument that is this store, or -1 */
    tally__store  *captured;            /* retained; NULL if it comes as an argument only */
    tally__schema *schema;              /* retained */
    int32_t        batch_of;            /* 1 + the slot of the metric of which it holds one update alone: never committed; else 0 */
    bool           reads, updates, overwrites;   /* anywhere in the graph */
} tally__slot;
typedef struct tally__return {
    int32_t   kind;                     /* tally__argument_kind */
    int32_t   slot;                     /* of a metric */
    tally__id node;                     /* of a tensor */
} tally__return;

typedef struct tally__graph {
    tally_context   *context;
    tally__arena     arena;             /* names, arg lists, constants */
    tally__node     *node;     uint32_t n_node, node_room;     /* [0] unused */
    tally__region   *region;   uint32_t n_region, region_room; /* [0] unused, [1] the body */
    tally__size     *size;     uint32_t n_size, size_room;     /* [0] is FIXED 1 */
    tally__equality *equality; uint32_t n_equality, equality_room;
    tally__argument *argument; int32_t n_argument;
    int32_t          n_used;            /* highest argument that the body used + 1 */
    tally__slot     *slot;     int32_t n_slot; uint32_t slot_room;
    tally__return   *out;      int32_t n_out;  uint32_t out_room;
    const char      *name;              /* of the function, for texts */
} tally__graph;
void tally__graph_drop(tally__graph *g);                        /* releases slots, memory; NULL is fine */
/* a copy in which instead[i] stands for node i (itself, or an earlier one) and dead nodes are left out; their equalities stay. finish.c */
tally__graph *tally__graph_copy(tally_context *c, const tally__graph *from, const tally__id *instead, const bool *dead, tally_error *err);
/* g->context is borrowed, as is a trace's: whoever keeps the graph keeps the context (a context may keep graphs itself) */

/* ---- trace.c: life of a recording */
/* store[i]: the store given as argument i (NULL for tensors): aliasing arguments get one slot. Arguments are copied. */
tally_trace  *tally__trace_new(tally_context *c, const char *name, const tally__argument *in, tally__store *const *store, int n_in, tally_error *err);
/* ends the recording: checks open scopes, verifies, drops dead recordings and renumbers. The graph, now owned by the caller, or NULL and err (the first error
 * of the trace, with its place). Either way the trace is finished: nodes of it are errors from now on; its small remains live until tally__trace_drop */
tally__graph *tally__trace_finish(tally_trace *t, tally_error *err);
void          tally__trace_drop(tally_trace *t);                /* also of a recording that never finished (longjmp) */

/* ---- trace.c: for builders. The first error of a trace sticks; afterwards builders return bad nodes and do nothing */
void       tally__trace_fail(tally_trace *t, tally_status s, tally__place at, const char *format, ...);
bool       tally__trace_ok(const tally_trace *t);
tally_node tally__bad(tally_trace *t);
bool       tally__is_num(tally_node x, double *v);              /* made by tally_num */
bool       tally__is_absent(tally_node x);                      /* all zero */
static inline tally__place tally__at(const char *file, int line) { return (tally__place){ file, line }; }
/* the live trace that these operands belong to. NULL: nothing can be recorded (a bad, foreign, stale, escaped or finished operand, or numbers only);
 * then the error is already noted where there is a trace to note it in, and the builder returns tally__bad(t_or_NULL). Absent operands are an error
 * unless optional has their bit */
tally_trace *tally__operands(const tally_node *x, int n, unsigned optional, const char *op, tally__place at);
/* for effects: the same against a given trace */
bool         tally__operands_of(tally_trace *t, const tally_node *x, int n, unsigned optional, const char *op, tally__place at);
tally__graph *tally__trace_graph(tally_trace *t);
tally__node  *tally__node_of(tally_node x);                     /* of a live, checked node; invalid after the next emit */
/* records a node in the current region; fields op, dtype, rank, dim, slot, cell, axis, ... as in *n (arg list is copied from args; 0 for absent). */
tally_node   tally__emit(tally_trace *t, const tally__node *n, const tally_node *args, uint32_t n_args, tally__place at);
tally_node   tally__constant_f64(tally_trace *t, int32_t dtype, double v, tally__place at);    /* rounded to a float dtype, or whole for an integer one */
tally_node   tally__constant_i64(tally_trace *t, int32_t dtype, int64_t v, tally__place at);
/* sizes */
tally__dim   tally__size_fixed(tally_trace *t, int64_t v);
tally__dim   tally__size_run(tally_trace *t, int axis);         /* of the node that is emitted next */
int64_t      tally__size_known(tally_trace *t, tally__dim d);   /* the fixed value, or -1 */
/* two sizes that must be equal: notes an equality for the node that is emitted next; false and an error if both are fixed and differ */
bool         tally__sizes_meet(tally_trace *t, tally__dim a, tally__dim b, tally__dim *out, const char *op, tally__place at);

/* ---- effects.c: what higher floors record on a store */
const tally__schema *tally__metric_schema(tally_metric_ref m, tally__place at, const char *op);   /* NULL: bad reference, error noted */
/* a store of m's schema that the recording owns and no call commits to: empty when a call begins. One for each metric */
tally_metric_ref tally__batch_of(tally_trace *t, tally_metric_ref m, tally__place at);
void       tally__accumulate(tally_trace *t, tally_metric_ref m, int cell, tally_node value, tally_node weight, tally_node mask, tally__place at);
/* the element of the state is index's, counted through its axes from `axis` on; the axes before are the last of index. value: of index's shape, or rank 0 */
void       tally__accumulate_at(tally_trace *t, tally_metric_ref m, int cell, int axis, tally_node index, tally_node value, tally_node weight,
                                tally_node mask, tally__place at);
tally_node tally__read_cell(tally_trace *t, tally_metric_ref m, int cell, tally__place at);       /* SUM, COUNT: EXACT; MIN, MAX: F64 */
void       tally__reset(tally_trace *t, tally_metric_ref m, tally__place at);
/* the size of an unbuilt state is the size of this value's axis (TALLY_DIM_OPERAND) */
void       tally__size_state(tally_trace *t, tally_metric_ref m, int cell, int axis, tally__dim from, tally__place at);
int        tally__trace_arguments(const tally_trace *t);
/* While a body of a class is recorded, errors begin with `who`; if `covers`, nodes and errors get the place `at` (the user's line, not one of
 * this library). Returns what was set before, to be set again */
typedef struct tally__cover {
    const char  *who;
    tally__place at;
    bool         covers;
} tally__cover;
tally__cover tally__trace_cover(tally_trace *t, tally__cover c);
tally__argument tally__trace_argument(const tally_trace *t, int i);

/* ---- build.c: op builders by number, what the exported tally_<op>_loc call. Dtype and shape rules live here */
tally_node tally__op1(tally__op op, tally_node a, tally__place at);
tally_node tally__op2(tally__op op, tally_node a, tally_node b, tally__place at);
tally_node tally__op3(tally__op op, tally_node a, tally_node b, tally_node c, tally__place at);
tally_node tally__op_axis(tally__op op, tally_node a, int axis, tally__place at);

/* accumulate: value, weight, mask; accumulate_at: index, weight, mask, value. The first gives the rows; what is absent is 0 */
static inline bool tally__is_update(const tally__node *n) { return n->op == TALLY__OP_accumulate || n->op == TALLY__OP_accumulate_at; }

/* ---- classes.c: ops on the axis of classes that only metrics need: their builders and kernels. No public form */
/* true for the k largest of each line along the last axis: exactly k, of equal ones the lower index; NaN comes last. k >= 1; rank >= 1 */
tally_node tally__top_mask(tally_node x, int64_t k, tally__place at);
/* a view with this axis moved behind the others; x itself if it is there */
tally_node tally__axis_last(tally_node x, int axis, tally__place at);
/* ids as int32 if they have at most 32 bits, else int64; OUT_OF_RANGE naming row, id and C unless each is whole and 0 to depth-1, or equals ignore (TALLY_NONE: none), which becomes -1 */
tally_node tally__class_ids(tally_node ids, tally_node depth, int32_t ignore, tally__place at);

/* ---- kernels: the definition of every value op. Sizes come from the arguments, so this also checks at run time what could not be checked before:
 * a mismatch is INVALID_ARGUMENT, an index out of range OUT_OF_RANGE, with op, both sizes or index and the user's line. out: data from the arena
 * (dense), or a view of an argument. arg[i] NULL: absent. Elements of dtype TALLY__EXACT are tally__sum */
tally_status tally__evaluate(const tally__node *n, const tally_tensor *const *arg, tally_tensor *out, tally__arena *work, tally_error *err);
/* reduce.c: a REDUCE over all axes or the first, of at least two rows that come in blocks: the same bits as of all at once. out: the dense result,
 * written by end; dtype: of the rows */
size_t tally__reduce_room(const tally_tensor *out);
void   tally__reduce_begin(void *room, const tally__node *n, const tally_tensor *out, int32_t dtype);
void   tally__reduce_take(void *room, const tally__node *n, const tally_tensor *rows);
void   tally__reduce_merge(void *room, const void *later, const tally_tensor *out);   /* into what took the rows before */
void   tally__reduce_end(const void *room, const tally_tensor *out);

/* ---- the recording: private to trace.c, node.c, source.c, sizes.c, region.c, scope.c, while.c, if.c, callback.c, inline.c, effects.c, finish.c. Its graph is a draft: node and region ids are
 * never given twice, dropped recordings stay in the tables, and finish.c copies what counts into the graph that the caller gets */
#define TALLY__BAD_ID UINT32_MAX
enum { TALLY__INLINE_DEPTH = 64 };
typedef struct tally__region_note {     /* beside region[] */
    bool     open, dropped;             /* open: an ancestor of what is recorded now */
    uint32_t undo;                      /* equalities that were known when it opened */
} tally__region_note;
typedef struct tally__carried {         /* a variable that a scope lists */
    tally_node *at;                     /* the C variable */
    tally_node  before, first;          /* its value before the scope; if: after the first arm */
    unsigned    grown;                  /* while: bit per axis whose size changes from one iteration to the next */
} tally__carried;
typedef enum tally__phase { TALLY__BEFORE, TALLY__CONDITION, TALLY__BODY, TALLY__AFTER, TALLY__THEN, TALLY__ELSE } tally__phase;
typedef struct tally__take {            /* one recording of a loop */
    uint32_t region[2];                 /* condition, body; 0: none */
    tally__id first, end;               /* its nodes */
} tally__take;
typedef struct tally__scope_note {      /* an open while or if */
    uint32_t        id;                 /* what tally_scope holds */
    tally__phase    phase;
    tally__id       owner;              /* its node */
    const char     *verb;               /* "while" or "if" */
    tally__carried *var;
    uint32_t        n_var;
    tally__take     take, earlier;      /* this one, and the one before if it knew the same sizes; if: region of both arms */
    uint32_t        mark_node, mark_list, mark_region, mark_undo;   /* AFTER: what follows is dropped */
    tally__place    opened;
} tally__scope_note;
typedef struct tally__inline_frame {    /* what tally_arg and tally_return mean now; [0] is the call itself */
    const tally_symbol *in;
    tally_symbol       *out;
    int                 n_in, n_used, out_room, n_out;
    uint32_t            scopes;         /* open at its start */
    tally__place        place;
} tally__inline_frame;
typedef struct tally__recording {
    tally__graph        *graph;         /* the draft */
    tally__region_note  *note;          /* [graph.region_room] */
    tally__store       **store;         /* [graph.slot_room] of this call, for aliases and names; borrowed */
    tally__dim         **state_size;    /* [graph.slot_room] -> [n_cells][TALLY_MAX_RANK], 0: none yet */
    tally__id           *argument;      /* [n_argument] its node, 0: none yet */
    tally__dim          *parent;        /* [graph.size_room] union-find over sizes, no path compression so that it can be undone */
    tally__dim          *undo;          uint32_t n_undo, undo_room;
    tally__scope_note   *scope;         uint32_t n_scope, scope_room, scopes_so_far;
    tally__inline_frame *frame;         uint32_t n_frame, frame_room;
    uint32_t             note_room, store_room, state_room, parent_room;
    uint32_t             current;       /* region */
} tally__recording;
struct tally_trace {                    /* outlives its recording, so that a stale node can be examined */
    tally_context    *context;          /* borrowed */
    tally__recording *now;              /* NULL: finished */
    uint32_t          generation;
    tally_error       error;            /* the first; status 0: none */
    tally__cover      cover;
};
/* room for element n of a table from the context; false: sticky RESOURCE_EXHAUSTED. table: address of the pointer */
bool        tally__table_room(tally_trace *t, void *table, uint32_t n, uint32_t *room, size_t element);
tally__graph *tally__graph_new(tally_context *c, const char *name, int n_argument);
void        tally__recording_drop(tally_trace *t);
void       *tally__record_alloc(tally_trace *t, size_t n);      /* from the draft's arena; NULL: noted */
void        tally__trace_fail_argument(tally_trace *t, tally_status s, int argument, tally__place at, const char *format, ...);
tally_node  tally__handle(tally_trace *t, tally__id id);
const char *tally__file_name(const char *file);                 /* without folders */
const char *tally__dtype_text(int32_t dtype);
tally_node  tally__node_rounded(tally_trace *t, tally_node x, tally__place at);   /* an EXACT one as F64 */
tally__node *tally__node_of_any(tally_node x);                  /* also of one in a closed region */
tally__id   tally__node_new(tally_trace *t, const tally__node *n, const tally_node *args, uint32_t n_args, tally__place at);
bool        tally__region_append(tally_trace *t, uint32_t region, tally__id id);
/* sizes.c */
tally__dim  tally__size_new(tally_trace *t, tally__size size);
tally__dim  tally__size_of_state(tally_trace *t, int32_t slot, int cell, int axis);
tally__dim  tally__size_find(const tally__recording *r, tally__dim d);
void        tally__sizes_undo(tally__recording *r, uint32_t n);
/* region.c */
uint32_t    tally__region_open(tally_trace *t, tally__id owner, tally__place at);         /* 0: noted */
void        tally__region_close(tally_trace *t);
void        tally__regions_drop(tally_trace *t, uint32_t from);                           /* all from here on */
bool        tally__takes_same(tally_trace *t, const tally__take *a, const tally__take *b, tally__place *where);
/* scope.c; NULL, false: noted */
tally__scope_note *tally__scope_push(tally_trace *t, const char *verb, tally_node *const *list, uint32_t n, tally__place at);
tally__scope_note *tally__scope_of(const tally_scope *scope, const char *verb, tally__place at);   /* it must be the innermost */
bool        tally__scope_phase_is(tally_trace *t, const tally__scope_note *s, tally__phase phase, const char *call, tally__place at);
bool        tally__scope_values(tally_trace *t, const tally__scope_note *s, bool absent_too, tally__place at);
bool        tally__scope_condition(tally_trace *t, tally_node c, const char *verb, tally__place at);
tally__id  *tally__scope_yields(tally_trace *t, uint32_t region, uint32_t n);
tally_node  tally__scope_result(tally_trace *t, const tally__scope_note *s, const tally__node *type, int k, unsigned fresh);
uint32_t    tally__scope_count(tally_node *const *vars);        /* of a list that ends with NULL */
tally__place tally__place_of(tally_node x, tally__place otherwise);
void        tally__put_value_type(tally__text *text, tally_node x);
bool        tally__same_type(tally_node a, tally_node b);
/* while.c, if.c */
tally_scope tally__while_begin(tally_trace *t, tally_node *const *list, uint32_t n, const tally_while_options *o, tally__place at);
bool        tally__while_is_over(const tally_scope *scope);     /* the next test ends it */
tally_scope tally__if_begin(tally_trace *t, tally_node condition, tally_node *const *list, uint32_t n, tally__place at);
/* source.c, scope.c */
int32_t     tally__slot_of(tally_trace *t, tally__store *store, tally__place at);         /* found or made; -1: noted */
int32_t     tally__ref_slot(tally_trace *t, tally_trace *of, uint32_t id, uint32_t generation, tally__what what, const char *op, tally__place at);
bool        tally__symbols_check(tally_trace *t, const tally_symbol *s, int n, const char *op, tally__place at);
void        tally__scope_left(tally_trace *t, tally__place at);                           /* the innermost open scope was left by break, return, goto */

/* ---- verify.c, dump.c, dot.c */
tally_status tally__graph_verify(const tally__graph *g, tally_error *err);    /* INTERNAL, naming the node */
void         tally__graph_dump(const tally__graph *g, tally__text *out);      /* text that reads like mathematics */
bool         tally__graph_dot(const tally__graph *g, tally__text *out);       /* for Graphviz. false: no memory, nothing written */

#endif
