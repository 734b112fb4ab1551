/* dtype: the table says what the headers promise, and nothing is known of what is no dtype. */
#include "../support.h"

#include "../../src/tensor/tensor.h"

static void sizes_names_and_kinds_are_those_of_the_header(void **state)
{
    static const struct { int32_t d; const char *name; size_t size; int kind; } row[] = {
        { TALLY_BOOL, "bool", 1, TALLY__KIND_BOOL }, { TALLY_U8, "uint8", 1, TALLY__KIND_UINT },
        { TALLY_I8, "int8", 1, TALLY__KIND_INT }, { TALLY_U16, "uint16", 2, TALLY__KIND_UINT },
        { TALLY_I16, "int16", 2, TALLY__KIND_INT }, { TALLY_U32, "uint32", 4, TALLY__KIND_UINT },
        { TALLY_I32, "int32", 4, TALLY__KIND_INT }, { TALLY_U64, "uint64", 8, TALLY__KIND_UINT },
        { TALLY_I64, "int64", 8, TALLY__KIND_INT }, { TALLY_F16, "float16", 2, TALLY__KIND_FLOAT },
        { TALLY_BF16, "bfloat16", 2, TALLY__KIND_FLOAT }, { TALLY_F32, "float32", 4, TALLY__KIND_FLOAT },
        { TALLY_F64, "float64", 8, TALLY__KIND_FLOAT },
    };

    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++) {
        assert_int_equal(row[i].d, (int)i + 1);    /* the numbers are part of the interface */
        assert_string_equal(tally_dtype_name((tally_dtype)row[i].d), row[i].name);
        assert_int_equal(tally_dtype_size((tally_dtype)row[i].d), row[i].size);
        assert_int_equal(tally__element_size(row[i].d), row[i].size);
        assert_int_equal(tally__dtype_bits(row[i].d), 8 * row[i].size);
        assert_int_equal(tally__dtype_kind_of(row[i].d), row[i].kind);
        assert_int_equal(tally__is_float(row[i].d), row[i].kind == TALLY__KIND_FLOAT);
        assert_int_equal(tally__is_integer(row[i].d),
                         row[i].kind == TALLY__KIND_INT || row[i].kind == TALLY__KIND_UINT);
        assert_true(tally__dtype_ok(row[i].d));
    }
}

static void what_is_no_dtype_has_size_0(void **state)
{
    static const int32_t wrong[] = { 0, -1, TALLY__EXACT, 15, INT32_MAX, INT32_MIN };

    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(wrong); i++) {
        assert_false(tally__dtype_ok(wrong[i]));
        assert_int_equal(tally__dtype_kind_of(wrong[i]), 0);
        assert_int_equal(tally__dtype_bits(wrong[i]), 0);
    }
    assert_int_equal(tally__element_size(0), 0);
    assert_int_equal(tally__element_size(15), 0);
    assert_int_equal(tally__element_size(TALLY__EXACT), sizeof(tally__sum));
    assert_int_equal(tally_dtype_size((tally_dtype)TALLY__EXACT), 0);
    assert_string_equal(tally_dtype_name((tally_dtype)0), "unknown");
    assert_string_equal(tally_dtype_name((tally_dtype)99), "unknown");
}

static void every_c_type_finds_its_dtype(void **state)
{
    const float f = 0;
    long        l = 0;
    bool        b = false;

    (void)state;
    assert_int_equal(TALLY_DTYPE_OF(&f), TALLY_F32);
    assert_int_equal(TALLY_DTYPE_OF(&l), sizeof l == 8 ? TALLY_I64 : TALLY_I32);
    assert_int_equal(TALLY_DTYPE_OF(&b), TALLY_BOOL);
    assert_int_equal(tally_vector(&f, 1).dtype, TALLY_F32);
    assert_int_equal(tally_scalar(&l).rank, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_names_and_kinds_are_those_of_the_header),
        cmocka_unit_test(what_is_no_dtype_has_size_0),
        cmocka_unit_test(every_c_type_finds_its_dtype),
    };
    return cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
}
