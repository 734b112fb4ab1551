/* trace: the life of a recording and what every builder stands on: node values, the sticky first error, the check of
 * operands, emission. A recording is a draft with tables of its own; the small tally_trace outlives it, so that a node
 * of a finished body is still recognised. Knows no op's rules, no scopes, no effects. */
#include "graph.h"

#if defined TALLY_TINY_LIMITS
enum { FIRST_ROOM = 1 };
#else
enum { FIRST_ROOM = 64 };
#endif

/* ---- numbers and poison: a node value without a trace holds 64 bits, never all zero. Numbers have one NaN, so other
 * NaN patterns are free: one stands for "absent", as 0 bits must, and one for a value that nothing can be made of */
static const uint64_t number_mask = UINT64_C(0x7ff4746fa1c64d91);
static const uint64_t number_nan = UINT64_C(0x7ff8000000000000);
static const uint64_t lost_bits = UINT64_C(0xfff4b19d2c83e057);

static tally_node node_of_bits(uint64_t bits)
{
    bits ^= number_mask;
    return (tally_node){ NULL, (uint32_t)(bits >> 32), (uint32_t)bits };
}

static uint64_t bits_of_node(tally_node x)
{
    return ((uint64_t)x.id << 32 | x.generation) ^ number_mask;
}

tally_node tally_num(double v)
{
    uint64_t bits = number_nan;
    if (v == v)
        memcpy(&bits, &v, sizeof bits);
    return node_of_bits(bits);
}

bool tally__is_absent(tally_node x)
{
    return !x.trace && !x.id && !x.generation;
}

bool tally__is_num(tally_node x, double *v)
{
    uint64_t bits = bits_of_node(x);
    if (x.trace || tally__is_absent(x) || bits == lost_bits)
        return false;
    if (v)
        memcpy(v, &bits, sizeof bits);
    return true;
}

tally_node tally__handle(tally_trace *t, tally__id id)
{
    return (tally_node){ t, id, t->generation };
}

tally_node tally__bad(tally_trace *t)
{
    return t ? tally__handle(t, TALLY__BAD_ID) : node_of_bits(lost_bits);
}

/* ---- errors */
bool tally__trace_ok(const tally_trace *t)
{
    return t && t->now && t->error.status == TALLY_OK;
}

static void fail_first(tally_trace *t, tally_status s, int argument, tally__place at, const char *format, va_list list)
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

void tally__trace_fail_argument(tally_trace *t, tally_status s, int argument, tally__place at, const char *format, ...)
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

static bool slots_of_arguments(tally_trace *t, const tally__argument *in, tally__store *const *store)
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

/* Entry 0 of nodes and regions is unused, size 0 is the fixed 1, frame 0 is the call itself, region 1 is the body. */
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

tally_trace *tally__trace_new(tally_context *c, const char *name, const tally__argument *in, tally__store *const *store,
                              int n_in, tally_error *err)
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

/* ---- operands */
typedef enum operand_state {
    OPERAND_LIVE, OPERAND_NUMBER, OPERAND_ABSENT, OPERAND_LOST, OPERAND_BAD, OPERAND_STALE, OPERAND_ESCAPED, OPERAND_DROPPED
} operand_state;

static bool trace_is_live(const tally_trace *t, uint32_t generation)
{
    return t && t->generation == generation && t->now;
}

static operand_state state_of_operand(tally_node x)
{
    const tally_trace *t = x.trace;
    if (!t)
        return tally__is_absent(x) ? OPERAND_ABSENT : tally__is_num(x, NULL) ? OPERAND_NUMBER : OPERAND_LOST;
    if (!trace_is_live(t, x.generation))
        return OPERAND_STALE;
    if (x.id == TALLY__BAD_ID)
        return OPERAND_BAD;
    if (!x.id || x.id >= t->now->graph->n_node)
        return OPERAND_STALE;
    const tally__region_note *note = &t->now->note[t->now->graph->node[x.id].region];
    return note->open ? OPERAND_LIVE : note->dropped ? OPERAND_DROPPED : OPERAND_ESCAPED;
}

static const char *scope_verb(const tally__graph *g, const tally__region *region)
{
    return g->node[region->owner].op == TALLY__OP_if ? "if" : "while";
}

/* x was made where the current region cannot see it: in a closed one, or in a recording that was dropped. */
static void fail_out_of_sight(tally_trace *t, tally_node x, int i, bool dropped, const char *op, tally__place at)
{
    const tally__graph  *g = t->now->graph;
    const tally__region *region = &g->region[g->node[x.id].region];
    const char          *verb = scope_verb(g, region), *file = tally__file_name(region->opened.file);
    if (!region->owner)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: argument %d, expected a node that was kept, found one of a "
                          "condition that was recorded once too often", op, i);
    else if (dropped)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: argument %d, expected a value of this iteration, found one of "
                          "the iteration before in the %s opened at %s:%d: list the variable that carries it", op, i, verb,
                          file, region->opened.line);
    else
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: argument %d, expected a value visible here, found one made "
                          "inside the %s opened at %s:%d: list the variable that carries it", op, i, verb, file,
                          region->opened.line);
}

static const char *what_is_wrong(const tally_trace *t, tally_node x, operand_state s)
{
    switch (s) {
    case OPERAND_ABSENT: return "an absent one (all zero)";
    case OPERAND_LOST: return "a value that no live node went into (numbers, absent or finished nodes only)";
    case OPERAND_STALE: return "a node of a finished body";
    case OPERAND_LIVE: case OPERAND_BAD: case OPERAND_ESCAPED: case OPERAND_DROPPED:
        return x.trace != t ? "a node of another body" : NULL;
    case OPERAND_NUMBER: break;
    }
    return NULL;
}

static bool check_operand(tally_trace *t, tally_node x, int i, bool optional, const char *op, tally__place at)
{
    operand_state s = state_of_operand(x);
    if (s == OPERAND_NUMBER || (s == OPERAND_LIVE && x.trace == t) || (s == OPERAND_ABSENT && optional))
        return true;
    const char *wrong = what_is_wrong(t, x, s);
    if (wrong) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: argument %d, expected a node of this body, found %s", op, i,
                          wrong);
        if (s != OPERAND_STALE && x.trace)
            tally__trace_fail(x.trace, TALLY_INVALID_ARGUMENT, at, "%s: argument %d, a node of this body is used in another",
                              op, i);
    } else if (s != OPERAND_BAD) {
        fail_out_of_sight(t, x, i, s == OPERAND_DROPPED, op, at);
    }
    return false;
}

bool tally__operands_of(tally_trace *t, const tally_node *x, int n, unsigned optional, const char *op, tally__place at)
{
    if (!tally__trace_ok(t))
        return false;
    for (int i = 0; i < n; i++)
        if (!check_operand(t, x[i], i, i < 32 && (optional >> i & 1), op, at))
            return false;
    return true;
}

tally_trace *tally__operands(const tally_node *x, int n, unsigned optional, const char *op, tally__place at)
{
    for (int i = 0; i < n; i++)
        if (trace_is_live(x[i].trace, x[i].generation))
            return tally__operands_of(x[i].trace, x, n, optional, op, at) ? x[i].trace : NULL;
    return NULL;
}

tally__node *tally__node_of(tally_node x)
{
    assert(state_of_operand(x) == OPERAND_LIVE);
    return &x.trace->now->graph->node[x.id];
}

tally__node *tally__node_of_any(tally_node x)
{
    assert(trace_is_live(x.trace, x.generation) && x.id && x.id < x.trace->now->graph->n_node);
    return &x.trace->now->graph->node[x.id];
}

static const tally__node *node_if_live(tally_node x)
{
    if (!trace_is_live(x.trace, x.generation) || !x.id || x.id >= x.trace->now->graph->n_node)
        return NULL;
    return &x.trace->now->graph->node[x.id];
}

tally_dtype tally_node_dtype(tally_node x)
{
    const tally__node *n = node_if_live(x);
    return !n ? (tally_dtype)0 : n->dtype == TALLY__EXACT ? TALLY_F64 : (tally_dtype)n->dtype;
}

int tally_node_rank(tally_node x)
{
    const tally__node *n = node_if_live(x);
    return n ? n->rank : tally__is_num(x, NULL) ? 0 : -1;
}

/* ---- emission */
tally__id tally__node_new(tally_trace *t, const tally__node *n, const tally_node *args, uint32_t n_args, tally__place at)
{
    if (!tally__trace_ok(t))
        return 0;
    tally__graph *g = t->now->graph;
    tally__node   node = *n;
    node.n_arg = n_args;
    node.arg = n_args ? tally__record_alloc(t, n_args * sizeof *node.arg) : NULL;
    node.place = t->cover.covers ? t->cover.at : at;
    node.who = t->cover.who;
    node.region = t->now->current;
    if (!tally__trace_ok(t) || !tally__table_room(t, &g->node, g->n_node, &g->node_room, sizeof node))
        return 0;
    for (uint32_t i = 0; i < n_args; i++) {
        assert(args[i].trace == t || tally__is_absent(args[i]));
        node.arg[i] = args[i].id;
    }
    g->node[g->n_node] = node;
    return g->n_node++;
}

tally_node tally__emit(tally_trace *t, const tally__node *n, const tally_node *args, uint32_t n_args, tally__place at)
{
    if (!t || !t->now)
        return tally__bad(t);
    tally__id id = tally__node_new(t, n, args, n_args, at);
    return id && tally__region_append(t, t->now->current, id) ? tally__handle(t, id) : tally__bad(t);
}

tally_node tally__node_rounded(tally_trace *t, tally_node x, tally__place at)
{
    double v;
    if (tally__is_num(x, &v) || tally__is_absent(x) || !tally__trace_ok(t) || tally__node_of(x)->dtype != TALLY__EXACT)
        return x;
    tally__node n = *tally__node_of(x);
    tally__node cast = { .op = TALLY__OP_cast, .dtype = TALLY_F64, .rank = n.rank };
    memcpy(cast.dim, n.dim, sizeof cast.dim);
    return tally__emit(t, &cast, &x, 1, at);
}

/* ---- constants */
static tally_node emit_constant(tally_trace *t, int32_t dtype, const void *value, tally__place at)
{
    tally__node n = { .op = TALLY__OP_constant, .dtype = (uint8_t)dtype };
    if (tally__is_float(dtype))
        n.constant.real = tally__load_f64(value, dtype);
    else if (dtype == TALLY_U64)
        memcpy(&n.constant.natural, value, sizeof n.constant.natural);
    else
        n.constant.integer = tally__load_i64(value, dtype);
    return tally__emit(t, &n, NULL, 0, at);
}

/* 2^63 and 2^64 would saturate to an integer whose nearest double is v again. */
static bool dtype_holds(int32_t dtype, double v, const void *stored)
{
    if (tally__is_float(dtype))
        return true;
    if ((dtype == TALLY_I64 && v >= 0x1p63) || (dtype == TALLY_U64 && v >= 0x1p64))
        return false;
    return tally__load_f64(stored, dtype) == v;
}

tally_node tally__constant_f64(tally_trace *t, int32_t dtype, double v, tally__place at)
{
    uint64_t value = 0;
    if (dtype == TALLY__EXACT)
        dtype = TALLY_F64;
    tally__store_f64(&value, dtype, v);
    if (!dtype_holds(dtype, v, &value)) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "num: value, expected one that %s holds, found %g",
                          tally__dtype_text(dtype), v);
        return tally__bad(t);
    }
    return emit_constant(t, dtype, &value, at);
}

tally_node tally__constant_i64(tally_trace *t, int32_t dtype, int64_t v, tally__place at)
{
    int64_t value = 0;
    if (tally__is_float(dtype) || dtype == TALLY__EXACT)
        return tally__constant_f64(t, dtype, (double)v, at);
    tally__convert(&value, dtype, &v, TALLY_I64, 1, 1);
    if (tally__load_i64(&value, dtype) != v || (dtype == TALLY_U64 && v < 0)) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "constant: value, expected one that %s holds, found %l",
                          tally__dtype_text(dtype), v);
        return tally__bad(t);
    }
    return emit_constant(t, dtype, &value, at);
}
