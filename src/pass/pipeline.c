/* pipeline: the passes in order, each with a line why. Every pass leaves a graph that verifies; a plan is that graph with
 * its regions cut into steps. */
#include "pass.h"

static const struct pipeline_pass {
    const char  *name;
    unsigned     flag;
    tally__pass *run;
    const char  *gone, *change;     /* for people: nodes for which another stands, nodes that do less */
} pipeline[] = {
    /* first: constants make more nodes equal */
    { "fold", TALLY__PASS_FOLD, tally__pass_fold, "same as an operand", NULL },
    /* metrics over the same tensors share their work */
    { "cse", TALLY__PASS_CSE, tally__pass_cse, "shared", NULL },
    /* before peephole, whose patterns need what it proves */
    { "ranges", TALLY__PASS_RANGES, tally__pass_ranges, "same as an operand", "without special cases" },
    /* behind cse: what several metrics share is joined once */
    { "peephole", TALLY__PASS_PEEPHOLE, tally__pass_peephole, NULL, "joined" },
    /* behind cse: one ones_like for all */
    { "count", TALLY__PASS_COUNT, tally__pass_count, NULL, "only count elements" },
    /* last: the others leave nodes that nobody needs */
    { "dce", TALLY__PASS_DCE, tally__pass_dce, NULL, NULL },
};

/* an edit in which nothing has changed yet */
static bool pipeline_begin(tally__edit *e, tally__graph *g, tally__arena *work)
{
    *e = (tally__edit){ g, tally__arena_alloc(work, g->n_node * sizeof *e->instead), tally__arena_zalloc(work, g->n_node), work, 0 };
    for (tally__id i = 0; e->instead && i < g->n_node; i++)
        e->instead[i] = i;
    return e->instead && e->dead;
}

static uint32_t pipeline_constants(const tally__graph *g)
{
    uint32_t n = 0;
    for (tally__id i = 1; i < g->n_node; i++)
        n += g->node[i].op == TALLY__OP_constant;
    return n;
}

static tally__graph *pipeline_end(tally_context *c, const tally__edit *e, tally__pass_done *done, tally_error *err)
{
    done->constants = pipeline_constants(e->graph) - done->constants;
    done->changed = e->changed;
    for (tally__id i = 1; i < e->graph->n_node; i++) {
        done->shared += e->instead[i] != i;
        done->dropped += e->dead[i] && e->instead[i] == i;
        e->dead[i] = e->dead[i] || e->instead[i] != i;
    }
    tally__graph *g = tally__graph_copy(c, e->graph, e->instead, e->dead, err);
#if !defined NDEBUG
    if (g && tally__graph_verify(g, err)) {
        tally__graph_drop(g);
        return NULL;
    }
#endif
    return g;
}

/* the graph after one pass; the one before is dropped. NULL: out of memory */
static tally__graph *pipeline_step(tally_context *c, tally__graph *g, const struct pipeline_pass *pass, tally__pass_done *done,
                                   tally_error *err)
{
    tally__arena  work;
    tally__edit   e;
    tally__graph *after = NULL;
    tally__arena_init(&work, c);
    *done = (tally__pass_done){ .name = pass->name, .gone = pass->gone, .change = pass->change, .before = g->n_node - 1 };
    done->constants = pipeline_constants(g);
    if (pipeline_begin(&e, g, &work) && pass->run(&e))
        after = pipeline_end(c, &e, done, err);
    else
        tally__fail_memory(err, g->n_node * sizeof(tally__id));
    done->after = after ? after->n_node - 1 : 0;
    tally__arena_release(&work);
    tally__graph_drop(g);
    return after;
}

_Static_assert(TALLY__COUNT(pipeline) <= TALLY__PASSES_MOST, "a plan remembers what each did");

static bool pipeline_run(tally__plan *p, const tally__graph *recorded, unsigned passes, tally_error *err)
{
    p->graph = tally__graph_copy(p->context, recorded, NULL, NULL, err);
    for (size_t i = 0; p->graph && i < TALLY__COUNT(pipeline); i++)
        if (passes & pipeline[i].flag)
            p->graph = pipeline_step(p->context, p->graph, &pipeline[i], &p->done[p->n_done++], err);
    return p->graph != NULL;
}

static bool pipeline_fuse(tally__plan *p, unsigned passes, tally_error *err)
{
    p->region = tally__arena_zalloc(&p->arena, p->graph->n_region * sizeof *p->region);
    if (p->region && tally__fuse(p, (passes & TALLY__PASS_FUSE) != 0) && tally__slots(p))
        return true;
    tally__fail_memory(err, p->graph->n_node * sizeof(tally__id));
    return false;
}

tally__plan *tally__plan_new(tally_context *c, const tally__graph *recorded, unsigned passes, tally_error *err)
{
    tally__plan *p = tally__zalloc(c, sizeof *p);
    if (!p) {
        tally__fail_memory(err, sizeof *p);
        return NULL;
    }
    p->context = c;
    tally__arena_init(&p->arena, c);
    if (pipeline_run(p, recorded, passes, err) && pipeline_fuse(p, passes, err))
        return p;
    tally__plan_drop(p);
    return NULL;
}

void tally__plan_drop(tally__plan *p)
{
    if (!p)
        return;
    tally__graph_drop(p->graph);
    tally__arena_release(&p->arena);
    tally__free(p->context, p, sizeof *p);
}
