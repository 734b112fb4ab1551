/* cse: nodes that compute the same from the same become one (value numbering). A read of a store is numbered by the writes
 * before it, so only reads with no write between them are the same. Metrics updated on the same tensors share work here,
 * and sharing is proven by the recording itself: results cannot change. Knows what makes two nodes equal, no op's meaning. */
#include "pass.h"

/* buckets for each node, rounded up to a power of two; node 0 is none, so one always stays empty */
#if defined TALLY_TINY_LIMITS
enum { CSE_BUCKETS = 1 };
#else
enum { CSE_BUCKETS = 2 };
#endif

typedef struct cse {
    tally__edit *e;
    uint32_t    *version;       /* [n_slot] of each store: the writes so far, numbered */
    uint32_t     versions;      /* numbers given */
    tally__id   *bucket;        /* [room] open hash table of nodes that later ones may equal; room is a power of two */
    uint64_t    *hash;          /* [n_node] */
    uint32_t    *seen;          /* [n_node] version that a read saw */
    uint32_t     room;
} cse;

static bool cse_applies(const tally__node *n)
{
    uint8_t form = tally__op_table[n->op].form;
    if (form == TALLY__FORM_SOURCE)
        return n->op == TALLY__OP_constant || n->op == TALLY__OP_captured;
    return form != TALLY__FORM_EFFECT && form != TALLY__FORM_REGION && form != TALLY__FORM_NONE;
}

static uint64_t cse_constant(const tally__node *n)
{
    uint64_t bits = 0;
    if (n->op == TALLY__OP_constant)
        memcpy(&bits, &n->constant, sizeof bits);
    return bits;
}

/* operands of an op that commutes are told apart by what they are, not where they stand */
static bool cse_turned(const tally__node *n)
{
    return n->n_arg == 2 && tally__op_table[n->op].laws & TALLY__LAW_COMM && n->arg[0] > n->arg[1];
}

static uint32_t cse_repeat(const tally__node *n)
{
    return cse_turned(n) ? (n->repeat & 63) << 6 | (n->repeat >> 6 & 63) : n->repeat;
}

static tally__id cse_arg(const tally__node *n, uint32_t i)
{
    return n->arg[cse_turned(n) ? 1 - i : i];
}

/* everything that tells two nodes apart, but for their arguments and what they captured */
typedef struct cse_face {
    uint64_t constant;
    uint32_t op, dtype, rank, n_arg, repeat, version;
    int32_t  slot, cell, axis;
    uint32_t zero;
} cse_face;

static cse_face cse_face_of(const cse *c, tally__id id)
{
    const tally__node *n = &c->e->graph->node[id];
    return (cse_face){ cse_constant(n), n->op, n->dtype, n->rank, n->n_arg, cse_repeat(n), c->seen[id], n->slot, n->cell, n->axis, 0 };
}

static bool cse_encloses(const tally__graph *g, uint32_t outer, uint32_t inner)
{
    while (inner > outer)
        inner = g->region[inner].parent;
    return inner == outer;
}

static bool cse_same_arguments(const tally__node *m, const tally__node *n)
{
    for (uint32_t i = 0; i < n->n_arg; i++)
        if (cse_arg(m, i) != cse_arg(n, i))
            return false;
    return true;
}

/* two lists of thresholds, say */
static bool cse_same_captured(const tally__graph *g, const tally__node *m, const tally__node *n)
{
    size_t bytes = tally__element_size(n->dtype);
    for (int k = 0; k < n->rank; k++) {
        if (g->size[m->dim[k]].value != g->size[n->dim[k]].value)
            return false;
        bytes *= (size_t)g->size[n->dim[k]].value;
    }
    return !memcmp(m->data, n->data, bytes);
}

static bool cse_equal(const cse *c, tally__id a, tally__id b)
{
    const tally__graph *g = c->e->graph;
    const tally__node  *m = &g->node[a], *n = &g->node[b];
    cse_face            fa = cse_face_of(c, a), fb = cse_face_of(c, b);
    return c->hash[a] == c->hash[b] && !memcmp(&fa, &fb, sizeof fa) && cse_same_arguments(m, n) &&
           (n->op != TALLY__OP_captured || cse_same_captured(g, m, n)) && cse_encloses(g, m->region, n->region);
}

/* the earlier node that this one equals, or itself, remembered from now on */
static tally__id cse_find(cse *c, tally__id id)
{
    const tally__node *n = &c->e->graph->node[id];
    cse_face           face = cse_face_of(c, id);
    uint64_t           hash = tally__hash(&face, sizeof face, 0);
    for (uint32_t i = 0; i < n->n_arg; i++) {
        tally__id arg = cse_arg(n, i);
        hash = tally__hash(&arg, sizeof arg, hash);
    }
    c->hash[id] = hash;
    uint32_t at = (uint32_t)c->hash[id] & (c->room - 1);
    for (; c->bucket[at]; at = (at + 1) & (c->room - 1))
        if (cse_equal(c, c->bucket[at], id))
            return c->bucket[at];
    c->bucket[at] = id;
    return id;
}

static void cse_written(cse *c, int32_t slot) { c->version[slot] = ++c->versions; }

static void cse_writes_of(cse *c, uint32_t region)
{
    const tally__graph *g = c->e->graph;
    for (uint32_t i = 0; i < g->region[region].n_list; i++) {
        const tally__node *n = &g->node[g->region[region].list[i]];
        if (tally__is_update(n) || n->op == TALLY__OP_reset || n->op == TALLY__OP_assign)
            cse_written(c, n->slot);
        for (int k = 0; k < 2; k++)
            if (n->inner[k])
                cse_writes_of(c, n->inner[k]);
    }
}

static void cse_region(cse *c, uint32_t region);

/* A loop's later rounds write before its reads, so these see new numbers; what follows a region sees what it wrote. */
static void cse_inner(cse *c, const tally__node *n)
{
    for (int k = 0; k < 2; k++)
        if (n->inner[k] && n->op == TALLY__OP_while)
            cse_writes_of(c, n->inner[k]);
    for (int k = 0; k < 2; k++)
        if (n->inner[k]) {
            cse_region(c, n->inner[k]);
            cse_writes_of(c, n->inner[k]);
        }
}

static void cse_node(cse *c, tally__id id)
{
    tally__node *n = &c->e->graph->node[id];
    for (uint32_t i = 0; i < n->n_arg; i++)
        n->arg[i] = c->e->instead[n->arg[i]];
    if (n->op == TALLY__OP_read_cell)
        c->seen[id] = c->version[n->slot];
    if (tally__is_update(n) || n->op == TALLY__OP_reset || n->op == TALLY__OP_assign)
        cse_written(c, n->slot);
    if (cse_applies(n))
        c->e->instead[id] = cse_find(c, id);
    else
        cse_inner(c, n);
}

static void cse_region(cse *c, uint32_t region)
{
    tally__region *r = &c->e->graph->region[region];
    for (uint32_t i = 0; i < r->n_list; i++)
        cse_node(c, r->list[i]);
    for (uint32_t i = 0; i < r->n_yield; i++)
        r->yield[i] = c->e->instead[r->yield[i]];
}

bool tally__pass_cse(tally__edit *e)
{
    const tally__graph *g = e->graph;
    cse                 c = { .e = e, .room = 16 };
    while (c.room < CSE_BUCKETS * g->n_node)
        c.room *= 2;
    c.version = tally__arena_zalloc(e->work, ((size_t)g->n_slot + 1) * sizeof *c.version);
    c.bucket = tally__arena_zalloc(e->work, c.room * sizeof *c.bucket);
    c.hash = tally__arena_zalloc(e->work, g->n_node * sizeof *c.hash);
    c.seen = tally__arena_zalloc(e->work, g->n_node * sizeof *c.seen);
    if (!c.version || !c.bucket || !c.hash || !c.seen)
        return false;
    cse_region(&c, 1);
    return true;
}
