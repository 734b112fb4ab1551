/* program: random graph programs. A program is a small syntax tree over registers, made from a seed: inputs of all
 * dtypes, ops, regions in both forms, metrics and variables with their effects. It can be walked in two ways: recorded
 * through the public builders (program_record.c), and run directly, op by op and element by element, on actual data
 * (program_run.c, program_ops.c), which is the oracle. A tree records the same each time it is walked, so regions may be
 * recorded as often as the library likes. */
#ifndef TALLY_TESTS_PROGRAM_H
#define TALLY_TESTS_PROGRAM_H

#include "../support.h"
#include "oracle.h"

/* ---- sizes: names of axes; what a name means is chosen anew for each call ---- */
enum { SIZE_MADE, SIZE_N, SIZE_M, SIZE_K, SIZE_THREE, SIZE_FOUR, SIZE_FIRST_RUN };   /* MADE: 1, and it broadcasts; >= FIRST_RUN: known at run time only */
enum { MAX_RANK = 4 };

typedef struct type {
    int dtype, rank;
    int size[MAX_RANK];
} type;

/* ---- the tree ---- */
typedef enum op {
    /* one operand */
    OP_NEG, OP_ABS, OP_SQUARE, OP_SQRT, OP_EXP, OP_LOG, OP_LOG1P, OP_SIGMOID, OP_TANH, OP_SIGN, OP_FLOOR, OP_NOT, OP_IS_NAN,
    OP_ONES_LIKE, OP_ZEROS_LIKE, OP_CAST,
    OP_REDUCE_SUM, OP_REDUCE_MEAN, OP_REDUCE_MAX, OP_REDUCE_MIN, OP_REDUCE_ANY, OP_REDUCE_ALL, OP_SIZE, OP_TRANSPOSE,
    /* an axis */
    OP_SUM, OP_MEAN, OP_MAX, OP_MIN, OP_ARGMAX, OP_SOFTMAX, OP_LOG_SOFTMAX, OP_LOGSUMEXP, OP_CUMSUM, OP_DIM, OP_COLUMN, OP_EXPAND_DIMS, OP_SQUEEZE,
    /* two operands */
    OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_DIV_NO_NAN, OP_MINIMUM, OP_MAXIMUM, OP_POW,
    OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_AND, OP_OR, OP_XOR,
    OP_MATMUL, OP_AT, OP_GATHER, OP_RANK_OF, OP_BROADCAST_LIKE, OP_ONE_HOT,
    /* three */
    OP_SELECT, OP_CLIP, OP_SLICE,
    /* no operand */
    OP_CONSTANT,        /* typed: i64, f32, f64 */
    OP_NUMBER,          /* tally_num */
    OP_CAPTURED,        /* a tensor captured by value */
    /* stores */
    OP_UPDATE, OP_RESET, OP_RESULT, OP_READ, OP_ASSIGN, OP_ASSERT, OP_PRINT,
    /* regions */
    OP_IF, OP_WHILE, OP_INLINE,
    OPS
} op;

typedef struct block block;
enum { MAX_CARRIED = 4 };
typedef struct instr {
    op       op;
    int      dst, arg[3], axis, dtype;   /* registers; -1: none */
    bool     from_end;                   /* the axis is recorded as the negative one */
    double   number;
    int      metric;                     /* update, reset, result: a reference */
    int      variable;                   /* read, assign: a reference */
    int      n_operands;                 /* update: arg[0 .. n-1] */
    /* regions: carried registers. while and if: carry[j] starts as init[j]; inline: the inner register carry[j] is init[j] */
    bool     callback;                   /* the form of tally_while_loop, tally_cond */
    int      n_carry, carry[MAX_CARRIED], init[MAX_CARRIED];
    int      carried_metric, carried_variable;   /* references that go through the callback form as loop variables, or -1 */
    int      limit;                      /* while: max_iterations or -1 */
    bool     limit_is_error;
    block   *inner[2];                   /* while: condition, body; if: then, else; inline: body */
    int      n_out, out[MAX_CARRIED];    /* inline: registers outside that take the yields */
} instr;

struct block {
    instr *at;
    int    n, room;
    int    yield[MAX_CARRIED];           /* while body, if arms, inline: per carried; while condition: yield[0] */
};

enum { MAX_REGISTERS = 400, MAX_INPUTS = 6, MAX_METRICS = 4, MAX_VARIABLES = 2, MAX_RETURNS = 4 };

typedef enum metric_kind {
    KIND_MEAN, KIND_SUM, KIND_ACCURACY, KIND_BINARY_ACCURACY, KIND_PRECISION, KIND_RECALL, KIND_MSE, KIND_MAE,
    KIND_MOMENTS,       /* own class: sum and count, mean of what is not 0 */
    KIND_RANGE,         /* own class: max - min */
    KIND_BINS,          /* own class: a sum and a weight for each of four bins that the value itself names, largest mean of the first bins */
    KIND_COLUMNS,       /* own class: one sum per column, largest column mean */
    KINDS
} metric_kind;

typedef struct program {
    uint64_t seed;
    int      n_inputs, n_stores, n_metric_refs, n_variables, n_returns, n_registers;
    type     input[MAX_INPUTS];
    type     variable[MAX_VARIABLES];
    metric_kind store[MAX_METRICS];
    struct { int store; bool captured; } ref[MAX_METRICS];   /* how the body reaches a metric; two may be one store */
    bool     variable_captured[MAX_VARIABLES];
    bool     wild;                       /* data of every magnitude, infinities and NaN too */
    int      returns[MAX_RETURNS];
    bool     return_metric[MAX_METRICS];
    type     reg[MAX_REGISTERS];
    bool     constant[MAX_REGISTERS];    /* known while recording */
    block   *body;
    pool    *pool;
    int      n_assertions;
} program;

program *program_make(uint64_t seed);
void     program_free(program *p);
void     program_print(const program *p);

/* takes out every effect whose outcome a split of the rows may change (program_split.c), and tells what is left */
typedef struct split_kept {
    int  updates, in_loops;                  /* in_loops: of one sample each, in a loop over the rows */
    bool open;                               /* an op may fail for some piece although it did not for the whole */
} split_kept;
split_kept program_split(program *p);

/* ---- recording: what the body of the function walks ---- */
typedef struct recording {
    const program  *p;
    tally_metric   *metric[MAX_METRICS];      /* per store, for captures */
    tally_variable *variable[MAX_VARIABLES];
    const array    *captured[MAX_REGISTERS];  /* by register */
} recording;
void program_body(tally_trace *t, void *user);       /* user: a recording */
tally_metric *kind_new(metric_kind k, tally_context *c, tally_error *err);
int      kind_operands(metric_kind k);

/* data for a type, with these sizes for its names; wild: of every magnitude, infinities and NaN too */
array *random_array(test_rng *r, pool *p, type t, const int64_t *size, bool wild);

/* ---- running directly ---- */
typedef struct store_model store_model;               /* what a metric must hold */
typedef struct machine {
    const program *p;
    pool          *pool;
    int64_t        size[SIZE_FIRST_RUN];
    array         *value[MAX_REGISTERS];
    tally_metric  *mirror[MAX_METRICS];               /* updated eagerly with the oracle's data */
    store_model   *model[MAX_METRICS];                /* and by formula */
    array         *variable[MAX_VARIABLES];
    const array  **captured;
    bool           unclear;                           /* the description leaves this case open: not judged */
    const char    *wrong;                             /* an op alone already disagrees */
    int            prints;
    struct tally_function **eager;                    /* one function per op, kept between programs */
} machine;
tally_status machine_run(machine *m);                 /* what the call must answer */
tally_status op_run(machine *m, const instr *in);     /* value ops */
store_model *model_new(pool *p, metric_kind k);
store_model *model_copy(pool *p, const store_model *from);
void         model_update(store_model *s, const array *const *operand, int n);   /* the last of n > kind_operands is the weight */
void         model_reset(store_model *s);
/* the result as the description has it; false where the description is not exact enough to say */
bool         model_result(const store_model *s, double *result);

/* one program: made, recorded, called three times with other sizes and data, judged. 0: right; else the text says what
 * is wrong. Cases that are left open count in *unclear, calls that had to fail and did in *failed. */
typedef struct program_counts {
    size_t calls, unclear, failed, instructions;
    uint64_t bits;                                    /* hash of all result bits */
} program_counts;
int program_judge(uint64_t seed, program_counts *counts, char *text, size_t room);

#endif
