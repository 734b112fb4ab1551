/* Sharing, counted: metrics updated on the same tensors in one function compare once per distinct threshold and read each
 * input once; metrics whose configurations differ share what is equal and no more. Counts are of the plan's graph. */
#include "../graph/recording.h"

#include <tally/metrics.h>

#include "../../src/function/function.h"

enum { METRICS_MOST = 5, ROWS = 4 };

static void update_all(tally_trace *t, void *user)
{
    tally_node labels = tally_arg(t, 0), scores = tally_arg(t, 1);
    for (int i = 0; i < *(const int *)user; i++) {
        tally_metric_ref m = tally_arg_metric(t, 2 + i);
        tally_update_state(t, m, labels, scores);
    }
}

typedef struct counts {
    uint32_t gt, ne, eq_bool, and, not, floor, nodes, loops, loads, recorded;
} counts;

static void count_steps(const tally__plan *p, counts *n)
{
    for (uint32_t i = 0; i < p->region[1].n_step; i++) {
        const tally__step *s = &p->region[1].step[i];
        if (s->kind == TALLY__STEP_LOOP) {
            n->loops++;
            n->loads += s->n_load;
            assert_int_equal(s->n_keep, 0);
        } else {
            const tally__node *own = &p->graph->node[s->node[0]];
            assert_true(tally__op_table[own->op].form == TALLY__FORM_SOURCE || p->graph->node[own->arg[0]].op == TALLY__OP_captured);
        }
    }
}

/* of a call with these metrics, which are released */
static counts count_all(tally_metric *const *m, int n_m, int rank)
{
    tally_error     err;
    float           y[ROWS] = { 0, 1, 1, 0 }, p[ROWS] = { 0.1f, 0.9f, 0.4f, 0.6f };
    tally_tensor    labels = tally_vector(y, ROWS), scores = tally_vector(p, ROWS);
    tally_value     in[2 + METRICS_MOST];
    tally_function *f = tally_function_new(update_all, &n_m, NULL, &err);
    if (rank == 2)
        labels = tally_matrix(y, ROWS, 1), scores = tally_matrix(p, ROWS, 1);
    in[0] = tally__in_tensor(&labels);
    in[1] = tally__in_tensor(&scores);
    for (int i = 0; i < n_m; i++)
        in[2 + i] = tally__in_metric(m[i]);
    assert_ok(tally_call(f, in, 2 + n_m, TALLY_NO_OUT, &err), &err);
    const tally__plan  *plan = tally__function_plan(f, 0);
    const tally__graph *g = plan->graph;
    counts              n = { .gt = count_ops(g, TALLY__OP_gt), .ne = count_ops(g, TALLY__OP_ne), .eq_bool = count_ops(g, TALLY__OP_eq_bool),
                              .and = count_ops(g, TALLY__OP_and), .not = count_ops(g, TALLY__OP_not), .floor = count_ops(g, TALLY__OP_floor),
                              .nodes = g->n_node - 1, .recorded = tally__function_graph(f, 0)->n_node - 1 };
    count_steps(plan, &n);
    tally_function_release(f);
    for (int i = 0; i < n_m; i++)
        tally_metric_release(m[i]);
    return n;
}

static counts count_of(tally_metric *a, tally_metric *b, tally_metric *c)
{
    tally_metric *m[] = { a, b, c };
    return count_all(m, 3, 1);
}

static tally_metric *threshold_metric(tally_metric *make(const tally_threshold_options *, tally_error *), const double *at, int n)
{
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    o.thresholds = at;
    o.n_thresholds = n;
    return make(&o, NULL);
}

static void precision_recall_and_accuracy_compare_once_and_read_once(void **state)
{
    (void)state;
    counts n = count_of(tally_precision_new(NULL, NULL), tally_recall_new(NULL, NULL), tally_binary_accuracy_new(NULL, NULL));
    print_message("%u nodes recorded, %u in the plan\n", n.recorded, n.nodes);
    assert_int_equal(n.gt, 1);
    assert_int_equal(n.ne, 1);
    assert_int_equal(n.eq_bool, 1);
    assert_int_equal(n.and, 3);         /* true positives, false positives, false negatives */
    assert_int_equal(n.not, 2);
    assert_int_equal(n.loops, 1);
    assert_int_equal(n.loads, 2);
    assert_true(n.nodes < n.recorded);
}

static void one_metric_twice_costs_its_updates_only(void **state)
{
    (void)state;
    counts one = count_of(tally_precision_new(NULL, NULL), tally_recall_new(NULL, NULL), tally_binary_accuracy_new(NULL, NULL));
    counts two = count_of(tally_precision_new(NULL, NULL), tally_precision_new(NULL, NULL), tally_precision_new(NULL, NULL));
    assert_int_equal(two.gt, 1);
    assert_int_equal(two.ne, 1);
    assert_int_equal(two.and, 2);
    assert_int_equal(two.not, 1);
    assert_true(two.nodes < one.nodes + 2);
}

static void a_comparison_for_each_distinct_threshold(void **state)
{
    static const double low = 0.25, high = 0.75;
    (void)state;
    counts n = count_of(threshold_metric(tally_precision_new, &low, 1), threshold_metric(tally_recall_new, &high, 1),
                        threshold_metric(tally_recall_new, &low, 1));
    assert_int_equal(n.gt, 2);
    assert_int_equal(n.ne, 1);          /* what is a positive does not depend on the threshold */
    assert_int_equal(n.loops, 1);
    assert_int_equal(n.loads, 2);
}

static void equal_lists_of_thresholds_are_one_list(void **state)
{
    static const double list[] = { 0.2, 0.3, 0.9 }, other[] = { 0.2, 0.3, 0.8 };
    (void)state;
    counts same = count_of(threshold_metric(tally_precision_new, list, 3), threshold_metric(tally_recall_new, list, 3), tally_recall_new(NULL, NULL));
    assert_int_equal(same.gt, 2);
    counts apart = count_of(threshold_metric(tally_precision_new, list, 3), threshold_metric(tally_recall_new, other, 3), tally_recall_new(NULL, NULL));
    assert_int_equal(apart.gt, 3);
}

/* of F1 the labels may be soft, so it looks at them itself */
static void five_metrics_of_one_batch_are_one_loop_over_two_inputs(void **state)
{
    (void)state;
    tally_metric *m[] = { tally_precision_new(NULL, NULL), tally_recall_new(NULL, NULL), tally_metric_from_text("F1Score(threshold=0.5)", NULL, NULL),
                          tally_binary_accuracy_new(NULL, NULL), tally_auc_new(NULL, NULL) };
    counts n = count_all(m, 5, 2);
    assert_int_equal(n.gt, 1);
    assert_int_equal(n.ne, 1);
    assert_int_equal(n.eq_bool, 1);
    assert_int_equal(n.floor, 1);
    assert_int_equal(n.loops, 1);
    assert_int_equal(n.loads, 2);
}

static void areas_share_their_bins_and_other_grids_do_not(void **state)
{
    (void)state;
    tally_metric *same[] = { tally_metric_from_text("AUC", NULL, NULL), tally_metric_from_text("AUC(curve='PR')", NULL, NULL),
                             tally_metric_from_text("AUC(summation_method='majoring')", NULL, NULL) };
    tally_metric *apart[] = { tally_metric_from_text("AUC", NULL, NULL), tally_metric_from_text("AUC(num_thresholds=100)", NULL, NULL),
                              tally_metric_from_text("AUC(from_logits=True)", NULL, NULL) };
    counts        one = count_all(same, 3, 1), three = count_all(apart, 3, 1);
    assert_int_equal(one.floor, 1);
    assert_int_equal(one.loads, 2);
    assert_int_equal(three.floor, 3);
    assert_int_equal(three.ne, 1);
    assert_int_equal(three.loops, 1);
    assert_int_equal(three.loads, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precision_recall_and_accuracy_compare_once_and_read_once),
        cmocka_unit_test(one_metric_twice_costs_its_updates_only),
        cmocka_unit_test(a_comparison_for_each_distinct_threshold),
        cmocka_unit_test(equal_lists_of_thresholds_are_one_list),
        cmocka_unit_test(five_metrics_of_one_batch_are_one_loop_over_two_inputs),
        cmocka_unit_test(areas_share_their_bins_and_other_grids_do_not),
    };
    return cmocka_run_group_tests_name("pass/sharing", tests, NULL, NULL);
}
