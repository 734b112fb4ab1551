/* status: names of the codes as their enumerators spell them, numbers that are ABI, and the version. */
#include "../support.h"

static void every_code_has_its_name_and_number(void **state)
{
    static const struct { tally_status code; int number; const char *name; } row[] = {
        { TALLY_OK, 0, "OK" }, { TALLY_CANCELLED, 1, "CANCELLED" }, { TALLY_INVALID_ARGUMENT, 3, "INVALID_ARGUMENT" },
        { TALLY_NOT_FOUND, 5, "NOT_FOUND" }, { TALLY_ALREADY_EXISTS, 6, "ALREADY_EXISTS" },
        { TALLY_RESOURCE_EXHAUSTED, 8, "RESOURCE_EXHAUSTED" }, { TALLY_FAILED_PRECONDITION, 9, "FAILED_PRECONDITION" },
        { TALLY_ABORTED, 10, "ABORTED" }, { TALLY_OUT_OF_RANGE, 11, "OUT_OF_RANGE" },
        { TALLY_UNIMPLEMENTED, 12, "UNIMPLEMENTED" }, { TALLY_INTERNAL, 13, "INTERNAL" },
        { TALLY_UNAVAILABLE, 14, "UNAVAILABLE" }, { TALLY_DATA_LOSS, 15, "DATA_LOSS" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_int_equal(row[i].code, row[i].number);
        assert_string_equal(tally_status_name(row[i].code), row[i].name);
    }
}

static void any_other_number_is_unknown(void **state)
{
    static const tally_status other[] = { -1, 2, 4, 7, 16, INT32_MIN, INT32_MAX };
    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_string_equal(tally_status_name(other[i]), "UNKNOWN");
}

static void the_linked_version_is_the_one_of_the_header(void **state)
{
    (void)state;
    assert_int_equal(tally_version(), TALLY_VERSION);
    assert_int_equal(tally_version(), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_name_and_number),
        cmocka_unit_test(any_other_number_is_unknown),
        cmocka_unit_test(the_linked_version_is_the_one_of_the_header),
    };
    return cmocka_run_group_tests_name("base status", tests, NULL, NULL);
}
