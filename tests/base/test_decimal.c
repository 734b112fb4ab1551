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
    };
    return cmocka_run_group_tests_name("base decimal", tests, NULL, NULL);
}
