/* Softmax regression on handwritten digits. One training step (forward, two metrics, gradient, update of the
 * parameters) is one function; a partial last batch needs no second trace. */
#include <stdlib.h>
#include <tally/tally.h>
#include "digits.h"
#include "softmax.h"
#include "terminal.h"

enum { BATCH = 32, EPOCHS = 40 };

static void evaluate(tally_trace *t, void *user)                  /* (x[n,64], y[n], W, b, loss, accuracy) */
{
    (void)user;
    tally_node y = tally_arg(t, 1);
    tally_node p = forward(t, tally_arg(t, 0), tally_arg_variable(t, 2), tally_arg_variable(t, 3));
    tally_update_state(t, tally_arg_metric(t, 4), y, p);
    tally_update_state(t, tally_arg_metric(t, 5), y, p);
}

static void train(tally_trace *t, void *user)                     /* (..., rate): one step of gradient descent */
{
    (void)user;
    tally_node         x = tally_arg(t, 0), y = tally_arg(t, 1);
    tally_variable_ref W = tally_arg_variable(t, 2), b = tally_arg_variable(t, 3);
    tally_node         p = forward(t, x, W, b);
    tally_update_state(t, tally_arg_metric(t, 4), y, p);
    tally_update_state(t, tally_arg_metric(t, 5), y, p);
    descend(t, x, y, p, W, b, tally_arg(t, 6));
}

int main(int argc, char **argv)
{
    static digits   data;
    static float    zeros[PIXELS * CLASSES];
    tally_error     err = { 0, -1, "" };
    const float     half = 0.5f;
    tally_tensor    w0 = tally_matrix(zeros, PIXELS, CLASSES), b0 = tally_vector(zeros, CLASSES), rate = tally_scalar(&half);
    tally_variable *W = tally_variable_new(NULL, &w0, &err), *b = tally_variable_new(NULL, &b0, &err);
    tally_metric   *loss = tally_sparse_categorical_crossentropy_new(NULL, &err);
    tally_metric   *accuracy = tally_sparse_categorical_accuracy_new(NULL, &err);
    tally_function *step = tally_function_new(train, NULL, NULL, &err), *test = tally_function_new(evaluate, NULL, NULL, &err);
    tally_status    s = err.status;

    if (!digits_read(&data, argc > 1 ? argv[1] : DIGITS_PATH)) return fprintf(stderr, "cannot read the digits\n"), 1;
    for (int epoch = 1; epoch <= EPOCHS && !s; epoch++) {
        tally_metric_reset_state(loss);
        tally_metric_reset_state(accuracy);
        for (int i = 0; i < TRAIN_LINES && !s; i += BATCH) {
            int          n = TRAIN_LINES - i < BATCH ? TRAIN_LINES - i : BATCH;
            tally_tensor x = tally_matrix(data.image[i], n, PIXELS), y = tally_vector(data.label + i, n);
            s = tally_call(step, TALLY_IN(&x, &y, W, b, loss, accuracy, &rate), TALLY_NO_OUT, &err);
            show_progress("epoch", epoch, EPOCHS, i + n, TRAIN_LINES, tally_metric_result(loss), tally_metric_result(accuracy));
        }
    }
    tally_metric_reset_state(loss);
    tally_metric_reset_state(accuracy);
    tally_tensor x = tally_matrix(data.image[TRAIN_LINES], TEST_LINES, PIXELS), y = tally_vector(data.label + TRAIN_LINES, TEST_LINES);
    if (!s) s = tally_call(test, TALLY_IN(&x, &y, W, b, loss, accuracy), TALLY_NO_OUT, &err);
    if (s) fprintf(stderr, "%s\n", err.text);
    else printf("test accuracy: %.6f\n", tally_metric_result(accuracy));
    tally_function_release(step); tally_function_release(test);
    tally_variable_release(W); tally_variable_release(b);
    tally_metric_release(loss); tally_metric_release(accuracy);
    return s != TALLY_OK;
}
