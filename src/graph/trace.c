/* trace: the life of a recording, its memory, its first error, which sticks. A recording is a draft
 * with tables of its own; the small tally_trace outlives it, so that a node of a finished body is
 * still recognised. Knows no node: node.c. */
#include "graph.h"

#if defined TALLY_TINY_LIMITS
enum { FIRST_ROOM = 1 };
#else
enum { FIRST_ROOM = 64 };
#endif

/* ---- errors */
bool tally__trace_ok(const tally_trace *t)
{
    return t && t->now && t->error.status == TALLY_OK;
}

static void fail_first(tally_trace *t, tally_status s, int argument, tally__place at,
                       const char *format, va_list list)
{
    char        line[1024];
    tally__text text = { line, sizeof line, 0 };
    if (!tally__trace_ok(t))
        return;
    if (t->cover.who)
        tally__put(&text, "%s: ", t->cover.who);
    tally__put_v(&text, format, list);
    tally__fail_at(&t->error, s, argument, t->cover.covers ? t->cover.at : at, "%s", line);
}

tally__cover tally__trace_cover(tally_trace *t, tally__cover c)
{
    tally__cover before = t->cover;
    t->cover = c;
    return before;
}

void tally__trace_fail(tally_trace *t, tally_status s, tally__place at, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fail_first(t, s, -1, at, format, list);
    va_end(list);
}

void tally__trace_fail_argument(tally_trace *t, tally_status s, int argument, tally__place at,
                                const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fail_first(t, s, argument, at, format, list);
    va_end(list);
}

static void fail_bytes(tally_trace *t, size_t n)
{
    if (tally__trace_ok(t))
        tally__fail_memory(&t->error, n);
}

const char *tally__file_name(const char *file)
{
    const char *name = file ? file : "?";
    for (const char *c = name; *c; c++)
        if (*c == '/' || *c == '\\')
            name = c + 1;
    return name;
}

const char *tally__dtype_text(int32_t dtype)
{
    return tally_dtype_name(dtype == TALLY__EXACT ? TALLY_F64 : (tally_dtype)dtype);
}

/* ---- memory */
void *tally__record_alloc(tally_trace *t, size_t n)
{
    void *p = tally__arena_alloc(&t->now->graph->arena, n);
    if (!p)
        fail_bytes(t, n);
    return p;
}

bool tally__table_room(tally_trace *t, void *table, uint32_t n, uint32_t *room, size_t element)
{
    if (n < *room)
        return true;
    uint32_t more = *room ? *room * 2 : FIRST_ROOM;
    void    *old, *p = more > *room ? tally__alloc(t->context, more * element) : NULL;
    if (!p) {
        fail_bytes(t, more * element);
        return false;
    }
    memcpy(&old, table, sizeof old);
    if (old)
        memcpy(p, old, n * element);
    tally__free(t->context, old, *room * element);
    memcpy(table, &p, sizeof p);
    *room = more;
    return true;
}

/* ---- life */
void tally__graph_drop(tally__graph *g)
{
    if (!g)
        return;
    tally_context *c = g->context;
    for (int32_t i = 0; i < g->n_slot; i++) {
        if (g->slot[i].captured)
            tally__store_release(g->slot[i].captured);
        tally__schema_release(g->slot[i].schema);
    }
    tally__free(c, g->node, g->node_room * sizeof *g->node);
    tally__free(c, g->region, g->region_room * sizeof *g->region);
    tally__free(c, g->size, g->size_room * sizeof *g->size);
    tally__free(c, g->equality, g->equality_room * sizeof *g->equality);
    tally__free(c, g->argument, (size_t)g->n_argument * sizeof *g->argument);
    tally__free(c, g->slot, g->slot_room * sizeof *g->slot);
    tally__free(c, g->out, g->out_room * sizeof *g->out);
    tally__arena_release(&g->arena);
    tally__free(c, g, sizeof *g);
}

void tally__recording_drop(tally_trace *t)
{
    tally__recording *r = t->now;
    tally_context    *c = t->context;
    if (!r)
        return;
    tally__graph_drop(r->graph);
    tally__free(c, r->note, r->note_room * sizeof *r->note);
    tally__free(c, r->store, r->store_room * sizeof *r->store);
    tally__free(c, r->state_size, r->state_room * sizeof *r->state_size);
    tally__free(c, r->parent, r->parent_room * sizeof *r->parent);
    tally__free(c, r->undo, r->undo_room * sizeof *r->undo);
    tally__free(c, r->scope, r->scope_room * sizeof *r->scope);
    tally__free(c, r->frame, r->frame_room * sizeof *r->frame);
    tally__free(c, r, sizeof *r);
    t->now = NULL;
}

void tally__trace_drop(tally_trace *t)
{
    if (!t)
        return;
    tally__recording_drop(t);
    tally__free(t->context, t, sizeof *t);
}

tally__graph *tally__graph_new(tally_context *c, const char *name, int n_argument)
{
    tally__graph *g = tally__zalloc(c, sizeof *g);
    if (!g)
        return NULL;
    g->context = c;
    tally__arena_init(&g->arena, c);
    g->name = tally__arena_copy(&g->arena, name ? name : "f");
    g->argument = tally__zalloc(c, (size_t)n_argument * sizeof *g->argument);
    g->n_argument = g->argument ? n_argument : 0;
    if (!g->name || g->n_argument != n_argument) {
        tally__graph_drop(g);
        return NULL;
    }
    return g;
}

static bool slots_of_arguments(tally_trace *t, const tally__argument *in,
                               tally__store *const *store)
{
    tally__graph *g = t->now->graph;
    for (int i = 0; i < g->n_argument; i++) {
        g->argument[i] = in[i];
        g->argument[i].slot = -1;
        if (in[i].kind == TALLY__ARG_TENSOR)
            continue;
        assert(store[i]);
        int32_t slot = tally__slot_of(t, store[i], (tally__place){ NULL, 0 });
        if (slot < 0)
            return false;
        g->argument[i].slot = slot;
        if (g->slot[slot].argument < 0)
            g->slot[slot].argument = i;
    }
    return true;
}

/* Entry 0 of nodes and regions is unused, size 0 is the fixed 1, frame 0 is the call itself, region
 * 1 is the body. */
static bool first_entries(tally_trace *t)
{
    tally__recording *r = t->now;
    tally__graph     *g = r->graph;
    if (!tally__table_room(t, &g->node, 0, &g->node_room, sizeof *g->node) ||
        !tally__table_room(t, &g->region, 0, &g->region_room, sizeof *g->region) ||
        !tally__table_room(t, &r->note, 0, &r->note_room, sizeof *r->note) ||
        !tally__table_room(t, &r->frame, 0, &r->frame_room, sizeof *r->frame))
        return false;
    memset(&g->node[0], 0, sizeof g->node[0]);
    memset(&g->region[0], 0, sizeof g->region[0]);
    r->note[0] = (tally__region_note){ false, true, 0 };
    g->n_node = g->n_region = 1;
    r->frame[0] = (tally__inline_frame){ .n_in = g->n_argument };
    r->n_frame = 1;
    tally__size_new(t, (tally__size){ TALLY__SIZE_FIXED, 0, 0, 0, 1 });
    r->argument = tally__record_alloc(t, ((size_t)g->n_argument + 1) * sizeof *r->argument);
    if (r->argument)
        memset(r->argument, 0, ((size_t)g->n_argument + 1) * sizeof *r->argument);
    return tally__region_open(t, 0, (tally__place){ NULL, 0 }) == 1 && tally__trace_ok(t);
}

tally_trace *tally__trace_new(tally_context *c, const char *name, const tally__argument *in,
                              tally__store *const *store, int n_in, tally_error *err)
{
    tally_trace *t = tally__zalloc(c, sizeof *t);
    if (!t) {
        tally__fail_memory(err, sizeof *t);
        return NULL;
    }
    t->context = c;
    t->generation = atomic_fetch_add_explicit(&c->traces, 1, memory_order_relaxed) * 2 + 1;
    t->now = tally__zalloc(c, sizeof *t->now);
    if (t->now)
        t->now->graph = tally__graph_new(c, name, n_in);
    if (!t->now || !t->now->graph)
        tally__fail_memory(&t->error, sizeof *t->now);
    else if (first_entries(t) && slots_of_arguments(t, in, store))
        return t;
    if (err)
        *err = t->error;
    tally__trace_drop(t);
    return NULL;
}

tally__graph *tally__trace_graph(tally_trace *t)
{
    return t->now->graph;
}
