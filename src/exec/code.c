/* code: the instructions of a loop, made when the sizes and strides of its operands are known and used as long as they hold:
 * where each value stands, which loop runs each node, what has to be made dense first. Sizes of slots follow here from the
 * plan's counts. Decides and lays out; runs nothing but views, which tell how their value lies. */
#include "exec.h"

enum {
    CODE_LINE = 64,               /* slots begin on a line of the cache, and not all at the same place of a page */
    CODE_LONG = 16,               /* so many times longer is a block that writes nothing down */
    CODE_FEW = 64, CODE_WIDE = 4  /* a block of less than a 64th of its elements in rows may be 4 times longer: cells of a state
                                   * cost a visit per block */
};

static size_t code_round(size_t n)
{
    return (n + CODE_LINE - 1) / CODE_LINE * CODE_LINE + CODE_LINE;
}

static uint32_t code_outside(const tally__step *s) { return s->n_load + s->n_beside; }

static tally__id code_outside_id(const tally__step *s, uint32_t i)
{
    return i < s->n_load ? s->load[i] : s->beside[i - s->n_load];
}

/* ---- operands from outside */
/* the size of axis 0 of what walks is that of the rows, which bind with all sizes */
static bool code_lies_same(const tally_tensor *part, const tally_tensor *now, bool walks)
{
    for (int k = 0; k < now->rank; k++)
        if (part->stride[k] != now->stride[k] || (part->shape[k] != now->shape[k] && (k || !walks)))
            return false;
    return true;
}

/* false: the instructions do not suit how these lie */
static bool code_take_outside(tally__frame *f, const tally__step *s, tally__code *c)
{
    bool suits = c->made == f->layout;
    for (uint32_t i = 0; i < code_outside(s); i++) {
        tally__id           id = code_outside_id(s, i);
        const tally_tensor *x = f->view[id];
        suits = suits && code_lies_same(&c->part[i], x, i < s->n_load);
        c->whole[i] = x;
        c->part[i].data = x->data;
        f->view[id] = &c->part[i];
    }
    return suits && !c->still;
}

void tally__code_leave(tally__frame *f, const tally__step *s)
{
    const tally__code *c = &f->code[s->loop];
    for (uint32_t i = 0; i < code_outside(s); i++)
        f->view[code_outside_id(s, i)] = c->whole[i];
}

void tally__code_rows(tally__frame *f, const tally__step *s, int64_t n)
{
    tally__code *c = &f->code[s->loop];
    if (c->rows == n)
        return;
    for (uint32_t i = 0; i < s->n_load; i++)
        c->part[i].shape[0] = n;
    for (uint32_t i = 0; i < c->n_packed; i++)
        c->packed[i].shape[0] = n;
    for (uint32_t i = 0; i < s->n_node; i++) {
        const tally__node *x = &f->graph->node[s->node[i]];
        if (x->dtype && !tally__folds_rows(x))
            f->value[s->node[i]].shape[0] = n;
    }
    c->rows = n;
}

/* ---- sizes and memory */
static int64_t code_widest(const tally__frame *f, const tally__step *s)
{
    int64_t widest = 1;
    for (uint32_t i = 0; i < s->n_node; i++) {
        int64_t inner = tally__row_elements(f, &f->graph->node[s->node[i]]);
        widest = TALLY__MAX(widest, inner);
    }
    return widest;
}

static bool code_writes(const tally__node *n)
{
    return n->dtype && !tally__is_view(n) && !tally__folds_rows(n);
}

/* Rows of a block. One that writes nothing down may be longer: no cache has to hold it, and it is left less often. */
static int64_t code_block(const tally__graph *g, const tally__step *s, int64_t elements, int64_t widest)
{
    int64_t most = elements * CODE_LONG;
    for (uint32_t i = 0; i < s->n_node; i++)
        if (code_writes(&g->node[s->node[i]]) && !s->counted[i])
            most = elements;
    const int64_t few = TALLY__MIN(elements / CODE_FEW, CODE_WIDE * elements / widest);
    return TALLY__MAX(TALLY__MAX(most / widest, few), 1);
}

static void code_shape(const tally__frame *f, const tally__node *n, int64_t rows, tally_tensor *x)
{
    x->dtype = n->dtype;
    x->rank = n->rank;
    x->shape[0] = rows;
    for (int k = 1; k < n->rank; k++)
        x->shape[k] = f->size[n->dim[k]];
    tally__dense(x->rank, x->shape, x->stride);
}

static size_t code_bytes(const tally_tensor *x)
{
    return code_round((size_t)tally__elements(x->rank, x->shape) * tally__element_size(x->dtype));
}

/* Every value has its sizes; a view, whose operands have no memory yet, at least shows how it lies. */
static tally_status code_shapes(tally__frame *f, const tally__step *s, int64_t rows, tally_error *err)
{
    for (uint32_t i = 0; i < s->n_node; i++) {
        tally__id          id = s->node[i];
        const tally__node *n = &f->graph->node[id];
        if (!n->dtype || tally__folds_rows(n))
            continue;
        code_shape(f, n, rows, &f->value[id]);
        f->value[id].data = NULL;
        f->view[id] = &f->value[id];
        tally_status status = tally__is_view(n) ? tally__run_node(f, id, err) : TALLY_OK;
        if (status)
            return status;
    }
    return TALLY_OK;
}

/* where each slot begins, into at[]; the end: room for the dense copies of what walks and is not dense begins there */
static size_t code_slots(const tally__frame *f, const tally__step *s, size_t *at)
{
    size_t used = 0;
    memset(at, 0, s->n_slot * sizeof *at);
    for (uint32_t i = 0; i < s->n_node; i++)
        if (s->slot[i] != TALLY__NO_SLOT)
            at[s->slot[i]] = TALLY__MAX(at[s->slot[i]], code_bytes(&f->value[s->node[i]]));
    for (uint32_t k = 0; k < s->n_slot; k++) {
        size_t bytes = at[k];
        at[k] = used;
        used += bytes;
    }
    return used;
}

/* the same before sizes bind, of rows with one element each */
static size_t code_narrow_slots(const tally__graph *g, const tally__step *s, int64_t elements)
{
    size_t used = 0, rows = (size_t)code_block(g, s, elements, 1);
    for (uint32_t k = 0; k < s->n_slot; k++) {
        size_t bytes = 0;
        for (uint32_t i = 0; i < s->n_node; i++)
            if (s->slot[i] == k)
                bytes = TALLY__MAX(bytes, code_round(rows * tally__element_size(g->node[s->node[i]].dtype)));
        used += bytes;
    }
    return used;
}

size_t tally__slots_bytes(const tally__plan *p, uint32_t block)
{
    size_t most = 0;
    for (uint32_t r = 1; r < p->graph->n_region; r++)
        for (uint32_t i = 0; i < p->region[r].n_step; i++)
            if (p->region[r].step[i].kind == TALLY__STEP_LOOP)
                most = TALLY__MAX(most, code_narrow_slots(p->graph, &p->region[r].step[i], block) + CODE_LINE);
    return most;
}

static size_t code_copies(const tally__frame *f, const tally__step *s)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < s->n_load + s->n_node; i++) {
        tally__id id = i < s->n_load ? s->load[i] : s->node[i - s->n_load];
        bool      may_be = i < s->n_load || (f->graph->node[id].dtype && tally__is_view(&f->graph->node[id]));
        if (may_be && !tally__is_dense(f->view[id]))
            bytes += code_bytes(f->view[id]);
    }
    return bytes;
}

/* What stood there is of no use any more; loops made for other places are made anew when they run. */
static tally_status code_memory(tally__frame *f, size_t bytes, tally_error *err)
{
    bytes += CODE_LINE;
    if (bytes <= f->slots_bytes)
        return TALLY_OK;
    char *p = tally__alloc(f->context, bytes);
    if (!p)
        return tally__fail_memory(err, bytes);
    tally__free(f->context, f->slots, f->slots_bytes);
    f->slots = p;
    f->slots_bytes = bytes;
    f->layout++;
    return TALLY_OK;
}

static char *code_base(const tally__frame *f)
{
    return f->slots + (CODE_LINE - (uintptr_t)f->slots % CODE_LINE) % CODE_LINE;
}

/* ---- instructions */
static tally__instr *code_add(tally__code *c, tally__instr_kind kind, tally__id id)
{
    tally__instr *i = &c->instr[c->n_instr++];
    *i = (tally__instr){ .kind = kind, .id = id };
    return i;
}

/* does this operand walk, so that a dense copy of a block's rows can stand for it? */
static bool code_may_pack(const tally__frame *f, const tally__step *s, tally__id id)
{
    for (uint32_t i = 0; i < s->n_load; i++)
        if (s->load[i] == id)
            return true;
    return tally__is_view(&f->graph->node[id]) && f->view[id] == &f->value[id];
}

/* the dense copy of an operand that walks, made before its first reader; what is dense, or does not walk: itself */
static const tally_tensor *code_dense(tally__frame *f, const tally__step *s, tally__code *c, tally__id id, char **room)
{
    const tally_tensor *x = f->view[id];
    if (tally__is_dense(x) || !code_may_pack(f, s, id))
        return x;
    for (uint32_t i = 0; i < c->n_packed; i++)
        if (c->packed_id[i] == id)
            return &c->packed[i];
    tally_tensor *to = &c->packed[c->n_packed];
    *to = *x;
    tally__dense(to->rank, to->shape, to->stride);
    to->data = *room;
    *room += code_bytes(to);
    c->packed_id[c->n_packed++] = id;
    tally__instr *i = code_add(c, TALLY__INSTR_PACK, id);
    i->in[0] = x;
    i->out = to;
    return to;
}

/* what goes into one number of a state needs no look at shapes */
static void code_effect(tally__frame *f, tally__code *c, tally__id id)
{
    const tally__node *n = &f->graph->node[id];
    bool               adds = tally__adds_to_number(f, n);
    tally__instr_kind  kind = n->axis ? TALLY__INSTR_COUNT : f->counts[n->arg[0]] ? TALLY__INSTR_TOTAL : TALLY__INSTR_ADD;
    tally__instr      *i = code_add(c, adds ? kind : TALLY__INSTR_NODE, id);
    if (!adds)
        return;
    i->delta = &f->delta[n->slot];
    i->cell = n->cell;
    i->in[0] = f->view[n->arg[0]];
    i->each = tally__elements(i->in[0]->rank - 1, i->in[0]->shape + 1);
    i->one = i->each == 1 && tally__is_double(i->in[0]->dtype);
}

/* a loop that counts, where nobody wants more; that of operands that repeat writes results down */
static void code_count(tally__frame *f, tally__instr *fit, bool counted)
{
    f->counts[fit->id] = counted && f->count[fit->id] && fit->kind == TALLY__INSTR_ELEMENTS;
    if (f->counts[fit->id])
        fit->kernel = f->count[fit->id];
}

/* by a loop on dense operands, else as anywhere else */
static void code_node(tally__frame *f, const tally__step *s, tally__code *c, uint32_t at, char **room)
{
    const tally__id     id = s->node[at];
    const tally__node  *n = &f->graph->node[id];
    const tally_tensor *arg[3];
    tally__instr        fit;
    const uint32_t      instrs = c->n_instr, packed = c->n_packed;
    char               *here = *room;
    f->counts[id] = false;
    if (f->kernel[id] && !tally__folds_rows(n)) {
        for (uint32_t k = 0; k < n->n_arg; k++)
            arg[k] = code_dense(f, s, c, n->arg[k], room);
        if (tally__instr_fit(&fit, f->kernel[id], n, arg, &f->value[id])) {
            fit.id = id;
            code_count(f, &fit, s->counted[at]);
            c->instr[c->n_instr++] = fit;
            return;
        }
        c->n_instr = instrs;
        c->n_packed = packed;
        *room = here;
    }
    code_add(c, TALLY__INSTR_NODE, id);
}

static void code_mark_direct(const tally__step *s, tally__code *c)
{
    for (uint32_t k = 0; k < s->n_keep; k++)
        for (uint32_t i = 0; i < c->n_instr; i++)
            if (c->instr[i].id == s->keep[k] && c->instr[i].kind != TALLY__INSTR_PACK)
                c->direct[k] = c->instr[i].kind != TALLY__INSTR_NODE;
}

static void code_list(tally__frame *f, const tally__step *s, tally__code *c, size_t copies_at)
{
    char *room = code_base(f) + copies_at;
    c->n_instr = c->n_packed = 0;
    for (uint32_t i = 0; i < s->n_node; i++)
        if (s->slot[i] != TALLY__NO_SLOT)
            f->value[s->node[i]].data = code_base(f) + c->at[s->slot[i]];
    for (uint32_t i = 0; i < s->n_node; i++)
        if (f->graph->node[s->node[i]].dtype)
            code_node(f, s, c, i, &room);
        else
            code_effect(f, c, s->node[i]);
    code_mark_direct(s, c);
    c->n_walking = c->n_slow = 0;
    for (uint32_t i = 0; i < c->n_instr; i++) {
        c->n_walking += c->instr[i].kind != TALLY__INSTR_COUNT && c->instr[i].kind != TALLY__INSTR_TOTAL;
        c->n_slow += c->instr[i].kind == TALLY__INSTR_NODE;
    }
}

/* do all operands stay where and as they are while the layout holds? */
static bool code_is_still(const tally__frame *f, const tally__step *s, int64_t rows, int64_t block)
{
    bool still = rows <= block && !s->n_keep;
    for (uint32_t i = 0; i < code_outside(s); i++) {
        uint16_t op = f->graph->node[code_outside_id(s, i)].op;
        still = still && (op == TALLY__OP_argument || op == TALLY__OP_captured);
    }
    return still;
}

static tally_status code_make(tally__frame *f, const tally__step *s, tally__code *c, int64_t rows, tally_error *err)
{
    c->made = 0;
    c->widest = rows > 1 ? code_widest(f, s) : 1;
    c->block = code_block(f->graph, s, f->block, c->widest);
    c->rows = TALLY__MIN(c->block, rows);
    c->still = code_is_still(f, s, rows, c->block);
    for (uint32_t i = 0; i < code_outside(s); i++) {
        c->part[i] = *c->whole[i];
        if (i < s->n_load)
            c->part[i].shape[0] = c->rows;
        if (c->still)
            f->view[code_outside_id(s, i)] = c->whole[i];
    }
    tally_status status = code_shapes(f, s, c->rows, err);
    if (status)
        return status;
    size_t copies_at = code_slots(f, s, c->at);
    status = code_memory(f, copies_at + code_copies(f, s), err);
    if (status)
        return status;
    code_list(f, s, c, copies_at);
    c->made = f->layout;
    return TALLY_OK;
}

tally_status tally__code_enter(tally__frame *f, const tally__step *s, int64_t rows, tally_error *err)
{
    tally__code *c = &f->code[s->loop];
    if (code_take_outside(f, s, c))
        return TALLY_OK;
    tally_status status = code_make(f, s, c, rows, err);
    if (status)
        tally__code_leave(f, s);
    return status;
}
