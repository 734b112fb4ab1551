/* The self-test of a class: sound classes of every kind pass, and each law is broken by a wrong one on purpose, which must be told
 * with law, state, both values and the case. Where no body can break a law, wrong makers of metrics do. */
#include "../support.h"

#include "../../src/selftest/selftest.h"

static tally_selftest_options options(void)
{
    tally_selftest_options o = TALLY_SELFTEST_OPTIONS_INIT;
    return o;
}

/* ---- one state, in the forms that a class may need */

static const tally_state_spec total[] = { { "total", TALLY_STATE_SUM, 0, { 0, 0 } } };

static tally_node first_state(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return s[0];
}

static tally_metric_class one_state(const char *name, void (*update)(tally_trace *t, const tally_update *u))
{
    const tally_metric_class k = { sizeof k, name, 1, 1, 0, 0, total, update, first_state };
    return k;
}

static tally_node weight_or_one(const tally_update *u, tally_node x)
{
    return u->weight.trace ? u->weight : tally_ones_like(x);
}

static void sum_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
}

static tally_node rows_of(tally_node x)
{
    return tally_cast(tally_dim(x, 0), TALLY_F64);
}

/* ---- sound classes */

static void expect_sound(const tally_metric_class *k, const tally_selftest_options *o)
{
    tally_error err = { 0, -1, "" };
    assert_ok(tally_metric_selftest(k, NULL, 0, o, &err), &err);
}

static void a_sum_is_sound(void **state)
{
    const tally_metric_class k = one_state("Total", sum_update);
    (void)state;
    expect_sound(&k, NULL);
}

static void four_update(tally_trace *t, const tally_update *u)
{
    tally_node d = tally_sub(u->operand[1], u->operand[0]);
    for (int i = 0; i < 4; i++)
        tally_accumulate(t, u, i, d, u->weight);
}

static void last_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
    tally_accumulate_at(t, u, 1, 0, tally_cast(u->operand[0], TALLY_I32), u->operand[0], u->weight);
}

/* its laws are those that keep the order of rows and batches */
static void what_was_last_is_sound(void **state)
{
    const tally_state_spec   last[] = { { "last", TALLY_STATE_LAST, 0, { 0, 0 } }, { "of each", TALLY_STATE_LAST, 1, { 3, 0 } } };
    const tally_metric_class k = { sizeof k, "Last", 1, 2, 0, 0, last, last_update, first_state };
    (void)state;
    expect_sound(&k, NULL);
}

static void all_kinds_of_state_are_sound(void **state)
{
    const tally_state_spec four[] = { { "sum", TALLY_STATE_SUM, 0, { 0, 0 } }, { "count", TALLY_STATE_COUNT, 0, { 0, 0 } },
                                      { "low", TALLY_STATE_MIN, 0, { 0, 0 } }, { "high", TALLY_STATE_MAX, 0, { 0, 0 } } };
    const tally_metric_class k = { sizeof k, "Four", 2, 4, 0, 0, four, four_update, first_state };
    (void)state;
    expect_sound(&k, NULL);
}

static void columns_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
}

static void a_state_sized_by_the_first_batch_is_sound(void **state)
{
    const tally_state_spec   late[] = { { "columns", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(0, 1), 0 } } };
    const tally_metric_class k = { sizeof k, "Columns", 1, 1, 1, 0, late, columns_update, first_state };
    (void)state;
    expect_sound(&k, NULL);
}

/* the mean of each batch: 0 for one without rows */
static void batch_mean_update(tally_trace *t, const tally_update *u)
{
    tally_node x = tally_cast(u->operand[0], TALLY_F64), w = tally_cast(weight_or_one(u, u->operand[0]), TALLY_F64);
    if (tally_node_rank(w) < tally_node_rank(x))
        w = tally_broadcast_like(tally_node_rank(w) ? tally_expand_dims(w, -1) : w, x);
    tally_accumulate(t, u, 0, tally_div_no_nan(tally_reduce_sum(tally_mul(x, w)), tally_reduce_sum(w)), u->operand[3]);
}

static void a_class_that_depends_on_batches_is_sound_if_it_says_so(void **state)
{
    const tally_metric_class k = one_state("BatchMean", batch_mean_update);
    tally_selftest_options   o = options();
    (void)state;
    o.batch = 1;
    o.operands = TALLY_OPERANDS_VALUES;
    expect_sound(&k, &o);
}

/* [n,2,3], [n] of int16, [n,2]: of one's own making */
static void three_update(tally_trace *t, const tally_update *u)
{
    tally_node x = tally_sum(u->operand[0], -1);
    tally_node id = tally_cast(u->operand[1], tally_node_dtype(x));
    tally_accumulate(t, u, 0, tally_mul(tally_sub(x, u->operand[2]), tally_expand_dims(id, 1)), u->weight);
}

static void three_sample(void *user, uint64_t seed, double *const *row)
{
    ++*(int *)user;
    for (int k = 0; k < 6; k++)
        row[0][k] = (double)(seed >> 4 * k & 15) - 8;
    row[1][0] = (double)(seed >> 40 & 255) - 128;
    row[2][0] = row[2][1] = (double)(seed >> 50) / 64;
}

static void operands_may_be_of_ones_own_making(void **state)
{
    const tally_selftest_operand operand[] = {
        { TALLY_SELFTEST_FLOATS, 3, { 2, 3 } }, { TALLY_I16, 1, { 0 } }, { TALLY_SELFTEST_FLOATS, 2, { 2 } } };
    const tally_metric_class     k = { sizeof k, "Three", 3, 1, 0, 0, total, three_update, first_state };
    tally_selftest_options       o = options();
    tally_error                  err = { 0, -1, "" };
    int                          samples = 0;
    (void)state;
    o.operand = operand;
    o.n_operands = 3;
    o.sample = three_sample;
    o.user = &samples;
    assert_ok(tally_metric_selftest(&k, NULL, 0, &o, &err), &err);
    assert_true(samples > 1000);
}

typedef struct power_config { double power; } power_config;

static void power_update(tally_trace *t, const tally_update *u)
{
    const power_config *c = u->config;
    tally_accumulate(t, u, 0, tally_mul(u->operand[0], tally_num(c->power)), u->weight);
}

static void bits_are_those_of_class_seed_and_configuration(void **state)
{
    const tally_metric_class k = one_state("Power", power_update);
    power_config             two = { 2 }, three = { 3 };
    tally_selftest_options   o = options();
    tally_error              err = { 0, -1, "" };
    uint64_t                 bits[4] = { 0 };
    (void)state;
    o.percent = 10;
    for (int i = 0; i < 4; i++) {
        o.seed = i == 3 ? 9 : 1;
        o.bits = &bits[i];
        assert_ok(tally_metric_selftest(&k, i == 2 ? &three : &two, sizeof two, &o, &err), &err);
    }
    assert_true(bits[0] && bits[0] == bits[1] && bits[0] != bits[2] && bits[0] != bits[3]);
}

/* ---- wrong classes */

static const char *const law_name[] = {
#define LAW_NAME(id, name, flags) name,
    TALLY__LAWS(LAW_NAME)
};
enum { LAWS = sizeof law_name / sizeof law_name[0] };
static bool is_broken[LAWS];           /* some test here has broken it */

/* "Class: law, ..." */
static void note_law(const tally_error *err)
{
    const char *law = strstr(err->text, ": ");
    for (int i = 0; law && i < LAWS; i++)
        if (!strncmp(law + 2, law_name[i], strlen(law_name[i])) && law[2 + strlen(law_name[i])] == ',')
            is_broken[i] = true;
}

static void no_rows_update(tally_trace *t, const tally_update *u)
{
    tally_assert(t, tally_gt(tally_dim(u->operand[0], 0), tally_num(0)), "a row at least");
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
}

static void first_row_update(tally_trace *t, const tally_update *u)
{
    tally_node zero = tally_i64(t, 0), n = tally_minimum(tally_dim(u->operand[0], 0), tally_num(1));
    tally_accumulate(t, u, 0, tally_slice(u->operand[0], 0, zero, n), u->operand[3]);
}

static void unweighted_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->operand[3]);
}

static void squared_weight_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight.trace ? tally_square(u->weight) : u->weight);
}

/* what came before decides the sign */
static void own_state_update(tally_trace *t, const tally_update *u)
{
    tally_node sign = tally_select(tally_gt(tally_result(t, u->self), tally_num(0)), tally_f64(t, -1.5), tally_f64(t, 1));
    tally_accumulate(t, u, 0, tally_mul(tally_cast(u->operand[0], TALLY_F64), sign), u->weight);
}

/* rows are counted past the NaN policy */
static void counts_update(tally_trace *t, const tally_update *u)
{
    tally_node w = tally_cast(weight_or_one(u, u->operand[0]), TALLY_F64), n = tally_reduce_sum(w);
    if (!tally_node_rank(w))
        n = tally_mul(w, rows_of(u->operand[0]));
    tally_accumulate(t, u, 0, n, u->operand[3]);
}

static int recordings;

static void recordings_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, tally_mul(u->operand[0], tally_num(++recordings)), u->weight);
}

static tally_node recordings_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_mul(s[0], tally_num(++recordings));
}

/* the first two recordings are those of an eager result and its sizes */
static tally_node eager_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_mul(s[0], tally_num(++recordings > 2 ? 2 : 1));
}

static void not_five_update(tally_trace *t, const tally_update *u)
{
    tally_assert(t, tally_ne(tally_dim(u->operand[0], 0), tally_num(5)), "not five");
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
}

static void nothing_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, tally_zeros_like(u->operand[0]), u->weight);
}

typedef struct offender {
    void      (*update)(tally_trace *t, const tally_update *u);
    const char *law;                   /* this one alone; NULL: all are tried */
    const char *text[3];               /* all of these stand in the error */
} offender;

static void expect_text(const tally_error *err, tally_status status, const char *const *text)
{
    note_law(err);
    for (int i = 0; i < 3 && text[i]; i++)
        assert_error_has(err, status, text[i]);
}

static void a_wrong_class_is_told_by_the_law_that_it_breaks(void **state)
{
    static const offender row[] = {
        { no_rows_update, NULL, { "Wrong: zero rows, expected an update, found FAILED_PRECONDITION", "a row at least" } },
        { first_row_update, NULL, { "Wrong: order, rows in another order: total, expected ", ", found ",
                                    "; seed 1, values [n] float32, weights" } },
        { batch_mean_update, NULL, { "Wrong: split, cut into batches: total, expected ", ", found " } },
        { own_state_update, NULL, { "Wrong: split, cut into batches: total, expected " } },
        { own_state_update, "merge", { "Wrong: merge, batches of several metrics: total, expected " } },
        { own_state_update, "threads", { "Wrong: threads, updated by four threads at once: total, expected " } },
        { unweighted_update, NULL, { "Wrong: weights, ", "a weight of 4 for each row: total, expected " } },
        { squared_weight_update, NULL, { "Wrong: weights, a weight of 4 for each row: total, expected " } },
        { counts_update, NULL, { "Wrong: NaN, rows with a NaN skipped: total, expected 15.5, found 0; seed 1, values [n] float32, "
                                 "weights" } },
        { recordings_update, "traced", { "Wrong: traced, ", "total, expected " } },
        { recordings_update, "together", { "Wrong: together, ", "total, expected " } },
        { recordings_update, "alias", { "Wrong: alias, two metrics: total, expected " } },
        { recordings_update, "one trace", { "Wrong: one trace, batches of any size through one function: total, expected " } },
        { recordings_update, "layout", { "Wrong: layout, operands of other strides: total, expected " } },
        { not_five_update, "failure", { "Wrong: failure, expected the call to fail at its assert, found ", "not five" } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const tally_metric_class k = one_state("Wrong", row[i].update);
        tally_selftest_options   o = options();
        tally_error              err = { 0, -1, "" };
        o.law = row[i].law;
        assert_int_equal(tally_metric_selftest(&k, NULL, 0, &o, &err), TALLY_FAILED_PRECONDITION);
        expect_text(&err, TALLY_FAILED_PRECONDITION, row[i].text);
        assert_int_equal(tally_metric_selftest(&k, NULL, 0, &o, NULL), TALLY_FAILED_PRECONDITION);
    }
}

static void expect_wrong_result(const char *law, tally_node (*result)(tally_trace *t, const tally_node *s, const void *config),
                                const char *text)
{
    tally_metric_class     k = one_state("Wrong", sum_update);
    tally_selftest_options o = options();
    tally_error            err = { 0, -1, "" };
    k.result = result;
    o.law = law;
    recordings = 0;
    assert_int_equal(tally_metric_selftest(&k, NULL, 0, &o, &err), TALLY_FAILED_PRECONDITION);
    note_law(&err);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, text);
}

static void a_result_that_changes_with_its_recording_is_told(void **state)
{
    (void)state;
    expect_wrong_result("read", eager_result, "Wrong: read, read after an update in a body: result, expected ");
    expect_wrong_result("forward", eager_result, "Wrong: forward, the value of a batch: result, expected ");
    expect_wrong_result("read", recordings_result, "the body depends on more than its arguments; seed 1, values [n] float32, weights");
}

/* ---- wrong makers: what of a metric is not in its bodies */

typedef struct maker {
    tally_metric *one;                 /* of those that give one again */
    int           made;
} maker;
enum { MADE_FOR_SORTS = 17 };          /* by then it is known which operands are taken: two sorts of values, four dtypes */

static tally_metric *mean_of(tally_context *c, int32_t nan, tally_error *err)
{
    tally_mean_options o = TALLY_MEAN_OPTIONS_INIT;
    o.context = c;
    o.nan = nan;
    return tally_mean_new(&o, err);
}

static tally_metric *make_one_only(void *user, tally_context *c, int32_t nan, tally_error *err)
{
    maker *k = user;
    if (++k->made <= MADE_FOR_SORTS)
        return mean_of(c, nan, err);
    if (!k->one)
        k->one = mean_of(c, nan, err);
    return tally_metric_retain(k->one);
}

static tally_metric *make_used(void *user, tally_context *c, int32_t nan, tally_error *err)
{
    tally_metric *m = mean_of(c, nan, err);
    ++((maker *)user)->made;
    if (m && tally_metric_update_scalar(m, 100))
        tally_metric_release(m), m = NULL;
    return m;
}

static tally_metric *make_others(void *user, tally_context *c, int32_t nan, tally_error *err)
{
    static const tally_metric_class k = { sizeof k, "Power", 1, 1, 0, 0, total, power_update, first_state };
    const power_config              config = { 1 + (double)(++((maker *)user)->made) * 0x1p-40 };
    tally_metric_options            o = TALLY_METRIC_OPTIONS_INIT;
    o.context = c;
    o.nan = nan;
    return tally_metric_new(&k, &config, sizeof config, &o, err);
}

static tally_metric *make_careless_of_nan(void *user, tally_context *c, int32_t nan, tally_error *err)
{
    (void)nan;
    ++((maker *)user)->made;
    return mean_of(c, TALLY_NAN_PROPAGATE, err);
}

static tally_metric *make_careless_of_context(void *user, tally_context *c, int32_t nan, tally_error *err)
{
    (void)c;
    ++((maker *)user)->made;
    return mean_of(NULL, nan, err);
}

/* gives one and holds it */
static tally_metric *make_keeping(void *user, tally_context *c, int32_t nan, tally_error *err)
{
    maker        *k = user;
    tally_metric *m = mean_of(c, nan, err);
    if (++k->made == MADE_FOR_SORTS + 4)
        k->one = tally_metric_retain(m);
    return m;
}

static void a_wrong_maker_is_told_by_the_law_that_it_breaks(void **state)
{
    static const struct {
        tally_selftest_make make;
        const char         *law, *text[3];
    } row[] = {
        { make_one_only, "clone", { "mean: clone, a clone updated: total, expected " } },
        { make_used, "reset", { "mean: reset, reset: total, expected 100, found 0; seed 1, values [n] float32, weights" } },
        { make_used, "text", { "mean: text, Mean(): total, expected " } },
        { make_others, "sizes", { "Power: sizes, updated and reset in a call: expected packed bytes of fingerprint " } },
        { make_others, "merge", { "Power: merge, expected a merge, found INVALID_ARGUMENT: " } },
        { make_others, "unmerge", { "Power: unmerge, expected a merge, found INVALID_ARGUMENT: " } },
        { make_others, "pack", { "Power: pack, expected bytes to come back, found INVALID_ARGUMENT: " } },
        { make_others, "equal", { "Power: equal, batches in another order: " } },
        { make_careless_of_nan, "NaN", { "mean: NaN, ", "total, expected ", ", found nan" } },
        { make_careless_of_context, "steady", { "mean: steady, expected the metric to take memory from its context" } },
        { make_careless_of_context, "memory", { "mean: memory, expected the metric to take memory from its context" } },
        { make_keeping, "memory", { "mean: memory, expected all memory back, found ", " blocks held" } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        maker                  k = { NULL, 0 };
        tally_selftest_options o = options();
        tally_error            err = { 0, -1, "" };
        o.law = row[i].law;
        o.operands = TALLY_OPERANDS_VALUES;
        assert_int_equal(tally_metric_selftest_made(row[i].make, &k, &o, &err), TALLY_FAILED_PRECONDITION);
        expect_text(&err, TALLY_FAILED_PRECONDITION, row[i].text);
        tally_metric_release(k.one);
    }
}

static void every_law_was_broken_by_something(void **state)
{
    (void)state;
    for (int i = 0; i < LAWS; i++)
        if (!is_broken[i])
            fail_msg("nothing here breaks the law \"%s\"", law_name[i]);
}

/* ---- options, and operands that do not suit */

static void expect_wrong(const tally_metric_class *k, const tally_selftest_options *o, const char *text)
{
    tally_error err = { 0, -1, "" };
    assert_int_equal(tally_metric_selftest(k, NULL, 0, o, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, text);
    assert_int_equal(tally_metric_selftest(k, NULL, 0, o, NULL), TALLY_INVALID_ARGUMENT);
}

static void wrong_options_are_named(void **state)
{
    const tally_metric_class     k = one_state("Total", sum_update);
    const tally_selftest_operand vector = { TALLY_F32, 1, { 0 } }, flat = { TALLY_F32, 0, { 0 } }, foreign = { 99, 1, { 0 } },
                                 empty = { TALLY_F32, 2, { 0 } };
    const tally_selftest_operand *wrong[] = { &flat, &foreign, &empty };
    static const char *const     text[] = { "options.operand.rank, expected 1 to 6", "options.operand.dtype, expected",
                                            "options.operand.shape, expected" };
    tally_selftest_options       o = options();
    tally_error                  err;
    (void)state;
    o.size = 8;
    expect_wrong(&k, &o, "selftest: options.size, expected what the initializer sets, found 8");
    o = options(), o.operands = 77;
    expect_wrong(&k, &o, "options.operands, expected one of tally_metric_operands, or TALLY_NONE, found 77");
    o = options(), o.dtype = TALLY_I32;
    expect_wrong(&k, &o, "options.dtype, expected 0 or a float dtype, found 7");
    o = options(), o.percent = 0;
    expect_wrong(&k, &o, "options.percent, expected 1 to 100, found 0");
    o = options(), o.law = "gravity";
    expect_wrong(&k, &o, "options.law, expected NULL or the name of a law, found gravity");
    o = options(), o.operand = &vector, o.n_operands = 1;
    expect_wrong(&k, &o, "options.sample, expected both of operand and sample");
    o.sample = three_sample, o.n_operands = 5;
    expect_wrong(&k, &o, "options.n_operands, expected 1 to 4, found 5");
    for (int i = 0; i < 3; i++) {
        o.n_operands = 1, o.operand = wrong[i];
        expect_wrong(&k, &o, text[i]);
    }
    assert_int_equal(tally_metric_selftest_made(NULL, NULL, NULL, &err), TALLY_INVALID_ARGUMENT);
    expect_wrong(NULL, NULL, "metric: class, expected a tally_metric_class, found NULL");
}

static void operands_that_do_not_suit_are_told(void **state)
{
    const tally_metric_class sum = one_state("Total", sum_update), none = one_state("Nothing", nothing_update);
    tally_selftest_options   o = options();
    (void)state;
    o.operands = TALLY_OPERANDS_IDS;
    expect_wrong(&sum, &o, "Total: expected operands that it takes and keeps, found Total: operands, expected 1 (values)");
    expect_wrong(&none, NULL, "Nothing: expected operands that it takes and keeps, found that its states stay as they are");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_is_sound),
        cmocka_unit_test(all_kinds_of_state_are_sound),
        cmocka_unit_test(what_was_last_is_sound),
        cmocka_unit_test(a_state_sized_by_the_first_batch_is_sound),
        cmocka_unit_test(a_class_that_depends_on_batches_is_sound_if_it_says_so),
        cmocka_unit_test(operands_may_be_of_ones_own_making),
        cmocka_unit_test(bits_are_those_of_class_seed_and_configuration),
        cmocka_unit_test(a_wrong_class_is_told_by_the_law_that_it_breaks),
        cmocka_unit_test(a_result_that_changes_with_its_recording_is_told),
        cmocka_unit_test(a_wrong_maker_is_told_by_the_law_that_it_breaks),
        cmocka_unit_test(every_law_was_broken_by_something),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(operands_that_do_not_suit_are_told),
    };
    return cmocka_run_group_tests_name("selftest", tests, NULL, NULL);
}
