/* pipeline: the passes in order, each with a line why. Every pass leaves a graph that verifies; a plan is that graph with
 * its regions cut into steps. */
#include "pass.h"

static const struct pipeline_pass {
    const char  *name;
    unsigned     flag;
    tally__pass *run;
} pipeline[] = {
    { "fold", TALLY__PASS_FOLD, tally__pass_fold },    /* first: constants make more nodes equal */
    { "cse", TALLY__PASS_CSE, tally__pass_cse },       /* metrics over the same tensors share their work */
    { "dce", TALLY__PASS_DCE, tally__pass_dce },       /* last: the others leave nodes that nobody needs */
};

/* an edit in which nothing has changed yet */
static bool pipeline_begin(tally__edit *e, tally__graph *g, tally__arena *work)
{
    *e = (tally__edit){ g, tally__arena_alloc(work, g->n_node * sizeof *e->instead), tally__arena_zalloc(work, g->n_node), work };
    for (tally__id i = 0; e->instead && i < g->n_node; i++)
        e->instead[i] = i;
    return e->instead && e->dead;
}

static tally__graph *pipeline_end(tally_context *c, const tally__edit *e, tally_error *err)
{
    for (tally__id i = 1; i < e->graph->n_node; i++)
        e->dead[i] = e->dead[i] || e->instead[i] != i;
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
static tally__graph *pipeline_step(tally_context *c, tally__graph *g, tally__pass *pass, tally_error *err)
{
    tally__arena  work;
    tally__edit   e;
    tally__graph *after = NULL;
    tally__arena_init(&work, c);
    if (pipeline_begin(&e, g, &work) && pass(&e))
        after = pipeline_end(c, &e, err);
    else
        tally__fail_memory(err, g->n_node * sizeof(tally__id));
    tally__arena_release(&work);
    tally__graph_drop(g);
    return after;
}

static tally__graph *pipeline_run(tally_context *c, const tally__graph *recorded, unsigned passes, tally_error *err)
{
    tally__graph *g = tally__graph_copy(c, recorded, NULL, NULL, err);
    for (size_t i = 0; g && i < TALLY__COUNT(pipeline); i++)
        if (passes & pipeline[i].flag)
            g = pipeline_step(c, g, pipeline[i].run, err);
    return g;
}

tally__plan *tally__plan_new(tally_context *c, const tally__graph *recorded, unsigned passes, tally_error *err)
{
    tally__graph *g = pipeline_run(c, recorded, passes, err);
    tally__plan  *p = g ? tally__zalloc(c, sizeof *p) : NULL;
    if (!p) {
        if (g)
            tally__fail_memory(err, sizeof *p);
        tally__graph_drop(g);
        return NULL;
    }
    p->context = c;
    p->graph = g;
    tally__arena_init(&p->arena, c);
    p->region = tally__arena_zalloc(&p->arena, g->n_region * sizeof *p->region);
    if (p->region && tally__fuse(p, (passes & TALLY__PASS_FUSE) != 0))
        return p;
    tally__fail_memory(err, g->n_node * sizeof(tally__id));
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
