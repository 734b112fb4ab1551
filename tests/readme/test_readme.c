/* readme: the first C program of README.md compiles as printed, without a warning, links as a user links and runs; with the
 * lines that follow it prints what the text block behind them says. Every class of the library stands in its table. */
#define _POSIX_C_SOURCE 200809L
#include "../support.h"

#include <tally/metrics.h>

enum { TEXT_ROOM = 1 << 16, PROGRAM_LINES = 20 };

static char readme[TEXT_ROOM], program[TEXT_ROOM], added[TEXT_ROOM], promised[TEXT_ROOM], printed[TEXT_ROOM];

static size_t read_whole(FILE *f, char *text)
{
    size_t n = fread(text, 1, TEXT_ROOM - 1, f);
    text[n] = 0;
    return n;
}

/* copies the fenced block that opens with this line, from here on; returns what follows it, NULL without one */
static const char *take_block(const char *from, const char *open, char *out)
{
    const char *begin = strstr(from, open);
    if (!begin)
        return NULL;
    begin += strlen(open);
    const char *end = strstr(begin, "\n```");
    if (!end)
        return NULL;
    memcpy(out, begin, (size_t)(end + 1 - begin));
    out[end + 1 - begin] = 0;
    return end + 4;
}

/* those that say something: not empty, not a brace alone */
static int count_lines(const char *c)
{
    int lines = 0;
    while (*c) {
        size_t n = strcspn(c, "\n");
        lines += n > strspn(c, " {}");
        c += n + (c[n] == '\n');
    }
    return lines;
}

static void command_must_work(const char *command)
{
    if (system(command)) {
        print_error("failed: %s\n", command);
        fail();
    }
}

static void compile_and_run(void)
{
    char command[2048];
    snprintf(command, sizeof command, "%s/readme.c", TEST_BUILD_ROOT);
    FILE *f = fopen(command, "w");
    assert_non_null(f);
    fputs(program, f);
    fclose(f);
    snprintf(command, sizeof command,
             "cd '%s' && %s -std=c11 -Wall -Wextra -Wpedantic -Werror %s -I'%s/include' readme.c -o readme -L. -ltally "
             "-Wl,-rpath,'%s' -lm",
             TEST_BUILD_ROOT, TEST_CC, TEST_SANITIZE, TEST_SOURCE_ROOT, TEST_BUILD_ROOT);
    command_must_work(command);
    snprintf(command, sizeof command, "'%s/readme' >'%s/readme.txt'", TEST_BUILD_ROOT, TEST_BUILD_ROOT);
    command_must_work(command);
    snprintf(command, sizeof command, "%s/readme.txt", TEST_BUILD_ROOT);
    f = fopen(command, "r");
    assert_non_null(f);
    read_whole(f, printed);
    fclose(f);
}

static int read_readme(void **state)
{
    (void)state;
    FILE *f = fopen(TEST_SOURCE_ROOT "/README.md", "r");
    if (!f)
        return -1;
    read_whole(f, readme);
    return fclose(f);
}

static void every_class_stands_in_the_table(void **state)
{
    const char *table = strstr(readme, "## Metrics\n"), *end = table ? strstr(table, "## Measured\n") : NULL;
    (void)state;
    assert_non_null(end);
    for (int i = 0; i < tally_metric_classes(); i++) {
        tally_metric_description d;
        assert_int_equal(tally_metric_describe(NULL, i, &d), TALLY_OK);
        const char *at = strstr(table, d.class_name);
        if (!at || at > end)
            fail_msg("%s is not in the table of metrics", d.class_name);
    }
}

static void the_program_of_the_readme_runs_as_printed(void **state)
{
    (void)state;
    assert_non_null(take_block(readme, "```c\n", program));
    assert_in_range(count_lines(program), 5, PROGRAM_LINES);
    compile_and_run();
    assert_true(printed[0]);
}

/* the lines before this one of the program */
static void insert_before(const char *line)
{
    char *at = strstr(program, line);
    assert_non_null(at);
    assert_true(strlen(program) + strlen(added) < sizeof program);
    memmove(at + strlen(added), at, strlen(at) + 1);
    memcpy(at, added, strlen(added));
}

/* the page names the instruction set of one machine */
static void name_all(const char *set, const char *as)
{
    for (char *at = printed; (at = strstr(at, set)) != NULL; at += strlen(as)) {
        memmove(at + strlen(as), at + strlen(set), strlen(at + strlen(set)) + 1);
        memcpy(at, as, strlen(as));
    }
}

/* line by line; "..." stands for any number of lines */
static void printed_as_promised(void)
{
    const char *at = printed;
    for (char *part = promised, *end; *part; part = end + 4) {
        end = strstr(part, "...\n");
        assert_non_null(end);
        *end = 0;
        const char *found = strstr(at, part);
        if (!found)
            print_error("printed\n%s\nwhere README.md has\n%s\n", at, part);
        assert_non_null(found);
        at = found + strlen(part);
    }
}

static void the_lines_behind_it_show_what_runs(void **state)
{
    (void)state;
    const char *rest = take_block(readme, "```c\n", program);
    rest = rest ? take_block(rest, "```c\n", added) : NULL;
    assert_non_null(rest);
    assert_non_null(take_block(rest, "```text\n", promised));
    insert_before("    tally_function_release(f);\n");
    compile_and_run();
    name_all("# v4", "# v3");
    name_all("# base", "# v3");
    printed_as_promised();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_of_the_readme_runs_as_printed),
        cmocka_unit_test(the_lines_behind_it_show_what_runs),
        cmocka_unit_test(every_class_stands_in_the_table),
    };
    return cmocka_run_group_tests_name("readme", tests, read_readme, NULL);
}
