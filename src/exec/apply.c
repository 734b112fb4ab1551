/* apply: a node by its loop of the instruction set, where the operands lie as that loop wants them: dense, of one shape or one
 * value; beside a dense one, repeated along its rows or its columns; or dense rows. What is decided is an instruction, which
 * then runs on any values that lie so. Everything else stays with the reference kernels, which also find what is wrong with
 * sizes. Knows layouts, no op. */
#include "exec.h"

static const tally_tensor nothing = { NULL, 0, 0, { 0 }, { 0 } };

static bool apply_same_shape(const tally_tensor *a, const tally_tensor *b)
{
    return a->rank == b->rank && !memcmp(a->shape, b->shape, (size_t)a->rank * sizeof a->shape[0]);
}

static int64_t apply_rows_of(const tally_tensor *x)
{
    return x->rank ? x->shape[0] : 1;
}

/* ---- rows, and where there are ids, one for each */
static bool apply_fit_lines(tally__instr *i, const tally__node *n, const tally_tensor *const *arg)
{
    const tally_tensor *x = arg[0], *ids = n->n_arg > 1 ? arg[1] : &nothing;
    if (!tally__is_dense(x) || !x->shape[x->rank - 1] || !tally__is_dense(ids) ||
        memcmp(x->shape, ids->shape, (size_t)ids->rank * sizeof ids->shape[0]))
        return false;
    i->kind = TALLY__INSTR_LINES;
    i->in[0] = x;
    i->in[2] = ids;
    i->columns = (size_t)x->shape[x->rank - 1];
    i->each = x->rank > 1 ? tally__elements(x->rank - 2, x->shape + 1) : 1;
    return true;
}

/* ---- operands that repeat */
static bool apply_repeats(const tally__node *n, int i, const tally_tensor *x, int axis)
{
    return x->shape[axis] == 1 && n->repeat >> (6 * i + x->rank - 1 - axis) & 1;
}

/* Operand i beside a dense result: how it repeats, and on which axis of the result its columns begin; *split is 0 while no
 * operand has said. false: otherwise, or wrong sizes */
static bool apply_find(const tally__node *n, int i, const tally_tensor *x, const tally_tensor *out, uint8_t *kind, int *split)
{
    int first = 0, last = x->rank, lead = out->rank - x->rank;
    *kind = TALLY__SPREAD_ONE;
    if (!x->rank)
        return true;
    if (!tally__is_dense(x))
        return false;
    *kind = TALLY__SPREAD_WHOLE;
    if (apply_same_shape(x, out))
        return true;
    while (first < x->rank && x->shape[first] != out->shape[first + lead] && apply_repeats(n, i, x, first))
        first++;
    while (last > first && x->shape[last - 1] != out->shape[last - 1 + lead] && apply_repeats(n, i, x, last - 1))
        last--;
    for (int k = first; k < last; k++)
        if (x->shape[k] != out->shape[k + lead])
            return false;
    const bool rows = last < x->rank, line = first + lead > 0;
    const int  at = rows ? last + lead : first + lead;
    if (rows == line || first == last || (*split && *split != at))
        return false;
    *kind = rows ? TALLY__SPREAD_ROWS : TALLY__SPREAD_LINE;
    *split = at;
    return true;
}

static bool apply_fit_elements(tally__instr *i, const tally__node *n, const tally_tensor *const *arg, const tally_tensor *out)
{
    int split = 0, whole = 0;
    for (uint32_t k = 0; k < n->n_arg; k++) {
        if (arg[k]->rank > out->rank || !apply_find(n, (int)k, arg[k], out, &i->spread[k], &split))
            return false;
        i->in[k] = arg[k];
        whole += i->spread[k] == TALLY__SPREAD_WHOLE;
    }
    if (!whole && !split && out->rank)
        return false;
    i->kind = split ? TALLY__INSTR_SPREAD : TALLY__INSTR_ELEMENTS;
    i->columns = (size_t)tally__elements(out->rank - split, out->shape + split);
    i->each = split ? tally__elements(split - 1, out->shape + 1) : out->rank ? tally__elements(out->rank - 1, out->shape + 1) : 1;
    return true;
}

bool tally__instr_fit(tally__instr *i, tally__loop_kernel *kernel, const tally__node *n, const tally_tensor *const *arg,
                      const tally_tensor *out)
{
    *i = (tally__instr){ .kernel = kernel, .out = out, .in = { &nothing, &nothing, &nothing } };
    return tally__op_table[n->op].form == TALLY__FORM_ELEMENT ? apply_fit_elements(i, n, arg, out) : apply_fit_lines(i, n, arg);
}

static void run_spread(const tally__instr *i, size_t lines)
{
    tally__spread in[3];
    for (int k = 0; k < 3; k++)
        in[k] = (tally__spread){ i->in[k]->data, tally__element_size(i->in[k]->dtype), (tally__spread_kind)i->spread[k] };
    tally__loop_spread(i->kernel, (void *)(uintptr_t)i->out->data, tally__element_size(i->out->dtype), in, lines, i->columns);
}

void tally__instr_run(const tally__instr *i, int64_t rows)
{
    void        *out = (void *)(uintptr_t)i->out->data;
    const size_t n = (size_t)(rows * i->each);
    switch (i->kind) {
    case TALLY__INSTR_ELEMENTS:
        i->kernel(out, i->in[0]->data, i->in[1]->data, i->in[2]->data, n);
        break;
    case TALLY__INSTR_LINES:
        i->kernel(out, i->in[0]->data, &i->columns, i->in[2]->data, n);
        break;
    case TALLY__INSTR_SPREAD:
        run_spread(i, n);
        break;
    case TALLY__INSTR_PACK:
        tally__value_copy(out, i->in[0]);
        break;
    case TALLY__INSTR_NODE:
    case TALLY__INSTR_ADD:
    case TALLY__INSTR_COUNT:
    case TALLY__INSTR_TOTAL:
        break;
    }
}

/* ---- a node outside of loops: sizes are those of its operands */
static bool apply_axis(const tally__node *n, const tally_tensor *const *arg, int from_right, int64_t *size)
{
    bool found = false;
    *size = 1;
    for (uint32_t k = 0; k < n->n_arg; k++) {
        const int axis = arg[k]->rank - 1 - from_right;
        if (axis < 0 || apply_repeats(n, (int)k, arg[k], axis))
            continue;
        if (found && arg[k]->shape[axis] != *size)
            return false;
        *size = arg[k]->shape[axis];
        found = true;
    }
    return true;
}

static bool apply_sizes(const tally__node *n, const tally_tensor *const *arg, tally_tensor *out)
{
    bool element = tally__op_table[n->op].form == TALLY__FORM_ELEMENT;
    for (int k = 0; element && k < n->rank; k++)
        if (!apply_axis(n, arg, k, &out->shape[n->rank - 1 - k]))
            return false;
    if (!element)
        memcpy(out->shape, arg[0]->shape, (size_t)n->rank * sizeof out->shape[0]);
    tally__dense(n->rank, out->shape, out->stride);
    return element || arg[0]->shape[0];
}

bool tally__apply(tally__frame *f, tally__id id, const tally__node *n, const tally_tensor *const *arg, tally_status *status,
                  tally_error *err)
{
    tally__instr  i;
    tally_tensor *out = &f->value[id];
    if (!apply_sizes(n, arg, out) || !tally__instr_fit(&i, f->kernel[id], n, arg, out))
        return false;
    const size_t bytes = (size_t)TALLY__MAX(tally__elements(n->rank, out->shape), 1) * tally__element_size(n->dtype);
    out->data = tally__arena_alloc(&f->work, bytes);
    *status = out->data ? TALLY_OK : tally__fail_memory(err, bytes);
    if (!*status)
        tally__instr_run(&i, i.kind == TALLY__INSTR_LINES && arg[0]->rank == 1 ? 1 : apply_rows_of(out));
    return true;
}
