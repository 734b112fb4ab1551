/* pack and unpack: equal states give equal bytes whatever their history, and nothing but a whole, undamaged state of the
 * same class and configuration is ever taken in. */
#include "kit.h"

static tally_context *x;
static test_memory    memory;
static tally_error    err;

static int pack_setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    x = test_context(&memory, NULL);
    return x ? 0 : -1;
}

static int pack_teardown(void **state)
{
    (void)state;
    tally_context_release(x);
    if (memory.blocks)
        print_error("%zu blocks leaked\n", (size_t)memory.blocks);
    return memory.blocks ? -1 : 0;
}

static tally__store *random_store(uint64_t seed)
{
    test_rng      r = { seed };
    tally__store *s = kit_store(x, "Kit", "a", &err);
    const int     classes = 1 + (int)test_below(&r, 4);
    for (size_t n = test_below(&r, 4); n; n--) {
        double v[8];
        for (int i = 0; i < 8; i++)
            v[i] = seed % 2 ? (double)test_below(&r, 20) : test_below(&r, 9) ? test_any_f64(&r) : (double)NAN;
        assert_ok(kit_update(s, v, 8, test_below(&r, 4) ? classes : 0, &err), &err);
    }
    return s;
}

static void a_state_comes_back_from_its_bytes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= test_scaled(500); seed++) {
        tally__store *s = random_store(seed), *into = seed % 3 ? kit_store(x, "Kit", "other", &err) : random_store(seed);
        kit_bytes     b = kit_pack(s), again;
        assert_ok(tally__store_unpack(into, b.p, b.n, &err), &err);
        assert_true(kit_same(s, into));
        again = kit_pack(into);
        assert_true(kit_bytes_same(b, again));
        const double one = 0.5;
        assert_ok(kit_update(s, &one, 1, 0, &err), &err);
        assert_ok(kit_update(into, &one, 1, 0, &err), &err);
        assert_true(kit_same(s, into));
        free(b.p);
        free(again.p);
        tally__store_release(s);
        tally__store_release(into);
    }
}

static void equal_states_give_equal_bytes_whatever_their_history(void **state)
{
    const double  parts[] = { 0.5, 0.5, 1e300, -1e300, 2 }, wholes[] = { 1, 2, 0, 0, 0 };
    tally__store *a = kit_store(x, "Kit", "a", &err), *b = kit_store(x, "Kit", "b", &err);
    (void)state;
    assert_ok(kit_update(a, parts, 5, 0, &err), &err);
    assert_ok(kit_update(b, wholes, 5, 0, &err), &err);
    assert_false(kit_same(a, b));
    b->cell[KIT_LOW].real[0] = a->cell[KIT_LOW].real[0];
    b->cell[KIT_HIGH].real[0] = a->cell[KIT_HIGH].real[0];
    b->cell[KIT_COUNT].whole[0] = a->cell[KIT_COUNT].whole[0];
    assert_true(a->cell[KIT_TOTAL].wide && !b->cell[KIT_TOTAL].wide);
    assert_true(kit_same(a, b));
    tally__store_release(a);
    tally__store_release(b);
}

/* the format is a promise: these are the bytes of a store with one SUM that holds 5 and one built COUNT of 2 */
static void the_bytes_are_laid_down_once_for_all(void **state)
{
    const tally__cell_spec spec[] = { { "s", TALLY_STATE_SUM, 0, 0, { 0 } }, { "c", TALLY_STATE_COUNT, 0, 1, { 1 } } };
    tally__schema *schema = tally__schema_new(x, TALLY__METRIC, "Two", 2, spec, NULL, 0, NULL, 0, NULL, 0, &err);
    tally__store  *s = tally__store_new(x, schema, NULL, &err);
    uint8_t        want[128] = "TLYS\1\0\0\0????????\3\0\0\0Two\2\0\0\0\1\0\0\1";
    size_t         n = 31;
    (void)state;
    tally__schema_release(schema);
    s->cell[0].whole[0] = 5;
    s->cell[1].whole[0] = 2;
    tally__put_le(want + 8, s->schema->fingerprint, 8);
    n += 24;                                     /* three counters of what is not finite */
    tally__put_le(want + n, 16, 2);              /* word 16 holds 2^0 at bit 1074 % 64 */
    tally__put_le(want + n + 2, 1, 2);
    tally__put_le(want + n + 4, UINT64_C(5) << 50, 8);
    n += 12;
    memcpy(want + n, "\2\0\1\1\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 20);
    n += 20;
    tally__put_le(want + n, tally__hash(want, n, 0), 8);
    n += 8;
    kit_bytes b = kit_pack(s);
    assert_int_equal(b.n, n);
    assert_memory_equal(b.p, want, n);
    assert_ok(tally__store_unpack(s, want, n, &err), &err);
    want[30] = 0;                                /* a state whose sizes are known cannot be unbuilt */
    memmove(want + 31, want + 67, 20);
    tally__put_le(want + 51, tally__hash(want, 51, 0), 8);
    assert_status(tally__store_unpack(s, want, 59, &err), TALLY_DATA_LOSS, &err);
    free(b.p);
    tally__store_release(s);
}

static void a_buffer_that_is_too_small_is_left_alone(void **state)
{
    tally__store *s = random_store(2);
    const size_t  n = tally__store_pack(s, NULL, 0);
    uint8_t      *p = malloc(n);
    (void)state;
    memset(p, 0x5a, n);
    assert_int_equal(tally__store_pack(s, p, n - 1), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(p[i], 0x5a);
    free(p);
    tally__store_release(s);
}

static void refused(tally__store *s, tally__store *kept, const uint8_t *p, size_t n, const char *what, size_t at)
{
    const uint64_t     commits = s->commits;
    uint8_t           *exact = malloc(n ? n : 1);      /* so that a read past the end is seen */
    tally_status       status;
    memcpy(exact, p, n);
    status = tally__store_unpack(s, exact, n, &err);
    free(exact);
    if ((status == TALLY_DATA_LOSS || status == TALLY_INVALID_ARGUMENT) && s->commits == commits && kit_same(s, kept))
        return;
    print_error("%s %zu: status %s\n", what, at, tally_status_name(status));
    fail();
}

static void every_flipped_bit_and_every_cut_is_refused_and_nothing_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 3; seed <= 6; seed++) {
        tally__store *s = random_store(seed), *into = random_store(seed + 50), *kept = tally__store_clone(into, &err);
        kit_bytes     b = kit_pack(s);
        for (size_t bit = 0; bit < 8 * b.n; bit++) {
            b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused(into, kept, b.p, b.n, "flipped bit", bit);
            b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t n = 0; n < b.n; n++)
            refused(into, kept, b.p, n, "cut at byte", n);
        uint8_t *longer = calloc(1, b.n + 9);
        memcpy(longer, b.p, b.n);
        for (size_t n = 1; n <= 9; n++)
            refused(into, kept, longer, b.n + n, "longer by", n);
        free(longer);
        free(b.p);
        tally__store_release(s);
        tally__store_release(into);
        tally__store_release(kept);
    }
}

/* damage that carries a right checksum: the reader itself must hold */
static void changed_bytes_with_a_right_checksum_are_refused_or_are_a_canonical_state(void **state)
{
    size_t taken = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= test_scaled(30000); seed++) {
        test_rng      r = { seed };
        tally__store *s = random_store(seed % 40), *into = kit_store(x, "Kit", "into", &err);
        tally__store *kept = tally__store_clone(into, &err);
        kit_bytes     b = kit_pack(s);
        const size_t  cut = test_below(&r, 4) ? 0 : test_below(&r, b.n - 8);
        const size_t  n = b.n - cut;
        uint8_t      *p = malloc(n);
        memcpy(p, b.p, n);
        for (size_t k = test_below(&r, 3); k + 1; k--) {
            const size_t at = test_below(&r, n);
            p[at] = test_below(&r, 2) ? (uint8_t)test_next(&r) : test_below(&r, 2) ? 0xff : (uint8_t)(p[at] + 1);
        }
        if (n >= 8)
            tally__put_le(p + n - 8, tally__hash(p, n - 8, 0), 8);
        const tally_status status = tally__store_unpack(into, p, n, &err);
        if (status) {
            assert_true(status == TALLY_DATA_LOSS || status == TALLY_INVALID_ARGUMENT);
            assert_true(kit_same(into, kept));
        } else {
            kit_bytes again = kit_pack(into);
            taken++;
            if (again.n != n || memcmp(again.p, p, n) != 0) {
                print_error("seed %llu: bytes that are not canonical were taken\n", (unsigned long long)seed);
                fail();
            }
            free(again.p);
        }
        free(p);
        free(b.p);
        tally__store_release(s);
        tally__store_release(into);
        tally__store_release(kept);
    }
    assert_true(taken > 0);
}

static void random_bytes_are_refused(void **state)
{
    tally__store *into = random_store(7), *kept = tally__store_clone(into, &err);
    uint8_t       p[256];
    (void)state;
    for (uint64_t seed = 1; seed <= test_scaled(20000); seed++) {
        test_rng     r = { seed };
        const size_t n = test_below(&r, sizeof p);
        for (size_t i = 0; i < n; i++)
            p[i] = (uint8_t)test_next(&r);
        if (seed % 2 && n >= 4)
            memcpy(p, "TLYS", 4);
        if (seed % 4 == 1 && n >= 16)
            tally__put_le(p + n - 8, tally__hash(p, n - 8, 0), 8);
        refused(into, kept, p, n, "random bytes of seed", (size_t)seed);
    }
    assert_status(tally__store_unpack(into, NULL, 0, &err), TALLY_DATA_LOSS, &err);
    assert_status(tally__store_unpack(into, NULL, 100, &err), TALLY_DATA_LOSS, &err);
    tally__store_release(into);
    tally__store_release(kept);
}

static void sizes_beyond_the_bytes_ask_for_no_memory(void **state)
{
    tally__store *s = kit_store(x, "Kit", "a", &err), *into = kit_store(x, "Kit", "b", &err);
    const double  row[] = { 1, 2 };
    (void)state;
    assert_ok(kit_update(s, row, 2, 2, &err), &err);
    kit_bytes    b = kit_pack(s);
    const size_t size_at = b.n - 8 - 2 * 36 - 8;
    assert_int_equal(tally__get_le(b.p + size_at, 8), 2);
    static const uint64_t lies[] = { 0, 1, 3, 1000, UINT64_C(1) << 40, INT64_MAX, UINT64_MAX };
    for (size_t i = 0; i < TALLY__COUNT(lies); i++) {
        const size_t calls = memory.calls, live = memory.bytes;
        tally__put_le(b.p + size_at, lies[i], 8);
        tally__put_le(b.p + b.n - 8, tally__hash(b.p, b.n - 8, 0), 8);
        assert_status(tally__store_unpack(into, b.p, b.n, &err), TALLY_DATA_LOSS, &err);
        assert_int_equal(memory.bytes, live);
        assert_true(memory.calls - calls < 12);
    }
    free(b.p);
    tally__store_release(s);
    tally__store_release(into);
}

static void a_nan_that_no_state_keeps_is_refused(void **state)
{
    tally__store *s = kit_store(x, "Kit", "a", &err);
    const double  nan = NAN;
    size_t        changed = 0;
    (void)state;
    assert_ok(kit_update(s, &nan, 1, 0, &err), &err);
    kit_bytes b = kit_pack(s);
    for (size_t at = 0; at + 16 <= b.n; at++)
        if (tally__get_le(b.p + at, 8) == (uint64_t)0x7ff8 << 48) {
            b.p[at] = 1;
            tally__put_le(b.p + b.n - 8, tally__hash(b.p, b.n - 8, 0), 8);
            assert_status(tally__store_unpack(s, b.p, b.n, &err), TALLY_DATA_LOSS, &err);
            b.p[at] = 0;
            changed++;
        }
    assert_int_equal(changed, 2);
    free(b.p);
    tally__store_release(s);
}

static void bytes_of_another_class_are_named(void **state)
{
    tally__store *a = kit_store(x, "Kit", "a", &err), *other = kit_store(x, "Other", "o", &err);
    kit_bytes     b = kit_pack(other);
    (void)state;
    assert_status(tally__store_unpack(a, b.p, b.n, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "Kit \"a\": packed bytes, expected Kit");
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "found Other");
    free(b.p);
    tally__store_release(a);
    tally__store_release(other);
}

static void unpack_builds_unbuilds_and_refuses_other_sizes(void **state)
{
    tally__store *a = kit_store(x, "Kit", "a", &err), *two = kit_store(x, "Kit", "two", &err),
                 *three = kit_store(x, "Kit", "three", &err), *empty = kit_store(x, "Kit", "empty", &err);
    const double  row[] = { 1, 0.5, 3 };
    (void)state;
    assert_ok(kit_update(two, row, 3, 2, &err), &err);
    assert_ok(kit_update(three, row, 3, 3, &err), &err);
    kit_bytes b2 = kit_pack(two), b3 = kit_pack(three), b0 = kit_pack(empty);
    assert_ok(tally__store_unpack(a, b2.p, b2.n, &err), &err);
    assert_true(kit_same(a, two));
    assert_int_equal(a->commits, 1);
    assert_status(tally__store_unpack(a, b3.p, b3.n, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "expected sizes [2] as built, found [3]");
    assert_true(kit_same(a, two));
    assert_ok(tally__store_unpack(a, b0.p, b0.n, &err), &err);
    assert_true(kit_same(a, empty));
    assert_ok(tally__store_unpack(a, b3.p, b3.n, &err), &err);
    assert_true(kit_same(a, three));
    free(b0.p);
    free(b2.p);
    free(b3.p);
    tally__store_release(a);
    tally__store_release(two);
    tally__store_release(three);
    tally__store_release(empty);
}

static void a_variable_of_every_dtype_comes_back(void **state)
{
    (void)state;
    for (int32_t dtype = TALLY_BOOL; dtype <= TALLY_F64; dtype++) {
        uint64_t raw[6] = { UINT64_C(0x0123456789abcdef), 1, UINT64_MAX, 0, 77, UINT64_C(0x7ff8) << 48 }, got[6];
        if (dtype == TALLY_BOOL)
            raw[0] = 0x010001, raw[2] = 0, raw[4] = 1, raw[5] = 0;
        const int64_t   shape[] = { 2, 3 };
        tally_tensor    t = tally_tensor_view(raw, (tally_dtype)dtype, 2, shape, NULL);
        tally_variable *v = tally_variable_new(x, &t, &err), *w;
        memset(got, 0, sizeof got);
        t.data = got;
        w = tally_variable_new(x, &t, &err);
        kit_bytes b = kit_pack(tally__store_of_variable(v));
        assert_ok(tally__store_unpack(tally__store_of_variable(w), b.p, b.n, &err), &err);
        assert_true(kit_same(tally__store_of_variable(v), tally__store_of_variable(w)));
        if (dtype == TALLY_BOOL) {
            b.p[b.n - 9] = 2;
            tally__put_le(b.p + b.n - 8, tally__hash(b.p, b.n - 8, 0), 8);
            assert_status(tally__store_unpack(tally__store_of_variable(w), b.p, b.n, &err), TALLY_DATA_LOSS, &err);
        }
        tally_buffer out = { got, dtype, 0, 6, { 0 } };
        assert_ok(tally_variable_read(w, &out, &err), &err);
        assert_memory_equal(got, raw, 6 * tally__element_size(dtype));
        free(b.p);
        tally_variable_release(v);
        tally_variable_release(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_comes_back_from_its_bytes),
        cmocka_unit_test(equal_states_give_equal_bytes_whatever_their_history),
        cmocka_unit_test(the_bytes_are_laid_down_once_for_all),
        cmocka_unit_test(a_buffer_that_is_too_small_is_left_alone),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_refused_and_nothing_changes),
        cmocka_unit_test(changed_bytes_with_a_right_checksum_are_refused_or_are_a_canonical_state),
        cmocka_unit_test(random_bytes_are_refused),
        cmocka_unit_test(sizes_beyond_the_bytes_ask_for_no_memory),
        cmocka_unit_test(a_nan_that_no_state_keeps_is_refused),
        cmocka_unit_test(bytes_of_another_class_are_named),
        cmocka_unit_test(unpack_builds_unbuilds_and_refuses_other_sizes),
        cmocka_unit_test(a_variable_of_every_dtype_comes_back),
    };
    return cmocka_run_group_tests_name("pack", tests, pack_setup, pack_teardown);
}
