/* classes: every class of the library with each of its options, from the list that the library itself gives, and two own
 * classes; data that suits each. */
#include "classes.h"

enum { ROWS_MOST = 512, TEXT_ROOM = 256 };
static class_row rows[ROWS_MOST];
static char      texts[ROWS_MOST][TEXT_ROOM];
const class_row *class_table = rows;
int              class_count;

/* "Class(option=value)" with ", nan=skip" in it */
static tally_metric *from_text(const class_row *row, tally_context *c, int32_t nan, tally_error *err)
{
    static const char *const policy[] = { "propagate", "skip", "error" };
    char                     text[TEXT_ROOM + 32];
    const size_t             n = strcspn(row->name, ")");
    if (nan == TALLY_NAN_PROPAGATE)
        return tally_metric_from_text(row->name, c, err);
    snprintf(text, sizeof text, "%.*s%snan=%s)", (int)n, row->name, row->name[n] ? ", " : "(", policy[nan]);
    return tally_metric_from_text(text, c, err);
}

tally_metric *class_make(void *user, tally_context *c, int32_t nan, tally_error *err)
{
    const class_row *row = user;
    return row->make(row, c, nan, err);
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

static tally_metric *row_own(const class_row *row, tally_context *c, int32_t nan, tally_error *err)
{
    tally_metric_options o = TALLY_METRIC_OPTIONS_INIT;
    o.context = c;
    o.nan = nan;
    return tally_metric_new(row->eats == TALLY__SORT_VALUE_ROWS ? &width : &extent, NULL, 0, &o, err);
}

/* ---- MeanMetricWrapper ---- */

static tally_node wrapped(tally_trace *t, tally_node y, tally_node p, const void *config)
{
    const double *factor = config;
    (void)t;
    return tally_mul(tally_square(tally_sub(p, y)), tally_num(*factor));
}

static tally_metric *row_wrapper(const class_row *row, tally_context *c, int32_t nan, tally_error *err)
{
    const double         factor = .5;
    tally_metric_options o = TALLY_METRIC_OPTIONS_INIT;
    (void)row;
    o.context = c;
    o.nan = nan;
    return tally_mean_metric_wrapper_new(wrapped, &factor, sizeof factor, &o, err);
}

/* ---- the table ---- */

static void add_row(const char *name, tally_metric *(*make)(const class_row *, tally_context *, int32_t, tally_error *), tally__sort_id eats,
                    bool batch)
{
    assert_true(class_count < ROWS_MOST);
    snprintf(texts[class_count], TEXT_ROOM, "%s", name);
    rows[class_count] = (class_row){ texts[class_count], make, eats, batch };
    class_count++;
}

/* "Class(option=example, ...)": option i, all for i < -1, and always those that must be given */
static void spell(char *to, const tally_metric_description *d, int which)
{
    const char *between = "(";
    size_t      n = (size_t)snprintf(to, TEXT_ROOM, "%s", d->class_name);
    for (int i = 0; i < d->n_options; i++) {
        const tally_metric_option *o = tally_metric_option_at(d->class_name, i);
        if (which != i && which >= -1 && o->standard[0])
            continue;
        n += (size_t)snprintf(to + n, TEXT_ROOM - n, "%s%s=%s", between, o->name, o->example);
        between = ", ";
    }
    snprintf(to + n, TEXT_ROOM - n, "%s", *between == ',' ? ")" : "");
}

/* does this metric take two rows of it? */
static bool takes(const class_row *row)
{
    static const int64_t at[2] = { 0, 1 };
    tally_error   err;
    pool         *p = pool_new();
    test_rng      r = { 1 };
    tally_metric *m = row->make(row, NULL, TALLY_NAN_PROPAGATE, &err);
    if (!m)
        fail_msg("%s: %s", row->name, err.text);
    const meal whole = meal_make(row, &r, p, 2, TALLY_F32, WEIGHT_NONE), two = meal_rows(&whole, p, at, 2);
    const bool taken = !meal_update(m, &two, &err);
    tally_metric_release(m);
    pool_free(p);
    return taken;
}

/* The options of a class may change what it eats: ids or scores. */
static tally__sort_id eaten(const char *name, tally__sort_id d)
{
    static const tally__sort_id other[] = { TALLY__SORT_IDS, TALLY__SORT_HOT_LABELS, TALLY__SORT_ONE_HOT };
    class_row row = { name, from_text, d, false };
    for (size_t i = 0; i < sizeof other / sizeof other[0] && !takes(&row); i++)
        row.eats = other[i];
    return row.eats;
}

/* The default eats vectors, where the class can; the options need the axis of rows that they speak of. */
static void add_class(const tally_metric_description *d)
{
    static const tally__sort_id vectors[] = {
        TALLY__SORT_VALUES, TALLY__SORT_PAIRS, TALLY__SORT_PAIR_ROWS, TALLY__SORT_LABELS, TALLY__SORT_COUNTS, TALLY__SORT_BINARY,
        TALLY__SORT_ONE_HOT, TALLY__SORT_IDS };
    static const tally__sort_id with_rows[] = {
        TALLY__SORT_VALUE_ROWS, TALLY__SORT_PAIR_ROWS, TALLY__SORT_PAIR_ROWS, TALLY__SORT_LABELS, TALLY__SORT_COUNT_ROWS,
        TALLY__SORT_BINARY_ROWS, TALLY__SORT_ONE_HOT, TALLY__SORT_IDS };
    char text[TEXT_ROOM];
    spell(text, d, -1);
    add_row(text, from_text, with_rows[d->operands], d->batch);
    if (vectors[d->operands] != with_rows[d->operands])
        add_row(text, from_text, vectors[d->operands], d->batch);
    for (int i = 0; i < d->n_options; i++) {
        spell(text, d, i);
        add_row(text, from_text, eaten(text, with_rows[d->operands]), d->batch);
    }
    if (d->n_options > 1) {
        spell(text, d, -2);
        add_row(text, from_text, eaten(text, with_rows[d->operands]), d->batch);
    }
}

/* before main: every program of the laws finds the table made */
__attribute__((constructor)) static void make_table(void)
{
    tally_metric_description d;
    for (int i = 0; !tally_metric_describe(NULL, i, &d); i++)
        add_class(&d);
    add_row("MeanMetricWrapper", row_wrapper, TALLY__SORT_PAIR_ROWS, false);
    add_row("own class, four kinds of state", row_own, TALLY__SORT_VALUES, false);
    add_row("own class, width of the first batch", row_own, TALLY__SORT_VALUE_ROWS, false);
}

/* ---- data ---- */

static int operand_dtype(const tally_selftest_operand *s, test_rng *r, int dtype)
{
    static const int whole[] = { TALLY_I32, TALLY_I64, TALLY_U8 };
    return s->dtype == TALLY_SELFTEST_WHOLES ? whole[test_below(r, 3)] : dtype;
}

static void put_sample(const meal *m, const tally__sort *sort, int64_t k, uint64_t seed)
{
    double  v[TALLY__SORT_OPERANDS][TALLY__SORT_WIDTH];
    double *row[TALLY__SORT_OPERANDS] = { v[0], v[1], v[2], v[3] };
    sort->sample(sort->user, seed, row);
    for (int i = 0; i < sort->n; i++) {
        const int64_t columns = m->operand[i]->rank == 2 ? TALLY__SORT_WIDTH : 1;
        for (int64_t j = 0; j < columns; j++)
            array_put(m->operand[i], k * columns + j, number_float(v[i][j]));
    }
}

meal meal_make(const class_row *row, test_rng *r, pool *p, int64_t n, int dtype, weighting w)
{
    const tally__sort *sort = &tally__sort_row[row->eats];
    const int64_t      shape[2] = { n, TALLY__SORT_WIDTH };
    meal               m = { 0, { NULL, NULL, NULL } };
    for (; m.n < sort->n; m.n++)
        m.operand[m.n] = array_new(p, operand_dtype(&sort->operand[m.n], r, dtype), sort->operand[m.n].rank, shape);
    for (int64_t k = 0; k < n; k++)
        put_sample(&m, sort, k, test_next(r));
    if (w == WEIGHT_NONE)
        return m;
    array *a = m.operand[m.n++] = array_new(p, dtype, 1, shape);
    for (int64_t k = 0; k < n; k++)
        array_put(a, k, number_float((double)test_below(r, 9) / 4));
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
