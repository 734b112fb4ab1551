/* stores: reset, merge, clone, snapshot, schemas. Every claim about equal states compares bytes. */
#include "kit.h"

static tally_context *x, *y;
static test_memory    memory;
static tally_error    err;

static int store_setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    x = test_context(&memory, NULL);
    y = test_context(&memory, NULL);
    return x && y ? 0 : -1;
}

static int store_teardown(void **state)
{
    (void)state;
    tally_context_release(x);
    tally_context_release(y);
    if (memory.blocks)
        print_error("%zu blocks leaked\n", (size_t)memory.blocks);
    return memory.blocks ? -1 : 0;
}

static tally__store *filled(const char *name, uint64_t seed, int n, int classes)
{
    test_rng      r = { seed };
    double        v[64];
    tally__store *s = kit_store(x, "Kit", name, &err);
    for (int i = 0; i < n; i++)
        v[i] = test_below(&r, 3) ? test_any_f64(&r) : (double)test_below(&r, 9);
    assert_ok(kit_update(s, v, n, classes, &err), &err);
    return s;
}

static void a_new_store_has_reset_values_and_reset_brings_them_back(void **state)
{
    tally__store *s = kit_store(x, "Kit", "a", &err), *fresh = kit_store(x, "Kit", "b", &err);
    const double  v[] = { 3, 0.5 };
    (void)state;
    assert_bits_f64(kit_total(s, KIT_TOTAL), 0.0);
    assert_bits_f64(kit_total(s, KIT_LOW), INFINITY);
    assert_bits_f64(kit_total(s, KIT_HIGH), -INFINITY);
    assert_false(s->cell[KIT_CLASSES].built);
    assert_ok(kit_update(s, v, 2, 0, &err), &err);
    assert_bits_f64(kit_total(s, KIT_TOTAL), 3.5);
    assert_bits_f64(kit_total(s, KIT_COUNT), 2.0);
    assert_false(kit_same(s, fresh));
    const uint64_t commits = s->commits;
    assert_ok(tally__store_reset(s), &err);
    assert_int_equal(s->commits, commits + 1);
    assert_true(kit_same(s, fresh));
    tally__store_release(s);
    tally__store_release(fresh);
}

static void reset_keeps_the_sizes_that_the_first_update_gave(void **state)
{
    tally__store *s = filled("a", 1, 5, 3);
    int64_t       shape[TALLY_MAX_RANK];
    (void)state;
    assert_int_equal(tally__store_shape(s, KIT_CLASSES, shape), 1);
    assert_int_equal(shape[0], 3);
    assert_ok(tally__store_reset(s), &err);
    assert_int_equal(tally__store_shape(s, KIT_CLASSES, shape), 1);
    const double four[] = { 1, 2, 3, 4 };
    assert_status(kit_update(s, four, 4, 4, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Kit \"a\": state \"classes\", expected sizes [3] as built, found [4]");
    tally__store_release(s);
}

static void any_split_order_and_merge_tree_gives_the_same_bytes(void **state)
{
    enum { PARTS = 6, PER = 10, CLASSES = 4 };
    (void)state;
    for (uint64_t seed = 1; seed <= test_scaled(300); seed++) {
        test_rng      r = { seed };
        double        v[PARTS][PER];
        tally__store *part[PARTS], *whole = kit_store(x, "Kit", "whole", &err);
        for (int p = 0; p < PARTS; p++)
            for (int i = 0; i < PER; i++)
                v[p][i] = seed % 3 == 0 ? (double)test_below(&r, 100) : test_any_f64(&r);
        for (int p = PARTS - 1; p >= 0; p--)
            assert_ok(kit_update(whole, v[p], PER, CLASSES, &err), &err);
        for (int p = 0; p < PARTS; p++) {
            part[p] = kit_store(p % 2 ? x : y, "Kit", "part", &err);
            assert_ok(kit_update(part[p], v[p], PER, CLASSES, &err), &err);
        }
        for (int left = PARTS; left > 1; left--) {
            const int a = (int)test_below(&r, (size_t)left), b = (a + 1) % left;
            assert_ok(tally__store_merge(part[a], &part[b], 1, &err), &err);
            tally__store_release(part[b]);
            part[b] = part[left - 1];
        }
        if (!kit_same(part[0], whole)) {
            print_error("seed %llu\n", (unsigned long long)seed);
            fail();
        }
        tally__store_release(part[0]);
        tally__store_release(whole);
    }
}

static void many_sources_are_one_commit(void **state)
{
    tally__store  *into = filled("into", 1, 3, 2), *from[3] = { filled("a", 2, 3, 2), kit_store(x, "Kit", "b", &err),
                                                               filled("c", 3, 3, 2) };
    tally__store  *single = tally__store_clone(into, &err);
    const uint64_t commits = into->commits;
    (void)state;
    assert_ok(tally__store_merge(into, from, 3, &err), &err);
    assert_int_equal(into->commits, commits + 1);
    for (int i = 0; i < 3; i++)
        assert_ok(tally__store_merge(single, &from[i], 1, &err), &err);
    assert_true(kit_same(into, single));
    for (int i = 0; i < 3; i++)
        tally__store_release(from[i]);
    tally__store_release(into);
    tally__store_release(single);
}

static void a_store_merged_with_itself_doubles(void **state)
{
    tally__store *s = kit_store(x, "Kit", "a", &err);
    const double  v[] = { 1.5, 4 };
    (void)state;
    assert_ok(kit_update(s, v, 2, 2, &err), &err);
    assert_ok(tally__store_merge(s, (tally__store *[]){ s, s }, 2, &err), &err);
    assert_bits_f64(kit_total(s, KIT_TOTAL), 16.5);
    assert_bits_f64(kit_total(s, KIT_COUNT), 6.0);
    assert_bits_f64(kit_total(s, KIT_HIGH), 4.0);
    assert_bits_f64(tally__cell_round(&s->cell[KIT_CLASSES], 1), 12.0);
    for (int i = 0; i < 70; i++)
        assert_ok(tally__store_merge(s, &s, 1, &err), &err);
    assert_bits_f64(kit_total(s, KIT_TOTAL), 16.5 * 0x1p70);
    assert_bits_f64(kit_total(s, KIT_COUNT), 0.0);
    tally__store_release(s);
}

static void whole_sums_merge_exactly_past_the_end_of_int64(void **state)
{
    const int64_t near = INT64_MAX - 1;
    tally_tensor  v = tally_scalar(&near);
    tally__store *s = kit_store(x, "Kit", "a", &err);
    tally__delta  d = { 0 };
    tally__sum    want, got;
    (void)state;
    assert_ok(tally__delta_prepare(&d, x, s, &err), &err);
    assert_ok(tally__deltas_begin(&d, 1, &err), &err);
    assert_ok(tally__delta_accumulate(&d, KIT_TOTAL, &v, NULL, NULL, &err), &err);
    assert_ok(tally__commit(x, &d, 1, &err), &err);
    tally__deltas_end(&d, 1);
    tally__delta_drop(&d);
    assert_false(s->cell[KIT_TOTAL].wide);
    assert_ok(tally__store_merge(s, (tally__store *[]){ s, s, s }, 3, &err), &err);
    memset(&want, 0, sizeof want);
    for (int i = 0; i < 4; i++)
        tally__sum_add_i64(&want, near);
    tally__cell_get(&s->cell[KIT_TOTAL], 0, &got);
    assert_memory_equal(&got, &want, sizeof got);
    tally__store_release(s);
}

static void an_unbuilt_source_is_neutral_and_an_unbuilt_target_takes_the_sizes(void **state)
{
    tally__store *a = kit_store(x, "Kit", "a", &err), *b = filled("b", 4, 5, 3), *kept = tally__store_clone(b, &err);
    (void)state;
    assert_ok(tally__store_merge(b, &a, 1, &err), &err);
    assert_true(kit_same(b, kept));
    assert_ok(tally__store_merge(a, &b, 1, &err), &err);
    assert_true(kit_same(a, b));
    tally__store_release(a);
    tally__store_release(b);
    tally__store_release(kept);
}

static void merge_names_what_does_not_fit_and_changes_nothing(void **state)
{
    tally__store *a = filled("a", 1, 5, 3), *b = filled("b", 2, 5, 4), *other = kit_store(x, "Other", "o", &err);
    tally__store *kept = tally__store_clone(a, &err);
    (void)state;
    assert_status(tally__store_merge(a, (tally__store *[]){ kept, b }, 2, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "expected sizes [3] as built, found [4]");
    assert_int_equal(err.argument, 1);
    assert_status(tally__store_merge(a, (tally__store *[]){ kept, other }, 2, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Kit \"a\": merge source 1");
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found Other \"o\"");
    assert_status(tally__store_merge(a, (tally__store *[]){ NULL }, 1, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found NULL");
    assert_true(kit_same(a, kept));
    tally__store *fresh = kit_store(x, "Kit", "fresh", &err);
    assert_status(tally__store_merge(fresh, (tally__store *[]){ a, b }, 2, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_false(fresh->cell[KIT_CLASSES].built);
    assert_int_equal(fresh->commits, 0);
    assert_ok(tally__store_merge(a, NULL, 0, &err), &err);
    assert_true(kit_same(a, kept));
    tally__store_release(fresh);
    tally__store_release(a);
    tally__store_release(b);
    tally__store_release(other);
    tally__store_release(kept);
}

static void a_variable_has_no_merge(void **state)
{
    const float     v[] = { 1, 2 };
    tally_tensor    t = tally_vector(v, 2);
    tally_variable *a = tally_variable_new(x, &t, &err);
    tally__store   *s = tally__store_of_variable(a);
    (void)state;
    assert_status(tally__store_merge(s, &s, 1, &err), TALLY_FAILED_PRECONDITION, &err);
    assert_error_has(&err, TALLY_FAILED_PRECONDITION, "variable: merge");
    tally_variable_release(a);
}

static void a_clone_goes_its_own_way(void **state)
{
    tally__store *a = filled("a", 7, 20, 4), *b = tally__store_clone(a, &err), *c = tally__store_clone(a, &err);
    const double  v[] = { 1, 0.25, 3, 4 };
    (void)state;
    assert_ptr_equal(a->schema, b->schema);
    assert_string_equal(b->name, "a");
    assert_true(kit_same(a, b));
    assert_ok(kit_update(b, v, 4, 4, &err), &err);
    assert_false(kit_same(a, b));
    assert_true(kit_same(a, c));
    assert_ok(tally__store_reset(a), &err);
    assert_false(kit_same(a, c));
    tally__store_release(a);
    assert_ok(kit_update(c, v, 4, 4, &err), &err);
    assert_true(kit_same(b, c));
    tally__store_release(b);
    tally__store_release(c);
}

static void a_snapshot_takes_the_same_store_twice_and_refuses_null(void **state)
{
    tally__store *a = filled("a", 1, 5, 3), *b = filled("b", 2, 5, 2), *out[3] = { a, a, a };
    (void)state;
    assert_ok(tally__store_snapshot((tally__store *[]){ b, a, b }, 3, out, &err), &err);
    assert_true(kit_same(out[0], b) && kit_same(out[1], a) && kit_same(out[2], b));
    for (int i = 0; i < 3; i++)
        tally__store_release(out[i]);
    assert_status(tally__store_snapshot((tally__store *[]){ a, NULL }, 2, out, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_null(out[0]);
    assert_null(out[1]);
    assert_ok(tally__store_snapshot(NULL, 0, out, &err), &err);
    tally__store_release(a);
    tally__store_release(b);
}

static void schemas_are_the_same_by_what_they_were_made_of(void **state)
{
    const tally__cell_spec s1 = { "total", TALLY_STATE_SUM, 0, 1, { 3 } }, s2 = { "total", TALLY_STATE_SUM, 0, 1, { 4 } },
                           s3 = { "other", TALLY_STATE_SUM, 0, 1, { 3 } };
    const struct { const char *name; const tally__cell_spec *spec; const char *key, *print; } made[] = {
        { "A", &s1, "k", "p" }, { "A", &s1, "k", "p" }, { "B", &s1, "k", "p" }, { "A", &s2, "k", "p" },
        { "A", &s3, "k", "p" }, { "A", &s1, "q", "p" }, { "A", &s1, "k", "q" } };
    tally__schema *t[7];
    (void)state;
    for (int i = 0; i < 7; i++)
        t[i] = tally__schema_new(x, TALLY__METRIC, made[i].name, 1, made[i].spec, "opaque", 7, made[i].key, 1,
                                 made[i].print, 1, &err);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(tally__schema_same(t[0], t[i]), i < 2);
        assert_int_equal(t[0]->key == t[i]->key, i < 2);
        assert_int_equal(t[0]->fingerprint == t[i]->fingerprint, i < 2 || i == 5);
        assert_int_equal((uintptr_t)t[i]->opaque % 16, 0);
        assert_string_equal(t[i]->opaque, "opaque");
    }
    assert_ptr_not_equal(t[0]->spec[0].name, s1.name);
    for (int i = 0; i < 7; i++)
        tally__schema_release(t[i]);
}

/* a fingerprint travels in files: it must never change */
static void a_fingerprint_is_the_same_on_every_machine(void **state)
{
    const uint64_t known = UINT64_C(0xa30aac1c04ade3b6);
    tally__schema *t = kit_schema(x, "Kit", &err);
    (void)state;
    if (t->fingerprint != known)
        print_error("fingerprint is 0x%016llx\n", (unsigned long long)t->fingerprint);
    assert_true(t->fingerprint == known);
    tally__schema_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_store_has_reset_values_and_reset_brings_them_back),
        cmocka_unit_test(reset_keeps_the_sizes_that_the_first_update_gave),
        cmocka_unit_test(any_split_order_and_merge_tree_gives_the_same_bytes),
        cmocka_unit_test(many_sources_are_one_commit),
        cmocka_unit_test(a_store_merged_with_itself_doubles),
        cmocka_unit_test(whole_sums_merge_exactly_past_the_end_of_int64),
        cmocka_unit_test(an_unbuilt_source_is_neutral_and_an_unbuilt_target_takes_the_sizes),
        cmocka_unit_test(merge_names_what_does_not_fit_and_changes_nothing),
        cmocka_unit_test(a_variable_has_no_merge),
        cmocka_unit_test(a_clone_goes_its_own_way),
        cmocka_unit_test(a_snapshot_takes_the_same_store_twice_and_refuses_null),
        cmocka_unit_test(schemas_are_the_same_by_what_they_were_made_of),
        cmocka_unit_test(a_fingerprint_is_the_same_on_every_machine),
    };
    return cmocka_run_group_tests_name("store", tests, store_setup, store_teardown);
}
