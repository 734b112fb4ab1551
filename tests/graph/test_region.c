/* Loops and branches: what they leave in the graph, and every misuse that is found, with both lines where there are two. */
#include "recording.h"

static int at, opened;      /* lines that an error must name */
static int times;           /* how often a body was recorded */

static const tally__node *node_with(const tally__graph *g, tally__op op)
{
    for (tally__id i = 1; i < g->n_node; i++)
        if (g->node[i].op == op)
            return &g->node[i];
    fail_msg("no %s", tally__op_table[op].name);
    return NULL;
}

static tally_node one_more(tally_node i)
{
    return tally_add(i, tally_num(1));
}

static void add_to(tally_trace *t, tally_metric_ref m, tally_node v)
{
    tally__accumulate(t, m, 0, v, ABSENT, ABSENT, HERE);
}

/* ---- loops that record */
static void counts(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 3);
    (void)user;
    times = 0;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i) {
        add_to(t, m, tally_at(x, i));
        i = one_more(i);
        times++;
    }
    tally_return(t, i);
}

static void a_loop_is_recorded_twice_and_kept_once(void **state)
{
    tally__graph        *g = recorded(*state, counts, NULL);
    const tally__node   *w = node_with(g, TALLY__OP_while);
    const tally__region *c = &g->region[w->inner[0]], *b = &g->region[w->inner[1]];
    assert_int_equal(times, 2);
    assert_int_equal(count_ops(g, TALLY__OP_accumulate), 1);
    assert_int_equal(count_ops(g, TALLY__OP_lt), 1);
    assert_int_equal(g->n_region, 4);
    assert_int_equal(c->n_param, 1);
    assert_int_equal(b->n_param, 1);
    assert_int_equal(g->node[c->yield[0]].op, TALLY__OP_lt);
    assert_int_equal(g->node[b->yield[0]].op, TALLY__OP_add);
    assert_int_equal(g->node[w->arg[0]].op, TALLY__OP_constant);
    assert_int_equal(w->limit, -1);
    const tally__node *r = &g->node[g->out[0].node];
    assert_int_equal(r->op, TALLY__OP_result);
    assert_int_equal(r->axis, 0);
    assert_true(g->slot[g->argument[3].slot].updates);
    assert_false(g->slot[g->argument[3].slot].reads);
    tally__graph_drop(g);
}

static void without_variables(tally_trace *t, void *user)
{
    tally_metric_ref m = tally_arg_metric(t, 3);
    (void)user;
    TALLY_WHILE(t, tally_lt(tally__read_cell(t, m, 0, HERE), tally_num(10))) { add_to(t, m, tally_reduce_sum(tally_arg(t, 0))); }
}

static void a_loop_may_carry_nothing_and_ask_a_metric(void **state)
{
    tally__graph      *g = recorded(*state, without_variables, NULL);
    const tally__node *w = node_with(g, TALLY__OP_while);
    assert_int_equal(w->n_arg, 0);
    assert_int_equal(g->region[w->inner[1]].n_yield, 0);
    assert_int_equal(count_ops(g, TALLY__OP_read_cell), 1);
    assert_int_equal(count_ops(g, TALLY__OP_argument), 1);
    assert_int_equal(g->node[g->region[1].list[0]].op, TALLY__OP_argument);
    assert_true(g->slot[g->argument[3].slot].reads && g->slot[g->argument[3].slot].updates);
    tally__graph_drop(g);
}

static void nested(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 1), i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 3), o = tally_arg_metric(t, 4);
    (void)user;
    times = 0;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i) {
        tally_node j = tally_i64(t, 0), row = tally_at(x, i);
        TALLY_WHILE(t, tally_lt(j, tally_dim(x, 1)), &j) {
            times++;
            TALLY_IF(t, tally_gt(tally_at(row, j), tally_num(0))) {
                add_to(t, m, tally_at(row, j));
            } else {
                TALLY_IF(t, tally_lt(tally_at(row, j), tally_num(-1))) { tally__reset(t, o, HERE); }
            }
            j = one_more(j);
        }
        i = one_more(i);
    }
}

static void loops_and_branches_nest_with_effects(void **state)
{
    tally__graph *g = recorded(*state, nested, NULL);
    assert_int_equal(times, 4);
    assert_int_equal(count_ops(g, TALLY__OP_while), 2);
    assert_int_equal(count_ops(g, TALLY__OP_if), 2);
    assert_int_equal(count_ops(g, TALLY__OP_accumulate), 1);
    assert_int_equal(count_ops(g, TALLY__OP_reset), 1);
    assert_int_equal(g->n_region, 10);
    assert_true(g->slot[g->argument[4].slot].overwrites);
    assert_false(g->slot[g->argument[4].slot].updates);
    tally__graph_drop(g);
}

static void number_inside(tally_trace *t, void *user)
{
    tally_node top = tally_f32(t, 1);
    (void)user;
    TALLY_WHILE(t, tally_gt(top, tally_num(0)), &top) { top = tally_num(0.1); }
    tally_return(t, top);
}

static void a_number_becomes_a_constant_of_the_variables_dtype(void **state)
{
    tally__graph      *g = recorded(*state, number_inside, NULL);
    const tally__node *w = node_with(g, TALLY__OP_while);
    const tally__node *y = &g->node[g->region[w->inner[1]].yield[0]];
    assert_int_equal(y->op, TALLY__OP_constant);
    assert_int_equal(y->dtype, TALLY_F32);
    assert_bits_f64(y->constant.real, (double)0.1f);
    tally__graph_drop(g);
}

static void shrinks(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0);
    (void)user;
    times = 0;
    TALLY_WHILE(t, tally_gt(tally_dim(x, 0), tally_num(1)), &x) {
        x = tally_slice(x, 0, tally_i64(t, 1), tally_dim(x, 0));
        times++;
    }
    tally_return(t, x);
}

static void a_size_that_changes_is_known_when_the_loop_runs(void **state)
{
    tally__graph        *g = recorded(*state, shrinks, NULL);
    const tally__node   *w = node_with(g, TALLY__OP_while);
    const tally__node   *p = &g->node[g->region[w->inner[1]].param[0]], *c = &g->node[g->region[w->inner[0]].param[0]];
    const tally__node   *r = &g->node[g->out[0].node];
    assert_int_equal(times, 3);
    assert_int_equal(g->size[p->dim[0]].kind, TALLY__SIZE_RUN);
    assert_int_equal(g->size[p->dim[0]].index, g->region[w->inner[1]].param[0]);
    assert_int_equal(g->size[c->dim[0]].kind, TALLY__SIZE_RUN);
    assert_int_equal(g->size[r->dim[0]].kind, TALLY__SIZE_RUN);
    assert_int_equal(g->size[r->dim[0]].index, g->out[0].node);
    assert_int_equal(g->size[g->node[w->arg[0]].dim[0]].kind, TALLY__SIZE_INPUT);
    tally__graph_drop(g);
}

static void chain(tally_trace *t, void *user)
{
    tally_node a = tally_arg(t, 0), b = a, i = tally_i64(t, 0);
    (void)user;
    times = 0;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &a, &b, &i) {
        b = a;
        a = tally_slice(a, 0, tally_i64(t, 1), tally_dim(a, 0));
        i = one_more(i);
        times++;
    }
    tally_return(t, b);
}

static void sizes_that_change_through_each_other_are_found_one_by_one(void **state)
{
    tally__graph      *g = recorded(*state, chain, NULL);
    const tally__node *r = &g->node[g->out[0].node];
    assert_int_equal(times, 4);
    assert_int_equal(g->size[r->dim[0]].kind, TALLY__SIZE_RUN);
    tally__graph_drop(g);
}

static void keeps_size(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), y = tally_zeros_like(x), m = tally_column(tally_arg(t, 1), 0), i = tally_i64(t, 0);
    (void)user;
    times = 0;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &y, &i) {
        y = tally_add(y, m);
        i = one_more(i);
        times++;
    }
    tally_return(t, tally_add(y, m));
}

static void a_size_that_is_proven_equal_stays(void **state)
{
    tally__graph      *g = recorded(*state, keeps_size, NULL);
    const tally__node *r = &g->node[g->node[g->out[0].node].arg[0]];
    assert_int_equal(times, 2);
    assert_int_equal(r->op, TALLY__OP_result);
    assert_int_equal(g->size[r->dim[0]].kind, TALLY__SIZE_INPUT);
    /* what was learnt in the loop holds only there: the add after it notes the equality again */
    assert_int_equal(g->n_equality, 2);
    tally__graph_drop(g);
}

static void limits(tally_trace *t, void *user)
{
    tally_while_options o = TALLY_WHILE_OPTIONS_INIT;
    tally_node          i = tally_i64(t, 0), *list[] = { &i, NULL };
    o.max_iterations = *(int *)user;
    o.limit_is_error = 1;
    at = __LINE__; tally_scope s = tally_while_begin(t, list, &o, __FILE__, __LINE__);
    while (tally_while_test(&s, tally_lt(i, tally_num(3)), __FILE__, __LINE__)) {
        i = one_more(i);
        tally_while_end(&s, __FILE__, __LINE__);
    }
}

static void a_limit_stands_in_the_graph_and_one_below_minus_one_is_an_error(void **state)
{
    int           n = 7;
    tally__graph *g = recorded(*state, limits, &n);
    assert_int_equal(node_with(g, TALLY__OP_while)->limit, 7);
    assert_true(node_with(g, TALLY__OP_while)->limit_is_error);
    tally__graph_drop(g);
    n = 0;
    g = recorded(*state, limits, &n);
    assert_int_equal(node_with(g, TALLY__OP_while)->limit, 0);
    tally__graph_drop(g);
    n = -2;
    tally_error e = refused(*state, limits, &n);
    assert_error_at(&e, "while: options", at);
}

/* ---- the condition that is evaluated once too often */
static void costly_condition(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 3);
    (void)user;
    TALLY_WHILE(t, (add_to(t, m, tally_f64(t, 1)), tally_lt(i, tally_num(3))), &i) { i = one_more(i); }
    tally_return(t, i);
}

static void what_the_last_test_records_is_dropped(void **state)
{
    tally__graph *g = recorded(*state, costly_condition, NULL);
    assert_int_equal(count_ops(g, TALLY__OP_accumulate), 1);
    assert_int_equal(g->node[g->region[1].list[g->region[1].n_list - 1]].op, TALLY__OP_result);
    tally__graph_drop(g);
}

static int conditions;

static tally_node fails_the_third_time(tally_node i)
{
    return ++conditions == 3 ? tally_lt(i, tally_arg(i.trace, 1000)) : tally_lt(i, tally_num(3));
}

static void odd_condition(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    conditions = 0;
    TALLY_WHILE(t, fails_the_third_time(i), &i) { i = one_more(i); }
    tally_return(t, one_more(i));
}

static void an_error_of_the_last_test_is_dropped_too(void **state)
{
    tally__graph *g = recorded(*state, odd_condition, NULL);
    assert_int_equal(conditions, 3);
    tally__graph_drop(g);
}

/* ---- loops that do not */
static void bad_condition(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), i = tally_i64(t, 0);
    int        which = *(int *)user;
    at = __LINE__; TALLY_WHILE(t, which == 0 ? tally_lt(x, tally_num(0)) : which == 1 ? i : tally_num(1), &i) { i = one_more(i); }
}

static void a_condition_is_bool_of_rank_0(void **state)
{
    int         which = 0;
    tally_error e = refused(*state, bad_condition, &which);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "while: condition, expected bool of rank 0, found bool of rank 1");
    assert_error_at(&e, "", at);
    which = 1;
    e = refused(*state, bad_condition, &which);
    assert_error_at(&e, "found int64 of rank 0", at);
    which = 2;
    e = refused(*state, bad_condition, &which);
    assert_error_at(&e, "found a number", at);
}

static void changes_dtype(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0), v = tally_f32(t, 0);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i, &v) {
        i = one_more(i);
        at = __LINE__; v = tally_cast(v, TALLY_F64);
    }
}

static void changes_rank(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0), v = tally_f32(t, 0);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i, &v) {
        i = one_more(i);
        at = __LINE__; v = tally_add(v, tally_arg(t, 0));
    }
}

static void a_variable_that_changes_its_type_names_both_lines_and_types(void **state)
{
    tally_error e = refused(*state, changes_dtype, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "while: variable 1, expected float32 of rank 0, found float64 of rank 0");
    assert_error_at(&e, "", opened);
    assert_error_at(&e, "", at);
    e = refused(*state, changes_rank, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "expected float32 of rank 0, found float32 of rank 1");
    assert_error_at(&e, "", opened);
    assert_error_at(&e, "", at);
}

static void starts_with(tally_trace *t, void *user)
{
    tally_node i = *(tally_node *)user;
    at = __LINE__; TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) { i = one_more(i); }
}

static void a_variable_starts_with_a_value_that_has_a_dtype(void **state)
{
    tally_node  number = tally_num(0), absent = ABSENT;
    tally_error e = refused(*state, starts_with, &number);
    assert_error_at(&e, "while: variable 0, expected a value with a dtype", at);
    e = refused(*state, starts_with, &absent);
    assert_error_at(&e, "while: argument 0, expected a node of this body, found an absent one", at);
}

static void becomes_absent(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    at = __LINE__; TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) { i = ABSENT; }
}

static void a_variable_that_becomes_absent_is_an_error(void **state)
{
    tally_error e = refused(*state, becomes_absent, NULL);
    assert_error_at(&e, "found an absent one", at);
}

static void unlisted_inner(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0), sum = tally_f32(t, 0), x = tally_arg(t, 0);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        at = __LINE__; sum = tally_add(sum, tally_at(x, i));
        i = one_more(i);
    }
}

static void unlisted_outer(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0), now = tally_f32(t, 1), later = tally_f32(t, 2);
    tally_metric_ref m = tally_arg_metric(t, 3);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        at = __LINE__; tally__accumulate(t, m, 0, now, ABSENT, ABSENT, HERE);
        now = later;
        i = one_more(i);
    }
}

static void escapes(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0), last = tally_f32(t, 0), x = tally_arg(t, 0);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        last = tally_at(x, i);
        i = one_more(i);
    }
    at = __LINE__; tally_return(t, tally_neg(last));
}

static void a_variable_carried_without_being_listed_is_found_at_the_line_that_reads_it(void **state)
{
    tally_error e = refused(*state, unlisted_inner, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "add: argument 0, expected a value of this iteration");
    assert_error_at(&e, "list the variable", at);
    assert_error_at(&e, "", opened);
}

static void a_carried_value_of_outside_is_found_by_the_second_recording(void **state)
{
    tally_error e = refused(*state, unlisted_outer, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "while: body, expected the same in every recording");
    assert_error_at(&e, "", opened);
    assert_error_at(&e, "", at);
}

static void a_value_used_after_the_loop_that_made_it_is_found_at_the_line(void **state)
{
    tally_error e = refused(*state, escapes, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "neg: argument 0");
    assert_error_at(&e, "", opened);
    assert_error_at(&e, "", at);
}

static void counts_in_user(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 3);
    int             *n = user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        if (++*n == 2)
            add_to(t, m, tally_f64(t, 1));
        i = one_more(i);
    }
}

static void other_constant(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0);
    tally_metric_ref m = tally_arg_metric(t, 3);
    int             *n = user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        add_to(t, m, tally_f64(t, ++*n));
        i = one_more(i);
    }
}

static void other_capture(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    float     *v = user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        tally_tensor x = tally_vector(v, 2);
        tally_print(t, "", tally_capture_tensor(t, &x));
        v[1] += 1;
        i = one_more(i);
    }
}

static void a_body_that_does_not_record_the_same_each_time_is_an_error(void **state)
{
    int         n = 0;
    float       v[2] = { 0, 0 };
    tally_error e = refused(*state, counts_in_user, &n);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "depends on more than its arguments");
    assert_error_at(&e, "", opened);
    n = 0;
    e = refused(*state, other_constant, &n);
    assert_error_at(&e, "while: body", opened);
    e = refused(*state, other_capture, v);
    assert_error_at(&e, "while: body", opened);
}

/* ---- ways out that C allows */
static void breaks(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = one_more(i);
        break;
    }
}

static void returns_from(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = one_more(i);
        return;
    }
}

static void jumps(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_IF(t, tally_lt(i, tally_num(3)), &i) {
        i = one_more(i);
        goto out;
    }
out:
    return;
}

static void breaks_inside(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    at = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        opened = __LINE__ + 1;
        TALLY_IF(t, tally_lt(i, tally_num(2))) { break; }
        i = one_more(i);
    }
}

static void break_return_and_goto_out_of_a_scope_name_its_line(void **state)
{
    tally_error e = refused(*state, breaks, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "left by break, return or goto");
    assert_error_at(&e, "while", opened);
    e = refused(*state, returns_from, NULL);
    assert_error_at(&e, "left by break, return or goto", opened);
    e = refused(*state, jumps, NULL);
    assert_error_at(&e, "if: end", opened);
    e = refused(*state, breaks_inside, NULL);
    assert_error_at(&e, "if: end", opened);
    assert_error_at(&e, "", at);
}

static void continues(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = one_more(i);
        if (user == NULL)
            continue;
        i = ABSENT;
    }
    tally_return(t, i);
}

static void continue_is_an_ordinary_end_of_the_body(void **state)
{
    tally__graph_drop(recorded(*state, continues, NULL));
}

static void returns_a_value_inside(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) {
        i = one_more(i);
        at = __LINE__; tally_return(t, i);
    }
}

static void a_return_of_a_value_inside_a_scope_names_both_lines(void **state)
{
    tally_error e = refused(*state, returns_a_value_inside, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "return: place, expected outside of all scopes");
    assert_error_at(&e, "", at);
    assert_error_at(&e, "", opened);
}

static void misuses_scope(tally_trace *t, void *user)
{
    tally_node  i = tally_i64(t, 0), *list[] = { &i, NULL };
    tally_scope s = tally_while_begin(t, list, NULL, __FILE__, __LINE__), copy = s;
    switch (*(int *)user) {
    case 0: at = __LINE__; tally_while_end(&s, __FILE__, __LINE__); break;
    case 1:
        tally_while_test(&s, tally_lt(i, tally_num(1)), __FILE__, __LINE__);
        at = __LINE__; tally_while_test(&s, tally_lt(i, tally_num(1)), __FILE__, __LINE__);
        break;
    case 2: at = __LINE__; tally_if_next(&s, __FILE__, __LINE__); break;
    case 3:
        while (tally_while_test(&s, tally_lt(i, tally_num(1)), __FILE__, __LINE__))
            tally_while_end(&s, __FILE__, __LINE__);
        at = __LINE__; tally_while_end(&copy, __FILE__, __LINE__);
        break;
    default: tally_while_end(NULL, __FILE__, __LINE__);
    }
}

static void scope_calls_out_of_order_are_errors(void **state)
{
    for (int i = 0; i < 4; i++) {
        tally_error e = refused(*state, misuses_scope, &i);
        assert_int_equal(e.status, TALLY_INVALID_ARGUMENT);
        assert_error_at(&e, i == 2 ? "if: scope" : i == 3 ? "while: scope" : "while: order", at);
    }
}

/* ---- branches */
static void chooses(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), y = tally_f32(t, 1), z = y;
    (void)user;
    times = 0;
    TALLY_IF(t, tally_gt(tally_reduce_sum(x), tally_num(0)), &y, &z) {
        y = tally_reduce_max(x);
        times++;
    } else {
        assert_int_equal(tally__node_of(y)->op, TALLY__OP_constant);
        z = tally_num(5);
        times += 10;
    }
    tally_return(t, y);
    tally_return(t, z);
}

static void both_arms_are_recorded_once_from_the_same_start_and_joined(void **state)
{
    tally__graph        *g = recorded(*state, chooses, NULL);
    const tally__node   *n = node_with(g, TALLY__OP_if);
    const tally__region *a = &g->region[n->inner[0]], *b = &g->region[n->inner[1]];
    assert_int_equal(times, 11);
    assert_int_equal(a->n_yield, 2);
    assert_int_equal(g->node[a->yield[0]].op, TALLY__OP_reduce_max);
    assert_int_equal(g->node[a->yield[1]].op, TALLY__OP_constant);
    assert_int_equal(g->node[a->yield[1]].region, 1);
    assert_int_equal(g->node[b->yield[1]].op, TALLY__OP_constant);
    assert_int_equal(g->node[b->yield[1]].dtype, TALLY_F32);
    assert_int_equal(g->node[b->yield[1]].region, n->inner[1]);
    assert_int_equal(g->node[g->out[0].node].op, TALLY__OP_result);
    assert_int_equal(g->node[g->out[1].node].axis, 1);
    tally__graph_drop(g);
}

static void one_armed(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), y = tally_f32(t, 1);
    (void)user;
    TALLY_IF(t, tally_gt(tally_reduce_sum(x), tally_num(0)), &y) { y = tally_reduce_max(x); }
    tally_return(t, y);
}

static void an_if_without_else_keeps_the_old_value_there(void **state)
{
    tally__graph      *g = recorded(*state, one_armed, NULL);
    const tally__node *n = node_with(g, TALLY__OP_if);
    assert_int_equal(g->region[n->inner[1]].n_list, 0);
    assert_int_equal(g->node[g->region[n->inner[1]].yield[0]].op, TALLY__OP_constant);
    tally__graph_drop(g);
}

static void absent_before(tally_trace *t, void *user)
{
    tally_node c = tally_gt(tally_arg(t, 2), tally_num(0)), y = ABSENT, never = ABSENT;
    (void)user;
    TALLY_IF(t, c, &never, &y) { y = tally_f32(t, 1); } else { y = tally_num(2); }
    assert_true(tally__is_absent(never));
    tally_return(t, y);
}

static void a_variable_may_be_absent_before_an_if_that_sets_it(void **state)
{
    tally__graph      *g = recorded(*state, absent_before, NULL);
    const tally__node *n = node_with(g, TALLY__OP_if);
    assert_int_equal(g->region[n->inner[0]].n_yield, 1);
    assert_int_equal(g->node[g->out[0].node].dtype, TALLY_F32);
    tally__graph_drop(g);
}

static void sizes_of_arms(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), y = x, z = x;
    (void)user;
    TALLY_IF(t, tally_gt(tally_arg(t, 2), tally_num(0)), &y, &z) {
        y = tally_slice(x, 0, tally_i64(t, 0), tally_arg(t, 2));
        z = tally_neg(x);
    }
    tally_return(t, y);
    tally_return(t, z);
}

static void sizes_that_differ_between_arms_are_known_when_it_runs(void **state)
{
    tally__graph *g = recorded(*state, sizes_of_arms, NULL);
    assert_int_equal(g->size[g->node[g->out[0].node].dim[0]].kind, TALLY__SIZE_RUN);
    assert_int_equal(g->size[g->node[g->out[1].node].dim[0]].kind, TALLY__SIZE_INPUT);
    tally__graph_drop(g);
}

static int first_line, second_line;

static void arms_differ(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), y = tally_f32(t, 1);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_IF(t, tally_gt(tally_arg(t, 2), tally_num(0)), &y) {
        first_line = __LINE__; y = tally_reduce_max(x);
    } else {
        second_line = __LINE__; y = tally_f64(t, 2);
    }
}

static void arms_differ_in_rank(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), y = tally_f32(t, 1);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_IF(t, tally_gt(tally_arg(t, 2), tally_num(0)), &y) { first_line = __LINE__; y = tally_neg(x); }
    second_line = opened - 3;
}

static void arms_that_disagree_name_both_lines_and_types(void **state)
{
    tally_error e = refused(*state, arms_differ, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "if: variable 0");
    assert_non_null(strstr(e.text, "float32 of rank 0"));
    assert_non_null(strstr(e.text, "float64 of rank 0"));
    assert_error_at(&e, "", opened);
    assert_error_at(&e, "", first_line);
    assert_error_at(&e, "", second_line);
    e = refused(*state, arms_differ_in_rank, NULL);
    assert_non_null(strstr(e.text, "float32 of rank 1"));
    assert_error_at(&e, "", first_line);
    assert_error_at(&e, "", second_line);
}

static void one_arm_sets(tally_trace *t, void *user)
{
    tally_node y = ABSENT;
    (void)user;
    opened = __LINE__ + 1;
    TALLY_IF(t, tally_gt(tally_arg(t, 2), tally_num(0)), &y) { y = tally_f32(t, 1); }
}

static void arms_of_numbers(tally_trace *t, void *user)
{
    tally_node y = ABSENT;
    (void)user;
    opened = __LINE__ + 1;
    TALLY_IF(t, tally_gt(tally_arg(t, 2), tally_num(0)), &y) { y = tally_num(1); } else { y = tally_num(2); }
}

static void a_value_that_one_arm_lacks_or_no_arm_types_is_an_error(void **state)
{
    tally_error e = refused(*state, one_arm_sets, NULL);
    assert_error_at(&e, "if: variable 0, expected a value after both arms, found none after the second", opened);
    e = refused(*state, arms_of_numbers, NULL);
    assert_error_at(&e, "if: variable 0, expected a value with a dtype", opened);
}

static void arm_uses_other(tally_trace *t, void *user)
{
    tally_node y = tally_f32(t, 1);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_IF(t, tally_gt(tally_arg(t, 2), tally_num(0))) {
        y = tally_f32(t, 2);
    } else {
        at = __LINE__; tally_neg(y);
    }
}

static void unlisted_in_arm(tally_trace *t, void *user)
{
    tally_node y = tally_f32(t, 1);
    (void)user;
    opened = __LINE__ + 1;
    TALLY_IF(t, tally_gt(tally_arg(t, 2), tally_num(0))) { y = tally_f32(t, 2); }
    at = __LINE__; tally_return(t, y);
}

static void a_value_of_one_arm_is_not_visible_in_the_other_nor_after(void **state)
{
    tally_error e = refused(*state, arm_uses_other, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "made inside the if opened at");
    assert_error_at(&e, "", opened);
    assert_error_at(&e, "", at);
    e = refused(*state, unlisted_in_arm, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "made inside the if opened at");
    assert_error_at(&e, "", opened);
    assert_error_at(&e, "", at);
}

static void bad_if(tally_trace *t, void *user)
{
    (void)user;
    at = __LINE__; TALLY_IF(t, tally_gt(tally_arg(t, 0), tally_num(0))) { fail(); }
}

static void a_branch_needs_bool_of_rank_0_and_records_nothing_otherwise(void **state)
{
    tally_error e = refused(*state, bad_if, NULL);
    assert_error_at(&e, "if: condition, expected bool of rank 0, found bool of rank 1", at);
}

/* ---- exact values */
static void exact_carried(tally_trace *t, void *user)
{
    tally_metric_ref m = tally_arg_metric(t, 3);
    tally_node       v = tally__read_cell(t, m, 0, HERE);
    (void)user;
    TALLY_IF(t, tally_gt(v, tally_num(0)), &v) { v = tally_num(0); }
    assert_int_equal(tally_node_dtype(v), TALLY_F64);
    tally_return(t, v);
    tally_return(t, tally__read_cell(t, m, 1, HERE));
}

static void an_exact_value_is_rounded_where_it_is_carried_or_returned(void **state)
{
    tally__graph *g = recorded(*state, exact_carried, NULL);
    assert_int_equal(g->node[g->out[0].node].dtype, TALLY_F64);
    assert_int_equal(g->node[g->out[1].node].op, TALLY__OP_cast);
    tally__graph_drop(g);
}

/* ---- callback forms */
static tally_node more(tally_trace *t, const tally_symbol *v, void *user)
{
    (void)t;
    (void)user;
    return tally_lt(v[0].node, tally_num(3));
}

static void next(tally_trace *t, tally_symbol *v, void *user)
{
    (void)user;
    add_to(t, v[1].metric, tally_f64(t, 1));
    v[0].node = one_more(v[0].node);
}

static void swaps_metric(tally_trace *t, tally_symbol *v, void *user)
{
    (void)user;
    v[1].metric = tally_arg_metric(t, 4);
    v[0].node = one_more(v[0].node);
}

static void swaps_kind(tally_trace *t, tally_symbol *v, void *user)
{
    (void)user;
    v[0].metric = tally_arg_metric(t, 4);
    (void)t;
}

static void loops_by_callback(tally_trace *t, void *user)
{
    tally_loop_body *body = user;
    tally_symbol     v[3] = { { .node = tally_i64(t, 0) }, { .metric = tally_arg_metric(t, 3) }, { .variable = tally_arg_variable(t, 5) } };
    at = __LINE__; tally_while_loop(t, more, *body, NULL, v, 3, NULL);
    tally_return(t, v[0].node);
    tally_return_metric(t, v[1].metric);
}

static void a_metric_and_a_variable_may_be_loop_variables(void **state)
{
    tally_loop_body body = next;
    tally__graph   *g = recorded(*state, loops_by_callback, &body);
    assert_int_equal(node_with(g, TALLY__OP_while)->n_arg, 1);
    assert_int_equal(count_ops(g, TALLY__OP_accumulate), 1);
    assert_int_equal(count_ops(g, TALLY__OP_lt), 1);
    assert_int_equal(g->out[1].slot, g->argument[3].slot);
    tally__graph_drop(g);
}

static void a_metric_that_does_not_come_back_as_itself_is_named(void **state)
{
    tally_loop_body body = swaps_metric;
    tally_error     e = refused(*state, loops_by_callback, &body);
    assert_error_at(&e, "while_loop: variable 1, expected metric loss to come back as itself", at);
    assert_int_equal(e.status, TALLY_INVALID_ARGUMENT);
    body = swaps_kind;
    e = refused(*state, loops_by_callback, &body);
    assert_error_at(&e, "while_loop: variable 0", at);
}

static tally_node below_ten(tally_trace *t, const tally_symbol *v, void *user)
{
    (void)v;
    (void)user;
    return tally_lt(tally__read_cell(t, tally_arg_metric(t, 3), 0, HERE), tally_num(10));
}

static void adds_one(tally_trace *t, tally_symbol *v, void *user)
{
    (void)v;
    (void)user;
    add_to(t, tally_arg_metric(t, 3), tally_f64(t, 1));
}

static void adds_two(tally_trace *t, tally_symbol *v, void *user)
{
    (void)v;
    (void)user;
    add_to(t, tally_arg_metric(t, 3), tally_f64(t, 2));
}

static void callbacks_without_variables(tally_trace *t, void *user)
{
    tally_while_options o = TALLY_WHILE_OPTIONS_INIT;
    (void)user;
    o.max_iterations = 4;
    tally_while_loop(t, below_ten, adds_one, NULL, NULL, 0, &o);
    tally_cond(t, below_ten(t, NULL, NULL), adds_one, adds_two, NULL, NULL, 0);
    tally_cond(t, below_ten(t, NULL, NULL), adds_one, NULL, NULL, NULL, 0);
}

static void callbacks_may_carry_nothing(void **state)
{
    tally__graph *g = recorded(*state, callbacks_without_variables, NULL);
    assert_int_equal(node_with(g, TALLY__OP_while)->limit, 4);
    assert_int_equal(count_ops(g, TALLY__OP_if), 2);
    assert_int_equal(count_ops(g, TALLY__OP_accumulate), 4);
    tally__graph_drop(g);
}

static void negates(tally_trace *t, tally_symbol *v, void *user)
{
    (void)t;
    (void)user;
    v[0].node = tally_neg(v[0].node);
}

static void branches_by_callback(tally_trace *t, void *user)
{
    tally_symbol v = { .node = tally_arg(t, 0) };
    (void)user;
    tally_cond(t, tally_gt(tally_arg(t, 2), tally_num(0)), negates, NULL, NULL, &v, 1);
    tally_return(t, v.node);
}

static void cond_joins_as_the_macro_does(void **state)
{
    tally__graph      *g = recorded(*state, branches_by_callback, NULL);
    const tally__node *n = node_with(g, TALLY__OP_if);
    assert_int_equal(g->node[g->region[n->inner[0]].yield[0]].op, TALLY__OP_neg);
    assert_int_equal(g->node[g->region[n->inner[1]].yield[0]].op, TALLY__OP_argument);
    tally__graph_drop(g);
}

static void bad_callbacks(tally_trace *t, void *user)
{
    tally_symbol two = { .node = tally_arg(t, 0), .metric = tally_arg_metric(t, 3) }, none = { .node = ABSENT };
    at = __LINE__ + 2;
    switch (*(int *)user) {
    case 0: tally_while_loop(t, NULL, next, NULL, NULL, 0, NULL); break; case 1: tally_while_loop(t, more, NULL, NULL, NULL, 0, NULL); break; case 2: tally_while_loop(t, more, next, NULL, NULL, 2, NULL); break; case 3: tally_while_loop(t, more, next, NULL, &two, -1, NULL); break; case 4: tally_while_loop(t, more, next, NULL, &two, 1, NULL); break; case 5: tally_cond(t, tally_gt(tally_arg(t, 2), tally_num(0)), adds_one, NULL, NULL, &none, 1); break;
    default: break;
    }
}

static void callbacks_and_lists_are_checked(void **state)
{
    static const char *const part[] = { "while_loop: callback", "while_loop: callback", "while_loop: variables, expected a list, found 2 at NULL",
                                        "while_loop: variables, expected a list, found -1", "while_loop: variable 0, expected one of node",
                                        "cond: variable 0, expected one of node" };
    for (int i = 0; i < 6; i++) {
        tally_error e = refused(*state, bad_callbacks, &i);
        assert_error_at(&e, part[i], at);
        assert_int_equal(e.status, TALLY_INVALID_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_loop_is_recorded_twice_and_kept_once),
        CASE(a_loop_may_carry_nothing_and_ask_a_metric),
        CASE(loops_and_branches_nest_with_effects),
        CASE(a_number_becomes_a_constant_of_the_variables_dtype),
        CASE(a_size_that_changes_is_known_when_the_loop_runs),
        CASE(sizes_that_change_through_each_other_are_found_one_by_one),
        CASE(a_size_that_is_proven_equal_stays),
        CASE(a_limit_stands_in_the_graph_and_one_below_minus_one_is_an_error),
        CASE(what_the_last_test_records_is_dropped),
        CASE(an_error_of_the_last_test_is_dropped_too),
        CASE(a_condition_is_bool_of_rank_0),
        CASE(a_variable_that_changes_its_type_names_both_lines_and_types),
        CASE(a_variable_starts_with_a_value_that_has_a_dtype),
        CASE(a_variable_that_becomes_absent_is_an_error),
        CASE(a_variable_carried_without_being_listed_is_found_at_the_line_that_reads_it),
        CASE(a_carried_value_of_outside_is_found_by_the_second_recording),
        CASE(a_value_used_after_the_loop_that_made_it_is_found_at_the_line),
        CASE(a_body_that_does_not_record_the_same_each_time_is_an_error),
        CASE(break_return_and_goto_out_of_a_scope_name_its_line),
        CASE(continue_is_an_ordinary_end_of_the_body),
        CASE(a_return_of_a_value_inside_a_scope_names_both_lines),
        CASE(scope_calls_out_of_order_are_errors),
        CASE(both_arms_are_recorded_once_from_the_same_start_and_joined),
        CASE(an_if_without_else_keeps_the_old_value_there),
        CASE(a_variable_may_be_absent_before_an_if_that_sets_it),
        CASE(sizes_that_differ_between_arms_are_known_when_it_runs),
        CASE(arms_that_disagree_name_both_lines_and_types),
        CASE(a_value_that_one_arm_lacks_or_no_arm_types_is_an_error),
        CASE(a_value_of_one_arm_is_not_visible_in_the_other_nor_after),
        CASE(a_branch_needs_bool_of_rank_0_and_records_nothing_otherwise),
        CASE(an_exact_value_is_rounded_where_it_is_carried_or_returned),
        CASE(a_metric_and_a_variable_may_be_loop_variables),
        CASE(a_metric_that_does_not_come_back_as_itself_is_named),
        CASE(callbacks_may_carry_nothing),
        CASE(cond_joins_as_the_macro_does),
        CASE(callbacks_and_lists_are_checked),
    };
    return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
