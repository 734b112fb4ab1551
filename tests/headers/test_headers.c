/* headers: each public header compiles alone, without a warning, as C11 and as C++17, with every compiler that is here;
 * and says of each function what the template asks for. */
#define _POSIX_C_SOURCE 200809L
#include "../support.h"

#include <dirent.h>
#include <sys/wait.h>

static const char c_flags[] = "-std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror";
static const char cpp_flags[] = "-std=c++17 -x c++ -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror";

enum { HEADERS_MOST = 32 };
static char header[HEADERS_MOST][64];
static int  headers;

static int find_headers(void **state)
{
    char path[512];
    (void)state;
    snprintf(path, sizeof path, "%s/include/tally", TEST_SOURCE_ROOT);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n > 2 && n < 64 && !strcmp(e->d_name + n - 2, ".h") && headers < HEADERS_MOST)
            strcpy(header[headers++], e->d_name);
    }
    if (d)
        closedir(d);
    return headers < 8;
}

static bool have_compiler(const char *compiler)
{
    char command[256];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", compiler);
    return system(command) == 0;
}

/* included twice: the guard is part of standing alone */
static int compile_alone(const char *compiler, const char *flags, const char *name)
{
    char command[1024];
    snprintf(command, sizeof command,
             "printf '#include <tally/%s>\n#include <tally/%s>\nint main(void) { return 0; }\n' >'%s/alone_%s.c' && "
             "%s %s -I'%s/include' -fsyntax-only '%s/alone_%s.c'",
             name, name, TEST_BUILD_ROOT, name, compiler, flags, TEST_SOURCE_ROOT, TEST_BUILD_ROOT, name);
    int failed = system(command) != 0;
    if (failed)
        print_error("%s %s: <tally/%s> does not stand alone\n", compiler, flags, name);
    return failed;
}

static void compile_all(const char *compiler, const char *flags)
{
    int failed = 0;
    if (!have_compiler(compiler))
        skip();
    for (int i = 0; i < headers; i++)
        failed += compile_alone(compiler, flags, header[i]);
    assert_int_equal(failed, 0);
}

static void each_stands_alone_as_c11_with_the_compiler_of_this_build(void **state)
{
    (void)state;
    compile_all(TEST_CC, c_flags);
}

static void each_stands_alone_as_c11_with_gcc(void **state)
{
    (void)state;
    compile_all("gcc", c_flags);
}

static void each_stands_alone_as_c11_with_clang(void **state)
{
    (void)state;
    compile_all("clang", c_flags);
}

static void each_stands_alone_as_cpp17_with_gcc(void **state)
{
    (void)state;
    compile_all("g++", cpp_flags);
}

static void each_stands_alone_as_cpp17_with_clang(void **state)
{
    (void)state;
    compile_all("clang++", cpp_flags);
}

/* ---- documentation ------------------------------------------------------------------------------------------- */

static char *read_header(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/include/tally/%s", TEST_SOURCE_ROOT, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char  *text = malloc(1 << 20);
    size_t n = text ? fread(text, 1, (1 << 20) - 1, f) : 0;
    if (text)
        text[n] = 0;
    fclose(f);
    return text;
}

/* Declarations below one another, without an empty line between, share the comment above them. NULL: there is none. */
static const char *comment_above(const char *text, const char *at, size_t *n)
{
    const char *begin = at;
    while (begin > text && strncmp(begin, "/**", 3))
        begin--;
    const char *end = strstr(begin, "*/");
    if (begin == text || !end || end > at)
        return NULL;
    for (const char *p = end; p < at; p++)
        if (p[0] == '\n' && p[1] == '\n')
            return NULL;
    *n = (size_t)(end - begin);
    return begin;
}

static bool comment_has(const char *comment, size_t n, const char *word)
{
    size_t m = strlen(word);
    for (size_t i = 0; i + m <= n; i++)
        if (!memcmp(comment + i, word, m))
            return true;
    return false;
}

static int complain_missing(const char *name, const char *line, const char *word)
{
    print_error("%s: no \"%s\" in the comment above: %.*s\n", name, word, (int)strcspn(line, "\n"), line);
    return 1;
}

/* in the part up to the parameters: the result and the name */
static bool declares(const char *line, const char *word)
{
    return comment_has(line, strcspn(line, "(") + 1, word);
}

static int check_declaration(const char *name, const char *text, const char *line)
{
    size_t      n = 0;
    int         missing = 0;
    const char *comment = comment_above(text, line, &n);
    if (!comment)
        return complain_missing(name, line, "/**");
    if (!comment_has(comment, n, "Threads:"))
        missing += complain_missing(name, line, "Threads:");
    if (declares(line, "tally_status ") && !comment_has(comment, n, "Returns:"))
        missing += complain_missing(name, line, "Returns:");
    if (declares(line, "_new(") && !comment_has(comment, n, "Owns:"))
        missing += complain_missing(name, line, "Owns:");
    return missing;
}

static void every_function_is_documented_by_the_template(void **state)
{
    int missing = 0, functions = 0;
    (void)state;
    for (int i = 0; i < headers; i++) {
        char *text = read_header(header[i]);
        assert_non_null(text);
        for (char *p = text; (p = strstr(p, "\nTALLY_API ")); p++) {
            missing += check_declaration(header[i], text, p + 1);
            functions++;
        }
        free(text);
    }
    assert_true(functions > 50);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stands_alone_as_c11_with_the_compiler_of_this_build),
        cmocka_unit_test(each_stands_alone_as_c11_with_gcc),
        cmocka_unit_test(each_stands_alone_as_c11_with_clang),
        cmocka_unit_test(each_stands_alone_as_cpp17_with_gcc),
        cmocka_unit_test(each_stands_alone_as_cpp17_with_clang),
        cmocka_unit_test(every_function_is_documented_by_the_template),
    };
    return cmocka_run_group_tests_name("headers", tests, find_headers, NULL);
}
