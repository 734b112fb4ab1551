/* classes: every class of the library with each of its options, from the list that the library itself gives, and two own
 * classes; data that suits each. */
#include "../../src/metric/metric.h"
#include "classes.h"

enum { ROWS_MOST = 512, TEXT_ROOM = 256 };
static class_row rows[ROWS_MOST];
static char      texts[ROWS_MOST][TEXT_ROOM];
const class_row *class_table = rows;
int              class_count;

static tally_metric *from_text(const class_row *row, tally_context *c, tally_error *err)
{
    return tally_metric_from_text(row->name, c, err);
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
    o.context = c;
    return tally_metric_new(row->eats == DIET_ROWS ? &width : &extent, NULL, 0, &o, err);
}

/* ---- MeanMetricWrapper ---- */

static tally_node wrapped(tally_trace *t, tally_node y, tally_node p, const void *config)
{
    const double *factor = config;
    (void)t;
    return tally_mul(tally_square(tally_sub(p, y)), tally_num(*factor));
}

static tally_metric *row_wrapper(const class_row *row, tally_context *c, tally_error *err)
{
    const double         factor = .5;
    tally_metric_options o = TALLY_METRIC_OPTIONS_INIT;
    (void)row;
    o.context = c;
    return tally_mean_metric_wrapper_new(wrapped, &factor, sizeof factor, &o, err);
}

static bool any_state(const class_row *row, bool (*is)(const tally_state_spec *s))
{
    bool                      any = false;
    tally_metric             *m = row->make(row, NULL, NULL);
    const tally_metric_class *k = &tally__class_of(tally__store_of_metric(m)->schema)->face;
    for (int i = 0; i < k->n_states; i++)
        any |= is(&k->states[i]);
    tally_metric_release(m);
    return any;
}

static bool is_sized_late(const tally_state_spec *s)
{
    return (s->rank > 0 && s->shape[0] < 0) || (s->rank > 1 && s->shape[1] < 0);
}

static bool is_count(const tally_state_spec *s)
{
    return s->kind == TALLY_STATE_COUNT;
}

bool class_sized_late(const class_row *row)
{
    return any_state(row, is_sized_late);
}

bool class_counts(const class_row *row)
{
    return any_state(row, is_count);
}

tally_metric *class_with_policy(const class_row *row, const char *nan, tally_error *err)
{
    char         text[TEXT_ROOM + 32];
    const size_t n = strcspn(row->name, ")");
    if (row->make != from_text)
        return NULL;
    snprintf(text, sizeof text, "%.*s%snan=%s)", (int)n, row->name, row->name[n] ? ", " : "(", nan);
    return tally_metric_from_text(text, NULL, err);
}

bool class_same_states(const tally_metric *a, const tally_metric *b)
{
    const tally__store *s = tally__store_of_metric(a), *t = tally__store_of_metric(b);
    bool                same = true;
    for (int i = 0; i < tally__class_of(s->schema)->face.n_states; i++)
        same &= tally__cell_same(&s->cell[i], &t->cell[i]);
    return same;
}

/* ---- the table ---- */

static void add_row(const char *name, tally_metric *(*make)(const class_row *, tally_context *, tally_error *), diet eats, bool batch)
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
    tally_metric *m = row->make(row, NULL, &err);
    if (!m)
        fail_msg("%s: %s", row->name, err.text);
    const meal whole = meal_make(row, &r, p, 2, TALLY_F32, WEIGHT_NONE), two = meal_rows(&whole, p, at, 2);
    const bool taken = !meal_update(m, &two, &err);
    tally_metric_release(m);
    pool_free(p);
    return taken;
}

/* The options of a class may change what it eats: ids or scores. */
static diet eaten(const char *name, diet d)
{
    static const diet other[] = { DIET_SPARSE, DIET_HOT_LABELS, DIET_ONE_HOT };
    class_row row = { name, from_text, d, false };
    for (size_t i = 0; i < TALLY__COUNT(other) && !takes(&row); i++)
        row.eats = other[i];
    return row.eats;
}

/* The default eats vectors, where the class can; the options need the axis of rows that they speak of. */
static void add_class(const tally_metric_description *d)
{
    static const diet vectors[] = {
        DIET_VALUES, DIET_PAIRS, DIET_PAIR_ROWS, DIET_LABELS, DIET_COUNTS, DIET_BINARY, DIET_ONE_HOT, DIET_SPARSE };
    static const diet with_rows[] = {
        DIET_ROWS, DIET_PAIR_ROWS, DIET_PAIR_ROWS, DIET_LABELS, DIET_COUNT_ROWS, DIET_BINARY_ROWS, DIET_ONE_HOT, DIET_SPARSE };
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
    add_row("MeanMetricWrapper", row_wrapper, DIET_PAIR_ROWS, false);
    add_row("own class, four kinds of state", row_own, DIET_VALUES, false);
    add_row("own class, width of the first batch", row_own, DIET_ROWS, false);
}

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
        if (d == DIET_LABELS || (d == DIET_HOT_LABELS && !truth))
            array_put(a, k, number_int((int64_t)test_below(r, 4)));
        else if (d == DIET_COUNTS || d == DIET_COUNT_ROWS)
            array_put(a, k, number_float(truth ? (double)test_below(r, 5) : (double)(1 + test_below(r, 200)) / 16));
        else if (truth && (d == DIET_BINARY || d == DIET_BINARY_ROWS))
            array_put(a, k, number_int((int64_t)test_below(r, 2)));
        else if (truth && (d == DIET_ONE_HOT || d == DIET_HOT_LABELS))
            array_put(a, k, number_int(k % width_here == hot));
        else if (truth && d == DIET_SPARSE)
            array_put(a, k, number_int((int64_t)test_below(r, 4)));
        else if (d >= DIET_BINARY)
            array_put(a, k, number_float((double)(1 + test_below(r, 250)) / 256 + (dtype_bytes(a->dtype) > 2 ? test_unit(r) / 256 : 0)));
        else if (d == DIET_PAIR_ROWS && k % width_here == 0)
            array_put(a, k, number_float(3 + (double)test_below(r, 3) / 2));        /* a row of one number has no correlation */
        else if (d == DIET_PAIRS || d == DIET_PAIR_ROWS)
            array_put(a, k, test_below(r, 2) ? number_float((double)test_below(r, 3)) : any_value(r, a->dtype));
        else
            array_put(a, k, any_value(r, a->dtype));
    }
}

static int truth_dtype(diet d, test_rng *r, int dtype)
{
    static const int whole[] = { TALLY_I32, TALLY_I64, TALLY_U8, TALLY_F32 };
    if (d == DIET_SPARSE || d == DIET_LABELS)
        return whole[test_below(r, 3)];
    if (d == DIET_BINARY || d == DIET_BINARY_ROWS)
        return whole[test_below(r, 4)] == TALLY_F32 ? dtype : TALLY_I32;
    return dtype;
}

meal meal_make(const class_row *row, test_rng *r, pool *p, int64_t n, int dtype, weighting w)
{
    diet    d = row->eats;
    bool    two = d >= DIET_PAIRS, hot = d == DIET_ONE_HOT || d == DIET_HOT_LABELS;
    bool    y_rows = d == DIET_PAIR_ROWS || d == DIET_COUNT_ROWS || d == DIET_BINARY_ROWS || hot;
    bool    p_rows = (y_rows && d != DIET_HOT_LABELS) || d == DIET_ROWS || d == DIET_SPARSE;
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
