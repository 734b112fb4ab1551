/* A metric updated inside a while loop, in both forms: the scope macro, and callbacks as in tf.while_loop
 * with the metric itself as a loop variable. */
#include <stdio.h>
#include <tally/tally.h>

static void scope_form(tally_trace *t, void *user)                /* (data[n], mean) -> mean */
{
    (void)user;
    tally_node       data = tally_arg(t, 0), i = tally_i64(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 1);
    TALLY_WHILE(t, tally_lt(i, tally_dim(data, 0)), &i) {
        tally_update_state(t, mean, tally_at(data, i));
        i = tally_add(i, tally_num(1));
    }
    tally_return_metric(t, mean);
}

enum { I, MEAN };

static tally_node more(tally_trace *t, const tally_symbol *v, void *user)
{
    const tally_node *data = (const tally_node *)user;
    (void)t;
    return tally_lt(v[I].node, tally_dim(*data, 0));
}

static void step(tally_trace *t, tally_symbol *v, void *user)
{
    const tally_node *data = (const tally_node *)user;
    tally_update_state(t, v[MEAN].metric, tally_at(*data, v[I].node));
    v[I].node = tally_add(v[I].node, tally_num(1));
}

static void callback_form(tally_trace *t, void *user)
{
    (void)user;
    tally_node   data = tally_arg(t, 0);
    tally_symbol v[2] = { { .node = tally_i64(t, 0) }, { .metric = tally_arg_metric(t, 1) } };
    tally_while_loop(t, more, step, &data, v, 2, NULL);
    tally_return_metric(t, v[MEAN].metric);
}

static int run(tally_body body, const tally_tensor *x, tally_metric *mean)
{
    tally_error     err;
    tally_metric   *updated = NULL;
    tally_function *f = tally_function_new(body, NULL, NULL, &err);
    tally_metric_reset_state(mean);
    if (!f || tally_call(f, TALLY_IN(x, mean), TALLY_OUT(&updated), &err))
        return fprintf(stderr, "%s\n", err.text), 1;
    printf("Mean: %g\n", tally_metric_result(updated));
    tally_function_release(f);
    return 0;
}

int main(void)
{
    tally_error   err;
    tally_metric *mean = tally_mean_new(NULL, &err);
    const float   data[] = { 1, 2, 3 };
    tally_tensor  x = tally_vector(data, 3);

    if (!mean) return fprintf(stderr, "%s\n", err.text), 1;
    int failed = run(scope_form, &x, mean) || run(callback_form, &x, mean);
    tally_metric_release(mean);
    return failed;
}
