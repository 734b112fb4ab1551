/* Memory beside the inputs: for a plan that is fused wholly it does not grow with the batch. Bytes that the function's
 * context holds at their most, over calls with a thousand rows and with a million; bodies like those of the examples. */
#include "../support.h"

#include <tally/metrics.h>

#include "../../src/function/function.h"

enum { FEW = 1000, MANY = 1000000, COLUMNS = 4, MOST_METRICS = 6, LIMIT = 256 << 10 };

static float    matrix[MANY * COLUMNS], labels[MANY], scores[MANY];
static int64_t  ids[MANY];

/* arguments of all: 0 matrix f32[n, 4], 1 labels f32[n], 2 scores f32[n], 3 ids i64[n], then metrics */
static void mean_body(tally_trace *t, void *user)
{
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 4), tally_arg(t, 1));
    tally_arg(t, 0), tally_arg(t, 2), tally_arg(t, 3);
}

static void batch_body(tally_trace *t, void *user)
{
    tally_node batch = tally_arg(t, 0), predictions = tally_column(batch, 0), truth = tally_column(batch, 1);
    (void)user;
    tally_arg(t, 1), tally_arg(t, 2), tally_arg(t, 3);
    tally_update_state(t, tally_arg_metric(t, 4), truth, predictions);
    tally_update_state(t, tally_arg_metric(t, 5), tally_reduce_mean(tally_square(tally_sub(predictions, truth))));
}

static void six_body(tally_trace *t, void *user)
{
    tally_node y = tally_arg(t, 1), p = tally_arg(t, 2);
    (void)user;
    tally_arg(t, 0), tally_arg(t, 3);
    for (int i = 0; i < MOST_METRICS; i++) {
        tally_metric_ref m = tally_arg_metric(t, 4 + i);
        tally_update_state(t, m, y, p);
    }
}

static void sparse_body(tally_trace *t, void *user)
{
    tally_node rows = tally_arg(t, 0), y = tally_arg(t, 3);
    (void)user;
    tally_arg(t, 1), tally_arg(t, 2);
    tally_update_state(t, tally_arg_metric(t, 4), y, rows);
    tally_update_state(t, tally_arg_metric(t, 5), y, tally_softmax(rows, 1));
}

/* a check of every row, sums over all and over the first axis, and what is done with them */
static void checked_body(tally_trace *t, void *user)
{
    tally_node rows = tally_arg(t, 0), x = tally_arg(t, 1), y = tally_arg(t, 2);
    (void)user;
    tally_arg(t, 3);
    tally_assert(t, tally_ge(x, tally_num(0)), "labels are not negative");
    tally_assert(t, tally_not(tally_reduce_any(tally_is_nan(rows))), "rows are numbers");
    tally_node low = tally_reduce_min(tally_sub(y, x)), high = tally_max(tally_sub(y, x), 0);
    tally_update_state(t, tally_arg_metric(t, 4), tally_div(tally_sub(tally_mul(y, x), low), tally_sub(high, low)));
}

static void loop_body(tally_trace *t, void *user)
{
    tally_node       i = tally_i64(t, 0), x = tally_arg(t, 1);
    tally_metric_ref mean = tally_arg_metric(t, 4);
    (void)user;
    tally_arg(t, 0), tally_arg(t, 2), tally_arg(t, 3);
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i) {
        tally_update_state(t, mean, tally_at(x, i));
        i = tally_add(i, tally_num(1));
    }
}

typedef tally_metric *maker(tally_context *c);
static tally_metric *new_mean(tally_context *c)
{
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.context = c;
    return tally_mean_new(&o, NULL);
}
#define MAKER(name, options, init) static tally_metric *new_##name(tally_context *c) { options o = init; o.context = c; return tally_##name##_new(&o, NULL); }
MAKER(accuracy, tally_mean_options, TALLY_MEAN_OPTIONS_INIT)
MAKER(binary_accuracy, tally_binary_accuracy_options, TALLY_BINARY_ACCURACY_OPTIONS_INIT)
MAKER(precision, tally_threshold_options, TALLY_THRESHOLD_OPTIONS_INIT)
MAKER(recall, tally_threshold_options, TALLY_THRESHOLD_OPTIONS_INIT)
MAKER(binary_crossentropy, tally_crossentropy_options, TALLY_CROSSENTROPY_OPTIONS_INIT)
MAKER(sparse_categorical_crossentropy, tally_crossentropy_options, TALLY_CROSSENTROPY_OPTIONS_INIT)
MAKER(sparse_categorical_accuracy, tally_mean_options, TALLY_MEAN_OPTIONS_INIT)
MAKER(mean_squared_error, tally_mean_options, TALLY_MEAN_OPTIONS_INIT)
MAKER(mean_absolute_error, tally_mean_options, TALLY_MEAN_OPTIONS_INIT)

typedef struct memory_row {
    const char *name;
    tally_body  body;
    maker      *make[MOST_METRICS];
} memory_row;
static const memory_row memory_table[] = {
    { "mean", mean_body, { new_mean } },
    { "batch", batch_body, { new_accuracy, new_mean } },
    { "six", six_body, { new_binary_accuracy, new_precision, new_recall, new_binary_crossentropy, new_mean_squared_error, new_mean_absolute_error } },
    { "sparse", sparse_body, { new_sparse_categorical_accuracy, new_sparse_categorical_crossentropy } },
    { "checked", checked_body, { new_mean } },
    { "loop", loop_body, { new_mean } },
};

/* live bytes of the allocator at their most */
typedef struct peak {
    size_t live, most;
} peak;

static void *peak_alloc(void *user, size_t size, size_t align)
{
    peak *p = user;
    p->live += size;
    p->most = TALLY__MAX(p->most, p->live);
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void peak_free(void *user, void *block, size_t size)
{
    ((peak *)user)->live -= size;
    free(block);
}

static size_t bytes_at(const memory_row *row, int64_t n)
{
    peak                   p = { 0, 0 };
    tally_error            err;
    tally_context_options  co = TALLY_CONTEXT_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    tally_value            in[4 + MOST_METRICS];
    tally_metric          *m[MOST_METRICS];
    int                    n_in = 4, n_metrics = 0;
    tally_tensor           x[4] = { tally_matrix(matrix, n, COLUMNS), tally_vector(labels, n), tally_vector(scores, n), tally_vector(ids, n) };
    co.allocator = (tally_allocator){ peak_alloc, peak_free, &p };
    fo.context = tally_context_new(&co, &err);
    fo.name = row->name;
    for (int i = 0; i < 4; i++)
        in[i] = tally__in_tensor(&x[i]);
    for (; n_metrics < MOST_METRICS && row->make[n_metrics]; n_metrics++)
        in[n_in++] = tally__in_metric(m[n_metrics] = row->make[n_metrics](fo.context));
    tally_function *f = tally_function_new(row->body, NULL, &fo, &err);
    for (int call = 0; call < 2; call++)
        assert_ok(tally_call(f, in, n_in, NULL, 0, &err), &err);
    tally_function_release(f);
    for (int i = 0; i < n_metrics; i++)
        tally_metric_release(m[i]);
    tally_context_release(fo.context);
    return p.most;
}

static void memory_does_not_grow_with_the_batch(void **state)
{
    test_rng r = { 5 };
    (void)state;
    for (int i = 0; i < MANY; i++) {
        labels[i] = (float)test_below(&r, 2);
        scores[i] = (float)test_unit(&r);
        ids[i] = (int64_t)test_below(&r, COLUMNS);
        for (int k = 0; k < COLUMNS; k++)
            matrix[i * COLUMNS + k] = (float)test_unit(&r);
    }
    for (size_t i = 0; i < TALLY__COUNT(memory_table); i++) {
        const memory_row *row = &memory_table[i];
        size_t            few = bytes_at(row, FEW), many = bytes_at(row, MANY);
        print_message("%-8s %7zu bytes with %d rows, %7zu with %d\n", row->name, few, FEW, many, MANY);
        assert_in_range(many, 1, LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(memory_does_not_grow_with_the_batch) };
    return cmocka_run_group_tests_name("exec/memory", tests, NULL, NULL);
}
