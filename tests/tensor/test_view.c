/* view: what is refused and how it is named, dense strides, the memory a view spans, packing. */
#include "../support.h"

#include "../../src/tensor/tensor.h"

static double memory[64];

static tally_tensor good(void)
{
    const int64_t shape[2] = { 3, 4 };
    return tally_tensor_view(memory, TALLY_F64, 2, shape, NULL);
}

static void refuse(const tally_tensor *x, const char *part)
{
    tally_error err = { 0, 0, "" };

    assert_status(tally__tensor_check(x, 2, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, part);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, "argument 2");
    assert_int_equal(err.argument, 2);
}

static void a_good_view_passes(void **state)
{
    tally_error  err = { 0, 0, "" };
    tally_tensor x = good();

    (void)state;
    assert_ok(tally__tensor_check(&x, 0, &err), &err);
    x = tally_scalar(&memory[1]);
    assert_ok(tally__tensor_check(&x, 0, &err), &err);
    x = tally_strided(&memory[63], 64, -1);
    assert_ok(tally__tensor_check(&x, 0, &err), &err);
    x = tally_strided(memory, (int64_t)1 << 60, 0);                /* one element, seen often */
    assert_ok(tally__tensor_check(&x, 0, &err), &err);
    assert_ok(tally__tensor_check(&x, 0, NULL), &err);
}

static void every_wrong_view_is_named(void **state)
{
    tally_tensor  x;
    const int64_t shape[1] = { 3 };

    (void)state;
    refuse(NULL, "expected a tensor, found NULL");
    x = good(), x.dtype = 0, refuse(&x, "expected a dtype, found 0");
    x = good(), x.dtype = TALLY__EXACT, refuse(&x, "found 14");
    x = good(), x.rank = 7, refuse(&x, "expected rank 0 to 6, found 7");
    x = good(), x.rank = -2, refuse(&x, "found -2");
    x = tally_tensor_view(memory, TALLY_F64, 1, NULL, NULL), refuse(&x, "rank 0 to 6, found -1");
    x = tally_tensor_view(memory, TALLY_F64, 9, shape, NULL), refuse(&x, "rank 0 to 6, found 9");
    x = good(), x.shape[1] = -1, refuse(&x, "found shape [3, -1]");
    x = good(), x.data = NULL, refuse(&x, "expected data for shape [3, 4], found NULL");
    x = good(), x.data = (const char *)memory + 3,
    refuse(&x, "aligned to 8 bytes for float64, found an address that is 3 over");
}

static void extents_that_cannot_exist_are_named(void **state)
{
    tally_tensor x = good();

    (void)state;
    x.shape[0] = x.shape[1] = (int64_t)1 << 32,
    refuse(&x, "fewer than 2^63 elements, found shape [4294967296, 4294967296]");
    x = good(), x.shape[0] = INT64_MAX, x.shape[1] = 1,
    refuse(&x, "an extent that fits in memory, found shape [9223372036854775807, 1]");
    x = good(), x.stride[0] = INT64_MIN, refuse(&x, "an extent that fits in memory");
    x = good(), x.stride[0] = INT64_MAX, refuse(&x, "an extent that fits in memory");
    x = good(), x.stride[0] = -((int64_t)1 << 58), refuse(&x, "strides within memory, found shape [3, 4]");
    x = good(), x.stride[0] = (int64_t)1 << 58, x.stride[1] = -((int64_t)1 << 58),
    refuse(&x, "an extent that fits in memory");
}

static void an_empty_view_needs_no_memory(void **state)
{
    tally_error   err = { 0, 0, "" };
    const int64_t shape[3] = { INT64_MAX, 0, INT64_MAX };
    tally_tensor  x = tally_tensor_view(NULL, TALLY_F32, 3, shape, NULL);

    (void)state;
    assert_ok(tally__tensor_check(&x, 0, &err), &err);
    assert_int_equal(tally__elements(3, shape), 0);
    assert_true(tally__is_dense(&x));
    assert_false(tally__overlap(&x, memory, sizeof memory));
    tally__tensor_pack(NULL, TALLY_F32, &x);
}

static void dense_strides_are_row_major(void **state)
{
    const int64_t shape[4] = { 2, 3, 1, 5 };
    int64_t       stride[4];
    tally_tensor  x;

    (void)state;
    tally__dense(4, shape, stride);
    assert_int_equal(stride[0], 15);
    assert_int_equal(stride[1], 5);
    assert_int_equal(stride[2], 5);
    assert_int_equal(stride[3], 1);
    assert_int_equal(tally__elements(4, shape), 30);
    assert_int_equal(tally__elements(0, NULL), 1);
    x = tally_tensor_view(memory, TALLY_F64, 4, shape, NULL);
    assert_true(tally__is_dense(&x));
    x.stride[2] = 99;                              /* nobody walks an axis of size 1 */
    assert_true(tally__is_dense(&x));
    x.stride[0] = 16;
    assert_false(tally__is_dense(&x));
    x = tally_strided(memory, 4, -1);
    assert_false(tally__is_dense(&x));
}

static void overlap_sees_all_memory_between_the_ends(void **state)
{
    const tally_tensor up = tally_strided(&memory[10], 5, 2),
                       down = tally_strided(&memory[18], 5, -2); /* both 10 .. 18 */

    (void)state;
    assert_true(tally__overlap(&up, &memory[10], 8));
    assert_true(tally__overlap(&up, &memory[18], 1));
    assert_true(tally__overlap(&up, (const char *)&memory[19] - 1, 1));
    assert_false(tally__overlap(&up, &memory[19], 8));
    assert_false(tally__overlap(&up, &memory[9], 8));
    assert_true(tally__overlap(&up, &memory[9], 9));
    assert_true(tally__overlap(&down, &memory[10], 8));
    assert_false(tally__overlap(&down, &memory[9], 8));
    assert_false(tally__overlap(&down, &memory[19], 8));
    assert_true(tally__overlap(&down, memory, sizeof memory));
    assert_false(tally__overlap(&up, &memory[12], 0));
    assert_false(tally__overlap(&up, NULL, 8));
}

static void shapes_read_as_text(void **state)
{
    const int64_t shape[2] = { 3, 4 };
    char          text[32];
    tally__text   t = { text, sizeof text, 0 };

    (void)state;
    tally__put_shape(&t, 2, shape);
    tally__put_shape(&t, 0, NULL);
    tally__put_shape(&t, 1, shape);
    assert_string_equal(text, "[3, 4][][3]");
}

/* element number i of x in row-major order, found by division */
static const char *element(const tally_tensor *x, int64_t i)
{
    const char *at = x->data;

    for (int k = x->rank - 1; k >= 0; k--) {
        at += i % x->shape[k] * x->stride[k] * (int64_t)tally__element_size(x->dtype);
        i /= x->shape[k];
    }
    return at;
}

/* a view of any rank and strides into `from`, of `room` elements */
static tally_tensor any_view(test_rng *r, const void *from, int32_t dtype, int64_t room)
{
    tally_tensor x = { from, dtype, (int32_t)test_below(r, TALLY_MAX_RANK + 1), { 0 }, { 0 } };
    int64_t      low = 0, high = 0;

    tally_tensor dense = x;
    for (int k = 0; k < x.rank; k++) x.shape[k] = 1 + (int64_t)test_below(r, 4);
    tally__dense(x.rank, x.shape, dense.stride);
    for (int k = 0; k < x.rank; k++) {
        const int64_t step = test_below(r, 3) ? dense.stride[k] : (int64_t)test_below(r, 30) - 15;
        x.stride[k] = test_below(r, 4) ? step : -step;
        *(x.stride[k] < 0 ? &low : &high) += (x.shape[k] - 1) * x.stride[k];
    }
    assert_true(high - low < room);
    x.data = (const char *)from - low * (int64_t)tally__element_size(dtype);
    return x;
}

static void any_view_packs_in_row_major_order(void **state)
{
    enum { ROOM = 20000 };
    static uint64_t room[ROOM], packed[4096], single;
    const size_t    cases = test_scaled(20000);
    tally_error     err = { 0, 0, "" };

    (void)state;
    for (size_t i = 0; i < cases; i++) {
        test_rng           r = { i };
        const int32_t      dtype = TALLY_BOOL + (int32_t)test_below(&r, 13),
                      to = TALLY_BOOL + (int32_t)test_below(&r, 13);
        const tally_tensor x = any_view(&r, room, dtype, ROOM);
        const size_t       size = tally__element_size(to);
        for (size_t j = 0; j < 1000 && i % 100 == 0; j++) room[test_below(&r, ROOM)] = test_next(&r);
        assert_ok(tally__tensor_check(&x, 0, &err), &err);
        tally__tensor_pack(packed, to, &x);
        const int64_t n = tally__elements(x.rank, x.shape);
        for (int64_t j = 0; j < n; j++) {
            tally__convert(&single, to, element(&x, j), dtype, 1, 1);
            if (!memcmp((const char *)packed + (size_t)j * size, &single, size)) continue;
            print_error("case %zu: element %lld of rank %d\n", i, (long long)j, (int)x.rank);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_view_passes),
        cmocka_unit_test(every_wrong_view_is_named),
        cmocka_unit_test(extents_that_cannot_exist_are_named),
        cmocka_unit_test(an_empty_view_needs_no_memory),
        cmocka_unit_test(dense_strides_are_row_major),
        cmocka_unit_test(overlap_sees_all_memory_between_the_ends),
        cmocka_unit_test(shapes_read_as_text),
        cmocka_unit_test(any_view_packs_in_row_major_order),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
