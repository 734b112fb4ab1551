/* Bodies in bodies: arguments and returns mean those of the innermost one; counts, kinds, depth are checked. */
#include "recording.h"

static int at, inner_at;

/* ---- bodies that are inlined */
static void adds(tally_trace *t, void *user)
{
    (void)user;
    tally_return(t, tally_add(tally_arg(t, 0), tally_arg(t, 1)));
}

static void passes_metric(tally_trace *t, void *user)
{
    tally_metric_ref m = tally_arg_metric(t, 0);
    (void)user;
    tally__accumulate(t, m, 0, tally_arg(t, 1), ABSENT, ABSENT, HERE);
    tally_return_metric(t, m);
    tally_return(t, tally_read(t, tally_arg_variable(t, 2)));
}

static void uses(tally_trace *t, void *user)
{
    tally_symbol in[2] = { { .node = tally_arg(t, 0) }, { .node = tally_num(2) } }, out[1];
    (void)user;
    tally_inline(t, adds, NULL, in, 2, out, 1);
    tally_return(t, out[0].node);
    assert_int_equal(tally__trace_arguments(t), ARGUMENTS);
}

static void an_inlined_body_records_what_it_would_record_there(void **state)
{
    tally__graph *g = recorded(*state, uses, NULL);
    assert_int_equal(count_ops(g, TALLY__OP_add), 1);
    assert_int_equal(count_ops(g, TALLY__OP_argument), 1);
    assert_int_equal(g->n_out, 1);
    assert_int_equal(g->n_used, 1);
    tally__graph_drop(g);
}

static void uses_stores(tally_trace *t, void *user)
{
    tally_symbol in[3] = { { .metric = tally_arg_metric(t, 3) }, { .node = tally_arg(t, 0) }, { .variable = tally_arg_variable(t, 5) } };
    tally_symbol out[2];
    (void)user;
    tally_inline(t, passes_metric, NULL, in, 3, out, 2);
    tally_return_metric(t, out[0].metric);
    tally_return(t, out[1].node);
}

static void metrics_and_variables_go_in_and_come_out(void **state)
{
    tally__graph *g = recorded(*state, uses_stores, NULL);
    assert_int_equal(g->out[0].slot, g->argument[3].slot);
    assert_true(g->slot[g->argument[3].slot].updates);
    assert_true(g->slot[g->argument[5].slot].reads);
    tally__graph_drop(g);
}

static void types_seen(tally_trace *t, void *user)
{
    assert_int_equal(tally__trace_arguments(t), 3);
    assert_int_equal(tally__trace_argument(t, 0).kind, TALLY__ARG_METRIC);
    assert_int_equal(tally__trace_argument(t, 1).kind, TALLY__ARG_TENSOR);
    assert_int_equal(tally__trace_argument(t, 1).dtype, TALLY_F32);
    assert_int_equal(tally__trace_argument(t, 2).kind, TALLY__ARG_VARIABLE);
    passes_metric(t, user);
}

static void types_asked(tally_trace *t, void *user)
{
    tally_symbol in[3] = { { .metric = tally_arg_metric(t, 3) }, { .node = tally_arg(t, 0) }, { .variable = tally_arg_variable(t, 5) } };
    tally_symbol out[2];
    (void)user;
    tally_inline(t, types_seen, NULL, in, 3, out, 2);
}

static void the_types_of_arguments_are_those_of_the_innermost_body(void **state)
{
    tally__graph_drop(recorded(*state, types_asked, NULL));
}

static void in_a_loop(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0), s = tally_f32(t, 0), x = tally_arg(t, 0);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &s) {
        tally_symbol in[2] = { { .node = s }, { .node = tally_at(x, i) } }, out;
        tally_inline(t, adds, NULL, in, 2, &out, 1);
        s = out.node;
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, s);
}

static void a_body_may_be_inlined_in_a_loop(void **state)
{
    tally__graph *g = recorded(*state, in_a_loop, NULL);
    assert_int_equal(count_ops(g, TALLY__OP_add), 2);
    tally__graph_drop(g);
}

/* ---- misuse */
typedef struct counts {
    int n_in, n_out;
} counts;

static void wrong_counts(tally_trace *t, void *user)
{
    const counts *c = user;
    tally_node    x = tally_arg(t, 0);
    tally_symbol  in[3] = { { .node = x }, { .node = x }, { .node = x } }, out[2] = { { .node = ABSENT } };
    at = __LINE__; tally_inline(t, adds, NULL, in, c->n_in, out, c->n_out);
    assert_int_equal(tally_node_dtype(out[0].node), 0);
}

static void counts_must_be_what_the_body_uses_and_returns(void **state)
{
    counts      c = { 3, 1 };
    tally_error e = refused(*state, wrong_counts, &c);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "inline: arguments, expected 2 as the body uses, found 3");
    assert_error_at(&e, "", at);
    c = (counts){ 2, 2 };
    e = refused(*state, wrong_counts, &c);
    assert_error_at(&e, "inline: returns, expected 1 as the body has, found room for 2", at);
    c = (counts){ 2, 0 };
    e = refused(*state, wrong_counts, &c);
    assert_error_at(&e, "inline: returns, expected 1 as the body has, found room for 0", at);
    c = (counts){ 1, 1 };
    e = refused(*state, wrong_counts, &c);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "arg: argument 1, expected a tensor, found a call with 1 argument");
}

static void wrong_kind(tally_trace *t, void *user)
{
    tally_symbol in[3] = { { .node = tally_arg(t, 0) }, { .node = tally_arg(t, 0) }, { .node = tally_arg(t, 0) } }, out[2];
    (void)user;
    tally_inline(t, passes_metric, NULL, in, 3, out, 2);
}

static void bad_symbol(tally_trace *t, void *user)
{
    tally_symbol in[2] = { { .node = tally_arg(t, 0) }, { .node = ABSENT } }, out[1];
    if (*(int *)user)
        in[1] = (tally_symbol){ .node = tally_arg(t, 0), .metric = tally_arg_metric(t, 3) };
    at = __LINE__; tally_inline(t, adds, NULL, in, 2, out, 1);
}

static void no_lists(tally_trace *t, void *user)
{
    tally_symbol out[1];
    at = __LINE__; tally_inline(t, *(int *)user ? adds : NULL, NULL, NULL, 2, out, 1);
}

static void kinds_and_lists_are_checked(void **state)
{
    int         which = 0;
    tally_error e = refused(*state, wrong_kind, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "arg_metric: argument 0, expected a metric, found a tensor");
    e = refused(*state, bad_symbol, &which);
    assert_error_at(&e, "inline: variable 1, expected one of node, metric and variable, found 0", at);
    assert_int_equal(e.argument, 1);
    e = refused(*state, no_lists, &which);
    assert_error_at(&e, "inline: body, expected a function, found NULL", at);
    which = 1;
    e = refused(*state, bad_symbol, &which);
    assert_error_at(&e, "found 2", at);
    e = refused(*state, no_lists, &which);
    assert_error_at(&e, "inline: lists", at);
}

static void leaves_scope(tally_trace *t, void *user)
{
    tally_node i = tally_i64(t, 0);
    (void)user;
    inner_at = __LINE__; TALLY_WHILE(t, tally_lt(i, tally_num(3)), &i) { return; }
}

static void inlines_leaver(tally_trace *t, void *user)
{
    (void)user;
    at = __LINE__; tally_inline(t, leaves_scope, NULL, NULL, 0, NULL, 0);
}

static void a_scope_that_an_inlined_body_leaves_open_names_both_lines(void **state)
{
    tally_error e = refused(*state, inlines_leaver, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "left by break, return or goto");
    assert_error_at(&e, "", at);
    assert_error_at(&e, "", inner_at);
}

static int depth;

static void recurses(tally_trace *t, void *user)
{
    depth++;
    at = __LINE__; tally_inline(t, recurses, user, NULL, 0, NULL, 0);
}

static void recurses_mutually(tally_trace *t, void *user);

static void half(tally_trace *t, void *user)
{
    inner_at = __LINE__; tally_inline(t, recurses_mutually, user, NULL, 0, NULL, 0);
}

static void recurses_mutually(tally_trace *t, void *user)
{
    at = __LINE__; tally_inline(t, half, user, NULL, 0, NULL, 0);
}

static void recursion_ends_with_the_lines_that_led_there(void **state)
{
    depth = 0;
    tally_error e = refused(*state, recurses, NULL);
    assert_error_has(&e, TALLY_RESOURCE_EXHAUSTED, "inline: depth, expected at most 64");
    assert_error_at(&e, "called at", at);
    assert_int_equal(depth, 65);
    e = refused(*state, recurses_mutually, NULL);
    assert_int_equal(e.status, TALLY_RESOURCE_EXHAUSTED);
    assert_error_at(&e, "", at);
    assert_error_at(&e, "", inner_at);
    tally__graph_drop(recorded(*state, uses, NULL));
}

static void goes_deep(tally_trace *t, void *user)
{
    int *left = user;
    if ((*left)-- > 0)
        tally_inline(t, goes_deep, user, NULL, 0, NULL, 0);
}

static void sixty_four_bodies_in_each_other_are_fine(void **state)
{
    int left = TALLY__INLINE_DEPTH;
    tally__graph_drop(recorded(*state, goes_deep, &left));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_inlined_body_records_what_it_would_record_there),
        CASE(metrics_and_variables_go_in_and_come_out),
        CASE(the_types_of_arguments_are_those_of_the_innermost_body),
        CASE(a_body_may_be_inlined_in_a_loop),
        CASE(counts_must_be_what_the_body_uses_and_returns),
        CASE(kinds_and_lists_are_checked),
        CASE(a_scope_that_an_inlined_body_leaves_open_names_both_lines),
        CASE(recursion_ends_with_the_lines_that_led_there),
        CASE(sixty_four_bodies_in_each_other_are_fine),
    };
    return cmocka_run_group_tests_name("inline", tests, NULL, NULL);
}
