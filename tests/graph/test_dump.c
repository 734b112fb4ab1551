/* Dumps, compared whole. #line gives the bodies a file of their own, so that the texts do not depend on this one. */
#include "recording.h"

#define UPDATE(t, m, cell, v, w, mask) tally__accumulate(t, m, cell, v, w, mask, HERE)

#line 1 "bodies.c"
static void calculate_mean(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    UPDATE(t, mean, 0, x, ABSENT, ABSENT);
    UPDATE(t, mean, 1, tally_ones_like(x), ABSENT, ABSENT);
    tally_return_metric(t, mean);
}

static void nested(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), i = tally_i64(t, 0), top = tally_f32(t, 0);
    tally_metric_ref big = tally_arg_metric(t, 3), all = tally_arg_metric(t, 4);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &top) {
        tally_node v = tally_at(x, i);
        TALLY_IF(t, tally_gt(v, tally_num(10)), &top) {
            UPDATE(t, big, 0, v, ABSENT, ABSENT);
            top = v;
        } else {
            TALLY_IF(t, tally_lt(v, tally_num(0))) { tally__reset(t, big, HERE); }
        }
        UPDATE(t, all, 0, v, ABSENT, ABSENT);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, top);
}

static void train(tally_trace *t, void *user)
{
    tally_node         x = tally_arg(t, 0), m = tally_arg(t, 1);
    tally_variable_ref w = tally_arg_variable(t, 5);
    tally_node         p = tally_sigmoid(tally_matmul(m, tally_read(t, w)));
    tally_node         d = tally_sub(p, x), g = tally_sum(tally_mul(m, tally_expand_dims(d, 1)), 0);
    (void)user;
    tally_assign(t, w, tally_sub(tally_read(t, w), tally_mul(tally_num(0.5), tally_div(g, tally_num(2)))));
    tally_assert(t, tally_not(tally_reduce_any(tally_is_nan(d))), "gradient is a number");
    tally_print(t, "loss", tally_reduce_mean(tally_square(d)));
}

static void weighted(tally_trace *t, void *user)
{
    const double     v[] = { 0.25, 0.5 };
    tally_tensor     at = tally_vector(v, 2);
    tally_node       m = tally_arg(t, 1), x = tally_arg(t, 0);
    tally_metric_ref mean = tally_capture_metric(t, (tally_metric *)user);
    tally_node       hits = tally_ge(tally_column(m, 1), tally_num(0.5));
    UPDATE(t, mean, 0, tally_cast(hits, TALLY_F32), tally_div(x, tally_num(3)), tally_not(tally_is_nan(x)));
    tally_node total = tally__read_cell(t, mean, 0, HERE), count = tally__read_cell(t, mean, 1, HERE);
    tally_return(t, tally_ratio(total, tally_add(count, count)));
    tally_return(t, tally_neg(tally_capture_tensor(t, &at)));
    tally_return(t, tally_slice(tally_neg(tally_sub(x, tally_sub(x, tally_num(1)))), 0, tally_arg(t, 2), tally_i64(t, 7)));
}

static void limited(tally_trace *t, void *user)
{
    tally_while_options o = TALLY_WHILE_OPTIONS_INIT;
    tally_node          i = tally_i64(t, 0), *list[] = { &i, NULL };
    (void)user;
    o.max_iterations = 100;
    o.limit_is_error = 1;
    tally_scope s = tally_while_begin(t, list, &o, TALLY__HERE);
    while (tally_while_test(&s, tally_f64(t, 1).trace ? tally_lt(i, tally_arg(t, 2)) : i, TALLY__HERE)) {
        i = tally_mul(tally_add(i, tally_num(1)), tally_num(2));
        tally_while_end(&s, TALLY__HERE);
    }
}

#line 80 "test_dump.c"
/* ---- what they read like */
static void compare(fixture *f, tally_body body, void *user, const char *want)
{
    char          got[4096];
    tally__text   text = { got, sizeof got, 0 };
    tally__graph *g = recorded(f, body, user);
    tally__graph_dump(g, &text);
    if (strcmp(got, want))
        print_error("got\n%s\nexpected\n%s\n", got, want);
    assert_int_equal(text.n, strlen(want));
    assert_string_equal(got, want);
    tally__graph_drop(g);
}

static void a_mean_is_a_sum_of_its_argument(void **state)
{
    compare(*state, calculate_mean, NULL,
            "f(x0: float32[n], x1: float32 of rank 2, x2: int64 of rank 0, mean: Mean, mean2: Mean, variable: variable, x6: bool of rank 1)\n"
            "  mean.total += sum(x0)                                                 # bodies.c:6\n"
            "  mean.count += sum(ones_like(x0))                                      # bodies.c:7\n"
            "  return mean\n");
}

static void a_loop_with_branches_is_indented(void **state)
{
    compare(*state, nested, NULL,
            "f(x0: float32[n], x1: float32 of rank 2, x2: int64 of rank 0, mean: Mean, mean2: Mean, variable: variable, x6: bool of rank 1)\n"
            "  while (i1 = 0, v2 = 0)                                                # bodies.c:16\n"
            "    test i1 < n\n"
            "    v5: float32 = x0[i1]                                                # bodies.c:17\n"
            "    if v5 > 10                                                          # bodies.c:18\n"
            "      mean.total += v5                                                  # bodies.c:19\n"
            "      give v5\n"
            "    else\n"
            "      if v5 < 0                                                         # bodies.c:22\n"
            "        mean = empty                                                    # bodies.c:22\n"
            "      give v2\n"
            "    v6: float32 = result 0                                              # bodies.c:18\n"
            "    mean2.total += v5                                                   # bodies.c:24\n"
            "    next i1 = i1 + 1, v2 = v6\n"
            "  i7: int64 = result 0                                                  # bodies.c:16\n"
            "  v8: float32 = result 1                                                # bodies.c:16\n"
            "  return v8\n");
}

static void a_training_step_reads_as_mathematics(void **state)
{
    compare(*state, train, NULL,
            "f(x0: float32[n], x1: float32[m, k], x2: int64 of rank 0, mean: Mean, mean2: Mean, variable: variable, x6: bool of rank 1)\n"
            "  v1: float32[p] = variable                                             # bodies.c:34\n"
            "  v2: float32[n] = sigmoid(x1 @ v1) - x0                                # bodies.c:35\n"
            "  v3: float32[p] = variable                                             # bodies.c:37\n"
            "  variable = v3 - 0.5 * (sum(x1 * expand_dims(v2, axis=1), axis=0) / 2) # bodies.c:37\n"
            "  assert not reduce_any(is_nan(v2)) \"gradient is a number\"              # bodies.c:38\n"
            "  print reduce_mean(square(v2)) \"loss\"                                  # bodies.c:39\n"
            "  where k = p                                                           # bodies.c:34\n"
            "  where m = n                                                           # bodies.c:35\n");
}

static void weights_masks_captures_and_thresholds_are_written_out(void **state)
{
    fixture *f = *state;
    compare(f, weighted, f->mean,
            "f(x0: float32[n], x1: float32[m, k], x2: int64, mean: Mean, mean2: Mean, variable: variable, x6: bool of rank 1)\n"
            "  captures mean: Mean\n"
            "  mean.total += sum(x0 / 3 * float32(x1[.., 1] >= 0.5)) where not is_nan(x0) # bodies.c:49\n"
            "  v1: float64 = mean.total                                              # bodies.c:50\n"
            "  v2: float64 = mean.count                                              # bodies.c:50\n"
            "  v3: float64[2] = [0.25, 0.5]                                          # bodies.c:52\n"
            "  where m = n                                                           # bodies.c:49\n"
            "  return ratio(v1, v2 + v2), -v3, slice(-(x0 - (x0 - 1)), x2, 7, axis=0)\n");
}

static void a_limit_is_part_of_the_loop(void **state)
{
    compare(*state, limited, NULL,
            "f(x0: float32 of rank 1, x1: float32 of rank 2, x2: int64, mean: Mean, mean2: Mean, variable: variable, x6: bool of rank 1)\n"
            "  while (i1 = 0) at most 100 times or fail                              # bodies.c:63\n"
            "    test i1 < x2\n"
            "    next i1 = (i1 + 1) * 2\n"
            "  i3: int64 = result 0                                                  # bodies.c:63\n");
}

/* ---- room */
static void a_dump_tells_the_room_it_needs_and_never_writes_past_what_it_got(void **state)
{
    char          whole[4096], part[4096];
    tally__text   text = { whole, sizeof whole, 0 }, none = { NULL, 0, 0 };
    tally__graph *g = recorded(*state, nested, NULL);
    tally__graph_dump(g, &text);
    tally__graph_dump(g, &none);
    assert_int_equal(none.n, text.n);
    for (size_t n = 1; n < text.n; n += 7) {
        memset(part, 'x', sizeof part);
        tally__text some = { part, n, 0 };
        tally__graph_dump(g, &some);
        assert_int_equal(some.n, text.n);
        assert_int_equal(part[n - 1], 0);
        assert_memory_equal(part, whole, n - 1);
        assert_int_equal(part[n], 'x');
    }
    tally__graph_drop(g);
}

static void a_dump_without_memory_says_so(void **state)
{
    fixture      *f = *state;
    char          got[200];
    tally__text   text = { got, sizeof got, 0 };
    tally__graph *g = recorded(f, calculate_mean, NULL);
    f->memory.fail_at = atomic_load(&f->memory.calls) + 1;
    tally__graph_dump(g, &text);
    f->memory.fail_at = 0;
    assert_string_equal(got, "f: no memory for its text\n");
    tally__graph_drop(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_mean_is_a_sum_of_its_argument),
        CASE(a_loop_with_branches_is_indented),
        CASE(a_training_step_reads_as_mathematics),
        CASE(weights_masks_captures_and_thresholds_are_written_out),
        CASE(a_limit_is_part_of_the_loop),
        CASE(a_dump_tells_the_room_it_needs_and_never_writes_past_what_it_got),
        CASE(a_dump_without_memory_says_so),
    };
    return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
