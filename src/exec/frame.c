/* frame: all that one running call owns: what every node is now, bound sizes, deltas, temporaries, carried values. A
 * frame is made for one graph and used by one call at a time; between calls its owner keeps it with all its memory, so
 * the next call asks for none. Refuses to know who keeps it and for which function. */
#include "exec.h"

/* One block holds the frame and its tables. Measured with base NULL, then cut. */
static void *frame_piece(char *base, size_t *used, size_t n)
{
    size_t from = *used;
    *used = (from + n + 15) / 16 * 16;
    return base ? base + from : NULL;
}

/* The interrupt hook is the user's code: node by node it is asked once in so many nodes, and per iteration or block of rows. */
#if defined TALLY_TINY_LIMITS
enum { NODES_PER_POLL = 3 };
#else
enum { NODES_PER_POLL = 64 };
#endif

/* the lists of all regions: at most every node once, the polls between them, and an end for each region */
static void frame_lists(tally__frame *f, char *base, size_t *used, const tally__graph *g)
{
    f->todo = frame_piece(base, used, g->n_region * sizeof *f->todo);
    for (uint32_t r = 1; r < g->n_region; r++) {
        tally__todo *list = frame_piece(base, used, (g->region[r].n_list + g->region[r].n_list / NODES_PER_POLL + 1) * sizeof *list);
        if (base)
            f->todo[r] = list;
    }
}

/* what the instructions of each loop of a plan need */
static void frame_codes(tally__frame *f, char *base, size_t *used, const tally__plan *p)
{
    f->code = frame_piece(base, used, p->n_loop * sizeof *f->code);
    for (uint32_t r = 1; r < p->graph->n_region; r++)
        for (uint32_t i = 0; i < p->region[r].n_step; i++) {
            const tally__step *s = &p->region[r].step[i];
            tally__code        none, *c = base && s->kind == TALLY__STEP_LOOP ? &f->code[s->loop] : &none;
            if (s->kind != TALLY__STEP_LOOP)
                continue;
            c->step = s;
            c->instr = frame_piece(base, used, (2 * s->n_node + s->n_load) * sizeof *c->instr);
            c->part = frame_piece(base, used, (s->n_load + s->n_beside) * sizeof *c->part);
            c->whole = frame_piece(base, used, (s->n_load + s->n_beside) * sizeof *c->whole);
            c->packed = frame_piece(base, used, (s->n_load + s->n_node) * sizeof *c->packed);
            c->packed_id = frame_piece(base, used, (s->n_load + s->n_node) * sizeof *c->packed_id);
            c->at = frame_piece(base, used, s->n_slot * sizeof *c->at);
            c->direct = frame_piece(base, used, s->n_keep * sizeof *c->direct);
        }
}

typedef struct frame_counts {
    uint32_t carried, numbers;
} frame_counts;

/* constants, and values that plans keep in the frame: run.c */
static bool frame_is_number(const tally__node *n)
{
    return !n->rank && n->dtype != TALLY__EXACT &&
           (n->op == TALLY__OP_constant || n->op == TALLY__OP_dim || tally__op_table[n->op].form == TALLY__FORM_ELEMENT);
}

static frame_counts count_parts(const tally__graph *g)
{
    frame_counts n = { 0, 0 };
    for (uint32_t i = 1; i < g->n_node; i++) {
        const tally__node *x = &g->node[i];
        n.numbers += frame_is_number(x);
        if (x->op == TALLY__OP_while)
            n.carried += g->region[x->inner[1]].n_param;
    }
    return n;
}

static size_t frame_lay(tally__frame *f, char *base, const tally__graph *g, const tally__plan *p, frame_counts n, uint64_t **numbers)
{
    size_t used = 0, slots = (size_t)g->n_slot, arguments = (size_t)g->n_argument;
    frame_piece(base, &used, sizeof *f);
    f->value = frame_piece(base, &used, g->n_node * sizeof *f->value);
    f->view = frame_piece(base, &used, g->n_node * sizeof *f->view);
    f->kernel = frame_piece(base, &used, g->n_node * sizeof *f->kernel);
    f->count = frame_piece(base, &used, g->n_node * sizeof *f->count);
    f->counts = frame_piece(base, &used, g->n_node * sizeof *f->counts);
    f->run = frame_piece(base, &used, g->n_node * sizeof *f->run);
    frame_lists(f, base, &used, g);
    f->size = frame_piece(base, &used, g->n_size * sizeof *f->size);
    f->delta = frame_piece(base, &used, slots * sizeof *f->delta);
    f->carried = frame_piece(base, &used, n.carried * sizeof *f->carried);
    f->carry_at = frame_piece(base, &used, g->n_region * sizeof *f->carry_at);
    f->in = frame_piece(base, &used, arguments * sizeof *f->in);
    f->store = frame_piece(base, &used, arguments * sizeof *f->store);
    f->seen = frame_piece(base, &used, arguments * sizeof *f->seen);
    *numbers = frame_piece(base, &used, n.numbers * sizeof **numbers);
    if (p)
        frame_codes(f, base, &used, p);
    return used;
}

static void fill_constant(uint64_t *at, const tally__node *n)
{
    if (n->dtype == TALLY_U64)
        *at = n->constant.natural;
    else if (tally__is_float(n->dtype))
        tally__store_f64(at, n->dtype, n->constant.real);
    else
        tally__convert(at, n->dtype, &n->constant.integer, TALLY_I64, 1, 1);
}

/* What no call changes: constants, captured tensors, fixed sizes, where carried values start. */
static void fill_fixed(tally__frame *f, const tally__graph *g, uint64_t *numbers)
{
    uint32_t carried = 0;
    for (uint32_t i = 0; i < g->n_size; i++)
        f->size[i] = g->size[i].kind == TALLY__SIZE_FIXED ? g->size[i].value : -1;
    for (uint32_t i = 1; i < g->n_node; i++) {
        const tally__node *n = &g->node[i];
        tally_tensor      *x = &f->value[i];
        f->view[i] = n->op == TALLY__OP_argument ? &f->seen[n->axis] : x;
        x->dtype = n->dtype;
        x->rank = n->rank;
        if (frame_is_number(n))
            x->data = numbers++;
        if (n->op == TALLY__OP_constant) {
            fill_constant((uint64_t *)(uintptr_t)x->data, n);
        } else if (n->op == TALLY__OP_captured) {
            x->data = n->data;
            for (int a = 0; a < n->rank; a++)
                x->shape[a] = g->size[n->dim[a]].value;
            tally__dense(x->rank, x->shape, x->stride);
        } else if (n->op == TALLY__OP_while) {
            f->carry_at[n->inner[1]] = carried;
            carried += g->region[n->inner[1]].n_param;
        }
    }
}

/* which loops a plan's nodes get, and how each runs, is known before any call */
static void fill_kernels(tally__frame *f, const tally__graph *g, tally__isa isa)
{
    const tally__kernel_set *set = tally__kernels_for(isa);
    for (tally__id i = 1; i < g->n_node; i++) {
        f->kernel[i] = f->plan ? tally__kernel_of(set, g, &g->node[i]) : NULL;
        f->count[i] = f->plan ? tally__count_of(set, g, &g->node[i]) : NULL;
        f->run[i] = tally__runner_of(f, i);
    }
}

static void list_node(tally__frame *f, tally__todo **at, tally__id id)
{
    if (f->run[id])
        *(*at)++ = (tally__todo){ f->run[id], &f->graph->node[id], id };
}

static void fill_lists(tally__frame *f, const tally__graph *g)
{
    for (uint32_t r = 1; r < g->n_region; r++) {
        tally__todo *at = f->todo[r];
        for (uint32_t i = 0; !f->plan && i < g->region[r].n_list; i++) {
            if (i % NODES_PER_POLL == NODES_PER_POLL - 1)
                *at++ = (tally__todo){ tally__run_poll, NULL, 0 };
            list_node(f, &at, g->region[r].list[i]);
        }
        for (uint32_t i = 0; f->plan && i < f->plan->region[r].n_step; i++) {
            const tally__step *s = &f->plan->region[r].step[i];
            if (s->kind == TALLY__STEP_LOOP)
                *at++ = (tally__todo){ tally__run_rows, NULL, s->loop };
            else
                list_node(f, &at, s->node[0]);
        }
        *at = (tally__todo){ NULL, NULL, 0 };
    }
}

static void fill_head(tally__frame *f, tally_context *c, const tally__graph *g, const tally__plan *plan, tally__isa isa)
{
    f->context = c;
    f->graph = g;
    f->plan = plan;
    f->block = TALLY__BLOCK;
    f->share = TALLY__SHARE;
    f->parts = TALLY__PARTS;
    f->isa = isa;
    f->layout = 1;
    f->n_slot = g->n_slot;
    f->polls = c->o.interrupt != NULL;
    tally__arena_init(&f->work, c);
    f->start = tally__arena_here(&f->work);
    for (int32_t i = 0; i < g->n_slot; i++) {
        f->batches = f->batches || g->slot[i].batch_of;
        f->commits = f->commits || g->slot[i].updates || g->slot[i].overwrites;
        f->holds = f->holds || g->slot[i].reads || g->slot[i].overwrites;
    }
}

void tally__frame_forget(tally__frame *f)
{
    for (int32_t i = 0; i < f->n_slot; i++)
        if (f->graph->slot[i].batch_of)
            f->delta[i].effects = false;
}

size_t tally__frame_bytes(const tally__graph *recorded, const tally__plan *plan)
{
    const tally__graph *g = plan ? plan->graph : recorded;
    tally__frame        measure;
    uint64_t           *numbers;
    return frame_lay(&measure, NULL, g, plan, count_parts(g), &numbers);
}

tally__frame *tally__frame_new(tally_context *c, const tally__graph *recorded, const tally__plan *plan, tally__isa isa, tally_error *err)
{
    const tally__graph *g = plan ? plan->graph : recorded;
    tally__frame *f;
    frame_counts  n = count_parts(g);
    uint64_t     *numbers;
    size_t        bytes = tally__frame_bytes(recorded, plan);
    char         *base = tally__zalloc(c, bytes);
    if (!base) {
        tally__fail_memory(err, bytes);
        return NULL;
    }
    f = (tally__frame *)(void *)base;
    frame_lay(f, base, g, plan, n, &numbers);
    f->bytes = bytes;
    f->n_carried = n.carried;
    fill_head(f, c, g, plan, isa);
    fill_fixed(f, g, numbers);
    fill_kernels(f, g, isa);
    fill_lists(f, g);
    return f;
}

void tally__frame_drop(tally__frame *f)
{
    if (!f)
        return;
    tally__frame_end(f);
    for (int i = 0; i < TALLY__PARTS; i++)
        tally__frame_drop(f->part[i]);
    for (int32_t i = 0; i < f->n_slot; i++)
        tally__delta_drop(&f->delta[i]);
    for (uint32_t i = 0; i < f->n_carried; i++)
        for (int k = 0; k < 2; k++)
            tally__free(f->context, f->carried[i].memory[k], f->carried[i].room[k]);
    tally__free(f->context, f->slots, f->slots_bytes);
    tally__arena_release(&f->work);
    tally__free(f->context, f, f->bytes);
}

tally_tensor tally__frame_value(const tally__frame *f, tally__id node)
{
    return *f->view[node];
}

void tally__frame_end(tally__frame *f)
{
    if (f->holds)
        tally__deltas_end(f->delta, f->n_held);
    f->n_held = 0;
    f->loops = 0;
    f->printed = f->quiet = 0;
    tally__arena_rewind(&f->work, f->start);
}

/* One block as large as all temporaries together; the arena keeps it and cuts the run's pieces from it. */
tally_status tally__frame_reserve(tally__frame *f, tally_error *err)
{
    const tally__graph *g = f->graph;
    size_t              bytes = 0, most = SIZE_MAX / 4;
    for (uint32_t i = 1; i < g->n_node; i++) {
        const tally__node *n = &g->node[i];
        uint8_t            form = tally__op_table[n->op].form;
        size_t             piece = tally__element_size(n->dtype);
        if (form == TALLY__FORM_SOURCE || form == TALLY__FORM_VIEW)
            continue;
        for (int a = 0; a < n->rank; a++) {
            size_t s = (size_t)TALLY__MAX(f->size[n->dim[a]], 0);
            piece = s && piece > most / s ? most : piece * s;
        }
        bytes = TALLY__MIN(bytes + (piece + 127) / 64 * 64, most);
    }
    tally__arena_mark here = tally__arena_here(&f->work);
    if (bytes && !tally__arena_alloc(&f->work, bytes))
        return tally__fail_memory(err, bytes);
    tally__arena_rewind(&f->work, here);
    return TALLY_OK;
}
