/* Bytes that nobody packed, given to unpack: a status or success, never a crash, and on a status nothing has changed. What
 * is accepted packs again as the same bytes and can be updated, merged and read. Random bytes, and mutations of real ones:
 * turned bits, swapped, cut and repeated parts, foreign parts; half of them get a right checksum, so that what lies behind
 * it is reached. Compiled with TALLY_LIBFUZZER the same judge is libFuzzer's entry point. */
#include "../laws/classes.h"
#include "../../src/base/base.h"

enum { ROUNDS = 60000, ROOM = 1 << 17 };

typedef struct target {
    tally_metric *m, *seed[3];
    bytes         before;
} target;

static target *targets;
static pool   *memory;

static void open_targets(void)
{
    memory = pool_new();
    targets = pool_alloc(memory, sizeof *targets * (size_t)class_count);
    for (int k = 0; k < class_count; k++) {
        const class_row *row = &class_table[k];
        test_rng         r = { (uint64_t)k + 1 };
        targets[k].m = row->make(row, NULL, TALLY_NAN_PROPAGATE, NULL);
        for (int s = 0; s < 3; s++) {
            meal f = meal_make(row, &r, memory, 1 + 5 * s, TALLY_F64, s == 1 ? WEIGHT_ANY : WEIGHT_NONE);
            targets[k].seed[s] = row->make(row, NULL, TALLY_NAN_PROPAGATE, NULL);
            if (meal_update(targets[k].seed[s], &f, NULL) || (s == 2 && meal_update(targets[k].m, &f, NULL)))
                abort();
        }
        targets[k].before = class_pack(memory, targets[k].m);
    }
}

static void close_targets(void)
{
    for (int k = 0; k < class_count; k++) {
        tally_metric_release(targets[k].m);
        for (int s = 0; s < 3; s++)
            tally_metric_release(targets[k].seed[s]);
    }
    pool_free(memory);
}

static void complain(const char *what, int class_index, const unsigned char *data, size_t n)
{
    fprintf(stderr, "unpack, %s: %s; bytes:", class_table[class_index].name, what);
    for (size_t k = 0; k < n && k < 400; k++)
        fprintf(stderr, " %02x", data[k]);
    fprintf(stderr, "\n");
    abort();
}

/* the last eight bytes: the hash of all before, little endian */
static void repair(unsigned char *data, size_t n)
{
    if (n < 8)
        return;
    uint64_t h = tally__hash(data, n - 8, 0);
    for (int k = 0; k < 8; k++)
        data[n - 8 + (size_t)k] = (unsigned char)(h >> 8 * k);
}

/* whether the bytes were accepted */
static bool judge(int k, const unsigned char *data, size_t n)
{
    target             *t = &targets[k];
    static unsigned char now[ROOM];
    tally_error          err = { 0, 0, "" };
    tally_status         s = tally_metric_unpack(t->m, data, n, &err);
    size_t               size = tally_metric_pack(t->m, now, sizeof now);
    if (s == TALLY_OK) {
        if (size != n || memcmp(now, data, n))
            complain("accepted, but packs as other bytes", k, data, n);
        double   v[64];
        test_rng r = { 3 };
        pool    *p = pool_new();
        meal     f = meal_make(&class_table[k], &r, p, 3, TALLY_F32, WEIGHT_NONE);
        (void)tally_metric_result(t->m);
        (void)!tally_metric_values(t->m, v, 64, NULL);
        (void)!tally_metric_merge_state(t->m, &t->seed[2], 1, NULL);
        (void)!meal_update(t->m, &f, NULL);
        tally_metric_reset_state(t->m);
        pool_free(p);
        tally_metric_release(t->m);
        t->m = class_table[k].make(&class_table[k], NULL, TALLY_NAN_PROPAGATE, NULL);
        if (tally_metric_unpack(t->m, t->before.at, t->before.n, NULL))
            complain("the bytes of before are not taken back", k, data, n);
        return true;
    }
    if (s != TALLY_DATA_LOSS && s != TALLY_INVALID_ARGUMENT)
        complain(tally_status_name(s), k, data, n);
    if (err.status != s || !err.text[0])
        complain("a refusal without text", k, data, n);
    if (size != t->before.n || memcmp(now, t->before.at, size))
        complain("refused, but changed", k, data, n);
    return false;
}

#if defined TALLY_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!targets)
        open_targets();
    static unsigned char copy[ROOM];
    if (n < 2 || n > sizeof copy)
        return 0;
    memcpy(copy, data, n);
    if (data[1] & 1)
        repair(copy + 2, n - 2);
    (void)judge(data[0] % class_count, copy + 2, n - 2);
    return 0;
}

#else

/* One of the seeds of any class with a few mutations. */
static size_t mutate(test_rng *r, unsigned char *data, int *class_index)
{
    *class_index = (int)test_below(r, (size_t)class_count);
    const target *t = &targets[*class_index];
    size_t        n = tally_metric_pack(t->seed[test_below(r, 3)], data, ROOM);
    for (size_t turns = test_below(r, 4); turns > 0 && n > 0; turns--)
        switch (test_below(r, 7)) {
        case 0: data[test_below(r, n)] ^= (unsigned char)(1 << test_below(r, 8)); break;
        case 1: data[test_below(r, n)] = (unsigned char)test_next(r); break;
        case 2: n = test_below(r, n + 1); break;
        case 3: {
            size_t more = test_below(r, 40);
            for (size_t k = 0; k < more && n < ROOM; k++)
                data[n++] = (unsigned char)test_next(r);
            break;
        }
        case 4: {                                           /* an extreme length or count somewhere */
            static const uint64_t extreme[] = { 0, 1, UINT64_MAX, UINT64_MAX / 2, UINT64_C(1) << 32, UINT64_C(1) << 61, 0x80000000u };
            uint64_t              v = extreme[test_below(r, 7)];
            size_t                at = test_below(r, n), size = n - at < 8 ? n - at : test_below(r, 2) ? 8 : 4;
            memcpy(data + at, &v, size < n - at ? size : n - at);
            break;
        }
        case 5: {
            size_t a = test_below(r, n), b = test_below(r, n), size = n - (a > b ? a : b);
            memmove(data + a, data + b, test_below(r, size + 1));
            break;
        }
        default: {
            unsigned char other[ROOM];
            size_t        m = tally_metric_pack(targets[test_below(r, (size_t)class_count)].seed[1], other, ROOM), at = test_below(r, n);
            size_t        from = m ? test_below(r, m) : 0, size = n - at < m - from ? n - at : m - from;
            memcpy(data + at, other + from, size);
        }
        }
    return n;
}

static void foreign_and_damaged_bytes_are_refused_and_change_nothing(void **state)
{
    static unsigned char data[ROOM + 64];
    test_rng             r = { 0xf022 };
    size_t               accepted = 0, rounds = test_scaled(ROUNDS);
    (void)state;
    for (size_t k = 0; k < rounds; k++) {
        size_t n;
        int    from = (int)test_below(&r, (size_t)class_count), own;
        if (k % 8 == 0) {
            n = test_below(&r, 300);
            for (size_t j = 0; j < n; j++)
                data[j] = (unsigned char)test_next(&r);
        } else {
            n = mutate(&r, data, &own);
            from = test_below(&r, 8) ? own : from;
        }
        unsigned char *exact = malloc(n ? n : 1);           /* so that a sanitizer sees one byte too many */
        assert_non_null(exact);
        memcpy(exact, data, n);
        if (k % 2)
            repair(exact, n);
        accepted += judge(from, exact, n);
        free(exact);
    }
    print_message("%zu inputs, %zu accepted\n", rounds, accepted);
    assert_true(accepted > rounds / 20 && accepted * 4 < rounds * 3);
}

/* every bit of short bytes, as many of long ones, all over them */
static size_t stride_over(size_t places)
{
    const size_t most = test_scaled(2000);
    return places / (most ? most : 1) + 1;
}

/* single bits of real bytes, in every class; lengths */
static void no_turned_bit_and_no_missing_byte_is_accepted(void **state)
{
    static unsigned char data[ROOM];
    (void)state;
    for (int k = 0; k < class_count; k++) {
        size_t n = tally_metric_pack(targets[k].seed[1], data, ROOM), step = stride_over(n * 8);
        assert_true(n <= ROOM);
        for (size_t bit = 0; bit < n * 8; bit += step) {
            data[bit / 8] ^= (unsigned char)(1 << bit % 8);
            if (judge(k, data, n))
                fail_msg("%s: bit %zu turned, and accepted", class_table[k].name, bit);
            data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        for (size_t length = 0; length < n; length += stride_over(n))
            assert_false(judge(k, data, length));
        assert_true(judge(k, data, n));
    }
}

/* with a right checksum a turned bit may be another state, but never a state that packs otherwise */
static void a_turned_bit_under_a_right_checksum_is_another_state_or_refused(void **state)
{
    static unsigned char data[ROOM];
    size_t               accepted = 0;
    (void)state;
    for (int k = 0; k < class_count; k++) {
        size_t n = tally_metric_pack(targets[k].seed[1], data, ROOM), step = stride_over(n * 8);
        for (size_t bit = 0; bit < (n - 8) * 8; bit += step) {
            data[bit / 8] ^= (unsigned char)(1 << bit % 8);
            repair(data, n);
            accepted += judge(k, data, n);
            data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        for (size_t length = 8; length < n; length += stride_over(n)) {
            unsigned char *part = malloc(length);
            assert_non_null(part);
            memcpy(part, data, length);
            repair(part, length);
            assert_false(judge(k, part, length));
            free(part);
        }
    }
    assert_true(accepted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_and_damaged_bytes_are_refused_and_change_nothing),
        cmocka_unit_test(no_turned_bit_and_no_missing_byte_is_accepted),
        cmocka_unit_test(a_turned_bit_under_a_right_checksum_is_another_state_or_refused),
    };
    open_targets();
    int failed = cmocka_run_group_tests_name("fuzz/unpack", tests, NULL, NULL);
    close_targets();
    return failed;
}

#endif
