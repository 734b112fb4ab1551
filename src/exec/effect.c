/* effect: what a node does to a store and reads there, as this call sees it; and its checks. Sizes
 * that bind could not compare (they are known only now) are compared here, before the delta is
 * touched. Knows deltas, never a store's cells. */
#include "exec.h"

static const tally__cell_spec *spec_of(const tally__frame *f, const tally__node *n)
{
    return &f->graph->slot[n->slot].schema->spec[n->cell];
}

/* A view costs nothing, but in a loop that also assigns every round would keep the block of its
 * round. */
static tally_status read_tensor(tally__frame *f, const tally__node *n, tally_tensor *out,
                                tally_error *err)
{
    tally__delta *d = &f->delta[n->slot];
    if (!f->loops || !f->graph->slot[n->slot].overwrites) {
        *out = tally__delta_tensor(d, n->cell);
        return TALLY_OK;
    }
    size_t bytes = (size_t)tally__elements(out->rank, out->shape) * tally__element_size(out->dtype);
    void  *p = tally__arena_alloc(&f->work, bytes);
    if (!p)
        return tally__fail_memory(err, bytes);
    tally__delta_tensor_copy(d, n->cell, p);
    out->data = p;
    tally__dense(out->rank, out->shape, out->stride);
    return TALLY_OK;
}

static tally_status read_numbers(tally__frame *f, const tally__node *n, int64_t count,
                                 tally_tensor *out, tally_error *err)
{
    tally__delta *d = &f->delta[n->slot];
    size_t        bytes = (size_t)count * tally__element_size(n->dtype);
    void         *p = tally__arena_alloc(&f->work, bytes);
    if (!p)
        return tally__fail_memory(err, bytes);
    for (int64_t k = 0; k < count; k++) {
        if (n->dtype == TALLY__EXACT) {
            tally__delta_read(d, n->cell, k, (tally__sum *)p + k);
        } else {
            tally__sum s;
            tally__delta_read(d, n->cell, k, &s);
            ((double *)p)[k] = tally__sum_round(&s);
        }
    }
    out->data = p;
    tally__dense(out->rank, out->shape, out->stride);
    return TALLY_OK;
}

tally_status tally__state_not_built(const tally__frame *f, int32_t slot, int32_t cell,
                                    tally__place at, tally_error *err)
{
    char title[96];
    tally__store_title(f->delta[slot].store, title, sizeof title);
    return tally__fail_at(
        err, TALLY_FAILED_PRECONDITION, f->graph->slot[slot].argument, at,
        "%s: state \"%s\", expected sizes, found not built: no batch has been seen", title,
        f->graph->slot[slot].schema->spec[cell].name);
}

tally_status tally__run_read(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    tally_tensor      *out = &f->value[id];
    int64_t            count = tally__delta_elements(&f->delta[n->slot], n->cell, out->shape);
    if (count < 0)
        return tally__state_not_built(f, n->slot, n->cell, n->place, err);
    out->dtype = n->dtype;
    out->rank = n->rank;
    if (spec_of(f, n)->kind == TALLY_STATE_TENSOR)
        return read_tensor(f, n, out, err);
    return read_numbers(f, n, count, out, err);
}

static tally_status shapes_differ(const tally__frame *f, const tally__node *n, const char *what,
                                  int rank, const int64_t *want, const tally_tensor *x,
                                  tally_error *err)
{
    char        title[64], want_text[96], have_text[96];
    tally__text w = { want_text, sizeof want_text, 0 }, h = { have_text, sizeof have_text, 0 };
    tally__store_title(f->delta[n->slot].store, title, sizeof title);
    tally__put_shape(&w, rank, want);
    tally__put_shape(&h, x->rank, x->shape);
    return tally__fail_at(err, TALLY_INVALID_ARGUMENT, -1, n->place,
                          "%s: state \"%s\", %s, expected sizes %s, found %s", title,
                          spec_of(f, n)->name, what, want_text, have_text);
}

/* The last axes of the value are the state's; an unbuilt state is built by its first value. */
static tally_status fit_state(tally__frame *f, const tally__node *n, const tally_tensor *value,
                              tally_error *err)
{
    const tally__cell_spec *spec = spec_of(f, n);
    tally__delta           *d = &f->delta[n->slot];
    int64_t                 shape[TALLY_MAX_RANK];
    assert(value->rank >= spec->rank);
    const int64_t *tail = value->shape + (value->rank - spec->rank);
    if (tally__delta_elements(d, n->cell, shape) < 0)
        return tally__delta_build(d, n->cell, tail, err);
    for (int a = 0; a < spec->rank; a++)
        if (tail[a] != shape[a])
            return shapes_differ(f, n, "value", spec->rank, shape, value, err);
    return TALLY_OK;
}

static bool aligns(const tally_tensor *w, const tally_tensor *value)
{
    for (int a = 0; a < w->rank; a++)
        if (w->shape[a] != value->shape[a] && w->shape[a] != 1)
            return false;
    return w->rank <= value->rank;
}

/* ---- one number of a state */
bool tally__adds_to_number(const tally__frame *f, const tally__node *n)
{
    const tally__cell_spec *spec = spec_of(f, n);
    return n->op == TALLY__OP_accumulate && !n->arg[1] && !n->arg[2] && !spec->rank && spec->kind != TALLY_STATE_TENSOR;
}

static tally_status add_number(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    (void)id;
    return tally__delta_add_one(&f->delta[n->slot], n->cell, tally__double_at(f->view[n->arg[0]]), err);
}

/* what the pass "count" made of an update by ones: as many of them as the value has elements */
static tally_status count_elements(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    const tally_tensor *x = f->view[n->arg[0]];
    (void)id;
    return tally__delta_count(&f->delta[n->slot], n->cell, tally__elements(x->rank, x->shape), err);
}

/* ---- states of any rank, weights, masks */
static tally_status run_accumulate(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    (void)id;
    assert(n->n_arg == 3);
    const tally_tensor *value = f->view[n->arg[0]];
    const tally_tensor *weight = n->arg[1] ? f->view[n->arg[1]] : NULL,
                       *mask = n->arg[2] ? f->view[n->arg[2]] : NULL;
    if (f->delta[n->slot].cell[n->cell].rank) {
        tally_status status = fit_state(f, n, value, err);
        if (status)
            return status;
    }
    if (weight && !aligns(weight, value))
        return shapes_differ(f, n, "weight", weight->rank, value->shape, weight, err);
    if (mask && !aligns(mask, value))
        return shapes_differ(f, n, "mask", mask->rank, value->shape, mask, err);
    return tally__delta_accumulate(&f->delta[n->slot], n->cell, value, weight, mask, err);
}

/* Sizes that its indices do not say, and that nothing else has said before the call began, are missing. */
static tally_status fit_state_at(tally__frame *f, const tally__node *n, const tally_tensor *index, tally_error *err)
{
    tally__delta  *d = &f->delta[n->slot];
    int64_t        shape[TALLY_MAX_RANK];
    const int64_t *tail = index->shape + (index->rank - n->axis);
    if (tally__delta_elements(d, n->cell, shape) < 0)
        memcpy(shape, spec_of(f, n)->shape, sizeof shape);
    for (int a = 0; a < spec_of(f, n)->rank; a++) {
        if (a < n->axis && shape[a] >= 0 && shape[a] != tail[a])
            return shapes_differ(f, n, "index", n->axis, shape, index, err);
        if (a < n->axis)
            shape[a] = tail[a];
        if (shape[a] < 0)
            return tally__state_not_built(f, n->slot, n->cell, n->place, err);
    }
    return tally__delta_build(d, n->cell, shape, err);
}

static tally_status run_accumulate_at(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    static const char *const role[] = { "index", "weight", "mask", "value" };
    const tally_tensor      *x[4];
    tally_status             status = fit_state_at(f, n, f->view[n->arg[0]], err);
    (void)id;
    for (int i = 0; i < 4; i++) {
        x[i] = n->arg[i] ? f->view[n->arg[i]] : NULL;
        if (!status && x[i] && !aligns(x[i], x[0]))
            status = shapes_differ(f, n, role[i], x[0]->rank, x[0]->shape, x[i], err);
    }
    return status ? status : tally__delta_scatter(&f->delta[n->slot], n->cell, n->axis, x[0], x[3], x[1], x[2], err);
}

static tally_status run_reset(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    (void)id, (void)err;
    tally__delta_reset(&f->delta[n->slot]);
    return TALLY_OK;
}

static tally_status run_assign(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    (void)id;
    const tally_tensor *x = f->view[n->arg[0]];
    tally_status        status = fit_state(f, n, x, err);
    return status ? status : tally__delta_assign(&f->delta[n->slot], n->cell, x, err);
}

/* the row of the first element, in row-major order, that is false; -1: all hold */
static int64_t first_failing_row(const tally_tensor *x)
{
    int64_t n = tally__elements(x->rank, x->shape), at[TALLY_MAX_RANK] = { 0 }, from = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!((const uint8_t *)x->data)[from])
            return x->rank ? at[0] : 0;
        for (int a = x->rank - 1; a >= 0; a--) {
            from += x->stride[a];
            if (++at[a] < x->shape[a])
                break;
            from -= at[a] * x->stride[a];
            at[a] = 0;
        }
    }
    return -1;
}

static tally_status run_assert(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    (void)id;
    const tally_tensor *x = f->view[n->arg[0]];
    int64_t             row = first_failing_row(x);
    const char         *text = n->text ? n->text : "expected true, found false";
    if (row < 0)
        return TALLY_OK;
    if (!x->rank)
        return tally__fail_at(err, TALLY_FAILED_PRECONDITION, -1, n->place, "assert: %s", text);
    return tally__fail_at(err, TALLY_FAILED_PRECONDITION, -1, n->place,
                          "assert: %s, found false at row %l", text, row);
}

static tally_status run_print(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    (void)id;
    return tally__run_print(f, n, f->view[n->arg[0]], err);
}

static tally__runner *accumulate_runner(const tally__frame *f, const tally__node *n)
{
    const tally__node *x = &f->graph->node[n->arg[0]];
    if (n->axis)
        return count_elements;
    return !x->rank && tally__is_double(x->dtype) && tally__adds_to_number(f, n) ? add_number : run_accumulate;
}

tally__runner *tally__effect_runner(const tally__frame *f, const tally__node *n)
{
    switch (n->op) {
    case TALLY__OP_accumulate:
        return accumulate_runner(f, n);
    case TALLY__OP_accumulate_at:
        return run_accumulate_at;
    case TALLY__OP_reset:
        return run_reset;
    case TALLY__OP_assign:
        return run_assign;
    case TALLY__OP_assert:
        return run_assert;
    default:
        assert(n->op == TALLY__OP_print);
        return run_print;
    }
}
