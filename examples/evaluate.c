/* Ten metrics over a classifier of handwritten digits, in one recorded function that is fed in batches, the last of which is
 * partial; then the confusion matrix, which is the state of one of them. */
#include <tally/tally.h>
#include "digits.h"
#include "softmax.h"

enum { BATCH = 64, TRAIN_BATCH = 32, EPOCHS = 40, METRICS = 10, MEAN_IOU = 3 };

/* what each is fed with: labels[n] or one-hot labels[n,10], and probabilities[n,10]; the last with the largest of these alone */
typedef enum food { IDS, ONE_HOT, CONFIDENCE } food;
static const struct { const char *text; food eats; } row[METRICS] = {
    { "SparseCategoricalAccuracy(name='accuracy')", IDS },
    { "SparseTopKCategoricalAccuracy(k=2, name='accuracy of the best two')", IDS },
    { "SparseCategoricalCrossentropy(name='crossentropy')", IDS },
    { "MeanIoU(num_classes=10, sparse_y_pred=False, name='mean IoU')", IDS },
    { "Precision(thresholds=0.8, name='precision where surer than 0.8')", ONE_HOT },
    { "Recall(thresholds=0.8, name='recall where surer than 0.8')", ONE_HOT },
    { "F1Score(average='macro', name='F1, mean of the digits')", ONE_HOT },
    { "AUC(name='area under the ROC curve')", ONE_HOT },
    { "MeanSquaredError(name='Brier score, per digit')", ONE_HOT },
    { "Mean(name='confidence')", CONFIDENCE },
};

static void train(tally_trace *t, void *user)                     /* (x[n,64], y[n], W, b, rate) */
{
    (void)user;
    tally_node         x = tally_arg(t, 0), y = tally_arg(t, 1);
    tally_variable_ref W = tally_arg_variable(t, 2), b = tally_arg_variable(t, 3);
    descend(t, x, y, forward(t, x, W, b), W, b, tally_arg(t, 4));
}

static void evaluate(tally_trace *t, void *user)                  /* (x[n,64], y[n], W, b), and the metrics captured */
{
    tally_metric **metric = (tally_metric **)user;
    tally_node     y = tally_arg(t, 1), p = forward(t, tally_arg(t, 0), tally_arg_variable(t, 2), tally_arg_variable(t, 3));
    tally_node     one_hot = tally_one_hot(y, tally_dim(p, 1), TALLY_F32);
    for (int i = 0; i < METRICS; i++) {
        tally_metric_ref m = tally_capture_metric(t, metric[i]);
        if (row[i].eats == CONFIDENCE) tally_update_state(t, m, tally_max(p, 1));
        else tally_update_state(t, m, row[i].eats == IDS ? y : one_hot, p);
    }
}

/* lines [from, to) of the data, in batches */
static tally_status run(tally_function *f, const digits *d, int from, int to, int batch, tally_variable *W, tally_variable *b,
                        const tally_tensor *rate, tally_error *err)
{
    tally_status s = TALLY_OK;
    for (int i = from; i < to && !s; i += batch) {
        int          n = to - i < batch ? to - i : batch;
        tally_tensor x = tally_matrix(d->image[i], n, PIXELS), y = tally_vector(d->label + i, n);
        s = rate ? tally_call(f, TALLY_IN(&x, &y, W, b, rate), TALLY_NO_OUT, err)
                 : tally_call(f, TALLY_IN(&x, &y, W, b), TALLY_NO_OUT, err);
    }
    return s;
}

static tally_status print_confusion(const tally_metric *iou, tally_error *err)
{
    double       count[CLASSES * CLASSES];
    tally_buffer all = tally_buffer_of(count, CLASSES * CLASSES);
    tally_status s = tally_metric_state(iou, "total_confusion_matrix", &all, err);
    if (s) return s;
    printf("\ndigit  called  0   1   2   3   4   5   6   7   8   9\n");
    for (int i = 0; i < CLASSES; i++) {
        printf("%5d       ", i);
        for (int k = 0; k < CLASSES; k++)
            if (count[i * CLASSES + k] > 0) printf("%4.0f", count[i * CLASSES + k]);
            else printf("   .");
        printf("\n");
    }
    return TALLY_OK;
}

int main(int argc, char **argv)
{
    static digits   data;
    static float    zeros[PIXELS * CLASSES];
    const float     half = 0.5f;
    tally_error     err = { 0, -1, "" };
    tally_metric   *metric[METRICS];
    tally_tensor    w0 = tally_matrix(zeros, PIXELS, CLASSES), b0 = tally_vector(zeros, CLASSES), rate = tally_scalar(&half);
    tally_variable *W = tally_variable_new(NULL, &w0, &err), *b = tally_variable_new(NULL, &b0, &err);
    tally_function *step = tally_function_new(train, NULL, NULL, &err), *test = tally_function_new(evaluate, metric, NULL, &err);

    if (!digits_read(&data, argc > 1 ? argv[1] : DIGITS_PATH)) return fprintf(stderr, "cannot read the digits\n"), 1;
    for (int i = 0; i < METRICS; i++) metric[i] = tally_metric_from_text(row[i].text, NULL, &err);
    tally_status s = err.status;
    for (int epoch = 0; epoch < EPOCHS && !s; epoch++) s = run(step, &data, 0, TRAIN_LINES, TRAIN_BATCH, W, b, &rate, &err);
    if (!s) s = run(test, &data, TRAIN_LINES, LINES, BATCH, W, b, NULL, &err);
    if (!s) printf("%d digits in batches of %d, %d recording\n", TEST_LINES, BATCH, tally_function_traces(test));
    for (int i = 0; i < METRICS && !s; i++) printf("%-32s %.6f\n", tally_metric_name(metric[i]), tally_metric_result(metric[i]));
    if (!s) s = print_confusion(metric[MEAN_IOU], &err);
    if (s) fprintf(stderr, "%s\n", err.text);
    for (int i = 0; i < METRICS; i++) tally_metric_release(metric[i]);
    tally_function_release(step); tally_function_release(test);
    tally_variable_release(W); tally_variable_release(b);
    return s != TALLY_OK;
}
