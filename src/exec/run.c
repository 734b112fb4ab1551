/* run: the executor. Node by node in program order, values by the reference kernels, regions as loops over their lists,
 * effects onto the deltas: that defines every result. With a plan the lists are its steps, and a node that has a loop of
 * the instruction set uses it where its operands are dense. Temporaries from the frame. */
#include "../graph/kernels.h"
#include "exec.h"

enum { MOST_OPERANDS = 4 };

static tally_status run_region(tally__frame *f, uint32_t region, tally_error *err);

tally_status tally__poll_hook(tally__frame *f, tally_error *err)
{
    if (tally__interrupted(f->context))
        return tally__fail(err, TALLY_CANCELLED, -1, "%s: cancelled by the context's interrupt hook", f->graph->name);
    return TALLY_OK;
}

tally_status tally__run_poll(tally__frame *f, tally__id none, const tally__node *no_node, tally_error *err)
{
    (void)none, (void)no_node;
    return tally__poll(f, err);
}

/* ---- values */
static tally_status value_node(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    const tally_tensor *arg[MOST_OPERANDS] = { NULL, NULL, NULL, NULL };
    assert(n->n_arg <= MOST_OPERANDS);
    for (uint32_t i = 0; i < n->n_arg; i++)
        arg[i] = n->arg[i] ? f->view[n->arg[i]] : NULL;
    tally_status status = TALLY_OK;
    if (f->kernel[id] && tally__apply(f, id, n, arg, &status, err))
        return status;
    status = tally__evaluate(n, arg, &f->value[id], &f->work, err);
    assert(status || (f->value[id].dtype == n->dtype && f->value[id].rank == n->rank));
    return status;
}

/* In a plan a number stands in the frame: nothing to find out, no memory to cut. */
#define NUMBER_NODE(name, a, b, c)                                                                     \
    static tally_status name(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)    \
    {                                                                                                  \
        (void)err;                                                                                     \
        f->kernel[id]((void *)(uintptr_t)f->value[id].data, a, b, c, 1);                               \
        return TALLY_OK;                                                                               \
    }
#define NUMBER(k) f->view[n->arg[k]]->data
NUMBER_NODE(number_of_one, NUMBER(0), NULL, NULL)
NUMBER_NODE(number_of_two, NUMBER(0), NUMBER(1), NULL)
NUMBER_NODE(number_of_three, NUMBER(0), NUMBER(1), NUMBER(2))
static tally__runner *const number_node[] = { NULL, number_of_one, number_of_two, number_of_three };

static tally_status dim_node(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    (void)err;
    *(int64_t *)(uintptr_t)f->value[id].data = f->view[n->arg[0]]->shape[n->axis];
    return TALLY_OK;
}

/* one number of a vector */
static tally_status at_node(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    const tally_tensor *x = f->view[n->arg[0]];
    const int64_t       at = *(const int64_t *)f->view[n->arg[1]]->data;
    if (at < 0 || at >= x->shape[0])
        return value_node(f, id, n, err);
    f->value[id].data = (const char *)x->data + at * x->stride[0] * (int64_t)tally__element_size(x->dtype);
    return TALLY_OK;
}

/* ---- regions */
static bool truth(const tally__frame *f, tally__id id)
{
    return *(const uint8_t *)f->view[id]->data != 0;
}

static size_t bytes_of(const tally_tensor *x)
{
    return (size_t)tally__elements(x->rank, x->shape) * tally__element_size(x->dtype);
}

static tally_status carry_room(tally__frame *f, tally__carry *c, int to, size_t n, tally_error *err)
{
    if (n <= c->room[to])
        return TALLY_OK;
    size_t room = TALLY__MAX(n, TALLY__MIN(c->room[to] * 2, n * 2));
    void  *p = tally__alloc(f->context, room);
    if (!p)
        return tally__fail_memory(err, room);
    tally__free(f->context, c->memory[to], c->room[to]);
    c->memory[to] = p;
    c->room[to] = room;
    return TALLY_OK;
}

void tally__value_copy(void *to, const tally_tensor *x)
{
    size_t n = bytes_of(x);
    if (n && tally__is_dense(x))
        memcpy(to, x->data, n);
    else if (n)
        tally__kernel_pack(to, x);
}

static tally_status carry_tensor(tally__frame *f, tally__carry *c, const tally_tensor *x, int to, tally_error *err)
{
    tally_tensor *v = &c->value[to];
    tally_status  status = carry_room(f, c, to, bytes_of(x), err);
    if (status)
        return status;
    *v = *x;
    v->data = c->memory[to];
    tally__dense(v->rank, v->shape, v->stride);
    tally__value_copy(c->memory[to], x);
    return TALLY_OK;
}

/* sizes that compilers copy without a call */
static void copy_number(void *to, const void *from, size_t size)
{
    if (size == 8)
        memcpy(to, from, 8);
    else if (size == 4)
        memcpy(to, from, 4);
    else
        memcpy(to, from, size);
}

/* The next value moves to the buffer that no view of this iteration can reach. */
static tally_status carry_value(tally__frame *f, tally__carry *c, const tally_tensor *x, tally_error *err)
{
    int           to = 1 - c->now;
    tally_tensor *v = &c->value[to];
    if (x->rank || x->dtype == TALLY__EXACT)
        return carry_tensor(f, c, x, to, err);
    copy_number(&c->number[to], x->data, tally__element_size(x->dtype));
    v->data = &c->number[to];
    v->dtype = x->dtype;
    v->rank = 0;
    return TALLY_OK;
}

/* All are copied before any becomes the present one: they may trade places. */
static tally_status carry_values(tally__frame *f, const tally__region *test, const tally__region *body, uint32_t first,
                                 tally_error *err)
{
    tally__carry *c = f->carried + first;
    for (uint32_t i = 0; i < body->n_yield; i++) {
        if (body->yield[i] == body->param[i])
            continue;
        tally_status status = carry_value(f, &c[i], f->view[body->yield[i]], err);
        if (status)
            return status;
    }
    for (uint32_t i = 0; i < body->n_yield; i++)
        if (body->yield[i] != body->param[i]) {
            c[i].now = 1 - c[i].now;
            f->view[test->param[i]] = f->view[body->param[i]] = &c[i].value[c[i].now];
        }
    return TALLY_OK;
}

static tally_status over_limit(const tally__frame *f, const tally__node *n, tally_error *err)
{
    (void)f;
    return tally__fail_at(err, TALLY_OUT_OF_RANGE, -1, n->place,
                          "while: iterations, expected at most %l, found a condition that still holds", n->limit);
}

static tally_status iterate(tally__frame *f, const tally__node *n, tally_error *err)
{
    const tally__graph  *g = f->graph;
    const tally__region *test = &g->region[n->inner[0]], *body = &g->region[n->inner[1]];
    tally__arena_mark    mark = tally__arena_here(&f->work);
    for (int64_t count = 0;; count++) {
        tally_status status = tally__poll(f, err);
        if (!status)
            status = run_region(f, n->inner[0], err);
        if (status || !truth(f, test->yield[0]))
            return status;
        if (n->limit >= 0 && count >= n->limit)
            return n->limit_is_error ? over_limit(f, n, err) : TALLY_OK;
        status = run_region(f, n->inner[1], err);
        if (!status)
            status = carry_values(f, test, body, f->carry_at[n->inner[1]], err);
        if (status)
            return status;
        tally__arena_rewind(&f->work, mark);
    }
}

static tally_status run_while(tally__frame *f, const tally__node *n, tally_error *err)
{
    const tally__region *test = &f->graph->region[n->inner[0]], *body = &f->graph->region[n->inner[1]];
    for (uint32_t i = 0; i < body->n_param; i++)
        f->view[test->param[i]] = f->view[body->param[i]] = f->view[n->arg[i]];
    f->loops++;
    tally_status status = iterate(f, n, err);
    f->loops--;
    return status;
}

/* The arm that ran stays in the node's own value, where the results that follow look it up. */
static tally_status run_if(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    int arm = truth(f, n->arg[0]) ? 0 : 1;
    f->value[id].rank = arm;
    return n->inner[arm] ? run_region(f, n->inner[arm], err) : TALLY_OK;
}

static tally_status result_node(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    const tally__graph *g = f->graph;
    tally__id           owner = n->arg[0];
    const tally__node  *region = &g->node[owner];
    (void)err;
    if (region->op == TALLY__OP_while)
        f->view[id] = f->view[g->region[region->inner[0]].param[n->axis]];
    else
        f->view[id] = f->view[g->region[region->inner[f->value[owner].rank]].yield[n->axis]];
    return TALLY_OK;
}

static tally_status while_node(tally__frame *f, tally__id id, const tally__node *n, tally_error *err)
{
    (void)id;
    return run_while(f, n, err);
}

/* the short ways that only plans take */
static tally__runner *short_way(const tally__frame *f, tally__id id, const tally__node *n)
{
    const tally__node *a = n->n_arg && n->arg[0] ? &f->graph->node[n->arg[0]] : NULL;
    if (!f->plan || n->rank || !a)
        return NULL;
    if (tally__op_table[n->op].form == TALLY__FORM_ELEMENT && f->kernel[id])
        return number_node[n->n_arg];
    if (n->op == TALLY__OP_dim)
        return dim_node;
    return n->op == TALLY__OP_at && a->rank == 1 && n->dtype != TALLY__EXACT && f->graph->node[n->arg[1]].dtype == TALLY_I64 ? at_node : NULL;
}

/* NULL: it is what it is before anything runs */
tally__runner *tally__runner_of(const tally__frame *f, tally__id id)
{
    const tally__node *n = &f->graph->node[id];
    tally__runner     *r = short_way(f, id, n);
    if (r)
        return r;
    switch ((tally__form)tally__op_table[n->op].form) {
    case TALLY__FORM_NONE:
        break;
    case TALLY__FORM_SOURCE:
        return n->op == TALLY__OP_result ? result_node : NULL;
    case TALLY__FORM_ELEMENT:
    case TALLY__FORM_REDUCE:
    case TALLY__FORM_ROW:
    case TALLY__FORM_VIEW:
    case TALLY__FORM_OTHER:
        return value_node;
    case TALLY__FORM_READ:
        return tally__run_read;
    case TALLY__FORM_EFFECT:
        return tally__effect_runner(f, n);
    case TALLY__FORM_REGION:
        return n->op == TALLY__OP_while ? while_node : run_if;
    }
    return NULL;
}

tally_status tally__run_node(tally__frame *f, tally__id id, tally_error *err)
{
    return f->run[id] ? f->run[id](f, id, &f->graph->node[id], err) : TALLY_OK;
}

tally_status tally__run_rows(tally__frame *f, tally__id loop, const tally__node *none, tally_error *err)
{
    const tally__code *c = &f->code[loop];
    (void)none;
    return c->still && c->made == f->layout ? tally__run_block(f, c, c->rows, NULL, NULL, err) : tally__run_loop(f, c->step, err);
}

static tally_status run_region(tally__frame *f, uint32_t region, tally_error *err)
{
    tally_status status = TALLY_OK;
    for (const tally__todo *t = f->todo[region]; t->run && !status; t++)
        status = t->run(f, t->id, t->node, err);
    return status;
}

tally_status tally__run(tally__frame *f, tally_error *err)
{
    tally_status status = tally__poll(f, err);
    return status ? status : run_region(f, 1, err);
}
