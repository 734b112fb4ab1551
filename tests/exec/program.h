/* program: what the tests of floors 6 and 7 share: stores without a class, their effects inside a body, a recorded body
 * on a frame. */
#ifndef TALLY_TESTS_PROGRAM_H
#define TALLY_TESTS_PROGRAM_H

#include "../support.h"

#include "../../src/exec/exec.h"

#define HERE ((tally__place){ __FILE__, __LINE__ })
#define NO_NODE ((tally_node){ NULL, 0, 0 })

/* ---- stores: a class of cells "total" (exact sum, scalar), or of a vector of sums whose size the first batch decides */

static inline tally__store *test_store(tally_context *c, const char *class_name, int n_cells, const tally__cell_spec *spec)
{
    tally_error     err;
    tally__schema  *s = tally__schema_new(c, TALLY__METRIC, class_name, n_cells, spec, NULL, 0, NULL, 0, NULL, 0, &err);
    tally__store   *store = s ? tally__store_new(c, s, NULL, &err) : NULL;
    tally__schema_release(s);
    return store;
}

static inline tally__store *sum_store(tally_context *c)
{
    tally__cell_spec spec = { "total", TALLY_STATE_SUM, 0, 0, { 0 } };
    return test_store(c, "Total", 1, &spec);
}

static inline tally__store *vector_store(tally_context *c)
{
    tally__cell_spec spec = { "columns", TALLY_STATE_SUM, 0, 1, { -1 } };
    return test_store(c, "Columns", 1, &spec);
}

static inline double store_value(tally__store *s, int64_t k)
{
    return tally__cell_round(&s->cell[0], k);
}

/* ---- inside a body */

static inline void add_to(tally_trace *t, tally_metric_ref m, tally_node value)
{
    tally__accumulate(t, m, 0, value, NO_NODE, NO_NODE, HERE);
}

static inline tally_node total_of(tally_trace *t, tally_metric_ref m)
{
    return tally__node_rounded(t, tally__read_cell(t, m, 0, HERE), HERE);
}

/* ---- a recorded body on a frame */

enum { PROGRAM_ARGUMENTS = 8 };
typedef struct program {
    tally_trace        *trace;
    tally__graph       *graph;
    tally__frame       *frame;
    const tally_tensor *in[PROGRAM_ARGUMENTS];
    tally__store       *store[PROGRAM_ARGUMENTS];
    int                 n;
} program;

static inline void program_tensor(program *p, const tally_tensor *x)
{
    p->in[p->n++] = x;
}

static inline void program_store(program *p, tally__store *s)
{
    p->store[p->n++] = s;
}

static inline void program_record(program *p, tally_context *c, tally_body body, void *user)
{
    tally_error     err = { 0 };
    tally__argument a[PROGRAM_ARGUMENTS];
    for (int i = 0; i < p->n; i++) {
        a[i] = (tally__argument){ TALLY__ARG_METRIC, 0, 0, -1 };
        if (p->in[i])
            a[i] = (tally__argument){ TALLY__ARG_TENSOR, p->in[i]->dtype, p->in[i]->rank, -1 };
        else if (p->store[i]->schema->what == TALLY__VARIABLE)
            a[i].kind = TALLY__ARG_VARIABLE;
    }
    p->trace = tally__trace_new(c, "program", a, p->store, p->n, &err);
    assert_non_null(p->trace);
    body(p->trace, user);
    p->graph = tally__trace_finish(p->trace, &err);
    if (!p->graph)
        print_error("recording: %s\n", err.text);
    assert_non_null(p->graph);
    p->frame = tally__frame_new(c, p->graph, NULL, TALLY__ISA_BASE, &err);
    assert_non_null(p->frame);
}

/* without the commit; the frame still holds what the run made */
static inline tally_status program_run(program *p, tally_error *err)
{
    tally__frame_end(p->frame);
    tally_status s = tally__frame_bind(p->frame, p->in, p->store, err);
    return s ? s : tally__run(p->frame, err);
}

static inline tally_status program_commit(program *p, tally_error *err)
{
    tally_status s = program_run(p, err);
    return s ? s : tally__frame_commit(p->frame, err);
}

static inline tally_tensor program_value(const program *p, int i)
{
    return tally__frame_value(p->frame, p->graph->out[i].node);
}

static inline double program_f64(const program *p, int i)
{
    tally_tensor x = program_value(p, i);
    return tally__load_f64(x.data, x.dtype);
}

static inline void program_close(program *p)
{
    tally__frame_drop(p->frame);
    tally__graph_drop(p->graph);
    tally__trace_drop(p->trace);
    *p = (program){ 0 };
}

#endif
