/* examples: each runs, ends well, and prints what <name>.txt beside this file says. A line "..." there stands for any
 * number of lines. */
#define _POSIX_C_SOURCE 200809L
#include "../support.h"

enum { OUTPUT_ROOM = 1 << 18, EXAMPLES_MOST = 32 };

static char output[OUTPUT_ROOM], expected[OUTPUT_ROOM];

static void read_whole(FILE *f, char *text)
{
    size_t n = fread(text, 1, OUTPUT_ROOM - 1, f);
    text[n] = 0;
}

static size_t line_length(const char *s)
{
    size_t n = strcspn(s, "\n");
    return n + (s[n] == '\n');
}

static bool is_dots(const char *want)
{
    return !strncmp(want, "...", 3) && (want[3] == '\n' || !want[3]);
}

/* At the dots, the next wanted line is looked for further on. Returns where the two part, NULL where they agree. */
static const char *first_difference(const char *got, const char *want)
{
    bool anywhere = false;
    while (*want) {
        size_t n = line_length(want);
        if (is_dots(want)) {
            anywhere = true;
            want += n;
            continue;
        }
        while (anywhere && *got && (line_length(got) != n || memcmp(got, want, n)))
            got += line_length(got);
        if (line_length(got) != n || memcmp(got, want, n))
            return want;
        anywhere = false;
        got += n;
        want += n;
    }
    return *got && !anywhere ? got : NULL;
}

static void it_prints_what_it_should(void **state)
{
    const char *name = *state, *at;
    char        path[1024];
    snprintf(path, sizeof path, "%s/tests/examples/%s.txt", TEST_SOURCE_ROOT, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    read_whole(f, expected);
    fclose(f);
    snprintf(path, sizeof path, "cd '%s/examples' && './%s' 2>&1", TEST_BUILD_ROOT, name);
    f = popen(path, "r");
    assert_non_null(f);
    read_whole(f, output);
    int rc = pclose(f);
    if (rc || (at = first_difference(output, expected))) {
        print_error("%s: exit status %d\n", name, rc);
        if (!rc)
            print_error("first difference at: %.*s\n", (int)strcspn(at, "\n"), at);
        print_error("--- expected\n%s--- printed\n%s", expected, output);
        fail();
    }
}

static void the_comparison_sees_differences(void **state)
{
    (void)state;
    assert_null(first_difference("a\nb\n", "a\nb\n"));
    assert_null(first_difference("a\nb\nc\nd\n", "a\n...\nd\n"));
    assert_null(first_difference("a\nb\n", "a\n...\n"));
    assert_null(first_difference("a\nb\n", "a\n...\nb\n"));
    assert_non_null(first_difference("a\nb\n", "a\n"));
    assert_non_null(first_difference("a\n", "a\nb\n"));
    assert_non_null(first_difference("a\nb\nc\n", "a\n...\nb\n"));
    assert_non_null(first_difference("a\nx\n", "a\ny\n"));
    assert_non_null(first_difference("", "a\n"));
}

int main(void)
{
    static char       names[] = TEST_EXAMPLES;
    struct CMUnitTest tests[EXAMPLES_MOST] = { cmocka_unit_test(the_comparison_sees_differences) };
    size_t            n = 1;
    for (char *name = strtok(names, " "); name && n < EXAMPLES_MOST; name = strtok(NULL, " "))
        tests[n++] = (struct CMUnitTest){ name, it_prints_what_it_should, NULL, NULL, name };
    return _cmocka_run_group_tests("examples", tests, n, NULL, NULL);
}
