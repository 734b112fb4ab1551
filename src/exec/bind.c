/* bind: what a call brings meets what the graph expects. Every size gets its number, sizes that met
 * in the body are compared, states that no batch has built yet take their sizes from the values
 * that will go into them, and the deltas begin: stores that are read are copied at one instant.
 * Before anything of the body runs; a mismatch changes nothing. */
#include "exec.h"

static tally_status take_deltas(tally__frame *f, tally__store *const *store, tally_error *err)
{
    const tally__graph *g = f->graph;
    for (int32_t i = 0; i < g->n_slot; i++) {
        const tally__slot *slot = &g->slot[i];
        tally__store      *s = slot->captured ? slot->captured : store[slot->argument];
        tally_status       status = tally__delta_prepare(&f->delta[i], f->context, s, err);
        if (status)
            return status;
        f->n_held = i + 1;
        f->delta[i].reads = slot->reads;
    }
    return g->n_slot ? tally__deltas_begin(f->delta, g->n_slot, err) : TALLY_OK;
}

/* what the call brings is seen from here on. true: all of it lies as that of the call before */
static bool see_arguments(tally__frame *f)
{
    bool same = true;
    for (int32_t i = 0; i < f->graph->n_argument; i++) {
        const tally_tensor *x = f->in[i], *seen = &f->seen[i];
        for (int32_t a = 0; x && same && a < x->rank; a++)
            same = x->shape[a] == seen->shape[a] && x->stride[a] == seen->stride[a];
        if (x)
            f->seen[i] = *x;
    }
    return same;
}

/* The number of a size of an argument or a state; -1: not built. */
static int64_t number_of_size(const tally__frame *f, const tally__size *s)
{
    int64_t shape[TALLY_MAX_RANK];
    if (s->kind == TALLY__SIZE_INPUT)
        return f->in[s->index]->shape[s->axis];
    return tally__delta_elements(&f->delta[s->index], s->cell, shape) >= 0 ? shape[s->axis] : -1;
}

/* true: every size that can be known now is known. *same becomes false where one is not what it was */
static bool number_sizes(tally__frame *f, bool *same)
{
    const tally__graph *g = f->graph;
    bool                all = true;
    for (uint32_t i = 0; i < g->n_size; i++) {
        const tally__size *s = &g->size[i];
        if (s->kind != TALLY__SIZE_INPUT && s->kind != TALLY__SIZE_STATE)
            continue;
        const int64_t n = number_of_size(f, s);
        all = all && n >= 0;
        *same = *same && n == f->size[i];
        f->size[i] = n;
    }
    return all;
}

static bool is_open_state(const tally__frame *f, tally__dim d)
{
    const tally__size *s = &f->graph->size[d];
    return s->kind == TALLY__SIZE_STATE && f->size[d] < 0 && f->graph->slot[s->index].updates;
}

/* Unbuilt sizes take the number of the size that they met, directly or through others. A state that
 * the call only reads stays unbuilt: the read, where it runs, says so at the user's line. */
static void spread_sizes(tally__frame *f)
{
    const tally__graph *g = f->graph;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < g->n_equality; i++) {
            tally__dim a = g->equality[i].a, b = g->equality[i].b;
            if (is_open_state(f, b) && f->size[a] >= 0)
                f->size[b] = f->size[a];
            else if (is_open_state(f, a) && f->size[b] >= 0)
                f->size[a] = f->size[b];
            else
                continue;
            more = true;
        }
    }
}

static tally_status build_state(tally__frame *f, int32_t slot, int32_t cell, tally_error *err)
{
    const tally__graph     *g = f->graph;
    const tally__cell_spec *spec = &g->slot[slot].schema->spec[cell];
    int64_t                 shape[TALLY_MAX_RANK];
    if (tally__delta_elements(&f->delta[slot], cell, shape) >= 0)
        return TALLY_OK;
    memcpy(shape, spec->shape, sizeof shape);
    for (uint32_t i = 0; i < g->n_size; i++) {
        const tally__size *s = &g->size[i];
        if (s->kind == TALLY__SIZE_STATE && s->index == slot && s->cell == cell)
            shape[s->axis] = f->size[i];
    }
    for (int a = 0; a < spec->rank; a++)
        if (shape[a] < 0)
            return TALLY_OK; /* known when its value is: the update builds the state */
    return tally__delta_build(&f->delta[slot], cell, shape, err);
}

static tally_status build_states(tally__frame *f, tally_error *err)
{
    const tally__graph *g = f->graph;
    spread_sizes(f);
    for (uint32_t i = 0; i < g->n_size; i++) {
        const tally__size *s = &g->size[i];
        if (s->kind != TALLY__SIZE_STATE)
            continue;
        tally_status status = build_state(f, s->index, s->cell, err);
        if (status)
            return status;
    }
    return TALLY_OK;
}

static void put_size(const tally__frame *f, tally__text *t, tally__dim d)
{
    const tally__size *s = &f->graph->size[d];
    char               title[64];
    switch ((tally__size_kind)s->kind) {
    case TALLY__SIZE_INPUT:
        tally__put(t, "axis %d of argument %d", (int)s->axis, (int)s->index);
        break;
    case TALLY__SIZE_STATE:
        tally__store_title(f->delta[s->index].store, title, sizeof title);
        tally__put(t, "axis %d of state \"%s\" of %s", (int)s->axis,
                   f->graph->slot[s->index].schema->spec[s->cell].name, title);
        break;
    case TALLY__SIZE_FIXED:
    case TALLY__SIZE_RUN:
        tally__put(t, "a size of the body");
        break;
    }
}

/* The subject of the text is the size that the caller can change. */
static tally_status sizes_unequal(const tally__frame *f, const tally__equality *e, tally_error *err)
{
    const tally__graph *g = f->graph;
    const tally__node  *n = &g->node[e->node];
    bool turn = g->size[e->b].kind != TALLY__SIZE_INPUT && g->size[e->a].kind == TALLY__SIZE_INPUT;
    tally__dim  want = turn ? e->b : e->a, have = turn ? e->a : e->b;
    char        want_text[128], have_text[128];
    tally__text w = { want_text, sizeof want_text, 0 }, h = { have_text, sizeof have_text, 0 };
    put_size(f, &w, want);
    put_size(f, &h, have);
    return tally__fail_at(err, TALLY_INVALID_ARGUMENT,
                          g->size[have].kind == TALLY__SIZE_INPUT ? g->size[have].index : -1,
                          n->place, "%s%s%s: %s, expected %l as %s, found %l", n->who ? n->who : "",
                          n->who ? ": " : "", e->op ? e->op : g->name,
                          have_text, f->size[want], want_text, f->size[have]);
}

static tally_status compare_sizes(const tally__frame *f, tally_error *err)
{
    const tally__graph *g = f->graph;
    for (uint32_t i = 0; i < g->n_equality; i++) {
        const tally__equality *e = &g->equality[i];
        int64_t                a = f->size[e->a], b = f->size[e->b];
        if (a != b && a >= 0 && b >= 0)
            return sizes_unequal(f, e, err);
    }
    return TALLY_OK;
}

/* Sizes of states may change between two calls; all others follow from the arguments. */
static void note_bound(tally__frame *f)
{
    const tally__graph *g = f->graph;
    for (uint32_t i = 0; i < g->n_size; i++)
        if (g->size[i].kind == TALLY__SIZE_STATE)
            return;
    f->bound = true;
}

tally_status tally__frame_bind(tally__frame *f, const tally_tensor *const *in,
                               tally__store *const *store, tally_error *err)
{
    if (in != (const tally_tensor *const *)f->in)
        memcpy(f->in, in, (size_t)f->graph->n_argument * sizeof *in);
    bool same = see_arguments(f);
    f->bound = false;
    tally_status status = take_deltas(f, store, err);
    if (!status && !number_sizes(f, &same))
        status = build_states(f, err);
    f->layout += !same || status;
    if (!status)
        status = compare_sizes(f, err);
    if (!status)
        note_bound(f);
    return status;
}
