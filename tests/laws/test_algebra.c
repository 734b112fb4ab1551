/* What is built on the algebra of states, over every class of the table in classes.c and every float dtype, in equal bytes:
 * windows and groups. The algebra itself is among the laws of test_laws.c. */
#include "classes.h"
#include "oracle.h"

static const tally_dtype algebra_dtypes[] = { TALLY_F32, TALLY_F64, TALLY_F16, TALLY_BF16 };

typedef struct algebra_case {
    const class_row *row;
    tally_dtype      dtype;
    weighting        weight;
    test_rng         r;
    pool            *pool;
} algebra_case;

static void algebra_check(const algebra_case *c, bool holds, const char *what, int line)
{
    if (holds)
        return;
    print_error("%s, %s, weighting %d: %s\n", c->row->name, tally_dtype_name(c->dtype), (int)c->weight, what);
    _fail(__FILE__, line);
}
#define HOLDS(c, yes) algebra_check((c), (yes), #yes, __LINE__)

static void each_class(void (*check)(algebra_case *c))
{
    for (int k = 0; k < class_count; k++)
        for (int d = 0; d < 4; d++)
            for (int w = WEIGHT_NONE; w <= WEIGHT_ANY; w++) {
                algebra_case c = { &class_table[k], algebra_dtypes[d], (weighting)w, { (uint64_t)(k * 64 + d * 8 + w) + 1 }, pool_new() };
                check(&c);
                pool_free(c.pool);
            }
}

static tally_metric *algebra_metric(algebra_case *c)
{
    tally_metric *m = c->row->make(c->row, NULL, TALLY_NAN_PROPAGATE, NULL);
    HOLDS(c, m != NULL);
    return m;
}

static meal algebra_meal(algebra_case *c, int64_t n)
{
    return meal_make(c->row, &c->r, c->pool, n, (int)c->dtype, c->weight);
}

/* a window by updates and one by rows, fed with batches of 0 to 5 rows, against a metric fed with the last ones alone */
static void check_window(algebra_case *c)
{
    enum { BATCHES = 14 };
    tally_metric        *m = algebra_metric(c);
    meal                 f[BATCHES];
    tally_window_options o = TALLY_WINDOW_OPTIONS_INIT;
    o.updates = c->weight == WEIGHT_NONE ? 1 + (int64_t)test_below(&c->r, 5) : 0;
    o.rows = c->weight == WEIGHT_NONE ? 0 : 1 + (int64_t)test_below(&c->r, 12);
    tally_window *w = tally_window_new(m, &o, NULL);
    HOLDS(c, w != NULL);
    for (int i = 0; i < BATCHES; i++) {
        tally_tensor        x[3];
        const tally_tensor *operands[] = { &x[0], &x[1], &x[2] };
        f[i] = algebra_meal(c, (int64_t)test_below(&c->r, 6));
        for (int k = 0; k < f[i].n; k++)
            x[k] = array_view(f[i].operand[k]);
        HOLDS(c, tally_window_update_state_n(w, operands, f[i].n, NULL) == TALLY_OK);
        tally_metric *again = algebra_metric(c);
        for (int64_t at = i, k = tally_window_updates(w); k > 0; at--)
            if (f[at].operand[0]->shape[0]) {
                HOLDS(c, meal_update(again, &f[at], NULL) == TALLY_OK);
                k--;
            }
        HOLDS(c, bytes_equal(class_pack(c->pool, again), class_pack(c->pool, tally_window_metric(w))));
        HOLDS(c, tally_window_updates(w) <= o.updates || !o.updates);
        tally_metric_release(again);
    }
    tally_window_release(w);
    tally_metric_release(m);
}

static void a_window_is_a_metric_that_saw_the_last_updates_alone(void **state)
{
    (void)state;
    each_class(check_window);
}

/* a group has the bits of its metrics fed, read and merged one by one */
static void check_group(algebra_case *c)
{
    meal          f = algebra_meal(c, 7), g = algebra_meal(c, 4);
    tally_metric *m[3] = { algebra_metric(c), algebra_metric(c), algebra_metric(c) }, *again = algebra_metric(c);
    tally_group  *part[2] = { tally_group_new(NULL, NULL), tally_group_new(NULL, NULL) };
    double        v[2];
    HOLDS(c, tally_group_add(part[0], "a", m[0], NULL) == TALLY_OK && tally_group_add(part[0], "b", m[1], NULL) == TALLY_OK);
    HOLDS(c, tally_group_add(part[1], "b", m[2], NULL) == TALLY_OK && tally_group_add(part[1], "a", again, NULL) == TALLY_OK);
    for (int i = 0; i < 2; i++) {
        tally_tensor        x[3];
        const tally_tensor *operands[] = { &x[0], &x[1], &x[2] };
        const meal         *of = i ? &g : &f;
        for (int k = 0; k < of->n; k++)
            x[k] = array_view(of->operand[k]);
        HOLDS(c, tally_group_update_state_n(part[i], operands, of->n, NULL) == TALLY_OK);
    }
    HOLDS(c, tally_metric_equal(m[0], m[1]) && tally_metric_equal(m[2], again));
    HOLDS(c, tally_group_results(part[0], v, 2, NULL) == TALLY_OK);
    const double want = tally_metric_result(m[0]);
    HOLDS(c, test_bits_f64(v[0]) == test_bits_f64(v[1]) && (test_bits_f64(v[0]) == test_bits_f64(want) || (isnan(v[0]) && isnan(want))));
    HOLDS(c, tally_group_merge_state(part[0], &part[1], 1, NULL) == TALLY_OK);
    tally_metric *one = algebra_metric(c);
    HOLDS(c, meal_update(one, &f, NULL) == TALLY_OK && meal_update(one, &g, NULL) == TALLY_OK);
    HOLDS(c, tally_metric_equal(m[0], one) && tally_metric_equal(m[1], one));
    HOLDS(c, tally_group_reset_state(part[0], NULL) == TALLY_OK);
    tally_metric_reset_state(one);
    HOLDS(c, tally_metric_equal(m[0], one) && tally_metric_equal(m[1], one));
    for (int i = 0; i < 3; i++)
        tally_metric_release(m[i]);
    tally_metric_release(again);
    tally_metric_release(one);
    tally_group_release(part[0]);
    tally_group_release(part[1]);
}

static void a_group_has_the_bits_of_its_metrics_one_by_one(void **state)
{
    (void)state;
    each_class(check_group);
}

static tally_node extreme_result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t;
    (void)config;
    return s[0];
}

static void extreme_update(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, 0, u->operand[0], u->weight);
}

static void a_minimum_has_no_inverse_and_null_is_no_metric(void **state)
{
    const tally_state_spec   low = { "low", TALLY_STATE_MIN, 0, { 0, 0 } };
    const tally_metric_class extreme = { sizeof extreme, "Least", 1, 1, 0, -1, &low, extreme_update, extreme_result };
    tally_error              err;
    tally_metric            *m = tally_metric_new(&extreme, NULL, 0, NULL, &err), *none = NULL;
    (void)state;
    assert_int_equal(tally_metric_unmerge_state(m, &m, 1, &err), TALLY_FAILED_PRECONDITION);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "Least \"Least\": unmerge, expected states that have an inverse, found minimum \"low\"");
    assert_int_equal(tally_metric_unmerge_state(NULL, &m, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "unmerge_state: metric, expected a metric, found NULL");
    assert_int_equal(tally_metric_unmerge_state(m, &none, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_int_equal(tally_metric_unmerge_state(m, NULL, 1, &err), TALLY_INVALID_ARGUMENT);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "unmerge sources, expected a list and its length, found NULL and 1");
    assert_int_equal(tally_metric_equal(NULL, m) + tally_metric_equal(m, NULL) + tally_metric_equal(NULL, NULL), 0);
    assert_int_equal(tally_metric_fingerprint(NULL), 0);
    tally_metric_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_a_metric_that_saw_the_last_updates_alone),
        cmocka_unit_test(a_group_has_the_bits_of_its_metrics_one_by_one),
        cmocka_unit_test(a_minimum_has_no_inverse_and_null_is_no_metric),
    };
    return cmocka_run_group_tests_name("laws/algebra", tests, NULL, NULL);
}
