/* element: the elementwise ops, one loop per op and compute type, made from the meanings in
 * ops.def; every other dtype comes in and goes out through blocks that are converted. */
#include "kernels.h"
#include "math.h"

typedef void element_function(void *out, const tally__lane *in, size_t n);

/* ---- the loops */
#define T float
#define U float
#define S f32
#define LOAD(x) (x)
#define FN(f) tally__##f##_f32
#define MEANING(f, s, u) f
#define FOR_NUMERIC ROW
#define FOR_FLOAT ROW
#define FOR_BOOL NO_ROW
#include "element_rows.h"

#define T double
#define U double
#define S f64
#define LOAD(x) (x)
#define FN(f) tally__##f##_f64
#define MEANING(f, s, u) f
#define FOR_NUMERIC ROW
#define FOR_FLOAT ROW
#define FOR_BOOL NO_ROW
#include "element_rows.h"

#define T int64_t
#define U uint64_t
#define S i64
#define LOAD(x) (x)
#define MEANING(f, s, u) s
#define FOR_NUMERIC ROW
#define FOR_FLOAT NO_ROW
#define FOR_BOOL NO_ROW
#include "element_rows.h"

#define T uint64_t
#define U uint64_t
#define S u64
#define LOAD(x) (x)
#define MEANING(f, s, u) u
#define FOR_NUMERIC ROW
#define FOR_FLOAT NO_ROW
#define FOR_BOOL NO_ROW
#include "element_rows.h"

/* any byte but 0 is true, whoever made it */
#define T uint8_t
#define U uint8_t
#define S b8
#define LOAD(x) ((x) != 0)
#define MEANING(f, s, u) u
#define FOR_NUMERIC NO_ROW
#define FOR_FLOAT NO_ROW
#define FOR_BOOL ROW
#include "element_rows.h"

static element_function *function_of(int op, int32_t compute)
{
    switch (compute) {
    case TALLY_F32: return element_f32_ref[op];
    case TALLY_F64: return element_f64_ref[op];
    case TALLY_I64: return element_i64_ref[op];
    case TALLY_U64: return element_u64_ref[op];
    default: return element_b8_ref[op];
    }
}

/* ---- blocks */
tally__lane tally__lane_load(void *block, int32_t to, const char *row, int32_t dtype, int64_t step,
                             size_t n)
{
    if (dtype == to)
        return (tally__lane){ row, step };
    tally__convert(block, to, row, dtype, step, step ? n : 1);
    return (tally__lane){ block, step ? 1 : 0 };
}

typedef struct element_plan {
    element_function *function;
    int               arity;
    int32_t load, gives, store; /* operands are loaded as; the loop gives; the result is */
    bool              direct;                  /* nothing is converted */
    const tally_tensor *const *arg;
} element_plan;

static void run_block(const element_plan *p, char *out, const char *const *row, const int64_t *step,
                      size_t n)
{
    double      block[TALLY__WALK_OPERANDS][TALLY__KERNEL_BLOCK], result[TALLY__KERNEL_BLOCK];
    tally__lane in[TALLY__WALK_OPERANDS];
    for (int i = 0; i < p->arity; i++)
        in[i] = tally__lane_load(block[i], p->load, row[i], p->arg[i]->dtype, step[i], n);
    p->function(p->gives == p->store ? (void *)out : result, in, n);
    if (p->gives != p->store)
        tally__convert(out, p->store, result, p->gives, 1, n);
}

static void run_blocks(const element_plan *p, const tally__walk *w, char *out)
{
    for (int64_t i = 0; i < w->length; i += TALLY__KERNEL_BLOCK) {
        const char *row[TALLY__WALK_OPERANDS];
        size_t      n = (size_t)TALLY__MIN(w->length - i, (int64_t)TALLY__KERNEL_BLOCK);
        for (int k = 0; k < p->arity; k++)
            row[k] = w->row[k] + i * w->step[k] * (int64_t)tally__element_size(p->arg[k]->dtype);
        run_block(p, out + (size_t)i * tally__element_size(p->store), row, w->step, n);
    }
}

static void run_rows(const element_plan *p, tally__walk *w, char *out)
{
    size_t bytes = (size_t)w->length * tally__element_size(p->store);
    for (int64_t r = 0; r < w->rows; r++, tally__walk_next(w), out += bytes) {
        if (!p->direct) {
            run_blocks(p, w, out);
            continue;
        }
        tally__lane in[TALLY__WALK_OPERANDS];
        for (int i = 0; i < p->arity; i++)
            in[i] = (tally__lane){ w->row[i], w->step[i] };
        p->function(out, in, (size_t)w->length);
    }
}

static bool all_scalars(const element_plan *p)
{
    for (int i = 0; i < p->arity; i++)
        if (p->arg[i]->rank)
            return false;
    return true;
}

/* one element, as in a call with one row: no broadcasting, no rows */
static void run_scalar(const element_plan *p, char *out)
{
    static const int64_t step[TALLY__WALK_OPERANDS] = { 0 };
    const char          *row[TALLY__WALK_OPERANDS];
    tally__lane          in[TALLY__WALK_OPERANDS];
    for (int i = 0; i < p->arity; i++) {
        row[i] = p->arg[i]->data;
        in[i] = (tally__lane){ row[i], 0 };
    }
    if (p->direct)
        p->function(out, in, 1);
    else
        run_block(p, out, row, step, 1);
}

static tally_status run_plan(const tally__kernel_call *c, const element_plan *p)
{
    static const int skip[TALLY__WALK_OPERANDS] = { 0 };
    tally__walk      w;
    int64_t          shape[TALLY_MAX_RANK] = { 0 };
    int              rank = 0;
    bool             scalar = all_scalars(p);
    tally_status     s = scalar ? TALLY_OK : tally__kernel_broadcast(c, skip, shape, &rank);
    if (s || (s = tally__kernel_out(c, rank, shape)))
        return s;
    char *out = (char *)(uintptr_t)c->out->data;
    if (scalar) {
        run_scalar(p, out);
        return TALLY_OK;
    }
    tally__walk_begin(&w, p->arity, p->arg, rank, shape);
    run_rows(p, &w, out);
    return TALLY_OK;
}

tally_status tally__element_as(const tally__kernel_call *c, int32_t load)
{
    const tally__op_info *info = &tally__op_table[c->node->op];
    int32_t               gives = info->result == TALLY__RESULT_BOOL ? TALLY_BOOL : load;
    element_plan          p = { .function = function_of(c->node->op, load),
                                .arity = info->arity,
                                .load = load,
                                .gives = gives,
                                .store = c->node->dtype,
                                .arg = c->arg };
    p.direct = gives == p.store;
    for (int i = 0; i < p.arity; i++)
        p.direct = p.direct && c->arg[i]->dtype == load;
    assert(p.function);
    return run_plan(c, &p);
}

tally_status tally__kernel_element(const tally__kernel_call *c)
{
    int first = tally__op_table[c->node->op].takes[0] == 'c';          /* the condition is no value */
    return tally__element_as(c, tally__compute_dtype(c->arg[first]->dtype));
}
