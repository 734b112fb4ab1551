/* The dump of a function: the recording, what each pass did, the steps. The seed's second program, compared whole; the
 * instruction set is the baseline, so that the text is the same on every machine. src/README.md shows the same text. */
#include "../support.h"

#include <tally/metrics.h>

#include "../../src/function/function.h"

#line 1 "batch.c"
static void process_batch(tally_trace *t, void *user)
{
    tally_node       batch = tally_arg(t, 0);
    tally_metric_ref accuracy = tally_arg_metric(t, 1), loss = tally_arg_metric(t, 2);
    tally_node       predictions = tally_column(batch, 0), labels = tally_column(batch, 1);
    (void)user;
    tally_update_state(t, accuracy, labels, predictions);
    tally_update_state(t, loss, tally_reduce_mean(tally_square(tally_sub(predictions, labels))));
    tally_return_metric(t, accuracy);
    tally_return_metric(t, loss);
}
#line 25 "test_plan_dump.c"

static const char expected[] =
    "function(x0: float32[n, m], accuracy: Accuracy, mean: Mean)\n"
    "  v1: float32[n] = x0[.., 0]                                            # batch.c:5\n"
    "  v2: float32[n] = x0[.., 1]                                            # batch.c:5\n"
    "  b3: bool[n] = v2 == v1                                                # batch.c:7\n"
    "  accuracy.total += sum(b3)                                             # batch.c:7\n"
    "  accuracy.count += sum(ones_like(b3))                                  # batch.c:7\n"
    "  v4: float32 = reduce_mean(square(v1 - v2))                            # batch.c:8\n"
    "  mean.total += v4                                                      # batch.c:8\n"
    "  mean.count += ones_like(v4)                                           # batch.c:8\n"
    "  return accuracy, mean\n"
    "plan\n"
    "  fold: 13 nodes, nothing\n"
    "  cse: 13 nodes, nothing\n"
    "  ranges: 13 nodes, nothing\n"
    "  peephole: 13 nodes, nothing\n"
    "  count: 13 nodes, 2 only count elements\n"
    "  dce: 13 -> 11 nodes, 2 dropped\n"
    "  rows of n load x0\n"
    "    v1: float32[n] = x0[.., 0]\n"
    "    v2: float32[n] = x0[.., 1]\n"
    "    b3: bool[n] = v2 == v1                                              # base counts\n"
    "    accuracy.total += sum(b3)\n"
    "    accuracy.count += count(b3)\n"
    "    v4: float32[n] = v1 - v2                                            # base, slot 0\n"
    "    v5: float32[n] = square(v4)                                         # base, slot 1\n"
    "    v6: float32 = reduce_mean(v5)                                       # reference\n"
    "  mean.total += v6\n"
    "  mean.count += count(v6)\n";

static size_t dump_of(unsigned passes, char *text, size_t room)
{
    tally_error     err;
    float           rows[6] = { 1, 1, 0, 1, 0.25f, 0 };
    tally_tensor    x = tally_matrix(rows, 3, 2);
    tally_metric   *accuracy = tally_accuracy_new(NULL, &err), *loss = tally_mean_new(NULL, &err);
    tally_function *f = tally_function_new(process_batch, NULL, NULL, &err);
    tally__function_tune(f, passes, TALLY__ISA_BASE, 1024);
    assert_ok(tally_function_prepare(f, TALLY_IN(&x, accuracy, loss), &err), &err);
    size_t n = tally_function_dump(f, 0, text, room);
    assert_int_equal(tally_function_dump(f, 0, NULL, 0), n);
    tally_function_release(f);
    tally_metric_release(accuracy);
    tally_metric_release(loss);
    return n;
}

static void a_dump_shows_the_recording_the_passes_and_the_steps(void **state)
{
    char text[8192];
    (void)state;
    size_t n = dump_of(TALLY__PASS_ALL, text, sizeof text);
    assert_int_equal(n, strlen(text) + 1);
    assert_string_equal(text, expected);
}

static void the_page_of_the_library_shows_this_dump(void **state)
{
    static char page[1 << 16];
    FILE       *f = fopen(TEST_SOURCE_ROOT "/src/README.md", "r");
    (void)state;
    assert_non_null(f);
    page[fread(page, 1, sizeof page - 1, f)] = 0;
    fclose(f);
    assert_non_null(strstr(page, expected));
}

static void without_a_plan_it_shows_the_recording(void **state)
{
    char text[8192];
    (void)state;
    size_t n = dump_of(0, text, sizeof text);
    assert_int_equal(n, strlen(text) + 1);
    assert_int_equal(strncmp(text, expected, strlen(text)), 0);
    assert_null(strstr(text, "plan"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dump_shows_the_recording_the_passes_and_the_steps),
        cmocka_unit_test(the_page_of_the_library_shows_this_dump),
        cmocka_unit_test(without_a_plan_it_shows_the_recording),
    };
    return cmocka_run_group_tests_name("function/plan_dump", tests, NULL, NULL);
}
