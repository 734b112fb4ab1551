/* The verifier: accepts what the recorder makes, and finds every way in which a graph can be broken, naming the node. */
#include "recording.h"

/* arguments, a loop in which a branch joins a value, effects, returns: something of everything */
static void everything(tally_trace *t, void *user)
{
    tally_node         x = tally_arg(t, 0), i = tally_i64(t, 0), top = tally_f32(t, 0);
    tally_metric_ref   m = tally_arg_metric(t, 3);
    tally_variable_ref w = tally_arg_variable(t, 5);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &top) {
        tally_node v = tally_at(x, i);
        TALLY_IF(t, tally_gt(v, top), &top) { top = v; }
        tally__accumulate(t, m, 0, v, ABSENT, ABSENT, HERE);
        i = tally_add(i, tally_num(1));
    }
    tally_assign(t, w, tally_mul(tally_add(tally_read(t, w), x), top));
    tally_assert(t, tally_gt(top, tally_num(0)), "top");
    tally_return(t, top);
    tally_return_metric(t, m);
}

static tally__id find(const tally__graph *g, tally__op op)
{
    for (tally__id i = 1; i < g->n_node; i++)
        if (g->node[i].op == op)
            return i;
    fail_msg("no %s", tally__op_table[op].name);
    return 0;
}

typedef void breaker(tally__graph *g);
typedef struct breakage {
    const char *what;
    breaker    *breaks;
} breakage;

#define NODE(op) g->node[find(g, TALLY__OP_##op)]
#define INNER(op, i) g->region[NODE(op).inner[i]]

static void unknown_op(tally__graph *g) { NODE(at).op = TALLY__OPS; }
static void no_op(tally__graph *g) { NODE(at).op = TALLY__OP_none; }
static void value_without_dtype(tally__graph *g) { NODE(at).dtype = 0; }
static void effect_with_dtype(tally__graph *g) { NODE(assign).dtype = TALLY_F32; }
static void odd_dtype(tally__graph *g) { NODE(at).dtype = 77; }
static void later_argument(tally__graph *g) { NODE(at).arg[0] = g->n_node - 1; }
static void itself_as_argument(tally__graph *g) { NODE(mul).arg[0] = find(g, TALLY__OP_mul); }
static void absent_argument(tally__graph *g) { NODE(at).arg[0] = 0; }
static void argument_of_inner_region(tally__graph *g) { NODE(mul).arg[0] = find(g, TALLY__OP_at); }
static void argument_without_value(tally__graph *g) { NODE(assert).arg[0] = find(g, TALLY__OP_assign); }
static void wrong_arity(tally__graph *g) { NODE(mul).n_arg = 1; }
static void high_rank(tally__graph *g) { NODE(argument).rank = 7; }
static void unknown_size(tally__graph *g) { NODE(argument).dim[0] = g->n_size; }
static void size_of_later_node(tally__graph *g)
{
    g->size[NODE(argument).dim[0]] = (tally__size){ TALLY__SIZE_RUN, (int32_t)g->n_node, 0, 0, 0 };
}
static void effect_without_slot(tally__graph *g) { NODE(accumulate).slot = -1; }
static void effect_beyond_slots(tally__graph *g) { NODE(assign).slot = g->n_slot; }
static void effect_beyond_cells(tally__graph *g) { NODE(accumulate).cell = 2; }
static void read_of_no_cell(tally__graph *g) { NODE(read_cell).cell = -1; }
static void region_out_of_order(tally__graph *g) { NODE(while).inner[1] = NODE(while).inner[0]; }
static void region_beyond(tally__graph *g) { NODE(if).inner[0] = g->n_region; }
static void region_with_other_parent(tally__graph *g) { INNER(if, 0).parent = 1; }
static void region_with_other_owner(tally__graph *g) { INNER(while, 1).owner = 1; }
static void parameter_missing(tally__graph *g) { INNER(while, 1).n_yield--; }
static void yield_of_other_type(tally__graph *g) { INNER(while, 1).yield[1] = INNER(while, 1).yield[0]; }
static void yield_out_of_sight(tally__graph *g) { INNER(if, 1).yield[0] = find(g, TALLY__OP_mul); }
static void yield_absent(tally__graph *g) { INNER(if, 0).yield[0] = 0; }
static void condition_not_bool(tally__graph *g) { INNER(while, 0).yield[0] = INNER(while, 0).param[0]; }
static void if_not_bool(tally__graph *g) { NODE(if).arg[0] = find(g, TALLY__OP_at); }
static void arms_of_other_type(tally__graph *g) { INNER(if, 0).yield[0] = find(g, TALLY__OP_gt); }
static void result_of_nothing(tally__graph *g) { NODE(result).arg[0] = find(g, TALLY__OP_at); }
static void result_beyond(tally__graph *g) { NODE(result).axis = 5; }
static void result_of_other_type(tally__graph *g) { NODE(result).dtype = TALLY_I64; }
static void node_in_two_places(tally__graph *g) { g->region[1].list[1] = g->region[1].list[0]; }
static void node_of_other_region(tally__graph *g) { NODE(at).region = 1; }
static void list_too_short(tally__graph *g) { g->region[1].n_list--; }
static void node_beyond(tally__graph *g) { g->region[1].list[0] = g->n_node; }
static void return_of_nothing(tally__graph *g) { g->out[0].node = 0; }
static void return_of_inner(tally__graph *g) { g->out[0].node = find(g, TALLY__OP_at); }
static void return_of_no_slot(tally__graph *g) { g->out[1].slot = 99; }
static void return_of_no_kind(tally__graph *g) { g->out[0].kind = 9; }
static void equality_beyond(tally__graph *g) { g->equality[0].a = g->n_size; }

#define BREAKAGE(name) { #name, name }
static const breakage all[] = {
    BREAKAGE(unknown_op), BREAKAGE(no_op), BREAKAGE(value_without_dtype), BREAKAGE(effect_with_dtype), BREAKAGE(odd_dtype),
    BREAKAGE(later_argument), BREAKAGE(itself_as_argument), BREAKAGE(absent_argument), BREAKAGE(argument_of_inner_region),
    BREAKAGE(argument_without_value), BREAKAGE(wrong_arity), BREAKAGE(high_rank), BREAKAGE(unknown_size),
    BREAKAGE(size_of_later_node), BREAKAGE(effect_without_slot), BREAKAGE(effect_beyond_slots), BREAKAGE(effect_beyond_cells),
    BREAKAGE(read_of_no_cell), BREAKAGE(region_out_of_order), BREAKAGE(region_beyond), BREAKAGE(region_with_other_parent),
    BREAKAGE(region_with_other_owner), BREAKAGE(parameter_missing), BREAKAGE(yield_of_other_type), BREAKAGE(yield_out_of_sight),
    BREAKAGE(yield_absent), BREAKAGE(condition_not_bool), BREAKAGE(if_not_bool), BREAKAGE(arms_of_other_type),
    BREAKAGE(result_of_nothing), BREAKAGE(result_beyond), BREAKAGE(result_of_other_type), BREAKAGE(node_in_two_places),
    BREAKAGE(node_of_other_region), BREAKAGE(list_too_short), BREAKAGE(node_beyond), BREAKAGE(return_of_nothing),
    BREAKAGE(return_of_inner), BREAKAGE(return_of_no_slot), BREAKAGE(return_of_no_kind), BREAKAGE(equality_beyond),
};

static void every_broken_graph_is_found(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < TALLY__COUNT(all); i++) {
        tally_error   err = { 0 };
        tally__graph *g = recorded(f, everything, NULL);
        all[i].breaks(g);
        if (tally__graph_verify(g, &err) != TALLY_INTERNAL || !strstr(err.text, "graph: node "))
            fail_msg("%s is not found: \"%s\"", all[i].what, err.text);
        assert_int_equal(err.status, TALLY_INTERNAL);
        tally__graph_drop(g);
        f->n_trace = 0, tally__trace_drop(f->trace[0]);
    }
}

static void a_fault_names_node_and_op_and_the_users_line(void **state)
{
    tally_error   err;
    tally__graph *g = recorded(*state, everything, NULL);
    tally__id     id = find(g, TALLY__OP_mul);
    char          part[40];
    snprintf(part, sizeof part, "node %u (mul)", id);
    wrong_arity(g);
    assert_int_equal(tally__graph_verify(g, &err), TALLY_INTERNAL);
    assert_error_at(&err, part, g->node[id].place.line);
    tally__graph_drop(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_broken_graph_is_found),
        CASE(a_fault_names_node_and_op_and_the_users_line),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
