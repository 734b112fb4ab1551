/* evaluate: one value op on tensors. Finds the kernel of a node and holds what all kernels share: results, memory, errors,
 * broadcasting with numbers. Knows no op's meaning and no graph: a node and its operands are all it sees. */
#include "kernels.h"

tally_status tally__kernel_fail(const tally__kernel_call *c, tally_status s, const char *format, ...)
{
    char        line[512];
    tally__text text = { line, sizeof line, 0 };
    va_list     list;
    if (c->node->who)
        tally__put(&text, "%s: ", c->node->who);
    if (c->node->text)
        tally__put(&text, "%s: ", c->node->text);
    tally__put(&text, "%s: ", tally__op_table[c->node->op].name);
    va_start(list, format);
    tally__put_v(&text, format, list);
    va_end(list);
    return tally__fail_at(c->err, s, -1, c->node->place, "%s", line);
}

void *tally__kernel_memory(const tally__kernel_call *c, size_t n, tally_status *s)
{
    void *p = tally__arena_alloc(c->work, n);
    *s = p ? TALLY_OK : tally__fail_memory(c->err, n);
    return p;
}

tally_status tally__kernel_out(const tally__kernel_call *c, int rank, const int64_t *shape)
{
    tally_status  s;
    tally_tensor *out = c->out;
    size_t        size = tally__element_size(c->node->dtype), n = 1;
    out->dtype = c->node->dtype;
    out->rank = rank;
    for (int i = 0; i < rank; i++) {
        if (shape[i] && n > (SIZE_MAX / 4 / size) / (size_t)shape[i])
            return tally__fail_memory(c->err, SIZE_MAX);
        n *= (size_t)shape[i];
        out->shape[i] = shape[i];
    }
    tally__dense(rank, out->shape, out->stride);
    out->data = tally__kernel_memory(c, n * size, &s);
    return s;
}

int32_t tally__compute_dtype(int32_t dtype)
{
    switch (tally__dtype_kind_of(dtype)) {
    case TALLY__KIND_BOOL: return TALLY_BOOL;
    case TALLY__KIND_UINT: return TALLY_U64;
    case TALLY__KIND_INT: return TALLY_I64;
    default: return dtype == TALLY_F64 ? TALLY_F64 : TALLY_F32;
    }
}

/* ---- broadcasting */
enum { MOST_SHAPES = 3 };
static tally_status fail_sizes(const tally__kernel_call *c, int i, int axis, int64_t expected)
{
    char        room[MOST_SHAPES][96];
    const char *shape[MOST_SHAPES] = { "" };
    int         arity = tally__op_table[c->node->op].arity;
    for (int k = 0; k < arity && k < MOST_SHAPES; k++) {
        tally__text text = { room[k], sizeof room[k], 0 };
        tally__put_shape(&text, c->arg[k]->rank, c->arg[k]->shape);
        shape[k] = room[k];
    }
    return tally__kernel_fail(c, TALLY_INVALID_ARGUMENT, "argument %d, expected size %l on axis %d, found %l (%s and %s%s%s)", i,
                              expected, axis, c->arg[i]->shape[axis], shape[0], shape[1], arity > 2 ? " and " : "",
                              arity > 2 ? shape[2] : "");
}

static tally_status evaluate_axis(const tally__kernel_call *c, int k, const int *skip, int64_t *out)
{
    bool found = false;
    *out = 1;
    for (int i = 0; i < tally__op_table[c->node->op].arity; i++) {
        int axis = c->arg[i]->rank - skip[i] - 1 - k;
        if (axis < 0 || (c->arg[i]->shape[axis] == 1 && c->node->repeat >> (6 * i + skip[i] + k) & 1))
            continue;
        if (found && c->arg[i]->shape[axis] != *out)
            return fail_sizes(c, i, axis, *out);
        *out = c->arg[i]->shape[axis];
        found = true;
    }
    return TALLY_OK;
}

tally_status tally__kernel_broadcast(const tally__kernel_call *c, const int *skip, int64_t *shape, int *rank)
{
    *rank = 0;
    for (int i = 0; i < tally__op_table[c->node->op].arity; i++)
        *rank = TALLY__MAX(*rank, c->arg[i]->rank - skip[i]);
    for (int k = 0; k < *rank; k++) {
        tally_status s = evaluate_axis(c, k, skip, &shape[*rank - 1 - k]);
        if (s)
            return s;
    }
    return TALLY_OK;
}

/* ---- the kernel of a node */
/* ones_like, zeros_like: one element that repeats, whatever the size. */
static const uint8_t  one_8 = 1;
static const uint16_t one_16 = 1, one_f16 = 0x3c00, one_bf16 = 0x3f80;
static const uint32_t one_32 = 1;
static const uint64_t one_64 = 1, zero_64 = 0;
static const float    one_f32 = 1;
static const double   one_f64 = 1;
static const void *const one_of[] = {
    [TALLY_BOOL] = &one_8, [TALLY_U8] = &one_8, [TALLY_I8] = &one_8, [TALLY_U16] = &one_16, [TALLY_I16] = &one_16,
    [TALLY_U32] = &one_32, [TALLY_I32] = &one_32, [TALLY_U64] = &one_64, [TALLY_I64] = &one_64, [TALLY_F16] = &one_f16,
    [TALLY_BF16] = &one_bf16, [TALLY_F32] = &one_f32, [TALLY_F64] = &one_f64,
};

static tally_status repeat_kernel(const tally__kernel_call *c)
{
    const tally_tensor *x = c->arg[0];
    tally_tensor       *out = c->out;
    out->data = c->node->op == TALLY__OP_ones_like ? one_of[c->node->dtype] : &zero_64;
    out->dtype = c->node->dtype;
    out->rank = x->rank;
    memcpy(out->shape, x->shape, sizeof out->shape);
    memset(out->stride, 0, sizeof out->stride);
    return TALLY_OK;
}

static tally__kernel *element_kernel(const tally__node *n, const tally_tensor *const *arg)
{
    const tally__op_info *info = &tally__op_table[n->op];
    if (n->op == TALLY__OP_cast)
        return tally__kernel_cast;
    if (n->op == TALLY__OP_ratio)
        return tally__kernel_ratio;
    if (arg[0]->dtype == TALLY__EXACT)
        return tally__kernel_linear;
    if (n->op == TALLY__OP_ones_like || n->op == TALLY__OP_zeros_like)
        return repeat_kernel;
    return info->takes[0] == 'm' && arg[0]->dtype != arg[1]->dtype ? tally__kernel_mixed : tally__kernel_element;
}

static tally__kernel *const own_kernel[TALLY__OPS] = {
    [TALLY__OP_argmax] = tally__kernel_argmax,
    [TALLY__OP_softmax] = tally__kernel_softmax,
    [TALLY__OP_log_softmax] = tally__kernel_softmax,
    [TALLY__OP_logsumexp] = tally__kernel_softmax,
    [TALLY__OP_cumsum] = tally__kernel_cumsum,
    [TALLY__OP_rank_of] = tally__kernel_of_id,
    [TALLY__OP_pick] = tally__kernel_of_id,
    [TALLY__OP_all_equal] = tally__kernel_all_equal,
    [TALLY__OP_top_mask] = tally__kernel_top_mask,
    [TALLY__OP_axis_last] = tally__kernel_axis_last,
    [TALLY__OP_class_ids] = tally__kernel_class_ids,
    [TALLY__OP_at] = tally__kernel_at,
    [TALLY__OP_column] = tally__kernel_column,
    [TALLY__OP_slice] = tally__kernel_slice,
    [TALLY__OP_transpose] = tally__kernel_transpose,
    [TALLY__OP_expand_dims] = tally__kernel_expand_dims,
    [TALLY__OP_squeeze] = tally__kernel_squeeze,
    [TALLY__OP_broadcast_like] = tally__kernel_broadcast_like,
    [TALLY__OP_gather] = tally__kernel_gather,
    [TALLY__OP_one_hot] = tally__kernel_one_hot,
    [TALLY__OP_matmul] = tally__kernel_matmul,
    [TALLY__OP_dim] = tally__kernel_dim,
    [TALLY__OP_size] = tally__kernel_size,
};

tally_status tally__evaluate(const tally__node *n, const tally_tensor *const *arg, tally_tensor *out, tally__arena *work,
                             tally_error *err)
{
    tally__kernel_call    call = { n, arg, out, work, err };
    const tally__op_info *info = &tally__op_table[n->op];
    tally__kernel        *kernel = info->form == TALLY__FORM_ELEMENT  ? element_kernel(n, arg)
                                   : info->form == TALLY__FORM_REDUCE ? tally__kernel_reduce
                                                                      : own_kernel[n->op];
    if (!kernel)
        return tally__fail_at(err, TALLY_INTERNAL, -1, n->place, "%s: expected an op that has a value, found none", info->name);
    return kernel(&call);
}
