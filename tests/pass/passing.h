/* passing: what the tests of passes share: a body recorded over the arguments of recording.h, the graph before and after
 * chosen passes as text, and the steps of its plan. Places in the bodies are left out of the texts. */
#ifndef TALLY_TESTS_PASSING_H
#define TALLY_TESTS_PASSING_H

#include "../graph/recording.h"

#include "../../src/pass/pass.h"

#define UPDATE(t, m, cell, v) tally__accumulate(t, m, cell, v, ABSENT, ABSENT, HERE)
enum { PASSING_ROOM = 8192 };

/* "# file:line" and the spaces before it go from every line */
static inline void passing_strip(char *text)
{
    char *to = text;
    for (char *from = text; *from; from++) {
        if (*from == '#')
            from += strcspn(from, "\n");
        while (*from == '\n' && to > text && to[-1] == ' ')
            to--;
        *to++ = *from;
    }
    *to = 0;
}

static inline void passing_same(const char *got, const char *want, const char *what, const char *file, int line)
{
    if (!strcmp(got, want))
        return;
    print_error("%s:\n%sexpected:\n%s", what, got, want);
    _fail(file, line);
}

static inline void passing_graph(const tally__graph *g, const char *want, const char *what, const char *file, int line)
{
    char        text[PASSING_ROOM];
    tally__text t = { text, sizeof text, 0 };
    tally__graph_dump(g, &t);
    assert_true(t.n < sizeof text);
    const char *body = strchr(text, '\n') + 1;          /* the head is the same for all */
    memmove(text, body, strlen(body) + 1);
    passing_strip(text);
    passing_same(text, want, what, file, line);
}

/* each pass begins with the nodes that the one before left; what it says it did accounts for those that are gone */
static inline void passing_counts(const tally__plan *p, const tally__graph *g)
{
    uint32_t nodes = g->n_node - 1;
    for (uint32_t i = 0; i < p->n_done; i++) {
        assert_int_equal(p->done[i].before, nodes);
        assert_int_equal(p->done[i].after, nodes - p->done[i].shared - p->done[i].dropped);
        nodes = p->done[i].after;
    }
    assert_int_equal(p->graph->n_node - 1, nodes);
}

static inline tally__plan *passing_plan(fixture *f, const tally__graph *g, unsigned passes)
{
    tally_error  err;
    tally__plan *p = tally__plan_new(f->context, g, passes, &err);
    if (!p)
        fail_msg("%s", err.text);
    assert_ok(tally__graph_verify(p->graph, &err), &err);
    passing_counts(p, g);
    return p;
}

/* the graph that the body records, and what the passes make of it */
static inline void passing_compare(fixture *f, tally_body body, unsigned passes, const char *before, const char *after,
                                   const char *file, int line)
{
    tally__graph *g = recorded(f, body, f);
    passing_graph(g, before, "recorded", file, line);
    tally__plan *p = passing_plan(f, g, passes);
    passing_graph(p->graph, after, "after the pass", file, line);
    passing_graph(g, before, "recorded, after the pass", file, line);
    tally__plan_drop(p);
    tally__graph_drop(g);
}

/* the steps that the whole pipeline makes of it */
static inline void passing_steps(fixture *f, tally_body body, unsigned passes, const char *want, const char *file, int line)
{
    char          text[PASSING_ROOM];
    tally__text   t = { text, sizeof text, 0 };
    tally__graph *g = recorded(f, body, f);
    tally__plan  *p = passing_plan(f, g, passes);
    p->n_done = 0;
    tally__plan_dump(p, NULL, NULL, &t);
    assert_true(t.n < sizeof text);
    passing_same(text, want, "plan", file, line);
    tally__plan_drop(p);
    tally__graph_drop(g);
}

#define assert_pass(body, passes, before, after) passing_compare(*state, body, passes, before, after, __FILE__, __LINE__)
#define assert_steps(body, passes, want) passing_steps(*state, body, passes, want, __FILE__, __LINE__)

#endif
