/* build_shape: the shape rules, one function per rule of ops.def. Sizes are symbols here; what they
 * cannot decide is checked again with numbers by the kernels. An axis fixed at 1 repeats, an input
 * that happens to be 1 never does. */
#include "build.h"

static bool fail_shape(const tally__build *b, tally_status s, const char *format, int64_t expected,
                       int64_t found)
{
    tally__trace_fail(b->t, s, b->at, format, b->info->name, expected, found);
    return false;
}

static bool need_rank(const tally__build *b, int i, int least)
{
    if (b->in[i].rank >= least)
        return true;
    tally__trace_fail(b->t, TALLY_INVALID_ARGUMENT, b->at,
                      "%s: argument %d, expected rank %d or more, found rank %d", b->info->name, i,
                      least, (int)b->in[i].rank);
    return false;
}

static bool need_room(const tally__build *b, int rank)
{
    return rank <= TALLY_MAX_RANK ||
           fail_shape(b, TALLY_INVALID_ARGUMENT,
                      "%s: result, expected rank %l at most, found rank %l", TALLY_MAX_RANK, rank);
}

/* b->out.axis in [-rank, rank), made non-negative */
static bool settle_axis(tally__build *b, int rank)
{
    int axis = b->out.axis;
    if (axis < -rank || axis >= rank) {
        tally__trace_fail(b->t, TALLY_INVALID_ARGUMENT, b->at,
                          "%s: axis, expected %d to %d, found %d", b->info->name, -rank, rank - 1,
                          axis);
        return false;
    }
    b->out.axis = axis < 0 ? axis + rank : axis;
    return true;
}

static bool meet(tally__build *b, tally__dim x, tally__dim y, tally__dim *out)
{
    return tally__sizes_meet(b->t, x, y, out, b->info->name, b->at);
}

/* Axis k from the right over all operands, the last skip[i] axes of operand i left out: the one
 * size that is not a fixed 1. */
static bool broadcast_axis(tally__build *b, int k, const int *skip, tally__dim *out)
{
    bool found = false;
    *out = 0;
    for (int i = 0; i < b->info->arity; i++) {
        int axis = b->in[i].rank - skip[i] - 1 - k;
        if (axis < 0)
            continue;
        tally__dim d = b->in[i].dim[axis];
        if (tally__size_known(b->t, d) == 1)
            b->out.repeat |= 1u << (6 * i + skip[i] + k);
        else if (found && !meet(b, *out, d, out))
            return false;
        else if (!found)
            *out = d, found = true;
    }
    return true;
}

/* the leading sizes of the result, aligned from the right; sets rank to their number */
static bool broadcast_lead(tally__build *b, const int *skip)
{
    int rank = 0;
    for (int i = 0; i < b->info->arity; i++)
        rank = TALLY__MAX(rank, b->in[i].rank - skip[i]);
    for (int k = 0; k < rank; k++)
        if (!broadcast_axis(b, k, skip, &b->out.dim[rank - 1 - k]))
            return false;
    b->out.rank = (uint8_t)rank;
    return true;
}

static bool shape_none(tally__build *b)
{
    (void)b;
    return true;
}

static bool shape_broadcast(tally__build *b)
{
    static const int skip[TALLY__MOST_OPERANDS] = { 0 };
    return broadcast_lead(b, skip);
}

static bool shape_scalar(tally__build *b)
{
    b->out.rank = 0;
    return true;
}

/* all sizes of operand 0 but the one of `axis` */
static void without_axis(tally__build *b, int axis)
{
    b->out.rank = (uint8_t)(b->in[0].rank - 1);
    for (int i = 0, k = 0; i < b->in[0].rank; i++)
        if (i != axis)
            b->out.dim[k++] = b->in[0].dim[i];
}

static bool shape_drop(tally__build *b)
{
    if (!need_rank(b, 0, 1) || !settle_axis(b, b->in[0].rank))
        return false;
    without_axis(b, b->out.axis);
    return true;
}

static void as_operand(tally__build *b, int i)
{
    b->out.rank = b->in[i].rank;
    memcpy(b->out.dim, b->in[i].dim, sizeof b->out.dim);
}

static bool shape_axis(tally__build *b)
{
    as_operand(b, 0);
    return need_rank(b, 0, 1) && settle_axis(b, b->in[0].rank);
}

/* scores [..., classes], ids [...] */
static bool shape_of_id(tally__build *b)
{
    int rank = b->in[1].rank;
    if (!need_rank(b, 0, 1))
        return false;
    if (b->in[0].rank != rank + 1)
        return fail_shape(b, TALLY_INVALID_ARGUMENT, "%s: ids, expected rank %l, found rank %l",
                          b->in[0].rank - 1, rank);
    for (int i = 0; i < rank; i++)
        if (!meet(b, b->in[0].dim[i], b->in[1].dim[i], &b->out.dim[i]))
            return false;
    b->out.rank = (uint8_t)rank;
    b->out.axis = rank;
    return true;
}

static bool shape_at(tally__build *b)
{
    if (!need_rank(b, 0, 1))
        return false;
    without_axis(b, 0);
    return true;
}

static bool shape_column(tally__build *b)
{
    int last = b->in[0].rank - 1;
    if (!need_rank(b, 0, 1))
        return false;
    int64_t size = tally__size_known(b->t, b->in[0].dim[last]);
    if (b->out.axis < 0 || (size >= 0 && b->out.axis >= size))
        return fail_shape(b, TALLY_OUT_OF_RANGE, "%s: column, expected 0 to %l, found %l",
                          size < 0 ? INT32_MAX : size - 1, b->out.axis);
    without_axis(b, last);
    return true;
}

/* the value of a constant integer node; false: not constant */
static bool constant_of(const tally__node *n, int64_t *v)
{
    if (n->op != TALLY__OP_constant || !tally__is_integer(n->dtype))
        return false;
    *v = n->constant.integer;
    return true;
}

/* With constant bounds the new size is known now, else when the node has run. */
static bool shape_slice(tally__build *b)
{
    int64_t begin, end;
    if (!need_rank(b, 0, 1) || !settle_axis(b, b->in[0].rank))
        return false;
    as_operand(b, 0);
    tally__dim *d = &b->out.dim[b->out.axis];
    if (!constant_of(&b->in[1], &begin) || !constant_of(&b->in[2], &end)) {
        *d = tally__size_run(b->t, b->out.axis);
        return true;
    }
    if (begin < 0 || end < begin)
        return fail_shape(b, TALLY_OUT_OF_RANGE,
                          "%s: bounds, expected 0 <= begin <= end, found %l and %l", begin, end);
    *d = tally__size_fixed(b->t, end - begin);
    return true;
}

static bool shape_reverse(tally__build *b)
{
    b->out.rank = b->in[0].rank;
    for (int i = 0; i < b->out.rank; i++)
        b->out.dim[i] = b->in[0].dim[b->out.rank - 1 - i];
    return true;
}

static bool shape_insert(tally__build *b)
{
    int rank = b->in[0].rank + 1;
    if (!need_room(b, rank) || !settle_axis(b, rank))
        return false;
    b->out.rank = (uint8_t)rank;
    for (int i = 0, k = 0; i < rank; i++)
        b->out.dim[i] = i == b->out.axis ? 0 : b->in[0].dim[k++];     /* size 0 is the fixed 1 */
    return true;
}

static bool shape_squeeze(tally__build *b)
{
    if (!shape_drop(b))
        return false;
    int64_t size = tally__size_known(b->t, b->in[0].dim[b->out.axis]);
    return size < 0 || size == 1 ||
           fail_shape(b, TALLY_INVALID_ARGUMENT, "%s: size of the axis, expected %l, found %l", 1,
                      size);
}

/* operand 0 in the shape of operand 1: each of its sizes is the same or 1, which nobody may know
 * before the call */
static bool shape_like(tally__build *b)
{
    int skip = b->in[1].rank - b->in[0].rank;
    if (skip < 0)
        return fail_shape(b, TALLY_INVALID_ARGUMENT,
                          "%s: argument 0, expected rank %l at most, found rank %l", b->in[1].rank,
                          b->in[0].rank);
    for (int i = 0; i < b->in[0].rank; i++) {
        int64_t have = tally__size_known(b->t, b->in[0].dim[i]),
                want = tally__size_known(b->t, b->in[1].dim[skip + i]);
        if (have >= 0 && want >= 0 && have != want && have != 1)
            return fail_shape(b, TALLY_INVALID_ARGUMENT, "%s: sizes, expected %l or 1, found %l",
                              want, have);
    }
    as_operand(b, 1);
    return true;
}

static bool shape_gather(tally__build *b)
{
    int ids = b->in[1].rank, rows = b->in[0].rank;
    if (!need_rank(b, 0, 1) || !need_room(b, ids + rows - 1))
        return false;
    b->out.rank = (uint8_t)(ids + rows - 1);
    for (int i = 0; i < ids; i++)
        b->out.dim[i] = b->in[1].dim[i];
    for (int i = 1; i < rows; i++)
        b->out.dim[ids + i - 1] = b->in[0].dim[i];
    return true;
}

/* A depth that is a constant, or a size of another tensor, is known as such; else the size is known
 * when the node has run. */
static bool shape_one_hot(tally__build *b)
{
    int64_t depth;
    int     ids = b->in[0].rank;
    if (!need_room(b, ids + 1))
        return false;
    as_operand(b, 0);
    b->out.rank = (uint8_t)(ids + 1);
    if (b->in[1].op == TALLY__OP_dim) {
        b->out.dim[ids] = tally__trace_graph(b->t)->node[b->in[1].arg[0]].dim[b->in[1].axis];
        return true;
    }
    if (!constant_of(&b->in[1], &depth)) {
        b->out.dim[ids] = tally__size_run(b->t, ids);
        return true;
    }
    if (depth < 0)
        return fail_shape(b, TALLY_OUT_OF_RANGE, "%s: depth, expected %l or more, found %l", 0,
                          depth);
    b->out.dim[ids] = tally__size_fixed(b->t, depth);
    return true;
}

/* [..., n, k] x [..., k, m]; a vector stands for one row on the left, one column on the right */
static bool shape_matmul(tally__build *b)
{
    if (!need_rank(b, 0, 1) || !need_rank(b, 1, 1))
        return false;
    const tally__node *l = &b->in[0], *r = &b->in[1];
    int skip[TALLY__MOST_OPERANDS] = { TALLY__MIN(l->rank, 2), TALLY__MIN(r->rank, 2), 0 };
    if (!meet(b, l->dim[l->rank - 1], r->dim[r->rank - skip[1]], NULL) || !broadcast_lead(b, skip))
        return false;
    int rank = b->out.rank;
    if (l->rank > 1)
        b->out.dim[rank++] = l->dim[l->rank - 2];
    if (r->rank > 1)
        b->out.dim[rank++] = r->dim[r->rank - 1];
    b->out.rank = (uint8_t)rank;
    return true;
}

static bool shape_dim(tally__build *b)
{
    return need_rank(b, 0, 1) && settle_axis(b, b->in[0].rank);
}

bool tally__build_shape(tally__build *b)
{
    static bool (*const rule[TALLY__SHAPES])(tally__build *) = {
        [TALLY__SHAPE_NONE] = shape_none,       [TALLY__SHAPE_BROADCAST] = shape_broadcast,
        [TALLY__SHAPE_SCALAR] = shape_scalar,   [TALLY__SHAPE_DROP] = shape_drop,
        [TALLY__SHAPE_AXIS] = shape_axis,       [TALLY__SHAPE_OF_ID] = shape_of_id,
        [TALLY__SHAPE_AT] = shape_at,           [TALLY__SHAPE_COLUMN] = shape_column,
        [TALLY__SHAPE_SLICE] = shape_slice,     [TALLY__SHAPE_REVERSE] = shape_reverse,
        [TALLY__SHAPE_INSERT] = shape_insert,   [TALLY__SHAPE_SQUEEZE] = shape_squeeze,
        [TALLY__SHAPE_LIKE] = shape_like,       [TALLY__SHAPE_GATHER] = shape_gather,
        [TALLY__SHAPE_ONE_HOT] = shape_one_hot, [TALLY__SHAPE_MATMUL] = shape_matmul,
        [TALLY__SHAPE_DIM] = shape_dim,
    };
    return rule[b->info->shape](b) && tally__trace_ok(b->t);
}
