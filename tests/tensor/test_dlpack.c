/* dlpack: a DLTensor as producers make it, spelled out byte for byte here, and every one that must be
 * refused. */
#include "../support.h"

#include "../../src/tensor/tensor.h"

typedef struct producer_tensor {   /* dmlc/dlpack, the same since version 0.2 */
    void *data;
    struct { int32_t device_type, device_id; } device;
    int32_t ndim;
    struct { uint8_t code, bits; uint16_t lanes; } dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} producer_tensor;

static float   values[24];
static int64_t shape_of[6] = { 2, 3, 1, 1, 1, 1 }, strides_of[6] = { 1, 2, 1, 1, 1, 1 };

static producer_tensor produced(void)
{
    producer_tensor d = { values, { 1, 0 }, 2, { 2, 32, 1 }, shape_of, strides_of, 0 };
    return d;
}

static void a_strided_tensor_becomes_a_view_of_the_same_memory(void **state)
{
    producer_tensor d = produced();
    tally_tensor    x;
    tally_error     err;

    (void)state;
    d.byte_offset = 8;
    assert_ok(tally_tensor_from_dlpack(&x, &d, &err), &err);
    assert_ptr_equal(x.data, &values[2]);
    assert_int_equal(x.dtype, TALLY_F32);
    assert_int_equal(x.rank, 2);
    assert_int_equal(x.shape[0], 2);
    assert_int_equal(x.shape[1], 3);
    assert_int_equal(x.stride[0], 1);
    assert_int_equal(x.stride[1], 2);
    d.strides = NULL;                              /* row-major, as numpy leaves it */
    assert_ok(tally_tensor_from_dlpack(&x, &d, &err), &err);
    assert_int_equal(x.stride[0], 3);
    assert_int_equal(x.stride[1], 1);
}

static void scalars_and_empty_tensors_need_neither_shape_nor_data(void **state)
{
    producer_tensor d = produced();
    tally_tensor    x;
    tally_error     err;
    int64_t         none[2] = { 0, 5 };

    (void)state;
    d.ndim = 0, d.shape = NULL, d.strides = NULL;
    assert_ok(tally_tensor_from_dlpack(&x, &d, &err), &err);
    assert_int_equal(x.rank, 0);
    d = produced(), d.shape = none, d.data = NULL;
    assert_ok(tally_tensor_from_dlpack(&x, &d, &err), &err);
    assert_null(x.data);
}

static void every_dtype_has_its_code(void **state)
{
    static const struct { uint8_t code, bits; int32_t d; } row[] = {
        { 6, 8, TALLY_BOOL }, { 1, 8, TALLY_U8 },   { 0, 8, TALLY_I8 },    { 1, 16, TALLY_U16 },
        { 0, 16, TALLY_I16 }, { 1, 32, TALLY_U32 }, { 0, 32, TALLY_I32 },  { 1, 64, TALLY_U64 },
        { 0, 64, TALLY_I64 }, { 2, 16, TALLY_F16 }, { 4, 16, TALLY_BF16 }, { 2, 32, TALLY_F32 },
        { 2, 64, TALLY_F64 },
    };
    size_t found = 0;

    (void)state;
    for (int code = 0; code < 20; code++)
        for (int bits = 0; bits < 256; bits++) {
            static int64_t  one[1] = { 1 };
            static double   aligned[1];
            producer_tensor d = { aligned, { 1, 0 }, 1, { (uint8_t)code, (uint8_t)bits, 1 }, one, NULL, 0 };
            tally_tensor    x = { NULL, 0, 0, { 0 }, { 0 } };
            const tally_status s = tally_tensor_from_dlpack(&x, &d, NULL);
            for (size_t i = 0; i < TALLY__COUNT(row); i++)
                if (row[i].code == code && row[i].bits == bits) {
                    assert_int_equal(x.dtype, row[i].d);
                    found++;
                }
            assert_true(s == (x.dtype ? TALLY_OK : TALLY_INVALID_ARGUMENT));
        }
    assert_int_equal(found, 13);
}

static void refuse(const producer_tensor *d, const char *part)
{
    tally_tensor x, before;
    tally_error  err = { 0, 0, "" };

    memset(&x, 0x5a, sizeof x);
    before = x;
    assert_status(tally_tensor_from_dlpack(&x, d, &err), TALLY_INVALID_ARGUMENT, &err);
    assert_error_has(&err, TALLY_INVALID_ARGUMENT, part);
    assert_memory_equal(&x, &before, sizeof x);    /* nothing changed */
}

static void every_wrong_tensor_is_named(void **state)
{
    producer_tensor d;
    tally_error     err;
    int64_t         negative[2] = { 2, -3 };

    (void)state;
    refuse(NULL, "dl_tensor, expected a DLTensor, found NULL");
    d = produced(), d.device.device_type = 2,
    refuse(&d, "device, expected memory that the CPU reads (type 1, 3, 11 or 13), found type 2");
    d = produced(), d.dtype.lanes = 4, refuse(&d, "1 lane, found code 2, 32 bits, 4 lanes");
    d = produced(), d.dtype.code = 5, d.dtype.bits = 64, refuse(&d, "found code 5, 64 bits");
    d = produced(), d.ndim = 7, refuse(&d, "ndim, expected rank 0 to 6, found 7");
    d = produced(), d.ndim = -1, refuse(&d, "found -1");
    d = produced(), d.shape = NULL, refuse(&d, "shape, expected 2 sizes, found NULL");
    d = produced(), d.shape = negative, refuse(&d, "[2, -3]");
    d = produced(), d.data = NULL, refuse(&d, "expected data for shape [2, 3], found NULL");
    d = produced(), d.byte_offset = 2, refuse(&d, "aligned to 4 bytes for float32");
    d = produced(), d.byte_offset = UINT64_MAX - 3, refuse(&d, "byte_offset, expected one within memory");
    d = produced();
    assert_status(tally_tensor_from_dlpack(NULL, &d, &err), TALLY_INVALID_ARGUMENT, &err);
}

static void memory_that_the_processor_reads_is_taken(void **state)
{
    static const int32_t readable[] = { 1, 3, 11, 13 };
    tally_tensor         x;
    tally_error          err;

    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(readable); i++) {
        producer_tensor d = produced();
        d.device.device_type = readable[i];
        assert_ok(tally_tensor_from_dlpack(&x, &d, &err), &err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strided_tensor_becomes_a_view_of_the_same_memory),
        cmocka_unit_test(scalars_and_empty_tensors_need_neither_shape_nor_data),
        cmocka_unit_test(every_dtype_has_its_code),
        cmocka_unit_test(every_wrong_tensor_is_named),
        cmocka_unit_test(memory_that_the_processor_reads_is_taken),
    };
    return cmocka_run_group_tests_name("dlpack", tests, NULL, NULL);
}
