/* Running accuracy over the last 100 batches, beside that since the start: a window forgets what the model got wrong
 * before it had learnt, exactly, and keeps no sample. Softmax regression on the digits, as in train_digits.c. */
#include <stdlib.h>
#include <tally/tally.h>
#include "digits.h"

enum { BATCH = 32, EPOCHS = 12, SHOWN_EVERY = 100 };

static void train(tally_trace *t, void *user)                     /* (x[n,64], y[n], W, b, rate) -> p[n,10] */
{
    (void)user;
    tally_node         x = tally_arg(t, 0), y = tally_arg(t, 1), rate = tally_arg(t, 4);
    tally_variable_ref W = tally_arg_variable(t, 2), b = tally_arg_variable(t, 3);
    tally_node         p = tally_softmax(tally_add(tally_matmul(x, tally_read(t, W)), tally_read(t, b)), 1);
    tally_node         n = tally_cast(tally_dim(x, 0), TALLY_F32);
    tally_node d = tally_div(tally_sub(p, tally_one_hot(y, tally_i64(t, CLASSES), TALLY_F32)), n); /* dL/dlogits */
    tally_assign(t, W, tally_sub(tally_read(t, W), tally_mul(rate, tally_matmul(tally_transpose(x), d))));
    tally_assign(t, b, tally_sub(tally_read(t, b), tally_mul(rate, tally_sum(d, 0))));
    tally_return(t, p);
}

int main(int argc, char **argv)
{
    static digits        data;
    static float         zeros[PIXELS * CLASSES], scores[BATCH * CLASSES];
    tally_error          err = { 0, -1, "" };
    const float          half = 0.5f;
    tally_tensor         w0 = tally_matrix(zeros, PIXELS, CLASSES), b0 = tally_vector(zeros, CLASSES), rate = tally_scalar(&half);
    tally_variable      *W = tally_variable_new(NULL, &w0, &err), *b = tally_variable_new(NULL, &b0, &err);
    tally_function      *step = tally_function_new(train, NULL, NULL, &err);
    tally_metric        *accuracy = tally_sparse_categorical_accuracy_new(NULL, &err);
    tally_window_options o = TALLY_WINDOW_OPTIONS_INIT;
    o.updates = 100;
    tally_window *last = tally_window_new(accuracy, &o, &err);
    tally_status  s = err.status;

    if (!digits_read(&data, argc > 1 ? argv[1] : DIGITS_PATH)) return fprintf(stderr, "cannot read the digits\n"), 1;
    for (int batch = 1, i = 0; batch <= EPOCHS * TRAIN_LINES / BATCH && !s; batch++) {
        const int    n = TRAIN_LINES - i < BATCH ? TRAIN_LINES - i : BATCH;
        tally_tensor x = tally_matrix(data.image[i], n, PIXELS), y = tally_vector(data.label + i, n);
        tally_buffer out = tally_buffer_of(scores, BATCH * CLASSES);
        tally_tensor p = tally_matrix(scores, n, CLASSES);
        s = tally_call(step, TALLY_IN(&x, &y, W, b, &rate), TALLY_OUT(&out), &err);
        if (!s) s = tally_metric_update_state(accuracy, &y, &p);
        if (!s) s = tally_window_update_state(last, &y, &p);
        if (batch % SHOWN_EVERY == 0)
            printf("batch %3d: accuracy %.4f, over the last %d batches (%d digits) %.4f\n", batch, tally_metric_result(accuracy),
                   (int)tally_window_updates(last), (int)tally_window_rows(last), tally_window_result(last));
        i = (i + n) % TRAIN_LINES;
    }
    if (s) fprintf(stderr, "%s\n", err.text);
    tally_window_release(last);
    tally_metric_release(accuracy);
    tally_function_release(step);
    tally_variable_release(W); tally_variable_release(b);
    return s != TALLY_OK;
}
