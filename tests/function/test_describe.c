/* What a function says of itself: arguments, states, what the passes did, the steps with what runs them, the bytes of a call.
 * Three functions compared word for word, with the loops of the baseline, so that the texts are the same on every machine; bytes
 * are held against those of the frame that ran. */
#include "call.h"

#include <tally/metrics.h>

enum { TEXT_ROOM = 1 << 14, ROWS = 20000 };
static char text[TEXT_ROOM];

/* ---- bodies */
static void in_a_loop(tally_trace *t, void *user)
{
    tally_node       data = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 1);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(data, 0)), &i) {
        tally_update_state(t, mean, tally_at(data, i));
        i = tally_add(i, tally_num(1));
    }
    tally_return_metric(t, mean);
}

/* two of three, both on the same comparison; a captured loss of this batch alone; how many batches there were */
static void several_metrics(tally_trace *t, void *user)
{
    tally_node         y = tally_arg(t, 0), p = tally_arg(t, 1);
    tally_metric_ref   loss = tally_capture_metric(t, user);
    tally_variable_ref batches = tally_arg_variable(t, 5);
    tally_update_state(t, tally_arg_metric(t, 2), y, p);
    tally_update_state(t, tally_arg_metric(t, 3), y, p);
    (void)tally_arg_metric(t, 4);
    tally_reset_state(t, loss);
    tally_update_state(t, loss, tally_abs(tally_sub(p, y)));
    tally_assign(t, batches, tally_add(tally_read(t, batches), tally_num(1)));
    tally_return(t, tally_result(t, loss));
}

static void in_a_branch(tally_trace *t, void *user)
{
    tally_node       labels = tally_arg(t, 0), scores = tally_arg(t, 1);
    tally_metric_ref top = tally_arg_metric(t, 2);
    (void)user;
    TALLY_IF(t, tally_reduce_any(tally_is_nan(scores))) {
        tally_print(t, "no numbers", tally_size(scores));
    } else {
        tally_update_state(t, top, labels, scores);
    }
}

static void an_update(tally_trace *t, void *user)
{
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
    tally_update_state(t, tally_arg_metric(t, 2), tally_arg(t, 0));
}

static void an_accuracy(tally_trace *t, void *user)
{
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 2), tally_arg(t, 0), tally_arg(t, 1));
}

/* ---- texts; %zu: the bytes of the frame, and of its slots */
static const char loop_text[] =
    "variable_length: recording 0 of 1\n"
    "arguments\n"
    "  0: x0, tensor, float32 of rank 1\n"
    "  1: mean, metric Mean\n"
    "states\n"
    "  mean.total: sum, updated\n"
    "  mean.count: sum, updated\n"
    "plan\n"
    "  fold: 14 nodes, nothing\n"
    "  cse: 14 nodes, nothing\n"
    "  ranges: 14 nodes, nothing\n"
    "  peephole: 14 nodes, nothing\n"
    "  count: 14 nodes, 1 only count elements\n"
    "  dce: 14 -> 12 nodes, 2 dropped\n"
    "  while (i1 = 0)\n"
    "    b2: bool = i1 < n                                                   # base\n"
    "    test b2\n"
    "    v4: float32 = x0[i1]\n"
    "    mean.total += v4\n"
    "    mean.count += count(v4)\n"
    "    i5: int64 = i1 + 1                                                  # base\n"
    "    next i1 = i5\n"
    "memory\n"
    "  frame: %zu bytes\n";

static const char several_text[] =
    "evaluate: recording 0 of 1\n"
    "arguments\n"
    "  0: x0, tensor, float32 of rank 1\n"
    "  1: x1, tensor, float32 of rank 1\n"
    "  2: binary_accuracy, metric BinaryAccuracy\n"
    "  3: precision, metric Precision\n"
    "  4: auc, metric AUC\n"
    "  5: variable, variable\n"
    "  captured: mean, metric Mean \"loss\"\n"
    "states\n"
    "  binary_accuracy.total: sum, updated\n"
    "  binary_accuracy.count: sum, updated\n"
    "  precision.true_positives: sum, updated\n"
    "  precision.false_positives: sum, updated\n"
    "  auc.histogram: sum[12], not used\n"
    "  variable: tensor int64, read, assigned\n"
    "  mean.total: sum, read, updated, reset\n"
    "  mean.count: sum, read, updated, reset\n"
    "plan\n"
    "  fold: 30 nodes, nothing\n"
    "  cse: 30 -> 28 nodes, 2 shared\n"
    "  ranges: 28 nodes, nothing\n"
    "  peephole: 28 nodes, 1 joined\n"
    "  count: 28 nodes, 2 only count elements\n"
    "  dce: 28 -> 26 nodes, 2 dropped\n"
    "  mean = empty\n"
    "  i9: int64 = variable\n"
    "  i10: int64 = i9 + 1                                                   # base\n"
    "  variable = i10\n"
    "  rows of n load x1, x0\n"
    "    b1: bool[m] = x1 > 0.5                                              # base, slot 0\n"
    "    b2: bool[n] = eq_bool(b1, x0)                                       # base counts\n"
    "    binary_accuracy.total += sum(b2)\n"
    "    binary_accuracy.count += count(b2)\n"
    "    b3: bool[n] = x0 != 0                                               # base, slot 1\n"
    "    b4: bool[n] = b1 and b3                                             # base counts\n"
    "    precision.true_positives += sum(b4)\n"
    "    b5: bool[n] = not b3                                                # base, slot 2\n"
    "    b6: bool[n] = b1 and b5                                             # base counts\n"
    "    precision.false_positives += sum(b6)\n"
    "    v7: float32[n] = x1 - x0                                            # base, slot 0\n"
    "    v8: float32[n] = abs(v7)                                            # base, slot 1\n"
    "    mean.total += sum(v8)\n"
    "    mean.count += count(v8)\n"
    "  v11: float64 = mean.total\n"
    "  v12: float64 = mean.count\n"
    "  v13: float64 = ratio(v11, v12)                                        # reference\n"
    "memory\n"
    "  frame: %zu bytes\n"
    "  slots: %zu bytes\n";

static const char branch_text[] =
    "checked: recording 0 of 1\n"
    "arguments\n"
    "  0: x0, tensor, float32 of rank 2\n"
    "  1: x1, tensor, float32 of rank 2\n"
    "  2: categorical_accuracy, metric CategoricalAccuracy\n"
    "states\n"
    "  categorical_accuracy.total: sum, updated\n"
    "  categorical_accuracy.count: sum, updated\n"
    "plan\n"
    "  fold: 13 nodes, nothing\n"
    "  cse: 13 nodes, nothing\n"
    "  ranges: 13 nodes, nothing\n"
    "  peephole: 13 nodes, nothing\n"
    "  count: 13 nodes, 1 only count elements\n"
    "  dce: 13 -> 12 nodes, 1 dropped\n"
    "  rows of n load x1\n"
    "    b1: bool[m, k] = is_nan(x1)                                         # base, slot 0\n"
    "    b2: bool = reduce_any(b1)                                           # reference\n"
    "  if b2\n"
    "    i3: int64 = size(x1)                                                # reference\n"
    "    print i3 \"no numbers\"\n"
    "  else\n"
    "    rows of n load x0, x1\n"
    "      i4: int64[n] = argmax(x0, axis=1)                                 # base rows, slot 0\n"
    "      i5: int64[m] = argmax(x1, axis=1)                                 # base rows, slot 1\n"
    "      b6: bool[n] = i4 == i5                                            # base counts\n"
    "      categorical_accuracy.total += sum(b6)\n"
    "      categorical_accuracy.count += count(b6)\n"
    "memory\n"
    "  frame: %zu bytes\n"
    "  slots: %zu bytes\n";

static tally_function *tuned(fixture *f, const char *name, tally_body body, void *user)
{
    tally_function *g = make_function(f, name, body, user);
    tally__function_tune(g, TALLY__PASS_ALL, TALLY__ISA_BASE, 1024);
    return g;
}

static void describe(const tally_function *f)
{
    tally_error err;
    size_t      n = tally_function_describe(f, text, sizeof text, &err);
    assert_in_range(n, 1, sizeof text);
    assert_int_equal(n, strlen(text) + 1);
}

/* after a call, whose frame is at home */
static void compare(const tally_function *f, const char *format)
{
    char                want[TEXT_ROOM];
    const tally__frame *fr = atomic_load(&tally__version_at(f, 0)->idle);
    assert_non_null(fr);
    snprintf(want, sizeof want, format, fr->bytes, fr->slots_bytes);
    describe(f);
    if (strcmp(text, want))
        print_error("got\n%s\nexpected\n%s\n", text, want);
    assert_string_equal(text, want);
}

static void a_loop_is_described_with_its_instructions(void **state)
{
    tally_error     err;
    const float     v[3] = { 1, 2, 3 };
    tally_tensor    x = tally_vector(v, 3);
    tally_metric   *mean = tally_mean_new(NULL, &err);
    tally_function *f = tuned(*state, "variable_length", in_a_loop, NULL);
    assert_ok(tally_call(f, TALLY_IN(&x, mean), TALLY_NO_OUT, &err), &err);
    compare(f, loop_text);
    tally_function_release(f);
    tally_metric_release(mean);
}

static void several_metrics_share_loops_and_say_so(void **state)
{
    static float      y[ROWS], p[ROWS];
    tally_error       err;
    const int64_t     none = 0;
    tally_tensor      labels = tally_vector(y, ROWS), scores = tally_vector(p, ROWS), zero = tally_scalar(&none);
    tally_metric     *accuracy = tally_binary_accuracy_new(NULL, &err), *precision = tally_precision_new(NULL, &err);
    tally_metric     *auc = tally_metric_from_text("AUC(num_thresholds=5)", NULL, &err);
    tally_metric     *loss = tally_metric_from_text("Mean(name=\"loss\")", NULL, &err);
    tally_variable   *batches = tally_variable_new(NULL, &zero, &err);
    tally_function   *f = tuned(*state, "evaluate", several_metrics, loss);
    assert_ok(tally_call(f, TALLY_IN(&labels, &scores, accuracy, precision, auc, batches), TALLY_NO_OUT, &err), &err);
    compare(f, several_text);
    tally_function_release(f);
    tally_metric_release(accuracy);
    tally_metric_release(precision);
    tally_metric_release(auc);
    tally_metric_release(loss);
    tally_variable_release(batches);
}

static void a_branch_is_described_with_its_row_kernels(void **state)
{
    static float    y[2 * ROWS], p[2 * ROWS];
    tally_error     err;
    tally_tensor    labels = tally_matrix(y, ROWS, 2), scores = tally_matrix(p, ROWS, 2);
    tally_metric   *top = tally_categorical_accuracy_new(NULL, &err);
    tally_function *f = tuned(*state, "checked", in_a_branch, NULL);
    assert_ok(tally_call(f, TALLY_IN(&labels, &scores, top), TALLY_NO_OUT, &err), &err);
    compare(f, branch_text);
    tally_function_release(f);
    tally_metric_release(top);
}

/* two comparisons in a row are counted sooner by AVX2, also where there is more (kernel/dispatch.c) */
static void the_instruction_set_is_the_one_that_runs(void **state)
{
    tally_error     err;
    const float     v[3] = { 1, 0, 1 };
    tally_tensor    x = tally_vector(v, 3);
    tally_metric   *accuracy = tally_binary_accuracy_new(NULL, &err);
    tally_function *f = make_function(*state, "best", an_accuracy, NULL);
    bool            base = !strcmp(tally__kernels_for(TALLY__ISA_AVX512)->name, "base");
    assert_ok(tally_function_prepare(f, TALLY_IN(&x, &x, accuracy), &err), &err);
    describe(f);
    assert_non_null(strstr(text, "eq_gt("));
    assert_non_null(strstr(text, base ? "# base counts\n" : "# v3 counts\n"));
    tally_function_release(f);
    tally_metric_release(accuracy);
}

/* ---- several recordings, none */
static void every_recording_is_described_the_oldest_first(void **state)
{
    tally_error     err;
    const double    v[4] = { 1, 2, 3, 4 };
    tally_tensor    vector = tally_vector(v, 4), matrix = tally_matrix(v, 2, 2);
    tally_metric   *a = tally_mean_new(NULL, &err), *b = tally_mean_new(NULL, &err);
    tally_function *f = tuned(*state, "two", an_update, NULL);
    describe(f);
    assert_string_equal(text, "two: nothing recorded so far\n");
    assert_ok(tally_call(f, TALLY_IN(&vector, a, b), TALLY_NO_OUT, &err), &err);
    assert_ok(tally_call(f, TALLY_IN(&matrix, a, a), TALLY_NO_OUT, &err), &err);
    describe(f);
    const char *first = strstr(text, "two: recording 0 of 2\narguments\n  0: x0, tensor, float64 of rank 1\n"
                                     "  1: mean, metric Mean\n  2: mean2, metric Mean\nstates\n");
    const char *second = strstr(text, "\n\ntwo: recording 1 of 2\narguments\n  0: x0, tensor, float64 of rank 2\n"
                                      "  1: mean, metric Mean\n  2: mean, metric Mean, the same as argument 1\nstates\n");
    assert_true(first == text && second > first);
    tally_function_release(f);
    tally_metric_release(a);
    tally_metric_release(b);
}

static void node_by_node_there_are_no_steps(void **state)
{
    tally_error     err;
    const double    v[4] = { 1, 2, 3, 4 };
    tally_tensor    x = tally_vector(v, 4);
    tally_metric   *a = tally_mean_new(NULL, &err);
    tally_function *f = make_function(*state, "plain", an_update, NULL);
    tally__function_tune(f, 0, TALLY__ISA_BASE, 1024);
    assert_ok(tally_call(f, TALLY_IN(&x, a, a), TALLY_NO_OUT, &err), &err);
    compare(f, "plain: recording 0 of 1\n"
               "arguments\n"
               "  0: x0, tensor, float64 of rank 1\n"
               "  1: mean, metric Mean\n"
               "  2: mean, metric Mean, the same as argument 1\n"
               "states\n"
               "  mean.total: sum, updated\n"
               "  mean.count: sum, updated\n"
               "memory\n"
               "  frame: %zu bytes\n");
    tally_function_release(f);
    tally_metric_release(a);
}

/* ---- room and errors */
static void it_tells_the_room_it_needs_and_never_writes_past_what_it_got(void **state)
{
    static char     part[TEXT_ROOM];
    tally_error     err;
    const float     v[3] = { 1, 2, 3 };
    tally_tensor    x = tally_vector(v, 3);
    tally_metric   *mean = tally_mean_new(NULL, &err);
    tally_function *f = tuned(*state, "f", in_a_loop, NULL);
    assert_ok(tally_function_prepare(f, TALLY_IN(&x, mean), &err), &err);
    describe(f);
    size_t need = strlen(text) + 1;
    assert_int_equal(tally_function_describe(f, NULL, 0, &err), need);
    for (size_t n = 1; n <= need; n++) {
        memset(part, 'x', need + 1);
        assert_int_equal(tally_function_describe(f, part, n, NULL), need);
        assert_memory_equal(part, text, n - 1);
        assert_true(!part[n - 1] && part[n] == 'x');
    }
    tally_function_release(f);
    tally_metric_release(mean);
}

static void null_is_refused(void **state)
{
    tally_error err;
    (void)state;
    strcpy(text, "before");
    assert_int_equal(tally_function_describe(NULL, text, sizeof text, &err), 0);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "function: expected one, found NULL");
    assert_string_equal(text, "");
    assert_int_equal(tally_function_describe(NULL, NULL, 0, NULL), 0);
}

/* the k-th allocation refused, for all there are: one a recording */
static void memory_that_is_refused_is_said_and_nothing_is_lost(void **state)
{
    fixture        *g = *state;
    tally_error     err;
    const double    v[4] = { 1, 2, 3, 4 };
    tally_tensor    vector = tally_vector(v, 4), matrix = tally_matrix(v, 2, 2);
    tally_metric   *a = tally_mean_new(NULL, &err);
    tally_function *f = tuned(g, "f", an_update, NULL);
    assert_ok(tally_function_prepare(f, TALLY_IN(&vector, a, a), &err), &err);
    assert_ok(tally_function_prepare(f, TALLY_IN(&matrix, a, a), &err), &err);
    size_t blocks = atomic_load(&g->memory.blocks), calls = atomic_load(&g->memory.calls);
    describe(f);
    size_t taken = atomic_load(&g->memory.calls) - calls;
    assert_int_equal(taken, 2);
    for (size_t k = 1; k <= taken; k++) {
        strcpy(text, "before");
        g->memory.fail_at = atomic_load(&g->memory.calls) + k;
        assert_int_equal(tally_function_describe(f, text, sizeof text, &err), 0);
        assert_error_has(&err, TALLY_RESOURCE_EXHAUSTED, "f: no memory for its text");
        assert_string_equal(text, "");
        assert_int_equal(atomic_load(&g->memory.blocks), blocks);
    }
    g->memory.fail_at = 0;
    describe(f);
    assert_int_equal(atomic_load(&g->memory.blocks), blocks);
    tally_function_release(f);
    tally_metric_release(a);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_loop_is_described_with_its_instructions),
        CASE(several_metrics_share_loops_and_say_so),
        CASE(a_branch_is_described_with_its_row_kernels),
        CASE(the_instruction_set_is_the_one_that_runs),
        CASE(every_recording_is_described_the_oldest_first),
        CASE(node_by_node_there_are_no_steps),
        CASE(it_tells_the_room_it_needs_and_never_writes_past_what_it_got),
        CASE(null_is_refused),
        CASE(memory_that_is_refused_is_said_and_nothing_is_lost),
    };
    return cmocka_run_group_tests_name("function/describe", tests, NULL, NULL);
}
