/* classes: the table of classes for the laws, and data that suits each. */
#include "classes.h"

#define HEAD(o, c) ((o).context = (c))

static tally_metric *make_mean_like(const class_row *row, tally_context *c, tally_error *err,
                                    tally_metric *(*make)(const tally_mean_options *, tally_error *))
{
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    HEAD(o, c);
    if (row->elements)
        o.reduction = TALLY_REDUCE_ELEMENTS;
    return make(&o, err);
}

static tally_metric *make_threshold(const class_row *row, tally_context *c, tally_error *err,
                                    tally_metric *(*make)(const tally_threshold_options *, tally_error *))
{
    tally_threshold_options o = TALLY_THRESHOLD_OPTIONS_INIT;
    HEAD(o, c);
    if (row->n_thresholds) {
        o.thresholds = row->thresholds;
        o.n_thresholds = row->n_thresholds;
    }
    if (row->class_id)
        o.class_id = row->class_id - 1;                     /* 0 in the table is: none */
    if (row->top_k)
        o.top_k = row->top_k;
    return make(&o, err);
}

static tally_metric *make_crossentropy(const class_row *row, tally_context *c, tally_error *err,
                                       tally_metric *(*make)(const tally_crossentropy_options *, tally_error *))
{
    tally_crossentropy_options o = TALLY_CROSSENTROPY_OPTIONS_INIT;
    HEAD(o, c);
    o.from_logits = row->from_logits;
    o.label_smoothing = row->smoothing;
    if (row->ignore)
        o.ignore_class = row->ignore;
    return make(&o, err);
}

#define ROW_MAKER(name, by) static tally_metric *row_##name(const class_row *r, tally_context *c, tally_error *e) { return by(r, c, e, tally_##name##_new); }
ROW_MAKER(mean, make_mean_like)
ROW_MAKER(sum, make_mean_like)
ROW_MAKER(accuracy, make_mean_like)
ROW_MAKER(mean_squared_error, make_mean_like)
ROW_MAKER(mean_absolute_error, make_mean_like)
ROW_MAKER(categorical_accuracy, make_mean_like)
ROW_MAKER(sparse_categorical_accuracy, make_mean_like)
ROW_MAKER(precision, make_threshold)
ROW_MAKER(recall, make_threshold)
ROW_MAKER(binary_crossentropy, make_crossentropy)
ROW_MAKER(sparse_categorical_crossentropy, make_crossentropy)

static tally_metric *row_binary_accuracy(const class_row *row, tally_context *c, tally_error *err)
{
    tally_binary_accuracy_options o = TALLY_BINARY_ACCURACY_OPTIONS_INIT;
    HEAD(o, c);
    if (row->n_thresholds)
        o.threshold = row->thresholds[0];
    return tally_binary_accuracy_new(&o, err);
}

/* ---- own classes: every kind of state, and a state whose width the first batch decides ---- */

static void extent_update(tally_trace *t, const tally_update *u)
{
    for (int k = 0; k < 4; k++)
        tally_accumulate(t, u, k, u->operand[0], u->weight);
}

static tally_node extent_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_add(tally_ratio(s[0], s[1]), tally_sub(s[3], s[2]));
}

static const tally_state_spec extent_states[] = {
    { "sum", TALLY_STATE_SUM, 0, { 0, 0 } }, { "count", TALLY_STATE_COUNT, 0, { 0, 0 } },
    { "low", TALLY_STATE_MIN, 0, { 0, 0 } }, { "high", TALLY_STATE_MAX, 0, { 0, 0 } } };
static const tally_metric_class extent = { sizeof extent, "Extent", 1, 4, 0, 0, extent_states, extent_update, extent_result };

static void width_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
    tally_accumulate(t, u, 1, tally_ones_like(tally_column(u->operand[0], 0)), u->weight);
    tally_accumulate(t, u, 2, u->operand[0], u->weight);
}

static tally_node width_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_reduce_max_loc(tally_ratio(s[0], s[1]), __FILE__, __LINE__);
}

static const tally_state_spec width_states[] = {
    { "sum", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(0, 1), 0 } }, { "rows", TALLY_STATE_SUM, 0, { 0, 0 } },
    { "high", TALLY_STATE_MAX, 1, { TALLY_DIM_OPERAND(0, 1), 0 } } };
static const tally_metric_class width = { sizeof width, "Width", 1, 3, 0, 0, width_states, width_update, width_result };

static tally_metric *row_own(const class_row *row, tally_context *c, tally_error *err)
{
    tally_metric_options o = TALLY_METRIC_OPTIONS_INIT;
    HEAD(o, c);
    return tally_metric_new(row->eats == DIET_ROWS ? &width : &extent, NULL, 0, &o, err);
}

bool class_sized_late(const class_row *row)
{
    return row->make == row_own && row->eats == DIET_ROWS;
}

#define PLAIN { 0, 0, 0 }, 0, 0, 0, 0, 0, 0, 0
const class_row class_table[] = {
    { "Mean", row_mean, DIET_VALUES, PLAIN },
    { "Mean of rows", row_mean, DIET_ROWS, PLAIN },
    { "Mean of elements", row_mean, DIET_ROWS, { 0, 0, 0 }, 0, 0, 0, 0, 0, 1, 0 },
    { "Sum", row_sum, DIET_VALUES, PLAIN },
    { "Sum of rows", row_sum, DIET_ROWS, PLAIN },
    { "Accuracy", row_accuracy, DIET_PAIRS, PLAIN },
    { "Accuracy of rows", row_accuracy, DIET_PAIR_ROWS, PLAIN },
    { "BinaryAccuracy", row_binary_accuracy, DIET_BINARY, PLAIN },
    { "BinaryAccuracy(0.3)", row_binary_accuracy, DIET_BINARY_ROWS, { 0.3, 0, 0 }, 1, 0, 0, 0, 0, 0, 0 },
    { "CategoricalAccuracy", row_categorical_accuracy, DIET_ONE_HOT, PLAIN },
    { "SparseCategoricalAccuracy", row_sparse_categorical_accuracy, DIET_SPARSE, PLAIN },
    { "Precision", row_precision, DIET_BINARY, PLAIN },
    { "Precision(0.2, 0.7)", row_precision, DIET_BINARY_ROWS, { 0.2, 0.7, 0 }, 2, 0, 0, 0, 0, 0, 0 },
    { "Precision(0, 0.5, 1)", row_precision, DIET_BINARY, { 0, 0.5, 1 }, 3, 0, 0, 0, 0, 0, 0 },
    { "Precision(class_id 2)", row_precision, DIET_BINARY_ROWS, { 0, 0, 0 }, 0, 3, 0, 0, 0, 0, 0 },
    { "Recall", row_recall, DIET_BINARY, PLAIN },
    { "Recall(top_k 2)", row_recall, DIET_BINARY_ROWS, { 0, 0, 0 }, 0, 0, 2, 0, 0, 0, 0 },
    { "Recall(0.4, top_k 3, class_id 1)", row_recall, DIET_BINARY_ROWS, { 0.4, 0, 0 }, 1, 2, 3, 0, 0, 0, 0 },
    { "MeanSquaredError", row_mean_squared_error, DIET_PAIRS, PLAIN },
    { "MeanSquaredError of rows", row_mean_squared_error, DIET_PAIR_ROWS, PLAIN },
    { "MeanAbsoluteError", row_mean_absolute_error, DIET_PAIRS, PLAIN },
    { "MeanAbsoluteError of rows", row_mean_absolute_error, DIET_PAIR_ROWS, PLAIN },
    { "BinaryCrossentropy", row_binary_crossentropy, DIET_BINARY, PLAIN },
    { "BinaryCrossentropy(smoothing)", row_binary_crossentropy, DIET_BINARY_ROWS, { 0, 0, 0 }, 0, 0, 0, 0, 0, 0, 0.125 },
    { "BinaryCrossentropy(logits)", row_binary_crossentropy, DIET_BINARY_ROWS, { 0, 0, 0 }, 0, 0, 0, 1, 0, 0, 0 },
    { "SparseCategoricalCrossentropy", row_sparse_categorical_crossentropy, DIET_SPARSE, PLAIN },
    { "SparseCategoricalCrossentropy(logits)", row_sparse_categorical_crossentropy, DIET_SPARSE, { 0, 0, 0 }, 0, 0, 0, 1, 0, 0, 0 },
    { "SparseCategoricalCrossentropy(ignore 2)", row_sparse_categorical_crossentropy, DIET_SPARSE, { 0, 0, 0 }, 0, 0, 0, 0, 2, 0, 0 },
    { "own class, four kinds of state", row_own, DIET_VALUES, PLAIN },
    { "own class, width of the first batch", row_own, DIET_ROWS, PLAIN },
};
const int class_count = (int)(sizeof class_table / sizeof *class_table);

/* ---- data ---- */

/* eighths, so that every float dtype holds it; wide values where the dtype has room for them */
static number any_value(test_rng *r, int dtype)
{
    double v = (double)(int64_t)test_below(r, 2000) / 8 - 100;
    if (dtype == TALLY_F64 || dtype == TALLY_F32)
        v = ldexp(v, (int)test_below(r, 60) - 40) * (1 + test_unit(r));
    return number_float(v);
}

static void fill_operand(array *a, diet d, bool truth, test_rng *r)
{
    int64_t hot = 0, width_here = a->rank == 2 ? a->shape[1] : 1;
    for (int64_t k = 0; k < a->n; k++) {
        if (k % width_here == 0)
            hot = (int64_t)test_below(r, 4);
        if (truth && (d == DIET_BINARY || d == DIET_BINARY_ROWS))
            array_put(a, k, number_int((int64_t)test_below(r, 2)));
        else if (truth && d == DIET_ONE_HOT)
            array_put(a, k, number_int(k % width_here == hot));
        else if (truth && d == DIET_SPARSE)
            array_put(a, k, number_int((int64_t)test_below(r, 4)));
        else if (d >= DIET_BINARY)
            array_put(a, k, number_float((double)(1 + test_below(r, 250)) / 256 + (dtype_bytes(a->dtype) > 2 ? test_unit(r) / 256 : 0)));
        else if (d == DIET_PAIRS || d == DIET_PAIR_ROWS)
            array_put(a, k, test_below(r, 2) ? number_float((double)test_below(r, 3)) : any_value(r, a->dtype));
        else
            array_put(a, k, any_value(r, a->dtype));
    }
}

static int truth_dtype(diet d, test_rng *r, int dtype)
{
    static const int whole[] = { TALLY_I32, TALLY_I64, TALLY_U8, TALLY_F32 };
    if (d == DIET_SPARSE)
        return whole[test_below(r, 3)];
    if (d == DIET_BINARY || d == DIET_BINARY_ROWS)
        return whole[test_below(r, 4)] == TALLY_F32 ? dtype : TALLY_I32;
    return dtype;
}

meal meal_make(const class_row *row, test_rng *r, pool *p, int64_t n, int dtype, weighting w)
{
    diet    d = row->eats;
    bool    two = d >= DIET_PAIRS, y_rows = d == DIET_PAIR_ROWS || d == DIET_BINARY_ROWS || d == DIET_ONE_HOT;
    bool    p_rows = y_rows || d == DIET_ROWS || d == DIET_SPARSE;
    int64_t shape[2] = { n, 4 };
    meal    m = { 0, { NULL, NULL, NULL } };
    if (two) {
        m.operand[m.n] = array_new(p, truth_dtype(d, r, dtype), y_rows ? 2 : 1, shape);
        fill_operand(m.operand[m.n++], d, true, r);
    }
    m.operand[m.n] = array_new(p, dtype, p_rows ? 2 : 1, shape);
    fill_operand(m.operand[m.n++], d, false, r);
    if (w == WEIGHT_NONE)
        return m;
    array *a = m.operand[m.n++] = array_new(p, dtype, 1, shape);
    for (int64_t k = 0; k < n; k++)
        array_put(a, k, number_float(w == WEIGHT_ONE ? 1 : w == WEIGHT_FOUR ? 4 : (double)test_below(r, 9) / 4));
    return m;
}

meal meal_rows(const meal *m, pool *p, const int64_t *at, int64_t n)
{
    meal part = { m->n, { NULL, NULL, NULL } };
    for (int k = 0; k < m->n; k++) {
        const array *from = m->operand[k];
        int64_t      shape[2] = { n, from->rank == 2 ? from->shape[1] : 1 };
        array       *a = part.operand[k] = array_new(p, from->dtype, from->rank, shape);
        size_t       row = (size_t)shape[1] * dtype_bytes(a->dtype);
        for (int64_t j = 0; j < n; j++)
            memcpy((unsigned char *)a->data + (size_t)j * row, (const unsigned char *)from->data + (size_t)at[j] * row, row);
    }
    return part;
}

tally_status meal_update(tally_metric *m, const meal *f, tally_error *err)
{
    tally_tensor        x[3];
    const tally_tensor *pointer[3];
    for (int k = 0; k < f->n; k++) {
        x[k] = array_view(f->operand[k]);
        pointer[k] = &x[k];
    }
    return tally_metric_update_state_n(m, pointer, f->n, err);
}

bytes class_pack(pool *p, const tally_metric *m)
{
    bytes b;
    b.n = tally_metric_pack(m, NULL, 0);
    b.at = pool_alloc(p, b.n);
    if (tally_metric_pack(m, b.at, b.n) != b.n)
        b.n = 0;
    return b;
}

bool bytes_equal(bytes a, bytes b)
{
    return a.n == b.n && a.n && !memcmp(a.at, b.at, a.n);
}
