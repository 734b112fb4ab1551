/* Memory beside the inputs, for the functions of the examples and some more: a plan that is fused wholly holds a constant,
 * counted as the bytes of the function's context at their most with a thousand rows and with a million. And a call asks for
 * none after one like it: a fused plan at any number of rows, any other at up to as many. */
#include "../support.h"

#include <tally/metrics.h>

#include "../../src/function/function.h"

enum { FEW = 1000, MANY = 1000000, COLUMNS = 4, MOST_METRICS = 6, VARIABLES = 2, TENSORS = 4, LIMIT = 256 << 10 };

static float    matrix[MANY * COLUMNS], labels[MANY], scores[MANY];
static int64_t  ids[MANY];

/* arguments of all: 0 matrix f32[n, 4], 1 labels f32[n], 2 scores f32[n], 3 ids i64[n], then metrics, then perhaps variables
 * W f32[4, 4] and b f32[4] */
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

/* one metric fed with ids and rows, one with rows */
static void custom_body(tally_trace *t, void *user)
{
    tally_node rows = tally_arg(t, 0), y = tally_arg(t, 3);
    (void)user;
    tally_arg(t, 1), tally_arg(t, 2);
    tally_update_state(t, tally_arg_metric(t, 4), y, rows);
    tally_update_state(t, tally_arg_metric(t, 5), rows);
}

static void threads_body(tally_trace *t, void *user)
{
    (void)user;
    tally_arg(t, 0), tally_arg(t, 2), tally_arg(t, 3);
    for (int i = 0; i < 2; i++)
        tally_update_state(t, tally_arg_metric(t, 4 + i), tally_arg(t, 1));
}

static void errors_body(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 1);
    (void)user;
    tally_arg(t, 0), tally_arg(t, 2), tally_arg(t, 3);
    tally_update_state(t, tally_arg_metric(t, 4), x);
    tally_assert(t, tally_reduce_all(tally_ge(x, tally_num(0))), "values must not be negative");
}

static tally_node digits_forward(tally_trace *t)
{
    tally_node x = tally_arg(t, 0), W = tally_read(t, tally_arg_variable(t, 6)), b = tally_read(t, tally_arg_variable(t, 7));
    tally_arg(t, 1), tally_arg(t, 2);
    return tally_softmax(tally_add(tally_matmul(x, W), b), 1);
}

static void evaluate_body(tally_trace *t, void *user)
{
    tally_node p = digits_forward(t), y = tally_arg(t, 3);
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 4), y, p);
    tally_update_state(t, tally_arg_metric(t, 5), y, p);
}

static void train_body(tally_trace *t, void *user)
{
    tally_node         x = tally_arg(t, 0), y = tally_arg(t, 3), p = digits_forward(t), n = tally_cast(tally_dim(x, 0), TALLY_F32);
    tally_variable_ref W = tally_arg_variable(t, 6), b = tally_arg_variable(t, 7);
    evaluate_body(t, user);
    tally_node d = tally_div(tally_sub(p, tally_one_hot(y, tally_i64(t, COLUMNS), TALLY_F32)), n);
    tally_assign(t, W, tally_sub(tally_read(t, W), tally_matmul(tally_transpose(x), d)));
    tally_assign(t, b, tally_sub(tally_read(t, b), tally_sum(d, 0)));
}

/* ---- two classes of one's own, as in the example */
static void perplexity_update(tally_trace *t, const tally_update *u)
{
    tally_node y = u->operand[0], p = u->operand[1], keep = tally_ne(y, tally_num(2));
    tally_node one_hot = tally_one_hot(y, tally_dim(p, 1), tally_node_dtype(p));
    tally_node nll = tally_neg(tally_log(tally_sum(tally_mul(p, one_hot), 1)));
    tally_accumulate(t, u, 0, tally_select(keep, nll, tally_zeros_like(nll)), u->weight);
    tally_accumulate(t, u, 1, keep, u->weight);
}

static void column_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
    tally_accumulate(t, u, 1, tally_ones_like(tally_column(u->operand[0], 0)), u->weight);
}

static tally_node ratio_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t, (void)config;
    return tally_ratio(s[0], s[1]);
}

static const tally_state_spec two_sums[] = { { "nll", TALLY_STATE_SUM, 0, { 0, 0 } }, { "tokens", TALLY_STATE_SUM, 0, { 0, 0 } } },
                              column_sums[] = { { "sum", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(0, 1), 0 } }, { "rows", TALLY_STATE_SUM, 0, { 0, 0 } } };
static const tally_metric_class perplexity = { sizeof perplexity, "Perplexity", 2, 2, 0, -1, two_sums, perplexity_update, ratio_result },
                                column_mean = { sizeof column_mean, "ColumnMean", 1, 2, 1, 0, column_sums, column_update, ratio_result };

static tally_metric *new_class(const tally_metric_class *class, tally_context *c)
{
    tally_metric_options o = TALLY_METRIC_OPTIONS_INIT;
    o.context = c;
    return tally_metric_new(class, NULL, 0, &o, NULL);
}
static tally_metric *new_perplexity(tally_context *c) { return new_class(&perplexity, c); }
static tally_metric *new_column_mean(tally_context *c) { return new_class(&column_mean, c); }

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

typedef enum how_run { FUSED, IN_STEPS } how_run;
typedef struct memory_row {
    const char *name;
    tally_body  body;
    how_run     how;
    maker      *make[MOST_METRICS];
} memory_row;
static const memory_row memory_table[] = {
    { "mean", mean_body, FUSED, { new_mean } },
    { "batch", batch_body, FUSED, { new_accuracy, new_mean } },
    { "six", six_body, FUSED, { new_binary_accuracy, new_precision, new_recall, new_binary_crossentropy, new_mean_squared_error, new_mean_absolute_error } },
    { "sparse", sparse_body, FUSED, { new_sparse_categorical_accuracy, new_sparse_categorical_crossentropy } },
    { "checked", checked_body, FUSED, { new_mean } },
    { "loop", loop_body, FUSED, { new_mean } },
    { "custom", custom_body, FUSED, { new_perplexity, new_column_mean } },
    { "threads", threads_body, FUSED, { new_mean, new_mean } },
    { "errors", errors_body, FUSED, { new_mean } },
    { "evaluate", evaluate_body, IN_STEPS, { new_sparse_categorical_crossentropy, new_sparse_categorical_accuracy } },
    { "train", train_body, IN_STEPS, { new_sparse_categorical_crossentropy, new_sparse_categorical_accuracy } },
};

/* allocations so far, live bytes and those at their most */
typedef struct peak {
    size_t calls, live, most;
} peak;

static void *peak_alloc(void *user, size_t size, size_t align)
{
    peak *p = user;
    p->calls++;
    p->live += size;
    p->most = TALLY__MAX(p->most, p->live);
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void peak_free(void *user, void *block, size_t size)
{
    ((peak *)user)->live -= size;
    free(block);
}

/* ---- a row of the table, ready to be called */
typedef struct caller {
    peak            p;
    tally_function *f;
    tally_metric   *m[MOST_METRICS];
    tally_variable *v[VARIABLES];
    int             n_metrics;
} caller;

static void caller_open(caller *c, const memory_row *row)
{
    tally_error            err;
    tally_context_options  co = TALLY_CONTEXT_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    static const float     first[COLUMNS * COLUMNS];
    tally_tensor           W = tally_matrix(first, COLUMNS, COLUMNS), b = tally_vector(first, COLUMNS);
    memset(c, 0, sizeof *c);
    co.allocator = (tally_allocator){ peak_alloc, peak_free, &c->p };
    fo.context = tally_context_new(&co, &err);
    fo.name = row->name;
    for (; c->n_metrics < MOST_METRICS && row->make[c->n_metrics]; c->n_metrics++)
        assert_non_null(c->m[c->n_metrics] = row->make[c->n_metrics](fo.context));
    if (row->how == IN_STEPS) {
        c->v[0] = tally_variable_new(fo.context, &W, &err);
        c->v[1] = tally_variable_new(fo.context, &b, &err);
    }
    assert_non_null(c->f = tally_function_new(row->body, NULL, &fo, &err));
    tally_context_release(fo.context);
}

static void caller_close(caller *c)
{
    tally_function_release(c->f);
    for (int i = 0; i < c->n_metrics; i++)
        tally_metric_release(c->m[i]);
    for (int i = 0; i < VARIABLES; i++)
        tally_variable_release(c->v[i]);
    assert_int_equal(c->p.live, 0);
}

/* how many allocations a call of n rows made */
static size_t caller_call(caller *c, int64_t n)
{
    tally_tensor x[TENSORS] = { tally_matrix(matrix, n, COLUMNS), tally_vector(labels, n), tally_vector(scores, n), tally_vector(ids, n) };
    tally_value  in[TENSORS + MOST_METRICS + VARIABLES];
    tally_error  err;
    int          n_in = 0;
    size_t       calls = c->p.calls;
    for (int i = 0; i < TENSORS; i++)
        in[n_in++] = tally__in_tensor(&x[i]);
    for (int i = 0; i < c->n_metrics; i++)
        in[n_in++] = tally__in_metric(c->m[i]);
    for (int i = 0; i < VARIABLES && c->v[i]; i++)
        in[n_in++] = tally__in_variable(c->v[i]);
    assert_ok(tally_call(c->f, in, n_in, NULL, 0, &err), &err);
    return c->p.calls - calls;
}

static int64_t many_rows(void)
{
    return TALLY__MAX((int64_t)test_scaled(MANY), 20000);
}

/* ---- the two laws */
static size_t bytes_at(const memory_row *row, int64_t n)
{
    caller c;
    caller_open(&c, row);
    for (int call = 0; call < 2; call++)
        (void)caller_call(&c, n);
    caller_close(&c);
    return c.p.most;
}

static void memory_does_not_grow_with_the_batch(void **state)
{
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(memory_table); i++) {
        const memory_row *row = &memory_table[i];
        size_t            few = bytes_at(row, FEW), many = bytes_at(row, many_rows());
        print_message("%-8s %9zu bytes with %d rows, %9zu with %lld\n", row->name, few, FEW, many, (long long)many_rows());
        if (row->how == FUSED)
            assert_in_range(many, 1, LIMIT);
    }
}

static void a_call_like_one_before_allocates_nothing(void **state)
{
    const int64_t sizes[] = { 0, 1, 2, 3, 7, 64, 1000, 1023, 1024, 1025, 4097, 16384, 65535, 65536, 99991, MANY };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(memory_table); i++) {
        const memory_row *row = &memory_table[i];
        caller            c;
        caller_open(&c, row);
        (void)caller_call(&c, row->how == FUSED ? 1 : many_rows());
        (void)caller_call(&c, row->how == FUSED ? 2 * TALLY__BLOCK : many_rows());
        for (size_t k = 0; k < TALLY__COUNT(sizes); k++) {
            size_t asked = caller_call(&c, TALLY__MIN(sizes[k], many_rows()));
            if (asked)
                print_error("%s: %zu allocations with %lld rows\n", row->name, asked, (long long)sizes[k]);
            assert_int_equal(asked, 0);
        }
        caller_close(&c);
    }
}

static int fill_tensors(void **state)
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
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_does_not_grow_with_the_batch),
        cmocka_unit_test(a_call_like_one_before_allocates_nothing),
    };
    return cmocka_run_group_tests_name("exec/memory", tests, fill_tensors, NULL);
}
