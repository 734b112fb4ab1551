/* decimal: every double reads back from its text to the same bits, no shorter text does, and among the shortest it is
 * the nearest. The judge is the C library's printf and strtod, which round correctly. */
#include "../support.h"

#include <float.h>
#include <locale.h>

#include "../../src/base/base.h"

/* the significant digits, without zeros at either end; their count */
static size_t digits_of(const char *text, char digit[32])
{
    size_t n = 0, kept = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (*text == '0' && !n))
            continue;
        digit[n++] = *text;
        if (*text != '0')
            kept = n;
    }
    digit[kept] = 0;
    return kept;
}

static void print_case(double v, const char *text, const char *why)
{
    print_error("%.17g (0x%016llx) was written \"%s\": %s\n", v, (unsigned long long)test_bits_f64(v), text, why);
}

/* %.{n-1}e of the C library is the nearest text of n digits: shortest means that one with fewer digits reads back
 * differently. The nearest of its length it must be only where that one reads back at all: next to a power of two the
 * nearest may lie outside the narrower gap below. */
static void check_shortest(double v)
{
    char   text[32], digit[32], other[64], other_digit[32];
    size_t length = tally__format_f64(v, text), n = digits_of(text, digit);
    if (length != strlen(text) || length > 24) {
        print_case(v, text, "wrong length");
        fail();
    }
    if (test_bits_f64(strtod(text, NULL)) != test_bits_f64(v)) {
        print_case(v, text, "reads back as another number");
        fail();
    }
    snprintf(other, sizeof other, "%.*e", n > 1 ? (int)n - 2 : 0, v);
    if (n > 1 && test_bits_f64(strtod(other, NULL)) == test_bits_f64(v)) {
        print_case(v, text, "not the shortest");
        fail();
    }
    snprintf(other, sizeof other, "%.*e", n > 1 ? (int)n - 1 : 0, v);
    digits_of(other, other_digit);
    if (test_bits_f64(strtod(other, NULL)) == test_bits_f64(v) && strcmp(digit, other_digit)) {
        print_case(v, text, "not the nearest");
        fail();
    }
}

static void known_numbers_have_known_texts(void **state)
{
    static const struct { double v; const char *text; } row[] = {
        { 0, "0" }, { -0.0, "-0" }, { 3, "3" }, { 0.02, "0.02" }, { 0.1, "0.1" }, { -2.5, "-2.5" }, { 100, "100" },
        { 12300, "12300" }, { 0.5, "0.5" }, { 1.0 / 3, "0.3333333333333333" }, { 0.0001, "0.0001" },
        { 0.00012345, "0.00012345" }, { 1e-5, "1e-05" }, { 2.5e-5, "2.5e-05" }, { 1e16, "10000000000000000" },
        { 123456789012345680, "1.2345678901234568e+17" }, { 1e17, "1e+17" }, { 1e20, "1e+20" }, { 1e22, "1e+22" },
        { 1e23, "1e+23" }, { 9007199254740993.0, "9007199254740992" }, { DBL_MAX, "1.7976931348623157e+308" },
        { DBL_MIN, "2.2250738585072014e-308" }, { 5e-324, "5e-324" },
        { 0x1p-1022 - 0x1p-1074, "2.225073858507201e-308" },
        { 9.5367431640625e-7, "9.5367431640625e-07" }, { 1113178120592002.25, "1113178120592002.2" },
        { 639.5, "639.5" }, { -1e-300, "-1e-300" }, { INFINITY, "inf" }, { -INFINITY, "-inf" }, { NAN, "nan" },
    };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++) {
        char text[32];
        assert_int_equal(tally__format_f64(row[i].v, text), strlen(row[i].text));
        assert_string_equal(text, row[i].text);
    }
}

static void a_nan_of_any_sign_and_payload_is_nan(void **state)
{
    static const uint64_t bits[] = { 0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001, 0xffffffffffffffff };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(bits); i++) {
        char text[32];
        tally__format_f64(test_from_bits_f64(bits[i]), text);
        assert_string_equal(text, "nan");
    }
}

static void random_doubles_read_back_from_the_shortest_text(void **state)
{
    test_rng r = { 20240601 };
    (void)state;
    for (size_t i = test_scaled(100000); i; i--)
        check_shortest(test_any_f64(&r));
}

static void short_decimals_read_back_from_the_shortest_text(void **state)
{
    test_rng r = { 7 };
    (void)state;
    for (size_t i = test_scaled(50000); i; i--) {
        double v = (double)test_below(&r, 1000000);
        for (size_t k = test_below(&r, 12); k; k--)
            v /= 10;
        check_shortest(v);
    }
}

static void every_power_of_two_and_its_neighbours_read_back(void **state)
{
    (void)state;
    for (uint64_t e = 0; e < 2047; e++)
        for (int step = -2; step <= 2; step++) {
            uint64_t bits = (e << 52) + (uint64_t)(int64_t)step;
            if (bits < UINT64_C(0x7ff0000000000000))
                check_shortest(test_from_bits_f64(bits));
        }
}

static void every_power_of_ten_is_one_digit(void **state)
{
    (void)state;
    for (int e = -323; e <= 308; e++) {
        char want[16], text[32], digit[32];
        snprintf(want, sizeof want, "1e%d", e);
        tally__format_f64(strtod(want, NULL), text);
        assert_int_equal(digits_of(text, digit), 1);
        assert_bits_f64(strtod(text, NULL), strtod(want, NULL));
    }
}

static void the_locale_changes_nothing(void **state)
{
    char text[32];
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8");       /* where there is none, this is the same test as above */
    tally__format_f64(0.02, text);
    setlocale(LC_ALL, "C");
    assert_string_equal(text, "0.02");
}

/* ---- reading: the C library's strtod is the judge */
static void check_read(const char *text)
{
    double v = 99;
    if (!tally__read_f64(text, strlen(text), &v) || test_bits_f64(v) != test_bits_f64(strtod(text, NULL))) {
        print_error("\"%s\" was read as %.17g, expected %.17g\n", text, v, strtod(text, NULL));
        fail();
    }
}

static void every_spelling_of_a_number_is_read(void **state)
{
    static const char *const row[] = {
        "0", "-0", "+0", "7", "007", "1.", ".5", "-.5", "0.5", "00.250", "1e3", "1E3", "1e+3", "1e-3", "-1.5e-3", "12300", "0e99999",
        "1e400", "-1e400", "1e-400", "9e999999999", "1e-999999999", "1.7976931348623157e308", "1.7976931348623158e308",
        "1.7976931348623159e308", "2.2250738585072014e-308", "2.2250738585072011e-308", "4.9406564584124654e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "7.4e-324", "9007199254740993", "9007199254740992.9999999",
        "9007199254740993.0000000000000000001", "0.1000000000000000055511151231257827", "1000000000000000000000000000000000000000",
        "0.0000000000000000000000000000000000000000000000000000000001", "100000000000000000000000e-23", "5e-324", "inf", "-inf" };
    double v = 0;
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++)
        check_read(row[i]);
    assert_true(tally__read_f64("nan", 3, &v) && v != v);
    assert_true(tally__read_f64("12345", 2, &v) && v == 12);
}

static void what_is_no_number_is_not_read(void **state)
{
    static const char *const row[] = { "", "-", "+", ".", "-.", "e5", ".e5", "1e", "1e+", "1e5.", "1.2.3", "1 ", " 1", "0x10", "1f", "nan2",
                                       "infinity", "--1", "1e5e5", "None", "12345678901234567890123456789012345678901" };
    double v;
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++)
        if (tally__read_f64(row[i], strlen(row[i]), &v))
            fail_msg("\"%s\" was read as %g", row[i], v);
}

static void random_texts_are_read_to_the_nearest(void **state)
{
    test_rng r = { 31 };
    char     text[64];
    (void)state;
    for (size_t i = test_scaled(100000); i; i--) {
        double v = test_any_f64(&r);
        if (v - v != 0)
            continue;
        snprintf(text, sizeof text, "%.*e", (int)test_below(&r, 30), v);
        check_read(text);
        tally__format_f64(v, text);
        check_read(text);
    }
}

/* halfway between two doubles, written out, and its neighbours in the last place */
static void ties_are_read_to_the_even_one(void **state)
{
    test_rng r = { 32 };
    char     text[64];
    (void)state;
    for (size_t i = test_scaled(20000); i; i--) {
        const uint64_t odd = (UINT64_C(1) << 53) + 2 * test_below(&r, (size_t)1 << 52) + 1;
        for (int step = -1; step <= 1; step++) {
            snprintf(text, sizeof text, "%llu.%s", (unsigned long long)(step < 0 ? odd - 1 : odd), step < 0 ? "99999" : step ? "00001" : "0");
            check_read(text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers_have_known_texts),
        cmocka_unit_test(a_nan_of_any_sign_and_payload_is_nan),
        cmocka_unit_test(random_doubles_read_back_from_the_shortest_text),
        cmocka_unit_test(short_decimals_read_back_from_the_shortest_text),
        cmocka_unit_test(every_power_of_two_and_its_neighbours_read_back),
        cmocka_unit_test(every_power_of_ten_is_one_digit),
        cmocka_unit_test(the_locale_changes_nothing),
        cmocka_unit_test(every_spelling_of_a_number_is_read),
        cmocka_unit_test(what_is_no_number_is_not_read),
        cmocka_unit_test(random_texts_are_read_to_the_nearest),
        cmocka_unit_test(ties_are_read_to_the_even_one),
    };
    return cmocka_run_group_tests_name("base decimal", tests, NULL, NULL);
}
