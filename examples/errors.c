/* What goes wrong says where and what, and changes nothing. */
#include <stdio.h>
#include <tally/tally.h>

static void checked(tally_trace *t, void *user)                   /* (x[n], mean) */
{
    (void)user;
    tally_node x = tally_arg(t, 0);
    tally_update_state(t, tally_arg_metric(t, 1), x);
    tally_assert(t, tally_reduce_all(tally_ge(x, tally_num(0))), "values must not be negative");
}

static void mixed(tally_trace *t, void *user)                     /* (x f64, y f32) */
{
    (void)user;
    tally_return(t, tally_add(tally_arg(t, 0), tally_arg(t, 1)));
}

static void report(const char *what, tally_status s, const tally_error *err)
{
    if (s) printf("%s: %s\n  %s\n", what, tally_status_name(s), err->text);
    else printf("%s: no error?\n", what);
}

int main(void)
{
    tally_error     err = { 0, -1, "" };
    tally_metric   *accuracy = tally_sparse_categorical_accuracy_new(NULL, &err), *mean = tally_mean_new(NULL, &err);
    tally_function *f = tally_function_new(checked, NULL, NULL, &err), *g = tally_function_new(mixed, NULL, NULL, &err);
    const float     scores[6] = { 0 };
    const int32_t   ids[4] = { 0 };
    const double    signs[2] = { 1, -1 };
    double          out;
    tally_tensor    p = tally_matrix(scores, 3, 2), flat = tally_vector(scores, 6), y3 = tally_vector(ids, 3), y4 = tally_vector(ids, 4);
    tally_tensor    x = tally_vector(signs, 2);
    const tally_tensor *rank[] = { &y3, &flat }, *size[] = { &y4, &p }, *null[] = { &y3, NULL };

    if (err.status) return 1;
    report("a vector for a matrix", tally_metric_update_state_n(accuracy, rank, 2, &err), &err);
    report("4 labels for 3 rows", tally_metric_update_state_n(accuracy, size, 2, &err), &err);
    report("no tensor", tally_metric_update_state_n(accuracy, null, 2, &err), &err);
    report("no metric", tally_metric_update_state_n(NULL, rank, 2, &err), &err);
    report("two dtypes", tally_call(g, TALLY_IN(&x, &flat), TALLY_OUT(&out), &err), &err);
    report("an assert", tally_call(f, TALLY_IN(&x, mean), TALLY_NO_OUT, &err), &err);
    printf("mean still %g\n", tally_metric_result(mean));
    tally_function_release(f); tally_function_release(g);
    tally_metric_release(accuracy); tally_metric_release(mean);
    return 0;
}
