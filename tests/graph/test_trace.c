/* Nodes as values, the sticky first error, operands that may not be used, arguments, captures, constants, returns. */
#include "recording.h"

static int at;      /* the line that an error must name */

/* ---- numbers and poison */
static void a_number_keeps_its_bits_and_is_never_absent(void **state)
{
    const double v[] = { 0.0, -0.0, 1, -1.5, 1e308, 5e-324, INFINITY, -INFINITY };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(v); i++) {
        double     back = 42;
        tally_node n = tally_num(v[i]);
        assert_false(tally__is_absent(n));
        assert_true(tally__is_num(n, &back));
        assert_bits_f64(back, v[i]);
    }
}

static void every_nan_is_a_number_and_no_poison(void **state)
{
    test_rng r = { 7 };
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t bits = UINT64_C(0x7ff0000000000000) | test_next(&r);
        double   v = test_from_bits_f64(bits), back = 0;
        tally_node n = tally_num(v);
        assert_false(tally__is_absent(n));
        assert_true(tally__is_num(n, &back));
        assert_int_equal(back != back, v != v);
    }
    assert_true(tally__is_num(tally_num(test_from_bits_f64(UINT64_C(0x7ff4746fa1c64d91))), NULL));
    assert_true(tally__is_num(tally_num(test_from_bits_f64(UINT64_C(0xfff4b19d2c83e057))), NULL));
}

static void absent_and_poison_are_no_numbers(void **state)
{
    (void)state;
    assert_true(tally__is_absent(ABSENT));
    assert_false(tally__is_num(ABSENT, NULL));
    assert_false(tally__is_num(tally__bad(NULL), NULL));
    assert_false(tally__is_absent(tally__bad(NULL)));
    assert_int_equal(tally_node_dtype(ABSENT), 0);
    assert_int_equal(tally_node_rank(ABSENT), -1);
    assert_int_equal(tally_node_dtype(tally_num(1)), 0);
    assert_int_equal(tally_node_rank(tally_num(1)), 0);
}

/* ---- what a good body leaves */
static void plain_body(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0);
    (void)user;
    assert_int_equal(tally_node_dtype(x), TALLY_F32);
    assert_int_equal(tally_node_rank(x), 1);
    tally_return(t, tally_mul(x, tally_num(2)));
    tally_return_metric(t, tally_arg_metric(t, 3));
}

static void a_body_becomes_a_graph_in_program_order(void **state)
{
    tally__graph *g = recorded(*state, plain_body, NULL);
    assert_int_equal(g->n_node, 4);
    assert_int_equal(g->node[1].op, TALLY__OP_argument);
    assert_int_equal(g->node[2].op, TALLY__OP_constant);
    assert_int_equal(g->node[2].dtype, TALLY_F32);
    assert_int_equal(g->node[3].op, TALLY__OP_mul);
    assert_int_equal(g->n_used, 4);
    assert_int_equal(g->n_out, 2);
    assert_int_equal(g->out[0].kind, TALLY__ARG_TENSOR);
    assert_int_equal(g->out[0].node, 3);
    assert_int_equal(g->out[1].kind, TALLY__ARG_METRIC);
    assert_int_equal(g->out[1].slot, g->argument[3].slot);
    tally__graph_drop(g);
}

static void an_empty_body_is_a_graph_too(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    tally__graph *g = tally__trace_finish(begin(f), &err);
    assert_non_null(g);
    assert_int_equal(g->n_node, 1);
    assert_int_equal(g->n_used, 0);
    tally__graph_drop(g);
}

static void asks_twice(tally_trace *t, void *user)
{
    tally_node a = tally_arg(t, 0), b = tally_arg(t, 0);
    (void)user;
    assert_int_equal(a.id, b.id);
    tally_return(t, tally_add(a, b));
}

static void an_argument_is_one_node_however_often_it_is_asked_for(void **state)
{
    tally__graph *g = recorded(*state, asks_twice, NULL);
    assert_int_equal(count_ops(g, TALLY__OP_argument), 1);
    tally__graph_drop(g);
}

static void a_graph_keeps_its_own_copy_of_names(void **state)
{
    /* the name is read until the recording ends, so it must live that long; afterwards the graph has its own */
    static char   name[] = "kept.c";
    fixture      *f = *state;
    tally_error   err;
    tally_trace  *t = begin(f);
    tally_return(t, tally_neg_loc(tally_arg(t, 0), name, 77));
    tally__graph *g = tally__trace_finish(t, &err);
    assert_non_null(g);
    name[0] = 'X';
    assert_string_equal(g->node[2].place.file, "kept.c");
    assert_int_equal(g->node[2].place.line, 77);
    tally__graph_drop(g);
}

/* ---- misuse of arguments */
static void wrong_kind(tally_trace *t, void *user)
{
    (void)user;
    at = __LINE__; tally_arg(t, 3);
}

static void wrong_kind_metric(tally_trace *t, void *user)
{
    (void)user;
    at = __LINE__; tally_arg_metric(t, 5);
}

static void wrong_kind_variable(tally_trace *t, void *user)
{
    (void)user;
    at = __LINE__; tally_arg_variable(t, 0);
}

static void beyond(tally_trace *t, void *user)
{
    at = __LINE__; tally_arg(t, *(int *)user);
}

static void an_argument_of_another_kind_is_named_with_both_kinds(void **state)
{
    tally_error e = refused(*state, wrong_kind, NULL);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "argument 3, expected a tensor, found a metric");
    assert_error_at(&e, "", at);
    assert_int_equal(e.argument, 3);
    e = refused(*state, wrong_kind_metric, NULL);
    assert_error_at(&e, "argument 5, expected a metric, found a variable", at);
    e = refused(*state, wrong_kind_variable, NULL);
    assert_error_at(&e, "argument 0, expected a variable, found a tensor", at);
}

static void an_argument_beyond_the_call_is_an_error(void **state)
{
    int         i = ARGUMENTS;
    tally_error e = refused(*state, beyond, &i);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "argument 7");
    assert_error_at(&e, "a call with 7 arguments", at);
    i = -1;
    e = refused(*state, beyond, &i);
    assert_error_at(&e, "argument -1", at);
}

/* ---- the first error stays */
static void two_errors(tally_trace *t, void *user)
{
    (void)user;
    at = __LINE__; tally_node bad = tally_arg(t, 3);
    assert_int_equal(tally_node_dtype(bad), 0);
    assert_int_equal(tally_node_rank(bad), -1);
    tally_return(t, tally_add(bad, tally_arg(t, 99)));
    assert_int_equal(tally_node_dtype(tally_arg(t, 0)), 0);
}

static void the_first_error_stays_and_later_calls_do_nothing(void **state)
{
    tally_error e = refused(*state, two_errors, NULL);
    assert_error_at(&e, "argument 3", at);
}

/* ---- operands */
static void foreign(tally_trace *t, void *user)
{
    at = __LINE__; tally_return(t, tally_add(tally_arg(t, 0), *(tally_node *)user));
}

static void a_node_of_a_finished_body_is_an_error_and_its_graph_stays_as_it_was(void **state)
{
    fixture      *f = *state;
    tally_error   err;
    tally_trace  *old = begin(f);
    tally_node    x = tally_neg(tally_arg(old, 0));
    tally_return(old, x);
    tally__graph *g = tally__trace_finish(old, &err);
    uint32_t      nodes = g->n_node;
    tally_error   e = refused(f, foreign, &x);
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "add: argument 1, expected a node of this body, found a node of a finished body");
    assert_error_at(&e, "", at);
    assert_int_equal(g->n_node, nodes);
    assert_ok(tally__graph_verify(g, &err), &err);
    assert_int_equal(tally_node_dtype(x), 0);
    tally__graph_drop(g);
}

static void a_node_of_another_live_body_spoils_both(void **state)
{
    fixture     *f = *state;
    tally_error  err;
    tally_trace *outer = begin(f);
    tally_node   x = tally_arg(outer, 0);
    tally_error  e = refused(f, foreign, &x);
    assert_error_at(&e, "add: argument 1, expected a node of this body, found a node of another body", at);
    assert_null(tally__trace_finish(outer, &err));
    assert_error_at(&err, "used in another", at);
}

static void returns_of_foreign(tally_trace *t, void *user)
{
    at = __LINE__; tally_return(t, *(tally_node *)user);
}

static void an_effect_reports_a_value_that_no_live_node_went_into(void **state)
{
    fixture     *f = *state;
    tally_error  err;
    tally_trace *old = begin(f);
    tally_node   stale = tally_arg(old, 0), lost[4];
    tally__graph_drop(tally__trace_finish(old, &err));
    lost[0] = tally_add(tally_num(1), tally_num(2));
    lost[1] = tally_neg(ABSENT);
    lost[2] = tally_neg(stale);
    lost[3] = tally_neg(tally_neg(stale));
    for (int i = 0; i < 4; i++) {
        tally_error e = refused(f, returns_of_foreign, &lost[i]);
        assert_error_has(&e, TALLY_INVALID_ARGUMENT, "a value that no live node went into");
        assert_error_at(&e, "", at);
    }
    tally_error e = refused(f, returns_of_foreign, &stale);
    assert_error_at(&e, "a node of a finished body", at);
    e = refused(f, returns_of_foreign, &(tally_node){ NULL, 0, 0 });
    assert_error_at(&e, "an absent one", at);
}

static void made_up(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0);
    (void)user;
    x.id = 12345;
    at = __LINE__; tally_return(t, x);
}

static void a_node_that_was_never_given_out_is_an_error(void **state)
{
    tally_error e = refused(*state, made_up, NULL);
    assert_error_at(&e, "return: argument 0", at);
    assert_int_equal(e.status, TALLY_INVALID_ARGUMENT);
}

/* ---- references */
static void foreign_metric(tally_trace *t, void *user)
{
    at = __LINE__; tally_return_metric(t, *(tally_metric_ref *)user);
}

static void a_reference_of_another_body_absent_or_of_another_kind_is_an_error(void **state)
{
    fixture           *f = *state;
    tally_trace       *old = begin(f);
    tally_metric_ref   m = tally_arg_metric(old, 3), none = { NULL, 0, 0 };
    tally_error        e = refused(f, foreign_metric, &m);
    assert_error_at(&e, "return_metric: metric, expected a reference of this body, found one of another body", at);
    e = refused(f, foreign_metric, &none);
    assert_error_at(&e, "an absent one", at);
    tally_variable_ref v = tally_arg_variable(old, 5);
    tally_metric_ref odd_ref = { v.trace, v.id, v.generation };
    tally_return_metric(old, odd_ref);
    assert_null(tally__trace_finish(old, &e));
    assert_error_has(&e, TALLY_INVALID_ARGUMENT, "never given out");
}

/* ---- captures */
static void captures(tally_trace *t, void *user)
{
    fixture         *f = user;
    tally_metric_ref a = tally_arg_metric(t, 3), b = tally_capture_metric(t, (tally_metric *)(void *)f->mean);
    tally_metric_ref c = tally_capture_metric(t, (tally_metric *)(void *)f->mean);
    assert_int_equal(a.id, b.id);
    assert_int_equal(b.id, c.id);
    tally_capture_variable(t, (tally_variable *)(void *)f->variable);
}

static void a_store_reached_twice_is_one_slot_and_captures_are_retained(void **state)
{
    fixture      *f = *state;
    size_t        before = atomic_load(&f->mean->references);
    tally__graph *g = recorded(f, captures, f);
    int32_t       slot = g->argument[3].slot;
    assert_int_equal(g->n_slot, 3);
    assert_ptr_equal(g->slot[slot].captured, f->mean);
    assert_int_equal(g->slot[slot].argument, 3);
    assert_int_equal(atomic_load(&f->mean->references), before + 1);
    assert_ptr_equal(g->slot[g->argument[5].slot].captured, f->variable);
    assert_null(g->slot[g->argument[4].slot].captured);
    assert_ptr_equal(g->slot[g->argument[4].slot].schema, f->other->schema);
    tally__graph_drop(g);
    assert_int_equal(atomic_load(&f->mean->references), before);
}

static void the_same_store_as_two_arguments_is_one_slot(void **state)
{
    fixture      *f = *state;
    f->store[4] = f->mean;
    tally__graph *g = recorded(f, plain_body, NULL);
    assert_int_equal(g->argument[3].slot, g->argument[4].slot);
    assert_int_equal(g->slot[g->argument[3].slot].argument, 3);
    tally__graph_drop(g);
}

static void captures_null(tally_trace *t, void *user)
{
    (void)user;
    at = __LINE__; tally_capture_metric(t, NULL);
}

static void captures_null_tensor(tally_trace *t, void *user)
{
    (void)user;
    at = __LINE__; tally_capture_tensor(t, NULL);
}

static void captures_bad_tensor(tally_trace *t, void *user)
{
    float        v = 1;
    tally_tensor x = tally_vector(&v, 1);
    (void)user;
    x.rank = 9;
    at = __LINE__; tally_capture_tensor(t, &x);
}

static void a_capture_of_nothing_is_an_error(void **state)
{
    tally_error e = refused(*state, captures_null, NULL);
    assert_error_at(&e, "capture_metric: handle, expected one, found NULL", at);
    e = refused(*state, captures_null_tensor, NULL);
    assert_error_at(&e, "capture_tensor", at);
    e = refused(*state, captures_bad_tensor, NULL);
    assert_error_at(&e, "capture_tensor", at);
}

static void captures_tensor(tally_trace *t, void *user)
{
    float        v[6] = { 1, 2, 3, 4, 5, 6 };
    tally_tensor x = tally_strided(v, 3, 2);
    (void)user;
    tally_return(t, tally_capture_tensor(t, &x));
    memset(v, 0, sizeof v);
}

static void a_captured_tensor_is_copied_dense_with_fixed_sizes(void **state)
{
    tally__graph      *g = recorded(*state, captures_tensor, NULL);
    const tally__node *n = &g->node[g->out[0].node];
    const float        want[] = { 1, 3, 5 };
    assert_int_equal(n->op, TALLY__OP_captured);
    assert_int_equal(g->size[n->dim[0]].kind, TALLY__SIZE_FIXED);
    assert_int_equal(g->size[n->dim[0]].value, 3);
    assert_memory_equal(n->data, want, sizeof want);
    tally__graph_drop(g);
}

/* ---- constants */
static void constants(tally_trace *t, void *user)
{
    (void)user;
    tally_return(t, tally_i64(t, INT64_MIN));
    tally_return(t, tally_f32(t, 0.1f));
    tally_return(t, tally_f64(t, 0.1));
    tally_return(t, tally__constant_f64(t, TALLY_F16, 0.1, HERE));
    tally_return(t, tally__constant_f64(t, TALLY_U64, 0x1p63, HERE));
    tally_return(t, tally__constant_i64(t, TALLY_BOOL, 1, HERE));
    tally_return(t, tally_num(2.5));
}

static void constants_hold_the_value_of_their_dtype(void **state)
{
    tally__graph *g = recorded(*state, constants, NULL);
    const tally__node *n[7];
    for (int i = 0; i < 7; i++)
        n[i] = &g->node[g->out[i].node];
    assert_true(n[0]->constant.integer == INT64_MIN);
    assert_bits_f64(n[1]->constant.real, (double)0.1f);
    assert_bits_f64(n[2]->constant.real, 0.1);
    assert_bits_f64(n[3]->constant.real, 0x1.998p-4);
    assert_true(n[4]->constant.natural == UINT64_C(1) << 63);
    assert_int_equal(n[5]->constant.integer, 1);
    assert_int_equal(n[6]->dtype, TALLY_F64);
    tally__graph_drop(g);
}

typedef struct odd_constant {
    int32_t dtype;
    double  v;
} odd_constant;

static void odd(tally_trace *t, void *user)
{
    const odd_constant *c = user;
    at = __LINE__; tally__constant_f64(t, c->dtype, c->v, HERE);
}

static void a_constant_that_its_dtype_cannot_hold_is_an_error(void **state)
{
    odd_constant c[] = { { TALLY_I64, 0.5 }, { TALLY_I64, 0x1p63 }, { TALLY_U64, 0x1p64 }, { TALLY_U8, -1 }, { TALLY_I8, 128 },
                         { TALLY_BOOL, 2 }, { TALLY_I32, NAN } };
    for (size_t i = 0; i < TALLY__COUNT(c); i++) {
        tally_error e = refused(*state, odd, &c[i]);
        assert_error_at(&e, "num: value, expected one that", at);
    }
}

/* ---- sizes */
static void same_sizes(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), m = tally_column(tally_arg(t, 1), 0);
    (void)user;
    tally_node a = tally_add(x, m), b = tally_mul(a, m), c = tally_sub(x, b);
    tally_return(t, c);
}

static void sizes_that_met_are_noted_once(void **state)
{
    tally__graph *g = recorded(*state, same_sizes, NULL);
    assert_int_equal(g->n_equality, 1);
    assert_int_equal(g->node[g->equality[0].node].op, TALLY__OP_add);
    tally__graph_drop(g);
}

static void fixed_sizes_differ(tally_trace *t, void *user)
{
    float        v[4] = { 0 };
    tally_tensor three = tally_vector(v, 3), four = tally_vector(v, 4);
    tally_node   x = tally_arg(t, 0);
    (void)user;
    tally_add(x, tally_capture_tensor(t, &three));
    at = __LINE__; tally_add(x, tally_capture_tensor(t, &four));
}

static void two_fixed_sizes_that_meet_through_a_third_are_an_error(void **state)
{
    tally_error e = refused(*state, fixed_sizes_differ, NULL);
    assert_error_at(&e, "add: size", at);
    assert_non_null(strstr(e.text, "3"));
    assert_non_null(strstr(e.text, "4"));
}

/* ---- life */
static void a_trace_that_never_finishes_leaves_nothing(void **state)
{
    tally_trace *t = begin(*state);
    tally_node   i = tally_i64(t, 0);
    tally_node  *list[] = { &i, NULL };
    tally_while_begin(t, list, NULL, __FILE__, __LINE__);
    captures(t, *state);
}

static void finishing_twice_is_an_error(void **state)
{
    tally_error  err;
    tally_trace *t = begin(*state);
    tally__graph_drop(tally__trace_finish(t, &err));
    assert_null(tally__trace_finish(t, &err));
    assert_int_equal(err.status, TALLY_INVALID_ARGUMENT);
    tally_return(t, tally_arg(t, 0));
    tally_assert(t, ABSENT, "x");
    tally__trace_drop(NULL);
    tally__graph_drop(NULL);
}

static void calls_without_a_trace_do_nothing(void **state)
{
    tally_node  i = ABSENT;
    tally_node *list[] = { &i, NULL };
    (void)state;
    assert_int_equal(tally_node_dtype(tally_arg(NULL, 0)), 0);
    tally_return(NULL, tally_i64(NULL, 3));
    tally_return_metric(NULL, tally_arg_metric(NULL, 0));
    tally_print(NULL, "x", i);
    tally_assign(NULL, tally_arg_variable(NULL, 0), i);
    tally_scope s = tally_while_begin(NULL, list, NULL, __FILE__, __LINE__);
    assert_int_equal(tally_while_test(&s, i, __FILE__, __LINE__), 0);
    tally_while_end(&s, __FILE__, __LINE__);
    s = tally_if_begin(NULL, i, list, __FILE__, __LINE__);
    assert_int_equal(tally_if_next(&s, __FILE__, __LINE__), 0);
    tally_inline(NULL, plain_body, NULL, NULL, 0, NULL, 0);
}

/* ---- memory */
static void large_body(tally_trace *t, void *user)
{
    fixture   *f = user;
    tally_node x = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref m = tally_capture_metric(t, (tally_metric *)(void *)f->mean);
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &x) {
        TALLY_IF(t, tally_gt(tally_at(x, i), tally_num(0)), &x) { x = tally_slice(x, 0, i, tally_dim(x, 0)); }
        tally__accumulate(t, m, 0, tally_at(x, i), ABSENT, ABSENT, HERE);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, x);
}

static void every_refused_allocation_is_a_status_and_leaves_nothing(void **state)
{
    fixture *f = *state;
    size_t   refused_so_far = 0;
    for (size_t k = 1;; k++) {
        size_t      bytes = tally_context_bytes(f->context), calls = atomic_load(&f->memory.calls);
        tally_error err = { 0 };
        f->memory.fail_at = calls + k;
        tally_trace  *t = tally__trace_new(f->context, "f", f->in, f->store, ARGUMENTS, &err);
        tally__graph *g = NULL;
        if (t) {
            large_body(t, f);
            g = tally__trace_finish(t, &err);
        }
        f->memory.fail_at = 0;
        bool reached = atomic_load(&f->memory.calls) >= calls + k;
        tally__graph_drop(g);
        tally__trace_drop(t);
        assert_int_equal(tally_context_bytes(f->context), bytes);
        if (!reached) {
            assert_non_null(g);
            break;
        }
        if (!g)
            assert_int_equal(err.status, TALLY_RESOURCE_EXHAUSTED);
        refused_so_far += !g;
    }
    assert_true(refused_so_far > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_number_keeps_its_bits_and_is_never_absent),
        CASE(every_nan_is_a_number_and_no_poison),
        CASE(absent_and_poison_are_no_numbers),
        CASE(a_body_becomes_a_graph_in_program_order),
        CASE(an_empty_body_is_a_graph_too),
        CASE(an_argument_is_one_node_however_often_it_is_asked_for),
        CASE(a_graph_keeps_its_own_copy_of_names),
        CASE(an_argument_of_another_kind_is_named_with_both_kinds),
        CASE(an_argument_beyond_the_call_is_an_error),
        CASE(the_first_error_stays_and_later_calls_do_nothing),
        CASE(a_node_of_a_finished_body_is_an_error_and_its_graph_stays_as_it_was),
        CASE(a_node_of_another_live_body_spoils_both),
        CASE(an_effect_reports_a_value_that_no_live_node_went_into),
        CASE(a_node_that_was_never_given_out_is_an_error),
        CASE(a_reference_of_another_body_absent_or_of_another_kind_is_an_error),
        CASE(a_store_reached_twice_is_one_slot_and_captures_are_retained),
        CASE(the_same_store_as_two_arguments_is_one_slot),
        CASE(a_capture_of_nothing_is_an_error),
        CASE(a_captured_tensor_is_copied_dense_with_fixed_sizes),
        CASE(constants_hold_the_value_of_their_dtype),
        CASE(a_constant_that_its_dtype_cannot_hold_is_an_error),
        CASE(sizes_that_met_are_noted_once),
        CASE(two_fixed_sizes_that_meet_through_a_third_are_an_error),
        CASE(a_trace_that_never_finishes_leaves_nothing),
        CASE(finishing_twice_is_an_error),
        CASE(calls_without_a_trace_do_nothing),
        CASE(every_refused_allocation_is_a_status_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
