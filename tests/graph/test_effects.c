/* Effects: what is recorded on stores, what is refused, and that every effect meets a bad node with an error. */
#include "recording.h"

static int at;

static tally_metric_ref metric_of(tally_trace *t, void *handle)
{
    return tally_capture_metric(t, (tally_metric *)handle);
}

/* a class with one state of each kind, one with sizes from the first batch, one of a fixed size */
static tally__store *new_mixed(tally_context *c)
{
    static const tally__cell_spec spec[] = { { "sum", TALLY_STATE_SUM, 0, 1, { -1 } }, { "count", TALLY_STATE_COUNT, 0, 0, { 0 } },
                                             { "min", TALLY_STATE_MIN, 0, 0, { 0 } }, { "max", TALLY_STATE_MAX, 0, 1, { 3 } } };
    return new_store(c, TALLY__METRIC, "Mixed", 4, spec, NULL);
}

/* ---- order and flags */
static void ordered(tally_trace *t, void *user)
{
    tally_metric_ref m = tally_arg_metric(t, 3);
    (void)user;
    tally__accumulate(t, m, 0, tally_arg(t, 0), ABSENT, ABSENT, HERE);
    tally_node first = tally__read_cell(t, m, 0, HERE);
    tally__reset(t, m, HERE);
    tally__accumulate(t, m, 0, tally_num(4), tally_num(2), ABSENT, HERE);
    tally_node second = tally__read_cell(t, m, 0, HERE);
    tally_print(t, "both", tally_add(first, second));
    tally_assert(t, tally_gt(second, tally_num(0)), NULL);
}

static void effects_stay_in_the_order_in_which_they_are_recorded(void **state)
{
    static const tally__op want[] = { TALLY__OP_accumulate, TALLY__OP_read_cell, TALLY__OP_reset, TALLY__OP_accumulate,
                                      TALLY__OP_read_cell, TALLY__OP_print, TALLY__OP_assert };
    tally__graph *g = recorded(*state, ordered, NULL);
    size_t        n = 0;
    for (tally__id i = 1; i < g->n_node; i++)
        if (n < TALLY__COUNT(want) && g->node[i].op == want[n])
            n++;
    assert_int_equal(n, TALLY__COUNT(want));
    const tally__slot *s = &g->slot[g->argument[3].slot];
    assert_true(s->reads && s->updates && s->overwrites);
    const tally__slot *o = &g->slot[g->argument[4].slot];
    assert_false(o->reads || o->updates || o->overwrites);
    tally__graph_drop(g);
}

/* ---- dtypes of reads */
static void reads_each(tally_trace *t, void *user)
{
    static const tally_dtype dtype[] = { TALLY_F64, TALLY_F64, TALLY_F64, TALLY_F64 };
    static const int         rank[] = { 1, 0, 0, 1 };
    tally_metric_ref         m = metric_of(t, user);
    for (int i = 0; i < 4; i++) {
        tally_node x = tally__read_cell(t, m, i, HERE);
        assert_int_equal(tally_node_dtype(x), dtype[i]);
        assert_int_equal(tally_node_rank(x), rank[i]);
        assert_int_equal(tally__node_of(x)->dtype, i < 2 ? (int)TALLY__EXACT : (int)TALLY_F64);
    }
    assert_int_equal(tally__metric_schema(m, HERE, "test")->n_cells, 4);
}

static void sums_and_counts_are_read_exactly_extremes_as_doubles(void **state)
{
    fixture      *f = *state;
    tally__store *mixed = new_mixed(f->context);
    tally__graph *g = recorded(f, reads_each, mixed);
    assert_int_equal(g->size[g->node[1].dim[0]].kind, TALLY__SIZE_STATE);
    assert_int_equal(g->size[g->node[4].dim[0]].kind, TALLY__SIZE_FIXED);
    assert_int_equal(g->size[g->node[4].dim[0]].value, 3);
    tally__graph_drop(g);
    tally__store_release(mixed);
}

/* ---- sizes of states */
static void sizes_from_operand(tally_trace *t, void *user)
{
    tally_metric_ref m = metric_of(t, user);
    tally_node       x = tally_arg(t, 1);
    tally__size_state(t, m, 0, 0, tally__node_of(x)->dim[1], HERE);
    tally__accumulate(t, m, 0, x, tally_arg(t, 0), ABSENT, HERE);
}

static void a_state_takes_its_size_from_the_first_batch(void **state)
{
    fixture      *f = *state;
    tally__store *mixed = new_mixed(f->context);
    tally__graph *g = recorded(f, sizes_from_operand, mixed);
    assert_int_equal(g->n_equality, 2);
    int kinds[4] = { 0 };
    for (int i = 0; i < 2; i++) {
        kinds[g->size[g->equality[i].a].kind]++;
        kinds[g->size[g->equality[i].b].kind]++;
        assert_int_equal(g->node[g->equality[i].node].op, TALLY__OP_accumulate);
    }
    assert_int_equal(kinds[TALLY__SIZE_STATE], 1);
    assert_int_equal(kinds[TALLY__SIZE_INPUT], 3);
    tally__graph_drop(g);
    tally__store_release(mixed);
}

typedef struct update_case {
    tally__store *store;
    int           which;
} update_case;

static void bad_update(tally_trace *t, void *user)
{
    const update_case *c = user;
    tally_metric_ref   m = metric_of(t, c->store), none = { NULL, 0, 0 };
    tally_node         x = tally_arg(t, 0), xx = tally_arg(t, 1);
    float              v[4] = { 0 };
    tally_tensor       four = tally_vector(v, 4);
    tally_node         k = tally_capture_tensor(t, &four);
    at = __LINE__ + 2;
    switch (c->which) {
    case 0: tally__accumulate(t, m, 0, tally_num(1), ABSENT, ABSENT, HERE); break; case 1: tally__accumulate(t, m, 3, k, ABSENT, ABSENT, HERE); break; case 2: tally__accumulate(t, m, 1, x, xx, ABSENT, HERE); break; case 3: tally__accumulate(t, m, 1, x, ABSENT, x, HERE); break; case 4: tally__accumulate(t, m, 9, x, ABSENT, ABSENT, HERE); break; case 5: tally__accumulate(t, none, 0, x, ABSENT, ABSENT, HERE); break; case 6: tally__accumulate(t, m, 0, ABSENT, ABSENT, ABSENT, HERE); break; case 7: tally__read_cell(t, m, -1, HERE); break;
    default: break;
    }
}

static void an_update_that_cannot_fit_is_refused_with_what_was_expected(void **state)
{
    static const char *const part[] = { "accumulate: value, expected rank 1 or more as state sum of Mixed, found rank 0",
                                        "accumulate: sizes, expected 3, found 4",
                                        "accumulate: weight, expected rank 1 or less as the value, found rank 2",
                                        "accumulate: mask, expected bool, found float32",
                                        "accumulate: state, expected an index below 4, found 9",
                                        "accumulate: metric, expected a reference of this body, found an absent one",
                                        "accumulate: argument 0, expected a node of this body, found an absent one",
                                        "result: state, expected an index below 4, found -1" };
    fixture      *f = *state;
    tally__store *mixed = new_mixed(f->context);
    for (int i = 0; i < 8; i++) {
        update_case c = { mixed, i };
        tally_error e = refused(f, bad_update, &c);
        assert_error_at(&e, part[i], at);
        assert_int_equal(e.status, TALLY_INVALID_ARGUMENT);
        f->n_trace = 0, tally__trace_drop(f->trace[0]);
    }
    tally__store_release(mixed);
}

static void weights_that_fit(tally_trace *t, void *user)
{
    tally_metric_ref m = tally_arg_metric(t, 3);
    tally_node       xx = tally_arg(t, 1), x = tally_arg(t, 0);
    (void)user;
    tally__accumulate(t, m, 0, xx, tally_expand_dims(x, 1), ABSENT, HERE);      /* [n, 1]: repeats, and nothing is noted for rank 2 */
    tally__accumulate(t, m, 0, xx, xx, tally_gt(xx, tally_num(0)), HERE);
    tally__accumulate(t, m, 0, xx, tally_f32(t, 2), ABSENT, HERE);
}

static void entries_that_fit(tally_trace *t, void *user)
{
    tally_metric_ref m = metric_of(t, user);
    tally_node       x = tally_arg(t, 0), xx = tally_arg(t, 1), id = tally_cast(x, TALLY_I32), ids = tally_cast(xx, TALLY_I64);
    tally__accumulate_at(t, m, 3, 0, id, x, x, tally_gt(x, tally_num(0)), HERE);
    tally__accumulate_at(t, m, 3, 0, ids, tally_num(1), tally_expand_dims(x, 1), ABSENT, HERE);
    tally__accumulate_at(t, m, 3, 0, tally_num(2), tally_num(1), ABSENT, ABSENT, HERE);
}

static void an_index_has_the_rows_and_its_axes_align(void **state)
{
    fixture      *f = *state;
    tally__store *mixed = new_mixed(f->context);
    tally__graph *g = recorded(f, entries_that_fit, mixed);
    assert_int_equal(count_ops(g, TALLY__OP_accumulate_at), 3);
    for (tally__id i = 1; i < g->n_node; i++)
        if (g->node[i].op == TALLY__OP_accumulate_at)
            assert_int_equal(g->node[i].n_arg, 4);
    char        room[2000];
    tally__text text = { room, sizeof room, 0 };
    tally__graph_dump(g, &text);
    assert_non_null(strstr(room, "mixed.max[int32(x0)] max= x0 * x0 where x0 > 0"));
    assert_non_null(strstr(room, "mixed.max[int64(x1)] max= expand_dims(x0, axis=1) * 1"));
    assert_non_null(strstr(room, "mixed.max[2] max= 1"));
    tally__graph_drop(g);
    tally__store_release(mixed);
}

static void a_factor_repeats_along_axes_of_size_1(void **state)
{
    tally__graph *g = recorded(*state, weights_that_fit, NULL);
    assert_int_equal(g->n_equality, 0);
    assert_int_equal(count_ops(g, TALLY__OP_accumulate), 3);
    tally__graph_drop(g);
}

/* ---- variables */
static void variable_step(tally_trace *t, void *user)
{
    tally_variable_ref w = tally_arg_variable(t, 5);
    tally_node         v = tally_read(t, w);
    (void)user;
    assert_int_equal(tally_node_dtype(v), TALLY_F32);
    assert_int_equal(tally_node_rank(v), 1);
    tally_assign(t, w, tally_sub(v, tally_arg(t, 0)));
}

static void a_variable_is_read_and_assigned_with_its_own_sizes(void **state)
{
    tally__graph      *g = recorded(*state, variable_step, NULL);
    const tally__slot *s = &g->slot[g->argument[5].slot];
    assert_true(s->reads && s->overwrites);
    assert_false(s->updates);
    assert_int_equal(g->n_equality, 1);
    tally__graph_drop(g);
}

static void bad_assign(tally_trace *t, void *user)
{
    tally_variable_ref w = tally_arg_variable(t, 5);
    tally_node         x = *(int *)user ? tally_arg(t, 1) : tally_cast(tally_arg(t, 0), TALLY_F64);
    at = __LINE__; tally_assign(t, w, x);
}

static void an_assignment_keeps_dtype_and_rank(void **state)
{
    int         which = 0;
    tally_error e = refused(*state, bad_assign, &which);
    assert_error_at(&e, "assign: value, expected float32 of rank 1 as the variable, found float64 of rank 1", at);
    which = 1;
    e = refused(*state, bad_assign, &which);
    assert_error_at(&e, "found float32 of rank 2", at);
}

/* ---- assert and print */
static void bad_assert(tally_trace *t, void *user)
{
    at = __LINE__; tally_assert(t, *(int *)user ? tally_num(1) : tally_arg(t, 0), "x");
}

static void an_assertion_is_bool(void **state)
{
    int         which = 0;
    tally_error e = refused(*state, bad_assert, &which);
    assert_error_at(&e, "assert: condition, expected bool, found float32", at);
    which = 1;
    e = refused(*state, bad_assert, &which);
    assert_error_at(&e, "found a number", at);
}

static void texts(tally_trace *t, void *user)
{
    char text[] = "all flags";
    (void)user;
    tally_assert(t, tally_arg(t, 6), text);
    tally_assert(t, tally_arg(t, 6), NULL);
    tally_print(t, NULL, tally_num(3));
    tally_print(t, text, tally__read_cell(t, tally_arg_metric(t, 3), 0, HERE));
    memset(text, 0, sizeof text);
}

static void texts_are_copied_and_values_rounded(void **state)
{
    tally__graph *g = recorded(*state, texts, NULL);
    int           seen = 0;
    for (tally__id i = 1; i < g->n_node; i++) {
        const tally__node *n = &g->node[i];
        if (n->op == TALLY__OP_assert)
            assert_string_equal(n->text, seen++ ? "assertion" : "all flags");
        if (n->op == TALLY__OP_print) {
            assert_string_equal(n->text, seen++ == 2 ? "" : "all flags");
            assert_int_equal(g->node[n->arg[0]].dtype, TALLY_F64);
        }
    }
    assert_int_equal(seen, 4);
    tally__graph_drop(g);
}

/* ---- every effect and a value that nothing can be made of */
static void effect_meets_lost(tally_trace *t, void *user)
{
    tally_metric_ref   m = tally_arg_metric(t, 3);
    tally_variable_ref w = tally_arg_variable(t, 5);
    tally_node         lost = tally_add(tally_num(1), tally_num(2)), ok = tally_lt(tally_arg(t, 2), tally_num(0));
    tally_node         list_value = lost, *list[] = { &list_value, NULL };
    at = __LINE__ + 2;
    switch (*(int *)user) {
    case 0: tally__accumulate(t, m, 0, lost, ABSENT, ABSENT, HERE); break; case 1: tally_assign(t, w, lost); break; case 2: tally_assert(t, lost, ""); break; case 3: tally_print(t, "", lost); break; case 4: tally_return(t, lost); break; case 5: tally_while_begin(t, list, NULL, __FILE__, __LINE__); break; case 6: tally_if_begin(t, lost, list + 1, __FILE__, __LINE__); break; case 7: tally_if_begin(t, ok, list, __FILE__, __LINE__); break; case 8: tally__accumulate(t, m, 0, ok, lost, ABSENT, HERE); break;
    default: break;
    }
}

static void every_effect_reports_a_value_whose_error_was_not_noted(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 9; i++) {
        tally_error e = refused(f, effect_meets_lost, &i);
        assert_error_at(&e, "a value that no live node went into", at);
        assert_int_equal(e.status, TALLY_INVALID_ARGUMENT);
        f->n_trace = 0, tally__trace_drop(f->trace[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(effects_stay_in_the_order_in_which_they_are_recorded),
        CASE(sums_and_counts_are_read_exactly_extremes_as_doubles),
        CASE(a_state_takes_its_size_from_the_first_batch),
        CASE(an_update_that_cannot_fit_is_refused_with_what_was_expected),
        CASE(an_index_has_the_rows_and_its_axes_align),
        CASE(a_factor_repeats_along_axes_of_size_1),
        CASE(a_variable_is_read_and_assigned_with_its_own_sizes),
        CASE(an_assignment_keeps_dtype_and_rank),
        CASE(an_assertion_is_bool),
        CASE(texts_are_copied_and_values_rounded),
        CASE(every_effect_reports_a_value_whose_error_was_not_noted),
    };
    return cmocka_run_group_tests_name("effects", tests, NULL, NULL);
}
