/* error: what a failing call leaves in the caller's tally_error, and what a text that is too long keeps. */
#include "../support.h"

#include "../../src/base/base.h"

static void a_failure_sets_status_argument_and_text(void **state)
{
    tally_error err;
    (void)state;
    memset(&err, 0x5a, sizeof err);
    tally_status s = tally__fail(&err, TALLY_OUT_OF_RANGE, 2, "take: index, expected 0 to %d, found %l", 4, (int64_t)9);
    assert_int_equal(s, TALLY_OUT_OF_RANGE);
    assert_int_equal(err.status, TALLY_OUT_OF_RANGE);
    assert_int_equal(err.argument, 2);
    assert_string_equal(err.text, "take: index, expected 0 to 4, found 9");
    for (size_t i = strlen(err.text); i < sizeof err.text; i++)
        assert_int_equal(err.text[i], 0);
}

static void no_error_wanted_is_fine(void **state)
{
    (void)state;
    assert_int_equal(tally__fail(NULL, TALLY_ABORTED, -1, "x"), TALLY_ABORTED);
    assert_int_equal(tally__fail_at(NULL, TALLY_INTERNAL, -1, (tally__place){ "a.c", 1 }, "x"), TALLY_INTERNAL);
    assert_int_equal(tally__fail_memory(NULL, 1), TALLY_RESOURCE_EXHAUSTED);
}

static void a_place_is_the_base_name_and_the_line(void **state)
{
    static const char *const file[] = {
        "body.c", "src/deep/body.c", "/abs/body.c", "C:\\work\\body.c", "./a/../body.c",
    };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(file); i++) {
        tally_error err;
        tally__fail_at(&err, TALLY_INVALID_ARGUMENT, 0, (tally__place){ file[i], 12 },
                       "add: b, expected f32, found f64");
        assert_string_equal(err.text, "body.c:12: add: b, expected f32, found f64");
    }
}

static void without_a_file_there_is_no_place(void **state)
{
    tally_error err;
    (void)state;
    tally__fail_at(&err, TALLY_INVALID_ARGUMENT, 0, (tally__place){ NULL, 12 }, "add");
    assert_string_equal(err.text, "add");
}

static void memory_says_how_much(void **state)
{
    tally_error err;
    (void)state;
    assert_int_equal(tally__fail_memory(&err, 4096), TALLY_RESOURCE_EXHAUSTED);
    assert_int_equal(err.argument, -1);
    assert_non_null(strstr(err.text, "4096"));
}

static void a_text_that_just_fits_is_whole(void **state)
{
    char        body[300];
    tally_error err;
    (void)state;
    for (size_t n = 240; n <= 247; n++) {
        memset(body, 'a', n);
        body[n] = 0;
        tally__fail(&err, TALLY_INTERNAL, -1, "%s", body);
        assert_string_equal(err.text, body);
    }
}

/* exactly 247 characters: the two ends of what was meant, and dots */
static void a_longer_text_loses_its_middle(void **state)
{
    (void)state;
    for (size_t n = 248; n < 2000; n += 1 + n / 7) {
        char        body[2000], want[248];
        tally_error err;
        for (size_t i = 0; i < n; i++)
            body[i] = (char)('a' + i % 26);
        body[n] = 0;
        tally__fail(&err, TALLY_INTERNAL, -1, "%s", body);
        memcpy(want, body, 122);
        memcpy(want + 122, "...", 3);
        memcpy(want + 125, body + n - 122, 123);
        assert_string_equal(err.text, want);
    }
}

static void place_expected_and_found_survive_a_long_name(void **state)
{
    char        name[5000], file[400];
    tally_error err;
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    tally__fail_at(&err, TALLY_INVALID_ARGUMENT, 1, (tally__place){ "body.c", 77 },
                   "%s: sample_weight, expected float32[128,64], found int64[3]", name);
    assert_memory_equal(err.text, "body.c:77: nnn", 14);
    assert_non_null(strstr(err.text, "sample_weight, expected float32[128,64], found int64[3]"));
    memset(file, 'f', sizeof file - 1);
    strcpy(file + sizeof file - 4, "x.c");
    tally__fail_at(&err, TALLY_INVALID_ARGUMENT, 1, (tally__place){ file, 77 }, "%s, found 3", name);
    assert_non_null(strstr(err.text, "x.c:77: nnn"));
    assert_non_null(strstr(err.text, "nnn, found 3"));
}

static bool is_whole_utf8(const char *s)
{
    for (; *s; s++) {
        unsigned c = (unsigned char)*s;
        int      follow = c < 0x80 ? 0 : c >> 5 == 6 ? 1 : c >> 4 == 14 ? 2 : c >> 3 == 30 ? 3 : -1;
        if (follow < 0)
            return false;
        for (; follow; follow--)
            if ((*++s & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static void no_character_is_cut_in_two(void **state)
{
    static const char *const unit[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
    (void)state;
    for (size_t u = 0; u < TALLY__COUNT(unit); u++)
        for (size_t shift = 0; shift < 4; shift++) {
            char        body[1000] = "xxxx";
            tally_error err;
            body[shift] = 0;
            for (int i = 0; i < 150; i++)
                strcat(body, unit[u]);
            strcat(body, &"zzzz"[shift]);
            tally__fail(&err, TALLY_INTERNAL, -1, "%s", body);
            assert_true(is_whole_utf8(err.text));
            assert_true(strlen(err.text) >= 240);
        }
}

static void a_text_is_one_line(void **state)
{
    tally_error err;
    (void)state;
    tally__fail(&err, TALLY_INTERNAL, -1, "metric \"%s\": x", "a\nb\tc\r");
    assert_string_equal(err.text, "metric \"a b c \": x");
}

static void a_text_may_quote_another_error(void **state)
{
    tally_error inner, outer;
    (void)state;
    tally__fail(&inner, TALLY_INVALID_ARGUMENT, 0, "inner: x, expected 1, found 2");
    tally__fail(&outer, inner.status, inner.argument, "outer: %s", inner.text);
    assert_string_equal(outer.text, "outer: inner: x, expected 1, found 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_sets_status_argument_and_text),
        cmocka_unit_test(no_error_wanted_is_fine),
        cmocka_unit_test(a_place_is_the_base_name_and_the_line),
        cmocka_unit_test(without_a_file_there_is_no_place),
        cmocka_unit_test(memory_says_how_much),
        cmocka_unit_test(a_text_that_just_fits_is_whole),
        cmocka_unit_test(a_longer_text_loses_its_middle),
        cmocka_unit_test(place_expected_and_found_survive_a_long_name),
        cmocka_unit_test(no_character_is_cut_in_two),
        cmocka_unit_test(a_text_is_one_line),
        cmocka_unit_test(a_text_may_quote_another_error),
    };
    return cmocka_run_group_tests_name("base error", tests, NULL, NULL);
}
