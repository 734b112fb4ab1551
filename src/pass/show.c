/* show: a plan as text for people: what each pass did, then the steps in the order they run, each node on a line of its own
 * with what runs it. Knows steps; how a node is written is the graph's affair. */
#include "pass.h"
#include "../graph/dump.h"

enum { SHOW_COLUMN = 72 };
typedef struct show {
    const tally__plan *p;
    tally__dump        d;
    tally__runs_with  *with;
    void              *user;
} show;

static void show_count(tally__text *t, uint32_t n, const char *what, bool *any)
{
    if (n)
        tally__put(t, "%s %u %s", *any ? "," : "", n, what);
    *any = *any || n;
}

static void show_passes(const tally__plan *p, tally__text *t)
{
    for (uint32_t i = 0; i < p->n_done; i++) {
        const tally__pass_done *done = &p->done[i];
        bool                    any = false;
        tally__put(t, "  %s:", done->name);
        show_count(t, done->constants, "made constant", &any);
        show_count(t, done->shared, done->gone, &any);
        show_count(t, done->changed, done->change, &any);
        show_count(t, done->dropped, "dropped", &any);
        tally__put(t, "%s\n", any ? "" : " nothing");
    }
}

/* at: where the node stands in a loop; outside of loops there are no slots */
static void show_runs(show *s, size_t line, tally__id id, const tally__step *loop, uint32_t at)
{
    const char *with = s->with ? s->with(s->p, id, loop && loop->counted[at], s->user) : NULL;
    if (with) {
        do
            tally__put(s->d.out, " ");
        while (s->d.out->n - line < SHOW_COLUMN);
        tally__put(s->d.out, "# %s", with);
        if (loop && loop->slot[at] != TALLY__NO_SLOT && !loop->counted[at])
            tally__put(s->d.out, ", slot %u", loop->slot[at]);
    }
    tally__put(s->d.out, "\n");
}

static void show_region(show *s, uint32_t region, int depth);

static void show_node(show *s, tally__id id, const tally__step *loop, uint32_t at, int depth)
{
    const tally__node *n = &s->p->graph->node[id];
    size_t             line = s->d.out->n;
    if (!tally__dump_has_line(&s->d, id))
        return;
    tally__dump_indent(&s->d, depth);
    tally__dump_node(&s->d, id);
    show_runs(s, line, id, loop, at);
    for (int k = 0; k < 2; k++) {
        if (!n->inner[k])
            continue;
        if (k && n->op == TALLY__OP_if && s->p->region[n->inner[k]].n_step) {
            tally__dump_indent(&s->d, depth);
            tally__put(s->d.out, "else\n");
        }
        show_region(s, n->inner[k], depth + 1);
        tally__dump_yield(&s->d, n->inner[k], depth + 1);
    }
}

static void show_names(show *s, const char *word, const tally__id *id, uint32_t n)
{
    if (n) {
        tally__put(s->d.out, " %s ", word);
        tally__dump_values(&s->d, id, n);
    }
}

static void show_loop(show *s, const tally__step *step, int depth)
{
    tally__dump_indent(&s->d, depth);
    tally__put(s->d.out, "rows of ");
    tally__dump_size(&s->d, step->rows);
    show_names(s, "load", step->load, step->n_load);
    show_names(s, "keep", step->keep, step->n_keep);
    tally__put(s->d.out, "\n");
    for (uint32_t i = 0; i < step->n_node; i++)
        show_node(s, step->node[i], step, i, depth + 1);
}

static void show_region(show *s, uint32_t region, int depth)
{
    const tally__steps *steps = &s->p->region[region];
    for (uint32_t i = 0; i < steps->n_step; i++) {
        if (steps->step[i].kind == TALLY__STEP_LOOP)
            show_loop(s, &steps->step[i], depth);
        else
            show_node(s, steps->step[i].node[0], NULL, 0, depth);
    }
}

void tally__plan_dump(const tally__plan *p, tally__runs_with *with, void *user, tally__text *out)
{
    show s = { .p = p, .with = with, .user = user };
    tally__put(out, "plan\n");
    show_passes(p, out);
    if (!tally__dump_begin(&s.d, p->graph, out, true)) {
        tally__put(out, "  no memory for its steps\n");
        return;
    }
    show_region(&s, 1, 1);
    tally__dump_end(&s.d);
}
