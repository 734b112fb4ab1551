/* show: a plan for people: what each pass did, then the steps in the order they run, each node on a line of its own with what
 * runs it; or the steps as a picture. Knows steps; how a node is written is the graph's affair. */
#include "pass.h"
#include "../graph/dump.h"

typedef struct show {
    const tally__plan *p;
    tally__runs_with  *with;
    void              *user;
} show;

static void show_count(tally__text *t, uint32_t n, const char *what, bool *any)
{
    if (n)
        tally__put(t, ", %u %s", n, what);
    *any = *any || n;
}

static void show_passes(const tally__plan *p, tally__text *t)
{
    for (uint32_t i = 0; i < p->n_done; i++) {
        const tally__pass_done *done = &p->done[i];
        bool                    any = false;
        tally__put(t, "  %s: %u", done->name, done->before);
        if (done->after != done->before)
            tally__put(t, " -> %u", done->after);
        tally__put(t, " nodes");
        show_count(t, done->constants, "made constant", &any);
        show_count(t, done->shared, done->gone, &any);
        show_count(t, done->changed, done->change, &any);
        show_count(t, done->dropped, "dropped", &any);
        tally__put(t, "%s\n", any ? "" : ", nothing");
    }
}

/* ---- the order: steps, beside each node what runs it */
static bool show_group(const tally__dump *d, uint32_t region, uint32_t i, tally__dump_group *out)
{
    const show         *s = d->user;
    const tally__steps *steps = &s->p->region[region];
    const tally__step  *step = steps->step + i;
    if (i >= steps->n_step)
        return false;
    *out = (tally__dump_group){ .node = step->node, .n_node = step->n_node, .load = step->load, .n_load = step->n_load,
                                .keep = step->keep, .n_keep = step->n_keep, .step = step };
    out->rows = step->kind == TALLY__STEP_LOOP ? step->rows : 0;
    return true;
}

/* outside of loops there are no slots */
static void show_beside(tally__dump *d, const tally__dump_group *g, uint32_t at)
{
    const show        *s = d->user;
    const tally__step *loop = g->rows ? g->step : NULL;
    const char        *with = s->with ? s->with(s->p, g->node[at], loop && loop->counted[at], s->user) : NULL;
    if (!with)
        return;
    d->form->beside(d);
    tally__dump_put(d, with);
    if (loop && loop->slot[at] != TALLY__NO_SLOT && !loop->counted[at])
        tally__put(d->out, ", slot %u", loop->slot[at]);
}

static const tally__dump_order show_steps = { show_group, show_beside };

bool tally__plan_dump(const tally__plan *p, tally__runs_with *with, void *user, tally__text *out)
{
    show        s = { p, with, user };
    tally__dump d = { .g = p->graph, .out = out, .form = &tally__dump_lines, .order = &show_steps, .user = &s };
    tally__put(out, "plan\n");
    show_passes(p, out);
    if (!tally__dump_begin(&d, true)) {
        tally__put(out, "  no memory for its steps\n");
        return false;
    }
    tally__dump_walk(&d);
    tally__dump_end(&d);
    return true;
}

bool tally__plan_dot(const tally__plan *p, tally__runs_with *with, void *user, tally__text *out)
{
    show        s = { p, with, user };
    tally__dump d = { .g = p->graph, .out = out, .order = &show_steps, .user = &s };
    return tally__dump_whole_dot(&d, "plan");
}
