/* A metric goes into a function, is updated there, and comes back: the same handle, its state kept. */
#include <stdio.h>
#include <tally/tally.h>

static void calculate_mean(tally_trace *t, void *user)            /* (data[n], mean) -> mean */
{
    (void)user;
    tally_node       data = tally_arg(t, 0);
    tally_metric_ref mean = tally_arg_metric(t, 1);
    tally_update_state(t, mean, data);
    tally_return_metric(t, mean);
}

int main(void)
{
    tally_error     err;
    tally_metric   *mean = tally_mean_new(NULL, &err), *updated = NULL;
    tally_function *f = tally_function_new(calculate_mean, NULL, NULL, &err);
    const float     data[] = { 1, 2, 3, 4, 5 };
    tally_tensor    x = tally_vector(data, 5);

    if (!mean || !f || tally_call(f, TALLY_IN(&x, mean), TALLY_OUT(&updated), &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("Mean: %g\n", tally_metric_result(updated));
    tally_function_release(f);
    tally_metric_release(mean);
    return 0;
}
