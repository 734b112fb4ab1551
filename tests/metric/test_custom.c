/* Classes of one's own: perplexity with an ignored id, R2 with a state per column, extrema and counts; what a class may not
 * be, and what accumulate refuses. */
#include "feed.h"

/* ---- perplexity */
typedef struct perplexity_config { int64_t ignore; } perplexity_config;
enum { NLL, TOKENS };
static const tally_state_spec perplexity_states[] = { { "nll", TALLY_STATE_SUM, 0, { 0, 0 } }, { "tokens", TALLY_STATE_SUM, 0, { 0, 0 } } };

static void perplexity_update(tally_trace *t, const tally_update *u)
{
    const perplexity_config *c = u->config;
    tally_node               ids = u->operand[0], p = u->operand[1], keep = tally_ne(ids, tally_num((double)c->ignore));
    tally_node picked = tally_sum(tally_mul(p, tally_one_hot(ids, tally_dim(p, 1), tally_node_dtype(p))), 1);
    tally_accumulate(t, u, NLL, tally_select(keep, tally_neg(tally_log(picked)), tally_num(0)), u->weight);
    tally_accumulate(t, u, TOKENS, tally_cast(keep, tally_node_dtype(p)), u->weight);
}

static tally_node perplexity_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_exp(tally_ratio(s[NLL], s[TOKENS]));
}

static const tally_metric_class perplexity = { sizeof(tally_metric_class), "Perplexity", 2, 2, 0, -1, perplexity_states,
                                               perplexity_update, perplexity_result };

static tally_metric *make_perplexity(int64_t ignore, tally_error *err)
{
    const perplexity_config c = { ignore };
    return tally_metric_new(&perplexity, &c, sizeof c, NULL, err);
}

static void perplexity_ignores_its_id(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = make_perplexity(-100, &err), *other = make_perplexity(-1, &err);
    assert_int_equal(tally_metric_is_defined(m), 0);
    assert_ok(feed_as(m, V(3, 0, -100, 1), TALLY_I32, M(3, 2, .5, .5, .9, .1, .75, .25), TALLY_F32, NULL, 0, &err), &err);
    assert_near(tally_metric_result(m), sqrt(1 / (.5 * .25)));
    assert_int_equal(tally_metric_is_defined(m), 1);
    assert_ok(feed_as(m, V(2, -100, 0), TALLY_I32, M(2, 2, 0, 1, .5, .5), TALLY_F32, V(2, 5, 2), TALLY_F32, &err), &err);
    assert_near(tally_metric_result(m), pow(.5 * .25 * .5 * .5, -1. / 4));
    assert_int_equal(tally_metric_merge_state(m, &other, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found Perplexity \"Perplexity\" with another configuration or definition");
    assert_string_equal(tally_metric_name(m), "Perplexity");
    tally_metric_release(m);
    tally_metric_release(other);
}

/* ---- R2 per column, width from the first batch */
enum { ROWS, SUM, SQUARES, RESIDUAL };
static const tally_state_spec r2_states[] = { { "count", TALLY_STATE_SUM, 0, { 0, 0 } },
                                              { "sum", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(1, 1), 0 } },
                                              { "squared_sum", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(1, 1), 0 } },
                                              { "residual", TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(1, 1), 0 } } };

static void r2_update(tally_trace *t, const tally_update *u)
{
    tally_node y = u->operand[0], p = u->operand[1];
    tally_accumulate(t, u, ROWS, tally_ones_like(tally_column(y, 0)), u->weight);
    tally_accumulate(t, u, SUM, y, u->weight);
    tally_accumulate(t, u, SQUARES, tally_square(y), u->weight);
    tally_accumulate(t, u, RESIDUAL, tally_square(tally_sub(y, p)), u->weight);
}

static tally_node r2_of_columns(const tally_node *s)
{
    tally_node mean = tally_ratio(s[SUM], s[ROWS]), total = tally_sub(s[SQUARES], tally_mul(s[SUM], mean));
    return tally_sub(tally_num(1), tally_div(s[RESIDUAL], total));
}

static tally_node r2_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_reduce_mean(r2_of_columns(s));
}

static tally_node r2_columns_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return r2_of_columns(s);
}

static const tally_metric_class r2 = { sizeof(tally_metric_class), "MyR2", 2, 4, 0, 1, r2_states, r2_update, r2_result };
static const tally_metric_class r2_columns = { sizeof(tally_metric_class), "MyR2", 2, 4, 1, 1, r2_states, r2_update, r2_columns_result };

#define R2_Y M(3, 3, 0, 0, 1, 0, 1, 0, 1, 0, 0)
#define R2_P M(3, 3, .4, .5, .6, .1, .2, .3, .5, .8, .2)

static void r2_takes_its_width_from_the_first_batch(void **state)
{
    (void)state;
    tally_error   err;
    int64_t       shape[TALLY_MAX_RANK];
    double        v[3];
    tally_metric *m = tally_metric_new(&r2, NULL, 0, NULL, &err), *k = tally_metric_new(&r2_columns, NULL, 0, NULL, &err);
    assert_true(isnan(tally_metric_result(m)));
    assert_int_equal(tally_metric_result_shape(k, shape), -1);
    assert_int_equal(tally_metric_is_defined(m), 0);
    assert_int_equal(tally_metric_values(k, v, 3, &err), TALLY_FAILED_PRECONDITION);
    FEED(m, M(1, 1, 1), M(1, 1, 2), NULL);
    FEED(m, M(2, 1, 4, 3), M(2, 1, 4, 4), NULL);
    assert_near(tally_metric_result(m), .57142854);
    assert_bits_f64(state_at(m, SQUARES, 0), 26);
    tally_metric_release(m);
    FEED(k, R2_Y, R2_P, NULL);
    assert_ok(tally_metric_values(k, v, 3, &err), &err);
    assert_near(v[0], .37);
    assert_near(v[1], -1.295);
    assert_near(v[2], .565);
    assert_int_equal(tally_metric_result_shape(k, shape), 1);
    assert_int_equal(shape[0], 3);
    assert_true(isnan(tally_metric_result(k)));
    assert_int_equal(feed(k, M(1, 2, 0, 1), M(1, 2, 0, 1), NULL, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "MyR2: ");
    assert_int_equal(feed(k, V(2, 0, 1), V(2, 0, 1), NULL, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "MyR2: y_pred, expected rank 2 or more (state \"sum\" has the size of its axis 1)");
    tally_metric_reset_state(k);
    FEED(k, R2_Y, M(3, 3, .4, .9, 1.6, .1, 1.2, .6, 1.5, .8, .6), V(3, .8, .1, .4));
    assert_ok(tally_metric_values(k, v, 3, &err), &err);
    assert_near(v[0], .17305559);
    assert_near(v[1], -8.836666);
    assert_near(v[2], -.521);
    tally_metric_release(k);
}

/* ---- extrema and a count; three operands; a NaN policy */
enum { LEAST, MOST, POSITIVE };
static const tally_state_spec range_states[] = { { "least", TALLY_STATE_MIN, 0, { 0, 0 } }, { "most", TALLY_STATE_MAX, 0, { 0, 0 } },
                                                 { "positive", TALLY_STATE_COUNT, 0, { 0, 0 } } };

static void range_update(tally_trace *t, const tally_update *u)
{
    tally_node x = tally_add(tally_add(u->operand[0], u->operand[1]), u->operand[2]);
    tally_accumulate(t, u, LEAST, x, u->weight);
    tally_accumulate(t, u, MOST, x, u->weight);
    tally_accumulate(t, u, POSITIVE, tally_gt(x, tally_num(0)), u->weight);
}

static tally_node range_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_add(tally_sub(s[MOST], s[LEAST]), s[POSITIVE]);
}

static const tally_metric_class range = { sizeof(tally_metric_class), "Range", 3, 3, 0, 0, range_states, range_update, range_result };

static void extrema_and_counts_are_states_too(void **state)
{
    (void)state;
    tally_error          err;
    tally_metric_options o = TALLY_METRIC_OPTIONS_INIT;
    const double         a[] = { 1, -3, NAN, 10 }, b[] = { 1, 1, 1, 1 }, c[] = { 0, 0, 0, NAN };
    tally_tensor         ta = tally_vector(a, 4), tb = tally_vector(b, 4), tc = tally_vector(c, 4);
    const tally_tensor  *operands[] = { &ta, &tb, &tc, &tb };
    o.nan = TALLY_NAN_SKIP;
    tally_metric *m = tally_metric_new(&range, NULL, 0, &o, &err);
    assert_ok(tally_metric_update_state_n(m, operands, 3, &err), &err);
    assert_bits_f64(tally_metric_result(m), 2 - -2 + 1);
    assert_int_equal(tally_metric_skipped(m), 2);
    assert_ok(tally_metric_update_state_n(m, operands, 4, &err), &err);
    assert_bits_f64(tally_metric_result(m), 2 - -2 + 2);
    assert_int_equal(tally_metric_update_state_n(m, operands, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Range: operands, expected 3 (operand 0 to operand 2) and at most a sample_weight, found 2");
    tally_metric_release(m);
}

/* ---- the last value, as of a learning rate, and the last of each column */
static const tally_state_spec last_states[] = { { "rate", TALLY_STATE_LAST, 0, { 0, 0 } }, { "columns", TALLY_STATE_LAST, 1, { 2, 0 } } };

static void last_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
    tally_accumulate(t, u, 1, u->operand[0], u->weight);
}

static tally_node last_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return s[0];
}

static const tally_metric_class last_value = { sizeof(tally_metric_class), "Last", 1, 2, 0, 0, last_states, last_update, last_result };

static void the_last_value_is_a_state_too(void **state)
{
    (void)state;
    tally_error   err;
    tally_metric *m = tally_metric_new(&last_value, NULL, 0, NULL, &err), *other = tally_metric_new(&last_value, NULL, 0, NULL, &err),
                 *none = tally_metric_clone(m, &err), *from[2] = { other, none };
    assert_true(isnan(tally_metric_result(m)));
    FEED(m, M(2, 2, 1, 2, 3, 4), NULL, NULL);
    assert_bits_f64(tally_metric_result(m), 4);
    assert_bits_f64(state_at(m, 1, 0), 3);
    FEED(m, M(2, 2, 5, 6, 7, 8), NULL, V(2, 1, 0));                     /* the second row does not count */
    assert_bits_f64(tally_metric_result(m), 6);
    FEED(other, M(1, 2, 9, -0.0), NULL, NULL);
    assert_ok(tally_metric_merge_state(m, from, 2, &err), &err);         /* of a source that has seen none nothing comes */
    assert_bits_f64(state_at(m, 1, 0), 9);
    assert_bits_f64(tally_metric_result(m), 0);
    assert_int_equal(tally_metric_unmerge_state(m, &other, 1, &err), TALLY_FAILED_PRECONDITION);
    FEED(m, M(1, 2, 1, NAN), NULL, NULL);
    assert_true(isnan(tally_metric_result(m)));
    assert_int_equal(tally_metric_equal(m, none), 0);
    tally_metric_reset_state(m);
    assert_int_equal(tally_metric_equal(m, none), 1);
    tally_metric_release(m);
    tally_metric_release(other);
    tally_metric_release(none);
}

static void a_window_keeps_the_last_of_its_updates(void **state)
{
    (void)state;
    tally_window_options o = TALLY_WINDOW_OPTIONS_INIT;
    tally_error          err;
    tally_metric        *m = tally_metric_new(&last_value, NULL, 0, NULL, &err);
    o.updates = 3;
    tally_window *w = tally_window_new(m, &o, &err);
    for (int i = 0; i < 20; i++) {
        const double v[2] = { i, i + 0.5 }, no[1] = { 0 };
        tally_tensor x = tally_matrix(v, 1, 2), zero = tally_vector(no, 1);
        assert_int_equal(i % 5 ? tally_window_update_state(w, &x, &zero) : tally_window_update_state(w, &x), TALLY_OK);
        const int seen = i / 5 * 5;                                     /* only every fifth update has a weight */
        if (i - seen < 3)
            assert_bits_f64(tally_window_result(w), seen + 0.5);
        else
            assert_true(isnan(tally_window_result(w)));
    }
    tally_window_release(w);
    tally_metric_release(m);
}

static void update_twice(tally_trace *t, void *user)
{
    tally_metric_ref m = tally_arg_metric(t, 2);
    tally_node       x = tally_arg(t, 0);
    (void)user;
    tally_update_state(t, m, x);
    tally_update_state(t, m, tally_sub(tally_neg(x), tally_num(1)), tally_arg(t, 1));
}

/* the second update has no say behind its first row: in blocks, the first would come last */
static void the_later_of_two_updates_is_the_last(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    static double   x[MANY][2], w[MANY];
    tally_error     err;
    tally_metric   *m = tally_metric_new(&last_value, NULL, 0, NULL, &err);
    tally_function *f = tally_function_new(update_twice, NULL, NULL, &err);
    tally_tensor    tx = tally_matrix(&x[0][0], MANY, 2), tw = tally_vector(w, MANY);
    for (int i = 0; i < MANY; i++)
        x[i][1] = i;
    w[0] = 1;
    assert_ok(tally_call(f, TALLY_IN(&tx, &tw, m), TALLY_NO_OUT, &err), &err);
    assert_bits_f64(tally_metric_result(m), -1);
    assert_bits_f64(state_at(m, 1, 1), -1);
    tally_function_release(f);
    tally_metric_release(m);
}

static void in_order(void *user, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    *(size_t *)user += n;
    for (size_t i = n; i > 0; i--)
        task(arg, i - 1);
}

static void parts_of_a_batch_keep_their_order(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    static float          v[MANY][2];
    size_t                parts = 0;
    tally_context_options co = TALLY_CONTEXT_OPTIONS_INIT;
    tally_metric_options  o = TALLY_METRIC_OPTIONS_INIT;
    co.parallel_for = in_order;
    co.user = &parts;
    o.context = tally_context_new(&co, NULL);
    tally_metric *m = tally_metric_new(&last_value, NULL, 0, &o, NULL);
    tally_tensor  x = tally_matrix(&v[0][0], MANY, 2);
    for (int i = 0; i < MANY; i++)
        v[i][0] = (float)i, v[i][1] = (float)-i;
    assert_int_equal(tally_metric_update_state(m, &x), TALLY_OK);
    assert_true(parts > 1);
    assert_bits_f64(tally_metric_result(m), -(MANY - 1));
    assert_bits_f64(state_at(m, 1, 0), MANY - 1);
    tally_metric_release(m);
    tally_context_release(o.context);
}

/* ---- what a class may not be */
static void classes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    tally_error        err;
    tally_metric_class k = perplexity;
    tally_state_spec   bad[2] = { perplexity_states[0], perplexity_states[1] };
    const struct { size_t at; int32_t v; const char *text; } number[] = {
        { offsetof(tally_metric_class, n_operands), 0, "n_operands, expected 1 to 4, found 0" },
        { offsetof(tally_metric_class, n_operands), 5, "n_operands, expected 1 to 4, found 5" },
        { offsetof(tally_metric_class, n_states), 0, "n_states, expected 1 to 16, found 0" },
        { offsetof(tally_metric_class, result_rank), -1, "result_rank, expected 0 to 6, found -1" },
        { offsetof(tally_metric_class, direction), 2, "direction, expected -1 to 1, found 2" } };
    assert_null(tally_metric_new(NULL, NULL, 0, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "metric: class, expected a tally_metric_class, found NULL");
    for (size_t i = 0; i < TALLY__COUNT(number); i++) {
        k = perplexity;
        memcpy((char *)&k + number[i].at, &number[i].v, sizeof number[i].v);
        assert_null(tally_metric_new(&k, NULL, 0, NULL, &err));
        assert_error_has(&err, TALLY_INVALID_ARGUMENT, number[i].text);
    }
    k = perplexity;
    k.size = 8;
    assert_null(tally_metric_new(&k, NULL, 0, NULL, &err));
    k = perplexity;
    k.name = NULL;
    assert_null(tally_metric_new(&k, NULL, 0, NULL, &err));
    k = perplexity;
    k.update = NULL;
    assert_null(tally_metric_new(&k, NULL, 0, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Perplexity: class.update, expected one, found NULL");
    k = perplexity;
    k.states = bad;
    bad[1].kind = TALLY_STATE_TENSOR;
    assert_null(tally_metric_new(&k, NULL, 0, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Perplexity: state \"tokens\", kind, expected TALLY_STATE_SUM");
    bad[1] = r2_states[1];
    bad[1].shape[0] = TALLY_DIM_OPERAND(2, 0);
    assert_null(tally_metric_new(&k, NULL, 0, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "state \"sum\", axis 0, expected a size or TALLY_DIM_OPERAND of one of 2 operands");
    assert_null(tally_metric_new(&perplexity, NULL, 8, NULL, &err));
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Perplexity: config, expected 8 bytes, found NULL");
}

enum { BAD_STATE, LOW_RANK, HIGH_WEIGHT, LONG_WEIGHT, NO_UPDATE, ABSENT_VALUE, BAD_AXIS, SCALAR_STATE, BAD_INDEX, BAD_VALUE, WRONG_RESULT,
       ABSENT_RESULT, ITSELF, FAULTS };
typedef struct fault_config { int64_t which; } fault_config;
static const tally_state_spec fault_states[] = { { "scalar", TALLY_STATE_SUM, 0, { 0, 0 } }, { "vector", TALLY_STATE_SUM, 1, { 2, 0 } } };

static void fault_update(tally_trace *t, const tally_update *u)
{
    const fault_config *c = u->config;
    const tally_node    x = u->operand[0], none = { NULL, 0, 0 };
    tally_update        own = { .config = u->config };
    switch (c->which) {
    case BAD_STATE: tally_accumulate(t, u, 2, x, none); break;
    case LOW_RANK: tally_accumulate(t, u, 1, tally_reduce_sum(x), none); break;
    case HIGH_WEIGHT: tally_accumulate(t, u, 0, tally_reduce_sum(x), tally_expand_dims(x, 0)); break;
    case LONG_WEIGHT: tally_accumulate(t, u, 0, tally_reduce_sum(x), x); break;
    case NO_UPDATE: tally_accumulate(t, &own, 0, x, none); break;
    case ABSENT_VALUE: tally_accumulate(t, u, 0, none, none); break;
    case BAD_AXIS: tally_accumulate_at(t, u, 1, 1, tally_cast(x, TALLY_I32), tally_num(1), none); break;
    case SCALAR_STATE: tally_accumulate_at(t, u, 0, 0, tally_cast(x, TALLY_I32), tally_num(1), none); break;
    case BAD_INDEX: tally_accumulate_at(t, u, 1, 0, x, tally_num(1), none); break;
    case BAD_VALUE: tally_accumulate_at(t, u, 1, 0, tally_i64(t, 1), x, none); break;
    case ITSELF: tally_update_state(t, u->self, x); break;
    default: tally_accumulate(t, u, 0, tally_num(1), none); break;
    }
}

static tally_node fault_result(tally_trace *t, const tally_node *s, const void *config)
{
    const fault_config *c = config;
    (void)t;
    return c->which == ABSENT_RESULT ? (tally_node){ NULL, 0, 0 } : c->which == WRONG_RESULT ? s[1] : s[0];
}

static const tally_metric_class faulty = { sizeof(tally_metric_class), "Faulty", 1, 2, 0, 0, fault_states, fault_update, fault_result };

static void what_a_body_does_wrong_is_told_at_its_line(void **state)
{
    (void)state;
    static const struct { int which; tally_status status; const char *text; } fault[] = {
        { BAD_STATE, TALLY_INVALID_ARGUMENT, "Faulty: accumulate: state, expected 0 to 1 of Faulty, found 2" },
        { LOW_RANK, TALLY_INVALID_ARGUMENT, "Faulty: accumulate: value, expected rank 1 or more" },
        { HIGH_WEIGHT, TALLY_INVALID_ARGUMENT, "Faulty: accumulate: weight, expected rank 1 or less for a value of rank 0, found rank 2" },
        { LONG_WEIGHT, TALLY_INVALID_ARGUMENT, "Faulty: weight: squeeze: axis 0, expected size 1, found 2" },
        { NO_UPDATE, TALLY_INVALID_ARGUMENT, "accumulate: u, expected the update that this body was given, found another" },
        { ABSENT_VALUE, TALLY_INVALID_ARGUMENT, "Faulty: accumulate: argument 0, expected a node of this body, found an absent one" },
        { BAD_AXIS, TALLY_INVALID_ARGUMENT, "Faulty: accumulate_at: axis, expected 0 or more and below rank 1 of state vector, found 1" },
        { SCALAR_STATE, TALLY_INVALID_ARGUMENT, "Faulty: accumulate_at: axis, expected 0 or more and below rank 0 of state scalar, found 0" },
        { BAD_INDEX, TALLY_INVALID_ARGUMENT, "Faulty: accumulate_at: index, expected an integer type, found float32: cast it" },
        { BAD_VALUE, TALLY_INVALID_ARGUMENT, "Faulty: accumulate_at: value, expected rank 0 or 0 as the index, found rank 1" },
        { ITSELF, TALLY_RESOURCE_EXHAUSTED, "" } };
    tally_error err;
    for (size_t i = 0; i < TALLY__COUNT(fault); i++) {
        const fault_config c = { fault[i].which };
        tally_metric      *m = tally_metric_new(&faulty, &c, sizeof c, NULL, &err);
        assert_int_equal(feed(m, V(2, 1, 2), NULL, NULL, &err), fault[i].status);
        assert_error_has(&err, fault[i].status, strstr(fault[i].text, ": ") ? strstr(fault[i].text, ": ") : "");
        if (fault[i].status == TALLY_INVALID_ARGUMENT)
            assert_error_has(&err, fault[i].status, "test_custom.c:");
        assert_bits_f64(tally_metric_result(m), 0);
        tally_metric_release(m);
    }
    fault_config c = { FAULTS };
    tally_metric *m = tally_metric_new(&faulty, &c, sizeof c, NULL, &err);
    FEED(m, V(2, 1, 2), NULL, NULL);                                   /* a number is one sample */
    assert_bits_f64(tally_metric_result(m), 1);
    tally_metric_release(m);
    double v[2];
    c.which = WRONG_RESULT;
    m = tally_metric_new(&faulty, &c, sizeof c, NULL, &err);
    assert_int_equal(tally_metric_values(m, v, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Faulty: result, expected rank 0 as the class says, found rank 1");
    tally_metric_release(m);
    c.which = ABSENT_RESULT;
    m = tally_metric_new(&faulty, &c, sizeof c, NULL, &err);
    assert_int_equal(tally_metric_values(m, v, 2, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "result: ");
    assert_true(isnan(tally_metric_result(m)));
    tally_metric_release(m);
}

/* weights with a size of 1, an axis more, an axis less, against a state per column */
static void weights_align_from_the_left(void **state)
{
    (void)state;
    const struct { const array *w; double rows, sum[2]; } c[] = {
        { V(2, 1, 10), 11, { 31, 42 } }, { M(2, 1, 1, 10), 11, { 31, 42 } }, { S0(2), 4, { 8, 12 } }, { M(1, 1, 2), 4, { 8, 12 } } };
    for (size_t i = 0; i < TALLY__COUNT(c); i++) {
        tally_metric *m = tally_metric_new(&r2, NULL, 0, NULL, NULL);
        FEED(m, M(2, 2, 1, 2, 3, 4), M(2, 2, 0, 0, 0, 0), c[i].w);
        assert_bits_f64(state_at(m, ROWS, 0), c[i].rows);
        assert_bits_f64(state_at(m, SUM, 0), c[i].sum[0]);
        assert_bits_f64(state_at(m, SUM, 1), c[i].sum[1]);
        tally_metric_release(m);
    }
}

/* ---- elements by index: the mean of the values of each class, and which classes were taken for which */
enum { OF_CLASS, IN_CLASS, PAIRS };
static const tally_state_spec by_class_states[] = { { "sum", TALLY_STATE_SUM, 1, { 3, 0 } }, { "count", TALLY_STATE_SUM, 1, { 3, 0 } },
                                                    { "pairs", TALLY_STATE_COUNT, 2, { 3, 2 } } };

static void by_class_update(tally_trace *t, const tally_update *u)
{
    tally_node id = u->operand[0], x = u->operand[1], high = tally_cast(tally_gt(x, tally_num(1)), tally_node_dtype(id));
    tally_accumulate_at(t, u, OF_CLASS, 0, id, x, u->weight);
    tally_accumulate_at(t, u, IN_CLASS, 0, id, tally_num(1), u->weight);
    tally_accumulate_at(t, u, PAIRS, 0, tally_add(tally_mul(id, tally_num(2)), high), tally_num(1), u->weight);
}

static tally_node by_class_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_ratio(s[OF_CLASS], s[IN_CLASS]);
}

static const tally_metric_class by_class = { sizeof(tally_metric_class), "MeanByClass", 2, 3, 1, -1, by_class_states, by_class_update,
                                             by_class_result };

static void values_go_to_the_element_that_an_index_names(void **state)
{
    (void)state;
    tally_metric *m = tally_metric_new(&by_class, NULL, 0, NULL, NULL);
    tally_error   err;
    double        v[3];
    assert_ok(feed_as(m, V(5, 0, 2, 0, -1, 3), TALLY_I32, V(5, 1, 5, 2, 99, 99), TALLY_F32, NULL, 0, &err), &err);
    assert_ok(tally_metric_values(m, v, 3, &err), &err);
    assert_bits_f64(v[0], 1.5);
    assert_bits_f64(v[1], 0);
    assert_bits_f64(v[2], 5);
    assert_bits_f64(state_at(m, PAIRS, 0), 1);
    assert_bits_f64(state_at(m, PAIRS, 1), 1);
    assert_bits_f64(state_at(m, PAIRS, 5), 1);
    assert_ok(feed_as(m, M(2, 2, 0, 1, 2, 1), TALLY_U8, M(2, 2, 4, 3, 2, 1), TALLY_F64, V(2, .5, 0), TALLY_F32, &err), &err);
    assert_bits_f64(state_at(m, OF_CLASS, 0), 5);                      /* 3 + 4 / 2 */
    assert_bits_f64(state_at(m, IN_CLASS, 1), .5);
    assert_bits_f64(state_at(m, PAIRS, 3), 1);                         /* class 1, high; the other 1 weighs nothing */
    tally_metric_release(m);
}

/* what the last axis of an index is, in a state per column that the first batch sizes */
static const tally_state_spec per_column_states[] = { { "histogram", TALLY_STATE_SUM, 2, { TALLY_DIM_OPERAND(0, 1), 4 } } };

static void per_column_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate_at(t, u, 0, 1, tally_cast(u->operand[0], TALLY_I64), tally_num(1), u->weight);
}

static tally_node per_column_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return tally_reduce_max(tally_cumsum(s[0], 1));
}

static const tally_metric_class per_column = { sizeof(tally_metric_class), "Histograms", 1, 1, 0, 0, per_column_states, per_column_update,
                                               per_column_result };

static void axes_before_the_index_are_its_last_ones(void **state)
{
    (void)state;
    tally_metric *m = tally_metric_new(&per_column, NULL, 0, NULL, NULL);
    tally_error   err;
    FEED(m, M(3, 2, 0, 3, 0, 1, 2, 7), NULL, NULL);
    assert_bits_f64(state_at(m, 0, 0), 2);
    assert_bits_f64(state_at(m, 0, 2), 1);
    assert_bits_f64(state_at(m, 0, 4 + 1), 1);
    assert_bits_f64(state_at(m, 0, 4 + 3), 1);
    assert_bits_f64(tally_metric_result(m), 3);
    FEED(m, M(1, 2, 0, 3), NULL, M(1, 2, .25, 0x1p100));
    assert_bits_f64(state_at(m, 0, 0), 2.25);
    assert_bits_f64(state_at(m, 0, 4 + 3), 0x1p100);
    assert_int_equal(feed(m, M(1, 3, 0, 0, 0), NULL, NULL, &err), TALLY_INVALID_ARGUMENT);
    assert_bits_f64(state_at(m, 0, 0), 2.25);
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perplexity_ignores_its_id),
        cmocka_unit_test(r2_takes_its_width_from_the_first_batch),
        cmocka_unit_test(extrema_and_counts_are_states_too),
        cmocka_unit_test(the_last_value_is_a_state_too),
        cmocka_unit_test(a_window_keeps_the_last_of_its_updates),
        cmocka_unit_test(the_later_of_two_updates_is_the_last),
        cmocka_unit_test(parts_of_a_batch_keep_their_order),
        cmocka_unit_test(classes_that_cannot_be_are_refused),
        cmocka_unit_test(what_a_body_does_wrong_is_told_at_its_line),
        cmocka_unit_test(weights_align_from_the_left),
        cmocka_unit_test(values_go_to_the_element_that_an_index_names),
        cmocka_unit_test(axes_before_the_index_are_its_last_ones),
    };
    return cmocka_run_group_tests_name("metric/custom", tests, NULL, NULL);
}
