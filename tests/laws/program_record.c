/* program_record: the body that a function records: the tree, walked through the public builders. Regions use the scope
 * functions behind TALLY_WHILE and TALLY_IF, or the callback forms with a metric among the variables. */
#include "program.h"

typedef struct walk {
    const recording   *rec;
    tally_trace       *t;
    tally_node         node[MAX_REGISTERS];
    tally_metric_ref   metric[MAX_METRICS];
    tally_variable_ref variable[MAX_VARIABLES];
} walk;

#define HERE __FILE__, __LINE__

static void walk_block(walk *w, const block *b);

static tally_node apply1(const instr *in, tally_node a)
{
    int axis = in->from_end ? in->axis - tally_node_rank(a) : in->axis;
    switch ((int)in->op) {
    case OP_NEG: return tally_neg_loc(a, HERE);
    case OP_ABS: return tally_abs_loc(a, HERE);
    case OP_SQUARE: return tally_square_loc(a, HERE);
    case OP_SQRT: return tally_sqrt_loc(a, HERE);
    case OP_EXP: return tally_exp_loc(a, HERE);
    case OP_LOG: return tally_log_loc(a, HERE);
    case OP_LOG1P: return tally_log1p_loc(a, HERE);
    case OP_SIGMOID: return tally_sigmoid_loc(a, HERE);
    case OP_TANH: return tally_tanh_loc(a, HERE);
    case OP_SIGN: return tally_sign_loc(a, HERE);
    case OP_FLOOR: return tally_floor_loc(a, HERE);
    case OP_NOT: return tally_not_loc(a, HERE);
    case OP_IS_NAN: return tally_is_nan_loc(a, HERE);
    case OP_ONES_LIKE: return tally_ones_like_loc(a, HERE);
    case OP_ZEROS_LIKE: return tally_zeros_like_loc(a, HERE);
    case OP_CAST: return tally_cast_loc(a, (tally_dtype)in->dtype, HERE);
    case OP_REDUCE_SUM: return tally_reduce_sum_loc(a, HERE);
    case OP_REDUCE_MEAN: return tally_reduce_mean_loc(a, HERE);
    case OP_REDUCE_MAX: return tally_reduce_max_loc(a, HERE);
    case OP_REDUCE_MIN: return tally_reduce_min_loc(a, HERE);
    case OP_REDUCE_ANY: return tally_reduce_any_loc(a, HERE);
    case OP_REDUCE_ALL: return tally_reduce_all_loc(a, HERE);
    case OP_SIZE: return tally_size_loc(a, HERE);
    case OP_TRANSPOSE: return tally_transpose_loc(a, HERE);
    case OP_SUM: return tally_sum_loc(a, axis, HERE);
    case OP_MEAN: return tally_mean_loc(a, axis, HERE);
    case OP_MAX: return tally_max_loc(a, axis, HERE);
    case OP_MIN: return tally_min_loc(a, axis, HERE);
    case OP_ARGMAX: return tally_argmax_loc(a, axis, HERE);
    case OP_SOFTMAX: return tally_softmax_loc(a, axis, HERE);
    case OP_LOG_SOFTMAX: return tally_log_softmax_loc(a, axis, HERE);
    case OP_LOGSUMEXP: return tally_logsumexp_loc(a, axis, HERE);
    case OP_CUMSUM: return tally_cumsum_loc(a, axis, HERE);
    case OP_DIM: return tally_dim_loc(a, axis, HERE);
    case OP_COLUMN: return tally_column_loc(a, in->axis, HERE);
    case OP_EXPAND_DIMS: return tally_expand_dims_loc(a, in->axis, HERE);
    default: return tally_squeeze_loc(a, axis, HERE);
    }
}

static tally_node apply2(const instr *in, tally_node a, tally_node b)
{
    switch ((int)in->op) {
    case OP_ADD: return tally_add_loc(a, b, HERE);
    case OP_SUB: return tally_sub_loc(a, b, HERE);
    case OP_MUL: return tally_mul_loc(a, b, HERE);
    case OP_DIV: return tally_div_loc(a, b, HERE);
    case OP_DIV_NO_NAN: return tally_div_no_nan_loc(a, b, HERE);
    case OP_MINIMUM: return tally_minimum_loc(a, b, HERE);
    case OP_MAXIMUM: return tally_maximum_loc(a, b, HERE);
    case OP_POW: return tally_pow_loc(a, b, HERE);
    case OP_EQ: return tally_eq_loc(a, b, HERE);
    case OP_NE: return tally_ne_loc(a, b, HERE);
    case OP_LT: return tally_lt_loc(a, b, HERE);
    case OP_LE: return tally_le_loc(a, b, HERE);
    case OP_GT: return tally_gt_loc(a, b, HERE);
    case OP_GE: return tally_ge_loc(a, b, HERE);
    case OP_AND: return tally_and_loc(a, b, HERE);
    case OP_OR: return tally_or_loc(a, b, HERE);
    case OP_XOR: return tally_xor_loc(a, b, HERE);
    case OP_MATMUL: return tally_matmul_loc(a, b, HERE);
    case OP_AT: return tally_at_loc(a, b, HERE);
    case OP_GATHER: return tally_gather_loc(a, b, HERE);
    case OP_RANK_OF: return tally_rank_of_loc(a, b, HERE);
    case OP_BROADCAST_LIKE: return tally_broadcast_like_loc(a, b, HERE);
    default: return tally_one_hot_loc(a, b, (tally_dtype)in->dtype, HERE);
    }
}

static tally_node apply3(const instr *in, const tally_node *x)
{
    if (in->op == OP_SELECT)
        return tally_select_loc(x[0], x[1], x[2], HERE);
    if (in->op == OP_CLIP)
        return tally_clip_loc(x[0], x[1], x[2], HERE);
    return tally_slice_loc(x[0], in->from_end ? in->axis - tally_node_rank(x[0]) : in->axis, x[1], x[2], HERE);
}

static tally_node apply0(walk *w, const instr *in)
{
    if (in->op == OP_NUMBER)
        return tally_num(in->number);
    if (in->op == OP_CAPTURED) {
        tally_tensor x = array_view(w->rec->captured[in->dst]);
        return tally_capture_tensor_loc(w->t, &x, HERE);
    }
    return in->dtype == TALLY_I64 ? tally_i64_loc(w->t, (int64_t)in->number, HERE)
         : in->dtype == TALLY_F32 ? tally_f32_loc(w->t, (float)in->number, HERE) : tally_f64_loc(w->t, in->number, HERE);
}

/* ---- regions ---- */

typedef struct region_walk {
    walk            *w;
    const instr     *in;
    tally_metric_ref kept;
} region_walk;

static void enter(region_walk *r, const tally_symbol *v)
{
    for (int k = 0; k < r->in->n_carry; k++)
        r->w->node[r->in->carry[k]] = v[k].node;
    int n = r->in->n_carry;
    if (r->in->carried_metric >= 0)
        r->w->metric[r->in->carried_metric] = v[n++].metric;
    if (r->in->carried_variable >= 0)
        r->w->variable[r->in->carried_variable] = v[n].variable;
}

static void leave(region_walk *r, tally_symbol *v, const block *b)
{
    for (int k = 0; k < r->in->n_carry; k++)
        v[k].node = r->w->node[b->yield[k]];
}

static tally_node loop_condition(tally_trace *t, const tally_symbol *v, void *user)
{
    region_walk *r = user;
    (void)t;
    enter(r, v);
    walk_block(r->w, r->in->inner[0]);
    return r->w->node[r->in->inner[0]->yield[0]];
}

static void loop_body(tally_trace *t, tally_symbol *v, void *user)
{
    region_walk *r = user;
    (void)t;
    enter(r, v);
    walk_block(r->w, r->in->inner[1]);
    leave(r, v, r->in->inner[1]);
}

static void then_arm(tally_trace *t, tally_symbol *v, void *user)
{
    region_walk *r = user;
    (void)t;
    enter(r, v);
    walk_block(r->w, r->in->inner[0]);
    leave(r, v, r->in->inner[0]);
}

static void walk_callbacks(walk *w, const instr *in)
{
    tally_symbol       v[MAX_CARRIED + 2] = { { { NULL, 0, 0 }, { NULL, 0, 0 }, { NULL, 0, 0 } } };
    region_walk        r = { w, in, { NULL, 0, 0 } };
    int                n = in->n_carry;
    tally_while_options o = TALLY_WHILE_OPTIONS_INIT;
    o.max_iterations = in->limit;
    o.limit_is_error = in->limit_is_error;
    for (int k = 0; k < n; k++)
        v[k].node = w->node[in->init[k]];
    if (in->carried_metric >= 0)
        v[n++].metric = w->metric[in->carried_metric];
    if (in->carried_variable >= 0)
        v[n++].variable = w->variable[in->carried_variable];
    if (in->op == OP_WHILE)
        tally_while_loop_loc(w->t, loop_condition, loop_body, &r, v, n, in->limit >= 0 ? &o : NULL, HERE);
    else
        tally_cond_loc(w->t, w->node[in->arg[0]], then_arm, loop_body, &r, v, n, HERE);
    enter(&r, v);
}

static void yield(walk *w, const instr *in, const block *b)
{
    tally_node next[MAX_CARRIED];
    for (int k = 0; k < in->n_carry; k++)
        next[k] = w->node[b->yield[k]];
    for (int k = 0; k < in->n_carry; k++)
        w->node[in->carry[k]] = next[k];
}

static tally_node walk_condition(walk *w, const block *b)
{
    walk_block(w, b);
    return w->node[b->yield[0]];
}

static void walk_scopes(walk *w, const instr *in)
{
    tally_node         *vars[MAX_CARRIED + 1];
    tally_while_options o = TALLY_WHILE_OPTIONS_INIT;
    o.max_iterations = in->limit;
    o.limit_is_error = in->limit_is_error;
    for (int k = 0; k < in->n_carry; k++) {
        w->node[in->carry[k]] = w->node[in->init[k]];
        vars[k] = &w->node[in->carry[k]];
    }
    vars[in->n_carry] = NULL;
    if (in->op == OP_WHILE) {
        tally_scope s = tally_while_begin(w->t, vars, in->limit >= 0 ? &o : NULL, HERE);
        for (; tally_while_test(&s, walk_condition(w, in->inner[0]), HERE); tally_while_end(&s, HERE)) {
            walk_block(w, in->inner[1]);
            yield(w, in, in->inner[1]);
        }
        return;
    }
    tally_scope s = tally_if_begin(w->t, w->node[in->arg[0]], vars, HERE);
    while (tally_if_next(&s, HERE)) {
        const block *arm = in->inner[s.arm == 1 ? 0 : 1];
        walk_block(w, arm);
        yield(w, in, arm);
    }
}

/* an inner body has its own trace arguments and reaches stores by capture */
typedef struct inline_walk {
    walk        *outer;
    const instr *in;
} inline_walk;

static void inline_body(tally_trace *t, void *user)
{
    inline_walk *i = user;
    walk         w;
    int          n = i->in->n_carry;
    memset(&w, 0, sizeof w);
    w.rec = i->outer->rec;
    w.t = t;
    for (int k = 0; k < n; k++)
        w.node[i->in->carry[k]] = tally_arg_loc(t, k, HERE);
    for (int k = 0; k < w.rec->p->n_metric_refs; k++)
        w.metric[k] = tally_arg_metric_loc(t, n + k, HERE);
    for (int k = 0; k < w.rec->p->n_variables; k++)
        w.variable[k] = tally_arg_variable_loc(t, n + w.rec->p->n_metric_refs + k, HERE);
    walk_block(&w, i->in->inner[0]);
    for (int k = 0; k < i->in->n_out; k++)
        tally_return_loc(t, w.node[i->in->inner[0]->yield[k]], HERE);
}

static void walk_inline(walk *w, const instr *in)
{
    enum { MOST = MAX_CARRIED + MAX_METRICS + MAX_VARIABLES };
    tally_symbol arg[MOST], out[MAX_CARRIED];
    inline_walk  i = { w, in };
    int          n = 0;
    memset(arg, 0, sizeof arg);
    memset(out, 0, sizeof out);
    for (int k = 0; k < in->n_carry; k++)
        arg[n++].node = w->node[in->init[k]];
    for (int k = 0; k < w->rec->p->n_metric_refs; k++)
        arg[n++].metric = w->metric[k];
    for (int k = 0; k < w->rec->p->n_variables; k++)
        arg[n++].variable = w->variable[k];
    tally_inline_loc(w->t, inline_body, &i, arg, n, out, in->n_out, HERE);
    for (int k = 0; k < in->n_out; k++)
        w->node[in->out[k]] = out[k].node;
}

/* ---- all ---- */

static void walk_effect(walk *w, const instr *in)
{
    tally_node x[3];
    for (int k = 0; k < 3; k++)
        if (in->arg[k] >= 0)
            x[k] = w->node[in->arg[k]];
    switch ((int)in->op) {
    case OP_UPDATE: tally_update_state_loc(w->t, w->metric[in->metric], x, in->n_operands, HERE); break;
    case OP_RESET: tally_reset_state_loc(w->t, w->metric[in->metric], HERE); break;
    case OP_RESULT: w->node[in->dst] = tally_result_loc(w->t, w->metric[in->metric], HERE); break;
    case OP_READ: w->node[in->dst] = tally_read_loc(w->t, w->variable[in->variable], HERE); break;
    case OP_ASSIGN: tally_assign_loc(w->t, w->variable[in->variable], x[0], HERE); break;
    case OP_ASSERT: tally_assert_loc(w->t, x[0], "a random condition holds", HERE); break;
    case OP_PRINT: tally_print_loc(w->t, "value", x[0], HERE); break;
    default: break;
    }
}

static void walk_one(walk *w, const instr *in)
{
    if (in->op == OP_INLINE) {
        walk_inline(w, in);
    } else if (in->op == OP_WHILE || in->op == OP_IF) {
        if (in->callback)
            walk_callbacks(w, in);
        else
            walk_scopes(w, in);
    } else if (in->op >= OP_UPDATE) {
        walk_effect(w, in);
    } else if (in->op >= OP_CONSTANT) {
        w->node[in->dst] = apply0(w, in);
    } else if (in->op >= OP_SELECT) {
        tally_node x[3] = { w->node[in->arg[0]], w->node[in->arg[1]], w->node[in->arg[2]] };
        w->node[in->dst] = apply3(in, x);
    } else if (in->op >= OP_ADD) {
        w->node[in->dst] = apply2(in, w->node[in->arg[0]], w->node[in->arg[1]]);
    } else {
        w->node[in->dst] = apply1(in, w->node[in->arg[0]]);
    }
}

static void walk_block(walk *w, const block *b)
{
    for (int k = 0; k < b->n; k++)
        walk_one(w, &b->at[k]);
}

void program_body(tally_trace *t, void *user)
{
    const recording *rec = user;
    const program   *p = rec->p;
    walk             w;
    int              n = 0;
    memset(&w, 0, sizeof w);
    w.rec = rec;
    w.t = t;
    for (int k = 0; k < p->n_inputs; k++)
        w.node[k] = tally_arg_loc(t, n++, HERE);
    for (int k = 0; k < p->n_metric_refs; k++)
        w.metric[k] = p->ref[k].captured ? tally_capture_metric_loc(t, rec->metric[p->ref[k].store], HERE) : tally_arg_metric_loc(t, n++, HERE);
    for (int k = 0; k < p->n_variables; k++)
        w.variable[k] = p->variable_captured[k] ? tally_capture_variable_loc(t, rec->variable[k], HERE) : tally_arg_variable_loc(t, n++, HERE);
    walk_block(&w, p->body);
    for (int k = 0; k < p->n_returns; k++)
        tally_return_loc(t, w.node[p->returns[k]], HERE);
    for (int k = 0; k < p->n_metric_refs; k++)
        if (p->return_metric[k])
            tally_return_metric_loc(t, w.metric[k], HERE);
}

/* ---- metrics of the programs ---- */

static void moments_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
    tally_accumulate(t, u, 1, u->operand[0], u->weight);
}

static tally_node moments_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_ratio(s[0], s[1]);
}

static tally_node range_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_sub(s[1], s[0]);
}

static void columns_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
    tally_accumulate(t, u, 1, tally_ones_like(tally_column(u->operand[0], 0)), u->weight);
}

static tally_node columns_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_reduce_max_loc(tally_ratio(s[0], s[1]), HERE);
}

static void bins_update(tally_trace *t, const tally_update *u)
{
    tally_node bin = tally_cast(u->operand[0], TALLY_I32);
    tally_accumulate_at(t, u, 0, 0, bin, u->operand[0], u->weight);
    tally_accumulate_at(t, u, 1, 0, bin, tally_num(1), u->weight);
}

static tally_node bins_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_reduce_max_loc(tally_ratio(tally_cumsum(s[0], 0), tally_cumsum(s[1], -1)), HERE);
}

static const tally_state_spec moments_states[] = { { "sum", TALLY_STATE_SUM, 0, { 0, 0 } }, { "count", TALLY_STATE_COUNT, 0, { 0, 0 } } };
static const tally_state_spec range_states[] = { { "low", TALLY_STATE_MIN, 0, { 0, 0 } }, { "high", TALLY_STATE_MAX, 0, { 0, 0 } } };
static const tally_state_spec columns_states[] = { { "sum", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(0, 1), 0 } }, { "rows", TALLY_STATE_SUM, 0, { 0, 0 } } };
static const tally_state_spec bins_states[] = { { "sum", TALLY_STATE_SUM, 1, { 4, 0 } }, { "weight", TALLY_STATE_SUM, 1, { 4, 0 } } };
static const tally_metric_class bins = { sizeof bins, "Bins", 1, 2, 0, 0, bins_states, bins_update, bins_result };
static const tally_metric_class moments = { sizeof moments, "Moments", 1, 2, 0, 0, moments_states, moments_update, moments_result };
static const tally_metric_class range = { sizeof range, "Range", 1, 2, 0, 0, range_states, moments_update, range_result };
static const tally_metric_class columns = { sizeof columns, "Columns", 1, 2, 0, 0, columns_states, columns_update, columns_result };

int kind_operands(metric_kind k)
{
    return k >= KIND_ACCURACY && k <= KIND_MAE ? 2 : 1;
}

tally_metric *kind_new(metric_kind k, tally_context *c, tally_error *err)
{
    tally_mean_options            mean = TALLY_MEAN_OPTIONS_INIT;
    tally_binary_accuracy_options binary = TALLY_BINARY_ACCURACY_OPTIONS_INIT;
    tally_threshold_options       threshold = TALLY_THRESHOLD_OPTIONS_INIT;
    tally_metric_options          own = TALLY_METRIC_OPTIONS_INIT;
    mean.context = binary.context = threshold.context = own.context = c;
    switch (k) {
    case KIND_MEAN: return tally_mean_new(&mean, err);
    case KIND_SUM: return tally_sum_new(&mean, err);
    case KIND_ACCURACY: return tally_accuracy_new(&mean, err);
    case KIND_BINARY_ACCURACY: return tally_binary_accuracy_new(&binary, err);
    case KIND_PRECISION: return tally_precision_new(&threshold, err);
    case KIND_RECALL: return tally_recall_new(&threshold, err);
    case KIND_MSE: return tally_mean_squared_error_new(&mean, err);
    case KIND_MAE: return tally_mean_absolute_error_new(&mean, err);
    case KIND_MOMENTS: return tally_metric_new(&moments, NULL, 0, &own, err);
    case KIND_RANGE: return tally_metric_new(&range, NULL, 0, &own, err);
    case KIND_BINS: return tally_metric_new(&bins, NULL, 0, &own, err);
    case KIND_COLUMNS: return tally_metric_new(&columns, NULL, 0, &own, err);
    case KINDS: break;
    }
    return NULL;
}
