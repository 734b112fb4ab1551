/* recording: what the tests of recordings share: one set of arguments, a body recorded over them, errors with their lines.
 * Arguments: 0 x f32[n], 1 matrix f32[n, m], 2 k i64[], 3 mean, 4 other (both of class Mean), 5 w variable f32[.], 6 flags
 * bool[n]. Every byte must have come back when a test ends. */
#ifndef TALLY_TESTS_RECORDING_H
#define TALLY_TESTS_RECORDING_H

#include "../support.h"

#include "../../src/graph/graph.h"

#define HERE ((tally__place){ __FILE__, __LINE__ })
#define ABSENT ((tally_node){ NULL, 0, 0 })

enum { ARGUMENTS = 7 };
typedef struct fixture {
    test_memory     memory;
    tally_context  *context;
    tally__store   *mean, *other, *variable;
    tally__store   *store[ARGUMENTS];
    tally__argument in[ARGUMENTS];
    tally_trace    *trace[8];       /* of this test, finished, dropped at its end */
    int             n_trace;
} fixture;

static inline tally__store *new_store(tally_context *c, tally__what what, const char *class_name, int n_cells,
                                      const tally__cell_spec *spec, const char *name)
{
    tally_error    err;
    tally__schema *schema = tally__schema_new(c, what, class_name, n_cells, spec, NULL, 0, NULL, 0, NULL, 0, &err);
    assert_non_null(schema);
    tally__store *store = tally__store_new(c, schema, name, &err);
    assert_non_null(store);
    tally__schema_release(schema);
    return store;
}

static inline tally__store *new_mean(tally_context *c, const char *name)
{
    static const tally__cell_spec spec[] = { { "total", TALLY_STATE_SUM, 0, 0, { 0 } }, { "count", TALLY_STATE_SUM, 0, 0, { 0 } } };
    return new_store(c, TALLY__METRIC, "Mean", 2, spec, name);
}

static inline int fixture_open(void **state)
{
    static fixture f;
    static const tally__cell_spec vector = { "value", TALLY_STATE_TENSOR, TALLY_F32, 1, { -1 } };
    tally_error err;
    memset(&f, 0, sizeof f);
    f.context = test_context(&f.memory, &err);
    f.mean = f.store[3] = new_mean(f.context, "loss");
    f.other = f.store[4] = new_mean(f.context, "other");
    f.variable = f.store[5] = new_store(f.context, TALLY__VARIABLE, "variable", 1, &vector, "w");
    const tally__argument in[ARGUMENTS] = { { TALLY__ARG_TENSOR, TALLY_F32, 1, -1 }, { TALLY__ARG_TENSOR, TALLY_F32, 2, -1 },
                                            { TALLY__ARG_TENSOR, TALLY_I64, 0, -1 }, { TALLY__ARG_METRIC, 0, 0, -1 },
                                            { TALLY__ARG_METRIC, 0, 0, -1 },         { TALLY__ARG_VARIABLE, 0, 0, -1 },
                                            { TALLY__ARG_TENSOR, TALLY_BOOL, 1, -1 } };
    memcpy(f.in, in, sizeof in);
    *state = &f;
    return 0;
}

static inline int fixture_close(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < f->n_trace; i++)
        tally__trace_drop(f->trace[i]);
    tally__store_release(f->mean);
    tally__store_release(f->other);
    tally__store_release(f->variable);
    size_t left = tally_context_bytes(f->context);
    tally_context_release(f->context);
    if (left || atomic_load(&f->memory.blocks))
        print_error("%zu bytes were not given back\n", left);
    return left || atomic_load(&f->memory.blocks) ? 1 : 0;
}

static inline tally_trace *begin(fixture *f)
{
    tally_error  err;
    tally_trace *t = tally__trace_new(f->context, "f", f->in, f->store, ARGUMENTS, &err);
    assert_non_null(t);
    assert_true(f->n_trace < 8);
    return f->trace[f->n_trace++] = t;
}

/* the graph of a body that must record; the caller drops it */
static inline tally__graph *recorded(fixture *f, tally_body body, void *user)
{
    tally_error  err;
    tally_trace *t = begin(f);
    body(t, user);
    tally__graph *g = tally__trace_finish(t, &err);
    if (!g)
        fail_msg("%s", err.text);
    assert_ok(tally__graph_verify(g, &err), &err);
    return g;
}

/* a body that must not record: its error */
static inline tally_error refused(fixture *f, tally_body body, void *user)
{
    tally_error  err = { 0 };
    tally_trace *t = begin(f);
    body(t, user);
    tally__graph *g = tally__trace_finish(t, &err);
    tally__graph_drop(g);
    assert_null(g);
    return err;
}

static inline void test_error_at(const tally_error *err, const char *part, const char *name, int of, const char *file, int line)
{
    char place[80];
    snprintf(place, sizeof place, "%s:%d", name, of);
    const char *found = strstr(err->text, place);
    size_t      n = strlen(place);
    if (found && (found[n] < '0' || found[n] > '9') && strstr(err->text, part))
        return;
    print_error("error \"%s\", expected \"%s\" and the place %s\n", err->text, part, place);
    _fail(file, line);
}

/* the text has this part and names this line of the test's own file */
#define assert_error_at(err, part, line) test_error_at((err), (part), tally__file_name(__FILE__), (line), __FILE__, __LINE__)
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

static inline uint32_t count_ops(const tally__graph *g, tally__op op)
{
    uint32_t n = 0;
    for (tally__id i = 1; i < g->n_node; i++)
        n += g->node[i].op == op;
    return n;
}

#endif
