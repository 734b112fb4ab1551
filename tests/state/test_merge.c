/* merge and unmerge: what was added can be taken away to the last bit, by whatever way the sums are held; what has no
 * inverse refuses; all targets change or none. */
#include "kit.h"

static tally_context *x;
static test_memory    memory;
static tally_error    err;

static int merge_setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    x = test_context(&memory, NULL);
    return x ? 0 : -1;
}

static int merge_teardown(void **state)
{
    (void)state;
    tally_context_release(x);
    return memory.blocks ? -1 : 0;
}

/* a sum, a count, and a sum per class whose number the first update decides */
enum { TOTAL, COUNT, CLASSES, CELLS };
static tally__store *group_store(void)
{
    static const tally__cell_spec spec[CELLS] = { { "total", TALLY_STATE_SUM, 0, 0, { 0 } }, { "count", TALLY_STATE_COUNT, 0, 0, { 0 } },
                                                  { "classes", TALLY_STATE_SUM, 0, 1, { -1 } } };
    tally__schema *schema = tally__schema_new(x, TALLY__METRIC, "Group", CELLS, spec, NULL, 0, "key", 3, "print", 5, &err);
    tally__store  *s = schema ? tally__store_new(x, schema, NULL, &err) : NULL;
    tally__schema_release(schema);
    return s;
}

static void put(tally__store *s, const double *v, int n)
{
    tally__delta d = { 0 };
    tally_tensor each = tally_vector(v, n);
    assert_ok(tally__delta_prepare(&d, x, s, &err), &err);
    assert_ok(tally__deltas_begin(&d, 1, &err), &err);
    for (int i = 0; i < CELLS; i++)
        assert_ok(tally__delta_accumulate(&d, i, &each, NULL, NULL, &err), &err);
    assert_ok(tally__commit(x, &d, 1, &err), &err);
    tally__delta_drop(&d);
}

static tally__store *group_of(test_rng *r, int hard)
{
    const double  special[] = { 1e308, -1e308, INFINITY, -INFINITY, NAN, 0x1p-1074, 0x1p62, -0x1p62 };
    double        v[5];
    tally__store *s = group_store();
    for (int i = 0; i < 5; i++)
        v[i] = !hard || test_below(r, 2) ? (double)test_below(r, 9) - 4 : test_below(r, 2) ? special[test_below(r, 8)] : test_any_f64(r);
    put(s, v, 5);
    return s;
}

static void what_was_merged_can_be_taken_away(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= test_scaled(2000); seed++) {
        test_rng      r = { seed };
        tally__store *into = group_of(&r, seed % 2), *was = tally__store_clone(into, &err);
        tally__store *from[3] = { group_of(&r, seed % 3 == 0), group_of(&r, seed % 5 == 0), into };
        const int     n = 1 + (int)test_below(&r, 2);
        assert_ok(tally__stores_merge(&into, 1, from, n, false, &err), &err);
        assert_ok(tally__stores_merge(&into, 1, from, n, true, &err), &err);
        if (!kit_same(into, was) || !tally__store_same(into, was) || tally__store_fingerprint(into) != tally__store_fingerprint(was)) {
            print_error("seed %llu\n", (unsigned long long)seed);
            fail();
        }
        tally__store_release(was);
        assert_ok(tally__stores_merge(&into, 1, &from[2], 1, true, &err), &err);     /* itself: nothing is left */
        assert_bits_f64(kit_total(into, TOTAL), 0);
        assert_bits_f64(kit_total(into, COUNT), 0);
        for (int i = 0; i < 3; i++)
            tally__store_release(from[i]);
    }
}

static void the_number_whose_negative_does_not_fit_is_taken_away_too(void **state)
{
    tally__store *into = group_store(), *least = group_store();
    const double  zero[] = { 0 };
    (void)state;
    put(into, zero, 1);
    put(least, zero, 1);
    least->cell[TOTAL].whole[0] = INT64_MIN;
    least->cell[CLASSES].whole[0] = INT64_MIN;
    least->cell[COUNT].whole[0] = INT64_MIN;
    tally__store *was = tally__store_clone(into, &err);
    assert_ok(tally__stores_merge(&into, 1, &least, 1, true, &err), &err);
    assert_bits_f64(kit_total(into, TOTAL), 0x1p63);
    assert_bits_f64(kit_total(into, CLASSES), 0x1p63);
    assert_bits_f64(kit_total(into, COUNT), 0x1p63);        /* modulo 2^64 */
    assert_ok(tally__stores_merge(&into, 1, &least, 1, false, &err), &err);
    assert_true(kit_same(into, was));
    tally__store_release(into);
    tally__store_release(least);
    tally__store_release(was);
}

static void what_has_no_inverse_refuses_and_changes_nothing(void **state)
{
    tally__store *a = kit_store(x, "Kit", "a", &err), *b = kit_store(x, "Kit", "b", &err);
    const double  v[] = { 1, 2 };
    (void)state;
    assert_ok(kit_update(a, v, 2, 2, &err), &err);
    assert_ok(kit_update(b, v, 1, 2, &err), &err);
    tally__store *was = tally__store_clone(a, &err);
    assert_status(tally__stores_merge(&a, 1, &b, 1, true, &err), TALLY_FAILED_PRECONDITION, &err);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "Kit \"a\": unmerge, expected states that have an inverse, found minimum \"low\"");
    assert_true(kit_same(a, was));
    tally__store *other = group_store(), *none = NULL;
    assert_status(tally__stores_merge(&other, 1, &b, 1, true, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Group: unmerge source 0, expected the same class and configuration, found Kit \"b\"");
    assert_status(tally__stores_merge(&other, 1, &none, 1, true, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Group: unmerge source 0, expected a metric, found NULL");
    tally__store_release(a);
    tally__store_release(b);
    tally__store_release(was);
    tally__store_release(other);
}

/* two targets of different schemas and two sources for each; the last pair has sizes that cannot meet */
static void all_targets_change_or_none(void **state)
{
    test_rng       r = { 7 };
    tally__store  *into[2] = { group_of(&r, 1), kit_store(x, "Kit", "b", &err) };
    tally__store  *from[4] = { group_of(&r, 1), kit_store(x, "Kit", "c", &err), group_of(&r, 0), kit_store(x, "Kit", "d", &err) };
    tally__store  *alone[2] = { tally__store_clone(into[0], &err), tally__store_clone(into[1], &err) }, *was[2];
    const double   v[] = { 1, .5, 3 };
    (void)state;
    assert_ok(kit_update(from[1], v, 3, 2, &err), &err);
    assert_ok(kit_update(from[3], v, 2, 2, &err), &err);
    assert_ok(tally__stores_merge(into, 2, from, 2, false, &err), &err);
    for (int k = 0; k < 2; k++) {
        tally__store *sources[2] = { from[k], from[2 + k] };
        assert_ok(tally__store_merge(alone[k], sources, 2, &err), &err);
        assert_true(kit_same(into[k], alone[k]));
        was[k] = tally__store_clone(into[k], &err);
    }
    tally__store_release(from[3]);
    from[3] = kit_store(x, "Kit", "wider", &err);
    assert_ok(kit_update(from[3], v, 3, 3, &err), &err);
    assert_status(tally__stores_merge(into, 2, from, 2, false, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_int_equal(err.argument, 1);
    for (int k = 0; k < 2; k++)
        assert_true(kit_same(into[k], was[k]));
    for (int k = 0; k < 2; k++) {
        tally__store_release(into[k]);
        tally__store_release(alone[k]);
        tally__store_release(was[k]);
    }
    for (int i = 0; i < 4; i++)
        tally__store_release(from[i]);
}

static void equal_states_have_equal_fingerprints_and_others_not(void **state)
{
    enum { DIFFERENT = 7 };
    static const double v[DIFFERENT][2] = { { 1, 2 }, { 2, 2 }, { .5, 2 }, { -0.0, 1 }, { 0.0, 1 }, { INFINITY, 1 }, { NAN, 1 } };
    tally__store       *s[DIFFERENT + 1];
    (void)state;
    s[DIFFERENT] = kit_store(x, "Kit", "empty", &err);
    for (int i = 0; i < DIFFERENT; i++) {
        s[i] = kit_store(x, "Kit", NULL, &err);
        assert_ok(kit_update(s[i], v[i], 2, i % 3, &err), &err);
    }
    for (int i = 0; i <= DIFFERENT; i++)
        for (int k = 0; k <= DIFFERENT; k++) {
            assert_int_equal(tally__store_same(s[i], s[k]), i == k);
            assert_int_equal(tally__store_fingerprint(s[i]) == tally__store_fingerprint(s[k]), i == k);
        }
    tally__store *other = kit_store(x, "Other", "empty", &err);
    assert_false(tally__store_same(other, s[DIFFERENT]));
    assert_int_not_equal(tally__store_fingerprint(other), tally__store_fingerprint(s[DIFFERENT]));
    tally__store_release(other);
    for (int i = 0; i <= DIFFERENT; i++)
        tally__store_release(s[i]);
}

static void memory_refused_at_every_point_changes_nothing(void **state)
{
    test_rng      r = { 3 };
    tally__store *into = group_store(), *from[2] = { group_of(&r, 1), group_of(&r, 0) }, *was = tally__store_clone(into, &err);
    size_t        k = 1;
    (void)state;
    for (;; k++) {
        memory.fail_at = memory.calls + k;
        tally_status s = tally__stores_merge(&into, 1, from, 2, true, &err);
        memory.fail_at = 0;
        if (!s)
            break;
        assert_int_equal(s, TALLY_RESOURCE_EXHAUSTED);
        assert_true(kit_same(into, was));
    }
    assert_true(k > 5);
    for (int i = 0; i < 2; i++)
        assert_ok(tally__store_merge(into, &from[i], 1, &err), &err);
    assert_bits_f64(kit_total(into, TOTAL), 0);
    tally__store_release(into);
    tally__store_release(was);
    tally__store_release(from[0]);
    tally__store_release(from[1]);
}

int main(void)
{
#define MERGE_TEST(name) cmocka_unit_test_setup_teardown(name, merge_setup, merge_teardown)
    const struct CMUnitTest tests[] = {
        MERGE_TEST(what_was_merged_can_be_taken_away),
        MERGE_TEST(the_number_whose_negative_does_not_fit_is_taken_away_too),
        MERGE_TEST(what_has_no_inverse_refuses_and_changes_nothing),
        MERGE_TEST(all_targets_change_or_none),
        MERGE_TEST(equal_states_have_equal_fingerprints_and_others_not),
        MERGE_TEST(memory_refused_at_every_point_changes_nothing),
    };
    return cmocka_run_group_tests_name("state/merge", tests, NULL, NULL);
}
