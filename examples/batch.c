/* Two metrics over one batch in one function: accuracy of equal values, mean of the squared error. */
#include <stdio.h>
#include <tally/tally.h>

static void process_batch(tally_trace *t, void *user)  /* (batch[n,2], accuracy, loss) -> both */
{
    (void)user;
    tally_node       batch = tally_arg(t, 0);
    tally_metric_ref accuracy = tally_arg_metric(t, 1), loss = tally_arg_metric(t, 2);
    tally_node       predictions = tally_column(batch, 0), labels = tally_column(batch, 1);

    tally_update_state(t, accuracy, labels, predictions);
    tally_update_state(t, loss, tally_reduce_mean(tally_square(tally_sub(predictions, labels))));
    tally_return_metric(t, accuracy);
    tally_return_metric(t, loss);
}

int main(void)
{
    tally_error     err;
    tally_metric   *accuracy = tally_accuracy_new(NULL, &err), *loss = tally_mean_new(NULL, &err);
    tally_metric   *a = NULL, *l = NULL;
    tally_function *f = tally_function_new(process_batch, NULL, NULL, &err);
    const float     rows[] = { 1, 0.9f, 2, 1.8f, 3, 3.1f };       /* prediction, label */
    tally_tensor    batch = tally_matrix(rows, 3, 2);

    if (!accuracy || !loss || !f ||
        tally_call(f, TALLY_IN(&batch, accuracy, loss), TALLY_OUT(&a, &l), &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("Accuracy: %g\nLoss: %g\n", tally_metric_result(a), tally_metric_result(l));
    tally_function_release(f);
    tally_metric_release(accuracy);
    tally_metric_release(loss);
    return 0;
}
