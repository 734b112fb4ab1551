/* program_split: what of a program may be fed in pieces. Registers are told apart by what of the batch they depend on; an
 * effect stays where it adds, for each sample, what that sample alone decides, and is taken out of the tree elsewhere. What
 * is left promises the same states for any split of the rows. Reads the tree, runs nothing. */
#include "program.h"

/* what a register depends on */
typedef enum share {
    SHARE_NOTHING,       /* the same for every split */
    SHARE_SAMPLE,        /* inside a loop over the samples: the one of this turn */
    SHARE_ROWS,          /* row i on sample i alone */
    SHARE_TURN,          /* which turn of such a loop it is */
    SHARE_COUNT,         /* how many samples there are */
    SHARE_BATCH          /* more than that */
} share;

/* where effects stand */
typedef enum stand { STAND_PLAIN, STAND_LOOP, STAND_LOST } stand;

typedef struct splitter {
    const program *p;
    share          of[MAX_REGISTERS];
    bool           removes;      /* the last of several walks over a loop */
    split_kept     kept;
} splitter;

static int rank_of(const splitter *s, int r) { return s->p->reg[r].rank; }

/* element by element: rows stand on the first axis of the result, or do not stand */
static share joined(const splitter *s, const instr *in)
{
    share all = SHARE_NOTHING;
    for (int k = 0; k < 3; k++) {
        int a = in->arg[k];
        if (a < 0 || s->of[a] == SHARE_NOTHING)
            continue;
        if (s->of[a] > SHARE_ROWS || (all && all != s->of[a]) || (s->of[a] == SHARE_ROWS && rank_of(s, a) != rank_of(s, in->dst)))
            return SHARE_BATCH;
        all = s->of[a];
    }
    return all;
}

static bool plain(const splitter *s, int r) { return r < 0 || s->of[r] == SHARE_NOTHING; }

/* of an op whose first operand has rows */
static share rows_through(const splitter *s, const instr *in)
{
    bool inner = in->axis > 0, rest_plain = plain(s, in->arg[1]) && plain(s, in->arg[2]);
    switch ((int)in->op) {
    case OP_TRANSPOSE: return rank_of(s, in->arg[0]) == 1 ? SHARE_ROWS : SHARE_BATCH;
    case OP_COLUMN: return rank_of(s, in->arg[0]) > 1 ? SHARE_ROWS : SHARE_BATCH;
    case OP_DIM: return inner ? SHARE_NOTHING : SHARE_COUNT;
    case OP_SUM: case OP_MEAN: case OP_MAX: case OP_MIN: case OP_ARGMAX: case OP_SOFTMAX: case OP_LOG_SOFTMAX:
    case OP_LOGSUMEXP: case OP_CUMSUM: case OP_EXPAND_DIMS: case OP_SQUEEZE: return inner ? SHARE_ROWS : SHARE_BATCH;
    case OP_SLICE: return inner && rest_plain ? SHARE_ROWS : SHARE_BATCH;
    case OP_MATMUL: return rank_of(s, in->arg[0]) > 1 && rank_of(s, in->arg[1]) < 3 && rest_plain ? SHARE_ROWS : SHARE_BATCH;
    case OP_ONE_HOT: return rest_plain ? SHARE_ROWS : SHARE_BATCH;
    case OP_AT: return s->of[in->arg[1]] == SHARE_TURN ? SHARE_SAMPLE : SHARE_BATCH;
    case OP_RANK_OF: return s->of[in->arg[1]] == SHARE_ROWS && rank_of(s, in->dst) ? SHARE_ROWS : SHARE_BATCH;
    default: return SHARE_BATCH;
    }
}

static bool elementwise(op o)
{
    return o <= OP_CAST || (o >= OP_ADD && o <= OP_XOR) || o == OP_SELECT || o == OP_CLIP || o == OP_BROADCAST_LIKE;
}

static share share_of(const splitter *s, const instr *in)
{
    if (in->op >= OP_CONSTANT && in->op <= OP_CAPTURED)
        return SHARE_NOTHING;
    if (elementwise(in->op))
        return joined(s, in);
    if (s->of[in->arg[0]] == SHARE_ROWS)
        return rows_through(s, in);
    bool by_rows = in->arg[1] >= 0 && s->of[in->arg[1]] == SHARE_ROWS;
    if (by_rows)
        return in->op == OP_GATHER && plain(s, in->arg[0]) ? SHARE_ROWS : SHARE_BATCH;
    return joined(s, in);
}

static bool may_fail(op o)
{
    return o == OP_AT || o == OP_GATHER || o == OP_ARGMAX || o == OP_SLICE || o == OP_COLUMN || o == OP_RESULT || o == OP_RANK_OF ||
           o == OP_ONE_HOT || o == OP_MATMUL;
}

/* ---- effects */

static bool update_stays(const splitter *s, const instr *in, stand where)
{
    for (int k = 0; k < in->n_operands; k++) {
        share a = s->of[in->arg[k]];
        bool  weight = k > 0 && !rank_of(s, in->arg[k]) && a == SHARE_NOTHING;
        if (where == STAND_LOOP ? a > SHARE_SAMPLE : a != SHARE_ROWS && !weight)
            return false;
    }
    return where != STAND_LOST;
}

static bool effect_stays(splitter *s, const instr *in, stand where)
{
    switch ((int)in->op) {
    case OP_UPDATE: return update_stays(s, in, where);
    case OP_RESULT: s->of[in->dst] = SHARE_BATCH; return true;
    case OP_READ: s->of[in->dst] = SHARE_NOTHING; return true;
    case OP_ASSERT: return where != STAND_LOST && s->of[in->arg[0]] <= SHARE_ROWS;
    case OP_PRINT: return true;
    default: return false;
    }
}

/* ---- regions */

static void split_block(splitter *s, block *b, stand where);

static share wider(share a, share b) { return a == b ? a : SHARE_BATCH; }

static stand under(share condition, stand where)
{
    bool known = condition == SHARE_NOTHING || (condition == SHARE_SAMPLE && where == STAND_LOOP);
    return known ? where : STAND_LOST;
}

static void start_carried(splitter *s, const instr *in)
{
    for (int k = 0; k < in->n_carry; k++)
        s->of[in->carry[k]] = s->of[in->init[k]];
}

static void split_if(splitter *s, const instr *in, stand where)
{
    share result[MAX_CARRIED], condition = s->of[in->arg[0]];
    for (int arm = 0; arm < 2; arm++) {
        start_carried(s, in);
        split_block(s, in->inner[arm], under(condition, where));
        for (int k = 0; k < in->n_carry; k++) {
            share yielded = s->of[in->inner[arm]->yield[k]];
            result[k] = arm ? wider(result[k], yielded) : yielded;
        }
    }
    for (int k = 0; k < in->n_carry; k++)
        s->of[in->carry[k]] = condition == SHARE_NOTHING || condition == result[k] ? result[k] : SHARE_BATCH;
}

/* while (i < number of samples), and nothing else ends it */
static bool over_samples(const splitter *s, const instr *in)
{
    const block *test = in->inner[0];
    for (int k = 0; k < test->n; k++)
        if (test->at[k].dst == test->yield[0])
            return in->limit < 0 && test->at[k].op == OP_LT && test->at[k].arg[0] == in->carry[0] && s->of[test->at[k].arg[1]] == SHARE_COUNT;
    return false;
}

/* what a turn leaves behind reaches the next one */
static bool carried_grow(splitter *s, const instr *in, const share *from)
{
    bool grown = false;
    for (int k = 0; k < in->n_carry; k++) {
        share all = wider(from[k], s->of[in->inner[1]->yield[k]]);
        grown = grown || all != from[k];
        s->of[in->carry[k]] = all;
    }
    return grown;
}

static void split_turns(splitter *s, const instr *in, stand where)
{
    bool  removes = s->removes, grown = true;
    share from[MAX_CARRIED];
    for (int last = 0; grown || last < 2; last += !grown) {
        for (int k = 0; k < in->n_carry; k++)
            from[k] = s->of[in->carry[k]];
        s->removes = removes && last;
        split_block(s, in->inner[0], where);
        share condition = s->of[in->inner[0]->yield[0]];
        split_block(s, in->inner[1], under(condition, where));
        grown = carried_grow(s, in, from);
    }
    s->removes = removes;
    for (int k = 0; k < in->n_carry && s->of[in->inner[0]->yield[0]] != SHARE_NOTHING; k++)
        s->of[in->carry[k]] = SHARE_BATCH;
}

static void split_samples(splitter *s, const instr *in)
{
    for (int k = 0; k < in->n_carry; k++)
        s->of[in->carry[k]] = k ? SHARE_BATCH : SHARE_TURN;
    split_block(s, in->inner[0], STAND_LOST);
    split_block(s, in->inner[1], STAND_LOOP);
    for (int k = 0; k < in->n_carry; k++)
        s->of[in->carry[k]] = SHARE_BATCH;
}

static void split_while(splitter *s, const instr *in, stand where)
{
    start_carried(s, in);
    if (where == STAND_PLAIN && over_samples(s, in))
        split_samples(s, in);
    else
        split_turns(s, in, where);
}

static void split_region(splitter *s, const instr *in, stand where)
{
    if (in->op == OP_IF)
        split_if(s, in, where);
    else if (in->op == OP_WHILE)
        split_while(s, in, where);
    else {
        start_carried(s, in);
        split_block(s, in->inner[0], where);
        for (int k = 0; k < in->n_out; k++)
            s->of[in->out[k]] = s->of[in->inner[0]->yield[k]];
    }
}

static bool instr_stays(splitter *s, instr *in, stand where)
{
    if (in->op >= OP_IF) {
        split_region(s, in, where);
        s->kept.open = s->kept.open || (in->op == OP_WHILE && in->limit_is_error);
        return true;
    }
    if (in->op >= OP_UPDATE && !effect_stays(s, in, where))
        return false;
    if (in->op < OP_UPDATE)
        s->of[in->dst] = share_of(s, in);
    s->kept.updates += s->removes && in->op == OP_UPDATE;
    s->kept.in_loops += s->removes && in->op == OP_UPDATE && where == STAND_LOOP;
    s->kept.open = s->kept.open || (may_fail(in->op) && (where == STAND_LOST || s->of[in->dst] == SHARE_BATCH));
    return true;
}

static void split_block(splitter *s, block *b, stand where)
{
    int n = 0;
    for (int k = 0; k < b->n; k++)
        if (instr_stays(s, &b->at[k], where) || !s->removes)
            b->at[n++] = b->at[k];
    b->n = n;
}

split_kept program_split(program *p)
{
    splitter s = { .p = p, .removes = true };
    for (int k = 0; k < p->n_inputs; k++)
        s.of[k] = p->input[k].rank && p->input[k].size[0] == SIZE_N ? SHARE_ROWS : SHARE_NOTHING;
    split_block(&s, p->body, STAND_PLAIN);
    return s.kept;
}
